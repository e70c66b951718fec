/* The export of ChatGPT: each conversation a tree of messages, of which the path to the current one was gone on with.
 * What is beside it (answers made again, questions put otherwise) is told as branches. */
#include "history/blocks.h"
#include "history/chats.h"
#include "history/formats.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>

struct node {
    struct str id, parent;
    const struct json *o; /* NULL: to be read from its place, in a conversation that is read in parts */
    int64_t offset, bytes, created;
    bool leaf, on_path, too_large;
};

struct tree {
    struct chats *x;
    struct arena *arena; /* of the tree; the messages' is in->arena */
    struct str session;
    struct node *nodes; /* in the document's order */
    struct node **sorted;
    size_t n, room;
    struct buf thinking; /* goes with what is said next */
};

/* ---- the tree ---- */

static int by_id(const void *a, const void *b)
{
    const struct node *const *x = a, *const *y = b;
    return str_cmp((*x)->id, (*y)->id);
}

static struct node *find(const struct tree *t, struct str id)
{
    struct node key = {.id = id}, *k = &key;
    struct node **found = id.n && t->n ? bsearch(&k, t->sorted, t->n, sizeof *t->sorted, by_id) : NULL;
    return found ? *found : NULL;
}

/* What the tree needs to know of a node. */
static void plant_node(struct node *n, struct str id, const struct json *o)
{
    const struct json *children = json_get_type(o, "children", JSON_ARRAY);
    n->id = id;
    n->parent = json_text(o, "parent");
    n->o = o;
    n->created = history_time(json_get(json_get(o, "message"), "create_time"));
    n->leaf = !children || !children->n;
}

static bool sort_nodes(struct tree *t)
{
    t->sorted = arena_array(t->arena, struct node *, t->n + 1);
    for (size_t i = 0; t->sorted && i < t->n; i++)
        t->sorted[i] = &t->nodes[i];
    if (t->sorted)
        qsort(t->sorted, t->n, sizeof *t->sorted, by_id);
    return t->sorted != NULL;
}

static bool plant(struct tree *t, const struct json *mapping)
{
    t->n = mapping->n;
    t->nodes = arena_array(t->arena, struct node, t->n + 1);
    for (size_t i = 0; t->nodes && i < t->n; i++)
        plant_node(&t->nodes[i], mapping->keys[i].key, &mapping->items[i]);
    return t->nodes && sort_nodes(t);
}

/* Where nobody says which node is the current one: the newest without children; where all have some, the newest. */
static struct node *newest_leaf(const struct tree *t)
{
    struct node *best = NULL;
    for (int any = 0; any < 2 && !best; any++)
        for (size_t i = 0; i < t->n; i++)
            if ((any || t->nodes[i].leaf) && (!best || t->nodes[i].created >= best->created))
                best = &t->nodes[i];
    return best;
}

/* From the current node to the root; the nodes on it, last first. A loop ends where it closes. */
static size_t mark_path(struct tree *t, struct node *at, struct node **path)
{
    size_t n = 0;
    while (at && !at->on_path) {
        at->on_path = true;
        path[n++] = at;
        at = find(t, at->parent);
    }
    return n;
}

/* ---- messages ---- */

static struct str thoughts_of(struct arena *a, const struct json *content)
{
    const struct json *list = json_get_type(content, "thoughts", JSON_ARRAY);
    struct buf b;
    buf_init(&b, 0);
    for (size_t i = 0; list && i < list->n; i++) {
        struct str head = json_text(&list->items[i], "summary"), rest = json_text(&list->items[i], "content");
        buf_fmt(&b, "%s%.*s%s%.*s", b.n ? "\n\n" : "", STR_ARG(head), head.n && rest.n ? "\n\n" : "", STR_ARG(rest));
    }
    return b.n ? buf_take(&b, a) : history_text(a, json_get(content, "parts"));
}

static struct str text_of(struct arena *a, const struct json *content)
{
    static const char *const members[] = {"parts", "text", "result", "content"};
    struct str text = STR_NONE;
    for (size_t i = 0; !text.n && i < sizeof members / sizeof *members; i++)
        text = history_text(a, json_get(content, members[i]));
    return text;
}

static struct str metadata(struct tree *t, const struct json *node, const struct json *m, bool assistant)
{
    struct buf b;
    struct json_out w;
    const struct json *more = json_get(m, "metadata");
    struct str type = json_text(json_get(m, "content"), "content_type"), recipient = json_text(m, "recipient");
    const struct {
        const char *key;
        struct str value;
    } of[] = {{"id", json_text(m, "id")},
              {"parent", json_text(node, "parent")},
              {"model", json_text(more, "model_slug")},
              {"content_type", str_is(type, "text") ? STR_NONE : type},
              {"tool", str_is(recipient, "all") ? STR_NONE : recipient},
              {"name", json_text(json_get(m, "author"), "name")},
              {"entry", str_of(t->x->entry)},
              {"thinking", assistant ? buf_view(&t->thinking) : STR_NONE}};
    buf_init(&b, 0);
    jw_init(&w, &b);
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        if (of[i].value.n)
            jw_kstr(&w, of[i].key, of[i].value);
    if (assistant)
        buf_clear(&t->thinking);
    return buf_take(&b, t->x->in->arena);
}

