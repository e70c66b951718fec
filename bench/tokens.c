/* How fast texts are split into what they are found by, against FTS5's porter over unicode61, turn about.
 * Usage: tokens FILE ROUNDS. The file holds texts, each 4 bytes of length and then its bytes. Prints JSON: bytes, forms
 * of each kind, and the seconds of every round of each. */
#include "texts.h"

#include "index/tokens.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS_MAX = 99 };
static const double LEAST_S = 0.2;

/* ---- the two ---- */
static int count_form(void *arg, struct str form, size_t from, size_t to)
{
    (void)from;
    (void)to;
    *(size_t *)arg += form.n;
    return 0;
}

static int count_kind(void *arg, const struct token *t)
{
    ((size_t *)arg)[t->kind]++;
    return 0;
}

struct fts5 {
    sqlite3 *db;
    fts5_tokenizer vt;
    Fts5Tokenizer *tok;
};

static void fts5_open(struct fts5 *f)
{
    const char *args[] = {"unicode61", "remove_diacritics", "2"};
    sqlite3_stmt *s = NULL;
    fts5_api *api = NULL;
    void *data = NULL;
    if (sqlite3_open(":memory:", &f->db) || sqlite3_prepare_v2(f->db, "SELECT fts5(?1)", -1, &s, NULL))
        fail("there is no FTS5");
    sqlite3_bind_pointer(s, 1, &api, "fts5_api_ptr", NULL);
    sqlite3_step(s);
    sqlite3_finalize(s);
    if (!api || api->xFindTokenizer(api, "porter", &data, &f->vt) || f->vt.xCreate(data, args, 3, &f->tok))
        fail("there is no porter tokenizer");
}

static int count_fts5(void *arg, int flags, const char *token, int n, int from, int to)
{
    (void)flags;
    (void)token;
    (void)from;
    (void)to;
    ((size_t *)arg)[0] += (size_t)n;
    ((size_t *)arg)[1]++;
    return 0;
}

static void ours(const struct texts *t, size_t *sum)
{
    for (size_t i = 0; i < t->n; i++)
        tokens_each(t->all[i], count_form, sum, NULL);
}

static void theirs(struct fts5 *f, const struct texts *t, size_t sum[2])
{
    for (size_t i = 0; i < t->n; i++)
        f->vt.xTokenize(f->tok, sum, FTS5_TOKENIZE_DOCUMENT, t->all[i].p, (int)t->all[i].n, count_fts5);
}

/* Processor time, so that what else runs on the machine counts less. */
static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Over all texts again and again for at least LEAST_S; seconds for once. */
static double measure(struct fts5 *f, const struct texts *t)
{
    size_t sum[2] = {0}, times = 0;
    double start = seconds(), now = start;
    for (; now - start < LEAST_S; times++, now = seconds()) {
        if (f)
            theirs(f, t, sum);
        else
            ours(t, sum);
    }
    return (now - start) / (double)times;
}

static void print_times(const char *name, const double *times, int n)
{
    printf(", \"%s\": [", name);
    for (int i = 0; i < n; i++)
        printf("%s%.6f", i ? ", " : "", times[i]);
    printf("]");
}

int main(int argc, char **argv)
{
    static const char *const NAMES[TOKEN_KINDS] = {"word", "stop", "exact", "part", "whole"};
    struct texts t = {0};
    struct fts5 f = {0};
    size_t kinds[TOKEN_KINDS] = {0}, sum[2] = {0};
    double own[ROUNDS_MAX], fts5[ROUNDS_MAX];
    int rounds = argc == 3 ? atoi(argv[2]) : 0;
    if (rounds < 1 || rounds > ROUNDS_MAX)
        fail("usage: tokens FILE ROUNDS");
    read_texts(argv[1], &t);
    if (!t.n)
        fail("no texts");
    fts5_open(&f);
    for (int r = 0; r < rounds; r++) {
        own[r] = measure(NULL, &t);
        fts5[r] = measure(&f, &t);
    }
    for (size_t i = 0; i < t.n; i++)
        tokens_walk(t.all[i], TOKENS_ALL, count_kind, kinds);
    theirs(&f, &t, sum);
    printf("{\"texts\": %zu, \"bytes\": %zu, \"fts5_forms\": %zu", t.n, t.bytes, sum[1]);
    for (size_t k = 0; k < TOKEN_KINDS; k++)
        printf(", \"%s\": %zu", NAMES[k], kinds[k]);
    print_times("own", own, rounds);
    print_times("fts5", fts5, rounds);
    printf("}\n");
    f.vt.xDelete(f.tok);
    sqlite3_close(f.db);
    for (size_t i = 0; i < t.n; i++)
        free((void *)t.all[i].p);
    free(t.all);
    return 0;
}
