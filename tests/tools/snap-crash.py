#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Cut the power at every flush: one disk with a store and a source whose snapshots come and go.

usage: snap-crash TRIAL POINTS [SEED]           (a block device; in a guest with nbd; crash.sh runs it)

As log-crash.py, for snapshots: several writers write to the source while snapshots are made and
deleted, so that chunks of the store are used again and again, and the store grows in small steps.
At a snapshot's instant no write is in flight, so a model knows what it holds.  At many points of the
log, with a random part of what was not flushed lost: a snapshot that was acknowledged is there, and
one whose deletion was is not; whatever is there holds its own bytes, before and after the source is
overwritten; rpl-check finds nothing that is lost, and a store as large as was acknowledged.  Every
other snapshot is written, too: a block of it holds what was flushed last or something later, of its
own alone.
"""
import contextlib
import importlib.util
import pathlib
import random
import struct
import subprocess
import sys
import threading

import powerdisk

HERE = pathlib.Path(__file__).resolve().parent
spec = importlib.util.spec_from_file_location("log_crash", HERE / "log-crash.py")
lc = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lc)
MIB, BLOCK, CHUNK, SIZE = lc.MIB, lc.BLOCK, lc.CHUNK, lc.SIZE
# The store begins with STORE_MIN and grows to STORE, which has room for LIVE + 1 snapshots, all of
# them overwritten and written, and for one more in each check.
STORE_MIN, STORE = 16 * MIB, 24 * MIB
FEATURES = "3 format max_volumes 16"
LO = STORE
END = LO + SIZE
BEGUN = ("making", "deleting")  # marks of commands
BLOCKS = SIZE // BLOCK
WRITERS, WRITES, SNAPSHOTS, LIVE = 3, 150, 14, 2
OWN_WRITES = 10  # to each live snapshot that is written, each time that one is made


def size_of(image):
    """Bytes that the newer superblock lays out."""
    both = [struct.unpack_from("<Q40xQ", image, at + 32) for at in (0, 65536)]
    return max(both)[1]


def uuid_of(kind, n):
    return f"00000000-0000-4000-8000-{kind:04d}{n:08d}"


class Gate:
    """Writes go through it; at a snapshot's instant it is shut, and none is under way."""

    def __init__(self):
        self.cond = threading.Condition()
        self.inside, self.is_shut = 0, False

    @contextlib.contextmanager
    def write(self):
        with self.cond:
            self.cond.wait_for(lambda: not self.is_shut)
            self.inside += 1
        yield
        with self.cond:
            self.inside -= 1
            self.cond.notify_all()

    @contextlib.contextmanager
    def shut(self):
        with self.cond:
            self.is_shut = True
            self.cond.wait_for(lambda: not self.inside)
        yield
        with self.cond:
            self.is_shut = False
            self.cond.notify_all()


class Node:
    """Store and source over slices of a disk; snapshots' devices as they are asked for."""

    def __init__(self, disk):
        self.names = []
        for name, start, size in ("sl-sd", 0, STORE), ("sl-lo", LO, SIZE):
            lc.linear(name, disk, start, size)

    @staticmethod
    def store_table(size, features="0"):
        return f"0 {size // 512} replica-store /dev/mapper/sl-sd {CHUNK // 512} {features}"

    def grow(self, size):
        lc.dm("load", "store", "--table", self.store_table(size))
        lc.dm("suspend", "store")
        lc.dm("resume", "store")

    def open(self, size=STORE, features="0"):
        for name, table in (
                ("store", self.store_table(size, features)),
                ("v-1", f"0 {SIZE // 512} replica-source /dev/mapper/store 1 /dev/mapper/sl-lo 0")):
            lc.dm("create", name, "--table", table)
            self.names.append(name)

    def message(self, *words):
        lc.dm("message", "store", 0, *words)

    def snapshot(self, n):
        self.message("create_group", uuid_of(1, n), f"{n}:1:{uuid_of(2, n)}:snapshot")

    def relations(self):
        return int(lc.dm("status", "store")[1].split()[7])

    @staticmethod
    def table(n):
        return f"0 {SIZE // 512} replica-snap /dev/mapper/store {n} 1 /dev/mapper/sl-lo 0"

    def write_to(self, n, blocks):
        """To snapshot n, on a device of its own for the time: number of the block, its bytes."""
        name = f"n-{n}"
        if name in self.names:
            lc.dm("remove", "--retry", name)
            self.names.remove(name)
        lc.dm("create", name, "--table", self.table(n))
        try:
            with lc.Direct(f"/dev/mapper/{name}") as dev:
                for i, data in blocks:
                    dev.write(i * BLOCK, data)
                dev.flush()
        finally:
            lc.dm("remove", "--retry", name)

    def bytes_of(self, n):
        """What snapshot n holds; None if there is none.  Its device stays."""
        name = f"n-{n}"
        if name not in self.names:
            if lc.dm("create", "--readonly", name, "--table", self.table(n), check=False)[0]:
                return None
            self.names.append(name)
        state = lc.dm("status", name)[1]
        if state.split()[3] != "synchronized":
            raise AssertionError(f"snapshot {n}: {state}")
        with lc.Direct(f"/dev/mapper/{name}", lc.os.O_RDONLY) as dev:
            return dev.read(0, SIZE)

    def close(self):
        if self.names:
            lc.dm("remove", "--retry", *reversed(self.names))
        self.names = []

    def gone(self):
        self.close()
        lc.dm("remove", "--retry", "sl-lo", "sl-sd")


