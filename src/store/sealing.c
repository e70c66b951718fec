/* Sealing and opening single values, and whose key it is. See sealing.h. */
#include "store/sealing.h"

#include "store/pack_int.h"
#include "store/scope.h"

#include <string.h>

enum { ABOUT_ROOM = 400 };
static const unsigned char MARK[3] = {0xca, 0x12, 0x5e};
_Static_assert((int)SEALED_EXTRA == 52, "as statements.h has it");

bool tx_seals(const struct store_tx *tx)
{
    return keyring_seals(store_keyring(tx->store));
}

static bool holds_text(const struct field *f)
{
    return f->type == FIELD_TEXT || f->type == FIELD_OBJECT || f->type == FIELD_ARRAY || f->type == FIELD_JSON;
}

bool field_seals(const struct kind *k, const struct field *f)
{
    bool told = !(f->flags & FIELD_EXACT) || (f->flags & FIELD_SEALED);
    return told && holds_text(f) && !(f->flags & (FIELD_INDEXED | FIELD_FILTER)) && !(k->flags & KIND_CHAIN) &&
           kind_has_session(k);
}

bool kind_seals(const struct kind *k)
{
    bool any = false;
    for (size_t i = 0; i < k->n_fields; i++)
        any = any || field_seals(k, &k->fields[i]);
    return any;
}

/* ---- whose key ---- */

/* Numbers that are taken are noted in the keyring without a sync, so after a power cut it may not know the last ones.
 */
enum err_code slot_take(struct store_tx *tx, int64_t *slot, struct err *e)
{
    struct query q;
    query_fixed(&q, tx, STMT_SLOT_LAST, e);
    int64_t last = query_row(&q) && !tx->d->column_null(q.s, 0) ? query_col_int(&q, 0) : -1;
    enum err_code rc = query_end(&q);
    return rc ? rc : keyring_take(store_keyring(tx->store), last + 1, slot, e);
}

static enum err_code give_slot(struct store_tx *tx, struct record *r, int64_t *slot, struct err *e)
{
    struct value *v = &r->v[kind_field(KIND_SESSION, STR("key_slot"))];
    enum err_code rc = v->type == VALUE_INT ? ERR_OK : slot_take(tx, &v->i, e);
    v->type = VALUE_INT;
    *slot = v->i;
    return rc;
}

static void read_slot(struct query *q, int column, int64_t *slot)
{
    *slot = q->tx->d->column_null(q->s, column) ? SEAL_STORE : query_col_int(q, column);
}

enum err_code slot_of_new(struct store_tx *tx, struct record *r, int64_t *slot, struct err *e)
{
    static const char *const named[] = {"session_id", "conversation_id", "source_session_id"};
    struct buf sql;
    struct query q;
    *slot = SEAL_STORE;
    if (!tx_seals(tx) || !kind_seals(r->kind))
        return ERR_OK;
    if (r->kind == KIND_SESSION)
        return give_slot(tx, r, slot, e);
    buf_init(&sql, SQL_CACHE_TEXT);
    buf_cstr(&sql, "SELECT s.key_slot FROM session s WHERE s.id = (SELECT ");
    scope_put_session_id(&sql, r->kind, "n");
    buf_cstr(&sql, " FROM (SELECT ?1 AS session_id, ?2 AS conversation_id, ?3 AS source_session_id) AS n)");
    enum err_code rc = sql.failed ? err_nomem(e) : ERR_OK;
    if (!rc) {
        query_sql(&q, tx, buf_view(&sql), "find the session of a record", e);
        for (size_t i = 0; i < sizeof named / sizeof *named; i++)
            query_text(&q, record_text(r, named[i]));
        if (query_row(&q))
            read_slot(&q, 0, slot);
        rc = query_end(&q);
    }
    buf_release(&sql);
    return rc;
}

enum err_code slot_of_stored(struct store_tx *tx, struct arena *a, const struct kind *k, int64_t seq, struct str *id,
                             int64_t *slot, struct err *e)
{
    struct buf sql;
    struct query q;
    *slot = SEAL_STORE;
    *id = STR_NONE;
    buf_init(&sql, SQL_CACHE_TEXT);
    buf_cstr(&sql, "SELECT r.id, ");
    if (k == KIND_SESSION) {
        buf_cstr(&sql, "r.key_slot");
    } else {
        buf_cstr(&sql, "(SELECT s.key_slot FROM session s WHERE s.id = ");
        scope_put_session_id(&sql, k, "r");
        buf_char(&sql, ')');
    }
    buf_fmt(&sql, " FROM \"%s\" r WHERE r.seq = ?1", k->name);
    enum err_code rc = sql.failed ? err_nomem(e) : ERR_OK;
    if (!rc) {
        query_sql(&q, tx, buf_view(&sql), "find the session of a record", e);
        query_int(&q, seq);
        if (query_row(&q)) {
            *id = query_col_text(&q, a, 0);
            read_slot(&q, 1, slot);
        }
        rc = query_end(&q);
    }
    buf_release(&sql);
    return rc;
}

/* ---- values ---- */

bool value_is_sealed(struct str bytes)
{
    return bytes.n >= SEALED_EXTRA && memcmp(bytes.p, MARK, sizeof MARK) == 0;
}

unsigned value_flags(struct str sealed)
{
    return (unsigned char)sealed.p[sizeof MARK];
}

int64_t value_slot(struct str sealed)
{
    const unsigned char *p = (const unsigned char *)sealed.p + sizeof MARK + 1;
    uint32_t v = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    return v == UINT32_MAX ? SEAL_STORE : (int64_t)v;
}

