/* What was deleted of ephemeral sessions is overwritten, behind the deletion, by a thread of its own: rows, the memory
 * they were in, and the index, which the next search takes in anew. */
#include "service/ephemeral_int.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/erase.h"

struct wiper {
    struct service *svc;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool due, stop;
};

enum { ROWS = 500, AGAIN = 20 };

static enum err_code wipe(struct service *s, struct err *e)
{
    const struct erase_wish all = {
        .scope = ERASE_AGED, .before = clock_now_ms() + 1000, .erasure_id = STR("ephemeral")};
    struct store_vacuumed done;
    bool left = true;
    enum err_code code = ERR_OK;
    while (left && !code)
        code = erase_some(s->store, &all, ROWS, &left, e);
    if (!code)
        code = store_vacuum(s->store, &done, e); /* a database this small is quickly written anew, without the room */
    if (!code)
        code = store_scrub(s->store, e);
    return code ? code : index_purge(s->index, e);
}

/* A reader that has held an old snapshot for long is waited for. */
static void wipe_until_done(struct wiper *w)
{
    for (int i = 0; i < AGAIN; i++) {
        struct err why = {0};
        if (!wipe(w->svc, &why))
            return;
        if (why.code != ERR_BUSY || i + 1 == AGAIN) {
            log_error("ephemeral_wipe_failed", &why);
            return;
        }
    }
}

static void *run(void *arg)
{
    struct wiper *w = arg;
    pthread_mutex_lock(&w->lock);
    while (!w->stop) {
        if (!w->due) {
            pthread_cond_wait(&w->wake, &w->lock);
            continue;
        }
        w->due = false;
        pthread_mutex_unlock(&w->lock);
        wipe_until_done(w);
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

enum err_code wiper_start(struct service *s, struct wiper **out, struct err *e)
{
    struct wiper *w = mem_zalloc(sizeof *w);
    *out = NULL;
    if (!w)
        return err_nomem(e);
    w->svc = s;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    if (pthread_create(&w->thread, NULL, run, w) != 0) {
        mem_free(w);
        return err_set(e, ERR_NOMEM, NULL, "cannot start the thread that overwrites what was deleted");
    }
    *out = w;
    return ERR_OK;
}

void wiper_due(struct wiper *w)
{
    pthread_mutex_lock(&w->lock);
    w->due = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

void wiper_stop(struct wiper *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    (void)pthread_join(w->thread, NULL);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->wake);
    mem_free(w);
}
