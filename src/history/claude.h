/* Between the files of the format claude-code. */
#ifndef CAIRN_HISTORY_CLAUDE_H
#define CAIRN_HISTORY_CLAUDE_H

#include "history/facts.h"
#include "history/lines.h"
#include "history/prompt.h"

/* What a path says of a transcript. */
struct claude_place {
    struct str session; /* its file's name, or the folder's that a subagent's is in; STR_NONE: the lines say it */
    struct str thread;  /* the agent's id; STR_NONE: the main transcript */
    bool replay;        /* an agent whose transcript repeats what was said elsewhere */
    int up;             /* folders from its own up to the session's; 0: it lies beside that */
};
bool claude_recognise(struct str path, struct history_name *out);
void claude_place_of(struct str path, struct claude_place *out);

/* ---- claude_blocks.c: contents ---- */
struct claude_content {
    struct buf text;     /* as people read it */
    struct buf thinking; /* what the model thought */
    struct buf tools;    /* JSON members of tools used or answered, without brackets */
    struct buf blobs;    /* types of pictures and documents, as JSON without brackets */
    struct buf context;  /* what an editor or the tool put beside a prompt, in blocks of their own */
    bool odd_tools;      /* a name or id among them that is no fact */
    bool results;        /* it has answers of tools */
    bool said;           /* it has text of its own */
};
void claude_content_init(struct claude_content *c);
void claude_content_free(struct claude_content *c);
void claude_content_clear(struct claude_content *c); /* keeps the memory */
/* Adds a message's content (a string or blocks). */
void claude_content_add(struct claude_content *c, const struct json *content);
/* The same of a line of type user: what was put beside a prompt is no part of it, unless there is nothing else. */
void claude_content_add_prompt(struct claude_content *c, const struct json *content);

/* What is kept beside the text, as members. */
void claude_content_notes(const struct claude_content *c, struct history_notes *n);
bool claude_content_failed(const struct claude_content *c); /* out of memory */

/* ---- claude_result.c: what tools answered ---- */
/* The words of an answer: a text, a list of texts and blocks, an object with a text. */
void claude_result_words(struct buf *b, const struct json *content);
/* The words of what is told beside an answer that has none. */
void claude_result_beside(struct buf *b, const struct json *beside);

/* ---- claude_prompt.c: who said it ---- */
enum claude_voice {
    CLAUDE_PERSON,  /* a human's prompt */
    CLAUDE_AGENT,   /* what an agent asked of another */
    CLAUDE_COMMAND, /* a command or shell input that a person gave, and its output: no prompt */
    CLAUDE_MACHINE  /* reminders, notices, summaries for going on: generated */
};
/* Of a line of type user that answers no tool, or of a prompt in one of another type. prompt: what says who said it,
 * the line itself or an attachment in it. */
enum claude_voice claude_voice_of(const struct json *line, const struct json *prompt, struct str text);

/* A command as it was typed: "/review the weir". STR_NONE: it is none, or out of memory. */
struct str claude_typed(struct arena *a, struct str text);

struct claude_reader;

/* ---- claude_persisted.c: outputs that are kept in files ---- */
/* Of an answer to tools (its blocks, and their text). *elsewhere: the file that has more of it; STR_NONE: none has. */
enum err_code claude_persisted(struct claude_reader *r, const struct json *line, const struct json *blocks,
                               struct str text, struct str *elsewhere, struct err *e);
/* The key of the file of that name. */
struct str claude_persisted_key(struct arena *a, struct str session, struct str name);

/* ---- claude_files.c: what the versions of files are versions of ---- */
/* Whether a snapshot, unparsed, has other files than the one before. */
bool claude_snapshot_is_new(struct claude_reader *r, struct str text);
enum err_code claude_snapshot(struct claude_reader *r, const struct json *line, struct err *e);

/* The transcript is read. */
enum err_code claude_snapshots_end(struct claude_reader *r, struct err *e);
/* The folder that the sessions of notes' project work in: as a transcript beside them has it. STR_NONE: none has. */
struct str claude_folder_of_notes(struct history_in *in);

/* ---- claude_queue.c: prompts typed while it was busy ---- */
enum { CLAUDE_QUEUED = 32, CLAUDE_QUEUED_LINES = 400 };
struct claude_queue {
    struct claude_queued {
        struct str text; /* its own */
        int64_t timestamp, mark;
        struct history_at at;
    } items[CLAUDE_QUEUED];
    size_t n; /* oldest first */
};
enum err_code claude_queue_add(struct claude_reader *r, const struct json *line, struct str text,
                               const struct history_at *at, struct err *e);
