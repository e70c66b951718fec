/* session_id, conversation_id, agent and memory_options. */
#include "doors/proxy/ask.h"

enum { NAME_MAX_BYTES = 200, DEPTH_MAX = 50, TURNS_MAX = 100 };

const char *const ask_members[] = {"session_id", "conversation_id", "agent", "memory_options", NULL};

bool ask_might_name(struct str body)
{
    /* A key may also be written with escapes; all letters of ours are below U+0100. */
    return str_find(body, STR("session_id")) >= 0 || str_find(body, STR("\\u00")) >= 0;
}

static enum err_code read_name(const struct json *body, const char *field, struct str *out, struct err *e)
{
    const struct json *v = json_get(body, field);
    *out = STR_NONE;
    if (!v || v->type == JSON_NULL)
        return ERR_OK;
    if (v->type != JSON_STRING)
        return err_set(e, ERR_INVALID, field, "%s must be a string, not %s", field, json_type_name(v->type));
    if (!str_trim(v->s).n || v->s.n > NAME_MAX_BYTES)
        return err_set(e, ERR_INVALID, field, "%s must have 1 to %d bytes and not be blank", field, NAME_MAX_BYTES);
    *out = v->s;
    return ERR_OK;
}

static enum err_code read_bool(const struct json *v, const char *field, bool *out, struct err *e)
{
    if (v->type != JSON_BOOL)
        return err_set(e, ERR_INVALID, field, "%s must be true or false, not %s", field, json_type_name(v->type));
    *out = v->boolean;
    return ERR_OK;
}

static enum err_code read_count(const struct json *v, const char *field, int max, int *out, struct err *e)
{
    if (v->type != JSON_INT || v->integer < 0 || v->integer > max)
        return err_set(e, ERR_INVALID, field, "%s must be a whole number from 0 to %d", field, max);
    *out = (int)v->integer;
    return ERR_OK;
}

static enum err_code read_option(struct str key, const struct json *v, struct chat_options *out, struct err *e)
{
    if (v->type == JSON_NULL)
        return ERR_OK;
    if (str_is(key, "use_context"))
        return read_bool(v, "memory_options.use_context", &out->use_context, e);
    if (str_is(key, "include_agent_state"))
        return read_bool(v, "memory_options.include_agent_state", &out->include_agent_state, e);
    if (str_is(key, "auto_store_response"))
        return read_bool(v, "memory_options.auto_store_response", &out->auto_store_response, e);
    if (str_is(key, "context_depth"))
        return read_count(v, "memory_options.context_depth", DEPTH_MAX, &out->context_depth, e);
    if (str_is(key, "max_context_turns"))
        return read_count(v, "memory_options.max_context_turns", TURNS_MAX, &out->max_context_turns, e);
    key = str_take(key, 60);
    return err_set(e, ERR_INVALID, "memory_options",
                   "memory_options has no member \"%.*s\"; it knows use_context, context_depth, max_context_turns, "
                   "include_agent_state and auto_store_response",
                   STR_ARG(key));
}

static enum err_code read_options(const struct json *body, struct chat_options *out, struct err *e)
{
    const struct json *v = json_get(body, "memory_options");
    enum err_code code = ERR_OK;
    *out = chat_options_default;
    if (!v || v->type == JSON_NULL)
        return ERR_OK;
    if (v->type != JSON_OBJECT)
        return err_set(e, ERR_INVALID, "memory_options", "memory_options must be an object, not %s",
                       json_type_name(v->type));
    for (size_t i = 0; i < v->n && !code; i++)
        code = read_option(v->keys[i].key, &v->items[i], out, e);
    return code;
}

enum err_code ask_read(const struct json *body, struct str header, struct ask *out, struct err *e)
{
    *out = (struct ask){0};
    enum err_code code = read_name(body, "session_id", &out->session, e);
    if (code)
        return code;
    if (!out->session.n)
        out->session = str_trim(header);
    if (out->session.n > NAME_MAX_BYTES)
        return err_set(e, ERR_INVALID, "X-Cairn-Session", "X-Cairn-Session must have at most %d bytes", NAME_MAX_BYTES);
    out->named = out->session.n > 0;
    if (!out->named)
        return ERR_OK;
    code = read_name(body, "conversation_id", &out->conversation, e);
    if (!code)
        code = read_name(body, "agent", &out->agent, e);
    return code ? code : read_options(body, &out->options, e);
}
