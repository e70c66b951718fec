/* Byte-exact editing with the raw spans that base/json.h gives. */
#include "doors/proxy/splice.h"

#include <stdlib.h>

void splice_init(struct splice *s, struct str text)
{
    s->text = text;
    s->n = 0;
    s->failed = false;
}

static void edit(struct splice *s, const char *from, size_t remove, struct str insert)
{
    if (s->n == SPLICE_MAX || from < s->text.p || from + remove > s->text.p + s->text.n) {
        s->failed = true;
        return;
    }
    s->edits[s->n++] = (struct splice_edit){(size_t)(from - s->text.p), remove, insert};
}

void splice_insert(struct splice *s, const char *where, struct str insert)
{
    edit(s, where, 0, insert);
}

static bool is_named(struct str key, const char *const *names)
{
    for (; *names; names++)
        if (str_is(key, *names))
            return true;
    return false;
}

static const char *end_of(struct str s)
{
    return s.p + s.n;
}

/* A removed member goes with the comma and the white space after it; a run of them at the end goes from the last one
 * that stays, with the comma before it. */
void splice_remove_members(struct splice *s, const struct json *object, const char *const *names)
{
    const struct json_member *kept = NULL;
    for (size_t i = 0; i < object->n; i++) {
        if (!is_named(object->keys[i].key, names)) {
            kept = &object->keys[i];
            continue;
        }
        size_t last = i; /* of the run */
        while (last + 1 < object->n && is_named(object->keys[last + 1].key, names))
            last++;
        const char *from = object->keys[i].raw.p, *to = end_of(object->keys[last].raw);
        if (last + 1 < object->n)
            to = object->keys[last + 1].raw.p;
        else if (kept)
            from = end_of(kept->raw);
        edit(s, from, (size_t)(to - from), STR_NONE);
        i = last;
    }
}

static int by_place(const void *a, const void *b)
{
    const struct splice_edit *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return (x->remove > y->remove) - (x->remove < y->remove); /* insertions before a removal at the same place */
}

void splice_write(struct splice *s, struct buf *out)
{
    size_t at = 0;
    qsort(s->edits, s->n, sizeof s->edits[0], by_place);
    for (size_t i = 0; i < s->n && !s->failed; i++) {
        const struct splice_edit *e = &s->edits[i];
        if (e->at < at) {
            s->failed = true;
            break;
        }
        buf_put(out, s->text.p + at, e->at - at);
        buf_str(out, e->insert);
        at = e->at + e->remove;
    }
    if (s->failed)
        out->failed = true;
    else
        buf_put(out, s->text.p + at, s->text.n - at);
}
