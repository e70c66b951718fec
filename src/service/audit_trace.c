/* Collecting what a call touches. See audit_trace.h. */
#include "service/audit_trace.h"

#include <string.h>

static bool is(const struct audit_touched *t, const struct kind *k, struct str id)
{
    return t->kind == k && str_eq(t->id, id);
}

/* What is looked up first and shown afterwards comes twice in a row, or with others between it and the first. */
static bool seen(const struct audit_trace *t, const struct kind *k, struct str id)
{
    return (t->total && is(&t->first, k, id)) || (t->n_more && is(&t->more[t->n_more - 1], k, id));
}

/* Records may be gone before the row is made: walks free theirs page by page. */
static struct str kept(struct arena *a, struct str s)
{
    return a && s.n ? arena_str(a, s) : s;
}

void audit_trace_add(struct audit_trace *t, struct arena *a, const struct kind *k, struct str id)
{
    if (!id.n || seen(t, k, id))
        return;
    if (t->total++ == 0) {
        t->first = (struct audit_touched){k, kept(a, id)};
        return;
    }
    if (!t->more)
        t->more = arena_array(a, struct audit_touched, AUDIT_IDS);
    if (t->more && t->n_more < AUDIT_IDS - 1)
        t->more[t->n_more++] = (struct audit_touched){k, kept(a, id)};
}

void audit_trace_main(struct audit_trace *t, struct arena *a, const struct kind *k, struct str id)
{
    struct audit_touched before = t->first;
    if (t->total && is(&before, k, id))
        return;
    audit_trace_add(t, a, k, id);
    if (t->total < 2)
        return;
    t->first = (struct audit_touched){k, kept(a, id)};
    if (t->n_more && is(&t->more[t->n_more - 1], k, id))
        t->more[t->n_more - 1] = before;
}

void audit_trace_record(struct audit_trace *t, struct arena *a, const struct record *r)
{
    if (!t->session.n)
        t->session = kept(a, r->kind == KIND_SESSION ? r->id : record_text(r, "session_id"));
    if (!t->project.p)
        t->project = kept(a, r->project);
    audit_trace_add(t, a, r->kind, r->id);
}

void audit_trace_count(struct audit_trace *t, const char *name, int64_t n)
{
    for (size_t i = 0; i < t->n_counts; i++) {
        if (strcmp(t->counts[i].name, name) == 0) {
            t->counts[i].n = n;
            return;
        }
    }
    if (t->n_counts < AUDIT_COUNTS) {
        t->counts[t->n_counts].name = name;
        t->counts[t->n_counts++].n = n;
    }
}
