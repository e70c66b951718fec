/* The index of vectors from outside, against a plain scan of the same floats.
 * Usage: vectors FOLDER DIMENSIONS DOCUMENTS QUERIES ROWS BEST
 *   DOCUMENTS, QUERIES   files of floats, one vector after another; the first ROWS of the documents are put in
 * Rows belong to one of 100 projects and 10,000 sessions, drawn at random, so that the rows of each lie everywhere;
 * their time is their number. Prints JSON: what building, opening and checking cost, then for each filter recall@BEST
 * against the scan, and the times of both, query by query in turns. */
#include "index/vectors.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PROJECTS = 100, SESSIONS = 10000, QUERIES_MOST = 300, WARM = 20, NAME = 32 };
static const int64_t START_MS = 1700000000000;

struct rows {
    const float *v, *queries;
    size_t dimensions, n, n_queries, best;
    uint16_t *session;
    uint8_t *project;
    char sessions[SESSIONS][NAME], projects[PROJECTS][NAME];
};

static void die(const char *what)
{
    fprintf(stderr, "vectors: %s\n", what);
    exit(1);
}

static void must(enum err_code code, const struct err *e)
{
    if (code)
        die(e->message);
}

static void *need(void *p)
{
    if (!p)
        die("out of memory");
    return p;
}

