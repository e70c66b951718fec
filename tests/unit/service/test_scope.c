/* Who may read and write what, through the operations themselves: on random records of several organisations and
 * projects, lists, single records, counts, search and recall show exactly what caller_reads says. */
#include "service_fixture.h"

#include "service/access.h"
#include "store/turns.h"
#include "unit/base/random.h"

enum { ORGS = 3, PROJECTS = 3, LEVELS = 3, RECORDS_MAX = 2000, SEED = 20260131 };

static const char *const orgs[ORGS] = {"default", "acme", "zeta"};
static const char *const projects[PROJECTS] = {"web", "shop", "api"};
static const char *const levels[LEVELS] = {"PUBLIC", "TEAM", "PRIVATE"};

/* What was stored: the truth that answers are held against. */
struct fact {
    const char *kind;
    struct str id, project, level; /* full name; STR_NONE: of no session */
};
struct world {
    struct fixture *f;
    struct fact facts[RECORDS_MAX];
    size_t n;
    uint64_t random;
};

static struct caller member(struct fixture *f, const char *org, const char *slug, unsigned permissions)
{
    struct caller c = {.name = STR("test"), .org = str_of(org), .permissions = permissions};
    c.project = caller_project(&c, f->arena, str_of(slug));
    return c;
}

static const unsigned READS_AND_WRITES = 1u << PERM_READ | 1u << PERM_WRITE | 1u << PERM_MEMORY;

static void note(struct world *w, const char *kind, const struct json *answer, const char *id_name, struct str project,
                 const char *level)
{
    assert_true(w->n < RECORDS_MAX);
    struct str id = json_text(answer, id_name);
    assert_true(id.n > 0);
    w->facts[w->n++] = (struct fact){kind, arena_str(w->f->arena, id), project, str_of(level)};
}

