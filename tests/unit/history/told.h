/* What a format tells of bytes that stand for a file, as lines of text: one a record, in order. For unit tests of
 * formats and for their fuzzers.
 *
 *     turn user session@thread: text      (thread and its @ only where there is one; " (replay)" behind the role)
 *     merged, skip: reason, title session: text, KIND session: {fields}
 *
 * Keys are checked by `told_keys`, metadata by `told_metadata`, of the turn with that number. */
#ifndef CAIRN_UNIT_HISTORY_TOLD_H
#define CAIRN_UNIT_HISTORY_TOLD_H

#include "history/formats.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { TOLD_TURNS = 64 };

struct told {
    struct history_sink sink; /* first: it is what the format sees */
    struct buf text;
    size_t records, turns;
    char *keys[TOLD_TURNS], *metadata[TOLD_TURNS];
    char *noted[2];                 /* key and value */
    int64_t size, mark, mark_lines; /* the last mark */
    int64_t middle;                 /* the first mark behind half of the file; -1: none */
    int64_t behind;                 /* records that begin at or behind `border` */
    int64_t border;
    enum err_code code;
    struct err err;
};

static void told_place(struct told *t, const struct history_at *at)
{
    t->records++;
    t->behind += at->offset >= t->border;
    if (at->line < 1 || at->offset < -1 || at->bytes < 0 || (at->offset >= 0 && at->offset + at->bytes > t->size))
        abort();
}

static char *told_copy(struct str s)
{
    return s.p ? strndup(s.p, s.n) : NULL;
}

static enum err_code told_turn(struct history_sink *s, const struct history_turn *turn, struct err *e)
{
    struct told *t = (struct told *)s;
    (void)e;
    told_place(t, &turn->at);
    if (t->turns < TOLD_TURNS) {
        t->keys[t->turns] = told_copy(turn->key);
        t->metadata[t->turns] = told_copy(turn->metadata);
    }
    t->turns++;
    buf_fmt(&t->text, "turn %.*s%s %.*s", STR_ARG(turn->role), turn->replay ? " (replay)" : "", STR_ARG(turn->session));
    if (turn->thread.n)
        buf_fmt(&t->text, "@%.*s", STR_ARG(turn->thread));
    buf_cstr(&t->text, ": ");
    buf_str(&t->text, turn->content);
    buf_char(&t->text, '\n');
    bool nothing = !turn->content.n && !turn->metadata.n && !turn->facts.n;
    if (nothing || !turn->session.n || !turn->role.n || !turn->agent.n)
        abort();
    return ERR_OK;
}

static enum err_code told_record(struct history_sink *s, const struct history_record *r, struct err *e)
{
    struct told *t = (struct told *)s;
    (void)e;
    told_place(t, &r->at);
    buf_fmt(&t->text, "%s %.*s: %.*s\n", r->kind, STR_ARG(r->session), STR_ARG(r->fields));
    if (!r->key.n || !str_starts(r->fields, "{"))
        abort();
    return ERR_OK;
}

static enum err_code told_merged(struct history_sink *s, struct str key, const struct history_at *at, struct err *e)
{
    struct told *t = (struct told *)s;
    (void)e;
    (void)key;
    if (at) {
        told_place(t, at);
        buf_cstr(&t->text, "merged\n");
    }
    return ERR_OK;
}

static enum err_code told_skip(struct history_sink *s, const char *reason, const struct history_at *at, struct err *e)
{
    struct told *t = (struct told *)s;
    (void)e;
    told_place(t, at);
    buf_fmt(&t->text, "skip: %s\n", reason);
    return ERR_OK;
}

static enum err_code told_title(struct history_sink *s, struct str session, struct str title, enum history_titled by,
                                struct err *e)
{
    (void)e;
    buf_fmt(&((struct told *)s)->text, "title%s %.*s: %.*s\n",
            by == HISTORY_TITLE_GUESS ? " (guess)"
            : by == HISTORY_TITLE_OWN ? " (own)"
                                      : "",
            STR_ARG(session), STR_ARG(title));
    return ERR_OK;
}

static enum err_code told_mark(struct history_sink *s, int64_t from, int64_t lines, struct err *e)
{
    struct told *t = (struct told *)s;
    (void)e;
    if (from < t->mark || lines < t->mark_lines)
        abort();
    t->mark = from;
    t->mark_lines = lines;
    if (t->middle < 0 && from > t->size / 2)
        t->middle = from;
    return ERR_OK;
}

static bool told_known(struct history_sink *s, struct str key)
{
    (void)s;
    (void)key;
    return false;
}

/* Of the first note only. */
static enum err_code told_note(struct history_sink *s, struct str key, struct str value, struct err *e)
{
    struct told *t = (struct told *)s;
    (void)e;
    if (!t->noted[0]) {
        t->noted[0] = told_copy(key);
        t->noted[1] = told_copy(value);
    }
    return ERR_OK;
}

static struct str told_noted(struct history_sink *s, struct str key)
{
    const struct told *t = (struct told *)s;
    return t->noted[0] && str_is(key, t->noted[0]) ? str_of(t->noted[1]) : STR_NONE;
}

static void told_free(struct told *t)
{
    free(t->noted[0]);
    free(t->noted[1]);
    for (size_t i = 0; i < TOLD_TURNS; i++) {
        free(t->keys[i]);
        free(t->metadata[i]);
    }
    buf_release(&t->text);
}

/* The file `path` (below its root) with these bytes, read from `from`. Free it with told_free. */
static void told_read(struct told *t, const struct history_format *f, const char *path, struct str bytes, int64_t from)
{
    struct history_name name;
    int64_t border = t->border;
    *t = (struct told){.sink = {told_turn, told_merged, told_skip, told_title, told_mark, told_known, told_note,
                                told_noted, told_record},
                       .size = (int64_t)bytes.n,
                       .mark = from,
                       .middle = -1,
                       .border = border};
    buf_init(&t->text, 0);
    int fd = memfd_create("told", MFD_CLOEXEC);
    if (fd < 0 || !f->recognise(str_of(path), &name) || write(fd, bytes.p, bytes.n) != (ssize_t)bytes.n)
        abort();
    struct history_in in = {.kind = name.kind,
                            .path = str_of(path),
                            .fd = fd,
                            .dir = -1,
                            .size = (int64_t)bytes.n,
                            .from = from,
                            .arena = arena_new(),
                            .sink = &t->sink};
    t->code = f->read(&in, &t->err);
    buf_char(&t->text, '\0'); /* for assert_string_equal(t.text.p, …) */
    t->text.n -= !t->text.failed;
    arena_free(in.arena);
    close(fd);
}

#endif
