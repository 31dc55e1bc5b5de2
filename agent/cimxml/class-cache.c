// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * class-cache.c - whole classes as text: clients ask for the same few again and again, wbemcli
 * before every call. A class never changes while the process lives. Loop thread only.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "cim/class.h"
#include "cimxml/write.h"

#define NR_ENTRIES	64
#define ENTRY_MAX_BYTES 262144

struct entry {
	const struct cim_class *cls;
	const struct cim_class_decl *decl; /* tells classes apart that had one address in turn */
	unsigned int form;
	char *text;
	size_t len;
};

static struct entry entries[NR_ENTRIES];

static unsigned int form_of(const struct cim_ns *ns, const struct cim_request *req)
{
	return ns->prefix << 3 | req->local_only << 2 | req->quals << 1 | req->class_origin;
}

static struct entry *entry_of(const struct cim_class *cls, unsigned int form)
{
	return &entries[((uintptr_t)cls / sizeof(*cls) * 5 + form) % NR_ENTRIES];
}

void xml_class_cached(struct strbuf *b, const struct cim_class *cls, const struct cim_ns *ns,
		      const struct cim_request *req)
{
	unsigned int form = form_of(ns, req);
	struct entry *e = entry_of(cls, form);
	size_t from = b->len;

	if (req->has_props) {
		xml_class(b, cls, ns, req);
		return;
	}
	if (e->cls == cls && e->decl == cls->decl && e->form == form) {
		strbuf_add(b, e->text, e->len);
		return;
	}
	xml_class(b, cls, ns, req);
	if (b->len - from > ENTRY_MAX_BYTES)
		return;
	free(e->text);
	*e = (struct entry) { cls, cls->decl, form, xmalloc(b->len - from), b->len - from };
	memcpy(e->text, b->buf + from, e->len);
}

void xml_class_cache_drop(void)
{
	for (size_t i = 0; i < NR_ENTRIES; i++) {
		free(entries[i].text);
		entries[i] = (struct entry) { 0 };
	}
}
