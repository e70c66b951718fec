/* Retelling: a sentence as somebody else would report it. "I" becomes the speaker's name and later "they", verbs agree,
 * openings ("Well, "), names called out ("Hey Mel, …") and what only judges (" and it was awesome") go. A sentence in
 * which its speaker does not come is given with the name before it: "Caroline: …". Word by word, no parsing: what is
 * not known stays as it was said. */
#include "digest/intern.h"

#include "base/text.h"

#include <string.h>

struct telling {
    struct talk *talk;
    const struct sentence *s;
    struct str name, listener; /* listener: the other one of two, STR_NONE when there are more */
    struct buf out;
    bool named;  /* the speaker's name stands in what is written */
    bool agrees; /* the next verb follows the name: it takes an s */
    bool plural; /* it follows "they" */
};

static unsigned classes_at(const struct telling *t, uint32_t i)
{
    return t->talk->vocabulary.form[t->s->words[i].form].classes;
}

static struct str word_at(const struct telling *t, uint32_t i)
{
    return t->talk->vocabulary.forms.keys[t->s->words[i].form];
}

static size_t end_of(const struct sentence *s, uint32_t i)
{
    return s->words[i].at + s->words[i].bytes;
}

/* Caroline, Mel (for Melanie), any speaker. */
static bool is_called(const struct telling *t, uint32_t i)
{
    char low[WORD_BYTES];
    struct str word = word_at(t, i);
    for (uint32_t k = 0; k < t->talk->speakers.n; k++) {
        struct str name = word_lower(t->talk->speakers.keys[k], low);
        if (word.n >= 3 && t->s->words[i].capital && name.n >= word.n && memcmp(name.p, word.p, word.n) == 0)
            return true;
    }
    return false;
}

static bool only(struct str between, const char *marks)
{
    for (size_t i = 0; i < between.n; i++)
        if (!strchr(marks, between.p[i]))
            return false;
    return true;
}

/* The first word to tell: openings and called names before a comma go, and "And", "So", "But" without one. */
static uint32_t skip_opening(const struct telling *t)
{
    const struct sentence *s = t->s;
    uint32_t i = 0;
    while (i + 2 < s->n) {
        struct str between = {s->text.p + end_of(s, i), s->words[i + 1].at - end_of(s, i)};
        bool mark = between.n > 1 && only(between, " ,.!:;-") && !only(between, " ");
        struct str word = word_at(t, i);
        bool join = str_is(word, "and") || str_is(word, "but") || str_is(word, "so") || str_is(word, "plus") ||
                    str_is(word, "also") || str_is(word, "yeah") || str_is(word, "hey");
        bool by_the_way = i + 3 < s->n && str_is(word, "by") && str_is(word_at(t, i + 2), "way");
        if (by_the_way)
            i += 3;
        else if ((is_called(t, i) && mark) || ((classes_at(t, i) & W_LEAD) && (mark || join)))
            i++;
        else
            break;
    }
    return i;
}

/* The end of what is told: without a called name at the end and without what only judges. */
static size_t last_byte(const struct telling *t, uint32_t first)
{
    const struct sentence *s = t->s;
    size_t end = s->text.n;
    uint32_t last = s->n - 1;
    if (last > first + 1 && is_called(t, last) && s->text.p[end_of(s, last - 1)] == ',') {
        last--;
        end = end_of(s, last);
    }
    for (uint32_t i = first + 4; i + 2 < last; i++) {
        struct str word = word_at(t, i), next = word_at(t, i + 1);
        bool joins = str_is(word, "and") || str_is(word, "but") || s->text.p[end_of(s, i - 1)] == '-' ||
                     s->text.p[end_of(s, i - 1)] == ',' || s->text.p[s->words[i].at - 2] == '-';
        bool it = str_is(next, "it") || str_is(next, "it's") || str_is(word, "it's") || str_is(word, "it") ||
                  str_is(next, "they") || str_is(next, "that's") || str_is(next, "was");
        bool chat = false;
        for (uint32_t k = i; k <= last; k++)
            chat = chat || (classes_at(t, k) & (W_CHAT | W_VAGUE));
        if (joins && it && chat && last - i < 8)
            return end_of(s, i - 1);
    }
    return end;
}

