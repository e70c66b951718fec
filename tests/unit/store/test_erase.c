/* Erasing for good: of what was erased no byte is left in any file of the data folder, packed or not, and all the rest
 * is as it was. Random stores, every kind of scope; then what must stay (numbers, tombstones), and faults. */
#include "place.h"

#include "store/erase.h"
#include "store/pack.h"
#include "store/sqlite_driver.h"
#include "unit/base/random.h"

#include <dirent.h>
#include <pthread.h>
#include <sqlite3.h>

enum { SESSIONS = 6, TALKS = 3, ROWS_MAX = 6000, WORD = 12 };
static const int64_t LATER = INT64_C(4102444800000);

/* ---- a store of rows, each with a word of its own ---- */

struct row {
    const struct kind *kind;
    int64_t seq;
    struct str session, conversation, id;
    char word[WORD + 1];
    size_t length;
    bool dead;
};
struct world {
    struct place *p;
    struct store_tx *tx; /* while it is filled: one transaction, one flush to disk */
    uint64_t random;
    struct row *rows;
    size_t n;
    struct str sessions[SESSIONS], talks[SESSIONS][TALKS];
    bool session_dead[SESSIONS];
};

static void make_word(struct world *w, char out[WORD + 1])
{
    for (int i = 0; i < WORD; i++)
        out[i] = (char)('a' + random_below(&w->random, 26));
    out[WORD] = '\0';
}

/* The word, then filler that compresses; now and then longer than a page of the database. */
static struct str text_with(struct world *w, struct row *r)
{
    static const char *const filler[] = {"the", "deployment", "of", "billing", "went", "well", "again", "today"};
    struct buf b;
    size_t words = random_below(&w->random, 20) == 0 ? 2000 : 4 + random_below(&w->random, 60);
    make_word(w, r->word);
    buf_init(&b, 0);
    buf_fmt(&b, "%s said that", r->word);
    for (size_t i = 0; i < words; i++)
        buf_fmt(&b, " %s", filler[random_below(&w->random, 8)]);
    r->length = b.n;
    return buf_take(&b, w->p->arena);
}

static struct row *new_row(struct world *w, const struct kind *k, struct str session, struct str conversation)
{
    assert_true(w->n < ROWS_MAX);
    struct row *r = &w->rows[w->n++];
    *r = (struct row){.kind = k, .session = session, .conversation = conversation};
    return r;
}

static void add_turn(struct world *w, struct str session, struct str conversation)
{
    struct turn_added added;
    struct row *r = new_row(w, KIND_TURN, session, conversation);
    struct turn_new turn = {.conversation_id = conversation,
                            .agent = STR("codey"),
                            .role = STR("user"),
                            .content = text_with(w, r),
                            .token_count = -1};
    OK(turn_append(w->tx, &turn, &added, &e));
    r->seq = added.seq;
    r->id = arena_str(w->p->arena, str_of(added.id));
}

static void add_record(struct world *w, const char *kind, const char *field, struct str session,
                       struct str conversation)
{
    struct row *r = new_row(w, kind_find(str_of(kind)), session, conversation);
    struct record *x = record_new(w->p->arena, r->kind);
    record_set(x, "session_id", V_TEXT(session));
    record_set(x, "conversation_id", V_TEXT(conversation));
    record_set(x, field, V_TEXT(text_with(w, r)));
    OK(record_insert(w->tx, w->p->arena, x, &e));
    r->seq = x->seq;
    r->id = x->id;
}

static void add_tag(struct world *w, const struct row *on)
{
    struct row *r = new_row(w, kind_find(STR("tag")), on->session, on->conversation);
    struct record *x = record_new(w->p->arena, r->kind);
    make_word(w, r->word);
    r->length = WORD;
    record_set(x, "name", V_TEXT(arena_str(w->p->arena, str_of(r->word))));
    record_set(x, "record_kind", V_TEXT(str_of(on->kind->name)));
    record_set(x, "record_id", V_TEXT(on->id));
    OK(record_insert(w->tx, w->p->arena, x, &e));
    r->seq = x->seq;
    r->id = on->id; /* by which it goes with its turn */
}

