/* Masking JSON. Each string is searched as it reads unescaped, so that no escape hides anything, with the name of its
 * member before it ("db.password": "…"), because there the name says what the value is; then alone. Names are searched
 * too. A string that is itself JSON is masked as such. A number in which something is found becomes a string. Structure
 * stays, and names stay different. */
#include "privacy/privacy_int.h"

#include "base/json_write.h"

enum { PASSES = 4, WHOLE_MOST = 1024 };

struct masking {
    const struct privacy *p;
    enum privacy_level level;
    struct arena *a;
    struct json_out w;
    struct err *e;
    int inner; /* how deep in strings that are JSON */
    bool changed;
    struct json_first first;
    int64_t *next; /* the number of the next text */
};

/* A text as the JSON has it has a number (json_look), one that a mask changed has none. */
static const int64_t CHANGED = -1;

/* The patterns that may find something in that text. */
static size_t hits_of(const struct masking *m, int64_t number, uint32_t patterns[SIGHTS])
{
    size_t n = 0;
    for (size_t i = 0; i < m->first.n; i++) {
        const uint32_t at = m->first.hits[i].at;
        if (at == ANYWHERE || at == number || at == number + 1)
            patterns[n++] = m->first.hits[i].pattern;
    }
    return n;
}

/* Nothing can be in it, with its name or alone. */
static bool is_clean(const struct masking *m, int64_t number)
{
    uint32_t patterns[SIGHTS];
    return number != CHANGED && m->first.told && hits_of(m, number, patterns) == 0;
}

static enum err_code find(struct masking *m, int64_t number, struct str text, struct scratch **out)
{
    uint32_t patterns[SIGHTS];
    if (number == CHANGED || !m->first.told)
        return scan_text(m->p, m->level, text, out, m->e);
    return scan_by(m->p, text, patterns, hits_of(m, number, patterns), out, m->e);
}

static enum err_code mask_text(struct masking *m, int64_t number, struct str text, struct str *out)
{
    struct scratch *s;
    *out = text;
    if (is_clean(m, number))
        return ERR_OK;
    if (number != CHANGED && m->first.told) {
        enum err_code code = find(m, number, text, &s);
        if (code || !s->kept.n)
            return code;
    }
    return privacy_mask(m->p, m->level, text, m->a, out, m->e);
}

/* ---- a value behind its name ---- */
static struct str with_name(struct masking *m, const struct json_path *at, struct str value, const char *quote,
                            size_t *prefix)
{
    struct buf b;
    buf_init(&b, 0);
    *prefix = json_named(&b, at, value, quote);
    return buf_take(&b, m->a);
}

/* What was found of the value itself; a secret that its name tells is the whole of it, whatever signs are inside. */
static void only_value(const struct privacy *p, struct finds *kept, size_t from, size_t to)
{
    size_t n = 0;
    for (size_t i = 0; i < kept->n; i++) {
        struct find f = kept->at[i];
        const bool told = f.from < from && f.start >= from && f.start <= from + 1 && !f.cut;
        if (f.end <= from || f.start >= to)
            continue;
        if (told && to - from <= WHOLE_MOST && p->patterns[f.pattern].d->class == PRIVACY_SECRET) {
            f.start = from;
            f.end = to;
            kept->at[0] = f;
            kept->n = 1;
            return;
        }
        f.start = f.start < from ? from : f.start;
        f.end = f.end > to ? to : f.end;
        kept->at[n++] = f;
    }
    kept->n = n;
}

static enum err_code mask_named(struct masking *m, int64_t number, const struct json_path *at, struct str value,
                                const char *quote, struct str *out)
{
    struct scratch *s;
    struct buf b;
    size_t prefix;
    struct str text = with_name(m, at, value, quote, &prefix);
    *out = value;
    if (!text.p)
        return err_nomem(m->e);
    enum err_code code = find(m, number, text, &s);
    if (code)
        return code;
    only_value(m->p, &s->kept, prefix, prefix + value.n);
    if (!s->kept.n)
        return ERR_OK;
    buf_init(&b, 0);
    masked_put(m->p, text, prefix, prefix + value.n, &s->kept, &b);
    *out = buf_take(&b, m->a);
    return out->p ? ERR_OK : err_nomem(m->e);
}

/* Again until nothing changes, for a mask changes what stands around the rest. */
static enum err_code mask_value(struct masking *m, int64_t number, const struct json_path *at, struct str value,
                                const char *quote, struct str *out)
{
    *out = value;
    if (is_clean(m, number))
        return ERR_OK;
    for (int i = 0; i < PASSES; i++) {
        const struct str before = *out;
        enum err_code code = at->name.p ? mask_named(m, number, at, before, quote, out) : ERR_OK;
        number = out->p == value.p ? number : CHANGED;
        if (!code)
            code = mask_text(m, number, *out, out);
        number = CHANGED;
        if (code || out->p == before.p || str_eq(*out, before))
            return code;
    }
    return ERR_OK;
}

