# SPDX-License-Identifier: GPL-2.0-or-later
"""Many volumes at one point in time, under load, and how long writes were held for it.

E2E_MANY=64 for more: each volume costs the emulated guest several starts of lvm. The kernel suite
i1-group-order has 64 of them always.
"""
import os
import re

from rpltest import case, client

NR = int(os.environ.get("E2E_MANY", "8"))


class Many(case.Case):
    def test_i1_many_volumes(self):
        """I1 with many volumes; prints the longest hold of a source write"""
        src, dst = self.volumes(NR, 4, "s"), self.volumes(NR, 4, "t")
        self.node.sh(f"rpl-stamp fill -f 6 {self.devs(src)}", 300)
        # At a rate: writers that take all of the guest's time leave none to smisd and lvm.
        n = self.node.spawn(f"exec rpl-stamp write -w 8 -r 400 -L /run/m.log {self.devs(src)}")
        self.node.until_said(n, "writing")
        source, target = self.group("src", src), self.group("dst", dst)
        self.node.sh("kill -USR1 $(pidof rpl-stamp)")
        self.node.until_said(n, "mark 1")
        out = self.returns(client.RC_JOB, "CreateGroupReplica", SyncType=client.CLONE,
                           Mode=client.ASYNC, SourceGroup=source, TargetGroup=target)
        # so many targets take longer than the reply: the instant is between call and completion
        self.c.wait_job(out["Job"], 30 + 15 * NR)
        self.node.sh("kill -USR1 $(pidof rpl-stamp)")
        self.node.until_said(n, "mark 2")
        self.node.sh("kill $(pidof rpl-stamp)")
        rc, said = self.node.wait(n)
        self.assertEqual(rc, 0, said)
        self.one_point_in_time("/run/m.log", 6, dst, "-A 1", "-B 2")
        held = [int(x) for x in re.findall(r"held_max_ns=(\d+)",
                                           self.node.sh("rplctl groups"))]
        print(f"# {NR} volumes: longest hold of a source write "
              f"{max(held, default=0) / 1000:.0f} us; longest write of the run "
              f"{re.search('latency_max_us ([0-9]+)', said)[1]} us", flush=True)
