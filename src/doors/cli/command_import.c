/* import: what agents have left on this machine, and exports of Cairn's own. Which source and which folders
 * import_find.c finds out, the import itself is service/history/. Always in this process: it reads files of whoever
 * asks, and a server that has the data folder open goes on beside it. */
#include "base/clock.h"
#include "base/mem.h"
#include "doors/cli/import.h"
#include "doors/cli/progress.h"
#include "service/caller.h"
#include "service/history/history.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FAILED_SHOWN = 20 };

struct importing {
    struct cli *c;
    struct op_call *call;
    const struct import_place *places;
    size_t n;
    struct progress progress;
    int64_t began_us;
    size_t at;  /* the place under way */
    int failed; /* files of it that could not be read */
};

static atomic_bool stopped;

static void on_signal(int number)
{
    (void)number;
    atomic_store(&stopped, true);
}

const atomic_bool *import_catch_signals(void)
{
    struct sigaction a = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
    return &stopped;
}

/* ---- asking ---- */

static void show_size(struct buf *b, int64_t bytes)
{
    if (bytes >= 10 << 20)
        buf_fmt(b, "%lld MiB", (long long)(bytes >> 20));
    else
        buf_fmt(b, "%lld KiB", (long long)((bytes + 1023) >> 10));
}

static void tell_found(struct importing *im, struct buf *b)
{
    for (size_t i = 0; i < im->n; i++) {
        struct history_report r;
        char from[CLOCK_TEXT], to[CLOCK_TEXT];
        struct err why = {0};
        if (history_look(im->places[i].format, im->places[i].path, &r, &why)) {
            buf_fmt(b, "%s in %s: %s\n", im->places[i].format->title, im->places[i].path, why.message);
            continue;
        }
        clock_format(r.oldest, from);
        clock_format(r.newest, to);
        buf_fmt(b, "%s in %s: %lld files, ", im->places[i].format->title, im->places[i].path, (long long)r.files);
        show_size(b, r.bytes);
        buf_fmt(b, r.oldest ? ", %.10s to %.10s\n" : "\n", from, to);
    }
}

/* Once, where somebody can answer. */
static enum err_code ask_once(struct importing *im, bool *go, struct err *e)
{
    struct buf b;
    char answer[16] = "";
    *go = true;
    if (op_text(im->call, "source").n || op_bool(im->call, "yes", false) || op_bool(im->call, "dry_run", false))
        return ERR_OK;
    buf_init(&b, 0);
    enum err_code code = ERR_OK;
    tell_found(im, &b);
    if (isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1) {
        fprintf(stderr, "%.*sImport all of it? [y/N] ", (int)b.n, b.p);
        fflush(stderr);
        *go = fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
    } else {
        fprintf(stderr, "%.*s", (int)b.n, b.p ? b.p : "");
        *go = false;
        cli_hint(im->c, "cairn import --yes imports all of it, cairn import SOURCE one of them");
        code = err_set(e, ERR_INVALID, "yes", "nobody can be asked here: say --yes, or which source");
    }
    buf_release(&b);
    return code;
}

/* ---- importing ---- */

static void show_progress(void *arg, int64_t done, int64_t total)
{
    struct importing *im = arg;
    char what[96];
    double seconds = (double)(clock_mono_us() - im->began_us) / 1e6, rate = seconds > 0 ? (double)done / seconds : 0;
    if (!im->progress.on)
        return;
    snprintf(what, sizeof what, "%s, %.0f MB/s, %.0f s left:", im->places[im->at].format->title, rate / 1e6,
             rate > 0 && total > done ? (double)(total - done) / rate : 0);
    progress_show(&im->progress, what, done, total);
}

/* The first of them by name: a disk that went away fails them all. */
static void show_failed(void *arg, struct str path, const char *why)
{
    struct importing *im = arg;
    struct arena *a = arena_new();
    if (a && im->failed++ < FAILED_SHOWN) {
        struct str shown = clean_line(a, path.n ? path : STR("."));
        progress_end(&im->progress);
        fprintf(stderr, "cairn: %.*s in %s: %s\n", STR_ARG(shown), im->places[im->at].path, why);
    }
    if (a)
        arena_free(a);
}

