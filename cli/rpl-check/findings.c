// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * findings.c - everything that a check can find: its name, what it means, what to do.
 *
 * doc/man/rpl-check.8 lists the names; tests/doc/check.py compares the two.
 */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define RESTORE                                                                               \
	"the module refuses the store: make a new one on other blocks of storage or after "   \
	"keeping a copy of this one; sources are whole, clones that were complete are whole " \
	"on their targets, unfinished ones and all snapshots are lost"

static const struct finding_kind {
	const char *name;
	enum level level;
	const char *advice;
} kinds[NR_FOUND] = {
	[FOUND_IN_USE] = { "in-use", LEVEL_NOTE,
			   "what is said here is true of the moment when it was read" },
	[FOUND_NOT_CLOSED] = { "not-closed", LEVEL_MENDED,
			       "the next opening goes on from its journal: clones and snapshots "
			       "are kept; only if an early version had it open, without a "
			       "journal, unfinished clones and all snapshots come up failed" },
	[FOUND_STORE_FAILED] = { "store-failed", LEVEL_MENDED,
				 "the next opening takes it as it is: complete clones are kept; "
				 "unfinished ones and all snapshots come up failed" },
	[FOUND_CLONE_UNFINISHED] = { "clone-unfinished", LEVEL_MENDED,
				     "the next opening ends it as failed; its source is whole; "
				     "detach it and clone again" },
	[FOUND_SUPERBLOCK_LOST] = { "superblock-lost", LEVEL_MENDED,
				    "the other copy serves, and the next opening writes this one "
				    "anew, but takes the store for not closed; if nobody wrote "
				    "here, the disk needs a look" },
	[FOUND_PAGE_SLOT] = { "page-slot", LEVEL_MENDED,
			      "the other copy counts and the next change of this page writes over "
			      "it; after a power cut this is usual; else it may have been the "
			      "newer copy: compare the clones that are listed with those that "
			      "there should be" },
	[FOUND_PAGE_LEFT_OVER] = { "page-left-over", LEVEL_MENDED,
				   "left from a change that was cut off and never acknowledged; "
				   "the next opening writes over it" },
	[FOUND_GROUP_EMPTY] = { "group-empty", LEVEL_MENDED, "nothing needs it, nothing is lost" },
	[FOUND_VOLUME_UNUSED] = { "volume-unused", LEVEL_MENDED,
				  "no clone needs it, the next change drops it" },
	[FOUND_SUPERBLOCKS_DAMAGED] = { "superblocks-damaged", LEVEL_DAMAGE, RESTORE },
	[FOUND_SUPERBLOCKS_MIXED] = { "superblocks-mixed", LEVEL_DAMAGE,
				      "a part of one store was copied over another; " RESTORE },
	[FOUND_DEVICE_SHORT] = { "device-short", LEVEL_DAMAGE,
				 "the module refuses it: give the device its size back, or copy "
				 "the whole image" },
	[FOUND_PAGE_LOST] = { "page-lost", LEVEL_DAMAGE, RESTORE },
	[FOUND_PAGE_AHEAD] = { "page-ahead", LEVEL_DAMAGE,
			       "the superblocks are older than the pages: something put old "
			       "superblocks back; " RESTORE },
	[FOUND_TABLE_OLDER] = { "table-older", LEVEL_DAMAGE,
				"the module refuses it: an older copy of a page would bring back "
				"what was ended since; " RESTORE },
	[FOUND_RECORD_DAMAGED] = { "record-damaged", LEVEL_DAMAGE, RESTORE },
	[FOUND_RECORD_TWICE] = { "record-twice", LEVEL_DAMAGE, RESTORE },
	[FOUND_GROUP_EPOCH] = { "group-epoch", LEVEL_DAMAGE,
				"points in time are out of order; detach the clones of this "
				"group" },
	[FOUND_CLONE_VOLUME] = { "clone-volume", LEVEL_DAMAGE, RESTORE },
	[FOUND_CLONE_GROUP] = { "clone-group", LEVEL_DAMAGE, RESTORE },
	[FOUND_CLONE_SIZE] = { "clone-size", LEVEL_DAMAGE, RESTORE },
	[FOUND_BITMAP_PLACE] = { "bitmap-place", LEVEL_DAMAGE, RESTORE },
	[FOUND_BITMAP_SHARED] = { "bitmap-shared", LEVEL_DAMAGE,
				  "the next opening ends one of them as failed; detach it and "
				  "clone again" },
	[FOUND_BITMAP_NONE] = { "bitmap-none", LEVEL_DAMAGE,
				"the next opening ends the clone as failed; detach it and clone "
				"again" },
	[FOUND_BITMAP_PAGE] = { "bitmap-page", LEVEL_DAMAGE,
				"the next opening ends the clone as failed; detach it and clone "
				"again" },
	[FOUND_BITMAP_OLDER] = { "bitmap-older", LEVEL_DAMAGE,
				 "the next opening ends the unfinished clones as failed; detach "
				 "them and clone again" },
	[FOUND_JOURNAL_DAMAGED] = { "journal-damaged", LEVEL_DAMAGE,
				    "the next opening ends the unfinished clones and the "
				    "snapshots as failed; detach and delete them, and begin "
				    "again" },
	[FOUND_MAP_PAGE] = { "map-page", LEVEL_DAMAGE,
			     "the next opening ends the snapshots as failed; delete them" },
	[FOUND_MAP_OLDER] = { "map-older", LEVEL_DAMAGE,
			      "the next opening ends the snapshots as failed; delete them" },
	[FOUND_MAP_SHARED] = { "map-shared", LEVEL_DAMAGE,
			       "the next opening ends the snapshots as failed; delete them" },
	[FOUND_MAP_OWN] = { "map-own", LEVEL_MENDED,
			    "do not open the store with a version that knows no writable "
			    "snapshots" },
	[FOUND_NO_STORE] = { "no-store", LEVEL_UNKNOWN,
			     "name the device below the store's own one; a store is made by the "
			     "feature 'format' of the target replica-store" },
	[FOUND_OTHER_CONTENT] = { "other-content", LEVEL_UNKNOWN,
				  "is this the right device, the right offset?" },
	[FOUND_NEWER_FORMAT] = { "newer-format", LEVEL_UNKNOWN,
				 "use the rpl-check that came with that module" },
	[FOUND_UNREADABLE] = { "unreadable", LEVEL_UNKNOWN, "the device needs a look" },
	[FOUND_CHANGING] = { "changing", LEVEL_UNKNOWN,
			     "try again when the store is less busy, or closed" },
};

