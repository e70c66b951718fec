/* From what formats tell to batches: keys, places, the gate, origins. On the reading thread, beside the writer's:
 * parsing and masking cost most of an import. A batch is sent when it is large enough and the format has marked; some
 * are under way at a time, so that memory is bounded and neither thread waits for the other for long. */
#include "service/history/extract.h"

#include "base/mem.h"
#include "base/text.h"
#include "service/masking.h"

#include <stdio.h>
#include <string.h>

enum { BATCH_BYTES = 1 << 20, BATCH_MOST = 6 << 20, FLIGHT_BYTES = 8 << 20, SEEN_SLOTS = 1 << 18 };
enum { AGENT_BYTES = 200, PROJECT_BYTES = 200, TITLE_BYTES = 200, CONTENT_BYTES = 16 << 20, NAME_BYTES = 200 };

/* ---- keys ---- */

void extraction_key(const struct extraction *x, struct str key, unsigned char out[MET_KEY])
{
    unsigned char whole[SHA256_BYTES];
    names_key(&x->keys, "key", &key, 1, whole);
    memcpy(out, whole, MET_KEY);
}

static void key_of(const struct extraction *x, const struct history_turn *t, unsigned char out[MET_KEY])
{
    char when[64];
    unsigned char whole[SHA256_BYTES];
    if (t->key.n) {
        extraction_key(x, t->key, out);
        return;
    }
    snprintf(when, sizeof when, "%lld %lld", (long long)t->timestamp, t->timestamp ? 0LL : (long long)t->at.line);
    const struct str parts[] = {t->session, t->thread, t->role, str_of(when), t->content};
    names_key(&x->keys, "said", parts, sizeof parts / sizeof *parts, whole);
    memcpy(out, whole, MET_KEY);
}

/* Keys of one file are not those of another: what one tells again, the other's session tells too. But where nothing is
 * stored, nothing else knows them. */
static void salted(const struct extraction *x, const unsigned char key[MET_KEY], unsigned char out[MET_KEY])
{
    uint64_t salt = 0, half;
    for (const char *p = x->wish->dry_run ? "" : x->state.id; *p; p++)
        salt = (salt ^ (unsigned char)*p) * 1099511628211u;
    memcpy(out, key, MET_KEY);
    memcpy(&half, key, sizeof half);
    half ^= salt;
    memcpy(out, &half, sizeof half);
}

static unsigned char *slot_of(const struct extraction *x, const unsigned char salty[MET_KEY])
{
    uint32_t h;
    memcpy(&h, salty, sizeof h);
    return x->seen[h % SEEN_SLOTS];
}

static bool was_seen(const struct extraction *x, const unsigned char key[MET_KEY])
{
    unsigned char salty[MET_KEY];
    salted(x, key, salty);
    return memcmp(slot_of(x, salty), salty, MET_KEY) == 0;
}

static void see(struct extraction *x, const unsigned char key[MET_KEY])
{
    unsigned char salty[MET_KEY];
    salted(x, key, salty);
    memcpy(slot_of(x, salty), salty, MET_KEY);
}

static bool known(struct history_sink *s, struct str key)
{
    const struct extraction *x = (const struct extraction *)s;
    unsigned char k[MET_KEY];
    extraction_key(x, key, k);
    return was_seen(x, k);
}

/* ---- batches ---- */

static void batch_free(struct batch *b)
{
    if (b)
        arena_free(b->arena); /* it lives in there itself */
}

static struct batch *batch_now(struct extraction *x)
{
    if (x->now)
        return x->now;
    struct arena *a = arena_new();
    struct batch *b = a ? arena_alloc(a, sizeof *b) : NULL;
    if (!b) {
        if (a)
            arena_free(a);
        return NULL;
    }
    b->x = x;
    b->arena = a;
    b->last_item = &b->items;
    x->now = b;
    return b;
}

static void on_done(struct store_job *job)
{
    struct batch *b = job->arg;
    struct extraction *x = b->x;
    if (job->code && b->number < x->failed_at)
        x->failed_at = b->number;
    index_wake(x->svc->index); /* it takes in beside the reading, not when that is over */
    pthread_mutex_lock(&x->lock);
    b->done = true;
    pthread_cond_signal(&x->changed);
    pthread_mutex_unlock(&x->lock);
}

