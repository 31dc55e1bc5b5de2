# SPDX-License-Identifier: GPL-2.0-or-later
"""A managed node in a virtual machine: real kernel, real LVM, smisd and smisd-priv.

The guest's own side of it is tests/e2e/guest/node.
"""
import pathlib
import shlex
import socket
import time

from . import TOP
from rplvm import kernels, machine, qemu

USER, PASSWORD = "admin", "smis-demo"
MONITOR = ("monitor", "monitor")
NOBODY = ("nobody1", "nobody1")
MIB = 1 << 20


class GuestError(Exception):
    """A command in the guest failed; the text has its output."""


def free_ports(n):
    socks = [socket.socket() for _ in range(n)]
    try:
        for s in socks:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in socks]
    finally:
        for s in socks:
            s.close()


# Every wait has a deadline of its own; this one ends a guest that was forgotten.
DEADLINE_S = 2 * 3600


class Node:
    """`pools` is {name: bytes}; the disks are sparse files in `where` and outlive power cuts."""

    def __init__(self, where, pools, kver="6.1", mem_mb=1024, smp=2, deadline_s=DEADLINE_S,
                 config="", ports=None):
        self.dir = pathlib.Path(where)
        self.pools, self.kver, self.config = pools, kver, config
        self.mem_mb, self.smp, self.deadline_s = mem_mb, smp, deadline_s
        self.http_port, self.https_port = ports or free_ports(2)
        self.m = None
        self.boots = 0

    # -- life ----------------------------------------------------------------------------------

    def up(self):
        """Boot and start the daemons. Also after a power cut: the disks are what they were."""
        self.boot()
        self.start_node()
        return self

    def boot(self):
        self.dir.mkdir(parents=True, exist_ok=True)
        disks = [qemu.Disk(serial="state", size=64 * MIB, path=self.dir.resolve() / "state.img")]
        disks += [qemu.Disk(serial=name, size=size, path=self.dir.resolve() / f"{name}.img")
                  for name, size in self.pools.items()]
        ko = TOP / "build" / "kmod" / self.kver / "kmod" / "dm-replica.ko"
        if not ko.exists():
            raise FileNotFoundError(f"{ko}: build the module first")
        cfg = qemu.Config(kernel=kernels.get(self.kver), mem_mb=self.mem_mb, smp=self.smp,
                          disks=disks, deadline_s=self.deadline_s,
                          forwards=[(self.http_port, 5988), (self.https_port, 5989)])
        self.boots += 1
        self.m = machine.Machine.start(self.dir / "vm", cfg, ko, True, {})

    def start_node(self):
        pools = " ".join(f"{shlex.quote(p)}={shlex.quote(p)}" for p in self.pools)
        self.node(f"up {pools}", timeout=400)

    def off(self):
        """Orderly end: daemons stopped, stores closed by removing every device from the top."""
        if self.m and self.m.alive():
            self.m.off()

    def cut(self):
        self.m.cut()

    def alive(self):
        return self.m is not None and self.m.alive()

    def kernel_complaints(self, ignore=None):
        return self.m.bad_lines(ignore)

    # -- commands ------------------------------------------------------------------------------

    def sh(self, command, timeout=180, check=True):
        """Output of a shell command in the guest; GuestError when it fails (unless not check)."""
        rc, out = self.m.output(self._env() + command, timeout)
        if rc and check:
            raise GuestError(f"`{command}` in the guest: exit status {rc}\n{out}")
        return out if check else (rc, out)

    def spawn(self, command):
        """Start a command, do not wait; the number for wait() and said()."""
        return self.m.begin(self._env() + command)

    def said(self, n):
        return (self.m.vm / f"{n}.out").read_text(errors="replace")

    def wait(self, n, timeout=180):
        rc = self.m.finish(n, timeout)
        return rc, self.said(n)

    def until_said(self, n, text, timeout=120):
        """Wait until the command number `n` has printed `text`."""
        end = time.monotonic() + timeout
        while text not in self.said(n):
            if (self.m.vm / f"{n}.rc").exists() or time.monotonic() > end:
                raise GuestError(f"command {n} did not say '{text}':\n{self.said(n)}")
            time.sleep(0.02)

    def _env(self):
        return ("export DM_DISABLE_UDEV=1 PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin "
                f"NODE_TOP={shlex.quote(str(TOP))} NODE_USER={USER} NODE_PASSWORD={PASSWORD} "
                f"NODE_CONFIG={shlex.quote(self.config)}\n")

    def node(self, words, timeout=240):
        return self.sh(f"{shlex.quote(str(TOP))}/tests/e2e/guest/node {words}", timeout)

    def logs(self):
        """What the daemons wrote."""
        parts = []
        for f in sorted((self.m.out / "log").glob("*.log")):
            parts.append(f"--- {f.name}\n{f.read_text(errors='replace')}")
        return "\n".join(parts)

    @staticmethod
    def _set_rate(devices, kib_per_s):
        # Of a table: 0 LENGTH replica-clone STORE ID ...; STORE is MAJOR:MINOR.
        return f"""set_rate() {{ for d in {" ".join(devices)}; do
            set -- $(dmsetup table $d); [ "$3" = replica-clone ] || return 1
            s=$(dmsetup info -c --noheadings -o name -j ${{4%:*}} -m ${{4#*:}}) || return 1
            dmsetup message "$s" 0 set_rate "$5" 0 {kib_per_s} || return 1; done; }}
            """

    def slow_down(self, devices, kib_per_s):
        """Make the copies to these devices so slow; 0: as fast as they can."""
        self.sh(self._set_rate(devices, kib_per_s) + "set_rate")

    def slow_down_soon(self, devices, kib_per_s):
        """The same as soon as they are clones; the number for wait()."""
        return self.spawn(self._set_rate(devices, kib_per_s) +
                          "n=0; until set_rate 2> /dev/null; do n=$((n + 1)); "
                          "[ $n -lt 2000 ] || exit 1; sleep 0.03; done")

    def store_used(self):
        """Old content in all stores, in sectors; the status line is in doc/dm-replica.rst."""
        out = self.sh("dmsetup status --target replica-store")
        return sum(int(line.split("replica-store")[1].split()[7]) for line in out.splitlines())

    # -- addresses -----------------------------------------------------------------------------

    @property
    def url(self):
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def https_url(self):
        return f"https://127.0.0.1:{self.https_port}"

    @property
    def ca(self):
        return str(self.m.out / "cert.pem")

    # -- facts ---------------------------------------------------------------------------------

    def facts(self):
        """(text, descriptors): what a refused request must not change, in one visit of the guest."""
        out = self.sh("ls /proc/$(cat /run/smisd.pid)/fd /proc/$(cat /run/smisd-priv.pid)/fd | wc -l;"
                      "dmsetup table | sort; ls -l /dev/rpl 2>/dev/null | awk '{print $9,$10,$11}';"
                      "lvs --noheadings -o vg_name,lv_name,lv_size,lv_tags | sort")
        fds, text = out.split("\n", 1)
        return text, int(fds)
