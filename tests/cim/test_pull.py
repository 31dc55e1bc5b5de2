#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Open..., Pull... and CloseEnumeration.

usage: test_pull.py [--classes]    only that of smisd about classes: for other versions of pywbem

On smisd: what pywbem's Iter... methods give in pieces is what the older operations give at once,
for every class and every object. On testd, whose limits are low: each rule of DSP0200 about
enumeration contexts, and the limits. TAP on stdout.
"""
import os
import re
import sys
import time

import pywbem

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import (Tap, basic, imethod, instance_name, iparam, raw, request,  # noqa: E402
                 class_param, testd, wait_for)
from test_smisd import NAMESPACES, Node, uri  # noqa: E402

SIZES = (1, 3, 1000)


# ---- smisd, pywbem ----

def same(what, pieces, whole, again):
    """Objects that change by themselves (a clock) are looked at once more."""
    if [x.tocimxmlstr() for x in pieces()] == [x.tocimxmlstr() for x in whole]:
        return
    differ = None
    for _ in range(5):
        got, want = list(pieces()), again()
        differ = [(a, b) for a, b in zip(got, want) if a != b]
        if len(got) == len(want) and not differ:
            return
    raise AssertionError(f"{what}: {differ[:1] if differ else 'another number of objects'}")


def pulling(n, ns):
    return n.connect(ns=ns, pull=True)


def every_class(n, ns, sizes):
    old, new = n.connect(ns=ns), pulling(n, ns)
    total = 0
    for name in old.EnumerateClassNames(DeepInheritance=True):
        def whole(cls=name):
            # the older operation names paths relative to the request
            found = old.EnumerateInstances(cls)
            for i in found:
                i.path.host = None
            return found

        def paths(cls=name):
            return old.EnumerateInstanceNames(cls)

        found = whole()
        total += len(found)
        for size in sizes if found else (2,):
            def pieces(cls=name, size=size):
                for i in new.IterEnumerateInstances(cls, MaxObjectCount=size):
                    assert i.path.host and i.path.namespace == ns, i.path
                    i.path.host = None
                    yield i

            def path_pieces(cls=name, size=size):
                for p in new.IterEnumerateInstancePaths(cls, MaxObjectCount=size):
                    assert p.host and p.namespace == ns, p
                    p.host = None
                    yield p

            same(f"{name} by {size}", pieces, found, whole)
            same(f"paths of {name} by {size}", path_pieces, paths(), paths)
    assert total > 30, total


def every_association(n, ns, sizes):
    old, new = n.connect(ns=ns), pulling(n, ns)
    total = 0
    for path in old.EnumerateInstanceNames("CIM_ManagedElement"):
        for pieces, whole in (
                (new.IterAssociatorInstances, old.Associators),
                (new.IterAssociatorInstancePaths, old.AssociatorNames),
                (new.IterReferenceInstances, old.References),
                (new.IterReferenceInstancePaths, old.ReferenceNames)):
            found = whole(path)
            total += len(found)
            for size in sizes:
                kw = {"MaxObjectCount": size}
                same(f"{whole.__name__} of {path} by {size}", lambda p=pieces, k=kw: p(path, **k),
                     found, lambda w=whole: w(path))
    assert total > 30, total


def filters_and_lists(n):
    new, old = pulling(n, "root/dmreplica"), n.c
    pool = n.pool
    kw = {"AssocClass": "CIM_AllocatedFromStoragePool", "ResultClass": "CIM_StorageVolume",
          "Role": "Antecedent", "ResultRole": "Dependent"}
    got = list(new.IterAssociatorInstances(pool, PropertyList=["DeviceID"], MaxObjectCount=1,
                                           IncludeClassOrigin=True, **kw))
    assert got == old.Associators(pool, PropertyList=["DeviceID"], IncludeClassOrigin=True, **kw)
    assert len(got) == 3 and all(list(i) == ["DeviceID"] for i in got), got
    assert all(i.properties["DeviceID"].class_origin for i in got)
    shallow = list(new.IterEnumerateInstances("CIM_LogicalDevice", DeepInheritance=False,
                                              MaxObjectCount=1))
    for i in shallow:
        i.path.host = None
    assert shallow == old.EnumerateInstances("CIM_LogicalDevice", DeepInheritance=False)
    assert all("NumberOfBlocks" not in i for i in shallow) and shallow


def one_moment(n):
    """What is pulled was there when the enumeration was opened."""
    new = pulling(n, "root/dmreplica")
    extra = n.volume("for a moment")
    first = new.OpenEnumerateInstancePaths("CIM_StorageVolume", MaxObjectCount=1)
    rc, _ = n.call("ReturnToStoragePool", n.config, TheElement=extra)
    assert rc == 0, rc
    found = first.paths
    while not first.eos:
        first = new.PullInstancePaths(first.context, MaxObjectCount=1)
        assert len(first.paths) == 1
        found = found + first.paths
    assert uri(extra) in map(uri, found)
    assert uri(extra) not in map(uri, new.IterEnumerateInstancePaths("CIM_StorageVolume",
                                                                     MaxObjectCount=2))


def advertised(n):
    how = n.c.EnumerateInstances("CIM_CIMXMLCommunicationMechanism", namespace="interop")[0]
    assert 10 in how["FunctionalProfilesSupported"]
    longest = how["PulledEnumerationMaximumOperationTimeout"]
    c = n.connect()
    c.OpenEnumerateInstances("CIM_StorageVolume", OperationTimeout=longest, MaxObjectCount=9)
    for bad in (longest + 1, 0):
        try:
            c.OpenEnumerateInstances("CIM_StorageVolume", OperationTimeout=bad)
            raise AssertionError(f"timeout {bad} was accepted")
        except pywbem.CIMError as e:
            assert e.status_code == 22, e
    assert how["PulledEnumerationNoOperationTimeoutSupported"] is False


# ---- testd, by hand ----

class Answer:
    def __init__(self, r):
        assert r is not None and r.status == 200, r and r.status
        self.body = r.body
        self.error = r.cim_error()
        m = re.search(r'NAME="EndOfSequence"[^>]*><VALUE>(TRUE|FALSE)<', r.body)
        self.end = m and m[1] == "TRUE"
        m = re.search(r'NAME="EnumerationContext"[^>]*><VALUE>([^<]*)<', r.body)
        self.context = m and m[1]
        # an instance's own path only, not the ones of its references
        self.ids = re.findall(r'<INSTANCEPATH>.*?<KEYVALUE VALUETYPE="string"[^>]*>([^<]*)<', r.body)


def call(server, op, params="", ns="root/dmreplica", user="admin"):
    auth = basic(user, user)
    return Answer(raw(server, request(imethod(op, params, ns), Authorization=auth)))


def value(name, text):
    return iparam(name, f"<VALUE>{text}</VALUE>")


def opened(server, op="OpenEnumerateInstancePaths", params=None, **kw):
    params = class_param("CIM_Pool") if params is None else params
    a = call(server, op, params, **kw)
    assert a.error is None and a.context and not a.end, a.body
    return a.context


def pull(server, context, count=10, op="PullInstancePaths", **kw):
    return call(server, op, value("EnumerationContext", context) +
                value("MaxObjectCount", count), **kw)


def close(server, context, **kw):
    return call(server, "CloseEnumeration", value("EnumerationContext", context), **kw)


def refused(answer, code, text=""):
    assert answer.error and answer.error[0] == code and text in answer.error[1], answer.body


def in_order(server):
    volumes = class_param("CIM_Volume")
    whole = call(server, "OpenEnumerateInstancePaths", volumes + value("MaxObjectCount", 100))
    assert whole.end and whole.context is None and len(whole.ids) == 4, whole.body
    a = call(server, "OpenEnumerateInstancePaths", volumes + value("MaxObjectCount", 1))
    got, context = list(a.ids), a.context
    for want in (2, 1):
        assert not a.end and a.context == context, a.body
        a = pull(server, context, 2)
        assert len(a.ids) == want, a.body
        got += a.ids
    assert a.end and a.context is None and got == whole.ids
    refused(pull(server, context), 21)


def exactly_all(server):
    """The last object fills the answer: that is the end of the sequence."""
    a = call(server, "OpenEnumerateInstancePaths", class_param("CIM_Pool") +
             value("MaxObjectCount", 2))
    assert a.end and len(a.ids) == 2
    context = opened(server)
    a = pull(server, context, 2)
    assert a.end and len(a.ids) == 2


def count_zero(server):
    context = opened(server, params=class_param("CIM_Pool") + value("MaxObjectCount", 0))
    for _ in range(3):
        a = pull(server, context, 0)
        assert not a.end and a.context == context and not a.ids, a.body
    assert len(pull(server, context).ids) == 2
    nothing = call(server, "OpenEnumerateInstances", class_param("CIM_Setting"))
    assert nothing.error is None and nothing.end and nothing.context is None, nothing.body


def counted(server):
    context = opened(server, params=class_param("CIM_Volume") + value("MaxObjectCount", 1))
    for _ in range(2):
        a = call(server, "EnumerationCount", value("EnumerationContext", context))
        assert "<IRETURNVALUE><VALUE>4</VALUE></IRETURNVALUE>" in a.body, a.body
        pull(server, context, 1)
    assert close(server, context).error is None
    refused(call(server, "EnumerationCount", value("EnumerationContext", context)), 21)


def closed(server):
    context = opened(server)
    a = close(server, context)
    assert a.error is None and "IRETURNVALUE" not in a.body, a.body
    refused(close(server, context), 21)
    refused(pull(server, context), 21)


def wrong_kind(server):
    context = opened(server)
    refused(pull(server, context, op="PullInstancesWithPath"), 21)
    refused(pull(server, context, op="PullInstances"), 21)
    assert len(pull(server, context).ids) == 2, "a wrong pull spoils nothing"
    context = opened(server, "OpenEnumerateInstances")
    refused(pull(server, context), 21)
    assert close(server, context).error is None


def strangers(server):
    context = opened(server)
    refused(pull(server, context, user="reader"), 21)
    refused(close(server, context, user="reader"), 21)
    refused(pull(server, context, user="nobody"), 2)
    refused(pull(server, context, ns="root/tpd"), 21)
    refused(pull(server, context, ns="root/none"), 3)
    for bad in ("", "x", context[:-1], context + "0", context[:-1] + "g", "0" * 32):
        refused(pull(server, bad), 21)
    contexts = {context} | {opened(server, user="reader") for _ in range(3)}
    assert len(contexts) == 4 and all(re.fullmatch("[0-9a-f]{32}", c) for c in contexts)
    assert close(server, context).error is None
    for c in contexts - {context}:
        refused(close(server, c), 21)
        assert close(server, c, user="reader").error is None


def parameters(server):
    cls = class_param("CIM_Pool")
    op = "OpenEnumerateInstances"
    for params, code, text in (
            ("", 4, "ClassName"),
            (class_param("CIM_None"), 5, "CIM_None"),
            (cls + value("OperationTimeout", 61), 22, "60"),
            (cls + value("OperationTimeout", 0), 22, "end"),
            (cls + value("OperationTimeout", -1), 4, "OperationTimeout"),
            (cls + value("OperationTimeout", "soon"), 4, "OperationTimeout"),
            (cls + value("MaxObjectCount", "4294967296"), 4, "MaxObjectCount"),
            (cls + value("MaxObjectCount", ""), 4, "MaxObjectCount"),
            (cls + value("ContinueOnError", "TRUE"), 26, "ContinueOnError"),
            (cls + value("FilterQuery", "a = 1"), 4, "FilterQueryLanguage"),
            (cls + value("FilterQueryLanguage", "DMTF:FQL"), 4, "FilterQuery"),
            (cls + value("FilterQueryLanguage", "SQL") + value("FilterQuery", "x"), 14, "SQL"),
            (cls + value("FilterQueryLanguage", "WQL") + value("FilterQuery", "x"), 14, "WQL"),
            (cls + value("FilterQueryLanguage", "DMTF:FQL") + value("FilterQuery", "x ="), 15, ""),
            (cls + value("LocalOnly", "TRUE"), 4, "LocalOnly")):
        refused(call(server, op, params), code, text)
    a = call(server, op, cls + value("OperationTimeout", 60) + value("ContinueOnError", "FALSE") +
             value("MaxObjectCount", 100))
    assert a.error is None and a.end, a.body
    refused(call(server, op, cls, ns="root/none"), 3)
    refused(call(server, op, cls, user="nobody"), 2)
    refused(call(server, "PullInstancePaths", value("EnumerationContext", "0" * 32)), 4,
            "MaxObjectCount")
    refused(call(server, "PullInstancePaths", value("MaxObjectCount", 1)), 4, "EnumerationContext")
    refused(call(server, "CloseEnumeration"), 4, "EnumerationContext")


def sources(server):
    """Associations start at an instance, which must be there."""
    pool = iparam("InstanceName", instance_name("RPL_Pool", InstanceID="pool:A"))
    for op, want in (("OpenAssociatorInstances", 3), ("OpenAssociatorInstancePaths", 3),
                     ("OpenReferenceInstances", 3), ("OpenReferenceInstancePaths", 3)):
        a = call(server, op, pool + value("MaxObjectCount", 100))
        assert a.error is None and a.end, a.body
        assert a.body.count("</INSTANCE>" if op.endswith("Instances") else "<INSTANCEPATH>") >= want
        refused(call(server, op, iparam("InstanceName",
                                        instance_name("RPL_Pool", InstanceID="none"))), 6, "none")
        refused(call(server, op, class_param("RPL_Pool", "InstanceName")), 4, "InstanceName")
        refused(call(server, op), 4, "InstanceName")
    a = call(server, "OpenAssociatorInstancePaths", pool + class_param("CIM_None", "ResultClass"))
    refused(a, 5, "CIM_None")


def too_many(server):
    contexts = [opened(server) for _ in range(4)]
    refused(call(server, "OpenEnumerateInstances", class_param("CIM_Pool")), 27, "4")
    refused(call(server, "OpenEnumerateInstances", class_param("CIM_Pool") +
                 value("MaxObjectCount", 1)), 27)
    a = call(server, "OpenEnumerateInstances", class_param("CIM_Pool") +
             value("MaxObjectCount", 100))
    assert a.end and a.error is None, "what fits into the answer needs no context"
    assert close(server, contexts.pop()).error is None
    contexts.append(opened(server))
    for c in contexts:
        assert close(server, c).error is None


def too_large(_):
    """The sum counts, and what was refused does not count."""
    server, contexts = testd(ENUMERATION_BYTES="24000"), []
    everything = class_param("CIM_ManagedElement")
    for _ in range(4):
        a = call(server, "OpenEnumerateInstances", everything)
        if a.error:
            break
        contexts.append(a.context)
    assert contexts and a.error, "the limit of memory is not reached"
    refused(a, 27, "bytes")
    refused(call(server, "OpenEnumerateInstances", everything), 27, "bytes")
    for c in contexts:
        assert len(pull(server, c, op="PullInstancesWithPath").ids) == 6
    assert close(server, opened(server, "OpenEnumerateInstances", everything)).error is None
    server.stop()


def times_out(server):
    context = opened(server, params=class_param("CIM_Pool") + value("OperationTimeout", 1))
    other = opened(server, params=class_param("CIM_Pool") + value("OperationTimeout", 60))
    count = value("EnumerationContext", context)
    wait_for("the enumeration ends by itself",
             lambda: call(server, "EnumerationCount", count).error is not None)
    refused(pull(server, context), 21)
    a = pull(server, other)
    assert len(a.ids) == 2 and a.end, "another one ended with it"


def abandoned(server):
    """Nobody pulls, nobody closes: nothing stays."""
    for _ in range(4):
        opened(server, params=class_param("CIM_Pool") + value("OperationTimeout", 1))
    wait_for("there is room again", lambda: not call(
        server, "OpenEnumerateInstances", class_param("CIM_Pool") +
        value("OperationTimeout", 1)).error)


def main():
    tap, n = Tap(), Node()
    start = time.monotonic()
    for ns in NAMESPACES:
        tap.test(f"pull: every class of {ns}", every_class, n, ns, SIZES)
    if "--classes" in sys.argv:
        tap.test("pull: smisd ends cleanly, sanitizers silent", n.server.stop)
        tap.end()
    for ns, sizes in (("interop", SIZES), ("root/dmreplica", SIZES), ("root/tpd", (2,))):
        tap.test(f"pull: every association of {ns}", every_association, n, ns, sizes)
    tap.test("pull: filters, property lists, class origin", filters_and_lists, n)
    tap.test("pull: the objects of one moment", one_moment, n)
    tap.test("pull: smisd says what it can", advertised, n)
    tap.test("pull: smisd ends cleanly, sanitizers silent", n.server.stop)
    print(f"# {time.monotonic() - start:.1f} s")
    server = testd()
    for fn in (in_order, exactly_all, count_zero, counted, closed, wrong_kind, strangers,
               parameters, sources, too_many, too_large, times_out, abandoned):
        tap.test(f"pull: {fn.__name__.replace('_', ' ')}", fn, server)
    # what the last test left may be there for a moment
    wait_for("there is room", lambda: call(server, "OpenEnumerateInstancePaths",
                                           class_param("CIM_Pool")).context)
    tap.test("pull: testd ends cleanly with an open enumeration", server.stop)
    tap.end()


if __name__ == "__main__":
    main()
