# SPDX-License-Identifier: GPL-2.0-or-later
"""An SMI-S client by pywbem, as a storage manager would write it: CIM class names only."""
import os
import time

import pywbem
from pywbem import CIMInstance, CIMInstanceName, Uint16, Uint64, WBEMConnection, WBEMServer

from .valid import watched

NAMESPACE = "root/dmreplica"
RC_OK, RC_NOT_SUPPORTED, RC_FAILED, RC_INVALID, RC_IN_USE, RC_JOB = 0, 1, 4, 5, 6, 4096
CLONE, SNAPSHOT = Uint16(8), Uint16(7)
SYNC, ASYNC = Uint16(2), Uint16(3)
READ_ONLY = CIMInstance("CIM_ReplicationSettingData", {"ReadOnly": Uint16(3)})
OP_ABORT, OP_DETACH, OP_RESUME, OP_RETURN, OP_SUSPEND = (Uint16(n) for n in (2, 8, 16, 19, 22))
JOB_RUNNING, JOB_SUSPENDED, JOB_COMPLETED, JOB_TERMINATED, JOB_EXCEPTION = 4, 5, 7, 8, 10
JOB_FINAL = (7, 8, 9, 10)


# The environment of a test machine may name another CA bundle, which would win over ca_certs.
for _name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
    os.environ.pop(_name, None)


class MethodError(Exception):
    """A method returned what the caller did not expect."""

    def __init__(self, method, rc, out):
        super().__init__(f"{method} returned {rc}, out {dict(out)}")
        self.rc, self.out = rc, out


class JobError(Exception):
    pass


