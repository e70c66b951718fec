/* Sentences of a turn, and the words of sentences. Full stops within figures, abbreviations and file names end
 * nothing; lines end sentences unless the next goes on in lower case; quoted code and tables are passed over, list
 * marks are taken away. Not a grammar: a wrong cut costs a sentence, never more. */
#include "digest/intern.h"

#include "base/text.h"

#include <string.h>

enum {
    SENTENCE_BYTES = 600,
    SENTENCE_WORDS = SENTENCE_BYTES / 2,
    SENTENCES_MAX = 50000, /* of one talk: what comes after is left out */
    TURN_BYTES_LEAST = 400,
    TURN_BYTES_MOST = 20000
};

static bool space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool letter(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- where a sentence ends ---- */

/* What follows the full stop at `at` begins in lower case. */
static bool lower_follows(struct str text, size_t at)
{
    size_t i = at + 1;
    while (i < text.n && space(text.p[i]))
        i++;
    return i < text.n && text.p[i] >= 'a' && text.p[i] <= 'z';
}

/* The full stop at `at` belongs to an abbreviation or an initial; "p.m." may end a sentence as well. */
static bool abbreviates(struct str text, size_t start, size_t at)
{
    static const char *const known[] = {"mr",  "mrs", "ms", "dr", "st",   "vs",    "e.g",
                                        "i.e", "etc", "no", "jr", "prof", "approx"};
    size_t from = at;
    while (from > start && (letter(text.p[from - 1]) || text.p[from - 1] == '.'))
        from--;
    struct str word = {text.p + from, at - from};
    if (word.n == 1)
        return word.p[0] >= 'A' && word.p[0] <= 'Z' && word.p[0] != 'I';
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_ieq(word, str_of(known[i])))
            return true;
    return memchr(word.p, '.', word.n) && lower_follows(text, at);
}

/* Bytes of the ending at `at` with all its marks and closing quotes; 0: none. */
static size_t ending(struct str text, size_t start, size_t at)
{
    size_t i = at;
    while (i < text.n && memchr(".!?", text.p[i], 3))
        i++;
    if (i == at)
        return 0;
    while (i < text.n && memchr("\"')]*", text.p[i], 5))
        i++;
    if (i < text.n && !space(text.p[i]) && (unsigned char)text.p[i] < 0x80)
        return 0;
    return text.p[at] == '.' && i == at + 1 && abbreviates(text, start, at) ? 0 : i - at;
}

/* Does the line at `at` go on with the sentence before it? */
static bool goes_on(struct str text, size_t at)
{
    while (at < text.n && (text.p[at] == ' ' || text.p[at] == '\t'))
        at++;
    return at < text.n && text.p[at] >= 'a' && text.p[at] <= 'z';
}

/* List marks, headings, quotes: "- ", "* ", "## ", "> ", "12. ". */
static size_t marks(struct str text, size_t at)
{
    size_t i = at;
    while (i < text.n && (space(text.p[i]) || memchr("-*#>", text.p[i], 4)))
        i++;
    size_t digits = i;
    while (digits < text.n && digit(text.p[digits]))
        digits++;
    if (digits > i && digits + 1 < text.n && memchr(".)", text.p[digits], 2) && text.p[digits + 1] == ' ')
        i = digits + 2;
    return i;
}

/* What stands from `at` that is not prose: quoted code up to its end, a table's row. Bytes, 0: nothing. */
static size_t not_prose(struct str text, size_t at)
{
    struct str rest = str_skip(text, at);
    if (str_starts(rest, "```")) {
        ptrdiff_t end = str_find(str_skip(rest, 3), STR("```"));
        return end < 0 ? rest.n : (size_t)end + 6;
    }
    if (!str_starts(rest, "|"))
        return 0;
    const char *line = memchr(rest.p, '\n', rest.n);
    return line ? (size_t)(line - rest.p) + 1 : rest.n;
}

static bool give(struct str text, size_t from, size_t to, sentence_fn *fn, void *arg)
{
    struct str s = str_trim((struct str){text.p + from, to - from});
    return s.n < 2 || fn(arg, s);
}

/* A sentence longer than any is cut at its last space. */
static size_t long_cut(struct str text, size_t start, size_t at)
{
    size_t back = at;
    while (back > start + SENTENCE_BYTES / 2 && !space(text.p[back]))
        back--;
    if (back > start + SENTENCE_BYTES / 2)
        return back;
    return start + text_cut(str_skip(text, start), at - start).n;
}

bool sentences_each(struct str text, sentence_fn *fn, void *arg)
{
    size_t start = 0, i = 0;
    bool line = true;
    while (i < text.n) {
        if (line) {
            i = marks(text, i);
            size_t other = not_prose(text, i);
            start = i = i + other;
            line = other > 0;
            if (i >= text.n || line)
                continue;
        }
        size_t end = ending(text, start, i), cut = end ? i + end : i;
        bool newline = !end && text.p[i] == '\n' && !goes_on(text, i + 1), too_long = i - start >= SENTENCE_BYTES;
        if (!end && !newline && !too_long) {
            i++;
            continue;
        }
        if (too_long && !newline && !end)
            cut = long_cut(text, start, i);
        if (!give(text, start, cut, fn, arg))
            return false;
        start = i = cut + newline;
        while (!newline && i < text.n && (text.p[i] == ' ' || text.p[i] == '\t'))
            start = ++i;
        line = newline || (i < text.n && text.p[i] == '\n');
    }
    return start >= text.n || give(text, start, text.n, fn, arg);
}

/* ---- reading a talk ---- */

struct reading {
    struct talk *talk;
    const struct digest_turn *turn;
    uint32_t number, speaker;
    struct word scratch[SENTENCE_WORDS];
};

