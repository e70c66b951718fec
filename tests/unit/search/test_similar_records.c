/* Records by meaning, with a model of a few kilobytes: what is kept of a kind follows the store. */
#include "unit/embed/tiny.h"
#include "unit/index/shelf.h"

#include "search/records.h"
#include "search/similar_int.h"

#include <math.h>

struct room {
    struct shelf *shelf;
    struct tiny tiny;
    struct meaning *meaning;
    struct similar *similar;
};

static const struct kind *prop(void)
{
    return kind_find(STR("prop"));
}

static int setup(void **state)
{
    struct room *r = calloc(1, sizeof *r);
    void *shelf = NULL;
    struct meaning_state s = {.loading = true};
    if (!r || shelf_setup(&shelf))
        return -1;
    r->shelf = shelf;
    tiny_make(&r->tiny);
    struct meaning_options o = {
        .store = r->shelf->store, .dir = r->shelf->place->dir, .model = r->tiny.dir, .read_only = true};
    OK(meaning_open(&o, &r->meaning, &e));
    for (int i = 0; s.loading && i < 3000; i++) {
        meaning_state(r->meaning, &s);
        usleep(1000);
    }
    OK(similar_open(r->meaning, r->shelf->store, &r->similar, &e));
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct room *r = *state;
    void *shelf = r->shelf;
    mem_fail_after(-1, false);
    similar_close(r->similar);
    meaning_close(r->meaning);
    tiny_remove(&r->tiny);
    free(r);
    return shelf_teardown(&shelf);
}

struct change {
    struct arena *a;
    int64_t seq;
    const struct record *patch; /* NULL: delete */
};

static enum err_code change_job(struct store_tx *tx, void *arg, struct err *e)
{
    const struct change *c = arg;
    return c->patch ? record_update(tx, c->a, c->seq, c->patch, e) : record_delete(tx, c->a, prop(), c->seq, e);
}

static int64_t keep(struct room *r, const char *project, const char *name)
{
    struct record *p = record_new(r->shelf->arena, prop());
    p->project = str_of(project);
    record_set(p, "name", V_TEXT(str_of(name)));
    struct insert_args args = {r->shelf->arena, p};
    OK(store_write(r->shelf->store, insert_job, &args, &e));
    return p->seq;
}

/* Cosine of the question with that record, NAN: none is kept. */
static float near(struct room *r, const char *question, int64_t seq, int64_t ms)
{
    float out = 0;
    (void)similar_records(r->similar, r->shelf->arena, prop(), str_of(question), &seq, 1,
                          ms ? clock_mono_us() + ms * 1000 : 0, &out);
    return out;
}

static bool eventually_near(struct room *r, const char *question, int64_t seq, bool known)
{
    for (int i = 0; i < 3000; i++) {
        if (!isnan(near(r, question, seq, 100)) == known)
            return true;
        usleep(1000);
    }
    return false;
}

static void a_small_store_is_whole_with_its_first_question(void **state)
{
    struct room *r = *state;
    int64_t river = keep(r, "p", "the river"), winter = keep(r, "p", "cold in winter");
    float out[3];
    int64_t seqs[] = {winter + 7, winter, river};
    assert_true(similar_records(r->similar, r->shelf->arena, prop(), STR("the river"), seqs, 3,
                                clock_mono_us() + 10000000, out));
    assert_true(isnan(out[0]) && !isnan(out[1]) && out[2] > out[1]);
}

static void what_is_new_changed_or_deleted_is_followed(void **state)
{
    struct room *r = *state;
    int64_t first = keep(r, "p", "the river");
    assert_true(eventually_near(r, "the river", first, true));
    float before = near(r, "the river", first, 100);
    int64_t second = keep(r, "p", "cold in winter");
    assert_true(eventually_near(r, "the river", second, true));

    struct record *patch = record_new(r->shelf->arena, prop());
    record_set(patch, "name", V_TEXT(STR("a b c d e f g")));
    struct change change = {r->shelf->arena, first, patch};
    OK(store_write(r->shelf->store, change_job, &change, &e));
    bool moved = false;
    for (int i = 0; i < 3000 && !moved; i++) {
        float now = near(r, "the river", first, 100);
        moved = !isnan(now) && fabsf(now - before) > 0.001F;
        usleep(1000);
    }
    assert_true(moved);
    change.patch = NULL;
    OK(store_write(r->shelf->store, change_job, &change, &e));
    assert_true(eventually_near(r, "the river", first, false));
    assert_true(eventually_near(r, "the river", second, true));
}

