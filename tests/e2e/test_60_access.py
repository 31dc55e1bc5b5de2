# SPDX-License-Identifier: GPL-2.0-or-later
"""HTTP, HTTPS, credentials and roles (I8)."""
import http.client
import ssl
import subprocess
import urllib.parse

import pywbem

from rpltest import case, client, node

BODY = ('<?xml version="1.0" encoding="utf-8"?><CIM CIMVERSION="2.0" DTDVERSION="2.0">'
        '<MESSAGE ID="1" PROTOCOLVERSION="1.0"><SIMPLEREQ><IMETHODCALL NAME="EnumerateClassNames">'
        '<LOCALNAMESPACEPATH><NAMESPACE NAME="root"/><NAMESPACE NAME="dmreplica"/>'
        '</LOCALNAMESPACEPATH></IMETHODCALL></SIMPLEREQ></MESSAGE></CIM>')
HEADERS = {"Content-Type": 'application/xml; charset="utf-8"', "CIMOperation": "MethodCall",
           "CIMMethod": "EnumerateClassNames", "CIMObject": "root/dmreplica"}


class Access(case.Case):
    needs_node = False

    def raw(self, method="POST", path="/cimom", body=BODY, headers=None, auth=True):
        """(status, headers, body) of one request on a connection of its own."""
        url, user, password = case.address
        conn = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=30)
        head = dict(HEADERS if headers is None else headers)
        if auth:
            import base64
            head["Authorization"] = "Basic " + base64.b64encode(
                f"{user}:{password}".encode()).decode()
        try:
            conn.request(method, path, body, head)
            r = conn.getresponse()
            return r.status, {k.lower(): v for k, v in r.getheaders()}, r.read()
        finally:
            conn.close()

    def test_good(self):
        """the request that the others spoil is answered"""
        self.assertEqual(self.raw()[0], 200)

    def test_no_credentials(self):
        """401 and a challenge without credentials, also after a good request on the connection"""
        status, headers, _ = self.raw(auth=False)
        self.assertEqual(status, 401)
        self.assertIn("basic", headers["www-authenticate"].lower())

    def test_wrong_credentials(self):
        """wrong password, unknown user, user without a role"""
        for user in (("admin", "wrong"), ("nobodyhere", "x"), ("admin", ""), ("", "")):
            with self.subTest(str(user)), self.assertRaises(pywbem.AuthError):
                client.Client(case.address[0], *user).conn.EnumerateClassNames()
        if self.node:
            with self.assertRaises((pywbem.AuthError, pywbem.HTTPError, pywbem.CIMError)):
                client.Client(case.address[0], *node.NOBODY).conn.EnumerateClassNames()

    def test_monitor(self):
        """the read role reads and changes nothing"""
        if not self.node:
            self.skipTest("needs a node")
        v = self.volume()
        m = client.Client(case.address[0], *node.MONITOR)
        self.assertIn(self.name("v"), m.volumes())
        with self.unchanged():
            for method, obj, params in (
                    ("CreateGroup", m.replication, {"GroupName": self.name("g")}),
                    ("CreateElementReplica", m.replication,
                     {"SyncType": client.CLONE, "SourceElement": v}),
                    ("ReturnToStoragePool", m.configuration, {"TheElement": v})):
                with self.subTest(method), self.refused(pywbem.CIM_ERR_ACCESS_DENIED):
                    m.conn.InvokeMethod(method, obj, **params)
            with self.refused(pywbem.CIM_ERR_ACCESS_DENIED):
                m.conn.DeleteInstance(v)

    def test_https(self):
        """pywbem and wbemcli over HTTPS with the node's certificate; without it they refuse"""
        if not self.node:
            self.skipTest("needs a node")
        n = self.node
        c = client.Client(n.https_url, node.USER, node.PASSWORD, ca_certs=n.ca)
        self.assertTrue(c.volumes() is not None)
        with self.assertRaises(pywbem.ConnectionError):
            client.Client(n.https_url, node.USER, node.PASSWORD).conn.EnumerateClassNames()
        url = n.https_url.replace("://", f"://{node.USER}:{node.PASSWORD}@")
        out = subprocess.run(["wbemcli", "ein", "-noverify",
                              f"{url}/root/dmreplica:CIM_StoragePool"],
                             capture_output=True, text=True, timeout=60)
        self.assertIn("InstanceID", out.stdout, out.stderr)

    def test_old_tls(self):
        """TLS 1.1 is refused"""
        if not self.node:
            self.skipTest("needs a node")
        out = subprocess.run(["openssl", "s_client", "-connect",
                              self.node.https_url.split("//")[1], "-tls1_1"],
                             capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
        self.assertNotIn("BEGIN SSL SESSION", out.stdout)
        self.assertTrue(ssl.HAS_TLSv1_2)

    def test_bad_http(self):
        """methods, headers and bodies that are no CIM requests get a 4xx or 501"""
        for what, kw, statuses in (
                ("GET", {"method": "GET", "body": None}, range(400, 502)),
                ("PUT", {"method": "PUT"}, range(400, 502)),
                ("empty body", {"body": ""}, range(400, 500)),
                ("no XML", {"body": "hello"}, range(400, 500)),
                ("unclosed XML", {"body": BODY[:-20]}, range(400, 500)),
                ("DOCTYPE", {"body": BODY.replace("<CIM ", '<!DOCTYPE a [<!ENTITY b "c">]><CIM ')},
                 range(400, 500)),
                ("wrong CIMOperation", {"headers": HEADERS | {"CIMOperation": "Nonsense"}},
                 range(400, 502)),
                ("CIMMethod of another", {"headers": HEADERS | {"CIMMethod": "GetClass"}},
                 range(400, 500)),
                ("wrong type", {"headers": HEADERS | {"Content-Type": "image/png"}},
                 range(400, 500)),
                ("DTD 9", {"body": BODY.replace('DTDVERSION="2.0"', 'DTDVERSION="9.0"')},
                 (200, 400, 501))):
            with self.subTest(what):
                try:
                    status = self.raw(**kw)[0]
                except http.client.HTTPException as e:
                    self.fail(f"no answer: {e!r}")
                self.assertIn(status, statuses)
        self.assertEqual(self.raw()[0], 200)

    def test_deep_and_large(self):
        """deep nesting and a body over the limit are refused without growth"""
        deep = BODY.replace("<SIMPLEREQ>", "<SIMPLEREQ>" + "<A>" * 5000 + "</A>" * 5000)
        self.assertIn(self.raw(body=deep)[0], range(400, 500))
        big = BODY + " " * (9 << 20)
        try:
            self.assertIn(self.raw(body=big)[0], (400, 413))
        except (BrokenPipeError, ConnectionResetError):
            pass
        self.assertEqual(self.raw()[0], 200)
