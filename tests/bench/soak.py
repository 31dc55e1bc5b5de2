#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Hours of clients in minutes: 32 connections that read, one client that clones, detaches, deletes.

usage: soak.py [--seconds 600]     CIM_BUILD: directory of smisd. TAP.

Every answer is looked at: the status, valid CIM-XML, the number of the question, the objects that
were asked about. The clients go in rounds of as many requests each. When all are idle behind a
round, memory and descriptors are read; the first rounds are the warm-up, and from then on neither
may grow. How fast the machine is decides only how many rounds there are.
"""
import argparse
import os
import pathlib
import re
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cim"))
import pywbem  # noqa: E402
from pywbem import Uint16  # noqa: E402
from kit import (BUILD, Server, Tap, checked, class_param, imethod, iparam,  # noqa: E402
                 read_response, request, wait_for)

CONNECTIONS, VOLUMES = 32, 100
PASSES = 5  # of a round, through all that a client asks
WARM_UP, ROUNDS_MIN = 3, 4  # rounds; at least so many more
MARGIN_KIB = 2048
ANSWER_S = 300
TRUE, FALSE = "<VALUE>TRUE</VALUE>", "<VALUE>FALSE</VALUE>"
ID = "MESSAGE ID=\"%s\""


class Wrong(Exception):
    pass


class Client:
    """One connection. Its questions have a number of its own and are about a volume of its own."""

    def __init__(self, server, nr, path):
        self.server, self.path = server, path
        self.ident = f"client-{nr}"
        self.device = re.search(r'NAME="DeviceID">.*?>([^<]+)</KEYVALUE>', path, re.S)[1]
        self.seen = {}  # the last answer of each kind that was right
        self.nr = 0
        self.sock = server.connect(ANSWER_S)

    def reconnect(self):
        self.sock.close()
        self.sock = self.server.connect(ANSWER_S)

    def ask(self, what, body, status=200, error=None, has=(), count=None):
        """The text of the answer; Wrong, when it is not @status, or the CIM error, or has not all
        of @has, or not @count = (element, least, most) of an element.
        """
        body = body.replace(ID % "1001", ID % self.ident)
        self.sock.sendall(request(body, TE="trailers"))
        r = read_response(self.sock)
        self.nr += 1
        if not r or r.status != status:
            raise Wrong(f"{what}: {f'HTTP {r.status} {r.body[:300]}' if r else 'no answer'}")
        if r.headers.get("connection", "").lower() == "close":
            self.reconnect()
        if status == 200 and self.seen.get(what) != r.body:
            self.look(what, r, error, has, count)
            self.seen[what] = r.body
        return r.body

    def look(self, what, r, error, has, count):
        try:
            checked(r)
        except Exception as e:  # of lxml: not well-formed
            raise Wrong(f"{what}: {e}") from e
        found = r.cim_error()
        if (found[0] if found else None) != error:
            raise Wrong(f"{what}: {found or 'no error'}, not {error}")
        for text in (ID % self.ident, *has):
            if text not in r.body:
                raise Wrong(f"{what}: no {text} in {r.body[:300]}")
        if count:
            element, least, most = count
            n = len(re.findall(f"<{element}[ >]", r.body))
            if not least <= n <= most:
                raise Wrong(f"{what}: {n} of {element}, not {least} to {most}")

    def pull(self, most):
        """An enumeration to its end."""
        n, context, op = 0, "", "OpenEnumerateInstancePaths"
        params = class_param("CIM_StorageVolume")
        while True:
            text = self.ask(op, imethod(op, params + iparam("MaxObjectCount", "<VALUE>40</VALUE>")),
                            has=["EndOfSequence"])
            n += text.count("<INSTANCEPATH>")
            if re.search(r'"EndOfSequence".*?<VALUE>TRUE', text):
                break
            context = re.search(r'"EnumerationContext".*?(<VALUE>.*?</VALUE>)', text)[1]
            op, params = "PullInstancePaths", iparam("EnumerationContext", context)
        if not VOLUMES <= n <= most:
            raise Wrong(f"an enumeration of {n} paths, not {VOLUMES} to {most}")
        self.ask("a pull behind the end", imethod(op, params + iparam(
            "MaxObjectCount", "<VALUE>1</VALUE>")), error=21)

    def break_off(self):
        """Goes away while it is answered."""
        with self.server.connect(ANSWER_S) as s:
            s.sendall(request(imethod("EnumerateInstances", class_param("CIM_ManagedElement"))))
            s.recv(1)
        with self.server.connect(ANSWER_S) as s:
            s.sendall(request("<CIM", Content_Length="1000"))

    def round(self):
        for _ in range(PASSES):
            self.read_all()
        self.break_off()
        self.reconnect()

    def read_all(self):
        local, mine = iparam("LocalOnly", FALSE), [f">{self.device}<"]
        name, most = iparam("InstanceName", self.path), VOLUMES + 1
        volumes = class_param("CIM_StorageVolume")
        self.ask("GetInstance", imethod("GetInstance", name + local), has=mine,
                 count=("INSTANCE", 1, 1))
        self.ask("EnumerateInstances", imethod("EnumerateInstances", volumes + local), has=mine,
                 count=("VALUE.NAMEDINSTANCE", VOLUMES, most))
        self.ask("jobs", imethod("EnumerateInstances", class_param("CIM_ConcreteJob") + local),
                 count=("VALUE.NAMEDINSTANCE", 0, 1))
        around = iparam("ObjectName", self.path)
        self.ask("Associators", imethod("Associators", around), has=["RPL_StoragePool"])
        self.ask("References", imethod("References", around), has=mine)
        self.ask("GetClass", imethod("GetClass", class_param("RPL_ReplicationService") + local +
                                     iparam("IncludeQualifiers", TRUE)),
                 has=["CreateElementReplica"], count=("CLASS", 1, 1))
        query = f"SELECT * FROM CIM_StorageVolume WHERE DeviceID = '{self.device}'"
        self.ask("ExecQuery", imethod("ExecQuery", iparam("QueryLanguage", "<VALUE>DMTF:CQL</VALUE>")
                                      + iparam("Query", f"<VALUE>{query}</VALUE>")), has=mine,
                 count=("INSTANCE", 1, 1))
        self.pull(most)
        self.ask("a key that is none", imethod("GetInstance", name.replace("DeviceID", "Nothing")),
                 error=4)
        self.ask("a volume that is none", imethod("GetInstance", name.replace(
            f">{self.device}<", ">nobody<")), error=6)
        self.ask("no XML", "not XML at all", status=400)


def one_life(conn, service, config, volume):
    """A clone from its beginning to the end of its target; its job goes too."""
    _, out = conn.InvokeMethod("CreateElementReplica", service, SyncType=Uint16(8), Mode=Uint16(3),
                               SourceElement=volume)
    conn.InvokeMethod("ModifyReplicaSynchronization", service, Operation=Uint16(8),
                      Synchronization=out["Synchronization"], Force=True)
    rc, _ = conn.InvokeMethod("ReturnToStoragePool", config, TheElement=out["TargetElement"])
    if rc:
        raise Wrong(f"ReturnToStoragePool: {rc}")
    conn.DeleteInstance(out["Job"])


class Soak:
    def __init__(self, server):
        self.server, self.samples, self.lives, self.wrong = server, [], 0, []
        self.conn = pywbem.WBEMConnection(f"http://127.0.0.1:{server.port}", timeout=ANSWER_S,
                                          default_namespace="root/dmreplica")
        self.objects = [self.conn.EnumerateInstanceNames(c)[0] for c in (
            "CIM_ReplicationService", "CIM_StorageConfigurationService", "CIM_StorageVolume")]
        with server.connect(ANSWER_S) as s:
            s.sendall(request(imethod("EnumerateInstanceNames", class_param("RPL_StorageVolume"))))
            names = read_response(s).body
        paths = re.findall(r"<INSTANCENAME.*?</INSTANCENAME>", names, re.S)
        self.clients = [Client(server, nr, paths[nr]) for nr in range(CONNECTIONS)]
        one_life(self.conn, *self.objects)
        self.idle_fds = server.fds()

    def guarded(self, fn, *args):
        try:
            fn(*args)
        except (Wrong, OSError, pywbem.Error, TypeError) as e:
            self.wrong.append(f"{type(e).__name__}: {e}"[:1000])

    def round(self):
        threads = [threading.Thread(target=self.guarded, args=(c.round,)) for c in self.clients]
        for t in threads:
            t.start()
        while True:
            self.guarded(one_life, self.conn, *self.objects)
            self.lives += 1
            if self.wrong or not any(t.is_alive() for t in threads):
                break
        for t in threads:
            t.join()
        self.sample()

    def sample(self):
        """Nobody asks now; who has gone away is noticed soon."""
        try:
            wait_for("descriptors", lambda: self.server.fds() <= self.idle_fds)
        except AssertionError:
            pass  # the test will tell
        self.samples.append((self.server.rss_kib(), self.server.fds()))

    def run(self, seconds):
        end = None
        while len(self.samples) < WARM_UP + ROUNDS_MIN or time.monotonic() < end:
            self.round()
            if self.wrong:
                raise Wrong("\n".join(self.wrong[:5]))
            if len(self.samples) == WARM_UP:
                end = time.monotonic() + seconds
        print(f"# {sum(c.nr for c in self.clients)} requests, {self.lives} clones in "
              f"{len(self.samples)} rounds")
        print("# RSS in KiB, descriptors behind each: " +
              " ".join(f"{rss},{fds}" for rss, fds in self.samples))

    def flat(self, what, nr, margin):
        before, after = self.samples[WARM_UP - 1][nr], self.samples[-1][nr]
        print(f"# {what}: {before} behind the warm-up, {after} at the end")
        if after > before + margin:
            raise Wrong(f"{what} grew by {after - before}")

    def close(self):
        for c in self.clients:
            c.sock.close()


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--seconds", type=float, default=600, help="behind the warm-up")
    args = p.parse_args()
    # the environment of a test machine may name a proxy
    os.environ["no_proxy"] = "127.0.0.1"
    server = Server(lambda s: [str(BUILD / "smisd"), "--simulate", str(VOLUMES),
                               "-o", f"server.http-port={s.port}", "-o", "server.https-port=0",
                               "-o", "limits.max-connections-per-ip=128"])
    soak, tap = Soak(server), Tap()
    tap.test("soak: every answer is right", soak.run, args.seconds)
    tap.test("soak: memory stays flat", soak.flat, "RSS in KiB", 0, MARGIN_KIB)
    tap.test("soak: descriptors stay flat", soak.flat, "descriptors", 1, 0)
    soak.close()
    tap.test("soak: the server ends cleanly", server.stop)
    tap.end()


if __name__ == "__main__":
    main()
