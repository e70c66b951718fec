/* Turns that wait for lines of theirs. The tool writes a message block by block, a line each, and answers of tools may
 * come in between, or a prompt; so turns are held, in order, until another message begins and there are enough of them,
 * or the holding is full, and then told at once. */
#include "history/claude.h"

bool claude_holding_init(struct claude_holding *h)
{
    *h = (struct claude_holding){.arena = arena_new()};
    for (size_t i = 0; i < CLAUDE_HELD; i++) {
        claude_content_init(&h->items[i].content);
        notes_init(&h->items[i].notes);
    }
    return h->arena != NULL;
}

void claude_holding_free(struct claude_holding *h)
{
    for (size_t i = 0; i < CLAUDE_HELD; i++) {
        claude_content_free(&h->items[i].content);
        notes_free(&h->items[i].notes);
    }
    if (h->arena)
        arena_free(h->arena);
}

static bool keep(struct arena *a, struct str *s)
{
    if (!s->p)
        return true;
    *s = arena_str(a, *s);
    return s->p != NULL;
}

struct claude_held *claude_hold(struct claude_holding *h, const struct history_turn *t)
{
    struct claude_held *x = &h->items[h->n];
    const struct claude_content content = x->content;
    const struct history_notes notes = x->notes;
    *x = (struct claude_held){.turn = *t, .content = content, .notes = notes, .output_tokens = -1};
    claude_content_clear(&x->content);
    notes_clear(&x->notes);
    struct str *const own[] = {&x->turn.key,  &x->turn.session, &x->turn.thread, &x->turn.agent,
                               &x->turn.role, &x->turn.cwd,     &x->turn.typed};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (!keep(h->arena, own[i]))
            return NULL;
    h->n++;
    return x;
}

struct claude_held *claude_holding_find(struct claude_holding *h, struct str message_id)
{
    for (size_t i = h->n; message_id.n && i; i--)
        if (str_eq(h->items[i - 1].message_id, message_id))
            return &h->items[i - 1];
    return NULL;
}

bool claude_holding_full(const struct claude_holding *h)
{
    return h->n == CLAUDE_HELD || h->bytes >= CLAUDE_HELD_BYTES;
}

bool claude_holding_enough(const struct claude_holding *h)
{
    return h->n >= CLAUDE_ENOUGH || h->bytes >= CLAUDE_ENOUGH_BYTES;
}

/* Behind the members of its first line: what only the last one knows, and what its blocks were. */
static void finish_notes(struct claude_held *x)
{
    struct history_notes *n = &x->notes;
    if (x->usage.n)
        jw_kraw(x->usage_plain ? &n->f : &n->t, "usage", x->usage);
    notes_put(n, "stop_reason", x->stop);
    claude_content_notes(&x->content, n);
    x->turn.metadata = buf_view(&n->texts);
    x->turn.facts = buf_view(&n->facts);
}

static enum err_code tell(struct history_in *in, struct claude_held *x, struct err *e)
{
    finish_notes(x);
    x->turn.content = buf_view(&x->content.text);
    if (!x->turn.content.p)
        x->turn.content = STR("");
    if (notes_failed(&x->notes) || claude_content_failed(&x->content))
        return err_nomem(e);
    if (x->n_parts > 1) {
        x->turn.parts = x->parts + 1;
        x->turn.n_parts = x->n_parts - 1;
    }
    return history_turn(in, &x->turn, e);
}

enum err_code claude_tell(struct claude_reader *r, struct err *e)
{
    struct claude_holding *h = &r->held;
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < h->n && !code; i++)
        code = tell(r->in, &h->items[i], e);
    h->n = h->bytes = 0;
    arena_reset(h->arena);
    return code;
}
