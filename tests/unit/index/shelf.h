/* A store with an index beside it, and shorthand for filling and searching, for the tests of index and search. */
#ifndef CAIRN_TEST_INDEX_SHELF_H
#define CAIRN_TEST_INDEX_SHELF_H

#include "unit/store/place.h"

#include "base/clock.h"
#include "base/mem.h"
#include "index/engine.h"

struct shelf {
    struct place *place;
    struct store *store;
    struct arena *arena;
    struct index *index;
};

static inline void shelf_index(struct shelf *s, bool read_only)
{
    struct index_options o = {.store = s->store, .dir = s->place->dir, .read_only = read_only};
    index_close(s->index);
    s->index = NULL;
    OK(index_open(&o, &s->index, &e));
}

static inline int shelf_setup(void **state)
{
    struct shelf *s = calloc(1, sizeof *s);
    void *place = NULL;
    if (place_setup(&place))
        return -1;
    *s = (struct shelf){
        .place = place, .store = ((struct place *)place)->store, .arena = ((struct place *)place)->arena};
    shelf_index(s, false);
    *state = s;
    return 0;
}

static inline int shelf_teardown(void **state)
{
    struct shelf *s = *state;
    void *place = s->place;
    index_close(s->index);
    s->place->store = s->store;
    free(s);
    return place_teardown(&place);
}

/* A keeper without its thread, for tests that take its steps themselves. */
static inline struct index *shelf_bare(struct shelf *s, const char *dir)
{
    struct index *x = calloc(1, sizeof *x);
    *x = (struct index){.store = s->store, .dir = mem_strdup(dir), .batch = FEED_BATCH, .lock_fd = -1};
    x->stock = stock_new(0, 0);
    pthread_mutex_init(&x->lock, NULL);
    pthread_cond_init(&x->wake, NULL);
    pthread_mutex_init(&x->feeding, NULL);
    pthread_mutex_init(&x->keeping, NULL);
    return x;
}

static inline void shelf_bare_close(struct index *x)
{
    keep_resign(x);
    stock_drop(x->stock);
    mem_free(x->dir);
    pthread_mutex_destroy(&x->lock);
    pthread_cond_destroy(&x->wake);
    pthread_mutex_destroy(&x->feeding);
    pthread_mutex_destroy(&x->keeping);
    free(x);
}

/* ---- filling ---- */
static inline struct str shelf_session(struct shelf *s, const char *project)
{
    struct record *r = record_new(s->arena, KIND_SESSION);
    r->project = str_of(project);
    struct insert_args args = {s->arena, r};
    OK(store_write(s->store, insert_job, &args, &e));
    return r->id;
}

static inline struct str shelf_conversation(struct shelf *s, struct str session)
{
    struct record *r = record_new(s->arena, KIND_CONVERSATION);
    struct insert_args args = {s->arena, r};
    struct record *of = NULL;
    struct store_tx *tx = NULL;
    OK(store_read_begin(s->store, &tx, &e));
    OK(record_get(tx, s->arena, KIND_SESSION, session, STR_NONE, &of, &e));
    store_read_end(tx);
    r->project = of->project;
    record_set(r, "session_id", V_TEXT(session));
    record_set(r, "directive", V_TEXT(STR("a talk")));
    OK(store_write(s->store, insert_job, &args, &e));
    return r->id;
}

struct shelf_turns {
    struct turn_new *turns;
    size_t n;
    struct turn_added last;
};

static inline enum err_code shelf_append_job(struct store_tx *tx, void *arg, struct err *e)
{
    struct shelf_turns *t = arg;
    for (size_t i = 0; i < t->n; i++) {
        enum err_code code = turn_append(tx, &t->turns[i], &t->last, e);
        if (code)
            return code;
    }
    return ERR_OK;
}

/* Turns in one transaction; returns the seq of the last. */
static inline int64_t shelf_append(struct shelf *s, struct turn_new *turns, size_t n)
{
    struct shelf_turns t = {.turns = turns, .n = n};
    OK(store_write(s->store, shelf_append_job, &t, &e));
    return t.last.seq;
}

static inline int64_t shelf_say(struct shelf *s, struct str conversation, const char *agent, const char *text)
{
    struct turn_new t = {.conversation_id = conversation,
                         .agent = str_of(agent),
                         .role = STR("user"),
                         .content = str_of(text),
                         .token_count = -1};
    return shelf_append(s, &t, 1);
}

static inline int64_t shelf_say_at(struct shelf *s, struct str conversation, const char *text, int64_t at)
{
    struct turn_new t = {.conversation_id = conversation,
                         .agent = STR("ann"),
                         .role = STR("user"),
                         .content = str_of(text),
                         .timestamp = at,
                         .token_count = -1};
    return shelf_append(s, &t, 1);
}

/* ---- searching ---- */
static inline struct index_query shelf_query(struct shelf *s, const char *words)
{
    struct index_query q = {.limit = 50};
    struct index_term *t = NULL;
    OK(index_terms(s->arena, str_of(words), true, &t, &q.n_terms, &e));
    struct str *terms = arena_array(s->arena, struct str, q.n_terms + 1);
    for (size_t i = 0; i < q.n_terms; i++)
        terms[i] = t[i].text;
    q.terms = terms;
    return q;
}

static inline struct index_hits shelf_search(struct shelf *s, const struct index_query *q)
{
    struct index_hits h;
    OK(index_search(s->index, s->arena, q, &h, &e));
    return h;
}

static inline bool shelf_has(const struct index_hits *h, int64_t seq)
{
    for (size_t i = 0; i < h->n; i++)
        if (h->hits[i].seq == seq)
            return true;
    return false;
}

#define SHELF_TEST(fn) cmocka_unit_test_setup_teardown(fn, shelf_setup, shelf_teardown)

#endif
