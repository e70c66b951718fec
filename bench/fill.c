/* Fills a store for the benchmarks, through the store's own calls, 1,000 turns a transaction, without waiting for the
 * disk (synchronous=NORMAL): nothing of this is measured. The index of words is left to the server that is started
 * next.
 *
 * Usage: fill turns DIR TURNS SESSIONS
 *            prints {"sessions":[…],"conversations":[…],"text_bytes":…}, at most 200 of each, spread evenly
 *        fill meaning DIR TURNS SESSIONS POOL MODEL
 *            the same, of turns with meaning (pool.h) whose vectors are written too, as the model's own
 *        fill questions TURNS COUNT FIRST
 *            prints COUNT questions about those turns, one a line; other FIRST, others */
#include "pool.h"
#include "words.h"

#include "base/arena.h"
#include "embed/embed.h"
#include "index/vectors.h"
#include "service/operation.h"
#include "service/place.h"
#include "store/store.h"
#include "store/turns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 1000, LONGEST = 50, SHOWN = 200, SEED = 2 };
static const int64_t FIRST_MS = 1672531200000; /* 2023-01-01; a turn a minute from there */

struct meaning_rows { /* of the batch that was stored last */
    struct pool *pool;
    struct vectors *vectors;
    struct vector_row *rows;
    float *floats;
    char (*turn_ids)[ID_MAX], (*session_ids)[ID_MAX], (*conversation_ids)[ID_MAX];
    size_t n;
};
struct filling {
    const struct words *words;
    struct meaning_rows *meaning; /* NULL: turns of words.h, without vectors */
    int64_t text_bytes;
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

static void add_vector(struct filling *f, const struct turn_added *added)
{
    struct meaning_rows *m = f->meaning;
    float *v = m->floats + m->n * pool_dimensions(m->pool);
    pool_vector(m->pool, (uint64_t)f->done, v);
    memcpy(m->turn_ids[m->n], added->id, ID_MAX);
    memcpy(m->session_ids[m->n], f->session_id, ID_MAX);
    memcpy(m->conversation_ids[m->n], f->conversation_id, ID_MAX);
    m->rows[m->n] = (struct vector_row){.seq = added->seq,
                                        .turn_id = str_of(m->turn_ids[m->n]),
                                        .session_id = str_of(m->session_ids[m->n]),
                                        .project = STR("default"),
                                        .conversation_id = str_of(m->conversation_ids[m->n]),
                                        .timestamp = added->timestamp,
                                        .v = v};
    m->n++;
}

static enum err_code add_turn(struct store_tx *tx, struct filling *f, struct err *e)
{
    char text[WORDS_TEXT_MAX];
    int64_t i = f->done;
    size_t n =
        f->meaning ? pool_text(f->meaning->pool, f->words, (uint64_t)i, text) : words_turn(f->words, (uint64_t)i, text);
    struct turn_new t = {.conversation_id = str_of(f->conversation_id),
                         .agent = str_of(words_name((uint64_t)(i / f->each * 2 + i % 2))),
                         .role = i % 2 ? STR("assistant") : STR("user"),
                         .content = {text, n},
                         .timestamp = FIRST_MS + i * 60000,
                         .token_count = -1};
    struct turn_added added;
    enum err_code code = turn_append(tx, &t, &added, e);
    f->text_bytes += (int64_t)n;
    if (code == ERR_OK && f->meaning)
        add_vector(f, &added);
    return code;
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

static enum err_code append_vectors(struct meaning_rows *m, struct err *e)
{
    enum err_code code = ERR_OK;
    for (size_t at = 0; !code && m && at < m->n; at += VECTORS_BLOCK)
        code = vectors_append(m->vectors, m->rows + at, m->n - at < VECTORS_BLOCK ? m->n - at : VECTORS_BLOCK, e);
    if (m)
        m->n = 0;
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
        if (!code)
            code = append_vectors(f->meaning, e);
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
        printf(",\"text_bytes\":%lld}\n", (long long)f->text_bytes);
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

/* Under the model's own id, so that the server takes the vectors for those it made. */
static enum err_code fill_with_meaning(struct filling *f, const char *dir, const char *pool, const char *model,
                                       struct err *e)
{
    static char turn_ids[BATCH][ID_MAX], session_ids[BATCH][ID_MAX], conversation_ids[BATCH][ID_MAX];
    static struct vector_row rows[BATCH];
    struct meaning_rows m = {.pool = pool_open(pool),
                             .rows = rows,
                             .turn_ids = turn_ids,
                             .session_ids = session_ids,
                             .conversation_ids = conversation_ids};
    struct embedder *embedder = NULL;
    enum err_code code = embed_open(model, NULL, &embedder, e);
    if (!code && embed_dimensions(embedder) != pool_dimensions(m.pool))
        code = err_set(e, ERR_INVALID, NULL, "the pool's vectors are not of this model");
    struct vectors_options o = {.dir = dir, .dimensions = pool_dimensions(m.pool)};
    if (!code) {
        o.model_id = embed_model_id(embedder);
        code = vectors_open(&o, &m.vectors, e);
    }
    m.floats = calloc(BATCH * pool_dimensions(m.pool), sizeof *m.floats);
    if (!code && !m.floats)
        code = err_nomem(e);
    f->meaning = &m;
    if (!code)
        code = fill_turns(f, dir, e);
    f->meaning = NULL;
    free(m.floats);
    vectors_close(m.vectors);
    embed_close(embedder);
    pool_close(m.pool);
    return code;
}

static int fill_store(struct filling *f, char **argv, bool with_meaning)
{
    struct err e = {0};
    f->turns = strtoll(argv[3], NULL, 10);
    f->sessions = strtoll(argv[4], NULL, 10);
    if (f->turns <= 0 || f->sessions <= 0 || f->turns % f->sessions ||
        (per_session(f) > LONGEST && per_session(f) % LONGEST))
        return 2;
    f->each = per_session(f) < LONGEST ? per_session(f) : LONGEST;
    enum err_code code =
        with_meaning ? fill_with_meaning(f, argv[2], argv[5], argv[6], &e) : fill_turns(f, argv[2], &e);
    if (code)
        fprintf(stderr, "fill: %s\n", e.message);
    return code ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct filling f = {.done = 0};
    struct words *w = words_new(SEED);
    int status = 2;
    f.words = w;
    if (w && argc == 5 && strcmp(argv[1], "questions") == 0 && strtoll(argv[2], NULL, 10) > 0 &&
        strtoll(argv[3], NULL, 10) > 0) {
        print_questions(w, (uint64_t)strtoll(argv[2], NULL, 10), (uint64_t)strtoll(argv[3], NULL, 10),
                        (uint64_t)strtoll(argv[4], NULL, 10));
        status = 0;
    } else if (w && argc == 5 && strcmp(argv[1], "turns") == 0) {
        status = fill_store(&f, argv, false);
    } else if (w && argc == 7 && strcmp(argv[1], "meaning") == 0) {
        status = fill_store(&f, argv, true);
    }
    if (status == 2)
        fputs("usage: fill turns DIR TURNS SESSIONS | fill meaning DIR TURNS SESSIONS POOL MODEL (sessions of equal "
              "size, a multiple of 50) | fill questions TURNS COUNT FIRST\n",
              stderr);
    words_free(w);
    return status;
}
