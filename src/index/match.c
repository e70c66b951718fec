/* Matching single texts with the tokenizer of the index, without an index: what is found here is what the index would
 * find in the same text. Why: records other than turns are few, change often, and must be right at once. */
#include "index/intern.h"

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
    struct str text;
    uint32_t *counts;
    size_t words;
};

static int count_word(void *arg, struct str form, size_t from, size_t to)
{
    struct counting *c = arg;
    if (word_is_stop((struct str){c->text.p + from, to - from}))
        return SQLITE_OK;
    c->words++;
    for (size_t i = 0; i < c->m->n_terms; i++)
        if (str_eq(c->m->terms[i], form))
            c->counts[i]++;
    return SQLITE_OK;
}

enum err_code index_match(struct index_matcher *m, struct str text, uint32_t *counts, size_t *words, struct err *e)
{
    struct counting c = {.m = m, .text = text_cut(text, MATCH_BYTES), .counts = counts};
    memset(counts, 0, m->n_terms * sizeof *counts);
    const struct splitter *split = NULL;
    int rc = splitter_own(&split);
    rc = rc ? rc : splitter_run(split, c.text, count_word, &c);
    *words = c.words;
    if (rc == SQLITE_NOMEM)
        return err_nomem(e);
    return rc ? err_set(e, ERR_INTERNAL, NULL, "cannot split a record's text into words") : ERR_OK;
}
