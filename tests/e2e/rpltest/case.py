# SPDX-License-Identifier: GPL-2.0-or-later
"""Base of the end-to-end tests: one node for all of them, nothing left behind by any of them."""
import contextlib
import time
import unittest

import pywbem

from . import client, node, wbemcli

# The node that `run` booted (None while only an agent without a node is tested).
the_node = None
# (url, user, password) of the agent.
address = None


def connect(**more):
    return client.Client(*address, **more)


class Case(unittest.TestCase):
    """self.c is a pywbem client, self.w is wbemcli, self.node the node."""

    needs_node = True
    maxDiff = None

    def setUp(self):
        self.node = the_node
        if self.needs_node and self.node is None:
            self.skipTest("needs a node, this is an agent alone")
        self.c = connect()
        self.w = wbemcli.Wbemcli(*address)
        self.prefix = f"{type(self).__name__}-{self._testMethodName}"[:80]
        self.addCleanup(self.sweep)

    def name(self, what):
        return f"{self.prefix}-{what}"

    # -- making ----------------------------------------------------------------------------------

    def volume(self, what="v", mib=16, pool="fast"):
        return self.c.create_volume(self.name(what), mib << 20, pool)

    def volumes(self, nr, mib=16, what="v"):
        return [self.volume(f"{what}{i}", mib) for i in range(nr)]

    def group(self, what, members):
        return self.c.create_group(self.name(what), members)

    def clone_group(self, sources, mode=client.ASYNC, **more):
        """(out parameters) of a CreateGroupReplica of these volumes; targets are made."""
        group = self.group("src", sources)
        _, out = self.c.invoke("CreateGroupReplica", self.c.replication, (client.RC_JOB,),
                               RelationshipName=self.name("set"), SyncType=client.CLONE,
                               Mode=mode, SourceGroup=group, **more)
        out["SourceGroup"] = group
        out["TargetGroup"] = self.c.target_group(out, group)
        return out

    def slow_down(self, targets, kib_per_s=512):
        """Make the copies to these volumes slow, so that a test can act while they run."""
        self.node.slow_down([client.device(t) for t in targets], kib_per_s)

    # -- asserting -------------------------------------------------------------------------------

    @contextlib.contextmanager
    def refused(self, status, naming=None):
        """The block raises CIMError with this status, its text names the object."""
        with self.assertRaises(pywbem.CIMError) as caught:
            yield caught
        e = caught.exception
        self.assertEqual(e.status_code, status, f"{e}")
        if naming:
            self.assertIn(naming, str(e.status_description))

    def returns(self, rc, method, obj=None, **params):
        """The method's return value is `rc`; the out parameters."""
        got, out = self.c.invoke(method, obj or self.c.replication, **params)
        self.assertEqual(got, rc, f"{method} returned {got}, out {dict(out)}")
        return out

    @contextlib.contextmanager
    def unchanged(self):
        """The block changes nothing in kernel, LVM and CIM, and leaks no descriptor."""
        before, fds = self.state()
        yield
        after, now = self.state()
        self.assertEqual(before, after)
        if now > fds:
            self.until(lambda: self.state()[1] <= fds, 20, f"descriptors back to {fds}")

    def state(self):
        """(objects in CIM, kernel and LVM as text; open descriptors of the daemons)"""
        facts = sorted(str(n) for cls in ("CIM_StorageVolume", "CIM_ReplicationGroup",
                                          "CIM_StorageSynchronized", "CIM_GroupSynchronized",
                                          "CIM_OrderedMemberOfCollection")
                       for n in self.c.conn.EnumerateInstanceNames(cls))
        text, fds = self.node.facts() if self.node else ("", 0)
        return "\n".join(facts) + "\n" + text, fds

    def until(self, condition, timeout=30, what="the condition"):
        end = time.monotonic() + timeout
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > end:
                self.fail(f"{what}: not in {timeout} s")
            time.sleep(0.1)

    def one_point_in_time(self, log, seed, targets, *options):
        out = self.node.sh(f"rpl-stamp check -L {log} -f {seed} {' '.join(options)} "
                           f"{self.devs(targets)}", 120)
        self.assertIn("\nOK", out)
        return dict(line.split(" ", 1) for line in out.splitlines() if " " in line)

    @staticmethod
    def devs(volumes):
        return " ".join(client.device(v) for v in volumes)

    def deleted(self, method, path):
        """Wait until the object is gone; the node may take it away by itself meanwhile."""
        why = []

        def went():
            try:
                method(path)
                return True
            except client.MethodError as e:
                why[:] = [str(e)]
            return path not in self.c.conn.EnumerateInstanceNames(path.classname)
        try:
            self.until(went, 60, f"{path} can be deleted")
        except AssertionError as e:
            self.fail(f"{e}: {why[0]}")

    # -- cleaning --------------------------------------------------------------------------------

    def sweep(self):
        """Remove what the test made, by its names; then the kernel must not have complained."""
        c = connect()
        if self.node:
            self.node.sh("pkill -x rpl-stamp; umount /mnt/s /mnt/n 2>/dev/null; true")
        mine = {v.path["DeviceID"]: v.path for n, v in c.volumes().items()
                if n.startswith(self.prefix)}
        groups = [g.path for n, g in c.groups().items() if n.startswith(self.prefix)]
        members = {m["DeviceID"]: m for g in groups for m in c.members(g)}
        mine.update(members)
        for r in c.relations():
            if {r["SystemElement"]["DeviceID"], r["SyncedElement"]["DeviceID"]} & set(mine):
                snapshot = r["SyncType"] == client.SNAPSHOT
                mine.setdefault(r["SyncedElement"]["DeviceID"], r["SyncedElement"])
                if snapshot:
                    del mine[r["SyncedElement"]["DeviceID"]]
                with contextlib.suppress(pywbem.CIMError):
                    c.invoke("ModifyReplicaSynchronization", c.replication, (client.RC_OK,),
                             Operation=client.OP_RETURN if snapshot else client.OP_DETACH,
                             Synchronization=r.path, Force=True)
        # An independent clone whose job has just completed is still detaching itself.
        for g in groups:
            self.deleted(c.delete_group, g)
        for v in mine.values():
            self.deleted(c.delete_volume, v)
        for g in [g for n, g in c.groups().items()
                  if not c.members(g.path) and self.prefix in n]:
            c.delete_group(g.path)
        if self.node:
            bad = self.node.kernel_complaints()
            self.assertEqual(bad, [], "the kernel complains")


__all__ = ["Case", "connect", "node"]
