/* Exports of chats: a list of conversations, each with its messages, in one JSON file, in several, or inside the zip
 * that is sent. For the formats chatgpt and claude-ai. */
#ifndef CAIRN_HISTORY_CHATS_H
#define CAIRN_HISTORY_CHATS_H

#include "history/items.h"

/* One export being read. */
struct chats {
    struct history_in *in;
    const struct history_in *from; /* what is read: the file, or what was unpacked of it */
    const struct item *item;       /* the conversation's text, or a message's in one that is read in parts */
    int64_t records;               /* told so far, over all files of a zip */
    int64_t unpacked;              /* bytes, over all files of a zip */
    const char *entry;             /* inside a zip: the file's name; else NULL */
    int64_t last;                  /* ms: of the message before, or when the conversation began */
};

struct chats_format {
    /* Tells all messages of one conversation. `stand_in` is a session for one that names none. in->arena is emptied
     * behind it. */
    enum err_code (*take)(struct chats *x, const struct json *conversation, struct str stand_in, struct err *e);
    /* The same of one that is too long to be parsed as a whole: it is a document of its own. */
    enum err_code (*take_long)(struct chats *x, const struct history_in *conversation, struct str stand_in,
                               struct err *e);
};

/* What a path says of a file: a list of conversations, a zip, or none of it. */
bool chats_recognise(struct str path, struct history_name *out);
enum err_code chats_read(struct history_in *in, const struct chats_format *f, struct err *e);
/* The conversation is none of this format. */
enum err_code chats_unknown(struct chats *x, struct err *e);
/* A text that is a member of a long conversation: decoded, in the arena; STR_NONE: there is none. */
enum err_code chats_text(const struct history_in *conversation, struct arena *a, const char *member, struct str *out,
                         struct err *e);
/* When a conversation began, for messages that know no time. */
void chats_begin(struct chats *x, const struct json *time);
enum err_code chats_begin_long(struct chats *x, const struct history_in *conversation, const char *member,
                               struct err *e);
/* The message's time, or what is nearest to it. */
int64_t chats_time(struct chats *x, const struct json *time);
/* The place of the next record, and that it is told. */
struct history_at chats_at(struct chats *x, struct str raw);

#endif
