/* The embedder as a whole, on a model of a few kilobytes: the same text gives the same vector whatever is around it,
 * windows, prefixes, types of weights, threads, and every allocation and file call failing once. */
#include "unit/embed/tiny.h"

#include <math.h>
#include <pthread.h>

static struct tiny tiny;

static int setup(void **state)
{
    (void)state;
    tiny_make(&tiny);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tiny_remove(&tiny);
    return 0;
}

static const char *const TEXTS[] = {"the river is cold",
                                    "",
                                    "running, running and running!",
                                    "a b c d e f g",
                                    "The blue river in winter. Is the river cold in winter?",
                                    "\xE5\xB7\x9D",
                                    "zzz"};
enum { N = sizeof TEXTS / sizeof *TEXTS };

static void embed(const struct embedder *m, const char *text, enum embed_use use, float *out)
{
    struct str s = str_of(text);
    struct err e = {0};
    if (embed_texts(m, &s, 1, use, out, &e) != ERR_OK)
        fail_msg("%s", e.message);
}

static double cosine(const float *a, const float *b)
{
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < TINY_HIDDEN; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return ab / sqrt(aa * bb);
}

static void test_batches_change_nothing(void **state)
{
    (void)state;
    for (int precision = EMBED_INT8; precision <= EMBED_FLOAT; precision++) {
        struct embedder *m = tiny_open(&tiny, (enum embed_precision)precision);
        enum { MANY = 60 };
        static float all[MANY][TINY_HIDDEN], alone[TINY_HIDDEN];
        struct str texts[MANY];
        for (size_t i = 0; i < MANY; i++)
            texts[i] = str_of(TEXTS[(i * i + i / 7) % N]);
        assert_int_equal(embed_texts(m, texts, MANY, EMBED_DOCUMENT, all[0], NULL), ERR_OK);
        for (size_t i = 0; i < MANY; i++) {
            embed(m, texts[i].p, EMBED_DOCUMENT, alone);
            assert_memory_equal(all[i], alone, sizeof alone);
            assert_true(fabs(cosine(alone, alone) - 1) < 1e-6);
        }
        assert_int_equal(embed_texts(m, NULL, 0, EMBED_DOCUMENT, NULL, NULL), ERR_OK);
        embed_close(m);
    }
}

static void test_int8_is_near_float(void **state)
{
    (void)state;
    struct embedder *a = tiny_open(&tiny, EMBED_INT8), *b = tiny_open(&tiny, EMBED_FLOAT);
    float x[TINY_HIDDEN], y[TINY_HIDDEN];
    assert_string_equal(embed_model_id(a), embed_model_id(b));
    assert_int_equal(embed_dimensions(a), TINY_HIDDEN);
    assert_int_equal(embed_max_tokens(a), TINY_POSITIONS);
    for (size_t i = 0; i < N; i++) {
        embed(a, TEXTS[i], EMBED_QUERY, x);
        embed(b, TEXTS[i], EMBED_QUERY, y);
        assert_true(cosine(x, y) > 0.99);
    }
    embed_close(a);
    embed_close(b);
}

static void test_types_of_weights(void **state)
{
    (void)state;
    static const char *const dtypes[] = {"F16", "BF16", "F32"}, *const prefixes[] = {"", "", "bert."};
    struct embedder *whole = tiny_open(&tiny, EMBED_FLOAT);
    for (size_t i = 0; i < 3; i++) {
        struct buf b;
        float x[TINY_HIDDEN], y[TINY_HIDDEN];
        char id[EMBED_ID_MAX];
        strcpy(id, embed_model_id(whole));
        embed(whole, TEXTS[0], EMBED_DOCUMENT, x);
        tiny_weights(&b, dtypes[i], prefixes[i]);
        tiny_write(&tiny, "model.safetensors", b.p, b.n); /* renamed into place: `whole` keeps the old one */
        buf_release(&b);
        struct embedder *m = tiny_open(&tiny, EMBED_FLOAT);
        embed(m, TEXTS[0], EMBED_DOCUMENT, y);
        assert_true(cosine(x, y) > (i == 2 ? 0.999999 : 0.99));
        assert_string_not_equal(embed_model_id(m), id);
        embed_close(m);
    }
    embed_close(whole);
    struct buf b;
    tiny_weights(&b, "F32", "");
    tiny_write(&tiny, "model.safetensors", b.p, b.n);
    buf_release(&b);
}

