# SPDX-License-Identifier: GPL-2.0-or-later
"""Every parameter of every method: honoured, or answered with the right code, changing nothing."""
from datetime import timedelta
from xml.etree import ElementTree

import pywbem
from pywbem import CIMDateTime, CIMInstance, CIMInstanceName, Uint16, Uint32, Uint64

from prov_agent import GIB, MIB, Case, client

NONE = "00000000-0000-4000-8000-000000000000"
WRONG = pywbem.CIM_ERR_INVALID_PARAMETER


def sap(ns=client.NAMESPACE):
    return CIMInstanceName("CIM_ServiceAccessPoint", {
        "SystemCreationClassName": "a", "SystemName": "b", "CreationClassName": "c", "Name": "d"},
        namespace=ns)


def by_id(cls, instance_id):
    return CIMInstanceName(cls, {"InstanceID": instance_id}, namespace=client.NAMESPACE)


NO_POOL = by_id("RPL_StoragePool", f"RPL:Pool:{NONE}")
NO_GROUP = by_id("RPL_ReplicationGroup", f"RPL:Group:{NONE}")
NO_SETTING = by_id("RPL_StorageSetting", f"RPL:StorageSetting:{NONE}")
NO_COLLECTION = by_id("CIM_ConnectivityCollection", "x")


def settings(**props):
    return CIMInstance("CIM_ReplicationSettingData",
                       dict({"InstanceID": "x", "ElementName": "x"}, **props))


def no_volume(path):
    ghost = path.copy()
    ghost["DeviceID"] = NONE
    return ghost


# Wishes that are not granted.
BAD_SETTINGS = [
    {"Pairing": Uint16(4)}, {"UnequalGroupsAction": Uint16(3)}, {"CopyPriority": Uint16(3)},
    {"DesiredCopyMethodology": Uint16(6)}, {"Multihop": Uint16(2)}, {"AutoDelete": True},
    {"OnGroupOrListError": Uint16(2)}, {"FailedCopyStopsHostIO": True},
    {"ReadOnly": Uint16(2)}, {"ReadOnly": Uint16(3)}, {"ReadOnly": Uint16(4)},
    {"CopyRecoveryMode": Uint16(3)}, {"UnequalListsAction": Uint16(3)},
    {"DeltaUpdateInterval": CIMDateTime(timedelta(minutes=1))}, {"DeltaUpdateBlocks": Uint64(8)},
    {"TimeBeforeRemoval": CIMDateTime(timedelta(hours=1))}, {"ConsistencyExempt": True},
    {"ConsistentAsyncCopy": True}, {"DesiredRPO": CIMDateTime(timedelta(minutes=1))},
    {"ThinProvisioningPolicy": Uint16(4)}, {"StorageCompressionPolicy": Uint16(2)},
]


