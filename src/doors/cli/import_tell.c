/* import status, verify, manifest: what imports have left in the store. */
#include "base/clock.h"
#include "doors/cli/import.h"
#include "service/history/history.h"
#include "store/records.h"

enum { RUNS_SHOWN = 20, NAMED = 3 };
static const char *const named[NAMED] = {"changed", "gone", "unreadable"};

struct telling {
    struct cli *c;
    struct json_out w;
    struct buf lists[NAMED]; /* of files, as JSON */
    struct json_out named[NAMED];
    int64_t files, bytes;
};

static void put_time(struct buf *b, int64_t ms)
{
    char text[CLOCK_TEXT];
    clock_format(ms, text);
    buf_fmt(b, "%.19s", text);
}

/* ---- manifest ---- */

static enum err_code tell_file(void *arg, const struct record *r, struct err *e)
{
    struct telling *t = arg;
    struct json_out *w = &t->w;
    struct arena *a = t->c->json ? arena_new() : NULL;
    int64_t lines;
    t->files++;
    t->bytes += record_int(r, "size");
    if (!t->c->json) {
        buf_fmt(&t->c->out, "%-8.*s %-18.*s %12lld  ", STR_ARG(record_text(r, "status")),
                STR_ARG(record_text(r, "file_kind")), (long long)record_int(r, "size"));
        buf_str(&t->c->out, clean_line(t->c->arena, record_text(r, "path")));
        buf_char(&t->c->out, '\n');
        return ERR_OK;
    }
    if (!a)
        return err_nomem(e);
    struct str counts = history_file_counts(a, r, &lines);
    jw_object(w);
    jw_kstr(w, "source", record_text(r, "source"));
    jw_kstr(w, "kind", record_text(r, "file_kind"));
    jw_kstr(w, "root", record_text(r, "root"));
    jw_kstr(w, "path", record_text(r, "path"));
    jw_kstr(w, "status", record_text(r, "status"));
    jw_kint(w, "size", record_int(r, "size"));
    jw_kint(w, "read_to", record_int(r, "read_to"));
    jw_kint(w, "lines", lines);
    jw_ktime(w, "modified", record_int(r, "modified") / 1000000);
    jw_kstr(w, "sha256", record_text(r, "checksum"));
    jw_kraw(w, "counts", counts);
    jw_end_object(w);
    arena_free(a);
    return ERR_OK;
}

static enum err_code manifest(struct telling *t, struct service *svc, struct err *e)
{
    struct json_out *w = &t->w;
    if (t->c->json) {
        jw_object(w);
        jw_key(w, "files");
        jw_array(w);
    }
    enum err_code code = svc ? history_manifest(svc, STR_NONE, tell_file, t, e) : ERR_OK;
    if (t->c->json) {
        jw_end_array(w);
        jw_end_object(w);
    } else if (!t->files) {
        buf_cstr(&t->c->out, "nothing was imported yet\n");
    }
    return code;
}

/* ---- verify ---- */

/* Whose content is not what it was, or cannot be known: named, by what became of them. */
static void tell_verified(void *arg, const struct record *r, const char *what)
{
    struct telling *t = arg;
    struct str path = record_text(r, "path"), root = record_text(r, "root");
    for (int i = 0; i < NAMED; i++) {
        struct json_out *w = &t->named[i];
        if (!str_is(str_of(what), named[i]))
            continue;
        struct str whole = arena_fmt(t->c->arena, "%.*s/%.*s", STR_ARG(root), STR_ARG(path));
        if (t->c->json) {
            jw_str(w, whole);
            continue;
        }
        buf_fmt(&t->c->out, "%-10s  ", what);
        buf_str(&t->c->out, clean_line(t->c->arena, whole));
        buf_char(&t->c->out, '\n');
    }
}

static void verified_json(struct telling *t, const struct history_verified *v)
{
    struct json_out *w = &t->w;
    jw_object(w);
    jw_kbool(w, "ok", !v->changed && !v->unreadable);
    jw_kint(w, "files", v->files);
    jw_kint(w, "bytes", v->bytes);
    jw_kint(w, "files_same", v->same);
    jw_kint(w, "files_grown", v->grown);
    jw_kint(w, "files_changed", v->changed);
    jw_kint(w, "files_gone", v->gone);
    jw_kint(w, "files_unreadable", v->unreadable);
    for (int i = 0; i < NAMED; i++) {
        jw_end_array(&t->named[i]);
        jw_kraw(w, named[i], buf_view(&t->lists[i]));
    }
    jw_end_object(w);
}