/* More than one round makes: none is used before all are there. */
static void many_are_used_when_all_are_made(void **state)
{
    struct room *r = *state;
    enum { MANY = 300 };
    int64_t seqs[MANY];
    float out[MANY];
    char name[32];
    for (size_t i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof name, "the river %zu", i);
        seqs[MANY - 1 - i] = keep(r, "p", name);
    }
    bool any = false;
    for (int i = 0; i < 10000 && !any; i++) {
        any = similar_records(r->similar, r->shelf->arena, prop(), STR("river"), seqs, MANY, 0, out);
        usleep(1000);
    }
    assert_true(any);
    for (size_t i = 0; i < MANY; i++)
        assert_false(isnan(out[i]));
}

static struct records_result find(struct room *r, const char *text, struct str project, bool meaning)
{
    const struct kind *kinds[] = {prop()};
    struct records_result out;
    struct store_tx *tx;
    struct records_query q = {.similar = meaning ? r->similar : NULL,
                              .text = str_of(text),
                              .kinds = kinds,
                              .n_kinds = 1,
                              .project = project,
                              .limit = 10};
    OK(store_read_begin(r->shelf->store, &tx, &e));
    OK(records_find(tx, r->shelf->arena, &q, &out, &e));
    store_read_end(tx);
    return out;
}

static void meaning_joins_words_within_what_is_asked_for(void **state)
{
    struct room *r = *state;
    int64_t river = keep(r, "p", "the river is cold"), same = keep(r, "q", "the river is cold");
    (void)keep(r, "p", "blue");
    assert_true(eventually_near(r, "river", river, true));
    struct records_result words = find(r, "cold river", STR("p"), false), both = find(r, "cold river", STR("p"), true);
    assert_int_equal(words.n, 1);
    assert_true(isnan(words.hits[0].near) && !isnan(both.hits[0].near));
    assert_int_equal(both.hits[0].record->seq, river);
    assert_true(both.hits[0].score >= words.hits[0].score && both.hits[0].score <= 1);
    for (size_t i = 0; i < both.n; i++)
        assert_true(both.hits[i].record->seq != same);
    /* Stop words alone: words find nothing. */
    assert_int_equal(find(r, "is the", STR("p"), false).n, 0);
    assert_true(find(r, "is the", STR("p"), true).n > 0);
}

static struct str session_of_level(struct room *r, const char *level)
{
    struct record *session = record_new(r->shelf->arena, KIND_SESSION);
    session->project = STR("acme/web");
    record_set(session, "privacy_level", V_TEXT(str_of(level)));
    struct insert_args args = {r->shelf->arena, session};
    OK(store_write(r->shelf->store, insert_job, &args, &e));
    return session->id;
}

/* A score does not tell how many records there are that may not be read. */
static void what_may_not_be_read_changes_no_score(void **state)
{
    struct room *r = *state;
    const struct kind *kinds[] = {KIND_CONVERSATION};
    struct str open = session_of_level(r, "TEAM"), closed = session_of_level(r, "PRIVATE");
    double scores[2];
    (void)shelf_conversation(r->shelf, open);
    for (int i = 0; i < 2; i++) {
        struct records_result out;
        struct store_tx *tx;
        struct records_query q = {.text = STR("talk of ghosts"),
                                  .kinds = kinds,
                                  .n_kinds = 1,
                                  .project = STR("acme/web"),
                                  .scope = {true, STR("acme"), STR("acme/app")},
                                  .limit = 10};
        OK(store_read_begin(r->shelf->store, &tx, &e));
        OK(records_find(tx, r->shelf->arena, &q, &out, &e));
        store_read_end(tx);
        assert_int_equal(out.n, 1);
        scores[i] = out.hits[0].score;
        for (int k = 0; k < 20; k++)
            (void)shelf_conversation(r->shelf, closed);
    }
    assert_true(scores[0] == scores[1]);
}

static void out_of_memory_is_mended_later(void **state)
{
    struct room *r = *state;
    int64_t first = keep(r, "p", "the river");
    for (int i = 0; i < 60; i++) { /* wherever it strikes, here or in the thread */
        mem_fail_after(i, false);
        (void)near(r, "the river", first, 5);
        mem_fail_after(-1, false);
        arena_reset(r->shelf->arena);
    }
    for (int i = 0; i < 800 && isnan(near(r, "the river", first, 100)); i++) /* a failure is tried again after 5 s */
        usleep(10000);
    assert_false(isnan(near(r, "the river", first, 100)));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_small_store_is_whole_with_its_first_question, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_new_changed_or_deleted_is_followed, setup, teardown),
        cmocka_unit_test_setup_teardown(many_are_used_when_all_are_made, setup, teardown),
        cmocka_unit_test_setup_teardown(meaning_joins_words_within_what_is_asked_for, setup, teardown),
        cmocka_unit_test_setup_teardown(what_may_not_be_read_changes_no_score, setup, teardown),
        cmocka_unit_test_setup_teardown(out_of_memory_is_mended_later, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