/* Takes batches that are done off the list; waits while more than `most` bytes are under way. */
static enum err_code reclaim(struct extraction *x, size_t most, struct err *e)
{
    enum err_code code = ERR_OK;
    for (struct batch *b = x->oldest; b; b = x->oldest) {
        pthread_mutex_lock(&x->lock);
        while (!b->done && x->in_flight > most)
            pthread_cond_wait(&x->changed, &x->lock);
        bool done = b->done;
        pthread_mutex_unlock(&x->lock);
        if (!done)
            break;
        x->broken = x->broken || b->job.code;
        if (b->job.code && !code) {
            code = b->job.code;
            if (e && !e->code)
                *e = b->job.err;
        }
        if (!b->job.code) {
            x->fresh += b->stored.c.fresh;
            counts_add(&x->all, &b->stored);
        }
        x->in_flight -= b->bytes;
        x->oldest = b->next;
        if (!x->oldest)
            x->newest = &x->oldest;
        batch_free(b);
    }
    return code;
}

enum err_code extraction_wait(struct extraction *x, struct err *e)
{
    return reclaim(x, 0, e);
}

/* Names of reasons must outlive the batch that counted them. */
static void keep_reasons(struct file_counts *f)
{
    static const char *const all[] = {HISTORY_DAMAGED, HISTORY_PADDING,  HISTORY_BLANK,     HISTORY_EMPTY,
                                      HISTORY_META,    HISTORY_REPEATED, HISTORY_INJECTED,  HISTORY_UNKNOWN,
                                      HISTORY_BRANCH,  HISTORY_REWOUND,  HISTORY_ENCRYPTED, HISTORY_TOO_LARGE,
                                      "older",         "deleted",        "expired"};
    for (size_t i = 0; i < f->n; i++)
        for (size_t k = 0; k < sizeof all / sizeof *all; k++)
            if (str_is(f->why[i].name, all[k]))
                f->why[i].name = str_of(all[k]);
}

enum err_code extraction_flush(struct extraction *x, bool ends, struct err *e)
{
    struct batch *b = batch_now(x);
    if (!b)
        return err_nomem(e);
    x->now = NULL;
    b->file = x->state;
    b->file.anchor = arena_str(b->arena, x->state.anchor);
    b->root = arena_str(b->arena, x->root);
    b->path = arena_str(b->arena, x->path);
    b->kind = str_of(x->file->name.kind);
    b->project = x->project.p ? arena_str(b->arena, x->project) : STR("default");
    b->ends = ends;
    b->begins = !x->begun;
    b->again = x->again;
    b->reading = arena_str(b->arena, str_of(x->reading));
    b->expects = x->begun ? str_of(x->reading) : x->state.reading;
    b->expects = arena_str(b->arena, b->expects);
    b->number = ++x->sent;
    x->fresh_sent = 0;
    x->begun = true;
    b->bytes += sizeof *b;
    keep_reasons(&b->counts);
    keep_reasons(&b->upto);
    enum err_code code = ERR_OK;
    if (x->wish->dry_run) {
        code = batch_try(b, e);
        x->fresh += b->stored.c.fresh;
        counts_add(&x->all, &b->stored);
        batch_free(b);
        return code;
    }
    b->job = (struct store_job){.fn = batch_write, .arg = b, .done = on_done};
    *x->newest = b;
    x->newest = &b->next;
    x->in_flight += b->bytes;
    store_submit(x->svc->store, &b->job);
    return reclaim(x, x->wish->limit ? 0 : FLIGHT_BYTES, e);
}

enum err_code extraction_give_up(struct extraction *x, struct err *e)
{
    struct batch *b = batch_now(x);
    if (!b)
        return err_nomem(e);
    b->failed = true;
    memset(x->seen, 0, SEEN_SLOTS * sizeof *x->seen);
    return extraction_flush(x, false, e);
}

/* ---- places ---- */

/* The folder's own name, as a project may be called. */
static struct str project_of(struct extraction *x, struct arena *a, struct str cwd)
{
    struct str name = cwd, out;
    while (name.n && (name.p[name.n - 1] == '/' || name.p[name.n - 1] == '\\'))
        name.n--;
    for (size_t i = name.n; i; i--)
        if (name.p[i - 1] == '/' || name.p[i - 1] == '\\') {
            name = str_skip(name, i);
            break;
        }
    name = text_cut(str_trim(name), PROJECT_BYTES);
    char *own = name.n && text_utf8_valid(name) ? arena_cstr(a, name) : NULL;
    for (char *p = own; p && *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7F || *p == '/')
            *p = '_';
    if (!own || str_is(str_of(own), "*") || gate_text(x->svc->store, a, x->level, false, str_of(own), &out, NULL))
        return STR("default");
    return out;
}

