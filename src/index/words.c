/* Words: FTS5's porter over unicode61, without stop words, both for what is indexed and for what is asked,
 * so that the two can never differ. Not a language model of any kind: English endings, else letters as they are. */
#include "index/intern.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Words that say nothing about what a turn is about, question words included; sorted. Apostrophes split
 * ("didn't" is didn, t), hence the rumps. */
static const char *const STOP_WORDS[] = {
    "a",       "about",   "after",      "again",     "all",     "also",     "am",        "an",     "and",    "any",
    "are",     "aren",    "as",         "at",        "be",      "because",  "been",      "before", "being",  "both",
    "but",     "by",      "can",        "cannot",    "could",   "couldn",   "d",         "did",    "didn",   "do",
    "does",    "doesn",   "doing",      "don",       "during",  "each",     "ever",      "every",  "few",    "for",
    "from",    "further", "get",        "gets",      "getting", "go",       "goes",      "going",  "got",    "had",
    "hadn",    "has",     "hasn",       "have",      "haven",   "having",   "he",        "her",    "here",   "hers",
    "herself", "him",     "himself",    "his",       "how",     "i",        "if",        "in",     "into",   "is",
    "isn",     "it",      "its",        "itself",    "just",    "let",      "ll",        "m",      "many",   "may",
    "me",      "might",   "more",       "most",      "much",    "must",     "my",        "myself", "no",     "nor",
    "not",     "of",      "off",        "on",        "once",    "only",     "or",        "other",  "our",    "ours",
    "out",     "over",    "own",        "re",        "s",       "same",     "shall",     "she",    "should", "shouldn",
    "so",      "some",    "someone",    "something", "such",    "t",        "than",      "that",   "the",    "their",
    "theirs",  "them",    "themselves", "then",      "there",   "these",    "they",      "thing",  "things", "this",
    "those",   "through", "to",         "too",       "under",   "until",    "up",        "us",     "ve",     "very",
    "was",     "wasn",    "we",         "well",      "were",    "weren",    "what",      "when",   "where",  "whether",
    "which",   "while",   "who",        "whom",      "whose",   "why",      "will",      "with",   "won",    "would",
    "wouldn",  "yes",     "you",        "your",      "yours",   "yourself", "yourselves"};
enum { STOP_WORD_MAX = 10 };

static int compare_word(const void *key, const void *item)
{
    return strcmp(key, *(const char *const *)item);
}

static char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool word_is_stop(struct str word)
{
    char low[STOP_WORD_MAX + 1];
    if (word.n == 0 || word.n > STOP_WORD_MAX)
        return false;
    for (size_t i = 0; i < word.n; i++)
        low[i] = ascii_lower(word.p[i]);
    low[word.n] = '\0';
    return bsearch(low, STOP_WORDS, sizeof STOP_WORDS / sizeof *STOP_WORDS, sizeof *STOP_WORDS, compare_word) != NULL;
}

bool index_stop_word(struct str word)
{
    return word_is_stop(word);
}

/* ---- FTS5's tokenizer, called directly ---- */
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

int splitter_open(fts5_api *api, struct splitter *s)
{
    const char *args[] = {"unicode61", "remove_diacritics", "2"};
    void *data = NULL;
    s->tok = NULL;
    int rc = api->xFindTokenizer(api, "porter", &data, &s->vt);
    return rc ? rc : s->vt.xCreate(data, args, 3, &s->tok);
}

void splitter_close(struct splitter *s)
{
    if (s->tok)
        s->vt.xDelete(s->tok);
    s->tok = NULL;
}

struct splitting {
    word_fn *fn;
    void *arg;
};

static int on_token(void *ctx, int flags, const char *token, int n, int from, int to)
{
    struct splitting *s = ctx;
    (void)flags;
    struct str form = {token, n > WORD_MAX_BYTES ? WORD_MAX_BYTES : (size_t)n};
    return s->fn(s->arg, form, (size_t)from, (size_t)to);
}

int splitter_run(const struct splitter *s, struct str text, word_fn *fn, void *arg)
{
    struct splitting run = {fn, arg};
    if (text.n > INT32_MAX / 2)
        return SQLITE_TOOBIG;
    return s->vt.xTokenize(s->tok, &run, FTS5_TOKENIZE_DOCUMENT, text.p ? text.p : "", (int)text.n, on_token);
}

