/* opencode's database: tables session, message and part. Sessions are read in the order of their last change, so that
 * the next reading begins with what has changed since; a margin is left for what was under way. Other tables (accounts,
 * tokens) are not asked. */
#include "history/database.h"
#include "history/opencode.h"

enum { MARGIN_MS = 24 * 60 * 60 * 1000 };

struct store {
    struct history_in *in;
    struct database *db;
    struct blocks blocks;
    int64_t records;
};

/* The parts of a message, in their order. */
static enum err_code take_parts(struct store *s, struct str message, struct err *e)
{
    struct rows *r = NULL;
    bool found = true;
    enum err_code code =
        database_query(s->db, "select data from part where message_id = ?1 order by id", &message, 1, &r, e);
    blocks_clear(&s->blocks);
    while (!code && found) {
        const struct json *part;
        struct err why = {0};
        code = rows_next(r, &found, e);
        if (!code && found && !history_json(s->in->arena, rows_text(r, 0), &part, &why))
            opencode_part(&s->blocks, part);
    }
    rows_free(r);
    return code;
}

/* A row of message: id, time, data. One that is still being written is left for another time. */
static enum err_code take_message(struct store *s, struct opencode_place *p, struct rows *r, struct err *e)
{
    struct history_in *in = s->in;
    struct str text = rows_text(r, 2);
    const struct json *data;
    struct err why = {0};
    p->id = arena_str(in->arena, rows_text(r, 0));
    p->created = rows_int(r, 1);
    p->at = (struct history_at){++s->records, -1, (int64_t)text.n};
    enum err_code code = history_json(in->arena, text, &data, &why);
    if (code == ERR_NOMEM || !p->id.p)
        return err_nomem(e);
    if (code || data->type != JSON_OBJECT || !p->id.n)
        return history_skip(in, HISTORY_DAMAGED, &p->at, e);
    if (opencode_unfinished(in, data)) {
        s->records--;
        return ERR_OK;
    }
    code = take_parts(s, p->id, e);
    return code ? code : opencode_message(in, p, data, &s->blocks, e);
}

static enum err_code take_messages(struct store *s, struct opencode_place *p, struct err *e)
{
    struct rows *r = NULL;
    bool found = true;
    enum err_code code = database_query(
        s->db, "select id, time_created, data from message where session_id = ?1 order by time_created, id",
        &p->session, 1, &r, e);
    while (!code && found) {
        code = rows_next(r, &found, e);
        if (!code && found)
            code = take_message(s, p, r, e);
        arena_reset(s->in->arena);
        if (!code)
            code = history_mark(s->in, s->in->from, 0, e);
    }
    rows_free(r);
    return code;
}

/* A row of session: id, parent, folder, title, last change. Its texts are kept while its messages are read. */
static enum err_code take_session(struct store *s, struct rows *r, struct err *e)
{
    struct arena *a = arena_new();
    if (!a)
        return err_nomem(e);
    struct opencode_place p = {.session = arena_str(a, rows_text(r, 0)),
                               .parent = arena_str(a, rows_text(r, 1)),
                               .cwd = arena_str(a, rows_text(r, 2))};
    struct str title = arena_str(a, rows_text(r, 3));
    int64_t changed = rows_int(r, 4);
    enum err_code code = arena_failed(a) ? err_nomem(e) : ERR_OK;
    if (!code && p.session.n && title.n && !p.parent.n)
        code = history_title(s->in, p.session, title, e);
    if (!code && p.session.n)
        code = take_messages(s, &p, e);
    if (!code && changed > s->in->from)
        s->in->from = changed;
    if (!code)
        code = history_mark(s->in, s->in->from, 0, e);
    arena_free(a);
    return code;
}

/* What the columns are called has been the same since there is a database; those that older ones lack are not asked
 * for. */
static struct str sessions_sql(struct store *s)
{
    struct arena *a = s->in->arena;
    bool parent = database_has(s->db, "session", "parent_id"), folder = database_has(s->db, "session", "directory");
    bool title = database_has(s->db, "session", "title"), changed = database_has(s->db, "message", "time_updated");
    return arena_fmt(
        a,
        "select id, %s, %s, %s, (select max(m.%s) from message m where m.session_id = session.id) as changed "
        "from session where ifnull(changed, 0) >= cast(?1 as integer) order by changed, id",
        parent ? "parent_id" : "null", folder ? "directory" : "null", title ? "title" : "null",
        changed ? "time_updated" : "time_created");
}

static enum err_code take_sessions(struct store *s, struct err *e)
{
    struct rows *r = NULL;
    bool found = true;
    struct str since =
        arena_fmt(s->in->arena, "%lld", (long long)(s->in->from > MARGIN_MS ? s->in->from - MARGIN_MS : 0));
    struct str sql = sessions_sql(s);
    if (!since.p || !sql.p)
        return err_nomem(e);
    enum err_code code = database_query(s->db, sql.p, &since, 1, &r, e);
    while (!code && found) {
        code = rows_next(r, &found, e);
        if (!code && found)
            code = take_session(s, r, e);
    }
    rows_free(r);
    return code;
}

enum err_code opencode_read_database(struct history_in *in, struct err *e)
{
    struct store s = {.in = in};
    enum err_code code = database_open(in, &s.db, e);
    blocks_init(&s.blocks);
    if (!code && database_has(s.db, "session", "id") && database_has(s.db, "message", "data") &&
        database_has(s.db, "part", "data"))
        code = take_sessions(&s, e);
    blocks_free(&s.blocks);
    enum err_code closed = database_close(s.db, code ? NULL : e);
    return code ? code : closed;
}
