/* Everything fails in turn. Each flow runs again and again: the first time the first allocation (or file call, or
 * call of SQLite's own) fails, then the second, until a run is hit by none. Whatever happens in a run, it must end in
 * clear errors or in true successes: nothing crashes, nothing leaks (the asan build says so), and what was answered as
 * stored is there when the data is opened again without faults.
 *
 * After a single failure the same call made once more must succeed: nothing may stay broken. In "sticky" runs
 * everything fails from the n-th call on.
 *
 * Our own calls fail one by one. SQLite makes tens of thousands: the first of them fail one by one, the others in
 * growing steps, so that the loop stays short; CAIRN_FAULTS_DENSE says how many are not skipped (`make soak` skips
 * none). */
#include "service_fixture.h"

#include <errno.h>
#include <semaphore.h>
#include <sys/stat.h>
#include <time.h>

#include "base/mem.h"
#include "faults/sqlite_faults.h"
#include "service/chat_memory.h"
#include "service/masking.h"
#include "store/store.h"

enum { DENSE = 20, TEXT_ROOM = 256, PROMISES = 32, RUNS_MAX = 100000 };

struct promise {
    char operation[32], args[TEXT_ROOM], holds[TEXT_ROOM];
    bool absent; /* the operation must find nothing */
};

/* One run of a flow, with what it was promised. */
struct run {
    char dir[96], backup[112], elsewhere[112];
    struct service *svc;
    bool sticky, background;
    struct promise promises[PROMISES];
    int n_promises;
    char answer[4096];
};

typedef void flow(struct run *r);

static char root[64], template_dir[96];
static struct masking *masking; /* of all runs: detectors that cannot be compiled are the privacy room's tests */

/* Where the loop is, for messages. */
static struct {
    enum fault_kind kind;
    bool sticky;
    int64_t n;
} now_at;

__attribute__((format(printf, 1, 2))) static void broken(const char *fmt, ...)
{
    static const char *const kinds[] = {"none", "ours", "SQLite's heap", "SQLite's disk"};
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    fail_msg("(failure %lld of kind %s%s) %s", (long long)now_at.n, kinds[now_at.kind], now_at.sticky ? ", sticky" : "",
             text);
}

