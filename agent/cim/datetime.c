// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * datetime.c - the 25 characters of a CIM datetime, both forms. Pure functions.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "cim/cim.h"

#define USEC_PER_SEC INT64_C(1000000)

static void split(int64_t usec, int64_t *sec, int *frac)
{
	*sec = usec / USEC_PER_SEC;
	*frac = (int)(usec % USEC_PER_SEC);
	if (*frac < 0) {
		*frac += (int)USEC_PER_SEC;
		(*sec)--;
	}
}

/* @v in @width digits at @p; higher ones are lost. What follows them. */
static char *digits(char *p, int64_t v, int width)
{
	for (int i = width; i--; v /= 10)
		p[i] = (char)('0' + v % 10);
	return p + width;
}

static void print_interval(const struct cim_datetime *dt, char *out)
{
	const int64_t max_sec = INT64_C(99999999) * 86400 + 86399;
	int64_t sec;
	int frac;

	split(dt->usec < 0 ? 0 : dt->usec, &sec, &frac);
	if (sec > max_sec)
		sec = max_sec;
	out = digits(out, sec / 86400, 8);
	out = digits(out, sec / 3600 % 24, 2);
	out = digits(out, sec / 60 % 60, 2);
	out = digits(out, sec % 60, 2);
	*out++ = '.';
	out = digits(out, frac, 6);
	memcpy(out, ":000", 5);
}

void cim_datetime_print(const struct cim_datetime *dt, char out[CIM_DATETIME_LEN + 1])
{
	int off = dt->utc_offset_min;
	struct tm tm;
	int64_t sec;
	time_t t;
	int frac;

	if (dt->interval) {
		print_interval(dt, out);
		return;
	}
	split(dt->usec, &sec, &frac);
	t = (time_t)(sec + (int64_t)off * 60);
	if (!gmtime_r(&t, &tm) || tm.tm_year + 1900 < 0 || tm.tm_year + 1900 > 9999) {
		t = 0;
		gmtime_r(&t, &tm);
	}
	out = digits(out, tm.tm_year + 1900, 4);
	out = digits(out, tm.tm_mon + 1, 2);
	out = digits(out, tm.tm_mday, 2);
	out = digits(out, tm.tm_hour, 2);
	out = digits(out, tm.tm_min, 2);
	out = digits(out, tm.tm_sec, 2);
	*out++ = '.';
	out = digits(out, frac, 6);
	*out++ = off < 0 ? '-' : '+';
	*digits(out, off < 0 ? -off : off, 3) = '\0';
}

/* Digits s[at .. at+len-1]; asterisks count as zero and must reach to the end of the number
 * part, which *stars tracks. -1: malformed.
 */
static long field(const char *s, int at, int len, bool *stars)
{
	long v = 0;

	for (int i = at; i < at + len; i++) {
		if (s[i] == '*')
			*stars = true;
		else if (s[i] < '0' || s[i] > '9' || *stars)
			return -1;
		v = v * 10 + (s[i] == '*' ? 0 : s[i] - '0');
	}
	return v;
}

static int parse_interval(const char *s, struct cim_datetime *dt)
{
	bool stars = false;
	long day = field(s, 0, 8, &stars), hour = field(s, 8, 2, &stars);
	long min = field(s, 10, 2, &stars), sec = field(s, 12, 2, &stars);
	long frac = field(s, 15, 6, &stars);

	if (day < 0 || hour < 0 || min < 0 || sec < 0 || frac < 0)
		return -EINVAL;
	if (hour > 23 || min > 59 || sec > 59 || strcmp(s + 22, "000"))
		return -EINVAL;
	dt->interval = true;
	dt->utc_offset_min = 0;
	dt->usec = ((((int64_t)day * 24 + hour) * 60 + min) * 60 + sec) * USEC_PER_SEC + frac;
	return 0;
}

static int parse_timestamp(const char *s, struct cim_datetime *dt)
{
	bool stars = false, no = false;
	long year = field(s, 0, 4, &stars), mon = field(s, 4, 2, &stars);
	long day = field(s, 6, 2, &stars), hour = field(s, 8, 2, &stars);
	long min = field(s, 10, 2, &stars), sec = field(s, 12, 2, &stars);
	long frac = field(s, 15, 6, &stars), off = field(s, 22, 3, &no);
	struct tm tm = { 0 };

	if (year < 0 || mon < 0 || day < 0 || hour < 0 || min < 0 || sec < 0 || frac < 0 ||
	    off < 0 || no)
		return -EINVAL;
	if (stars && s[4] == '*')
		mon = 1;
	if (stars && s[6] == '*')
		day = 1;
	if (mon < 1 || mon > 12 || day < 1 || day > 31 || hour > 23 || min > 59 || sec > 60)
		return -EINVAL;
	tm.tm_year = (int)year - 1900;
	tm.tm_mon = (int)mon - 1;
	tm.tm_mday = (int)day;
	tm.tm_hour = (int)hour;
	tm.tm_min = (int)min;
	tm.tm_sec = (int)sec;
	if (s[21] == '-')
		off = -off;
	dt->interval = false;
	dt->utc_offset_min = (int16_t)off;
	dt->usec = ((int64_t)timegm(&tm) - off * 60) * USEC_PER_SEC + frac;
	return tm.tm_mday == day ? 0 : -EINVAL; /* timegm() moved 31 February */
}

int cim_datetime_parse(const char *s, struct cim_datetime *dt)
{
	if (strlen(s) != CIM_DATETIME_LEN || s[14] != '.')
		return -EINVAL;
	if (s[21] == ':')
		return parse_interval(s, dt);
	if (s[21] == '+' || s[21] == '-')
		return parse_timestamp(s, dt);
	return -EINVAL;
}
