/* A process that appends and purges is killed again and again, at any moment: what it leaves can be searched at once,
 * the next writer goes on from its watermark, and in the end all is as in files made in one go.
 * CAIRN_VECTOR_KILLS: how often (40; for a night 200 and more). */
#include "unit/index/desk.h"

#include <signal.h>
#include <time.h>

enum { DIMENSIONS = 24, PURGE_EVERY = 9, KILLS = 40, MOST_US = 30000 };

static int setup(void **state)
{
    return desk_setup(state, DIMENSIONS);
}

/* Every seventh is deleted some time. */
static enum err_code sevenths(void *arg, const int64_t *seqs, size_t n, bool *gone, struct err *e)
{
    (void)arg;
    (void)e;
    for (size_t i = 0; i < n; i++)
        gone[i] = seqs[i] % 7 == 0;
    return ERR_OK;
}

/* Takes the store in from the watermark on, as the thread that makes vectors does, until it is killed. */
static void feed(struct desk *d)
{
    struct vectors *v = open_with(d, MODEL, DIMENSIONS, false);
    uint64_t random = (uint64_t)getpid();
    for (int i = 1;; i++) {
        int64_t removed;
        size_t n = (size_t)(1 + mix(random++) % (i % 5 ? 40 : VECTORS_BLOCK));
        if (vectors_claim(v, NULL) || add_to(d, v, last_in(v) + 1, n, NULL))
            _exit(3);
        if (i % PURGE_EVERY == 0 && vectors_purge(v, sevenths, NULL, &removed, NULL))
            _exit(4);
    }
}

static pid_t start(struct desk *d)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        feed(d);
    return child;
}

static void kill_after(pid_t child, long us)
{
    int status = 0;
    nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status)); /* else one of its calls failed */
}

/* Up to the watermark only what may be gone is missing, and each score is its own. */
static void all_up_to_the_watermark_is_there(struct desk *d, struct vectors *v)
{
    int64_t last = last_in(v);
    int64_t *seqs = malloc((size_t)(last + 1) * sizeof *seqs);
    float *scores = malloc((size_t)(last + 1) * sizeof *scores), query[DIMENSIONS], own[DIMENSIONS];
    for (int64_t i = 0; i < last; i++)
        seqs[i] = i + 1;
    vector_of(d, 4242, query);
    OK(vectors_scores(v, query, seqs, (size_t)last, scores, &e));
    for (int64_t i = 0; i < last; i++) {
        vector_of(d, (uint64_t)seqs[i], own);
        assert_true(isnan(scores[i]) ? seqs[i] % 7 == 0 : fabs(cosine(d, query, own) - (double)scores[i]) < 0.005);
    }
    OK(vectors_check(v, &e));
    free(seqs);
    free(scores);
}

/* The same hits and scores as in files that were made in one go. */
static void it_is_as_made_in_one_go(struct desk *d, int64_t last)
{
    struct vectors *fresh = open_with(d, "tiny@aabbccdd", DIMENSIONS, false);
    int64_t removed;
    OK(vectors_reset(fresh, &e)); /* it was here before */
    for (int64_t at = 1; at <= last; at += VECTORS_BLOCK)
        OK(add_to(d, fresh, at, last - at + 1 < VECTORS_BLOCK ? (size_t)(last - at + 1) : (size_t)VECTORS_BLOCK, &e));
    OK(vectors_purge(fresh, sevenths, NULL, &removed, &e));
    OK(vectors_purge(d->v, sevenths, NULL, &removed, &e));
    assert_int_equal(rows_in(d->v), rows_in(fresh));
    for (uint64_t i = 0; i < 20; i++) {
        float query[DIMENSIONS];
        struct vector_hit hits[2][50];
        size_t n[2];
        vector_of(d, 900000 + i, query);
        OK(vectors_search(d->v, &(struct vector_query){.v = query, .best = 50}, hits[0], &n[0], &e));
        OK(vectors_search(fresh, &(struct vector_query){.v = query, .best = 50}, hits[1], &n[1], &e));
        assert_int_equal(n[0], n[1]);
        for (size_t k = 0; k < n[0]; k++)
            assert_true(hits[0][k].seq == hits[1][k].seq && hits[0][k].score == hits[1][k].score);
    }
    vectors_close(fresh);
}

static void killed_writers_leave_what_a_rebuilt_index_has(void **state)
{
    struct desk *d = *state;
    const char *asked = getenv("CAIRN_VECTOR_KILLS");
    int kills = asked ? (int)strtol(asked, NULL, 10) : KILLS;
    int64_t before = 0, grown = 0;
    vectors_close(d->v);
    d->v = NULL;
    for (int i = 0; i < kills; i++) {
        kill_after(start(d), (long)(next_number(d) % MOST_US));
        struct vectors *v = open_with(d, MODEL, DIMENSIONS, true);
        all_up_to_the_watermark_is_there(d, v);
        int64_t last = last_in(v);
        assert_true(last >= before - VECTORS_BLOCK); /* a tail that was being begun anew may be made again */
        grown += last > before;
        before = last;
        vectors_close(v);
        if (last > 20000) { /* enough for one file */
            reopen(d);
            it_is_as_made_in_one_go(d, last);
            OK(vectors_reset(d->v, &e));
            vectors_close(d->v);
            d->v = NULL;
            before = 0;
        }
    }
    assert_true(grown > kills / 4); /* they were killed at work */
    reopen(d);
    it_is_as_made_in_one_go(d, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(killed_writers_leave_what_a_rebuilt_index_has, setup, desk_teardown)};
    int failed = cmocka_run_group_tests_name("plain", tests, NULL, NULL);
    desk_is_sealed = true;
    return failed + cmocka_run_group_tests_name("sealed", tests, NULL, NULL);
}
