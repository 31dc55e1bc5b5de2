#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# I1 to I5 under load: writers stamp all volumes while points in time are taken of all of them, as
# snapshots and clones of one command, and deleted again in random order.  Each point in time is one
# instant over all volumes (I1), never changes (I2), costs the store as many chunks as changed since,
# and leaves nothing behind (rpl-check).
# By hand: SEED= repeats a run, ROUNDS= points in time (8, 5 and 3 at least), SIZE_MIB= a volume's size.
# ktest: any timeout=240
. ./lib.sh
SEED=${SEED:-$(($(date +%s) % 1000000))}
RATE=300

# rand COUNT: $rand is less than COUNT.
rand()
{
	state=$(((state * 1103515245 + 12345) % 2147483648))
	rand=$((state / 65536 % $1))
}

# serve WHAT: runs the lines of commands that come (words parted by blanks), all of which must succeed.
serve()
{
	tr ' ' '\t' | timeout $((60 * ${SCALE:-1})) "$DM" serve > "$WORK/served" || die "$1: no end"
	! grep -v '^= 0$' "$WORK/served" > "$WORK/bad" || die "$1: $(head -3 "$WORK/bad")"
}

# devices POINT: its snapshots, in the order of the volumes.
devices()
{
	local i
	for i in $(seq $vols); do
		snp $(($1 * 1000 + 1000 + i))
	done
}

opened()
{
	[ -e "$WORK/open.$1" ]
}

# Four at a time: a device comes and goes when the processors have had their turns.
batches()
{
	local b jobs=
	for b in 0 1 2 3; do
		[ "$b" -lt "$vols" ] || continue
		"$@" $b &
		jobs="$jobs $!"
	done
	for b in $jobs; do
		wait "$b" || die "$*"
	done
}

look_at()
{
	local i id all=
	for i in $(seq $((1 + $2)) 4 $vols); do
		id=$(($1 * 1000 + 1000 + i))
		all="$all${all:+;}n-$id,,,ro,0 $length replica-snap $STORE $id $i $(sl "lo-$i") 0"
	done
	dmsetup create --concise "$all"
}

# look POINT: its snapshots have their devices now.
look()
{
	opened "$1" || batches look_at "$1"
	: > "$WORK/open.$1"
}

unlook_at()
{
	local i all=
	for i in $(seq $((1 + $2)) 4 $vols); do
		all="$all n-$(($1 * 1000 + 1000 + i))"
	done
	# shellcheck disable=SC2086
	dmsetup remove --retry $all
}

unlook()
{
	! opened "$1" || batches unlook_at "$1"
	rm -f "$WORK/open.$1"
}

# One instant over all volumes.
instant()
{
	# shellcheck disable=SC2046
	"$STAMP" check -f 9 -L "$WORK/log" $(devices "$1") > "$WORK/check" 2>&1 ||
		die "point $1: $(head -5 "$WORK/check")"
}

# verify WHEN POINT...: they are what they were.
verify()
{
	local when=$1 p devs=
	shift
	for p; do
		look "$p"
		devs="$devs $(devices "$p")"
	done
	# shellcheck disable=SC2086
	"$STAMP" sum $devs > "$WORK/now" || die "read of points $*"
	for p; do
		cat "$WORK/past.$p"
	done > "$WORK/then"
	cmp -s "$WORK/then" "$WORK/now" ||
		die "$when: $(diff "$WORK/then" "$WORK/now" | grep '^+[0-9a-f]' | head -3)"
}

# clones VOLUME...: those of them that have a clone since an earlier point in time: $clones.
clones()
{
	local i
	clones=
	for i; do
		[ ! -e "$WORK/clone.$i" ] || clones="$clones $i"
	done
}