class Workload:
    """What is done; ->past[n]: the bytes of snapshot n."""

    def __init__(self, rnd, disk):
        self.rnd, self.mark = rnd, disk.mark
        self.gate = Gate()
        self.now = [lc.block_of("P", i) for i in range(BLOCKS)]
        self.past = {}
        self.own = {}  # of snapshots that are written: for each block [(number, bytes)], in order
        self.number = 0
        self.left = WRITERS
        self.node = Node(powerdisk.NBD)

    def writer(self, nr, seed):
        rnd = random.Random(seed)
        with lc.Direct("/dev/mapper/v-1") as dev:
            for n in range(WRITES):
                length = rnd.choice((1, 1, 2, 4, 20))
                first = rnd.randrange(BLOCKS // WRITERS - length) + nr * (BLOCKS // WRITERS)
                data = lc.block_of("S", nr * 1000000 + n)
                with self.gate.write():
                    dev.write(first * BLOCK, data * length)
                    self.now[first:first + length] = [data] * length
                    if rnd.random() < 0.1:
                        dev.flush()
        with self.gate.cond:
            self.left -= 1
            self.gate.cond.notify_all()

    def snapshot(self, n):
        with self.gate.shut():
            self.past[n] = b"".join(self.now)
            self.mark(f"making:{n}")
            self.node.snapshot(n)
            self.mark(f"made:{n}")

    def write_own(self, n):
        own, blocks = self.own.setdefault(n, {}), []
        for _ in range(OWN_WRITES):
            self.number += 1
            i = self.rnd.randrange(BLOCKS)
            blocks.append((i, lc.block_of("N", self.number)))
            own.setdefault(i, []).append((self.number, blocks[-1][1]))
        self.node.write_to(n, blocks)
        self.mark(f"flushed:{self.number}:{n}")

    def grow(self, step):
        size = STORE_MIN + (STORE - STORE_MIN) * step // SNAPSHOTS
        self.node.grow(size)
        self.mark(f"grown:{size}")

    def delete(self, n):
        self.mark(f"deleting:{n}")
        self.node.message("delete", n)
        self.mark(f"deleted:{n}")

    def run(self):
        self.node.open(STORE_MIN, FEATURES)
        self.mark("opened")
        threads = [threading.Thread(target=self.writer, args=(i, self.rnd.randrange(1 << 20)))
                   for i in range(WRITERS)]
        live = []
        self.snapshot(1001)
        live.append(1001)
        for t in threads:
            t.start()
        for n in range(1002, 1002 + SNAPSHOTS):
            with self.gate.cond:
                # the writers go on for a while; when they are through there is nothing to keep
                self.gate.cond.wait_for(lambda: not self.left, timeout=0.05)
            self.snapshot(n)
            self.grow(n - 1001)
            live.append(n)
            for k in live:
                if k % 2:
                    self.write_own(k)
            if len(live) > LIVE:
                self.delete(live.pop(self.rnd.randrange(len(live))))
        for t in threads:
            t.join()
        for n in live:
            want = [self.past[n][i * BLOCK:(i + 1) * BLOCK] for i in range(BLOCKS)]
            for i, writes in self.own.get(n, {}).items():
                want[i] = writes[-1][1]
            if self.node.bytes_of(n) != b"".join(want):
                raise RuntimeError(f"snapshot {n} has not kept its bytes, without any cut")
        self.node.gone()


class Check:
    """One point of the log on the trial disk, against the model."""

    def __init__(self, workload, trial):
        self.w, self.dev = workload, lc.Direct(trial)
        self.node = Node(trial)
        self.made, self.may, self.kept = set(), set(), 0
        self.flushed = {}  # of a snapshot: the number of its last write that was flushed
        self.size = STORE_MIN

    def mark(self, text):
        word, _, n = text.partition(":")
        if word == "flushed":
            number, _, n = n.partition(":")
            self.flushed[int(n)] = int(number)
            return
        n = int(n or 0)
        if word == "making":
            self.may.add(n)
        elif word == "made":
            self.made.add(n)
        elif word == "deleting":
            self.made.discard(n)
        elif word == "deleted":
            self.may.discard(n)
        elif word == "grown":
            self.size = n

    def allowed(self, n, i):
        """What block i of snapshot n may hold."""
        flushed = self.flushed.get(n, 0)
        values = [(0, self.w.past[n][i * BLOCK:(i + 1) * BLOCK])] + self.w.own.get(n, {}).get(i, [])
        oldest = max(number for number, _ in values if number <= flushed)
        return [data for number, data in values if number >= oldest]

    def compare(self, node, when, later=0, want=None):
        """What each one holds; want: exactly that."""
        found = {}
        for n in self.may:
            data = node.bytes_of(n)
            if data is None:
                if n in self.made:
                    raise AssertionError(f"{when}: snapshot {n} is lost")
                continue
            for i in range(BLOCKS):
                got = data[i * BLOCK:(i + 1) * BLOCK]
                may = [want[n][i * BLOCK:(i + 1) * BLOCK]] if want else self.allowed(n, i)
                if got not in may:
                    raise AssertionError(f"{when}: snapshot {n}, block {i} holds {got[:8]}, "
                                         f"allowed {[block[:8] for block in may]}")
            found[n] = data
        if node.relations() != len(found) + later:
            raise AssertionError(f"{when}: {node.relations()} relations, {len(found) + later} may be")
        return found

    def run(self, image):
        self.dev.put(0, image)
        lc.second_opinion(image)
        # the last step may be less than a chunk below what was asked for
        if size_of(image) <= self.size - 2 * CHUNK:
            raise AssertionError(f"the store has {size_of(image)} bytes, not {self.size}")
        node = self.node
        try:
            node.open()
            found = self.compare(node, "after the cut")
            with lc.Direct("/dev/mapper/v-1") as source:
                for i in range(0, BLOCKS, 17):
                    source.write(i * BLOCK, lc.block_of("T", i))
                node.snapshot(2001)
                for n in sorted(found)[-1:]:
                    blocks = [(i, lc.block_of("V", i)) for i in range(1, BLOCKS, 33)]
                    node.write_to(n, blocks)
                    data = bytearray(found[n])
                    for i, block in blocks:
                        data[i * BLOCK:(i + 1) * BLOCK] = block
                    found[n] = bytes(data)
                for i in range(3, BLOCKS, 17):
                    source.write(i * BLOCK, lc.block_of("U", i))
            self.compare(node, "after writes", later=1, want=found)
            return len(found)
        finally:
            node.close()


def main():
    trial, wanted = sys.argv[1], int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 30)
    rnd = random.Random(seed)
    print(f"# seed {seed}", flush=True)
    image = powerdisk.pages(END)
    for i in range(BLOCKS):
        image[LO + i * BLOCK:LO + (i + 1) * BLOCK] = lc.block_of("P", i)
    disk = powerdisk.Disk(image)
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
    print(f"# {ran} of {of} points, {found} snapshots compared at them")
    return 0 if powerdisk.enough(ran, wanted, of) and found >= len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
