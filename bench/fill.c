/* Fills a store for the benchmarks, through the store's own calls, 1,000 turns a transaction, without waiting for the
 * disk (synchronous=NORMAL): nothing of this is measured. The index is left to the server that is started next.
 *
 * Usage: fill turns DIR TURNS SESSIONS    prints {"sessions":[…],"conversations":[…]}, at most 200 of each, spread
 * evenly fill questions TURNS COUNT FIRST prints COUNT questions about those turns, one a line; other FIRST, others */
#include "words.h"

#include "base/arena.h"
#include "service/operation.h"
#include "service/place.h"
#include "store/store.h"
#include "store/turns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 1000, LONGEST = 50, SHOWN = 200, SEED = 2 };
static const int64_t FIRST_MS = 1672531200000; /* 2023-01-01; a turn a minute from there */

struct filling {
    const struct words *words;
    int64_t turns, sessions, each; /* each: turns of a conversation */
    int64_t done;                  /* turns stored */
    struct record *session;
    char session_id[ID_MAX], conversation_id[ID_MAX];
    struct arena *arena;
    char (*shown_sessions)[ID_MAX], (*shown_conversations)[ID_MAX];
    int n_sessions, n_conversations;
};

/* ---- what is asked for ---- */

/* Conversations lie one after another; each session has the same number of them. */
static int64_t per_session(const struct filling *f)
{
    return f->turns / f->sessions;
}

static void show(char (*list)[ID_MAX], int *n, int64_t number, int64_t count, const char *id)
{
    int64_t step = count > SHOWN ? count / SHOWN : 1;
    if (*n < SHOWN && number % step == 0)
        memcpy(list[(*n)++], id, ID_MAX);
}

static enum err_code begin_session(struct store_tx *tx, struct filling *f, struct err *e)
{
    char name[32];
    int64_t number = f->done / per_session(f);
    (void)snprintf(name, sizeof name, "bench-%lld", (long long)number);
    id_make("sess", f->session_id);
    show(f->shown_sessions, &f->n_sessions, number, f->sessions, f->session_id);
    return place_session_new(tx, f->arena, str_of(f->session_id), arena_str(f->arena, str_of(name)), STR("default"),
                             &f->session, e);
}

static enum err_code begin_conversation(struct store_tx *tx, struct filling *f, struct err *e)
{
    char text[WORDS_TEXT_MAX];
    /* The record of the session may be gone with the arena: only its id and project are used. */
    struct record session = {.kind = KIND_SESSION, .id = str_of(f->session_id), .project = STR("default")};
    id_make("conv", f->conversation_id);
    show(f->shown_conversations, &f->n_conversations, f->done / f->each, f->turns / f->each, f->conversation_id);
    (void)words_question(f->words, (uint64_t)f->done, text);
    return place_conversation_new(tx, f->arena, str_of(f->conversation_id), &session, str_of(text), e);
}

static enum err_code add_turn(struct store_tx *tx, struct filling *f, struct err *e)
{
    char text[WORDS_TEXT_MAX];
    int64_t i = f->done;
    size_t n = words_turn(f->words, (uint64_t)i, text);
    struct turn_new t = {.conversation_id = str_of(f->conversation_id),
                         .agent = str_of(words_name((uint64_t)(i / f->each * 2 + i % 2))),
                         .role = i % 2 ? STR("assistant") : STR("user"),
                         .content = {text, n},
                         .timestamp = FIRST_MS + i * 60000,
                         .token_count = -1};
    struct turn_added added;
    return turn_append(tx, &t, &added, e);
}

/* A batch of turns. It is alone in its group, so it is not run again. */
static enum err_code add_batch(struct store_tx *tx, void *arg, struct err *e)
{
    struct filling *f = arg;
    enum err_code code = ERR_OK;
    for (int i = 0; !code && i < BATCH && f->done < f->turns; i++, f->done++) {
        if (f->done % per_session(f) == 0)
            code = begin_session(tx, f, e);
        if (!code && f->done % f->each == 0)
            code = begin_conversation(tx, f, e);
        if (!code)
            code = add_turn(tx, f, e);
    }
    return code;
}

static void print_ids(const char *key, char (*ids)[ID_MAX], int n)
{
    printf("\"%s\":[", key);
    for (int i = 0; i < n; i++)
        printf("%s\"%s\"", i ? "," : "", ids[i]);
    printf("]");
}

static enum err_code fill_turns(struct filling *f, const char *dir, struct err *e)
{
    static char sessions[SHOWN][ID_MAX], conversations[SHOWN][ID_MAX];
    struct store *s = NULL;
    struct store_options o = {.dir = dir, .sync_normal = true};
    enum err_code code = store_open(&o, &s, e);
    f->shown_sessions = sessions;
    f->shown_conversations = conversations;
    f->arena = code ? NULL : arena_new();
    if (!code && !f->arena)
        code = err_nomem(e);
    while (!code && f->done < f->turns) {
        code = store_write(s, add_batch, f, e);
        arena_reset(f->arena);
    }
    if (f->arena)
        arena_free(f->arena);
    if (s)
        store_close(s);
    if (!code) {
        printf("{");
        print_ids("sessions", sessions, f->n_sessions);
        printf(",");
        print_ids("conversations", conversations, f->n_conversations);
        puts("}");
    }
    return code;
}

/* Turns far apart, each asked about once. */
static void print_questions(const struct words *w, uint64_t turns, uint64_t count, uint64_t first)
{
    char text[WORDS_TEXT_MAX];
    for (uint64_t i = first; i < first + count; i++) {
        (void)words_question(w, i * 7919 % turns, text);
        puts(text);
    }
}

int main(int argc, char **argv)
{
    struct filling f = {.done = 0};
    struct err e = {0};
    struct words *w = words_new(SEED);
    long long a = argc == 5 ? atoll(argv[3]) : 0, b = argc == 5 ? atoll(argv[4]) : -1;
    int status = 2;
    f.words = w;
    if (w && argc == 5 && strcmp(argv[1], "questions") == 0 && atoll(argv[2]) > 0 && a > 0 && b >= 0) {
        print_questions(w, (uint64_t)atoll(argv[2]), (uint64_t)a, (uint64_t)b);
        status = 0;
    } else if (w && argc == 5 && strcmp(argv[1], "turns") == 0 && a > 0 && b > 0 && a % b == 0 &&
               (a / b < LONGEST || a / b % LONGEST == 0)) {
        f.turns = a;
        f.sessions = b;
        f.each = a / b < LONGEST ? a / b : LONGEST;
        status = fill_turns(&f, argv[2], &e) ? 1 : 0;
        if (status)
            fprintf(stderr, "fill: %s\n", e.message);
    } else {
        fputs("usage: fill turns DIR TURNS SESSIONS (sessions of equal size, a multiple of 50) | fill questions TURNS "
              "COUNT FIRST\n",
              stderr);
    }
    words_free(w);
    return status;
}
