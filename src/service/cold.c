/* Archives of turns: writing, finding and reading them. See cold.h. */
#include "service/cold.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/id.h"
#include "base/mem.h"
#include "config/config.h"
#include "seal/seal.h"
#include "store/turns.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum { LEVEL = 9, SHA = 64 };

static const char *folder(const struct service *svc)
{
    return config_text(svc->options.config, "cold.folder");
}

bool cold_wanted(const struct service *svc)
{
    const char *f = folder(svc);
    return f && *f && !svc->options.home;
}

static enum err_code path_of(struct service *svc, struct str within, char out[static PATH_MAX], struct err *e)
{
    const char *f = folder(svc);
    int n = f[0] == '/' ? snprintf(out, PATH_MAX, "%s/%.*s", f, STR_ARG(within))
                        : snprintf(out, PATH_MAX, "%s/%s/%.*s", store_dir(svc->store), f, STR_ARG(within));
    return n > 0 && n < PATH_MAX ? ERR_OK
                                 : err_set(e, ERR_INVALID, "cold.folder", "the path of cold.folder is too long");
}

/* ---- sealing ---- */

/* The slot of the session's key: also of one that was deleted. SEAL_STORE where it has none. */
static enum err_code slot_of(struct service *svc, struct arena *a, struct str session, int64_t *slot, struct err *e)
{
    struct store_tx *tx;
    struct record *r = NULL;
    struct err why = {0};
    *slot = SEAL_STORE;
    enum err_code code = store_read_begin(svc->store, &tx, e);
    if (code)
        return code;
    code = record_get(tx, a, KIND_SESSION, session, STR_NONE, &r, &why);
    store_read_end(tx);
    if (code)
        return err_set(e, code, NULL, "%s", why.message);
    const struct value *v = record_value(r, "key_slot");
    if (v->type == VALUE_INT)
        *slot = v->i;
    return ERR_OK;
}

/* A sealed archive begins with its slot, so that it can be opened when the session is gone from the store. */
static enum err_code sealed(struct service *svc, struct arena *a, const struct cold_archive *c, struct str plain,
                            struct str *out, struct err *e)
{
    struct keyring *k = store_keyring(svc->store);
    struct buf b;
    int64_t slot;
    *out = plain;
    if (!keyring_seals(k))
        return ERR_OK;
    enum err_code code = slot_of(svc, a, c->session, &slot, e);
    if (code)
        return code;
    buf_init(&b, 0);
    buf_fmt(&b, "cairn-cold %lld\n", (long long)slot);
    code = keyring_seal(k, slot, plain, c->conversation, &b, e);
    *out = buf_take(&b, a);
    return code ? code : out->p ? ERR_OK : err_nomem(e);
}

static enum err_code opened(struct service *svc, struct arena *a, const struct cold_archive *c, struct str bytes,
                            struct str *out, struct err *e)
{
    struct str rest = bytes;
    *out = bytes;
    if (!str_starts(bytes, "cairn-cold "))
        return ERR_OK;
    struct str head = str_cut(&rest, '\n');
    long long slot = strtoll(head.p + strlen("cairn-cold "), NULL, 10);
    if (!store_keyring(svc->store))
        return err_set(e, ERR_DENIED, NULL, "this archive is sealed, and the store has no keys");
    return keyring_open_bytes(store_keyring(svc->store), slot, rest, c->conversation, a, out, e);
}

/* ---- one archive ---- */

static enum err_code compressed(struct arena *a, struct str lines, struct str *out, struct err *e)
{
    size_t room = ZSTD_compressBound(lines.n);
    char *to = mem_fail_now() ? NULL : arena_alloc(a, room);
    size_t n = to ? ZSTD_compress(to, room, lines.p, lines.n, LEVEL) : 0;
    if (!to || ZSTD_isError(n))
        return err_nomem(e);
    *out = (struct str){to, n};
    return ERR_OK;
}

static enum err_code expanded(struct arena *a, struct str packed, struct str *out, struct err *e)
{
    unsigned long long size = ZSTD_getFrameContentSize(packed.p, packed.n);
    if (size > ARCHIVE_MAX)
        return err_set(e, ERR_CORRUPT, NULL, "this archive is damaged");
    char *to = arena_alloc(a, (size_t)size + 1);
    if (!to)
        return err_nomem(e);
    size_t n = ZSTD_decompress(to, (size_t)size, packed.p, packed.n);
    if (n != size)
        return err_set(e, ERR_CORRUPT, NULL, "this archive is damaged");
    to[n] = '\0';
    *out = (struct str){to, n};
    return ERR_OK;
}

