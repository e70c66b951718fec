/* Packs all that can be packed in a store, as the server's background task does for turns of a certain age.
 * Usage: pack DIR    prints {"looked","packed","bytes_before","bytes_after","seconds"} */
#include "store/pack.h"
#include "base/clock.h"

#include <stdio.h>

enum { BATCH = 500 };

int main(int argc, char **argv)
{
    struct store *s = NULL;
    struct err e = {0};
    struct store_options o = {.dir = argc == 2 ? argv[1] : NULL, .sync_normal = true};
    struct pack_result r = {.more = true}, all = {0};
    int64_t began = clock_mono_us();
    if (!o.dir) {
        fputs("usage: pack DIR\n", stderr);
        return 2;
    }
    enum err_code code = store_open(&o, &s, &e);
    while (!code && r.more) {
        code = store_pack(s, clock_now_ms() + 1, BATCH, &r, &e);
        all.looked += r.looked;
        all.packed += r.packed;
        all.bytes_before += r.bytes_before;
        all.bytes_after += r.bytes_after;
    }
    if (s)
        store_close(s);
    if (code) {
        fprintf(stderr, "pack: %s\n", e.message);
        return 1;
    }
    printf("{\"looked\":%lld,\"packed\":%lld,\"bytes_before\":%lld,\"bytes_after\":%lld,\"seconds\":%.3f}\n",
           (long long)all.looked, (long long)all.packed, (long long)all.bytes_before, (long long)all.bytes_after,
           (double)(clock_mono_us() - began) / 1e6);
    return 0;
}
