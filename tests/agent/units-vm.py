#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The shipped units under a real systemd, in a guest; and what somebody can do who has taken smisd over (I8).

systemd runs as the first process of a PID namespace, on copies of our units and on empty ones of what they
name.  Prints KTAP.
usage: units-vm.py TOP DISK1 DISK2          as root in a guest; TOP/build/root is `make install`
"""
import base64
import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import uuid

TOP = pathlib.Path(sys.argv[1])
DISK1, DISK2 = sys.argv[2:4]
UNITS = pathlib.Path("/run/rpl-units")
CONF = pathlib.Path("/etc/smisd/smisd.conf")
SOCK = "/run/smisd/priv.sock"
MIB = 1 << 20
EMPTY = ("sysinit", "basic", "sockets", "shutdown", "umount", "multi-user", "network", "local-fs-pre")
CONFIG = """[server]
http-port = 0
https-port = 0
[store]
size = 16M
[pool fast]
vg = rplvg
"""
# smisd's log, which the journal would have; and a watchdog that a test can wait for
DROP_IN = "[Service]\nStandardError=append:/run/smisd.log\nWatchdogSec=30\n"
os.environ.update(DM_DISABLE_UDEV="1", LVM_SUPPRESS_FD_WARNINGS="1")


def run(*argv, check=True, **kw):
    r = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kw)
    if check and r.returncode:
        raise AssertionError(f"{' '.join(map(str, argv))}: {r.stdout}")
    return r.stdout


def until(what, cond, seconds=120):
    end = time.monotonic() + seconds
    while not cond():
        assert time.monotonic() < end, f"{what}: {status()}"
        time.sleep(0.2)


class Systemd:
    pid = 0

    @classmethod
    def start(cls):
        env = ["env", "-i", "container=rpl", f"SYSTEMD_UNIT_PATH={UNITS}", f"PATH={os.environ['PATH']}",
               "DM_DISABLE_UDEV=1"]
        outer = subprocess.Popen(["unshare", "-fpm", "--kill-child", "--mount-proc", *env,
                                  "/lib/systemd/systemd", "--unit=rpl.target", "--log-target=kmsg",
                                  "--show-status=no"])
        until("systemd is there", lambda: os.path.exists("/run/systemd/private"))
        cls.pid = int(run("pgrep", "-P", str(outer.pid)))
        until("the sockets are there", lambda: ctl("is-active", "rpl.target", check=False) == "active")


def inside(*argv, check=True):
    """A command where systemd is."""
    return run("nsenter", "-t", str(Systemd.pid), "-m", "-p", *argv, check=check).strip()


def ctl(*argv, check=True):
    return inside("systemctl", "--no-pager", *argv, check=check)


def show(unit, name):
    return ctl("show", "-P", name, unit)


def active(unit):
    return ctl("is-active", unit, check=False) == "active"


def status():
    log = pathlib.Path("/run/smisd.log")
    return ctl("list-units", "--all", "smisd*", check=False) + (log.read_text()[-600:] if log.exists() else "")


def process(unit):
    """The main process of an active unit, as the guest numbers it; None if there is none just now."""
    state = dict(line.split("=", 1) for line in ctl("show", "-p", "ActiveState", "-p", "MainPID", unit).splitlines())
    if state["ActiveState"] != "active":
        return None
    for d in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            text = (d / "status").read_text()
        except OSError:
            continue
        if re.search(rf"^NSpid:\s+\d+\s+{state['MainPID']}$", text, re.M):
            return int(d.name)
    return None


def main_pid(unit):
    pid = process(unit)
    assert pid, f"{unit} has no process: {status()}"
    return pid


def proc(pid):
    """/proc/PID/status as words."""
    return dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
                if ":\t" in line)


# ---- a client

def cim(method, params="", user="admin:secret", timeout=120):
    auth = base64.b64encode(user.encode()).decode()
    body = ('<?xml version="1.0"?><CIM CIMVERSION="2.0" DTDVERSION="2.0"><MESSAGE ID="1" '
            f'PROTOCOLVERSION="1.0"><SIMPLEREQ>{method}</SIMPLEREQ></MESSAGE></CIM>')
    c = http.client.HTTPConnection("127.0.0.1", 5988, timeout=timeout)
    c.request("POST", "/cimom", body, {"Content-Type": "application/xml; charset=utf-8",
                                       "CIMOperation": "MethodCall", "Authorization": f"Basic {auth}",
                                       "CIMMethod": "x", "CIMObject": "x"} | params_of(method))
    r = c.getresponse()
    text = r.read().decode()
    c.close()
    return r.status, text


def params_of(method):
    name = re.search(r'METHODCALL NAME="(\w+)"', method)[1]
    path = "root/dmreplica"
    if "LOCALINSTANCEPATH" in method:
        path += ":" + re.search(r'CLASSNAME="(\w+)"', method)[1] + ".x=1"
    return {"CIMMethod": name, "CIMObject": path}


NAMESPACE = ('<LOCALNAMESPACEPATH><NAMESPACE NAME="root"/><NAMESPACE NAME="dmreplica"/>'
             '</LOCALNAMESPACEPATH>')


def enumerate_(cls, how="EnumerateInstanceNames"):
    status, text = cim(f'<IMETHODCALL NAME="{how}">{NAMESPACE}<IPARAMVALUE NAME="ClassName">'
                       f'<CLASSNAME NAME="{cls}"/></IPARAMVALUE></IMETHODCALL>')
    assert status == 200 and "<ERROR" not in text, (status, text)
    return text


def answers():
    try:
        return "INSTANCENAME" in enumerate_("CIM_StoragePool")
    except (OSError, http.client.HTTPException, AssertionError):
        return False


def new_volume(name):
    """CreateOrModifyElementFromStoragePool of 8 MiB."""
    service = re.search(r"<INSTANCENAME.*?</INSTANCENAME>",
                        enumerate_("CIM_StorageConfigurationService"), re.S)[0]
    pools = enumerate_("CIM_StoragePool", "EnumerateInstances").split("<VALUE.NAMEDINSTANCE>")
    pool = re.search(r"<INSTANCENAME.*?</INSTANCENAME>", next(p for p in pools if ">fast<" in p), re.S)[0]
    return cim(f'<METHODCALL NAME="CreateOrModifyElementFromStoragePool"><LOCALINSTANCEPATH>{NAMESPACE}'
               f'{service}</LOCALINSTANCEPATH><PARAMVALUE NAME="ElementName" PARAMTYPE="string"><VALUE>'
               f'{name}</VALUE></PARAMVALUE><PARAMVALUE NAME="ElementType" PARAMTYPE="uint16"><VALUE>2'
               f'</VALUE></PARAMVALUE><PARAMVALUE NAME="Size" PARAMTYPE="uint64"><VALUE>{8 * MIB}</VALUE>'
               f'</PARAMVALUE><PARAMVALUE NAME="InPool" PARAMTYPE="reference"><VALUE.REFERENCE>'
               f'<LOCALINSTANCEPATH>{NAMESPACE}{pool}</LOCALINSTANCEPATH></VALUE.REFERENCE></PARAMVALUE>'
               f'</METHODCALL>')


def padded(size):
    """HTTP status of a request of this size, which is well but for that."""
    return cim(f'<IMETHODCALL NAME="EnumerateInstanceNames">{NAMESPACE}<IPARAMVALUE NAME="ClassName">'
               f'<CLASSNAME NAME="CIM_StoragePool"/></IPARAMVALUE></IMETHODCALL>' + " " * size)[0]


def new_clone(name):
    """CreateElementReplica of a clone of the volume; the InstanceID of its job."""
    service = re.search(r"<INSTANCENAME.*?</INSTANCENAME>", enumerate_("CIM_ReplicationService"), re.S)[0]
    volumes = enumerate_("CIM_StorageVolume", "EnumerateInstances").split("<VALUE.NAMEDINSTANCE>")
    volume = re.search(r"<INSTANCENAME.*?</INSTANCENAME>", next(v for v in volumes if f">{name}<" in v), re.S)[0]
    code, text = cim(f'<METHODCALL NAME="CreateElementReplica"><LOCALINSTANCEPATH>{NAMESPACE}{service}'
                     f'</LOCALINSTANCEPATH><PARAMVALUE NAME="SyncType" PARAMTYPE="uint16"><VALUE>8</VALUE>'
                     f'</PARAMVALUE><PARAMVALUE NAME="SourceElement" PARAMTYPE="reference"><VALUE.REFERENCE>'
                     f'<LOCALINSTANCEPATH>{NAMESPACE}{volume}</LOCALINSTANCEPATH></VALUE.REFERENCE></PARAMVALUE>'
                     f'</METHODCALL>')
    assert code == 200 and "<VALUE>4096</VALUE></RETURNVALUE>" in text, text
    job = text[text.index('NAME="Job"'):]
    return re.search(r'<KEYBINDING NAME="InstanceID"><KEYVALUE[^>]*>([^<]*)<', job)[1]


def job_state(instance_id):
    jobs = enumerate_("CIM_ConcreteJob", "EnumerateInstances").split("<VALUE.NAMEDINSTANCE>")
    mine = next(j for j in jobs if instance_id in j)
    return re.search(r'<PROPERTY NAME="JobState"[^>]*><VALUE>(\d+)</VALUE>', mine)[1]


# ---- the guest

def install():
    for part in ("usr", "etc"):
        run("cp", "-a", f"{TOP}/build/root/{part}", "/")
    run("systemd-sysusers", "/usr/lib/sysusers.d/smisd.conf")
    run("useradd", "-M", "-s", "/usr/sbin/nologin", "-G", "smis-admin", "admin")
    run("chpasswd", "-e", input="admin:" + run("openssl", "passwd", "-5", "-salt", "rounds=1000$rpl",
                                               "secret"))
    CONF.write_text(CONFIG)
    UNITS.mkdir()
    for unit in pathlib.Path("/usr/lib/systemd/system").glob("smisd*"):
        shutil.copy(unit, UNITS)
    for name in EMPTY:
        (UNITS / f"{name}.target").write_text("[Unit]\nDefaultDependencies=no\n")
    (UNITS / "rpl.target").write_text("[Unit]\nRequires=smisd-priv.socket smisd-http.socket\n"
                                      "After=smisd-priv.socket smisd-http.socket\n")
    (UNITS / "smisd.service.d").mkdir()
    (UNITS / "smisd.service.d/test.conf").write_text(DROP_IN)


def volumes():
    return len(run("lvm", "lvs", "--noheadings", "rplvg").splitlines())


def foreign():
    """What is not ours, as it is now: logical volumes, their bytes, device-mapper tables."""
    lvs = run("lvm", "lvs", "--noheadings", "-o", "vg_name,lv_name,lv_size,lv_tags", "--units", "b")
    sums = []
    for path in ("/dev/rplvg/" + State.untagged, "/dev/other/data", "/dev/other/" + State.elsewhere):
        with open(path, "rb") as f:
            sums.append(hashlib.sha256(f.read()).hexdigest())
    tables = [t for t in run("dmsetup", "table").splitlines() if not t.startswith("RPL-")]
    return [line for line in lvs.splitlines() if "rpl-" not in line or State.untagged in line
            or State.elsewhere in line], sums, sorted(tables)


class State:
    untagged = f"rpl-{uuid.uuid4()}"  # has the name of one of ours, in our group, but not its tag
    elsewhere = f"rpl-{uuid.uuid4()}"  # has name and tag, in a group that is not configured


def t_setup():
    install()
    for vg, disk in (("rplvg", DISK1), ("other", DISK2)):
        run("lvm", "vgcreate", "--yes", vg, disk)
    for vg, lv, *tag in (("rplvg", State.untagged), ("other", "data"),
                         ("other", State.elsewhere, "--addtag", "rpl", "--addtag", "rpl.id=77")):
        run("lvm", "lvcreate", "-y", "-Wn", "-L", "4M", "-n", lv, *tag, vg)
        with open(f"/dev/{vg}/{lv}", "r+b", buffering=0) as f:
            f.write(os.urandom(4 * MIB))
    Systemd.start()


def t_a_connection_starts_it():
    assert not active("smisd.service") and not active("smisd-priv.service")
    assert "INSTANCENAME" in enumerate_("CIM_StoragePool"), status()
    assert active("smisd.service") and active("smisd-priv.service"), status()
    assert show("smisd.service", "Type") == "notify" and show("smisd.service", "StatusErrno") == "0"
    code, text = new_volume("first")
    assert code == 200 and re.search("<RETURNVALUE.*<VALUE>(0|4096)</VALUE></RETURNVALUE>", text), text


def t_processes_are_confined():
    smisd, priv = main_pid("smisd.service"), main_pid("smisd-priv.service")
    s = proc(smisd)
    assert "0" not in s["Uid"].split() + s["Gid"].split(), s
    assert {int(s[c], 16) for c in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}, s
    assert s["NoNewPrivs"] == "1" and s["Seccomp"] == "2", s
    p = proc(priv)
    assert p["NoNewPrivs"] == "1" and p["Seccomp"] == "2", p
    # of 41 capabilities, those of its unit: not DAC of modules, raw I/O, the clock, ptrace, boot
    assert not int(p["CapBnd"], 16) & sum(1 << n for n in (16, 17, 19, 22, 25)), p
    mounts = [m.split() for m in pathlib.Path(f"/proc/{smisd}/mountinfo").read_text().splitlines()]
    assert "/" in {m[4] for m in mounts if "ro" in m[5].split(",")}, mounts
    writable = {m[4] for m in mounts if "rw" in m[5].split(",")}
    # its state and its own /tmp; and what systemd leaves to permissions
    assert writable <= {"/var/lib/smisd", "/tmp", "/var/tmp", "/proc", "/dev/shm", "/dev/pts", "/home"}, writable
    for d in ("usr", "etc/smisd", "run/smisd", "run/systemd/system"):
        assert os.statvfs(f"/proc/{smisd}/root/{d}").f_flag & os.ST_RDONLY, d
    dev = pathlib.Path(f"/proc/{smisd}/root/dev")
    modes = {str(f.relative_to(dev)): f.lstat().st_mode for f in dev.rglob("*")}
    assert not [n for n, mode in modes.items() if stat.S_ISBLK(mode)], modes
    nodes = {n for n, mode in modes.items() if stat.S_ISCHR(mode)}
    assert "null" in nodes and not nodes - {"null", "zero", "full", "random", "urandom", "tty", "ptmx",
                                            "pts/ptmx"}, nodes
    for unit, most in (("smisd", 15), ("smisd-priv", 38)):
        inside("systemd-analyze", "security", "--no-pager", f"--threshold={most}", f"{unit}.service")
    # smisd-priv: where its notes of failed stores are, not all of /etc
    ro = [d for d in ("etc", "etc/smisd", "usr") if os.statvfs(f"/proc/{priv}/root/{d}").f_flag & os.ST_RDONLY]
    assert ro == ["etc", "usr"], ro
    assert os.stat("/run/smisd").st_uid == 0 and os.stat("/run/smisd").st_mode & 0o022 == 0


def t_i8_taken_over_it_gets_nothing_of_the_host():
    """Every attempt of attack.py, in the sandbox of the unit, is refused."""
    unit = pathlib.Path("/usr/lib/systemd/system/smisd.service").read_text()
    pid = show("smisd-priv.service", "MainPID")
    unit = re.sub(r"^(ExecStart|ExecReload|WatchdogSec|Restart|Type)=.*\n", "", unit, flags=re.M)
    unit = unit.replace("[Service]\n", "[Service]\nType=oneshot\nStandardOutput=truncate:/run/attack.log\n"
                        "StandardError=append:/run/attack.log\n"
                        f"ExecStart=/usr/bin/python3 {TOP}/tests/agent/attack.py {pid} {SOCK}\n")
    (UNITS / "attack.service").write_text(unit)
    before = foreign()
    ctl("daemon-reload")
    ctl("start", "attack.service", check=False)
    achieved, tried = judged(pathlib.Path("/run/attack.log").read_text())
    assert tried >= 36 and not achieved, (tried, achieved)
    print(f"# {tried} attempts, all refused")
    assert foreign() == before
    assert answers()


def judged(log):
    """What attack.py achieved, and how much it tried."""
    assert "commands that need a privilege: 3" in log, log
    assert len(re.findall("^dump .*: works$", log, re.M)) >= 4, log
    achieved = re.findall("^(.*): achieved ", log, re.M)
    return achieved, len(achieved) + len(re.findall("^.*: refused: ", log, re.M))


def t_i8_out_of_its_sandbox_it_gets_no_device():
    """The same by the user alone, who sees all devices, and as root of a namespace of its own."""
    pid = main_pid("smisd-priv.service")
    user = ["setpriv", "--reuid", "smisd", "--regid", "smisd", "--clear-groups"]
    attack = ["python3", TOP / "tests/agent/attack.py", str(pid), SOCK]
    before = foreign()
    achieved, tried = judged(run(*user, *attack))
    # what the unit forbids and users may do
    assert set(achieved) <= {"a user namespace", "memory that is written and run"}, achieved
    assert tried >= 60, tried
    log = run(*user, "unshare", "--map-root-user", "--mount", *attack)
    achieved, more = judged(log)
    # it is root of nothing but what it made
    assert set(achieved) <= {"a user namespace", "memory that is written and run", "become root",
                             "become another group", "a mount"}, achieved
    print(f"# {tried} and {more} attempts")
    assert foreign() == before and active("smisd-priv.service") and answers()


def helper(packets):
    """Answers of the helper to packets of smisd's user."""
    code = ("import json,socket,sys\n"
            "s=socket.socket(socket.AF_UNIX,socket.SOCK_SEQPACKET)\n"
            f"s.connect({SOCK!r}); s.settimeout(100)\n"
            "for p in json.load(sys.stdin):\n"
            "    s.send(p.encode())\n"
            "    while True:\n"
            "        a=json.loads(s.recv(1<<20))\n"
            "        if not a.get('more'): break\n"
            "    print(json.dumps(a), flush=True)\n")
    out = run("setpriv", "--reuid", "smisd", "--regid", "smisd", "--clear-groups", "python3", "-c", code,
              input=json.dumps(packets))
    return [json.loads(line) for line in out.splitlines()]


