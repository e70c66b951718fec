/* The embedder from outside. Usage: embed MODEL int8|float speed|ask|ids|vectors|queries [QUERY_PREFIX DOCUMENT_PREFIX]
 *        embed FOLDER int8 pack FILE
 * MODEL is a folder, or a file that `pack` has written from one.
 *   speed    texts/s at 16, 64 and 128 tokens on one and two threads, and the time of one short query: JSON
 *   ask      for each line "TOKENS BATCH THREADS SECONDS" on stdin:
 *            texts/s on one thread by its own processor time, on more by the clock; and at once the next line
 *   ids      for each text on stdin (4 bytes of length, then its bytes): 4 bytes of count, then the token ids
 *   vectors  for the same stdin: the documents' vectors, floats one after another; queries: as queries */
#include "embed/embed.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { TEXTS = 64, THREADS = 2, IDS_MAX = 20000, SLICE_MS = 250, SLICES = 6 };

static void die(const struct err *e)
{
    fprintf(stderr, "embed: %s\n", e->message);
    exit(1);
}

static void *need(void *p)
{
    if (!p) {
        fprintf(stderr, "embed: out of memory\n");
        exit(1);
    }
    return p;
}

/* A text of exactly `tokens` tokens, [CLS] and [SEP] counted: common words are one token each. */
static struct str text_of(const struct embedder *m, size_t tokens, size_t seed)
{
    static const char *const words[] = {"the",  "river", "people", "house", "music", "water", "winter", "small",
                                        "city", "about", "before", "green", "work",  "night", "story",  "table"};
    struct buf b;
    struct err e = {0};
    size_t n;
    buf_init(&b, 0);
    for (size_t i = 0; i + 2 < tokens; i++)
        buf_fmt(&b, "%s ", words[(seed * 7 + i * i + i / 3) % 16]);
    if (embed_tokenize(m, buf_view(&b), EMBED_DOCUMENT, NULL, 0, &n, &e) != ERR_OK)
        die(&e);
    if (n != tokens)
        fprintf(stderr, "embed: a text has %zu tokens, not %zu\n", n, tokens);
    return buf_view(&b);
}

struct run {
    const struct embedder *m;
    const struct str *texts;
    size_t batch;
    int slices;
    int64_t slice_us;
    double per_second;     /* best slice: what the machine can do when it is left alone */
    double per_cpu_second; /* of the thread's own processor time, whatever else runs */
};

static int64_t thread_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void *run_thread(void *arg)
{
    struct run *r = arg;
    struct err e = {0};
    float *out = need(mem_alloc(TEXTS * embed_dimensions(r->m) * sizeof *out));
    for (int slice = 0; slice < r->slices; slice++) {
        int64_t start = clock_mono_us(), now = start, cpu = thread_us();
        size_t done = 0;
        while (now - start < r->slice_us) {
            for (size_t i = 0; i < TEXTS && now - start < r->slice_us; i += r->batch, done += r->batch) {
                if (embed_texts(r->m, r->texts + i, r->batch, EMBED_DOCUMENT, out, &e) != ERR_OK)
                    die(&e);
                now = clock_mono_us();
            }
        }
        double rate = (double)done * 1e6 / (double)(now - start);
        r->per_second = rate > r->per_second ? rate : r->per_second;
        rate = (double)done * 1e6 / (double)(thread_us() - cpu);
        r->per_cpu_second = rate > r->per_cpu_second ? rate : r->per_cpu_second;
    }
    mem_free(out);
    return NULL;
}

static struct run measure(const struct embedder *m, const struct str *texts, size_t batch, int threads, int slices,
                          int64_t slice_us)
{
    pthread_t id[THREADS];
    struct run runs[THREADS];
    struct run sum = {.m = m};
    for (int i = 0; i < threads; i++) {
        runs[i] = (struct run){.m = m, .texts = texts, .batch = batch, .slices = slices, .slice_us = slice_us};
        if (pthread_create(&id[i], NULL, run_thread, &runs[i]) != 0)
            exit(1);
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(id[i], NULL);
        sum.per_second += runs[i].per_second;
        sum.per_cpu_second += runs[i].per_cpu_second / threads;
    }
    return sum;
}

static void make_texts(const struct embedder *m, size_t tokens, struct str texts[TEXTS])
{
    for (size_t i = 0; i < TEXTS; i++)
        texts[i] = text_of(m, tokens, i);
}

static void free_texts(struct str texts[TEXTS])
{
    for (size_t i = 0; i < TEXTS; i++)
        mem_free((void *)(uintptr_t)texts[i].p);
}

static void speed(const struct embedder *m, const char *precision)
{
    static const size_t tokens[] = {16, 64, 128};
    printf("{\"model\":\"%s\",\"kernels\":\"%s\",\"precision\":\"%s\"", embed_model_id(m), embed_kernels(m), precision);
    for (size_t i = 0; i < 3; i++) {
        struct str texts[TEXTS];
        make_texts(m, tokens[i], texts);
        const int64_t us = SLICE_MS * 1000;
        struct run alone = measure(m, texts, 1, 1, SLICES, us), one = measure(m, texts, 32, 1, SLICES, us),
                   two = measure(m, texts, 32, 2, SLICES, us);
        printf(
            ",\n \"tokens_%zu\":{\"one_text_a_call\":%.0f,\"one_thread\":%.0f,\"two_threads\":%.0f,\"ms_alone\":%.3f,"
            "\"per_cpu_second\":%.0f,\"per_cpu_second_alone\":%.0f}",
            tokens[i], alone.per_second, one.per_second, two.per_second, 1000 / alone.per_second, one.per_cpu_second,
            alone.per_cpu_second);
        fflush(stdout);
        free_texts(texts);
    }
    printf("}\n");
}

