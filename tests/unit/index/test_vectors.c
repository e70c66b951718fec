/* The files of vectors: whatever happens to them, what is read is right. How well is found: test_vectors_search.c. */
#include "unit/index/desk.h"

#include <signal.h>
#include <sys/resource.h>

enum { DIMENSIONS = 8, SPREAD = 300 }; /* small blocks; more rows than one block holds */

static int setup(void **state)
{
    return desk_setup(state, DIMENSIONS);
}

/* Rows first … last, up to `at_once` at a time. */
static void add_many(struct desk *d, int64_t first, int64_t last, size_t at_once)
{
    while (first <= last) {
        size_t n = (size_t)(last - first + 1) < at_once ? (size_t)(last - first + 1) : at_once;
        OK(add(d, first, n, &e));
        first += (int64_t)n;
    }
}

/* What is in is found with its own score, and nothing else is. True when all of 1 … last is in. */
static bool hits_are_true(struct desk *d, struct vectors *v, int64_t last)
{
    float query[DIMENSIONS], own[DIMENSIONS];
    struct vector_hit hits[VECTORS_BEST_MAX];
    size_t n = 0;
    vector_of(d, 12345, query);
    OK(vectors_search(v, &(struct vector_query){.v = query, .best = VECTORS_BEST_MAX}, hits, &n, &e));
    for (size_t i = 0; i < n; i++) {
        assert_true(hits[i].seq >= 1 && hits[i].seq <= last);
        vector_of(d, (uint64_t)hits[i].seq, own);
        assert_true(fabs(cosine(d, query, own) - (double)hits[i].score) < 0.01);
    }
    return n == (size_t)last;
}

static void a_row_must_come_after_those_that_are_in(void **state)
{
    struct desk *d = *state;
    OK(add(d, 10, 3, &e));
    WANT(ERR_INVALID, add(d, 12, 1, &e));
    OK(add(d, 13, 1, &e));
    assert_int_equal(rows_in(d->v), 4);
}

/* Added one by one, by tens, and by whole blocks: the same is in, and there again after opening. */
static void it_is_there_again_after_opening(void **state)
{
    struct desk *d = *state;
    static const size_t at_once[] = {1, 10, 128, VECTORS_BLOCK};
    for (size_t i = 0; i < 4; i++) {
        struct vectors_state s;
        OK(vectors_reset(d->v, &e));
        add_many(d, 1, 2 * SPREAD, at_once[i]);
        assert_true(hits_are_true(d, d->v, 2 * SPREAD));
        reopen(d);
        vectors_state(d->v, &s);
        assert_int_equal(s.rows, 2 * SPREAD);
        assert_int_equal(s.last, 2 * SPREAD);
        assert_true(s.anchor == vectors_anchor(STR("turn_x")));
        OK(vectors_check(d->v, &e));
        assert_true(hits_are_true(d, d->v, 2 * SPREAD));
    }
}

static void each_turn_has_its_own_score(void **state)
{
    struct desk *d = *state;
    float query[DIMENSIONS], own[DIMENSIONS], out[5];
    const int64_t seqs[] = {1, 2, 270, 301, 100000};
    add_many(d, 2, SPREAD, 128);
    vector_of(d, 99, query);
    OK(vectors_scores(d->v, query, seqs, 5, out, &e));
    assert_true(isnan(out[0]) && isnan(out[3]) && isnan(out[4]));
    for (int i = 1; i < 3; i++) {
        vector_of(d, (uint64_t)seqs[i], own);
        assert_true(fabs((double)out[i] - cosine(d, query, own)) < 0.01);
    }
}

/* Seqs may jump further than a block's column holds. */
static void seqs_may_jump(void **state)
{
    struct desk *d = *state;
    float query[DIMENSIONS];
    struct vector_hit hits[VECTORS_BEST_MAX];
    size_t n = 0;
    int64_t seq = 1;
    for (int i = 0; i < SPREAD; i++, seq += i % 50 ? 1 : 40000)
        OK(add(d, seq, 1, &e));
    reopen(d);
    vector_of(d, 1, query);
    OK(vectors_search(d->v, &(struct vector_query){.v = query, .best = VECTORS_BEST_MAX}, hits, &n, &e));
    assert_int_equal(n, SPREAD);
    assert_int_equal(hits[0].seq, 1);
    OK(vectors_check(d->v, &e));
}

