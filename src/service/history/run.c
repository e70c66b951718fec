/* One import: the inventory, then file after file. A file that is as it was is not opened; one that has only grown is
 * read from the last mark; any other from its beginning, where most of it is known by its keys. One file's fault is
 * noted with it and stops no other. */
#include "service/history/extract.h"

#include "base/clock.h"
#include "base/log.h"
#include "service/audit.h"
#include "service/masking.h"
#include "store/gate.h"
#include "store/records.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LISTED_AT_ONCE = 500, TEXT_SHARE = 3 }; /* of a transcript a third, roughly, is text to be masked */

struct import {
    struct extraction x;
    struct history_walk walk;
    struct history_report *report;
    bool *known;     /* files[i] needs no reading */
    struct str root; /* masked */
    char run[ID_MAX];
    struct arena *arena;
};

static bool is_stopped(const struct extraction *x)
{
    return x->wish->stop && atomic_load(x->wish->stop);
}

/* ---- figures ---- */

static void report_reasons(struct history_report *r, const struct file_counts *f)
{
    for (size_t i = 0; i < f->n; i++) {
        size_t k = 0;
        if (!f->why[i].n)
            continue;
        while (k < r->n_reasons && !str_is(f->why[i].name, r->reasons[k].why))
            k++;
        if (k == HISTORY_REASONS)
            continue;
        if (k == r->n_reasons) {
            snprintf(r->reasons[k].why, sizeof r->reasons[k].why, "%.*s", STR_ARG(f->why[i].name));
            r->n_reasons++;
        }
        r->reasons[k].n += f->why[i].n;
    }
}

static void report_counts(struct history_report *r, const struct file_counts *f)
{
    counts_sum(&r->counts, &f->c, 1);
    report_reasons(r, f);
}

/* What was new once is known now. */
static void report_known(struct import *im, struct arena *a, struct str counts)
{
    struct file_counts f;
    counts_read(a, counts, &f);
    f.c.duplicates += f.c.fresh;
    f.c.fresh = 0;
    report_counts(im->report, &f);
}

static void report_file(struct history_report *r, const struct history_file *f)
{
    int64_t ms = f->modified_ns / 1000000;
    r->files++;
    r->bytes += f->size;
    r->files_left += f->name.way == HISTORY_LEAVE;
    if (f->name.way != HISTORY_READ)
        return;
    r->oldest = r->oldest && r->oldest < ms ? r->oldest : ms;
    r->newest = r->newest > ms ? r->newest : ms;
}

/* ---- what is known ---- */

static void file_id(const struct import *im, const struct history_file *f, char *out)
{
    names_file(&im->x.names, str_of(im->walk.root), f->path, out);
}

static bool same_file(const struct file_state *s, const struct history_file *f)
{
    return s->seq && s->device == f->device && s->inode == f->inode && s->size == f->size &&
           s->modified_ns == f->modified_ns;
}

static enum err_code find_known(struct import *im, struct err *e)
{
    struct store_tx *tx;
    struct arena *a = arena_new();
    if (!a)
        return err_nomem(e);
    enum err_code code = store_read_begin(im->x.svc->store, &tx, e);
    for (size_t i = 0; i < im->walk.n && !code && !is_stopped(&im->x); i++) {
        const struct history_file *f = &im->walk.files[i];
        struct file_state s = {0};
        arena_reset(a);
        report_file(im->report, f);
        file_id(im, f, s.id);
        code = state_read(tx, a, &s, e);
        im->known[i] = !code && same_file(&s, f) && (s.read || f->name.way != HISTORY_READ);
        if (im->known[i] && f->name.way == HISTORY_READ) {
            report_known(im, a, s.counts);
            report_known(im, a, s.tail);
        }
        if (!im->known[i] && f->name.way == HISTORY_READ)
            im->x.total += f->size;
    }
    if (!code || tx)
        store_read_end(tx);
    arena_free(a);
    return code;
}

/* ---- files that are listed only ---- */

struct listing {
    struct import *im;
    size_t from, to;
};

