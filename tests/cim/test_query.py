#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ExecQuery, OpenQueryInstances and filtered enumerations with pywbem, on smisd.

What a condition means is tested in tests/unit/test-query.c; here it is that a query finds what
a client finds by looking at all instances, in each language and each operation. TAP on stdout.
"""
import os
import sys

import pywbem

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import Tap  # noqa: E402
from test_smisd import Node, uri  # noqa: E402

LANGUAGES = ("WQL", "DMTF:CQL", "CIM:CQL")
# condition, and the same in Python about a volume
CONDITIONS = (
    ("", lambda v: True),
    ("ElementName = 'vol1'", lambda v: v["ElementName"] == "vol1"),
    ("ElementName <> 'vol1' AND NumberOfBlocks > 0", lambda v: v["ElementName"] != "vol1"),
    ("ElementName = 'vol0' OR NOT ElementName < 'vol2'",
     lambda v: v["ElementName"] in ("vol0", "vol2")),
    ("ANY OperationalStatus = 2", lambda v: 2 in v["OperationalStatus"]),
    ("OperationalStatus[0] <> 2", lambda v: v["OperationalStatus"][0] != 2),
    ("NumberOfBlocks * 1", None),
    ("Generation IS NULL", lambda v: v["Generation"] is None),
    ("DeviceID IS NOT NULL AND HealthState = 5", lambda v: v["HealthState"] == 5),
    ("InstallDate > '20200101000000.000000+000'", lambda v: True),
    ("SystemCreationClassName = 'RPL_ComputerSystem'", lambda v: True),
    ("CIM_StorageVolume ISA RPL_StorageVolume", lambda v: True),
    ("CIM_StorageVolume ISA CIM_StoragePool", lambda v: False),
)


def conditions(n, lang):
    everything = n.c.EnumerateInstances("CIM_StorageVolume")
    assert len(everything) == 3
    found = 0
    for text, fits in CONDITIONS:
        query = "SELECT * FROM CIM_StorageVolume" + (f" WHERE {text}" if text else "")
        if not fits:
            refused(15, lambda c, q=query: c.ExecQuery(lang, q), n)
            continue
        got = n.c.ExecQuery(lang, query)
        want = [v for v in everything if fits(v)]
        assert [uri(v.path) for v in got] == [uri(v.path) for v in want], text
        for g, w in zip(got, want):
            assert g.items() == w.items(), text
        found += len(got)
    assert found > 10


def lists(n):
    got = n.c.ExecQuery("WQL", "SELECT deviceid, ElementName FROM CIM_LogicalDevice "
                        "WHERE Caption LIKE 'vol_'")
    assert len(got) == 3
    for v in got:
        assert sorted(v.keys()) == ["DeviceID", "ElementName"], v.keys()
        assert v.path["DeviceID"] == v["DeviceID"]
    got = n.c.ExecQuery("DMTF:CQL", "SELECT v.DeviceID FROM CIM_StorageVolume v "
                        "WHERE v.ElementName LIKE 'v.l[12]'")
    assert len(got) == 2 and all(list(v.keys()) == ["DeviceID"] for v in got), got


def in_pieces(n):
    for size in (1, 2, 100):
        r = n.c.OpenQueryInstances("DMTF:CQL", "SELECT ElementName FROM CIM_StorageVolume",
                                   ReturnQueryResultClass=True, MaxObjectCount=size)
        assert r.query_result_class.classname == "CIM_StorageVolume"
        assert list(r.query_result_class.properties) == ["ElementName"]
        found = list(r.instances)
        while not r.eos:
            r = n.c.PullInstances(r.context, MaxObjectCount=size)
            assert 0 < len(r.instances) <= size
            found += r.instances
        assert [v["ElementName"] for v in found] == ["vol0", "vol1", "vol2"]
        assert all(list(v.keys()) == ["ElementName"] for v in found)
    new = n.connect(pull=True)
    found = new.IterQueryInstances("WQL", "SELECT * FROM CIM_StorageVolume", MaxObjectCount=1)
    assert len(list(found.generator)) == 3
    r = n.c.OpenQueryInstances("WQL", "SELECT * FROM CIM_StorageVolume", MaxObjectCount=1)
    refused(21, lambda c: c.PullInstancesWithPath(r.context, MaxObjectCount=1), n)
    n.c.CloseEnumeration(r.context)


def filtered(n):
    """The filter counts, whatever PropertyList says, for instances and for paths."""
    fql = {"FilterQueryLanguage": "DMTF:FQL", "MaxObjectCount": 1}
    c = n.connect(pull=True)
    one = {"FilterQuery": "ElementName = 'vol1'", **fql}
    for size in (1, 10):
        one["MaxObjectCount"] = size
        got = list(c.IterEnumerateInstances("CIM_StorageVolume", PropertyList=["DeviceID"], **one))
        assert len(got) == 1 and list(got[0].keys()) == ["DeviceID"], got
        assert got[0]["DeviceID"] == n.volumes[1]["DeviceID"]
        paths = list(c.IterEnumerateInstancePaths("CIM_StorageVolume", **one))
        assert [uri(p) for p in paths] == [uri(n.volumes[1])], paths
        paths = list(c.IterAssociatorInstancePaths(n.pool, **one))
        assert uri(n.volumes[1]) in map(uri, paths) and uri(n.volumes[0]) not in map(uri, paths)
        got = list(c.IterAssociatorInstances(n.pool, ResultClass="CIM_StorageVolume", **one))
        assert [v["ElementName"] for v in got] == ["vol1"]
    refs = {"FilterQuery": "SpaceConsumed > 0", **fql}
    want = [uri(r.path) for r in n.c.References(n.pool) if r.get("SpaceConsumed")]
    assert 3 <= len(want) < len(n.c.ReferenceNames(n.pool)), want
    assert [uri(r.path) for r in c.IterReferenceInstances(n.pool, **refs)] == want
    assert [uri(p) for p in c.IterReferenceInstancePaths(n.pool, **refs)] == want
    # a property that the class does not have is NULL there
    none = list(c.IterEnumerateInstances("CIM_StorageVolume", FilterQuery="NoSuchThing = 1", **fql))
    assert not none


def other_prefix(n):
    c = n.connect(ns="root/tpd")
    got = c.ExecQuery("WQL", "SELECT * FROM TPD_StorageVolume WHERE "
                      "SystemCreationClassName = 'TPD_ComputerSystem'")
    assert len(got) == 3 and {v.path.classname for v in got} == {"TPD_StorageVolume"}
    try:
        c.ExecQuery("WQL", "SELECT * FROM RPL_StorageVolume")
        raise AssertionError("it was accepted")
    except pywbem.CIMError as e:
        assert e.status_code == 15 and "RPL_StorageVolume" in e.status_description, e


def refused(code, fn, n):
    try:
        fn(n.c)
    except pywbem.CIMError as e:
        assert e.status_code == code, e
        assert e.status_description
    else:
        raise AssertionError("it was accepted")


def errors(n):
    for code, lang, query in (
            (14, "SQL", "SELECT * FROM CIM_StorageVolume"),
            (14, "DMTF:FQL", "ElementName = 'x'"),
            (15, "WQL", "SELECT * FROM CIM_Nothing"),
            (15, "WQL", "SELECT * FROM RPL_Namespace"),
            (15, "WQL", "SELECT Color FROM CIM_StorageVolume"),
            (15, "DMTF:CQL", "SELECT * FROM CIM_StorageVolume WHERE Color = 1"),
            (15, "DMTF:CQL", "SELECT * FROM CIM_StorageVolume WHERE ElementName = 1"),
            (15, "WQL", "SELECT * FROM"),
            (15, "WQL", ""),
            (29, "DMTF:CQL", "SELECT * FROM CIM_StorageVolume, CIM_StoragePool"),
            (29, "DMTF:CQL", "SELECT COUNT(*) FROM CIM_StorageVolume")):
        refused(code, lambda c, a=lang, q=query: c.ExecQuery(a, q), n)
        refused(code, lambda c, a=lang, q=query: c.OpenQueryInstances(a, q), n)
    refused(3, lambda c: c.ExecQuery("WQL", "SELECT * FROM CIM_StorageVolume",
                                     namespace="root/none"), n)


def main():
    tap, n = Tap(), Node()
    for lang in LANGUAGES:
        tap.test(f"query: {lang}", conditions, n, lang)
    for name, fn in (("selected properties", lists), ("in pieces", in_pieces),
                     ("filtered enumerations", filtered), ("errors", errors),
                     ("root/tpd", other_prefix)):
        tap.test(f"query: {name}", fn, n)
    tap.test("query: smisd ends cleanly, sanitizers silent", n.server.stop)
    tap.end()


if __name__ == "__main__":
    main()
