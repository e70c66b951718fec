/* Patterns: what each extractor finds and leaves, the formulas, merging of what is alike, versions, and finding. */
#include "service_fixture.h"

#include "service/background.h"
#include "service/patterns/extract.h"
#include "service/patterns/find.h"
#include "service/patterns/score.h"
#include "service/patterns/terms.h"

#include <math.h>

/* ---- extractors ---- */

/* The turn's pattern must be of that type (NULL: none) and its template hold `part`. */
static void expect(const char *turn, const char *type, const char *part)
{
    struct arena *a = arena_new();
    struct pattern_found p;
    struct err e = {0};
    bool found;
    assert_int_equal(pattern_extract(a, str_of(turn), &p, &found, &e), ERR_OK);
    if (!type && found)
        fail_msg("found a %s in: %s", p.type, turn);
    if (type && (!found || strcmp(p.type, type) != 0))
        fail_msg("found %s instead of %s in: %s", found ? p.type : "nothing", type, turn);
    if (type) {
        const struct json *details;
        assert_true(p.confidence >= PATTERN_CONFIDENCE_MIN && p.confidence <= 1);
        assert_true(p.name.n > 0 && p.name.n <= 80);
        assert_true(str_find(p.template, str_of(part)) >= 0);
        assert_int_equal(json_parse(a, p.details, 0, &details, &e), ERR_OK);
        assert_int_equal(details->type, JSON_OBJECT);
    }
    arena_free(a);
}

static void workflows_are_steps_for_any_time(void **state)
{
    (void)state;
    expect("Release checklist, every time:\n- Run the tests on develop\n- Bump the version\n- Tag the commit and push "
           "it\n",
           "workflow", "2. Bump the version");
    expect("To move a table: first copy the rows into the new one, then switch the readers over, and finally drop the "
           "old one.",
           "workflow", "3. drop the old one");
    expect("Whenever the schema changes, run these commands:\n```sh\nmake schema\nmake models\nmake check\n```\n",
           "workflow", "1. make schema");
    expect("I will do it like this now:\n1. Create the file\n2. Update the header\n3. Write the tests\n", NULL, NULL);
    expect("First we went to the beach, then we had ice cream, and finally we drove home in the dark.", NULL, NULL);
    expect("Findings of the review:\n1. Chevrons never turn\n2. Lines are too long\n3. Colours are too close\n", NULL,
           NULL);
}

static void decisions_have_an_alternative_and_a_reason(void **state)
{
    (void)state;
    expect("We chose SQLite over Postgres for the cache because it needs no server beside the program.", "decision",
           "Because: it needs no server");
    expect("## Decision\n\nRoll out by region, one a day.\n\nWhy: a bad build then hits few people and we sleep.\n",
           "decision", "Roll out by region");
    expect("Should we go with SQLite instead of Postgres because it needs no server? What do you think?", NULL, NULL);
    expect("We went with the blue one. It looks nice and everybody in the team liked it a lot.", NULL, NULL);
    expect("I chose the mountains over the sea. I was tired of crowds and wanted some peace and quiet.", NULL, NULL);
}

static void code_is_recommended_not_just_shown(void **state)
{
    (void)state;
    expect("Always close files with a context manager:\n```python\nwith open(path) as f:\n    data = f.read()\n```\n",
           "code", "with open(path)");
    expect("Here is what the function looks like now:\n```python\ndef load(path):\n    return open(path).read()\n```\n",
           NULL, NULL);
    expect("Always look at the output:\n```console\n$ make test\n412 passed in 3.1 s, all of them green\n```\n", NULL,
           NULL);
}

static void errors_have_a_message_a_cause_and_a_fix(void **state)
{
    (void)state;
    expect("The build fails with `undefined reference to log10` because the maths library is not linked. The fix is to "
           "add -lm at the end.",
           "error", "Cause: The build fails");
    expect("The build fails with `undefined reference to log10` again and again. Let me fix that by looking around.",
           NULL, NULL);
    expect("It stopped working because the disk was full. The fix was to empty it, and all has been well since.", NULL,
           NULL);
}

