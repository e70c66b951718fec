/* What holds for every text: tried on texts put together at random from pieces of all kinds, on every character there
 * is, and at the bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/text.h"
#include "index/tokens.h"
#include "unit/base/random.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

enum { ROUNDS = 2000, PIECES = 12, LISTED_MAX = 512 };

static const char *const WORDS[] = {
    "running",  "The", "getUserName", "snake", "HTTPServer",   "x",          "2023",   "05",   "08T10",
    "30am",     "v1",  "1,000",       "3.14",  "café",         "cafe\u0301", "Straße", "天气", "猫",
    "データ",   "ｶﾞ",  "고양이",      "ภาษา",  "\u1100\u1161", "ﬁ",          "didn",   "U",    "É",
    "deadbeef", "42",  "abc1",        "½",     "и\u0306",      "łódź9",      "год2024"};
static const char *const JOINTS[] = {"_",  "-",   ".",  "/",    "\\",   "@",      "'",      "’", ":",
                                     "::", "://", ",",  "+",    "&",    "#",      "%",      " ", " ",
                                     "",   "",    "\n", "\xFF", "\xC3", "\u00AD", "\u200B", "++"};

static const char *any(uint64_t *random, const char *const *all, size_t n)
{
    return all[random_below(random, n)];
}

static struct str make_text(struct arena *a, uint64_t *random)
{
    struct buf b;
    buf_init(&b, 0);
    for (size_t i = random_below(random, PIECES); i-- > 0;) {
        buf_cstr(&b, any(random, WORDS, sizeof WORDS / sizeof *WORDS));
        buf_cstr(&b, any(random, JOINTS, sizeof JOINTS / sizeof *JOINTS));
    }
    return buf_take(&b, a);
}

struct list {
    struct token t[LISTED_MAX];
    char forms[LISTED_MAX][TOKEN_BYTES];
    size_t n;
};
static struct list lists[4]; /* in turn: a check looks at three at most */

static int list_token(void *arg, const struct token *t)
{
    struct list *l = arg;
    assert_true(l->n < LISTED_MAX && t->form.n <= TOKEN_BYTES);
    memcpy(l->forms[l->n], t->form.p, t->form.n);
    l->t[l->n] = *t;
    l->t[l->n].form.p = l->forms[l->n];
    l->n++;
    return 0;
}

static struct list *tokens_of(struct str text, enum tokens_wanted wanted)
{
    static size_t turn;
    struct list *l = &lists[turn++ % 4];
    l->n = 0;
    tokens_walk(text, wanted, list_token, l);
    return l;
}

static bool has(const struct list *l, const struct token *t)
{
    for (size_t i = 0; i < l->n; i++)
        if (str_eq(l->t[i].form, t->form))
            return true;
    return false;
}

/* Runs `check` on many texts; each gets two. */
static void try_out(void (*check)(struct arena *a, struct str one, struct str two))
{
    uint64_t random = 11;
    struct arena *a = arena_new();
    for (int i = 0; i < ROUNDS; i++) {
        struct str one = make_text(a, &random), two = make_text(a, &random);
        check(a, one, two);
        arena_reset(a);
    }
    arena_free(a);
}

static void check_bounds(struct arena *a, struct str text, struct str other)
{
    struct list *l = tokens_of(text, TOKENS_ALL);
    (void)a;
    (void)other;
    for (size_t i = 0; i < l->n; i++) {
        const struct token *t = &l->t[i];
        assert_in_range(t->form.n, 1, TOKEN_BYTES);
        assert_true(text_utf8_valid(t->form));
        assert_true(t->from < t->to && t->to <= text.n);
        assert_true(i == 0 || l->t[i - 1].from <= t->from);
    }
}

static void forms_are_bounded_valid_and_in_order(void **state)
{
    (void)state;
    try_out(check_bounds);
}

