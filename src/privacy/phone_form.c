/* The form of a number: see phone.h. Digits are counted, not looked up, except for country codes: numbering plans
 * change, and a wrong prefix is not worth a leak. */
#include "privacy/phone.h"

#include <string.h>

enum { LOCAL_LEAST = 7, LOCAL_MOST = 12, TRUNK_MOST = 13, WORLD_LEAST = 8, WORLD_MOST = 15, SHORT_LEAST = 5 };

struct shape {
    const struct digits_group *g;
    size_t n, total;
    char digits[WORLD_MOST + 1]; /* as a string */
};

static unsigned value(struct str text, const struct digits_group *g)
{
    unsigned v = 0;
    for (size_t i = 0; i < g->n && i < 9; i++)
        v = v * 10 + (unsigned)(text.p[g->at + i] - '0');
    return v;
}

static bool is_year(unsigned y)
{
    return y >= 1900 && y < 2100;
}

static bool day_month(unsigned a, unsigned b)
{
    return a >= 1 && b >= 1 && ((a <= 31 && b <= 12) || (a <= 12 && b <= 31));
}

bool phone_is_date(struct str text, const struct digits_group *g, size_t n)
{
    if (n >= 2 && g[0].n == 4 && g[1].n == 4 && is_year(value(text, g)) && is_year(value(text, g + 1)))
        return true;             /* 1990-1995 */
    if (n == 1 && g[0].n == 8) { /* 20231105 */
        unsigned v = value(text, g);
        return is_year(v / 10000) && day_month(v % 100, v / 100 % 100);
    }
    if (n < 3 || g[1].n > 2 || g[0].n > 4 || g[2].joint != g[1].joint || strchr("-/. ", g[1].joint) == NULL)
        return false;
    unsigned a = value(text, g), b = value(text, g + 1), c = value(text, g + 2);
    if (g[0].n == 4 && g[2].n <= 2)
        return is_year(a) && day_month(c, b);
    if (g[0].n <= 2 && g[2].n == 4)
        return is_year(c) && day_month(a, b);
    return n == 3 && g[0].n <= 2 && g[2].n == 2 && g[1].joint != ' ' && day_month(a, b);
}

static bool is_address(struct str text, const struct shape *s)
{
    if (s->n != 4)
        return false;
    for (size_t i = 0; i < 4; i++)
        if (s->g[i].n > 3 || value(text, s->g + i) > 255 || (i > 0 && s->g[i].joint != '.'))
            return false;
    return true;
}

/* The groups have these lengths: "334" is 555-123-4567. */
static bool lengths(const struct shape *s, size_t from, const char *pattern)
{
    if (s->n - from != strlen(pattern))
        return false;
    for (size_t i = from; i < s->n; i++)
        if (s->g[i].n != (size_t)(pattern[i - from] - '0'))
            return false;
    return true;
}

static bool all_joints(const struct shape *s, size_t from, const char *of)
{
    for (size_t i = from; i < s->n; i++)
        if (s->g[i].joint == 0 || strchr(of, s->g[i].joint) == NULL)
            return false;
    return true;
}

/* Numbers of other kinds that are known by their form alone. */
static bool is_other(struct str text, const struct shape *s)
{
    if (phone_is_date(text, s->g, s->n) || is_address(text, s))
        return true;
    if (s->total == 13 && (strncmp(s->digits, "978", 3) == 0 || strncmp(s->digits, "979", 3) == 0) && s->n != 3)
        return true; /* ISBN */
    return lengths(s, 0, "324") || lengths(s, 0, "3332") || lengths(s, 0, "4444") || lengths(s, 0, "465") ||
           lengths(s, 0, "3442"); /* SSN, CPF, cards, AHV */
}

/* Assigned country codes: a digit, or two, or three. */
static bool country(const char *d)
{
    static const char TWO[] =
        "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 "
        "64 65 66 81 82 84 86 90 91 92 93 94 95 98 21 22 23 24 25 26 29 35 37 38 42 50 59 67 68 69 "
        "80 85 87 88 96 97 99";
    if (d[0] == '1' || d[0] == '7')
        return true;
    for (const char *t = TWO; *t != '\0'; t += t[2] == '\0' ? 2 : 3)
        if (memcmp(t, d, 2) == 0)
            return true;
    return false;
}