/* ---- damage ---- */
static void cut_and_go_on(struct desk *d, const char *file, off_t size)
{
    vectors_close(d->v);
    assert_int_equal(truncate(file, size), 0);
    d->v = open_with(d, MODEL, DIMENSIONS, false);
    int64_t last = last_in(d->v);
    assert_true(hits_are_true(d, d->v, last)); /* of what is left nothing is missing */
    OK(vectors_claim(d->v, &e));
    last = last_in(d->v);
    add_many(d, last + 1, SPREAD + 6, 128);
    assert_true(hits_are_true(d, d->v, SPREAD + 6));
    OK(vectors_check(d->v, &e));
}

/* Cut anywhere: what is left is whole, and what is added next is found again. */
static void whatever_is_cut_off_is_made_anew(void **state)
{
    struct desk *d = *state;
    struct stat st;
    add_many(d, 1, SPREAD + 6, 100);
    assert_int_equal(stat(d->tail, &st), 0);
    for (off_t size = st.st_size - 1; size >= 0; size -= size > 400 ? 97 : 1)
        cut_and_go_on(d, d->tail, size);
    assert_int_equal(stat(d->bin, &st), 0);
    for (off_t size = st.st_size - 1; size >= 0; size -= size > 400 ? 997 : 1)
        cut_and_go_on(d, d->bin, size);
}

/* Cut by somebody else while it is open and mapped: its end is not touched any more, and made anew. */
static void a_file_cut_while_it_is_open_is_made_anew(void **state)
{
    struct desk *d = *state;
    struct stat st;
    add_many(d, 1, 3 * SPREAD, 128);
    assert_true(hits_are_true(d, d->v, 3 * SPREAD));
    assert_int_equal(stat(d->bin, &st), 0);
    for (off_t size = st.st_size - 1; size >= (off_t)sizeof(struct file_head); size /= 3) {
        assert_int_equal(truncate(d->bin, size), 0);
        int64_t last = last_in(d->v);
        assert_true(last < 3 * SPREAD && hits_are_true(d, d->v, last));
        OK(vectors_claim(d->v, &e));
        last = last_in(d->v);
        add_many(d, last + 1, 3 * SPREAD, 128);
        assert_true(hits_are_true(d, d->v, 3 * SPREAD));
        OK(vectors_check(d->v, &e));
    }
}

static void flip(const char *file, off_t at, unsigned bit)
{
    int fd = open(file, O_RDWR);
    unsigned char c;
    assert_true(fd >= 0 && pread(fd, &c, 1, at) == 1);
    c ^= (unsigned char)(1u << bit);
    assert_int_equal(pwrite(fd, &c, 1, at), 1);
    close(fd);
}

/* Instrumented, some bytes must do. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { FLIP_STEP = 101 };
#else
enum { FLIP_STEP = 1 };
#endif

/* Wherever a bit is wrong: nothing wrong is found, it is noticed, and nobody has to ask for that. */
static void flip_each_byte(struct desk *d, const char *file, int64_t all)
{
    struct stat st;
    assert_int_equal(stat(file, &st), 0);
    for (off_t at = 0; at < st.st_size; at += FLIP_STEP) {
        flip(file, at, (unsigned)at % 8);
        struct vectors *v = open_with(d, MODEL, DIMENSIONS, true);
        bool whole = hits_are_true(d, v, all);
        assert_true(!whole);
        struct err why = {0};
        assert_true(rows_in(v) < all || vectors_check(v, &why) == ERR_CORRUPT);
        vectors_close(v);
        flip(file, at, (unsigned)at % 8);
    }
}

