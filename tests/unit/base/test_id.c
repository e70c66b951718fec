/* Ids: form, order, uniqueness over threads. */
#include "unit/base/unit.h"

#include "base/clock.h"
#include "base/id.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static void test_form(void **state)
{
    (void)state;
    char id[ID_MAX];
    id_make("sess", id);
    assert_int_equal(strlen(id), 4 + 1 + 32);
    assert_true(id_has_form(str_of(id), "sess"));
    assert_false(id_has_form(str_of(id), "conv"));
    assert_false(id_has_form(str_of(id), "ses"));
    assert_false(id_has_form(str_take(str_of(id), 36), "sess"));
    assert_false(id_has_form(STR("sess_0123456789ABCDEF0123456789ABCDEF"), "sess"));
    assert_false(id_has_form(STR("sess-0123456789abcdef0123456789abcdef"), "sess"));
    assert_false(id_has_form(STR_NONE, "sess"));
    id_make("prefixtoolong", id); /* cut, never past ID_MAX */
    assert_true(id_has_form(str_of(id), "prefixto"));
}

static void test_begins_with_the_time(void **state)
{
    (void)state;
    char id[ID_MAX], digits[13] = "";
    int64_t before = clock_now_ms();
    id_make("t", id);
    memcpy(digits, id + 2, 12);
    int64_t ms = strtoll(digits, NULL, 16);
    assert_true(ms >= before && ms <= clock_now_ms() + 1);
}

static void test_strictly_increasing(void **state)
{
    (void)state;
    char last[ID_MAX], id[ID_MAX];
    id_make("turn", last);
    for (int i = 0; i < 100000; i++) {
        id_make("turn", id);
        assert_true(strcmp(id, last) > 0);
        memcpy(last, id, sizeof id);
    }
}

enum { THREADS = 4, EACH = 20000 };

static void *make_many(void *arg)
{
    char(*ids)[ID_MAX] = arg;
    for (int i = 0; i < EACH; i++)
        id_make("x", ids[i]);
    return NULL;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void test_unique_over_threads(void **state)
{
    (void)state;
    char(*ids)[ID_MAX] = malloc((size_t)THREADS * EACH * ID_MAX);
    assert_non_null(ids);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_many, ids + (size_t)i * EACH), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    qsort(ids, (size_t)THREADS * EACH, ID_MAX, by_text);
    /* The time and count alone must differ already: that is what keeps them ordered. */
    for (size_t i = 1; i < (size_t)THREADS * EACH; i++)
        assert_true(strncmp(ids[i - 1], ids[i], 2 + 16) < 0);
    free(ids);
}

static void test_sha256(void **state)
{
    (void)state;
    char out[65];
    id_sha256(STR_NONE, out);
    assert_string_equal(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    id_sha256(STR("abc"), out);
    assert_string_equal(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void test_random(void **state)
{
    (void)state;
    unsigned char a[32] = {0}, b[32] = {0};
    id_random(a, sizeof a);
    id_random(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    id_random(a, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_begins_with_the_time),
        cmocka_unit_test(test_strictly_increasing),
        cmocka_unit_test(test_unique_over_threads),
        cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
