/* Digest's inside, divided by file. Not for other rooms.
 *
 * The way of a text: lexicon.c knows words, words.c counts them, sentences.c cuts turns into sentences, salience.c
 * judges each, tell.c puts it into the third person, pick.c chooses, topics.c names, digest.c puts it together. */
#ifndef CAIRN_DIGEST_INTERN_H
#define CAIRN_DIGEST_INTERN_H

#include "digest/digest.h"

/* ---- lexicon.c: what is known about words ---- */
enum word_class {
    W_STOP = 1 << 0,     /* carries nothing: the, of, really */
    W_CHAT = 1 << 1,     /* small talk: wow, thanks, awesome */
    W_FIRST = 1 << 2,    /* I, my, we */
    W_SECOND = 1 << 3,   /* you, your */
    W_PAST = 1 << 4,     /* went, got, -ed */
    W_FUTURE = 1 << 5,   /* will, gonna, planning */
    W_TIME = 1 << 6,     /* yesterday, week, June */
    W_CHANGE = 1 << 7,   /* started, moved, lost */
    W_DECISION = 1 << 8, /* decided, instead */
    W_ERROR = 1 << 9,    /* failed, crash */
    W_FIX = 1 << 10,     /* fixed, passes */
    W_PRESENT = 1 << 11, /* a verb's plain form: takes an s after "Caroline" */
    W_ADVERB = 1 << 12,  /* may stand between "I" and its verb */
    W_LEAD = 1 << 13,    /* an opening that can go: well, yeah, so */
    W_BARE = 1 << 14,    /* begins a sentence whose "I" was left out: gonna, been, planning */
    W_VAGUE = 1 << 15,   /* no topic: make, thing, people, great */
    /* Of whole sentences only. */
    CUE_NAME = 1 << 16,   /* names somebody or something that is not a speaker */
    CUE_FIGURE = 1 << 17, /* holds a figure */
    CUE_FILE = 1 << 18,   /* holds a path or a file's name */
    CUE_SELF = 1 << 19,   /* the speaker is its subject */
    CUE_OTHER = 1 << 20   /* is about the listener, or only judges: "You're great", "That's cool" */
};

/* Names seen once and found again quickly: strings with a number each, in order of arrival. */
struct names {
    struct str *keys;
    uint32_t *slots; /* number + 1, 0: free; `mask` + 1 of them */
    uint32_t n, cap, mask;
};
enum { NO_NAME = UINT32_MAX };
/* The key's number; made when `make`, with a copy of it in the arena. NO_NAME: absent, or out of memory. */
uint32_t names_number(struct arena *a, struct names *t, struct str key, bool make);

struct lexicon {
    struct names words;
    unsigned *classes;
};
bool lexicon_open(struct arena *a, struct lexicon *l);
/* `word` in lower case. */
unsigned lexicon_classes(const struct lexicon *l, struct str word);

/* ---- words.c: words of a text, their stems, how often they come ---- */
enum { WORD_BYTES = 48 };
struct form { /* a word as it is written, in lower case */
    unsigned classes;
    uint32_t stem;
};
struct stem {
    uint32_t turns, last_turn; /* in how many turns; the last of them + 1 */
    uint32_t sentences, capitals;
    struct str shown; /* as it was first written within a sentence */
    bool content;     /* neither function word nor small talk */
    bool name;        /* nearly always with a capital, also within sentences */
    bool speaker;     /* a speaker's name */
};
struct word {
    uint32_t form, at; /* number of its form; offset in its sentence */
    uint8_t bytes;
    bool capital;
};
struct vocabulary {
    struct lexicon lexicon;
    struct names forms, stems;
    struct form *form;
    struct stem *stem;
    uint32_t form_room, stem_room;
};
/* The next word of `text` from *at on: false at the end. Letters, digits, inner apostrophes. */
bool word_next(struct str text, size_t *at, struct str *word);
/* In lower case with plain apostrophes into `out`, at most WORD_BYTES. */
struct str word_lower(struct str word, char out[WORD_BYTES]);
/* Without its ending: plans, planned, planning give plan. */
struct str word_stem(struct str lower, char out[WORD_BYTES]);
/* Number of the form; NO_NAME when out of memory. */
uint32_t vocabulary_form(struct arena *a, struct vocabulary *v, struct str word);

/* ---- sentences.c ---- */
struct sentence {
    struct str text;
    struct word *words;
    uint32_t n, turn;
    uint32_t speaker; /* number in talk.speakers, NO_NAME */
    bool told, question, tool;
    float score, event; /* worth in a summary, and as an event */
    unsigned cues;      /* classes of its words that count, see salience.c */
};
struct talk {
    struct arena *arena;
    struct vocabulary vocabulary;
    struct names speakers;
    uint32_t *spoken; /* sentences of each speaker */
    struct sentence *sentences;
    size_t n, room;
    uint32_t turns;
};
/* Calls fn for each sentence of a text, without white space, list marks and quoted code. */
typedef bool sentence_fn(void *arg, struct str text);
bool sentences_each(struct str text, sentence_fn *fn, void *arg);
/* Cuts all turns into sentences and counts their words. False when out of memory. */
bool talk_read(struct talk *t, const struct digest_turn *turns, size_t n);

/* ---- salience.c ---- */
void salience_judge(struct talk *t);
/* What a stem adds to a sentence. */
double stem_weight(const struct talk *t, uint32_t stem);

/* ---- tell.c ---- */
/* The sentence in the third person and without its small talk; STR_NONE when nothing is left or out of memory. */
struct str tell(struct talk *t, const struct sentence *s);

/* ---- pick.c ---- */
struct choice {
    const struct sentence *sentence;
    struct str text; /* as told */
    size_t characters;
};
struct pick {
    bool events;           /* by the event score, else by the summary's */
    unsigned cues;         /* only sentences with one of these; 0: any */
    uint32_t speaker;      /* only this one's; NO_NAME: anyone's */
    size_t count;          /* at most so many */
    size_t characters;     /* at most so much together, with a space between; 0: no bound */
    size_t one_characters; /* at most so much each */
};
/* In the order in which they were said. False when out of memory. */
bool pick(struct talk *t, const struct pick *p, struct choice **out, size_t *n);

/* ---- topics.c ---- */
bool topics_find(struct talk *t, size_t max, struct str **out, size_t *n);

#endif
