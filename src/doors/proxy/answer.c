/* Collects an answer, and says what to store of it. */
#include "doors/proxy/answer.h"

#include "base/json_write.h"
#include "base/mem.h"
#include "base/text.h"
#include "doors/proxy/sse.h"

enum { USAGE_MAX = 16 << 10, WORD_MAX = 4096, EVENT_ARENA_MAX = 256 << 20 };

struct choice {
    int64_t index;
    struct buf text, finish;
};

struct call {
    int64_t key;
    bool json;
    struct buf id, name, arguments;
};

struct answer {
    const struct wire *wire;
    bool streamed, over, failed, truncated;
    struct sse sse;
    struct buf body;     /* plain: the bytes; streamed: unused */
    struct arena *arena; /* one event, or the plain body */
    size_t kept;         /* bytes in all texts and calls */
    int64_t part;        /* the first choice's part being written */
    struct choice choices[ANSWER_CHOICES];
    size_t n_choices;
    struct call calls[ANSWER_CALLS];
    size_t n_calls;
    struct buf id, model;
    int64_t created;
    struct buf usage; /* an object */
};

struct answer *answer_new(const struct wire *wire, bool streamed)
{
    struct answer *x = mem_zalloc(sizeof *x);
    if (!x)
        return NULL;
    x->arena = arena_new();
    if (!x->arena) {
        mem_free(x);
        return NULL;
    }
    arena_limit(x->arena, EVENT_ARENA_MAX);
    x->wire = wire;
    x->streamed = streamed;
    x->part = -1;
    sse_init(&x->sse, ANSWER_MAX);
    buf_init(&x->body, ANSWER_BODY_MAX);
    buf_init(&x->id, WORD_MAX);
    buf_init(&x->model, WORD_MAX);
    buf_init(&x->usage, USAGE_MAX);
    return x;
}

void answer_free(struct answer *x)
{
    if (!x)
        return;
    for (size_t i = 0; i < x->n_choices; i++) {
        buf_release(&x->choices[i].text);
        buf_release(&x->choices[i].finish);
    }
    for (size_t i = 0; i < x->n_calls; i++) {
        buf_release(&x->calls[i].id);
        buf_release(&x->calls[i].name);
        buf_release(&x->calls[i].arguments);
    }
    sse_release(&x->sse);
    buf_release(&x->body);
    buf_release(&x->id);
    buf_release(&x->model);
    buf_release(&x->usage);
    arena_free(x->arena);
    mem_free(x);
}

/* ---- reading ---- */

static void on_event(void *arg, struct str name, struct str data)
{
    struct answer *x = arg;
    const struct json *v = NULL;
    if (str_is(str_trim(data), "[DONE]")) {
        x->over = true;
        return;
    }
    if (!str_trim(data).n)
        return;
    arena_reset(x->arena);
    if (json_parse(x->arena, data, JSON_DUPLICATES_OK, &v, NULL))
        v = NULL; /* an event that is no JSON: the wire takes it for an error */
    x->wire->event(x, name, v);
}

void answer_feed(struct answer *x, struct str bytes)
{
    if (x->streamed)
        sse_feed(&x->sse, bytes, on_event, x);
    else
        buf_str(&x->body, bytes);
}

void answer_end(struct answer *x)
{
    if (x->streamed) {
        sse_finish(&x->sse, on_event, x);
        x->truncated |= x->sse.dropped;
        return;
    }
    const struct json *v = NULL;
    arena_reset(x->arena);
    if (x->body.failed)
        x->truncated = true;
    else if (x->body.n && json_parse(x->arena, buf_view(&x->body), JSON_DUPLICATES_OK, &v, NULL) == ERR_OK)
        x->wire->whole(x, v);
}

/* ---- what came ---- */

struct str answer_body(const struct answer *x)
{
    return x->streamed || x->body.failed ? STR_NONE : buf_view(&x->body);
}

static const struct choice *first_choice(const struct answer *x)
{
    for (size_t i = 0; i < x->n_choices; i++)
        if (x->choices[i].index == 0)
            return &x->choices[i];
    return NULL;
}

