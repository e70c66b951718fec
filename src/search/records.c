/* Records by their words, in three steps: the store gives those that may match, newest first; each one's words are
 * counted; BM25 over what matched orders them, and the best are read again. Memory for a candidate is some
 * hundred bytes whatever the record's size. */
#include "search/records.h"

#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Records looked at in each kind, matches weighed, bytes of a text shown. */
enum { LOOK_MAX = 200000, MATCHES_MAX = 20000, TEXT_BYTES = 64 * 1024 };
/* As for turns (index/search.c): records are short and say a thing once. */
static const double K1 = 0.9, B = 0.4;

struct match {
    const struct kind *kind;
    int64_t seq, created_at;
    size_t words;
    double score;
    uint32_t counts[INDEX_TERMS_MAX];
};

struct finding {
    struct arena *a, *scratch; /* the second: of the record at hand */
    const struct records_query *q;
    struct records_result *out;
    struct index_matcher *matcher;
    struct match *matches;
    size_t n, cap;
    int64_t looked; /* records that were there to match */
    int64_t df[INDEX_TERMS_MAX];
    size_t words; /* of all matches */
};

/* ---- the question ---- */

static enum err_code read_terms(struct finding *f, struct err *e)
{
    struct index_term *t = NULL;
    size_t n = 0;
    enum err_code code = index_terms(f->a, f->q->text, true, &t, &n, e);
    f->out->terms = code ? NULL : arena_array(f->a, struct str, INDEX_TERMS_MAX);
    if (!f->out->terms)
        return code ? code : err_nomem(e);
    for (size_t i = 0; i < n && f->out->n_terms < INDEX_TERMS_MAX; i++) {
        bool known = false;
        for (size_t k = 0; k < f->out->n_terms; k++)
            known = known || str_eq(f->out->terms[k], t[i].text);
        if (!known)
            f->out->terms[f->out->n_terms++] = t[i].text;
    }
    return ERR_OK;
}

/* How a word with this stem begins in any text: stemming only ever changes the last letter of what it leaves
 * (happy, happi; hoping, hope). */
static struct str beginning(struct str stem)
{
    char last = stem.n ? stem.p[stem.n - 1] : 0;
    return stem.n > 2 && (stem.n > 4 || last == 'i' || last == 'e') ? str_take(stem, stem.n - 1) : stem;
}

/* ---- matching ---- */

static struct match *match_new(struct finding *f)
{
    if (f->n == f->cap) {
        size_t cap = f->cap ? f->cap * 2 : 64;
        struct match *more = arena_array(f->a, struct match, cap);
        if (!more)
            return NULL;
        if (f->n)
            memcpy(more, f->matches, f->n * sizeof *more);
        f->matches = more;
        f->cap = cap;
    }
    return &f->matches[f->n];
}

/* The searched fields, and before them the id where a caller chose it. */
static struct str text_of(struct arena *a, const struct record *r)
{
    struct str text = record_searched_text(a, r);
    if (text.p && (r->kind->flags & KIND_KEYED))
        text = arena_fmt(a, "%.*s\n%.*s", STR_ARG(r->id), STR_ARG(text_cut(text, TEXT_BYTES)));
    return text;
}

static enum err_code consider(void *arg, const struct record *r, struct err *e)
{
    struct finding *f = arg;
    if (f->n == MATCHES_MAX)
        return ERR_OK;
    struct match *m = match_new(f);
    struct str text = text_of(f->scratch, r);
    enum err_code code = m && text.p ? index_match(f->matcher, text, m->counts, &m->words, e) : err_nomem(e);
    bool any = false;
    for (size_t k = 0; !code && k < f->out->n_terms; k++) {
        f->df[k] += m->counts[k] > 0;
        any = any || m->counts[k] > 0;
    }
    if (any) {
        m->kind = r->kind;
        m->seq = r->seq;
        m->created_at = r->created_at;
        f->words += m->words;
        f->n++;
    }
    arena_reset(f->scratch);
    return code;
}