static bool is_hidden(const struct json *m)
{
    const struct json *v = json_get_type(json_get(m, "metadata"), "is_visually_hidden_from_conversation", JSON_BOOL);
    return v && v->boolean;
}

/* Why no turn is made of a message with this content; NULL: one is. */
static const char *reason_of(const struct json *m, struct str type, struct str text)
{
    if (str_is(type, "user_editable_context") || str_is(type, "model_editable_context"))
        return HISTORY_INJECTED;
    if (str_is(type, "reasoning_recap"))
        return HISTORY_META;
    if (!str_trim(text).n)
        return HISTORY_EMPTY;
    return is_hidden(m) ? HISTORY_INJECTED : NULL;
}

static enum err_code tell(struct tree *t, const struct json *node, const struct json *m, struct str role,
                          struct str text, const struct history_at *at, struct err *e)
{
    struct history_in *in = t->x->in;
    bool user = str_is(role, "user"), assistant = str_is(role, "assistant"), system = str_is(role, "system");
    struct str id = json_text(m, "id");
    id = id.n ? id : json_text(node, "id");
    const struct history_turn turn = {.key = id.n ? arena_fmt(in->arena, "%.*s/%.*s", STR_ARG(t->session), STR_ARG(id))
                                                  : STR_NONE,
                                      .session = t->session,
                                      .agent = user ? STR("user") : STR("chatgpt"),
                                      .role = role,
                                      .content = text,
                                      .timestamp = chats_time(t->x, json_get(m, "create_time")),
                                      .metadata = metadata(t, node, m, assistant),
                                      .replay = system,
                                      .at = *at};
    return arena_failed(in->arena) || t->thinking.failed ? err_nomem(e) : history_turn(in, &turn, e);
}

static enum err_code take_thoughts(struct tree *t, struct str text, const struct history_at *at, struct err *e)
{
    if (!str_trim(text).n)
        return history_skip(t->x->in, HISTORY_EMPTY, at, e);
    if (t->thinking.n)
        buf_cstr(&t->thinking, "\n\n");
    buf_str(&t->thinking, text);
    return history_merged(t->x->in, STR_NONE, at, e);
}

static enum err_code take_node(struct tree *t, const struct node *n, struct err *e)
{
    struct history_in *in = t->x->in;
    const struct history_at at = chats_at(t->x, n->o->raw);
    const struct json *m = json_get(n->o, "message"), *content = json_get(m, "content");
    struct str role = json_text(json_get(m, "author"), "role"), type = json_text(content, "content_type");
    if (n->o->type != JSON_OBJECT)
        return history_skip(in, HISTORY_DAMAGED, &at, e);
    if (!n->on_path)
        return history_skip(in, HISTORY_BRANCH, &at, e);
    if (!m || m->type != JSON_OBJECT)
        return history_skip(in, HISTORY_EMPTY, &at, e);
    if (str_is(type, "thoughts"))
        return take_thoughts(t, thoughts_of(in->arena, content), &at, e);
    struct str text = text_of(in->arena, content);
    const char *reason = reason_of(m, type, text);
    if (reason)
        return history_skip(in, reason, &at, e);
    if (!str_is(role, "user") && !str_is(role, "assistant") && !str_is(role, "tool") && !str_is(role, "system"))
        return history_skip(in, HISTORY_UNKNOWN, &at, e);
    return tell(t, n->o, m, role, text, &at, e);
}

/* Of a long conversation, from its place. */
static enum err_code read_node(struct tree *t, struct node *n, struct err *e)
{
    struct history_in *in = t->x->in;
    const struct history_at at = {t->x->records + 1, t->x->entry ? -1 : n->offset, n->bytes};
    struct err why = {0};
    size_t got = 0;
    char *text = n->too_large ? NULL : arena_alloc(in->arena, (size_t)n->bytes + 1);
    enum err_code code = ERR_OK;
    if (!n->too_large)
        code = text ? file_read_at(t->x->from->fd, n->offset, text, (size_t)n->bytes, &got, e) : err_nomem(e);
    if (code)
        return code;
    struct item item = {.text = {text, got}, .offset = n->offset, .bytes = n->bytes};
    const char *reason = n->too_large                                      ? HISTORY_TOO_LARGE
                         : history_json(in->arena, item.text, &n->o, &why) ? HISTORY_DAMAGED
                                                                           : NULL;
    t->x->item = &item;
    if (reason) {
        t->x->records++;
        code = history_skip(in, reason, &at, e);
    } else {
        code = take_node(t, n, e);
    }
    t->x->item = NULL;
    n->o = NULL;
    arena_reset(in->arena);
    return code ? code : history_mark(in, 0, 0, e);
}

static enum err_code tell_node(struct tree *t, struct node *n, struct err *e)
{
    return n->o ? take_node(t, n, e) : read_node(t, n, e);
}

