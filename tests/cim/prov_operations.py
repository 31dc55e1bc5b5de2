# SPDX-License-Identifier: GPL-2.0-or-later
"""Operations by their names: those that change the schema are refused, SetProperty and ExecQuery work."""
import pywbem
from pywbem import CIMClass, CIMInstanceName, CIMProperty, CIMQualifierDeclaration, Uint16

from prov_agent import Case

NEW_CLASS = CIMClass("RPL_New", superclass="CIM_ManagedElement",
                     properties=[CIMProperty("Color", None, "string")])
SCHEMA_OPERATIONS = {
    "CreateClass": {"NewClass": NEW_CLASS},
    "ModifyClass": {"ModifiedClass": NEW_CLASS},
    "DeleteClass": {"ClassName": pywbem.CIMClassName("RPL_StorageVolume")},
    "SetQualifier": {"QualifierDeclaration": CIMQualifierDeclaration("Color", "string")},
    "DeleteQualifier": {"QualifierName": "Key"},
}


class Operations(Case):
    def send(self, operation, namespace=None, **params):
        """as it is, without what pywbem checks and converts for each operation"""
        return self.conn._imethodcall(operation, namespace or self.conn.default_namespace,
                                      has_return_value=False, **params)

    def code(self, operation, namespace=None, **params):
        with self.assertRaises(pywbem.CIMError) as e:
            self.send(operation, namespace, **params)
        return e.exception.status_code

    def test_schema(self):
        """CreateClass, ModifyClass, DeleteClass, SetQualifier, DeleteQualifier: 7, nothing changes"""
        for ns in (self.conn.default_namespace, "interop"):
            before = self.conn.EnumerateClassNames(namespace=ns, DeepInheritance=True)
            types = self.conn.EnumerateQualifiers(namespace=ns)
            for name, params in SCHEMA_OPERATIONS.items():
                with self.subTest(name, namespace=ns):
                    self.assertEqual(self.code(name, ns, **params), 7)
                    self.assertEqual(self.code(name.lower(), ns, **params), 7)
                    self.assertEqual(self.code(name, ns), 7, "whatever its parameters are")
                    self.assertEqual(self.code(name, "root/none", **params), 3)
            self.assertEqual(self.conn.EnumerateClassNames(namespace=ns, DeepInheritance=True),
                             before)
            self.assertEqual(self.conn.EnumerateQualifiers(namespace=ns), types)

    def test_no_operation(self):
        """a name that DSP0200 does not have is 7 too, a method as an operation as well"""
        for name in ("GetInstances", "ExecuteQuery", "CreateElementReplica", "Get Instance", "x" * 200):
            self.assertEqual(self.code(name), 7, name)

    def test_set_property(self):
        """SetProperty: a name is set; each mistake has its own code"""
        v = self.volume()
        path = CIMInstanceName(v.classname, v.keybindings)

        def code(path=path, prop="ElementName", **value):
            return self.code("SetProperty", InstanceName=path, PropertyName=prop, **value)
        self.send("SetProperty", InstanceName=path, PropertyName="elementname",
                  NewValue=self.name("set"))
        self.assertEqual(self.conn.GetInstance(v)["ElementName"], self.name("set"))
        with self.unchanged():
            self.assertEqual(code(prop="Color", NewValue="red"), 12)
            self.assertEqual(code(prop="DeviceID", NewValue="x"), 7)
            self.assertEqual(code(prop="NumberOfBlocks", NewValue=Uint16(1)), 7)
            self.assertEqual(code(NewValue=["a", "b"]), 13)
            self.assertEqual(code(CIMInstanceName("RPL_None", {"A": "x"}), NewValue="x"), 5)
            wrong = path.copy()
            wrong["DeviceID"] = "none"
            self.assertEqual(code(wrong, NewValue="x"), 6)
            self.assertEqual(self.code("SetProperty", InstanceName=path, NewValue="x"), 4)
            self.assertEqual(self.code("SetProperty", PropertyName="ElementName", NewValue="x"), 4)
            self.assertEqual(self.code("SetProperty", "root/none", InstanceName=path,
                                       PropertyName="ElementName", NewValue="x"), 3)
        self.assertEqual(self.conn.GetInstance(v)["ElementName"], self.name("set"))

    def modify(self, path, props, listed=None):
        """ModifyInstance of these properties, as they are"""
        inst = pywbem.CIMInstance(path.classname, properties=props, path=path)
        self.conn.ModifyInstance(inst, PropertyList=listed)
        return self.conn.GetInstance(path)

    def test_modify_null(self):
        """ModifyInstance: NULL, and what is listed and left out, is set or refused"""
        name = {p: CIMProperty(p, None, "string") for p in ("ElementName", "Description")}
        for path in (self.volume(), self.group("g")):
            before = self.conn.GetInstance(path)
            text = {"Description": "some text"}
            self.assertEqual(self.modify(path, text, ["Description"])["Description"], "some text")
            for props, listed in (([name["Description"]], ["Description"]),
                                  ([name["Description"]], None), ([], ["Description"])):
                self.modify(path, text)
                self.assertIsNone(self.modify(path, props, listed)["Description"], (props, listed))
            self.modify(path, text)
            for props, listed in (([name["ElementName"]], ["ElementName"]),
                                  ([name["ElementName"]], None), ([], ["ElementName"]),
                                  ([name["Description"], name["ElementName"]], None),
                                  ([], ["Description", "ElementName"])):
                with self.raises(pywbem.CIM_ERR_INVALID_PARAMETER) as e:
                    self.modify(path, props, listed)
                self.assertIn("ElementName cannot be NULL", str(e.exception))
            now = self.conn.GetInstance(path)
            self.assertEqual((now["ElementName"], now["Description"]),
                             (before["ElementName"], "some text"))
            with self.raises(pywbem.CIM_ERR_INVALID_PARAMETER):
                self.modify(path, [], ["Caption"])
            self.modify(path, [], [])
            self.modify(path, now.properties.values())
            self.assertEqual(self.conn.GetInstance(path), now)
            self.send("SetProperty", InstanceName=CIMInstanceName(path.classname, path.keybindings),
                      PropertyName="Description")
            self.assertIsNone(self.conn.GetInstance(path)["Description"])

    def test_modify_type(self):
        """ModifyInstance: a property of another type than the class says"""
        v = self.volume()
        before = self.conn.GetInstance(v)
        for wrong in (CIMProperty("ElementName", Uint16(5)), CIMProperty("ElementName", True),
                      CIMProperty("ElementName", ["a"]), CIMProperty("ElementName", v)):
            with self.raises(pywbem.CIM_ERR_INVALID_PARAMETER) as e:
                self.modify(v, [wrong], ["ElementName"])
            self.assertIn("ElementName is of type string", str(e.exception))
        self.assertEqual(self.conn.GetInstance(v), before)

    def test_modify_job(self):
        """ModifyInstance of a job: nothing of it can be NULL; the default of what is left out"""
        job = self.clone(self.volume(mib=1024))["Job"]
        for p, t in (("DeleteOnCompletion", "boolean"), ("TimeBeforeRemoval", "datetime")):
            with self.raises(pywbem.CIM_ERR_INVALID_PARAMETER):
                self.modify(job, [CIMProperty(p, None, t)])
        hour = pywbem.CIMDateTime("00000000010000.000000:000")
        self.assertEqual(self.modify(job, {"TimeBeforeRemoval": hour})["TimeBeforeRemoval"], hour)
        self.assertEqual(str(self.modify(job, [], ["TimeBeforeRemoval"])["TimeBeforeRemoval"]),
                         "00000000000500.000000:000")

    def test_bad_embedded(self):
        """an embedded instance that is none: the same error with and without EmbeddedObject"""
        v = self.volume()
        texts = ("x", "<INSTANCE/>", "<CLASS NAME='A'/>", "<INSTANCE CLASSNAME='A'><X/></INSTANCE>",
                 "<INSTANCE CLASSNAME='RPL_None'/>",
                 "<INSTANCE CLASSNAME='CIM_ReplicationSettingData'><PROPERTY NAME='ReadOnly' "
                 "TYPE='string'><VALUE>3</VALUE></PROPERTY></INSTANCE>")
        with self.unchanged():
            for text in texts:
                for attr in (None, "instance"):
                    bad = pywbem.CIMParameter("ReplicationSettingData", "string", value=text)
                    bad._embedded_object = attr  # pywbem would look at the value
                    with self.subTest(text, attr=attr), \
                            self.raises(pywbem.CIM_ERR_INVALID_PARAMETER) as e:
                        self.conn.InvokeMethod("CreateElementReplica", self.c.replication,
                                               [("SyncType", Uint16(8)), ("SourceElement", v), bad])
                    self.assertIn("ReplicationSettingData", str(e.exception))

    def test_exec_query(self):
        """ExecQuery: an answer, a language that is not known, a query that is none, no query"""
        v = self.volume()
        query = f"SELECT * FROM CIM_StorageVolume WHERE DeviceID = '{v['DeviceID']}'"
        for language in ("DMTF:CQL", "WQL"):
            found = self.conn.ExecQuery(language, query)
            self.assertEqual([i["DeviceID"] for i in found], [v["DeviceID"]])
        self.assertEqual(self.code("ExecQuery", QueryLanguage="SQL", Query=query), 14)
        self.assertEqual(self.code("ExecQuery", QueryLanguage="WQL", Query="SELECT"), 15)
        self.assertEqual(self.code("ExecQuery", QueryLanguage="WQL"), 4)
        self.assertEqual(self.code("ExecQuery", Query=query), 4)
        self.assertEqual(self.code("ExecQuery", "root/none", QueryLanguage="WQL", Query=query), 3)