static void put_ahead(unsigned char *p, unsigned flags, int64_t slot)
{
    uint32_t v = (uint32_t)slot;
    memcpy(p, MARK, sizeof MARK);
    p[sizeof MARK] = (unsigned char)flags;
    for (int i = 0; i < 4; i++)
        p[sizeof MARK + 1 + i] = (unsigned char)(v >> (8 * i));
}

bool value_is_empty(struct str text)
{
    return text.n == 0 || (text.n == 2 && (memcmp(text.p, "{}", 2) == 0 || memcmp(text.p, "[]", 2) == 0));
}

static size_t put_part(char *out, size_t at, struct str part, size_t most)
{
    part = str_take(part, most);
    if (part.n)
        memcpy(out + at, part.p, part.n);
    out[at + part.n] = '/';
    return at + part.n + 1;
}

/* "turn/content/turn_…/0". By hand: it is made for every text that is read. */
static struct str about(char out[ABOUT_ROOM], struct str kind, struct str field, struct str id, unsigned flags)
{
    size_t at = put_part(out, 0, kind, 40);
    at = put_part(out, at, field, 40);
    at = put_part(out, at, id, 250);
    char digits[4]; /* one byte's */
    size_t n = 0;
    do {
        digits[n++] = (char)('0' + flags % 10);
    } while ((flags /= 10) && n < sizeof digits);
    while (n)
        out[at++] = digits[--n];
    return (struct str){out, at};
}

enum err_code value_seal(struct store_tx *tx, struct arena *a, int64_t slot, struct sealed_place at, unsigned flags,
                         struct str plain, struct str *out, struct err *e)
{
    char words[ABOUT_ROOM];
    if (slot >= UINT32_MAX)
        return err_set(e, ERR_TOO_LARGE, NULL, "the store has too many sessions' keys");
    unsigned char *p = arena_alloc(a, plain.n + SEALED_EXTRA);
    if (!p)
        return err_nomem(e);
    put_ahead(p, flags, slot);
    *out = (struct str){(const char *)p, plain.n + SEALED_EXTRA};
    return keyring_seal_at(store_keyring(tx->store), slot, plain,
                           about(words, str_of(at.kind), str_of(at.field), at.id, flags), p + SEALED_AHEAD, e);
}

enum err_code value_open(const struct store *s, struct arena *a, struct sealed_place at, struct str sealed,
                         struct str *out, struct err *e)
{
    char words[ABOUT_ROOM];
    struct keyring *k = store_keyring(s);
    *out = STR_NONE;
    if (!k || !value_is_sealed(sealed))
        return err_set(e, ERR_CORRUPT, NULL, "a sealed text is damaged, or its keys are not there");
    return keyring_open_bytes(k, value_slot(sealed), str_skip(sealed, SEALED_AHEAD),
                              about(words, str_of(at.kind), str_of(at.field), at.id, value_flags(sealed)), a, out, e);
}

void query_field(struct query *q, struct arena *a, const struct kind *k, const struct field *f, struct str id,
                 int64_t slot, const struct value *v)
{
    struct str sealed;
    if (v->type != VALUE_TEXT || value_is_empty(v->s) || !tx_seals(q->tx) || !field_seals(k, f)) {
        query_value(q, v);
        return;
    }
    enum err_code rc = value_seal(q->tx, a, slot, (struct sealed_place){k->name, f->name, id}, 0, v->s, &sealed, q->e);
    if (rc && !q->rc)
        q->rc = rc;
    if (rc)
        query_null(q);
    else
        query_bytes(q, sealed);
}

struct str query_col_sealed(struct query *q, struct arena *a, int i, struct sealed_place at)
{
    struct str opened;
    struct err gone = {0};
    if (!q->tx->d->column_is_bytes(q->s, i))
        return query_col_text(q, a, i);
    struct str bytes = q->tx->d->column_bytes(q->s, i);
    if (!value_is_sealed(bytes))
        return query_col_text(q, a, i);
    enum err_code rc = value_open(q->tx->store, a, at, bytes, &opened, &gone);
    if (rc == ERR_GONE)
        return STR_NONE;
    if (!rc && value_flags(bytes) & SEALED_PACKED)
        rc = tx_unpack(q->tx, a, opened, &opened, &gone);
    if (rc && !q->rc)
        q->rc = err_set(q->e, rc, NULL, "%s", gone.message);
    return rc ? STR_NONE : opened;
}

/* ---- SQL ---- */

bool sealing_opened(void *store, struct str sealed, struct str kind, struct str id, struct str field, struct buf *out)
{
    char words[ABOUT_ROOM];
    struct keyring *k = store_keyring(store);
    char *room = k && value_is_sealed(sealed) && !(value_flags(sealed) & SEALED_PACKED)
                     ? buf_room(out, sealed.n - SEALED_EXTRA + 1)
                     : NULL;
    if (!room || keyring_open_at(k, value_slot(sealed), str_skip(sealed, SEALED_AHEAD),
                                 about(words, kind, field, id, value_flags(sealed)), room, NULL))
        return false;
    buf_added(out, sealed.n - SEALED_EXTRA);
    return true;
}

void put_opened(struct buf *sql, const struct store_tx *tx, const struct kind *k, const struct field *f,
                const char *row)
{
    if (store_keyring(tx->store) && field_seals(k, f))
        buf_fmt(sql, "opened(%s\"%s\", %sid, '%s', '%s')", row, f->name, row, k->name, f->name);
    else
        buf_fmt(sql, "%s\"%s\"", row, f->name);
}
