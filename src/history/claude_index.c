/* projects/<project>/sessions-index.json: what the tool knows of each session of a project. It outlives transcripts,
 * which are deleted after a while: of a session without one its entry is all there is, and what it says becomes a turn
 * (of nobody's: the prompt in it is cut and put in one line). Of the others it gives titles. */
#include "history/claude.h"
#include "history/items.h"
#include "history/often.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NAME_MOST = 128, BEGINNING = 48 };

/* Lists have it in one line, and cut. */
struct str claude_beginning(struct arena *a, struct str session, struct str text)
{
    char words[BEGINNING];
    size_t n = 0;
    text = str_trim(text);
    for (size_t i = 0; i < text.n && n < sizeof words; i++) {
        bool blank = (unsigned char)text.p[i] <= ' ';
        if (!blank)
            words[n++] = text.p[i];
        else if (n && words[n - 1] != ' ')
            words[n++] = ' ';
    }
    const struct str parts[] = {session, {words, n}};
    return arena_fmt(a, "begins:%llx", (unsigned long long)often_hash(parts, sizeof parts / sizeof *parts));
}

/* Whether the session's transcript lies beside the list. */
static bool has_transcript(const struct history_in *in, struct str session)
{
    char name[NAME_MOST + 8];
    struct err none = {0};
    if (session.n > NAME_MOST || memchr(session.p, '/', session.n))
        return false;
    snprintf(name, sizeof name, "%.*s.jsonl", STR_ARG(session));
    int fd = history_sibling(in, name, &none);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static enum err_code tell_title(struct history_in *in, const struct json *o, struct str session, struct err *e)
{
    struct str own = json_text(o, "customTitle"), summary = json_text(o, "summary");
    if (own.n)
        return history_title_by(in, session, own, HISTORY_TITLE_OWN, e);
    return summary.n ? history_title_by(in, session, summary, HISTORY_TITLE_GUESS, e) : ERR_OK;
}

/* How a session began of which nothing else is left, unless that prompt was met. */
static enum err_code tell_prompt(struct history_in *in, const struct json *o, const struct history_at *at,
                                 struct err *e)
{
    struct str session = json_text(o, "sessionId"), text = json_text(o, "firstPrompt"),
               summary = json_text(o, "summary");
    const struct json *count = json_get_type(o, "messageCount", JSON_INT);
    struct history_notes n;
    notes_init(&n);
    notes_put(&n, "kind", STR("sessions index"));
    notes_put(&n, "branch", json_text(o, "gitBranch"));
    notes_put(&n, "modified", json_text(o, "modified"));
    if (count)
        jw_kint(&n.f, "messages", count->integer);
    int64_t when = history_time(json_get(o, "created"));
    const struct history_turn t = {
        .key = claude_beginning(in->arena, session, text),
        .session = session,
        .agent = STR("claude-code"),
        .role = STR("system"),
        .content = summary.n ? arena_fmt(in->arena, "%.*s\n\n%.*s", STR_ARG(text), STR_ARG(summary)) : text,
        .timestamp = when ? when : history_time(json_get(o, "modified")),
        .cwd = json_text(o, "projectPath"),
        .metadata = buf_view(&n.texts),
        .facts = buf_view(&n.facts),
        .at = *at};
    enum err_code code = notes_failed(&n) || arena_failed(in->arena) ? err_nomem(e) : history_turn(in, &t, e);
    notes_free(&n);
    return code;
}

static enum err_code take_entry(struct history_in *in, const struct json *o, const struct history_at *at, struct err *e)
{
    struct str session = json_text(o, "sessionId"), text = str_trim(json_text(o, "firstPrompt"));
    const struct json *side = json_get_type(o, "isSidechain", JSON_BOOL);
    if (!session.n)
        return history_skip(in, HISTORY_UNKNOWN, at, e);
    if (side && side->boolean)
        return history_skip(in, HISTORY_META, at, e);
    bool typed = text.n && !str_is(text, "No prompt") && claude_voice_of(o, o, text) == CLAUDE_PERSON;
    enum err_code code =
        !typed || has_transcript(in, session) ? history_skip(in, HISTORY_META, at, e) : tell_prompt(in, o, at, e);
    return code ? code : tell_title(in, o, session, e);
}

enum err_code claude_index_read(struct history_in *in, struct err *e)
{
    struct items *items = items_new(in, "entries", false);
    struct item item;
    bool found = true;
    enum err_code code = items ? ERR_OK : err_nomem(e);
    for (int64_t number = 1; !code && found; number++) {
        const struct json *o;
        struct err why = {0};
        code = items_next(items, &item, &found, e);
        if (code || !found)
            break;
        const struct history_at at = {number, item.offset, item.bytes};
        enum err_code parsed = item.too_large ? ERR_INVALID : history_json(in->arena, item.text, &o, &why);
        if (parsed == ERR_NOMEM)
            code = err_nomem(e);
        else
            code = parsed ? history_skip(in, item.too_large ? HISTORY_TOO_LARGE : HISTORY_DAMAGED, &at, e)
                          : take_entry(in, o, &at, e);
        arena_reset(in->arena);
    }
    items_free(items);
    return code ? code : history_mark(in, 0, 0, e);
}