static void pack(struct place *p)
{
    struct pack_result r = {.more = true};
    while (r.more)
        OK(store_pack(p->store, LATER, 1000, &r, &e));
}

struct fill_args {
    struct world *w;
    int turns;
};

static enum err_code fill_job(struct store_tx *tx, void *arg, struct err *e)
{
    const struct fill_args *f = arg;
    struct world *w = f->w;
    (void)e;
    w->tx = tx;
    for (int i = 0; i < f->turns; i++) {
        size_t s = random_below(&w->random, SESSIONS), c = random_below(&w->random, TALKS);
        add_turn(w, w->sessions[s], w->talks[s][c]);
        size_t what = random_below(&w->random, 10);
        if (what == 0)
            add_tag(w, &w->rows[w->n - 1]);
        if (what == 1)
            add_record(w, "summary", "text", w->sessions[s], w->talks[s][c]);
        if (what == 2)
            add_record(w, "event", "effect_text", w->sessions[s], w->talks[s][c]);
        if (what == 3)
            add_record(w, "context_load", "query", w->sessions[s], w->talks[s][c]);
    }
    return ERR_OK;
}

static void fill(struct world *w, int turns)
{
    struct fill_args f = {w, turns};
    for (int s = 0; s < SESSIONS; s++) {
        w->sessions[s] = add_session(w->p)->id;
        for (int c = 0; c < TALKS; c++)
            w->talks[s][c] = add_conversation(w->p, w->sessions[s])->id;
    }
    OK(store_write(w->p->store, fill_job, &f, &e));
}

static struct world *world_new(struct place *p, uint64_t seed)
{
    struct world *w = calloc(1, sizeof *w);
    w->p = p;
    w->random = seed;
    w->rows = calloc(ROWS_MAX, sizeof *w->rows);
    return w;
}

static void world_free(struct world *w)
{
    free(w->rows);
    free(w);
}

/* ---- erasing ---- */

struct drop_args {
    struct str id;
    bool session;
};

static enum err_code drop_job(struct store_tx *tx, void *arg, struct err *e)
{
    const struct drop_args *d = arg;
    struct dropped dropped;
    return d->session ? session_delete(tx, d->id, &dropped, e) : conversation_delete(tx, d->id, &dropped, e);
}

static void erase(struct place *p, const struct erase_wish *wish)
{
    bool left = true;
    while (left)
        OK(erase_some(p->store, wish, 50, &left, &e));
}

struct list_args {
    struct world *w;
    struct row *row;
};

static enum err_code list_job(struct store_tx *tx, void *arg, struct err *e)
{
    const struct list_args *l = arg;
    struct record r = {.kind = l->row->kind, .seq = l->row->seq, .id = l->row->id, .project = STR("default")};
    enum err_code code = erase_list(tx, l->w->p->arena, STR("ers_list"), &r, r.id, e);
    return code ? code : record_delete(tx, l->w->p->arena, r.kind, r.seq, e);
}

static void kill_rows(struct world *w, struct str session, struct str conversation, struct str id)
{
    for (size_t i = 0; i < w->n; i++)
        w->rows[i].dead = w->rows[i].dead || (session.p && str_eq(w->rows[i].session, session)) ||
                          (conversation.p && str_eq(w->rows[i].conversation, conversation)) ||
                          (id.p && str_eq(w->rows[i].id, id));
}

