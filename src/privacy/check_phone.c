/* Telephone numbers: the candidate is a run of groups of digits, which may hold something else beside the number (a
 * house number, a year, a second number). Each part of the run that stands free is rated by its form and by what is
 * said around it; the best stays. Ratings are how often such a form, so introduced, is a telephone number. */
#include "privacy/check_pii.h"
#include "privacy/nearby.h"
#include "privacy/phone.h"

#include <string.h>

enum said {
    SAID_OTHER, /* "order no.", "$": it is named as something else */
    SAID_NOTHING,
    SAID_NEAR,  /* a word about telephones is near */
    SAID_REACH, /* "call", "at the office" directly before or behind */
    SAID_PHONE, /* "phone:", "fax" directly before or behind */
    SAIDS
};

/* On the way from a number back through the words before it. */
struct said_so_far {
    size_t start;      /* of the number */
    bool direct;       /* only fillers so far */
    bool number;       /* one of them was "number" */
    struct str closer; /* the last of them */
};

static const double RATING[PHONE_FORMS][SAIDS] = {
    [PHONE_PLUS] = {0.8, 0.93, 0.98, 0.98, 0.99},
    [PHONE_ZEROS] = {0.3, 0.7, 0.95, 0.95, 0.97},
    [PHONE_AMERICAN] = {0.4, 0.85, 0.97, 0.97, 0.99},
    [PHONE_SPACED] = {0.2, 0.6, 0.9, 0.93, 0.95},
    [PHONE_AREA] = {0.3, 0.8, 0.95, 0.95, 0.97},
    [PHONE_PAIRS] = {0.3, 0.85, 0.95, 0.95, 0.97},
    [PHONE_TRUNK] = {0.2, 0.6, 0.9, 0.92, 0.95},
    [PHONE_MOBILE] = {0.1, 0.55, 0.85, 0.9, 0.95},
    [PHONE_GROUPED] = {0.1, 0.3, 0.75, 0.88, 0.93},
    [PHONE_THOUSANDS] = {0, 0.1, 0.4, 0.8, 0.88},
    [PHONE_BARE] = {0, 0.1, 0.55, 0.7, 0.9},
    [PHONE_COUNT] = {0, 0, 0.4, 0.65, 0.9},
    [PHONE_SHORT] = {0, 0, 0.2, 0.6, 0.8},
    [PHONE_CODE] = {0, 0, 0, 0.3, 0.75},
};

static bool one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (unsigned char)c >= 0x80;
}

static char at(struct str text, size_t i)
{
    return (char)(i < text.n ? text.p[i] : ' ');
}

static bool one_of_words(struct str token, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_ieq(token, str_of(words[i])))
            return true;
    return false;
}

/* "my number is": the number is not named, but whose it is. */
static bool is_own(struct str token)
{
    static const char *const OWN[] = {"my", "his", "her", "their", "your", "our", "mi", "mein", "meine", "mon"};
    return one_of_words(token, OWN, sizeof OWN / sizeof OWN[0]);
}

/* Whom one sends a text: "text me". */
static bool is_person(struct str token)
{
    static const char *const WHOM[] = {"me", "us", "him", "her", "them", "at", "to"};
    return one_of_words(token, WHOM, sizeof WHOM / sizeof WHOM[0]);
}

/* Digits between two places: another number. */
static bool number_between(struct str text, size_t from, size_t to)
{
    size_t digits = 0;
    for (size_t i = from; i < to; i++)
        digits += is_digit(text.p[i]);
    return digits > 0;
}

/* "T: 54 3179 9973", as signatures have it at the begin of a line or field: telephone, mobile, phone, fax. */
static bool is_initial(struct str text, size_t from, struct str token)
{
    size_t i = from;
    while (i > 0 && text.p[i - 1] == ' ')
        i--;
    return token.n == 1 && one_of(token.p[0], "TMPF") && at(text, from + 1) == ':' &&
           (i == 0 || one_of(text.p[i - 1], "\n|,;(\xB7*"));
}

/* "Tel.", "тел." */
static bool is_abbreviation(struct str word)
{
    return word.n <= 4 || (word.n <= 8 && (unsigned char)word.p[0] >= 0x80);
}

/* A sentence or clause ends between the word and what follows it. */
static bool ends_between(struct str text, struct str word, size_t to, const char *ends)
{
    for (size_t i = (size_t)(word.p - text.p) + word.n; i + 1 < to; i++)
        if (one_of(text.p[i], ends) && (one_of(text.p[i + 1], " \n") || text.p[i] == ',') &&
            !(text.p[i] == '.' && is_abbreviation(word)))
            return true;
    return false;
}

