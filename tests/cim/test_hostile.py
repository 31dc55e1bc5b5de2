#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A simulated node under attack: strangers change nothing, cost little, and the others are served.

All attacks come from 127.0.0.2. Meanwhile a client on 127.0.0.1 asks again and again, each time over a
new connection, and gets every answer within SERVED_S. At the end neither memory nor descriptors
have grown beyond what is asserted. TAP.
"""
import os
import re
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import pywbem  # noqa: E402
from kit import (BUILD, Server, Tap, basic, class_param, imethod, instance_name,  # noqa: E402
                 iparam, message, methodcall, param, read_response, request, wait_for)

SERVED_S = 5
TIMEOUT_S = 3
BODY_KIB = 64
CONNECTIONS, PER_IP = 48, 32
ENUMERATIONS = 4
DEPTH = 20
GROWN_KIB = 16384
GOOD = imethod("EnumerateInstanceNames", class_param("CIM_StoragePool"))
STATE = ("CIM_StorageVolume", "CIM_ReplicationGroup", "CIM_ConcreteJob", "CIM_Synchronized",
         "CIM_StoragePool")


def node():
    options = {"sim.user": "admin", "sim.password": "admin", "limits.request-timeout": TIMEOUT_S,
               "limits.max-body-kib": BODY_KIB, "limits.max-connections": CONNECTIONS,
               "limits.max-connections-per-ip": PER_IP,
               "limits.max-enumerations": ENUMERATIONS, "limits.max-xml-depth": DEPTH}

    def argv(s):
        args = [str(BUILD / "smisd"), "--simulate", "20", "-o", f"server.http-port={s.ports[0]}",
                "-o", f"server.https-port={s.ports[1]}"]
        for k, v in options.items():
            args += ["-o", f"{k}={v}"]
        return args
    return Server(argv, 2)


def attack(server, timeout=20):
    return socket.create_connection(("127.0.0.1", server.port), timeout,
                                    source_address=("127.0.0.2", 0))


def ask(server, data, timeout=20):
    """The first answer to these bytes, None when the connection was closed."""
    with attack(server, timeout) as s:
        try:
            s.sendall(data)
        except OSError:
            pass
        return read_response(s)


def status(server, data):
    r = ask(server, data)
    return r.status if r else "closed"


def refused(server, data, allowed=(400, "closed")):
    got = status(server, data)
    assert got in allowed, f"{got}, not one of {allowed}"


def refused_and_closed(server, data):
    """And what follows on the connection, which may be part of it, is no request."""
    with attack(server) as s:
        s.sendall(data)
        r = read_response(s)
        assert r and r.status == 400, r and r.status
        try:
            s.sendall(request(GOOD))
        except OSError:
            return
        r = read_response(s)
        assert r is None, f"a second answer: {r.status}"


class Client(threading.Thread):
    """The one that behaves well."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.over, self.n, self.worst = server, threading.Event(), 0, 0.0
        self.problem = None

    def run(self):
        while not self.over.wait(0.05):
            start = time.monotonic()
            try:
                with self.server.connect(SERVED_S) as s:
                    s.sendall(request(GOOD))
                    r = read_response(s)
                if not r or r.status != 200:
                    raise AssertionError(r.status if r else "no answer")
            except (OSError, AssertionError) as e:
                self.problem = self.problem or f"request {self.n}: {e}"
            self.n += 1
            self.worst = max(self.worst, time.monotonic() - start)

    def check(self):
        self.over.set()
        self.join(30)
        assert not self.problem, self.problem
        assert self.n > 50, f"only {self.n} requests"
        assert self.worst < SERVED_S, f"one answer took {self.worst:.1f} s"
        print(f"# a well-behaved client: {self.n} requests, the slowest took {self.worst:.2f} s")


def state(server):
    c = pywbem.WBEMConnection(f"http://127.0.0.1:{server.port}", ("admin", "admin"),
                              default_namespace="root/dmreplica")
    return sorted(i.tocimxmlstr() for cls in STATE for i in c.EnumerateInstances(cls))