static void every_flipped_bit_is_noticed(void **state)
{
    struct desk *d = *state;
    add_many(d, 1, 2 * VECTORS_BLOCK, VECTORS_BLOCK);
    add_many(d, 2 * VECTORS_BLOCK + 1, 2 * VECTORS_BLOCK + 5, 5);
    vectors_close(d->v);
    d->v = NULL;
    flip_each_byte(d, d->bin, 2 * VECTORS_BLOCK + 5);
    flip_each_byte(d, d->tail, 2 * VECTORS_BLOCK + 5);
    reopen(d);
    assert_true(hits_are_true(d, d->v, 2 * VECTORS_BLOCK + 5));
}

/* What came before the damage stays, the watermark falls back to it, and the rest is made again. */
static void a_damaged_block_is_taken_out(void **state)
{
    struct desk *d = *state;
    for (int part = 0; part < 4; part++) {
        OK(vectors_reset(d->v, &e));
        add_many(d, 1, 3 * VECTORS_BLOCK + 9, VECTORS_BLOCK);
        size_t bytes = block_stride(d->v, vectors_form(d->v)),
               into[] = {8, sizeof(struct block_head) + 70, bytes - 9, bytes / 2};
        vectors_close(d->v);
        flip(d->bin, (off_t)(sizeof(struct file_head) + bytes + into[part]), 3);
        d->v = open_with(d, MODEL, DIMENSIONS, false);
        assert_int_equal(rows_in(d->v), 3 * VECTORS_BLOCK + 9); /* not noticed yet */
        assert_false(hits_are_true(d, d->v, 3 * VECTORS_BLOCK + 9));
        OK(vectors_claim(d->v, &e)); /* a search has noticed it */
        assert_int_equal(last_in(d->v), VECTORS_BLOCK);
        assert_true(hits_are_true(d, d->v, VECTORS_BLOCK));
        OK(vectors_check(d->v, &e));
        add_many(d, VECTORS_BLOCK + 1, SPREAD, 10);
        assert_true(hits_are_true(d, d->v, SPREAD));
    }
}

static void a_file_that_is_not_ours_is_made_anew(void **state)
{
    struct desk *d = *state;
    add_many(d, 1, SPREAD, 100);
    vectors_close(d->v);
    flip(d->bin, 3, 0);
    d->v = open_with(d, MODEL, DIMENSIONS, false);
    assert_int_equal(rows_in(d->v), 0);
    add_many(d, 1, SPREAD, 100);
    assert_true(hits_are_true(d, d->v, SPREAD));
    OK(vectors_reset(d->v, &e));
    assert_int_equal(rows_in(d->v), 0);
    assert_true(hits_are_true(d, d->v, 0));
}

static void files_may_vanish(void **state)
{
    struct desk *d = *state;
    add_many(d, 1, SPREAD, 100);
    assert_int_equal(unlink(d->bin), 0);
    OK(vectors_claim(d->v, &e));
    assert_int_equal(rows_in(d->v), 0);
    add_many(d, 1, SPREAD, 100);
    assert_int_equal(unlink(d->tail), 0);
    OK(vectors_claim(d->v, &e));
    int64_t last = last_in(d->v);
    assert_true(last < SPREAD && hits_are_true(d, d->v, last));
    add_many(d, last + 1, SPREAD, 100);
    assert_true(hits_are_true(d, d->v, SPREAD));
}

/* ---- several models and processes ---- */
static void models_never_mix(void **state)
{
    struct desk *d = *state;
    OK(add(d, 1, 5, &e));
    struct vectors *other = open_with(d, "tiny@44556677", DIMENSIONS, false);
    struct vectors *wider = open_with(d, MODEL, DIMENSIONS + 1, true); /* the same file, but not what it holds */
    assert_int_equal(rows_in(other), 0);
    assert_int_equal(rows_in(wider), 0);
    vectors_close(other);
    vectors_close(wider);
}

