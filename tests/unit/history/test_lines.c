/* Lines of any length: as they lie, cut and slimmed where they are long, with the places they stand at; and the members
 * that are seen without parsing. */
#include "unit/base/unit.h"

#include "base/mem.h"
#include "history/lines.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct source {
    struct history_in in;
    struct lines *lines;
    struct buf bytes;
};

static void begin(struct source *s, int64_t from)
{
    s->in = (struct history_in){.fd = memfd_create("lines", MFD_CLOEXEC), .size = (int64_t)s->bytes.n, .from = from};
    assert_true(s->in.fd >= 0);
    for (size_t at = 0; at < s->bytes.n;) {
        ssize_t n = write(s->in.fd, s->bytes.p + at, s->bytes.n - at);
        assert_true(n > 0);
        at += (size_t)n;
    }
    s->lines = lines_new(&s->in);
    assert_non_null(s->lines);
}

static void end(struct source *s)
{
    lines_free(s->lines);
    close(s->in.fd);
}

static bool next(struct source *s, struct line *l)
{
    struct err e = {0};
    bool found;
    assert_int_equal(lines_next(s->lines, l, &found, &e), ERR_OK);
    return found;
}

/* Lines of all lengths around the buffer's borders come out as they went in, from any line on. */
static void test_all_lengths(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1,      5,      4096, LINES_BUFFER / 3, LINES_BUFFER - 1, LINES_BUFFER - 2, 7,
                                     0, 700000, 700000, 3};
    enum { N = sizeof lengths / sizeof *lengths };
    struct source s = {0};
    int64_t at[N + 1] = {0};
    buf_init(&s.bytes, 0);
    for (size_t i = 0; i < N; i++) {
        for (size_t k = 0; k < lengths[i]; k++)
            buf_char(&s.bytes, (char)('a' + (i + k * 7) % 26));
        buf_char(&s.bytes, '\n');
        at[i + 1] = (int64_t)s.bytes.n;
    }
    for (size_t from = 0; from <= N; from++) {
        struct line l;
        begin(&s, at[from]);
        for (size_t i = from; i < N; i++) {
            assert_true(next(&s, &l));
            assert_false(l.torn || l.cut || l.too_large);
            assert_int_equal(l.at.offset, at[i]);
            assert_int_equal(l.at.line, i - from + 1);
            assert_int_equal(l.at.bytes, lengths[i]);
            assert_int_equal(l.text.n, lengths[i]);
            assert_memory_equal(l.text.p, s.bytes.p + at[i], lengths[i]);
            assert_int_equal(lines_offset(s.lines), at[i + 1]);
        }
        assert_false(next(&s, &l));
        end(&s);
    }
    buf_release(&s.bytes);
}

static void test_nuls_and_a_torn_end(void **state)
{
    (void)state;
    static const char bytes[] = "\0\0{\"a\":1}\0\0\0\n\0\0\0\n\r\nlast\0";
    struct source s = {0};
    struct line l;
    buf_init(&s.bytes, 0);
    buf_put(&s.bytes, bytes, sizeof bytes - 1);
    begin(&s, 0);
    assert_true(next(&s, &l));
    assert_true(str_is(l.text, "{\"a\":1}"));
    assert_true(next(&s, &l));
    assert_true(l.text.n == 0 && l.at.bytes == 3);
    assert_true(next(&s, &l));
    assert_true(l.text.n == 0 && l.at.bytes == 1);
    int64_t before = lines_offset(s.lines);
    assert_true(next(&s, &l));
    assert_true(l.torn && str_is(l.text, "last"));
    assert_int_equal(lines_offset(s.lines), before);
    assert_int_equal(lines_count(s.lines), 3);
    assert_false(next(&s, &l));
    end(&s);
    buf_release(&s.bytes);
}

static void put_many(struct buf *b, const char *what, size_t bytes)
{
    while (bytes > strlen(what)) {
        buf_cstr(b, what);
        bytes -= strlen(what);
    }
}

