/* Exports: everything that is held about a session, written in order as it is read, page by page, so that a session of
 * any size takes the same memory. No file is left behind: an export is a description (kind `export`) of what to write,
 * up to which turn; it is written when it is downloaded.
 *
 * Formats. `jsonl`: a line a record, {"kind":…} and the record's members; the first line says what it is, the last how
 * many records came. `json`: the same records, conversations holding their turns and characters. Both are read by
 * `cairn import` without loss. `markdown`: for people. `claude-code`: a transcript that
 * Claude Code opens. Labels and sources of a record stand in it under "attached". */
#ifndef CAIRN_SERVICE_EXPORT_H
#define CAIRN_SERVICE_EXPORT_H

#include "base/id.h"
#include "service/operation.h"
#include "service/service.h"
#include "store/met.h"

enum { EXPORT_VERSION = 1, EXPORT_UUID = 40 };

struct export_plan {
    struct str session_id;
    struct str format; /* "json", "jsonl", "markdown", "claude-code" */
    bool metadata, agent_states;
    int64_t start, end; /* ms, turns with start <= timestamp < end; 0: open */
    int64_t upto;       /* last turn's seq when the export was made */
};

/* Writes it all to call->out, flushing as it goes. */
enum err_code export_write(struct op_call *call, const struct export_plan *p, struct err *e);

/* ---- for the formats (export_json.c, export_markdown.c) ---- */
/* export_claude_code.c: whose transcript it is, the line before, the conversation that is read and the one that is
 * written, and which of its turns are stored elsewhere. */
struct export_transcript {
    char session[EXPORT_UUID], last[EXPORT_UUID], conversation[ID_MAX], written[ID_MAX];
    struct met_place *places;
    size_t n, next;
    bool done; /* it was written in the order of its file */
};
struct export_out {
    struct op_call *call;
    const struct export_plan *plan;
    int64_t records;
    /* export_json.c: whether a list is open at the top and inside a conversation, and of which kind */
    bool open[2];
    const struct kind *list, *inner;
    struct export_transcript transcript;
};
struct export_format {
    void (*begin)(struct export_out *x, const struct record *session, struct str attached);
    /* `attached`: JSON array of the record's labels and sources, STR_NONE: none. A turn or a character belongs to the
     * conversation that came last. */
    void (*record)(struct export_out *x, const struct record *r, struct str attached);
    void (*end)(struct export_out *x);
};
/* The seqs of a conversation's turns in the order of its file, in the call's arena, where they came in another; else
 * none.
 */
enum err_code export_order(struct op_call *c, struct str conversation, const struct met_place *places, size_t n,
                           int64_t **seqs, size_t *n_seqs, struct err *e);
extern const struct export_format export_json, export_jsonl, export_markdown, export_claude_code;

#endif
