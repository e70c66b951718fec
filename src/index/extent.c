/* Which documents of a segment a search is about: ranges of numbers, for one session, the sessions of a project, those
 * that may be read, or all. Only they count, also for the weight of words: it must not tell of the rest. */
#include "index/engine.h"

static bool add_range(struct part_of *p, const struct session_row *s)
{
    if (s->first > p->s->foot.n_docs || s->n > p->s->foot.n_docs - s->first)
        return segment_bad(p->s, NULL) == ERR_OK;
    struct range *last = p->n_ranges ? &p->ranges[p->n_ranges - 1] : NULL;
    if (last && s->first < last->to)
        return segment_bad(p->s, NULL) == ERR_OK;
    p->turns += s->n;
    p->bytes += (int64_t)s->bytes;
    if (last && last->to == s->first)
        last->to += s->n;
    else
        p->ranges[p->n_ranges++] = (struct range){s->first, s->first + s->n};
    return true;
}

static enum err_code one_session(struct arena *a, const struct index_query *q, struct part_of *p, struct err *e)
{
    enum { ROWS = 16 }; /* of one id: more than one only if the session moved to another project */
    const struct session_row *row;
    uint32_t at = 0;
    p->ranges = arena_array(a, struct range, ROWS);
    if (!p->ranges)
        return err_nomem(e);
    while (p->n_ranges < ROWS && segment_find_session(p->s, q->session_id, &at, &row))
        if (!add_range(p, row))
            break;
    return ERR_OK;
}

static bool session_counts_in(const struct index_query *q, struct segment *s, const struct session_row *row, bool *good)
{
    struct str id, project;
    *good = segment_name(s, row->project, &project);
    if (!*good || (q->project.p && !str_eq(project, q->project)))
        return false;
    if (!q->view)
        return true;
    *good = segment_name(s, row->id, &id);
    return *good && scope_view_reads(q->view, id, project);
}

static enum err_code some_sessions(struct arena *a, const struct index_query *q, struct part_of *p, struct err *e)
{
    uint32_t n = p->s->foot.n_sessions;
    const struct session_row *rows = segment_part(p->s, PART_SESSIONS, 0, n, sizeof *rows);
    p->ranges = arena_array(a, struct range, (size_t)n + 1);
    if (!p->ranges)
        return err_nomem(e);
    for (uint32_t i = 0; rows && i < n; i++) {
        bool good, in = session_counts_in(q, p->s, &rows[i], &good);
        if (!good || (in && !add_range(p, &rows[i])))
            break;
    }
    return ERR_OK;
}

static enum err_code everything(struct arena *a, struct part_of *p, struct err *e)
{
    p->ranges = arena_array(a, struct range, 1);
    if (!p->ranges)
        return err_nomem(e);
    p->ranges[0] = (struct range){0, p->s->foot.n_docs};
    p->n_ranges = p->s->foot.n_docs > 0;
    p->turns = p->s->foot.n_docs;
    p->bytes = (int64_t)p->s->foot.bytes;
    return ERR_OK;
}

enum err_code extent_make(struct arena *a, const struct index_query *q, struct part_of *p, struct err *e)
{
    p->n_ranges = 0;
    p->turns = p->bytes = 0;
    enum err_code code = q->session_id.p           ? one_session(a, q, p, e)
                         : q->project.p || q->view ? some_sessions(a, q, p, e)
                                                   : everything(a, p, e);
    if (code)
        return code;
    if (q->except_conversation.p) {
        const struct conversation_row *c = segment_find_conversation(p->s, name_hash(q->except_conversation));
        if (c)
            p->except = (struct range){c->first, c->first + c->n};
    }
    return atomic_load(&p->s->bad) ? segment_bad(p->s, e) : ERR_OK;
}

bool extent_has(const struct part_of *p, uint32_t doc)
{
    size_t low = 0, high = p->n_ranges;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (p->ranges[middle].to <= doc)
            low = middle + 1;
        else
            high = middle;
    }
    return low < p->n_ranges && doc >= p->ranges[low].from;
}