static enum err_code run_one(struct importing *im, struct service *svc, struct history_report *r, struct err *e)
{
    struct op_call *call = im->call;
    struct str project = op_text(call, "project");
    struct history_wish w = {.format = im->places[im->at].format,
                             .path = im->places[im->at].path,
                             .since = op_time(call, "since"),
                             .limit = op_int(call, "limit", 0),
                             .dry_run = op_bool(call, "dry_run", false),
                             .stop = &stopped,
                             .progress = show_progress,
                             .failed = show_failed,
                             .progress_arg = im};
    enum err_code code = ERR_OK;
    if (project.n)
        code = caller_named_project(&CALLER_LOCAL, im->c->arena, "project", project, PROJECT_SLUG, &w.project, e);
    im->failed = 0;
    im->began_us = clock_mono_us();
    progress_begin(&im->progress);
    if (!code)
        code = history_import(svc, &w, r, e);
    progress_end(&im->progress);
    return code;
}

/* There was nothing in it: perhaps it is another's. */
static void report_nothing(struct buf *b, const struct import_place *p)
{
    const struct history_format *other = history_guess(p->path);
    buf_fmt(b, "  nothing that was said is in it");
    if (other && other != p->format)
        buf_fmt(b, "; it looks like %s: cairn import %s %s", other->title, other->name, p->path);
    buf_char(b, '\n');
}

static void report_text(struct importing *im, const struct history_report *r)
{
    struct buf *b = &im->c->out;
    const struct import_place *p = &im->places[im->at];
    buf_fmt(b, "%s in %s: %lld files (%lld read), ", p->format->title, p->path, (long long)r->files,
            (long long)r->files_read);
    show_size(b, r->bytes);
    buf_fmt(b, ", %lld lines\n  %lld turns new, %lld known already, %lld lines of messages in several, %lld skipped",
            (long long)r->counts.lines, (long long)r->counts.fresh, (long long)r->counts.duplicates,
            (long long)r->counts.merged, (long long)r->counts.skipped);
    for (size_t i = 0; i < r->n_reasons; i++)
        buf_fmt(b, "%s%lld %s", i ? ", " : " (", (long long)r->reasons[i].n, r->reasons[i].why);
    buf_fmt(b, "%s\n  %.1f s", r->n_reasons ? ")" : "", r->seconds);
    if (r->files_left)
        buf_fmt(b, "; %lld files left alone", (long long)r->files_left);
    if (r->files_failed)
        buf_fmt(b, "; %lld files could not be read", (long long)r->files_failed);
    if (r->folders_failed)
        buf_fmt(b, "; %lld folders could not be read", (long long)r->folders_failed);
    buf_cstr(b, r->stopped ? "; stopped before the end: the next import goes on\n" : "\n");
    if (!r->stopped && r->counts.lines == r->counts.skipped)
        report_nothing(b, p);
}

static bool is_file(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISREG(s.st_mode);
}

/* One of several: the others are imported all the same. */
static bool cannot_look(struct importing *im, const char *path)
{
    if (access(path, is_file(path) ? R_OK : R_OK | X_OK) == 0)
        return false;
    fprintf(stderr, "cairn: cannot look at %s: %m\n", path);
    im->c->status = 1;
    return true;
}

static enum err_code run_all(struct importing *im, struct service *svc, struct err *e)
{
    struct json_out w;
    bool many = !op_text(im->call, "source").n || im->n > 1;
    enum err_code code = ERR_OK;
    jw_init(&w, &im->c->out);
    if (im->c->json && many) {
        jw_object(&w);
        jw_key(&w, "sources");
        jw_array(&w);
    }
    for (im->at = 0; im->at < im->n && !code && !atomic_load(&stopped); im->at++) {
        struct history_report r;
        const char *path = im->places[im->at].path;
        if (im->n > 1 && cannot_look(im, path))
            continue;
        code = run_one(im, svc, &r, e);
        if (code)
            break;
        if (r.files_failed && is_file(path)) /* the one that was asked for */
            im->c->status = 1;
        if (!im->c->json) {
            report_text(im, &r);
            continue;
        }
        jw_object(&w);
        history_report_write(&w, im->places[im->at].format->name, &r);
        jw_end_object(&w);
    }
    if (im->c->json && many) {
        jw_end_array(&w);
        jw_end_object(&w);
    }
    if (im->c->json)
        buf_char(&im->c->out, '\n');
    return code;
}

static enum err_code import_histories(struct importing *im, struct err *e)
{
    struct service *svc;
    bool go = true;
    enum err_code code = ask_once(im, &go, e);
    if (code || !go)
        return code;
    im->c->bulk = true;
    mem_keep_small();
    code = settings_data(im->c, e);
    if (!code)
        code = ask_open(im->c, true, false, &svc, e);
    if (code)
        return code;
    (void)import_catch_signals();
    code = run_all(im, svc, e);
    service_close(svc);
    if (!code && atomic_load(&stopped))
        im->c->status = 1;
    return code;
}

