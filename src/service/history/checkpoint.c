/* The checkpoint that an import leaves, as every end of a piece of work does: one for all that it brought, whatever the
 * number of sessions; figures and no words. */
#include "service/history/int.h"

#include "base/clock.h"
#include "store/records.h"

static struct str day(struct arena *a, int64_t ms)
{
    char text[CLOCK_TEXT];
    clock_format(ms, text);
    return arena_fmt(a, "%.10s", text);
}

static struct str metadata(struct arena *a, struct str run)
{
    return arena_fmt(a, "{\"automatic\":true,\"reason\":\"imported\",\"import_run_id\":\"%.*s\"}", STR_ARG(run));
}

enum err_code checkpoint_write(struct store_tx *tx, struct arena *a, const struct history_wish *w, struct str run,
                               struct str report, const struct history_report *r, struct err *e)
{
    char id[ID_MAX];
    struct record *c = record_new(a, KIND_CHECKPOINT);
    if (!c)
        return err_nomem(e);
    id_make(KIND_CHECKPOINT->id_prefix, id);
    c->id = arena_str(a, str_of(id));
    c->project = w->project.n ? w->project : STR("default");
    struct str title = arena_fmt(a, "Imported: %s, %lld turns", w->format->title, (long long)r->counts.fresh);
    struct str words =
        arena_fmt(a, "%lld turns new, %lld known, in %lld files written from %.*s to %.*s%s",
                  (long long)r->counts.fresh, (long long)r->counts.duplicates, (long long)r->files,
                  STR_ARG(day(a, r->oldest)), STR_ARG(day(a, r->newest)), r->stopped ? "; stopped before the end" : "");
    record_set(c, "title", V_TEXT(title));
    record_set(c, "description", V_TEXT(words));
    record_set(c, "content", V_TEXT(report));
    record_set(c, "metadata", V_TEXT(metadata(a, run)));
    return arena_failed(a) ? err_nomem(e) : record_insert(tx, a, c, e);
}
