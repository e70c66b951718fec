/* Archives follow the store's keys: encrypting, decrypting and changing keys write each anew, in the form that is
 * wanted then (encryption.h). Else keys would go that turns are sealed with which are nowhere else. May be broken off
 * and begun again. The list is made first, as what is written anew would come up in it again. */
#include "service/cold.h"

#include "base/log.h"
#include "seal/seal.h"

#include <string.h>

struct list {
    struct arena *arena;
    struct cold_archive *all;
    size_t n, room;
};

static enum err_code note(void *arg, const struct cold_archive *c, struct err *e)
{
    struct list *l = arg;
    if (l->n == l->room) {
        size_t room = l->room ? 2 * l->room : 64;
        struct cold_archive *more = arena_array(l->arena, struct cold_archive, room);
        if (!more)
            return err_nomem(e);
        if (l->n)
            memcpy(more, l->all, l->n * sizeof *more);
        l->all = more;
        l->room = room;
    }
    return cold_archive_copy(l->arena, c, &l->all[l->n++]) ? ERR_OK : err_nomem(e);
}

/* What is damaged, or whose key is destroyed, is lost already. */
static enum err_code convert(struct service *svc, struct arena *a, struct cold_archive *c, struct err *e)
{
    struct str lines;
    struct err why = {0};
    enum err_code code = cold_read_whole(svc, a, c, &lines, &why);
    if (code == ERR_GONE || code == ERR_NOT_FOUND)
        return ERR_OK;
    if (code == ERR_CORRUPT) {
        log_event(LOG_WARN, "archive_damaged", L_STR("path", c->path), L_CSTR("message", why.message));
        return ERR_OK;
    }
    if (code)
        return err_set(e, code, why.field[0] ? why.field : NULL, "%s", why.message);
    if (!c->sealed && !keyring_seals(store_keyring(svc->store)))
        return ERR_OK;
    code = cold_write(svc, a, c, lines, e);
    return code ? code : cold_remove(svc, c, e);
}

enum err_code cold_convert(struct service *svc, struct err *e)
{
    struct list l = {.arena = arena_new()};
    enum err_code code = l.arena ? cold_walk(svc, STR_NONE, note, &l, e) : err_nomem(e);
    for (size_t i = 0; !code && i < l.n; i++) {
        struct arena *a = arena_new();
        code = a ? convert(svc, a, &l.all[i], e) : err_nomem(e);
        arena_free(a);
    }
    arena_free(l.arena);
    return code;
}