class Replica(Case):
    """CreateElementReplica, CreateListReplica, CreateGroupReplica, ...FromElements."""

    method = "CreateElementReplica"

    def base(self):
        """(parameters of a request that would be accepted, with targets that exist)"""
        return {"SyncType": Uint16(8), "SourceElement": self.volume("s"),
                "TargetElement": self.volume("t")}

    # parameters of the method that are about targets which are to be made
    target_params = ("TargetElement",)
    new_targets = True

    def fresh(self, base):
        """the same request without targets"""
        return {k: v for k, v in base.items() if k not in self.target_params}

    def bad(self, base):
        """[(expected, changes of the request)] for every method"""
        fresh, pool = self.fresh(base), self.c.pools()["fast"].path
        bulk = self.c.pools()["bulk"].path
        primordial = [p.path for p in self.conn.EnumerateInstances("CIM_StoragePool")
                      if p["Primordial"]][0]
        setting = self.conn.EnumerateInstanceNames("CIM_StorageSetting")[0]
        for n, rc in ((6, 1), (7, 5), (9, 5), (0, 5), (65535, 5)):
            yield rc, dict(base, SyncType=Uint16(n))
        for n, rc in ((4, 1), (5, 1), (0, 5), (1, 1), (99, 1)):
            yield rc, dict(base, Mode=Uint16(n))
        for mode, wait in ((None, 2), (None, 5), (None, 0), (2, 8), (3, 9), (None, 99)):
            yield 5, dict(base, Mode=mode and Uint16(mode), WaitForCopyState=Uint16(wait))
        for name in ("SourceAccessPoint", "TargetAccessPoint"):
            yield 5, dict(base, **{name: sap()})
        yield 5, dict(base, ConnectivityCollection=NO_COLLECTION)
        yield 5, dict(base, Collections=[NO_GROUP])
        for wish in BAD_SETTINGS:
            yield 5, dict(base, ReplicationSettingData=settings(**wish))
        yield 5, dict(base, ReplicationSettingData=settings(TargetElementSupplier=Uint16(2)))
        yield 5, dict(fresh, ReplicationSettingData=settings(TargetElementSupplier=Uint16(1)))
        yield 5, dict(fresh, ReplicationSettingData=settings(TargetElementSupplier=Uint16(5)))
        # targets given: pool and setting must be NULL
        yield 5, dict(base, TargetPool=pool)
        yield 5, dict(base, TargetSettingGoal=setting)
        # no targets: they must exist, and be right
        yield 5, dict(fresh, TargetPool=NO_POOL)
        yield 5, dict(fresh, TargetPool=bulk)
        yield 5, dict(fresh, TargetPool=primordial)
        yield 5, dict(fresh, TargetSettingGoal=NO_SETTING)

    def more_bad(self, base):
        ghost = no_volume(base["SourceElement"])
        other = self.volume("other", pool="bulk")
        small = self.volume("small", 8)
        yield 5, dict(base, SourceElement=ghost)
        yield 5, dict(base, TargetElement=ghost)
        yield 5, dict(base, TargetElement=base["SourceElement"])
        yield 5, dict(base, TargetElement=other)
        yield 5, dict(base, TargetElement=small)
        yield 5, dict(base, ElementName="another name")
        yield 5, dict(self.fresh(base), ElementName=self.name("s"))
        yield 5, dict(self.fresh(base), ElementName="x" * 5000)

    def test_refused(self):
        """each wrong value of each parameter"""
        base = self.base()
        cases = list(self.bad(base)) + list(self.more_bad(base))
        self.refuse_all(self.method, [c for c in cases if self.has(c[1])], base)

    def has(self, params):
        """does the method have these parameters?"""
        if not hasattr(self, "known"):
            cls = self.conn.GetClass("RPL_ReplicationService", LocalOnly=False)
            self.known = set(cls.methods[self.method].parameters)
        return set(params) <= self.known

    def test_accepted(self):
        """what has to be accepted, and does what it says"""
        for more in ({}, {"Mode": Uint16(2)}, {"WaitForCopyState": Uint16(3)},
                     {"WaitForCopyState": Uint16(4)}, {"WaitForCopyState": Uint16(8)},
                     {"Mode": Uint16(3), "WaitForCopyState": Uint16(8)},
                     {"Mode": Uint16(3), "WaitForCopyState": Uint16(4)},
                     {"Consistency": Uint16(2)}, {"Consistency": Uint16(3)},
                     {"ReplicationSettingData": settings(ConsistentPointInTime=True)},
                     {"ReplicationSettingData": settings(DesiredCopyMethodology=Uint16(9))}):
            if not self.has(more):
                continue
            with self.subTest(**{k: str(v)[:50] for k, v in more.items()}):
                base = dict(self.base(), **more)
                out = self.call(self.method, 4096, **base)
                attached = 3 in (more.get("Mode"),) or \
                    (more.get("WaitForCopyState") == 8 and "Mode" not in more)
                self.c.wait_job(out["Job"])
                self.until(lambda: bool(self.c.relations()) == attached)
                self.sweep()

    def test_types(self):
        """what is no number, no reference, no parameter"""
        base = self.base()
        for name, value in (("SyncType", "eight"), ("SyncType", [Uint16(8)]),
                            ("SyncType", Uint32(1 << 20)), ("Mode", "sync"), ("NoSuch", "x"),
                            ("TargetPool", "pool"), ("TargetPool", self.c.replication),
                            ("WaitForCopyState", Uint64(1 << 40))):
            with self.subTest(name=name, value=str(value)[:40]), self.unchanged(), \
                    self.raises(WRONG) as caught:
                self.conn.InvokeMethod(self.method, self.c.replication,
                                       **dict(base, **{name: value}))
            self.assertIn(name, str(caught.exception))
        for missing in ("SyncType", "SourceElement", "SourceElements"):
            if missing in base:
                with self.subTest(missing=missing), self.unchanged(), self.raises(WRONG) as caught:
                    self.conn.InvokeMethod(self.method, self.c.replication,
                                           **{k: v for k, v in base.items() if k != missing})
                self.assertIn(missing, str(caught.exception))


class ListReplica(Replica):
    method = "CreateListReplica"
    target_params = ("TargetElements",)

    def base(self):
        return {"SyncType": Uint16(8), "SourceElements": self.volumes(2, "s"),
                "TargetElements": self.volumes(2, "t")}

    def more_bad(self, base):
        s, t = base["SourceElements"], base["TargetElements"]
        ghost = no_volume(s[0])
        fresh = self.fresh(base)
        yield 5, dict(base, SourceElements=[])
        yield 5, dict(base, SourceElements=[s[0], s[0]])
        yield 5, dict(base, SourceElements=[s[0], ghost])
        yield 5, dict(base, SourceElements=s[:1])
        yield 5, dict(base, TargetElements=t[:1])
        yield 5, dict(base, TargetElements=[t[0], t[0]])
        yield 5, dict(base, TargetElements=[t[0], s[0]])
        yield 5, dict(base, TargetElements=[t[0], ghost])
        yield 5, dict(fresh, SourceElements=[s[0], self.volume("o", pool="bulk")])
        yield 5, dict(base, Consistency=Uint16(4))
        yield 5, dict(base, ElementNames=["another name"])
        yield 5, dict(fresh, ElementNames=["a", "b", "c"])
        yield 5, dict(fresh, ElementNames=[self.name("n"), self.name("n")])
        yield 5, dict(fresh, ElementNames=[self.name("s0")])


