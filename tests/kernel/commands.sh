#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Commands by dm message: what they do, what they refuse, that a refusal changes nothing.
# ktest: smp=1 timeout=120
. ./lib.sh
SIZE=$((4 * MIB))

two()
{
	store_new
	source_new 1 $SIZE
	source_new 2 $SIZE
	clone_new 101 1
	clone_new 102 2
}

abort_ends_it()
{
	local before
	two
	slowly 101 102
	group "$(uuid)" 101:1 102:2
	must abort msg abort 101
	is_state 101 aborted || die "after abort: $(dmsetup status c-101)"
	is_state 102 copying || die "its neighbour: $(dmsetup status c-102)"
	! dd if="$(cln 101)" of=/dev/null bs=64k iflag=direct status=none 2> /dev/null ||
		die "an aborted clone was readable as a whole"
	must detach msg detach 101
	must remove dmsetup remove --retry c-101
	before=$(sum "$(src 1)")
	clone_new 103 1
	group "$(uuid)" 103:1
	state_becomes 103 synchronized 20
	same "the next clone" "$(sum "$(sl tg-103)")" "$before"
}

suspend_resume()
{
	local g before
	g=$(uuid)
	two
	before=$(sum "$(src 1)")
	slowly 101 102
	group "$g" 101:1 102:2
	must "suspend a group" msg suspend "$g"
	is_state 101 suspended && is_state 102 suspended || die "not suspended"
	write_at "$(src 1)" 0 $((SIZE / 2)) 9
	same "a suspended clone keeps its past" "$(sum "$(cln 101)")" "$before"
	must "resume one" msg resume 101
	is_state 101 copying || die "101: $(dmsetup status c-101)"
	is_state 102 suspended || die "102: $(dmsetup status c-102)"
	must "resume the other" msg resume 102
	must rate msg set_rate "$g" 0 0
	state_becomes 101 synchronized 20
	state_becomes 102 synchronized 20
	same "target" "$(sum "$(sl tg-101)")" "$before"
}

detach_frees()
{
	two
	slowly 101
	group "$(uuid)" 101:1 102:2
	must_fail "detach of an unfinished clone" msg detach 101
	must rate msg set_rate 101 0 0
	state_becomes 101 synchronized 20
	state_becomes 102 synchronized 20
	must detach msg detach 101
	# Its device becomes a source of its own by a table swap.
	must "remove" dmsetup remove --retry c-101
	same "what is left is the point in time" "$(sum "$(sl tg-101)")" "$(sum "$(src 1)")"
	must_fail "detach of what is gone" msg detach 101
}

rate_limits()
{
	local start took a b
	store_new
	source_new 1 $((16 * MIB))
	clone_now 1 101 1024
	start=$(now_ms)
	a=$(clone_copied 101)
	sleep 3
	b=$(clone_copied 101)
	took=$(($(now_ms) - start))
	# One job of up to 1 MiB may be begun on credit at either end.
	at_most "bytes copied in $took ms at 1 MiB/s" $((b - a)) $((took * 1100 + 2 * MIB))
	[ $((b - a)) -gt $((MIB / 2)) ] || die "only $((b - a)) bytes in $took ms at 1 MiB/s"
	must rate msg set_rate 101 0 0
	state_becomes 101 synchronized 20
}

# The floor: a copy goes on, however busy the sources are.
rate_floor()
{
	local a
	store_new
	source_new 1 $((16 * MIB))
	clone_now 1 101 16
	must suspend msg suspend 101
	must floor msg set_rate 101 2048 0
	"$STAMP" write -w 8 -b 4096 -L "$WORK/log" -l 512k "$(src 1)" > /dev/null 2>&1 &
	background $!
	retry_until 10 test -s "$WORK/log"
	must resume msg resume 101
	a=$(clone_copied 101)
	sleep 3
	[ $(($(clone_copied 101) - a)) -gt $((2 * MIB)) ] || is_state 101 synchronized ||
		die "under load $(($(clone_copied 101) - a)) bytes in 3 s: below the floor"
}

refusals()
{
	local g=11111111-2222-3333-4444-555555555555 r=66666666-2222-3333-4444-555555555555
	two
	for bad in "" "create_group" "create_group $g" "create_group nonsense 101:1:$r" \
		"create_group $g 101:1" "create_group $g 101:9:$r" "create_group $g 199:1:$r" \
		"create_group $g 101:1:$r,101:1:$g" "create_group $g 101:1:$r,102:1:$r" \
		"create_group $g 101:1:zz" "create_group $g 101:1:$r," "create_group $g 0:1:$r" \
		"create_group $g 99999999999:1:$r" "suspend" "suspend 101" "suspend 555" "suspend x" \
		"resume 101" "abort 555" "detach 555" "set_rate 555 1 2" "set_rate 101 x 2" \
		"set_rate 101 5 2" "set_rate 101" "frobnicate 1" "suspend $g" "create_group $g 101:2:$r"; do
		# create_group with the wrong source: the table of clone 101 names volume 1.
		# shellcheck disable=SC2086
		if [ -n "$bad" ]; then
			must_fail "message '$bad'" msg $bad
		fi
		is_state 101 prepared || die "after '$bad': $(dmsetup status c-101)"
		is_state 102 prepared || die "after '$bad': $(dmsetup status c-102)"
	done
	group $g 101:1 102:2
	state_becomes 101 synchronized 20
	must_fail "a group's uuid again" msg create_group $g "101:1:$r"
	must_fail "a clone that has its point in time" msg create_group "$(uuid)" "101:1:$(uuid)"
	dd if=/dev/zero of="$(src 1)" bs=4k count=1 oflag=direct status=none ||
		die "the source does not take writes"
}

prepared_gives_nothing()
{
	two
	! dd if="$(cln 101)" of=/dev/null bs=4k count=1 iflag=direct status=none 2> /dev/null ||
		die "a prepared clone was read"
	! dd if=/dev/zero of="$(cln 101)" bs=4k count=1 oflag=direct status=none 2> /dev/null ||
		die "a prepared clone was written"
}

tc abort_ends_it "abort: the copy ends, the neighbour goes on, the source can be cloned again"
tc suspend_resume "suspend and resume, of a group and of one"
tc detach_frees "detach: only when complete; the target is a volume of its own"
tc rate_limits "the upper limit of the rate holds"
tc rate_floor "the floor of the rate holds under load"
tc refusals "wrong messages are refused and change nothing"
tc prepared_gives_nothing "a clone without its point in time cannot be read or written"
run_cases
