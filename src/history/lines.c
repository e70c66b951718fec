/* The reader of lines: see lines.h. A buffer is filled from the file; a line that lies in it whole is given as it lies.
 * One that does not is fed, piece by piece, to a small machine that knows strings, escapes and keys, and keeps of each
 * string no more than its share. */
#include "history/lines.h"

#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { BLOB_BYTES = 64, KEY_BYTES = 24, HEX_DIGITS = 4 };
enum { READ_BYTES = 128 << 10 }; /* at a time: what the processor still has at hand when it looks at it */

/* Where a long line has so much already that of what lies this deep no more is taken: what a line says of itself (depth
 * 1) comes last, and is always kept. */
enum { DEPTH_OF_LISTS = 3, DEPTH_OF_PARTS = 2, LISTS_BYTES = LINES_SLIM / 2, PARTS_BYTES = LINES_SLIM / 4 * 3 };
enum { LISTS_VALUES = 1 << 16, PARTS_VALUES = 1 << 17 };

struct slim {
    struct buf out;
    char key[KEY_BYTES]; /* the string before, when a colon followed it */
    size_t key_n;
    size_t kept, share; /* of the string under way */
    size_t values;      /* commas kept */
    int depth, leaves;  /* brackets open; those open where values began to be left out, 0: none are */
    int hex;            /* digits of an escape that are still to come */
    bool in_string, escaped, value, full, cut;
};

struct lines {
    const struct history_in *in;
    char *buffer;
    size_t room;        /* of the buffer: no more than the file has, since most are small and new memory is slow */
    size_t begin, end;  /* what of the buffer is not given yet */
    int64_t at, number; /* of the buffer's `begin` in the file; lines before it */
    struct slim slim;
    bool done; /* the torn line was given */
};

struct lines *lines_new(const struct history_in *in)
{
    struct lines *l = mem_zalloc(sizeof *l);
    if (!l)
        return NULL;
    const int64_t left = in->size - in->from;
    l->room = left > LINES_BUFFER ? LINES_BUFFER : left > 0 ? (size_t)left : 1;
    l->buffer = mem_alloc(l->room);
    if (!l->buffer) {
        mem_free(l);
        return NULL;
    }
    l->in = in;
    l->at = in->from;
    l->number = in->from_line;
    buf_init(&l->slim.out, LINES_SLIM);
    return l;
}

void lines_free(struct lines *l)
{
    if (!l)
        return;
    buf_release(&l->slim.out);
    mem_free(l->buffer);
    mem_free(l);
}

int64_t lines_offset(const struct lines *l)
{
    return l->at;
}

int64_t lines_count(const struct lines *l)
{
    return l->number;
}

/* ---- filling ---- */

/* Moves what is left to the front and reads behind it. *more false: the file, as far as it is read, is at its end. */
static enum err_code fill(struct lines *l, bool *more, struct err *e)
{
    if (l->begin) {
        memmove(l->buffer, l->buffer + l->begin, l->end - l->begin);
        l->end -= l->begin;
        l->begin = 0;
    }
    int64_t from = l->at + (int64_t)l->end, left = l->in->size - from;
    size_t room = l->room - l->end;
    *more = false;
    if (left <= 0 || !room)
        return ERR_OK;
    if (history_stopped(l->in))
        return err_set(e, ERR_LIMIT, NULL, "it was stopped");
    if ((int64_t)room > left)
        room = (size_t)left;
    room = room > READ_BYTES ? READ_BYTES : room;
    ssize_t n;
    do
        n = pread(l->in->fd, l->buffer + l->end, room, from);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return err_set(e, ERR_IO, NULL, "cannot read on at byte %lld: %m", (long long)from);
    l->end += (size_t)n;
    *more = n > 0; /* 0: it was cut short while it was read */
    return ERR_OK;
}

/* ---- long lines ---- */

/* Strings that hold no text: pictures, signatures, what is encrypted. */
static bool is_blob(struct str key)
{
    return str_is(key, "data") || str_is(key, "signature") || str_is(key, "encrypted_content") || str_is(key, "base64");
}

static void slim_put(struct slim *m, const char *p, size_t n)
{
    if (m->leaves)
        return;
    if (m->out.n + n > LINES_SLIM)
        m->full = true;
    else if (!m->full)
        buf_put(&m->out, p, n);
}

/* A string gets no more than a part of what is left, so that strings alone never fill it. */
static void begin_string(struct slim *m)
{
    size_t room = m->out.n < LINES_SLIM ? (LINES_SLIM - m->out.n) / 3 : 0;
    m->in_string = true;
    m->kept = 0;
    m->share = m->value && is_blob((struct str){m->key, m->key_n}) ? BLOB_BYTES
               : room < LINES_STRING                               ? room
                                                                   : LINES_STRING;
    if (!m->value)
        m->key_n = 0;
    slim_put(m, "\"", 1);
}

