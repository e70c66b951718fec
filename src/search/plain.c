/* A text's first words, as they stand, for rules that look at words one by one (asks.c, corrections.c). The index's own
 * words (stemmed, without stop words) would have lost what these look for. English only, as the rules are. */
#include "search/plain.h"

#include <stdlib.h>
#include <string.h>

enum {
    STATES = PLAIN_STATES,
    CHANGES = PLAIN_CHANGES,
    EVENT = PLAIN_EVENT,
    DAY = PLAIN_DAY,
    EMPTY = PLAIN_EMPTY,
    OWN = PLAIN_OWN,
    TIME = PLAIN_TIME,
    NUMBER = PLAIN_NUMBER,
    NEGATES = PLAIN_NEGATES,
    CUE = PLAIN_CUE
};
/* What the rules know of single words. Sorted, for bsearch. */
static const struct known {
    const char *word;
    uint16_t means;
} KNOWN[] = {
    {"actually", CUE | EMPTY},
    {"afternoon", EVENT | TIME},
    {"again", EMPTY | EVENT},
    {"ago", EVENT | TIME},
    {"also", EMPTY | EVENT},
    {"another", EVENT},
    {"any", CUE | EMPTY},
    {"anymore", CUE | EMPTY},
    {"april", DAY | TIME},
    {"are", CUE | STATES},
    {"august", DAY | TIME},
    {"autumn", TIME},
    {"be", STATES},
    {"been", EMPTY},
    {"begins", STATES},
    {"birthday", TIME},
    {"bumped", CHANGES | CUE},
    {"can't", NEGATES},
    {"canceled", CHANGES | CUE},
    {"cancelled", CHANGES | CUE},
    {"changed", CHANGES | CUE},
    {"christmas", TIME},
    {"closes", STATES},
    {"correction", CUE | EMPTY},
    {"costs", STATES},
    {"couldn't", NEGATES},
    {"couple", NUMBER},
    {"day", TIME},
    {"days", TIME},
    {"decade", TIME},
    {"decades", TIME},
    {"december", DAY | TIME},
    {"decided", EMPTY},
    {"didn't", NEGATES},
    {"doesn't", CHANGES | NEGATES},
    {"don't", CHANGES | NEGATES},
    {"double", NUMBER},
    {"dozen", NUMBER},
    {"drives", STATES},
    {"dropped", CHANGES | CUE},
    {"easter", TIME},
    {"eight", NUMBER},
    {"eleven", NUMBER},
    {"equals", STATES},
    {"evening", EVENT | TIME},
    {"expires", STATES},
    {"february", DAY | TIME},
    {"few", NUMBER},
    {"fifty", NUMBER},
    {"five", NUMBER},
    {"four", NUMBER},
    {"friday", DAY | TIME},
    {"gave", CUE},
    {"get", EMPTY},
    {"got", EMPTY},
    {"half", NUMBER},
    {"has", CHANGES | STATES},
    {"have", STATES},
    {"hey", EMPTY},
    {"hour", TIME},
    {"hours", TIME},
    {"hundred", NUMBER},
    {"i", CUE | OWN},
    {"i'm", OWN},
    {"i've", OWN},
    {"increased", CHANGES | CUE},
    {"instead", CUE | EMPTY},
    {"is", CUE | STATES},
    {"isn't", NEGATES},
    {"it's", CUE | STATES},
    {"january", DAY | TIME},
    {"july", DAY | TIME},
    {"june", DAY | TIME},
    {"just", EMPTY},
    {"last", EVENT | TIME},
    {"lies", STATES},
    {"likes", STATES},
    {"listens", STATES},
    {"live", STATES},
    {"lives", STATES},
    {"longer", EMPTY},
    {"lowered", CHANGES | CUE},
    {"march", DAY | TIME},
    {"me", OWN},
    {"means", STATES},
    {"meant", EMPTY},
    {"midnight", TIME},
    {"migrated", CHANGES | CUE},
    {"million", NUMBER},
    {"mine", OWN},
    {"minute", TIME},
    {"minutes", TIME},
    {"misspoke", CUE | EMPTY},
    {"mistake", EMPTY},
    {"mistaken", CUE | EMPTY},
    {"monday", DAY | TIME},
    {"month", TIME},
    {"months", TIME},
    {"more", EMPTY},
    {"morning", EVENT | TIME},
    {"moved", CHANGES | CUE},
    {"my", CUE | OWN},
    {"needs", STATES},
    {"never", NEGATES},
    {"new", EMPTY},
    {"next", TIME},
    {"night", TIME},
    {"nine", NUMBER},
    {"no", CHANGES | CUE},
    {"noon", TIME},
    {"not", NEGATES},
    {"note", EMPTY},
    {"november", DAY | TIME},
    {"now", CUE | EMPTY},
    {"october", DAY | TIME},
    {"ok", EMPTY},
    {"okay", EMPTY},
    {"old", EMPTY},
    {"once", NUMBER},
    {"one", EMPTY | NUMBER},
    {"oops", CUE | EMPTY},
    {"opens", STATES},
    {"our", OWN},
    {"out", EMPTY},
    {"please", EMPTY},
    {"postponed", CHANGES | CUE},
    {"prefer", STATES},
    {"prefers", STATES},
    {"pushed", CHANGES | CUE},
    {"quarter", TIME},
    {"quit", CHANGES | CUE},
    {"raised", CHANGES | CUE},
    {"rather", CUE | EMPTY},
    {"recently", TIME},
    {"reduced", CHANGES | CUE},
    {"remember", EMPTY},
    {"renamed", CHANGES | CUE},
    {"replaced", CHANGES | CUE},
    {"rescheduled", CHANGES | CUE},
    {"run", STATES},
    {"runs", STATES},
    {"said", EMPTY},
    {"saturday", DAY | TIME},
    {"say", EMPTY},
    {"scratch", CUE | EMPTY},
    {"second", TIME},
    {"seconds", TIME},
    {"september", DAY | TIME},
    {"set", CHANGES | CUE},
    {"seven", NUMBER},
    {"several", NUMBER},
    {"shouldn't", NEGATES},
    {"six", NUMBER},
    {"sorry", CUE | EMPTY},
    {"spring", TIME},
    {"stands", STATES},
    {"start", STATES},
    {"starts", STATES},
    {"stopped", CHANGES | CUE},
    {"summer", TIME},
    {"sunday", DAY | TIME},
    {"switched", CHANGES | CUE},
    {"takes", STATES},
    {"team", EMPTY},
    {"ten", NUMBER},
    {"than", EMPTY},
    {"thing", EMPTY},
    {"think", EMPTY},
    {"thirty", NUMBER},
    {"thousand", NUMBER},
    {"three", NUMBER},
    {"thursday", DAY | TIME},
    {"today", EVENT | TIME},
    {"told", EMPTY},
    {"tomorrow", TIME},
    {"tonight", EVENT | TIME},
    {"too", EVENT},
    {"took", CHANGES | CUE},
    {"tuesday", DAY | TIME},
    {"turned", CUE | EMPTY},
    {"turns", CUE | EMPTY},
    {"twelve", NUMBER},
    {"twenty", NUMBER},
    {"twice", NUMBER},
    {"two", NUMBER},
    {"typo", CUE | EMPTY},
    {"update", CUE | EMPTY},
    {"updated", CHANGES | CUE},
    {"upgraded", CHANGES | CUE},
    {"us", OWN},
    {"use", STATES},
    {"uses", STATES},
    {"wait", CUE | EMPTY},
    {"wants", STATES},
    {"was", CUE | STATES},
    {"we", OWN},
    {"we're", OWN},
    {"we've", OWN},
    {"wednesday", DAY | TIME},
    {"week", EVENT | TIME},
    {"weekend", EVENT | TIME},
    {"weekends", TIME},
    {"weeks", TIME},
    {"well", EMPTY},
    {"were", STATES},
    {"will", CHANGES},
    {"winter", TIME},
    {"won't", NEGATES},
    {"work", STATES},
    {"works", STATES},
    {"wouldn't", NEGATES},
    {"wrong", EMPTY},
    {"year", TIME},
    {"years", TIME},
    {"yes", EMPTY},
    {"yesterday", EVENT | TIME},
};

