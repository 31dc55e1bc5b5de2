// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * clone.cpp - clone by preserve-on-write with two bitmaps (copied, durable), background
 * copier, reads and writes of the clone, resync, clone based on a snapshot, crash.
 * Source cache, target cache and journal are as in crash.cpp.
 *
 * usage: clone <config> [fault ...] [-v]
 */
#include "explore.h"

enum { NX = 2, NS = 3, NC = 2, NH = 5, POISON = 0x80, FULL = 0x40 };

#define FAULTS(X) \
	X(W_no_intent) X(W_clear_at_commit) X(W_clone_writes_not_drained) X(W_no_gen_check) X(W_full_no_claim) \
	X(F_source_tests_copied) X(F_copy_no_drain) X(F_no_target_flush) X(F_no_recheck) X(F_full_copied_early) \
	X(F_flush_no_commit) X(F_dirty_in_memory) X(F_dirty_at_end) X(F_delete_base_when_copied) X(F_target_dirty_missing) \
	X(F_no_source_flush) X(W_mark_no_gen_check)
enum {
#define X(n) n,
	FAULTS(X)
#undef X
	NFAULT
};
static const char *fname[] = {
#define X(n) #n,
	FAULTS(X)
#undef X
};
static bool F[NFAULT];

enum { K_NONE, K_INTENT, K_READY, K_DRAIN, K_FLUSH, K_COMMIT, K_LIVE };
enum { D_NONE, D_LIVE, D_STALE };
enum { R_INTENT = 1, R_PREPARE, R_COMMIT };
enum { O_NONE, O_NEW, O_READ, O_CLAIM };
enum { S_IDLE, S_DEV, S_LAND };
enum { C_IDLE, C_MAP, C_DEV, C_FULL, C_MARK, C_ACK };

struct Cfg {
	const char *name;
	int nx;
	int ns; u8 sx[NS];			/* source writes: region */
	int nc; u8 cx[NC]; u8 cfull[NC];	/* clone writes */
	int nread, npit, nflush, ncrash;
	bool base;				/* clone of a snapshot: the base can be deleted */
};
static const Cfg cfgs[] = {
	{ "copy",    2, 2, {0, 1, 0}, 1, {0, 0}, {0, 0}, 1, 1, 1, 1, false },
	{ "write",   1, 2, {0, 0, 0}, 2, {0, 0}, {0, 1}, 1, 1, 1, 1, false },
	{ "full",    1, 1, {0, 0, 0}, 2, {0, 0}, {1, 0}, 1, 1, 1, 1, false },
	{ "resync",  1, 3, {0, 0, 0}, 1, {0, 0}, {0, 0}, 1, 2, 0, 1, false },
	{ "resync2", 2, 2, {0, 1, 0}, 1, {1, 0}, {0, 0}, 0, 2, 0, 1, false },
	{ "again",   1, 1, {0, 0, 0}, 1, {0, 0}, {0, 0}, 0, 3, 0, 1, false },
	{ "fullres", 1, 2, {0, 0, 0}, 2, {0, 0}, {1, 0}, 1, 2, 0, 1, false },
	{ "based",   2, 0, {0, 0, 0}, 2, {0, 1}, {0, 1}, 1, 1, 1, 1, true },
};

struct Model {
	const Cfg &c;
	Model(const Cfg &cc) : c(cc) {}

