/* What indexing costs, inside one process, without HTTP.
 *
 * Usage: indexing feed DIR      makes the index of words of the store there: {"turns","seconds","cpu_seconds"}
 *        indexing writes DIR alone|words|meaning MODEL SECONDS CLIENTS
 *            durable turns (synchronous=FULL) into a new store, each client one at a time: by the store alone, with
 *            the index of words fed behind it, and with vectors made behind it too. {"rate","p50_ms","p99_ms",
 *            "lag","vectors"}: how many turns the index was behind at the end, how many vectors there were. */
#include "words.h"

#include "base/arena.h"
#include "base/clock.h"
#include "index/index.h"
#include "search/meaning.h"
#include "service/place.h"
#include "store/store.h"
#include "store/turns.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TEXTS = 4096, CLIENTS_MAX = 256, SAMPLES_MAX = 4000000, SEED = 3 };

static void die(const char *what)
{
    (void)fprintf(stderr, "indexing: %s\n", what);
    exit(1);
}

static void *need(void *p)
{
    if (!p)
        die("out of memory");
    return p;
}

static void check(enum err_code code, const struct err *e)
{
    if (code)
        die(e->message);
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int64_t count_turns(struct store *s)
{
    struct store_tx *tx;
    struct err e = {0};
    check(store_read_begin(s, &tx, &e), &e);
    int64_t n = turns_last_seq(tx);
    store_read_end(tx);
    return n;
}

/* From opening it to the last turn being in it and on its way to the disk. */
static void feed(const char *dir)
{
    struct store *s;
    struct index *x;
    struct err e = {0};
    check(store_open(&(struct store_options){.dir = dir}, &s, &e), &e);
    int64_t n = count_turns(s), start = clock_mono_us();
    double cpu = cpu_seconds();
    check(index_open(&(struct index_options){.store = s, .dir = dir}, &x, &e), &e);
    check(index_flush(x, &e), &e);
    printf("{\"turns\":%lld,\"seconds\":%.4f,\"cpu_seconds\":%.4f}\n", (long long)n,
           (double)(clock_mono_us() - start) / 1e6, cpu_seconds() - cpu);
    index_close(x);
    store_close(s);
}

/* ---- writes ---- */

struct texts {
    char text[TEXTS][WORDS_TEXT_MAX];
    size_t n[TEXTS];
    char hash[TEXTS][65];
};
struct shared {
    struct store *store;
    struct index *index;
    struct meaning *meaning;
    const struct texts *texts;
    int64_t end_us;
    uint32_t *us; /* of each write, in the order of their answers: only the writer's thread adds */
    size_t n;
};
struct client {
    struct store_job job; /* first */
    struct shared *all;
    struct turn_new turn;
    struct turn_added added;
    char conversation[ID_MAX];
    unsigned next;
    atomic_bool over;
};

static enum err_code append_job(struct store_tx *tx, void *arg, struct err *e)
{
    struct client *c = arg;
    return turn_append(tx, &c->turn, &c->added, e);
}

static void next_turn(struct client *c)
{
    unsigned i = c->next++ % TEXTS;
    const struct texts *t = c->all->texts;
    c->turn = (struct turn_new){.conversation_id = str_of(c->conversation),
                                .agent = STR("anna"),
                                .role = STR("user"),
                                .content = {t->text[i], t->n[i]},
                                .token_count = (int64_t)t->n[i] / 4,
                                .content_hash = {t->hash[i], 64}};
}

static void answered(struct store_job *job)
{
    struct client *c = (struct client *)job;
    struct shared *all = c->all;
    if (job->code)
        die(job->err.message);
    int64_t now = clock_mono_us();
    if (all->n < SAMPLES_MAX)
        all->us[all->n++] = (uint32_t)(now - job->queued_us);
    if (now >= all->end_us) {
        c->over = true;
        return;
    }
    next_turn(c);
    store_submit(all->store, job);
}

static void on_commit(void *arg)
{
    struct shared *all = arg;
    if (all->index)
        index_wake(all->index);
    if (all->meaning)
        meaning_wake(all->meaning);
}

struct place {
    char session[ID_MAX], conversation[ID_MAX];
};

static enum err_code place_job(struct store_tx *tx, void *arg, struct err *e)
{
    struct place *p = arg;
    struct arena *a = need(arena_new());
    struct record *session;
    id_make("sess", p->session);
    id_make("conv", p->conversation);
    enum err_code code = place_session_new(tx, a, str_of(p->session), STR("indexing"), STR("default"), &session, e);
    if (!code)
        code = place_conversation_new(tx, a, str_of(p->conversation), session, STR("indexing"), e);
    arena_free(a);
    return code;
}

static struct texts *make_texts(void)
{
    struct words *w = need(words_new(SEED));
    struct texts *t = need(calloc(1, sizeof *t));
    for (unsigned i = 0; i < TEXTS; i++) {
        t->n[i] = words_turn(w, i, t->text[i]);
        id_sha256((struct str){t->text[i], t->n[i]}, t->hash[i]);
    }
    words_free(w);
    return t;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void open_all(struct shared *all, const char *dir, const char *what, const char *model)
{
    struct err e = {0};
    check(store_open(&(struct store_options){.dir = dir}, &all->store, &e), &e);
    if (strcmp(what, "alone") != 0)
        check(index_open(&(struct index_options){.store = all->store, .dir = dir}, &all->index, &e), &e);
    if (strcmp(what, "meaning") == 0) {
        struct meaning_state state = {.loading = true};
        check(
            meaning_open(&(struct meaning_options){.store = all->store, .dir = dir, .model = model}, &all->meaning, &e),
            &e);
        for (; state.loading; usleep(10000))
            meaning_state(all->meaning, &state);
        if (!state.loaded)
            die("the model cannot be loaded");
    }
    store_on_commit(all->store, on_commit, all);
}

static void run_clients(struct shared *all, struct client *clients, int n)
{
    for (int i = 0; i < n; i++) {
        struct client *c = &clients[i];
        struct place place;
        struct err e = {0};
        c->all = all;
        c->next = (unsigned)i * 61;
        check(store_write(all->store, place_job, &place, &e), &e);
        memcpy(c->conversation, place.conversation, ID_MAX);
        c->job = (struct store_job){.fn = append_job, .arg = c, .done = answered};
        next_turn(c);
    }
    for (int i = 0; i < n; i++)
        store_submit(all->store, &clients[i].job);
    for (int i = 0; i < n; i++)
        while (!clients[i].over)
            (void)usleep(1000);
}

static void writes(const char *dir, const char *what, const char *model, double seconds, int n)
{
    static struct client clients[CLIENTS_MAX];
    struct shared all = {.texts = make_texts(), .us = need(calloc(SAMPLES_MAX, sizeof *all.us))};
    open_all(&all, dir, what, model);
    int64_t start = clock_mono_us();
    all.end_us = start + (int64_t)(seconds * 1e6);
    run_clients(&all, clients, n);
    double took = (double)(clock_mono_us() - start) / 1e6;
    struct meaning_state state = {0};
    int64_t lag = all.index ? index_lag(all.index) : 0;
    if (all.meaning)
        meaning_state(all.meaning, &state);
    qsort(all.us, all.n, sizeof *all.us, compare);
    uint32_t half = all.us[all.n / 2], most = all.us[all.n * 99 / 100];
    printf("{\"rate\":%.0f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"lag\":%lld,\"vectors\":%lld}\n", (double)all.n / took,
           half / 1e3, most / 1e3, (long long)lag, (long long)state.vectors);
    store_on_commit(all.store, NULL, NULL);
    meaning_close(all.meaning);
    if (all.index)
        index_close(all.index);
    store_close(all.store);
}

int main(int argc, char **argv)
{
    int clients = argc == 7 ? (int)strtol(argv[6], NULL, 10) : 0;
    if (argc == 3 && strcmp(argv[1], "feed") == 0)
        feed(argv[2]);
    else if (argc == 7 && strcmp(argv[1], "writes") == 0 && clients > 0 && clients <= CLIENTS_MAX)
        writes(argv[2], argv[3], argv[4], strtod(argv[5], NULL), clients);
    else
        die("usage: indexing feed DIR | indexing writes DIR alone|words|meaning MODEL SECONDS CLIENTS");
    return 0;
}
