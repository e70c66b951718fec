/* Conversations exported as the terminal showed them: ">" before what was typed, a dot before what was answered, an
 * elbow before what a tool said; the lines after such a sign are indented. What stands before the first is the tool's
 * title. */
#include "history/memory_context.h"

#include "base/text.h"
#include "history/lines.h"
#include "history/path.h"

#include <string.h>

enum { ENTRY_MOST = 1 << 20 };

enum sign { NO_SIGN, PERSON, ASSISTANT, TOOL };

struct conversation {
    struct history_in *in;
    struct str session;
    int64_t when;   /* by its name; else when it was written */
    enum sign sign; /* of the entry under way */
    struct buf text;
    struct history_at at;
    struct often often;
    bool cut; /* the entry is longer than what is kept of it */
};

/* ---- entries ---- */

/* "/export notes.txt", "!ls": given to the tool, not said. A path has more slashes. */
static bool is_command(struct str text)
{
    struct str word = str_cut(&text, ' ');
    return word.n > 1 && ((*word.p == '/' && str_find(str_skip(word, 1), STR("/")) < 0) || *word.p == '!') &&
           str_find(word, STR("\n")) < 0;
}

static enum err_code tell_turn(struct conversation *c, struct str text, struct err *e)
{
    bool command = c->sign == PERSON && is_command(text);
    struct str role = command             ? STR("system")
                      : c->sign == PERSON ? STR("user")
                      : c->sign == TOOL   ? STR("tool")
                                          : STR("assistant");
    const struct history_turn t = {.key = memory_context_key(&c->often, c->in->arena, c->session, role, text),
                                   .session = c->session,
                                   .agent = c->sign == PERSON ? STR("user") : STR("claude-code"),
                                   .role = role,
                                   .content = text,
                                   .timestamp = c->when,
                                   .metadata = c->cut    ? STR("\"cut\":true")
                                               : command ? STR("\"kind\":\"command\"")
                                                         : STR(""),
                                   .at = c->at};
    enum err_code code = t.key.p ? history_turn(c->in, &t, e) : err_nomem(e);
    return code ? code : memory_context_told(c->in, text, e);
}

static enum err_code end_entry(struct conversation *c, struct err *e)
{
    struct str text = str_trim(buf_view(&c->text));
    enum err_code code = ERR_OK;
    if (c->text.failed)
        code = err_nomem(e);
    else if (c->sign == NO_SIGN && c->at.bytes > 0)
        code = history_skip(c->in, HISTORY_META, &c->at, e);
    else if (c->sign != NO_SIGN)
        code = text.n ? tell_turn(c, text, e) : history_skip(c->in, HISTORY_EMPTY, &c->at, e);
    buf_clear(&c->text);
    c->cut = false;
    arena_reset(c->in->arena);
    return code ? code : history_mark(c->in, 0, 0, e);
}

/* ---- lines ---- */

static enum sign sign_of(struct str line, struct str *rest)
{
    static const struct {
        const char *begins;
        enum sign sign;
    } signs[] = {{"> ", PERSON},
                 {"\xe2\x9d\xaf ", PERSON},    /* ❯ */
                 {"\xe2\x8f\xba ", ASSISTANT}, /* ⏺ */
                 {"\xe2\x97\x8f ", ASSISTANT}, /* ● */
                 {"  \xe2\x8e\xbf", TOOL}};    /* ⎿ */
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        if (!str_starts(line, signs[i].begins))
            continue;
        *rest = str_skip(line, strlen(signs[i].begins));
        return signs[i].sign;
    }
    return NO_SIGN;
}

static struct str without_indent(struct str line, size_t most)
{
    size_t n = 0;
    while (n < most && n < line.n && line.p[n] == ' ')
        n++;
    return str_skip(line, n);
}

/* What is beyond the most is not kept. */
static void add(struct conversation *c, struct str s)
{
    size_t room = c->text.n < ENTRY_MOST ? ENTRY_MOST - c->text.n : 0;
    c->cut = c->cut || s.n > room;
    buf_str(&c->text, text_cut(s, room));
}

static enum err_code take_line(struct conversation *c, const struct line *l, struct err *e)
{
    struct str rest = l->text;
    enum sign sign = sign_of(l->text, &rest);
    enum err_code code = sign != NO_SIGN ? end_entry(c, e) : ERR_OK;
    if (code)
        return code;
    if (sign != NO_SIGN) {
        c->sign = sign;
        c->at = (struct history_at){l->at.line, l->at.offset, 0};
        add(c, without_indent(rest, 2));
    } else if (c->sign != NO_SIGN) {
        add(c, STR("\n"));
        add(c, without_indent(rest, c->sign == TOOL ? 5 : 2));
    }
    c->at.bytes = l->at.offset + l->at.bytes - c->at.offset;
    return ERR_OK;
}

enum err_code memory_context_read_text(struct history_in *in, struct err *e)
{
    struct conversation c = {.in = in, .session = path_without(path_base(in->path), ".txt"), .at = {1, 0, 0}};
    struct lines *lines;
    struct line l;
    bool found = true;
    c.when = memory_context_time(c.session);
    in->from = in->from_line = 0;
    lines = lines_new(in);
    buf_init(&c.text, 0);
    enum err_code code = lines ? ERR_OK : err_nomem(e);
    while (!code && found) {
        code = lines_next(lines, &l, &found, e);
        c.cut = c.cut || (found && (l.cut || l.too_large));
        if (!code && found)
            code = take_line(&c, &l, e);
    }
    if (!code)
        code = end_entry(&c, e);
    buf_release(&c.text);
    often_free(&c.often);
    lines_free(lines);
    return code;
}
