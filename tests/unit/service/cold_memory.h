/* Cold storage in memory for tests: a driver that can be told to fail, to lie, or to lose what it was given. */
#ifndef CAIRN_TESTS_COLD_MEMORY_H
#define CAIRN_TESTS_COLD_MEMORY_H

#include <stdlib.h>
#include <string.h>

#include "service/cold.h"

enum { COLD_OBJECTS = 64 };

struct cold_memory {
    struct cold_driver driver; /* first */
    struct {
        char name[300];
        struct buf bytes;
        bool there;
    } all[COLD_OBJECTS];
    int puts, gets;
    enum err_code put_fails, get_fails; /* ERR_OK: they do not */
    bool loses, changes;                /* what is put: is not there; is there with another last byte */
};

static inline int cold_memory_find(struct cold_memory *m, struct str name, bool free_place)
{
    for (int i = 0; i < COLD_OBJECTS; i++)
        if (free_place ? !m->all[i].there : m->all[i].there && str_is(name, m->all[i].name))
            return i;
    return -1;
}

static inline enum err_code cold_memory_put(struct cold_driver *d, struct str name, struct str bytes, struct err *e)
{
    struct cold_memory *m = (struct cold_memory *)d;
    int at = cold_memory_find(m, name, false);
    m->puts++;
    if (m->put_fails)
        return err_set(e, m->put_fails, NULL, "putting fails");
    if (m->loses)
        return ERR_OK;
    at = at < 0 ? cold_memory_find(m, name, true) : at;
    if (at < 0 || name.n >= sizeof m->all[at].name)
        return err_set(e, ERR_DISK_FULL, NULL, "no place");
    memcpy(m->all[at].name, name.p, name.n);
    m->all[at].name[name.n] = '\0';
    buf_release(&m->all[at].bytes);
    buf_init(&m->all[at].bytes, 0);
    buf_str(&m->all[at].bytes, bytes);
    m->all[at].there = true;
    if (m->changes)
        m->all[at].bytes.p[bytes.n - 1] ^= 1;
    return ERR_OK;
}

static inline enum err_code cold_memory_get(struct cold_driver *d, struct str name, size_t most, struct buf *out,
                                            struct err *e)
{
    struct cold_memory *m = (struct cold_memory *)d;
    int at = cold_memory_find(m, name, false);
    m->gets++;
    if (m->get_fails)
        return err_set(e, m->get_fails, NULL, "getting fails");
    if (at < 0)
        return err_set(e, ERR_NOT_FOUND, NULL, "there is no such object");
    if (m->all[at].bytes.n > most)
        return err_set(e, ERR_TOO_LARGE, NULL, "it is too long");
    buf_str(out, buf_view(&m->all[at].bytes));
    return out->failed ? err_nomem(e) : ERR_OK;
}

static inline enum err_code cold_memory_list(struct cold_driver *d, struct str prefix, cold_object_fn *fn, void *arg,
                                             struct err *e)
{
    struct cold_memory *m = (struct cold_memory *)d;
    enum err_code code = ERR_OK;
    for (int i = 0; i < COLD_OBJECTS && !code; i++)
        if (m->all[i].there && str_eq(str_take(str_of(m->all[i].name), prefix.n), prefix))
            code = fn(arg, str_of(m->all[i].name), (int64_t)m->all[i].bytes.n, e);
    return code;
}

static inline enum err_code cold_memory_remove(struct cold_driver *d, struct str name, struct err *e)
{
    struct cold_memory *m = (struct cold_memory *)d;
    int at = cold_memory_find(m, name, false);
    (void)e;
    if (at >= 0)
        m->all[at].there = false;
    return ERR_OK;
}

static inline void cold_memory_close(struct cold_driver *d)
{
    struct cold_memory *m = (struct cold_memory *)d;
    for (int i = 0; i < COLD_OBJECTS; i++)
        buf_release(&m->all[i].bytes);
    free(m);
}

/* The service's own from then on. */
static inline struct cold_memory *cold_memory_lend(struct service *svc)
{
    struct cold_memory *m = calloc(1, sizeof *m);
    if (!m)
        abort();
    m->driver = (struct cold_driver){.put = cold_memory_put,
                                     .get = cold_memory_get,
                                     .list = cold_memory_list,
                                     .remove = cold_memory_remove,
                                     .close = cold_memory_close};
    svc->cold = &m->driver;
    return m;
}

#endif