static struct place **bucket_of(struct batch *b, struct str session, struct str thread)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < session.n + thread.n; i++)
        h = (h ^ (unsigned char)(i < session.n ? session.p[i] : thread.p[i - session.n])) * 16777619u;
    return &b->buckets[(h >> 8) % PLACE_BUCKETS];
}

static struct place *place_add(struct extraction *x, struct batch *b, struct str session, struct str thread)
{
    if (b->n_places == b->room_places) {
        size_t room = b->room_places ? b->room_places * 2 : 8;
        struct place **more = arena_array(b->arena, struct place *, room);
        if (!more)
            return NULL;
        if (b->n_places)
            memcpy(more, b->places, b->n_places * sizeof *more);
        b->places = more;
        b->room_places = room;
    }
    struct place *p = arena_alloc(b->arena, sizeof *p);
    if (!p)
        return NULL;
    p->session = arena_str(b->arena, session);
    p->thread = arena_str(b->arena, thread);
    const struct str parts[] = {session, thread};
    names_id(&x->names, "sess", parts, 1, p->session_id);
    names_id(&x->names, "conv", parts, 2, p->conversation_id);
    struct str valid_name = history_shown(b->arena, session);
    if (gate_text(x->svc->store, b->arena, x->level, false, valid_name, &p->shown, NULL))
        p->shown = STR("imported session");
    p->exact = str_eq(p->shown, session);
    extraction_key(x, str_of(p->session_id), p->made_key);
    b->places[b->n_places++] = p;
    b->bytes += sizeof *p + session.n + thread.n;
    struct place **bucket = bucket_of(b, session, thread);
    p->next = *bucket;
    *bucket = p;
    return p->session.p && p->thread.p ? p : NULL;
}

static struct place *place_of(struct extraction *x, struct batch *b, struct str session, struct str thread)
{
    if (!session.n)
        session = x->in.path; /* whoever names none: its file is the session */
    session = text_cut(session, NAME_BYTES);
    thread = thread.p ? thread : STR("");
    for (struct place *p = *bucket_of(b, session, thread); p; p = p->next)
        if (str_eq(p->session, session) && str_eq(p->thread, thread))
            return p;
    return place_add(x, b, session, thread);
}

/* ---- turns ---- */

static struct str valid(struct arena *a, struct str s)
{
    return text_cut(history_valid(a, str_take(s, CONTENT_BYTES)), CONTENT_BYTES);
}

/* The folder is the same in line after line: it is looked at once. */
static enum err_code cwd_shown(struct extraction *x, struct str cwd, struct err *e)
{
    struct buf b;
    struct json_out w;
    if (str_eq(x->cwd, cwd))
        return ERR_OK;
    x->cwd = arena_str(x->arena, cwd);
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_str(&w, cwd);
    struct str raw = buf_take(&b, x->arena);
    return raw.p && x->cwd.p ? gate_text(x->svc->store, x->arena, x->level, true, raw, &x->cwd_kept, e) : err_nomem(e);
}

/* The members of a turn's own that may hold anything, through the gate. */
static enum err_code texts_of(struct extraction *x, struct arena *a, struct str members, struct str *out, struct err *e)
{
    *out = STR_NONE;
    if (!members.n)
        return ERR_OK;
    struct str raw = arena_fmt(a, "{%.*s}", STR_ARG(members)), kept;
    if (!raw.p)
        return err_nomem(e);
    enum err_code code = gate_text(x->svc->store, a, x->level, true, raw, &kept, e);
    if (!code && kept.n >= 2)
        *out = (struct str){kept.p + 1, kept.n - 2};
    return code;
}

