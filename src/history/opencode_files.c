/* opencode's files of before: a session, a message and each of its parts in a file of its own, in three folders beside
 * one another. A message is read with its parts and with what its session says; from its folder the way goes two up,
 * which is inside the root as its path tells, and down by names that hold no slash, following no links. */
#include "history/opencode.h"

#include "base/file.h"
#include "base/mem.h"
#include "history/path.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MOST = 32 << 20, PARTS_MOST = 4096, NAME_MOST = 256 };

static bool is_name(const char *name)
{
    return *name && *name != '.' && !strchr(name, '/') && strlen(name) < NAME_MOST;
}

/* Into the arena, parsed; NULL when it cannot be read or is no object. */
static const struct json *read_json(struct arena *a, int dir, const char *name)
{
    const struct json *o = NULL;
    struct err why = {0};
    size_t got = 0;
    int64_t size;
    bool gone;
    int fd = path_open(dir, name, false);
    if (fd < 0)
        return NULL;
    if (file_look(fd, &size, &gone, &why) || size > FILE_MOST)
        size = 0;
    char *text = size ? arena_alloc(a, (size_t)size) : NULL;
    if (!text || file_read_at(fd, 0, text, (size_t)size, &got, &why) ||
        history_json(a, (struct str){text, got}, &o, &why) || o->type != JSON_OBJECT)
        o = NULL;
    close(fd);
    return o;
}

/* The folder beside the one of messages: "part" or "session". -1: there is none. */
static int open_beside(const struct history_in *in, const char *name)
{
    struct str folder = in->path;
    bool inside = false; /* the path is …message/<session>/<file>: two up is inside the root */
    for (struct str part = str_cut(&folder, '/'); folder.p; part = str_cut(&folder, '/'))
        if (str_is(part, "message"))
            inside = true;
    int up = inside && in->dir >= 0 ? path_open(in->dir, "../..", true) : -1;
    if (up < 0)
        return -1;
    int fd = path_open(up, name, true);
    close(up);
    return fd;
}

/* ---- parts ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names of a folder's files, sorted: their order is that in which the parts were made. */
static size_t names_in(DIR *d, char **names)
{
    size_t n = 0;
    const struct dirent *x;
    while (n < PARTS_MOST && (x = readdir(d)))
        if (is_name(x->d_name) && (names[n] = mem_strdup(x->d_name)))
            n++;
    qsort(names, n, sizeof *names, by_name);
    return n;
}

static enum err_code take_folder(struct history_in *in, int dir, struct blocks *b, struct err *e)
{
    DIR *d = fdopendir(dir);
    char **names = mem_zalloc(PARTS_MOST * sizeof *names);
    if (!d)
        close(dir);
    size_t n = d && names ? names_in(d, names) : 0;
    for (size_t i = 0; i < n; i++) {
        const struct json *part = read_json(in->arena, dirfd(d), names[i]);
        if (part)
            opencode_part(b, part);
        mem_free(names[i]);
    }
    if (d)
        closedir(d);
    enum err_code code = names ? ERR_OK : err_nomem(e);
    mem_free(names);
    return code;
}

static enum err_code take_parts(struct history_in *in, const char *session, const char *message, struct blocks *b,
                                struct err *e)
{
    int parts = open_beside(in, "part");
    int dir = parts < 0 ? -1 : path_open(parts, message, true);
    int of_session = parts < 0 || dir >= 0 ? -1 : path_open(parts, session, true); /* as it was before */
    if (of_session >= 0) {
        dir = path_open(of_session, message, true);
        close(of_session);
    }
    if (parts >= 0)
        close(parts);
    return dir < 0 ? ERR_OK : take_folder(in, dir, b, e);
}

/* ---- sessions ---- */

static const struct json *find_info(struct history_in *in, const char *file)
{
    int dir = open_beside(in, "info");
    const struct json *o = dir < 0 ? NULL : read_json(in->arena, dir, file);
    if (dir >= 0)
        close(dir);
    return o;
}

/* The session's file lies in the folder of its project, of which the message says nothing. */
static const struct json *find_session(struct history_in *in, const char *session)
{
    const struct json *found = NULL;
    const struct dirent *x;
    int dir = open_beside(in, "session");
    DIR *d = dir < 0 ? NULL : fdopendir(dir);
    struct str file = arena_fmt(in->arena, "%s.json", session);
    if (dir >= 0 && !d)
        close(dir);
    while (d && file.p && !found && (x = readdir(d))) {
        int project = is_name(x->d_name) ? path_open(dir, x->d_name, true) : -1;
        if (project < 0)
            continue;
        found = read_json(in->arena, project, file.p);
        close(project);
    }
    if (d)
        closedir(d);
    return found || !file.p ? found : find_info(in, file.p);
}

static const struct json *read_whole(struct history_in *in)
{
    size_t got = 0;
    const struct json *o = NULL;
    struct err why = {0};
    char *text = in->size > 0 && in->size <= FILE_MOST ? arena_alloc(in->arena, (size_t)in->size) : NULL;
    if (!text || file_read_at(in->fd, 0, text, (size_t)in->size, &got, &why) ||
        history_json(in->arena, (struct str){text, got}, &o, &why) || o->type != JSON_OBJECT)
        return NULL;
    return o;
}

/* The title; the rest is in the messages. */
enum err_code opencode_read_session(struct history_in *in, struct err *e)
{
    const struct history_at at = {1, 0, in->size};
    const struct json *o = read_whole(in);
    struct str id = json_text(o, "id"), title = json_text(o, "title");
    enum err_code code = ERR_OK;
    if (id.n && title.n && !json_text(o, "parentID").n)
        code = history_title(in, id, title, e);
    if (!code)
        code = history_skip(in, o ? HISTORY_META : HISTORY_DAMAGED, &at, e);
    return code ? code : history_mark(in, 0, 0, e);
}

enum err_code opencode_read_message(struct history_in *in, struct err *e)
{
    struct opencode_place p = {.at = {1, 0, in->size}};
    const struct json *o = read_whole(in), *session;
    struct str id = json_text(o, "id"), of = json_text(o, "sessionID");
    struct blocks b;
    id = id.n ? id : path_without(path_base(in->path), ".json");
    of = of.n ? of : path_folder(in->path);
    const char *message = arena_cstr(in->arena, id), *name = arena_cstr(in->arena, of);
    if (!message || !name)
        return err_nomem(e);
    if (!o || !is_name(message) || !is_name(name))
        return history_skip(in, HISTORY_DAMAGED, &p.at, e);
    blocks_init(&b);
    session = find_session(in, name);
    p.id = id;
    p.session = of;
    p.parent = json_text(session, "parentID");
    p.cwd = json_text(session, "directory");
    enum err_code code = take_parts(in, name, message, &b, e);
    if (!code && !p.parent.n && json_text(session, "title").n) /* its own file came before there was a session */
        code = history_title(in, of, json_text(session, "title"), e);
    if (!code)
        code = opencode_message(in, &p, o, &b, e);
    blocks_free(&b);
    return code ? code : history_mark(in, 0, 0, e);
}