static enum err_code even_are_gone(void *arg, const int64_t *seqs, size_t n, bool *gone, struct err *e)
{
    (void)e;
    for (size_t i = 0; i < n; i++)
        gone[i] = seqs[i] % 2 == 0 && seqs[i] <= *(int64_t *)arg;
    return ERR_OK;
}

/* Locks belong to open files, so a second struct is what a second process is. */
static void one_writes_and_others_read(void **state)
{
    struct desk *d = *state;
    int64_t removed = 0, upto = SPREAD;
    OK(add(d, 1, 5, &e));
    struct desk second = *d;
    second.v = open_with(d, MODEL, DIMENSIONS, false);
    assert_int_equal(rows_in(second.v), 5);
    WANT(ERR_BUSY, vectors_claim(second.v, &e));
    for (int64_t at = 6; at <= SPREAD; at += 5) { /* over the end of a block too */
        OK(add(d, at, 5, &e));
        assert_true(hits_are_true(d, second.v, at + 4));
    }
    WANT(ERR_BUSY, vectors_purge(second.v, even_are_gone, &upto, &removed, &e));
    OK(vectors_purge(d->v, even_are_gone, &upto, &removed, &e));
    assert_int_equal(removed, SPREAD / 2);
    assert_int_equal(rows_in(second.v), SPREAD / 2);
    OK(vectors_reset(d->v, &e)); /* another file in its place */
    OK(add(d, 1, 2, &e));
    assert_true(hits_are_true(d, second.v, 2));
    vectors_close(d->v);
    d->v = NULL;
    OK(add(&second, 3, 1, &e));
    assert_true(hits_are_true(d, second.v, 3));
    vectors_close(second.v);
}

static void a_read_only_one_writes_nothing(void **state)
{
    struct desk *d = *state;
    struct vectors *v = open_with(d, MODEL, DIMENSIONS, true);
    WANT(ERR_READ_ONLY, vectors_claim(v, &e));
    assert_int_equal(rows_in(v), 0);
    vectors_close(v);
}

static int entries(const struct desk *d)
{
    char command[128], got[20] = "";
    snprintf(command, sizeof command, "ls %s/index | wc -l", d->dir);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    assert_non_null(fgets(got, sizeof got, f));
    pclose(f);
    return (int)strtol(got, NULL, 10);
}

/* All files of a model go together, but not while somebody writes them. */
static void files_of_other_models_can_be_removed(void **state)
{
    struct desk *d = *state;
    OK(add(d, 1, 5, &e));
    struct vectors *other = open_with(d, "tiny@44556677", DIMENSIONS, false);
    OK(add_to(d, other, 1, 5, &e));
    int both = entries(d);
    assert_int_equal(vectors_remove_others(d->v), 0);
    assert_int_equal(entries(d), both);
    vectors_close(other);
    assert_int_equal(vectors_remove_others(d->v), 1);
    assert_int_equal(entries(d), both / 2);
    assert_true(hits_are_true(d, d->v, 5));
}

/* ---- taking out ---- */
static bool file_holds(const char *file, const void *bytes, size_t n)
{
    struct stat st;
    int fd = open(file, O_RDONLY);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    char *all = malloc((size_t)st.st_size + 1);
    assert_int_equal(read(fd, all, (size_t)st.st_size), st.st_size);
    bool holds = memmem(all, (size_t)st.st_size, bytes, n) != NULL;
    free(all);
    close(fd);
    return holds;
}

