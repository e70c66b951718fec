/* What the store knows of a file: how far it was read, what became of its lines, and its checksum, kept so that it can
 * be gone on with. In records of kind import_file. */
#include "service/history/state.h"

#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 1 << 16, ANCHOR_BYTES = 4096 };

/* ---- counts as JSON ---- */

static int64_t int_of(const struct json *o, const char *key)
{
    const struct json *v = json_get_type(o, key, JSON_INT);
    return v ? v->integer : 0;
}

void counts_read(struct arena *a, struct str text, struct file_counts *out)
{
    const struct json *o = NULL;
    *out = (struct file_counts){0};
    if (!text.n || json_parse(a, text, JSON_DUPLICATES_OK, &o, NULL))
        return;
    out->c = (struct history_counts){int_of(o, "lines"), int_of(o, "new"), int_of(o, "merged"), int_of(o, "duplicates"),
                                     int_of(o, "skipped")};
    out->before = int_of(o, "before");
    const struct json *why = json_get_type(o, "why", JSON_OBJECT);
    for (size_t i = 0; why && i < why->n; i++)
        reasons_add(out, why->keys[i].key, why->items[i].integer);
}

struct str counts_text(struct arena *a, const struct file_counts *f)
{
    struct buf b;
    struct json_out w;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_object(&w);
    jw_kint(&w, "lines", f->c.lines);
    jw_kint(&w, "new", f->c.fresh);
    jw_kint(&w, "merged", f->c.merged);
    jw_kint(&w, "duplicates", f->c.duplicates);
    jw_kint(&w, "skipped", f->c.skipped);
    if (f->before)
        jw_kint(&w, "before", f->before);
    jw_key(&w, "why");
    jw_object(&w);
    for (size_t i = 0; i < f->n; i++) {
        if (!f->why[i].n)
            continue;
        jw_key_str(&w, f->why[i].name);
        jw_int(&w, f->why[i].n);
    }
    jw_end_object(&w);
    jw_end_object(&w);
    return buf_take(&b, a);
}

void reasons_add(struct file_counts *f, struct str name, int64_t n)
{
    for (size_t i = 0; i < f->n; i++) {
        if (str_eq(f->why[i].name, name)) {
            f->why[i].n += n;
            return;
        }
    }
    if (f->n < HISTORY_REASONS) {
        f->why[f->n].name = name;
        f->why[f->n++].n = n;
    }
}

void counts_sum(struct history_counts *to, const struct history_counts *more, int sign)
{
    to->lines += sign * more->lines;
    to->fresh += sign * more->fresh;
    to->merged += sign * more->merged;
    to->duplicates += sign * more->duplicates;
    to->skipped += sign * more->skipped;
}

static void sum(struct file_counts *to, const struct file_counts *more, int sign)
{
    counts_sum(&to->c, &more->c, sign);
    for (size_t i = 0; i < more->n; i++)
        reasons_add(to, more->why[i].name, sign * more->why[i].n);
}

void counts_add(struct file_counts *to, const struct file_counts *more)
{
    sum(to, more, 1);
}

void counts_subtract(struct file_counts *from, const struct file_counts *less)
{
    sum(from, less, -1);
}

/* ---- the record ---- */

static void hash_read(struct str hex, struct sha256 *out)
{
    size_t n = 0;
    sha256_begin(out);
    bool native = out->native;
    if (sodium_hex2bin((unsigned char *)out, sizeof *out, hex.p ? hex.p : "", hex.n, NULL, &n, NULL) ||
        n != sizeof *out)
        sha256_begin(out);
    out->native = native;
}

enum err_code state_read(struct store_tx *tx, struct arena *a, struct file_state *s, struct err *e)
{
    struct record *r;
    struct err why = {0};
    enum err_code code = record_get(tx, a, KIND_IMPORT_FILE, str_of(s->id), STR_NONE, &r, &why);
    sha256_begin(&s->hash);
    if (code == ERR_NOT_FOUND)
        return ERR_OK;
    if (code)
        return err_set(e, code, NULL, "%s", why.message);
    s->seq = r->seq;
    s->device = record_int(r, "device");
    s->inode = record_int(r, "inode");
    s->size = record_int(r, "size");
    s->modified_ns = record_int(r, "modified");
    s->read_to = record_int(r, "read_to");
    s->lines = record_int(r, "lines");
    s->last_time = record_int(r, "last_time");
    s->read = str_is(record_text(r, "status"), "read");
    hash_read(record_text(r, "hash_state"), &s->hash);
    s->anchor = arena_str(a, record_text(r, "anchor"));
    s->reading = record_text(r, "reading");
    s->counts = record_text(r, "counts");
    s->tail = record_text(r, "tail");
    return s->anchor.p || !record_text(r, "anchor").p ? ERR_OK : err_nomem(e);
}

void state_fill(struct arena *a, const struct file_state *s, struct record *r)
{
    struct sha256 end = s->hash;
    unsigned char bytes[SHA256_BYTES];
    char hex[2 * SHA256_BYTES + 1], state[2 * sizeof end + 1];
    sha256_end(&end, bytes);
    sodium_bin2hex(hex, sizeof hex, bytes, sizeof bytes);
    sodium_bin2hex(state, sizeof state, (const unsigned char *)&s->hash, sizeof s->hash);
    record_set(r, "device", V_INT(s->device));
    record_set(r, "inode", V_INT(s->inode));
    record_set(r, "size", V_INT((int64_t)s->hash.bytes));
    record_set(r, "modified", V_INT(s->modified_ns));
    record_set(r, "checksum", V_TEXT(arena_str(a, str_of(hex))));
    record_set(r, "hash_state", V_TEXT(arena_str(a, str_of(state))));
    record_set(r, "anchor", V_TEXT(s->anchor));
}

/* ---- checksums ---- */

enum err_code state_hash(int fd, struct sha256 *h, int64_t to, const atomic_bool *stop, struct err *e)
{
    static _Thread_local unsigned char chunk[CHUNK];
    while ((int64_t)h->bytes < to) {
        if (stop && atomic_load_explicit(stop, memory_order_relaxed))
            return err_set(e, ERR_LIMIT, NULL, "it was stopped");
        int64_t left = to - (int64_t)h->bytes;
        ssize_t n = pread(fd, chunk, left < CHUNK ? (size_t)left : CHUNK, (int64_t)h->bytes);
        if (n < 0)
            return err_set(e, ERR_IO, NULL, "cannot read it: %m");
        if (n == 0)
            break; /* it was cut short meanwhile */
        sha256_add(h, chunk, (size_t)n);
    }
    return ERR_OK;
}

struct str state_anchor(struct arena *a, int fd, int64_t to)
{
    char bytes[ANCHOR_BYTES], hex[65];
    int64_t from = to > ANCHOR_BYTES ? to - ANCHOR_BYTES : 0;
    ssize_t n = pread(fd, bytes, (size_t)(to - from), from);
    id_sha256((struct str){bytes, n > 0 ? (size_t)n : 0}, hex);
    return arena_str(a, str_of(hex));
}
