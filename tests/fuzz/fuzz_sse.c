/* Event streams from an upstream. Whatever the bytes and however they are cut: no crash, the events of the stream in
 * one piece, and the gate lets every byte through, in order, but for one line that it keeps. */
#include "doors/proxy/gate.h"
#include "doors/proxy/sse.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void note(void *arg, struct str name, struct str data)
{
    struct buf *b = arg;
    must(name.n <= SSE_NAME_MAX && data.n <= 300);
    buf_fmt(b, "%zu,%zu:", name.n, data.n);
    buf_str(b, name);
    buf_str(b, data);
}

/* The first byte of the input says how it is cut. */
static void read_events(struct str text, size_t step, struct buf *out)
{
    struct sse s;
    sse_init(&s, 300);
    while (text.n) {
        struct str piece = str_take(text, step);
        sse_feed(&s, piece, note, out);
        text = str_skip(text, piece.n);
    }
    sse_finish(&s, note, out);
    sse_release(&s);
}

static void check_gate(struct str text, size_t step)
{
    struct gate g = {0};
    struct buf out;
    struct str rest = text;
    buf_init(&out, 0);
    while (rest.n && !g.closed) {
        size_t seen = gate_pass(&g, str_take(rest, step), &out);
        rest = str_skip(rest, seen);
    }
    buf_str(&out, gate_held(&g));
    buf_str(&out, rest);
    must(str_eq(buf_view(&out), text) || !text.n);
    must(!g.closed || str_is(gate_held(&g), "data: [DONE]") || str_is(gate_held(&g), "data:[DONE]"));
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    size_t step = 1 + data[0] % 32;
    struct str text = {(const char *)data + 1, size - 1};
    struct buf whole, cut;
    buf_init(&whole, 0);
    buf_init(&cut, 0);
    read_events(text, text.n + 1, &whole);
    read_events(text, step, &cut);
    must(str_eq(buf_view(&whole), buf_view(&cut)));
    check_gate(text, step);
    buf_release(&whole);
    buf_release(&cut);
    return 0;
}