__attribute__((format(printf, 1, 2))) static void shell(const char *fmt, ...)
{
    char command[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(command, sizeof command, fmt, args);
    va_end(args);
    assert_int_equal(system(command), 0);
}

/* ---- calls ---- */

static void clean_error(enum err_code code, const struct err *e, const char *what)
{
    if (code && ((e->code != code && e->code != ERR_OK) || !e->message[0]))
        broken("%s failed with code %d, but the error says code %d, \"%s\"", what, code, e->code, e->message);
}

static enum err_code call_once(struct run *r, const char *name, const char *args)
{
    struct buf b;
    struct json_out w;
    struct err e = {0};
    struct arena *a = arena_new();
    if (!a)
        return ERR_NOMEM;
    struct op_call call = {.svc = r->svc, .op = operation_find(name), .arena = a, .out = &w};
    struct op_input in = {.body = str_of(args)};
    buf_init(&b, 0);
    jw_init(&w, &b);
    assert_non_null(call.op);
    enum err_code code = op_bind(&call, &in, &e);
    if (!code)
        code = op_run(&call, &e);
    clean_error(code, &e, name);
    struct str v = code ? STR_NONE : buf_view(&b);
    size_t n = v.n < sizeof r->answer - 1 ? v.n : sizeof r->answer - 1;
    if (n)
        memcpy(r->answer, v.p, n);
    r->answer[n] = 0;
    buf_release(&b);
    arena_free(a);
    return code;
}

/* True when it succeeded, at once or, after a single failure, the second time: then it must. */
static bool call(struct run *r, const char *name, const char *args)
{
    if (!r->svc)
        return false;
    enum err_code code = call_once(r, name, args);
    if (code && !r->sticky) {
        code = call_once(r, name, args);
        if (code)
            broken("%s(%s) failed twice although one call failed once: code %d", name, args, code);
    }
    return code == ERR_OK;
}

static bool open_service(struct run *r)
{
    struct service_options o = {.dir = r->dir, .background = r->background, .masking = masking};
    for (int again = 0; again < 2; again++) {
        struct err e = {0};
        r->svc = NULL;
        enum err_code code = service_open(&o, &r->svc, &e);
        clean_error(code, &e, "service_open");
        if (!code)
            return true;
        if (r->sticky)
            return false;
    }
    broken("service_open failed twice although one call failed once");
    return false;
}

static void close_service(struct run *r)
{
    service_close(r->svc);
    r->svc = NULL;
    operations_free();
}

static void promise(struct run *r, const char *operation, const char *args, const char *holds, bool absent)
{
    assert_true(r->n_promises < PROMISES);
    struct promise *p = &r->promises[r->n_promises++];
    snprintf(p->operation, sizeof p->operation, "%s", operation);
    snprintf(p->args, sizeof p->args, "%s", args);
    snprintf(p->holds, sizeof p->holds, "%s", holds);
    p->absent = absent;
}

/* The text of a string member of the last answer. */
static const char *member(const struct run *r, const char *name, char out[TEXT_ROOM])
{
    char key[40];
    snprintf(key, sizeof key, "\"%s\":\"", name);
    const char *at = strstr(r->answer, key), *end = at ? strchr(at + strlen(key), '"') : NULL;
    if (!end)
        broken("no %s in %s", name, r->answer);
    else
        snprintf(out, TEXT_ROOM, "%.*s", (int)(end - at - (ptrdiff_t)strlen(key)), at + strlen(key));
    return out;
}

/* ---- after a run, without faults ---- */

static void report_problem(void *arg, const char *problem)
{
    (void)arg;
    broken("the store is not in order: %s", problem);
}

static void check_promises(struct run *r)
{
    struct run after = {.background = true};
    struct err e = {0};
    memcpy(after.dir, r->dir, sizeof after.dir);
    assert_true(open_service(&after));
    assert_int_equal(store_check(after.svc->store, report_problem, NULL, &e), ERR_OK);
    for (int i = 0; i < r->n_promises; i++) {
        const struct promise *p = &r->promises[i];
        enum err_code code = call_once(&after, p->operation, p->args);
        if (p->absent ? code != ERR_NOT_FOUND : code || !strstr(after.answer, p->holds))
            broken("promised: %s(%s) %s \"%s\"; is: code %d, %s", p->operation, p->args, p->absent ? "lacks" : "has",
                   p->holds, code, after.answer);
    }
    close_service(&after);
}

/* ---- the flows ---- */

__attribute__((format(printf, 2, 3))) static const char *format(char out[TEXT_ROOM], const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(out, TEXT_ROOM, fmt, args);
    va_end(args);
    return out;
}

static void add_turn(struct run *r, const char *conversation, const char *text)
{
    char args[TEXT_ROOM], id[TEXT_ROOM];
    format(args, "{\"conversation_id\":\"%s\",\"agent\":\"ana\",\"content\":\"%s\"}", conversation, text);
    if (call(r, "turn.add", args))
        promise(r, "turn.get", format(args, "{\"id\":\"%s\"}", member(r, "turn_id", id)), text, false);
}

/* An empty folder: everything is made. */
static void begin_from_nothing(struct run *r)
{
    char args[TEXT_ROOM], session[TEXT_ROOM], conversation[TEXT_ROOM];
    if (!open_service(r))
        return;
    if (call(r, "session.create", "{\"title\":\"Trip\"}")) {
        format(args, "{\"id\":\"%s\"}", member(r, "session_id", session));
        promise(r, "session.get", args, "Trip", false);
        format(args, "{\"session_id\":\"%s\",\"directive\":\"Packing\"}", session);
        if (call(r, "conversation.create", args)) {
            member(r, "conversation_id", conversation);
            add_turn(r, conversation, "The blue backpack holds 40 litres");
            add_turn(r, conversation, "The tent weighs two kilograms");
        }
    }
    close_service(r);
}

/* What `template_dir` holds: one session, known by its own name. */
static const char known_turn[] = "The lighthouse keeper repainted the door";

static void must_hold(const struct run *r, const char *what)
{
    if (!strstr(r->answer, what))
        broken("a success without its content: \"%s\" is not in %s", what, r->answer);
}

static void read_everything(struct run *r)
{
    if (!open_service(r))
        return;
    if (call(r, "recall", "{\"query\":\"who repainted the lighthouse door?\"}"))
        must_hold(r, known_turn);
    char session[TEXT_ROOM], conversation[TEXT_ROOM], args[TEXT_ROOM];
    if (call(r, "session.list", "{}")) {
        member(r, "id", session);
        format(args, "{\"session_id\":\"%s\",\"query\":\"lighthouse\"}", session);
        if (call(r, "context.search", args)) {
            must_hold(r, known_turn);
            member(r, "conversation_id", conversation);
            if (call(r, "conversation.get", format(args, "{\"conversation_id\":\"%s\"}", conversation)))
                must_hold(r, known_turn);
        }
        format(args, "{\"session_id\":\"%s\",\"directive\":\"lighthouse\"}", session);
        if (call(r, "context.get", args))
            must_hold(r, "beatrice");
    }
    if (call(r, "stats", "{}"))
        must_hold(r, "\"total_messages\":2");
    call(r, "health.memory", "{}");
    close_service(r);
}

static void change_records(struct run *r)
{
    char args[TEXT_ROOM], id[TEXT_ROOM];
    if (!open_service(r))
        return;
    if (call(r, "prop.create", "{\"name\":\"lamp\",\"tags\":[\"brass\"]}")) {
        format(args, "{\"id\":\"%s\"}", member(r, "id", id));
        promise(r, "prop.get", args, "lamp", false);
        if (call(r, "prop.update", format(args, "{\"id\":\"%s\",\"rarity\":\"rare\"}", id)))
            promise(r, "prop.get", format(args, "{\"id\":\"%s\"}", id), "rare", false);
        if (call(r, "prop.list", "{}"))
            must_hold(r, "lamp");
    }
    if (call(r, "preference.create", "{\"key\":\"tone\",\"value\":{\"a\":1}}"))
        promise(r, "preference.get", "{\"id\":\"tone\"}", "tone", false);
    if (call(r, "preference.create", "{\"key\":\"gone\",\"value\":1}") &&
        call_once(r, "preference.delete", "{\"id\":\"gone\"}") == ERR_OK)
        promise(r, "preference.get", "{\"id\":\"gone\"}", "", true);
    if (call(r, "turn.remember", "{\"text\":\"The well is behind the barn\"}"))
        promise(r, "recall", "{\"query\":\"what is behind the barn?\"}", "behind the barn", false);
    close_service(r);
}

struct told {
    sem_t over;
    bool ok;
};

static void on_stored(void *arg, const char *turn_id, bool ok)
{
    struct told *t = arg;
    (void)turn_id;
    t->ok = ok;
    sem_post(&t->over);
}

static void wait_told(struct told *t)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 60;
    while (sem_timedwait(&t->over, &until)) {
        if (errno == ETIMEDOUT)
            broken("chat_end never said what became of the turn");
    }
    sem_destroy(&t->over);
}