/* ---- tokenize='cairn' ---- */
struct document { /* one call of the tokenizer */
    void *ctx;
    int (*emit)(void *ctx, int flags, const char *token, int n, int from, int to);
    struct str text;
    bool agent;
};

static int document_word(void *arg, struct str form, size_t from, size_t to)
{
    struct document *doc = arg;
    if (doc->agent) {
        char named[WORD_MAX_BYTES + 1] = "@";
        memcpy(named + 1, form.p, form.n);
        return doc->emit(doc->ctx, 0, named, (int)form.n + 1, (int)from, (int)to);
    }
    if (word_is_stop((struct str){doc->text.p + from, to - from}))
        return SQLITE_OK;
    return doc->emit(doc->ctx, 0, form.p, (int)form.n, (int)from, (int)to);
}

static int cairn_tokenize(Fts5Tokenizer *t, void *ctx, int flags, const char *text, int n,
                          int (*emit)(void *, int, const char *, int, int, int))
{
    const struct splitter *split = (const struct splitter *)t;
    struct str all = {text, (size_t)n};
    if (flags & FTS5_TOKENIZE_QUERY)
        return emit(ctx, 0, text, n, 0, n);
    const char *cut = n > 0 ? memchr(text, WORDS_SEPARATOR, (size_t)n) : NULL;
    size_t agent = cut ? (size_t)(cut - text) : 0;
    struct document doc = {ctx, emit, str_take(all, agent), true};
    int rc = splitter_run(split, doc.text, document_word, &doc);
    doc.agent = false;
    doc.text = cut ? str_skip(all, agent + 1) : all;
    return rc ? rc : splitter_run(split, doc.text, document_word, &doc);
}

static int cairn_create(void *api, const char **args, int n, Fts5Tokenizer **out)
{
    (void)args;
    (void)n;
    struct splitter *s = mem_zalloc(sizeof *s);
    if (!s)
        return SQLITE_NOMEM;
    int rc = splitter_open(api, s);
    if (rc) {
        mem_free(s);
        return rc;
    }
    *out = (Fts5Tokenizer *)s;
    return SQLITE_OK;
}

static void cairn_delete(Fts5Tokenizer *t)
{
    struct splitter *s = (struct splitter *)t;
    if (s)
        splitter_close(s);
    mem_free(s);
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
    bool drop;
    struct index_term *terms;
    size_t n, cap;
};

static int list_word(void *arg, struct str form, size_t from, size_t to)
{
    struct listing *l = arg;
    struct str word = {l->text.p + from, to - from};
    if (l->n == WORDS_PER_TEXT || (l->drop && word_is_stop(word)))
        return SQLITE_OK;
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 16;
        struct index_term *terms = arena_array(l->a, struct index_term, cap);
        if (!terms)
            return SQLITE_NOMEM;
        if (l->n)
            memcpy(terms, l->terms, l->n * sizeof *terms);
        l->terms = terms;
        l->cap = cap;
    }
    struct index_term *t = &l->terms[l->n];
    t->text = arena_str(l->a, form);
    char *low = arena_cstr(l->a, word);
    if (!t->text.p || !low)
        return SQLITE_NOMEM;
    t->word = (struct str){low, word.n};
    for (size_t i = 0; i < word.n; i++)
        low[i] = ascii_lower(low[i]);
    l->n++;
    return SQLITE_OK;
}

enum err_code index_terms_of(struct arena *a, const struct str *texts, size_t n, bool drop_stop_words,
                             struct index_words *out, struct err *e)
{
    const struct splitter *split = NULL;
    int rc = splitter_own(&split);
    for (size_t i = 0; !rc && i < n; i++) {
        struct listing l = {.a = a, .text = texts[i], .drop = drop_stop_words};
        rc = splitter_run(split, texts[i], list_word, &l);
        out[i] = (struct index_words){l.terms, l.n};
    }
    if (rc == SQLITE_TOOBIG)
        return err_set(e, ERR_TOO_LARGE, NULL, "the text is too long to be split into words");
    return rc ? err_nomem(e) : ERR_OK;
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
