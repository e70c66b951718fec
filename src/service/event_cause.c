/* Causes by rules. Three kinds of evidence add up, and only where they reach SURE is there a link:
 *
 *   similarity   0.5..1   the two tell of the same thing, in the same words (event_similarity) or by what they mean
 *   step         -0.3..0.3 the types follow each other as steps of work do: a problem is looked into, its reason is
 *                          found, something is changed, it passes; a decision is carried out
 *   words        0..0.3    the effect says so ("because", "thanks to", "so …"): most where what follows the word is
 *                          what the candidate tells
 *   references   0..0.2    both name the same file, identifier or number
 *   nearness     0..0.1    the nearer of two equal candidates
 */
#include "service/event_cause.h"

#include "index/index.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct event_bounds EVENT_BOUNDS = {50, 5, (int64_t)24 * 3600 * 1000, 0.5};

static const double SURE = 0.95;

enum { WORDS_MAX = 80, REFERENCES_MAX = 16, NAMED_MAX = 4 };

struct word {
    struct str stem;
    double share; /* less for common words */
};
struct event_words {
    struct word w[WORDS_MAX]; /* ascending, distinct */
    size_t n;
    struct str references[REFERENCES_MAX]; /* as they stand in the text */
    size_t n_references;
    const char *link;             /* the text connects itself to a cause with this word, NULL: it does not */
    struct word named[NAMED_MAX]; /* the words by which it names the cause; none where `link` only continues */
    size_t n_named;
    size_t named_least; /* so many of them the cause must have */
    struct str clause;  /* where they stand */
};

/* ---- the words of an event ---- */

static const double COMMON_SHARE = 0.3;

