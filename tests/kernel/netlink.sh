#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The netlink interface: commands, their results, events, dumps, what is refused and to whom.
# ktest: timeout=400
. ./lib.sh
SIZE=$((4 * MIB))
RPLCTL=$TOP/build/tools/rplctl
EVIL=$TOP/build/tools/nl-evil

two()
{
	store_new
	source_new 1 $SIZE
	source_new 2 $SIZE
	clone_new 101 1
	clone_new 102 2
}

# field KEY: of a line of rplctl on standard input.
field()
{
	tr ' ' '\n' | sed -n "s/^$1=//p"
}

relation()
{
	"$RPLCTL" relations | grep " id=$1 "
}

# listen [OPTION...]: rplctl events into $WORK/events, from now on.
listen()
{
	"$RPLCTL" events "$@" > "$WORK/events" 2>&1 &
	listener=$!
	background $listener
	retry_until 5 grep -q listening "$WORK/events" || die "nobody listens"
}

seen()
{
	retry_until "${2:-10}" grep -qE "$1" "$WORK/events" ||
		die "no event '$1' in: $(cat "$WORK/events")"
}

# numbers_grow ID: a reader may drop what is not newer, so each message has a number above the last.
# The shell compares: sort and awk may take such numbers for floating point.
numbers_grow()
{
	grep "^relation .*id=$1 " "$WORK/events" | field seq | {
		local last=0 n
		while read -r n; do
			[ "$n" -gt $last ] || die "relation $1: number $n after $last"
			last=$n
		done
	} || exit 1
}

create_and_watch()
{
	local g cookie
	g=$(uuid)
	two
	listen
	cookie=$("$RPLCTL" create-group -n -M 65536 "$g" 101:1 102:2) || die "create-group"
	seen "^command .*cookie=$cookie .*status=done error=0"
	seen "^group .*uuid=$g relations=2 .*event=created"
	seen "^relation .*id=101 volume=1 state=copying .*event=created"
	same "what became of it" "$("$RPLCTL" command "$cookie" | field status)" done
	same "error" "$("$RPLCTL" command "$cookie" | field error)" 0
	same "total" "$(relation 101 | field total)" $SIZE
	same "group of 102" "$(relation 102 | field group)" "$g"
	must "full speed" "$RPLCTL" set-rate "$g" 0 0
	seen "^relation .*id=101 .*state=synchronized .*event=state" 20
	seen "^relation .*id=102 .*state=synchronized .*event=state" 20
	same "copied" "$(relation 101 | field copied)" $SIZE
	must detach "$RPLCTL" detach "$g"
	seen "^relation .*id=101 .*state=detached .*event=removed"
	seen "^group .*uuid=$g .*event=removed"
	"$RPLCTL" relations | grep -q " state=[^p]" && die "left: $("$RPLCTL" relations)"
	"$RPLCTL" groups | grep . && die "a group is left"
	return 0
}

# Progress is coalesced: at most four a second for each relation; states are all told, in order.
coalesced()
{
	local n ms
	two
	listen
	ms=$(now_ms)
	must create "$RPLCTL" create-group -M 131072 "$(uuid)" 101:1
	must suspend "$RPLCTL" suspend 101
	must resume "$RPLCTL" resume 101
	must suspend "$RPLCTL" suspend 101
	must resume "$RPLCTL" resume 101
	seen "id=101 .*event=progress" 20
	must "full speed" "$RPLCTL" set-rate 101 0 1048576
	seen "id=101 .*state=synchronized .*event=state" 30
	ms=$(($(now_ms) - ms))
	n=$(grep -c "^relation .*id=101 .*event=progress" "$WORK/events")
	[ "$n" -ge 2 ] || die "$n events of progress in $ms ms"
	at_most "events of progress in $ms ms" "$n" $((ms * 4 / 1000 + 2))
	same "states" "$(grep "^relation .*id=101 .*event=\(state\|created\)" "$WORK/events" |
		field state | uniq | tr '\n' ' ')" \
		"copying suspended copying suspended copying synchronized "
	# Never more than was there, never less than before (I6).
	grep "^relation .*id=101" "$WORK/events" | field copied | sort -nc || die "progress went back"
	numbers_grow 101
}

refused_by_name()
{
	local g
	g=$(uuid)
	two
	must_fail "no such clone" "$RPLCTL" create-group "$g" 101:1 999:2
	grep -q "error=ENOENT reason=clone 999" "$WORK/refused" || die "$(cat "$WORK/refused")"
	must_fail "the wrong source" "$RPLCTL" create-group "$g" 101:2
	grep -q "reason=clone 101.* 1, not 2" "$WORK/refused" || die "$(cat "$WORK/refused")"
	must create "$RPLCTL" create-group "$g" 101:1
	must_fail "the group's uuid again" "$RPLCTL" create-group "$g" 102:2
	grep -q "error=EEXIST" "$WORK/refused" || die "$(cat "$WORK/refused")"
	is_state 102 prepared || die "102 is $(clone_state 102)"
	must_fail "no such command" "$RPLCTL" command 12345
}

