/* Opening and closing the service: store, index, meaning, journal, in that order and back. */
#include "service/service.h"

#include "auth/auth.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/config.h"
#include "service/answer_cache.h"
#include "service/audit.h"
#include "service/background.h"
#include "service/cold.h"
#include "service/context_load.h"
#include "service/encryption.h"
#include "service/ephemeral.h"
#include "service/ephemeral_int.h"
#include "service/journal.h"
#include "service/masking.h"
#include "service/model.h"

#ifndef CAIRN_VERSION
#define CAIRN_VERSION "0.0.0"
#endif

const char *cairn_version(void)
{
    return CAIRN_VERSION;
}

static void on_commit(void *arg)
{
    struct service *s = arg;
    index_wake(s->index);
    if (s->meaning)
        meaning_wake(s->meaning);
    background_wake(s->background);
}

static enum err_code open_auth(struct service *s, struct err *e)
{
    unsigned algorithms;
    enum err_code code =
        auth_algorithms_parse(str_of(config_text(s->options.config, "auth.algorithms")), &algorithms, e);
    return code ? code : auth_open(s->store, algorithms, &s->auth, e);
}

static enum err_code open_model_only(struct service *s, struct service **out, struct err *e)
{
    enum err_code code = operations_init(e);
    if (!code)
        code = model_open(s, e);
    if (code)
        service_close(s);
    else
        *out = s;
    return code;
}

enum { MEMORY_SLACK = 64 << 20 }; /* for the write-ahead log, and for writing the database anew */

/* In memory: tokens and what readers are shown are the business of the service it belongs to; texts are kept as they
 * come, as nothing is written; and there is no model. */
static enum err_code open_inner(struct service *s, struct service **out, struct err *e)
{
    const struct service *home = s->options.home;
    struct store_options store = {
        .memory_bytes = config_int(s->options.config, "privacy.ephemeral_bytes") + MEMORY_SLACK, .sync_normal = true};
    s->auth = home->auth;
    s->masking = home->masking;
    s->audit = home->audit;
    enum err_code code = store_open(&store, &s->store, e);
    if (!code)
        code = index_open(&(struct index_options){.store = s->store}, &s->index, e);
    if (!code)
        code = wiper_start(s, &s->wiper, e);
    if (code)
        service_close(s);
    else
        *out = s;
    return code;
}

enum err_code service_open(const struct service_options *o, struct service **out, struct err *e)
{
    struct service *s = mem_zalloc(sizeof *s);
    if (!s)
        return err_nomem(e);
    s->options = *o;
    s->started_ms = clock_now_ms();
    pthread_mutex_init(&s->ephemeral_lock, NULL);
    if (o->home)
        return open_inner(s, out, e);
    if (o->model_only)
        return open_model_only(s, out, e);
    struct seal_secret secret;
    struct store_options store = {.dir = o->dir,
                                  .secret = &secret,
                                  .converting = o->converting,
                                  .read_only = o->read_only,
                                  .sync_normal = o->sync_normal,
                                  .bulk = o->bulk};
    enum err_code code = operations_init(e);
    if (!code)
        code = encryption_secret(o->config, &secret, e);
    if (!code && !o->masking)
        code = masking_open(o->config, &s->masking, e);
    if (o->masking)
        s->masking = o->masking;
    if (!code) {
        store.gate = masking_kept(s->masking);
        code = store_open(&store, &s->store, e);
    }
    if (!code)
        code = masking_attach(s->masking, s->store, e);
    if (!code && o->background) /* others may never see a text */
        code = masking_ready(s->masking, e);
    if (!code)
        code = open_auth(s, e);
    if (!code)
        code = audit_open(s, e);
    if (!code)
        code = cold_open(s, e);
    if (code)
        goto out;
    struct index_options index = {
        .store = s->store, .dir = store_dir(s->store), .read_only = o->read_only, .alone = !o->background};
    code = index_open(&index, &s->index, e);
    if (!code)
        code = model_open(s, e);
    if (!code && s->meaning && o->background) /* one call alone would make more vectors than it compares */
        code = similar_open(s->meaning, s->store, &s->similar, e);
    if (code)
        goto out;
    if (o->background) {
        s->cache = answer_cache_new((size_t)config_int(o->config, "cache.bytes"));
        s->loads = o->read_only ? NULL : context_loads_new();
        code = s->cache && (s->loads || o->read_only) ? journal_open(s, &s->journal, e) : err_nomem(e);
        if (!code)
            code = background_open(s, &s->background, e);
        if (code)
            goto out;
        /* Only now: the writer reads these fields after each commit, and both write as soon as they are open. What
         * was committed before is told at once. */
        store_on_commit(s->store, on_commit, s);
        on_commit(s);
    }
out:
    if (code)
        service_close(s);
    else
        *out = s;
    return code;
}

void service_close(struct service *s)
{
    if (!s)
        return;
    if (s->store) /* first: the last writes below are told to nobody who is about to be gone */
        store_on_commit(s->store, NULL, NULL);
    cold_stop(s);
    background_close(s->background);
    s->background = NULL;
    ephemeral_close(s);
    wiper_stop(s->wiper);
    context_loads_free(s->loads);
    s->loads = NULL;
    journal_close(s->journal);
    answer_cache_free(s->cache);
    similar_close(s->similar);
    meaning_close(s->meaning);
    if (s->index)
        index_close(s->index);
    if (!ephemeral_is(s)) {
        auth_close(s->auth);
        audit_close(s);
    }
    cold_close(s);
    if (s->store)
        store_close(s->store);
    if (!ephemeral_is(s) && !s->options.masking)
        masking_close(s->masking);
    pthread_mutex_destroy(&s->ephemeral_lock);
    mem_free(s);
}
