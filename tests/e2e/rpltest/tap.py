# SPDX-License-Identifier: GPL-2.0-or-later
"""unittest results as TAP lines; a failure's text follows as comments."""
import sys
import time
import unittest


class Result(unittest.TestResult):
    def __init__(self, out=sys.stdout):
        super().__init__()
        self.out, self.nr, self.nr_failed, self.nr_skipped = out, 0, 0, 0

    def _line(self, good, test, extra=""):
        self.nr += 1
        self.nr_failed += not good
        name = test if isinstance(test, str) else name_of(test)
        print(f"{'ok' if good else 'not ok'} {self.nr} - {name}{extra}", file=self.out, flush=True)

    def _comment(self, text):
        for line in text.rstrip().splitlines():
            print(f"#   {line}", file=self.out)
        self.out.flush()

    def startTest(self, test):
        super().startTest(test)
        self._t0 = time.monotonic()

    def addSuccess(self, test):
        self._line(True, test, f" # {time.monotonic() - self._t0:.1f} s")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._line(False, test)
        self._comment(self.failures[-1][1])

    def addError(self, test, err):
        super().addError(test, err)
        self._line(False, test)
        self._comment(self.errors[-1][1])

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.nr_skipped += 1
        self._line(True, test, f" # SKIP {reason}")

    def addSubTest(self, test, subtest, err):
        if err is not None:
            super().addSubTest(test, subtest, err)
            self._line(False, subtest)
            self._comment(self._exc_info_to_string(err, test))


def name_of(test):
    doc = test.shortDescription() if hasattr(test, "shortDescription") else None
    return f"{test.id().split('.', 1)[-1]}: {doc}" if doc else str(test.id())


def run(suite):
    """Run the suite, print the plan at the end; True when all passed."""
    result = Result()
    suite.run(result)
    print(f"1..{result.nr}", flush=True)
    return result.nr_failed == 0 and result.nr > 0
