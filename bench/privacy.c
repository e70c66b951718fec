/* How fast texts are searched and masked, turn about with Hyperscan alone over the same patterns (those with what it
 * has no word for as its own prefilter forms of them) and with PCRE2's machine code pattern by pattern. Usage: privacy
 * FILE ROUNDS. The file holds texts, each 4 bytes of length and then its bytes. Prints a line of JSON for each:
 * processor time of every round of each, what was found, what the compiled set takes. */
#include "texts.h"

#include "privacy/privacy_int.h"

#include <hs/hs.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS_MAX = 99, PATTERNS_MAX = 1024 };

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- Hyperscan alone ---- */
struct bare {
    hs_database_t *db;
    hs_scratch_t *scratch;
    size_t whole, as_prefilter, refused;
};

static bool takes(const char *pattern, unsigned flags)
{
    hs_expr_info_t *info = NULL;
    hs_compile_error_t *why = NULL;
    const bool ok = hs_expression_info(pattern, flags, &info, &why) == HS_SUCCESS;
    hs_free_compile_error(why);
    free(info);
    return ok;
}

static void bare_open(const struct privacy *p, struct bare *b)
{
    const char *patterns[PATTERNS_MAX];
    unsigned flags[PATTERNS_MAX], ids[PATTERNS_MAX], n = 0;
    hs_compile_error_t *why = NULL;
    for (size_t i = 0; i < p->n && n < PATTERNS_MAX; i++) {
        const char *pattern = p->patterns[i].d->pattern;
        const bool whole = takes(pattern, HS_FLAG_MULTILINE);
        if (!whole && !takes(pattern, HS_FLAG_MULTILINE | HS_FLAG_PREFILTER)) {
            b->refused++;
            continue;
        }
        b->whole += whole;
        b->as_prefilter += !whole;
        patterns[n] = pattern;
        flags[n] = HS_FLAG_MULTILINE | (whole ? 0 : HS_FLAG_PREFILTER);
        ids[n++] = (unsigned)i;
    }
    if (hs_compile_multi(patterns, flags, ids, n, HS_MODE_BLOCK, NULL, &b->db, &why) != HS_SUCCESS)
        fail(why ? why->message : "Hyperscan cannot be used");
    if (hs_alloc_scratch(b->db, &b->scratch) != HS_SUCCESS)
        fail("out of memory");
}

static int count(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *arg)
{
    (void)id;
    (void)from;
    (void)to;
    (void)flags;
    ++*(size_t *)arg;
    return 0;
}

/* ---- the ways ---- */
enum way { SCAN, MASK, BARE, ONE_BY_ONE, WAYS };
static const char *const NAMES[WAYS] = {"scan", "mask", "bare", "one_by_one"};

struct bench {
    struct texts texts;
    struct privacy *fast, *slow;
    struct bare bare;
    size_t found[WAYS];
    double open_ms, later_ms;
};

static size_t once(struct bench *b, enum way way, struct str text, struct arena *a)
{
    const struct privacy *p = way == ONE_BY_ONE ? b->slow : b->fast;
    struct scratch *s;
    struct str out;
    size_t n = 0;
    if (way == BARE) {
        hs_scan(b->bare.db, text.p, (unsigned)text.n, 0, b->bare.scratch, count, &n);
        return n;
    }
    if (way == MASK) {
        if (privacy_mask(p, PRIVACY_PUBLIC, text, a, &out, NULL))
            fail("a text could not be masked");
        n = out.p != text.p;
        if (n)
            arena_reset(a);
        return n;
    }
    if (scan_text(p, PRIVACY_PUBLIC, text, &s, NULL))
        fail("a text could not be searched");
    return s->kept.n;
}

static double measure(struct bench *b, enum way way, struct arena *a)
{
    const double start = seconds();
    b->found[way] = 0;
    for (size_t i = 0; i < b->texts.n; i++)
        b->found[way] += once(b, way, b->texts.all[i], a);
    return seconds() - start;
}

static struct privacy *opened(bool one_by_one)
{
    struct privacy *p;
    struct err e = {0};
    if (privacy_open(&(struct privacy_options){.one_by_one = one_by_one}, &p, &e))
        fail(e.message);
    return p;
}

static void print_made(const struct bench *b)
{
    size_t code = 0;
    for (size_t i = 0; i < b->slow->n; i++) {
        PCRE2_SIZE n = 0;
        pcre2_pattern_info(b->slow->patterns[i].code, PCRE2_INFO_SIZE, &n);
        code += n;
        pcre2_pattern_info(b->slow->patterns[i].code, PCRE2_INFO_JITSIZE, &n);
        code += n;
    }
    printf(", \"patterns\": %zu, \"open_ms\": %.2f, \"prefilter_ms\": %.1f, \"code_bytes\": %zu, \"prefilter_bytes\": "
           "%zu, "
           "\"bare_whole\": %zu, \"bare_prefilter\": %zu, \"bare_refused\": %zu",
           b->slow->n, b->open_ms, b->later_ms, code, prefilter_bytes(later_wait(b->fast->later)), b->bare.whole,
           b->bare.as_prefilter, b->bare.refused);
}

/* All ways over one file, turn about. */
static void one_file(struct bench *b, const char *file, int rounds)
{
    static double times[WAYS][ROUNDS_MAX];
    struct arena *a = arena_new();
    b->texts = (struct texts){0};
    read_texts(file, &b->texts);
    for (int r = 0; r < rounds; r++) {
        for (int way = 0; way < WAYS; way++)
            times[way][r] = measure(b, (enum way)way, a);
    }
    if (b->found[SCAN] != b->found[ONE_BY_ONE])
        fail("the prefilter changed what is found");
    printf("{\"texts\": %zu, \"bytes\": %zu, \"finds\": %zu, \"changed\": %zu", b->texts.n, b->texts.bytes,
           b->found[SCAN], b->found[MASK]);
    print_made(b);
    for (int way = 0; way < WAYS; way++) {
        printf(", \"%s\": [", NAMES[way]);
        for (int i = 0; i < rounds; i++)
            printf("%s%.6f", i ? ", " : "", times[way][i]);
        printf("]");
    }
    printf("}\n");
    for (size_t i = 0; i < b->texts.n; i++)
        free((void *)b->texts.all[i].p);
    free(b->texts.all);
    arena_free(a);
}

int main(int argc, char **argv)
{
    struct bench b = {0};
    struct timespec t0, t1;
    const int rounds = argc >= 3 ? atoi(argv[1]) : 0;
    if (rounds < 1 || rounds > ROUNDS_MAX)
        fail("usage: privacy ROUNDS FILE…");
    const double start = seconds();
    b.fast = opened(false);
    b.open_ms = (seconds() - start) * 1000;
    clock_gettime(CLOCK_MONOTONIC, &t0);
    if (!later_wait(b.fast->later))
        fail("Hyperscan cannot be used");
    clock_gettime(CLOCK_MONOTONIC, &t1);
    b.later_ms = (double)(t1.tv_sec - t0.tv_sec) * 1e3 + (double)(t1.tv_nsec - t0.tv_nsec) / 1e6;
    b.slow = opened(true);
    bare_open(b.fast, &b.bare);
    for (int i = 2; i < argc; i++)
        one_file(&b, argv[i], rounds);
    privacy_free(b.fast);
    privacy_free(b.slow);
    return 0;
}
