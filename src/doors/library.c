/* libcairn: include/cairn.h over the service, for programs that want Cairn inside their own process. It is a door
 * like the others: it finds the operation, hands over the arguments, waits, and gives back JSON. No HTTP, no
 * terminal. Only what cairn.h names is visible outside (library.map). */
#include "cairn.h"

#include "base/file.h"
#include "base/json_write.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/config.h"
#include "service/service.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ARGS_MAX = 64 << 20, NAMES_MAX = 256 };

struct cairn {
    struct service *svc;
    char *dir;           /* the service borrows it */
    struct arena *arena; /* the configuration, which the service borrows too */
};

/* Words of the last error of each thread. */
static _Thread_local char last_error[sizeof((struct err *)0)->message];

static int failed(enum err_code code, const struct err *e)
{
    const char *words = e->message[0] ? e->message : err_code_name(code);
    size_t n = strlen(words);
    n = n < sizeof last_error ? n : sizeof last_error - 1;
    memcpy(last_error, words, n);
    last_error[n] = 0;
    return (int)code;
}

/* A library does not write to its host's stderr, unless asked to. */
static void quiet_log(void)
{
    enum log_level level = LOG_OFF;
    const char *asked = getenv("CAIRN_LOG_LEVEL");
    if (asked)
        (void)log_level_parse(str_of(asked), &level);
    log_setup(level, true, STDERR_FILENO);
}

/* The table of operations is the process's: made with the first handle, kept until the process ends, because
 * another thread may be about to open the next one. */
static enum err_code operations_once(struct err *e)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static bool quiet;
    pthread_mutex_lock(&lock);
    if (!quiet)
        quiet_log();
    quiet = true;
    enum err_code code = operations_init(e);
    pthread_mutex_unlock(&lock);
    return code;
}

/* <dir>/cairn.toml and defaults. The environment is the host program's: a variable meant for a server must not change
 * what a program inside finds. */
static enum err_code open_service(struct cairn *c, struct err *e)
{
    struct service_options o = {.dir = c->dir};
    c->arena = arena_new();
    const char *file = c->arena ? arena_fmt(c->arena, "%s/cairn.toml", c->dir).p : NULL;
    if (!file)
        return err_nomem(e);
    enum err_code code = config_load_file(c->arena, file_exists(file) ? file : NULL, &o.config, e);
    return code ? code : service_open(&o, &c->svc, e);
}

static void release(struct cairn *c)
{
    if (c->arena)
        arena_free(c->arena);
    mem_free(c->dir);
    mem_free(c);
}

int cairn_open(const char *dir, cairn **out)
{
    struct err e = {0};
    last_error[0] = 0;
    if (!out)
        return failed(err_set(&e, ERR_INVALID, "out", "cairn_open needs a place for the handle"), &e);
    *out = NULL;
    if (!dir || !*dir)
        return failed(err_set(&e, ERR_INVALID, "dir", "cairn_open needs the path of a data folder"), &e);
    struct cairn *c = mem_zalloc(sizeof *c);
    if (!c)
        return failed(err_nomem(&e), &e);
    c->dir = mem_strdup(dir);
    enum err_code code = c->dir ? operations_once(&e) : err_nomem(&e);
    if (!code)
        code = open_service(c, &e);
    if (!code) {
        *out = c;
        return 0;
    }
    release(c);
    return failed(code, &e);
}

void cairn_close(cairn *c)
{
    if (!c)
        return;
    service_close(c->svc);
    release(c);
}

static enum err_code unknown_operation(const char *name, struct err *e)
{
    const char *names[NAMES_MAX];
    size_t n_all, n = 0;
    const struct operation *all = operations_all(&n_all);
    for (size_t i = 0; i < n_all && n < NAMES_MAX; i++)
        names[n++] = all[i].name;
    const char *near = op_nearest(str_of(name), names, n);
    if (near)
        return err_set(e, ERR_INVALID, "operation", "there is no operation \"%.60s\"; did you mean \"%s\"?", name,
                       near);
    return err_set(e, ERR_INVALID, "operation", "there is no operation \"%.60s\"", name);
}

/* A value as the text a path or a query would carry. */
static struct str plain(const struct json *v)
{
    return v->type == JSON_STRING ? v->s : v->raw;
}

