# SPDX-License-Identifier: GPL-2.0-or-later
"""Classes and instances in general: S1 discovery, S2 inventory, types, paths, both prefixes."""
import pywbem
from pywbem import CIMInstanceName, Uint16, WBEMServer

import schema_facts
from prov_agent import MIB, Case, client


# What the profiles use beside the classes that have instances here, and which root ends the chain.
PROFILE_CLASSES = {
    "Indications": """IndicationService IndicationServiceCapabilities IndicationFilter FilterCollection
        ListenerDestination ListenerDestinationCIMXML AbstractIndicationSubscription
        IndicationSubscription FilterCollectionSubscription InstCreation InstModification InstDeletion
        AlertIndication""",
    "Copy Services": "StorageReplicationCapabilities StorageSynchronized NetworkPipe",
    "Replication Services": """RemoteReplicationCollection ReplicaPoolForStorage ReplicationEntity
        SynchronizationAspect SettingsDefineState ConnectivityCollection SharedSecret""",
    "Block Services": """LogicalDisk BasedOn ConcreteComponent AssociatedRemainingExtent
        StorageSettingsGeneratedFromCapabilities StorageExtent""",
    "Array": """ComponentCS SoftwareIdentity InstalledSoftwareIdentity Product PhysicalPackage
        ComputerSystemPackage ProductPhysicalComponent RemoteServiceAccessPoint
        SAPAvailableForElement""",
    "Job Control": "ConcreteJob MethodResult InstMethodCall Error",
}

# Of CIM, but not here: they are about classes that none of the profiles has (memory, endpoints,
# allocation of resources). With a method go its parameters.
NOT_SERVED = {
    "CIM_LogicalDevice": ["AllocationState"],
    "CIM_StorageConfigurationService": ["CreateOrModifyReplicationPipe()",
                                        "CreateReplicationBuffer()", "ScsiScan()"],
}


def text(value):
    """of a qualifier or a default, as MOF and the table of facts have it"""
    if isinstance(value, list):
        return [text(v) for v in value]
    return str(value).upper() if isinstance(value, bool) else None if value is None else str(value)


def type_of(e):
    if isinstance(e, pywbem.CIMMethod):
        return e.return_type
    return (f"{e.reference_class} REF" if e.reference_class else e.type) + "[]" * bool(e.is_array)


def chain(facts, cls):
    """the class and its superclasses, the nearest first"""
    out = []
    while cls:
        out.append(cls)
        cls = facts[cls][""]["class"]
    return out


