#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What a source costs when nothing copies from it, and while everything is preserved: IOPS as ratios to
# dm-linear.  The guest's clock counts instructions, so the figures repeat.
# ktest: any timeout=240 icount
. ./lib.sh
SIZE=$((32 * MIB))

# iops DEVICE RW
iops()
{
	fio --name=j --filename="$1" --ioengine=libaio --direct=1 --rw="$2" --bs=4k --iodepth=16 \
		--size=32m --number_ios=6000 --norandommap --randseed=7 --output-format=terse \
		--terse-version=3 2> /dev/null | awk -F';' -v w="$2" '{ print (w ~ /read/ ? $8 : $49) }'
}

ratio()
{
	echo $(($1 * 1000 / $2))
}

idle()
{
	local l s
	store_new
	source_new 1 $SIZE
	dmsetup create lin --table "0 $(sectors $SIZE) linear $(sl lo-1) 0"
	for rw in randwrite randread; do
		l=$(iops /dev/mapper/lin $rw)
		s=$(iops "$(src 1)" $rw)
		[ "${l:-0}" -gt 0 ] && [ "${s:-0}" -gt 0 ] || die "fio gave no figures: '$l' '$s'"
		figure "idle source, $rw, to dm-linear" "$(ratio "$s" "$l")" per-mille ">=930"
		[ "$(ratio "$s" "$l")" -ge 930 ] || die "an idle source costs more than it may"
	done
}

armed()
{
	local l s
	store_new
	source_new 1 $SIZE
	dmsetup create lin --table "0 $(sectors $SIZE) linear $(sl lo-1) 0"
	l=$(iops /dev/mapper/lin randwrite)
	clone_now 1 101 64
	s=$(iops "$(src 1)" randwrite)
	figure "first writes while a clone copies, to dm-linear" "$(ratio "$s" "$l")" per-mille
	[ "${s:-0}" -gt 0 ] || die "no figures"
}

tc idle "an idle source costs next to nothing over dm-linear"
tc armed "the cost of preserving"
run_cases
