/* Stores of other memories, each one SQLite database with a table of messages and one of conversations: CCC's (what it
 * read from transcripts of Claude Code and Codex, which have often gone since) and Chronicle Weaver's. */
#include "history/formats.h"
#include "history/path.h"
#include "history/tables.h"

#include "base/json_write.h"

struct store {
    struct history_in *in;
    const struct tables_layout *layout;
    const char *agent;
    bool copies;    /* ids are those of the tool whose words were copied */
    bool summaries; /* the rows were made of messages: stored, and left out of recall */
    int64_t records;
};

static const struct tables_layout ccc_messages = {.table = "messages",
                                                  .conversations = "conversations",
                                                  .conversation_id = "conversation_id",
                                                  .names = {[TABLES_ID] = {"external_id", "id"},
                                                            [TABLES_ROLE] = {"role", "message_type"},
                                                            [TABLES_CONTENT] = {"content"},
                                                            [TABLES_TIME] = {"timestamp"},
                                                            [TABLES_SESSION] = {".external_id", "conversation_id"},
                                                            [TABLES_CWD] = {"cwd", ".project_path"},
                                                            [TABLES_PARENT] = {"parent_external_id", "parent_id"},
                                                            [TABLES_SIDE] = {"agent_id", "is_sidechain"}}};

static const struct tables_layout weaver_messages = {.table = "messages",
                                                     .conversations = "conversations",
                                                     .conversation_id = "conversation_id",
                                                     .names = {[TABLES_ID] = {"id"},
                                                               [TABLES_ROLE] = {"role"},
                                                               [TABLES_CONTENT] = {"content"},
                                                               [TABLES_TIME] = {"timestamp", "created_at"},
                                                               [TABLES_SESSION] = {"conversation_id"},
                                                               [TABLES_TITLE] = {".title"},
                                                               [TABLES_MODEL] = {"llm_provider", "agent_name"}}};

static const struct tables_layout weaver_summaries = {
    .table = "conversation_summaries",
    .conversations = "conversations",
    .conversation_id = "conversation_id",
    .names = {[TABLES_ID] = {"id"},
              [TABLES_CONTENT] = {"summary_text", "summary", "content"},
              [TABLES_TIME] = {"created_at", "timestamp"},
              [TABLES_SESSION] = {"conversation_id"},
              [TABLES_TITLE] = {".title"}}};

/* ---- rows ---- */

static struct str metadata(const struct store *s, const struct tables_row *row, bool side)
{
    static const struct {
        enum tables_column column;
        const char *key;
    } kept[] = {{TABLES_ID, "id"}, {TABLES_PARENT, "parent"}, {TABLES_MODEL, "model"}};
    struct buf b;
    struct json_out w;
    buf_init(&b, 0);
    jw_init(&w, &b);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (row->value[kept[i].column].n)
            jw_kstr(&w, kept[i].key, row->value[kept[i].column]);
    if (side)
        jw_kbool(&w, "side_chain", true);
    if (s->summaries)
        jw_kcstr(&w, "kind", "summary");
    return buf_take(&b, s->in->arena);
}

static enum err_code skip(struct store *s, const char *reason, const struct history_at *at, struct err *e)
{
    enum err_code code = history_skip(s->in, reason, at, e);
    return code ? code : history_mark(s->in, 0, 0, e);
}

