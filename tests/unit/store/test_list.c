/* Lists: order, filters, pages that neither repeat nor skip, cursors that cannot be bent. */
#include "place.h"

static enum err_code list(struct place *p, const struct list_query *q, struct list_page *out, struct err *e)
{
    struct store_tx *tx;
    enum err_code rc = store_read_begin(p->store, &tx, e);
    if (!rc) {
        rc = record_list(tx, p->arena, q, out, e);
        store_read_end(tx);
    }
    return rc;
}

static struct record *add_prop(struct place *p, const char *name, int64_t used, const char *project)
{
    struct record *r = record_new(p->arena, kind_find(STR("prop")));
    record_set(r, "name", V_TEXT(str_of(name)));
    record_set(r, "usage_count", V_INT(used));
    r->project = str_of(project);
    OK(insert_record(p, r, &e));
    return r;
}

/* Walks all pages of `limit`, calling between() after each; the rows' seqs go to out. */
static size_t walk(struct place *p, struct list_query q, int64_t *out, size_t max, void (*between)(struct place *))
{
    size_t n = 0;
    for (;;) {
        struct list_page page;
        OK(list(p, &q, &page, &e));
        assert_true(page.n <= (size_t)q.limit);
        for (size_t i = 0; i < page.n && n < max; i++)
            out[n++] = page.rows[i]->seq;
        if (!page.next_cursor.p)
            return n;
        assert_int_equal(page.n, q.limit);
        q.cursor = page.next_cursor;
        if (between)
            between(p);
    }
}

static void pages_cover_everything_once_in_order(void **state)
{
    struct place *p = *state;
    static const char *const names[] = {"b", "a", "c"};
    for (int i = 0; i < 30; i++)
        (void)add_prop(p, names[i % 3], i % 4, "p");
    int64_t whole[40], paged[40];
    struct list_query q = {.kind = kind_find(STR("prop")), .limit = 1000};
    assert_int_equal(walk(p, q, whole, 40, NULL), 30);
    for (int limit = 1; limit <= 31; limit += 3) {
        q.limit = limit;
        assert_int_equal(walk(p, q, paged, 40, NULL), 30);
        assert_memory_equal(whole, paged, 30 * sizeof *whole);
    }
    struct list_page page;
    q.limit = 1000;
    OK(list(p, &q, &page, &e));
    for (size_t i = 1; i < page.n; i++) {
        int64_t x = record_int(page.rows[i - 1], "usage_count"), y = record_int(page.rows[i], "usage_count");
        assert_true(x > y ||
                    (x == y && str_cmp(record_text(page.rows[i - 1], "name"), record_text(page.rows[i], "name")) <= 0));
    }
}

static void add_some(struct place *p)
{
    (void)add_session(p);
}

static void what_comes_in_between_does_not_disturb(void **state)
{
    struct place *p = *state;
    int64_t seqs[40];
    for (int i = 0; i < 10; i++)
        (void)add_session(p);
    size_t n = walk(p, (struct list_query){.kind = KIND_SESSION, .limit = 3}, seqs, 40, add_some);
    assert_int_equal(n, 10); /* newest first: the new ones come before the first page */
    for (size_t i = 0; i < n; i++)
        assert_int_equal(seqs[i], 10 - i);
}

static void nulls_come_last_in_a_descending_order(void **state)
{
    struct place *p = *state;
    const struct kind *k = kind_find(STR("character"));
    for (int i = 0; i < 12; i++) {
        struct record *r = record_new(p->arena, k);
        record_set(r, "name", V_TEXT(STR("x")));
        if (i % 2)
            record_set(r, "last_seen", V_INT(1000 + i % 3));
        OK(insert_record(p, r, &e));
    }
    int64_t whole[20], paged[20];
    assert_int_equal(walk(p, (struct list_query){.kind = k, .limit = 100}, whole, 20, NULL), 12);
    assert_int_equal(walk(p, (struct list_query){.kind = k, .limit = 2}, paged, 20, NULL), 12);
    assert_memory_equal(whole, paged, 12 * sizeof *whole);
    for (int i = 0; i < 12; i++)
        assert_int_equal(whole[i] % 2, i >= 6); /* those with a time have even seqs */
}

static void filters_and_counts(void **state)
{
    struct place *p = *state;
    const struct kind *k = kind_find(STR("prop"));
    (void)add_prop(p, "lamp", 1, "p");
    (void)add_prop(p, "lamp", 2, "q");
    (void)add_prop(p, "lamp", 3, "");
    (void)add_prop(p, "door", 4, "p");
    struct list_page page;
    struct list_filter f[] = {{"name", V_TEXT(STR("lamp"))}, {"project", V_TEXT(STR("p"))}};
    OK(list(p, &(struct list_query){.kind = k, .filters = f, .n_filters = 1, .limit = 2, .count = true}, &page, &e));
    assert_int_equal(page.n, 2);
    assert_int_equal(page.total, 3);
    /* A project sees the organisation's own too. */
    OK(list(p, &(struct list_query){.kind = k, .filters = f, .n_filters = 2, .limit = 9, .count = true}, &page, &e));
    assert_int_equal(page.n, 2);
    assert_int_equal(page.total, 2);
    struct list_filter none[] = {{"category", V_NULL}};
    OK(list(p, &(struct list_query){.kind = k, .filters = none, .n_filters = 1, .limit = 9}, &page, &e));
    assert_int_equal(page.n, 4);
    struct list_filter wrong[] = {{"description\" OR 1=1 --", V_INT(1)}};
    struct list_query q = {.kind = k, .filters = wrong, .n_filters = 1, .limit = 9};
    WANT(ERR_INVALID, list(p, &q, &page, &e));
    wrong[0].field = "description";
    REFUSED(ERR_INVALID, "description", list(p, &q, &page, &e));
}