static enum err_code verify(struct telling *t, struct service *svc, struct err *e)
{
    struct history_verified v = {0};
    bool failed = false;
    for (int i = 0; i < NAMED; i++) {
        buf_init(&t->lists[i], 0);
        jw_init(&t->named[i], &t->lists[i]);
        jw_array(&t->named[i]);
    }
    enum err_code code = svc ? history_verify(svc, tell_verified, t, &v, e) : ERR_OK;
    t->c->status = !code && (v.changed || v.unreadable) ? 1 : 0;
    if (!code && t->c->json)
        verified_json(t, &v);
    else if (!code)
        buf_fmt(&t->c->out, "%lld files: %lld as they were, %lld grown, %lld changed, %lld gone, %lld unreadable\n",
                (long long)v.files, (long long)v.same, (long long)v.grown, (long long)v.changed, (long long)v.gone,
                (long long)v.unreadable);
    for (int i = 0; i < NAMED; i++) {
        failed = failed || t->lists[i].failed;
        buf_release(&t->lists[i]);
    }
    return !code && failed ? err_nomem(e) : code;
}

/* ---- status ---- */

static void tell_run(struct telling *t, const struct record *r)
{
    struct json_out *w = &t->w;
    struct buf *b = &t->c->out;
    const struct json *o = NULL, *n;
    if (t->c->json) {
        jw_object(w);
        jw_kstr(w, "source", record_text(r, "source"));
        jw_kstr(w, "path", record_text(r, "root"));
        jw_kstr(w, "status", record_text(r, "status"));
        jw_ktime(w, "started_at", r->created_at);
        jw_ktime(w, "finished_at", record_int(r, "finished_at"));
        jw_kraw(w, "report", record_text(r, "report").n ? record_text(r, "report") : STR("{}"));
        jw_end_object(w);
        return;
    }
    put_time(b, r->created_at);
    buf_fmt(b, "  %-8.*s %.*s in ", STR_ARG(record_text(r, "status")), STR_ARG(record_text(r, "source")));
    buf_str(b, clean_line(t->c->arena, record_text(r, "root")));
    if (!json_parse(t->c->arena, record_text(r, "report"), 0, &o, NULL) &&
        (n = json_get_type(o, "turns_new", JSON_INT)))
        buf_fmt(b, ": %lld turns new", (long long)n->integer);
    buf_char(b, '\n');
}

static enum err_code status(struct telling *t, struct service *svc, struct err *e)
{
    struct store_tx *tx;
    struct list_page page = {0};
    struct list_query q = {.kind = KIND_IMPORT_RUN, .limit = RUNS_SHOWN};
    enum err_code code = svc ? store_read_begin(svc->store, &tx, e) : ERR_OK;
    if (code)
        return code;
    if (svc) {
        code = record_list(tx, t->c->arena, &q, &page, e);
        store_read_end(tx);
    }
    if (t->c->json) {
        jw_object(&t->w);
        jw_key(&t->w, "runs");
        jw_array(&t->w);
    }
    for (size_t i = 0; i < page.n && !code; i++)
        tell_run(t, page.rows[i]);
    if (t->c->json) {
        jw_end_array(&t->w);
        jw_end_object(&t->w);
    } else if (!page.n) {
        buf_cstr(&t->c->out, "nothing was imported yet\n");
    }
    return code;
}

enum err_code import_tell(struct cli *c, struct str what, struct err *e)
{
    struct service *svc = NULL;
    struct telling t = {.c = c};
    struct err why = {0};
    enum err_code code = settings_data(c, e);
    if (code)
        return code;
    code = ask_open(c, false, true, &svc, &why);
    if (code == ERR_NOT_FOUND) { /* nothing was ever stored, so nothing was imported */
        code = ERR_OK;
        svc = NULL;
        c->hint[0] = '\0';
    }
    if (code) {
        *e = why;
        return code;
    }
    jw_init(&t.w, &c->out);
    code = str_is(what, "status")   ? status(&t, svc, e)
           : str_is(what, "verify") ? verify(&t, svc, e)
                                    : manifest(&t, svc, e);
    if (c->json)
        buf_char(&c->out, '\n');
    if (svc)
        service_close(svc);
    return code;
}
