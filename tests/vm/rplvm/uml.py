# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line of a User Mode Linux guest: a process of this machine, with one CPU.

It reaches this machine's files by hostfs, takes requests from the pipe ctl.in as its first serial
line, and its console goes to console.log.  Paths are relative to the VM's directory.
"""

CMDLINE = ("console=tty0 con0=null,fd:1 con=null ssl0=fd:3,fd:4 ssl=null uml_dir=uml noreboot "
           "loglevel=5 panic=-1 oops=panic rcupdate.rcu_cpu_stall_timeout=60")
# The pipe is open for writing, too: it does not end when a request was sent.
START = 'echo $$ > qemu.pid; exec "$@" 3<> ctl.in 4> /dev/null > console.log'


def arguments(cfg, initramfs, out):
    if cfg.disks or cfg.forwards or cfg.icount:
        raise ValueError("User Mode Linux has no disks, no network and no counted clock here")
    return ["sh", "-c", START, "uml", str(cfg.kernel.boot_image), f"mem={cfg.mem_mb}M",
            f"initrd={initramfs}", f"rpl.out={out}", *CMDLINE.split(),
            *cfg.kernel.cmdline.split(), *cfg.cmdline.split()]
