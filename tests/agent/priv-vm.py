#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""smisd-priv on a real kernel and real LVM: every operation, its refusals, a kill, a reboot.

Runs as root inside a guest that has two empty disks; prints KTAP.
usage: priv-vm.py SMISD_PRIV DISK1 DISK2
"""
import os
import signal
import socket
import sys
import time

from rplpriv import MIB, SOCK, Priv, new, run, run_tests, table, until

PRIV, DISK1, DISK2 = sys.argv[1:4]
CONF = "/run/priv-test.conf"


def write(u, byte, mib, at=0):
    with open(f"/dev/mapper/RPL-{u}", "r+b", buffering=0) as f:
        f.seek(at * MIB)
        for _ in range(mib):
            f.write(bytes([byte]) * MIB)
        os.fsync(f.fileno())


def read(u, mib, at=0):
    run("blockdev", "--flushbufs", f"/dev/mapper/RPL-{u}")
    with open(f"/dev/mapper/RPL-{u}", "rb", buffering=0) as f:
        f.seek(at * MIB)
        return f.read(mib * MIB)


def synchronized(target_id):
    out = run("dmsetup", "status", "--target", "replica-clone")
    return any("synchronized" in line for line in out.splitlines()) and target_id


class State:
    priv = None
    pool = pool2 = None
    a, b, ta, tb = new(), new(), new(), new()


def t_setup():
    for vg, disk in (("rplvg", DISK1), ("rplvg2", DISK2)):
        run("lvm", "vgcreate", "--yes", vg, disk)
    with open(CONF, "w") as f:
        f.write("[store]\nsize = 16M\n[pool fast]\nvg = rplvg\n[pool bulk]\nvg = rplvg2\n")
    State.priv = Priv(PRIV, CONF)
    State.priv.ok("hello")


def t_activate_makes_the_stores():
    State.priv.ok("activate")
    State.priv.ok("activate")  # again: nothing to do
    names = run("dmsetup", "ls", "--target", "replica-store").split()
    assert sum(n.startswith("RPL-private-") for n in names) == 2, names


def t_inventory_is_empty():
    r = State.priv.ok("inventory")
    assert [p["name"] for p in r["pools"]] == ["fast", "bulk"] and not r.get("volumes"), r
    State.pool, State.pool2 = (p["uuid"] for p in r["pools"])
    assert 0 < r["pools"][0]["free"] < r["pools"][0]["total"]


def create(u, n, mib, name, pool=None, source=""):
    return State.priv.ok("volume-create", uuid=u, volume=n, size=mib * MIB,
                         pool=pool or State.pool, name=name, source=source)


def t_volume_create():
    r = create(State.a, 1, 16, "data one")
    assert r["size"] == 16 * MIB
    create(State.b, 2, 21, "data/two".replace("/", "-"))  # rounded up to extents of 4 MiB
    create(State.ta, 3, 16, "copy1")
    create(State.tb, 4, 24, "copy2")
    create(State.ta, 3, 16, "copy1")  # again
    assert table(State.a) == "replica-source"
    assert os.readlink("/dev/rpl/data\\x20one") == f"../mapper/RPL-{State.a}"
    assert os.path.exists(f"/dev/rpl/{State.b}")
    sizes = {v["uuid"]: v["size"] for v in State.priv.ok("inventory")["volumes"]}
    assert sizes[State.b] == 24 * MIB, sizes


def t_refusals():
    p = State.priv
    p.refused(17, "taken", "volume-create", uuid=new(), volume=1, size=MIB, pool=State.pool,
              name="x", source="")
    p.refused(2, "no pool", "volume-create", uuid=new(), volume=9, size=MIB, pool="nope", name="x",
              source="")
    p.refused(28, "", "volume-create", uuid=new(), volume=9, size=1 << 50, pool=State.pool,
              name="x", source="")
    p.refused(2, "not there", "clone-prepare", uuid=new(), other=State.a)
    p.refused(22, "smaller", "clone-prepare", uuid=State.a, other=State.b)
    other = new()
    create(other, 10, 16, "elsewhere", State.pool2)
    p.refused(22, "cannot be a pair", "clone-prepare", uuid=other, other=State.a)
    p.ok("volume-delete", uuid=other)
    p.ok("volume-delete", uuid=other)  # again
    with open(f"/dev/mapper/RPL-{State.ta}", "rb"):
        p.refused(16, "in use", "clone-prepare", uuid=State.ta, other=State.a)
        p.refused(16, "in use", "volume-delete", uuid=State.ta)
    assert table(State.ta) == "replica-source"
    p.refused(22, "not prepared", "group-create", uuid=new(),
              pairs=[[new(), State.a, State.ta]])
    for bad in (b"", b"[]", b'{"id":1}', b'{"id":1,"op":"rm"}', b'{"id":1,"op":"hello","x":1}',
                b'{"id":1,"op":"volume-delete","uuid":"../../etc/passwd"}', b"\xff" * 100,
                b'{"id":1,"op":"volume-delete","uuid":7}'):
        if bad:
            p.sock.send(bad)
            assert p.receive()["error"] == 22


def t_create_as_clone():
    """A volume that is made for a clone comes prepared, and can be taken back at any point."""
    u = new()
    create(u, 11, 16, "made", source=State.a)
    create(u, 11, 16, "made", source=State.a)  # again
    assert table(u) == "replica-clone"
    State.priv.refused(16, "target", "volume-delete", uuid=u)
    State.priv.refused(16, "source", "volume-delete", uuid=State.a)
    State.priv.ok("relation-modify", uuid=u, other=new(), verb="detach", force=True)
    State.priv.ok("clone-release", uuid=u)
    State.priv.ok("volume-delete", uuid=u)
    State.priv.refused(22, "pair", "volume-create", uuid=new(), volume=12, size=4 * MIB,
                       pool=State.pool, name="small", source=State.b)


def t_reason_of_the_kernel():
    """What the kernel has against a table is said, not only that it has."""
    u = new()
    run("lvm", "lvcreate", "-y", "-Wn", "-L", "4M", "-n", f"rpl-{u}", "--addtag", "rpl", "--addtag",
        "rpl.id=2", "rplvg")  # an id that another volume has
    r = State.priv.call("volume-create", uuid=u, volume=2, size=4 * MIB, pool=State.pool, name="z",
                        source="")
    assert r["error"] and "replica-source" in r["reason"], r
    run("lvm", "lvremove", "-y", f"rplvg/rpl-{u}")


def t_grow():
    r = State.priv.ok("volume-grow", uuid=State.ta, size=20 * MIB)
    assert r["size"] == 20 * MIB
    assert run("blockdev", "--getsize64", f"/dev/mapper/RPL-{State.ta}").strip() == str(20 * MIB)


def t_group_clone():
    p = State.priv
    write(State.a, 0xaa, 16)
    write(State.b, 0xbb, 24)
    p.ok("clone-prepare", uuid=State.ta, other=State.a)
    p.ok("clone-prepare", uuid=State.tb, other=State.b)
    p.ok("clone-prepare", uuid=State.tb, other=State.b)  # again
    assert table(State.ta) == "replica-clone"
    State.ra, State.rb, State.group = new(), new(), new()
    pairs = [[State.ra, State.a, State.ta], [State.rb, State.b, State.tb]]
    r = p.ok("group-create", uuid=State.group, pairs=pairs)
    assert r["groups"][0]["uuid"] == State.group, r
    write(State.a, 0x11, 4)  # after the point in time
    r = p.ok("group-create", uuid=State.group, pairs=pairs)  # again: the answer was lost
    until("the copies do not end",
          lambda: run("dmsetup", "status", "--target",
                      "replica-clone").count("synchronized") == 2)
    assert read(State.ta, 16) == b"\xaa" * 16 * MIB
    assert read(State.tb, 24) == b"\xbb" * 24 * MIB
    assert read(State.a, 4) == b"\x11" * 4 * MIB
    p.refused(16, "relation", "clone-release", uuid=State.ta)
    p.refused(16, "target", "volume-delete", uuid=State.ta)
    p.refused(16, "source", "volume-delete", uuid=State.a)


def as_made():
    """One cannot be written; the other can, and has what was written to it."""
    assert run("blockdev", "--getro", f"/dev/mapper/RPL-{State.sa}").strip() == "1"
    assert run("blockdev", "--getro", f"/dev/mapper/RPL-{State.sw}").strip() == "0"
    assert read(State.sa, 16) == State.old
    assert read(State.sw, 16) == State.old[:3 * MIB] + b"\x33" * 2 * MIB + State.old[5 * MIB:]


def t_snapshots():
    """Snapshots have their relation's uuid, a device as they were made, and nothing in LVM."""
    p = State.priv
    State.sa, State.sb, State.sw, group = new(), new(), new(), new()
    State.old = read(State.a, 16)
    lvs = run("lvm", "lvs", "-o", "lv_name")
    pairs = [[State.sa, State.a, 5000, True], [State.sb, State.b, 5001, False]]
    assert p.ok("group-create", uuid=group, pairs=pairs)["groups"][0]["uuid"] == group
    p.ok("group-create", uuid=new(), pairs=[[State.sw, State.a, 5003, False]])
    write(State.a, 0x22, 4)
    p.ok("group-create", uuid=group, pairs=pairs)  # again: the answer was lost
    assert table(State.sa) == "replica-snap"
    write(State.sw, 0x33, 2, 3)
    as_made()
    assert read(State.a, 4) == b"\x22" * 4 * MIB
    assert run("lvm", "lvs", "-o", "lv_name") == lvs
    p.ok("volume-link", uuid=State.sa, name="noon 1")
    assert os.readlink("/dev/rpl/noon\\x201") == f"../mapper/RPL-{State.sa}"
    found = {v["uuid"]: v for v in p.ok("inventory")["volumes"]}
    assert [found[u]["snapshot-of"] for u in (State.sa, State.sb, State.a)] == \
        [State.a, State.b, ""], found
    assert (found[State.sa]["volume"], found[State.sa]["size"]) == (5000, 16 * MIB), found
    for pair in ([new(), State.sa, 5002, False], [new(), State.ta, 5002, True]):
        p.refused(22, "no source", "group-create", uuid=new(), pairs=[pair])
    p.refused(22, "pair 0", "group-create", uuid=new(), pairs=[[new(), State.a, 4096, True]])
    p.refused(22, "pair 0", "group-create", uuid=new(), pairs=[[new(), State.a, 32768, False]])
    p.refused(22, "pair 0", "group-create", uuid=new(), pairs=[[new(), State.a, 5002]])
    r = p.call("group-create", uuid=new(), pairs=[[new(), State.a, 5000, False]])
    assert r["error"] and "5000" in r["reason"], r
    p.refused(22, "no snapshot", "snapshot-delete", uuid=State.b)
    with open(f"/dev/mapper/RPL-{State.sb}", "rb"):
        p.refused(16, "in use", "snapshot-delete", uuid=State.sb)
    p.ok("snapshot-delete", uuid=State.sb)
    p.ok("snapshot-delete", uuid=State.sb)  # again
    assert not run("dmsetup", "ls").count(State.sb)


