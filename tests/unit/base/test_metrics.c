/* Metrics: exact counts, quantiles within the promised error, and a text that Prometheus can read. */
#include "unit/base/unit.h"

#include "base/metrics.h"
#include "unit/base/random.h"

#include <ctype.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_counters_and_gauges(void **state)
{
    (void)state;
    int64_t before = metric_get(M_STORE_WRITES);
    metric_add(M_STORE_WRITES, 1);
    metric_add(M_STORE_WRITES, 4);
    assert_int_equal(metric_get(M_STORE_WRITES), before + 5);
    metric_set(M_STORE_QUEUE, 9);
    metric_add(M_STORE_QUEUE, -2);
    assert_int_equal(metric_get(M_STORE_QUEUE), 7);
}

static void test_nothing_observed(void **state)
{
    (void)state;
    assert_true(metric_quantile_ms(M_PROXY_MEMORY_SECONDS, 0.5) == 0);
    assert_int_equal(metric_get(M_PROXY_MEMORY_SECONDS), 0);
}

static int by_value(const void *a, const void *b)
{
    return (*(const int64_t *)a > *(const int64_t *)b) - (*(const int64_t *)a < *(const int64_t *)b);
}

/* Values spread evenly over the magnitudes from 1 µs to 100 s, against the exact quantiles. */
static void test_quantiles(void **state)
{
    (void)state;
    enum { N = 20000 };
    static int64_t values[N];
    uint64_t seed = 8;
    for (size_t i = 0; i < N; i++) {
        values[i] = (int64_t)pow(10, (double)random_below(&seed, 8000) / 1000);
        metric_observe_us(M_RECALL_SECONDS, values[i]);
    }
    qsort(values, N, sizeof values[0], by_value);
    assert_int_equal(metric_get(M_RECALL_SECONDS), N);
    for (double q = 0.001; q < 1; q += 0.007) {
        double exact = (double)values[(size_t)ceil(q * N) - 1] / 1000;
        double told = metric_quantile_ms(M_RECALL_SECONDS, q);
        assert_true(fabs(told - exact) <= 0.04 * exact);
    }
    assert_true(metric_quantile_ms(M_RECALL_SECONDS, 0) <= 0.0011);
    assert_true(metric_quantile_ms(M_RECALL_SECONDS, 1) >= 0.96 * (double)values[N - 1] / 1000);
}

static void test_odd_values_are_clamped(void **state)
{
    (void)state;
    metric_observe_us(M_STORE_SECONDS, -5);
    assert_true(metric_quantile_ms(M_STORE_SECONDS, 1) == 0);
    metric_observe_us(M_STORE_SECONDS, INT64_C(1) << 60);
    double top = metric_quantile_ms(M_STORE_SECONDS, 1);
    assert_true(top >= 100000 && top < 140000);
}

enum { THREADS = 4, EACH = 5000 };

static void *record(void *arg)
{
    (void)arg;
    for (int i = 0; i < EACH; i++) {
        metric_add(M_PROXY_REQUESTS, 1);
        metric_observe_us(M_HTTP_SECONDS, i);
    }
    return NULL;
}

static void test_threads_lose_nothing(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, record, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(metric_get(M_PROXY_REQUESTS), THREADS * EACH);
    assert_int_equal(metric_get(M_HTTP_SECONDS), THREADS * EACH);
}

/* "name{labels} value" with a name of the declared kind; returns the value. */
static double sample(struct str line)
{
    size_t i = 0;
    while (i < line.n && (isalnum((unsigned char)line.p[i]) || line.p[i] == '_'))
        i++;
    assert_true(i > 0);
    if (i < line.n && line.p[i] == '{') {
        ptrdiff_t end = str_find(line, STR("\"}"));
        assert_true(str_starts(str_skip(line, i), "{le=\"") && end > 0);
        i = (size_t)end + 2;
    }
    assert_int_equal(line.p[i], ' ');
    double v;
    assert_true(str_double(str_skip(line, i + 1), &v));
    return v;
}

static void test_prometheus_text(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    metrics_write(&b);
    assert_false(b.failed);
    struct str rest = buf_view(&b);
    assert_int_equal(rest.p[rest.n - 1], '\n');
    int types = 0, helps = 0;
    double last_bucket = 0, last_bound = 0;
    while (rest.n > 0) {
        struct str line = str_cut(&rest, '\n');
        types += str_starts(line, "# TYPE ");
        helps += str_starts(line, "# HELP ");
        if (str_starts(line, "#")) {
            last_bucket = last_bound = 0;
            continue;
        }
        double v = sample(line);
        ptrdiff_t le = str_find(line, STR("_bucket{le=\""));
        if (le >= 0) {
            /* Cumulative over growing bounds, the last one infinite. */
            struct str bound = str_skip(line, (size_t)le + 12);
            bound = str_cut(&bound, '"');
            double at = INFINITY;
            assert_true(str_is(bound, "+Inf") || str_double(bound, &at));
            assert_true(at > last_bound && v >= last_bucket);
            last_bound = at;
            last_bucket = v;
        } else if (str_find(line, STR("_count ")) >= 0) {
            assert_true(isinf(last_bound) && v == last_bucket);
        }
    }
    assert_int_equal(types, METRIC_COUNT);
    assert_int_equal(helps, METRIC_COUNT);
    buf_release(&b);
}

static void test_sum_and_buckets(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    metric_observe_us(M_PROXY_MEMORY_SECONDS, 400);
    metric_observe_us(M_PROXY_MEMORY_SECONDS, 2000000);
    metrics_write(&b);
    struct str text = buf_view(&b);
    assert_true(str_find(text, STR("cairn_proxy_memory_seconds_sum 2.000400\n")) > 0);
    assert_true(str_find(text, STR("cairn_proxy_memory_seconds_bucket{le=\"0.00025\"} 0\n")) > 0);
    assert_true(str_find(text, STR("cairn_proxy_memory_seconds_bucket{le=\"0.0005\"} 1\n")) > 0);
    assert_true(str_find(text, STR("cairn_proxy_memory_seconds_bucket{le=\"2.5\"} 2\n")) > 0);
    assert_true(str_find(text, STR("cairn_proxy_memory_seconds_bucket{le=\"+Inf\"} 2\n")) > 0);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counters_and_gauges),
        cmocka_unit_test(test_nothing_observed),
        cmocka_unit_test(test_quantiles),
        cmocka_unit_test(test_odd_values_are_clamped),
        cmocka_unit_test(test_threads_lose_nothing),
        cmocka_unit_test(test_prometheus_text),
        cmocka_unit_test(test_sum_and_buckets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
