/* What matters for a text beside turns: people, things, conversations. By words and, where a model is loaded, by what
 * they mean (search/records.h). On the caller's snapshot. */
#ifndef CAIRN_SERVICE_RELEVANT_H
#define CAIRN_SERVICE_RELEVANT_H

#include "search/recall.h"
#include "service/operation.h"
#include "store/records.h"

/* `limit` (1 … 100) records of a project, those that matter for the text first; the kind's own order (last seen, most
 * used) fills what is left, and all of it where the text is empty or nothing matters. */
enum err_code relevant_records(struct op_call *c, struct store_tx *tx, const struct kind *k, struct str project,
                               struct str text, int limit, struct list_page *out, struct err *e);

/* Conversations of a session count by their titles and summaries too: those found so join the ones that turns brought
 * (r->conversations), and those found both ways rise. Best first, at most 10. */
enum err_code relevant_conversations(struct op_call *c, struct store_tx *tx, struct str session_id, struct str text,
                                     struct recall_result *r, struct err *e);

#endif
