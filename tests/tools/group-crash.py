#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Cut the power at every flush: one disk with a store and two sources, and groups over both.

usage: group-crash TRIAL POINTS [SEED]          (a block device; in a guest with nbd; crash.sh runs it)

As snap-crash.py, for groups: several writers write to both sources while groups are made, with a
snapshot or a clone of each; the store is closed and opened between them, and one is deleted.  At an
instant no write is in flight, so a model knows what both members hold.  At many points of the log: a
group that was acknowledged is there with both of its members, one whose deletion was is gone with both,
and one that is being made is there as a whole or not at all.  Members hold their bytes of that one
instant before and after more is written; clones go on to their end, and their targets hold the same.
"""
import importlib.util
import pathlib
import random
import subprocess
import sys
import threading

import powerdisk

spec = importlib.util.spec_from_file_location(
    "snap_crash", pathlib.Path(__file__).resolve().parent / "snap-crash.py")
sc = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sc)
lc = sc.lc
MIB, BLOCK, CHUNK = lc.MIB, lc.BLOCK, lc.CHUNK
STORE, SIZE = 16 * MIB, 1 * MIB
BLOCKS = SIZE // BLOCK
SOURCES = (1, 2)
WRITERS, WRITES = 3, 80  # in each of two lives of the store
LATER = 3  # the first group of the second one
# What the members are, of sources 1 and 2, in the order in which the groups are made: ids below 200
# are clones, each with its target.  The first group is deleted when all are there, in the second life.
GROUPS = ((201, 301), (101, 302), (202, 102), (103, 104), (203, 303))
CLONES = {n: v for group in GROUPS for v, n in zip(SOURCES, group) if n < 200}
SLICES = [("sl-sd", STORE), *((f"sl-lo-{v}", SIZE) for v in SOURCES), *((f"sl-tg-{n}", SIZE) for n in CLONES)]
# Store, sources and targets have a cache each: a flush of one of them says nothing of the others.
DRIVES = (STORE, len(SOURCES) * SIZE, len(CLONES) * SIZE)
END = sum(DRIVES)
BEGUN = ("making", "deleting")  # marks of commands


class Node:
    """Store, clones and sources over slices of a disk; snapshots' devices as they are asked for."""

    def __init__(self, place):
        self.names, at = [], 0
        for name, size in SLICES:
            disk, start = place(at)
            lc.linear(name, disk, start, size)
            at += size

    def create(self, name, table, *options, check=True):
        status = lc.dm("create", *options, name, "--table", table, check=check)[0]
        if not status:
            self.names.append(name)
        return not status

    def open(self, features="0"):
        sectors = SIZE // 512
        self.create("store", f"0 {STORE // 512} replica-store /dev/mapper/sl-sd {CHUNK // 512} {features}")
        for n, v in CLONES.items():
            self.create(f"c-{n}", f"0 {sectors} replica-clone /dev/mapper/store {n} /dev/mapper/sl-tg-{n} 0 "
                                  f"{v} /dev/mapper/sl-lo-{v} 0")
        for v in SOURCES:
            self.create(f"v-{v}", f"0 {sectors} replica-source /dev/mapper/store {v} /dev/mapper/sl-lo-{v} 0")

    def message(self, *words):
        lc.dm("message", "store", 0, *words)

    def rate(self, kib_s):
        for n in CLONES:
            self.message("set_rate", n, 0, kib_s)

    def make(self, g):
        self.message("create_group", sc.uuid_of(1, g), ",".join(
            f"{n}:{v}:{sc.uuid_of(2, n)}" + ("" if n in CLONES else ":snapshot")
            for v, n in zip(SOURCES, GROUPS[g])))

    def bytes_of(self, n, v):
        """What clone or snapshot n of source v holds; None if there is none."""
        name = f"c-{n}" if n in CLONES else f"n-{n}"
        if name not in self.names and not self.create(
                name, f"0 {SIZE // 512} replica-snap /dev/mapper/store {n} {v} /dev/mapper/sl-lo-{v} 0",
                "--readonly", check=False):
            return None
        state = lc.dm("status", name)[1]
        if state.split()[3] == "prepared":
            return None
        if state.split()[3] not in ("copying", "synchronized"):
            raise AssertionError(f"{name}: {state}")
        with lc.Direct(f"/dev/mapper/{name}", lc.os.O_RDONLY) as dev:
            return dev.read(0, SIZE)

    def close(self):
        # the store goes last
        if self.names:
            lc.dm("remove", "--retry", *sorted(self.names, key=lambda name: name == "store"))
        self.names = []

    def gone(self):
        self.close()
        lc.dm("remove", "--retry", *(name for name, _ in SLICES))


