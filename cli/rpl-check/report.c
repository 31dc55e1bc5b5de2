// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * report.c - results as text: the findings for people, any tree as indented lines.
 */
#include "check.h"

#include <json-c/json.h>
#include <uuid/uuid.h>

#define INDENT 2

void tree_u64(struct json_object *o, const char *key, u64 value)
{
	json_object_object_add(o, key, json_object_new_uint64(value));
}

void tree_str(struct json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, json_object_new_string(value));
}

void tree_uuid(struct json_object *o, const char *key, const u8 *uuid)
{
	char text[37];

	uuid_unparse_lower(uuid, text);
	tree_str(o, key, text);
}

/* ---- findings ---- */

static void report_store(const struct check *ck)
{
	u32 nr[RPL_RECORD_SNAPSHOT + 1] = { 0 };
	char uuid[37];
	u32 i;

	for (i = 0; i < ck->nr_objects; i++)
		nr[ck->object[i].rec.kind]++;
	uuid_unparse_lower(ck->sb.uuid, uuid);
	printf("%s: store %s, generation %llu, chunks of %u KiB, %s\n", ck->image.path, uuid,
	       (unsigned long long)ck->sb.generation, ck->sb.chunk_sectors / 2,
	       ck->image.holder	 ? "in use"
	       : store_clean(ck) ? "closed cleanly"
				 : "not closed cleanly");
	printf("%s: %u volumes, %u groups, %u clones, %u snapshots, %llu of %llu chunks in use\n",
	       ck->image.path, nr[RPL_RECORD_VOLUME], nr[RPL_RECORD_GROUP], nr[RPL_RECORD_CLONE],
	       nr[RPL_RECORD_SNAPSHOT], (unsigned long long)ck->map_chunks,
	       (unsigned long long)(rpl_data_chunks(&ck->sb) - ck->map_reserved));
}

static void report_finding(const struct finding *f)
{
	char uuid[37];

	printf("%s: %s: %s", level_name(finding_level(f->code)), finding_name(f->code), f->text);
	if (f->has_uuid) {
		uuid_unparse_lower(f->uuid, uuid);
		printf(" [%s %s]", f->subject.kind, uuid);
	}
	if (f->place.offset_bytes >= 0)
		printf(" (offset %lld)", (long long)f->place.offset_bytes);
	printf("\n    %s\n", finding_advice(f->code));
}

void report_text(const struct check *ck)
{
	u32 i;

	if (ck->open)
		report_store(ck);
	for (i = 0; i < ck->nr_findings; i++)
		report_finding(&ck->finding[i]);
	switch (check_level(ck)) {
	case LEVEL_NOTE:
		printf("%s: clean\n", ck->image.path);
		break;
	case LEVEL_MENDED:
		printf("%s: %u findings that the module tolerates or mends\n", ck->image.path,
		       check_count(ck, LEVEL_MENDED));
		break;
	case LEVEL_DAMAGE:
		printf("%s: %u damages\n", ck->image.path, check_count(ck, LEVEL_DAMAGE));
		break;
	case LEVEL_UNKNOWN:
		printf("%s: nothing can be said about a store\n", ck->image.path);
		break;
	}
}

/* ---- trees ---- */

static bool is_leaf(struct json_object *v)
{
	return !json_object_is_type(v, json_type_object) &&
	       !json_object_is_type(v, json_type_array);
}

/* On one line: a leaf, a list of leaves, or a pair. */
static bool is_short(struct json_object *v)
{
	size_t i;

	if (!json_object_is_type(v, json_type_array))
		return is_leaf(v);
	for (i = 0; i < json_object_array_length(v); i++)
		if (!is_leaf(json_object_array_get_idx(v, i)))
			return false;
	return true;
}

static void print_short(struct json_object *v)
{
	size_t i;

	if (!json_object_is_type(v, json_type_array)) {
		fputs(json_object_get_string(v), stdout);
		return;
	}
	for (i = 0; i < json_object_array_length(v); i++)
		printf("%s%s", i ? " " : "",
		       json_object_get_string(json_object_array_get_idx(v, i)));
}

static bool is_row(struct json_object *o)
{
	bool row = true;

	json_object_object_foreach(o, key, v)
		row = row && key && is_short(v) && !json_object_is_type(v, json_type_array);
	return row;
}

/* Strings that have blanks in them end a row as they are: `text=`, `advice=`. */
static void print_row(struct json_object *o, int depth)
{
	printf("%*s", depth * INDENT, "");
	json_object_object_foreach(o, key, v) {
		const char *text = json_object_get_string(v);
		const char *quote = json_object_is_type(v, json_type_string) &&
						    (!*text || strchr(text, ' '))
					    ? "\""
					    : "";

		printf("%s=%s%s%s ", key, quote, text, quote);
	}
	printf("\n");
}

static void print_members(struct json_object *o, int depth);

static bool is_empty_page(struct json_object *o)
{
	struct json_object *v;

	return json_object_object_get_ex(o, "empty", &v) && json_object_get_boolean(v);
}

/* Each element a row or a block; pages of nothing are counted only. */
static void print_list(struct json_object *a, int depth)
{
	unsigned int empty = 0;
	size_t i;

	for (i = 0; i < json_object_array_length(a); i++) {
		struct json_object *v = json_object_array_get_idx(a, i);

		if (!json_object_is_type(v, json_type_object)) {
			printf("%*s", depth * INDENT, "");
			print_short(v);
			printf("\n");
		} else if (is_empty_page(v)) {
			empty++;
		} else if (is_row(v)) {
			print_row(v, depth);
		} else {
			print_members(v, depth);
			printf("\n");
		}
	}
	if (empty)
		printf("%*s(%u empty pages)\n", depth * INDENT, "", empty);
}

static void print_members(struct json_object *o, int depth)
{
	json_object_object_foreach(o, key, v) {
		printf("%*s%s:", depth * INDENT, "", key);
		if (is_short(v)) {
			printf(" ");
			print_short(v);
			printf("\n");
			continue;
		}
		printf("\n");
		if (json_object_is_type(v, json_type_array))
			print_list(v, depth + 1);
		else
			print_members(v, depth + 1);
	}
}

void report_tree(struct json_object *tree)
{
	print_members(tree, 0);
}