static int by_stem(const void *x, const void *y)
{
    return str_cmp(((const struct word *)x)->stem, ((const struct word *)y)->stem);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* html_test.go, SalesChart, orders.customer_id, --all, 8081, E1042: what names one certain thing. */
static bool is_reference(struct str t)
{
    size_t letters = 0, digits = 0, inner = 0;
    for (size_t i = 0; i < t.n; i++) {
        letters += is_letter(t.p[i]);
        digits += is_digit(t.p[i]);
        inner += i && (t.p[i] == '_' || t.p[i] == '.' || t.p[i] == '/');
        inner += i && t.p[i] >= 'A' && t.p[i] <= 'Z' && t.p[i - 1] >= 'a' && t.p[i - 1] <= 'z';
    }
    return (letters >= 3 && inner) || digits >= 3 || (digits && letters && t.n >= 4);
}

static void find_references(struct str text, struct event_words *out)
{
    for (size_t i = 0; i < text.n && out->n_references < REFERENCES_MAX;) {
        size_t start = i;
        while (i < text.n && (is_letter(text.p[i]) || is_digit(text.p[i]) || strchr("_./", text.p[i])))
            i++;
        struct str t = {text.p + start, i - start};
        while (t.n && strchr("./_", t.p[t.n - 1]))
            t.n--;
        if (is_reference(t))
            out->references[out->n_references++] = t;
        if (i == start)
            i++;
    }
}

/* ---- connecting words ---- */

enum link_word {
    CAUSE_FOLLOWS,  /* what follows is the cause: "because of the rent" */
    TIME_FOLLOWS,   /* what follows came before, and may be the cause: "after the landlord raised the rent" */
    CAUSE_PRECEDES, /* what stands before is the cause: "the power cut led me to join" */
    CONTINUES,      /* the sentence is a consequence of what was said before, or puts an end to it */
};
static const struct link_phrase {
    const char *text;
    enum link_word sort;
} link_phrases[] = {
    {"because of", CAUSE_FOLLOWS}, {"because", CAUSE_FOLLOWS},      {"due to", CAUSE_FOLLOWS},
    {"thanks to", CAUSE_FOLLOWS},  {"caused by", CAUSE_FOLLOWS},    {"as a result of", CAUSE_FOLLOWS},
    {"since", TIME_FOLLOWS},       {"after", TIME_FOLLOWS},         {"in response to", CAUSE_FOLLOWS},
    {"fixed by", CAUSE_FOLLOWS},   {"triggered by", CAUSE_FOLLOWS}, {"owing to", CAUSE_FOLLOWS},
    {"led to", CAUSE_PRECEDES},    {"led me to", CAUSE_PRECEDES},   {"led us to", CAUSE_PRECEDES},
    {"made me", CAUSE_PRECEDES},   {"made us", CAUSE_PRECEDES},     {"therefore", CONTINUES},
    {"that's why", CONTINUES},     {"that is why", CONTINUES},      {"consequently", CONTINUES},
    {"which fixes", CONTINUES},    {"which fixed", CONTINUES},      {"to fix", CONTINUES},
    {"so that", CONTINUES},        {"no longer", CONTINUES},        {"fail now", CONTINUES},
    {"fails now", CONTINUES},      {"now fail", CONTINUES},         {"now fails", CONTINUES},
};
enum { LINK_PHRASES = sizeof link_phrases / sizeof *link_phrases };

static bool plain_letter(char c)
{
    return is_letter(c) || is_digit(c) || c == '_';
}

/* Where `phrase` stands in `text` as whole words, letters' case aside; -1: nowhere. */
static ptrdiff_t find_phrase(struct str text, const char *phrase)
{
    size_t n = strlen(phrase);
    for (size_t i = 0; i + n <= text.n; i++) {
        bool starts = i == 0 || !plain_letter(text.p[i - 1]), ends = i + n == text.n || !plain_letter(text.p[i + n]);
        if (starts && ends && str_ieq((struct str){text.p + i, n}, str_of(phrase)))
            return (ptrdiff_t)i;
    }
    return -1;
}

static bool ends_clause(char c)
{
    return c == ',' || c == ';' || c == ':';
}

/* What the phrase at `at` says is the cause: the words up to the next comma, or those back to the one before. */
static struct str clause_of(struct str text, const struct link_phrase *p, size_t at)
{
    size_t from = at + strlen(p->text), to = from;
    if (p->sort == CAUSE_PRECEDES) {
        for (from = at; from > 0 && !ends_clause(text.p[from - 1]);)
            from--;
        return (struct str){text.p + from, at - from};
    }
    while (to < text.n && !ends_clause(text.p[to]))
        to++;
    return (struct str){text.p + from, to - from};
}

static struct word word_of(const struct index_term *t)
{
    return (struct word){t->text, event_word_is_common(t->word) ? COMMON_SHARE : 1};
}

/* Sorts, keeps one of each, returns how many. */
static size_t distinct(struct word *w, size_t n)
{
    size_t kept = 0;
    if (n > 1)
        qsort(w, n, sizeof *w, by_stem);
    for (size_t i = 0; i < n; i++) {
        if (!kept || !str_eq(w[kept - 1].stem, w[i].stem))
            w[kept++] = w[i];
    }
    return kept;
}

/* The first of a clause's words name the cause best; of one that stands before its phrase, the last. */
static enum err_code take_named(struct arena *a, struct str clause, bool last, struct event_words *w, struct err *e)
{
    struct index_term *terms = NULL;
    size_t n = 0;
    enum err_code code = index_terms(a, clause, true, &terms, &n, e);
    size_t skip = last && n > NAMED_MAX ? n - NAMED_MAX : 0;
    for (size_t i = skip; i < n && w->n_named < NAMED_MAX && !code; i++)
        w->named[w->n_named++] = word_of(&terms[i]);
    w->n_named = distinct(w->named, w->n_named);
    return code;
}

static enum err_code find_link(struct arena *a, struct str text, struct event_words *w, struct err *e)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < LINK_PHRASES && !code && !w->n_named; i++) {
        const struct link_phrase *p = &link_phrases[i];
        ptrdiff_t at = find_phrase(text, p->text);
        if (at < 0 || (w->link && p->sort == CONTINUES))
            continue;
        struct str clause = p->sort != CONTINUES ? clause_of(text, p, (size_t)at) : STR_NONE;
        if (p->sort != CONTINUES)
            code = take_named(a, clause, p->sort == CAUSE_PRECEDES, w, e);
        w->clause = w->n_named ? str_trim(clause) : STR_NONE;
        w->named_least = p->sort == TIME_FOLLOWS ? 2 : 1;
        if (p->sort == CONTINUES || w->n_named)
            w->link = p->text;
    }
    if (!w->link && str_ieq(str_take(text, 3), STR("so ")))
        w->link = "so";
    return code;
}

