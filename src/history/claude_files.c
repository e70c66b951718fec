/* Files that the tool changed. Before each change it puts the file as it was into file-history/<session>/, under a hash
 * of its path; what that path is, snapshots in the session's transcript say. So the transcript's reader notes the
 * names, and whoever reads the versions afterwards finds them. */
#include "history/claude.h"
#include "history/diff.h"
#include "history/often.h"
#include "history/path.h"

#include "base/file.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/text.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    TEXT_MOST = 4 << 20,
    NAME_MOST = 128,
    HASH_MOST = 64,
    HASH_CHARS = 16,
    HEAD_FIRST = 1 << 14,
    HEAD_BYTES = 1 << 18
};

static struct str note_key(struct arena *a, struct str session, struct str hash)
{
    return arena_fmt(a, "file %.*s %.*s", STR_ARG(session), STR_ARG(hash));
}

/* "The transcript of that session was looked through." */
static struct str whole_key(struct arena *a, struct str session)
{
    return arena_fmt(a, "files %.*s", STR_ARG(session));
}

/* ---- what snapshots say ---- */

bool claude_snapshot_is_new(struct claude_reader *r, struct str text)
{
    static const char *const snapshot[] = {"snapshot"}, *const tracked[] = {"trackedFileBackups"};
    struct str inside, files;
    if (!lines_members(text, snapshot, 1, &inside) || !lines_members(inside, tracked, 1, &files) || files.n < 4)
        return false;
    uint64_t hash = often_hash(&files, 1);
    bool other = hash != r->snapshot;
    r->snapshot = hash;
    return other;
}

static struct str folder_in_head(int fd, struct arena *a, size_t bytes)
{
    static const char *const keys[] = {"cwd"};
    char *head = arena_alloc(a, bytes);
    ssize_t n = head ? pread(fd, head, bytes, 0) : -1;
    struct str rest = {head, n > 0 ? (size_t)n : 0}, cwd = STR_NONE;
    while (rest.n && !cwd.n)
        if (!lines_members(str_cut(&rest, '\n'), keys, 1, &cwd))
            cwd = STR_NONE;
    return memchr(cwd.p ? cwd.p : "", '\\', cwd.n) ? STR_NONE : cwd;
}

/* The folder that the session began in: the first that a line names, from the beginning of the file. Looked for once,
 * as there may be a snapshot every few lines. */
static struct str first_folder(struct claude_reader *r, struct arena *a)
{
    if (r->began_known)
        return (struct str){r->began_in, r->began_n};
    struct str cwd = folder_in_head(r->in->fd, a, HEAD_FIRST);
    if (!cwd.n)
        cwd = folder_in_head(r->in->fd, a, HEAD_BYTES);
    r->began_known = cwd.n <= sizeof r->began_in;
    r->began_n = r->began_known ? cwd.n : 0;
    if (r->began_n)
        memcpy(r->began_in, cwd.p, cwd.n);
    return cwd;
}

/* The path of `name` seen from `folder`, without "." and "..". */
static struct str absolute(struct arena *a, struct str folder, struct str name)
{
    struct buf b;
    struct str rest = str_starts(name, "/") ? name : arena_fmt(a, "%.*s/%.*s", STR_ARG(folder), STR_ARG(name));
    buf_init(&b, 0);
    while (rest.n) {
        struct str part = str_cut(&rest, '/');
        if (str_is(part, "..")) {
            while (b.n && b.p[b.n - 1] != '/')
                b.n--;
            b.n -= b.n > 0;
        } else if (part.n && !str_is(part, ".")) {
            buf_char(&b, '/');
            buf_str(&b, part);
        }
    }
    return buf_take(&b, a);
}

static enum err_code note_file(struct claude_reader *r, struct str folder, struct str name, const struct json *backup,
                               struct err *e)
{
    struct arena *a = r->in->arena;
    struct str kept = json_text(backup, "backupFileName"),
               path = folder.n || str_starts(name, "/") ? absolute(a, folder, name) : name;
    ptrdiff_t mark = kept.n ? str_find(kept, STR("@v")) : -1;
    char hex[65];
    id_sha256(path, hex);
    struct str hash = mark > 0 ? str_take(kept, (size_t)mark) : (struct str){hex, HASH_CHARS};
    struct str key = note_key(a, r->place.session, hash);
    struct str known = key.p ? history_noted(r->in, key) : STR_NONE;
    bool new_file = !kept.n || (known.n && *known.p == '+');
    struct str value = arena_fmt(a, "%c%.*s", new_file ? '+' : ' ', STR_ARG(path));
    return arena_failed(a) ? err_nomem(e) : history_note(r->in, key, value, e);
}

