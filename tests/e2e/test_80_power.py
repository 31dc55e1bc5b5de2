# SPDX-License-Identifier: GPL-2.0-or-later
"""Power cut of the node: jobs end once, complete clones stay, unfinished ones go on."""
from rpltest import case, client

NOTES = "/etc/smisd/distrust"


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

    def state(self, target):
        return self.c.conn.GetInstance(self.c.relation_of(target))["CopyState"]

    def lose_the_store(self, src):
        """An error is all that its device gives any more; the source goes on."""
        name = "vg_fast-rpl--store"
        size = self.node.sh(f"blockdev --getsz /dev/mapper/{name}").strip()
        self.node.sh(f"dmsetup suspend --noflush --nolockfs {name}; "
                     f"dmsetup load {name} --table '0 {size} error'; dmsetup resume {name}")
        self.node.sh(f"rpl-stamp fill -f 9 -l 2m {client.device(src)}")

    def noted(self):
        return self.node.sh(f"ls {NOTES}").split()

    def nothing_is_served(self, clone, snap):
        self.assertEqual((self.state(clone), self.state(snap)), (5, 5))
        out = self.node.sh("rplctl relations")
        self.assertEqual(len([line for line in out.splitlines() if " state=failed " in line and
                              'reason="the store failed' in line]), 2, out)
        for v in (clone, snap):
            rc, out = self.node.sh(f"rpl-stamp sum -l 8m {client.device(v)}", check=False)
            self.assertNotEqual(rc, 0, out)

    def lost_and_back(self, smisd_was_there):
        whole, src = self.volume("w", 32), self.volume("s", 512)
        done, dst = self.volume("tw", 32), self.volume("t", 512)
        self.node.sh(f"rpl-stamp fill -f 4 -l 8m {self.devs([whole, src])}")
        self.c.wait_job(self.returns(client.RC_JOB, "CreateElementReplica", SyncType=client.CLONE,
                                     Mode=client.ASYNC, SourceElement=whole,
                                     TargetElement=done)["Job"])
        job = self.returns(client.RC_JOB, "CreateElementReplica", SyncType=client.CLONE,
                           Mode=client.ASYNC, SourceElement=src, TargetElement=dst)["Job"]
        self.slow_down([dst], 512)
        snap = self.returns(client.RC_OK, "CreateElementReplica", SyncType=client.SNAPSHOT,
                            SourceElement=src)["TargetElement"]
        self.assertEqual(self.c.job(job)["JobState"], client.JOB_RUNNING)
        self.assertEqual(self.noted(), [])
        if not smisd_was_there:
            self.node.node("kill smisd")
        self.lose_the_store(src)
        if not smisd_was_there:
            self.node.node("start smisd")
        self.until(self.noted, 20, "the lost store is noted")
        self.node.cut()
        self.node.up()  # with the device, which knows of nothing
        self.until(lambda: not self.trouble(), 60, "the node is ready")
        self.nothing_is_served(dst, snap)
        self.assertEqual(self.c.job(job)["JobState"], client.JOB_EXCEPTION)
        self.assertIn("store", self.c.error_text(job))
        self.assertEqual(self.noted(), [])
        self.assertEqual(self.state(done), 4)
        self.node.sh(f"rpl-stamp compare {self.devs([whole, done])}")
        # The source has what was written, and can be copied again.
        self.node.sh("cd /run; truncate -s 8M pad want; rpl-stamp fill -f 4 -l 8m pad want;"
                     "truncate -s 2M late; rpl-stamp fill -f 9 -l 2m late;"
                     f"dd if=late of=want conv=notrunc bs=1M status=none; "
                     f"rpl-stamp compare -l 8m want {client.device(src)}")

    def test_i2_store_lost(self):
        """a store is lost, its source goes on, the power is cut, the store is back: its replicas are broken"""
        self.lost_and_back(True)

    def test_i2_store_lost_without_smisd(self):
        """the same, and smisd was not there when the store was lost: it finds out when it starts"""
        self.lost_and_back(False)

    def trouble(self):
        try:
            return not self.c.volumes()
        except Exception:  # the server is coming up
            return True
