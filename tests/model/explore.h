/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * explore.h - breadth-first explicit-state explorer.
 *
 * A model gives:
 *   struct State            plain bytes only (compared with memcmp)
 *   void next(const State &, Out &)      every enabled step; out.go(state, "label %d", ...)
 *   const char *bad(const State &)       NULL, or the name of the broken invariant
 *   bool final(const State &)            true where having no successor is no deadlock
 * A step may itself report a violation with out.fail("I2 ...").
 * Breadth first, so the printed counterexample is a shortest one.
 */
#pragma once
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <chrono>
#include <string>
#include <vector>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

template <class State> struct Out {
	struct Succ {
		State s;
		char label[96];
	};
	std::vector<Succ> v;
	size_t n = 0;
	bool want = false; /* format labels only when printing a trace */
	const char *failed = nullptr;
	char fail_label[96];

	void go(const State &s, const char *fmt, ...)
	{
		if (n == v.size())
			v.emplace_back();
		v[n].s = s;
		if (want) {
			va_list ap;
			va_start(ap, fmt);
			vsnprintf(v[n].label, sizeof(v[n].label), fmt, ap);
			va_end(ap);
		}
		n++;
	}
	void fail(const char *what, const char *fmt, ...)
	{
		va_list ap;
		if (failed)
			return;
		failed = what;
		va_start(ap, fmt);
		vsnprintf(fail_label, sizeof(fail_label), fmt, ap);
		va_end(ap);
	}
};

/* States after which a search is given up: LIMIT in the environment, or what memory allows. */
static inline u64 most_states()
{
	const char *text = getenv("LIMIT");

	return text && *text ? strtoull(text, nullptr, 10) : 40000000;
}

template <class Model> struct Explorer {
	typedef typename Model::State State;
	Model &m;
	std::vector<State> st;
	std::vector<u32> parent, slot;
	u64 mask = 0, edges = 0;
	bool verbose;
	u64 limit;

	Explorer(Model &mm, bool v) : m(mm), verbose(v), limit(most_states())
	{
	}

	static u64 hash(const State &s)
	{
		const u8 *p = (const u8 *)&s;
		u64 h = 0x9e3779b97f4a7c15ull, w;
		size_t i = 0;
		for (; i + 8 <= sizeof(s); i += 8) {
			memcpy(&w, p + i, 8);
			h = (h ^ w) * 0xff51afd7ed558ccdull;
			h ^= h >> 32;
		}
		w = 0;
		memcpy(&w, p + i, sizeof(s) - i);
		h = (h ^ w) * 0xc4ceb9fe1a85ec53ull;
		return h ^ (h >> 29);
	}
	void grow()
	{
		u64 n = slot.empty() ? 1 << 16 : slot.size() * 2;
		slot.assign(n, ~0u);
		mask = n - 1;
		for (u32 i = 0; i < st.size(); i++) {
			u64 h = hash(st[i]) & mask;
			while (slot[h] != ~0u)
				h = (h + 1) & mask;
			slot[h] = i;
		}
	}
	bool add(const State &s, u32 par)
	{
		if ((st.size() + 1) * 2 > slot.size())
			grow();
		u64 h = hash(s) & mask;
		for (; slot[h] != ~0u; h = (h + 1) & mask)
			if (!memcmp(&st[slot[h]], &s, sizeof(s)))
				return false;
		slot[h] = st.size();
		st.push_back(s);
		parent.push_back(par);
		return true;
	}
	void trace(u32 i)
	{
		std::vector<u32> path;
		for (u32 j = i; j != ~0u; j = parent[j])
			path.push_back(j);
		Out<State> o;
		o.want = true;
		for (size_t k = path.size() - 1; k > 0; k--) {
			o.n = 0;
			o.failed = nullptr;
			m.next(st[path[k]], o);
			for (size_t j = 0; j < o.n; j++)
				if (!memcmp(&o.v[j].s, &st[path[k - 1]], sizeof(State))) {
					printf("  %2zu. %s\n", path.size() - k, o.v[j].label);
					break;
				}
		}
	}
	/* 0 holds, 1 violated, 2 too large */
	int run(std::string &what)
	{
		Out<State> o;
		State s0;
		memset(&s0, 0, sizeof(s0));
		m.init(s0);
		add(s0, ~0u);
		for (u32 i = 0; i < st.size(); i++) {
			State s = st[i];
			const char *b = m.bad(s);
			if (b) {
				what = b;
				if (verbose)
					trace(i);
				return 1;
			}
			o.n = 0;
			o.failed = nullptr;
			m.next(s, o);
			if (o.failed) {
				what = o.failed;
				if (verbose) {
					trace(i);
					printf("   => %s\n", o.fail_label);
				}
				return 1;
			}
			if (!o.n && !m.final(s)) {
				what = "deadlock";
				if (verbose)
					trace(i);
				return 1;
			}
			for (size_t j = 0; j < o.n; j++)
				add(o.v[j].s, i);
			edges += o.n;
			if (st.size() > limit) {
				what = "state limit";
				return 2;
			}
		}
		return 0;
	}
};

/* One line a check: RESULT model config fault states seconds */
template <class Model> int report(Model &m, const char *name, bool verbose)
{
	auto t0 = std::chrono::steady_clock::now();
	Explorer<Model> e(m, verbose);
	std::string what;
	int r = e.run(what);
	double dt = std::chrono::duration<double>(std::chrono::steady_clock::now() - t0).count();
	printf("%s %s states=%zu steps=%llu time=%.1fs%s%s\n",
	       r == 0	? "HOLDS"
	       : r == 1 ? "VIOLATED"
			: "UNFINISHED",
	       name, e.st.size(), (unsigned long long)e.edges, dt, r ? " " : "", what.c_str());
	return r;
}
