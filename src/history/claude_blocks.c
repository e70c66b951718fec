/* Contents of messages: a string, or blocks. What people read becomes text; thoughts are kept apart; tools leave the
 * text of what was asked and answered, and their names and ids. Of pictures and documents it is kept what they were. */
#include "history/claude.h"

#include "base/json_write.h"

#include <string.h>

void claude_content_init(struct claude_content *c)
{
    *c = (struct claude_content){0};
    buf_init(&c->text, 0);
    buf_init(&c->thinking, 0);
    buf_init(&c->tools, 0);
    buf_init(&c->blobs, 0);
    buf_init(&c->context, 0);
}

void claude_content_free(struct claude_content *c)
{
    buf_release(&c->text);
    buf_release(&c->thinking);
    buf_release(&c->tools);
    buf_release(&c->blobs);
    buf_release(&c->context);
}

void claude_content_clear(struct claude_content *c)
{
    buf_clear(&c->text);
    buf_clear(&c->thinking);
    buf_clear(&c->tools);
    buf_clear(&c->blobs);
    buf_clear(&c->context);
    c->results = c->said = c->odd_tools = false;
}

static void paragraph(struct buf *b)
{
    if (b->n)
        buf_cstr(b, "\n\n");
}

static void add_text(struct claude_content *c, struct str s)
{
    if (!str_trim(s).n)
        return;
    paragraph(&c->text);
    buf_str(&c->text, s);
    c->said = true;
}

static void note_tool(struct claude_content *c, struct str name, struct str id, bool failed)
{
    struct json_out w;
    jw_init(&w, &c->tools);
    w.comma = c->tools.n > 0;
    c->odd_tools = c->odd_tools || (name.n && !history_harmless(name)) || (id.n && !history_harmless(id));
    jw_object(&w);
    if (name.n)
        jw_kstr(&w, "name", name);
    if (id.n)
        jw_kstr(&w, "id", id);
    if (failed)
        jw_kbool(&w, "is_error", true);
    jw_end_object(&w);
}

static void add_use(struct claude_content *c, const struct json *b)
{
    const struct json *input = json_get(b, "input");
    struct str name = json_text(b, "name");
    struct json_out w;
    paragraph(&c->text);
    buf_cstr(&c->text, "\xe2\x86\x92 "); /* an arrow */
    buf_str(&c->text, name.n ? name : STR("tool"));
    if (input && input->n) {
        buf_char(&c->text, ' ');
        jw_init(&w, &c->text);
        jw_value(&w, input);
    }
    note_tool(c, name, json_text(b, "id"), false);
}

/* A picture, a document: what it is, beside the text. */
static void add_blob(struct claude_content *c, const struct json *b)
{
    struct str what = json_text(json_get(b, "source"), "media_type"), type = json_text(b, "type");
    struct json_out w;
    jw_init(&w, &c->blobs);
    w.comma = c->blobs.n > 0;
    jw_str(&w, what.n ? what : type.n ? type : STR("file"));
}

static void add_item(struct claude_content *c, const struct json *item)
{
    struct buf words;
    if (json_get(item, "source") || str_is(json_text(item, "type"), "image")) {
        add_blob(c, item);
        return;
    }
    buf_init(&words, 0);
    claude_result_words(&words, item);
    if (words.n)
        paragraph(&c->text);
    buf_str(&c->text, buf_view(&words));
    c->text.failed = c->text.failed || words.failed;
    buf_release(&words);
}

static void add_result(struct claude_content *c, const struct json *b)
{
    const struct json *content = json_get(b, "content"), *failed = json_get_type(b, "is_error", JSON_BOOL);
    c->results = true;
    note_tool(c, STR_NONE, json_text(b, "tool_use_id"), failed && failed->boolean);
    if (content && content->type == JSON_STRING) {
        paragraph(&c->text);
        buf_str(&c->text, content->s);
    }
    if (content && content->type == JSON_OBJECT)
        add_item(c, content);
    for (size_t i = 0; content && content->type == JSON_ARRAY && i < content->n; i++)
        add_item(c, &content->items[i]);
}

static void add_block(struct claude_content *c, const struct json *b)
{
    struct str type = json_text(b, "type");
    if (str_is(type, "text")) {
        add_text(c, json_text(b, "text"));
    } else if (str_is(type, "thinking")) {
        paragraph(&c->thinking);
        buf_str(&c->thinking, json_text(b, "thinking"));
    } else if (str_is(type, "tool_use") || (json_text(b, "name").n && json_get(b, "input"))) {
        add_use(c, b);
    } else if (str_is(type, "tool_result") || json_text(b, "tool_use_id").n) {
        add_result(c, b);
    } else if (str_is(type, "image") || str_is(type, "document")) {
        add_blob(c, b);
    } else {
        add_text(c, json_text(b, "text"));
    }
}

void claude_content_add(struct claude_content *c, const struct json *content)
{
    if (content && content->type == JSON_STRING)
        add_text(c, content->s);
    for (size_t i = 0; content && content->type == JSON_ARRAY && i < content->n; i++)
        add_block(c, &content->items[i]);
}

/* "<ide_opened_file>…</ide_opened_file>": which file is open, what is selected in it, reminders. */
static bool is_context(const struct json *block)
{
    static const char *const tags[] = {"ide_opened_file", "ide_selection", "ide_diagnostics", "system-reminder"};
    struct str text = str_trim(json_text(block, "text"));
    for (size_t i = 0; *text.p == '<' && i < sizeof tags / sizeof *tags; i++) {
        struct str inside = str_skip(text, 1);
        if (str_starts(inside, tags[i]) && str_starts(str_skip(inside, strlen(tags[i])), ">") && str_ends(text, ">") &&
            str_ends(str_take(text, text.n - 1), tags[i]))
            return true;
    }
    return false;
}

void claude_content_add_prompt(struct claude_content *c, const struct json *content)
{
    const bool blocks = content && content->type == JSON_ARRAY;
    for (size_t i = 0; blocks && i < content->n; i++) {
        const struct json *b = &content->items[i];
        if (str_is(json_text(b, "type"), "text") && json_text(b, "text").n && is_context(b)) {
            paragraph(&c->context);
            buf_str(&c->context, json_text(b, "text"));
        } else {
            add_block(c, b);
        }
    }
    if (!blocks)
        claude_content_add(c, content);
    if (c->text.n || c->results || !c->context.n)
        return;
    buf_str(&c->text, buf_view(&c->context));
    buf_clear(&c->context);
}

static void put_list(struct json_out *w, const char *name, const struct buf *list)
{
    if (!list->n)
        return;
    jw_key(w, name);
    jw_array(w);
    jw_raw(w, buf_view(list));
    jw_end_array(w);
}

void claude_content_notes(const struct claude_content *c, struct history_notes *n)
{
    put_list(c->odd_tools ? &n->t : &n->f, "tools", &c->tools);
    put_list(&n->t, "attachments", &c->blobs);
    if (c->thinking.n)
        jw_kstr(&n->t, "thinking", buf_view(&c->thinking));
    if (c->context.n)
        jw_kstr(&n->t, "context", buf_view(&c->context));
}

bool claude_content_failed(const struct claude_content *c)
{
    return c->text.failed || c->tools.failed || c->blobs.failed || c->thinking.failed || c->context.failed;
}
