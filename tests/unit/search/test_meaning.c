/* Meaning beside words, with a model of a few kilobytes: turns get their vectors behind the writer's back, recall finds
 * what shares no word with the question, and nothing changes where there is no model. */
#include "unit/embed/tiny.h"
#include "unit/index/shelf.h"

#include "base/json.h"
#include "search/meaning_int.h"
#include "search/recall.h"

#include <math.h>

struct room {
    struct shelf *shelf;
    struct tiny tiny;
    struct meaning *meaning;
};

static void wait_until_fed(struct room *r)
{
    struct meaning_state s;
    for (int i = 0; i < 3000; i++) {
        meaning_state(r->meaning, &s);
        if ((s.loaded && s.lag == 0) || (!s.loaded && !s.loading))
            return;
        usleep(10000);
    }
    fail_msg("the vectors did not come");
}

static void start(struct room *r, const char *model, bool read_only)
{
    struct meaning_options o = {
        .store = r->shelf->store, .dir = r->shelf->place->dir, .model = model, .read_only = read_only};
    meaning_close(r->meaning);
    r->meaning = NULL;
    OK(meaning_open(&o, &r->meaning, &e));
    wait_until_fed(r);
}

static int setup(void **state)
{
    struct room *r = calloc(1, sizeof *r);
    void *shelf = NULL;
    if (shelf_setup(&shelf))
        return -1;
    r->shelf = shelf;
    tiny_make(&r->tiny);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct room *r = *state;
    void *shelf = r->shelf;
    meaning_close(r->meaning);
    tiny_remove(&r->tiny);
    free(r);
    return shelf_teardown(&shelf);
}

static struct recall_result recall(struct room *r, struct str session, const char *text, bool with_meaning)
{
    struct recall_result out;
    struct recall_query q = {.meaning = with_meaning ? r->meaning : NULL,
                             .text = str_of(text),
                             .session_id = session,
                             .now = 1000,
                             .max_results = 20};
    OK(recall_run(r->shelf->store, r->shelf->index, r->shelf->arena, &q, &out, &e));
    return out;
}

static double why(struct room *r, const struct recall_hit *h, const char *part)
{
    const struct json *all = NULL;
    OK(json_parse(r->shelf->arena, h->why, 0, &all, &e));
    assert_non_null(json_get(all, part));
    return json_get(all, part)->number;
}

/* "a b c" and the like: all of them words of the tiny model, none of which says what another says. */
static struct str talk(struct room *r, const char *project)
{
    struct str session = shelf_session(r->shelf, project);
    static const char *const SAID[] = {"the river is cold", "a b c d", "blue in winter", "run run", "e f g"};
    for (int i = 0; i < 5; i++)
        shelf_say(r->shelf, shelf_conversation(r->shelf, session), "f", SAID[i]);
    return session;
}

static void every_turn_gets_a_vector(void **state)
{
    struct room *r = *state;
    struct meaning_state s;
    talk(r, "p");
    start(r, r->tiny.dir, false);
    meaning_state(r->meaning, &s);
    assert_true(s.loaded && !s.loading);
    assert_int_equal(s.vectors, 5);
    assert_int_equal(s.lag, 0);
    assert_int_equal(s.dimensions, TINY_HIDDEN);
    talk(r, "p");
    meaning_wake(r->meaning);
    wait_until_fed(r);
    meaning_state(r->meaning, &s);
    assert_int_equal(s.vectors, 10);
}

static void a_turn_is_found_that_shares_no_word(void **state)
{
    struct room *r = *state;
    struct str session = talk(r, "p");
    start(r, r->tiny.dir, false);
    assert_int_equal(recall(r, session, "rivers", false).n, 1); /* by its stem */
    assert_int_equal(recall(r, session, "d c b", false).n, 1);
    struct str empty = shelf_session(r->shelf, "p"); /* nothing of another session */
    assert_int_equal(recall(r, empty, "a b c d", true).n, 0);
    /* the very words that were embedded: nothing can be nearer */
    struct recall_result found = recall(r, session, "f: the river is cold", true);
    assert_true(found.n > 0 && str_is(found.hits[0].turn.content, "the river is cold"));
    assert_true(why(r, &found.hits[0], "meaning") > 0);
    /* Stop words alone: words find nothing, meaning does. */
    assert_int_equal(recall(r, session, "is the in and", false).n, 0);
    assert_true(recall(r, session, "is the in and", true).n > 0);
}

static void same(struct room *r, struct recall_result a, struct recall_result b)
{
    assert_int_equal(a.n, b.n);
    assert_int_equal(a.total_matches, b.total_matches);
    for (size_t i = 0; i < a.n; i++) {
        assert_int_equal(a.hits[i].turn.seq, b.hits[i].turn.seq);
        assert_true(a.hits[i].score == b.hits[i].score);
        assert_true(why(r, &b.hits[i], "meaning") == 0);
    }
}

