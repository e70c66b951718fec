/* Meaning beside words, with a model of a few kilobytes: turns get their vectors behind the writer's back, recall finds
 * what shares no word with the question, and nothing changes where there is no model. */
#include "unit/embed/tiny.h"
#include "unit/index/shelf.h"

#include "base/json.h"
#include "search/meaning_int.h"
#include "search/recall.h"

#include <dirent.h>
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
    OK(vectors_open(&(struct vectors_options){r->shelf->place->dir, s.id, TINY_HIDDEN, false, NULL}, &file, &e));
    OK(vectors_reset(file, &e));
    struct vector_row row = {
        .seq = 3, .turn_id = STR("turn_of_another_store"), .session_id = STR("sess_x"), .project = STR("p"), .v = v};
    OK(vectors_append(file, &row, 1, &e));
    vectors_close(file);
    start(r, r->tiny.dir, false);
    meaning_state(r->meaning, &s);
    assert_int_equal(s.vectors, 5);
}

static enum err_code drop_session(struct store_tx *tx, void *arg, struct err *e)
{
    struct dropped dropped;
    return session_delete(tx, *(struct str *)arg, &dropped, e);
}

static int vector_files(const char *dir)
{
    char path[4096];
    int n = 0;
    snprintf(path, sizeof path, "%s/index", dir);
    DIR *d = opendir(path);
    for (const struct dirent *f; d && (f = readdir(d)) != NULL;)
        n += strncmp(f->d_name, "vectors-", 8) == 0 && strstr(f->d_name, ".bin") != NULL;
    if (d)
        closedir(d);
    return n;
}

/* The vectors of deleted turns stay until they are asked out; those of others are not touched. */
static void deleted_turns_can_be_purged(void **state)
{
    struct room *r = *state;
    struct meaning_state s;
    struct str session = talk(r, "p");
    talk(r, "p");
    start(r, r->tiny.dir, false);
    OK(store_write(r->shelf->store, drop_session, &session, &e));
    OK(meaning_purge(r->meaning, r->shelf->place->dir, &e));
    meaning_state(r->meaning, &s);
    assert_int_equal(s.vectors, 5);
    assert_int_equal(s.lag, 0);
    /* without a model nobody can tell what is in them: they go, but not those that somebody writes */
    OK(meaning_purge(NULL, r->shelf->place->dir, &e));
    assert_int_equal(vector_files(r->shelf->place->dir), 1);
    meaning_close(r->meaning);
    r->meaning = NULL;
    OK(meaning_purge(NULL, r->shelf->place->dir, &e));
    assert_int_equal(vector_files(r->shelf->place->dir), 0);
}

/* Every allocation and file call of a batch fails once: no vector is lost or doubled. */
static void failures_cost_nothing_but_time(void **state)
{
    struct room *r = *state;
    struct meaning_state s;
    talk(r, "p");
    start(r, r->tiny.dir, false);
    meaning_close(r->meaning); /* its thread would be hit as well */
    struct meaning m = {
        .o = {.store = r->shelf->store, .dir = r->shelf->place->dir, .model = r->tiny.dir, .threads = 1}};
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
    encoder_close(m.encoder);
    pthread_mutex_destroy(&m.lock);
    r->meaning = NULL;
    start(r, r->tiny.dir, false);
    meaning_state(r->meaning, &s);
    assert_int_equal(s.vectors, 5);
}

/* ---- an endpoint, as a door would lend it ---- */
/* Its vectors are the tiny model's; what goes wrong is said here. */
static struct {
    const char *dir;
    struct encoder *inner;
    atomic_int dials, asked;
    atomic_int dial_fails, document_fails, query_fails; /* so many times from now on */
    enum err_code how;
    atomic_int last_timeout;
} far;

static bool due(atomic_int *fails)
{
    int n = atomic_load(fails);
    while (n > 0 && !atomic_compare_exchange_weak(fails, &n, n - 1)) {
    }
    return n > 0;
}

static enum err_code far_encode(const struct encoder *c, const struct encoder_task *t, float *out, struct err *e)
{
    (void)c;
    atomic_fetch_add(&far.asked, 1);
    if (t->use == EMBED_QUERY)
        atomic_store(&far.last_timeout, t->timeout_ms);
    if (due(t->use == EMBED_QUERY ? &far.query_fails : &far.document_fails))
        return err_set(e, far.how, NULL, "the endpoint is not well");
    return far.inner->encode(far.inner, t, out, e);
}

static void far_close(struct encoder *c)
{
    encoder_close(far.inner);
    free(c);
}

