# SPDX-License-Identifier: GPL-2.0-or-later
"""Bad input: each gets the protocol's own clear error, changes nothing, leaks nothing."""
import pywbem
from pywbem import CIMInstanceName, Uint8, Uint16, Uint64

from rpltest import case, client


class Replication(case.Case):
    """Refused replica requests."""

    needs_node = False

    def mounts(self):
        if not self.node:
            self.skipTest("needs a node")

    def refuse(self, rc, method, **params):
        with self.unchanged():
            return self.returns(rc, method, **params)

    def test_source_twice(self):
        """a source listed twice"""
        s, t = self.volumes(1), self.volumes(2, what="t")
        self.refuse(client.RC_INVALID, "CreateListReplica", SyncType=client.CLONE,
                    SourceElements=[s[0], s[0]], TargetElements=t)

    def test_target_twice(self):
        """a target listed twice"""
        s, t = self.volumes(2), self.volumes(1, what="t")
        self.refuse(client.RC_INVALID, "CreateListReplica", SyncType=client.CLONE,
                    SourceElements=s, TargetElements=[t[0], t[0]])

    def test_target_smaller(self):
        """a target smaller than its source"""
        s, t = self.volume("s", 16), self.volume("t", 12)
        self.refuse(client.RC_INVALID, "CreateElementReplica", SyncType=client.CLONE,
                    SourceElement=s, TargetElement=t)

    def test_target_mounted(self):
        """a target that is mounted"""
        self.mounts()
        s, t = self.volume("s"), self.volume("t")
        self.node.sh(f"mkfs.ext4 -q {client.device(t)}; mkdir -p /mnt/x; "
                     f"mount {client.device(t)} /mnt/x")
        try:
            self.refuse(client.RC_IN_USE, "CreateElementReplica", SyncType=client.CLONE,
                        SourceElement=s, TargetElement=t)
        finally:
            self.node.sh("umount /mnt/x")

    def test_target_open(self):
        """a target that a process holds open"""
        self.mounts()
        s, t = self.volume("s"), self.volume("t")
        n = self.node.spawn(f"echo open; exec sleep 100 < {client.device(t)}")
        self.node.until_said(n, "open")
        try:
            self.refuse(client.RC_IN_USE, "CreateElementReplica", SyncType=client.CLONE,
                        SourceElement=s, TargetElement=t)
        finally:
            self.node.sh("pkill -x sleep")

    def test_target_is_target(self):
        """a target that is a target already"""
        s, t = self.volumes(2), self.volume("t")
        out = self.returns(client.RC_JOB, "CreateElementReplica", SyncType=client.CLONE,
                           Mode=client.ASYNC, SourceElement=s[0], TargetElement=t)
        self.c.wait_job(out["Job"])
        self.refuse(client.RC_IN_USE, "CreateElementReplica", SyncType=client.CLONE,
                    SourceElement=s[1], TargetElement=t)

    def test_target_is_source(self):
        """a target that is a source of another relation, and the source itself"""
        a, b, x = self.volume("a"), self.volume("b"), self.volume("x")
        out = self.returns(client.RC_JOB, "CreateElementReplica", SyncType=client.CLONE,
                           Mode=client.ASYNC, SourceElement=a, TargetElement=b)
        self.c.wait_job(out["Job"])
        with self.unchanged():
            rc, _ = self.c.invoke("CreateElementReplica", self.c.replication,
                                  SyncType=client.CLONE, SourceElement=x, TargetElement=a)
        self.assertIn(rc, (client.RC_INVALID, client.RC_IN_USE))
        self.refuse(client.RC_INVALID, "CreateElementReplica", SyncType=client.CLONE,
                    SourceElement=x, TargetElement=x)

    def test_source_and_target_in_one_list(self):
        """a volume that is source and target in one request"""
        a, b, x = self.volumes(3)
        self.refuse(client.RC_INVALID, "CreateListReplica", SyncType=client.CLONE,
                    SourceElements=[a, b], TargetElements=[b, x])

    def test_unequal_groups(self):
        """groups of different size"""
        s, t = self.group("s", self.volumes(2)), self.group("t", self.volumes(1, what="t"))
        self.refuse(client.RC_INVALID, "CreateGroupReplica", SyncType=client.CLONE, SourceGroup=s,
                    TargetGroup=t)

    def test_empty_group(self):
        """an empty source group"""
        s = self.group("s", None)
        self.refuse(client.RC_INVALID, "CreateGroupReplica", SyncType=client.CLONE, SourceGroup=s)

    def test_no_source(self):
        """neither group nor element"""
        self.refuse(client.RC_INVALID, "CreateGroupReplica", SyncType=client.CLONE)

    def test_full_pool(self):
        """targets that do not fit their pool: no volume is left behind"""
        room = self.c.pools()["small"]["RemainingManagedSpace"] >> 20
        s = [self.volume(f"v{i}", room * 2 // 5, "small") for i in range(2)]
        group = self.group("src", s)
        self.refuse(client.RC_FAILED, "CreateGroupReplica", SyncType=client.CLONE,
                    SourceGroup=group)

    def test_other_pool(self):
        """a target, a target pool and a member of another pool"""
        s, t = self.volume("s"), self.volume("t", 16, "small")
        pool = self.c.pools()["small"].path
        self.refuse(client.RC_INVALID, "CreateElementReplica", SyncType=client.CLONE,
                    SourceElement=s, TargetElement=t)
        self.refuse(client.RC_INVALID, "CreateElementReplica", SyncType=client.CLONE,
                    SourceElement=s, TargetPool=pool)
        self.refuse(client.RC_INVALID, "CreateListReplica", SyncType=client.CLONE,
                    SourceElements=[s, t])

    def test_sync_types(self):
        """kinds that do not exist: mirror, 9, 0, 65535"""
        s = self.volume("s")
        for n in (6, 9, 0, 65535):
            with self.subTest(SyncType=n), self.unchanged():
                rc, _ = self.c.invoke("CreateElementReplica", self.c.replication,
                                      SyncType=Uint16(n), SourceElement=s)
                self.assertIn(rc, (client.RC_NOT_SUPPORTED, client.RC_INVALID))

    def test_other_parameters(self):
        """every parameter that must be NULL, and values that are not granted"""
        s, t = self.volume("s"), self.volume("t")
        pool = self.c.pools()["fast"].path
        for more in ({"Mode": Uint16(4)}, {"Mode": Uint16(99)}, {"WaitForCopyState": Uint16(5)},
                     {"TargetPool": pool, "TargetElement": t}):
            with self.subTest(**{k: str(v) for k, v in more.items()}), self.unchanged():
                rc, _ = self.c.invoke("CreateElementReplica", self.c.replication,
                                      SyncType=client.CLONE, SourceElement=s, **more)
                self.assertIn(rc, (client.RC_NOT_SUPPORTED, client.RC_INVALID))

    def test_vanished_volume(self):
        """a source, a target and a group that do not exist"""
        s = self.volume("s")
        ghost = s.copy()
        ghost["DeviceID"] = "00000000-0000-4000-8000-000000000000"
        for params in ({"SourceElement": ghost}, {"SourceElement": s, "TargetElement": ghost}):
            with self.subTest(str(sorted(params))), self.unchanged():
                try:
                    rc, _ = self.c.invoke("CreateElementReplica", self.c.replication,
                                          SyncType=client.CLONE, **params)
                    self.assertEqual(rc, client.RC_INVALID)
                except pywbem.CIMError as e:
                    self.assertIn(e.status_code, (pywbem.CIM_ERR_NOT_FOUND,
                                                  pywbem.CIM_ERR_INVALID_PARAMETER))
                    self.assertIn("00000000-0000-4000-8000-000000000000", e.status_description)

    def test_operations(self):
        """ModifyReplicaSynchronization: operations that do not apply, relations that are gone"""
        s, t = self.volume("s"), self.volume("t")
        out = self.returns(client.RC_JOB, "CreateElementReplica", SyncType=client.CLONE,
                           Mode=client.ASYNC, SourceElement=s, TargetElement=t)
        self.c.wait_job(out["Job"])
        r = self.c.relation_of(t)
        for n in (0, 3, 5, 12, 20, 24, 65535):
            with self.subTest(Operation=n), self.unchanged():
                rc, _ = self.c.invoke("ModifyReplicaSynchronization", self.c.replication,
                                      Operation=Uint16(n), Synchronization=r)
                self.assertIn(rc, (client.RC_NOT_SUPPORTED, client.RC_INVALID))
        self.c.modify(client.OP_DETACH, r)
        with self.unchanged():
            try:
                rc, _ = self.c.invoke("ModifyReplicaSynchronization", self.c.replication,
                                      Operation=client.OP_DETACH, Synchronization=r)
                self.assertEqual(rc, client.RC_INVALID)
            except pywbem.CIMError as e:
                self.assertEqual(e.status_code, pywbem.CIM_ERR_NOT_FOUND)


class Groups(case.Case):
    needs_node = False

    def test_create(self):
        """CreateGroup: no name, a taken name, duplicates, values that are not granted"""
        v = self.volume()
        self.group("g", None)
        for params in ({}, {"GroupName": ""}, {"GroupName": self.name("g")},
                       {"GroupName": self.name("h"), "Members": [v, v]},
                       {"GroupName": self.name("h"), "Persistent": False},
                       {"GroupName": self.name("h"), "DeleteOnEmptyElement": True},
                       {"GroupName": self.name("h"), "DeleteOnUnassociated": True},
                       {"GroupName": "x" * 5000}):
            with self.subTest(str({k: str(p)[:40] for k, p in params.items()})), self.unchanged():
                rc, _ = self.c.invoke("CreateGroup", self.c.replication, **params)
                self.assertIn(rc, (client.RC_NOT_SUPPORTED, client.RC_INVALID))

    def test_members(self):
        """AddMembers twice, RemoveMembers of a stranger, DeleteGroup that is not empty"""
        a, b = self.volumes(2, 8)
        g = self.group("g", [a])
        for method, params in (("AddMembers", {"Members": [a]}),
                               ("AddMembers", {"Members": [b, b]}),
                               ("RemoveMembers", {"Members": [b]}),
                               ("DeleteGroup", {"RemoveElements": False})):
            with self.subTest(method), self.unchanged():
                rc, _ = self.c.invoke(method, self.c.replication, ReplicationGroup=g, **params)
                self.assertIn(rc, (client.RC_FAILED, client.RC_INVALID, client.RC_IN_USE, 8))


class Protocol(case.Case):
    """Names and types that are wrong."""

    needs_node = False

    def test_names(self):
        """unknown class, namespace, method, instance"""
        conn = self.c.conn
        with self.unchanged():
            with self.refused(pywbem.CIM_ERR_INVALID_CLASS, "CIM_None"):
                conn.EnumerateInstances("CIM_None")
            with self.refused(pywbem.CIM_ERR_INVALID_CLASS, "CIM_None"):
                conn.GetClass("CIM_None")
            with self.refused(pywbem.CIM_ERR_INVALID_NAMESPACE, "root/none"):
                conn.EnumerateClassNames(namespace="root/none")
            with self.refused(pywbem.CIM_ERR_METHOD_NOT_FOUND, "Frobnicate"):
                conn.InvokeMethod("Frobnicate", self.c.replication)
            ghost = self.c.replication.copy()
            ghost["Name"] = "none"
            with self.refused(pywbem.CIM_ERR_NOT_FOUND):
                conn.GetInstance(ghost)

    def test_parameters(self):
        """missing, wrongly typed, unknown parameters"""
        s = self.volume()
        conn, service = self.c.conn, self.c.replication
        for params in ({"SourceElement": s},
                       {"SyncType": "eight", "SourceElement": s},
                       {"SyncType": Uint64(1 << 40), "SourceElement": s},
                       {"SyncType": client.CLONE},
                       {"SyncType": client.CLONE, "SourceElement": "text"},
                       {"SyncType": client.CLONE, "SourceElement": s, "NoSuch": Uint8(1)},
                       {"SyncType": client.CLONE, "SourceElement": service},
                       {"SyncType": [client.CLONE], "SourceElement": s}):
            with self.subTest(str({k: str(p)[:40] for k, p in params.items()})), self.unchanged():
                with self.refused(pywbem.CIM_ERR_INVALID_PARAMETER):
                    conn.InvokeMethod("CreateElementReplica", service, **params)

    def test_reference_to_nothing(self):
        """a reference of an unknown class"""
        with self.unchanged(), self.assertRaises(pywbem.CIMError):
            self.c.conn.InvokeMethod(
                "CreateElementReplica", self.c.replication, SyncType=client.CLONE,
                SourceElement=CIMInstanceName("CIM_None", {"A": "b"}, namespace=client.NAMESPACE))
