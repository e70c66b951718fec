/* Search by meaning against plain arithmetic over the same rows: random vectors and filters, several sizes, each set of
 * instructions. */
#include "unit/index/desk.h"

enum { DIMENSIONS = 100, ROWS = 3000, BEST = 10 }; /* not a multiple of 64 */

static int setup(void **state)
{
    return desk_setup(state, DIMENSIONS);
}

static void add_all(struct desk *d, size_t rows)
{
    for (size_t at = 0; at < rows; at += VECTORS_BLOCK) /* the last ones are the tail's */
        OK(add(d, 1 + (int64_t)at, rows - at < VECTORS_BLOCK ? rows - at : (size_t)VECTORS_BLOCK, &e));
}

/* The same decision as a filter's, row by row. */
static bool passes(const struct vector_query *q, int64_t seq)
{
    static const char *const conversations[] = {"conv_0", "conv_1", "conv_2", "conv_3", "conv_4"};
    struct str session = str_of(SESSIONS[seq % 3]), project = seq % 3 == 2 ? STR("other") : STR("p");
    if (q->session_id.p ? !str_eq(q->session_id, session) : q->project.p && !str_eq(q->project, project))
        return false;
    if (q->except_conversation.p && str_eq(q->except_conversation, str_of(conversations[seq % 5])))
        return false;
    if ((q->from && seq * 1000 < q->from) || (q->to && seq * 1000 > q->to))
        return false;
    uint64_t at = (uint64_t)(seq - (q->only ? q->only->first : 0));
    return !q->only || (seq >= q->only->first && at < q->only->n && (q->only->bits[at / 64] >> at % 64 & 1));
}

