/* Reading a journal back after a crash. The file is not trusted to be whole: lines that do not parse are passed over,
 * an exchange without its end becomes an incomplete answer. */
#include "service/journal_replay.h"

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "service/chat.h"
#include "service/journal_line.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { FILE_BYTES = 512 << 20, EXCHANGES_MAX = 100000, MESSAGES_MAX = 20000 };

struct exchange {
    int64_t number;
    const struct json *begin, *end;
    struct buf text; /* deltas, joined */
    bool done;
    struct exchange *next;
};

struct replay {
    struct arena *arena;
    struct keyring *keys;
    struct exchange *first, **last, *recent;
    int count;
};

static struct exchange *find(struct replay *r, int64_t number)
{
    if (r->recent && r->recent->number == number) /* deltas of one exchange come in runs */
        return r->recent;
    for (struct exchange *x = r->first; x; x = x->next) {
        if (x->number == number)
            return r->recent = x;
    }
    return NULL;
}

static void add(struct replay *r, int64_t number, const struct json *begin)
{
    struct exchange *x = r->count < EXCHANGES_MAX ? arena_alloc(r->arena, sizeof *x) : NULL;
    if (!x || find(r, number))
        return;
    x->number = number;
    x->begin = begin;
    buf_init(&x->text, 64 << 20);
    *r->last = x;
    r->last = &x->next;
    r->count++;
}

static void take_line(struct replay *r, struct str line)
{
    const struct json *o;
    line = journal_line_take(r->arena, r->keys, line);
    if (!line.n || json_parse(r->arena, line, 0, &o, NULL))
        return;
    const struct json *x = json_get_type(o, "x", JSON_INT), *begin = json_get_type(o, "begin", JSON_OBJECT);
    if (!x)
        return;
    if (begin) {
        add(r, x->integer, begin);
        return;
    }
    struct exchange *known = find(r, x->integer);
    if (!known)
        return;
    buf_str(&known->text, json_text(o, "delta"));
    if (json_get_type(o, "end", JSON_OBJECT))
        known->end = json_get(o, "end");
    if (json_get_type(o, "done", JSON_BOOL))
        known->done = true;
}

/* ---- from an exchange back to a chat ---- */

static void take_id(struct chat_id *to, struct str s)
{
    if (s.n && s.n < sizeof to->text) {
        memcpy(to->text, s.p, s.n);
        to->text[s.n] = 0;
    }
}

/* Of the text before it was masked. Without one the text is what was said. */
static void take_hash(struct chat_kept *k, struct str hash)
{
    if (hash.n == sizeof k->hash - 1)
        memcpy(k->hash, hash.p, hash.n);
}

static struct chat *chat_of(struct service *s, struct replay *r, const struct exchange *x)
{
    const struct json *b = x->begin, *list = json_get_type(b, "messages", JSON_ARRAY);
    size_t n = list && list->n <= MESSAGES_MAX ? list->n : 0;
    struct chat_message *messages = arena_array(r->arena, struct chat_message, n + 1);
    if (!messages)
        return NULL;
    for (size_t i = 0; i < n; i++)
        messages[i] = (struct chat_message){.role = json_text(&list->items[i], "role"),
                                            .text = json_text(&list->items[i], "text"),
                                            .metadata = json_text(&list->items[i], "metadata"),
                                            .agent = json_text(&list->items[i], "agent")};
    struct chat_request req = {.session = json_text(b, "session"),
                               .conversation = json_text(b, "conversation"),
                               .agent = json_text(b, "agent"),
                               .project = json_text(b, "project"),
                               .messages = messages,
                               .n_messages = n,
                               .model = json_text(b, "model"),
                               .metadata = json_text(b, "metadata"),
                               .options = chat_options_default};
    const struct caller who = {
        .name = STR("journal"), .org = json_text(b, "caller_org"), .project = json_text(b, "caller_project")};
    if (who.org.n)
        req.options.caller = &who;
    const struct json *store = json_get_type(b, "store_answer", JSON_BOOL);
    req.fresh = json_get_type(b, "fresh", JSON_BOOL) != NULL;
    req.options.auto_store_response = !store || store->boolean;
    struct chat *c = chat_new(s, &req);
    if (!c)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        take_id(&c->message_ids[i], json_text(&list->items[i], "id"));
        take_hash(&c->kept[i], json_text(&list->items[i], "hash"));
    }
    take_id(&c->new_session, json_text(b, "new_session"));
    take_id(&c->new_conversation, json_text(b, "new_conversation"));
    take_id(&c->answer_id, json_text(b, "answer_id"));
    return c;
}

