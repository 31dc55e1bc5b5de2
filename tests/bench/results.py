# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures: shown, and appended to build/bench/results.tsv.

A line is: time, version, name, value, unit, goal, "met" or "missed"; without a goal the last two are "-".
"""
import pathlib
import subprocess
import time

TOP = pathlib.Path(__file__).resolve().parents[2]


class Results:
    def __init__(self):
        self.missed = 0
        self.path = TOP / "build/bench/results.tsv"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.version = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=TOP,
                                      capture_output=True, text=True).stdout.strip()

    def figure(self, name, value, unit, goal=None):
        """goal: as ">=3" or "<=3", or None."""
        judged = "-"
        if goal:
            limit = float(goal[2:])
            met = value >= limit if goal.startswith(">=") else value <= limit
            judged = "met" if met else "missed"
            self.missed += not met
        print(f"{name:34} {value:10.1f} {unit:4}{f' goal {goal}' if goal else ''}"
              f"{'  MISSED' if judged == 'missed' else ''}", flush=True)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        with open(self.path, "a") as f:
            print(stamp, self.version, name, f"{value:.2f}", unit, goal or "-", judged, sep="\t", file=f)
