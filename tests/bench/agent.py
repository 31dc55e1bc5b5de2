#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Speed and memory of smisd on a simulated node: wrk with keep-alive over 8 connections.

usage: agent.py [--smisd build/smisd] [--seconds 5] [--strict] [NAME...]

Appends a line per figure to build/bench/results.tsv (results.py).
Rates and times are by the clock, and (", CPU") by the processor time that smisd used: the second is
what the first would be on a machine with nothing else to do.

The walk is EnumerateInstances of all leaf classes; the full walk is that and Associators and
References of each of the 2017 objects, 4000 requests for 130 MB.
--strict: exit status 1 when a goal was missed.
"""
import argparse
import contextlib
import http.client
import os
import pathlib
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/cim"))
from kit import class_param, iparam, imethod, instance_name  # noqa: E402
from results import Results  # noqa: E402

CONNECTIONS = 8
HEADERS = {"Content-Type": 'application/xml; charset="utf-8"', "CIMOperation": "MethodCall"}
FALSE = "<VALUE>FALSE</VALUE>"
TRUE = "<VALUE>TRUE</VALUE>"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Node:
    """A simulated node; .ready_s is the time from exec to its first listening."""

    def __init__(self, smisd, what, **options):
        self.port = free_port()
        argv = [smisd, "--simulate", what, "-o", f"server.http-port={self.port}", "-o",
                "server.https-port=0"]
        for k, v in options.items():
            argv += ["-o", f"{k.replace('__', '.').replace('_', '-')}={v}"]
        start = time.monotonic()
        # a file: nobody would empty a pipe, and smisd would stand still when it is full
        self.log = tempfile.NamedTemporaryFile("w+")
        self.process = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=self.log)
        while "ready on http" not in pathlib.Path(self.log.name).read_text():
            if self.process.poll() is not None or time.monotonic() > start + 120:
                raise RuntimeError(pathlib.Path(self.log.name).read_text())
            time.sleep(0.005)
        self.ready_s = time.monotonic() - start
        self.conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def post(self, body):
        """The text of a good answer."""
        self.conn.request("POST", "/cimom", body.encode(), HEADERS)
        r = self.conn.getresponse()
        text = r.read().decode()
        if r.status != 200 or "<ERROR " in text:
            raise RuntimeError(f"HTTP {r.status} {text[:500]}")
        return text

    def open_raw(self):
        """A connection of its own for post_raw()."""
        s = socket.create_connection(("127.0.0.1", self.port), 120)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def rss_mib(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024

    def cpu_s(self):
        """Processor time that it has used."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        self.conn.close()
        self.process.terminate()
        self.process.wait(60)
        self.log.close()


def post_raw(sock, request):
    """The bytes of an answer, with as little work as there can be: it is the server that is timed."""
    sock.sendall(request)
    data = bytearray(sock.recv(1 << 20))  # bytes would be copied whole for each piece that is added
    while b"\r\n\r\n" not in data:
        data += sock.recv(1 << 20)
    head = data.index(b"\r\n\r\n") + 4
    m = re.search(rb"\r\ncontent-length: *(\d+)", data[:head], re.I)
    if m:
        parts, missing = [bytes(data)], head + int(m[1]) - len(data)
        while missing > 0:
            parts.append(sock.recv(1 << 20))
            missing -= len(parts[-1])
        return b"".join(parts)
    while not re.search(rb"\r\n0\r\n(?:[^\r\n]+\r\n)*\r\n$", data[-1000:]):
        data += sock.recv(1 << 20)
    return data


def raw_request(body):
    head = "POST /cimom HTTP/1.1\r\nHost: localhost\r\n"
    head += "".join(f"{k}: {v}\r\n" for k, v in HEADERS.items())
    return f"{head}Content-Length: {len(body.encode())}\r\n\r\n{body}".encode()


def wrk(node, body, seconds):
    """(requests a second, 99 % latency in ms, requests a second of the agent's processor time)"""
    with tempfile.NamedTemporaryFile("w") as f:
        f.write(body)
        f.flush()
        node.post(body)
        cpu_s = node.cpu_s()
        out = subprocess.run(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency",
                              "--timeout", "30s", "-s", str(TOP / "tests/bench/post.lua"),
                              f"http://127.0.0.1:{node.port}/cimom", "--", f.name],
                             capture_output=True, text=True, check=True).stdout
    bad = re.search(r"Non-2xx.*|Socket errors.*", out)
    if bad:
        raise RuntimeError(bad[0])
    nr = int(re.search(r"(\d+) requests in", out)[1])
    per_cpu = nr / max(node.cpu_s() - cpu_s, 0.01)
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", out).groups()
    ms = float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]), ms, per_cpu


