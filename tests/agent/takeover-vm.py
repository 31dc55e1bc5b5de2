#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What smisd-priv does for somebody who has taken smisd over: nothing to what is not ours (I8).

Every operation is tried, as the user of smisd, with everything that is not ours; what is not ours is compared
before and after, byte by byte.  Runs as root inside a guest that has two empty disks; prints KTAP.
usage: takeover-vm.py TOP SMISD_PRIV DISK1 DISK2
"""
import array
import fcntl
import json
import os
import pathlib
import pwd
import re
import shutil
import socket
import sys
import zlib

from rplpriv import MIB, SOCK, Client, Priv, new, run, run_tests, until

TOP = pathlib.Path(sys.argv[1])
PRIV, DISK1, DISK2 = sys.argv[2:5]
OURS, THEIRS = "/run/ours.conf", "/run/theirs.conf"
LOCK = "/run/smisd/priv.lock"
SCM_RIGHTS_MANY = 10


class State:
    priv = None
    uid = fds = 0
    before, their_stores = None, []
    pool = other_pool = ""
    a, b = new(), new()                  # ours: a source, and a target that is prepared for it
    # of a pool that is not configured: a source, a clone in a relation, one that is prepared, one that is closed,
    # a snapshot, and a snapshot without a device
    source, clone, prepared, plain, snap, hidden = (new() for _ in range(6))
    relation, group = new(), new()
    linear = new()                       # somebody's device that has a name like ours
    elsewhere = new()                    # has our name and tag, in a group that is not configured
    untagged = new()                     # has our name, in our group, and not the tag

    @classmethod
    def strangers(cls, op=""):
        if op in ("volume-grow", "clone-prepare", "clone-release"):  # look at LVM only, which takes long
            return [cls.source, cls.snap, cls.elsewhere, cls.untagged]
        return [cls.source, cls.clone, cls.prepared, cls.plain, cls.snap, cls.hidden, cls.linear, cls.elsewhere,
                cls.untagged]

    @classmethod
    def word(cls, u):
        return next(k for k, v in vars(cls).items() if v == u)


def digest(path):
    """Cheap: processors of guests are slow."""
    with open(path, "rb", buffering=0) as f:
        fcntl.ioctl(f, 0x1261)  # BLKFLSBUF
        return zlib.crc32(f.read())


def is_mine(line):
    """A line of dmsetup about a device of ours."""
    name = line.split(":")[0].replace("--", "-")
    store = name == "rplvg-rpl-store" or (name.endswith("-store") and name.startswith("RPL-private-") and
                                          name not in State.their_stores)
    return store or State.a in name or State.b in name


def not_ours():
    """All that may not change: volumes, groups, tables, states, links, bytes, files."""
    mine = {f"rpl-{State.a}", f"rpl-{State.b}", "rpl-store"}
    lvs = [line.split("|") for line in run("lvm", "lvs", "--noheadings", "--separator", "|", "--units", "b", "-o",
                                           "vg_name,lv_name,lv_size,lv_tags,lv_attr,lv_uuid").splitlines()]
    lvs = [r for r in lvs if r[0].strip() != "rplvg" or r[1] not in mine]
    vgs = run("lvm", "vgs", "--noheadings", "--units", "b", "-o", "vg_name,vg_uuid,vg_size,vg_free,vg_tags", "other")
    tables = [line for line in run("dmsetup", "table").splitlines() if not is_mine(line)]
    states = [line for line in run("dmsetup", "status").splitlines() if not is_mine(line) and "-store:" not in line]
    info = [line for line in run("dmsetup", "info", "-c", "--noheadings", "-o",
                                 "name,uuid,attr,major,minor").splitlines() if not is_mine(line)]
    links = {n: os.readlink(f"/dev/rpl/{n}") for n in os.listdir("/dev/rpl")}
    links = {n: t for n, t in links.items() if State.a not in t and State.b not in t}
    # a clone that is only prepared cannot be read: the logical volume can
    sums = {p: digest(p) for p in
            [f"/dev/mapper/RPL-{u}" for u in (State.source, State.clone, State.snap, State.linear)] +
            [f"/dev/other/rpl-{u}" for u in (State.source, State.clone, State.prepared, State.plain,
                                             State.elsewhere)] +
            ["/dev/other/data", "/dev/rplvg/data", f"/dev/rplvg/rpl-{State.untagged}"]}
    files = [(p, digest_file(p)) for d in ("/etc", "/etc/lvm", "/run/smisd") for p in sorted(os.listdir(d))
             for p in [f"{d}/{p}"] if os.path.isfile(p) and not p.startswith(("/run/smisd/pools", LOCK))]
    return {"volumes": lvs, "groups": vgs, "tables": sorted(tables), "states": sorted(states), "devices": sorted(info),
            "links": links, "sums": sums, "files": files}


def digest_file(path):
    return zlib.crc32(pathlib.Path(path).read_bytes())


def unchanged():
    now = not_ours()
    for what, value in State.before.items():
        assert now[what] == value, f"{what} changed:\n{value}\n{now[what]}"


def answers():
    """A client in good faith is served."""
    c = Client(State.uid)
    r = c.ok("inventory")
    assert {v["uuid"] for v in r["volumes"]} == {State.a, State.b}, r
    c.sock.close()


# ---- setup

def theirs():
    """A pool with all that we make, by smisd-priv; then it is not in the configuration any more."""
    p = Priv(PRIV, THEIRS)
    p.ok("activate")
    State.other_pool = p.ok("inventory")["pools"][0]["uuid"]
    for n, u in enumerate((State.source, State.clone, State.prepared, State.plain), 1):
        p.ok("volume-create", uuid=u, volume=n, size=4 * MIB, pool=State.other_pool, name=f"their{n}", source="")
        with open(f"/dev/mapper/RPL-{u}", "r+b", buffering=0) as f:
            f.write(os.urandom(4 * MIB))
    for u in (State.clone, State.prepared):
        p.ok("clone-prepare", uuid=u, other=State.source)
    p.ok("group-create", uuid=State.group, pairs=[[State.relation, State.source, State.clone]])
    for n, u in ((5000, State.snap), (5001, State.hidden)):
        p.ok("group-create", uuid=new(), pairs=[[u, State.source, n, False]])
    until("the copy ends", lambda: "synchronized" in run("dmsetup", "status", f"RPL-{State.clone}"))
    run("dmsetup", "remove", f"RPL-{State.hidden}")
    os.unlink(f"/dev/rpl/{State.hidden}")
    State.their_stores = [n for n in run("dmsetup", "ls", "--target", "replica-store").split() if "RPL" in n]
    p.stop()


def t_setup():
    run("useradd", "-r", "-M", "smisd")
    State.uid = pwd.getpwnam("smisd").pw_uid
    shutil.copy(TOP / "dist/pam.d/smisd", "/etc/pam.d/smisd")
    for vg, disk, conf in (("rplvg", DISK1, OURS), ("other", DISK2, THEIRS)):
        run("lvm", "vgcreate", "--yes", vg, disk)
        pathlib.Path(conf).write_text(f"[store]\nsize = 16M\n[pool x]\nvg = {vg}\n")
    theirs()
    for vg, lv, *tag in (("other", "data"), ("rplvg", "data"), ("rplvg", f"rpl-{State.untagged}"),
                         ("other", f"rpl-{State.elsewhere}", "--addtag", "rpl", "--addtag", "rpl.id=77")):
        run("lvm", "lvcreate", "-y", "-Wn", "-L", "4M", "-n", lv, *tag, vg)
        with open(f"/dev/{vg}/{lv}", "r+b", buffering=0) as f:
            f.write(os.urandom(4 * MIB))
    run("dmsetup", "create", f"RPL-{State.linear}", "--table", "0 8192 linear /dev/other/data 0")
    State.priv = Priv(PRIV, OURS)


def t_hints_of_a_pool_that_is_configured_no_more():
    """The first request after the configuration changed gets no volume in the pool that left it."""
    r = Client(State.uid).call("volume-create", uuid=new(), volume=9, size=4 * MIB, pool=State.other_pool, name="x",
                               source="")
    assert r["error"] == 2, r
    assert run("lvm", "lvs", "--noheadings", "-o", "lv_name", "other").count("rpl-") == 6


def t_ours():
    c = Client(State.uid)
    c.ok("activate")
    State.pool = c.ok("inventory")["pools"][0]["uuid"]
    for n, u in enumerate((State.a, State.b), 1):
        c.ok("volume-create", uuid=u, volume=n, size=4 * MIB, pool=State.pool, name=f"our{n}", source="")
    c.ok("clone-prepare", uuid=State.b, other=State.a)
    answers()
    c.ok("hello")
    State.fds = fds()  # with this client's
    State.before = not_ours()


# ---- operations

def operations():
    """Each operation of the protocol with its fields, as proto.c has them."""
    table = (TOP / "agent/engine/proto.c").read_text()
    found = re.findall(r"\[BACKEND_(\w+)\] = ((?:F_\w+(?: \| )?)+|0),", table)
    assert len(found) >= 15, found
    return {name.lower().replace("_", "-"): re.findall(r"F_(\w+)", f) for name, f in found}


def good(op, fields):
    """A request that is in order, on volumes of ours."""
    values = {"UUID": State.a, "OTHER": State.b, "SOURCE": "", "POOL": State.pool, "VOLUME": 9, "SIZE": 4 * MIB,
              "NAME": "x", "VERB": "detach", "FORCE": True, "PAIRS": [[new(), State.a, State.b]], "USER": "root",
              "PASSWORD": "x"}
    if op == "volume-create":
        values["UUID"] = new()
    if op == "clone-prepare":
        values |= {"UUID": State.b, "OTHER": State.a}
    return {f.lower(): values[f] for f in fields}


def with_stranger(op, request, stranger):
    """The request with somebody's volume in place of each of ours in turn."""
    for f in ("uuid", "other", "source"):
        if f in request and (op, f) not in (("group-create", "uuid"), ("relation-modify", "other")):
            yield request | {f: stranger}
    if "other" in request:
        yield request | {"uuid": stranger, "other": State.source}
    if "pairs" in request:
        for pair in ([new(), stranger, State.b], [new(), State.a, stranger], [new(), State.source, stranger],
                     [new(), stranger, 6000, False], [stranger, State.source, 6001, True]):
            yield request | {"uuid": new(), "pairs": [pair]}
    if "verb" in request:
        for verb in ("suspend", "resume", "abort", "detach"):
            yield request | {"uuid": stranger, "other": State.relation, "verb": verb}


