/* The loop and the workers: nothing posted is lost, bits add up, timers come in order, all jobs run. */
#include "unit/base/unit.h"

#include "base/clock.h"
#include "doors/proxy/loop.h"
#include "doors/proxy/workers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

struct counter {
    struct loop *loop;
    struct loop_task task;
    unsigned bits; /* the loop's thread alone */
    int runs;
};

static void count(void *arg, unsigned bits)
{
    struct counter *c = arg;
    c->bits |= bits;
    c->runs++;
}

static void *post_many(void *arg)
{
    struct counter *c = arg;
    for (unsigned i = 0; i < 3200; i++)
        loop_post(c->loop, &c->task, 1u << (i % 32));
    return NULL;
}

static void posts_add_up(void **state)
{
    (void)state;
    struct counter c = {0};
    pthread_t threads[4];
    assert_int_equal(loop_new(&c.loop, NULL), ERR_OK);
    c.task = (struct loop_task){.fn = count, .arg = &c};
    assert_int_equal(loop_run(c.loop, NULL), ERR_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, post_many, &c), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    loop_end(c.loop);
    assert_int_equal(c.bits, 0xffffffffu);
    assert_in_range(c.runs, 1, 12800);
    loop_free(c.loop);
}

static void a_post_taken_back_does_not_run(void **state)
{
    (void)state;
    struct loop *l;
    struct counter a = {0}, b = {0}, c = {0};
    assert_int_equal(loop_new(&l, NULL), ERR_OK);
    a.task = (struct loop_task){.fn = count, .arg = &a};
    b.task = (struct loop_task){.fn = count, .arg = &b};
    c.task = (struct loop_task){.fn = count, .arg = &c};
    loop_post(l, &a.task, 1);
    loop_post(l, &b.task, 1);
    loop_post(l, &c.task, 1);
    loop_unpost(l, &b.task);
    loop_unpost(l, &c.task);
    loop_post(l, &c.task, 2);
    assert_int_equal(loop_run(l, NULL), ERR_OK);
    loop_end(l);
    loop_free(l);
    assert_int_equal(a.runs, 1);
    assert_int_equal(b.runs, 0);
    assert_int_equal(c.runs, 1);
    assert_int_equal(c.bits, 2);
}

struct timing {
    struct loop *loop;
    struct loop_task task;
    struct loop_timer timers[5];
    int order[5];
    atomic_int n;
};

static struct timing timing;

static void ring(void *arg)
{
    timing.order[atomic_load(&timing.n)] = *(int *)arg;
    atomic_fetch_add(&timing.n, 1);
}

static void set_timers(void *arg, unsigned bits)
{
    static int names[5] = {0, 1, 2, 3, 4};
    static const int after_ms[5] = {30, 10, 20, 10, 5};
    int64_t now = clock_mono_us();
    (void)arg, (void)bits;
    for (int i = 0; i < 5; i++) {
        timing.timers[i] = (struct loop_timer){.fn = ring, .arg = &names[i]};
        loop_timer_set(timing.loop, &timing.timers[i], now + after_ms[i] * 1000);
    }
    loop_timer_clear(timing.loop, &timing.timers[4]);
    loop_timer_clear(timing.loop, &timing.timers[4]);
    loop_timer_set(timing.loop, &timing.timers[2], now + 40000); /* moved behind the first */
}

static void timers_come_in_order(void **state)
{
    (void)state;
    assert_int_equal(loop_new(&timing.loop, NULL), ERR_OK);
    timing.task = (struct loop_task){.fn = set_timers};
    assert_int_equal(loop_run(timing.loop, NULL), ERR_OK);
    loop_post(timing.loop, &timing.task, 1);
    for (int i = 0; i < 5000 && atomic_load(&timing.n) < 4; i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    loop_end(timing.loop);
    loop_free(timing.loop);
    assert_int_equal(atomic_load(&timing.n), 4);
    const int expected[4] = {1, 3, 0, 2};
    assert_memory_equal(timing.order, expected, sizeof expected);
}

static atomic_int pipe_events;

static void drain(void *arg, int fd, unsigned events)
{
    char c;
    (void)arg;
    if (events & LOOP_READ && read(fd, &c, 1) == 1)
        atomic_fetch_add(&pipe_events, 1);
}

static void descriptors_are_watched(void **state)
{
    (void)state;
    struct loop *l;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(loop_new(&l, NULL), ERR_OK);
    loop_on_ready(l, drain, NULL);
    assert_true(loop_watch(l, ends[0], LOOP_READ, false));
    assert_false(loop_watch(l, -1, LOOP_READ, false));
    assert_int_equal(loop_run(l, NULL), ERR_OK);
    assert_int_equal(write(ends[1], "abc", 3), 3);
    for (int i = 0; i < 5000 && atomic_load(&pipe_events) < 3; i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    loop_end(l);
    loop_free(l);
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(atomic_load(&pipe_events), 3);
}

enum { JOBS = 1000 };
static atomic_int jobs_done, jobs_at_once, most_at_once;

static void job(void *arg)
{
    int now = atomic_fetch_add(&jobs_at_once, 1) + 1;
    (void)arg;
    for (int most = atomic_load(&most_at_once); now > most;)
        if (atomic_compare_exchange_weak(&most_at_once, &most, now))
            break;
    nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    atomic_fetch_sub(&jobs_at_once, 1);
    atomic_fetch_add(&jobs_done, 1);
}

static void all_jobs_run_before_the_workers_stop(void **state)
{
    (void)state;
    static struct work work[JOBS];
    struct workers *w;
    assert_int_equal(workers_start(4, &w, NULL), ERR_OK);
    for (int i = 0; i < JOBS; i++) {
        work[i] = (struct work){.fn = job};
        workers_run(w, &work[i]);
    }
    workers_stop(w);
    assert_int_equal(atomic_load(&jobs_done), JOBS);
    assert_in_range(atomic_load(&most_at_once), 2, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(posts_add_up),
        cmocka_unit_test(a_post_taken_back_does_not_run),
        cmocka_unit_test(timers_come_in_order),
        cmocka_unit_test(descriptors_are_watched),
        cmocka_unit_test(all_jobs_run_before_the_workers_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
