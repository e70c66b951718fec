/* The cache of answers: what is kept, for how long, and what makes room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/answer_cache.h"

static bool has(struct answer_cache *c, const char *key, uint64_t version, int64_t now, const char *answer)
{
    struct buf out;
    buf_init(&out, 0);
    bool hit = answer_cache_get(c, str_of(key), version, now, &out);
    if (hit)
        assert_true(str_is(buf_view(&out), answer));
    else
        assert_int_equal(out.n, 0);
    buf_release(&out);
    return hit;
}

static void test_an_answer_is_valid_for_its_version_and_half_a_minute(void **state)
{
    (void)state;
    struct answer_cache *c = answer_cache_new(1 << 20);
    answer_cache_put(c, STR("a"), 7, 1000, STR("one"));
    assert_true(has(c, "a", 7, 1000, "one"));
    assert_true(has(c, "a", 7, 30999, "one"));
    assert_false(has(c, "b", 7, 1000, ""));
    assert_false(has(c, "a", 7, 31000, ""));
    answer_cache_put(c, STR("a"), 7, 1000, STR("one"));
    assert_false(has(c, "a", 8, 1000, ""));
    assert_false(has(c, "a", 7, 1000, "")); /* an old answer is dropped when it is met */
    answer_cache_free(c);
}

static void test_the_newest_answer_of_a_key_stands(void **state)
{
    (void)state;
    struct answer_cache *c = answer_cache_new(1 << 20);
    answer_cache_put(c, STR("a"), 1, 0, STR("one"));
    answer_cache_put(c, STR("a"), 2, 0, STR("two"));
    assert_true(has(c, "a", 2, 0, "two"));
    answer_cache_free(c);
}

static void test_what_was_not_used_for_longest_makes_room(void **state)
{
    (void)state;
    enum { BYTES = 64 << 10, N = 2000 };
    struct answer_cache *c = answer_cache_new(BYTES);
    char key[32], answer[200];
    int kept = 0;
    memset(answer, 'x', sizeof answer);
    for (int i = 0; i < N; i++) {
        snprintf(key, sizeof key, "key %d", i);
        answer_cache_put(c, str_of(key), 1, 0, (struct str){answer, sizeof answer});
    }
    struct buf out;
    buf_init(&out, 0);
    for (int i = 0; i < N; i++) {
        snprintf(key, sizeof key, "key %d", i);
        kept += answer_cache_get(c, str_of(key), 1, 0, &out);
    }
    assert_true(kept > 50 && (size_t)kept * sizeof answer <= BYTES);
    buf_clear(&out);
    assert_true(answer_cache_get(c, STR("key 1999"), 1, 0, &out));
    assert_false(answer_cache_get(c, STR("key 1"), 1, 0, &out));
    buf_release(&out);
    answer_cache_free(c);
}

static void test_an_answer_too_large_is_not_kept(void **state)
{
    (void)state;
    struct answer_cache *c = answer_cache_new(8 * 1024);
    static char large[4096];
    answer_cache_put(c, STR("a"), 1, 0, (struct str){large, sizeof large});
    assert_false(has(c, "a", 1, 0, ""));
    answer_cache_free(c);
    c = answer_cache_new(0); /* off */
    answer_cache_put(c, STR("a"), 1, 0, STR("one"));
    assert_false(has(c, "a", 1, 0, ""));
    answer_cache_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_is_valid_for_its_version_and_half_a_minute),
        cmocka_unit_test(test_the_newest_answer_of_a_key_stands),
        cmocka_unit_test(test_what_was_not_used_for_longest_makes_room),
        cmocka_unit_test(test_an_answer_too_large_is_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
