/* A format of agents' histories: what is to be known of one tool's files, and nothing else. For whoever adds one: one
 * file (claude.c is the example), one line in formats.c.
 *
 * A format does three things.
 *  - It tells by a path below a root what a file is (recognise) and, for a file that somebody names by itself, by its
 *    first bytes whether it is its own (sniff). No file is opened for the first: names are enough.
 *  - It reads one file, record after record (read), in bounded memory: lines by lines.h, whole JSON documents and
 *    databases by their own means. It reads through `in`, whose descriptor is open for reading; it opens nothing by a
 *    path but by history_sibling, and writes nothing.
 *  - It tells what each record is, in the order of the file: history_turn, history_record, history_merged or
 * history_skip. Every line (a record, where a file has no lines) is told exactly once, or the counts do not come out.
 * It does not know of the store, of masks, of what is known already: whoever receives what is told (struct
 * history_sink) sees to duplicates, batches, and where to go on another time.
 *
 * Going on. A file is read from in->from, where an earlier reading stopped (history_mark): a byte in a file of lines,
 * whatever the format likes elsewhere. 0 is the beginning. What is told again because of a kill between two marks is
 * known by its key; so records must not depend on anything before the mark.
 *
 * Texts that are told are borrowed for the call; in->arena is for making them, and is emptied by the reader (lines.h)
 * or by the format itself when a record is done. Everything runs on one thread at a time, several files may be read at
 * once: no mutable globals. */
#ifndef CAIRN_HISTORY_FORMAT_H
#define CAIRN_HISTORY_FORMAT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/sha256.h"

#include <stdatomic.h>

/* Where a tool keeps its files unless told: below $variable where it is set and not empty, else below the home folder.
 */
struct history_root {
    const char *variable; /* "CLAUDE_CONFIG_DIR"; NULL: none */
    const char *below;    /* … and below that: "" or "opencode" */
    const char *home;     /* ".claude"; NULL: only by the variable */
};

enum history_way {
    HISTORY_READ, /* read */
    HISTORY_LIST, /* listed only: it says nothing that is not elsewhere, or nothing that is kept */
    HISTORY_LEAVE /* credentials, settings: never opened, never hashed; listed as left alone */
};
struct history_name {
    const char *kind; /* "transcript", "todos" …: a literal, shown in the manifest */
    enum history_way way;
    int order;  /* files of a smaller one are read first; same order: the older first, then by path */
    bool grows; /* it is only ever added to: when its beginning is as it was, reading goes on at the last mark, else it
                   begins anew. Not set: a changed file is read from whatever was marked last */
    const char *beside; /* "-wal": a file of that name and this ending is a part of it; NULL: none */
};

/* Whose a session's title is. */
enum history_titled {
    HISTORY_TITLE_GUESS, /* of elsewhere, and perhaps old: only where there is none */
    HISTORY_TITLE_MADE,  /* the tool's: the last counts */
    HISTORY_TITLE_OWN    /* the person's: no other takes its place */
};

struct history_sink;

/* One file that is read. */
struct history_in {
    const char *kind;  /* as recognise told */
    struct str path;   /* below the root, '/' between its parts; the file's own name when it was named by itself */
    int fd;            /* for pread: its place is nobody's */
    int dir;           /* the folder it is in, for history_sibling; -1: none */
    int64_t size;      /* when it was opened: what is behind that is left for another time */
    int64_t modified;  /* ms */
    int64_t from;      /* where to begin: the last mark */
    int64_t from_line; /* lines before that */
    struct arena *arena;
    struct history_sink *sink;
    const atomic_bool *stop; /* set: reading ends as soon as it can; NULL */
};
bool history_stopped(const struct history_in *in);

/* Where a record stands. */
struct history_at {
    int64_t line;   /* from 1; of a file without lines the record's number */
    int64_t offset; /* of its first byte; -1: it has none (a database) */
    int64_t bytes;  /* of its text, without the line's end */
};

