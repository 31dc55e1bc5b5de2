// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * core.cpp - source writes under per-volume views, group point in time by one published
 * epoch object, one shared copy in one map whose entries never move, snapshot reads,
 * writable snapshots, deletion, garbage rule, space reuse.  No crash here (crash.cpp).
 *
 * Content of a chunk is the set of writes that reached it (each write owns a sector),
 * so a copy that misses a write, or holds one too many, shows as a different set.
 * POISON stands for whatever lay in free space.
 *
 * usage: core <config> [fault ...] [-v]
 */
#include "explore.h"

enum { NX = 2, NV = 2, NT = 3, NL = 4, NW = 2, NA = 2, POISON = 0x80, HALF = 0x100 };

/* Deviations: a text as first written (W_*) and seeded faults (F_*). */
#define FAULTS(X) \
	X(W_check_before_copy) X(W_check_newest_only) X(W_read_before_drain) X(W_scan_once) \
	X(W_read_no_state_check) X(W_no_arm_generation) X(W_drain_predecessor_only) X(W_dead_tag_is_garbage) \
	X(W_tag_reused) X(W_op_from_old_view) X(F_get_after_kill) X(F_drain_before_kill) X(F_garbage_ignores_prepared) \
	X(F_op_no_drain) X(F_waiter_keeps_ref) X(F_no_recheck) X(F_publish_per_volume) X(F_bit_no_gen_check) \
	X(F_free_no_reader_wait) X(F_private_in_shared) X(F_private_hides_shared) \
	X(F_tag_at_start) X(F_test_before_ref) X(F_no_wakeup) X(F_copyup_no_recheck) X(F_ack_before_drain) \
	X(F_waiter_no_reeval)
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

enum { T_NONE, T_PREP, T_LIVE, T_DEAD };
enum { W_IDLE, W_LOAD, W_GET, W_EPREAD, W_TEST, W_WAIT, W_DEV, W_HALF, W_LANDED };
enum { O_NONE, O_NEW, O_COPY, O_READ, O_FIN, O_BATCH };
enum { B_IDLE, B_SWAP2, B_DRAIN };
enum { A_IDLE, A_SCAN, A_STORE, A_SRC, A_RESCAN, A_DONE };

struct Cfg {
	const char *name;
	int nv, nx;			/* volumes; chunk x lives on volume x % nv */
	int nw;
	int len[NW];
	u8 tgt[NW][3];			/* chunk sets of successive writes, within one volume */
	int nt;				/* snapshots that may be created */
	u8 mem[NT + 1];			/* their members (volume sets) */
	int ndel;			/* deletions allowed */
	int nl;				/* store chunks */
	int na;				/* snapshot readers/writers */
	int nread, nswrite;		/* their budgets */
	bool torn;			/* a write lands in two halves */
};
static const Cfg cfgs[] = {
	/* name       nv nx nw len     targets                        nt members      del nl na rd sw  torn */
	{ "group1",    2, 2, 2, {2, 2}, {{1, 2, 0}, {2, 1, 0}},         1, {0, 3},       0, 4, 0, 0, 0, false },
	{ "group",     2, 2, 2, {3, 1}, {{1, 2, 1}, {2, 0, 0}},         2, {0, 3, 3},    0, 4, 0, 0, 0, false },
	{ "member",    2, 2, 2, {2, 2}, {{1, 2, 0}, {2, 1, 0}},         2, {0, 3, 1},    1, 4, 0, 0, 0, false },
	{ "span",      1, 2, 2, {2, 2}, {{3, 1, 0}, {2, 3, 0}},         2, {0, 1, 1},    0, 4, 0, 0, 0, false },
	{ "groupread", 2, 2, 2, {2, 1}, {{1, 2, 0}, {2, 0, 0}},         1, {0, 3},       0, 4, 1, 2, 0, false },
	{ "past",      1, 1, 2, {2, 1}, {{1, 1, 0}, {1, 0, 0}},         2, {0, 1, 1},    0, 4, 1, 1, 0, true },
	{ "delete",    1, 1, 1, {3, 0}, {{1, 1, 1}, {0, 0, 0}},         3, {0, 1, 1, 1}, 2, 4, 0, 0, 0, false },
	{ "delete2w",  1, 1, 2, {2, 1}, {{1, 1, 0}, {1, 0, 0}},         3, {0, 1, 1, 1}, 2, 4, 0, 0, 0, false },
	{ "delread",   1, 1, 1, {3, 0}, {{1, 1, 1}, {0, 0, 0}},         3, {0, 1, 1, 1}, 2, 3, 1, 1, 0, false },
	{ "delpair",   1, 2, 1, {3, 0}, {{1, 3, 2}, {0, 0, 0}},         2, {0, 1, 1},    2, 3, 1, 1, 0, false },
	{ "reuse",     1, 2, 1, {3, 0}, {{1, 2, 1}, {0, 0, 0}},         2, {0, 1, 1},    2, 2, 1, 1, 0, false },
	{ "writable",  1, 1, 1, {2, 0}, {{1, 1, 0}, {0, 0, 0}},         2, {0, 1, 1},    1, 4, 2, 1, 1, false },
	{ "writable3", 1, 1, 1, {2, 0}, {{1, 1, 0}, {0, 0, 0}},         3, {0, 1, 1, 1}, 2, 4, 1, 0, 1, false },
};

