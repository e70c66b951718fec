/* Words: what the tokenizer (tokens.h) gives, within SQLite's FTS5 and as lists: of a text's words, and of what to
 * search for when a text is asked. */
#include "index/intern.h"

#include <stdlib.h>
#include <string.h>

bool index_stop_word(struct str word)
{
    return token_is_stop(word);
}

/* ---- tokenize='cairn' ---- */
int words_api(sqlite3 *db, fts5_api **out)
{
    sqlite3_stmt *s = NULL;
    *out = NULL;
    int rc = sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &s, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_bind_pointer(s, 1, out, "fts5_api_ptr", NULL);
        sqlite3_step(s);
        rc = sqlite3_finalize(s);
    }
    return rc ? rc : *out ? SQLITE_OK : SQLITE_ERROR;
}

struct document { /* one call of the tokenizer */
    void *ctx;
    int (*emit)(void *ctx, int flags, const char *token, int n, int from, int to);
    int rc;
};

static int agent_word(void *arg, const struct token *t)
{
    struct document *doc = arg;
    char named[WORD_MAX_BYTES + 1] = "@";
    memcpy(named + 1, t->form.p, t->form.n);
    return doc->rc = doc->emit(doc->ctx, 0, named, (int)t->form.n + 1, (int)t->from, (int)t->to);
}

static int document_word(void *arg, struct str form, size_t from, size_t to)
{
    struct document *doc = arg;
    return doc->rc = doc->emit(doc->ctx, 0, form.p, (int)form.n, (int)from, (int)to);
}

static int cairn_tokenize(Fts5Tokenizer *t, void *ctx, int flags, const char *text, int n,
                          int (*emit)(void *, int, const char *, int, int, int))
{
    struct document doc = {ctx, emit, SQLITE_OK};
    struct str all = {text, (size_t)n};
    (void)t;
    if (flags & FTS5_TOKENIZE_QUERY)
        return emit(ctx, 0, text, n, 0, n);
    const char *cut = n > 0 ? memchr(text, WORDS_SEPARATOR, (size_t)n) : NULL;
    size_t agent = cut ? (size_t)(cut - text) : 0;
    tokens_walk(str_take(all, agent), TOKENS_WORDS, agent_word, &doc);
    if (doc.rc == SQLITE_OK)
        tokens_each(cut ? str_skip(all, agent + 1) : all, document_word, &doc, NULL);
    return doc.rc;
}

/* There is no state to keep, but SQLite wants a tokenizer to be something. */
static int cairn_create(void *api, const char **args, int n, Fts5Tokenizer **out)
{
    (void)args;
    (void)n;
    *out = api;
    return SQLITE_OK;
}

static void cairn_delete(Fts5Tokenizer *t)
{
    (void)t;
}

int words_register(fts5_api *api)
{
    fts5_tokenizer vt = {cairn_create, cairn_delete, cairn_tokenize};
    return api->xCreateTokenizer(api, "cairn", api, &vt, NULL);
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
    return ++l->n == WORDS_PER_TEXT;
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
