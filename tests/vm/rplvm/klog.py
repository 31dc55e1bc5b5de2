# SPDX-License-Identifier: GPL-2.0-or-later
"""Which lines of a kernel log fail a run."""
import re

BAD = re.compile(
    r"WARNING: |\bBUG: |BUG at |kernel BUG|Oops|Kernel panic|KASAN|UBSAN|kmemleak: \d+ new|"
    r"possible circular locking|inconsistent lock state|suspicious RCU|possible recursive locking|"
    r"invalid wait context|lock held when returning|sleeping function called|scheduling while atomic|"
    r"hung task|blocked for more than|self-detected stall|detected stalls|soft lockup|"
    r"general protection|unable to handle|refcount_t: |list_(add|del) corruption|"
    r"ODEBUG: |DEBUG_LOCKS_WARN|Call Trace:|segfault at")
# What QEMU's software emulation causes by itself.
HARMLESS = re.compile(r"clocksource: |hpet|TSC|perf: interrupt took too long")


def bad_lines(text, ignore=None):
    """The lines of the log `text` that must not be there, first ones first, with their neighbours."""
    lines = text.splitlines()
    hits = [i for i, line in enumerate(lines)
            if BAD.search(line) and not HARMLESS.search(line)
            and not (ignore and re.search(ignore, line))]
    shown = []
    for i in hits[:5]:
        for j in range(max(0, i - 2), min(len(lines), i + 30)):
            if j not in shown:
                shown.append(j)
    return [lines[i] for i in shown]
