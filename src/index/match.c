/* Matching single texts with the tokenizer of the index, without an index: what is found here is what the index would
 * find in the same text. Why: records other than turns are few, change often, and must be right at once. */
#include "index/index.h"
#include "index/tokens.h"

#include "base/mem.h"
#include "base/text.h"

#include <string.h>

enum { MATCH_BYTES = 64 * 1024 };

struct index_matcher {
    const struct str *terms;
    size_t n_terms;
};

enum err_code index_matcher_new(const struct str *terms, size_t n_terms, struct index_matcher **out, struct err *e)
{
    struct index_matcher *m = mem_zalloc(sizeof *m);
    *out = m;
    if (!m)
        return err_nomem(e);
    m->terms = terms;
    m->n_terms = n_terms;
    return ERR_OK;
}

void index_matcher_free(struct index_matcher *m)
{
    mem_free(m);
}

struct counting {
    const struct index_matcher *m;
    uint32_t *counts;
    size_t words;
};

static int count_word(void *arg, const struct token *t)
{
    struct counting *c = arg;
    c->words += t->kind == TOKEN_WORD;
    for (size_t i = 0; i < c->m->n_terms && t->kind != TOKEN_STOP; i++)
        if (str_eq(c->m->terms[i], t->form))
            c->counts[i]++;
    return 0;
}

enum err_code index_match(struct index_matcher *m, struct str text, uint32_t *counts, size_t *words, struct err *e)
{
    struct counting c = {.m = m, .counts = counts};
    (void)e;
    memset(counts, 0, m->n_terms * sizeof *counts);
    tokens_walk(text_cut(text, MATCH_BYTES), TOKENS_ALL, count_word, &c);
    *words = c.words;
    return ERR_OK;
}
