/* A text in pieces is masked as the whole is, wherever it is cut; what is held back is bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "texts.h"

static struct privacy *p;

static int open_all(void **state)
{
    const struct privacy_options o = {0};
    (void)state;
    return privacy_open(&o, &p, NULL) ? -1 : 0;
}

static int close_all(void **state)
{
    (void)state;
    privacy_free(p);
    return 0;
}

/* One pass over the whole. */
static struct str whole(struct arena *a, enum privacy_level level, struct str text)
{
    struct scratch *s;
    struct buf b;
    assert_int_equal(scan_text(p, level, text, &s, NULL), ERR_OK);
    buf_init(&b, 0);
    masked_put(p, text, 0, text.n, &s->kept, &b);
    buf_char(&b, '.');
    return buf_take(&b, a);
}

struct pieces {
    struct privacy_stream *s;
    struct buf out;
    size_t in, held; /* held: the most that was held back */
};

static void feed(struct pieces *f, struct str piece)
{
    struct str out;
    assert_int_equal(privacy_stream_feed(f->s, piece, &out, NULL), ERR_OK);
    buf_str(&f->out, out);
}

static struct str end(struct arena *a, struct pieces *f)
{
    struct str out;
    assert_int_equal(privacy_stream_end(f->s, &out, NULL), ERR_OK);
    buf_str(&f->out, out);
    buf_char(&f->out, '.');
    privacy_stream_free(f->s);
    return buf_take(&f->out, a);
}

static struct pieces begin(enum privacy_level level)
{
    struct pieces f = {0};
    buf_init(&f.out, 0);
    assert_int_equal(privacy_stream_new(p, level, &f.s, NULL), ERR_OK);
    return f;
}

static void same(struct str got, struct str wanted, struct str text, size_t cut)
{
    if (!str_eq(got, wanted))
        fail_msg("cut at %zu:\n%.*s\ngives\n%.*s\nand whole\n%.*s", cut, STR_ARG(text), STR_ARG(got), STR_ARG(wanted));
}

static void test_cut_at_every_offset(void **state)
{
    (void)state;
    for (uint64_t number = 0; number < 12; number++) {
        struct arena *a = arena_new();
        struct str text = made_text(a, number, 1 + number % 14), wanted = whole(a, PRIVACY_PUBLIC, text);
        for (size_t cut = 0; cut <= text.n; cut++) {
            struct pieces f = begin(PRIVACY_PUBLIC);
            feed(&f, str_take(text, cut));
            feed(&f, str_skip(text, cut));
            same(end(a, &f), wanted, text, cut);
        }
        arena_free(a);
    }
}

static void test_any_pieces(void **state)
{
    (void)state;
    for (uint64_t number = 1000; number < 1080; number++) {
        struct arena *a = arena_new();
        uint64_t random = number;
        const enum privacy_level level = (enum privacy_level)(number % 3);
        struct str text = made_text(a, number, 60), rest = text, wanted = whole(a, level, text);
        const size_t most = number % 3 == 0 ? 1 : number % 3 == 1 ? 7 : 200;
        struct pieces f = begin(level);
        while (rest.n > 0) {
            size_t n = 1 + next_number(&random) % most;
            feed(&f, str_take(rest, n));
            rest = str_skip(rest, n);
        }
        same(end(a, &f), wanted, text, most);
        arena_free(a);
    }
}

/* Pieces so large that the prefilter looks first, with few finds in much text. */
static void test_large_pieces(void **state)
{
    (void)state;
    assert_non_null(later_wait(p->later));
    for (uint64_t number = 1; number < 13; number++) {
        struct arena *a = arena_new();
        struct buf b;
        uint64_t random = number;
        buf_init(&b, 0);
        while (b.n < 60000) {
            if (next_number(&random) % 24 == 0)
                buf_str(&b, made_text(a, next_number(&random), 3));
            buf_cstr(&b, next_number(&random) % 2 ? " the river is cold in winter," : " and music plays at night");
        }
        struct str text = buf_take(&b, a), rest = text, wanted = whole(a, PRIVACY_PUBLIC, text);
        struct pieces f = begin(PRIVACY_PUBLIC);
        while (rest.n > 0) {
            size_t n = 1 + next_number(&random) % (number % 2 ? 9000 : 30000);
            feed(&f, str_take(rest, n));
            rest = str_skip(rest, n);
        }
        same(end(a, &f), wanted, text, number);
        arena_free(a);
    }
}

/* Ordinary words go out as they come, but for the last of them. */
static void test_little_is_held_back(void **state)
{
    struct arena *a = arena_new();
    struct pieces f = begin(PRIVACY_PUBLIC);
    size_t in = 0;
    (void)state;
    for (int i = 0; i < 400; i++) {
        const char *word = i % 2 ? "the river is cold in winter, " : "and the music plays at night. ";
        feed(&f, str_of(word));
        in += strlen(word);
        assert_true(in - f.out.n < 200);
    }
    assert_int_equal(end(a, &f).n, in + 1);
    arena_free(a);
}

/* So too at a text's very beginning, where a line could still become anything. */
static void test_little_is_held_back_of_a_first_line(void **state)
{
    struct arena *a = arena_new();
    struct pieces f = begin(PRIVACY_PUBLIC);
    char word[32];
    size_t in = 0;
    (void)state;
    for (int i = 0; i < 20; i++) {
        (void)snprintf(word, sizeof word, "word%d ", i);
        feed(&f, str_of(word));
        in += strlen(word);
        assert_true(in - f.out.n < 24);
    }
    (void)end(a, &f);
    arena_free(a);
}

/* Whatever comes, memory is bounded: letters without end, digits, an address that never ends. */
static void test_bounded(void **state)
{
    static const char *const endless[] = {"a",    "7",         "a.",  "x@", "-----BEGIN PRIVATE KEY-----",
                                          "MIIE", "password=", "eyJ", "1-"};
    (void)state;
    for (size_t k = 0; k < sizeof endless / sizeof *endless; k++) {
        char piece[4096];
        struct arena *a = arena_new();
        struct pieces f = begin(PRIVACY_PUBLIC);
        const size_t n = strlen(endless[k]);
        for (size_t i = 0; i < sizeof piece; i++)
            piece[i] = endless[k][i % n];
        for (int i = 0; i < 100; i++)
            feed(&f, (struct str){piece, sizeof piece});
        assert_true(f.out.n > 0 || k > 0);
        end(a, &f);
        arena_free(a);
    }
}

static void test_out_of_memory(void **state)
{
    (void)state;
    for (int64_t n = 0; n < 40; n++) {
        struct privacy_stream *s = NULL;
        struct err e = {0};
        struct str out;
        mem_fail_after(n, true);
        enum err_code code = privacy_stream_new(p, PRIVACY_PUBLIC, &s, &e);
        if (!code)
            code = privacy_stream_feed(s, STR("mail bob.jones@example.com now, or 123-45-6789 and then "), &out, &e);
        if (!code)
            code = privacy_stream_end(s, &out, &e);
        mem_fail_after(-1, false);
        assert_true(code == ERR_OK || code == ERR_NOMEM);
        privacy_stream_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_at_every_offset),
        cmocka_unit_test(test_any_pieces),
        cmocka_unit_test(test_large_pieces),
        cmocka_unit_test(test_little_is_held_back),
        cmocka_unit_test(test_little_is_held_back_of_a_first_line),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
