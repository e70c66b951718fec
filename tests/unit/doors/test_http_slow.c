/* Clients that are slow or leave: what libmicrohttpd alone does not look at. */
#include "http_client.h"

struct waiting {
    struct http_request *r;
    atomic_int came, gone;
};

static void on_gone(void *arg)
{
    atomic_fetch_add(&((struct waiting *)arg)->gone, 1);
}

/* Does not answer by itself. */
static void wait_long(struct http_request *r, void *arg)
{
    struct waiting *w = arg;
    w->r = r;
    http_on_gone(r, on_gone, w);
    atomic_fetch_add(&w->came, 1);
}

static void echo_length(struct http_request *r, void *arg)
{
    (void)arg;
    struct str s = arena_fmt(http_arena(r), "%zu", http_body(r).n);
    http_answer(r, &(struct http_reply){.status = 200, .body = s});
}

static struct waiting waiting;
static const struct http_route ROUTES[] = {
    {"GET", "/wait", wait_long, &waiting, PERM_NONE},
    {"POST", "/length", echo_length, NULL, PERM_NONE},
};

static int set_up(void **state)
{
    atomic_store(&waiting.came, 0);
    atomic_store(&waiting.gone, 0);
    *state = start_with((struct http_options){.routes = ROUTES, .n_routes = 2, .slow_seconds = 1});
    return 0;
}

static int tear_down(void **state)
{
    http_stop(*state, 1000);
    return 0;
}

static void answer_it(void)
{
    http_answer(waiting.r, &(struct http_reply){.status = 200, .body = STR("late")});
}

static void cuts_a_body_that_does_not_come(void **state)
{
    struct client c;
    struct answer a;
    client_open(&c, http_port(*state));
    client_say(&c, "POST /length HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nabc");
    client_answer(&c, &a, false);
    assert_int_equal(a.status, 408);
    assert_non_null(strstr(a.body, "REQUEST_TIMEOUT"));
    assert_true(client_closed(&c, 5000));
    answer_free(&a);
    client_close(&c);
}

/* A byte now and then keeps a connection busy for libmicrohttpd, but not for us. */
static void cuts_a_dripping_head(void **state)
{
    struct client c;
    bool open = true;
    client_open(&c, http_port(*state));
    client_say(&c, "GET /length HTTP/1.1\r\nX-Slow: ");
    for (int i = 0; i < 100 && open; i++) {
        nap(50);
        open = client_say(&c, "x") && !client_closed(&c, 0);
    }
    assert_false(open);
    client_close(&c);
}

static void cuts_a_silent_connection(void **state)
{
    struct client c;
    client_open(&c, http_port(*state));
    assert_true(client_closed(&c, 9000));
    client_close(&c);
}

static void leaves_a_patient_client_alone(void **state)
{
    struct client c;
    struct answer a;
    client_open(&c, http_port(*state));
    client_say(&c, GET("/wait"));
    assert_true(wait_for(&waiting.came, 1));
    nap(2500); /* longer than slow_seconds: the request came whole in time, the answer may take its own */
    assert_int_equal(atomic_load(&waiting.gone), 0);
    answer_it();
    client_answer(&c, &a, false);
    assert_string_equal(a.body, "late");
    answer_free(&a);
    nap(1500); /* nor is an idle connection a slow one */
    client_say(&c, "POST /length HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc");
    client_answer(&c, &a, false);
    assert_string_equal(a.body, "3");
    answer_free(&a);
    client_close(&c);
}

static void notices_a_client_that_leaves(void **state)
{
    struct client c;
    client_open(&c, http_port(*state));
    client_say(&c, GET("/wait"));
    assert_true(wait_for(&waiting.came, 1));
    assert_int_equal(atomic_load(&waiting.gone), 0);
    client_close(&c);
    assert_true(wait_for(&waiting.gone, 1));
    answer_it(); /* still has to be called, and does nothing */
    nap(50);
    assert_int_equal(atomic_load(&waiting.gone), 1);
}

static void notices_a_client_that_left_before(void **state)
{
    for (int i = 0; i < 30; i++) {
        struct client c;
        client_open(&c, http_port(*state));
        client_say(&c, GET("/wait"));
        client_close(&c);
        assert_true(wait_for(&waiting.came, i + 1));
        assert_true(wait_for(&waiting.gone, i + 1));
        answer_it();
    }
}

static void notices_a_reset(void **state)
{
    struct client c;
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    client_open(&c, http_port(*state));
    client_say(&c, GET("/wait"));
    assert_true(wait_for(&waiting.came, 1));
    setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    client_close(&c);
    assert_true(wait_for(&waiting.gone, 1));
    answer_it();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(cuts_a_body_that_does_not_come, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cuts_a_dripping_head, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cuts_a_silent_connection, set_up, tear_down),
        cmocka_unit_test_setup_teardown(leaves_a_patient_client_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(notices_a_client_that_leaves, set_up, tear_down),
        cmocka_unit_test_setup_teardown(notices_a_client_that_left_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(notices_a_reset, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