def t_reboot():
    """Everything is taken down, then comes back as at boot: store, clones, sources, snapshots."""
    State.priv.stop()
    # what a shutdown does; sources first, the store last
    for kind in ("replica-snap", "replica-source", "replica-clone", "replica-store"):
        for name in run("dmsetup", "ls", "--target", kind).splitlines():
            if name.startswith("RPL-"):
                run("dmsetup", "remove", "--retry", name.split()[0])
    run("lvm", "vgchange", "-an", "rplvg", "rplvg2")
    State.priv = Priv(PRIV, CONF)
    State.priv.ok("activate")
    assert table(State.ta) == "replica-clone" and table(State.a) == "replica-source"
    assert run("dmsetup", "status", "--target", "replica-clone").count("synchronized") == 2
    assert read(State.ta, 16) == b"\xaa" * 16 * MIB
    assert table(State.sa) == "replica-snap"
    as_made()


def t_killed_helper():
    State.priv.stop(signal.SIGKILL)
    State.priv = Priv(PRIV, CONF)
    u = new()
    State.priv.send("volume-create", uuid=u, volume=20, size=16 * MIB, pool=State.pool, name="k",
                    source="")
    time.sleep(0.3)  # lvm may be running or not: both must end well
    State.priv.stop(signal.SIGKILL)
    State.priv = Priv(PRIV, CONF)
    State.priv.ok("hello")
    create(u, 20, 16, "k")
    assert table(u) == "replica-source"
    State.priv.ok("volume-delete", uuid=u)
    assert u not in run("lvm", "lvs", "-o", "lv_name")


