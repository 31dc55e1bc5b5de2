#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Power cuts: what was acknowledged is in force, and unfinished clones go on, every byte right.

# ktest: any timeout=420 needs=disks

usage: power-cut.py SERIES      (RPL_KO = the module; run by ktest)
"""
import os
import pathlib
import shutil
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tests/vm"))
from rplvm import kernels, machine, qemu  # noqa: E402

DISK_BYTES = 96 << 20

# The devices, the same at every boot: slices of the disk, in one order.
SCENE = """
LIB={here}; cd $LIB; export LIB
. ./lib.sh
RAM=/dev/vda
sd=$((16 * MIB)); size=$((8 * MIB))
mkdir -p $WORK
module_load
slices() {{ slice sd $sd; slice lo-1 $size; slice tg-101 $size; slice tg-102 $size; }}
again() {{	# [STATUS [FINDING]]: what rpl-check says of the store before it is opened
	slices
	checked ${{*:-1 not-closed}}
	must "open the store" dmsetup create store --table "$(store_table 0)"
	clone_open 101 1
	clone_open 102 1
	source_open 1
}}
last_close() {{
	for d in c-101 c-102 v-1 store; do
		must "remove $d" dmsetup remove --retry $d
	done
	checked 0
}}
first() {{
	slices
	must "create the store" dmsetup create store --table "$(store_table)"
	pattern "$(sl lo-1)" 1
	source_open 1
	sum "$(src 1)" > /out/before
	clone_open 102 1
	group "$(uuid)" 102:1
	state_becomes 102 synchronized 30
	clone_open 101 1
}}
"""

PHASES = {
    # name: (what runs until the cut, what must hold after it)
    "copying": ("""
first
slowly 101
group "$(uuid)" 101:1
# The clone's own, flushed: a region as a whole, a part of one, and one more that is synchronous.
write_at "$(cln 101)" $((6 * MIB)) 65536 7
write_at "$(cln 101)" $((7 * MIB)) 4096 8
dd if=/dev/zero of="$(cln 101)" bs=64k seek=80 count=1 oflag=direct,sync conv=notrunc status=none
sum "$(cln 101)" > /out/want
"$STAMP" write -w 3 -b 4096 -l 6m -L $WORK/log "$(src 1)" > /dev/null 2>&1 &
sleep 2
clone_copied 101 > /out/copied
echo cut > /out/now
wait
""", """
again
is_state 101 copying || die "unfinished: $(dmsetup status c-101)"
is_state 102 synchronized || die "complete: $(dmsetup status c-102)"
[ "$(clone_copied 101)" -gt $((2 * MIB)) ] || [ "$(cat /out/copied)" -le $((3 * MIB)) ] ||
	die "copied was $(cat /out/copied): $(dmsetup status c-101)"
same "the complete clone" "$(sum "$(cln 102)")" "$(cat /out/before)"
same "the clone" "$(sum "$(cln 101)")" "$(cat /out/want)"
write_at "$(src 1)" 0 $MIB 5
same "the clone, written behind" "$(sum "$(cln 101)")" "$(cat /out/want)"
must rate msg set_rate 101 0 0
state_becomes 101 synchronized 30
same "target" "$(sum "$(sl tg-101)")" "$(cat /out/want)"
"""),
    "suspended": ("""
first
slowly 101
group "$(uuid)" 101:1
msg suspend 101
write_at "$(src 1)" $((4 * MIB)) $MIB 6
echo cut > /out/now
sleep 100
""", """
again
is_state 101 suspended || die "an acknowledged suspend: $(dmsetup status c-101)"
[ "$(clone_copied 101)" -ge $MIB ] || die "preserved regions: $(dmsetup status c-101)"
same "the clone" "$(sum "$(cln 101)")" "$(cat /out/before)"
msg resume 101
must rate msg set_rate 101 0 0
state_becomes 101 synchronized 30
same "target" "$(sum "$(sl tg-101)")" "$(cat /out/before)"
"""),
    "aborted": ("""
first
slowly 101
group "$(uuid)" 101:1
msg abort 101
write_at "$(src 1)" $((4 * MIB)) $MIB 6
echo cut > /out/now
sleep 100
""", """
again
is_state 101 aborted || die "an acknowledged abort: $(dmsetup status c-101)"
"""),
    "target lost": ("""
first
slowly 101
group "$(uuid)" 101:1
slice_error tg-101
write_at "$(src 1)" $((4 * MIB)) $MIB 6
echo cut > /out/now
sleep 100
""", """
again
is_state 101 failed || die "it lacks what its source has no more: $(dmsetup status c-101)"
must "detach the failed one" msg detach 101
dmsetup remove --retry c-101 && clone_open 101 1
sum "$(src 1)" > /out/second
group "$(uuid)" 101:1
state_becomes 101 synchronized 30
same "the new clone" "$(sum "$(sl tg-101)")" "$(cat /out/second)"
"""),
    "acknowledged": ("""
