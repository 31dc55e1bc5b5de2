#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""smisd-priv on a real kernel and real LVM: every operation, its refusals, a kill, a reboot.

Runs as root inside a guest that has two empty disks; prints KTAP.
usage: priv-vm.py SMISD_PRIV DISK1 DISK2
"""
import fcntl
import os
import pathlib
import re
import signal
import socket
import sys
import time

from rplpriv import MIB, SOCK, Client, Priv, new, run, run_tests, table, until

PRIV, DISK1, DISK2 = sys.argv[1:4]
CONF = "/run/priv-test.conf"
RPLCTL = pathlib.Path(PRIV).parent / "tools/rplctl"
NOTES = pathlib.Path("/etc/smisd/distrust")


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


def all_down():
    """What a shutdown does; sources first, the store last."""
    State.priv.stop()
    for kind in ("replica-snap", "replica-source", "replica-clone", "replica-store"):
        for name in run("dmsetup", "ls", "--target", kind).splitlines():
            if name.startswith("RPL-"):
                run("dmsetup", "remove", "--retry", name.split()[0])
    run("lvm", "vgchange", "-an", "rplvg", "rplvg2")


def t_reboot():
    """Everything is taken down, then comes back as at boot: store, clones, sources, snapshots."""
    all_down()
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


# ---- stores that failed

def store_on(vg):
    """Device of the pool's store."""
    for name in run("dmsetup", "ls", "--target", "replica-store").split():
        if name.startswith("RPL-") and f"({vg}-rpl--store)" in run("dmsetup", "deps", "-o", "devname", name):
            return name
    raise AssertionError(f"{vg} has no store")


def told(kind, pattern):
    return [line for line in run(RPLCTL, kind).splitlines() if re.search(pattern, line)]


def uuid_of(store):
    """The kernel's."""
    number = run("dmsetup", "info", "-c", "--noheadings", "--separator", ":", "-o", "major,minor", store).strip()
    line, = told("stores", rf"\b(store|dev)={number}\b")
    return re.search(r"uuid=([0-9a-f-]{36})", line)[1]


def swap(name, target):
    size = run("blockdev", "--getsz", f"/dev/mapper/{name}").strip()
    run("dmsetup", "suspend", "--noflush", "--nolockfs", name)
    run("dmsetup", "load", name, "--table", f"0 {size} {target}")
    run("dmsetup", "resume", name)


def t_store_fails():
    """A store loses its device: noted on demand, once it has failed, and for nobody else's."""
    p = State.priv
    State.s, State.t, State.sn, State.r = new(), new(), new(), new()
    create(State.s, 40, 16, "s", State.pool2)
    write(State.s, 0x44, 16)
    create(State.t, 41, 16, "t", State.pool2, source=State.s)
    State.store = store_on("rplvg2")
    State.tag = State.store[len("RPL-private-"):-len("-store")]
    State.kernel_uuid = uuid_of(State.store)
    run("dmsetup", "message", State.store, "0", "set_rate", "41", "0", "64")
    p.ok("group-create", uuid=new(), pairs=[[State.r, State.s, State.t], [State.sn, State.s, 6000, False]])
    p.refused(22, "has not failed", "store-distrust", uuid=State.kernel_uuid)
    run("lvm", "lvcreate", "-y", "-Wy", "-L", "16M", "-n", "strange", "rplvg2")
    run("dmsetup", "create", "strange-store", "--table", "0 32768 replica-store /dev/rplvg2/strange 128 1 format")
    for u in (new(), State.tag, State.s, uuid_of("strange-store")):
        p.refused(2, "none of ours", "store-distrust", uuid=u)
    run("dmsetup", "remove", "strange-store")
    run("lvm", "lvremove", "-y", "rplvg2/strange")
    swap("rplvg2-rpl--store", "error")
    write(State.s, 0x77, 1, 8)  # it goes on
    until("the store has not failed", lambda: told("stores", f"{State.kernel_uuid}.*mode=failed"))
    assert not NOTES.exists()


def t_failed_store_is_noted_at_once():
    """Nothing that waits for the lost device is waited for."""
    p = State.priv
    with open("/run/smisd/priv.lock", "r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        p.send("inventory")
        c = Client()
        c.ok("store-distrust", uuid=State.kernel_uuid)
        c.ok("store-distrust", uuid=State.kernel_uuid)  # again
        c.sock.close()
    assert p.receive()["error"] == 0
    note = NOTES / State.tag
    assert os.listdir(NOTES) == [State.tag] and note.read_text().strip(), os.listdir(NOTES)
    assert note.stat().st_mode & 0o777 == 0o600 and NOTES.stat().st_mode & 0o777 == 0o700
    p.ok("activate")  # it is still the one that failed
    assert note.exists()


def booted():
    """As after a boot: the module, too, knows only what it is told."""
    all_down()
    run("rmmod", "dm_replica")
    run("rpl-load")
    State.priv = Priv(PRIV, CONF)
    State.priv.ok("activate")
    assert not os.listdir(NOTES), os.listdir(NOTES)
    return run("dmsetup", "table", State.store).split()


def broken():
    """The clone and the snapshot are failed, with a reason, and nobody is served from them."""
    for n in (41, 6000):
        assert told("relations", rf"\bid={n}\b.*state=failed.*reason=\"the store failed"), run(RPLCTL, "relations")
    for u in (State.t, State.sn):
        try:
            read(u, 16)
        except OSError:
            continue
        raise AssertionError(f"{u} can be read")


def t_distrusted_once():
    """The next opening distrusts the store, and the note goes; others are as ever."""
    assert "distrust" in booted()
    broken()
    assert "distrust" not in run("dmsetup", "table", store_on("rplvg"))
    # killed between the opening and the removal of the note
    (NOTES / State.tag).write_text("")
    State.priv.ok("activate")
    assert not os.listdir(NOTES)
    assert "distrust" not in booted()
    broken()
    p = State.priv
    p.ok("relation-modify", uuid=State.t, other=State.r, verb="detach", force=True)
    p.ok("clone-release", uuid=State.t)
    p.ok("snapshot-delete", uuid=State.sn)
    assert read(State.s, 16) == b"\x44" * 8 * MIB + b"\x77" * MIB + b"\x44" * 7 * MIB
    for u in (State.t, State.s):
        p.ok("volume-delete", uuid=u)


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
         t_store_fails, t_failed_store_is_noted_at_once, t_distrusted_once,
         t_strangers_are_refused]


failures = run_tests(TESTS, 4)
if State.priv:
    State.priv.stop()
sys.exit(min(failures, 1))
