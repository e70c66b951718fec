/* Anthropic's messages: {model, system, messages[{role, content}]}; content is text or blocks, tool results are blocks
 * of user messages. Answered by content blocks, streamed as named events. */
#include "doors/proxy/answer.h"

static bool is_block(const struct json *part, const char *type)
{
    return str_is(json_text(part, "type"), type);
}

/* Each tool result of a user message becomes a message of its own, with the role tool. */
static bool read_tool_results(struct arena *a, const struct json *content, struct wire_request *out)
{
    bool any = false;
    for (size_t i = 0; content && content->type == JSON_ARRAY && i < content->n; i++) {
        const struct json *part = &content->items[i];
        if (!is_block(part, "tool_result"))
            continue;
        struct wire_draft d;
        wire_draft_init(&d, a, STR("tool"));
        wire_draft_content(&d, json_get(part, "content"));
        d.call_id = json_text(part, "tool_use_id");
        wire_draft_finish(&d, out);
        any = true;
    }
    return any;
}

/* How many messages a list can become at most. */
static size_t count(const struct json *list)
{
    size_t n = 0;
    for (size_t i = 0; list && i < list->n; i++) {
        const struct json *content = json_get_type(&list->items[i], "content", JSON_ARRAY);
        n += 1 + (content ? content->n : 0);
    }
    return n;
}

static void messages_read(struct arena *a, const struct json *body, struct wire_request *out)
{
    const struct json *list = json_get_type(body, "messages", JSON_ARRAY);
    if (!wire_read_common(a, body, count(list), out))
        return;
    for (size_t i = 0; list && i < list->n; i++) {
        const struct json *m = &list->items[i], *content = json_get(m, "content");
        struct str role = json_text(m, "role");
        bool user = str_is(role, "user");
        if (!user && !str_is(role, "assistant"))
            continue;
        bool results = user && read_tool_results(a, content, out);
        struct wire_draft d;
        wire_draft_init(&d, a, role);
        wire_draft_content(&d, content);
        /* Nothing may come between a tool's use and its result, so such a message is no place. */
        if (user && d.text.n && !results)
            wire_place_before(out, list, m);
        wire_draft_finish(&d, out);
    }
}

/* ---- answers ---- */

static void messages_whole(struct answer *x, const struct json *body)
{
    const struct json *content = json_get_type(body, "content", JSON_ARRAY);
    answer_set_head(x, body);
    for (size_t i = 0; content && i < content->n; i++) {
        const struct json *part = &content->items[i];
        if (is_block(part, "text"))
            answer_add_text(x, 0, (int64_t)i, json_text(part, "text"));
        else if (is_block(part, "tool_use")) {
            const struct json *input = json_get(part, "input");
            answer_add_call(x, (int64_t)i, json_text(part, "id"), json_text(part, "name"),
                            input ? input->raw : STR_NONE, true);
        }
    }
    answer_set_finish(x, 0, json_text(body, "stop_reason"));
    answer_set_usage(x, json_get_type(body, "usage", JSON_OBJECT));
    if (is_block(body, "error"))
        answer_set_failed(x);
    answer_set_over(x);
}

static void block_event(struct answer *x, const struct json *data, bool start)
{
    const struct json *number = json_get_type(data, "index", JSON_INT);
    int64_t index = number ? number->integer : 0;
    const struct json *part = json_get(data, start ? "content_block" : "delta");
    if (is_block(part, "text") || is_block(part, "text_delta"))
        answer_add_text(x, 0, index, json_text(part, "text"));
    else if (is_block(part, "tool_use"))
        answer_add_call(x, index, json_text(part, "id"), json_text(part, "name"), STR_NONE, true);
    else if (is_block(part, "input_json_delta"))
        answer_add_call(x, index, STR_NONE, STR_NONE, json_text(part, "partial_json"), true);
}

static void messages_event(struct answer *x, struct str name, const struct json *data)
{
    struct str type = json_text(data, "type");
    if (str_is(type, "message_start")) {
        const struct json *m = json_get_type(data, "message", JSON_OBJECT);
        answer_set_head(x, m);
        answer_set_usage(x, json_get_type(m, "usage", JSON_OBJECT));
    } else if (str_is(type, "content_block_start") || str_is(type, "content_block_delta")) {
        block_event(x, data, str_is(type, "content_block_start"));
    } else if (str_is(type, "message_delta")) {
        answer_set_finish(x, 0, json_text(json_get(data, "delta"), "stop_reason"));
        answer_set_usage(x, json_get_type(data, "usage", JSON_OBJECT));
    } else if (str_is(type, "message_stop")) {
        answer_set_over(x);
    } else if (!data || str_is(type, "error") || str_is(name, "error")) {
        answer_set_failed(x);
    }
}

const struct wire wire_messages = {.name = "messages",
                                   .read = messages_read,
                                   .put = wire_put_before,
                                   .whole = messages_whole,
                                   .event = messages_event};