# ---- slow ones, many ones ----

def drip(server, head, rest):
    """PER_IP connections that send @head, then a byte of @rest now and then: all are ended."""
    socks = [attack(server) for _ in range(PER_IP - 2)]
    for s in socks:
        s.sendall(head)
        s.settimeout(0.001)
    end, i = time.monotonic() + TIMEOUT_S + 12, 0
    while socks and time.monotonic() < end:
        for s in list(socks):
            try:
                s.sendall(rest[i % len(rest):][:1])
                if not s.recv(100):
                    raise ConnectionError
            except socket.timeout:
                continue
            except OSError:
                s.close()
                socks.remove(s)
        i += 1
        time.sleep(0.2)  # the pace of the attack
    left = len(socks)
    for s in socks:
        s.close()
    assert not left, f"{left} slow connections are still open"


def slow_headers(server):
    drip(server, b"POST /cimom HTTP/1.1\r\nHost: x\r\n", b"X-A: b\r\n")


def slow_body(server):
    drip(server, request(b"", Content_Length="60000"), b" ")


def silent_after_length(server):
    """Content-Length says more than comes: ended in time, not answered as if it were whole."""
    with attack(server, TIMEOUT_S + 12) as s:
        s.sendall(request(GOOD, Content_Length=str(len(GOOD) + 10)))
        r = read_response(s)
        assert r is None or r.status == 408, r.status


def many_connections(server):
    """One peer takes all it can get: others have what is beyond its share."""
    before, socks = server.fds(), []
    for _ in range(3 * CONNECTIONS):
        try:
            socks.append(attack(server, 2))
        except OSError:
            break
    wait_for("the server has accepted its share", lambda: server.fds() >= before + PER_IP - 3)
    most = server.fds()
    assert most <= before + PER_IP + 4, f"{most - before} connections of one peer"
    for s in socks:
        s.close()
    wait_for("descriptors are closed", lambda: server.fds() <= before + 2)


# ---- lengths and chunks ----

LENGTHS = ["-1", "+5", "5x", " ", "0x10", "1,1", "99999999999999999999", "1e3", "١"]


def length_not_a_number(server, text):
    refused(server, request(GOOD, Content_Length="@").replace(b"@", text.encode(), 1),
            (400, 413, "closed"))


def length_short(server):
    """What is behind a body that is said to be shorter is no part of it, and no request."""
    with attack(server) as s:
        s.sendall(request(GOOD, Content_Length=str(len(GOOD) - 20)))
        assert read_response(s).status == 400
        r = read_response(s)
        assert r is None or r.status == 400, r.status


def length_twice(server, other):
    n = len(GOOD)
    data = request(GOOD, Content_Length=str(n))
    data = data.replace(b"\r\n\r\n", f"\r\nContent-Length: {n + other}\r\n\r\n".encode(), 1)
    refused_and_closed(server, data)


def length_and_chunks(server):
    """Two ways of saying where a body ends, and maybe a proxy that believes the other one."""
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(GOOD), GOOD.encode())
    refused_and_closed(server, request(body, Content_Length="5", Transfer_Encoding="chunked"))


def chunked(server, body, allowed, **headers):
    headers = {"Content_Length": None, "Transfer_Encoding": "chunked", **headers}
    refused(server, request(body, **headers), allowed)


