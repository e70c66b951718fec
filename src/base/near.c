/* Names compared by edit distance. Only short ones are: nobody misspells a name of more than 40 letters by one. */
#include "base/near.h"

/* Edit distance (Levenshtein) of two short names, case folded; more than 40 characters count as far. */
static size_t distance(struct str a, struct str b)
{
    size_t row[42];
    if (a.n > 40 || b.n > 40)
        return 99;
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t best = diagonal + ((a.p[i - 1] | 32) != (b.p[j - 1] | 32));
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b.n];
}

struct near near_begin(struct str wanted)
{
    return (struct near){wanted, STR_NONE, wanted.n / 3 + 2}; /* a name that far off is another name */
}

void near_try(struct near *n, struct str name)
{
    size_t d = distance(n->wanted, name);
    if (d < n->edits) {
        n->edits = d;
        n->best = name;
    }
}

const char *near_name(struct str s, const char *const *names, size_t n)
{
    struct near near = near_begin(s);
    for (size_t i = 0; i < n; i++)
        near_try(&near, str_of(names[i]));
    return near.best.p; /* a whole name, so it ends with its NUL */
}
