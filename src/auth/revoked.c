/* The list of revoked tokens, read from the register in pages and sorted. Expired ones are left out: they are refused
 * anyway. The register itself keeps them. */
#include "auth/auth.h"

#include "base/mem.h"
#include "store/records.h"

#include <stdlib.h>

enum { PAGE = 1000 };

struct revoked {
    struct arena *arena; /* the ids' bytes */
    struct str *ids;     /* sorted */
    size_t n, cap;
};

static int by_bytes(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static enum err_code add(struct revoked *r, struct str id, struct err *e)
{
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 64;
        struct str *more = mem_grow(r->ids, cap * sizeof *more);
        if (!more)
            return err_nomem(e);
        r->ids = more;
        r->cap = cap;
    }
    struct str own = arena_str(r->arena, id);
    if (!own.p)
        return err_nomem(e);
    r->ids[r->n++] = own;
    return ERR_OK;
}

static enum err_code add_page(struct revoked *r, const struct list_page *page, int64_t now, struct err *e)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < page->n && !code; i++) {
        if (record_int(page->rows[i], "expires_at") > now * 1000)
            code = add(r, page->rows[i]->id, e);
    }
    return code;
}

static enum err_code read_all(struct store_tx *tx, struct revoked *r, int64_t now, struct err *e)
{
    const struct list_filter revoked = {"revoked", V_INT(1)};
    struct list_query q = {.kind = KIND_TOKEN, .filters = &revoked, .n_filters = 1, .limit = PAGE};
    struct list_page page = {0};
    struct arena *a = arena_new(); /* one page's rows at a time */
    enum err_code code = a ? ERR_OK : err_nomem(e);
    while (!code) {
        code = record_list(tx, a, &q, &page, e);
        if (!code)
            code = add_page(r, &page, now, e);
        if (code || !page.next_cursor.n)
            break;
        q.cursor = arena_str(r->arena, page.next_cursor);
        if (!q.cursor.p)
            code = err_nomem(e);
        arena_reset(a);
    }
    if (a)
        arena_free(a);
    return code;
}

enum err_code revoked_load(struct store *store, int64_t now, struct revoked **out, struct err *e)
{
    struct store_tx *tx;
    struct revoked *r = mem_zalloc(sizeof *r);
    if (!r)
        return err_nomem(e);
    r->arena = arena_new();
    enum err_code code = r->arena ? store_read_begin(store, &tx, e) : err_nomem(e);
    if (!code) {
        code = read_all(tx, r, now, e);
        store_read_end(tx);
    }
    if (code) {
        revoked_free(r);
        return code;
    }
    if (r->n)
        qsort(r->ids, r->n, sizeof *r->ids, by_bytes);
    *out = r;
    return ERR_OK;
}

void revoked_free(struct revoked *r)
{
    if (!r)
        return;
    if (r->arena)
        arena_free(r->arena);
    mem_free(r->ids);
    mem_free(r);
}

bool revoked_has(const struct revoked *r, struct str id)
{
    return r && r->n && bsearch(&id, r->ids, r->n, sizeof *r->ids, by_bytes) != NULL;
}
