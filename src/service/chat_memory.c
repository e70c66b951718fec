/* Memory for chats: the proxy's calls. What each step does is in chat_store.c, chat_match.c and chat_block.c; what
 * survives a crash in journal.c. */
#include "service/chat_memory.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "service/caller.h"
#include "service/chat.h"
#include "service/chat_audit.h"
#include "service/ephemeral.h"
#include "service/journal.h"
#include "service/quota.h"

#include <stdio.h>
#include <string.h>

enum { MESSAGES_MAX = 20000 };

const struct chat_options chat_options_default = {
    .use_context = true,
    .include_agent_state = true,
    .auto_store_response = true,
    .context_depth = 5,
    .max_context_turns = 10,
};

bool chat_memory_allowed(struct service *s)
{
    return breaker_allows(&s->breaker);
}

bool chat_caller_error(enum err_code code)
{
    return code == ERR_INVALID || code == ERR_NOT_FOUND || code == ERR_GONE || code == ERR_CONFLICT ||
           code == ERR_DENIED || code == ERR_FORBIDDEN || code == ERR_TOO_LARGE;
}

/* ---- making and freeing ---- */

static void give_id(struct chat_id *to, struct str given)
{
    if (given.n && given.n < sizeof to->text)
        snprintf(to->text, sizeof to->text, "%.*s", STR_ARG(given));
    else
        id_make("turn", to->text);
}

static bool copy_messages(struct chat *c, const struct chat_request *r)
{
    struct chat_message *m = arena_array(c->arena, struct chat_message, r->n_messages + 1);
    c->message_ids = arena_array(c->arena, struct chat_id, r->n_messages + 1);
    c->kept = arena_array(c->arena, struct chat_kept, r->n_messages + 1);
    if (!m || !c->message_ids || !c->kept)
        return false;
    for (size_t i = 0; i < r->n_messages; i++) {
        m[i].role = arena_str(c->arena, r->messages[i].role);
        m[i].text = arena_str(c->arena, r->messages[i].text);
        m[i].metadata = r->messages[i].metadata.p ? arena_str(c->arena, r->messages[i].metadata) : STR_NONE;
        m[i].agent = r->messages[i].agent.n ? arena_str(c->arena, r->messages[i].agent) : STR_NONE;
        give_id(&c->message_ids[i], r->messages[i].id);
    }
    c->req.messages = m;
    return !arena_failed(c->arena);
}

static bool copy_request(struct chat *c, const struct chat_request *r)
{
    struct str *const to[] = {&c->req.session, &c->req.conversation, &c->req.agent,      &c->req.project,
                              &c->req.model,   &c->req.metadata,     &c->req.request_id, &c->req.from.peer};
    const struct str from[] = {r->session, r->conversation, r->agent,      r->project,
                               r->model,   r->metadata,     r->request_id, r->from.peer};
    c->req = *r;
    for (size_t i = 0; i < sizeof from / sizeof from[0]; i++)
        *to[i] = from[i].p ? arena_str(c->arena, from[i]) : STR_NONE;
    c->who = caller_copy(r->options.caller ? r->options.caller : &CALLER_LOCAL, c->arena);
    if (!c->who)
        return false;
    c->req.options.caller = c->who;
    if (!c->req.project.n)
        c->req.project = caller_own_project(c->who, c->arena);
    return copy_messages(c, r);
}

void chat_ids_make(struct chat_ids *ids)
{
    id_make("sess", ids->session);
    id_make("conv", ids->conversation);
}

struct chat *chat_new(struct service *s, const struct chat_request *r)
{
    struct chat *c = r->n_messages > MESSAGES_MAX ? NULL : mem_zalloc(sizeof *c);
    if (!c)
        return NULL;
    c->svc = s;
    c->arena = arena_new();
    if (!c->arena || !copy_request(c, r)) {
        if (c->arena)
            arena_free(c->arena);
        mem_free(c);
        return NULL;
    }
    c->started_ms = clock_now_ms();
    c->started_us = clock_mono_us();
    struct chat_ids ids;
    chat_ids_make(&ids);
    if (r->ids)
        ids = *r->ids;
    c->req.ids = NULL;
    memcpy(c->new_session.text, ids.session, sizeof ids.session);
    memcpy(c->new_conversation.text, ids.conversation, sizeof ids.conversation);
    id_make("turn", c->answer_id.text);
    atomic_init(&c->ended, false);
    atomic_init(&c->refs, 1);
    return c;
}

void chat_unref(struct chat *c)
{
    if (atomic_fetch_sub(&c->refs, 1) != 1)
        return;
    mem_free((void *)c->text.p);
    mem_free((void *)c->metadata.p);
    chat_mask_free(c);
    arena_free(c->arena);
    mem_free(c);
}

const char *chat_turn_id(const struct chat *c)
{
    return c->answer_id.text;
}

/* ---- begin ---- */

/* The request's messages are stored, or not: if not, the answer's write does it again, so nothing is to be done. */
static void ask_done(struct store_job *job)
{
    chat_unref(job->arg);
}

static void submit_ask(struct chat *c)
{
    if (c->req.n_messages == c->first_new)
        return;
    c->ask_job = (struct store_job){.fn = chat_store, .arg = c, .done = ask_done};
    atomic_fetch_add(&c->refs, 1);
    store_submit(c->svc->store, &c->ask_job);
}