static const struct json *make(struct world *w, const char *operation, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static const struct json *make(struct world *w, const char *operation, const char *fmt, ...)
{
    char args[2000];
    va_list list;
    va_start(list, fmt);
    vsnprintf(args, sizeof args, fmt, list);
    va_end(list);
    return fixture_ok(w->f, operation, args);
}

/* A session of that level with a conversation, turns that all speak of the lighthouse, and records of other kinds. */
static void fill_session(struct world *w, const struct caller *who, const char *level)
{
    struct fixture *f = w->f;
    struct str project = who->project;
    const struct json *a = make(w, "session.create", "{\"title\":\"s\",\"privacy_level\":\"%s\"}", level);
    const char *session = fixture_text(f, a, "session_id");
    note(w, "session", a, "session_id", project, level);
    a = make(w, "conversation.create", "{\"session_id\":\"%s\",\"use_context\":false}", session);
    const char *conversation = fixture_text(f, a, "conversation_id");
    note(w, "conversation", a, "conversation_id", project, level);
    for (uint64_t i = random_below(&w->random, 3) + 1; i > 0; i--) {
        uint64_t word[4] = {random_next(&w->random), random_next(&w->random), random_next(&w->random),
                            random_next(&w->random)};
        a = make(w, "turn.add", "{\"conversation_id\":\"%s\",\"content\":\"The lighthouse w%llx w%llx w%llx w%llx\"}",
                 conversation, (unsigned long long)word[0], (unsigned long long)word[1], (unsigned long long)word[2],
                 (unsigned long long)word[3]);
        note(w, "turn", a, "turn_id", project, level);
    }
    const char *turn = fixture_text(f, a, "turn_id");
    note(w, "event", make(w, "event.create", "{\"session_id\":\"%s\",\"effect_text\":\"e\"}", session), "event_id",
         project, level);
    note(w, "summary", make(w, "summary.create", "{\"conversation_id\":\"%s\",\"text\":\"t\"}", conversation),
         "summary_id", project, level);
    note(w, "character", make(w, "character.create", "{\"conversation_id\":\"%s\",\"name\":\"n\"}", conversation),
         "character_id", project, level);
    note(w, "pattern",
         make(w, "pattern.create", "{\"source_session_id\":\"%s\",\"name\":\"p\",\"pattern_type\":\"code\"}", session),
         "pattern_id", project, level);
    note(w, "tag", make(w, "tag.create", "{\"record_kind\":\"turn\",\"record_id\":\"%s\",\"name\":\"t\"}", turn),
         "tag_id", project, level);
}

/* Records of no session: the project's, and the organisation's own. */
static void fill_project(struct world *w, const struct caller *who)
{
    static const char *const of_session[] = {"PUBLIC", "TEAM", "PRIVATE"};
    struct str own = caller_project(who, w->f->arena, STR(""));
    for (size_t i = 0; i < LEVELS; i++)
        fill_session(w, who, of_session[i]);
    for (uint64_t i = random_below(&w->random, 3); i > 0; i--)
        fill_session(w, who, levels[random_below(&w->random, LEVELS)]);
    note(w, "checkpoint", make(w, "checkpoint.create", "{\"title\":\"c\"}"), "checkpoint_id", who->project, NULL);
    note(w, "prop",
         make(w, "prop.create", "{\"name\":\"x\",\"project\":\"%.*s\"}", STR_ARG(project_slug(who->project))),
         "prop_id", who->project, NULL);
    note(w, "prop", make(w, "prop.create", "{\"name\":\"y\"}"), "prop_id", own, NULL);
}

static void fill(struct world *w)
{
    for (size_t o = 0; o < ORGS; o++)
        for (size_t p = 0; p < PROJECTS; p++) {
            struct caller who = member(w->f, orgs[o], projects[p], READS_AND_WRITES);
            w->f->caller = &who;
            fill_project(w, &who);
            w->f->caller = NULL;
        }
}

static const struct fact *fact_of(const struct world *w, const char *kind, struct str id)
{
    for (size_t i = 0; i < w->n; i++)
        if (strcmp(w->facts[i].kind, kind) == 0 && str_eq(w->facts[i].id, id))
            return &w->facts[i];
    return NULL;
}

static size_t readable(const struct world *w, const struct caller *who, const char *kind)
{
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++)
        n += strcmp(w->facts[i].kind, kind) == 0 && caller_reads(who, w->facts[i].project, w->facts[i].level);
    return n;
}

/* ---- lists ---- */

struct page {
    const struct json *rows;
    struct str next;
    int64_t total;
};

static struct page list_page(struct fixture *f, const char *name, struct str cursor)
{
    struct buf b;
    struct json_out w;
    struct err e = {0};
    struct page p = {0};
    struct op_pair pairs[] = {{STR("limit"), STR("7"), ARG_IN_QUERY}, {STR("cursor"), cursor, ARG_IN_QUERY}};
    struct op_input in = {.pairs = pairs, .n_pairs = cursor.n ? 2 : 1};
    struct op_call call = {
        .svc = f->svc, .op = operation_find(name), .arena = f->arena, .out = &w, .caller = f->caller};
    buf_init(&b, 0);
    jw_init(&w, &b);
    assert_non_null(call.op);
    if (op_bind(&call, &in, &e) || op_run(&call, &e))
        fail_msg("%s: %s", name, e.message);
    assert_int_equal(json_parse(f->arena, arena_str(f->arena, buf_view(&b)), 0, &p.rows, &e), ERR_OK);
    buf_release(&b);
    p.next = call.next_cursor;
    p.total = call.total;
    return p;
}

/* Page by page: every row is one that may be read, none is missing, and the total says how many. */
static void check_list(const struct world *w, const struct caller *who, const char *kind)
{
    char name[64];
    size_t n = 0, wanted = readable(w, who, kind);
    struct str cursor = STR_NONE;
    snprintf(name, sizeof name, "%s.list", kind);
    do {
        struct page p = list_page(w->f, name, cursor);
        assert_int_equal(p.total, wanted);
        for (size_t i = 0; i < p.rows->n; i++) {
            const struct fact *known = fact_of(w, kind, json_text(&p.rows->items[i], "id"));
            assert_non_null(known);
            assert_true(caller_reads(who, known->project, known->level));
        }
        n += p.rows->n;
        cursor = p.next;
    } while (cursor.n);
    assert_int_equal(n, wanted);
}

