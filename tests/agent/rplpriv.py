# SPDX-License-Identifier: GPL-2.0-or-later
"""smisd-priv in a guest, for the tests that talk to it without smisd."""
import json
import os
import signal
import socket
import subprocess
import time
import uuid

SOCK = "/run/smisd/priv.sock"
MIB = 1 << 20
os.environ["DM_DISABLE_UDEV"] = "1"


def run(*argv, check=True):
    r = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if check and r.returncode:
        raise AssertionError(f"{' '.join(argv)}: {r.stdout}")
    return r.stdout


class Client:
    """A connection to smisd-priv, of a user."""

    def __init__(self, uid=0):
        self.next = 0
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.settimeout(200)
        os.seteuid(uid)
        try:
            self.sock.connect(SOCK)
        except OSError:
            self.sock.close()
            raise
        finally:
            os.seteuid(0)

    def send(self, op, **fields):
        self.next += 1
        self.sock.send(json.dumps({"id": self.next, "op": op, **fields}).encode())
        return self.next

    def receive(self):
        whole = None
        while True:
            packet = json.loads(self.sock.recv(1 << 20))
            if whole is None:
                whole = packet
            else:
                for k in ("pools", "volumes", "groups"):
                    whole.setdefault(k, []).extend(packet.get(k, []))
            if not packet["more"]:
                return whole

    def call(self, op, **fields):
        n = self.send(op, **fields)
        r = self.receive()
        assert r["id"] == n, r
        return r

    def ok(self, op, **fields):
        start = time.time()
        r = self.call(op, **fields)
        print(f"# {op}: {time.time() - start:.2f} s")
        assert r["error"] == 0, f"{op}: {r['reason']}"
        return r

    def refused(self, error, text, op, **fields):
        r = self.call(op, **fields)
        assert r["error"] == error and text in r["reason"], f"{op}: {r}"


class Priv(Client):
    """One smisd-priv and a connection to it."""

    def __init__(self, program, conf):
        self.proc = subprocess.Popen([program, "--config", conf])
        end = time.time() + 20
        while True:
            try:
                super().__init__()
                return
            except OSError:
                assert time.time() < end, "smisd-priv does not come up"
                time.sleep(0.05)

    def stop(self, sig=signal.SIGTERM):
        self.sock.close()
        self.proc.send_signal(sig)
        self.proc.wait(20)


def table(u):
    out = run("dmsetup", "table", "RPL-" + u).split()
    return out[2] if len(out) > 2 else ""


def new():
    return str(uuid.uuid4())


def until(what, cond, seconds=60):
    end = time.time() + seconds
    while not cond():
        assert time.time() < end, what
        time.sleep(0.1)


def run_tests(tests, needed):
    """Prints KTAP; the number of failures. Without the first @needed the others make no sense."""
    print("KTAP version 1")
    print(f"1..{len(tests)}")
    failed = 0
    for n, t in enumerate(tests, 1):
        begun = time.monotonic()
        try:
            t()
            print(f"# {time.monotonic() - begun:.1f} s")
            print(f"ok {n} {t.__name__[2:]}", flush=True)
        except Exception as e:  # every test is reported, whatever went wrong in it
            failed += 1
            print("# " + f"{type(e).__name__}: {e}".replace("\n", "\n# "))
            print(f"not ok {n} {t.__name__[2:]}", flush=True)
            if n <= needed:
                break
    return failed
