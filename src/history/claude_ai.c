/* The export of Claude.ai: conversations with their messages in order. Attachments whose text was taken out are part of
 * what was said. */
#include "history/blocks.h"
#include "history/chats.h"
#include "history/formats.h"

struct chat {
    struct chats *x;
    struct str session;
    struct blocks *blocks;
};

/* What a tool said comes behind its call: by its id, or where there is none by its name. */
static struct str result_of(struct arena *a, const struct json *content, size_t call)
{
    struct str id = json_text(&content->items[call], "id"), name = json_text(&content->items[call], "name");
    for (size_t i = call + 1; i < content->n; i++) {
        const struct json *block = &content->items[i];
        struct str of = json_text(block, "tool_use_id");
        if (str_is(json_text(block, "type"), "tool_result") &&
            (id.n && of.n ? str_eq(of, id) : str_eq(json_text(block, "name"), name)))
            return history_text(a, json_get(block, "content"));
    }
    return STR_NONE;
}

static void take_block(struct blocks *b, struct arena *a, const struct json *content, size_t i)
{
    const struct json *block = &content->items[i];
    struct str type = json_text(block, "type");
    if (str_is(type, "thinking"))
        blocks_thought(b, json_text(block, "thinking"));
    else if (str_is(type, "tool_use"))
        blocks_tool(b, json_text(block, "name"), json_text(block, "id"), json_get(block, "input"),
                    result_of(a, content, i));
    else if (str_is(type, "text"))
        blocks_text(b, json_text(block, "text"));
}

static void take_attachment(struct blocks *b, struct arena *a, const struct json *one)
{
    struct str name = json_text(one, "file_name"), text = json_text(one, "extracted_content");
    if (str_trim(text).n)
        blocks_text(b, name.n ? arena_fmt(a, "%.*s:\n%.*s", STR_ARG(name), STR_ARG(text)) : text);
}

/* Blocks where they have words, else the plain text; then what was attached. */
static void put_together(struct blocks *b, struct arena *a, const struct json *message)
{
    const struct json *content = json_get_type(message, "content", JSON_ARRAY);
    const struct json *attached = json_get_type(message, "attachments", JSON_ARRAY);
    blocks_clear(b);
    for (size_t i = 0; content && i < content->n; i++)
        take_block(b, a, content, i);
    if (!b->text.n)
        blocks_text(b, json_text(message, "text"));
    for (size_t i = 0; attached && i < attached->n; i++)
        take_attachment(b, a, &attached->items[i]);
}

static struct str metadata(const struct chat *c, const struct json *message)
{
    struct buf out;
    struct json_out w;
    struct str id = json_text(message, "uuid"), parent = json_text(message, "parent_message_uuid");
    const struct json *files = json_get_type(message, "files", JSON_ARRAY);
    buf_init(&out, 0);
    jw_init(&w, &out);
    if (id.n)
        jw_kstr(&w, "id", id);
    if (parent.n)
        jw_kstr(&w, "parent", parent);
    if (c->x->entry)
        jw_kcstr(&w, "entry", c->x->entry);
    if (files && files->n) {
        jw_key(&w, "files");
        jw_array(&w);
        for (size_t i = 0; i < files->n; i++)
            jw_str(&w, json_text(&files->items[i], "file_name").p ? json_text(&files->items[i], "file_name") : STR(""));
        jw_end_array(&w);
    }
    blocks_metadata(c->blocks, &w);
    return buf_take(&out, c->x->in->arena);
}

static enum err_code take_message(struct chat *c, const struct json *message, struct err *e)
{
    struct history_in *in = c->x->in;
    struct arena *a = in->arena;
    struct str sender = json_text(message, "sender"), id = json_text(message, "uuid");
    const struct history_at at = chats_at(c->x, message->raw);
    bool human = str_is(sender, "human") || str_is(sender, "user");
    if (message->type != JSON_OBJECT)
        return history_skip(in, HISTORY_DAMAGED, &at, e);
    if (!human && !str_is(sender, "assistant"))
        return history_skip(in, HISTORY_UNKNOWN, &at, e);
    put_together(c->blocks, a, message);
    if (blocks_failed(c->blocks))
        return err_nomem(e);
    if (!c->blocks->text.n)
        return history_skip(in, HISTORY_EMPTY, &at, e);
    const struct history_turn t = {.key = id,
                                   .session = c->session,
                                   .agent = human ? STR("user") : STR("claude"),
                                   .role = human ? STR("user") : STR("assistant"),
                                   .content = buf_view(&c->blocks->text),
                                   .timestamp = chats_time(c->x, json_get(message, "created_at")),
                                   .metadata = metadata(c, message),
                                   .at = at};
    return arena_failed(a) ? err_nomem(e) : history_turn(in, &t, e);
}

