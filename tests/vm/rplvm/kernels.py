# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's kernels, unpacked in the cache: image, modules and headers, nothing installed.

An entry of the cache is complete or absent.  Its `kernel.json` says where things are and lists the
files that must exist; an entry that lost one of them is made again.
"""
import json
import os
import pathlib
import re
import subprocess

from . import aptpriv, cache, vmlinux

# Which suites may hold a kernel of each series, and the number of this recipe: a change of what an
# entry contains must change it.
RECIPE = 5
SERIES = {
    "6.1": ["bookworm", "bookworm-security"],
    "6.12": ["bookworm-backports"],
    "7.2": ["forky", "trixie-backports"],
}
# Built here (debugkernel.py).
OWN = ("debug", "kcsan", "uml", "uml-plain")
CHECKING = {"debug", "kcsan", "uml"}        # of these: faults can be injected, UBSAN is there
LEAKS = {"debug", "uml"}                    # and of these: kmemleak looks for memory that is lost
OWN_OFFERS = {"faults"}
QEMU_OFFERS = {"disks", "icount", "standstill"}
# Tools of newer suites are linked against a newer C library: they run with that library's loader.
LOADER_FROM = {"7.2": "forky"}
LOADER_PACKAGES = ["libc6", "libelf1t64", "zlib1g", "libzstd1", "libssl3t64"]


class Kernel:
    """An unpacked kernel: `series` ("6.1"), `release` (uname -r) and the paths in `info`."""

    def __init__(self, where):
        self.dir = where
        self.info = json.loads((where / "kernel.json").read_text())
        self.series = self.info["series"]
        self.release = self.info["release"]

    def path(self, name):
        return self.dir / self.info[name]

    @property
    def boot_image(self):
        return self.path("boot")

    @property
    def modules(self):
        return self.path("modules")

    @property
    def headers(self):
        return self.path("headers")

    @property
    def pvh(self):
        """Does it boot as an ELF file?  A KASAN kernel does not: its entry code is instrumented."""
        return self.boot_image.name == "vmlinux"

    @property
    def native(self):
        """User Mode Linux: a program of this machine, not a guest of QEMU."""
        return self.series.startswith("uml")

    @property
    def offers(self):
        """What a suite can ask for that not every kernel has."""
        return (OWN_OFFERS if self.series in CHECKING else set()) | \
            (set() if self.native else QEMU_OFFERS)

    @property
    def cmdline(self):
        """Lost memory must not hold the address of the next piece of it, as memory does that was
        free before: kmemleak would take that one for used."""
        return "slub_debug=P" if self.series in LEAKS else ""

    @property
    def make_args(self):
        # The kernels of our own have UBSAN, but not in every file: in all of a module of ours.
        return self.info["make_args"] + (["UBSAN_SANITIZE=y"] if self.series in CHECKING else [])

    def complete(self):
        return self.info["recipe"] == RECIPE and all(
            (self.dir / f).exists() for f in self.info["needs"])


def _version_key(release):
    return [int(n) for n in re.findall(r"\d+", release)]


def _newest(apt, series):
    """The newest release of the series for which both headers and image can be fetched."""
    dotted = re.escape(series)
    headers = apt.names(rf"^linux-headers-{dotted}\.[0-9][^-]*(-[0-9]+)?-amd64$")
    found = []
    for name in headers:
        release = name[len("linux-headers-"):]
        if re.fullmatch(rf"{dotted}\.\d+([-+.]\w+)*-amd64", release) and "-rt-" not in release \
                and "-cloud-" not in release and apt.names(f"^linux-image-{re.escape(release)}$"):
            found.append(release)
    if not found:
        raise aptpriv.AptError(f"no kernel {series} in {', '.join(SERIES[series])}")
    return max(found, key=_version_key)


def _packages(apt, release):
    """What to download: Debian splits the image package of newer kernels in three."""
    base = release[:-len("-amd64")]
    names = [f"linux-headers-{release}", f"linux-headers-{base}-common"]
    kbuild = f"linux-kbuild-{base}"
    if not apt.names(f"^{re.escape(kbuild)}$"):
        kbuild = "linux-kbuild-" + ".".join(base.split(".")[:2])
    names.append(kbuild)
    split = [f"linux-{part}-{release}" for part in ("binary", "modules", "base")]
    if all(apt.names(f"^{re.escape(p)}$") for p in split):
        return names + split
    return names + [f"linux-image-{release}"]


def _relocate_headers(root, release):
    """The packages name absolute paths below /usr: point them at the unpacked tree."""
    src = root / "usr/src"
    for makefile in (src / f"linux-headers-{release}" / "Makefile",):
        text = makefile.read_text()
        makefile.write_text(re.sub(r"(?<![\w.$)/])/usr/(src|lib)/", rf"{root}/usr/\1/", text))
    for link in [p for p in src.rglob("*") if p.is_symlink()]:
        target = os.readlink(link)
        if target.startswith("/usr/"):
            link.unlink()
            link.symlink_to(os.path.relpath(root / target[1:], link.parent))


def _is_dynamic_elf(path):
    if path.is_symlink() or not path.is_file() or not os.access(path, os.X_OK):
        return False
    with open(path, "rb") as f:
        head = f.read(4096)
    return head[:4] == b"\x7fELF" and b"ld-linux" in head


def _wrap_tools(root, loader_root):
    """Start kbuild's own programs with the loader and the libraries of their suite."""
    loader = next(loader_root.rglob("ld-linux-x86-64.so.2"))
    libs = loader_root / "usr/lib/x86_64-linux-gnu"
    for tree in (root / "usr/lib").glob("linux-kbuild-*"):
        for tool in [p for p in tree.rglob("*") if _is_dynamic_elf(p)]:
            real = tool.with_name(tool.name + ".elf")
            tool.rename(real)
            # objtool looks for its second half beside the name that it was called by.
            tool.write_text(f"#!/bin/sh\nexec {loader} --argv0 {tool} --library-path {libs} "
                            f'{real} "$@"\n')
            tool.chmod(0o755)


