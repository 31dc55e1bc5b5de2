// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * crash.cpp - journal with group commit, map page with two slots and checkpoints, volatile
 * caches of source and store, crash at any step with any subset of unflushed writes lost,
 * recovery by in-order replay over the page, life after it.  Creation (prepare, drain, flush,
 * commit), deletion by one record, garbage scan, space reuse.
 *
 * The durable map is (page slot, records from the tail).  A page takes the map as it is in
 * memory when it is copied; the tail is chosen when the checkpoint begins.
 *
 * usage: crash <config> [fault ...] [-v]
 */
#include "explore.h"

enum { NX = 2, NT = 2, NL = 3, NW = 2, NQ = 6, NJ = 10, POISON = 0x80 };

#define FAULTS(X) \
	X(W_lower_newest_early) X(W_prepared_kept) X(W_replay_drops_dead_tag) X(W_reuse_at_clear) \
	X(W_reuse_after_running_checkpoint) X(A_load_drops_garbage) X(F_tail_past_running_batch) X(F_tail_before_pages) \
	X(F_same_slot) X(F_no_preflush) X(F_bit_before_durable) X(F_release_before_durable) X(F_no_source_flush) \
	X(F_commit_before_drain) X(F_ack_before_commit) X(F_clear_before_delete_durable) \
	X(F_prepare_after_preserve) X(F_batch_takes_unfinished) X(F_recovery_frees_prepared)
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
enum { W_IDLE, W_MAP, W_WAIT, W_DEV };
enum { O_NONE, O_NEW, O_READ, O_FIN, O_BATCH };
enum { B_IDLE, B_DRAIN, B_FLUSHED, B_COMMIT };
enum { R_PREP = 1, R_COMMIT, R_PRESERVE, R_DELETE };
enum { C_IDLE, C_BEGUN, C_WRITTEN };

struct Cfg {
	const char *name;
	int nx, nw, len[NW];
	u8 tgt[NW][3];
	int nt, ndel, nl, nck, ncrash;
};
static const Cfg cfgs[] = {
	{ "one",    1, 1, {2, 0}, {{1, 1, 0}, {0}},        1, 0, 2, 1, 2 },
	{ "two",    1, 1, {3, 0}, {{1, 1, 1}, {0}},        2, 0, 3, 1, 2 },
	{ "slots",  1, 1, {2, 0}, {{1, 1, 0}, {0}},        2, 0, 2, 3, 1 },
	{ "group",  2, 2, {2, 1}, {{1, 2, 0}, {2, 0, 0}},  1, 0, 2, 0, 1 },
	{ "delete", 1, 1, {3, 0}, {{1, 1, 1}, {0}},        2, 1, 3, 1, 1 },
	{ "reuse",  2, 1, {2, 0}, {{1, 2, 0}, {0}},        2, 1, 1, 1, 1 },
	{ "again",  1, 1, {2, 0}, {{1, 1, 0}, {0}},        2, 1, 1, 1, 2 },
};

struct Model {
	const Cfg &c;
	Model(const Cfg &cc) : c(cc) {}

