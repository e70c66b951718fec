/* What was deleted goes out of the vectors' files too, and what has other words by now: the store is asked which turns
 * are still there, and as they were. Turns that were masked anew are found by their words alone until they have new
 * vectors (meaning_renew.c). */
#include "search/meaning_int.h"

#include "base/arena.h"
#include "store/remask.h"
#include "store/turns.h"

enum { PURGE_WAIT_MS = 10000 };

enum err_code meaning_gone(void *store, const int64_t *seqs, size_t n, bool *gone, struct err *e)
{
    struct store_tx *tx = NULL;
    enum err_code code = store_read_begin(store, &tx, e);
    if (code)
        return code;
    code = turns_alive(tx, seqs, n, gone, e);
    for (size_t i = 0; i < n && !code; i++)
        if (gone[i])
            code = turn_unchanged(tx, seqs[i], &gone[i], e);
    store_read_end(tx);
    for (size_t i = 0; i < n; i++)
        gone[i] = code == ERR_OK && !gone[i];
    return code;
}

/* By a process that only reads vectors otherwise. */
static enum err_code purge_once(struct meaning *m, struct err *e)
{
    struct vectors_options o = {m->o.dir, m->encoder->id, m->encoder->dimensions, m->o.read_only, m->o.store};
    struct vectors *v = NULL;
    int64_t removed;
    enum err_code code = vectors_open(&o, &v, e);
    if (code == ERR_OK)
        code = vectors_purge(v, meaning_gone, m->o.store, &removed, e);
    vectors_close(v);
    return code;
}

enum err_code meaning_convert(struct meaning *m, const struct store *store, struct err *e)
{
    bool ours = m && meaning_wait(m, PURGE_WAIT_MS, NULL) == ERR_OK && !m->o.on_demand && !m->o.read_only;
    enum err_code code = ours ? vectors_claim(m->vectors, e) : ERR_OK;
    return code ? code : vectors_convert(store, ours ? m->encoder->id : NULL, e);
}

enum err_code meaning_purge(struct meaning *m, const char *dir, struct err *e)
{
    int64_t removed;
    if (!m) {
        (void)vectors_remove_all(dir);
        return ERR_OK;
    }
    if (meaning_wait(m, PURGE_WAIT_MS, e))
        return e->code;
    return m->o.on_demand ? purge_once(m, e) : vectors_purge(m->vectors, meaning_gone, m->o.store, &removed, e);
}
