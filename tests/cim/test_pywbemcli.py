#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""pywbemcli, as its users type it, against smisd on the fake backend. TAP on stdout."""
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import Tap  # noqa: E402
from test_smisd import NAMESPACES, Node  # noqa: E402

CLI = pathlib.Path(sys.executable).parent / "pywbemcli"


def cli(n, *args, pull="either", ns="root/dmreplica"):
    options = ["-s", f"http://127.0.0.1:{n.server.port}", "-u", "admin", "-p", "admin", "-d", ns,
               "--use-pull", pull, "--pull-max-cnt", "2", "-o", "plain"]
    # no connections file of the user is read or written
    env = dict(os.environ, PYWBEMCLI_CONNECTIONS_FILE=f"{n.server.dir.name}/connections.yaml",
               PYWBEMTOOLS_TERMWIDTH="1000")
    r = subprocess.run([CLI, *options, *args], capture_output=True, timeout=120, check=False,
                       env=env, encoding="utf-8")
    assert r.returncode == 0 and "Traceback" not in r.stderr, r.stdout[-500:] + r.stderr[-1000:]
    return r.stdout


def count(n, ns):
    """Each class on its own, against an enumeration of all."""
    text = cli(n, "instance", "count", "-n", ns)
    got = {m[1]: int(m[2]) for m in re.finditer(r"(\w+_\w+)\s+(\d+)\s*$", text, re.M)}
    want = {}
    for name in n.c.EnumerateClassNames(namespace=ns, DeepInheritance=True):
        own = [p for p in n.c.EnumerateInstanceNames(name, namespace=ns) if p.classname == name]
        if own:
            want[name] = len(own)
    assert got == want and want, f"{set(got.items()) ^ set(want.items())}\n{text[:1000]}"


def shrub(n):
    """The tree of a volume has each of its associations and what they lead to."""
    v = n.volumes[0].copy()
    v.host = v.namespace = None
    text = cli(n, "instance", "shrub", v.to_wbem_uri("historical"), "--fullpath")
    for ref in n.c.ReferenceNames(n.volumes[0]):
        assert ref.classname in text, f"{ref.classname}: {text}"
    for p in n.c.AssociatorNames(n.volumes[0]):
        assert p.classname in text, f"{p.classname}: {text}"


def enumerate_both_ways(n):
    lists = [cli(n, "instance", "enumerate", "CIM_StorageVolume", "--no", pull=pull)
             for pull in ("yes", "no")]
    a, b = (sorted(re.findall(r"RPL_StorageVolume +([0-9a-f-]{36})", t)) for t in lists)
    assert a == b and len(a) == 3, lists


def main():
    tap, n = Tap(), Node()
    for ns in NAMESPACES:
        tap.test(f"pywbemcli: instance count in {ns}", count, n, ns)
    tap.test("pywbemcli: instance shrub", shrub, n)
    tap.test("pywbemcli: instance enumerate", enumerate_both_ways, n)
    tap.test("pywbemcli: smisd ends cleanly, sanitizers silent", n.server.stop)
    tap.end()


if __name__ == "__main__":
    main()
