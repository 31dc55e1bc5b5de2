# SPDX-License-Identifier: GPL-2.0-or-later
"""Snapshots of a simulated node: there at once, space that grows, one that is lost, restarts."""
import pywbem

from node import Case, Simulator
from rpltest.client import OP_DETACH, OP_RETURN, READ_ONLY, SNAPSHOT

CONF = """
[volume a]
size = 64M
count = 2
[volume full]
size = 100M
[group app]
members = a*
[replica noon]
group = app
mode = snapshot
[fault full]
source = full
at-percent = 2
[fault once]
operation = snapshot-delete
error = EIO
reason = the kernel does not want to
times = 1
"""


FIXED = """
[replica fixed]
volume = a1
mode = read-only-snapshot
"""


class Snapshots(Case):
    def snapshot(self, c, source, **more):
        rc, out = c.invoke("CreateElementReplica", c.replication, SyncType=SNAPSHOT,
                           SourceElement=c.volume(source).path, **more)
        self.assertEqual(rc, 0)
        return out

    def modify(self, c, operation, relation, expect=0):
        rc, _ = c.conn.InvokeMethod("ModifyReplicaSynchronization", c.replication,
                                    Operation=operation, Synchronization=relation)
        self.assertEqual(rc, expect)

    def consumed(self, c, volume):
        return c.conn.References(volume, ResultClass="CIM_AllocatedFromStoragePool")[0][
            "SpaceConsumed"]

    def test_group(self):
        """[replica] mode = snapshot; an operation that fails once leaves all as it was"""
        with Simulator(self.smisd, CONF) as sim:
            c = sim.client()
            groups = c.group_relations()
            self.assertEqual([(g["RelationshipName"], g["SyncType"], g["CopyState"])
                              for g in groups], [("noon", 7, 4)])
            self.assertEqual(c.conn.EnumerateInstanceNames("CIM_ConcreteJob"), [])
            snaps = [c.volume(f"noon_{n}") for n in (1, 2)]
            self.assertTrue(all(s["ThinlyProvisioned"] for s in snaps))
            self.modify(c, OP_DETACH, groups[0].path, 1)
            self.modify(c, OP_RETURN, groups[0].path, 4)
            self.assertIn("the kernel does not want to", sim.log())
            self.assertEqual([r["CopyState"] for r in c.relations()], [4, 4])
            self.modify(c, OP_RETURN, groups[0].path)
            self.assertEqual(c.relations(), [])
            self.assertEqual(sorted(c.volumes()), ["a1", "a2", "full"])

    def test_space(self):
        """what simulated hosts overwrite is kept"""
        with Simulator(self.smisd, CONF) as sim:
            c = sim.client()
            first = c.volume("noon_1").path
            before = self.consumed(c, first)

            def grown():
                self.snapshot(c, "a2")  # a request is an occasion to look
                return self.consumed(c, first) > before
            self.until(grown)

    def test_lost(self):
        """one that fails: Broken, its volume in error, its source well"""
        with Simulator(self.smisd, CONF) as sim:
            c = sim.client()
            out = self.snapshot(c, "full")
            self.until(lambda: c.conn.GetInstance(out["Synchronization"])["CopyState"] == 5)
            v = c.conn.GetInstance(out["TargetElement"])
            self.assertEqual((v["OperationalStatus"], v["HealthState"]), ([6], 30))
            self.assertIn("the store is full", v["StatusDescriptions"][0])
            self.assertEqual(c.volume("full")["OperationalStatus"], [2])
            self.modify(c, OP_RETURN, out["Synchronization"], 4)
            self.modify(c, OP_RETURN, out["Synchronization"])

    def test_read_only(self):
        """read-only ones and such as can be written, by the file and by clients; kill -9"""
        with Simulator(self.smisd, CONF + FIXED, keep=True) as sim:
            c = sim.client()
            self.snapshot(c, "a2", ElementName="ro", ReplicationSettingData=READ_ONLY)
            self.snapshot(c, "a2", ElementName="rw")
            for k in range(2):
                c = sim.client()
                self.assertEqual({n: v["Access"] for n, v in c.volumes().items()}, {
                    "a1": 3, "a2": 3, "full": 3, "noon_1": 3, "noon_2": 3, "fixed_1": 1, "ro": 1,
                    "rw": 3})
                self.assertEqual({c.conn.GetInstance(r["SyncedElement"])["ElementName"]:
                                  r["ReadOnly"] for r in c.relations()}, {
                    "noon_1": None, "noon_2": None, "fixed_1": 3, "ro": 3, "rw": None})
                sim.kill()
                sim.start()

    def test_i7_kill(self):
        """kill -9 with a state directory: the same snapshots; what was returned stays away"""
        with Simulator(self.smisd, CONF, keep=True) as sim:
            c = sim.client()
            out = self.snapshot(c, "a1")
            gone = self.snapshot(c, "a1")
            self.modify(c, OP_RETURN, gone["Synchronization"], 4)
            self.modify(c, OP_RETURN, gone["Synchronization"])
            names = {n: v.path["DeviceID"] for n, v in c.volumes().items()}
            for _ in range(2):
                sim.kill()
                sim.start()
            c = sim.client()
            self.assertEqual({n: v.path["DeviceID"] for n, v in c.volumes().items()}, names)
            r = c.conn.GetInstance(out["Synchronization"])
            self.assertEqual((r["SyncType"], r["CopyState"], r["SyncState"]), (7, 4, 11))
            self.assertEqual(len(c.group_relations()), 1)
            with self.assertRaises(pywbem.CIMError):
                c.conn.GetInstance(gone["Synchronization"])
