/* What an answer said, read while it is relayed: text of the first choice, other choices, tool calls, usage. Bounded:
 * past 8 MiB of text nothing more is kept and the answer is marked truncated; the relay does not care.
 *
 * The first part is for the exchange, the second for the wires that fill it in. One thread at a time. */
#ifndef CAIRN_DOORS_PROXY_ANSWER_H
#define CAIRN_DOORS_PROXY_ANSWER_H

#include "doors/proxy/wire.h"

enum { ANSWER_MAX = 8 << 20, ANSWER_BODY_MAX = 32 << 20, ANSWER_CHOICES = 16, ANSWER_CALLS = 128 };

struct answer *answer_new(const struct wire *wire, bool streamed); /* NULL when out of memory */
void answer_free(struct answer *x);                                /* NULL is fine */
void answer_feed(struct answer *x, struct str bytes);
/* No more comes. Reads what was collected (plain answers are read only now). */
void answer_end(struct answer *x);

struct str answer_body(const struct answer *x); /* a plain answer's bytes; STR_NONE when streamed or too large */
struct str answer_text(const struct answer *x); /* what is there so far, borrowed until the next feed */
bool answer_over(const struct answer *x);       /* its last event came */
bool answer_whole(const struct answer *x);      /* it said its end, and no error */
bool answer_empty(const struct answer *x);      /* nothing to keep */
/* Text to store (tool calls in the wires' common form when there is no text), in the arena. */
struct str answer_turn(struct answer *x, struct arena *a);
/* {model, id, finish_reason, usage, tool_calls, choices, truncated, response_time_ms}, in the arena. */
struct str answer_metadata(struct answer *x, struct arena *a, int64_t response_time_ms);
struct str answer_id(const struct answer *x);    /* STR_NONE when it said none */
struct str answer_model(const struct answer *x); /* STR_NONE */
int64_t answer_created(const struct answer *x);  /* 0 */

/* ---- for the wires ---- */

/* `part` tells the pieces of one text apart: another part begins a new line. */
void answer_add_text(struct answer *x, int64_t choice, int64_t part, struct str text);
/* A piece of the tool call `key`; any of the three may be STR_NONE. `json`: the arguments are a JSON value that
 * clients send back as such, to be kept minified. */
void answer_add_call(struct answer *x, int64_t key, struct str id, struct str name, struct str arguments, bool json);
void answer_set_finish(struct answer *x, int64_t choice, struct str reason); /* STR_NONE: ignored */
void answer_set_head(struct answer *x, const struct json *o);                /* id, model, created */
void answer_set_usage(struct answer *x, const struct json *usage);           /* NULL: ignored; later ones add members */
void answer_set_over(struct answer *x);
void answer_set_failed(struct answer *x);

#endif
