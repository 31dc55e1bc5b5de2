# SPDX-License-Identifier: GPL-2.0-or-later
"""Associations: the four operations agree with each other and with the association instances."""
import pywbem

from prov_agent import Case, Uint16

REF = "reference"


class Walk(Case):
    namespaces = ("root/dmreplica", "interop")

    def populate(self):
        s, t = self.volumes(2, "s"), self.volumes(2, "t")
        source, target = self.group("source", s), self.group("target", t)
        self.call("CreateGroupReplica", 4096, SyncType=Uint16(8), Mode=Uint16(3),
                  SourceGroup=source, TargetGroup=target)
        self.clone(self.volume("single"))

    def associations(self, ns):
        """{class: (role, role)} of the concrete association classes"""
        found = {}
        for n in self.conn.EnumerateClassNames(namespace=ns, DeepInheritance=True):
            cls = self.conn.GetClass(n, namespace=ns, LocalOnly=False)
            roles = [p.name for p in cls.properties.values() if p.type == REF]
            if not n.startswith("CIM_") and "Association" in cls.qualifiers:
                self.assertEqual(len(roles), 2, n)
                found[n] = roles
        return found

    def instances(self, ns):
        """{end: [(class, role, other role, other end, path)]} from the association instances"""
        ends = {}
        for cls, roles in self.associations(ns).items():
            for a in self.conn.EnumerateInstances(cls, namespace=ns):
                self.assertEqual(a.classname, cls)
                for mine, other in (roles, roles[::-1]):
                    ends.setdefault(norm(a[mine]), []).append(
                        (cls, mine, other, norm(a[other]), norm(a.path)))
        return ends

    def test_agree(self):
        """Associators, AssociatorNames, References, ReferenceNames of every object, all filters"""
        self.populate()
        for ns in self.namespaces:
            ends = self.instances(ns)
            self.assertTrue(ends)
            for end, links in ends.items():
                path = restore(end)
                if path.namespace != ns:
                    continue
                with self.subTest(end=end):
                    self.check(path, links)

    def check(self, path, links):
        others = sorted({link[3] for link in links})
        refs = sorted({link[4] for link in links})
        self.assertEqual(others, norms(self.conn.AssociatorNames(path)))
        self.assertEqual(others, norms(i.path for i in self.conn.Associators(path)))
        self.assertEqual(refs, norms(self.conn.ReferenceNames(path)))
        self.assertEqual(refs, norms(i.path for i in self.conn.References(path)))
        for cls, role, other_role in sorted({link[:3] for link in links}):
            some = [link for link in links if link[:3] == (cls, role, other_role)]
            want = sorted({link[3] for link in some})
            for assoc in (cls, "CIM_" + cls.split("_", 1)[1]):
                args = {"AssocClass": assoc, "Role": role, "ResultRole": other_role}
                self.assertEqual(want, norms(self.conn.AssociatorNames(path, **args)), args)
                self.assertEqual(sorted({link[4] for link in some}), norms(
                    self.conn.ReferenceNames(path, ResultClass=assoc, Role=role)), assoc)
            result = restore(want[0]).classname
            self.assertEqual(
                [w for w in want if restore(w).classname == result],
                norms(i.path for i in self.conn.Associators(
                    path, AssocClass=cls, ResultClass=result, Role=role, ResultRole=other_role)))
            self.assertEqual([], self.conn.AssociatorNames(path, AssocClass=cls, Role="Nobody"))

    def test_both_namespaces(self):
        """root/tpd has the same associations with the other prefix"""
        self.populate()
        ours = {cls: len(self.conn.EnumerateInstanceNames(cls))
                for cls in self.associations("root/dmreplica")}
        theirs = {cls.replace("TPD_", "RPL_"):
                  len(self.conn.EnumerateInstanceNames(cls, namespace="root/tpd"))
                  for cls in self.associations("root/tpd")}
        self.assertEqual(ours, theirs)

    def test_tpd_paths(self):
        """no name of the one prefix is ever seen in the namespace of the other"""
        self.populate()
        for cls in self.associations("root/tpd"):
            for inst in self.conn.EnumerateInstances(cls, namespace="root/tpd"):
                text = inst.tomof() + str(inst.path)
                if "interop" not in text:
                    self.assertNotIn("RPL_", text)

    def test_shared_path(self):
        """S7: the path of a relation has both ends, as instance paths with namespace"""
        self.populate()
        for cls, key in (("CIM_StorageSynchronized", "DeviceID"),
                         ("CIM_GroupSynchronized", "InstanceID")):
            paths = self.conn.EnumerateInstanceNames(cls)
            self.assertTrue(paths)
            for p in paths:
                for end in ("SystemElement", "SyncedElement"):
                    self.assertTrue(p[end][key])
                    self.assertEqual(p[end].namespace, "root/dmreplica")


def norm(path):
    p = path.copy()
    p.host = None
    return p.to_wbem_uri(format="canonical")


def norms(paths):
    found = [norm(p) for p in paths]
    assert len(found) == len(set(found)), f"twice in the answer: {found}"
    return sorted(found)


def restore(uri):
    # canonical form is lower case: names compare without case, string values keep theirs
    return pywbem.CIMInstanceName.from_wbem_uri(uri)
