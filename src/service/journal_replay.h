/* Storing what the journals of dead processes hold. */
#ifndef CAIRN_SERVICE_JOURNAL_REPLAY_H
#define CAIRN_SERVICE_JOURNAL_REPLAY_H

#include "service/service.h"

/* Takes over every journal file in dir that no process holds: its unfinished chats are stored (broken-off answers as
 * incomplete) and the file is removed. What cannot be stored now stays for the next start. */
void journal_replay_dir(struct service *s, const char *dir);

/* One journal's text, for tests and the fuzzer: returns how many chats it holds that are not done, storing
 * them when `store` is set; *failed counts those that could not be stored. */
int journal_replay_text(struct service *s, struct str text, bool store, int *failed);

#endif
