/* Inside privacy, by file. Not for other rooms. */
#ifndef CAIRN_PRIVACY_PRIVACY_INT_H
#define CAIRN_PRIVACY_PRIVACY_INT_H

#define PCRE2_CODE_UNIT_WIDTH 8

#include "base/json.h"
#include "privacy/detector.h"
#include "privacy/privacy.h"

#include <pcre2.h>

/* ---- open.c: what an open privacy is ---- */
struct pattern {
    const struct detector *d;
    pcre2_code *code;
    pcre2_code *context; /* its context words, NULL: none */
    const char *mark;    /* "CREDIT_CARD" */
    uint32_t shortest;   /* no match has fewer bytes */
    bool jit;            /* both are machine code */
};

struct privacy {
    struct arena *arena; /* holds everything here but PCRE2's and Hyperscan's own */
    struct pattern *patterns;
    size_t n;
    struct str redaction; /* the character */
    bool plain_marks, stable;
    bool edges; /* some pattern has no short form, so what looks first may ask for a line's ends */
    size_t segment;
    size_t longest; /* bytes of the longest match of all patterns */
    unsigned char key[32];
    const struct str *allow; /* lower case, may hold * */
    size_t n_allow;
    struct later *later; /* NULL with one_by_one */
};

bool level_masks(enum privacy_level level, enum privacy_class class);

/* ---- compile.c ---- */
/* Compiles code and context of `out->d`. ERR_INVALID: field "pattern". */
enum err_code pattern_compile(struct pattern *out, struct err *e);
/* Makes machine code of it, which nobody may be matching by; false: this system does not let us. */
bool pattern_quicken(struct pattern *pt);
bool pattern_copy(const struct pattern *from, struct pattern *out); /* false: out of memory; release it all the same */
void pattern_release(struct pattern *pt);
/* One regular expression alone, with more options. */
enum err_code pattern_code(struct str pattern, uint32_t more, pcre2_code **out, struct err *e);

/* ---- custom.c: detectors of the configuration ---- */
/* Checks one and makes a detector of it in p's arena. ERR_INVALID: field "privacy.custom". */
enum err_code custom_make(struct privacy *p, const struct privacy_custom *c, const struct detector **out,
                          struct err *e);
/* Whether the compiled pattern is one that texts can be searched by: never empty, never wild. */
enum err_code custom_try(const struct pattern *pt, struct err *e);

/* ---- scratch.c: what a thread keeps for scanning ---- */
struct find {
    size_t start, end; /* bytes */
    size_t from;       /* where its match began */
    size_t until;      /* where it ended */
    double confidence;
    uint32_t pattern; /* place in p->patterns */
    bool cut;         /* what another find left of it */
};
struct finds {
    struct find *at;
    size_t n, room;
};
enum { PLACES = 8 };
/* Where a form was seen: ends of those that are near each other, from the first to the last. */
struct place {
    uint32_t n; /* 0: not seen */
    struct {
        uint32_t first, last;
    } at[PLACES]; /* ascending, apart from each other */
};
struct scratch {
    struct finds found, kept; /* before the overlap rule, and after */
    size_t *resume;           /* one a pattern: starts below are settled */
    size_t n_resume;
    uint64_t work; /* bytes shown to PCRE2, call by call: what tests hold against the texts' size */
    pcre2_match_data *match;
    pcre2_match_context *limits;
    pcre2_jit_stack *stack;
    unsigned *seen; /* forms that Hyperscan saw in a piece; room for one a pattern */
    size_t n_seen;
    struct place *places;  /* one a pattern, of those seen: where */
    bool *hit;             /* one a pattern, for prefilter_mark */
    struct hs_scratch *hs; /* for all databases of the prefilter */
    uint64_t hs_for;       /* the prefilter's id that it is ready for */
};
/* This thread's, ready for p; NULL: out of memory. Its `resume` is zeroed. */
struct scratch *scratch_take(const struct privacy *p);
bool finds_add(struct finds *f, const struct find *one); /* false: out of memory */
bool finds_insert(struct finds *f, size_t at, const struct find *one);

/* ---- search.c: one pattern over a range ---- */
struct search {
    const struct privacy *p;
    const struct pattern *patterns; /* p's, or the same as machine code */
    struct scratch *s;
    struct str text;
    size_t *resume; /* one a pattern: starts below are settled */
    struct finds *found;
};
/* Adds what the pattern finds beginning in [max(from, resume), to), and moves its resume. */
enum err_code search_pattern(const struct search *in, size_t pattern, size_t from, size_t to, struct err *e);
/* The same up to where what follows the text could still change something: resume is there then. */
enum err_code search_settled(const struct search *in, size_t pattern, size_t from, struct err *e);

/* ---- needs.c ---- */
unsigned needs_met(struct str text); /* a bit for each enum detector_needs */

/* ---- numbers.c: where numbers may be ---- */
enum { NUMBERS_MOST = 48 }; /* bytes from where a number may begin to where it is told */
/* `end`: behind the digit or colon that told it. again: the same number goes on. */
typedef void numbers_tell(void *arg, enum detector_number is, size_t end, bool again);
void numbers_see(struct str text, numbers_tell *tell, void *arg);

