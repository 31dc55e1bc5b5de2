// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * restore.cpp - restore of a volume from a snapshot while it is in use: reads of a region
 * not yet restored go to the snapshot, writes restore first, the restored regions are
 * journalled, the state before is kept in a pre-restore snapshot; crash at any step.
 *
 * usage: restore <config> [fault ...] [-v]
 */
#include "explore.h"

enum { NX = 2, NWR = 2, NH = 4, POISON = 0x80, SNAP = 0x20, OLD = 0x10 };

#define FAULTS(X) \
	X(W_flush_plain) X(W_snapshot_while_restoring) X(W_start_not_durable) \
	X(F_clear_before_write) X(F_record_no_flush) X(F_no_preserve) X(F_full_clears_early) X(F_full_no_claim)
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

struct Cfg {
	const char *name;
	int nx, nw;
	u8 wx[NWR], full[NWR];
	int nread, nflush, ncrash;
};
static const Cfg cfgs[] = {
	{ "partial", 2, 2, {0, 0}, {0, 0}, 1, 2, 2 },
	{ "full",    1, 2, {0, 0}, {1, 0}, 1, 2, 2 },
	{ "mixed",   2, 2, {0, 1}, {0, 1}, 1, 1, 1 },
};
enum { O_NONE, O_QUEUED, O_READY, O_CLAIM };
enum { W_IDLE, W_DEV, W_FULL, W_MARK };

struct Model {
	const Cfg &c;
	Model(const Cfg &cc) : c(cc) {}

	struct State {
		u8 srcc[NX], srcd[NX], sfl, ufl;	/* volume; whole region in the cache: restored, user's */
		u8 k, kd;				/* restoring: in memory, in the journal */
		u8 todo, done, dR;			/* to restore; restored on disk (memory's, journal's view) */
		u8 pr, pv[NX], prd;			/* pre-restore snapshot: preserved regions, durable */
		u8 xs, xp[NX], xpr, xv[NX];		/* snapshot taken while restoring (fault) */
		u8 exp[NX][NH], ne[NX], fl[NX];
		u8 ph, cb, nread, nflush, ncrash;
		struct { u8 st; } op[NX];
		struct { u8 st, idx; } w;
		struct { u8 st, x, val, lo, src; } r;
	};
	void expect(State &n, int x, u8 v)
	{
		if (n.ne[x] == NH)
			abort();
		n.exp[x][n.ne[x]++] = v;
	}
	void init(State &s)
	{
		for (int x = 0; x < NX; x++) {
			s.srcc[x] = s.srcd[x] = OLD;
			expect(s, x, OLD);
		}
	}
	u8 all() const { return (1 << c.nx) - 1; }
	u8 view(const State &s, int x) const { return (s.todo >> x & 1) ? (u8)SNAP : s.srcc[x]; }
	const char *bad(const State &s)
	{
		for (int x = 0; x < c.nx; x++) {
			if (view(s, x) != s.exp[x][s.ne[x] - 1])
				return "I2 the volume shows something else than the restored content plus writes";
			if (s.kd && ((s.pr >> x & 1) ? s.pv[x] : s.srcc[x]) != OLD)
				return "I2 the pre-restore snapshot changed";
			if (s.xs && ((s.xpr >> x & 1) ? s.xv[x] : s.srcc[x]) != s.xp[x])
				return "I2 a snapshot taken during a restore is not what the volume showed";
		}
		return nullptr;
	}
	bool final(const State &s) { return s.w.idx == c.nw && (!s.k || (s.done & all()) == all()); }