# What is not there is gone already, which is a success, and without effect.
GONE = {"volume-delete", "snapshot-delete", "relation-modify"}


def may_succeed(op, request, stranger):
    if stranger == State.linear:
        return op == "relation-modify" and request["verb"] == "detach"
    if os.path.exists(f"/dev/mapper/RPL-{stranger}"):
        return False
    return op in GONE or (op == "volume-create" and request["uuid"] == stranger != State.untagged)


def t_i8_every_operation_with_what_is_not_ours():
    c, tried, ops, wrong = Client(State.uid), 0, operations(), []
    for op, fields in sorted(ops.items()):
        for stranger in State.strangers(op) if {"UUID", "PAIRS"} & set(fields) else []:
            for request in with_stranger(op, good(op, fields), stranger):
                may = may_succeed(op, request, stranger)
                r = c.call(op, **request)
                tried += 1
                if not r["error"] and not may:
                    wrong.append(f"{op} {State.word(stranger)} {request}")
                if not r["error"] and op == "volume-create":
                    c.call("volume-delete", uuid=request["uuid"])
        if not fields:
            c.call(op)
            tried += 1
    assert not wrong, "\n".join(wrong)
    unchanged()
    answers()
    print(f"# {tried} requests, {len(ops)} operations, {len(State.strangers())} kinds of what is not ours")


