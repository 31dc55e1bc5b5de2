# SPDX-License-Identifier: GPL-2.0-or-later
"""A smisd on a simulated node, and the base class of the tests that talk to it."""
import contextlib
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

import pywbem
from pywbem import Uint16, Uint64

from rpltest import client

USER = PASSWORD = "admin"
MIB, GIB = 1 << 20, 1 << 30

CONFIG = """[server]
listen = 127.0.0.1
http-port = {port}
https-port = 0
system-name = test-node
[engine]
backend = sim
state-dir = {dir}
[sim]
pool-size = 256G
rate = 256M
[pool fast]
vg = vg0
[pool bulk]
vg = vg1
"""

# The one that prov_run started.
the_agent = None


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Agent:
    """with Agent(smisd) as a: a.url"""

    def __init__(self, smisd, url=None):
        self.smisd, self.url, self.process = smisd, url, None

    def __enter__(self):
        if self.url:
            return self
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="smisd-test-"))
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        (self.dir / "smisd.conf").write_text(CONFIG.format(port=port, dir=self.dir))
        with open(self.dir / "log", "w") as log:
            self.process = subprocess.Popen(
                [self.smisd, "--foreground", "--config", self.dir / "smisd.conf"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + 20
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("smisd does not start: " + "\n".join(self.log()))
            time.sleep(0.05)
        return self

    def _answers(self):
        try:
            self.client().conn.EnumerateInstanceNames("CIM_ReplicationService")
            return True
        except pywbem.Error:
            return False

    def client(self, namespace=client.NAMESPACE):
        return client.Client(self.url, USER, PASSWORD, namespace=namespace)

    def log(self):
        return (self.dir / "log").read_text().splitlines() if self.process else []

    def alive(self):
        return self.process is None or self.process.poll() is None

    def __exit__(self, *_):
        if self.process:
            self.process.terminate()
            self.process.wait(20)
            shutil.rmtree(self.dir, ignore_errors=True)


def local(path):
    path = path.copy()
    path.host = None
    return path


class Case(unittest.TestCase):
    """self.c: a client of the namespace; what the test makes is named with self.name()."""

    namespace = client.NAMESPACE
    maxDiff = None

    def setUp(self):
        self.c = the_agent.client(self.namespace)
        self.conn = self.c.conn
        self.prefix = self._testMethodName
        self.addCleanup(self.sweep)

    def name(self, what):
        return f"{self.prefix}-{what}"

    def volume(self, what="v", mib=16, pool="fast"):
        return self.c.create_volume(self.name(what), mib * MIB, pool)

    def volumes(self, nr, what="v", mib=16):
        return [self.volume(f"{what}{i}", mib) for i in range(nr)]

    def group(self, what, members=None):
        return self.c.create_group(self.name(what), members)

    def call(self, method, expect, obj=None, **params):
        """The out parameters of a method that returns `expect`."""
        rc, out = self.c.invoke(method, obj or self.c.replication, **params)
        self.assertEqual(rc, expect, f"{method}({sorted(params)}) -> {rc} {dict(out)}")
        return out

    def same(self, got, want):
        """Paths are the same, in order; associations name the host, other operations do not."""
        self.assertEqual([local(p) for p in got], [local(p) for p in want])

    def facts(self):
        """What a refused request must not change."""
        return sorted(str(p) for n in ("CIM_StorageVolume", "CIM_ReplicationGroup",
                                       "CIM_StorageSynchronized", "CIM_GroupSynchronized",
                                       "CIM_OrderedMemberOfCollection", "CIM_ConcreteJob")
                      for p in self.conn.EnumerateInstanceNames(n))

    @contextlib.contextmanager
    def unchanged(self):
        before = self.facts()
        yield
        self.assertEqual(before, self.facts())

    def refuse(self, method, expect, obj=None, **params):
        with self.unchanged():
            return self.call(method, expect, obj, **params)

    def refuse_all(self, method, cases, base=()):
        """cases: (return value, parameters); each must be refused and change nothing"""
        before = self.facts()
        for rc, params in cases:
            changed = {k: str(v)[:60] for k, v in params.items() if dict(base).get(k) is not v}
            with self.subTest(expected=rc, **changed):
                self.call(method, rc, **params)
                after = self.facts()
                self.assertEqual(before, after)

    @contextlib.contextmanager
    def raises(self, status):
        with self.assertRaises(pywbem.CIMError) as caught:
            yield caught
        self.assertEqual(caught.exception.status_code, status, str(caught.exception))

    def until(self, condition, timeout=20):
        end = time.monotonic() + timeout
        while True:
            value = condition()
            if value:
                return value
            self.assertLess(time.monotonic(), end, "waited too long")
            time.sleep(0.05)

    def clone(self, source, target=None, mode=3, **more):
        """Attached by default; the out parameters."""
        return self.call("CreateElementReplica", 4096, SyncType=client.CLONE, Mode=Uint16(mode),
                         SourceElement=source, TargetElement=target, **more)

    def sweep(self):
        """Removes what the test made, whatever state it is in."""
        c = the_agent.client()
        mine = [v.path for n, v in c.volumes().items() if n.startswith(self.prefix)]
        groups = [g.path for n, g in c.groups().items() if n.startswith(self.prefix)]
        mine += [m for g in groups for m in c.members(g)]
        ids = {m["DeviceID"] for m in mine}
        for r in c.conn.EnumerateInstanceNames("CIM_StorageSynchronized"):
            if {r["SystemElement"]["DeviceID"], r["SyncedElement"]["DeviceID"]} & ids:
                mine.append(r["SyncedElement"])
                ids.add(r["SyncedElement"]["DeviceID"])
                for op in (8, 19):
                    c.invoke("ModifyReplicaSynchronization", c.replication, Operation=Uint16(op),
                             Synchronization=r, Force=True)
        for g in groups:
            c.invoke("DeleteGroup", c.replication, ReplicationGroup=g, RemoveElements=True)
        for device_id in ids:
            path = next(m for m in mine if m["DeviceID"] == device_id)
            c.invoke("ReturnToStoragePool", c.configuration, TheElement=path)
        for g in c.conn.EnumerateInstances("CIM_ReplicationGroup"):
            if not c.members(g.path):
                c.invoke("DeleteGroup", c.replication, ReplicationGroup=g.path)


__all__ = ["Agent", "Case", "GIB", "MIB", "Uint16", "Uint64", "client", "pywbem"]