enum err_code cold_read(struct service *svc, struct arena *a, const struct cold_archive *c, struct str *lines,
                        struct err *e)
{
    char path[PATH_MAX], sha[SHA + 1];
    struct buf b;
    struct str plain;
    enum err_code code = path_of(svc, c->path, path, e);
    buf_init(&b, 0);
    if (!code)
        code = file_read_all(path, ARCHIVE_MAX, &b, e);
    if (!code) {
        id_sha256(buf_view(&b), sha);
        if (!str_is(c->sha256, sha))
            code = err_set(e, ERR_CORRUPT, NULL, "the archive %.*s is damaged: its checksum is not that of its name",
                           STR_ARG(str_take(c->path, 300)));
    }
    if (!code)
        code = opened(svc, a, c, buf_view(&b), &plain, e);
    if (!code)
        code = expanded(a, plain, lines, e);
    buf_release(&b);
    return code;
}

enum err_code cold_write(struct service *svc, struct arena *a, const struct cold_archive *of, struct str lines,
                         struct err *e)
{
    char path[PATH_MAX], sha[SHA + 1];
    struct str packed = STR_NONE, bytes = STR_NONE, back = STR_NONE;
    struct cold_archive c = *of;
    enum err_code code = compressed(a, lines, &packed, e);
    if (!code)
        code = sealed(svc, a, &c, packed, &bytes, e);
    if (code)
        return code;
    id_sha256(bytes, sha);
    c.sha256 = str_of(sha);
    c.path = arena_fmt(a, "%.*s/%.*s", STR_ARG(c.session), STR_ARG(c.conversation));
    code = c.path.p ? path_of(svc, c.path, path, e) : err_nomem(e);
    if (!code)
        code = file_mkdirs(path, e);
    c.path = arena_fmt(a, "%.*s/%09lld-%09lld.%s.zst", STR_ARG(c.path), (long long)c.first, (long long)c.last, sha);
    if (!code)
        code = c.path.p ? path_of(svc, c.path, path, e) : err_nomem(e);
    if (!code)
        code = file_write_atomic(path, bytes, e);
    if (!code)
        code = cold_read(svc, a, &c, &back, e); /* from the disk, not from what we think we wrote */
    if (!code && !str_eq(back, lines))
        code = err_set(e, ERR_CORRUPT, NULL, "the archive that was written does not read back as it was");
    return code;
}

enum err_code cold_remove(struct service *svc, const struct cold_archive *c, struct err *e)
{
    char path[PATH_MAX];
    enum err_code code = path_of(svc, c->path, path, e);
    return code ? code : file_remove(path, e);
}

/* ---- making them ---- */

static void put_head(struct json_out *w, const struct record *conversation, int64_t first, int64_t last, size_t n)
{
    jw_object(w);
    jw_kint(w, "cairn_cold", COLD_VERSION);
    jw_ktime(w, "archived_at", clock_now_ms());
    jw_kstr(w, "session_id", record_text(conversation, "session_id"));
    jw_kstr(w, "conversation_id", conversation->id);
    jw_kstr(w, "project", conversation->project);
    jw_kint(w, "first", first);
    jw_kint(w, "last", last);
    jw_kint(w, "turns", (int64_t)n);
    jw_end_object(w);
}

static void put_turn(struct json_out *w, const struct turn *t)
{
    jw_object(w);
    jw_kcstr(w, "kind", "turn");
    jw_kstr(w, "turn_id", t->id);
    jw_kstr(w, "conversation_id", t->conversation_id);
    jw_kint(w, "turn_number", t->turn_number);
    jw_kstr(w, "agent", t->agent);
    jw_kstr(w, "role", t->role);
    jw_ktime(w, "timestamp", t->timestamp);
    jw_kint(w, "token_count", t->token_count);
    jw_kraw(w, "metadata", t->metadata.n ? t->metadata : STR("{}"));
    jw_kstr(w, "content", t->content);
    jw_end_object(w);
}

static struct str lines_of(struct arena *a, const struct record *c, int64_t first, int64_t last,
                           const struct turn *turns, size_t n)
{
    struct buf b;
    struct json_out w;
    buf_init(&b, ARCHIVE_MAX);
    jw_init(&w, &b);
    put_head(&w, c, first, last, n);
    buf_char(&b, '\n');
    for (size_t i = 0; i < n; i++) {
        w.comma = false;
        put_turn(&w, &turns[i]);
        buf_char(&b, '\n');
    }
    return buf_take(&b, a);
}

