/* Metrics: an atomic number each, and for histograms an array of counts. Buckets are log-linear:
 * below 16 µs one for each microsecond, above that 16 for each doubling, so that a bucket's middle
 * is at most 1/32 off. Recording is one atomic add to a bucket and one to the sum. */
#include "base/metrics.h"

#include <stdatomic.h>

enum { SUB_BITS = 4, SUB = 1 << SUB_BITS, TOP_BITS = 27, BUCKETS = SUB + (TOP_BITS - SUB_BITS) * SUB };
enum type { COUNTER, GAUGE, HISTOGRAM };

static const struct {
    const char *name, *help;
    enum type type;
} table[METRIC_COUNT] = {
#define X(id, metric_name, metric_type, metric_help) [id] = {metric_name, metric_help, metric_type},
    METRICS(X)
#undef X
};

/* A counter's or gauge's value; a histogram's sum in microseconds. */
static _Atomic int64_t values[METRIC_COUNT];
/* Rows of metrics that are no histograms are never touched, so they take no memory. */
static _Atomic uint64_t counts[METRIC_COUNT][BUCKETS];

static size_t bucket_of(uint64_t us)
{
    if (us < SUB)
        return (size_t)us;
    unsigned top = 63 - (unsigned)__builtin_clzll(us);
    if (top >= TOP_BITS)
        return BUCKETS - 1;
    return SUB + (size_t)(top - SUB_BITS) * SUB + (size_t)((us >> (top - SUB_BITS)) & (SUB - 1));
}

/* The middle of a bucket, in microseconds. */
static double middle_of(size_t bucket)
{
    if (bucket < SUB)
        return (double)bucket;
    unsigned shift = (unsigned)((bucket - SUB) / SUB);
    uint64_t low = (uint64_t)(SUB + (bucket - SUB) % SUB) << shift;
    return (double)low + (double)(((uint64_t)1 << shift) - 1) / 2;
}

void metric_add(enum metric m, int64_t n)
{
    atomic_fetch_add_explicit(&values[m], n, memory_order_relaxed);
}

void metric_set(enum metric m, int64_t v)
{
    atomic_store_explicit(&values[m], v, memory_order_relaxed);
}

void metric_observe_us(enum metric m, int64_t us)
{
    if (us < 0)
        us = 0;
    atomic_fetch_add_explicit(&counts[m][bucket_of((uint64_t)us)], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&values[m], us, memory_order_relaxed);
}

/* A copy to compute with, so that all figures drawn from it agree; returns how many there are. */
static uint64_t snapshot(enum metric m, uint64_t out[BUCKETS])
{
    uint64_t all = 0;
    for (size_t i = 0; i < BUCKETS; i++)
        all += out[i] = atomic_load_explicit(&counts[m][i], memory_order_relaxed);
    return all;
}

int64_t metric_get(enum metric m)
{
    uint64_t copy[BUCKETS];
    if (table[m].type == HISTOGRAM)
        return (int64_t)snapshot(m, copy);
    return atomic_load_explicit(&values[m], memory_order_relaxed);
}

double metric_quantile_ms(enum metric m, double q)
{
    uint64_t copy[BUCKETS], all = snapshot(m, copy);
    if (all == 0)
        return 0;
    /* The smallest value with at least q of all at or below it. */
    double rank = q * (double)all;
    uint64_t seen = 0;
    size_t last = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        if (copy[i] == 0)
            continue;
        last = i;
        seen += copy[i];
        if ((double)seen >= rank)
            break;
    }
    return middle_of(last) / 1000;
}

static void write_histogram(struct buf *out, enum metric m)
{
    static const char *const bounds[] = {"0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005",
                                         "0.01",   "0.025",   "0.05",   "0.1",   "0.25",   "0.5",
                                         "1",      "2.5",     "5",      "10",    "30",     "60"};
    static const double bounds_us[] = {100, 250,   500, 1000, 2500,  5000, 10000, 25000, 50000,
                                       1e5, 2.5e5, 5e5, 1e6,  2.5e6, 5e6,  1e7,   3e7,   6e7};
    uint64_t copy[BUCKETS], all = snapshot(m, copy), seen = 0;
    size_t next = 0;
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        for (; next < BUCKETS && middle_of(next) <= bounds_us[i]; next++)
            seen += copy[next];
        buf_fmt(out, "%s_bucket{le=\"%s\"} %llu\n", table[m].name, bounds[i], (unsigned long long)seen);
    }
    int64_t us = atomic_load_explicit(&values[m], memory_order_relaxed);
    buf_fmt(out, "%s_bucket{le=\"+Inf\"} %llu\n", table[m].name, (unsigned long long)all);
    /* By hand: printf's decimal point follows the locale. */
    buf_fmt(out, "%s_sum %lld.%06lld\n", table[m].name, (long long)(us / 1000000), (long long)(us % 1000000));
    buf_fmt(out, "%s_count %llu\n", table[m].name, (unsigned long long)all);
}

void metrics_write(struct buf *out)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    for (int m = 0; m < METRIC_COUNT; m++) {
        buf_fmt(out, "# HELP %s %s\n", table[m].name, table[m].help);
        buf_fmt(out, "# TYPE %s %s\n", table[m].name, types[table[m].type]);
        if (table[m].type == HISTOGRAM)
            write_histogram(out, (enum metric)m);
        else
            buf_fmt(out, "%s %lld\n", table[m].name, (long long)metric_get((enum metric)m));
    }
}