static int falling(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* Exact scores of the rows that pass, best first; how many. */
static size_t exact(const struct desk *d, const struct vector_query *q, int64_t rows, double *out)
{
    float v[DIMENSIONS];
    size_t n = 0;
    for (int64_t seq = 1; seq <= rows; seq++) {
        if (!passes(q, seq))
            continue;
        vector_of(d, (uint64_t)seq, v);
        out[n++] = cosine(d, q->v, v);
    }
    qsort(out, n, sizeof *out, falling);
    return n;
}

/* All hits pass, with their own scores, in order; how many of them belong there. */
static size_t look_at_hits(struct desk *d, const struct vector_query *q, int64_t rows, size_t *wanted)
{
    static double scores[ROWS_MOST];
    struct vector_hit hits[VECTORS_BEST_MAX];
    float v[DIMENSIONS];
    size_t n = 0, right = 0, all = exact(d, q, rows, scores);
    OK(vectors_search(d->v, q, hits, &n, &e));
    *wanted = all < q->best ? all : q->best;
    assert_int_equal(n, *wanted);
    for (size_t i = 0; i < n; i++) {
        assert_true(passes(q, hits[i].seq));
        vector_of(d, (uint64_t)hits[i].seq, v);
        double score = cosine(d, q->v, v);
        assert_true(fabs(score - (double)hits[i].score) < 0.003);
        assert_true(i == 0 || hits[i].score <= hits[i - 1].score);
        for (size_t k = 0; k < i; k++)
            assert_true(hits[k].seq != hits[i].seq);
        right += score >= scores[n - 1] - 1e-6;
    }
    return right;
}

static struct scope_view *random_view(struct desk *d, struct scope_view *v, struct scope_exception *ex,
                                      struct str *projects, uint32_t *slots)
{
    static const char *const names[] = {"p", "other"};
    *v = (struct scope_view){
        .scope = {.limited = true}, .exceptions = ex, .slots = slots, .n_slots = 8, .projects = projects};
    for (int i = 0; i < 2; i++)
        if (next_number(d) % 2)
            projects[v->n_projects++] = str_of(names[i]);
    for (int i = 0; i < 3; i++)
        if (next_number(d) % 2)
            ex[v->n++] = (struct scope_exception){str_of(SESSIONS[i]), next_number(d) % 2};
    return v;
}

static void any_filters_leave_what_exact_search_finds(void **state)
{
    struct desk *d = *state;
    const struct vector_math *all[VECTOR_MATHS_MAX];
    size_t maths = vector_maths(all), right = 0, wanted = 0;
    static uint64_t bits[ROWS_MOST / 64 + 2];
    add_all(d, ROWS);
    for (int round = 0; round < 90; round++) {
        float query[DIMENSIONS];
        uint64_t choice = next_number(d);
        struct vector_set set = {(int64_t)(next_number(d) % 50) - 20, ROWS - 100 + next_number(d) % 200, bits};
        struct vector_query q = {.v = query, .best = round % 7 ? BEST : 300};
        static const uint64_t sparse[] = {1, 2, 100, 1000};
        for (size_t i = 0; i < sizeof bits / sizeof *bits; i++)
            bits[i] = 0;
        uint64_t one_in = sparse[choice >> 32 & 3];
        for (size_t i = 0; i < set.n; i++)
            bits[i / 64] |= (uint64_t)(next_number(d) % one_in == 0) << i % 64;
        vector_of(d, 100000 + (uint64_t)round, query);
        if (choice & 1)
            q.only = &set;
        if (choice & 2)
            q.except_conversation = STR("conv_3");
        if (choice & 4)
            q.from = (int64_t)(next_number(d) % ROWS) * 1000; /* times are kept in seconds */
        if (choice & 8)
            q.to = q.from + (int64_t)(next_number(d) % ROWS) * 1000;
        if (choice % 5 == 1)
            q.session_id = str_of(SESSIONS[choice >> 8 & 1]);
        if (choice % 5 == 2)
            q.project = STR("other");
        d->v->math = all[(size_t)round % maths];
        size_t more = 0;
        right += look_at_hits(d, &q, ROWS, &more);
        wanted += more;
    }
    assert_true(right * 1000 >= wanted * 990);
}

static void only_what_may_be_read_is_found(void **state)
{
    struct desk *d = *state;
    add_all(d, 1000);
    for (int round = 0; round < 30; round++) {
        struct scope_view view;
        struct scope_exception ex[3];
        struct str projects[2];
        uint32_t slots[8] = {0};
        float query[DIMENSIONS];
        struct vector_hit hits[400];
        size_t n = 0, readable = 0;
        random_view(d, &view, ex, projects, slots);
        vector_of(d, 5000 + (uint64_t)round, query);
        OK(vectors_search(d->v, &(struct vector_query){.v = query, .best = 400, .view = &view}, hits, &n, &e));
        for (int s = 0; s < 3; s++) {
            struct str project = s == 2 ? STR("other") : STR("p");
            bool reads = false;
            for (size_t i = 0; i < view.n_projects; i++)
                reads = reads || str_eq(projects[i], project);
            for (size_t i = 0; i < view.n; i++)
                if (str_eq(ex[i].session_id, str_of(SESSIONS[s])))
                    reads = ex[i].reads;
            size_t of_it = 0;
            for (size_t i = 0; i < n; i++)
                of_it += hits[i].seq % 3 == s;
            assert_true(reads || of_it == 0);
            readable += reads ? s == 0 ? 333 : s == 1 ? 334 : 333 : 0;
        }
        assert_int_equal(n, readable < 400 ? readable : 400);
    }
}

static void sizes_around_a_block_are_right(void **state)
{
    struct desk *d = *state;
    static const size_t sizes[] = {1, 2, 255, 256, 257, 511, 512, 513};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        float query[DIMENSIONS];
        size_t wanted = 0;
        OK(vectors_reset(d->v, &e));
        add_all(d, sizes[i]);
        vector_of(d, 777, query);
        size_t right = look_at_hits(d, &(struct vector_query){.v = query, .best = 1000}, (int64_t)sizes[i], &wanted);
        assert_true(right == wanted && wanted == sizes[i]);
    }
}

/* Blocks that span years keep times in coarse steps: nothing within the range is missed, and little beyond it found. */
static void times_are_never_cut_too_short(void **state)
{
    struct desk *d = *state;
    static float keep[VECTORS_BLOCK][DIMENSIONS_MOST];
    struct vector_row rows[VECTORS_BLOCK];
    const int64_t day = 86400000, step = 30 * day / 4; /* 256 rows: five years */
    for (int i = 0; i < VECTORS_BLOCK; i++) {
        rows[i] = row_of_seq(d, i + 1, keep[i]);
        rows[i].timestamp = 1600000000000 + i * step;
    }
    OK(vectors_append(d->v, rows, VECTORS_BLOCK, &e));
    for (int i = 0; i < VECTORS_BLOCK; i += 15) {
        struct vector_hit hits[VECTORS_BLOCK];
        size_t n = 0;
        struct vector_query q = {
            .v = keep[i], .best = VECTORS_BLOCK, .from = rows[i].timestamp, .to = rows[i].timestamp};
        OK(vectors_search(d->v, &q, hits, &n, &e));
        assert_true(n == 1 && hits[0].seq == i + 1);
    }
}

