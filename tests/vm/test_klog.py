# SPDX-License-Identifier: GPL-2.0-or-later
"""Which lines of a kernel's log fail a run: python3 tests/vm/test_klog.py prints TAP."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from rplvm import klog  # noqa: E402

STAMP = "[    0.670000] "


def log(*lines):
    return "\n".join(STAMP + line for line in lines)


def rcu(place, function):
    return ("WARNING: suspicious RCU usage", "6.1.192 #1 Not tainted", "-----", f"{place} suspicious "
            "rcu_dereference_check() usage!", "", "other info", "stack backtrace:", "CPU: 0 PID: 21",
            "Call Trace:", " [<60608680>] ? snprintf+0x0/0x100", f" [<60036c3a>] {function}+0xfa/0x1a0")


def race(first, second):
    return ("=" * 66, "BUG: KCSAN: data-race in a / b", "",
            "write to 0xffff88800531b1d8 of 8 bytes by task 70 on cpu 1:",
            f" {first}", " process_one_work+0x1/0x2", " kthread+0x1/0x2", "",
            "read (marked) to 0xffff88800531b1d8 of 8 bytes by interrupt on cpu 0:", f" {second}", "",
            "Reported by Kernel Concurrency Sanitizer on:", "CPU: 0 PID: 71", "=" * 66)


OURS, THEIRS = "rpl_op_end+0x1/0x2 [dm_replica]", "wake_up_process+0x1/0x2"
TRACE = ("CPU: 0 PID: 99 Comm: modprobe", "Call Trace:", " <TASK>", " dump_stack_lvl+0x34/0x45", " </TASK>")
NO_CACHE = "__kmem_cache_create_args: kmem_cache_create_usercopy(rpl) failed with error -12"
BUG = "BUG: KASAN: slab-out-of-bounds in rpl_op"
CASES = (
    ("what is normal", log("device-mapper: ready"), False),
    ("a report", log(BUG, "Call Trace:"), True),
    ("what User Mode Linux itself does", log(*rcu("lib/maple_tree.c:860", "force_flush_all")), False),
    ("the same in another place", log(*rcu("kmod/epoch.c:86", "force_flush_all")), True),
    ("the same by another way", log(*rcu("lib/maple_tree.c:860", "rpl_map_lookup")), True),
    ("an allocation made to fail", log(NO_CACHE, *TRACE), False),
    ("a report behind one", log(NO_CACHE, *TRACE, BUG), True),
    ("a report behind one without a trace", log(NO_CACHE, BUG, *TRACE), True),
    ("a data race of the kernel", log(*race(THEIRS, THEIRS)), False),
    ("a report behind one", log(*race(THEIRS, THEIRS), BUG), True),
    ("a data race of ours", log(*race(THEIRS, OURS)), True),
    ("another one", log(*race(OURS, THEIRS)), True),
    ("a trace long behind one without", log(NO_CACHE, *["device-mapper: line"] * 40, *TRACE), True),
)


def main():
    failed = 0
    print(f"1..{len(CASES)}")
    for n, (name, text, bad) in enumerate(CASES, 1):
        good = bool(klog.bad_lines(text)) == bad
        failed += not good
        print(f"{'ok' if good else 'not ok'} {n} - the kernel's log: {name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
