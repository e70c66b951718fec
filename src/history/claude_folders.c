/* Claude Code's folders beside its transcripts. What people typed (history.jsonl, with its pastes) and what was planned
 * and remembered is recalled; lists, versions of files, logs and environments are stored with their session, and left
 * out of recall. A file that is changed is told anew, as what it says now. */
#include "history/claude.h"
#include "history/path.h"
#include "history/prompt.h"
#include "history/records.h"

#include "base/file.h"
#include "base/json_write.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_MOST = 4 << 20, PASTE_MOST = 4 << 20, NAME_MOST = 128, HASH_MOST = 64, PASTES_MOST = 64 };

/* ---- whole files ---- */

struct str claude_some(struct arena *a, int fd, size_t most)
{
    int64_t size = 0;
    size_t got = 0;
    bool gone;
    struct err why = {0};
    if (file_look(fd, &size, &gone, &why) || size < 0)
        return STR_NONE;
    size_t n = (size_t)size < most ? (size_t)size : most;
    char *text = arena_alloc(a, n + 1);
    return text && !file_read_at(fd, 0, text, n, &got, &why) ? (struct str){text, got} : STR_NONE;
}

enum err_code claude_tell_whole(struct history_in *in, const struct claude_whole *w, struct err *e)
{
    const struct history_at at = {1, 0, in->size};
    if (arena_failed(in->arena))
        return err_nomem(e);
    if (!str_trim(w->text).n || memchr(w->text.p, '\0', w->text.n))
        return history_skip(in, HISTORY_EMPTY, &at, e); /* nothing, or no text: pictures, programs */
    const struct history_turn t = {.key = w->key.n ? w->key
                                                   : path_key(in->arena, in->kind, w->session, w->thread, w->text),
                                   .session = w->session,
                                   .thread = w->thread,
                                   .agent = STR("claude-code"),
                                   .role = str_of(w->role),
                                   .content = w->text,
                                   .timestamp = in->modified,
                                   .cwd = w->cwd,
                                   .metadata = w->metadata,
                                   .replay = w->replay,
                                   .at = at};
    return history_turn(in, &t, e);
}

static struct str kind_member(struct history_in *in, int64_t size)
{
    return arena_fmt(in->arena, "\"kind\":\"%s\"%s", in->kind, size > TEXT_MOST ? ",\"cut\":true" : "");
}

/* Plans and notes are the assistant's words; snapshots of shells and environments are nobody's. */
static enum err_code read_text(struct history_in *in, struct err *e)
{
    bool plan = !strcmp(in->kind, "plan"), memory = !strcmp(in->kind, "memory"),
         shell = !strcmp(in->kind, "shell snapshot");
    struct str base = path_without(path_base(in->path), ".md"), folder = path_folder(in->path);
    struct str above =
        memory && folder.n < in->path.n ? path_folder(str_take(in->path, (size_t)(folder.p - in->path.p))) : STR_NONE;
    if (memory) /* projects/<project>/memory/x.md */
        base = arena_fmt(in->arena, "%.*s/memory/%.*s", STR_ARG(above.n ? above : STR("-")), STR_ARG(base));
    const struct claude_whole w = {.cwd = memory ? claude_folder_of_notes(in) : STR_NONE,
                                   .session = plan || memory ? base
                                              : shell        ? STR("shell-snapshots")
                                              : folder.n     ? folder
                                                             : base,
                                   .thread = plan || memory || shell ? STR_NONE : STR("environment"),
                                   .text = text_cut(claude_some(in->arena, in->fd, TEXT_MOST), TEXT_MOST),
                                   .metadata = kind_member(in, in->size),
                                   .role = plan || memory ? "assistant" : "system",
                                   .replay = !plan && !memory};
    enum err_code code = claude_tell_whole(in, &w, e);
    struct str name = path_without(path_base(in->path), ".md");
    if (!code && (plan || memory) && str_trim(w.text).n) /* the file's name: no words of the turn's */
        code = history_title_by(in, w.session, arena_fmt(in->arena, "%s %.*s", in->kind, STR_ARG(name)),
                                HISTORY_TITLE_GUESS, e);
    return code;
}