/* On a machine without agents nothing is to be done, which is no failure, unless somebody has named one to import. */
static enum err_code nothing_found(struct importing *im, const struct import_found *found, struct err *e)
{
    struct buf *b = &im->c->out;
    struct json_out w;
    struct history_report none = {0};
    if (found->format && !op_bool(im->call, "dry_run", false)) {
        cli_hint(im->c, "%.*s", STR_ARG(found->looked));
        return err_set(e, ERR_NOT_FOUND, "source", "nothing of %s was found on this machine", found->format->title);
    }
    if (!im->c->json) {
        buf_fmt(b, "nothing of %s was found on this machine\n", found->format ? found->format->title : "any source");
        buf_str(b, found->looked);
        buf_cstr(b, "\n");
        return ERR_OK;
    }
    jw_init(&w, b);
    jw_object(&w);
    if (found->format) {
        history_report_write(&w, found->format->name, &none);
    } else {
        jw_key(&w, "sources");
        jw_array(&w);
        jw_end_array(&w);
    }
    jw_end_object(&w);
    buf_char(b, '\n');
    return ERR_OK;
}

/* status, verify and manifest are of all that was imported. */
static enum err_code told_of_all(const struct op_call *call, struct str word, struct err *e)
{
    const char *other = op_text(call, "path").n           ? "path"
                        : op_text(call, "project").n      ? "project"
                        : op_time(call, "since")          ? "since"
                        : op_int(call, "limit", 0)        ? "limit"
                        : op_bool(call, "dry_run", false) ? "dry_run"
                        : op_bool(call, "yes", false)     ? "yes"
                                                          : NULL;
    return other ? err_set(e, ERR_INVALID, other, "cairn import %.*s is of all that was imported: it takes no %s",
                           STR_ARG(word), other)
                 : ERR_OK;
}

static enum err_code run_import(struct cli *c, const struct given *g, struct op_call *call, struct err *e)
{
    (void)g;
    struct importing im = {.c = c, .call = call};
    struct str word = op_text(call, "source");
    struct import_found found;
    if (str_is(word, "status") || str_is(word, "verify") || str_is(word, "manifest"))
        return told_of_all(call, word, e) ? ERR_INVALID : import_tell(c, word, e);
    enum err_code code = import_find(c, call, false, &found, e);
    if (code)
        return code;
    if (found.is_export)
        return import_export(c, arena_cstr(c->arena, word), op_text(call, "project"), e);
    if (!found.n)
        return nothing_found(&im, &found, e);
    im.places = found.places;
    im.n = found.n;
    return import_histories(&im, e);
}

static const struct op_arg args[] = {
    {"source", ARG_TEXT, ARG_IN_QUERY, ARG_POSITIONAL, 1, 3500, NULL, NULL,
     "claude-code …; or a file; or status, verify, manifest"},
    {"path", ARG_TEXT, ARG_IN_QUERY, ARG_POSITIONAL, 1, 3500, NULL, NULL,
     "its folder or file, where it is not the usual one"},
    {"project", ARG_TEXT, ARG_IN_QUERY, 0, 1, 200, NULL, NULL, "put it into this project instead of its own"},
    {"since", ARG_TIME, ARG_IN_QUERY, 0, 0, 0, NULL, NULL, "only what was said from then on"},
    {"limit", ARG_INT, ARG_IN_QUERY, 0, 1, 1e12, NULL, NULL, "a sample: at most so many new turns"},
    {"dry_run", ARG_BOOL, ARG_IN_QUERY, 0, 0, 0, "false", NULL, "only tell what would be taken in"},
    {"yes", ARG_BOOL, ARG_IN_QUERY, 0, 0, 0, "false", NULL, "do not ask before all that is found is imported"},
};

const struct command command_import = {
    .name = "import",
    .summary = "Import agents' histories, or take an export in again",
    .args = args,
    .n_args = sizeof args / sizeof args[0],
    .run = run_import,
    .details = "cairn import                     all that is found on this machine, after asking once\n"
               "cairn import claude-code [PATH]  one source, from its usual place or PATH\n"
               "cairn import FILE                an export of Cairn's own, or a file that tells by itself what it is\n"
               "cairn import status              what was imported, and when\n"
               "cairn import verify              whether every file that was read is as it was, or has only grown\n"
               "cairn import manifest            every file that is known, and what became of it\n"
               "\n"
               "Nothing is ever written to a source. What is there already is known again: an import may be repeated,\n"
               "broken off and begun again.\n",
};
