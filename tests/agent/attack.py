#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What somebody can do who has taken smisd over: runs as its user, in its unit's sandbox.

Each attempt prints one line, "name: result"; the result is "refused: REASON" or what was achieved.
usage: attack.py PID-OF-SMISD-PRIV PATH-OF-THE-DAEMONS-SOCKET
"""
import ctypes
import errno
import fcntl
import glob
import mmap
import os
import socket
import struct
import subprocess
import sys

PRIV, SOCK = int(sys.argv[1]), sys.argv[2]
DM_VERSION = 0xC138FD00
CTRL, GETFAMILY, ADMIN_PERM, CAN_DUMP = 16, 3, 1, 4
libc = ctypes.CDLL(None, use_errno=True)


def attempt(name, f, *args, **kw):
    try:
        print(f"{name}: achieved {f(*args, **kw)!r}", flush=True)
    except (OSError, subprocess.CalledProcessError) as e:
        why = e.strerror if isinstance(e, OSError) else f"exit status {e.returncode}"
        print(f"{name}: refused: {why}", flush=True)


def call(name, *args):
    ctypes.set_errno(0)
    r = getattr(libc, name)(*args)
    if r < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return r


def opened(path, flags):
    fd = os.open(path, flags)
    os.close(fd)
    return path


def devices():
    attempt("open the control device", opened, "/dev/mapper/control", os.O_RDWR)
    for path in sorted({"/dev/vda", "/dev/vdb", "/dev/mem", "/dev/kmsg", *glob.glob("/dev/dm-*"),
                        *glob.glob("/dev/mapper/*"), *glob.glob("/dev/vd*")}):
        attempt(f"read {path}", opened, path, os.O_RDONLY)
        attempt(f"write {path}", opened, path, os.O_WRONLY)
    attempt("make a device node", os.mknod, "/var/lib/smisd/node", 0o60600, os.makedev(254, 0))


def files():
    for path in ("/etc/smisd/smisd.conf", "/etc/passwd", "/usr/sbin/smisd", "/usr/sbin/smisd-priv",
                 "/run/smisd/priv.lock", "/run/smisd/new", "/run/systemd/system/x.service",
                 "/usr/lib/systemd/system/smisd.service", "/proc/sys/kernel/panic",
                 "/sys/kernel/mm/ksm/run", "/sys/fs/cgroup/cgroup.procs", "/root/x", "/boot/x",
                 "/var/lib/other"):
        attempt(f"write {path}", opened, path, os.O_WRONLY | os.O_CREAT)
    attempt("replace the helper's socket", os.unlink, SOCK)
    attempt("read /etc/shadow", opened, "/etc/shadow", os.O_RDONLY)


def privileges():
    attempt("become root", os.setuid, 0)
    attempt("become another group", os.setgid, 0)
    attempt("a user namespace", call, "unshare", 0x10000000)
    attempt("a mount", call, "mount", b"none", b"/tmp", b"tmpfs", 0, None)
    attempt("a module", call, "syscall", 175, b"x", 1, b"")
    attempt("to reboot", call, "reboot", 0x01234567)
    attempt("trace the helper", call, "ptrace", 16, PRIV, 0, 0)
    attempt("kill the helper", os.kill, PRIV, 9)
    attempt("read the helper's memory", opened, f"/proc/{PRIV}/mem", os.O_RDONLY)
    attempt("memory that is written and run", mmap.mmap, -1, 4096,
            prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    attempt("raw packets", socket.socket, socket.AF_PACKET, socket.SOCK_RAW)
    # a program that is root by its file is not by ours
    attempt("su", subprocess.run, ["su", "-c", "id -u"], check=True, capture_output=True,
            stdin=subprocess.DEVNULL)
    attempt("lvm", subprocess.run, ["/usr/sbin/lvm", "vgremove", "--force", "--yes", "rplvg"],
            check=True, capture_output=True)
    attempt("dmsetup", subprocess.run, ["/usr/sbin/dmsetup", "remove_all", "--force"], check=True,
            capture_output=True)


# ---- the kernel's family

def nla(kind, data):
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def attrs(data):
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        yield kind & 0x3FFF, data[4:length]
        data = data[(length + 3) & ~3:]


def request(s, family, cmd, flags, payload=b""):
    body = struct.pack("=BBH", cmd, 1, 0) + payload
    s.send(struct.pack("=IHHII", 16 + len(body), family, flags, 1, 0) + body)
    data = s.recv(1 << 16)
    kind = struct.unpack_from("=IH", data)[1]
    if kind == 2:
        error = -struct.unpack_from("=i", data, 16)[0]
        if error:
            raise OSError(error, os.strerror(error))
        return "done"
    return data


def family(s):
    """Number of the family, and flags by command."""
    got = dict(attrs(request(s, CTRL, GETFAMILY, 5, nla(2, b"dm-replica\0"))[20:]))
    ops = {}
    for _, op in attrs(got[6]):
        op = dict(attrs(op))
        ops[struct.unpack("=I", op[1])[0]] = struct.unpack("=I", op[2])[0]
    return struct.unpack("=H", got[1])[0], ops


def commands():
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
    s.settimeout(10)
    number, ops = family(s)
    for cmd, flags in sorted(ops.items()):
        if flags & ADMIN_PERM:
            attempt(f"netlink command {cmd}", request, s, number, cmd, 5)
        elif flags & CAN_DUMP:
            request(s, number, cmd, 0x301)
            s.close()
            s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
            s.settimeout(10)
            print(f"dump {cmd}: works", flush=True)
    print(f"commands that need a privilege: {sum(f & ADMIN_PERM for f in ops.values())}")


devices()
files()
privileges()
commands()
