/* Which conversation does a request continue? Clients send the whole history each time. A conversation is continued
 * when its last stored turn is one of the request's messages and the turns before it are the messages before that one,
 * as far as both go back (clients may have cut old history off). The messages after it are new. */
#include "service/chat.h"

enum { CONVERSATIONS = 50, COMPARED = 50 };

struct mark {
    char hash[65];
    bool known;
};

static struct str mark_of(struct mark *marks, const struct chat_message *m, size_t i)
{
    if (!marks[i].known) {
        id_sha256(m[i].text, marks[i].hash);
        marks[i].known = true;
    }
    return str_of(marks[i].hash);
}

/* Do the turns before the conversation's last one equal the messages before m[i]? */
static enum err_code continues(struct store_tx *tx, struct arena *a, const struct conversation_tail *tail,
                               struct mark *marks, const struct chat_message *m, size_t i, bool *yes, struct err *e)
{
    int64_t back = tail->turn_count - 1 < (int64_t)i ? tail->turn_count - 1 : (int64_t)i;
    if (back > COMPARED)
        back = COMPARED;
    *yes = true;
    if (back <= 0)
        return ERR_OK;
    struct turn_mark *stored;
    size_t n;
    enum err_code code =
        turn_marks(tx, a, tail->conversation_id, tail->turn_count - back, tail->turn_count - 1, &stored, &n, e);
    for (size_t k = 0; !code && *yes && k < n; k++) {
        size_t at = i - n + k;
        *yes = str_eq(stored[k].role, m[at].role) && str_eq(stored[k].content_hash, mark_of(marks, m, at));
    }
    return code;
}

enum err_code chat_match(struct store_tx *tx, struct arena *a, struct str session_id, const struct chat_message *m,
                         size_t n, struct str *conversation, size_t *first_new, struct err *e)
{
    struct conversation_tail *tails;
    size_t n_tails;
    struct mark *marks = arena_array(a, struct mark, n + 1);
    if (!marks)
        return err_nomem(e);
    *conversation = STR_NONE;
    *first_new = 0;
    enum err_code code = conversations_tails(tx, a, session_id, CONVERSATIONS, &tails, &n_tails, e);
    for (size_t i = n; !code && i-- > 0;) {
        for (size_t t = 0; !code && t < n_tails; t++) {
            if (!tails[t].role.n || !str_eq(tails[t].role, m[i].role) ||
                !str_eq(tails[t].content_hash, mark_of(marks, m, i)))
                continue;
            bool yes;
            code = continues(tx, a, &tails[t], marks, m, i, &yes, e);
            if (!code && yes) {
                *conversation = tails[t].conversation_id;
                *first_new = i + 1;
                return ERR_OK;
            }
        }
    }
    return code;
}
