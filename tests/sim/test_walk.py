# SPDX-License-Identifier: GPL-2.0-or-later
"""The simulator as somebody finds it who starts it and points a client at it."""
import pathlib
import re
import subprocess

import pywbem
from pywbem import CIMInstance, CIMInstanceName, Uint16

from node import Case, Simulator, refused, uri
from rpltest import client

TOP = pathlib.Path(__file__).resolve().parents[2]


class Walk(Case):
    """A node with replicas, walked from end to end."""

    CONF = """
[sim]
volumes = 2
volume-size = 16M
rate = 64K
[pool fast]
size = 1G
[pool bulk]
[volume db]
pool = fast
size = 20M
count = 2
[group app]
members = db1, db2
[replica nightly]
group = app
[replica other]
volume = vol00002
mode = independent
"""

    @classmethod
    def setUpClass(cls):
        cls.sim = Simulator(cls.smisd, cls.CONF)
        cls.addClassCleanup(cls.sim.__exit__, None)
        cls.sim.start()
        cls.c = cls.sim.client()
        cls.conn = cls.c.conn

    def test_as_described(self):
        """pools, volumes, groups and replicas are those of the description"""
        self.assertEqual(set(self.c.pools()), {"fast", "bulk"})
        names = set(self.c.volumes())
        self.assertLess({"vol00001", "vol00002", "db1", "db2"}, names)
        self.assertEqual(len(names), 7, "each clone has its target")
        self.assertEqual(self.c.volume("db1")["NumberOfBlocks"] * 512, 20 << 20)
        groups = self.c.groups()
        members = [self.conn.GetInstance(p)["ElementName"]
                   for p in self.c.members(groups["app"].path)]
        self.assertEqual(members, ["db1", "db2"])
        self.assertEqual({r["RelationshipName"] for r in self.c.group_relations()}, {"nightly"})
        self.assertEqual(len(self.c.relations()), 3)

    def test_discovery(self):
        """pywbem finds interop namespace, profiles and the computer system"""
        server = self.c.server()
        self.assertEqual(server.interop_ns, "interop")
        array = server.get_selected_profiles("SNIA", "Array")
        self.assertEqual(len(array), 1)
        central = server.get_central_instances(array[0].path)
        self.assertEqual([p.classname for p in central], ["RPL_ComputerSystem"])
        self.assertEqual(central[0]["Name"], "RPL-simulated")

    def test_every_instance(self):
        """every class of the namespaces: instances, their names, GetInstance of each"""
        total, namespaces = 0, set(self.c.server().namespaces)
        # what is in two of them is the same
        self.assertEqual(namespaces, {"interop", "root/interop", "root/dmreplica", "root/tpd"})
        for ns in ("interop", "root/dmreplica"):
            for name in self.conn.EnumerateClassNames(namespace=ns, DeepInheritance=True):
                instances = self.conn.EnumerateInstances(name, namespace=ns, LocalOnly=False)
                names = self.conn.EnumerateInstanceNames(name, namespace=ns)
                self.assertEqual(sorted(uri(i.path) for i in instances), sorted(map(uri, names)))
                for i in instances:
                    if i.classname == name:
                        got = self.conn.GetInstance(i.path, LocalOnly=False)
                        self.assertEqual(set(got.keys()), set(i.keys()), i.path)
                        total += 1
        self.assertGreater(total, 100)

    def test_every_association(self):
        """from every instance: associators and references agree and lead back"""
        for ns in ("interop", "root/dmreplica", "root/tpd"):
            back, seen = {}, 0
            for path in self.conn.EnumerateInstanceNames("CIM_ManagedElement", namespace=ns):
                there = {uri(p) for p in self.conn.AssociatorNames(path)}
                self.assertEqual({uri(i.path) for i in self.conn.Associators(path)}, there)
                refs = self.conn.References(path)
                self.assertEqual(sorted(uri(i.path) for i in refs),
                                 sorted(map(uri, self.conn.ReferenceNames(path))))
                for r in refs:
                    ends = {uri(v) for v in r.values() if isinstance(v, CIMInstanceName)}
                    self.assertIn(uri(path), ends)
                    self.assertLessEqual(ends - {uri(path)}, there)
                    seen += 1
                back[uri(path)] = there
            for here, there in back.items():
                for p in there & set(back):
                    self.assertIn(here, back[p])
            self.assertGreater(seen, 10)

    def test_wbemcli(self):
        """wbemcli: every class of all namespaces and its instances, and all around a volume"""
        self.c.invoke("CreateElementReplica", self.c.replication, (4096,), SyncType=client.CLONE,
                      SourceElement=self.c.volume("vol00001").path, Mode=client.ASYNC,
                      ReplicationSettingData=CIMInstance("CIM_ReplicationSettingData", {
                          "TargetElementSupplier": Uint16(2), "Description": "<&>"}))
        for ns in ("interop", "root/interop", "root/dmreplica", "root/tpd"):
            w = self.sim.wbemcli(ns)
            names = [line.rsplit(":", 1)[1] for line in w.run("ecn", "").splitlines()]
            # a relation and its copy change meanwhile, and a line has all of an instance
            found = {name: len(w.run("ei", name).splitlines()) for name in names}
            want = {name: len(self.conn.EnumerateInstanceNames(name, namespace=ns))
                    for name in names}
            self.assertEqual(found, want)
            self.assertGreater(sum(found.values()), 100)
        w = self.sim.wbemcli()
        volume = next(n for n in w.names("RPL_StorageVolume")
                      if self.c.volume("db1")["DeviceID"] in n)
        self.assertEqual(w.get(volume, "ElementName"), {"ElementName": "db1"})
        for op in ("ain", "rin", "ai", "ri"):
            self.assertTrue(w.run(op, volume).strip(), op)

    def test_anybody(self):
        """nobody is asked who he is, and a password is no harm"""
        self.assertTrue(self.sim.client("who", "ever").volumes())
        r = subprocess.run(["curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}",
                            "-H", "Content-Type: application/xml", "--data", "x",
                            f"https://127.0.0.1:{self.sim.tls_port}/cimom"],
                           capture_output=True, text=True, timeout=30)
        self.assertEqual(r.stdout, "400", "HTTPS is served")


