/* Finding a value in whatever spelling, and cutting it out: nothing of it is left, and all else stays as it was. */
#include "service_fixture.h"

#include "base/mem.h"
#include "service/erasure_value.h"
#include "unit/base/random.h"

static struct arena *arena;

static int open_arena(void **state)
{
    (void)state;
    arena = arena_new();
    return arena ? 0 : -1;
}

static int close_arena(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct str folded(struct str text)
{
    struct folded f;
    struct err e = {0};
    assert_int_equal(fold(arena, text, &f, &e), ERR_OK);
    return f.text;
}

static void cuts(const char *text, const char *value, const char *left)
{
    struct str out;
    struct err e = {0};
    bool any;
    assert_int_equal(value_cut(arena, str_of(text), folded(str_of(value)), &out, &any, &e), ERR_OK);
    if (!str_is(out, left) || any != (strcmp(text, left) != 0))
        fail_msg("%s without %s: %.*s", text, value, STR_ARG(out));
}

static void mentions_are_found_in_any_spelling(void **state)
{
    (void)state;
    cuts("write to Jane.Doe@Example.com!", "jane.doe@example.com", "write to [erased]!");
    cuts("jane jane", "JANE", "[erased] [erased]");
    cuts("janejane", "jane", "[erased][erased]");
    cuts("nothing here", "jane", "nothing here");
    cuts("", "jane", "");
    cuts("M\xc3\xbcLLER said", "m\xc3\xbcller", "[erased] said");  /* MüLLER */
    cuts("Mu\xcc\x88ller said", "M\xc3\x9cLLER", "[erased] said"); /* a mark of its own; MÜLLER */
    cuts("stra\xc3\x9f"
         "e 5",
         "STRASSE", "[erased] 5");                                  /* straße */
    cuts("\xef\xbc\xaa\xef\xbd\x81ne Doe", "jane doe", "[erased]"); /* wide letters */
    cuts("ja\xc2\xadne doe", "jane doe", "[erased]");               /* a soft hyphen within */
    cuts("\xef\xac\x81ne day", "fine", "[erased] day");             /* a ligature */
    cuts("\xff\xfejane\xff", "jane", "\xff\xfe[erased]\xff");       /* bytes that are no text stay */
}

static void a_mention_that_ends_within_a_character_takes_it_whole(void **state)
{
    (void)state;
    cuts("gro\xc3\x9f", "gros", "[erased]");      /* ß is ss */
    cuts("a \xef\xac\x83x", "a ff", "[erased]x"); /* ffi */
}

/* Whatever the bytes: no mention is left, and what stays are the text's own bytes in their order. */
static void nothing_is_left(void **state)
{
    static const char *const parts[] = {"jane",     "JANE",         "ja",       "ne",      " ",
                                        "\xc3\xbc", "u\xcc\x88",    "\xc3\x9f", "ss",      "\xff",
                                        "\xe2\x82", "\xef\xbc\xaa", "x",        "[erased]"};
    uint64_t r = 41;
    struct str value = folded(STR("jane"));
    (void)state;
    for (int round = 0; round < 3000; round++) {
        struct buf b;
        struct str out;
        struct err e = {0};
        bool any;
        buf_init(&b, 0);
        for (int n = (int)random_below(&r, 12); n > 0; n--)
            buf_cstr(&b, parts[random_below(&r, sizeof parts / sizeof *parts)]);
        assert_int_equal(value_cut(arena, buf_view(&b), value, &out, &any, &e), ERR_OK);
        assert_true(str_find(folded(out), value) < 0);
        assert_int_equal(any, b.n && str_find(folded(buf_view(&b)), value) >= 0);
        if (!any)
            assert_true(str_eq(out, buf_view(&b)));
        buf_release(&b);
        arena_reset(arena);
        value = folded(STR("jane"));
    }
}

static void where_each_byte_came_from(void **state)
{
    struct folded f;
    struct err e = {0};
    (void)state;
    struct str text = STR("a\xc3\x9f"
                          "b"); /* aßb → assb */
    assert_int_equal(fold(arena, text, &f, &e), ERR_OK);
    assert_true(str_is(f.text, "assb"));
    const size_t from[] = {0, 1, 1, 3, 4};
    assert_memory_equal(f.from, from, sizeof from);
}

static void out_of_memory_is_told(void **state)
{
    struct str value = folded(STR("m\xc3\xbcller"));
    (void)state;
    for (int n = 0;; n++) {
        struct str out;
        struct err e = {0};
        bool any;
        struct arena *a = arena_new();
        mem_fail_after(n, false);
        enum err_code code = value_cut(a, STR("Herr M\xc3\x9cLLER ist da"), value, &out, &any, &e);
        bool hit = mem_fail_hit();
        mem_fail_after(-1, false);
        assert_int_equal(code, hit ? ERR_NOMEM : ERR_OK);
        arena_free(a);
        if (!hit)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mentions_are_found_in_any_spelling),
        cmocka_unit_test(a_mention_that_ends_within_a_character_takes_it_whole),
        cmocka_unit_test(nothing_is_left),
        cmocka_unit_test(where_each_byte_came_from),
        cmocka_unit_test(out_of_memory_is_told),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
