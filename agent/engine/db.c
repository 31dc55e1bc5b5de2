// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * db.c - the durable half of the model: SQLite, one writer, synchronous=FULL, no WAL.
 *
 * Callers write whole objects between db_begin and db_commit; a request's rows are committed
 * before its first effect. An error inside is remembered and makes db_commit roll back, so callers
 * look at one result. The layout grows by numbered migrations only (PRAGMA user_version).
 */
#include "engine/model.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>

static const char *const migrations[] = {
	/* 1 */
	"CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE volume(seq INTEGER PRIMARY KEY, uuid TEXT UNIQUE NOT NULL,"
	" id INTEGER NOT NULL, name TEXT UNIQUE NOT NULL, description TEXT NOT NULL,"
	" pool TEXT NOT NULL, size INTEGER NOT NULL, phase INTEGER NOT NULL,"
	" created INTEGER NOT NULL);"
	"CREATE TABLE grp(seq INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL,"
	" name TEXT UNIQUE NOT NULL, description TEXT NOT NULL, created INTEGER NOT NULL);"
	"CREATE TABLE member(grp TEXT NOT NULL, pos INTEGER NOT NULL, volume TEXT NOT NULL,"
	" PRIMARY KEY(grp, pos)) WITHOUT ROWID;"
	"CREATE TABLE rset(seq INTEGER PRIMARY KEY, uuid TEXT UNIQUE NOT NULL, name TEXT NOT NULL,"
	" source_group TEXT NOT NULL, target_group TEXT NOT NULL, sync_type INTEGER NOT NULL,"
	" mode INTEGER NOT NULL, established INTEGER NOT NULL, activated INTEGER NOT NULL,"
	" synchronized INTEGER NOT NULL, held_max_ns INTEGER NOT NULL);"
	"CREATE TABLE relation(seq INTEGER PRIMARY KEY, uuid TEXT UNIQUE NOT NULL,"
	" rset TEXT NOT NULL, idx INTEGER NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL,"
	" job TEXT NOT NULL, phase INTEGER NOT NULL, created_target INTEGER NOT NULL,"
	" established INTEGER NOT NULL,"
	" activated INTEGER NOT NULL, suspended INTEGER NOT NULL, synchronized INTEGER NOT NULL);"
	"CREATE TABLE job(seq INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, method TEXT NOT NULL,"
	" name TEXT NOT NULL, owner TEXT NOT NULL, parent TEXT NOT NULL, pair INTEGER NOT NULL,"
	" state INTEGER NOT NULL, total INTEGER NOT NULL, copied INTEGER NOT NULL,"
	" percent INTEGER NOT NULL, error INTEGER NOT NULL, reason TEXT NOT NULL,"
	" created INTEGER NOT NULL, started INTEGER NOT NULL, ended INTEGER NOT NULL,"
	" changed INTEGER NOT NULL, delete_on_completion INTEGER NOT NULL, keep INTEGER NOT NULL,"
	" rset TEXT NOT NULL, source_group TEXT NOT NULL, target_group TEXT NOT NULL,"
	" params TEXT NOT NULL);"
	"CREATE TABLE job_volume(job TEXT NOT NULL, pos INTEGER NOT NULL, volume TEXT NOT NULL,"
	" PRIMARY KEY(job, pos)) WITHOUT ROWID;",
	/* 2: 0 is that of the set */
	"ALTER TABLE relation ADD COLUMN sync_type INTEGER NOT NULL DEFAULT 0;",
	/* 3: the kernel has the last word, see reconcile.c */
	"ALTER TABLE relation ADD COLUMN read_only INTEGER NOT NULL DEFAULT 0;",
};

static int failed; /* of the transaction that is open; one writer, one thread */

static int exec(struct engine *e, const char *sql)
{
	char *msg = NULL;

	if (sqlite3_exec(e->db, sql, NULL, NULL, &msg) == SQLITE_OK)
		return 0;
	log_err("database: %s", msg ? msg : "error");
	sqlite3_free(msg);
	return -EIO;
}

/*
 * Runs one statement. @types has a letter per argument: s string (NULL = ""), i int64. The
 * statement is prepared each time: changes are rare next to the fsync that ends them.
 */
