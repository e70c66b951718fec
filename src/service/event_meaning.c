/* From cosines to similarity. What a cosine is worth depends on the talk: in a session about one thing all events are
 * near each other. So it counts by how many deviations it stands out among those of this effect and the session's
 * events, together with a usual spread where there are few of them.
 *
 * Standing out by STANDS_OUT deviations is similarity 0.5, each more is worth EACH, and among n events it takes
 * AMONG ln n more, since the best of many stands out by chance. With one earlier event a cosine of 0.40 becomes 0.5 and
 * one of 0.85 becomes 0.8. Found on the half `tune` of tests/labelled/causes.jsonl (bench/run --only causes), and on
 * whole transcripts of coding agents, where links without AMONG were twice as many and half of them wrong. */
#include "service/event_meaning.h"

#include "base/clock.h"

#include <math.h>

static const double USUAL_MEAN = 0.15, USUAL_DEVIATION = 0.15, USUAL_COUNT = 20;
static const double STANDS_OUT = 1.5, AMONG = 0.3, EACH = 0.17;

/* "All tests pass", "The tree is clean": so short a statement is near many others and says of none that it is meant. */
static const size_t WORDS_LEAST = 4;

/* Events are judged behind the writes, or for a person who saves one: neither may wait long. */
enum { MAKE_US = 400000 };

static void calibrate(const float *cosines, size_t n, double *out)
{
    double count = USUAL_COUNT, sum = USUAL_COUNT * USUAL_MEAN;
    double squares = USUAL_COUNT * USUAL_DEVIATION * USUAL_DEVIATION;
    for (size_t i = 0; i < n; i++) {
        count += !isnan(cosines[i]);
        sum += isnan(cosines[i]) ? 0 : cosines[i];
    }
    double mean = sum / count;
    for (size_t i = 0; i < n; i++)
        squares += isnan(cosines[i]) ? 0 : (cosines[i] - mean) * (cosines[i] - mean);
    double deviation = sqrt(squares / count), level = STANDS_OUT + AMONG * log((double)n);
    for (size_t i = 0; i < n; i++) {
        double s = isnan(cosines[i]) ? 0 : 0.5 + EACH * ((cosines[i] - mean) / deviation - level);
        out[i] = fmax(0, fmin(1, s));
    }
}

bool event_near(struct similar *s, struct arena *a, const struct event_known *known, size_t n,
                const struct event_known *effect, struct event_near *out)
{
    if (!s || n == 0)
        return false;
    struct str *texts = arena_array(a, struct str, n), clause = event_named_cause(effect->words);
    float *cosines = arena_array(a, float, n);
    double *whole = arena_array(a, double, n), *named = arena_array(a, double, n);
    int64_t deadline = clock_mono_us() + MAKE_US;
    if (!texts || !cosines || !whole || !named)
        return false;
    for (size_t i = 0; i < n; i++) /* the newest first: they are the likeliest, should time run out */
        texts[i] = known[n - 1 - i].text;
    if (!similar_texts(s, a, effect->text, EMBED_DOCUMENT, texts, n, deadline, cosines))
        return false;
    calibrate(cosines, n, whole);
    for (size_t i = 0; i < n; i++) {
        const struct event_words *w = known[n - 1 - i].words;
        if (event_words_count(effect->words) < WORDS_LEAST || event_words_count(w) < WORDS_LEAST)
            whole[i] = 0;
    }
    if (clause.n && similar_texts(s, a, clause, EMBED_DOCUMENT, texts, n, deadline, cosines))
        calibrate(cosines, n, named);
    for (size_t i = 0; i < n / 2; i++) { /* back to the order of the known */
        double w = whole[i], m = named[i];
        whole[i] = whole[n - 1 - i];
        named[i] = named[n - 1 - i];
        whole[n - 1 - i] = w;
        named[n - 1 - i] = m;
    }
    *out = (struct event_near){whole, named};
    return true;
}