/* A chat through the service as the proxy has it. Once chat_begin gave a chat, a single failure must not lose it. */
static void chat(struct run *r)
{
    struct err e = {0};
    struct chat *c = NULL;
    struct chat_context ctx;
    struct told told = {0};
    char id[TEXT_ROOM], args[TEXT_ROOM];
    const struct chat_message m[] = {{.role = STR("user"), .text = STR("Who repainted the lighthouse door?")}};
    struct chat_request q = {.session = STR("keeper"), .messages = m, .n_messages = 1, .options = chat_options_default};
    r->background = true;
    if (!open_service(r))
        return;
    enum err_code code = chat_begin(r->svc, &q, 0, &c, &ctx, &e);
    clean_error(code, &e, "chat_begin");
    if (c) {
        snprintf(id, sizeof id, "%s", chat_turn_id(c));
        chat_delta(c, STR("The keeper "));
        chat_delta(c, STR("did."));
        sem_init(&told.over, 0, 0);
        chat_end(c, STR("The keeper did."), STR("{\"finish_reason\":\"stop\"}"), true, on_stored, &told);
        wait_told(&told);
        if (told.ok || !r->sticky) {
            format(args, "{\"id\":\"%s\"}", id);
            promise(r, "turn.get", args, "The keeper did.", false);
            promise(r, "recall", "{\"query\":\"repainted\",\"max_results\":100}", "Who repainted the lighthouse door?",
                    false);
        }
    }
    close_service(r);
}

static void back_up_and_restore(struct run *r)
{
    struct err e = {0};
    char args[TEXT_ROOM * 2];
    if (!open_service(r))
        return;
    snprintf(args, sizeof args, "{\"path\":\"%s\"}", r->backup);
    /* The copy may be whole though there was no memory left for the answer: the same call again then finds it. */
    enum err_code copied = call_once(r, "backup", args);
    if (copied && !r->sticky)
        copied = call_once(r, "backup", args);
    if (copied && copied != ERR_CONFLICT && !r->sticky)
        broken("a backup failed twice although one call failed once: code %d", copied);
    close_service(r);
    if (!copied || copied == ERR_CONFLICT) {
        enum err_code code = store_restore(r->elsewhere, NULL, r->backup, &e);
        clean_error(code, &e, "store_restore");
        if (!code) /* the promises are kept there then */
            snprintf(r->dir, sizeof r->dir, "%.90s", r->elsewhere);
    }
    promise(r, "recall", "{\"query\":\"lighthouse\"}", known_turn, false);
}

