#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Who writes or reads is short of something himself: of memory, which is swapped to a source, or of what
# his control group may transfer.
# ktest: any timeout=180
. ./lib.sh
GROUP=/sys/fs/cgroup/rpl

# limited CONTROLLER FILE VALUE: $GROUP with that limit.
limited()
{
	echo "+$1" > /sys/fs/cgroup/cgroup.subtree_control 2> /dev/null ||
		skip "this kernel has no control groups for $1"
	[ ! -d $GROUP ] || rmdir $GROUP
	mkdir $GROUP
	echo "$3" > "$GROUP/$2" || die "$2 cannot be $3"
}

# in_group COMMAND...
in_group()
{
	sh -c "echo \$\$ > $GROUP/cgroup.procs; exec \"\$@\"" sh "$@"
}

counter()
{
	awk -v n="$2" '$1 == n { print $2 }' "$1"
}

# numbers_of DEVICE: MAJOR:MINOR
numbers_of()
{
	printf '%d:%d\n' "0x$(stat -L -c %t "$1")" "0x$(stat -L -c %T "$1")"
}

# A page that goes out waits for the copy of what was there, which needs memory in turn.
swap_on_a_source()
{
	local before out i
	store_new $((128 * MIB))
	source_new 1 $((64 * MIB))
	must mkswap mkswap "$(src 1)"
	before=$(sum "$(src 1)")
	clone_now 1 101 4096
	snap_now 1 201
	limited memory memory.max 32M
	out=$(counter /proc/vmstat pswpout)
	must swapon swapon "$(src 1)"
	in_group python3 "$TOP/tests/tools/mem-pages.py" 64 3 > "$WORK/pages" 2>&1 &
	writer=$!
	background $writer
	for i in 2 3 4; do
		group "$(uuid)" "20$i:1:snapshot"
	done
	wait $writer || echo "memory: $(tail -1 "$WORK/pages")" > "$WORK/bad"
	out=$(($(counter /proc/vmstat pswpout) - out))
	swapoff "$(src 1)" || echo "swapoff failed" >> "$WORK/bad"
	[ ! -e "$WORK/bad" ] || die "$(cat "$WORK/bad")"
	same "killed for memory" "$(counter $GROUP/memory.events oom_kill)" 0
	[ "$out" -ge 8192 ] || die "$out pages were swapped out"
	same "snapshot" "$(sum "$(snp 201)")" "$before"
	same "clone" "$(sum "$(cln 101)")" "$before"
	must "full speed" msg set_rate 101 0 0
	state_becomes 101 synchronized 60
	same "target" "$(sum "$(sl tg-101)")" "$before"
}

# A read that is issued a second time, because a first write overtook it, is still its group's.
limited_reader()
{
	local before began i
	store_new $((64 * MIB))
	source_new 1 $((8 * MIB))
	before=$(sum "$(src 1)")
	snap_now 1 201
	limited io io.max "$(numbers_of "$(snp 201)") rbps=4194304"
	echo "$(numbers_of "$(sl lo-1)") rbps=8388608" > $GROUP/io.max ||
		die "no limit for the device below"
	slice_delay lo-1 "10 $RAM START 0"
	"$STAMP" write -w 8 -b 4096 -n 600 -L "$WORK/wlog" "$(src 1)" > "$WORK/writer" 2>&1 &
	writer=$!
	background $writer
	for i in 1 2 3; do
		began=$(now_ms)
		same "read $i" "$(in_group "$STAMP" sum "$(snp 201)" | cut -d' ' -f1)" "$before"
		began=$(($(now_ms) - began))
		[ $began -ge 1500 ] || die "8 MiB in $began ms: there was no limit"
	done
	wait $writer || die "writer: $(cat "$WORK/writer")"
	same "afterwards" "$(sum "$(snp 201)")" "$before"
}

tc swap_on_a_source "memory is swapped to a source that has a clone and snapshots"
tc limited_reader "a reader of a snapshot with a limit for its transfers, beside first writes"
run_cases
