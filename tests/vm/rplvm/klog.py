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
# User Mode Linux looks at the list of a new process's memory without a lock (6.1, two such reports,
# before the first command): not ours, and only that is passed over.
UML_PLACE = re.compile(r"lib/maple_tree\.c:\d+ suspicious rcu_dereference_check")
UML_FUNCTION = re.compile(r"\] force_flush_all\+")
# What the kernel says with a trace where an allocation was made to fail: no mistake.
NO_MEMORY = re.compile(r"kmem_cache_create_usercopy\(\S+\) failed with error -12$|"
                       r"vmalloc error: size \d+, vm_struct allocation failed")
LINES_BEFORE_TRACE = 25
OURS = re.compile(r"\[(dm_replica|rpl_planted)\]")
# A data race (KCSAN): "write to 0x… of 4 bytes by task 12 on cpu 1:" and the trace of it; the kernel
# has races of its own.
RACE_ACCESS = re.compile(r"\b(read|write|read-write)\b.* to 0x[0-9a-f]+ of \d+ bytes by ")
TRACE = re.compile(r"\] {2,}(\[<|\? |\S+\+0x|</?TASK>)")


def _report_end(lines, start):
    """Behind the last line of the trace of the report that begins there, if it has one of its own."""
    end = start + 1
    while end < len(lines) and "Call Trace:" not in lines[end]:
        if end - start > LINES_BEFORE_TRACE or BAD.search(lines[end]):
            return start + 1
        end += 1
    end += 1
    while end < len(lines) and TRACE.search(lines[end]):
        end += 1
    return end


def _race_end(lines, start):
    end = start + 1
    while end < len(lines) and end - start < 120 and "=" * 40 not in lines[end]:
        end += 1
    return end


def _race_is_ours(report):
    """Is one of the two accesses in the module, or in a function of the kernel that it calls?"""
    for i, line in enumerate(report):
        if RACE_ACCESS.search(line) and any(OURS.search(x) for x in report[i + 1:i + 3]):
            return True
    return False


def _without_known(lines):
    kept, i = [], 0
    while i < len(lines):
        end = i + 1
        if "BUG: KCSAN: " in lines[i]:
            end = _race_end(lines, i)
            if not _race_is_ours(lines[i:end]):
                i = end
                continue
            end = i + 1
        if NO_MEMORY.search(lines[i]):
            i = _report_end(lines, i)
            continue
        if lines[i].endswith("WARNING: suspicious RCU usage"):
            end = _report_end(lines, i)
            report = lines[i:end]
            if UML_PLACE.search(report[3] if len(report) > 3 else "") and \
                    any(UML_FUNCTION.search(line) for line in report):
                i = end
                continue
            end = i + 1
        kept.append(lines[i])
        i = end
    return kept


def bad_lines(text, ignore=None):
    """The lines of the log `text` that must not be there, first ones first, with their neighbours."""
    lines = _without_known(text.splitlines())
    hits = [i for i, line in enumerate(lines)
            if BAD.search(line) and not HARMLESS.search(line)
            and not (ignore and re.search(ignore, line))]
    shown = []
    for i in hits[:5]:
        for j in range(max(0, i - 2), min(len(lines), i + 30)):
            if j not in shown:
                shown.append(j)
    return [lines[i] for i in shown]
