/* The short forms by which patterns are found (detector.h) lie within every match, and where they are said to: held
 * against texts made from each pattern itself, so that a branch that a form forgot shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hs/hs.h>
#include <stdlib.h>
#include <string.h>

#include "made_match.h"

enum { MADE = 500 };

struct told {
    unsigned long long first; /* the end of the form that ends first */
    bool seen, at_begin;
};

static int tell(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *arg)
{
    struct told *t = arg;
    (void)id;
    (void)flags;
    t->first = !t->seen || to < t->first ? to : t->first;
    t->at_begin = t->at_begin || from == 0;
    t->seen = true;
    return 0;
}

/* The same of numbers, which have no form. */
struct number {
    enum detector_number is;
    struct told told;
};

static void tell_number(void *arg, enum detector_number is, size_t end, bool again)
{
    struct number *n = arg;
    (void)again;
    if (is == n->is)
        tell(0, 1, end, 0, &n->told);
}

static hs_database_t *form_database(const struct detector *d)
{
    hs_database_t *db = NULL;
    if (d->number)
        return NULL;
    hs_compile_error_t *why = NULL;
    const unsigned flags = HS_FLAG_MULTILINE | (d->leads ? HS_FLAG_SOM_LEFTMOST : 0);
    if (hs_compile(d->prefilter, flags, HS_MODE_BLOCK, NULL, &db, &why) != HS_SUCCESS)
        fail_msg("%s: %s", d->name, why ? why->message : "its form cannot be compiled");
    return db;
}

/* The first match in the text with something around it; false: the pattern does not agree. */
static bool first_match(const struct pattern *pt, pcre2_match_data *data, struct arena *a, uint64_t number,
                        struct str made, struct str *out)
{
    static const char *const around[] = {" ", "\"", "\n", ""};
    const char *with = around[number % 4];
    struct buf b;
    buf_init(&b, 0);
    buf_cstr(&b, with);
    buf_str(&b, made);
    buf_cstr(&b, with);
    const struct str text = buf_take(&b, a);
    const int rc = pcre2_match(pt->code, (PCRE2_SPTR)text.p, text.n, 0, 0, data, NULL);
    const PCRE2_SIZE *v = pcre2_get_ovector_pointer(data);
    if (rc < 0)
        return false;
    *out = str_skip(str_take(text, v[1]), v[0]);
    return true;
}

static void check_match(const struct detector *d, const hs_database_t *db, hs_scratch_t *scratch, struct str match)
{
    struct number n = {.is = d->number};
    if (db)
        assert_int_equal(hs_scan(db, match.p, (unsigned)match.n, 0, scratch, tell, &n.told), HS_SUCCESS);
    else
        numbers_see(match, tell_number, &n);
    const struct told t = n.told;
    if (!t.seen)
        fail_msg("%s: its form %s is not in %.*s", d->name, db ? d->prefilter : "of a number", STR_ARG(match));
    assert_true(!d->number || (d->within && d->within <= NUMBERS_MOST));
    if (d->leads && !t.at_begin)
        fail_msg("%s: %.*s does not begin with its form", d->name, STR_ARG(match));
    if (d->within && t.first > d->within)
        fail_msg("%s: the form ends at %llu in %.*s", d->name, t.first, STR_ARG(match));
    if (!(needs_met(match) & 1u << d->needs))
        fail_msg("%s: it needs more than there is in %.*s", d->name, STR_ARG(match));
    assert_true(match.n <= d->most);
}

static size_t check_pattern(const struct pattern *pt, hs_scratch_t **scratch)
{
    hs_database_t *db = form_database(pt->d);
    pcre2_match_data *data = pcre2_match_data_create(8, NULL);
    uint64_t random = 1;
    size_t agreed = 0;
    if (db)
        assert_int_equal(hs_alloc_scratch(db, scratch), HS_SUCCESS);
    for (uint64_t number = 0; number < MADE; number++) {
        struct arena *a = arena_new();
        struct str match;
        if (first_match(pt, data, a, number, made_match(a, &random, pt->d->pattern), &match)) {
            check_match(pt->d, db, *scratch, match);
            agreed++;
        }
        arena_free(a);
    }
    pcre2_match_data_free(data);
    hs_free_database(db);
    return agreed;
}

static void test_forms_are_in_every_match(void **state)
{
    struct privacy *p;
    hs_scratch_t *scratch = NULL;
    size_t unmatched = 0;
    (void)state;
    assert_int_equal(privacy_open(&(struct privacy_options){.one_by_one = true}, &p, NULL), ERR_OK);
    for (size_t i = 0; i < p->n; i++) {
        const size_t agreed = check_pattern(&p->patterns[i], &scratch);
        if (!agreed)
            print_message("%s: no text could be made\n", p->patterns[i].d->name);
        unmatched += !agreed;
    }
    assert_true(unmatched <= 4); /* those that ask by a lookahead for what they do not match */
    hs_free_scratch(scratch);
    privacy_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_forms_are_in_every_match)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