struct Model {
	const Cfg &c;
	Model(const Cfg &cc) : c(cc) {}

	struct State {
		/* contents: bit i = write i landed (its first half), bit 8+i = its second half */
		u16 src[NX], truth[NT + 1][NX], swr[NT + 1][NX], store[NL];
		/* the current view of each volume; bits: no copy needed; kill: views below it are killed */
		u8 newest[NV], gen[NV], arm[NV], vno[NV], kill[NV];
		u8 bits, E, bump, cur, used;
		u8 tag[NT + 1], map[NT + 1][NX], priv[NT + 1][NX];
		u8 limbo[NL];			/* cleared chunk: reads begun before */
		/* ghosts: truth (above) is frozen when the snapshot is acknowledged;
		   must = acknowledged before the publication, may = issued before it */
		u8 done, issued, pred[6], must[NT + 1], may[NT + 1];
		u8 ncreate, ndel, nread, nswrite;
		struct { u8 pc, idx, ep, ref, armed, gen, fb, pad; } w[NW];
		struct { u16 val; u8 st, loc, tag, gen, waiters, arm; } op[NX];
		struct { u16 val, lo; u8 st, kind, s, x, t, loc, pass, pad; } a[NA];
	};

	void init(State &s)
	{
		s.E = 1;
		for (int i = 0; i < NL; i++)
			s.store[i] = POISON;
	}
	static int wid(int w, int i) { return w * 3 + i; }
	int vol(int x) const { return x % c.nv; }
	bool member(int t, int x) const { return c.mem[t] >> vol(x) & 1; }
	int wvol(u8 tgt) const { return vol(tgt & 1 ? 0 : 1); }
	u8 volbits(int v) const
	{
		u8 m = 0;
		for (int x = 0; x < c.nx; x++)
			if (vol(x) == v)
				m |= 1 << x;
		return m;
	}

