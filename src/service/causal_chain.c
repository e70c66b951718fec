/* Walking a chain of causes and telling it in a paragraph. */
#include "service/causal.h"

#include "service/access.h"

#include "base/buf.h"
#include "base/text.h"

enum { TOLD_BYTES = 200 };

static bool in_chain(const struct causal_chain *c, struct str id)
{
    for (size_t i = 0; i < c->n; i++) {
        if (str_eq(c->events[i]->id, id))
            return true;
    }
    return false;
}

static void reverse(struct causal_chain *c)
{
    for (size_t i = 0; i < c->n / 2; i++) {
        const struct record *r = c->events[i];
        c->events[i] = c->events[c->n - 1 - i];
        c->events[c->n - 1 - i] = r;
    }
}

/* From the event up; the chain is in the order of the walk. */
static enum err_code walk_up(struct store_tx *tx, struct arena *a, const struct caller *who, struct causal_chain *c,
                             struct err *e)
{
    while (c->n <= CAUSAL_CAUSES_MAX) {
        struct str id = record_text(c->events[c->n - 1], "cause_id");
        struct record *cause;
        struct err why = {0};
        if (!id.n || in_chain(c, id))
            return ERR_OK;
        enum err_code code = record_get(tx, a, KIND_EVENT, id, STR_NONE, &cause, &why);
        if (!code)
            code = access_record(who, ACCESS_READ, tx, a, cause, &why);
        if (code == ERR_NOT_FOUND)
            return ERR_OK;
        if (code)
            return err_set(e, code, NULL, "%s", why.message);
        c->events[c->n++] = cause;
    }
    return ERR_OK;
}

/* The first effect of `id`: lists are newest first, so it is the last of the page. */
static enum err_code first_effect(struct store_tx *tx, struct arena *a, const struct caller *who,
                                  const struct causal_chain *c, struct str id, const struct record **out, struct err *e)
{
    enum { EFFECTS_SEEN = 50 };
    struct list_filter filters[] = {{"cause_id", V_TEXT(id)}, {"status", V_TEXT(STR("active"))}};
    struct list_query q = {
        .kind = KIND_EVENT, .filters = filters, .n_filters = 2, .scope = caller_scope(who), .limit = EFFECTS_SEEN};
    struct list_page page = {0};
    enum err_code code = record_list(tx, a, &q, &page, e);
    *out = NULL;
    for (size_t i = page.n; i-- > 0 && !code && !*out;) {
        if (!in_chain(c, page.rows[i]->id))
            *out = page.rows[i];
    }
    return code;
}

enum err_code causal_walk(struct store_tx *tx, struct arena *a, const struct caller *who, const struct record *event,
                          struct causal_chain *out, struct err *e)
{
    *out = (struct causal_chain){.events = {event}, .n = 1};
    enum err_code code = walk_up(tx, a, who, out, e);
    reverse(out);
    out->asked = out->n - 1;
    for (int i = 0; i < CAUSAL_EFFECTS && !code; i++) {
        const struct record *effect;
        code = first_effect(tx, a, who, out, out->events[out->n - 1]->id, &effect, e);
        if (code || !effect)
            break;
        out->events[out->n++] = effect;
    }
    return code;
}

/* ---- telling ---- */

/* The event's text as a part of a sentence: one line, no full stop. */
static void put_told(struct buf *b, const struct record *event)
{
    struct str text = text_cut(str_trim(record_text(event, "effect_text")), TOLD_BYTES);
    while (text.n && (text.p[text.n - 1] == '.' || text.p[text.n - 1] == '!'))
        text.n--;
    buf_char(b, '"');
    for (size_t i = 0; i < text.n; i++)
        buf_char(b, text.p[i] == '\n' ? ' ' : text.p[i]);
    buf_char(b, '"');
}

/* Root; then effects two by two: "This led to B, which in turn caused C." */
struct str causal_tell(struct arena *a, const struct causal_chain *chain)
{
    struct buf b;
    buf_init(&b, 0);
    buf_cstr(&b, "Initially, ");
    for (size_t i = 0; i < chain->n; i++) {
        if (i)
            buf_cstr(&b, i % 2 ? (i == 1 ? ". This led to " : ". That led to ") : ", which in turn caused ");
        put_told(&b, chain->events[i]);
    }
    buf_char(&b, '.');
    return buf_take(&b, a);
}