def operations():
    """Operations and their fields, as proto.c and backend.c have them; as the manual page says, too."""
    table = (TOP / "agent/engine/proto.c").read_text()
    fields = {name: [f.lower() for f in re.findall(r"F_(\w+)", args)]
              for name, args in re.findall(r"\[BACKEND_(\w+)\] = ([F_A-Z |0]+),", table)}
    page = (TOP / "doc/man/smisd-priv.8").read_text().replace("\\-", "-")
    told = set(re.findall(r"^\.BR? ([a-z]+(?:-[a-z]+)*) *$", page.partition(".SH OPERATIONS")[2]
                          .partition(".SH ")[0], re.M))
    ops = {name.lower().replace("_", "-"): f for name, f in fields.items()}
    assert told == set(ops), told ^ set(ops)
    return ops


def t_i8_taken_over_it_gets_nothing_from_the_helper():
    """Each operation, with everything that is not ours in each of its fields."""
    # takeover-vm.py has the rest
    bad_ids = [State.untagged[4:], State.elsewhere[4:], "../../dev/vda"]
    ops, packets, n = operations(), [], 0
    for op, fields in sorted(ops.items()):
        for bad in bad_ids if fields else [""]:
            n += 1
            good = {"uuid": bad, "other": bad, "source": bad, "pool": bad or "other", "volume": 77,
                    "size": 4 * MIB, "name": bad or "x", "verb": "detach", "force": True,
                    "pairs": [[str(uuid.uuid4()), bad, bad]], "user": bad or "x", "password": bad}
            packets.append(json.dumps({"id": n, "op": op} | {f: good[f] for f in fields}))
    for text in ('{"id":1,"op":"exec","command":"id"}', '{"id":1,"op":"hello","path":"/etc"}', "[" * 5000,
                 '{"id":-1,"op":"volume-grow","uuid":"%s","size":-1}' % State.untagged[4:],
                 '{"id":1,"op":"volume-grow","uuid":"%s","size":1e30}' % State.untagged[4:], "{}", "x" * 60000):
        packets.append(text)
    before = foreign()
    got = helper(packets)
    assert len(got) == len(packets)
    # reading, and what is done already, succeed; nothing else may
    harmless = {"hello", "activate", "inventory", "relation-list", "space-list", "authenticate"}
    for p, a in zip(packets, got):
        assert not a.get("password-ok") and not a.get("read") and not a.get("write"), (p, a)
        op = p.startswith('{"id"') and json.loads(p).get("op")
        gone = op in ("volume-delete", "snapshot-delete", "relation-modify", "clone-release")
        assert a["error"] or op in harmless or gone, (p, a)
    assert foreign() == before
    assert answers()
    print(f"# {len(packets)} packets for {len(ops)} operations")


