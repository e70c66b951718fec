/* A session as a log of changes: a header, messages, {"$set":…}, {"$rewindTo":id}. A message with the id of an earlier
 * one takes its place; a rewind takes back the message and all behind it, or everything when nobody knows the id;
 * $set.messages takes the place of everything.
 *
 * So nothing can be told before the end is known. The file is read twice: first only what stands where is kept, some
 * bytes a message; then the messages that are left are read by their places. It is read anew whenever it has changed:
 * what was told before is known by its key. */
#include "history/gemini.h"

#include "base/file.h"
#include "base/mem.h"
#include "history/lines.h"

#include <stdlib.h>
#include <string.h>

enum { NEVER_IN = -1, ENTRIES_MOST = 1 << 24 };

struct entry {
    struct history_at at; /* of its line */
    int64_t inside;       /* which of the line's $set.messages; NEVER_IN: the line itself */
    uint64_t id;          /* its hash */
    const char *reason;   /* NULL: it is a message that stands */
};

struct log {
    struct gemini *g;
    struct entry *entries;
    size_t n, cap;
    size_t first;    /* what stands begins here: all before was taken back */
    uint32_t *slots; /* entries by their ids, plus 1; 0: free. Twice as many as there is room for entries */
};

static void file_under(struct log *l, size_t i)
{
    size_t mask = l->cap * 2 - 1, at = l->entries[i].id & mask;
    while (l->slots[at])
        at = (at + 1) & mask;
    l->slots[at] = (uint32_t)i + 1;
}

static enum err_code grow(struct log *l, struct err *e)
{
    size_t cap = l->cap ? l->cap * 2 : 256;
    struct entry *more = cap > ENTRIES_MOST ? NULL : mem_grow(l->entries, cap * sizeof *more);
    uint32_t *slots = more ? mem_zalloc(cap * 2 * sizeof *slots) : NULL;
    if (more)
        l->entries = more;
    if (!slots)
        return cap > ENTRIES_MOST ? err_set(e, ERR_TOO_LARGE, NULL, "it has more than %d lines", ENTRIES_MOST)
                                  : err_nomem(e);
    mem_free(l->slots);
    l->slots = slots;
    l->cap = cap;
    for (size_t i = 0; i < l->n; i++)
        if (!l->entries[i].reason)
            file_under(l, i);
    return ERR_OK;
}

static enum err_code add(struct log *l, const struct entry *x, struct err *e)
{
    enum err_code code = l->n == l->cap ? grow(l, e) : ERR_OK;
    if (code)
        return code;
    l->entries[l->n++] = *x;
    if (!x->reason)
        file_under(l, l->n - 1);
    return ERR_OK;
}

static uint64_t hash_of(struct str id)
{
    unsigned char digest[SHA256_BYTES];
    struct sha256 h;
    uint64_t out;
    sha256_begin(&h);
    sha256_add(&h, id.p, id.n);
    sha256_end(&h, digest);
    memcpy(&out, digest, sizeof out);
    return out;
}

/* Messages that stand, from `from` on, are taken back. */
static void take_back(struct log *l, size_t from)
{
    for (size_t i = from; i < l->n; i++)
        if (!l->entries[i].reason)
            l->entries[i].reason = HISTORY_REWOUND;
}

/* The message that stands under this id; l->n when there is none. */
static size_t standing(const struct log *l, uint64_t id)
{
    size_t mask = l->cap * 2 - 1;
    for (size_t at = id & mask; l->cap && l->slots[at]; at = (at + 1) & mask) {
        const struct entry *x = &l->entries[l->slots[at] - 1];
        if (!x->reason && x->id == id)
            return l->slots[at] - 1;
    }
    return l->n;
}

/* It stays where it stood: its words are those of the later line. */
static enum err_code put_message(struct log *l, struct str id, const struct history_at *at, int64_t inside,
                                 struct err *e)
{
    struct entry x = {*at, inside, hash_of(id), NULL};
    size_t old = id.n ? standing(l, x.id) : l->n;
    if (old < l->n) {
        struct entry before = l->entries[old];
        l->entries[old] = x;
        before.reason = HISTORY_REPEATED;
        x = before;
    }
    return add(l, &x, e);
}

static enum err_code take_set(struct log *l, const struct json *messages, const struct history_at *at, struct err *e)
{
    enum err_code code = ERR_OK;
    if (!messages)
        return ERR_OK;
    take_back(l, l->first);
    l->first = l->n;
    for (size_t i = 0; i < messages->n && !code; i++)
        code = put_message(l, json_text(&messages->items[i], "id"), at, (int64_t)i, e);
    return code;
}

static void rewind_to(struct log *l, struct str id)
{
    size_t at = standing(l, hash_of(id));
    if (at == l->n)
        l->first = l->n;
    take_back(l, at == l->n ? 0 : at);
}

