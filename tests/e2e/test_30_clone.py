# SPDX-License-Identifier: GPL-2.0-or-later
"""S6 clone of one volume, S7 looking relations up, S9 with a relation."""
import pywbem
from pywbem import Uint16

from rpltest import case, client
from test_20_volumes import keys


BIG = 512  # MiB: what a test can slow down before it is copied


class Clone(case.Case):
    def fill(self, path, seed=7):
        """Known data in the first part; the rest of a new volume holds what was there before."""
        self.node.sh(f"rpl-stamp fill -f {seed} -l 8m {client.device(path)}")

    def test_s6_detached(self):
        """Mode 2: the clone is made, is identical, and detaches itself"""
        src = self.volume("src", 24)
        self.fill(src)
        out = self.returns(client.RC_JOB, "CreateElementReplica", SyncType=client.CLONE,
                           SourceElement=src, ElementName=self.name("dst"),
                           WaitForCopyState=Uint16(4))
        job = self.c.wait_job(out["Job"])
        self.assertEqual(job["PercentComplete"], 100)
        self.assertEqual(sorted(job["OperationalStatus"]), [2, 17])
        self.assertIn(job["ErrorCode"], (0, None))
        dst = self.c.volume(self.name("dst")).path
        self.assertIsNone(self.c.relation_of(dst))
        self.node.sh(f"rpl-stamp compare {self.devs([src, dst])}")
        affected = self.c.conn.AssociatorNames(out["Job"], AssocClass="CIM_AffectedJobElement",
                                               ResultClass="CIM_StorageVolume")
        self.assertIn(dst["DeviceID"], [a["DeviceID"] for a in affected])

    def test_s6_attached(self):
        """Mode 3: the relation stays, Synchronized, until it is detached"""
        src, dst = self.volume("src", 16), self.volume("dst", 16)
        self.fill(src)
        out = self.returns(client.RC_JOB, "CreateElementReplica", SyncType=client.CLONE,
                           Mode=client.ASYNC, SourceElement=src, TargetElement=dst,
                           WaitForCopyState=Uint16(8))
        self.c.wait_job(out["Job"])
        path = self.c.relation_of(dst)
        self.assertEqual(path["SystemElement"]["DeviceID"], src["DeviceID"])
        r = self.c.conn.GetInstance(path, LocalOnly=False)
        self.assertEqual((r["CopyState"], r["SyncState"], r["SyncType"], r["Mode"]),
                         (4, 14, 8, 3))
        self.assertEqual([p["SyncedElement"]["DeviceID"] for p in self.c.conn.ReferenceNames(
            src, ResultClass="CIM_StorageSynchronized")], [dst["DeviceID"]])
        with self.unchanged():
            self.returns(client.RC_IN_USE, "ReturnToStoragePool", self.c.configuration,
                         TheElement=dst)
        self.c.modify(client.OP_DETACH, path)
        with self.refused(pywbem.CIM_ERR_NOT_FOUND):
            self.c.conn.GetInstance(path)
        self.node.sh(f"rpl-stamp compare {self.devs([src, dst])}")

    def test_s6_wbemcli(self):
        """wbemcli asks for a clone and follows the job"""
        src = self.volume("src", 16)
        self.fill(src)
        out = self.w.run("cm", keys(self.c.replication),
                         f'CreateElementReplica.ElementName="{self.name("dst")}",SyncType=8,Mode=2,'
                         f"SourceElement={keys(src)}")
        self.assertRegex(out, r"CreateElementReplica: 4096\b")
        jobs = [n for n in self.w.names("CIM_ConcreteJob") if n]
        self.assertTrue(jobs)
        self.until(lambda: any(self.w.get(j, "JobState").get("JobState") == "7" for j in jobs), 60)
        dst = self.until(lambda: self.c.volumes().get(self.name("dst"))).path
        self.until(lambda: self.c.relation_of(dst) is None, 60, "the clone detaches itself")
        self.node.sh(f"rpl-stamp compare {self.devs([src, dst])}")

    def test_writable_while_copying(self):
        """the clone takes writes at once and keeps them; the source's later writes stay out"""
        src, dst = self.volume("src", BIG), self.volume("dst", BIG)
        self.fill(src)
        before = self.node.sh(f"rpl-stamp sum -o 8m {client.device(src)}").split()[0]
        out = self.returns(client.RC_JOB, "CreateElementReplica", SyncType=client.CLONE,
                           Mode=client.ASYNC, SourceElement=src, TargetElement=dst)
        self.slow_down([dst])
        job = self.c.job(out["Job"])
        self.assertEqual(job["JobState"], client.JOB_RUNNING)
        self.node.sh(f"rpl-stamp fill -f 8 -o 1m -l 1m {client.device(dst)}; "
                     f"rpl-stamp fill -f 9 -o 4m -l 1m {client.device(src)}; "
                     f"rpl-stamp fill -f 9 -o 400m -l 1m {client.device(src)}")
        self.slow_down([dst], 0)
        self.c.wait_job(out["Job"])
        self.node.sh(f"""set -e; cd /run; truncate -s 8M want
            rpl-stamp fill -f 7 -l 8m want; rpl-stamp fill -f 8 -o 1m -l 1m want
            rpl-stamp compare -l 8m want {client.device(dst)}""")
        after = self.node.sh(f"rpl-stamp sum -o 8m {client.device(dst)}").split()[0]
        self.assertEqual(before, after)

    def test_suspend_resume_abort(self):
        """Suspend, Resume and Abort by ModifyReplicaSynchronization show in relation and job"""
        src, dst = self.volume("src", BIG), self.volume("dst", BIG)
        self.fill(src)
        out = self.returns(client.RC_JOB, "CreateElementReplica", SyncType=client.CLONE,
                           Mode=client.ASYNC, SourceElement=src, TargetElement=dst)
        self.slow_down([dst])
        relation = self.c.relation_of(dst)
        self.c.modify(client.OP_SUSPEND, relation)
        r = self.c.conn.GetInstance(relation)
        self.assertEqual((r["CopyState"], r["ProgressStatus"]), (9, 3))
        self.until(lambda: self.c.job(out["Job"])["JobState"] == client.JOB_SUSPENDED)
        percent = self.c.job(out["Job"])["PercentComplete"]
        self.assertEqual(self.c.job(out["Job"])["PercentComplete"], percent)
        self.c.modify(client.OP_RESUME, relation)
        self.until(lambda: self.c.job(out["Job"])["JobState"] == client.JOB_RUNNING)
        self.c.modify(client.OP_ABORT, relation)
        job = self.c.wait_job(out["Job"], final=(client.JOB_TERMINATED,))
        self.assertLess(job["PercentComplete"], 100)
        self.assertEqual(self.c.conn.GetInstance(relation)["CopyState"], 12)
        rc, _ = self.node.sh(f"rpl-stamp sum {client.device(dst)}", check=False)
        self.assertNotEqual(rc, 0, "an aborted clone must not read as if it were whole")
        self.c.modify(client.OP_DETACH, relation)
        self.assertIsNone(self.c.relation_of(dst))

    def test_job_state_change(self):
        """RequestStateChange: suspend, start, terminate; a running job is not deleted"""
        src, dst = self.volume("src", BIG), self.volume("dst", BIG)
        self.fill(src)
        out = self.returns(client.RC_JOB, "CreateElementReplica", SyncType=client.CLONE,
                           Mode=client.ASYNC, SourceElement=src, TargetElement=dst)
        self.slow_down([dst])
        job = out["Job"]
        with self.assertRaises(pywbem.CIMError):
            self.c.conn.DeleteInstance(job)
        for request, state in ((3, client.JOB_SUSPENDED), (2, client.JOB_RUNNING)):
            rc, _ = self.c.invoke("RequestStateChange", job, (0, 4096),
                                  RequestedState=Uint16(request))
            self.until(lambda: self.c.job(job)["JobState"] == state, 10, f"job state {state}")
        self.c.invoke("RequestStateChange", job, (0, 4096), RequestedState=Uint16(4))
        self.c.wait_job(job, final=(client.JOB_TERMINATED,))
        self.c.conn.DeleteInstance(job)
        with self.refused(pywbem.CIM_ERR_NOT_FOUND):
            self.c.job(job)