/* Slices in turn with others: who asks decides when each is run. */
static void ask(const struct embedder *m)
{
    size_t tokens, batch;
    int threads;
    double seconds;
    while (scanf("%zu %zu %d %lf", &tokens, &batch, &threads, &seconds) == 4) {
        struct str texts[TEXTS];
        if (tokens < 3 || tokens > 256 || batch < 1 || batch > TEXTS || threads < 1 || threads > THREADS)
            exit(1);
        make_texts(m, tokens, texts);
        struct run r = measure(m, texts, batch, threads, 1, (int64_t)(seconds * 1e6));
        printf("%.3f\n", threads == 1 ? r.per_cpu_second : r.per_second);
        fflush(stdout);
        free_texts(texts);
    }
}

/* The next text of stdin, false at its end. */
static bool next_text(struct buf *b)
{
    uint32_t n;
    buf_clear(b);
    if (fread(&n, sizeof n, 1, stdin) != 1)
        return false;
    char *room = need(buf_room(b, n + 1));
    if (fread(room, 1, n, stdin) != n)
        exit(1);
    buf_added(b, n);
    return true;
}

static void ids(const struct embedder *m)
{
    struct buf b;
    struct err e = {0};
    int32_t *out = need(mem_alloc(IDS_MAX * sizeof *out));
    buf_init(&b, 0);
    while (next_text(&b)) {
        size_t n;
        if (embed_tokenize(m, buf_view(&b), EMBED_DOCUMENT, out, IDS_MAX, &n, &e) != ERR_OK)
            die(&e);
        uint32_t count = (uint32_t)(n < IDS_MAX ? n : IDS_MAX);
        fwrite(&count, sizeof count, 1, stdout);
        fwrite(out, sizeof *out, count, stdout);
    }
    buf_release(&b);
    mem_free(out);
}

static void vectors(const struct embedder *m, enum embed_use use)
{
    struct buf b, all;
    struct str texts[TEXTS];
    size_t at[TEXTS + 1] = {0}, n = 0;
    struct err e = {0};
    float *out = need(mem_alloc(TEXTS * embed_dimensions(m) * sizeof *out));
    buf_init(&b, 0);
    buf_init(&all, 0);
    for (bool more = true; more;) {
        more = next_text(&b);
        if (more) {
            buf_put(&all, b.p, b.n);
            at[++n] = all.n;
        }
        if (n < TEXTS && more)
            continue;
        for (size_t i = 0; i < n; i++)
            texts[i] = (struct str){all.p + at[i], at[i + 1] - at[i]};
        if (embed_texts(m, texts, n, use, out, &e) != ERR_OK)
            die(&e);
        fwrite(out, sizeof *out * embed_dimensions(m), n, stdout);
        n = 0;
        buf_clear(&all);
    }
    buf_release(&b);
    buf_release(&all);
    mem_free(out);
}

/* A folder, or a packed model, whose bytes are then in *map. */
static void open_model(const char *path, const struct embed_options *o, struct embedder **m, struct str *map)
{
    struct err e = {0};
    struct stat s;
    *map = STR_NONE;
    if (stat(path, &s) == 0 && S_ISREG(s.st_mode)) {
        if (file_map(path, (size_t)s.st_size, map, &e) != ERR_OK || embed_open_packed(*map, o, m, &e) != ERR_OK)
            die(&e);
    } else if (embed_open(path, o, m, &e) != ERR_OK) {
        die(&e);
    }
}

int main(int argc, char **argv)
{
    struct embedder *m;
    struct err e = {0};
    struct str map;
    if (argc == 5 && strcmp(argv[3], "pack") == 0) {
        if (embed_pack(argv[1], argv[4], &e) != ERR_OK)
            die(&e);
        return 0;
    }
    if (argc != 4 && argc != 6) {
        fprintf(stderr, "usage: embed MODEL int8|float speed|ask|ids|vectors|queries [QUERY_PREFIX DOCUMENT_PREFIX]\n"
                        "       embed FOLDER int8 pack FILE\n");
        return 2;
    }
    struct embed_options o = {.precision = strcmp(argv[2], "float") == 0 ? EMBED_FLOAT : EMBED_INT8};
    if (argc == 6) {
        o.query_prefix = str_of(argv[4]);
        o.document_prefix = str_of(argv[5]);
    }
    int64_t start = clock_mono_us();
    open_model(argv[1], &o, &m, &map);
    fprintf(stderr, "embed: %s opened in %.0f ms\n", embed_model_id(m), (double)(clock_mono_us() - start) / 1000);
    if (strcmp(argv[3], "speed") == 0)
        speed(m, argv[2]);
    else if (strcmp(argv[3], "ask") == 0)
        ask(m);
    else if (strcmp(argv[3], "ids") == 0)
        ids(m);
    else
        vectors(m, strcmp(argv[3], "queries") == 0 ? EMBED_QUERY : EMBED_DOCUMENT);
    embed_close(m);
    file_unmap(map);
    return 0;
}
