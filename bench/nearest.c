/* The index of vectors alone: what it finds against an exact scan in floats, how long a search takes and how much room
 * a vector, with filters that keep everything, a half, a hundredth and a ten-thousandth.
 *
 * Usage: nearest DIR POOL QUERIES TURNS    QUERIES: vectors of questions, floats one after another. Prints
 * {"turns","bytes","append_seconds","scopes":[{"share","recall","least","p50_ms","p99_ms"}]}, recall being that of the
 * ten nearest, over all questions, and least that of the worst question. */
#include "pool.h"

#include "base/clock.h"
#include "index/vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEN = 10, QUERIES_MAX = 200, ROUNDS = 3, SESSION_TURNS = 1000 };

/* Session and project of turn i are laid out so that each scope keeps its share of the rows, spread evenly. */
enum { ALL, HALF, HUNDREDTH, TEN_THOUSANDTH, SCOPES };
static const double SHARES[SCOPES] = {1, 0.5, 0.01, 0.0001};
#define OF_HUNDREDTH STR("sess_hundredth")
#define OF_TEN_THOUSANDTH STR("sess_ten_thousandth")

struct exact { /* the ten nearest by floats, best first */
    int64_t seq[TEN];
    float score[TEN];
    size_t n;
};

static struct exact nearest[QUERIES_MAX][SCOPES];

static void die(const char *what)
{
    (void)fprintf(stderr, "nearest: %s\n", what);
    exit(1);
}

static void *need(void *p)
{
    if (!p)
        die("out of memory");
    return p;
}

static void check(enum err_code code, const struct err *e)
{
    if (code)
        die(e->message);
}

static bool is_in(int64_t i, int scope)
{
    switch (scope) {
    case HALF:
        return i % 2 == 0;
    case HUNDREDTH:
        return i % 100 == 7;
    case TEN_THOUSANDTH:
        return i % 10000 == 11;
    default:
        return true;
    }
}

static struct str session_of(int64_t i, char room[32])
{
    if (is_in(i, HUNDREDTH))
        return OF_HUNDREDTH;
    if (is_in(i, TEN_THOUSANDTH))
        return OF_TEN_THOUSANDTH;
    (void)snprintf(room, 32, "sess_%lld", (long long)(i / SESSION_TURNS));
    return str_of(room);
}

static void keep(struct exact *x, int64_t seq, float score)
{
    if (x->n == TEN && score <= x->score[TEN - 1])
        return;
    size_t at = x->n < TEN ? x->n++ : TEN - 1;
    for (; at > 0 && x->score[at - 1] < score; at--) {
        x->score[at] = x->score[at - 1];
        x->seq[at] = x->seq[at - 1];
    }
    x->score[at] = score;
    x->seq[at] = seq;
}

static float dot(const float *a, const float *b, size_t n)
{
    float sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static float *read_queries(const char *path, size_t d, size_t *n)
{
    FILE *f = need(fopen(path, "rb"));
    float *q = need(calloc(QUERIES_MAX * d, sizeof *q));
    *n = fread(q, d * sizeof *q, QUERIES_MAX, f);
    (void)fclose(f);
    if (*n == 0)
        die("there are no questions");
    return q;
}

struct run {
    const struct pool *pool;
    struct vectors *vectors;
    int64_t turns;
    const float *queries;
    size_t n_queries, d;
    int64_t append_us;
};

/* Each turn's vector is made once: compared with all questions, and appended. */
static void fill(struct run *r)
{
    static char sessions[VECTORS_BLOCK][32];
    struct vector_row rows[VECTORS_BLOCK];
    float *v = need(calloc((size_t)VECTORS_BLOCK * r->d, sizeof *v));
    struct err e = {0};
    for (int64_t i = 0; i < r->turns;) {
        size_t n = 0;
        for (; n < VECTORS_BLOCK && i < r->turns; n++, i++) {
            float *mine = v + n * r->d;
            pool_vector(r->pool, (uint64_t)i, mine);
            for (size_t q = 0; q < r->n_queries; q++) {
                float score = dot(r->queries + q * r->d, mine, r->d);
                for (int scope = 0; scope < SCOPES; scope++)
                    if (is_in(i, scope))
                        keep(&nearest[q][scope], i + 1, score);
            }
            rows[n] = (struct vector_row){.seq = i + 1,
                                          .turn_id = STR("turn"),
                                          .session_id = session_of(i, sessions[n]),
                                          .project = is_in(i, HALF) ? STR("even") : STR("odd"),
                                          .v = mine};
        }
        int64_t start = clock_mono_us();
        check(vectors_append(r->vectors, rows, n, &e), &e);
        r->append_us += clock_mono_us() - start;
    }
    free(v);
}

static struct vector_query query_of(const struct run *r, size_t q, int scope)
{
    struct vector_query out = {.v = r->queries + q * r->d, .best = TEN};
    if (scope == HALF)
        out.project = STR("even");
    if (scope == HUNDREDTH)
        out.session_id = OF_HUNDREDTH;
    if (scope == TEN_THOUSANDTH)
        out.session_id = OF_TEN_THOUSANDTH;
    return out;
}

static double recall_of(const struct exact *x, const struct vector_hit *hits, size_t n)
{
    size_t found = 0;
    for (size_t i = 0; i < x->n; i++)
        for (size_t j = 0; j < n; j++)
            found += hits[j].seq == x->seq[i];
    return x->n ? (double)found / (double)x->n : 1;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void search(const struct run *r, int scope)
{
    static int64_t us[QUERIES_MAX * ROUNDS];
    double sum = 0, least = 1;
    size_t times = 0;
    for (int round = 0; round < ROUNDS; round++)
        for (size_t q = 0; q < r->n_queries; q++) {
            struct vector_hit hits[TEN];
            struct vector_query query = query_of(r, q, scope);
            struct err e = {0};
            size_t n;
            int64_t start = clock_mono_us();
            check(vectors_search(r->vectors, &query, hits, &n, &e), &e);
            us[times++] = clock_mono_us() - start;
            double recall = recall_of(&nearest[q][scope], hits, n);
            sum += recall;
            least = recall < least ? recall : least;
        }
    qsort(us, times, sizeof *us, compare);
    int64_t half = us[times / 2], most = us[times * 99 / 100];
    printf("%s{\"share\":%g,\"recall\":%.5f,\"least\":%.2f,\"p50_ms\":%.3f,\"p99_ms\":%.3f}", scope ? "," : "",
           SHARES[scope], sum / (double)times, least, (double)half / 1e3, (double)most / 1e3);
}

int main(int argc, char **argv)
{
    if (argc != 5)
        die("usage: nearest DIR POOL QUERIES TURNS");
    struct err e = {0};
    struct pool *pool = pool_open(argv[2]);
    struct run r = {.pool = pool, .d = pool_dimensions(pool), .turns = strtoll(argv[4], NULL, 10)};
    float *queries = read_queries(argv[3], r.d, &r.n_queries);
    r.queries = queries;
    struct vectors_options o = {.dir = argv[1], .model_id = "bench@0123456789abcdef", .dimensions = r.d};
    check(vectors_open(&o, &r.vectors, &e), &e);
    check(vectors_claim(r.vectors, &e), &e);
    fill(&r);
    printf("{\"turns\":%lld,\"append_seconds\":%.3f,\"scopes\":[", (long long)r.turns, (double)r.append_us / 1e6);
    for (int scope = 0; scope < SCOPES; scope++)
        search(&r, scope);
    puts("]}");
    vectors_close(r.vectors);
    free(queries);
    pool_close(pool);
    return 0;
}
