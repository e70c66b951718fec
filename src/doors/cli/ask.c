/* Running an operation for a command: checked here by the operations table, then done by the server that has the
 * data folder open, or in this process when none runs. The answer is the same JSON either way.
 *
 * The server is preferred because its index is warm and its writer groups everybody's writes; opening the folder
 * beside it would be correct too (several processes may), only slower. */
#include "doors/cli/command.h"

#include "base/file.h"
#include "doors/cli/ask_request.h"
#include "doors/proxy/endpoint.h"
#include "doors/s3/s3.h"

#include <string.h>
#include <unistd.h>

/* A question to a folder that is not there is most likely a slip in --data: it must not make one. */
static enum err_code missing_folder(struct cli *c, struct err *e)
{
    cli_hint(c, "cairn remember stores a first turn, cairn serve starts the server");
    err_set(e, ERR_NOT_FOUND, "data", "there is no data in %.180s yet", c->data);
    return ERR_NOT_FOUND;
}

/* On a disk that is full or read-only, questions can still be answered. */
enum err_code ask_open(struct cli *c, bool make, bool read_only_is_fine, struct service **out, struct err *e)
{
    if (!make && !file_exists(c->data))
        return missing_folder(c, e);
    enum err_code code = settings_config(c, NULL, e);
    if (code)
        return code;
    struct service_options o = {.dir = c->data,
                                .config = c->config,
                                .converting = c->converting,
                                .bulk = c->bulk,
                                .dial = endpoint_dial,
                                .cold = s3_dial};
    struct err why = {0};
    code = service_open(&o, out, &why);
    if (read_only_is_fine && (code == ERR_READ_ONLY || code == ERR_DISK_FULL)) {
        struct err second = {0};
        o.read_only = true;
        code = service_open(&o, out, &second);
    }
    if (code && e)
        *e = why;
    return code;
}

/* In this process: opens the folder, runs, closes. */
static enum err_code run_here(struct cli *c, struct op_call *call, struct answer *out, struct err *e)
{
    struct service *svc = NULL;
    bool reads = call->op->permission == PERM_READ || call->op->permission == PERM_NONE;
    enum err_code code = ask_open(c, !reads, reads, &svc, e);
    if (code)
        return code;
    call->svc = svc;
    if (reads && index_lag(svc->index) > INDEX_TAIL_MAX) /* more than a search would look through by itself */
        (void)index_flush(svc->index, NULL);
    code = op_run(call, e);
    if (!code) {
        out->json = arena_str(c->arena, buf_view(call->out->b));
        out->next_cursor = call->next_cursor;
        if (!out->json.p)
            code = err_nomem(e);
    }
    service_close(svc);
    return code;
}

/* The server names its errors (VALIDATION_FAILED); a name of an operation's own (SESSION_NOT_FOUND) is told by its
 * status. So the exit status is the same as without a server. */
static enum err_code code_of(int status, struct str name)
{
    for (int c = ERR_OK + 1; c < ERR_CODE_COUNT; c++) {
        if (str_is(name, err_code_name((enum err_code)c)))
            return (enum err_code)c;
    }
    for (int c = ERR_OK + 1; c < ERR_CODE_COUNT; c++) {
        if (err_http_status((enum err_code)c) == status)
            return (enum err_code)c;
    }
    return status >= 500 ? ERR_UNAVAILABLE : ERR_INVALID;
}

/* {"error":{"code","message",…}} back into a struct err. */
enum err_code ask_server_error(struct cli *c, const struct client_reply *r, struct err *e)
{
    const struct json *body = NULL;
    struct str name = STR_NONE, message = STR_NONE;
    if (json_parse(c->arena, r->body, JSON_DUPLICATES_OK, &body, NULL) == ERR_OK) {
        const struct json *error = json_get(body, "error");
        name = json_text(error, "code");
        message = json_text(error, "message");
    }
    if (message.n == 0)
        message = STR("the server gave no reason");
    enum err_code code = code_of(r->status, name);
    char api_name[40] = "";
    if (name.n > 0 && name.n < sizeof api_name)
        memcpy(api_name, name.p, name.n);
    int shown = (int)(message.n < 250 ? message.n : 250);
    return err_named(e, code, api_name, "%.*s", shown, message.p);
}

/* *done false: nobody listens. */
static enum err_code run_there(struct cli *c, const struct given *g, const struct op_call *call, struct answer *out,
                               bool *done, struct err *e)
{
    struct str target, body;
    struct client_reply reply;
    enum err_code code = ask_target(c, g, &target, e);
    if (!code)
        code = ask_body(c, g, call, &body, e);
    if (!code)
        code = client_request(c, g->op->method, target, body, &reply, done, e);
    if (code || !*done)
        return code;
    if (reply.status < 200 || reply.status > 299)
        return ask_server_error(c, &reply, e);
    out->json = reply.body;
    out->next_cursor = reply.next_cursor;
    return ERR_OK;
}

enum err_code ask(struct cli *c, const struct given *g, struct answer *out, struct err *e)
{
    struct buf b;
    struct json_out w;
    bool done = false;
    buf_init(&b, 0);
    jw_init(&w, &b);
    struct op_call call = {.op = g->op, .arena = c->arena, .out = &w, .request_id = STR("cli")};
    call.from = (struct audit_from){"cli", arena_fmt(c->arena, "uid %u", (unsigned)getuid())};
    const struct op_input in = {.pairs = g->pairs, .n_pairs = g->n_pairs, .body = g->body};
    *out = (struct answer){0};
    enum err_code code = op_bind(&call, &in, e);
    if (!code)
        code = settings_data(c, e);
    if (!code)
        code = run_there(c, g, &call, out, &done, e);
    if (!code && !done)
        code = run_here(c, &call, out, e);
    buf_release(&b);
    return code;
}
