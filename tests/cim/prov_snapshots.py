# SPDX-License-Identifier: GPL-2.0-or-later
"""Snapshots: made alone, in lists and in groups, as 3PAR does it: no job, all there on return."""
import pywbem
from pywbem import Uint16, Uint64

from prov_agent import MIB, Case
from prov_params import NO_GROUP, NO_POOL, NO_SETTING, no_volume, sap, settings

SNAPSHOT, SYNC, RETURN = Uint16(7), Uint16(2), Uint16(19)


class Snapshots(Case):
    def snapshot(self, source, **more):
        return self.call("CreateElementReplica", 0, SyncType=SNAPSHOT, SourceElement=source, **more)

    def give_back(self, synchronization, expect=0, **more):
        self.call("ModifyReplicaSynchronization", expect, Operation=RETURN,
                  Synchronization=synchronization, **more)

    def gone(self, path):
        with self.raises(pywbem.CIM_ERR_NOT_FOUND):
            self.conn.GetInstance(path)

    def test_element(self):
        """CreateElementReplica: the snapshot as a volume, and its relation"""
        src = self.volume("s", 64)
        before = self.c.pools()["fast"]["RemainingManagedSpace"]
        out = self.snapshot(src, ElementName=self.name("x"), Mode=SYNC, WaitForCopyState=Uint16(4))
        self.assertEqual(sorted(k for k, v in out.items() if v is not None),
                         ["Synchronization", "TargetElement"])
        v = self.conn.GetInstance(out["TargetElement"], LocalOnly=False)
        self.assertEqual((v["ElementName"], v["Usage"], v["ThinlyProvisioned"], v["Access"]),
                         (self.name("x"), 12, True, 3))
        self.assertEqual(v["NumberOfBlocks"] * v["BlockSize"], 64 * MIB)
        self.assertEqual((v["OperationalStatus"], v["HealthState"], v["CanDelete"]),
                         ([2], 5, True))
        r = self.conn.GetInstance(out["Synchronization"], LocalOnly=False)
        self.assertEqual({n: r[n] for n in (
            "SyncType", "Mode", "CopyState", "ProgressStatus", "SyncState", "RequestedCopyState",
            "CopyType", "ReplicaType", "CopyMethodology", "PercentSynced", "SyncMaintained",
            "ReadOnly")}, {
            "SyncType": 7, "Mode": 2, "CopyState": 4, "ProgressStatus": 2, "SyncState": 11,
            "RequestedCopyState": 15, "CopyType": 4, "ReplicaType": 4, "CopyMethodology": 6,
            "PercentSynced": 100, "SyncMaintained": False, "ReadOnly": None})
        self.assertEqual(r["WhenSynced"], r["WhenActivated"])
        self.assertIsNotNone(r["WhenSynced"])
        source = self.conn.GetInstance(src)
        self.assertEqual((source["Usage"], source["CanDelete"]), (6, False))
        # it takes no space of its pool but what is kept for it
        self.assertEqual(self.c.pools()["fast"]["RemainingManagedSpace"], before)
        space = self.conn.References(v.path, ResultClass="CIM_AllocatedFromStoragePool")
        self.assertEqual(len(space), 1)
        self.assertLess(space[0]["SpaceConsumed"], 64 * MIB)
        self.assertEqual(self.call("GetSupportedOperationsForSynchronization", 0,
                                   self.c.one("CIM_ReplicationServiceCapabilities"),
                                   Synchronization=r.path)["SupportedOperations"], [19])
        self.refuse("ReturnToStoragePool", 6, self.c.configuration, TheElement=src)
        self.give_back(r.path)
        self.gone(r.path)
        self.gone(v.path)
        self.assertEqual(self.conn.GetInstance(src)["Usage"], 2)
        self.call("ReturnToStoragePool", 0, self.c.configuration, TheElement=src)

    def is_read_only(self, synchronization):
        """what the relation says; its volume says the same"""
        r = self.conn.GetInstance(synchronization, LocalOnly=False)
        v = self.conn.GetInstance(r["SyncedElement"], LocalOnly=False)
        self.assertIn((r["ReadOnly"], v["Access"]), ((3, 1), (None, 3)))
        self.assertEqual(self.conn.GetInstance(r["SystemElement"])["Access"], 3)
        return r["ReadOnly"] == 3

    def test_read_only(self):
        """ReadOnly 3 makes it read-only by each method, without it it can be written"""
        src = self.volumes(2, "s")
        group = self.group("src", src)
        for k, (wish, expect) in enumerate((
                (None, False), (settings(), False), (settings(ReadOnly=Uint16(3)), True))):
            more = {"ReplicationSettingData": wish} if wish else {}
            made = [self.snapshot(src[0], **more)["Synchronization"]]
            for method, args in (
                    ("CreateGroupReplica", {"SourceGroup": group}),
                    ("CreateListReplica", {"SourceElements": src}),
                    ("CreateGroupReplicaFromElements", {"SourceElements": src})):
                made += self.call(method, 0, SyncType=SNAPSHOT, **args, **more)["Synchronizations"]
            self.assertEqual([self.is_read_only(s) for s in made], [expect] * 7, k)
        self.refuse("ModifyReplicaSynchronization", 5, Operation=RETURN, Synchronization=made[0],
                    ReplicationSettingData=settings(ReadOnly=Uint16(3)))
        # the same by 3PAR's names
        tpd = self.c.conn.EnumerateInstances("TPD_StorageSynchronized", namespace="root/tpd")
        self.assertEqual({r["ReadOnly"] for r in tpd if r["SyncedElement"]["DeviceID"] ==
                          made[0]["SyncedElement"]["DeviceID"]}, {3})

    def test_read_only_default(self):
        """the default instance makes one that can be written, with one change a read-only one"""
        src = self.volume("s")
        wish = self.call("GetDefaultReplicationSettingData", 0,
                         self.c.one("CIM_ReplicationServiceCapabilities"),
                         ReplicationType=Uint16(6))["DefaultInstance"]
        one = self.snapshot(src, ReplicationSettingData=wish)["Synchronization"]
        self.assertFalse(self.is_read_only(one))
        wish["ReadOnly"] = Uint16(3)
        self.assertTrue(self.is_read_only(
            self.snapshot(src, ReplicationSettingData=wish)["Synchronization"]))
        self.assertFalse(self.is_read_only(one))

    def test_names(self):
        """names that are not given are made up; a snapshot can be renamed"""
        src = self.volume("s")
        one, two = self.snapshot(src), self.snapshot(src)
        names = [self.conn.GetInstance(o["TargetElement"])["ElementName"] for o in (one, two)]
        self.assertEqual(names, [self.name("s_snap1"), self.name("s_snap2")])
        v = self.conn.GetInstance(one["TargetElement"], LocalOnly=False)
        v["ElementName"] = self.name("renamed")
        self.conn.ModifyInstance(v, PropertyList=["ElementName"])
        self.assertEqual(self.conn.GetInstance(v.path)["ElementName"], self.name("renamed"))

    def test_group(self):
        """CreateGroupReplica: the group relation, a target group of its own, return of the whole"""
        members = self.volumes(3, "s")
        source = self.group("src", members)
        out = self.call("CreateGroupReplica", 0, SyncType=SNAPSHOT, SourceGroup=source,
                        RelationshipName=self.name("noon"), WaitForCopyState=Uint16(4),
                        Consistency=Uint16(3))
        self.assertIsNone(out.get("Job"))
        self.assertIsNone(out.get("Jobs"))
        self.assertEqual(len(out["Synchronizations"]), 3)
        targets = self.c.members(out["TargetGroup"])
        self.assertEqual([self.conn.GetInstance(t)["ElementName"] for t in targets],
                         [self.name(f"noon_{n}") for n in (1, 2, 3)])
        g = self.conn.GetInstance(out["Synchronization"], LocalOnly=False)
        self.assertEqual(g.classname, "RPL_GroupSynchronized")
        self.assertEqual({n: g[n] for n in (
            "SyncType", "Mode", "CopyState", "ProgressStatus", "PercentSynced", "RelationshipName",
            "ConsistencyEnabled", "ConsistencyType", "ConsistencyState", "ConsistencyStatus")}, {
            "SyncType": 7, "Mode": 2, "CopyState": 4, "ProgressStatus": 2, "PercentSynced": 100,
            "RelationshipName": self.name("noon"), "ConsistencyEnabled": True,
            "ConsistencyType": 2, "ConsistencyState": 3, "ConsistencyStatus": 2})
        times = {str(self.conn.GetInstance(s)["WhenActivated"]) for s in out["Synchronizations"]}
        self.assertEqual(times, {str(g["WhenActivated"])})
        self.assertEqual(self.call("GetSupportedOperationsForSynchronization", 0,
                                   self.c.one("CIM_ReplicationServiceCapabilities"),
                                   Synchronization=g.path)["SupportedOperations"], [19])
        self.refuse("DeleteGroup", 7, ReplicationGroup=source, RemoveElements=True)
        self.refuse("DeleteGroup", 7, ReplicationGroup=out["TargetGroup"], RemoveElements=True)
        self.refuse("RemoveMembers", 6, ReplicationGroup=source, Members=members[:1])
        self.refuse("ModifyReplicaSynchronization", 1, Operation=Uint16(8), Synchronization=g.path)
        self.give_back(g.path, WaitForCopyState=Uint16(15), Force=True)
        for path in (g.path, *out["Synchronizations"], *targets):
            self.gone(path)
        self.assertEqual(self.c.members(out["TargetGroup"]), [])
        self.call("DeleteGroup", 0, ReplicationGroup=out["TargetGroup"])
        self.call("DeleteGroup", 0, ReplicationGroup=source, RemoveElements=True)

    def test_empty_target_group(self):
        """an empty target group is filled, one with members is refused"""
        base = {"SyncType": SNAPSHOT, "SourceGroup": self.group("src", self.volumes(2, "s")),
                "RelationshipName": self.name("r")}
        full = self.group("full", self.volumes(2, "t"))
        self.refuse("CreateGroupReplica", 5, TargetGroup=full, **base)
        empty = self.group("empty")
        out = self.call("CreateGroupReplica", 0, TargetGroup=empty, **base)
        self.same([out["TargetGroup"]], [empty])
        self.assertEqual(len(self.c.members(empty)), 2)

    def test_list(self):
        """CreateListReplica with names, ModifyListSynchronization"""
        src = self.volumes(3, "s")
        out = self.call("CreateListReplica", 0, SyncType=SNAPSHOT, SourceElements=src,
                        ElementNames=[self.name("a"), "", self.name("c")])
        names = [self.conn.GetInstance(t)["ElementName"] for t in out["TargetElements"]]
        self.assertEqual(names, [self.name("a"), self.name("s1_snap1"), self.name("c")])
        self.assertIsNone(out.get("Jobs"))
        syncs = out["Synchronizations"]
        self.assertEqual(len({str(self.conn.GetInstance(s)["WhenActivated"]) for s in syncs}), 1)
        self.refuse("ModifyListSynchronization", 5, Operation=RETURN,
                    Synchronization=[syncs[0], syncs[0]])
        clone = self.clone(src[0])
        self.refuse("ModifyListSynchronization", 5, Operation=RETURN,
                    Synchronization=[syncs[0], clone["Synchronization"]])
        self.call("ModifyListSynchronization", 0, Operation=RETURN, Synchronization=syncs)
        for path in (*syncs, *out["TargetElements"]):
            self.gone(path)

    def test_from_elements(self):
        """CreateGroupReplicaFromElements"""
        src = self.volumes(2, "s")
        out = self.call("CreateGroupReplicaFromElements", 0, SyncType=SNAPSHOT, SourceElements=src,
                        SourceGroupName=self.name("sg"), TargetGroupName=self.name("tg"),
                        RelationshipName=self.name("r"), WaitForCopyState=Uint16(4))
        self.assertEqual(out["TargetGroupName"], self.name("tg"))
        self.assertEqual(len(self.c.members(out["TargetGroup"])), 2)
        self.refuse("CreateGroupReplicaFromElements", 5, SyncType=SNAPSHOT, SourceElements=src,
                    SourceGroupName=self.name("sg2"), TargetElements=self.volumes(2, "t"))
        self.assertNotIn(self.name("sg2"), self.c.groups())

    def test_tpd(self):
        """the same snapshot by 3PAR's names"""
        out = self.snapshot(self.volume("s"))
        tpd = self.c.conn.EnumerateInstances("TPD_StorageSynchronized", namespace="root/tpd")
        mine = [r for r in tpd if r["SyncedElement"]["DeviceID"] ==
                out["TargetElement"]["DeviceID"]]
        self.assertEqual([(r["SyncType"], r["SyncedElement"].classname) for r in mine],
                         [(7, "TPD_StorageVolume")])

    def test_refused_element(self):
        """each wrong value of each parameter of CreateElementReplica"""
        src, dst = self.volume("s"), self.volume("t")
        base = {"SyncType": SNAPSHOT, "SourceElement": src}
        cases = [(5, {"TargetElement": dst}), (1, {"Mode": Uint16(3)}), (1, {"Mode": Uint16(4)}),
                 (5, {"Mode": Uint16(0)}), (5, {"SourceElement": no_volume(src)}),
                 (5, {"TargetPool": NO_POOL}), (5, {"TargetPool": self.c.pools()["bulk"].path}),
                 (5, {"TargetSettingGoal": NO_SETTING}), (5, {"ElementName": self.name("t")}),
                 (5, {"ElementName": ""}), (5, {"ElementName": "x" * 5000}),
                 (5, {"SourceAccessPoint": sap()}), (5, {"TargetAccessPoint": sap()})]
        cases += [(5, {"WaitForCopyState": Uint16(n)}) for n in range(20) if n != 4]
        cases += [(5, {"ReplicationSettingData": settings(**wish)}) for wish in (
            {"DesiredCopyMethodology": Uint16(3)}, {"TargetElementSupplier": Uint16(1)},
            {"TargetElementSupplier": Uint16(5)}, {"ThinProvisioningPolicy": Uint16(3)},
            {"AutoDelete": True}, {"CopyPriority": Uint16(3)}, {"DeltaUpdateBlocks": Uint64(8)})]
        cases += [(5, {"ReplicationSettingData": settings(ReadOnly=Uint16(n))})
                  for n in (0, 1, 2, 4, 5, 259, 65535)]
        self.refuse_all("CreateElementReplica", [(rc, dict(base, **p)) for rc, p in cases], base)
        for more in ({"TargetPool": self.c.pools()["fast"].path},
                     {"ReplicationSettingData": settings(ReadOnly=Uint16(3))}):
            self.snapshot(src, **more)

    def test_refused_group(self):
        """each wrong value of each parameter of CreateGroupReplica and CreateListReplica"""
        members = self.volumes(2, "s")
        group = self.group("g", members)
        base = {"SyncType": SNAPSHOT, "SourceGroup": group}
        self.refuse_all("CreateGroupReplica", [(rc, dict(base, **p)) for rc, p in (
            (1, {"Mode": Uint16(3)}), (5, {"WaitForCopyState": Uint16(8)}),
            (5, {"TargetGroup": group}), (5, {"TargetGroup": NO_GROUP}),
            (5, {"SourceGroup": NO_GROUP}), (5, {"SourceGroup": self.group("empty")}),
            (5, {"TargetElementCount": Uint64(1)}), (5, {"Consistency": Uint16(4)}),
            (5, {"TargetPool": self.c.pools()["bulk"].path}))], base)
        base = {"SyncType": SNAPSHOT, "SourceElements": members}
        self.refuse_all("CreateListReplica", [(rc, dict(base, **p)) for rc, p in (
            (5, {"TargetElements": self.volumes(2, "t")}), (1, {"Mode": Uint16(3)}),
            (5, {"SourceElements": [members[0], members[0]]}),
            (5, {"ElementNames": ["a", "b", "c"]}),
            (5, {"SourceElements": [members[0], self.volume("o", pool="bulk")]}))], base)

    def test_of_a_snapshot(self):
        """a snapshot is no source and no target, and does not grow"""
        src, other = self.volume("s"), self.volume("o")
        snap = self.snapshot(src)["TargetElement"]
        self.refuse("CreateElementReplica", 1, SyncType=SNAPSHOT, SourceElement=snap)
        self.refuse("CreateElementReplica", 1, SyncType=Uint16(8), SourceElement=snap)
        self.refuse("CreateElementReplica", 6, SyncType=Uint16(8), SourceElement=other,
                    TargetElement=snap)
        self.refuse("CreateOrModifyElementFromStoragePool", 6, self.c.configuration,
                    TheElement=snap, Size=Uint64(32 * MIB))
        self.assertNotIn(snap["DeviceID"], {c["DeviceID"] for c in self.call(
            "GetAvailableTargetElements", 0, SourceElement=other, SyncType=Uint16(8),
            Mode=SYNC)["Candidates"]})

    def test_operations(self):
        """every operation but 19 is Not Supported for a snapshot, and 19 for a clone"""
        src = self.volume("s")
        sync = self.snapshot(src)["Synchronization"]
        for n in range(2, 28):
            if n != 19:
                self.refuse("ModifyReplicaSynchronization", 1, Operation=Uint16(n),
                            Synchronization=sync)
        for n in (2, 3, 4, 8, 99):
            self.refuse("ModifyReplicaSynchronization", 5, Operation=RETURN, Synchronization=sync,
                        WaitForCopyState=Uint16(n))
        clone = self.clone(src)
        self.refuse("ModifyReplicaSynchronization", 1, Operation=RETURN,
                    Synchronization=clone["Synchronization"])
        self.give_back(sync)
        self.refuse("ModifyReplicaSynchronization", 5, Operation=RETURN, Synchronization=sync)

    def test_relationships(self):
        """GetReplicationRelationships tells snapshots from clones"""
        src = self.volume("s")
        sync = self.snapshot(src)["Synchronization"]
        self.clone(src)
        for sync_type, n in ((7, 1), (8, 1)):
            self.assertEqual(len(self.call("GetReplicationRelationships", 0,
                                           SyncType=Uint16(sync_type))["Synchronizations"]), n)
        inst = self.call("GetReplicationRelationshipInstances", 0, SyncType=SNAPSHOT)
        self.assertEqual(inst["Synchronizations"][0]["SyncState"], 11)
        self.assertEqual(inst["Synchronizations"][0]["SyncedElement"]["DeviceID"],
                         sync["SyncedElement"]["DeviceID"])

    def test_return_elements(self):
        """ReturnElementsToStoragePool takes snapshots, and not sources of some"""
        src = self.volumes(2, "s")
        snaps = self.call("CreateListReplica", 0, SyncType=SNAPSHOT,
                          SourceElements=src)["TargetElements"]
        self.refuse("ReturnElementsToStoragePool", 6, self.c.configuration,
                    TheElements=[snaps[0], src[1]])
        self.call("ReturnElementsToStoragePool", 0, self.c.configuration, TheElements=snaps)
        self.call("ReturnElementsToStoragePool", 0, self.c.configuration, TheElements=src)
