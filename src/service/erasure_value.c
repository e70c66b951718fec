/* Finding a person by a value, and cutting mentions out. See erasure_value.h. */
#include "service/erasure_value.h"

#include "config/config.h"
#include "service/caller.h"
#include "service/cold.h"
#include "service/operation_run.h"
#include "store/gate.h"

#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

enum { PAGE = 100, JOB = 200, DECOMPOSED_MAX = 32 };
static const char cut_mark[] = "[erased]";

/* ---- folding ---- */

static bool plain_ascii(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x80)
            return false;
    return true;
}

static enum err_code fold_ascii(struct arena *a, struct str text, struct folded *out, struct err *e)
{
    char *to = arena_alloc(a, text.n + 1);
    if (!to)
        return err_nomem(e);
    for (size_t i = 0; i < text.n; i++)
        to[i] = (char)(text.p[i] >= 'A' && text.p[i] <= 'Z' ? text.p[i] + ('a' - 'A') : text.p[i]);
    to[text.n] = '\0';
    *out = (struct folded){{to, text.n}, NULL};
    return ERR_OK;
}

/* The character at text[i] in its folded form; bytes that are none stand for themselves. Returns how long it is. */
static size_t fold_one(struct str text, size_t i, struct buf *out)
{
    utf8proc_int32_t c, parts[DECOMPOSED_MAX];
    int boundary = 0;
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text.p + i, (utf8proc_ssize_t)(text.n - i), &c);
    utf8proc_ssize_t m =
        n > 0 ? utf8proc_decompose_char(c, parts, DECOMPOSED_MAX,
                                        UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE,
                                        &boundary)
              : -1;
    if (m < 0 || m > DECOMPOSED_MAX) {
        buf_char(out, text.p[i]);
        return n > 0 ? (size_t)n : 1;
    }
    for (utf8proc_ssize_t k = 0; k < m; k++) {
        utf8proc_uint8_t bytes[4];
        utf8proc_ssize_t wide = utf8proc_encode_char(parts[k], bytes);
        for (utf8proc_ssize_t b = 0; b < wide; b++)
            buf_char(out, (char)bytes[b]);
    }
    return (size_t)n;
}

enum err_code fold(struct arena *a, struct str text, struct folded *out, struct err *e)
{
    struct buf b;
    if (plain_ascii(text))
        return fold_ascii(a, text, out, e);
    buf_init(&b, 0);
    for (size_t i = 0; i < text.n;)
        i += fold_one(text, i, &b);
    size_t n = b.n, at = 0;
    *out = (struct folded){buf_take(&b, a), arena_array(a, size_t, n + 1)};
    bool failed = !out->text.p || !out->from;
    for (size_t i = 0; !failed && i < text.n;) { /* once more, for where each byte came from */
        struct buf one;
        buf_init(&one, 0);
        size_t wide = fold_one(text, i, &one);
        for (size_t k = 0; k < one.n && at < n; k++)
            out->from[at++] = i;
        failed = one.failed;
        buf_release(&one);
        i += wide;
    }
    if (failed)
        return err_nomem(e);
    while (at <= n)
        out->from[at++] = text.n;
    return ERR_OK;
}

static size_t origin(const struct folded *f, size_t at)
{
    return f->from ? f->from[at] : at;
}

/* A mention may end within what one character was folded to: that character goes whole. */
static size_t end_of(const struct folded *f, size_t at)
{
    while (f->from && at < f->text.n && at > 0 && f->from[at] == f->from[at - 1])
        at++;
    return origin(f, at);
}

enum err_code value_cut(struct arena *a, struct str text, struct str folded_value, struct str *out, bool *any,
                        struct err *e)
{
    struct folded f;
    struct buf b;
    size_t done = 0;
    *out = text;
    *any = false;
    if (!text.n || !folded_value.n)
        return ERR_OK;
    enum err_code code = fold(a, text, &f, e);
    const char *p = code ? NULL : memmem(f.text.p, f.text.n, folded_value.p, folded_value.n);
    if (!p)
        return code;
    buf_init(&b, 0);
    while (p) {
        size_t at = (size_t)(p - f.text.p), end = at + folded_value.n;
        buf_str(&b, (struct str){text.p + done, origin(&f, at) - done});
        buf_cstr(&b, cut_mark);
        done = end_of(&f, end);
        p = memmem(f.text.p + end, f.text.n - end, folded_value.p, folded_value.n);
    }
    buf_str(&b, str_skip(text, done));
    *out = buf_take(&b, a);
    *any = true;
    return out->p ? ERR_OK : err_nomem(e);
}

/* ---- the forms of a value ---- */

