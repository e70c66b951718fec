/* The scratches of an embedder: taken by a call, given back after it. */
#include "embed/embedder.h"

struct scratch *pool_take(struct embedder *m)
{
    struct scratch *s = NULL;
    pthread_mutex_lock(&m->pool.lock);
    if (m->pool.n > 0)
        s = m->pool.idle[--m->pool.n];
    pthread_mutex_unlock(&m->pool.lock);
    return s ? s : scratch_new(&m->model, embedder_rows(m));
}

void pool_give(struct embedder *m, struct scratch *s)
{
    pthread_mutex_lock(&m->pool.lock);
    if (m->pool.n < POOL_IDLE) {
        m->pool.idle[m->pool.n++] = s;
        s = NULL;
    }
    pthread_mutex_unlock(&m->pool.lock);
    scratch_free(s);
}
