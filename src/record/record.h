/* One record of any kind: its values, by field number, and the columns all kinds share. Values are
 * borrowed from the arena (or the text) they were read into. */
#ifndef CAIRN_RECORD_RECORD_H
#define CAIRN_RECORD_RECORD_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/json_write.h"
#include "record/kind.h"

enum value_type { VALUE_UNSET, VALUE_NULL, VALUE_INT, VALUE_REAL, VALUE_TEXT };

struct value {
    enum value_type type; /* UNSET: not given (an update leaves the column alone) */
    int64_t i;            /* INT (times and booleans too) */
    double d;             /* REAL */
    struct str s;         /* TEXT (JSON as minified text) */
};

#define V_UNSET ((struct value){.type = VALUE_UNSET})
#define V_NULL ((struct value){.type = VALUE_NULL})
#define V_INT(x) ((struct value){.type = VALUE_INT, .i = (x)})
#define V_REAL(x) ((struct value){.type = VALUE_REAL, .d = (x)})
#define V_TEXT(x) ((struct value){.type = VALUE_TEXT, .s = (x)})

struct record {
    const struct kind *kind;
    int64_t seq; /* 0: not stored yet */
    struct str id;
    struct str project;
    int64_t created_at, updated_at; /* ms */
    int64_t version;
    int64_t deleted_at; /* 0: alive */
    struct value *v;    /* kind->n_fields values */
};

/* An empty record of that kind (all UNSET), NULL when out of memory. */
struct record *record_new(struct arena *a, const struct kind *k);

/* RESTORE: as CREATE, for a record that record_write wrote: read-only and hidden fields, updated_at and version are
 * taken as they are; the members `kind` and `attached` of an export are passed over. */
enum record_mode { RECORD_CREATE, RECORD_PATCH, RECORD_RESTORE };
/* Checks an object against the kind's fields and fills `r`: types, bounds, choices, required, unknown
 * members (refused, naming the nearest known one), read-only fields, `project` and the id of
 * KIND_KEYED kinds (both under `id_name` and under "id"; so that an output can be sent back, `id`,
 * `created_at` (kept on create), `updated_at` and `version` are accepted). With
 * RECORD_CREATE defaults are filled in. ERR_INVALID names the field. */
enum err_code record_from_json(struct arena *a, const struct json *o, enum record_mode mode, struct record *r,
                               struct err *e);
/* The record as a JSON object: id under "id" and, when it differs, under id_name; project; times; fields
 * (absent ones as null, hidden ones not at all). `record_write_members` writes them without the braces. */
void record_write(struct json_out *w, const struct record *r);
void record_write_members(struct json_out *w, const struct record *r);

/* The field's default as a value, borrowed from the table; UNSET when it has none. */
struct value field_default(const struct field *f);

/* One value of a field by name; NULL when the kind has no such field. */
struct value *record_value(const struct record *r, const char *field);
struct str record_text(const struct record *r, const char *field); /* STR_NONE when unset, null or no text */
int64_t record_int(const struct record *r, const char *field);     /* 0 when unset or null */
double record_real(const struct record *r, const char *field);
void record_set(struct record *r, const char *field, struct value v);
/* The text of all FIELD_SEARCHED fields, joined by newlines, in the arena. */
struct str record_searched_text(struct arena *a, const struct record *r);

#endif
