/* Which source is meant, and where it is: by name, by a path, by the beginning of a file, or at the usual places. */
#include "doors/cli/import.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { HEAD_BYTES = 400, NAMES_MAX = 64 };

struct finding {
    struct cli *c;
    struct import_found *out;
    bool later;
};

static const char *environment(const char *name)
{
    return getenv(name);
}

static enum err_code add_place(struct finding *f, const struct history_format *format, char *path, struct err *e)
{
    if (!path)
        return err_nomem(e);
    if (f->out->n < IMPORT_PLACES)
        f->out->places[f->out->n++] = (struct import_place){format, path};
    return ERR_OK;
}

static enum err_code add_roots(struct finding *f, const struct history_format *format, struct err *e)
{
    char *roots[IMPORT_PLACES];
    size_t n = history_roots(f->c->arena, format, environment, !f->later, roots, IMPORT_PLACES);
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < n && !code; i++)
        code = add_place(f, format, roots[i], e);
    return code;
}

/* ---- what is not there ---- */

/* "not found: there is no path" and "known sources". */
static enum err_code unknown_source(struct finding *f, struct str word, struct err *e)
{
    size_t n;
    const struct history_format *const *all = history_formats(&n);
    const char *names[NAMES_MAX];
    for (size_t i = 0; i < n && i < NAMES_MAX; i++)
        names[i] = all[i]->name;
    struct buf b;
    struct stat s;
    char *path = arena_cstr(f->c->arena, word);
    buf_init(&b, 0);
    buf_cstr(&b, "cairn import SOURCE PATH; sources are");
    for (size_t i = 0; i < n; i++)
        buf_fmt(&b, "%s %s", i ? "," : "", all[i]->name);
    cli_hint(f->c, "%.*s", (int)b.n, b.n ? b.p : "");
    buf_release(&b);
    if (path && !stat(path, &s))
        return err_set(e, ERR_INVALID, "source", "%.150s is %s: say which source it is of", path,
                       S_ISDIR(s.st_mode) ? "a folder" : "of no format that is told by its beginning");
    if (str_find(word, STR("/")) >= 0)
        return err_set(e, ERR_NOT_FOUND, "source", "cannot look at %.200s: %m", path ? path : "it");
    return cli_unknown(f->c, "source", word, names, n < NAMES_MAX ? n : NAMES_MAX, e);
}

static void put_places(struct finding *f, struct buf *b, const struct history_format *format)
{
    char *roots[IMPORT_PLACES];
    size_t n = history_roots(f->c->arena, format, environment, false, roots, IMPORT_PLACES);
    for (size_t i = 0; i < n; i++)
        buf_fmt(b, "%s%s", b->n ? ", " : "looked for ", roots[i]);
}

static enum err_code tell_places(struct finding *f, struct err *e)
{
    size_t n;
    const struct history_format *const *all = history_formats(&n);
    struct buf b;
    buf_init(&b, 0);
    for (size_t i = 0; i < n; i++)
        if (!f->out->format || f->out->format == all[i])
            put_places(f, &b, all[i]);
    if (b.n)
        buf_cstr(&b, "; ");
    buf_fmt(&b, "from elsewhere: cairn import %s PATH", f->out->format ? f->out->format->name : "SOURCE");
    f->out->looked = buf_take(&b, f->c->arena);
    return f->out->looked.p ? ERR_OK : err_nomem(e);
}

/* ---- what is there ---- */

/* A file that is named without its source: its beginning tells. */
static enum err_code add_file(struct finding *f, struct str word, struct err *e)
{
    char *path = arena_cstr(f->c->arena, word), head[HEAD_BYTES] = "";
    struct stat s;
    FILE *file = path && !stat(path, &s) && S_ISREG(s.st_mode) ? fopen(path, "r") : NULL;
    if (!file)
        return unknown_source(f, word, e);
    size_t n = fread(head, 1, sizeof head, file);
    fclose(file);
    const struct str begins = {head, n};
    const struct history_format *format = NULL;
    if (str_find(begins, STR("cairn_export")) < 0 && !str_starts(begins, "{\"kind\""))
        format = history_guess(path);
    bool binary = str_starts(begins, "PK\3\4") || memchr(head, 0, n);
    if (!format && binary)
        return unknown_source(f, word, e);
    f->out->is_export = !format; /* and told so, by whoever reads it */
    return format ? add_place(f, format, path, e) : ERR_OK;
}

enum err_code import_find(struct cli *c, struct op_call *call, bool later, struct import_found *out, struct err *e)
{
    struct str source = op_text(call, "source"), path = op_text(call, "path");
    struct finding f = {c, out, later};
    size_t n;
    const struct history_format *const *all = history_formats(&n);
    enum err_code code = ERR_OK;
    *out = (struct import_found){.format = history_format_find(source)};
    if (source.n && !out->format)
        return path.n ? unknown_source(&f, source, e) : add_file(&f, source, e);
    if (path.n)
        return add_place(&f, out->format, arena_cstr(c->arena, path), e);
    for (size_t i = 0; i < n && !code; i++)
        if (!out->format || out->format == all[i])
            code = add_roots(&f, all[i], e);
    return code || out->n ? code : tell_places(&f, e);
}
