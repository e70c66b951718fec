/* See relevant.h. */
#include "service/relevant.h"

#include "search/records.h"
#include "service/caller.h"
#include "service/service.h"

#include <stdlib.h>

enum { CONVERSATIONS_MAX = 10, TITLES_LOOKED_AT = 20 };
/* Beside turns that say it, a title or a summary only tells what a conversation is about. */
static const double TITLE_WORTH = 0.5;

/* ---- people and things ---- */

static bool has(const struct list_page *page, size_t n, const struct record *r)
{
    for (size_t i = 0; i < n; i++)
        if (page->rows[i]->seq == r->seq)
            return true;
    return false;
}

static enum err_code best_of(struct op_call *c, struct store_tx *tx, const struct kind *k, struct str project,
                             struct str text, int limit, struct list_page *out, struct err *e)
{
    struct records_result found;
    struct records_query q = {.similar = c->svc->similar,
                              .text = text,
                              .kinds = &k,
                              .n_kinds = 1,
                              .project = project,
                              .scope = caller_scope(caller_of(c)),
                              .limit = limit};
    enum err_code code = records_find(tx, c->arena, &q, &found, e);
    for (size_t i = 0; !code && i < found.n; i++)
        out->rows[out->n++] = found.hits[i].record;
    return code;
}

enum err_code relevant_records(struct op_call *c, struct store_tx *tx, const struct kind *k, struct str project,
                               struct str text, int limit, struct list_page *out, struct err *e)
{
    struct list_filter filter = {"project", V_TEXT(project)};
    struct list_query usual = {.kind = k, .filters = &filter, .n_filters = 1, .limit = limit};
    struct list_page rest = {0};
    *out = (struct list_page){.rows = arena_array(c->arena, struct record *, (size_t)limit)};
    if (!out->rows)
        return err_nomem(e);
    enum err_code code = str_trim(text).n ? best_of(c, tx, k, project, text, limit, out, e) : ERR_OK;
    if (code || out->n == (size_t)limit)
        return code;
    usual.scope = caller_scope(caller_of(c));
    code = record_list(tx, c->arena, &usual, &rest, e);
    size_t chosen = out->n;
    for (size_t i = 0; !code && i < rest.n && out->n < (size_t)limit; i++)
        if (!has(out, chosen, rest.rows[i]))
            out->rows[out->n++] = rest.rows[i];
    return code;
}

/* ---- conversations ---- */

static int better_first(const void *a, const void *b)
{
    const struct recall_conversation *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return x->created_at != y->created_at ? (x->created_at < y->created_at ? 1 : -1) : str_cmp(x->id, y->id);
}

static struct recall_conversation *known(struct recall_conversation *list, size_t n, struct str id)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(list[i].id, id))
            return &list[i];
    return NULL;
}

/* A conversation, or the one that a summary is of; NULL: a summary of the whole session, or the conversation is gone.
 */
static enum err_code conversation_of(struct op_call *c, struct store_tx *tx, struct record *hit, struct record **out,
                                     struct err *e)
{
    struct err why = {0};
    *out = hit;
    if (hit->kind == KIND_CONVERSATION)
        return ERR_OK;
    *out = NULL;
    struct str id = record_text(hit, "conversation_id");
    enum err_code code = id.n ? record_get(tx, c->arena, KIND_CONVERSATION, id, STR_NONE, out, &why) : ERR_NOT_FOUND;
    if (code != ERR_NOT_FOUND && code)
        return err_set(e, code, NULL, "%s", why.message);
    *out = code ? NULL : *out;
    return ERR_OK;
}

static enum err_code add_all(struct op_call *c, struct store_tx *tx, const struct records_result *found,
                             struct recall_result *r, struct err *e)
{
    size_t n = r->n_conversations;
    struct recall_conversation *list = arena_array(c->arena, struct recall_conversation, n + found->n + 1);
    if (!list)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++)
        list[i] = r->conversations[i];
    for (size_t i = 0; i < found->n; i++) {
        struct record *of;
        enum err_code code = conversation_of(c, tx, found->hits[i].record, &of, e);
        if (code)
            return code;
        struct recall_conversation *there = of ? known(list, n, of->id) : NULL;
        if (of && !there) {
            there = &list[n++];
            *there = (struct recall_conversation){.id = of->id,
                                                  .title = record_text(of, "directive"),
                                                  .summary = record_text(of, "context_summary"),
                                                  .created_at = of->created_at};
        }
        if (there)
            there->score = similar_both(there->score, TITLE_WORTH * found->hits[i].score);
    }
    if (n > 1)
        qsort(list, n, sizeof *list, better_first);
    r->conversations = list;
    r->n_conversations = n < CONVERSATIONS_MAX ? n : CONVERSATIONS_MAX;
    return ERR_OK;
}

enum err_code relevant_conversations(struct op_call *c, struct store_tx *tx, struct str session_id, struct str text,
                                     struct recall_result *r, struct err *e)
{
    const struct kind *kinds[] = {KIND_CONVERSATION, KIND_SUMMARY};
    struct records_result found;
    struct records_query q = {.similar = c->svc->similar,
                              .text = text,
                              .kinds = kinds,
                              .n_kinds = sizeof kinds / sizeof *kinds,
                              .session_id = session_id,
                              .scope = caller_scope(caller_of(c)),
                              .limit = TITLES_LOOKED_AT};
    enum err_code code = records_find(tx, c->arena, &q, &found, e);
    return code || !found.n ? code : add_all(c, tx, &found, r, e);
}