/* How many groups of a single digit stand where none belongs: only a trunk digit before, and a -0 behind. */
static bool lonely_digits(const struct shape *s)
{
    for (size_t i = 0; i < s->n; i++) {
        bool first = i == 0 && strchr("01789", s->digits[0]) != NULL &&
                     (s->digits[0] == '1' || s->n == 1 || s->g[1].joint != '.');     /* 0.0213 */
        bool last = i == s->n - 1 ? s->g[i].joint == '-' : s->g[i + 1].joint == '/'; /* 030 1234-0, 06-1/183 6287 */
        if (s->g[i].n == 1 && !first && !last && !(s->g[i].open && s->g[i].close))
            return true;
    }
    return false;
}

static bool begins(const struct shape *s, size_t total, const char *prefix)
{
    return s->total == total && strncmp(s->digits, prefix, strlen(prefix)) == 0;
}

/* In one piece, with a trunk zero: as many digits as mobile numbers have, and most others written so. */
static bool is_mobile(const struct shape *s)
{
    const char *d = s->digits;
    return d[0] == '0' && d[1] != '0' &&
           (s->total == 10 || s->total == 11 || (s->total == 12 && d[1] == '1' && strchr("567", d[2])));
}

static enum phone_form american(const struct shape *s)
{
    bool russian = s->n == 4 && s->digits[0] == '8' && (s->g[1].open || s->g[1].joint == s->g[2].joint);
    size_t from = s->n == 4 && s->g[0].n == 1 && (s->digits[0] == '1' || russian) ? 1 : 0;
    if (lengths(s, from, "37") && s->g[from].close && s->g[from].open)
        return PHONE_AMERICAN; /* (555)1234567 */
    if (!lengths(s, from, "334"))
        return PHONE_NONE;
    if (all_joints(s, from + 1, " ") && !s->g[from].open)
        return PHONE_SPACED;
    return all_joints(s, from + 1, "-.( /~") ? PHONE_AMERICAN : PHONE_NONE;
}

static bool thousands(const struct shape *s)
{
    if (s->n == 2 && s->g[1].joint == '.' && !(s->g[0].n == 3 && s->g[1].n == 4))
        return true; /* 40.7128 */
    if (s->n < 2 || s->g[0].n > 3 || s->digits[0] == '0' || !(all_joints(s, 1, " ") || all_joints(s, 1, ".")))
        return false;
    for (size_t i = 1; i < s->n; i++)
        if (s->g[i].n != 3)
            return false;
    return true;
}

/* Groups of two to eight digits: what is dialled is not written digit by digit. */
static enum phone_form grouped(const struct shape *s)
{
    bool year = s->g[0].n == 4 && (memcmp(s->digits, "19", 2) == 0 || memcmp(s->digits, "20", 2) == 0);
    size_t trunk = s->g[0].n == 1 && s->n > 1 ? 1 : 0; /* 8 (495) 123-45-67 */
    if (s->g[trunk].open && s->g[trunk].close && s->g[trunk].n >= 2 && s->g[trunk].n <= 5)
        return year || (s->digits[0] != '0' && s->n == 2) ? PHONE_GROUPED : PHONE_AREA; /* "Letters (72) 056127" */
    if (lengths(s, 0, "13322") && s->digits[0] == '8')                                  /* 8-495-123-45-67 */
        return PHONE_PAIRS;
    if (s->digits[0] == '0' && s->g[0].n == 1 && s->g[0].close) /* (0)20 7946 0958 */
        return PHONE_TRUNK;
    bool zeros = s->digits[0] == '0' && s->digits[2] == '0' && s->digits[4] == '0';
    if ((lengths(s, 0, "2222") && s->digits[0] == '0') || (lengths(s, 0, "22222") && zeros)) /* bytes: 08 07 06 05 */
        return PHONE_GROUPED;
    if (lengths(s, 0, "22222") && s->digits[0] == '0' && s->digits[1] != '0' &&
        (all_joints(s, 1, ".") || all_joints(s, 1, " ") || all_joints(s, 1, "-")))
        return PHONE_PAIRS;
    if (lengths(s, 0, "34") && memcmp(s->digits, "555", 3) == 0 && s->g[1].joint == '-')
        return PHONE_SPACED; /* the exchange of examples */
    if ((lengths(s, 0, "3322") || lengths(s, 0, "23322")) && all_joints(s, 1, " "))
        return PHONE_SPACED;
    for (size_t i = 0; i < s->n; i++)
        if (s->g[i].n > 8)
            return s->n == 2 && s->g[0].n <= 3 ? PHONE_GROUPED : PHONE_NONE;
    if (thousands(s))
        return PHONE_THOUSANDS;
    if (lengths(s, 0, "54")) /* 02110-1301: a zip code as well */
        return PHONE_GROUPED;
    bool zero = s->digits[0] == '0' && s->digits[1] != '0' && s->g[0].n >= 2 && s->g[0].n <= 5 && s->total >= 8;
    return zero && s->n <= 5 ? PHONE_TRUNK : PHONE_GROUPED;
}

