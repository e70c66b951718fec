/* Records by their words, in three steps: the store gives those that may match, newest first; each one's words are
 * counted; BM25 over what matched orders them, and the best are read again. Memory for a candidate is some
 * hundred bytes whatever the record's size.
 *
 * By meaning beside that: of the records that may be read (the store says which), those near the question join, and
 * those that have its words rise. What a cosine is worth does not depend on any other record. */
#include "search/records.h"

#include "base/clock.h"
#include "base/text.h"
#include "search/intern.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Records looked at in each kind, matches weighed, bytes of a text shown. */
enum { LOOK_MAX = 200000, MATCHES_MAX = 20000, TEXT_BYTES = 64 * 1024 };
/* What meaning may take of a request's time, at most: an answer by words is better than one that is late. */
enum { NEAR_US = 60000 };
/* A cosine of 1 is worth a quarter of what all words are, one of NEAR_JOINS lets a record be found by it alone. Tried
 * on six conversations of LoCoMo whose turns were kept as records, 899 questions: R@5 57.0 % and R@10 64.0 % instead of
 * 54.2 and 61.7 by words alone. 0.4 and more make both worse, so does leaving small cosines out. */
static const double NEAR_WORTH = 0.25, NEAR_JOINS = 0.32;
/* As for turns (index/search.c): records are short and say a thing once. */
static const double K1 = 0.9, B = 0.4;

struct match {
    const struct kind *kind;
    int64_t seq, created_at;
    size_t words;
    double score, near;
    uint32_t counts[INDEX_TERMS_MAX];
};

struct finding {
    struct arena *a, *scratch; /* the second: of the record at hand */
    const struct records_query *q;
    struct records_result *out;
    const double *weights; /* of out->terms */
    struct index_matcher *matcher;
    struct match *matches;
    size_t n, cap;
    size_t with_words; /* of them */
    int64_t deadline_us;
    int64_t looked; /* records that were there to match */
    int64_t df[INDEX_TERMS_MAX];
    size_t words; /* of all matches */
};

/* ---- the question ---- */

static enum err_code read_terms(struct finding *f, struct err *e)
{
    struct index_question *asked = arena_alloc(f->a, sizeof *asked);
    enum err_code code = asked ? index_question(f->a, f->q->text, asked, e) : err_nomem(e);
    if (code)
        return code;
    f->out->terms = asked->terms;
    f->out->n_terms = asked->n;
    f->weights = asked->weights;
    return ERR_OK;
}

/* A number as it may stand in a text begins with what is before its first comma: 1 of 1,000. */
static size_t first_digits(struct str term)
{
    size_t n = 0;
    while (n < term.n && term.p[n] >= '0' && term.p[n] <= '9')
        n++;
    bool number = n == term.n || (n > 0 && term.p[n] == '.');
    return number && n > 3 ? (n - 1) % 3 + 1 : 0;
}

/* How a word with this form begins in any text: stemming only ever changes the last letter of what it leaves
 * (happy, happi; hoping, hope). */
static struct str beginning(struct str form)
{
    size_t digits = first_digits(form);
    char last = form.n ? form.p[form.n - 1] : 0;
    if (digits)
        return str_take(form, digits);
    return form.n > 2 && (form.n > 4 || last == 'i' || last == 'e') ? str_take(form, form.n - 1) : form;
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
        m->near = NAN;
        f->words += m->words;
        f->with_words++;
        f->n++;
    }
    arena_reset(f->scratch);
    return code;
}

/* The kind, and what the question is limited to; filters live in `filters`. */
static struct list_query narrow(const struct finding *f, const struct kind *k, struct list_filter filters[3])
{
    struct list_query q = {.kind = k,
                           .filters = filters,
                           .scope = f->q->scope,
                           .created_from = f->q->from,
                           .created_to = f->q->to,
                           .limit = LOOK_MAX};
    if (f->q->project.p)
        filters[q.n_filters++] = (struct list_filter){"project", V_TEXT(f->q->project)};
    if (f->q->session_id.p && k == KIND_SESSION)
        filters[q.n_filters++] = (struct list_filter){"id", V_TEXT(f->q->session_id)};
    else if (f->q->session_id.p && kind_field(k, STR("session_id")) >= 0)
        filters[q.n_filters++] = (struct list_filter){"session_id", V_TEXT(f->q->session_id)};
    if (k == KIND_EVENT) /* faded ones are recalled no more */
        filters[q.n_filters++] = (struct list_filter){"status", V_TEXT(STR("active"))};
    return q;
}

/* ---- meaning ---- */

static enum err_code join(struct finding *f, const struct kind *k, int64_t seq, double near)
{
    struct match *m = f->n < MATCHES_MAX ? match_new(f) : NULL;
    if (!m)
        return f->n < MATCHES_MAX ? ERR_NOMEM : ERR_OK;
    *m = (struct match){.kind = k, .seq = seq, .near = near};
    f->n++;
    return ERR_OK;
}