/* What was placed before the crash keeps its place: all its messages are new, and go where they were going. */
static void take_place(struct chat *c, const struct exchange *x)
{
    const struct json *placed = json_get_type(x->begin, "placed", JSON_BOOL);
    const struct json *started = json_get_type(x->begin, "started_ms", JSON_INT);
    if (started)
        c->started_ms = started->integer;
    if (!placed || !placed->boolean)
        return;
    struct str conversation = c->req.conversation.n ? c->req.conversation : str_of(c->new_conversation.text);
    if (conversation.n >= sizeof c->conversation_id)
        return;
    memcpy(c->conversation_id, conversation.p, conversation.n);
    c->conversation_id[conversation.n] = 0;
    c->conversation_is_new = c->req.conversation.n == 0;
    c->first_new = 0;
    c->placed = true;
}

static bool store_exchange(struct service *s, struct replay *r, const struct exchange *x)
{
    struct err why = {0};
    struct chat *c = chat_of(s, r, x);
    if (!c)
        return false;
    take_place(c, x);
    struct str text = json_text(x->end, "text");
    const struct json *complete = json_get_type(x->end, "complete", JSON_BOOL);
    bool copied = chat_own_copy(&c->text, text.n ? text : buf_view(&x->text)) &&
                  chat_own_copy(&c->metadata, json_text(x->end, "metadata"));
    take_hash(&c->kept[c->req.n_messages], json_text(x->end, "hash"));
    c->complete = complete && complete->boolean;
    atomic_store(&c->ended, true);
    enum err_code code = copied ? store_write(s->store, chat_store, c, &why) : ERR_NOMEM;
    if (code)
        log_error("journal_replay", &why);
    chat_unref(c);
    return code == ERR_OK || chat_caller_error(code);
}

int journal_replay_text(struct service *s, struct str text, bool store, int *failed)
{
    struct replay r = {.arena = arena_new()};
    int open = 0;
    *failed = 0;
    if (!r.arena) {
        *failed = 1;
        return 0;
    }
    arena_limit(r.arena, (size_t)2 << 30);
    store = store && s;
    r.keys = s ? store_keyring(s->store) : NULL;
    r.last = &r.first;
    while (text.p)
        take_line(&r, str_cut(&text, '\n'));
    for (struct exchange *x = r.first; x; x = x->next) {
        open += !x->done;
        if (!x->done && store && !store_exchange(s, &r, x))
            (*failed)++;
        buf_release(&x->text);
    }
    if (arena_failed(r.arena))
        (*failed)++;
    arena_free(r.arena);
    return open;
}

static void replay_file(struct service *s, const char *path)
{
    struct buf text;
    struct err why = {0};
    int failed = 0;
    int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB)) { /* another process's, alive */
        if (fd >= 0)
            close(fd);
        return;
    }
    buf_init(&text, FILE_BYTES);
    if (file_read_all(path, FILE_BYTES, &text, &why)) {
        log_error("journal_read", &why);
        failed = 1;
    } else {
        int n = journal_replay_text(s, buf_view(&text), true, &failed);
        if (n)
            log_event(LOG_INFO, "journal_replayed", L_INT("chats", n), L_INT("failed", failed));
    }
    buf_release(&text);
    if (!failed)
        unlink(path);
    close(fd);
}

static void remove_unheld(const char *path)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        unlink(path);
    if (fd >= 0)
        close(fd);
}

void journal_replay_dir(struct service *s, const char *dir)
{
    DIR *d = opendir(dir);
    if (!d)
        return; /* the first start */
    for (struct dirent *entry; (entry = readdir(d)) != NULL;) {
        char path[4096 + 300];
        if (str_ends(str_of(entry->d_name), ".log")) {
            snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
            replay_file(s, path);
        } else if (str_ends(str_of(entry->d_name), ".log.new")) { /* forgetting was broken off; the .log has it all */
            snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
            remove_unheld(path);
        }
    }
    closedir(d);
}
