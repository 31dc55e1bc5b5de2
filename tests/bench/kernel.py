#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the module costs, as the kernel's suites measure it: counts, and ratios to a peer beside it.

usage: kernel.py --kver SERIES [SUITE...]

Appends a line per figure to build/bench/results.tsv (results.py).  The guest's clock counts
instructions, or nothing but I/Os is counted: what else the machine does changes no figure much.
"""
import argparse
import re
import subprocess
import sys

from results import TOP, Results

SUITES = ("cost", "snap-cost", "copy-speed", "replay-cost")
FIGURE = re.compile(r"^# figure: (.*): (-?[\d.]+) (\S+)(?: goal (\S+))?$")


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--kver", required=True)
    p.add_argument("suites", nargs="*", default=SUITES)
    args = p.parse_args()
    results = Results()
    ktest = subprocess.Popen([TOP / "tests/kernel/ktest", "--kver", args.kver, *args.suites], text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for line in ktest.stdout:
        m = FIGURE.match(line)
        if m:
            results.figure(f"kernel {args.kver}: {m[1]}", float(m[2]), m[3], m[4])
        elif line.startswith("not ok"):
            print(line, end="")
    return ktest.wait()


if __name__ == "__main__":
    sys.exit(main())
