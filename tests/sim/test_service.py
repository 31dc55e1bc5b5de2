# SPDX-License-Identifier: GPL-2.0-or-later
"""smisd as a service: readiness, watchdog, given sockets, reload, certificate, stop."""
import http.client
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time

import pywbem
from pywbem import Uint16

from node import Case, Simulator, refused

TOP = pathlib.Path(__file__).resolve().parents[2]


class Notify:
    """What systemd would hear."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(str(path))
        os.chmod(path, 0o777)
        self.path, self.heard = path, []

    def wait(self, word, seconds=30):
        """The first message from here on that holds the word."""
        end = time.monotonic() + seconds
        while True:
            self.sock.settimeout(max(end - time.monotonic(), 0.01))
            try:
                text = self.sock.recv(4096).decode()
            except TimeoutError:
                raise AssertionError(f"{word} was not told, but {self.heard}") from None
            self.heard.append(text)
            if word in text:
                return text


def post(port, body=b"x", timeout=30):
    """HTTP status of a request."""
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    c.request("POST", "/cimom", body, {"Content-Type": "application/xml",
                                       "CIMOperation": "MethodCall"})
    r = c.getresponse()
    r.read()
    c.close()
    return r.status


def make_cert(directory, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    f"/CN={name}", "-keyout", directory / f"{name}.key", "-out",
                    directory / f"{name}.pem"], check=True, capture_output=True)
    (directory / f"{name}.key").chmod(0o644)


def cert_of(port):
    return ssl.get_server_certificate(("127.0.0.1", port)).strip()


class Service(Case):
    SLOW = "[volume a]\nsize = 64M\n[fault slow]\noperation = group-create\ndelay-ms = {}\n"

    def notify(self):
        d = self.enterContext(tempfile.TemporaryDirectory(prefix="smisd-sim-"))
        os.chmod(d, 0o755)
        return Notify(pathlib.Path(d) / "notify")

    def test_notify(self):
        """READY, the watchdog, RELOADING and READY again, STOPPING"""
        n = self.notify()
        s = self.sim(env={"NOTIFY_SOCKET": str(n.path), "WATCHDOG_USEC": "400000"})
        n.wait("READY=1")
        for _ in range(3):
            n.wait("WATCHDOG=1")
        s.process.send_signal(signal.SIGHUP)
        self.assertIn("MONOTONIC_USEC=", n.wait("RELOADING=1"))
        n.wait("READY=1")
        s.process.terminate()
        n.wait("STOPPING=1")
        self.assertEqual(s.process.wait(30), 0)

    def test_sockets(self):
        """sockets of systemd, told apart by their names, are used in place of its own"""
        with socket.create_server(("127.0.0.1", 0)) as plain, \
                socket.create_server(("127.0.0.1", 0)) as tls:
            s = self.sim(fds=[(tls, "https"), (plain, "http")])
            self.assertEqual(post(plain.getsockname()[1]), 400)
            self.assertIn("BEGIN CERTIFICATE", cert_of(tls.getsockname()[1]))
            with self.assertRaises(ConnectionRefusedError):
                post(s.port)

    def test_reload(self):
        """SIGHUP: a new limit counts, a mistake changes nothing, other changes are named"""
        s = self.sim("[volume a]\n[limits]\nmax-body-kib = 64\n")
        big = b"x" * 40000
        self.assertEqual(post(s.port, big), 400)
        conf = s.dir / "node.conf"

        def reload(text, said):
            conf.write_text(text)
            before = s.log().count(said)
            s.process.send_signal(signal.SIGHUP)
            self.until(lambda: s.log().count(said) > before)
        keep = http.client.HTTPConnection("127.0.0.1", s.port, timeout=30)
        keep.connect()
        reload("[volume a]\n[limits]\nmax-body-kib = 16\n", "was read again")
        self.assertEqual(post(s.port, big), 413)
        keep.request("POST", "/cimom", b"x", {"Content-Type": "application/xml"})
        self.assertEqual(keep.getresponse().status, 400, "an open connection stays")
        keep.close()
        reload("[volume a]\n[limits]\nmax-body-kib = none\n", "stays as it was: ")
        self.assertIn("node.conf:3: [limits] max-body-kib = none: bad value", s.log())
        self.assertEqual(post(s.port, big), 413)
        reload("[volume a]\n[sim]\nrate = 1K\n", "sim.rate has changed too")
        self.assertEqual(post(s.port, big), 400, "the default is back")
        self.assertEqual(set(s.client().volumes()), {"a"})

    def test_certificate(self):
        """a certificate that changes is taken, one that does not fit its key is not"""
        d = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="smisd-sim-")))
        d.chmod(0o755)
        for name in ("one", "two"):
            make_cert(d, name)

        def use(cert, key):
            for name, content in (("cert.pem", d / f"{cert}.pem"), ("key.pem", d / f"{key}.key")):
                (d / "new").write_bytes(content.read_bytes())
                (d / "new").chmod(0o644)
                (d / "new").rename(d / name)
        use("one", "one")
        options = {"server__tls_cert": d / "cert.pem", "server__tls_key": d / "key.pem"}
        s = self.sim(**options)
        self.assertEqual(cert_of(s.tls_port), (d / "one.pem").read_text().strip())
        use("two", "one")
        self.until(lambda: "the certificate in use stays: certificate and key do not fit"
                   in s.log())
        self.assertEqual(cert_of(s.tls_port), (d / "one.pem").read_text().strip())
        use("two", "two")
        self.until(lambda: cert_of(s.tls_port) == (d / "two.pem").read_text().strip())
        use("one", "one")
        s.process.send_signal(signal.SIGHUP)
        self.until(lambda: cert_of(s.tls_port) == (d / "one.pem").read_text().strip())
        use("one", "two")
        args = [f"-oserver.{k}={v}" for k, v in (("tls-cert", d / "cert.pem"),
                                                 ("tls-key", d / "key.pem"))]
        self.assertIn("do not fit", refused(self.smisd, "--simulate", "1", "--check-config",
                                            *args))

    def slow_clone(self, s):
        """A request that takes as long as the operations of the node; its end in .result"""
        c = s.client()
        source, service = c.volume("a").path, c.replication

        def run():
            try:
                t.result = c.conn.InvokeMethod("CreateElementReplica", service,
                                               SyncType=Uint16(8), SourceElement=source)[0]
            except pywbem.Error as e:
                t.result = e
        t = threading.Thread(target=run)
        t.start()
        self.addCleanup(t.join)
        return t

    def test_drain(self):
        """a stop: the running request is answered, new ones get 503"""
        s = self.sim(self.SLOW.format(3000))
        t = self.slow_clone(s)
        self.until(lambda: len(s.client().volumes()) == 2)
        s.process.terminate()
        self.until(lambda: "stopping" in s.log())
        self.assertEqual(post(s.port), 503)
        t.join(30)
        self.assertEqual(t.result, 4096)
        self.assertEqual(s.process.wait(30), 0)

    def test_deadline(self):
        """a stop does not wait for ever"""
        s = self.sim(self.SLOW.format(600000), limits__stop_timeout=1,
                     limits__reply_deadline_ms=600000)
        t = self.slow_clone(s)
        self.until(lambda: len(s.client().volumes()) == 2)
        s.process.terminate()
        t.join(30)
        self.assertIsInstance(t.result, pywbem.HTTPError)
        self.assertEqual(t.result.status, 503)
        self.assertEqual(s.process.wait(30), 0)

    def test_check_config(self):
        """--check-config says what is wrong, or that nothing is"""
        d = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (d / "c").write_text("[pool a]\nvg = v\n[server]\nhttps-port = 0\n")
        r = subprocess.run([self.smisd, "--check-config", "-c", d / "c"], capture_output=True,
                           text=True)
        self.assertEqual((r.returncode, r.stdout), (0, f"{d}/c: no errors\n"))
        (d / "c").write_text("[pool a]\nvg = v\nvg2 = w\n")
        self.assertIn("c:3: [pool a] vg2 = w: unknown key",
                      refused(self.smisd, "--check-config", "-c", d / "c"))

    def test_install(self):
        """make install: what a package needs is under DESTDIR, and a second time keeps smisd.conf"""
        d = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        argv = ["make", "-s", "-o", "agent", f"AGENT_B={self.smisd.parent.relative_to(TOP)}",
                f"DESTDIR={d}", "install"]
        env = dict(os.environ, RPL_DEPS="done", MAKEFLAGS="", MAKELEVEL="0")
        subprocess.run(argv, cwd=TOP, check=True, env=env)
        for name in ("usr/sbin/smisd", "usr/sbin/smisd-priv", "lib/systemd/system/smisd.service",
                     "lib/systemd/system/smisd-priv.socket", "etc/pam.d/smisd",
                     "lib/systemd/system/smisd-http.socket", "usr/lib/sysusers.d/smisd.conf",
                     "lib/udev/rules.d/11-dm-replica.rules", "usr/share/man/man8/smisd.8",
                     "usr/share/man/man5/smisd.conf.5"):
            self.assertTrue((d / name).is_file(), name)
        r = subprocess.run([d / "usr/sbin/smisd", "--check-config", "-c", d / "etc/smisd/smisd.conf",
                            "-o", "server.https-port=0"], capture_output=True, text=True)
        self.assertIn("no errors", r.stdout, r.stderr)
        (d / "etc/smisd/smisd.conf").write_text("mine")
        subprocess.run(argv, cwd=TOP, check=True, env=env)
        self.assertEqual((d / "etc/smisd/smisd.conf").read_text(), "mine")

    def test_exposure(self):
        """the units stay as confined as they are (systemd-analyze security)"""
        for unit, most in (("smisd", 15), ("smisd-priv", 38)):
            r = subprocess.run(["systemd-analyze", "security", "--offline=yes",
                                f"--threshold={most}", "--no-pager",
                                TOP / f"dist/{unit}.service"], capture_output=True, text=True)
            self.assertEqual(r.returncode, 0, r.stdout[-300:])


