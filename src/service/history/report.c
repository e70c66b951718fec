/* Figures of an import as JSON, the places where sources are, and what a file is that is named by itself. */
#include "service/history/int.h"

#include "base/file.h"
#include "base/text.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD_BYTES = 1 << 16 };

void history_report_write(struct json_out *w, const char *source, const struct history_report *r)
{
    jw_kcstr(w, "source", source);
    jw_kint(w, "files", r->files);
    jw_kint(w, "bytes", r->bytes);
    jw_kint(w, "lines", r->counts.lines);
    jw_kint(w, "records", r->counts.lines - r->counts.merged);
    jw_kint(w, "turns_new", r->counts.fresh);
    jw_kint(w, "merged", r->counts.merged);
    jw_kint(w, "duplicates", r->counts.duplicates);
    jw_kint(w, "skipped", r->counts.skipped);
    jw_key(w, "skipped_by_reason");
    jw_object(w);
    for (size_t i = 0; i < r->n_reasons; i++)
        jw_kint(w, r->reasons[i].why, r->reasons[i].n);
    jw_end_object(w);
    jw_kint(w, "files_read", r->files_read);
    jw_kint(w, "bytes_read", r->bytes_read);
    jw_kint(w, "files_left_alone", r->files_left);
    jw_kint(w, "files_gone", r->files_gone);
    jw_kint(w, "files_failed", r->files_failed);
    jw_kint(w, "folders_failed", r->folders_failed);
    jw_kbool(w, "stopped", r->stopped);
    jw_knum(w, "seconds", r->seconds);
}

struct str history_valid(struct arena *a, struct str s)
{
    struct buf b;
    if (text_utf8_valid(s))
        return s;
    buf_init(&b, 0);
    for (size_t i = 0; i < s.n;) {
        size_t n = text_char_len(str_skip(s, i));
        if (n)
            buf_put(&b, s.p + i, n);
        else
            buf_cstr(&b, "\xef\xbf\xbd");
        i += n ? n : 1;
    }
    return buf_take(&b, a);
}

struct str history_shown(struct arena *a, struct str name)
{
    struct str shown = history_valid(a, name);
    return shown.p == name.p ? arena_str(a, name) : shown;
}

static struct str root_path(struct arena *a, const struct history_root *r, const char *(*env)(const char *))
{
    const char *set = r->variable ? env(r->variable) : NULL, *home = env("HOME");
    if (set && *set)
        return r->below && *r->below ? arena_fmt(a, "%s/%s", set, r->below) : arena_str(a, str_of(set));
    return home && *home && r->home ? arena_fmt(a, "%s/%s", home, r->home) : STR_NONE;
}

struct roots {
    struct arena *arena;
    char **out;
    size_t n, max;
    bool there;
};

static void add_root(struct roots *r, struct str path)
{
    for (size_t i = 0; i < r->n; i++)
        if (str_is(path, r->out[i]))
            return;
    char *name = path.n && r->n < r->max ? arena_cstr(r->arena, path) : NULL;
    if (name && (!r->there || file_exists(name)))
        r->out[r->n++] = name;
}

/* Several may be named, with commas between. */
size_t history_roots(struct arena *a, const struct history_format *f, const char *(*env)(const char *name), bool there,
                     char **out, size_t max)
{
    struct roots r = {a, out, 0, max, there};
    for (size_t i = 0; i < f->n_roots; i++) {
        struct str path = root_path(a, &f->roots[i], env);
        char *whole = path.p ? arena_cstr(a, path) : NULL;
        if (whole && file_exists(whole)) {
            add_root(&r, path);
            continue;
        }
        while (path.n)
            add_root(&r, str_trim(str_cut(&path, ',')));
    }
    return r.n;
}

/* What lies in a zip is named at its end. */
static ssize_t read_ends(int fd, char *head, size_t room, bool both)
{
    struct stat st;
    ssize_t n = pread(fd, head, both ? room / 2 : room, 0), more = 0;
    if (both && n == (ssize_t)(room / 2) && !fstat(fd, &st))
        more = pread(fd, head + n, room / 2, st.st_size > (off_t)(room / 2) ? st.st_size - (off_t)(room / 2) : 0);
    return more > 0 ? n + more : n;
}

const struct history_format *history_guess(const char *path)
{
    static _Thread_local char head[HEAD_BYTES];
    size_t n_formats;
    const struct history_format *const *all = history_formats(&n_formats);
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read_ends(fd, head, sizeof head, str_ends(str_of(path), ".zip"));
    const char *slash = strrchr(path, '/');
    if (fd >= 0)
        close(fd);
    for (size_t i = 0; i < n_formats && n > 0; i++)
        if (all[i]->sniff && all[i]->sniff(str_of(slash ? slash + 1 : path), (struct str){head, (size_t)n}))
            return all[i];
    return NULL;
}