enum err_code event_words_of(struct arena *a, struct str text, struct event_words **out, struct err *e)
{
    struct index_term *terms = NULL;
    size_t n = 0;
    struct event_words *w = arena_alloc(a, sizeof *w);
    enum err_code code = w ? index_terms(a, text, true, &terms, &n, e) : err_nomem(e);
    if (code)
        return code;
    for (size_t i = 0; i < n && w->n < WORDS_MAX; i++)
        w->w[w->n++] = word_of(&terms[i]);
    w->n = distinct(w->w, w->n);
    find_references(text, w);
    *out = w;
    return find_link(a, text, w, e);
}

size_t event_words_count(const struct event_words *w)
{
    return w->n;
}

struct str event_named_cause(const struct event_words *w)
{
    return w->clause;
}

/* ---- similarity ---- */

static bool has_word(const struct event_words *x, struct str stem)
{
    const struct word key = {stem, 1};
    return x->n && bsearch(&key, x->w, x->n, sizeof *x->w, by_stem);
}

/* A smoothed inverse document frequency: as if PRIOR more events were known, so that in a young session a word that two
 * events share does not count as one that all have. */
static double word_weight(const struct event_known *known, size_t n, const struct word *w)
{
    enum { PRIOR = 20 };
    size_t in = 0;
    for (size_t i = 0; i < n; i++)
        in += has_word(known[i].words, w->stem);
    return w->share * log(1 + (double)(n + PRIOR) / (double)(in + 1));
}

/* The weight of x's words; *shared: of those that y has too. */
static double weigh(const struct event_known *known, size_t n, const struct event_words *x, const struct event_words *y,
                    double *shared)
{
    double all = 0;
    *shared = 0;
    for (size_t i = 0; i < x->n; i++) {
        double w = word_weight(known, n, &x->w[i]);
        all += w;
        if (has_word(y, x->w[i].stem))
            *shared += w;
    }
    return all;
}

/* Two words in common out of three say little: a shorter event counts as if it had this weight. */
static const double LEAST_WEIGHT = 8;

double event_similarity(const struct event_known *known, size_t n, const struct event_words *x,
                        const struct event_words *y)
{
    double shared, other;
    double wx = weigh(known, n, x, y, &shared), wy = weigh(known, n, y, x, &other);
    double smaller = fmax(fmin(wx, wy), LEAST_WEIGHT);
    /* The root brings the share to about what a cosine of vectors says: half the words are alike at 0.7. */
    return sqrt(fmin(shared / smaller, 1));
}

/* How well the words by which `effect` names its cause are those of y: 0..1. One word alone must be no other event's.
 */
static double named_similarity(const struct event_known *known, size_t n, const struct event_words *effect,
                               const struct event_words *y)
{
    double all = 0, shared = 0;
    size_t telling = 0, others = 0, in = 0;
    for (size_t i = 0; i < effect->n_named; i++) {
        const struct word *w = &effect->named[i];
        double weight = word_weight(known, n, w);
        all += weight;
        if (!has_word(y, w->stem))
            continue;
        shared += weight;
        in++;
        telling += w->share == 1;
        for (size_t k = 0; k < n && w->share == 1; k++)
            others += known[k].words != y && has_word(known[k].words, w->stem);
    }
    bool sure = telling > 1 || (telling == 1 && !others);
    return sure && in >= effect->named_least ? sqrt(shared / all) : 0;
}

static int by_similarity(const void *x, const void *y)
{
    const struct event_candidate *a = x, *b = y;
    if (a->similarity != b->similarity)
        return a->similarity < b->similarity ? 1 : -1;
    return (a->which < b->which) - (a->which > b->which); /* the later one first */
}

/* By words or by meaning, whichever says more: a cause told in other words shares few, and a short one that shares its
 * few words may be far from it in meaning. */
static double alike(const struct event_known *known, size_t n, const struct event_known *effect, size_t i)
{
    double s = fmax(event_similarity(known, n, effect->words, known[i].words),
                    named_similarity(known, n, effect->words, known[i].words));
    return effect->near ? fmax(s, fmax(effect->near->whole[i], effect->near->named[i])) : s;
}