static enum err_code metadata_of(struct extraction *x, struct arena *a, const struct history_turn *t, struct str *out,
                                 struct err *e)
{
    struct buf b;
    struct json_out w;
    struct str texts;
    enum err_code code = texts_of(x, a, t->metadata, &texts, e);
    if (!code && t->cwd.n)
        code = cwd_shown(x, t->cwd, e);
    if (code)
        return code;
    buf_init(&b, 0);
    buf_cstr(&b, t->replay ? TURN_LEFT_OUT "," : "{");
    jw_init(&w, &b);
    jw_key(&w, "source");
    jw_object(&w);
    jw_kcstr(&w, "file", x->state.id);
    jw_kint(&w, "line", t->at.line);
    if (t->at.offset >= 0)
        jw_kint(&w, "offset", t->at.offset);
    jw_kint(&w, "bytes", t->at.bytes);
    jw_end_object(&w);
    if (t->cwd.n)
        jw_kraw(&w, "cwd", x->cwd_kept);
    const struct str more[] = {t->facts, texts};
    for (size_t i = 0; i < 2; i++) {
        if (!more[i].n)
            continue;
        buf_char(&b, ',');
        buf_str(&b, more[i]);
    }
    buf_char(&b, '}');
    *out = buf_take(&b, a);
    return out->p ? ERR_OK : err_nomem(e);
}

/* Its time first, so that what is said together lies together. */
static void turn_id(const struct extraction *x, struct str own, const struct item *i, int64_t when, char *out)
{
    unsigned char key[SHA256_BYTES];
    const struct history_names open = {.source = x->keys.source};
    if (own.n)
        names_key(&open, "turn", &own, 1, key);
    else
        memcpy(key, i->key, MET_KEY);
    int n = snprintf(out, ID_MAX, "turn_%012llx", (unsigned long long)when & 0xFFFFFFFFFFFF);
    for (int k = 0; k < 10; k++) {
        out[n++] = "0123456789abcdef"[key[k] >> 4];
        out[n++] = "0123456789abcdef"[key[k] & 15];
    }
    out[n] = 0;
}

/* Its lines behind the first, and its raw text: where only some of them are known, the others' words are still new. */
static enum err_code make_parts(struct extraction *x, struct arena *a, const struct history_turn *t, struct item *i,
                                struct str content, int64_t when, struct err *e)
{
    if (!t->n_parts)
        return ERR_OK;
    i->raw = arena_str(a, content);
    i->parts = arena_array(a, struct item_part, t->n_parts);
    if (!i->parts || !i->raw.p)
        return err_nomem(e);
    for (size_t k = 0; k < t->n_parts; k++) {
        struct item_part *p = &i->parts[i->n_parts++];
        extraction_key(x, t->parts[k].key, p->key);
        see(x, p->key);
        turn_id(x, t->parts[k].key, i, when, p->id);
        p->from = t->parts[k].from;
    }
    return ERR_OK;
}

enum err_code extraction_words(const struct extraction *x, struct str content, int64_t *out, size_t *bytes,
                               struct err *e)
{
    unsigned char hash[SHA256_BYTES];
    char *words = mem_alloc(content.n + 1);
    size_t n = 0;
    bool before = true; /* a space, or nothing */
    if (!words)
        return err_nomem(e);
    for (size_t k = 0; k < content.n; k++) {
        const char c = content.p[k];
        const bool space = (c == ' ') | ((unsigned char)(c - '\t') <= '\r' - '\t');
        words[n] = (char)(space ? ' ' : c);
        n += !(space & before);
        before = space;
    }
    const struct str all = {words, n - (n && words[n - 1] == ' ')};
    names_key(&x->words, "words", &all, 1, hash);
    mem_free(words);
    memcpy(out, hash, sizeof *out);
    *bytes = all.n;
    return ERR_OK;
}

/* What an answer says before it calls tools: others keep that alone. */
static struct str before_tools(const struct history_turn *t, struct str content)
{
    ptrdiff_t at = str_is(t->role, "assistant") ? str_find(content, STR("\n\n\xe2\x86\x92 ")) : -1;
    return at > 0 ? str_take(content, (size_t)at) : STR_NONE;
}