static enum err_code far_dial(const struct endpoint *at, struct encoder **out, struct err *e)
{
    assert_string_equal(at->url, "http://far");
    assert_non_null(at->stop);
    atomic_fetch_add(&far.dials, 1);
    if (due(&far.dial_fails))
        return err_set(e, ERR_UNAVAILABLE, NULL, "nobody there");
    enum err_code code = encoder_open(far.dir, STR_NONE, &far.inner, e);
    if (code)
        return code;
    struct encoder *c = calloc(1, sizeof *c);
    *c = *far.inner;
    c->remote = true;
    c->slice_texts = 2;
    c->encode = far_encode;
    c->close = far_close;
    *out = c;
    return ERR_OK;
}

static void open_far(struct room *r)
{
    struct meaning_options o = {.store = r->shelf->store,
                                .dir = r->shelf->place->dir,
                                .endpoint = {.url = "http://far", .model = "m"},
                                .dial = far_dial,
                                .query_ms = 150};
    far.dir = r->tiny.dir;
    far.how = far.how ? far.how : ERR_UNAVAILABLE;
    OK(meaning_open(&o, &r->meaning, &e));
}

static int fresh_setup(void **state)
{
    memset(&far, 0, sizeof far);
    return setup(state);
}

static void an_endpoint_makes_the_vectors(void **state)
{
    struct room *r = *state;
    struct meaning_state s;
    struct str session = talk(r, "p");
    open_far(r);
    wait_until_fed(r);
    meaning_state(r->meaning, &s);
    assert_true(s.loaded && s.remote && s.problem[0] == 0);
    assert_int_equal(s.vectors, 5);
    assert_true(recall(r, session, "is the in and", true).n > 0);
    assert_int_equal(atomic_load(&far.last_timeout), 150);
}

/* One that is down when we start, and later for documents: both are tried again, and nothing is lost or doubled. */
static void an_endpoint_that_fails_is_tried_again(void **state)
{
    struct room *r = *state;
    struct meaning_state s = {0};
    struct str session = talk(r, "p");
    atomic_store(&far.dial_fails, 1);
    atomic_store(&far.document_fails, 1);
    open_far(r);
    for (int i = 0; i < 500 && !s.problem[0]; i++) {
        usleep(2000);
        meaning_state(r->meaning, &s);
    }
    assert_string_equal(s.problem, "nobody there");
    assert_true(s.loading && !s.loaded);
    assert_int_equal(recall(r, session, "rivers", true).n, 1); /* by words meanwhile */
    wait_until_fed(r);
    meaning_state(r->meaning, &s);
    assert_int_equal(s.vectors, 5);
    assert_int_equal(atomic_load(&far.dials), 2);
    for (int i = 0; i < 500 && s.problem[0]; i++) {
        usleep(2000);
        meaning_state(r->meaning, &s);
    }
    assert_string_equal(s.problem, "");
}

/* The first slice of a batch is kept when the second fails. */
static void what_was_made_is_kept(void **state)
{
    struct room *r = *state;
    struct meaning_state s;
    talk(r, "p");
    far.dir = r->tiny.dir;
    far.how = ERR_LIMIT;
    struct meaning m = {.o = {.store = r->shelf->store,
                              .dir = r->shelf->place->dir,
                              .endpoint = {.url = "http://far", .model = "m", .stop = &m.stop},
                              .dial = far_dial,
                              .threads = 1}};
    size_t n = 0;
    struct err why = {0};
    pthread_mutex_init(&m.lock, NULL);
    OK(meaning_load(&m, &e));
    meaning_state(&m, &s);
    assert_int_equal(s.vectors, 0);
    atomic_store(&far.asked, 0);
    m.o.threads = 3; /* also when others work beside: what comes before the failure, and nothing after it */
    atomic_store(&far.document_fails, 1);
    assert_int_equal(meaning_batch(&m, &n, &why), ERR_LIMIT);
    meaning_state(&m, &s);
    assert_int_equal(s.vectors, (int64_t)n);
    assert_int_equal(s.lag, 5 - (int64_t)n);
    OK(meaning_batch(&m, &n, &e));
    meaning_state(&m, &s);
    assert_int_equal(s.vectors, 5);
    assert_true(s.rate > 0);
    vectors_close(m.vectors);
    encoder_close(m.encoder);
    pthread_mutex_destroy(&m.lock);
}

/* A question whose vector does not come is answered by words, and the next ones do not even wait. */
static void a_late_endpoint_costs_only_meaning(void **state)
{
    struct room *r = *state;
    struct str session = talk(r, "p");
    far.how = ERR_TIMEOUT;
    open_far(r);
    wait_until_fed(r);
    atomic_store(&far.query_fails, 1);
    same(r, recall(r, session, "cold river", false), recall(r, session, "cold river", true));
    int asked = atomic_load(&far.asked);
    same(r, recall(r, session, "cold river", false), recall(r, session, "cold river", true));
    assert_int_equal(atomic_load(&far.asked), asked);
    usleep(1100 * 1000); /* the back-off of a first failure */
    assert_true(why(r, &recall(r, session, "f: the river is cold", true).hits[0], "meaning") > 0);
}

