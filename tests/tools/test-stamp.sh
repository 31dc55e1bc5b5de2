#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# rpl-stamp's own test: it accepts true points in time and refuses hand-made violations. TAP.
# usage: test-stamp.sh path/to/rpl-stamp
set -u

stamp=$(realpath "${1:-build/tools/rpl-stamp}")
dir=$(mktemp -d "${TMPDIR:-/tmp}/stamp.XXXXXX")
writer=
trap '[ -z "$writer" ] || kill -9 "$writer" 2>/dev/null; rm -rf "$dir"' EXIT
cd "$dir" || exit 2
n=0 failed=0

# ok STATUS NAME: one TAP line
ok() {
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else
		failed=$((failed + 1)); echo "not ok $n - $2"
		sed 's/^/# /' out 2>/dev/null | head -20
	fi
}
# expect STATUS NAME COMMAND...: the exit status must be this one
expect() {
	want=$1 name=$2; shift 2
	"$@" >out 2>&1; got=$?
	[ "$got" -eq "$want" ]; ok $? "$name"
}
# wait_for TEXT FILE: within 10 s
wait_for() {
	i=0
	until grep -q "$1" "$2" 2>/dev/null; do
		i=$((i + 1)); [ $i -lt 200 ] || return 1; sleep 0.05
	done
}
field() { sed -n "s/^$1 //p" out; }
volumes() { truncate -s 1048576 "$1"a; truncate -s 1573376 "$1"b; truncate -s 530432 "$1"c; }
copy() { cp a "$1"a; cp b "$1"b; cp c "$1"c; }
poke() { printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }

volumes ""
expect 0 "fill" "$stamp" fill -f 77 a b c
expect 0 "finished run writes" "$stamp" write -w 3 -n 2000 -L log a b c
expect 0 "the volumes themselves are a point in time" "$stamp" check -L log -f 77 a b c
[ "$(field writes)" = 2000 ] && [ "$(field included)" = 2000 ]; ok $? "all writes are included"
judged=$(($(field stamped_sectors) + $(field fill_sectors)))
[ $judged = $(((1048576 + 1573376 + 530432) / 512)) ]
ok $? "every sector was judged"

copy x; poke xb 700000 '\1'
expect 1 "one flipped byte is found" "$stamp" check -L log -f 77 xa xb xc
grep -q 'sector 1367' out; ok $? "and its sector is named"
copy x; dd if=xb of=xb bs=4096 skip=5 seek=9 count=1 conv=notrunc status=none
expect 1 "a block in another place is found" "$stamp" check -L log -f 77 xa xb xc
expect 1 "a volume in the place of another is found" "$stamp" check -L log -f 77 xa xb xb
copy x; dd if=/dev/zero of=xc bs=512 seek=1035 count=1 conv=notrunc status=none
expect 1 "a zeroed last sector is found" "$stamp" check -L log -f 77 xa xb xc

# Old blocks of one volume among new ones: they lack writes that were over before others began.
"$stamp" fill -f 77 a b c; cp b old
expect 0 "second run" "$stamp" write -w 3 -n 2000 -L log a b c
copy x; blk=0 old_blocks=0
while [ $old_blocks -lt 3 ]; do
	cmp -s -i $((blk * 4096)) -n 4096 b old || {
		dd if=old of=xb bs=4096 skip=$blk seek=$blk count=1 conv=notrunc status=none
		old_blocks=$((old_blocks + 1))
	}
	blk=$((blk + 1))
done
expect 1 "a few blocks of the past is a violation" "$stamp" check -L log -f 77 xa xb xc
grep -q 'BAD I1' out; ok $? "and it is called I1"
cp old xb
expect 1 "one volume of the past is a violation" "$stamp" check -L log -f 77 xa xb xc
"$stamp" fill -f 77 xa xb xc
expect 0 "all of the past is a point in time" "$stamp" check -L log -f 77 xa xb xc
[ "$(field included)" = 0 ]; ok $? "with no write in it"

