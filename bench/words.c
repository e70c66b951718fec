/* The text generator of the benchmarks: see words.h. No randomness from outside, no floating-point rounding that
 * could differ between machines in the text itself (weights are integers). */
#include "words.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COMMON = 100, WORD_MAX = 16, PICKS = 5, PROSE_BYTES = 440, CHAT_IN_TEN = 3 };

struct words {
    uint64_t seed;
    uint64_t upto[WORDS_RANKS]; /* sum of the weights of ranks 0 … i */
    char text[WORDS_RANKS][WORD_MAX];
};

/* Content words that a text used, for the question about it. */
struct picks {
    const char *word[PICKS];
    int n;
};

static const char COMMON_WORDS[COMMON][8] = {
    "the",   "be",    "to",    "of",   "and",  "a",     "in",   "that",  "have",    "it",   "for",   "not",
    "on",    "with",  "he",    "as",   "you",  "do",    "at",   "this",  "but",     "his",  "by",    "from",
    "they",  "we",    "say",   "her",  "she",  "or",    "an",   "will",  "my",      "one",  "all",   "would",
    "there", "their", "what",  "so",   "up",   "out",   "if",   "about", "who",     "get",  "which", "go",
    "me",    "when",  "make",  "can",  "like", "time",  "no",   "just",  "him",     "know", "take",  "people",
    "into",  "year",  "your",  "good", "some", "could", "them", "see",   "other",   "than", "then",  "now",
    "look",  "only",  "come",  "its",  "over", "think", "also", "back",  "after",   "use",  "two",   "how",
    "our",   "work",  "first", "well", "way",  "even",  "new",  "want",  "because", "any",  "these", "give",
    "day",   "most",  "us",    "is"};

static const char *const NAMES[] = {"Anna",  "Boris", "Carla", "Dmitri", "Elena",  "Felix",  "Greta", "Hugo",
                                    "Irene", "Jonas", "Karin", "Leo",    "Mona",   "Nils",   "Olga",  "Pablo",
                                    "Quinn", "Rosa",  "Sven",  "Tara",   "Ursula", "Viktor", "Wanda", "Xavier",
                                    "Yara",  "Zoe",   "Amir",  "Bella",  "Cyril",  "Doris"};
static const char *const PLACES[] = {"the lake",     "the museum",           "the new market", "the mountains",
                                     "the office",   "the harbour",          "the library",    "the old bridge",
                                     "the hospital", "the community centre", "the beach",      "the station",
                                     "the workshop", "the forest",           "the theatre",    "the bakery",
                                     "the airport",  "the clinic",           "the stadium",    "the village"};
static const char *const THINGS[] = {"pottery",   "camping",  "painting", "guitar",    "garden",    "marathon",
                                     "recipe",    "database", "sunrise",  "adoption",  "bicycle",   "kitten",
                                     "chess",     "poetry",   "election", "migration", "telescope", "violin",
                                     "sourdough", "wedding",  "startup",  "invoice",   "surgery",   "backpack",
                                     "lantern",   "festival", "scooter",  "drawing",   "parser",    "mortgage"};
static const char *const FEELINGS[] = {"proud",   "nervous",  "grateful", "exhausted",  "excited",  "lonely",
                                       "curious", "relieved", "inspired", "worried",    "peaceful", "confused",
                                       "hopeful", "annoyed",  "cheerful", "overwhelmed"};
static const char *const DOINGS[] = {"finished",  "started", "lost",   "repaired",  "planned", "cancelled",
                                     "practised", "sold",    "bought", "painted",   "shared",  "visited",
                                     "studied",   "won",     "missed", "celebrated"};
static const char *const TIMES[] = {"last Tuesday", "yesterday",   "two weeks ago", "in June",
                                    "this morning", "last summer", "on Saturday",   "tonight",
                                    "in October",   "next week",   "a month ago",   "at Christmas"};

