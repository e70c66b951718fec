/* Archives of turns: writing, finding and reading them. See cold.h. */
#include "service/cold.h"

#include "base/buf.h"
#include "base/id.h"
#include "base/mem.h"
#include "seal/seal.h"
#include "service/caller.h"
#include "store/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum { LEVEL = 9, SHA = 64 };

bool cold_wanted(const struct service *svc)
{
    return svc->cold != NULL;
}

/* ---- sealing ---- */

static const char sealed_head[] = "cairn-cold ";

/* The slot that a sealed archive names; *rest: what follows. False: it is none. */
static bool names_slot(struct str bytes, int64_t *slot, struct str *rest)
{
    *rest = bytes;
    return str_starts(bytes, sealed_head) && str_int(str_skip(str_cut(rest, '\n'), strlen(sealed_head)), slot);
}

/* The slot of the session's key. SEAL_STORE where it has none, or is no more: its archives go with its erasure. */
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
        return code == ERR_NOT_FOUND ? ERR_OK : err_set(e, code, NULL, "%s", why.message);
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
    int64_t slot = c->slot;
    *out = plain;
    if (!keyring_seals(k))
        return ERR_OK;
    enum err_code code = c->sealed ? ERR_OK : slot_of(svc, a, c->session, &slot, e);
    if (code)
        return code;
    buf_init(&b, 0);
    buf_fmt(&b, "%s%lld\n", sealed_head, (long long)slot);
    code = keyring_seal(k, slot, plain, c->conversation, &b, e);
    *out = buf_take(&b, a);
    return code ? code : out->p ? ERR_OK : err_nomem(e);
}

static enum err_code opened(struct service *svc, struct arena *a, const struct cold_archive *c, struct str bytes,
                            struct str *out, struct err *e)
{
    struct str rest;
    int64_t slot;
    *out = bytes;
    if (!str_starts(bytes, sealed_head))
        return ERR_OK;
    if (!names_slot(bytes, &slot, &rest))
        return err_set(e, ERR_CORRUPT, NULL, "this archive is damaged");
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

static enum err_code whole(const struct cold_archive *c, struct str bytes, struct err *e)
{
    char sha[SHA + 1];
    id_sha256(bytes, sha);
    if (str_is(c->sha256, sha))
        return ERR_OK;
    return err_set(e, ERR_CORRUPT, NULL, "the archive %.*s is damaged: its checksum is not that of its name",
                   STR_ARG(str_take(c->path, 150)));
}

enum err_code cold_parse(struct service *svc, struct arena *a, const struct cold_archive *c, struct str bytes,
                         struct str *lines, struct err *e)
{
    struct str plain;
    enum err_code code = whole(c, bytes, e);
    if (!code)
        code = opened(svc, a, c, bytes, &plain, e);
    return code ? code : expanded(a, plain, lines, e);
}

enum err_code cold_read(struct service *svc, struct arena *a, const struct cold_archive *c, struct str *lines,
                        struct err *e)
{
    struct cold_archive copy = *c;
    return cold_read_whole(svc, a, &copy, lines, e);
}

enum err_code cold_read_whole(struct service *svc, struct arena *a, struct cold_archive *c, struct str *lines,
                              struct err *e)
{
    struct buf b;
    struct str rest;
    buf_init(&b, ARCHIVE_MAX + 1);
    enum err_code code = svc->cold->get(svc->cold, c->path, ARCHIVE_MAX, &b, e);
    if (!code)
        code = b.failed ? err_nomem(e) : cold_parse(svc, a, c, buf_view(&b), lines, e);
    c->sealed = !code && names_slot(buf_view(&b), &c->slot, &rest);
    buf_release(&b);
    return code;
}

enum err_code cold_permits(struct arena *a, const struct caller *who, struct str lines, bool *out, struct err *e)
{
    const struct json *head;
    *out = !who || who->everything;
    if (*out)
        return ERR_OK;
    enum err_code code = json_parse(a, str_cut(&lines, '\n'), 0, &head, e);
    *out = !code && caller_writes(who, json_text(head, "project"));
    return code;
}

/* From where it is kept, not from what we think we wrote. To callers "not found" is a record that somebody deleted. */
static enum err_code read_back(struct service *svc, struct arena *a, const struct cold_archive *c, struct str *lines,
                               struct err *e)
{
    struct err why = {0};
    enum err_code code = cold_read(svc, a, c, lines, &why);
    return code ? err_set(e, code == ERR_NOT_FOUND ? ERR_CORRUPT : code, why.field[0] ? why.field : NULL, "%s",
                          why.message)
                : ERR_OK;
}

enum err_code cold_write(struct service *svc, struct arena *a, const struct cold_archive *of, struct str lines,
                         struct err *e)
{
    char sha[SHA + 1];
    struct str packed = STR_NONE, bytes = STR_NONE, back = STR_NONE;
    struct cold_archive c = *of;
    enum err_code code = compressed(a, lines, &packed, e);
    if (!code)
        code = sealed(svc, a, &c, packed, &bytes, e);
    if (code)
        return code;
    id_sha256(bytes, sha);
    c.sha256 = str_of(sha);
    c.path = arena_fmt(a, "%.*s/%.*s/%09lld-%09lld.%s.zst", STR_ARG(c.session), STR_ARG(c.conversation),
                       (long long)c.first, (long long)c.last, sha);
    code = c.path.p ? svc->cold->put(svc->cold, c.path, bytes, e) : err_nomem(e);
    if (!code)
        code = read_back(svc, a, &c, &back, e);
    if (!code && !str_eq(back, lines))
        code = err_set(e, ERR_CORRUPT, NULL, "the archive that was written does not read back as it was");
    return code;
}

enum err_code cold_remove(struct service *svc, const struct cold_archive *c, struct err *e)
{
    return svc->cold->remove(svc->cold, c->path, e);
}

/* ---- finding them ---- */

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

struct walk {
    cold_fn *fn;
    void *arg;
};

/* "<session>/<conversation>/<name>". What is named otherwise is none of ours. */
static enum err_code one_archive(void *arg, struct str path, int64_t bytes, struct err *e)
{
    const struct walk *w = arg;
    struct cold_archive c = {.path = path, .bytes = bytes};
    struct str rest = path;
    c.session = str_cut(&rest, '/');
    c.conversation = str_cut(&rest, '/');
    return id_has_form(c.session, "sess") && c.conversation.n && rest.n && parse_name(rest, &c) ? w->fn(w->arg, &c, e)
                                                                                                : ERR_OK;
}

enum err_code cold_walk(struct service *svc, struct str session, cold_fn *fn, void *arg, struct err *e)
{
    struct walk w = {fn, arg};
    char within[ID_MAX + 1] = "";
    if (!cold_wanted(svc) || (session.p && !id_has_form(session, "sess"))) /* no paths from callers */
        return ERR_OK;
    if (session.p)
        (void)snprintf(within, sizeof within, "%.*s/", STR_ARG(session));
    return svc->cold->list(svc->cold, str_of(within), one_archive, &w, e);
}

bool cold_archive_copy(struct arena *a, const struct cold_archive *c, struct cold_archive *out)
{
    *out = *c;
    out->session = arena_str(a, c->session);
    out->conversation = arena_str(a, c->conversation);
    out->path = arena_str(a, c->path);
    out->sha256 = arena_str(a, c->sha256);
    return !arena_failed(a);
}
