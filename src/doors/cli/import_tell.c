/* import status, verify, manifest: what imports have left in the store. */
#include "base/clock.h"
#include "doors/cli/import.h"
#include "service/history/history.h"
#include "store/records.h"

enum { RUNS_SHOWN = 20 };

struct telling {
    struct cli *c;
    struct json_out w;
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
    enum err_code code = history_manifest(svc, STR_NONE, tell_file, t, e);
    if (t->c->json) {
        jw_end_array(w);
        jw_end_object(w);
    } else if (!t->files) {
        buf_cstr(&t->c->out, "nothing was imported yet\n");
    }
    return code;
}

/* ---- verify ---- */

static void tell_verified(void *arg, const struct record *r, const char *what)
{
    struct telling *t = arg;
    if (!str_is(str_of(what), "changed"))
        return;
    if (t->c->json) {
        jw_str(&t->w, record_text(r, "path"));
    } else {
        buf_cstr(&t->c->out, "changed  ");
        buf_str(&t->c->out, clean_line(t->c->arena, record_text(r, "path")));
        buf_char(&t->c->out, '\n');
    }
}

static enum err_code verify(struct telling *t, struct service *svc, struct err *e)
{
    struct history_verified v;
    struct json_out *w = &t->w;
    if (t->c->json) {
        jw_object(w);
        jw_key(w, "changed");
        jw_array(w);
    }
    enum err_code code = history_verify(svc, tell_verified, t, &v, e);
    if (code)
        return code;
    t->c->status = v.changed ? 1 : 0;
    if (!t->c->json) {
        buf_fmt(&t->c->out, "%lld files: %lld as they were, %lld grown, %lld changed, %lld gone\n", (long long)v.files,
                (long long)v.same, (long long)v.grown, (long long)v.changed, (long long)v.gone);
        return ERR_OK;
    }
    jw_end_array(w);
    jw_kbool(w, "ok", !v.changed);
    jw_kint(w, "files", v.files);
    jw_kint(w, "bytes", v.bytes);
    jw_kint(w, "files_same", v.same);
    jw_kint(w, "files_grown", v.grown);
    jw_kint(w, "files_changed", v.changed);
    jw_kint(w, "files_gone", v.gone);
    jw_end_object(w);
    return ERR_OK;
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
    enum err_code code = store_read_begin(svc->store, &tx, e);
    if (code)
        return code;
    code = record_list(tx, t->c->arena, &q, &page, e);
    store_read_end(tx);
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
    struct service *svc;
    struct telling t = {.c = c};
    enum err_code code = settings_data(c, e);
    if (!code)
        code = ask_open(c, false, true, &svc, e);
    if (code)
        return code;
    jw_init(&t.w, &c->out);
    code = str_is(what, "status")   ? status(&t, svc, e)
           : str_is(what, "verify") ? verify(&t, svc, e)
                                    : manifest(&t, svc, e);
    if (c->json)
        buf_char(&c->out, '\n');
    service_close(svc);
    return code;
}