static void check_sessions(const struct world *w, const struct caller *who)
{
    const struct json *a = fixture_ok(w->f, "session.list", "{\"limit\":1000}"), *rows = json_get(a, "sessions");
    assert_int_equal(rows->n, readable(w, who, "session"));
    assert_int_equal(json_get(a, "total")->integer, rows->n);
    for (size_t i = 0; i < rows->n; i++) {
        const struct fact *known = fact_of(w, "session", json_text(&rows->items[i], "id"));
        assert_true(caller_reads(who, known->project, known->level));
    }
}

/* ---- single records ---- */

/* A field to change, for kinds that can be changed. */
static const char *changed_field(const char *kind)
{
    static const char *const fields[][2] = {
        {"event", "effect_text"}, {"character", "name"}, {"pattern", "name"}, {"prop", "rarity"}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (strcmp(fields[i][0], kind) == 0)
            return fields[i][1];
    return NULL;
}

static enum err_code expected_write(const struct caller *who, const struct fact *x)
{
    if (!caller_reads(who, x->project, x->level))
        return ERR_NOT_FOUND;
    return caller_writes(who, x->project) ? ERR_OK : ERR_FORBIDDEN;
}

static void check_single(const struct world *w, const struct caller *who, const struct fact *x)
{
    char name[64], args[400];
    struct err e = {0};
    bool reads = caller_reads(who, x->project, x->level);
    snprintf(name, sizeof name, "%s.get", x->kind);
    snprintf(args, sizeof args, "{\"%s\":\"%.*s\"}", strcmp(x->kind, "conversation") ? "id" : "conversation_id",
             STR_ARG(x->id));
    assert_int_equal(fixture_call(w->f, name, args, NULL, &e), reads ? ERR_OK : ERR_NOT_FOUND);
    if (!changed_field(x->kind))
        return;
    snprintf(name, sizeof name, "%s.update", x->kind);
    snprintf(args, sizeof args, "{\"id\":\"%.*s\",\"%s\":\"z\"}", STR_ARG(x->id), changed_field(x->kind));
    assert_int_equal(fixture_call(w->f, name, args, NULL, &e), expected_write(who, x));
}

static void check_session_writes(const struct world *w, const struct caller *who, const struct fact *x)
{
    static const struct {
        const char *name, *id, *rest;
    } writes[] =
        {
            {"session.preferences", "session_id", "\"context_depth\":3"},
            {"conversation.create", "session_id", "\"title\":\"t\""},
            {"context.summary", "session_id", "\"summary\":\"s\""},
            {"agent_state.merge", "session_id", "\"agent\":\"codey\",\"state_updates\":{\"a\":1}"},
            {"turn.remember", "session", "\"text\":\"a note\""},
            {"event.create", "session_id", "\"effect_text\":\"from outside\""},
            {"session.delete", "id", "\"gdpr_request\":false"},
            {"session.update", "id", "\"title\":\"z\""},
            {"tag.create", "record_id", "\"record_kind\":\"session\",\"name\":\"t\""},
        },
      reads[] = {
          {"context.get", "session_id", "\"max_turns\":3"},
          {"context.search", "session_id", "\"query\":\"lighthouse\""},
          {"agent_state.show", "session_id", "\"agent\":\"codey\""},
          {"recall", "session_id", "\"query\":\"lighthouse\""},
          {"session.analytics", "session_id", "\"access_reason\":\"audit\""},
      };
    char args[400];
    struct err e = {0};
    enum err_code wanted = caller_reads(who, x->project, x->level) ? ERR_OK : ERR_NOT_FOUND;
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
        snprintf(args, sizeof args, "{\"%s\":\"%.*s\",%s}", reads[i].id, STR_ARG(x->id), reads[i].rest);
        assert_int_equal(fixture_call(w->f, reads[i].name, args, NULL, &e), wanted);
    }
    if (expected_write(who, x) == ERR_OK) /* what succeeds would change the world that others are held against */
        return;
    for (size_t i = 0; i < sizeof writes / sizeof *writes; i++) {
        snprintf(args, sizeof args, "{\"%s\":\"%.*s\",%s}", writes[i].id, STR_ARG(x->id), writes[i].rest);
        assert_int_equal(fixture_call(w->f, writes[i].name, args, NULL, &e), expected_write(who, x));
    }
}

