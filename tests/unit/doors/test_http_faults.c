/* Memory runs out at every place in turn, while a server starts, answers and streams: it says so or closes the
 * connection, and serves the next request. (libmicrohttpd's own allocations are not ours to fail.) */
#include "base/mem.h"
#include "http_client.h"

#include <pthread.h>

enum { PLACES_MAX = 400 };

static void echo(struct http_request *r, void *arg)
{
    (void)arg;
    const struct http_header h = {STR("Content-Type"), STR("text/plain")};
    http_answer(r, &(struct http_reply){.status = 200, .headers = &h, .n_headers = 1, .body = http_body(r)});
}

static void write_stream(void *arg)
{
    const struct http_stream_events none = {0};
    struct http_stream *s = http_stream_begin(arg, 200, NULL, 0, -1, &none);
    if (!s)
        return; /* answered 500 */
    http_stream_write(s, STR("streamed"));
    http_stream_end(s, true);
}

static void stream_it(struct http_request *r, void *arg)
{
    (void)arg;
    write_stream(r);
}

static void stream_on_worker(struct http_request *r, void *arg)
{
    (void)arg;
    struct err e = {0};
    if (http_work(http_server_of(r), write_stream, r) == ERR_OK)
        return;
    err_nomem(&e);
    http_answer_error(r, &e);
}

static const struct http_route ROUTES[] = {
    {"POST", "/echo", echo, NULL, PERM_NONE},
    {"GET", "/stream", stream_it, NULL, PERM_NONE},
    {"GET", "/later", stream_on_worker, NULL, PERM_NONE},
};

static void start_survives(void **state)
{
    (void)state;
    const struct http_options o = {.listen = "127.0.0.1:0", .routes = ROUTES, .n_routes = 3, .max_connections = 16};
    int place = 0;
    log_setup(LOG_OFF, false, 2);
    for (;; place++) {
        struct http_server *s = NULL;
        struct err e = {0};
        assert_true(place < PLACES_MAX);
        mem_fail_after(place, false);
        enum err_code code = http_start(&o, &s, &e);
        bool hit = mem_fail_hit();
        mem_fail_after(-1, false);
        if (code == ERR_OK)
            http_stop(s, 0);
        else
            assert_int_equal(code, ERR_NOMEM);
        if (!hit)
            break;
    }
    assert_true(place > 3);
}

/* Runs `request` with the n-th allocation failing, on a fresh server, until none fails. */
static void survives(const char *request, const char *body)
{
    int place = 0, refused = 0;
    for (;; place++) {
        struct http_server *s = start_with((struct http_options){.routes = ROUTES, .n_routes = 3});
        assert_true(place < PLACES_MAX);
        mem_fail_after(place, false);
        struct answer a = ask(http_port(s), request);
        bool hit = mem_fail_hit();
        mem_fail_after(-1, false);
        /* Whole and right, an error, or no end; never something else as success. */
        if (a.status == 200 && a.whole)
            assert_string_equal(a.body, body);
        else if (a.status != 200 && a.status != 0)
            assert_in_range(a.status, 500, 503);
        refused += a.status != 200;
        answer_free(&a);
        a = ask(http_port(s), request); /* the same again, with memory */
        assert_int_equal(a.status, 200);
        assert_string_equal(a.body, body);
        answer_free(&a);
        http_stop(s, 1000);
        if (!hit)
            break;
    }
    assert_true(place > 3);
    assert_true(refused > 0);
}

static void answering_survives(void **state)
{
    (void)state;
    survives("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello", "hello");
}

static void streaming_survives(void **state)
{
    (void)state;
    survives(GET("/stream"), "streamed");
    survives(GET("/later"), "streamed");
}

static void describing_survives(void **state)
{
    (void)state;
    struct http_server *s = start_with((struct http_options){.routes = ROUTES, .n_routes = 3});
    for (int place = 0; place < 60; place++) {
        mem_fail_after(place, false);
        struct answer a = ask(http_port(s), GET("/openapi.json"));
        mem_fail_after(-1, false);
        if (a.status == 200)
            assert_int_equal(strncmp(a.body, "{\"openapi\"", 10), 0);
        answer_free(&a);
    }
    struct answer a = ask(http_port(s), GET("/openapi.json"));
    assert_int_equal(a.status, 200);
    answer_free(&a);
    http_stop(s, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(start_survives),
        cmocka_unit_test(answering_survives),
        cmocka_unit_test(streaming_survives),
        cmocka_unit_test(describing_survives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