static void run(struct engine *e, const char *sql, const char *types, ...)
{
	sqlite3_stmt *st = NULL;
	va_list ap;
	int rc;

	if (failed)
		return;
	rc = sqlite3_prepare_v2(e->db, sql, -1, &st, NULL);
	va_start(ap, types);
	for (int i = 1; rc == SQLITE_OK && *types; types++, i++) {
		if (*types == 's') {
			const char *s = va_arg(ap, const char *);

			rc = sqlite3_bind_text(st, i, s ? s : "", -1, SQLITE_TRANSIENT);
		} else {
			rc = sqlite3_bind_int64(st, i, va_arg(ap, int64_t));
		}
	}
	va_end(ap);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc != SQLITE_DONE) {
		log_err("database: %s", sqlite3_errmsg(e->db));
		failed = -EIO;
	}
	sqlite3_finalize(st);
}

#define I(x) ((int64_t)(x))

void db_begin(struct engine *e)
{
	failed = exec(e, "BEGIN IMMEDIATE");
}

int db_commit(struct engine *e)
{
	int ret = failed;

	fault_point("db:before-commit");
	if (!ret)
		ret = exec(e, "COMMIT");
	if (ret && !sqlite3_get_autocommit(e->db))
		exec(e, "ROLLBACK");
	failed = 0;
	fault_point("db:after-commit");
	return ret;
}