static void check_split(struct arena *a, struct str one, struct str two)
{
    struct str both = arena_fmt(a, "%.*s %.*s", STR_ARG(one), STR_ARG(two));
    struct list *x = tokens_of(one, TOKENS_ALL), *y = tokens_of(two, TOKENS_ALL);
    struct list *z = tokens_of(both, TOKENS_ALL);
    assert_int_equal(z->n, x->n + y->n);
    for (size_t i = 0; i < z->n; i++) {
        const struct token *t = i < x->n ? &x->t[i] : &y->t[i - x->n];
        size_t shift = i < x->n ? 0 : one.n + 1;
        assert_true(str_eq(z->t[i].form, t->form));
        assert_true(z->t[i].from == t->from + shift && z->t[i].to == t->to + shift && z->t[i].kind == t->kind);
    }
}

static void a_space_parts_a_text_into_what_each_side_gives(void **state)
{
    (void)state;
    try_out(check_split);
}

static void check_alone(struct arena *a, struct str text, struct str other)
{
    static struct list all;
    const struct list *l = &all;
    (void)a;
    (void)other;
    all.n = 0;
    tokens_walk(text, TOKENS_ALL, list_token, &all);
    for (size_t i = 0; i < l->n; i++) {
        struct str alone = {text.p + l->t[i].from, l->t[i].to - l->t[i].from};
        if (!has(tokens_of(alone, TOKENS_ALL), &l->t[i])) {
            print_error("\"%.*s\" alone does not give %.*s, as in \"%.*s\"\n", STR_ARG(alone), STR_ARG(l->t[i].form),
                        STR_ARG(text));
            fail();
        }
    }
}

static void what_stands_in_a_text_gives_its_forms_when_asked_alone(void **state)
{
    (void)state;
    try_out(check_alone);
}

static void check_words(struct arena *a, struct str text, struct str other)
{
    struct list *all = tokens_of(text, TOKENS_ALL), *words = tokens_of(text, TOKENS_WORDS);
    size_t n = 0;
    (void)a;
    (void)other;
    for (size_t i = 0; i < all->n; i++) {
        if (all->t[i].kind != TOKEN_WORD && all->t[i].kind != TOKEN_STOP)
            continue;
        assert_true(n < words->n && str_eq(words->t[n].form, all->t[i].form));
        assert_true(words->t[n].from == all->t[i].from && words->t[n].kind == all->t[i].kind);
        n++;
    }
    assert_int_equal(n, words->n);
}

static void the_words_alone_are_the_words_among_all_forms(void **state)
{
    (void)state;
    try_out(check_words);
}

struct each {
    const struct list *all;
    size_t at;
};

static int next_form(void *arg, struct str form, size_t from, size_t to)
{
    struct each *e = arg;
    while (e->at < e->all->n && e->all->t[e->at].kind == TOKEN_STOP)
        e->at++;
    assert_true(e->at < e->all->n && str_eq(e->all->t[e->at].form, form));
    assert_true(e->all->t[e->at].from == from && e->all->t[e->at].to == to);
    e->at++;
    return 0;
}

static void check_each(struct arena *a, struct str text, struct str other)
{
    struct each e = {tokens_of(text, TOKENS_ALL), 0};
    (void)a;
    (void)other;
    assert_int_equal(tokens_each(text, next_form, &e, NULL), ERR_OK);
    while (e.at < e.all->n && e.all->t[e.at].kind == TOKEN_STOP)
        e.at++;
    assert_int_equal(e.at, e.all->n);
}

static void what_is_indexed_is_all_but_stop_words(void **state)
{
    (void)state;
    try_out(check_each);
}

/* ---- every character ---- */
static bool same_forms(struct str x, struct str y)
{
    struct list *p = tokens_of(x, TOKENS_ALL), *q = tokens_of(y, TOKENS_ALL);
    bool same = p->n == q->n;
    for (size_t i = 0; same && i < p->n; i++)
        same = str_eq(p->t[i].form, q->t[i].form);
    return same;
}