struct str answer_text(const struct answer *x)
{
    const struct choice *c = first_choice(x);
    return c ? buf_view(&c->text) : STR_NONE;
}

bool answer_over(const struct answer *x)
{
    return x->over;
}

bool answer_whole(const struct answer *x)
{
    const struct choice *c = first_choice(x);
    return !x->failed && (x->over || (c && c->finish.n));
}

bool answer_empty(const struct answer *x)
{
    return !answer_text(x).n && !x->n_calls;
}

struct str answer_id(const struct answer *x)
{
    return x->id.n ? buf_view(&x->id) : STR_NONE;
}

struct str answer_model(const struct answer *x)
{
    return x->model.n ? buf_view(&x->model) : STR_NONE;
}

int64_t answer_created(const struct answer *x)
{
    return x->created;
}

/* Arguments that clients send back as a JSON value: minified, when they are one. */
static struct str call_arguments(struct answer *x, const struct call *c, struct arena *a)
{
    const struct json *v = NULL;
    struct str raw = buf_view(&c->arguments);
    if (!c->json)
        return raw;
    if (!raw.n)
        return STR("{}");
    arena_reset(x->arena);
    if (json_parse(x->arena, raw, JSON_DUPLICATES_OK, &v, NULL))
        return raw;
    return wire_minified(a, v);
}

static void write_calls(struct answer *x, struct arena *a, struct buf *b)
{
    buf_char(b, '[');
    for (size_t i = 0; i < x->n_calls; i++) {
        if (i)
            buf_char(b, ',');
        wire_write_call(b, buf_view(&x->calls[i].id), buf_view(&x->calls[i].name), call_arguments(x, &x->calls[i], a));
    }
    buf_char(b, ']');
}

struct str answer_turn(struct answer *x, struct arena *a)
{
    struct buf b;
    if (answer_text(x).n || !x->n_calls)
        return arena_str(a, answer_text(x).n ? answer_text(x) : STR(""));
    buf_init(&b, 0);
    write_calls(x, a, &b);
    struct str out = buf_take(&b, a);
    return out;
}

