// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stamp-write.c - `rpl-stamp write`: writers that stamp blocks across the volumes, each issuing
 * its next write only after the previous one was acknowledged.
 *
 * Threads share the log (a record is claimed by an atomic index and then belongs to its writer)
 * and `stopping`; everything else is the writer's own. The main thread takes the signals.
 */
#define _GNU_SOURCE
#include "stamp.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LAT_BUCKETS 40

struct run {
	const struct stamp_opts *o;
	struct stamp_log log;
	struct stamp_dev *devs;
	uint32_t nr_devs;
	_Atomic bool stopping;
	_Atomic uint32_t running;
	_Atomic uint64_t issued;
};

struct writer {
	struct run *run;
	pthread_t thread;
	uint32_t id;
	uint64_t rng;
	uint64_t writes, errors, max_ns, max_issue, sum_ns;
	uint64_t lat[LAT_BUCKETS]; /* log2 of microseconds */
	char *buf;
	int faults; /* make-it-fail of its thread, or -1 */
};

static uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

static uint64_t rnd(struct writer *w)
{
	return stamp_mix(w->rng++);
}

static struct stamp_record *claim(struct run *r)
{
	struct stamp_log_head *h = r->log.head;
	uint64_t n = atomic_fetch_add(&h->nr_records, 1);

	if (n >= h->max_records) {
		atomic_fetch_sub(&h->nr_records, 1);
		return NULL;
	}
	return &r->log.records[n];
}

static void account(struct writer *w, uint64_t ns, uint64_t issue)
{
	uint64_t us = ns / 1000;
	int b = us ? 64 - __builtin_clzll(us) : 0;

	w->writes++;
	w->sum_ns += ns;
	w->lat[b < LAT_BUCKETS ? b : LAT_BUCKETS - 1]++;
	if (ns > w->max_ns) {
		w->max_ns = ns;
		w->max_issue = issue;
	}
}

static void faults_open(struct writer *w)
{
	w->faults = -1;
	if (!w->run->o->may_fail)
		return;
	w->faults = open("/proc/thread-self/make-it-fail", O_WRONLY | O_CLOEXEC);
	if (w->faults < 0) {
		perror("rpl-stamp: make-it-fail");
		exit(2);
	}
}

/* '1': its allocations in the kernel can be made to fail from here on; '0': no more. */
static void may_fail(const struct writer *w, char may)
{
	if (w->faults >= 0 && pwrite(w->faults, &may, 1, 0) != 1) {
		perror("rpl-stamp: make-it-fail");
		exit(2);
	}
}

/*
 * Stamp one block of volume @vol. The record is complete before the write is issued, see the
 * log's reader.
 */
static int write_block(struct writer *w, uint32_t vol, uint64_t block)
{
	struct run *r = w->run;
	struct stamp_dev *d = &r->devs[vol];
	uint64_t off = block * r->o->block;
	size_t len = r->o->block < d->bytes - off ? r->o->block : (size_t)(d->bytes - off);
	struct stamp_id id = { .run = r->log.head->run, .volume = vol, .writer = w->id };
	struct stamp_record *rec = claim(r);
	uint64_t t0, ns;
	ssize_t n;
	int err;

	if (!rec)
		return -ENOSPC;
	rec->volume = vol;
	rec->writer = w->id;
	rec->block = block;
	id.issue = atomic_fetch_add(&r->log.head->clock, 1);
	rec->issue = id.issue;
	for (size_t s = 0; s < len; s += STAMP_SECTOR) {
		id.lba = (d->start + off + s) / STAMP_SECTOR;
		stamp_make(w->buf + s, &id);
	}
	may_fail(w, '1');
	t0 = now_ns(CLOCK_MONOTONIC);
	n = pwrite(d->fd, w->buf, len, (off_t)(d->start + off));
	err = n < 0 ? errno : EIO;
	ns = now_ns(CLOCK_MONOTONIC) - t0;
	may_fail(w, '0');
	if (n != (ssize_t)len) {
		fprintf(stderr, "rpl-stamp: write of %s at %" PRIu64 ": %s\n", d->path,
			d->start + off, strerror(err));
		w->errors++;
		return -err;
	}
	rec->ack = atomic_fetch_add(&r->log.head->clock, 1);
	account(w, ns, id.issue);
	return 0;
}