/* A long line stays JSON: strings are cut where no character and no escape is broken, blobs go, all else stays. */
static void slimmed(const char *filling)
{
    struct source s = {0};
    struct line l;
    const struct json *o;
    struct err e = {0};
    struct arena *a = arena_new();
    buf_init(&s.bytes, 0);
    buf_cstr(&s.bytes, "{\"first\":[1,\"a\\\"b\"],\"data\":\"");
    put_many(&s.bytes, "QUJD", 3 << 20);
    buf_cstr(&s.bytes, "\",\"text\":\"x");
    put_many(&s.bytes, filling, 3 << 20);
    buf_cstr(&s.bytes, "\",\"list\":[\"");
    put_many(&s.bytes, filling, 2 << 20);
    buf_cstr(&s.bytes, "\",2],\"last\":{\"k\":\"v\"}}");
    size_t bytes = s.bytes.n;
    buf_cstr(&s.bytes, "\nafter\n");
    begin(&s, 0);
    assert_true(next(&s, &l));
    assert_true(l.cut && !l.too_large && !l.torn);
    assert_int_equal(l.at.bytes, bytes);
    assert_int_equal(json_parse(a, l.text, 0, &o, &e), ERR_OK);
    assert_int_equal(o->n, 5);
    assert_true(json_text(o, "data").n <= 100);
    struct str text = json_text(o, "text");
    assert_true(text.n > (LINES_STRING / 8) && text.n <= LINES_STRING);
    assert_true(str_is(json_get(json_get(o, "last"), "k")->s, "v"));
    assert_int_equal(json_get(o, "list")->n, 2);
    assert_true(str_is(json_get(o, "first")->items[1].s, "a\"b"));
    assert_true(next(&s, &l));
    assert_true(str_is(l.text, "after") && l.at.line == 2 && l.at.offset == (int64_t)bytes + 1);
    end(&s);
    buf_release(&s.bytes);
    arena_free(a);
}

static void test_slimmed(void **state)
{
    (void)state;
    static const char *const fillings[] = {"abc",
                                           "\\n",
                                           "\\\\",
                                           "\\u00e4",
                                           "\xc3\xa4",
                                           "\xe2\x82\xac",
                                           "\\\"quoted\\\" ",
                                           "\xf0\x9f\x98\x80",
                                           "a\\u20ac\xc3\xa4\\t"};
    for (size_t i = 0; i < sizeof fillings / sizeof *fillings; i++)
        slimmed(fillings[i]);
}

/* A line with `filling` as one of the members within its second one; what is left of it. */
static const struct json *shortened(struct arena *a, struct buf *kept, const char *begins, const char *filling,
                                    const char *ends)
{
    struct source s = {0};
    struct line l;
    const struct json *o;
    struct err e = {0};
    buf_init(&s.bytes, 0);
    buf_cstr(&s.bytes, "{\"a\":\"first\",\"in\":");
    buf_cstr(&s.bytes, begins);
    put_many(&s.bytes, filling, 20 << 20);
    buf_cstr(&s.bytes, ends);
    buf_cstr(&s.bytes, ",\"uuid\":\"u\",\"more\":{\"x\":[1,2],\"y\":3}}\n{\"after\":1}\n");
    begin(&s, 0);
    assert_true(next(&s, &l));
    assert_true(l.cut && !l.too_large && l.text.n < LINES_SLIM);
    buf_str(kept, l.text);
    assert_int_equal(json_parse(a, buf_view(kept), JSON_DUPLICATES_OK, &o, &e), ERR_OK);
    assert_true(str_is(json_text(o, "a"), "first") && str_is(json_text(o, "uuid"), "u"));
    assert_true(json_get(o, "more") != NULL);
    assert_true(next(&s, &l));
    assert_true(str_is(l.text, "{\"after\":1}"));
    end(&s);
    buf_release(&s.bytes);
    return o;
}

