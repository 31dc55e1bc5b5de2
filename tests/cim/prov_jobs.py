# SPDX-License-Identifier: GPL-2.0-or-later
"""Jobs: state, errors, what may be done with one, what belongs to one; operations on relations."""
from datetime import timedelta

import pywbem
from pywbem import CIMDateTime, Uint16

from prov_agent import Case, client

RUNNING, SUSPENDED, COMPLETED, TERMINATED = 4, 5, 7, 8


class Jobs(Case):
    def slow(self):
        """A copy that takes minutes."""
        src = self.volume("slow", 16384)
        return src, self.clone(src)

    def job(self, out):
        return self.conn.GetInstance(out["Job"], LocalOnly=False)

    def test_progress(self):
        """percent rises and is 100 only at the end; the relation says the same"""
        src = self.volume(mib=1024)
        out = self.clone(src)
        seen = []
        while True:
            j = self.job(out)
            r = self.conn.GetInstance(out["Synchronization"])
            seen.append(j["PercentComplete"])
            if j["JobState"] == COMPLETED:
                break
            self.assertEqual(j["JobState"], RUNNING)
            self.assertEqual(j["OperationalStatus"], [2])
            self.assertLess(j["PercentComplete"], 100)
            if r["CopyState"] == 3:
                self.assertEqual((r["ProgressStatus"], r["SyncState"]), (6, 5))
                self.assertLess(r["PercentSynced"], 100)
                self.assertIsNone(r["WhenSynced"])
        self.assertEqual(seen, sorted(seen))
        self.assertGreater(len(set(seen)), 2)
        self.assertEqual(seen[-1], 100)
        r = self.conn.GetInstance(out["Synchronization"])
        self.assertEqual((r["CopyState"], r["ProgressStatus"], r["SyncState"], r["PercentSynced"],
                          r["RequestedCopyState"]), (4, 2, 14, 100, 15))
        self.assertIsNotNone(r["WhenSynced"])
        self.assertLessEqual(r["WhenActivated"].datetime, r["WhenSynchronized"].datetime)
        self.assertEqual(r["WhenSynced"], r["WhenActivated"])
        self.assertGreater(j["ElapsedTime"].timedelta, timedelta(0))
        self.assertGreaterEqual(j["TimeBeforeRemoval"].timedelta, timedelta(minutes=5))

    def test_request_state(self):
        """suspend, start, terminate; wrong transitions are 4097, unknown states 1 and 5"""
        _, out = self.slow()
        job = out["Job"]
        invoke = "RequestStateChange"
        self.call(invoke, 4097, job, RequestedState=Uint16(2))
        self.call(invoke, 1, job, RequestedState=Uint16(5))
        self.call(invoke, 1, job, RequestedState=Uint16(6))
        self.call(invoke, 5, job, RequestedState=Uint16(1))
        self.call(invoke, 5, job, RequestedState=Uint16(7))
        self.call(invoke, 5, job)
        self.call(invoke, 4098, job, RequestedState=Uint16(4),
                  TimeoutPeriod=CIMDateTime(timedelta(seconds=10)))
        self.assertIn(self.c.invoke(invoke, job, RequestedState=Uint16(3))[0], (0, 4096))
        self.until(lambda: self.job(out)["JobState"] == SUSPENDED)
        self.assertEqual(self.conn.GetInstance(out["Synchronization"])["CopyState"], 9)
        self.call(invoke, 4097, job, RequestedState=Uint16(3))
        self.assertIn(self.c.invoke(invoke, job, RequestedState=Uint16(2))[0], (0, 4096))
        self.until(lambda: self.job(out)["JobState"] == RUNNING)
        self.assertIn(self.c.invoke(invoke, job, RequestedState=Uint16(4))[0], (0, 4096))
        self.until(lambda: self.job(out)["JobState"] == TERMINATED)
        self.assertEqual(self.job(out)["OperationalStatus"], [10])
        self.call(invoke, 4097, job, RequestedState=Uint16(4))
        for method, name in (("GetError", "Error"), ("GetErrors", "Errors")):
            self.assertIsNone(self.call(method, 0, job).get(name))

    def test_operations(self):
        """Suspend, Resume, Abort and Detach on the relation, and what they do to the job"""
        _, out = self.slow()
        sync = out["Synchronization"]

        def modify(op, expect, **more):
            return self.call("ModifyReplicaSynchronization", expect, Operation=Uint16(op),
                             Synchronization=sync, **more)
        modify(22, 0, WaitForCopyState=Uint16(9))
        r = self.conn.GetInstance(sync)
        self.assertEqual((r["CopyState"], r["ProgressStatus"], r["SyncState"]), (9, 3, 8))
        self.assertEqual(self.job(out)["JobState"], SUSPENDED)
        modify(22, 5, WaitForCopyState=Uint16(4))
        again = modify(16, 4096, WaitForCopyState=Uint16(4))
        self.assertEqual(again["Job"], out["Job"])
        self.assertEqual(self.conn.GetInstance(sync)["CopyState"], 3)
        modify(8, 4)
        modify(2, 0)
        r = self.conn.GetInstance(sync)
        self.assertEqual((r["CopyState"], r["ProgressStatus"], r["SyncState"]), (12, 2, 12))
        self.until(lambda: self.job(out)["JobState"] == TERMINATED)
        modify(8, 0)
        with self.raises(pywbem.CIM_ERR_NOT_FOUND):
            self.conn.GetInstance(sync)
        modify(8, 5)
        self.addCleanup(self.c.delete_volume, out["TargetElement"])

    def test_group_operations(self):
        """the same on a group relation: all pairs at once"""
        group = self.group("g", self.volumes(2, "s", 16384))
        out = self.call("CreateGroupReplica", 4096, SyncType=client.CLONE, Mode=client.ASYNC,
                        SourceGroup=group, RelationshipName=self.name("r"))
        sync = out["Synchronization"]
        for op, state in ((22, 9), (16, 3), (2, 12)):
            self.call("ModifyReplicaSynchronization", 0, Operation=Uint16(op), Synchronization=sync)
            self.assertEqual(self.conn.GetInstance(sync)["CopyState"], state)
            self.assertEqual({r["CopyState"] for r in self.c.relations()}, {state})
        self.until(lambda: self.job(out)["JobState"] == TERMINATED)

    def test_one_of_a_group(self):
        """one pair suspended: the group is Mixed"""
        group = self.group("g", self.volumes(2, "s", 16384))
        out = self.call("CreateGroupReplica", 4096, SyncType=client.CLONE, Mode=client.ASYNC,
                        SourceGroup=group, RelationshipName=self.name("r"))
        self.call("ModifyReplicaSynchronization", 0, Operation=Uint16(22),
                  Synchronization=out["Synchronizations"][0])
        g = self.conn.GetInstance(out["Synchronization"])
        self.assertEqual((g["CopyState"], g["ProgressStatus"]), (14, 14))
        ops = self.call("GetSupportedOperationsForSynchronization", 0,
                        self.c.one("CIM_ReplicationServiceCapabilities"),
                        Synchronization=out["Synchronization"])["SupportedOperations"]
        self.assertEqual(ops, [2, 8, 9, 16, 22])

    def test_modify_and_delete(self):
        """DeleteOnCompletion and TimeBeforeRemoval can be changed, nothing else"""
        _, out = self.slow()
        j = self.job(out)
        self.assertIn(j["DeleteOnCompletion"], (True, False))
        j["DeleteOnCompletion"] = False
        j["TimeBeforeRemoval"] = CIMDateTime(timedelta(hours=2))
        self.conn.ModifyInstance(j)
        j = self.job(out)
        self.assertEqual((j["DeleteOnCompletion"], j["TimeBeforeRemoval"].timedelta),
                         (False, timedelta(hours=2)))
        j["TimeBeforeRemoval"] = CIMDateTime(timedelta(seconds=1))
        with self.raises(pywbem.CIM_ERR_INVALID_PARAMETER):
            self.conn.ModifyInstance(j, PropertyList=["TimeBeforeRemoval"])
        j["Priority"] = pywbem.Uint32(3)
        with self.raises(pywbem.CIM_ERR_NOT_SUPPORTED):
            self.conn.ModifyInstance(j, PropertyList=["Priority"])
        with self.assertRaises(pywbem.CIMError):
            self.conn.DeleteInstance(out["Job"])
        self.assertEqual(self.job(out)["TimeBeforeRemoval"].timedelta, timedelta(hours=2))

    def test_associations(self):
        """service, affected elements and method result of a job, of the whole and of a pair"""
        source = self.group("g", self.volumes(2, "s"))
        out = self.call("CreateGroupReplica", 4096, SyncType=client.CLONE, Mode=client.ASYNC,
                        SourceGroup=source, RelationshipName=self.name("r"),
                        Consistency=Uint16(3))
        for job in [out["Job"]] + out["Jobs"]:
            self.same(self.conn.AssociatorNames(job, AssocClass="CIM_OwningJobElement"),
                      [self.c.replication])
        elements = self.conn.AssociatorNames(out["Job"], AssocClass="CIM_AffectedJobElement")
        self.assertEqual(sorted(e.classname for e in elements),
                         ["RPL_ReplicationGroup"] * 2 + ["RPL_StorageVolume"] * 4)
        elements = self.conn.AssociatorNames(out["Jobs"][1], AssocClass="CIM_AffectedJobElement",
                                             ResultClass="CIM_StorageVolume")
        self.same(elements, [self.c.members(out["TargetGroup"])[1], self.c.members(source)[1]])
        result = self.conn.Associators(out["Job"], AssocClass="CIM_AssociatedJobMethodResult")
        self.assertEqual(len(result), 1)
        pre, post = result[0]["PreCallIndication"], result[0]["PostCallIndication"]
        self.assertEqual((pre["MethodName"], pre["PreCall"], post["PreCall"]),
                         ("CreateGroupReplica", True, False))
        given = pre["MethodParameters"]
        self.assertEqual(given.classname, "__MethodParameters")
        self.assertEqual((given["SyncType"], given["Consistency"], given["RelationshipName"]),
                         (8, 3, self.name("r")))
        self.assertEqual(given["SourceGroup"], source)
        self.assertNotIn("Job", given)
        self.assertEqual(post["ReturnValue"], "4096")
        self.assertEqual(post["MethodParameters"]["Job"], out["Job"])
        # CIM-XML has no property that is an array of references
        self.assertEqual([j.split('"')[1] for j in post["MethodParameters"]["Jobs"]],
                         [j["InstanceID"] for j in out["Jobs"]])
        self.c.wait_job(out["Job"])

    def test_embedded_parameters(self):
        """embedded instances that a call was given are among the parameters of its job, unchanged"""
        caps = self.c.one("CIM_ReplicationServiceCapabilities")
        setting = self.call("GetDefaultReplicationSettingData", 0, caps,
                            ReplicationType=Uint16(10))["DefaultInstance"]
        setting["Description"] = "<&\"'> \u00e9"
        given = {k: v for k, v in setting.items() if v is not None}
        self.assertGreater(len(given), 5, given)
        out = self.clone(self.volume(), ReplicationSettingData=setting)
        result = self.conn.Associators(out["Job"], ResultClass="CIM_MethodResult")[0]
        job = self.c.wait_job(out["Job"])
        for where in (job["JobInParameters"], job["JobOutParameters"],
                      result["PreCallIndication"]["MethodParameters"],
                      result["PostCallIndication"]["MethodParameters"]):
            kept = where["ReplicationSettingData"]
            self.assertIsInstance(kept, pywbem.CIMInstance)
            self.assertEqual(kept.classname, setting.classname)
            self.assertEqual({k: v for k, v in kept.items() if v is not None}, given)
            self.assertEqual(where["SyncType"], 8)
        there = self.conn.GetInstance(pywbem.CIMInstanceName(
            "TPD_ConcreteJob", {"InstanceID": out["Job"]["InstanceID"]}, namespace="root/tpd"))
        self.assertEqual(there["JobInParameters"]["ReplicationSettingData"].classname,
                         setting.classname.replace("RPL_", "TPD_"))
        self.call("CreateElementReplica", 0, SyncType=Uint16(7), SourceElement=self.volume("w"),
                  ReplicationSettingData=client.READ_ONLY)