malformed()
{
	two
	# udev and friends are done with the devices: nothing but us counts.
	"$EVIL" 101 1 5000 > "$WORK/evil" || die "$(grep -A1 -E '^#|^not' "$WORK/evil")"
	grep -q '^1\.\.' "$WORK/evil" || die "it ended early: $(tail -1 "$WORK/evil")"
}

# One request, n relations, one point in time.
many()
{
	local n=$1 i ids=
	store_new $((24 * MIB))
	source_new 1 $((256 * 1024))
	for i in $(seq 1 "$n"); do
		[ "$i" = 1 ] || source_new "$i" $((256 * 1024))
		clone_new $((1000 + i)) "$i"
		ids="$ids $((1000 + i)):$i"
	done
	# shellcheck disable=SC2086
	must "create $n" "$RPLCTL" create-group "$(uuid)" $ids
	all_synchronized()
	{
		[ "$("$RPLCTL" relations | grep -c 'state=synchronized')" = "$n" ]
	}
	retry_until 60 all_synchronized || die "$("$RPLCTL" groups)"
	same "one group" "$("$RPLCTL" groups | grep -c "relations=$n .*synchronized=$n")" 1
	diag "$n relations: $("$RPLCTL" groups | tr ' ' '\n' | grep -E '_ns|held' | tr '\n' ' ')"
	for i in 1 "$n"; do
		same "clone $i" "$(sum "$(sl "tg-$((1000 + i))")")" "$(sum "$(src "$i")")"
	done
}

sixteen()
{
	many 16
}

sixty_four()
{
	many 64
}

# A reader who does not read loses events, is told so, and finds the truth by a dump.
lost_events()
{
	two
	must create "$RPLCTL" create-group -M 65536 "$(uuid)" 102:2
	must suspend "$RPLCTL" suspend 102
	listen -b 4096
	kill -STOP "$listener"
	must "many events" "$RPLCTL" set-rate -r 200 102 0 65536
	kill -CONT "$listener"
	seen "^lost" 10
	# From then on it hears everything again.
	must create "$RPLCTL" create-group "$(uuid)" 101:1
	seen "^relation .*id=101 .*state=synchronized" 20
}

# The last 256 results are remembered, no more.
remembered()
{
	local first last
	two
	must create "$RPLCTL" create-group -M 65536 "$(uuid)" 101:1
	must suspend "$RPLCTL" suspend 101
	first=$("$RPLCTL" set-rate -n 101 0 65536)
	must "the first one is known" "$RPLCTL" command "$first"
	must "256 more" "$RPLCTL" set-rate -r 256 101 0 65536
	last=$("$RPLCTL" set-rate -n 101 0 65536)
	must "the last one is known" "$RPLCTL" command "$last"
	must_fail "the first one is forgotten" "$RPLCTL" command "$first"
}

# F30: a store that hangs must not stop generic netlink for everybody else.
stuck_store()
{
	two
	slice_hang sd
	"$RPLCTL" create-group -n "$(uuid)" 101:1 > "$WORK/cookie" || die "not queued"
	sleep 0.5
	same "status" "$("$RPLCTL" command "$(cat "$WORK/cookie")" | field status)" running
	must "dump" timeout 10 "$RPLCTL" relations
	must "groups" timeout 10 "$RPLCTL" groups
	must_fail "a second command" timeout 10 "$RPLCTL" create-group -n "$(uuid)" 999:1
	modprobe nbd 2> /dev/null && must "another family goes" timeout 10 rmmod nbd
	must "all families" timeout 10 genl ctrl list
	must "resume" dmsetup resume sl-sd
	retry_until 10 command_done || die "$("$RPLCTL" command "$(cat "$WORK/cookie")")"
	same "error" "$("$RPLCTL" command "$(cat "$WORK/cookie")" | field error)" 0
}

# Commands that are queued when everything is taken away: all end, nothing is left.
gone_at_once()
{
	local d i
	for i in 1 2 3; do
		two
		"$RPLCTL" create-group -n -M 65536 "$(uuid)" 101:1 102:2 > /dev/null || die "create"
		"$RPLCTL" set-rate -n -r 50 101 0 65536 > /dev/null 2>&1 || :
		for d in c-101 c-102 v-1 v-2 store; do
			must "remove $d" dmsetup remove --retry "$d"
		done
		retry_until 10 rmmod dm_replica 2> /dev/null || die "the module stays"
		sweep
		rm -f "$WORK/used"
		module_load
	done
}

