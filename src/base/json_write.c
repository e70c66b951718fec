/* The JSON writer. Text is appended to the buffer as it comes; the only state is whether the next
 * value needs a comma. Plain ASCII is found eight bytes at a time and copied in runs: most of what
 * is written is text without anything to escape. */
#include "base/json_write.h"

#include "base/clock.h"
#include "base/number.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

void jw_init(struct json_out *w, struct buf *b)
{
    *w = (struct json_out){.b = b};
}

/* Before each value: the comma, if one is due; after it one will be. */
static void separate(struct json_out *w)
{
    if (w->comma)
        buf_char(w->b, ',');
    w->comma = true;
}

static void open_with(struct json_out *w, char c)
{
    separate(w);
    buf_char(w->b, c);
    w->comma = false;
}

static void close_with(struct json_out *w, char c)
{
    buf_char(w->b, c);
    w->comma = true;
}

void jw_object(struct json_out *w)
{
    open_with(w, '{');
}

void jw_end_object(struct json_out *w)
{
    close_with(w, '}');
}

void jw_array(struct json_out *w)
{
    open_with(w, '[');
}

void jw_end_array(struct json_out *w)
{
    close_with(w, ']');
}

/* True when none of the eight bytes needs a look: all ASCII, no control character, quote or
 * backslash. A borrow can only come from a byte that is itself special, so the answer is exact. */
static bool plain_word(const char *p)
{
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    uint64_t w;
    memcpy(&w, p, sizeof w);
    uint64_t quote = w ^ ones * '"', back = w ^ ones * '\\';
    return !((w | (w - ones * 0x20) | (quote - ones) | (back - ones)) & high);
}

static size_t plain_run(const char *p, size_t n)
{
    size_t i = 0;
    while (i + 8 <= n && plain_word(p + i))
        i += 8;
    while (i < n && (unsigned char)p[i] >= 0x20 && (unsigned char)p[i] < 0x80 && p[i] != '"' && p[i] != '\\')
        i++;
    return i;
}

