/* Words that say nothing about what a text is about, question words included. Apostrophes part words ("didn't" is didn,
 * t), hence the rumps. Half the words of a text are among them, so each word is looked up with one multiplication: the
 * factor was tried out until no two of them met in one slot. Whoever changes the words tries out another; the unit test
 * looks for every one. */
#include "index/tokens_int.h"

#include <endian.h>
#include <string.h>

enum { STOP_BYTES = 10, SLOT_BITS = 10 };
static const uint64_t FACTOR = UINT64_C(0x9de7060dca0708d3);

/* Sorted; each in a room of the same size, so that a word is compared at once. */
static const char STOPS[][STOP_ROOM] = {
    "a",       "about",   "after",      "again",     "all",     "also",     "am",         "an",     "and",    "any",
    "are",     "aren",    "as",         "at",        "be",      "because",  "been",       "before", "being",  "both",
    "but",     "by",      "can",        "cannot",    "could",   "couldn",   "d",          "did",    "didn",   "do",
    "does",    "doesn",   "doing",      "don",       "during",  "each",     "ever",       "every",  "few",    "for",
    "from",    "further", "get",        "gets",      "getting", "go",       "goes",       "going",  "got",    "had",
    "hadn",    "has",     "hasn",       "have",      "haven",   "having",   "he",         "her",    "here",   "hers",
    "herself", "him",     "himself",    "his",       "how",     "i",        "if",         "in",     "into",   "is",
    "isn",     "it",      "its",        "itself",    "just",    "let",      "ll",         "m",      "many",   "may",
    "me",      "might",   "more",       "most",      "much",    "must",     "my",         "myself", "no",     "nor",
    "not",     "of",      "off",        "on",        "once",    "only",     "or",         "other",  "our",    "ours",
    "out",     "over",    "own",        "re",        "s",       "same",     "shall",      "she",    "should", "shouldn",
    "so",      "some",    "someone",    "something", "such",    "t",        "than",       "that",   "the",    "their",
    "theirs",  "them",    "themselves", "then",      "there",   "these",    "they",       "thing",  "things", "this",
    "those",   "through", "to",         "too",       "under",   "until",    "up",         "us",     "ve",     "very",
    "was",     "wasn",    "we",         "well",      "were",    "weren",    "what",       "when",   "where",  "whether",
    "which",   "while",   "who",        "whom",      "whose",   "why",      "will",       "with",   "won",    "would",
    "wouldn",  "yes",     "you",        "your",      "yours",   "yourself", "yourselves",
};
/* One more than the place in STOPS of the word whose first 8 bytes (zeros behind it), as a little-endian number times
 * FACTOR, begin with these SLOT_BITS bits. */
static const unsigned char SLOTS[1 << SLOT_BITS] = {
    [850] = 1,   [757] = 2,   [28] = 3,    [552] = 4,   [867] = 5,   [1015] = 6,  [200] = 7,   [100] = 8,   [474] = 9,
    [982] = 10,  [98] = 11,   [21] = 12,   [625] = 13,  [525] = 14,  [607] = 15,  [136] = 16,  [928] = 17,  [742] = 18,
    [292] = 19,  [985] = 20,  [793] = 21,  [657] = 22,  [206] = 23,  [933] = 24,  [752] = 25,  [776] = 26,  [696] = 27,
    [820] = 28,  [743] = 29,  [871] = 30,  [444] = 31,  [248] = 32,  [556] = 33,  [463] = 34,  [262] = 35,  [795] = 36,
    [321] = 37,  [822] = 38,  [895] = 39,  [799] = 40,  [294] = 41,  [227] = 42,  [430] = 43,  [629] = 44,  [106] = 45,
    [718] = 46,  [291] = 47,  [403] = 48,  [455] = 49,  [50] = 50,   [997] = 51,  [413] = 52,  [336] = 53,  [936] = 54,
    [740] = 55,  [787] = 56,  [300] = 57,  [1013] = 58, [440] = 59,  [188] = 60,  [382] = 61,  [492] = 62,  [886] = 63,
    [638] = 64,  [135] = 65,  [783] = 66,  [832] = 67,  [33] = 68,   [772] = 69,  [557] = 70,  [149] = 71,  [457] = 72,
    [170] = 73,  [655] = 74,  [956] = 75,  [516] = 76,  [80] = 77,   [237] = 78,  [908] = 79,  [644] = 80,  [387] = 81,
    [582] = 82,  [551] = 83,  [378] = 84,  [778] = 85,  [803] = 86,  [436] = 87,  [634] = 88,  [19] = 89,   [732] = 90,
    [780] = 91,  [526] = 92,  [948] = 93,  [751] = 94,  [527] = 95,  [824] = 96,  [351] = 97,  [13] = 98,   [764] = 99,
    [963] = 100, [812] = 101, [493] = 102, [467] = 103, [473] = 104, [955] = 105, [498] = 106, [130] = 107, [178] = 108,
    [707] = 109, [494] = 110, [105] = 111, [123] = 112, [228] = 113, [825] = 114, [471] = 115, [562] = 116, [636] = 117,
    [967] = 118, [810] = 119, [422] = 120, [586] = 121, [678] = 122, [177] = 123, [733] = 124, [653] = 125, [708] = 126,
    [316] = 127, [97] = 128,  [261] = 129, [82] = 130,  [950] = 131, [845] = 132, [737] = 133, [353] = 134, [209] = 135,
    [65] = 136,  [244] = 137, [969] = 138, [951] = 139, [146] = 140, [671] = 141, [594] = 142, [559] = 143, [939] = 144,
    [698] = 145, [502] = 146, [814] = 147, [580] = 148, [500] = 149, [684] = 150, [145] = 151, [266] = 152, [899] = 153,
    [767] = 154, [797] = 155, [117] = 156, [539] = 157, [512] = 158, [175] = 159, [73] = 160,  [96] = 161,  [511] = 162,
    [584] = 163, [728] = 164, [476] = 165, [34] = 166,  [226] = 167,
};

bool token_stops(const char *low, size_t n)
{
    uint64_t head, of_head;
    uint32_t rest, of_rest;
    if (n == 0 || n > STOP_BYTES)
        return false;
    memcpy(&head, low, sizeof head);
    memcpy(&rest, low + sizeof head, sizeof rest);
    head = le64toh(head);
    rest = le32toh(rest);
    head &= n < 8 ? (UINT64_C(1) << 8 * n) - 1 : ~UINT64_C(0);
    rest &= n > 8 ? (UINT32_C(1) << 8 * (n - 8)) - 1 : 0;
    unsigned at = SLOTS[head * FACTOR >> (64 - SLOT_BITS)];
    if (!at)
        return false;
    memcpy(&of_head, STOPS[at - 1], sizeof of_head);
    memcpy(&of_rest, STOPS[at - 1] + sizeof of_head, sizeof of_rest);
    return le64toh(of_head) == head && le32toh(of_rest) == rest;
}

bool token_is_stop(struct str word)
{
    char low[STOP_ROOM] = {0};
    if (word.n > STOP_BYTES)
        return false;
    for (size_t i = 0; i < word.n; i++)
        low[i] = (char)TOKEN_LOWER[(unsigned char)word.p[i]];
    return token_stops(low, word.n);
}