static void fill_listed(struct import *im, const struct history_file *f, struct record *r)
{
    record_set(r, "source", V_TEXT(str_of(im->x.names.source)));
    record_set(r, "file_kind", V_TEXT(str_of(f->name.kind)));
    record_set(r, "root", V_TEXT(im->root));
    record_set(r, "path", V_TEXT(history_shown(im->arena, f->path)));
    record_set(r, "device", V_INT(f->device));
    record_set(r, "inode", V_INT(f->inode));
    record_set(r, "size", V_INT(f->size));
    record_set(r, "modified", V_INT(f->modified_ns));
}

/* Of one that was read before, only how it stands is new. */
static enum err_code list_one(struct store_tx *tx, struct import *im, const struct history_file *f, const char *status,
                              struct err *e)
{
    struct record *r = record_new(im->arena, KIND_IMPORT_FILE), *was;
    char id[ID_MAX];
    struct err why = {0};
    if (!r)
        return err_nomem(e);
    file_id(im, f, id);
    enum err_code code = record_get(tx, im->arena, KIND_IMPORT_FILE, str_of(id), STR_NONE, &was, &why);
    if (code && code != ERR_NOT_FOUND)
        return err_set(e, code, NULL, "%s", why.message);
    record_set(r, "status", V_TEXT(str_of(status)));
    if (code || f->name.way != HISTORY_READ)
        fill_listed(im, f, r);
    r->id = arena_str(im->arena, str_of(id));
    r->project = STR("default");
    return code ? record_insert(tx, im->arena, r, e) : record_update(tx, im->arena, was->seq, r, e);
}

static enum err_code list_on(struct store_tx *tx, void *arg, struct err *e)
{
    const struct listing *l = arg;
    struct import *im = l->im;
    enum err_code code = ERR_OK;
    for (size_t i = l->from; i < l->to && !code; i++) {
        const struct history_file *f = &im->walk.files[i];
        if (!im->known[i] && f->name.way != HISTORY_READ)
            code = list_one(tx, im, f, f->name.way == HISTORY_LEAVE ? "left" : "listed", e);
    }
    return code;
}

static enum err_code list_others(struct import *im, struct err *e)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < im->walk.n && !code && !is_stopped(&im->x);) {
        struct listing l = {im, i, i};
        size_t n = 0;
        for (; l.to < im->walk.n && n < LISTED_AT_ONCE; l.to++)
            n += !im->known[l.to] && im->walk.files[l.to].name.way != HISTORY_READ;
        if (n)
            code = store_write(im->x.svc->store, list_on, &l, e);
        i = l.to;
    }
    return code;
}

/* ---- what cannot be read ---- */

struct failing {
    struct import *im;
    const struct history_file *f;
};

static enum err_code fail_on(struct store_tx *tx, void *arg, struct err *e)
{
    const struct failing *g = arg;
    return list_one(tx, g->im, g->f, "failed", e);
}

static void tell_failed(const struct import *im, struct str path, const char *why)
{
    const struct history_wish *w = im->x.wish;
    if (w->failed)
        w->failed(w->progress_arg, path, why);
}

/* One that cannot be opened: it is listed, and tried again with each import. */
static enum err_code cannot_open(struct import *im, const struct history_file *f, const struct err *why, struct err *e)
{
    struct failing g = {im, f};
    bool gone = why->code == ERR_NOT_FOUND;
    im->report->files_gone += gone;
    im->report->files_failed += !gone;
    if (gone)
        return ERR_OK;
    tell_failed(im, f->path, why->message);
    return im->x.wish->dry_run ? ERR_OK : store_write(im->x.svc->store, fail_on, &g, e);
}

static void folders_failed(struct import *im)
{
    for (size_t i = 0; i < im->walk.n_unread; i++) {
        const struct history_unread *u = &im->walk.unread[i];
        struct err why = {0};
        errno = u->why;
        (void)err_set(&why, ERR_IO, NULL, "cannot open it: %m");
        im->report->folders_failed++;
        tell_failed(im, u->path, why.message);
    }
}

/* ---- one file ---- */

