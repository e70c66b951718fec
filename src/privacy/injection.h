/* Text that addresses the model instead of telling it something: "ignore previous instructions", signs of chat
 * templates, characters that nobody sees. What is recalled is data; this judges which of it asks to be taken for more.
 *
 * A judgement by rules: it finds what is written as such things mostly are, not every way to write them, so callers
 * keep treating all recalled text as data. Talk about such texts is told from them by quotes and by the words around.
 * Without state; thread-safe. */
#ifndef CAIRN_PRIVACY_INJECTION_H
#define CAIRN_PRIVACY_INJECTION_H

#include "base/err.h"
#include "base/str.h"

enum injection_reason {
    INJECTION_OVERRIDE, /* tells it to ignore its instructions */
    INJECTION_ROLE,     /* gives it another role */
    INJECTION_SYSTEM,   /* speaks as the system or as another speaker */
    INJECTION_TEMPLATE, /* signs of a chat template */
    INJECTION_TOOL,     /* calls and results of tools */
    INJECTION_BLOCK,    /* the tag of the recalled block */
    INJECTION_EXFILTRATE,
    INJECTION_REVEAL,  /* asks for its prompt */
    INJECTION_SECRECY, /* asks to keep something from the user */
    INJECTION_ADDRESS, /* addresses a model that reads it */
    INJECTION_HIDDEN,  /* characters that are not seen */
    INJECTION_ENCODED, /* the same, in base64 */
    INJECTION_REASONS
};

struct injection {
    double score; /* 0 … 1 */
    double by_reason[INJECTION_REASONS];
};

#define INJECTION_FLAGGED 0.5 /* from here on a text is marked as one */
#define INJECTION_SURE 0.75   /* and from here on left out, where that is asked for */

enum { INJECTION_BYTES = 16 << 10 }; /* of a text that are judged: its beginning, and its end */

/* ERR_NOMEM only. */
enum err_code injection_judge(struct str text, struct injection *out, struct err *e);
const char *injection_reason_name(enum injection_reason r); /* "override" */

#endif
