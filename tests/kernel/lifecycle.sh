#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Tables come and go under I/O: reload, suspend, forced and deferred removal, rmmod.
# ktest: timeout=150
. ./lib.sh
SIZE=$((8 * MIB))

running_copy()
{
	store_new
	source_new 1 $SIZE
	before=$(sum "$(src 1)")
	clone_now 1 101 "${1:-512}"
	"$STAMP" write -w 3 -b 4096 -L "$WORK/log" "$(src 1)" > "$WORK/writer" 2>&1 &
	writer=$!
	background $writer
	retry_until 20 test -s "$WORK/log" || die "the writer does not start"
}

finish()
{
	kill -TERM $writer
	wait $writer || die "a source write failed: $(cat "$WORK/writer")"
	must "full speed" msg set_rate 101 0 0
	state_becomes 101 synchronized 20
	same "clone" "$(sum "$(cln 101)")" "$before"
	same "target" "$(sum "$(sl tg-101)")" "$before"
}

cycle()
{
	must "suspend $*" timeout $((10 * ${SCALE:-1})) dmsetup suspend "$@"
	must "resume" timeout $((10 * ${SCALE:-1})) dmsetup resume "$(eval echo \$$#)"
}

reload_source()
{
	running_copy
	for i in 1 2 3 4 5; do
		must "load" dmsetup load v-1 --table "$(source_table 1)"
		cycle v-1
	done
	finish
}

reload_clone()
{
	running_copy
	for i in 1 2 3 4 5; do
		must "load" dmsetup load c-101 --table "$(clone_table 101 1)"
		cycle c-101
	done
	finish
}

reload_store()
{
	running_copy
	for i in 1 2 3; do
		must "load" dmsetup load store --table "$(store_table "")"
		cycle store
	done
	finish
}

suspend_all_ways()
{
	running_copy
	for d in v-1 c-101 store; do
		cycle $d
		cycle --noflush $d
		cycle --nolockfs $d
	done
	finish
}

# Source writes do not stop while the store or the clone is suspended.
suspended_store()
{
	local start
	running_copy
	kill -TERM $writer
	wait $writer
	must "suspend the store" timeout $((10 * ${SCALE:-1})) dmsetup suspend store
	start=$(now_ms)
	"$STAMP" write -w 2 -b 4096 -n 200 -L "$WORK/log2" "$(src 1)" > "$WORK/w2" 2>&1 ||
		die "a source write failed: $(cat "$WORK/w2")"
	within "200 writes beside a suspended store" $(($(now_ms) - start)) 15000
	must "resume the store" timeout $((10 * ${SCALE:-1})) dmsetup resume store
	must "suspend the clone" timeout $((10 * ${SCALE:-1})) dmsetup suspend c-101
	start=$(now_ms)
	"$STAMP" write -w 2 -b 4096 -n 200 -L "$WORK/log3" "$(src 1)" > "$WORK/w3" 2>&1 ||
		die "a source write failed: $(cat "$WORK/w3")"
	within "200 writes beside a suspended clone" $(($(now_ms) - start)) 15000
	must "resume the clone" timeout $((10 * ${SCALE:-1})) dmsetup resume c-101
	must "remove the clone" dmsetup remove --retry c-101
}

forced_removals()
{
	for d in c-101 v-1 store; do
		running_copy
		# The device is open: the command may fail, nothing may hang or crash.
		timeout $((10 * ${SCALE:-1})) dmsetup remove --force $d > /dev/null 2>&1
		[ $? != 124 ] && [ $? != 143 ] || die "remove --force $d hangs"
		retry_until 10 writer_can_end || die "the writer hangs after remove --force $d"
		sweep || die "leftovers after remove --force $d"
		rm -f "$WORK/used" "$WORK/log"
	done
}

writer_can_end()
{
	kill -TERM $writer 2> /dev/null
	! kill -0 $writer 2> /dev/null || ! grep -q '^State:.*[RSD]' /proc/$writer/status
}

remove_all()
{
	running_copy
	timeout $((10 * ${SCALE:-1})) dmsetup remove_all > /dev/null 2>&1
	[ $? != 124 ] || die "remove_all hangs"
	[ -e "$(src 1)" ] || die "remove_all took a device in use"
	kill -TERM $writer
	wait $writer || die "a source write failed: $(cat "$WORK/writer")"
}

deferred()
{
	running_copy
	must "deferred removal" dmsetup remove --deferred v-1
	kill -TERM $writer
	wait $writer || die "a source write failed: $(cat "$WORK/writer")"
	retry_until 10 gone v-1 || die "v-1 is still there"
}

rmmod_refused()
{
	store_new
	must_fail "rmmod with a store" rmmod dm_replica
	source_new 1 $SIZE
	must_fail "rmmod with a source" rmmod dm_replica
}

aliases()
{
	for t in store source clone; do
		# not by the guest's modinfo, which may miss the first entry of the section
		tr '\0' '\n' < "$RPL_KO" | grep -aq "alias=dm-replica-$t\$" ||
			die "no alias dm-replica-$t"
		dmsetup targets | grep -q "^replica-$t " || die "no target replica-$t"
	done
}

again_and_again()
{
	for i in 1 2 3 4 5 6; do
		running_copy
		kill -TERM $writer
		wait $writer || die "a source write failed: $(cat "$WORK/writer")"
		sweep || die "leftovers in round $i"
		module_unload || die "round $i"
		module_load || die "the module does not load in round $i"
		rm -f "$WORK/used" "$WORK/log"
	done
}

tc reload_source "the source's table is reloaded under I/O and copy"
tc reload_clone "the clone's table is reloaded while it copies"
tc reload_store "the store's table is reloaded while it serves"
tc suspend_all_ways "suspend and resume of each device, with and without flush"
tc suspended_store "source writes go on beside a suspended store or clone"
tc forced_removals "dmsetup remove --force of each device under I/O"
tc remove_all "dmsetup remove_all leaves what is in use"
tc deferred "deferred removal of a source in use"
tc rmmod_refused "rmmod is refused while devices exist"
tc aliases "targets are registered and can be loaded by name"
tc again_and_again "made and removed with a copy running, module unloaded at once"
run_cases