	/* preserve region x for the newest snapshot, durably, before it is overwritten */
	void preserve(State &n, int x)
	{
		if (F[F_no_preserve] || (n.pr >> x & 1))
			return;
		if (n.xs && !(n.xpr >> x & 1)) {
			n.xv[x] = n.srcc[x];
			n.xpr |= 1 << x;
		}
		n.pv[x] = n.srcc[x];
		n.pr |= 1 << x;
	}
	void next(const State &s, Out<State> &o)
	{
		State n = s;
		/* start: snapshot of the state before and RESTORE record, then reads are redirected */
		if (!s.k && s.w.st == W_IDLE) {
			n.k = 1;
			memcpy(n.srcd, s.srcc, NX);
			if (!F[W_start_not_durable])
				n.kd = 1;
			n.todo = all();
			for (int x = 0; x < c.nx; x++) {
				n.ne[x] = 0;
				memset(n.exp[x], 0, NH);
				expect(n, x, SNAP);
				n.fl[x] = 0;
			}
			o.go(n, "restore acknowledged, reads go to the snapshot");
		}
		if (!s.k)
			return;
		/* background copier and ops of waiting writes */
		for (int x = 0; x < c.nx; x++) {
			n = s;
			if ((s.todo >> x & 1) && !s.op[x].st) {
				preserve(n, x);
				n.op[x].st = O_QUEUED;
				o.go(n, "region %d: state before is preserved", x);
			} else if (s.op[x].st == O_QUEUED) {
				if (F[F_clear_before_write])
					n.todo &= ~(1 << x);
				n.op[x].st = O_READY;
				o.go(n, "region %d: restore write issued", x);
			} else if (s.op[x].st == O_READY) {
				n.srcc[x] = SNAP;
				n.sfl |= 1 << x;
				n.todo &= ~(1 << x);
				n.op[x].st = O_NONE;
				o.go(n, "region %d restored in the cache", x);
			}
		}
		/* user's writes */
		if (s.w.idx < c.nw) {
			int x = c.wx[s.w.idx], id = s.w.idx;
			n = s;
			switch (s.w.st) {
			case W_IDLE:
				if (!(s.todo >> x & 1)) {
					n.w.st = W_DEV;
					o.go(n, "write %d issued", id);
				} else if (c.full[id] && (!s.op[x].st || F[F_full_no_claim])) {
					preserve(n, x);
					if (!F[F_full_no_claim])
						n.op[x].st = O_CLAIM;
					if (F[F_full_clears_early]) {
						n.todo &= ~(1 << x);
						expect(n, x, 1 << id);
					}
					n.w.st = W_FULL;
					o.go(n, "write %d covers region %d", id, x);
				}
				break;
			case W_DEV:
				n.srcc[x] = c.full[id] ? 1 << id : s.srcc[x] | 1 << id;
				expect(n, x, n.srcc[x]);
				if (c.full[id])
					n.ufl |= 1 << x;
				n.w.st = W_IDLE;
				n.w.idx++;
				o.go(n, "write %d lands and completes", id);
				break;
			case W_FULL:
				n.srcc[x] = 1 << id;
				n.sfl |= 1 << x;
				n.w.st = W_MARK;
				o.go(n, "write %d lands", id);
				break;
			case W_MARK:
				n.todo &= ~(1 << x);
				n.op[x].st = O_NONE;
				if (!F[F_full_clears_early])
					expect(n, x, 1 << id);
				n.w.st = W_IDLE;
				n.w.idx++;
				o.go(n, "write %d completes, region %d needs no restore", id, x);
				break;
			}
		}
		/* FLUSH of the volume */
		if (s.nflush < c.nflush && s.w.st == W_IDLE && !s.ph &&
		    (F[W_flush_plain] || !(all() & ~s.todo & ~s.done))) {
			n = s;
			memcpy(n.srcd, s.srcc, NX);
			n.sfl = n.ufl = 0;
			for (int x = 0; x < c.nx; x++)
				n.fl[x] = s.ne[x] - 1;
			n.nflush++;
			o.go(n, "flush acknowledged");
		}
		/* commit of RESTORED records */
		if (!s.ph && (all() & ~s.todo & ~s.done)) {
			n = s;
			n.cb = all() & ~s.todo & ~s.done;
			n.ph = 1;
			if (!F[W_start_not_durable] || s.kd)
				n.kd = 1;
			o.go(n, "commit batch: restored %x", n.cb);
		} else if (s.ph == 1) {
			n = s;
			if (!F[F_record_no_flush]) {
				memcpy(n.srcd, s.srcc, NX);
				n.sfl = n.ufl = 0;
			}
			n.ph = 2;
			o.go(n, "volume flushed");
		} else if (s.ph == 2) {
			n = s;
			n.kd = 1;
			n.done |= s.cb;
			n.dR |= s.cb;
			n.ph = n.cb = 0;
			o.go(n, "RESTORED durable");
		}
		if (F[W_snapshot_while_restoring] && !s.xs) {
			n = s;
			n.xs = 1;
			for (int x = 0; x < c.nx; x++)
				n.xp[x] = view(s, x);
			o.go(n, "another snapshot is taken");
		}
		/* reader of the volume */
		if (s.r.st == 0 && s.nread < c.nread)
			for (int x = 0; x < c.nx; x++) {
				n = s;
				n.nread++;
				n.r = { 1, (u8)x, 0, (u8)(s.ne[x] - 1), (u8)(s.todo >> x & 1) };
				o.go(n, "read of region %d from the %s", x, n.r.src ? "snapshot" : "volume");
			}
		if (s.r.st == 1) {
			n = s;
			n.r.val = s.r.src ? (u8)SNAP : s.srcc[s.r.x];
			n.r.st = 2;
			o.go(n, "read has its data");
		} else if (s.r.st == 2) {
			bool ok = false;
			for (int i = s.r.lo; i < s.ne[s.r.x]; i++)
				ok |= s.r.val == s.exp[s.r.x][i];
			if (!ok)
				o.fail("I2 a read of the volume returned something else", "read returns %02x", s.r.val);
			n = s;
			memset(&n.r, 0, sizeof(n.r));
			o.go(n, "read done");
		}
		if (s.ncrash < c.ncrash)
			for (int k = 0; k <= (s.ph == 2); k++) {
				State r = s;
				if (k)
					r.dR |= s.cb;
				if (k)
					r.kd = 1;
				r.ncrash++;
				lose(r, s, 0, o);
			}
	}
	void lose(State r, const State &s, int x, Out<State> &o)
	{
		if (x < c.nx) {
			if (s.sfl >> x & 1) {
				u8 v[3] = { s.srcd[x], s.srcc[x], POISON };
				for (int j = 0; j < 3; j++) {
					r.srcc[x] = r.srcd[x] = v[j];
					lose(r, s, x + 1, o);
				}
			} else if (s.ufl >> x & 1) {
				for (int j = 0; j < 2; j++) {
					r.srcc[x] = r.srcd[x] = j ? s.srcc[x] : s.srcd[x];
					lose(r, s, x + 1, o);
				}
			} else {
				u8 diff = s.srcc[x] & ~s.srcd[x];
				for (u8 sub = diff;; sub = (sub - 1) & diff) {
					r.srcc[x] = r.srcd[x] = s.srcd[x] | sub;
					lose(r, s, x + 1, o);
					if (!sub)
						break;
				}
			}
			return;
		}
		r.ph = r.cb = r.sfl = r.ufl = 0;
		memset(r.op, 0, sizeof(r.op));
		memset(&r.r, 0, sizeof(r.r));
		u8 flying = r.w.st ? 1 << r.w.idx : 0, fx = flying ? c.wx[r.w.idx] : 255;
		if (r.w.st)
			r.w.idx++;
		r.w.st = 0;
		r.k = r.kd;
		r.todo = r.kd ? all() & ~r.dR : 0;
		r.done = r.dR;
		if (!r.kd)
			r.pr = r.dR = r.done = 0;
		for (int y = 0; y < c.nx; y++) {
			u8 v = view(r, y);
			bool ok = false;
			for (int h = s.fl[y]; h < s.ne[y]; h++)
				ok |= v == s.exp[y][h] || (y == fx && (v == (s.exp[y][h] | flying) || v == flying));
			/* unflushed partial writes are lost or kept one by one */
			u8 lo = s.exp[y][s.fl[y]], last = s.exp[y][s.ne[y] - 1];
			if (!c.full[0] || y != c.wx[0])
				ok |= (v & lo) == lo && !(v & ~(last | (y == fx ? flying : 0)));
			if (!ok) {
				o.fail("I5 after a crash the volume is not its restored content plus flushed writes",
				       "CRASH: region %d reads %02x, to restore %x", y, v, r.todo);
				return;
			}
			r.ne[y] = 0;
			memset(r.exp[y], 0, NH);
			expect(r, y, v);
			r.fl[y] = 0;
		}
		o.go(r, "CRASH, volume %02x, to restore %x", r.srcc[0], r.todo);
	}
};

int main(int argc, char **argv)
{
	bool verbose = false;
	const Cfg *cfg = nullptr;
	std::string name = "restore";
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
			fprintf(stderr, "restore: unknown word %s\n", argv[i]);
			return 3;
		}
		name += std::string(" ") + argv[i];
	}
	if (!cfg)
		return 3;
	Model m(*cfg);
	return report(m, name.c_str(), verbose);
}