/* ---- recall and counts ---- */

static void check_recall(const struct world *w, const struct caller *who)
{
    const struct json *rows =
        json_get(fixture_ok(w->f, "recall", "{\"query\":\"lighthouse\",\"max_results\":100}"), "results");
    size_t wanted = readable(w, who, "turn");
    assert_int_equal(rows->n, wanted < 100 ? wanted : 100);
    for (size_t i = 0; i < rows->n; i++) {
        const struct fact *known = fact_of(w, "turn", json_text(&rows->items[i], "id"));
        assert_non_null(known);
        assert_true(caller_reads(who, known->project, known->level));
        for (size_t k = 0; k < i; k++)
            assert_false(str_eq(json_text(&rows->items[k], "id"), known->id));
    }
}

static void check_counts(const struct world *w, const struct caller *who)
{
    const struct json *a = fixture_ok(w->f, "stats", "{}");
    assert_int_equal(json_get(a, "total_messages")->integer, readable(w, who, "turn"));
    assert_int_equal(json_get(a, "conversations")->integer, readable(w, who, "conversation"));
    assert_int_equal(json_get(a, "prop_items")->integer, readable(w, who, "prop"));
    assert_int_equal(json_get(json_get(a, "kinds"), "sessions")->integer, readable(w, who, "session"));
}

static void check_reader(const struct world *w, const struct caller *who)
{
    static const char *const listed[] = {"conversation", "turn", "event", "summary",   "character",
                                         "pattern",      "tag",  "prop",  "checkpoint"};
    w->f->caller = who;
    for (size_t i = 0; i < sizeof listed / sizeof *listed; i++)
        check_list(w, who, listed[i]);
    check_sessions(w, who);
    check_recall(w, who);
    check_counts(w, who);
    for (size_t i = 0; i < w->n; i++) {
        check_single(w, who, &w->facts[i]);
        if (strcmp(w->facts[i].kind, "session") == 0)
            check_session_writes(w, who, &w->facts[i]);
    }
    w->f->caller = NULL;
}

static void everybody_sees_exactly_what_they_may_read(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    w->f = *state;
    w->random = SEED;
    print_message("seed %d\n", SEED);
    fill(w);
    for (int indexed = 0; indexed < 2; indexed++) {
        for (size_t o = 0; o < ORGS; o++)
            for (size_t p = 0; p < PROJECTS + 1; p++) {
                struct caller who = member(w->f, orgs[o], p < PROJECTS ? projects[p] : "*", READS_AND_WRITES);
                if (indexed) {
                    w->f->caller = &who;
                    check_recall(w, &who);
                    w->f->caller = NULL;
                } else {
                    check_reader(w, &who);
                }
            }
        struct err e = {0};
        assert_int_equal(index_flush(w->f->svc->index, &e), ERR_OK);
    }
    check_reader(w, &CALLER_LOCAL);
    free(w);
}

/* ---- single cases ---- */

static void a_session_made_private_is_gone_from_others_recall(void **state)
{
    struct fixture *f = *state;
    struct caller web = member(f, "acme", "web", READS_AND_WRITES), shop = member(f, "acme", "shop", READS_AND_WRITES);
    char args[200];
    f->caller = &web;
    const struct json *a = fixture_ok(f, "turn.remember", "{\"session\":\"mine\",\"text\":\"the boathouse is green\"}");
    f->caller = &shop;
    assert_int_equal(json_get(fixture_ok(f, "recall", "{\"query\":\"boathouse\"}"), "results")->n, 1);
    f->caller = &web;
    snprintf(args, sizeof args, "{\"id\":\"%s\",\"privacy_level\":\"PRIVATE\"}", fixture_text(f, a, "session_id"));
    fixture_ok(f, "session.update", args);
    assert_int_equal(json_get(fixture_ok(f, "recall", "{\"query\":\"boathouse\"}"), "results")->n, 1);
    f->caller = &shop;
    assert_int_equal(json_get(fixture_ok(f, "recall", "{\"query\":\"boathouse\"}"), "results")->n, 0);
    f->caller = NULL;
}

