# SPDX-License-Identifier: GPL-2.0-or-later
"""Every class of the node: pulled 1, 3 and 1000 at a time, and with wbemcli."""
import time

from pywbem import WBEMConnection

from rpltest import case, client, valid, wbemcli

NAMESPACES = ("interop", "root/interop", "root/dmreplica", "root/tpd")
SIZES = (1, 3, 1000)


def local(path):
    path = path.copy()
    path.host = None
    return path.to_wbem_uri("canonical")


class Classes(case.Case):
    needs_node = False

    def populate(self):
        """Something of everything; the copies have ended."""
        sources = self.volumes(3, mib=4)
        self.c.wait_job(self.clone_group(sources[:2])["Job"])
        for sync_type in (client.SNAPSHOT, client.CLONE):
            _, out = self.c.invoke("CreateElementReplica", self.c.replication,
                                   (client.RC_OK, client.RC_JOB), SyncType=sync_type,
                                   SourceElement=sources[2], ElementName=self.name(str(sync_type)))
            if out.get("Job"):
                self.c.wait_job(out["Job"])

    def test_pull_and_wbemcli(self):
        """every class of all namespaces: pulls of 1, 3, 1000 and wbemcli ei find what is there"""
        self.populate()
        url, user, password = case.address
        conn = valid.watched(WBEMConnection(url, (user, password), timeout=120,
                                            use_pull_operations=True))
        for ns in NAMESPACES:
            start, total = time.monotonic(), 0
            w = wbemcli.Wbemcli(*case.address, namespace=ns)
            names = self.c.conn.EnumerateClassNames(namespace=ns, DeepInheritance=True)
            for at, name in enumerate(names):
                # superclasses have the same instances again: by one size each
                sizes = SIZES if name.startswith("RPL_") else SIZES[at % 3:][:1]
                want = sorted(map(local, self.c.conn.EnumerateInstanceNames(name, namespace=ns)))
                for size in sizes if want else (3,):
                    with self.subTest(name, namespace=ns, size=size):
                        got = conn.IterEnumerateInstances(name, namespace=ns, MaxObjectCount=size)
                        self.assertEqual(sorted(local(i.path) for i in got), want)
                with self.subTest(name, namespace=ns, client="wbemcli"):
                    self.assertEqual(len(w.run("ei", name).splitlines()), len(want))
                total += len(want)
            self.assertGreater(total, 50)
            print(f"# {ns}: {len(names)} classes, {total} instances, "
                  f"{time.monotonic() - start:.1f} s", flush=True)
