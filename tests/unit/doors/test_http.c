/* The HTTP door over real sockets: routes, answers, errors, what is refused, bounds on heads and bodies. */
#include "http_client.h"

enum { BODY_MAX = 10000 };

static void hello(struct http_request *r, void *arg)
{
    (void)arg;
    const struct http_header h[] = {{STR("Content-Type"), STR("text/plain")}, {STR("X-Kept"), STR("yes")}};
    http_answer(r, &(struct http_reply){.status = 200, .headers = h, .n_headers = 2, .body = STR("hello")});
}

/* What the handler saw, as text. */
static void echo(struct http_request *r, void *arg)
{
    (void)arg;
    size_t n;
    const struct http_header *in = http_headers(r, &n);
    struct buf b;
    buf_init(&b, 0);
    buf_str(&b, http_method(r));
    buf_char(&b, ' ');
    buf_str(&b, http_path(r));
    buf_char(&b, '|');
    buf_str(&b, http_query(r));
    buf_char(&b, '|');
    for (size_t i = 0; i < n; i++)
        if (str_starts(in[i].name, "X-T")) {
            buf_str(&b, in[i].name);
            buf_char(&b, '=');
            buf_str(&b, in[i].value);
            buf_char(&b, ';');
        }
    buf_char(&b, '|');
    buf_str(&b, http_body(r));
    http_answer(r, &(struct http_reply){.status = 200, .body = buf_view(&b)});
    buf_release(&b);
}

static void limited(struct http_request *r, void *arg)
{
    (void)arg;
    struct err e = {0};
    err_set(&e, ERR_LIMIT, "model", "too many \"requests\"");
    e.retry_after_ms = 1500;
    http_answer_error(r, &e);
}

static void careless(struct http_request *r, void *arg)
{
    (void)arg;
    /* What a handler may not set is left out; a line break in a value never reaches the wire. */
    const struct http_header h[] = {{STR("Content-Length"), STR("999")},
                                    {STR("Connection"), STR("close")},
                                    {STR("X-Bad"), STR("a\r\nX-Injected: 1")},
                                    {STR("X-Good"), STR("1")}};
    http_answer(r, &(struct http_reply){.status = 200, .headers = h, .n_headers = 4, .body = STR("ok")});
}

static const struct http_route ROUTES[] = {
    {"GET", "/hello", hello, NULL, PERM_NONE},          {"GET", "/echo", echo, NULL, PERM_NONE},
    {"POST", "/echo", echo, NULL, PERM_NONE},           {"POST", "/api/v2/echo", echo, NULL, PERM_NONE},
    {"GET", "/limited", limited, NULL, PERM_NONE},      {"GET", "/v1/limited", limited, NULL, PERM_NONE},
    {"POST", "/v1/messages", limited, NULL, PERM_NONE}, {"GET", "/careless", careless, NULL, PERM_NONE},
};

static int set_up(void **state)
{
    *state = start_with(
        (struct http_options){.routes = ROUTES, .n_routes = sizeof(ROUTES) / sizeof(ROUTES[0]), .max_body = BODY_MAX});
    return 0;
}

static int tear_down(void **state)
{
    http_stop(*state, 1000);
    return 0;
}

static void expect(void **state, const char *request, int status, const char *contains)
{
    struct answer a = ask(http_port(*state), request);
    if (a.status != status || (contains && !strstr(a.body, contains)))
        fail_msg("%.60s: %d %s, wanted %d with %s", request, a.status, a.body, status, contains ? contains : "-");
    answer_free(&a);
}

static void answers(void **state)
{
    struct answer a = ask(http_port(*state), GET("/hello"));
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, "hello");
    assert_string_equal(answer_header(&a, "Content-Type"), "text/plain");
    assert_string_equal(answer_header(&a, "X-Kept"), "yes");
    assert_int_equal(strncmp(answer_header(&a, "X-Request-Id"), "req_", 4), 0);
    answer_free(&a);
}

static void answers_head_without_a_body(void **state)
{
    struct client c;
    struct answer a;
    client_open(&c, http_port(*state));
    client_say(&c, "HEAD /hello HTTP/1.1\r\n" HOST "\r\n" GET("/hello"));
    client_answer(&c, &a, true);
    assert_int_equal(a.status, 200);
    assert_string_equal(answer_header(&a, "Content-Length"), "5");
    answer_free(&a);
    client_answer(&c, &a, false); /* the next answer follows at once */
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, "hello");
    answer_free(&a);
    client_close(&c);
}

static void hands_over_what_came(void **state)
{
    expect(state,
           "POST /echo?a=%31&b HTTP/1.1\r\n" HOST
           "X-T1: one\r\nx-other: 1\r\nX-T2:  two \r\nContent-Length: 5\r\n\r\nab\ncd",
           200, "POST /echo|a=%31&b|X-T1=one;X-T2=two;|ab\ncd");
    expect(state, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
           200, "||abcde");
    expect(state, "GET http://localhost:1/echo?x HTTP/1.1\r\n" HOST "\r\n", 200, "GET /echo|x|");
    expect(state, "GET /echo HTTP/1.0\r\n\r\n", 200, "GET /echo||");
}