static int migrate(struct engine *e, char *why, size_t why_size)
{
	const int newest = (int)ARRAY_LEN(migrations);
	sqlite3_stmt *st = NULL;
	char sql[64];
	int version = -1;

	if (sqlite3_prepare_v2(e->db, "PRAGMA user_version", -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		version = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	if (version < 0 || version > newest) {
		refused(why, why_size,
			version < 0 ? "the database cannot be read"
				    : "the database was written by a newer smisd");
		return version < 0 ? -EIO : -EPROTO;
	}
	for (; version < newest; version++) {
		snprintf(sql, sizeof(sql), "PRAGMA user_version=%d", version + 1);
		if (exec(e, "BEGIN IMMEDIATE") || exec(e, migrations[version]) || exec(e, sql) ||
		    exec(e, "COMMIT")) {
			refused(why, why_size, "the database cannot be brought to layout %d",
				version + 1);
			return -EIO;
		}
	}
	return 0;
}

/* Without a state directory the database lives and dies with the process. */
static int open_file(struct engine *e, char *why, size_t why_size)
{
	const char *dir = e->cfg->engine.path;
	CLEANUP_FREE char *path = *dir ? xasprintf("%s/smisd.db", dir) : xstrdup(":memory:");

	if (*dir && mkdir(dir, 0750) && errno != EEXIST) {
		int ret = -errno;

		refused(why, why_size, "%s: %s", dir, strerror(-ret));
		return ret;
	}
	if (sqlite3_open_v2(path, &e->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK) {
		refused(why, why_size, "%s: %s", path, sqlite3_errmsg(e->db));
		db_close(e);
		return -EIO;
	}
	return 0;
}

int db_open(struct engine *e, char *why, size_t why_size)
{
	int ret = open_file(e, why, why_size);

	if (ret)
		return ret;
	sqlite3_busy_timeout(e->db, 2000);
	if (exec(e, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=DELETE;"
		    "PRAGMA synchronous=FULL; PRAGMA trusted_schema=OFF") ||
	    exec(e, "BEGIN EXCLUSIVE; COMMIT")) {
		refused(why, why_size, "%s/smisd.db: in use by another smisd, or not a database",
			e->cfg->engine.path);
		db_close(e);
		return -EBUSY;
	}
	if (migrate(e, why, why_size)) {
		db_close(e);
		return -EIO;
	}
	return 0;
}

void db_close(struct engine *e)
{
	sqlite3_close(e->db);
	e->db = NULL;
}

/* ---- writing */

void db_meta_set(struct engine *e, const char *key, const char *value)
{
	run(e, "INSERT OR REPLACE INTO meta(key, value) VALUES(?,?)", "ss", key, value);
}

void db_save_volume(struct engine *e, const struct volume *v)
{
	run(e,
	    "INSERT INTO volume(uuid, id, name, description, pool, size, phase, created)"
	    " VALUES(?,?,?,?,?,?,?,?) ON CONFLICT(uuid) DO UPDATE SET id=excluded.id,"
	    " name=excluded.name, description=excluded.description, pool=excluded.pool,"
	    " size=excluded.size, phase=excluded.phase",
	    "sisssiii", v->pub.uuid, I(v->pub.id), v->pub.name, v->pub.description, v->pool_uuid,
	    I(v->pub.size_bytes), I(v->phase), I(v->pub.created_us));
}

void db_delete_volume(struct engine *e, const struct volume *v)
{
	run(e, "DELETE FROM volume WHERE uuid=?", "s", v->pub.uuid);
}

void db_save_group(struct engine *e, const struct group *g)
{
	run(e,
	    "INSERT INTO grp(id, name, description, created) VALUES(?,?,?,?)"
	    " ON CONFLICT(id) DO UPDATE SET name=excluded.name, description=excluded.description",
	    "sssi", g->pub.id, g->pub.name, g->pub.description, I(g->pub.created_us));
	run(e, "DELETE FROM member WHERE grp=?", "s", g->pub.id);
	for (size_t i = 0; i < g->members.n; i++)
		run(e, "INSERT INTO member(grp, pos, volume) VALUES(?,?,?)", "sis", g->pub.id, I(i),
		    g->members.v[i]->uuid);
}

void db_delete_group(struct engine *e, const struct group *g)
{
	run(e, "DELETE FROM member WHERE grp=?", "s", g->pub.id);
	run(e, "DELETE FROM grp WHERE id=?", "s", g->pub.id);
}

void db_save_set(struct engine *e, const struct rset *s)
{
	run(e,
	    "INSERT INTO rset(uuid, name, source_group, target_group, sync_type, mode, established,"
	    " activated, synchronized, held_max_ns) VALUES(?,?,?,?,?,?,?,?,?,?)"
	    " ON CONFLICT(uuid) DO UPDATE SET target_group=excluded.target_group,"
	    " activated=excluded.activated, synchronized=excluded.synchronized,"
	    " held_max_ns=excluded.held_max_ns",
	    "ssssiiiiii", s->pub.uuid, s->pub.name,
	    s->pub.source_group ? s->pub.source_group->id : "",
	    s->pub.target_group ? s->pub.target_group->id : "", I(s->pub.sync_type), I(s->pub.mode),
	    I(s->pub.when_established_us), I(s->pub.when_activated_us),
	    I(s->pub.when_synchronized_us), I(s->pub.held_max_ns));
}

void db_delete_set(struct engine *e, const struct rset *s)
{
	run(e, "DELETE FROM rset WHERE uuid=?", "s", s->pub.uuid);
}

void db_save_relation(struct engine *e, const struct relation *r)
{
	run(e,
	    "INSERT INTO relation(uuid, rset, idx, source, target, job, phase, created_target,"
	    " established, activated, suspended, synchronized, sync_type, read_only)"
	    " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
	    " ON CONFLICT(uuid) DO UPDATE SET phase=excluded.phase, activated=excluded.activated,"
	    " suspended=excluded.suspended, synchronized=excluded.synchronized,"
	    " read_only=excluded.read_only",
	    "ssisssiiiiiiii", r->pub.uuid, r->set->pub.uuid, I(r->idx), r->source->pub.uuid,
	    r->target->pub.uuid, r->pub.job_id, I(r->phase), I(r->created_target),
	    I(r->pub.when_established_us), I(r->pub.when_activated_us), I(r->pub.when_suspended_us),
	    I(r->pub.when_synchronized_us), I(r->pub.sync_type), I(r->pub.read_only));
}

void db_delete_relation(struct engine *e, const struct relation *r)
{
	run(e, "DELETE FROM relation WHERE uuid=?", "s", r->pub.uuid);
	run(e, "DELETE FROM rset WHERE uuid=? AND NOT EXISTS(SELECT 1 FROM relation WHERE rset=?)",
	    "ss", r->set->pub.uuid, r->set->pub.uuid);
}

void db_save_job(struct engine *e, const struct job *j)
{
	run(e,
	    "INSERT INTO job(id, method, name, owner, parent, pair, state, total, copied, percent,"
	    " error, reason, created, started, ended, changed, delete_on_completion, keep, rset,"
	    " source_group, target_group, params)"
	    " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
	    " ON CONFLICT(id) DO UPDATE SET state=excluded.state, total=excluded.total,"
	    " copied=excluded.copied, percent=excluded.percent, error=excluded.error,"
	    " reason=excluded.reason, started=excluded.started, ended=excluded.ended,"
	    " changed=excluded.changed, delete_on_completion=excluded.delete_on_completion,"
	    " keep=excluded.keep",
	    "sssssiiiiiisiiiiiissss", j->pub.id, j->pub.method, j->pub.name, j->pub.owner,
	    j->parent ? j->parent->pub.id : "", I(j->pub.pair), I(j->pub.state),
	    I(j->pub.total_bytes), I(j->pub.copied_bytes), I(j->pub.percent), I(j->pub.error),
	    j->pub.reason, I(j->pub.created_us), I(j->pub.started_us), I(j->pub.ended_us),
	    I(j->pub.changed_us), I(j->pub.delete_on_completion), I(j->pub.time_before_removal_us),
	    j->set_uuid, j->group_id[0], j->group_id[1], j->pub.params);
	for (size_t i = 0; i < j->affected.n; i++)
		run(e, "INSERT OR IGNORE INTO job_volume(job, pos, volume) VALUES(?,?,?)", "sis",
		    j->pub.id, I(i), j->affected.v[i]);
}

void db_delete_job(struct engine *e, const struct job *j)
{
	for (size_t i = 0; i < j->children.n; i++)
		db_delete_job(e, j->children.v[i]);
	run(e, "DELETE FROM job_volume WHERE job=?", "s", j->pub.id);
	run(e, "DELETE FROM job WHERE id=?", "s", j->pub.id);
	run(e, "UPDATE relation SET job='' WHERE job=?", "s", j->pub.id);
}

/* ---- reading */

static const char *text(sqlite3_stmt *st, int col)
{
	const char *s = (const char *)sqlite3_column_text(st, col);

	return s ? s : "";
}

#define num(st, col) sqlite3_column_int64(st, col)

char *db_meta_get(struct engine *e, const char *key)
{
	sqlite3_stmt *st = NULL;
	char *out = NULL;

	if (sqlite3_prepare_v2(e->db, "SELECT value FROM meta WHERE key=?", -1, &st, NULL) ==
		    SQLITE_OK &&
	    sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		out = xstrdup(text(st, 0));
	sqlite3_finalize(st);
	return out;
}

static int each(struct engine *e, const char *sql, void (*row)(struct engine *, sqlite3_stmt *))
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(e->db, sql, -1, &st, NULL);

	if (rc == SQLITE_OK)
		while ((rc = sqlite3_step(st)) == SQLITE_ROW)
			row(e, st);
	sqlite3_finalize(st);
	if (rc == SQLITE_DONE)
		return 0;
	log_err("database: %s", sqlite3_errmsg(e->db));
	return -EIO;
}

static void load_volume(struct engine *e, sqlite3_stmt *st)
{
	struct volume *v = volume_new(e, text(st, 0), (uint32_t)num(st, 1), text(st, 2));

	set_str(&v->pub.description, text(st, 3));
	volume_set_pool(e, v, text(st, 4));
	v->pub.size_bytes = (uint64_t)num(st, 5);
	v->phase = (enum volume_phase)num(st, 6);
	v->pub.created_us = (uint64_t)num(st, 7);
	v->pub.status = ENGINE_VOLUME_MISSING; /* until the inventory has seen it */
}

static void load_group(struct engine *e, sqlite3_stmt *st)
{
	struct group *g = group_new(e, text(st, 0), text(st, 1));

	set_str(&g->pub.description, text(st, 2));
	g->pub.created_us = (uint64_t)num(st, 3);
}

static void load_member(struct engine *e, sqlite3_stmt *st)
{
	struct group *g = group_find(e, text(st, 0));
	struct volume *v = volume_find(e, text(st, 1));

	if (!g || !v)
		return;
	vec_push(&g->members, &v->pub);
	group_members_changed(g);
}

static void load_set(struct engine *e, sqlite3_stmt *st)
{
	struct rset *s = set_new(e, text(st, 0));
	struct group *source = group_find(e, text(st, 2)), *target = group_find(e, text(st, 3));

	set_str(&s->pub.name, text(st, 1));
	set_link_groups(s, source, target);
	s->pub.sync_type = (uint16_t)num(st, 4);
	s->pub.mode = (uint16_t)num(st, 5);
	s->pub.when_established_us = (uint64_t)num(st, 6);
	s->pub.when_activated_us = (uint64_t)num(st, 7);
	s->pub.when_synchronized_us = (uint64_t)num(st, 8);
	s->pub.held_max_ns = (uint64_t)num(st, 9);
}

static void load_job(struct engine *e, sqlite3_stmt *st)
{
	struct job *parent = strmap_get(&e->job_by_id, text(st, 4));
	struct job *j = job_new(e, text(st, 0), parent);

	set_str(&j->pub.method, text(st, 1));
	set_str(&j->pub.name, text(st, 2));
	set_str(&j->pub.owner, text(st, 3));
	j->pub.pair = (unsigned int)num(st, 5);
	j->pub.state = (enum engine_job_state)num(st, 6);
	j->pub.total_bytes = (uint64_t)num(st, 7);
	j->pub.copied_bytes = (uint64_t)num(st, 8);
	j->pub.percent = (uint16_t)num(st, 9);
	j->pub.error = (int)num(st, 10);
	set_str(&j->pub.reason, text(st, 11));
	j->pub.created_us = (uint64_t)num(st, 12);
	j->pub.started_us = (uint64_t)num(st, 13);
	j->pub.ended_us = (uint64_t)num(st, 14);
	j->pub.changed_us = (uint64_t)num(st, 15);
	j->pub.delete_on_completion = num(st, 16);
	j->pub.time_before_removal_us = (uint64_t)num(st, 17);
	snprintf(j->set_uuid, sizeof(j->set_uuid), "%s", text(st, 18));
	snprintf(j->group_id[0], sizeof(j->group_id[0]), "%s", text(st, 19));
	snprintf(j->group_id[1], sizeof(j->group_id[1]), "%s", text(st, 20));
	set_str(&j->pub.params, text(st, 21));
}

static void load_job_volume(struct engine *e, sqlite3_stmt *st)
{
	struct job *j = strmap_get(&e->job_by_id, text(st, 0));

	if (j)
		job_affects(e, j, text(st, 1));
}

static void load_relation(struct engine *e, sqlite3_stmt *st)
{
	struct rset *s = set_find(e, text(st, 1));
	struct volume *source = volume_find(e, text(st, 3)), *target = volume_find(e, text(st, 4));
	struct job *j = strmap_get(&e->job_by_id, text(st, 5));
	struct relation *r;

	if (!s || !source || !target) {
		log_warn("database: relation %s lacks an end, left out", text(st, 0));
		return;
	}
	r = relation_new(e, text(st, 0), s, source, target);
	r->idx = (unsigned int)num(st, 2);
	r->created_target = num(st, 7);
	r->pub.when_established_us = (uint64_t)num(st, 8);
	r->pub.when_activated_us = (uint64_t)num(st, 9);
	r->pub.when_suspended_us = (uint64_t)num(st, 10);
	r->pub.when_synchronized_us = (uint64_t)num(st, 11);
	if (num(st, 12))
		relation_set_type(r, (uint16_t)num(st, 12));
	relation_set_read_only(r, num(st, 13));
	r->pub.state = r->pub.when_synchronized_us ? ENGINE_SYNCHRONIZED : ENGINE_PREPARED;
	if (j) {
		r->job = j;
		r->pub.job_id = j->pub.id;
		j->relation = r;
		r->pub.copied_bytes = j->pub.copied_bytes;
	}
	relation_set_phase(r, (enum relation_phase)num(st, 6));
}

int db_load(struct engine *e)
{
	static const struct {
		const char *sql;
		void (*row)(struct engine *, sqlite3_stmt *);
	} steps[] = {
		{ "SELECT uuid, id, name, description, pool, size, phase, created FROM volume"
		  " ORDER BY seq",
		  load_volume },
		{ "SELECT id, name, description, created FROM grp ORDER BY seq", load_group },
		{ "SELECT grp, volume FROM member ORDER BY grp, pos", load_member },
		{ "SELECT uuid, name, source_group, target_group, sync_type, mode, established,"
		  " activated, synchronized, held_max_ns FROM rset ORDER BY seq",
		  load_set },
		{ "SELECT id, method, name, owner, parent, pair, state, total, copied, percent,"
		  " error, reason, created, started, ended, changed, delete_on_completion, keep,"
		  " rset, source_group, target_group, params FROM job ORDER BY seq",
		  load_job },
		{ "SELECT job, volume FROM job_volume JOIN job j ON j.id = job ORDER BY j.seq, pos",
		  load_job_volume },
		{ "SELECT uuid, rset, idx, source, target, job, phase, created_target,"
		  " established, activated, suspended, synchronized, sync_type, read_only"
		  " FROM relation ORDER BY seq",
		  load_relation },
	};

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		int ret = each(e, steps[i].sql, steps[i].row);

		if (ret)
			return ret;
	}
	return 0;
}
