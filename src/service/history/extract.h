/* The sink of an import: what formats tell becomes batches (extract.c), batches are stored (batch.c). Between the files
 * of an import. */
#ifndef CAIRN_SERVICE_HISTORY_EXTRACT_H
#define CAIRN_SERVICE_HISTORY_EXTRACT_H

#include "service/history/noted.h"
#include "service/history/state.h"

#include <pthread.h>

enum { PLACE_BUCKETS = 256 };
/* A conversation of a session, as far as a batch knows it. */
struct place {
    struct str session, thread; /* the tool's names */
    struct str shown;           /* the session's, as it may be stored */
    bool exact;                 /* it is the name itself */
    char session_id[ID_MAX], conversation_id[ID_MAX];
    struct str project, directive, title;
    unsigned char title_key[MET_KEY], own_key[MET_KEY]; /* of the title; of the session's having its person's */
    unsigned char made_key[MET_KEY];                    /* met once its session was made */
    enum history_titled title_by;
    int64_t first; /* ms */
    bool title_new;
    enum { PLACE_UNKNOWN, PLACE_READY, PLACE_GONE } state;
    int64_t seq, count;   /* the conversation's, where it is there, and its turns */
    struct met_turn last; /* what was met again last */
    struct place *next;   /* of its bucket */
    char asked[ID_MAX];   /* a conversation, and whether what it holds are copies */
    bool asked_copies;
};
/* How a turn was told, in met_said's `how`: from the poorest to the best, bits, and above them whose it is. */
enum { SAID_ONCE, SAID_TYPED, SAID_COPY, SAID_OWN, SAID_RANK = 3 };
enum { SAID_LEFT_OUT = 4, SAID_PERSON = 8, SAID_APART = 16 /* its session is not known */, SAID_BITS = 255 };
enum { SAID_SOURCE = 8 /* bits below it */ };
/* A line of a turn behind its first, known by itself. */
struct item_part {
    unsigned char key[MET_KEY];
    char id[ID_MAX]; /* of the turn that its words make when those before are known */
    size_t from;
};
struct item {
    struct turn_new turn;
    struct record *record; /* it is one of another kind instead; then its place may be NULL */
    int64_t line;          /* of its file */
    struct str raw;        /* with parts: the content before the gate */
    struct item_part *parts;
    size_t n_parts;
    size_t first; /* the writer's: parts before are known; 0: none are, n_parts + 1: all */
    unsigned char key[MET_KEY];
    struct place *place;
    struct met_said said;
    size_t words_n; /* bytes of its words; 0: it has none */
    /* Other words by which it is known: a prompt as it was typed, an answer without its tools; 0: none. */
    int64_t also;
    size_t also_n;
    bool tail; /* behind the batch's mark */
    /* the writer's */
    bool fresh;
    struct met_said poorer;   /* what it is stored instead of; turn 0: nothing */
    struct met_turn known_at; /* where that is, or where it is stored already */
    struct str other_id;      /* under which it is stored; STR_NONE: its own */
    bool grown;               /* it takes the place of what there was of it */
    struct item *next;
};
struct more_key {
    unsigned char key[MET_KEY];
    struct more_key *next;
};

/* What is stored in one transaction: made by the reading thread, then the writer's until it is done. */
struct batch {
    struct store_job job;
    struct extraction *x;
    struct arena *arena;
    size_t bytes;
    struct place **places;
    size_t n_places, room_places;
    struct place *buckets[PLACE_BUCKETS]; /* the same by their names, the last first */
    struct item *items, **last_item, *newest;
    struct more_key *keys;
    struct file_counts counts; /* new and duplicates are added by the writer */
    struct file_counts upto;   /* the same up to the last mark in it */
    struct item *mark_item;    /* the last before that mark */
    struct file_counts stored; /* with what the writer found; its parts before and behind the mark: */
    struct file_counts upto_stored, tail;
    struct file_state file;               /* as it will be known */
    struct str root, path, kind, project; /* of the file */
    bool begins;                          /* it is the first of this reading */
    bool marked;                          /* it ends at a mark */
    bool ends;                            /* the file is read */
    bool again;                           /* the file tells what was told before: only what is new counts */
    bool failed;                          /* the file, behind this */
    struct str reading;                   /* the one that it belongs to */
    struct str expects;                   /* the reading that kept the file's place before this batch */
    int64_t number;                       /* in the order in which they are sent */
    bool done;
    struct batch *next;
};

