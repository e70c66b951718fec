/* The gate: everything passes at once but the line "data: [DONE]". */
#include "unit/base/unit.h"

#include "doors/proxy/gate.h"

#include <string.h>

/* Feeds in pieces of `step`; out gets what passed, and rest what was not looked at. */
static void run(const char *bytes, size_t step, struct gate *g, struct buf *out, size_t *rest)
{
    size_t n = strlen(bytes);
    *g = (struct gate){0};
    *rest = 0;
    for (size_t i = 0; i < n && !g->closed; i += step) {
        struct str piece = {bytes + i, n - i < step ? n - i : step};
        size_t seen = gate_pass(g, piece, out);
        *rest = n - i - seen;
    }
}

static void expect(const char *bytes, const char *passed, const char *held, bool closed, size_t left)
{
    for (size_t step = 1; step <= strlen(bytes); step++) {
        struct gate g;
        struct buf out;
        size_t rest;
        buf_init(&out, 0);
        run(bytes, step, &g, &out, &rest);
        assert_int_equal(g.closed, closed);
        assert_int_equal(out.n, strlen(passed));
        assert_memory_equal(out.p ? out.p : "", passed, out.n);
        assert_int_equal(gate_held(&g).n, strlen(held));
        assert_memory_equal(gate_held(&g).p, held, strlen(held));
        if (closed)
            assert_int_equal(rest, left);
        buf_release(&out);
    }
}

static void test_done_is_held(void **state)
{
    (void)state;
    expect("data: {\"a\":1}\n\ndata: [DONE]\n\n", "data: {\"a\":1}\n\n", "data: [DONE]", true, 2);
    expect("data:[DONE]\r\n\r\n", "", "data:[DONE]", true, 4);
    expect(": x\r\ndata: [DONE]", ": x\r\n", "data: [DONE]", true, 0);
}

static void test_others_pass(void **state)
{
    (void)state;
    expect("data: [DON\n\n", "data: [DON\n\n", "", false, 0);
    expect("data:  [DONE]\n", "data:  [DONE]\n", "", false, 0);
    expect("xdata: [DONE]\n", "xdata: [DONE]\n", "", false, 0);
    expect("data: \"data: [DONE]\"\n", "data: \"data: [DONE]\"\n", "", false, 0);
    expect("datadata: [DONE]\n", "datadata: [DONE]\n", "", false, 0);
}

static void test_start_of_the_line_is_held_until_it_is_clear(void **state)
{
    (void)state;
    expect("data: a\n\ndata: [", "data: a\n\n", "data: [", false, 0);
    expect("data", "", "data", false, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_done_is_held),
        cmocka_unit_test(test_others_pass),
        cmocka_unit_test(test_start_of_the_line_is_held_until_it_is_clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