class Bench:
    def __init__(self, args):
        self.args, self.results = args, Results()

    def figure(self, name, value, unit, goal):
        """goal: the least of a rate, the most of anything else"""
        self.results.figure(name, value, unit, f"{'>=' if unit == '/s' else '<='}{goal:g}")

    @contextlib.contextmanager
    def node(self, what, **options):
        n = Node(self.args.smisd, what, **options)
        try:
            yield n
        finally:
            n.close()

    def rate(self, node, name, body, goal, p99_goal=None):
        rps, p99, per_cpu = wrk(node, body, self.args.seconds)
        self.figure(name, rps, "/s", goal)
        self.figure(f"{name}, CPU", per_cpu, "/s", goal)
        if p99_goal:
            self.figure(f"{name} p99", p99, "ms", p99_goal)

    # ---- the figures

    def requests(self):
        with self.node(200) as n:
            self.figure("RSS with 200 volumes", n.rss_mib(), "MiB", 25)
            names = n.post(imethod("EnumerateInstanceNames", class_param("RPL_StorageVolume")))
            keys = re.search(r"<INSTANCENAME.*?</INSTANCENAME>", names, re.S)[0]
            local = iparam("LocalOnly", FALSE)
            self.rate(n, "GetInstance", imethod("GetInstance",
                                                iparam("InstanceName", keys) + local), 15000, 10)
            self.rate(n, "EnumerateInstances of 200",
                      imethod("EnumerateInstances", class_param("CIM_StorageVolume") + local),
                      400, 100)
            self.rate(n, "EnumerateInstanceNames of 200",
                      imethod("EnumerateInstanceNames", class_param("CIM_StorageVolume")), 2500)
            self.rate(n, "GetClass with qualifiers",
                      imethod("GetClass", class_param("RPL_StorageVolume") + local +
                              iparam("IncludeQualifiers", TRUE)), 8000)
            self.figure("RSS after these", n.rss_mib(), "MiB", 40)

    def walk(self):
        """Every instance of every class, once; then all that is around each of the objects."""
        conf = "[volume v]\nsize = 1G\ncount = 500\n[group g]\nmembers = v*\n" \
               "[replica r]\ngroup = g\n[sim]\nrate = 1K\n"
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as f:
            f.write(conf)
            f.flush()
            with self.node(f.name) as n:
                classes, classes_cpu = self.classes(n)
                objects, objects_cpu = self.objects(n)
                self.figure("full walk", (classes + objects) * 1000, "ms", 1000)
                self.figure("full walk, CPU", (classes_cpu + objects_cpu) * 1000, "ms", 1000)
                self.figure("RSS after the walk", n.rss_mib(), "MiB", 120)

    def timed(self, n, requests):
        """(answers' total length, INSTANCE elements in them, seconds, the agent's CPU seconds)"""
        start, cpu_s = time.monotonic(), n.cpu_s()
        with n.open_raw() as s:
            answers = [post_raw(s, r) for r in requests]
        took, cpu_s = time.monotonic() - start, n.cpu_s() - cpu_s
        for a in answers:
            assert a.startswith(b"HTTP/1.1 200 ") and b"<ERROR " not in a, a[:2000]
        return sum(map(len, answers)), sum(a.count(b"<INSTANCE ") for a in answers), took, cpu_s

    def classes(self, n):
        """EnumerateInstances of all leaf classes, those of associations too."""
        text = n.post(imethod("EnumerateClasses", iparam("DeepInheritance", TRUE)))
        supers = set(re.findall(r'SUPERCLASS="(\w+)"', text))
        leaves = [c for c in re.findall(r'<CLASS NAME="(\w+)"', text) if c not in supers]
        requests = [raw_request(imethod("EnumerateInstances", class_param(c) +
                                        iparam("LocalOnly", FALSE))) for c in leaves]
        _, instances, took, cpu = self.timed(n, requests)
        print(f"# {len(leaves)} classes, {instances} instances")
        self.figure("walk of 1000 volumes, 500 relations", took * 1000, "ms", 1000)
        return took, cpu

    def objects(self, n):
        """Associators and References of each object, and what a call of each kind takes.

        Most answers have 4 to 40 KiB, those of system, pool, setting and groups several MiB.
        """
        names = n.post(imethod("EnumerateInstanceNames", class_param("CIM_ManagedElement")))
        paths = re.findall(r"<INSTANCENAME.*?</INSTANCENAME>", names, re.S)
        whole = whole_cpu = 0
        for op in ("AssociatorNames", "ReferenceNames", "Associators", "References"):
            requests = [raw_request(imethod(op, iparam("ObjectName", p))) for p in paths]
            size, _, took, cpu = self.timed(n, requests)
            print(f"# {op} of {len(paths)} objects: {took:.2f} s, {size >> 10} KiB")
            self.figure(f"{op} of an object", took * 1e6 / len(paths), "us", 300)
            self.figure(f"{op} of an object, CPU", cpu * 1e6 / len(paths), "us", 300)
            if not op.endswith("Names"):
                whole, whole_cpu = whole + took, whole_cpu + cpu
        return whole, whole_cpu

    def start(self):
        # filling it writes each volume through; that is not what is measured
        fast = "/dev/shm" if os.path.isdir("/dev/shm") else None
        state = pathlib.Path(tempfile.mkdtemp(prefix="smisd-bench-", dir=fast))
        try:
            options = {"engine__state_dir": state, "sim__volume_size": "64M", "sim__rate": "1P"}
            with self.node(10000, **options) as n:
                service = n.post(imethod("EnumerateInstanceNames",
                                         class_param("CIM_ReplicationService")))
                self.one_job(n, re.search(r"<INSTANCENAME.*?</INSTANCENAME>", service, re.S)[0])
            multiply_jobs(state / "smisd.db", 10000)
            with self.node(10000, **options) as n:
                self.figure("start with 10000 volumes and jobs", n.ready_s * 1000, "ms", 2000)
                self.figure("RSS with 10000 volumes and jobs", n.rss_mib(), "MiB", 120)
                count = n.post(imethod("EnumerateInstanceNames", class_param("CIM_ConcreteJob")))
                assert count.count("<INSTANCENAME ") >= 10000
        finally:
            shutil.rmtree(state)

    def one_job(self, n, service):
        from pywbem import Uint16, WBEMConnection
        conn = WBEMConnection(f"http://127.0.0.1:{n.port}", default_namespace="root/dmreplica")
        service = conn.EnumerateInstanceNames("CIM_ReplicationService")[0]
        volume = conn.EnumerateInstanceNames("CIM_StorageVolume")[0]
        rc, out = conn.InvokeMethod("CreateElementReplica", service, SyncType=Uint16(8),
                                    Mode=Uint16(2), SourceElement=volume)
        assert rc == 4096, rc
        end = time.monotonic() + 60
        while conn.GetInstance(out["Job"])["JobState"] != 7:
            assert time.monotonic() < end
            time.sleep(0.05)