/* Seconds or milliseconds since 1970, from 2014 to 2033. */
static bool is_time(const struct shape *s)
{
    return s->digits[0] == '1' && s->digits[1] >= '4' && (s->total == 10 || s->total == 13);
}

static bool is_round(const struct shape *s)
{
    return strspn(s->digits + s->total - 4, "0") == 4;
}

/* +35236450.6 */
static bool is_decimal(const struct shape *s)
{
    return s->n == 2 && s->g[1].joint == '.' && s->g[1].n < 4;
}

/* 0123456789, 1234567890 */
static bool is_ladder(const struct shape *s)
{
    for (size_t i = 1; i < s->total; i++)
        if (s->digits[i] != (s->digits[i - 1] == '9' ? '0' : s->digits[i - 1] + 1))
            return false;
    return true;
}

static enum phone_form local(struct str text, const struct shape *s, bool extension)
{
    if (s->n == 1) {
        if (s->total == SHORT_LEAST || is_time(s) || is_round(s) || is_ladder(s))
            return PHONE_CODE;
        if (s->total < LOCAL_LEAST)
            return PHONE_SHORT;
        bool long_one = strchr("17", s->digits[2]) == NULL || s->total == 13;
        if (s->total >= 11 && s->total <= 14 && memcmp(s->digits, "00", 2) == 0 && s->digits[2] != '0' && long_one &&
            country(s->digits + 2))
            return PHONE_ZEROS;
        if (is_mobile(s))
            return PHONE_MOBILE;
        return s->total >= 9 && s->total <= 11 ? PHONE_BARE : (s->total <= TRUNK_MOST ? PHONE_COUNT : PHONE_NONE);
    }
    if (begins(s, s->total, "00") && s->digits[2] != '0' && s->total >= 10 && s->g[0].n >= 2 && s->g[0].n <= 5)
        return PHONE_ZEROS;
    enum phone_form form = american(s);
    if (form != PHONE_NONE)
        return form == PHONE_SPACED && extension ? PHONE_AMERICAN : form;
    if (lonely_digits(s) || s->total > (s->digits[0] == '0' ? TRUNK_MOST : LOCAL_MOST) || s->n > 6 || is_other(text, s))
        return PHONE_NONE;
    return s->total < LOCAL_LEAST ? PHONE_SHORT : grouped(s);
}

/* Is there a closing parenthesis? If not, the one before the first group is of the text around: (030 123456). */
static bool closes(const struct phone_parts *p)
{
    for (size_t i = 0; i + 1 < p->n && (i == 0 || !p->groups[i].open); i++)
        if (p->groups[i].close)
            return true;
    return false;
}

/* Parentheses pair up, one after another, around at most six digits; nothing that parts numbers stands between, and a
 * slash only behind the first two groups. */
static bool holds_together(const struct phone_parts *p)
{
    size_t inside = 0;
    bool open = false;
    for (size_t i = 0; i < p->n; i++) {
        const struct digits_group *g = &p->groups[i];
        if (i > 0 && (g->joint == '!' || g->joint == '|' || (g->joint == '/' && i > 2) ||
                      (g->joint == '(' && !g->open && !g[-1].close)))
            return false;
        if (g->open && i > 0 && (open || i == p->n - 1))
            return false;
        open = open || (g->open && (i > 0 || closes(p)));
        inside += open ? g->n : 0;
        if (g->close && !open && i + 1 < p->n)
            return false;
        if (open && g->close) {
            if (inside > 6)
                return false;
            open = false;
            inside = 0;
        }
    }
    return !open;
}

enum phone_form phone_form(struct str text, const struct phone_parts *p)
{
    struct shape s = {.g = p->groups, .n = p->n};
    if (p->n == 0 || !holds_together(p))
        return PHONE_NONE;
    s.total = digits_take(text, p->groups, p->n, s.digits, WORLD_MOST);
    if (s.total < SHORT_LEAST)
        return PHONE_NONE;
    if (p->plus) {
        return s.total >= WORLD_LEAST && s.digits[0] != '0' && !(s.n == 1 && is_round(&s)) && !is_decimal(&s) &&
                       (s.n > 1 || country(s.digits)) && !phone_is_date(text, s.g, s.n)
                   ? PHONE_PLUS
                   : PHONE_NONE;
    }
    return local(text, &s, p->extension);
}
