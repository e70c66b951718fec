/* Finding elements: a reader of bytes, and a count of brackets outside strings. See items.h. */
#include "history/items.h"

#include "base/file.h"
#include "base/mem.h"

#include <string.h>

enum { KEY_MOST = 64 };

struct items {
    struct history_in in;
    const char *member;
    bool keyed, object; /* object: it is the members of one that are given */
    char buffer[ITEMS_BUFFER];
    size_t at, n;   /* of the buffer */
    int64_t offset; /* of the buffer's first byte */
    struct buf text, key;
    enum { UNKNOWN, INSIDE, WHOLE, OVER } state;
};

struct items *items_new(const struct history_in *in, const char *member, bool keyed)
{
    struct items *x = mem_zalloc(sizeof *x);
    if (!x)
        return NULL;
    x->in = *in;
    x->offset = in->from;
    x->member = member;
    x->keyed = keyed;
    buf_init(&x->text, ITEMS_MOST);
    buf_init(&x->key, 0);
    return x;
}

void items_free(struct items *x)
{
    if (!x)
        return;
    buf_release(&x->text);
    buf_release(&x->key);
    mem_free(x);
}

/* ---- bytes ---- */

/* The next byte without taking it; -1 at the end, and when *code is set. */
static int peek(struct items *x, enum err_code *code, struct err *e)
{
    if (x->at < x->n)
        return (unsigned char)x->buffer[x->at];
    x->offset += (int64_t)x->n;
    x->at = x->n = 0;
    int64_t left = x->in.size - x->offset;
    if (*code || left <= 0)
        return -1;
    *code = file_read_at(x->in.fd, x->offset, x->buffer, left < ITEMS_BUFFER ? (size_t)left : ITEMS_BUFFER, &x->n, e);
    return *code || !x->n ? -1 : (unsigned char)x->buffer[0];
}

static int64_t place(const struct items *x)
{
    return x->offset + (int64_t)x->at;
}

static void go_to(struct items *x, int64_t offset)
{
    x->offset = offset;
    x->at = x->n = 0;
}

/* To the next byte that is no white space (nor NUL, nor a byte order mark); it is not taken. */
static int next_sign(struct items *x, enum err_code *code, struct err *e)
{
    int c;
    while ((c = peek(x, code, e)) >= 0 && (c <= ' ' || c == 0xEF || c == 0xBB || c == 0xBF))
        x->at++;
    return c;
}

static void keep(struct items *x, char c, struct buf *out)
{
    if (out && !out->failed)
        buf_char(out, c);
    x->at++;
}

/* Takes a string from its opening quote to its closing one. */
static void take_string(struct items *x, struct buf *out, enum err_code *code, struct err *e)
{
    bool escaped = false, opened = false;
    int c;
    while ((c = peek(x, code, e)) >= 0) {
        keep(x, (char)c, out);
        if (c == '"' && opened && !escaped)
            return;
        opened = true;
        escaped = c == '\\' && !escaped;
    }
}

/* Takes a value whole: up to the comma or bracket behind it. */
static void take_value(struct items *x, struct buf *out, enum err_code *code, struct err *e)
{
    size_t depth = 0;
    int c;
    while ((c = peek(x, code, e)) >= 0) {
        if (c == '"') {
            take_string(x, out, code, e);
            continue;
        }
        bool closes = c == ']' || c == '}';
        if (!depth && (closes || c == ','))
            return;
        depth += c == '[' || c == '{';
        depth -= closes;
        keep(x, (char)c, out);
        if (closes && !depth)
            return;
    }
}

/* ---- the array ---- */

/* At the member's value; false when the object has no such member. */
static bool find_member(struct items *x, enum err_code *code, struct err *e)
{
    struct buf key;
    bool found = false;
    buf_init(&key, KEY_MOST);
    x->at++;
    while (!found && next_sign(x, code, e) == '"') {
        buf_clear(&key);
        take_string(x, &key, code, e);
        struct str name = buf_view(&key);
        if (next_sign(x, code, e) != ':')
            break;
        x->at++;
        (void)next_sign(x, code, e);
        found = !key.failed && name.n > 2 && str_is(str_take(str_skip(name, 1), name.n - 2), x->member);
        if (found)
            break;
        take_value(x, NULL, code, e);
        if (next_sign(x, code, e) != ',')
            break;
        x->at++;
    }
    buf_release(&key);
    return found;
}

static void begin(struct items *x, enum err_code *code, struct err *e)
{
    int c = next_sign(x, code, e);
    int64_t from = place(x);
    x->state = OVER;
    if (c == '{') {
        c = x->member && find_member(x, code, e) ? peek(x, code, e) : 0;
        x->object = c == '{' && x->keyed;
        x->state = c == '[' || x->object ? INSIDE : WHOLE;
    } else if (c == '[') {
        x->state = INSIDE;
    }
    if (x->state == INSIDE)
        x->at++;
    else
        go_to(x, from);
}

/* Takes the key and the colon before a member's value. */
static bool take_key(struct items *x, enum err_code *code, struct err *e)
{
    buf_clear(&x->key);
    if (next_sign(x, code, e) != '"')
        return false;
    take_string(x, &x->key, code, e);
    if (next_sign(x, code, e) != ':')
        return false;
    x->at++;
    (void)next_sign(x, code, e);
    return !x->key.failed;
}

enum err_code items_next(struct items *x, struct item *out, bool *found, struct err *e)
{
    enum err_code code = ERR_OK;
    if (x->state == UNKNOWN)
        begin(x, &code, e);
    int c = x->state == OVER ? -1 : next_sign(x, &code, e);
    while (x->state == INSIDE && c == ',') {
        x->at++;
        c = next_sign(x, &code, e);
    }
    *found = c >= 0 && c != ']' && c != '}' && !code && (!x->object || take_key(x, &code, e));
    if (x->state == WHOLE || !*found)
        x->state = OVER;
    if (!*found)
        return code;
    buf_clear(&x->text);
    struct str key = x->object ? buf_view(&x->key) : STR_NONE;
    *out = (struct item){.offset = place(x), .key = key.n > 1 ? str_take(str_skip(key, 1), key.n - 2) : STR_NONE};
    take_value(x, &x->text, &code, e);
    out->bytes = place(x) - out->offset;
    out->too_large = x->text.failed;
    out->text = out->too_large ? STR_NONE : buf_view(&x->text);
    return code;
}

struct history_in items_part(const struct history_in *in, const struct item *part)
{
    struct history_in out = *in;
    out.from = part->offset;
    out.size = part->offset + part->bytes;
    return out;
}

enum err_code items_member(const struct history_in *in, const char *member, struct buf *out, struct err *e)
{
    struct items *x = items_new(in, member, false);
    enum err_code code = x ? ERR_OK : err_nomem(e);
    buf_clear(out);
    if (x && next_sign(x, &code, e) == '{' && find_member(x, &code, e))
        take_value(x, &x->text, &code, e);
    if (x && !x->text.failed)
        buf_str(out, buf_view(&x->text));
    items_free(x);
    return code;
}