class Workload:
    """What is done; ->past[g]: the bytes of group g's members."""

    def __init__(self, rnd, disk):
        self.rnd, self.mark = rnd, disk.mark
        self.gate = sc.Gate()
        self.now = {v: [lc.block_of("PQ"[v - 1], i) for i in range(BLOCKS)] for v in SOURCES}
        self.past = []
        self.left = self.number = 0
        self.node = Node(disk.place)

    def writer(self, nr, seed):
        rnd = random.Random(seed)
        devs = {v: lc.Direct(f"/dev/mapper/v-{v}") for v in SOURCES}
        share = BLOCKS // WRITERS
        for _ in range(WRITES):
            v, length = rnd.choice(SOURCES), rnd.choice((1, 1, 2, 4, 20))
            first = rnd.randrange(share - length) + nr * share
            with self.gate.cond:
                self.number += 1
                data = lc.block_of("S", self.number)
            with self.gate.write():
                devs[v].write(first * BLOCK, data * length)
                self.now[v][first:first + length] = [data] * length
                if rnd.random() < 0.1:
                    devs[v].flush()
        for dev in devs.values():
            dev.close()
        with self.gate.cond:
            self.left -= 1
            self.gate.cond.notify_all()

    def make(self, g):
        with self.gate.shut():
            self.past.append({v: b"".join(self.now[v]) for v in SOURCES})
            self.mark(f"making:{g}")
            self.node.make(g)
            self.mark(f"made:{g}")

    def live(self, groups, delete=()):
        """One life of the store: writers, and these groups made beside them, then those deleted."""
        self.node.rate(256)
        self.left = WRITERS
        threads = [threading.Thread(target=self.writer, args=(i, self.rnd.randrange(1 << 20)))
                   for i in range(WRITERS)]
        for t in threads:
            t.start()
        for g in groups:
            with self.gate.cond:
                # the writers go on for a while; when they are through there is nothing to keep
                self.gate.cond.wait_for(lambda: not self.left, timeout=0.1)
            self.make(g)
        for g in delete:
            self.mark(f"deleting:{g}")
            self.node.message("delete", sc.uuid_of(1, g))
            self.mark(f"deleted:{g}")
        for t in threads:
            t.join()

    def run(self):
        self.node.open("3 format max_volumes 16")
        self.mark("opened")
        self.live(range(LATER))
        # what was read is not written as what was made here is: the one good slot is on disk alone
        self.node.close()
        self.node.open()
        self.live(range(LATER, len(GROUPS)), delete=[0])
        for g in range(1, len(GROUPS)):
            for v, n in zip(SOURCES, GROUPS[g]):
                if self.node.bytes_of(n, v) != self.past[g][v]:
                    raise RuntimeError(f"{n} of group {g} has not kept its bytes, without any cut")
        self.node.gone()


