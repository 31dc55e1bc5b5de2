# SPDX-License-Identifier: GPL-2.0-or-later
"""The first root of a guest: busybox, the few modules that reach the host's files, and our init."""
import hashlib
import lzma
import os
import pathlib
import shutil
import subprocess

from . import cache

GUEST = pathlib.Path(__file__).resolve().parents[1] / "guest"
# Loaded in this order, each after what it depends on.
MODULES = ["virtio_mmio", "virtio_console", "virtio_blk", "virtio_net", "virtio_rng",
           "9pnet_virtio", "9p", "overlay"]
NATIVE_MODULES = ["hostfs", "overlay"]


class Missing(Exception):
    pass


def _dependencies(kernel):
    """{module name: (file, [files it needs])} from modules.dep."""
    deps = {}
    for line in (kernel.modules / "modules.dep").read_text().splitlines():
        name, needs = line.split(":", 1)
        key = pathlib.Path(name).name.split(".ko")[0].replace("-", "_")
        deps[key] = (name, needs.split())
    return deps


def _load_order(kernel):
    builtin = {pathlib.Path(p).name.split(".ko")[0].replace("-", "_")
               for p in (kernel.modules / "modules.builtin").read_text().split()}
    deps, order = _dependencies(kernel), []
    for m in NATIVE_MODULES if kernel.native else MODULES:
        if m in builtin:
            continue
        if m not in deps:
            raise Missing(f"kernel {kernel.release} has no module {m}")
        name, needs = deps[m]
        # modules.dep lists the needed ones so that the last is to be loaded first.
        for f in [*reversed(needs), name]:
            if f not in order:
                order.append(f)
    return order


def _module_bytes(path):
    data = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(data)
    if path.suffix == ".zst":
        return subprocess.run(["zstd", "-dc"], input=data, check=True,
                              stdout=subprocess.PIPE).stdout
    return data


class _Cpio:
    """The newc archive that the kernel unpacks."""

    def __init__(self):
        self.out, self.ino = bytearray(), 0

    def add(self, name, mode, data=b""):
        self.ino += 1
        raw = name.encode() + b"\0"
        fields = [self.ino, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), 0]
        self.out += b"070701" + b"".join(b"%08X" % f for f in fields) + raw
        self.out += b"\0" * (-len(self.out) % 4) + data
        self.out += b"\0" * (-len(self.out) % 4)

    def finish(self):
        self.add("TRAILER!!!", 0)
        return bytes(self.out)


def _busybox():
    for p in ("/bin/busybox", shutil.which("busybox")):
        if p and os.path.exists(p):
            return pathlib.Path(p).read_bytes()
    raise Missing("no busybox: install busybox-static")


def get(kernel):
    """The initramfs file for `kernel`, made when its ingredients have changed."""
    init, box = (GUEST / "init").read_bytes(), _busybox()
    order = _load_order(kernel)
    key = hashlib.sha256(b"\0".join([init, box, kernel.release.encode(), *map(str.encode, order)]))
    path = cache.root() / "initramfs" / f"{kernel.series}-{key.hexdigest()[:16]}.cpio"
    if path.exists():
        return path
    c = _Cpio()
    for d in ("bin", "dev", "proc", "sys", "m", "lower", "top", "new"):
        c.add(d, 0o040755)
    c.add("bin/busybox", 0o100755, box)
    c.add("init", 0o100755, init)
    names = []
    for i, f in enumerate(order):
        names.append(f"{i:02}-{pathlib.Path(f).name.split('.ko')[0]}.ko")
        c.add(f"m/{names[-1]}", 0o100644, _module_bytes(kernel.modules / f))
    c.add("m/order", 0o100644, "".join(n + "\n" for n in names).encode())
    path.parent.mkdir(parents=True, exist_ok=True)
    tmp = path.with_suffix(f".{os.getpid()}")
    tmp.write_bytes(c.finish())
    tmp.rename(path)
    return path
