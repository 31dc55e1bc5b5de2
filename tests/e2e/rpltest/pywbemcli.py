# SPDX-License-Identifier: GPL-2.0-or-later
"""pywbemcli as its users type it: in its interactive mode, one process for many commands.

The old and the new pywbem are each in an environment of its own, see tests/check/venv.mk.
"""
import functools
import os
import pathlib
import re
import subprocess
import tempfile

import pywbem

from .valid import watched

TOP = pathlib.Path(__file__).resolve().parents[3]
ENVIRONMENTS = ("venv", "venv-1.4")
NAMESPACES = ("interop", "root/interop", "root/dmreplica", "root/tpd")
PULL_SIZES = (1, 3, 1000)
BAD = re.compile(r"^.*(?:Error|Traceback|Exception|Aborted|not scanned|WARNING).*$", re.M | re.I)


class Pywbemcli:
    def __init__(self, environment, url, user=None, password=None):
        self.program = TOP / "build" / environment / "bin/pywbemcli"
        self.options = ["-s", url, "-o", "plain", "-t", "120"]
        if user:
            self.options += ["-u", user, "-p", password]

    def version(self):
        """("1.0.1", "1.4.2"): of pywbemcli and of pywbem"""
        text = subprocess.run([self.program, "--version"], capture_output=True, text=True,
                              check=True).stdout
        return tuple(re.findall(r"version (\S+)", text))

    def run(self, *commands, ns="root/dmreplica", pull="either", count=1000):
        """The output of all commands; whatever looks like an error of one is an AssertionError."""
        with tempfile.TemporaryDirectory(prefix="pywbemcli-") as home:
            # no connections file of the user is read or written
            env = dict(os.environ, HOME=home, PYWBEMTOOLS_TERMWIDTH="1000")
            r = subprocess.run([self.program, *self.options, "-d", ns, "--use-pull", pull,
                                "--pull-max-cnt", str(count)], input="\n".join(commands) + "\n",
                               capture_output=True, text=True, timeout=300, env=env, check=False)
        text = r.stdout + r.stderr
        bad = [m[0] for m in BAD.finditer(text) if "onnections file" not in m[0]]
        assert r.returncode == 0 and not bad, f"{r.returncode} {bad[:3]} {text[-500:]}"
        return r.stdout


def typed(path):
    """A path as one types it: without host and namespace, quoted for the command line."""
    path = path.copy()
    path.host = path.namespace = None
    return f"'{path.to_wbem_uri('historical')}'"


# ---- what is asked with it: each against a connection of pywbem, whose answers are remembered ----

@functools.lru_cache
def counts(conn):
    want = {}
    for ns in NAMESPACES:
        for name in conn.EnumerateClassNames(namespace=ns, DeepInheritance=True):
            own = [p for p in conn.EnumerateInstanceNames(name, namespace=ns)
                   if p.classname == name]
            if own:
                want[ns, name] = len(own)
    return want


@functools.lru_cache
def one_of_each(conn, ns):
    """{path of an instance: names of the classes around it}, one of every class that has any"""
    paths = {}
    for p in conn.EnumerateInstanceNames("CIM_ManagedElement", namespace=ns):
        paths.setdefault(p.classname, p)
    return {p: {o.classname for o in [*conn.ReferenceNames(p), *conn.AssociatorNames(p)]}
            for p in paths.values()}


def profiles(cli, conn):
    """`profile list` has the registered profiles, each with its organization"""
    text = cli.run("profile list", ns="interop")
    want = {p["RegisteredName"] for p in conn.EnumerateInstances("CIM_RegisteredProfile",
                                                                 namespace="interop")}
    got = {m[1].strip() for m in re.finditer(r"^SNIA +(.*\S) +\d[\d.]*$", text, re.M)}
    assert want and got == want, (got, text)
    return len(got)


def count(cli, conn):
    """`instance count` of every class in every namespace is what an enumeration finds"""
    text = cli.run("instance count", ns="interop")
    got = {(m[1], m[2]): int(m[3])
           for m in re.finditer(r"^(\S+)\s+(\w+_\w+)\s+(\d+)\s*$", text, re.M)}
    want = counts(conn)
    assert want and got == want, set(got.items()) ^ set(want.items())
    return sum(got.values())


def shrub(cli, conn):
    """`instance shrub` of an instance of every class shows each association and what is behind"""
    n = 0
    for ns in ("interop", "root/dmreplica", "root/tpd"):
        around = one_of_each(conn, ns)
        text = cli.run(*(f"instance shrub {typed(p)} --fullpath" for p in around), ns=ns)
        for p, names in around.items():
            for name in names:
                assert name in text, f"{name} near {p}"
        n += len(around)
    return n


def pull(cli, conn):
    """`instance enumerate` pulls the same 1, 3 and 1000 at a time, and without pulling"""
    want = sorted(str(p["DeviceID"]) for p in conn.EnumerateInstanceNames("CIM_StorageVolume"))
    assert len(want) > 3
    for way, size in [("no", 1000), *(("yes", n) for n in PULL_SIZES)]:
        text = cli.run("instance enumerate CIM_StorageVolume --no",
                       "instance enumerate CIM_ManagedElement --no", pull=way, count=size)
        volumes = re.findall(r"RPL_StorageVolume +([0-9a-f-]{36})", text)
        assert sorted(volumes[:len(want)]) == want, (way, size, text[:500])
        assert sorted(volumes[len(want):]) == want, (way, size)
    return len(want)


CHECKS = (profiles, count, shrub, pull)


def connection(url, user=None, password=None):
    return watched(pywbem.WBEMConnection(url, (user, password) if user else None,
                                         default_namespace="root/dmreplica", timeout=120))