/* One session, one conversation of another, some turns of a third, and whatever else was deleted. */
static void erase_much(struct world *w)
{
    struct drop_args session = {w->sessions[0], true}, talk = {w->talks[1][0], false}, aged = {w->talks[2][1], false};
    OK(store_write(w->p->store, drop_job, &session, &e));
    OK(store_write(w->p->store, drop_job, &talk, &e));
    OK(store_write(w->p->store, drop_job, &aged, &e));
    erase(w->p, &(struct erase_wish){.scope = ERASE_SESSION, .id = session.id, .erasure_id = STR("ers_session")});
    erase(w->p, &(struct erase_wish){.scope = ERASE_CONVERSATION, .id = talk.id, .erasure_id = STR("ers_talk")});
    kill_rows(w, session.id, STR_NONE, STR_NONE);
    kill_rows(w, STR_NONE, talk.id, STR_NONE);
    kill_rows(w, STR_NONE, aged.id, STR_NONE);
    for (size_t i = 0; i < w->n; i++) {
        struct list_args l = {w, &w->rows[i]};
        if (w->rows[i].dead || w->rows[i].kind != KIND_TURN || random_below(&w->random, 10))
            continue;
        OK(store_write(w->p->store, list_job, &l, &e));
        kill_rows(w, STR_NONE, STR_NONE, w->rows[i].id);
    }
    erase(w->p, &(struct erase_wish){.scope = ERASE_LISTED, .erasure_id = STR("ers_list")});
    erase(w->p, &(struct erase_wish){.scope = ERASE_AGED, .before = LATER, .erasure_id = STR("ers_aged")});
}

static void unlearn_all(struct place *p, int64_t *dropped)
{
    static const char *const all[] = {"ers_session", "ers_talk", "ers_list", "ers_aged"};
    *dropped = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        int64_t n;
        OK(store_unlearn(p->store, str_of(all[i]), &n, &e));
        *dropped += n;
    }
}

/* ---- looking for it ---- */

static void read_folder(const char *dir, struct buf *out)
{
    char path[400];
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (struct dirent *f; (f = readdir(d)) != NULL;) {
        if (f->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", dir, f->d_name);
        struct buf one;
        buf_init(&one, 0);
        OK(file_read_all(path, 1 << 30, &one, &e));
        buf_str(out, buf_view(&one));
        buf_char(out, '\n');
        buf_release(&one);
    }
    closedir(d);
}

static size_t found_in(struct str all, const struct world *w, bool dead, bool turns_only)
{
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++)
        if (w->rows[i].dead == dead && (!turns_only || w->rows[i].kind == KIND_TURN))
            n += memmem(all.p, all.n, w->rows[i].word, WORD) != NULL;
    return n;
}

static size_t count_rows(const struct world *w, bool dead)
{
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++)
        n += w->rows[i].dead == dead;
    return n;
}

/* Every living row reads as it was written, and no dead one is there. */
static void expect_rows(struct world *w)
{
    struct store_tx *tx;
    OK(store_read_begin(w->p->store, &tx, &e));
    for (size_t i = 0; i < w->n; i++) {
        struct record *r = NULL;
        enum err_code code = record_by_seq(tx, w->p->arena, w->rows[i].kind, w->rows[i].seq, &r, NULL);
        assert_int_equal(code, w->rows[i].dead ? ERR_NOT_FOUND : ERR_OK);
        if (code)
            continue;
        struct str text = record_searched_text(w->p->arena, r);
        if (w->rows[i].kind == kind_find(STR("context_load")))
            text = record_text(r, "query");
        assert_true(text.n >= w->rows[i].length);
        assert_non_null(memmem(text.p, text.n, w->rows[i].word, WORD));
    }
    store_read_end(tx);
}

static void complain(void *arg, const char *problem)
{
    ++*(int *)arg;
    print_message("%s\n", problem);
}

static void expect_whole(struct place *p)
{
    int problems = 0;
    OK(store_check(p->store, complain, &problems, &e));
    assert_int_equal(problems, 0);
}

/* ---- tests ---- */