# clones_end VOLUME...: their clones are complete, hold what the snapshot of their point in time holds,
# and go; their targets keep it.
clones_end()
{
	local i p
	clones "$@"
	[ -n "$clones" ] || return 0
	for i in $clones; do
		printf 'message store 0 set_rate %s 0 0\n' $((1000 + i))
		printf 'until store c-%s synchronized\n' $((1000 + i))
	done | serve "clones of$clones are synchronized" || exit 1
	for i in $clones; do
		read_file p "$WORK/clone.$i"
		sed -n "$i{s/ .*//;p;}" "$WORK/past.$p"
	done > "$WORK/then"
	clones_hold c-
	for i in $clones; do
		printf 'message store 0 detach %s\nremove --retry c-%s\n' $((1000 + i)) $((1000 + i))
		rm "$WORK/clone.$i"
	done | serve "clones of$clones go" || exit 1
	clones_hold sl-tg-
}

clones_hold()
{
	local i devs=
	for i in $clones; do
		devs="$devs /dev/mapper/$1$((1000 + i))"
	done
	# shellcheck disable=SC2086
	"$STAMP" sum $devs > "$WORK/sums" || die "read of$devs"
	cut -d' ' -f1 "$WORK/sums" | cmp -s - "$WORK/then" ||
		die "$1: clones of$clones: $(cat "$WORK/sums"), want $(cat "$WORK/then")"
}

# with_clones POINT: every STEPth volume will have a clone of it, too: $members.
with_clones()
{
	local i n=0 with= step=8 id
	[ "$vols" -ge 8 ] || step=$vols
	for i in $(seq $vols); do
		[ $(((i + $1) % step)) != 0 ] || with="$with $i"
	done
	# shellcheck disable=SC2086
	clones_end $with
	for i in $with; do
		id=$((1000 + i))
		must "create clone $id" dmsetup create c-$id --table "$(clone_table $id "$i")"
		# The first one copies for as long as it is let; the others end when they can.
		[ $n != 0 ] || must "set_rate" msg set_rate $id 0 64
		members="$members $id:$i"
		n=1
		echo "$1" > "$WORK/clone.$i"
	done
}

# point NUMBER: of all volumes; it is taken by take().
point()
{
	local i members=
	# That would take time, see load().
	[ "$1" -ge $((rounds - 1)) ] || with_clones "$1"
	for i in $(seq $vols); do
		members="$members $(($1 * 1000 + 1000 + i)):$i:snapshot"
	done
	# shellcheck disable=SC2086
	echo "message store 0 create_group $(uuid) $(group_spec $members)" >> "$WORK/points"
	live="$live $1"
}

take()
{
	serve "a point in time" < "$WORK/points"
	rm "$WORK/points"
}

# judge POINT: it is one instant, and from now on it is what it is.
judge()
{
	look "$1"
	instant "$1"
	# shellcheck disable=SC2046
	"$STAMP" sum $(devices "$1") > "$WORK/past.$1" || die "read of point $1"
}

# forget POINT: its devices and its snapshots.
forget()
{
	local p i rest=
	unlook "$1"
	for i in $(seq $vols); do
		printf 'message store 0 delete %s\n' $(($1 * 1000 + 1000 + i))
	done | serve "delete point $1" || exit 1
	for p in $live; do
		[ "$p" = "$1" ] || rest="$rest $p"
	done
	live=$rest
}

# The source has all that was written, and nothing else.
all_written()
{
	# shellcheck disable=SC2046
	"$STAMP" check -f 9 -L "$WORK/log" $(sources_of 1 $vols) > "$WORK/check" 2>&1 ||
		die "the sources: $(head -5 "$WORK/check")"
	same "writes that the sources have" "$(sed -n 's/^included //p' "$WORK/check")" \
		"$(sed -n 's/^writes //p' "$WORK/check")"
}

