/* debug/<session>.txt: lines "<time> [LEVEL] text", and what belongs to an entry in the lines after it. Warnings and
 * errors are kept, with the session and out of recall; the rest is a record of the tool's doings that nobody asks for.
 */
#include "history/claude.h"
#include "history/path.h"

enum { ENTRY_MOST = 64 << 10, TIME_CHARS = 20 /* "2026-03-01T09:00:00Z" at least */ };

struct debug {
    struct history_in *in;
    struct lines *lines;
    struct str session;
    struct buf text; /* of the entry under way, when it is kept; empty: none */
    int64_t timestamp;
    struct history_at at;
};

static enum err_code tell(struct debug *d, struct err *e)
{
    const struct history_turn t = {.session = d->session,
                                   .thread = STR("debug"),
                                   .agent = STR("claude-code"),
                                   .role = STR("system"),
                                   .content = buf_view(&d->text),
                                   .timestamp = d->timestamp,
                                   .metadata = STR("\"kind\":\"debug log\""),
                                   .replay = true,
                                   .at = d->at};
    if (!d->text.n && !d->text.failed)
        return ERR_OK;
    enum err_code code = d->text.failed ? err_nomem(e) : history_turn(d->in, &t, e);
    buf_clear(&d->text);
    return code;
}

/* The time that an entry begins with; false: the line goes on with the one before. */
static bool begins_entry(struct str line, int64_t *when, struct str *rest)
{
    struct str after = line, first = str_cut(&after, ' ');
    const struct json time = {.type = JSON_STRING, .s = first};
    if (first.n < TIME_CHARS || !(*when = history_time(&time)))
        return false;
    *rest = after;
    return str_starts(after, "[");
}

static bool is_kept(struct str rest)
{
    return str_starts(rest, "[ERROR]") || str_starts(rest, "[WARN");
}

static enum err_code take_line(struct debug *d, const struct line *l, struct err *e)
{
    int64_t when;
    struct str rest;
    if (l->too_large)
        return history_skip(d->in, HISTORY_TOO_LARGE, &l->at, e);
    if (!begins_entry(l->text, &when, &rest)) {
        if (!d->text.n)
            return history_skip(d->in, str_trim(l->text).n ? HISTORY_META : HISTORY_BLANK, &l->at, e);
        if (d->text.n < ENTRY_MOST) {
            buf_char(&d->text, '\n');
            buf_str(&d->text, str_take(l->text, ENTRY_MOST));
        }
        return history_merged(d->in, STR_NONE, &l->at, e);
    }
    enum err_code code = tell(d, e);
    if (code || !is_kept(rest))
        return code ? code : history_skip(d->in, HISTORY_META, &l->at, e);
    d->timestamp = when;
    d->at = l->at;
    buf_str(&d->text, str_take(rest, ENTRY_MOST));
    return ERR_OK;
}

/* Reading goes on at an entry's beginning: the one under way is told when the next begins, or when the file ends. */
static enum err_code read_lines(struct debug *d, struct err *e)
{
    struct line l;
    bool found = true;
    enum err_code code = ERR_OK;
    while (!code) {
        int64_t from = lines_offset(d->lines), number = lines_count(d->lines);
        bool waits = d->text.n > 0;
        code = lines_next(d->lines, &l, &found, e);
        if (code || !found || l.torn)
            break;
        code = take_line(d, &l, e);
        bool begun = d->text.n && d->at.offset == from;
        if (!code && (begun || !d->text.n) && (waits || from > d->in->from || !begun))
            code =
                history_mark(d->in, begun ? from : lines_offset(d->lines), begun ? number : lines_count(d->lines), e);
    }
    return code ? code : tell(d, e);
}

enum err_code claude_debug_read(struct history_in *in, struct err *e)
{
    struct debug d = {.in = in, .session = path_without(path_base(in->path), ".txt"), .lines = lines_new(in)};
    buf_init(&d.text, 0);
    enum err_code code = d.lines ? read_lines(&d, e) : err_nomem(e);
    buf_release(&d.text);
    lines_free(d.lines);
    return code;
}