/* How it was told, and with which words. */
static enum err_code find_words(struct extraction *x, struct arena *a, const struct history_turn *t, struct str content,
                                struct item *i, struct err *e)
{
    struct str also = t->typed.n && !str_eq(t->typed, t->content) ? valid(a, t->typed) : before_tools(t, content);
    enum err_code code = extraction_words(x, content, &i->said.words, &i->words_n, e);
    if (!code && also.n)
        code = extraction_words(x, also, &i->also, &i->also_n, e);
    bool once = t->told == HISTORY_ONCE, typed = t->told == HISTORY_TYPED;
    i->said.time = t->timestamp && !once ? t->timestamp / 1000 : 0;
    i->said.how = once ? SAID_ONCE : typed ? SAID_TYPED : x->wish->format->copies ? SAID_COPY : SAID_OWN;
    i->said.how |= (t->replay ? SAID_LEFT_OUT : 0) |
                   (typed || t->typed.n || str_is(t->role, "user") ? SAID_PERSON : 0) |
                   (typed && t->apart ? SAID_APART : 0) | (int64_t)x->source << SAID_SOURCE;
    i->line = t->at.line;
    return code;
}

/* Where it does not say: as the one before. */
static int64_t when_of(const struct extraction *x, const struct history_turn *t)
{
    return t->timestamp ? t->timestamp : x->last_time ? x->last_time : x->in.modified;
}

/* Texts as they may be stored; the hash is the raw content's. */
static enum err_code make_turn(struct extraction *x, struct batch *b, const struct history_turn *t, struct item *i,
                               struct err *e)
{
    struct arena *a = b->arena;
    char hash[65], id[ID_MAX];
    struct str content = valid(a, t->content);
    int64_t when = when_of(x, t);
    id_sha256(content, hash);
    turn_id(x, t->key, i, when, id);
    x->last_time = when;
    i->turn = (struct turn_new){.id = arena_str(a, str_of(id)),
                                .conversation_id = str_of(i->place->conversation_id),
                                .agent = arena_str(a, text_cut(t->agent, AGENT_BYTES)),
                                .role = arena_str(a, t->role),
                                .timestamp = when,
                                .created_at = when,
                                .token_count = -1,
                                .content_hash = arena_str(a, str_of(hash)),
                                .masked_for = x->level,
                                .pack = true};
    enum err_code code = gate_text(x->svc->store, a, x->level, false, content, &i->turn.content, e);
    if (!code)
        code = metadata_of(x, a, t, &i->turn.metadata, e);
    if (!code && i->turn.content.p == t->content.p)
        i->turn.content = arena_str(a, i->turn.content);
    if (!code)
        code = find_words(x, x->in.arena, t, content, i, e); /* for the moment only */
    if (!code)
        code = make_parts(x, a, t, i, content, when, e);
    return code ? code : arena_failed(a) ? err_nomem(e) : ERR_OK;
}

static void find_project(struct extraction *x, struct batch *b, struct place *p, struct str cwd)
{
    if (!p->project.p && (x->wish->project.n || cwd.n))
        p->project = x->wish->project.n ? x->wish->project : project_of(x, b->arena, cwd);
    if (p->project.p && !x->project.p)
        x->project = arena_str(x->arena, p->project);
}

static enum err_code skip(struct history_sink *s, const char *reason, const struct history_at *at, struct err *e)
{
    struct extraction *x = (struct extraction *)s;
    struct batch *b = batch_now(x);
    (void)at;
    if (!b)
        return err_nomem(e);
    x->told++;
    b->counts.c.lines++;
    b->counts.c.skipped++;
    reasons_add(&b->counts, str_of(reason), 1);
    return ERR_OK;
}

/* Of what was told a short while ago nothing is new, unless it has grown by a line. */
static bool all_seen(const struct extraction *x, const unsigned char key[MET_KEY], const struct history_turn *t)
{
    bool seen = was_seen(x, key);
    for (size_t k = 0; seen && k < t->n_parts; k++) {
        unsigned char part[MET_KEY];
        extraction_key(x, t->parts[k].key, part);
        seen = was_seen(x, part);
    }
    return seen;
}

/* A sample ends with its last turn, wherever the next mark is. */
static enum err_code count_sample(struct extraction *x, const unsigned char key[MET_KEY], struct err *e)
{
    struct store_tx *tx;
    bool has = false;
    enum err_code code = x->wish->limit ? store_read_begin(x->svc->store, &tx, e) : ERR_OK;
    if (code || !x->wish->limit)
        return code;
    code = met_has(tx, key, &has, e);
    store_read_end(tx);
    x->fresh_sent += !has;
    x->enough = x->enough || x->fresh + x->fresh_sent >= x->wish->limit;
    return code ? code : x->enough ? ERR_LIMIT : ERR_OK;
}