static void what_is_gone_is_in_no_file_after_a_purge(void **state)
{
    struct desk *d = *state;
    uint8_t codes[2][64], step;
    uint64_t bits[1];
    float v[DIMENSIONS];
    int64_t removed = 0, upto = 2 * SPREAD;
    struct vectors_state before, after;
    add_many(d, 1, 2 * SPREAD, 100);
    for (int i = 0; i < 2; i++) { /* one of a block, one of the tail */
        vector_of(d, i ? 2 * SPREAD : 2, v);
        vector_encode(v, DIMENSIONS, 64, codes[i], bits, &step);
        assert_true(file_holds(i ? d->tail : d->bin, codes[i], sizeof codes[i]) == !desk_is_sealed);
    }
    vectors_state(d->v, &before);
    OK(vectors_purge(d->v, even_are_gone, &upto, &removed, &e));
    vectors_state(d->v, &after);
    assert_int_equal(removed, SPREAD);
    assert_int_equal(after.rows, SPREAD);
    assert_true(after.last == before.last && after.anchor == before.anchor);
    for (int i = 0; i < 2; i++)
        assert_false(file_holds(d->tail, codes[i], sizeof codes[i]) || file_holds(d->bin, codes[i], sizeof codes[i]));
    assert_false(hits_are_true(d, d->v, 2 * SPREAD));
    reopen(d);
    OK(vectors_check(d->v, &e));
    assert_int_equal(mkdir(d->v->new_path, 0700), 0);            /* in the way of any writing */
    OK(vectors_purge(d->v, even_are_gone, &upto, &removed, &e)); /* nothing to do */
    assert_int_equal(rmdir(d->v->new_path), 0);
    assert_int_equal(removed, 0);
    OK(add(d, 2 * SPREAD + 1, 1, &e));
    assert_int_equal(rows_in(d->v), SPREAD + 1);
}

static enum err_code none_is_gone(void *arg, const int64_t *seqs, size_t n, bool *gone, struct err *e)
{
    (void)arg, (void)seqs, (void)e;
    memset(gone, 0, n * sizeof *gone);
    return ERR_OK;
}

/* What was taken out comes back in its place; what is in already stays as it is, and the watermark too. */
static void rows_can_be_put_between(void **state)
{
    struct desk *d = *state;
    static float keep[2 * SPREAD][DIMENSIONS_MOST];
    static struct vector_row rows[2 * SPREAD];
    struct vectors_state before, after;
    int64_t removed = 0, upto = 2 * SPREAD;
    size_t n = 0;
    add_many(d, 1, 2 * SPREAD, 100);
    vectors_state(d->v, &before);
    OK(vectors_purge(d->v, even_are_gone, &upto, &removed, &e));
    for (int64_t seq = 1; seq <= 2 * SPREAD; seq++)
        if (seq % 8 < 2 || seq % 2 == 0) { /* some are in already */
            rows[n] = row_of_seq(d, seq, keep[n]);
            n++;
        }
    rows[n] = row_of_seq(d, 2 * SPREAD + 1, keep[n]);
    WANT(ERR_INVALID, vectors_insert(d->v, rows, n + 1, none_is_gone, NULL, &e)); /* that would move the watermark */
    OK(vectors_insert(d->v, rows, n, even_are_gone, &upto, &e));                  /* they went meanwhile */
    assert_int_equal(rows_in(d->v), SPREAD);
    OK(vectors_insert(d->v, rows, n, none_is_gone, NULL, &e));
    vectors_state(d->v, &after);
    assert_true(after.rows == before.rows && after.last == before.last && after.anchor == before.anchor);
    assert_true(hits_are_true(d, d->v, 2 * SPREAD));
    reopen(d);
    OK(vectors_check(d->v, &e));
    assert_true(hits_are_true(d, d->v, 2 * SPREAD));
    OK(add(d, 2 * SPREAD + 1, 1, &e));
    assert_true(hits_are_true(d, d->v, 2 * SPREAD + 1));
}

static enum err_code all_are_gone(void *arg, const int64_t *seqs, size_t n, bool *gone, struct err *e)
{
    (void)arg;
    (void)seqs;
    (void)e;
    memset(gone, 1, n * sizeof *gone);
    return ERR_OK;
}

static void all_may_be_gone_and_the_watermark_stays(void **state)
{
    struct desk *d = *state;
    int64_t removed = 0;
    add_many(d, 1, SPREAD, 100);
    OK(vectors_purge(d->v, all_are_gone, NULL, &removed, &e));
    assert_int_equal(removed, SPREAD);
    reopen(d);
    assert_int_equal(rows_in(d->v), 0);
    assert_int_equal(last_in(d->v), SPREAD);
    WANT(ERR_INVALID, add(d, SPREAD, 1, &e));
    add_many(d, SPREAD + 1, 2 * SPREAD, 100);
    assert_int_equal(rows_in(d->v), SPREAD);
}

