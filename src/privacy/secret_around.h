/* What is around a match: the sign before the value, quotes, the end of the line, the sentence or the command. All of
 * it within what a detector is shown of the text (detector.h). */
#ifndef CAIRN_PRIVACY_SECRET_AROUND_H
#define CAIRN_PRIVACY_SECRET_AROUND_H

#include "privacy/detector.h"

/* The sign between name and value, and whether white space stands around it. */
struct around_sign {
    char c; /* = : , | or 0 */
    bool spaced, compares;
};

struct str around_span(const struct detector_match *m, size_t start, size_t end);
char around_byte(const struct detector_match *m, size_t i); /* 0 behind the end */
struct around_sign around_sign(const struct detector_match *m, size_t start);
/* The quote that encloses the span, 0: none. */
char around_quote(const struct detector_match *m, size_t start, size_t end);
/* An unquoted value without what belongs to the sentence or to the code around it. */
void around_trim(const struct detector_match *m, size_t *start, size_t *end);
/* Ends the value at the first of these bytes or at an escaped line end. */
void around_stop(const struct detector_match *m, size_t start, size_t *end, const char *stops);
/* Ends the value before "&name=" or ", name:": it is one of several. */
void around_next_parameter(const struct detector_match *m, size_t start, size_t *end);
/* "user/password: bob/x": the value begins behind the slash. */
void around_behind_user(const struct detector_match *m, size_t *start, size_t end);
/* The name stands at the start of its line; nothing but closing signs follows on the line. */
bool around_starts_line(const struct detector_match *m);
bool around_ends_line(const struct detector_match *m, size_t end);
bool around_ends_sentence(const struct detector_match *m, size_t end);
/* A command goes on or ends behind its argument, and no sentence does. */
bool around_command_goes_on(const struct detector_match *m, size_t end);
bool around_upper_name(const struct detector_match *m); /* DB_PASSWORD: a variable of the environment */
bool around_row(const struct detector_match *m);        /* a bar stands before the name: a table's row */
/* Part of a mask that stands there already: ****1234. */
bool around_starred(const struct detector_match *m, size_t start, size_t end);
bool around_call(const struct detector_match *m, size_t end);
/* The word before the value links it to its name ("is", a colon; less firmly "to", "as"). */
bool around_linked(const struct detector_match *m, size_t start, bool *firmly);
/* A refused match is searched again from its value on, which may hold a name and a value of its own. */
double around_refuse(const size_t *start, size_t *end);

#endif
