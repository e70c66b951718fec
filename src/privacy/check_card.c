/* Payment cards: a run of digits holds one when groups of it make a length that its issuer uses, written as cards are
 * written, with Luhn's check digit right. What else is in the run (an expiry date, a CVV, a line number) may stand
 * beside it behind a space. Rare issuers and lengths that other numbers have as well need a word about cards near. */
#include "privacy/check_pii.h"
#include "privacy/digits.h"
#include "privacy/nearby.h"

enum { CARD_LEAST = 12, CARD_MOST = 19, CARD_GROUPS = 5 };

struct issuer {
    const char *low, *high;        /* first digits, of equal length */
    unsigned char least, most;     /* digits */
    unsigned char sure, sure_most; /* lengths that need no word near; 0: none */
};
static const struct issuer ISSUERS[] = {
    {"4", "4", 13, 19, 16, 16},           /* Visa */
    {"51", "55", 16, 16, 16, 16},         /* Mastercard */
    {"2221", "2720", 16, 16, 16, 16},     /* Mastercard */
    {"34", "34", 15, 15, 15, 15},         /* American Express */
    {"37", "37", 15, 15, 15, 15},         /* American Express */
    {"6011", "6011", 16, 19, 16, 16},     /* Discover */
    {"644", "659", 16, 19, 16, 16},       /* Discover, RuPay, Troy */
    {"300", "305", 14, 19, 14, 14},       /* Diners Club */
    {"3095", "3095", 14, 19, 14, 14},     /* Diners Club */
    {"36", "36", 14, 19, 14, 14},         /* Diners Club */
    {"38", "39", 14, 19, 14, 14},         /* Diners Club */
    {"35", "35", 16, 19, 16, 16},         /* JCB */
    {"1800", "1800", 15, 15, 15, 15},     /* JCB, old */
    {"2131", "2131", 15, 15, 15, 15},     /* JCB, old */
    {"62", "62", 16, 19, 16, 16},         /* UnionPay */
    {"81", "82", 16, 19, 16, 16},         /* UnionPay, RuPay */
    {"2200", "2205", 16, 19, 16, 16},     /* Mir */
    {"9792", "9792", 16, 16, 16, 16},     /* Troy */
    {"60", "60", 16, 16, 16, 16},         /* RuPay, Hipercard */
    {"5018", "5020", 12, 19, 16, 16},     /* Maestro, Dankort */
    {"5038", "5038", 12, 19, 16, 16},     /* Maestro */
    {"506099", "508999", 16, 19, 16, 16}, /* Verve, Elo, RuPay */
    {"50", "50", 12, 19, 0, 0},           /* Maestro */
    {"56", "58", 12, 19, 0, 0},           /* Maestro */
    {"0604", "0604", 12, 19, 0, 0},       /* Maestro */
    {"63", "63", 12, 19, 0, 0},           /* Maestro, Elo, InstaPayment */
    {"67", "67", 12, 19, 0, 0},           /* Maestro */
};

/* 2: one that is a card by itself, 1: with a word near, 0: no issuer's. */
static int issued(const char *digits, size_t n)
{
    int best = 0;
    for (size_t i = 0; i < sizeof ISSUERS / sizeof ISSUERS[0]; i++) {
        const struct issuer *u = &ISSUERS[i];
        if (n < u->least || n > u->most || !digits_between(digits, u->low, u->high))
            continue;
        if (u->sure != 0 && n >= u->sure && n <= u->sure_most)
            return 2;
        best = 1;
    }
    return best;
}

/* As cards are printed, or in one piece. */
static bool written_like_a_card(const struct digits_group *g, size_t n)
{
    static const char *const FORMS[] = {"4444", "465",  "464", "44443", "4443", "444",
                                        "4441", "4333", "445", "88",    "6d"};
    if (n == 1)
        return true;
    for (size_t f = 0; f < sizeof FORMS / sizeof FORMS[0]; f++) {
        size_t i = 0;
        while (i < n && FORMS[f][i] != '\0' && g[i].n == (size_t)(FORMS[f][i] == 'd' ? 13 : FORMS[f][i] - '0'))
            i++;
        if (i == n && FORMS[f][i] == '\0')
            return true;
    }
    return false;
}