static enum err_code add_form(struct op_call *c, struct str text, struct str *list, size_t *n, struct err *e)
{
    struct folded f;
    enum err_code code = fold(c->arena, text, &f, e);
    for (size_t i = 0; !code && i < *n; i++)
        if (str_eq(list[i], f.text))
            return ERR_OK;
    if (!code)
        list[(*n)++] = f.text;
    return code;
}

enum err_code value_forms(struct op_call *c, struct str value, bool masked, struct value_forms *out, struct err *e)
{
    static const char *const levels[] = {"TEAM", "PUBLIC"};
    bool sure = masked || config_bool(c->svc->options.config, "privacy.stable");
    *out = (struct value_forms){.n_sure = 0};
    if (value.n < VALUE_LEAST)
        return err_set(e, ERR_INVALID, "value", "value has at least %d bytes: less is mentioned everywhere",
                       VALUE_LEAST);
    enum err_code code = add_form(c, value, out->sure, &out->n_sure, e);
    for (size_t i = 0; !code && i < sizeof levels / sizeof *levels; i++) {
        struct str mask;
        code = gate_text(c->svc->store, c->arena, str_of(levels[i]), false, value, &mask, e);
        if (code || str_eq(mask, value) || mask.n < VALUE_LEAST)
            continue;
        code = sure ? add_form(c, mask, out->sure, &out->n_sure, e) : add_form(c, mask, out->unsure, &out->n_unsure, e);
    }
    return code;
}

/* As value_cut, for all forms one after the other. */
static enum err_code cut_forms(struct arena *a, struct str text, const struct str *forms, size_t n, struct str *out,
                               bool *any, struct err *e)
{
    enum err_code code = ERR_OK;
    *out = text;
    *any = false;
    for (size_t i = 0; !code && i < n; i++) {
        bool one;
        code = value_cut(a, *out, forms[i], out, &one, e);
        *any = *any || (!code && one);
    }
    return code;
}

/* ---- what is found ---- */

struct looking {
    struct op_call *call;
    struct erasure_found *out;
    struct value_forms forms;
    struct arena *page;
};

static void *grown(struct arena *a, const void *old, size_t n, size_t *room, size_t size)
{
    if (n < *room)
        return (void *)(uintptr_t)old;
    size_t more = *room ? 2 * *room : 32;
    char *to = arena_alloc(a, more * size);
    if (to && n)
        memcpy(to, old, n * size);
    *room = to ? more : *room;
    return to;
}

static enum err_code count_one(struct looking *l, const struct kind *k, struct err *e)
{
    struct erasure_found *f = l->out;
    size_t n_kinds;
    (void)kinds_all(&n_kinds);
    if (!f->counts)
        f->counts = arena_array(l->call->arena, struct erase_count, n_kinds);
    if (!f->counts)
        return err_nomem(e);
    for (size_t i = 0; i < f->n_counts; i++) {
        if (str_is(f->counts[i].kind, k->name)) {
            f->counts[i].n++;
            return ERR_OK;
        }
    }
    f->counts[f->n_counts++] = (struct erase_count){str_of(k->name), 1};
    return ERR_OK;
}

/* An id that is the person's address itself is told as a hash. */
static enum err_code shown_id(struct looking *l, const struct record *r, struct str *out, struct err *e)
{
    bool any;
    struct str rest;
    char hash[65], text[80];
    enum err_code code = cut_forms(l->page, r->id, l->forms.sure, l->forms.n_sure, &rest, &any, e);
    if (code)
        return code;
    id_sha256(r->id, hash);
    (void)snprintf(text, sizeof text, "sha256:%s", hash);
    *out = arena_str(l->call->arena, any ? str_of(text) : r->id);
    return out->p ? ERR_OK : err_nomem(e);
}

static enum err_code take_item(struct looking *l, const struct record *r, struct err *e)
{
    struct erasure_found *f = l->out;
    struct arena *a = l->call->arena;
    struct str shown;
    enum err_code code = shown_id(l, r, &shown, e);
    struct erasure_item *items = grown(a, f->items, f->n_items, &f->items_room, sizeof *items);
    if (code || !items)
        return code ? code : err_nomem(e);
    f->items = items;
    f->items[f->n_items++] =
        (struct erasure_item){r->kind, r->seq, arena_str(a, r->id), arena_str(a, r->project), shown};
    return arena_failed(a) ? err_nomem(e) : count_one(l, r->kind, e);
}

static enum err_code take_session(struct looking *l, const struct record *r, struct err *e)
{
    struct erasure_found *f = l->out;
    struct arena *a = l->call->arena;
    struct record **all = grown(a, f->sessions, f->n_sessions, &f->sessions_room, sizeof *all);
    struct record *copy = record_new(a, r->kind);
    if (!all || !copy)
        return err_nomem(e);
    copy->seq = r->seq;
    copy->id = arena_str(a, r->id);
    copy->project = arena_str(a, r->project);
    copy->created_at = r->created_at;
    f->sessions = all;
    f->sessions[f->n_sessions++] = copy;
    return arena_failed(a) ? err_nomem(e) : count_one(l, r->kind, e);
}

