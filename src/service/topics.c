/* Key topics by counting: the words that most of the given texts share. Extractive and plain; no model. */
#include "service/topics.h"

#include "base/json_write.h"
#include "base/text.h"
#include "index/index.h"

enum { WORD_MIN = 4, WORDS_MAX = 8192, TEXT_BYTES = 2000 };

struct topic {
    struct str term, word; /* the word as it stood when it was first met */
    int texts;             /* in how many */
    int last;              /* the text it was last seen in */
};

/* Words in the order in which they were met, found again by hash. The memory follows from the words that there are:
 * this runs with each context asked for, mostly over a few hundred. */
struct counting {
    struct topic *all;
    size_t n;
    uint32_t *slots; /* 1 + place in `all`, 0: free */
    size_t n_slots;  /* a power of two, at least twice the words */
};

static uint32_t hash_of(struct str s)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 16777619u;
    return h;
}

static void count(struct counting *c, const struct index_term *t, int text)
{
    size_t at = hash_of(t->text) & (c->n_slots - 1);
    while (c->slots[at] && !str_eq(c->all[c->slots[at] - 1].term, t->text))
        at = (at + 1) & (c->n_slots - 1);
    if (!c->slots[at]) {
        c->all[c->n++] = (struct topic){t->text, t->word, 1, text};
        c->slots[at] = (uint32_t)c->n;
        return;
    }
    struct topic *known = &c->all[c->slots[at] - 1];
    known->texts += known->last != text;
    known->last = text;
}

static bool counting_make(struct arena *a, size_t words, struct counting *c)
{
    for (c->n_slots = 16; c->n_slots < words * 2;)
        c->n_slots *= 2;
    c->all = arena_array(a, struct topic, words + 1);
    c->slots = arena_array(a, uint32_t, c->n_slots);
    return c->all && c->slots;
}

/* Counts the words of all texts, at most WORDS_MAX occurrences. */
static enum err_code collect(struct arena *a, const struct str *texts, size_t n, struct counting *c, struct err *e)
{
    struct index_words *words = arena_array(a, struct index_words, n + 1);
    struct str *cut = arena_array(a, struct str, n + 1);
    size_t all = 0, met = 0;
    if (!words || !cut)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++)
        cut[i] = text_cut(texts[i], TEXT_BYTES);
    enum err_code code = index_terms_of(a, cut, n, true, words, e);
    if (code)
        return code;
    for (size_t i = 0; i < n; i++)
        all += words[i].n;
    if (!counting_make(a, all < WORDS_MAX ? all : WORDS_MAX, c))
        return err_nomem(e);
    for (size_t i = 0; i < n; i++) {
        for (size_t t = 0; t < words[i].n && met < WORDS_MAX; t++) {
            if (words[i].terms[t].word.n < WORD_MIN)
                continue;
            count(c, &words[i].terms[t], (int)i);
            met++;
        }
    }
    return ERR_OK;
}

/* Takes out the topic that most texts share, of equal ones the one met first; NULL when none is left. */
static const struct topic *take_most(struct counting *c)
{
    struct topic *best = NULL;
    for (size_t i = 0; i < c->n; i++)
        if (c->all[i].texts && (!best || c->all[i].texts > best->texts))
            best = &c->all[i];
    if (best)
        best->texts = 0;
    return best;
}

enum err_code topics_of(struct arena *a, const struct str *texts, size_t n, size_t max, struct str *out, struct err *e)
{
    struct counting c = {0};
    enum err_code code = collect(a, texts, n, &c, e);
    if (code)
        return code;
    struct buf b;
    struct json_out w;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_array(&w);
    const struct topic *t;
    for (size_t i = 0; i < max && (t = take_most(&c)); i++)
        jw_str(&w, t->word);
    jw_end_array(&w);
    *out = buf_take(&b, a);
    return out->p ? ERR_OK : err_nomem(e);
}