/* <session>/tool-results/<id>.txt: the whole of what a tool put out. What hooks put out stays out of recall. */
static enum err_code read_result(struct history_in *in, struct err *e)
{
    struct str base = path_base(in->path), session = path_before(in->path, "tool-results");
    session = session.n ? session : STR("tool results");
    const struct claude_whole w = {.key = claude_persisted_key(in->arena, session, base),
                                   .session = session,
                                   .thread = STR("tool results"),
                                   .text = text_cut(claude_some(in->arena, in->fd, TEXT_MOST), TEXT_MOST),
                                   .metadata = kind_member(in, in->size),
                                   .role = "tool",
                                   .replay = str_starts(base, "hook-")};
    return claude_tell_whole(in, &w, e);
}

/* ---- lists ---- */

static void put_entry(struct buf *b, const struct json *o)
{
    struct str status = json_text(o, "status"), text = json_text(o, "content");
    text = text.n ? text : json_text(o, "subject");
    if (!text.n)
        return;
    if (b->n)
        buf_char(b, '\n');
    buf_fmt(b, "[%.*s] ", STR_ARG(status.n ? status : STR("?")));
    buf_str(b, text);
    if (json_text(o, "description").n) {
        buf_char(b, '\n');
        buf_str(b, json_text(o, "description"));
    }
}

/* todos/<session>-agent-<agent>.json: a list; tasks/<session>/<n>.json: one of them. */
static enum err_code read_list(struct history_in *in, struct err *e)
{
    const struct history_at at = {1, 0, in->size};
    const struct json *o;
    struct err why = {0};
    struct buf b;
    struct str text = in->size <= TEXT_MOST ? claude_some(in->arena, in->fd, TEXT_MOST) : STR_NONE;
    struct str base = path_without(path_base(in->path), ".json");
    ptrdiff_t agent = str_find(base, STR("-agent-"));
    if (!text.n || history_json(in->arena, text, &o, &why))
        return why.code == ERR_NOMEM ? err_nomem(e)
                                     : history_skip(in, text.n ? HISTORY_DAMAGED : HISTORY_EMPTY, &at, e);
    buf_init(&b, 0);
    if (o->type == JSON_OBJECT)
        put_entry(&b, o);
    for (size_t i = 0; o->type == JSON_ARRAY && i < o->n; i++)
        put_entry(&b, &o->items[i]);
    struct claude_whole w = {.session = agent > 0 ? str_take(base, (size_t)agent) : path_folder(in->path),
                             .thread = agent > 0 ? str_skip(base, (size_t)agent + strlen("-agent-")) : STR_NONE,
                             .text = buf_take(&b, in->arena),
                             .metadata = kind_member(in, 0),
                             .role = "system",
                             .replay = true};
    if (str_eq(w.thread, w.session))
        w.thread = STR_NONE;
    w.session = w.session.n ? w.session : base;
    return claude_tell_whole(in, &w, e);
}

/* ---- prompts ---- */

static bool is_hash(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!strchr("0123456789abcdefABCDEF", s.p[i]))
            return false;
    return s.n > 0 && s.n <= HASH_MOST;
}

/* What was pasted: in the line, or in a file of its hash, which may have gone. */
static struct str paste_text(struct history_in *in, const struct json *paste)
{
    char name[NAME_MOST];
    struct err none = {0};
    struct str hash = json_text(paste, "contentHash"), text = json_text(paste, "content");
    if (!str_is(json_text(paste, "type"), "text"))
        return STR_NONE;
    if (text.n || !is_hash(hash))
        return text.n ? text : STR_NONE;
    snprintf(name, sizeof name, "paste-cache/%.*s.txt", STR_ARG(hash));
    int fd = history_sibling(in, name, &none);
    if (fd < 0)
        return STR_NONE;
    text = text_cut(claude_some(in->arena, fd, PASTE_MOST), PASTE_MOST);
    close(fd);
    return text;
}

