# SPDX-License-Identifier: GPL-2.0-or-later
"""Count test cases in what test programs print: TAP and KTAP, cmocka, pytest, "N passed, N failed".

A case counts once: the summary line of a group of subtests is not a case of its own, unless it
failed although all of its subtests passed.  A plan that was not fulfilled counts as failures.
"""
import re

TAP = re.compile(r"^(\s*)(ok|not ok)\b\s*\d*(.*)$")
PLAN = re.compile(r"^(\s*)1\.\.(\d+)(\s*# ?SKIP.*)?\s*$", re.I)
CMOCKA = re.compile(r"^\[ +(OK|FAILED|SKIPPED|ERROR) +\] (\S.*)$")
CMOCKA_START = re.compile(r"^\[=+\].*Running (\d+) test")
CMOCKA_END = re.compile(r"^\[=+\].* (\d+) test\(s\) run")
PYTEST = re.compile(r"^=* ?((?:\d+ (?:passed|failed|skipped|error|errors|xfailed|xpassed|warnings?"
                    r"|deselected)(?:, )?)+) in [\d.]+s")
PLAIN = re.compile(r"^[\w-]+: (\d+) passed, (\d+) failed")
UNITTEST = re.compile(r"^Ran (\d+) tests? in ")


class Count:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []

    def __iadd__(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures
        return self

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"

    def total(self):
        return self.passed + self.failed + self.skipped

    def fail(self, name, n=1):
        self.failed += n
        self.failures.append(name)


class _Tap:
    """Plans and results by depth of indentation."""

    def __init__(self, count):
        self.count, self.levels = count, {}

    def plan(self, depth, n):
        """A plan stands before its results or after them."""
        level = self.levels.get(depth)
        if level and level[0] is None:
            level[0] = n
            if depth == 0:
                self._close(depth)              # nested: its group's own line closes it
            return
        self._close(depth)
        self.levels[depth] = [n, 0, 0]          # planned, seen, failed below

    def result(self, depth, ok, name, skip):
        deeper = [d for d in self.levels if d > depth]
        group = bool(deeper)
        below = sum(self.levels[d][2] for d in deeper)
        for d in sorted(deeper, reverse=True):
            below += self._short(d)
            del self.levels[d]
        level = self.levels.setdefault(depth, [None, 0, 0])
        level[1] += 1
        level[2] += not ok
        if group:
            if not ok and not below:
                self.count.fail(name)
        elif skip:
            self.count.skipped += 1
        elif ok:
            self.count.passed += 1
        else:
            self.count.fail(name)

    def _short(self, depth):
        planned, seen, _ = self.levels[depth]
        if planned is None or seen >= planned:
            return 0
        self.count.fail(f"{planned - seen} of {planned} planned cases did not run",
                        planned - seen)
        return planned - seen

    def _close(self, depth):
        for d in sorted((d for d in self.levels if d >= depth), reverse=True):
            self._short(d)
            del self.levels[d]

    def end(self):
        self._close(0)


class _Cmocka:
    def __init__(self, count):
        self.count, self.planned, self.seen, self.listing = count, None, 0, False

    def line(self, line):
        m = CMOCKA_START.match(line)
        if m:
            self.end()
            self.planned, self.seen, self.listing = int(m[1]), 0, False
            return
        if CMOCKA_END.match(line):
            # What follows lists again what failed.
            self.end()
            self.listing = True
            return
        m = CMOCKA.match(line)
        if not m or self.listing or " test(s)" in m[2]:
            return
        self.seen += 1
        if m[1] == "OK":
            self.count.passed += 1
        elif m[1] == "SKIPPED":
            self.count.skipped += 1
        else:
            self.count.fail(m[2])

    def end(self):
        if self.planned is not None and self.seen < self.planned:
            n = self.planned - self.seen
            self.count.fail(f"{n} of {self.planned} cmocka cases did not run", n)
        self.planned = None


def _pytest(count, text):
    for n, what in re.findall(r"(\d+) (\w+)", text):
        if what in ("passed", "xpassed"):
            count.passed += int(n)
        elif what in ("failed", "error", "errors"):
            count.fail(f"{n} {what} by pytest", int(n))
        elif what in ("skipped", "xfailed"):
            count.skipped += int(n)


def count(text, rc, name):
    """What the program `name` that printed `text` and ended with `rc` has to show."""
    c, plain = Count(), Count()
    tap, cmocka = _Tap(c), _Cmocka(c)
    for line in text.splitlines():
        m = PLAN.match(line)
        if m:
            tap.plan(len(m[1]), int(m[2]))
            continue
        m = TAP.match(line)
        if m and (not m[3] or m[3][0] in " -#"):
            tap.result(len(m[1]), m[2] == "ok", m[3].strip(" -"),
                       bool(re.search(r"# *SKIP", m[3], re.I)))
            continue
        cmocka.line(line)
        m = PYTEST.match(line)
        if m:
            _pytest(c, m[1])
        m = PLAIN.match(line)
        if m:
            plain.passed += int(m[1])
            if int(m[2]):
                plain.fail(line.strip(), int(m[2]))
        m = UNITTEST.match(line)
        if m and not rc:
            plain.passed += int(m[1])
    tap.end()
    cmocka.end()
    if not c.total():
        c += plain
    if rc and not c.failed:
        c.fail(f"{name}: exit status {rc}")
    if not c.total():
        c.fail(f"{name}: ran no test")
    return c