static void escape_byte(struct buf *b, unsigned char c)
{
    static const char short_form[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r', ['"'] = '"', ['\\'] = '\\'};
    static const char hex[] = "0123456789abcdef";
    if (c >= 0x80) {
        buf_put(b, "\xEF\xBF\xBD", 3); /* a stray byte: U+FFFD */
    } else if (short_form[c]) {
        buf_put(b, (const char[]){'\\', short_form[c]}, 2);
    } else {
        buf_put(b, (const char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
    }
}

void jw_escape(struct buf *b, struct str s)
{
    size_t from = 0, i = 0;
    while (i < s.n) {
        i += plain_run(s.p + i, s.n - i);
        if (i == s.n)
            break;
        size_t n = (unsigned char)s.p[i] >= 0x80 ? text_char_len(str_skip(s, i)) : 0;
        if (n > 0) {
            i += n;
            continue;
        }
        buf_put(b, s.p + from, i - from);
        escape_byte(b, (unsigned char)s.p[i]);
        from = ++i;
    }
    if (s.n > from)
        buf_put(b, s.p + from, s.n - from);
}

static void quoted(struct buf *b, struct str s)
{
    if (s.n && plain_run(s.p, s.n) == s.n) { /* the common case: one reservation */
        char *p = buf_room(b, s.n + 2);
        if (!p)
            return;
        p[0] = '"';
        memcpy(p + 1, s.p, s.n);
        p[s.n + 1] = '"';
        buf_added(b, s.n + 2);
        return;
    }
    buf_char(b, '"');
    jw_escape(b, s);
    buf_char(b, '"');
}

void jw_key_str(struct json_out *w, struct str key)
{
    separate(w);
    quoted(w->b, key);
    buf_char(w->b, ':');
    w->comma = false;
}

/* Keys that need no escapes, which are nearly all: comma, quotes, key and colon in one go. */
void jw_key(struct json_out *w, const char *key)
{
    size_t n = strlen(key);
    if (plain_run(key, n) != n) {
        jw_key_str(w, (struct str){key, n});
        return;
    }
    char *p = buf_room(w->b, n + 4);
    if (!p)
        return;
    size_t at = 0;
    if (w->comma)
        p[at++] = ',';
    p[at++] = '"';
    memcpy(p + at, key, n);
    at += n;
    p[at++] = '"';
    p[at++] = ':';
    buf_added(w->b, at);
    w->comma = false;
}

static void plain(struct json_out *w, const char *p, size_t n)
{
    separate(w);
    buf_put(w->b, p, n);
}

void jw_null(struct json_out *w)
{
    plain(w, "null", 4);
}

void jw_bool(struct json_out *w, bool v)
{
    plain(w, v ? "true" : "false", v ? 4 : 5);
}

void jw_str(struct json_out *w, struct str s)
{
    if (!s.p) {
        jw_null(w);
        return;
    }
    separate(w);
    quoted(w->b, s);
}

void jw_cstr(struct json_out *w, const char *s)
{
    jw_str(w, str_of(s));
}

void jw_int(struct json_out *w, int64_t v)
{
    char text[24], *p = text + sizeof text;
    uint64_t rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do {
        *--p = (char)('0' + rest % 10);
    } while (rest /= 10);
    if (v < 0)
        *--p = '-';
    plain(w, p, (size_t)(text + sizeof text - p));
}

void jw_num(struct json_out *w, double v)
{
    char text[NUMBER_TEXT];
    if (isfinite(v))
        plain(w, text, number_write(v, text));
    else
        jw_null(w);
}

void jw_raw(struct json_out *w, struct str json)
{
    if (json.n == 0)
        jw_null(w); /* nothing at all would not be JSON */
    else
        plain(w, json.p, json.n);
}

void jw_time(struct json_out *w, int64_t ms)
{
    if (ms == 0) {
        jw_null(w);
        return;
    }
    char text[CLOCK_TEXT];
    jw_str(w, (struct str){text, clock_format(ms, text)});
}

/* Scalars go out as they came in: digits that no double holds stay. */
static void scalar(struct json_out *w, const struct json *v)
{
    if (v->raw.p)
        jw_raw(w, v->raw);
    else if (v->type == JSON_STRING)
        jw_str(w, v->s);
    else if (v->type == JSON_INT)
        jw_int(w, v->integer);
    else if (v->type == JSON_DOUBLE)
        jw_num(w, v->number);
    else if (v->type == JSON_BOOL)
        jw_bool(w, v->boolean);
    else
        jw_null(w);
}

static void value(struct json_out *w, const struct json *v, int depth)
{
    if (depth > JSON_MAX_DEPTH) {
        w->b->failed = true; /* no parsed tree is that deep */
        return;
    }
    if (v->type != JSON_ARRAY && v->type != JSON_OBJECT) {
        scalar(w, v);
        return;
    }
    bool object = v->type == JSON_OBJECT;
    open_with(w, object ? '{' : '[');
    for (size_t i = 0; i < v->n; i++) {
        if (object)
            jw_key_str(w, v->keys[i].key);
        value(w, &v->items[i], depth + 1);
    }
    close_with(w, object ? '}' : ']');
}

void jw_value(struct json_out *w, const struct json *v)
{
    if (v)
        value(w, v, 0);
    else
        jw_null(w);
}

void jw_kstr(struct json_out *w, const char *key, struct str v)
{
    jw_key(w, key);
    jw_str(w, v);
}

void jw_kcstr(struct json_out *w, const char *key, const char *v)
{
    jw_kstr(w, key, str_of(v));
}

void jw_kint(struct json_out *w, const char *key, int64_t v)
{
    jw_key(w, key);
    jw_int(w, v);
}

void jw_knum(struct json_out *w, const char *key, double v)
{
    jw_key(w, key);
    jw_num(w, v);
}

void jw_kbool(struct json_out *w, const char *key, bool v)
{
    jw_key(w, key);
    jw_bool(w, v);
}

void jw_ktime(struct json_out *w, const char *key, int64_t ms)
{
    jw_key(w, key);
    jw_time(w, ms);
}

void jw_kraw(struct json_out *w, const char *key, struct str json)
{
    jw_key(w, key);
    jw_raw(w, json);
}
