# SPDX-License-Identifier: GPL-2.0-or-later
"""I7: accepted requests end in exactly one terminal state, across any death of any process."""
import threading
import time

import pywbem

from rpltest import case, client


class Restart(case.Case):
    def setUp(self):
        super().setUp()
        self.src = self.volumes(2, 512, "s")
        self.node.sh(f"rpl-stamp fill -f 3 -l 8m {self.devs(self.src)}")
        self.out = self.clone_group(self.src)
        self.dst = self.c.members(self.out["TargetGroup"])
        self.slow_down(self.dst, 1024)
        self.job, self.jobs = self.out["Job"], self.out["Jobs"]

    def percent(self):
        return [self.c.job(j)["PercentComplete"] for j in (self.job, *self.jobs)]

    def let_finish(self):
        """Full speed; each job ends once as Completed and stays so; the bytes are right."""
        self.slow_down(self.dst, 0)
        ends = [self.c.wait_job(j) for j in (self.job, *self.jobs)]
        self.assertTrue(all(e["PercentComplete"] == 100 for e in ends))
        for s, t in zip(self.src, self.dst):
            self.node.sh(f"rpl-stamp compare {self.devs([s, t])}")
        return ends

    def no_stranger(self, jobs):
        """The jobs that exist are the ones that existed, none is invented."""
        now = {j["InstanceID"] for j in self.c.conn.EnumerateInstanceNames("CIM_ConcreteJob")}
        self.assertEqual(now, jobs)

    def all_jobs(self):
        return {j["InstanceID"] for j in self.c.conn.EnumerateInstanceNames("CIM_ConcreteJob")}

    def test_i7_kill_smisd(self):
        """kill -9 of smisd, five times, while copies run: same jobs, percent kept"""
        jobs, low = self.all_jobs(), self.percent()
        for _ in range(5):
            self.node.node("kill smisd")
            with self.assertRaises(pywbem.Error):
                case.connect(timeout=5).conn.EnumerateClassNames()
            self.node.node("start smisd")
            self.until(self.answers, 30, "smisd answers")
            now = self.percent()
            self.assertEqual([c for a, c in zip(low, now) if c < a], [], f"{low} then {now}")
            low = now
            self.no_stranger(jobs)
        self.assertLess(low[0], 100, "the copies were over too early for this test")
        first = self.let_finish()
        self.node.node("kill smisd")
        self.node.node("start smisd")
        self.until(self.answers, 30, "smisd answers")
        again = [self.c.wait_job(j) for j in (self.job, *self.jobs)]
        self.assertEqual([str(a["TimeOfLastStateChange"]) for a in first],
                         [str(a["TimeOfLastStateChange"]) for a in again])
        self.no_stranger(jobs)

    def answers(self):
        try:
            return self.c.conn.GetInstance(self.job) is not None
        except pywbem.Error:
            return False

    def test_i7_kill_priv(self):
        """kill -9 of smisd-priv: progress goes on, and it is used again when it is back"""
        low = self.percent()
        self.node.node("kill priv")
        self.assertGreaterEqual(self.percent()[0], low[0])
        self.node.node("start priv")
        self.until(lambda: self.works(), 30, "smisd finds smisd-priv again")
        self.let_finish()

    def works(self):
        try:
            self.c.delete_volume(self.volume("probe", 4))
            return True
        except (pywbem.Error, client.MethodError):
            return False

    def test_i7_kill_both(self):
        """kill -9 of both at once"""
        jobs, low = self.all_jobs(), self.percent()
        self.node.node("kill smisd")
        self.node.node("kill priv")
        self.node.node("start")
        self.until(self.answers, 30, "smisd answers")
        self.assertGreaterEqual(self.percent()[0], low[0])
        self.no_stranger(jobs)
        self.let_finish()


class DuringCreate(case.Case):
    """kill -9 while the request is being carried out."""

    def test_i7_kill_in_call(self):
        """the request has happened as a whole, with a job that ends once, or not at all"""
        src = self.volumes(2, 8, "s")
        for i, delay in enumerate((0.02, 0.1, 0.3, 0.6)):
            with self.subTest(delay=delay):
                group = self.group(f"g{i}", src)
                jobs = {j["InstanceID"] for j in
                        self.c.conn.EnumerateInstanceNames("CIM_ConcreteJob")}
                t = threading.Thread(target=self.call, args=(group, i))
                t.start()
                time.sleep(delay)
                self.node.node("kill smisd")
                self.node.node("start smisd")
                t.join()
                c = case.connect()
                self.until(lambda: self.quiet(c, jobs), 60, "every job ends")
                new = [j for j in c.conn.EnumerateInstances("CIM_ConcreteJob")
                       if j["InstanceID"] not in jobs]
                for j in new:
                    self.assertIn(j["JobState"], (7, 8, 10), client.describe(j))
                if new and all(j["JobState"] == 7 for j in new):
                    names = c.volumes()
                    for n, s in enumerate(src, 1):
                        t = names[f"{self.name('r')}{i}_{n}"].path
                        self.node.sh(f"rpl-stamp compare {self.devs([s, t])}")

    def call(self, group, i):
        try:
            case.connect(timeout=20).conn.InvokeMethod(
                "CreateGroupReplica", self.c.replication, SyncType=client.CLONE, SourceGroup=group,
                RelationshipName=f"{self.name('r')}{i}", Mode=client.SYNC)
        except pywbem.Error:
            pass

    @staticmethod
    def quiet(c, old):
        try:
            return all(j["JobState"] in client.JOB_FINAL
                       for j in c.conn.EnumerateInstances("CIM_ConcreteJob")
                       if j["InstanceID"] not in old)
        except pywbem.Error:
            return False