static void architecture_is_parts_and_their_relations(void **state)
{
    (void)state;
    expect("Architecture:\n- **Gateway**: takes requests from browsers\n- **Queue**: holds jobs\n- **Worker**: does "
           "them\n\nThe gateway talks to the worker through the queue only.\n",
           "architecture", "talks to the worker");
    expect("Let me look at how the client talks to the server, and how the server reads from the store.", NULL, NULL);
    expect("The server was slow today and the client gave up twice, so the provider had to be told.", NULL, NULL);
}

static void configuration_has_values_and_a_purpose(void **state)
{
    (void)state;
    expect("Start it with `POOL_MAX=20` and `POOL_WAIT_MS=500` so that a slow query cannot starve the others.",
           "configuration", "POOL_MAX=20");
    expect("The environment is PRODUCTION and POOL_MAX was mentioned in the meeting because somebody asked.", NULL,
           NULL);
    /* what sounds secret is not kept */
    struct arena *a = arena_new();
    struct pattern_found p;
    struct err e = {0};
    bool found;
    struct str turn = STR("Set these so that mail works:\n```sh\nexport MAIL_PASSWORD=hunter2hunter2\n"
                          "export MAIL_HOST=mail.example.com\n```\n");
    assert_int_equal(pattern_extract(a, turn, &p, &found, &e), ERR_OK);
    assert_true(found);
    assert_true(str_find(p.template, STR("hunter2")) < 0 && str_find(p.details, STR("hunter2")) < 0);
    assert_true(str_find(p.example, STR("hunter2")) < 0 && str_find(p.template, STR("mail.example.com")) >= 0);
    arena_free(a);
}

static void any_bytes_are_read(void **state)
{
    static const char *const turns[] = {"```\n```\n```",
                                        "- \n- \n- \n# \n##",
                                        "****** ** **\n1. **\n2. ** **\n",
                                        "`` ` ``` `unfinished \" quote `error failed cannot",
                                        "| a | b |\n|---|\n||\n",
                                        "\xff\xfe first \xc3( then \xe2\x82 finally \xf0\x9f\x92 ...... `` = ``"};
    struct arena *a = arena_new();
    (void)state;
    for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
        char many[70 * 1024];
        struct pattern_found p;
        struct err e = {0};
        bool found;
        size_t n = strlen(turns[i]), all = 0;
        while (all + n < sizeof many) {
            memcpy(many + all, turns[i], n);
            all += n;
        }
        assert_int_equal(pattern_extract(a, (struct str){many, all}, &p, &found, &e), ERR_OK);
        assert_int_equal(pattern_extract(a, str_of(turns[i]), &p, &found, &e), ERR_OK);
    }
    arena_free(a);
}

/* ---- formulas ---- */

static uint64_t dice(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static void quality_is_the_contracts_formula(void **state)
{
    uint64_t seed = 7;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        double rate = (double)(dice(&seed) % 1001) / 1000;
        int64_t frequency = (int64_t)(dice(&seed) % 60), reuse = (int64_t)(dice(&seed) % 30);
        double seen = frequency < 20 ? (double)frequency / 20 : 1, used = reuse < 10 ? (double)reuse / 10 : 1;
        double q = pattern_quality(rate, frequency, reuse);
        assert_true(fabs(q - (0.4 * rate + 0.3 * seen + 0.3 * used)) < 1e-12);
        assert_true(q >= 0 && q <= 1);
        assert_true(pattern_quality(rate, frequency + 1, reuse) >= q &&
                    pattern_quality(rate, frequency, reuse + 1) >= q);
    }
    assert_true(pattern_quality(NAN, -5, -1) == 0 && pattern_quality(7, INT64_MAX, INT64_MAX) == 1);
}

static void worth_and_recency(void **state)
{
    const int64_t day = 86400000;
    (void)state;
    assert_true(fabs(pattern_worth(1, 0, 0, 0) - 0.40) < 1e-12 && fabs(pattern_worth(0, 1, 0, 0) - 0.25) < 1e-12);
    assert_true(fabs(pattern_worth(0, 0, 1, 0) - 0.20) < 1e-12 && fabs(pattern_worth(0, 0, 0, 1) - 0.15) < 1e-12);
    assert_true(pattern_recency(0) == 1 && pattern_recency(-day) == 1 && pattern_recency(30 * day) == 0);
    assert_true(fabs(pattern_recency(15 * day) - 0.5) < 1e-12 && pattern_recency(400 * day) == 0);
}

