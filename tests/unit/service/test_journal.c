/* Forgetting in the journal: what is stored leaves the file, what is not stored yet stays and comes back after a kill.
 */
#include "service_fixture.h"

#include "base/file.h"
#include "service/chat.h"
#include "service/journal.h"
#include "service/journal_replay.h"

#include <dirent.h>
#include <pthread.h>

static struct chat *begin(struct fixture *f, const char *session, const char *text)
{
    const struct chat_message m = {.role = STR("user"), .text = str_of(text)};
    struct chat_request r = {
        .session = str_of(session), .messages = &m, .n_messages = 1, .options = chat_options_default};
    struct chat_context ctx;
    struct chat *c = NULL;
    struct err e = {0};
    if (chat_begin(f->svc, &r, 0, &c, &ctx, &e))
        fail_msg("chat_begin: %s", e.message);
    return c;
}

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool done;
};

static void stored(void *arg, const char *turn_id, bool ok)
{
    struct waiter *w = arg;
    (void)turn_id;
    assert_true(ok);
    pthread_mutex_lock(&w->lock);
    w->done = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

static void end(struct chat *c, const char *answer)
{
    struct waiter w = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
    chat_delta(c, str_of(answer));
    chat_end(c, str_of(answer), STR_NONE, true, stored, &w);
    pthread_mutex_lock(&w.lock);
    while (!w.done)
        pthread_cond_wait(&w.wake, &w.lock);
    pthread_mutex_unlock(&w.lock);
}

/* All that is in the journal's files. */
static struct str files(struct fixture *f)
{
    char dir[100];
    struct buf b;
    buf_init(&b, 0);
    (void)snprintf(dir, sizeof dir, "%s/journal", f->dir);
    DIR *d = opendir(dir);
    for (struct dirent *x; d && (x = readdir(d)) != NULL;) {
        struct str path = arena_fmt(f->arena, "%s/%s", dir, x->d_name);
        if (x->d_name[0] != '.')
            assert_int_equal(file_read_all(path.p, 1 << 20, &b, NULL), ERR_OK);
    }
    if (d)
        closedir(d);
    return buf_take(&b, f->arena);
}

static bool holds(struct fixture *f, const char *word)
{
    return str_find(files(f), str_of(word)) >= 0;
}

/* Told before the line "done" is written, so looked for a while. */
static void wait_until_done(struct fixture *f, int64_t n)
{
    for (int i = 0; i < 2000; i++) {
        struct str all = files(f);
        int64_t done = 0;
        for (ptrdiff_t at; (at = str_find(all, STR("\"done\":true"))) >= 0; all = str_skip(all, (size_t)at + 1))
            done++;
        if (done >= n)
            return;
        usleep(5000);
    }
    fail_msg("the journal does not tell that it is done");
}

static void what_is_stored_leaves_and_what_is_open_stays(void **state)
{
    struct fixture *f = *state;
    struct chat *open = begin(f, "one", "the aardvark waits");
    chat_delta(open, STR("the bison answers "));
    struct chat *over = begin(f, "two", "the cheetah runs");
    end(over, "the dingo rests");
    wait_until_done(f, 1);
    assert_true(holds(f, "cheetah") && holds(f, "dingo") && holds(f, "aardvark"));
    journal_forget(f->svc->journal);
    assert_false(holds(f, "cheetah"));
    assert_false(holds(f, "dingo"));
    assert_true(holds(f, "aardvark") && holds(f, "bison"));
    chat_delta(open, STR("in pieces, ")); /* the new file goes on; the end waits for what may follow */
    for (int i = 0; i < 20; i++)
        chat_delta(open, STR("one after the other until there are enough of them, "));
    assert_true(holds(f, "in pieces"));
    struct str left = files(f);
    int failed;
    chat_end(open, STR_NONE, STR_NONE, false, NULL, NULL);
    assert_int_equal(journal_replay_text(f->svc, left, true, &failed), 1); /* as after a kill */
}

static void with_nothing_open_the_file_is_empty(void **state)
{
    struct fixture *f = *state;
    end(begin(f, "one", "the cheetah runs"), "the dingo rests");
    end(begin(f, "one", "the emu walks"), "the fox sleeps");
    for (int i = 0; i < 2000 && holds(f, "fox"); i++) { /* until its write is told */
        journal_forget(f->svc->journal);
        usleep(5000);
    }
    assert_false(holds(f, "cheetah") || holds(f, "dingo") || holds(f, "emu") || holds(f, "fox"));
    end(begin(f, "one", "the gnu comes"), "welcome");
    journal_forget(f->svc->journal);
    journal_forget(NULL);
}

static void it_may_be_asked_while_chats_come_and_go(void **state)
{
    struct fixture *f = *state;
    struct chat *open[8];
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 8; i++)
            open[i] = begin(f, "busy", fixture_args(f, "question %d of round %d", i, round));
        for (int i = 0; i < 8; i += 2)
            end(open[i], "an even answer");
        journal_forget(f->svc->journal);
        for (int i = 1; i < 8; i += 2) {
            assert_true(holds(f, fixture_args(f, "question %d of round %d", i, round)));
            end(open[i], "an odd answer");
        }
    }
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(what_is_stored_leaves_and_what_is_open_stays),
        WITH(with_nothing_open_the_file_is_empty),
        WITH(it_may_be_asked_while_chats_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
