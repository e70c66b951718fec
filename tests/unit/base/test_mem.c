/* The heap's door and its fault injector. */
#include "unit/base/unit.h"

#include "base/mem.h"

#include <pthread.h>
#include <string.h>

static void test_plain_use(void **state)
{
    (void)state;
    char *p = mem_alloc(0);
    assert_non_null(p);
    p = mem_grow(p, 100);
    assert_non_null(p);
    mem_free(p);
    mem_free(NULL);
    unsigned char *z = mem_zalloc(64);
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(z[i], 0);
    mem_free(z);
    char *s = mem_strdup("copy");
    assert_string_equal(s, "copy");
    mem_free(s);
}

static void test_the_nth_fails_once(void **state)
{
    (void)state;
    mem_fail_after(2, false);
    assert_false(mem_fail_hit());
    void *a = mem_alloc(8), *b = mem_zalloc(8);
    assert_true(a && b && !mem_fail_hit());
    assert_null(mem_alloc(8));
    assert_true(mem_fail_hit());
    void *c = mem_alloc(8);
    assert_non_null(c);
    mem_fail_after(-1, false);
    assert_true(mem_fail_hit()); /* turning it off keeps the answer */
    mem_free(a);
    mem_free(b);
    mem_free(c);
}

static void test_sticky_fails_from_then_on(void **state)
{
    (void)state;
    char *p = mem_strdup("still here");
    mem_fail_after(0, true);
    assert_null(mem_alloc(8));
    assert_null(mem_zalloc(8));
    assert_null(mem_grow(p, 1000));
    assert_null(mem_strdup("x"));
    assert_true(mem_fail_now());
    mem_fail_after(-1, false);
    assert_string_equal(p, "still here");
    mem_free(p);
    assert_false(mem_fail_now());
}

enum { THREADS = 4, EACH = 2000 };

static void *count_failures(void *arg)
{
    int *failures = arg;
    for (int i = 0; i < EACH; i++) {
        void *p = mem_alloc(16);
        *failures += p == NULL;
        mem_free(p);
    }
    return NULL;
}

static void test_exactly_one_thread_is_hit(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    int failures[THREADS] = {0}, all = 0;
    mem_fail_after(EACH, false);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_failures, &failures[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        all += failures[i];
    }
    mem_fail_after(-1, false);
    assert_int_equal(all, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_use),
        cmocka_unit_test(test_the_nth_fails_once),
        cmocka_unit_test(test_sticky_fails_from_then_on),
        cmocka_unit_test(test_exactly_one_thread_is_hit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
