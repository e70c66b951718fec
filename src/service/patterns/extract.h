/* How patterns are found: six extractors, one a type, each a file of its own with rules (no model). An extractor looks
 * at one turn and gives at most one pattern with a confidence; of what all of them give, the surest is the turn's
 * pattern. Precision comes first: most turns hold none, and a library full of chance finds is worth nothing.
 * The table is in extract.c: a new type is one line there, one file, and a choice of pattern_type in kinds.c. */
#ifndef CAIRN_SERVICE_PATTERNS_EXTRACT_H
#define CAIRN_SERVICE_PATTERNS_EXTRACT_H

#include "service/patterns/text.h"

/* Below this, a find is not believed. */
#define PATTERN_CONFIDENCE_MIN 0.6

struct pattern_found {
    const char *type; /* set by pattern_extract */
    struct str name;  /* one short line; made from the description where an extractor leaves it out */
    struct str description;
    struct str template; /* what to do again, in the type's own form */
    struct str example;  /* the passage it was found in */
    struct str category; /* a group within the type, such as "release" or a language; may be STR_NONE */
    struct str details;  /* JSON object: what only this type has */
    double confidence;   /* 0 … 1 */
};

struct pattern_extractor {
    const char *type;
    /* Leaves out->confidence 0 when the turn holds no such pattern. `out` comes zeroed; strings are the arena's
     * or constants. Errors: ERR_NOMEM only. */
    enum err_code (*extract)(const struct pattern_text *t, struct pattern_found *out, struct err *e);
};

extern const struct pattern_extractor extract_workflow, extract_decision, extract_code, extract_error,
    extract_architecture, extract_configuration;
const struct pattern_extractor *const *pattern_extractors(size_t *n);

/* The surest pattern of a turn; *found false when there is none. */
enum err_code pattern_extract(struct arena *a, struct str turn, struct pattern_found *out, bool *found, struct err *e);

#endif
