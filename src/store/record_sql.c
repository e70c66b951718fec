/* SQL that follows from the table of kinds, and reading its rows. Every SELECT names its columns: a table
 * that an older or newer Cairn made may hold them in another order, or more of them. */
#include "store/gate_int.h"
#include "store/sealing.h"

enum { SHARED_COLUMNS = 7 };

/* In the order query_record reads them. */
void sql_columns(struct buf *out, const struct kind *k)
{
    buf_cstr(out, "seq, id, project, created_at, updated_at, version, deleted_at");
    for (size_t i = 0; i < k->n_fields; i++)
        buf_fmt(out, ", \"%s\"", k->fields[i].name);
}

static void put_select(struct buf *out, const struct kind *k, const char *where)
{
    buf_cstr(out, "SELECT ");
    sql_columns(out, k);
    buf_fmt(out, " FROM \"%s\" WHERE %s", k->name, where);
}

/* seq is left out: the database gives it. */
static void put_insert(struct buf *out, const struct kind *k)
{
    buf_fmt(out, "INSERT INTO \"%s\" (id, project, created_at, updated_at, version, deleted_at", k->name);
    for (size_t i = 0; i < k->n_fields; i++)
        buf_fmt(out, ", \"%s\"", k->fields[i].name);
    buf_cstr(out, ") VALUES (?1");
    for (size_t i = 1; i < k->n_fields + SHARED_COLUMNS - 1; i++)
        buf_fmt(out, ", ?%zu", i + 1);
    buf_char(out, ')');
}

bool sql_names_session(const struct kind *k)
{
    return k == KIND_SESSION || kind_field(k, STR("session_id")) >= 0;
}

/* So that a change tells whose it was without another look-up. */
void sql_returning(struct buf *out, const struct kind *k)
{
    if (sql_names_session(k))
        buf_cstr(out, k == KIND_SESSION ? " RETURNING id" : " RETURNING \"session_id\"");
}

void sql_of_kind(struct buf *out, const struct kind *k, enum kind_sql which)
{
    switch (which) {
    case SQL_GET_ID:
        put_select(out, k, "id = ?1 AND deleted_at IS NULL ORDER BY seq LIMIT 1");
        break;
    case SQL_GET_KEYED:
        put_select(out, k, "id = ?1 AND project = ?2 AND deleted_at IS NULL");
        break;
    case SQL_GET_SEQ:
        put_select(out, k, "seq = ?1 AND deleted_at IS NULL");
        break;
    case SQL_AFTER:
        put_select(out, k, "seq > ?1 ORDER BY seq LIMIT ?2");
        break;
    case SQL_INSERT:
        put_insert(out, k);
        break;
    case SQL_DELETE:
        buf_fmt(out,
                "UPDATE \"%s\" SET deleted_at = ?2, updated_at = ?2, version = version + 1"
                " WHERE seq = ?1 AND deleted_at IS NULL",
                k->name);
        sql_returning(out, k);
        break;
    case SQL_COUNT:
        buf_fmt(out, "SELECT count(*) FROM \"%s\" WHERE deleted_at IS NULL AND (?1 IS NULL OR project = ?1)", k->name);
        break;
    case SQL_KINDS:
        break;
    }
}

/* By the field's type, not by the database's: SQLite lets a column hold anything. */
static struct value read_value(struct query *q, struct arena *a, const struct record *r, const struct field *f,
                               int column)
{
    const struct store_driver *d = q->tx->d;
    if (d->column_null(q->s, column))
        return V_NULL;
    switch (f->type) {
    case FIELD_INT:
    case FIELD_BOOL:
    case FIELD_TIME:
        return V_INT(d->column_int(q->s, column));
    case FIELD_REAL:
        return V_REAL(d->column_real(q->s, column));
    case FIELD_TEXT:
    case FIELD_ENUM:
    case FIELD_OBJECT:
    case FIELD_ARRAY:
    case FIELD_JSON:
        break;
    }
    if (!field_seals(r->kind, f))
        return V_TEXT(query_col_text(q, a, column));
    struct str s = query_col_sealed(q, a, column, (struct sealed_place){r->kind->name, f->name, r->id});
    if (s.p)
        return V_TEXT(s);
    return f->fallback ? field_default(f) : V_NULL; /* its key was destroyed */
}

/* Everything is copied into the arena, as the row goes with the next step. */
struct record *query_record(struct query *q, struct arena *a, const struct kind *k)
{
    struct record *r = record_new(a, k);
    if (!r) {
        q->rc = err_nomem(q->e);
        return NULL;
    }
    r->seq = query_col_int(q, 0);
    r->id = query_col_text(q, a, 1);
    r->project = query_col_text(q, a, 2);
    r->created_at = query_col_int(q, 3);
    r->updated_at = query_col_int(q, 4);
    r->version = query_col_int(q, 5);
    r->deleted_at = query_col_int(q, 6);
    for (size_t i = 0; i < k->n_fields; i++)
        r->v[i] = read_value(q, a, r, &k->fields[i], SHARED_COLUMNS + (int)i);
    if (!q->rc && q->tx->reader)
        q->rc = gate_shown_record(q->tx, a, r, q->e);
    return q->rc ? NULL : r;
}