class GroupReplica(Replica):
    method = "CreateGroupReplica"
    target_params = ("TargetGroup",)
    nr = 0

    def base(self):
        GroupReplica.nr += 1
        return {"SyncType": Uint16(8), "RelationshipName": self.name("r"),
                "SourceGroup": self.group(f"sg{self.nr}", self.volumes(2, f"s{self.nr}")),
                "TargetGroup": self.group(f"tg{self.nr}", self.volumes(2, f"t{self.nr}"))}

    def more_bad(self, base):
        source = base["SourceGroup"]
        members = self.c.members(source)
        yield 5, dict(base, SourceGroup=NO_GROUP)
        yield 5, dict(base, SourceGroup=None)
        yield 5, dict(base, SourceElement=members[0])
        yield 5, dict(base, SourceGroup=None, SourceElement=members[0])
        yield 5, dict(base, TargetGroup=NO_GROUP)
        yield 5, dict(base, TargetGroup=source)
        yield 5, dict(base, SourceGroup=self.group("empty"))
        yield 5, dict(base, TargetGroup=self.group("one", [self.volume("one")]))
        yield 5, dict(base, TargetGroup=self.group("same", members))
        yield 5, dict(base, TargetElementCount=Uint64(2))
        yield 5, dict(base, TargetElementCount=Uint64(1))
        yield 5, dict(self.fresh(base), TargetElementCount=Uint64(2))
        yield 5, dict(base, Consistency=Uint16(4))
        yield 5, dict(base, Consistency=Uint16(0))
        yield 5, dict(base, RelationshipName="")
        yield 5, dict(base, RelationshipName="x" * 5000)

    def test_empty_target_group(self):
        """an empty target group is filled with volumes named after the relationship"""
        base = dict(self.base(), TargetGroup=self.group("empty"), Mode=Uint16(3))
        out = self.call(self.method, 4096, **base)
        self.assertEqual(out["TargetGroup"], base["TargetGroup"])
        names = [self.conn.GetInstance(m)["ElementName"]
                 for m in self.c.members(base["TargetGroup"])]
        self.assertEqual(names, [self.name("r_1"), self.name("r_2")])

    def test_in_use(self):
        """groups that are in a relation already, targets that are sources"""
        base = dict(self.base(), Mode=Uint16(3))
        self.call(self.method, 4096, **base)
        self.refuse(self.method, 6, **base)
        self.refuse(self.method, 6, **dict(base, SourceGroup=base["TargetGroup"],
                                           TargetGroup=base["SourceGroup"]))

    def test_full_pool(self):
        """targets that do not fit: refused, nothing is left behind"""
        pool = self.c.pools()["fast"]
        mib = int(pool["RemainingManagedSpace"] * 0.6) // MIB
        group = self.group("g", [self.volume("big", mib)])
        self.assertGreater(mib * MIB, GIB)
        self.refuse(self.method, 4, SyncType=Uint16(8), SourceGroup=group,
                    RelationshipName=self.name("r"))


class FromElements(Replica):
    method = "CreateGroupReplicaFromElements"
    target_params = ("TargetElements",)
    nr = 0

    def base(self):
        FromElements.nr += 1
        return {"SyncType": Uint16(8), "RelationshipName": self.name("r"),
                "SourceElements": self.volumes(2, f"s{self.nr}"),
                "TargetElements": self.volumes(2, f"t{self.nr}")}

    def more_bad(self, base):
        s, fresh = base["SourceElements"], self.fresh(base)
        group = self.group("g", s[:1])
        yield 5, dict(base, SourceElements=[])
        yield 5, dict(base, SourceElements=[s[0], s[0]])
        yield 5, dict(base, SourceElements=[no_volume(s[0])])
        yield 5, dict(base, SourceGroup=group)
        yield 5, dict(base, SourceGroup=NO_GROUP)
        yield 5, dict(base, SourceGroupName=self.name("g"))
        yield 5, dict(base, TargetGroup=group)
        yield 5, dict(fresh, TargetGroup=NO_GROUP)
        yield 5, dict(fresh, TargetGroup=group)
        yield 5, dict(fresh, TargetGroupName=self.name("g"))
        yield 5, dict(fresh, TargetElementNames=["a", "b"])
        yield 5, dict(fresh, TargetPools=[self.c.pools()["fast"].path])
        yield 5, dict(base, TargetElements=base["TargetElements"][:1])
        yield 5, dict(base, Consistency=Uint16(4))