/* Bytes of a string without quotes and escapes in them; what is past its share goes. */
static void string_bytes(struct slim *m, const char *p, size_t n)
{
    size_t room = m->kept < m->share ? m->share - m->kept : 0, take = n < room ? n : room;
    if (take < n) {
        m->cut = m->cut || m->share != BLOB_BYTES;
        while (take && ((unsigned char)p[take] & 0xC0) == 0x80)
            take--;
        m->kept = m->share; /* the rest goes, though there might be room for a byte */
    }
    for (size_t i = 0; !m->value && i < take && m->key_n < KEY_BYTES; i++)
        m->key[m->key_n++] = p[i];
    slim_put(m, p, take);
    m->kept += take;
}

/* An escape is kept whole or not at all. */
static void string_escape(struct slim *m, char c)
{
    const char two[2] = {'\\', c};
    m->escaped = false;
    if (m->kept >= m->share) {
        m->cut = m->cut || m->share != BLOB_BYTES;
        return;
    }
    slim_put(m, two, 2);
    m->kept += 2;
    m->hex = c == 'u' ? HEX_DIGITS : 0;
}

static size_t in_string(struct slim *m, const char *p, size_t n)
{
    if (m->escaped) {
        string_escape(m, *p);
        return 1;
    }
    if (m->hex && *p != '"' && *p != '\\') {
        m->hex--;
        m->kept++;
        slim_put(m, p, 1);
        return 1;
    }
    m->hex = 0;
    size_t i = 0;
    while (i < n && p[i] != '"' && p[i] != '\\')
        i++;
    if (i) {
        string_bytes(m, p, i);
        return i;
    }
    if (*p == '\\') {
        m->escaped = true;
    } else {
        m->in_string = false;
        m->value = false;
        slim_put(m, "\"", 1);
    }
    return 1;
}

static bool is_enough(const struct slim *m)
{
    return (m->depth >= DEPTH_OF_LISTS && (m->out.n >= LISTS_BYTES || m->values >= LISTS_VALUES)) ||
           (m->depth >= DEPTH_OF_PARTS && (m->out.n >= PARTS_BYTES || m->values >= PARTS_VALUES));
}

/* A character between strings. When there is enough, all from a comma to the end of its list or object is left out. */
static void slim_sign(struct slim *m, char c)
{
    if (c == ':' || c == ',' || c == '{' || c == '[')
        m->value = c == ':' || (c == '[' && m->value);
    if (c == ',' && !m->leaves && is_enough(m)) {
        m->leaves = m->depth;
        m->cut = true;
    }
    if ((c == '}' || c == ']') && m->leaves == m->depth)
        m->leaves = 0;
    m->depth += (c == '{' || c == '[') - (c == '}' || c == ']');
    m->values += c == ',' && !m->leaves;
    slim_put(m, &c, 1);
}

static void slim_feed(struct slim *m, const char *p, size_t n)
{
    while (n) {
        size_t used = 1;
        if (m->in_string)
            used = in_string(m, p, n);
        else if (*p == '"')
            begin_string(m);
        else if (*p)
            slim_sign(m, *p);
        p += used;
        n -= used;
    }
}

static void slim_begin(struct slim *m)
{
    struct buf out = m->out;
    buf_clear(&out);
    *m = (struct slim){.out = out};
}

/* A line that fills the buffer, up to its end. */
static enum err_code read_long(struct lines *l, struct line *out, struct err *e)
{
    struct slim *m = &l->slim;
    const int64_t from = l->at;
    bool more = true, whole = false;
    enum err_code code = ERR_OK;
    slim_begin(m);
    while (!code && more && !whole) {
        const char *p = l->buffer + l->begin, *nl = memchr(p, '\n', l->end - l->begin);
        size_t n = nl ? (size_t)(nl - p) : l->end - l->begin;
        slim_feed(m, p, n);
        whole = nl != NULL;
        l->begin += n + whole;
        l->at += (int64_t)(n + whole);
        if (!whole)
            code = fill(l, &more, e);
    }
    if (!code && m->out.failed)
        code = err_nomem(e);
    *out = (struct line){.text = m->full ? STR_NONE : buf_view(&m->out),
                         .at = {l->number + 1, from, l->at - from - whole},
                         .too_large = m->full,
                         .cut = m->cut,
                         .torn = !whole};
    l->number += whole;
    if (!whole) {
        l->at = from;
        l->done = true;
    }
    return code;
}

/* ---- lines ---- */

static struct str without_nuls(const char *p, size_t n)
{
    while (n && (!p[n - 1] || p[n - 1] == '\r'))
        n--;
    while (n && !*p) {
        p++;
        n--;
    }
    return (struct str){p, n};
}