enum level finding_level(enum finding_code code)
{
	return kinds[code].level;
}

const char *finding_name(enum finding_code code)
{
	return kinds[code].name;
}

const char *finding_advice(enum finding_code code)
{
	return kinds[code].advice;
}

const char *level_name(enum level level)
{
	static const char *const names[] = { "note", "mended", "damage", "unknown" };

	return names[level];
}

void found(struct check *ck, enum finding_code code, const struct place *place,
	   const struct subject *subject, const char *fmt, ...)
{
	struct finding *f;
	va_list args;

	if (ck->nr_findings == ck->cap_findings) {
		ck->cap_findings = ck->cap_findings ? 2 * ck->cap_findings : 16;
		ck->finding = xreallocarray(ck->finding, ck->cap_findings, sizeof(*ck->finding));
	}
	f = &ck->finding[ck->nr_findings++];
	memset(f, 0, sizeof(*f));
	f->code = code;
	f->place = place ? *place : NOWHERE;
	if (subject && subject->kind) {
		f->subject = *subject;
		f->subject.uuid = NULL;
		f->has_uuid = subject->uuid;
		if (f->has_uuid)
			memcpy(f->uuid, subject->uuid, sizeof(f->uuid));
	}
	va_start(args, fmt);
	if (vasprintf(&f->text, fmt, args) < 0)
		abort();
	va_end(args);
}

u32 check_count(const struct check *ck, enum level level)
{
	u32 i, nr = 0;

	for (i = 0; i < ck->nr_findings; i++)
		nr += kinds[ck->finding[i].code].level == level;
	return nr;
}

bool check_found(const struct check *ck, enum finding_code code)
{
	u32 i;

	for (i = 0; i < ck->nr_findings; i++)
		if (ck->finding[i].code == code)
			return true;
	return false;
}

enum level check_level(const struct check *ck)
{
	enum level worst = LEVEL_NOTE;
	u32 i;

	for (i = 0; i < ck->nr_findings; i++)
		worst = max(worst, kinds[ck->finding[i].code].level);
	return worst;
}
