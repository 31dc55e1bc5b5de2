# SPDX-License-Identifier: GPL-2.0-or-later
"""A 6.1 kernel of our own with KASAN, lockdep, kmemleak and friends, built once into the cache.

Takes about eight minutes of two CPUs.  The entry's key is what it is made of: the fragment
debug.config, the version of the source and the compiler.
"""
import hashlib
import json
import os
import pathlib
import subprocess

from . import cache, kernels, source

FRAGMENT = pathlib.Path(__file__).resolve().parents[1] / "debug.config"


def _key(tar):
    cc = subprocess.run(["gcc", "-dumpfullversion"], capture_output=True, text=True).stdout
    text = FRAGMENT.read_text() + cc + str(tar.stat().st_size)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _make(src, out, *args):
    jobs = os.environ.get("RPL_JOBS") or str(min(2, os.cpu_count() or 1))
    subprocess.run(["nice", "make", "-s", "-C", src, f"O={out}", f"-j{jobs}", *args], check=True,
                   stdin=subprocess.DEVNULL)


def _configure(src, out):
    out.mkdir(exist_ok=True)
    env_config = out / "fragment"
    env_config.write_text(FRAGMENT.read_text())
    _make(src, out, f"KCONFIG_ALLCONFIG={env_config}", "allnoconfig")
    have = (out / ".config").read_text().splitlines()
    lost = [o for o in FRAGMENT.read_text().splitlines() if o.startswith("CONFIG_") and o not in have]
    if lost:
        print("debug kernel: options that the configuration dropped:", *lost)


def _build(tar, where):
    where.mkdir(parents=True, exist_ok=True)
    src, out, root = where / "src", where / "build", where / "root"
    if not (where / "unpacked").exists():
        src.mkdir(exist_ok=True)
        subprocess.run(["tar", "-xJf", tar, "--strip-components=1", "-C", src], check=True)
        (where / "unpacked").touch()
    _configure(src, out)
    _make(src, out, "bzImage", "modules")
    _make(src, out, f"INSTALL_MOD_PATH={root}", "modules_install")
    release = (out / "include/config/kernel.release").read_text().strip()
    info = {
        "recipe": kernels.RECIPE, "series": "debug", "release": release,
        "boot": "build/arch/x86/boot/bzImage", "modules": f"root/lib/modules/{release}",
        "headers": "build", "make_args": [],
    }
    info["needs"] = [info["boot"], info["modules"] + "/modules.dep.bin", "build/Module.symvers"]
    (where / "kernel.json").write_text(json.dumps(info, indent=1))


def get():
    tar = source.tarball()
    where = cache.root() / "kernels" / f"debug-{_key(tar)}"
    with cache.locked("kernel-debug"):
        if (where / "kernel.json").exists():
            kernel = kernels.Kernel(where)
            if kernel.complete():
                return kernel
        _build(tar, where)
        return kernels.Kernel(where)