first
group "$(uuid)" 101:1
echo cut > /out/now
wait
sleep 100
""", """
again
is_state 101 copying || is_state 101 synchronized || die "an acknowledged group is lost: \
$(dmsetup status c-101)"
same "the clone" "$(sum "$(cln 101)")" "$(cat /out/before)"
state_becomes 101 synchronized 30
same "target" "$(sum "$(sl tg-101)")" "$(cat /out/before)"
"""),
    "just complete": ("""
first
group "$(uuid)" 101:1
state_becomes 101 synchronized 30
echo cut > /out/now
sleep 100
""", """
again
is_state 101 synchronized || die "a clone that was reported complete: $(dmsetup status c-101)"
same "clone" "$(sum "$(cln 101)")" "$(cat /out/before)"
"""),
    "detached": ("""
first
msg detach 102
echo cut > /out/now
sleep 100
""", """
again
is_state 102 prepared || die "an acknowledged detach is undone: $(dmsetup status c-102)"
"""),
    "clean": ("""
first
slowly 101
group "$(uuid)" 101:1
write_at "$(src 1)" 0 $MIB 9
dmsetup remove --retry c-101 && dmsetup remove --retry c-102 && dmsetup remove --retry v-1 &&
	dmsetup remove --retry store || die "remove"
echo cut > /out/now
sleep 100
""", """
again 0
is_state 101 copying || is_state 101 synchronized || die "after a clean close: \
$(dmsetup status c-101)"
same "clone" "$(sum "$(cln 101)")" "$(cat /out/before)"
must rate msg set_rate 101 0 0
state_becomes 101 synchronized 30
same "target" "$(sum "$(sl tg-101)")" "$(cat /out/before)"
"""),
}


class Trial:
    """One guest that loses its power, and the next one on the same disk."""

    def __init__(self, series, where):
        self.kernel, self.where = kernels.get(series), where
        self.module = os.environ.get("RPL_KO")
        self.text = ""

    def boot(self):
        cfg = qemu.Config(kernel=self.kernel, smp=1, deadline_s=600,
                          disks=[qemu.Disk("disk0", DISK_BYTES, self.where / "disk0.img")])
        return machine.Machine.start(self.where / "vm", cfg, self.module, bound=True)

    def script(self, text):
        return SCENE.format(here=HERE) + text

    def say(self, data):
        self.text += data.decode(errors="replace")

    def run(self, before, after):
        m = self.boot()
        kept = {}
        try:
            n = m.begin(self.script(before))
            while not (m.out / "now").exists():
                try:
                    rc = m.finish(n, 1, self.say)
                    return f"the first half ended by itself, exit {rc}"
                except machine.Timeout:
                    pass
            kept = {f.name: f.read_bytes() for f in m.out.iterdir() if f.is_file()}
            m.cut()
            bad = m.bad_lines()
            if bad:
                return "\n".join(["log before the cut:", *bad])
            m = self.boot()
            for name, data in kept.items():
                (m.out / name).write_bytes(data)
            rc = m.run(self.script(after + "last_close\n"), 120, self.say)
            if rc:
                self.text += "\n".join(m.log().splitlines()[-12:])
                return f"after the cut: exit {rc}"
            rc = m.run("cd / && WORK=/run/rpl-test; . " + f"{HERE}/dev.sh; sweep || dmsetup ls", 60)
            m.off()
            bad = m.bad_lines()
            return "\n".join(["log after the cut:", *bad]) if bad else None
        finally:
            m.cut()


def main():
    series = sys.argv[1]
    wanted = os.environ.get("ONLY", "").split()
    names = [n for n in PHASES if not wanted or n.replace(" ", "_") in wanted]
    failed = 0
    print(f"TAP version 13\n1..{len(names)}", flush=True)
    for i, name in enumerate(names, 1):
        where = pathlib.Path(tempfile.mkdtemp(prefix="rpl-cut-"))
        t = Trial(series, where)
        try:
            why = t.run(*PHASES[name])
        except (machine.GuestDied, machine.Timeout) as e:
            why = f"the guest: {e!r}"
        finally:
            shutil.rmtree(where, ignore_errors=True)
        if why:
            for line in (t.text + why).splitlines():
                print("# " + line)
            failed = 1
        print(f"{'not ok' if why else 'ok'} {i} - {series} power-cut: {name}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