/* A full session is no fault of this caller's: the chat goes on without memory, as with a full store. */
static enum err_code find_place(struct chat *c, int64_t deadline_us, bool *full, struct err *e)
{
    struct store_tx *tx;
    struct err why = {0};
    enum err_code code = store_read_begin_deadline(c->svc->store, deadline_us, &tx, e);
    if (code)
        return code;
    code = chat_place(tx, c->arena, c, e);
    *full = !code && quota_session(c->svc, tx, str_of(c->session_id), STR_NONE, 1, &why) == ERR_TOO_LARGE;
    store_read_end(tx);
    return *full ? err_named(e, ERR_DISK_FULL, why.name, "%s", why.message) : code;
}

static void give_ids(struct chat *c, struct chat_context *ctx)
{
    ctx->conversation_id = arena_str(c->arena, str_of(c->conversation_id));
    ctx->session_id = arena_str(c->arena, str_of(c->session_id[0] ? c->session_id : c->new_session.text));
}

enum err_code chat_begin(struct service *s, const struct chat_request *r, int64_t deadline_us, struct chat **out,
                         struct chat_context *ctx, struct err *e)
{
    int64_t start = clock_mono_us();
    *out = NULL;
    *ctx = (struct chat_context){0};
    if (r->n_messages > MESSAGES_MAX)
        return err_set(e, ERR_TOO_LARGE, "messages", "a chat may have at most %d messages", MESSAGES_MAX);
    s = ephemeral_of(s, r->session, r->conversation);
    ctx->ephemeral = ephemeral_is(s);
    struct err full = {0};
    if (quota_store(s, &full)) /* no fault of this caller's: the chat goes on without memory */
        return err_named(e, ERR_DISK_FULL, full.name, "%s", full.message);
    struct chat *c = chat_new(s, r);
    if (!c)
        return err_nomem(e);
    bool over = false,
         trial = !deadline_us || start < deadline_us; /* else the caller wants the turns kept, nothing recalled */
    enum err_code code = trial ? find_place(c, deadline_us, &over, e)
                               : err_set(e, ERR_TIMEOUT, NULL, "memory was not asked: its time had passed");
    if (over || chat_caller_error(code)) {
        chat_audit_refused(c, code);
        chat_unref(c);
        return code;
    }
    *out = c;
    chat_mask_level(c);
    if (!code) {
        give_ids(c, ctx);
        code = chat_block(c, deadline_us, ctx, e);
    }
    journal_begin(s->journal, c);
    submit_ask(c);
    if (trial)
        breaker_report(&s->breaker, code == ERR_OK);
    metric_observe_us(M_PROXY_MEMORY_SECONDS, clock_mono_us() - start);
    return code;
}

void chat_delta(struct chat *c, struct str text)
{
    struct str kept = c->exchange && text.n ? chat_mask_delta(c, text) : STR_NONE;
    if (kept.n)
        journal_delta(c->svc->journal, c, kept);
}

/* ---- end ---- */

static void answer_done(struct store_job *job)
{
    struct chat *c = job->arg;
    bool ok = job->code == ERR_OK;
    if (ok || chat_caller_error(job->code)) {
        /* A place that is gone by now (an erased session) will not come back: nothing is left to wait for. */
        if (!ok)
            log_error("chat_not_stored", &job->err);
        journal_done(c->svc->journal, c);
    }
    if (c->stored)
        c->stored(c->stored_arg, c->answer_id.text, ok);
    if (ok || chat_caller_error(job->code)) {
        chat_unref(c);
        return;
    }
    log_error("chat_waits", &job->err);
    breaker_report(&c->svc->breaker, false);
    journal_wait(c->svc->journal, c); /* an ephemeral chat has none: what memory has no room for is gone */
}

bool chat_own_copy(struct str *to, struct str s)
{
    *to = STR_NONE;
    if (!s.n)
        return true;
    char *p = mem_alloc(s.n);
    if (!p)
        return false;
    memcpy(p, s.p, s.n);
    *to = (struct str){p, s.n};
    return true;
}

/* No memory for the answer: it goes from the caller's hands into the file, and the next start stores it. */
static void leave_to_journal(struct chat *c, struct str text, struct str metadata, bool complete)
{
    mem_free((void *)c->text.p);
    c->text = text;
    c->metadata = metadata;
    c->complete = complete;
    journal_end(c->svc->journal, c);
    c->text = c->metadata = STR_NONE;
    if (c->stored)
        c->stored(c->stored_arg, c->answer_id.text, false);
    journal_leave(c->svc->journal, c);
}

void chat_end(struct chat *c, struct str text, struct str metadata, bool complete,
              void (*stored)(void *arg, const char *turn_id, bool ok), void *arg)
{
    c->stored = stored;
    c->stored_arg = arg;
    if (!chat_own_copy(&c->text, text) || !chat_own_copy(&c->metadata, metadata)) {
        leave_to_journal(c, text, metadata, complete);
        return;
    }
    c->complete = complete;
    journal_end(c->svc->journal, c);
    atomic_store(&c->ended, true);
    c->answer_job = (struct store_job){.fn = chat_store, .arg = c, .done = answer_done};
    store_submit(c->svc->store, &c->answer_job); /* takes over the owner's reference */
}