	/* lookup without races: smallest tag >= t0, dead tags too */
	u8 lookup(const State &s, int t0, int x) const
	{
		for (int t = t0; t <= c.nt; t++)
			if (s.map[t][x])
				return s.map[t][x];
		return 0;
	}
	u16 content(const State &s, int t, int x) const
	{
		u8 l = s.priv[t][x];
		if (!l)
			l = lookup(s, t, x);
		return l ? s.store[l - 1] : s.src[x];
	}
	const char *bad(const State &s)
	{
		for (int t = 1; t <= c.nt; t++) {
			if (s.tag[t] != T_LIVE)
				continue;
			u16 all = 0;
			for (int x = 0; x < c.nx; x++) {
				if (!member(t, x))
					continue;
				u16 m = s.truth[t][x];
				if (content(s, t, x) != (m | s.swr[t][x]))
					return "I2 the content of a snapshot changed";
				if (c.torn && ((m ^ m >> 8) & 0x3f))
					return "I2 half of a write is in the snapshot";
				for (int b = 0; b < 6; b++)
					if ((s.must[t] >> b & 1) && (c.tgt[b / 3][b % 3] >> x & 1) && !(m >> b & 1))
						return "I2 a write acknowledged before the point in time is missing";
				if (m & ~s.may[t] & 0xff)
					return "I2 a write issued after the point in time is in";
				all |= m;
			}
			for (int b = 0; b < 6; b++)
				if (all >> b & 1)
					for (int p = 0; p < 6; p++)
						if ((s.pred[b] & ~all) >> p & 1 &&
						    (c.mem[t] >> wvol(c.tgt[p / 3][p % 3]) & 1))
							return "I1 a later write is in, an earlier one is not";
		}
		/* every used store chunk is owned exactly once */
		u8 own = 0;
		for (int t = 1; t <= c.nt; t++)
			for (int x = 0; x < c.nx; x++) {
				u8 l = s.map[t][x];
				for (int k = 0; k < 2; k++, l = s.priv[t][x]) {
					if (!l)
						continue;
					if ((own >> (l - 1) & 1) || !(s.used >> (l - 1) & 1))
						return "store chunk owned twice";
					own |= 1 << (l - 1);
				}
			}
		return nullptr;
	}
	bool final(const State &s)
	{
		for (int i = 0; i < c.nw; i++)
			if (s.w[i].idx < c.len[i])
				return false;
		for (int x = 0; x < c.nx; x++)
			for (int t = 1; t <= c.nt; t++)
				if (garbage(s, x, t))
					return false;		/* space that nobody gives back */
		return s.bump == B_IDLE && !s.op[0].st && !s.op[1].st;
	}
	/* all views of volume v before its current one are killed and without users */
	bool drained(const State &s, int v) const
	{
		if (s.kill[v] != s.vno[v] && !F[F_drain_before_kill])
			return false;
		for (int i = 0; i < c.nw; i++) {
			auto &w = s.w[i];
			if (!w.ref || wvol(c.tgt[i][w.idx]) != v)
				continue;
			if (F[W_drain_predecessor_only] ? w.ep == s.vno[v] - 1 : w.ep < s.vno[v])
				return false;
		}
		return true;
	}
	int alloc(const State &s) const
	{
		for (int l = 0; l < c.nl; l++)
			if (!(s.used >> l & 1))
				return l;
		return -1;
	}
	/* never published, no reader can know it */
	void freeloc(State &n, u8 l)
	{
		if (l) {
			n.used &= ~(1 << (l - 1));
			n.store[l - 1] = POISON;	/* as if reused and rewritten at once */
		}
	}
	/* was published: reusable when the reads begun until now have ended */
	void clearloc(State &n, u8 l)
	{
		u8 m = 0;
		for (int i = 0; i < c.na; i++)
			if (n.a[i].st)
				m |= 1 << i;
		if (!m || F[F_free_no_reader_wait])
			freeloc(n, l);
		else
			n.limbo[l - 1] = m;
	}
	void read_ends(State &n, int i)
	{
		memset(&n.a[i], 0, sizeof(n.a[i]));
		for (int l = 0; l < c.nl; l++)
			if (n.limbo[l] && !(n.limbo[l] &= ~(1 << i)))
				freeloc(n, l + 1);
	}
	/* does the copy of x, if any is still needed, exist already */
	bool have(const State &s, int x) const
	{
		int t = s.newest[vol(x)];
		if (!t)
			return false;
		if (F[W_check_newest_only])
			return s.map[t][x];
		return lookup(s, t, x) != 0;
	}
	bool garbage(const State &s, int x, int t) const
	{
		if (!s.map[t][x])
			return false;
		if (F[W_dead_tag_is_garbage])
			return s.tag[t] == T_DEAD;
		for (int n = t; n > 0 && (n == t || !s.map[n][x]); n--)
			if (member(n, x) && (s.tag[n] == T_LIVE ||
					     (s.tag[n] == T_PREP && !F[F_garbage_ignores_prepared])))
				return false;
		return true;
	}
	void wake(State &n, int x)
	{
		for (int i = 0; i < c.nw; i++)
			if (n.op[x].waiters >> i & 1) {
				if (F[F_no_wakeup] && i == 1)
					continue;
				n.w[i].pc = F[F_waiter_no_reeval] ? W_DEV : W_LOAD;
				if (F[F_waiter_no_reeval]) {
					n.w[i].ref = 1;
					n.w[i].ep = n.vno[vol(x)];
				}
			}
		memset(&n.op[x], 0, sizeof(n.op[x]));
	}
	/* a new view of volume v takes the place of the old one */
	void publish(State &n, int v, int newest, bool newbits)
	{
		if (newbits) {
			for (int i = 0; i < c.nw; i++)	/* the old bitmap is out of reach of commits now */
				if ((n.w[i].ref || n.w[i].pc == W_GET) && wvol(c.tgt[i][n.w[i].idx]) == v && n.w[i].gen == n.gen[v])
					n.w[i].fb = n.bits;
			n.bits &= ~volbits(v);
			n.gen[v]++;
		}
		if (!newest && n.newest[v])
			n.arm[v]++;
		n.newest[v] = newest;
		n.vno[v]++;
	}
	int below(const State &s, int v, int t) const
	{
		while (t > 0 && !((s.tag[t] == T_LIVE || s.tag[t] == T_PREP) && (c.mem[t] >> v & 1)))
			t--;
		return t;
	}

