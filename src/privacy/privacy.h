/* Finding and masking what must not leak: addresses, numbers, secrets in a text, by the tables of detectors
 * (detector.h) and by the detectors of the configuration. For callers.
 *
 * A `struct privacy` is read-only once it is open and is shared by all threads; scanning takes no lock and, beyond what
 * the thread keeps for itself, no memory but what it gives back. Offsets are in bytes; privacy_chars() makes code
 * points of them. Texts may be any bytes.
 *
 * What a level masks (contract §5): PUBLIC all, TEAM all but addresses of machines, PRIVATE and EPHEMERAL secrets and
 * sensitive numbers. A mask is never found again: masking what is masked changes nothing. */
#ifndef CAIRN_PRIVACY_PRIVACY_H
#define CAIRN_PRIVACY_PRIVACY_H

#include "base/arena.h"
#include "base/err.h"
#include "config/config.h"

struct privacy;
struct privacy_stream;
struct detector;

enum privacy_level { PRIVACY_PUBLIC, PRIVACY_TEAM, PRIVACY_PRIVATE, PRIVACY_EPHEMERAL, PRIVACY_LEVELS };

/* "PUBLIC" … "EPHEMERAL", in any case; false when it is none. */
bool privacy_level_parse(struct str name, enum privacy_level *out);
const char *privacy_level_name(enum privacy_level level);

struct privacy_custom {
    const char *name, *pattern;
    const char *type;         /* NULL: the name */
    const char *context;      /* NULL: none */
    enum privacy_level level; /* the most private one that still masks it: PRIVATE: a secret, TEAM, PUBLIC */
};

struct privacy_options {
    const char *redaction_char; /* one character, UTF-8; NULL: * */
    bool plain_marks;           /* [EMAIL] instead of a mask that keeps the form */
    bool stable;                /* masks carry a tag that is the same for the same value, made with `key` */
    unsigned char key[32];      /* the store's own */
    const char *types;          /* "email,phone": only these; NULL or "": all */
    const char *allow;          /* "support@example.com,*@example.org": values that are none, with commas between */
    const struct privacy_custom *custom;
    size_t n_custom;
    bool one_by_one; /* no prefilter: pattern by pattern, as tests and the bench compare with */
    size_t segment;  /* bytes looked at at a time, 0: as measured best; for tests */
};

/* ERR_INVALID names what is wrong with a custom detector, a type or a character. Nothing of `o` is kept. */
enum err_code privacy_open(const struct privacy_options *o, struct privacy **out, struct err *e);
void privacy_free(struct privacy *p);
/* So many bytes of text are about to be searched: where that pays, what makes it quick is made now, instead of while
 * the slow way is gone. */
void privacy_expect(const struct privacy *p, size_t bytes);
/* What the configuration says of it (privacy.*), in the arena; `c` may be NULL. `key` and `stable`: the caller's. */
enum err_code privacy_options_read(const struct config *c, struct arena *a, struct privacy_options *out, struct err *e);

struct privacy_span {
    size_t start, end; /* bytes */
    const char *type;  /* "email"; as long as the privacy */
    double confidence;
    const struct detector *by;
};
/* What that level masks in the text, in order, none overlapping, in the arena. */
enum err_code privacy_scan(const struct privacy *p, enum privacy_level level, struct str text, struct arena *a,
                           const struct privacy_span **out, size_t *n, struct err *e);
/* The spans' offsets in code points instead, as everywhere that callers see them. */
void privacy_chars(struct str text, struct privacy_span *spans, size_t n);

/* The text as the level shows it: *out is `text` itself, same pointer, when there is nothing to mask, else in the
 * arena. */
enum err_code privacy_mask(const struct privacy *p, enum privacy_level level, struct str text, struct arena *a,
                           struct str *out, struct err *e);
/* The same for a JSON text: what strings say is masked as it reads unescaped, member names say what a value is, numbers
 * that are masked become strings. Valid JSON stays valid, minified where something was masked. ERR_INVALID: no JSON. */
enum err_code privacy_mask_json(const struct privacy *p, enum privacy_level level, struct str json, struct arena *a,
                                struct str *out, struct err *e);

/* A text that comes in pieces: what comes out together is what privacy_mask's first pass makes of the whole, however it
 * is cut. What may still become a find is held back, at most some tens of KiB. One thread at a time. */
enum err_code privacy_stream_new(const struct privacy *p, enum privacy_level level, struct privacy_stream **out,
                                 struct err *e);
/* *out: masked bytes that are final, borrowed until the next call. */
enum err_code privacy_stream_feed(struct privacy_stream *s, struct str piece, struct str *out, struct err *e);
enum err_code privacy_stream_end(struct privacy_stream *s, struct str *out, struct err *e);
void privacy_stream_free(struct privacy_stream *s);

#endif
