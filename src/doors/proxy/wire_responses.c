/* OpenAI's responses: {model, instructions, input, previous_response_id}; input is text or a list of items (messages,
 * tool calls, their outputs, reasoning). Answered by output items, streamed as named events.
 *
 * One answer can be several items; sent back as history they are one message again, as the stored turn is. */
#include "doors/proxy/answer.h"

struct reading {
    struct arena *arena;
    const struct json *list;
    struct wire_request *out;
    struct wire_draft assistant; /* the run of the assistant's items being read */
    bool open;
};

static void close_run(struct reading *r)
{
    if (r->open)
        wire_draft_finish(&r->assistant, r->out);
    r->open = false;
}

static struct wire_draft *assistant_run(struct reading *r)
{
    if (!r->open)
        wire_draft_init(&r->assistant, r->arena, STR("assistant"));
    r->open = true;
    return &r->assistant;
}

static void read_user(struct reading *r, const struct json *item)
{
    struct wire_draft d;
    wire_draft_init(&d, r->arena, STR("user"));
    wire_draft_content(&d, json_get(item, "content"));
    if (d.text.n)
        wire_place_before(r->out, r->list, item);
    wire_draft_finish(&d, r->out);
}

static void read_output(struct reading *r, const struct json *item)
{
    struct wire_draft d;
    wire_draft_init(&d, r->arena, STR("tool"));
    wire_draft_content(&d, json_get(item, "output"));
    d.call_id = json_text(item, "call_id");
    wire_draft_finish(&d, r->out);
}

static void read_item(struct reading *r, const struct json *item)
{
    struct str type = json_text(item, "type"), role = json_text(item, "role");
    bool message = !type.p || str_is(type, "message");
    if (message && str_is(role, "assistant")) {
        wire_draft_content(assistant_run(r), json_get(item, "content"));
    } else if (str_is(type, "function_call") || str_is(type, "custom_tool_call")) {
        const char *arguments = str_is(type, "function_call") ? "arguments" : "input";
        wire_draft_call(assistant_run(r), json_text(item, "call_id"), json_text(item, "name"),
                        json_text(item, arguments));
    } else if (message && str_is(role, "user")) {
        close_run(r);
        read_user(r, item);
    } else if (str_is(type, "function_call_output") || str_is(type, "custom_tool_call_output")) {
        close_run(r);
        read_output(r, item);
    }
}

static void responses_read(struct arena *a, const struct json *body, struct wire_request *out)
{
    const struct json *input = json_get(body, "input");
    bool list = input && input->type == JSON_ARRAY;
    if (!wire_read_common(a, body, list ? input->n : 1, out))
        return;
    out->previous = json_text(body, "previous_response_id");
    if (list) {
        struct reading r = {.arena = a, .list = input, .out = out};
        for (size_t i = 0; i < input->n; i++)
            read_item(&r, &input->items[i]);
        close_run(&r);
    } else if (input && input->type == JSON_STRING) {
        struct wire_draft d;
        wire_draft_init(&d, a, STR("user"));
        wire_draft_text(&d, input->s);
        if (d.text.n) {
            out->place = input;
            out->prefix = input->raw;
        }
        wire_draft_finish(&d, out);
    }
}

/* Before the item; a text becomes a list of two messages, the second one holding it as it is. */
static void responses_put(struct arena *a, const struct wire_request *r, struct str block, struct splice *s)
{
    if (r->place->type != JSON_STRING) {
        wire_put_before(a, r, block, s);
        return;
    }
    struct str message = wire_user_message(a, block), raw = r->place->raw;
    splice_insert(s, raw.p, arena_fmt(a, "[%.*s,{\"role\":\"user\",\"content\":", STR_ARG(message)));
    splice_insert(s, raw.p + raw.n, STR("}]"));
}

/* ---- answers ---- */

static void take_output(struct answer *x, const struct json *item, int64_t index)
{
    struct str type = json_text(item, "type");
    const struct json *content = json_get_type(item, "content", JSON_ARRAY);
    if (str_is(type, "message"))
        for (size_t i = 0; content && i < content->n; i++) {
            struct str text = json_text(&content->items[i], "text");
            answer_add_text(x, 0, index * 1000 + (int64_t)i, text.p ? text : json_text(&content->items[i], "refusal"));
        }
    else if (str_is(type, "function_call"))
        answer_add_call(x, index, json_text(item, "call_id"), json_text(item, "name"), json_text(item, "arguments"),
                        false);
    else if (str_is(type, "custom_tool_call"))
        answer_add_call(x, index, json_text(item, "call_id"), json_text(item, "name"), json_text(item, "input"), false);
}

static void take_end(struct answer *x, const struct json *response)
{
    struct str status = json_text(response, "status");
    answer_set_head(x, response);
    answer_set_usage(x, json_get_type(response, "usage", JSON_OBJECT));
    answer_set_finish(x, 0, status);
    if (str_is(status, "failed") || str_is(status, "cancelled"))
        answer_set_failed(x);
}

static void responses_whole(struct answer *x, const struct json *body)
{
    const struct json *output = json_get_type(body, "output", JSON_ARRAY);
    for (size_t i = 0; output && i < output->n; i++)
        take_output(x, &output->items[i], (int64_t)i);
    take_end(x, body);
    if (json_get_type(body, "error", JSON_OBJECT))
        answer_set_failed(x);
    answer_set_over(x);
}

static int64_t number(const struct json *o, const char *key)
{
    const struct json *v = json_get_type(o, key, JSON_INT);
    return v ? v->integer : 0;
}

static void responses_event(struct answer *x, struct str name, const struct json *data)
{
    struct str type = json_text(data, "type");
    const struct json *response = json_get_type(data, "response", JSON_OBJECT);
    int64_t index = number(data, "output_index");
    if (str_is(type, "response.output_text.delta") || str_is(type, "response.refusal.delta")) {
        answer_add_text(x, 0, index * 1000 + number(data, "content_index"), json_text(data, "delta"));
    } else if (str_is(type, "response.output_item.done")) {
        /* A tool call comes whole here; a message's text came in pieces before. */
        if (!str_is(json_text(json_get(data, "item"), "type"), "message"))
            take_output(x, json_get(data, "item"), index);
    } else if (str_is(type, "response.created")) {
        answer_set_head(x, response);
    } else if (str_is(type, "response.completed") || str_is(type, "response.incomplete") ||
               str_is(type, "response.failed")) {
        take_end(x, response);
        answer_set_over(x);
    } else if (!data || str_is(type, "error") || str_is(name, "error")) {
        answer_set_failed(x);
    }
}

const struct wire wire_responses = {.name = "responses",
                                    .read = responses_read,
                                    .put = responses_put,
                                    .whole = responses_whole,
                                    .event = responses_event};
