/* Bringing the schema to where this program expects it. What: versioned steps (migrations.c) noted in the table
 * schema_migration, then whatever the table of kinds has and the database lacks. Why both: a new kind or field
 * is one entry in kinds.c and needs no step; anything else is a step with a way back. All of it is one
 * transaction, so other processes see the old schema or the new one. Nothing here deletes what it does not know. */
#include "store/migrations.h"
#include "store/remask.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

static const char create_table[] =
    "CREATE TABLE IF NOT EXISTS schema_migration (version INTEGER PRIMARY KEY, name TEXT NOT NULL,"
    " applied_at BIGINT NOT NULL)";

int store_schema_newest(void)
{
    size_t n;
    const struct migration *all = migrations_all(&n);
    return all[n - 1].version;
}

/* ---- what is there ---- */

/* Names of tables and indexes ("turn"), and of columns ("turn.content"), each ended by a newline. */
struct inventory {
    struct buf names;
    size_t tables;
};

/* Called by the driver for each column ("turn", "content") and each index ("ix_turn_id", none). */
static void add_name(void *arg, struct str name, struct str column)
{
    struct inventory *v = arg;
    buf_str(&v->names, name);
    if (column.p) {
        buf_char(&v->names, '.');
        buf_str(&v->names, column);
    }
    buf_char(&v->names, '\n');
    v->tables += column.p != NULL;
}

/* Lines, so that one search answers: a few thousand look-ups at each opening take well under a millisecond. */
static bool has(const struct inventory *v, const char *name, const char *column)
{
    char line[256];
    int n = snprintf(line, sizeof line, "\n%s%s%s\n", name, column ? "." : "", column ? column : "");
    return n > 0 && (size_t)n < sizeof line && memmem(v->names.p, v->names.n, line, (size_t)n) != NULL;
}

static enum err_code take_inventory(struct store_tx *tx, struct inventory *v, struct err *e)
{
    buf_clear(&v->names);
    v->tables = 0;
    buf_char(&v->names, '\n');
    enum err_code rc = tx->d->schema(tx->c, add_name, v, e);
    return rc ? rc : v->names.failed ? err_nomem(e) : ERR_OK;
}

/* ---- what is missing ---- */

/* The index names that the kind's DDL mentions and the database lacks. */
static bool lacks_index(const struct inventory *v, struct str ddl)
{
    static const char mark[] = "INDEX IF NOT EXISTS \"";
    for (ptrdiff_t at; (at = str_find(ddl, str_of(mark))) >= 0;) {
        ddl = str_skip(ddl, (size_t)at + sizeof mark - 1);
        struct str rest = ddl, name = str_cut(&rest, '"');
        char text[160];
        if (name.n >= sizeof text)
            return true;
        memcpy(text, name.p, name.n);
        text[name.n] = '\0';
        if (!has(v, text, NULL))
            return true;
    }
    return false;
}

/* SQL that adds what kind k lacks; nothing when it lacks nothing. */
static void put_missing(struct buf *out, const struct inventory *v, const struct kind *k, enum sql_dialect d)
{
    struct buf ddl;
    buf_init(&ddl, 0);
    ddl_kind(&ddl, k, d);
    bool table = has(v, k->name, "seq"), lacks = !table;
    for (size_t i = 0; i < k->n_fields && table; i++)
        if (!has(v, k->name, k->fields[i].name)) {
            ddl_add_column(out, k, &k->fields[i], d);
            lacks = true;
        }
    if (lacks || lacks_index(v, buf_view(&ddl)))
        buf_str(out, buf_view(&ddl));
    out->failed = out->failed || ddl.failed;
    buf_release(&ddl);
}

/* Empty when the database has everything the table of kinds names. */
static enum err_code missing_of_all(struct store_tx *tx, struct buf *sql, struct err *e)
{
    size_t n;
    const struct kind *all = kinds_all(&n);
    struct inventory v;
    buf_init(&v.names, 0);
    enum err_code rc = take_inventory(tx, &v, e);
    buf_clear(sql);
    for (size_t i = 0; i < n && !rc; i++)
        put_missing(sql, &v, &all[i], tx->d->dialect);
    if (!rc && sql->failed)
        rc = err_nomem(e);
    buf_release(&v.names);
    return rc;
}

/* ---- versions ---- */

/* 0: an empty database. ERR_CORRUPT: one that is not ours. */
enum err_code schema_version(struct store_tx *tx, int *out, struct err *e)
{
    struct inventory v;
    buf_init(&v.names, 0);
    *out = 0;
    enum err_code rc = take_inventory(tx, &v, e);
    if (!rc && has(&v, "schema_migration", "version")) {
        struct query q;
        query_fixed(&q, tx, STMT_MIGRATION_NEWEST, e);
        if (query_row(&q))
            *out = (int)query_col_int(&q, 0);
        rc = query_end(&q);
    } else if (!rc && v.tables) {
        rc =
            err_set(e, ERR_CORRUPT, NULL, "the database holds tables that are not Cairn's; choose another data folder");
    }
    buf_release(&v.names);
    return rc;
}