def t_i8_a_flood_of_the_helper():
    """Connections without end, packets that are not read: it goes on, and serves smisd."""
    code = ("import socket\nheld=[]\n"
            "for i in range(400):\n"
            "    s=socket.socket(socket.AF_UNIX,socket.SOCK_SEQPACKET); s.setblocking(False)\n"
            "    try:\n        s.connect(%r); s.send(b'{\"id\":1,\"op\":\"hello\"}')\n"
            "    except OSError: pass\n"
            "    held.append(s)\n"
            "print(len(held))\n" % SOCK)
    out = run("setpriv", "--reuid", "smisd", "--regid", "smisd", "--clear-groups", "python3", "-c", code)
    assert out.strip() == "400", out
    assert active("smisd-priv.service"), status()
    until("smisd answers", answers)
    assert helper(['{"id":1,"op":"hello"}'])[0]["error"] == 0


def t_lock_is_no_link():
    """The helper's lock follows no link that somebody may have put there."""
    lock = "/run/smisd/priv.lock"
    assert os.path.exists(lock)
    os.rename(lock, lock + ".old")
    os.symlink("/etc/rpl-made", lock)
    helper(['{"id":1,"op":"inventory"}'])
    assert not os.path.exists("/etc/rpl-made")
    os.unlink(lock)
    os.rename(lock + ".old", lock)