def chunks():
    whole = GOOD.encode()
    size = b"%x" % len(whole)
    good = size + b"\r\n" + whole + b"\r\n0\r\n"
    return [("one chunk", good + b"\r\n", (200,), {}),
            ("capital digits, an extension", size.upper() + b";a=b\r\n" + good[len(size) + 2:] +
             b"\r\n", (200,), {}),
            ("a trailer", good + b"X-T: y\r\n\r\n", (200,), {}),
            ("negative", b"-5\r\nhello\r\n0\r\n\r\n", (400, "closed"), {}),
            ("no digits", b"\r\nhello\r\n0\r\n\r\n", (400, "closed"), {}),
            ("too many digits", b"f" * 40 + b"\r\nx", (400, 413, "closed"), {}),
            ("2^64 - 1", b"f" * 16 + b"\r\nx", (400, 413, "closed"), {}),
            ("no end of the chunk", b"5\r\nhelloX\r\n0\r\n\r\n", (400, "closed"), {}),
            ("more than is allowed", (b"8000\r\n" + b" " * 0x8000 + b"\r\n") * 4 + b"0\r\n\r\n",
             (413, "closed"), {}),
            ("gzip", good + b"\r\n", (400, 415, 501, "closed"),
             {"Transfer_Encoding": "gzip, chunked"})]


def pipelined(server):
    """A hundred requests at once: all answered, in their order."""
    def one(i):
        return request(GOOD.replace('ID="1001"', f'ID="{i}"'))
    with attack(server) as s:
        sender = threading.Thread(target=s.sendall, args=(b"".join(map(one, range(100))),))
        sender.start()
        data = b""
        while data.count(b"</CIM>") < 100:
            more = s.recv(65536)
            assert more, f"closed after {data.count(b'</CIM>')} answers"
            data += more
        sender.join()
    ids = [int(x) for x in re.findall(rb'MESSAGE ID="(\d+)"', data)]
    assert ids == list(range(100)), ids


# ---- headers and bodies ----

def huge_headers(server):
    for data in (b"X: " + b"a" * 200000 + b"\r\n", b"X: y\r\n" * 30000, b"X" * 100000 + b": y\r\n",
                 b"Authorization: Basic " + b"A" * 100000 + b"\r\n"):
        refused(server, b"POST /cimom HTTP/1.1\r\nHost: x\r\n" + data + b"\r\n",
                (400, 401, 411, 413, 414, 415, 431, "closed"))


BOMBS = {
    "a billion laughs": "<!DOCTYPE CIM [<!ENTITY a0 'ha'>" + "".join(
        f"<!ENTITY a{i} '{f'&a{i - 1};' * 10}'>" for i in range(1, 10)) + "]>",
    "one long entity many times": "<!DOCTYPE CIM [<!ENTITY a '" + "x" * 20000 + "'>]>",
    "a file of the node": '<!DOCTYPE CIM [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
    "another host": '<!DOCTYPE CIM SYSTEM "http://127.0.0.1:1/x.dtd">',
    "a parameter entity": '<!DOCTYPE CIM [<!ENTITY % p SYSTEM "file:///dev/zero"> %p;]>',
}


def bomb(server, doctype):
    body = GOOD.replace("?>", "?>" + doctype, 1).replace("CIM_StoragePool", "&a9;&a;")
    start = time.monotonic()
    r = ask(server, request(body))
    assert r and r.status == 400, r
    assert "root:" not in r.body
    assert time.monotonic() - start < 2, "it took long"


