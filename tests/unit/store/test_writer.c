/* The writer: one bad job harms no other, nothing is acknowledged that is not durable, and it outlives a full disk. */
#include "place.h"

#include "base/mem.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

/* ---- a group of jobs that are queued together ---- */

enum { JOBS = 20 };

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool open;
    int answered;
};

struct one {
    struct store_job job; /* first */
    struct gate *gate;
    struct arena *a;
    struct str conversation;
    int ordinal, runs;
    bool fails;
};

static void answered(struct store_job *job)
{
    struct gate *g = ((struct one *)job)->gate;
    pthread_mutex_lock(&g->lock);
    g->answered++;
    pthread_cond_broadcast(&g->moved);
    pthread_mutex_unlock(&g->lock);
}

/* Holds the writer until all the others are queued behind it. */
static enum err_code hold(struct store_tx *tx, void *arg, struct err *e)
{
    struct gate *g = ((struct one *)arg)->gate;
    (void)tx;
    (void)e;
    pthread_mutex_lock(&g->lock);
    while (!g->open)
        pthread_cond_wait(&g->moved, &g->lock);
    pthread_mutex_unlock(&g->lock);
    return ERR_OK;
}

/* Appends a turn and then, when told so, fails. */
static enum err_code append_then(struct store_tx *tx, void *arg, struct err *e)
{
    struct one *o = arg;
    struct turn_new t = {.conversation_id = o->conversation,
                         .agent = STR("a"),
                         .role = STR("user"),
                         .content = STR("x"),
                         .timestamp = 1000 + o->ordinal,
                         .token_count = 1};
    struct turn_added added;
    o->runs++;
    enum err_code rc = turn_append(tx, &t, &added, e);
    if (!rc && o->fails)
        rc = err_set(e, ERR_DENIED, NULL, "job %d fails", o->ordinal);
    return rc;
}

static void run_together(struct place *p, struct one *jobs, int n)
{
    struct gate g = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0};
    struct one first = {.job = {.fn = hold, .done = answered}, .gate = &g};
    first.job.arg = &first;
    store_submit(p->store, &first.job);
    for (int i = 0; i < n; i++) {
        jobs[i].gate = &g;
        jobs[i].job.arg = &jobs[i];
        jobs[i].job.done = answered;
        store_submit(p->store, &jobs[i].job);
    }
    pthread_mutex_lock(&g.lock);
    g.open = true;
    pthread_cond_broadcast(&g.moved);
    while (g.answered < n + 1)
        pthread_cond_wait(&g.moved, &g.lock);
    pthread_mutex_unlock(&g.lock);
}

static int64_t turns_in(struct place *p, struct str conversation)
{
    struct store_tx *tx;
    struct turn *turns;
    size_t n;
    OK(store_read_begin(p->store, &tx, &e));
    OK(turns_page(tx, p->arena, conversation, 1, 10000, &turns, &n, &e));
    store_read_end(tx);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(turns[i].turn_number, i + 1);
    return (int64_t)n;
}

static void one_bad_job_harms_no_other(void **state)
{
    struct place *p = *state;
    struct str conversation = add_conversation(p, add_session(p)->id)->id;
    struct one jobs[JOBS] = {0};
    for (int i = 0; i < JOBS; i++)
        jobs[i] =
            (struct one){.job = {.fn = append_then}, .conversation = conversation, .ordinal = i, .fails = i % 5 == 3};
    run_together(p, jobs, JOBS);
    int good = 0;
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(jobs[i].job.code, jobs[i].fails ? ERR_DENIED : ERR_OK);
        if (jobs[i].fails)
            assert_non_null(strstr(jobs[i].job.err.message, "fails"));
        good += !jobs[i].fails;
    }
    assert_int_equal(turns_in(p, conversation), good);
}

static void a_failure_that_changed_nothing_costs_no_second_run(void **state)
{
    struct place *p = *state;
    struct str conversation = add_conversation(p, add_session(p)->id)->id;
    struct one jobs[JOBS] = {0};
    for (int i = 0; i < JOBS; i++)
        jobs[i] = (struct one){
            .job = {.fn = append_then}, .conversation = i == 7 ? STR("conv_none") : conversation, .ordinal = i};
    run_together(p, jobs, JOBS);
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(jobs[i].runs, 1);
        assert_int_equal(jobs[i].job.code, i == 7 ? ERR_NOT_FOUND : ERR_OK);
    }
    assert_int_equal(turns_in(p, conversation), JOBS - 1);
}

/* ---- faults ---- */

