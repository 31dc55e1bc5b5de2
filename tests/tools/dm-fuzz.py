#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Random table lines and messages for the targets of a scene, by `rpl-dm serve`.

usage: dm-fuzz.py RPL-DM SEED COUNT tables|messages WORD=VALUE...

Tables are loaded into a device and cleared again, never resumed; messages go to the devices.  The VALUEs
(devices, lines) are what is mutated.  Ends with "N refused, N taken"; the caller looks at the kernel's log.
"""
import random
import subprocess
import sys

NUMBERS = ["0", "1", "-1", "2", "7", "8", "101", "128", "4096", "32767", "32768", "65535", "65536",
           "2147483648", "4294967295", "4294967296", "9223372036854775807", "18446744073709551615",
           "18446744073709551616", "1" + "0" * 40, "0x10", "1e3", "+1", "1.5", "01", "٣"]
WORDS = ["format", "distrust", "max_volumes", "low_water", "overflow", "invalidate", "queue", "queue_timeout", "frob",
         "suspend", "resume", "abort", "detach", "delete", "set_rate", "set_low_water", "set_overflow",
         "create_group", "clone", "snapshot", "force", "%s%n", "..", "/dev/none", "/", "é", "x" * 300,
         "x" * 4000, "\x01\x7f", ",", ":", "101:1", "1:101", "=", "\\", "\\ ", '"', "'"]


def mutate(rng, line, pool):
    words = line.split(" ")
    for _ in range(1 + int(rng.expovariate(0.7))):
        at = rng.randrange(len(words)) if words else 0
        how = rng.randrange(7)
        any_ = rng.choice((NUMBERS, WORDS, pool))
        if how == 0 and words:
            words[at] = rng.choice(any_)
        elif how == 1:
            words.insert(at, rng.choice(any_))
        elif how == 2 and words:
            del words[at]
        elif how == 3 and words:
            words = words[:at]
        elif how == 4 and len(words) > 1:
            k = rng.randrange(len(words))
            words[at], words[k] = words[k], words[at]
        elif how == 5:
            words = (words * rng.choice((2, 10)))[:200]
        elif words and words[at]:
            w = list(words[at])
            w[rng.randrange(len(w))] = chr(rng.choice((rng.randrange(11, 127), rng.randrange(160, 255))))
            words[at] = "".join(w)
    return " ".join(words)


class Dm:
    def __init__(self, path):
        self.p = subprocess.Popen([path, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL)

    def call(self, *words):
        self.p.stdin.write("\t".join(words).encode() + b"\n")
        self.p.stdin.flush()
        while True:
            line = self.p.stdout.readline()
            if not line:
                raise SystemExit(f"rpl-dm ended: {words}")
            if line.startswith(b"= "):
                return int(line.split()[1])


def clean(text):
    return text.replace("\t", " ").replace("\n", " ").replace("\0", " ")[:60000]


def main():
    path, seed, count, what = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    scene = [w.split("=", 1) for w in sys.argv[5:]]
    pool = [v for k, v in scene if k == "word"]
    lines = [v for k, v in scene if k == "line"]
    rng, dm, taken = random.Random(seed), Dm(path), 0
    for _ in range(count):
        line = rng.choice(lines)
        if rng.random() > 0.1:
            line = clean(mutate(rng, line, pool))
        if what == "tables":
            # start and length stay numbers, or dm itself refuses the line
            length = rng.choice((8, 64, 8192, 8192, 8192, 16384, 1 << 40, (1 << 64) - 1))
            kind, _, rest = line.partition(" ")
            if not kind.startswith("replica-"):
                kind, rest = rng.choice(lines).split(" ")[0], line
            taken += not dm.call("load", "fuzz", "--table", f"0 {length} {kind[:15]} {rest}")
            dm.call("clear", "fuzz")
        else:
            device, _, rest = line.partition(" ")
            device = device if device in pool else rng.choice(pool)
            taken += not dm.call("message", device, rng.choice(("0", "0", "0", "8", "99999999")),
                                 *rest.split(" "))
    print(f"{count - taken} refused, {taken} taken")


main()