/* ---- failures ---- */
/* Each call that can fail fails once: nothing is lost that was in, and the next try goes well. */
static void failures_leave_the_files_right(void **state)
{
    struct desk *d = *state;
    int64_t last = 0;
    for (int n = 0;; n++) {
        struct err why = {0};
        assert_true(n < 2000);
        vectors_close(d->v);
        d->v = open_with(d, MODEL, DIMENSIONS, false);
        mem_fail_after(n, false);
        enum err_code code = add(d, last + 1, 100, &why);
        bool hit = mem_fail_hit();
        mem_fail_after(-1, false);
        assert_true(code == ERR_OK || why.message[0]);
        last = last_in(d->v);
        assert_true(hits_are_true(d, d->v, last < VECTORS_BEST_MAX ? last : VECTORS_BEST_MAX) ||
                    last > VECTORS_BEST_MAX);
        OK(vectors_check(d->v, &e));
        if (!hit)
            break;
        if (last > 700) { /* over the end of a block again and again, but within what one search shows */
            OK(vectors_reset(d->v, &e));
            last = 0;
        }
    }
}

static void a_purge_that_fails_leaves_all_as_it_was(void **state)
{
    struct desk *d = *state;
    int64_t removed = 0, upto = 2 * SPREAD;
    add_many(d, 1, 2 * SPREAD, 100);
    for (int n = 0;; n++) {
        struct err why = {0};
        assert_true(n < 2000);
        mem_fail_after(n, false);
        enum err_code code = vectors_purge(d->v, even_are_gone, &upto, &removed, &why);
        mem_fail_after(-1, false);
        reopen(d);
        int64_t rows = rows_in(d->v);
        assert_true(rows == 2 * SPREAD || rows == SPREAD); /* a failure after the new file is in place is one too */
        assert_true(code != ERR_OK || rows == SPREAD);
        assert_int_equal(last_in(d->v), 2 * SPREAD);
        OK(vectors_check(d->v, &e));
        if (rows == SPREAD)
            break;
    }
}

static void searches_that_fail_say_so(void **state)
{
    struct desk *d = *state;
    float query[DIMENSIONS];
    struct vector_hit hits[10];
    size_t found = 0;
    struct scope_view view = {.scope = {.limited = true}};
    add_many(d, 1, SPREAD, 100);
    vector_of(d, 1, query);
    for (int n = 0; n < 100 && found == 0; n++) {
        struct err why = {0};
        struct vector_query q = {.v = query, .best = 10, .view = n % 2 ? &view : NULL};
        mem_fail_after(n / 2, false);
        enum err_code code = vectors_search(d->v, &q, hits, &found, &why);
        mem_fail_after(-1, false);
        assert_true(code == ERR_OK || (why.message[0] && found == 0));
    }
    assert_int_equal(found, 10);
    struct err why = {0};
    struct vector_query late = {.v = query, .best = 10, .deadline_us = 1};
    assert_int_equal(vectors_search(d->v, &late, hits, &found, &why), ERR_TIMEOUT);
}

/* A limit on file sizes is what a full disk looks like. */
static void a_full_disk_loses_nothing(void **state)
{
    struct desk *d = *state;
    struct rlimit was, now;
    struct err why = {0};
    int64_t removed = 0, upto = SPREAD;
    add_many(d, 1, SPREAD, 100);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    now = was;
    now.rlim_cur = sizeof(struct file_head) + block_bytes(64) + 1000; /* no second block fits, nor many of the tail */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
    enum err_code code = ERR_OK;
    int64_t last = SPREAD;
    while (code == ERR_OK && last < 3 * SPREAD) {
        code = add(d, last + 1, 10, &why);
        last = last_in(d->v);
    }
    assert_int_equal(code, ERR_DISK_FULL);
    assert_true(hits_are_true(d, d->v, last));
    now.rlim_cur = 1000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
    why = (struct err){0};
    code = vectors_purge(d->v, even_are_gone, &upto, &removed, &why);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_equal(code, ERR_DISK_FULL);
    assert_true(hits_are_true(d, d->v, last));
    add_many(d, last + 1, 3 * SPREAD, 100);
    assert_true(hits_are_true(d, d->v, 3 * SPREAD));
    OK(vectors_check(d->v, &e));
}

