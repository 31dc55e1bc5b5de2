// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mark.cpp - MARK records: one window, writes that need its bit, points in time that swap the
 * set, group commit, power cut with in-order replay.  A write in flight or landed since the
 * point in force must be in the set that recovery finds.
 *
 * usage: mark seq [fault] [-v]
 *   F_bit_no_gen       a MARK from before the bump sets the bit of the new set
 *   F_write_first      the write is issued before its MARK is durable
 *   F_commit_drops_new COMMIT empties the set, marks since PREPARE included
 *   F_prepare_drops_old PREPARE empties the set at once, the old point is still in force
 *   F_bits_kept        the bump keeps the bits
 */
#include "explore.h"

#define FAULTS(X) X(F_bit_no_gen) X(F_write_first) X(F_commit_drops_new) X(F_prepare_drops_old) X(F_bits_kept)
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
enum { NW = 2, NWR = 2, NP = 2, NQ = 6, R_MARK = 1, R_PREPARE, R_COMMIT };
enum { W_IDLE, W_MAP, W_WAIT, W_DEV };

struct Model {
	struct Disk { u8 set, fresh; };		/* since the point in force; since the last PREPARE */
	struct State {
		Disk d;
		u8 q[NQ], qg[NQ], nq, nb, ph;
		u8 bit, gen, asked, bump, np, bad;
		u8 cur, old;			/* ghosts: written since the newest bump; since the point in force */
		struct { u8 pc, n, gen, ref; } w[NW];
	};
	void init(State &) {}
	const char *bad(const State &s) { return s.bad ? "I3 a changed window is not in the set" : nullptr; }
	bool final(const State &s) { return s.np == NP || !s.bump; }
	static void apply(Disk &d, u8 r)
	{
		switch (r) {
		case R_MARK: d.set = d.fresh = 1; break;
		case R_PREPARE: d.fresh = 0; if (F[F_prepare_drops_old]) d.set = 0; break;
		case R_COMMIT: d.set = F[F_commit_drops_new] ? 0 : d.fresh; break;
		}
	}
	/* power cut: what recovery knows against what was written */
	void check(const State &s, Out<State> &o, int k)
	{
		Disk d = s.d;
		bool committed = false;
		for (int i = 0; i < k; i++) {
			apply(d, s.q[i]);
			committed |= s.q[i] == R_COMMIT;
		}
		if ((committed ? s.cur : s.old) && !d.set) {
			State n = s;
			n.bad = 1;
			o.go(n, "CRASH with %d records durable: set %d, point in force is the %s one", k, d.set, committed ? "new" : "old");
		}
	}
	void next(const State &s, Out<State> &o)
	{
		for (int i = 0; i < NW; i++) {
			auto &w = s.w[i];
			State n = s;
			auto &nw = n.w[i];
			if ((w.pc == W_IDLE && w.n < NWR) || w.pc == W_MAP) {
				nw.gen = s.gen;
				if (s.bit || F[F_write_first]) {
					nw.pc = W_DEV;
					nw.ref = 1;
					n.cur = n.old = 1;	/* may land from now on */
				}
				if (!s.bit) {
					if (!s.asked && s.nq < NQ) {
						n.asked = 1;
						n.q[n.nq] = R_MARK;
						n.qg[n.nq++] = s.gen;
					}
					if (!F[F_write_first])
						nw.pc = W_WAIT;
				}
				o.go(n, "write of %d: %s", i, s.bit ? "marked, issued" : "asks for a MARK");
			} else if (w.pc == W_DEV) {
				nw.pc = nw.ref = nw.gen = 0;
				nw.n++;
				o.go(n, "write of %d completes", i);
			}
		}
		if (!s.ph && s.nq) {
			State n = s;
			n.nb = s.nq;
			n.ph = 1;
			o.go(n, "batch of %d", s.nq);
		} else if (s.ph) {
			State n = s;
			for (int i = 0; i < s.nb; i++) {
				apply(n.d, s.q[i]);
				if (s.q[i] == R_MARK) {
					if (s.qg[i] == s.gen || F[F_bit_no_gen])
						n.bit = 1;
					n.asked = 0;
					for (int j = 0; j < NW; j++)
						if (n.w[j].pc == W_WAIT)
							n.w[j].pc = W_MAP;
				} else if (s.q[i] == R_COMMIT) {
					n.bump = 0;
					n.old = n.cur;
				}
			}
			memmove(n.q, n.q + s.nb, NQ - s.nb);
			memmove(n.qg, n.qg + s.nb, NQ - s.nb);
			memset(n.q + NQ - s.nb, 0, s.nb);
			memset(n.qg + NQ - s.nb, 0, s.nb);
			n.nq -= s.nb;
			n.nb = n.ph = 0;
			o.go(n, "batch durable and in force");
		}
		State n = s;
		if (!s.bump && s.np < NP && s.nq < NQ) {
			n.bump = 1;
			n.np++;
			n.gen++;
			n.bit = F[F_bits_kept] ? s.bit : 0;
			n.cur = 0;
			n.q[n.nq] = R_PREPARE;
			n.qg[n.nq++] = n.gen;
			o.go(n, "bump, PREPARE appended");
		} else if (s.bump == 1 && s.nq < NQ) {
			bool busy = false;
			for (int i = 0; i < NW; i++)
				busy |= s.w[i].ref && s.w[i].gen < s.gen;
			if (!busy) {
				n.bump = 2;
				n.q[n.nq] = R_COMMIT;
				n.qg[n.nq++] = s.gen;
				o.go(n, "drained, COMMIT appended");
			}
		}
		for (int k = 0; k <= (s.ph ? s.nb : 0); k++)
			check(s, o, k);
	}
};

int main(int argc, char **argv)
{
	bool verbose = false;
	std::string name = "mark";
	for (int i = 1; i < argc; i++) {
		bool known = !strcmp(argv[i], "seq");
		if (!strcmp(argv[i], "-v")) {
			verbose = true;
			continue;
		}
		for (int f = 0; f < NFAULT; f++)
			if (!strcmp(argv[i], fname[f]))
				F[f] = known = true;
		if (!known) {
			fprintf(stderr, "mark: unknown word %s\n", argv[i]);
			return 3;
		}
		name += std::string(" ") + argv[i];
	}
	Model m;
	return report(m, name.c_str(), verbose);
}