enum err_code claude_snapshot(struct claude_reader *r, const struct json *line, struct err *e)
{
    const struct json *files = json_get_type(json_get(line, "snapshot"), "trackedFileBackups", JSON_OBJECT);
    enum err_code code = ERR_OK;
    if (!files || !r->place.session.n)
        return ERR_OK;
    struct str folder = first_folder(r, r->in->arena);
    for (size_t i = 0; i < files->n && !code; i++)
        code = note_file(r, folder, files->keys[i].key, &files->items[i], e);
    return code;
}

enum err_code claude_snapshots_end(struct claude_reader *r, struct err *e)
{
    struct str key = r->in->from || !r->snapshot ? STR_NONE : whole_key(r->in->arena, r->place.session);
    return key.n ? history_note(r->in, key, STR("+"), e) : ERR_OK;
}

/* ---- transcripts that were read another time ---- */

/* Calls `use` for each name in a folder near the file, until it says that it is enough. */
static void each_name(const struct history_in *in, const char *folder, bool (*use)(void *arg, const char *name),
                      void *arg)
{
    struct err none = {0};
    int fd = history_sibling(in, folder, &none);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (!d && fd >= 0)
        close(fd);
    for (const struct dirent *one = d ? readdir(d) : NULL; one; one = readdir(d))
        if (*one->d_name != '.' && use(arg, one->d_name))
            break;
    if (d)
        closedir(d);
}

struct finding {
    const struct history_in *in;
    struct str session;
    int fd;
};

static bool find_transcript(void *arg, const char *name)
{
    struct finding *f = arg;
    char path[NAME_MOST * 4];
    struct err none = {0};
    if (snprintf(path, sizeof path, "../../projects/%s/%.*s.jsonl", name, STR_ARG(f->session)) < (int)sizeof path)
        f->fd = history_sibling(f->in, path, &none);
    return f->fd >= 0;
}

static enum err_code look_at_line(struct claude_reader *r, struct str text, struct err *e)
{
    static const char *const keys[] = {"type"};
    struct str type;
    const struct json *o;
    struct err why = {0};
    if (!lines_members(text, keys, 1, &type) || !str_is(type, "file-history-snapshot") ||
        !claude_snapshot_is_new(r, text) || history_json(r->in->arena, text, &o, &why))
        return ERR_OK;
    return claude_snapshot(r, o, e);
}

static enum err_code look_through(struct claude_reader *r, struct err *e)
{
    struct line l;
    bool found = true;
    struct lines *lines = lines_new(r->in);
    enum err_code code = lines ? ERR_OK : err_nomem(e);
    while (!code && found) {
        code = lines_next(lines, &l, &found, e);
        if (!code && found && l.text.n)
            code = look_at_line(r, l.text, e);
        arena_reset(r->in->arena);
    }
    lines_free(lines);
    return code;
}

/* What the versions of a session's files are versions of, unless that was noted when its transcript was read. */
static enum err_code find_names(struct history_in *in, struct str session, struct err *e)
{
    struct finding f = {in, session, -1};
    struct str key = whole_key(in->arena, session);
    struct history_in other = *in;
    bool gone;
    if (!key.p || history_noted(in, key).n)
        return key.p ? ERR_OK : err_nomem(e);
    if (session.n <= NAME_MOST && str_find(session, STR("/")) < 0)
        each_name(in, "../../projects", find_transcript, &f);
    enum err_code code = history_note(in, key, STR("+"), e);
    if (f.fd < 0 || code)
        return code;
    struct claude_reader *r = mem_zalloc(sizeof *r);
    other.fd = f.fd;
    other.from = other.from_line = 0;
    other.arena = arena_new();
    code = !r || !other.arena ? err_nomem(e) : file_look(f.fd, &other.size, &gone, e);
    if (!code) {
        r->in = &other;
        r->place.session = session;
        code = look_through(r, e);
    }
    if (other.arena)
        arena_free(other.arena);
    mem_free(r);
    close(f.fd);
    return code;
}

/* ---- in which folder people work whose notes these are ---- */

struct first {
    const struct history_in *in;
    char name[NAME_MOST * 2];
};

/* The first by its name, so that it is the same each time. */
static bool first_transcript(void *arg, const char *name)
{
    struct first *f = arg;
    struct str s = str_of(name);
    if (str_ends(s, ".jsonl") && !str_starts(s, "agent-") && s.n < sizeof f->name &&
        (!*f->name || strcmp(name, f->name) < 0))
        memcpy(f->name, name, s.n + 1);
    return false;
}

