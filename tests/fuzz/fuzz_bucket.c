/* Any bytes as a bucket's list of objects and of versions, and as an error's answer. What is taken for a list has
 * names, sizes that are none below nought, and a place to go on from where it says that there is more. */
#include "doors/s3/listing.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void list(struct str text, bool versions)
{
    struct s3_listing l;
    struct err e = {0};
    struct arena *a = arena_new();
    if (!a)
        abort();
    enum err_code code = s3_listing_read(a, text, versions, &l, &e);
    if (code && code != ERR_UNAVAILABLE && code != ERR_NOMEM)
        abort();
    for (size_t i = 0; !code && i < l.n; i++)
        if (!l.objects[i].key.n || l.objects[i].bytes < 0 || !l.objects[i].version.p)
            abort();
    if (!code && l.more && (l.n == 0 || !(versions ? l.key_marker : l.token).n))
        abort();
    arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char word[60], *copy = malloc(size + 1);
    if (!copy)
        abort();
    memcpy(copy, data, size); /* nothing is read behind its end */
    const struct str text = {copy, size};
    list(text, false);
    list(text, true);
    s3_error_code(text, word);
    if (strlen(word) >= sizeof word)
        abort();
    free(copy);
    return 0;
}
