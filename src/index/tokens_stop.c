/* Words that say nothing about what a text is about, question words included. Apostrophes part words ("didn't" is didn,
 * t), hence the rumps. */
#include "index/tokens_int.h"

#include <string.h>

enum { STOP_BYTES = 10 };
/* Sorted; each in a room of the same size, so that a word is compared by two machine words. */
static const char STOPS[][12] = {
    "a",       "about",   "after",      "again",     "all",     "also",     "am",        "an",     "and",    "any",
    "are",     "aren",    "as",         "at",        "be",      "because",  "been",      "before", "being",  "both",
    "but",     "by",      "can",        "cannot",    "could",   "couldn",   "d",         "did",    "didn",   "do",
    "does",    "doesn",   "doing",      "don",       "during",  "each",     "ever",      "every",  "few",    "for",
    "from",    "further", "get",        "gets",      "getting", "go",       "goes",      "going",  "got",    "had",
    "hadn",    "has",     "hasn",       "have",      "haven",   "having",   "he",        "her",    "here",   "hers",
    "herself", "him",     "himself",    "his",       "how",     "i",        "if",        "in",     "into",   "is",
    "isn",     "it",      "its",        "itself",    "just",    "let",      "ll",        "m",      "many",   "may",
    "me",      "might",   "more",       "most",      "much",    "must",     "my",        "myself", "no",     "nor",
    "not",     "of",      "off",        "on",        "once",    "only",     "or",        "other",  "our",    "ours",
    "out",     "over",    "own",        "re",        "s",       "same",     "shall",     "she",    "should", "shouldn",
    "so",      "some",    "someone",    "something", "such",    "t",        "than",      "that",   "the",    "their",
    "theirs",  "them",    "themselves", "then",      "there",   "these",    "they",      "thing",  "things", "this",
    "those",   "through", "to",         "too",       "under",   "until",    "up",        "us",     "ve",     "very",
    "was",     "wasn",    "we",         "well",      "were",    "weren",    "what",      "when",   "where",  "whether",
    "which",   "while",   "who",        "whom",      "whose",   "why",      "will",      "with",   "won",    "would",
    "wouldn",  "yes",     "you",        "your",      "yours",   "yourself", "yourselves"};
/* Where the words with each letter begin in STOPS; last, how many words there are. */
static const unsigned char FIRST[27] = {0,  14,  22,  26,  35,  38,  42,  49,  65,  74,  75,  75,  77, 88,
                                        91, 103, 103, 103, 104, 115, 134, 138, 140, 161, 161, 167, 167};
_Static_assert(sizeof STOPS / sizeof *STOPS == 167, "FIRST is of other words");

bool token_stops(const char *low, size_t n)
{
    char padded[sizeof *STOPS] = {0};
    uint64_t head, of_head;
    uint32_t rest, of_rest;
    unsigned letter = (unsigned)(unsigned char)low[0] - 'a';
    if (n == 0 || n > STOP_BYTES || letter > 25)
        return false;
    memcpy(padded, low, n);
    memcpy(&head, padded, sizeof head);
    memcpy(&rest, padded + sizeof head, sizeof rest);
    for (size_t i = FIRST[letter]; i < FIRST[letter + 1]; i++) {
        memcpy(&of_head, STOPS[i], sizeof of_head);
        memcpy(&of_rest, STOPS[i] + sizeof of_head, sizeof of_rest);
        if (of_head == head && of_rest == rest)
            return true;
    }
    return false;
}

bool token_is_stop(struct str word)
{
    char low[STOP_BYTES];
    if (word.n > STOP_BYTES)
        return false;
    for (size_t i = 0; i < word.n; i++)
        low[i] = (char)TOKEN_LOWER[(unsigned char)word.p[i]];
    return word.n && token_stops(low, word.n);
}
