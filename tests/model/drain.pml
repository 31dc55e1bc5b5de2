/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * drain.pml - liveness: drain against waiting bios, killed views, commit batches,
 * background copier.  Every wait is a wait for an event, so a lost wake-up shows as an
 * accepting cycle or an invalid end state.
 *
 *   spin -a drain.pml && cc -O2 -DNOREDUCE -o pan pan.c && ./pan -a -f -N writes  (create, copy)
 *   seeded faults (spin -DX -a): KEEP_REF NO_WAKEUP DRAIN_WAITS_OPS, and COPIER_IDLE_ONLY,
 *   which shows under a foreground load that never ends (STEADY)
 */
#define NW 2		/* writers, one chunk each wants */
#define NWRITE 2	/* writes of each */
#define NBUMP 2		/* points in time */
#ifdef KEEP_REF
#define KEEPS true
#else
#define KEEPS false
#endif

byte E = 1;			/* current epoch */
byte ref[4];			/* writes holding a reference, by epoch */
byte killed;			/* views below it cannot be taken any more */
bool draining;
bool bit_;			/* the chunk is preserved in this epoch */
byte gen;
byte newest;
byte opst;			/* 0 none 1 waiting for the drain 2 copying 3 finished 4 in a batch */
byte opgen;
bool link[NW];			/* writer is linked to the op */
bool woken[NW];
byte writes_done[NW];
byte bumps;
byte regions = 2;		/* background copier: regions left */
byte busy;			/* foreground bios in flight */
byte pending;			/* finished ops not committed */

active [NW] proctype Writer()
{
	byte ep, i;
	bool held;

	do
	:: writes_done[_pid] < NWRITE ->
		held = false;
again:
		ep = (held -> ep : E);	/* loads the view; held only with KEEP_REF */
		if
		:: atomic { (held || ep >= killed) -> if :: held :: else -> ref[ep]++; held = true fi }
		:: (!held && ep < killed) -> goto again
		fi;
		if
		:: (ep != E && newest && !bit_ && !KEEPS) ->	/* view no longer current: mapped again */
		   atomic { ref[ep]--; held = false }
		   goto again
		:: atomic { ((ep == E || KEEPS) && newest && !bit_) ->
			if
			:: opst == 0 -> opst = 1; opgen = gen
			:: else
			fi;
			link[_pid] = true; woken[_pid] = false;
#ifndef KEEP_REF
			ref[ep]--; held = false;
#endif
		   }
		   woken[_pid];		/* sleeps until the op ends */
		   goto again
		:: atomic { else -> busy++ }
		   skip;		/* device */
		   atomic { busy--; ref[ep]--; held = false; writes_done[_pid]++ }
		fi
	:: else -> break
	od
}

active proctype Op()
{
	do
	:: opst == 1 && !draining -> opst = 2
	:: opst == 2 -> atomic { opst = 3; pending++ }
	:: (bumps == NBUMP && writes_done[0] == NWRITE && writes_done[1] == NWRITE && opst == 0) -> break
	od
}

active proctype Commit()
{
	byte i;
	do
	:: opst == 3 ->
		atomic { opst = 4; opgen = gen }
		atomic {		/* durable */
			if
			:: opgen == gen -> bit_ = true
			:: else
			fi;
			opst = 0; pending--; i = 0;
			do
			:: i < NW ->
				if
#ifdef NO_WAKEUP
				:: link[i] && i == 0 -> link[i] = false; woken[i] = true
				:: link[i] && i == 1 -> link[i] = false
#else
				:: link[i] -> link[i] = false; woken[i] = true
#endif
				:: else
				fi;
				i++
			:: else -> break
			od; i = 0
		}
	:: (bumps == NBUMP && writes_done[0] == NWRITE && writes_done[1] == NWRITE && opst == 0) -> break
	od
}

active proctype Control()
{
	byte old;
	do
	:: bumps < NBUMP ->
		atomic { old = E; E++; newest = old; bit_ = false; gen++; draining = true }
		killed = E;		/* percpu_ref_kill of the old view */
#ifdef DRAIN_WAITS_OPS
		ref[old] == 0 && opst == 0;
#else
		ref[old] == 0;		/* percpu_ref callback */
#endif
		draining = false;
		bumps++
	:: else -> break
	od
}

active proctype Copier()
{
	do
	:: regions > 0 ->
#ifdef COPIER_IDLE_ONLY
		busy == 0;	/* dm-clone's rule */
#else
		!draining;
#endif
		regions--
	:: else -> break
	od
}

#ifdef STEADY
active proctype Steady()
{
	do
	:: busy++ ; busy--
	od
}
#endif

ltl writes { <> (writes_done[0] == NWRITE && writes_done[1] == NWRITE) }
ltl create { <> (bumps == NBUMP) }
ltl copy   { <> (regions == 0) }
