/* What the tests of vectors share: a folder, vectors that the same number makes again, and search as plain arithmetic.
 */
#ifndef CAIRN_TESTS_DESK_H
#define CAIRN_TESTS_DESK_H

#include "unit/store/place.h"

#include "base/mem.h"
#include "index/vectors_int.h"
#include "seal/seal.h"
#include "store/internal.h"

#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIMENSIONS_MOST = 400, ROWS_MOST = 4000 };
struct desk {
    char dir[64], bin[128], tail[128];
    size_t dimensions;
    struct vectors *v;
    uint64_t random;
    struct store store; /* nothing of it but the keyring, where files are sealed */
};
static bool desk_is_sealed; /* the tests that follow are run with keys */
static const char MODEL[] = "tiny@00112233";
static const char *const SESSIONS[] = {"sess_a", "sess_b", "sess_c"};

static inline uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static inline uint64_t next_number(struct desk *d)
{
    return mix(d->random++);
}

/* The vector of a seq: around one of a few centres, as texts are, so that some are near each other. */
static inline void vector_of(const struct desk *d, uint64_t seq, float *out)
{
    double sum = 0;
    for (size_t i = 0; i < d->dimensions; i++) {
        double centre = (double)(int64_t)mix(i * 31 + seq % 16) / 9.3e18,
               own = (double)(int64_t)mix(seq * 4096 + i) / 9.3e18;
        out[i] = (float)(centre + 0.7 * own);
        sum += (double)out[i] * (double)out[i];
    }
    for (size_t i = 0; i < d->dimensions; i++)
        out[i] = (float)((double)out[i] / sqrt(sum));
}

/* Seq s is of session s % 3 (the third is of another project), conversation s % 5, second s. */
static inline struct vector_row row_of_seq(const struct desk *d, int64_t seq, float *keep)
{
    static const char *const conversations[] = {"conv_0", "conv_1", "conv_2", "conv_3", "conv_4"};
    vector_of(d, (uint64_t)seq, keep);
    return (struct vector_row){.seq = seq,
                               .turn_id = STR("turn_x"),
                               .session_id = str_of(SESSIONS[seq % 3]),
                               .project = seq % 3 == 2 ? STR("other") : STR("p"),
                               .v = keep,
                               .conversation_id = str_of(conversations[seq % 5]),
                               .timestamp = seq * 1000};
}

/* Rows first … first + n - 1 into v. */
static inline enum err_code add_to(const struct desk *d, struct vectors *v, int64_t first, size_t n, struct err *e)
{
    static float keep[VECTORS_BLOCK][DIMENSIONS_MOST];
    struct vector_row rows[VECTORS_BLOCK];
    for (size_t i = 0; i < n; i++)
        rows[i] = row_of_seq(d, first + (int64_t)i, keep[i]);
    return vectors_append(v, rows, n, e);
}

static inline enum err_code add(struct desk *d, int64_t first, size_t n, struct err *e)
{
    return add_to(d, d->v, first, n, e);
}

static inline struct vectors *open_with(struct desk *d, const char *model, size_t dimensions, bool read_only)
{
    struct vectors *v = NULL;
    OK(vectors_open(&(struct vectors_options){d->dir, model, dimensions, read_only, &d->store}, &v, &e));
    return v;
}

static inline void reopen(struct desk *d)
{
    vectors_close(d->v);
    d->v = open_with(d, MODEL, d->dimensions, false);
}

static inline int64_t rows_in(struct vectors *v)
{
    struct vectors_state s;
    vectors_state(v, &s);
    return s.rows;
}

static inline int64_t last_in(struct vectors *v)
{
    struct vectors_state s;
    vectors_state(v, &s);
    return s.last;
}

static inline double cosine(const struct desk *d, const float *a, const float *b)
{
    double sum = 0;
    for (size_t i = 0; i < d->dimensions; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static inline int desk_setup(void **state, size_t dimensions)
{
    struct desk *d = calloc(1, sizeof *d);
    strcpy(d->dir, "/tmp/cairn-vectors-XXXXXX");
    if (!mkdtemp(d->dir))
        return -1;
    snprintf(d->bin, sizeof d->bin, "%s/index/vectors-00112233.bin", d->dir);
    snprintf(d->tail, sizeof d->tail, "%s/index/vectors-00112233.tail", d->dir);
    d->dimensions = dimensions;
    d->random = 7;
    const struct seal_secret secret = {.key = STR("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff")};
    d->store.dir = d->dir;
    struct keyring *keys = NULL;
    if (desk_is_sealed)
        OK(keyring_make(d->dir, &secret, SEAL_SEALED, &keys, &e));
    d->store.keyring = keys;
    reopen(d);
    *state = d;
    return 0;
}

static inline int desk_teardown(void **state)
{
    struct desk *d = *state;
    char command[128];
    mem_fail_after(-1, false);
    vectors_close(d->v);
    keyring_close(d->store.keyring);
    snprintf(command, sizeof command, "rm -rf %s", d->dir);
    int rc = system(command);
    free(d);
    return rc;
}

#endif