	/* what the view holds; a bitmap that was replaced stays as it was (fb) */
	template <class W> void load(const State &s, W &w, int v)
	{
		w.ep = s.vno[v];
		w.armed = s.newest[v] != 0;
		w.gen = s.gen[v];
		w.fb = 0;
	}
	void writers(const State &s, Out<State> &o)
	{
		for (int i = 0; i < c.nw; i++) {
			auto &w = s.w[i];
			if (w.idx >= c.len[i])
				continue;
			u8 tgt = c.tgt[i][w.idx];
			int id = wid(i, w.idx), v = wvol(tgt);
			State n = s;
			auto &nw = n.w[i];
			switch (w.pc) {
			case W_IDLE:
			case W_LOAD:
				if (w.pc == W_IDLE) {
					n.pred[id] = s.done;
					n.issued |= 1 << id;
				}
				if (w.ref) {	/* fault: kept its reference while it waited */
					nw.pc = W_TEST;
					o.go(n, "write %d re-evaluated under its old view %d", id, w.ep);
					break;
				}
				if (F[F_test_before_ref] && (!s.newest[v] || !(tgt & ~s.bits))) {
					nw.pc = W_EPREAD;
					o.go(n, "write %d sees its bits set, holding no reference", id);
					break;
				}
				load(s, nw, v);
				nw.pc = W_GET;
				o.go(n, "write %d to chunks %x %s, loads view %d", id, tgt, w.pc == W_IDLE ? "is issued" : "was woken", nw.ep);
				break;
			case W_GET:
				if (w.ep < s.kill[v] && !F[F_get_after_kill]) {
					load(s, nw, v);
					o.go(n, "write %d: view %d is killed, loads view %d", id, w.ep, nw.ep);
					break;
				}
				nw.ref = 1;
				nw.pc = W_TEST;
				o.go(n, "write %d gets view %d", id, w.ep);
				break;
			case W_EPREAD:
				nw.ep = s.vno[v];
				nw.ref = 1;
				nw.pc = W_DEV;
				o.go(n, "write %d takes its reference late", id);
				break;
			case W_TEST: {
				u8 b = w.gen == s.gen[v] ? s.bits : w.fb;
				u8 miss = w.armed ? tgt & ~b : 0;
				if (!miss) {
					nw.pc = W_DEV;
					o.go(n, "write %d sees its bits set in view %d, goes to the device", id, w.ep);
					break;
				}
				if (w.ep != s.vno[v] && !F[W_op_from_old_view]) {
					/* only a bio of the current view may put an op in the table */
					nw.ref = nw.ep = nw.armed = nw.gen = nw.fb = 0;
					nw.pc = W_LOAD;
					o.go(n, "write %d: view %d is no longer current, mapped again", id, w.ep);
					break;
				}
				bool linked = false;
				for (int x = 0; x < c.nx; x++) {
					if (!(miss >> x & 1))
						continue;
					if (!n.op[x].st) {
						n.op[x].st = O_NEW;
						n.op[x].tag = s.newest[v];
						n.op[x].gen = s.gen[v];
						n.op[x].arm = s.arm[v];
					}
					if (!linked)
						n.op[x].waiters |= 1 << i;
					linked = true;
				}
				if (!F[F_waiter_keeps_ref])
					nw.ref = nw.ep = nw.armed = nw.gen = nw.fb = 0;
				nw.pc = W_WAIT;
				o.go(n, "write %d waits for the copy of %x", id, miss);
				break;
			}
			case W_DEV:
			case W_HALF:
				for (int x = 0; x < c.nx; x++)
					if (tgt >> x & 1)
						n.src[x] |= w.pc == W_HALF ? HALF << id : 1 << id;
				nw.pc = c.torn && w.pc == W_DEV ? W_HALF : W_LANDED;
				o.go(n, "write %d lands%s", id, !c.torn ? "" : w.pc == W_DEV ? " (first half)" : " (second half)");
				break;
			case W_LANDED:
				n.done |= 1 << id;
				memset(&nw, 0, sizeof(nw));
				nw.idx = w.idx + 1;
				o.go(n, "write %d completes", id);
				break;
			}
		}
	}

