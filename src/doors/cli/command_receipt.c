/* receipt: checks the receipt of an erasure, which somebody may have brought back in a file: whether its signature is
 * right, and whether this store made it. What a receipt is, is the service's business (service/receipt.h). */
#include "doors/cli/arguments_words.h"
#include "doors/cli/command.h"

#include "base/file.h"

enum { RECEIPT_FILE_MAX = 1 << 20 };

static enum err_code read_file(struct cli *c, struct str path, struct str *out, struct err *e)
{
    struct buf b;
    char *name = arena_cstr(c->arena, path);
    if (!name)
        return err_nomem(e);
    if (str_is(path, "-"))
        return words_stdin(c, out, e);
    buf_init(&b, 0);
    enum err_code code = file_read_given(name, RECEIPT_FILE_MAX, &b, e);
    *out = code ? STR_NONE : arena_str(c->arena, buf_view(&b));
    buf_release(&b);
    return code || out->p ? code : err_nomem(e);
}

static enum err_code ask_about(struct cli *c, struct str receipt, struct answer *out, struct err *e)
{
    struct op_pair pair = {.name = STR("receipt"), .value = receipt, .where = ARG_IN_BODY};
    const struct given g = {.op = operation_find("receipt.verify"), .pairs = &pair, .n_pairs = 1};
    return ask(c, &g, out, e);
}

static bool yes(const struct json *answer, const char *name)
{
    const struct json *v = json_get(answer, name);
    return v && v->type == JSON_BOOL && v->boolean;
}

static void tell(struct cli *c, const struct json *answer)
{
    struct str problem = json_text(answer, "problem");
    if (problem.n)
        buf_fmt(&c->out, "%.*s\n", STR_ARG(problem));
    else
        buf_cstr(&c->out, "genuine: signed by this store, unchanged\n");
    c->status = yes(answer, "genuine") && yes(answer, "of_this_store") ? 0 : 1;
}

static enum err_code run_receipt(struct cli *c, const struct given *g, struct op_call *args, struct err *e)
{
    struct str text;
    struct answer answer;
    const struct json *o;
    (void)g;
    if (!str_is(op_text(args, "action"), "verify"))
        return err_set(e, ERR_INVALID, "action", "cairn receipt verify FILE is all that can be done with a receipt");
    enum err_code code = read_file(c, op_text(args, "file"), &text, e);
    if (!code)
        code = ask_about(c, text, &answer, e);
    if (!code)
        code = json_parse(c->arena, answer.json, 0, &o, e);
    if (code)
        return code;
    tell(c, o);
    if (c->json) {
        buf_clear(&c->out);
        buf_str(&c->out, answer.json);
        buf_char(&c->out, '\n');
    }
    return ERR_OK;
}

static const struct op_arg receipt_args[] = {
    {"action", ARG_TEXT, ARG_IN_QUERY, ARG_REQUIRED | ARG_POSITIONAL, 1, 20, NULL, NULL, "verify"},
    {"file", ARG_TEXT, ARG_IN_QUERY, ARG_REQUIRED | ARG_POSITIONAL, 1, 4096, NULL, NULL,
     "the receipt, as cairn forget gave it; - for standard input"},
};
const struct command command_receipt = {
    .name = "receipt",
    .summary = "Check the signed receipt of an erasure: receipt verify FILE",
    .args = receipt_args,
    .n_args = sizeof receipt_args / sizeof *receipt_args,
    .run = run_receipt,
};
