/* Addresses and headers: what goes up and what comes back. */
#include "unit/base/unit.h"

#include "doors/proxy/forward.h"

#include <string.h>

static void test_urls(void **state)
{
    (void)state;
    static const struct {
        const char *base, *path, *query, *url;
    } cases[] = {
        {"http://h", "/v1/models", NULL, "http://h/v1/models"},
        {"http://h/", "/v1/models", NULL, "http://h/v1/models"},
        {"http://h/v1", "/v1/models", NULL, "http://h/v1/models"},
        {"http://h/v1/", "/v1/models", NULL, "http://h/v1/models"},
        {"https://h:8/openai/v1", "/v1/chat/completions", "a=b%20c", "https://h:8/openai/v1/chat/completions?a=b%20c"},
        {"https://h/openai", "/v1/models/org%2Flarge", NULL, "https://h/openai/v1/models/org%2Flarge"},
        {"http://v1", "/v1/models", NULL, "http://v1/v1/models"},
    };
    struct arena *a = arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(forward_url(a, str_of(cases[i].base), str_of(cases[i].path), str_of(cases[i].query)),
                            cases[i].url);
    arena_free(a);
}

static void test_bases(void **state)
{
    (void)state;
    static const char *const good[] = {"http://h", "https://h/v1", "http://127.0.0.1:9000", "http://[::1]:5/x/v1/"};
    static const char *const bad[] = {"",
                                      "h:80",
                                      "ftp://h",
                                      "http://",
                                      "http:///v1",
                                      "http://h?x=1",
                                      "http://h/#f",
                                      "http://h /",
                                      "http://me:key@h/v1"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(forward_check_base(str_of(good[i]), NULL), ERR_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err e = {0};
        assert_int_equal(forward_check_base(str_of(bad[i]), &e), ERR_INVALID);
        assert_null(strstr(e.message, "key@"));
    }
    assert_true(forward_is_loopback(STR("http://127.0.0.1:9000/v1")));
    assert_true(forward_is_loopback(STR("http://localhost/v1")));
    assert_true(forward_is_loopback(STR("http://[::1]:9")));
    assert_false(forward_is_loopback(STR("http://localhost.example.org")));
    assert_false(forward_is_loopback(STR("https://api.example.org/127.0.0.1")));
}

static void test_path_escapes(void **state)
{
    (void)state;
    assert_false(forward_path_escapes(STR("/v1/models/gpt-4.1")));
    assert_false(forward_path_escapes(STR("/v1/models/.hidden")));
    assert_false(forward_path_escapes(STR("/v1/models/...")));
    assert_true(forward_path_escapes(STR("/v1/models/..")));
    assert_true(forward_path_escapes(STR("/v1/models/../files")));
    assert_true(forward_path_escapes(STR("/v1/models/%2e%2E/files")));
    assert_true(forward_path_escapes(STR("/v1/models/.%2e")));
    assert_true(forward_path_escapes(STR("/v1/./models")));
}

static const char *lines(struct arena *a, const struct http_header *h, size_t n)
{
    struct str text = STR("");
    for (size_t i = 0; i < n; i++)
        text = arena_fmt(a, "%.*s%.*s: %.*s\n", STR_ARG(text), STR_ARG(h[i].name), STR_ARG(h[i].value));
    return arena_cstr(a, text);
}

#define H(name, value)                                                                                                 \
    {                                                                                                                  \
        STR(name), STR(value)                                                                                          \
    }
static const struct http_header from_client[] = {
    H("Host", "cairn"),
    H("authorization", "Bearer mine"),
    H("X-Api-Key", "mine too"),
    H("Accept-Encoding", "gzip"),
    H("Content-Type", "application/json"),
    H("Content-Length", "12"),
    H("Connection", "keep-alive, X-Hop"),
    H("x-hop", "1"),
    H("Keep-Alive", "timeout=5"),
    H("Transfer-Encoding", "chunked"),
    H("TE", "trailers"),
    H("Expect", "100-continue"),
    H("Upgrade", "h2c"),
    H("X-Cairn-Session", "secret name"),
    H("x-stainless-lang", "python"),
    H("OpenAI-Beta", ""),
};
enum { N_FROM_CLIENT = sizeof from_client / sizeof from_client[0] };

static const char *up(struct arena *a, struct forward_up how)
{
    size_t n;
    struct http_header *h = forward_request_headers(a, from_client, N_FROM_CLIENT, &how, &n);
    return lines(a, h, n);
}

static void test_request_headers(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    assert_string_equal(up(a, (struct forward_up){0}), "authorization: Bearer mine\nX-Api-Key: mine too\n"
                                                       "Accept-Encoding: gzip\nContent-Type: application/json\n"
                                                       "x-stainless-lang: python\nOpenAI-Beta: \n");
    assert_string_equal(up(a, (struct forward_up){.key = "ours", .must_read = true}),
                        "X-Api-Key: mine too\nContent-Type: application/json\nx-stainless-lang: python\nOpenAI-Beta: \n"
                        "Accept-Encoding: identity\nAuthorization: Bearer ours\n");
    assert_string_equal(
        up(a, (struct forward_up){.key = "ours", .anthropic = true}),
        "Accept-Encoding: gzip\nContent-Type: application/json\nx-stainless-lang: python\nOpenAI-Beta: \n"
        "Authorization: Bearer ours\nx-api-key: ours\n");
    arena_free(a);
}

static void test_reply_headers(void **state)
{
    (void)state;
    static const struct http_header from_upstream[] = {
        H("Date", "Mon"),
        H("Content-Type", "text/event-stream"),
        H("Transfer-Encoding", "chunked"),
        H("Content-Length", "9"),
        H("x-request-id", "req_1"),
        H("retry-after", "2"),
        H("Connection", "close"),
        H("set-cookie", "a=b"),
        H("set-cookie", "c=d"),
        H("X-Cairn-Memory", "forged"),
    };
    struct arena *a = arena_new();
    size_t n;
    struct http_header *h =
        forward_reply_headers(a, from_upstream, sizeof from_upstream / sizeof from_upstream[0], 1, &n);
    h[n++] = (struct http_header)H("X-Cairn-Memory", "off");
    assert_string_equal(lines(a, h, n), "Content-Type: text/event-stream\nx-request-id: req_1\nretry-after: 2\n"
                                        "set-cookie: a=b\nset-cookie: c=d\nX-Cairn-Memory: off\n");
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_urls),          cmocka_unit_test(test_bases),
        cmocka_unit_test(test_path_escapes),  cmocka_unit_test(test_request_headers),
        cmocka_unit_test(test_reply_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
