/* Parts of a text by the hashes of what it begins with: see grown.h. */
#include "history/grown.h"

#include "history/often.h"

enum { FIRST_BYTES = 64 };

/* Behind the first space at or after `at`; 0: there is none yet, and more of a word may follow. */
static size_t end_of_word(struct str content, size_t at, size_t to)
{
    while (at < to && content.p[at] != ' ' && content.p[at] != '\n')
        at++;
    return at < to ? at + 1 : 0;
}

size_t grown_parts(struct arena *a, struct str key, struct str content, size_t from, size_t to,
                   struct history_part *out)
{
    size_t n = 0, at = from, length = FIRST_BYTES;
    while (at < to && n < GROWN_PARTS) {
        size_t end = n + 1 < GROWN_PARTS && to - from > length ? end_of_word(content, from + length, to) : 0;
        end = end ? end : to;
        const struct str begin = {content.p + from, end - from};
        out[n++] = (struct history_part){
            arena_fmt(a, "%.*s/=%llx", STR_ARG(key), (unsigned long long)often_hash(&begin, 1)), at};
        at = end;
        length *= 2;
    }
    return n;
}
