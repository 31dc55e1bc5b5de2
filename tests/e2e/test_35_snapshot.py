# SPDX-License-Identifier: GPL-2.0-or-later
"""Snapshots: one point in time (I1), a fixed past (I2), space that comes back, every kind of end."""
import re

from rpltest import case, client, wbemcli

SEED = 35
MIB = 1 << 20


class Snapshots(case.Case):
    def snapshot(self, source, **more):
        """(the snapshot, its relation)"""
        out = self.returns(client.RC_OK, "CreateElementReplica", SyncType=client.SNAPSHOT,
                           SourceElement=source, **more)
        self.assertIsNone(out.get("Job"))
        return out["TargetElement"], out["Synchronization"]

    def group_snapshot(self, group, what, **more):
        return self.returns(client.RC_OK, "CreateGroupReplica", SyncType=client.SNAPSHOT,
                            SourceGroup=group, RelationshipName=self.name(what),
                            WaitForCopyState=client.Uint16(4), **more)

    def give_back(self, relation, rc=client.RC_OK):
        self.returns(rc, "ModifyReplicaSynchronization", Operation=client.OP_RETURN,
                     Synchronization=relation)

    def sums(self, volumes):
        out = self.node.sh(f"rpl-stamp sum {self.devs(volumes)}")
        return [line.split()[0] for line in out.splitlines()]

    def at_rest(self, relation):
        r = self.c.conn.GetInstance(relation)
        self.assertEqual((r["SyncType"], r["CopyState"], r["SyncState"], r["ReplicaType"]),
                         (7, 4, 11, 4))

    def is_read_only(self, snap, expect):
        """the relation, the volume and the device say so, and a write ends so"""
        r = self.c.conn.GetInstance(self.c.relation_of(snap))
        self.assertEqual((r["ReadOnly"], self.c.conn.GetInstance(snap)["Access"]),
                         (3, 1) if expect else (None, 3))
        dev = client.device(snap)
        self.assertEqual(self.node.sh(f"blockdev --getro {dev}").strip(), str(int(expect)))
        rc, out = self.node.sh(f"dd if={dev} of=/run/one bs=4k count=1 status=none && "
                               f"dd if=/run/one of={dev} bs=4k oflag=direct status=none",
                               check=False)
        self.assertEqual(rc == 0, not expect, out)

    def test_i1_group(self):
        """I1, I2: a group's snapshots under a writer are one point in time, and stay it"""
        src = self.volumes(3, 8, "s")
        group = self.group("src", src)
        self.node.sh(f"rpl-stamp fill -f {SEED} {self.devs(src)}")
        n = self.node.spawn(f"exec rpl-stamp write -w 4 -r 400 -L /run/s.log {self.devs(src)}")
        self.node.until_said(n, "writing")
        for mark in (1, 2):
            self.node.sh("kill -USR1 $(pidof rpl-stamp)")
            self.node.until_said(n, f"mark {mark}")
            if mark == 1:
                out = self.group_snapshot(group, "r")
        snaps = self.c.members(out["TargetGroup"])
        self.assertEqual(len(snaps), 3)
        first = self.sums(snaps)
        # a second point in time, while the first is still being looked at
        other = self.c.members(self.group_snapshot(group, "q")["TargetGroup"])
        self.assertEqual(self.sums(snaps), first)
        self.node.sh("kill -INT $(pidof rpl-stamp)")
        rc, said = self.node.wait(n)
        self.assertEqual(rc, 0, said)
        a = self.one_point_in_time("/run/s.log", SEED, snaps, "-A 1", "-B 2")
        b = self.one_point_in_time("/run/s.log", SEED, other, "-A 2")
        self.assertLess(int(a["point_before"]), int(b["point_after"]))
        self.node.sh(f"rpl-stamp fill -f 99 {self.devs(src)}")
        self.assertEqual(self.sums(snaps), first)
        mixed = [snaps[0], src[1], snaps[2]]
        rc, out = self.node.sh(f"rpl-stamp check -L /run/s.log -f {SEED} {self.devs(mixed)}",
                               check=False)
        self.assertEqual(rc, 1, out)

    def test_beside_a_clone(self):
        """a clone that runs, and snapshots of the same volumes: the same bytes"""
        src = self.volumes(2, 16, "s")
        self.node.sh(f"rpl-stamp fill -f {SEED} {self.devs(src)}")
        out = self.clone_group(src)
        clones = self.c.members(out["TargetGroup"])
        self.slow_down(clones)
        snaps = self.c.members(self.group_snapshot(out["SourceGroup"], "n")["TargetGroup"])
        self.node.sh(f"rpl-stamp fill -f 7 -l 4m {self.devs(src)}")
        self.slow_down(clones, 0)
        self.c.wait_job(out["Job"])
        self.assertEqual(self.sums(snaps), self.sums(clones))

    def test_i2_mount(self):
        """a mounted snapshot is what the file system was; it is not returned while it is mounted"""
        src = self.volume("s", 16)
        dev = client.device(src)
        self.node.sh(f"""set -e; mkfs.ext4 -q {dev}; mkdir -p /mnt/s /mnt/n; mount {dev} /mnt/s
            dd if=/dev/urandom of=/mnt/s/data bs=64k count=40 status=none
            cd /mnt/s; sha256sum data > sum; cd /; umount /mnt/s""")
        snap, relation = self.snapshot(src, ElementName=self.name("n"),
                                       ReplicationSettingData=client.READ_ONLY)
        two, second = self.snapshot(src)
        self.node.sh(f"""set -e; mount {dev} /mnt/s; dd if=/dev/zero of=/mnt/s/data bs=64k count=40 \
            conv=notrunc status=none; umount /mnt/s
            [ "$(readlink -f /dev/rpl/{self.name('n')})" = "$(readlink -f {client.device(snap)})" ]
            mount -o ro {client.device(snap)} /mnt/n; cd /mnt/n; sha256sum -c sum""")
        self.is_read_only(snap, True)
        self.give_back(relation, client.RC_IN_USE)
        self.returns(client.RC_IN_USE, "ModifyListSynchronization", Operation=client.OP_RETURN,
                     Synchronization=[second, relation])
        self.at_rest(second)
        self.node.sh("cd /; umount /mnt/n")
        self.give_back(relation)
        self.assertEqual(self.c.relation_of(two), second)

    def test_i2_written(self):
        """what is written to a snapshot is in it alone, not in its source, not in another"""
        src = self.volume("s", 16)
        self.node.sh(f"rpl-stamp fill -f {SEED} {client.device(src)}")
        fixed, _ = self.snapshot(src, ReplicationSettingData=client.READ_ONLY)
        rw, written = self.snapshot(src)
        sibling, _ = self.snapshot(src)
        others = [src, fixed, sibling]
        before = self.sums(others)
        self.assertEqual(before, 3 * before[:1])
        self.node.sh(f"rpl-stamp fill -f 77 -o 2m -l 4m {client.device(rw)}")
        self.assertEqual(self.sums(others), before)
        now = self.sums([rw])
        self.assertNotEqual(now, before[:1])
        # the same bytes as a volume would have
        again = self.volume("a", 16)
        self.node.sh(f"""rpl-stamp fill -f {SEED} {client.device(again)}
            rpl-stamp fill -f 77 -o 2m -l 4m {client.device(again)}""")
        self.assertEqual(self.sums([again]), now)
        for snap, expect in ((fixed, True), (rw, False), (sibling, False)):
            self.is_read_only(snap, expect)
        # and the source's writes are in none of them
        self.node.sh(f"rpl-stamp fill -f 8 {client.device(src)}")
        self.assertEqual(self.sums([fixed, rw, sibling]), [before[0], now[0], before[0]])
        self.give_back(written)
        self.assertEqual(self.sums([fixed, sibling]), 2 * before[:1])

    def test_space(self):
        """what the source overwrites takes space of the store, and gives it back"""
        before = self.node.store_used()
        src = self.volume("s", 16)
        self.node.sh(f"rpl-stamp fill -f {SEED} {client.device(src)}")
        snap, relation = self.snapshot(src)
        again, last = self.snapshot(src)
        self.node.sh(f"rpl-stamp fill -f 8 {client.device(src)}")
        self.assertEqual(self.node.store_used() - before, 16 * MIB // 512, "once for both")

        def consumed(volume):
            return self.c.conn.References(
                volume, ResultClass="CIM_AllocatedFromStoragePool")[0]["SpaceConsumed"]
        self.give_back(relation)
        self.until(lambda: consumed(again) == 16 * MIB, 30, "the other consumes all of it")
        # what is written to it is its own
        self.node.sh(f"rpl-stamp fill -f 9 -l 2m {client.device(again)}")
        self.give_back(self.snapshot(src)[1])  # a request is an occasion to look
        self.until(lambda: consumed(again) == 18 * MIB, 30, "its own is counted")
        with self.refused(6):
            self.c.conn.GetInstance(snap)
        # ReturnToStoragePool does the same
        self.returns(client.RC_IN_USE, "ReturnToStoragePool", self.c.configuration,
                     TheElement=src)
        self.returns(client.RC_OK, "ReturnToStoragePool", self.c.configuration, TheElement=again)
        self.assertEqual([r for r in self.c.conn.EnumerateInstanceNames("CIM_StorageSynchronized")
                          if r == last], [])
        self.until(lambda: self.node.store_used() == before, 30, "the space comes back")
        self.c.delete_volume(src)

    def test_lost(self):
        """a full store loses the snapshot, says so, and nothing else"""
        small, big = self.volume("small", 4), self.volume("big", 128)
        _, kept = self.snapshot(small)
        snap, lost = self.snapshot(big)
        self.node.sh(f"rpl-stamp fill -f {SEED} {client.device(big)}")

        def broken():
            r = self.c.conn.GetInstance(lost)
            return r["CopyState"] == 5 and r
        r = self.until(broken, 30, "the snapshot is lost")
        self.assertEqual((r["ProgressStatus"], r["SyncState"], r["PercentSynced"]), (15, 12, None))
        v = self.c.conn.GetInstance(snap)
        self.assertEqual((v["OperationalStatus"], v["HealthState"]), ([6], 30))
        self.assertRegex(v["StatusDescriptions"][0], "lost: .*full")
        self.node.node("kill smisd")
        self.node.node("start smisd")
        self.assertEqual(self.c.conn.GetInstance(snap)["OperationalStatus"], [6])
        self.assertEqual(self.c.conn.GetInstance(big)["OperationalStatus"], [2])
        self.at_rest(kept)
        self.give_back(lost)
        self.node.sh(f"rpl-stamp fill -f 4 -l 1m {client.device(small)}")
        self.at_rest(kept)

    def test_somebody_elses(self):
        """a snapshot that rplctl made is shown, keeps its source, and can be returned"""
        src = self.volume("s", 8)
        number = self.node.sh(f"dmsetup table {client.device(src)} | cut -d' ' -f 5").strip()
        dev = self.node.sh(f"dmsetup table {client.device(src)} | cut -d' ' -f 4").strip()
        major, minor = (int(n) for n in dev.split(":"))
        store = f"-s {major << 20 | minor}"
        for i in (201, 202):
            self.node.sh(f"rplctl create-group {store} $(cat /proc/sys/kernel/random/uuid) "
                         f"{i}:{number}:snapshot")
        self.returns(client.RC_IN_USE, "ReturnToStoragePool", self.c.configuration,
                     TheElement=src)

        def shown():
            return [r for r in self.c.relations()
                    if r["SystemElement"]["DeviceID"] == src["DeviceID"]]
        both = self.until(lambda: len(shown()) == 2 and shown(), 30, "both are shown")
        self.assertEqual({(r["SyncType"], r["CopyState"]) for r in both}, {(7, 4)})
        snaps = [r["SyncedElement"] for r in both]
        self.until(lambda: all(self.c.conn.GetInstance(s)["OperationalStatus"] == [2]
                               for s in snaps), 30, "both have their devices")
        self.assertEqual(self.sums(snaps), 2 * self.sums([src]))
        self.give_back(both[0].path)
        # one that has a device is not deleted by rplctl
        rc, out = self.node.sh(f"rplctl delete {store} 201 || rplctl delete {store} 202",
                               check=False)
        self.assertNotEqual(rc, 0, out)
        self.assertEqual(len(shown()), 1)
        self.give_back(both[1].path)
        self.c.delete_volume(src)

    def test_wbemcli(self):
        """wbemcli makes one, reads it, and gives it back"""
        src = self.volume("s", 8)
        path = ",".join(f'{k}="{v}"' for k, v in src.keybindings.items())
        service = self.w.names("CIM_ReplicationService")[0]
        rc, out = self.w.call(service, "CreateElementReplica", ElementName=self.name("w"),
                              SyncType=7, WaitForCopyState=4,
                              SourceElement=wbemcli.Ref(f"{src.classname}.{path}"))
        self.assertEqual(rc, 0, out)
        snap = self.c.volume(self.name("w"))
        relation = self.c.relation_of(snap.path)
        names = [n for n in self.w.names("CIM_StorageSynchronized")
                 if snap["DeviceID"] in n]
        self.assertEqual(len(names), 1)
        text = self.w.run("ei", "CIM_StorageSynchronized", options=["-nl"])
        self.assertEqual(len(re.findall(r"^-SyncType=7$", text, re.M)), 1)
        self.give_back(relation)

    def check_all(self, relations, snaps, sums, names, read_only):
        """The same relations, names and bytes as ever."""
        for r in relations:
            self.at_rest(r)
        for s in snaps:
            self.is_read_only(s, read_only)
        self.assertEqual([self.c.conn.GetInstance(s)["ElementName"] for s in snaps], names)
        self.assertEqual(self.sums(snaps), sums)
        self.node.sh(" && ".join(f"[ -b /dev/rpl/{n} ]" for n in names))

    def test_i7_restart_and_power_cut(self):
        """kill -9 of both daemons, then a power cut: snapshots, written ones too, stay as they are"""
        src = self.volumes(2, 8, "s")
        self.node.sh(f"rpl-stamp fill -f {SEED} {self.devs(src)}")
        group = self.group("src", src)
        out = self.group_snapshot(group, "r", ReplicationSettingData=client.READ_ONLY)
        snaps = self.c.members(out["TargetGroup"])
        state = (out["Synchronizations"], snaps, self.sums(src),
                 [self.name("r_1"), self.name("r_2")], True)
        rw = self.group_snapshot(group, "w")
        written = self.c.members(rw["TargetGroup"])
        self.node.sh(f"rpl-stamp fill -f 9 -o 1m -l 2m {self.devs(written)}")
        own = (rw["Synchronizations"], written, self.sums(written),
               [self.name("w_1"), self.name("w_2")], False)
        self.assertNotIn(own[2][0], state[2])
        self.node.sh(f"rpl-stamp fill -f 6 -l 4m {self.devs(src)}")
        self.node.node("kill smisd")
        self.node.node("kill priv")
        self.node.node("start")
        self.until(self.ready, 60, "the node is ready")
        self.check_all(*state)
        self.check_all(*own)
        self.node.cut()
        self.node.up()
        self.until(self.ready, 60, "the node is ready")
        self.node.sh(f"rpl-stamp fill -f 6 -o 4m {self.devs(src)}")
        self.check_all(*own)
        self.node.sh(f"rpl-stamp fill -f 10 {client.device(written[0])}")
        self.assertEqual(self.sums(written[1:]), own[2][1:])
        self.check_all(*state)
        groups = [p for p in self.c.conn.EnumerateInstanceNames("CIM_GroupSynchronized")
                  if p["SyncedElement"]["InstanceID"] == out["TargetGroup"]["InstanceID"]]
        self.give_back(groups[0])
        self.assertEqual(self.c.members(out["TargetGroup"]), [])

    def ready(self):
        try:
            return bool(self.c.volumes())
        except Exception:  # the server is coming up
            return False
