/* The event stream reader: lines, then fields, then events. */
#include "doors/proxy/sse.h"

#include <string.h>

void sse_init(struct sse *s, size_t max)
{
    *s = (struct sse){0};
    buf_init(&s->line, max);
    buf_init(&s->data, max);
}

void sse_release(struct sse *s)
{
    buf_release(&s->line);
    buf_release(&s->data);
}

static void dispatch(struct sse *s, sse_event *fn, void *arg)
{
    if (s->too_large || s->data.failed)
        s->dropped = true;
    else if (s->has_data)
        fn(arg, (struct str){s->name, s->name_n}, buf_view(&s->data));
    buf_clear(&s->data);
    s->name_n = 0;
    s->has_data = s->too_large = false;
}

static void take_field(struct sse *s, struct str name, struct str value)
{
    if (str_is(name, "data")) {
        if (s->has_data)
            buf_char(&s->data, '\n');
        buf_str(&s->data, value);
        s->has_data = true;
    } else if (str_is(name, "event")) {
        value = str_take(value, SSE_NAME_MAX);
        if (value.n)
            memcpy(s->name, value.p, value.n);
        s->name_n = value.n;
    }
}

static void take_line(struct sse *s, struct str line, sse_event *fn, void *arg)
{
    if (!line.n) {
        dispatch(s, fn, arg);
        return;
    }
    if (line.p[0] == ':')
        return; /* a comment */
    struct str value = line, name = str_cut(&value, ':');
    if (value.n && value.p[0] == ' ')
        value = str_skip(value, 1);
    take_field(s, name, value);
}

static void end_line(struct sse *s, sse_event *fn, void *arg)
{
    if (s->line.failed)
        s->too_large = true;
    else
        take_line(s, buf_view(&s->line), fn, arg);
    buf_clear(&s->line);
}

/* Drops a byte order mark at the start of the stream, however it is cut. */
static struct str skip_mark(struct sse *s, struct str bytes)
{
    static const char mark[] = "\xef\xbb\xbf";
    while (!s->started && bytes.n) {
        if (s->skip < 3 && bytes.p[0] == mark[s->skip]) {
            s->skip++;
            bytes = str_skip(bytes, 1);
            s->started = s->skip == 3;
            continue;
        }
        buf_put(&s->line, mark, s->skip); /* it was none */
        s->started = true;
    }
    return bytes;
}

void sse_feed(struct sse *s, struct str bytes, sse_event *fn, void *arg)
{
    bytes = skip_mark(s, bytes);
    while (bytes.n) {
        if (s->after_cr && bytes.p[0] == '\n')
            bytes = str_skip(bytes, 1);
        s->after_cr = false;
        size_t n = 0;
        while (n < bytes.n && bytes.p[n] != '\n' && bytes.p[n] != '\r')
            n++;
        buf_put(&s->line, bytes.p, n);
        if (n < bytes.n) {
            s->after_cr = bytes.p[n] == '\r';
            end_line(s, fn, arg);
            n++;
        }
        bytes = str_skip(bytes, n);
    }
}

void sse_finish(struct sse *s, sse_event *fn, void *arg)
{
    if (s->line.n || s->line.failed)
        end_line(s, fn, arg);
    dispatch(s, fn, arg);
}