/* ---- words of the first person ---- */

struct swap {
    const char *said, *told, *again; /* again: once the name stands before it, as "they" */
};

/* "@" is the speaker's name, "#" the listener's. */
static const struct swap SWAPS[] = {
    {"i", "@", "they"},
    {"i'm", "@ is", "they are"},
    {"im", "@ is", "they are"},
    {"i've", "@ has", "they have"},
    {"ive", "@ has", "they have"},
    {"i'd", "@ would", "they would"},
    {"i'll", "@ will", "they will"},
    {"me", "@", "them"},
    {"my", "@'s", "their"},
    {"mine", "@'s", "theirs"},
    {"myself", "@", "themselves"},
};
static const struct swap LISTENER[] = {
    {"you", "#", NULL},         {"you're", "# is", NULL}, {"you've", "# has", NULL}, {"you'd", "# would", NULL},
    {"you'll", "# will", NULL}, {"your", "#'s", NULL},    {"yours", "#'s", NULL},    {"yourself", "#", NULL},
};
static const struct swap AGREEMENT[] = {
    {"am", "is", "are"},
    {"have", "has", "have"},
    {"do", "does", "do"},
    {"don't", "doesn't", "don't"},
    {"are", "is", "are"},
    {"were", "was", "were"},
    {"haven't", "hasn't", "haven't"},
    {"was", "was", "were"},
    {"wasn't", "wasn't", "weren't"},
};

static const struct swap *find_swap(const struct swap *table, size_t n, struct str word)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(word, table[i].said))
            return &table[i];
    return NULL;
}

/* Whether the name was written. */
static bool put_swapped(struct telling *t, const char *told)
{
    bool name = false;
    for (; *told; told++) {
        if (*told == '@') {
            buf_str(&t->out, t->name);
            t->named = name = true;
        } else if (*told == '#') {
            buf_str(&t->out, t->listener);
        } else {
            buf_char(&t->out, *told);
        }
    }
    return name;
}

/* takes, goes, tries */
static void put_with_s(struct telling *t, struct str word)
{
    char end = word.p[word.n - 1], before = word.n > 1 ? word.p[word.n - 2] : 'a';
    if (end == 'y' && !strchr("aeiou", before)) {
        buf_str(&t->out, str_take(word, word.n - 1));
        buf_cstr(&t->out, "ies");
        return;
    }
    bool hisses = end == 's' || end == 'x' || end == 'o' || (end == 'h' && (before == 'c' || before == 's'));
    buf_str(&t->out, word);
    buf_cstr(&t->out, hisses ? "es" : "s");
}

/* The word as told; false: as it was said. */
static bool put_changed(struct telling *t, uint32_t i, struct str said)
{
    struct str word = word_at(t, i);
    const struct swap *w = find_swap(SWAPS, sizeof SWAPS / sizeof *SWAPS, word);
    if (w) {
        bool name = put_swapped(t, t->named ? w->again : w->told);
        t->agrees = word.n == 1 && name;
        t->plural = word.n == 1 && !name;
        return true;
    }
    w = t->listener.n ? find_swap(LISTENER, sizeof LISTENER / sizeof *LISTENER, word) : NULL;
    if (w) {
        put_swapped(t, w->told);
        t->agrees = str_is(word, "you");
        t->plural = false;
        return true;
    }
    if (!t->agrees && !t->plural)
        return false;
    w = find_swap(AGREEMENT, sizeof AGREEMENT / sizeof *AGREEMENT, word);
    bool adverb = classes_at(t, i) & W_ADVERB, agrees = t->agrees;
    if (w)
        put_swapped(t, agrees ? w->told : w->again);
    else if (agrees && (classes_at(t, i) & W_PRESENT) && !(classes_at(t, i) & W_PAST))
        put_with_s(t, said);
    else
        agrees = false;
    t->agrees = adverb && !w && t->agrees;
    t->plural = adverb && !w && t->plural;
    return w || agrees;
}

/* ---- the whole ---- */

