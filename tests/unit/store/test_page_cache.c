/* Opened pages that are kept: given back only as the very page that is in the file, and within bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "store/sqlite_vfs.h"

enum { PAGES = 40000, THREADS = 3 };

/* What stands behind the n-th page as it was written for the v-th time, and the page itself. */
static void make(int64_t n, int64_t v, unsigned char behind[RESERVED], unsigned char page[PAGE])
{
    memset(behind, 0, RESERVED);
    memcpy(behind, &v, sizeof v);
    memset(page, (int)(n + v) & 0xff, PAGE);
    memcpy(page, &n, sizeof n);
}

static bool get(struct page_cache *c, int64_t n, int64_t v)
{
    unsigned char behind[RESERVED], page[PAGE], out[PAGE];
    make(n, v, behind, page);
    bool there = page_cache_get(c, n, behind, out);
    if (there)
        assert_memory_equal(out, page, PAGE);
    return there;
}

static void put(struct page_cache *c, int64_t n, int64_t v)
{
    unsigned char behind[RESERVED], page[PAGE];
    make(n, v, behind, page);
    page_cache_put(c, n, behind, page);
}

static void test_the_same_page_only(void **state)
{
    struct page_cache *c = page_cache_new();
    (void)state;
    assert_false(get(c, 7, 1));
    put(c, 7, 1);
    assert_true(get(c, 7, 1));
    assert_false(get(c, 7, 2));
    assert_false(get(c, 8, 1));
    put(c, 7, 2); /* written anew: in the old one's place */
    assert_true(get(c, 7, 2));
    assert_false(get(c, 7, 1));
    page_cache_free(c);
}

static void test_what_was_used_last_stays(void **state)
{
    struct page_cache *c = page_cache_new();
    size_t kept = 0;
    (void)state;
    put(c, 1, 1);
    for (int64_t n = 2; n <= PAGES; n++) {
        put(c, n, 1);
        assert_true(get(c, 1, 1));
    }
    for (int64_t n = 1; n <= PAGES; n++)
        kept += get(c, n, 1);
    assert_true(kept * PAGE <= (size_t)64 << 20);
    assert_true(get(c, PAGES, 1));
    page_cache_free(c);
}

static void *use(void *arg)
{
    for (int64_t i = 0; i < 20000; i++) {
        int64_t n = 1 + i % 50;
        if (!get(arg, n, i % 3))
            put(arg, n, i % 3);
    }
    return NULL;
}

static void test_many_threads(void **state)
{
    struct page_cache *c = page_cache_new();
    pthread_t threads[THREADS];
    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use, c), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    page_cache_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_page_only),
        cmocka_unit_test(test_what_was_used_last_stays),
        cmocka_unit_test(test_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
