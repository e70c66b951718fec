/* The background task that packs older turns (store/pack.h), some at a time so that other tasks get their turn. */
#include "service/packing.h"

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "store/pack.h"

enum { BATCH = 500, MOST = 100000 };
static const int64_t DAY_MS = INT64_C(86400000);

enum err_code packing_run(struct service *svc, struct arena *a, struct err *e)
{
    (void)a;
    int64_t days = config_int(svc->options.config, "store.pack_after_days");
    struct pack_result r = {.more = days >= 0}, all = {0};
    enum err_code code = ERR_OK;
    while (r.more && !code && all.looked < MOST) {
        code = store_pack(svc->store, clock_now_ms() - days * DAY_MS, BATCH, &r, e);
        all.looked += r.looked;
        all.packed += r.packed;
        all.bytes_before += r.bytes_before;
        all.bytes_after += r.bytes_after;
    }
    if (all.packed)
        log_event(LOG_INFO, "turns_packed", L_INT("turns", all.packed), L_INT("bytes_before", all.bytes_before),
                  L_INT("bytes_after", all.bytes_after));
    return code;
}
