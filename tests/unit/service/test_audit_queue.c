/* The queue of audit rows: nothing that is added goes without a row or a count. */
#include "service_fixture.h"

#include "base/mem.h"
#include "service/audit_queue.h"

#include <pthread.h>
#include <semaphore.h>

enum { THREADS = 4, EACH = 3000, MORE = 9000 };

struct place {
    char dir[64];
    struct store *store;
    struct audit_queue *queue;
};

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    struct err e = {0};
    strcpy(p->dir, "/tmp/cairn-test-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    assert_int_equal(store_open(&(struct store_options){.dir = p->dir}, &p->store, &e), ERR_OK);
    p->queue = audit_queue_new(p->store);
    assert_non_null(p->queue);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;
    char command[128];
    audit_queue_free(p->queue);
    store_close(p->store);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", p->dir);
    assert_int_equal(system(command), 0);
    free(p);
    return 0;
}

static struct audit_row row(const char *record, int64_t at)
{
    return (struct audit_row){.at = at,
                              .actor = STR("local"),
                              .action = STR("session.get"),
                              .record_id = str_of(record),
                              .project = STR("default"),
                              .outcome = STR("ok"),
                              .request_id = STR("r"),
                              .door = STR("http"),
                              .details = STR("{\"records\":{}}")};
}

/* What the rows tell: how many there are, how many reads they stand for, how many were lost. */
struct told {
    int64_t rows, reads, lost;
};

static enum err_code count(void *arg, const struct audit_row *r, struct err *e)
{
    struct told *t = arg;
    struct arena *a = arena_new();
    const struct json *o;
    assert_int_equal(json_parse(a, r->details, 0, &o, e), ERR_OK);
    const struct json *times = json_get(o, "times"), *lost = json_get(o, "lost");
    if (str_is(r->action, "session.get")) {
        t->rows++;
        t->reads += times ? times->integer : 1;
        assert_true(!times || (json_get(o, "until") && json_get(o, "records")));
    }
    t->lost += lost ? lost->integer : 0;
    arena_free(a);
    return ERR_OK;
}

static struct told flushed(struct place *p)
{
    struct err e = {0};
    struct store_tx *tx;
    struct told t = {0};
    int64_t last;
    assert_int_equal(audit_queue_flush(p->queue, &e), ERR_OK);
    assert_int_equal(store_read_begin(p->store, &tx, &e), ERR_OK);
    assert_int_equal(audit_walk(tx, 0, INT64_MAX, count, &t, &last, &e), ERR_OK);
    store_read_end(tx);
    return t;
}

static void alike_ones_are_counted_others_are_not(void **state)
{
    struct place *p = *state;
    for (int i = 0; i < 100; i++) {
        struct audit_row a = row("sess_a", 1000), b = row("sess_b", 1000);
        audit_queue_add(p->queue, &a, true);
        audit_queue_add(p->queue, &b, true);
    }
    struct audit_row alone = row("sess_a", 1000);
    audit_queue_add(p->queue, &alone, false);
    struct told t = flushed(p);
    assert_int_equal(t.rows, 3);
    assert_int_equal(t.reads, 201);
    assert_int_equal(t.lost, 0);
}

static void *add_many(void *arg)
{
    struct place *p = arg;
    char id[40];
    for (int i = 0; i < EACH; i++) {
        (void)snprintf(id, sizeof id, "sess_%d", i % 700);
        struct audit_row r = row(id, 1000 + i);
        audit_queue_add(p->queue, &r, true);
        if (i % 50 == 0)
            audit_queue_tick(p->queue);
    }
    return NULL;
}

static void many_threads_lose_nothing(void **state)
{
    struct place *p = *state;
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, p), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    struct told t = flushed(p);
    assert_int_equal(t.reads + t.lost, THREADS * EACH);
    assert_int_equal(t.lost, 0);
}

static enum err_code wait_on(struct store_tx *tx, void *arg, struct err *e)
{
    (void)tx, (void)e;
    while (sem_wait(arg)) {
    }
    return ERR_OK;
}

static void done(struct store_job *job)
{
    (void)job;
}

/* A writer that does not come back: what finds no room is counted, and told as soon as it does. */
static void what_finds_no_room_is_told(void **state)
{
    struct place *p = *state;
    sem_t go;
    char id[40];
    sem_init(&go, 0, 0);
    struct store_job stuck = {.fn = wait_on, .arg = &go, .done = done};
    store_submit(p->store, &stuck);
    for (int i = 0; i < MORE; i++) {
        (void)snprintf(id, sizeof id, "sess_%d", i);
        struct audit_row r = row(id, 1000);
        if (i == 8300) /* enough: each that waits takes its time */
            break;
        audit_queue_add(p->queue, &r, true);
    }
    sem_post(&go);
    struct told t = flushed(p);
    assert_int_equal(t.reads + t.lost, 8300);
    assert_true(t.lost > 0);
    sem_destroy(&go);
}

static void what_finds_no_memory_is_told(void **state)
{
    struct place *p = *state;
    struct audit_row r = row("sess_a", 1000);
    mem_fail_after(0, true);
    audit_queue_add(p->queue, &r, true);
    mem_fail_after(-1, false);
    audit_queue_lose(p->queue);
    struct told t = flushed(p);
    assert_int_equal(t.reads, 0);
    assert_int_equal(t.lost, 2);
}

/* What could not be written is written with the next. */
static void a_failed_batch_is_tried_again(void **state)
{
    struct place *p = *state;
    struct err e = {0};
    struct audit_row r = row("sess_a", 1000), s = row("sess_b", 1000);
    audit_queue_add(p->queue, &r, true);
    mem_fail_after(1, true);
    assert_int_not_equal(audit_queue_flush(p->queue, &e), ERR_OK);
    mem_fail_after(-1, false);
    audit_queue_add(p->queue, &s, true);
    struct told t = flushed(p);
    assert_int_equal(t.reads, 2);
    assert_int_equal(t.lost, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(alike_ones_are_counted_others_are_not), T(many_threads_lose_nothing),     T(what_finds_no_room_is_told),
        T(what_finds_no_memory_is_told),          T(a_failed_batch_is_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
