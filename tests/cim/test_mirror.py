#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""smisd's answers against pywbem_mock's: the same classes, qualifiers and instances in the WBEM
server that pywbem brings along, asked the same questions about associations, with every filter
that means something for them. TAP on stdout.
"""
import os
import sys

import pywbem
import pywbem_mock

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import Tap  # noqa: E402
from test_smisd import Node, uri  # noqa: E402

NS = "root/dmreplica"


def local(values):
    """Do all references lead into this namespace?"""
    return all(not isinstance(v, pywbem.CIMInstanceName) or v.namespace == NS for v in values)


class Mirror:
    """A copy of the namespace; associations to other namespaces are left out."""

    def __init__(self, c):
        self.fake = pywbem_mock.FakedWBEMConnection(default_namespace=NS)
        self.fake.add_cimobjects(c.EnumerateQualifiers())
        self.classes = c.EnumerateClasses(DeepInheritance=True, LocalOnly=False,
                                          IncludeQualifiers=True, IncludeClassOrigin=True)
        for cls in self.classes:
            # the mock works out itself what is inherited; methods do not matter, and it
            # fails on parameters of an overridden one
            own = c.GetClass(cls.classname, LocalOnly=True, IncludeQualifiers=True)
            own.methods = {}
            self.fake.add_cimobjects(own)
        self.instances = []
        for cls in self.classes:
            for i in c.EnumerateInstances(cls.classname):
                if i.classname == cls.classname and local(i.values()):
                    i.path.host = None
                    self.instances.append(i)
        self.fake.add_cimobjects(self.instances)


def same(what, got, want):
    """What the server has more leads to other namespaces."""
    got = sorted(uri(p) for p in got if p.namespace == NS and local(p.keybindings.values()))
    want = sorted(uri(p) for p in want)
    assert got == want, f"{what}: {set(got) ^ set(want)}"
    return len(got)


def instances(n, m):
    for cls in m.classes:
        same(cls.classname, n.c.EnumerateInstanceNames(cls.classname),
             m.fake.EnumerateInstanceNames(cls.classname))


def walks(n, m):
    total = 0
    assocs = [c.classname for c in m.classes if "Association" in c.qualifiers and
              c.classname.startswith("RPL_")]
    for i in m.instances:
        p = i.path
        total += same(f"ReferenceNames of {p}", n.c.ReferenceNames(p), m.fake.ReferenceNames(p))
        total += same(f"AssociatorNames of {p}", n.c.AssociatorNames(p),
                      m.fake.AssociatorNames(p))
    for p in (n.volumes[0], n.group, n.pool):
        for assoc in assocs + ["CIM_Dependency"]:
            kw = {"AssocClass": assoc}
            total += same(f"{kw} of {p}", n.c.AssociatorNames(p, **kw),
                          m.fake.AssociatorNames(p, **kw))
            total += same(f"ResultClass {assoc} of {p}",
                          n.c.ReferenceNames(p, ResultClass=assoc),
                          m.fake.ReferenceNames(p, ResultClass=assoc))
        for kw in ({"Role": "Antecedent"}, {"Role": "Dependent"}, {"ResultRole": "antecedent"},
                   {"ResultClass": "CIM_StorageVolume"}, {"ResultClass": "CIM_System"},
                   {"AssocClass": "CIM_Dependency", "Role": "Dependent",
                    "ResultClass": "CIM_StoragePool", "ResultRole": "Antecedent"}):
            total += same(f"{kw} of {p}", n.c.AssociatorNames(p, **kw),
                          m.fake.AssociatorNames(p, **kw))
    assert total > 50, total


def class_walks(n, m):
    for cls in ("CIM_StorageVolume", "CIM_StoragePool"):
        got = {c.classname for c in n.c.ReferenceNames(cls)}
        want = {c.classname for c in m.fake.ReferenceNames(cls)}
        assert got == want, f"{cls}: {got ^ want}"


def main():
    tap, n = Tap(), Node()
    m = Mirror(n.c)
    tap.test("mirror: the same instances", instances, n, m)
    tap.test("mirror: associations of instances", walks, n, m)
    tap.test("mirror: associations of classes", class_walks, n, m)
    tap.test("mirror: smisd ends cleanly, sanitizers silent", n.server.stop)
    tap.end()


if __name__ == "__main__":
    main()
