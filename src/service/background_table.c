/* Who works behind the writes. */
#include "service/audit.h"
#include "service/background.h"

#include "service/backup_upkeep.h"
#include "service/context_load.h"
#include "service/ephemeral.h"
#include "service/erasure.h"
#include "service/events.h"
#include "service/learning.h"
#include "service/packing.h"
#include "service/patterns/follow.h"
#include "service/redact.h"
#include "service/retention.h"
#include "service/summary_upkeep.h"
#include "service/vitality.h"

/* {name, think, apply}; the empty entry ends the table. */
static const struct follower followers[] = {
    {"events", events_think, events_apply},
    {"patterns", patterns_think, patterns_apply},
    {"learning", learning_think, learning_apply},
    {0},
};

/* {name, seconds, run}; the empty entry ends the table. */
static const struct upkeep_task tasks[] = {
    {"redact", REDACT_SECONDS, redact_task},
    {"pack", 600, packing_run},
    {"summaries", SUMMARY_UPKEEP_SECONDS, summary_upkeep},
    {"vitality", 600, vitality_task},
    {"audit_index", 30, audit_index_task},
    {"audit_cut", 3600, audit_cut_task},
    {"context_loads", 300, context_loads_trim},
    {"retention", RETENTION_SECONDS, retention_task},
    {"ephemeral", EPHEMERAL_SECONDS, ephemeral_task},
    {"backup", BACKUP_UPKEEP_SECONDS, backup_upkeep},
    {"erasure", ERASURE_SECONDS, erasure_task},
    {0},
};

const struct follower *background_followers(size_t *n)
{
    *n = sizeof followers / sizeof *followers - 1;
    return followers;
}

const struct upkeep_task *background_tasks(size_t *n)
{
    *n = sizeof tasks / sizeof *tasks - 1;
    return tasks;
}
