#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Who gets in, how fast somebody may guess, and what the log says of it.

Runs against testd, which has several users, and smisd on a simulated node. TAP.
"""
import base64
import os
import re
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import pywbem  # noqa: E402
from kit import (Tap, basic, class_param, imethod, instance_name, iparam,  # noqa: E402
                 methodcall, param, read_response, request, smisd, testd, wait_for)

GOOD = imethod("EnumerateInstanceNames", class_param("RPL_Pool"))
POOL = instance_name("RPL_Pool", InstanceID="pool:A")
SECRET = "Correct-Horse-7"


def send(server, data, source="127.0.0.1", timeout=20):
    with socket.create_connection(("127.0.0.1", server.port), timeout,
                                  source_address=(source, 0)) as s:
        s.sendall(data)
        return read_response(s)


def checks(server):
    return server.log().count("failed to authenticate")


# ---- guesses ----

def guesses_are_spaced(server):
    """Who gives up waiting and tries again has no more guesses for it; others are not held up."""
    bad = request(GOOD, Authorization=basic("admin", "guess"))
    assert send(server, request(GOOD), "127.0.0.5").status == 200  # remembered: right ones are
    before, start, n, answers = checks(server), time.monotonic(), 0, {}
    while time.monotonic() < start + 4:
        try:
            r = send(server, bad, "127.0.0.5", 0.04)
            answers[r.status if r else 0] = answers.get(r.status if r else 0, 0) + 1
        except OSError:
            pass
        n += 1
    seconds = time.monotonic() - start
    made = checks(server) - before
    # testd: 0.3 s, then 0.6, 1.2, 2.4
    assert 1 <= made <= 5, f"{made} guesses of {n} were checked in {seconds:.1f} s"
    assert n > 30, f"only {n} tries"
    assert answers.get(429), answers
    start = time.monotonic()
    assert send(server, request(GOOD), "127.0.0.5").status == 200
    assert send(server, request(GOOD, Authorization=basic("reader", "reader")),
                "127.0.0.6").status == 200
    assert time.monotonic() - start < 1, "others had to wait"
    print(f"# {n} guesses in {seconds:.1f} s: {made} were checked, answers {answers}")


def one_slip_costs_little(server):
    assert send(server, request(GOOD, Authorization=basic("reader", "x")), "127.0.0.7").status == 401
    start = time.monotonic()
    assert send(server, request(GOOD, Authorization=basic("reader", "reader")),
                "127.0.0.7").status == 200
    assert time.monotonic() - start < 1.5, "it took long"


# ---- the audit log ----

def audit_lines(server):
    return re.findall(r"(?m)^<\d>\w+: audit: (.*)$", server.log())


def audited(server, data, want):
    before = len(audit_lines(server))
    send(server, data, "127.0.0.9")
    lines = audit_lines(server)[before:]
    if want is None:
        assert not lines, lines
    else:
        assert len(lines) == 1 and re.fullmatch(want, lines[0]), lines


def as_reader(body):
    return request(body, Authorization=basic("reader", "reader"))


VOL3 = instance_name("RPL_Volume", DeviceID="vol3", SystemCreationClassName="RPL_System", Number=3)
WHO = r"user admin from 127\.0\.0\.9: "
DELETE = imethod("DeleteInstance", iparam("InstanceName", VOL3))
AUDIT = [
    ("a method", request(methodcall("Grow", POOL, param("Size", 5, "uint64"))),
     WHO + r'Grow of RPL_Pool\.InstanceID="pool:A" in root/dmreplica: returned 4096'),
    ("a method that is refused", request(methodcall("Grow", POOL)),
     WHO + r"Grow of RPL_Pool.* in root/dmreplica: refused, CIM error 4, .*Size.*"),
    ("without the role", as_reader(DELETE),
     r"user reader from 127\.0\.0\.9: DeleteInstance of RPL_Volume.*: refused, CIM error 2, .*"),
    ("a method without the role", as_reader(methodcall("Grow", POOL)),
     r"user reader .*Grow of .*: refused, CIM error 2, .*"),
    ("a deletion", request(DELETE), WHO + r"DeleteInstance of RPL_Volume.*vol3.*: done"),
    ("a creation", request(imethod("CreateInstance", iparam(
        "NewInstance", '<INSTANCE CLASSNAME="RPL_ThinVolume"><PROPERTY NAME="DeviceID" TYPE="string">'
        "<VALUE>new1</VALUE></PROPERTY></INSTANCE>"))),
     WHO + r"CreateInstance of .*RPL_ThinVolume.*new1.*: done"),
    ("a line break in a name", request(methodcall("Grow", instance_name(
        "RPL_Pool", InstanceID="a&#10;audit: user root from nowhere: b"))),
     WHO + r"Grow of .*a\?audit: user root.*: refused, CIM error 6, .*"),
    ("reading", request(GOOD), None),
    ("somebody unknown", request(DELETE, Authorization=None), None),
]


def changes_of_a_node(server):
    """Every change that a storage client makes has its line."""
    c = pywbem.WBEMConnection(f"http://127.0.0.1:{server.port}", ("admin", "admin"),
                              default_namespace="root/dmreplica")
    repl = c.EnumerateInstanceNames("CIM_ReplicationService")[0]
    config = c.EnumerateInstanceNames("CIM_StorageConfigurationService")[0]
    _, out = c.InvokeMethod("CreateOrModifyElementFromStoragePool", config, ElementName="a",
                            ElementType=pywbem.Uint16(2), Size=pywbem.Uint64(1 << 24))
    _, made = c.InvokeMethod("CreateGroup", repl, GroupName="g", Members=[out["TheElement"]])
    c.InvokeMethod("DeleteGroup", repl, ReplicationGroup=made["ReplicationGroup"],
                   RemoveElements=True)
    c.InvokeMethod("ReturnToStoragePool", config, TheElement=out["TheElement"])
    want = ["CreateOrModifyElementFromStoragePool", "CreateGroup", "DeleteGroup",
            "ReturnToStoragePool"]
    got = [re.match(r"user admin from 127\.0\.0\.1: (\w+) of RPL_\w+.*: returned (0|4096)$", line)
           for line in audit_lines(server)]
    assert all(got) and [m[1] for m in got] == want, audit_lines(server)


# ---- secrets ----

def no_secrets(server):
    """Not in the log, at its most talkative: passwords, headers, bodies; right, wrong or broken."""
    header = basic("admin", SECRET)
    body = GOOD.replace("RPL_Pool", SECRET)
    for data in (request(GOOD, Authorization=header), request(GOOD, Authorization=header + "!"),
                 request(GOOD, Authorization="Bearer " + SECRET),
                 request(GOOD, Authorization="Basic " + SECRET),
                 request(GOOD, Authorization=header, Content_Length="x"),
                 request("<" + SECRET), request(methodcall("Grow", POOL, param("Text", SECRET))),
                 request(body.replace("ClassName", "Nonsense"))):
        send(server, data, "127.0.0.8")
    text = server.log()
    for secret in (SECRET, base64.b64encode(SECRET.encode()).decode().rstrip("="),
                   header.split()[1], basic().split()[1]):
        assert secret not in text, re.findall(".*" + re.escape(secret) + ".*", text)[:3]
    assert "failed to authenticate" in text and "user admin from 127.0.0.8" in text


def main():
    tap = Tap()
    server = testd(DEBUG="1")
    for name, data, want in AUDIT:
        tap.test(f"audit: {name}", audited, server, data, want)
    tap.test("access: no secrets in the log", no_secrets, server)
    tap.test("access: one slip costs little", one_slip_costs_little, server)
    tap.test("access: guesses are spaced, whoever waits", guesses_are_spaced, server)
    tap.test("access: testd ends cleanly, sanitizers silent", server.stop)
    server = smisd()
    wait_for("the node is ready", lambda: "ready on" in server.log())
    tap.test("audit: the changes of a node", changes_of_a_node, server)
    tap.test("access: smisd ends cleanly, sanitizers silent", server.stop)
    tap.end()


if __name__ == "__main__":
    main()