size_t event_candidates(const struct event_known *known, size_t n, const struct event_known *effect,
                        const struct event_bounds *b, struct event_candidate *out)
{
    struct event_candidate all[EVENT_RECENT_MAX];
    size_t recent = b->recent < EVENT_RECENT_MAX ? b->recent : EVENT_RECENT_MAX, found = 0;
    size_t most = b->candidates < EVENT_CANDIDATES_MAX ? b->candidates : EVENT_CANDIDATES_MAX;
    for (size_t i = n > recent ? n - recent : 0; i < n; i++) {
        bool timely = known[i].at <= effect->at && effect->at - known[i].at <= b->window_ms;
        double s = timely ? alike(known, n, effect, i) : 0;
        if (timely && s >= b->similarity)
            all[found++] = (struct event_candidate){i, s};
    }
    if (found > 1)
        qsort(all, found, sizeof *all, by_similarity);
    found = found < most ? found : most;
    memcpy(out, all, found * sizeof *all);
    return found;
}

/* ---- evidence: steps of work ---- */

/* step[cause][effect], in the order of enum event_type; how it is told. */
static const struct {
    double weight;
    const char *how;
} steps[EVENT_TYPES][EVENT_TYPES] = {
    [EVENT_PROBLEM] = {[EVENT_PROBLEM] = {-0.1, "one problem led to the other"},
                       [EVENT_FINDING] = {0.3, "the problem was looked into"},
                       [EVENT_DECISION] = {0.25, "the problem called for a decision"},
                       [EVENT_CHANGE] = {0.3, "the change answers the problem"},
                       [EVENT_RESULT] = {0.2, "the problem was solved"},
                       [EVENT_OCCURRENCE] = {0, "it followed from the problem"}},
    [EVENT_FINDING] = {[EVENT_PROBLEM] = {-0.2, "the problem followed from what was found"},
                       [EVENT_FINDING] = {-0.1, "one finding led to the other"},
                       [EVENT_DECISION] = {0.25, "the finding led to the decision"},
                       [EVENT_CHANGE] = {0.3, "the change answers what was found"},
                       [EVENT_RESULT] = {0.2, "what was found led to the result"},
                       [EVENT_OCCURRENCE] = {0, "it followed from what was found"}},
    [EVENT_DECISION] = {[EVENT_PROBLEM] = {-0.1, "the problem followed from the decision"},
                        [EVENT_FINDING] = {-0.2, "the decision led to the finding"},
                        [EVENT_DECISION] = {-0.2, "one decision led to the other"},
                        [EVENT_CHANGE] = {0.3, "the decision was carried out"},
                        [EVENT_RESULT] = {0.2, "the decision led to the result"},
                        [EVENT_OCCURRENCE] = {0.1, "it followed from the decision"}},
    [EVENT_CHANGE] = {[EVENT_PROBLEM] = {0, "the change caused the problem"},
                      [EVENT_FINDING] = {-0.1, "the change led to the finding"},
                      [EVENT_DECISION] = {-0.1, "the change led to the decision"},
                      [EVENT_CHANGE] = {-0.2, "one change called for the other"},
                      [EVENT_RESULT] = {0.3, "the change led to the result"},
                      [EVENT_OCCURRENCE] = {-0.1, "it followed from the change"}},
    [EVENT_RESULT] = {[EVENT_PROBLEM] = {-0.3, "the result led to the problem"},
                      [EVENT_FINDING] = {-0.2, "the result led to the finding"},
                      [EVENT_DECISION] = {0, "the result led to the decision"},
                      [EVENT_CHANGE] = {-0.1, "the result led to the change"},
                      [EVENT_RESULT] = {-0.3, "one result led to the other"},
                      [EVENT_OCCURRENCE] = {0, "it followed from the result"}},
    [EVENT_OCCURRENCE] = {[EVENT_PROBLEM] = {0, "what happened caused the problem"},
                          [EVENT_FINDING] = {0, "what happened was looked into"},
                          [EVENT_DECISION] = {0.1, "what happened led to the decision"},
                          [EVENT_CHANGE] = {0, "what happened led to the change"},
                          [EVENT_RESULT] = {0, "what happened led to the result"},
                          [EVENT_OCCURRENCE] = {0, "one thing led to the other"}},
};