static void pace(struct writer *w, uint64_t start_ns, uint64_t done)
{
	uint64_t due, now;
	struct timespec ts;

	if (!w->run->o->rate)
		return;
	due = start_ns + done * 1000000000ULL * w->run->o->writers / w->run->o->rate;
	now = now_ns(CLOCK_MONOTONIC);
	if (now >= due)
		return;
	ts.tv_sec = (time_t)((due - now) / 1000000000ULL);
	ts.tv_nsec = (long)((due - now) % 1000000000ULL);
	nanosleep(&ts, NULL);
}

static void shuffle(struct writer *w, uint32_t *order, uint32_t nr)
{
	for (uint32_t i = nr; i > 1; i--) {
		uint32_t j = (uint32_t)(rnd(w) % i), t = order[i - 1];

		order[i - 1] = order[j];
		order[j] = t;
	}
}

/* A block of this writer on @vol, or UINT64_MAX when the volume is too small to have one. */
static uint64_t pick(struct writer *w, uint32_t vol)
{
	uint64_t blocks = (w->run->devs[vol].bytes + w->run->o->block - 1) / w->run->o->block;
	uint64_t mine = (blocks + w->run->o->writers - 1 - w->id) / w->run->o->writers;

	return mine ? (rnd(w) % mine) * w->run->o->writers + w->id : UINT64_MAX;
}

static void *writer_main(void *arg)
{
	struct writer *w = arg;
	struct run *r = w->run;
	uint64_t start = now_ns(CLOCK_MONOTONIC), done = 0;
	uint32_t order[STAMP_MAX_VOLUMES], at = r->nr_devs;

	for (uint32_t i = 0; i < r->nr_devs; i++)
		order[i] = i;
	faults_open(w);
	while (!atomic_load(&r->stopping)) {
		uint64_t block;
		int ret;

		if (r->o->count && atomic_fetch_add(&r->issued, 1) >= r->o->count)
			break;
		if (at >= r->nr_devs) {
			shuffle(w, order, r->nr_devs);
			at = 0;
		}
		block = pick(w, order[at]);
		ret = block == UINT64_MAX ? 0 : write_block(w, order[at], block);
		at++;
		if (ret == -ENOSPC && !w->errors)
			break; /* the log is full */
		if (ret && !r->o->keep_going)
			break;
		pace(w, start, ++done);
	}
	if (w->faults >= 0)
		close(w->faults);
	atomic_fetch_sub(&r->running, 1);
	return NULL;
}

static void mark(struct run *r)
{
	struct stamp_log_head *h = r->log.head;
	uint32_t n = h->nr_marks;

	if (n >= STAMP_MAX_MARKS)
		return;
	h->marks[n].clock = atomic_fetch_add(&h->clock, 1);
	h->marks[n].realtime_ns = now_ns(CLOCK_REALTIME);
	atomic_store(&h->nr_marks, n + 1);
	printf("mark %u clock %" PRIu64 "\n", n + 1, h->marks[n].clock);
	fflush(stdout);
}

/* Until a signal, the stop file, the time or the writers themselves end the run. */
static void wait_for_end(struct run *r, const sigset_t *set)
{
	uint64_t end = r->o->seconds ? now_ns(CLOCK_MONOTONIC) + r->o->seconds * 1000000000ULL
				     : UINT64_MAX;
	struct timespec tick = { .tv_nsec = 50000000 };

	while (atomic_load(&r->running)) {
		int sig = sigtimedwait(set, NULL, &tick);

		if (sig == SIGUSR1)
			mark(r);
		else if (sig > 0)
			break;
		if (r->o->stop_file && !access(r->o->stop_file, F_OK))
			break;
		if (now_ns(CLOCK_MONOTONIC) >= end)
			break;
	}
	atomic_store(&r->stopping, true);
}