def multiply_jobs(path, nr):
    """As many finished jobs as clients would leave in a day, all like the one that is there."""
    db = sqlite3.connect(path)
    columns = [r[1] for r in db.execute("PRAGMA table_info(job)") if r[1] not in ("seq", "id")]
    names = ", ".join(columns)
    one = db.execute("SELECT id FROM job").fetchone()[0]
    for _ in range(nr - 1):
        new = str(uuid.uuid4())
        db.execute(f"INSERT INTO job(id, {names}) SELECT ?, {names} FROM job WHERE id = ?",
                   (new, one))
        db.execute("INSERT INTO job_volume(job, pos, volume) SELECT ?, pos, volume FROM job_volume"
                   " WHERE job = ?", (new, one))
    db.commit()
    db.close()


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--smisd", type=pathlib.Path, default=TOP / "build/smisd")
    p.add_argument("--seconds", type=int, default=5)
    p.add_argument("--strict", action="store_true")
    p.add_argument("names", nargs="*", help="requests, walk, start")
    args = p.parse_args()
    bench = Bench(args)
    print(f"# {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    for name in args.names or ("requests", "walk", "start"):
        getattr(bench, name)()
    print(f"# {bench.results.missed} goals missed; all figures: {bench.results.path}")
    return args.strict and bool(bench.results.missed)


if __name__ == "__main__":
    sys.exit(main())