struct extraction {
    struct history_sink sink;
    struct service *svc;
    const struct history_wish *wish;
    struct history_names names, keys, words;
    uint16_t source;                /* whose keys these are, as bits in met_said's `how` */
    struct str level;               /* of sessions that are made */
    unsigned char (*seen)[MET_KEY]; /* keys told a short while ago */
    struct noted noted;             /* by its files, of one another */
    /* the file under way */
    const struct history_file *file;
    struct history_in in;
    struct file_state state;
    char reading[ID_MAX];           /* this one of the file */
    struct arena *arena;            /* the file's */
    struct str root, path, project; /* masked; of its first turn */
    struct file_counts all;         /* what became of lines in this import */
    struct str cwd, cwd_kept;       /* of the last turn; as it may be stored, JSON */
    int64_t last_time, told;        /* lines */
    bool keeps_place;               /* the file's place is kept: not where only a part is taken */
    bool begun;                     /* its first batch was sent */
    bool again;                     /* what was told before is told again, as in databases */
    /* batches */
    struct batch *now, *oldest, **newest;
    size_t in_flight;
    int64_t sent;
    int64_t failed_at; /* the writer's: the first batch that was not stored; those behind it must not be */
    bool broken;       /* one was not stored: the import ends */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int64_t fresh;
    int64_t fresh_sent;  /* with a limit: those that are likely to be, since the last flush */
    int64_t done, total; /* bytes, for the progress */
    bool enough;         /* the limit is reached, or it was stopped */
};

enum err_code extraction_init(struct extraction *x, struct service *svc, const struct history_wish *w, struct err *e);
void extraction_free(struct extraction *x);
/* Sends what is there. ends: with it the file is known as x->state says. */
enum err_code extraction_flush(struct extraction *x, bool ends, struct err *e);
/* The file cannot be read on: what was told of it stays, and is told again another time. */
enum err_code extraction_give_up(struct extraction *x, struct err *e);
/* Waits for all that was sent. */
enum err_code extraction_wait(struct extraction *x, struct err *e);
/* The key of a line or turn that has one of its own. */
void extraction_key(const struct extraction *x, struct str key, unsigned char out[MET_KEY]);
/* Words with one space between them, as a keyed hash; how many bytes they have. */
enum err_code extraction_words(const struct extraction *x, struct str content, int64_t *out, size_t *bytes,
                               struct err *e);

/* ---- batch.c ---- */
enum err_code batch_write(struct store_tx *tx, void *arg, struct err *e);
/* ---- batch_record.c ---- */
/* An item that is a record: new, or a later state of what is there. What somebody named himself stays as it is. */
enum err_code batch_record(struct store_tx *tx, struct batch *b, struct item *i, struct err *e);
/* The file that a record came from, as anybody may list it. */
enum err_code batch_source(struct store_tx *tx, struct batch *b, const struct record *of, int64_t line, struct err *e);

/* The same counts without writing. */
enum err_code batch_try(struct batch *b, struct err *e);
enum place_wish {
    PLACE_FOR_TITLE, /* only what is there gets its title */
    PLACE_FOR_TURNS, /* it is made where it is not there, unless it was deleted */
    PLACE_FOR_KNOWN  /* the same for turns that are stored elsewhere; what was erased is not made again */
};
enum err_code place_ready(struct store_tx *tx, struct batch *b, struct place *p, enum place_wish wish, struct err *e);

/* ---- again.c: what is met again ---- */
/* Of an item whose key is new: where its words are there, it is not fresh, or has i->poorer. Reads only. */
enum err_code again_look(struct store_tx *tx, struct arena *a, struct item *i, struct err *e);
/* Of an item whose key was met: where that was a poorer copy with the same id, it is fresh, instead of that. Reads
 * only. */
enum err_code again_known(struct store_tx *tx, struct arena *a, struct item *i, struct err *e);
/* It is stored elsewhere: its place tells it too. */
enum err_code again_told(struct store_tx *tx, struct batch *b, struct item *i, struct err *e);
/* It was stored, as the turn `seq`, instead of i->poorer. */
enum err_code again_instead(struct store_tx *tx, struct batch *b, struct item *i, int64_t seq, struct err *e);

/* ---- grown.c ---- */
/* Of an item of which lines were met before: i->grown, i->other_id and i->poorer, where what there is of it may go.
 * Reads only. */
enum err_code grown_look(struct store_tx *tx, struct batch *b, struct item *i, struct err *e);

#endif
