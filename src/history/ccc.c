/* What CCC keeps beside messages: calls of tools, their answers and thoughts, which belong to messages, and what it
 * made of them. Tables are asked for single messages only where they have an index for it. */
#include "history/stores.h"

#include "base/json_write.h"

/* ---- of a message ---- */

static bool can_be_asked(struct database *d, const char *table, const char *column)
{
    static const char sql[] = "select 1 from sqlite_schema where type = 'index' and tbl_name = ?1 and sql like "
                              "'%(message_id%'";
    const struct str args[] = {str_of(table)};
    struct rows *r = NULL;
    struct err none = {0};
    bool found = false;
    if (!database_has(d, table, column) || !database_has(d, table, "message_id"))
        return false;
    if (!database_query(d, sql, args, 1, &r, &none))
        (void)rows_next(r, &found, &none);
    rows_free(r);
    return found;
}

void ccc_begin(struct store *s)
{
    s->tools = can_be_asked(s->db, "tool_uses", "tool_input");
    s->results = can_be_asked(s->db, "tool_results", "content");
    s->thoughts = can_be_asked(s->db, "thinking_blocks", "thinking_content");
}

/* The message's number may be a text: the column's own type says how it is compared. */
static enum err_code each(struct store *s, const char *sql, struct str number,
                          void (*take)(struct store *s, struct rows *r), struct err *e)
{
    struct rows *r = NULL;
    bool found = true;
    enum err_code code = database_query(s->db, sql, &number, 1, &r, e);
    while (!code) {
        code = rows_next(r, &found, e);
        if (code || !found)
            break;
        take(s, r);
    }
    rows_free(r);
    return code;
}

static void take_thought(struct store *s, struct rows *r)
{
    blocks_thought(&s->blocks, rows_text(r, 0));
}

static void take_tool(struct store *s, struct rows *r)
{
    const struct json *input = NULL;
    struct err why = {0};
    struct str text = arena_str(s->in->arena, rows_text(r, 1));
    if (text.n && history_json(s->in->arena, text, &input, &why))
        input = NULL;
    blocks_tool(&s->blocks, rows_text(r, 0), STR_NONE, input, STR_NONE);
}

/* A text, or blocks as JSON. */
static void take_result(struct store *s, struct rows *r)
{
    const struct json *v;
    struct err why = {0};
    struct str text = rows_text(r, 0);
    if (str_starts(text, "[{") && !history_json(s->in->arena, arena_str(s->in->arena, text), &v, &why))
        text = history_text(s->in->arena, v);
    blocks_text(&s->blocks, text.n ? text : rows_text(r, 1));
}

enum err_code ccc_beside(struct store *s, struct str number, bool *results, struct err *e)
{
    enum err_code code = ERR_OK;
    if (!number.n)
        return ERR_OK;
    if (s->thoughts)
        code = each(s, "select thinking_content from thinking_blocks where message_id = ?1 order by rowid", number,
                    take_thought, e);
    if (!code && s->tools)
        code = each(s, "select tool_name, tool_input from tool_uses where message_id = ?1 order by rowid", number,
                    take_tool, e);
    *results = !code && s->results && !s->blocks.text.n;
    if (*results)
        code = each(s, "select content, stdout from tool_results where message_id = ?1 order by rowid", number,
                    take_result, e);
    return code;
}

/* ---- what was made of messages ---- */

#define MADE(name, what, more, time)                                                                                   \
    {                                                                                                                  \
        .table = name, .conversations = "conversations", .conversation_id = "conversation_id", .names = {              \
            [TABLES_ID] = {"external_id", "id"},                                                                       \
            [TABLES_CONTENT] = {what},                                                                                 \
            [TABLES_MORE] = {more},                                                                                    \
            [TABLES_TIME] = {time, "created_at"},                                                                      \
            [TABLES_SESSION] = {".external_id", "conversation_id"},                                                    \
            [TABLES_CWD] = {".project_path"}                                                                           \
        }                                                                                                              \
    }

static const struct tables_layout made[] = {
    MADE("decisions", "decision_text", "rationale", "timestamp"),
    MADE("mistakes", "what_went_wrong", "correction", "timestamp"),
    MADE("requirements", "description", "rationale", "timestamp"),
    MADE("validations", "what_was_tested", "result", "timestamp"),
    MADE("methodologies", "problem_statement", "approach", "started_at"),
    MADE("research_findings", "discovery", "topic", "timestamp"),
    MADE("solution_patterns", "solution_summary", "problem_description", "timestamp"),
};

/* Ids were made at random, and anew with each indexing: the words say which it is. */
static enum err_code take_made(void *arg, const struct tables_row *row, struct err *e)
{
    struct store *s = arg;
    struct history_in *in = s->in;
    const struct str *v = row->value;
    const struct history_at at = {++s->records, -1, (int64_t)v[TABLES_CONTENT].n};
    const struct str session = tables_session(in, v[TABLES_SESSION]);
    blocks_clear(&s->blocks);
    blocks_text(&s->blocks, v[TABLES_CONTENT]);
    blocks_text(&s->blocks, v[TABLES_MORE]);
    if (blocks_failed(&s->blocks))
        return err_nomem(e);
    struct str text = buf_view(&s->blocks.text);
    const struct history_turn t = {.key = arena_fmt(in->arena, "%s/%.*s/%llx", s->layout->table, STR_ARG(session),
                                                    (unsigned long long)often_hash(&text, 1)),
                                   .session = session,
                                   .agent = STR("ccc"),
                                   .role = STR("system"),
                                   .content = text,
                                   .timestamp = tables_time(v[TABLES_TIME]),
                                   .cwd = v[TABLES_CWD],
                                   .metadata = arena_fmt(in->arena, "\"kind\":\"%s\"", s->layout->table),
                                   .replay = true,
                                   .at = at};
    enum err_code code = !text.n                   ? history_skip(in, HISTORY_EMPTY, &at, e)
                         : arena_failed(in->arena) ? err_nomem(e)
                                                   : history_turn(in, &t, e);
    return code ? code : history_mark(in, 0, 0, e);
}

static const struct table_field preferences[] = {{"preference", "value", TABLE_JSON, 1 << 19},
                                                 {"id", "key", TABLE_TEXT, 200},
                                                 {"category", "category", TABLE_TEXT, 200},
                                                 {"rationale", "description", TABLE_TEXT, 64 << 10}};

enum err_code ccc_records(struct store *s, struct err *e)
{
    static const struct table_records table = {
        "user_preferences", "preference", "updated_at", NULL, false, preferences, 4};
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < sizeof made / sizeof *made && !code; i++) {
        s->layout = &made[i];
        code = tables_read(s->db, s->in->arena, s->layout, take_made, s, e);
    }
    return code ? code : table_records_read(s->in, s->db, &table, &s->records, e);
}
