# SPDX-License-Identifier: GPL-2.0-or-later
"""A simulated node that runs as an ordinary user, and the base class of its tests."""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from rpltest import client, wbemcli

DEADLINE_S = 30
NOBODY = 65534
NAMESPACE = client.NAMESPACE


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def unprivileged(argv):
    """The command as it runs for a user who is not root."""
    if os.geteuid():
        return argv
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs",
            "--", *argv]


class Simulator:
    """with Simulator(smisd, text or number) as s: s.url, s.client(), s.kill(), s.start()"""

    def __init__(self, smisd, what, keep=False, fds=(), **options):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="smisd-sim-"))
        self.dir.chmod(0o755)
        # where an ordinary user can reach it, whatever directory it was built in
        self.smisd = shutil.copy(smisd, self.dir)
        self.port, self.tls_port = free_port(), free_port()
        self.user = self.password = None
        if isinstance(what, str):
            (self.dir / "node.conf").write_text(what)
            what = self.dir / "node.conf"
        self.options = {"server.http-port": self.port, "server.https-port": self.tls_port,
                        **{k.replace("__", ".").replace("_", "-"): v for k, v in options.items()}}
        if keep:
            state = self.dir / "state"
            state.mkdir()
            if not os.geteuid():
                os.chown(state, NOBODY, NOBODY)
            self.options["engine.state-dir"] = state
        self.what, self.process, self.fds, self.env = what, None, fds, {}

    def __enter__(self):
        self.start()
        return self

    def start(self):
        argv = [self.smisd, "--simulate", self.what]
        for k, v in self.options.items():
            argv += ["-o", f"{k}={v}"]
        self.out = open(self.dir / "out", "w+")
        argv = unprivileged([str(a) for a in argv])
        if self.fds:
            # as systemd does: descriptors from 3 on, LISTEN_PID the process itself
            moves = " ".join(f"{100 + i}<&{s.fileno()}" for i, (s, _) in enumerate(self.fds))
            place = " ".join(f"{3 + i}<&{100 + i} {100 + i}<&-" for i in range(len(self.fds)))
            names = ":".join(name for _, name in self.fds)
            argv = ["bash", "-c", f"exec {moves}; exec {place}; LISTEN_FDS={len(self.fds)} "
                    f'LISTEN_FDNAMES={names} LISTEN_PID=$$ exec "$@"', "bash", *argv]
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=self.out,
                                        stderr=subprocess.STDOUT,
                                        env=dict(os.environ, **self.env),
                                        pass_fds=[s.fileno() for s, _ in self.fds])
        end = time.monotonic() + DEADLINE_S
        while "ready on http" not in self.log():
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"the simulator does not start: {self.log()}")
            time.sleep(0.02)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def log(self):
        return (self.dir / "out").read_text(errors="replace")

    def client(self, user=None, password=None, namespace=NAMESPACE):
        return client.Client(self.url, user, password, namespace=namespace, timeout=DEADLINE_S)

    def wbemcli(self, namespace=NAMESPACE):
        w = wbemcli.Wbemcli(self.url, "any", "one", namespace)
        w.base = self.url
        return w

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.out.close()

    def __exit__(self, *exc):
        status = 0
        if self.process.poll() is None:
            self.process.terminate()
            try:
                status = self.process.wait(DEADLINE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                status = "killed after SIGTERM"
        log = self.log()
        self.out.close()
        shutil.rmtree(self.dir, ignore_errors=True)
        if not exc[0] and (status or re.search("runtime error|ERROR: |bug:", log)):
            raise AssertionError(f"the simulator ended with {status}: {log[-4000:]}")


def refused(smisd, *argv):
    """What smisd says when it refuses to start."""
    r = subprocess.run([smisd, *argv], capture_output=True, text=True, timeout=DEADLINE_S)
    if not r.returncode:
        raise AssertionError(f"{argv} was accepted: {r.stdout}")
    return r.stderr


class Case(unittest.TestCase):
    maxDiff = None
    smisd = None

    def sim(self, conf="[volume a]\nsize = 64M\n", env=None, **options):
        s = Simulator(self.smisd, conf, **options)
        s.env = env or {}
        s.start()
        self.addCleanup(s.__exit__, None)
        return s

    def until(self, condition, seconds=DEADLINE_S):
        end = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            self.assertLess(time.monotonic(), end, "waited too long")
            time.sleep(0.05)


def uri(path):
    path = path.copy()
    path.host = None
    return path.to_wbem_uri(format="canonical")