BAD = {
    "UUID": ["", "x", "../../dev/vda", "data", "other/data", "-y", "@rpl", "0" * 36, "x" * 300, 7, None, [], True],
    "SIZE": [0, -1, (1 << 60) + 1, 1 << 63, 1 << 64, 1e30, "4M", None],
    "VOLUME": [0, -1, 4097, 1 << 32, 1e9, "1"],
    "POOL": ["", "rplvg", "other", "../x", "a b", "-y", "other/data", 1],
    "NAME": ["", ".", "..", "../x", "a/b", "a\nb", "a\x7fb", "x" * 2000, None],
    "VERB": ["", "delete", 0],
    "FORCE": ["true", 1],
    "PAIRS": [[], [[]], [["x", "y", "z"]], "x", [[new(), new(), 4097]], [[new(), new(), -1, True]],
              [[new(), new(), "../x"]], [[new(), new(), new()]] * 1025],
    "USER": [None, "x" * 257, 1],
    "PASSWORD": [None, "x" * 1025, 1],
}
BAD["OTHER"] = BAD["UUID"]
BAD["SOURCE"] = BAD["UUID"][1:]


def t_i8_every_field_with_what_it_cannot_be():
    c, tried = Client(State.uid), 0
    for op, fields in sorted(operations().items()):
        for f in fields:
            for value in BAD[f]:
                r = c.call(op, **good(op, fields) | {f.lower(): value})
                assert r["error"], (op, f, value, r)
                tried += 1
            less = good(op, fields)
            del less[f.lower()]
            assert c.call(op, **less)["error"], (op, f)
        assert c.call(op, **good(op, fields), path="/etc/passwd")["error"], op
        tried += len(fields) + 1
    # as large as they may be, and more than there is
    for op, more in (("volume-create", {}), ("volume-grow", {"uuid": State.a})):
        r = c.call(op, **good(op, operations()[op]) | more | {"size": 1 << 60})
        assert r["error"], r
        tried += 1
    for text in (b"{}", b"[" * 5000, b"x" * 60000, b"\xff" * 99, b"\0", b'{"id":1,"op":3}', b'{"id":1,"op":99}',
                 b'{"id":1,"op":-1}', b'{"id":1,"op":"exec","command":"id"}', b'{"id":1,"op":"HELLO"}',
                 b'{"id":0,"op":"hello"}', b'{"id":-1,"op":"hello"}', b'{"id":1,"op":"hello"}{"id":2,"op":"hello"}',
                 b'{"id":1,"op":"hello"}\0', b'{"id":1,"op":"nr-ops"}', b'"hello"', b'{"op":"hello"}'):
        c.sock.send(text)
        assert c.receive()["error"] == 22, text
        tried += 1
    unchanged()
    answers()
    print(f"# {tried} requests")