static enum err_code take_object(struct log *l, const struct json *o, const struct history_at *at, struct err *e)
{
    struct str id = json_text(o, "id"), back = json_text(o, "$rewindTo");
    const struct json *set = json_get(o, "$set");
    enum err_code code = ERR_OK;
    if (!set && !back.n && id.n)
        return put_message(l, id, at, NEVER_IN, e);
    const struct json *messages = json_get_type(set ? set : o, "messages", JSON_ARRAY);
    if (back.n)
        rewind_to(l, back);
    else {
        gemini_header(l->g, set ? set : o);
        code = take_set(l, set || (messages && messages->n) ? messages : NULL, at, e);
    }
    bool known = back.n || set || json_get(o, "sessionId") || messages;
    const struct entry x = {*at, NEVER_IN, 0, known ? HISTORY_META : HISTORY_UNKNOWN};
    return code ? code : add(l, &x, e);
}

static enum err_code take_line(struct log *l, const struct line *line, struct err *e)
{
    const struct json *o = NULL;
    struct err why = {0};
    struct entry x = {line->at, NEVER_IN, 0, NULL};
    if (line->too_large)
        x.reason = HISTORY_TOO_LARGE;
    else if (!line->text.n)
        x.reason = line->at.bytes > 1 ? HISTORY_PADDING : HISTORY_BLANK;
    else if (history_json(l->g->in->arena, line->text, &o, &why) || o->type != JSON_OBJECT)
        x.reason = HISTORY_DAMAGED;
    if (why.code == ERR_NOMEM)
        return err_nomem(e);
    return x.reason ? add(l, &x, e) : take_object(l, o, &line->at, e);
}

static enum err_code fold(struct log *l, struct err *e)
{
    struct lines *lines = lines_new(l->g->in);
    struct line line;
    bool found = true;
    enum err_code code = lines ? ERR_OK : err_nomem(e);
    while (!code) {
        code = lines_next(lines, &line, &found, e);
        if (code || !found || (line.torn && !lines_members(line.text, NULL, 0, NULL)))
            break;
        code = take_line(l, &line, e);
        arena_reset(l->g->in->arena);
    }
    lines_free(lines);
    return code;
}

/* ---- telling ---- */

static enum err_code tell_line(struct log *l, const struct entry *x, const struct json *o, struct err *e)
{
    const struct json *set = json_get(o, "$set");
    const struct json *messages = json_get_type(set ? set : o, "messages", JSON_ARRAY);
    if (x->inside == NEVER_IN)
        return gemini_message(l->g, o, &x->at, e);
    if (!messages || (size_t)x->inside >= messages->n)
        return history_skip(l->g->in, HISTORY_DAMAGED, &x->at, e);
    return gemini_message(l->g, &messages->items[x->inside], &x->at, e);
}

/* A line that was slimmed is slimmed again. */
static enum err_code parse_long(const struct history_in *in, const struct entry *x, const struct json **o,
                                struct err *e)
{
    struct history_in one = *in;
    struct line line;
    bool found = false;
    one.from = x->at.offset;
    one.from_line = x->at.line - 1;
    struct lines *lines = lines_new(&one);
    enum err_code code = lines ? lines_next(lines, &line, &found, e) : err_nomem(e);
    struct str text = code || !found ? STR_NONE : arena_str(in->arena, line.text);
    lines_free(lines);
    return code ? code : history_json(in->arena, text, o, e);
}

static enum err_code parse(const struct history_in *in, const struct entry *x, const struct json **o, struct err *e)
{
    size_t n = (size_t)x->at.bytes, got = 0;
    if (n >= LINES_WHOLE)
        return parse_long(in, x, o, e);
    char *text = arena_alloc(in->arena, n + 1);
    enum err_code code = text ? file_read_at(in->fd, x->at.offset, text, n, &got, e) : err_nomem(e);
    while (got && !text[got - 1])
        got--;
    for (n = 0; n < got && !text[n];)
        n++;
    return code ? code : history_json(in->arena, (struct str){text + n, got - n}, o, e);
}

/* Messages of one line are told one behind the other: it is parsed once. */
static enum err_code tell(struct log *l, struct err *e)
{
    struct history_in *in = l->g->in;
    const struct json *o = NULL;
    int64_t parsed = -1;
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < l->n && !code; i++) {
        const struct entry *x = &l->entries[i];
        struct err why = {0};
        if (!x->reason && x->at.offset != parsed) {
            arena_reset(in->arena);
            parsed = parse(in, x, &o, &why) ? -1 : x->at.offset;
        }
        if (why.code == ERR_NOMEM || why.code == ERR_IO)
            code = err_set(e, why.code, NULL, "%s", why.message);
        else if (x->reason || parsed < 0) /* it may have changed since the first reading */
            code = history_skip(in, x->reason ? x->reason : HISTORY_DAMAGED, &x->at, e);
        else
            code = tell_line(l, x, o, e);
        if (!code)
            code = history_mark(in, 0, 0, e);
    }
    return code;
}

enum err_code gemini_read_log(struct gemini *g, struct err *e)
{
    struct log l = {.g = g};
    g->in->from = g->in->from_line = 0;
    enum err_code code = fold(&l, e);
    if (!code)
        code = tell(&l, e);
    mem_free(l.entries);
    mem_free(l.slots);
    return code;
}
