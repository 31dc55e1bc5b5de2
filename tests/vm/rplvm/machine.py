# SPDX-License-Identifier: GPL-2.0-or-later
"""One running guest: boot it, run commands in it, read its log, switch it off or cut its power.

Everything about a guest is in its directory, so another process can go on with it (Machine.attach):
  out/        the guest's /out           out/.vm/N.cmd .out .rc   request N and what came of it
  ctl.in      requests to the guest      console.log qemu.log qemu.pid vm.json
"""
import contextlib
import ctypes
import functools
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

from . import cache, initramfs, klog, qemu, uml

GUEST = pathlib.Path(__file__).resolve().parents[1] / "guest"
TICK_S = 0.02
PR_SET_PDEATHSIG = 1


class GuestDied(Exception):
    """The guest ended although nobody asked it to."""


class Timeout(Exception):
    pass


class Machine:
    def __init__(self, where):
        self.dir = pathlib.Path(where).resolve()
        self.out = self.dir / "out"
        self.vm = self.out / ".vm"

    # -- start ---------------------------------------------------------------------------------

    @classmethod
    def start(cls, where, cfg, module=None, load=False, env=None, bound=False):
        """Boot a guest in directory `where`; returns when it takes commands.

        A `bound` guest ends with this thread, however it ends; others go on until their deadline.
        """
        m = cls(where)
        m._bound = bound
        try:
            m._boot(cfg, module, load, env or {})
        except (GuestDied, Timeout) as e:
            # Emulated machines now and then lose a CPU, or stand still, before user space; what is
            # later is ours.
            if isinstance(e, Timeout) and "rpl-vm: " in m._console():
                raise
            m._boot(cfg, module, load, env or {})
        return m

    @classmethod
    def attach(cls, where):
        m = cls(where)
        if not (m.dir / "vm.json").exists():
            raise FileNotFoundError(f"{m.dir}: no virtual machine here")
        return m

    def _boot(self, cfg, module, load, env):
        self._prepare(cfg, module, load, env)
        argv = (uml if cfg.kernel.native else qemu).arguments(
            cfg, initramfs.get(cfg.kernel), self.out)
        (self.dir / "vm.json").write_text(json.dumps({
            "series": cfg.kernel.series, "release": cfg.kernel.release,
            "forwards": cfg.forwards, "argv": argv}, indent=1))
        with open(self.dir / "qemu.log", "wb") as log:
            # Its own session: a ^C at the terminal is for us, and the deadline holds without us.
            proc = subprocess.Popen(["timeout", "-k", "5", str(cfg.deadline_s), *argv],
                                    cwd=self.dir, stdin=subprocess.DEVNULL, stdout=log,
                                    stderr=log, start_new_session=True,
                                    preexec_fn=functools.partial(
                                        ctypes.CDLL(None).prctl, PR_SET_PDEATHSIG,
                                        signal.SIGTERM) if self._bound else None)
        self._proc = proc
        # A kernel that has not come up after this long never will, on a machine as busy as this.
        limit = min(max(60, 60 * os.getloadavg()[0] / (os.cpu_count() or 1)), 600, cfg.deadline_s)
        end = time.monotonic() + limit
        while not (self.vm / "ready").exists():
            if proc.poll() is not None:
                raise GuestDied("before it took commands")
            if time.monotonic() > end:
                self.cut()
                raise Timeout(f"it did not take commands within {limit:.0f} s")
            time.sleep(TICK_S)

    def _prepare(self, cfg, module, load, env):
        self.dir.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.out, ignore_errors=True)
        self.vm.mkdir(parents=True)
        for f in ("ctl.in", "ctl.out", "console.log", "qemu.pid"):
            (self.dir / f).unlink(missing_ok=True)
        os.mkfifo(self.dir / "ctl.in")
        os.mkfifo(self.dir / "ctl.out")
        shutil.copy(GUEST / "main", self.vm / "main")
        for d in cfg.disks:
            if d.path is None:
                d.path = self.dir / f"{d.serial}.img"
            if d.size and not d.path.exists():
                with open(d.path, "wb") as f:
                    f.truncate(d.size)
        path = f"{GUEST}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        values = {"PATH": path, "HOME": "/root", "LC_ALL": "C.UTF-8", "DM_DISABLE_UDEV": "1",
                  "RPL_VM": "1", "RPL_TOP": cache.TOP, "RPL_KVER": cfg.kernel.series,
                  "RPL_RELEASE": cfg.kernel.release, "RPL_MODULES": cfg.kernel.modules.resolve(),
                  "RPL_KO": module or "", "RPL_LOAD": int(load), **env}
        (self.vm / "env").write_text("".join(
            f"export {k}={_quote(str(v))}\n" for k, v in values.items()))

    # -- commands ------------------------------------------------------------------------------

    def _send(self, line):
        fd = os.open(self.dir / "ctl.in", os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(fd, line.encode() + b"\n")
        finally:
            os.close(fd)

    def begin(self, command, env=None):
        """Start a shell command in the guest; returns the request's number."""
        n = 1
        while True:
            try:
                fd = os.open(self.vm / f"{n}.cmd", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
                break
            except FileExistsError:
                n += 1
        text = "".join(f"export {k}={_quote(str(v))}\n" for k, v in (env or {}).items())
        with os.fdopen(fd, "w") as f:
            f.write(text + command + "\n")
        (self.vm / f"{n}.out").touch()
        self._send(f"run {n}")
        return n

    def finish(self, n, timeout_s, sink=None):
        """Wait for request `n`, handing its output to `sink(bytes)` as it comes: its exit status."""
        end = time.monotonic() + timeout_s
        rc = self.vm / f"{n}.rc"
        with open(self.vm / f"{n}.out", "rb") as out:
            while True:
                self._stand_still()
                done = rc.exists()
                data = out.read()
                if data and sink:
                    sink(data)
                if done and not data:
                    return int(rc.read_text())
                if not done and not self.alive():
                    if sink:
                        sink(out.read())
                    raise GuestDied("while a command ran")
                if time.monotonic() > end:
                    raise Timeout(f"command {n} did not end in {timeout_s} s")
                if not data:
                    time.sleep(TICK_S)

    def _stand_still(self):
        """What a guest asks for by /out/standstill, in seconds: it does not run, and its clocks go on."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, TypeError, ValueError):
            seconds = float((self.out / "standstill").read_text())
            os.kill(self.pid(), signal.SIGSTOP)
            try:
                time.sleep(seconds)
            finally:
                os.kill(self.pid(), signal.SIGCONT)
            (self.out / "standstill").rename(self.out / "standstill.over")

    def run(self, command, timeout_s=60, sink=None, env=None):
        return self.finish(self.begin(command, env), timeout_s, sink)

    def output(self, command, timeout_s=60):
        """(exit status, output) of a command."""
        n = self.begin(command)
        rc = self.finish(n, timeout_s)
        return rc, (self.vm / f"{n}.out").read_text(errors="replace")

    # -- state ---------------------------------------------------------------------------------

    def pid(self):
        try:
            return int((self.dir / "qemu.pid").read_text())
        except (FileNotFoundError, ValueError):
            return None

    def alive(self):
        proc = getattr(self, "_proc", None)
        if proc:
            return proc.poll() is None
        pid = self.pid()
        try:
            exe = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
            return exe == "linux" or exe.startswith("qemu-system")
        except OSError:
            return False

    def log(self):
        """The kernel's log so far: from the guest when it answers, else what the console got."""
        if self.alive():
            name = self.vm / f"dmesg.{time.monotonic_ns()}"
            self._send(f"dmesg {name.suffix[1:]}")
            end = time.monotonic() + 10
            while time.monotonic() < end and self.alive():
                if name.exists():
                    text = name.read_text(errors="replace")
                    name.unlink()
                    return text
                time.sleep(TICK_S)
        return self._dead_log()

    def _dead_log(self):
        console = self.dir / "console.log"
        text = console.read_text(errors="replace") if console.exists() else ""
        if (self.vm / "off").exists():
            text = (self.vm / "dmesg").read_text(errors="replace")
        return text

    def _console(self):
        console = self.dir / "console.log"
        return console.read_text(errors="replace") if console.exists() else ""

    def bad_lines(self, ignore=None):
        """What the log and the console hold that must not be there."""
        return klog.bad_lines(self.log(), ignore) or klog.bad_lines(self._console(), ignore)

    # -- end -----------------------------------------------------------------------------------

    def _gone(self, timeout_s):
        end = time.monotonic() + timeout_s
        while self.alive():
            if time.monotonic() > end:
                return False
            time.sleep(TICK_S)
        return True

    def off(self, timeout_s=20):
        """Switch the guest off (its file systems are not unmounted: the caller's concern)."""
        if self.alive():
            try:
                self._send("off")
            except OSError:
                pass
            if not self._gone(timeout_s):
                self.cut()

    def cut(self):
        """Cut the power: what the guest had not written to its disks is lost."""
        pid = self.pid()
        if pid and self.alive():
            # User Mode Linux is several processes, in a group of their own.
            for kill in (os.killpg, os.kill):
                with contextlib.suppress(ProcessLookupError):
                    kill(pid, signal.SIGKILL)
            self._gone(5)
        elif getattr(self, "_proc", None) and self._proc.poll() is None:
            self._proc.terminate()
            self._gone(8)


def _quote(s):
    return "'" + s.replace("'", "'\\''") + "'"
