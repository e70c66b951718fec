/* The operation embed over a service that has a model and nothing else, with a model of a few kilobytes: shapes, what
 * is refused, and every allocation failing in turn. How HTTP, the command line and OpenAI's clients see it: e2e. */
#include "unit/embed/tiny.h"

#include "base/json.h"
#include "config/config.h"
#include "search/meaning.h"
#include "service/embeddings.h"
#include "service/service.h"

#include <math.h>

struct world {
    struct tiny tiny;
    struct service *svc;
    struct arena *arena;
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct err e = {0};
    const struct config *config = NULL;
    tiny_make(&w->tiny);
    w->arena = arena_new();
    const struct config_flag model = {STR("search.model"), str_of(w->tiny.dir)};
    assert_int_equal(config_load_inside(w->arena, NULL, &model, 1, &config, &e), ERR_OK);
    struct service_options o = {.dir = "/nonexistent", .config = config, .model_only = true};
    assert_int_equal(service_open(&o, &w->svc, &e), ERR_OK);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    service_close(w->svc);
    operations_free();
    arena_free(w->arena);
    tiny_remove(&w->tiny);
    free(w);
    return 0;
}

/* The answer's tree is in the world's arena; NULL where it failed. */
static const struct json *embed(struct world *w, const char *body, struct err *e)
{
    struct buf b;
    struct json_out out;
    const struct json *answer = NULL;
    struct arena *a = arena_new();
    buf_init(&b, 0);
    jw_init(&out, &b);
    struct op_call call = {.svc = w->svc, .op = operation_find("embed"), .arena = a, .out = &out};
    const struct op_input in = {.body = str_of(body)};
    enum err_code code = a ? op_bind(&call, &in, e) : err_nomem(e);
    if (!code)
        code = op_run(&call, e);
    assert_int_equal(code, e->code);
    if (!code)
        assert_int_equal(json_parse(w->arena, arena_str(w->arena, buf_view(&b)), 0, &answer, NULL), ERR_OK);
    buf_release(&b);
    arena_free(a);
    return answer;
}

static void texts_get_vectors_in_their_order(void **state)
{
    struct err e = {0};
    struct world *w = *state;
    const struct json *both = embed(w, "{\"input\":[\"the river\",\"blue in winter\"],\"model\":\"cairn\"}", &e);
    const struct json *one = embed(w, "{\"input\":\"blue in winter\"}", &e);
    assert_true(both && one);
    const struct json *data = json_get_type(both, "data", JSON_ARRAY);
    assert_int_equal(data->n, 2);
    const struct json *second = json_get_type(&data->items[1], "embedding", JSON_ARRAY);
    assert_int_equal(second->n, TINY_HIDDEN);
    const struct json *alone = json_get(&json_get(one, "data")->items[0], "embedding");
    assert_true(str_eq(second->raw, alone->raw));
    double sum = 0;
    for (size_t i = 0; i < second->n; i++)
        sum += second->items[i].number * second->items[i].number;
    assert_true(fabs(sum - 1) < 1e-5);
    assert_int_equal(json_get(json_get(one, "usage"), "prompt_tokens")->integer, 5); /* [CLS] … [SEP] */
}

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *body, *field;
        enum err_code code;
    } cases[] = {
        {"{}", "input", ERR_INVALID},
        {"{\"input\":[]}", "input", ERR_INVALID},
        {"{\"input\":7}", "input", ERR_INVALID},
        {"{\"input\":[[1,2]]}", "input", ERR_INVALID},
        {"{\"input\":null}", "input", ERR_INVALID},
        {"{\"input\":\"x\",\"dimensions\":25}", "dimensions", ERR_INVALID},
        {"{\"input\":\"x\",\"encoding_format\":\"hex\"}", "encoding_format", ERR_INVALID},
        {"{\"input\":\"x\",\"model\":\"other\"}", "model", ERR_NOT_FOUND},
        {"{\"input\":\"x\",\"more\":1}", "more", ERR_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err e = {0};
        assert_null(embed(*state, cases[i].body, &e));
        assert_int_equal(e.code, cases[i].code);
        assert_string_equal(e.field, cases[i].field);
    }
}

static void whose_model_it_is(void **state)
{
    struct err e = {0};
    struct world *w = *state;
    struct meaning *m = w->svc->meaning;
    assert_true(embeddings_ours(m, STR("cairn")));
    assert_false(embeddings_ours(NULL, STR("cairn")));
    assert_false(embeddings_ours(m, STR("")));
    assert_int_equal(meaning_wait(m, 0, &e), ERR_OK);
    assert_true(embeddings_ours(m, meaning_name(m)));
    assert_false(embeddings_ours(m, STR("cairn2")));
}

/* Every allocation once: an error that says so, no answer by half, and the next request is as good as ever. */
static void out_of_memory_is_an_error_and_no_more(void **state)
{
    struct world *w = *state;
    static const char body[] = "{\"input\":[\"the river\",\"b\"],\"encoding_format\":\"base64\"}";
    int n = 0;
    for (bool hit = true; hit; n++) {
        struct err e = {0};
        mem_fail_after(n, false);
        const struct json *answer = embed(w, body, &e);
        hit = mem_fail_hit();
        mem_fail_after(-1, false);
        if (hit && !answer) /* some may fail and be made good: a model that was not opened says so */
            assert_true(e.code == ERR_NOMEM || e.code == ERR_UNAVAILABLE);
        else
            assert_non_null(answer);
    }
    assert_true(n > 10);
}

static void without_a_model_it_says_what_to_do(void **state)
{
    struct err e = {0};
    struct world *w = *state;
    const struct config *config = NULL;
    struct service *kept = w->svc;
    const struct config_flag off = {STR("search.model"), STR("off")};
    assert_int_equal(config_load_inside(w->arena, NULL, &off, 1, &config, &e), ERR_OK);
    struct service_options o = {.dir = "/nonexistent", .config = config, .model_only = true};
    assert_int_equal(service_open(&o, &w->svc, &e), ERR_OK);
    assert_null(embed(w, "{\"input\":\"x\"}", &e));
    assert_int_equal(e.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(e.message, "CAIRN_MODEL"));
    service_close(w->svc);
    w->svc = kept;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(texts_get_vectors_in_their_order), T(what_is_wrong_is_named), T(whose_model_it_is),
        T(out_of_memory_is_an_error_and_no_more), T(without_a_model_it_says_what_to_do)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