static void test_nothing_is_left_of_what_was_erased(void **state)
{
    const char *more = getenv("CAIRN_ERASE_SEEDS");
    for (uint64_t seed = 1; seed <= (uint64_t)(more ? atoi(more) : 3); seed++) {
        void *place = NULL;
        int64_t dropped = 0;
        (void)state;
        assert_int_equal(place_setup(&place), 0);
        struct place *p = place;
        struct world *w = world_new(p, seed);
        fill(w, 1500);
        if (seed % 3)
            pack(p);
        struct buf before, after;
        buf_init(&before, 0);
        buf_init(&after, 0);
        read_folder(p->dir, &before);
        erase_much(w);
        assert_true(count_rows(w, true) > 300);
        if (seed % 3 == 0) /* nothing was packed: every turn could be read in the files */
            assert_int_equal(found_in(buf_view(&before), w, true, false), count_rows(w, true));
        unlearn_all(p, &dropped);
        assert_int_equal(dropped, seed % 3 ? 1 : 0);
        OK(store_scrub(p->store, &e));
        read_folder(p->dir, &after);
        assert_int_equal(found_in(buf_view(&after), w, true, false), 0);
        assert_int_equal(found_in(buf_view(&after), w, false, true) > 0, true);
        expect_rows(w);
        expect_whole(p);
        buf_clear(&after);
        pack(p); /* with another dictionary */
        place_reopen(p);
        read_folder(p->dir, &after);
        assert_int_equal(found_in(buf_view(&after), w, true, false), 0);
        expect_rows(w);
        expect_whole(p);
        buf_release(&before);
        buf_release(&after);
        world_free(w);
        assert_int_equal(place_teardown(&place), 0);
    }
}

static int64_t sql(struct place *p, const char *text)
{
    char path[100];
    sqlite3 *db;
    sqlite3_stmt *s;
    (void)snprintf(path, sizeof path, "%s/store.db", p->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &s, NULL), SQLITE_OK);
    int64_t v = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
    sqlite3_finalize(s);
    sqlite3_close(db);
    return v;
}

static void test_numbers_are_never_given_again(void **state)
{
    struct place *p = *state;
    struct str s = add_session(p)->id, c = add_conversation(p, s)->id;
    struct turn_added last, next;
    for (int i = 0; i < 5; i++)
        OK(append_turn(p->store, c, STR("something"), &last, &e));
    struct drop_args all = {s, true};
    OK(store_write(p->store, drop_job, &all, &e));
    const struct erase_wish wish = {.scope = ERASE_SESSION, .id = s, .erasure_id = STR("ers_1")};
    erase(p, &wish);
    assert_int_equal(sql(p, "SELECT count(*) FROM turn"), 1); /* the last one's place */
    assert_int_equal(sql(p, "SELECT count(*) FROM turn WHERE content <> '' OR agent IS NOT NULL"), 0);
    assert_int_equal(sql(p, "SELECT count(*) FROM session WHERE id LIKE 'gone_%'"), 1);
    place_reopen(p);
    struct str other = add_conversation(p, add_session(p)->id)->id;
    OK(append_turn(p->store, other, STR("more"), &next, &e));
    assert_int_equal(next.seq, last.seq + 1);
    erase(p, &wish); /* again: there is nothing to take */
    assert_int_equal(sql(p, "SELECT count(*) FROM tombstone WHERE erasure_id = 'ers_1' AND erased_kind = 'turn'"), 5);
    expect_whole(p);
}

static enum err_code five_turns(struct store_tx *tx, void *arg, struct err *e)
{
    struct world *w = arg;
    (void)e;
    w->tx = tx;
    for (int i = 0; i < 5; i++)
        add_turn(w, w->sessions[0], w->talks[0][0]);
    return ERR_OK;
}

