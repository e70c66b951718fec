/* What masking adds to a durable turn: the store's own writer without a gate and with the real one, turn about in short
 * rounds, so that a machine with other work to do is unfair to neither. Each client looks at its turn on its own thread
 * first, as the server does; one turn in fifty holds an address, a telephone number or a key. Batches stand for an
 * import: one client, 200 turns a write. Prints one JSON object: rates and the process's own processor time a turn.
 * Usage: masks DIR SECONDS (of each round) ROUNDS */
#include "base/clock.h"
#include "service/masking.h"
#include "store/turns.h"
#include "words.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CLIENTS_MAX = 16, BATCH = 200, WARM = 400, RARE = 50, TEXT = 4096, ROUNDS_MAX = 50 };

struct client {
    struct store *store;
    const struct words *words;
    struct turn_new turns[BATCH];
    char hashes[BATCH][65], texts[BATCH][TEXT], conversation[ID_MAX];
    size_t batch;
    int64_t run_us, end_us, rows;
    uint64_t number;
};

static struct client clients[CLIENTS_MAX];
static pthread_barrier_t warm;

static void die(const char *what)
{
    (void)fprintf(stderr, "masks: %s\n", what);
    exit(1);
}

static double cpu_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static enum err_code insert_job(struct store_tx *tx, void *arg, struct err *e)
{
    struct record **r = arg;
    enum err_code code = ERR_OK;
    struct arena *a = arena_new();
    for (int i = 0; i < 2 && !code; i++)
        code = record_insert(tx, a, r[i], e);
    arena_free(a);
    return code;
}

static void place(struct client *c)
{
    struct arena *a = arena_new();
    struct record *r[2] = {record_new(a, KIND_SESSION), record_new(a, KIND_CONVERSATION)};
    char session[ID_MAX];
    id_make("sess", session);
    id_make("conv", c->conversation);
    r[0]->id = str_of(session);
    r[1]->id = str_of(c->conversation);
    record_set(r[1], "session_id", V_TEXT(r[0]->id));
    if (store_write(c->store, insert_job, r, NULL))
        die("cannot make a conversation");
    arena_free(a);
}

static void make_turn(struct client *c, size_t i)
{
    static const char *const held[] = {"write to anna.%llu@example.com", "call 415-555-%04llu please",
                                       "the old key was ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6%04llu"};
    char *text = c->texts[i];
    uint64_t n = c->number++;
    size_t at = words_turn(c->words, n, text);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    if (n % RARE == 0)
        at += (size_t)snprintf(text + at, 100, held[n / RARE % 3], (unsigned long long)(n % 10000));
#pragma GCC diagnostic pop
    id_sha256((struct str){text, at}, c->hashes[i]);
    c->turns[i] = (struct turn_new){.conversation_id = str_of(c->conversation),
                                    .agent = STR("codey"),
                                    .role = STR("assistant"),
                                    .content = {text, at},
                                    .metadata = STR("{\"model\":\"m\",\"response_time_ms\":812}"),
                                    .token_count = -1,
                                    .content_hash = {c->hashes[i], 64}};
    turn_look(c->store, &c->turns[i]);
}

static enum err_code append_job(struct store_tx *tx, void *arg, struct err *e)
{
    struct client *c = arg;
    struct turn_added added;
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < c->batch && !code; i++)
        code = turn_append(tx, &c->turns[i], &added, e);
    return code;
}

static void *run_client(void *arg)
{
    struct client *c = arg;
    for (size_t i = 0; i < WARM; i++) /* a server's threads have their scratch long since */
        make_turn(c, i % c->batch);
    (void)pthread_barrier_wait(&warm);
    (void)pthread_barrier_wait(&warm); /* the clock is read between */
    c->end_us = clock_mono_us() + c->run_us;
    while (clock_mono_us() < c->end_us) {
        struct err e = {0};
        for (size_t i = 0; i < c->batch; i++)
            make_turn(c, i);
        if (store_write(c->store, append_job, c, &e))
            die(e.message);
        c->rows += (int64_t)c->batch;
    }
    return NULL;
}

/* Turns a second, and processor time a turn in µs. */
static void measure(const char *dir, const struct store_gate *gate, const struct words *words, int n, size_t batch,
                    double seconds, double out[2])
{
    char path[400], command[500];
    struct store *store;
    struct err e = {0};
    pthread_t ids[CLIENTS_MAX];
    (void)snprintf(path, sizeof path, "%s/masks", dir);
    if (store_open(&(struct store_options){.dir = path, .gate = gate}, &store, &e))
        die(e.message);
    memset(clients, 0, sizeof clients);
    for (int i = 0; i < n; i++) {
        clients[i] = (struct client){.store = store, .words = words, .batch = batch, .number = (uint64_t)i * 100000};
        place(&clients[i]);
    }
    (void)pthread_barrier_init(&warm, NULL, (unsigned)n + 1);
    for (int i = 0; i < n; i++) {
        clients[i].run_us = (int64_t)(seconds * 1e6);
        if (pthread_create(&ids[i], NULL, run_client, &clients[i]))
            die("cannot start a thread");
    }
    (void)pthread_barrier_wait(&warm);
    int64_t start = clock_mono_us(), rows = 0;
    double cpu = cpu_us();
    (void)pthread_barrier_wait(&warm);
    for (int i = 0; i < n; i++) {
        (void)pthread_join(ids[i], NULL);
        rows += clients[i].rows;
    }
    out[0] = (double)rows * 1e6 / (double)(clock_mono_us() - start);
    out[1] = (cpu_us() - cpu) / (double)rows;
    (void)pthread_barrier_destroy(&warm);
    store_close(store);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", path);
    if (system(command))
        die("cannot remove what was written");
}

static void put_rounds(const char *name, double found[ROUNDS_MAX][2][2], int rounds)
{
    printf("\"%s\":[", name);
    for (int r = 0; r < rounds; r++)
        printf("%s{\"plain\":{\"rate\":%.1f,\"cpu_us\":%.3f},\"masked\":{\"rate\":%.1f,\"cpu_us\":%.3f}}", r ? "," : "",
               found[r][0][0], found[r][0][1], found[r][1][0], found[r][1][1]);
    printf("]");
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int clients;
        size_t batch;
    } kinds[] = {{"1 client", 1, 1}, {"16 clients", 16, 1}, {"import", 1, BATCH}};
    static double found[ROUNDS_MAX][2][2];
    struct masking *m;
    struct words *words = words_new(7);
    int rounds = argc == 4 ? atoi(argv[3]) : 0;
    if (rounds < 1 || rounds > ROUNDS_MAX || !words)
        die("usage: masks DIR SECONDS ROUNDS");
    if (masking_open(NULL, &m, NULL) || masking_ready(m, NULL))
        die("the detectors cannot be had");
    printf("{");
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        for (int r = 0; r < rounds; r++)
            for (int with = 0; with < 2; with++)
                measure(argv[1], with ? masking_kept(m) : NULL, words, kinds[k].clients, kinds[k].batch, atof(argv[2]),
                        found[r][with]);
        printf("%s", k ? "," : "");
        put_rounds(kinds[k].name, found, rounds);
    }
    printf("}\n");
    masking_close(m);
    words_free(words);
    return 0;
}