/* $N name, $P place, $T thing, $F feeling, $D doing, $W when. */
static const char *const CHAT[] = {
    "Hey $N! I $D the $T at $P $W and it left me so $F.",
    "Wow, that's great, $N! How did the $T go at $P? I was $F just thinking of it.",
    "I'm $F about the $T. We $D it $W, near $P, and $N came along too.",
    "$N told me that they $D their $T $W. Were you at $P as well?",
    "Thanks, $N. The $T means a lot to me, I've felt $F since we $D it at $P.",
    "Guess what, $N: $W I $D a $T! The people at $P were $F with me.",
};
static const char *const MORE[] = {
    " What have you been up to since?",
    " It was a lot of work but I would do it again.",
    "",
    " Let me know what you think!",
    " My sister wants to try the $T too.",
    " We should go to $P together.",
};
static const char *const ASK[] = {
    "When did we say that the %s and the %s had something to do with %s, and was %s there with %s?",
    "What did you tell me about %s and %s after the %s, and why was it %s for %s?",
    "Who was it that had the %s and the %s, and how does %s go with the %s and %s?",
};

/* ---- numbers ---- */

static uint64_t next(uint64_t *state) /* splitmix64 */
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t below(uint64_t *state, uint64_t n)
{
    return next(state) % n;
}
#define ONE_OF(state, list) (list)[below((state), sizeof(list) / sizeof((list)[0]))]

static uint64_t start(const struct words *w, uint64_t number)
{
    uint64_t state = w->seed ^ (number * 0xd1342543de82ef95u);
    (void)next(&state);
    return state;
}

/* ---- the vocabulary ---- */

/* Two syllables and more for the rarer half; the multiplication scatters neighbours, so that ranks do not show. */
static void make_word(unsigned rank, char *out)
{
    static const char *const onset[] = {"b", "d", "f", "g", "h",  "j",  "k",  "l",  "m",  "n",  "p",  "r",
                                        "s", "t", "v", "z", "br", "st", "tr", "pl", "ch", "sh", "gr", "kl"};
    static const char *const nucleus[] = {"a", "e", "i", "o", "u", "ai", "ou", "ee"};
    static const char *const coda[] = {"", "n", "r", "l", "m", "k", "t"};
    enum { SYLLABLES = 24 * 8 * 7 };
    uint64_t k = (uint64_t)rank * 1234577u % ((uint64_t)SYLLABLES * SYLLABLES);
    size_t n = 0;
    for (int i = 0; i < 2; i++) {
        unsigned s = (unsigned)(k % SYLLABLES);
        k /= SYLLABLES;
        n += (size_t)snprintf(out + n, WORD_MAX - n, "%s%s%s", onset[s % 24], nucleus[s / 24 % 8], coda[s / 192]);
    }
    if (rank > WORDS_RANKS / 4)
        (void)snprintf(out + n, WORD_MAX - n, "%s%s", onset[rank % 16], nucleus[rank / 16 % 8]);
}

struct words *words_new(uint64_t seed)
{
    struct words *w = calloc(1, sizeof *w);
    uint64_t sum = 0;
    if (!w)
        return NULL;
    w->seed = seed;
    for (unsigned i = 0; i < WORDS_RANKS; i++) {
        sum += 1000000000u / (i + 1);
        w->upto[i] = sum;
        if (i < COMMON)
            memcpy(w->text[i], COMMON_WORDS[i], sizeof COMMON_WORDS[i]);
        else
            make_word(i, w->text[i]);
    }
    return w;
}

void words_free(struct words *w)
{
    free(w);
}

const char *words_name(uint64_t number)
{
    return NAMES[number % (sizeof NAMES / sizeof NAMES[0])];
}

