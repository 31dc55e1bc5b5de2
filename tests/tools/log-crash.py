#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Cut the power at every flush: one disk with a store, a source and a clone's target.

usage: log-crash TRIAL POINTS [SEED]            (a block device; in a guest with nbd; crash.sh runs it)

A workload with several writers to the source and one to the clone runs over a disk that logs what it
takes (powerdisk.py).  Then, for many points of the log: what was durable then, and a random part of
what was not, goes to TRIAL; the store is opened there and asked.  A model says what each block of the clone may hold:
its point in time, or what its user wrote, at least as new as what the user had flushed.  Then the
copy is let go to its end, with writes in front of it, and the target must hold the same.
"""
import contextlib
import mmap
import os
import pathlib
import random
import subprocess
import sys
import threading

import powerdisk

BUILD = pathlib.Path(__file__).resolve().parents[2] / "build"
DM, RPL_CHECK = BUILD / "tools/rpl-dm", BUILD / "rpl-check"
MIB = 1 << 20
BLOCK = 4096
CHUNK = 65536
STORE, SIZE = 16 * MIB, 2 * MIB
LO, TG = STORE, STORE + SIZE
END = TG + SIZE
BEGUN = ("issued",)  # marks of what has begun
METADATA = 8 * MIB  # of the store; behind it nothing is written
GROUP = "00000000-0000-4000-8000-000000000001"
RELATION = "00000000-0000-4000-8000-000000000002"


class Dm:
    """One process that does all commands: to start one for each takes longer than the command."""

    def __init__(self):
        self.lock = threading.Lock()
        self.proc = subprocess.Popen([DM, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     text=True, bufsize=1)

    def __call__(self, *words, check=True):
        """(status, output) of one."""
        with self.lock:
            self.proc.stdin.write("\t".join(map(str, words)) + "\n")
            out = []
            for line in self.proc.stdout:
                if line.startswith("= "):
                    break
                out.append(line)
            else:
                raise RuntimeError(f"rpl-dm died of {words}")
        status, text = int(line[2:]), "".join(out)
        if check and status:
            raise RuntimeError(f"{' '.join(map(str, words))}: status {status} {text}")
        return status, text


dm = Dm()


def linear(name, disk, start, size):
    dm("create", name, "--table", f"0 {size // 512} linear {disk} {start // 512}")


def tag_of(kind, n):
    return f"{kind}{n:07d}".encode()


def block_of(kind, n):
    return tag_of(kind, n) * (BLOCK // 8)


class Direct:
    """A device, past the page cache."""

    def __init__(self, path, mode=os.O_RDWR):
        self.fd = os.open(path, mode | os.O_DIRECT)
        self.mem = mmap.mmap(-1, MIB)

    def write(self, at, data):
        """At most a MiB."""
        self.mem[:len(data)] = data
        self.put(at, memoryview(self.mem)[:len(data)])

    def put(self, at, pages):
        """Memory that begins at a page, without a copy."""
        while pages:
            n = os.pwritev(self.fd, [pages], at)
            at, pages = at + n, pages[n:]

    def read(self, at, size):
        if size > len(self.mem):
            self.mem = mmap.mmap(-1, size)
        if os.preadv(self.fd, [memoryview(self.mem)[:size]], at) != size:
            raise OSError("short read")
        return self.mem[:size]

    def flush(self):
        os.fsync(self.fd)

    def close(self):
        os.close(self.fd)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def second_opinion(image):
    """rpl-check finds nothing in the store at the beginning of this disk that cannot be mended.

    Not of a device that has it: something is above that, and of a store in use little can be said.
    """
    r = subprocess.run([RPL_CHECK, image.obj.path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                       timeout=300)
    if r.returncode > 1:
        raise AssertionError(f"rpl-check: {r.stdout}")


def expedite():
    """To remove a device takes several grace periods; nothing that is looked at depends on them."""
    with contextlib.suppress(PermissionError):  # with one processor for ever they are short
        with open("/sys/kernel/rcu_expedited", "w") as f:
            f.write("1")


class Node:
    """Store, clone and source over slices of a disk, in the order in which they are opened."""

    def __init__(self, disk):
        self.names = []
        for name, start, size in ("sl-sd", 0, STORE), ("sl-lo", LO, SIZE), ("sl-tg", TG, SIZE):
            linear(name, disk, start, size)

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
        return dm("status", "c-101")[1].split()[3]

    def close(self):
        if self.names:
            dm("remove", "--retry", *[n for n in ("c-101", "v-1", "store") if n in self.names])
        self.names = []

    def gone(self):
        self.close()
        dm("remove", "--retry", "sl-tg", "sl-lo", "sl-sd")


class Workload:
    """What is done, and what of the clone's writes was flushed when: numbers, as marks in the log."""

    def __init__(self, rnd, disk):
        self.rnd, self.mark = rnd, disk.mark
        self.writes = []  # the clone's: (first block, number of blocks)
        self.node = Node(powerdisk.NBD)

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
        self.node.gone()
        if state not in ("copying", "synchronized"):
            raise RuntimeError(f"the clone is {state} after the workload")


class Check:
    """One point of the log on the trial disk, against the model."""

    def __init__(self, workload, trial):
        self.w, self.dev = workload, Direct(trial)
        self.node = Node(trial)
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
        may = [{tag_of("P", i)} for i in range(SIZE // BLOCK)]
        for n, (first, nr) in enumerate(self.w.writes[:self.issued + 1]):
            for i in range(first, first + nr):
                tag = tag_of("C", n)
                may[i] = {tag} if n <= self.flushed else may[i] | {tag}
        return may

    def compare(self, what, data):
        for i, may in enumerate(self.allowed()):
            got = data[i * BLOCK:(i + 1) * BLOCK]
            if got != got[:8] * (BLOCK // 8) or got[:8] not in may:
                raise AssertionError(f"{what}: block {i} holds {bytes(got[:8])}, allowed {may}")

    def run(self, image):
        for start, size in (0, METADATA), (LO, 2 * SIZE):
            self.dev.put(start, image[start:start + size])
        second_opinion(image)
        node = self.node
        try:
            node.open()
            state = node.state()
            if state == "prepared" and not self.created:
                return state
            if state not in ("copying", "synchronized"):
                raise AssertionError(f"the clone is {state}: {dm('status', 'c-101')[1]}")
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


def main():
    trial, wanted = sys.argv[1], int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 30)
    rnd = random.Random(seed)
    print(f"# seed {seed}", flush=True)
    image = powerdisk.pages(END)
    for i in range(SIZE // BLOCK):
        image[LO + i * BLOCK:LO + (i + 1) * BLOCK] = block_of("P", i)
    disk = powerdisk.Disk(image)
    w = Workload(rnd, disk)
    w.run()
    log = disk.end()
    expedite()
    chosen, of = powerdisk.points(log, wanted, rnd, *BEGUN)
    check, states = Check(w, trial), {}
    for point, guess in powerdisk.cuts(log, chosen, image, check, rnd, *BEGUN):
        try:
            state = check.run(guess)
        except (AssertionError, RuntimeError, OSError, subprocess.TimeoutExpired) as e:
            print(f"# seed {seed}, entry {point} of {len(log)}: {e}")
            return 1
        states[state] = states.get(state, 0) + 1
    check.node.gone()
    ran = sum(states.values())
    print(f"# {ran} of {of} points, clone " +
          ", ".join(f"{s} {n} times" for s, n in sorted(states.items())))
    return 0 if powerdisk.enough(ran, wanted, of) and states.get("copying", 0) >= min(wanted, 20) // 2 else 1


if __name__ == "__main__":
    sys.exit(main())
