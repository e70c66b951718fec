/* What a detector is: one entry of a table, in detectors_*.c, and what finds, judges and masks by it. For implementers
 * of detectors; callers of the room read privacy.h.
 *
 * Patterns are PCRE2 over bytes, not over characters, with ^ and $ at lines: \w, \d, \s, \b and (?i) know ASCII only,
 * and a character beyond ASCII is the bytes of its UTF-8: (?:-|\xe2\x80\x91), [A-Za-z\x80-\xff]. So bytes that are no
 * UTF-8 are searched as well, and Hyperscan, which looks first, sees the same as PCRE2. No \p, \X, \R, \h (it takes
 * 0xa0, which is a part of other characters), and no anchors to the text's ends (\A, \z): texts come in pieces. A span
 * that would cut a character in two is widened to hold it.
 *
 * How a text is searched, by each detector alone: the leftmost match; the check; when accepted go on at the end of
 * the span, when refused at `end` as the check left it (which is the span's end when it left it alone), always at least
 * one byte on. Of overlapping finds one stays (resolve.c). What decides about a match is at most DETECTOR_BEFORE bytes
 * before it and DETECTOR_AFTER behind it: nothing else is shown to the check, so that a text in pieces gives what the
 * whole gives. Lookarounds keep within these as well. */
#ifndef CAIRN_PRIVACY_DETECTOR_H
#define CAIRN_PRIVACY_DETECTOR_H

#include "base/str.h"

enum privacy_class {
    PRIVACY_SECRET,    /* masked at every level */
    PRIVACY_SENSITIVE, /* cards, SSNs: masked at every level too */
    PRIVACY_CONTACT,   /* email, phone, IBAN: masked at PUBLIC and TEAM */
    PRIVACY_ADDRESS,   /* IP addresses: masked at PUBLIC only */
};

/* What is left to see (mask.c). `*` stands for privacy.redaction_char. */
enum mask_form {
    MASK_ALL,    /* ********, of one length whatever it was */
    MASK_PREFIX, /* the first `keep` bytes, then as many * as there were characters: AKIA**************** */
    MASK_LAST,   /* letters and digits become *, but the last `keep`: ****-****-****-1111, ***.***.*.**; signs stay */
    MASK_EDGES,  /* the same, but the first `keep` stay as well: DE** **** **** **** **00 */
    MASK_PHONE,  /* 555-***-1234, +44 ** **** 1234, ***-**34 */
    MASK_EMAIL,  /* h***@example.com */
    MASK_FENCED, /* -----BEGIN x----- ******** -----END x-----: the lines stay, what is between goes */
};

enum { DETECTOR_BEFORE = 128, DETECTOR_AFTER = 64 };
/* Context words count when they stand at most this many bytes before the match or behind it. */
enum { DETECTOR_NEAR_BEFORE = 96, DETECTOR_NEAR_AFTER = 48 };
enum { DETECTOR_MOST = 1 << 15 }; /* bytes of the longest match of any detector */

struct detector_match {
    struct str text;   /* the match and what is around it; nothing else may be looked at */
    size_t from, to;   /* the whole match, in `text` */
    size_t start, end; /* the span: group 1 where the pattern has one and it took part, else the whole match */
    bool context;      /* a context word is near */
    double confidence; /* the detector's `confidence` or `alone`, by the context */
};

/* What every match holds, so that texts without it need no look (needs.c). */
enum detector_needs {
    NEEDS_NOTHING,
    NEEDS_NUMBER, /* two bytes out of [0-9:] */
    NEEDS_RUN,    /* DETECTOR_RUN bytes on end out of [A-Za-z0-9_.+/=~:|$%@-] */
    DETECTOR_NEEDS
};
enum { DETECTOR_RUN = 15 };

/* Numbers are told by their digits (numbers.c), not by a form: in every match there is, behind what may stand before
 * it, */
enum detector_number {
    NUMBER_NONE,
    NUMBER_FIVE,     /* five digits with at most nine bytes between two of them that are no letters */
    NUMBER_NINE,     /* nine, and at most three bytes */
    NUMBER_TWELVE,   /* twelve */
    NUMBER_DOTTED,   /* four, up to three on end, with single dots between; whatever stands before */
    NUMBER_COLONS,   /* two colons with up to four hexadecimal digits between; whatever stands before */
    NUMBER_LETTERED, /* two letters, two digits, then eleven of either with at most three other bytes between */
    DETECTOR_NUMBERS
};

struct detector {
    const char *name; /* "github_fine_grained": unique; settings and explanations use it */
    const char *type; /* what callers see: "github_token" */
    enum privacy_class class;
    const char *pattern;         /* see above; every repeat bounded, so that no match is longer than `most` */
    const char *prefilter;       /* a short form for Hyperscan, which matches within every match of the pattern (no
                                  * lookarounds, no ^, $; at most PREFILTER_MOST bytes long); NULL: the pattern itself */
    enum detector_number number; /* instead of a form, with NEEDS_NUMBER */
    bool leads;                  /* every match begins with its form */
    size_t within; /* else: a form ends at most so many bytes behind a match's begin; 0: anywhere in it. So what
                    * is before need not be searched. (test_forms.c makes matches and looks.) */
    /* The final confidence, 0: refused. It may narrow [*start, *end), which are the span's bounds in m->text. */
    double (*check)(const struct detector_match *m, size_t *start, size_t *end);
    const char
        *context; /* "card|visa|cvv": whole words, ASCII letters, any case; NULL: none, `confidence` holds always */
    double confidence, alone; /* with a context word near and without one; below 0.5 it is no find */
    enum mask_form mask;
    unsigned char keep; /* bytes that the mask leaves, see mask_form */
    size_t most;        /* bytes of the longest match */
    enum detector_needs needs;
};
enum { PREFILTER_MOST = 96 };

/* The tables, each in a file of its own. */
extern const struct detector detectors_vendors[], detectors_keys[], detectors_assigned[], detectors_pii[];
extern const size_t detectors_vendors_count, detectors_keys_count, detectors_assigned_count, detectors_pii_count;

#endif
