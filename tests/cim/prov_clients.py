# SPDX-License-Identifier: GPL-2.0-or-later
"""Sequences S3 to S9 as the clients send them: libstoragemgmt, Cinder's drivers, SMAPI, 3PAR."""
import hashlib

import pywbem
from pywbem import Uint16, Uint64

from prov_agent import GIB, MIB, Case


class Libstoragemgmt(Case):
    """smispy: services by SystemName, no Mode, results by the job."""

    def service(self, cls):
        system = self.conn.EnumerateInstances("CIM_ComputerSystem", PropertyList=["Name"])[0]
        found = [s for s in self.conn.EnumerateInstances(cls, PropertyList=["SystemName"])
                 if s["SystemName"] == system["Name"]]
        self.assertEqual(len(found), 1)
        return found[0].path

    def job_status(self, job):
        """lsm matches the hash of InstanceID over all jobs"""
        digest = hashlib.md5(job["InstanceID"].encode()).hexdigest()
        for j in self.conn.EnumerateInstances(
                "CIM_ConcreteJob", PropertyList=["InstanceID", "JobState", "PercentComplete",
                                                 "ErrorDescription", "OperationalStatus"]):
            if hashlib.md5(j["InstanceID"].encode()).hexdigest() == digest:
                return j
        self.fail("the job is not enumerated")

    def test_s3_create_resize_delete(self):
        """S3, S4, S9: CreateOrModifyElementFromStoragePool three ways, ReturnToStoragePool"""
        service = self.service("CIM_StorageConfigurationService")
        pool = self.c.pools()["fast"].path
        out = self.call("CreateOrModifyElementFromStoragePool", 0, service,
                        ElementName=self.name("v"), ElementType=Uint16(2), InPool=pool,
                        Size=Uint64(20 * MIB))
        self.assertEqual(out["Size"], 20 * MIB)
        v = self.conn.GetInstance(out["TheElement"], LocalOnly=False)
        self.assertEqual(v["ElementName"], self.name("v"))
        self.assertEqual(v["OperationalStatus"], [2])
        with self.unchanged():
            rc, _ = self.c.invoke("CreateOrModifyElementFromStoragePool", service,
                                  ElementName=self.name("v"), ElementType=Uint16(2), InPool=pool,
                                  Size=Uint64(20 * MIB))
            self.assertEqual(rc, 5)
        for params in ({"ElementType": Uint16(2), "Size": Uint64(24 * MIB)},
                       {"Size": Uint64(28 * MIB)}):
            self.call("CreateOrModifyElementFromStoragePool", 0, service, TheElement=v.path,
                      **params)
            now = self.conn.GetInstance(v.path)
            self.assertEqual(now["NumberOfBlocks"] * 512, params["Size"])
        self.call("CreateOrModifyElementFromStoragePool", 0, service, TheElement=v.path,
                  ElementName=self.name("renamed"))
        self.assertEqual(self.conn.GetInstance(v.path)["ElementName"], self.name("renamed"))
        refs = self.conn.References(v.path, ResultClass="CIM_StorageSynchronized")
        self.assertEqual(refs, [])
        self.call("ReturnToStoragePool", 0, service, TheElement=v.path)
        with self.raises(pywbem.CIM_ERR_NOT_FOUND):
            self.conn.GetInstance(v.path)

    def test_s6_replicate(self):
        """S6: CLONE with WaitForCopyState 4 and no Mode; the job leads to the new volume"""
        service = self.service("CIM_ReplicationService")
        caps = self.conn.Associators(service, AssocClass="CIM_ElementCapabilities",
                                     ResultClass="CIM_ReplicationServiceCapabilities")
        self.assertIn(2, caps[0]["SupportedAsynchronousActions"])
        self.assertIn(10, caps[0]["SupportedReplicationTypes"])
        self.assertIn(6, caps[0]["SupportedReplicationTypes"])
        src = self.volume(mib=512)
        out = self.call("CreateElementReplica", 4096, service, ElementName=self.name("rep"),
                        SyncType=Uint16(8), SourceElement=src, WaitForCopyState=Uint16(4))
        self.assertEqual(out["Job"].namespace, "root/dmreplica")
        status = self.job_status(out["Job"])
        self.assertIn(status["JobState"], (2, 3, 4, 7))
        self.assertIsNotNone(status["PercentComplete"])
        self.until(lambda: self.job_status(out["Job"])["JobState"] == 7)
        status = self.job_status(out["Job"])
        self.assertEqual(set(status["OperationalStatus"]), {2, 17})
        self.assertEqual((status["PercentComplete"], status["ErrorDescription"]), (100, None))
        made = self.conn.Associators(out["Job"], AssocClass="CIM_AffectedJobElement",
                                     ResultClass="CIM_StorageVolume",
                                     PropertyList=["ElementName", "DeviceID"])
        self.assertEqual(made[0]["ElementName"], self.name("rep"), "the new volume comes first")
        self.assertEqual(self.conn.References(made[0].path,
                                              ResultClass="CIM_StorageSynchronized"), [])
        job = self.conn.GetInstance(out["Job"], LocalOnly=False)
        self.assertIn(job["ErrorCode"], (0, None))
        self.conn.DeleteInstance(out["Job"])
        with self.raises(pywbem.CIM_ERR_NOT_FOUND):
            self.conn.GetInstance(out["Job"])

    def test_s5_snapshot(self):
        """S5: a snapshot, which is there when the call returns; deleted as any volume"""
        jobs = self.conn.EnumerateInstanceNames("CIM_ConcreteJob")
        out = self.call("CreateElementReplica", 0, ElementName=self.name("snap"),
                        SyncType=Uint16(7), SourceElement=self.volume(),
                        WaitForCopyState=Uint16(4))
        self.assertIsNone(out.get("Job"))
        self.assertEqual(self.conn.EnumerateInstanceNames("CIM_ConcreteJob"), jobs)
        snap = self.conn.GetInstance(out["TargetElement"], LocalOnly=False)
        self.assertEqual((snap["ElementName"], snap["OperationalStatus"]),
                         (self.name("snap"), [2]))
        # of a volume in a relation whose SyncState is not 6 lsm just asks for its return
        refs = self.conn.References(snap.path, ResultClass="CIM_StorageSynchronized")
        self.assertEqual([r["SyncState"] for r in refs], [11])
        self.call("ReturnToStoragePool", 0, self.service("CIM_StorageConfigurationService"),
                  TheElement=snap.path)
        with self.raises(pywbem.CIM_ERR_NOT_FOUND):
            self.conn.GetInstance(snap.path)

    def test_s9_in_relation(self):
        """S9: a volume in a relation is in use; after Detach it goes"""
        src = self.volume()
        out = self.clone(src)
        self.c.wait_job(out["Job"])
        target = out["TargetElement"]
        ref = self.conn.References(target, ResultClass="CIM_StorageSynchronized")[0]
        self.assertEqual((ref["SyncState"], ref["CopyType"]), (14, 4))
        for v in (src, target):
            self.refuse("ReturnToStoragePool", 6, self.c.configuration, TheElement=v)
        self.call("ModifyReplicaSynchronization", 0, Operation=Uint16(8), Synchronization=ref.path)
        self.call("ReturnToStoragePool", 0, self.c.configuration, TheElement=target)


