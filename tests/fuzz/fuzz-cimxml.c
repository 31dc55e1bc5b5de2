// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz-cimxml.c - the body of a CIM-XML request, from XML through the broker and the providers of the
 * test schema to the answer. The first byte chooses what the sender may do and which headers come
 * with it. Exactly one answer; a refusal has a reason; a reader changes nothing.
 */
#include <libxml/parser.h>

#include "../cim/testprov.h"
#include "base/log.h"
#include "broker/request.h"
#include "cimxml/cimxml.h"
#include "fuzz.h"

static struct broker *broker;
static unsigned int nr_done;

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
	struct repo *repo;
	char *why = NULL;

	(void)argc, (void)argv;
	log_init("fuzz", LOG_EMERG);
	repo = repo_new(&cim_schema, test_providers, &why);
	must(repo, "schema and providers do not fit");
	broker = broker_new(repo, NULL);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cimxml_in in = { .operation = "MethodCall", .host = "h", .user = "u" };
	struct cimxml_call *c;
	char *body;

	if (!len)
		return 0;
	in.may_read = !(data[0] & 1);
	in.may_write = !(data[0] & 3);
	in.method = data[0] & 4 ? "GetInstance" : NULL;
	in.user_agent = data[0] & 8 ? "x" : NULL;
	body = fuzz_text(data + 1, len - 1);
	in.body = body;
	in.len = len - 1;
	nr_done = 0;
	c = cimxml_start(broker, &in, done, NULL);
	free(body);
	must(nr_done == (c ? 0 : 1), "not one answer");
	if (c)
		cimxml_cancel(c);
	must(nr_done <= 1, "an answer after it was cancelled");
	return 0;
}
