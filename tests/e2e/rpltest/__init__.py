# SPDX-License-Identifier: GPL-2.0-or-later
"""What the demo and the end-to-end tests share: a node in a guest, its clients, TAP, progress."""
import pathlib
import sys

TOP = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(TOP / "tests" / "vm"))