/* ---- one record ---- */

/* Others are in it or run by it: it stays, without the mention. */
static bool holds_others(const struct kind *k)
{
    return k == KIND_SESSION || k == KIND_CONVERSATION || k == KIND_PROJECT || k == KIND_AGENT ||
           k == KIND_AGENT_STATE || k == KIND_AGENT_LEARNING;
}

static bool is_text(const struct field *f)
{
    return f->type == FIELD_TEXT || f->type == FIELD_OBJECT || f->type == FIELD_ARRAY || f->type == FIELD_JSON;
}

/* A patch of the fields that mention it, NULL: none does. */
static enum err_code mentions(struct looking *l, const struct record *r, struct record **patch, struct err *e)
{
    struct record *p = record_new(l->page, r->kind);
    bool some = false, any;
    enum err_code code = p ? ERR_OK : err_nomem(e);
    for (size_t i = 0; !code && i < r->kind->n_fields; i++) {
        struct str left;
        if (!is_text(&r->kind->fields[i]) || r->v[i].type != VALUE_TEXT)
            continue;
        code = cut_forms(l->page, r->v[i].s, l->forms.sure, l->forms.n_sure, &left, &any, e);
        if (!code && any)
            p->v[i] = V_TEXT(left);
        some = some || (!code && any);
    }
    *patch = some ? p : NULL;
    return code;
}

enum err_code value_mentioned(struct arena *a, const struct record *r, const struct str *forms, size_t n, bool *out,
                              struct err *e)
{
    struct str rest;
    enum err_code code = ERR_OK;
    *out = false;
    if (r->kind->flags & KIND_KEYED)
        code = cut_forms(a, r->id, forms, n, &rest, out, e);
    for (size_t i = 0; !code && !*out && i < r->kind->n_fields; i++)
        if (is_text(&r->kind->fields[i]) && r->v[i].type == VALUE_TEXT)
            code = cut_forms(a, r->v[i].s, forms, n, &rest, out, e);
    return code;
}

static enum err_code take_edit(struct looking *l, const struct record *r, const struct record *patch, struct err *e)
{
    struct erasure_found *f = l->out;
    struct arena *a = l->call->arena;
    struct erasure_edit *edits = grown(a, f->edits, f->n_edits, &f->edits_room, sizeof *edits);
    struct record *copy = record_new(a, r->kind);
    if (!edits || !copy)
        return err_nomem(e);
    for (size_t i = 0; i < r->kind->n_fields; i++)
        if (patch->v[i].type == VALUE_TEXT)
            copy->v[i] = V_TEXT(arena_str(a, patch->v[i].s));
    f->edits = edits;
    f->edits[f->n_edits++] = (struct erasure_edit){r->kind, r->seq, copy};
    return arena_failed(a) ? err_nomem(e) : ERR_OK;
}

static enum err_code is_theirs(struct looking *l, const struct record *r, bool *out, struct err *e)
{
    struct folded user;
    *out = false;
    if (r->kind != KIND_SESSION || !record_text(r, "user_id").n)
        return ERR_OK;
    enum err_code code = fold(l->page, record_text(r, "user_id"), &user, e);
    *out = !code && str_eq(user.text, l->forms.sure[0]);
    return code;
}

static enum err_code look_for_mask(struct looking *l, const struct record *r, struct err *e)
{
    bool is;
    enum err_code code = value_mentioned(l->page, r, l->forms.unsure, l->forms.n_unsure, &is, e);
    l->out->with_mask += !code && is;
    return code;
}

static enum err_code look_at(struct looking *l, const struct record *r, struct err *e)
{
    struct record *patch;
    struct str rest;
    bool theirs, named = false;
    if (r->version == 0 || !caller_writes(caller_of(l->call), r->project))
        return ERR_OK;
    enum err_code code = is_theirs(l, r, &theirs, e);
    if (code || theirs)
        return code ? code : take_session(l, r, e);
    code = mentions(l, r, &patch, e);
    if (!code && (r->kind->flags & KIND_KEYED))
        code = cut_forms(l->page, r->id, l->forms.sure, l->forms.n_sure, &rest, &named, e);
    if (!code && !patch && !named)
        return look_for_mask(l, r, e);
    if (code)
        return code;
    return holds_others(r->kind) && !named && !r->deleted_at ? take_edit(l, r, patch, e) : take_item(l, r, e);
}

/* ---- all records ---- */

