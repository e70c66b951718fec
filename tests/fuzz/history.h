/* Any bytes as a file of one of the formats of histories. What is told must be in order (told.h aborts otherwise),
 * twice the same, and a reading that goes on from a mark in the middle must tell exactly the records behind it. */
#ifndef CAIRN_FUZZ_HISTORY_H
#define CAIRN_FUZZ_HISTORY_H

#include "../unit/history/told.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

__attribute__((unused)) static int fuzz_history(const struct history_format *f, const char *path, const uint8_t *data,
                                                size_t size)
{
    const struct str bytes = {(const char *)data, size};
    struct told whole = {0}, again = {0};
    told_read(&whole, f, path, bytes, 0);
    again.border = whole.middle > 0 ? whole.middle : 0;
    told_read(&again, f, path, bytes, 0);
    if (whole.code != again.code || whole.text.n != again.text.n ||
        memcmp(whole.text.p, again.text.p, whole.text.n) != 0)
        abort();
    if (whole.middle > 0 && !whole.code) {
        struct told rest = {0};
        told_read(&rest, f, path, bytes, whole.middle);
        if (rest.code || rest.records != (size_t)again.behind)
            abort();
        told_free(&rest);
    }
    told_free(&whole);
    told_free(&again);
    return 0;
}

#endif