static enum err_code take_row(void *arg, const struct tables_row *row, struct err *e)
{
    struct store *s = arg;
    struct history_in *in = s->in;
    struct arena *a = in->arena;
    const struct str *v = row->value;
    const struct history_at at = {++s->records, -1, (int64_t)v[TABLES_CONTENT].n};
    struct str role = s->summaries ? STR("system") : tables_role(v[TABLES_ROLE]), id = v[TABLES_ID];
    bool side = v[TABLES_SIDE].n && !str_is(v[TABLES_SIDE], "0"), person = str_is(role, "user") && !side;
    if (!str_trim(v[TABLES_CONTENT]).n)
        return skip(s, HISTORY_EMPTY, &at, e);
    if (!role.n)
        return skip(s, HISTORY_META, &at, e);
    struct str session = v[TABLES_SESSION].n ? v[TABLES_SESSION] : path_without(path_base(in->path), ".db");
    enum err_code code = v[TABLES_TITLE].n ? history_title(in, session, v[TABLES_TITLE], e) : ERR_OK;
    const struct history_turn t = {
        .key = s->copies || !id.n ? id : arena_fmt(a, "%s/%.*s/%.*s", s->layout->table, STR_ARG(session), STR_ARG(id)),
        .session = session,
        .thread = side ? v[TABLES_SIDE] : STR_NONE,
        .agent = person ? STR("user") : str_of(s->agent),
        .role = person || !str_is(role, "user") ? role : STR("assistant"),
        .content = v[TABLES_CONTENT],
        .timestamp = tables_time(v[TABLES_TIME]),
        .cwd = v[TABLES_CWD],
        .metadata = metadata(s, row, side),
        .replay = s->summaries,
        .at = at};
    if (!code)
        code = arena_failed(a) ? err_nomem(e) : history_turn(in, &t, e);
    return code ? code : history_mark(in, 0, 0, e);
}

static enum err_code read_database(struct history_in *in, const struct tables_layout *const *layouts, size_t n,
                                   const char *agent, struct err *e)
{
    struct database *d = NULL;
    struct store s = {.in = in, .agent = agent};
    enum err_code code = database_open(in, &d, e);
    for (size_t i = 0; i < n && !code; i++) {
        s.layout = layouts[i];
        s.summaries = layouts[i] == &weaver_summaries;
        s.copies = layouts[i] == &ccc_messages;
        code = tables_read(d, in->arena, layouts[i], take_row, &s, e);
    }
    enum err_code closed = database_close(d, code ? NULL : e);
    return code ? code : closed;
}

/* ---- CCC ---- */

static bool ccc_recognise(struct str path, struct history_name *out)
{
    struct str base = path_base(path);
    *out = (struct history_name){.kind = "database", .beside = "-wal"};
    return str_starts(base, ".cccmemory")
               ? str_ends(base, ".db")
               : str_ends(base, "-conversations-memory.db") || str_is(base, "cccmemory.db") || str_is(base, "ccc.db");
}

static bool ccc_sniff(struct str path, struct str head)
{
    struct history_name n;
    return str_starts(head, "SQLite format 3") && ccc_recognise(path, &n);
}

static enum err_code ccc_read(struct history_in *in, struct err *e)
{
    static const struct tables_layout *const layouts[] = {&ccc_messages};
    return read_database(in, layouts, 1, "claude-code", e);
}

static const struct history_root ccc_roots[] = {{"CCCMEMORY_DIR", "", NULL}};

const struct history_format history_ccc = {
    .name = "ccc",
    .keys_of = "claude-code", /* whose ids they are */
    .title = "CCC memory",
    .roots = ccc_roots,
    .n_roots = 1,
    .recognise = ccc_recognise,
    .sniff = ccc_sniff,
    .read = ccc_read,
};

/* ---- Chronicle Weaver ---- */

static bool weaver_recognise(struct str path, struct history_name *out)
{
    struct str base = path_base(path);
    *out = (struct history_name){.kind = "database", .beside = "-wal"};
    return str_starts(base, "chronicle") && str_ends(base, ".db");
}

static bool weaver_sniff(struct str path, struct str head)
{
    struct history_name n;
    return str_starts(head, "SQLite format 3") && weaver_recognise(path, &n);
}

static enum err_code weaver_read(struct history_in *in, struct err *e)
{
    static const struct tables_layout *const layouts[] = {&weaver_messages, &weaver_summaries};
    return read_database(in, layouts, 2, "chronicle-weaver", e);
}

static const struct history_root weaver_roots[] = {{"CHRONICLE_WEAVER_DIR", "", NULL}};

const struct history_format history_weaver = {
    .name = "chronicle-weaver",
    .title = "Chronicle Weaver",
    .roots = weaver_roots,
    .n_roots = 1,
    .recognise = weaver_recognise,
    .sniff = weaver_sniff,
    .read = weaver_read,
};
