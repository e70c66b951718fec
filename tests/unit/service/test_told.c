/* Reading conversations that are told all at once: every accepted form, and what is refused. */
#include "service_fixture.h"

#include "service/told.h"

static enum err_code read_text(struct arena *a, const char *text, struct told *out, struct err *e)
{
    const struct json *v;
    struct err none = {0};
    assert_int_equal(json_parse(a, str_of(text), 0, &v, &none), ERR_OK);
    return told_read(a, v, STR("sess_x"), out, e);
}

/* Conversations, messages in all, and the last message as "role agent content". */
static const struct {
    const char *text;
    size_t conversations, turns;
    const char *last;
} accepted[] = {
    {"[]", 0, 0, NULL},
    {"null", 0, 0, NULL},
    {"{\"conversations\":[]}", 0, 0, NULL},
    {"{\"messages\":[]}", 1, 0, NULL},
    {"[\"hi\"]", 1, 1, "user user hi"},
    {"\"[\\\"hi\\\"]\"", 1, 1, "user user hi"},
    {"[[\"a\"],[\"b\",\"c\"]]", 2, 3, "user user c"},
    {"{\"turns\":[{\"content\":\"x\",\"agent\":\"codey\"}]}", 1, 1, "assistant codey x"},
    {"[{\"content\":\"x\",\"role\":\"wykeve\"}]", 1, 1, "assistant wykeve x"},
    {"[{\"content\":\"x\",\"type\":\"message\"}]", 1, 1, "user user x"},
    {"[{\"text\":\"x\",\"type\":\"human\"}]", 1, 1, "user user x"},
    {"[{\"content\":[{\"text\":\"a\"},{\"url\":\"u\"},\"b\"],\"role\":\"model\"}]", 1, 1, "assistant assistant a\n\nb"},
    {"{\"conversations\":[{\"messages\":[\"a\"]},{\"turns\":[\"b\"]}]}", 2, 2, "user user b"},
};

static void every_form_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; i++) {
        struct arena *a = arena_new();
        struct told t;
        struct err e = {0};
        assert_int_equal(read_text(a, accepted[i].text, &t, &e), ERR_OK);
        assert_int_equal(t.n, accepted[i].conversations);
        assert_int_equal(t.n_turns, accepted[i].turns);
        if (accepted[i].last) {
            const struct told_conversation *c = &t.conversations[t.n - 1];
            const struct turn_new *m = &c->turns[c->n - 1];
            struct str said = arena_fmt(a, "%.*s %.*s %.*s", STR_ARG(m->role), STR_ARG(m->agent), STR_ARG(m->content));
            assert_string_equal(said.p, accepted[i].last);
        }
        arena_free(a);
    }
}

static void what_cannot_be_read_is_refused(void **state)
{
    static const char *const refused[] = {"5",
                                          "\"not json\"",
                                          "{}",
                                          "[5]",
                                          "[{}]",
                                          "[{\"content\":5}]",
                                          "[{\"content\":\"x\",\"timestamp\":\"then\"}]",
                                          "[{\"content\":\"x\",\"timestamp\":-1}]",
                                          "[{\"messages\":[]},5]",
                                          "{\"conversations\":[\"x\"]}"};
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct arena *a = arena_new();
        struct told t;
        struct err e = {0};
        assert_int_equal(read_text(a, refused[i], &t, &e), ERR_INVALID);
        assert_string_equal(e.field, "conversation_json");
        arena_free(a);
    }
}

static void the_same_told_again_has_the_same_ids(void **state)
{
    struct arena *a = arena_new();
    struct told x, y;
    struct err e = {0};
    (void)state;
    assert_int_equal(read_text(a, "[[\"a\"],[\"a\"]]", &x, &e), ERR_OK);
    assert_int_equal(read_text(a, "[[\"a\"],[\"a\"]]", &y, &e), ERR_OK);
    assert_string_equal(x.conversations[0].id, y.conversations[0].id);
    assert_string_not_equal(x.conversations[0].id, x.conversations[1].id);
    assert_true(id_has_form(str_of(x.conversations[0].id), "conv"));
    arena_free(a);
}

static void what_is_not_understood_is_kept(void **state)
{
    struct arena *a = arena_new();
    struct told t;
    struct err e = {0};
    (void)state;
    assert_int_equal(read_text(a, "[{\"content\":\"x\",\"stop\":1,\"metadata\":{\"m\":2}}]", &t, &e), ERR_OK);
    assert_true(str_is(t.conversations[0].turns[0].metadata, "{\"stop\":1,\"m\":2}"));
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_read),
        cmocka_unit_test(what_cannot_be_read_is_refused),
        cmocka_unit_test(the_same_told_again_has_the_same_ids),
        cmocka_unit_test(what_is_not_understood_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
