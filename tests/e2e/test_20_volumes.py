# SPDX-License-Identifier: GPL-2.0-or-later
"""S3 create, S4 extend, S9 delete of volumes, by pywbem and by wbemcli."""
import pywbem
from pywbem import Uint16, Uint64

from rpltest import case, client

MIB = 1 << 20


class Volumes(case.Case):
    needs_node = False

    def test_s3_create(self):
        """create a volume; it is in its pool, on a device of its size, and gone after S9"""
        path = self.volume("a", 20)
        v = self.c.conn.GetInstance(path, LocalOnly=False)
        self.assertEqual(v["ElementName"], self.name("a"))
        self.assertEqual(v["NumberOfBlocks"] * v["BlockSize"], 20 * MIB)
        self.assertEqual((v["NameFormat"], v["NameNamespace"]), (9, 2))
        pools = self.c.conn.AssociatorNames(path, AssocClass="CIM_AllocatedFromStoragePool",
                                            ResultClass="CIM_StoragePool")
        self.assertEqual(len(pools), 1)
        refs = self.c.conn.References(path, ResultClass="CIM_AllocatedFromStoragePool",
                                      Role="Dependent")
        self.assertGreaterEqual(refs[0]["SpaceConsumed"], 20 * MIB)
        if self.node:
            self.assertEqual(int(self.node.sh(f"blockdev --getsize64 {client.device(path)}")),
                             20 * MIB)
            self.node.sh(f"test -b /dev/rpl/{v['DeviceID']}")
        self.assertFalse(self.c.conn.ReferenceNames(path, ResultClass="CIM_StorageSynchronized"))
        self.c.delete_volume(path)
        with self.refused(pywbem.CIM_ERR_NOT_FOUND):
            self.c.conn.GetInstance(path)
        if self.node:
            self.assertNotIn(path["DeviceID"], self.node.facts()[0])

    def test_s3_wbemcli(self):
        """wbemcli creates a volume and reads it"""
        pool = self.c.pools()["fast"].path
        out = self.w.run("cm", keys(self.c.configuration),
                         f'CreateOrModifyElementFromStoragePool.ElementName="{self.name("w")}",'
                         f"ElementType=2,Size={8 * MIB},InPool={keys(pool)}")
        self.assertRegex(out, r"Pool: (0|4096)\b")
        path = self.until(lambda: self.c.volumes().get(self.name("w"))).path
        got = self.w.get(keys(path), "NumberOfBlocks", "BlockSize")
        self.assertEqual(int(got["NumberOfBlocks"]) * int(got["BlockSize"]), 8 * MIB)

    def test_s4_extend(self):
        """(TheElement, Size) alone grows a volume"""
        path = self.volume("a", 8)
        rc, out = self.c.invoke("CreateOrModifyElementFromStoragePool", self.c.configuration,
                                (0, 4096), TheElement=path, Size=Uint64(24 * MIB))
        if rc:
            self.c.wait_job(out["Job"])
        v = self.c.conn.GetInstance(path)
        self.assertEqual(v["NumberOfBlocks"] * v["BlockSize"], 24 * MIB)
        if self.node:
            self.assertEqual(int(self.node.sh(f"blockdev --getsize64 {client.device(path)}")),
                             24 * MIB)

    def test_full_pool(self):
        """a pool without room refuses, says so, and nothing changes"""
        pool = self.c.pools()["fast"]
        with self.unchanged():
            rc, out = self.c.invoke(
                "CreateOrModifyElementFromStoragePool", self.c.configuration,
                ElementName=self.name("big"), ElementType=Uint16(2), InPool=pool.path,
                Size=Uint64(pool["RemainingManagedSpace"] + (1 << 30)))
        self.assertIn(rc, (client.RC_FAILED, client.RC_INVALID, 4097))

    def test_name_taken(self):
        """a second volume of the same name is refused"""
        self.volume("a", 8)
        with self.unchanged():
            self.returns(client.RC_INVALID, "CreateOrModifyElementFromStoragePool",
                         self.c.configuration, ElementName=self.name("a"), ElementType=Uint16(2),
                         Size=Uint64(8 * MIB))

    def test_mounted(self):
        """a volume in use is not deleted"""
        if not self.node:
            self.skipTest("needs a node")
        path = self.volume("a", 16)
        self.node.sh(f"mkfs.ext4 -q {client.device(path)}; mkdir -p /mnt/x; "
                     f"mount {client.device(path)} /mnt/x")
        try:
            with self.unchanged():
                self.returns(client.RC_IN_USE, "ReturnToStoragePool", self.c.configuration,
                             TheElement=path)
        finally:
            self.node.sh("umount /mnt/x")


def keys(path):
    return path.classname + "." + ",".join(f'{k}="{v}"' for k, v in path.keybindings.items())
