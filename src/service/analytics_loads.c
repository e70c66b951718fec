/* Analytics: what recalled context was worth, as far as can be told from what was recalled (context_load) and from
 * reported outcomes. Nothing here is a guess: a share of nothing is null. See analytics.h. */
#include "service/analytics.h"

#include "base/clock.h"

#include <stdlib.h>

struct given { /* one recalled item */
    struct str id;
    double score; /* below 0: none */
};
struct effect {
    struct given *items;
    size_t n_items, room;
    int64_t scored, empty, timed, tokens, followed, succeeded;
    double score, took_ms;
};

/* ---- outcomes ---- */

static int by_time(const void *pa, const void *pb)
{
    const struct analytics_outcome *a = pa, *b = pb;
    return a->at < b->at ? -1 : a->at > b->at;
}

enum err_code analytics_outcomes(struct arena *arena, const struct analytics *a, struct analytics_outcome **out,
                                 size_t *n, struct err *e)
{
    enum { EACH = 50 }; /* as outcome.c keeps */
    *n = 0;
    *out = arena_array(arena, struct analytics_outcome, a->n_states * EACH + 1);
    if (!*out)
        return err_nomem(e);
    for (size_t i = 0; i < a->n_states; i++) {
        const struct json *state = NULL, *history;
        if (json_parse(arena, record_text(a->states[i], "state"), JSON_DUPLICATES_OK, &state, NULL))
            continue;
        history = json_get_type(state, "execution_history", JSON_ARRAY);
        for (size_t j = 0; history && j < history->n && j < EACH; j++) {
            const struct json *success = json_get_type(&history->items[j], "success", JSON_BOOL);
            struct analytics_outcome *o = &(*out)[*n];
            if (success && clock_parse(json_text(&history->items[j], "at"), &o->at)) {
                o->success = success->boolean;
                (*n)++;
            }
        }
    }
    qsort(*out, *n, sizeof **out, by_time);
    return ERR_OK;
}

/* ---- loads ---- */

static bool add_item(struct arena *arena, struct effect *f, struct str id, double score)
{
    if (f->n_items == f->room) {
        size_t room = f->room ? f->room * 2 : 256;
        struct given *wider = arena_array(arena, struct given, room);
        if (!wider)
            return false;
        for (size_t i = 0; i < f->n_items; i++)
            wider[i] = f->items[i];
        f->items = wider;
        f->room = room;
    }
    f->items[f->n_items++] = (struct given){id, score};
    return true;
}

static enum err_code add_items(struct arena *arena, struct effect *f, const struct record *load, struct err *e)
{
    const struct json *items = NULL;
    if (json_parse(arena, record_text(load, "items"), JSON_DUPLICATES_OK, &items, NULL) || items->type != JSON_ARRAY)
        return arena_failed(arena) ? err_nomem(e) : ERR_OK;
    f->empty += items->n == 0;
    for (size_t i = 0; i < items->n; i++) {
        const struct json *score = json_get(&items->items[i], "score");
        bool scored = score && (score->type == JSON_INT || score->type == JSON_DOUBLE);
        if (!add_item(arena, f, json_text(&items->items[i], "id"), scored ? score->number : -1))
            return err_nomem(e);
        f->scored += scored;
        f->score += scored ? score->number : 0;
    }
    return ERR_OK;
}

/* The first outcome that was reported after the load was given. */
static void judge(struct effect *f, const struct record *load, const struct analytics_outcome *o, size_t n)
{
    size_t i = 0;
    while (i < n && o[i].at < load->created_at)
        i++;
    f->followed += i < n;
    f->succeeded += i < n && o[i].success;
}

static int by_id(const void *pa, const void *pb)
{
    return str_cmp(((const struct given *)pa)->id, ((const struct given *)pb)->id);
}

/* How many different items there are, and how many of them were given more than once. Sorts. */
static int64_t distinct_items(struct effect *f, int64_t *again)
{
    int64_t distinct = 0;
    *again = 0;
    if (f->n_items)
        qsort(f->items, f->n_items, sizeof *f->items, by_id);
    for (size_t i = 0, next; i < f->n_items; i = next) {
        for (next = i + 1; next < f->n_items && str_eq(f->items[next].id, f->items[i].id);)
            next++;
        distinct++;
        *again += next - i > 1;
    }
    return distinct;
}

/* ---- writing ---- */

static void write_purposes(struct json_out *w, const struct analytics *a)
{
    static const char *const names[] = {"context", "search", "recall", "proxy", "directive"};
    jw_key(w, "by_purpose");
    jw_object(w);
    for (size_t p = 0; p < sizeof names / sizeof *names; p++) {
        int64_t n = 0;
        for (size_t i = 0; i < a->n_loads; i++)
            n += str_is(record_text(a->loads[i], "purpose"), names[p]);
        jw_kint(w, names[p], n);
    }
    jw_end_object(w);
}

static void write_effect(struct json_out *w, const struct analytics *a, struct effect *f)
{
    int64_t again, distinct = distinct_items(f, &again), n = (int64_t)a->n_loads;
    jw_key(w, "context_effectiveness");
    jw_object(w);
    jw_kint(w, "served", a->counts.context_loads);
    jw_kint(w, "looked_at", n);
    write_purposes(w, a);
    jw_kint(w, "found_nothing", f->empty);
    jw_kint(w, "items", (int64_t)f->n_items);
    jw_kint(w, "tokens", f->tokens);
    analytics_mean(w, "items_per_load", (double)f->n_items, n);
    analytics_mean(w, "tokens_per_load", (double)f->tokens, n);
    analytics_mean(w, "mean_score", f->score, f->scored);
    analytics_mean(w, "mean_took_ms", f->took_ms, n);
    jw_kint(w, "distinct_items", distinct);
    analytics_mean(w, "recalled_again_share", (double)again, distinct);
    jw_kint(w, "followed_by_outcome", f->followed);
    analytics_mean(w, "followed_by_success_share", (double)f->succeeded, f->followed);
    jw_end_object(w);
}

enum err_code analytics_write_effectiveness(struct op_call *c, const struct analytics *a, struct err *e)
{
    struct effect f = {0};
    struct analytics_outcome *outcomes;
    size_t n;
    enum err_code code = analytics_outcomes(c->arena, a, &outcomes, &n, e);
    for (size_t i = 0; i < a->n_loads && !code; i++) {
        f.tokens += record_int(a->loads[i], "tokens");
        f.took_ms += record_real(a->loads[i], "took_ms");
        judge(&f, a->loads[i], outcomes, n);
        code = add_items(c->arena, &f, a->loads[i], e);
    }
    if (!code)
        write_effect(c->out, a, &f);
    return code;
}
