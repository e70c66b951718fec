/* embed: vectors of texts, from the words given or from standard input, a batch a call, so that input of any length
 * takes little memory. On a terminal a line about each; in a pipe one JSON array a line, in the order of the texts.
 * Making them is the operation's business (service/embeddings.c), here or on the server that runs; without one a data
 * folder is not needed. */
#include "doors/cli/command.h"

#include "base/file.h"
#include "doors/cli/ask_request.h"
#include "doors/cli/render.h"
#include "doors/proxy/endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BATCH_TEXTS = 256, BATCH_BYTES = 1 << 20, LINE_MAX_BYTES = 4 << 20, SHOWN_NUMBERS = 4, SHOWN_BYTES = 400 };

struct embedding {
    struct cli *c;
    const struct op_call *flags;
    struct service *svc; /* NULL: a server does it */
    struct buf batch;    /* the texts so far as JSON, with commas */
    size_t n, bytes;
    size_t done; /* texts of earlier batches */
    bool left;   /* nobody reads what we print */
};

/* ---- asking ---- */
static struct str request_body(struct embedding *em, struct buf *b)
{
    struct json_out w;
    struct str model = op_text(em->flags, "model");
    buf_init(b, 0);
    jw_init(&w, b);
    jw_object(&w);
    if (model.n)
        jw_kstr(&w, "model", model);
    if (op_bool(em->flags, "base64", false))
        jw_kcstr(&w, "encoding_format", "base64");
    if (op_bool(em->flags, "query", false))
        jw_kcstr(&w, "input_type", "query");
    jw_key(&w, "input");
    buf_char(b, '[');
    buf_str(b, buf_view(&em->batch));
    buf_cstr(b, "]}");
    return b->failed || em->batch.failed ? STR_NONE : buf_view(b);
}

static enum err_code ask_here(struct embedding *em, struct arena *a, struct str body, struct buf *answer, struct err *e)
{
    struct json_out w;
    jw_init(&w, answer);
    struct op_call call = {.svc = em->svc, .op = operation_find("embed"), .arena = a, .out = &w};
    const struct op_input in = {.body = body};
    enum err_code code = op_bind(&call, &in, e);
    return code ? code : op_run(&call, e);
}

static enum err_code ask_there(struct embedding *em, struct str body, struct buf *answer, struct err *e)
{
    struct client_reply reply;
    bool running;
    const struct operation *op = operation_find("embed");
    enum err_code code = client_request(em->c, op->method, str_of(op->path), body, &reply, &running, e);
    if (!code && !running)
        code = err_set(e, ERR_UNAVAILABLE, NULL, "the server has gone");
    if (code)
        return code;
    buf_str(answer, reply.body);
    return reply.status == 200 ? ERR_OK : ask_server_error(em->c, &reply, e);
}

/* ---- showing ---- */
static void show_numbers(struct cli *c, const struct json *v)
{
    for (size_t i = 0; i < v->n && i < SHOWN_NUMBERS; i++)
        buf_fmt(&c->out, "%s%.4f", i ? " " : "", v->items[i].number);
    buf_cstr(&c->out, v->n > SHOWN_NUMBERS ? " …" : "");
}

/* "  1  384 dimensions  0.0213 -0.0504 …  the text" */
static void show_summary(struct cli *c, struct arena *a, size_t number, struct str text, const struct json *v)
{
    buf_fmt(&c->out, "%3zu  ", number);
    if (v->type == JSON_ARRAY) {
        buf_fmt(&c->out, "%zu dimensions  ", v->n);
        show_numbers(c, v);
    } else {
        buf_fmt(&c->out, "%zu bytes of base64", v->s.n);
    }
    int room = c->screen.width > 70 ? c->screen.width - 62 : 18;
    struct str shown = clean_fit(a, clean_line(a, str_take(text, SHOWN_BYTES)), (size_t)room);
    buf_cstr(&c->out, "  ");
    screen_ink(&c->screen, &c->out, INK_FAINT, shown);
    buf_char(&c->out, '\n');
}

