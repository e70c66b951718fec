/* docs/records.md: every kind of record with its fields, from the table of kinds. */
#include "doors/cli/docs.h"

static const char *type_name(enum field_type t)
{
    static const char *const names[] = {
        [FIELD_TEXT] = "text",     [FIELD_INT] = "whole number", [FIELD_REAL] = "number",
        [FIELD_BOOL] = "boolean",  [FIELD_TIME] = "time",        [FIELD_ENUM] = "one of",
        [FIELD_OBJECT] = "object", [FIELD_ARRAY] = "array",      [FIELD_JSON] = "any JSON",
    };
    return names[t];
}

/* Which lists can be filtered by: the same as crud_ops.c makes arguments of. */
static bool is_filter(const struct field *f)
{
    bool plain = f->type == FIELD_TEXT || f->type == FIELD_ENUM || f->type == FIELD_INT || f->type == FIELD_BOOL;
    return plain && (f->flags & (FIELD_INDEXED | FIELD_FILTER));
}

static void put_notes(struct buf *b, const struct field *f)
{
    const struct {
        bool on;
        const char *words;
    } notes[] = {
        {f->flags & FIELD_REQUIRED, "required"},           {f->flags & FIELD_READ_ONLY, "set by Cairn"},
        {f->flags & FIELD_FIXED, "never changed"},         {is_filter(f), "list filter"},
        {f->flags & FIELD_SEARCHED, "found by its words"},
    };
    const char *before = "";
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
        if (!notes[i].on)
            continue;
        buf_fmt(b, "%s%s", before, notes[i].words);
        before = ", ";
    }
}

static void put_field(struct buf *b, const struct field *f)
{
    bool number = f->type == FIELD_INT || f->type == FIELD_REAL;
    buf_fmt(b, "| `%s` | %s | ", f->name, type_name(f->type));
    docs_range(b, number, f->choices, f->min, f->max);
    buf_cstr(b, " | ");
    if (f->fallback)
        buf_fmt(b, "`%s`", f->fallback);
    buf_cstr(b, " | ");
    put_notes(b, f);
    buf_cstr(b, " | ");
    docs_text(b, f->help);
    buf_cstr(b, " |\n");
}

static void put_kind(struct buf *b, const struct kind *k)
{
    buf_fmt(b, "\n## %s\n\n", k->name);
    if (k->help) {
        docs_text(b, k->help);
        buf_cstr(b, ".\n\n");
    }
    buf_fmt(b, "`/api/v1/%s` · ", k->plural);
    if (k->id_prefix)
        buf_fmt(b, "ids `%s_…`", k->id_prefix);
    else
        buf_fmt(b, "named by its `%s`; saving a known one updates it", k->id_name);
    if (k->flags & KIND_NO_CRUD)
        buf_cstr(b, " · made by its own operations only");
    if (k->flags & KIND_IMMUTABLE)
        buf_cstr(b, " · never changed once written");
    if (k->flags & KIND_ORG)
        buf_cstr(b, " · without a project it is the organisation's");
    buf_cstr(b, "\n\n| field | type | range | default | | |\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < k->n_fields; i++) {
        if (!(k->fields[i].flags & FIELD_HIDDEN))
            put_field(b, &k->fields[i]);
    }
}

void docs_records(struct cli *c)
{
    size_t n;
    const struct kind *kinds = kinds_all(&n);
    docs_head(&c->out, "Records",
              "What Cairn keeps. Every record also has `id`, `project`, `created_at`, `updated_at` and `version`; one "
              "that is deleted is\nout of every list and search at once. Lists filter by the fields that say so.");
    for (size_t i = 0; i < n; i++) {
        if (!(kinds[i].flags & KIND_INTERNAL))
            put_kind(&c->out, &kinds[i]);
    }
}