class Vmax(Case):
    """Cinder's VMAX driver: groups, GetInstance of jobs, everything by paths."""

    def find_group(self, name):
        for p in self.conn.AssociatorNames(self.c.replication,
                                           ResultClass="CIM_ReplicationGroup"):
            if self.conn.GetInstance(p)["ElementName"] == name:
                return p
        self.fail(f"group {name} is not found from the service")

    def wait(self, job):
        def over():
            j = self.conn.GetInstance(job, LocalOnly=False)
            return j if j["JobState"] not in (2, 3, 4, 32767) else None
        j = self.until(over)
        self.assertTrue(j["OperationalStatus"])
        self.assertIn(j["ErrorCode"], (0, None))
        return j

    def test_s8_group(self):
        """S8: create, add, replicate, find by path, detach, remove, delete"""
        members = self.volumes(2, "s")
        self.call("CreateGroup", 0, GroupName=self.name("cg"))
        source = self.find_group(self.name("cg"))
        self.call("AddMembers", 0, Members=members, ReplicationGroup=source)
        self.call("CreateGroup", 0, GroupName=self.name("tg"))
        target = self.find_group(self.name("tg"))
        self.call("AddMembers", 0, Members=self.volumes(2, "t"), ReplicationGroup=target)
        got = self.conn.AssociatorNames(source, AssocClass="CIM_OrderedMemberOfCollection",
                                        ResultClass="CIM_StorageVolume")
        self.assertEqual([g["DeviceID"] for g in got], [m["DeviceID"] for m in members])
        order = self.conn.References(source, ResultClass="CIM_OrderedMemberOfCollection")
        self.assertEqual([o["AssignedSequence"] for o in order], [1, 2])
        out = self.call("CreateGroupReplica", 4096, RelationshipName=self.name("rel"),
                        SourceGroup=source, TargetGroup=target, SyncType=Uint16(8),
                        Mode=Uint16(3), WaitForCopyState=Uint16(4))
        self.assertEqual(len(out["Jobs"]), 2)
        self.assertEqual(len(out["Synchronizations"]), 2)
        self.assertEqual(out["Synchronization"].classname, "RPL_GroupSynchronized")
        self.same([out["TargetGroup"]], [target])
        self.wait(out["Job"])
        paths = [p for p in self.conn.EnumerateInstanceNames("CIM_GroupSynchronized")
                 if p["SyncedElement"]["InstanceID"] == target["InstanceID"]]
        self.assertEqual(paths, [out["Synchronization"]])
        g = self.conn.GetInstance(paths[0], LocalOnly=False)
        self.assertEqual((g["CopyState"], g["ProgressStatus"], g["SyncType"], g["Mode"],
                          g["PercentSynced"], g["RelationshipName"], g["ConsistencyEnabled"]),
                         (4, 2, 8, 3, 100, self.name("rel"), True))
        self.refuse("DeleteGroup", 7, ReplicationGroup=source, RemoveElements=True)
        self.refuse("RemoveMembers", 6, ReplicationGroup=source, Members=members[:1])
        self.call("ModifyReplicaSynchronization", 0, Operation=Uint16(8), Synchronization=paths[0],
                  Force=True)
        with self.raises(pywbem.CIM_ERR_NOT_FOUND):
            self.conn.GetInstance(paths[0])
        self.call("RemoveMembers", 0, ReplicationGroup=source, Members=members[:1])
        self.call("DeleteGroup", 0, ReplicationGroup=source, RemoveElements=True)
        with self.raises(pywbem.CIM_ERR_NOT_FOUND):
            self.conn.GetInstance(source)
        self.assertTrue(self.conn.GetInstance(members[1]))

    def test_default_setting(self):
        """GetDefaultReplicationSettingData comes back unchanged, as it is and with one change"""
        caps = self.c.one("CIM_ReplicationServiceCapabilities")
        setting = self.call("GetDefaultReplicationSettingData", 0, caps,
                            ReplicationType=Uint16(10))["DefaultInstance"]
        self.assertIsInstance(setting, pywbem.CIMInstance)
        src = self.volume()
        setting["TargetElementSupplier"] = Uint16(2)
        out = self.call("CreateElementReplica", 4096, SyncType=Uint16(8), SourceElement=src,
                        ElementName=self.name("t"), ReplicationSettingData=setting)
        self.wait(out["Job"])
        setting["DesiredCopyMethodology"] = Uint16(6)
        self.refuse("CreateElementReplica", 5, SyncType=Uint16(8), SourceElement=src,
                    ElementName=self.name("u"), ReplicationSettingData=setting)

    def test_s7_clone_by_path(self):
        """S7: a clone on a volume of that name, its relation by path, CopyState 4, Dissolve"""
        src, dst = self.volume("s"), self.volume("d")
        out = self.call("CreateElementReplica", 4096, ElementName=self.name("d"),
                        SyncType=Uint16(8), Mode=Uint16(3), SourceElement=src, TargetElement=dst)
        self.assertEqual(out["TargetElement"], dst)
        found = [p for p in self.conn.EnumerateInstanceNames("CIM_StorageSynchronized")
                 if p["SyncedElement"]["DeviceID"] == dst["DeviceID"]
                 and p["SyncedElement"]["SystemName"] == dst["SystemName"]]
        self.assertEqual(found, [out["Synchronization"]])
        self.until(lambda: self.conn.GetInstance(found[0])["CopyState"] == 4)
        self.call("ModifyReplicaSynchronization", 0, Operation=Uint16(9), Synchronization=found[0],
                  Force=True)
        with self.raises(pywbem.CIM_ERR_NOT_FOUND):
            self.conn.GetInstance(found[0])

    def test_s9_return_elements(self):
        """ReturnElementsToStoragePool: all of them, or none"""
        v = self.volumes(3)
        service = self.c.configuration
        self.clone(v[0], v[1])
        self.refuse("ReturnElementsToStoragePool", 6, service, TheElements=v)
        self.refuse("ReturnElementsToStoragePool", 5, service, TheElements=[v[2], v[2]])
        self.refuse("ReturnElementsToStoragePool", 5, service, TheElements=[v[2]],
                    Options=Uint16(9))
        self.c.invoke("ModifyReplicaSynchronization", self.c.replication, Operation=Uint16(8),
                      Synchronization=self.c.relation_of(v[1]), Force=True)
        self.call("ReturnElementsToStoragePool", 0, service, TheElements=v[:2])
        self.refuse("ReturnElementsToStoragePool", 5, service, TheElements=v[1:])
        self.call("ReturnElementsToStoragePool", 0, service, TheElements=v[1:], Options=Uint16(2))
        self.assertNotIn(self.name("v2"), self.c.volumes())


