/* Prompts that were typed while the tool was busy. Often they come again as a line of their own when their turn has
 * come, sometimes not; so they wait, and what does not come is told as a prompt by itself. Its key is made of what both
 * say, so it stays one turn when the other line is written after all; and not of the session, whose lines another may
 * begin with. Reading goes on before the oldest that waits. */
#include "history/claude.h"

#include "base/mem.h"

#include <string.h>

static void drop(struct claude_queue *q, size_t i)
{
    mem_free((void *)(uintptr_t)q->items[i].text.p);
    memmove(&q->items[i], &q->items[i + 1], (q->n - i - 1) * sizeof q->items[0]);
    q->n--;
}

void claude_queue_free(struct claude_queue *q)
{
    while (q->n)
        drop(q, q->n - 1);
}

static struct str key_of(struct claude_reader *r, const struct claude_queued *x)
{
    return arena_fmt(r->in->arena, "queued %lld %.*s", (long long)x->timestamp, STR_ARG(x->text));
}

static enum err_code tell(struct claude_reader *r, size_t i, struct err *e)
{
    const struct claude_queued *x = &r->queue.items[i];
    const struct history_turn t = {.key = key_of(r, x),
                                   .session = r->place.session,
                                   .thread = r->place.thread,
                                   .agent = STR("user"),
                                   .role = STR("user"),
                                   .content = x->text,
                                   .timestamp = x->timestamp,
                                   .metadata = STR("\"queued\":true"),
                                   .replay = r->place.replay,
                                   .at = x->at};
    if (!t.key.p)
        return err_nomem(e);
    enum err_code code = history_turn(r->in, &t, e);
    drop(&r->queue, i);
    return code;
}

enum err_code claude_queue_add(struct claude_reader *r, const struct json *line, struct str text,
                               const struct history_at *at, struct err *e)
{
    struct claude_queue *q = &r->queue;
    enum err_code code = q->n == CLAUDE_QUEUED ? tell(r, 0, e) : ERR_OK;
    if (code)
        return code;
    char *own = mem_alloc(text.n + 1);
    if (!own)
        return err_nomem(e);
    memcpy(own, text.p, text.n);
    q->items[q->n++] = (struct claude_queued){
        .text = {own, text.n}, .timestamp = history_time(json_get(line, "timestamp")), .mark = r->line_from, .at = *at};
    return ERR_OK;
}

enum err_code claude_queue_take(struct claude_reader *r, struct str text, struct str *key, struct err *e)
{
    struct claude_queue *q = &r->queue;
    *key = STR_NONE;
    for (size_t i = 0; i < q->n; i++) {
        if (!str_eq(str_trim(q->items[i].text), str_trim(text)))
            continue;
        *key = key_of(r, &q->items[i]);
        if (!key->p)
            return err_nomem(e);
        const struct history_at at = q->items[i].at;
        drop(q, i);
        return history_merged(r->in, STR_NONE, &at, e);
    }
    return ERR_OK;
}

enum err_code claude_queue_end(struct claude_reader *r, bool all, struct err *e)
{
    enum err_code code = ERR_OK;
    int64_t line = lines_count(r->lines);
    while (!code && r->queue.n && (all || r->queue.items[0].at.line + CLAUDE_QUEUED_LINES < line))
        code = tell(r, 0, e);
    return code;
}
