# SPDX-License-Identifier: GPL-2.0-or-later
"""A device that vanishes under a target costs the replica, never the source (I4)."""
from rpltest import case, client


class Vanish(case.Case):
    def below(self, volume):
        """Device-mapper name of the logical volume below a volume."""
        return "vg_fast-rpl--" + volume["DeviceID"].replace("-", "--")

    def swap(self, name, table):
        self.node.sh(f"dmsetup suspend --noflush --nolockfs {name}; "
                     f"dmsetup load {name} --table '{table}'; dmsetup resume {name}")

    def test_target_device_lost(self):
        """the target's device fails in the copy: the job says so, the source goes on"""
        src, dst = self.volume("s", 512), self.volume("t", 512)
        self.node.sh(f"rpl-stamp fill -f 3 -l 8m {client.device(src)}")
        out = self.returns(client.RC_JOB, "CreateElementReplica", SyncType=client.CLONE,
                           Mode=client.ASYNC, SourceElement=src, TargetElement=dst)
        self.slow_down([dst])
        name = self.below(dst)
        table = self.node.sh(f"dmsetup table {name}").strip()
        try:
            self.swap(name, f"0 {table.split()[1]} error")
            self.node.sh(f"rpl-stamp fill -f 4 -o 300m -l 8m {client.device(src)}")
            self.c.wait_job(out["Job"], 60, final=(client.JOB_EXCEPTION,))
            self.assertTrue(self.c.error_text(out["Job"]))
            self.assertEqual(self.c.conn.GetInstance(self.c.relation_of(dst))["CopyState"], 5)
            self.node.sh(f"rpl-stamp fill -f 5 -l 8m {client.device(src)}")
        finally:
            self.swap(name, table)

    def test_source_device_lost(self):
        """the source's device fails in the copy: the job says so, the clone never lies"""
        src, dst = self.volume("s", 512), self.volume("t", 512)
        self.node.sh(f"rpl-stamp fill -f 3 -l 8m {client.device(src)}")
        out = self.returns(client.RC_JOB, "CreateElementReplica", SyncType=client.CLONE,
                           Mode=client.ASYNC, SourceElement=src, TargetElement=dst)
        self.slow_down([dst])
        name = self.below(src)
        table = self.node.sh(f"dmsetup table {name}").strip()
        try:
            self.swap(name, f"0 {table.split()[1]} error")
            self.c.wait_job(out["Job"], 60, final=(client.JOB_EXCEPTION,))
            self.assertTrue(self.c.error_text(out["Job"]))
            rc, _ = self.node.sh(f"rpl-stamp sum {client.device(dst)}", check=False)
            self.assertNotEqual(rc, 0, "an unfinished clone must not read as if it were whole")
        finally:
            self.swap(name, table)
