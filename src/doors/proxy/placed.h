/* Which block was put where: a bounded memory of recent places, least recently used first to go. In an agentic loop the
 * same history comes again and again; putting the same block at the same place keeps the prefix the same, and so in
 * the model's prompt cache. Also which conversation an answer's id belongs to (previous_response_id). Thread-safe. */
#ifndef CAIRN_DOORS_PROXY_PLACED_H
#define CAIRN_DOORS_PROXY_PLACED_H

#include "base/arena.h"
#include "base/err.h"

struct placed;

enum err_code placed_new(size_t max, struct placed **out, struct err *e);
void placed_free(struct placed *p); /* NULL is fine */
/* What was put under (session, key), with its text in the arena. */
bool placed_get(struct placed *p, struct arena *a, struct str session, struct str key, struct str *text, int *turns);
/* Remembers it, or not when memory is short. */
void placed_put(struct placed *p, struct str session, struct str key, struct str text, int turns);

#endif
