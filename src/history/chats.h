/* Exports of chats: a list of conversations, each with its messages, in one JSON file, in several, or inside the zip
 * that is sent. For the formats chatgpt and claude-ai. */
#ifndef CAIRN_HISTORY_CHATS_H
#define CAIRN_HISTORY_CHATS_H

#include "history/items.h"

/* One export being read. */
struct chats {
    struct history_in *in;
    const struct item *item; /* the conversation's text */
    int64_t records;         /* told so far, over all files of a zip */
    int64_t unpacked;        /* bytes, over all files of a zip */
    const char *entry;       /* inside a zip: the file's name; else NULL */
};

/* Tells all messages of one conversation. Its `session` is only a stand-in for one that names none. in->arena is
 * emptied behind it. */
typedef enum err_code chats_take(struct chats *x, const struct json *conversation, struct str stand_in, struct err *e);

/* What a path says of a file: a list of conversations, a zip, or none of it. */
bool chats_recognise(struct str path, struct history_name *out);
enum err_code chats_read(struct history_in *in, chats_take *take, struct err *e);
/* The place of the next record, and that it is told. */
struct history_at chats_at(struct chats *x, struct str raw);

#endif
