/* Maintenance on demand: retention with days of one's own, vitality, packing, vacuum, in this order, because each makes
 * room for the next. One at a time in a process: a second call is refused, not queued, so that impatient callers do not
 * pile up. The same work by itself, every so often: background_table.c. */
#include "service/features.h"
#include "service/retention.h"
#include "service/service.h"
#include "service/vitality.h"

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "search/meaning.h"
#include "store/pack.h"

enum { PACK_BATCH = 500, PACK_MS = 60000 };
static const int64_t DAY_MS = INT64_C(86400000);

static enum err_code clean_up(struct op_call *c, bool dry_run, struct err *e)
{
    int64_t days = op_int(c, "cleanup_days", 0);
    struct retention_done d;
    if (days == 0)
        return ERR_OK;
    enum err_code code =
        retention_run(c->svc, &(struct retention_wish){.days = days, .dry_run = dry_run, .limit = 100000}, &d, e);
    jw_key(c->out, "cleanup");
    jw_object(c->out);
    jw_kint(c->out, "days", days);
    jw_kint(c->out, "sessions_archived", d.archived);
    jw_kint(c->out, "sessions_expired", d.expired);
    jw_kint(c->out, "conversations_summarized", d.conversations);
    jw_kint(c->out, "turns_removed", d.turns);
    jw_kint(c->out, "failed", d.failed);
    jw_kbool(c->out, "more", d.more);
    jw_end_object(c->out);
    return code;
}

static enum err_code fade(struct op_call *c, bool dry_run, struct err *e)
{
    struct vitality_done d = {0};
    if (!op_bool(c, "vitality", false))
        return ERR_OK;
    enum err_code code = dry_run ? ERR_OK : vitality_run(c->svc, c->arena, &d, e);
    jw_key(c->out, "vitality");
    jw_object(c->out);
    jw_kint(c->out, "events_seen", d.seen);
    jw_kint(c->out, "events_written", d.written);
    jw_kint(c->out, "events_archived", d.archived);
    jw_end_object(c->out);
    return code;
}

static enum err_code pack(struct op_call *c, bool dry_run, struct err *e)
{
    int64_t days = config_int(c->svc->options.config, "store.pack_after_days"), now = clock_now_ms();
    struct pack_result r = {.more = !dry_run && days >= 0}, all = {0};
    enum err_code code = ERR_OK;
    if (!op_bool(c, "pack", false))
        return ERR_OK;
    while (r.more && !code && clock_now_ms() < now + PACK_MS) {
        code = store_pack(c->svc->store, now - days * DAY_MS, PACK_BATCH, &r, e);
        all.looked += r.looked;
        all.packed += r.packed;
        all.bytes_before += r.bytes_before;
        all.bytes_after += r.bytes_after;
    }
    jw_key(c->out, "pack");
    jw_object(c->out);
    jw_kint(c->out, "turns_seen", all.looked);
    jw_kint(c->out, "turns_packed", all.packed);
    jw_kint(c->out, "bytes_before", all.bytes_before);
    jw_kint(c->out, "bytes_after", all.bytes_after);
    jw_kbool(c->out, "more", r.more);
    jw_end_object(c->out);
    return code;
}

/* What was deleted goes out of the index's files too. The store's room is given back whether that works now or not: the
 * next merge does it as well. */
static void purge_index(struct service *s)
{
    struct err why = {0};
    if (index_purge(s->index, &why))
        log_error("index_purge_failed", &why);
    why = (struct err){0};
    if (meaning_purge(s->meaning, s->options.dir, &why))
        log_error("vectors_purge_failed", &why);
}

static enum err_code vacuum(struct op_call *c, bool dry_run, struct err *e)
{
    struct store_vacuumed v = {0};
    if (!op_bool(c, "vacuum", false))
        return ERR_OK;
    int64_t start = clock_mono_us();
    v.bytes_before = v.bytes_after = store_disk_bytes(c->svc->store);
    enum err_code code = dry_run ? ERR_OK : store_vacuum(c->svc->store, &v, e);
    if (!code && !dry_run)
        purge_index(c->svc);
    jw_key(c->out, "vacuum");
    jw_object(c->out);
    jw_kint(c->out, "bytes_before", v.bytes_before);
    jw_kint(c->out, "bytes_after", v.bytes_after);
    jw_knum(c->out, "seconds", (double)(clock_mono_us() - start) / 1e6);
    jw_end_object(c->out);
    return code;
}

static enum err_code run(struct op_call *c, struct err *e)
{
    bool dry_run = op_bool(c, "dry_run", false);
    int64_t start = clock_mono_us();
    jw_object(c->out);
    jw_kbool(c->out, "dry_run", dry_run);
    enum err_code code = clean_up(c, dry_run, e);
    if (!code)
        code = fade(c, dry_run, e);
    if (!code)
        code = pack(c, dry_run, e);
    if (!code)
        code = vacuum(c, dry_run, e);
    jw_knum(c->out, "seconds", (double)(clock_mono_us() - start) / 1e6);
    jw_end_object(c->out);
    return code;
}

enum err_code maintenance(struct op_call *c, struct err *e)
{
    if (!op_bool(c, "vacuum", false) && !op_bool(c, "vitality", false) && !op_bool(c, "pack", false) &&
        !op_int(c, "cleanup_days", 0))
        return err_set(e, ERR_INVALID, "vacuum", "say what to do: vacuum, cleanup_days, vitality or pack");
    if (atomic_exchange(&c->svc->maintained, true))
        return err_named(e, ERR_CONFLICT, "MAINTENANCE_RUNNING", "maintenance is under way; try again when it is done");
    enum err_code code = run(c, e);
    atomic_store(&c->svc->maintained, false);
    return code;
}
