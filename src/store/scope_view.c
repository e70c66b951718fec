/* Which sessions may be read, for searches. Most sessions are TEAM, so a view keeps only those that are not as their
 * organisation is: what is PRIVATE in other projects of it, and what others have made PUBLIC. */
#include "store/scope.h"

#include "store/internal.h"

#include <string.h>

enum { FIRST_ROOM = 64 };

static uint32_t hash_of(struct str s)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 16777619u;
    return h;
}

/* Doubles an array in the arena when it is full; false: out of memory. */
static bool room_for(struct arena *a, void **p, size_t n, size_t *room, size_t size)
{
    if (n < *room)
        return true;
    size_t want = *room ? *room * 2 : FIRST_ROOM;
    void *more = arena_alloc(a, want * size);
    if (!more)
        return false;
    if (n && *p)
        memcpy(more, *p, n * size);
    *p = more;
    *room = want;
    return true;
}

static bool in_org(const struct scope *s, struct str project)
{
    return str_eq(project_org(project), s->org);
}

static enum err_code read_exceptions(struct store_tx *tx, struct arena *a, struct scope_view *v, struct err *e)
{
    struct query q;
    size_t room = 0;
    void *p = NULL;
    query_fixed(&q, tx, STMT_SESSION_LEVELS, e);
    while (query_row(&q)) {
        struct str project = tx->d->column_text(q.s, 1), level = tx->d->column_text(q.s, 2);
        bool reads = scope_reads(&v->scope, project, level);
        if (reads == in_org(&v->scope, project))
            continue;
        if (!room_for(a, &p, v->n, &room, sizeof *v->exceptions)) {
            q.rc = err_nomem(e);
            break;
        }
        v->exceptions = p;
        v->exceptions[v->n++] = (struct scope_exception){query_col_text(&q, a, 0), reads};
    }
    return query_end(&q);
}

/* From one name to the next through the index: there are few projects and many sessions. */
static enum err_code read_projects(struct store_tx *tx, struct arena *a, struct scope_view *v, struct err *e)
{
    struct str last = STR("");
    size_t room = 0;
    void *p = NULL;
    enum err_code code = ERR_OK;
    for (bool more = true; more && !code;) {
        struct query q;
        query_fixed(&q, tx, STMT_SESSION_NEXT_PROJECT, e);
        query_text(&q, last);
        struct str next = query_row(&q) ? query_col_text(&q, a, 0) : STR_NONE;
        code = query_end(&q);
        more = next.p != NULL;
        last = next;
        if (code || !more || !in_org(&v->scope, next))
            continue;
        if (!room_for(a, &p, v->n_projects, &room, sizeof *v->projects))
            return err_nomem(e);
        v->projects = p;
        v->projects[v->n_projects++] = next;
    }
    return code;
}

static enum err_code make_slots(struct arena *a, struct scope_view *v, struct err *e)
{
    for (v->n_slots = 16; v->n_slots < v->n * 2;)
        v->n_slots *= 2;
    v->slots = arena_array(a, uint32_t, v->n_slots);
    if (!v->slots)
        return err_nomem(e);
    memset(v->slots, 0, v->n_slots * sizeof *v->slots);
    for (size_t i = 0; i < v->n; i++) {
        size_t at = hash_of(v->exceptions[i].session_id) & (v->n_slots - 1);
        while (v->slots[at])
            at = (at + 1) & (v->n_slots - 1);
        v->slots[at] = (uint32_t)i + 1;
    }
    return ERR_OK;
}

enum err_code scope_view_make(struct store_tx *tx, struct arena *a, const struct scope *s, struct scope_view **out,
                              struct err *e)
{
    *out = NULL;
    if (!s->limited)
        return ERR_OK;
    struct scope_view *v = arena_alloc(a, sizeof *v);
    if (!v)
        return err_nomem(e);
    *v = (struct scope_view){.scope = *s};
    enum err_code code = read_exceptions(tx, a, v, e);
    if (!code)
        code = read_projects(tx, a, v, e);
    if (!code)
        code = make_slots(a, v, e);
    if (!code)
        *out = v;
    return code;
}

bool scope_view_reads(const struct scope_view *v, struct str session_id, struct str project)
{
    size_t at = hash_of(session_id) & (v->n_slots - 1);
    for (; v->slots[at]; at = (at + 1) & (v->n_slots - 1)) {
        const struct scope_exception *x = &v->exceptions[v->slots[at] - 1];
        if (str_eq(x->session_id, session_id))
            return x->reads;
    }
    return in_org(&v->scope, project);
}
