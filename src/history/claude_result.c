/* What a tool says beside its answer (toolUseResult): mostly the answer's text again, so it is used only where the
 * answer has none. Each tool has a form of its own, and new ones come; what is looked for are members with words. */
#include "history/claude.h"

static void add(struct buf *b, const char *between, struct str s)
{
    if (!str_trim(s).n)
        return;
    if (b->n)
        buf_cstr(b, between);
    buf_str(b, s);
}

/* A text, a list of texts and of blocks with one, an object with one. */
static void add_any(struct buf *b, const struct json *v)
{
    static const char *const names[] = {"text", "content", "title", "url", "tool_name"};
    if (!v)
        return;
    if (v->type == JSON_STRING)
        add(b, "\n\n", v->s);
    for (size_t i = 0; v->type == JSON_ARRAY && i < v->n; i++)
        add_any(b, &v->items[i]);
    const size_t before = b->n;
    for (size_t i = 0; v->type == JSON_OBJECT && i < sizeof names / sizeof *names; i++)
        add(b, b->n == before ? "\n\n" : "\n", json_text(v, names[i]));
    if (v->type == JSON_OBJECT && json_get_type(v, "content", JSON_ARRAY))
        add_any(b, json_get(v, "content"));
}

void claude_result_words(struct buf *b, const struct json *content)
{
    add_any(b, content);
}

/* What was changed in a file, as the tool shows it; else what was put in. */
static void add_change(struct buf *b, const struct json *o)
{
    const struct json *patch = json_get_type(o, "structuredPatch", JSON_ARRAY);
    size_t before = b->n;
    for (size_t i = 0; patch && i < patch->n; i++) {
        const struct json *lines = json_get_type(&patch->items[i], "lines", JSON_ARRAY);
        for (size_t k = 0; lines && k < lines->n; k++)
            if (lines->items[k].type == JSON_STRING)
                add(b, "\n", lines->items[k].s);
    }
    if (b->n == before)
        add(b, "\n", json_text(o, "newString"));
    if (b->n > before)
        return;
    add(b, "\n", json_text(o, "content"));
}

static void add_todos(struct buf *b, const struct json *list)
{
    for (size_t i = 0; list && i < list->n; i++) {
        struct str status = json_text(&list->items[i], "status"), text = json_text(&list->items[i], "content");
        if (!text.n)
            continue;
        buf_fmt(b, "%s[%.*s] ", b->n ? "\n" : "", STR_ARG(status.n ? status : STR("?")));
        buf_str(b, text);
    }
}

static void add_names(struct buf *b, const struct json *list)
{
    for (size_t i = 0; list && i < list->n; i++)
        if (list->items[i].type == JSON_STRING)
            add(b, "\n", list->items[i].s);
}

static void add_object(struct buf *b, const struct json *o)
{
    static const char *const texts[] = {"stdout", "stderr", "result", "message", "error", "plan", "output"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        add(b, "\n", json_text(o, texts[i]));
    if (!b->n)
        add(b, "\n", json_text(json_get(o, "file"), "content"));
    if (!b->n && json_text(o, "filePath").n)
        add_change(b, o);
    if (!b->n)
        add_any(b, json_get(o, "content"));
    if (!b->n)
        add_any(b, json_get(o, "results"));
    if (!b->n)
        add_todos(b, json_get_type(o, "newTodos", JSON_ARRAY));
    if (!b->n)
        add_names(b, json_get_type(o, "filenames", JSON_ARRAY));
}

void claude_result_beside(struct buf *b, const struct json *beside)
{
    bool picture = json_get_type(beside, "isImage", JSON_BOOL) && json_get(beside, "isImage")->boolean;
    if (beside && beside->type == JSON_OBJECT && !picture)
        add_object(b, beside);
    else if (beside && beside->type != JSON_OBJECT)
        add_any(b, beside);
}
