/* Lines that are JSON objects: see records.h. */
#include "history/records.h"

static enum err_code skip(struct history_in *in, const struct records *how, const char *reason, const struct line *l,
                          struct err *e)
{
    if (how->told)
        ++*how->told;
    return how->quiet && *how->quiet ? ERR_OK : history_skip(in, reason, &l->at, e);
}

static enum err_code take(struct history_in *in, const struct records *how, const struct line *l, struct err *e)
{
    const struct json *o;
    struct err why = {0};
    bool took = false;
    if ((l->too_large || l->cut) && how->take_long) {
        enum err_code told = how->take_long(how->arg, &l->at, &took, e);
        if (told || took)
            return told;
    }
    if (l->too_large)
        return skip(in, how, HISTORY_TOO_LARGE, l, e);
    if (!l->text.n)
        return skip(in, how, l->at.bytes > 1 ? HISTORY_PADDING : HISTORY_BLANK, l, e);
    enum err_code code = history_json(in->arena, l->text, &o, &why);
    if (code == ERR_NOMEM)
        return err_nomem(e);
    if (code || o->type != JSON_OBJECT)
        return skip(in, how, HISTORY_DAMAGED, l, e);
    return how->take(how->arg, o, &l->at, e);
}

/* A last line without its end counts when it is whole, and is read again next time. */
static bool is_to_be_taken(const struct line *l)
{
    return !l->torn || lines_members(l->text, NULL, 0, NULL);
}

static enum err_code read_lines(struct history_in *in, const struct records *how, struct lines *lines, struct err *e)
{
    struct line l;
    bool found = true;
    enum err_code code = ERR_OK;
    while (!code) {
        code = lines_next(lines, &l, &found, e);
        if (code || !found || !is_to_be_taken(&l))
            break;
        if (how->quiet)
            *how->quiet = l.at.offset < in->from;
        code = take(in, how, &l, e);
        arena_reset(in->arena);
        if (!code && !l.torn && lines_offset(lines) > in->from)
            code = history_mark(in, lines_offset(lines), how->told ? *how->told : lines_count(lines), e);
    }
    return code;
}

enum err_code records_read(struct history_in *in, const struct records *how, struct err *e)
{
    struct history_in from = *in;
    if (how->quiet)
        from.from = from.from_line = 0;
    struct lines *lines = lines_new(&from);
    enum err_code code = lines ? read_lines(in, how, lines, e) : err_nomem(e);
    lines_free(lines);
    return code;
}
