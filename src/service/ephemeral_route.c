/* Which calls are for the service of ephemeral sessions. What tells is an id: those of records end in 32 random hex
 * digits, so one that is found there is nowhere else. */
#include "service/ephemeral.h"

#include "service/ephemeral_int.h"
#include "service/quota.h"
#include "store/records.h"

#include <string.h>

enum { ID_TEXT_MAX = 200 };

static const struct kind *kind_of_id(struct str id)
{
    size_t n;
    const struct kind *k = kinds_all(&n);
    for (size_t i = 0; i < n; i++) {
        size_t p = k[i].id_prefix ? strlen(k[i].id_prefix) : 0;
        if (p && id.n > p + 1 && id.p[p] == '_' && memcmp(id.p, k[i].id_prefix, p) == 0)
            return &k[i];
    }
    return NULL;
}

/* ---- looking for ids in one store ---- */
struct looking {
    struct store_tx *tx;
    struct arena *a;
    bool found;
};

static void look_for(struct looking *l, struct str id)
{
    struct record *r;
    const struct kind *k = l->found || id.n > ID_TEXT_MAX ? NULL : kind_of_id(id);
    if (k)
        l->found = record_get(l->tx, l->a, k, id, STR_NONE, &r, NULL) == ERR_OK;
}

/* Everything in a call that may be an id: its arguments, the fields of its record, the members of its body. */
static void look_through(struct looking *l, const struct op_call *c)
{
    for (size_t i = 0; i < c->op->n_args && !l->found; i++) {
        if (c->values[i] && c->values[i]->type == JSON_STRING)
            look_for(l, c->values[i]->s);
    }
    for (size_t i = 0; c->record && i < c->record->kind->n_fields && !l->found; i++) {
        if (c->record->v[i].type == VALUE_TEXT)
            look_for(l, c->record->v[i].s);
    }
    if (c->record)
        look_for(l, c->record->id);
    for (size_t i = 0; c->body && c->body->type == JSON_OBJECT && i < c->body->n && !l->found; i++) {
        if (c->body->items[i].type == JSON_STRING)
            look_for(l, c->body->items[i].s);
    }
}

static bool names_something_of(struct service *s, struct op_call *c)
{
    struct looking l = {.a = c->arena};
    if (!s || store_read_begin(s->store, &l.tx, NULL))
        return false;
    look_through(&l, c);
    store_read_end(l.tx);
    return l.found;
}

struct service *ephemeral_of(struct service *s, struct str session_id, struct str conversation_id)
{
    struct service *inner = atomic_load(&s->ephemeral);
    struct looking l = {.a = inner ? arena_new() : NULL};
    if (!l.a)
        return s;
    if (!store_read_begin(inner->store, &l.tx, NULL)) {
        look_for(&l, session_id);
        look_for(&l, conversation_id);
        store_read_end(l.tx);
    }
    arena_free(l.a);
    return l.found ? inner : s;
}

/* ---- the level a call asks for ---- */
static struct str level_of(const struct op_call *c)
{
    struct str level = op_text(c, "privacy_level");
    if (!level.p && c->record && c->record->kind == KIND_SESSION)
        level = record_text(c->record, "privacy_level");
    const struct json *in =
        !level.p && c->op->kind == KIND_SESSION && c->body ? json_get(c->body, "privacy_level") : NULL;
    return in && in->type == JSON_STRING ? in->s : level;
}

static bool changes_something(const struct op_call *c)
{
    return c->op->permission != PERM_READ && c->op->permission != PERM_NONE;
}

static enum err_code refuse_to_cross(bool ephemeral, struct err *e)
{
    return err_set(e, ERR_INVALID, "privacy_level",
                   ephemeral ? "an EPHEMERAL session stays one: nothing of it is ever stored; begin another session"
                             : "a stored session cannot become EPHEMERAL: begin an EPHEMERAL one, and erase this one "
                               "with cairn forget");
}

enum err_code ephemeral_route(struct op_call *c, struct err *e)
{
    struct service *inner = atomic_load(&c->svc->ephemeral);
    struct str level = level_of(c);
    bool asked = str_is(level, "EPHEMERAL");
    if ((!inner && !asked) || ephemeral_is(c->svc) || !c->svc->store)
        return ERR_OK;
    if (names_something_of(inner, c)) {
        if (level.n && !asked && changes_something(c))
            return refuse_to_cross(true, e);
        c->svc = inner;
        return ERR_OK;
    }
    if (!asked)
        return ERR_OK;
    if (changes_something(c) && names_something_of(c->svc, c))
        return refuse_to_cross(false, e);
    if (!inner && !changes_something(c)) /* a list of them, and there are none */
        return ERR_OK;
    enum err_code code = ephemeral_open(c->svc, &inner, e);
    if (!code)
        c->svc = inner;
    return code;
}

void ephemeral_ran(const struct op_call *c)
{
    if (ephemeral_is(c->svc) && strcmp(c->op->method, "DELETE") == 0)
        wiper_due(c->svc->wiper);
}

enum err_code ephemeral_full(const struct op_call *c, enum err_code code, struct err *e)
{
    if (code != ERR_DISK_FULL || !ephemeral_is(c->svc))
        return code;
    err_clear(e);
    return quota_ephemeral(c->svc, e);
}