def deep(server):
    """Nested as deep as fits: elements, arrays, instances within instances."""
    n = (BODY_KIB - 2) * 1024
    inst = '<INSTANCE CLASSNAME="RPL_StorageSetting"><PROPERTY NAME="a" TYPE="string"><VALUE>'
    embedded = "x"
    while len(embedded) < n // 8:
        embedded = (inst + embedded + "</VALUE></PROPERTY></INSTANCE>").replace(
            "&", "&amp;").replace("<", "&lt;")
    for body in ("<A>" * (n // 3), "<A>" * (n // 7) + "</A>" * (n // 7),
                 imethod("GetClass", iparam("ClassName", "<VALUE.ARRAY>" * (n // 30) +
                                            "</VALUE.ARRAY>" * (n // 30))),
                 imethod("CreateInstance", iparam("NewInstance", inst + embedded[:n // 2] +
                                                  "</VALUE></PROPERTY></INSTANCE>"))):
        start = time.monotonic()
        r = ask(server, request(body))
        assert r and (r.status == 400 or r.cim_error()), r and r.body[:300]
        assert time.monotonic() - start < 2, "it took long"


def depth_limit(server):
    """The limit of the configuration, to the element: references in the keys of references."""
    def nested(references):
        name = instance_name("RPL_StoragePool", InstanceID="x")
        for _ in range(references):
            name = (f'<INSTANCENAME CLASSNAME="RPL_StoragePool"><KEYBINDING NAME="InstanceID">'
                    f"<VALUE.REFERENCE>{name}</VALUE.REFERENCE></KEYBINDING></INSTANCENAME>")
        return imethod("GetInstance", iparam("InstanceName", name))
    elements = 8  # without a reference; each adds three
    most = (DEPTH - elements) // 3
    r = ask(server, request(nested(most)))
    assert r.status == 200 and r.cim_error(), r and r.body[:300]
    refused(server, request(nested(most + 1)), (400,))


def too_large(server):
    """The limit of the configuration: up to it read, beyond it refused."""
    fits = GOOD + " " * (BODY_KIB * 1024 - len(GOOD))
    assert status(server, request(fits)) == 200
    refused(server, request(fits + " "), (413, "closed"))


METHODS = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH", "PROPFIND",
           "SEARCH", "FROB", "post", "M-GET", "A" * 300]
PATHS = ["/", "/cimom", "*", "/../../etc/passwd", "/%2e%2e/%00", "//", "/cimom?x=" + "y" * 2000,
         "http://other/cimom", "/" + "a/" * 500, "x:1"]


def methods_and_paths(server):
    before = state(server)
    delete = imethod("DeleteInstance", "")
    for m in METHODS:
        for p in PATHS:
            got = status(server, request(delete, method=m, path=p))
            assert got in (400, 405, 411, 413, 414, 431, 501, "closed"), f"{m} {p[:30]}: {got}"
    assert state(server) == before, "something changed"


# ---- strangers ----

INTRINSIC = """GetClass GetInstance DeleteClass DeleteInstance CreateClass CreateInstance ModifyClass
ModifyInstance EnumerateClasses EnumerateClassNames EnumerateInstances EnumerateInstanceNames ExecQuery
Associators AssociatorNames References ReferenceNames GetProperty SetProperty GetQualifier SetQualifier
DeleteQualifier EnumerateQualifiers OpenEnumerateInstances OpenEnumerateInstancePaths
OpenReferenceInstances OpenReferenceInstancePaths OpenAssociatorInstances OpenAssociatorInstancePaths
OpenQueryInstances PullInstancesWithPath PullInstancePaths PullInstances CloseEnumeration
EnumerationCount""".split()


def xml_path(path):
    keys = "".join(f'<KEYBINDING NAME="{k}"><KEYVALUE VALUETYPE="string">{v}</KEYVALUE>'
                   "</KEYBINDING>" for k, v in path.keybindings.items())
    return f'<INSTANCENAME CLASSNAME="{path.classname}">{keys}</INSTANCENAME>'


def operations(server):
    """(name, body) of everything that can be asked for, with targets that are there."""
    c = pywbem.WBEMConnection(f"http://127.0.0.1:{server.port}", ("admin", "admin"),
                              default_namespace="root/dmreplica")
    volume = xml_path(c.EnumerateInstanceNames("CIM_StorageVolume")[0])
    every = (class_param("RPL_StorageVolume") + iparam("InstanceName", volume) +
             iparam("ObjectName", volume))
    yield from ((op, imethod(op, every)) for op in INTRINSIC)
    for cls in c.EnumerateClasses(DeepInheritance=True, LocalOnly=False):
        if not cls.methods or not cls.classname.startswith("RPL_"):
            continue
        for path in c.EnumerateInstanceNames(cls.classname)[:1]:
            for m in cls.methods.values():
                yield (f"{cls.classname}.{m.name}",
                       methodcall(m.name, xml_path(path), param("GroupName", "stranger", "string")))


def strangers(server):
    """Every operation and every method without credentials: 401, and nothing changed."""
    before, n = state(server), 0
    with attack(server) as s:
        for name, body in operations(server):
            s.sendall(request(body, Authorization=None))
            r = read_response(s)
            assert r and r.status == 401, f"{name}: {r and r.status}"
            assert "www-authenticate" in r.headers and not r.body, f"{name}: {r.body[:100]}"
            n += 1
    assert n > len(INTRINSIC) + 15, f"only {n} operations"
    assert state(server) == before, "something changed"
    print(f"# {n} operations without credentials")


def enumeration_contexts(server):
    """No more are kept open than the configuration says; what is closed makes room."""
    body = imethod("OpenEnumerateInstancePaths", class_param("CIM_StorageVolume") +
                   iparam("MaxObjectCount", "<VALUE>1</VALUE>"))
    answers = [ask(server, request(body)) for _ in range(ENUMERATIONS + 3)]
    contexts = [re.search(r'"EnumerationContext"[^>]*><VALUE>([^<]+)', r.body) for r in answers]
    codes = [r.cim_error()[0] for r in answers if r.cim_error()]
    assert sum(map(bool, contexts)) == ENUMERATIONS, contexts
    assert codes == [27] * 3, codes
    for m in filter(None, contexts):
        r = ask(server, request(imethod("CloseEnumeration", iparam(
            "EnumerationContext", f"<VALUE>{m[1]}</VALUE>"))))
        assert r.status == 200 and not r.cim_error(), r.body
    assert not ask(server, request(body)).cim_error()


def run_all(tap, server):
    for name, data in (("not a request", b"\0" * 100), ("a message without a call",
                                                       request(message("")))):
        tap.test(f"hostile: {name}", refused, server, data)
    tap.test("hostile: connections up to the limit", many_connections, server)
    tap.test("hostile: slow headers", slow_headers, server)
    tap.test("hostile: slow bodies", slow_body, server)
    tap.test("hostile: a body that never ends", silent_after_length, server)
    for text in LENGTHS:
        tap.test(f"hostile: Content-Length {text!a}", length_not_a_number, server, text)
    tap.test("hostile: Content-Length too short", length_short, server)
    tap.test("hostile: Content-Length twice, the same", length_twice, server, 0)
    tap.test("hostile: Content-Length twice, different", length_twice, server, 10)
    tap.test("hostile: Content-Length and chunks", length_and_chunks, server)
    for name, body, allowed, headers in chunks():
        tap.test(f"hostile: chunks, {name}", lambda b, a, h: chunked(server, b, a, **h), body,
                 allowed, headers)
    tap.test("hostile: pipelined", pipelined, server)
    tap.test("hostile: huge headers", huge_headers, server)
    for name, doctype in BOMBS.items():
        tap.test(f"hostile: {name}", bomb, server, doctype)
    tap.test("hostile: deep nesting", deep, server)
    tap.test("hostile: nesting up to the limit", depth_limit, server)
    tap.test("hostile: a request larger than allowed", too_large, server)
    tap.test("hostile: every method and path", methods_and_paths, server)
    tap.test("hostile: strangers", strangers, server)
    tap.test("hostile: open enumerations", enumeration_contexts, server)


def flat(server, rss, fds):
    wait_for("descriptors are closed", lambda: server.fds() <= fds)
    grown = server.rss_kib() - rss
    print(f"# grown by {grown} KiB; {server.fds()} descriptors, {fds} before")
    assert grown < GROWN_KIB, f"grew by {grown} KiB"


def main():
    tap, server = Tap(), node()
    for _ in range(100):  # so that what is made once is there
        assert status(server, request(GOOD)) == 200
    state(server)
    rss, fds = server.rss_kib(), server.fds()
    client = Client(server)
    client.start()
    run_all(tap, server)
    tap.test("hostile: a well-behaved client was served all along", client.check)
    tap.test("hostile: memory and descriptors are flat", flat, server, rss, fds)
    tap.test("hostile: ends cleanly, sanitizers silent", server.stop)
    tap.end()


if __name__ == "__main__":
    main()