/* 60 tokens in windows of 30: at 0, 23 and, moved back, 30. */
static void test_windows(void **state)
{
    (void)state;
    struct embedder *m = tiny_open(&tiny, EMBED_FLOAT);
    char text[121], part[121];
    float whole[TINY_HIDDEN], one[TINY_HIDDEN];
    double sum[TINY_HIDDEN] = {0};
    static const size_t starts[] = {0, 23, 30};
    for (size_t i = 0; i < 60; i++)
        memcpy(text + 2 * i, (const char[]){(char)('a' + (i * i + i / 5) % 7), ' '}, 2);
    text[120] = '\0';
    embed(m, text, EMBED_DOCUMENT, whole);
    for (size_t w = 0; w < 3; w++) {
        snprintf(part, sizeof part, "%.60s", text + 2 * starts[w]);
        embed(m, part, EMBED_DOCUMENT, one);
        for (size_t i = 0; i < TINY_HIDDEN; i++)
            sum[i] += (double)one[i];
    }
    float mean[TINY_HIDDEN];
    for (size_t i = 0; i < TINY_HIDDEN; i++)
        mean[i] = (float)(sum[i] / 3);
    assert_true(cosine(whole, mean) > 0.9999999);
    assert_true(cosine(whole, one) < 0.9999);
    embed_close(m);
}

static void test_endless_text(void **state)
{
    (void)state;
    struct embedder *m = tiny_open(&tiny, EMBED_INT8);
    enum { LONG = 1 << 20 };
    char *text = mem_alloc(LONG);
    float v[TINY_HIDDEN];
    size_t n;
    for (size_t i = 0; i < LONG; i++)
        text[i] = i % 3 ? 'a' : '.';
    assert_int_equal(embed_texts(m, &(struct str){text, LONG}, 1, EMBED_DOCUMENT, v, NULL), ERR_OK);
    assert_int_equal(embed_tokenize(m, (struct str){text, LONG}, EMBED_DOCUMENT, NULL, 0, &n, NULL), ERR_OK);
    assert_int_equal(n, EMBED_WINDOWS_MAX * (TINY_POSITIONS - 2) + 2);
    mem_free(text);
    embed_close(m);
}

static void test_prefixes(void **state)
{
    (void)state;
    struct embedder *m = NULL, *plain = tiny_open(&tiny, EMBED_FLOAT);
    struct embed_options o = {.precision = EMBED_FLOAT, .query_prefix = STR("query: ")};
    float x[TINY_HIDDEN], y[TINY_HIDDEN];
    int32_t ids[8];
    size_t n;
    assert_int_equal(embed_open(tiny.dir, &o, &m, NULL), ERR_OK);
    assert_string_not_equal(embed_model_id(m), embed_model_id(plain));
    embed(m, "the river", EMBED_QUERY, x);
    embed(plain, "query: the river", EMBED_DOCUMENT, y);
    assert_memory_equal(x, y, sizeof x);
    embed(m, "the river", EMBED_DOCUMENT, x);
    embed(plain, "the river", EMBED_QUERY, y);
    assert_memory_equal(x, y, sizeof x);
    assert_int_equal(embed_tokenize(m, STR("the river"), EMBED_QUERY, ids, 3, &n, NULL), ERR_OK);
    assert_int_equal(n, 6); /* [CLS] query : the river [SEP] */
    assert_int_equal(ids[0], 2);
    assert_int_equal(ids[1], 26);
    embed_close(m);
    char big[1025];
    memset(big, 'a', sizeof big);
    o.query_prefix = (struct str){big, sizeof big};
    struct err e = {0};
    assert_int_equal(embed_open(tiny.dir, &o, &m, &e), ERR_INVALID);
    assert_string_equal(e.field, "prefix");
    assert_null(m);
    o.query_prefix = STR("a a a a a a a a a a a a a a a a a a a a "); /* more than half a window */
    assert_int_equal(embed_open(tiny.dir, &o, &m, NULL), ERR_INVALID);
    embed_close(plain);
}