/* However many turns one may not read rank above it, what one may read is found. */
static void results_are_full_though_others_turns_rank_higher(void **state)
{
    struct fixture *f = *state;
    struct caller web = member(f, "acme", "web", READS_AND_WRITES), shop = member(f, "acme", "shop", READS_AND_WRITES);
    char args[400];
    f->caller = &web;
    const struct json *s = fixture_ok(f, "session.create", "{\"privacy_level\":\"PRIVATE\"}");
    snprintf(args, sizeof args, "{\"session_id\":\"%s\"}", fixture_text(f, s, "session_id"));
    const char *conversation = fixture_text(f, fixture_ok(f, "conversation.create", args), "conversation_id");
    for (int i = 0; i < 700; i++) {
        snprintf(args, sizeof args, "{\"conversation_id\":\"%s\",\"content\":\"harbour crane number%d a%d b%d\"}",
                 conversation, i, i * 7, i * 13);
        fixture_ok(f, "turn.add", args);
    }
    f->caller = &shop;
    fixture_ok(f, "turn.remember",
               "{\"session\":\"notes\",\"text\":\"a crane stood there, of all the things that one "
               "could think of on a day as long and as grey as that\"}");
    struct page p = list_page(f, "turn.list", STR_NONE);
    assert_int_equal(p.total, 1);
    assert_int_equal(p.rows->n, 1);
    assert_false(p.next.n);
    f->caller = &web;
    assert_int_equal(list_page(f, "turn.list", STR_NONE).total, 701);
    f->caller = &shop;
    struct err e = {0};
    for (int indexed = 0; indexed < 2; indexed++) {
        const struct json *a = fixture_ok(f, "recall", "{\"query\":\"harbour crane number\",\"max_results\":5}");
        assert_int_equal(json_get(a, "results")->n, 1);
        assert_int_equal(json_get(a, "total_matches")->integer, 1);
        assert_int_equal(index_flush(f->svc->index, &e), ERR_OK);
    }
    f->caller = NULL;
}

static void names_of_projects_are_the_callers_own(void **state)
{
    struct fixture *f = *state;
    struct caller acme = member(f, "acme", "web", READS_AND_WRITES),
                  plain = member(f, "default", "web", READS_AND_WRITES);
    struct err e = {0};
    f->caller = &acme;
    const struct json *s = fixture_ok(f, "session.create", "{\"project\":\"web\",\"privacy_level\":\"PUBLIC\"}");
    char args[300];
    snprintf(args, sizeof args, "{\"id\":\"%s\"}", fixture_text(f, s, "session_id"));
    assert_string_equal(fixture_text(f, fixture_ok(f, "session.get", args), "project"), "web");
    f->caller = &plain;
    assert_string_equal(fixture_text(f, fixture_ok(f, "session.get", args), "project"), "acme/web");
    s = fixture_ok(f, "session.create", "{\"privacy_level\":\"PUBLIC\"}");
    assert_int_equal(json_get(fixture_ok(f, "session.list", "{\"project\":\"acme/web\"}"), "sessions")->n, 1);
    assert_int_equal(json_get(fixture_ok(f, "session.list", "{\"project\":\"web\"}"), "sessions")->n, 1);
    f->caller = &acme;
    snprintf(args, sizeof args, "{\"id\":\"%s\"}", fixture_text(f, s, "session_id"));
    assert_string_equal(fixture_text(f, fixture_ok(f, "session.get", args), "project"), "default/web");
    assert_int_equal(json_get(fixture_ok(f, "session.list", "{\"project\":\"default/web\"}"), "sessions")->n, 1);
    assert_int_equal(fixture_call(f, "session.create", "{\"project\":\"shop\"}", NULL, &e), ERR_FORBIDDEN);
    assert_string_equal(e.name, "FORBIDDEN");
    assert_int_equal(fixture_call(f, "event.create", "{\"project\":\"shop\",\"effect_text\":\"x\"}", NULL, &e),
                     ERR_FORBIDDEN);
    f->caller = NULL;
}

