#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Hours of clients in minutes: 32 connections that read, one client that clones, detaches, deletes.
Memory and descriptors must be flat after the first third.

usage: soak.py [--smisd build/smisd] [--minutes 10]
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import pywbem
from pywbem import Uint16

from agent import FALSE, TRUE, TOP, Node, class_param, iparam, imethod

CONNECTIONS, MARGIN_MIB, MARGIN_FDS = 32, 4, 4


def bodies(n):
    names = n.post(imethod("EnumerateInstanceNames", class_param("RPL_StorageVolume")))
    keys = re.search(r"<INSTANCENAME.*?</INSTANCENAME>", names, re.S)[0]
    local = iparam("LocalOnly", FALSE)
    return [imethod("GetInstance", iparam("InstanceName", keys) + local),
            imethod("EnumerateInstances", class_param("CIM_StorageVolume") + local),
            imethod("EnumerateInstances", class_param("CIM_ConcreteJob") + local),
            imethod("Associators", iparam("ObjectName", keys)),
            imethod("References", iparam("ObjectName", keys)),
            imethod("GetClass", class_param("RPL_ReplicationService") + local +
                    iparam("IncludeQualifiers", TRUE)),
            imethod("GetInstance", iparam("InstanceName", keys.replace("DeviceID", "Nothing"))),
            "not XML at all"]


def one_life(conn, service, config, volume):
    """A clone from its beginning to the end of its target; its job goes too."""
    _, out = conn.InvokeMethod("CreateElementReplica", service, SyncType=Uint16(8), Mode=Uint16(3),
                               SourceElement=volume)
    conn.InvokeMethod("ModifyReplicaSynchronization", service, Operation=Uint16(8),
                      Synchronization=out["Synchronization"], Force=True)
    rc, _ = conn.InvokeMethod("ReturnToStoragePool", config, TheElement=out["TargetElement"])
    assert rc == 0, rc
    conn.DeleteInstance(out["Job"])


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--smisd", type=pathlib.Path, default=TOP / "build/smisd")
    p.add_argument("--minutes", type=float, default=10)
    args = p.parse_args()
    n = Node(args.smisd, 200, limits__max_connections_per_ip=128)
    seconds = args.minutes * 60
    samples, lives = [], 0
    with tempfile.TemporaryDirectory() as d:
        files = []
        for i, body in enumerate(bodies(n)):
            files.append(f"{d}/{i}")
            pathlib.Path(files[-1]).write_text(body)
        load = subprocess.Popen(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:.0f}s", "--timeout",
                                 "60s", "-s", str(TOP / "tests/bench/mix.lua"),
                                 f"http://127.0.0.1:{n.port}/cimom", "--", *files],
                                stdout=subprocess.PIPE, text=True)
        conn = pywbem.WBEMConnection(f"http://127.0.0.1:{n.port}", timeout=120,
                                     default_namespace="root/dmreplica")
        service = conn.EnumerateInstanceNames("CIM_ReplicationService")[0]
        config = conn.EnumerateInstanceNames("CIM_StorageConfigurationService")[0]
        volume = conn.EnumerateInstanceNames("CIM_StorageVolume")[0]
        start = time.monotonic()
        while load.poll() is None:
            one_life(conn, service, config, volume)
            lives += 1
            fds = len(os.listdir(f"/proc/{n.process.pid}/fd"))
            samples.append((time.monotonic() - start, n.rss_mib(), fds))
        print(load.stdout.read())
    third = [s for s in samples if s[0] < seconds / 3]
    rest = [s for s in samples if s[0] >= seconds / 3]
    rss, rss_then = max(s[1] for s in rest), max(s[1] for s in third)
    fds, fds_then = max(s[2] for s in rest), max(s[2] for s in third)
    print(f"{lives} clones; RSS {rss_then:.1f} MiB in the first third, then {rss:.1f}; "
          f"descriptors {fds_then}, then {fds}")
    alive = n.process.poll() is None
    n.close()
    good = alive and not n.process.returncode and rss <= rss_then + MARGIN_MIB and \
        fds <= fds_then + MARGIN_FDS
    print("soak: 1 passed, 0 failed" if good else "soak: 0 passed, 1 failed")
    return not good


if __name__ == "__main__":
    sys.exit(main())