static int compare_known(const void *key, const void *item)
{
    return strcmp(key, ((const struct known *)item)->word);
}

static uint16_t meaning_of(const char *w)
{
    const struct known *k = bsearch(w, KNOWN, sizeof KNOWN / sizeof *KNOWN, sizeof *KNOWN, compare_known);
    return k ? k->means : 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* What may stand inside a word: beyond ASCII all, an apostrophe; in a number and a name of code also . : / _ - */
static bool inside(struct str t, size_t i, bool number)
{
    char c = t.p[i];
    bool more = i + 1 < t.n && (is_digit(t.p[i + 1]) || is_letter(t.p[i + 1]));
    if (is_digit(c) || is_letter(c) || (unsigned char)c >= 0x80 || c == '_')
        return true;
    return more && (c == '\'' || (number && (c == '.' || c == ':' || c == ',' || c == '/')));
}

static void take(struct plain_word *w, struct str text, size_t from, size_t to, bool starts)
{
    w->n = 0;
    w->number = false;
    w->starts = starts;
    w->capital = text.p[from] >= 'A' && text.p[from] <= 'Z';
    for (size_t i = from; i < to; i++) {
        char c = text.p[i];
        w->number = w->number || is_digit(c);
        if (w->n < PLAIN_ROOM - 1)
            w->w[w->n++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    w->w[w->n] = '\0';
    w->means = w->number ? PLAIN_NUMBER : meaning_of(w->w);
}

void plain_split(struct str text, struct plain *out)
{
    bool starts = true;
    out->n = 0;
    for (size_t i = 0; i < text.n && out->n < PLAIN_MAX;) {
        size_t from = i;
        bool number = is_digit(text.p[i]);
        while (i < text.n && inside(text, i, number))
            i++;
        if (i > from) {
            take(&out->word[out->n++], text, from, i, starts);
            starts = false;
        } else {
            starts = starts || strchr(".!?\n:;", text.p[i]) != NULL;
            i++;
        }
    }
    struct str end = str_trim(text);
    out->asks = end.n && end.p[end.n - 1] == '?';
}

const char *plain_word(const struct plain *p, int i)
{
    return i >= 0 && i < p->n ? p->word[i].w : "";
}

bool plain_in(const char *w, const char *const *list)
{
    for (; *w && *list; list++)
        if (strcmp(w, *list) == 0)
            return true;
    return false;
}