static void count_word(struct talk *t, const struct word *w, struct str shown, uint32_t turn, bool first)
{
    struct stem *s = &t->vocabulary.stem[t->vocabulary.form[w->form].stem];
    s->sentences++;
    if (s->last_turn != turn + 1) {
        s->last_turn = turn + 1;
        s->turns++;
    }
    s->capitals += w->capital && !first;
    if (!s->shown.n || (w->capital && !first && s->capitals == 1))
        s->shown = shown;
}

static bool read_words(struct reading *r, struct str text, struct sentence *s)
{
    struct talk *t = r->talk;
    size_t at = 0;
    struct str word;
    while (s->n < SENTENCE_WORDS && word_next(text, &at, &word)) {
        struct word *w = &r->scratch[s->n];
        w->form = vocabulary_form(t->arena, &t->vocabulary, word);
        if (w->form == NO_NAME)
            return false;
        w->at = (uint32_t)(word.p - text.p);
        w->bytes = (uint8_t)(word.n < UINT8_MAX ? word.n : UINT8_MAX);
        w->capital = word.p[0] >= 'A' && word.p[0] <= 'Z';
        count_word(t, w, word, r->number, s->n == 0);
        s->n++;
    }
    s->words = arena_array(t->arena, struct word, s->n + 1);
    if (s->words && s->n)
        memcpy(s->words, r->scratch, s->n * sizeof *s->words);
    return s->words != NULL;
}

static struct sentence *new_sentence(struct talk *t)
{
    if (t->n == t->room) {
        size_t room = t->room ? t->room * 2 : 64;
        struct sentence *more = arena_array(t->arena, struct sentence, room);
        if (!more)
            return NULL;
        if (t->n)
            memcpy(more, t->sentences, t->n * sizeof *more);
        t->sentences = more;
        t->room = room;
    }
    return &t->sentences[t->n++];
}

static bool read_sentence(void *arg, struct str text)
{
    struct reading *r = arg;
    if (r->talk->n >= SENTENCES_MAX)
        return true;
    struct sentence *s = new_sentence(r->talk);
    if (!s)
        return false;
    *s = (struct sentence){.text = text,
                           .turn = r->number,
                           .speaker = r->speaker,
                           .told = r->turn->told,
                           .tool = str_is(r->turn->role, "tool") || str_is(r->turn->role, "system"),
                           .question =
                               memchr(text.p + text.n - (text.n > 3 ? 3 : text.n), '?', text.n > 3 ? 3 : text.n)};
    return read_words(r, text, s);
}

static void mark_names(struct vocabulary *v)
{
    for (uint32_t i = 0; i < v->stems.n; i++)
        v->stem[i].name = v->stem[i].content && v->stem[i].capitals && v->stem[i].capitals * 2 >= v->stem[i].sentences;
}

/* "Mel" for "Melanie". */
static void mark_short_name(struct vocabulary *v, struct str name)
{
    for (uint32_t i = 0; i < v->stems.n; i++) {
        struct str stem = v->stems.keys[i];
        bool begins = stem.n >= 3 && stem.n < name.n && memcmp(stem.p, name.p, stem.n) == 0;
        v->stem[i].speaker |= v->stem[i].name && begins;
    }
}

/* The words of speakers' names are no topics and no news. */
static bool mark_speakers(struct talk *t)
{
    char low[WORD_BYTES];
    for (uint32_t i = 0; i < t->speakers.n; i++) {
        size_t at = 0;
        struct str word;
        while (word_next(t->speakers.keys[i], &at, &word)) {
            uint32_t form = vocabulary_form(t->arena, &t->vocabulary, word);
            if (form == NO_NAME)
                return false;
            t->vocabulary.stem[t->vocabulary.form[form].stem].speaker = true;
            if (i < DIGEST_SPEAKERS)
                mark_short_name(&t->vocabulary, word_lower(word, low));
        }
    }
    return true;
}

/* A long turn's beginning and end say what it is about; `most` bytes of both together. */
static bool read_turn(struct reading *r, size_t most)
{
    struct str text = r->turn->content;
    if (text.n <= most)
        return sentences_each(text, read_sentence, r);
    struct str head = text_cut(text, most * 3 / 4), tail = str_skip(text, text.n - most / 4);
    while (tail.n && ((unsigned char)tail.p[0] & 0xC0) == 0x80)
        tail = str_skip(tail, 1);
    return sentences_each(head, read_sentence, r) && sentences_each(tail, read_sentence, r);
}

bool talk_read(struct talk *t, const struct digest_turn *turns, size_t n)
{
    struct reading *r = arena_alloc(t->arena, sizeof *r);
    size_t most = n ? DIGEST_BYTES / n : TURN_BYTES_MOST;
    most = most < TURN_BYTES_LEAST ? TURN_BYTES_LEAST : most > TURN_BYTES_MOST ? TURN_BYTES_MOST : most;
    if (!r || !lexicon_open(t->arena, &t->vocabulary.lexicon))
        return false;
    t->turns = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        struct str name = turns[i].agent.n ? turns[i].agent : turns[i].role;
        r->talk = t;
        r->turn = &turns[i];
        r->number = (uint32_t)i;
        r->speaker = name.n ? names_number(t->arena, &t->speakers, name, true) : NO_NAME;
        if (!read_turn(r, most))
            return false;
    }
    t->spoken = arena_array(t->arena, uint32_t, (size_t)t->speakers.n + 1);
    for (size_t i = 0; t->spoken && i < t->n; i++)
        if (t->sentences[i].speaker != NO_NAME)
            t->spoken[t->sentences[i].speaker]++;
    mark_names(&t->vocabulary);
    return t->spoken && mark_speakers(t);
}
