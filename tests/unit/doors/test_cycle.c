/* The three-turn cycle in one process: memory fails at many places in turn, the upstream is late, the proxy stops in
 * the middle. What users see of all the rest is in tests/e2e. */
#include "proxy_fixture.h"

enum { PLACES_MAX = 3000, CLEAN_RUNS = 3, RUNS_A_PLACE = 8 };

#define CYCLE "/api/v2/cycle"
#define DIRECTIVE "\"directive\":\"Say hello.\""

/* What an answer says is stored, is; and what is whole holds all three parts. */
static void check_answer(struct place *p, const struct answer *a, bool streamed)
{
    char conversation[64], request[256];
    const char *id = a->body ? strstr(a->body, "\"conversation_id\":\"") : NULL;
    bool ended = a->body && strstr(a->body, streamed ? "event: cycle.end" : "\"review\":{");
    if (a->status != 200 || !a->whole) {
        assert_true(a->status == 0 || a->status == 200 || (a->status >= 500 && a->status <= 504));
        return;
    }
    assert_true(ended || strstr(a->body, "event: error"));
    if (!ended || !strstr(a->body, "\"turns_stored\":4") || !id)
        return;
    assert_int_equal(sscanf(id, "\"conversation_id\":\"%63[^\"]\"", conversation), 1);
    snprintf(request, sizeof request, "GET /api/v2/conversations/%s HTTP/1.1\r\n" HOST "\r\n", conversation);
    struct answer stored = ask(p->port, request);
    assert_int_equal(stored.status, 200);
    assert_non_null(strstr(stored.body, "\"turn_number\":4"));
    assert_null(strstr(stored.body, "\"turn_number\":5"));
    answer_free(&stored);
}

/* Each place costs a cycle with its four writes, so where there is memory only some are tried. */
static void survives(const char *body, int step)
{
    struct place *p = NULL;
    bool streamed = strstr(body, "\"stream\":true");
    int place = 0, clean = 0;
    for (int run = 0; clean < CLEAN_RUNS; place += step, run++) {
        assert_true(place < PLACES_MAX);
        if (run % RUNS_A_PLACE == 0)
            p = fresh_place(p);
        mem_fail_after(place, false);
        struct answer a = post(p->port, CYCLE, body);
        bool hit = mem_fail_hit();
        mem_fail_after(-1, false);
        check_answer(p, &a, streamed);
        clean = hit ? 0 : clean + 1;
        answer_free(&a);
    }
    struct answer a = post(p->port, CYCLE, body);
    assert_int_equal(a.status, 200);
    assert_true(a.whole);
    check_answer(p, &a, streamed);
    answer_free(&a);
    assert_true(place > 30);
    place_free(p);
}

static void memory_may_fail_anywhere(void **state)
{
    (void)state;
    survives("{\"model\":\"m\"," DIRECTIVE "}", 1);
    survives("{\"session_id\":\"s\",\"model\":\"m\"," DIRECTIVE "}", 7);
    survives("{\"session_id\":\"s\",\"model\":\"m\",\"stream\":true," DIRECTIVE "}", 7);
}

static void a_silent_upstream_is_late(void **state)
{
    (void)state;
    struct place *p = place_new((struct proxy_options){.total_timeout_ms = 200});
    struct answer a = post(p->port, CYCLE, "{\"session_id\":\"s\",\"model\":\"silent\"," DIRECTIVE "}");
    assert_int_equal(a.status, 504);
    assert_non_null(strstr(a.body, "\"error\":{\"code\":\"UPSTREAM_TIMEOUT\""));
    assert_non_null(strstr(a.body, "\"part\":\"analysis\",\"status\":504"));
    assert_non_null(strstr(a.body, "\"turns_stored\":1"));
    answer_free(&a);
    a = post(p->port, CYCLE, "{\"session_id\":\"s\",\"model\":\"stall\",\"stream\":true," DIRECTIVE "}");
    assert_int_equal(a.status, 200);
    assert_true(a.whole);
    assert_non_null(strstr(a.body, "event: error"));
    assert_non_null(strstr(a.body, "\"analysis\":{\"agent\":\"beatrice\",\"content\":\"Hello you\""));
    answer_free(&a);
    place_free(p);
}

/* An answer that never ends is cut when the proxy stops; what came of it is stored, marked. */
static void stopping_stores_what_came(void **state)
{
    (void)state;
    struct place *p = place_new((struct proxy_options){0});
    struct client c;
    struct answer a;
    client_open(&c, p->port);
    post_to(&c, CYCLE, "{\"session_id\":\"s\",\"model\":\"stall\",\"stream\":true," DIRECTIVE "}");
    client_head(&c, &a);
    while (!c.n || !memmem(c.buf, c.n, "part.delta", 10))
        assert_true(client_fill(&c));
    stop_keeps_what_came(p, &c, &a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_may_fail_anywhere),
        cmocka_unit_test(a_silent_upstream_is_late),
        cmocka_unit_test(stopping_stores_what_came),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
