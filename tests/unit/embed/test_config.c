/* What the folder's JSON files may say, and the errors for what they may not. */
#include "unit/embed/tiny.h"

#include "embed/config.h"

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

/* With `text` as the file: an error whose message has `word`, or none (word NULL). The file is put back after. */
static void with(const char *file, const char *text, const char *before, const char *word)
{
    struct arena *a = arena_new();
    struct model_config c;
    struct err e = {0};
    tiny_text(&tiny, file, text);
    enum err_code rc = config_read(tiny.dir, a, &c, &e);
    if (word ? rc != ERR_INVALID || !strstr(e.message, word) : rc != ERR_OK)
        fail_msg("%s = %s: code %d, \"%s\" should say \"%s\"", file, text, (int)rc, e.message, word ? word : "nothing");
    assert_true(!word || e.field[0]);
    arena_free(a);
    tiny_text(&tiny, file, before);
}

static void test_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *word;
    } cases[] = {
        {"\"hidden_size\":24", "\"hidden_size\":0", "hidden_size"},
        {"\"hidden_size\":24", "\"hidden_size\":-24", "hidden_size"},
        {"\"hidden_size\":24", "\"hidden_size\":1000000", "from 1 to 4096"},
        {"\"hidden_size\":24", "\"hidden_size\":24.5", "hidden_size"},
        {"\"hidden_size\":24", "\"hidden_size\":\"24\"", "hidden_size"},
        {"\"hidden_size\":24", "\"hidden_size\":26", "of 4"},
        {"\"num_attention_heads\":2", "\"num_attention_heads\":5", "multiple"},
        {"\"num_hidden_layers\":2", "\"num_hidden_layers\":9999", "num_hidden_layers"},
        {"\"intermediate_size\":36", "\"intermediate_size\":37", "of 4"},
        {"\"vocab_size\":40", "\"vocab_size\":99999999", "vocab_size"},
        {"\"max_position_embeddings\":32", "\"max_position_embeddings\":4", "max_position_embeddings"},
        {"\"max_position_embeddings\":32", "\"max_position_embeddings\":1e300", "max_position_embeddings"},
        {"\"layer_norm_eps\":1e-12", "\"layer_norm_eps\":-1", "layer_norm_eps"},
        {"\"hidden_act\":\"gelu\"", "\"hidden_act\":\"relu\"", "relu"},
        {"\"model_type\":\"bert\"", "\"model_type\":\"roberta\"", "roberta"},
        {"\"type_vocab_size\":2", "\"type_vocab_size\":2,\"position_embedding_type\":\"relative_key\"", "relative_key"},
        {"{", "", "config.json is not valid"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        const char *at = strstr(TINY_CONFIG, cases[i].from);
        assert_non_null(at);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - TINY_CONFIG), TINY_CONFIG, cases[i].to,
                 at + strlen(cases[i].from));
        with("config.json", text, TINY_CONFIG, cases[i].word);
    }
    with("config.json", "[]", TINY_CONFIG, "hidden_size");
}

#define MODULE(type, path) "[{\"type\":\"" type "\",\"path\":\"" path "\"}]"

static void test_modules(void **state)
{
    (void)state;
    with("modules.json", "{}", TINY_MODULES, "array");
    with("modules.json", "[5]", TINY_MODULES, "type");
    with("modules.json", MODULE("x.Dense", "2_Dense"), TINY_MODULES, "x.Dense");
    with("modules.json", MODULE("x.Pooling", "../1_Pooling"), TINY_MODULES, "path");
    with("modules.json", MODULE("x.Pooling", "a/../../b"), TINY_MODULES, "path");
    with("modules.json", MODULE("x.Pooling", "/etc"), TINY_MODULES, "path");
    with("modules.json", MODULE("x.Pooling", "a\\u0000"), TINY_MODULES, "path");
    with("modules.json", "[]", TINY_MODULES, NULL);
}

static void test_pooling(void **state)
{
    (void)state;
    const char *file = "1_Pooling/config.json";
    with(file, "{\"pooling_mode_cls_token\":true}", TINY_POOLING, NULL);
    with(file, "{\"pooling_mode\":\"cls\"}", TINY_POOLING, NULL);
    with(file, "{\"pooling_mode\":\"lasttoken\"}", TINY_POOLING, "either");
    with(file, "{\"pooling_mode_cls_token\":true,\"pooling_mode_mean_tokens\":true}", TINY_POOLING, "either");
    with(file, "{\"pooling_mode_max_tokens\":true}", TINY_POOLING, "pooling_mode_max_tokens");
    with(file, "{\"pooling_mode_mean_tokens\":true,\"include_prompt\":false}", TINY_POOLING, "include_prompt");
}

static void test_tokens_and_prompts(void **state)
{
    (void)state;
    with("sentence_bert_config.json", "{\"max_seq_length\":3}", "{}", "max_seq_length");
    with("sentence_bert_config.json", "{\"max_seq_length\":-3}", "{}", "max_seq_length");
    struct arena *a = arena_new();
    struct model_config c;
    tiny_text(&tiny, "sentence_bert_config.json", "{\"max_seq_length\":16}");
    tiny_text(&tiny, "config_sentence_transformers.json",
              "{\"prompts\":{\"query\":\"query: \",\"document\":\"\",\"passage\":\"the \"}}");
    assert_int_equal(config_read(tiny.dir, a, &c, NULL), ERR_OK);
    assert_int_equal(c.max_tokens, 16);
    assert_str(c.query_prefix, "query: ");
    assert_str(c.document_prefix, "the ");
    assert_true(c.normalise && !c.cls);
    tiny_text(&tiny, "sentence_bert_config.json", "{\"max_seq_length\":4096}");
    assert_int_equal(config_read(tiny.dir, a, &c, NULL), ERR_OK);
    assert_int_equal(c.max_tokens, TINY_POSITIONS);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_modules),
        cmocka_unit_test(test_pooling),
        cmocka_unit_test(test_tokens_and_prompts),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