static uint64_t percentile(const struct writer *all, uint32_t nr, uint64_t total, double p)
{
	uint64_t seen = 0;

	for (int b = 0; b < LAT_BUCKETS; b++) {
		for (uint32_t i = 0; i < nr; i++)
			seen += all[i].lat[b];
		if ((double)seen >= p * (double)total)
			return 1ULL << b;
	}
	return 0;
}

static int report(struct run *r, const struct writer *all, uint32_t nr, double secs)
{
	uint64_t writes = 0, errors = 0, sum = 0, max = 0, issue = 0;

	for (uint32_t i = 0; i < nr; i++) {
		writes += all[i].writes;
		errors += all[i].errors;
		sum += all[i].sum_ns;
		if (all[i].max_ns > max) {
			max = all[i].max_ns;
			issue = all[i].max_issue;
		}
	}
	printf("writes %" PRIu64 "\nerrors %" PRIu64 "\nseconds %.3f\nwrites_per_s %.0f\n", writes,
	       errors, secs, secs > 0 ? (double)writes / secs : 0);
	printf("latency_mean_us %" PRIu64 "\nlatency_p99_below_us %" PRIu64 "\n",
	       writes ? sum / writes / 1000 : 0, percentile(all, nr, writes, 0.99));
	printf("latency_max_us %" PRIu64 "\nlatency_max_issue %" PRIu64 "\nclock %" PRIu64 "\n",
	       max / 1000, issue, (uint64_t)r->log.head->clock);
	if (r->log.head->nr_records >= r->log.head->max_records)
		printf("log full\n");
	return errors ? 1 : 0;
}

static int start(struct run *r, struct writer *all, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++) {
		all[i] = (struct writer) { .run = r, .id = i, .buf = stamp_buffer(r->o->block) };
		all[i].rng = stamp_mix(r->o->seed ^ ((uint64_t)i << 32));
		atomic_fetch_add(&r->running, 1);
		if (pthread_create(&all[i].thread, NULL, writer_main, &all[i])) {
			perror("rpl-stamp: pthread_create");
			exit(2);
		}
	}
	printf("writing pid %d\n", (int)getpid());
	fflush(stdout);
	return 0;
}

static int open_all(struct run *r, int nr, char **paths)
{
	for (int i = 0; i < nr; i++) {
		int ret = stamp_dev_open(&r->devs[i], paths[i], O_RDWR, r->o->offset, r->o->length);

		if (ret)
			return ret;
	}
	return 0;
}

int stamp_cmd_write(const struct stamp_opts *o, int nr, char **paths)
{
	struct stamp_log_head head = {
		.magic = STAMP_LOG_MAGIC,
		.run = stamp_mix(now_ns(CLOCK_REALTIME) ^ (uint64_t)getpid()),
		.offset_bytes = o->offset,
		.length_bytes = o->length,
		.max_records = o->max_records,
		.clock = 1,
		.block_bytes = o->block,
		.nr_volumes = (uint32_t)nr,
		.nr_writers = o->writers,
	};
	struct run r = { .o = o, .nr_devs = (uint32_t)nr };
	struct writer *all = calloc(o->writers, sizeof(*all));
	uint64_t t0;
	sigset_t set;
	int ret;

	r.devs = calloc((size_t)nr, sizeof(*r.devs));
	if (!all || !r.devs || open_all(&r, nr, paths))
		return 2;
	/* before the log is there: who sees it may send one */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	ret = stamp_log_create(&r.log, o->log, &head);
	if (ret) {
		fprintf(stderr, "rpl-stamp: cannot make the log: %s\n", strerror(-ret));
		return 2;
	}
	t0 = now_ns(CLOCK_MONOTONIC);
	start(&r, all, o->writers);
	wait_for_end(&r, &set);
	for (uint32_t i = 0; i < o->writers; i++) {
		pthread_join(all[i].thread, NULL);
		free(all[i].buf);
	}
	ret = report(&r, all, o->writers, (double)(now_ns(CLOCK_MONOTONIC) - t0) / 1e9);
	for (int i = 0; i < nr; i++)
		close(r.devs[i].fd);
	stamp_log_close(&r.log);
	free(r.devs);
	free(all);
	return ret;
}