static enum err_code keep_some(struct service *svc, const struct record *c, int64_t first, int64_t last, struct err *e)
{
    struct store_tx *tx = NULL;
    struct turn *turns;
    size_t n = 0;
    struct arena *a = arena_new();
    enum err_code code = a ? store_read_begin(svc->store, &tx, e) : err_nomem(e);
    if (!code) {
        code = turns_page(tx, a, c->id, first, (int)(last - first + 1), &turns, &n, e);
        store_read_end(tx);
    }
    struct str lines = code || !n ? STR_NONE : lines_of(a, c, first, last, turns, n);
    const struct cold_archive to = {
        .session = record_text(c, "session_id"), .conversation = c->id, .first = first, .last = last};
    if (!code && n)
        code = lines.p ? cold_write(svc, a, &to, lines, e) : err_nomem(e);
    if (a)
        arena_free(a);
    return code;
}

enum err_code cold_keep(struct service *svc, const struct record *conversation, int64_t first, int64_t last,
                        struct err *e)
{
    enum err_code code = ERR_OK;
    for (int64_t at = first; !code && cold_wanted(svc) && at <= last; at += ARCHIVE_TURNS) {
        int64_t end = at + ARCHIVE_TURNS - 1 < last ? at + ARCHIVE_TURNS - 1 : last;
        code = keep_some(svc, conversation, at, end, e);
    }
    return code;
}

/* ---- finding them ---- */

struct walk {
    struct service *svc;
    struct arena *arena;
    cold_fn *fn;
    void *arg;
    struct str session, conversation;
};

/* "000000001-000000500.<64 hex>.zst" */
static bool parse_name(struct str name, struct cold_archive *c)
{
    struct str rest = name;
    struct str range = str_cut(&rest, '.'), sha = str_cut(&rest, '.'), first = str_cut(&range, '-');
    if (!str_is(rest, "zst") || sha.n != SHA || !first.n || !range.n || first.n > 18 || range.n > 18)
        return false;
    c->first = strtoll(first.p, NULL, 10);
    c->last = strtoll(range.p, NULL, 10);
    c->sha256 = sha;
    return c->first > 0 && c->last >= c->first;
}

typedef enum err_code each_fn(struct walk *w, struct str name, struct err *e);

/* Names that we gave; "." and what is hidden are none. */
static enum err_code each_in(struct walk *w, struct str within, each_fn *fn, struct err *e)
{
    char path[PATH_MAX];
    enum err_code code = path_of(w->svc, within, path, e);
    DIR *d = code ? NULL : opendir(path);
    for (struct dirent *f; d && !code && (f = readdir(d)) != NULL;)
        if (f->d_name[0] != '.')
            code = fn(w, arena_str(w->arena, str_of(f->d_name)), e);
    if (d)
        closedir(d);
    return code;
}

static enum err_code one_archive(struct walk *w, struct str name, struct err *e)
{
    char path[PATH_MAX];
    struct cold_archive c = {.session = w->session, .conversation = w->conversation};
    if (!name.p || !parse_name(name, &c))
        return ERR_OK;
    c.path = arena_fmt(w->arena, "%.*s/%.*s/%.*s", STR_ARG(c.session), STR_ARG(c.conversation), STR_ARG(name));
    enum err_code code = c.path.p ? path_of(w->svc, c.path, path, e) : err_nomem(e);
    c.bytes = code ? 0 : file_size(path);
    return code ? code : w->fn(w->arg, &c, e);
}

static enum err_code one_conversation(struct walk *w, struct str name, struct err *e)
{
    w->conversation = name;
    struct str within = arena_fmt(w->arena, "%.*s/%.*s", STR_ARG(w->session), STR_ARG(name));
    return within.p ? each_in(w, within, one_archive, e) : err_nomem(e);
}

static enum err_code one_session(struct walk *w, struct str name, struct err *e)
{
    w->session = name;
    return each_in(w, name, one_conversation, e);
}

enum err_code cold_walk(struct service *svc, struct arena *a, struct str session, cold_fn *fn, void *arg, struct err *e)
{
    struct walk w = {.svc = svc, .arena = a, .fn = fn, .arg = arg};
    if (!cold_wanted(svc))
        return ERR_OK;
    if (!session.p)
        return each_in(&w, STR(""), one_session, e);
    return id_has_form(session, "sess") ? one_session(&w, session, e) : ERR_OK; /* no paths from callers */
}
