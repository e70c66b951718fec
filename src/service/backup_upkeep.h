/* Backups by themselves: every backup.every_hours a verified copy of the store in backup.folder, the old ones pruned.
 *
 * Files are called cairn-20261120T171500Z.db, after the time (UTC) they were begun. A copy has another name until it is
 * whole and checked, so a file of that name is a good one. Kept are the newest backup.keep, and the newest of each day
 * for backup.keep_days. Only what has such a name and is an SQLite database is ever removed. */
#ifndef CAIRN_SERVICE_BACKUP_UPKEEP_H
#define CAIRN_SERVICE_BACKUP_UPKEEP_H

#include "service/service.h"

/* A cheap look at the clock most of the time. One that fails is logged, shown by health, and tried again after a
 * minute. */
enum { BACKUP_UPKEEP_SECONDS = 2 };
enum err_code backup_upkeep(struct service *svc, struct arena *a, struct err *e);

/* The time in a backup's name, ms; false: it is none of ours. */
bool backup_name_time(struct str name, int64_t *ms);

/* The times (ms, newest first, in the arena) of the scheduled backups that are there, and their folder. */
enum err_code backups_made(struct service *svc, struct arena *a, const char **folder, int64_t **times, size_t *n,
                           struct err *e);

/* Which of n backups (times in ms, newest first) stay: keep[i]. `now` in ms. The newest always does. */
void backup_choose(const int64_t *times, size_t n, int64_t keep_last, int64_t keep_days, int64_t now, bool *keep);

#endif
