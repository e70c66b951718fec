/* Putting a digest together from what the other files find. See digest.h. */
#include "digest/intern.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { SENTENCES_MOST = 40, PLOT_CUES = W_CHANGE | W_DECISION | W_ERROR | W_FIX };
static const unsigned DEVELOPMENT_CUES = CUE_SELF;

static bool texts_of(struct talk *t, const struct pick *p, struct str **out, size_t *n)
{
    struct choice *chosen;
    *out = NULL;
    if (!pick(t, p, &chosen, n))
        return false;
    *out = arena_array(t->arena, struct str, *n + 1);
    for (size_t i = 0; *out && i < *n; i++)
        (*out)[i] = chosen[i].text;
    return *out != NULL;
}

struct str digest_cut(struct arena *a, struct str s, size_t characters)
{
    size_t bytes = 0, word = 0;
    s = str_trim(s);
    if (text_chars(s) <= characters)
        return s;
    for (size_t i = 0; i + 1 < characters && bytes < s.n; i++) {
        size_t len = text_char_len(str_skip(s, bytes));
        word = s.p[bytes] == ' ' ? bytes : word;
        bytes += len ? len : 1;
    }
    return arena_fmt(a, "%.*s\xE2\x80\xA6", (int)(word > bytes / 2 ? word : bytes), s.p);
}

/* When no sentence is short enough, the best is cut. */
static struct str cut_best(struct talk *t, size_t characters)
{
    struct pick p = {.speaker = NO_NAME, .count = 1, .one_characters = SIZE_MAX};
    struct choice *chosen;
    size_t n;
    bool found = characters > 1 && pick(t, &p, &chosen, &n) && n;
    return found ? digest_cut(t->arena, chosen[0].text, characters) : STR_NONE;
}

static bool make_text(struct talk *t, size_t characters, struct str *out)
{
    struct pick p = {
        .speaker = NO_NAME, .count = SENTENCES_MOST, .characters = characters, .one_characters = characters};
    struct str *texts;
    size_t n;
    struct buf b;
    if (!texts_of(t, &p, &texts, &n))
        return false;
    buf_init(&b, 0);
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_char(&b, ' ');
        buf_str(&b, texts[i]);
    }
    *out = buf_take(&b, t->arena);
    if (out->p && !n)
        *out = cut_best(t, characters);
    return !arena_failed(t->arena);
}

struct speaking {
    uint32_t speaker, sentences;
};

static int by_sentences(const void *a, const void *b)
{
    const struct speaking *x = a, *y = b;
    if (x->sentences != y->sentences)
        return x->sentences < y->sentences ? 1 : -1;
    return (x->speaker > y->speaker) - (x->speaker < y->speaker);
}

static bool make_developments(struct talk *t, struct digest *d)
{
    struct speaking *all = arena_array(t->arena, struct speaking, (size_t)t->speakers.n + 1);
    d->developments = arena_array(t->arena, struct digest_development, DIGEST_SPEAKERS);
    if (!all || !d->developments)
        return false;
    for (uint32_t i = 0; i < t->speakers.n; i++)
        all[i] = (struct speaking){i, t->spoken[i]};
    qsort(all, t->speakers.n, sizeof *all, by_sentences);
    for (uint32_t i = 0; i < t->speakers.n && i < DIGEST_SPEAKERS; i++) {
        struct digest_development *it = &d->developments[d->n_developments];
        struct pick p = {.events = true,
                         .cues = DEVELOPMENT_CUES,
                         .speaker = all[i].speaker,
                         .count = DIGEST_DEVELOPMENTS,
                         .one_characters = DIGEST_EVENT_CHARACTERS};
        it->name = t->speakers.keys[all[i].speaker];
        if (!texts_of(t, &p, &it->texts, &it->n))
            return false;
        d->n_developments += it->n > 0;
    }
    return true;
}

enum err_code digest_make(struct arena *a, const struct digest_turn *turns, size_t n, size_t characters,
                          struct digest *out, struct err *e)
{
    struct talk t = {.arena = a};
    struct pick events = {
        .events = true, .speaker = NO_NAME, .count = DIGEST_EVENTS, .one_characters = DIGEST_EVENT_CHARACTERS};
    struct pick points = events;
    points.cues = PLOT_CUES;
    points.count = DIGEST_PLOT_POINTS;
    size_t newest = n > DIGEST_TURNS ? n - DIGEST_TURNS : 0;
    *out = (struct digest){0};
    if (!talk_read(&t, turns + newest, n - newest))
        return err_nomem(e);
    salience_judge(&t);
    bool ok = make_text(&t, characters ? characters : DIGEST_CHARACTERS, &out->text) &&
              topics_find(&t, DIGEST_TOPICS, &out->topics, &out->n_topics) &&
              texts_of(&t, &events, &out->events, &out->n_events) &&
              texts_of(&t, &points, &out->plot_points, &out->n_plot_points) && make_developments(&t, out);
    return ok ? ERR_OK : err_nomem(e);
}