static enum err_code turn(struct history_sink *s, const struct history_turn *t, struct err *e)
{
    struct extraction *x = (struct extraction *)s;
    struct batch *b = batch_now(x);
    unsigned char key[MET_KEY];
    if (!b)
        return err_nomem(e);
    key_of(x, t, key);
    if (x->wish->since && when_of(x, t) < x->wish->since) {
        x->last_time = when_of(x, t);
        return skip(s, "older", &t->at, e);
    }
    x->told++;
    if (all_seen(x, key, t)) {
        b->counts.c.lines++;
        b->counts.c.duplicates++;
        return ERR_OK;
    }
    see(x, key);
    struct item *i = arena_alloc(b->arena, sizeof *i);
    struct place *p = place_of(x, b, t->session, t->thread);
    if (!i || !p)
        return err_nomem(e);
    memcpy(i->key, key, MET_KEY);
    i->place = p;
    enum err_code code = make_turn(x, b, t, i, e);
    if (code)
        return code;
    find_project(x, b, p, t->cwd.n ? t->cwd : t->project);
    b->counts.c.lines++;
    *b->last_item = i;
    b->last_item = &i->next;
    b->newest = i;
    b->bytes += i->turn.content.n + i->turn.metadata.n + sizeof *i;
    if (b->bytes > BATCH_MOST)
        code = extraction_flush(x, false, e);
    return code ? code : count_sample(x, key, e);
}

/* As its kind has it. False: it is not of the form that its kind needs. */
static enum err_code make_record(struct extraction *x, struct batch *b, const struct history_record *t, struct item *i,
                                 struct err *e)
{
    const struct kind *k = kind_find(str_of(t->kind));
    const struct str parts[] = {str_of(t->kind), t->key};
    const struct json *o;
    char id[ID_MAX];
    struct str fields = arena_str(b->arena, t->fields);
    i->record = record_new(b->arena, k);
    if (!i->record || !fields.p)
        return err_nomem(e);
    enum err_code code = history_json(b->arena, fields, &o, e);
    if (!code)
        code = record_from_json(b->arena, o, RECORD_CREATE, i->record, e);
    if (code || k->flags & KIND_KEYED)
        return code;
    names_id(&x->names, k->id_prefix, parts, 2, id);
    i->record->id = arena_str(b->arena, str_of(id));
    return i->record->id.p ? ERR_OK : err_nomem(e);
}

static enum err_code record(struct history_sink *s, const struct history_record *t, struct err *e)
{
    struct extraction *x = (struct extraction *)s;
    struct batch *b = batch_now(x);
    const struct str parts[] = {str_of(t->kind), t->key, t->fields};
    unsigned char key[SHA256_BYTES];
    struct err why = {0};
    struct item *i = b ? arena_alloc(b->arena, sizeof *i) : NULL;
    struct place *p = i && t->session.n ? place_of(x, b, t->session, STR_NONE) : NULL;
    if (!i || (t->session.n && !p))
        return err_nomem(e);
    if (x->wish->since && t->timestamp && t->timestamp < x->wish->since)
        return skip(s, "older", &t->at, e);
    enum err_code code = make_record(x, b, t, i, &why);
    if (code)
        return code == ERR_NOMEM ? err_nomem(e) : skip(s, HISTORY_DAMAGED, &t->at, e);
    names_key(&x->keys, "record", parts, 3, key);
    memcpy(i->key, key, MET_KEY);
    x->told++;
    b->counts.c.lines++;
    i->place = p;
    i->line = t->at.line;
    i->record->created_at = t->timestamp ? t->timestamp : x->in.modified;
    *b->last_item = i;
    b->last_item = &i->next;
    b->newest = i;
    b->bytes += t->fields.n + sizeof *i;
    return b->bytes > BATCH_MOST ? extraction_flush(x, false, e) : ERR_OK;
}

static enum err_code merged(struct history_sink *s, struct str key, const struct history_at *at, struct err *e)
{
    struct extraction *x = (struct extraction *)s;
    struct batch *b = batch_now(x);
    struct more_key *k = b && key.n ? arena_alloc(b->arena, sizeof *k) : NULL;
    if (!b || (key.n && !k))
        return err_nomem(e);
    if (k) {
        extraction_key(x, key, k->key);
        see(x, k->key);
        k->next = b->keys;
        b->keys = k;
    }
    x->told += at != NULL;
    b->counts.c.lines += at != NULL;
    b->counts.c.merged += at != NULL;
    return ERR_OK;
}

