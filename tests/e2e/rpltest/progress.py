# SPDX-License-Identifier: GPL-2.0-or-later
"""Progress of jobs: on a terminal a bar for each pair and one for the whole, else plain lines."""
import shutil
import sys
import time

STATES = {2: "waiting", 3: "starting", 4: "copying", 5: "paused", 7: "done", 8: "aborted",
          9: "killed", 10: "FAILED"}


def clock(seconds):
    if seconds is None:
        return "-"
    s = int(seconds + 0.5)
    return f"{s // 3600}:{s // 60 % 60:02}:{s % 60:02}"


class Row:
    """One bar: the rate is smoothed, the time left is unknown until there is a rate."""

    def __init__(self, name, total_bytes):
        self.name, self.total = name, total_bytes
        self.percent, self.state, self.rate = 0, 2, None
        self._then, self._done, self._end = time.monotonic(), 0, None

    def set(self, percent, state):
        now = time.monotonic()
        done = self.total * percent // 100
        dt = now - self._then
        if dt >= 0.5 or percent == 100:
            fresh = (done - self._done) / max(dt, 1e-3)
            if done > self._done or dt > 3:
                self.rate = fresh if self.rate is None else 0.6 * self.rate + 0.4 * fresh
                self._then, self._done = now, done
        self.percent, self.state = percent, state

    def text(self, width):
        fill = self.percent * width // 100
        bar = "#" * fill + "-" * (width - fill)
        if self.state in (7, 8, 9, 10):
            tail = STATES[self.state]
        else:
            rate = f"{self.rate / 1e6:5.0f} MB/s" if self.rate else "   -     "
            left = self.total * (100 - self.percent) / 100 / self.rate if self.rate else None
            tail = f"{rate}  {clock(left)}"
            if self.state not in (4, 2):
                tail += f"  {STATES.get(self.state, self.state)}"
        return f"  {self.name:<10} [{bar}] {self.percent:3}%  {tail}"


class Progress:
    """`rows` are the pairs, `whole` the job of the call. On a TTY lines are redrawn."""

    def __init__(self, title, rows, whole, out=sys.stdout):
        self.title, self.rows, self.whole, self.out = title, rows, whole, out
        self.tty, self._drawn, self._told = out.isatty(), 0, -1

    def draw(self, note=""):
        if self.tty:
            width = max(10, min(40, shutil.get_terminal_size().columns - 50))
            lines = [f"{self.title}  {note}".rstrip()]
            lines += [r.text(width) for r in self.rows] + [self.whole.text(width)]
            if self._drawn:
                self.out.write(f"\x1b[{self._drawn}A")
            self.out.write("".join(f"\x1b[2K{line}\n" for line in lines))
            self._drawn = len(lines)
            self.out.flush()
            return
        step = self.whole.percent // 10
        if step != self._told:
            self._told = step
            each = "  ".join(f"{r.name} {r.percent}%" for r in self.rows)
            print(f"{self.title}  {each}  all {self.whole.percent}% {STATES[self.whole.state]}",
                  file=self.out, flush=True)
