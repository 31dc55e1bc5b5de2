#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Cut the power at every flush: one disk with a store, a source and a clone's target behind dm-log-writes.

usage: log-crash DISK LOG TRIAL POINTS [SEED]       (three block devices; in a guest; crash.sh runs it)

A workload with several writers to the source and one to the clone runs over DISK, recorded to LOG.
Then, for many points of the log: what was durable then, and a random part of what was not, goes to
TRIAL; the store is opened there and asked.  A model says what each block of the clone may hold:
its point in time, or what its user wrote, at least as new as what the user had flushed.  Then the
copy is let go to its end, with writes in front of it, and the target must hold the same.
"""
import mmap
import os
import pathlib
import random
import struct
import subprocess
import sys
import threading

DM = pathlib.Path(__file__).resolve().parents[2] / "build/tools/rpl-dm"
MIB = 1 << 20
BLOCK = 4096
CHUNK = 65536
STORE, SIZE = 16 * MIB, 2 * MIB
LO, TG = STORE, STORE + SIZE
END = TG + SIZE
METADATA = 8 * MIB  # of the store; behind it nothing is written
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8
GROUP = "00000000-0000-4000-8000-000000000001"
RELATION = "00000000-0000-4000-8000-000000000002"


def dm(*words, check=True):
    r = subprocess.run([DM, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True, timeout=300)
    if check and r.returncode:
        raise RuntimeError(f"dmsetup {' '.join(map(str, words))}: {r.stdout}")
    return r


def linear(name, disk, start, size):
    dm("create", name, "--table", f"0 {size // 512} linear {disk} {start // 512}")


def block_of(kind, n):
    return f"{kind}{n:07d}".encode() * (BLOCK // 8)


class Direct:
    """A device, past the page cache."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_RDWR | os.O_DIRECT)
        self.mem = mmap.mmap(-1, MIB)

    def write(self, at, data):
        while data:
            n = min(len(data), MIB)
            self.mem[:n] = data[:n]
            if os.pwritev(self.fd, [memoryview(self.mem)[:n]], at) != n:
                raise OSError("short write")
            at, data = at + n, data[n:]

    def read(self, at, size):
        out = b""
        while size:
            n = min(size, MIB)
            if os.preadv(self.fd, [memoryview(self.mem)[:n]], at) != n:
                raise OSError("short read")
            out += self.mem[:n]
            at, size = at + n, size - n
        return out

    def flush(self):
        os.fsync(self.fd)

    def close(self):
        os.close(self.fd)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Node:
    """Store, clone and source over slices of a disk, in the order in which they are opened."""

    def __init__(self, disk):
        self.names = []
        for name, start, size in ("sl-sd", 0, STORE), ("sl-lo", LO, SIZE), ("sl-tg", TG, SIZE):
            linear(name, disk, start, size)
            self.names.append(name)

    def open(self, features="0"):
        sectors = SIZE // 512
        for name, table in (
                ("store", f"0 {STORE // 512} replica-store /dev/mapper/sl-sd {CHUNK // 512} {features}"),
                ("c-101", f"0 {sectors} replica-clone /dev/mapper/store 101 /dev/mapper/sl-tg 0 1 "
                          "/dev/mapper/sl-lo 0"),
                ("v-1", f"0 {sectors} replica-source /dev/mapper/store 1 /dev/mapper/sl-lo 0")):
            dm("create", name, "--table", table)
            self.names.append(name)

    def message(self, *words):
        dm("message", "store", 0, *words)

    def state(self):
        return dm("status", "c-101").stdout.split()[3]

    def close(self):
        for name in [n for n in ("c-101", "v-1", "store", "sl-tg", "sl-lo", "sl-sd")
                     if n in self.names]:
            dm("remove", "--retry", name)


