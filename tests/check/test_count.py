# SPDX-License-Identifier: GPL-2.0-or-later
"""The counter itself: python3 tests/check/test_count.py prints TAP."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import count  # noqa: E402

CASES = {
    "flat tap": ("1..3\nok 1 a\nnot ok 2 - b\nok 3 - c # SKIP no disk\n", 1, (1, 1, 1)),
    "nested": ("1..1\n    1..2\n    ok 1 a\n    ok 2 b\nok 1 group\n", 0, (2, 0, 0)),
    "nested failure counts once": ("1..1\n  1..2\n  ok 1 a\n  not ok 2 b\nnot ok 1 g\n", 1,
                                   (1, 1, 0)),
    "group failed by itself": ("1..1\n  1..1\n  ok 1 a\nnot ok 1 g\n", 1, (1, 1, 0)),
    "short plan": ("1..3\nok 1 a\n", 0, (1, 2, 0)),
    "plan at the end": ("ok 1 a\nok 2 b\n1..2\n", 0, (2, 0, 0)),
    "short plan at the end": ("ok 1 a\n1..3\n", 0, (1, 2, 0)),
    "nested plan at the end": ("1..1\n  ok 1 a\n  ok 2 b\n  1..2\nok 1 g\n", 0, (2, 0, 0)),
    "two plans at the end": ("ok 1 a\n1..1\nok 1 b\nok 2 c\n1..2\n", 0, (3, 0, 0)),
    "plan at the end, then one before": ("ok 1 a\n1..1\n1..2\nok 1 b\n", 0, (2, 1, 0)),
    "two plans": ("1..1\nok 1 a\n1..2\nok 1 b\n", 0, (2, 1, 0)),
    "crash": ("1..1\nok 1 a\n", 139, (1, 1, 0)),
    "nothing ran": ("", 0, (0, 1, 0)),
    "cmocka": ("[==========] tests: Running 2 test(s).\n[ RUN      ] a\n[       OK ] a\n"
               "[ RUN      ] b\n[  FAILED  ] b\n[==========] tests: 2 test(s) run.\n"
               "[  PASSED  ] 1 test(s).\n[  FAILED  ] tests: 1 test(s), listed below:\n"
               "[  FAILED  ] b\n", 1, (1, 1, 0)),
    "cmocka crash": ("[==========] tests: Running 3 test(s).\n[       OK ] a\n", 134, (1, 2, 0)),
    "pytest": ("===== 3 passed, 1 skipped, 1 failed in 0.12s =====\n", 1, (3, 1, 1)),
    "pytest quiet": ("2 passed in 0.10s\n", 0, (2, 0, 0)),
    "plain": ("demo: 9 passed, 0 failed\n", 0, (9, 0, 0)),
    "words that look like results": ("1..1\nok computer\nokay\nok 1 a\n", 0, (1, 0, 0)),
}


def main():
    print(f"TAP version 13\n1..{len(CASES)}")
    failed = 0
    for i, (name, (text, rc, want)) in enumerate(CASES.items(), 1):
        c = count.count(text, rc, "x")
        got = (c.passed, c.failed, c.skipped)
        if got != want:
            print(f"# got {got}, want {want}")
            failed = 1
        print(f"{'ok' if got == want else 'not ok'} {i} - {name}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