	struct State {
		u8 srcc[NX], srcd[NX], tc[NX], td[NX], tfl;	/* tfl: whole-region write in the cache */
		u8 copied, durable, dD;				/* dD: what the journal says */
		u8 k, npit, dst, E, gen;
		u8 dirty, odirty, pdirty;			/* since the point; before it; on disk */
		u8 pit[NX], exp[NX][NH], ne[NX], fl[NX], ufl;
		u8 q[3], nq, nb, ph, cb, cbgen, cbany;
		u8 nflush, ncrash, nread, based, stale;
		struct { u8 st, val; } op[NX];
		struct { u8 st, idx, ep; } s, c;
		struct { u8 st, x, val, lo; } r;
	};
	void init(State &s)
	{
		memset(s.tc, POISON, NX);
		memset(s.td, POISON, NX);
		s.E = 1;
	}
	u8 all() const { return (1 << c.nx) - 1; }
	u8 view(const State &s, int x) const { return s.copied >> x & 1 ? s.tc[x] : s.srcc[x]; }
	void expect(State &n, int x, u8 v)
	{
		if (n.ne[x] == NH)
			abort();
		n.exp[x][n.ne[x]++] = v;
	}
	const char *bad(const State &s)
	{
		if (s.k != K_LIVE && s.k != K_INTENT)
			return nullptr;
		for (int x = 0; x < c.nx; x++)
			if (view(s, x) != s.exp[x][s.ne[x] - 1])
				return "I2 the clone is not its point in time plus its own writes";
		return nullptr;
	}
	bool final(const State &s)
	{
		if (s.k == K_NONE)		/* creation cut short by the crash: no clone */
			return s.s.idx == c.ns;
		return s.s.idx == c.ns && s.c.idx == c.nc && !s.nq && !s.op[0].st && !s.op[1].st &&
		       (s.copied & all()) == (s.durable & all());
	}
	void dirty(State &n, int x)
	{
		n.dirty |= 1 << x;
		if (!F[F_dirty_in_memory])
			n.pdirty |= 1 << x;
	}
	bool draining(const State &s) const
	{
		return s.s.st && s.s.ep && s.s.ep < s.E;
	}
	/* the clone's own writes end before the source's view is replaced, so that a slow
	   target never holds a drain that source writes wait for */
	bool clone_busy(const State &s) const
	{
		return s.c.st > C_MAP && !F[W_clone_writes_not_drained];
	}
	bool point(const State &s) const { return s.k != K_NONE; }