static uint64_t next_random(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u; /* splitmix64 */
    uint64_t z = *state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static const float *floats(const char *path, size_t dimensions, size_t *n)
{
    struct str map;
    struct err e = {0};
    must(file_map(path, (size_t)1 << 40, &map, &e), &e);
    *n = map.n / dimensions / sizeof(float);
    return (const void *)map.p;
}

static int64_t thread_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static double resident_mb(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%*s %ld", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

/* ---- the plain scan ---- */
#if defined(__x86_64__)
__attribute__((target("avx2,fma"), optimize("O3", "fast-math")))
#endif
static float
dot(const float *a, const float *b, size_t n)
{
    float sum[32] = {0};
    size_t i = 0;
    for (; i + 32 <= n; i += 32)
        for (size_t k = 0; k < 32; k++)
            sum[k] += a[i + k] * b[i + k];
    for (; i < n; i++)
        sum[0] += a[i] * b[i];
    for (size_t k = 1; k < 32; k++)
        sum[0] += sum[k];
    return sum[0];
}

/* The score that the best-th of the allowed rows has, and how many there are of the best. */
static size_t scan(const struct rows *r, const float *query, const uint8_t *allowed, float *least)
{
    float top[1000];
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++) {
        if (allowed && !allowed[i])
            continue;
        float s = dot(query, r->v + i * r->dimensions, r->dimensions);
        if (n == r->best && s <= top[n - 1])
            continue;
        size_t at = n < r->best ? n++ : n - 1;
        for (; at > 0 && top[at - 1] < s; at--)
            top[at] = top[at - 1];
        top[at] = s;
    }
    *least = n ? top[n - 1] : 0;
    return n;
}

/* ---- filters ---- */
struct filter {
    const char *name, *kept;
    struct vector_query q;
    struct vector_set set;
    struct scope_view view;
    uint8_t *allowed; /* NULL: all */
};

static void set_of(struct filter *f, const struct rows *r, uint64_t one_in)
{
    uint64_t state = one_in;
    uint64_t *bits = need(mem_zalloc((r->n / 64 + 2) * sizeof *bits));
    f->allowed = need(mem_zalloc(r->n));
    for (size_t i = 0; i < r->n; i++)
        if (next_random(&state) % one_in == 0) {
            bits[i / 64] |= (uint64_t)1 << i % 64;
            f->allowed[i] = 1;
        }
    f->set = (struct vector_set){1, r->n, bits};
    f->q.only = &f->set;
}

static void make_filters(const struct rows *r, struct filter f[8])
{
    static struct str readable[PROJECTS / 2];
    f[0] = (struct filter){.name = "none", .kept = "100 %"};
    f[1] = (struct filter){.name = "allowed set", .kept = "50 %"};
    f[2] = (struct filter){.name = "half of the projects may be read", .kept = "50 %"};
    f[3] = (struct filter){.name = "time", .kept = "50 %"};
    f[4] = (struct filter){.name = "allowed set", .kept = "1 %"};
    f[5] = (struct filter){.name = "project", .kept = "1 %"};
    f[6] = (struct filter){.name = "allowed set", .kept = "0.01 %"};
    f[7] = (struct filter){.name = "session", .kept = "0.01 %"};
    set_of(&f[1], r, 2);
    set_of(&f[4], r, 100);
    set_of(&f[6], r, 10000);
    for (int k = 0; k < 8; k++)
        f[k].allowed = f[k].allowed || k == 0 ? f[k].allowed : need(mem_zalloc(r->n));
    for (size_t i = 0; i < PROJECTS / 2; i++)
        readable[i] = str_of(r->projects[i]);
    f[2].view = (struct scope_view){.scope = {.limited = true}, .projects = readable, .n_projects = PROJECTS / 2};
    f[2].q.view = &f[2].view;
    f[3].q.from = START_MS + (int64_t)(r->n / 2) * 1000;
    f[5].q.project = str_of(r->projects[7]);
    f[7].q.session_id = str_of(r->sessions[r->session[r->n / 2]]);
    for (size_t i = 0; i < r->n; i++) {
        f[2].allowed[i] = r->project[i] < PROJECTS / 2;
        f[3].allowed[i] = i >= r->n / 2;
        f[5].allowed[i] = r->project[i] == 7;
        f[7].allowed[i] = r->session[i] == r->session[r->n / 2];
    }
}

/* ---- measuring ---- */
static int compare_times(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double quantile(int64_t *t, size_t n, double q)
{
    qsort(t, n, sizeof *t, compare_times);
    return (double)t[(size_t)(q * (double)(n - 1))] / 1000;
}

static void measure(struct vectors *v, const struct rows *r, struct filter *f, bool last)
{
    static int64_t ours[QUERIES_MOST], cpu[QUERIES_MOST], plain[QUERIES_MOST];
    struct vector_hit hits[1000];
    struct err e = {0};
    size_t found = 0, wanted = 0, n = 0, counted = 0;
    f->q.best = r->best;
    for (size_t i = 0; i < r->n_queries + WARM; i++) {
        float least;
        f->q.v = r->queries + i % r->n_queries * r->dimensions;
        int64_t start = clock_mono_us(), own = thread_us();
        must(vectors_search(v, &f->q, hits, &n, &e), &e);
        int64_t end = clock_mono_us(), own_end = thread_us();
        if (i < WARM)
            continue;
        size_t all = scan(r, f->q.v, f->allowed, &least);
        plain[counted] = clock_mono_us() - end;
        cpu[counted] = own_end - own;
        ours[counted++] = end - start;
        wanted += all;
        for (size_t k = 0; k < n; k++) { /* of equals either is right */
            size_t row = (size_t)hits[k].seq - 1;
            if (f->allowed && !f->allowed[row])
                die("a row was found that the filter leaves out");
            found += dot(f->q.v, r->v + row * r->dimensions, r->dimensions) >= least - 1e-6F;
        }
    }
    printf("  {\"filter\":\"%s\",\"kept\":\"%s\",\"recall\":%.4f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"cpu_p50_ms\":%.3f,"
           "\"scan_p50_ms\":%.3f,\"scan_p99_ms\":%.3f}%s\n",
           f->name, f->kept, wanted ? (double)found / (double)wanted : 1, quantile(ours, counted, .5),
           quantile(ours, counted, .99), quantile(cpu, counted, .5), quantile(plain, counted, .5),
           quantile(plain, counted, .99), last ? "" : ",");
    fflush(stdout);
}

/* ---- building ---- */
static void label(struct rows *r)
{
    uint64_t state = 1;
    r->session = need(mem_alloc(r->n * sizeof *r->session));
    r->project = need(mem_alloc(r->n));
    for (size_t i = 0; i < SESSIONS; i++)
        snprintf(r->sessions[i], NAME, "sess_%zu", i);
    for (size_t i = 0; i < PROJECTS; i++)
        snprintf(r->projects[i], NAME, "project%zu", i);
    for (size_t i = 0; i < r->n; i++) {
        r->session[i] = (uint16_t)(next_random(&state) % SESSIONS);
        r->project[i] = (uint8_t)(r->session[i] % PROJECTS);
    }
}

static void fill(struct vectors *v, const struct rows *r)
{
    static struct vector_row rows[VECTORS_BLOCK];
    struct err e = {0};
    for (size_t at = 0; at < r->n;) {
        size_t n = r->n - at < VECTORS_BLOCK ? r->n - at : (size_t)VECTORS_BLOCK;
        for (size_t i = 0; i < n; i++)
            rows[i] = (struct vector_row){.seq = (int64_t)(at + i) + 1,
                                          .turn_id = STR("turn"),
                                          .session_id = str_of(r->sessions[r->session[at + i]]),
                                          .project = str_of(r->projects[r->project[at + i]]),
                                          .v = r->v + (at + i) * r->dimensions,
                                          .conversation_id = STR("conv"),
                                          .timestamp = START_MS + (int64_t)(at + i) * 1000};
        must(vectors_append(v, rows, n, &e), &e);
        at += n;
    }
}

static double ms_since(int64_t start)
{
    return (double)(clock_mono_us() - start) / 1000;
}

static void run(const char *folder, struct rows *r)
{
    struct vectors *v;
    struct vectors_state s;
    struct err e = {0};
    struct vector_hit hits[1000];
    size_t n;
    struct vectors_options o = {.dir = folder, .model_id = "bench@0123456789abcdef", .dimensions = r->dimensions};
    label(r);
    must(vectors_open(&o, &v, &e), &e);
    must(vectors_reset(v, &e), &e);
    int64_t start = clock_mono_us();
    fill(v, r);
    double filled = ms_since(start);
    vectors_close(v);
    start = clock_mono_us();
    double before = resident_mb();
    must(vectors_open(&o, &v, &e), &e);
    vectors_state(v, &s);
    double opened = ms_since(start);
    start = clock_mono_us();
    must(vectors_search(v, &(struct vector_query){.v = r->queries, .best = r->best}, hits, &n, &e), &e);
    double first = ms_since(start);
    start = clock_mono_us();
    must(vectors_check(v, &e), &e);
    double checked = ms_since(start);
    printf("{\"rows\":%lld,\"bytes_per_vector\":%.2f,\"fill_ms\":%.0f,\"open_ms\":%.2f,\"first_search_ms\":%.2f,"
           "\"check_ms\":%.1f,\"rss_mb\":%.1f,\"filters\":[\n",
           (long long)s.rows, (double)s.bytes / (double)s.rows, filled, opened, first, checked, resident_mb() - before);
    static struct filter filters[8];
    make_filters(r, filters);
    for (int k = 0; k < 8; k++)
        measure(v, r, &filters[k], k == 7);
    printf("]}\n");
    vectors_close(v);
}

int main(int argc, char **argv)
{
    static struct rows r;
    size_t there;
    if (argc != 7)
        die("usage: vectors FOLDER DIMENSIONS DOCUMENTS QUERIES ROWS BEST");
    r.dimensions = strtoul(argv[2], NULL, 10);
    r.v = floats(argv[3], r.dimensions, &there);
    r.queries = floats(argv[4], r.dimensions, &r.n_queries);
    r.n = strtoul(argv[5], NULL, 10);
    r.best = strtoul(argv[6], NULL, 10);
    r.n_queries = r.n_queries < QUERIES_MOST ? r.n_queries : QUERIES_MOST;
    if (there < r.n || r.n == 0 || r.n_queries == 0 || r.best == 0 || r.best > 1000)
        die("there are not so many");
    run(argv[1], &r);
    return 0;
}
