# SPDX-License-Identifier: GPL-2.0-or-later
"""The QEMU command line of a guest.

microvm with an uncompressed kernel boots fastest under emulation; erms and fsrm are off because
emulated `rep movsb` is slow.  QEMU runs in the VM's directory; paths there are relative.
"""
import dataclasses
import pathlib

from . import tsc

CMDLINE = ("console=ttyS0 loglevel=5 panic=-1 oops=panic reboot=t tsc=reliable "
           "rcupdate.rcu_cpu_stall_timeout=60 nokaslr mitigations=off "
           "net.ifnames=0 random.trust_cpu=on")


@dataclasses.dataclass
class Disk:
    """A disk of the guest: a file of `size` bytes; `serial` is its name in the guest."""
    serial: str
    size: int = 0
    path: pathlib.Path = None
    cache: str = "writeback"


@dataclasses.dataclass
class Config:
    kernel: object
    mem_mb: int = 1024
    smp: int = 2
    disks: list = dataclasses.field(default_factory=list)
    forwards: list = dataclasses.field(default_factory=list)   # (host port, guest port)
    share: pathlib.Path = pathlib.Path("/")
    cmdline: str = ""
    deadline_s: int = 300
    icount: bool = False


def arguments(cfg, initramfs, out):
    khz = tsc.ICOUNT_KHZ if cfg.icount else tsc.host_khz()
    cmdline = f"{CMDLINE} tsc_early_khz={khz} {cfg.kernel.cmdline} {cfg.cmdline}".strip()
    a = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot",
         "-display", "none", "-m", f"{cfg.mem_mb}M", "-cpu", "max,-erms,-fsrm",
         "-M", "microvm,rtc=on" + ("" if cfg.kernel.pvh else ",acpi=off"),
         "-serial", "file:console.log",
         "-pidfile", "qemu.pid",
         "-kernel", str(cfg.kernel.boot_image), "-initrd", str(initramfs),
         "-append", cmdline]
    if cfg.icount:
        a += ["-accel", "tcg,thread=single", "-smp", "1", "-icount", "shift=1,sleep=off"]
    else:
        a += ["-accel", "tcg,thread=multi,tb-size=256", "-smp", str(cfg.smp)]
    a += ["-device", "virtio-serial-device", "-chardev", "pipe,id=ctl,path=ctl",
          "-device", "virtserialport,chardev=ctl,name=rpl.ctl"]
    for tag, path, ro in (("host", cfg.share, "on"), ("out", out, "off")):
        a += ["-fsdev", f"local,id={tag},path={path},security_model=none,readonly={ro},"
              "multidevs=remap", "-device", f"virtio-9p-device,fsdev={tag},mount_tag={tag}"]
    fwd = "".join(f",hostfwd=tcp:127.0.0.1:{h}-:{g}" for h, g in cfg.forwards)
    a += ["-netdev", f"user,id=net,restrict=on{fwd}", "-device", "virtio-net-device,netdev=net",
          "-device", "virtio-rng-device"]
    for i, d in enumerate(cfg.disks):
        a += ["-drive", f"if=none,id=d{i},file={d.path},format=raw,cache={d.cache},"
              "discard=unmap,detect-zeroes=off",
              "-device", f"virtio-blk-device,drive=d{i},serial={d.serial}"]
    return a
