// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * budget.c - what one request may cost: processor time until there is something of its answer, and
 * the memory that its answer may take. Looked at while instances come in; the first that is too
 * much ends the operation with CIM_ERR_SERVER_LIMITS_EXCEEDED.
 *
 * Time counts between broker_turn_begin() and broker_turn_end(): several turns of the event loop
 * may make one operation.
 */
#include <time.h>

#include "broker/internal.h"

/* One instance may cost that much to be looked at, far below a second. */
#define QUERY_STEPS UINT64_C(20000000)
/* After as much, the time is looked at. */
#define QUERY_STEPS_COUNT UINT64_C(100000)

/* Within so much, time that has passed counts as spent. */
#define LOOK_US UINT64_C(1000)

static uint64_t cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t cim_clock_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/*
 * What the operation has spent. The clock of a processor's time costs a system call, the other one
 * does not: where that says that little time has passed, little was spent.
 */
static uint64_t spent_us(struct cim_call *root)
{
	uint64_t now = cim_clock_us(), cpu;

	if (now - root->looked_us < LOOK_US)
		return root->spent_us + (now - root->looked_us);
	cpu = cpu_us();
	root->spent_us += cpu - root->cpu_us;
	root->cpu_us = cpu;
	root->looked_us = now;
	return root->spent_us;
}

void broker_turn_begin(struct cim_call *root)
{
	root->looked_us = cim_clock_us();
	root->cpu_us = cpu_us();
	root->in_turn = true;
	root->sent_before = root->n_sent;
}

void broker_turn_end(struct cim_call *root)
{
	bool paced = root->streams && root->n_sent != root->sent_before;

	/* a client that takes what there is sets the pace itself */
	root->spent_us = paced ? 0 : spent_us(root);
	root->in_turn = false;
}

bool broker_may_go_on(struct cim_call *root)
{
	const struct cim_request *req = root->req;
	uint32_t ms = cim_limits(root)->operation_ms;

	if (root->code)
		return false;
	if (ms && root->in_turn && spent_us(root) > (uint64_t)ms * 1000)
		broker_fail(root,
			    cim_error(root, CIM_ERR_SERVER_LIMITS_EXCEEDED,
				      "the operation takes more than %u ms of processor time", ms));
	else if (req->room && !req->room(req))
		broker_fail(root, cim_error(root, CIM_ERR_SERVER_LIMITS_EXCEEDED,
					    "the answers that are being sent take all the memory "
					    "that is set aside for them"));
	return !root->code;
}

bool broker_passes(struct cim_call *root, const struct cim_inst *i)
{
	uint64_t steps = QUERY_STEPS;
	bool yes;

	if (!root->query)
		return true;
	yes = query_matches(root->query, i, &steps);
	if (!steps) {
		broker_fail(root,
			    cim_error(root, CIM_ERR_SERVER_LIMITS_EXCEEDED,
				      "the query costs too much for an instance of this size"));
		return false;
	}
	return (QUERY_STEPS - steps < QUERY_STEPS_COUNT || broker_may_go_on(root)) && yes;
}
