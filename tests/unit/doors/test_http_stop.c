/* Many clients at once, and stopping while they are at it. */
#include "http_client.h"

#include <pthread.h>

static atomic_int came, gone;

static void hello(struct http_request *r, void *arg)
{
    (void)arg;
    http_answer(r, &(struct http_reply){.status = 200, .body = STR("hello")});
}

static void answer_late(void *arg)
{
    nap(5);
    http_answer(arg, &(struct http_reply){.status = 200, .body = STR("late")});
}

static void later(struct http_request *r, void *arg)
{
    (void)arg;
    struct err e = {0};
    atomic_fetch_add(&came, 1);
    if (http_work(http_server_of(r), answer_late, r) != ERR_OK) {
        err_set(&e, ERR_UNAVAILABLE, NULL, "stopping");
        http_answer_error(r, &e);
    }
}

static void answer_slowly(void *arg)
{
    nap(400);
    http_answer(arg, &(struct http_reply){.status = 200, .body = STR("slow")});
}

static void slow(struct http_request *r, void *arg)
{
    (void)arg;
    atomic_fetch_add(&came, 1);
    assert_int_equal(http_work(http_server_of(r), answer_slowly, r), ERR_OK);
}

/* Answers only when told that the client is gone. */
static void answer_gone(void *arg)
{
    atomic_fetch_add(&gone, 1);
    http_answer(arg, &(struct http_reply){.status = 200, .body = STR("sorry")});
}

static void stuck(struct http_request *r, void *arg)
{
    (void)arg;
    http_on_gone(r, answer_gone, r);
    atomic_fetch_add(&came, 1);
}

static const struct http_route ROUTES[] = {
    {"GET", "/hello", hello, NULL, PERM_NONE},
    {"GET", "/later", later, NULL, PERM_NONE},
    {"GET", "/slow", slow, NULL, PERM_NONE},
    {"GET", "/stuck", stuck, NULL, PERM_NONE},
};

static struct http_server *start(void)
{
    atomic_store(&came, 0);
    atomic_store(&gone, 0);
    return start_with((struct http_options){.routes = ROUTES, .n_routes = 4});
}

/* 200 connections, each asked in turn, several times over: every answer is its own. */
static void serves_many_connections(void **state)
{
    (void)state;
    enum { CLIENTS = 200, ROUNDS = 5 };
    struct http_server *s = start();
    struct client *c = calloc(CLIENTS, sizeof(*c));
    assert_non_null(c);
    for (int i = 0; i < CLIENTS; i++)
        client_open(&c[i], http_port(s));
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < CLIENTS; i++)
            assert_true(client_say(&c[i], i % 2 ? GET("/hello") : GET("/later")));
        for (int i = 0; i < CLIENTS; i++) {
            struct answer a;
            client_answer(&c[i], &a, false);
            assert_int_equal(a.status, 200);
            assert_string_equal(a.body, i % 2 ? "hello" : "late");
            answer_free(&a);
        }
    }
    for (int i = 0; i < CLIENTS; i++)
        client_close(&c[i]);
    free(c);
    http_stop(s, 1000);
}

static void lets_requests_finish(void **state)
{
    (void)state;
    struct http_server *s = start();
    struct client c, idle;
    struct answer a;
    int port = http_port(s);
    client_open(&idle, port);
    client_open(&c, port);
    client_say(&c, GET("/slow"));
    assert_true(wait_for(&came, 1));
    http_stop(s, 5000);
    client_answer(&c, &a, false);
    assert_string_equal(a.body, "slow");
    assert_string_equal(answer_header(&a, "Connection"), "close");
    assert_true(client_closed(&c, 1000));
    assert_true(client_closed(&idle, 1000));
    answer_free(&a);
    client_close(&c);
    client_close(&idle);
}

static void cuts_requests_that_do_not(void **state)
{
    (void)state;
    struct http_server *s = start();
    struct client c;
    struct answer a;
    client_open(&c, http_port(s));
    client_say(&c, GET("/stuck"));
    assert_true(wait_for(&came, 1));
    http_stop(s, 50);
    assert_int_equal(atomic_load(&gone), 1);
    client_answer(&c, &a, false); /* what it answered then may or may not have got through */
    assert_true(client_closed(&c, 1000));
    answer_free(&a);
    client_close(&c);
}

static atomic_bool hammer_on;

static void *hammer(void *arg)
{
    int port = *(int *)arg;
    while (atomic_load(&hammer_on)) {
        struct client c;
        struct answer a = {0};
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        c.n = 0;
        c.fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(c.fd, (struct sockaddr *)&to, sizeof(to)) == 0) {
            for (int i = 0; i < 5 && client_say(&c, i % 2 ? GET("/hello") : GET("/later")); i++) {
                client_answer(&c, &a, false);
                answer_free(&a);
            }
        }
        client_close(&c);
    }
    return NULL;
}

/* Starting and stopping under load: nothing hangs, nothing is lost track of (the sanitizers look on). */
static void stops_under_load(void **state)
{
    (void)state;
    for (int round = 0; round < 6; round++) {
        enum { THREADS = 6 };
        struct http_server *s = start();
        pthread_t t[THREADS];
        int port = http_port(s);
        atomic_store(&hammer_on, true);
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_create(&t[i], NULL, hammer, &port), 0);
        nap(60);
        http_stop(s, round % 2 ? 200 : 0);
        atomic_store(&hammer_on, false);
        for (int i = 0; i < THREADS; i++)
            pthread_join(t[i], NULL);
    }
}

static void bounds_connections(void **state)
{
    (void)state;
    struct http_server *s = start_with((struct http_options){.routes = ROUTES, .n_routes = 4, .max_connections = 8});
    struct client c[20];
    int answered = 0;
    for (int i = 0; i < 20; i++) {
        struct timeval wait = {.tv_usec = 200000};
        client_open(&c[i], http_port(s));
        setsockopt(c[i].fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
        client_say(&c[i], GET("/hello"));
    }
    for (int i = 0; i < 20; i++) {
        struct answer a;
        client_answer(&c[i], &a, false);
        answered += a.status == 200;
        answer_free(&a);
    }
    assert_in_range(answered, 4, 8);
    for (int i = 0; i < 20; i++)
        client_close(&c[i]);
    http_stop(s, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serves_many_connections),   cmocka_unit_test(lets_requests_finish),
        cmocka_unit_test(cuts_requests_that_do_not), cmocka_unit_test(stops_under_load),
        cmocka_unit_test(bounds_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
