/* One look at all that a JSON text says, before each of its values is searched by itself (json.c): metadata of turns
 * are many small texts, and beginning a search costs more than searching them. All that json.c would search is written
 * line by line into one text, which the prefilter goes through once. Most often it sees nothing; else the few patterns
 * whose forms it saw are the only ones that can match in any of the lines (detector.h: a form lies within every match),
 * and \n stands for a text's ends. The letter between lines keeps numbers apart. */
#include "privacy/privacy_int.h"

enum { PREFIX_MOST = 256, TEXT_MOST = 64 << 10, ROOM = 128 };

struct lines {
    struct buf b;
    struct buf ends; /* uint32_t: where the lines of each text end */
    struct arena *a;
    int inner;
    bool edges; /* forms may ask for a line's ends: names and values get lines of their own as well */
};

size_t json_named(struct buf *b, const struct json_path *at, struct str value, const char *quote)
{
    const struct str outer = str_take(at->outer, PREFIX_MOST);
    buf_char(b, '"');
    buf_str(b, outer);
    if (outer.n)
        buf_char(b, '.');
    buf_str(b, str_take(at->name, PREFIX_MOST));
    buf_cstr(b, "\": ");
    buf_cstr(b, quote);
    const size_t prefix = b->n;
    buf_str(b, value);
    buf_cstr(b, quote);
    return prefix;
}

bool json_inside(struct arena *a, struct str s, const struct json **out)
{
    struct str t = str_trim(s);
    return t.n > 1 && (t.p[0] == '{' || t.p[0] == '[') && json_parse(a, s, JSON_DUPLICATES_OK, out, NULL) == ERR_OK;
}

static void put_line(struct lines *l, struct str text)
{
    buf_str(&l->b, text);
    buf_cstr(&l->b, "\nz\n");
}

/* What was put since the last one was a text's. */
static void text_ends(struct lines *l)
{
    const uint32_t end = (uint32_t)l->b.n;
    buf_put(&l->ends, &end, sizeof end);
}

static void put_value(struct lines *l, const struct json_path *at, struct str value, const char *quote)
{
    if (at->name.p) {
        (void)json_named(&l->b, at, value, quote);
        put_line(l, STR(""));
    }
    if (l->edges || !at->name.p)
        put_line(l, value);
    text_ends(l);
}

static void put(struct lines *l, const struct json_path *at, const struct json *v);

static void put_members(struct lines *l, const struct json_path *at, const struct json *v)
{
    for (size_t i = 0; !l->b.failed && i < v->n; i++) {
        const struct json_path member = {at->name, v->keys[i].key};
        const enum json_type type = v->items[i].type;
        const bool with_value = type == JSON_STRING || type == JSON_INT || type == JSON_DOUBLE;
        if (l->edges || !with_value || member.name.n > PREFIX_MOST)
            put_line(l, member.name);
        text_ends(l);
        put(l, &member, &v->items[i]);
    }
}

static void put(struct lines *l, const struct json_path *at, const struct json *v)
{
    const struct json *inside;
    switch (v->type) {
    case JSON_STRING:
        put_value(l, at, v->s, "\"");
        if (!l->b.failed && l->inner < JSON_INNER && json_inside(l->a, v->s, &inside)) {
            l->inner++;
            put(l, at, inside);
            l->inner--;
        }
        break;
    case JSON_INT:
    case JSON_DOUBLE:
        put_value(l, at, v->raw, "");
        break;
    case JSON_OBJECT:
        put_members(l, at, v);
        break;
    case JSON_ARRAY:
        for (size_t i = 0; !l->b.failed && i < v->n; i++)
            put(l, at, &v->items[i]);
        break;
    case JSON_NULL:
    case JSON_BOOL:
        break;
    }
}

static uint32_t text_at(const struct lines *l, uint32_t end)
{
    const uint32_t *ends = (const uint32_t *)(const void *)l->ends.p;
    uint32_t n = 0;
    while (ends[n] < end)
        n++;
    return n;
}

/* Of what was seen what the level masks. */
static enum err_code take_hits(const struct privacy *p, enum privacy_level level, const struct lines *l,
                               const struct sights *seen, struct json_first *out, struct err *e)
{
    out->hits = seen->n ? arena_array(l->a, struct sight, seen->n) : NULL;
    if (seen->n && !out->hits)
        return err_nomem(e);
    for (size_t i = 0; i < seen->n; i++) {
        const struct sight *s = &seen->all[i];
        if (level_masks(level, p->patterns[s->pattern].d->class))
            out->hits[out->n++] = (struct sight){s->pattern, s->at == ANYWHERE ? ANYWHERE : text_at(l, s->at)};
    }
    out->told = true;
    return ERR_OK;
}

static enum err_code look(const struct privacy *p, const struct prefilter *first, enum privacy_level level,
                          const struct lines *l, struct json_first *out, struct err *e)
{
    struct sights seen;
    struct scratch *s = scratch_take(p);
    const struct search in = {.p = p, .s = s, .text = buf_view(&l->b)};
    enum err_code code = s ? prefilter_see(first, &in, &seen, e) : err_nomem(e);
    return code || seen.n > SIGHTS ? code : take_hits(p, level, l, &seen, out, e);
}

enum err_code json_look(const struct privacy *p, enum privacy_level level, const struct json *v, struct arena *a,
                        struct json_first *out, struct err *e)
{
    struct lines l = {.a = a, .edges = p->edges};
    const struct prefilter *first = later_get(p, 0).first;
    enum err_code code = ERR_OK;
    *out = (struct json_first){0};
    if (!first || v->raw.n > TEXT_MOST)
        return ERR_OK;
    buf_init(&l.b, TEXT_MOST);
    buf_init(&l.ends, 0);
    (void)buf_room(&l.b, v->raw.n * 2 + ROOM); /* at once what most need */
    put(&l, &(struct json_path){STR_NONE, STR_NONE}, v);
    if (!l.b.failed && !l.ends.failed)
        code = look(p, first, level, &l, out, e);
    buf_release(&l.b);
    buf_release(&l.ends);
    return code;
}
