/* Words: what the tokenizer (tokens.h) gives as lists: of a text's words, and of what to search for when a text is
 * asked. */
#include "index/index.h"
#include "index/tokens.h"

#include <stdlib.h>
#include <string.h>

bool index_stop_word(struct str word)
{
    return token_is_stop(word);
}

/* ---- the words of a text ---- */
struct listing {
    struct arena *a;
    struct str text;
    bool drop, failed;
    struct index_term *terms;
    size_t n, cap;
};

static bool listing_grow(struct listing *l)
{
    size_t cap = l->cap ? l->cap * 2 : 16;
    struct index_term *terms = arena_array(l->a, struct index_term, cap);
    if (!terms)
        return false;
    if (l->n)
        memcpy(terms, l->terms, l->n * sizeof *terms);
    l->terms = terms;
    l->cap = cap;
    return true;
}

static int list_word(void *arg, const struct token *t)
{
    struct listing *l = arg;
    struct str word = {l->text.p + t->from, t->to - t->from};
    if (l->drop && t->kind == TOKEN_STOP)
        return 0;
    if (l->n == l->cap && !listing_grow(l))
        return l->failed = true;
    struct index_term *term = &l->terms[l->n];
    term->text = arena_str(l->a, t->form);
    char *low = arena_cstr(l->a, word);
    if (!term->text.p || !low)
        return l->failed = true;
    term->word = (struct str){low, word.n};
    for (size_t i = 0; i < word.n; i++)
        low[i] = low[i] >= 'A' && low[i] <= 'Z' ? (char)(low[i] - 'A' + 'a') : low[i];
    return ++l->n == INDEX_WORDS_MAX;
}

enum err_code index_terms_of(struct arena *a, const struct str *texts, size_t n, bool drop_stop_words,
                             struct index_words *out, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        struct listing l = {.a = a, .text = texts[i], .drop = drop_stop_words};
        tokens_walk(texts[i], TOKENS_WORDS, list_word, &l);
        if (l.failed)
            return err_nomem(e);
        out[i] = (struct index_words){l.terms, l.n};
    }
    return ERR_OK;
}

enum err_code index_terms(struct arena *a, struct str text, bool drop_stop_words, struct index_term **out, size_t *n,
                          struct err *e)
{
    struct index_words words = {0};
    enum err_code code = index_terms_of(a, &text, 1, drop_stop_words, &words, e);
    *out = code ? NULL : words.terms;
    *n = code ? 0 : words.n;
    return code;
}

/* ---- what to search for ---- */
enum { LOOKED_AT = 1000 }; /* distinct forms of a question */
struct asked {
    struct arena *a;
    struct token *forms;
    size_t n;
    bool failed;
};

static int take_form(void *arg, const struct token *t)
{
    struct asked *q = arg;
    if (t->kind == TOKEN_STOP)
        return 0;
    for (size_t i = 0; i < q->n; i++)
        if (str_eq(q->forms[i].form, t->form))
            return 0;
    q->forms[q->n] = *t;
    q->forms[q->n].form = arena_str(q->a, t->form);
    q->failed = !q->forms[q->n].form.p;
    return q->failed || ++q->n == LOOKED_AT;
}

/* Words come first, then the other forms, the rarest kind before the others. What these find a word has mostly found
 * already, so they only tell the exact from the like: at full weight R@10 on LoCoMo falls by 2 points, so it is little.
 */
static const struct {
    int rank;
    double weight;
} FORMS[TOKEN_KINDS] = {
    [TOKEN_WORD] = {0, 1}, [TOKEN_WHOLE] = {1, 0.4}, [TOKEN_PART] = {2, 0.3}, [TOKEN_EXACT] = {3, 0.1}};

static int words_first(const void *pa, const void *pb)
{
    const struct token *a = pa, *b = pb;
    int d = FORMS[a->kind].rank - FORMS[b->kind].rank;
    if (d || a->form.n == b->form.n)
        return d ? d : (a->from > b->from) - (a->from < b->from);
    return a->form.n > b->form.n ? -1 : 1;
}

enum err_code index_question(struct arena *a, struct str text, struct index_question *out, struct err *e)
{
    struct asked q = {.a = a, .forms = arena_array(a, struct token, LOOKED_AT)};
    out->n = 0;
    if (!q.forms)
        return err_nomem(e);
    tokens_walk(text, TOKENS_ALL, take_form, &q);
    if (q.failed)
        return err_nomem(e);
    if (q.n > 1)
        qsort(q.forms, q.n, sizeof *q.forms, words_first);
    for (; out->n < q.n && out->n < INDEX_TERMS_MAX; out->n++) {
        out->terms[out->n] = q.forms[out->n].form;
        out->weights[out->n] = FORMS[q.forms[out->n].kind].weight;
    }
    return ERR_OK;
}