	struct Meta { u8 tag[NT + 1], map[NT + 1][NX]; };
	struct Rec { u8 type, tag, x, loc; };
	struct State {
		u8 srcc[NX], srcd[NX], stc[NL], std_[NL];
		Meta m, slot[2];		/* in force; the page's two slots */
		u8 good, torn;			/* slot the superblock's tail belongs to; slot being written */
		Rec j[NJ];			/* durable journal from the tail */
		u8 nj, ckcut, ck, nck;		/* ckcut: records that the running checkpoint covers */
		u8 limbo, cklimbo;		/* cleared chunks; those that the running checkpoint releases */
		u8 bits, gen, arm, E, newest, bump, used;
		u8 truth[NT + 1][NX], ack[NT + 1], delreq[NT + 1], delack[NT + 1];
		Rec q[NQ];
		u8 nq, nb, ph;			/* queued, in the running batch, 1 submitted 2 cache flushed 3 on disk */
		u8 ndel, ncrash;
		struct { u8 pc, idx, ep, ref; } w[NW];
		struct { u8 st, val, loc, tag, gen, arm, waiters, wr; } op[NX];
	};
	void init(State &s)
	{
		s.E = 1;
		memset(s.stc, POISON, NL);
		memset(s.std_, POISON, NL);
	}
	u8 lookup(const Meta &m, int t0, int x) const
	{
		for (int t = t0; t <= c.nt; t++)
			if (m.map[t][x])
				return m.map[t][x];
		return 0;
	}
	bool garbage(const Meta &m, int x, int t) const
	{
		if (!m.map[t][x])
			return false;
		for (int n = t; n > 0 && (n == t || !m.map[n][x]); n--)
			if (m.tag[n] == T_LIVE || m.tag[n] == T_PREP)
				return false;
		return true;
	}
	u8 content(const State &s, int t, int x) const
	{
		u8 l = lookup(s.m, t, x);
		return l ? s.stc[l - 1] : s.srcc[x];
	}
	const char *bad(const State &s)
	{
		for (int t = 1; t <= c.nt; t++) {
			if (s.ack[t] && !s.delreq[t] && s.m.tag[t] != T_LIVE)
				return "I5 an acknowledged snapshot is gone";
			if (s.delack[t] && s.m.tag[t] == T_LIVE)
				return "I5 a snapshot whose deletion was acknowledged is back";
			if (s.m.tag[t] == T_LIVE)
				for (int x = 0; x < c.nx; x++)
					if (content(s, t, x) != s.truth[t][x])
						return "I3 content of a snapshot is not its point in time";
		}
		u8 own = 0;
		for (int t = 1; t <= c.nt; t++)
			for (int x = 0; x < c.nx; x++)
				if (u8 l = s.m.map[t][x]) {
					if (own >> (l - 1) & 1)
						return "I3 store chunk owned twice";
					own |= 1 << (l - 1);
				}
		return nullptr;
	}
	bool final(const State &s)
	{
		if (alloc(s) < 0)		/* store full: overflow policy, not modelled */
			return true;
		for (int i = 0; i < c.nw; i++)
			if (s.w[i].idx < c.len[i])
				return false;
		return s.bump == B_IDLE && !s.nq && !s.op[0].st && !s.op[1].st;
	}
	void push(State &n, u8 type, u8 tag, u8 x = 0, u8 loc = 0)
	{
		if (n.nq == NQ)
			abort();
		n.q[n.nq++] = Rec{type, tag, x, loc};
	}
	/* each record says its result; none looks at the map */
	static void apply(Meta &m, const Rec &r)
	{
		switch (r.type) {
		case R_PREP:   m.tag[r.tag] = T_PREP; break;
		case R_COMMIT: m.tag[r.tag] = T_LIVE; break;
		case R_PRESERVE:
			if (F[W_replay_drops_dead_tag] && m.tag[r.tag] == T_DEAD)
				break;
			m.map[r.tag][r.x] = r.loc;
			break;
		case R_DELETE: m.tag[r.tag] = T_DEAD; break;
		}
	}
	void newest_down(State &n)
	{
		int t = n.newest;
		while (t > 0 && n.m.tag[t] != T_LIVE && n.m.tag[t] != T_PREP)
			t--;
		if (n.newest && !t)
			n.arm++;
		n.newest = t;
	}
	bool have(const State &s, int x) const { return s.newest && lookup(s.m, s.newest, x); }
	void wake(State &n, int x)
	{
		for (int i = 0; i < c.nw; i++)
			if (n.op[x].waiters >> i & 1)
				n.w[i].pc = W_MAP;
		memset(&n.op[x], 0, sizeof(n.op[x]));
	}
	int alloc(const State &s) const
	{
		for (int l = 0; l < c.nl; l++)
			if (!(s.used >> l & 1))
				return l;
		return -1;
	}

