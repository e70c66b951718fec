/* Records of other kinds than turns into the store: characters, things, settings of other memories. */
#include "service/history/extract.h"

#include "base/text.h"

#include <string.h>

enum { PATH_BYTES = 4000 };

enum err_code batch_source(struct store_tx *tx, struct batch *b, const struct record *of, int64_t line, struct err *e)
{
    const struct extraction *x = b->x;
    struct record *r = record_new(b->arena, kind_find(STR("source")));
    if (!r)
        return err_nomem(e);
    r->project = of->project;
    record_set(r, "record_kind", V_TEXT(str_of(of->kind->name)));
    record_set(r, "record_id", V_TEXT(of->id));
    record_set(r, "origin", V_TEXT(str_of(x->names.source)));
    record_set(r, "path",
               V_TEXT(text_cut(arena_fmt(b->arena, "%.*s/%.*s", STR_ARG(b->root), STR_ARG(b->path)), PATH_BYTES)));
    record_set(r, "line", V_INT(line));
    record_set(r, "byte_offset", V_INT(0));
    return record_insert(tx, b->arena, r, e);
}

/* The transaction may be tried again: what is stored is a copy. */
static struct record *copy_of(struct batch *b, const struct item *i)
{
    const struct record *given = i->record;
    struct record *r = record_new(b->arena, given->kind);
    if (!r)
        return NULL;
    struct value *v = r->v;
    memcpy(v, given->v, given->kind->n_fields * sizeof *v);
    *r = *given;
    r->v = v;
    const struct place *p = i->place;
    r->project = b->x->wish->project.n ? b->x->wish->project : p && p->project.n ? p->project : STR("default");
    if (p && record_value(r, "conversation_id"))
        record_set(r, "conversation_id", V_TEXT(str_of(p->conversation_id)));
    if (p && r->kind == KIND_SUMMARY)
        record_set(r, "session_id", V_TEXT(str_of(p->session_id)));
    return r;
}

/* What it belongs to stays. */
static enum err_code renew(struct store_tx *tx, struct batch *b, const struct record *was, struct record *r,
                           struct err *e)
{
    for (size_t k = 0; k < r->kind->n_fields; k++)
        if (r->kind->fields[k].flags & FIELD_FIXED)
            r->v[k] = V_UNSET;
    return record_update(tx, b->arena, was->seq, r, e);
}

enum err_code batch_record(struct store_tx *tx, struct batch *b, struct item *i, struct err *e)
{
    struct record *r = copy_of(b, i), *was = NULL;
    struct err why = {0};
    if (!r)
        return err_nomem(e);
    bool named = r->kind->flags & KIND_KEYED;
    enum err_code code = record_get(tx, b->arena, r->kind, r->id, named ? r->project : STR_NONE, &was, &why);
    if (code && code != ERR_NOT_FOUND)
        return err_set(e, code, NULL, "%s", why.message);
    if (!code && named) {
        i->fresh = false;
        return ERR_OK;
    }
    if (!code)
        return renew(tx, b, was, r, e);
    err_clear(&why);
    code = record_insert(tx, b->arena, r, &why);
    if (code == ERR_CONFLICT) { /* it was deleted */
        i->fresh = false;
        return ERR_OK;
    }
    if (code)
        return err_set(e, code, NULL, "%s", why.message);
    return batch_source(tx, b, r, i->line, e);
}
