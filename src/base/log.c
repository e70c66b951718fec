/* One line an event, one write(2) a line: lines of several threads never mix. A line is built on
 * the stack and is at most 8 KiB: a log must not fail for want of memory, nor be flooded. */
#include "base/log.h"

#include "base/clock.h"
#include "base/json_write.h"
#include "base/text.h"

#include <stdatomic.h>
#include <unistd.h>

/* Room is kept for closing the line. A single value is cut long before it fills the line. */
enum { LINE_MAX_BYTES = 8192, LINE_END = 32, VALUE_MAX = 1024 };

/* The log's own state: where lines go is a fact of the process. Set up once at start. */
static _Atomic int log_level_now = LOG_INFO;
static _Atomic int log_fd = STDERR_FILENO;
static atomic_bool log_for_people;

static const char *const level_names[] = {"debug", "info", "warn", "error", "off"};

void log_setup(enum log_level level, bool json, int fd)
{
    atomic_store(&log_level_now, (int)level);
    atomic_store(&log_fd, fd);
    atomic_store(&log_for_people, !json && isatty(fd));
}

bool log_level_parse(struct str name, enum log_level *out)
{
    for (int i = LOG_DEBUG; i <= LOG_OFF; i++) {
        if (str_is(name, level_names[i])) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

static void json_field(struct json_out *w, const struct log_field *f)
{
    if (f->type == LOG_T_STR)
        jw_kstr(w, f->key, text_cut(f->s, VALUE_MAX));
    else if (f->type == LOG_T_INT)
        jw_kint(w, f->key, f->i);
    else
        jw_knum(w, f->key, f->d);
}

static bool needs_quotes(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == '"' || s.p[i] == '=' || s.p[i] == 0x7F)
            return true;
    return s.n == 0;
}

/* Strings are escaped as in JSON, so that no value can send control characters to the terminal. */
static void people_field(struct json_out *w, const struct log_field *f)
{
    buf_fmt(w->b, " %s=", f->key);
    w->comma = false;
    struct str s = text_cut(f->s, VALUE_MAX);
    if (f->type == LOG_T_INT)
        jw_int(w, f->i);
    else if (f->type == LOG_T_NUM)
        jw_num(w, f->d);
    else if (needs_quotes(s))
        jw_str(w, s);
    else
        jw_escape(w->b, s);
}

/* Fields that no longer fit are left out, and the line says so. */
static bool add_fields(struct json_out *w, const struct log_field *fields, size_t n, bool people)
{
    for (size_t i = 0; i < n; i++) {
        size_t before = w->b->n;
        if (people)
            people_field(w, &fields[i]);
        else
            json_field(w, &fields[i]);
        if (w->b->failed) {
            buf_clear(w->b);
            w->b->n = before;
            w->comma = true;
            return false;
        }
    }
    return true;
}

static void build(struct buf *b, enum log_level level, const char *event, const struct log_field *fields, size_t n,
                  bool people)
{
    char time[CLOCK_TEXT];
    clock_format(clock_now_ms(), time);
    struct json_out w;
    jw_init(&w, b);
    if (people) {
        buf_fmt(b, "%s %-5s %.200s", time, level_names[level], event);
    } else {
        jw_object(&w);
        jw_kcstr(&w, "time", time);
        jw_kcstr(&w, "level", level_names[level]);
        jw_kstr(&w, "event", str_take(str_of(event), 200));
    }
    bool whole = add_fields(&w, fields, n, people);
    b->cap = b->max = LINE_MAX_BYTES; /* the room kept for the end */
    if (people) {
        buf_cstr(b, whole ? "\n" : " truncated=true\n");
    } else {
        if (!whole)
            jw_kbool(&w, "truncated", true);
        jw_end_object(&w);
        buf_char(b, '\n');
    }
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
    if ((int)level < atomic_load_explicit(&log_level_now, memory_order_relaxed) || level >= LOG_OFF)
        return;
    /* A buffer that may not grow past the memory it was given never goes to the heap. */
    char line[LINE_MAX_BYTES];
    struct buf b = {.p = line, .cap = sizeof line - LINE_END, .max = sizeof line - LINE_END};
    build(&b, level, event, fields, n, atomic_load(&log_for_people));
    /* Nobody can be told that the log cannot be written. */
    ssize_t written = write(atomic_load(&log_fd), b.p, b.n);
    (void)written;
}

void log_error(const char *event, const struct err *e)
{
    const struct log_field fields[] = {L_CSTR("code", err_api_name(e)), L_CSTR("message", e->message),
                                       L_CSTR("field", e->field)};
    log_write(LOG_ERROR, event, fields, e->field[0] ? 3 : 2);
}
