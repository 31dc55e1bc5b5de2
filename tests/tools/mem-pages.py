#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Fill memory with pages that can be told apart and find them again, in random order, round by round.

usage: mem-pages MIB ROUNDS             (prints what differs and ends with 1)
"""
import mmap
import random
import sys

PAGE = mmap.PAGESIZE
pages, rounds = (int(sys.argv[1]) << 20) // PAGE, int(sys.argv[2])
mem = mmap.mmap(-1, pages * PAGE)
now = [0] * pages
order = list(range(pages))
for r in range(1, rounds + 1):
    random.shuffle(order)
    for i in order:
        at = i * PAGE
        want = b"%016d" % now[i] if now[i] else bytes(16)
        if mem[at:at + 16] != want or (now[i] and mem[at + PAGE - 16:at + PAGE] != want):
            sys.exit(f"round {r}, page {i}: {mem[at:at + 16]} and {mem[at + PAGE - 16:at + PAGE]}, not {want}")
        now[i] = r * pages + i
        mem[at:at + 16] = mem[at + PAGE - 16:at + PAGE] = b"%016d" % now[i]
