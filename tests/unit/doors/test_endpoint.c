/* What an embeddings endpoint answers: taken when it is n whole vectors, refused in every other case. */
#include "unit/base/unit.h"

#include "base/mem.h"
#include "doors/proxy/endpoint.h"
#include "doors/proxy/endpoint_int.h"

#include <math.h>
#include <string.h>

static float out[ENCODER_DIMENSIONS_MAX];

static enum err_code read_answer(const char *text, size_t n, size_t dimensions, struct endpoint_answer *a)
{
    struct err e = {0};
    *a = (struct endpoint_answer){.out = out, .dimensions = dimensions};
    enum err_code code = endpoint_read(str_of(text), n, a, &e);
    assert_int_equal(code, e.code);
    return code;
}

static void vectors_come_in_their_places_and_of_length_one(void **state)
{
    struct endpoint_answer a;
    (void)state;
    assert_int_equal(read_answer("{\"data\":[{\"index\":1,\"embedding\":[3,4]},{\"index\":0,\"embedding\":[0.0,-2]}],"
                                 "\"usage\":{\"prompt_tokens\":7}}",
                                 2, 2, &a),
                     ERR_OK);
    assert_true(out[0] == 0 && out[1] == -1);
    assert_true(fabsf(out[2] - 0.6f) < 1e-6f && fabsf(out[3] - 0.8f) < 1e-6f);
    assert_int_equal(a.tokens, 7);
    /* some servers number nothing and count nothing */
    assert_int_equal(read_answer("{\"data\":[{\"embedding\":[1,0]},{\"embedding\":[0,1]}]}", 2, 2, &a), ERR_OK);
    assert_true(out[0] == 1 && out[3] == 1);
    assert_int_equal(a.tokens, 0);
}

static void the_first_answer_tells_the_length(void **state)
{
    struct endpoint_answer a;
    (void)state;
    assert_int_equal(read_answer("{\"data\":[{\"index\":0,\"embedding\":[1,1,1,1]}]}", 1, 0, &a), ERR_OK);
    assert_int_equal(a.dimensions, 4);
}

static void anything_else_is_refused(void **state)
{
    static const char *const WRONG[] = {
        "",
        "not JSON",
        "[]",
        "{}",
        "{\"data\":{}}",
        "{\"data\":[]}",
        "{\"data\":[{\"index\":0,\"embedding\":[1,0]}]}",                                              /* too few */
        "{\"data\":[{\"index\":0,\"embedding\":[1,0]},{\"index\":0,\"embedding\":[1,0]}]}",            /* twice */
        "{\"data\":[{\"index\":0,\"embedding\":[1,0]},{\"index\":2,\"embedding\":[1,0]}]}",            /* beyond */
        "{\"data\":[{\"index\":0,\"embedding\":[1,0]},{\"index\":-1,\"embedding\":[1,0]}]}",           /* below */
        "{\"data\":[{\"index\":0,\"embedding\":[1,0]},{\"index\":1,\"embedding\":[1,0,0]}]}",          /* longer */
        "{\"data\":[{\"index\":0,\"embedding\":[1,0]},{\"index\":1,\"embedding\":[]}]}",               /* none */
        "{\"data\":[{\"index\":0,\"embedding\":[1,0]},{\"index\":1,\"embedding\":[1,\"0\"]}]}",        /* text */
        "{\"data\":[{\"index\":0,\"embedding\":[1,0]},{\"index\":1,\"embedding\":[0,0]}]}",            /* no way */
        "{\"data\":[{\"index\":0,\"embedding\":[1,0]},{\"index\":1,\"embedding\":[1e200,1e200]}]}",    /* too far */
        "{\"data\":[{\"index\":0,\"embedding\":[1,0]},{\"index\":1,\"embedding\":\"AACAPwAAAAA=\"}]}", /* base64 */
        "{\"data\":[{\"index\":0,\"embedding\":[1,0]},{\"index\":1}]}",
    };
    struct endpoint_answer a;
    (void)state;
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++)
        if (read_answer(WRONG[i], 2, 2, &a) != ERR_UNAVAILABLE)
            fail_msg("taken: %s", WRONG[i]);
}

static void out_of_memory_is_told(void **state)
{
    struct endpoint_answer a;
    (void)state;
    for (int n = 0;; n++) {
        mem_fail_after(n, false);
        enum err_code code = read_answer("{\"data\":[{\"index\":0,\"embedding\":[1,1]}]}", 1, 2, &a);
        bool hit = mem_fail_hit();
        mem_fail_after(-1, false);
        assert_int_equal(code, hit ? ERR_NOMEM : ERR_OK);
        if (!hit)
            break;
    }
}

/* An address that can never be right is told at once, and without asking anybody. */
static void addresses_are_checked(void **state)
{
    static const char *const WRONG[] = {"",          "ftp://x", "http://", "http://u:p@host/v1", "http://h/v1?x=1",
                                        "http://a b"};
    (void)state;
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        struct err e = {0};
        struct encoder *c = NULL;
        struct endpoint at = {.url = WRONG[i], .model = "m"};
        assert_int_equal(endpoint_dial(&at, &c, &e), ERR_INVALID);
        assert_null(c);
        assert_string_equal(e.field, "embedding.url");
    }
}

static void nobody_there(void **state)
{
    (void)state;
    for (int n = -1; n < 12; n++) { /* with memory, and when the n-th allocation fails */
        struct err e = {0};
        struct encoder *c = NULL;
        struct endpoint at = {.url = "http://127.0.0.1:1/v1", .model = "m", .key = "secret", .timeout_ms = 5000};
        mem_fail_after(n, false);
        enum err_code code = endpoint_dial(&at, &c, &e);
        bool hit = mem_fail_hit();
        mem_fail_after(-1, false);
        assert_int_equal(code, hit ? ERR_NOMEM : ERR_UNAVAILABLE);
        assert_null(c);
        assert_null(strstr(e.message, "secret"));
        assert_null(strstr(e.message, "127.0.0.1"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_come_in_their_places_and_of_length_one),
        cmocka_unit_test(the_first_answer_tells_the_length),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(out_of_memory_is_told),
        cmocka_unit_test(addresses_are_checked),
        cmocka_unit_test(nobody_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
