# SPDX-License-Identifier: GPL-2.0-or-later
"""Power cut of the node: jobs end once, complete clones stay, unfinished ones go on."""
from rpltest import case, client


class Power(case.Case):
    def test_i7_power_cut(self):
        """after a power cut: the finished clone is whole, the unfinished goes on in the same job"""
        a, b = self.volume("a", 32), self.volume("b", 512)
        ta, tb = self.volume("ta", 32), self.volume("tb", 512)
        self.node.sh(f"rpl-stamp fill -f 4 -l 8m {self.devs([a, b])}")
        done = self.returns(client.RC_JOB, "CreateElementReplica", SyncType=client.CLONE,
                            Mode=client.ASYNC, SourceElement=a, TargetElement=ta)["Job"]
        self.c.wait_job(done)
        running = self.returns(client.RC_JOB, "CreateElementReplica", SyncType=client.CLONE,
                               Mode=client.ASYNC, SourceElement=b, TargetElement=tb)["Job"]
        self.slow_down([tb], 512)
        self.assertEqual(self.c.job(running)["JobState"], client.JOB_RUNNING)
        # Overwritten and durable before the cut: only the clone has what was there.
        self.node.sh(f"rpl-stamp fill -f 9 -l 2m {client.device(b)}")
        jobs = {j["InstanceID"] for j in self.c.conn.EnumerateInstanceNames("CIM_ConcreteJob")}
        self.node.cut()
        self.node.up()
        self.until(lambda: not self.trouble(), 60, "the node is ready")
        now = {j["InstanceID"] for j in self.c.conn.EnumerateInstanceNames("CIM_ConcreteJob")}
        self.assertEqual(now, jobs)
        self.assertEqual(self.c.job(done)["JobState"], client.JOB_COMPLETED)
        self.assertEqual(self.c.job(running)["JobState"], client.JOB_RUNNING)
        # The users of `b` go on too, in front of the copy.
        self.node.sh(f"rpl-stamp fill -f 9 -o 2m -l 4m {client.device(b)}")
        self.slow_down([tb], 0)
        self.c.wait_job(running)
        self.assertEqual(self.c.conn.GetInstance(self.c.relation_of(ta))["CopyState"], 4)
        self.assertEqual(self.c.conn.GetInstance(self.c.relation_of(tb))["CopyState"], 4)
        self.node.sh(f"rpl-stamp compare {self.devs([a, ta])}")
        # `b` was the second volume of the fill, so the file to compare with is one too.
        self.node.sh("cd /run; truncate -s 8M pad want;"
                     "rpl-stamp fill -f 4 -l 8m pad want;"
                     f"rpl-stamp compare -l 8m want {client.device(tb)}")

    def trouble(self):
        try:
            return not self.c.volumes()
        except Exception:  # the server is coming up
            return True