	void next(const State &s, Out<State> &o)
	{
		State n = s;
		/* source writer */
		if (s.s.idx < c.ns) {
			int x = c.sx[s.s.idx], id = s.s.idx;
			u8 ok = F[F_source_tests_copied] ? s.copied : s.durable;
			if (s.s.st == S_IDLE && (!point(s) || (ok >> x & 1))) {
				n.s.st = S_DEV;
				n.s.ep = s.E;
				if (s.k && !F[F_dirty_at_end])
					dirty(n, x);
				o.go(n, "source write %d to %d issued in epoch %d", id, x, s.E);
			} else if (s.s.st == S_DEV) {
				n.srcc[x] |= 1 << id;
				if (s.k == K_DRAIN && s.s.ep < s.E)
					n.pit[x] |= 1 << id;
				n.s.st = S_LAND;
				o.go(n, "source write %d lands", id);
			} else if (s.s.st == S_LAND) {
				if (s.k && F[F_dirty_at_end] && s.s.ep == s.E)
					dirty(n, x);
				n.s.st = n.s.ep = 0;
				n.s.idx++;
				o.go(n, "source write %d completes", id);
			}
		}
		/* clone writer */
		if (s.c.idx < c.nc) {
			int x = c.cx[s.c.idx], id = 3 + s.c.idx;
			bool full = c.cfull[s.c.idx];
			n = s;
			switch (s.c.st) {
			case C_IDLE:
				if (s.k != K_LIVE)
					break;
				if (s.copied >> x & 1) {
					n.c.st = C_DEV;
				} else if (full && (!s.op[x].st || F[W_full_no_claim])) {
					if (!F[W_full_no_claim])
						n.op[x].st = O_CLAIM;
					if (F[F_full_copied_early]) {
						n.copied |= 1 << x;
						expect(n, x, 1 << id);
					}
					n.c.st = C_FULL;
				} else {
					break;		/* waits for the region's op */
				}
				n.c.ep = s.E;
				if (!F[F_target_dirty_missing])
					dirty(n, x);
				o.go(n, "clone write %d to %d issued, %s", id, x,
				     n.c.st == C_FULL ? "covers the region" : "region is copied");
				break;
			case C_DEV:
				/* a write that lands after a new point in time began belongs to nobody's
				   expectation unless the point is live again */
				n.tc[x] = full ? 1 << id : s.tc[x] | 1 << id;
				if (full)
					n.ufl |= 1 << x;	/* unflushed: old sectors or new ones */
				if ((s.k == K_LIVE || s.k == K_INTENT) && (s.copied >> x & 1))
					expect(n, x, full ? 1 << id : s.exp[x][s.ne[x] - 1] | 1 << id);
				n.c.st = C_ACK;
				o.go(n, "clone write %d lands", id);
				break;
			case C_FULL:
				n.tc[x] = 1 << id;
				n.tfl |= 1 << x;
				n.c.st = F[F_full_copied_early] ? C_ACK : C_MARK;
				if (n.c.st == C_ACK && n.op[x].st == O_CLAIM)
					n.op[x].st = O_NONE;
				o.go(n, "clone write %d (whole region) lands", id);
				break;
			case C_MARK:
				if (s.c.ep == s.E || F[W_mark_no_gen_check])
					n.copied |= 1 << x;
				if (n.op[x].st == O_CLAIM)
					n.op[x].st = O_NONE;
				if (n.copied != s.copied && (s.k == K_LIVE || s.k == K_INTENT))
					expect(n, x, 1 << id);
				n.c.st = C_ACK;
				o.go(n, "clone write %d: region %d marked copied", id, x);
				break;
			case C_ACK:
				n.c.st = n.c.ep = 0;
				n.c.idx++;
				o.go(n, "clone write %d completes", id);
				break;
			}
		}
		/* flush of the clone device */
		if (s.k == K_LIVE && s.nflush < c.nflush && !s.ph &&
		    (F[F_flush_no_commit] || !(s.copied & ~s.durable)) && s.c.st == C_IDLE) {
			n = s;
			memcpy(n.td, s.tc, NX);
			n.tfl = n.ufl = 0;
			for (int x = 0; x < c.nx; x++)
				n.fl[x] = s.ne[x] - 1;
			n.nflush++;
			o.go(n, "flush of the clone acknowledged");
		}
		/* copier and preserving ops: one table, one op per region */
		for (int x = 0; x < c.nx; x++) {
			n = s;
			if (!s.op[x].st && point(s) && !(s.copied >> x & 1) && !s.based) {
				n.op[x].st = O_NEW;
				o.go(n, "copy of region %d queued", x);
			} else if (s.op[x].st == O_NEW && (!draining(s) || F[F_copy_no_drain])) {
				n.op[x].val = s.srcc[x];
				n.op[x].st = O_READ;
				o.go(n, "copy of region %d: source read", x);
			} else if (s.op[x].st == O_READ) {
				n.tc[x] = s.op[x].val;
				n.tfl |= 1 << x;
				n.copied |= 1 << x;
				memset(&n.op[x], 0, sizeof(n.op[x]));
				o.go(n, "copy of region %d in the target's cache, copied", x);
			}
		}
		/* commit thread */
		if (!s.ph && (s.nq || (s.copied & ~s.durable & all()))) {
			n = s;
			n.nb = s.nq;
			n.cb = s.copied & ~s.durable;
			n.cbgen = s.gen;
			n.ph = 1;
			o.go(n, "commit batch: %d records, copied %x", s.nq, n.cb);
		} else if (s.ph == 1) {
			n = s;
			if (!F[F_no_target_flush]) {
				memcpy(n.td, s.tc, NX);
				n.tfl = n.ufl = 0;
			}
			n.ph = 2;
			o.go(n, "target flushed");
		} else if (s.ph == 2) {
			n = s;
			for (int i = 0; i < s.nb; i++) {
				apply(n, s.q[i]);
				if (s.q[i] == R_INTENT)
					n.k = K_READY;
				if (s.q[i] == R_COMMIT) {
					n.k = K_LIVE;
					for (int x = 0; x < c.nx; x++) {
						n.ne[x] = 0;
						memset(n.exp[x], 0, NH);
						expect(n, x, s.pit[x]);
						n.fl[x] = 0;
					}
				}
			}
			n.dD |= s.cb;
			if (s.cbgen == s.gen || F[W_no_gen_check])
				n.durable |= s.cb;
			memmove(n.q, n.q + s.nb, 3 - s.nb);
			memset(n.q + 3 - s.nb, 0, s.nb);
			n.nq -= s.nb;
			n.nb = n.cb = n.cbgen = n.ph = 0;
			o.go(n, "commit batch durable%s", n.k == K_LIVE && s.k != K_LIVE ? ", point in time acknowledged" : "");
		}
		/* create, resync */
		n = s;
		switch (s.k) {
		case K_NONE:
		case K_LIVE:
			if (s.npit >= c.npit || s.based)
				break;
			/* resync of an incomplete copy is legal too */
			if ((F[W_no_intent] || s.k == K_NONE) && clone_busy(s))
				break;
			n.npit++;
			if (F[W_no_intent] || s.k == K_NONE) {
				bump(n);
				o.go(n, "point in time %d: epoch %d, to copy %x", n.npit, n.E, all() & ~n.copied);
			} else {
				n.k = K_INTENT;
				n.q[n.nq++] = R_INTENT;
				o.go(n, "resync asked: INTENT appended");
			}
			break;
		case K_READY:
			if (clone_busy(s))
				break;
			bump(n);
			o.go(n, "point in time %d: epoch %d, to copy %x", n.npit, n.E, all() & ~n.copied);
			break;
		case K_DRAIN:
			if (!draining(s)) {
				n.k = K_FLUSH;
				o.go(n, "drained");
			}
			break;
		case K_FLUSH:
			if (!F[F_no_source_flush])
				memcpy(n.srcd, s.srcc, NX);
			n.q[n.nq++] = R_COMMIT;
			n.k = K_COMMIT;
			o.go(n, "source flushed, COMMIT appended");
			break;
		}
		/* reader of the clone */
		switch (s.r.st) {
		case 0:
			if (s.k != K_LIVE || s.nread >= c.nread)
				break;
			for (int x = 0; x < c.nx; x++) {
				n = s;
				n.nread++;
				n.r.x = x;
				n.r.lo = s.ne[x] - 1;
				n.r.st = s.copied >> x & 1 ? 1 : 2;
				n.r.val = s.npit;
				o.go(n, "read of clone region %d: %s", x, n.r.st == 1 ? "target" : "source");
			}
			break;
		case 1:
		case 2:
			n = s;
			if (s.npit != s.r.val) {		/* overtaken by a resync: either is right */
				memset(&n.r, 0, sizeof(n.r));
				o.go(n, "read overlaps a resync");
				break;
			}
			n.r.val = s.r.st == 1 ? s.tc[s.r.x] : s.srcc[s.r.x];
			n.r.st = s.r.st == 1 ? 4 : 3;
			if (s.r.st == 2 && F[F_no_recheck])
				n.r.st = 4;
			n.cbany = s.npit;
			o.go(n, "read: data from the %s", s.r.st == 1 ? "target" : "source");
			break;
		case 3:
			n = s;
			n.r.st = s.copied >> s.r.x & 1 ? 1 : 4;
			if (n.r.st == 1)
				n.r.val = s.cbany;
			o.go(n, "read: re-check says %s", n.r.st == 1 ? "copied meanwhile, read again" : "good");
			break;
		case 4: {
			n = s;
			bool ok = s.k != K_LIVE || s.cbany != s.npit;
			for (int i = s.r.lo; i < s.ne[s.r.x]; i++)
				ok |= s.r.val == s.exp[s.r.x][i];
			if (!ok)
				o.fail("I2 a clone read returned something else", "read of region %d returns %02x", s.r.x, s.r.val);
			memset(&n.r, 0, sizeof(n.r));
			n.cbany = 0;
			o.go(n, "read done");
			break;
		}
		}
		/* the snapshot a clone is based on is deleted */
		if (c.base && !s.based && s.k == K_LIVE) {
			u8 ok = F[F_delete_base_when_copied] ? s.copied : s.durable;
			if ((ok & all()) == all()) {
				n = s;
				n.based = 1;
				memset(n.srcc, POISON, NX);
				memset(n.srcd, POISON, NX);
				o.go(n, "the base snapshot is deleted");
			}
		}
		if (s.ncrash < c.ncrash && s.k)
			crash(s, o);
	}
	void bump(State &n)
	{
		n.E++;
		n.gen++;
		/* a clone without a valid copy (new, or stale after a crash) needs what its bits say */
		u8 rs = (n.dirty | n.odirty) & all();
		n.odirty = rs;
		n.copied &= ~rs;
		n.durable &= ~rs;
		n.dirty = 0;
		n.k = K_DRAIN;
		n.q[n.nq++] = R_PREPARE;
		for (int x = 0; x < NX; x++)
			n.pit[x] = n.srcc[x];
	}
	void apply(State &n, u8 rec)
	{
		switch (rec) {
		case R_INTENT:
			n.dst = D_STALE;
			break;
		case R_PREPARE:
			if (n.dst == D_LIVE)
				n.dst = D_STALE;
			if (!F[W_clear_at_commit])
				n.dD &= ~n.odirty;
			break;
		case R_COMMIT:
			n.dst = D_LIVE;
			if (F[W_clear_at_commit])
				n.dD &= ~n.odirty;
			n.pdirty = F[F_dirty_in_memory] ? 0 : n.dirty;
			n.odirty = 0;
			break;
		}
	}
	void crash(const State &s, Out<State> &o)
	{
		int np = s.ph == 2 ? s.nb + 1 : 0;
		for (int k = 0; k <= np; k++) {
			State r = s;
			for (int i = 0; i < k && i < s.nb; i++)
				apply(r, s.q[i]);
			bool committed = false;
			for (int i = 0; i < k && i < s.nb; i++)
				committed |= s.q[i] == R_COMMIT;
			if (k > s.nb)
				r.dD |= s.cb;
			r.ncrash++;
			r.copied = r.durable = r.dD;
			if (committed)
				for (int x = 0; x < c.nx; x++) {
					r.ne[x] = 0;
					memset(r.exp[x], 0, NH);
					expect(r, x, s.pit[x]);
					r.fl[x] = 0;
				}
			lose(r, s, 0, o, k);
		}
	}
	void lose(State r, const State &s, int i, Out<State> &o, int k)
	{
		if (i < c.nx) {
			u8 diff = s.srcc[i] & ~s.srcd[i];
			for (u8 sub = diff;; sub = (sub - 1) & diff) {
				r.srcc[i] = r.srcd[i] = s.srcd[i] | sub;
				lose(r, s, i + 1, o, k);
				if (!sub)
					break;
			}
			return;
		}
		int x = i - c.nx;
		if (x < c.nx) {
			if (s.tfl >> x & 1) {
				u8 v[3] = { s.td[x], s.tc[x], POISON };
				for (int j = 0; j < 3; j++) {	/* old, new, torn */
					r.tc[x] = r.td[x] = v[j];
					lose(r, s, i + 1, o, k);
				}
			} else if (s.ufl >> x & 1) {
				for (int j = 0; j < 2; j++) {
					r.tc[x] = r.td[x] = j ? s.tc[x] : s.td[x];
					lose(r, s, i + 1, o, k);
				}
			} else {
				u8 diff = s.tc[x] & ~s.td[x];
				for (u8 sub = diff;; sub = (sub - 1) & diff) {
					r.tc[x] = r.td[x] = s.td[x] | sub;
					lose(r, s, i + 1, o, k);
					if (!sub)
						break;
				}
			}
			return;
		}
		settle(r, s, o, k);
	}
	/* what the restarted module knows, and whether that is legal */
	void settle(State r, const State &s, Out<State> &o, int k)
	{
		r.dirty = r.pdirty;
		r.odirty = 0;
		r.nq = r.nb = r.ph = r.cb = r.cbgen = r.cbany = 0;
		memset(r.q, 0, sizeof(r.q));
		memset(r.op, 0, sizeof(r.op));
		memset(&r.r, 0, sizeof(r.r));
		r.gen = 0;
		if (r.s.st)
			r.s.idx++;
		r.s.st = r.s.ep = 0;
		if (r.c.st)
			r.c.idx++;
		r.c.st = r.c.ep = 0;
		r.tfl = r.ufl = 0;
		if (r.dst == D_LIVE) {
			r.k = K_LIVE;
			for (int x = 0; x < c.nx; x++) {
				u8 v = view(r, x), last = s.ne[x] ? r.exp[x][r.ne[x] - 1] : 0;
				bool ok = false;
				if (!r.ne[x])
					continue;
				for (int h = r.fl[x]; h < r.ne[x]; h++)
					ok |= v == r.exp[x][h];
				/* unflushed partial writes may be lost one by one; one in flight may be in */
				u8 cw = 0;
				if (s.c.st && c.cx[s.c.idx] == x)
					cw = 1 << (3 + s.c.idx);
				u8 lo = r.exp[x][r.fl[x]];
				if (!c.cfull[0] && !c.cfull[1])
					ok |= (v & lo) == lo && !(v & ~(last | cw));
				ok |= v == cw && cw;
				for (int h = r.fl[x]; h < r.ne[x]; h++)
					ok |= v == (r.exp[x][h] | cw);
				if (!ok) {
					o.fail("I3 after a crash the clone is not its point in time",
					       "CRASH with %d records durable: region %d reads %02x, copied %x, source %02x, expected %02x..%02x",
					       k, x, v, r.copied, r.srcc[x], lo, last);
					return;
				}
				r.ne[x] = 0;
				memset(r.exp[x], 0, NH);
				expect(r, x, v);
				r.fl[x] = 0;
			}
		} else if (r.dst == D_STALE) {
			/* no point in time; a resync must copy all that may differ */
			r.k = K_LIVE;
			r.dirty |= ~r.dD & all();
			for (int x = 0; x < c.nx; x++) {
				r.ne[x] = 0;
				memset(r.exp[x], 0, NH);
				expect(r, x, view(r, x));
				r.fl[x] = 0;
			}
			/* it is not served until resynced: go straight to the next point in time */
			r.k = r.npit < c.npit ? K_READY : K_NONE;
			if (r.k == K_READY)
				r.npit++;
			else
				r.npit = c.npit;
		} else {
			r.k = K_NONE;
			r.copied = r.durable = r.dD = 0;
			r.npit = 0;
			r.dirty = r.pdirty = 0;
		}
		o.go(r, "CRASH with %d records durable, source %02x, target %02x, copied %x", k, r.srcc[0], r.tc[0], r.copied);
	}
};

int main(int argc, char **argv)
{
	bool verbose = false;
	const Cfg *cfg = nullptr;
	std::string name = "clone";
	for (int i = 1; i < argc; i++) {
		bool known = false;
		if (!strcmp(argv[i], "-v")) {
			verbose = true;
			continue;
		}
		for (auto &k : cfgs)
			if (!strcmp(argv[i], k.name)) {
				cfg = &k;
				known = true;
			}
		for (int f = 0; f < NFAULT; f++)
			if (!strcmp(argv[i], fname[f]))
				F[f] = known = true;
		if (!known) {
			fprintf(stderr, "clone: unknown word %s\n", argv[i]);
			return 3;
		}
		name += std::string(" ") + argv[i];
	}
	if (!cfg)
		return 3;
	Model m(*cfg);
	return report(m, name.c_str(), verbose);
}