# Torn: first sector of a block new, the others old.
copy x; truncate -s 1048576 old2; "$stamp" fill -f 77 old2
blk=0
while cmp -s -i $((blk * 4096)) -n 4096 a old2; do blk=$((blk + 1)); done
dd if=old2 of=xa bs=512 skip=$((blk * 8 + 1)) seek=$((blk * 8 + 1)) count=7 conv=notrunc status=none
expect 1 "a torn block is found" "$stamp" check -L log -f 77 xa xb xc
grep -q torn out; ok $? "and called torn"

# A true cut, with marks around it: the writers are stopped, the volumes copied, the writers go on.
"$stamp" fill -f 77 a b c
"$stamp" write -w 4 -S 9 -L log a b c >running & writer=$!
wait_for writing running; sleep 0.2
kill -USR1 $writer; wait_for 'mark 1' running
kill -STOP $writer; copy x; kill -CONT $writer
sleep 0.2; kill -USR1 $writer; wait_for 'mark 2' running
copy y
kill -TERM $writer; wait $writer; ok $? "a stopped writer reports no error"; writer=
grep -q '^latency_max_us [0-9]' running; ok $? "and its longest write"
expect 0 "a true cut is a point in time" "$stamp" check -L log -f 77 -A 1 -B 2 xa xb xc
[ "$(field included)" -gt 0 ] && [ "$(field included)" -lt "$(field writes)" ]
ok $? "in the middle of the run"
expect 1 "it is not after mark 2" "$stamp" check -L log -f 77 -A 2 xa xb xc
expect 1 "it is not before mark 1" "$stamp" check -L log -f 77 -B 1 xa xb xc
expect 1 "copies taken one after another are not" "$stamp" check -L log -f 77 ya yb yc

# kill -9: the log survives, and what was in flight may be in or not.
"$stamp" fill -f 77 a b c
"$stamp" write -w 4 -L log a b c >running & writer=$!
wait_for writing running; sleep 0.3; kill -9 $writer; wait $writer 2>/dev/null; writer=
expect 0 "after kill -9 of the writer the volumes check" "$stamp" check -L log -f 77 a b c

"$stamp" fill -f 5 -o 4096 -l 65536 a
expect 0 "stamps in a range only" "$stamp" write -w 2 -b 512 -n 300 -o 4096 -l 65536 -L log a
expect 0 "the range checks" "$stamp" check -L log -f 5 a
[ "$(($(field stamped_sectors) + $(field fill_sectors)))" = 128 ]; ok $? "and nothing outside it"
cp a xa; expect 0 "compare of equal files" "$stamp" compare a xa
poke xa 66001 Q; expect 1 "compare of different ones" "$stamp" compare a xa
grep -q 'byte 66001 ' out; ok $? "tells where"
expect 0 "a range without the difference" "$stamp" compare -l 65536 a xa
[ "$("$stamp" sum a | cut -c1-16)" != "$("$stamp" sum xa | cut -c1-16)" ]; ok $? "sums differ"
cp a xb; poke xb 1 Q; poke xb 66001 R
expect 0 "what a store must keep" "$stamp" kept -b 64k a a xa xa xb a , b b , a xb
[ "$(field kept)" = 7 ]; ok $? "is each chunk that is not as in the next younger one"
expect 2 "a range beyond the end is refused" "$stamp" fill -o 1m -l 1k a
expect 2 "a missing volume is told" "$stamp" write -n 1 -L log none
expect 2 "a foreign log is refused" "$stamp" check -L a a

# A signal ends a run, and does not kill it, from when its log is there.
killed=0 i=0
while [ $i -lt 40 ]; do
	rm -f log; i=$((i + 1)) k=0
	"$stamp" write -w 3 -L log a b c >out 2>&1 & writer=$!
	until [ -s log ] || [ $k -gt 1000000 ]; do k=$((k + 1)); done
	kill -TERM $writer; wait $writer || killed=$((killed + 1))
	writer=
done 2>/dev/null
[ $killed -eq 0 ]; ok $? "a signal that comes at once ends the run in order"

echo "1..$n"
[ $failed -eq 0 ]
