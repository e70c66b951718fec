/* Writing patterns: completing, versions, merging what is alike. See keep.h. Everything here runs inside a write and
 * may be run again, so records given are copied before they are filled in. */
#include "service/patterns/keep.h"

#include "base/clock.h"
#include "base/text.h"
#include "service/patterns/score.h"
#include "service/patterns/terms.h"

enum { ALIKE_LOOK = 2000, VARIATIONS_MAX = 10, VARIATION_BYTES = 4096, NEAR_US = 300000 };
/* By meaning, two patterns are one from this cosine on: told again in other words they have 0.65 to 0.9, other patterns
 * of the same kind less than 0.5. */
static const double NEAR_ALIKE = 0.75;

const struct kind *pattern_kind(void)
{
    return kind_find(STR("pattern"));
}

const struct kind *pattern_version_kind(void)
{
    return kind_find(STR("pattern_version"));
}

enum err_code pattern_complete(struct arena *a, struct record *r, struct err *e)
{
    struct str name = record_text(r, "name"), description = record_text(r, "description"),
               template = record_text(r, "template"), terms;
    struct str text = arena_fmt(a, "%.*s\n%.*s\n%.*s", STR_ARG(name), STR_ARG(text_cut(description, 4096)),
                                STR_ARG(text_cut(template, 4096)));
    enum err_code code = text.p ? pattern_terms(a, text, &terms, e) : err_nomem(e);
    if (code)
        return code;
    record_set(r, "terms", V_TEXT(terms));
    record_set(r, "quality_score",
               V_REAL(pattern_quality(record_real(r, "success_rate"), record_int(r, "frequency"),
                                      record_int(r, "reuse_count"))));
    return ERR_OK;
}

static struct record *copy_of(struct arena *a, const struct record *r)
{
    struct record *c = record_new(a, r->kind);
    if (!c)
        return NULL;
    struct value *v = c->v;
    *c = *r;
    c->v = v;
    for (size_t i = 0; i < r->kind->n_fields; i++)
        c->v[i] = r->v[i];
    return c;
}

enum err_code pattern_insert(struct store_tx *tx, struct arena *a, const struct record *r, struct record **out,
                             struct err *e)
{
    struct record *fresh = copy_of(a, r);
    if (!fresh)
        return err_nomem(e);
    for (size_t i = 0; i < r->kind->n_fields; i++) {
        if (fresh->v[i].type == VALUE_UNSET)
            fresh->v[i] = field_default(&r->kind->fields[i]);
    }
    enum err_code code = pattern_complete(a, fresh, e);
    if (!code)
        code = record_insert(tx, a, fresh, e);
    return code ? code : record_by_seq(tx, a, r->kind, fresh->seq, out, e);
}

/* ---- versions ---- */

static bool changes(const struct record *known, const struct record *patch, const char *field)
{
    const struct value *v = record_value(patch, field);
    return v && v->type != VALUE_UNSET && !str_eq(record_text(known, field), record_text(patch, field));
}

static enum err_code keep_text(struct store_tx *tx, struct arena *a, const struct record *known, const char *id,
                               struct err *e)
{
    static const char *const kept[] = {"name",    "description",       "template",
                                       "example", "parent_pattern_id", "source_session_id"};
    struct record *v = record_new(a, pattern_version_kind());
    if (!v)
        return err_nomem(e);
    v->id = str_of(id);
    v->project = known->project;
    record_set(v, "pattern_id", V_TEXT(known->id));
    record_set(v, "text_version", V_INT(record_int(known, "text_version") ? record_int(known, "text_version") : 1));
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        record_set(v, kept[i], *record_value(known, kept[i]));
    return record_insert(tx, a, v, e);
}

enum err_code pattern_change(struct store_tx *tx, struct arena *a, const struct record *known,
                             const struct record *patch, const char *version_id, struct record **out, struct err *e)
{
    struct record *mine = copy_of(a, patch), *whole = copy_of(a, known);
    if (!mine || !whole)
        return err_nomem(e);
    int64_t text_version = record_int(known, "text_version") ? record_int(known, "text_version") : 1;
    bool new_text = changes(known, patch, "template") || changes(known, patch, "description");
    enum err_code code = new_text ? keep_text(tx, a, known, version_id, e) : ERR_OK;
    if (new_text)
        record_set(mine, "parent_pattern_id", V_TEXT(str_of(version_id)));
    record_set(mine, "text_version", V_INT(text_version + new_text));
    for (size_t i = 0; i < whole->kind->n_fields; i++) {
        if (mine->v[i].type != VALUE_UNSET)
            whole->v[i] = mine->v[i];
    }
    if (!code)
        code = pattern_complete(a, whole, e);
    if (code)
        return code;
    record_set(mine, "terms", *record_value(whole, "terms"));
    record_set(mine, "quality_score", *record_value(whole, "quality_score"));
    code = record_update(tx, a, known->seq, mine, e);
    return code ? code : record_by_seq(tx, a, known->kind, known->seq, out, e);
}

/* ---- merging ---- */

/* A pattern that was given up is not revived by being seen again, and texts never move between privacy levels: what
 * was said in a private session must not show up where the team reads. */
static size_t keep_mergeable(struct pattern_row *rows, size_t n, struct str level)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        struct str its = rows[i].privacy_level.n ? rows[i].privacy_level : STR("TEAM");
        if (!rows[i].deprecated && str_eq(its, level))
            rows[kept++] = rows[i];
    }
    return kept;
}