/* The line says what one of the queued says: that one's key, in the arena, and it is told as merged. STR_NONE: none. */
enum err_code claude_queue_take(struct claude_reader *r, struct str text, struct str *key, struct err *e);
/* What nothing came of becomes turns: all (at the end), or what waits for too long. */
enum err_code claude_queue_end(struct claude_reader *r, bool all, struct err *e);
void claude_queue_free(struct claude_queue *q);

/* ---- claude_open.c: turns that are held until it is sure that no line of theirs follows ---- */
enum { CLAUDE_HELD = 64, CLAUDE_HELD_BYTES = 4 << 20, CLAUDE_MESSAGE_BYTES = 1 << 20, CLAUDE_PARTS = 64 };
enum { CLAUDE_FIRST_LINES = 64 };                           /* a session's first prompts are in them */
enum { CLAUDE_ENOUGH = 16, CLAUDE_ENOUGH_BYTES = 1 << 20 }; /* are told when another message begins */
struct claude_held {
    struct history_turn turn; /* strings in the holding's arena; content and metadata made when it is told */
    struct str message_id;    /* STR_NONE: no line can follow */
    struct claude_content content;
    struct history_notes notes;              /* of its first line */
    struct str usage, stop;                  /* JSON text, a word */
    bool usage_plain;                        /* it is figures only */
    int64_t output_tokens;                   /* of that usage */
    struct history_part parts[CLAUDE_PARTS]; /* its lines, the first too */
    size_t n_parts;
};
struct claude_holding {
    struct arena *arena;
    struct claude_held items[CLAUDE_HELD];
    size_t n, bytes;
};
bool claude_holding_init(struct claude_holding *h);
void claude_holding_free(struct claude_holding *h);
/* A new turn at the end, to be filled; NULL: out of memory. Room must be made before (claude_tell). */
struct claude_held *claude_hold(struct claude_holding *h, const struct history_turn *t);
struct claude_held *claude_holding_find(struct claude_holding *h, struct str message_id);
bool claude_holding_full(const struct claude_holding *h);
bool claude_holding_enough(const struct claude_holding *h);
/* Tells all that are held, in order. */
enum err_code claude_tell(struct claude_reader *r, struct err *e);

/* ---- claude_lines.c: what a line becomes ---- */
enum err_code claude_line(struct claude_reader *r, const struct line *l, struct err *e);

/* What is known of the agent whose transcript it is: its description lies beside. Empty: nothing. */
enum { CLAUDE_AGENT_NAME = 48, CLAUDE_AGENT_TASK = 400 };
struct claude_agent {
    char type[CLAUDE_AGENT_NAME], task[CLAUDE_AGENT_TASK];
};
bool claude_is_agent_name(
    struct str s); /* "Explore", "plugin:reviewer": words, in which nothing of a person's can be */

/* Nothing may wait behind `from` (after so many lines), or the next reading would miss its beginning. */
enum err_code claude_mark(struct claude_reader *r, int64_t from, int64_t lines, struct err *e);

/* One file being read. */
struct claude_reader {
    struct history_in *in;
    struct lines *lines;
    struct claude_place place;
    struct claude_agent agent;
    uint64_t snapshot;   /* the files of the last, hashed */
    char began_in[1024]; /* the folder of the session's beginning, once it is known */
    size_t began_n;
    bool began_known;
    struct claude_holding held;
    struct claude_queue queue;
    int64_t line_from;                    /* where the line under way begins */
    bool named;                           /* the person has named the session: other titles do not count */
    bool looked_for_results, has_results; /* the session has a folder of outputs */
};

/* ---- claude_folders.c, claude_debug.c: what is beside the transcripts ---- */
bool claude_is_beside(const char *kind); /* claude_path.c */
enum err_code claude_folder_read(struct history_in *in, struct err *e);
/* At most `most` bytes of an open file, in the arena; STR_NONE when it cannot be read. */
struct str claude_some(struct arena *a, int fd, size_t most);
/* A file that is one turn. */
struct claude_whole {
    struct str key; /* STR_NONE: made of its words */
    struct str session, thread, text, metadata, cwd;
    const char *role;
    bool replay;
};
enum err_code claude_tell_whole(struct history_in *in, const struct claude_whole *w, struct err *e);
enum err_code claude_debug_read(struct history_in *in, struct err *e);
enum err_code claude_version_read(struct history_in *in, struct err *e); /* claude_files.c */
enum err_code claude_index_read(struct history_in *in, struct err *e);   /* claude_index.c */
/* The key of a prompt as a list of sessions has it, cut and in one line. The first ones of a session get it besides. */
struct str claude_beginning(struct arena *a, struct str session, struct str text);

#endif
