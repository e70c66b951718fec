/* Conversations exported as the terminal showed them: ">" before what was typed, a dot before what was answered, an
 * elbow before what a tool said; the lines after such a sign are indented. What stands before the first is the tool's
 * title. */
#include "history/memory_context.h"

#include "base/mem.h"
#include "history/lines.h"
#include "history/path.h"

#include <string.h>

enum { ENTRY_MOST = 4 << 20, COUNTED_MOST = 20000 };

enum sign { NO_SIGN, PERSON, ASSISTANT, TOOL };

struct conversation {
    struct history_in *in;
    struct str session;
    enum sign sign; /* of the entry under way */
    struct buf text;
    struct history_at at;
    uint64_t *seen; /* of entries so far: the hash of their words */
    size_t n_seen, cap_seen;
};

/* ---- entries ---- */

static uint64_t hash_of(struct str text)
{
    unsigned char digest[SHA256_BYTES];
    struct sha256 h;
    uint64_t out;
    sha256_begin(&h);
    sha256_add(&h, text.p, text.n);
    sha256_end(&h, digest);
    memcpy(&out, digest, sizeof out);
    return out;
}

/* How often these words were said before in this conversation. */
static bool count(struct conversation *c, struct str text, size_t *before)
{
    uint64_t hash = hash_of(text);
    *before = 0;
    if (c->n_seen >= COUNTED_MOST) { /* none that long was ever seen: the place will do */
        *before = c->n_seen++;
        return true;
    }
    if (c->n_seen == c->cap_seen) {
        size_t cap = c->cap_seen ? c->cap_seen * 2 : 64;
        uint64_t *more = mem_grow(c->seen, cap * sizeof *more);
        if (!more)
            return false;
        c->seen = more;
        c->cap_seen = cap;
    }
    for (size_t i = 0; i < c->n_seen; i++)
        *before += c->seen[i] == hash;
    c->seen[c->n_seen++] = hash;
    return true;
}

static enum err_code tell_turn(struct conversation *c, struct str text, struct err *e)
{
    struct arena *a = c->in->arena;
    bool person = c->sign == PERSON;
    size_t before;
    if (!count(c, text, &before))
        return err_nomem(e);
    const struct history_turn t = {.key = memory_context_key(a, text, before),
                                   .session = c->session,
                                   .agent = person ? STR("user") : STR("claude-code"),
                                   .role = person            ? STR("user")
                                           : c->sign == TOOL ? STR("tool")
                                                             : STR("assistant"),
                                   .content = text,
                                   .at = c->at};
    return t.key.p ? history_turn(c->in, &t, e) : err_nomem(e);
}

static enum err_code end_entry(struct conversation *c, struct err *e)
{
    struct str text = str_trim(buf_view(&c->text));
    enum err_code code = ERR_OK;
    if (c->text.failed)
        code = err_set(e, ERR_TOO_LARGE, NULL, "an entry of the conversation is beyond %d bytes", ENTRY_MOST);
    else if (c->sign == NO_SIGN && c->at.bytes > 0)
        code = history_skip(c->in, HISTORY_META, &c->at, e);
    else if (c->sign != NO_SIGN)
        code = text.n ? tell_turn(c, text, e) : history_skip(c->in, HISTORY_EMPTY, &c->at, e);
    buf_clear(&c->text);
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
        buf_str(&c->text, without_indent(rest, 2));
    } else if (c->sign != NO_SIGN) {
        buf_char(&c->text, '\n');
        buf_str(&c->text, without_indent(rest, c->sign == TOOL ? 5 : 2));
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
    in->from = in->from_line = 0;
    lines = lines_new(in);
    buf_init(&c.text, ENTRY_MOST);
    enum err_code code = lines ? ERR_OK : err_nomem(e);
    while (!code && found) {
        code = lines_next(lines, &l, &found, e);
        if (!code && found && !l.too_large)
            code = take_line(&c, &l, e);
    }
    if (!code)
        code = end_entry(&c, e);
    buf_release(&c.text);
    mem_free(c.seen);
    lines_free(lines);
    return code;
}