static enum err_code show(struct embedding *em, struct arena *a, struct str answer, struct err *e)
{
    struct cli *c = em->c;
    const struct json *o, *texts;
    struct str given = arena_fmt(a, "[%.*s]", STR_ARG(buf_view(&em->batch)));
    if (c->json) {
        buf_str(&c->out, answer);
        buf_char(&c->out, '\n');
        return ERR_OK;
    }
    enum err_code code = given.p ? json_parse(a, given, 0, &texts, e) : err_nomem(e);
    if (!code)
        code = json_parse(a, answer, 0, &o, e);
    const struct json *data = code ? NULL : json_get_type(o, "data", JSON_ARRAY);
    for (size_t i = 0; data && i < data->n && i < texts->n; i++) {
        const struct json *v = json_get(&data->items[i], "embedding");
        if (v && c->screen.terminal) {
            show_summary(c, a, em->done + i + 1, texts->items[i].s, v);
        } else if (v) {
            buf_str(&c->out, v->type == JSON_STRING ? v->s : v->raw);
            buf_char(&c->out, '\n');
        }
    }
    return code;
}

/* What there is goes out at once: a pipe's reader need not wait for the last text. One that left ends it. */
static enum err_code flush(struct embedding *em, struct err *e)
{
    struct err why = {0};
    struct cli *c = em->c;
    if (c->out.failed)
        return err_nomem(e);
    errno = 0;
    enum err_code code = file_write_fd(STDOUT_FILENO, buf_view(&c->out), &why);
    em->left = code && errno == EPIPE;
    buf_clear(&c->out);
    return !code || em->left ? ERR_OK : err_set(e, code, NULL, "cannot print the vectors: %.200s", why.message);
}

static enum err_code send_batch(struct embedding *em, bool last, struct err *e)
{
    struct buf body, answer;
    struct arena *a = arena_new();
    if (!a)
        return err_nomem(e);
    struct str text = request_body(em, &body);
    buf_init(&answer, 0);
    enum err_code code = !text.p   ? err_nomem(e)
                         : em->svc ? ask_here(em, a, text, &answer, e)
                                   : ask_there(em, text, &answer, e);
    if (!code)
        code = show(em, a, buf_view(&answer), e);
    if (!code && !last)
        code = flush(em, e);
    buf_release(&body);
    buf_release(&answer);
    arena_free(a);
    buf_clear(&em->batch);
    em->done += em->n;
    em->n = em->bytes = 0;
    return code;
}

/* With --json all is one request, since its answer is one object. */
static enum err_code add_text(struct embedding *em, struct str text, struct err *e)
{
    if (em->n)
        buf_char(&em->batch, ',');
    buf_char(&em->batch, '"');
    jw_escape(&em->batch, text);
    buf_char(&em->batch, '"');
    em->n++;
    em->bytes += text.n;
    bool full = em->n >= BATCH_TEXTS || em->bytes >= BATCH_BYTES;
    return full && !em->c->json ? send_batch(em, false, e) : ERR_OK;
}

/* ---- standard input ---- */
/* A JSON line: a text, or an object with one. */
static enum err_code add_json(struct embedding *em, struct str line, int64_t number, struct err *e)
{
    static const char *const names[] = {"text", "input", "content"};
    struct arena *a = arena_new();
    const struct json *v;
    struct str text = STR_NONE;
    if (!a)
        return err_nomem(e);
    enum err_code code = json_parse(a, line, 0, &v, NULL);
    if (!code && v->type == JSON_STRING)
        text = v->s;
    for (size_t i = 0; !code && !text.p && i < sizeof names / sizeof names[0]; i++)
        text = json_text(v, names[i]);
    if (text.p)
        code = add_text(em, text, e);
    else
        code = err_set(e, ERR_INVALID, "input",
                       "line %lld is neither a JSON text nor an object with text, input or content", (long long)number);
    arena_free(a);
    return code;
}

static enum err_code read_lines(struct embedding *em, struct err *e)
{
    char *line = NULL;
    size_t room = 0;
    int64_t number = 0;
    enum err_code code = ERR_OK;
    bool jsonl = op_bool(em->flags, "jsonl", false);
    ssize_t n;
    while (!code && !em->left && (n = getline(&line, &room, stdin)) > 0) {
        struct str text = {line, (size_t)n};
        while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
            text.n--;
        number++;
        if (n > LINE_MAX_BYTES)
            code = err_set(e, ERR_TOO_LARGE, "input", "line %lld is longer than %d MiB", (long long)number,
                           LINE_MAX_BYTES >> 20);
        else if (!jsonl)
            code = add_text(em, text, e);
        else if (str_trim(text).n)
            code = add_json(em, text, number, e);
    }
    if (!code && ferror(stdin))
        code = err_set(e, ERR_IO, "input", "cannot read standard input to its end");
    free(line);
    return code;
}

