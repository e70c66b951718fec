/* What a message says, in the forms that OpenAI's and Anthropic's interfaces have made common. */
#include "history/generic.h"

static const char *const kept[] = {"model", "name", "cwd", "parent", "tool_call_id"};

static void take_part(struct blocks *b, struct arena *a, const struct json *part)
{
    struct str type = json_text(part, "type");
    if (str_is(type, "tool_use"))
        blocks_tool(b, json_text(part, "name"), json_text(part, "id"), json_get(part, "input"), STR_NONE);
    else if (str_is(type, "thinking"))
        blocks_thought(b, json_text(part, "thinking"));
    else if (part->type == JSON_STRING)
        blocks_text(b, part->s);
    else
        blocks_text(b,
                    json_text(part, "text").n ? json_text(part, "text") : history_text(a, json_get(part, "content")));
}

/* [{id, function: {name, arguments: "JSON"}}] */
static void take_calls(struct blocks *b, const struct json *message)
{
    const struct json *calls = json_get_type(message, "tool_calls", JSON_ARRAY);
    for (size_t i = 0; calls && i < calls->n; i++) {
        const struct json *f = json_get_type(&calls->items[i], "function", JSON_OBJECT);
        f = f ? f : &calls->items[i];
        const struct json *given = json_get(f, "arguments");
        if (json_text(f, "name").n)
            blocks_tool(b, json_text(f, "name"), json_text(&calls->items[i], "id"), given ? given : json_get(f, "args"),
                        STR_NONE);
    }
}

void generic_content(struct blocks *b, struct arena *a, const struct json *message, const struct json *content)
{
    blocks_clear(b);
    if (content && content->type == JSON_STRING)
        buf_str(&b->text, content->s);
    else if (content && content->type == JSON_OBJECT)
        take_part(b, a, content);
    for (size_t i = 0; content && content->type == JSON_ARRAY && i < content->n; i++)
        take_part(b, a, &content->items[i]);
    take_calls(b, message);
}

struct str generic_metadata(const struct blocks *b, struct arena *a, const struct json *o, struct str id)
{
    struct buf out;
    struct json_out w;
    const struct json *usage = json_get_type(o, "usage", JSON_OBJECT);
    buf_init(&out, 0);
    jw_init(&w, &out);
    if (id.n)
        jw_kstr(&w, "id", id);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (json_text(o, kept[i]).n)
            jw_kstr(&w, kept[i], json_text(o, kept[i]));
    if (usage) {
        jw_key(&w, "usage");
        jw_value(&w, usage);
    }
    blocks_metadata(b, &w);
    return buf_take(&out, a);
}
