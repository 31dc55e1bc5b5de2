/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world of the pure files: those that compile unchanged in the kernel and in user space, where
 * they are property-tested (names-gen.c, format.c, region.c, pacing.c, state.c, progress.c).
 *
 * A pure file includes this header, <linux/dm-replica.h> (found by -Iuapi outside the kernel)
 * and other pure headers, nothing else. It does not allocate, lock, log or do I/O. Callers lock.
 */
#ifndef RPL_PURE_H
#define RPL_PURE_H

#include <linux/dm-replica.h>

#ifdef __KERNEL__

#include <linux/bitops.h>
#include <linux/bitmap.h>
#include <linux/bug.h>
#include <linux/build_bug.h>
#include <linux/crc32c.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/types.h>

#define rpl_crc32c(seed, data, bytes) crc32c(seed, data, bytes)

#else /* user space: tests only */

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <linux/types.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;
typedef u64 sector_t;

#define U8_MAX		       UINT8_MAX
#define U16_MAX		       UINT16_MAX
#define U32_MAX		       UINT32_MAX
#define U64_MAX		       UINT64_MAX
#define S64_MAX		       INT64_MAX
#define SECTOR_SHIFT	       9
#define SECTOR_SIZE	       512
#define SZ_1K		       0x400
#define SZ_4K		       0x1000
#define SZ_64K		       0x10000
#define SZ_1M		       0x100000
#define BITS_PER_LONG	       ((int)(8 * sizeof(long)))
#define BITS_PER_BYTE	       8
#define BITS_TO_LONGS(n)       (((n) + BITS_PER_LONG - 1) / BITS_PER_LONG)
#define BIT(n)		       (1UL << (n))
#define BIT_ULL(n)	       (1ULL << (n))
#define ARRAY_SIZE(a)	       (sizeof(a) / sizeof((a)[0]))
#define DIV_ROUND_UP(n, d)     (((n) + (d)-1) / (d))
#define DIV_ROUND_UP_ULL(n, d) DIV_ROUND_UP((u64)(n), (u64)(d))
#define round_up(n, d)	       ((((n)-1) | ((__typeof__(n))((d)-1))) + 1)
#define round_down(n, d)       ((n) & ~((__typeof__(n))((d)-1)))
#define is_power_of_2(n)       ((n) != 0 && ((n) & ((n)-1)) == 0)
#define min(a, b)	       ((a) < (b) ? (a) : (b))
#define max(a, b)	       ((a) > (b) ? (a) : (b))
#define min_t(t, a, b)	       ((t)(a) < (t)(b) ? (t)(a) : (t)(b))
#define max_t(t, a, b)	       ((t)(a) > (t)(b) ? (t)(a) : (t)(b))
#define clamp_t(t, v, l, h)    min_t(t, max_t(t, v, l), h)
#define likely(x)	       (x)
#define unlikely(x)	       (x)
#define READ_ONCE(x)	       (*(volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)       (*(volatile __typeof__(x) *)&(x) = (v))
#define BUILD_BUG_ON(c)	       _Static_assert(!(c), #c)
#define static_assert	       _Static_assert
#define scnprintf	       rpl_scnprintf
#define strscpy		       rpl_strscpy
#ifndef __packed
#define __packed __attribute__((__packed__))
#endif
#define fallthrough    __attribute__((__fallthrough__))
#define __printf(f, a) __attribute__((__format__(printf, f, a)))

#define cpu_to_le16 htole16
#define cpu_to_le32 htole32
#define cpu_to_le64 htole64
#define le16_to_cpu le16toh
#define le32_to_cpu le32toh
#define le64_to_cpu le64toh

static inline u64 div64_u64(u64 n, u64 d)
{
	return n / d;
}

static inline u64 div_u64(u64 n, u32 d)
{
	return n / d;
}

static inline u64 mul_u64_u64_div_u64(u64 a, u64 b, u64 d)
{
	return (u64)((unsigned __int128)a * b / d);
}

static inline unsigned int ilog2(u64 n)
{
	return 63 - __builtin_clzll(n);
}

static inline bool test_bit(unsigned long nr, const unsigned long *map)
{
	return (map[nr / BITS_PER_LONG] >> (nr % BITS_PER_LONG)) & 1;
}

static inline void __set_bit(unsigned long nr, unsigned long *map)
{
	map[nr / BITS_PER_LONG] |= 1UL << (nr % BITS_PER_LONG);
}

static inline void __clear_bit(unsigned long nr, unsigned long *map)
{
	map[nr / BITS_PER_LONG] &= ~(1UL << (nr % BITS_PER_LONG));
}

static inline unsigned long rpl_find_next(const unsigned long *map, unsigned long nr,
					  unsigned long from, bool value)
{
	while (from < nr && test_bit(from, map) != value)
		from++;
	return from;
}

#define find_next_bit(map, nr, from)	  rpl_find_next(map, nr, from, true)
#define find_next_zero_bit(map, nr, from) rpl_find_next(map, nr, from, false)
#define find_first_bit(map, nr)		  rpl_find_next(map, nr, 0, true)
#define find_first_zero_bit(map, nr)	  rpl_find_next(map, nr, 0, false)

static inline int rpl_scnprintf(char *buf, size_t bytes, const char *fmt, ...)
	__attribute__((__format__(printf, 3, 4)));
static inline int rpl_scnprintf(char *buf, size_t bytes, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(buf, bytes, fmt, args);
	va_end(args);
	return n < 0 || !bytes ? 0 : n < (int)bytes ? n : (int)bytes - 1;
}

static inline long rpl_strscpy(char *to, const char *from, size_t bytes)
{
	size_t len = strnlen(from, bytes);

	if (!bytes)
		return -E2BIG;
	if (len == bytes) {
		memcpy(to, from, bytes - 1);
		to[bytes - 1] = 0;
		return -E2BIG;
	}
	memcpy(to, from, len + 1);
	return (long)len;
}

/* As the kernel's crc32c(): the caller inverts before and after. */
static inline u32 rpl_crc32c(u32 crc, const void *data, size_t bytes)
{
	static u32 table[256];
	const u8 *p = data;

	if (!table[1]) {
		for (u32 i = 0; i < 256; i++) {
			u32 c = i;

			for (int k = 0; k < 8; k++)
				c = c & 1 ? (c >> 1) ^ 0x82f63b78 : c >> 1;
			table[i] = c;
		}
	}
	while (bytes--)
		crc = table[(crc ^ *p++) & 0xff] ^ (crc >> 8);
	return crc;
}

#endif /* __KERNEL__ */

/*
 * Why something was refused or failed: one sentence that names the object, for ti->error, extack,
 * command results and the log. Every function that takes one fills it whenever it returns an error.
 */
struct rpl_why {
	char text[RPL_REASON_LEN];
	u32 id; /* volume or relation that it is about, 0 if none */
};

#define rpl_why(why, object_id, ...)                                      \
	do {                                                              \
		(why)->id = (object_id);                                  \
		scnprintf((why)->text, sizeof((why)->text), __VA_ARGS__); \
	} while (0)

#endif /* RPL_PURE_H */