static enum err_code take_conversation(struct chats *x, const struct json *o, struct str stand_in, struct err *e)
{
    const struct json *messages = json_get_type(o, "chat_messages", JSON_ARRAY);
    struct str id = json_text(o, "uuid"), title = json_text(o, "name");
    struct blocks blocks;
    struct chat c = {x, id.n ? id : stand_in, &blocks};
    if (!messages)
        return chats_unknown(x, e);
    chats_begin(x, json_get(o, "created_at"));
    enum err_code code = title.n && messages->n ? history_title(x->in, c.session, title, e) : ERR_OK;
    blocks_init(&blocks);
    for (size_t i = 0; i < messages->n && !code; i++)
        code = take_message(&c, &messages->items[i], e);
    blocks_free(&blocks);
    return code;
}

/* Message by message. */
static enum err_code take_parts(struct chat *c, const struct history_in *conversation, struct err *e)
{
    struct history_in *in = c->x->in;
    struct items *items = items_new(conversation, "chat_messages", false);
    struct item item;
    bool found = true;
    enum err_code code = items ? ERR_OK : err_nomem(e);
    while (!code && found) {
        const struct json *message;
        struct err why = {0};
        code = items_next(items, &item, &found, e);
        if (code || !found)
            break;
        c->x->item = &item;
        const struct history_at at = {c->x->records + 1, c->x->entry ? -1 : item.offset, item.bytes};
        enum err_code parsed = item.too_large ? ERR_TOO_LARGE : history_json(in->arena, item.text, &message, &why);
        if (parsed) {
            c->x->records++;
            code = history_skip(in, item.too_large ? HISTORY_TOO_LARGE : HISTORY_DAMAGED, &at, e);
        } else {
            code = take_message(c, message, e);
        }
        arena_reset(in->arena);
        if (!code)
            code = history_mark(in, 0, 0, e);
    }
    c->x->item = NULL;
    items_free(items);
    return code;
}

static enum err_code take_long(struct chats *x, const struct history_in *conversation, struct str stand_in,
                               struct err *e)
{
    struct arena *a = arena_new();
    struct str id, title;
    struct blocks blocks;
    struct chat c = {.x = x, .blocks = &blocks};
    if (!a)
        return err_nomem(e);
    blocks_init(&blocks);
    enum err_code code = chats_text(conversation, a, "uuid", &id, e);
    if (!code)
        code = chats_text(conversation, a, "name", &title, e);
    if (!code)
        code = chats_begin_long(x, conversation, "created_at", e);
    c.session = code ? STR_NONE : arena_str(a, id.n ? id : stand_in);
    if (!code && title.n)
        code = history_title(x->in, c.session, title, e);
    if (!code)
        code = arena_failed(a) ? err_nomem(e) : take_parts(&c, conversation, e);
    blocks_free(&blocks);
    arena_free(a);
    return code;
}

static bool sniff(struct str path, struct str head)
{
    if (str_ends(path, ".zip")) /* what lies beside the list in its zip */
        return str_find(head, STR("users.json")) >= 0 || str_find(head, STR("projects.json")) >= 0;
    return str_find(head, STR("\"chat_messages\"")) >= 0;
}

static enum err_code read_chats(struct history_in *in, struct err *e)
{
    static const struct chats_format format = {take_conversation, take_long};
    return chats_read(in, &format, e);
}

const struct history_format history_claude_ai = {
    .name = "claude-ai",
    .title = "Claude.ai export",
    .recognise = chats_recognise,
    .sniff = sniff,
    .read = read_chats,
};
