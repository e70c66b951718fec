/* OpenAI's chat completions: {model, messages[{role, content, tool_calls, tool_call_id}]}, answered by choices. */
#include "doors/proxy/answer.h"

static void read_calls(struct wire_draft *d, const struct json *message)
{
    const struct json *calls = json_get_type(message, "tool_calls", JSON_ARRAY);
    for (size_t i = 0; calls && i < calls->n; i++) {
        const struct json *c = &calls->items[i], *f = json_get_type(c, "function", JSON_OBJECT);
        if (f)
            wire_draft_call(d, json_text(c, "id"), json_text(f, "name"), json_text(f, "arguments"));
        else if ((f = json_get_type(c, "custom", JSON_OBJECT)) != NULL)
            wire_draft_call(d, json_text(c, "id"), json_text(f, "name"), json_text(f, "input"));
    }
    const struct json *old = json_get_type(message, "function_call", JSON_OBJECT);
    if (old)
        wire_draft_call(d, STR_NONE, json_text(old, "name"), json_text(old, "arguments"));
}

static void read_message(struct arena *a, const struct json *list, const struct json *m, struct wire_request *out)
{
    struct wire_draft d;
    struct str role = json_text(m, "role");
    bool user = str_is(role, "user"), assistant = str_is(role, "assistant");
    bool tool = str_is(role, "tool") || str_is(role, "function");
    if (!user && !assistant && !tool)
        return; /* system, developer, or what comes in later years */
    wire_draft_init(&d, a, tool ? STR("tool") : role);
    wire_draft_content(&d, json_get(m, "content"));
    if (assistant) {
        wire_draft_text(&d, json_text(m, "refusal"));
        read_calls(&d, m);
    }
    d.name = json_text(m, "name");
    d.call_id = json_text(m, "tool_call_id");
    if (user && d.text.n)
        wire_place_before(out, list, m);
    wire_draft_finish(&d, out);
}

static void chat_read(struct arena *a, const struct json *body, struct wire_request *out)
{
    const struct json *list = json_get_type(body, "messages", JSON_ARRAY);
    if (!wire_read_common(a, body, list ? list->n : 0, out))
        return;
    for (size_t i = 0; list && i < list->n; i++)
        read_message(a, list, &list->items[i], out);
}

/* ---- answers ---- */

static int64_t number(const struct json *o, const char *key, int64_t otherwise)
{
    const struct json *v = json_get_type(o, key, JSON_INT);
    return v ? v->integer : otherwise;
}

static void take_calls(struct answer *x, const struct json *message)
{
    const struct json *calls = json_get_type(message, "tool_calls", JSON_ARRAY);
    for (size_t i = 0; calls && i < calls->n; i++) {
        const struct json *c = &calls->items[i], *f = json_get_type(c, "function", JSON_OBJECT);
        const char *arguments = "arguments";
        if (!f) {
            f = json_get_type(c, "custom", JSON_OBJECT);
            arguments = "input";
        }
        answer_add_call(x, number(c, "index", (int64_t)i), json_text(c, "id"), json_text(f, "name"),
                        json_text(f, arguments), false);
    }
    const struct json *old = json_get_type(message, "function_call", JSON_OBJECT);
    if (old)
        answer_add_call(x, 0, STR_NONE, json_text(old, "name"), json_text(old, "arguments"), false);
}

/* A whole answer's choices hold a message, a chunk's a delta of the same shape. */
static void take_choices(struct answer *x, const struct json *body, const char *member)
{
    const struct json *choices = json_get_type(body, "choices", JSON_ARRAY);
    for (size_t i = 0; choices && i < choices->n; i++) {
        const struct json *c = &choices->items[i], *m = json_get_type(c, member, JSON_OBJECT);
        int64_t index = number(c, "index", (int64_t)i);
        answer_add_text(x, index, 0, json_text(m, "content"));
        answer_add_text(x, index, 1, json_text(m, "refusal"));
        if (index == 0)
            take_calls(x, m);
        answer_set_finish(x, index, json_text(c, "finish_reason"));
    }
    answer_set_usage(x, json_get_type(body, "usage", JSON_OBJECT));
}

static void chat_whole(struct answer *x, const struct json *body)
{
    answer_set_head(x, body);
    take_choices(x, body, "message");
    if (json_get_type(body, "error", JSON_OBJECT))
        answer_set_failed(x);
    answer_set_over(x);
}

static void chat_event(struct answer *x, struct str name, const struct json *data)
{
    if (!data || json_get_type(data, "error", JSON_OBJECT) || str_is(name, "error")) {
        answer_set_failed(x);
        return;
    }
    answer_set_head(x, data);
    take_choices(x, data, "delta");
}

const struct wire wire_chat = {
    .name = "chat", .read = chat_read, .put = wire_put_before, .whole = chat_whole, .event = chat_event};