def t_watchdog():
    """A daemon that hangs is killed and started anew; the other goes on, and so does the job."""
    pid, priv = main_pid("smisd.service"), main_pid("smisd-priv.service")
    job = new_clone("first")
    os.kill(pid, signal.SIGSTOP)
    # active with no process, for a moment, when systemd has seen the old one die
    until("another smisd", lambda: process("smisd.service") not in (None, pid))
    assert show("smisd.service", "NRestarts") == "1", status()
    until("it answers", answers)
    assert main_pid("smisd-priv.service") == priv
    jobs = enumerate_("CIM_ConcreteJob", "EnumerateInstances").split("<VALUE.NAMEDINSTANCE>")
    assert sum(job in j for j in jobs) == 1, jobs
    until("the job ends", lambda: job_state(job) == "7")


def t_reload():
    """A reload keeps process and connections; a mistake in the file is told, and changes nothing."""
    pid = main_pid("smisd.service")
    c = http.client.HTTPConnection("127.0.0.1", 5988, timeout=60)
    c.request("GET", "/")
    c.getresponse().read()
    assert padded(40000) == 200
    CONF.write_text(CONFIG + "[limits]\nmax-body-kib = 16\n")
    ctl("reload", "smisd.service")
    until("the new limit counts", lambda: padded(40000) == 413, 20)
    assert main_pid("smisd.service") == pid
    c.request("GET", "/")
    c.getresponse().read()
    c.close()
    CONF.write_text(CONFIG + "[limits]\nmax-xml-depth = much\n")
    run_failed = subprocess.run(["nsenter", "-t", str(Systemd.pid), "-m", "-p", "systemctl", "reload",
                                 "smisd.service"], capture_output=True)
    assert run_failed.returncode, "a reload with a mistake is told as a success"
    assert active("smisd.service") and main_pid("smisd.service") == pid and answers()
    CONF.write_text(CONFIG)


