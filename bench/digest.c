/* The cost and the result of digests without a server: reads JSON Lines {"turns": [{"agent", "content"}, …]}, writes
 * for each its digest as JSON, and last {"turns", "us_per_turn"}. Usage: digest CHARACTERS ROUNDS < talks.jsonl */
#include "digest/digest.h"
#include "base/clock.h"
#include "base/json_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct digest_turn *turns_of(struct arena *a, const struct json *talk, size_t *n)
{
    const struct json *list = json_get(talk, "turns");
    *n = list ? list->n : 0;
    struct digest_turn *turns = arena_array(a, struct digest_turn, *n + 1);
    for (size_t i = 0; turns && i < *n; i++)
        turns[i] = (struct digest_turn){.agent = json_text(&list->items[i], "agent"),
                                        .role = STR("user"),
                                        .content = json_text(&list->items[i], "content")};
    return turns;
}

static void write_list(struct json_out *w, const char *key, const struct str *texts, size_t n)
{
    jw_key(w, key);
    jw_array(w);
    for (size_t i = 0; i < n; i++)
        jw_str(w, texts[i]);
    jw_end_array(w);
}

static void write_digest(const struct digest *d)
{
    struct buf b;
    struct json_out w;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_object(&w);
    jw_kstr(&w, "text", d->text);
    write_list(&w, "key_topics", d->topics, d->n_topics);
    write_list(&w, "key_events", d->events, d->n_events);
    write_list(&w, "plot_points", d->plot_points, d->n_plot_points);

    jw_end_object(&w);
    printf("%.*s\n", (int)b.n, b.p);
    buf_release(&b);
}

int main(int argc, char **argv)
{
    size_t characters = argc > 1 ? strtoul(argv[1], NULL, 10) : 0, rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    char *line = NULL;
    size_t room = 0, turns = 0;
    int64_t us = 0;
    for (ssize_t n; (n = getline(&line, &room, stdin)) > 0;) {
        struct arena *a = arena_new(), *work = arena_new();
        const struct json *talk;
        struct err e = {0};
        size_t count;
        struct digest d;
        if (!a || !work || json_parse(a, (struct str){line, (size_t)n}, 0, &talk, &e))
            return 1;
        struct digest_turn *t = turns_of(a, talk, &count);
        for (size_t i = 0; i < rounds; i++) {
            arena_reset(work);
            int64_t start = clock_mono_us();
            if (digest_make(work, t, count, characters, &d, &e))
                return 1;
            us += clock_mono_us() - start;
            turns += count;
        }
        write_digest(&d);
        arena_free(a);
        arena_free(work);
    }
    printf("{\"turns\":%zu,\"us_per_turn\":%.2f}\n", turns / (rounds ? rounds : 1),
           turns ? (double)us / (double)turns : 0);
    free(line);
    return 0;
}