static void odd_names_of_projects_are_refused(void **state)
{
    static const char *const wrong[] = {"a/b/c", "/web", "web/", "*", "acme/*", "a\\u0001b", "a\\nb"};
    struct fixture *f = *state;
    char args[200];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct err e = {0};
        snprintf(args, sizeof args, "{\"project\":\"%s\"}", wrong[i]);
        assert_int_equal(fixture_call(f, "session.list", args, NULL, &e), ERR_INVALID);
        assert_string_equal(e.field, "project");
        assert_int_equal(fixture_call(f, "session.create", args, NULL, &e), ERR_INVALID);
    }
    struct err e = {0};
    assert_int_equal(fixture_call(f, "session.create", "{\"project\":\"acme/web\"}", NULL, &e), ERR_INVALID);
    struct err slug = {0};
    assert_int_equal(fixture_call(f, "project.create", "{\"slug\":\"a/b\"}", NULL, &slug), ERR_INVALID);
    assert_string_equal(slug.field, "slug");
}

/* Own names for sessions are a project's own; a named agent is its project's, else its organisation's. */
static void names_given_by_callers_are_looked_up_in_their_project(void **state)
{
    struct fixture *f = *state;
    struct caller web = member(f, "acme", "web", READS_AND_WRITES), shop = member(f, "acme", "shop", READS_AND_WRITES);
    struct caller other = member(f, "zeta", "web", READS_AND_WRITES);
    struct err e = {0};
    f->caller = &web;
    const struct json *one = fixture_ok(f, "turn.remember", "{\"session\":\"diary\",\"text\":\"one\"}");
    fixture_ok(f, "agent.create", "{\"name\":\"helper\",\"model\":\"m1\"}");
    f->caller = &shop;
    const struct json *two = fixture_ok(f, "turn.remember", "{\"session\":\"diary\",\"text\":\"two\"}");
    assert_false(str_eq(json_text(one, "session_id"), json_text(two, "session_id")));
    assert_string_equal(fixture_text(f, fixture_ok(f, "agent.get", "{\"id\":\"helper\"}"), "model"), "m1");
    f->caller = &other;
    assert_int_equal(fixture_call(f, "agent.get", "{\"id\":\"helper\"}", NULL, &e), ERR_NOT_FOUND);
    fixture_ok(f, "agent.create", "{\"name\":\"helper\",\"model\":\"m2\"}");
    assert_string_equal(fixture_text(f, fixture_ok(f, "agent.get", "{\"id\":\"helper\"}"), "model"), "m2");
    f->caller = &web;
    assert_string_equal(fixture_text(f, fixture_ok(f, "agent.get", "{\"id\":\"helper\"}"), "model"), "m1");
    fixture_ok(f, "project.create", "{\"slug\":\"web\",\"name\":\"Acme's\"}");
    f->caller = &other;
    assert_int_equal(fixture_call(f, "project.get", "{\"id\":\"web\"}", NULL, &e), ERR_NOT_FOUND);
    f->caller = NULL;
}