/* "Gonna continue", "Been busy", "Went hiking": the subject that was left out. */
static bool put_subject(struct telling *t, uint32_t first)
{
    struct str word = word_at(t, first);
    if (!(classes_at(t, first) & W_BARE))
        return false;
    buf_str(&t->out, t->name);
    bool progresses = str_ends(word, "ing") || str_is(word, "gonna");
    buf_cstr(&t->out, str_is(word, "been") ? " has " : progresses ? " is " : " ");
    t->named = true;
    return true;
}

/* White space becomes one space, Markdown's ** goes. */
static void put_text(struct telling *t, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '*' && ((i + 1 < s.n && s.p[i + 1] == '*') || (i > 0 && s.p[i - 1] == '*')))
            continue;
        bool white = s.p[i] == ' ' || s.p[i] == '\n' || s.p[i] == '\t' || s.p[i] == '\r';
        bool after = t->out.n && t->out.p[t->out.n - 1] == ' ';
        if (!white || !after)
            buf_char(&t->out, white ? ' ' : s.p[i]);
    }
}

static void put_words(struct telling *t, uint32_t first, size_t end)
{
    const struct sentence *s = t->s;
    size_t at = s->words[first].at;
    bool lower = put_subject(t, first);
    for (uint32_t i = first; i < s->n && end_of(s, i) <= end; i++) {
        struct str said = {s->text.p + s->words[i].at, s->words[i].bytes};
        put_text(t, (struct str){s->text.p + at, s->words[i].at - at});
        if (!put_changed(t, i, said)) {
            if (lower && i == first && said.p[0] >= 'A' && said.p[0] <= 'Z') {
                buf_char(&t->out, (char)(said.p[0] | 0x20));
                said = str_skip(said, 1);
            }
            put_text(t, said);
        }
        t->named = t->named || str_eq(said, t->name);
        at = end_of(s, i);
    }
    put_text(t, (struct str){s->text.p + at, end - at});
}

/* A path, an address or a name in code keeps its small letter. */
static bool is_code(struct str s)
{
    for (size_t i = 0; i + 1 < s.n && s.p[i] != ' '; i++)
        if (memchr("/_:.", s.p[i], 4) && s.p[i + 1] != ' ')
            return true;
    return false;
}

/* A capital to begin with, a full stop to end with. */
static struct str finish(struct telling *t, bool name_before)
{
    struct str s = str_trim(buf_view(&t->out));
    while (s.n && strchr(",;:- ", s.p[s.n - 1]))
        s.n--;
    if (!s.n)
        return STR_NONE;
    char begin = s.p[0] >= 'a' && s.p[0] <= 'z' && !is_code(s) ? (char)(s.p[0] & ~0x20) : s.p[0];
    bool ends = strchr(".!?", s.p[s.n - 1]) != NULL;
    if (t->named && !strncmp(s.p, t->name.p, t->name.n < s.n ? t->name.n : s.n))
        begin = s.p[0]; /* names keep their own form */
    return arena_fmt(t->talk->arena, "%.*s%s%c%.*s%s", name_before ? (int)t->name.n : 0, name_before ? t->name.p : "",
                     name_before ? ": " : "", begin, STR_ARG(str_skip(s, 1)), ends ? "" : ".");
}

struct str tell(struct talk *talk, const struct sentence *s)
{
    struct telling t = {.talk = talk, .s = s};
    if (!s->n)
        return STR_NONE;
    buf_init(&t.out, 0);
    if (talk->speakers.n == 2 && s->speaker < 2)
        t.listener = talk->speakers.keys[1 - s->speaker];
    t.name = s->speaker == NO_NAME ? STR_NONE : talk->speakers.keys[s->speaker];
    uint32_t first = 0;
    if (s->told || !t.name.n) {
        put_text(&t, s->text);
        t.named = true;
        t.name = STR("");
    } else {
        first = skip_opening(&t);
        put_words(&t, first, last_byte(&t, first));
    }
    struct str out = t.out.failed ? STR_NONE : finish(&t, !t.named);
    buf_release(&t.out);
    return out;
}
