# SPDX-License-Identifier: GPL-2.0-or-later
"""S8 groups: one point in time (I1), lists, members."""
from pywbem import Uint16

from rpltest import case, client

SEED = 31


class Group(case.Case):
    def test_s8(self):
        """create, add, replicate, look up by path, detach, remove, delete"""
        src, dst = self.volumes(3, 16, "s"), self.volumes(3, 16, "t")
        self.node.sh(f"rpl-stamp fill -f {SEED} {self.devs(src)}")
        source, target = self.group("src", None), self.group("dst", None)
        for group, members in ((source, src), (target, dst)):
            self.returns(client.RC_OK, "AddMembers", Members=members, ReplicationGroup=group)
        self.assertEqual([m["DeviceID"] for m in self.c.members(source)],
                         [v["DeviceID"] for v in src])
        out = self.returns(client.RC_JOB, "CreateGroupReplica", RelationshipName=self.name("r"),
                           SourceGroup=source, TargetGroup=target, SyncType=client.CLONE,
                           Mode=client.ASYNC, WaitForCopyState=Uint16(8))
        self.c.wait_job(out["Job"])
        for j in out["Jobs"]:
            self.assertEqual(self.c.wait_job(j)["PercentComplete"], 100)
        paths = [p for p in self.c.conn.EnumerateInstanceNames("CIM_GroupSynchronized")
                 if p["SyncedElement"]["InstanceID"] == target["InstanceID"]]
        self.assertEqual(len(paths), 1)
        for s, t in zip(src, dst):
            self.assertEqual(self.c.relation_of(t)["SystemElement"]["DeviceID"], s["DeviceID"])
            self.node.sh(f"rpl-stamp compare {self.devs([s, t])}")
        with self.unchanged():
            self.returns(client.RC_IN_USE, "RemoveMembers", Members=src[:1],
                         ReplicationGroup=source)
        self.c.modify(client.OP_DETACH, paths[0], Force=True)
        self.assertEqual([self.c.relation_of(t) for t in dst], [None] * 3)
        self.returns(client.RC_OK, "RemoveMembers", Members=src[:1], ReplicationGroup=source)
        self.assertEqual(len(self.c.members(source)), 2)
        self.c.delete_group(source)
        self.c.delete_group(target)
        self.assertEqual(len([v for v in self.c.volumes() if v.startswith(self.prefix)]), 6)

    def replicate_under_load(self, src, call):
        """Writers across `src`, marks around call(); stop; (out, check options)."""
        self.node.sh(f"rpl-stamp fill -f {SEED} {self.devs(src)}", 120)
        n = self.node.spawn(f"exec rpl-stamp write -w 4 -r 400 -L /run/g.log {self.devs(src)}")
        self.node.until_said(n, "writing")
        self.node.sh("kill -USR1 $(pidof rpl-stamp)")
        self.node.until_said(n, "mark 1")
        out = call()
        self.node.sh("kill -USR1 $(pidof rpl-stamp)")
        self.node.until_said(n, "mark 2")
        self.c.wait_job(out["Job"])
        self.node.sh("kill $(pidof rpl-stamp)")
        rc, said = self.node.wait(n)
        self.assertEqual(rc, 0, said)
        return out

    def test_i1_group(self):
        """I1: clones of a group under load hold one point in time, between call and answer"""
        src = self.volumes(3, 32, "s")
        out = self.replicate_under_load(src, lambda: self.clone_group(src))
        found = self.one_point_in_time("/run/g.log", SEED, self.c.members(out["TargetGroup"]),
                                       "-A 1", "-B 2")
        self.assertGreater(int(found["included"]), 0)

    def test_i1_list(self):
        """I1: CreateListReplica is one point in time too"""
        src, dst = self.volumes(3, 32, "s"), self.volumes(3, 32, "t")
        self.replicate_under_load(src, lambda: self.returns(
            client.RC_JOB, "CreateListReplica", SyncType=client.CLONE, Mode=client.ASYNC,
            SourceElements=src, TargetElements=dst))
        self.one_point_in_time("/run/g.log", SEED, dst, "-A 1", "-B 2")

    def test_two_points_in_time(self):
        """the same group twice while writing: two clones, each one point in time"""
        src, a, b = (self.volumes(2, 16, w) for w in "sab")
        group = self.group("src", src)

        def both():
            outs = [self.returns(client.RC_JOB, "CreateGroupReplica", SourceGroup=group,
                                 TargetGroup=self.group(n, t), SyncType=client.CLONE,
                                 Mode=client.ASYNC) for n, t in (("a", a), ("b", b))]
            self.c.wait_job(outs[0]["Job"])
            return outs[1]
        self.replicate_under_load(src, both)
        first = self.one_point_in_time("/run/g.log", SEED, a, "-A 1", "-B 2")
        second = self.one_point_in_time("/run/g.log", SEED, b, "-A 1", "-B 2")
        self.assertLess(int(first["point_after"]), int(second["point_before"]))

    def test_size_order(self):
        """larger targets are accepted, the rest of them is left alone"""
        src, dst = self.volumes(2, 16, "s"), self.volumes(2, 20, "t")
        self.node.sh(f"rpl-stamp fill -f {SEED} {self.devs(src)}; "
                     f"rpl-stamp fill -f 5 {self.devs(dst)}")
        out = self.returns(client.RC_JOB, "CreateListReplica", SyncType=client.CLONE,
                           Mode=client.SYNC, SourceElements=src, TargetElements=dst)
        self.c.wait_job(out["Job"])
        for s, t in zip(src, dst):
            self.node.sh(f"rpl-stamp compare -l 16m {self.devs([s, t])}")
