#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Large answers in chunks: the same as in one piece, cheaper; when they break off the trailer says so to
clients that read trailers, and the connection ends for others. TAP on stdout.
"""
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import (BUILD, Server, Tap, class_param, imethod, iparam, methodcall, read_response,  # noqa: E402
                 request, testd, wait_for)
from rpltest import valid  # noqa: E402

VOLUMES = 3000
ALL = imethod("EnumerateInstances", class_param("CIM_StorageVolume") +
              iparam("LocalOnly", "<VALUE>FALSE</VALUE>"))
TEST_ALL = imethod("EnumerateInstances", class_param("CIM_Volume"))
# what is of the moment: the time that it took, and the message's own
ID = re.compile(r"<INSTANCENAME .*?</INSTANCENAME>", re.S)


def node():
    return Server(lambda s: [str(BUILD / "smisd"), "--simulate", str(VOLUMES), "-o",
                             f"server.http-port={s.port}", "-o", "server.https-port=0"])


class Chunks:
    """An answer, read as it comes."""

    def __init__(self, sock):
        self.sock, self.data = sock, b""
        head = self.until(b"\r\n\r\n").decode().split("\r\n")
        self.status = int(head[0].split()[1])
        self.headers = {k.lower(): v.strip() for k, _, v in (x.partition(":") for x in head[1:])}
        self.body, self.trailer, self.sizes = b"", None, []

    def more(self):
        data = self.sock.recv(1 << 16)
        assert data, "closed in the middle"
        self.data += data

    def until(self, end):
        while end not in self.data:
            self.more()
        found, self.data = self.data.split(end, 1)
        return found

    def read(self):
        """All of it."""
        while self.trailer is None:
            size = int(self.until(b"\r\n"), 16)
            if not size:
                lines = []
                while True:
                    line = self.until(b"\r\n").decode()
                    if not line:
                        break
                    lines.append(line)
                self.trailer = {k.lower(): v.strip() for k, _, v in
                                (x.partition(":") for x in lines)}
                break
            while len(self.data) < size + 2:
                self.more()
            self.body += self.data[:size]
            assert self.data[size:size + 2] == b"\r\n"
            self.data = self.data[size + 2:]
            self.sizes.append(size)
        return self


def ask(server, body, **headers):
    with server.connect() as s:
        s.sendall(request(body, **headers))
        return read_response(s)


def streamed(server, body, **headers):
    with server.connect() as s:
        s.sendall(request(body, TE="trailers", **headers))
        return Chunks(s).read()


def whole(server, body, **headers):
    """As HTTP/1.0 has it."""
    with server.connect() as s:
        s.sendall(request(body, version="HTTP/1.0", **headers))
        return read_response(s)


def same(server, body, least, element="VALUE.NAMEDINSTANCE"):
    """In pieces and in one piece: the same objects, valid both."""
    r, c = whole(server, body), streamed(server, body)
    assert r.status == c.status == 200
    assert "content-length" in r.headers and "transfer-encoding" not in r.headers
    assert c.headers["transfer-encoding"] == "chunked" and "content-length" not in c.headers
    assert "CIMStatusCode" in c.headers["trailer"], c.headers
    assert c.headers["cimoperation"] == "MethodResponse" and not c.trailer, c.trailer
    text = c.body.decode()
    assert text == r.body, "the answers differ"
    assert text.count(f"</{element}>") >= least and len(c.sizes) > 1, c.sizes
    valid.check(text)


def without_te(server):
    """Who does not read trailers gets chunks too, but hears of none; HTTP/1.0 gets one piece."""
    for headers in ({}, {"TE": "gzip"}):
        with server.connect() as s:
            s.sendall(request(ALL, **headers))
            c = Chunks(s).read()
        assert c.status == 200 and len(c.body) > 1 << 20 and not c.trailer
        assert "trailer" not in c.headers and "content-length" not in c.headers, c.headers
    r = whole(server, ALL, TE="trailers")
    assert r.status == 200 and int(r.headers["content-length"]) > 1 << 20, r.headers


def associations(server):
    """All that has to do with the system; the association instances themselves."""
    system = ID.findall(ask(server, imethod("EnumerateInstanceNames", class_param(
        "CIM_ComputerSystem"))).body)[0]
    for op in ("Associators", "References"):
        same(server, imethod(op, iparam("ObjectName", system)), VOLUMES, "VALUE.OBJECTWITHPATH")
    same(server, imethod("EnumerateInstances", class_param("CIM_SystemDevice")), VOLUMES)


def queries(server):
    query = iparam("QueryLanguage", "<VALUE>DMTF:CQL</VALUE>") + iparam("Query", (
        "<VALUE>SELECT DeviceID, NumberOfBlocks FROM CIM_StorageVolume WHERE ElementName LIKE "
        "'vol.*[0-8]'</VALUE>"))
    same(server, imethod("ExecQuery", query), VOLUMES * 9 // 10, "VALUE.OBJECTWITHPATH")


def small_ones_whole(server):
    for body in (imethod("EnumerateInstances", class_param("CIM_StoragePool")),
                 imethod("EnumerateInstances", class_param("CIM_None")),
                 imethod("EnumerateInstanceNames", class_param("CIM_StoragePool"))):
        r = ask(server, body, TE="trailers")
        assert r.status == 200 and "content-length" in r.headers, r.headers


def next_request(server):
    """The connection goes on after the last chunk."""
    with server.connect() as s:
        for _ in range(3):
            s.sendall(request(ALL, TE="trailers, deflate;q=0.5", Connection="Keep-Alive, TE"))
            c = Chunks(s).read()
            assert c.status == 200 and not c.data and c.body.endswith(b"</CIM>\n")


def mpost(server):
    c = streamed(server, ALL, method="M-POST", CIMOperation=None,
                 Man="http://www.dmtf.org/cim/mapping/http/v1.0; ns=37", **{"37-CIMOperation": "MethodCall"})
    assert c.status == 200 and c.headers["37-cimoperation"] == "MethodResponse", c.headers


def cheap(server):
    """Ten clients that stand still in the middle of it cost their paths, not their answers."""
    size = len(ask(server, ALL).body)
    before = server.rss_kib()
    socks = [server.connect() for _ in range(10)]
    answers = []
    for s in socks:
        s.sendall(request(ALL, TE="trailers"))
        answers.append(Chunks(s))
    start = time.monotonic()
    assert ask(server, imethod("EnumerateInstanceNames", class_param("CIM_StoragePool"))).status == 200
    assert time.monotonic() - start < 5
    grown = server.rss_kib() - before
    print(f"# an answer has {size >> 10} KiB, ten of them on their way {grown} KiB")
    assert grown << 10 < 5 * size, grown
    first = answers[0].read()
    assert len(first.body) == size
    fds = server.fds()
    for s in socks:
        s.close()
    wait_for("the connections are closed", lambda: server.fds() <= fds - 10)


def sleeps(server):
    text = open(f"/proc/{server.proc.pid}/status", encoding="ascii").read()
    return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", text, re.M)[1])


def goes_on_at_once(server):
    """Between two chunks smisd does not sleep, unless the client is slow; of some tries, the best."""
    best = None
    for _ in range(5):
        before = sleeps(server)
        chunks = len(streamed(server, ALL).sizes)
        share = (sleeps(server) - before) / chunks
        best = share if best is None else min(best, share)
    assert chunks >= 50, chunks
    print(f"# {chunks} chunks, {best:.2f} sleeps for each")
    assert best < 0.5, f"{best:.2f} sleeps for each of {chunks} chunks"


def deleted_meanwhile(server):
    """What is deleted while an answer is on its way is not in the rest of it."""
    names = ID.findall(ask(server, imethod("EnumerateInstanceNames",
                                           class_param("CIM_StorageVolume"))).body)
    service = ID.findall(ask(server, imethod("EnumerateInstanceNames", class_param(
        "CIM_StorageConfigurationService"))).body)[0]
    # the socket's buffers hold some of it, but not the last
    with server.connect() as s:
        s.sendall(request(ALL, TE="trailers"))
        c = Chunks(s)
        r = ask(server, methodcall("ReturnToStoragePool", service, (
            '<PARAMVALUE NAME="TheElement" PARAMTYPE="reference"><VALUE.REFERENCE>'
            f"{names[-1]}</VALUE.REFERENCE></PARAMVALUE>")))
        assert "<VALUE>0</VALUE>" in r.body, r.body
        c.read()
    text = c.body.decode()
    valid.check(text)
    assert not c.trailer and text.count("</VALUE.NAMEDINSTANCE>") == len(names) - 1
    assert names[-1] not in text


def wbemcli(server):
    """wbemcli with chunks (-cte) reads the same as without."""
    url = f"http://127.0.0.1:{server.port}/root/dmreplica:RPL_StorageVolume"
    outs = [subprocess.run(["wbemcli", *options, "ei", url], capture_output=True, timeout=120,
                           check=True).stdout for options in ((), ("-cte",))]
    assert outs[0] == outs[1] and outs[0].count(b"DeviceID=") >= VOLUMES - 1, len(outs[0])


def broken_off(_):
    """An error in the middle: the body stops, the trailer has its code and its sentence."""
    server = testd(MANY="1000", BROKEN="900")
    c = streamed(server, TEST_ALL)
    assert c.status == 200 and b"</CIM>" not in c.body and b"many00899" in c.body
    assert c.trailer == {"cimstatuscode": "1", "cimstatuscodedescription":
                         "volume many00900 is broken%0D%0Aby 100 %25"}, c.trailer
    assert ask(server, imethod("EnumerateInstanceNames", class_param("CIM_Pool"))).status == 200
    server.stop()


def broken_off_without_te(_):
    """The connection ends, without the last chunk, and other connections go on."""
    server = testd(MANY="1000", BROKEN="900")
    with server.connect() as s:
        s.sendall(request(TEST_ALL))
        data = b""
        while more := s.recv(1 << 16):
            data += more
    assert data.startswith(b"HTTP/1.1 200") and not data.endswith(b"0\r\n\r\n"), data[-100:]
    assert b"</CIM>" not in data and b"Trailer" not in data
    assert ask(server, imethod("EnumerateInstanceNames", class_param("CIM_Pool"))).status == 200
    server.stop()


def properties(_):
    """Property lists and DeepInheritance hold in every piece."""
    server = testd(MANY="600")
    wanted = iparam("PropertyList", "<VALUE.ARRAY><VALUE>Number</VALUE></VALUE.ARRAY>")
    for more in (wanted, iparam("DeepInheritance", "<VALUE>FALSE</VALUE>"), wanted + iparam(
            "IncludeClassOrigin", "<VALUE>TRUE</VALUE>")):
        same(server, imethod("EnumerateInstances", class_param("CIM_Volume") + more), 600)
    server.stop()


def main():
    tap, server = Tap(), node()
    tap.test("stream: as in one piece", same, server, ALL, VOLUMES)
    tap.test("stream: of a superclass of everything", same, server, imethod(
        "EnumerateInstances", class_param("CIM_LogicalElement")), VOLUMES)
    for fn in (associations, queries, without_te, small_ones_whole, next_request, mpost, cheap, goes_on_at_once,
               deleted_meanwhile, wbemcli, broken_off, broken_off_without_te, properties):
        tap.test(f"stream: {fn.__name__.replace('_', ' ')}", fn, server)
    tap.test("stream: smisd ends cleanly, sanitizers silent", server.stop)
    tap.end()


if __name__ == "__main__":
    main()
