/* Reading JSON: simdjson validates and decodes, we hand out a plain C tree in an arena in which
 * every value also knows the raw bytes it came from (so that a body can be forwarded byte for byte
 * with a span cut out or put in). Strict RFC 8259: UTF-8, no NUL bytes outside strings, no lone
 * surrogates, numbers within double (integers past int64 are JSON_DOUBLE, their digits still in `raw`),
 * depth at most JSON_MAX_DEPTH, no duplicate keys (unless JSON_DUPLICATES_OK: then all are in the
 * tree and json_get finds the last). */
#ifndef CAIRN_BASE_JSON_H
#define CAIRN_BASE_JSON_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum { JSON_MAX_DEPTH = 64 };
enum { JSON_DUPLICATES_OK = 1 };

enum json_type { JSON_NULL, JSON_BOOL, JSON_INT, JSON_DOUBLE, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
    enum json_type type;
    bool boolean;
    size_t n;                       /* values of an array, members of an object */
    int64_t integer;                /* JSON_INT */
    double number;                  /* JSON_INT and JSON_DOUBLE */
    struct str s;                   /* JSON_STRING: decoded, may hold NUL */
    struct str raw;                 /* the value's own bytes in the text, without white space around it */
    const struct json *items;       /* JSON_ARRAY: n values; JSON_OBJECT: n values in order */
    const struct json_member *keys; /* JSON_OBJECT: n keys, keys[i] names items[i] */
};

struct json_member {
    struct str key; /* decoded */
    struct str raw; /* from the key's opening quote to the end of its value */
};

/* The tree borrows `text` (raw spans) and the arena (all else). Errors: ERR_INVALID with field
 * "body" and what is wrong at which line and column; ERR_TOO_LARGE past 4 GiB; ERR_NOMEM. Thread-safe: a parser per
 * call or thread. */
enum err_code json_parse(struct arena *a, struct str text, unsigned flags, const struct json **out, struct err *e);

/* Member of an object, NULL when absent or when `o` is no object (or NULL). */
const struct json *json_get(const struct json *o, const char *key);
const struct json *json_get_str(const struct json *o, struct str key);
/* As json_get, and only when it has that type; else NULL. */
const struct json *json_get_type(const struct json *o, const char *key, enum json_type type);
/* String member's text, STR_NONE when absent or no string. */
struct str json_text(const struct json *o, const char *key);
const char *json_type_name(enum json_type t); /* "an object", "a string" … for messages */

#endif
