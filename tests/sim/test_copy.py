# SPDX-License-Identifier: GPL-2.0-or-later
"""Copies of a simulated node: progress, operations, failures, restarts."""
import pywbem
from pywbem import Uint16

from node import Case, Simulator
from rpltest.client import (ASYNC, CLONE, JOB_COMPLETED, JOB_EXCEPTION, JOB_RUNNING, JOB_SUSPENDED,
                            JOB_TERMINATED, OP_ABORT, OP_DETACH, OP_RESUME, OP_SUSPEND)

CONF = """
[sim]
rate = 32M
[volume quick]
size = 64M
count = 3
[volume long]
size = 1T
count = 2
[volume bad]
size = 64M
[group all]
members = quick*
[fault broken]
source = bad
at-percent = 40
reason = the target's disk is gone
[fault slow]
source = long2
rate = 1M
[fault busy]
operation = group-create
volume = nothing-is-called-so
[fault once]
operation = volume-create
volume = unlucky
error = ENOSPC
reason = the pool is full to the brim
times = 1
"""
COPY_UNSYNCHRONIZED, COPY_SYNCHRONIZED, COPY_BROKEN, COPY_SUSPENDED, COPY_ABORTED = 3, 4, 5, 9, 12


class Copies(Case):
    @classmethod
    def setUpClass(cls):
        cls.sim = Simulator(cls.smisd, CONF)
        cls.addClassCleanup(cls.sim.__exit__, None)
        cls.sim.start()
        cls.c = cls.sim.client()

    def clone(self, source, **more):
        rc, out = self.c.invoke("CreateElementReplica", self.c.replication, SyncType=CLONE,
                                Mode=ASYNC, SourceElement=self.c.volume(source).path, **more)
        self.assertEqual(rc, 4096)
        return out

    def copy_state(self, out):
        return self.c.conn.GetInstance(out["Synchronization"])["CopyState"]

    def modify(self, operation, out, expect=0, **more):
        rc, _ = self.c.conn.InvokeMethod("ModifyReplicaSynchronization", self.c.replication,
                                         Operation=operation,
                                         Synchronization=out["Synchronization"], **more)
        self.assertEqual(rc, expect)

    def test_group_replica(self):
        """a group replica: one job with one for each pair, progress, Completed, detach"""
        rc, out = self.c.invoke("CreateGroupReplica", self.c.replication, SyncType=CLONE,
                                Mode=ASYNC, SourceGroup=self.c.groups()["all"].path,
                                RelationshipName="copy")
        self.assertEqual((rc, len(out["Jobs"])), (4096, 3))
        seen = []

        def ended():
            job = self.c.job(out["Job"])
            seen.append(job["PercentComplete"])
            return job["JobState"] != JOB_RUNNING and job
        job = self.until(ended)
        self.assertEqual(job["JobState"], JOB_COMPLETED)
        self.assertEqual(set(job["OperationalStatus"]), {2, 17})
        self.assertEqual(seen, sorted(seen))
        self.assertGreater(len(set(seen)), 3, "a client sees it advance")
        self.assertEqual(seen[-1], 100)
        self.assertTrue(all(self.c.job(j)["JobState"] == JOB_COMPLETED for j in out["Jobs"]))
        points = {str(self.c.conn.GetInstance(s)["WhenSynced"]) for s in out["Synchronizations"]}
        self.assertEqual(len(points), 1, "one point in time")
        self.assertEqual(self.copy_state(out), COPY_SYNCHRONIZED)
        self.modify(OP_DETACH, out)
        with self.assertRaises(pywbem.CIMError) as e:
            self.copy_state(out)
        self.assertEqual(e.exception.status_code, 6)
        self.assertEqual(len(self.c.members(out["TargetGroup"])), 3, "the clones stay")

    def test_suspend_resume_abort_detach(self):
        """a copy is suspended, stands still, goes on, is aborted, detached"""
        out = self.clone("long1")
        self.modify(OP_SUSPEND, out)
        self.assertEqual(self.copy_state(out), COPY_SUSPENDED)
        job = self.c.job(out["Job"])
        self.assertEqual(job["JobState"], JOB_SUSPENDED)
        self.modify(OP_RESUME, out)
        self.assertEqual(self.copy_state(out), COPY_UNSYNCHRONIZED)
        self.assertEqual(self.c.job(out["Job"])["JobState"], JOB_RUNNING)
        self.modify(OP_DETACH, out, expect=4)
        self.modify(OP_ABORT, out)
        self.assertEqual(self.copy_state(out), COPY_ABORTED)
        self.until(lambda: self.c.job(out["Job"])["JobState"] == JOB_TERMINATED)
        self.modify(OP_DETACH, out)
        self.assertEqual(self.c.conn.References(out["TargetElement"],
                                                ResultClass="CIM_StorageSynchronized"), [])
        self.c.delete_volume(out["TargetElement"])

    def test_job_state_change(self):
        """RequestStateChange of the job: suspend, start, terminate"""
        out = self.clone("long2")
        for state, expect in ((3, JOB_SUSPENDED), (2, JOB_RUNNING), (4, JOB_TERMINATED)):
            rc, _ = self.c.conn.InvokeMethod("RequestStateChange", out["Job"],
                                             RequestedState=Uint16(state))
            self.assertIn(rc, (0, 4096))
            self.until(lambda want=expect: self.c.job(out["Job"])["JobState"] == want)

    def test_failure(self):
        """a copy that fails at 40 %: job Exception, its reason, relation Broken"""
        out = self.clone("bad")
        job = self.c.wait_job(out["Job"], final=(JOB_EXCEPTION,))
        self.assertIn("the target's disk is gone", job["ErrorDescription"])
        self.assertIn(job["PercentComplete"], (39, 40))
        self.assertEqual(set(job["OperationalStatus"]), {6, 17}, "Error, Completed")
        rc, error = self.c.conn.InvokeMethod("GetError", out["Job"])
        self.assertEqual(rc, 0)
        self.assertIn("the target's disk is gone", error["Error"]["Message"])
        self.assertEqual(self.copy_state(out), COPY_BROKEN)
        self.modify(OP_DETACH, out)

    def test_operation_fails(self):
        """an operation that fails once: return value, sentence, nothing is left of it"""
        create = ("CreateOrModifyElementFromStoragePool", self.c.configuration)
        args = {"ElementName": "unlucky", "ElementType": Uint16(2), "Size": pywbem.Uint64(1 << 30)}
        rc, _ = self.c.conn.InvokeMethod(*create, **args)
        self.assertEqual(rc, 4)
        self.assertIn("the pool is full to the brim", self.sim.log())
        self.assertNotIn("unlucky", self.c.volumes())
        rc, _ = self.c.conn.InvokeMethod(*create, **args)
        self.assertEqual(rc, 0)


