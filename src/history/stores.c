/* Stores of other memories, each one SQLite database with a table of messages and one of conversations: CCC's (what it
 * read from transcripts of Claude Code and Codex, which have often gone since) and Chronicle Weaver's. What is beside
 * the messages is ccc.c's and weaver.c's. */
#include "history/stores.h"

#include "history/claude.h"
#include "history/formats.h"
#include "history/path.h"

static const struct tables_layout ccc_messages = {.table = "messages",
                                                  .conversations = "conversations",
                                                  .conversation_id = "conversation_id",
                                                  .names = {[TABLES_ID] = {"external_id", "id"},
                                                            [TABLES_ROLE] = {"role"},
                                                            [TABLES_TYPE] = {"message_type"},
                                                            [TABLES_CONTENT] = {"content"},
                                                            [TABLES_TIME] = {"timestamp"},
                                                            [TABLES_SESSION] = {".external_id", "conversation_id"},
                                                            [TABLES_CWD] = {"cwd", ".project_path"},
                                                            [TABLES_PARENT] = {"parent_external_id", "parent_id"},
                                                            [TABLES_SIDE] = {"agent_id", "is_sidechain"},
                                                            [TABLES_META] = {"metadata"},
                                                            [TABLES_SOURCE] = {".source_type"},
                                                            [TABLES_NUMBER] = {"id"}}};

static const struct tables_layout weaver_messages = {.table = "messages",
                                                     .conversations = "conversations",
                                                     .conversation_id = "conversation_id",
                                                     .names = {[TABLES_ID] = {"id"},
                                                               [TABLES_ROLE] = {"role"},
                                                               [TABLES_CONTENT] = {"content"},
                                                               [TABLES_TIME] = {"timestamp", "created_at"},
                                                               [TABLES_SESSION] = {"conversation_id"},
                                                               [TABLES_BEGAN] = {".created_at"},
                                                               [TABLES_TITLE] = {".title"},
                                                               [TABLES_MODEL] = {"model", "llm_provider"},
                                                               [TABLES_AGENT] = {"agent_name"}}};

/* ---- rows ---- */

/* What a row becomes. */
struct told {
    struct str role, agent;
    const char *kind;
    bool person, side, replay;
};

static struct str metadata(const struct store *s, const struct tables_row *row, const struct told *t)
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
    if (t->side)
        jw_kbool(&w, "side_chain", true);
    if (t->kind)
        jw_kcstr(&w, "kind", t->kind);
    blocks_metadata(&s->blocks, &w);
    return buf_take(&b, s->in->arena);
}

/* A copy of a line of Claude Code's under the name of the user: the line stands beside it, where it was kept. */
static void tell_user(const struct store *s, const struct tables_row *row, struct told *t)
{
    const struct json *line = NULL;
    struct err why = {0};
    if (row->value[TABLES_META].n && history_json(s->in->arena, row->value[TABLES_META], &line, &why))
        line = NULL;
    enum claude_voice voice = claude_voice_of(line, line, row->value[TABLES_CONTENT]);
    t->replay = voice == CLAUDE_MACHINE;
    t->person = voice == CLAUDE_PERSON && !t->side;
    t->kind = t->replay                          ? "generated"
              : voice == CLAUDE_COMMAND          ? "command"
              : voice == CLAUDE_AGENT || t->side ? "task"
                                                 : NULL;
    t->role = t->replay || voice == CLAUDE_COMMAND ? STR("system") : t->person ? STR("user") : STR("assistant");
}

static void tell(const struct store *s, const struct tables_row *row, bool results, struct told *t)
{
    const struct str *v = row->value;
    t->role = tables_role(v[TABLES_ROLE]);
    t->side = v[TABLES_SIDE].n && !str_is(v[TABLES_SIDE], "0");
    t->person = str_is(t->role, "user") && !t->side;
    if (results) {
        t->role = STR("tool");
        t->person = false;
    } else if (s->copies && str_is(t->role, "user")) {
        tell_user(s, row, t);
    } else if (s->copies && !t->role.n && str_is(v[TABLES_TYPE], "system")) {
        t->role = STR("system");
        t->replay = true;
    } else if (str_is(t->role, "user") && !t->person) {
        t->role = STR("assistant");
    }
    t->agent = t->person                           ? STR("user")
               : v[TABLES_AGENT].n                 ? v[TABLES_AGENT]
               : str_is(v[TABLES_SOURCE], "codex") ? STR("codex")
                                                   : str_of(s->agent);
}

