#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The demo: a storage manager takes snapshots and clones of a group of three volumes while they are
being written, and the power goes while it clones.

The node is a virtual machine; everything that manages it happens from outside, over TCP, with two
clients that are not ours: wbemcli and pywbem. What the copies hold is judged by counters in every
sector of the volumes and by the file systems on them. Last line: `demo: N passed, N failed`.
"""
import argparse
import os
import pathlib
import re
import shutil
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from rpltest import TOP, client, progress, wbemcli  # noqa: E402
from rpltest.node import MIB, PASSWORD, USER, Node, machine  # noqa: E402

# The file system is in the first part of a volume, the stamped sectors are in the rest.
FS_MIB = 32
# Old content that the snapshot needs: of all sectors that the writers write.
STORE = "[store]\\nsize = 384M\\n"
VOLUMES = {"vol1": 96, "vol2": 128, "vol3": 160}
SEED = 20140


class Demo:
    def __init__(self, args):
        self.args = args
        self.passed = self.failed = 0
        self.t0 = time.monotonic()
        self.node = self.c = self.w = None
        self.paths = {}
        self.figures = {}

    # -- telling ---------------------------------------------------------------------------------

    def say(self, text):
        s = int(time.monotonic() - self.t0)
        print(f"[{s // 60}:{s % 60:02}] {text}", flush=True)

    def check(self, good, what, detail=""):
        self.passed, self.failed = self.passed + bool(good), self.failed + (not good)
        print(f"       {'ok  ' if good else 'FAIL'} {what}", flush=True)
        if not good and detail:
            print("\n".join(f"            {line}" for line in str(detail).splitlines()[-20:]))
        return good

    def guest_check(self, what, command, timeout=120):
        rc, out = self.node.sh(command, timeout, check=False)
        self.check(rc == 0, what, out)
        return out

    def quoted(self, op, path, *args, **kw):
        """Show what a user would type."""
        shown = [f"'{a}'" if re.search(r"[^\w.-]", a) else a
                 for a in self.w.argv(op, path, *args, **kw)]
        print("       $ " + " ".join(shown), flush=True)

    # -- steps -----------------------------------------------------------------------------------

    def boot(self):
        self.say("booting a node: a virtual machine with disks, LVM, dm-replica.ko, smisd")
        self.node = Node(self.args.dir, {"fast": 1536 * MIB}, kver=self.args.kver,
                         deadline_s=24 * 3600 if self.args.hold else 900,
                         config=STORE + self.args.config)
        self.node.up()
        self.c = client.Client(self.node.url, USER, PASSWORD)
        self.w = wbemcli.Wbemcli(self.node.url, USER, PASSWORD)
        version = self.node.sh("uname -r").strip()
        self.say(f"node is up: kernel {version}, CIM at {self.node.url}")

    def discover(self):
        self.say("discovering the node from outside")
        self.quoted("ein", "CIM_RegisteredProfile", namespace="interop")
        names = self.w.names("CIM_RegisteredProfile", namespace="interop")
        self.check(len(names) > 2, f"wbemcli: {len(names)} profiles are registered", names)
        systems = self.c.array_systems()
        self.check(len(systems) == 1, "pywbem: the Array profile leads to one computer system")
        self.check(self.c.replication["SystemName"] == systems[0]["Name"],
                   f"it has a replication service: {systems[0]['ElementName']}")
        pools = self.c.pools()
        self.check("fast" in pools, "its pool 'fast' is "
                   f"{pools['fast']['TotalManagedSpace'] // MIB} MiB, "
                   f"{pools['fast']['RemainingManagedSpace'] // MIB} MiB are free")

    def create_volumes(self):
        self.say("creating three volumes of different size, the first with wbemcli")
        pool = self.c.pools()["fast"].path
        service = self.w_path(self.c.configuration)
        text = (f'CreateOrModifyElementFromStoragePool.ElementName="vol1",ElementType=2,'
                f'Size={VOLUMES["vol1"] * MIB},InPool={self.w_path(pool)}')
        self.quoted("cm", service, text)
        out = self.w.run("cm", service, text)
        self.check(re.search(r"Pool: (0|4096)\b", out), "wbemcli created vol1", out)
        for name in ("vol2", "vol3"):
            self.c.create_volume(name, VOLUMES[name] * MIB, "fast")
        volumes = self.c.volumes()
        for name, mib in VOLUMES.items():
            v = volumes[name]
            self.paths[name] = v.path
            self.check(v["NumberOfBlocks"] * v["BlockSize"] == mib * MIB,
                       f"{name} has {mib} MiB: {client.device(v)}")

    @staticmethod
    def w_path(path):
        """An object path as wbemcli wants it."""
        keys = ",".join(f'{k}="{v}"' for k, v in path.keybindings.items())
        return f"{path.classname}.{keys}"

    def dev(self, name):
        return client.device(self.paths[name])

    def devs(self, names):
        return " ".join(self.dev(n) for n in names)

    def prepare(self):
        self.say("file systems on them, known data in the rest of every volume")
        self.node.sh(f"""set -e
            for v in {self.devs(VOLUMES)}; do
                mkfs.ext4 -q -F -E lazy_itable_init=0 $v {FS_MIB}M
            done
            n=0
            for v in {self.devs(VOLUMES)}; do
                n=$((n+1)); mkdir -p /mnt/vol$n; mount $v /mnt/vol$n
                dd if=/dev/urandom of=/mnt/vol$n/data bs=1M count=8 status=none
                (cd /mnt/vol$n && sha256sum data > data.sha256)
            done
            umount /mnt/vol3; sync
            rpl-stamp fill -f {SEED} -o {FS_MIB}m {self.devs(VOLUMES)}""", 180)
        self.sealed = self.node.sh(f"rpl-stamp sum -l {FS_MIB}m {self.dev('vol3')}").split()[0]

    def create_group(self):
        self.say("a group of the three, and a writer that goes across all of them")
        group = self.c.create_group("app", [self.paths[n] for n in VOLUMES])
        members = self.c.members(group)
        self.check([m["DeviceID"] for m in members] ==
                   [self.paths[n]["DeviceID"] for n in VOLUMES],
                   "group 'app' has the three volumes in order")
        self.paths["app"] = group
        self.writer = self.node.spawn(
            f"exec rpl-stamp write -w 4 -r 1500 -L /run/stamp.log -o {FS_MIB}m {self.devs(VOLUMES)}")
        self.node.until_said(self.writer, "writing")
        self.files = self.node.spawn(
            f"exec {TOP}/tests/e2e/guest/fswriter /run/fs.last /mnt/vol1/lines /mnt/vol2/lines")
        self.node.until_said(self.files, "writing")

    def mark(self, n):
        """A point of the writers' clocks that is certainly before, or after, what comes next."""
        self.node.sh("kill -USR1 $(pidof rpl-stamp)")
        self.node.until_said(self.writer, f"mark {n} ")
        return int(self.node.sh("cat /run/fs.last"))

    def snapshot(self):
        self.say("CreateGroupReplica, SyncType 7 (snapshot), while the writers go on")
        self.mark(1)
        t0 = time.monotonic()
        rc, out = self.c.invoke("CreateGroupReplica", self.c.replication,
                                RelationshipName="noon", SyncType=client.SNAPSHOT,
                                SourceGroup=self.paths["app"],
                                WaitForCopyState=client.Uint16(4),
                                ReplicationSettingData=client.READ_ONLY)
        self.figures["snapshot"] = time.monotonic() - t0
        self.low = self.mark(2)
        self.check(rc == client.RC_OK and not out.get("Job"),
                   "returns 0: three snapshots are there, no job", f"{rc} {dict(out)}")
        self.paths["noon"], self.noon = out["TargetGroup"], out["Synchronization"]
        for n, v in zip(VOLUMES, self.c.members(out["TargetGroup"])):
            self.paths[f"{n}-noon"] = v
        self.snap_names = [f"{n}-noon" for n in VOLUMES]
        states = [(r["CopyState"], r["SyncState"], r["ReadOnly"]) for r in self.c.relations()]
        self.check(states == [(4, 11, 3)] * 3, "three CIM_StorageSynchronized, Synchronized, Idle "
                   "and ReadOnly", states)

    def mark_high(self, devices):
        """The end of the time in which the instant can be; then the first reading of the clones."""
        self.high = self.mark(3) + 1
        self.early = self.node.spawn("exec rpl-stamp check -L /run/stamp.log "
                                     f"-f {SEED} -A 2 -B 3 {devices}")

    def replicate(self):
        self.say("CreateGroupReplica, SyncType 8 (clone), while the writers go on")
        t0 = time.monotonic()
        rc, out = self.c.invoke("CreateGroupReplica", self.c.replication,
                                RelationshipName="nightly", SyncType=client.CLONE,
                                Mode=client.ASYNC, SourceGroup=self.paths["app"],
                                Consistency=client.Uint16(3))
        self.figures["call"] = time.monotonic() - t0
        if rc == client.RC_JOB:
            self.paths["copy"] = group = self.c.target_group(out, self.paths["app"])
        self.check(rc == client.RC_JOB, "returns 4096: job started", f"{rc} {dict(out)}")
        self.job, self.jobs = out["Job"], out["Jobs"]
        self.check(len(self.jobs) == 3, "Job for the whole, Jobs[] for the three pairs")
        self.clones = self.c.members(group)
        self.check(len(self.clones) == 3, "a target group with three clones was made")
        for n, v in zip(VOLUMES, self.clones):
            self.paths[f"{n}-clone"] = v
        self.clone_names = [f"{n}-clone" for n in VOLUMES]

    def watch(self, job, jobs, tick=0.25):
        """Live progress until the job for the whole has ended; its last instance."""
        rows = [progress.Row(n, mib * MIB) for n, mib in VOLUMES.items()]
        whole = progress.Row("all", sum(VOLUMES.values()) * MIB)
        view = progress.Progress("       clone 'nightly'", rows, whole)
        last, honest, start = -1, True, time.monotonic()
        while True:
            # One request for all: what is shown is of one moment.
            now = {j["InstanceID"]: j for j in self.c.conn.EnumerateInstances("CIM_ConcreteJob")}
            for row, path in zip(rows, jobs):
                j = now[path["InstanceID"]]
                row.set(int(j["PercentComplete"]), int(j["JobState"]))
            j = now[job["InstanceID"]]
            whole.set(int(j["PercentComplete"]), int(j["JobState"]))
            honest &= whole.percent >= last
            last = whole.percent
            view.draw()
            if j["JobState"] in client.JOB_FINAL:
                return j, honest
            if time.monotonic() - start > 300:
                return j, False
            time.sleep(tick)

    def follow(self):
        self.say("progress, from CIM_ConcreteJob")
        # beside the watching: the copy may be over before the guest has answered
        marking = threading.Thread(target=self.mark_high,
                                   args=(self.devs(self.clone_names),))
        marking.start()
        job, honest = self.watch(self.job, self.jobs)
        marking.join()
        rc, said = self.node.wait(self.early, 180)
        self.check(rc == 0, "read while writers and copy went on, they are one point in time",
                   said)
        self.check(job["JobState"] == 7 and job["PercentComplete"] == 100,
                   f"job for the whole: Completed, 100 % ({client.describe(job)})",
                   self.c.error_text(self.job))
        self.check(honest, "percent never went back")
        self.check(sorted(job["OperationalStatus"]) == [2, 17], "OperationalStatus {OK, Completed}")
        path = self.w_path(self.job)
        self.quoted("gi", path, "JobState,PercentComplete", options=["-nl"])
        got = self.w.get(path, "JobState", "PercentComplete")
        self.check(got.get("JobState") == "7" and got.get("PercentComplete") == "100",
                   "wbemcli reads the same", got)

    def stop_writers(self):
        self.node.sh("kill $(pidof rpl-stamp)")
        rc, said = self.node.wait(self.writer)
        self.check(rc == 0, "the writer met no error", said)
        self.figures.update(dict(line.split(" ", 1) for line in said.splitlines()
                                 if re.match(r"(writes|latency\w*|writes_per_s) ", line)))
        self.node.sh("pkill -f guest/[f]swriter")
        rc, said = self.node.wait(self.files)
        self.check(rc == 0, "nor did the writer in the file systems", said)

    def judge(self):
        self.say("comparing every byte with the point in time")
        out = self.guest_check(
            "every sector of the three clones is that of one instant (I1), of the call's time",
            "rpl-stamp check -L /run/stamp.log "
            f"-f {SEED} -A 2 -B 3 {self.devs(self.clone_names)}")
        found = dict(line.split(" ", 1) for line in out.splitlines() if " " in line)
        print(f"            of {found.get('writes')} writes {found.get('included')} are before it, "
              f"{found.get('in_flight')} were in flight; "
              f"{found.get('stamped_sectors')} stamped and {found.get('fill_sectors')} untouched "
              "sectors compared")
        mixed = self.devs(["vol1-clone", "vol2", "vol3-clone"])
        rc, out = self.node.sh(f"rpl-stamp check -L /run/stamp.log -f {SEED} -A 2 -B 3 {mixed}",
                               check=False)
        self.check(rc == 1, "with vol2's source in place of its clone the same check fails", out)
        after = self.node.sh(f"rpl-stamp sum -l {FS_MIB}m {self.dev('vol3-clone')}").split()[0]
        self.check(after == self.sealed, "the file system of vol3-clone is byte-identical")
        self.node.sh(f"""set -e; mkdir -p /mnt/c1 /mnt/c2 /mnt/c3
            mount {self.dev('vol1-clone')} /mnt/c1; mount {self.dev('vol2-clone')} /mnt/c2
            mount -o ro {self.dev('vol3-clone')} /mnt/c3""")
        self.guest_check("the clones' file systems mount and their files are whole",
                         "set -e; for i in 1 2 3; do cd /mnt/c$i; sha256sum -c data.sha256; done")
        out = self.guest_check("files written alternately in two of them are of one instant too",
                               f"{TOP}/tests/e2e/guest/fswriter --check {self.low} {self.high} "
                               "/mnt/c1/lines /mnt/c2/lines")
        self.node.sh("cd /; umount /mnt/c1 /mnt/c2 /mnt/c3 /mnt/vol1 /mnt/vol2")
        self.guest_check("e2fsck -fn finds nothing on the clones", "set -e; for v in "
                         f"{self.devs(self.clone_names)}; do e2fsck -fn $v; done")

    def write_snapshot(self):
        """A snapshot that can be written, beside one that cannot and is mounted."""
        rc, out = self.c.invoke("CreateElementReplica", self.c.replication, ElementName="vol1-lab",
                                SyncType=client.SNAPSHOT, SourceElement=self.paths["vol1"])
        self.paths["vol1-lab"] = out.get("TargetElement")
        access = [self.c.conn.GetInstance(self.paths[n])["Access"]
                  for n in ("vol1-noon", "vol1-lab")]
        self.check(rc == client.RC_OK and access == [1, 3],
                   "one more of vol1, to be written: Access of the two is 1 and 3", access)
        src, noon, lab = (self.dev(n) for n in ("vol1", "vol1-noon", "vol1-lab"))
        self.guest_check("mounted writable it takes a new file and loses an old one", f"""set -e
            mkdir -p /mnt/lab; mount {lab} /mnt/lab; cmp /mnt/lab/data /mnt/n1/data
            head -c 1M /dev/urandom > /run/new; cp /run/new /mnt/lab; rm /mnt/lab/data
            umount /mnt/lab; mount {lab} /mnt/lab
            cmp /mnt/lab/new /run/new; [ ! -e /mnt/lab/data ]; umount /mnt/lab""")
        self.guest_check("the source and the read-only one have the old file, and not the new one",
                         f"""set -e; mount {src} /mnt/vol1; cmp /mnt/vol1/data /mnt/n1/data
            [ ! -e /mnt/vol1/new ]; [ ! -e /mnt/n1/new ]; umount /mnt/vol1""")
        self.guest_check("the read-only one takes no write; e2fsck -fn finds nothing on the other",
                         f"""set -e; [ "$(blockdev --getro {noon})" = 1 ]
            if dd if=/dev/zero of={noon} bs=4k count=1 oflag=direct; then exit 1; fi
            e2fsck -fn {lab}""")
        self.c.modify(client.OP_RETURN, self.c.relation_of(self.paths["vol1-lab"]))

    def judge_snapshot(self):
        self.say("the snapshots, after all of that writing")
        out = self.guest_check("every sector of the three is that of one instant (I1), an earlier "
                               "one", "rpl-stamp check -L /run/stamp.log "
                               f"-f {SEED} -A 1 -B 2 {self.devs(self.snap_names)}")
        found = dict(line.split(" ", 1) for line in out.splitlines() if " " in line)
        print(f"            of {found.get('writes')} writes {found.get('included')} are before it")
        self.guest_check("mounted read-only their files are whole", f"""set -e
            for i in 1 2 3; do mkdir -p /mnt/n$i; done
            mount -o ro,noload {self.dev('vol1-noon')} /mnt/n1
            mount -o ro,noload {self.dev('vol2-noon')} /mnt/n2
            mount -o ro {self.dev('vol3-noon')} /mnt/n3
            for i in 1 2 3; do cd /mnt/n$i; sha256sum -c data.sha256; done""")
        self.write_snapshot()
        rc, _ = self.c.invoke("ModifyReplicaSynchronization", self.c.replication,
                              Operation=client.OP_RETURN, Synchronization=self.noon)
        self.check(rc == client.RC_IN_USE, "Return To ResourcePool is refused while one is mounted")
        kept = self.node.store_used()
        self.node.sh("cd /; umount /mnt/n1 /mnt/n2 /mnt/n3")
        self.c.modify(client.OP_RETURN, self.noon)
        self.check(not self.c.members(self.paths["noon"]), "then it takes the three away")
        end = time.monotonic() + 60
        while self.node.store_used() and time.monotonic() < end:
            time.sleep(0.2)
        self.check(kept and not self.node.store_used(),
                   f"and {kept >> 11} MiB of the store are free again", f"{self.node.store_used()} sectors")

    def detach(self):
        self.say("detaching: the clones become volumes of their own")
        relations = self.c.conn.EnumerateInstanceNames("CIM_GroupSynchronized")
        self.check(len(relations) == 1, "one CIM_GroupSynchronized is left", relations)
        synced = self.c.relations()
        self.check(len(synced) == 3 and all(r["CopyState"] == 4 for r in synced),
                   "three CIM_StorageSynchronized, all Synchronized", synced)
        self.c.modify(client.OP_DETACH, relations[0])
        self.check(not self.c.relations(), "after ModifyReplicaSynchronization(Detach) none is")

    def measure(self):
        """The same copy again without other load, against dd of the same volumes in the same VM."""
        self.say("measuring: the copy alone, against dd")
        _, out = self.c.invoke("CreateGroupReplica", self.c.replication, (4096,),
                               RelationshipName="bench", SyncType=client.CLONE, Mode=client.SYNC,
                               SourceGroup=self.paths["app"], TargetGroup=self.paths["copy"])
        job, _ = self.watch(out["Job"], out["Jobs"], tick=1)
        self.check(job["JobState"] == 7, "a second clone onto the same targets completes")
        end = time.monotonic() + 10
        while self.c.relations() and time.monotonic() < end:
            time.sleep(0.2)
        self.check(not self.c.relations(), "independent (Mode 2): it detached itself")
        seconds = elapsed_s(job)
        total = sum(VOLUMES.values()) * MIB
        pairs = [(self.dev(n), self.dev(f"{n}-clone")) for n in VOLUMES]
        self.guest_check("the idle sources and their clones are byte-identical",
                         "set -e\n" + "\n".join(f"rpl-stamp compare {a} {b}" for a, b in pairs))
        out = self.node.sh("s=$(date +%s%N)\n" + "\n".join(
            f"dd if={a} of={b} bs=1M iflag=direct oflag=direct conv=fsync status=none &"
            for a, b in pairs) + "\nwait; echo $(($(date +%s%N) - s))", 120)
        dd = int(out.split()[-1]) / 1e9
        self.figures["copy"] = total / seconds / 1e6
        self.figures["dd"] = total / dd / 1e6

    def power_cut(self):
        self.say("a clone again, and in the middle of it the power goes")
        names = list(VOLUMES)
        sums = self.node.sh(f"rpl-stamp sum {self.devs(names)}")
        # slow enough for a cut in its middle
        devices = [self.dev(n) for n in self.clone_names]
        slow = self.node.slow_down_soon(devices, 2048)
        rc, out = self.c.invoke("CreateGroupReplica", self.c.replication, (4096,),
                                RelationshipName="power", SyncType=client.CLONE, Mode=client.ASYNC,
                                SourceGroup=self.paths["app"], TargetGroup=self.paths["copy"])
        job = out["Job"]
        rc, said = self.node.wait(slow)
        self.check(not rc, "its rate is limited to 2 MiB/s for each volume", said)
        # overwritten and durable before the power goes: only the clones have what was there
        self.node.sh(f"rpl-stamp fill -f 5 -o {FS_MIB}m -l 8m {self.devs(names)}")
        end = time.monotonic() + 60
        while self.c.job(job)["PercentComplete"] < 5 and time.monotonic() < end:
            time.sleep(0.2)
        before = self.c.job(job)
        jobs = sorted(j["InstanceID"] for j in
                      self.c.conn.EnumerateInstanceNames("CIM_ConcreteJob"))
        bad = self.node.kernel_complaints()
        self.node.cut()
        self.say(f"power cut at {before['PercentComplete']} %; booting again")
        self.node.up()
        now = self.c.job(job)
        self.say(f"the node is up: {client.describe(now)}")
        self.check(before["JobState"] == client.JOB_RUNNING and before["PercentComplete"] < 100,
                   "the copy was under way", client.describe(before))
        self.check(sorted(j["InstanceID"] for j in
                          self.c.conn.EnumerateInstanceNames("CIM_ConcreteJob")) == jobs
                   and now["JobState"] in (client.JOB_RUNNING, client.JOB_COMPLETED),
                   "the job is the same job, and goes on", client.describe(now))
        if now["JobState"] == client.JOB_RUNNING:
            self.node.slow_down(devices, 0)
        done, _ = self.watch(job, out["Jobs"], tick=1)
        self.check(done["JobState"] == client.JOB_COMPLETED, "it completes", client.describe(done))
        now = self.node.sh(f"rpl-stamp sum {self.devs(self.clone_names)}")
        self.check([line.split()[:2] for line in now.splitlines()] ==
                   [line.split()[:2] for line in sums.splitlines()],
                   "the clones are byte-identical with the point in time", sums + now)
        self.check(not bad, "the kernel's log had no warning before the cut", "\n".join(bad))

    def held(self):
        """Longest hold of a source write by the point in time, as the kernel measured it, in us."""
        rc, out = self.node.sh("rplctl groups", check=False)
        found = [int(n) for n in re.findall(r"held_max_ns=(\d+)", out)]
        return max(found) / 1000 if rc == 0 and found else None

    def finish(self):
        bad = self.node.kernel_complaints()
        self.check(not bad, "the kernel's log has no warning", "\n".join(bad))
        f = self.figures
        print("\nfigures (software emulation: ratios count, times do not)")
        if f.get("held") is not None:
            print(f"  longest hold of a source write by the point in time  {f['held']:.0f} us "
                  "(kernel's own measure)")
        if "latency_max_us" in f:
            print("  longest source write of the whole run                "
                  f"{f['latency_max_us']} us (99 % below {f['latency_p99_below_us']} us, "
                  f"{f['writes']} writes)")
        if "call" in f:
            print("  CreateGroupReplica, call to answer                   "
                  f"{f['call'] * 1000:.0f} ms")
        if "snapshot" in f:
            print("  the same for snapshots                               "
                  f"{f['snapshot'] * 1000:.0f} ms")
        if "copy" in f:
            print(f"  copy {f['copy']:.0f} MB/s, dd {f['dd']:.0f} MB/s                        "
                  f"        ratio {f['copy'] / f['dd']:.2f}")

    def run(self):
        for step in (self.boot, self.discover, self.create_volumes, self.prepare,
                     self.create_group, self.snapshot, self.replicate, self.follow,
                     self.stop_writers, self.judge):
            step()
        self.figures["held"] = self.held()
        self.check((self.figures["held"] or 0) < 60e6,
                   "the kernel's measure of the longest hold is below its time-out")
        self.judge_snapshot()
        self.detach()
        self.measure()
        self.power_cut()
        self.finish()

    def what_next(self):
        n = self.node
        job = self.w_path(self.job) if getattr(self, "job", None) is not None else "CIM_ConcreteJob"
        ctl = os.path.relpath(TOP / "tests" / "vm" / "ctl")
        where = os.path.relpath(n.m.dir)
        print(f"""
The node keeps running. User {USER}, password {PASSWORD} (monitor/monitor may only read).
  http    {n.url}      https   {n.https_url} (certificate {os.path.relpath(n.ca)})
  wbemcli ei '{self.w.base}/{client.NAMESPACE}:CIM_StorageVolume'
  wbemcli gi -nl '{self.w.base}/{client.NAMESPACE}:{job}'
  {os.path.relpath(TOP)}/build/venv/bin/python -c 'import pywbem; \\
     c = pywbem.WBEMConnection("{n.url}", ("{USER}", "{PASSWORD}"), "{client.NAMESPACE}"); \\
     print(*c.EnumerateInstances("CIM_ConcreteJob"), sep="\\n")'
  {ctl} {where} exec dmsetup status
  {ctl} {where} exec rplctl relations
  {ctl} {where} exec bash -c '…any command in the guest…'
  console {where}/console.log, daemons {where}/out/log/
  stop it: {ctl} {where} off""", flush=True)