/* Every fallible call below one append fails in turn: an error or a stored turn, never both, never neither. */
static void every_fault_is_an_error_or_harmless(void **state)
{
    struct place *p = *state;
    struct str conversation = add_conversation(p, add_session(p)->id)->id;
    int64_t stored = 0;
    int failures = 0;
    for (int i = 0; i < 60; i++) {
        for (int sticky = 0; sticky < 2; sticky++) {
            mem_fail_after(i, sticky);
            enum err_code rc = append_turn(p->store, conversation, STR("x"), NULL, NULL);
            mem_fail_after(-1, false);
            stored += rc == ERR_OK;
            failures += rc != ERR_OK;
            assert_int_equal(turns_in(p, conversation), stored);
        }
    }
    assert_true(failures > 0);
    assert_true(stored > 0);
}

static void opening_fails_cleanly_at_every_point(void **state)
{
    struct place *p = *state;
    store_close(p->store);
    p->store = NULL;
    enum err_code rc = ERR_INTERNAL;
    for (int i = 0; i < 400 && rc; i++) {
        struct store *s = NULL;
        struct err e = {0};
        mem_fail_after(i, true);
        rc = store_open(&(struct store_options){.dir = p->dir, .busy_ms = 50}, &s, &e);
        mem_fail_after(-1, false);
        if (rc)
            assert_null(s);
        assert_int_equal(rc, e.code);
        store_close(s);
    }
    assert_int_equal(rc, ERR_OK);
    place_reopen(p);
}

static void a_full_disk_is_said_and_outlived(void **state)
{
    struct place *p = *state;
    struct str conversation = add_conversation(p, add_session(p)->id)->id;
    static char text[60000];
    memset(text, 'x', sizeof text);
    struct rlimit old, small;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){.rlim_cur = 1 << 20, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int64_t stored = 0;
    enum err_code rc = ERR_OK;
    for (int i = 0; i < 200 && !rc; i++) {
        rc = append_turn(p->store, conversation, (struct str){text, sizeof text}, NULL, NULL);
        stored += rc == ERR_OK;
    }
    assert_int_equal(rc, ERR_DISK_FULL);
    assert_int_equal(turns_in(p, conversation), stored); /* reading goes on */
    REFUSED(ERR_DISK_FULL, "", append_turn(p->store, conversation, (struct str){text, sizeof text}, NULL, &e));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    OK(append_turn(p->store, conversation, (struct str){text, sizeof text}, NULL, &e));
    assert_int_equal(turns_in(p, conversation), stored + 1);
}

/* ---- closing and locking ---- */

static void count_answer(struct store_job *job)
{
    ++*(int *)job->arg;
}

static enum err_code nothing(struct store_tx *tx, void *arg, struct err *e)
{
    (void)tx;
    (void)arg;
    (void)e;
    return ERR_OK;
}

static void closing_answers_all_that_is_queued(void **state)
{
    struct place *p = *state;
    static struct store_job jobs[3000];
    int answers = 0; /* only written on the writer's thread, which ends before store_close returns */
    for (int i = 0; i < 3000; i++) {
        jobs[i] = (struct store_job){.fn = nothing, .arg = &answers, .done = count_answer};
        store_submit(p->store, &jobs[i]);
    }
    store_close(p->store);
    p->store = NULL;
    assert_int_equal(answers, 3000);
}

static enum err_code hold_lock(struct store_tx *tx, void *arg, struct err *e)
{
    int *pipes = arg;
    char c = 'x';
    (void)tx;
    (void)e;
    if (write(pipes[1], &c, 1) != 1 || read(pipes[2], &c, 1) < 0)
        return ERR_IO;
    return ERR_OK;
}

static void another_processes_lock_is_waited_for_and_then_said(void **state)
{
    struct place *p = *state;
    int out[2], in[2];
    char c;
    store_close(p->store);
    p->store = NULL;
    assert_int_equal(pipe(out), 0);
    assert_int_equal(pipe(in), 0);
    pid_t child = fork();
    if (child == 0) {
        struct store *s;
        int pipes[] = {0, out[1], in[0]};
        close(in[1]);
        if (store_open(&(struct store_options){.dir = p->dir}, &s, NULL))
            _exit(1);
        int rc = (int)store_write(s, hold_lock, pipes, NULL);
        store_close(s);
        _exit(rc);
    }
    assert_int_equal(read(out[0], &c, 1), 1); /* it holds the write lock now */
    OK(store_open(&(struct store_options){.dir = p->dir, .busy_ms = 100}, &p->store, &e));
    WANT(ERR_BUSY, store_write(p->store, nothing, NULL, &e));
    struct store_stats stats;
    OK(store_stats(p->store, &stats, &e)); /* reading does not wait */
    assert_int_equal(write(in[1], &c, 1), 1);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    OK(store_write(p->store, nothing, NULL, &e));
    close(out[0]), close(out[1]), close(in[0]), close(in[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_bad_job_harms_no_other, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(a_failure_that_changed_nothing_costs_no_second_run, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(every_fault_is_an_error_or_harmless, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(opening_fails_cleanly_at_every_point, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_is_said_and_outlived, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(closing_answers_all_that_is_queued, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(another_processes_lock_is_waited_for_and_then_said, place_setup,
                                        place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
