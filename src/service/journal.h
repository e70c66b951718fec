/* The journal: chats that are not stored yet, masked as they may be kept (chat_mask.c), on disk as they go (one JSON
 * line an event, no fsync: it guards against a killed process and a store that cannot be written, not against power
 * loss), and the list of those whose write failed, which are tried again until it succeeds. One file a process,
 * data/journal/<id>.log, locked by it; a file that nobody holds is what a dead process left, and is taken over at
 * start.
 *
 * Lines: {"x":n,"begin":{…}} · {"x":n,"delta":"text"} · {"x":n,"end":{text, hash, metadata, complete}} ·
 * {"x":n,"done":true}. In a sealed store each line is sealed (journal_line.h). A torn last line is passed over. All
 * functions are thread-safe. */
#ifndef CAIRN_SERVICE_JOURNAL_H
#define CAIRN_SERVICE_JOURNAL_H

#include "service/chat.h"

struct journal;

/* Opens and stores what dead processes left. */
enum err_code journal_open(struct service *s, struct journal **out, struct err *e);
/* Tries once more to store what waits, then closes; what could not be stored stays on disk for the next start. */
void journal_close(struct journal *j);

/* Sets c->exchange; 0 when it could not be written, or not masked: then the chat is in memory alone. */
void journal_begin(struct journal *j, struct chat *c);
void journal_delta(struct journal *j, const struct chat *c, struct str text);
void journal_end(struct journal *j, struct chat *c);
void journal_done(struct journal *j, const struct chat *c);
/* Brings all files into the form, sealed or plain, that the store's keys say now; j may be NULL. No other process may
 * have the data folder open. */
enum err_code journal_convert(struct journal *j, struct err *e);
/* What is stored leaves the file: for erasure. What is not stored yet stays, until it is. */
void journal_forget(struct journal *j); /* NULL is fine */
/* Keeps the chat (and its reference) and tries to store it until that succeeds. */
void journal_wait(struct journal *j, struct chat *c);
/* Gives the chat up (and its reference): the file alone holds it, for the next start. */
void journal_leave(struct journal *j, struct chat *c);

#endif
