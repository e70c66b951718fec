/* The file of vectors: what is found is what exact arithmetic finds; and whatever happens to the file, what is read
 * is right. */
#include "unit/store/place.h"

#include "base/mem.h"
#include "index/vectors_int.h"

#include <math.h>
#include <sys/stat.h>

enum { DIMENSIONS = 100 }; /* not a multiple of 64 */
struct desk {
    char dir[64], file[128];
    struct vectors *v;
    uint64_t random;
};

static const char MODEL[] = "tiny@00112233";

static float next_random(struct desk *d)
{
    d->random = d->random * 6364136223846793005u + 1442695040888963407u;
    return (float)((int64_t)(d->random >> 33) - (1 << 30)) / (float)(1 << 30);
}

static void random_vector(struct desk *d, float *out)
{
    double sum = 0;
    for (int i = 0; i < DIMENSIONS; i++) {
        out[i] = next_random(d);
        sum += (double)out[i] * (double)out[i];
    }
    for (int i = 0; i < DIMENSIONS; i++)
        out[i] /= (float)sqrt(sum);
}

static struct vectors *open_with(struct desk *d, const char *model, size_t dimensions, bool read_only)
{
    struct vectors *v = NULL;
    OK(vectors_open(&(struct vectors_options){d->dir, model, dimensions, read_only}, &v, &e));
    return v;
}

static void reopen(struct desk *d)
{
    vectors_close(d->v);
    d->v = open_with(d, MODEL, DIMENSIONS, false);
}

static int setup(void **state)
{
    struct desk *d = calloc(1, sizeof *d);
    strcpy(d->dir, "/tmp/cairn-vectors-XXXXXX");
    if (!mkdtemp(d->dir))
        return -1;
    snprintf(d->file, sizeof d->file, "%s/index/vectors-00112233.bin", d->dir);
    d->random = 7;
    reopen(d);
    *state = d;
    return 0;
}

static int teardown(void **state)
{
    struct desk *d = *state;
    char command[128];
    vectors_close(d->v);
    snprintf(command, sizeof command, "rm -rf %s", d->dir);
    int rc = system(command);
    free(d);
    return rc;
}

static const char *const SESSIONS[] = {"sess_a", "sess_b", "sess_c"};

/* Rows first … first + n - 1, of three sessions in turn, the third of them of another project. */
static enum err_code add(struct desk *d, int64_t first, size_t n, float *keep, struct err *e)
{
    float v[VECTORS_BLOCK][DIMENSIONS];
    struct vector_row rows[VECTORS_BLOCK];
    for (size_t i = 0; i < n; i++) {
        random_vector(d, v[i]);
        size_t s = (size_t)(first + (int64_t)i) % 3;
        rows[i] = (struct vector_row){first + (int64_t)i, STR("turn_x"), str_of(SESSIONS[s]),
                                      s == 2 ? STR("other") : STR("p"), v[i]};
    }
    if (keep)
        memcpy(keep, v, n * sizeof *v);
    return vectors_append(d->v, rows, n, e);
}

static int64_t rows_of(struct vectors *v)
{
    struct vectors_state s;
    vectors_state(v, &s);
    return s.rows;
}

