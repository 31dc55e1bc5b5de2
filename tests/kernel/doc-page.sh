#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# doc/dm-replica.rst against the module: its examples run, its status lines and tracepoints are there.
# (That it names all of them: tests/doc/rst.py.)
# ktest: any smp=1 timeout=90
. ./lib.sh
PAGE=$TOP/doc/dm-replica.rst
TRACE=/sys/kernel/tracing
SIZE=$((2 * MIB))

# The indented blocks of the last section, as one script, on slices.
examples()
{
	sed -n '/^Examples$/,$p' "$PAGE" | sed -n 's/^    //p' | sed 's#/dev/vg/#/dev/mapper/sl-#g'
}

# part HEADING: the section with this heading, underlined with dashes, of the section Status.
part()
{
	sed -n '/^Status$/,/^Messages$/p' "$PAGE" | sed -n "/^$1\$/,/^replica-.*/{/^$1\$/d;p}" |
		sed -n 's/^    //p' | head -1
}

examples_run()
{
	slice store $((16 * MIB))
	slice data $SIZE
	slice target $SIZE
	dd if=/dev/zero of="$(sl store)" bs=1M oflag=direct status=none 2> /dev/null
	pattern "$(sl data)" 3
	examples > "$WORK/examples"
	[ "$(grep -c dmsetup "$WORK/examples")" -gt 10 ] || die "no examples: $(cat "$WORK/examples")"
	(
		set -e
		# shellcheck source=/dev/null
		. "$WORK/examples"
	) > "$WORK/out" 2>&1 || die "the examples fail: $(cat "$WORK/out")"
	grep -q "replica-clone copying" "$WORK/out" ||
		die "no status: $(cat "$WORK/out")"
	grep -q "replica-clone suspended" "$WORK/out" ||
		die "not suspended: $(cat "$WORK/out")"
	same "the clone" "$(sum "$(sl target)")" "$(sum "$(sl data)")"
	for d in store v-1 c-2; do
		gone $d || die "$d is left"
	done
}

# The words of each status line are as many as the page has names.
status_as_told()
{
	local d target want got
	store_new
	source_new 1 $SIZE
	clone_now 1 101
	state_becomes 101 synchronized 20
	snap_now 1 201
	for d in store v-1 c-101 n-201; do
		# shellcheck disable=SC2046
		set -- $(dmsetup status $d)
		target=$3
		shift 3
		got=$(echo "$*" | wc -w)
		want=$(part "$target" | grep -o '<[^>]*>[^ ]*' | wc -l)
		[ "$want" -gt 3 ] || die "no status line for $target on the page"
		same "fields of $target: '$*' for '$(part "$target")'" "$got" "$want"
	done
}

traced()
{
	grep -q " $1: store=.*$2" "$TRACE/trace" || die "no $1 with '$2': $(tail -20 "$TRACE/trace")"
}

# A hold, a wait and a copy end as often as they begin.
balanced()
{
	local pair
	for pair in hold_begin:hold_end write_wait:write_go replica_wait:replica_go copy_begin:copy_end; do
		[ "$(grep -c " rpl_${pair%:*}: " $TRACE/trace)" = \
			"$(grep -c " rpl_${pair#*:}: " $TRACE/trace)" ] || return 1
	done
}

tracepoints()
{
	local nr
	[ -d $TRACE ] && mount -t tracefs tracefs $TRACE 2> /dev/null
	[ -e $TRACE/trace ] || skip "this kernel has no tracefs"
	nr=$(sed -n '/^Tracepoints$/,/^Warnings$/p' "$PAGE" | grep -c '^rpl_')
	same "tracepoints" "$(find $TRACE/events/dm_replica -mindepth 1 -type d | wc -l)" "$nr"
	echo > $TRACE/trace
	echo 1 > $TRACE/events/dm_replica/enable
	store_new
	source_new 1 $SIZE
	clone_now 1 101 64
	write_at "$(src 1)" $MIB 65536 4
	must suspend msg suspend 101
	must "write to the clone" write_at "$(cln 101)" $((MIB / 2)) 4096 5
	snap_now_rw 1 201
	must "write to the snapshot" write_at "$(snp 201)" $((MIB / 4)) 4096 5
	must abort msg abort 101
	clone_now 1 102
	state_becomes 102 synchronized 20
	retry_until 20 balanced || die "not as many ends as begins:
$(grep -o " rpl_[a-z_]*:" $TRACE/trace | sort | uniq -c)
$(grep -E "_(wait|go): " $TRACE/trace)"
	echo 0 > $TRACE/events/dm_replica/enable
	traced rpl_hold_begin "volume=1 epoch=[0-9]"
	traced rpl_hold_end "volume=1 epoch=[0-9]* writes=[0-9]* held_max_ns="
	traced rpl_write_wait "volume=1 sector=$((MIB / 512)) sectors="
	traced rpl_write_go "volume=1 sector=$((MIB / 512)) waited_ns=[1-9]"
	# a part of a region, which is copied first; a flush, whose record comes first
	traced rpl_replica_wait "replica=101 sector=$((MIB / 1024)) sectors=8"
	traced rpl_replica_go "replica=101 sector=$((MIB / 1024)) waited_ns=[1-9]"
	traced rpl_replica_wait "replica=101 sector=0 sectors=0"
	traced rpl_replica_go "replica=101 sector=0 waited_ns=[1-9]"
	traced rpl_replica_wait "replica=201 sector=$((MIB / 2048)) sectors=8"
	traced rpl_replica_go "replica=201 sector=$((MIB / 2048)) waited_ns=[1-9]"
	traced rpl_copy_begin "clone=101 clones=1 kind=preserve region=16 nr=1 bad=0"
	traced rpl_copy_end "clone=101 clones=1 kind=preserve region=16 nr=1 bad=0"
	traced rpl_copy_end "clone=102 clones=1 kind=copy region="
	traced rpl_clone_state "clone=101 from=prepared to=copying"
	traced rpl_clone_state "clone=101 from=copying to=suspended"
	traced rpl_clone_state "clone=101 from=suspended to=aborted"
	traced rpl_clone_state "clone=102 from=copying to=synchronized"
	echo > $TRACE/trace
	must detach msg detach 102
	same "what is off" "$(grep -c rpl_ $TRACE/trace)" 0
}

tc examples_run "the examples do what the page says"
tc status_as_told "status lines have the fields that the page names"
tc tracepoints "the tracepoints tell holds, waits, copies and states"
run_cases