class Client:
    def __init__(self, url, user, password, namespace=NAMESPACE, timeout=60, **more):
        self.conn = watched(WBEMConnection(url, (user, password) if user else None,
                                           default_namespace=namespace, timeout=timeout, **more))
        self.ns = namespace
        self._cache = {}

    # -- discovery (S1, S2) --------------------------------------------------------------------

    def server(self):
        return WBEMServer(self.conn)

    def array_systems(self):
        """The computer systems of the Array profile, the way storage managers find them."""
        server = self.server()
        array = server.get_selected_profiles("SNIA", "Array")[0]
        return self.conn.Associators(array.path, AssocClass="CIM_ElementConformsToProfile",
                                     ResultClass="CIM_ComputerSystem")

    def one(self, class_name):
        """The path of the only instance of a class."""
        if class_name not in self._cache:
            paths = self.conn.EnumerateInstanceNames(class_name)
            if len(paths) != 1:
                raise LookupError(f"{class_name}: {len(paths)} instances")
            self._cache[class_name] = paths[0]
        return self._cache[class_name]

    @property
    def replication(self):
        return self.one("CIM_ReplicationService")

    @property
    def configuration(self):
        return self.one("CIM_StorageConfigurationService")

    def pools(self):
        """{name: instance} of the pools that volumes can be made from."""
        system = self.one("CIM_ComputerSystem")
        found = self.conn.Associators(system, AssocClass="CIM_HostedStoragePool",
                                      ResultClass="CIM_StoragePool")
        return {p["ElementName"]: p for p in found if not p["Primordial"]}

    def volumes(self):
        return {v["ElementName"]: v for v in self.conn.EnumerateInstances("CIM_StorageVolume")}

    def volume(self, name):
        v = self.volumes().get(name)
        if v is None:
            raise LookupError(f"no volume {name}")
        return v

    def groups(self):
        return {g["ElementName"]: g for g in self.conn.EnumerateInstances("CIM_ReplicationGroup")}

    def relations(self):
        return self.conn.EnumerateInstances("CIM_StorageSynchronized")

    def group_relations(self):
        return self.conn.EnumerateInstances("CIM_GroupSynchronized")

    def members(self, group):
        return self.conn.AssociatorNames(group, AssocClass="CIM_OrderedMemberOfCollection",
                                         ResultClass="CIM_StorageVolume")

    # -- methods -------------------------------------------------------------------------------

    def invoke(self, method, obj, expect=None, **params):
        """(return value, out parameters); MethodError when the value is not in `expect`."""
        rc, out = self.conn.InvokeMethod(method, obj, **{k: v for k, v in params.items()
                                                         if v is not None})
        if expect is not None and rc not in expect:
            raise MethodError(method, rc, out)
        return rc, out

    def create_volume(self, name, size, pool=None):
        """The path of a new volume; waits for the job if there is one."""
        pool = self.pools()[pool].path if pool else None
        rc, out = self.invoke("CreateOrModifyElementFromStoragePool", self.configuration,
                              (RC_OK, RC_JOB), ElementName=name, ElementType=Uint16(2),
                              InPool=pool, Size=Uint64(size))
        if rc == RC_JOB:
            self.wait_job(out["Job"])
        return out.get("TheElement") or self.volume(name).path

    def delete_volume(self, path):
        rc, out = self.invoke("ReturnToStoragePool", self.configuration, (RC_OK, RC_JOB),
                              TheElement=path)
        if rc == RC_JOB:
            self.wait_job(out["Job"])

    def create_group(self, name, members=None):
        _, out = self.invoke("CreateGroup", self.replication, (RC_OK,), GroupName=name,
                             Members=members)
        return out["ReplicationGroup"]

    def delete_group(self, path, remove_elements=True):
        self.invoke("DeleteGroup", self.replication, (RC_OK,), ReplicationGroup=path,
                    RemoveElements=remove_elements)

    def modify(self, operation, relation, **more):
        return self.invoke("ModifyReplicaSynchronization", self.replication, (RC_OK, RC_JOB),
                           Operation=operation, Synchronization=relation, **more)

    # -- jobs ----------------------------------------------------------------------------------

    def job(self, path):
        return self.conn.GetInstance(path, LocalOnly=False)

    def wait_job(self, path, timeout=120, final=(JOB_COMPLETED,), tick=0.2):
        """The job's instance once it has ended; JobError when it ended otherwise than `final`."""
        end = time.monotonic() + timeout
        while True:
            job = self.job(path)
            if job["JobState"] in JOB_FINAL:
                break
            if time.monotonic() > end:
                raise JobError(f"the job did not end in {timeout} s: {describe(job)}")
            time.sleep(tick)
        if job["JobState"] not in final:
            raise JobError(f"{describe(job)}: {self.error_text(path)}")
        return job

    def error_text(self, path):
        """Message of the CIM_Error of a failed job, '' when it has none."""
        for method, key in (("GetErrors", "Errors"), ("GetError", "Error")):
            try:
                _, out = self.invoke(method, path)
            except pywbem.CIMError:
                continue
            errors = out.get(key)
            errors = errors if isinstance(errors, list) else [errors]
            if errors and errors[0] is not None:
                return str(errors[0]["Message"])
        return ""

    def target_group(self, out, source_group, timeout=120):
        """The target group of a CreateGroupReplica: in the answer, or there a little later."""
        if out.get("TargetGroup") is not None:
            return out["TargetGroup"]
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            for path in self.conn.EnumerateInstanceNames("CIM_GroupSynchronized"):
                if path["SystemElement"]["InstanceID"] == source_group["InstanceID"]:
                    return path["SyncedElement"]
            time.sleep(0.1)
        raise JobError("no group relation came of the request: " + describe(self.job(out["Job"])))

    # -- relations -----------------------------------------------------------------------------

    def relation_of(self, target):
        """The path of the relation whose target is this volume (S7), None when there is none."""
        for path in self.conn.EnumerateInstanceNames("CIM_StorageSynchronized"):
            if path["SyncedElement"]["DeviceID"] == target["DeviceID"]:
                return path
        return None


def describe(job):
    names = {2: "New", 3: "Starting", 4: "Running", 5: "Suspended", 7: "Completed",
             8: "Terminated", 9: "Killed", 10: "Exception"}
    state = int(job["JobState"])
    return (f"job {job['InstanceID']} {names.get(state, state)} {job['PercentComplete']} % "
            f"{job['ErrorDescription'] or ''}").rstrip()


def device(volume):
    """The volume's device in its host."""
    return f"/dev/mapper/RPL-{volume['DeviceID']}"


def path_of(item):
    return item if isinstance(item, CIMInstanceName) else item.path
