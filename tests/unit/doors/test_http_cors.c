/* Pages of other origins: what a browser is told, and what is refused although no browser would send it. */
#include "http_client.h"

static void hello(struct http_request *r, void *arg)
{
    (void)arg;
    http_answer(r, &(struct http_reply){.status = 200, .body = STR("hello")});
}

static const struct http_route ROUTES[] = {
    {"GET", "/hello", hello, NULL, PERM_NONE},
    {"POST", "/hello", hello, NULL, PERM_NONE},
};

static struct http_server *server(const char *origins)
{
    return start_with((struct http_options){.routes = ROUTES, .n_routes = 2, .cors_origins = origins});
}

#define ORIGIN(o) "Origin: " o "\r\n"
#define WRITE(o) "POST /hello HTTP/1.1\r\n" HOST "Content-Length: 0\r\n" ORIGIN(o) "\r\n"
#define READ(o) "GET /hello HTTP/1.1\r\n" HOST ORIGIN(o) "\r\n"

/* Status, and the origin that may see the answer (NULL: none). */
static void expect(struct http_server *s, const char *request, int status, const char *allowed)
{
    struct answer a = ask(http_port(s), request);
    const char *got = answer_header(&a, "Access-Control-Allow-Origin");
    if (a.status != status || (got != NULL) != (allowed != NULL) || (got && strcmp(got, allowed) != 0))
        fail_msg("%s: %d %s", request, a.status, got ? got : "-");
    assert_null(answer_header(&a, "Access-Control-Allow-Credentials"));
    answer_free(&a);
}

static void closed_by_default(void **state)
{
    (void)state;
    struct http_server *s = server(NULL);
    expect(s, READ("https://app.example"), 200, NULL);
    expect(s, WRITE("https://app.example"), 403, NULL);
    expect(s, WRITE("null"), 403, NULL);
    expect(s, WRITE("http://localhost:3000"), 200, NULL);
    http_stop(s, 1000);
}

static void a_listed_origin_reads_and_writes(void **state)
{
    (void)state;
    struct http_server *s = server("https://app.example, http://other.example:8080,null");
    expect(s, READ("https://app.example"), 200, "https://app.example");
    expect(s, WRITE("http://other.example:8080"), 200, "http://other.example:8080");
    expect(s, WRITE("null"), 200, "null");
    expect(s, WRITE("http://app.example"), 403, NULL);
    expect(s, WRITE("https://app.example.evil.example"), 403, NULL);
    expect(s, WRITE("https://app.exampl"), 403, NULL);
    expect(s, "GET /nothing HTTP/1.1\r\n" HOST ORIGIN("https://app.example") "\r\n", 404, "https://app.example");
    struct answer a = ask(http_port(s), READ("https://app.example"));
    assert_string_equal(answer_header(&a, "Vary"), "Origin");
    assert_non_null(strstr(answer_header(&a, "Access-Control-Expose-Headers"), "X-RateLimit-Remaining"));
    answer_free(&a);
    http_stop(s, 1000);
}

static void a_star_lets_every_page_in(void **state)
{
    (void)state;
    struct http_server *s = server("*");
    expect(s, WRITE("https://any.example"), 200, "https://any.example");
    expect(s, WRITE("null"), 200, "null");
    expect(s, "GET /hello HTTP/1.1\r\nHost: evil.example\r\n" ORIGIN("https://evil.example") "\r\n", 403,
           "https://evil.example"); /* the name of the server is another matter */
    http_stop(s, 1000);
}

static void a_preflight_names_the_routes_methods(void **state)
{
    (void)state;
    struct http_server *s = server("https://app.example");
    struct answer a =
        ask(http_port(s), "OPTIONS /hello HTTP/1.1\r\n" HOST ORIGIN(
                              "https://app.example") "Access-Control-Request-Method: POST\r\n"
                                                     "Access-Control-Request-Headers: content-type\r\n\r\n");
    assert_int_equal(a.status, 204);
    assert_string_equal(answer_header(&a, "Access-Control-Allow-Origin"), "https://app.example");
    assert_string_equal(answer_header(&a, "Access-Control-Allow-Methods"), "GET, HEAD, POST, OPTIONS");
    assert_string_equal(answer_header(&a, "Access-Control-Allow-Headers"), "content-type");
    assert_non_null(answer_header(&a, "Access-Control-Max-Age"));
    answer_free(&a);
    a = ask(http_port(s), "OPTIONS /hello HTTP/1.1\r\n" HOST ORIGIN(
                              "https://evil.example") "Access-Control-Request-Method: POST\r\n\r\n");
    assert_int_equal(a.status, 204);
    assert_null(answer_header(&a, "Access-Control-Allow-Origin"));
    assert_null(answer_header(&a, "Access-Control-Allow-Methods"));
    answer_free(&a);
    http_stop(s, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_by_default),
        cmocka_unit_test(a_listed_origin_reads_and_writes),
        cmocka_unit_test(a_star_lets_every_page_in),
        cmocka_unit_test(a_preflight_names_the_routes_methods),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