/* A model's own fault must not be taken for the file's: the vectors that are there stay. */
static void a_broken_model_does_not_empty_the_file(void **state)
{
    struct room *r = *state;
    struct meaning_state s;
    talk(r, "p");
    open_far(r);
    wait_until_fed(r);
    far.how = ERR_CORRUPT;
    atomic_store(&far.document_fails, 1000);
    talk(r, "p");
    meaning_wake(r->meaning);
    for (int i = 0; i < 1000; i++) {
        meaning_state(r->meaning, &s);
        if (s.problem[0])
            break;
        usleep(2000);
    }
    assert_string_equal(s.problem, "the endpoint is not well");
    assert_int_equal(s.vectors, 5);
}

/* ---- on demand, and other models ---- */
static void on_demand_the_model_is_opened_when_it_is_needed(void **state)
{
    struct room *r = *state;
    struct str session = talk(r, "p"), text = STR("the river");
    float v[TINY_HIDDEN];
    int64_t tokens = 0;
    struct encoder_task task = {.texts = &text, .n = 1, .use = EMBED_QUERY, .tokens = &tokens};
    struct err why = {0};
    struct meaning_options o = {
        .store = r->shelf->store, .dir = r->shelf->place->dir, .model = r->tiny.dir, .on_demand = true};
    OK(meaning_open(&o, &r->meaning, &e));
    assert_false(meaning_ready(r->meaning));
    assert_int_equal(meaning_encode(r->meaning, &task, v, &why), ERR_UNAVAILABLE);
    same(r, recall(r, session, "cold river", false), recall(r, session, "cold river", true));
    OK(meaning_wait(r->meaning, 0, &e));
    assert_int_equal(meaning_dimensions(r->meaning), TINY_HIDDEN);
    OK(meaning_encode(r->meaning, &task, v, &e));
    assert_true(tokens >= 4); /* [CLS] the river [SEP] */
    double sum = 0;
    for (int i = 0; i < TINY_HIDDEN; i++)
        sum += (double)v[i] * (double)v[i];
    assert_true(fabs(sum - 1) < 1e-4);
    meaning_close(r->meaning);
    o.model = "/nowhere/at/all";
    OK(meaning_open(&o, &r->meaning, &e));
    err_clear(&why);
    assert_int_equal(meaning_wait(r->meaning, 0, &why), ERR_UNAVAILABLE);
    assert_non_null(strstr(why.message, "/nowhere/at/all"));
}

/* A packed model is opened for the first question, and the vectors that a server made are used. */
static void on_demand_a_packed_model_answers_questions(void **state)
{
    struct room *r = *state;
    struct str session = talk(r, "p");
    char file[120];
    snprintf(file, sizeof file, "%s/model.cairn", r->tiny.dir);
    OK(embed_pack(r->tiny.dir, file, &e));
    start(r, r->tiny.dir, false);
    meaning_close(r->meaning);
    struct meaning_options o = {
        .store = r->shelf->store, .dir = r->shelf->place->dir, .model = file, .on_demand = true};
    OK(meaning_open(&o, &r->meaning, &e));
    struct recall_result found = recall(r, session, "f: the river is cold", true);
    assert_true(found.n > 0 && why(r, &found.hits[0], "meaning") > 0);
    meaning_close(r->meaning);
    /* One that is damaged is tried once, and words answer. */
    struct buf b;
    buf_init(&b, 0);
    OK(file_read_all(file, 1 << 20, &b, &e));
    b.p[b.n / 2] ^= 1;
    OK(file_write_atomic(file, buf_view(&b), &e));
    buf_release(&b);
    OK(meaning_open(&o, &r->meaning, &e));
    for (int i = 0; i < 2; i++)
        same(r, recall(r, session, "cold river", false), recall(r, session, "cold river", true));
    assert_false(meaning_ready(r->meaning));
}

static int64_t files(struct room *r)
{
    char command[200], got[20] = "";
    snprintf(command, sizeof command, "ls %s/index/vectors-*.bin | wc -l", r->shelf->place->dir);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    assert_non_null(fgets(got, sizeof got, f));
    pclose(f);
    return atoll(got);
}

static int64_t wait_for_files(struct room *r, int64_t n)
{
    for (int i = 0; i < 1000 && files(r) != n; i++)
        usleep(10000);
    return files(r);
}