/* ---- the loop ---- */

static void prepare(struct run *r, bool empty)
{
    snprintf(r->dir, sizeof r->dir, "%.60s/data", root);
    snprintf(r->backup, sizeof r->backup, "%.60s/backup.db", root);
    snprintf(r->elsewhere, sizeof r->elsewhere, "%.60s/elsewhere", root);
    if (empty)
        shell("cd '%s' && rm -rf data elsewhere backup.db*", root);
    else
        shell("cd '%s' && rm -rf data elsewhere backup.db* && cp -r template data", root);
}

/* The build that looks for races between threads is slow, and not about each failure by itself. */
#ifdef __SANITIZE_THREAD__
enum { STRIDE = 15 };
#else
enum { STRIDE = 3 };
#endif

static int64_t next(enum fault_kind kind, bool sticky, int64_t n)
{
    const char *asked = getenv("CAIRN_FAULTS_DENSE");
    if (asked)
        return kind == FAULT_OURS || n < atoll(asked) ? n + 1 : n + 1 + n / 4;
    if (kind == FAULT_OURS || n < DENSE)
        return n + STRIDE * (sticky ? 5 : 1);
    return n + STRIDE + n / (sticky ? 2 : 4);
}

static void run_all(flow *f, bool empty, enum fault_kind kind, bool sticky)
{
    int64_t held = -1;
    int runs = 0;
    for (int64_t n = 0; runs < RUNS_MAX; n = next(kind, sticky, n), runs++) {
        struct run r = {.sticky = sticky};
        now_at.kind = kind;
        now_at.sticky = sticky;
        now_at.n = n;
        prepare(&r, empty);
        faults_arm(kind, n, sticky);
        f(&r);
        bool hit = faults_disarm(kind);
        if (held >= 0 && atomic_load(&faults.held) > held)
            broken("it left SQLite with %lld allocations more", (long long)(atomic_load(&faults.held) - held));
        check_promises(&r);
        held = atomic_load(&faults.held); /* the first run may leave SQLite's own, made once */
        if (!hit) {
            printf("  %-28s %s: %d runs, %lld calls that can fail\n",
                   kind == FAULT_OURS   ? "ours"
                   : kind == FAULT_HEAP ? "SQLite's heap"
                                        : "SQLite's disk",
                   sticky ? "sticky" : "single", runs, (long long)n);
            assert_true(n > 0);
            assert_true(r.n_promises > 0 || f == read_everything);
            return;
        }
    }
    broken("it never ran through");
}

#define EACH_WAY(name, flow, empty)                                                                                    \
    static void name(void **state)                                                                                     \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        for (int kind = FAULT_OURS; kind <= FAULT_DISK; kind++) {                                                      \
            run_all(flow, empty, (enum fault_kind)kind, false);                                                        \
            run_all(flow, empty, (enum fault_kind)kind, true);                                                         \
        }                                                                                                              \
    }

EACH_WAY(making_a_store_survives_every_failure, begin_from_nothing, true)
EACH_WAY(reading_survives_every_failure, read_everything, false)
EACH_WAY(records_survive_every_failure, change_records, false)
EACH_WAY(chats_survive_every_failure, chat, false)
EACH_WAY(backups_survive_every_failure, back_up_and_restore, false)

static int make_template(void **state)
{
    (void)state;
    const char *where = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(root, sizeof root, "%s/cairn-faults-XXXXXX", where);
    assert_non_null(mkdtemp(root));
    snprintf(template_dir, sizeof template_dir, "%s/template", root);
    struct run r = {0};
    memcpy(r.dir, template_dir, sizeof r.dir);
    assert_true(open_service(&r));
    assert_true(call(&r, "turn.remember", "{\"text\":\"The lighthouse keeper repainted the door\"}"));
    assert_true(call(&r, "turn.remember", "{\"text\":\"The harbour was empty all winter\"}"));
    close_service(&r);
    return 0;
}

static int remove_all(void **state)
{
    (void)state;
    shell("rm -rf '%s'", root);
    return 0;
}

int main(void)
{
    sqlite_faults_install();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(making_a_store_survives_every_failure), cmocka_unit_test(reading_survives_every_failure),
        cmocka_unit_test(records_survive_every_failure),         cmocka_unit_test(chats_survive_every_failure),
        cmocka_unit_test(backups_survive_every_failure),
    };
    int failed = masking_open(NULL, &masking, NULL) || masking_ready(masking, NULL)
                     ? 1
                     : cmocka_run_group_tests(tests, make_template, remove_all);
    masking_close(masking);
    return failed;
}