/* Written to and no longer than before: perhaps something in it is another. */
static enum err_code look_inside(const struct extraction *x, int fd, bool *same, struct err *e)
{
    const struct sha256 *h = &x->state.hash;
    struct sha256 was = *h, now;
    unsigned char before[SHA256_BYTES], after[SHA256_BYTES];
    sha256_begin(&now);
    enum err_code code = state_hash(fd, &now, (int64_t)h->bytes, x->wish->stop, e);
    sha256_end(&was, before);
    sha256_end(&now, after);
    *same = !code && memcmp(before, after, sizeof before) == 0;
    return code;
}

/* New in readings before this one, of what is read again now: behind the mark, and all of one that was broken off. */
static int64_t new_before(struct arena *a, const struct file_state *s, bool all)
{
    struct file_counts upto, tail;
    counts_read(a, s->counts, &upto);
    counts_read(a, s->tail, &tail);
    return (all ? upto.c.fresh : 0) + tail.c.fresh + tail.before;
}

/* Where reading begins, and with which checksum. */
static enum err_code begin(struct import *im, const struct history_file *f, int fd, struct err *e)
{
    struct extraction *x = &im->x;
    struct file_state *s = &x->state;
    struct store_tx *tx;
    struct stat st;
    *s = (struct file_state){0};
    file_id(im, f, s->id);
    if (fstat(fd, &st))
        return err_set(e, ERR_IO, NULL, "cannot look at it: %m");
    enum err_code code = store_read_begin(x->svc->store, &tx, e);
    if (code)
        return code;
    code = state_read(tx, x->arena, s, e);
    store_read_end(tx);
    int64_t had = (int64_t)s->hash.bytes;
    bool same = s->seq && s->device == (int64_t)st.st_dev && s->inode == (int64_t)st.st_ino && st.st_size >= had;
    if (!code && same && had)
        same = str_eq(s->anchor, state_anchor(x->arena, fd, had));
    if (!code && same && f->name.grows && had == st.st_size && s->modified_ns != f->modified_ns)
        code = look_inside(x, fd, &same, e);
    bool broken_off = same && !s->read && had == st.st_size;
    same = same && f->name.grows; /* of any other all may have changed */
    s->anew = s->seq && ((f->name.grows && !same) || s->read_to == 0);
    if (!code && (broken_off || (same && !s->anew)))
        s->before = new_before(x->arena, s, s->anew);
    if (s->anew)
        s->read_to = s->lines = s->last_time = 0;
    if (!same)
        sha256_begin(&s->hash);
    s->device = (int64_t)st.st_dev;
    s->inode = (int64_t)st.st_ino;
    s->modified_ns = f->modified_ns;
    if (!code)
        code = state_hash(fd, &s->hash, st.st_size, x->wish->stop, e);
    s->size = (int64_t)s->hash.bytes;
    s->anchor = state_anchor(x->arena, fd, s->size);
    return code;
}

static enum err_code read_file(struct import *im, const struct history_file *f, int fd, int dir, struct err *e)
{
    struct extraction *x = &im->x;
    bool part = !x->keeps_place;
    x->file = f; /* whatever fails from here on is noted with it */
    x->project = x->wish->project;
    x->root = im->root;
    x->told = 0;
    x->cwd = x->cwd_kept = STR_NONE;
    x->begun = false;
    x->again = false;
    id_make("read", x->reading);
    struct str shown = history_shown(x->arena, f->path);
    enum err_code code = gate_text(x->svc->store, x->arena, x->level, false, shown, &x->path, e);
    enum err_code began = begin(im, f, fd, code ? NULL : e);
    if (code || began)
        return code ? code : began;
    x->again = !part && x->state.read_to && !f->name.grows;
    if (!part && !x->state.anew)
        report_known(im, x->arena, x->state.counts);
    x->last_time = part ? 0 : x->state.last_time;
    x->in = (struct history_in){.kind = f->name.kind,
                                .path = f->path,
                                .fd = fd,
                                .dir = dir,
                                .size = x->state.size,
                                .modified = f->modified_ns / 1000000,
                                .from = part ? 0 : x->state.read_to,
                                .from_line = part ? 0 : x->state.lines,
                                .arena = arena_new(),
                                .sink = &x->sink,
                                .stop = x->wish->stop};
    if (!x->in.arena)
        return err_nomem(e);
    if (!code)
        code = x->wish->format->read(&x->in, e);
    arena_free(x->in.arena);
    x->enough = x->enough || is_stopped(x);
    if (code && x->enough && !x->broken) /* what came after the mark is read again */
        code = ERR_OK;
    if (!code)
        code = extraction_flush(x, !x->enough, e);
    return code;
}

