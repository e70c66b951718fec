/* Operations over HTTP, on a real service in a folder of its own: arguments in, answers and lists out, and the
 * API's description against what is really routed. */
#include "base/json.h"
#include "http_client.h"

#include <ftw.h>
#include <sys/stat.h>

struct fixture {
    char dir[64];
    struct service *svc;
    struct http_server *s;
    struct arena *a;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct err e = {0};
    snprintf(f->dir, sizeof(f->dir), "/tmp/cairn-test-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    assert_int_equal(operations_init(&e), ERR_OK);
    const struct service_options o = {.dir = f->dir, .background = true, .sync_normal = true};
    log_setup(LOG_OFF, false, 2);
    if (service_open(&o, &f->svc, &e) != ERR_OK)
        fail_msg("%s", e.message);
    f->s = start_with((struct http_options){.svc = f->svc});
    f->a = arena_new();
    *state = f;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    http_stop(f->s, 1000);
    service_close(f->svc);
    operations_free();
    arena_free(f->a);
    nftw(f->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

/* Sends a request with a body; the answer's JSON lives as long as the fixture's arena. */
static const struct json *call(struct fixture *f, const char *method, const char *path, const char *body, int status,
                               struct answer *out)
{
    struct str text =
        arena_fmt(f->a, "%s %s HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n%s", method, path, strlen(body), body);
    struct answer a = ask(http_port(f->s), text.p);
    const struct json *v = NULL;
    struct err e = {0};
    if (a.status != status)
        fail_msg("%s %s: %d %s", method, path, a.status, a.body);
    struct str kept = arena_str(f->a, (struct str){a.body, a.n});
    if (json_parse(f->a, kept, 0, &v, &e) != ERR_OK)
        fail_msg("%s %s: %s in %s", method, path, e.message, a.body);
    if (out)
        *out = a;
    free(a.body);
    return v;
}

static void runs_operations(void **state)
{
    struct fixture *f = *state;
    char path[200];
    const struct json *v = call(f, "POST", "/api/v2/sessions", "{\"title\":\"A \\u00e9\"}", 201, NULL);
    snprintf(path, sizeof(path), "/api/v2/sessions/%.*s", STR_ARG(json_text(v, "session_id")));
    v = call(f, "GET", path, "", 200, NULL);
    assert_true(str_is(json_text(v, "title"), "A \xc3\xa9"));
    v = call(f, "GET", "/api/v2/sessions?limit=1&status=active", "", 200, NULL);
    assert_int_equal(json_get(v, "sessions")->n, 1);
}

static void names_what_is_wrong(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *method, *path, *body, *field;
    } CASES[] = {
        {"GET", "/api/v2/sessions?limit=many", "", "limit"},
        {"GET", "/api/v2/sessions?limit=0", "", "limit"},
        {"GET", "/api/v2/sessions?status=%zz", "", "query"},
        {"GET", "/api/v2/sessions?nonsense=1", "", "nonsense"},
        {"POST", "/api/v2/sessions", "{\"titel\":\"x\"}", "titel"},
        {"POST", "/api/v2/sessions", "{\"title\":5}", "title"},
        {"POST", "/api/v2/sessions", "{\"title\":", "body"},
        {"POST", "/api/v2/sessions", "[]", "body"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        const struct json *v = call(f, CASES[i].method, CASES[i].path, CASES[i].body, 400, NULL);
        const struct json *error = json_get(v, "error");
        assert_true(str_is(json_text(error, "code"), "VALIDATION_FAILED"));
        struct str field = json_text(json_get(error, "details"), "field");
        if (!str_is(field, CASES[i].field))
            fail_msg("case %zu names %.*s", i, STR_ARG(field));
    }
    call(f, "GET", "/api/v2/sessions/sess_00000000000000000000000000000000", "", 404, NULL);
}

/* All pages of a v1 list by following Link, as a client does. */
static void pages_by_link(void **state)
{
    struct fixture *f = *state;
    enum { ALL = 7 };
    for (int i = 0; i < ALL; i++)
        call(f, "POST", "/api/v1/patterns",
             arena_fmt(f->a, "{\"name\":\"p %d\",\"pattern_type\":\"code\",\"description\":\"d\"}", i).p, 201, NULL);
    char path[1024] = "/api/v1/patterns?limit=3&pattern_type=code";
    int pages = 0;
    size_t seen = 0;
    for (; path[0] && pages < 10; pages++) {
        struct answer a;
        const struct json *v = call(f, "GET", path, "", 200, &a);
        assert_int_equal(v->type, JSON_ARRAY);
        seen += v->n;
        const char *total = answer_header(&a, "X-Total-Count");
        assert_non_null(total);
        assert_string_equal(total, "7");
        const char *link = answer_header(&a, "Link");
        path[0] = 0;
        if (link)
            assert_int_equal(sscanf(link, "<%1000[^>]>; rel=\"next\"", path), 1);
    }
    assert_int_equal(seen, ALL);
    assert_int_equal(pages, 3);
}

static void keeps_the_named_project(void **state)
{
    struct fixture *f = *state;
    call(f, "POST", "/api/v2/sessions", "{\"title\":\"x\",\"project\":\"apollo\"}", 201, NULL);
    const struct json *v = call(f, "GET", "/api/v2/sessions?project=apollo", "", 200, NULL);
    assert_int_equal(json_get(v, "sessions")->n, 1);
}

/* Every path of the description, asked for with its method, is routed: it may refuse the arguments, but it is
 * neither unknown (of a route, not of a record) nor the wrong method. */
static void describes_what_is_routed(void **state)
{
    struct fixture *f = *state;
    const struct json *paths = json_get(call(f, "GET", "/openapi.json", "", 200, NULL), "paths");
    size_t asked = 0;
    assert_true(paths && paths->n > 20);
    for (size_t i = 0; i < paths->n; i++) {
        const struct json *methods = &paths->items[i];
        if (str_starts(paths->keys[i].key, "/v1/") || str_starts(paths->keys[i].key, "/v2/") ||
            str_is(paths->keys[i].key, "/api/v2/cycle"))
            continue; /* the proxy's: not here */
        for (size_t m = 0; m < methods->n; m++, asked++) {
            char method[16];
            snprintf(method, sizeof(method), "%.*s", STR_ARG(methods->keys[m].key));
            for (char *p = method; *p; p++)
                *p = (char)(*p & ~0x20);
            struct str text = arena_fmt(f->a, "%s %.*s HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n{", method,
                                        STR_ARG(paths->keys[i].key));
            struct answer a = ask(http_port(f->s), text.p);
            if (a.status == 405 || a.status == 0 || a.status >= 500 || strstr(a.body, "there is nothing at this path"))
                fail_msg("%s %.*s: %d %s", method, STR_ARG(paths->keys[i].key), a.status, a.body);
            answer_free(&a);
        }
    }
    assert_true(asked > 40);
}

/* References in the description lead somewhere; operation ids are unique. */
static void find_refs(const struct json *all, const struct json *v, int depth, size_t *refs)
{
    assert_true(depth < JSON_MAX_DEPTH);
    for (size_t i = 0; (v->type == JSON_OBJECT || v->type == JSON_ARRAY) && i < v->n; i++) {
        if (v->type == JSON_OBJECT && str_is(v->keys[i].key, "$ref")) {
            const char *const prefix = "#/components/";
            assert_true(str_starts(v->items[i].s, prefix));
            struct str rest = str_skip(v->items[i].s, strlen(prefix)), part = str_cut(&rest, '/');
            assert_non_null(json_get_str(json_get_str(json_get(all, "components"), part), rest));
            (*refs)++;
        }
        find_refs(all, &v->items[i], depth + 1, refs);
    }
}

static void describes_itself_soundly(void **state)
{
    struct fixture *f = *state;
    size_t refs = 0, n = 0;
    struct str ids[512];
    const struct json *all = call(f, "GET", "/openapi.json", "", 200, NULL);
    const struct json *paths = json_get(all, "paths");
    find_refs(all, all, 0, &refs);
    assert_true(refs > 50);
    for (size_t i = 0; i < paths->n; i++)
        for (size_t m = 0; m < paths->items[i].n && n < 512; m++) {
            ids[n] = json_text(&paths->items[i].items[m], "operationId");
            assert_true(ids[n].n > 0);
            for (size_t k = 0; k < n; k++)
                assert_false(str_eq(ids[k], ids[n]));
            n++;
        }
}

static void expect_limit(const struct answer *a, const char *limit, const char *remaining)
{
    assert_non_null(answer_header(a, "X-RateLimit-Limit"));
    assert_string_equal(answer_header(a, "X-RateLimit-Limit"), limit);
    assert_string_equal(answer_header(a, "X-RateLimit-Remaining"), remaining);
    assert_string_equal(answer_header(a, "X-RateLimit-Window"), "60");
    int64_t reset = atoll(answer_header(a, "X-RateLimit-Reset")) - clock_now_ms() / 1000;
    assert_true(reset >= 0 && reset <= 66);
}

/* Each session has its own count; so has each class; wrong requests count for who sends them. */
static void limits_requests_by_session(void **state)
{
    static const int PER_MINUTE[] = {0, 2, 3, 2, 2, 2};
    struct fixture *f = *state;
    http_stop(f->s, 1000);
    f->s = start_with((struct http_options){.svc = f->svc, .per_minute = PER_MINUTE});
    struct answer a;
    const struct json *one = call(f, "POST", "/api/v2/sessions", "{}", 201, &a);
    expect_limit(&a, "2", "1");
    const struct json *two = call(f, "POST", "/api/v2/sessions", "{}", 201, &a);
    expect_limit(&a, "2", "0");
    const struct json *refused = call(f, "POST", "/api/v2/sessions", "{}", 429, &a);
    expect_limit(&a, "2", "0");
    assert_non_null(answer_header(&a, "Retry-After"));
    const struct json *error = json_get(refused, "error");
    assert_true(str_is(json_text(error, "code"), "RATE_LIMIT_EXCEEDED"));
    assert_true(json_get_type(error, "retry_after", JSON_INT)->integer >= 1);
    const struct json *both[] = {one, two};
    for (int i = 0; i < 2; i++) {
        struct str path = arena_fmt(f->a, "/api/v2/sessions/%.*s/context", STR_ARG(json_text(both[i], "session_id")));
        call(f, "GET", path.p, "", 200, &a);
        expect_limit(&a, "2", "1");
        call(f, "GET", path.p, "", 200, NULL);
        call(f, "GET", path.p, "", 429, NULL);
    }
    for (int i = 0; i < 3; i++)
        call(f, "POST", "/api/v2/conversations", "{\"wrong\": 1}", 400, NULL);
    call(f, "POST", "/api/v2/conversations", "{\"wrong\": 1}", 429, NULL);
    call(f, "GET", "/api/v2/status", "", 200, &a); /* has no limit */
    assert_null(answer_header(&a, "X-RateLimit-Limit"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_operations),
        cmocka_unit_test(names_what_is_wrong),
        cmocka_unit_test(pages_by_link),
        cmocka_unit_test(keeps_the_named_project),
        cmocka_unit_test(describes_what_is_routed),
        cmocka_unit_test(describes_itself_soundly),
        cmocka_unit_test(limits_requests_by_session), /* last: with another server */
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