	void ops(const State &s, Out<State> &o)
	{
		bool batch = false, fin = false;
		for (int x = 0; x < c.nx; x++) {
			auto &p = s.op[x];
			int v = vol(x);
			batch |= p.st == O_BATCH;
			fin |= p.st == O_FIN;
			State n = s;
			switch (p.st) {
			case O_NEW:
				if (!drained(s, v) && !F[F_op_no_drain])
					break;
				if (F[W_check_before_copy] && s.newest[v] && have(s, x)) {
					n.bits |= 1 << x;
					wake(n, x);
					o.go(n, "op %d: copy exists, bit set", x);
					break;
				}
				n.op[x].st = O_COPY;
				o.go(n, "op %d starts", x);
				break;
			case O_COPY: {
				int l = alloc(s);
				if (l < 0) {
					/* store full: overflow is not part of this model's claims */
					if (!s.newest[v] || have(s, x)) {
						if (s.newest[v])
							n.bits |= 1 << x;
						wake(n, x);
						o.go(n, "op %d: nothing to preserve any more", x);
					}
					break;
				}
				n.used |= 1 << l;
				n.op[x].loc = l + 1;
				n.op[x].val = s.src[x];
				n.op[x].st = O_READ;
				o.go(n, "op %d reads the source", x);
				break;
			}
			case O_READ:
				n.store[p.loc - 1] = p.val;
				n.op[x].st = O_FIN;
				o.go(n, "op %d wrote store chunk %d", x, p.loc);
				break;
			}
		}
		if (fin && !batch) {
			State n = s;
			for (int x = 0; x < c.nx; x++) {
				int v = vol(x);
				if (s.op[x].st != O_FIN)
					continue;
				if (!F[F_tag_at_start]) {
					n.op[x].tag = s.newest[v];
					n.op[x].gen = s.gen[v];
				}
				if ((s.op[x].arm != s.arm[v] && !F[W_no_arm_generation]) ||
				    (!F[F_tag_at_start] && !s.newest[v])) {
					/* the last snapshot went away meanwhile: writes passed by
					   this op, what it read is worth nothing */
					freeloc(n, s.op[x].loc);
					wake(n, x);
				} else if (!F[W_check_before_copy] && have(s, x)) {
					freeloc(n, s.op[x].loc);
					n.bits |= 1 << x;
					wake(n, x);
				} else {
					n.op[x].st = O_BATCH;
				}
			}
			o.go(n, "commit batch: tags %d %d", s.newest[0], s.newest[1]);
		}
		if (batch) {
			State n = s;
			for (int x = 0; x < c.nx; x++) {
				auto &p = s.op[x];
				if (p.st != O_BATCH)
					continue;
				/* the tag may be dead by now: the entry still serves older snapshots */
				if (n.map[p.tag][x])
					freeloc(n, n.map[p.tag][x]);
				n.map[p.tag][x] = p.loc;
				if (p.gen == s.gen[vol(x)] || F[F_bit_no_gen_check])
					n.bits |= 1 << x;
				wake(n, x);
			}
			o.go(n, "commit batch durable");
		}
	}

