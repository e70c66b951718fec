/* Arenas: alignment, zeroing, bounds, deferred calls, and every allocation failing in turn. */
#include "unit/base/unit.h"

#include "base/arena.h"
#include "base/mem.h"
#include "unit/base/random.h"

#include <string.h>

static void assert_zero(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(p[i], 0);
}

static void test_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    enum { N = 400 };
    static unsigned char *kept[N];
    static size_t sizes[N];
    uint64_t seed = 1;
    struct arena *a = arena_new();
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < N; i++) {
            sizes[i] = random_below(&seed, i % 50 == 0 ? 200000 : 300);
            kept[i] = arena_alloc(a, sizes[i]);
            assert_non_null(kept[i]);
            assert_int_equal((uintptr_t)kept[i] % 16, 0);
            assert_zero(kept[i], sizes[i]);
            memset(kept[i], (int)(i % 255) + 1, sizes[i]);
        }
        for (size_t i = 0; i < N; i++)
            for (size_t k = 0; k < sizes[i]; k += 7)
                assert_int_equal(kept[i][k], i % 255 + 1);
        arena_reset(a); /* what is handed out next must be zero again */
    }
    arena_free(a);
}

static void test_empty_allocations_differ(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    assert_ptr_not_equal(arena_alloc(a, 0), arena_alloc(a, 0));
    arena_free(a);
    arena_free(NULL);
    arena_reset(NULL);
}

static void test_limit(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    arena_limit(a, 1000);
    assert_non_null(arena_alloc(a, 900));
    assert_false(arena_failed(a));
    assert_null(arena_alloc(a, 200));
    assert_true(arena_failed(a));
    assert_non_null(arena_alloc(a, 50)); /* what fits still works; the failure is remembered */
    assert_true(arena_failed(a));
    assert_true(arena_used(a) <= 1000);
    arena_reset(a);
    assert_false(arena_failed(a));
    assert_int_equal(arena_used(a), 0);
    arena_limit(a, 0);
    assert_non_null(arena_alloc(a, 5000));
    arena_free(a);
}

static void test_overflow(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    arena_limit(a, SIZE_MAX);
    assert_null(arena_calloc(a, SIZE_MAX / 2, 4));
    assert_null(arena_alloc(a, SIZE_MAX));
    assert_null(arena_alloc(a, SIZE_MAX - 8));
    assert_null(arena_cstr(a, (struct str){"x", SIZE_MAX}));
    assert_true(arena_failed(a));
    arena_free(a);
}

static void test_strings(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct str s = arena_str(a, STR("a\0b"));
    assert_str(s, "a\0b");
    assert_int_equal(s.p[3], '\0');
    assert_null(arena_str(a, STR_NONE).p);
    assert_non_null(arena_str(a, STR("")).p);
    assert_string_equal(arena_cstr(a, STR_NONE), "");
    assert_str(arena_fmt(a, "%d-%s", 5, "x"), "5-x");
    char big[1000];
    memset(big, 'y', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    for (size_t n = 250; n < 262; n++) { /* around the size of the small buffer inside */
        struct str f = arena_fmt(a, "%.*s", (int)n, big);
        assert_int_equal(f.n, n);
        assert_int_equal(strlen(f.p), n);
    }
    arena_free(a);
}

struct trace {
    char text[8];
    size_t n;
};

struct call {
    struct trace *to;
    char mark;
};

static void note(void *arg)
{
    struct call *c = arg;
    c->to->text[c->to->n++] = c->mark;
}

static void test_defers_run_last_first(void **state)
{
    (void)state;
    struct trace t = {"", 0};
    struct call one = {&t, '1'}, two = {&t, '2'}, three = {&t, '3'};
    struct arena *a = arena_new();
    assert_true(arena_defer(a, note, &one));
    assert_true(arena_defer(a, note, &two));
    arena_reset(a);
    assert_string_equal(t.text, "21");
    assert_true(arena_defer(a, note, &three));
    arena_free(a);
    assert_string_equal(t.text, "213");
}

static void test_defer_without_memory_runs_at_once(void **state)
{
    (void)state;
    struct trace t = {"", 0};
    struct call one = {&t, '1'};
    struct arena *a = arena_new();
    arena_limit(a, 1);
    assert_false(arena_defer(a, note, &one));
    assert_string_equal(t.text, "1");
    arena_free(a);
    assert_string_equal(t.text, "1");
}

/* Each allocation fails in turn; whatever was handed out stays whole, and nothing leaks (ASan). */
static void test_every_failure(void **state)
{
    (void)state;
    bool hit = true;
    for (int64_t n = 0; hit; n++) {
        mem_fail_after(n, n % 2 == 1);
        struct arena *a = arena_new();
        char *parts[40] = {NULL};
        for (size_t i = 0; i < 40; i++) {
            size_t size = 100 + 700 * i;
            parts[i] = arena_alloc(a, size);
            if (parts[i])
                memset(parts[i], 'a' + (int)(i % 26), size);
            else
                assert_true(arena_failed(a));
        }
        hit = mem_fail_hit();
        mem_fail_after(-1, false);
        assert_int_equal(hit, arena_failed(a));
        for (size_t i = 0; i < 40; i++)
            if (parts[i])
                assert_int_equal(parts[i][99 + 700 * i], 'a' + (int)(i % 26));
        arena_free(a);
        assert_true(n < 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zeroed_aligned_and_apart),
        cmocka_unit_test(test_empty_allocations_differ),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_defers_run_last_first),
        cmocka_unit_test(test_defer_without_memory_runs_at_once),
        cmocka_unit_test(test_every_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
