/* Receipts of erasures: genuine as they are given, and nothing that was changed is taken for one. */
#include "service_fixture.h"

#include "base/mem.h"
#include "service/receipt.h"

static struct str text_of(struct fixture *f, const struct json *o)
{
    struct buf b;
    struct json_out w;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_value(&w, o);
    return buf_take(&b, f->arena);
}

/* Of a session with a few records in it. */
static struct str a_receipt(struct fixture *f)
{
    const char *s = fixture_text(f, fixture_ok(f, "session.create", "{}"), "session_id");
    const char *c = fixture_text(
        f, fixture_ok(f, "conversation.create", fixture_args(f, "{\"session_id\":\"%s\",\"directive\":\"News\"}", s)),
        "conversation_id");
    fixture_ok(f, "turn.add",
               fixture_args(f, "{\"conversation_id\":\"%s\",\"agent\":\"ana\",\"content\":\"the zebra\"}", c));
    const struct json *done = fixture_ok(
        f, "forget", fixture_args(f, "{\"session\":\"%s\",\"now\":true,\"reason\":\"she \\\"asked\\\" — twice\"}", s));
    return text_of(f, json_get(done, "receipt"));
}

static enum err_code check(struct fixture *f, struct str text, const char *dir, struct receipt_check *out)
{
    const struct json *o;
    struct err e = {0};
    enum err_code code = json_parse(f->arena, text, 0, &o, &e);
    return code ? code : receipt_verify(f->arena, dir, o, out, &e);
}

static void it_is_genuine_and_of_this_store(void **state)
{
    struct fixture *f = *state;
    struct receipt_check found;
    struct str text = a_receipt(f);
    assert_int_equal(check(f, text, f->dir, &found), ERR_OK);
    assert_true(found.genuine && found.own_key && !found.wrong);
    assert_int_equal(check(f, text, NULL, &found), ERR_OK); /* whose key it is cannot be told then */
    assert_true(found.genuine && !found.own_key && found.wrong);
    assert_true(str_find(text, STR("zebra")) < 0);
    assert_true(str_find(text, STR("\"records\":{")) > 0 && str_find(text, STR("twice")) > 0);
}

static void white_space_does_no_harm(void **state)
{
    struct fixture *f = *state;
    struct receipt_check found;
    struct str text = a_receipt(f);
    struct buf b;
    bool quoted = false;
    buf_init(&b, 0);
    for (size_t i = 0; i < text.n; i++) {
        bool escaped = quoted && i > 0 && text.p[i - 1] == '\\';
        quoted = text.p[i] == '"' && !escaped ? !quoted : quoted;
        buf_char(&b, text.p[i]);
        if (!quoted && (text.p[i] == ',' || text.p[i] == ':' || text.p[i] == '{'))
            buf_cstr(&b, "\n  ");
    }
    assert_int_equal(check(f, buf_view(&b), f->dir, &found), ERR_OK);
    assert_true(found.genuine && found.own_key);
    buf_release(&b);
}

/* Each byte in turn another: it is no JSON, no receipt, or not genuine. What the signature does not cover (its names of
 * the algorithm and the key) makes it none of this store's, or changes nothing that is claimed. */
static void any_changed_byte_is_found(void **state)
{
    struct fixture *f = *state;
    struct str text = a_receipt(f);
    ptrdiff_t end = str_find(text, STR(",\"signature\":{"));
    assert_true(end > 100);
    char *copy = arena_cstr(f->arena, text);
    for (ptrdiff_t i = 0; i < end; i++) {
        struct receipt_check found = {0};
        char was = copy[i];
        copy[i] = was == 'x' ? 'y' : was >= '0' && was <= '9' ? (char)('0' + (was - '0' + 1) % 10) : 'x';
        if (check(f, (struct str){copy, text.n}, f->dir, &found) == ERR_OK && found.genuine)
            fail_msg("byte %td: %.*s", i, (int)text.n, copy);
        copy[i] = was;
    }
}

static void another_store_s_receipt_is_told(void **state)
{
    struct fixture *f = *state, *other = NULL;
    struct receipt_check found;
    void *place = NULL;
    struct str text = a_receipt(f);
    assert_int_equal(fixture_setup(&place), 0);
    other = place;
    a_receipt(other); /* so that it has a key */
    assert_int_equal(check(f, text, other->dir, &found), ERR_OK);
    assert_true(found.genuine && !found.own_key);
    assert_non_null(strstr(found.wrong, "another store"));
    service_close(other->svc);
    other->svc = NULL;
    fixture_open(other);
    fixture_teardown(&place);
    assert_int_equal(operations_init(NULL), ERR_OK); /* which the teardown has freed */
}

static void what_is_none_is_refused(void **state)
{
    static const char *const none[] = {
        "{}",
        "[]",
        "{\"receipt\":{}}",
        "{\"receipt\":1,\"signature\":{}}",
        "{\"receipt\":{},\"signature\":[]}",
        "{\"receipt\":{},\"signature\":{\"algorithm\":\"none\",\"public_key\":\"\",\"value\":\"\"}}",
        "{\"receipt\":{},\"signature\":{\"algorithm\":\"Ed25519\",\"public_key\":\"AAAA\",\"value\":\"AAAA\"}}"};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        struct receipt_check found;
        if (check(f, str_of(none[i]), f->dir, &found) != ERR_INVALID)
            fail_msg("taken: %s", none[i]);
    }
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(it_is_genuine_and_of_this_store), WITH(white_space_does_no_harm), WITH(any_changed_byte_is_found),
        WITH(another_store_s_receipt_is_told), WITH(what_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
