# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's kernel source in the cache: for the debug kernel, and for the scripts of kernel style."""
import subprocess

from . import aptpriv, cache, kernels

PACKAGE = "linux-source-6.1"
TARBALL = f"usr/src/{PACKAGE}.tar.xz"
SCRIPTS = ["checkpatch.pl", "spelling.txt", "const_structs.checkpatch"]


def tarball():
    """The file linux-source-6.1.tar.xz."""
    where = cache.root() / "source"
    with cache.locked("source"):
        if not (where / TARBALL).exists():
            with cache.locked("kernel-6.1"):
                apt = aptpriv.Apt(cache.root() / "apt" / "6.1", kernels.SERIES["6.1"])
                apt.update()
                with cache.new_entry(where) as work:
                    apt.fetch([PACKAGE], work)
    return where / TARBALL


def checkpatch():
    """checkpatch.pl, with its word lists beside it."""
    where = cache.root() / "checkpatch"
    tar = tarball()
    with cache.locked("checkpatch"):
        if not all((where / s).exists() for s in SCRIPTS):
            with cache.new_entry(where) as work:
                # --occurrence ends the reading when the last one was found.
                subprocess.run(["tar", "-xJf", tar, "--occurrence=1", "--strip-components=2",
                                "-C", work, *[f"{PACKAGE}/scripts/{s}" for s in SCRIPTS]],
                               check=True)
    return where / SCRIPTS[0]
