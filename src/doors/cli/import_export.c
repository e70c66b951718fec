/* import FILE: an export read in again, a batch of records a call, so that a file of any length takes little memory.
 * What is there already is left as it is, so a broken-off import is simply begun again. How records are taken in is the
 * operation's business (service/import.c); here the file is read and shown to it. */
#include "doors/cli/command.h"

#include "base/clock.h"
#include "base/file.h"
#include "doors/cli/ask_request.h"
#include "doors/cli/import.h"
#include "doors/cli/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_RECORDS = 200, BATCH_BYTES = 1 << 20, LINE_MAX_BYTES = 32 << 20, JSON_MAX_BYTES = 64 << 20 };

struct import {
    struct cli *c;
    struct str project;
    struct service *svc; /* NULL: a server does it */
    struct buf batch;    /* records so far, with commas */
    size_t n;
    int64_t bytes, total; /* read of the file, for the progress */
    struct progress progress;
    int64_t seen, imported, known, refused, announced;
    char reason[200]; /* of the first that was refused */
};

static int64_t number_of(const struct json *o, const char *key)
{
    const struct json *v = json_get(o, key);
    return v && v->type == JSON_INT ? v->integer : 0;
}

/* ---- sending ---- */

static struct str request_body(struct import *im, struct buf *b)
{
    struct json_out w;
    buf_init(b, 0);
    jw_init(&w, b);
    jw_object(&w);
    if (im->project.n)
        jw_kstr(&w, "project", im->project);
    jw_key(&w, "records");
    buf_char(b, '[');
    buf_str(b, buf_view(&im->batch));
    buf_cstr(b, "]}");
    return b->failed || im->batch.failed ? STR_NONE : buf_view(b);
}

static enum err_code send_here(struct import *im, struct arena *a, struct str body, struct buf *answer, struct err *e)
{
    struct json_out w;
    jw_init(&w, answer);
    struct op_call call = {.svc = im->svc, .op = operation_find("records.import"), .arena = a, .out = &w};
    call.from = (struct audit_from){"cli", STR_NONE};
    const struct op_input in = {.body = body};
    enum err_code code = op_bind(&call, &in, e);
    return code ? code : op_run(&call, e);
}

static enum err_code send_there(struct import *im, struct str body, struct buf *answer, struct err *e)
{
    struct client_reply reply;
    bool running;
    const struct operation *op = operation_find("records.import");
    enum err_code code = client_request(im->c, op->method, str_of(op->path), body, &reply, &running, e);
    if (!code && !running)
        code = err_set(e, ERR_UNAVAILABLE, NULL, "the server has gone; begin the import again to go on");
    if (code)
        return code;
    buf_str(answer, reply.body);
    return reply.status == 200 ? ERR_OK : ask_server_error(im->c, &reply, e);
}

static void count(struct import *im, const struct json *answer)
{
    const struct json *refused = json_get(answer, "refused");
    im->imported += number_of(answer, "imported");
    im->known += number_of(answer, "known");
    im->refused += number_of(answer, "refused_count");
    if (!im->reason[0] && refused && refused->n) {
        struct str r = json_text(&refused->items[0], "reason"), k = json_text(&refused->items[0], "kind");
        snprintf(im->reason, sizeof im->reason, "a %.*s: %.*s", STR_ARG(k.n ? k : STR("record")),
                 STR_ARG(str_take(r, 150)));
    }
}

static enum err_code send_batch(struct import *im, struct err *e)
{
    struct buf body, answer;
    struct arena *a = arena_new();
    const struct json *parsed;
    if (!a)
        return err_nomem(e);
    struct str text = request_body(im, &body);
    buf_init(&answer, 0);
    enum err_code code = !text.p   ? err_nomem(e)
                         : im->svc ? send_here(im, a, text, &answer, e)
                                   : send_there(im, text, &answer, e);
    if (!code)
        code = json_parse(a, buf_view(&answer), 0, &parsed, e);
    if (!code)
        count(im, parsed);
    buf_release(&body);
    buf_release(&answer);
    arena_free(a);
    buf_clear(&im->batch);
    im->n = 0;
    progress_show(&im->progress, "importing", (int)(im->bytes >> 10), (int)(im->total >> 10));
    return code;
}

static enum err_code add_record(struct import *im, struct str record, struct err *e)
{
    if (im->n)
        buf_char(&im->batch, ',');
    buf_str(&im->batch, record);
    im->n++;
    im->seen++;
    return im->n >= BATCH_RECORDS || im->batch.n >= BATCH_BYTES ? send_batch(im, e) : ERR_OK;
}

/* ---- jsonl ---- */

/* The first line says what the file is, the last how many records there were. */
static enum err_code take_line(struct import *im, struct str line, int64_t number, struct err *e)
{
    struct arena *a = arena_new();
    const struct json *o;
    struct err why = {0};
    if (!a)
        return err_nomem(e);
    enum err_code code = json_parse(a, line, 0, &o, &why);
    if (code || o->type != JSON_OBJECT)
        code = err_set(e, ERR_INVALID, "file", "line %lld is not a JSON object%s%.120s", (long long)number,
                       code ? ": " : "", code ? why.message : "");
    else if (number == 1 && !json_get(o, "cairn_export"))
        code = err_set(e, ERR_INVALID, "file", "this is no export of Cairn: its first line does not say cairn_export");
    else if (json_get(o, "records"))
        im->announced = number_of(o, "records");
    else if (number > 1)
        code = add_record(im, line, e);
    arena_free(a);
    return code;
}