class Modify(Case):
    def test_replica(self):
        """ModifyReplicaSynchronization"""
        out = self.clone(self.volume("s", 16384))
        sync = out["Synchronization"]
        base = {"Operation": Uint16(22), "Synchronization": sync}
        gone = sync.copy()
        gone["SyncedElement"] = no_volume(sync["SyncedElement"])
        for n in (3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 23, 24, 25, 26, 27):
            with self.subTest(Operation=n):
                self.refuse("ModifyReplicaSynchronization", 1, **dict(base, Operation=Uint16(n)))
        for params in (dict(base, Operation=Uint16(1)), dict(base, Operation=Uint16(28)),
                       dict(base, Operation=Uint16(0)), dict(base, Synchronization=gone),
                       dict(base, SyncPair=[sync]), dict(base, WaitForCopyState=Uint16(4)),
                       dict(base, Operation=Uint16(2), WaitForCopyState=Uint16(9)),
                       dict(base, ReplicationSettingData=settings(Pairing=Uint16(4)))):
            with self.subTest(**{k: str(v)[:50] for k, v in params.items()}):
                self.refuse("ModifyReplicaSynchronization", 5, **params)
        self.assertEqual(self.conn.GetInstance(sync)["CopyState"], 3)
        for missing in base:
            with self.raises(WRONG):
                self.conn.InvokeMethod("ModifyReplicaSynchronization", self.c.replication,
                                       **{k: v for k, v in base.items() if k != missing})

    def test_list(self):
        """ModifyListSynchronization: all of one kind, each once, none of a group"""
        s = self.volumes(2, "s", 16384)
        one, two = self.clone(s[0]), self.clone(s[1], mode=2)
        a, b = one["Synchronization"], two["Synchronization"]
        gone = a.copy()
        gone["SyncedElement"] = no_volume(a["SyncedElement"])
        for syncs in ([], [a, b], [a, a], [a, gone]):
            self.refuse("ModifyListSynchronization", 5, Operation=Uint16(22), Synchronization=syncs)
        self.refuse("ModifyListSynchronization", 1, Operation=Uint16(14), Synchronization=[a])
        with self.raises(WRONG):
            self.conn.InvokeMethod("ModifyListSynchronization", self.c.replication,
                                   Operation=Uint16(22))
        self.call("ModifyListSynchronization", 0, Operation=Uint16(22), Synchronization=[a])
        self.assertEqual(self.conn.GetInstance(a)["CopyState"], 9)


class Groups(Case):
    def test_create(self):
        """CreateGroup"""
        v = self.volume()
        self.group("taken")
        new = self.name("g")
        for params in ({}, {"GroupName": ""}, {"GroupName": self.name("taken")},
                       {"GroupName": "x" * 5000}, {"GroupName": new, "Members": [v, v]},
                       {"GroupName": new, "Members": [no_volume(v)]},
                       {"GroupName": new, "Persistent": False},
                       {"GroupName": new, "DeleteOnEmptyElement": True},
                       {"GroupName": new, "DeleteOnUnassociated": True},
                       {"GroupName": new, "ServiceAccessPoint": sap()},
                       {"GroupName": new, "ReservedAs": Uint16(2)}):
            with self.subTest(**{k: str(p)[:50] for k, p in params.items()}):
                self.refuse("CreateGroup", 5, **params)
        with self.raises(WRONG):
            self.conn.InvokeMethod("CreateGroup", self.c.replication, GroupName=new,
                                   Members=[self.c.replication])
        out = self.call("CreateGroup", 0, GroupName=new, Members=[v], Persistent=True,
                        DeleteOnEmptyElement=False, DeleteOnUnassociated=False,
                        ReservedAs=Uint16(4), ReplicationSettingData=settings(Multihop=Uint16(3)))
        self.same(self.c.members(out["ReplicationGroup"]), [v])

    def test_members(self):
        """AddMembers, RemoveMembers, DeleteGroup"""
        a, b, x = self.volumes(3)
        g = self.group("g", [a])
        for rc, method, params in (
                (7, "AddMembers", {"ReplicationGroup": NO_GROUP, "Members": [b]}),
                (7, "RemoveMembers", {"ReplicationGroup": NO_GROUP, "Members": [b]}),
                (5, "DeleteGroup", {"ReplicationGroup": NO_GROUP}),
                (5, "AddMembers", {"Members": [a]}), (5, "AddMembers", {"Members": [b, b]}),
                (5, "AddMembers", {"Members": []}), (5, "AddMembers", {}),
                (5, "AddMembers", {"Members": [b, no_volume(b)]}),
                (5, "AddMembers", {"Members": [b], "ServiceAccessPoint": sap()}),
                (8, "RemoveMembers", {"Members": [b]}), (5, "RemoveMembers", {}),
                (8, "RemoveMembers", {"Members": [a, b]}),
                (5, "RemoveMembers", {"Members": [a], "DeleteOnEmptyElement": True}),
                (5, "RemoveMembers", {"Members": [a], "ServiceAccessPoint": sap()}),
                (5, "DeleteGroup", {"ServiceAccessPoint": sap()}),
                (6, "DeleteGroup", {}), (6, "DeleteGroup", {"RemoveElements": False})):
            with self.subTest(method=method, **{k: str(p)[:40] for k, p in params.items()}):
                self.refuse(method, rc, **dict({"ReplicationGroup": g}, **params))
        self.call("AddMembers", 0, ReplicationGroup=g, Members=[b, x])
        self.same(self.c.members(g), [a, b, x])
        self.call("RemoveMembers", 0, ReplicationGroup=g, Members=[a, x])
        self.same(self.c.members(g), [b])
        self.call("RemoveMembers", 0, ReplicationGroup=g, Members=[b])
        self.call("DeleteGroup", 0, ReplicationGroup=g)
        with self.raises(WRONG):
            self.conn.InvokeMethod("DeleteGroup", self.c.replication)


