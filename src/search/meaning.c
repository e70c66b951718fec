/* Meaning: opening, closing, its state. Questions: meaning_ask.c; how turns get their vectors: meaning_batch.c. */
#include "search/meaning_int.h"

#include "base/arena.h"
#include "base/mem.h"
#include "search/encoder_masked.h"
#include "store/turns.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { QUERY_MS = 200 };

static enum err_code open_encoder(struct meaning *m, struct encoder **out, struct err *e)
{
    if (!m->o.endpoint.url)
        return encoder_open(m->o.model, m->o.packed, out, e);
    if (!m->o.dial)
        return err_set(e, ERR_INVALID, NULL, "this program cannot ask an embeddings endpoint; cairn serve can");
    enum err_code code = m->o.dial(&m->o.endpoint, out, e);
    if (code)
        return code;
    code = encoder_mask(m->o.gate, out, e);
    if (code)
        encoder_close(*out);
    return code;
}

enum err_code meaning_load(struct meaning *m, struct err *e)
{
    struct encoder *encoder = NULL;
    struct vectors *vectors = NULL;
    enum err_code code = open_encoder(m, &encoder, e);
    if (code)
        return code;
    struct vectors_options o = {.dir = m->o.dir,
                                .model_id = encoder->id,
                                .dimensions = encoder->dimensions,
                                .read_only = m->o.read_only || m->o.on_demand,
                                .store = m->o.store};
    code = vectors_open(&o, &vectors, e);
    if (code) {
        encoder_close(encoder);
        return code;
    }
    pthread_mutex_lock(&m->lock);
    m->encoder = encoder;
    m->vectors = vectors;
    m->loaded = true;
    m->problem[0] = 0;
    pthread_mutex_unlock(&m->lock);
    return ERR_OK;
}

bool meaning_stopping(struct meaning *m)
{
    return atomic_load(&m->stop);
}

bool meaning_loaded(struct meaning *m)
{
    pthread_mutex_lock(&m->lock);
    bool is = m->loaded;
    pthread_mutex_unlock(&m->lock);
    return is;
}

/* A file of the model's is named beside the words about it. */
void meaning_problem(struct meaning *m, const struct err *e)
{
    bool names_file = e && strchr(e->field, '.') && !strstr(e->message, e->field);
    pthread_mutex_lock(&m->lock);
    (void)snprintf(m->problem, sizeof m->problem, "%s%s%.150s", names_file ? e->field : "", names_file ? " " : "",
                   e ? e->message : "");
    pthread_mutex_unlock(&m->lock);
}

/* ---- open and close ---- */
static enum err_code set_up_locks(struct meaning *m, struct err *e)
{
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr))
        return err_nomem(e);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&m->lock, NULL);
    pthread_mutex_init(&m->opening, NULL);
    pthread_cond_init(&m->wake, &attr);
    pthread_condattr_destroy(&attr);
    return ERR_OK;
}

static const char *copy(struct meaning *m, const char *s)
{
    return s ? arena_cstr(m->texts, str_of(s)) : NULL;
}

static enum err_code copy_options(struct meaning *m, struct err *e)
{
    struct meaning_options *o = &m->o;
    m->texts = arena_new();
    if (!m->texts)
        return err_nomem(e);
    o->dir = copy(m, o->dir);
    o->model = copy(m, o->model);
    o->endpoint.url = copy(m, o->endpoint.url);
    o->endpoint.model = copy(m, o->endpoint.model);
    o->endpoint.key = copy(m, o->endpoint.key);
    o->endpoint.stop = &m->stop;
    o->query_ms = o->query_ms > 0 ? o->query_ms : QUERY_MS;
    o->threads = o->threads > 0 ? o->threads : 1;
    return arena_failed(m->texts) ? err_nomem(e) : ERR_OK;
}

enum err_code meaning_open(const struct meaning_options *o, struct meaning **out, struct err *e)
{
    struct meaning *m = mem_zalloc(sizeof *m);
    *out = NULL;
    if (!m)
        return err_nomem(e);
    m->o = *o;
    m->loading = !o->on_demand;
    atomic_init(&m->quick, o->on_demand && !o->endpoint.url && encoder_is_packed(o->model));
    enum err_code code = set_up_locks(m, e);
    if (code) {
        mem_free(m);
        return code;
    }
    code = copy_options(m, e);
    if (!code && !o->on_demand && pthread_create(&m->thread, NULL, meaning_thread, m) != 0)
        code = err_set(e, ERR_NOMEM, NULL, "cannot start the thread that makes vectors");
    m->has_thread = code == ERR_OK && !o->on_demand;
    if (code)
        meaning_close(m);
    else
        *out = m;
    return code;
}

void meaning_close(struct meaning *m)
{
    if (!m)
        return;
    atomic_store(&m->stop, true);
    if (m->has_thread) {
        pthread_mutex_lock(&m->lock);
        pthread_cond_broadcast(&m->wake);
        pthread_mutex_unlock(&m->lock);
        pthread_join(m->thread, NULL);
    }
    vectors_close(m->vectors);
    encoder_close(m->encoder);
    pthread_cond_destroy(&m->wake);
    pthread_mutex_destroy(&m->opening);
    pthread_mutex_destroy(&m->lock);
    arena_free(m->texts);
    mem_free(m);
}

void meaning_wake(struct meaning *m)
{
    pthread_mutex_lock(&m->lock);
    if (!m->woken) {
        m->woken = true;
        pthread_cond_broadcast(&m->wake);
    }
    pthread_mutex_unlock(&m->lock);
}

/* ---- state ---- */
static int64_t last_stored(struct meaning *m)
{
    struct store_tx *tx = NULL;
    if (!m->o.store || store_read_begin(m->o.store, &tx, NULL))
        return 0;
    int64_t last = turns_last_seq(tx);
    store_read_end(tx);
    return last;
}

void meaning_state(struct meaning *m, struct meaning_state *out)
{
    struct vectors_state s = {0};
    *out = (struct meaning_state){0};
    if (!m)
        return;
    pthread_mutex_lock(&m->lock);
    out->loading = m->loading;
    out->loaded = m->loaded;
    out->rate = m->rate;
    memcpy(out->problem, m->problem, sizeof out->problem);
    pthread_mutex_unlock(&m->lock);
    out->remote = m->o.endpoint.url != NULL;
    if (!out->loaded)
        return;
    memcpy(out->id, m->encoder->id, sizeof out->id);
    out->dimensions = m->encoder->dimensions;
    int64_t last = last_stored(m);
    vectors_state(m->vectors, &s);
    out->vectors = s.rows;
    out->lag = last > s.last ? last - s.last : 0;
}
