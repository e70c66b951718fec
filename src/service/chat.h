/* One chat exchange from the inside: shared by chat_memory.c (the proxy's calls), chat_store.c (what is written),
 * chat_mask.c (what of it may be kept), chat_match.c (which conversation it continues), chat_block.c (what is recalled)
 * and journal.c (what survives a crash).
 *
 * Life: chat_begin makes it and submits a first write of the request's new messages. chat_end adds the answer and
 * submits a second. Both run chat_store, which does what is still to be done and is safe to run any number of times,
 * because all ids were made beforehand. A chat whose write failed waits in the journal and is tried again.
 * Threads: after chat_begin the writer thread alone touches `placed` and what follows from it; the request's thread
 * alone calls chat_delta and chat_end; the counts of references and stages are atomic. */
#ifndef CAIRN_SERVICE_CHAT_H
#define CAIRN_SERVICE_CHAT_H

#include "base/id.h"
#include "privacy/privacy.h"
#include "service/chat_memory.h"
#include "store/turns.h"

#include <stdatomic.h>

struct chat_id {
    char text[ID_MAX];
};

/* A message, or the answer, as it may be kept (chat_mask.c). */
struct chat_kept {
    bool looked;
    struct str text, metadata;             /* masked for the journal */
    struct str clean_text, clean_metadata; /* the raw ones where nothing was found: the store need not look again */
    char hash[65];                         /* of the raw text */
};

struct chat {
    struct service *svc;
    struct arena *arena;      /* the request's copy */
    struct chat_request req;  /* strings in the arena */
    const struct caller *who; /* a copy in the arena, as the chat outlives its request */
    int64_t started_ms, started_us;
    /* ids made beforehand, so that storing again adds nothing */
    struct chat_id new_session, new_conversation, answer_id;
    struct chat_id *message_ids; /* req.n_messages */
    /* where it belongs; set by chat_place */
    bool placed;
    bool conversation_is_new;
    char conversation_id[ID_MAX * 5]; /* ids that an import brought may be longer than ours */
    char session_id[ID_MAX * 5];      /* "" while the session is still to be made */
    char level[12];                   /* the session's privacy_level; of one still to be made, that of new ones */
    size_t first_new;                 /* messages before it are stored already */
    /* what may be kept; the request's thread's, set by chat_begin */
    enum privacy_level kept_level;
    struct str kept_name;                 /* the level by name */
    struct str kept_model, kept_metadata; /* the request's, masked */
    struct chat_kept *kept;               /* req.n_messages, and one more: the answer's */
    struct privacy_stream *stream;        /* the answer, as it goes to the journal; NULL until it begins */
    bool stream_failed;
    /* the answer, set by chat_end */
    struct str text, metadata; /* own memory (mem_alloc), freed with the chat */
    bool complete;
    atomic_bool ended;
    /* storing */
    uint64_t exchange; /* its number in the journal, 0: not journalled */
    struct store_job ask_job, answer_job;
    atomic_int refs; /* the owner until chat_end, and each job under way */
    void (*stored)(void *arg, const char *turn_id, bool ok);
    void *stored_arg;
    struct chat *next; /* the journal's waiting list */
};

/* A chat with copies of all of r, its ids made; NULL when out of memory. */
struct chat *chat_new(struct service *s, const struct chat_request *r);
void chat_unref(struct chat *c);
/* A copy in memory of its own, for `text` and `metadata`; chat_unref frees it. False: out of memory. */
bool chat_own_copy(struct str *to, struct str s);

/* Finds (does not make) session and conversation; sets `placed` and what belongs to it. On a read snapshot or
 * the writer's. */
enum err_code chat_place(struct store_tx *tx, struct arena *a, struct chat *c, struct err *e);
/* The store_fn (arg: struct chat): makes what is missing, appends new messages, and the answer once ended. */
enum err_code chat_store(struct store_tx *tx, void *arg, struct err *e);

/* ---- chat_mask.c: on the request's thread ---- */
void chat_mask_level(struct chat *c); /* once the place is known, or is known not to be known */
/* Masks what the journal's first line says. */
enum err_code chat_mask_request(struct chat *c, struct err *e);
/* Looked at on first use; NULL: it failed. e must not be NULL. */
const struct chat_kept *chat_kept_message(struct chat *c, size_t i, struct err *e);
const struct chat_kept *chat_kept_answer(struct chat *c, struct err *e);
/* What of the answer is final so far and may be written, borrowed until the next call. */
struct str chat_mask_delta(struct chat *c, struct str text);
void chat_mask_free(struct chat *c);

/* The conversation of the session whose stored turns these messages continue; STR_NONE when there is none. *first_new
 * is the first message that is not stored. */
enum err_code chat_match(struct store_tx *tx, struct arena *a, struct str session_id, const struct chat_message *m,
                         size_t n, struct str *conversation, size_t *first_new, struct err *e);

/* The recalled context for a placed chat. Fills ctx->block, context_used, relevant, agent_state_applied. */
enum err_code chat_block(struct chat *c, int64_t deadline_us, struct chat_context *ctx, struct err *e);

/* True when an error is the caller's to hear, not a failure of memory. */
bool chat_caller_error(enum err_code code);

#endif
