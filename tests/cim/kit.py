# SPDX-License-Identifier: GPL-2.0-or-later
"""A server under test, and HTTP by hand: what the tests of tests/cim share."""
import base64
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(1, str(TOP / "tests/e2e"))
HERE = TOP / "tests/cim"
BUILD = pathlib.Path(os.environ.get("CIM_BUILD", TOP / "build/asan"))
DEADLINE_S = 30


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, cond, seconds=DEADLINE_S):
    end = time.monotonic() + seconds
    while not cond():
        if time.monotonic() > end:
            raise AssertionError(f"timed out: {what}")
        time.sleep(0.02)


class Server:
    """A process that listens on self.port; its stderr in self.log()."""

    def __init__(self, argv, ports=1, listen_fd=None, **env):
        self.dir = tempfile.TemporaryDirectory(prefix="cim-test-")
        self.ports = [free_port() for _ in range(ports)]
        self.port = self.ports[0]
        self.err = open(f"{self.dir.name}/log", "w+", encoding="utf-8", errors="replace")
        # without a quarantine of freed memory, its size says something
        env = dict(os.environ, ASAN_OPTIONS="quarantine_size_mb=1:detect_leaks=1", **env)
        args, given = argv(self), ()
        if listen_fd is not None:
            # as systemd does: the socket is descriptor 3, LISTEN_PID the process itself
            given = (listen_fd,)
            script = f'exec 3<&{listen_fd}; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"'
            args = ["/bin/bash", "-c", script, "bash", *args]
        self.listen_fd = listen_fd
        self.proc = subprocess.Popen(args, stdin=subprocess.DEVNULL, env=env, pass_fds=given,
                                     stdout=subprocess.DEVNULL, stderr=self.err)
        wait_for("the server listens", self.listens)

    def listens(self):
        if self.proc.poll() is not None:
            raise AssertionError(f"the server ended: {self.log()}")
        if self.listen_fd is not None:
            return "ready on" in self.log()
        return all(self.try_connect(p) for p in self.ports)

    @staticmethod
    def try_connect(port):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        except OSError:
            return False

    def log(self):
        self.err.flush()
        return pathlib.Path(self.err.name).read_text(encoding="utf-8", errors="replace")

    def connect(self, timeout=DEADLINE_S):
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def fds(self):
        return len(os.listdir(f"/proc/{self.proc.pid}/fd"))

    def rss_kib(self):
        text = pathlib.Path(f"/proc/{self.proc.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1])

    def stop(self):
        """Ends it cleanly; the sanitizers speak up here."""
        self.proc.send_signal(signal.SIGTERM)
        try:
            status = self.proc.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            status = "killed after SIGTERM"
        log = self.log()
        self.err.close()
        self.dir.cleanup()
        if status or "ERROR: " in log or "runtime error" in log:
            raise AssertionError(f"the server ended with {status}:\n{log[-4000:]}")


def testd(tls=False, **env):
    return Server(lambda s: [str(BUILD / "tests/cim/testd"), *map(str, s.ports)] +
                  ([s.dir.name] if tls else []), 2 if tls else 1, **env)


SMISD_CONF = """[server]
listen = 127.0.0.1
http-port = {http}
https-port = {https}
[engine]
state-dir = {dir}
backend = sim
[sim]
rate = 64M
[pool fast]
vg = vgfast
"""


def smisd(**kw):
    def argv(s):
        conf = pathlib.Path(s.dir.name) / "smisd.conf"
        conf.write_text(SMISD_CONF.format(http=s.ports[0], https=s.ports[1], dir=s.dir.name))
        return [str(BUILD / "smisd"), "--verbose", "--config", str(conf)]
    return Server(argv, 2, **kw)


def basic(user="admin", password="admin"):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def cim_error(self):
        m = re.search(r'<ERROR CODE="(\d+)" DESCRIPTION="([^"]*)"', self.body)
        return (int(m[1]), m[2]) if m else None


def read_chunks(sock, data):
    """The body whose beginning is data, as far as it comes."""
    body, data = bytearray(), bytearray(data)

    def more():
        got = sock.recv(1 << 20)
        if not got:
            raise EOFError
        data.extend(got)

    def line():
        while b"\r\n" not in data:
            more()
        end = data.index(b"\r\n")
        found = bytes(data[:end])
        del data[:end + 2]
        return found
    try:
        while size := int(line(), 16):
            while len(data) < size + 2:
                more()
            body += data[:size]
            del data[:size + 2]
        while line():
            pass
    except EOFError:
        pass
    return bytes(body)


def read_response(sock):
    """One answer, with its body; None when the peer closed instead."""
    data = b""
    try:
        while b"\r\n\r\n" not in data:
            more = sock.recv(65536)
            if not more:
                return None
            data += more
        head, body = data.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if headers.get("transfer-encoding") == "chunked":
            body = read_chunks(sock, body)
        while len(body) < int(headers.get("content-length", 0)):
            more = sock.recv(65536)
            if not more:
                break
            body += more
    except (ConnectionResetError, socket.timeout):
        return None
    return Response(int(lines[0].split()[1]), headers, body.decode("utf-8", "replace"))


def checked(response):
    """A good answer is valid CIM-XML, whatever was asked."""
    if response and response.status == 200 and "application/xml" in \
            response.headers.get("content-type", "") and response.body:
        from rpltest import valid  # lxml is in the environment of the tests only
        valid.check(response.body)
    return response


def raw(server, data, timeout=DEADLINE_S):
    """Sends bytes on a new connection, gives back what comes first."""
    with server.connect(timeout) as s:
        try:
            s.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return checked(read_response(s))


def request(body, method="POST", version="HTTP/1.1", path="/cimom", **headers):
    """Bytes of a request; headers replace the usual ones, None removes one."""
    body = body.encode() if isinstance(body, str) else body
    h = {"Host": "localhost", "Authorization": basic(),
         "Content-Type": 'application/xml; charset="utf-8"', "CIMOperation": "MethodCall",
         "Content-Length": str(len(body))}
    for name, value in headers.items():
        name = name.replace("_", "-")
        h = {k: v for k, v in h.items() if k.lower() != name.lower()}
        if value is not None:
            h[name] = value
    lines = [f"{method} {path} {version}"] + [f"{k}: {v}" for k, v in h.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def message(inner, ident="1001"):
    return ('<?xml version="1.0" encoding="utf-8"?><CIM CIMVERSION="2.0" DTDVERSION="2.0">'
            f'<MESSAGE ID="{ident}" PROTOCOLVERSION="1.0"><SIMPLEREQ>{inner}</SIMPLEREQ>'
            '</MESSAGE></CIM>')


def namespace(ns):
    return ("<LOCALNAMESPACEPATH>" +
            "".join(f'<NAMESPACE NAME="{n}"/>' for n in ns.split("/")) + "</LOCALNAMESPACEPATH>")


def iparam(name, value):
    return f'<IPARAMVALUE NAME="{name}">{value}</IPARAMVALUE>'


def class_param(name, param="ClassName"):
    return iparam(param, f'<CLASSNAME NAME="{name}"/>')


def imethod(op, params="", ns="root/dmreplica"):
    return message(f'<IMETHODCALL NAME="{op}">{namespace(ns)}{params}</IMETHODCALL>')


def instance_name(cls, **keys):
    return (f'<INSTANCENAME CLASSNAME="{cls}">' +
            "".join(f'<KEYBINDING NAME="{k}"><KEYVALUE VALUETYPE="string">{v}</KEYVALUE>'
                    "</KEYBINDING>" for k, v in keys.items()) + "</INSTANCENAME>")


def methodcall(name, target, params="", ns="root/dmreplica"):
    return message(f'<METHODCALL NAME="{name}"><LOCALINSTANCEPATH>{namespace(ns)}{target}'
                   f"</LOCALINSTANCEPATH>{params}</METHODCALL>")


def param(name, value, ptype=None):
    t = f' PARAMTYPE="{ptype}"' if ptype else ""
    return f'<PARAMVALUE NAME="{name}"{t}><VALUE>{value}</VALUE></PARAMVALUE>'


class Tap:
    """Counts and prints; test() runs a function and reports it."""

    def __init__(self):
        self.n = self.failed = 0

    def test(self, name, fn, *args):
        self.n += 1
        try:
            fn(*args)
            print(f"ok {self.n} - {name}", flush=True)
        except Exception as e:  # a failed test must not stop the others
            self.failed += 1
            text = str(e).replace("\n", "\n# ")
            print(f"not ok {self.n} - {name}\n# {type(e).__name__}: {text}", flush=True)

    def end(self):
        print(f"1..{self.n}")
        sys.exit(1 if self.failed else 0)