/* A line that a turn is made of, behind its first. */
struct history_part {
    struct str key;
    size_t from; /* where in the content its words begin */
};

/* Where it is told. */
enum history_told {
    HISTORY_SAID,  /* in its conversation */
    HISTORY_TYPED, /* in a list of all prompts that were typed, beside the conversations */
    HISTORY_ONCE   /* in a list that keeps each message once, with no time and no session of its own */
};

struct history_turn {
    /* What makes it the same message wherever it is met again (its uuid …); STR_NONE: session, thread, time, role and
     * content together, and where there is no time its place. */
    struct str key;
    struct str session; /* the tool's own name for it */
    struct str thread;  /* a conversation of its own within the session (a subagent's id); STR_NONE: the main one */
    struct str agent;   /* who spoke: "user", "claude-code", "codex" … */
    struct str role;    /* user, assistant, system, tool */
    struct str content; /* any bytes: what is no UTF-8 is mended by the sink */
    int64_t timestamp;  /* ms; 0: not known */
    struct str cwd;     /* the folder it was said in, for the project; STR_NONE: not known */
    struct str project; /* what the project is called, where its folder is not known; STR_NONE: not known either */
    /* Members of a JSON object without its braces ("\"model\":\"x\",\"usage\":{…}"), or empty: model, usage, version,
     * branch, parent … */
    struct str metadata;
    struct str facts; /* more such members, of which the gate need know nothing (facts.h); STR_NONE: none */
    /* Of a message over several lines those behind the first, whose key is the turn's: where only some of them were met
     * before, the words of the others are still new. */
    const struct history_part *parts;
    size_t n_parts;
    bool replay; /* replayed or generated context: stored, left out of recall */
    enum history_told told;
    bool apart;       /* HISTORY_TYPED: in which session, the list does not say */
    struct str typed; /* a prompt as such a list has it, before files and the like were put in; STR_NONE: as content */
    struct history_at at;
};

/* Something else than words that were said, of which Cairn has a kind: an agent, a character, a thing, a setting, a
 * summary, a pattern. */
struct history_record {
    const char *kind;   /* "character" */
    struct str key;     /* what makes it the same thing; a later state of it has other fields under the same key */
    struct str session; /* it belongs to the session's main conversation; STR_NONE: to none */
    struct str fields;  /* a JSON object, named as the kind names them; with the id where that is a name */
    int64_t timestamp;  /* ms, when it was made or changed; 0: not known */
    struct history_at at;
};

/* Who receives what is read. Anything but ERR_OK ends the reading, and is returned by it unchanged. */
struct history_sink {
    enum err_code (*turn)(struct history_sink *s, const struct history_turn *t, struct err *e);
    enum err_code (*merged)(struct history_sink *s, struct str key, const struct history_at *at, struct err *e);
    enum err_code (*skip)(struct history_sink *s, const char *reason, const struct history_at *at, struct err *e);
    enum err_code (*title)(struct history_sink *s, struct str session, struct str title, enum history_titled by,
                           struct err *e);
    enum err_code (*mark)(struct history_sink *s, int64_t from, int64_t lines, struct err *e);
    bool (*known)(struct history_sink *s, struct str key);
    enum err_code (*note)(struct history_sink *s, struct str key, struct str value, struct err *e);
    struct str (*noted)(struct history_sink *s, struct str key);
    enum err_code (*record)(struct history_sink *s, const struct history_record *r, struct err *e);
};

/* A turn. */
enum err_code history_turn(struct history_in *in, const struct history_turn *t, struct err *e);
/* A record of another kind. */
enum err_code history_record(struct history_in *in, const struct history_record *r, struct err *e);
/* A line that is part of a turn told before or after it: one message over several lines. key: the line's own, by which
 * it is known when it is met elsewhere; STR_NONE: none. at NULL: no line, but one more key for the turn told last, or
 * for one that is about to be told. */