/* Faults of one file: it cannot be read, or is not what it seemed. A quota is none: no other file would fit either. */
static bool own_fault(const struct err *why)
{
    const enum err_code code = why->code;
    return code == ERR_IO || code == ERR_NOT_FOUND || code == ERR_CORRUPT || code == ERR_INVALID ||
           code == ERR_READ_ONLY || code == ERR_BUSY || code == ERR_NOMEM || (code == ERR_TOO_LARGE && !why->name[0]);
}

static enum err_code take_file(struct import *im, const struct history_file *f, struct err *e)
{
    struct extraction *x = &im->x;
    struct err why = {0};
    int dir, fd = walk_file(&im->walk, f, &dir, &why);
    arena_reset(x->arena);
    x->in = (struct history_in){0};
    if (fd < 0)
        return cannot_open(im, f, &why, e);
    enum err_code code = read_file(im, f, fd, dir, &why);
    if (code == ERR_LIMIT && is_stopped(x) && !x->broken) /* before it was begun */
        code = ERR_OK;
    close(fd);
    close(dir);
    im->report->files_read++;
    im->report->bytes_read += f->size - (f->name.grows ? x->in.from : 0);
    im->x.done += f->size;
    bool first = x->broken; /* it was the store that failed, and what waits now fails behind that */
    struct err waited = {0};
    enum err_code stored = code ? extraction_wait(x, &waited) : ERR_OK;
    if (stored && e && !e->code)
        *e = first ? why : waited;
    if (stored)
        return first ? code : stored;
    if (!code)
        return ERR_OK;
    log_event(LOG_WARN, "import_file_failed", L_CSTR("message", why.message));
    tell_failed(im, f->path, why.message);
    im->report->files_failed++;
    if (own_fault(&why) && !x->broken)
        return extraction_give_up(x, e);
    if (e && !e->code)
        *e = why;
    return code;
}

static enum err_code take_all(struct import *im, struct err *e)
{
    struct extraction *x = &im->x;
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < im->walk.n && !code && !x->enough && !is_stopped(x); i++) {
        if (!im->known[i] && im->walk.files[i].name.way == HISTORY_READ)
            code = take_file(im, &im->walk.files[i], e);
        if (x->wish->progress)
            x->wish->progress(x->wish->progress_arg, x->done, x->total);
    }
    struct err waited = {0};
    enum err_code rest = extraction_wait(x, code ? &waited : e);
    return code ? code : rest;
}

/* ---- the run's own record ---- */

struct noting {
    struct import *im;
    const char *status; /* NULL: it begins */
};

