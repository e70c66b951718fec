/* Erasure in cold storage. See cold.h. Archives of sessions and conversations that went are removed; of others, turns
 * are taken out by writing the archive anew beside the old one, which then goes. */
#include "service/cold.h"
#include "service/erasure_value.h"

#include <stdlib.h>
#include <string.h>

/* ---- what was changed ---- */

enum { CHANGED_MOST = 1 << 20, NAMED = 1000 /* of which the receipt tells the names */ };

enum err_code cold_changed_begin(struct cold_changed *c, struct arena *a, struct str before, struct err *e)
{
    const struct json *list = NULL;
    *c = (struct cold_changed){.n = 0};
    enum err_code code = before.n ? json_parse(a, before, 0, &list, e) : ERR_OK;
    if (code)
        return code;
    buf_init(&c->b, CHANGED_MOST);
    jw_init(&c->out, &c->b);
    jw_array(&c->out);
    for (size_t i = 0; list && i < list->n; i++, c->n++)
        jw_value(&c->out, &list->items[i]);
    return ERR_OK;
}

enum err_code cold_changed_end(struct cold_changed *c, struct arena *a, struct str *out, struct err *e)
{
    jw_end_array(&c->out);
    *out = buf_take(&c->b, a);
    return out->p ? ERR_OK : err_nomem(e);
}

static void note_change(struct cold_changed *c, struct str path, bool removed)
{
    if (c->n++ >= NAMED)
        return;
    jw_object(&c->out);
    jw_kstr(&c->out, "path", path);
    jw_kbool(&c->out, "removed", removed);
    jw_end_object(&c->out);
}

/* ---- what an erasure took ---- */

struct ids {
    struct arena *arena;
    struct str *all; /* sessions, conversations and turns: ids are unique among them */
    size_t n, room;
    bool failed, sessions_only;
};

static void take_id(void *arg, struct str kind, struct str id)
{
    struct ids *s = arg;
    bool session = str_is(kind, "session");
    if (s->sessions_only ? !session : !session && !str_is(kind, "conversation") && !str_is(kind, "turn"))
        return;
    if (s->n == s->room) {
        size_t room = s->room ? 2 * s->room : 64;
        struct str *more = arena_array(s->arena, struct str, room);
        if (!more) {
            s->failed = true;
            return;
        }
        if (s->n)
            memcpy(more, s->all, s->n * sizeof *more);
        s->all = more;
        s->room = room;
    }
    s->all[s->n] = arena_str(s->arena, id);
    s->failed = s->failed || !s->all[s->n].p;
    s->n++;
}

static int by_text(const void *x, const void *y)
{
    const struct str *a = x, *b = y;
    int c = memcmp(a->p, b->p, a->n < b->n ? a->n : b->n);
    return c ? c : a->n < b->n ? -1 : a->n > b->n;
}

static bool among(const struct ids *s, struct str id)
{
    return s->n && bsearch(&id, s->all, s->n, sizeof id, by_text) != NULL;
}

/* ---- taking turns out ---- */

struct taking {
    struct service *svc;
    const struct caller *who; /* NULL: may everything */
    const struct ids *ids;
    const struct str *forms;
    size_t n_forms;
    struct cold_changed *changed; /* NULL: only looked */
    int64_t turns;
};

/* In the line as it stands, and in the content as it was said: in JSON a quote or a line's end is written otherwise. */
static enum err_code mentions(const struct taking *t, struct arena *a, struct str line, struct str content, bool *out,
                              struct err *e)
{
    enum err_code code = ERR_OK;
    struct str rest;
    *out = false;
    for (size_t i = 0; !code && !*out && i < t->n_forms; i++) {
        code = value_cut(a, line, t->forms[i], &rest, out, e);
        if (!code && !*out)
            code = value_cut(a, content, t->forms[i], &rest, out, e);
    }
    return code;
}

static enum err_code line_goes(const struct taking *t, struct arena *a, struct str line, bool *goes, struct err *e)
{
    const struct json *o;
    *goes = false;
    enum err_code code = json_parse(a, line, 0, &o, e);
    if (code)
        return code;
    if (!t->ids)
        return mentions(t, a, line, json_text(o, "content"), goes, e);
    *goes = among(t->ids, json_text(o, "turn_id"));
    return ERR_OK;
}