/* A long text's windows each begin with the prefix. */
static void test_prefix_in_windows(void **state)
{
    (void)state;
    struct embedder *m = NULL, *plain = tiny_open(&tiny, EMBED_FLOAT);
    struct embed_options o = {.precision = EMBED_FLOAT, .document_prefix = STR("query: ")};
    char text[80], part[100];
    float whole[TINY_HIDDEN], one[TINY_HIDDEN], mean[TINY_HIDDEN] = {0};
    assert_int_equal(embed_open(tiny.dir, &o, &m, NULL), ERR_OK);
    for (size_t i = 0; i < 40; i++)
        memcpy(text + 2 * i, (const char[]){(char)('a' + i * i % 7), ' '}, 2);
    text[79] = '\0';
    embed(m, text, EMBED_DOCUMENT, whole); /* 40 tokens in windows of 28: at 0 and at 12 */
    for (size_t start = 0; start <= 12; start += 12) {
        snprintf(part, sizeof part, "query: %.56s", text + 2 * start);
        embed(plain, part, EMBED_DOCUMENT, one);
        for (size_t i = 0; i < TINY_HIDDEN; i++)
            mean[i] += one[i] / 2;
    }
    assert_true(cosine(whole, mean) > 0.9999999);
    embed_close(m);
    embed_close(plain);
}

static void refused(const char *file, const char *text, enum err_code code, const char *word)
{
    struct embedder *m = (struct embedder *)1;
    struct err e = {0};
    struct buf before;
    char path[128];
    snprintf(path, sizeof path, "%s/%s", tiny.dir, file);
    buf_init(&before, 0);
    assert_int_equal(file_read_all(path, 1 << 20, &before, NULL), ERR_OK);
    if (text)
        tiny_text(&tiny, file, text);
    else
        assert_int_equal(unlink(path), 0);
    assert_int_equal(embed_open(tiny.dir, NULL, &m, &e), code);
    assert_null(m);
    if (!strstr(e.message, word))
        fail_msg("%s: \"%s\" should say \"%s\"", file, e.message, word);
    tiny_write(&tiny, file, before.p, before.n);
    buf_release(&before);
}

static void test_missing_and_broken(void **state)
{
    (void)state;
    struct embedder *m;
    struct err e = {0};
    assert_int_equal(embed_open("/tmp/cairn-no-model", NULL, &m, &e), ERR_NOT_FOUND);
    assert_non_null(strstr(e.message, "there is no model in /tmp/cairn-no-model"));
    refused("config.json", NULL, ERR_NOT_FOUND, "config.json");
    refused("vocab.txt", NULL, ERR_NOT_FOUND, "vocab.txt");
    refused("model.safetensors", NULL, ERR_NOT_FOUND, "model.safetensors");
    refused("1_Pooling/config.json", NULL, ERR_NOT_FOUND, "1_Pooling");
    refused("model.safetensors", "", ERR_INVALID, "safetensors");
    refused("model.safetensors", "not at all a model", ERR_INVALID, "safetensors");
    refused("vocab.txt", "a\nb\n", ERR_INVALID, "lacks");
    refused("vocab.txt", "", ERR_INVALID, "lacks");
}