/* The rate kept step by step is the share of all uses. */
static void success_rate_is_the_share_of_uses(void **state)
{
    uint64_t seed = 11;
    double rate = 0;
    int64_t won = 0;
    (void)state;
    for (int64_t uses = 0; uses < 5000; uses++) {
        int success = dice(&seed) % 3 != 0;
        rate = pattern_success_after(rate, uses, success);
        won += success;
        assert_true(fabs(rate - (double)won / (double)(uses + 1)) < 1e-9);
    }
}

/* ---- terms ---- */

static void alike_is_what_shares_its_rare_words(void **state)
{
    const char *texts[] = {"Run the migration, then regenerate the client and check the types",
                           "Tag the release and push the tag, then wait for the build",
                           "Retry with a growing delay when the model times out"};
    struct arena *a = arena_new();
    struct pattern_row rows[3] = {0};
    struct str asked;
    struct err e = {0};
    const struct pattern_row *best;
    double similarity, covered[3];
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(pattern_terms(a, str_of(texts[i]), &rows[i].terms, &e), ERR_OK);
    assert_int_equal(pattern_terms(a, STR("Check types; run migrations and regenerate clients"), &asked, &e), ERR_OK);
    assert_int_equal(patterns_nearest(a, asked, rows, 3, &best, &similarity, &e), ERR_OK);
    assert_ptr_equal(best, &rows[0]);
    assert_true(similarity >= PATTERN_ALIKE && similarity <= 1);
    assert_int_equal(patterns_coverage(a, asked, rows, 3, covered, &e), ERR_OK);
    assert_true(covered[0] > 0.9 && covered[1] == 0 && covered[2] == 0);
    assert_int_equal(patterns_nearest(a, asked, rows, 0, &best, &similarity, &e), ERR_OK);
    assert_null(best);
    arena_free(a);
}

/* ---- the follower ---- */

static const char *session_of(struct fixture *f, const char *project, const char *level)
{
    char args[200];
    snprintf(args, sizeof args, "{\"project\":\"%s\",\"privacy_level\":\"%s\"}", project, level);
    return fixture_text(f, fixture_ok(f, "session.create", args), "session_id");
}

static void say(struct fixture *f, const char *session, const char *words)
{
    struct arena *a = f->arena;
    const char *args = arena_fmt(a, "{\"session\":\"%s\",\"text\":\"%s\"}", session, words).p;
    fixture_ok(f, "turn.remember", args);
}

static const struct json *patterns(struct fixture *f, const char *project)
{
    struct err e = {0};
    assert_int_equal(background_catch_up(f->svc, &e), ERR_OK);
    const struct json *all = NULL;
    struct op_call call = {.svc = f->svc, .op = operation_find("pattern.list"), .arena = f->arena};
    struct op_pair pair = {STR("project"), str_of(project), ARG_IN_QUERY};
    struct op_input in = {.pairs = &pair, .n_pairs = 1};
    struct buf b;
    struct json_out w;
    buf_init(&b, 0);
    jw_init(&w, &b);
    call.out = &w;
    assert_int_equal(op_bind(&call, &in, &e), ERR_OK);
    assert_int_equal(op_run(&call, &e), ERR_OK);
    assert_int_equal(json_parse(f->arena, arena_str(f->arena, buf_view(&b)), 0, &all, &e), ERR_OK);
    buf_release(&b);
    return all;
}

#define CHOICE "We chose SQLite over Postgres for the cache because it needs no server beside the program"

