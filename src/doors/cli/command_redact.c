/* redact: what must not leak in a text on standard input. Masked text on standard output, of any length; with --spans,
 * where it stands: a JSON object a line in, one a line out. What is found and how it is masked is privacy's business.
 */
#include "doors/cli/command.h"

#include "base/file.h"
#include "base/json_write.h"
#include "doors/cli/command_redact_stored.h"
#include "privacy/privacy.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 64 << 20, PIECE = 256 << 10, FLUSH = 64 << 10 };

struct redacting {
    struct cli *c;
    const struct privacy *p;
    enum privacy_level level;
    bool left; /* nobody reads what we print */
};

/* What there is goes out at once. A reader that left ends it. */
static enum err_code print(struct redacting *r, struct str bytes, struct err *e)
{
    struct err why = {0};
    errno = 0;
    enum err_code code = file_write_fd(STDOUT_FILENO, bytes, &why);
    r->left = code && errno == EPIPE;
    return !code || r->left ? ERR_OK : err_set(e, code, NULL, "cannot print: %.200s", why.message);
}

/* ---- a text ---- */
static enum err_code redact_text(struct redacting *r, struct err *e)
{
    struct privacy_stream *s = NULL;
    char *piece = arena_alloc(r->c->arena, PIECE);
    struct str masked;
    enum err_code code = piece ? privacy_stream_new(r->p, r->level, &s, e) : err_nomem(e);
    while (!code && !r->left) {
        const ssize_t n = read(STDIN_FILENO, piece, PIECE);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            code = err_errno(e, "read", "standard input");
        else if (n == 0)
            code = privacy_stream_end(s, &masked, e);
        else
            code = privacy_stream_feed(s, (struct str){piece, (size_t)n}, &masked, e);
        if (!code && masked.n)
            code = print(r, masked, e);
        if (n == 0)
            break;
    }
    privacy_stream_free(s);
    return code;
}

/* ---- spans of JSON lines ---- */
static void put_spans(struct json_out *w, const struct privacy_span *spans, size_t n)
{
    jw_object(w);
    jw_key(w, "spans");
    jw_array(w);
    for (size_t i = 0; i < n; i++) {
        jw_object(w);
        jw_kint(w, "start", (int64_t)spans[i].start);
        jw_kint(w, "end", (int64_t)spans[i].end);
        jw_kcstr(w, "type", spans[i].type);
        jw_knum(w, "confidence", round(spans[i].confidence * 100) / 100);
        jw_end_object(w);
    }
    jw_end_array(w);
    jw_end_object(w);
}

static enum err_code spans_of_line(struct redacting *r, struct arena *a, struct str line, int64_t number, struct err *e)
{
    const struct json *v = NULL;
    struct err why = {0};
    struct json_out w;
    const struct privacy_span *spans;
    size_t n;
    enum err_code code = json_parse(a, line, JSON_DUPLICATES_OK, &v, &why);
    struct str text = code ? STR_NONE : json_text(v, "text");
    if (code == ERR_NOMEM)
        return err_nomem(e);
    if (code)
        return err_set(e, ERR_INVALID, "input", "line %lld is no JSON: %.150s", (long long)number, why.message);
    if (!text.p)
        return err_set(e, ERR_INVALID, "input", "line %lld is not an object with a text, such as {\"text\":\"…\"}",
                       (long long)number);
    code = privacy_scan(r->p, r->level, text, a, &spans, &n, e);
    if (code)
        return code;
    struct privacy_span *own = (struct privacy_span *)spans; /* our own, in our arena */
    privacy_chars(text, own, n);
    jw_init(&w, &r->c->out);
    put_spans(&w, own, n);
    return ERR_OK;
}

