/* Memory for a chat that passes through the proxy: which conversation a request continues, what to
 * recall for it, and storing both sides. Policy only: knows neither HTTP nor any wire format (the proxy
 * turns bodies into chat_messages and puts the block in).
 *
 * Safety: an exchange is written to the journal (journal.h) as it goes, so a killed server, a full disk
 * or a locked store loses nothing: what could not be stored is stored later, a broken-off answer as
 * incomplete. */
#ifndef CAIRN_SERVICE_CHAT_MEMORY_H
#define CAIRN_SERVICE_CHAT_MEMORY_H

#include "base/id.h"
#include "service/caller.h"
#include "service/service.h"

struct chat_message {
    struct str role;     /* user assistant tool (system and developer messages are not given) */
    struct str text;     /* all text parts joined by newlines; tool calls as their JSON when there is no text */
    struct str metadata; /* JSON object text or STR_NONE (tool calls, image placeholders, name) */
    struct str agent;    /* who says it; STR_NONE: the role, or of an assistant the request's agent */
    struct str id;       /* the id its turn has, or will have: one that is stored is left alone. STR_NONE: made */
};

/* Ids for what may have to be made. Requests that share them share the session and the conversation that the first of
 * them makes. */
struct chat_ids {
    char session[ID_MAX], conversation[ID_MAX];
};
void chat_ids_make(struct chat_ids *ids);

struct chat_options { /* v2's memory_options; v1 uses chat_options_default */
    bool use_context, include_agent_state, auto_store_response;
    int context_depth;     /* conversations, 0 … 50 */
    int max_context_turns; /* 0 … 100 */
    /* Who chats: the session must be one they may write to. NULL: CALLER_LOCAL. Borrowed during chat_begin. */
    const struct caller *caller;
};
extern const struct chat_options chat_options_default;

struct chat_request {
    struct str session;      /* as the caller named it: sess_… or a name of the caller's own */
    struct str conversation; /* conv_… or STR_NONE */
    struct str agent;        /* STR_NONE: "assistant" */
    struct str project;      /* full name; STR_NONE: the caller's own */
    const struct chat_message *messages;
    size_t n_messages;
    struct str model;       /* for the turns' metadata */
    struct str metadata;    /* the request's own metadata, JSON object text, or STR_NONE */
    struct str request_id;  /* for the audit, as is: */
    struct audit_from from; /* where it came from */
    struct chat_options options;
    /* The messages go into the conversation that is named, else into a new one: they are not compared with what is
     * stored to see which conversation goes on. For callers who know (the three-turn cycle). */
    bool fresh;
    const struct chat_ids *ids; /* NULL: new ones */
};

/* One request with its answer. Made by chat_begin, freed by chat_end. It may move between threads,
 * one at a time; it owns copies of all it needs. */
struct chat;

struct chat_context {
    struct str block; /* recalled context, ready to be one message's text; STR_NONE: nothing to add */
    struct str conversation_id, session_id; /* STR_NONE when memory failed */
    int context_used;                       /* turns in the block */
    struct str relevant;                    /* JSON array of conversation ids */
    bool agent_state_applied;
    bool ephemeral; /* it is kept in memory only: what is told of its turns is that they are not stored */
};

/* Resolves session and conversation, recalls, begins the exchange, and submits the request's new messages
 * to be stored (not waited for). Blocks for a few milliseconds: call it on a worker thread.
 * On an error of the caller's (unknown sess_… or conversation: ERR_NOT_FOUND, ERR_INVALID, ERR_GONE) *out is NULL:
 * answer it. On any failure of memory itself it returns that error and still gives *out, a chat without context whose
 * turns will be stored when the store is back: forward unchanged and go on. ctx lives as long as the chat. */
enum err_code chat_begin(struct service *s, const struct chat_request *r, int64_t deadline_us, struct chat **out,
                         struct chat_context *ctx, struct err *e);
/* A piece of the answer's text as it streams by: kept in the journal, so that a crash leaves what came. */
void chat_delta(struct chat *c, struct str text);
/* The answer is over. text: all of it; metadata: JSON object text (model, finish_reason, usage, tool_calls, other
 * choices, response_time_ms …) or STR_NONE. complete=false marks it incomplete. When nothing came (text and metadata
 * empty) no turn is stored. stored(arg, turn_id, ok) is called once, on any thread, when the turn is durable or has
 * gone to the journal; may be NULL. */
void chat_end(struct chat *c, struct str text, struct str metadata, bool complete,
              void (*stored)(void *arg, const char *turn_id, bool ok), void *arg);
/* The id the answer's turn will have. */
const char *chat_turn_id(const struct chat *c);

/* Circuit breaker: false while memory has just failed often (5 times in a row: 5 s off, then one trial). */
bool chat_memory_allowed(struct service *s);

#endif