struct str claude_folder_of_notes(struct history_in *in)
{
    struct first f = {.in = in};
    struct err none = {0};
    char path[NAME_MOST * 2 + 4];
    each_name(in, "..", first_transcript, &f);
    snprintf(path, sizeof path, "../%s", f.name);
    int fd = *f.name ? history_sibling(in, path, &none) : -1;
    struct str cwd = fd >= 0 ? folder_in_head(fd, in->arena, HEAD_BYTES) : STR_NONE;
    if (fd >= 0)
        close(fd);
    return cwd;
}

/* ---- the versions ---- */

/* The version before, of the same file beside it; STR_NONE: there is none. */
static struct str version_before(const struct history_in *in, struct str base, int64_t number)
{
    char name[NAME_MOST];
    struct err none = {0};
    ptrdiff_t mark = str_find(base, STR("@v"));
    struct str stem = str_take(base, mark > 0 ? (size_t)mark : 0), text = STR_NONE;
    if (number < 2 || stem.n > HASH_MOST)
        return STR_NONE;
    snprintf(name, sizeof name, "%.*s@v%lld", STR_ARG(stem), (long long)number - 1);
    int fd = history_sibling(in, name, &none);
    if (fd >= 0) {
        text = claude_some(in->arena, fd, TEXT_MOST);
        close(fd);
    }
    return text;
}

struct version {
    struct str session, hash, path; /* STR_NONE: nobody has said what it is a version of */
    int64_t number;
    bool changed, new_file; /* the text is what changed; the file was not there before the session */
};

static struct version version_of(struct history_in *in)
{
    struct str base = path_base(in->path), folder = path_folder(in->path);
    ptrdiff_t mark = str_find(base, STR("@v"));
    struct version v = {.session = folder.n ? folder : base, .hash = mark > 0 ? str_take(base, (size_t)mark) : base};
    if (mark <= 0 || !str_int(str_skip(base, (size_t)mark + 2), &v.number))
        v.number = 0;
    struct str key = note_key(in->arena, v.session, v.hash), noted = key.p ? history_noted(in, key) : STR_NONE;
    v.new_file = noted.n && *noted.p == '+';
    v.path = noted.n ? str_skip(noted, 1) : STR_NONE;
    return v;
}

static struct str members_of(struct history_in *in, const struct version *v)
{
    struct buf b;
    struct json_out w;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_kcstr(&w, "kind", in->kind);
    jw_kstr(&w, "file", v->hash);
    if (v->path.n)
        jw_kstr(&w, "path", v->path);
    jw_kint(&w, "version", v->number);
    jw_kbool(&w, "change", v->changed);
    if (v->new_file)
        jw_kbool(&w, "new_file", true);
    return buf_take(&b, in->arena);
}

/* file-history/<session>/<hash of the path>@v<n>: the first as it is, the later ones as what changed, below the file's
 * name. The name is no part of its key: it may be learnt later. */
enum err_code claude_version_read(struct history_in *in, struct err *e)
{
    struct arena *a = in->arena;
    struct str text = text_cut(claude_some(a, in->fd, TEXT_MOST), TEXT_MOST);
    struct str folder = path_folder(in->path);
    enum err_code code = folder.n ? find_names(in, folder, e) : ERR_OK;
    if (code)
        return code;
    struct version v = version_of(in);
    struct str before = version_before(in, path_base(in->path), v.number);
    v.changed = before.p && !(text.n && memchr(text.p, '\0', text.n));
    if (v.changed) {
        struct buf b;
        buf_init(&b, 0);
        bool ok = diff_lines(before, text, &b);
        text = buf_take(&b, a);
        if (!ok)
            return err_nomem(e);
    }
    struct claude_whole w = {.key = path_key(a, in->kind, v.session, STR("files"), text),
                             .session = v.session,
                             .thread = STR("files"),
                             .text = text,
                             .metadata = members_of(in, &v),
                             .role = "system",
                             .replay = true};
    if (v.path.n && str_trim(text).n && !memchr(text.p, '\0', text.n))
        w.text = arena_fmt(a, "%.*s, version %lld%s:\n%.*s", STR_ARG(v.path), (long long)v.number,
                           v.new_file && !v.changed ? " (a new file)" : "", STR_ARG(text));
    return claude_tell_whole(in, &w, e);
}