static enum err_code look_through(struct finding *f, struct store_tx *tx, const struct kind *k, const struct str *words,
                                  struct err *e)
{
    struct list_filter filters[3];
    struct list_query q = {.kind = k,
                           .filters = filters,
                           .scope = f->q->scope,
                           .created_from = f->q->from,
                           .created_to = f->q->to,
                           .words = words,
                           .n_words = f->out->n_terms,
                           .limit = LOOK_MAX};
    int64_t there = 0;
    if (f->q->project.p)
        filters[q.n_filters++] = (struct list_filter){"project", V_TEXT(f->q->project)};
    if (f->q->session_id.p && k == KIND_SESSION)
        filters[q.n_filters++] = (struct list_filter){"id", V_TEXT(f->q->session_id)};
    else if (f->q->session_id.p && kind_field(k, STR("session_id")) >= 0)
        filters[q.n_filters++] = (struct list_filter){"session_id", V_TEXT(f->q->session_id)};
    if (k == KIND_EVENT) /* faded ones are recalled no more */
        filters[q.n_filters++] = (struct list_filter){"status", V_TEXT(STR("active"))};
    enum err_code code = record_count(tx, k, f->q->project, &there, e);
    f->looked += there;
    return code || !there ? code : record_walk(tx, &q, consider, f, e);
}

static enum err_code look_through_all(struct finding *f, struct store_tx *tx, struct err *e)
{
    size_t n;
    const struct kind *all = kinds_all(&n);
    struct str *words = arena_array(f->a, struct str, f->out->n_terms + 1);
    enum err_code code = words ? ERR_OK : err_nomem(e);
    for (size_t i = 0; !code && i < f->out->n_terms; i++)
        words[i] = beginning(f->out->terms[i]);
    if (f->q->kinds)
        n = f->q->n_kinds;
    for (size_t i = 0; !code && i < n; i++) {
        const struct kind *k = f->q->kinds ? f->q->kinds[i] : &all[i];
        if (list_searchable(k))
            code = look_through(f, tx, k, words, e);
    }
    return code;
}

/* ---- weighing ---- */

/* As a share of what the words would give if each stood often in a very short text: 0..1. */
static void weigh(struct finding *f)
{
    double average = f->n ? fmax(1, (double)f->words / (double)f->n) : 1, most = 0;
    double idf[INDEX_TERMS_MAX];
    for (size_t k = 0; k < f->out->n_terms; k++) {
        double df = (double)f->df[k], all = fmax((double)f->looked, df);
        idf[k] = log(1 + (all - df + 0.5) / (df + 0.5));
        most += idf[k] * (K1 + 1);
    }
    for (size_t i = 0; i < f->n; i++) {
        struct match *m = &f->matches[i];
        for (size_t k = 0; k < f->out->n_terms; k++) {
            double tf = m->counts[k];
            m->score += idf[k] * tf * (K1 + 1) / (tf + K1 * (1 - B + B * (double)m->words / average));
        }
        m->score = most > 0 ? fmin(1, m->score / most) : 0;
    }
}

static int better_first(const void *a, const void *b)
{
    const struct match *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return x->created_at != y->created_at ? (x->created_at < y->created_at ? 1 : -1)
                                          : (x->seq < y->seq) - (x->seq > y->seq);
}

static enum err_code take_best(struct finding *f, struct store_tx *tx, struct err *e)
{
    size_t limit = f->q->limit < 1 ? 1 : (size_t)f->q->limit;
    f->out->hits = arena_array(f->a, struct records_hit, limit < f->n ? limit : f->n + 1);
    if (!f->out->hits)
        return err_nomem(e);
    if (f->n)
        qsort(f->matches, f->n, sizeof *f->matches, better_first);
    for (size_t i = 0; i < f->n && f->out->n < limit; i++) {
        struct records_hit *h = &f->out->hits[f->out->n];
        enum err_code code = record_by_seq(tx, f->a, f->matches[i].kind, f->matches[i].seq, &h->record, e);
        if (code)
            return code;
        h->score = f->matches[i].score;
        h->text = text_cut(text_of(f->a, h->record), TEXT_BYTES);
        if (!h->text.p)
            return err_nomem(e);
        f->out->n++;
    }
    return ERR_OK;
}

enum err_code records_find(struct store_tx *tx, struct arena *a, const struct records_query *q,
                           struct records_result *out, struct err *e)
{
    struct finding f = {.a = a, .q = q, .out = out};
    *out = (struct records_result){0};
    enum err_code code = read_terms(&f, e);
    if (code || out->n_terms == 0)
        return code;
    f.scratch = arena_new();
    code = f.scratch ? index_matcher_new(out->terms, out->n_terms, &f.matcher, e) : err_nomem(e);
    if (!code)
        code = look_through_all(&f, tx, e);
    if (!code) {
        weigh(&f);
        out->total_matches = (int64_t)f.n;
        code = take_best(&f, tx, e);
    }
    index_matcher_free(f.matcher);
    if (f.scratch)
        arena_free(f.scratch);
    return code;
}
