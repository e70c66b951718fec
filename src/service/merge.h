/* Deep merge of JSON objects: members of `over` win; where both hold objects, those are merged too. */
#ifndef CAIRN_SERVICE_MERGE_H
#define CAIRN_SERVICE_MERGE_H

#include "base/json_write.h"

/* Writes the merged object. Either may be NULL (an empty object). Depth is bounded by JSON_MAX_DEPTH. */
void json_merge(struct json_out *w, const struct json *under, const struct json *over);
/* The merged object as text in the arena, from stored text (STR_NONE or broken: {}) and a parsed object. */
enum err_code json_merge_text(struct arena *a, struct str under, const struct json *over, struct str *out,
                              struct err *e);

#endif