class Windows(Case):
    """SMAPI: ElementName is on the replica at once, Mode left out, WaitForCopyState 4."""

    def test_clone(self):
        src = self.volume(mib=512)
        out = self.call("CreateElementReplica", 4096, ElementName=self.name("copy"),
                        SourceElement=src, SyncType=Uint16(8), WaitForCopyState=Uint16(4),
                        TargetPool=self.c.pools()["fast"].path)
        self.assertEqual(self.conn.GetInstance(out["TargetElement"])["ElementName"],
                         self.name("copy"))
        r = self.conn.GetInstance(out["Synchronization"])
        self.assertEqual((r["Mode"], r["CopyType"], r["SyncState"], r["CopyState"]), (2, 5, 5, 3))
        self.c.wait_job(out["Job"])

    def test_hosted(self):
        found = self.conn.AssociatorNames(self.c.one("CIM_ComputerSystem"),
                                          AssocClass="CIM_HostedService",
                                          ResultClass="CIM_ReplicationService")
        self.same(found, [self.c.replication])


class ThreePar(Case):
    """3PAR's scripts by root/tpd: vvsets, Jobs[], Synchronizations[], TPD_ names."""

    namespace = "root/tpd"

    def test_group(self):
        service = self.conn.EnumerateInstanceNames("TPD_ReplicationService")[0]
        self.assertEqual(service["SystemCreationClassName"], "TPD_ComputerSystem")
        members = self.volumes(3, mib=64)
        self.assertEqual(members[0].classname, "TPD_StorageVolume")
        out = self.call("CreateGroup", 0, service, GroupName=self.name("set"), Members=members,
                        Persistent=True, DeleteOnEmptyElement=False, DeleteOnUnassociated=False)
        source = out["ReplicationGroup"]
        self.assertEqual((source.classname, source.namespace),
                         ("TPD_ReplicationGroup", "root/tpd"))
        g = self.conn.GetInstance(source)
        self.assertEqual((g["Persistent"], g["DeleteOnEmptyElement"], g["DeleteOnUnassociated"]),
                         (True, False, False))
        out = self.call("CreateGroupReplica", 4096, service, SyncType=Uint16(8), Mode=Uint16(3),
                        SourceGroup=source, WaitForCopyState=Uint16(8), Consistency=Uint16(3),
                        RelationshipName=self.name("copy"))
        self.assertEqual([p.classname for p in out["Jobs"]], ["TPD_ConcreteJob"] * 3)
        self.assertEqual([p.classname for p in out["Synchronizations"]],
                         ["TPD_StorageSynchronized"] * 3)
        self.same([out["Synchronizations"][0]["SystemElement"]], [members[0]])
        targets = self.c.members(out["TargetGroup"])
        self.assertEqual([self.conn.GetInstance(t)["ElementName"] for t in targets],
                         [self.name(f"copy_{n}") for n in (1, 2, 3)])
        self.c.wait_job(out["Job"])
        for j in out["Jobs"]:
            self.assertEqual(self.c.wait_job(j)["PercentComplete"], 100)
        rc, _ = self.conn.InvokeMethod("ModifyListSynchronization", service, Operation=Uint16(8),
                                       Synchronization=out["Synchronizations"])
        self.assertEqual(rc, 0)
        self.assertEqual(self.c.relations(), [])
        self.addCleanup(lambda: [self.c.delete_volume(t) for t in targets])

    def test_rename(self):
        path = self.group("set")
        g = self.conn.GetInstance(path, LocalOnly=False)
        g["ElementName"] = self.name("other")
        g["Description"] = "comment"
        self.conn.ModifyInstance(g)
        g = self.conn.GetInstance(path, LocalOnly=False)
        self.assertEqual((g["ElementName"], g["Description"]), (self.name("other"), "comment"))
        g["DeleteOnEmptyElement"] = True
        with self.raises(pywbem.CIM_ERR_NOT_SUPPORTED):
            self.conn.ModifyInstance(g)

    def test_list(self):
        src, dst = self.volumes(2, "s"), self.volumes(2, "d")
        out = self.call("CreateListReplica", 4096, SyncType=Uint16(8), SourceElements=src,
                        TargetElements=dst, WaitForCopyState=Uint16(4))
        self.assertEqual(out["TargetElements"], dst)
        self.c.wait_job(out["Job"])
        self.until(lambda: not self.c.relations())
        out = self.call("CreateListReplica", 4096, SyncType=Uint16(8), SourceElements=src,
                        ElementNames=[self.name("first")])
        names = [self.conn.GetInstance(t)["ElementName"] for t in out["TargetElements"]]
        self.assertEqual(names[0], self.name("first"))
        self.c.wait_job(out["Job"])

    def test_from_elements(self):
        src = self.volumes(2, "s")
        out = self.call("CreateGroupReplicaFromElements", 4096, SyncType=Uint16(8),
                        Mode=Uint16(3), SourceElements=src, SourceGroupName=self.name("sg"),
                        TargetGroupName=self.name("tg"), RelationshipName=self.name("rel"))
        self.assertEqual(self.conn.GetInstance(out["SourceGroup"])["ElementName"],
                         self.name("sg"))
        self.assertEqual(out["TargetGroupName"], self.name("tg"))
        self.assertEqual(out["Synchronization"].classname, "TPD_GroupSynchronized")
        self.c.wait_job(out["Job"])
        self.refuse("CreateGroupReplicaFromElements", 5, SyncType=Uint16(8), SourceElements=src,
                    SourceGroupName=self.name("sg2"), TargetElements=src)
        self.refuse("CreateGroupReplicaFromElements", 1, SyncType=Uint16(6), SourceElements=src)


class Eternus(Case):
    """Cinder's ETERNUS driver: Force and WaitForCopyState 15 with the operation."""

    def test_stop(self):
        src = self.volume(mib=GIB // MIB)
        out = self.clone(src)
        self.call("ModifyReplicaSynchronization", 0, Operation=Uint16(8), Force=True,
                  Synchronization=out["Synchronization"], WaitForCopyState=Uint16(15))
        self.addCleanup(self.c.delete_volume, out["TargetElement"])
        self.assertEqual(self.conn.References(src, ResultClass="CIM_StorageSynchronized"), [])
