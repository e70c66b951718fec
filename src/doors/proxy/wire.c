/* What the wire formats share: drafts of messages, tool calls in one form, the user message that carries the block. */
#include "doors/proxy/wire.h"

#include "base/json_write.h"
#include "base/text.h"

enum { TEXT_MAX = 64 << 20, KEPT_MAX = 8 << 20, PARTS_MAX = 64 << 10 };

void wire_draft_init(struct wire_draft *d, struct arena *a, struct str role)
{
    *d = (struct wire_draft){.arena = a, .role = role};
    buf_init(&d->text, TEXT_MAX);
    buf_init(&d->calls, TEXT_MAX);
    buf_init(&d->parts, PARTS_MAX);
}

void wire_draft_release(struct wire_draft *d)
{
    buf_release(&d->text);
    buf_release(&d->calls);
    buf_release(&d->parts);
}

void wire_draft_text(struct wire_draft *d, struct str text)
{
    if (!text.n)
        return;
    if (d->text.n)
        buf_char(&d->text, '\n');
    buf_str(&d->text, text);
}

/* What is no text is named in the metadata, past the first thousands silently. */
static void add_part(struct wire_draft *d, const char *name)
{
    if (d->parts.n + 32 > PARTS_MAX)
        return;
    buf_fmt(&d->parts, "%s\"%s\"", d->parts.n ? "," : "", name);
}

static const char *part_name(struct str type)
{
    static const struct {
        const char *type, *name;
    } names[] = {
        {"image", "[image]"},           {"image_url", "[image]"}, {"input_image", "[image]"},
        {"input_audio", "[audio]"},     {"audio", "[audio]"},     {"file", "[file]"},
        {"input_file", "[file]"},       {"document", "[file]"},   {"video_url", "[video]"},
        {"container_upload", "[file]"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_is(type, names[i].type))
            return names[i].name;
    return NULL;
}

static void add_content_part(struct wire_draft *d, const struct json *part)
{
    struct str type = json_text(part, "type");
    if (part->type == JSON_STRING)
        wire_draft_text(d, part->s);
    else if (str_is(type, "text") || str_is(type, "input_text") || str_is(type, "output_text"))
        wire_draft_text(d, json_text(part, "text"));
    else if (str_is(type, "refusal"))
        wire_draft_text(d, json_text(part, "refusal"));
    else if (str_is(type, "tool_use"))
        wire_draft_call(d, json_text(part, "id"), json_text(part, "name"),
                        wire_minified(d->arena, json_get(part, "input")));
    else if (part_name(type))
        add_part(d, part_name(type));
}

void wire_draft_content(struct wire_draft *d, const struct json *content)
{
    if (!content)
        return;
    if (content->type == JSON_STRING)
        wire_draft_text(d, content->s);
    for (size_t i = 0; content->type == JSON_ARRAY && i < content->n; i++)
        add_content_part(d, &content->items[i]);
}

void wire_write_call(struct buf *b, struct str id, struct str name, struct str arguments)
{
    struct json_out w;
    jw_init(&w, b);
    jw_object(&w);
    jw_kstr(&w, "id", id);
    jw_kcstr(&w, "type", "function");
    jw_key(&w, "function");
    jw_object(&w);
    jw_kstr(&w, "name", name);
    jw_kstr(&w, "arguments", arguments.p ? arguments : STR(""));
    jw_end_object(&w);
    jw_end_object(&w);
}

void wire_draft_call(struct wire_draft *d, struct str id, struct str name, struct str arguments)
{
    if (d->calls.n)
        buf_char(&d->calls, ',');
    wire_write_call(&d->calls, id, name, arguments);
}

bool wire_draft_empty(const struct wire_draft *d)
{
    return !d->text.n && !d->calls.n && !d->parts.n;
}

static struct str draft_metadata(struct wire_draft *d)
{
    struct buf b;
    struct json_out w;
    struct str out = STR_NONE;
    bool cut = d->text.n > KEPT_MAX;
    if (!d->calls.n && !d->parts.n && !d->name.n && !d->call_id.n && !cut)
        return STR_NONE;
    buf_init(&b, TEXT_MAX);
    jw_init(&w, &b);
    jw_object(&w);
    if (cut)
        jw_kbool(&w, "truncated", true);
    if (d->name.n)
        jw_kstr(&w, "name", d->name);
    if (d->call_id.n)
        jw_kstr(&w, "tool_call_id", d->call_id);
    if (d->parts.n)
        jw_kraw(&w, "parts", arena_fmt(d->arena, "[%.*s]", STR_ARG(buf_view(&d->parts))));
    if (d->calls.n)
        jw_kraw(&w, "tool_calls", arena_fmt(d->arena, "[%.*s]", STR_ARG(buf_view(&d->calls))));
    jw_end_object(&w);
    if (!b.failed)
        out = arena_str(d->arena, buf_view(&b));
    buf_release(&b);
    return out;
}

void wire_draft_finish(struct wire_draft *d, struct wire_request *out)
{
    if (!wire_draft_empty(d)) {
        struct chat_message *m = &out->messages[out->n_messages++];
        m->role = d->role;
        m->metadata = draft_metadata(d);
        if (d->text.n || !d->calls.n)
            m->text = arena_str(d->arena, d->text.n ? text_cut(buf_view(&d->text), KEPT_MAX) : STR(""));
        else
            m->text = arena_fmt(d->arena, "[%.*s]", STR_ARG(buf_view(&d->calls)));
    }
    wire_draft_release(d);
}

struct str wire_minified(struct arena *a, const struct json *v)
{
    struct buf b;
    struct json_out w;
    if (!v)
        return STR_NONE;
    buf_init(&b, TEXT_MAX);
    jw_init(&w, &b);
    jw_value(&w, v);
    struct str out = buf_take(&b, a);
    return out;
}

bool wire_read_common(struct arena *a, const struct json *body, size_t n, struct wire_request *out)
{
    const struct json *metadata = json_get_type(body, "metadata", JSON_OBJECT);
    *out = (struct wire_request){.model = json_text(body, "model"), .metadata = STR_NONE, .previous = STR_NONE};
    if (metadata && metadata->n)
        out->metadata = metadata->raw;
    out->messages = arena_array(a, struct chat_message, n + 1);
    return out->messages != NULL;
}

void wire_place_before(struct wire_request *out, const struct json *list, const struct json *item)
{
    out->place = item;
    out->prefix = (struct str){list->raw.p, (size_t)(item->raw.p + item->raw.n - list->raw.p)};
}

struct str wire_user_message(struct arena *a, struct str block)
{
    struct buf b;
    buf_init(&b, TEXT_MAX);
    buf_cstr(&b, "{\"role\":\"user\",\"content\":\"");
    jw_escape(&b, block);
    buf_cstr(&b, "\"}");
    struct str out = buf_take(&b, a);
    return out;
}

void wire_put_before(struct arena *a, const struct wire_request *r, struct str block, struct splice *s)
{
    struct str message = wire_user_message(a, block);
    splice_insert(s, r->place->raw.p, arena_fmt(a, "%.*s,", STR_ARG(message)));
}
