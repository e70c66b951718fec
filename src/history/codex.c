/* Codex CLI: rollouts (a session each, by day, archived, or packed with zstd), the prompts in history.jsonl, and titles
 * in session_index.jsonl. What the lines of a rollout are is codex_item.c's. */
#include "history/codex.h"

#include "base/mem.h"
#include "history/formats.h"
#include "history/items.h"
#include "history/path.h"
#include "history/spool.h"

#include <string.h>
#include <unistd.h>

enum { ID_CHARS = 36, NAME_MOST = 200, SNIFFED_LINES = 8 };

static const struct history_root roots[] = {{"CODEX_HOME", "", ".codex"}};

static bool codex_recognise(struct str path, struct history_name *out)
{
    struct str base = path_base(path);
    *out = (struct history_name){0};
    if (path_is_private(base) || str_ends(base, ".toml"))
        *out = (struct history_name){.kind = "private", .way = HISTORY_LEAVE};
    else if (str_starts(base, "rollout-") && str_ends(base, ".jsonl"))
        *out = (struct history_name){.kind = "rollout", .grows = true};
    else if (str_starts(base, "rollout-") && str_ends(base, ".json"))
        *out = (struct history_name){.kind = "rollout document"};
    else if (str_starts(base, "rollout-") && str_ends(base, ".jsonl.zst"))
        *out = (struct history_name){.kind = "packed rollout", .order = 1};
    else if (str_is(base, "history.jsonl"))
        *out = (struct history_name){.kind = "prompts", .order = 2, .grows = true};
    else if (str_is(base, "session_index.jsonl"))
        *out = (struct history_name){.kind = "titles", .order = 3, .grows = true};
    return out->kind != NULL;
}

/* A rollout by its name or by any of its first lines, the lists by what stands in their lines. */
static bool codex_sniff(struct str path, struct str head)
{
    static const char *const keys[] = {"type", "payload", "ts", "text", "thread_name"};
    struct str base = path_base(path), member[5];
    if (str_starts(base, "rollout-"))
        return true;
    for (size_t i = 0; i < SNIFFED_LINES && head.n; i++) {
        if (!lines_members(str_cut(&head, '\n'), keys, 5, member))
            continue;
        bool item = str_is(member[0], "session_meta") || str_is(member[0], "response_item") ||
                    str_is(member[0], "event_msg") || str_is(member[0], "turn_context");
        if ((item && member[1].p) || (str_is(base, "history.jsonl") && member[2].p && member[3].p) ||
            (str_is(base, "session_index.jsonl") && member[4].p))
            return true;
    }
    return false;
}

/* ---- rollouts ---- */

/* The id at the end of "rollout-<time>-<id>"; where there is none the whole name is as good. */
static struct str session_of(struct str path)
{
    struct str name = path_without(path_without(path_without(path_base(path), ".zst"), ".jsonl"), ".json");
    return name.n > ID_CHARS && name.p[name.n - ID_CHARS - 1] == '-' ? str_skip(name, name.n - ID_CHARS) : name;
}

/* The first ones were documents: {session, items[]}. */
static enum err_code read_document(struct codex *c, struct err *e)
{
    struct history_in *in = c->in;
    const struct json *o;
    struct err why = {0};
    struct item item;
    bool found = true;
    struct buf head;
    buf_init(&head, 0);
    enum err_code code = items_member(in, "session", &head, e);
    if (!code && !history_json(in->arena, buf_view(&head), &o, &why))
        codex_begin(c, o);
    struct items *items = code ? NULL : items_new(in, "items", false);
    if (!code && !items)
        code = err_nomem(e);
    for (int64_t n = 1; !code; n++) {
        code = items_next(items, &item, &found, e);
        if (code || !found)
            break;
        const struct history_at at = {n, item.offset, item.bytes};
        const char *reason = item.too_large ? HISTORY_TOO_LARGE
                             : history_json(in->arena, item.text, &o, &why) || o->type != JSON_OBJECT ? HISTORY_DAMAGED
                                                                                                      : NULL;
        code = reason ? history_skip(in, reason, &at, e) : codex_item(c, o, &at, e);
        arena_reset(in->arena);
        if (!code)
            code = history_mark(in, 0, 0, e);
    }
    items_free(items);
    buf_release(&head);
    return code;
}

