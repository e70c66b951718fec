/* The proxy in one process: time-outs, the bound on requests at once, stopping in the middle, wrong addresses. What
 * users see of all the rest is in tests/e2e. */
#include "proxy_fixture.h"

#define MESSAGES "\"messages\":[{\"role\":\"user\",\"content\":\"hello there\"}]"

static void refuses_a_wrong_address(void **state)
{
    (void)state;
    struct place *p = place_new((struct proxy_options){0});
    struct proxy *proxy = NULL;
    struct err e = {0};
    const struct proxy_options o = {.svc = p->svc, .upstream_url = "api.example.org/v1"};
    assert_int_equal(proxy_start(&o, &proxy, &e), ERR_INVALID);
    assert_string_equal(e.field, "upstream");
    assert_null(proxy);
    place_free(p);
}

static void a_silent_upstream_times_out(void **state)
{
    (void)state;
    struct place *p = place_new((struct proxy_options){.total_timeout_ms = 200});
    struct answer a = post(p->port, "/v1/chat/completions", "{\"model\":\"silent\"," MESSAGES "}");
    assert_int_equal(a.status, 504);
    assert_non_null(strstr(a.body, "\"type\":\"api_error\""));
    assert_non_null(strstr(a.body, "\"param\":null,\"code\":\"upstream_timeout\""));
    answer_free(&a);
    a = post(p->port, "/v1/messages", "{\"session_id\":\"s\",\"model\":\"silent\"," MESSAGES "}");
    assert_int_equal(a.status, 504);
    assert_non_null(strstr(a.body, "{\"type\":\"error\",\"error\":{\"type\":\"timeout_error\""));
    answer_free(&a);
    /* A stream that stops in the middle is cut, so that the client notices. */
    a = post(p->port, "/v1/chat/completions", "{\"model\":\"stall\",\"stream\":true," MESSAGES "}");
    assert_int_equal(a.status, 200);
    assert_false(a.whole);
    assert_string_equal(a.body, STREAM_EVENTS);
    answer_free(&a);
    place_free(p);
}

struct asking {
    struct place *p;
    pthread_t thread;
    int status;
};

static void *ask_in_thread(void *arg)
{
    struct asking *x = arg;
    struct answer a = post(x->p->port, "/v1/chat/completions", "{\"model\":\"m\",\"stream\":true," MESSAGES "}");
    x->status = a.whole ? a.status : 0;
    answer_free(&a);
    return NULL;
}

static void more_than_may_run_at_once_wait(void **state)
{
    (void)state;
    struct place *p = place_new((struct proxy_options){.max_active = 2});
    struct asking asking[20];
    for (int i = 0; i < 20; i++) {
        asking[i].p = p;
        assert_int_equal(pthread_create(&asking[i].thread, NULL, ask_in_thread, &asking[i]), 0);
    }
    for (int i = 0; i < 20; i++) {
        pthread_join(asking[i].thread, NULL);
        assert_int_equal(asking[i].status, 200);
    }
    assert_true(atomic_load(&p->up.open) <= 2);
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
    post_to(&c, "/v1/chat/completions", "{\"session_id\":\"s\",\"model\":\"stall\",\"stream\":true," MESSAGES "}");
    client_head(&c, &a);
    assert_true(c.n > 0 || client_fill(&c));
    stop_keeps_what_came(p, &c, &a);
}

static void a_departed_client_closes_the_upstream(void **state)
{
    (void)state;
    struct place *p = place_new((struct proxy_options){0});
    struct client c;
    client_open(&c, p->port);
    post_to(&c, "/v1/chat/completions", "{\"model\":\"silent\"," MESSAGES "}");
    assert_true(wait_for(&p->up.requests, 1));
    assert_int_equal(atomic_load(&p->up.open), 1);
    client_close(&c);
    for (int i = 0; i < 5000 && atomic_load(&p->up.open) > 0; i++)
        nap(1);
    assert_int_equal(atomic_load(&p->up.open), 0);
    place_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_a_wrong_address),
        cmocka_unit_test(a_silent_upstream_times_out),
        cmocka_unit_test(more_than_may_run_at_once_wait),
        cmocka_unit_test(stopping_stores_what_came),
        cmocka_unit_test(a_departed_client_closes_the_upstream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
