/* Opening and closing the service: store, index, journal, in that order and back. */
#include "service/service.h"

#include "base/clock.h"
#include "base/mem.h"
#include "service/journal.h"

#ifndef CAIRN_VERSION
#define CAIRN_VERSION "0.0.0"
#endif

const char *cairn_version(void)
{
    return CAIRN_VERSION;
}

static void on_commit(void *arg)
{
    index_wake(arg);
}

enum err_code service_open(const struct service_options *o, struct service **out, struct err *e)
{
    struct service *s = mem_zalloc(sizeof *s);
    if (!s)
        return err_nomem(e);
    s->options = *o;
    s->started_ms = clock_now_ms();
    struct store_options store = {.dir = o->dir, .read_only = o->read_only, .sync_normal = o->sync_normal};
    enum err_code code = operations_init(e);
    if (!code)
        code = store_open(&store, &s->store, e);
    if (code)
        goto out;
    struct index_options index = {.store = s->store, .dir = store_dir(s->store), .read_only = o->read_only};
    code = index_open(&index, &s->index, e);
    if (code)
        goto out;
    if (o->background) {
        store_on_commit(s->store, on_commit, s->index);
        code = journal_open(s, &s->journal, e);
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
    journal_close(s->journal);
    if (s->store)
        store_on_commit(s->store, NULL, NULL);
    if (s->index)
        index_close(s->index);
    if (s->store)
        store_close(s->store);
    mem_free(s);
}
