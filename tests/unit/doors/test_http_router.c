/* The router and URL coding, without sockets. */
#include "base/arena.h"
#include "doors/http/router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct arena *a;
    struct router *rt;
};

static const struct operation OPS[] = {
    {.name = "list", .method = "GET", .path = "/api/v1/patterns"},
    {.name = "create", .method = "POST", .path = "/api/v1/patterns"},
    {.name = "get", .method = "GET", .path = "/api/v1/patterns/{id}"},
    {.name = "search", .method = "POST", .path = "/api/v1/patterns/search"},
    {.name = "used", .method = "POST", .path = "/api/v1/patterns/{id}/used"},
    {.name = "state", .method = "PUT", .path = "/api/v2/sessions/{session_id}/agents/{agent}/state"},
    {.name = "two", .method = "GET", .path = "/one /other/{name}"},
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->a = arena_new();
    f->rt = router_new();
    assert_non_null(f->rt);
    for (size_t i = 0; i < sizeof(OPS) / sizeof(OPS[0]); i++)
        assert_int_equal(router_add_op(f->rt, &OPS[i], NULL), ERR_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    router_free(f->rt);
    arena_free(f->a);
    free(f);
    return 0;
}

static struct route_match match(struct fixture *f, const char *method, const char *path)
{
    struct route_match m;
    struct err e = {0};
    assert_int_equal(router_match(f->rt, f->a, str_of(method), str_of(path), &m, &e), ERR_OK);
    return m;
}

static const char *name_of(const struct route_match *m)
{
    return m->route ? m->route->op->name : "none";
}

static void finds(void **state)
{
    static const struct {
        const char *method, *path, *name;
    } CASES[] = {
        {"GET", "/api/v1/patterns", "list"},
        {"HEAD", "/api/v1/patterns", "list"},
        {"GET", "/api/v1/patterns/", "list"},
        {"POST", "/api/v1/patterns", "create"},
        {"GET", "/api/v1/patterns/pat_1", "get"},
        {"POST", "/api/v1/patterns/search", "search"},
        {"GET", "/api/v1/patterns/search", "get"}, /* a pattern of that name */
        {"POST", "/api/v1/patterns/search/used", "used"},
        {"GET", "/one", "two"},
        {"GET", "/other/x", "two"},
        {"GET", "/api/v1/%70atterns", "list"},
        {"GET", "/other", "none"},
        {"GET", "/", "none"},
        {"GET", "/api/v1/patterns//used", "none"},
        {"get", "/one", "none"},
        {"DELETE", "/one", "none"},
        {"GET", "/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a", "none"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct route_match m = match(*state, CASES[i].method, CASES[i].path);
        assert_string_equal(name_of(&m), CASES[i].name);
    }
}

static void takes_parameters_apart(void **state)
{
    struct route_match m = match(*state, "PUT", "/api/v2/sessions/s%2F1/agents/caf%C3%A9/state");
    assert_string_equal(name_of(&m), "state");
    assert_int_equal(m.route->n_params, 2);
    assert_true(str_is(m.route->params[0], "session_id"));
    assert_true(str_is(m.values[0], "s/1"));
    assert_true(str_is(m.route->params[1], "agent"));
    assert_true(str_is(m.values[1], "caf\xc3\xa9"));
    assert_true(str_is(m.route->pattern, "/api/v2/sessions/{session_id}/agents/{agent}/state"));
}

static void knows_what_is_allowed(void **state)
{
    struct fixture *f = *state;
    struct route_match m = match(f, "DELETE", "/api/v1/patterns");
    assert_true(str_is(router_allow(f->a, m.allowed), "GET, HEAD, POST, OPTIONS"));
    /* Both what the literal path and what the parameter's path would take. */
    m = match(f, "DELETE", "/api/v1/patterns/search");
    assert_true(str_is(router_allow(f->a, m.allowed), "GET, HEAD, POST, OPTIONS"));
    m = match(f, "GET", "/nothing");
    assert_int_equal(m.allowed, 0);
}

static void refuses_doubles(void **state)
{
    struct fixture *f = *state;
    struct err e = {0};
    const struct operation again = {.name = "x", .method = "GET", .path = "/api/v1/patterns/{other}"};
    assert_int_equal(router_add_op(f->rt, &again, &e), ERR_CONFLICT);
    const struct operation odd = {.name = "x", .method = "BREW", .path = "/pot"};
    assert_int_equal(router_add_op(f->rt, &odd, NULL), ERR_INVALID);
}

static void decodes(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *in, *out;
        bool plus;
    } CASES[] = {
        {"", "", true},          {"plain", "plain", true},      {"a+b", "a b", true}, {"a+b", "a+b", false},
        {"%41%62", "Ab", false}, {"%C3%A9", "\xc3\xa9", false}, {"%", NULL, false},   {"%4", NULL, false},
        {"%zz", NULL, false},    {"%00", NULL, false},          {"%ff", NULL, false}, {"a%2", NULL, true},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct str out;
        struct err e = {0};
        enum err_code code = url_decode(f->a, str_of(CASES[i].in), CASES[i].plus, "query", &out, &e);
        assert_int_equal(code, CASES[i].out ? ERR_OK : ERR_INVALID);
        if (CASES[i].out)
            assert_true(str_is(out, CASES[i].out));
        else
            assert_string_equal(e.field, "query");
    }
}

/* Property: what is encoded decodes to itself, for any text. */
static void decodes_what_it_encodes(void **state)
{
    struct fixture *f = *state;
    unsigned seed = 7;
    for (int round = 0; round < 500; round++) {
        char text[40];
        size_t n = 0, want = (seed = seed * 1103515245u + 12345u) / 65536u % 36;
        while (n < want) {
            unsigned c = (seed = seed * 1103515245u + 12345u) / 65536u % 300;
            if (c >= 128) {
                text[n++] = (char)0xc3;
                c = 0x80 + c % 64;
            }
            text[n++] = (char)(c ? c : 1);
        }
        struct buf b;
        struct str out;
        buf_init(&b, 0);
        url_encode(&b, (struct str){text, n});
        assert_int_equal(url_decode(f->a, buf_view(&b), true, "path", &out, NULL), ERR_OK);
        assert_true(str_eq(out, (struct str){text, n}));
        buf_release(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(finds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_parameters_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(knows_what_is_allowed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_doubles, set_up, tear_down),
        cmocka_unit_test_setup_teardown(decodes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(decodes_what_it_encodes, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
