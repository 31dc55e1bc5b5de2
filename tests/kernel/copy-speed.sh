#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The copy's throughput as a ratio to dd of the same devices in the same guest.
# The guest's clock counts instructions: what else the machine does changes nothing.
# ktest: any timeout=240 icount
. ./lib.sh
SMALL=$((32 * MIB))
LARGE=$((160 * MIB))

uptime_us()
{
	awk '{ printf "%d\n", $1 * 1000000 }' /proc/uptime
}

dd_once()
{
	local start
	start=$(uptime_us)
	dd if="$(sl lo-1)" of="$(sl tg-101)" bs=512k iflag=direct oflag=direct status=none
	echo $(($(uptime_us) - start))
}

clone_once()
{
	local start
	clone_open 101 1
	start=$(uptime_us)
	group "$(uuid)" 101:1 > /dev/null
	# asleep: a loop that asks would take the processor from the copy
	timeout 60 "$DM" until store c-101 synchronized || die "the copy does not end"
	echo $(($(uptime_us) - start))
	msg detach 101
	dmsetup remove --retry c-101
}

best()
{
	local i us best=
	for i in 1 2 3; do
		us=$("$1") || return 1
		[ -n "$best" ] && [ "$best" -le "$us" ] || best=$us
	done
	echo $best
}

# What SMALL and what LARGE bytes take: the difference has no start of processes, no point in time
# and no commit in it, which do not grow with the volume.
ratio_to_dd()
{
	local n dd_small dd_large copy_small copy_large ratio whole
	store_new
	for n in small large; do
		[ $n = small ] && SIZE=$SMALL || SIZE=$LARGE
		source_new 1 $SIZE
		slice tg-101 $SIZE
		eval "dd_$n=\$(best dd_once) copy_$n=\$(best clone_once)"
		same "target" "$(sum "$(sl tg-101)")" "$(sum "$(src 1)")"
		dmsetup remove --retry v-1 && dmsetup remove --retry sl-tg-101 &&
			dmsetup remove --retry sl-lo-1 || die "the $n volumes stay"
	done
	whole=$((dd_large * 100 / copy_large))
	ratio=$(((dd_large - dd_small) * 100 / (copy_large - copy_small)))
	echo "# $((SMALL / MIB)) MiB: dd $dd_small us, clone $copy_small us;" \
		"$((LARGE / MIB)) MiB: dd $dd_large us, clone $copy_large us"
	figure "copy throughput, to dd" "$ratio" percent ">=40"
	figure "the same with creation and completion" "$whole" percent
	[ $ratio -ge 40 ] || die "the copy is too slow"
}

tc ratio_to_dd "the unlimited copy is not much slower than dd"
run_cases