class Start(Case):
    def test_number(self):
        """--simulate N: N volumes, URL and command lines that work as they are printed"""
        with Simulator(self.smisd, 5) as sim:
            self.assertEqual(len(sim.client().volumes()), 5)
            self.until(lambda: sim.log().count("\n") >= 5)
            self.assertIn(f"{sim.url}\n", sim.log())
            line = re.search(r"^wbemcli .*$", sim.log(), re.M)[0]
            out = subprocess.run(line, shell=True, capture_output=True, text=True, timeout=30)
            self.assertEqual(out.stdout.count("ElementName="), 5, out)
            line = re.search(r"^python3 .*$", sim.log(), re.M)[0]
            line = line.replace("python3", str(TOP / "build/venv/bin/python"), 1)
            out = subprocess.run(line, shell=True, capture_output=True, text=True, timeout=30)
            self.assertEqual(out.stdout.count("CIMInstanceName("), 5, out)

    def test_password(self):
        """with [sim] user set a password is asked for"""
        with Simulator(self.smisd, 1, sim__user="me", sim__password="secret") as sim:
            self.assertEqual(len(sim.client("me", "secret").volumes()), 1)
            for user, password in ((None, None), ("me", "wrong")):
                with self.assertRaises(pywbem.AuthError):
                    sim.client(user, password).volumes()

    def test_example(self):
        """dist/simulate.conf is what its comments say"""
        with Simulator(self.smisd, (TOP / "dist/simulate.conf").read_text(),
                       sim__rate="10G") as sim:
            c = sim.client()
            self.assertEqual({"fast", "bulk"}, set(c.pools()))
            self.assertEqual(len(c.groups()), 2)
            rc, _ = c.invoke("CreateOrModifyElementFromStoragePool", c.configuration,
                             ElementName="full1", ElementType=pywbem.Uint16(2),
                             Size=pywbem.Uint64(1 << 30))
            self.assertEqual(rc, 4)
            c.create_volume("full2", 1 << 30)
            job = c.conn.InvokeMethod("CreateElementReplica", c.replication,
                                      SyncType=pywbem.Uint16(8),
                                      SourceElement=c.volume("web2").path)[1]["Job"]
            job = c.wait_job(job, final=(10,))
            self.assertIn("sector 2097152", job["ErrorDescription"])

    def test_refused(self):
        """a description with a mistake names it"""
        for text, sentence in (
                ("[volume a]\nsize = none\n", "node.conf:2: [volume a] size = none: bad value"),
                ("[volume a]\ncolor = red\n", "node.conf:2: [volume a] color = red: unknown key"),
                ("\n[sin]\n", "node.conf:2: [sin]: unknown section"),
                ("[group ]\n", "node.conf:1: [group ]: a section without a name"),
                ("[replica r]\n mode = attached\n", "needs either group or volume"),
                ("[fault f]\ntimes = 2\n", "needs one of at-percent, rate and operation"),
                ("[fault f]\noperation = dance\n", "[fault f] operation = dance: there is none"),
                ("[fault f]\nat-percent = 4\nerror = EFUN\n", "[fault f] error = EFUN"),
                ("[engine]\nbackend = real\n", "backend must be \"sim\""),
                ("[group g]\nmembers = x*\n", "[group g]: no volume is called x*"),
                ("[volume a]\npool = none\n", "[volume a]: none is not a pool"),
                ("[replica r]\nvolume = x\n", "[replica r]: its source is not there"),
                ("[pool p]\nsize = 8M\n[volume a]\n", "[volume a]: ")):
            with self.subTest(text):
                path = pathlib.Path(self.enterContext(temporary())) / "node.conf"
                path.write_text(text)
                self.assertIn(sentence, refused(self.smisd, "--simulate", path, "-o",
                                                "server.http-port=0", "-o",
                                                "server.https-port=0"))
        self.assertIn("not SECTION.KEY=VALUE", refused(self.smisd, "--simulate", "1", "-o", "x"))
        self.assertIn("exclude each other",
                      refused(self.smisd, "--simulate", "1", "--config", "x"))
        self.assertIn("bad value", refused(self.smisd, "--simulate", "70000"))


def temporary():
    import tempfile
    return tempfile.TemporaryDirectory(prefix="smisd-sim-")
