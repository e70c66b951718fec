/* The wire formats of the four generating routes behind one contract: where a request's messages are, where recalled
 * context goes, and how an answer is read. One file each (wire_*.c), one const struct each; a further format is
 * one more. All of them only look: what they do not know they leave alone. */
#ifndef CAIRN_DOORS_PROXY_WIRE_H
#define CAIRN_DOORS_PROXY_WIRE_H

#include "doors/proxy/splice.h"
#include "service/chat_memory.h"

struct answer;

/* What memory needs from a request; borrows the body and the arena. */
struct wire_request {
    struct chat_message *messages; /* without system and developer messages */
    size_t n_messages;
    struct str model;
    struct str metadata;      /* raw object, or STR_NONE */
    struct str previous;      /* the answer that this request continues by id (responses), or STR_NONE */
    const struct json *place; /* the block goes right before this value, or into it; NULL: nowhere */
    struct str prefix;        /* the conversation up to and with that value: the same when the history comes again */
};

struct wire {
    const char *name;
    /* Never fails on odd shapes (the upstream will tell the caller); out of memory: arena_failed. */
    void (*read)(struct arena *a, const struct json *body, struct wire_request *out);
    void (*put)(struct arena *a, const struct wire_request *r, struct str block, struct splice *s);
    /* Tell `x` (answer.h, the second part) what an answer or one event of a stream holds. */
    void (*whole)(struct answer *x, const struct json *body);
    void (*event)(struct answer *x, struct str name, const struct json *data);
};

extern const struct wire wire_chat, wire_completions, wire_responses, wire_messages;

/* ---- for the wires (wire.c) ---- */

/* A message being put together. All text in the arena, joined by newlines, cut at 8 MiB; tool calls in one form for all
 * wires
 * ({id, type, function {name, arguments}}), so that an answer's turn and the same message in a later request match. */
struct wire_draft {
    struct arena *arena;
    struct str role;
    struct buf text, calls, parts;
    struct str name, call_id;
};
void wire_draft_init(struct wire_draft *d, struct arena *a, struct str role);
void wire_draft_release(struct wire_draft *d);
void wire_draft_text(struct wire_draft *d, struct str text);
/* A string, or an array of parts of any wire's kinds. */
void wire_draft_content(struct wire_draft *d, const struct json *content);
void wire_draft_call(struct wire_draft *d, struct str id, struct str name, struct str arguments);
bool wire_draft_empty(const struct wire_draft *d);
/* Appends the message to out->messages (which has room) unless it is empty, and releases the draft. */
void wire_draft_finish(struct wire_draft *d, struct wire_request *out);

/* One tool call in the form above. */
void wire_write_call(struct buf *b, struct str id, struct str name, struct str arguments);
/* A JSON value as minified text in the arena. */
struct str wire_minified(struct arena *a, const struct json *v);
/* Model, metadata; and room for n messages. */
bool wire_read_common(struct arena *a, const struct json *body, size_t n, struct wire_request *out);
/* `list` holds `item`: the block goes before it. */
void wire_place_before(struct wire_request *out, const struct json *list, const struct json *item);
/* {"role":"user","content":"<block>"} */
struct str wire_user_message(struct arena *a, struct str block);
/* The user message of `put` that most wires share: before r->place. */
void wire_put_before(struct arena *a, const struct wire_request *r, struct str block, struct splice *s);

#endif
