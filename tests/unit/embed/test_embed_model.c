/* The default model itself, when tools/get-model has brought it: known token ids, int8 beside float, every instruction
 * set's way through it, and meaning. Skipped, and says so, without. */
#include "unit/base/unit.h"

#include "base/file.h"
#include "embed/embed.h"

#include <math.h>
#include <stdio.h>

enum { WIDE = 384 };
static const char FOLDER[] = "build/model/all-MiniLM-L6-v2";
static struct embedder *fast, *exact;

static int setup(void **state)
{
    (void)state;
    if (!file_exists("build/model/all-MiniLM-L6-v2/model.safetensors")) {
        fprintf(stderr, "SKIPPED tests of the real model: there is none in %s, tools/get-model brings it\n", FOLDER);
        return 0;
    }
    struct err e = {0};
    struct embed_options o = {.precision = EMBED_FLOAT};
    if (embed_open(FOLDER, NULL, &fast, &e) != ERR_OK || embed_open(FOLDER, &o, &exact, &e) != ERR_OK) {
        fprintf(stderr, "%s\n", e.message);
        return -1;
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    embed_close(fast);
    embed_close(exact);
    return 0;
}

static void need_model(void)
{
    if (!fast)
        skip();
}

static double similarity(const struct embedder *m, const struct embedder *n, const char *a, const char *b)
{
    float x[WIDE], y[WIDE];
    struct str s = str_of(a), t = str_of(b);
    double sum = 0;
    assert_int_equal(embed_texts(m, &s, 1, EMBED_DOCUMENT, x, NULL), ERR_OK);
    assert_int_equal(embed_texts(n, &t, 1, EMBED_DOCUMENT, y, NULL), ERR_OK);
    for (size_t i = 0; i < WIDE; i++)
        sum += (double)x[i] * (double)y[i];
    return sum;
}

static void test_facts(void **state)
{
    (void)state;
    need_model();
    assert_int_equal(embed_dimensions(fast), WIDE);
    assert_int_equal(embed_max_tokens(fast), 256);
    assert_string_equal(embed_model_id(fast), embed_model_id(exact));
    assert_memory_equal(embed_model_id(fast), "all-MiniLM-L6-v2@", 17);
}

/* As transformers' BertTokenizerFast gives them. */
static void test_ids(void **state)
{
    (void)state;
    need_model();
    static const int32_t want[] = {101, 7592, 2088, 999, 15743, 2618, 103, 1835, 1060, 102};
    int32_t ids[16];
    size_t n;
    struct str text = STR("Hello  world! N\xC3\xA4\xC3\xAFvet\xC3\xA9 [MASK] \xE5\xB7\x9Dx");
    assert_int_equal(embed_tokenize(fast, text, EMBED_DOCUMENT, ids, 16, &n, NULL), ERR_OK);
    assert_int_equal(n, sizeof want / sizeof *want);
    assert_memory_equal(ids, want, sizeof want);
}

static void test_int8_is_near(void **state)
{
    (void)state;
    need_model();
    static const char *const texts[] = {
        "", "ok", "The cat sat on the mat.", "int main(void) { return 0; } // C",
        "We could meet on Tuesday at the harbour, if the weather holds, and then walk."};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_true(similarity(fast, exact, texts[i], texts[i]) > 0.995);
}

static void test_meaning(void **state)
{
    (void)state;
    need_model();
    double near = similarity(fast, fast, "How do I reset my password?", "I forgot my login and need a new password.");
    double far = similarity(fast, fast, "How do I reset my password?", "The glacier has been melting since June.");
    assert_true(near > 0.5 && far < 0.2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_int8_is_near),
        cmocka_unit_test(test_meaning),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