static void an_administrator_counts_all_of_the_organisation(void **state)
{
    struct fixture *f = *state;
    struct caller web = member(f, "acme", "web", READS_AND_WRITES);
    struct caller chief = member(f, "acme", "shop", READS_AND_WRITES | 1u << PERM_ADMIN);
    struct caller other = member(f, "zeta", "web", READS_AND_WRITES | 1u << PERM_ADMIN);
    f->caller = &web;
    fixture_ok(f, "session.create", "{\"privacy_level\":\"PRIVATE\"}");
    const struct json *a = fixture_ok(f, "stats", "{}");
    assert_int_equal(json_get(json_get(a, "kinds"), "sessions")->integer, 1);
    f->caller = &chief;
    assert_int_equal(json_get(json_get(fixture_ok(f, "stats", "{}"), "kinds"), "sessions")->integer, 1);
    assert_int_equal(json_get(fixture_ok(f, "session.list", "{}"), "sessions")->n, 0);
    f->caller = &other;
    assert_int_equal(json_get(json_get(fixture_ok(f, "stats", "{}"), "kinds"), "sessions")->integer, 0);
    f->caller = NULL;
}

static void a_reason_is_carried_and_bounded(void **state)
{
    struct fixture *f = *state;
    struct json_out w;
    struct buf b;
    struct err e = {0};
    char args[1200];
    struct op_input in = {.body = STR("{\"query\":\"x\",\"access_reason\":\"a review\"}")};
    struct op_call call = {.svc = f->svc, .op = operation_find("recall"), .arena = f->arena, .out = &w};
    buf_init(&b, 0);
    jw_init(&w, &b);
    assert_int_equal(op_bind(&call, &in, &e), ERR_OK);
    assert_true(str_is(call.access_reason, "a review"));
    buf_release(&b);
    snprintf(args, sizeof args, "{\"access_reason\":\"%01001d\"}", 0);
    assert_int_equal(fixture_call(f, "event.list", args, NULL, &e), ERR_INVALID);
    assert_string_equal(e.field, "access_reason");
    fixture_ok(f, "event.list", "{\"access_reason\":\"a review\"}");
}

/* ---- chats ---- */

static enum err_code chat(struct fixture *f, const struct caller *who, const char *session, struct chat_context *ctx)
{
    struct chat_message said = {.role = STR("user"), .text = STR("hello")};
    struct chat_request r = {
        .session = str_of(session), .messages = &said, .n_messages = 1, .options = chat_options_default};
    struct chat *c;
    struct err e = {0};
    r.options.caller = who;
    enum err_code code = chat_begin(f->svc, &r, 0, &c, ctx, &e);
    if (c) {
        ctx->session_id = arena_str(f->arena, ctx->session_id);
        chat_end(c, STR("hi"), STR_NONE, true, NULL, NULL);
    }
    return code;
}

static void a_chat_goes_to_the_callers_own_project_only(void **state)
{
    struct fixture *f = *state;
    struct caller web = member(f, "acme", "web", READS_AND_WRITES), shop = member(f, "acme", "shop", READS_AND_WRITES);
    struct caller other = member(f, "zeta", "web", READS_AND_WRITES);
    struct chat_context ctx;
    f->caller = &web;
    const struct json *s = fixture_ok(f, "session.create", "{}");
    const char *id = fixture_text(f, s, "session_id");
    assert_int_equal(chat(f, &web, id, &ctx), ERR_OK);
    assert_int_equal(chat(f, &shop, id, &ctx), ERR_FORBIDDEN);
    assert_int_equal(chat(f, &other, id, &ctx), ERR_NOT_FOUND);
    assert_int_equal(chat(f, &web, "talk", &ctx), ERR_OK);
    struct str mine = ctx.session_id;
    assert_int_equal(chat(f, &shop, "talk", &ctx), ERR_OK);
    assert_false(str_eq(mine, ctx.session_id));
    f->caller = NULL;
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(everybody_sees_exactly_what_they_may_read),
        WITH(a_session_made_private_is_gone_from_others_recall),
        WITH(results_are_full_though_others_turns_rank_higher),
        WITH(names_of_projects_are_the_callers_own),
        WITH(odd_names_of_projects_are_refused),
        WITH(names_given_by_callers_are_looked_up_in_their_project),
        WITH(an_administrator_counts_all_of_the_organisation),
        WITH(a_reason_is_carried_and_bounded),
        WITH(a_chat_goes_to_the_callers_own_project_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