/* Those of this kind that words found begin at `first`; both they and seqs descend. */
static enum err_code take_near(struct finding *f, const struct kind *k, size_t first, const int64_t *seqs,
                               const float *near, size_t n, struct err *e)
{
    size_t at = first, end = f->n;
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < n && !code; i++) {
        while (at < end && f->matches[at].seq > seqs[i])
            at++;
        if (at < end && f->matches[at].seq == seqs[i])
            f->matches[at].near = (double)near[i];
        else if ((double)near[i] >= NEAR_JOINS)
            code = join(f, k, seqs[i], (double)near[i]);
    }
    return code ? err_nomem(e) : ERR_OK;
}

static enum err_code look_for_near(struct finding *f, struct store_tx *tx, const struct kind *k, size_t first,
                                   struct err *e)
{
    struct list_filter filters[3];
    struct list_query q = narrow(f, k, filters);
    int64_t *seqs;
    size_t n;
    q.limit = SIMILAR_RECORDS;
    if (!f->q->similar)
        return ERR_OK;
    enum err_code code = record_seqs(tx, f->a, &q, &seqs, &n, e);
    float *near = code ? NULL : arena_array(f->a, float, n + 1);
    if (!near)
        return code ? code : err_nomem(e);
    if (similar_records(f->q->similar, f->a, k, f->q->text, seqs, n, f->deadline_us, near))
        code = take_near(f, k, first, seqs, near, n, e);
    return code;
}

/* ---- looking through ---- */

/* How many there are to be looked at, for telling rare words: of the project, and of the organisation's own where these
 * are seen by all of its projects. Of what may not be read not even the number may show in a score. */
static enum err_code count_there(struct finding *f, struct store_tx *tx, const struct kind *k, int64_t *there,
                                 struct err *e)
{
    struct str project = f->q->project, own = project_org_own(project);
    int64_t more = 0;
    if (f->q->scope.limited) {
        struct list_filter filter = {"project", V_TEXT(project)};
        struct list_query q = {.kind = k, .filters = &filter, .n_filters = project.p != NULL, .scope = f->q->scope};
        return record_list_count(tx, f->a, &q, there, e);
    }
    enum err_code code = record_count(tx, k, project, there, e);
    if (!code && (k->flags & KIND_ORG) && project.p && !str_eq(own, project))
        code = record_count(tx, k, own, &more, e);
    *there += more;
    return code;
}

static enum err_code look_through(struct finding *f, struct store_tx *tx, const struct kind *k, const struct str *words,
                                  struct err *e)
{
    struct list_filter filters[3];
    struct list_query q = narrow(f, k, filters);
    size_t first = f->n;
    int64_t there = 0;
    q.words = words;
    q.n_words = f->out->n_terms;
    enum err_code code = count_there(f, tx, k, &there, e);
    f->looked += there;
    if (!code && there && q.n_words)
        code = record_walk(tx, &q, consider, f, e);
    return code || !there ? code : look_for_near(f, tx, k, first, e);
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

/* On the scale of turns, so that the two compare: the score of a turn with the same words that stands alone in its
 * conversation (score.c). Order stays. */
static double as_of_a_turn(double share)
{
    double words = share * (K1 + 1), matched = fmin(1, words);
    words *= WEIGHTS.words * (1 + WEIGHTS.together * matched);
    return score_of(&WEIGHTS, words + WEIGHTS.conversation * matched);
}

/* As a share of what the words would give if each stood often in a very short text: 0..1. */
static void weigh_all(struct finding *f)
{
    double average = f->with_words ? fmax(1, (double)f->words / (double)f->with_words) : 1, most = 0;
    double idf[INDEX_TERMS_MAX];
    for (size_t k = 0; k < f->out->n_terms; k++) {
        double df = (double)f->df[k], all = fmax((double)f->looked, df);
        idf[k] = log(1 + (all - df + 0.5) / (df + 0.5)) * f->weights[k];
        most += idf[k] * (K1 + 1);
    }
    for (size_t i = 0; i < f->n; i++) {
        struct match *m = &f->matches[i];
        for (size_t k = 0; k < f->out->n_terms; k++) {
            double tf = m->counts[k];
            m->score += idf[k] * tf * (K1 + 1) / (tf + K1 * (1 - B + B * (double)m->words / average));
        }
        m->score = most > 0 ? fmin(1, m->score / most) : 0;
        m->score = similar_both(m->score, NEAR_WORTH * similar_share(m->near, 0, 1));
        m->score = kind_weight(m->kind) * as_of_a_turn(m->score);
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
        h->near = f->matches[i].near;
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
    struct finding f = {.a = a, .q = q, .out = out, .deadline_us = clock_mono_us() + NEAR_US};
    *out = (struct records_result){0};
    enum err_code code = read_terms(&f, e);
    if (code || (out->n_terms == 0 && !q->similar))
        return code;
    f.scratch = arena_new();
    code = f.scratch ? index_matcher_new(out->terms, out->n_terms, &f.matcher, e) : err_nomem(e);
    if (!code)
        code = look_through_all(&f, tx, e);
    if (!code) {
        weigh_all(&f);
        out->total_matches = (int64_t)f.n;
        code = take_best(&f, tx, e);
    }
    index_matcher_free(f.matcher);
    if (f.scratch)
        arena_free(f.scratch);
    return code;
}