static void says_what_is_not_there(void **state)
{
    expect(state, GET("/nope"), 404, "{\"error\":{\"code\":\"NOT_FOUND\",\"message\":");
    expect(state, GET("/v1/nope"), 404, "\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"NOT_FOUND\"");
    expect(state, GET("/v1/messages/nope"), 404, "{\"type\":\"error\",\"error\":{\"type\":\"not_found_error\"");
    expect(state, GET("/%zz"), 400, "\"field\":\"path\"");
    struct answer a = ask(http_port(*state), "DELETE /echo HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(a.status, 405);
    assert_string_equal(answer_header(&a, "Allow"), "GET, HEAD, POST, OPTIONS");
    assert_non_null(strstr(a.body, "METHOD_NOT_ALLOWED"));
    answer_free(&a);
    a = ask(http_port(*state), "OPTIONS /echo HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(a.status, 204);
    assert_string_equal(answer_header(&a, "Allow"), "GET, HEAD, POST, OPTIONS");
    answer_free(&a);
}

static void shapes_errors_by_path(void **state)
{
    struct answer a = ask(http_port(*state), GET("/limited"));
    assert_int_equal(a.status, 429);
    assert_string_equal(answer_header(&a, "Retry-After"), "2");
    assert_string_equal(a.body,
                        "{\"error\":{\"code\":\"RATE_LIMIT_EXCEEDED\",\"message\":\"too many \\\"requests\\\"\","
                        "\"details\":{\"field\":\"model\"},\"retry_after\":2}}");
    answer_free(&a);
    expect(state, GET("/v1/limited"), 429,
           "{\"error\":{\"message\":\"too many \\\"requests\\\"\",\"type\":\"rate_limit_error\",\"param\":\"model\","
           "\"code\":\"RATE_LIMIT_EXCEEDED\"}}");
    expect(state, "POST /v1/messages HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 429,
           "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":");
}

static void keeps_headers_clean(void **state)
{
    struct answer a = ask(http_port(*state), GET("/careless"));
    assert_string_equal(a.body, "ok");
    assert_string_equal(answer_header(&a, "Content-Length"), "2");
    assert_null(answer_header(&a, "X-Injected"));
    assert_null(answer_header(&a, "X-Bad"));
    assert_string_equal(answer_header(&a, "X-Good"), "1");
    answer_free(&a);
}

static void keeps_a_harmless_request_id(void **state)
{
    struct answer a = ask(http_port(*state), "GET /hello HTTP/1.1\r\n" HOST "X-Request-Id: my-1.2_3\r\n\r\n");
    assert_string_equal(answer_header(&a, "X-Request-Id"), "my-1.2_3");
    answer_free(&a);
    a = ask(http_port(*state), "GET /hello HTTP/1.1\r\n" HOST "X-Request-Id: <script>\r\n\r\n");
    assert_int_equal(strncmp(answer_header(&a, "X-Request-Id"), "req_", 4), 0);
    answer_free(&a);
}

/* Requests on which we and a proxy before us might disagree: refused, and nothing after them is read. */
static void refuses_smuggling(void **state)
{
    static const char *const BAD[] = {
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked \r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5 \r\n\r\nhello",
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\nhello",
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\nhello",
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n-1\r\nhello\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: +5\r\n\r\nhello",
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\n\r\nhello",
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length : 5\r\n\r\nhello",
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0x5\r\n\r\nhello",
        "GET /hello HTTP/1.1\r\n" HOST "Bad Name: x\r\n\r\n",
        "GET /hello HTTP/1.1\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        struct client c;
        struct answer a;
        client_open(&c, http_port(*state));
        client_say(&c, BAD[i]);
        client_say(&c, GET("/hello"));
        client_answer(&c, &a, false);
        if (a.status != 0 && (a.status < 400 || a.status > 501))
            fail_msg("case %zu: answered %d", i, a.status);
        if (strstr(a.body, "hello") || !client_closed(&c, 3000))
            fail_msg("case %zu: the connection went on", i);
        answer_free(&a);
        client_close(&c);
    }
    expect(state, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 200, "|hello");
}

static void refuses_foreign_hosts_and_pages(void **state)
{
    expect(state, "GET /hello HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403, "HOST_NOT_ALLOWED");
    expect(state, "GET /hello HTTP/1.1\r\nHost: localhost.evil.example:80\r\n\r\n", 403, "HOST_NOT_ALLOWED");
    expect(state, "GET /hello HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n\r\n", 403, "HOST_NOT_ALLOWED");
    expect(state, "GET /hello HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", 200, "hello");
    expect(state, "GET /hello HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n", 200, "hello");
    expect(state, "POST /api/v2/echo HTTP/1.1\r\n" HOST "Origin: https://evil.example\r\nContent-Length: 0\r\n\r\n",
           403, "ORIGIN_NOT_ALLOWED");
    expect(state, "POST /api/v2/echo HTTP/1.1\r\n" HOST "Origin: null\r\nContent-Length: 0\r\n\r\n", 403, "ORIGIN");
    expect(state, "POST /api/v2/echo HTTP/1.1\r\n" HOST "Origin: http://localhost:3000\r\nContent-Length: 0\r\n\r\n",
           200, NULL);
    expect(state, "GET /hello HTTP/1.1\r\n" HOST "Origin: https://evil.example\r\n\r\n", 200, "hello");
}

static void bounds_the_body(void **state)
{
    static char all[BODY_MAX * 2 + 400];
    int n =
        snprintf(all, sizeof(all), "POST /api/v2/echo HTTP/1.1\r\n" HOST "Content-Length: %d\r\n\r\n", BODY_MAX + 1);
    memset(all + n, 'x', BODY_MAX + 1);
    expect(state, all, 413, "PAYLOAD_TOO_LARGE");
    n = snprintf(all, sizeof(all), "POST /api/v2/echo HTTP/1.1\r\n" HOST "Content-Length: %d\r\n\r\n", BODY_MAX);
    memset(all + n, 'x', BODY_MAX);
    all[n + BODY_MAX] = 0;
    expect(state, all, 200, "xxx");
    n = snprintf(all, sizeof(all), "POST /api/v2/echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n%x\r\n",
                 BODY_MAX + 1);
    memset(all + n, 'x', BODY_MAX + 1);
    snprintf(all + n + BODY_MAX + 1, 20, "\r\n0\r\n\r\n");
    expect(state, all, 413, "PAYLOAD_TOO_LARGE");
    /* Far too much is not even waited for, nor what the client asked about first. */
    expect(state, "POST /api/v2/echo HTTP/1.1\r\n" HOST "Content-Length: 99999999999\r\n\r\n", 413,
           "PAYLOAD_TOO_LARGE");
    expect(state, "POST /v1/nope HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 10001\r\n\r\n", 413,
           "\"type\":\"invalid_request_error\"");
}

static void asks_for_an_announced_body(void **state)
{
    struct client c;
    struct answer a;
    client_open(&c, http_port(*state));
    client_say(&c, "POST /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    client_head(&c, &a);
    assert_int_equal(a.status, 100);
    answer_free(&a);
    client_say(&c, "ok");
    client_answer(&c, &a, false);
    assert_int_equal(a.status, 200);
    answer_free(&a);
    client_close(&c);
}

static void bounds_the_head(void **state)
{
    static char all[80000];
    for (int size = 15000; size <= 70000; size += 5000) {
        int n = snprintf(all, sizeof(all), "GET /hello HTTP/1.1\r\n" HOST "X-Long: ");
        memset(all + n, 'x', (size_t)size);
        snprintf(all + n + size, 8, "\r\n\r\n");
        struct answer a = ask(http_port(*state), all);
        /* So long a head may be cut off before it was read, which takes the answer with it. */
        if (a.status != (size == 15000 ? 200 : 431) && !(a.status == 0 && size > 30000))
            fail_msg("a head of %d bytes: %d", size, a.status);
        answer_free(&a);
    }
    int n = snprintf(all, sizeof(all), "GET /hello HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 120; i++)
        n += snprintf(all + n, sizeof(all) - (size_t)n, "A%d: 1\r\n", i);
    snprintf(all + n, 8, "\r\n");
    expect(state, all, 431, "HEADERS_TOO_LARGE");
}

static void describes_itself(void **state)
{
    expect(state, GET("/"), 200, "{\"service\":\"cairn\",\"version\":\"");
    expect(state, GET("/health"), 200, "{\"status\":\"ok\"");
    expect(state, GET("/metrics"), 200, "# TYPE cairn_http_requests_total counter");
    expect(state, GET("/docs"), 200, "<code><b>GET</b> /health</code>");
    expect(state, GET("/openapi.json"), 200, "{\"openapi\":\"3.1.0\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(answers_head_without_a_body),
        cmocka_unit_test(hands_over_what_came),
        cmocka_unit_test(says_what_is_not_there),
        cmocka_unit_test(shapes_errors_by_path),
        cmocka_unit_test(keeps_headers_clean),
        cmocka_unit_test(keeps_a_harmless_request_id),
        cmocka_unit_test(refuses_smuggling),
        cmocka_unit_test(refuses_foreign_hosts_and_pages),
        cmocka_unit_test(bounds_the_body),
        cmocka_unit_test(asks_for_an_announced_body),
        cmocka_unit_test(bounds_the_head),
        cmocka_unit_test(describes_itself),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