/* The note and the change are in one transaction: a step is done or it is not. */
static enum err_code step_up(struct store_tx *tx, const struct migration *m, struct err *e)
{
    enum err_code rc = m->up(tx, e);
    if (rc)
        return rc;
    struct query q;
    query_fixed(&q, tx, STMT_MIGRATION_ADD, e);
    query_int(&q, m->version);
    query_text(&q, str_of(m->name));
    query_int(&q, clock_now_ms());
    return query_run(&q);
}

static enum err_code step_down(struct store_tx *tx, const struct migration *m, struct err *e)
{
    enum err_code rc = m->down(tx, e);
    if (rc)
        return rc;
    struct query q;
    query_fixed(&q, tx, STMT_MIGRATION_REMOVE, e);
    query_int(&q, m->version);
    return query_run(&q);
}

/* An older program must not touch what it does not understand, not even by reading it wrongly. */
static enum err_code refuse_newer(int version, struct err *e)
{
    return err_set(e, ERR_UNAVAILABLE, NULL,
                   "the data was written by a newer Cairn (schema %d, this one knows %d); use that one, or take the"
                   " schema back with it first",
                   version, store_schema_newest());
}

/* Inside a write transaction. */
enum err_code schema_move(struct store_tx *tx, int version, struct err *e)
{
    size_t n;
    const struct migration *all = migrations_all(&n);
    int now;
    tx_forget(tx);
    enum err_code rc = schema_version(tx, &now, e);
    if (!rc && now > store_schema_newest())
        rc = refuse_newer(now, e);
    if (!rc && now < version)
        rc = tx->d->exec(tx->c, create_table, "change the schema", e);
    for (size_t i = 0; i < n && !rc; i++)
        if (all[i].version > now && all[i].version <= version)
            rc = step_up(tx, &all[i], e);
    for (size_t i = n; i-- > 0 && !rc;)
        if (all[i].version <= now && all[i].version > version)
            rc = step_down(tx, &all[i], e);
    return rc;
}

enum err_code schema_new_identity(struct store_tx *tx, struct err *e)
{
    char id[ID_MAX];
    struct query q;
    id_make("store", id);
    query_fixed(&q, tx, STMT_META_SET, e);
    query_text(&q, STR("identity"));
    query_text(&q, str_of(id));
    return query_run(&q);
}

/* ---- opening ---- */

static enum err_code bring_up(struct store_tx *tx, struct buf *sql, struct err *e)
{
    enum err_code rc = schema_move(tx, store_schema_newest(), e);
    if (!rc)
        rc = missing_of_all(tx, sql, e);
    buf_char(sql, '\0');
    if (!rc && sql->failed)
        rc = err_nomem(e);
    if (!rc && sql->n > 1)
        rc = tx->d->exec(tx->c, sql->p, "add what the table of kinds has new", e);
    return rc;
}

/* Stays empty in a store that is read-only and older than version 2; nothing derived from it will match then. */
static enum err_code read_identity(struct store *s, struct store_tx *tx, struct err *e)
{
    struct query q;
    query_fixed(&q, tx, STMT_META_GET, e);
    query_text(&q, STR("identity"));
    if (query_row(&q)) {
        struct str id = tx->d->column_text(q.s, 0);
        (void)snprintf(s->identity, sizeof s->identity, "%.*s", STR_ARG(id));
    }
    return query_end(&q);
}

/* Looks first, as most opens find all in place; only then takes the write lock. */
enum err_code schema_prepare(struct store *s, struct store_tx *tx, struct err *e)
{
    int version = 0;
    struct buf sql;
    buf_init(&sql, 0);
    enum err_code rc = schema_version(tx, &version, e);
    if (!rc && version > store_schema_newest())
        rc = refuse_newer(version, e);
    if (!rc && version == store_schema_newest())
        rc = missing_of_all(tx, &sql, e);
    bool due = version < store_schema_newest() || sql.n;
    if (!rc && due && !tx->writer)
        rc = err_set(e, ERR_READ_ONLY, NULL,
                     "the data was written by an older Cairn (schema %d) and cannot be brought up to date: it is open"
                     " for reading only",
                     version);
    if (!rc && due)
        rc = tx->d->begin(tx->c, DRIVER_WRITE, e);
    if (!rc && due) {
        rc = bring_up(tx, &sql, e);
        if (!rc && version == 0 && s->gate)
            rc = remask_whole(tx, e);
        if (!rc)
            rc = tx->d->commit(tx->c, e);
        if (rc)
            tx->d->rollback(tx->c);
    }
    buf_release(&sql);
    return rc ? rc : read_identity(s, tx, e);
}