static void write_choices(const struct answer *x, struct json_out *w)
{
    jw_key(w, "choices");
    jw_array(w);
    for (size_t i = 0; i < x->n_choices; i++) {
        const struct choice *c = &x->choices[i];
        if (c->index == 0)
            continue;
        jw_object(w);
        jw_kint(w, "index", c->index);
        jw_kstr(w, "text", c->text.n ? buf_view(&c->text) : STR(""));
        if (c->finish.n)
            jw_kstr(w, "finish_reason", buf_view(&c->finish));
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void write_metadata(struct answer *x, struct arena *a, int64_t response_time_ms, struct buf *b)
{
    const struct choice *first = first_choice(x);
    struct json_out w;
    jw_init(&w, b);
    jw_object(&w);
    if (x->model.n)
        jw_kstr(&w, "model", buf_view(&x->model));
    if (x->id.n)
        jw_kstr(&w, "response_id", buf_view(&x->id));
    if (first && first->finish.n)
        jw_kstr(&w, "finish_reason", buf_view(&first->finish));
    if (x->usage.n && !x->usage.failed)
        jw_kraw(&w, "usage", buf_view(&x->usage));
    if (x->n_calls) {
        struct buf calls;
        buf_init(&calls, 0);
        write_calls(x, a, &calls);
        jw_kraw(&w, "tool_calls", calls.failed ? STR("[]") : arena_str(a, buf_view(&calls)));
        buf_release(&calls);
    }
    if (x->n_choices > (first ? 1 : 0))
        write_choices(x, &w);
    if (x->truncated)
        jw_kbool(&w, "truncated", true);
    jw_kint(&w, "response_time_ms", response_time_ms);
    jw_end_object(&w);
}

struct str answer_metadata(struct answer *x, struct arena *a, int64_t response_time_ms)
{
    struct buf b;
    buf_init(&b, 0);
    write_metadata(x, a, response_time_ms, &b);
    struct str out = buf_take(&b, a);
    return out;
}

/* ---- for the wires ---- */

/* Appends within the bound on everything kept. */
static void keep(struct answer *x, struct buf *b, struct str s)
{
    if (x->kept + s.n > ANSWER_MAX) {
        x->truncated = true;
        s = text_cut(s, ANSWER_MAX - x->kept);
    }
    x->kept += s.n;
    buf_str(b, s);
}

static struct choice *choice_at(struct answer *x, int64_t index)
{
    for (size_t i = 0; i < x->n_choices; i++)
        if (x->choices[i].index == index)
            return &x->choices[i];
    if (x->n_choices == ANSWER_CHOICES) {
        x->truncated = true;
        return NULL;
    }
    struct choice *c = &x->choices[x->n_choices++];
    c->index = index;
    buf_init(&c->text, ANSWER_MAX);
    buf_init(&c->finish, WORD_MAX);
    return c;
}

void answer_add_text(struct answer *x, int64_t choice, int64_t part, struct str text)
{
    struct choice *c = text.n ? choice_at(x, choice) : NULL;
    if (!c)
        return;
    if (choice == 0) {
        if (x->part >= 0 && x->part != part && c->text.n)
            keep(x, &c->text, STR("\n"));
        x->part = part;
    }
    keep(x, &c->text, text);
}

void answer_add_call(struct answer *x, int64_t key, struct str id, struct str name, struct str arguments, bool json)
{
    struct call *c = NULL;
    for (size_t i = 0; i < x->n_calls && !c; i++)
        if (x->calls[i].key == key)
            c = &x->calls[i];
    if (!c && x->n_calls == ANSWER_CALLS) {
        x->truncated = true;
        return;
    }
    if (!c) {
        c = &x->calls[x->n_calls++];
        c->key = key;
        c->json = json;
        buf_init(&c->id, WORD_MAX);
        buf_init(&c->name, WORD_MAX);
        buf_init(&c->arguments, ANSWER_MAX);
    }
    if (!c->id.n) /* some servers send id and name with every piece */
        keep(x, &c->id, id);
    if (!c->name.n)
        keep(x, &c->name, name);
    keep(x, &c->arguments, arguments);
}

void answer_set_finish(struct answer *x, int64_t choice, struct str reason)
{
    struct choice *c = reason.n ? choice_at(x, choice) : NULL;
    if (!c)
        return;
    buf_clear(&c->finish);
    buf_str(&c->finish, reason);
}

void answer_set_head(struct answer *x, const struct json *o)
{
    const struct json *created = json_get_type(o, "created", JSON_INT);
    struct str id = json_text(o, "id"), model = json_text(o, "model");
    if (!x->id.n)
        buf_str(&x->id, id);
    if (!x->model.n)
        buf_str(&x->model, model);
    if (created && !x->created)
        x->created = created->integer;
}

/* Anthropic's stream gives input tokens first and output tokens at the end: later members win, others stay. */
static void merge_usage(struct answer *x, const struct json *old, const struct json *usage)
{
    struct buf b;
    struct json_out w;
    buf_init(&b, USAGE_MAX);
    jw_init(&w, &b);
    jw_object(&w);
    for (size_t i = 0; old && i < old->n; i++) {
        if (!json_get_str(usage, old->keys[i].key)) {
            jw_key_str(&w, old->keys[i].key);
            jw_value(&w, &old->items[i]);
        }
    }
    for (size_t i = 0; i < usage->n; i++) {
        jw_key_str(&w, usage->keys[i].key);
        jw_value(&w, &usage->items[i]);
    }
    jw_end_object(&w);
    buf_release(&x->usage);
    x->usage = b;
}

void answer_set_usage(struct answer *x, const struct json *usage)
{
    const struct json *old = NULL;
    if (!usage || !usage->n)
        return;
    if (x->usage.n && json_parse(x->arena, buf_view(&x->usage), JSON_DUPLICATES_OK, &old, NULL))
        old = NULL;
    merge_usage(x, old, usage);
}

void answer_set_over(struct answer *x)
{
    x->over = true;
}

void answer_set_failed(struct answer *x)
{
    x->failed = true;
}