/* ---- the command ---- */
static const struct op_arg args[] = {
    {"query", ARG_BOOL, ARG_IN_QUERY, 0, 0, 0, "false", NULL, "the texts are questions, not what is searched"},
    {"jsonl", ARG_BOOL, ARG_IN_QUERY, 0, 0, 0, "false", NULL,
     "standard input holds a JSON text, or an object with one, a line"},
    {"base64", ARG_BOOL, ARG_IN_QUERY, 0, 0, 0, "false", NULL, "the bytes of 32-bit floats in base64"},
    {"model", ARG_TEXT, ARG_IN_QUERY, 0, 1, 200, NULL, NULL, "only by this model"},
};

/* Flags that are followed by their value. */
static bool takes_value(const char *word)
{
    return strcmp(word, "--data") == 0 || strcmp(word, "--config") == 0 || strcmp(word, "--model") == 0;
}

/* Texts leave argv, so that flags are left: a text is any word, also behind flags. */
static size_t take_texts(int *argc, char **argv, char **texts)
{
    size_t n = 0;
    int kept = 0;
    bool ended = false;
    for (int i = 0; i < *argc; i++) {
        bool flag = !ended && argv[i][0] == '-' && argv[i][1];
        if (!ended && strcmp(argv[i], "--") == 0) {
            ended = true;
        } else if (!flag) {
            texts[n++] = argv[i];
        } else {
            argv[kept++] = argv[i];
            if (takes_value(argv[kept - 1]) && i + 1 < *argc)
                argv[kept++] = argv[++i];
        }
    }
    *argc = kept;
    return n;
}

static enum err_code open_here(struct embedding *em, struct err *e)
{
    enum err_code code = settings_config(em->c, NULL, e);
    const struct service_options o = {
        .dir = em->c->data, .config = em->c->config, .dial = endpoint_dial, .model_only = true};
    return code ? code : service_open(&o, &em->svc, e);
}

static enum err_code run(struct embedding *em, char **texts, size_t n, struct err *e)
{
    enum err_code code = ERR_OK;
    bool input = n == 0 || (n == 1 && strcmp(texts[0], "-") == 0);
    buf_init(&em->batch, 0);
    for (size_t i = 0; !code && !input && !em->left && i < n; i++)
        code = add_text(em, str_of(texts[i]), e);
    if (!code && input)
        code = read_lines(em, e);
    if (!code && !em->left && em->n)
        code = send_batch(em, true, e);
    buf_release(&em->batch);
    return code;
}

static enum err_code take_embed(struct cli *c, const struct command *cmd, int argc, char **argv, struct err *e)
{
    struct given g;
    const struct operation op = {.name = cmd->name, .method = "GET", .args = cmd->args, .n_args = cmd->n_args};
    struct op_call flags = {.op = &op, .arena = c->arena};
    struct embedding em = {.c = c, .flags = &flags};
    char **texts = arena_array(c->arena, char *, (size_t)argc + 1);
    if (!texts)
        return err_nomem(e);
    size_t n = take_texts(&argc, argv, texts);
    enum err_code code = arguments_parse(c, &op, argc, argv, &g, e);
    if (!code && c->help)
        return help_command(c, cmd->name, e);
    const struct op_input in = {.pairs = g.pairs, .n_pairs = g.n_pairs};
    if (!code)
        code = op_bind(&flags, &in, e);
    if (!code)
        code = settings_data(c, e);
    if (!code && !client_server_runs(c))
        code = open_here(&em, e);
    if (!code)
        code = run(&em, texts, n, e);
    service_close(em.svc);
    return code;
}

const struct command command_embed = {
    .name = "embed",
    .summary = "Vectors of texts, by the embedding model",
    .words = "[TEXT …|-]",
    .args = args,
    .n_args = sizeof args / sizeof args[0],
    .take = take_embed,
    .details =
        "Each word is a text (quote those of several words); without one, or with -, each line of standard input is.\n"
        "In a pipe each text gives a line with its vector as a JSON array; --json is one answer in OpenAI's shape.\n",
};
