/* Cursors. Text form: hex of the lines "<check>\n<value>\n<value>…", a value being n (null), i<integer>,
 * r<real in hex> or t<hex of text>; check is the start of a SHA-256 over kind, order and values. It guards against
 * slips, not against attack: a forged one could only name another place in a list the caller may read. */
#include "store/cursor.h"

#include "base/buf.h"
#include "base/id.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHECK_LEN = 12, CURSOR_MAX = 8192 };

/* ---- the order of a kind ---- */

static const struct {
    const char *name;
    enum field_type type;
} shared[] = {{"seq", FIELD_INT},         {"id", FIELD_TEXT},         {"project", FIELD_TEXT},
              {"created_at", FIELD_TIME}, {"updated_at", FIELD_TIME}, {"version", FIELD_INT}};

/* Whether a column can be NULL decides how rows after it are found. */
static void describe(const struct kind *k, struct order_column *c)
{
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
        if (str_is(c->name, shared[i].name)) {
            c->type = shared[i].type;
            c->never_null = true;
        }
    int field = kind_field(k, c->name);
    if (field >= 0)
        c->type = k->fields[field].type;
}

/* seq at the end makes the order total: equal values would otherwise let rows slip between pages. */
size_t order_columns(const struct kind *k, struct order_column *out)
{
    size_t n = 0;
    bool has_seq = false;
    struct str rest = str_of(k->order);
    while (rest.p && n < ORDER_MAX - 1) {
        struct str direction = str_trim(str_cut(&rest, ','));
        struct str name = str_cut(&direction, ' ');
        out[n] = (struct order_column){.name = name, .descending = str_ieq(str_trim(direction), STR("DESC"))};
        describe(k, &out[n]);
        has_seq = has_seq || str_is(name, "seq");
        n++;
    }
    if (!has_seq) {
        out[n] = (struct order_column){.name = STR("seq"), .descending = n ? out[0].descending : true};
        describe(k, &out[n++]);
    }
    return n;
}

/* The shared columns are no fields and live in the record itself. */
struct value order_value(const struct record *r, const struct order_column *c)
{
    int field = kind_field(r->kind, c->name);
    if (field >= 0)
        return r->v[field];
    if (str_is(c->name, "id"))
        return V_TEXT(r->id);
    if (str_is(c->name, "project"))
        return V_TEXT(r->project);
    if (str_is(c->name, "created_at"))
        return V_INT(r->created_at);
    if (str_is(c->name, "updated_at"))
        return V_INT(r->updated_at);
    return V_INT(str_is(c->name, "version") ? r->version : r->seq);
}

/* ---- hex ---- */

static void put_hex(struct buf *b, struct str s)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < s.n; i++) {
        buf_char(b, digits[(unsigned char)s.p[i] >> 4]);
        buf_char(b, digits[(unsigned char)s.p[i] & 15]);
    }
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static struct str read_hex(struct arena *a, struct str s)
{
    char *p = s.n % 2 ? NULL : arena_alloc(a, s.n / 2 + 1);
    if (!p)
        return STR_NONE;
    for (size_t i = 0; i < s.n / 2; i++) {
        int high = digit(s.p[2 * i]), low = digit(s.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return STR_NONE;
        p[i] = (char)(high << 4 | low);
    }
    return (struct str){p, s.n / 2};
}

/* ---- values ---- */

static void put_value(struct buf *b, const struct value *v)
{
    switch (v->type) {
    case VALUE_INT:
        buf_fmt(b, "i%lld", (long long)v->i);
        break;
    case VALUE_REAL:
        buf_fmt(b, "r%a", v->d);
        break;
    case VALUE_TEXT:
        buf_char(b, 't');
        put_hex(b, v->s);
        break;
    case VALUE_UNSET:
    case VALUE_NULL:
        buf_char(b, 'n');
        break;
    }
    buf_char(b, '\n');
}

/* Checked strictly although the check sum has passed: nothing of a caller's is trusted. */
static bool read_value(struct arena *a, struct str line, struct value *out)
{
    char type = line.n ? line.p[0] : '\0';
    struct str rest = str_skip(line, 1);
    char number[64];
    switch (type) {
    case 'n':
        *out = V_NULL;
        return rest.n == 0;
    case 'i':
        *out = V_INT(0);
        return str_int(rest, &out->i);
    case 'r':
        if (rest.n >= sizeof number)
            return false;
        memcpy(number, rest.p, rest.n);
        number[rest.n] = '\0';
        *out = V_REAL(strtod(number, NULL));
        return rest.n > 0;
    case 't':
        *out = V_TEXT(read_hex(a, rest));
        return out->s.p != NULL;
    default:
        return false;
    }
}

static void make_check(const struct kind *k, struct str values, char out[65])
{
    struct buf b;
    buf_init(&b, 0);
    buf_fmt(&b, "%s\n%s\n", k->name, k->order ? k->order : "");
    buf_str(&b, values);
    id_sha256(b.failed ? STR("") : buf_view(&b), out);
    buf_release(&b);
    out[CHECK_LEN] = '\0';
}

struct str cursor_make(struct arena *a, const struct record *r)
{
    struct order_column columns[ORDER_MAX];
    size_t n = order_columns(r->kind, columns);
    struct buf values, whole;
    char check[65];
    buf_init(&values, 0);
    buf_init(&whole, CURSOR_MAX);
    for (size_t i = 0; i < n; i++) {
        struct value v = order_value(r, &columns[i]);
        put_value(&values, &v);
    }
    make_check(r->kind, buf_view(&values), check);
    put_hex(&whole, str_of(check));
    put_hex(&whole, STR("\n"));
    put_hex(&whole, buf_view(&values));
    struct str out = values.failed || whole.failed ? STR_NONE : arena_str(a, buf_view(&whole));
    buf_release(&values);
    buf_release(&whole);
    return out;
}

enum err_code cursor_read(struct arena *a, const struct kind *k, struct str cursor, struct value *out, struct err *e)
{
    static const char *const wrong = "cursor must be the next_cursor of an earlier page of the same list";
    struct order_column columns[ORDER_MAX];
    size_t n = order_columns(k, columns), i = 0;
    char check[65];
    struct str text = cursor.n <= CURSOR_MAX ? read_hex(a, cursor) : STR_NONE;
    if (arena_failed(a))
        return err_nomem(e);
    struct str given = str_cut(&text, '\n');
    make_check(k, text, check);
    if (!text.p || !str_is(given, check))
        return err_set(e, ERR_INVALID, "cursor", "%s", wrong);
    for (; i < n && text.n; i++)
        if (!read_value(a, str_cut(&text, '\n'), &out[i]))
            return err_set(e, ERR_INVALID, "cursor", "%s", wrong);
    return i == n && !text.n ? ERR_OK : err_set(e, ERR_INVALID, "cursor", "%s", wrong);
}
