/* What all formats use to tell what they read (format.h), and to read values as tools write them. */
#include "history/format.h"
#include "history/path.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Times up to here are seconds, up to a thousand times that milliseconds, then micro- and nanoseconds: the borders are
 * in the year 5138, or in 1973. */
static const double SECONDS_MOST = 1e11;

enum err_code history_turn(struct history_in *in, const struct history_turn *t, struct err *e)
{
    return in->sink->turn(in->sink, t, e);
}

enum err_code history_record(struct history_in *in, const struct history_record *r, struct err *e)
{
    return in->sink->record(in->sink, r, e);
}

enum err_code history_merged(struct history_in *in, struct str key, const struct history_at *at, struct err *e)
{
    return in->sink->merged(in->sink, key, at, e);
}

enum err_code history_skip(struct history_in *in, const char *reason, const struct history_at *at, struct err *e)
{
    return in->sink->skip(in->sink, reason, at, e);
}

enum err_code history_title(struct history_in *in, struct str session, struct str title, struct err *e)
{
    return in->sink->title(in->sink, session, title, HISTORY_TITLE_MADE, e);
}

enum err_code history_title_by(struct history_in *in, struct str session, struct str title, enum history_titled by,
                               struct err *e)
{
    return in->sink->title(in->sink, session, title, by, e);
}

enum err_code history_mark(struct history_in *in, int64_t from, int64_t lines, struct err *e)
{
    return in->sink->mark(in->sink, from, lines, e);
}

bool history_stopped(const struct history_in *in)
{
    return in->stop && atomic_load_explicit(in->stop, memory_order_relaxed);
}

bool history_known(struct history_in *in, struct str key)
{
    return in->sink->known(in->sink, key);
}

enum err_code history_note(struct history_in *in, struct str key, struct str value, struct err *e)
{
    return in->sink->note(in->sink, key, value, e);
}

struct str history_noted(struct history_in *in, struct str key)
{
    return in->sink->noted(in->sink, key);
}

static int folders_in(struct str path)
{
    int n = 0;
    for (size_t i = 0; i < path.n; i++)
        n += path.p[i] == '/';
    return n;
}

/* Each folder on the way is opened by itself, so that no link leads out; up it goes first, and not above the root. */
int history_sibling(const struct history_in *in, const char *name, struct err *e)
{
    int at = in->dir, fd = -1, up = folders_in(in->path);
    char part[256];
    errno = ENOENT;
    for (const char *p = name; at >= 0;) {
        const char *slash = strchr(p, '/');
        size_t n = slash ? (size_t)(slash - p) : strlen(p);
        bool above = n == 2 && p[0] == '.' && p[1] == '.';
        bool wrong = n == 0 || n >= sizeof part || (n == 1 && *p == '.') || (above && up <= 0);
        up = above ? up - 1 : 0;
        memcpy(part, p, wrong ? 0 : n);
        part[wrong ? 0 : n] = '\0';
        fd = wrong ? -1 : path_open(at, part, slash != NULL);
        if (at != in->dir)
            close(at);
        if (!slash || fd < 0)
            break;
        at = fd;
        p = slash + 1;
    }
    if (fd < 0)
        (void)err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, NULL, "cannot open %.80s: %m", name);
    return fd;
}

/* ---- values ---- */

static unsigned hex4(const char *p)
{
    unsigned v = 0;
    for (int i = 0; i < 4; i++) {
        unsigned c = (unsigned char)p[i], d = c - '0' < 10           ? c - '0'
                                              : (c | 0x20) - 'a' < 6 ? (c | 0x20) - 'a' + 10
                                                                     : 99;
        if (d > 15)
            return 0;
        v = v << 4 | d;
    }
    return v;
}

/* One escape or character from `s` on, mended, to b; how many bytes it was. */
static size_t mend_one(struct buf *b, struct str s, bool in_string)
{
    if (*s.p == '\\' && s.n >= 6 && s.p[1] == 'u') {
        unsigned unit = hex4(s.p + 2);
        unsigned low =
            unit >= 0xD800 && unit < 0xDC00 && s.n >= 12 && s.p[6] == '\\' && s.p[7] == 'u' ? hex4(s.p + 8) : 0;
        bool pair = low >= 0xDC00 && low <= 0xDFFF;
        size_t n = pair ? 12 : 6;
        buf_put(b, unit >= 0xD800 && unit <= 0xDFFF && !pair ? "\\ufffd" : s.p, n);
        return n;
    }
    if (*s.p == '\\' && s.n >= 2 && (unsigned char)s.p[1] < 0x80) {
        buf_put(b, s.p, 2);
        return 2;
    }
    size_t n = text_char_len(s);
    if (n && in_string && (unsigned char)*s.p < 0x20)
        buf_fmt(b, "\\u%04x", (unsigned)*s.p);
    else if (n && (*s.p || in_string))
        buf_put(b, s.p, n);
    else if (!n)
        buf_cstr(b, "\xef\xbf\xbd");
    return n ? n : 1;
}

static struct str mended(struct arena *a, struct str text)
{
    struct buf b;
    bool in_string = false;
    buf_init(&b, text.n * 3 + 64);
    for (size_t i = 0; i < text.n;) {
        if (text.p[i] == '"')
            in_string = !in_string;
        i += mend_one(&b, str_skip(text, i), in_string);
    }
    return buf_take(&b, a);
}

enum err_code history_json(struct arena *a, struct str text, const struct json **out, struct err *e)
{
    struct err why = {0};
    enum err_code code = json_parse(a, text, JSON_DUPLICATES_OK, out, &why);
    if (code != ERR_INVALID || !text.n)
        return code ? err_set(e, code, NULL, "%s", why.message) : ERR_OK;
    struct str again = mended(a, text);
    if (!again.p)
        return err_nomem(e);
    return json_parse(a, again, JSON_DUPLICATES_OK, out, e);
}

int64_t history_time(const struct json *v)
{
    int64_t ms = 0;
    if (!v)
        return 0;
    if (v->type == JSON_STRING)
        return clock_parse(v->s, &ms) ? ms : 0;
    if ((v->type != JSON_INT && v->type != JSON_DOUBLE) || !(v->number > 0) || v->number > SECONDS_MOST * 1e9)
        return 0;
    if (v->number <= SECONDS_MOST)
        return (int64_t)(v->number * 1000);
    return (int64_t)(v->number <= SECONDS_MOST * 1e3   ? v->number
                     : v->number <= SECONDS_MOST * 1e6 ? v->number / 1e3
                                                       : v->number / 1e6);
}

static void put_text(struct buf *b, const struct json *v)
{
    struct str s = v->type == JSON_STRING ? v->s : json_text(v, "text");
    if (!s.n && v->type == JSON_OBJECT)
        s = json_text(v, "content");
    if (!s.n)
        return;
    if (b->n)
        buf_cstr(b, "\n\n");
    buf_str(b, s);
}

struct str history_text(struct arena *a, const struct json *v)
{
    struct buf b;
    if (!v || v->type == JSON_STRING)
        return v && v->s.n ? v->s : STR_NONE;
    buf_init(&b, 0);
    if (v->type == JSON_OBJECT)
        put_text(&b, v);
    for (size_t i = 0; v->type == JSON_ARRAY && i < v->n; i++)
        put_text(&b, &v->items[i]);
    bool none = !b.n && !b.failed;
    struct str out = buf_take(&b, a);
    return none ? STR_NONE : out;
}