/* The list with one more, unless it is there already or the list is full. */
static enum err_code with_variation(struct arena *a, struct str stored, const struct record *seen, struct str *out,
                                    struct err *e)
{
    struct str text = text_cut(record_text(seen, "template"), VARIATION_BYTES);
    const struct json *list = NULL;
    struct err ignored = {0};
    struct buf b;
    struct json_out w;
    *out = stored;
    if (stored.n && (json_parse(a, stored, 0, &list, &ignored) || list->type != JSON_ARRAY))
        return ERR_OK;
    if (list && list->n >= VARIATIONS_MAX)
        return ERR_OK;
    for (size_t i = 0; list && i < list->n; i++) {
        if (str_eq(json_text(&list->items[i], "template"), text))
            return ERR_OK;
    }
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_array(&w);
    for (size_t i = 0; list && i < list->n; i++)
        jw_value(&w, &list->items[i]);
    jw_object(&w);
    jw_kstr(&w, "name", record_text(seen, "name"));
    jw_kstr(&w, "template", text);
    jw_kstr(&w, "source_session_id", record_text(seen, "source_session_id"));
    jw_end_object(&w);
    jw_end_array(&w);
    *out = buf_take(&b, a);
    return out->p ? ERR_OK : err_nomem(e);
}

static enum err_code merge_into(struct store_tx *tx, struct arena *a, int64_t seq, const struct record *seen,
                                struct err *e)
{
    struct record *known, *ignored, *patch = record_new(a, seen->kind);
    struct str variations;
    enum err_code code = patch ? record_by_seq(tx, a, seen->kind, seq, &known, e) : err_nomem(e);
    if (code)
        return code;
    if (!str_eq(record_text(known, "template"), record_text(seen, "template"))) {
        code = with_variation(a, record_text(known, "variations"), seen, &variations, e);
        if (!code && variations.n)
            record_set(patch, "variations", V_TEXT(variations));
    }
    double sure = record_real(known, "confidence"), now = record_real(seen, "confidence");
    record_set(patch, "frequency", V_INT(record_int(known, "frequency") + 1));
    record_set(patch, "confidence", V_REAL(sure > now ? sure : now));
    return code ? code : pattern_change(tx, a, known, patch, "", &ignored, e);
}

static enum err_code mergeable(struct store_tx *tx, struct arena *a, const struct pattern_sighting *s,
                               struct pattern_row **rows, size_t *n, struct err *e)
{
    enum err_code code =
        patterns_alike(tx, a, record_text(s->record, "pattern_type"), s->record->project, ALIKE_LOOK, rows, n, e);
    if (!code)
        *n = keep_mergeable(*rows, *n, s->level);
    return code;
}

/* Kinds that are told in prose. Of settings, errors and code one word or number makes another pattern. */
static bool prose(const struct record *r)
{
    struct str type = record_text(r, "pattern_type");
    return str_is(type, "workflow") || str_is(type, "decision") || str_is(type, "architecture");
}

enum err_code pattern_near(struct store *store, struct similar *similar, struct arena *a, struct pattern_sighting *s,
                           struct err *e)
{
    struct store_tx *tx;
    struct pattern_row *rows = NULL;
    size_t n = 0;
    float best = (float)NEAR_ALIKE;
    s->near_seq = 0;
    if (!similar || !prose(s->record))
        return ERR_OK;
    enum err_code code = store_read_begin(store, &tx, e);
    if (code)
        return code;
    code = mergeable(tx, a, s, &rows, &n, e);
    store_read_end(tx);
    int64_t *seqs = code ? NULL : arena_array(a, int64_t, n + 1);
    float *near = seqs ? arena_array(a, float, n + 1) : NULL;
    struct str text = near ? record_searched_text(a, s->record) : STR_NONE;
    if (!text.p)
        return code ? code : err_nomem(e);
    for (size_t i = 0; i < n; i++)
        seqs[i] = rows[i].seq;
    if (!similar_records(similar, a, pattern_kind(), text, seqs, n, clock_mono_us() + NEAR_US, near))
        return ERR_OK;
    for (size_t i = 0; i < n; i++) {
        if (near[i] >= best) {
            best = near[i];
            s->near_seq = seqs[i];
        }
    }
    return ERR_OK;
}

/* Whether near_seq is still there, and not given up. */
static bool still_near(const struct pattern_sighting *s, const struct pattern_row *rows, size_t n)
{
    for (size_t i = 0; s->near_seq && i < n; i++)
        if (rows[i].seq == s->near_seq)
            return true;
    return false;
}

enum err_code pattern_sighted(struct store_tx *tx, struct arena *a, const struct pattern_sighting *s, struct err *e)
{
    struct pattern_row *rows;
    const struct pattern_row *nearest = NULL;
    struct record *ignored;
    double similarity = 0;
    size_t n = 0;
    enum err_code code = mergeable(tx, a, s, &rows, &n, e);
    if (!code)
        code = patterns_nearest(a, record_text(s->record, "terms"), rows, n, &nearest, &similarity, e);
    if (code)
        return code;
    if (nearest && similarity >= PATTERN_ALIKE)
        return merge_into(tx, a, nearest->seq, s->record, e);
    if (still_near(s, rows, n))
        return merge_into(tx, a, s->near_seq, s->record, e);
    return pattern_insert(tx, a, s->record, &ignored, e);
}