/* There and back, with a reader that looks on; nothing is lost, nothing stays in the form before. */
static void files_take_the_form_that_is_wanted(void **state)
{
    struct desk *d = *state;
    uint8_t codes[64], step;
    uint64_t bits[1];
    float v[DIMENSIONS];
    if (!desk_is_sealed)
        return;
    add_many(d, 1, 2 * SPREAD, 100);
    struct vectors *reader = open_with(d, MODEL, DIMENSIONS, true);
    vector_of(d, 2, v);
    vector_encode(v, DIMENSIONS, 64, codes, bits, &step);
    for (int i = 0; i < 4; i++) {
        bool sealed = i % 2;
        assert_true(hits_are_true(d, reader, 2 * SPREAD + i));
        OK(keyring_set_state(d->store.keyring, sealed ? SEAL_SEALING : SEAL_OPENING, &e));
        if (i < 2) {
            OK(add(d, 2 * SPREAD + i + 1, 1, &e)); /* whoever writes sees to it by himself */
        } else {
            vectors_close(d->v); /* and nobody need know the model */
            OK(vectors_convert(&d->store, NULL, &e));
            d->v = open_with(d, MODEL, DIMENSIONS, false);
            OK(add(d, 2 * SPREAD + i + 1, 1, &e));
        }
        assert_true(file_holds(d->bin, codes, sizeof codes) == !sealed);
        assert_int_equal(d->v->form != 0, sealed);
        assert_true(hits_are_true(d, reader, 2 * SPREAD + i + 1));
    }
    vectors_close(reader);
}

/* The state after converting allows no plain file: one that is there is not believed. */
static void a_plain_file_in_a_sealed_store_is_none(void **state)
{
    struct desk *d = *state;
    if (!desk_is_sealed)
        return;
    OK(keyring_set_state(d->store.keyring, SEAL_OPENING, &e));
    add_many(d, 1, SPREAD, 100);
    OK(keyring_set_state(d->store.keyring, SEAL_SEALED, &e));
    reopen(d);
    assert_int_equal(rows_in(d->v), 0);
    add_many(d, 1, SPREAD, 100);
    assert_true(hits_are_true(d, d->v, SPREAD));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, desk_teardown)
        T(a_row_must_come_after_those_that_are_in),
        T(it_is_there_again_after_opening),
        T(each_turn_has_its_own_score),
        T(seqs_may_jump),
        T(whatever_is_cut_off_is_made_anew),
        T(a_file_cut_while_it_is_open_is_made_anew),
        T(every_flipped_bit_is_noticed),
        T(a_damaged_block_is_taken_out),
        T(a_file_that_is_not_ours_is_made_anew),
        T(files_may_vanish),
        T(models_never_mix),
        T(one_writes_and_others_read),
        T(files_of_other_models_can_be_removed),
        T(a_read_only_one_writes_nothing),
        T(what_is_gone_is_in_no_file_after_a_purge),
        T(rows_can_be_put_between),
        T(all_may_be_gone_and_the_watermark_stays),
        T(failures_leave_the_files_right),
        T(a_purge_that_fails_leaves_all_as_it_was),
        T(searches_that_fail_say_so),
        T(a_full_disk_loses_nothing),
        T(files_take_the_form_that_is_wanted),
        T(a_plain_file_in_a_sealed_store_is_none)};
    int failed = cmocka_run_group_tests_name("plain", tests, NULL, NULL);
    desk_is_sealed = true;
    return failed + cmocka_run_group_tests_name("sealed", tests, NULL, NULL);
}