static void test_turns_of_a_living_conversation_keep_its_numbers(void **state)
{
    struct place *p = *state;
    struct world *w = world_new(p, 7);
    struct str s = add_session(p)->id, c = add_conversation(p, s)->id;
    w->sessions[0] = s;
    w->talks[0][0] = c;
    OK(store_write(p->store, five_turns, w, &e));
    for (int i = 1; i < 4; i += 2) {
        struct list_args l = {w, &w->rows[i]};
        OK(store_write(p->store, list_job, &l, &e));
        w->rows[i].dead = true;
    }
    erase(p, &(struct erase_wish){.scope = ERASE_LISTED, .erasure_id = STR("ers_list")});
    expect_rows(w);
    expect_whole(p);
    assert_int_equal(sql(p, "SELECT count(*) FROM turn WHERE version = 0 AND content = ''"), 2);
    erase(p, &(struct erase_wish){.scope = ERASE_AGED, .before = LATER, .erasure_id = STR("ers_aged")});
    struct turn_added next;
    OK(append_turn(p->store, c, STR("more"), &next, &e));
    assert_int_equal(next.turn_number, 6);
    assert_int_equal(sql(p, "SELECT count(*) FROM tombstone"), 2);
    /* The conversation goes too: then they need no place any more. */
    struct drop_args all = {c, false};
    OK(store_write(p->store, drop_job, &all, &e));
    erase(p, &(struct erase_wish){.scope = ERASE_CONVERSATION, .id = c, .erasure_id = STR("ers_c")});
    assert_int_equal(sql(p, "SELECT count(*) FROM turn"), 1);
    assert_int_equal(sql(p, "SELECT count(*) FROM tombstone WHERE erased_kind = 'turn'"), 6);
    expect_whole(p);
    world_free(w);
}

static void count_id(void *arg, struct str kind, struct str id)
{
    if (kind.n && id.n)
        ++*(int64_t *)arg;
}

static void test_tombstones_tell_what_went(void **state)
{
    struct place *p = *state;
    struct world *w = world_new(p, 11);
    fill(w, 60);
    struct drop_args all = {w->sessions[0], true};
    OK(store_write(p->store, drop_job, &all, &e));
    erase(p, &(struct erase_wish){.scope = ERASE_SESSION, .id = all.id, .erasure_id = STR("ers_1")});
    kill_rows(w, all.id, STR_NONE, STR_NONE);
    struct store_tx *tx;
    struct erase_count *counts;
    size_t n;
    int64_t sum = 0, ids = 0;
    OK(store_read_begin(p->store, &tx, &e));
    OK(erase_counts(tx, p->arena, STR("ers_1"), &counts, &n, &e));
    OK(erase_ids(tx, STR("ers_1"), count_id, &ids, &e));
    store_read_end(tx);
    for (size_t i = 0; i < n; i++)
        sum += counts[i].n;
    assert_int_equal(sum, count_rows(w, true) + 1 + TALKS); /* and the session, and its conversations */
    assert_int_equal(ids, sum);
    assert_int_equal(sql(p, "SELECT count(*) FROM tombstone WHERE erased_at IS NULL"), 0);
    world_free(w);
}

/* The audit's rows name records, and stay. */
static void test_the_audit_is_not_touched(void **state)
{
    struct place *p = *state;
    struct str s = add_session(p)->id;
    struct record *r = record_new(p->arena, kind_find(STR("audit_entry")));
    record_set(r, "actor", V_TEXT(STR("local")));
    record_set(r, "action", V_TEXT(STR("session.get")));
    record_set(r, "record_kind", V_TEXT(STR("session")));
    record_set(r, "record_id", V_TEXT(s));
    OK(insert_record(p, r, &e));
    struct drop_args all = {s, true};
    OK(store_write(p->store, drop_job, &all, &e));
    erase(p, &(struct erase_wish){.scope = ERASE_SESSION, .id = s, .erasure_id = STR("ers_1")});
    assert_int_equal(sql(p, "SELECT count(*) FROM audit_entry WHERE deleted_at IS NULL AND version = 1"), 1);
    for (size_t i = 0, n; i < (kinds_all(&n), n); i++) {
        const struct kind *k = &kinds_all(&n)[i];
        bool never = strcmp(k->name, "audit_entry") == 0 || strcmp(k->name, "token") == 0 ||
                     strcmp(k->name, "progress") == 0 || k == KIND_ERASURE || k == KIND_TOMBSTONE;
        assert_int_equal(erase_takes(k), !never);
    }
}