static bool one_joint(const struct digits_group *g, size_t n)
{
    for (size_t i = 2; i < n; i++)
        if (g[i].joint != g[1].joint)
            return false;
    return true;
}

/* A number on goods (EAN) has a check digit as well, counted otherwise. */
static bool is_ean(const char *digits, size_t n)
{
    unsigned sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (unsigned)(digits[i] - '0') * (i % 2 == 0 ? 1 : 3);
    return n == 13 && sum % 10 == 0;
}

/* " 04/28" and ",12/2027": when it expires. */
static bool expiry_behind(struct str text, size_t end)
{
    struct str s = str_skip(text, end);
    size_t gap = s.n > 0 && (s.p[0] == ',' || s.p[0] == ';' || s.p[0] == '|');
    gap += s.n > gap && s.p[gap] == ' ';
    s = str_skip(s, gap);
    return gap > 0 && s.n >= 5 && (s.p[0] == '0' || s.p[0] == '1') && s.p[1] >= '0' && s.p[1] <= '9' && s.p[2] == '/' &&
           s.p[3] >= '0' && s.p[3] <= '9';
}

/* A letter, digit or _ right behind. */
static bool runs_on(struct str text, size_t end)
{
    char c = (char)(end < text.n ? text.p[end] : ' ');
    return c == '_' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* How sure the groups [i, i + n) of the run are a card. */
static double rate(const struct detector_match *m, const struct digits_run *run, size_t i, size_t n)
{
    const struct digits_group *g = run->groups + i;
    char digits[CARD_MOST];
    size_t count = digits_take(m->text, g, n, digits, sizeof digits);
    if (count < CARD_LEAST || !written_like_a_card(g, n) || !one_joint(g, n) || !digits_luhn(digits, count))
        return 0;
    if (runs_on(m->text, g[n - 1].at + g[n - 1].n) || (i > 0 && g[0].joint != ' ') ||
        (i + n < run->n && g[n].joint != ' '))
        return 0;
    int who = issued(digits, count);
    if (who == 0)
        return 0;
    unsigned near = nearby_kinds(m->text, g[0].at, g[n - 1].at + g[n - 1].n, NEARBY_BEFORE, NEARBY_AFTER);
    if ((near & NEARBY_CARD) != 0 || expiry_behind(m->text, g[n - 1].at + g[n - 1].n))
        return 0.99;
    bool named = n == 1 && (nearby_name(m->text, g[0].at, NEARBY_BEFORE) & NEARBY_PRODUCT) != 0;
    if (digits_glued(m->text, g[0].at) || named)
        return 0;
    bool visa = digits[0] == '4' && (count == 13 || count == 19) && !is_ean(digits, count);
    return who == 2 ? 0.95 : (n == 4 || (n == 2 && g[1].n == 13) ? 0.8 : (visa ? 0.6 : 0));
}

double check_card(const struct detector_match *m, size_t *start, size_t *end)
{
    static const unsigned char LENGTHS[] = {16, 15, 14, 19, 13, 18, 17, 12}; /* likeliest first */
    struct digits_run run;
    digits_read(m->text, *start, *end, &run);
    for (size_t i = 0; i < run.n; i++)
        for (size_t l = 0; l < sizeof LENGTHS; l++) {
            size_t n = 0, count = 0;
            while (i + n < run.n && n < CARD_GROUPS && count < LENGTHS[l])
                count += run.groups[i + n++].n;
            double sure = count == LENGTHS[l] ? rate(m, &run, i, n) : 0;
            if (sure > 0) {
                *start = run.groups[i].at;
                *end = run.groups[i + n - 1].at + run.groups[i + n - 1].n;
                return sure;
            }
        }
    return 0;
}
