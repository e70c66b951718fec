/* What was deleted goes out of the vectors' files too: the store is asked which turns are still there. */
#include "search/meaning_int.h"

#include "base/arena.h"
#include "store/turns.h"

static enum err_code gone_turns(void *store, const int64_t *seqs, size_t n, bool *gone, struct err *e)
{
    struct store_tx *tx = NULL;
    enum err_code code = store_read_begin(store, &tx, e);
    if (code)
        return code;
    code = turns_alive(tx, seqs, n, gone, e);
    store_read_end(tx);
    for (size_t i = 0; i < n; i++)
        gone[i] = code == ERR_OK && !gone[i];
    return code;
}

enum err_code meaning_purge(struct meaning *m, struct err *e)
{
    int64_t removed;
    if (!m || !meaning_loaded(m))
        return ERR_OK;
    return vectors_purge(m->vectors, gone_turns, m->o.store, &removed, e);
}
