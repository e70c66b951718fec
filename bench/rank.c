/* Recall with other weights than ours, for learning them and for telling what each part is worth (learn.py,
 * ablation.py): the real engine on a store that is filled already, through search's inside. What may matter for a
 * question is gathered once; ranking it again takes a fraction of a millisecond, so a thousand questions are asked
 * anew in less than a second.
 *
 * Usage: rank DATA MODEL|off QUESTIONS. QUESTIONS: JSON Lines {"session", "text", "as_of"?}. Each line of the standard
 * input is one ranking of them all: "name=value …" (weights that differ, by the names in search/weights.c),
 * "results=N" (20); the answer is one line, [[[turn id, score], …], …], and with "why=1" the reasons as a third
 * member. */
#include "base/clock.h"
#include "base/json_write.h"
#include "search/intern.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { QUESTIONS_MAX = 20000, WAIT_MS = 60000 };

struct question {
    struct recall_query q;
    struct gathering g;
};
struct bench {
    struct store *store;
    struct index *index;
    struct meaning *meaning;
    struct arena *kept; /* what was gathered */
    struct question *questions;
    size_t n;
};

static void die(const struct err *e)
{
    fprintf(stderr, "rank: %s\n", e->message);
    exit(1);
}

static void open_all(struct bench *b, const char *dir, const char *model)
{
    struct err e = {0};
    struct meaning_state state = {.loading = true};
    if (store_open(&(struct store_options){.dir = dir, .read_only = true}, &b->store, &e) ||
        index_open(&(struct index_options){.store = b->store, .dir = dir, .read_only = true}, &b->index, &e))
        die(&e);
    if (strcmp(model, "off") == 0)
        return;
    struct meaning_options o = {.store = b->store, .dir = dir, .model = model, .read_only = true};
    if (meaning_open(&o, &b->meaning, &e))
        die(&e);
    for (int i = 0; i < WAIT_MS && !state.loaded; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        meaning_state(b->meaning, &state);
    }
    if (!state.loaded) {
        fprintf(stderr, "rank: the model is not loaded\n");
        exit(1);
    }
}

static void gather_one(struct bench *b, struct str line)
{
    struct err e = {0};
    const struct json *o;
    int64_t as_of = 0;
    struct question *q = &b->questions[b->n++];
    if (json_parse(b->kept, arena_str(b->kept, line), 0, &o, &e))
        die(&e);
    clock_parse(json_text(o, "as_of"), &as_of);
    q->q = (struct recall_query){.meaning = b->meaning,
                                 .text = json_text(o, "text"),
                                 .session_id = json_text(o, "session"),
                                 .to = as_of,
                                 .now = as_of};
    q->g = (struct gathering){.store = b->store,
                              .index = b->index,
                              .a = b->kept,
                              .q = &q->q,
                              .now = as_of ? as_of : clock_now_ms(),
                              .factor = 1};
    if (gather(&q->g, &e))
        die(&e);
}

static void gather_all(struct bench *b, const char *file)
{
    FILE *f = fopen(file, "r");
    char *line = NULL;
    size_t room = 0;
    b->kept = arena_new();
    b->questions = f && b->kept ? arena_array(b->kept, struct question, QUESTIONS_MAX) : NULL;
    if (!b->questions) {
        fprintf(stderr, "rank: cannot read %s\n", file);
        exit(1);
    }
    for (ssize_t n; (n = getline(&line, &room, f)) > 0 && b->n < QUESTIONS_MAX;)
        gather_one(b, (struct str){line, (size_t)n});
    free(line);
    fclose(f);
}

/* ---- one ranking ---- */
struct ranking {
    struct weights weights;
    int results;
    bool why;
};

static void read_setting(struct ranking *r, char *setting)
{
    char *value = strchr(setting, '=');
    double *weight = NULL;
    if (value) {
        *value++ = '\0';
        weight = weight_named(&r->weights, setting);
    }
    if (weight)
        *weight = strtod(value, NULL);
    else if (value && strcmp(setting, "results") == 0)
        r->results = atoi(value);
    else if (value && strcmp(setting, "why") == 0)
        r->why = atoi(value) != 0;
    else {
        fprintf(stderr, "rank: there is no weight %s\n", setting);
        exit(1);
    }
}

static void write_ranked(struct json_out *w, const struct ranking *r, const struct recall_result *found)
{
    jw_array(w);
    for (size_t i = 0; i < found->n; i++) {
        jw_array(w);
        jw_str(w, found->hits[i].turn.id);
        jw_num(w, found->hits[i].score);
        if (r->why)
            jw_raw(w, found->hits[i].why);
        jw_end_array(w);
    }
    jw_end_array(w);
}

static void rank_all(struct bench *b, const struct ranking *r)
{
    struct arena *a = arena_new();
    struct buf out;
    struct json_out w;
    struct err e = {0};
    buf_init(&out, 0);
    jw_init(&w, &out);
    jw_array(&w);
    for (size_t i = 0; a && i < b->n; i++) {
        struct question *q = &b->questions[i];
        struct recall_result found = {0};
        q->q.max_results = r->results;
        q->g.a = a;
        if (recall_rank(&q->g, &r->weights, &found, &e))
            die(&e);
        write_ranked(&w, r, &found);
        arena_reset(a);
    }
    jw_end_array(&w);
    printf("%.*s\n", (int)out.n, out.p);
    fflush(stdout);
    buf_release(&out);
    if (a)
        arena_free(a);
}

int main(int argc, char **argv)
{
    struct bench b = {0};
    char *line = NULL;
    size_t room = 0;
    if (argc != 4) {
        fprintf(stderr, "usage: rank DATA MODEL|off QUESTIONS < settings\n");
        return 2;
    }
    open_all(&b, argv[1], argv[2]);
    gather_all(&b, argv[3]);
    while (getline(&line, &room, stdin) > 0) {
        struct ranking r = {.weights = WEIGHTS, .results = 20};
        for (char *s, *rest = line; (s = strtok_r(rest, " \n", &rest));)
            read_setting(&r, s);
        rank_all(&b, &r);
    }
    free(line);
    arena_free(b.kept);
    meaning_close(b.meaning);
    index_close(b.index);
    store_close(b.store);
    return 0;
}
