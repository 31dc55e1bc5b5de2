# SPDX-License-Identifier: GPL-2.0-or-later
"""pywbemcli of the oldest and the newest pywbem against the node: discovery, counts, trees, pulls."""
from rpltest import case, pywbemcli


class Pywbemcli(case.Case):
    needs_node = False

    def test_oldest_and_newest(self):
        """profile list, instance count and shrub, pulls of 1, 3 and 1000: with pywbem 1.4 and 1.9"""
        self.group("g", self.volumes(4, mib=4))
        conn = pywbemcli.connection(*case.address)
        for environment in pywbemcli.ENVIRONMENTS:
            cli = pywbemcli.Pywbemcli(environment, *case.address)
            print("# pywbemcli {}, pywbem {}: ".format(*cli.version()) +
                  ", ".join(f"{check.__name__} {check(cli, conn)}" for check in pywbemcli.CHECKS),
                  flush=True)