/* What is left when the file ends: it stays where it is. */
static void give_torn(struct lines *l, struct line *out, bool *found)
{
    struct str text = without_nuls(l->buffer + l->begin, l->end - l->begin);
    l->done = true;
    *found = text.n > 0;
    *out = (struct line){.text = text, .at = {l->number + 1, l->at, (int64_t)(l->end - l->begin)}, .torn = true};
}

/* What some systems put in front of a file. */
static void skip_mark(struct lines *l)
{
    static const char mark[] = "\xef\xbb\xbf";
    if (l->at == 0 && str_starts((struct str){l->buffer + l->begin, l->end - l->begin}, mark)) {
        l->begin += sizeof mark - 1;
        l->at += (int64_t)sizeof mark - 1;
    }
}

static void give(struct lines *l, size_t n, struct line *out)
{
    *out = (struct line){.text = without_nuls(l->buffer + l->begin, n), .at = {l->number + 1, l->at, (int64_t)n}};
    l->begin += n + 1;
    l->at += (int64_t)n + 1;
    l->number++;
}

enum err_code lines_next(struct lines *l, struct line *out, bool *found, struct err *e)
{
    size_t looked = 0;
    enum err_code code = ERR_OK;
    *found = false;
    bool more = !l->done;
    while (!code && more) {
        const char *p = l->buffer + l->begin;
        const char *nl = memchr(p + looked, '\n', l->end - l->begin - looked);
        if (nl) {
            give(l, (size_t)(nl - p), out);
            *found = true;
            return ERR_OK;
        }
        looked = l->end - l->begin;
        if (looked == LINES_BUFFER) {
            *found = true;
            return read_long(l, out, e);
        }
        code = fill(l, &more, e);
        if (l->at == 0) {
            skip_mark(l);
            looked = l->begin ? 0 : looked;
        }
    }
    if (!code && !l->done)
        give_torn(l, out, found);
    return code;
}

/* ---- members ---- */

static size_t skip_space(struct str s, size_t i)
{
    while (i < s.n && (s.p[i] == ' ' || s.p[i] == '\t' || s.p[i] == '\r' || s.p[i] == '\n'))
        i++;
    return i;
}

/* From behind the opening quote to behind the closing one; s.n + 1 when there is none. */
static size_t skip_string(struct str s, size_t i)
{
    while (i < s.n) {
        const char *q = memchr(s.p + i, '"', s.n - i);
        if (!q)
            break;
        size_t at = (size_t)(q - s.p), back = 0;
        while (at - back > i && s.p[at - back - 1] == '\\')
            back++;
        i = at + 1;
        if (back % 2 == 0)
            return i;
    }
    return s.n + 1;
}

/* Behind the object or list that begins at i. */
static size_t skip_nested(struct str s, size_t i)
{
    size_t depth = 0;
    while (i < s.n) {
        char c = s.p[i++];
        if (c == '"') {
            i = skip_string(s, i);
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            if (--depth == 0)
                return i;
        }
    }
    return s.n + 1;
}

static size_t skip_value(struct str s, size_t i, struct str *out)
{
    size_t from = i, to;
    if (i < s.n && s.p[i] == '"') {
        i = skip_string(s, i + 1);
        from++;
        to = i - 1;
    } else if (i < s.n && (s.p[i] == '{' || s.p[i] == '[')) {
        to = i = skip_nested(s, i);
    } else {
        while (i < s.n && s.p[i] != ',' && s.p[i] != '}')
            i++;
        to = i;
    }
    if (i <= s.n)
        *out = (struct str){s.p + from, to - from};
    return i;
}

bool lines_members(struct str s, const char *const *keys, size_t n, struct str *out)
{
    for (size_t k = 0; k < n; k++)
        out[k] = STR_NONE;
    size_t i = skip_space(s, 0);
    if (i >= s.n || s.p[i++] != '{')
        return false;
    for (;;) {
        i = skip_space(s, i);
        if (i < s.n && s.p[i] == '}')
            return skip_space(s, i + 1) == s.n;
        if (i >= s.n || s.p[i] != '"')
            return false;
        size_t end = skip_string(s, i + 1);
        if (end > s.n)
            return false;
        struct str key = {s.p + i + 1, end - i - 2}, value = STR_NONE;
        i = skip_space(s, end);
        if (i >= s.n || s.p[i] != ':')
            return false;
        i = skip_value(s, skip_space(s, i + 1), &value);
        if (i > s.n)
            return false;
        for (size_t k = 0; k < n; k++)
            if (str_is(key, keys[k]))
                out[k] = value;
        i = skip_space(s, i);
        if (i < s.n && s.p[i] == ',')
            i++;
    }
}
