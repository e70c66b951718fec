/* Vectors of texts that are no turns: questions, events, names of people and things, and whatever a caller gives. On
 * the caller's thread; what is worth keeping is kept by whoever asks (similar.c). */
#include "search/meaning_int.h"

#include "base/clock.h"

bool meaning_ready(struct meaning *m)
{
    return m && meaning_loaded(m);
}

static enum err_code not_there(struct meaning *m, struct err *e)
{
    struct meaning_state s;
    meaning_state(m, &s);
    if (s.problem[0])
        return err_set(e, ERR_UNAVAILABLE, NULL, "there is no embedding model: %.200s", s.problem);
    return err_set(e, ERR_UNAVAILABLE, NULL, "%s",
                   s.loading ? "the embedding model is still being loaded; try again" : "there is no embedding model");
}

/* Opened when it is first needed; who comes meanwhile waits. */
static void open_now(struct meaning *m)
{
    struct err why = {0};
    pthread_mutex_lock(&m->opening);
    if (!meaning_loaded(m) && meaning_load(m, &why))
        meaning_problem(m, &why);
    pthread_mutex_unlock(&m->opening);
}

enum err_code meaning_wait(struct meaning *m, int ms, struct err *e)
{
    struct timespec at;
    if (m->o.on_demand && !meaning_loaded(m))
        open_now(m);
    clock_after(ms, &at);
    pthread_mutex_lock(&m->lock);
    while (m->loading && !m->problem[0] && !meaning_stopping(m) &&
           pthread_cond_timedwait(&m->wake, &m->lock, &at) == 0) {
    }
    bool loaded = m->loaded;
    pthread_mutex_unlock(&m->lock);
    return loaded ? ERR_OK : not_there(m, e);
}

size_t meaning_dimensions(struct meaning *m)
{
    return meaning_ready(m) ? m->encoder->dimensions : 0;
}

struct str meaning_name(struct meaning *m)
{
    return meaning_ready(m) ? encoder_name(m->encoder) : STR("");
}

enum err_code meaning_encode(struct meaning *m, const struct encoder_task *task, float *out, struct err *e)
{
    return meaning_ready(m) ? m->encoder->encode(m->encoder, task, out, e) : not_there(m, e);
}

enum err_code meaning_vectors(struct meaning *m, const struct str *texts, size_t n, enum embed_use use, float *out,
                              struct err *e)
{
    const struct encoder_task task = {.texts = texts, .n = n, .use = use};
    return meaning_ready(m) ? meaning_in_time(m, task, 0, out, e) : not_there(m, e);
}
