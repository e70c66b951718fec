/* doctor: checks store and index, and mends what can be mended: the index is made again, the schema moved.
 * Problems found make exit status 1. Beside it `schema`, which prints what the store's tables look like. */
#include "doors/cli/command.h"

#include "base/json_write.h"
#include "doors/cli/progress.h"
#include "record/ddl.h"
#include "service/redact.h"

enum { PROBLEMS_SHOWN = 1000 };

static const struct op_arg doctor_args[] = {
    {"reindex", ARG_BOOL, ARG_IN_QUERY, 0, 0, 0, "false", NULL, "make the index again from the store"},
    {"migrate", ARG_INT, ARG_IN_QUERY, 0, -1, 10000, NULL, NULL, "move the schema to this version; -1: the newest"},
};
static const struct op_arg schema_args[] = {
    {"dialect", ARG_ENUM, ARG_IN_QUERY, 0, 0, 0, "\"sqlite\"", "sqlite|postgres", "whose SQL"},
};

struct findings {
    struct cli *c;
    struct buf json; /* the problems as the inside of a JSON array */
    struct json_out w;
    int64_t n;
};

/* One problem; past PROBLEMS_SHOWN they are only counted. */
static void found(void *arg, const char *problem)
{
    struct findings *f = arg;
    if (++f->n > PROBLEMS_SHOWN)
        return;
    jw_cstr(&f->w, problem);
    if (!f->c->json) {
        struct str text = clean_line(f->c->arena, str_of(problem));
        screen_ink(&f->c->screen, &f->c->out, INK_BAD, STR("problem: "));
        buf_fmt(&f->c->out, "%.*s\n", STR_ARG(text));
    }
}

static void index_progress(void *arg, int64_t done, int64_t total)
{
    progress_show(arg, "indexing", done, total);
}

static enum err_code reindex(struct service *svc, struct err *e)
{
    struct progress p;
    progress_begin(&p);
    enum err_code code = index_rebuild(svc->index, index_progress, &p, e);
    progress_end(&p);
    return code;
}

/* Mending first, then looking: what is reported is how things stand in the end. */
static enum err_code examine(struct service *svc, struct op_call *call, struct findings *f, struct err *e)
{
    struct err index_err = {0};
    const struct json *to = op_json(call, "migrate");
    enum err_code code = to ? store_migrate(svc->store, (int)to->integer, e) : ERR_OK;
    if (!code && op_bool(call, "reindex", false))
        code = reindex(svc, e);
    if (!code)
        code = store_check(svc->store, found, f, e);
    if (!code && index_check(svc->index, &index_err)) {
        found(f, index_err.message);
        cli_hint(f->c, "cairn doctor --reindex makes the index again");
    }
    return code;
}

static void report_json(struct cli *c, const struct findings *f, const struct store_stats *s, int64_t lag, bool masked)
{
    struct json_out w;
    jw_init(&w, &c->out);
    jw_object(&w);
    jw_kbool(&w, "ok", f->n == 0);
    jw_key(&w, "problems");
    jw_array(&w);
    if (f->json.n > 0)
        jw_raw(&w, buf_view(&f->json));
    jw_end_array(&w);
    jw_kint(&w, "problem_count", f->n);
    jw_kcstr(&w, "data", c->data);
    jw_kint(&w, "schema_version", s->schema_version);
    jw_kint(&w, "schema_newest", store_schema_newest());
    jw_kint(&w, "bytes", s->bytes);
    jw_kint(&w, "wal_bytes", s->wal_bytes);
    jw_kbool(&w, "writable", s->writable);
    jw_kint(&w, "index_lag", lag);
    jw_kbool(&w, "stored_masked", masked);
    jw_end_object(&w);
    buf_char(&c->out, '\n');
}

static void report_text(struct cli *c, const struct findings *f, const struct store_stats *s, int64_t lag, bool masked)
{
    struct str data = clean_line(c->arena, str_of(c->data));
    int64_t bytes = s->bytes + s->wal_bytes;
    buf_fmt(&c->out, "data    %.*s\n", STR_ARG(data));
    buf_fmt(&c->out, "store   %lld bytes, schema %d of %d%s\n", (long long)bytes, s->schema_version,
            store_schema_newest(), s->writable ? "" : ", read only");
    buf_fmt(&c->out, "index   %lld turns behind\n", (long long)lag);
    if (!masked)
        buf_cstr(&c->out, "masks   texts from before there were masks are stored: cairn redact --stored masks them\n");
    if (f->n == 0)
        screen_ink(&c->screen, &c->out, INK_GOOD, STR("no problems found\n"));
    else if (f->n > PROBLEMS_SHOWN)
        buf_fmt(&c->out, "%lld problems in all, the first %d are shown\n", (long long)f->n, PROBLEMS_SHOWN);
}

static enum err_code run_doctor(struct cli *c, const struct given *g, struct op_call *call, struct err *e)
{
    (void)g;
    struct service *svc = NULL;
    struct store_stats stats = {0};
    struct findings f = {.c = c};
    bool masked = true;
    enum err_code code = settings_data(c, e);
    if (!code)
        code = ask_open(c, false, true, &svc, e);
    if (code)
        return code;
    buf_init(&f.json, 0);
    jw_init(&f.w, &f.json);
    code = examine(svc, call, &f, e);
    if (!code)
        code = store_stats(svc->store, &stats, e);
    if (!code && stats.schema_version == store_schema_newest()) /* an older one cannot tell */
        code = redact_is_whole(svc, &masked, e);
    if (!code && c->json)
        report_json(c, &f, &stats, index_lag(svc->index), masked);
    else if (!code)
        report_text(c, &f, &stats, index_lag(svc->index), masked);
    c->status = f.n > 0;
    if (!code && f.n > 0 && c->hint[0] && !c->json)
        buf_fmt(&c->out, "  %s\n", c->hint);
    buf_release(&f.json);
    service_close(svc);
    return code;
}

static enum err_code run_schema(struct cli *c, const struct given *g, struct op_call *call, struct err *e)
{
    (void)g;
    struct buf sql;
    buf_init(&sql, 0);
    ddl_all(&sql, str_is(op_text(call, "dialect"), "postgres") ? SQL_POSTGRES : SQL_SQLITE);
    if (c->json) {
        struct json_out w;
        jw_init(&w, &c->out);
        jw_object(&w);
        jw_kstr(&w, "sql", buf_view(&sql));
        jw_end_object(&w);
        buf_char(&c->out, '\n');
    } else {
        buf_str(&c->out, buf_view(&sql));
    }
    bool failed = sql.failed;
    buf_release(&sql);
    return failed ? err_nomem(e) : ERR_OK;
}

const struct command command_doctor = {
    .name = "doctor",
    .summary = "Check the data; make the index again, move the schema",
    .args = doctor_args,
    .n_args = sizeof doctor_args / sizeof doctor_args[0],
    .run = run_doctor,
    .details = "Exit status 1 when problems were found.\n",
};

const struct command command_schema = {
    .name = "schema",
    .summary = "Print the tables of the store as SQL",
    .args = schema_args,
    .n_args = sizeof schema_args / sizeof schema_args[0],
    .run = run_schema,
};