	void next(const State &s, Out<State> &o)
	{
		/* writers */
		for (int i = 0; i < c.nw; i++) {
			auto &w = s.w[i];
			if (w.idx >= c.len[i])
				continue;
			State n = s;
			u8 tgt = c.tgt[i][w.idx];
			int id = i * 3 + w.idx, x = tgt & 1 ? 0 : 1;
			switch (w.pc) {
			case W_IDLE:
			case W_MAP:
				if (!s.newest || (s.bits >> x & 1)) {
					n.w[i].pc = W_DEV;
					n.w[i].ref = 1;
					n.w[i].ep = s.E;
					o.go(n, "write %d to chunk %d goes to the device, epoch %d", id, x, s.E);
				} else {
					if (!n.op[x].st) {
						n.op[x].st = O_NEW;
						n.op[x].arm = s.arm;
					}
					n.op[x].waiters |= 1 << i;
					n.w[i].pc = W_WAIT;
					o.go(n, "write %d waits for the copy of %d", id, x);
				}
				break;
			case W_DEV:
				n.srcc[x] |= 1 << id;
				memset(&n.w[i], 0, sizeof(n.w[i]));
				n.w[i].idx = w.idx + 1;
				o.go(n, "write %d lands in the source's cache, acknowledged", id);
				break;
			}
		}
		/* copies */
		bool fin = false;
		for (int x = 0; x < c.nx; x++) {
			State n = s;
			auto &p = s.op[x];
			fin |= p.st == O_FIN;
			if (p.st == O_NEW && s.bump != B_DRAIN) {
				int l = alloc(s);
				if (l < 0) {
					if (!s.newest || have(s, x)) {
						if (s.newest)
							n.bits |= 1 << x;
						wake(n, x);
						o.go(n, "op %d: nothing to preserve", x);
					}
					continue;
				}
				n.used |= 1 << l;
				n.op[x].loc = l + 1;
				n.op[x].val = s.srcc[x];
				n.op[x].st = F[F_batch_takes_unfinished] ? O_FIN : O_READ;
				o.go(n, "op %d reads the source, store chunk %d", x, l + 1);
			} else if ((p.st == O_READ || (F[F_batch_takes_unfinished] && p.st >= O_FIN)) && p.loc &&
				   !p.wr) {
				n.op[x].wr = 1;
				n.stc[p.loc - 1] = p.val;
				if (p.st == O_READ)
					n.op[x].st = O_FIN;
				if (F[F_release_before_durable] || F[F_bit_before_durable]) {
					if (s.newest)
						n.bits |= 1 << x;
					for (int i = 0; i < c.nw && F[F_release_before_durable]; i++)
						if (n.op[x].waiters >> i & 1)
							n.w[i].pc = W_MAP;
					if (F[F_release_before_durable])
						n.op[x].waiters = 0;
				}
				o.go(n, "op %d: copy is in the store's cache", x);
			}
		}
		/* commit thread */
		if (!s.ph && (s.nq || fin) && s.nj + s.nq + NX <= NJ) {
			State n = s;
			for (int x = 0; x < c.nx; x++) {
				auto &p = s.op[x];
				if (p.st != O_FIN)
					continue;
				if (p.arm != s.arm || !s.newest) {
					n.used &= ~(1 << (p.loc - 1));
					wake(n, x);
				} else if (have(s, x)) {
					n.used &= ~(1 << (p.loc - 1));
					n.bits |= 1 << x;
					wake(n, x);
				} else {
					n.op[x].st = O_BATCH;
					n.op[x].tag = s.newest;
					n.op[x].gen = s.gen;
					push(n, R_PRESERVE, s.newest, x, p.loc);
				}
			}
			n.nb = n.nq;
			n.ph = n.nq ? 1 : 0;
			o.go(n, "commit thread starts a batch of %d", n.nq);
		}
		if (s.ph == 1) {
			State n = s;
			if (!F[F_no_preflush])
				memcpy(n.std_, s.stc, NL);
			n.ph = 2;
			o.go(n, "store cache flushed");
		}
		if (s.ph == 2) {
			State n = s;
			for (int i = 0; i < s.nb; i++)
				n.j[n.nj++] = s.q[i];
			n.ph = 3;
			o.go(n, "batch on disk");
		}
		if (s.ph == 3) {
			State n = s;
			for (int i = 0; i < s.nb; i++) {
				const Rec &r = s.q[i];
				switch (r.type) {
				case R_COMMIT:
					n.m.tag[r.tag] = T_LIVE;
					n.ack[r.tag] = 1;
					n.bump = B_IDLE;
					break;
				case R_PRESERVE: {
					auto &p = s.op[r.x];
					n.m.map[r.tag][r.x] = r.loc;
					if (p.gen == s.gen)
						n.bits |= 1 << r.x;
					wake(n, r.x);
					break;
				}
				case R_DELETE:
					n.delack[r.tag] = 1;
					n.m.tag[r.tag] = T_DEAD;
					newest_down(n);
					break;
				}
			}
			memmove(n.q, n.q + s.nb, (NQ - s.nb) * sizeof(Rec));
			memset(n.q + NQ - s.nb, 0, s.nb * sizeof(Rec));
			n.nq -= s.nb;
			n.nb = n.ph = 0;
			o.go(n, "batch in force");
		}
		/* checkpoint: tail chosen, page copied into the other slot, superblock */
		if (s.ck == C_IDLE && s.nck < c.nck && (s.nj || s.limbo)) {
			State n = s;
			n.ck = C_BEGUN;
			n.nck++;
			/* records not yet in force are not in the page either */
			n.ckcut = s.nj - (s.ph == 3 && !F[F_tail_past_running_batch] ? s.nb : 0);
			n.cklimbo = s.limbo;
			if (F[F_tail_before_pages])
				cut(n);
			o.go(n, "checkpoint begins, covers %d records", n.ckcut);
		} else if (s.ck == C_BEGUN) {
			State n = s;
			int k = F[F_same_slot] ? s.good : !s.good;
			n.slot[k] = s.m;
			n.torn = 1 + k;
			n.ck = C_WRITTEN;
			if (F[W_reuse_after_running_checkpoint])
				n.cklimbo = s.limbo;
			o.go(n, "page is being written to slot %d", k);
		} else if (s.ck == C_WRITTEN) {
			State n = s;
			n.good = s.torn - 1;
			n.torn = 0;
			if (!F[F_tail_before_pages])
				cut(n);
			n.ckcut = 0;
			n.used &= ~s.cklimbo;
			n.limbo &= ~s.cklimbo;
			n.cklimbo = 0;
			n.ck = C_IDLE;
			o.go(n, "flushed, superblock with the new tail");
		}
		/* creation */
		State n = s;
		switch (s.bump) {
		case B_IDLE:
			if (s.E <= c.nt) {
				n.newest = s.E;
				n.E++;
				n.bits = 0;
				n.gen++;
				n.m.tag[s.E] = T_PREP;
				n.bump = B_DRAIN;
				if (!F[F_prepare_after_preserve])
					push(n, R_PREP, s.E);
				o.go(n, "create snapshot %d: epoch %d, PREPARE appended", s.E, n.E);
			}
			break;
		case B_DRAIN: {
			bool busy = false;
			for (int i = 0; i < c.nw; i++)
				busy |= s.w[i].ref && s.w[i].ep < s.E;
			if (!busy || F[F_commit_before_drain]) {
				if (!F[F_no_source_flush])
					memcpy(n.srcd, s.srcc, NX);
				n.bump = B_FLUSHED;
				o.go(n, "drained, members flushed");
			}
			break;
		}
		case B_FLUSHED:
			for (int x = 0; x < c.nx; x++)
				n.truth[s.E - 1][x] = content(s, s.E - 1, x);
			if (F[F_prepare_after_preserve])
				push(n, R_PREP, s.E - 1);
			push(n, R_COMMIT, s.E - 1);
			if (F[F_ack_before_commit]) {
				n.ack[s.E - 1] = 1;
				n.m.tag[s.E - 1] = T_LIVE;
			}
			n.bump = B_COMMIT;
			o.go(n, "COMMIT of snapshot %d appended", s.E - 1);
			break;
		}
		/* deletion: one record */
		if (s.bump == B_IDLE && s.ndel < c.ndel)
			for (int t = 1; t <= c.nt; t++) {
				if (s.m.tag[t] != T_LIVE || s.delreq[t])
					continue;
				n = s;
				n.ndel++;
				n.delreq[t] = 1;
				if (F[W_lower_newest_early]) {
					n.m.tag[t] = T_DEAD;
					newest_down(n);
				} else if (F[F_clear_before_delete_durable]) {
					n.m.tag[t] = T_DEAD;
				}
				push(n, R_DELETE, t);
				o.go(n, "SNAP_DELETE %d appended, newest is %d", t, n.newest);
			}
		/* garbage scan */
		for (int t = 1; t <= c.nt; t++)
			for (int x = 0; x < c.nx; x++)
				if (garbage(s.m, x, t)) {
					n = s;
					clear(n, t, x);
					if (F[W_reuse_at_clear]) {
						n.used &= ~n.limbo;
						n.limbo = 0;
					}
					o.go(n, "garbage: entry {chunk %d, tag %d} cleared", x, t);
				}
		if (s.ncrash < c.ncrash)
			crash(s, o);
	}
	void clear(State &n, int t, int x)
	{
		n.limbo |= 1 << (n.m.map[t][x] - 1);
		n.m.map[t][x] = 0;
	}
	/* the tail moves: slot[good] plus j[] is the durable map */
	void cut(State &n)
	{
		memmove(n.j, n.j + n.ckcut, (NJ - n.ckcut) * sizeof(Rec));
		memset(n.j + NJ - n.ckcut, 0, n.ckcut * sizeof(Rec));
		n.nj -= n.ckcut;
		n.ckcut = 0;
	}

