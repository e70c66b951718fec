/* A borrowed run of bytes: pointer and length, not NUL-terminated, may hold NUL bytes.
 * It never owns; whoever made the bytes says how long they live. */
#ifndef CAIRN_BASE_STR_H
#define CAIRN_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
#define STR_NONE ((struct str){NULL, 0})

/* printf("%.*s", STR_ARG(s)) */
#define STR_ARG(s) (int)(s).n, (s).p

/* From a NUL-terminated string; NULL gives STR_NONE. */
struct str str_of(const char *c);
bool str_eq(struct str a, struct str b);
bool str_is(struct str a, const char *b);
bool str_ieq(struct str a, struct str b); /* ASCII case folded */
bool str_starts(struct str s, const char *prefix);
bool str_ends(struct str s, const char *suffix);
struct str str_trim(struct str s);                 /* without ASCII white space at both ends */
struct str str_skip(struct str s, size_t n);       /* without the first n bytes, at most all */
struct str str_take(struct str s, size_t n);       /* the first n bytes, at most all */
ptrdiff_t str_find(struct str s, struct str what); /* offset, -1 when absent */
/* Cuts `*rest` at the first `sep`: returns what is before it, `*rest` becomes what is after
 * (STR_NONE when there was no sep). */
struct str str_cut(struct str *rest, char sep);
/* The whole of s as a number; false when it is none or out of range. */
bool str_int(struct str s, int64_t *out);
bool str_double(struct str s, double *out);
int str_cmp(struct str a, struct str b);

#endif
