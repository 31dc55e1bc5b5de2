#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Certificates of clients instead of passwords: who is let in with which role, and who is not.

Runs against smisd on a simulated node that asks for passwords too. TAP.
"""
import os
import pathlib
import re
import signal
import ssl
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import (BUILD, Server, Tap, basic, class_param, imethod, iparam, read_response,  # noqa: E402
                 request, wait_for)

READ = imethod("EnumerateInstanceNames", class_param("CIM_StoragePool"))
# of something that is not there: who may change things hears that (6), others that they may not (2)
WRITE = imethod("DeleteInstance", iparam("InstanceName", '<INSTANCENAME CLASSNAME="RPL_StoragePool">'
                                         '<KEYBINDING NAME="InstanceID"><KEYVALUE>none</KEYVALUE>'
                                         "</KEYBINDING></INSTANCENAME>"))
CONF = """[server]
listen = 127.0.0.1
http-port = {http}
https-port = {https}
tls-client-ca = {dir}/client-ca.pem
# asks for what is never spoken
tls-priority = NORMAL:+VERS-TLS1.1:+VERS-TLS1.0
[engine]
state-dir = {dir}
backend = sim
[pool fast]
vg = vgfast
"""
CLIENTS = """[client storage]
subject = CN=storage,O=Example
role = admin
[client watcher]
fingerprint = {fingerprint}
"""


def openssl(*args, **kw):
    return subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True, **kw).stdout


def make_ca(d, name):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", f"/CN={name}", "-keyout", d / f"{name}.key", "-out", d / f"{name}.pem",
            "-days", "2")


def make_client(d, name, ca, cn, usage="clientAuth", days=1):
    (d / "ext").write_text(f"extendedKeyUsage={usage}\n")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
            f"/O=Example/CN={cn}", "-keyout", d / f"{name}.key", "-out", d / "csr")
    openssl("x509", "-req", "-in", d / "csr", "-CA", d / f"{ca}.pem", "-CAkey", d / f"{ca}.key",
            "-CAcreateserial", "-extfile", d / "ext", "-days", days, "-out", d / f"{name}.pem")


def make_all(d):
    for ca in ("ca", "other"):
        make_ca(d, ca)
    for name, ca, cn, more in (("storage", "ca", "storage", {}), ("watcher", "ca", "watcher", {}),
                               ("unknown", "ca", "unknown", {}),
                               ("forged", "other", "storage", {}),
                               ("expired", "ca", "storage", {"days": -1}),
                               ("server", "ca", "storage", {"usage": "serverAuth"})):
        make_client(d, name, ca, cn, **more)


class Node:
    def __init__(self, d):
        self.d = d

        def argv(s):
            self.conf = pathlib.Path(s.dir.name) / "smisd.conf"
            self.ca = pathlib.Path(s.dir.name) / "client-ca.pem"
            self.ca.write_bytes((d / "ca.pem").read_bytes())
            self.text = CONF.format(http=s.ports[0], https=s.ports[1], dir=s.dir.name)
            fingerprint = openssl("x509", "-in", d / "watcher.pem", "-noout", "-fingerprint",
                                  "-sha256", text=True).strip().split("=")[1]
            self.conf.write_text(self.text + CLIENTS.format(fingerprint=fingerprint))
            return [str(BUILD / "smisd"), "--verbose", "--config", str(self.conf)]
        self.server = Server(argv, 2)

    def connect(self, cert, **tls):
        ctx = ssl.create_default_context()
        ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
        for name, value in tls.items():
            setattr(ctx, name, value)
        if cert:
            ctx.load_cert_chain(self.d / f"{cert}.pem", self.d / f"{cert}.key")
        self.server.port = self.server.ports[1]
        return ctx.wrap_socket(self.server.connect())

    def ask(self, cert, body, password=None, sock=None):
        """HTTP status, CIM error or None."""
        with sock or self.connect(cert) as s:
            s.sendall(request(body, Authorization=basic(*password) if password else None))
            r = read_response(s)
        error = r.cim_error()
        return r.status, error and error[0]

    def reload(self, text):
        n = self.server.log().count("the configuration was read again")
        self.conf.write_text(text)
        self.server.proc.send_signal(signal.SIGHUP)
        wait_for("the configuration is read again",
                 lambda: self.server.log().count("the configuration was read again") > n)


def answers(n, cert, password, read, write):
    got = n.ask(cert, READ, password), n.ask(cert, WRITE, password)
    assert got == (read, write), got


OK, DENIED, GRANTED, OUT = (200, None), (200, 2), (200, 6), (401, None)
ADMIN = ("admin", "admin")
CASES = [
    ("by subject: administrator", "storage", None, OK, GRANTED),
    ("by fingerprint: monitor", "watcher", None, OK, DENIED),
    ("of nobody in the configuration", "unknown", None, OUT, OUT),
    ("the right subject by another CA", "forged", None, OUT, OUT),
    ("expired", "expired", None, OUT, OUT),
    ("for servers", "server", None, OUT, OUT),
    ("none", None, None, OUT, OUT),
    ("none, a password", None, ADMIN, OK, GRANTED),
    ("forged, a password", "forged", ADMIN, OK, GRANTED),
    ("monitor, a password: the password counts", "watcher", ADMIN, OK, GRANTED),
]


def not_without_tls(n):
    n.server.port = n.server.ports[0]
    with n.server.connect() as s:
        s.sendall(request(READ, Authorization=None))
        assert read_response(s).status == 401


def wrong_password_is_no_fallback(n):
    """Who says a password is judged by it, whatever he shows."""
    assert n.ask("storage", READ, ("admin", "wrong")) == OUT


def versions(n):
    """1.2 and 1.3, and nothing older, whatever tls-priority asks for."""
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        sock = n.connect("storage", minimum_version=version, maximum_version=version)
        assert n.ask(None, READ, sock=sock) == OK
    for option, spoken in (("-tls1_2", True), ("-tls1_1", False), ("-tls1", False)):
        r = subprocess.run(["openssl", "s_client", option, "-cipher", "ALL:@SECLEVEL=0", "-connect",
                            f"127.0.0.1:{n.server.ports[1]}"], input=b"", capture_output=True,
                           timeout=30, check=False)
        assert (r.returncode == 0) == spoken, f"{option}: {r.stderr[-300:]}"
        assert (b"Cipher is (NONE)" not in r.stdout) == spoken, f"{option}: {r.stdout[-300:]}"


def logged(n):
    text = n.server.log()
    assert re.search(r"audit: user certificate storage from 127\.0\.0\.1: DeleteInstance", text)
    assert re.search(r"no \[client \.\.\.\] has the certificate CN=unknown,O=Example, fingerprint "
                     r"[0-9a-f]{64}, from 127\.0\.0\.1", text), text[-2000:]
    assert len(re.findall("the certificate of a client from 127.0.0.1 does not count", text)) >= 6


def revoked(n):
    """A client that is taken out of the configuration is out, on open connections too."""
    with n.connect("storage") as s:
        s.sendall(request(READ, Authorization=None))
        assert read_response(s).status == 200
        n.reload(n.text + "[client someone]\nsubject = CN=unknown,O=Example\n")
        s.sendall(request(READ, Authorization=None))
        assert read_response(s).status == 401
    assert n.ask("unknown", READ) == OK and n.ask("unknown", WRITE) == DENIED


def ca_changes(n):
    """The file of the CA is read again when it changes; one that is none is not taken."""
    n.reload(n.text + "[client storage]\nsubject = CN=storage,O=Example\nrole = admin\n")
    assert n.ask("forged", READ) == OUT
    n.ca.write_text("no certificate")
    wait_for("it is looked at", lambda: "has no CA certificate in PEM" in n.server.log())
    assert n.ask("storage", READ) == OK
    n.ca.write_bytes((n.d / "other.pem").read_bytes())
    wait_for("the other CA counts", lambda: n.ask("forged", READ) == OK)
    assert n.ask("storage", READ) == OUT


def bad_sections(n):
    for section, why in (("[client a]\nrole = admin\n", "either subject or fingerprint"),
                         ("[client a]\nsubject = CN=a\nfingerprint = " + "ab" * 32 + "\n",
                          "either subject or fingerprint"),
                         ("[client a]\nfingerprint = abcd\n", "not a SHA-256"),
                         ("[client a]\nsubject = CN=a\nrole = root\n", "role is"),
                         ("[client ]\nsubject = CN=a\n", "")):
        conf = pathlib.Path(n.server.dir.name) / "bad.conf"
        conf.write_text(n.text + section)
        r = subprocess.run([str(BUILD / "smisd"), "--check-config", "--config", str(conf)],
                           capture_output=True, text=True, timeout=30, check=False)
        assert r.returncode == 1 and why in r.stdout + r.stderr, section + r.stderr


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as d:
        make_all(pathlib.Path(d))
        n = Node(pathlib.Path(d))
        for name, *case in CASES:
            tap.test(f"client certificate: {name}", answers, n, *case)
        for fn in (not_without_tls, wrong_password_is_no_fallback, versions, logged, revoked,
                   ca_changes, bad_sections):
            tap.test(f"client certificate: {fn.__name__.replace('_', ' ')}", fn, n)
        tap.test("client certificate: ends cleanly, sanitizers silent", n.server.stop)
    tap.end()


if __name__ == "__main__":
    main()