	void freeze(State &n, int t)
	{
		n.tag[t] = T_LIVE;
		for (int x = 0; x < c.nx; x++)
			if (member(t, x))
				n.truth[t][x] = content(n, t, x);
	}
	void control(const State &s, Out<State> &o)
	{
		State n = s;
		for (int v = 0; v < c.nv; v++)
			if (s.kill[v] < s.vno[v]) {
				n = s;
				n.kill[v] = s.vno[v];
				o.go(n, "views of volume %d below %d killed", v, n.kill[v]);
			}
		n = s;
		switch (s.bump) {
		case B_IDLE: {
			int t = s.E;
			if (F[W_tag_reused]) {
				t = 1;
				for (int k = 1; k <= c.nt; k++)
					if (s.tag[k] == T_LIVE)
						t = k + 1;
			}
			if (t > c.nt || s.ncreate >= c.nt)
				break;
			n.ncreate++;
			n.cur = t;
			n.E = t + 1;
			n.tag[t] = T_PREP;
			n.must[t] = s.done;
			n.may[t] = s.issued;
			for (int v = 0; v < c.nv; v++)
				if ((c.mem[t] >> v & 1) && !(v && F[F_publish_per_volume]))
					publish(n, v, t, true);
			if (F[W_read_before_drain] || F[F_ack_before_drain])
				freeze(n, t);
			n.bump = F[F_publish_per_volume] ? B_SWAP2 : F[F_ack_before_drain] ? B_IDLE : B_DRAIN;
			o.go(n, "snapshot %d: epoch published for volumes %x", t, c.mem[t]);
			break;
		}
		case B_SWAP2:
			publish(n, 1, s.cur, true);
			n.may[s.cur] = s.issued;
			n.bump = B_DRAIN;
			o.go(n, "volume 1 follows");
			break;
		case B_DRAIN: {
			bool ok = true;
			for (int v = 0; v < c.nv; v++)
				ok &= !(c.mem[s.cur] >> v & 1) || drained(s, v);
			if (ok) {
				if (s.tag[s.cur] == T_PREP)
					freeze(n, s.cur);
				n.bump = B_IDLE;
				n.cur = 0;
				o.go(n, "drained; snapshot %d acknowledged", s.cur);
			}
			break;
		}
		}
		/* SNAP_DELETE is durable; no drain and no wait for running batches */
		if (s.bump == B_IDLE && s.ndel < c.ndel)
			for (int t = 1; t <= c.nt; t++) {
				if (s.tag[t] != T_LIVE)
					continue;
				n = s;
				n.tag[t] = T_DEAD;
				n.ndel++;
				for (int v = 0; v < c.nv; v++)
					if (s.newest[v] == t)
						publish(n, v, below(n, v, t), false);
				/* its private chunks: no live reader may trust them (state check) */
				for (int x = 0; x < c.nx; x++)
					if (s.priv[t][x]) {
						clearloc(n, s.priv[t][x]);
						n.priv[t][x] = 0;
					}
				memset(n.truth[t], 0, sizeof(n.truth[t]));
				memset(n.swr[t], 0, sizeof(n.swr[t]));
				n.must[t] = n.may[t] = 0;
				o.go(n, "snapshot %d deleted, newest now %d %d", t, n.newest[0], n.newest[1]);
			}
		/* background scan, entry by entry, in any order */
		for (int x = 0; x < c.nx; x++)
			for (int t = 1; t <= c.nt; t++)
				if (garbage(s, x, t)) {
					n = s;
					n.map[t][x] = 0;
					clearloc(n, s.map[t][x]);
					o.go(n, "garbage: entry {chunk %d, tag %d} cleared", x, t);
				}
	}