class Check:
    """One point of the log on the trial disk, against the model."""

    def __init__(self, workload, trial):
        self.w, self.dev = workload, lc.Direct(trial)
        self.node = Node(lambda at: (trial, at))
        self.made, self.may, self.going = set(), set(), set()

    def mark(self, text):
        word, _, g = text.partition(":")
        g = int(g or 0)
        if word == "making":
            self.may.add(g)
        elif word == "made":
            self.made.add(g)
        elif word == "deleting":
            self.made.discard(g)
            self.going.add(g)
        elif word == "deleted":
            self.may.discard(g)

    def compare(self, when, groups):
        """Those of the groups that are there, each as it must be."""
        there = set()
        for g in groups:
            data = {v: self.node.bytes_of(n, v) for v, n in zip(SOURCES, GROUPS[g])}
            none = [v for v in SOURCES if data[v] is None]
            half = none and len(none) < len(SOURCES)
            if (none and g in self.made) or (half and g not in self.going):
                raise AssertionError(f"{when}: group {g} has no replica of {none}, "
                                     f"{'was' if g in self.made else 'was not'} acknowledged")
            for v, n in zip(SOURCES, GROUPS[g]):
                if v in none:
                    continue
                for i in range(BLOCKS):
                    got, want = (x[i * BLOCK:(i + 1) * BLOCK] for x in (data[v], self.w.past[g][v]))
                    if got != want:
                        raise AssertionError(f"{when}: {n} of group {g}, block {i} holds {got[:8]}, "
                                             f"not {want[:8]}")
            if len(none) < len(SOURCES):
                there.add(g)
        return there

    def targets(self, groups):
        for g in groups:
            for v, n in zip(SOURCES, GROUPS[g]):
                if n not in CLONES:
                    continue
                if lc.dm("status", f"c-{n}")[1].split()[3] != "synchronized":
                    lc.dm("until", "store", f"c-{n}", "synchronized")
                with lc.Direct(f"/dev/mapper/sl-tg-{n}", lc.os.O_RDONLY) as target:
                    if target.read(0, SIZE) != self.w.past[g][v]:
                        raise AssertionError(f"the target of clone {n} is not what the clone was")

    def run(self, image):
        self.dev.put(0, image)
        lc.second_opinion(image)
        node = self.node
        try:
            node.open()
            there = self.compare("after the cut", self.may)
            for g in set(range(len(GROUPS))) - self.may:
                for v, n in zip(SOURCES, GROUPS[g]):
                    if node.bytes_of(n, v) is not None:
                        raise AssertionError(f"{n} of group {g} is there, which is not")
            for v in SOURCES:
                with lc.Direct(f"/dev/mapper/v-{v}") as source:
                    for i in range(v, BLOCKS, 17):
                        source.write(i * BLOCK, lc.block_of("T", i))
            if self.compare("after writes", there) != there:
                raise AssertionError("a group went away")
            node.rate(0)
            self.targets(there)
            return len(there)
        finally:
            node.close()


def main():
    trial, wanted = sys.argv[1], int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 30)
    rnd = random.Random(seed)
    print(f"# seed {seed}", flush=True)
    image = powerdisk.pages(END)
    for v in SOURCES:
        start = STORE + SIZE * (v - 1)
        for i in range(BLOCKS):
            image[start + i * BLOCK:start + (i + 1) * BLOCK] = lc.block_of("PQ"[v - 1], i)
    disk = powerdisk.Disk(image, *DRIVES)
    w = Workload(rnd, disk)
    w.run()
    log = disk.end()
    lc.expedite()
    chosen, of = powerdisk.points(log, wanted, rnd, *BEGUN)
    check, found, ran = Check(w, trial), 0, 0
    for point, guess in powerdisk.cuts(log, chosen, image, check, rnd, *BEGUN):
        try:
            found += check.run(guess)
            ran += 1
        except (AssertionError, RuntimeError, OSError, subprocess.TimeoutExpired) as e:
            print(f"# seed {seed}, entry {point} of {len(log)}: {e}")
            return 1
    check.node.gone()
    print(f"# {ran} of {of} points, {found} groups compared at them")
    return 0 if powerdisk.enough(ran, wanted, of) and found >= len(chosen) // 2 else 1


if __name__ == "__main__":
    sys.exit(main())