class Schema(Case):
    def test_profile_classes(self):
        """every class of the profiles: chain, Version, a Description of each thing, ValueMaps"""
        for profile, names in PROFILE_CLASSES.items():
            for name in names.split():
                cls = self.conn.GetClass(f"CIM_{name}", LocalOnly=False)
                with self.subTest(profile=profile, cls=name):
                    self.assertRegex(cls.qualifiers["Version"].value, r"^\d+\.\d+\.\d+$")
                    for t in [cls, *cls.properties.values(), *cls.methods.values()]:
                        self.assertTrue(t.qualifiers["Description"].value, t)
                    top = cls
                    while top.superclass:
                        top = self.conn.GetClass(top.superclass, LocalOnly=True)
        c = self.conn.GetClass("CIM_StorageReplicationCapabilities", LocalOnly=False)
        self.assertEqual(c.properties["SupportedSynchronizationType"].qualifiers["ValueMap"].value,
                         ["2", "3", "4", "5", "6", "..", "32768..65535"])
        c = self.conn.GetClass("CIM_IndicationSubscription", LocalOnly=False)
        self.assertEqual(c.properties["Filter"].reference_class, "CIM_IndicationFilter")
        self.assertTrue(c.properties["Filter"].qualifiers["Key"].value)
        self.assertTrue(c.qualifiers["Association"].value)

    def classes(self, namespace):
        return self.conn.EnumerateClassNames(namespace=namespace, DeepInheritance=True)

    def test_superclasses(self):
        """every class has its chain of superclasses, to one without"""
        for ns in ("root/dmreplica", "root/tpd", "interop"):
            names = set(self.classes(ns))
            for n in names:
                cls = self.conn.GetClass(n, namespace=ns, LocalOnly=True)
                if cls.superclass:
                    self.assertIn(cls.superclass, names, n)

    def all_elements(self, name, namespace=None):
        """(name, element) of all that the class declares itself, as in the table of facts"""
        cls = self.conn.GetClass(name, namespace=namespace, LocalOnly=True)
        yield "", cls
        for p in cls.properties.values():
            yield p.name, p
        for m in cls.methods.values():
            yield m.name + "()", m
            for p in m.parameters.values():
                yield f"{m.name}().{p.name}", p

    def test_facts(self):
        """classes have the elements, types and qualifiers that the CIM schema has, and no others"""
        facts = schema_facts.load()
        where = {n: ns for ns in ("interop", "root/dmreplica") for n in self.classes(ns)
                 if n.startswith("CIM_")}
        self.assertEqual(set(where), set(facts))
        for cls, ns in sorted(where.items()):
            elements = dict(self.all_elements(cls, ns))
            want = {e for e in facts[cls] if e.split(".")[0] not in NOT_SERVED.get(cls, ())}
            with self.subTest(cls=cls):
                self.assertEqual(set(elements), want)
                self.assertEqual(elements[""].superclass or "", facts[cls][""]["class"])
            for name, element in elements.items():
                with self.subTest(element=f"{cls}.{name}"):
                    self.compare(cls, name, element, facts)

    def compare(self, cls, name, element, facts):
        want = {k: v for k, v in facts[cls][name].items() if k not in ("class", "is", "default")}
        got = {k: text(q.value) for k, q in element.qualifiers.items() if k != "Description"}
        # what holds anyway may be said again
        if "In" not in want and got.get("In") == "TRUE":
            del got["In"]
        if "Key" not in want and "Key" in got:
            self.assertTrue(any("Key" in facts[c].get(name, {}) for c in chain(facts, cls)))
            del got["Key"]
        if "ValueMap" not in want and "ValueMap" in got:
            self.assertIn((got.pop("ValueMap"), got.pop("Values")), self.maps_of(want, facts))
        self.assertEqual(got, want)
        if name:
            self.assertEqual(type_of(element), facts[cls][name]["is"])
            defaults = [facts[c][name]["default"] for c in chain(facts, cls)
                        if "default" in facts[c].get(name, {})]
            self.assertEqual(text(getattr(element, "value", None)), (defaults or [None])[0])

    def maps_of(self, want, facts):
        """the value maps of what the element corresponds to: those it may have beside CIM"""
        for other in want.get("ModelCorrespondence", ["CIM_StorageConfigurationService.CreateReplica()"
                                                      ".CopyType"]):
            cls, _, name = other.partition(".")
            found = facts.get(cls, {}).get(name, {})
            if "ValueMap" in found:
                yield found["ValueMap"], found["Values"]

    def test_not_offered(self):
        """what CIM has for other kinds of storage is answered with 1 Not Supported"""
        self.volume()
        goal = "CreateGoalSettings"
        service = "StartService StopService"
        for ns, cls, methods in (
                (None, "CIM_StorageVolume", "SetPowerState Reset EnableDevice OnlineDevice "
                 "QuiesceDevice SaveProperties RestoreProperties"),
                (None, "CIM_ComputerSystem", "SetPowerState"),
                (None, "CIM_ReplicationService", service),
                (None, "CIM_StorageConfigurationService", service + " CreateElementsFromStoragePools"),
                (None, "CIM_ReplicationServiceCapabilities", goal),
                (None, "CIM_StorageConfigurationCapabilities", goal),
                (None, "CIM_StorageCapabilities", goal + " GetSupportedParityLayouts "
                 "GetSupportedStripeDepthRange GetSupportedStripeDepths "
                 "GetSupportedStripeLengthRange GetSupportedStripeLengths"),
                ("interop", "CIM_RegisteredProfile", "OpenConformantInstances"),
                ("interop", "CIM_ObjectManager", service), ("interop", "CIM_WBEMServer", service)):
            path = self.conn.EnumerateInstanceNames(cls, namespace=ns)[0]
            for m in methods.split():
                with self.subTest(cls=cls, method=m):
                    self.assertEqual(self.conn.InvokeMethod(m, path)[0], 1)

    def test_overrides(self):
        """what our classes declare again has the value maps of what it overrides"""
        facts = schema_facts.load()
        seen = 0
        for name in self.classes("root/dmreplica"):
            if name.startswith("CIM_"):
                continue
            above = name
            while not above.startswith("CIM_"):
                above = self.conn.GetClass(above, LocalOnly=True).superclass
            cim = {e: q for c in reversed(chain(facts, above)) for e, q in facts[c].items()}
            for e, element in self.all_elements(name):
                if "ValueMap" in element.qualifiers and "ValueMap" in cim[e]:
                    seen += 1
                    for q in ("ValueMap", "Values"):
                        self.assertEqual(text(element.qualifiers[q].value), cim[e][q], f"{name}.{e}")
        self.assertGreater(seen, 10)

    def test_value_maps(self):
        """ValueMap and Values are of the same length; no string has a line break in it"""
        for n in self.classes("root/dmreplica"):
            for e, element in self.all_elements(n):
                q = element.qualifiers
                if "ValueMap" in q and "Values" in q:
                    self.assertEqual(len(q["ValueMap"].value), len(q["Values"].value), f"{n}.{e}")
                    self.assertFalse([v for v in q["Values"].value if set(v) & set("\n\t")], n)

    def test_value_map_tails(self):
        """a ValueMap of numbers has the ranges of DMTF and vendors, unless CIM has it without"""
        facts = schema_facts.load()
        for n in self.classes("root/dmreplica"):
            for e, element in self.all_elements(n):
                if "ValueMap" in element.qualifiers:
                    numbers = element.qualifiers["ValueMap"].value
                    if not any(".." in v for v in numbers):
                        complete = facts.get(n, {}).get(e, {}).get("ValueMap")
                        self.assertEqual(numbers, complete, f"{n}.{e}")
        values = pywbem.ValueMapping.for_property(self.conn, "root/dmreplica", "CIM_ConcreteJob",
                                                  "JobState")
        self.assertEqual([values.tovalues(n) for n in (7, 13, 32767, 32768)],
                         ["Completed", "DMTF Reserved", "DMTF Reserved", "Vendor Reserved"])
        values = pywbem.ValueMapping.for_property(self.conn, "root/dmreplica", "CIM_Synchronized",
                                                  "SyncType")
        self.assertEqual([values.tovalues(n) for n in (0, 8, 10, 32768)],
                         ["DMTF Reserved", "Clone", "DMTF Reserved", "Vendor Specific"])

    def test_prefixes(self):
        """root/tpd has the classes of root/dmreplica with the other prefix, and no others"""
        ours = {n.replace("RPL_", "TPD_") for n in self.classes("root/dmreplica")}
        self.assertEqual(ours, set(self.classes("root/tpd")))

    def test_jobs_parameter(self):
        """CreateGroupReplica has the additions Jobs and Synchronizations, as references"""
        cls = self.conn.GetClass("RPL_ReplicationService", LocalOnly=False)
        for method in ("CreateGroupReplica", "CreateGroupReplicaFromElements"):
            for name, of in (("Jobs", "CIM_ConcreteJob"), ("Synchronizations", "CIM_Synchronized")):
                p = cls.methods[method].parameters[name]
                self.assertTrue(p.is_array)
                self.assertEqual((p.type, p.reference_class), ("reference", of))
                self.assertFalse(p.qualifiers["In"].value)
                self.assertTrue(p.qualifiers["Out"].value)