struct held {
    struct store *store;
    struct store_tx *tx;
};

/* A reader of an older snapshot keeps its pages; scrubbing waits for it, and goes on when it has gone. */
static void *let_go(void *arg)
{
    struct held *h = arg;
    usleep(300000);
    store_read_end(h->tx);
    return NULL;
}

static void test_scrubbing_waits_for_readers(void **state)
{
    struct place *p = *state;
    struct world *w = world_new(p, 13);
    fill(w, 200);
    struct held h = {.store = p->store};
    OK(store_read_begin(p->store, &h.tx, &e));
    assert_true(turns_last_seq(h.tx) > 0); /* its snapshot begins here */
    struct drop_args all = {w->sessions[0], true};
    OK(store_write(p->store, drop_job, &all, &e));
    erase(p, &(struct erase_wish){.scope = ERASE_SESSION, .id = all.id, .erasure_id = STR("ers_1")});
    kill_rows(w, all.id, STR_NONE, STR_NONE);
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, let_go, &h), 0);
    OK(store_scrub(p->store, &e));
    pthread_join(t, NULL);
    struct buf after;
    buf_init(&after, 0);
    read_folder(p->dir, &after);
    assert_int_equal(found_in(buf_view(&after), w, true, false), 0);
    buf_release(&after);
    expect_rows(w);
    world_free(w);
}

enum { LEAF_PAGE = 4096 };

/* A leaf of a table with one cell of ten bytes at its end, and old bytes in between. */
static void make_leaf(unsigned char *page, unsigned char type)
{
    memset(page, 'x', LEAF_PAGE);
    const unsigned char head[] = {type, 0, 0, 0, 1, (LEAF_PAGE - 10) >> 8, (LEAF_PAGE - 10) & 255, 0};
    memcpy(page, head, sizeof head);
    page[8] = (LEAF_PAGE - 10) >> 8;
    page[9] = (LEAF_PAGE - 10) & 255;
}

static void test_what_may_be_another_page_is_left_alone(void **state)
{
    static const unsigned char types[] = {13, 10};
    static unsigned char page[LEAF_PAGE], before[LEAF_PAGE];
    (void)state;
    for (size_t i = 0; i < sizeof types; i++) {
        int64_t large = (int64_t)types[i] << 24; /* a file that has a page of the number that the header reads as */
        make_leaf(page, types[i]);
        memcpy(before, page, LEAF_PAGE);
        assert_false(sqlite_scrub_page(page, LEAF_PAGE, false, large));
        assert_memory_equal(page, before, LEAF_PAGE);
        assert_true(sqlite_scrub_page(page, LEAF_PAGE, false, large - 1));
        assert_int_equal(page[10], 0);
        assert_int_equal(page[LEAF_PAGE - 11], 0);
        assert_memory_equal(page + LEAF_PAGE - 10, "xxxxxxxxxx", 10);
        assert_false(sqlite_scrub_page(page, LEAF_PAGE, false, large - 1)); /* nothing is left to do */
    }
    /* the next page of an overflow, beyond the number up to which larger files were once refused */
    memset(page, 'x', LEAF_PAGE);
    memcpy(page, "\x01\x00\x00\x05", 4);
    memcpy(before, page, LEAF_PAGE);
    assert_false(sqlite_scrub_page(page, LEAF_PAGE, false, INT64_C(1) << 25));
    assert_memory_equal(page, before, LEAF_PAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_may_be_another_page_is_left_alone),
        cmocka_unit_test(test_nothing_is_left_of_what_was_erased),
        cmocka_unit_test_setup_teardown(test_numbers_are_never_given_again, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_turns_of_a_living_conversation_keep_its_numbers, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(test_tombstones_tell_what_went, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_the_audit_is_not_touched, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_scrubbing_waits_for_readers, place_setup, place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