def t_detach_and_delete():
    p = State.priv
    p.ok("relation-modify", uuid=State.ta, other=State.ra, verb="detach", force=False)
    p.ok("relation-modify", uuid=State.ta, other=State.ra, verb="detach", force=False)  # again
    p.ok("clone-release", uuid=State.ta)
    p.ok("clone-release", uuid=State.ta)  # again
    assert table(State.ta) == "replica-source"
    assert read(State.ta, 16) == b"\xaa" * 16 * MIB
    p.ok("relation-modify", uuid=State.tb, other=State.rb, verb="detach", force=False)
    p.ok("clone-release", uuid=State.tb)
    p.refused(16, "snapshots (2)", "volume-delete", uuid=State.a)
    assert table(State.a) == "replica-source"
    p.ok("snapshot-delete", uuid=State.sa)
    p.ok("snapshot-delete", uuid=State.sw)
    for u in (State.ta, State.tb, State.a, State.b):
        p.ok("volume-delete", uuid=u)
    r = p.ok("inventory")
    assert not r.get("volumes"), r
    assert not [n for n in os.listdir("/dev/rpl") if not n.startswith(".")], os.listdir("/dev/rpl")


def t_strangers_are_refused():
    pid = os.fork()
    if not pid:
        os.setuid(65534)
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            s.connect(SOCK)
            s.send(b'{"id":1,"op":"hello"}')
            os._exit(1 if s.recv(100) else 0)
        except OSError:
            os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    os.chmod(SOCK, 0o666)  # even when the file lets them in
    pid = os.fork()
    if not pid:
        os.setuid(65534)
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.connect(SOCK)
        try:
            s.send(b'{"id":1,"op":"hello"}')
            os._exit(1 if s.recv(100) else 0)
        except OSError:
            os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0


TESTS = [t_setup, t_activate_makes_the_stores, t_inventory_is_empty, t_volume_create, t_refusals,
         t_create_as_clone, t_reason_of_the_kernel, t_grow, t_group_clone, t_snapshots, t_reboot,
         t_killed_helper,
         t_detach_and_delete,
         t_strangers_are_refused]


failures = run_tests(TESTS, 4)
if State.priv:
    State.priv.stop()
sys.exit(min(failures, 1))