static void without_a_model_all_is_as_by_words(void **state)
{
    struct room *r = *state;
    static const char *const ASKED[] = {"cold river", "winter blue f", "what is a b c?", "run", "nothing of it"};
    struct str session = talk(r, "p");
    start(r, "/nowhere/at/all", false);
    for (int i = 0; i < 5; i++)
        same(r, recall(r, session, ASKED[i], false), recall(r, session, ASKED[i], true));
    struct meaning_state s;
    meaning_state(r->meaning, &s);
    assert_false(s.loaded || s.loading);
}

/* A model, but no vectors yet, and nobody who makes them. */
static void without_vectors_too(void **state)
{
    struct room *r = *state;
    struct str session = talk(r, "p");
    struct meaning_options o = {
        .store = r->shelf->store, .dir = r->shelf->place->dir, .model = r->tiny.dir, .read_only = true};
    OK(meaning_open(&o, &r->meaning, &e));
    same(r, recall(r, session, "cold river", false), recall(r, session, "cold river", true));
}

static void turns_without_a_vector_are_found_by_words(void **state)
{
    struct room *r = *state;
    struct str session = talk(r, "p");
    start(r, r->tiny.dir, false);
    start(r, r->tiny.dir, true); /* from here on none are made */
    shelf_say(r->shelf, shelf_conversation(r->shelf, session), "f", "the anchor is lost");
    struct recall_result found = recall(r, session, "anchor", true);
    assert_true(found.n > 0 && str_is(found.hits[0].turn.content, "the anchor is lost"));
    assert_true(why(r, &found.hits[0], "words") > 0 && why(r, &found.hits[0], "meaning") == 0);
}

static void projects_stay_apart(void **state)
{
    struct room *r = *state;
    struct recall_result out;
    talk(r, "p");
    talk(r, "other");
    start(r, r->tiny.dir, false);
    struct recall_query q = {
        .meaning = r->meaning, .text = STR("f: the river is cold"), .project = STR("p"), .max_results = 50};
    OK(recall_run(r->shelf->store, r->shelf->index, r->shelf->arena, &q, &out, &e));
    assert_true(out.n > 0);
    for (size_t i = 0; i < out.n; i++)
        assert_true(str_is(out.hits[i].turn.project, "p"));
}

/* A file that says it is of this store, but ends with a turn that the store does not know. */
static void vectors_of_another_store_are_made_anew(void **state)
{
    struct room *r = *state;
    struct meaning_state s;
    float v[TINY_HIDDEN] = {1};
    talk(r, "p");
    start(r, r->tiny.dir, false);
    struct vectors *file = NULL;
    meaning_state(r->meaning, &s);
    meaning_close(r->meaning);
    r->meaning = NULL;
    OK(vectors_open(&(struct vectors_options){r->shelf->place->dir, s.id, TINY_HIDDEN, false}, &file, &e));
    OK(vectors_reset(file, &e));
    struct vector_row row = {3, STR("turn_of_another_store"), STR("sess_x"), STR("p"), v};
    OK(vectors_append(file, &row, 1, &e));
    vectors_close(file);
    start(r, r->tiny.dir, false);
    meaning_state(r->meaning, &s);
    assert_int_equal(s.vectors, 5);
}

/* Every allocation and file call of a batch fails once: no vector is lost or doubled. */
static void failures_cost_nothing_but_time(void **state)
{
    struct room *r = *state;
    struct meaning_state s;
    talk(r, "p");
    start(r, r->tiny.dir, false);
    meaning_close(r->meaning); /* its thread would be hit as well */
    struct meaning m = {.store = r->shelf->store, .dir = r->shelf->place->dir, .model = r->tiny.dir};
    pthread_mutex_init(&m.lock, NULL);
    OK(meaning_load(&m, &e));
    OK(vectors_reset(m.vectors, &e));
    size_t taken = 0;
    for (int n = 0; n < 400 && taken == 0; n++) {
        struct err ignored = {0};
        mem_fail_after(n, false);
        (void)meaning_batch(&m, &taken, &ignored);
        mem_fail_after(-1, false);
    }
    OK(meaning_batch(&m, &taken, &e));
    vectors_close(m.vectors);
    embed_close(m.embedder);
    pthread_mutex_destroy(&m.lock);
    r->meaning = NULL;
    start(r, r->tiny.dir, false);
    meaning_state(r->meaning, &s);
    assert_int_equal(s.vectors, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(every_turn_gets_a_vector),
        T(a_turn_is_found_that_shares_no_word),
        T(without_a_model_all_is_as_by_words),
        T(without_vectors_too),
        T(turns_without_a_vector_are_found_by_words),
        T(projects_stay_apart),
        T(vectors_of_another_store_are_made_anew),
        T(failures_cost_nothing_but_time)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