static void what_is_said_again_merges_in_its_project(void **state)
{
    struct fixture *f = *state;
    const char *s = session_of(f, "web", "TEAM");
    say(f, s, CHOICE ".");
    say(f, s, "For the cache we chose SQLite over Postgres, because it needs no server beside our program.");
    say(f, s, "Good morning everybody, how was the long weekend for you and yours?");
    say(f, session_of(f, "shop", "TEAM"), CHOICE ".");
    const struct json *all = patterns(f, "web");
    assert_int_equal(all->n, 1);
    assert_int_equal(json_get(&all->items[0], "frequency")->integer, 2);
    assert_int_equal(json_get(&all->items[0], "variations")->n, 1);
    assert_true(fabs(json_get(&all->items[0], "quality_score")->number - pattern_quality(0, 2, 0)) < 1e-9);
    assert_true(str_is(json_text(&all->items[0], "source_session_id"), s));
    assert_int_equal(patterns(f, "shop")->n, 1);
}

static void levels_do_not_merge(void **state)
{
    struct fixture *f = *state;
    say(f, session_of(f, "web", "TEAM"), CHOICE ".");
    say(f, session_of(f, "web", "PRIVATE"), CHOICE " of ours.");
    const struct json *all = patterns(f, "web");
    assert_int_equal(all->n, 2);
    for (int i = 0; i < 2; i++)
        assert_int_equal(json_get(&all->items[i], "variations")->n, 0);
}

static void a_deprecated_pattern_takes_no_more_in(void **state)
{
    struct fixture *f = *state;
    const char *s = session_of(f, "web", "TEAM");
    say(f, s, CHOICE ".");
    const struct json *first = patterns(f, "web");
    const char *id = fixture_text(f, &first->items[0], "id");
    struct op_call call = {.svc = f->svc, .op = operation_find("pattern.deprecate"), .arena = f->arena};
    struct op_pair pair = {STR("id"), str_of(id), ARG_IN_PATH};
    struct op_input in = {.pairs = &pair, .n_pairs = 1, .body = STR("{}")};
    struct buf b;
    struct json_out w;
    struct err e = {0};
    buf_init(&b, 0);
    jw_init(&w, &b);
    call.out = &w;
    assert_int_equal(op_bind(&call, &in, &e), ERR_OK);
    assert_int_equal(op_run(&call, &e), ERR_OK);
    buf_release(&b);
    say(f, s, CHOICE ".");
    assert_int_equal(patterns(f, "web")->n, 2);
}

static void a_private_pattern_is_found_by_its_own_project_only(void **state)
{
    struct fixture *f = *state;
    struct caller own = {.org = STR("default"), .project = STR("web")}, other = own;
    struct pattern_query q = {.text = STR("SQLite cache"), .caller = &own};
    struct pattern_match *found;
    struct store_tx *tx;
    struct err e = {0};
    size_t n;
    other.project = STR("shop");
    say(f, session_of(f, "web", "PRIVATE"), CHOICE ".");
    assert_int_equal(patterns(f, "web")->n, 1);
    assert_int_equal(store_read_begin(f->svc->store, &tx, &e), ERR_OK);
    assert_int_equal(patterns_match(tx, f->arena, &q, &found, &n, &e), ERR_OK);
    assert_int_equal(n, 1);
    q.caller = &other;
    assert_int_equal(patterns_match(tx, f->arena, &q, &found, &n, &e), ERR_OK);
    assert_int_equal(n, 0);
    store_read_end(tx);
}

#define WITH_SERVICE(t) cmocka_unit_test_setup_teardown(t, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workflows_are_steps_for_any_time),
        cmocka_unit_test(decisions_have_an_alternative_and_a_reason),
        cmocka_unit_test(code_is_recommended_not_just_shown),
        cmocka_unit_test(errors_have_a_message_a_cause_and_a_fix),
        cmocka_unit_test(architecture_is_parts_and_their_relations),
        cmocka_unit_test(configuration_has_values_and_a_purpose),
        cmocka_unit_test(any_bytes_are_read),
        cmocka_unit_test(quality_is_the_contracts_formula),
        cmocka_unit_test(worth_and_recency),
        cmocka_unit_test(success_rate_is_the_share_of_uses),
        cmocka_unit_test(alike_is_what_shares_its_rare_words),
        WITH_SERVICE(what_is_said_again_merges_in_its_project),
        WITH_SERVICE(levels_do_not_merge),
        WITH_SERVICE(a_deprecated_pattern_takes_no_more_in),
        WITH_SERVICE(a_private_pattern_is_found_by_its_own_project_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