def stop_old(where):
    """The node that an earlier run left running there."""
    try:
        machine.Machine.attach(where / "vm").cut()
    except FileNotFoundError:
        pass


def elapsed_s(job):
    t = job["ElapsedTime"]
    delta = t.timedelta if t is not None and t.is_interval else None
    return max(delta.total_seconds(), 1e-3) if delta else float("nan")


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--hold", action="store_true", help="keep the node running")
    p.add_argument("--kver", default=os.environ.get("KVER", "6.1"))
    p.add_argument("--dir", type=pathlib.Path, help="where the virtual machine lives")
    p.add_argument("--config", default="", help="more lines of smisd.conf, \\n between them")
    args = p.parse_args()
    keep = args.dir is not None or args.hold
    args.dir = args.dir or (TOP / "build" / "demo" if args.hold
                            else pathlib.Path(tempfile.mkdtemp(prefix="rpl-demo-")))
    if keep:
        stop_old(args.dir)
        shutil.rmtree(args.dir, ignore_errors=True)
    d = Demo(args)
    try:
        d.run()
    except KeyboardInterrupt:
        d.check(False, "interrupted")
    except Exception as e:  # any surprise is a failure to be told, with what the node said
        d.check(False, f"{type(e).__name__}: {e}")
        if d.node and d.node.m:
            print(d.node.logs()[-4000:], file=sys.stderr)
            print(*d.node.kernel_complaints()[-40:], sep="\n", file=sys.stderr)
    finally:
        if d.node and d.node.alive() and args.hold:
            d.what_next()
        elif d.node and d.node.m:
            d.node.off()
        if not keep:
            shutil.rmtree(args.dir, ignore_errors=True)
    print(f"demo: {d.passed} passed, {d.failed} failed", flush=True)
    return 1 if d.failed else 0


if __name__ == "__main__":
    sys.exit(main())
