#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""pywbemcli, as its users type it, of the oldest and the newest pywbem that we care for, against
smisd on a simulated node. TAP on stdout.
"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../e2e")]
from kit import Tap  # noqa: E402
from rpltest import pywbemcli  # noqa: E402
from test_smisd import Node  # noqa: E402


def main():
    tap, n = Tap(), Node()
    n.volume("vol3", 20 << 20)
    args = (f"http://127.0.0.1:{n.server.port}", "admin", "admin")
    conn = pywbemcli.connection(*args)
    for environment in pywbemcli.ENVIRONMENTS:
        cli = pywbemcli.Pywbemcli(environment, *args)
        name = "pywbemcli {}, pywbem {}".format(*cli.version())
        for check in pywbemcli.CHECKS:
            tap.test(f"{name}: {check.__doc__}", check, cli, conn)
    tap.test("pywbemcli: smisd ends cleanly, sanitizers silent", n.server.stop)
    tap.end()


if __name__ == "__main__":
    main()