/* ---- the tree ---- */
static enum err_code put(struct masking *m, const struct json_path *at, const struct json *v);

static enum err_code mask_tree(const struct masking *in, const struct json_path *at, const struct json *v,
                               struct str text, struct str *out)
{
    struct buf b;
    struct masking m = *in;
    buf_init(&b, 0);
    jw_init(&m.w, &b);
    m.changed = false;
    *out = text;
    enum err_code code = put(&m, at, v);
    if (code || !m.changed) {
        buf_release(&b);
        return code;
    }
    *out = buf_take(&b, m.a);
    return out->p ? ERR_OK : err_nomem(m.e);
}

static enum err_code put_string(struct masking *m, const struct json_path *at, struct str value)
{
    const struct json *inside;
    struct str masked = value;
    const int64_t number = (*m->next)++;
    enum err_code code = ERR_OK;
    if (m->inner < JSON_INNER && json_inside(m->a, value, &inside)) {
        m->inner++;
        code = mask_tree(m, at, inside, value, &masked);
        m->inner--;
    }
    if (!code)
        code = mask_value(m, masked.p == value.p ? number : CHANGED, at, masked, "\"", &masked);
    if (code)
        return code;
    m->changed = m->changed || masked.p != value.p;
    jw_str(&m->w, masked.p ? masked : STR(""));
    return ERR_OK;
}

static enum err_code put_number(struct masking *m, const struct json_path *at, struct str raw)
{
    struct str masked;
    enum err_code code = mask_value(m, (*m->next)++, at, raw, "", &masked);
    if (code)
        return code;
    if (masked.p == raw.p) {
        jw_raw(&m->w, raw);
        return ERR_OK;
    }
    m->changed = true;
    jw_str(&m->w, masked);
    return ERR_OK;
}

static bool name_taken(const struct json *o, const struct str *names, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq(names[i], name))
            return true;
    }
    return json_get_str(o, name) != NULL;
}

/* The i-th member's name as it is shown: two that look the same once masked get numbers. */
static enum err_code mask_name(struct masking *m, const struct json *o, size_t i, struct str *names)
{
    const struct str name = o->keys[i].key;
    struct str masked;
    enum err_code code = mask_text(m, (*m->next)++, name, &masked);
    names[i] = masked;
    if (code || masked.p == name.p)
        return code;
    m->changed = true;
    for (size_t k = 2; name_taken(o, names, i, names[i]); k++) {
        names[i] = arena_fmt(m->a, "%.*s_%zu", STR_ARG(masked), k);
        if (!names[i].p)
            return err_nomem(m->e);
    }
    return ERR_OK;
}

static enum err_code put_object(struct masking *m, const struct json_path *at, const struct json *v)
{
    struct str *names = arena_array(m->a, struct str, v->n + 1);
    if (!names)
        return err_nomem(m->e);
    jw_object(&m->w);
    for (size_t i = 0; i < v->n; i++) {
        enum err_code code = mask_name(m, v, i, names);
        if (code)
            return code;
        jw_key_str(&m->w, names[i].p ? names[i] : STR(""));
        code = put(m, &(struct json_path){at->name, v->keys[i].key}, &v->items[i]);
        if (code)
            return code;
    }
    jw_end_object(&m->w);
    return ERR_OK;
}

static enum err_code put(struct masking *m, const struct json_path *at, const struct json *v)
{
    enum err_code code = ERR_OK;
    switch (v->type) {
    case JSON_STRING:
        return put_string(m, at, v->s);
    case JSON_INT:
    case JSON_DOUBLE:
        return put_number(m, at, v->raw);
    case JSON_OBJECT:
        return put_object(m, at, v);
    case JSON_ARRAY:
        jw_array(&m->w);
        for (size_t i = 0; !code && i < v->n; i++)
            code = put(m, at, &v->items[i]);
        jw_end_array(&m->w);
        return code;
    case JSON_NULL:
    case JSON_BOOL:
        break;
    }
    jw_raw(&m->w, v->raw);
    return ERR_OK;
}

enum err_code privacy_mask_json(const struct privacy *p, enum privacy_level level, struct str json, struct arena *a,
                                struct str *out, struct err *e)
{
    const struct json *v;
    int64_t next = 0;
    struct masking m = {.p = p, .level = level, .a = a, .e = e, .next = &next};
    enum err_code code = json_parse(a, json, JSON_DUPLICATES_OK, &v, e);
    *out = json;
    if (!code)
        code = json_look(p, level, v, a, &m.first, e);
    return code || (m.first.told && !m.first.n) ? code
                                                : mask_tree(&m, &(struct json_path){STR_NONE, STR_NONE}, v, json, out);
}