class Workload:
    """What is done, and what of the clone's writes was flushed when: numbers, as marks in the log."""

    def __init__(self, rnd, disk, log):
        self.rnd, self.lock = rnd, threading.Lock()
        self.writes = []  # the clone's: (first block, number of blocks)
        dm("create", "sl-lw", "--table", f"0 {END // 512} log-writes {disk} {log}")
        self.node = Node("/dev/mapper/sl-lw")

    def mark(self, text):
        with self.lock:
            dm("message", "sl-lw", 0, "mark", text)

    def source_writer(self, seed):
        rnd, dev = random.Random(seed), Direct("/dev/mapper/v-1")
        for n in range(90):
            first = rnd.randrange(SIZE // BLOCK - 4)
            dev.write(first * BLOCK, block_of("S", seed * 1000 + n) * rnd.randrange(1, 4))
            if rnd.random() < 0.2:
                dev.flush()
        dev.close()

    def clone_writer(self, seed):
        rnd, dev = random.Random(seed), Direct("/dev/mapper/c-101")
        for n in range(40):
            if rnd.random() < 0.3:
                first, nr = rnd.randrange(SIZE // CHUNK) * (CHUNK // BLOCK), CHUNK // BLOCK
            else:
                first, nr = rnd.randrange(SIZE // BLOCK - 2), rnd.randrange(1, 3)
            self.writes.append((first, nr))
            self.mark(f"issued:{n}")
            dev.write(first * BLOCK, block_of("C", n) * nr)
            if rnd.random() < 0.5:
                dev.flush()
                self.mark(f"flushed:{n}")
        dev.close()

    def run(self):
        self.node.open("1 format")
        self.mark("opened")
        self.node.message("set_rate", 101, 0, 256)
        self.node.message("create_group", GROUP, f"101:1:{RELATION}")
        self.mark("created")
        seeds = [self.rnd.randrange(1, 1000) for _ in range(4)]
        threads = [threading.Thread(target=self.source_writer, args=(s,)) for s in seeds[:3]]
        threads.append(threading.Thread(target=self.clone_writer, args=(seeds[3],)))
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        state = self.node.state()
        self.node.close()
        dm("remove", "--retry", "sl-lw")
        if state not in ("copying", "synchronized"):
            raise RuntimeError(f"the clone is {state} after the workload")


def entries(log):
    """(flags, byte offset, data or mark) of each entry of the log."""
    with open(log, "rb") as f:
        magic, _, nr, unit = struct.unpack("<QQQI", f.read(28))
        if magic != 0x6a736677736872:
            raise RuntimeError("no log")
        at = unit
        for _ in range(nr):
            f.seek(at)
            head = f.read(unit)
            sector, sectors, flags, data_len = struct.unpack_from("<QQQQ", head)
            at += unit
            if flags & MARK:
                yield flags, 0, head[32:32 + data_len].decode().rstrip("\0")
                continue
            data = b"" if flags & DISCARD else f.read(sectors * unit)
            at += len(data)
            yield flags, sector * unit, data


class Check:
    """One point of the log on the trial disk, against the model."""

    def __init__(self, workload, trial):
        self.w, self.path, self.dev = workload, trial, Direct(trial)
        self.issued = self.flushed = -1
        self.opened = self.created = False

    def mark(self, text):
        word, _, n = text.partition(":")
        if word in ("issued", "flushed"):
            setattr(self, word, int(n))
        else:
            setattr(self, word, True)

    def allowed(self):
        """For each block what it may hold."""
        may = [{block_of("P", i)[:8]} for i in range(SIZE // BLOCK)]
        for n, (first, nr) in enumerate(self.w.writes[:self.issued + 1]):
            for i in range(first, first + nr):
                tag = block_of("C", n)[:8]
                may[i] = {tag} if n <= self.flushed else may[i] | {tag}
        return may

    def compare(self, what, data):
        for i, may in enumerate(self.allowed()):
            got = data[i * BLOCK:(i + 1) * BLOCK]
            if got != got[:8] * (BLOCK // 8) or got[:8] not in may:
                raise AssertionError(f"{what}: block {i} holds {bytes(got[:8])}, allowed {may}")

    def run(self, image):
        for start, size in (0, METADATA), (LO, 2 * SIZE):
            self.dev.write(start, bytes(image[start:start + size]))
        node = Node(self.path)
        try:
            node.open()
            state = node.state()
            if state == "prepared" and not self.created:
                return state
            if state not in ("copying", "synchronized"):
                raise AssertionError(f"the clone is {state}: {dm('status', 'c-101').stdout}")
            self.finish(node)
            return state
        finally:
            node.close()

    def finish(self, node):
        with Direct("/dev/mapper/c-101") as clone, Direct("/dev/mapper/v-1") as source:
            before = clone.read(0, SIZE)
            self.compare("the clone", before)
            for i in range(0, SIZE // BLOCK, 23):
                source.write(i * BLOCK, block_of("T", i))
            node.message("set_rate", 101, 0, 0)
            if node.state() != "synchronized":
                dm("until", "store", "c-101", "synchronized")
            if clone.read(0, SIZE) != before:
                raise AssertionError("the clone changed while it was copied")
        with Direct("/dev/mapper/sl-tg") as target:
            if target.read(0, SIZE) != before:
                raise AssertionError("the target is not what the clone was")


def points(log, wanted, rnd):
    """Indices behind which the power may go: those after a flush or FUA write; at most `wanted`."""
    all_ = [i for i, e in enumerate(log) if e[0] & (FLUSH | FUA)]
    opened = next(i for i, e in enumerate(log) if e[2] == "opened")
    all_ = [i for i in all_ if i > opened]
    return sorted(rnd.sample(all_, min(wanted, len(all_)))), len(all_)


def main():
    disk, log_dev, trial, wanted = *sys.argv[1:4], int(sys.argv[4])
    seed = int(sys.argv[5]) if len(sys.argv) > 5 else random.randrange(1 << 30)
    rnd = random.Random(seed)
    print(f"# seed {seed}", flush=True)
    image = bytearray(END)
    for i in range(SIZE // BLOCK):
        image[LO + i * BLOCK:LO + (i + 1) * BLOCK] = block_of("P", i)
    dev = Direct(disk)
    dev.write(0, bytes(image))
    dev.close()
    w = Workload(rnd, disk, log_dev)
    w.run()
    log = list(entries(log_dev))
    chosen, of = points(log, wanted, rnd)
    check, states, done = Check(w, trial), {}, 0
    for point in chosen:
        for flags, at, data in log[done:point + 1]:
            if flags & MARK:
                check.mark(data)
            else:
                image[at:at + len(data)] = data
        done = point + 1
        guess = bytearray(image)
        for flags, at, data in log[done:]:
            if flags & (FLUSH | FUA):
                break
            if flags & MARK:
                if data.startswith("issued"):
                    check.mark(data)
            elif rnd.random() < 0.5:
                guess[at:at + len(data)] = data
        try:
            state = check.run(guess)
        except (AssertionError, RuntimeError, OSError, subprocess.TimeoutExpired) as e:
            print(f"# seed {seed}, entry {point} of {len(log)}: {e}")
            return 1
        states[state] = states.get(state, 0) + 1
    print(f"# {len(chosen)} of {of} points, clone " +
          ", ".join(f"{s} {n} times" for s, n in sorted(states.items())))
    return 0 if states.get("copying", 0) >= min(wanted, 20) // 2 else 1


if __name__ == "__main__":
    sys.exit(main())
