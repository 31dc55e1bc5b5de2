#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""No client takes the server from the others: processor time of one operation, memory of answers that
nobody reads, time to read them. TAP on stdout.
"""
import html
import os
import pathlib
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import (BUILD, Server, Tap, class_param, imethod, iparam, read_response,  # noqa: E402
                 request, wait_for)

VOLUMES = 10000
ALL = imethod("EnumerateInstances", class_param("CIM_StorageVolume"))
SMALL = imethod("EnumerateInstanceNames", class_param("CIM_StoragePool"))
ANY = "SELECT DeviceID FROM CIM_StorageVolume WHERE "
# what costs much and matches nothing
COSTLY = ANY + " OR ".join(["DeviceID LIKE '" + "[a-z0-9]?" * 25 + "!'"] * 60)


def node(volumes=VOLUMES, **options):
    def argv(s):
        args = [str(BUILD / "smisd"), "--simulate", str(volumes), "-o",
                f"server.http-port={s.port}", "-o", "server.https-port=0"]
        for k, v in options.items():
            args += ["-o", f"limits.{k.replace('_', '-')}={v}"]
        return args
    return Server(argv)


def ask(server, body, timeout=120, **headers):
    with server.connect(timeout) as s:
        s.sendall(request(body, **headers))
        return read_response(s)


def query(text, op="ExecQuery"):
    name = ("QueryLanguage", "Query") if op == "ExecQuery" else \
        ("FilterQueryLanguage", "FilterQuery")
    return imethod(op, iparam(name[0], "<VALUE>DMTF:CQL</VALUE>") +
                   iparam(name[1], f"<VALUE>{html.escape(text)}</VALUE>"))


def cpu_s(server):
    text = pathlib.Path(f"/proc/{server.proc.pid}/stat").read_text()
    fields = text.rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def limit(r, code=27):
    assert r.status == 200 and r.cim_error() and r.cim_error()[0] == code, (r.status, r.body[-300:])
    return r.cim_error()[1]


def patterns(server):
    """8050 times "any characters" cost what one does; a pattern that is long is refused."""
    ask(server, query(ANY + "DeviceID LIKE 'x'"))
    before = cpu_s(server)
    r = ask(server, query(ANY + "DeviceID LIKE '" + ".*" * 8050 + "x'"))
    assert r.status == 200 and not r.cim_error() and "<INSTANCE " not in r.body
    cost = cpu_s(server) - before
    print(f"# {cost:.2f} s of processor time")
    assert cost < 4, cost
    assert "256" in limit(ask(server, query(ANY + "DeviceID LIKE '" + "a?" * 8000 + "x'")))


def costly(server):
    """Queries that would take for ever end with an error, in the operations that have one."""
    for body in (query(COSTLY), query(COSTLY, "OpenQueryInstances"),
                 imethod("OpenEnumerateInstances", class_param("CIM_StorageVolume") + iparam(
                     "FilterQueryLanguage", "<VALUE>DMTF:FQL</VALUE>") + iparam(
                         "FilterQuery", f"<VALUE>{COSTLY[len(ANY):]}</VALUE>"))):
        before = cpu_s(server)
        assert "processor time" in limit(ask(server, body))
        assert cpu_s(server) - before < 2.5
        assert "processor time" in limit(ask(server, body, version="HTTP/1.0"))


def others_served(server):
    """While eight clients ask costly questions, a ninth hardly notices."""
    stop, asked = threading.Event(), []

    def work():
        while not stop.is_set():
            limit(ask(server, query(COSTLY)))
            asked.append(1)
    threads = [threading.Thread(target=work) for _ in range(8)]
    for t in threads:
        t.start()
    worst, end = 0, time.monotonic() + 8
    while time.monotonic() < end:
        start = time.monotonic()
        assert ask(server, SMALL).status == 200
        worst = max(worst, time.monotonic() - start)
    stop.set()
    for t in threads:
        t.join()
    print(f"# {len(asked)} questions; the ninth waited {worst * 1000:.0f} ms at most")
    assert worst < 2 and asked, worst


def operations(_):
    """The budget is that of every operation: none may take 10 ms, and all of these would."""
    server = node(operation_time_ms=10)
    system = ask(server, imethod("EnumerateInstanceNames", class_param("CIM_ComputerSystem"))).body
    system = system[system.index("<INSTANCENAME"):system.index("</INSTANCENAME>") + 15]
    start = [imethod(op, iparam("ObjectName", system)) for op in (
        "Associators", "AssociatorNames", "References", "ReferenceNames")]
    start += [imethod(op, iparam("InstanceName", system)) for op in (
        "OpenAssociatorInstances", "OpenReferenceInstancePaths")]
    for body in start + [imethod(op, class_param("CIM_ManagedElement")) for op in (
            "EnumerateInstances", "EnumerateInstanceNames", "OpenEnumerateInstances",
            "OpenEnumerateInstancePaths")] + [query(ANY + "DeviceID = 'x'"),
                                              query(ANY + "DeviceID = 'x'", "OpenQueryInstances")]:
        assert "10 ms of processor time" in limit(ask(server, body)), body
    assert not ask(server, SMALL).cim_error()
    server.stop()


def unread(server, nr, body=ALL, **headers):
    """So many clients that ask, and then read nothing."""
    socks = []
    for _ in range(nr):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect(("127.0.0.1", server.port))
        s.sendall(request(body, **headers))
        socks.append(s)
    return socks


def memory(server):
    """Twenty clients that read nothing of 50 MiB each."""
    before = server.rss_kib()
    socks = unread(server, 20)
    for s in socks:
        s.settimeout(60)
        assert s.recv(12) == b"HTTP/1.1 200"
    grown = (server.rss_kib() - before) >> 10
    print(f"# twenty answers take {grown} MiB")
    assert grown < 250, grown
    fds = server.fds()
    for s in socks:
        s.close()
    wait_for("the connections are closed", lambda: server.fds() <= fds - 20)


def memory_limit(_):
    """What would be beyond the limit is refused; small requests never are, and it comes back."""
    server = node(answer_memory="16M")
    for version in ("HTTP/1.1", "HTTP/1.0"):
        before = server.rss_kib()
        socks = unread(server, 30, version=version)
        first = []
        for s in socks:
            s.settimeout(60)
            data = b""
            while b"<IMETHODRESPONSE" not in data:
                data += s.recv(4096)
            while b"<ERROR" not in data and len(data) < 20000:
                data += s.recv(4096)
            first.append(b'<ERROR CODE="27"' in data)
        grown = (server.rss_kib() - before) >> 10
        print(f"# {version}: {sum(first)} of 30 refused, {grown} MiB more")
        assert any(first) and (version == "HTTP/1.0" or not all(first)), first
        assert grown < 150, grown
        assert not ask(server, SMALL).cim_error()
        for s in socks:
            s.close()
        wait_for("an answer is given again", lambda: len(ask(server, ALL).body) > 20 << 20)
    server.stop()


def names_limited(_):
    """The same for answers that are made in one go: names, classes; a pull gives fewer objects."""
    server = node(answer_memory="2M")
    assert "memory" in limit(ask(server, imethod("EnumerateInstanceNames",
                                                 class_param("CIM_StorageVolume"))))
    deep = iparam("DeepInheritance", "<VALUE>TRUE</VALUE>")
    qualifiers = iparam("LocalOnly", "<VALUE>FALSE</VALUE>")
    assert "memory" in limit(ask(server, imethod("EnumerateClasses", deep + qualifiers)))
    r = ask(server, imethod("OpenEnumerateInstances", class_param("CIM_StorageVolume") + iparam(
        "PropertyList", "<VALUE.ARRAY><VALUE>DeviceID</VALUE></VALUE.ARRAY>")))
    nr = 0
    while "FALSE" in r.body:
        context = r.body.split("EnumerationContext")[1].split("<VALUE>")[1].split("<")[0]
        r = ask(server, imethod("PullInstancesWithPath", iparam(
            "EnumerationContext", f"<VALUE>{context}</VALUE>") +
            iparam("MaxObjectCount", "<VALUE>100000</VALUE>")))
        assert not r.cim_error() and len(r.body) < 4 << 20, (len(r.body), r.cim_error())
        nr += r.body.count("<INSTANCE ")
    assert nr == VOLUMES, nr
    server.stop()


def rest(s):
    """The end of what comes on a connection, up to the last chunk or until it is broken off."""
    tail = b""
    while not tail.endswith(b"\r\n0\r\n\r\n"):
        try:
            data = s.recv(1 << 16)
        except ConnectionResetError:
            data = b""
        if not data:
            return b""
        tail = (tail + data)[-16:]
    return tail


def send_timeout(_):
    """Who reads nothing is cut off; who reads slowly is not, however long it takes."""
    server = node(send_timeout=2)
    idle, slow = unread(server, 2)
    for s in (idle, slow):
        s.settimeout(30)
        assert s.recv(12) == b"HTTP/1.1 200"
    end = time.monotonic() + 10
    while time.monotonic() < end:
        for _ in range(40):
            assert slow.recv(4096), "the slow one was cut off"
        time.sleep(0.3)
    assert not rest(idle), "the idle one was not cut off"
    assert rest(slow), "the slow one was cut off"
    idle.close()
    slow.close()
    server.stop()


def gone_with_the_last_bytes(_):
    """Who closes right behind half a request has no place until the time limit (here: 300 s)."""
    server, data = node(2, request_timeout=300), request(SMALL)
    before = server.fds()
    for i in (30, len(data) // 2, len(data) - 5) * 5:
        with server.connect() as s:
            s.sendall(data[:i])
    assert ask(server, SMALL).status == 200  # those before were accepted
    wait_for("descriptors are closed", lambda: server.fds() <= before)
    server.stop()


def check_config(_):
    for option, good in (("answer-memory=256M", True), ("answer-memory=1K", False),
                         ("operation-time-ms=1000", True), ("operation-time-ms=5", False),
                         ("send-timeout=0", False), ("send-timeout=600", True)):
        status = subprocess.run([str(BUILD / "smisd"), "--simulate", "1", "--check-config", "-o",
                                 f"limits.{option}"], capture_output=True).returncode
        assert (status == 0) == good, (option, status)


def main():
    tap, server = Tap(), node()
    for fn in (patterns, costly, others_served, memory, operations, memory_limit, names_limited,
               send_timeout, gone_with_the_last_bytes, check_config):
        tap.test(f"limits: {fn.__name__.replace('_', ' ')}", fn, server)
    tap.test("limits: smisd ends cleanly, sanitizers silent", server.stop)
    tap.end()


if __name__ == "__main__":
    main()