static enum err_code one_line(struct redacting *r, struct str line, int64_t number, struct err *e)
{
    enum err_code code = ERR_OK;
    struct buf *out = &r->c->out;
    struct str text = str_trim(line);
    if (line.n > LINE_MAX_BYTES)
        return err_set(e, ERR_TOO_LARGE, "input", "line %lld is longer than %d MiB", (long long)number,
                       LINE_MAX_BYTES >> 20);
    struct arena *a = arena_new();
    if (!a)
        return err_nomem(e);
    arena_limit(a, (size_t)4 << 30);
    if (text.n) /* an empty line gives an empty line */
        code = spans_of_line(r, a, text, number, e);
    arena_free(a);
    buf_char(out, '\n');
    if (!code && out->failed)
        return err_nomem(e);
    if (!code && out->n >= FLUSH) {
        code = print(r, buf_view(out), e);
        buf_clear(out);
    }
    return code;
}

static enum err_code redact_lines(struct redacting *r, struct err *e)
{
    char *line = NULL;
    size_t room = 0;
    int64_t number = 0;
    enum err_code code = ERR_OK;
    ssize_t n;
    while (!code && !r->left && (n = getline(&line, &room, stdin)) > 0)
        code = one_line(r, (struct str){line, (size_t)n}, ++number, e);
    if (!code && ferror(stdin))
        code = err_set(e, ERR_IO, "input", "cannot read standard input to its end");
    free(line);
    return code;
}

/* ---- the command ---- */
static const struct op_arg args[] = {
    {"spans", ARG_BOOL, ARG_IN_QUERY, 0, 0, 0, "false", NULL,
     "standard input holds a JSON object with a text a line; print where in it what was found"},
    {"level", ARG_ENUM, ARG_IN_QUERY, 0, 0, 0, "\"PUBLIC\"", "PUBLIC|TEAM|PRIVATE",
     "for whom: PUBLIC masks all, TEAM all but IP addresses, PRIVATE secrets, cards and SSNs"},
    {"stored", ARG_BOOL, ARG_IN_QUERY, 0, 0, 0, "false", NULL,
     "mask what the data folder holds already, each record for its session's level, instead of standard input"},
    {"session_id", ARG_TEXT, ARG_IN_QUERY, 0, 1, 200, NULL, NULL, "with --stored: only what belongs to this session"},
    {"project", ARG_TEXT, ARG_IN_QUERY, 0, 1, 200, NULL, NULL, "with --stored: only this project"},
    {"dry_run", ARG_BOOL, ARG_IN_QUERY, 0, 0, 0, "false", NULL, "with --stored: only say how much would be masked"},
};

static enum err_code run_redact(struct cli *c, const struct given *g, struct op_call *call, struct err *e)
{
    (void)g;
    if (op_bool(call, "stored", false))
        return redact_stored_run(c, call, e);
    if (op_text(call, "session_id").p || op_text(call, "project").p || op_bool(call, "dry_run", false))
        return err_set(e, ERR_INVALID, "stored", "--session, --project and --dry-run go with --stored");
    struct privacy *p = NULL;
    struct privacy_options o;
    struct redacting r = {.c = c};
    privacy_level_parse(op_text(call, "level"), &r.level);
    enum err_code code = settings_config(c, NULL, e);
    if (!code)
        code = privacy_options_read(c->config, c->arena, &o, e);
    if (!code)
        code = privacy_open(&o, &p, e);
    r.p = p;
    if (!code)
        code = op_bool(call, "spans", false) ? redact_lines(&r, e) : redact_text(&r, e);
    privacy_free(p);
    return code;
}

const struct command command_redact = {
    .name = "redact",
    .summary = "Mask what must not leak in a text or in what is stored, or say where it stands",
    .words = "<TEXT",
    .args = args,
    .n_args = sizeof args / sizeof args[0],
    .run = run_redact,
    .details =
        "Reads standard input and writes standard output. Offsets of --spans are in characters (code points).\n"
        "With --stored nothing is read: records of all kinds are masked where they are, as they would be if they\n"
        "were stored now, and counted by kind and type. It may be broken off and begun again at any time.\n",
};
