/* DDL from the table of kinds. What: CREATE TABLE, CREATE INDEX and ALTER TABLE in both dialects. Why: a
 * kind is declared once and its table follows. Not here: fixed tables and migrations (store/schema.c).
 *
 * The shape of a table: seq, id, project, created_at, updated_at, version, deleted_at, then the fields in their
 * declared order. All names are quoted, as some are words of one dialect ("character"). Choices and bounds
 * are not SQL constraints: they are checked before anything is written, and may widen later.
 *
 * seq in SQLite is a plain INTEGER PRIMARY KEY, not AUTOINCREMENT, which would update a second table with
 * every insert. SQLite then gives max(seq) + 1; no number comes twice as long as the row with the
 * highest seq stays, so erasure leaves that row in place, emptied (store/erase.h).
 *
 * Index names begin with ix_: tables and indexes share one space of names.
 *
 * Unique: ids made by Cairn are unique for ever. Names given by callers, and the `unique` columns of kinds
 * that can be deleted by their users, are unique among living rows, so that a name can be used again. */
#include "record/ddl.h"

static const char *sql_type(const struct field *f, enum sql_dialect d)
{
    switch (f->type) {
    case FIELD_INT:
    case FIELD_TIME:
        return d == SQL_SQLITE ? "INTEGER" : "BIGINT";
    case FIELD_BOOL:
        return "INTEGER";
    case FIELD_REAL:
        return d == SQL_SQLITE ? "REAL" : "DOUBLE PRECISION";
    case FIELD_TEXT:
    case FIELD_ENUM:
    case FIELD_OBJECT:
    case FIELD_ARRAY:
    case FIELD_JSON:
        break;
    }
    return "TEXT";
}

static void put_quoted(struct buf *out, struct str s)
{
    buf_char(out, '\'');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\'')
            buf_char(out, '\'');
        buf_char(out, s.p[i]);
    }
    buf_char(out, '\'');
}

/* A default as SQL. Text fields' defaults are JSON strings without escapes: only the quotes go. */
static void put_default(struct buf *out, const struct field *f)
{
    struct str s = str_of(f->fallback);
    buf_cstr(out, " DEFAULT ");
    switch (f->type) {
    case FIELD_INT:
    case FIELD_REAL:
    case FIELD_TIME:
        buf_str(out, s);
        break;
    case FIELD_BOOL:
        buf_char(out, str_is(s, "true") ? '1' : '0');
        break;
    case FIELD_TEXT:
    case FIELD_ENUM:
        put_quoted(out, str_take(str_skip(s, 1), s.n - 2));
        break;
    case FIELD_OBJECT:
    case FIELD_ARRAY:
    case FIELD_JSON:
        put_quoted(out, s);
        break;
    }
}

static void put_column(struct buf *out, const struct field *f, enum sql_dialect d)
{
    buf_fmt(out, "\"%s\" %s", f->name, sql_type(f, d));
    if (f->fallback)
        put_default(out, f);
}

/* "conversation_id, turn_number" as quoted names; directions (" DESC") are left out. */
static void put_names(struct buf *out, const char *list)
{
    struct str rest = str_of(list);
    for (bool first = true; rest.p; first = false) {
        struct str name = str_trim(str_cut(&rest, ','));
        name = str_cut(&name, ' ');
        buf_cstr(out, first ? "\"" : ", \"");
        buf_str(out, name);
        buf_char(out, '"');
    }
}

static void put_unique(struct buf *out, const struct kind *k, const char *what, const char *columns, bool living)
{
    buf_fmt(out, "CREATE UNIQUE INDEX IF NOT EXISTS \"ix_%s_%s\" ON \"%s\" (", k->name, what, k->name);
    put_names(out, columns);
    buf_cstr(out, living ? ") WHERE deleted_at IS NULL;\n" : ");\n");
}

static void put_indexes(struct buf *out, const struct kind *k)
{
    if (k->flags & KIND_CHAIN)
        return;
    if (k->flags & KIND_KEYED)
        put_unique(out, k, "id", "project, id", true);
    else
        put_unique(out, k, "id", "id", false);
    if (k->unique)
        put_unique(out, k, "unique", k->unique, !(k->flags & KIND_NO_CRUD));
    for (size_t i = 0; i < k->n_fields; i++)
        if (k->fields[i].flags & FIELD_INDEXED)
            buf_fmt(out, "CREATE INDEX IF NOT EXISTS \"ix_%s_%s\" ON \"%s\" (\"%s\", project);\n", k->name,
                    k->fields[i].name, k->name, k->fields[i].name);
    /* Counts, of all and of those since a time, and lists of all projects by age. Only the living are in it, and a row
     * never moves in it: without it, a count reads through the table, states and contents and all. */
    buf_fmt(out, "CREATE INDEX IF NOT EXISTS \"ix_%s_newest\" ON \"%s\" (created_at) WHERE deleted_at IS NULL;\n",
            k->name, k->name);
    /* What erasure has to take: nothing while nothing was deleted. Emptied rows (version 0) are not in it. */
    buf_fmt(out,
            "CREATE INDEX IF NOT EXISTS \"ix_%s_deleted\" ON \"%s\" (deleted_at)"
            " WHERE deleted_at IS NOT NULL AND version > 0;\n",
            k->name, k->name);
    /* Lists of one project come in order without sorting. seq and id orders have theirs already. */
    struct str order = str_of(k->order);
    if (order.p && !str_starts(order, "seq") && !str_is(order, "id")) {
        buf_fmt(out, "CREATE INDEX IF NOT EXISTS \"ix_%s_order\" ON \"%s\" (project, ", k->name, k->name);
        put_names(out, k->order);
        buf_cstr(out, ");\n");
    }
}

void ddl_kind(struct buf *out, const struct kind *k, enum sql_dialect d)
{
    bool lite = d == SQL_SQLITE;
    buf_fmt(out, "CREATE TABLE IF NOT EXISTS \"%s\" (\n", k->name);
    buf_fmt(out, "    seq %s,\n", lite ? "INTEGER PRIMARY KEY" : "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY");
    buf_cstr(out, "    id TEXT NOT NULL,\n    project TEXT NOT NULL,\n");
    buf_fmt(out, "    created_at %s NOT NULL,\n    updated_at %s NOT NULL,\n", lite ? "INTEGER" : "BIGINT",
            lite ? "INTEGER" : "BIGINT");
    buf_fmt(out, "    version %s NOT NULL DEFAULT 1,\n    deleted_at %s", lite ? "INTEGER" : "BIGINT",
            lite ? "INTEGER" : "BIGINT");
    for (size_t i = 0; i < k->n_fields; i++) {
        buf_cstr(out, ",\n    ");
        put_column(out, &k->fields[i], d);
        if (k->fields[i].flags & FIELD_REQUIRED)
            buf_cstr(out, " NOT NULL");
    }
    buf_cstr(out, "\n);\n");
    put_indexes(out, k);
}

void ddl_all(struct buf *out, enum sql_dialect d)
{
    size_t n;
    const struct kind *all = kinds_all(&n);
    for (size_t i = 0; i < n; i++)
        ddl_kind(out, &all[i], d);
}

void ddl_add_column(struct buf *out, const struct kind *k, const struct field *f, enum sql_dialect d)
{
    /* Never NOT NULL: the rows that are there have no value for it. */
    buf_fmt(out, "ALTER TABLE \"%s\" ADD COLUMN ", k->name);
    put_column(out, f, d);
    buf_cstr(out, ";\n");
}