class Server(Case):
    def test_namespaces(self):
        """CIM_Namespace names every namespace, and each answers"""
        for interop in ("interop", "root/interop"):
            names = {n["Name"] for n in self.conn.EnumerateInstances("CIM_Namespace",
                                                                     namespace=interop)}
            self.assertEqual(names, {"interop", "root/interop", "root/dmreplica", "root/tpd"})
            for n in names:
                self.conn.EnumerateClassNames(namespace=n)
        with self.raises(pywbem.CIM_ERR_INVALID_NAMESPACE):
            self.conn.EnumerateInstances("CIM_Namespace", namespace="root/PG_Interop")

    def test_object_manager(self):
        """exactly one, with what the Server profile wants, tied to namespaces and protocol"""
        found = self.conn.EnumerateInstances("CIM_ObjectManager", namespace="interop")
        self.assertEqual(len(found), 1)
        m = found[0]
        for p in ("SystemCreationClassName", "SystemName", "CreationClassName", "Name",
                  "ElementName", "Description", "OperationalStatus", "Started"):
            self.assertIsNotNone(m[p], p)
        names = self.conn.Associators(m.path, AssocClass="CIM_NamespaceInManager",
                                      ResultClass="CIM_Namespace")
        self.assertEqual(len(names), 4)
        self.assertTrue(all(n["ClassType"] == 2 and n["ClassInfo"] is not None for n in names))
        how = self.conn.Associators(m.path, AssocClass="CIM_CommMechanismForManager",
                                    ResultClass="CIM_ObjectManagerCommunicationMechanism")
        self.assertEqual(len(how), 1)
        self.assertEqual(how[0]["CommunicationMechanism"], 2)
        self.assertEqual(how[0]["AuthenticationMechanismsSupported"], [3])
        self.assertFalse(how[0]["MultipleOperationsSupported"])
        self.assertIn(2, how[0]["FunctionalProfilesSupported"])
        systems = self.conn.AssociatorNames(m.path, AssocClass="CIM_HostedService",
                                            ResultClass="CIM_ComputerSystem")
        self.assertEqual([s.namespace for s in systems], ["root/dmreplica"])

    def test_wbem_server(self):
        """the server as newer clients know it: the same namespaces, the system"""
        found = self.conn.EnumerateInstances("CIM_WBEMServer", namespace="interop")
        old = self.conn.EnumerateInstances("CIM_ObjectManager", namespace="interop")[0]
        self.assertEqual([i.classname for i in found], ["RPL_WBEMServer"])
        m = found[0]
        for p in ("SystemName", "Name", "ElementName", "Description", "OperationalStatus"):
            self.assertEqual(m[p], old[p], p)
        there = self.conn.EnumerateInstanceNames("CIM_WBEMServer", namespace="root/interop")
        self.assertEqual([p.keybindings for p in there], [m.path.keybindings])
        spaces = self.conn.Associators(m.path, AssocClass="CIM_HostedDependency",
                                       ResultClass="CIM_WBEMServerNamespace")
        self.assertEqual({n["Name"] for n in spaces}, {n["Name"] for n in self.conn.Associators(
            old.path, AssocClass="CIM_NamespaceInManager")})
        for n in spaces:
            self.assertEqual(self.conn.GetInstance(n.path)["Name"], n["Name"])
            schemas = {s["Name"]: s for s in n["SchemaInformation"]}
            own = "TPD" if n["Name"] == "root/tpd" else "RPL"
            self.assertEqual(set(schemas), {"CIM", own})
            self.assertEqual(schemas["CIM"]["Version"], "2.49.0")
            self.assertEqual({s.classname for s in schemas.values()},
                             {"CIM_SchemaInformationStructure"})
            self.same(self.conn.AssociatorNames(n.path, ResultClass="CIM_WBEMServer"), [m.path])
        systems = self.conn.AssociatorNames(m.path, AssocClass="CIM_HostedService")
        self.assertEqual([(s.namespace, s.classname) for s in systems],
                         [("root/dmreplica", "RPL_ComputerSystem")])
        self.same(self.conn.AssociatorNames(systems[0], AssocClass="CIM_HostedService",
                                            ResultClass="CIM_WBEMServer"), [m.path])
        with self.raises(pywbem.CIM_ERR_METHOD_NOT_AVAILABLE):
            self.conn.InvokeMethod("CreateWBEMServerNamespace", m.path, NamespaceTemplate=spaces[0])
        with self.raises(pywbem.CIM_ERR_INVALID_CLASS):
            self.conn.EnumerateInstances("CIM_WBEMServer", namespace="root/dmreplica")

    def test_indication_classes(self):
        """what clients make to subscribe is known in interop, and there is none of it yet"""
        for name in PROFILE_CLASSES["Indications"].split():
            cls = self.conn.GetClass(f"CIM_{name}", namespace="interop", LocalOnly=False)
            self.assertTrue(cls.qualifiers["Description"].value)
            self.assertEqual(self.conn.EnumerateInstanceNames(f"CIM_{name}", namespace="interop"),
                             [])

    def test_pywbem_server(self):
        """WBEMServer: brand, version, profiles, central instances of each"""
        server = WBEMServer(self.conn)
        self.assertEqual(server.interop_ns, "interop")
        self.assertTrue(server.version)
        found = {p["RegisteredName"]: p for p in server.profiles}
        self.assertEqual(set(found), {"SMI-S", "Server", "Array", "Block Services",
                                      "Replication Services", "Job Control"})
        for p in found.values():
            self.assertEqual(p["RegisteredOrganization"], 11)
            self.assertGreaterEqual(tuple(map(int, p["RegisteredVersion"].split("."))), (1, 4))

        def central(name):
            return server.get_central_instances(found[name].path)
        self.assertEqual([i.classname for i in central("Array")], ["RPL_ComputerSystem"])
        self.assertEqual([i.classname for i in central("Server")], ["RPL_ObjectManager"])
        self.assertEqual([i.classname for i in central(
            "Replication Services")], ["RPL_ReplicationService"])
        self.assertEqual([i.classname for i in central("Block Services")], ["RPL_StoragePool"] * 3)
        self.assertEqual({i.classname for i in central("SMI-S")}, {"RPL_RegisteredProfile"})

    def test_job_control(self):
        """Job Control: its central instances are the jobs of the replication service"""
        v = self.volume()
        self.clone(v)
        server = WBEMServer(self.conn)
        path = server.get_selected_profiles("SNIA", "Job Control")[0].path
        jobs = server.get_central_instances(path)
        self.assertTrue(jobs)
        rc, out = self.conn.InvokeMethod("GetCentralInstances", path)
        self.assertEqual(rc, 0)
        self.assertEqual(len(out["CentralInstances"]), len(jobs))

    def test_s1_lsm(self):
        """S1 as libstoragemgmt: profiles by property list, Array to the system's namespace"""
        want = ["RegisteredName", "RegisteredVersion", "RegisteredOrganization"]
        profiles = self.conn.EnumerateInstances("CIM_RegisteredProfile", namespace="interop",
                                                PropertyList=want, LocalOnly=False)
        for p in profiles:
            self.assertEqual(sorted(p.keys()), sorted(want))
        array = [p for p in profiles if p["RegisteredName"] == "Array"][0]
        systems = self.conn.Associators(
            array.path, AssocClass="CIM_ElementConformsToProfile", ResultClass="CIM_ComputerSystem",
            PropertyList=["Name", "ElementName", "OperationalStatus"])
        self.assertEqual([s.path.namespace for s in systems], ["root/dmreplica"])
        self.assertTrue(systems[0]["ElementName"])
        self.assertEqual(systems[0]["OperationalStatus"], [2])
        back = self.conn.AssociatorNames(systems[0].path, ResultClass="CIM_RegisteredProfile",
                                         AssocClass="CIM_ElementConformsToProfile")
        self.assertEqual([(b.namespace, b["InstanceID"]) for b in back],
                         [("interop", "SNIA:Array")])