class Volumes(Case):
    def test_create_or_modify(self):
        """CreateOrModifyElementFromStoragePool"""
        service, pool = self.c.configuration, self.c.pools()["fast"]
        v = self.volume(mib=32)
        primordial = [p.path for p in self.conn.EnumerateInstances("CIM_StoragePool")
                      if p["Primordial"]][0]
        base = {"ElementName": self.name("n"), "ElementType": Uint16(2), "InPool": pool.path,
                "Size": Uint64(16 * MIB)}
        grow = {"TheElement": v, "Size": Uint64(64 * MIB)}
        for rc, params in (
                (1, dict(base, ElementType=Uint16(5))), (1, dict(base, ElementType=Uint16(4))),
                (5, dict(base, ElementType=Uint16(0))), (5, dict(base, ElementType=Uint16(99))),
                (5, dict(base, Size=Uint64(0))), (5, dict(base, Size=None)),
                (5, dict(base, InPool=NO_POOL)), (5, dict(base, InPool=primordial)),
                (5, dict(base, Goal=NO_SETTING)), (5, dict(base, ElementName=self.name("v"))),
                (5, dict(base, ElementName="")), (5, dict(base, ElementName="x" * 5000)),
                (5, dict(grow, TheElement=no_volume(v))), (5, dict(grow, Size=None)),
                (5, dict(grow, Size=Uint64(0))),
                (5, dict(grow, InPool=self.c.pools()["bulk"].path)),
                (5, dict(grow, ElementType=Uint16(0)))):
            with self.subTest(**{k: str(p)[:50] for k, p in params.items()}):
                self.refuse("CreateOrModifyElementFromStoragePool", rc, service, **params)
        for params in (dict(grow, Size=Uint64(16 * MIB)),
                       dict(base, Size=Uint64(pool["TotalManagedSpace"] * 2)),
                       dict(base, Size=Uint64((1 << 64) - 1))):
            with self.subTest(**{k: str(p)[:50] for k, p in params.items()}), self.unchanged():
                rc, _ = self.c.invoke("CreateOrModifyElementFromStoragePool", service, **params)
                self.assertIn(rc, (1, 4, 5, 4097))
        self.assertEqual(self.conn.GetInstance(v)["NumberOfBlocks"] * 512, 32 * MIB)
        setting = self.conn.AssociatorNames(v, AssocClass="CIM_ElementSettingData")[0]
        self.call("CreateOrModifyElementFromStoragePool", 0, service, **dict(base, Goal=setting))
        self.call("CreateOrModifyElementFromStoragePool", 0, service,
                  **dict(grow, InPool=pool.path, ElementType=Uint16(2)))

    def test_return(self):
        """ReturnToStoragePool"""
        v = self.volume()
        for params in ({}, {"TheElement": no_volume(v)}):
            self.refuse("ReturnToStoragePool", 5, self.c.configuration, **params)
        with self.raises(WRONG), self.unchanged():
            self.conn.InvokeMethod("ReturnToStoragePool", self.c.configuration,
                                   TheElement=self.c.pools()["fast"].path)