static const struct op_arg *find_arg(const struct operation *op, struct str name)
{
    for (size_t i = 0; i < op->n_args; i++) {
        if (str_is(name, op->args[i].name))
            return &op->args[i];
    }
    return NULL;
}

/* Where the body is a record: members that belong in path or query become pairs, the rest is the record. */
static enum err_code split(struct op_call *call, const struct json *args, struct op_input *in, struct buf *body,
                           struct err *e)
{
    struct json_out w;
    struct op_pair *pairs = arena_array(call->arena, struct op_pair, args->n + 1);
    if (!pairs)
        return err_nomem(e);
    jw_init(&w, body);
    jw_object(&w);
    for (size_t i = 0; i < args->n; i++) {
        struct str name = args->keys[i].key;
        const struct op_arg *arg = find_arg(call->op, name);
        if (arg && arg->where != ARG_IN_BODY) {
            if (args->items[i].type != JSON_NULL)
                pairs[in->n_pairs++] = (struct op_pair){name, plain(&args->items[i]), arg->where};
            continue;
        }
        jw_key_str(&w, name);
        jw_raw(&w, args->items[i].raw);
    }
    jw_end_object(&w);
    in->pairs = pairs;
    in->body = buf_view(body);
    return body->failed ? err_nomem(e) : ERR_OK;
}

static enum err_code call_operation(struct op_call *call, const char *name, const char *args, struct buf *body,
                                    struct err *e)
{
    const struct json *given;
    struct op_input in = {0};
    struct str text = args ? str_of(args) : STR("{}");
    call->op = name ? operation_find(name) : NULL;
    if (!call->op)
        return name ? unknown_operation(name, e) : err_set(e, ERR_INVALID, "operation", "which operation?");
    if (text.n > ARGS_MAX)
        return err_set(e, ERR_TOO_LARGE, "args", "the arguments are longer than %d MiB", ARGS_MAX >> 20);
    enum err_code code = json_parse(call->arena, text, 0, &given, e);
    if (!code && given->type != JSON_OBJECT)
        code =
            err_set(e, ERR_INVALID, "args", "the arguments must be a JSON object, not %s", json_type_name(given->type));
    in.body = text; /* op_bind takes arguments of path and query from the body too */
    if (!code && (call->op->flags & OP_RECORD_BODY))
        code = split(call, given, &in, body, e);
    if (!code)
        code = op_bind(call, &in, e);
    return code ? code : op_run(call, e);
}

/* The answer's place holds the error instead. */
static void put_error(struct buf *out, const struct err *e)
{
    struct json_out w;
    buf_clear(out);
    jw_init(&w, out);
    jw_object(&w);
    jw_key(&w, "error");
    jw_object(&w);
    jw_kcstr(&w, "code", err_api_name(e));
    jw_kcstr(&w, "message", e->message);
    if (e->field[0])
        jw_kcstr(&w, "field", e->field);
    if (e->retry_after_ms)
        jw_knum(&w, "retry_after", e->retry_after_ms / 1000.0);
    jw_end_object(&w);
    jw_end_object(&w);
}

int cairn_call(cairn *c, const char *operation, const char *args, char **out)
{
    struct err e = {0};
    struct buf answer, body;
    struct json_out w;
    last_error[0] = 0;
    if (!c || !out)
        return failed(err_set(&e, ERR_INVALID, NULL, "cairn_call needs a handle and a place for the answer"), &e);
    *out = NULL;
    buf_init(&answer, 0);
    buf_init(&body, 0);
    jw_init(&w, &answer);
    struct op_call call = {.svc = c->svc, .arena = arena_new(), .out = &w, .request_id = STR("library")};
    enum err_code code = call.arena ? call_operation(&call, operation, args, &body, &e) : err_nomem(&e);
    if (code) {
        e.code = code;
        put_error(&answer, &e);
    }
    buf_char(&answer, '\0');
    if (!answer.failed)
        *out = answer.p; /* the caller's from here on */
    else {
        buf_release(&answer);
        if (!code)
            code = err_nomem(&e);
    }
    buf_release(&body);
    if (call.arena)
        arena_free(call.arena);
    return code ? failed(code, &e) : 0;
}

void cairn_free(char *out)
{
    mem_free(out);
}

const char *cairn_last_error(void)
{
    return last_error;
}