def _make_args(series):
    """Arguments of make that let this machine's gcc build modules for the series."""
    args = ["CONFIG_DEBUG_INFO_BTF_MODULES="]
    if series == "7.2":
        args += ["CC=gcc", "CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT=",
                 "CONFIG_GCC_PLUGINS=", "KCFLAGS=-Wno-attributes"]
    return args


def _modules_dir(root, release):
    for base in ("lib/modules", "usr/lib/modules"):
        if (root / base / release / "kernel").is_dir():
            return pathlib.Path(base)
    raise aptpriv.AptError(f"no modules of {release} in the packages")


def _image(root, release, modules):
    for p in (root / f"boot/vmlinuz-{release}", root / modules / release / "vmlinuz"):
        if p.exists():
            return p
    raise aptpriv.AptError(f"no image of {release} in the packages")


def _build_entry(series, work, final):
    apt = aptpriv.Apt(cache.root() / "apt" / series, SERIES[series])
    apt.update()
    release = _newest(apt, series)
    root = work / "root"
    apt.fetch(_packages(apt, release), root)
    modules = _modules_dir(root, release)
    base = root if modules.parts[0] == "lib" else root / "usr"
    subprocess.run(["depmod", "-b", base, release], check=True)
    vmlinux.extract(_image(root, release, modules), work / "vmlinux")
    if series in LOADER_FROM:
        apt.fetch([f"{p}/{LOADER_FROM[series]}" for p in LOADER_PACKAGES], work / "loader")
        _wrap_tools(root, work / "loader")
    info = {
        "recipe": RECIPE, "series": series, "release": release, "boot": "vmlinux",
        "modules": f"root/{modules}/{release}",
        "headers": f"root/usr/src/linux-headers-{release}",
        "make_args": _make_args(series),
    }
    info["needs"] = [info["boot"], info["modules"] + "/modules.dep.bin",
                     info["headers"] + "/Makefile", info["headers"] + "/Module.symvers"]
    _relocate_headers(root, release)
    _retarget(work, final)
    (work / "kernel.json").write_text(json.dumps(info, indent=1))


def _retarget(work, final):
    """Paths were written while the entry had its scratch name; it is about to be renamed."""
    for p in [*work.glob("root/usr/src/*/Makefile"), *work.glob("root/usr/lib/linux-kbuild-*/**/*")]:
        if p.is_symlink() or not p.is_file() or p.stat().st_size > 1 << 16:
            continue
        data = p.read_bytes()
        if bytes(work) in data:
            p.write_bytes(data.replace(bytes(work), bytes(final)))


def get(series, refresh=False):
    """The kernel of `series`, fetched when it is not complete in the cache."""
    if series in OWN:
        from . import debugkernel
        return debugkernel.get(series)
    if series not in SERIES:
        raise ValueError(f"unknown kernel {series}: choose one of {', '.join([*SERIES, *OWN])}")
    where = cache.root() / "kernels" / series
    with cache.locked(f"kernel-{series}"):
        if not refresh and (where / "kernel.json").exists():
            kernel = Kernel(where)
            if kernel.complete():
                return kernel
        with cache.new_entry(where) as work:
            _build_entry(series, work, where)
        return Kernel(where)
