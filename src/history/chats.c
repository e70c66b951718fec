/* Lists of conversations, and the zips they come in: see chats.h. Of a zip only the lists are unpacked, into a
 * temporary file without a name; the names inside are compared and never used as paths. */
#include "history/chats.h"

#include "history/path.h"
#include "history/spool.h"

#include "base/file.h"

#include <string.h>
#include <unistd.h>
#include <zip.h>

enum { UNPACK_BYTES = 1 << 16, ENTRIES_MOST = 1 << 20 };

/* Beside the lists, in the exports of both. */
static bool is_other(struct str base)
{
    static const char *const others[] = {"user.json",        "users.json",           "message_feedback.json",
                                         "projects.json",    "memories.json",        "model_comparisons.json",
                                         "tasks.json",       "export_manifest.json", "shared_conversations.json",
                                         "group_chats.json", "shopping.json",        "manifest.json"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (str_is(base, others[i]))
            return true;
    return false;
}

/* A conversation may be saved under any name. What sounds as if it held keys or settings is left alone. */
static bool sounds_private(struct str base)
{
    static const char *const words[] = {"auth",      "account", "config",   "cookie",  "cred",
                                        "installed", "key",     "mcp",      "package", "passw",
                                        "profile",   "secret",  "settings", "token",   "trusted"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        for (size_t at = 0; at < base.n; at++)
            if (str_ieq(str_take(str_skip(base, at), strlen(words[i])), str_of(words[i])))
                return true;
    return str_starts(base, ".");
}

bool chats_recognise(struct str path, struct history_name *out)
{
    struct str base = path_base(path);
    bool zipped = str_ends(base, ".zip"), json = str_ends(base, ".json");
    *out = (struct history_name){.kind = zipped ? "zipped export" : "export", .order = zipped};
    if (path_is_private(base) || (json && !str_starts(base, "conversations") && sounds_private(base)))
        *out = (struct history_name){.kind = "private", .way = HISTORY_LEAVE};
    return out->way == HISTORY_LEAVE || zipped || (json && !is_other(base));
}

/* What was mended before it was parsed has no place of its own, and what is in a zip none in the file. */
struct history_at chats_at(struct chats *x, struct str raw)
{
    const struct item *item = x->item;
    bool inside = raw.p >= item->text.p && raw.p + raw.n <= item->text.p + item->text.n;
    struct history_at at = {++x->records, item->offset, item->bytes};
    if (inside)
        at = (struct history_at){x->records, item->offset + (raw.p - item->text.p), (int64_t)raw.n};
    if (x->entry)
        at.offset = -1;
    return at;
}

enum err_code chats_unknown(struct chats *x, struct err *e)
{
    const struct history_at at = {++x->records, x->entry ? -1 : x->item->offset, x->item->bytes};
    return history_skip(x->in, HISTORY_UNKNOWN, &at, e);
}

/* ---- a list ---- */

static enum err_code take_item(struct chats *x, const struct chats_format *f, const struct item *item, struct err *e)
{
    const struct json *o = NULL;
    struct arena *a = x->in->arena;
    struct err why = {0};
    const struct history_at whole = {x->records + 1, x->entry ? -1 : item->offset, item->bytes};
    struct str name = path_without(path_base(x->entry ? str_of(x->entry) : x->in->path), ".json");
    struct str stand_in = arena_fmt(a, "%.*s-%lld", STR_ARG(name), (long long)item->offset);
    x->item = item;
    if (item->too_large) {
        const struct history_in part = items_part(x->from, item);
        return f->take_long(x, &part, stand_in, e);
    }
    enum err_code code = history_json(a, item->text, &o, &why);
    if (code == ERR_NOMEM)
        return err_nomem(e);
    if (code || o->type != JSON_OBJECT) {
        x->records++;
        return history_skip(x->in, HISTORY_DAMAGED, &whole, e);
    }
    return f->take(x, o, stand_in, e);
}

/* A member of a long conversation, in the arena; NULL where there is none, or it is no JSON. */
static enum err_code member_of(const struct history_in *conversation, struct arena *a, const char *member,
                               const struct json **out, struct err *e)
{
    struct buf b;
    struct err why = {0};
    buf_init(&b, 0);
    enum err_code code = items_member(conversation, member, &b, e);
    struct str text = buf_take(&b, a);
    if (code || !text.n || history_json(a, text, out, &why))
        *out = NULL;
    return code;
}

enum err_code chats_text(const struct history_in *conversation, struct arena *a, const char *member, struct str *out,
                         struct err *e)
{
    const struct json *v;
    enum err_code code = member_of(conversation, a, member, &v, e);
    *out = v && v->type == JSON_STRING ? v->s : STR_NONE;
    return code;
}

void chats_begin(struct chats *x, const struct json *time)
{
    x->last = history_time(time);
}

enum err_code chats_begin_long(struct chats *x, const struct history_in *conversation, const char *member,
                               struct err *e)
{
    const struct json *v;
    enum err_code code = member_of(conversation, x->in->arena, member, &v, e);
    x->last = v ? history_time(v) : 0;
    return code;
}

int64_t chats_time(struct chats *x, const struct json *time)
{
    int64_t when = history_time(time);
    x->last = when ? when : x->last;
    return x->last;
}

/* Nothing can be read on from: an export is not added to, it is made anew. */
static enum err_code read_list(struct chats *x, const struct history_in *from, const struct chats_format *f,
                               struct err *e)
{
    struct history_in begin = *from;
    begin.from = 0;
    struct items *items = items_new(&begin, "conversations", false);
    struct item item;
    bool found = true;
    x->from = from;
    enum err_code code = items ? ERR_OK : err_nomem(e);
    while (!code && found) {
        code = items_next(items, &item, &found, e);
        if (code || !found)
            break;
        code = take_item(x, f, &item, e);
        arena_reset(x->in->arena);
        if (!code)
            code = history_mark(x->in, 0, 0, e);
    }
    x->item = NULL;
    x->from = NULL;
    items_free(items);
    return code;
}

/* ---- a zip ---- */

static enum err_code unpack(struct chats *x, zip_t *z, zip_uint64_t index, int to, bool *whole, struct err *e)
{
    char piece[UNPACK_BYTES];
    zip_int64_t n = 1;
    enum err_code code = ERR_OK;
    zip_file_t *file = zip_fopen_index(z, index, 0);
    while (file && !code && n > 0) {
        n = zip_fread(file, piece, sizeof piece);
        if (n > 0)
            code = spool_wrote(x->in, &x->unpacked, (size_t)n, e);
        if (n > 0 && !code)
            code = file_write_fd(to, (struct str){piece, (size_t)n}, e);
    }
    *whole = file && n == 0;
    if (file)
        (void)zip_fclose(file);
    return code;
}

static enum err_code read_entry(struct chats *x, zip_t *z, zip_uint64_t index, const struct chats_format *f,
                                struct err *e)
{
    zip_stat_t st;
    bool whole, locked = !zip_stat_index(z, index, 0, &st) && (st.valid & ZIP_STAT_ENCRYPTION_METHOD) &&
                         st.encryption_method != ZIP_EM_NONE;
    int fd = spool_open(e);
    if (fd < 0)
        return e->code;
    enum err_code code = unpack(x, z, index, fd, &whole, e);
    struct history_in spooled = spool_in(x->in, fd);
    if (!code)
        code = read_list(x, &spooled, f, e);
    if (!code && !whole) {
        const struct history_at at = {++x->records, -1, 0};
        code = history_skip(x->in, locked ? HISTORY_ENCRYPTED : HISTORY_DAMAGED, &at, e);
    }
    close(fd);
    return code;
}

static bool is_conversations(const char *name)
{
    struct str base = path_base(str_of(name));
    return str_starts(base, "conversations") && str_ends(base, ".json");
}

static enum err_code read_zip(struct chats *x, const struct chats_format *f, struct err *e)
{
    enum err_code code = ERR_OK;
    bool lists = false;
    int why = 0, fd = dup(x->in->fd); /* its place in the file is shared, and nobody's */
    zip_t *z = fd < 0 || lseek(fd, 0, SEEK_SET) ? NULL : zip_fdopen(fd, 0, &why);
    if (!z) {
        const struct history_at at = {1, 0, x->in->size};
        if (fd >= 0)
            close(fd);
        return history_skip(x->in, HISTORY_DAMAGED, &at, e);
    }
    zip_int64_t n = zip_get_num_entries(z, 0);
    for (zip_int64_t i = 0; i < n && i < ENTRIES_MOST && !code; i++) {
        x->entry = zip_get_name(z, (zip_uint64_t)i, ZIP_FL_ENC_GUESS);
        lists = lists || (x->entry && is_conversations(x->entry));
        if (x->entry && is_conversations(x->entry))
            code = read_entry(x, z, (zip_uint64_t)i, f, e);
    }
    zip_discard(z);
    if (code || lists)
        return code;
    const struct history_at at = {1, 0, x->in->size}; /* a zip of something else */
    return history_skip(x->in, HISTORY_UNKNOWN, &at, e);
}

enum err_code chats_read(struct history_in *in, const struct chats_format *f, struct err *e)
{
    struct chats x = {.in = in};
    return str_ends(in->path, ".zip") ? read_zip(&x, f, e) : read_list(&x, in, f, e);
}