static enum err_code read_rollout(struct history_in *in, struct err *e)
{
    struct codex c = {.in = in};
    const struct records how = {.take = codex_item, .arg = &c, .quiet = &c.quiet};
    struct buf *bufs[] = {&c.session, &c.parent, &c.cwd, &c.version, &c.branch, &c.model, &c.thinking, &c.thread};
    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
        buf_init(bufs[i], 0);
    buf_str(&c.session, session_of(in->path));
    enum err_code code = str_ends(in->path, ".json") ? read_document(&c, e) : records_read(in, &how, e);
    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
        buf_release(bufs[i]);
    return code;
}

/* A packed one counts only while the plain one is not beside it. */
static bool plain_is_there(const struct history_in *in)
{
    struct str base = path_without(path_base(in->path), ".zst");
    char name[NAME_MOST];
    struct err none = {0};
    if (base.n >= sizeof name)
        return false;
    memcpy(name, base.p, base.n);
    name[base.n] = '\0';
    int fd = history_sibling(in, name, &none);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static enum err_code read_packed(struct history_in *in, struct err *e)
{
    const struct history_at at = {1, 0, in->size};
    bool whole;
    if (plain_is_there(in))
        return history_skip(in, HISTORY_REPEATED, &at, e);
    int fd = spool_open(e);
    if (fd < 0)
        return e->code;
    enum err_code code = spool_unzstd(in, fd, &whole, e);
    struct history_in spooled = spool_in(in, fd);
    if (!code)
        code = read_rollout(&spooled, e);
    if (!code && !whole)
        code = history_skip(in, HISTORY_DAMAGED, &at, e);
    close(fd);
    return code;
}

/* ---- prompts and titles ---- */

static enum err_code take_prompt(struct history_in *in, const struct json *o, const struct history_at *at,
                                 struct err *e)
{
    struct str session = json_text(o, "session_id"), text = json_text(o, "text");
    if (!session.n)
        session = json_text(o, "conversation_id");
    if (!session.n)
        return history_skip(in, HISTORY_DAMAGED, at, e);
    if (!str_trim(text).n)
        return history_skip(in, HISTORY_EMPTY, at, e);
    int64_t when = history_time(json_get(o, "ts"));
    const struct history_turn t = {.key = when ? prompt_key(in->arena, session, text, when) : STR_NONE,
                                   .session = session,
                                   .agent = STR("user"),
                                   .role = STR("user"),
                                   .content = text,
                                   .timestamp = when,
                                   .told = HISTORY_TYPED,
                                   .at = *at};
    return history_turn(in, &t, e);
}

static enum err_code take_title(struct history_in *in, const struct json *o, const struct history_at *at, struct err *e)
{
    struct str session = json_text(o, "id"), title = json_text(o, "thread_name");
    enum err_code code = session.n && title.n ? history_title(in, session, title, e) : ERR_OK;
    return code ? code : history_skip(in, HISTORY_META, at, e);
}

static enum err_code take_small(void *arg, const struct json *o, const struct history_at *at, struct err *e)
{
    struct history_in *in = arg;
    return strcmp(in->kind, "titles") ? take_prompt(in, o, at, e) : take_title(in, o, at, e);
}

static enum err_code codex_read(struct history_in *in, struct err *e)
{
    const struct records small = {.take = take_small, .arg = in};
    if (!strcmp(in->kind, "prompts") || !strcmp(in->kind, "titles"))
        return records_read(in, &small, e);
    return str_ends(in->path, ".zst") ? read_packed(in, e) : read_rollout(in, e);
}

const struct history_format history_codex = {
    .name = "codex",
    .title = "Codex CLI",
    .roots = roots,
    .n_roots = sizeof roots / sizeof *roots,
    .recognise = codex_recognise,
    .sniff = codex_sniff,
    .read = codex_read,
};
