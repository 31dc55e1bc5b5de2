# SPDX-License-Identifier: GPL-2.0-or-later
"""Found by SLP: what a client reads that sends the requests of RFC 2608, and what follows from it."""
import re
import socket
import struct

import pywbem

from node import Case, free_port


def text(s):
    return struct.pack(">H", len(s)) + s.encode()


def request(function, *parts, xid=7):
    body = b"".join(p if isinstance(p, bytes) else text(p) for p in parts)
    lang = text("en")
    n = 12 + len(lang) + len(body)
    return struct.pack(">BB", 2, function) + n.to_bytes(3, "big") + struct.pack(
        ">HBHH", 0, 0, 0, xid) + lang + body


class Slp(Case):
    def ask(self, port, data):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(10)
            s.sendto(data, ("127.0.0.1", port))
            answer = s.recv(2000)
        self.assertEqual(answer[0], 2)
        self.assertEqual(int.from_bytes(answer[2:5], "big"), len(answer))
        self.assertEqual(answer[10:16], b"\0\7\0\2en")
        return answer[1], answer[16:]

    def test_found(self):
        """service:wbem is found, its URL is a CIM server, its attributes are true"""
        port = free_port()
        s = self.sim("[volume a]\n", server__slp_port=port)
        function, body = self.ask(port, request(1, "", "service:wbem", "default", "", ""))
        self.assertEqual(function, 2)
        urls = re.findall(rb"service:wbem:(https?://127\.0\.0\.1:\d+)", body)
        self.assertEqual(urls, [b"https://127.0.0.1:%d" % s.tls_port, b"http://127.0.0.1:%d" % s.port])
        function, body = self.ask(port, request(6, "", "service:wbem", "default", "", ""))
        self.assertEqual((function, body[:2]), (7, b"\0\0"))
        attributes = dict(re.findall(r"\(([\w-]+)=([^)]*)\)", body[4:].decode()))
        self.assertEqual(attributes["template-url-syntax"], f"https://127.0.0.1:{s.tls_port}")
        conn = pywbem.WBEMConnection(urls[1].decode())
        manager = conn.EnumerateInstances("CIM_ObjectManager", attributes["InteropSchemaNamespace"])[0]
        self.assertEqual(attributes["service-id"], manager["Name"])
        self.assertEqual(set(attributes["Namespace"].split(",")), {
            n["Name"] for n in conn.EnumerateInstances("CIM_Namespace", "interop")})
        found = conn.EnumerateInstances("CIM_RegisteredProfile", "interop")
        names = attributes["RegisteredProfilesSupported"].split(",")
        self.assertEqual({n.rsplit(":", 1)[1] for n in names}, {p["RegisteredName"] for p in found})
        self.assertIn("SNIA:Array:Replication Services", names)
        self.assertTrue(all(p["AdvertiseTypes"] == [3] for p in found))

    def test_socket_of_systemd(self):
        """a datagram socket of systemd is used; without any the profiles are not advertised"""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as slp:
            slp.bind(("127.0.0.1", 0))
            s = self.sim("[volume a]\n", fds=[(slp, "slp")])
            function, body = self.ask(slp.getsockname()[1], request(9, "", b"\xff\xff", "default"))
            self.assertEqual((function, body), (10, b"\0\0" + text("service:wbem")))
            self.assertTrue(s.client().server().profiles)
        s = self.sim("[volume a]\n")
        found = pywbem.WBEMConnection(s.url).EnumerateInstances("CIM_RegisteredProfile", "interop")
        self.assertTrue(all(p["AdvertiseTypes"] == [2] for p in found))