static enum err_code note_on(struct store_tx *tx, void *arg, struct err *e)
{
    const struct noting *n = arg;
    struct import *im = n->im;
    struct record *was, *r = record_new(im->arena, KIND_IMPORT_RUN);
    struct buf b;
    struct json_out w;
    if (!r)
        return err_nomem(e);
    if (!n->status) {
        r->id = str_of(im->run);
        r->project = STR("default");
        record_set(r, "source", V_TEXT(str_of(im->x.names.source)));
        record_set(r, "root", V_TEXT(im->root));
        return record_insert(tx, im->arena, r, e);
    }
    enum err_code code = record_get(tx, im->arena, KIND_IMPORT_RUN, str_of(im->run), STR_NONE, &was, e);
    if (code)
        return code;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_object(&w);
    history_report_write(&w, im->x.names.source, im->report);
    jw_end_object(&w);
    record_set(r, "status", V_TEXT(str_of(n->status)));
    record_set(r, "finished_at", V_INT(clock_now_ms()));
    record_set(r, "report", V_TEXT(buf_take(&b, im->arena)));
    code = record_update(tx, im->arena, was->seq, r, e);
    struct audit_deed d = {.action = "history.import", .from = {"cli", STR_NONE}};
    if (strcmp(n->status, "failed") == 0)
        d.outcome = "failed";
    audit_trace_add(&d.trace, NULL, KIND_IMPORT_RUN, str_of(im->run));
    audit_trace_count(&d.trace, "files", im->report->files);
    audit_trace_count(&d.trace, "turns", im->report->counts.fresh);
    audit_trace_count(&d.trace, "duplicates", im->report->counts.duplicates);
    if (!code && !im->x.wish->live && im->report->counts.fresh)
        code = checkpoint_write(tx, im->arena, im->x.wish, str_of(im->run), record_text(r, "report"), im->report, e);
    return code ? code : audit_deed_write(im->x.svc, tx, &d, e);
}

static enum err_code note(struct import *im, const char *status, struct err *e)
{
    struct noting begins = {im, NULL}, n = {im, status};
    const struct history_wish *w = im->x.wish;
    enum err_code code = ERR_OK;
    if (w->dry_run || (w->live && (!status || !im->report->counts.fresh)))
        return ERR_OK;
    if (w->live)
        code = store_write(im->x.svc->store, note_on, &begins, e);
    return code ? code : store_write(im->x.svc->store, note_on, &n, e);
}

static enum err_code import(struct import *im, struct err *e)
{
    struct extraction *x = &im->x;
    im->known = arena_array(im->arena, bool, im->walk.n + 1);
    id_make("impr", im->run);
    struct str root = history_shown(im->arena, str_of(im->walk.root));
    enum err_code code = im->known && root.p ? ERR_OK : err_nomem(e);
    if (!code)
        code = gate_text(x->svc->store, im->arena, x->level, false, root, &im->root, e);
    if (!code)
        code = find_known(im, e);
    folders_failed(im);
    if (!code)
        code = note(im, NULL, e);
    if (!code && !x->wish->dry_run && !x->wish->n_folders)
        code = list_others(im, e);
    const struct privacy *p = code ? NULL : masking_privacy(x->svc->masking, e);
    if (p)
        privacy_expect(p, (size_t)x->total / TEXT_SHARE);
    if (!code)
        code = take_all(im, e);
    report_counts(im->report, &x->all);
    if (!code && x->fresh && !x->wish->dry_run && !is_stopped(x)) /* the next process indexes the rest */
        code = index_flush(x->svc->index, e);
    im->report->stopped = is_stopped(x);
    return code;
}

enum err_code history_import(struct service *svc, const struct history_wish *w, struct history_report *out,
                             struct err *e)
{
    int64_t began = clock_mono_us();
    struct import im = {.report = out, .arena = arena_new()};
    struct err later = {0};
    *out = (struct history_report){0};
    enum err_code code = im.arena ? extraction_init(&im.x, svc, w, e) : err_nomem(e);
    if (im.arena && !code) {
        code = walk_open(&im.walk, w->format, w->path, w->folders, w->n_folders, e);
        if (!code) {
            code = import(&im, e);
            out->seconds = (double)(clock_mono_us() - began) / 1e6;
            enum err_code noted = note(&im, code ? "failed" : out->stopped ? "stopped" : "done", code ? &later : e);
            code = code ? code : noted;
        }
        walk_close(&im.walk);
    }
    extraction_free(&im.x);
    if (im.arena)
        arena_free(im.arena);
    return code;
}

enum err_code history_look(const struct history_format *f, const char *path, struct history_report *out, struct err *e)
{
    struct history_walk w;
    *out = (struct history_report){0};
    enum err_code code = walk_open(&w, f, path, NULL, 0, e);
    for (size_t i = 0; !code && i < w.n; i++)
        report_file(out, &w.files[i]);
    walk_close(&w);
    return code;
}