/* ---- prefilter.c: what looks first ---- */
struct prefilter;
struct prefilter *prefilter_make(const struct privacy *p); /* NULL: Hyperscan cannot be used, or no memory */
void prefilter_free(struct prefilter *f);
/* Adds all that the patterns find that the level masks: as search_pattern of each over the whole text. */
enum err_code prefilter_search(const struct prefilter *f, const struct search *in, enum privacy_level level,
                               struct err *e);
/* The same for what begins in text[start, end), when the longest match that begins there lies in the text; resume is
 * `end` then, but for patterns that are in no database, which are left as they are. */
enum err_code prefilter_begin(const struct prefilter *f, const struct search *in, enum privacy_level level,
                              size_t start, size_t end, struct err *e);
/* Marks in s->hit, one a pattern, which may have a match that lies in text[from, n): those of what was seen, and those
 * that are in no database. */
enum err_code prefilter_mark(const struct prefilter *f, const struct search *in, size_t from, struct err *e);
/* Where a form ends; ANYWHERE: it may be at any place. */
struct sight {
    uint32_t pattern, at;
};
enum { SIGHTS = 256 };
static const uint32_t ANYWHERE = UINT32_MAX;
struct sights {
    struct sight all[SIGHTS];
    size_t n; /* SIGHTS + 1: there are more */
};
/* All forms that are in the text; those that are told once, and patterns in no database, are ANYWHERE. */
enum err_code prefilter_see(const struct prefilter *f, const struct search *in, struct sights *out, struct err *e);
size_t prefilter_bytes(const struct prefilter *f);

/* ---- later.c: when it is made ---- */
struct later;
struct later *later_new(const struct privacy *p);
/* What there is by now: patterns to search by, and the prefilter (NULL: not yet, or never). `bytes` are about to be
 * searched. */
struct means {
    const struct pattern *patterns;
    const struct prefilter *first;
};
struct means later_get(const struct privacy *p, size_t bytes);
const struct prefilter *later_wait(struct later *l); /* begins it if need be and waits; for tests and benchmarks */
void later_free(struct later *l);

/* ---- scan.c ---- */
/* All patterns that the level masks over the whole text; then the overlap rule. The finds are in s->kept. */
enum err_code scan_text(const struct privacy *p, enum privacy_level level, struct str text, struct scratch **out,
                        struct err *e);

/* The same for a text in which only these patterns, all of them masked by the level, may find something. */
enum err_code scan_by(const struct privacy *p, struct str text, const uint32_t *patterns, size_t n,
                      struct scratch **out, struct err *e);

/* ---- json_first.c: one look at all that a JSON text says ---- */
enum { JSON_INNER = 3 }; /* how deep in strings that are JSON */
/* Where a value stands: its member's name, and that of the member around. */
struct json_path {
    struct str outer, name;
};
struct json_first {
    bool told;          /* false: it was not looked at, any pattern may find something */
    struct sight *hits; /* else all that may, `at` the number of the text, as long as no mask changed it */
    size_t n;
};
/* The texts are numbered: for each member its name, then its value if that is a string or a number, then what is in it;
 * elements of arrays as values. A name's form may be told with the number behind it. */
enum err_code json_look(const struct privacy *p, enum privacy_level level, const struct json *v, struct arena *a,
                        struct json_first *out, struct err *e);
/* Appends the value as it is searched with its name: "outer.name": "value"; gives where the value is. */
size_t json_named(struct buf *b, const struct json_path *at, struct str value, const char *quote);
bool json_inside(struct arena *a, struct str s, const struct json **out); /* a string that is itself JSON */

/* ---- resolve.c: the overlap rule ---- */
/* `all` into `kept`, in order, none overlapping; `all` is sorted by start. false: out of memory. */
bool resolve(const struct privacy *p, struct str text, struct finds *all, struct finds *kept);
void finds_sort(struct finds *all);
/* Where the group of overlapping finds ends that begins with the one at `first`: *end in the text; the result in `all`.
 */
size_t finds_group(const struct finds *all, size_t first, size_t *end);

/* ---- allow.c ---- */
bool allowed(const struct privacy *p, struct str value);
enum err_code allow_read(struct privacy *p, const char *list, struct err *e);

/* ---- text.c ---- */
/* Appends text[from, to) with the finds masked, which all lie in it. */
void masked_put(const struct privacy *p, struct str text, size_t from, size_t to, const struct finds *kept,
                struct buf *out);

/* ---- mask.c ---- */
/* What stands for the value of a find. */
void mask_put(const struct privacy *p, const struct find *f, struct str value, struct buf *out);
/* True for what mask_put makes, alone or as a part: it is no find. */
bool mask_is(const struct privacy *p, struct str value);

/* ---- tag.c: stable masks ---- */
enum { TAG_LETTERS = 7 };
void tag_make(const struct privacy *p, const struct detector *d, struct str value, char out[TAG_LETTERS]);
bool tag_is(const char *p); /* TAG_LETTERS letters that a tag may have */

#endif