static unsigned draw(const struct words *w, uint64_t *state)
{
    uint64_t x = below(state, w->upto[WORDS_RANKS - 1]);
    unsigned low = 0, high = WORDS_RANKS - 1;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (w->upto[middle] > x)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* ---- texts ---- */

static void pick(struct picks *p, const char *word)
{
    if (!p || p->n == PICKS)
        return;
    for (int i = 0; i < p->n; i++)
        if (strcmp(p->word[i], word) == 0)
            return;
    p->word[p->n++] = word;
}

static size_t prose(const struct words *w, uint64_t state, size_t least, char *out, struct picks *p)
{
    size_t n = 0, target = least + below(&state, 120);
    int in_sentence = 0, length = 0;
    while (n < target) {
        unsigned rank = draw(w, &state);
        if (in_sentence == length) {
            n += (size_t)snprintf(out + n, WORDS_TEXT_MAX - n, "%s", n ? ". " : "");
            in_sentence = 0;
            length = 7 + (int)below(&state, 12);
        }
        /* Not the first content words: they would all come from one sentence. */
        if (rank >= COMMON && below(&state, 4) == 0)
            pick(p, w->text[rank]);
        n += (size_t)snprintf(out + n, WORDS_TEXT_MAX - n, "%s%s", in_sentence ? " " : "", w->text[rank]);
        in_sentence++;
    }
    n += (size_t)snprintf(out + n, WORDS_TEXT_MAX - n, ".");
    return n;
}

static const char *filler(char what, uint64_t *state)
{
    switch (what) {
    case 'N':
        return ONE_OF(state, NAMES);
    case 'P':
        return ONE_OF(state, PLACES);
    case 'T':
        return ONE_OF(state, THINGS);
    case 'F':
        return ONE_OF(state, FEELINGS);
    case 'D':
        return ONE_OF(state, DOINGS);
    default:
        return ONE_OF(state, TIMES);
    }
}

static size_t fill(char *out, size_t n, const char *pattern, uint64_t *state, struct picks *p)
{
    for (const char *c = pattern; *c && n + 32 < WORDS_TEXT_MAX; c++) {
        if (*c != '$') {
            out[n++] = *c;
            continue;
        }
        const char *word = filler(*++c, state);
        if (*c != 'W')
            pick(p, word);
        n += (size_t)snprintf(out + n, WORDS_TEXT_MAX - n, "%s", word);
    }
    out[n] = '\0';
    return n;
}

static size_t chat(uint64_t state, char *out, struct picks *p)
{
    size_t n = fill(out, 0, ONE_OF(&state, CHAT), &state, p);
    n = fill(out, n, ONE_OF(&state, MORE), &state, p);
    /* All patterns have four fillers and more, the question wants five words. */
    while (p && p->n < PICKS)
        pick(p, ONE_OF(&state, THINGS));
    return n;
}

static size_t turn(const struct words *w, uint64_t number, char *out, struct picks *p)
{
    uint64_t state = start(w, number);
    if (below(&state, 10) < CHAT_IN_TEN)
        return chat(state, out, p);
    return prose(w, state, PROSE_BYTES, out, p);
}

size_t words_prose(const struct words *w, uint64_t number, char *out)
{
    return prose(w, start(w, number), PROSE_BYTES, out, NULL);
}

size_t words_filler(const struct words *w, uint64_t number, size_t bytes, char *out)
{
    return prose(w, start(w, number), bytes < PROSE_BYTES ? bytes : PROSE_BYTES, out, NULL);
}

size_t words_turn(const struct words *w, uint64_t number, char *out)
{
    return turn(w, number, out, NULL);
}

size_t words_question(const struct words *w, uint64_t number, char *out)
{
    struct picks p = {.n = 0};
    uint64_t state = start(w, ~number);
    (void)turn(w, number, out, &p);
    while (p.n < PICKS) /* a text with few content words */
        pick(&p, w->text[COMMON + below(&state, 5000)]);
    char question[WORDS_TEXT_MAX];
    const char *ask = ASK[below(&state, sizeof ASK / sizeof ASK[0])];
    size_t n = 0;
    int i = 0;
    for (const char *c = ask; *c && n + 32 < sizeof question; c++) {
        if (*c == '%' && i < PICKS) {
            n += (size_t)snprintf(question + n, sizeof question - n, "%s", p.word[i++]);
            c++;
        } else {
            question[n++] = *c;
        }
    }
    question[n] = '\0';
    memcpy(out, question, n + 1);
    return n;
}
