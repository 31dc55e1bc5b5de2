# SPDX-License-Identifier: GPL-2.0-or-later
"""S1 discovery and S2 inventory, by pywbem and by wbemcli."""
import pywbem

from rpltest import case, client


class Discovery(case.Case):
    needs_node = False

    def test_s1_pywbem(self):
        """pywbem's WBEMServer finds namespaces, server and profiles"""
        server = self.c.server()
        self.assertIn(server.interop_ns, ("interop", "root/interop"))
        self.assertIn("root/dmreplica", server.namespaces)
        self.assertIn("root/tpd", server.namespaces)
        self.assertTrue(server.brand)
        names = {(server.profile_registered_org(p), p["RegisteredName"]) if hasattr(
            server, "profile_registered_org") else ("SNIA", p["RegisteredName"])
            for p in server.profiles}
        for wanted in ("Array", "Block Services", "Replication Services", "Job Control"):
            self.assertIn(wanted, {n for _, n in names})

    def test_s1_array(self):
        """the Array profile leads to the node's ComputerSystem in its own namespace"""
        systems = self.c.array_systems()
        self.assertEqual(len(systems), 1)
        self.assertEqual(systems[0].path.namespace, client.NAMESPACE)
        self.assertEqual(systems[0]["Name"], self.c.replication["SystemName"])
        self.assertEqual(systems[0]["Name"], self.c.configuration["SystemName"])

    def test_s1_values(self):
        """GetClass of CIM_RegisteredProfile has Values and ValueMap"""
        server = self.c.server()
        cls = self.c.conn.GetClass("CIM_RegisteredProfile", namespace=server.interop_ns,
                                   LocalOnly=False, IncludeQualifiers=True)
        q = cls.properties["RegisteredOrganization"].qualifiers
        self.assertIn("11", q["ValueMap"].value)
        self.assertEqual(len(q["ValueMap"].value), len(q["Values"].value))

    def test_s1_wbemcli(self):
        """wbemcli sees the profiles and the classes"""
        self.assertGreater(len(self.w.names("CIM_RegisteredProfile", namespace="interop")), 2)
        out = self.w.run("gc", "RPL_ReplicationService")
        self.assertIn("CreateGroupReplica", self.w.run("gcd", "RPL_ReplicationService") + out)
        self.assertTrue(self.w.run("ecn", "CIM_ManagedElement"))

    def test_s2_inventory(self):
        """system to pools to capabilities; every pool takes volumes"""
        pools = self.c.pools()
        self.assertIn("fast", pools)
        for p in pools.values():
            self.assertGreater(p["TotalManagedSpace"], 0)
            self.assertLessEqual(p["RemainingManagedSpace"], p["TotalManagedSpace"])
            caps = self.c.conn.Associators(p.path, AssocClass="CIM_ElementCapabilities",
                                           ResultClass="CIM_StorageConfigurationCapabilities")
            self.assertEqual(len(caps), 1, p["ElementName"])
            self.assertIn(3, caps[0]["SupportedStorageElementFeatures"])
        for service in (self.c.replication, self.c.configuration):
            self.assertTrue(self.c.conn.AssociatorNames(
                service, AssocClass="CIM_HostedService", ResultClass="CIM_ComputerSystem"))

    def test_s2_capabilities(self):
        """replication capabilities: clones, no NULL arrays"""
        caps = self.c.conn.Associators(self.c.replication, AssocClass="CIM_ElementCapabilities",
                                       ResultClass="CIM_ReplicationServiceCapabilities")
        self.assertEqual(len(caps), 1)
        self.assertIn(6, caps[0]["SupportedReplicationTypes"])
        self.assertIn(10, caps[0]["SupportedReplicationTypes"])
        self.assertIn(11, caps[0]["SupportedReplicationTypes"])
        for p in caps[0].properties.values():
            if p.is_array and p.name.startswith("Supported"):
                self.assertIsNotNone(p.value, p.name)

    def test_every_class(self):
        """every class of every namespace enumerates, and each instance equals its GetInstance"""
        for ns in self.c.server().namespaces:
            conn = case.connect(namespace=ns).conn
            for cls in conn.EnumerateClassNames(DeepInheritance=True):
                for path in conn.EnumerateInstanceNames(cls):
                    if path.classname != cls:
                        continue
                    with self.subTest(path=str(path)):
                        inst = conn.GetInstance(path, LocalOnly=False)
                        self.assertEqual(inst.path, path)

    def test_namespaces(self):
        """root/tpd shows the same objects with the other prefix; a missing one is code 3"""
        tpd = case.connect(namespace="root/tpd").conn
        paths = tpd.EnumerateInstanceNames("CIM_ReplicationService")
        self.assertEqual([p.classname for p in paths], ["TPD_ReplicationService"])
        with self.refused(pywbem.CIM_ERR_INVALID_NAMESPACE):
            case.connect(namespace="root/none").conn.EnumerateInstanceNames("CIM_ComputerSystem")