static void nonsense_is_no_harm(void **state)
{
    struct desk *d = *state;
    float v[3][DIMENSIONS] = {{0}}, query[DIMENSIONS];
    struct vector_row rows[3];
    struct vector_hit hits[3];
    size_t n = 0;
    for (int i = 0; i < 3; i++) {
        rows[i] = row_of_seq(d, i + 1, query);
        rows[i].v = v[i];
        rows[i].timestamp = i == 0 ? INT64_MIN : i == 1 ? INT64_MAX : 0;
    }
    v[1][3] = NAN;
    v[2][4] = INFINITY;
    OK(vectors_append(d->v, rows, 3, &e));
    vector_of(d, 1, query);
    OK(vectors_search(d->v, &(struct vector_query){.v = query, .best = 3}, hits, &n, &e));
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++)
        assert_true(fabsf(hits[i].score) < 2);
    OK(vectors_search(d->v, &(struct vector_query){.v = v[1], .best = 3}, hits, &n, &e));
    assert_int_equal(n, 3);
    WANT(ERR_INVALID, vectors_search(d->v, &(struct vector_query){.v = query, .best = 0}, hits, &n, &e));
    WANT(ERR_INVALID,
         vectors_search(d->v, &(struct vector_query){.v = query, .best = VECTORS_BEST_MAX + 1}, hits, &n, &e));
}

/* A vector against itself: nine bits are near. */
static void codes_are_near_what_they_stand_for(void **state)
{
    struct desk *d = *state;
    double worst = 0;
    for (int64_t seq = 1; seq <= 200; seq++)
        OK(add(d, seq, 1, &e));
    for (int64_t seq = 1; seq <= 200; seq++) {
        float v[DIMENSIONS], score;
        vector_of(d, (uint64_t)seq, v);
        OK(vectors_scores(d->v, v, &seq, 1, &score, &e));
        worst = fabs(1 - (double)score) > worst ? fabs(1 - (double)score) : worst;
    }
    assert_true(worst < 0.0005);
}

static void all_kernels_agree(void **state)
{
    struct desk *d = *state;
    const struct vector_math *all[VECTOR_MATHS_MAX];
    size_t n = vector_maths(all);
    static int16_t query[4096];
    static uint8_t codes[4096];
    static uint64_t asked[64], bits[VECTORS_BLOCK * 64];
    static uint32_t column[VECTORS_BLOCK];
    for (int i = 0; i < 4096; i++) {
        query[i] = (int16_t)(i % 2 ? 8191 : next_number(d) % 16383 - 8191);
        codes[i] = (uint8_t)(i % 2 ? 255 : next_number(d));
    }
    for (int i = 0; i < 64; i++)
        asked[i] = next_number(d);
    for (int i = 0; i < VECTORS_BLOCK * 64; i++)
        bits[i] = i % 5 ? next_number(d) : i % 2 ? UINT64_MAX : ~asked[i % 64];
    for (int i = 0; i < VECTORS_BLOCK; i++)
        column[i] = (uint32_t)(next_number(d) % 3) * 0x55555555u;
    for (size_t words = 1; words <= 64; words += words < 10 ? 1 : 9)
        for (size_t k = 0; k < n; k++) {
            uint16_t differ[VECTORS_BLOCK];
            uint64_t mask[VECTOR_MASK];
            int64_t sum = 0;
            unsigned most = (unsigned)(words * 30);
            for (size_t i = 0; i < words * 64; i++)
                sum += query[i] * (int64_t)((bits[i / 64] >> i % 64 & 1) << 8 | codes[i]);
            assert_true(all[k]->dot(query, bits, codes, words * 64) == sum);
            all[k]->differ(asked, bits, bits, words, most, differ, mask);
            for (size_t i = 0; i < VECTORS_BLOCK; i++) {
                unsigned want = 0;
                for (size_t w = 0; w < words; w++)
                    want += (unsigned)__builtin_popcountll(asked[w] ^ bits[i * words + w]);
                assert_int_equal(differ[i], want);
                assert_int_equal(all[k]->differ_one(asked, bits + i * words, words), want);
                assert_int_equal(mask[i / 64] >> i % 64 & 1, want <= most);
            }
            all[k]->equal(column, 0x55555555u, mask);
            for (size_t i = 0; i < VECTORS_BLOCK; i++)
                assert_int_equal(mask[i / 64] >> i % 64 & 1, column[i] == 0x55555555u);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, desk_teardown)
        T(any_filters_leave_what_exact_search_finds),
        T(only_what_may_be_read_is_found),
        T(sizes_around_a_block_are_right),
        T(times_are_never_cut_too_short),
        T(nonsense_is_no_harm),
        T(codes_are_near_what_they_stand_for),
        T(all_kernels_agree)};
    int failed = cmocka_run_group_tests_name("plain", tests, NULL, NULL);
    desk_is_sealed = true; /* what is opened as it is used gives the same */
    return failed + cmocka_run_group_tests_name("sealed", tests, NULL, NULL);
}