static enum err_code skip(struct store *s, const char *reason, const struct history_at *at, struct err *e)
{
    enum err_code code = history_skip(s->in, reason, at, e);
    return code ? code : history_mark(s->in, 0, 0, e);
}

/* The words of a row and, of a copy, what other tables hold of it. *results: they are answers of tools. */
static enum err_code put_together(struct store *s, const struct tables_row *row, bool *results, struct err *e)
{
    const struct str *v = row->value;
    blocks_clear(&s->blocks);
    blocks_text(&s->blocks, v[TABLES_CONTENT]);
    enum err_code code = s->copies ? ccc_beside(s, v[TABLES_NUMBER], results, e) : ERR_OK;
    return code || !blocks_failed(&s->blocks) ? code : err_nomem(e);
}

/* A number is another message in another database: there its words say which it is. */
static struct str key_of(const struct store *s, struct str session, struct str id, struct str text)
{
    return s->copies || !id.n ? id
                              : arena_fmt(s->in->arena, "%s/%.*s/%.*s/%llx", s->layout->table, STR_ARG(session),
                                          STR_ARG(id), (unsigned long long)often_hash(&text, 1));
}

static enum err_code take_row(void *arg, const struct tables_row *row, struct err *e)
{
    struct store *s = arg;
    struct history_in *in = s->in;
    const struct str *v = row->value;
    const struct history_at at = {++s->records, -1, (int64_t)v[TABLES_CONTENT].n};
    struct told what = {0};
    bool results = false;
    enum err_code code = put_together(s, row, &results, e);
    struct str text = buf_view(&s->blocks.text);
    if (code)
        return code;
    if (!text.n)
        return skip(s, HISTORY_EMPTY, &at, e);
    tell(s, row, results, &what);
    if (!what.role.n)
        return skip(s, HISTORY_META, &at, e);
    struct str session = table_session(in->arena, tables_session(in, v[TABLES_SESSION]), v[TABLES_BEGAN]);
    if (v[TABLES_TITLE].n)
        code = history_title(in, session, v[TABLES_TITLE], e);
    const struct history_turn t = {.key = key_of(s, session, v[TABLES_ID], text),
                                   .session = session,
                                   .thread = what.side ? v[TABLES_SIDE] : STR_NONE,
                                   .agent = what.agent,
                                   .role = what.role,
                                   .content = text,
                                   .timestamp = tables_time(v[TABLES_TIME]),
                                   .cwd = v[TABLES_CWD],
                                   .metadata = metadata(s, row, &what),
                                   .replay = what.replay,
                                   .at = at};
    if (!code)
        code = arena_failed(in->arena) ? err_nomem(e) : history_turn(in, &t, e);
    return code ? code : history_mark(in, 0, 0, e);
}

static enum err_code read_store(struct history_in *in, struct store *s, struct err *e)
{
    s->in = in;
    blocks_init(&s->blocks);
    enum err_code code = database_open(in, &s->db, e);
    if (!code && s->copies)
        ccc_begin(s);
    if (!code)
        code = tables_read(s->db, in->arena, s->layout, take_row, s, e);
    if (!code)
        code = s->copies ? ccc_records(s, e) : weaver_records(in, s->db, &s->records, e);
    blocks_free(&s->blocks);
    enum err_code closed = database_close(s->db, code ? NULL : e);
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
    struct store s = {.layout = &ccc_messages, .agent = "claude-code", .copies = true};
    return read_store(in, &s, e);
}

static const struct history_root ccc_roots[] = {{"CCCMEMORY_DIR", "", NULL}, {NULL, "", ".cccmemory.db"}};

const struct history_format history_ccc = {
    .name = "ccc",
    .keys_of = "claude-code", /* whose ids they are */
    .title = "CCC memory",
    .copies = true,
    .roots = ccc_roots,
    .n_roots = 2,
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
    struct store s = {.layout = &weaver_messages, .agent = "chronicle-weaver"};
    return read_store(in, &s, e);
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
