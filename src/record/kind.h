/* The table of kinds: every record type of Cairn, declared once. From an entry come the DDL of both
 * SQL dialects, validation, JSON in and out, CRUD in the store, the generic REST routes and CLI
 * commands, and the API description. Adding a record type is adding one entry to kinds.c.
 *
 * Every kind has these columns before its own fields (they are not listed in an entry):
 *   seq         integer primary key, ascending, never reused: the change cursor and the index's key
 *   id          text, unique (KIND_KEYED: given by the caller and unique per project; else made by us)
 *   project     text, 'default' when none is named ('' for KIND_ORG records without a project)
 *   created_at, updated_at   integer, milliseconds since 1970 UTC; RFC 3339 in JSON
 *   version     integer, 1 and up, one more with each update
 *   deleted_at  integer or null: soft deletion
 */
#ifndef CAIRN_RECORD_KIND_H
#define CAIRN_RECORD_KIND_H

#include "base/str.h"

enum field_type {
    FIELD_TEXT,   /* SQL TEXT */
    FIELD_INT,    /* INTEGER / BIGINT */
    FIELD_REAL,   /* REAL / DOUBLE PRECISION */
    FIELD_BOOL,   /* INTEGER 0 or 1 / BOOLEAN is avoided so that both dialects hold the same values */
    FIELD_TIME,   /* INTEGER / BIGINT milliseconds; RFC 3339 in JSON */
    FIELD_ENUM,   /* TEXT, one of `choices` */
    FIELD_OBJECT, /* TEXT holding a JSON object */
    FIELD_ARRAY,  /* TEXT holding a JSON array */
    FIELD_JSON    /* TEXT holding any JSON value */
};

enum field_flag {
    FIELD_REQUIRED = 1 << 0,  /* must be given on create, not null */
    FIELD_READ_ONLY = 1 << 1, /* set by Cairn; a caller's value is refused */
    FIELD_FIXED = 1 << 2,     /* may be given on create, not changed after */
    FIELD_INDEXED = 1 << 3,   /* gets an SQL index (field, project) and a list filter */
    FIELD_SEARCHED = 1 << 4,  /* its words are indexed for recall */
    FIELD_EXACT = 1 << 5,     /* a name, an id, a hash or Cairn's own: the privacy gate leaves it as it is. Every other
                                 text and all JSON is masked before it is stored (store/gate.h) */
    FIELD_SEALED = 1 << 6,    /* sealed in a sealed store though FIELD_EXACT, as it tells of texts (store/sealing.h) */
    FIELD_FILTER = 1 << 7,    /* a list filter without an index */
    FIELD_HIDDEN = 1 << 8     /* internal: a column, but not in JSON */
};

enum kind_flag {
    KIND_KEYED = 1 << 0,     /* the caller names it: `key_field` is the id in JSON; saving again updates */
    KIND_ORG = 1 << 1,       /* project is optional: without one it is the organisation's own */
    KIND_IMMUTABLE = 1 << 2, /* never updated once written */
    KIND_NO_CRUD = 1 << 3,   /* made only by its own operations; list and get are still generic */
    KIND_INTERNAL = 1 << 4,  /* neither listed nor shown generically */
    KIND_NO_SYNC = 1 << 5,
    KIND_TRACE = 1 << 6, /* a trace of use: writing one changes no other answer (store/versions.h) */
    KIND_CHAIN = 1 << 7  /* rows are found by seq alone: no index, and no other way in than store/audit.h */
};

struct field {
    const char *name;
    enum field_type type;
    unsigned flags;
    double min, max;      /* number range, or length in bytes for text and JSON; both 0: 0 to 1 MiB / any number */
    const char *fallback; /* default as JSON text ("\"TEAM\"", "0.7", "{}"), NULL: null */
    const char *choices;  /* FIELD_ENUM: "PUBLIC|TEAM|PRIVATE" */
    const char *help;
};

struct kind {
    const char *name;      /* "session": table name, CLI name */
    const char *plural;    /* "sessions": route name */
    const char *id_prefix; /* "sess"; NULL for KIND_KEYED */
    const char *id_name;   /* JSON name of the id: "session_id", "name", "key", "slug" */
    unsigned flags;
    const struct field *fields;
    size_t n_fields;
    const char *unique; /* extra UNIQUE columns, "conversation_id, turn_number", or NULL (see ddl.c) */
    const char *order;  /* default list order: "created_at DESC" … columns of this kind only; NULL: "seq DESC" */
    int page;           /* how many records a list gives unless asked; 0: 50 */
    const char *shown;  /* "status=active": what a list shows unless asked (field=all: every one); NULL: all */
    const char *help;
};

/* All kinds, in an order in which references come after what they refer to. */
const struct kind *kinds_all(size_t *n);
const struct kind *kind_find(struct str name_or_plural); /* NULL when unknown */
int kind_number(const struct kind *k);                   /* 0 … n-1, stable within a process */
int kind_field(const struct kind *k, struct str name);   /* index into fields, -1 when unknown */

/* Kinds that code refers to by name. */
extern const struct kind *const KIND_PROJECT, *const KIND_SESSION, *const KIND_CONVERSATION, *const KIND_TURN;
extern const struct kind *const KIND_AGENT, *const KIND_AGENT_STATE, *const KIND_SUMMARY, *const KIND_CONTEXT_LOAD;
extern const struct kind *const KIND_PROGRESS, *const KIND_TOKEN, *const KIND_EVENT;
extern const struct kind *const KIND_EXPORT, *const KIND_AGENT_LEARNING, *const KIND_CHECKPOINT;
extern const struct kind *const KIND_ERASURE, *const KIND_TOMBSTONE, *const KIND_IMPORT_FILE, *const KIND_IMPORT_RUN;

#endif