/* "[Pasted text #1 +92 lines]" becomes what was pasted; what is not known, or too much, stays as it stands. */
static struct str expand(struct history_in *in, struct str display, const struct json *pastes)
{
    static const char mark[] = "[Pasted text #";
    struct buf b;
    buf_init(&b, 0);
    int left = PASTES_MOST;
    for (ptrdiff_t at; pastes && pastes->n && (at = str_find(display, STR(mark))) >= 0 && left > 0; left--) {
        struct str rest = str_skip(display, (size_t)at + sizeof mark - 1), number = rest;
        size_t digits = 0;
        while (digits < rest.n && rest.p[digits] >= '0' && rest.p[digits] <= '9')
            digits++;
        number.n = digits;
        struct str inside = str_cut(&rest, ']');
        struct str text =
            digits && rest.p && b.n < PASTE_MOST ? paste_text(in, json_get_str(pastes, number)) : STR_NONE;
        size_t n = (size_t)at + (text.n ? sizeof mark - 1 + inside.n + 1 : 1);
        buf_str(&b, str_take(display, text.n ? (size_t)at : n));
        buf_str(&b, text);
        display = str_skip(display, n);
    }
    buf_str(&b, display);
    return buf_take(&b, in->arena);
}

/* "/model", "/review the weir", "!ls": given to the tool. A path is none. *words: it goes on with several, which nobody
 * else may have kept. */
static bool is_command(struct str text, bool *words)
{
    struct str rest = str_trim(text), word = str_cut(&rest, ' ');
    *words = false;
    if (str_starts(word, "!"))
        return word.n < 2 || word.p[1] != '!';
    *words = memchr(str_trim(rest).p ? str_trim(rest).p : "", ' ', str_trim(rest).n) != NULL;
    return str_starts(word, "/") && word.n > 1 && !memchr(word.p + 1, '/', word.n - 1) &&
           !memchr(word.p, '.', word.n) && !memchr(word.p, '\n', word.n);
}

static enum err_code take_prompt(void *arg, const struct json *o, const struct history_at *at, struct err *e)
{
    struct history_in *in = arg;
    struct arena *a = in->arena;
    struct str display = json_text(o, "display"), project = json_text(o, "project"),
               session = json_text(o, "sessionId");
    if (!json_get_type(o, "display", JSON_STRING))
        return history_skip(in, HISTORY_UNKNOWN, at, e);
    if (!str_trim(display).n)
        return history_skip(in, HISTORY_EMPTY, at, e);
    bool words, command = is_command(display, &words);
    if (command && !words)
        return history_skip(in, HISTORY_META, at, e);
    struct str text = expand(in, display, json_get_type(o, "pastedContents", JSON_OBJECT));
    int64_t when = history_time(json_get(o, "timestamp"));
    const struct history_turn t = {.key = when ? prompt_key(a, session, text, when) : STR_NONE,
                                   .session = session.n ? session : arena_fmt(a, "history:%.*s", STR_ARG(project)),
                                   .agent = STR("user"),
                                   .role = command ? STR("system") : STR("user"),
                                   .content = text,
                                   .timestamp = when,
                                   .cwd = project,
                                   .metadata = command ? STR("\"kind\":\"command\"") : STR("\"kind\":\"typed\""),
                                   .told = HISTORY_TYPED,
                                   .apart = !session.n,
                                   .at = *at};
    enum err_code code = arena_failed(a) ? err_nomem(e) : history_turn(in, &t, e);
    struct str beginning = !code && session.n ? claude_beginning(a, session, text) : STR_NONE;
    return code || !beginning.n ? code : history_merged(in, beginning, NULL, e);
}

enum err_code claude_folder_read(struct history_in *in, struct err *e)
{
    const struct records prompts = {.take = take_prompt, .arg = in};
    if (!strcmp(in->kind, "prompts"))
        return records_read(in, &prompts, e);
    if (!strcmp(in->kind, "debug log"))
        return claude_debug_read(in, e);
    if (!strcmp(in->kind, "sessions index"))
        return claude_index_read(in, e);
    enum err_code code = !strcmp(in->kind, "todos") || !strcmp(in->kind, "tasks") ? read_list(in, e)
                         : !strcmp(in->kind, "file version")                      ? claude_version_read(in, e)
                         : !strcmp(in->kind, "tool result")                       ? read_result(in, e)
                                                                                  : read_text(in, e);
    return code ? code : history_mark(in, 0, 0, e);
}