/* What one word before the number says; *go_on: it does not decide. `to`: where what is behind the word begins. */
static enum said word_says(struct str text, struct str word, size_t to, const struct said_so_far *s, bool *go_on)
{
    unsigned kinds = nearby_word(word);
    size_t from = (size_t)(word.p - text.p);
    bool apart = number_between(text, from + word.n, s->start);
    *go_on = false;
    if ((kinds & (NEARBY_PHONE | NEARBY_REACH)) != 0) {
        if (str_ieq(word, STR("text")) && !is_person(s->closer))
            return SAID_NOTHING; /* "text: 12345678" */
        if (!s->direct || apart || ends_between(text, word, to, ".!?"))
            return SAID_NEAR;
        return (kinds & NEARBY_PHONE) != 0 ? SAID_PHONE : SAID_REACH;
    }
    if ((kinds & NEARBY_PLACE) != 0 && s->start - from <= word.n + 3) /* "Office: 785 8949" */
        return SAID_PHONE;
    if ((kinds & (NEARBY_ID | NEARBY_VERSION)) != 0)
        return s->direct && !apart && !ends_between(text, word, to, ".!?,;") ? SAID_OTHER : SAID_NOTHING;
    if (s->direct && is_initial(text, from, word))
        return SAID_REACH;
    if (s->direct && s->number && is_own(word))
        return SAID_REACH;
    *go_on = (kinds & NEARBY_OTHER) == 0;
    return SAID_NOTHING;
}

/* What the words before say: the first that is no filler, or else the first about telephones further off. */
static enum said said_before(struct str text, size_t start)
{
    struct said_so_far s = {.start = start, .direct = true};
    struct str token;
    size_t from = start, to = start;
    while (start - from < NEARBY_BEFORE && nearby_before(text, &from, NEARBY_BEFORE - (start - from), &token)) {
        bool go_on;
        enum said said = word_says(text, token, to, &s, &go_on);
        if (!go_on)
            return said;
        s.number = s.number || str_ieq(token, STR("number")) || str_ieq(token, STR("nummer"));
        s.direct = s.direct && (nearby_word(token) & NEARBY_FILLER) != 0;
        s.closer = token;
        to = from;
    }
    return SAID_NOTHING;
}

/* "8312 2979 is my cell": whose it is, and the phrase ends with what it is. */
static bool said_to_be_mine(struct str text, size_t end)
{
    struct str token;
    size_t to = end;
    if (!nearby_after(text, &to, NEARBY_AFTER, &token) || !(str_ieq(token, STR("is")) || str_ieq(token, STR("was"))) ||
        to - end > 4 || !nearby_after(text, &to, NEARBY_AFTER, &token))
        return false;
    const bool owned = is_own(token);
    for (int words = 0; owned && words < 3 && nearby_after(text, &to, NEARBY_AFTER, &token); words++) {
        char next = at(text, to);
        if ((nearby_word(token) & NEARBY_PHONE) != 0)
            return to >= text.n || one_of(next, ".,;!?)\n") || str_starts(str_skip(text, to), " number");
    }
    return false;
}

/* What the word directly behind says: "785 8949 (office)", "785 8949-Fax". It names the number only when the phrase
 * ends with it: "100 000 mobile users". */
static enum said said_after(struct str text, size_t end)
{
    struct str token;
    size_t behind = end;
    if (!nearby_after(text, &behind, NEARBY_AFTER, &token) || (size_t)(token.p - text.p) - end > 3)
        return SAID_NOTHING;
    unsigned kinds = nearby_word(token);
    for (size_t i = end; i < behind - token.n; i++)
        if (is_digit(text.p[i]))
            return SAID_NOTHING;
    if ((kinds & NEARBY_UNIT) != 0 && at(text, end) != '\n')
        return SAID_OTHER;
    char next = at(text, behind), then = at(text, behind + 1);
    if ((kinds & (NEARBY_PHONE | NEARBY_PLACE)) == 0 || one_of(next, ":=._") || (next == '"' && then == ':') ||
        (next == ' ' && (is_letter(then) || is_digit(then) || one_of(then, "+("))))
        return SAID_NOTHING;
    return SAID_PHONE;
}

/* Is what stands right before or behind the digits something that they belong to? */
static bool part_of_more(struct str text, size_t start, size_t end)
{
    char before = at(text, start - 1), after = at(text, end), next = at(text, end + 1);
    if (start > 0) {
        struct str token;
        size_t from = start - 1;
        if (one_of(before, "-.") && start > 1 && is_letter(text.p[start - 2])) /* Office-555, Tel.555, but no AB-555 */
            return !nearby_before(text, &from, NEARBY_AFTER, &token) ||
                   (nearby_word(token) & (NEARBY_PHONE | NEARBY_REACH | NEARBY_PLACE)) == 0;
        bool digit = start > 1 && is_digit(text.p[start - 2]);
        if (one_of(before, "@^~") || (digit && one_of(before, ":.-_/)")) ||
            (one_of(before, "-_/") && !digit && start > 1 && !one_of(text.p[start - 2], " \t\n/")))
            return true;
    }
    if (is_digit(after) || (is_letter(after) && (unsigned char)after < 0x80) || one_of(after, "_%@^"))
        return true;
    if (after == '-' && is_letter(next)) {
        struct str token;
        size_t to = end;
        return !nearby_after(text, &to, NEARBY_AFTER, &token) ||
               (nearby_word(token) & (NEARBY_PHONE | NEARBY_REACH | NEARBY_PLACE)) == 0;
    }
    return (one_of(after, ".-:/") && is_digit(next)) || (after == ':' && is_letter(next));
}

