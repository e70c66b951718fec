/* Architecture: which parts there are and how they stand to each other. Evidence is counted: sentences that relate one
 * part to another ("X talks to Y through Z"), a list of named parts under a heading that says so, a diagram with
 * arrows. One relation alone is an observation, not a design. */
#include "service/patterns/extract.h"

#include "base/json_write.h"

enum { PARTS_MAX = 40, RELATIONS_MAX = 20, NAMED_MIN = 3 };

static const char *const RELATES[] = {"talks to",
                                      "talk to",
                                      "calls",
                                      "delegates to",
                                      "depends on",
                                      "reads from",
                                      "reads entries from",
                                      "writes to",
                                      "goes through",
                                      "go through",
                                      "hands",
                                      "passes",
                                      "sends",
                                      "stored in",
                                      "responsible for",
                                      "sits between",
                                      "on top of",
                                      "never touches",
                                      "never talks to",
                                      "connects to",
                                      "publishes to",
                                      "subscribes to",
                                      "forwards to",
                                      "through the same",
                                      "in front of",
                                      "behind the",
                                      "is the only component",
                                      "consumes",
                                      "exposes",
                                      "owns the",
                                      "at the bottom",
                                      "in the middle",
                                      NULL};
static const char *const PARTS[] = {"layer",    "layers",    "component", "components", "service",  "services",
                                    "module",   "modules",   "package",   "packages",   "client",   "server",
                                    "queue",    "store",     "database",  "postgres",   "redis",    "route",
                                    "gateway",  "worker",    "workers",   "interface",  "boundary", "renderer",
                                    "exporter", "runner",    "agent",     "oracle",     "tools",    "tool",
                                    "browser",  "container", "provider",  "proxy",      "cache",    "scheduler",
                                    "api",      "frontend",  "backend",   "broker",     "adapter",  "template package",
                                    NULL};
static const char *const HEADS[] = {
    "architecture", "components",    "how it fits together",   "layers", "three layers", "two layers", "four layers",
    "the design",   "system design", "overview of the system", NULL};
static const char *const LOOKING[] = {"let me", "looking at", "i see",       "i will",
                                      "i'll",   "i need to",  "done so far", NULL};
static const char *const ARROWS[] = {"\xe2\x96\xb6", "\xe2\x96\xbc", "-->", "->", "\xe2\x86\x92", "=>", NULL};

struct design {
    struct str relations[RELATIONS_MAX], parts[PARTS_MAX];
    size_t n_relations, n_parts;
    struct str head, diagram;
};

static size_t count_parts(struct str s)
{
    size_t n = 0;
    for (const char *const *p = PARTS; *p; p++)
        n += cue_at(s, *p) >= 0;
    return n;
}

/* Arrows hold no letters, so whole words do not matter: any place in the line counts. */
static bool is_diagram(struct str body)
{
    size_t arrows = 0, rows = 0;
    for (struct str rest = body; rest.p; rows++) {
        struct str line = str_cut(&rest, '\n');
        for (const char *const *a = ARROWS; *a; a++)
            arrows += str_find(line, str_of(*a)) >= 0;
    }
    return arrows >= 2 && rows >= 2;
}

static bool is_drawing(const struct pt_block *b)
{
    bool labelled = b->label.n && !str_is(b->label, "text") && !str_is(b->label, "mermaid");
    return b->kind == PT_CODE && !labelled && is_diagram(b->text);
}

static void collect(const struct pattern_text *t, struct design *d)
{
    for (size_t i = 0; i < t->n_sentences; i++) {
        struct str s = t->sentences[i].text;
        if (cue_any(s, HEADS, NULL) && !d->head.n && !text_is_question(s))
            d->head = s;
        bool relates = cue_any(s, RELATES, NULL) && count_parts(s) >= 2;
        if (relates && !text_is_question(s) && d->n_relations < RELATIONS_MAX)
            d->relations[d->n_relations++] = s;
    }
    for (size_t i = 0; i < t->n_blocks; i++) {
        const struct pt_block *b = &t->blocks[i];
        /* named parts count under a heading that announces them */
        if (b->kind == PT_ITEM && b->label.n && d->n_parts < PARTS_MAX && cue_any(text_lead(t, i), HEADS, NULL))
            d->parts[d->n_parts++] = b->label;
        if (is_drawing(b) && !d->diagram.n)
            d->diagram = b->text;
    }
}

static double judge(const struct pattern_text *t, const struct design *d)
{
    for (size_t i = 0; i < t->n_sentences; i++) {
        if (cue_any(t->sentences[i].text, LOOKING, NULL))
            return 0;
    }
    if (d->diagram.n)
        return d->n_relations ? 0.85 : d->head.n ? 0.7 : 0;
    if (d->head.n && d->n_parts >= NAMED_MIN)
        return d->n_relations ? 0.9 : 0.7;
    return d->head.n && d->n_relations ? 0.85 : d->n_relations >= 2 ? 0.75 : 0;
}

static void write_list(struct json_out *w, const char *key, const struct str *list, size_t n)
{
    jw_key(w, key);
    jw_array(w);
    for (size_t i = 0; i < n; i++)
        jw_str(w, list[i]);
    jw_end_array(w);
}

static struct str template_of(const struct pattern_text *t, const struct design *d)
{
    struct buf b;
    buf_init(&b, 0);
    buf_str(&b, d->diagram);
    for (size_t i = 0; i < t->n_blocks; i++) {
        if (t->blocks[i].kind != PT_ITEM || !t->blocks[i].label.n)
            continue;
        buf_cstr(&b, "- ");
        buf_str(&b, t->blocks[i].text);
        buf_char(&b, '\n');
    }
    for (size_t i = 0; i < d->n_relations; i++) {
        buf_str(&b, d->relations[i]);
        buf_char(&b, '\n');
    }
    return buf_take(&b, t->arena);
}

static enum err_code extract(const struct pattern_text *t, struct pattern_found *out, struct err *e)
{
    struct design *d = arena_alloc(t->arena, sizeof *d);
    struct buf b;
    struct json_out w;
    if (!d)
        return err_nomem(e);
    collect(t, d);
    double confidence = judge(t, d);
    if (confidence <= 0)
        return ERR_OK;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_object(&w);
    write_list(&w, "components", d->parts, d->n_parts);
    write_list(&w, "relations", d->relations, d->n_relations);
    jw_end_object(&w);
    out->details = buf_take(&b, t->arena);
    out->template = template_of(t, d);
    out->description = d->n_relations ? d->relations[0] : text_title(t, d->head);
    out->confidence = confidence;
    return out->details.p && out->template.p ? ERR_OK : err_nomem(e);
}

const struct pattern_extractor extract_architecture = {"architecture", extract};
