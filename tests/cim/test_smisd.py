#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""smisd itself, on a simulated node, with clients that we did not write: wbemcli and pywbem.

What each class and method means is tested elsewhere (tests/e2e); here it is that the whole
schema can be walked, that the operations agree with each other, and that wrong calls of real
methods get a clear error and change nothing. TAP on stdout.
"""
import itertools
import os
import re
import socket
import subprocess
import sys
import tempfile
import time

import pywbem
from pywbem import CIMInstanceName, Uint16, Uint32, Uint64

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import BUILD, Tap, smisd, wait_for  # noqa: E402
from rpltest.valid import watched  # noqa: E402

MIB = 1 << 20
NAMESPACES = ["interop", "root/interop", "root/dmreplica", "root/tpd"]


class Node:
    """A running smisd with some volumes and a group of them."""

    def __init__(self):
        self.server = smisd()
        self.c = self.connect()
        self.config = self.c.EnumerateInstanceNames("CIM_StorageConfigurationService")[0]
        self.repl = self.c.EnumerateInstanceNames("CIM_ReplicationService")[0]
        self.pool = next(p.path for p in self.c.EnumerateInstances("CIM_StoragePool")
                         if not p["Primordial"])
        self.volumes = [self.volume(f"vol{i}") for i in range(3)]
        self.group = self.call("CreateGroup", self.repl, GroupName="group one",
                               Members=self.volumes)[1]["ReplicationGroup"]

    def connect(self, user="admin", password="admin", ns="root/dmreplica", tls=False, pull=False):
        url = f"https://localhost:{self.server.ports[1]}" if tls else \
            f"http://127.0.0.1:{self.server.port}"
        ca = f"{self.server.dir.name}/cert.pem" if tls else None
        return watched(pywbem.WBEMConnection(url, (user, password), default_namespace=ns,
                                             timeout=30, use_pull_operations=pull, ca_certs=ca))

    def call(self, method, target, **args):
        rc, out = self.c.InvokeMethod(method, target, **args)
        return int(rc), out

    def volume(self, name, size=16 * MIB):
        rc, out = self.call("CreateOrModifyElementFromStoragePool", self.config, ElementName=name,
                            ElementType=Uint16(2), InPool=self.pool, Size=Uint64(size))
        assert rc == 0, rc
        return out["TheElement"]

    def wbemcli(self, *args, ns="root/dmreplica", user="admin:admin"):
        """The last argument gets the URL in front; (stdout, stderr)."""
        *options, obj = args
        url = f"http://{user}@127.0.0.1:{self.server.port}/{ns}"
        tail = []
        if isinstance(obj, tuple):
            obj, *tail = obj
        r = subprocess.run(["wbemcli", *options, url + (":" + obj if obj else ""), *tail],
                           capture_output=True, timeout=30, check=False)
        return r.stdout.decode(), r.stderr.decode()


def uri(path):
    """The path as one comparable string, without the host."""
    path = path.copy()
    path.host = None
    return path.to_wbem_uri(format="canonical")


# ---- pywbem ----

def discovery(n):
    server = pywbem.WBEMServer(n.c)
    assert server.interop_ns == "interop", server.interop_ns
    assert sorted(server.namespaces) == sorted(NAMESPACES), server.namespaces
    assert server.brand and server.version
    array = server.get_selected_profiles(registered_org="SNIA", registered_name="Array")
    assert len(array) == 1
    central = server.get_central_instances(array[0].path)
    assert [p.classname for p in central] == ["RPL_ComputerSystem"], central
    assert central[0].namespace == "root/dmreplica"


def every_class(n, ns):
    classes = n.c.EnumerateClasses(namespace=ns, DeepInheritance=True, LocalOnly=False,
                                   IncludeClassOrigin=True)
    names = set(n.c.EnumerateClassNames(namespace=ns, DeepInheritance=True))
    assert {c.classname for c in classes} == names
    for c in classes:
        assert c.superclass is None or c.superclass in names, c.superclass
        again = n.c.GetClass(c.classname, namespace=ns, LocalOnly=False, IncludeClassOrigin=True)
        assert again == c, c.classname


def every_instance(n, ns):
    total = 0
    for name in n.c.EnumerateClassNames(namespace=ns, DeepInheritance=True):
        instances = n.c.EnumerateInstances(name, namespace=ns)
        paths = n.c.EnumerateInstanceNames(name, namespace=ns)
        assert sorted(map(uri, paths)) == sorted(uri(i.path) for i in instances), name
        for i in instances:
            assert i.path.classname == i.classname
            for k, v in i.path.keybindings.items():
                assert i[k] == v, f"{i.path}: key {k} differs"
            # what counts up between two calls is no difference
            got = n.c.GetInstance(i.path)
            assert set(got.keys()) == set(i.keys()), i.path
            total += 1
    assert total > 10, total


def qualifiers(n):
    """Each qualifier that a class has is of a declared type, with the flavors of its declaration."""
    types = {q.name: q for q in n.c.EnumerateQualifiers()}
    assert "Key" in types and len(types) > 20, sorted(types)
    for name, q in types.items():
        assert n.c.GetQualifier(name.upper()) == q, name
    seen = set()
    for c in n.c.EnumerateClasses(DeepInheritance=True, LocalOnly=False):
        for e in [c, *c.properties.values(), *c.methods.values(),
                  *(p for m in c.methods.values() for p in m.parameters.values())]:
            for q in e.qualifiers.values():
                seen.add(q.name)
                for what in ("type", "overridable", "tosubclass", "translatable"):
                    assert getattr(types[q.name], what) == getattr(q, what), (c, e.name, q, what)
    assert {"Abstract", "Key", "In", "Values", "Description", "Version"} <= seen, seen


def embedded_properties(n):
    """Properties of classes say when they hold instances, or any objects."""
    for c in n.c.EnumerateClasses(DeepInheritance=True, LocalOnly=False):
        for p in c.properties.values():
            want = ("instance" if "EmbeddedInstance" in p.qualifiers else
                    "object" if "EmbeddedObject" in p.qualifiers else None)
            assert p.embedded_object == want, (c.classname, p.name, p.embedded_object)
    c = n.c.GetClass("CIM_SettingData", LocalOnly=False)
    assert c.properties["ComponentSetting"].embedded_object == "object", c.properties


def property_list(n):
    some = n.c.EnumerateInstances("CIM_StorageVolume", PropertyList=["elementname", "DeviceID"])
    assert len(some) == 3
    for i in some:
        assert sorted(i.keys()) == ["DeviceID", "ElementName"], i.keys()
    none = n.c.GetInstance(n.volumes[0], PropertyList=[])
    assert not none.keys(), none.keys()


def symmetric(n, ns):
    """Associators and References agree with their Names forms, and both ends with each other."""
    seen = 0
    back = {}
    for path in n.c.EnumerateInstanceNames("CIM_ManagedElement", namespace=ns):
        a, an = n.c.Associators(path), n.c.AssociatorNames(path)
        r, rn = n.c.References(path), n.c.ReferenceNames(path)
        assert sorted(uri(i.path) for i in a) == sorted(map(uri, an)), f"Associators of {path}"
        assert sorted(uri(i.path) for i in r) == sorted(map(uri, rn)), f"References of {path}"
        back[uri(path)] = {uri(p) for p in an}
        for i in r:
            refs = [v for v in i.values() if isinstance(v, CIMInstanceName)]
            assert any(uri(v) == uri(path) for v in refs), f"{i.path} is not about {path}"
            others = {uri(v) for v in refs} - {uri(path)}
            assert others <= back[uri(path)], f"{i.path} leads to what Associators has not"
            seen += 1
    for here, there in back.items():
        for p in there & set(back):
            assert here in back[p], f"{p} does not lead back to {here}"
    assert seen > 10, seen


def filters(n):
    """Each filter of Associators, alone and combined, against References by hand."""
    source = n.volumes[0]
    pairs = []
    for ref in n.c.References(source):
        roles = {k: v for k, v in ref.items() if isinstance(v, CIMInstanceName)}
        role = next(k for k, v in roles.items() if uri(v) == uri(source))
        for k, v in roles.items():
            if k != role:
                pairs.append((ref.classname, role, k, v))
    assert len(pairs) >= 3, pairs
    assocs = [None, "CIM_Dependency", "CIM_Component"] + sorted({p[0] for p in pairs})
    roles = [None, "Dependent", "PartComponent", "none"]
    results = [None, "CIM_StoragePool", "CIM_ManagedElement"]
    for assoc, role, rrole, result in itertools.product(assocs, roles, roles, results):
        want = {uri(p[3]) for p in pairs
                if (not assoc or is_a(n, p[0], assoc)) and role in (None, p[1]) and
                rrole in (None, p[2]) and (not result or is_a(n, p[3].classname, result))}
        got = n.c.AssociatorNames(source, AssocClass=assoc, ResultClass=result, Role=role,
                                  ResultRole=rrole)
        assert {uri(p) for p in got} == want, (assoc, role, rrole, result)


def is_a(n, name, base):
    while name and name != base:
        name = n.supers.setdefault(name, n.c.GetClass(name, LocalOnly=True).superclass)
    return name == base


def other_prefix(n):
    c = n.connect(ns="root/tpd")
    volumes = c.EnumerateInstances("TPD_StorageVolume")
    assert {v["DeviceID"] for v in volumes} == {v["DeviceID"] for v in n.volumes}
    for v in volumes:
        assert v["CreationClassName"] == v.path["CreationClassName"] == "TPD_StorageVolume"
        assert v["SystemCreationClassName"] == "TPD_ComputerSystem"
    text = c.GetClass("TPD_ReplicationService", LocalOnly=False).tocimxmlstr()
    assert "RPL_" not in text, re.findall(r".{60}RPL_.{20}", text)[:1]
    rc, out = c.InvokeMethod("CreateGroup", c.EnumerateInstanceNames("TPD_ReplicationService")[0],
                             GroupName="from tpd", Members=[volumes[0].path])
    assert rc == 0 and out["ReplicationGroup"].classname == "TPD_ReplicationGroup"
    assert out["ReplicationGroup"].namespace == "root/tpd"
    rc, _ = c.InvokeMethod("DeleteGroup", c.EnumerateInstanceNames("TPD_ReplicationService")[0],
                           ReplicationGroup=out["ReplicationGroup"], RemoveElements=True)
    assert rc == 0, rc


def job_runs(n):
    rc, out = n.call("CreateGroupReplica", n.repl, SyncType=Uint16(8), SourceGroup=n.group)
    assert rc == 4096, rc
    assert out["Job"].namespace == "root/dmreplica"
    assert len(out["Jobs"]) == 3
    percents = []

    def ended():
        job = n.c.GetInstance(out["Job"])
        percents.append(job["PercentComplete"])
        return job["JobState"] >= 7
    wait_for("the job ends", ended)
    job = n.c.GetInstance(out["Job"])
    assert job["JobState"] == 7 and set(job["OperationalStatus"]) == {2, 17}
    assert percents == sorted(percents) and percents[-1] == 100, percents
    assert len(n.c.Associators(out["Job"], AssocClass="CIM_AffectedJobElement",
                               ResultClass="CIM_StorageVolume")) >= 3
    n.c.DeleteInstance(out["Job"])
    try:
        n.c.GetInstance(out["Job"])
        raise AssertionError("a deleted job is still there")
    except pywbem.CIMError as e:
        assert e.status_code == 6, e


def tls(n):
    # the environment of a test machine may name another CA bundle, which would win
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        os.environ.pop(name, None)
    assert len(n.connect(tls=True).EnumerateInstanceNames("CIM_StorageVolume")) >= 3


def refused(n, code, text, fn):
    before = state(n)
    try:
        fn(n.c)
    except pywbem.CIMError as e:
        assert e.status_code == code, e
        assert text in e.status_description, e.status_description
    else:
        raise AssertionError("it was accepted")
    assert state(n) == before, "something changed"


def returns(n, code, fn):
    before = state(n)
    rc, out = fn(n.c)
    assert rc == code, rc
    assert not out, out
    assert state(n) == before, "something changed"


def state(n):
    return sorted(uri(p) for cls in ("CIM_StorageVolume", "CIM_ReplicationGroup",
                                     "CIM_ConcreteJob", "CIM_Synchronized")
                  for p in n.c.EnumerateInstanceNames(cls))


def bad_calls(n):
    """(name, CIM status, part of the sentence, call)"""
    create, group = "CreateOrModifyElementFromStoragePool", "CreateGroup"
    replica = "CreateGroupReplica"
    gone = CIMInstanceName("RPL_ReplicationService", {
        **n.repl.keybindings, "Name": "nobody"}, namespace="root/dmreplica")
    volume = n.volumes[0]
    return [
        ("unknown namespace", 3, "root/none",
         lambda c: c.EnumerateInstances("CIM_StorageVolume", namespace="root/none")),
        ("unknown class", 5, "CIM_Nothing", lambda c: c.EnumerateInstances("CIM_Nothing")),
        ("class of another namespace", 5, "RPL_Namespace",
         lambda c: c.GetClass("RPL_Namespace", namespace="root/dmreplica")),
        ("class with another prefix", 5, "TPD_StorageVolume",
         lambda c: c.EnumerateInstances("TPD_StorageVolume")),
        ("unknown instance", 6, "", lambda c: c.GetInstance(gone)),
        ("unknown key", 4, "Color", lambda c: c.GetInstance(CIMInstanceName(
            "RPL_StoragePool", {"Color": "red"}, namespace="root/dmreplica"))),
        ("unknown method", 17, "Explode", lambda c: c.InvokeMethod("Explode", n.repl)),
        ("method of a service that is not there", 6, "",
         lambda c: c.InvokeMethod(group, gone, GroupName="x")),
        ("method on a class", 4, "instances",
         lambda c: c.InvokeMethod(group, "RPL_ReplicationService", GroupName="x")),
        ("unknown parameter", 4, "Color",
         lambda c: c.InvokeMethod(group, n.repl, GroupName="x", Color="red")),
        ("parameter given out only", 4, "ReplicationGroup",
         lambda c: c.InvokeMethod(group, n.repl, GroupName="x", ReplicationGroup=n.group)),
        ("number for a string", 4, "GroupName",
         lambda c: c.InvokeMethod(group, n.repl, GroupName=Uint16(5))),
        ("string for a number", 4, "Size",
         lambda c: c.InvokeMethod(create, n.config, Size="many", InPool=n.pool)),
        ("a number out of range", 4, "ElementType",
         lambda c: c.InvokeMethod(create, n.config, ElementType=Uint32(70000), InPool=n.pool)),
        ("string for a reference", 4, "InPool",
         lambda c: c.InvokeMethod(create, n.config, InPool="fast", Size=Uint64(MIB))),
        ("reference to another class", 4, "StoragePool",
         lambda c: c.InvokeMethod(create, n.config, InPool=volume, Size=Uint64(MIB))),
        ("reference to an unknown class", 4, "RPL_Nothing",
         lambda c: c.InvokeMethod(create, n.config, Size=Uint64(MIB), InPool=CIMInstanceName(
             "RPL_Nothing", {"InstanceID": "x"}, namespace="root/dmreplica"))),
        ("scalar for an array", 4, "Members",
         lambda c: c.InvokeMethod(group, n.repl, GroupName="x", Members=volume)),
        ("an array for a scalar", 4, "SourceGroup",
         lambda c: c.InvokeMethod(replica, n.repl, SyncType=Uint16(8), SourceGroup=[n.group])),
        ("an embedded instance of another class", 4, "ReplicationSettingData",
         lambda c: c.InvokeMethod(replica, n.repl, SyncType=Uint16(8), SourceGroup=n.group,
                                  ReplicationSettingData=pywbem.CIMInstance(
                                      "RPL_StorageSetting", {"InstanceID": "x"}))),
        ("an embedded instance with an unknown property", 4, "Color",
         lambda c: c.InvokeMethod(replica, n.repl, SyncType=Uint16(8), SourceGroup=n.group,
                                  ReplicationSettingData=pywbem.CIMInstance(
                                      "RPL_ReplicationSettingData", {"Color": "red"}))),
        ("deleting what cannot be", 7, "", lambda c: c.DeleteInstance(n.repl)),
        ("creating instances", 7, "cannot be created",
         lambda c: c.CreateInstance(pywbem.CIMInstance("RPL_StorageVolume"))),
        ("creating instances of an abstract class", 7, "cannot be created",
         lambda c: c.CreateInstance(pywbem.CIMInstance("CIM_ManagedElement"))),
        ("creating instances of an unknown class", 5, "RPL_None",
         lambda c: c.CreateInstance(pywbem.CIMInstance("RPL_None"))),
        ("creating a class", 7, "CreateClass",
         lambda c: c.CreateClass(pywbem.CIMClass("RPL_New", properties=[
             pywbem.CIMProperty("a", None, "string")]))),
        ("changing a class", 7, "ModifyClass",
         lambda c: c.ModifyClass(c.GetClass("RPL_StorageVolume"))),
        ("deleting a class", 7, "DeleteClass", lambda c: c.DeleteClass("RPL_StorageVolume")),
        ("changing a qualifier type", 7, "SetQualifier",
         lambda c: c.SetQualifier(c.GetQualifier("Key"))),
        ("deleting a qualifier type", 7, "DeleteQualifier", lambda c: c.DeleteQualifier("Key")),
        ("unknown qualifier type", 6, "Nonsense", lambda c: c.GetQualifier("Nonsense")),
        ("unknown property in a change", 12, "Color",
         lambda c: c.ModifyInstance(pywbem.CIMInstance("RPL_StorageVolume", {"Color": "red"},
                                                       path=volume), PropertyList=["Color"])),
        ("unknown class as filter", 5, "CIM_Nothing",
         lambda c: c.Associators(volume, AssocClass="CIM_Nothing")),
    ]


# ---- wbemcli ----

def wbemcli_walk(n):
    for ns in ("interop", "root/tpd"):
        out, err = n.wbemcli("ecn", "", ns=ns)
        names = [line.rsplit(":", 1)[1] for line in out.splitlines()]
        assert len(names) > 20 and not err, err
        for name in names:
            for op in ("gc", "ei"):
                _, err = n.wbemcli(op, name, ns=ns)
                assert not err.strip(" *\n"), f"{op} {ns}:{name}: {err}"


def wbemcli_embedded(n):
    """An array of embedded instances is their texts, for wbemcli knows nothing else."""
    out, err = n.wbemcli("ei", "CIM_WBEMServerNamespace", ns="interop")
    assert 'SchemaInformation="<INSTANCE CLASSNAME=\\"CIM_SchemaInformationStr' in out, out + err


def wbemcli_associations(n):
    volume = next(line.split(":", 2)[2] for line in
                  n.wbemcli("ein", "CIM_StorageVolume")[0].splitlines())
    out, _ = n.wbemcli("-ac", "CIM_AllocatedFromStoragePool", "ain", volume)
    assert "RPL_StoragePool.InstanceID=" in out and len(out.splitlines()) == 1, out
    for op in ("ai", "ain", "ri", "rin"):
        out, err = n.wbemcli(op, volume)
        assert out and not err.strip(" *\n"), f"{op}: {err}"


def wbemcli_clone(n):
    """Volumes, a group, its replica and the job, with nothing but wbemcli."""
    def only(cls):
        return n.wbemcli("ein", cls)[0].splitlines()[0].split(":", 2)[2]
    service, config = only("CIM_ReplicationService"), only("CIM_StorageConfigurationService")
    made = []
    for i in range(2):
        out, err = n.wbemcli("cm", (config, "CreateOrModifyElementFromStoragePool."
                                    f"ElementName=wb{i},ElementType=2,Size={16 * MIB}"))
        m = re.search(r"TheElement \(reference\): (\S+)", out)
        assert m, out + err
        made.append(m[1].rstrip(","))
    out, err = n.wbemcli("cm", (service, f"CreateGroup.GroupName=wbgroup,Members={','.join(made)}"))
    m = re.search(r"CreateGroup: 0, ReplicationGroup \(reference\): (\S+)", out)
    assert m, out + err
    out, err = n.wbemcli("cm", (service, f"CreateGroupReplica.SyncType=8,SourceGroup={m[1]}"))
    m = re.search(r"CreateGroupReplica: 4096.* Job \(reference\): root/dmreplica:([^ ,]+)", out)
    assert m, out + err

    def completed():
        text, problem = n.wbemcli("-nl", "gi", m[1])
        assert "-JobState=" in text, problem
        return "-JobState=7\n" in text
    wait_for("the job completes", completed)


def wbemcli_errors(n):
    for args, kw, text in ((("ein", "CIM_Nothing"), {}, "(5) CIM_ERR_INVALID_CLASS"),
                           (("ein", "CIM_StorageVolume"), {"ns": "root/none"},
                            "(3) CIM_ERR_INVALID_NAMESPACE"),
                           (("ein", "CIM_StorageVolume"), {"user": "admin:wrong"},
                            "Invalid username/password"),
                           (("gi", 'RPL_StoragePool.InstanceID="none"'), {},
                            "(6) CIM_ERR_NOT_FOUND"),
                           (("dc", "RPL_StoragePool"), {}, "(7) CIM_ERR_NOT_SUPPORTED")):
        out, err = n.wbemcli(*args, **kw)
        assert text in err and not out, out + err


# ---- the program ----

def options(_):
    exe = str(BUILD / "smisd")

    def run(*args):
        return subprocess.run([exe, *args], capture_output=True, timeout=30, check=False)
    assert run("--version").stdout.startswith(b"smisd ")
    assert run("--help").returncode == 0
    assert run("--frobnicate").returncode == 1
    assert run("extra").returncode == 1
    r = run("--check-config", "--config", "/nonexistent")
    assert r.returncode == 1 and b"/nonexistent" in r.stderr, r.stderr
    r = run("--config", "/dev/null", "--check-config")
    assert b"/dev/null" in r.stdout + r.stderr


def port_taken(n):
    """A second one on the same port says so and ends."""
    conf = f"{n.server.dir.name}/second.conf"
    with open(f"{n.server.dir.name}/smisd.conf", encoding="utf-8") as f:
        text = f.read().replace(n.server.dir.name, n.server.dir.name + "/second")
    os.mkdir(n.server.dir.name + "/second")
    with open(conf, "w", encoding="utf-8") as f:
        f.write(text)
    r = subprocess.run([str(BUILD / "smisd"), "--config", conf], capture_output=True, timeout=30,
                       check=False)
    assert r.returncode == 1 and b"cannot listen" in r.stderr, r.stderr


def notify(_):
    """systemd hears READY, the watchdog and STOPPING."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s, \
            tempfile.TemporaryDirectory() as d:
        s.bind(d + "/notify")
        s.settimeout(30)
        server = smisd(NOTIFY_SOCKET=d + "/notify", WATCHDOG_USEC="1000000")
        heard = ""
        while "WATCHDOG=1" not in heard or "READY=1" not in heard:
            heard += s.recv(4096).decode() + "\n"
        assert "STATUS=" in heard, heard
        server.stop()
        while "STOPPING=1" not in heard:
            heard += s.recv(4096).decode() + "\n"


