# SPDX-License-Identifier: GPL-2.0-or-later
"""6.1 kernels of our own with KASAN, lockdep, kmemleak and friends, built once into the cache.

`debug` is for QEMU and has several CPUs, `uml` is User Mode Linux: a program of this machine, as
fast as it, with one CPU.  `kcsan` is like `debug`, and looks for data races.  `uml-plain` is `uml`
without all of these.  Each takes about eight minutes of two CPUs.  An entry's key is what it is made
of: the fragments of its configuration, the version of the source, what patches it, and the compiler.
"""
import dataclasses
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

from . import cache, kernels, source

VM = pathlib.Path(__file__).resolve().parents[1]


@dataclasses.dataclass(frozen=True)
class Recipe:
    fragments: tuple        # of the configuration; later ones replace lines of earlier ones
    image: str              # the target of make, and the file below the build that boots
    boot: str
    make_args: tuple = ()
    patches: tuple = ()


UM = ("patches/um-xstate.patch",)
OWN = {
    "debug": Recipe(("debug.config",), "bzImage", "arch/x86/boot/bzImage"),
    "kcsan": Recipe(("debug.config", "kcsan.config"), "bzImage", "arch/x86/boot/bzImage"),
    "uml": Recipe(("debug.config", "uml.config"), "linux", "linux", ("ARCH=um",), UM),
    "uml-plain": Recipe(("debug.config", "uml.config", "plain.config"), "linux", "linux", ("ARCH=um",),
                        UM),
}
OPTION = re.compile(r"^(?:# )?(CONFIG_\w+)(?:=.*| is not set)$")


class Dropped(Exception):
    """The configuration has no place for something that the kernel is to have."""


def _texts(recipe):
    return [(VM / f).read_text() for f in recipe.fragments]


def _key(recipe, tar):
    cc = subprocess.run(["gcc", "-dumpfullversion"], capture_output=True, text=True).stdout
    texts = _texts(recipe) + [(VM / p).read_text() for p in recipe.patches]
    text = "".join(texts) + cc + str(tar.stat().st_size)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def options(texts):
    """{option: its line} of fragments, of which later ones win."""
    found = {}
    for line in "\n".join(texts).splitlines():
        m = OPTION.match(line)
        if m:
            found[m[1]] = line
    return found


def _make(recipe, src, out, *args):
    jobs = os.environ.get("RPL_JOBS") or str(min(2, os.cpu_count() or 1))
    subprocess.run(["nice", "make", "-s", "-C", src, f"O={out}", f"-j{jobs}", *recipe.make_args,
                    *args], check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)


def _configure(recipe, src, out):
    out.mkdir(exist_ok=True)
    # What is not asked for is off: it is allnoconfig.
    want = [o for o in options(_texts(recipe)).values() if not o.startswith("#")]
    (out / "fragment").write_text("".join(f"{o}\n" for o in want))
    _make(recipe, src, out, f"KCONFIG_ALLCONFIG={out / 'fragment'}", "allnoconfig")
    have = set((out / ".config").read_text().splitlines())
    lost = [o for o in want if o not in have]
    if lost:
        raise Dropped(f"options that the configuration dropped: {' '.join(lost)}")


def _build(series, tar, where):
    recipe = OWN[series]
    where.mkdir(parents=True, exist_ok=True)
    src, out, root = where / "src", where / "build", where / "root"
    if not (where / "unpacked").exists():
        src.mkdir(exist_ok=True)
        subprocess.run(["tar", "-xJf", tar, "--strip-components=1", "-C", src], check=True)
        for patch in recipe.patches:
            subprocess.run(["patch", "-s", "-p1", "-d", src, "-i", VM / patch], check=True)
        (where / "unpacked").touch()
    _configure(recipe, src, out)
    _make(recipe, src, out, recipe.image, "modules")
    _make(recipe, src, out, f"INSTALL_MOD_PATH={root}", "modules_install")
    release = (out / "include/config/kernel.release").read_text().strip()
    info = {
        "recipe": kernels.RECIPE, "series": series, "release": release,
        "boot": f"build/{recipe.boot}", "modules": f"root/lib/modules/{release}",
        "headers": "build", "make_args": [*recipe.make_args],
    }
    info["needs"] = [info["boot"], info["modules"] + "/modules.dep.bin", "build/Module.symvers"]
    (where / "kernel.json").write_text(json.dumps(info, indent=1))


def get(series):
    tar = source.tarball()
    where = cache.root() / "kernels" / f"{series}-{_key(OWN[series], tar)}"
    with cache.locked(f"kernel-{series}"):
        if (where / "kernel.json").exists():
            kernel = kernels.Kernel(where)
            if kernel.complete():
                return kernel
        _build(series, tar, where)
        return kernels.Kernel(where)