class Restart(Case):
    CONF = """
[sim]
rate = 16M
[volume a]
size = 128M
[volume b]
size = 1T
"""

    def test_i7_kill(self):
        """kill -9 with a state directory: same volumes, same jobs, percent never goes back"""
        with Simulator(self.smisd, self.CONF, keep=True) as sim:
            c = sim.client()
            jobs = [c.invoke("CreateElementReplica", c.replication, SyncType=CLONE, Mode=ASYNC,
                             SourceElement=c.volume(v).path, ElementName=f"{v}-copy")[1]["Job"]
                    for v in ("a", "b")]
            self.until(lambda: c.job(jobs[0])["PercentComplete"] >= 10)
            volumes = {n: v.path["DeviceID"] for n, v in c.volumes().items()}
            before = c.job(jobs[0])["PercentComplete"]
            for _ in range(2):
                sim.kill()
                sim.start()
            c = sim.client()
            self.assertEqual({n: v.path["DeviceID"] for n, v in c.volumes().items()}, volumes)
            self.assertGreaterEqual(c.job(jobs[0])["PercentComplete"], before)
            self.assertEqual(c.job(jobs[1])["JobState"], JOB_RUNNING)
            self.assertEqual(c.wait_job(jobs[0])["PercentComplete"], 100)
            self.assertEqual(len(c.conn.EnumerateInstanceNames("CIM_ConcreteJob")), 2)
            c.delete_volume(c.create_volume("gone", 1 << 30))
            sim.kill()
            sim.start()
            self.assertEqual(set(sim.client().volumes()), set(volumes))

    def test_memory(self):
        """without one a new start is a new node"""
        with Simulator(self.smisd, self.CONF) as sim:
            sim.client().create_volume("mine", 1 << 30)
            sim.kill()
            sim.start()
            self.assertEqual(set(sim.client().volumes()), {"a", "b"})
