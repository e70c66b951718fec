/* The event stream reader: the same events whatever the line ends and however the bytes are cut. */
#include "unit/base/unit.h"

#include "doors/proxy/sse.h"
#include "unit/base/random.h"

#include <string.h>

static void note(void *arg, struct str name, struct str data)
{
    struct buf *b = arg;
    buf_fmt(b, "[%.*s|%.*s]", STR_ARG(name), STR_ARG(data));
}

static void feed_all(const char *bytes, size_t n, size_t step, size_t max, struct buf *out)
{
    struct sse s;
    sse_init(&s, max);
    for (size_t i = 0; i < n; i += step)
        sse_feed(&s, (struct str){bytes + i, n - i < step ? n - i : step}, note, out);
    sse_finish(&s, note, out);
    sse_release(&s);
}

static void expect(const char *bytes, const char *events)
{
    for (size_t step = 1; step <= strlen(bytes) + 1; step++) {
        struct buf out;
        buf_init(&out, 0);
        feed_all(bytes, strlen(bytes), step, 1000, &out);
        buf_char(&out, 0);
        assert_string_equal(out.p, events);
        buf_release(&out);
    }
}

static void test_events(void **state)
{
    (void)state;
    expect("", "");
    expect("data: a\n\ndata: b\n\n", "[|a][|b]");
    expect("event: ping\ndata: {}\n\ndata: x\n\n", "[ping|{}][|x]");
    expect("data:a\ndata: b\ndata:  c\n\n", "[|a\nb\n c]");
    expect(": comment\n\n:\ndata: a\n\n", "[|a]");
    expect("id: 7\nretry: 10\nother: x\ndata: a\n\n", "[|a]");
    expect("data\n\n", "[|]");
    expect("data: \n\n", "[|]");
    expect("event: lonely\n\ndata: a\n\n", "[|a]");
    expect("data: a:b: c\n\n", "[|a:b: c]");
}

static void test_line_ends(void **state)
{
    (void)state;
    expect("data: a\r\n\r\ndata: b\r\n\r\n", "[|a][|b]");
    expect("data: a\r\rdata: b\r\r", "[|a][|b]");
    expect("data: a\r\n\ndata: b\n\r\n", "[|a][|b]");
    expect("data: a\n\n\n\ndata: b\r\n\r\n\r\n", "[|a][|b]");
}

static void test_last_event_without_its_end(void **state)
{
    (void)state;
    expect("data: a", "[|a]");
    expect("data: a\n", "[|a]");
    expect("event: x\ndata: a\r\n", "[x|a]");
}

static void test_byte_order_mark(void **state)
{
    (void)state;
    expect("\xef\xbb\xbf"
           "data: a\n\n",
           "[|a]");
    expect("\xef\xbb"
           "data: a\n\ndata: b\n\n",
           "[|b]");
}

static void test_bound(void **state)
{
    (void)state;
    static char big[5000];
    struct buf out;
    struct sse s;
    memset(big, 'x', sizeof big);
    sse_init(&s, 100);
    buf_init(&out, 0);
    sse_feed(&s, STR("data: a\n\ndata: "), note, &out);
    sse_feed(&s, (struct str){big, sizeof big}, note, &out);
    sse_feed(&s, STR("\n\ndata: b\n\n"), note, &out);
    for (int i = 0; i < 60; i++)
        sse_feed(&s, STR("data: many\n"), note, &out);
    sse_feed(&s, STR("\ndata: c\n\n"), note, &out);
    assert_str(buf_view(&out), "[|a][|b][|c]");
    assert_true(s.dropped);
    sse_release(&s);
    buf_release(&out);
}

/* A long name is cut, not kept whole. */
static void test_long_name(void **state)
{
    (void)state;
    struct buf out;
    struct sse s;
    sse_init(&s, 1000);
    buf_init(&out, 0);
    sse_feed(&s, STR("event: "), note, &out);
    for (int i = 0; i < 300; i++)
        sse_feed(&s, STR("n"), note, &out);
    sse_feed(&s, STR("\ndata: a\n\n"), note, &out);
    assert_int_equal(out.n, SSE_NAME_MAX + 4);
    sse_release(&s);
    buf_release(&out);
}

/* Random streams, cut at random places: always the events of the stream in one piece. */
static void test_any_cut(void **state)
{
    (void)state;
    static const char *const parts[] = {"data: a", "data:", "event: e", ":c", "\n", "\r\n", "\r", "\n\n", "x", " "};
    uint64_t seed = 7;
    for (int round = 0; round < 500; round++) {
        struct buf text, whole, cut;
        struct sse s;
        buf_init(&text, 0);
        buf_init(&whole, 0);
        buf_init(&cut, 0);
        for (int i = 0; i < 30; i++)
            buf_cstr(&text, parts[random_below(&seed, sizeof parts / sizeof parts[0])]);
        feed_all(text.p, text.n, text.n, 1000, &whole);
        sse_init(&s, 1000);
        for (struct str rest = buf_view(&text); rest.n;) {
            struct str piece = str_take(rest, 1 + random_below(&seed, 9));
            sse_feed(&s, piece, note, &cut);
            rest = str_skip(rest, piece.n);
        }
        sse_finish(&s, note, &cut);
        assert_true(str_eq(buf_view(&whole), buf_view(&cut)));
        sse_release(&s);
        buf_release(&text);
        buf_release(&whole);
        buf_release(&cut);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_line_ends),
        cmocka_unit_test(test_last_event_without_its_end),
        cmocka_unit_test(test_byte_order_mark),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_long_name),
        cmocka_unit_test(test_any_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