static enum err_code title(struct history_sink *s, struct str session, struct str text, enum history_titled by,
                           struct err *e)
{
    struct extraction *x = (struct extraction *)s;
    struct batch *b = batch_now(x);
    struct place *p = b ? place_of(x, b, session, STR_NONE) : NULL;
    if (!p)
        return err_nomem(e);
    if (p->title.n && p->title_by > by)
        return ERR_OK;
    p->title = arena_str(b->arena, text_cut(valid(b->arena, str_trim(text)), TITLE_BYTES));
    p->title_by = by;
    b->bytes += p->title.n;
    unsigned char key[SHA256_BYTES];
    const struct str parts[] = {p->session, p->title};
    names_key(&x->keys, "title", parts, 2, key);
    memcpy(p->title_key, key, MET_KEY);
    names_key(&x->keys, "own title", parts, 1, key);
    memcpy(p->own_key, key, MET_KEY);
    return p->title.p ? ERR_OK : err_nomem(e);
}

/* A mark that lies before what was told already (something there waits for what comes) changes nothing: the one before
 * it stays. */
static enum err_code mark(struct history_sink *s, int64_t from, int64_t lines, struct err *e)
{
    struct extraction *x = (struct extraction *)s;
    const struct history_wish *w = x->wish;
    struct batch *b = batch_now(x);
    enum err_code code = b ? ERR_OK : err_nomem(e);
    bool stop = w->stop && atomic_load(w->stop), back = x->file->name.grows && lines < x->in.from_line + x->told;
    if (w->progress)
        w->progress(w->progress_arg, x->done + (from <= x->in.size ? from : 0), x->total);
    if (b && !back) {
        x->state.read_to = from;
        x->state.lines = lines;
        x->state.last_time = x->last_time;
        b->marked = true;
        b->upto = b->counts;
        b->mark_item = b->newest;
    }
    if (b && (stop || b->bytes >= BATCH_BYTES || (w->limit && b->items)))
        code = extraction_flush(x, false, e);
    x->enough = stop || (w->limit && x->fresh >= w->limit);
    return code ? code : x->enough ? ERR_LIMIT : ERR_OK;
}

static enum err_code note(struct history_sink *s, struct str key, struct str value, struct err *e)
{
    return noted_put(&((struct extraction *)s)->noted, key, value) ? ERR_OK : err_nomem(e);
}

static struct str noted(struct history_sink *s, struct str key)
{
    return noted_get(&((const struct extraction *)s)->noted, key);
}

/* ---- life ---- */

enum err_code extraction_init(struct extraction *x, struct service *svc, const struct history_wish *w, struct err *e)
{
    *x = (struct extraction){.sink = {turn, merged, skip, title, mark, known, note, noted, record},
                             .svc = svc,
                             .wish = w,
                             .names = {.source = w->format->name},
                             .keys = {.source = w->format->keys_of ? w->format->keys_of : w->format->name},
                             .words = {.source = ""},
                             .failed_at = INT64_MAX,
                             .keeps_place = !w->since && !w->limit && !w->dry_run};
    struct str level = masking_default_level(svc->options.config);
    x->arena = arena_new();
    x->level = level.n && !str_is(level, "EPHEMERAL") ? level : STR("TEAM");
    x->newest = &x->oldest;
    x->seen = mem_zalloc(SEEN_SLOTS * sizeof *x->seen);
    pthread_mutex_init(&x->lock, NULL);
    pthread_cond_init(&x->changed, NULL);
    if (!x->seen || !x->arena)
        return err_nomem(e);
    enum err_code code = store_secret(svc->store, "import_key", x->keys.secret, e);
    memcpy(x->words.secret, x->keys.secret, sizeof x->words.secret);
    unsigned char source[SHA256_BYTES];
    names_key(&(struct history_names){.source = x->keys.source}, "source", NULL, 0, source);
    memcpy(&x->source, source, sizeof x->source);
    return code;
}

void extraction_free(struct extraction *x)
{
    struct err ignored = {0};
    (void)extraction_wait(x, &ignored);
    batch_free(x->now);
    mem_free(x->seen);
    noted_free(&x->noted);
    if (x->arena)
        arena_free(x->arena);
    pthread_cond_destroy(&x->changed);
    pthread_mutex_destroy(&x->lock);
}
