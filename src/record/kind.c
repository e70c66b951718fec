/* Finding kinds and fields by name. What: look-ups over the table of kinds. Why: everything generic
 * starts from a name that a person or a route gave. Not here: the table itself (kinds.c). */
#include "record/kind.h"

const struct kind *kind_find(struct str name_or_plural)
{
    size_t n;
    const struct kind *all = kinds_all(&n);
    for (size_t i = 0; i < n; i++)
        if (str_is(name_or_plural, all[i].name) || str_is(name_or_plural, all[i].plural))
            return &all[i];
    return NULL;
}

int kind_number(const struct kind *k)
{
    size_t n;
    return (int)(k - kinds_all(&n));
}

int kind_field(const struct kind *k, struct str name)
{
    for (size_t i = 0; i < k->n_fields; i++)
        if (str_is(name, k->fields[i].name))
            return (int)i;
    return -1;
}
