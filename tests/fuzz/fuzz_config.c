/* cairn.toml: whatever is read gives entries whose keys and texts are bytes of the arena; no crash, no deep stack. */
#include "config/toml.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct toml_entry *entries;
    struct err e = {0};
    size_t n = 0;
    unsigned line = 0;
    struct arena *a = arena_new();
    if (!a)
        return 0;
    if (toml_read(a, (struct str){(const char *)data, size}, &entries, &n, &line, &e) == ERR_OK) {
        for (size_t i = 0; i < n; i++) {
            if (!entries[i].key.p || !entries[i].text.p || entries[i].line == 0)
                abort();
        }
    } else if (line == 0 || !e.message[0]) {
        abort();
    }
    arena_free(a);
    return 0;
}