/* The path in its order, then what is on none. */
static enum err_code take_nodes(struct tree *t, struct node *current, struct err *e)
{
    struct node **path = arena_array(t->arena, struct node *, t->n + 1);
    if (!path)
        return err_nomem(e);
    enum err_code code = ERR_OK;
    for (size_t n = mark_path(t, current ? current : newest_leaf(t), path); n && !code; n--)
        code = tell_node(t, path[n - 1], e);
    for (size_t i = 0; i < t->n && !code; i++)
        if (!t->nodes[i].on_path)
            code = tell_node(t, &t->nodes[i], e);
    return code;
}

static enum err_code take_conversation(struct chats *x, const struct json *o, struct str stand_in, struct err *e)
{
    const struct json *mapping = json_get_type(o, "mapping", JSON_OBJECT), *inner = json_get(o, "raw_provider_payload");
    if (!mapping && json_get_type(inner, "mapping", JSON_OBJECT)) /* as a browser's extension saves it */
        return take_conversation(x, inner, stand_in, e);
    struct str id = json_text(o, "conversation_id"), title = json_text(o, "title");
    struct tree t = {.x = x, .arena = x->in->arena};
    id = id.n ? id : json_text(o, "id");
    t.session = id.n ? id : stand_in;
    if (!mapping)
        return chats_unknown(x, e);
    if (!plant(&t, mapping))
        return err_nomem(e);
    enum err_code code = title.n ? history_title(x->in, t.session, title, e) : ERR_OK;
    chats_begin(x, json_get(o, "create_time"));
    buf_init(&t.thinking, 0);
    if (!code)
        code = take_nodes(&t, find(&t, json_text(o, "current_node")), e);
    buf_release(&t.thinking);
    return code;
}

/* ---- long conversations ---- */

static struct node *add_node(struct tree *t)
{
    if (t->n == t->room) {
        size_t room = t->room ? t->room * 2 : 1024;
        struct node *more = arena_array(t->arena, struct node, room);
        if (!more)
            return NULL;
        if (t->n)
            memcpy(more, t->nodes, t->n * sizeof *more);
        t->nodes = more;
        t->room = room;
    }
    return &t->nodes[t->n++];
}

/* Ids, parents and places of all nodes; their words are read when they are told. */
static enum err_code plant_long(struct tree *t, const struct history_in *conversation, struct err *e)
{
    struct items *items = items_new(conversation, "mapping", true);
    struct item item;
    bool found = true;
    enum err_code code = items ? ERR_OK : err_nomem(e);
    while (!code && found) {
        const struct json *o = NULL;
        struct err why = {0};
        code = items_next(items, &item, &found, e);
        if (code || !found)
            break;
        struct node *n = add_node(t);
        if (!n)
            code = err_nomem(e);
        else {
            if (!item.too_large)
                (void)history_json(t->x->in->arena, item.text, &o, &why);
            plant_node(n, item.key, o);
            n->id = arena_str(t->arena, n->id);
            n->parent = arena_str(t->arena, n->parent);
            n->o = NULL;
            n->offset = item.offset;
            n->bytes = item.bytes;
            n->too_large = item.too_large;
        }
        arena_reset(t->x->in->arena);
    }
    items_free(items);
    return code || (!arena_failed(t->arena) && sort_nodes(t)) ? code : err_nomem(e);
}

static enum err_code take_long(struct chats *x, const struct history_in *conversation, struct str stand_in,
                               struct err *e)
{
    static const char *const names[] = {"conversation_id", "id", "title", "current_node"};
    struct str text[4] = {STR_NONE};
    struct tree t = {.x = x, .arena = arena_new()};
    enum err_code code = t.arena ? ERR_OK : err_nomem(e);
    for (size_t i = 0; i < 4 && !code; i++)
        code = chats_text(conversation, t.arena, names[i], &text[i], e);
    buf_init(&t.thinking, 0);
    t.session = text[0].n ? text[0] : text[1].n ? text[1] : t.arena ? arena_str(t.arena, stand_in) : stand_in;
    if (!code && text[2].n)
        code = history_title(x->in, t.session, text[2], e);
    if (!code)
        code = chats_begin_long(x, conversation, "create_time", e);
    if (!code)
        code = plant_long(&t, conversation, e);
    if (!code && !t.n)
        code = chats_unknown(x, e);
    if (!code)
        code = take_nodes(&t, find(&t, text[3]), e);
    buf_release(&t.thinking);
    arena_free(t.arena);
    return code;
}

static bool sniff(struct str path, struct str head)
{
    if (str_ends(path, ".zip")) /* what lies beside the list in its zip */
        return str_find(head, STR("chat.html")) >= 0 || str_find(head, STR("message_feedback.json")) >= 0;
    return str_find(head, STR("\"mapping\"")) >= 0 &&
           (str_find(head, STR("\"children\"")) >= 0 || str_find(head, STR("\"current_node\"")) >= 0);
}

static enum err_code read_chats(struct history_in *in, struct err *e)
{
    static const struct chats_format format = {take_conversation, take_long};
    return chats_read(in, &format, e);
}

const struct history_format history_chatgpt = {
    .name = "chatgpt",
    .title = "ChatGPT export",
    .recognise = chats_recognise,
    .sniff = sniff,
    .read = read_chats,
};
