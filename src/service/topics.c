/* Key topics by counting: the words that most of the given texts share. Extractive and plain; no model. */
#include "service/topics.h"

#include "base/json_write.h"
#include "base/text.h"
#include "index/index.h"

#include <stdlib.h>
#include <string.h>

enum { WORD_MIN = 4, WORDS_MAX = 8192, TEXT_BYTES = 2000 };

struct topic {
    struct str term, word;
    int texts; /* in how many */
    int last;  /* the text it was last seen in */
    int first; /* order of appearance, to break ties */
};

static int by_term(const void *pa, const void *pb)
{
    const struct topic *a = pa, *b = pb;
    int d = str_cmp(a->term, b->term);
    return d ? d : a->first - b->first;
}

static int by_count(const void *pa, const void *pb)
{
    const struct topic *a = pa, *b = pb;
    return a->texts != b->texts ? b->texts - a->texts : a->first - b->first;
}

/* All words of all texts, one entry an occurrence. */
static enum err_code collect(struct arena *a, const struct str *texts, size_t n, struct topic *all, size_t *n_all,
                             struct err *e)
{
    struct index_words *words = arena_array(a, struct index_words, n + 1);
    struct str *cut = arena_array(a, struct str, n + 1);
    if (!words || !cut)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++)
        cut[i] = text_cut(texts[i], TEXT_BYTES);
    enum err_code code = index_terms_of(a, cut, n, true, words, e);
    for (size_t i = 0; !code && i < n; i++) {
        const struct index_term *terms = words[i].terms;
        for (size_t t = 0; t < words[i].n && *n_all < WORDS_MAX; t++) {
            if (terms[t].word.n >= WORD_MIN) {
                all[*n_all] = (struct topic){terms[t].text, terms[t].word, 1, (int)i, (int)*n_all};
                (*n_all)++;
            }
        }
    }
    return code;
}

/* Folds equal terms into one entry that counts the texts. `all` is sorted by term. */
static size_t fold(struct topic *all, size_t n)
{
    size_t out = 0;
    for (size_t i = 0; i < n; i++) {
        if (out && str_eq(all[out - 1].term, all[i].term)) {
            all[out - 1].texts += all[out - 1].last != all[i].last;
            all[out - 1].last = all[i].last;
        } else {
            all[out++] = all[i];
        }
    }
    return out;
}

enum err_code topics_of(struct arena *a, const struct str *texts, size_t n, size_t max, struct str *out, struct err *e)
{
    struct topic *all = arena_array(a, struct topic, WORDS_MAX);
    size_t n_all = 0;
    if (!all)
        return err_nomem(e);
    enum err_code code = collect(a, texts, n, all, &n_all, e);
    if (code)
        return code;
    qsort(all, n_all, sizeof *all, by_term);
    n_all = fold(all, n_all);
    qsort(all, n_all, sizeof *all, by_count);
    struct buf b;
    struct json_out w;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_array(&w);
    for (size_t i = 0; i < n_all && i < max; i++)
        jw_str(&w, all[i].word);
    jw_end_array(&w);
    *out = buf_take(&b, a);
    return out->p ? ERR_OK : err_nomem(e);
}