# Commands, messages, dumps and listeners all at once.
storm()
{
	local i r writers=
	two
	listen
	# to a part of each: what they overwrite is copied, and the clones must not be complete
	for i in 1 2; do
		fio --thread --name=w --filename="$(src $i)" --ioengine=libaio --direct=1 --rw=randwrite \
			--bs=4k --iodepth=8 --size=512k --time_based --runtime=600 > "$WORK/fio.$i" 2>&1 &
		writers="$writers $!"
		background $!
	done
	for i in 1 2; do
		while :; do
			for r in relations sources groups stores; do
				"$RPLCTL" $r > /dev/null || echo "$r failed" >> "$WORK/trouble"
			done
			sleep 0.3
		done &
		background $!
	done
	for i in 1 2; do
		must create "$RPLCTL" create-group -M 64 "$(uuid)" 101:1 102:2
		must suspend msg suspend 101
		must set-rate "$RPLCTL" set-rate -r 20 102 0 128
		must resume "$RPLCTL" resume 101
		must abort "$RPLCTL" abort 101
		must abort msg abort 102
		must detach msg detach 101
		must detach "$RPLCTL" detach 102
		dmsetup remove --retry c-101
		dmsetup remove --retry c-102
		clone_open 101 1
		clone_open 102 2
	done
	# shellcheck disable=SC2086
	kill -0 $writers || die "writers ended: $(cat "$WORK"/fio.*)"
	[ ! -e "$WORK/trouble" ] || die "$(sort "$WORK/trouble" | uniq -c)"
	seen "id=102 .*event=removed"
	numbers_grow 101
	numbers_grow 102
}

# A message's caller may be killed while it waits; the command goes on.
killed_message()
{
	local pid
	two
	slice_hang sd
	dmsetup message store 0 create_group "$(uuid)" "$(group_spec 101:1)" > /dev/null 2>&1 &
	pid=$!
	sleep 1
	kill -KILL $pid
	retry_until 5 not_running $pid || die "the caller cannot be killed"
	slice_ok sd
	state_becomes 101 synchronized 30
}

not_running()
{
	! kill -0 "$1" 2> /dev/null || grep -q '^State:.Z' "/proc/$1/status"
}

command_done()
{
	[ "$("$RPLCTL" command "$(cat "$WORK/cookie")" | field status)" = "done" ]
}

tc create_and_watch "a group by netlink: cookie, result, events, dump, detach"
tc coalesced "progress is coalesced, states are told each and in order"
tc refused_by_name "what is refused is named, with the reason"
# Snapshots by the same commands: created with a clone, told, deleted.
snapshots()
{
	local g
	g=$(uuid)
	store_new $((64 * MIB))
	source_new 1 $((4 * MIB))
	clone_new 101 1
	listen
	must create "$RPLCTL" create-group "$g" 101:1 201:1:snapshot
	same "kind" "$(relation 201 | field kind)" snapshot
	same "state" "$(relation 201 | field state)" synchronized
	same "kind of the clone" "$(relation 101 | field kind)" clone
	state_becomes 101 synchronized 20
	write_at "$(src 1)" 0 $MIB 4
	same "snapshots" "$("$RPLCTL" sources | field snapshots)" 1
	same "stored" "$("$RPLCTL" sources | field stored)" $MIB
	same "used" "$("$RPLCTL" stores | field used)" $MIB
	must_fail "a suspend of it" "$RPLCTL" suspend 201
	grep -q "cannot be told to suspend" "$WORK/refused" || die "$(cat "$WORK/refused")"
	must_fail "a deletion of the mixed group" "$RPLCTL" delete "$g"
	must delete "$RPLCTL" delete 201
	must detach "$RPLCTL" detach "$g"
	retry_until 5 grep -q "id=201 .*event=removed" "$WORK/events" ||
		die "the deletion is not told: $(cat "$WORK/events")"
	! "$RPLCTL" groups | grep . || die "a group is left"
}

tc snapshots "snapshots by netlink: created with a clone, told, deleted"
tc malformed "malformed and unprivileged requests are refused and change nothing"
tc sixteen "16 relations in one request"
tc sixty_four "64 relations in one request"
tc lost_events "a slow reader is told that events were lost"
tc remembered "results of commands are remembered, the last 256"
tc gone_at_once "devices and module go while commands are queued"
tc storm "commands, messages, dumps and listeners at once, beside writers"
tc killed_message "who sent a message can be killed, the command goes on"
tc stuck_store "a store that hangs does not stop generic netlink"
run_cases