static void every_character_is_the_same_composed_and_decomposed(void **state)
{
    size_t wrong = 0;
    (void)state;
    for (int32_t c = 1; c < 0x110000; c++) {
        char text[16] = "éa";
        if (!utf8proc_codepoint_valid(c))
            continue;
        size_t n = 3 + (size_t)utf8proc_encode_char(c, (utf8proc_uint8_t *)text + 3);
        text[n] = '\0';
        utf8proc_uint8_t *apart = utf8proc_NFD((const utf8proc_uint8_t *)text);
        assert_non_null(apart);
        check_bounds(NULL, (struct str){text, n}, STR_NONE);
        if (!same_forms((struct str){text, n}, str_of((char *)apart)) && wrong++ < 20)
            print_error("U+%04X gives other forms decomposed\n", (unsigned)c);
        free(apart);
    }
    assert_int_equal(wrong, 0);
}

/* ---- stems ---- */
struct reference { /* FTS5's porter */
    sqlite3 *db;
    fts5_tokenizer vt;
    Fts5Tokenizer *tok;
    struct str stem;
};

static void reference_open(struct reference *r)
{
    const char *args[] = {"ascii"};
    sqlite3_stmt *s = NULL;
    fts5_api *api = NULL;
    void *data = NULL;
    assert_int_equal(sqlite3_open(":memory:", &r->db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(r->db, "SELECT fts5(?1)", -1, &s, NULL), SQLITE_OK);
    sqlite3_bind_pointer(s, 1, &api, "fts5_api_ptr", NULL);
    sqlite3_step(s);
    sqlite3_finalize(s);
    assert_non_null(api);
    assert_int_equal(api->xFindTokenizer(api, "porter", &data, &r->vt), SQLITE_OK);
    assert_int_equal(r->vt.xCreate(data, args, 1, &r->tok), SQLITE_OK);
}

static int keep_stem(void *arg, int flags, const char *token, int n, int from, int to)
{
    static char room[TOKEN_BYTES];
    (void)flags;
    (void)from;
    (void)to;
    memcpy(room, token, (size_t)n);
    *(struct str *)arg = (struct str){room, (size_t)n};
    return SQLITE_OK;
}

/* Words of syllables and endings, so that every rule is met often; one who counts differs from one who does not. */
static struct str make_word(struct arena *a, uint64_t *random)
{
    static const char *const BEGINS[] = {"h",   "tr",  "cre",  "oper",  "hop",  "hopp", "fall",   "y",
                                         "say", "bl",  "tan",  "fizz",  "re",   "vile", "adjust", "sky",
                                         "at",  "con", "form", "plast", "happ", "fil",  "roll",   "tyr"};
    static const char *const ENDS[] = {
        "",       "s",     "es",    "ies",     "sses",    "ed",      "ing",   "eed",   "y",      "ational",
        "tional", "enci",  "anci",  "izer",    "bli",     "alli",    "entli", "eli",   "ousli",  "ization",
        "ation",  "ator",  "alism", "iveness", "fulness", "ousness", "aliti", "iviti", "biliti", "icate",
        "ative",  "alize", "iciti", "ical",    "ful",     "ness",    "al",    "ance",  "er",     "ic",
        "able",   "ement", "ment",  "ent",     "ion",     "tion",    "sion",  "ou",    "ism",    "ate",
        "iti",    "ous",   "ive",   "ize",     "e",       "ll",      "ly",    "lled"};
    return arena_fmt(a, "%s%s%s", any(random, BEGINS, sizeof BEGINS / sizeof *BEGINS),
                     random_below(random, 3) ? "" : any(random, ENDS, sizeof ENDS / sizeof *ENDS),
                     any(random, ENDS, sizeof ENDS / sizeof *ENDS));
}

static void stems_are_those_of_another_implementation(void **state)
{
    struct arena *a = arena_new();
    struct reference r;
    uint64_t random = 3;
    size_t wrong = 0;
    (void)state;
    reference_open(&r);
    for (int i = 0; i < 20000; i++) {
        struct str word = make_word(a, &random), wanted = STR_NONE;
        struct list *l = tokens_of(word, TOKENS_WORDS);
        assert_int_equal(r.vt.xTokenize(r.tok, &wanted, FTS5_TOKENIZE_DOCUMENT, word.p, (int)word.n, keep_stem), 0);
        assert_int_equal(l->n, 1);
        if (l->t[0].kind == TOKEN_WORD && !str_eq(l->t[0].form, wanted) && wrong++ < 20)
            print_error("%.*s: %.*s, not %.*s\n", STR_ARG(word), STR_ARG(wanted), STR_ARG(l->t[0].form));
        arena_reset(a);
    }
    assert_int_equal(wrong, 0);
    r.vt.xDelete(r.tok);
    sqlite3_close(r.db);
    arena_free(a);
}

/* ---- bounds ---- */
static int count(void *arg, struct str form, size_t from, size_t to)
{
    (void)form;
    (void)from;
    (void)to;
    return ++*(size_t *)arg == 7777777;
}

static struct str repeated(struct arena *a, const char *piece, size_t times)
{
    struct buf b;
    buf_init(&b, 0);
    for (size_t i = 0; i < times; i++)
        buf_cstr(&b, piece);
    return buf_take(&b, a);
}

static void a_text_gives_so_many_forms_and_no_more(void **state)
{
    struct arena *a = arena_new();
    size_t n = 0;
    (void)state;
    tokens_each(repeated(a, "dog ", TOKENS_PER_TEXT - 1), count, &n, NULL);
    assert_int_equal(n, TOKENS_PER_TEXT - 1);
    n = 0;
    tokens_each(repeated(a, "dog ", TOKENS_PER_TEXT + 100), count, &n, NULL);
    assert_int_equal(n, TOKENS_PER_TEXT);
    n = 7777770;
    tokens_each(repeated(a, "dog ", 50), count, &n, NULL); /* the function ends it */
    assert_int_equal(n, 7777777);
    arena_free(a);
}

static void long_words_and_long_wholes_are_bounded_and_told_apart(void **state)
{
    static const char *const LONG[] = {"x",      "é",  "天",     "ภ\u0E31", "a_", "a/", "é/",
                                       "1,000,", "1.", "\u0301", "e\u0301", "@",  "a@"};
    struct arena *a = arena_new();
    (void)state;
    for (size_t i = 0; i < sizeof LONG / sizeof *LONG; i++) {
        check_bounds(a, repeated(a, LONG[i], 200), STR_NONE);
        check_alone(a, repeated(a, LONG[i], 30), STR_NONE);
    }
    const char *path = "/home/somebody/projects/a-long-name/src/components/somewhere/deep/";
    struct list *one = tokens_of(arena_fmt(a, "%sone.c", path), TOKENS_ALL);
    struct list *two = tokens_of(arena_fmt(a, "%stwo.c", path), TOKENS_ALL);
    assert_true(one->t[0].kind == TOKEN_WHOLE && one->t[0].form.n == TOKEN_BYTES);
    assert_false(str_eq(one->t[0].form, two->t[0].form));
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(forms_are_bounded_valid_and_in_order),
                                       cmocka_unit_test(a_space_parts_a_text_into_what_each_side_gives),
                                       cmocka_unit_test(what_stands_in_a_text_gives_its_forms_when_asked_alone),
                                       cmocka_unit_test(the_words_alone_are_the_words_among_all_forms),
                                       cmocka_unit_test(what_is_indexed_is_all_but_stop_words),
                                       cmocka_unit_test(every_character_is_the_same_composed_and_decomposed),
                                       cmocka_unit_test(stems_are_those_of_another_implementation),
                                       cmocka_unit_test(a_text_gives_so_many_forms_and_no_more),
                                       cmocka_unit_test(long_words_and_long_wholes_are_bounded_and_told_apart)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