/* The weights' file with any tensor's entry spoilt: an error, never a crash. */
static void test_spoilt_headers(void **state)
{
    (void)state;
    struct buf b;
    uint64_t seed = 5, length;
    tiny_weights(&b, "F32", "");
    memcpy(&length, b.p, sizeof length);
    for (int round = 0; round < 300; round++) {
        size_t at = 8 + random_below(&seed, length);
        char was = b.p[at];
        b.p[at] = "0123456789[],:\"x"[random_below(&seed, 16)];
        tiny_write(&tiny, "model.safetensors", b.p, b.n);
        struct embedder *m = NULL;
        struct err e = {0};
        enum err_code rc = embed_open(tiny.dir, &(struct embed_options){.precision = EMBED_FLOAT}, &m, &e);
        assert_true(rc == ERR_OK ? m != NULL : rc == ERR_INVALID && e.message[0]);
        embed_close(m);
        b.p[at] = was;
    }
    tiny_write(&tiny, "model.safetensors", b.p, b.n);
    buf_release(&b);
}

/* Weights that are no numbers give an error, not a vector of them. */
static void test_no_numbers(void **state)
{
    (void)state;
    struct buf b;
    uint64_t length;
    float v[TINY_HIDDEN];
    tiny_weights(&b, "F32", "");
    memcpy(&length, b.p, sizeof length);
    memset(b.p + 8 + length, 0xFF, TINY_VOCAB * TINY_HIDDEN * 4);
    tiny_write(&tiny, "model.safetensors", b.p, b.n);
    struct embedder *m = tiny_open(&tiny, EMBED_FLOAT);
    assert_int_equal(embed_texts(m, &STR("river"), 1, EMBED_QUERY, v, NULL), ERR_CORRUPT);
    embed_close(m);
    buf_release(&b);
    tiny_weights(&b, "F32", "");
    tiny_write(&tiny, "model.safetensors", b.p, b.n);
    buf_release(&b);
}

struct work {
    const struct embedder *m;
    const float (*want)[TINY_HIDDEN];
    bool same;
};

static void *thread(void *arg)
{
    struct work *w = arg;
    float v[TINY_HIDDEN];
    w->same = true;
    for (size_t i = 0; i < 300; i++) {
        struct str s = str_of(TEXTS[i % N]);
        w->same &=
            embed_texts(w->m, &s, 1, EMBED_DOCUMENT, v, NULL) == ERR_OK && memcmp(v, w->want[i % N], sizeof v) == 0;
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    enum { THREADS = 10 }; /* more than the pool keeps */
    struct embedder *m = tiny_open(&tiny, EMBED_INT8);
    float want[N][TINY_HIDDEN];
    pthread_t id[THREADS];
    struct work works[THREADS];
    for (size_t i = 0; i < N; i++)
        embed(m, TEXTS[i], EMBED_DOCUMENT, want[i]);
    for (size_t i = 0; i < THREADS; i++) {
        works[i] = (struct work){m, (const float(*)[TINY_HIDDEN])want, false};
        assert_int_equal(pthread_create(&id[i], NULL, thread, &works[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(id[i], NULL);
        assert_true(works[i].same);
    }
    embed_close(m);
}

static void test_faults(void **state)
{
    (void)state;
    struct str texts[] = {STR("the river"), STR("query: in winter")};
    struct embed_options o = {.query_prefix = STR("query: ")};
    float v[2 * TINY_HIDDEN];
    int failures = 0;
    for (int64_t n = 0;; n++) {
        struct embedder *m = NULL;
        struct err e = {0};
        mem_fail_after(n, false);
        enum err_code rc = embed_open(tiny.dir, &o, &m, &e);
        if (rc == ERR_OK)
            rc = embed_texts(m, texts, 2, EMBED_QUERY, v, &e);
        bool hit = mem_fail_hit();
        mem_fail_after(-1, false);
        embed_close(m);
        if (!hit) {
            assert_int_equal(rc, ERR_OK);
            break;
        }
        assert_true(rc == ERR_NOMEM || rc == ERR_IO);
        assert_true(e.message[0] != '\0');
        failures++;
    }
    assert_true(failures > 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batches_change_nothing),
        cmocka_unit_test(test_int8_is_near_float),
        cmocka_unit_test(test_types_of_weights),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_endless_text),
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_prefix_in_windows),
        cmocka_unit_test(test_missing_and_broken),
        cmocka_unit_test(test_spoilt_headers),
        cmocka_unit_test(test_no_numbers),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