class Queries(Case):
    """What the capabilities say is what the service does."""

    types = (6, 10, 11)

    def setUp(self):
        super().setUp()
        self.conn.debug = True

    def ask(self, method, expect=0, **params):
        return self.call(method, expect, self.c.one("CIM_ReplicationServiceCapabilities"),
                         **params)

    def booleans(self, parameter):
        """of the last answer; pywbem takes every text of a boolean output parameter for true"""
        root = ElementTree.fromstring(self.conn.last_raw_reply)
        at = root.find(f".//PARAMVALUE[@NAME='{parameter}']")
        return [{"TRUE": True, "FALSE": False}[v.text] for v in at.iter("VALUE")]

    def test_type_conversion(self):
        """SyncType, Mode and locality to replication type and back"""
        for t, sync, mode in ((6, 7, 2), (10, 8, 2), (11, 8, 3)):
            out = self.ask("ConvertSyncTypeToReplicationType", SyncType=Uint16(sync),
                           Mode=Uint16(mode), LocalOrRemote=Uint16(2))
            self.assertEqual(out["SupportedReplicationTypes"], t)
            out = self.ask("ConvertReplicationTypeToSyncType", ReplicationType=Uint16(t))
            self.assertEqual((out["SyncType"], out["Mode"], out["LocalOrRemote"]),
                             (sync, mode, 2))
        for s, m, w in ((7, 3, 2), (7, 2, 3), (6, 2, 2), (8, 4, 2), (8, 2, 3)):
            self.ask("ConvertSyncTypeToReplicationType", 1, SyncType=Uint16(s), Mode=Uint16(m),
                     LocalOrRemote=Uint16(w))

    def test_unknown_types(self):
        """every query answers 1 for a type that is not supported, with all its parameters known"""
        cls = self.conn.GetClass("CIM_ReplicationServiceCapabilities", LocalOnly=False)
        asked = 0
        for name, m in cls.methods.items():
            if "ReplicationType" not in m.parameters:
                continue
            for t in (0, 2, 4, 7, 8, 12, 99):
                self.ask(name, 1, ReplicationType=Uint16(t))
            self.ask(name, 1)
            asked += 1
        self.assertGreater(asked, 15)

    def test_answers(self):
        """the answers for all types"""
        for t in self.types:
            r = {"ReplicationType": Uint16(t)}
            snapshot = t == 6
            out = self.ask("GetSupportedCopyStates", **r)
            self.assertEqual(dict(zip(out["SupportedCopyStates"], self.booleans("HostAccessible"))),
                             {4: True, 5: False} if snapshot else
                             {2: False, 3: True, 4: True, 5: False, 9: True, 12: False})
            self.assertEqual(self.ask("GetSupportedGroupCopyStates", **r)["SupportedCopyStates"],
                             [4, 5, 14] if snapshot else [2, 3, 4, 5, 9, 12, 14])
            self.assertEqual(self.ask("GetSupportedConsistency", **r)["SupportedConsistency"], [2])
            self.assertEqual(self.ask("GetDefaultConsistency", **r)["DefaultConsistency"], 2)
            features = self.ask("GetSupportedFeatures", **r)["Features"]
            self.assertEqual(features, {6: [2, 16, 39, 44, 51], 10: [2, 18, 44, 51],
                                        11: [2, 44, 51]}[t])
            groups = self.ask("GetSupportedGroupFeatures", **r)["GroupFeatures"]
            self.assertTrue({3, 4, 5, 14} <= set(groups))
            self.assertEqual(16 in groups, t == 10)
            self.assertEqual(42 in groups, snapshot)
            self.assertEqual(self.ask("GetSupportedListFeatures", **r)["GroupFeatures"], [2, 3])
            self.assertEqual(self.ask("GetSupportedThinProvisioningFeatures", **r)[
                "SupportedThinProvisioningFeatures"], [] if snapshot else [1])
            out = self.ask("GetSupportedOperations", **r)
            self.assertEqual(out["SupportedOperations"],
                             [19] if snapshot else [2, 8, 9, 16, 22])
            for n in ("ServiceControlling", "RequiresForce", "UpdatesSynchronizedPath"):
                self.assertEqual(len(out[n]), len(out["SupportedOperations"]))
            self.ask("GetSupportedListOperations", 1, SynchronizationType=Uint16(3), **r)
            if snapshot:
                for state in (4, 5, 14):
                    for what in ("", "Group", "List"):
                        self.assertEqual(self.ask(f"GetSupported{what}Operations",
                                                  CopyState=Uint16(state), **r)[
                            f"Supported{what}Operations"], [19])
                self.assertEqual(self.ask("GetSupportedOperations", CopyState=Uint16(3), **r)[
                    "SupportedOperations"], [])
                continue
            out = self.ask("GetSupportedOperations", CopyState=Uint16(3), **r)
            self.assertEqual(dict(zip(out["SupportedOperations"], self.booleans("RequiresForce"))),
                             {2: False, 8: True, 9: True, 22: False})
            out = self.ask("GetSupportedGroupOperations", CopyState=Uint16(4), **r)
            self.assertEqual(out["SupportedGroupOperations"], [8, 9])
            self.assertEqual(self.ask("GetSupportedListOperations", CopyState=Uint16(9), **r)[
                "SupportedListOperations"], [2, 8, 9, 16])
        self.assertEqual(self.ask("GetDefaultGroupPersistency")["DefaultGroupPersistency"], 2)

    def waits(self, replication_type, method):
        return self.conn.InvokeMethod(
            "GetSupportedWaitForCopyStates", self.c.one("CIM_ReplicationServiceCapabilities"),
            [("ReplicationType", Uint16(replication_type)), ("MethodName", Uint16(method))])

    def test_waits(self):
        """each WaitForCopyState that is named is accepted by the method, others are not"""
        for t, sync, mode in ((6, 7, 2), (10, 8, 2), (11, 8, 3)):
            out = self.waits(t, 2)[1]
            src = self.volume(f"s{t}")
            for state in range(0, 19):
                rc, made = self.c.invoke("CreateElementReplica", self.c.replication,
                                         SyncType=Uint16(sync), Mode=Uint16(mode),
                                         SourceElement=src, WaitForCopyState=Uint16(state))
                self.assertEqual(rc == (0 if t == 6 else 4096),
                                 state in out["SupportedCopyStates"], (t, state))
                if rc == 4096:
                    self.c.wait_job(made["Job"])
        self.assertEqual(self.waits(10, 6)[0], 1)
        self.assertEqual(self.waits(11, 4)[1]["SupportedCopyStates"], [3, 4, 9, 12, 15])
        self.assertEqual(self.waits(6, 4)[1]["SupportedCopyStates"], [15])
        self.assertEqual(self.waits(6, 5)[1]["SupportedCopyStates"], [15])

    def test_settings(self):
        """each value that is named is granted; the default is the first of them, ReadOnly NULL"""
        self.try_settings(10, Uint16(8), 4096)

    def test_settings_of_snapshots(self):
        """the same for snapshots"""
        self.try_settings(6, Uint16(7), 0)

    def try_settings(self, replication_type, sync_type, expect):
        default = self.ask("GetDefaultReplicationSettingData",
                           ReplicationType=Uint16(replication_type))["DefaultInstance"]
        self.assertEqual(default.classname, "RPL_ReplicationSettingData")
        src = self.volume()
        cls = self.conn.GetClass("RPL_ReplicationServiceCapabilities", LocalOnly=False)
        q = cls.methods["GetSupportedReplicationSettingData"].parameters["PropertyName"].qualifiers
        for number, name in zip(q["ValueMap"].value, q["Values"].value):
            if ".." in number:
                continue
            rc, out = self.c.invoke("GetSupportedReplicationSettingData",
                                    self.c.one("CIM_ReplicationServiceCapabilities"),
                                    ReplicationType=Uint16(replication_type),
                                    PropertyName=Uint16(int(number)))
            self.assertIn(rc, (0, 7), name)
            if rc:
                self.assertIsNone(default.get(name), name)
                continue
            first = out["SupportedValues"][0]
            if name == "ReadOnly":
                self.assertIsNone(default.get(name))
            else:
                self.assertEqual(default[name], first == 3 if isinstance(default[name], bool)
                                 else first)
            for value in out["SupportedValues"]:
                if isinstance(default.get(name), bool):
                    value = value == 3
                else:
                    value = Uint16(value)
                if name == "TargetElementSupplier" and value in (1, 5):
                    continue
                made = self.call("CreateElementReplica", expect, SyncType=sync_type,
                                 Mode=Uint16(2), SourceElement=src, ElementName=self.name("t"),
                                 ReplicationSettingData=settings(**{name: value}))
                if expect:
                    self.c.wait_job(made["Job"])
                self.c.delete_volume(self.c.volume(self.name("t")).path)
        self.ask("GetSupportedReplicationSettingData", 7,
                 ReplicationType=Uint16(replication_type), PropertyName=Uint16(99))

    def test_maximum(self):
        """limits: numbers, or not supported"""
        for component, want in ((2, 0), (9, 1)):
            self.assertEqual(self.ask("GetSupportedMaximum", ReplicationType=Uint16(10),
                                      Component=Uint16(component))["MaxValue"], want)
        self.assertGreaterEqual(self.ask("GetSupportedMaximum", ReplicationType=Uint16(11),
                                         Component=Uint16(3))["MaxValue"], 64)
        for component in (0, 8, 10, 13):
            self.ask("GetSupportedMaximum", 1, ReplicationType=Uint16(10),
                     Component=Uint16(component))
        for component, want in ((2, 0), (5, 256), (6, 4096), (7, 16384), (9, 1)):
            self.assertEqual(self.ask("GetSupportedMaximum", ReplicationType=Uint16(6),
                                      Component=Uint16(component))["MaxValue"], want)

    def test_systems(self):
        """types for a system, replication between two volumes, names"""
        system = self.c.one("CIM_ComputerSystem")
        self.assertEqual(self.ask("GetSupportedReplicationTypesForSystem", System=system)[
            "SupportedReplicationTypes"], [6, 10, 11])
        other = system.copy()
        other["Name"] = "other"
        self.ask("GetSupportedReplicationTypesForSystem", 5, System=other)
        a, b, x = self.volume("a"), self.volume("b", 32), self.volume("x", pool="bulk")
        out = self.ask("GetSynchronizationSupported", LocalElement=a, OtherElement=b)
        self.assertEqual((out["SyncTypes"], out["Modes"], out["LocalElementRole"]),
                         ([8, 8], [2, 3], [2, 2]))
        out = self.ask("GetSynchronizationSupported", LocalElement=a, OtherElement=x)
        self.assertEqual(out["SyncTypes"], [])
        self.ask("GetElementNameCapabilities", 1, ElementType=Uint16(6))
        self.assertEqual(self.ask("GetElementNameCapabilities", ElementType=Uint16(2))[
            "SupportedFeatures"], [2, 4])
        for m in ("GetSupportedConnectionFeatures", "GetSupportedTokenizedReplicationType"):
            self.ask(m, 1)

    def test_available_targets(self):
        """GetAvailableTargetElements: what fits, and its filters"""
        src, fits, small = self.volume("s"), self.volume("t", 32), self.volume("u", 8)
        far = self.volume("f", 32, "bulk")
        base = {"SourceElement": src, "SyncType": Uint16(8), "Mode": Uint16(2)}

        def candidates(**more):
            out = self.call("GetAvailableTargetElements", 0, **dict(base, **more))["Candidates"]
            return {c["DeviceID"] for c in out}
        got = candidates()
        self.assertIn(fits["DeviceID"], got)
        self.assertFalse(got & {v["DeviceID"] for v in (src, small, far)})
        self.assertEqual(candidates(TargetPools=[self.c.pools()["bulk"].path]), set())
        self.assertEqual(len(candidates(MaxElementCount=Uint16(1))), 1)
        self.assertEqual(candidates(MaxElementCount=Uint16(0)), set())
        self.assertEqual(candidates(SyncType=Uint16(7)), set())
        for rc, more in ((1, {"SyncType": Uint16(6)}), (1, {"Mode": Uint16(5)}),
                         (1, {"SyncType": Uint16(7), "Mode": Uint16(3)}),
                         (5, {"TargetAccessPoint": sap()}), (5, {"TargetPools": [NO_POOL]}),
                         (5, {"TargetSettingGoal": NO_SETTING}),
                         (5, {"SourceElement": no_volume(src)}),
                         (5, {"ReplicationSettingData": settings(Pairing=Uint16(4))})):
            self.refuse("GetAvailableTargetElements", rc, **dict(base, **more))
        self.clone(src, fits)
        self.assertNotIn(fits["DeviceID"], candidates())

    def test_relationships(self):
        """GetReplicationRelationships and ...Instances with each filter"""
        src = self.group("g", self.volumes(2, "s"))
        out = self.call("CreateGroupReplica", 4096, SyncType=Uint16(8), Mode=Uint16(3),
                        SourceGroup=src, RelationshipName=self.name("r"))
        self.c.wait_job(out["Job"])

        def found(**params):
            paths = self.call("GetReplicationRelationships", 0, **params)["Synchronizations"]
            insts = self.call("GetReplicationRelationshipInstances", 0, **params)[
                "Synchronizations"]
            self.assertEqual([i["SyncedElement"] for i in insts],
                             [p["SyncedElement"] for p in paths])
            self.assertEqual([i.classname for i in insts], [p.classname for p in paths])
            return len(paths)
        self.assertEqual(found(), 3)
        for params, n in (({"Type": Uint16(2)}, 2), ({"Type": Uint16(3)}, 1),
                          ({"SyncType": Uint16(8)}, 3), ({"SyncType": Uint16(7)}, 0),
                          ({"Mode": Uint16(3)}, 3), ({"Mode": Uint16(2)}, 0),
                          ({"Locality": Uint16(2)}, 3), ({"Locality": Uint16(3)}, 0),
                          ({"CopyState": Uint16(4)}, 3), ({"CopyState": Uint16(3)}, 0)):
            with self.subTest(**{k: int(v) for k, v in params.items()}):
                self.assertEqual(found(**params), n)

    def test_not_supported(self):
        """every other method of the services answers 1"""
        done = {"CreateGroup", "DeleteGroup", "AddMembers", "RemoveMembers", "CreateElementReplica",
                "CreateGroupReplica", "CreateListReplica", "CreateGroupReplicaFromElements",
                "ModifyReplicaSynchronization", "ModifyListSynchronization",
                "GetAvailableTargetElements", "GetReplicationRelationships",
                "GetReplicationRelationshipInstances", "CreateOrModifyElementFromStoragePool",
                "ReturnToStoragePool", "ReturnElementsToStoragePool"}
        for service, more in ((self.c.replication, set()),
                              (self.c.configuration, {"GetAvailableTargetElements"})):
            cls = self.conn.GetClass(service.classname, LocalOnly=False)
            for name, m in cls.methods.items():
                if name in done - more:
                    continue
                required = {p.name: p for p in m.parameters.values() if "Required" in p.qualifiers}
                if required:
                    continue
                with self.subTest(method=name):
                    self.refuse(name, 1, service)


class QueriesTpd(Queries):
    """The same by the other prefix."""

    namespace = "root/tpd"
    # the prefix makes no difference to these
    test_settings = test_answers = test_unknown_types = test_not_supported = test_waits = None
    test_settings_of_snapshots = None