	/* Snapshot readers; kind 1 = write to a snapshot: read old chunk, then private copy.
	   The scan meets the slots one by one; ascending tags are the worst order. */
	void snap_io(const State &s, Out<State> &o)
	{
		for (int i = 0; i < c.na; i++) {
			auto &a = s.a[i];
			State n = s;
			auto &na = n.a[i];
			switch (a.st) {
			case A_IDLE:
				for (int kind = 0; kind < 2; kind++) {
					if (kind ? s.nswrite >= c.nswrite : s.nread >= c.nread)
						continue;
					for (int t = 1; t <= c.nt; t++)
						for (int x = 0; x < c.nx; x++) {
							if (s.tag[t] != T_LIVE || !member(t, x))
								continue;
							if (kind && s.priv[t][x])
								continue;
							bool busy = false;	/* chunk-op table: one copy-up at a time */
							for (int j = 0; j < c.na; j++)
								busy |= kind && s.a[j].st && s.a[j].kind && s.a[j].s == t;
							if (busy)
								continue;
							n = s;
							if (kind)
								n.nswrite++;
							else
								n.nread++;
							na.st = s.priv[t][x] ? A_STORE : A_SCAN;
							na.kind = kind;
							na.s = na.t = t;
							na.x = x;
							na.loc = s.priv[t][x];
							na.lo = s.swr[t][x];
							o.go(n, "%s of snapshot %d chunk %d begins", kind ? "write" : "read", t, x);
						}
				}
				break;
			case A_SCAN:
			case A_RESCAN:
				if (a.t <= c.nt && !a.loc) {
					na.loc = s.map[a.t][a.x];
					na.t = a.t + 1;
					o.go(n, "snapshot I/O %d sees tag %d: %s", i, a.t, na.loc ? "hit" : "none");
					break;
				}
				if (a.loc && !a.pass && !F[W_scan_once]) {
					na.pass = 1;
					na.loc = 0;
					na.t = a.s;
					o.go(n, "snapshot I/O %d looks again after a hit", i);
					break;
				}
				na.st = a.loc ? A_STORE : a.st == A_SCAN ? A_SRC : A_DONE;
				na.t = na.pass = 0;
				o.go(n, "snapshot I/O %d scan ends: %s", i, a.loc ? "in store" : "not preserved");
				break;
			case A_SRC:
				na.val = s.src[a.x];
				na.st = A_RESCAN;
				na.t = a.s;
				if (F[F_no_recheck] || (F[F_copyup_no_recheck] && a.kind))
					na.st = A_DONE;
				o.go(n, "snapshot I/O %d reads the source", i);
				break;
			case A_STORE:
				na.val = s.store[a.loc - 1];
				na.st = A_DONE;
				o.go(n, "snapshot I/O %d reads store chunk %d", i, a.loc);
				break;
			case A_DONE:
				if (s.tag[a.s] != T_LIVE && !F[W_read_no_state_check]) {
					read_ends(n, i);
					o.go(n, "snapshot I/O %d: snapshot is deleted, EIO", i);
					break;
				}
				if (!a.kind) {
					u16 lo = s.truth[a.s][a.x] | a.lo, hi = s.truth[a.s][a.x] | s.swr[a.s][a.x];
					if (s.tag[a.s] == T_LIVE ? (a.val & lo) != lo || (a.val & ~hi) : true)
						o.fail("I2 a snapshot read returned something else",
						       "read of snapshot %d chunk %d returns %02x, point in time is %02x..%02x",
						       a.s, a.x, a.val, lo, hi);
					read_ends(n, i);
					o.go(n, "snapshot I/O %d read done", i);
				} else {
					int l = alloc(s);
					if (l < 0) {	/* write refused: ENOSPC */
						read_ends(n, i);
						o.go(n, "snapshot I/O %d write refused", i);
						break;
					}
					n.used |= 1 << l;
					n.store[l] = a.val | 0x40;
					if (F[F_private_in_shared]) {
						if (n.map[a.s][a.x])
							freeloc(n, n.map[a.s][a.x]);
						n.map[a.s][a.x] = l + 1;
					} else {
						n.priv[a.s][a.x] = l + 1;
						if (F[F_private_hides_shared] && n.map[a.s][a.x]) {
							clearloc(n, n.map[a.s][a.x]);
							n.map[a.s][a.x] = 0;
						}
					}
					n.swr[a.s][a.x] |= 0x40;
					read_ends(n, i);
					o.go(n, "snapshot I/O %d: private chunk of snapshot %d in place", i, a.s);
				}
				break;
			}
		}
	}

	void next(const State &s, Out<State> &o)
	{
		writers(s, o);
		ops(s, o);
		control(s, o);
		snap_io(s, o);
	}
};
int main(int argc, char **argv)
{
	bool verbose = false;
	const Cfg *cfg = nullptr;
	std::string name = "core";
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
			fprintf(stderr, "core: unknown word %s\n", argv[i]);
			return 3;
		}
		name += std::string(" ") + argv[i];
	}
	if (!cfg)
		return 3;
	Model m(*cfg);
	return report(m, name.c_str(), verbose);
}
