/* The database of a MEMORY-CONTEXT store: messages where it has such, sessions with their conversations as JSON,
 * checkpoints, patterns. */
#include "history/memory_context.h"

#include "history/table_records.h"
#include "history/tables.h"

enum { KB = 1024, NAME = 200 };

enum { MESSAGES, CHECKPOINTS, SESSIONS };
static const struct tables_layout layouts[] = {
    {.table = "messages",
     .names = {[TABLES_ROLE] = {"role", "message_role", "sender", "type"},
               [TABLES_CONTENT] = {"content", "message", "text"},
               [TABLES_TIME] = {"timestamp", "created_at", "first_seen", "time"},
               [TABLES_SESSION] = {"session_id", "conversation_id", "checkpoint", "checkpoint_id", "session"}}},
    {.table = "checkpoints",
     .names = {[TABLES_CONTENT] = {"summary", "content", "description"},
               [TABLES_TIME] = {"created_at", "timestamp", "created"},
               [TABLES_SESSION] = {"name", "checkpoint_id", "title", "id"}}},
    {.table = "sessions",
     .names = {[TABLES_CONTENT] = {"conversation_json"},
               [TABLES_TIME] = {"timestamp", "created_at"},
               [TABLES_TITLE] = {"title"},
               [TABLES_SESSION] = {"session_id", "id"}}},
};

static const struct table_field patterns[] = {{"name", "name", TABLE_TEXT, NAME},
                                              {"pattern_type", "pattern_type", TABLE_TEXT, NAME},
                                              {"description", "description", TABLE_TEXT, 64 * KB},
                                              {"template", "template", TABLE_TEXT, 1024 * KB},
                                              {"example", "example", TABLE_TEXT, 1024 * KB},
                                              {"category", "category", TABLE_TEXT, NAME},
                                              {"tags_csv", "tags", TABLE_LIST, 8 * KB},
                                              {"confidence", "confidence", TABLE_REAL, 1},
                                              {"quality_score", "quality_score", TABLE_REAL, 1},
                                              {"frequency", "frequency", TABLE_INT, 0},
                                              {"reuse_count", "reuse_count", TABLE_INT, 0},
                                              {"success_rate", "success_rate", TABLE_REAL, 1},
                                              {"last_used", "last_used", TABLE_TIME, 0},
                                              {"deprecated", "deprecated", TABLE_BOOL, 0},
                                              {"pattern_json", "details", TABLE_OBJECT, 1024 * KB}};
static const struct table_records of_patterns = {
    "patterns", "pattern", "created_at", NULL, false, patterns, sizeof patterns / sizeof *patterns};

struct reading {
    struct history_in *in;
    int which; /* of the layouts */
    int64_t records;
    struct often often;
};

static enum err_code tell(struct reading *r, struct str session, struct str role, struct str text, int64_t when,
                          const struct history_at *at, struct err *e)
{
    struct history_in *in = r->in;
    if (!str_trim(text).n)
        return history_skip(in, HISTORY_EMPTY, at, e);
    role = role.n ? role : STR("user");
    session = tables_session(in, session);
    const struct history_turn t = {.key = memory_context_key(&r->often, in->arena, session, role, text),
                                   .session = session,
                                   .agent = str_is(role, "user") ? role : STR("claude-code"),
                                   .role = role,
                                   .content = text,
                                   .timestamp = when,
                                   .metadata = r->which == CHECKPOINTS ? STR("\"kind\":\"checkpoint\"") : STR(""),
                                   .at = *at};
    enum err_code code = t.key.p ? history_turn(in, &t, e) : err_nomem(e);
    return code ? code : memory_context_told(in, text, e);
}

/* A session with its conversation: each message is a record. */
static enum err_code take_session(struct reading *r, const struct tables_row *row, struct err *e)
{
    struct history_in *in = r->in;
    const struct str *v = row->value;
    const struct json *list = NULL;
    struct err why = {0};
    bool read = v[TABLES_CONTENT].n && !history_json(in->arena, v[TABLES_CONTENT], &list, &why);
    if (read && list->type == JSON_OBJECT)
        list = json_get(list, "messages");
    if (!read || !list || list->type != JSON_ARRAY) {
        const struct history_at at = {++r->records, -1, (int64_t)v[TABLES_CONTENT].n};
        return history_skip(in, read ? HISTORY_UNKNOWN : v[TABLES_CONTENT].n ? HISTORY_DAMAGED : HISTORY_EMPTY, &at, e);
    }
    int64_t when = tables_time(v[TABLES_TIME]);
    enum err_code code =
        v[TABLES_TITLE].n && list->n ? history_title(in, v[TABLES_SESSION], v[TABLES_TITLE], e) : ERR_OK;
    for (size_t i = 0; i < list->n && !code; i++) {
        const struct json *m = &list->items[i];
        struct str role = tables_role(json_text(m, "role").n ? json_text(m, "role") : json_text(m, "type"));
        const struct history_at at = {++r->records, -1, (int64_t)m->raw.n};
        int64_t said = tables_time(json_text(m, "timestamp"));
        when = said ? said : when;
        code = tell(r, v[TABLES_SESSION], role, history_text(in->arena, json_get(m, "content")), when, &at, e);
    }
    return code;
}

static enum err_code take_row(void *arg, const struct tables_row *row, struct err *e)
{
    struct reading *r = arg;
    const struct str *v = row->value;
    enum err_code code;
    if (r->which == SESSIONS) {
        code = take_session(r, row, e);
    } else {
        struct str role = r->which == CHECKPOINTS ? STR("assistant") : tables_role(v[TABLES_ROLE]);
        const struct history_at at = {++r->records, -1, (int64_t)v[TABLES_CONTENT].n};
        code = tell(r, v[TABLES_SESSION], role, v[TABLES_CONTENT], tables_time(v[TABLES_TIME]), &at, e);
    }
    return code ? code : history_mark(r->in, 0, 0, e);
}

enum err_code memory_context_read_database(struct history_in *in, struct err *e)
{
    struct database *d = NULL;
    struct reading r = {.in = in};
    enum err_code code = database_open(in, &d, e);
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts && !code; i++) {
        r.which = (int)i;
        code = tables_read(d, in->arena, &layouts[i], take_row, &r, e);
    }
    if (!code)
        code = table_records_read(in, d, &of_patterns, &r.records, e);
    enum err_code closed = database_close(d, code ? NULL : e);
    often_free(&r.often);
    return code ? code : closed;
}
