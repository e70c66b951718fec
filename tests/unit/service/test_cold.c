/* Cold storage over a driver that fails and lies: what is kept is whole or told, and comes back as it was. Over
 * folders, buckets and HTTP: tests/e2e/test_cold.py and test_cold_s3.py. */
#include "service_fixture.h"

#include "base/id.h"
#include "base/mem.h"
#include "cold_memory.h"
#include "config/config.h"
#include "service/caller.h"
#include "service/cold.h"
#include "store/retention.h"

#include <sys/stat.h>
#include <zstd.h>

#define OK(call)                                                                                                       \
    do {                                                                                                               \
        struct err ok_ = {0};                                                                                          \
        if (call)                                                                                                      \
            fail_msg("%s: %s", #call, ok_.message);                                                                    \
    } while (0)

struct talk {
    const char *session, *conversation;
};

static struct talk talk(struct fixture *f, int turns)
{
    struct talk t;
    t.session = fixture_text(f, fixture_ok(f, "session.create", "{}"), "session_id");
    t.conversation =
        fixture_text(f,
                     fixture_ok(f, "conversation.create",
                                fixture_args(f, "{\"session_id\":\"%s\",\"directive\":\"News\"}", t.session)),
                     "conversation_id");
    for (int i = 1; i <= turns; i++)
        fixture_ok(f, "turn.add",
                   fixture_args(f, "{\"conversation_id\":\"%s\",\"agent\":\"ana\",\"content\":\"lamp number %d\"}",
                                t.conversation, i));
    return t;
}

static enum err_code keep(struct fixture *f, const struct talk *t, int64_t first, int64_t last, struct err *e)
{
    return cold_keep(f->svc, fixture_record(f, KIND_CONVERSATION, t->conversation), first, last, e);
}

static int64_t archives(struct fixture *f)
{
    return (int64_t)json_get(fixture_ok(f, "cold.list", "{}"), "archives")->n;
}

static enum err_code let_go_on(struct store_tx *tx, void *arg, struct err *e)
{
    const struct record *c = arg;
    struct arena *a = arena_new();
    struct record *patch = record_new(a, KIND_CONVERSATION);
    int64_t removed, left;
    record_set(patch, "summarized_turn", V_INT(record_int(c, "turn_count")));
    enum err_code code = record_update(tx, a, c->seq, patch, e);
    if (!code)
        code = turns_remove(tx, c->id, &removed, &left, e);
    arena_free(a);
    return code;
}

static void let_go(struct fixture *f, const struct talk *t)
{
    struct record *c = fixture_record(f, KIND_CONVERSATION, t->conversation);
    OK(store_write(f->svc->store, let_go_on, c, &ok_));
}

static int64_t turns_there(struct fixture *f, const struct talk *t)
{
    return (int64_t)json_get(
               fixture_ok(f, "conversation.get", fixture_args(f, "{\"conversation_id\":\"%s\"}", t->conversation)),
               "turns")
        ->n;
}

static const struct json *restore(struct fixture *f, const struct talk *t)
{
    return fixture_ok(f, "cold.restore", fixture_args(f, "{\"session_id\":\"%s\"}", t->session));
}

static int64_t count_of(const struct json *o, const char *key)
{
    return json_get(o, key)->integer;
}

static void a_long_conversation_has_several_archives(void **state)
{
    struct fixture *f = *state;
    struct cold_memory *m = cold_memory_lend(f->svc);
    struct talk t = talk(f, ARCHIVE_TURNS + 1);
    OK(keep(f, &t, 1, ARCHIVE_TURNS + 1, &ok_));
    assert_int_equal(archives(f), 2);
    assert_int_equal(m->puts, 2);
    OK(keep(f, &t, 1, ARCHIVE_TURNS + 1, &ok_)); /* they are there */
    assert_int_equal(m->puts, 2);
    assert_int_equal(count_of(fixture_ok(f, "cold.verify", "{}"), "archives"), 2);
    let_go(f, &t);
    assert_int_equal(turns_there(f, &t), 0);
    const struct json *done = restore(f, &t);
    assert_int_equal(count_of(done, "restored"), ARCHIVE_TURNS + 1);
    assert_int_equal(turns_there(f, &t), 100); /* a page of them */
    done = restore(f, &t);
    assert_int_equal(count_of(done, "restored"), 0);
    assert_int_equal(count_of(done, "known"), ARCHIVE_TURNS + 1);
    struct record *c = fixture_record(f, KIND_CONVERSATION, t.conversation);
    assert_int_equal(record_int(c, "turns_removed"), 0);
    assert_int_equal(record_int(c, "turn_count"), ARCHIVE_TURNS + 1);
}

static void nothing_counts_as_kept_that_does_not_read_back(void **state)
{
    struct fixture *f = *state;
    struct cold_memory *m = cold_memory_lend(f->svc);
    struct talk t = talk(f, 3);
    struct err e = {0};
    m->loses = true;
    assert_int_equal(keep(f, &t, 1, 3, &e), ERR_CORRUPT); /* never ERR_NOT_FOUND, which callers pass over */
    m->loses = false;
    m->changes = true;
    err_clear(&e);
    assert_int_equal(keep(f, &t, 1, 3, &e), ERR_CORRUPT);
    m->changes = false;
    m->put_fails = ERR_UNAVAILABLE;
    err_clear(&e);
    assert_int_equal(keep(f, &t, 1, 3, &e), ERR_UNAVAILABLE);
    m->put_fails = ERR_OK;
    m->get_fails = ERR_TIMEOUT;
    err_clear(&e);
    assert_int_equal(keep(f, &t, 1, 3, &e), ERR_TIMEOUT);
    m->get_fails = ERR_OK;
    OK(keep(f, &t, 1, 3, &ok_));
}

static void what_is_named_otherwise_is_none_of_ours(void **state)
{
    static const char *const names[] = {
        "notes.txt",
        "sess_00000000000000000000000000000000/x",
        "../sess_00000000000000000000000000000000/c/f.zst",
        "sess_00000000000000000000000000000000/conv/000000001-000000002.short.zst",
        "sess_00000000000000000000000000000000/conv/000000002-000000001."
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.zst",
        "other/conv/000000001-000000002.e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.zst"};
    struct fixture *f = *state;
    cold_memory_lend(f->svc);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        OK(f->svc->cold->put(f->svc->cold, str_of(names[i]), STR("x"), &ok_));
    assert_int_equal(archives(f), 0);
}

static void an_archive_s_bytes(struct fixture *f, struct buf *out)
{
    struct talk t = talk(f, 3);
    struct cold_memory *m = cold_memory_lend(f->svc);
    OK(keep(f, &t, 1, 3, &ok_));
    buf_init(out, 0);
    for (int i = 0; i < COLD_OBJECTS; i++)
        if (m->all[i].there)
            buf_str(out, buf_view(&m->all[i].bytes));
}

/* The name's checksum fits in each case, so that what is inside is looked at. */
static enum err_code parse(struct fixture *f, struct str bytes, struct str *lines, struct err *e)
{
    char sha[65];
    id_sha256(bytes, sha);
    const struct cold_archive c = {
        .session = STR("s"), .conversation = STR("c"), .path = STR("s/c/x"), .sha256 = str_of(sha)};
    return cold_parse(f->svc, f->arena, &c, bytes, lines, e);
}

static void damage_is_told(void **state)
{
    struct fixture *f = *state;
    struct buf whole;
    struct str lines;
    an_archive_s_bytes(f, &whole);
    OK(parse(f, buf_view(&whole), &lines, &ok_));
    assert_true(str_starts(lines, "{\"cairn_cold\":1,"));
    for (size_t n = 0; n < whole.n; n++) {
        struct err e = {0};
        char *copy = malloc(n + 1);
        memcpy(copy, whole.p, n);
        assert_int_equal(parse(f, (struct str){copy, n}, &lines, &e), ERR_CORRUPT);
        free(copy);
    }
    struct err e = {0};
    const struct cold_archive other = {.path = STR("x"), .sha256 = STR("00")};
    assert_int_equal(cold_parse(f->svc, f->arena, &other, buf_view(&whole), &lines, &e), ERR_CORRUPT);
    assert_non_null(strstr(e.message, "checksum"));
    err_clear(&e);
    assert_int_equal(parse(f, STR("cairn-cold 3\nsealed"), &lines, &e), ERR_DENIED);
    err_clear(&e);
    assert_int_equal(parse(f, STR("cairn-cold 99999999999999999999"), &lines, &e), ERR_CORRUPT);
    buf_release(&whole);
}

static void a_bomb_is_refused(void **state)
{
    struct fixture *f = *state;
    /* a frame's head that promises 200 GB: magic, descriptor with an eight-byte size, the size */
    static const unsigned char bomb[] = {0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0x32, 0, 0, 0, 0, 1, 0, 0};
    struct err e = {0};
    struct str lines;
    assert_int_equal(parse(f, (struct str){(const char *)bomb, sizeof bomb}, &lines, &e), ERR_CORRUPT);
}

static void out_of_memory_is_told(void **state)
{
    struct fixture *f = *state;
    struct cold_memory *m = cold_memory_lend(f->svc);
    struct talk t = talk(f, 2);
    struct record *c = fixture_record(f, KIND_CONVERSATION, t.conversation);
    for (int n = 0;; n++) {
        struct err e = {0};
        mem_fail_after(n, false);
        enum err_code code = cold_keep(f->svc, c, 1, 2, &e);
        bool hit = mem_fail_hit();
        mem_fail_after(-1, false);
        if (!hit) {
            assert_int_equal(code, ERR_OK);
            break;
        }
        if (!code) /* where a failure may be got over, the archive is whole */
            assert_int_equal(json_get(fixture_ok(f, "cold.verify", "{}"), "damaged")->n, 0);
    }
    assert_true(m->puts > 0 && archives(f) > 0);
    assert_int_equal(json_get(fixture_ok(f, "cold.verify", "{}"), "damaged")->n, 0);
}

static void what_was_erased_stays_away(void **state)
{
    struct fixture *f = *state;
    struct cold_memory *m = cold_memory_lend(f->svc);
    struct talk t = talk(f, 4);
    struct buf old;
    char name[300];
    OK(keep(f, &t, 1, 4, &ok_));
    buf_init(&old, 0);
    buf_str(&old, buf_view(&m->all[0].bytes));
    strcpy(name, m->all[0].name);
    const struct json *turns = json_get(
        fixture_ok(f, "conversation.get", fixture_args(f, "{\"conversation_id\":\"%s\"}", t.conversation)), "turns");
    const char *second = fixture_text(f, &turns->items[1], "turn_id");
    let_go(f, &t);
    const struct json *done = fixture_ok(f, "forget", fixture_args(f, "{\"turn\":\"%s\",\"now\":true}", second));
    const struct json *receipt = json_get(json_get(done, "receipt"), "receipt");
    assert_int_equal(json_get(receipt, "cold_archives")->n, 1);
    assert_string_equal(fixture_text(f, &json_get(receipt, "cold_archives")->items[0], "path"), name);
    assert_int_equal(cold_memory_find(m, str_of(name), false), -1);
    OK(f->svc->cold->put(f->svc->cold, str_of(name), buf_view(&old), &ok_)); /* an older copy is put back */
    done = restore(f, &t);
    assert_int_equal(count_of(done, "restored"), 3);
    assert_int_equal(count_of(done, "erased"), 1);
    assert_int_equal(turns_there(f, &t), 3);
    buf_release(&old);
}

/* Of another project, though he may call the operations. */
static void others_archives_are_out_of_reach(void **state)
{
    static const struct caller other = {
        .name = {"tok_1", 5}, .org = {"default", 7}, .project = {"other", 5}, .permissions = ~0u};
    struct fixture *f = *state;
    cold_memory_lend(f->svc);
    struct talk t = talk(f, 3);
    struct err e = {0};
    OK(keep(f, &t, 1, 3, &ok_));
    let_go(f, &t);
    const char *name = fixture_args(f, "{\"session_id\":\"%s\"}", t.session);
    f->caller = &other;
    assert_int_equal(archives(f), 0);
    assert_int_equal(count_of(fixture_ok(f, "cold.verify", "{}"), "archives"), 0);
    assert_int_equal(fixture_call(f, "cold.read", name, NULL, &e), ERR_NOT_FOUND);
    err_clear(&e);
    assert_int_equal(fixture_call(f, "cold.restore", name, NULL, &e), ERR_FORBIDDEN);
    const struct json *done = fixture_ok(f, "forget", "{\"value\":\"lamp number\",\"now\":true}");
    assert_null(json_get(done, "turns_in_cold_storage"));
    f->caller = NULL;
    assert_int_equal(archives(f), 1);
    assert_int_equal(count_of(restore(f, &t), "restored"), 3);
}

/* ---- the folder ---- */

struct seen {
    int n;
    int64_t bytes;
    char last[200];
};

static enum err_code see(void *arg, struct str name, int64_t bytes, struct err *e)
{
    struct seen *s = arg;
    (void)e;
    s->n++;
    s->bytes += bytes;
    (void)snprintf(s->last, sizeof s->last, "%.*s", STR_ARG(name));
    return ERR_OK;
}

static void a_folder_keeps_files(void **state)
{
    struct fixture *f = *state;
    char path[100], hidden[120];
    struct cold_driver *d = NULL;
    struct seen s = {0};
    struct buf b;
    struct err e = {0};
    (void)snprintf(path, sizeof path, "%s/cold", f->dir);
    OK(cold_folder_open(path, &d, &ok_));
    OK(d->list(d, STR(""), see, &s, &ok_)); /* it is not there yet */
    assert_int_equal(s.n, 0);
    OK(d->put(d, STR("a/b/one"), STR("12345"), &ok_));
    OK(d->put(d, STR("a/c/two"), STR("1"), &ok_));
    OK(d->put(d, STR("d/two"), STR(""), &ok_));
    (void)snprintf(hidden, sizeof hidden, "%s/a/.hidden", path);
    assert_int_equal(mkdir(hidden, 0700), 0);
    OK(d->list(d, STR(""), see, &s, &ok_));
    assert_int_equal(s.n, 3);
    assert_int_equal(s.bytes, 6);
    s.n = 0;
    OK(d->list(d, STR("a/b/"), see, &s, &ok_));
    assert_int_equal(s.n, 1);
    assert_string_equal(s.last, "a/b/one");
    buf_init(&b, 0);
    assert_int_equal(d->get(d, STR("a/b/one"), 4, &b, &e), ERR_TOO_LARGE);
    err_clear(&e);
    buf_clear(&b);
    OK(d->get(d, STR("a/b/one"), 5, &b, &ok_));
    assert_true(str_is(buf_view(&b), "12345"));
    OK(d->remove(d, STR("a/b/one"), &ok_));
    OK(d->remove(d, STR("a/b/one"), &ok_));
    assert_int_equal(d->get(d, STR("a/b/one"), 5, &b, &e), ERR_NOT_FOUND);
    buf_release(&b);
    d->close(d);
}

/* ---- which driver ---- */

static enum err_code dialled(const struct cold_bucket *at, struct cold_driver **out, struct err *e)
{
    assert_string_equal(at->bucket, "b-1");
    assert_string_equal(at->key_id, "id");
    assert_string_equal(at->key, "secret");
    assert_null(at->token);
    return cold_folder_open("/nowhere", out, e);
}

static enum err_code open_with(struct fixture *f, const char *file, bool server, bool reaches, struct err *e)
{
    struct service svc = {.options = {.background = server, .cold = reaches ? dialled : NULL}, .store = f->svc->store};
    const struct config_flag given[] = {{STR("cold.bucket"), STR("b-1")},
                                        {STR("cold.endpoint"), STR("https://example.com")},
                                        {STR("cold.key_file"), str_of(file)}};
    struct err why = {0};
    struct buf b;
    assert_int_equal(config_load_inside(f->arena, NULL, given, 3, &svc.options.config, &why), ERR_OK);
    enum err_code code = cold_open(&svc, e);
    if (code)
        return code;
    assert_true(cold_wanted(&svc)); /* also where it cannot be used: nothing may be let go then */
    buf_init(&b, 0);
    code = svc.cold->get(svc.cold, STR("x"), 9, &b, e);
    buf_release(&b);
    cold_close(&svc);
    return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static void a_bucket_s_keys_come_from_a_file_of_its_owner_s_alone(void **state)
{
    struct fixture *f = *state;
    char path[100];
    struct err e = {0};
    (void)snprintf(path, sizeof path, "%s/bucket.keys", f->dir);
    assert_int_equal(open_with(f, path, true, true, &e), ERR_DENIED);
    FILE *file = fopen(path, "w");
    fputs("id\r\nsecret\n", file);
    fclose(file);
    assert_int_equal(chmod(path, 0640), 0);
    err_clear(&e);
    assert_int_equal(open_with(f, path, true, true, &e), ERR_DENIED);
    assert_non_null(strstr(e.message, "chmod 600"));
    err_clear(&e);
    assert_int_equal(open_with(f, path, false, true, &e), ERR_DENIED); /* a command goes on until it needs it */
    assert_int_equal(chmod(path, 0600), 0);
    err_clear(&e);
    OK(open_with(f, path, true, true, &ok_));
    assert_int_equal(open_with(f, path, true, false, &e), ERR_UNAVAILABLE); /* a program without libcurl */
    file = fopen(path, "w");
    fputs("id\n", file);
    fclose(file);
    err_clear(&e);
    assert_int_equal(open_with(f, path, true, true, &e), ERR_INVALID);
    assert_string_equal(e.field, "cold.key");
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(a_long_conversation_has_several_archives),
        WITH(nothing_counts_as_kept_that_does_not_read_back),
        WITH(what_is_named_otherwise_is_none_of_ours),
        WITH(damage_is_told),
        WITH(a_bomb_is_refused),
        WITH(out_of_memory_is_told),
        WITH(what_was_erased_stays_away),
        WITH(others_archives_are_out_of_reach),
        WITH(a_folder_keeps_files),
        WITH(a_bucket_s_keys_come_from_a_file_of_its_owner_s_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
