#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Wrong HTTP, wrong credentials, hostile peers: each gets its own answer, and none costs others.

Runs against testd (the CIM server over the test schema). TAP on stdout.
"""
import os
import socket
import ssl
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import (Response, Tap, basic, class_param, imethod, instance_name,  # noqa: E402
                 iparam, methodcall, namespace, param, raw, read_response, request, testd, wait_for)

GOOD = imethod("EnumerateInstanceNames", class_param("RPL_Pool"))
POOL = instance_name("RPL_Pool", InstanceID="pool:A")


def expect(server, data, status, cimerror=None, **headers):
    r = raw(server, data)
    assert isinstance(r, Response), "the connection was closed without an answer"
    assert r.status == status, f"status {r.status}, not {status}"
    assert r.headers.get("cimerror") == cimerror, f"CIMError {r.headers.get('cimerror')}"
    for name, value in headers.items():
        got = r.headers.get(name.replace("_", "-"))
        assert got is not None and value in got, f"{name}: {got}"
    if status != 200 and not r.body.startswith("<html"):  # the library's own page
        assert not r.body, "an error answer has a body"
    return r


def works(server):
    r = expect(server, request(GOOD), 200)
    assert r.body.count("<INSTANCENAME") == 2, r.body


# name, request, status, CIMError, further headers
STATUS = [
    ("a good request", request(GOOD), 200, None, {"cimoperation": "MethodResponse"}),
    ("header names in any case", request(GOOD, Content_Type=None, content_TYPE="text/xml"), 200,
     None, {}),
    ("HTTP/1.0", request(GOOD, version="HTTP/1.0", Host=None), 200, None, {}),
    ("CIMMethod in the header", request(GOOD, CIMMethod="EnumerateInstanceNames",
                                        CIMObject="root%2Fdmreplica"), 200, None, {}),
    ("CIMMethod differs", request(GOOD, CIMMethod="GetClass"), 400, "header-mismatch", {}),
    ("CIMMethod is empty", request(GOOD, CIMMethod=""), 400, "header-mismatch", {}),
    ("CIMOperation is missing", request(GOOD, CIMOperation=None), 400, "unsupported-operation",
     {}),
    ("CIMOperation is wrong", request(GOOD, CIMOperation="Other"), 400, "unsupported-operation",
     {}),
    ("CIMProtocolVersion 2.0", request(GOOD, CIMProtocolVersion="2.0"), 501,
     "unsupported-protocol-version", {}),
    ("CIMBatch", request(GOOD, CIMBatch=""), 501, "multiple-requests-unsupported", {}),
    ("GET", request("", method="GET", Content_Length=None), 405, None, {"allow": "POST"}),
    ("HEAD", request("", method="HEAD", Content_Length=None), 405, None, {"allow": "POST"}),
    ("PUT", request(GOOD, method="PUT"), 405, None, {"allow": "POST"}),
    ("OPTIONS", request("", method="OPTIONS", path="*", Content_Length=None), 405, None, {}),
    ("a method nobody knows", request(GOOD, method="FROB"), 405, None, {}),
    ("no Host", request(GOOD, Host=None), 400, None, {}),
    ("no Content-Type", request(GOOD, Content_Type=None), 415, None, {}),
    ("JSON", request(GOOD, Content_Type="application/json"), 415, None, {}),
    ("Latin 1", request(GOOD, Content_Type="text/xml; charset=iso-8859-1"), 415, None, {}),
    ("UTF-8 without quotes", request(GOOD, Content_Type="text/xml; x=1;charset=UTF-8 ; y=2"), 200,
     None, {}),
    ("a charset that begins as UTF-8", request(GOOD, Content_Type="text/xml; charset=utf-8859"),
     415, None, {}),
    ("the same in quotes", request(GOOD, Content_Type='text/xml; charset="utf-8859"'), 415, None,
     {}),
    ("a charset without its second quote", request(GOOD, Content_Type='text/xml; charset="utf-8'),
     415, None, {}),
    ("a Range", request(GOOD, Range="bytes=0-10"), 406, "header-mismatch", {}),
    ("gzip", request(GOOD, Content_Encoding="gzip"), 415, None, {}),
    ("Accept without XML", request(GOOD, Accept="text/html"), 406, "header-mismatch", {}),
    ("no length", request(b"", Content_Length=None), 411, None, {}),
    ("an empty body", request(""), 400, "request-not-well-formed", {}),
    ("a body that is no XML", request("hello"), 400, "request-not-well-formed", {}),
    ("a body that is binary", request(bytes(range(256))), 400, "request-not-well-formed", {}),
    ("a DOCTYPE", request("<!DOCTYPE CIM [<!ENTITY a 'b'>]>" + GOOD[38:]), 400,
     "request-not-well-formed", {}),
    ("XML that is not CIM", request("<html/>"), 400, "request-not-loosely-valid", {}),
    ("a MULTIREQ", request(GOOD.replace("SIMPLEREQ", "MULTIREQ")), 501,
     "multiple-requests-unsupported", {}),
    ("DTDVERSION 1.0", request(GOOD.replace('DTDVERSION="2.0"', 'DTDVERSION="1.0"')), 501,
     "unsupported-dtd-version", {}),
    ("DTDVERSION 2.x", request(GOOD.replace('DTDVERSION="2.0"', 'DTDVERSION="2.x"')), 501,
     "unsupported-dtd-version", {}),
    ("DTDVERSION 2.3.1", request(GOOD.replace('DTDVERSION="2.0"', 'DTDVERSION="2.3.1"')), 200,
     None, {}),
    ("an empty CIMVERSION", request(GOOD.replace('CIMVERSION="2.0"', 'CIMVERSION=""')), 501,
     "unsupported-cim-version", {}),
    ("CIMProtocolVersion 1.x", request(GOOD, CIMProtocolVersion="1.x"), 501,
     "unsupported-protocol-version", {}),
    ("two classes in one parameter", request(GOOD.replace(
        '<CLASSNAME NAME="RPL_Pool"/>', '<CLASSNAME NAME="RPL_Pool"/>' * 2)), 400,
     "request-not-loosely-valid", {}),
    ("declared too large", request(GOOD, Content_Length=str(1 << 40)), 413, None, {}),
    ("Expect of something else", request(GOOD, Expect="a-miracle"), 417, None, {}),
    ("no credentials", request(GOOD, Authorization=None), 401, None,
     {"www_authenticate": "Basic realm="}),
    ("credentials that are no base64", request(GOOD, Authorization="Basic !!!"), 401, None,
     {"www_authenticate": "Basic"}),
    ("credentials without a colon", request(GOOD, Authorization="Basic YWRtaW4="), 401, None, {}),
    ("no user name", request(GOOD, Authorization=basic("", "x")), 401, None, {}),
    ("another scheme", request(GOOD, Authorization="Bearer x"), 401, None, {}),
    ("a wrong password", request(GOOD, Authorization=basic("admin", "wrong")), 401, None,
     {"www_authenticate": "Basic"}),
    ("an unknown user", request(GOOD, Authorization=basic("who", "who")), 401, None, {}),
    ("an endless user name", request(GOOD, Authorization=basic("a" * 5000, "x")), 401, None, {}),
    ("M-POST", request(GOOD, method="M-POST", CIMOperation=None,
                       **{"35-CIMOperation": "MethodCall", "35-CIMMethod": "EnumerateInstanceNames",
                          "Man": "http://www.dmtf.org/cim/mapping/http/v1.0; ns=35"}), 200, None,
     {"35-cimoperation": "MethodResponse", "man": "ns=35", "ext": ""}),
    ("M-POST without Man", request(GOOD, method="M-POST"), 400, "header-mismatch", {}),
    ("M-POST on HTTP/1.0", request(GOOD, method="M-POST", version="HTTP/1.0",
                                   Man="http://www.dmtf.org/cim/mapping/http/v1.0; ns=35"), 400,
     "header-mismatch", {}),
]


def other_namespace(server):
    """An InstanceName that says another namespace than the request is refused, not looked up here."""
    def get(op, param, where, key):
        if where:
            key = f"<LOCALINSTANCEPATH>{namespace(where)}{key}</LOCALINSTANCEPATH>"
        return raw(server, request(imethod(op, iparam(param, key))))
    for op, param in (("GetInstance", "InstanceName"), ("AssociatorNames", "ObjectName"),
                      ("OpenReferenceInstances", "InstanceName")):
        for where in ("root/dmreplica", "ROOT/dmreplica", None):
            assert not get(op, param, where, POOL).cim_error(), (op, where)
        for where in ("root/tpd", "interop", "root/none"):
            error = get(op, param, where, POOL).cim_error()
            assert error and error[0] == 4 and where in error[1], (op, where, error)


def early_413(server):
    """A declared size over the limit is refused before the body, if the client waits for it."""
    with server.connect() as s:
        s.sendall(request(b"", Content_Length=str(1 << 30), Expect="100-continue"))
        r = read_response(s)
        assert r and r.status == 413, r and r.status


def chunked_413(server):
    """Without a declared size: refused once it is too much, and the connection ends."""
    with server.connect() as s:
        s.sendall(request(b"", Content_Length=None, Transfer_Encoding="chunked"))
        chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
        try:
            for _ in range(40):
                s.sendall(chunk)
            s.sendall(b"0\r\n\r\n")
        except OSError:
            return  # cut off: fine too
        r = read_response(s)
        assert r is None or r.status == 413, r.status


def chunked(server):
    body = GOOD.encode()
    parts = b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + 50]), body[i:i + 50])
                     for i in range(0, len(body), 50))
    r = raw(server, request(b"", Content_Length=None, Transfer_Encoding="chunked") + parts +
            b"0\r\n\r\n")
    assert r and r.status == 200, r and r.status


def expect_continue(server):
    with server.connect() as s:
        body = GOOD.encode()
        s.sendall(request(b"", Content_Length=str(len(body)), Expect="100-continue",
                          Authorization=basic("reader", "reader")))
        first = s.recv(200)
        assert first.startswith(b"HTTP/1.1 100 "), first
        s.sendall(body)
        r = read_response(s)
        assert r and r.status == 200, r and r.status


def keep_alive(server):
    with server.connect() as s:
        for _ in range(20):
            s.sendall(request(GOOD))
            r = read_response(s)
            assert r and r.status == 200
        # one that is refused does not end the connection
        s.sendall(request(GOOD, Authorization=None))
        assert read_response(s).status == 401
        s.sendall(request(GOOD))
        assert read_response(s).status == 200


def no_auth_on_the_second(server):
    """Credentials belong to the request, not to the connection."""
    with server.connect() as s:
        s.sendall(request(GOOD))
        assert read_response(s).status == 200
        s.sendall(request(GOOD, Authorization=None))
        assert read_response(s).status == 401


def byte_by_byte(server):
    with server.connect() as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for b in request(GOOD):
            s.sendall(bytes([b]))
        assert read_response(s).status == 200


def wrong_password_is_slow(server):
    start = time.monotonic()
    expect(server, request(GOOD, Authorization=basic("admin", "bad")), 401)
    assert time.monotonic() - start > 0.25, "answered at once"


def others_while_waiting(server):
    """A method that takes its time, wrong passwords that are held: others are served."""
    held = [server.connect() for _ in range(5)]
    held += [socket.create_connection(("127.0.0.1", server.port), 30, source_address=("127.0.0.2", 0))
             for _ in range(5)]  # who has wrong passwords waits, and all from where he is
    for s in held[:5]:
        s.sendall(request(methodcall("Wait", POOL, param("Milliseconds", 3000))))
    for s in held[5:]:
        s.sendall(request(GOOD, Authorization=basic("x", "y")))
    start = time.monotonic()
    works(server)
    assert time.monotonic() - start < 2, "waited for the others"
    for s in held[:5]:
        r = read_response(s)
        assert r.status == 200 and "<VALUE>7</VALUE>" in r.body, r.body
    for s in held:
        s.close()


def client_goes_away(server):
    """While its method waits: nothing is left over."""
    works(server)
    before = server.fds()
    for _ in range(20):
        with server.connect() as s:
            s.sendall(request(methodcall("Wait", POOL, param("Milliseconds", 60000))))
            time.sleep(0.01)
    wait_for("descriptors are closed", lambda: server.fds() <= before)
    works(server)


def in_all_stages(server):
    """Closed after each possible prefix of a request."""
    data = request(GOOD)
    before = server.fds()
    for i in range(0, len(data), 11):
        with server.connect() as s:
            s.sendall(data[:i])
    wait_for("descriptors are closed", lambda: server.fds() <= before)
    works(server)


def slow_clients_end(server):
    """Bytes now and then keep no connection for ever (limit here: 5 s)."""
    socks = [server.connect() for _ in range(5)]
    data = request(GOOD)
    start = time.monotonic()
    alive, i = list(socks), 0
    while alive and time.monotonic() - start < 20:
        for s in list(alive):
            try:
                s.sendall(data[i:i + 1] or b" ")
                s.settimeout(0.001)
                if s.recv(1) == b"":
                    alive.remove(s)
            except (socket.timeout, BlockingIOError):
                pass
            except OSError:
                alive.remove(s)
        i += 1
        time.sleep(0.3)
    for s in socks:
        s.close()
    assert not alive, f"{len(alive)} of 5 were still served after 20 s"


def idle_clients_end(server):
    with server.connect(20) as s:
        assert s.recv(1) == b"", "the server spoke first"


def flood(server):
    """More connections than are allowed: they wait or end, the server goes on."""
    socks = []
    for _ in range(300):
        try:
            socks.append(server.connect(2))
        except OSError:
            break
    for s in socks:
        s.close()
    wait_for("the server is free again", lambda: raw_ok(server))


def raw_ok(server):
    r = raw(server, request(GOOD), 5)
    return r is not None and r.status == 200


def pipelined(server):
    with server.connect() as s:
        s.sendall(request(GOOD) * 5)
        data = b""
        while data.count(b"HTTP/1.1 200") < 5 or not data.rstrip().endswith(b"</CIM>"):
            more = s.recv(65536)
            assert more, f"closed after {data.count(b'HTTP/1.1 200')} answers"
            data += more


def malformed_http(server):
    for data in (b"\r\n\r\n", b"\0" * 1000, b"POST\r\n\r\n", b"POST / HTTP/9.9\r\n\r\n",
                 b"POST /cimom HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
                 b"POST /cimom HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
                 b"POST /cimom HTTP/1.1\r\nHost: x\r\nContent-Length: 5x\r\n\r\n",
                 request(b"zz\r\nhello\r\n", Content_Length=None, Transfer_Encoding="chunked"),
                 request(b"ffffffffffffffffffff\r\n", Content_Length=None,
                         Transfer_Encoding="chunked"),
                 b"POST /" + b"a" * 100000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"POST / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 20000 + b"\r\n",
                 b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200):
        r = raw(server, data, 10)
        assert r is None or 400 <= r.status < 600, r.status
        works(server)


def flat(server):
    """Thousands of good and bad requests: neither memory nor descriptors grow."""
    mix = [request(GOOD), request("<x>"), request(GOOD, Authorization=None),
           request(imethod("GetClass", class_param("None"))),
           request(imethod("EnumerateInstances", class_param("CIM_ManagedElement"))),
           request(methodcall("Grow", POOL))]

    def rounds(n):
        for _ in range(n):
            with server.connect() as s:
                for data in mix:
                    s.sendall(data)
                    assert read_response(s) is not None
    rounds(100)
    rss, fds = server.rss_kib(), server.fds()
    rounds(500)
    wait_for("descriptors are closed", lambda: server.fds() <= fds)
    grown = server.rss_kib() - rss
    assert grown < 4096, f"grew by {grown} KiB"


def parallel(server):
    errors = []

    def client():
        try:
            with server.connect() as s:
                for _ in range(50):
                    s.sendall(request(imethod("EnumerateInstances",
                                              class_param("CIM_ManagedElement"))))
                    r = read_response(s)
                    assert r.status == 200 and r.body.endswith("</CIM>\n")
        except Exception as e:
            errors.append(e)
    threads = [threading.Thread(target=client) for _ in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors, errors[0]


def https(server):
    ctx = ssl.create_default_context(cafile=f"{server.dir.name}/cert.pem")
    with socket.create_connection(("localhost", server.ports[1]), 10) as s, \
            ctx.wrap_socket(s, server_hostname="localhost") as t:
        assert t.version() in ("TLSv1.2", "TLSv1.3"), t.version()
        t.sendall(request(GOOD))
        assert read_response(t).status == 200
    key = os.stat(f"{server.dir.name}/key.pem")
    assert key.st_mode & 0o77 == 0, "the key can be read by others"


def https_garbage(server):
    for data in (b"\0" * 100, request(GOOD), b"\x16\x03\x01\xff\xff" + b"\xff" * 1000):
        with socket.create_connection(("127.0.0.1", server.ports[1]), 10) as s:
            s.sendall(data)
            s.settimeout(10)
            try:
                while s.recv(1000):
                    pass
            except OSError:
                pass
    https(server)


def old_tls(server):
    r = subprocess.run(["openssl", "s_client", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", "-connect",
                        f"127.0.0.1:{server.ports[1]}"], input=b"", capture_output=True, timeout=30,
                       check=False)
    assert b"Cipher is (NONE)" in r.stdout or r.returncode, "TLS 1.1 was accepted"


def stop_while_waiting():
    """SIGTERM with requests in flight: they get 503, the server ends cleanly."""
    server = testd()
    socks = [server.connect() for _ in range(5)]
    for s in socks:
        s.sendall(request(methodcall("Wait", POOL, param("Milliseconds", 60000))))
    time.sleep(0.3)
    server.stop()
    for s in socks:
        r = read_response(s)
        assert r and r.status == 503, r and r.status
        s.close()


def main():
    tap = Tap()
    server = testd(tls=True)
    for name, data, status, cimerror, headers in STATUS:
        tap.test(f"http: {name} is {status}",
                 lambda d=data, s=status, c=cimerror, h=headers: expect(server, d, s, c, **h))
    for fn in (other_namespace, early_413, chunked_413, chunked, expect_continue, keep_alive, pipelined,
               no_auth_on_the_second, byte_by_byte, wrong_password_is_slow, others_while_waiting,
               client_goes_away, in_all_stages, malformed_http, slow_clients_end,
               idle_clients_end, flood, parallel, https, https_garbage, old_tls, flat):
        tap.test("http: " + fn.__name__.replace("_", " "), fn, server)
    tap.test("http: still serves after all that", works, server)
    tap.test("http: ends cleanly, sanitizers silent", server.stop)
    tap.test("http: stop while waiting", stop_while_waiting)
    tap.end()


if __name__ == "__main__":
    main()