def socket_activation(_):
    """Served on the socket that systemd holds, and not on the configured port."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        server = smisd(listen_fd=held.fileno())
        try:
            c = pywbem.WBEMConnection(f"http://127.0.0.1:{held.getsockname()[1]}",
                                      ("admin", "admin"), default_namespace="root/dmreplica")
            assert len(c.EnumerateInstanceNames("CIM_ReplicationService")) == 1
            assert not server.try_connect(server.ports[0]), "the configured port is open too"
        finally:
            server.stop()


def roles(n):
    for user, password in (("admin", "wrong"), ("nobody", "admin")):
        start = time.monotonic()
        try:
            n.connect(user, password).EnumerateInstanceNames("CIM_StoragePool")
            raise AssertionError("it was let in")
        except pywbem.AuthError:
            pass
        assert time.monotonic() - start > 0.9, "a wrong password was answered at once"


def main():
    tap = Tap()
    n = Node()
    n.supers = {}
    tap.test("smisd: options", options, n)
    tap.test("pywbem: discovery", discovery, n)
    for ns in NAMESPACES:
        tap.test(f"pywbem: every class of {ns}", every_class, n, ns)
        tap.test(f"pywbem: every instance of {ns}", every_instance, n, ns)
    tap.test("pywbem: qualifier types", qualifiers, n)
    tap.test("pywbem: embedded instances in classes", embedded_properties, n)
    tap.test("pywbem: property lists", property_list, n)
    tap.test("pywbem: association filters", filters, n)
    tap.test("pywbem: root/tpd shows the same objects", other_prefix, n)
    tap.test("pywbem: a replica's job", job_runs, n)
    for ns in ("interop", "root/dmreplica"):
        tap.test(f"pywbem: associations of {ns} are symmetric", symmetric, n, ns)
    tap.test("pywbem: https", tls, n)
    tap.test("pywbem: wrong credentials", roles, n)
    for name, code, text, fn in bad_calls(n):
        tap.test(f"bad input: {name} is {code}", refused, n, code, text, fn)
    tap.test("wbemcli: embedded instances in an array", wbemcli_embedded, n)
    tap.test("wbemcli: associations", wbemcli_associations, n)
    tap.test("wbemcli: a group's clone", wbemcli_clone, n)
    tap.test("wbemcli: errors", wbemcli_errors, n)
    tap.test("wbemcli: every class and its instances", wbemcli_walk, n)
    tap.test("smisd: the port is taken", port_taken, n)
    tap.test("smisd: systemd is told", notify, n)
    tap.test("smisd: socket activation", socket_activation, n)
    tap.test("smisd: ends cleanly, sanitizers silent", n.server.stop)
    tap.end()


if __name__ == "__main__":
    main()