static enum err_code read_lines(struct import *im, FILE *f, struct err *e)
{
    char *line = NULL;
    size_t room = 0;
    int64_t number = 0;
    enum err_code code = ERR_OK;
    ssize_t n;
    while (!code && (n = getline(&line, &room, f)) > 0) {
        im->bytes += n;
        struct str text = str_trim((struct str){line, (size_t)n});
        if (n > LINE_MAX_BYTES)
            code = err_set(e, ERR_TOO_LARGE, "file", "line %lld is longer than %d MiB", (long long)number + 1,
                           LINE_MAX_BYTES >> 20);
        else if (text.n)
            code = take_line(im, text, ++number, e);
    }
    if (!code && ferror(f))
        code = err_set(e, ERR_IO, "file", "cannot read the file to its end");
    if (!code && number == 0)
        code = err_set(e, ERR_INVALID, "file", "the file is empty");
    free(line);
    return code;
}

/* ---- json ---- */

static bool nested(struct str key)
{
    return str_is(key, "turns") || str_is(key, "characters");
}

static enum err_code take_list(struct import *im, const struct json *list, struct err *e);

/* A conversation comes before what it holds. */
static enum err_code take_tree(struct import *im, const struct json *o, struct err *e)
{
    struct buf b;
    struct json_out w;
    enum err_code code = ERR_OK;
    bool conversation = str_is(json_text(o, "kind"), "conversation");
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_object(&w);
    for (size_t i = 0; o->type == JSON_OBJECT && i < o->n; i++) {
        if (conversation && nested(o->keys[i].key))
            continue;
        jw_key_str(&w, o->keys[i].key);
        jw_value(&w, &o->items[i]);
    }
    jw_end_object(&w);
    code = b.failed ? err_nomem(e) : add_record(im, buf_view(&b), e);
    buf_release(&b);
    for (size_t i = 0; conversation && i < o->n && !code; i++) {
        if (nested(o->keys[i].key))
            code = take_list(im, &o->items[i], e);
    }
    return code;
}

static enum err_code take_list(struct import *im, const struct json *list, struct err *e)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; list->type == JSON_ARRAY && i < list->n && !code; i++)
        code = take_tree(im, &list->items[i], e);
    return code;
}

static enum err_code read_tree(struct import *im, const char *path, struct err *e)
{
    struct buf text;
    const struct json *o, *session;
    buf_init(&text, 0);
    enum err_code code = file_read_given(path, JSON_MAX_BYTES, &text, e);
    if (!code)
        code = json_parse(im->c->arena, buf_view(&text), 0, &o, e);
    session = code ? NULL : json_get(o, "session");
    if (!code && (!json_get(o, "cairn_export") || !session))
        code = err_set(e, ERR_INVALID, "file", "this is no export of Cairn: it does not say cairn_export");
    im->announced = code ? 0 : number_of(o, "records");
    if (!code)
        code = take_tree(im, session, e);
    for (size_t i = 0; !code && i < o->n; i++)
        code = take_list(im, &o->items[i], e);
    buf_release(&text);
    return code;
}

/* ---- the command ---- */

/* Lines are told from a tree by the first of them: it is a whole object. */
static bool is_lines(FILE *f)
{
    char first[400];
    size_t n = fread(first, 1, sizeof first - 1, f);
    first[n] = '\0';
    rewind(f);
    const char *end = strchr(first, '\n');
    return end && end > first && memchr(first, '}', (size_t)(end - first)) && !strstr(first, "\"session\":{");
}

static enum err_code read_file(struct import *im, const char *path, struct err *e)
{
    FILE *f = fopen(path, "r");
    if (!f)
        return err_set(e, ERR_NOT_FOUND, "file", "cannot open %.200s: %m", path);
    im->total = file_size(path);
    enum err_code code = is_lines(f) ? read_lines(im, f, e) : read_tree(im, path, e);
    fclose(f);
    if (!code && im->n)
        code = send_batch(im, e);
    return code;
}

static void report(struct import *im)
{
    struct json_out w;
    struct cli *c = im->c;
    if (!c->json) {
        buf_fmt(&c->out, "%lld imported, %lld there already, %lld refused\n", (long long)im->imported,
                (long long)im->known, (long long)im->refused);
        if (im->reason[0])
            cli_hint(c, "%s", im->reason);
        return;
    }
    jw_init(&w, &c->out);
    jw_object(&w);
    jw_kint(&w, "imported", im->imported);
    jw_kint(&w, "known", im->known);
    jw_kint(&w, "refused", im->refused);
    jw_end_object(&w);
    buf_char(&c->out, '\n');
}

enum err_code import_export(struct cli *c, const char *path, struct str project, struct err *e)
{
    struct import im = {.c = c, .project = project};
    enum err_code code = settings_data(c, e);
    if (!code && !client_server_runs(c))
        code = ask_open(c, true, false, &im.svc, e);
    if (code)
        return code;
    buf_init(&im.batch, 0);
    progress_begin(&im.progress);
    code = read_file(&im, path, e);
    progress_end(&im.progress);
    buf_release(&im.batch);
    if (im.svc)
        service_close(im.svc);
    if (code)
        return code;
    report(&im);
    if (im.announced != im.seen)
        return err_set(e, ERR_INVALID, "file", "the export is cut off: it holds %lld records and should hold %lld",
                       (long long)im.seen, (long long)im.announced);
    if (im.refused)
        return err_set(e, ERR_INVALID, "file", "%lld records were refused; the first is %s", (long long)im.refused,
                       im.reason);
    return ERR_OK;
}