/* The head stays as it is: it tells which numbers the archive is of, not how many lines are left. */
static enum err_code rewrite(struct taking *t, struct arena *a, const struct cold_archive *found, struct err *e)
{
    struct cold_archive copy = *found, *c = &copy;
    struct str lines, rest;
    struct buf b;
    int64_t gone = 0;
    bool goes = false, may = false;
    enum err_code code = cold_read_whole(t->svc, a, c, &lines, e);
    if (code == ERR_GONE || code == ERR_NOT_FOUND) { /* nobody can read it any more; or it went meanwhile */
        err_clear(e);
        return ERR_OK;
    }
    if (!code)
        code = cold_permits(a, t->who, lines, &may, e);
    if (code || !may)
        return code;
    buf_init(&b, 0);
    rest = lines;
    for (bool head = true; !code && rest.p; head = false) {
        struct str line = str_cut(&rest, '\n');
        if (!line.n)
            continue;
        code = head ? ERR_OK : line_goes(t, a, line, &goes, e);
        gone += !head && goes;
        if (head || !goes) {
            buf_str(&b, line);
            buf_char(&b, '\n');
        }
    }
    struct str left = buf_take(&b, a);
    t->turns += gone;
    if (code || !gone || !t->changed)
        return code;
    code = left.p ? cold_write(t->svc, a, c, left, e) : err_nomem(e);
    if (!code)
        code = cold_remove(t->svc, c, e);
    if (!code)
        note_change(t->changed, c->path, false);
    return code;
}

static enum err_code look_at(void *arg, const struct cold_archive *c, struct err *e)
{
    struct taking *t = arg;
    if (t->ids && (among(t->ids, c->session) || among(t->ids, c->conversation))) {
        enum err_code gone = cold_remove(t->svc, c, e);
        if (!gone)
            note_change(t->changed, c->path, true);
        return gone;
    }
    if (t->ids && t->ids->sessions_only)
        return ERR_OK;
    struct err why = {0};
    struct arena *a = arena_new();
    enum err_code code = a ? rewrite(t, a, c, &why) : err_nomem(&why);
    arena_free(a);
    return code ? err_set(e, code, why.field[0] ? why.field : NULL, "%s", why.message) : ERR_OK;
}

/* Whose archives may hold it; STR_NONE: anybody's. */
static struct str session_of(const struct record *erasure)
{
    if (str_is(record_text(erasure, "scope"), "session"))
        return record_text(erasure, "target_id");
    return record_text(erasure, "within").n ? record_text(erasure, "within") : STR_NONE;
}

/* What retention let go and is now erased from the store is what cold storage is for: of scope `aged` only sessions
 * count, which somebody has deleted. */
enum err_code cold_erase(struct service *svc, struct arena *a, const struct record *erasure,
                         struct cold_changed *changed, struct err *e)
{
    struct ids ids = {.arena = a, .sessions_only = str_is(record_text(erasure, "scope"), "aged")};
    struct taking t = {.svc = svc, .ids = &ids, .changed = changed};
    struct store_tx *tx;
    if (!cold_wanted(svc))
        return ERR_OK;
    enum err_code code = store_read_begin(svc->store, &tx, e);
    if (code)
        return code;
    code = erase_ids(tx, erasure->id, take_id, &ids, e);
    store_read_end(tx);
    if (!code && ids.failed)
        code = err_nomem(e);
    if (ids.n)
        qsort(ids.all, ids.n, sizeof *ids.all, by_text);
    return !code && ids.n ? cold_walk(svc, session_of(erasure), look_at, &t, e) : code;
}

enum err_code cold_forget_value(struct service *svc, const struct caller *who, const struct str *forms, size_t n_forms,
                                struct cold_changed *changed, int64_t *turns, struct err *e)
{
    struct taking t = {.svc = svc, .who = who, .forms = forms, .n_forms = n_forms, .changed = changed};
    enum err_code code = cold_walk(svc, STR_NONE, look_at, &t, e);
    *turns = t.turns;
    return code;
}

/* ---- mentions ---- */

struct mentioning {
    struct taking taking; /* whose forms, and who asks */
    cold_line_fn *fn;
    void *arg;
};

static enum err_code mentions_in(struct mentioning *m, struct arena *a, const struct cold_archive *c, struct err *e)
{
    struct str lines;
    bool may = false, is;
    enum err_code code = cold_read(m->taking.svc, a, c, &lines, e);
    if (!code)
        code = cold_permits(a, m->taking.who, lines, &may, e);
    (void)str_cut(&lines, '\n'); /* the head */
    while (!code && may && lines.n) {
        struct str line = str_cut(&lines, '\n');
        code = line_goes(&m->taking, a, line, &is, e);
        if (!code && is)
            code = m->fn(m->arg, line, e);
    }
    return code;
}

static enum err_code mentions_of(void *arg, const struct cold_archive *c, struct err *e)
{
    struct err why = {0};
    struct arena *a = arena_new();
    enum err_code code = a ? mentions_in(arg, a, c, &why) : err_nomem(&why);
    arena_free(a);
    return !code || code == ERR_GONE || code == ERR_NOT_FOUND ? ERR_OK : err_set(e, code, NULL, "%s", why.message);
}

enum err_code cold_mentions(struct service *svc, const struct caller *who, const struct str *forms, size_t n_forms,
                            cold_line_fn *fn, void *arg, struct err *e)
{
    struct mentioning m = {
        .taking = {.svc = svc, .who = who, .forms = forms, .n_forms = n_forms}, .fn = fn, .arg = arg};
    return cold_walk(svc, STR_NONE, mentions_of, &m, e);
}
