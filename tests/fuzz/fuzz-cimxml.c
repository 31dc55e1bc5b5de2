// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz-cimxml.c - bodies of CIM-XML requests, from XML through the broker and the providers of the
 * test schema to the answer. The first byte chooses what the sender may do and which headers come
 * with them; a NUL ends a request and begins the next, so that an enumeration can be pulled whose
 * context is all zeros here. Each has exactly one answer; a refusal has a reason.
 */
#include <libxml/parser.h>
#include <sys/random.h>

#include "../cim/testprov.h"
#include "base/log.h"
#include "broker/request.h"
#include "cimxml/cimxml.h"
#include "fuzz.h"

#define REQUESTS_MAX 4

static struct repo *repo;
static unsigned int nr_done;

/* In place of the C library's: an input means the same whenever it is run. */
ssize_t getrandom(void *buf, size_t len, unsigned int flags)
{
	(void)flags;
	memset(buf, 0, len);
	return (ssize_t)len;
}

static void done(struct cimxml_out *out, void *arg)
{
	(void)arg;
	nr_done++;
	if (out->http == 200) {
		must(out->body.len > 100, "an answer is empty");
		must(!strcmp(out->body.buf + out->body.len - 7, "</CIM>\n"),
		     "an answer is cut off");
	} else {
		must(out->http >= 400 && out->http < 600, "a status that is none");
		must(out->why && *out->why, "a refusal has no reason");
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char *why = NULL;

	(void)argc, (void)argv;
	log_init("fuzz", LOG_EMERG);
	repo = repo_new(&cim_schema, test_providers, &why);
	must(repo, "schema and providers do not fit");
	return 0;
}

/* What takes its time, which is the method Wait only, is let finish or cancelled. */
static void one_request(struct broker *broker, const struct cimxml_in *in, bool cancel)
{
	struct cimxml_call *c;

	nr_done = 0;
	c = cimxml_start(broker, in, done, NULL);
	must(nr_done == (c ? 0 : 1), "not one answer");
	if (!c)
		return;
	if (cancel)
		cimxml_cancel(c);
	test_wait_finish(test_held);
	must(nr_done == !cancel, "an answer after it was cancelled, or none");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cimxml_in in = { .operation = "MethodCall", .host = "h", .user = "u" };
	const uint8_t *end = data + len;
	struct broker *broker;
	bool cancel;

	if (!len)
		return 0;
	test_reset();
	broker = broker_new(repo, NULL);
	in.may_read = !(data[0] & 1);
	in.may_write = !(data[0] & 3);
	in.method = data[0] & 4 ? "GetInstance" : NULL;
	in.user_agent = data[0] & 8 ? "x" : NULL;
	cancel = data[0] & 16;
	data++;
	for (int i = 0; i < REQUESTS_MAX && (!i || data < end); i++) {
		size_t left = (size_t)(end - data);
		const uint8_t *nul = left ? memchr(data, '\0', left) : NULL;
		char *body;

		in.len = nul ? (size_t)(nul - data) : left;
		in.body = body = fuzz_text(data, in.len);
		one_request(broker, &in, cancel);
		free(body);
		data += in.len + !!nul;
	}
	broker_free(broker);
	return 0;
}
