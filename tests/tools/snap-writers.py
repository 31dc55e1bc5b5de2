#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writers on a source and on its snapshots at once, each device against a model of its own.

usage: snap-writers SEED WRITES SOURCE [WRITABLE]... [-- READ-ONLY]...       (block devices; in a guest)

All devices are read first: that is what they hold.  Then WRITERS threads for each device that can be
written write blocks of 4 KiB; block i is that of writer
i % WRITERS, so that all of them meet in the same chunks, and so do the devices.  A writer reads back
what it wrote.  Meanwhile the read-only ones are read, and must not change.  In the end every block
of every device is compared.
"""
import importlib.util
import pathlib
import random
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
spec = importlib.util.spec_from_file_location("log_crash", HERE / "log-crash.py")
lc = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lc)
BLOCK, CHUNK, WRITERS = lc.BLOCK, lc.CHUNK, 3
PER_CHUNK = CHUNK // BLOCK
bad = []


class Reader(lc.Direct):
    def __init__(self, path):
        self.fd = lc.os.open(path, lc.os.O_RDONLY | lc.os.O_DIRECT)
        self.mem = lc.mmap.mmap(-1, lc.MIB)


class Volume:
    def __init__(self, path):
        self.path, self.name = path, pathlib.Path(path).name
        with Reader(path) as dev:
            self.size = lc.os.lseek(dev.fd, 0, 2)
            data = dev.read(0, self.size)
        self.now = [bytes(data[i:i + BLOCK]) for i in range(0, self.size, BLOCK)]

    def check(self, dev, first, nr):
        data = dev.read(first * BLOCK, nr * BLOCK)
        for i in range(nr):
            got = bytes(data[i * BLOCK:(i + 1) * BLOCK])
            if got != self.now[first + i]:
                raise AssertionError(f"{self.name}, block {first + i} holds {got[:8]}, "
                                     f"not {self.now[first + i][:8]}")


def guarded(fn):
    def run(*args):
        try:
            fn(*args)
        except (AssertionError, OSError) as e:
            bad.append(f"{args[0].name}: {e}")
    return run


@guarded
def writer(vol, seed, me, writes):
    rnd = random.Random(seed)
    own = range(me, len(vol.now), WRITERS)
    with lc.Direct(vol.path) as dev:
        for n in range(writes):
            i = rnd.choice(own)
            data = lc.block_of(vol.name[0], me * 1000000 + n)
            dev.write(i * BLOCK, data)
            vol.now[i] = data
            if rnd.random() < 0.3:
                vol.check(dev, i, 1)
            if rnd.random() < 0.02:
                dev.flush()


@guarded
def reader(vol, seed, writes):
    rnd = random.Random(seed)
    with Reader(vol.path) as dev:
        for _ in range(writes):
            nr = rnd.choice((1, 2, PER_CHUNK, 3 * PER_CHUNK))
            vol.check(dev, rnd.randrange(len(vol.now) - nr), nr)


def main():
    seed, writes, names = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    cut = names.index("--") if "--" in names else len(names)
    writable = [Volume(n) for n in names[:cut]]
    fixed = [Volume(n) for n in names[cut + 1:]]
    threads = [threading.Thread(target=writer, args=(v, seed * 100 + k * WRITERS + i, i, writes))
               for k, v in enumerate(writable) for i in range(WRITERS)]
    threads += [threading.Thread(target=reader, args=(v, seed + k, writes))
                for k, v in enumerate(fixed)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for v in writable + fixed:
        with Reader(v.path) as dev:
            try:
                v.check(dev, 0, len(v.now))
            except (AssertionError, OSError) as e:
                bad.append(f"in the end: {e}")
    for line in bad:
        print(line)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