static enum event_type type_or_occurrence(enum event_type t)
{
    return t == EVENT_NONE ? EVENT_OCCURRENCE : t;
}

/* ---- evidence: connecting words ---- */

static const double NAMED = 0.3, NAMED_LEAST = 0.5, CONSEQUENCE = 0.2;

/* What the effect's connecting word says for this candidate. */
static double link_evidence(const struct event_known *known, size_t n, const struct event_known *effect, size_t which)
{
    const struct event_words *w = effect->words;
    const struct event_known *cause = &known[which];
    if (!w->link)
        return 0;
    if (w->n_named == 0) /* "so" continues what was said last */
        return strcmp(w->link, "so") != 0 || cause == &known[n - 1] ? CONSEQUENCE : 0;
    bool named = named_similarity(known, n, w, cause->words) >= NAMED_LEAST;
    return named || (effect->near && effect->near->named[which] >= NAMED_LEAST) ? NAMED : 0;
}

/* ---- evidence: references ---- */

static const double SAME_REFERENCE = 0.15;

static struct str shared_reference(const struct event_words *x, const struct event_words *y)
{
    for (size_t i = 0; i < x->n_references; i++) {
        for (size_t k = 0; k < y->n_references; k++) {
            if (str_eq(x->references[i], y->references[k]))
                return x->references[i];
        }
    }
    return STR_NONE;
}

/* ---- the choice ---- */

/* Two events of one sort that are alike are mostly the same thing told twice, and things that merely happened follow no
 * steps of work: there the effect must say itself that it has a cause. */
static bool is_step(enum event_type cause, enum event_type effect)
{
    return cause != effect && cause != EVENT_OCCURRENCE && effect != EVENT_OCCURRENCE;
}

struct evidence {
    double sum;
    const char *word;      /* the connecting word, NULL: none */
    struct str reference;  /* STR_NONE: none */
    enum event_type cause; /* its type */
};

static struct evidence evidence_for(const struct event_known *known, size_t n, const struct event_known *effect,
                                    const struct event_candidate *c)
{
    static const double NEARNESS = 0.1, FADES = 0.02;
    const struct event_known *cause = &known[c->which];
    size_t back = n - 1 - c->which;
    struct evidence v = {.cause = type_or_occurrence(cause->type)};
    double said = link_evidence(known, n, effect, c->which);
    v.sum = c->similarity + steps[v.cause][type_or_occurrence(effect->type)].weight;
    if (said == 0 && !is_step(v.cause, type_or_occurrence(effect->type)))
        return (struct evidence){0};
    v.sum += said;
    v.word = said > 0 ? effect->words->link : NULL;
    v.reference = shared_reference(effect->words, cause->words);
    v.sum += v.reference.n ? SAME_REFERENCE : 0;
    v.sum += fmax(0, NEARNESS - FADES * (double)back);
    return v;
}

static struct str tell(struct arena *a, const struct evidence *v, enum event_type effect)
{
    const char *how = steps[v->cause][type_or_occurrence(effect)].how;
    struct str said = v->word ? arena_fmt(a, " (\"%s\")", v->word) : STR("");
    struct str named = v->reference.n ? arena_fmt(a, "; both name %.*s", STR_ARG(v->reference)) : STR("");
    return arena_fmt(a, "%s%.*s%.*s", how, STR_ARG(said), STR_ARG(named));
}

bool event_cause_by_rule(struct arena *a, const struct event_known *known, size_t n, const struct event_known *effect,
                         const struct event_candidate *candidates, size_t n_candidates, size_t *which, struct str *how)
{
    struct evidence best = {0};
    for (size_t i = 0; i < n_candidates; i++) {
        struct evidence v = evidence_for(known, n, effect, &candidates[i]);
        if (v.sum > best.sum) {
            best = v;
            *which = candidates[i].which;
        }
    }
    if (best.sum < SURE)
        return false;
    *how = tell(a, &best, effect->type);
    return how->p != NULL;
}
