/* The upkeep task that sums up what went quiet; listed in background_table.c. */
#ifndef CAIRN_SERVICE_SUMMARY_UPKEEP_H
#define CAIRN_SERVICE_SUMMARY_UPKEEP_H

#include "service/service.h"

enum { SUMMARY_UPKEEP_SECONDS = 60 };
/* Conversations of at least five turns that had new ones since their last summary and none for
 * summaries.quiet_seconds, in sessions whose preference auto_summarize is true; then these sessions. */
enum err_code summary_upkeep(struct service *s, struct arena *a, struct err *e);

#endif
