/* Memory and the store fail at every place in turn while the proxy starts and while a request goes through it: whole
 * and right, or an error, or broken off where the client notices; never a crash, a leak or a turn said to be stored
 * that is not; and the next request is served. */
#include "proxy_fixture.h"

enum { PLACES_MAX = 1500, CLEAN_RUNS = 3, RUNS_A_PLACE = 32 };

#define MESSAGES "\"messages\":[{\"role\":\"user\",\"content\":\"hello there\"}]"

/* Whether the turn that an answer's memory_metadata names is in the store. */
static void check_stored(struct place *p, const char *body)
{
    char turn[64], conversation[64], request[256];
    const char *said = strstr(body, "\"turn_stored\":true");
    if (!said)
        return;
    /* Where memory failed before it found the conversation, its id is not known and null. */
    if (sscanf(said, "\"turn_stored\":true,\"turn_id\":\"%63[^\"]\",\"conversation_id\":\"%63[^\"]\"", turn,
               conversation) != 2) {
        assert_non_null(strstr(said, "\"conversation_id\":null"));
        return;
    }
    snprintf(request, sizeof request, "GET /api/v2/conversations/%s HTTP/1.1\r\n" HOST "\r\n", conversation);
    struct answer a = ask(p->port, request);
    assert_int_equal(a.status, 200);
    assert_non_null(strstr(a.body, turn));
    answer_free(&a);
}

static void check_answer(struct place *p, const struct answer *a, bool streamed)
{
    if (a->status == 200 && a->whole) {
        assert_non_null(strstr(a->body, streamed ? STREAM_EVENTS : "Hello you"));
        assert_true(!streamed || strstr(a->body, STREAM_DONE));
        check_stored(p, a->body);
    } else if (a->status != 200 && a->status != 0) {
        assert_in_range(a->status, 500, 504);
    }
}

static void survives(const char *path, const char *body)
{
    struct place *p = NULL;
    bool streamed = strstr(body, "\"stream\":true");
    int place = 0, clean = 0;
    for (; clean < CLEAN_RUNS; place++) {
        assert_true(place < PLACES_MAX);
        if (place % RUNS_A_PLACE == 0)
            p = fresh_place(p);
        mem_fail_after(place, false);
        struct answer a = post(p->port, path, body);
        bool hit = mem_fail_hit();
        mem_fail_after(-1, false);
        check_answer(p, &a, streamed);
        clean = hit ? 0 : clean + 1;
        answer_free(&a);
        if (place % 16 == 0) {
            a = post(p->port, path, body);
            assert_int_equal(a.status, 200);
            assert_true(a.whole);
            check_answer(p, &a, streamed);
            answer_free(&a);
        }
    }
    assert_true(place > CLEAN_RUNS + 2);
    place_free(p);
}

static void plain(void **state)
{
    (void)state;
    survives("/v1/chat/completions", "{\"model\":\"m\"," MESSAGES "}");
    survives("/v1/chat/completions", "{\"model\":\"m\",\"stream\":true," MESSAGES "}");
}

static void with_memory(void **state)
{
    (void)state;
    survives("/v1/chat/completions", "{\"session_id\":\"s\",\"model\":\"m\"," MESSAGES "}");
    survives("/v1/chat/completions", "{\"session_id\":\"s\",\"model\":\"m\",\"stream\":true," MESSAGES "}");
}

static void with_metadata(void **state)
{
    (void)state;
    survives("/v2/chat/completions", "{\"session_id\":\"s\",\"model\":\"m\"," MESSAGES "}");
    survives("/v2/chat/completions", "{\"session_id\":\"s\",\"model\":\"m\",\"stream\":true," MESSAGES "}");
}

static void start_survives(void **state)
{
    (void)state;
    struct place *p = place_new((struct proxy_options){0});
    const struct proxy_options o = {.svc = p->svc, .upstream_url = p->url};
    for (int place = 0;; place++) {
        struct proxy *proxy = NULL;
        struct err e = {0};
        assert_true(place < PLACES_MAX);
        mem_fail_after(place, false);
        enum err_code code = proxy_start(&o, &proxy, &e);
        bool hit = mem_fail_hit();
        mem_fail_after(-1, false);
        if (code == ERR_OK)
            proxy_stop(proxy);
        else
            assert_int_equal(code, ERR_NOMEM);
        if (!hit)
            break;
    }
    place_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(start_survives),
        cmocka_unit_test(plain),
        cmocka_unit_test(with_memory),
        cmocka_unit_test(with_metadata),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