def t_i8_authenticate_tells_a_role_only():
    c = Client(State.uid)
    for user in ("root", "../../etc/shadow"):
        r = c.ok("authenticate", user=user, password="x")
        assert not r["password-ok"] and not r["read"] and not r["write"] and not r["reason"], r


# ---- the socket

def fds():
    return len(os.listdir(f"/proc/{State.priv.proc.pid}/fd"))


def rss_kib():
    text = pathlib.Path(f"/proc/{State.priv.proc.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1])


def t_i8_descriptors_are_not_taken():
    c = Client(State.uid)
    c.ok("hello")
    seen = []

    def at_rest():
        """Nothing of others, who went or are done, is closed any more."""
        seen.append(fds())
        return len(seen) > 10 and len(set(seen[-10:])) == 1

    until("others are gone", at_rest)
    with open("/etc/passwd") as f:
        rights = array.array("i", [f.fileno()] * SCM_RIGHTS_MANY)
        for n in range(1, 101):
            c.sock.sendmsg([json.dumps({"id": n, "op": "hello"}).encode()],
                           [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
            assert c.receive()["error"] == 0
    until("nothing is kept", lambda: fds() <= seen[-1])


def t_i8_packets_that_are_too_large():
    c = Client()  # root may send larger ones than smisd's user
    c.sock.setsockopt(socket.SOL_SOCKET, 32, 4 << 20)  # SO_SNDBUFFORCE
    for size in ((256 << 10) + 1, 1 << 20):
        c.sock.send(b"x" * size)
        r = c.receive()
        assert r["error"] == 90, r
    answers()


def t_i8_floods():
    """Connections without end, and requests without end whose answers are not read: others are served after."""
    before, held = State.fds, []
    for _ in range(100):
        try:
            held.append(Client(State.uid))
            held[-1].sock.send(b'{"id":1,"op":"hello"}')
        except OSError:
            pass
    assert fds() < before + 40, fds()  # of 16 clients, and of workers
    for c in held:
        c.sock.close()
    until("it takes clients again", lambda: fds() <= before + 1)
    c = Client(State.uid)
    c.sock.settimeout(0.5)
    sent = 0
    try:
        while sent < 6000:  # more than it lets wait
            c.sock.send(b'{"id":1,"op":"inventory"}')
            sent += 1
    except OSError:  # it does not take more: it neither dies nor grows
        pass
    grown = rss_kib()
    assert grown < 96 << 10, f"{grown} KiB"
    c.sock.close()
    assert State.priv.proc.poll() is None
    until("others are served", lambda: not Client(State.uid).call("hello")["error"])
    answers()
    print(f"# {len(held)} connections; {sent} requests, {grown} KiB")


def t_lock_is_no_link():
    """The lock is not made through a link, and without the lock nothing is done."""
    answers()
    os.rename(LOCK, LOCK + ".old")
    os.symlink("/etc/rpl-made", LOCK)
    try:
        r = Client(State.uid).call("inventory")
        assert r["error"] == 40 and LOCK in r["reason"], r
        assert not os.path.exists("/etc/rpl-made")
    finally:
        os.unlink(LOCK)
        os.rename(LOCK + ".old", LOCK)
    answers()


def t_run_directory_is_root_s():
    st = os.stat("/run/smisd")
    assert st.st_uid == 0 and not st.st_mode & 0o022, st
    os.seteuid(State.uid)
    try:
        for what in (lambda: os.unlink(LOCK), lambda: os.rename(LOCK, LOCK + "2"), lambda: open("/run/smisd/x", "w"),
                     lambda: os.unlink(SOCK), lambda: open(LOCK), lambda: os.symlink("/etc/x", "/run/smisd/.store")):
            try:
                what()
            except PermissionError:
                continue
            raise AssertionError("smisd's user changes /run/smisd")
    finally:
        os.seteuid(0)


def t_theirs_is_all_there():
    """With their pool in the configuration again everything is as it was, the snapshot without a device too."""
    unchanged()
    State.priv.stop()
    State.priv = Priv(PRIV, THEIRS)
    State.priv.ok("activate")
    found = {v["uuid"]: v for v in State.priv.ok("inventory")["volumes"]}
    assert set(found) == {State.source, State.clone, State.prepared, State.plain, State.snap, State.hidden,
                          State.elsewhere}, found
    assert found[State.hidden]["device"] and found[State.clone]["clone-of"] == State.source, found
    assert digest(f"/dev/mapper/RPL-{State.hidden}") == digest(f"/dev/mapper/RPL-{State.snap}")
    State.priv.ok("snapshot-delete", uuid=State.snap)
    State.priv.ok("relation-modify", uuid=State.clone, other=State.relation, verb="detach", force=False)


TESTS = [t_setup, t_hints_of_a_pool_that_is_configured_no_more, t_ours, t_i8_every_operation_with_what_is_not_ours,
         t_i8_every_field_with_what_it_cannot_be, t_i8_authenticate_tells_a_role_only,
         t_i8_descriptors_are_not_taken, t_i8_packets_that_are_too_large, t_i8_floods, t_lock_is_no_link,
         t_run_directory_is_root_s, t_theirs_is_all_there]

failures = run_tests(TESTS, 3)
if State.priv:
    State.priv.stop()
sys.exit(min(failures, 1))