	void crash(const State &s, Out<State> &o)
	{
		int np = s.ph == 2 ? s.nb : 0;
		for (int k = 0; k <= np; k++)		/* how much of the batch made it */
			for (int p = 0; p < (s.torn ? 2 : 1); p++) {
				/* page in the slot being written: whole, or torn; the other slot is valid.  F_same_slot: the only good copy is being overwritten */
				State r = s;
				for (int i = 0; i < k; i++)
					r.j[r.nj++] = s.q[i];
				Meta m = s.slot[s.good];
				if (s.torn && p == 0)
					m = s.slot[s.torn - 1];		/* newest valid slot wins */
				else if (s.torn && s.torn - 1 == s.good)
					memset(&m, 0, sizeof(m));
				const Meta base = m;
				for (int i = 0; i < r.nj; i++)
					apply(m, r.j[i]);
				r.m = m;
				r.slot[0] = r.slot[1] = base;
				recover_mem(r);
				r.ncrash++;
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
		int l = i - c.nx;
		if (l < c.nl) {
			u8 v[3] = { s.std_[l], s.stc[l], POISON };
			for (int j = 0; j < (v[0] == v[1] ? 1 : 3); j++) {
				if (j == 2 && (v[0] == POISON || v[1] == POISON))
					break;
				r.stc[l] = r.std_[l] = v[j];
				lose(r, s, i + 1, o, k);
			}
			return;
		}
		o.go(r, "CRASH, %d records of the running batch durable, source %02x %02x", k, r.srcc[0], r.srcc[1]);
	}
	/* after replay; a prepared snapshot without its commit is dropped like a deleted one */
	void recover_mem(State &r)
	{
		for (int t = 1; t <= c.nt; t++)
			if (r.m.tag[t] == T_PREP) {
				if (F[F_recovery_frees_prepared])
					memset(r.m.map[t], 0, NX);
				r.m.tag[t] = F[W_prepared_kept] ? T_LIVE : T_DEAD;
			}
		r.limbo = r.cklimbo = 0;
		r.used = 0;
		r.newest = 0;
		r.E = 1;
		for (int t = 1; t <= c.nt; t++) {
			if (r.m.tag[t] == T_LIVE) {
				r.newest = t;
				r.delreq[t] = 0;	/* never acknowledged, may be asked again */
			}
			if (r.m.tag[t] != T_NONE)
				r.E = t + 1;
		}
		if (F[A_load_drops_garbage]) {
			/* then no wait for a checkpoint is needed: garbage owns nothing at load */
			for (int t = 1; t <= c.nt; t++)
				for (int x = 0; x < c.nx; x++)
					if (garbage(r.m, x, t))
						r.m.map[t][x] = 0;
		}
		for (int t = 1; t <= c.nt; t++)
			for (int x = 0; x < c.nx; x++)
				if (r.m.map[t][x])
					r.used |= 1 << (r.m.map[t][x] - 1);
		r.bits = 0;
		for (int x = 0; x < c.nx; x++)
			if (have(r, x))
				r.bits |= 1 << x;
		memset(r.q, 0, sizeof(r.q));
		memset(r.op, 0, sizeof(r.op));
		r.nq = r.nb = r.ph = r.bump = r.gen = r.arm = r.ck = r.ckcut = r.good = r.torn = 0;
		for (int i = 0; i < c.nw; i++) {
			u8 idx = r.w[i].idx + (r.w[i].pc != W_IDLE);
			memset(&r.w[i], 0, sizeof(r.w[i]));
			r.w[i].idx = idx;
		}
	}
};
int main(int argc, char **argv)
{
	bool verbose = false;
	const Cfg *cfg = nullptr;
	std::string name = "crash";
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
			fprintf(stderr, "crash: unknown word %s\n", argv[i]);
			return 3;
		}
		name += std::string(" ") + argv[i];
	}
	if (!cfg)
		return 3;
	Model m(*cfg);
	return report(m, name.c_str(), verbose);
}
