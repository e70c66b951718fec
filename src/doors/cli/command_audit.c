/* audit verify: checks the audit log's chain, of the store or of a file that `cairn audit export` wrote, and ends with
 * status 1 where it breaks. The file needs no store: whoever keeps copies elsewhere can check them there. */
#include "doors/cli/command.h"

#include "base/json.h"
#include "base/json_write.h"
#include "service/audit_json.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 1 << 20 };

static const struct op_arg verify_args[] = {
    {"expect", ARG_TEXT, ARG_IN_QUERY, 0, 1, 200, NULL, NULL,
     "a head that was written down before: it must be in the chain"},
    {"file", ARG_TEXT, ARG_IN_QUERY, 0, 1, 4000, NULL, NULL,
     "check this file of cairn audit export instead of the store"},
};

static void tell(struct cli *c, const struct json *verdict, const char *what)
{
    const struct json *ok = json_get(verdict, "ok"), *rows = json_get(verdict, "rows");
    struct str head = json_text(verdict, "head"), problem = json_text(verdict, "problem");
    c->status = ok && ok->type == JSON_BOOL && ok->boolean ? 0 : 1;
    if (c->json) {
        buf_str(&c->out, verdict->raw);
        buf_char(&c->out, '\n');
        return;
    }
    if (c->status)
        buf_fmt(&c->out, "%s: BROKEN: %.*s\n", what, STR_ARG(problem));
    else
        buf_fmt(&c->out, "%s: whole, %lld rows\n", what, rows ? (long long)rows->integer : 0);
    if (!c->status)
        buf_fmt(&c->out, "head  %.*s\n", STR_ARG(head));
}

/* ---- a file ---- */

struct checking {
    struct audit_checker k;
    bool begun, ended;
    int64_t lines;
};

static bool begin(struct checking *f, const struct audit_line *l, const char *expect)
{
    unsigned char anchor[AUDIT_HASH];
    size_t n = 0;
    struct str prev = l->end ? STR("") : l->prev_hash;
    memset(anchor, 0, sizeof anchor);
    if (prev.n && (sodium_hex2bin(anchor, sizeof anchor, prev.p, prev.n, NULL, &n, NULL) != 0 || n != sizeof anchor))
        return false;
    audit_check_begin(&f->k, anchor, expect);
    f->begun = true;
    return true;
}

static enum err_code no_line(const struct checking *f, struct err *e)
{
    return err_set(e, ERR_INVALID, "file", "line %lld is no row of an exported audit log", (long long)f->lines);
}

/* The line before must be the one that the row names, also where nobody recomputed anything. */
static void check_row(struct checking *f, const struct audit_line *l)
{
    char before[AUDIT_HEX];
    struct audit_row r = l->row;
    sodium_bin2hex(before, sizeof before, f->k.hash, AUDIT_HASH);
    r.odd = r.odd || !str_is(l->prev_hash, before);
    (void)audit_check_row(&f->k, &r);
}

static void check_end(struct checking *f, const struct audit_line *l)
{
    struct audit_head head = {.seq = l->rows ? f->k.first + l->rows - 1 : 0};
    (void)snprintf(head.hash, sizeof head.hash, "%.*s", STR_ARG(str_take(l->head, AUDIT_HEX - 1)));
    (void)audit_check_end(&f->k, &head);
    f->ended = true;
}

static enum err_code check_line(struct checking *f, struct str text, const char *expect, struct err *e)
{
    struct audit_line l;
    struct arena *a = arena_new();
    if (!a)
        return err_nomem(e);
    f->lines++;
    bool fine = !f->ended && audit_json_read(a, text, &l) && (f->begun || begin(f, &l, expect));
    if (fine && l.end)
        check_end(f, &l);
    else if (fine)
        check_row(f, &l);
    arena_free(a);
    return fine ? ERR_OK : no_line(f, e);
}

static enum err_code check_stream(FILE *in, struct checking *f, const char *expect, struct err *e)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    enum err_code code = ERR_OK;
    while (!code && (n = getline(&line, &room, in)) > 0) {
        if (n > LINE_MAX_BYTES)
            code = err_set(e, ERR_INVALID, "file", "line %lld is too long for an audit row", (long long)f->lines + 1);
        else
            code = check_line(f, str_trim((struct str){line, (size_t)n}), expect, e);
    }
    free(line);
    return code;
}

static void check_cut_short(struct checking *f)
{
    if (!f->begun)
        audit_check_begin(&f->k, (const unsigned char[AUDIT_HASH]){0}, NULL);
    if (f->ended || f->k.broken)
        return;
    f->k.broken = f->k.last + 1;
    (void)snprintf(f->k.problem, sizeof f->k.problem, "the file ends before its last line, after row %lld",
                   (long long)f->k.last);
}

static enum err_code verify_file(struct cli *c, const char *path, const char *expect, struct err *e)
{
    struct checking f = {0};
    struct buf b;
    struct json_out w;
    const struct json *verdict;
    FILE *in = fopen(path, "re");
    if (!in)
        return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "file", "cannot open %.200s: %s", path,
                       strerror(errno));
    enum err_code code = check_stream(in, &f, expect, e);
    (void)fclose(in);
    if (code)
        return code;
    check_cut_short(&f);
    buf_init(&b, 0);
    jw_init(&w, &b);
    audit_verdict_write(&w, &f.k);
    struct str text = buf_take(&b, c->arena);
    code = text.p ? json_parse(c->arena, text, 0, &verdict, e) : err_nomem(e);
    if (!code)
        tell(c, verdict, path);
    return code;
}

/* ---- the store ---- */

static enum err_code verify_store(struct cli *c, struct str expect, struct err *e)
{
    struct answer answer;
    const struct json *verdict;
    struct op_pair pair = {STR("expect"), expect, ARG_IN_QUERY};
    const struct given g = {.op = operation_find("audit.verify"), .pairs = &pair, .n_pairs = expect.n ? 1 : 0};
    enum err_code code = ask(c, &g, &answer, e);
    if (!code)
        code = json_parse(c->arena, answer.json, 0, &verdict, e);
    if (!code)
        tell(c, verdict, "audit log");
    return code;
}

static enum err_code run_verify(struct cli *c, const struct given *g, struct op_call *call, struct err *e)
{
    (void)g;
    struct str expect = op_text(call, "expect"), file = op_text(call, "file");
    if (!file.n)
        return verify_store(c, expect, e);
    const char *path = arena_cstr(c->arena, file), *hex = expect.n ? arena_cstr(c->arena, expect) : NULL;
    return path ? verify_file(c, path, hex, e) : err_nomem(e);
}

const struct command command_audit_verify = {
    .name = "audit verify",
    .summary = "Check the audit log's chain of hashes",
    .args = verify_args,
    .n_args = 2,
    .run = run_verify,
    .details =
        "Exit status 1, and the first row that does not fit, when rows were changed, removed, added or exchanged.\n"
        "Write the head down elsewhere now and then: --expect tells later whether it is still the same chain.\n",
};