class Inventory(Case):
    def test_s2(self):
        """S2: pools of the system, volumes of a pool, capabilities, space consumed"""
        v = self.volume(mib=32)
        system = self.c.one("CIM_ComputerSystem")
        pools = self.conn.Associators(
            system, AssocClass="CIM_HostedStoragePool", ResultClass="CIM_StoragePool",
            PropertyList=["InstanceID", "ElementName", "TotalManagedSpace",
                          "RemainingManagedSpace", "Usage", "OperationalStatus", "Primordial"])
        self.assertEqual(sorted(p["Primordial"] for p in pools), [False, False, True])
        fast = [p for p in pools if p["ElementName"] == "fast"][0]
        self.assertEqual((fast["Usage"], fast["OperationalStatus"]), (2, [2]))
        volumes = self.conn.Associators(
            fast.path, AssocClass="CIM_AllocatedFromStoragePool", ResultClass="CIM_StorageVolume",
            PropertyList=["ElementName", "NameFormat", "NameNamespace", "BlockSize",
                          "NumberOfBlocks", "Name", "OtherIdentifyingInfo", "SystemName",
                          "IdentifyingDescriptions", "Usage", "DeviceID"])
        mine = [x for x in volumes if x["DeviceID"] == v["DeviceID"]][0]
        self.assertEqual((mine["NameFormat"], mine["NameNamespace"]), (9, 2))
        self.assertRegex(mine["Name"], "^3[0-9A-F]{15}$")
        at = mine["IdentifyingDescriptions"].index("NAA;VPD83Type3")
        self.assertEqual(mine["OtherIdentifyingInfo"][at], mine["Name"])
        self.assertEqual(mine["BlockSize"] * mine["NumberOfBlocks"], 32 * MIB)
        self.assertEqual(mine["SystemName"], self.conn.GetInstance(system)["Name"])
        refs = self.conn.References(v, ResultClass="CIM_AllocatedFromStoragePool",
                                    Role="Dependent")
        self.assertEqual([r["SpaceConsumed"] for r in refs], [32 * MIB])
        for p in pools:
            caps = self.conn.Associators(p.path, AssocClass="CIM_ElementCapabilities",
                                         ResultClass="CIM_StorageConfigurationCapabilities")
            self.assertEqual(len(caps), 1)
            self.assertEqual(3 in caps[0]["SupportedStorageElementFeatures"], not p["Primordial"])
        above = self.conn.AssociatorNames(fast.path, AssocClass="CIM_AllocatedFromStoragePool",
                                          ResultClass="CIM_StoragePool")
        self.assertEqual(len(above), 1)

    def test_no_null_arrays(self):
        """array properties of capabilities are never NULL"""
        for inst in self.conn.EnumerateInstances("CIM_Capabilities"):
            if "StorageCapabilities" in inst.classname:
                continue
            cls = self.conn.GetClass(inst.classname, LocalOnly=False)
            for p in cls.properties.values():
                if p.is_array and p.name != "ComponentSetting":
                    self.assertIsNotNone(inst.get(p.name), f"{inst.classname}.{p.name}")

    def test_system_names(self):
        """SystemName is the node's name wherever it occurs, in instances and paths"""
        self.volume()
        name = self.c.one("CIM_ComputerSystem")["Name"]
        for cls in ("CIM_StorageVolume", "CIM_Service"):
            for inst in self.conn.EnumerateInstances(cls):
                self.assertEqual((inst["SystemName"], inst.path["SystemName"]), (name, name))

    def test_setting(self):
        """each volume has one setting, the one that the pool's capabilities lead to"""
        v = self.volume()
        setting = self.conn.AssociatorNames(v, AssocClass="CIM_ElementSettingData",
                                            ResultClass="CIM_StorageSetting")
        self.assertEqual(len(setting), 1)
        pool = self.c.pools()["fast"]
        caps = self.conn.AssociatorNames(pool.path, ResultClass="CIM_StorageCapabilities")
        self.assertEqual(len(caps), 1)
        out = self.call("CreateSetting", 0, caps[0], SettingType=Uint16(3))
        self.same([out["NewSetting"]], setting)
        self.refuse("CreateSetting", 5, caps[0])
        self.refuse("CreateSetting", 5, caps[0], SettingType=Uint16(1))
        self.assertEqual(self.conn.GetInstance(setting[0])["ChangeableType"], 0)

    def test_sizes(self):
        """GetSupportedSizeRange for volumes; the smallest and a crooked size work"""
        pool = self.c.pools()["fast"].path
        out = self.call("GetSupportedSizeRange", 0, pool, ElementType=Uint16(3))
        self.assertGreater(out["MaximumVolumeSize"], out["MinimumVolumeSize"])
        self.call("GetSupportedSizeRange", 3, pool, ElementType=Uint16(5))
        self.call("GetSupportedSizes", 2, pool, ElementType=Uint16(3))
        self.call("GetAvailableExtents", 1, pool)
        primordial = [p.path for p in self.conn.EnumerateInstances("CIM_StoragePool")
                      if p["Primordial"]][0]
        self.call("GetSupportedSizeRange", 1, primordial, ElementType=Uint16(3))
        small = self.c.create_volume(self.name("small"), int(out["MinimumVolumeSize"]), "fast")
        v = self.conn.GetInstance(small)
        self.assertEqual(v["BlockSize"] * v["ConsumableBlocks"], out["MinimumVolumeSize"])
        odd = self.c.create_volume(self.name("odd"), int(out["MinimumVolumeSize"]) + 1, "fast")
        v = self.conn.GetInstance(odd)
        size = v["BlockSize"] * v["ConsumableBlocks"]
        self.assertEqual(size % out["VolumeSizeDivisor"], 0)
        self.assertGreater(size, out["MinimumVolumeSize"])

    def test_modify_volume(self):
        """ModifyInstance renames a volume; other properties cannot be changed"""
        path = self.volume()
        v = self.conn.GetInstance(path, LocalOnly=False)
        v["ElementName"] = self.name("new")
        v["Description"] = "for the test"
        self.conn.ModifyInstance(v)
        v = self.conn.GetInstance(path)
        self.assertEqual((v["ElementName"], v["Description"]), (self.name("new"), "for the test"))
        other = self.volume("w")
        v["ElementName"] = self.name("w")
        with self.raises(pywbem.CIM_ERR_ALREADY_EXISTS):
            self.conn.ModifyInstance(v, PropertyList=["ElementName"])
        self.assertEqual(self.conn.GetInstance(other)["ElementName"], self.name("w"))
        v = self.conn.GetInstance(path, LocalOnly=False)
        v["EnabledDefault"] = Uint16(3)
        with self.raises(pywbem.CIM_ERR_NOT_SUPPORTED):
            self.conn.ModifyInstance(v, PropertyList=["EnabledDefault"])

    def test_other_keys(self):
        """a path with one wrong key names nothing"""
        path = self.volume()
        for key in ("SystemName", "SystemCreationClassName", "CreationClassName", "DeviceID"):
            p = path.copy()
            p[key] = "wrong"
            with self.raises(pywbem.CIM_ERR_NOT_FOUND):
                self.conn.GetInstance(p)
        p = CIMInstanceName("RPL_ReplicationGroup", {"InstanceID": "RPL:Group:none"},
                            namespace=client.NAMESPACE)
        with self.raises(pywbem.CIM_ERR_NOT_FOUND):
            self.conn.GetInstance(p)


class InventoryTpd(Inventory):
    """The same by the other prefix."""

    namespace = "root/tpd"
    test_other_keys = None