enum err_code history_merged(struct history_in *in, struct str key, const struct history_at *at, struct err *e);
/* A record of which no turn is made, and why: one of the literals below. */
enum err_code history_skip(struct history_in *in, const char *reason, const struct history_at *at, struct err *e);
/* What the session is called by its tool; told any number of times, the last counts. */
enum err_code history_title(struct history_in *in, struct str session, struct str title, struct err *e);
/* The same, by whomever. */
enum err_code history_title_by(struct history_in *in, struct str session, struct str title, enum history_titled by,
                               struct err *e);
/* All before `from` (after so many lines) has been told. The next reading may begin there. */
enum err_code history_mark(struct history_in *in, int64_t from, int64_t lines, struct err *e);
/* A cheap guess: this key was told a short while ago, so that the record need not be parsed. It is to be told all the
 * same, as a turn with nothing but its key, session and place. Never true of a key that was not told. */
bool history_known(struct history_in *in, struct str key);
/* What one file says of another that is read later in the same import (a transcript: the name of what a version is of):
 * bounded, so it may be forgotten, and nothing may depend on it but how a turn is shown. */
enum err_code history_note(struct history_in *in, struct str key, struct str value, struct err *e);
/* STR_NONE: nothing. Until the next note. */
struct str history_noted(struct history_in *in, struct str key);
/* Opens a file in the same folder (or below: "paste-cache/x.txt"; or, within the root, "../tool-results/x.txt") for
 * reading, without following links. -1 with *e set; ERR_NOT_FOUND. The caller closes it. */
int history_sibling(const struct history_in *in, const char *name, struct err *e);

/* Why no turn is made of a record: the same words over all formats. */
#define HISTORY_DAMAGED "damaged"     /* no JSON, or not of the form that it should have */
#define HISTORY_PADDING "padding"     /* nothing but NULs */
#define HISTORY_BLANK "blank"         /* nothing at all */
#define HISTORY_EMPTY "empty"         /* a message without text */
#define HISTORY_META "metadata"       /* a known record without words: titles, snapshots, progress, durations … */
#define HISTORY_REPEATED "repeated"   /* the same words again in another layer of the same file */
#define HISTORY_INJECTED "injected"   /* context that the tool put in and nobody would look for */
#define HISTORY_UNKNOWN "unknown"     /* a type that is not known: they appear about monthly */
#define HISTORY_BRANCH "branch"       /* not on the path that was gone on with */
#define HISTORY_REWOUND "rewound"     /* taken back by a later record */
#define HISTORY_ENCRYPTED "encrypted" /* cipher text only */
#define HISTORY_TOO_LARGE "too large" /* longer than may be parsed even without its blobs */

struct history_format {
    const char *name;    /* "claude-code": SOURCE on the command line */
    const char *title;   /* "Claude Code" */
    const char *keys_of; /* whose keys these are, where messages are copies of another tool's; NULL: its own */
    bool copies;         /* what it tells are copies of what other tools have: theirs are better */
    const struct history_root *roots;
    size_t n_roots;
    /* False: none of its files. `path` as in history_in. */
    bool (*recognise)(struct str path, struct history_name *out);
    /* head: the first bytes, up to 64 KiB. NULL: never. */
    bool (*sniff)(struct str path, struct str head);
    enum err_code (*read)(struct history_in *in, struct err *e);
};

/* The table (formats.c). */
const struct history_format *const *history_formats(size_t *n);
const struct history_format *history_format_find(struct str name); /* NULL when unknown */

/* ---- helpers ---- */
/* Parses a record as tools write it: where strict JSON is refused, once more with invalid UTF-8 and lone surrogates as
 * U+FFFD. Texts may hold NULs. ERR_INVALID: it is damaged. */
enum err_code history_json(struct arena *a, struct str text, const struct json **out, struct err *e);
/* RFC 3339 text, or a number of seconds or milliseconds since 1970; 0: none of them. */
int64_t history_time(const struct json *v);
/* Text of a member that is a string, or an array of strings and of objects with a `text` (or `content`) string, joined
 * by blank lines; in the arena. STR_NONE: none. */
struct str history_text(struct arena *a, const struct json *v);

#endif
