/* Finding patterns behind the writes: each turn of a person or an agent is read once by the extractors; what they find
 * is merged or stored together with the follower's mark. See background.h. */
#include "service/patterns/follow.h"

#include "service/patterns/keep.h"

struct plan {
    struct pattern_sighting *all;
    size_t n;
};

static enum err_code tags_of(struct arena *a, const struct pattern_found *p, struct str *out, struct err *e)
{
    struct buf b;
    struct json_out w;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_array(&w);
    if (p->category.n)
        jw_str(&w, p->category);
    jw_end_array(&w);
    *out = buf_take(&b, a);
    return out->p ? ERR_OK : err_nomem(e);
}

static struct value text_or_null(struct str s)
{
    return s.n ? V_TEXT(s) : V_NULL;
}

static enum err_code record_of(struct arena *a, const struct turn *t, const struct pattern_found *p,
                               struct record **out, struct err *e)
{
    struct record *r = record_new(a, pattern_kind());
    char *id = arena_alloc(a, ID_MAX);
    struct str tags;
    enum err_code code = r && id ? tags_of(a, p, &tags, e) : err_nomem(e);
    if (code)
        return code;
    id_make("pat", id);
    r->id = str_of(id);
    r->project = t->project;
    record_set(r, "pattern_type", V_TEXT(str_of(p->type)));
    record_set(r, "name", V_TEXT(p->name));
    record_set(r, "description", text_or_null(p->description));
    record_set(r, "template", text_or_null(p->template));
    record_set(r, "example", text_or_null(p->example));
    record_set(r, "category", text_or_null(p->category));
    record_set(r, "tags", V_TEXT(tags));
    record_set(r, "confidence", V_REAL(p->confidence));
    record_set(r, "frequency", V_INT(1));
    record_set(r, "source_session_id", V_TEXT(t->session_id));
    record_set(r, "details", V_TEXT(p->details));
    *out = r;
    return pattern_complete(a, r, e);
}

/* The level of the turn's session; *skip where nothing of it may be kept, or it is gone. */
static enum err_code level_of(const struct follow_batch *b, const struct turn *t, struct str *level, bool *skip,
                              struct err *e)
{
    struct store_tx *tx;
    struct record *session;
    struct err why = {0};
    enum err_code code = store_read_begin(b->svc->store, &tx, e);
    if (code)
        return code;
    code = record_get(tx, b->arena, KIND_SESSION, t->session_id, STR_NONE, &session, &why);
    store_read_end(tx);
    *skip = code == ERR_NOT_FOUND;
    if (code)
        return *skip ? ERR_OK : err_set(e, code, NULL, "%s", why.message);
    *level = record_text(session, "privacy_level");
    if (!level->n)
        *level = STR("TEAM");
    *skip = str_is(*level, "EPHEMERAL");
    return ERR_OK;
}

/* What tools print and what systems prescribe is not what people and agents found out. */
static bool may_hold_one(const struct turn *t)
{
    return !str_is(t->role, "tool") && !str_is(t->role, "system");
}

static enum err_code read_turn(const struct follow_batch *b, const struct turn *t, struct plan *plan, struct err *e)
{
    struct pattern_found found;
    struct pattern_sighting *s = &plan->all[plan->n];
    bool any = false, skip = false;
    enum err_code code = pattern_extract(b->arena, t->content, &found, &any, e);
    if (code || !any)
        return code;
    code = level_of(b, t, &s->level, &skip, e);
    if (code || skip)
        return code;
    code = record_of(b->arena, t, &found, &s->record, e);
    if (!code)
        code = pattern_near(b->svc->store, b->svc->similar, b->arena, s, e);
    plan->n += !code;
    return code;
}

enum err_code patterns_think(const struct follow_batch *b, void **out, struct err *e)
{
    struct plan *plan = arena_alloc(b->arena, sizeof *plan);
    enum err_code code = ERR_OK;
    if (plan)
        plan->all = arena_array(b->arena, struct pattern_sighting, b->n + 1);
    if (!plan || !plan->all)
        return err_nomem(e);
    for (size_t i = 0; i < b->n && !code; i++) {
        if (may_hold_one(&b->turns[i]))
            code = read_turn(b, &b->turns[i], plan, e);
    }
    *out = plan->n ? plan : NULL;
    return code;
}

enum err_code patterns_apply(struct store_tx *tx, struct arena *a, void *arg, struct err *e)
{
    const struct plan *plan = arg;
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < plan->n && !code; i++)
        code = pattern_sighted(tx, a, &plan->all[i], e);
    return code;
}