# With nobody writing the store holds what the snapshots need, to the chunk.
space()
{
	local i p devs= want young when=$1
	young=$(echo "$live" | tr ' ' '\n' | sort -rn)
	for p in $live; do
		look "$p"
	done
	for i in $(seq $vols); do
		devs="$devs , $(src "$i")"
		for p in $young; do
			devs="$devs $(snp $((p * 1000 + 1000 + i)))"
		done
	done
	# shellcheck disable=SC2086
	set -- $("$STAMP" kept -b $((CHUNK * 512)) $devs)
	[ $# = 2 ] || die "the chunks cannot be counted"
	want=$(($2 * CHUNK))
	retry_until 20 used_is $want || die "used: $(store_used), want $want, $when$live"
}

close_all()
{
	local p
	for p in $live; do
		unlook "$p"
	done
	# shellcheck disable=SC2046
	must "close the sources" dmsetup remove --retry $(sources_of 1 $vols | sed 's,.*/,,')
	must "close the store" dmsetup remove --retry store
	checked 0
}

open_all()
{
	local i all=
	must "open the store" dmsetup create store --table "$(store_table 0)"
	for i in $(seq $vols); do
		all="$all${all:+;}v-$i,,,rw,$(source_table "$i")"
	done
	must "open the sources" dmsetup create --concise "$all"
}

begin()
{
	state=$SEED live= vols=$1 rounds=${ROUNDS:-$4}
	diag "$1 volumes, SEED=$SEED ROUNDS=$rounds"
	[ -z "${SIZE_MIB:-}" ] || set -- "$1" $((SIZE_MIB * MIB)) "$3"
	length=$(sectors "$2")
	store_new $((vols * $2 * (rounds + 1) + 16 * MIB))
	volumes $vols "$2"
	# shellcheck disable=SC2046
	start_writers "$3" $(sources_of 1 $vols)
}

# Some more writes have begun, and those before them are over.
writes_go_on()
{
	local now
	now=$(writes)
	retry_until 20 wrote $((now + 50)) || die "the writers stand still"
}

# The number of records in the writers' log.
writes()
{
	od -An -tu8 -j40 -N8 "$WORK/log" | tr -d ' '
}

wrote()
{
	[ "$(writes)" -ge "$1" ]
}

# some POINT...: one of them, at random: $some.
some()
{
	rand $#
	shift "$rand"
	some=$1
}

# load VOLUMES BYTES WRITERS POINTS: up to 8 volumes are looked at all along, of more some points are.
load()
{
	local p
	begin "$@"
	for p in $(seq $((rounds - 3))); do
		point "$p"
		take
		judge "$p"
		looks "with point $p"
	done
	# Two with little between: the older one depends on copies that have the newer one's tag, and has
	# to do so when that and a third one, which ended the second's view, are gone.
	point $((rounds - 2))
	point $((rounds - 1))
	take
	judge $((rounds - 1))
	judge $((rounds - 2))
	looks "with the last two"
	point "$rounds"
	take
	forget "$rounds"
	forget $((rounds - 1))
	writes_go_on
	looks "after the newest went, and a write"
	for p in $(seq $(((rounds - 2) / 2))); do
		# shellcheck disable=SC2086
		some $live
		forget "$some"
		looks "without point $some"
	done
	# shellcheck disable=SC2046
	clones_end $(seq $vols)
	stop_writers
	all_written
	# shellcheck disable=SC2086
	verify "with nobody writing" $live
	space "with"
	close_all
	open_all
	# shellcheck disable=SC2086
	verify "after an opening" $live
	while [ -n "$live" ]; do
		# shellcheck disable=SC2086
		some $live
		forget "$some"
		space "without point $some, with"
	done
	close_all
}

# looks WHEN
looks()
{
	local p
	# shellcheck disable=SC2086
	some $live
	# shellcheck disable=SC2086
	[ "$vols" -gt 8 ] || set -- "$1" $live
	[ $# -gt 1 ] || set -- "$1" "$some"
	verify "$@"
	[ "$vols" -le 8 ] || for p in $live; do
		unlook "$p"
	done
}

one()
{
	load 1 $((2 * MIB)) 4 8
}

eight()
{
	load 8 $((256 * 1024)) 6 5
}

sixtyfour()
{
	load 64 $((128 * 1024)) 6 3
}

tc one "a volume under load: points in time come and go, each is right, and space comes back"
tc eight "8 volumes of one group"
tc sixtyfour "64 volumes of one group"
run_cases