static void a_created_range(void **state)
{
    struct place *p = *state;
    for (int i = 1; i <= 5; i++) {
        struct record *r = record_new(p->arena, KIND_SESSION);
        r->created_at = i * 1000;
        OK(insert_record(p, r, &e));
    }
    struct list_page page;
    struct list_query q = {.kind = KIND_SESSION, .created_from = 2000, .created_to = 4000, .limit = 10, .count = true};
    OK(list(p, &q, &page, &e));
    assert_int_equal(page.n, 3);
    assert_int_equal(page.total, 3);
    assert_int_equal(page.rows[0]->created_at, 4000);
}

/* The order stays the list's own, whatever index the range could be read by. */
static void a_created_range_of_a_list_in_another_order(void **state)
{
    struct place *p = *state;
    static const int64_t used[] = {5, 1, 9, 3, 7};
    for (int i = 0; i < 5; i++) {
        struct record *r = record_new(p->arena, kind_find(STR("prop")));
        record_set(r, "name", V_TEXT(STR("n")));
        record_set(r, "usage_count", V_INT(used[i]));
        r->created_at = (i + 1) * 1000;
        OK(insert_record(p, r, &e));
    }
    struct list_page page;
    struct list_query q = {
        .kind = kind_find(STR("prop")), .created_from = 2000, .created_to = 4000, .limit = 2, .count = true};
    OK(list(p, &q, &page, &e));
    assert_int_equal(page.n, 2);
    assert_int_equal(page.total, 3);
    assert_int_equal(page.rows[0]->created_at, 3000);
    assert_int_equal(page.rows[1]->created_at, 4000);
    q.cursor = page.next_cursor;
    OK(list(p, &q, &page, &e));
    assert_int_equal(page.n, 1);
    assert_int_equal(page.rows[0]->created_at, 2000);
}

/* What may be met is the same as in a list with these filters, newest first. */
static void seqs_are_those_of_the_list(void **state)
{
    struct place *p = *state;
    struct store_tx *tx;
    int64_t *seqs;
    size_t n;
    for (int i = 0; i < 600; i++)
        (void)add_prop(p, "lamp", i % 7, i % 3 ? "web" : "shop");
    struct list_filter web = {"project", V_TEXT(STR("web"))};
    struct list_query q = {.kind = kind_find(STR("prop")), .filters = &web, .n_filters = 1, .limit = 1000};
    OK(store_read_begin(p->store, &tx, &e));
    OK(record_seqs(tx, p->arena, &q, &seqs, &n, &e));
    assert_int_equal(n, 400);
    for (size_t i = 1; i < n; i++)
        assert_true(seqs[i] < seqs[i - 1] && seqs[i] % 3 != 1);
    q.scope = (struct scope){.limited = true, .org = STR("acme"), .project = STR("acme/x")};
    OK(record_seqs(tx, p->arena, &q, &seqs, &n, &e));
    assert_int_equal(n, 0);
    q = (struct list_query){.kind = q.kind, .limit = 5};
    OK(record_seqs(tx, p->arena, &q, &seqs, &n, &e));
    assert_true(n == 5 && seqs[0] == 600 && seqs[4] == 596);
    q.limit = 0;
    REFUSED(ERR_INVALID, "limit", record_seqs(tx, p->arena, &q, &seqs, &n, &e));
    store_read_end(tx);
}

static void limits_are_bounded(void **state)
{
    struct place *p = *state;
    struct list_page page;
    struct list_query q = {.kind = KIND_SESSION};
    REFUSED(ERR_INVALID, "limit", list(p, &q, &page, &e));
    q.limit = 1001;
    REFUSED(ERR_INVALID, "limit", list(p, &q, &page, &e));
}

static void bent_cursors_are_refused(void **state)
{
    struct place *p = *state;
    for (int i = 0; i < 5; i++)
        (void)add_session(p);
    struct list_page page;
    struct list_query q = {.kind = KIND_SESSION, .limit = 2};
    OK(list(p, &q, &page, &e));
    struct str good = page.next_cursor;
    char bent[400];
    assert_true(good.n < sizeof bent);
    for (size_t i = 0; i < good.n; i++) {
        memcpy(bent, good.p, good.n);
        bent[i] = bent[i] == '1' ? '2' : '1';
        q.cursor = (struct str){bent, good.n};
        REFUSED(ERR_INVALID, "cursor", list(p, &q, &page, &e));
        q.cursor = (struct str){good.p, i};
        REFUSED(ERR_INVALID, "cursor", list(p, &q, &page, &e));
    }
    q.cursor = good;
    OK(list(p, &q, &page, &e));
    /* A cursor belongs to one kind's list. */
    q.kind = KIND_CONVERSATION;
    REFUSED(ERR_INVALID, "cursor", list(p, &q, &page, &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pages_cover_everything_once_in_order, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(what_comes_in_between_does_not_disturb, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(nulls_come_last_in_a_descending_order, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(filters_and_counts, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(a_created_range, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(a_created_range_of_a_list_in_another_order, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(seqs_are_those_of_the_list, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(limits_are_bounded, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(bent_cursors_are_refused, place_setup, place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
