/* What one turn teaches about who spoke: topics and phrases. Rules and counting only, no model; English where stop
 * words matter, other languages by repetition alone. */
#ifndef CAIRN_SERVICE_LESSON_H
#define CAIRN_SERVICE_LESSON_H

#include "base/err.h"
#include "service/tally.h"

/* Longer turns are mostly dumps of files and logs: the beginning is looked at. */
enum { LESSON_BYTES = 8 * 1024, TOPICS_TALLY = 64, PHRASES_TALLY = 256, PHRASE_BYTES = 80 };

/* Counts each topic of the turn once: words of four letters and more, no stop words, told apart by their stems. */
enum err_code lesson_topics(struct tally *topics, struct str turn, struct err *e);
/* Counts each phrase of two or three words, as often as it is there. A phrase lies within a sentence (no mark between
 * its words) and outside of fenced code; its first and last word are neither stop words nor numbers. In lower case
 * (ASCII letters). False: out of memory. */
bool lesson_phrases(struct tally *phrases, struct str turn);

#endif
