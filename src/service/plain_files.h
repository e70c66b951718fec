/* Copies of the database that lie about: backups, and what a restore has replaced. Encrypting the data does not encrypt
 * them, and decrypting it makes those unreadable that are encrypted; so their owner is told which they are. */
#ifndef CAIRN_SERVICE_PLAIN_FILES_H
#define CAIRN_SERVICE_PLAIN_FILES_H

#include "service/service.h"

/* In the data folder, in `backups` in it and in backup.folder: databases that are plain, or that are sealed with our
 * keys. Writes their paths as JSON strings, a thousand at most. */
enum err_code plain_files_list(const struct service *s, struct arena *a, bool plain, struct json_out *w, struct err *e);
enum err_code plain_files_count(const struct service *s, struct arena *a, bool plain, int64_t *n, struct err *e);

#endif