/* wa.me/4915112345678 */
static bool in_chat_link(struct str text, size_t start)
{
    return start >= 6 && memcmp(text.p + start - 6, "wa.me/", 6) == 0;
}

static enum said what_is_said(struct str text, size_t start, size_t end)
{
    if (in_chat_link(text, start))
        return SAID_PHONE;
    char before = at(text, start - 1);
    if (start > 0 && (one_of(before, "#$") || before == '\xA3' || before == '\xA5' || before == '\xAC'))
        return SAID_OTHER;
    enum said left = said_before(text, start), right = said_to_be_mine(text, end) ? SAID_PHONE : said_after(text, end);
    if (right == SAID_PHONE || right == SAID_OTHER)
        return right;
    bool thousands = is_digit(at(text, start)) && at(text, start + 3) != '-';
    bool in_list = start > 1 && before == ',' && is_digit(text.p[start - 2]) && thousands; /* 1,234 567 */
    return in_list && left == SAID_NOTHING ? SAID_OTHER : left;
}

/* May a number begin with group i: is what is before it another thing? Groups of equal length go together. */
static bool free_border(const struct digits_run *run, size_t i)
{
    if (i == 0 || i == run->n)
        return true;
    char joint = run->groups[i].joint;
    return joint == '!' || joint == '|' ||
           (joint == ' ' && (run->groups[i].open || (run->groups[i - 1].close && !run->groups[i - 1].open))) ||
           (joint == ' ' && (run->groups[i - 1].n != run->groups[i].n || run->groups[i].n > 4)) ||
           (joint == '/' && run->groups[i - 1].n >= 4);
}

struct candidate {
    size_t start, end;
    double sure;
};

/* How sure the groups [i, j) are a number; `tail`: where the whole match ends, an extension with it. */
static struct candidate rate(struct str text, const struct digits_run *run, size_t i, size_t j, size_t from,
                             size_t tail)
{
    const struct digits_group *first = &run->groups[i], *last = &run->groups[j - 1];
    struct candidate c = {.start = first->at, .end = last->at + last->n};
    struct phone_parts parts = {.groups = first, .n = j - i};
    parts.extension = j == run->n && tail > c.end;
    size_t signs = first->at;
    while (i == 0 && signs > from && one_of(text.p[signs - 1], "+("))
        parts.plus = text.p[--signs] == '+' || parts.plus;
    bool pair = first->open && first->close;
    if (parts.plus)
        c.start = text.p[signs] == '(' && !pair ? signs + 1 : signs;
    else if (pair)
        c.start = first->at - 1;
    if (parts.extension)
        c.end = tail;
    enum phone_form form = phone_form(text, &parts);
    if (form >= PHONE_BARE && at(text, c.start - 1) == '-') /* a negative number */
        return c;
    if (form == PHONE_NONE || (part_of_more(text, c.start, c.end) && !in_chat_link(text, c.start)) ||
        (!parts.plus && phone_is_date(text, first, run->n - i)))
        return c;
    c.sure = RATING[form][what_is_said(text, c.start, c.end)] - (i > 0 ? 0.04 : 0); /* rather with what is before */
    if (parts.extension && c.sure < 0.8 && form != PHONE_BARE && form != PHONE_SHORT)
        c.sure = 0.8;
    return c;
}

double check_phone(const struct detector_match *m, size_t *start, size_t *end)
{
    struct digits_run run;
    digits_read(m->text, *start, *end, &run);
    for (size_t i = 0; i < run.n; i++) {
        const struct digits_group *g = &run.groups[i];
        for (size_t k = i > 0 ? g[-1].at + g[-1].n : g->at; k < g->at; k++)
            if (is_letter(m->text.p[k]) && (unsigned char)m->text.p[k] < 0x80)
                run.n = i; /* the extension's own digits */
    }
    /* Written with one sign throughout, a run is rather one number than a number beside something. */
    bool even = true;
    for (size_t i = 2; i < run.n; i++)
        even = even && run.groups[i].joint == run.groups[1].joint;
    struct candidate best = {.sure = 0};
    for (size_t i = digits_of_mask(m->text, &run); i < run.n; i++) {
        for (size_t j = run.n; j > i; j--) {
            if (!free_border(&run, i) || !free_border(&run, j))
                continue;
            struct candidate c = rate(m->text, &run, i, j, *start, *end);
            if (c.sure >= 0.5 && c.sure > best.sure + (even ? 0.1 : 0.01))
                best = c;
        }
    }
    if (best.sure == 0)
        return 0;
    *start = best.start;
    *end = best.end;
    return best.sure;
}
