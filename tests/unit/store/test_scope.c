/* Who may read what: the rule itself, its edges, and what its SQL costs. */
#include "place.h"

#include "base/buf.h"
#include "store/scope.h"

#include <sqlite3.h>

static const struct scope web = {true, {"acme", 4}, {"acme/web", 8}};
static const struct scope all_of_acme = {true, {"acme", 4}, {"acme/*", 6}};
static const struct scope plain = {true, {"default", 7}, {"web", 3}};

static void names_have_parts(void **state)
{
    (void)state;
    assert_true(str_is(project_org(STR("acme/web")), "acme") && str_is(project_org(STR("web")), "default"));
    assert_true(str_is(project_slug(STR("acme/web")), "web") && str_is(project_slug(STR("web")), "web"));
    assert_true(str_is(project_org_own(STR("acme/web")), "acme/") && project_org_own(STR("web")).n == 0);
    assert_true(str_is(project_org(STR("acme/")), "acme") && project_slug(STR("acme/")).n == 0);
    assert_true(str_is(project_org(STR("")), "default"));
}

static void levels_say_who_reads(void **state)
{
    static const struct {
        const struct scope *who;
        const char *project, *level;
        bool reads;
    } cases[] = {
        {&web, "acme/web", "PRIVATE", true},
        {&web, "acme/web", "EPHEMERAL", true},
        {&web, "acme/shop", "PRIVATE", false},
        {&web, "acme/shop", "EPHEMERAL", false},
        {&web, "acme/shop", "TEAM", true},
        {&web, "acme/shop", "", true},
        {&web, "acme/", "", true},
        {&web, "acme/shop", "SOMETHING", false},
        {&web, "web", "PRIVATE", false},
        {&web, "web", "TEAM", false},
        {&web, "web", "PUBLIC", true},
        {&web, "acmes/web", "TEAM", false},
        {&web, "", "", false},
        {&all_of_acme, "acme/shop", "PRIVATE", true},
        {&all_of_acme, "zeta/shop", "TEAM", false},
        {&all_of_acme, "zeta/shop", "PUBLIC", true},
        {&plain, "web", "PRIVATE", true},
        {&plain, "acme/web", "PRIVATE", false},
        {&plain, "acme/web", "TEAM", false},
        {&plain, "shop", "TEAM", true},
        {&plain, "", "", true},
        {&plain, "acme/", "", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (scope_reads(cases[i].who, str_of(cases[i].project), str_of(cases[i].level)) != cases[i].reads)
            fail_msg("%.*s reads %s %s: not %d", STR_ARG(cases[i].who->project), cases[i].project, cases[i].level,
                     cases[i].reads);
    assert_true(scope_reads(&(struct scope){0}, STR("acme/web"), STR("PRIVATE")));
}

enum { PLAN_MAX = 16000 };

/* The plan of the statement, its lines joined. */
static void plan_of(struct place *p, struct str sql, char out[PLAN_MAX])
{
    char path[100];
    sqlite3 *db;
    sqlite3_stmt *s;
    snprintf(path, sizeof path, "%s/store.db", p->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql.p, (int)sql.n, &s, NULL) != SQLITE_OK)
        fail_msg("%.*s: %s", STR_ARG(sql), sqlite3_errmsg(db));
    size_t n = 0;
    out[0] = '\0';
    while (sqlite3_step(s) == SQLITE_ROW && n < PLAN_MAX)
        n += (size_t)snprintf(out + n, PLAN_MAX - n, "%s\n", (const char *)sqlite3_column_text(s, 3));
    sqlite3_finalize(s);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_true(n < PLAN_MAX); /* else a part of it would not be looked at */
}

static void levels_are_looked_up_by_index(void **state)
{
    struct place *p = *state;
    char plan[PLAN_MAX];
    size_t n;
    const struct kind *all = kinds_all(&n);
    for (size_t i = 0; i < n; i++) {
        struct value v[SCOPE_VALUES];
        struct buf sql;
        buf_init(&sql, 0);
        buf_fmt(&sql, "EXPLAIN QUERY PLAN SELECT seq FROM \"%s\" WHERE seq > 1", all[i].name);
        int bound = scope_put(&sql, &all[i], &web, 0, v);
        assert_true(bound >= 1 && bound <= SCOPE_VALUES);
        plan_of(p, buf_view(&sql), plan);
        assert_null(strstr(plan, "SCAN")); /* the row's own table goes by seq here, all others by an index */
        buf_release(&sql);
    }
}

static void few_turns_among_many_are_found_through_conversations(void **state)
{
    struct place *p = *state;
    char plan[PLAN_MAX];
    struct value v[SCOPE_VALUES];
    struct buf sql;
    buf_init(&sql, 0);
    buf_cstr(&sql, "EXPLAIN QUERY PLAN SELECT * FROM turn WHERE deleted_at IS NULL");
    assert_int_equal(scope_put_through(&sql, &web, 0, v), 2);
    buf_cstr(&sql, " ORDER BY seq DESC LIMIT 51");
    plan_of(p, buf_view(&sql), plan);
    assert_null(strstr(plan, "SCAN turn"));
    assert_null(strstr(plan, "SCAN x"));
    assert_non_null(strstr(plan, "SEARCH turn USING INTEGER PRIMARY KEY"));
    buf_release(&sql);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_have_parts),
        cmocka_unit_test(levels_say_who_reads),
        cmocka_unit_test_setup_teardown(levels_are_looked_up_by_index, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(few_turns_among_many_are_found_through_conversations, place_setup,
                                        place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
