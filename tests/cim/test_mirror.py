#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""smisd's answers against pywbem_mock's: the same classes, qualifiers and instances in the WBEM
server that pywbem brings along, asked the same questions about associations, with every filter
that means something for them. Of root/dmreplica and of interop, with volumes, a clone, a snapshot, a
group and its copy, and their jobs. TAP on stdout.
"""
import os
import sys

import pywbem
import pywbem_mock
import pywbem_mock._inmemoryrepository
from pywbem import Uint16

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import Tap, wait_for  # noqa: E402
from test_smisd import Node, uri  # noqa: E402

NAMESPACES = ("root/dmreplica", "interop")

# The mock makes a deep copy of every instance for every answer; their own copy is deep enough.
pywbem_mock._inmemoryrepository.deepcopy = lambda obj: obj.copy()


def populate(n):
    """Copies of every kind; they have ended, so that nothing changes by itself any more."""
    def replica(method, **args):
        rc, out = n.call(method, n.repl, **args)
        assert rc in (0, 4096), (method, rc)
        return out
    setting = pywbem.CIMInstance("CIM_ReplicationSettingData", {"TargetElementSupplier": Uint16(2)})
    jobs = [replica("CreateElementReplica", SyncType=Uint16(8), Mode=Uint16(3),
                    SourceElement=n.volumes[0], ElementName="clone",
                    ReplicationSettingData=setting)["Job"]]
    replica("CreateElementReplica", SyncType=Uint16(7), SourceElement=n.volumes[1],
            ElementName="snapshot")
    jobs.append(replica("CreateGroupReplica", SyncType=Uint16(8), Mode=Uint16(3),
                        SourceGroup=n.group, RelationshipName="copy")["Job"])
    for job in jobs:
        wait_for("the job ends", lambda j=job: n.c.GetInstance(j)["JobState"] == 7)
    wait_for("the simulated hosts have overwritten all that the snapshot has", lambda: all(
        i["SpaceConsumed"] >= 16 << 20 for i in
        n.c.EnumerateInstances("CIM_AllocatedFromStoragePool")))


class Mirror:
    """A copy of a namespace; associations to other namespaces are left out."""

    def __init__(self, n, ns):
        self.ns, self.real = ns, n.connect(ns=ns)
        self.fake = pywbem_mock.FakedWBEMConnection(default_namespace=ns)
        self.fake.add_cimobjects(self.real.EnumerateQualifiers())
        self.classes = self.real.EnumerateClasses(DeepInheritance=True, LocalOnly=False,
                                                  IncludeQualifiers=True, IncludeClassOrigin=True)
        for cls in self.classes:
            # the mock works out itself what is inherited; methods do not matter, and it
            # fails on parameters of an overridden one
            own = self.real.GetClass(cls.classname, LocalOnly=True, IncludeQualifiers=True)
            own.methods = {}
            self.fake.add_cimobjects(own)
        self.instances = []
        for cls in self.classes:
            for i in self.real.EnumerateInstances(cls.classname):
                if i.classname == cls.classname and self.local(i.values()):
                    i.path.host = None
                    self.instances.append(i)
        self.fake.add_cimobjects(self.instances)
        self.assocs = [c.classname for c in self.classes if "Association" in c.qualifiers]

    def local(self, values):
        """Do all references lead into this namespace?"""
        return all(not isinstance(v, pywbem.CIMInstanceName) or v.namespace == self.ns
                   for v in values)

    def one_of_each(self):
        """A path of every class that is no association: the one with the most around it."""
        found = {}
        for i in self.instances:
            if i.classname not in self.assocs:
                found.setdefault(i.classname, []).append(i.path)
        return [max(paths, key=lambda p: len(self.fake.ReferenceNames(p)))
                for paths in found.values()]

    def same(self, operation, path, **filters):
        """The names, and the instances with all their values. What the server has more leads to
        other namespaces."""
        what = f"{operation} of {path} {filters}"
        names = getattr(self.real, {"Associators": "AssociatorNames",
                                    "References": "ReferenceNames"}[operation])(path, **filters)
        got = {uri(i.path): i for i in getattr(self.real, operation)(path, **filters)}
        assert sorted(got) == sorted(map(uri, names)), f"{what}: names and instances differ"
        got = {p: i for p, i in got.items() if i.path.namespace == self.ns and
               self.local(i.path.keybindings.values())}
        want = {uri(i.path): i for i in getattr(self.fake, operation)(path, **filters)}
        assert set(got) == set(want), f"{what}: {set(got) ^ set(want)}"
        for p, i in want.items():
            mine = without_host(got[p])
            other = without_host(i)
            assert mine == other, f"{what}: {p}: {differences(mine, other)}"
        return len(want)


def without_host(inst):
    """{property: value}, references without the host that associations name."""
    found = {"class": inst.classname.lower()}
    for name, value in inst.items():
        if isinstance(value, pywbem.CIMInstanceName):
            value = uri(value)
        elif isinstance(value, pywbem.CIMInstance):
            value = without_host(value)
        found[name.lower()] = value
    return found


def differences(a, b):
    return {k: (a.get(k), b.get(k)) for k in {*a, *b} if a.get(k) != b.get(k)}


def instances(m):
    for cls in m.classes:
        got = [p for p in m.real.EnumerateInstanceNames(cls.classname)
               if m.local(p.keybindings.values())]
        want = m.fake.EnumerateInstanceNames(cls.classname)
        assert sorted(map(uri, got)) == sorted(map(uri, want)), cls.classname


def walks(m):
    """From every instance, no filter."""
    total = sum(m.same(op, i.path) for i in m.instances for op in ("Associators", "References"))
    assert total > 50, total
    print(f"# {m.ns}: {total} objects around {len(m.instances)} instances")


def filters(m):
    """From an instance of every class: each filter alone, and those that belong together."""
    total, also = 0, {"CIM_Dependency", *m.assocs[-1:]} & set(m.assocs)
    for p in m.one_of_each():
        refs, links = m.fake.References(p), ends(m.fake.References(p), p)
        near = {i.classname for i in m.fake.Associators(p)}
        for assoc in {r.classname for r in refs} | also:
            total += m.same("Associators", p, AssocClass=assoc)
            total += m.same("References", p, ResultClass=assoc)
        for cls in near | {"CIM_ManagedElement", "CIM_System", "CIM_LogicalElement"}:
            total += m.same("Associators", p, ResultClass=cls)
        for role in {role for _, role, _ in links} | {"Nobody"}:
            total += m.same("References", p, Role=role.upper())
            total += m.same("Associators", p, Role=role)
        for role in {other for _, _, other in links}:
            total += m.same("Associators", p, ResultRole=role.lower())
        for assoc, role, other in links:
            total += m.same("References", p, ResultClass=assoc, Role=other)
            for here, there in ((role, other), (other, role)):
                total += m.same("Associators", p, AssocClass=assoc, Role=here, ResultRole=there,
                                ResultClass=sorted(near)[-1])
    assert total > 50, total
    print(f"# {m.ns}: {total} objects through filters")


def ends(refs, path):
    """{(association, role of the object, role of the other end)}"""
    found = set()
    for r in refs:
        roles = [k for k, v in r.items() if isinstance(v, pywbem.CIMInstanceName)]
        for k in roles:
            if uri(r[k]) == uri(path):
                found.update((r.classname, k, o) for o in roles if o != k)
    return sorted(found)


def class_walks(m):
    for cls in m.classes:
        name = cls.classname
        got = {c.classname for c in m.real.ReferenceNames(name)}
        want = {c.classname for c in m.fake.ReferenceNames(name)}
        assert got == want, f"{name}: {got ^ want}"


def main():
    tap, n = Tap(), Node()
    populate(n)
    for ns in NAMESPACES:
        m = Mirror(n, ns)
        for fn in (instances, walks, filters, class_walks):
            tap.test(f"mirror: {fn.__name__.replace('_', ' ')} of {ns}", fn, m)
    tap.test("mirror: smisd ends cleanly, sanitizers silent", n.server.stop)
    tap.end()


if __name__ == "__main__":
    main()
