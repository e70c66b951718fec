/* JSON reading and writing. Whatever the bytes: no crash; a refused text has a fault that can be
 * located; an accepted one has sound raw spans, and its minified form reads back as the same tree. */
#include "base/json_write.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static bool within(struct str inner, struct str outer)
{
    return inner.n > 0 && inner.p >= outer.p && inner.p + inner.n <= outer.p + outer.n;
}

static void check_spans(const struct json *v, struct str outer, int depth)
{
    must(depth <= JSON_MAX_DEPTH);
    must(within(v->raw, outer));
    must(v->type != JSON_STRING || text_utf8_valid(v->s));
    char first = v->raw.p[0], last = v->raw.p[v->raw.n - 1];
    must(v->type != JSON_STRING || (first == '"' && last == '"'));
    must(v->type != JSON_ARRAY || (first == '[' && last == ']'));
    must(v->type != JSON_OBJECT || (first == '{' && last == '}'));
    for (size_t i = 0; i < v->n; i++) {
        struct str part = v->raw;
        if (v->type == JSON_OBJECT) {
            part = v->keys[i].raw;
            must(within(part, v->raw) && part.p[0] == '"' && text_utf8_valid(v->keys[i].key));
        }
        check_spans(&v->items[i], part, depth + 1);
    }
}

static void check_same(const struct json *a, const struct json *b)
{
    must(a->type == b->type && a->n == b->n && a->boolean == b->boolean && a->integer == b->integer);
    must(a->number == b->number && str_eq(a->s, b->s));
    for (size_t i = 0; i < a->n; i++) {
        must(a->type == JSON_ARRAY || str_eq(a->keys[i].key, b->keys[i].key));
        check_same(&a->items[i], &b->items[i]);
    }
}

static void check_accepted(struct arena *a, const struct json *tree, struct str text, unsigned flags)
{
    struct buf b;
    struct json_out w;
    struct err e = {0};
    const struct json *again;
    check_spans(tree, text, 0);
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_value(&w, tree);
    must(json_parse(a, buf_view(&b), flags, &again, &e) == ERR_OK);
    check_same(tree, again);
    buf_release(&b);
}

static void check_refused(const struct err *e)
{
    must(e->code == ERR_INVALID && strcmp(e->field, "body") == 0);
    must(strstr(e->message, "line ") || strstr(e->message, "empty") || strstr(e->message, "twice") ||
         strstr(e->message, "out of range"));
}

/* Any bytes at all come out as a valid string. */
static void check_writing(struct arena *a, struct str bytes)
{
    struct buf b;
    struct json_out w;
    const struct json *v;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_str(&w, bytes);
    must(json_parse(a, buf_view(&b), 0, &v, NULL) == ERR_OK);
    must(!bytes.p || !text_utf8_valid(bytes) || str_eq(v->s, bytes));
    buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    struct str text = {(const char *)data, size};
    for (unsigned flags = 0; flags <= JSON_DUPLICATES_OK; flags++) {
        struct err e = {0};
        const struct json *tree;
        if (json_parse(a, text, flags, &tree, &e) == ERR_OK)
            check_accepted(a, tree, text, flags);
        else
            check_refused(&e);
    }
    check_writing(a, text);
    arena_free(a);
    return 0;
}