static double cosine(const float *a, const float *b)
{
    double sum = 0;
    for (int i = 0; i < DIMENSIONS; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static void the_nearest_are_found_in_each_scope(void **state)
{
    struct desk *d = *state;
    static float all[600][DIMENSIONS];
    float query[DIMENSIONS];
    for (size_t at = 0; at < 600; at += 200)
        OK(add(d, 1 + (int64_t)at, 200, all[at], &e));
    random_vector(d, query);
    const struct vector_query queries[] = {{.v = query, .best = 10},
                                           {.v = query, .best = 10, .session_id = STR("sess_b")},
                                           {.v = query, .best = 10, .project = STR("other")},
                                           {.v = query, .best = 10, .session_id = STR("sess_none")}};
    for (int k = 0; k < 4; k++) {
        struct vector_hit hits[10];
        size_t n = 0;
        OK(vectors_search(d->v, &queries[k], hits, &n, &e));
        assert_int_equal(n, k == 3 ? 0 : 10);
        for (size_t i = 0; i < n; i++) {
            double exact = cosine(query, all[hits[i].seq - 1]);
            assert_true(fabs(exact - (double)hits[i].score) < 0.01);
            assert_true(k == 0 || hits[i].seq % 3 == k);
            assert_true(i == 0 || hits[i].score <= hits[i - 1].score);
        }
        double worst = n ? (double)hits[n - 1].score : 2;
        size_t better = 0;
        for (int64_t i = 1; i <= 600; i++)
            better += (k == 0 || i % 3 == k) && cosine(query, all[i - 1]) > worst + 0.01;
        assert_true(better < 10); /* none that is clearly better was left out */
    }
}

static void each_turn_has_its_own_score(void **state)
{
    struct desk *d = *state;
    float kept[3][DIMENSIONS], out[5];
    const int64_t seqs[] = {9, 10, 12, 20, 21};
    OK(add(d, 10, 3, kept[0], &e));
    OK(add(d, 20, 1, NULL, &e));
    OK(vectors_scores(d->v, kept[2], seqs, 5, out, &e));
    assert_true(isnan(out[0]) && isnan(out[4]) && !isnan(out[3]));
    assert_true(fabs((double)out[1] - cosine(kept[2], kept[0])) < 0.01);
    assert_true(fabs((double)out[2] - 1) < 0.01);
}

static void a_row_must_come_after_those_that_are_in(void **state)
{
    struct desk *d = *state;
    OK(add(d, 10, 3, NULL, &e));
    WANT(ERR_INVALID, add(d, 12, 1, NULL, &e));
    OK(add(d, 13, 1, NULL, &e));
    assert_int_equal(rows_of(d->v), 4);
}

static void it_is_there_again_after_opening(void **state)
{
    struct desk *d = *state;
    struct vectors_state s;
    OK(add(d, 1, 50, NULL, &e));
    OK(add(d, 51, 7, NULL, &e));
    reopen(d);
    vectors_state(d->v, &s);
    assert_int_equal(s.rows, 57);
    assert_int_equal(s.last, 57);
    assert_true(s.anchor == vectors_anchor(STR("turn_x")));
    OK(vectors_check(d->v, &e));
}

/* Cut anywhere: whole blocks stay, the rest is gone, and what is added next is found again. */
static void a_torn_end_is_cut(void **state)
{
    struct desk *d = *state;
    struct stat st;
    OK(add(d, 1, 4, NULL, &e));
    assert_int_equal(stat(d->file, &st), 0);
    off_t whole = st.st_size;
    OK(add(d, 5, 3, NULL, &e));
    assert_int_equal(stat(d->file, &st), 0);
    for (off_t size = st.st_size - 1; size >= whole; size -= 37) {
        vectors_close(d->v);
        assert_int_equal(truncate(d->file, size), 0);
        d->v = open_with(d, MODEL, DIMENSIONS, false);
        assert_int_equal(rows_of(d->v), 4);
        OK(add(d, 5, 3, NULL, &e));
        reopen(d);
        assert_int_equal(rows_of(d->v), 7);
        OK(vectors_check(d->v, &e));
        assert_int_equal(stat(d->file, &st), 0);
    }
}

static void flip(const char *file, long at)
{
    FILE *f = fopen(file, "r+b");
    assert_non_null(f);
    fseek(f, at, SEEK_SET);
    int c = fgetc(f);
    fseek(f, at, SEEK_SET);
    fputc(c ^ 16, f);
    fclose(f);
}

/* Wherever a bit is wrong: it is found, or what it damaged is not there any more. */
static void every_flipped_bit_is_noticed(void **state)
{
    struct desk *d = *state;
    struct stat st;
    for (int i = 0; i < 3; i++)
        OK(add(d, 1 + 2 * i, 2, NULL, &e));
    assert_int_equal(stat(d->file, &st), 0);
    for (long at = 0; at < st.st_size; at += 41) {
        vectors_close(d->v);
        flip(d->file, at);
        d->v = open_with(d, MODEL, DIMENSIONS, true);
        struct err why = {0};
        assert_true(rows_of(d->v) < 6 || vectors_check(d->v, &why) == ERR_CORRUPT);
        flip(d->file, at);
    }
    reopen(d);
    assert_int_equal(rows_of(d->v), 6);
}

static void a_damaged_file_is_made_anew(void **state)
{
    struct desk *d = *state;
    OK(add(d, 1, 5, NULL, &e));
    vectors_close(d->v);
    flip(d->file, 3);
    d->v = open_with(d, MODEL, DIMENSIONS, false);
    assert_int_equal(rows_of(d->v), 0);
    OK(add(d, 1, 5, NULL, &e));
    assert_int_equal(rows_of(d->v), 5);
    OK(vectors_reset(d->v, &e));
    assert_int_equal(rows_of(d->v), 0);
}

static void models_never_mix(void **state)
{
    struct desk *d = *state;
    OK(add(d, 1, 5, NULL, &e));
    struct vectors *other = open_with(d, "tiny@44556677", DIMENSIONS, false);
    struct vectors *wider = open_with(d, MODEL, DIMENSIONS + 1, true); /* the same file, but not what it holds */
    assert_int_equal(rows_of(other), 0);
    assert_int_equal(rows_of(wider), 0);
    vectors_close(other);
    vectors_close(wider);
}

/* Locks belong to open files, so a second struct is what a second process is. */
static void one_writes_and_others_read(void **state)
{
    struct desk *d = *state;
    OK(add(d, 1, 5, NULL, &e));
    struct desk second = *d;
    second.v = open_with(d, MODEL, DIMENSIONS, false);
    assert_int_equal(rows_of(second.v), 5);
    WANT(ERR_BUSY, vectors_claim(second.v, &e));
    OK(add(d, 6, 5, NULL, &e));
    assert_int_equal(rows_of(second.v), 10);
    OK(vectors_reset(d->v, &e)); /* another file in its place */
    OK(add(d, 1, 2, NULL, &e));
    assert_int_equal(rows_of(second.v), 2);
    vectors_close(d->v);
    d->v = NULL;
    OK(add(&second, 3, 1, NULL, &e));
    assert_int_equal(rows_of(second.v), 3);
    vectors_close(second.v);
}

static void a_read_only_one_writes_nothing(void **state)
{
    struct desk *d = *state;
    struct vectors *v = open_with(d, MODEL, DIMENSIONS, true);
    WANT(ERR_READ_ONLY, vectors_claim(v, &e));
    assert_int_equal(rows_of(v), 0);
    vectors_close(v);
}

/* Each call that can fail fails once: nothing is lost that was in, and the next try goes well. */
static void failures_leave_the_file_right(void **state)
{
    struct desk *d = *state;
    int64_t in = 0;
    for (int n = 0;; n++) {
        struct err why = {0};
        assert_true(n < 200);
        vectors_close(d->v);
        d->v = open_with(d, MODEL, DIMENSIONS, false);
        mem_fail_after(n, false);
        enum err_code code = add(d, in + 1, 2, NULL, &why);
        bool hit = mem_fail_hit();
        mem_fail_after(-1, false);
        in += code ? 0 : 2;
        assert_true(code == ERR_OK || why.message[0]);
        assert_int_equal(rows_of(d->v), in);
        OK(vectors_check(d->v, &e));
        if (!hit)
            break;
    }
    OK(add(d, in + 1, 2, NULL, &e));
}

static void all_kernels_agree(void **state)
{
    struct desk *d = *state;
    const struct vector_math *all[VECTOR_MATHS_MAX];
    size_t n = vector_maths(all);
    static int16_t query[4096];
    static int8_t codes[4096];
    uint64_t a[64], b[64];
    for (int i = 0; i < 4096; i++) {
        query[i] = (int16_t)(i % 2 ? 8191 : next_random(d) * 8191);
        codes[i] = (int8_t)(i % 2 ? 127 : next_random(d) * 127);
    }
    for (int i = 0; i < 64; i++) {
        a[i] = (uint64_t)(next_random(d) * 1e9F) * 0x9e3779b97f4a7c15u;
        b[i] = ~a[i] ^ (uint64_t)i;
    }
    for (size_t width = 64; width <= 4096; width *= 2) {
        int64_t sum = 0;
        for (size_t i = 0; i < width; i++)
            sum += query[i] * codes[i];
        for (size_t k = 0; k < n; k++) {
            assert_true(all[k]->dot(query, codes, width) == sum);
            assert_int_equal(all[k]->differ(a, b, width / 64), all[n - 1]->differ(a, b, width / 64));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(the_nearest_are_found_in_each_scope),
        T(each_turn_has_its_own_score),
        T(a_row_must_come_after_those_that_are_in),
        T(it_is_there_again_after_opening),
        T(a_torn_end_is_cut),
        T(every_flipped_bit_is_noticed),
        T(a_damaged_file_is_made_anew),
        T(models_never_mix),
        T(one_writes_and_others_read),
        T(a_read_only_one_writes_nothing),
        T(failures_leave_the_file_right),
        T(all_kernels_agree)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