/* Where there is very much the rest of it goes, and what the line says of itself stays. */
static void test_shortened(void **state)
{
    (void)state;
    static const struct {
        const char *begins, *filling, *ends;
    } cases[] = {{"[[1", ",{\"b\":[1,\"x,]}\\\"\"],\"c\":{}}", "],2]"},
                 {"{\"k\":[0", ",1", "],\"l\":2}"},
                 {"{\"k\":0", ",\"name\":1", ",\"l\":2}"},
                 {"[{\"t\":\"\"}", ",{\"type\":\"text\",\"text\":\"some words, and [more]\"}", "]"},
                 {"{\"k\":[[[[0", ",[],[[]],{\"a\":{\"b\":[]}}", "]]]],\"l\":2}"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *a = arena_new();
        struct buf kept;
        buf_init(&kept, 0);
        const struct json *o = shortened(a, &kept, cases[i].begins, cases[i].filling, cases[i].ends);
        assert_true(json_get(o, "in")->n >= 1);
        buf_release(&kept);
        arena_free(a);
    }
}

/* Many long strings: each gets a part of what is left. */
static void test_many_long_strings(void **state)
{
    struct source s = {0};
    struct line l;
    const struct json *o;
    struct err e = {0};
    struct arena *a = arena_new();
    (void)state;
    buf_init(&s.bytes, 0);
    buf_char(&s.bytes, '{');
    for (int i = 0; i < 12; i++) {
        buf_fmt(&s.bytes, "\"k%d\":\"", i);
        put_many(&s.bytes, "words ", 2 << 20);
        buf_cstr(&s.bytes, "\",");
    }
    buf_cstr(&s.bytes, "\"uuid\":\"u\"}\n");
    begin(&s, 0);
    assert_true(next(&s, &l));
    assert_true(l.cut && !l.too_large);
    assert_int_equal(json_parse(a, l.text, 0, &o, &e), ERR_OK);
    assert_int_equal(o->n, 13);
    assert_int_equal(json_text(o, "k0").n, LINES_STRING);
    assert_true(str_is(json_text(o, "uuid"), "u"));
    end(&s);
    buf_release(&s.bytes);
    arena_free(a);
}

static void test_a_mark_of_byte_order(void **state)
{
    struct source s = {0};
    struct line l;
    (void)state;
    buf_init(&s.bytes, 0);
    buf_cstr(&s.bytes, "\xef\xbb\xbf{}\n\xef\xbb\xbf{}\n");
    begin(&s, 0);
    assert_true(next(&s, &l));
    assert_true(str_is(l.text, "{}") && l.at.offset == 3 && l.at.bytes == 2 && l.at.line == 1);
    assert_true(next(&s, &l));
    assert_int_equal(l.text.n, 5);
    end(&s);
    begin(&s, 6);
    assert_true(next(&s, &l));
    assert_int_equal(l.text.n, 5);
    end(&s);
    buf_release(&s.bytes);
}

static void test_too_large_and_torn(void **state)
{
    (void)state;
    struct source s = {0};
    struct line l;
    buf_init(&s.bytes, 0);
    put_many(&s.bytes, "[1,2,3],", LINES_SLIM + (2 << 20));
    buf_cstr(&s.bytes, "\nafter\n{\"t\":\"");
    put_many(&s.bytes, "abc", 2 << 20);
    begin(&s, 0);
    assert_true(next(&s, &l));
    assert_true(l.too_large && !l.text.p);
    assert_true(next(&s, &l));
    assert_true(str_is(l.text, "after"));
    int64_t before = lines_offset(s.lines);
    assert_true(next(&s, &l));
    assert_true(l.torn);
    assert_int_equal(lines_offset(s.lines), before);
    assert_false(next(&s, &l));
    end(&s);
    buf_release(&s.bytes);
}

static void test_members(void **state)
{
    (void)state;
    static const char *const keys[] = {"type", "uuid", "n"};
    struct str found[3];
    assert_true(
        lines_members(STR(" {\"message\":{\"type\":\"inner\",\"x\":[\"}\",\"\\\"type\\\":\"]}, \"type\" : \"user\","
                          "\"n\":-1.5e3,\"uuid\":\"a\\\"b\"} "),
                      keys, 3, found));
    assert_true(str_is(found[0], "user") && str_is(found[1], "a\\\"b") && str_is(found[2], "-1.5e3"));
    assert_true(lines_members(STR("{}"), keys, 3, found));
    assert_null(found[0].p);
    static const char *const broken[] = {"",     "[]",         "{\"type\":\"x\"",  "{\"type\":\"x", "{\"type\"}",
                                         "null", "{\"a\":[1}", "{\"a\":{\"b\":1}", "{\"a\":1}x",    "{a:1}"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        assert_false(lines_members(str_of(broken[i]), keys, 3, found));
}

/* Out of memory is told, and nothing is lost by it. */
static void test_memory(void **state)
{
    (void)state;
    struct source s = {0};
    buf_init(&s.bytes, 0);
    buf_cstr(&s.bytes, "{\"t\":\"");
    put_many(&s.bytes, "abc", 2 << 20);
    buf_cstr(&s.bytes, "\"}\n");
    for (int n = 0; n < 3; n++) {
        struct line l;
        struct err e = {0};
        bool found = false;
        begin(&s, 0);
        mem_fail_after(n, true);
        enum err_code code = lines_next(s.lines, &l, &found, &e);
        bool failed = mem_fail_hit();
        mem_fail_after(-1, false);
        assert_int_equal(code, failed ? ERR_NOMEM : ERR_OK);
        end(&s);
    }
    buf_release(&s.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_lengths),
        cmocka_unit_test(test_nuls_and_a_torn_end),
        cmocka_unit_test(test_slimmed),
        cmocka_unit_test(test_shortened),
        cmocka_unit_test(test_many_long_strings),
        cmocka_unit_test(test_a_mark_of_byte_order),
        cmocka_unit_test(test_too_large_and_torn),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