def t_stop_lets_requests_finish():
    got, before = [], volumes()
    t = threading.Thread(target=lambda: got.append(new_volume("last")))
    t.start()
    # the logical volume is there: the helper is at work, the answer is not given yet
    until("it is under way", lambda: volumes() > before)
    ctl("stop", "smisd-http.socket", "smisd.service")
    t.join(120)
    assert got and got[0][0] == 200 and "<ERROR" not in got[0][1], got
    assert show("smisd.service", "Result") == "success", status()
    ctl("stop", "smisd-priv.socket", "smisd-priv.service")
    assert show("smisd-priv.service", "Result") == "success", status()
    assert not os.path.exists(SOCK)


TESTS = [t_setup, t_a_connection_starts_it, t_processes_are_confined,
         t_i8_taken_over_it_gets_nothing_of_the_host, t_i8_out_of_its_sandbox_it_gets_no_device,
         t_i8_taken_over_it_gets_nothing_from_the_helper,
         t_i8_a_flood_of_the_helper, t_lock_is_no_link, t_watchdog, t_reload, t_stop_lets_requests_finish]


def main():
    print("KTAP version 1")
    print(f"1..{len(TESTS)}")
    failed = 0
    for n, t in enumerate(TESTS, 1):
        begun = time.monotonic()
        try:
            t()
            print(f"ok {n} {t.__name__[2:]}", flush=True)
        except Exception as e:  # every test is reported, whatever went wrong in it
            failed += 1
            print("# " + f"{type(e).__name__}: {e}".replace("\n", "\n# "))
            print(f"not ok {n} {t.__name__[2:]}", flush=True)
            if t in TESTS[:2]:
                break
        print(f"# {time.monotonic() - begun:.0f} s", flush=True)
    return failed


sys.exit(min(main(), 1))