/* A page on a snapshot of its own: the whole may take long. */
static enum err_code look_at_page(struct looking *l, const struct kind *k, int64_t *after, size_t *n, struct err *e)
{
    struct store_tx *tx = NULL;
    struct record **rows;
    l->page = arena_new();
    enum err_code code = l->page ? store_read_begin(l->call->svc->store, &tx, e) : err_nomem(e);
    *n = 0;
    if (!code)
        code = record_after(tx, l->page, k, *after, PAGE, &rows, n, e);
    for (size_t i = 0; !code && i < *n; i++) {
        *after = rows[i]->seq;
        code = look_at(l, rows[i], e);
    }
    store_read_end(tx);
    if (l->page)
        arena_free(l->page);
    return code;
}

enum err_code erasure_find(struct op_call *c, struct str value, bool masked, struct erasure_found *out, struct err *e)
{
    size_t n_kinds;
    const struct kind *kinds = kinds_all(&n_kinds);
    struct looking l = {.call = c, .out = out};
    *out = (struct erasure_found){0};
    enum err_code code = value_forms(c, value, masked, &l.forms, e);
    for (size_t i = 0; !code && i < n_kinds; i++) {
        int64_t after = 0;
        for (size_t n = PAGE; !code && n == PAGE && erase_takes(&kinds[i]);)
            code = look_at_page(&l, &kinds[i], &after, &n, e);
    }
    out->forms = l.forms;
    if (!code)
        code = cold_forget_value(c->svc, caller_of(c), l.forms.sure, l.forms.n_sure, NULL, &out->cold, e);
    return code;
}

/* ---- deleting it ---- */

struct taking {
    struct op_call *call;
    struct str erasure_id;
    const struct erasure_found *found;
    size_t from, n;
};

static enum err_code items_on(struct store_tx *tx, void *arg, struct err *e)
{
    const struct taking *t = arg;
    return erasure_add(tx, t->call->arena, t->erasure_id, t->found->items + t->from, t->n, e);
}

static enum err_code edits_on(struct store_tx *tx, void *arg, struct err *e)
{
    const struct taking *t = arg;
    enum err_code code = ERR_OK;
    for (size_t i = t->from; !code && i < t->from + t->n; i++) {
        struct err why = {0};
        code = record_update(tx, t->call->arena, t->found->edits[i].seq, t->found->edits[i].patch, &why);
        if (code == ERR_NOT_FOUND) /* deleted meanwhile */
            code = ERR_OK;
        else if (code)
            err_set(e, code, NULL, "%s", why.message);
    }
    return code;
}

static enum err_code in_parts(struct taking *t, size_t total, store_fn *fn, struct err *e)
{
    enum err_code code = ERR_OK;
    for (t->from = 0; !code && t->from < total; t->from += t->n) {
        t->n = total - t->from < JOB ? total - t->from : JOB;
        code = store_write(t->call->svc->store, fn, t, e);
    }
    return code;
}

/* ---- in cold storage ---- */

struct noting {
    struct op_call *call;
    struct str erasure_id, archives;
};

static enum err_code note_on(struct store_tx *tx, void *arg, struct err *e)
{
    const struct noting *n = arg;
    struct arena *a = n->call->arena;
    struct record *r, *patch = record_new(a, KIND_ERASURE);
    if (!patch)
        return err_nomem(e);
    record_set(patch, "cold_archives", V_TEXT(n->archives));
    enum err_code code = record_get(tx, a, KIND_ERASURE, n->erasure_id, STR_NONE, &r, e);
    return code ? code : record_update(tx, a, r->seq, patch, e);
}

/* At once, as no request may hold the value until it is due. What was changed is noted for the receipt. */
static enum err_code take_cold(struct op_call *c, struct str erasure_id, const struct erasure_found *found,
                               struct err *e)
{
    struct noting n = {.call = c, .erasure_id = erasure_id};
    struct cold_changed changed;
    int64_t turns;
    enum err_code code = cold_changed_begin(&changed, c->arena, STR_NONE, e);
    if (code)
        return code;
    code = cold_forget_value(c->svc, caller_of(c), found->forms.sure, found->forms.n_sure, &changed, &turns, e);
    struct err why = {0};
    enum err_code noted = cold_changed_end(&changed, c->arena, &n.archives, &why);
    if (!noted) /* also what was changed before something failed */
        noted = store_write(c->svc->store, note_on, &n, &why);
    return code || !noted ? code : err_set(e, noted, NULL, "%s", why.message);
}

enum err_code erasure_take_found(struct op_call *c, struct str erasure_id, const struct erasure_found *found,
                                 struct err *e)
{
    struct taking t = {.call = c, .erasure_id = erasure_id, .found = found};
    enum err_code code = in_parts(&t, found->n_items, items_on, e);
    if (!code)
        code = in_parts(&t, found->n_edits, edits_on, e);
    return code || !found->cold ? code : take_cold(c, erasure_id, found, e);
}