static void another_model_makes_its_own_vectors_and_the_old_ones_go(void **state)
{
    struct room *r = *state;
    struct tiny other;
    struct meaning_state first, second;
    struct buf b;
    struct str session = talk(r, "p");
    start(r, r->tiny.dir, false);
    meaning_state(r->meaning, &first);
    tiny_make(&other);
    tiny_weights(&b, "F16", ""); /* other numbers, so another space */
    tiny_write(&other, "model.safetensors", b.p, b.n);
    buf_release(&b);
    start(r, other.dir, false);
    meaning_state(r->meaning, &second);
    assert_string_not_equal(strchr(first.id, '@'), strchr(second.id, '@'));
    assert_int_equal(second.vectors, 5);
    assert_true(recall(r, session, "is the in and", true).n > 0);
    assert_int_equal(wait_for_files(r, 1), 1);
    start(r, r->tiny.dir, false); /* and back: made again */
    meaning_state(r->meaning, &second);
    assert_string_equal(first.id, second.id);
    assert_int_equal(second.vectors, 5);
    tiny_remove(&other);
}

/* A model that another process still keeps up stays. */
static void vectors_that_another_process_writes_stay(void **state)
{
    struct room *r = *state;
    struct vectors *theirs = NULL;
    talk(r, "p");
    OK(vectors_open(&(struct vectors_options){r->shelf->place->dir, "x@0123456789abcdef", 3, false, NULL}, &theirs,
                    &e));
    OK(vectors_claim(theirs, &e));
    start(r, r->tiny.dir, false);
    usleep(300 * 1000);
    assert_int_equal(files(r), 2);
    vectors_close(theirs);
    start(r, r->tiny.dir, false);
    assert_int_equal(wait_for_files(r, 1), 1);
}

/* Long texts come in several batches, so that the first need not wait for the last. */
static void long_texts_are_appended_piece_by_piece(void **state)
{
    struct room *r = *state;
    struct meaning_state s;
    static char text[20000];
    size_t n = 0, seen = 0;
    struct str conversation = shelf_conversation(r->shelf, shelf_session(r->shelf, "p"));
    memset(text, 0, sizeof text);
    for (size_t i = 0; i + 8 < sizeof text; i += 6)
        memcpy(text + i, "river ", 6);
    for (int i = 0; i < 12; i++)
        shelf_say(r->shelf, conversation, "f", text);
    struct meaning m = {
        .o = {.store = r->shelf->store, .dir = r->shelf->place->dir, .model = r->tiny.dir, .threads = 1}};
    pthread_mutex_init(&m.lock, NULL);
    OK(meaning_load(&m, &e));
    for (int batches = 0; batches < 20; batches++) {
        OK(meaning_batch(&m, &n, &e));
        meaning_state(&m, &s);
        seen += n;
        assert_true(n <= 4); /* 64 KiB and what the last one has beyond */
        assert_int_equal(s.vectors, (int64_t)seen);
        if (n == 0)
            break;
    }
    assert_int_equal(seen, 12);
    vectors_close(m.vectors);
    encoder_close(m.encoder);
    pthread_mutex_destroy(&m.lock);
}

static void several_threads_make_the_same_vectors(void **state)
{
    struct room *r = *state;
    struct meaning_state s;
    for (int i = 0; i < 60; i++)
        talk(r, "p");
    struct meaning_options o = {
        .store = r->shelf->store, .dir = r->shelf->place->dir, .model = r->tiny.dir, .threads = 4};
    OK(meaning_open(&o, &r->meaning, &e));
    wait_until_fed(r);
    meaning_state(r->meaning, &s);
    assert_int_equal(s.vectors, 300);
    struct str last = talk(r, "p");
    meaning_wake(r->meaning);
    wait_until_fed(r);
    struct recall_result found = recall(r, last, "f: the river is cold", true);
    assert_true(found.n > 0 && str_is(found.hits[0].turn.content, "the river is cold"));
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
        T(failures_cost_nothing_but_time),
        T(deleted_turns_can_be_purged),
        T(on_demand_the_model_is_opened_when_it_is_needed),
        T(on_demand_a_packed_model_answers_questions),
        T(another_model_makes_its_own_vectors_and_the_old_ones_go),
        T(vectors_that_another_process_writes_stay),
        T(long_texts_are_appended_piece_by_piece),
        T(several_threads_make_the_same_vectors),
#define F(f) cmocka_unit_test_setup_teardown(f, fresh_setup, teardown)
        F(an_endpoint_makes_the_vectors),
        F(an_endpoint_that_fails_is_tried_again),
        F(what_was_made_is_kept),
        F(a_late_endpoint_costs_only_meaning),
        F(a_broken_model_does_not_empty_the_file)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
