#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Eight clients at once against smisd with the thread sanitizer: changes, copies, walks, a wrong password.

usage: clients.py [SECONDS]     CIM_BUILD: directory of smisd. TAP.
"""
import os
import pathlib
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cim"))
import pywbem  # noqa: E402
from kit import Tap, basic, raw, request, smisd  # noqa: E402

CLIENTS = 8


def connect(server, tls):
    ports = server.ports
    url = f"https://127.0.0.1:{ports[1]}" if tls else f"http://127.0.0.1:{ports[0]}"
    return pywbem.WBEMConnection(url, ("admin", "admin"), default_namespace="root/dmreplica",
                                 no_verification=True, timeout=60)


def one_life(c, service, config, name):
    """A volume, its clone, walks around them, and their end."""
    _, out = c.InvokeMethod("CreateOrModifyElementFromStoragePool", config, ElementName=name,
                            ElementType=pywbem.Uint16(2), Size=pywbem.Uint64(1 << 24))
    volume = out["TheElement"]
    _, out = c.InvokeMethod("CreateElementReplica", service, SyncType=pywbem.Uint16(8),
                            Mode=pywbem.Uint16(3), SourceElement=volume)
    c.Associators(volume)
    c.EnumerateInstances("CIM_ConcreteJob")
    c.InvokeMethod("ModifyReplicaSynchronization", service, Operation=pywbem.Uint16(8),
                   Synchronization=out["Synchronization"], Force=True)
    for v in (out["TargetElement"], volume):
        rc, _ = c.InvokeMethod("ReturnToStoragePool", config, TheElement=v)
        assert rc == 0, rc
    c.DeleteInstance(out["Job"])


def client(server, nr, end, lives, problems):
    try:
        c = connect(server, nr % 2)
        service = c.EnumerateInstanceNames("CIM_ReplicationService")[0]
        config = c.EnumerateInstanceNames("CIM_StorageConfigurationService")[0]
        while time.monotonic() < end or not lives[nr]:
            one_life(c, service, config, f"v{nr}-{lives[nr]}")
            lives[nr] += 1
        if nr == 0:
            r = raw(server, request("<CIM", Authorization=basic("admin", "wrong")))
            assert r.status == 401, r.status
    except Exception as e:  # told by the test
        problems.append(f"client {nr}: {type(e).__name__}: {e}")


def clients(server, seconds):
    lives, problems = [0] * CLIENTS, []
    end = time.monotonic() + seconds
    threads = [threading.Thread(target=client, args=(server, nr, end, lives, problems))
               for nr in range(CLIENTS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not problems, problems
    print(f"# {sum(lives)} clones made and ended by {CLIENTS} clients")


def clean(server):
    """Ends, and neither the end nor anything before made the sanitizer speak."""
    server.proc.terminate()
    status = server.proc.wait(60)
    log = server.log()
    assert status == 0 and "ThreadSanitizer" not in log, f"status {status}\n{log[-4000:]}"


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 8
    tap = Tap()
    # the environment of a test machine may name another CA bundle, which would win
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        os.environ.pop(name, None)
    server = smisd(TSAN_OPTIONS="halt_on_error=0:exitcode=66")
    tap.test("thread sanitizer: eight clients", clients, server, seconds)
    tap.test("thread sanitizer: nothing found", clean, server)
    tap.end()


if __name__ == "__main__":
    main()
