/* What a sentence is worth. The words that many turns share say what a talk is about; what somebody did, plans or
 * decided, with names, dates and figures, says what happened; greetings, compliments and questions say nothing.
 *
 *   worth = (sum of its stems' weights) / (words + EVEN)^POWER × product of the cues that apply
 *
 * The factors were chosen on five of LoCoMo's ten conversations and looked at on the other five (bench/summaries.py).
 */
#include "digest/intern.h"

#include <math.h>
#include <string.h>

static const double EVEN = 2.3, POWER = 0.45;

struct factor {
    unsigned cues;
    double summary, event;
};
static const struct factor FACTORS[] = {
    {CUE_SELF, 1.5, 1.6}, {CUE_OTHER, 0.35, 0.3}, {W_PAST, 1.15, 1.3},    {W_FUTURE, 0.85, 1.0},
    {W_TIME, 1.15, 1.6},  {W_CHANGE, 1.0, 1.25},  {W_DECISION, 1.1, 1.1}, {W_ERROR, 1.15, 1.15},
    {W_FIX, 1.15, 1.15},  {CUE_NAME, 1.1, 1.15},  {CUE_FIGURE, 1.5, 1.5}, {CUE_FILE, 1.15, 1.15},
};
static const double QUESTION = 0.35, TOOL = 0.4, FEW_WORDS = 0.4, EMPTY = 0.1, POINTING = 0.78;
enum { FEW = 4, CONTENT_LEAST = 2 };

double stem_weight(const struct talk *t, uint32_t stem)
{
    const struct stem *s = &t->vocabulary.stem[stem];
    if (!s->content || s->speaker)
        return 0;
    double share = log2(1.0 + s->turns);
    return (0.95 + share) * (s->name ? 1.3 : 1);
}

/* Between white space: a slash between letters, or a dot before a short ending and after a letter. */
static bool has_file(struct str text)
{
    for (size_t i = 1; i + 1 < text.n; i++) {
        char before = text.p[i - 1], after = text.p[i + 1];
        bool letters = ((before | 0x20) >= 'a' && (before | 0x20) <= 'z') && after >= 'a' && after <= 'z';
        if (letters && (text.p[i] == '.' || (text.p[i] == '/' && memchr(text.p + i, '.', text.n - i))))
            return true;
    }
    return false;
}

static bool is_judging(struct str lower)
{
    static const char *const begins[] = {"that's", "that",  "it's",  "sounds", "glad",  "good",  "great",
                                         "keep",   "hope",  "so",    "such",   "what",  "how",   "congrats",
                                         "wow",    "nice",  "love",  "thanks", "thank", "can't", "let",
                                         "this",   "those", "these", "it"};
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (str_is(lower, begins[i]))
            return true;
    return false;
}

/* Begins with a word that needs the sentence before it. */
static bool points_back(struct str lower)
{
    static const char *const begins[] = {"she",  "he",    "they",  "it",  "it's", "that",
                                         "this", "these", "those", "her", "his"};
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (str_is(lower, begins[i]))
            return true;
    return false;
}

/* "I", "we" or a sentence whose "I" was left out; against "you" and mere judging. */
static unsigned subject(const struct talk *t, const struct sentence *s, unsigned classes)
{
    const struct vocabulary *v = &t->vocabulary;
    unsigned first = 0, found = 0;
    for (uint32_t i = 0; i < s->n && i < 12; i++) {
        const struct form *f = &v->form[s->words[i].form];
        struct str word = v->forms.keys[s->words[i].form];
        bool mine = (f->classes & W_FIRST) && !str_is(word, "me") && !str_is(word, "us");
        if (mine)
            return found & CUE_OTHER && i > 3 ? CUE_OTHER : CUE_SELF;
        if (i == 0)
            first = f->classes;
        if (i < 2 && ((f->classes & W_SECOND) || (i == 0 && is_judging(word))))
            found |= CUE_OTHER;
    }
    if (first & W_BARE)
        found |= CUE_SELF;
    return found | (classes & W_FIRST && !found ? CUE_SELF : 0);
}

/* The weights of its distinct stems together; *count: how many of them carry something. */
static double content_of(const struct talk *t, struct sentence *s, uint32_t *count)
{
    const struct vocabulary *v = &t->vocabulary;
    double sum = 0;
    *count = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        uint32_t stem = v->form[s->words[i].form].stem;
        bool again = false;
        for (uint32_t k = 0; k < i && !again; k++)
            again = v->form[s->words[k].form].stem == stem;
        double weight = again ? 0 : stem_weight(t, stem);
        sum += weight;
        *count += weight > 0;
        s->cues |= v->form[s->words[i].form].classes;
        const struct stem *it = &v->stem[stem];
        if (it->name && !it->speaker)
            s->cues |= CUE_NAME;
        char c = s->text.p[s->words[i].at];
        if (c >= '0' && c <= '9')
            s->cues |= CUE_FIGURE;
    }
    return sum;
}

static void judge(const struct talk *t, struct sentence *s)
{
    uint32_t count;
    double worth = content_of(t, s, &count) / pow(s->n + EVEN, POWER), summary = worth, event = worth;
    s->cues |= has_file(s->text) ? CUE_FILE : 0;
    s->cues |= s->told ? CUE_SELF : subject(t, s, s->cues);
    for (size_t i = 0; i < sizeof FACTORS / sizeof *FACTORS; i++) {
        if (!(s->cues & FACTORS[i].cues))
            continue;
        summary *= FACTORS[i].summary;
        event *= FACTORS[i].event;
    }
    double less = (s->question ? QUESTION : 1) * (s->tool ? TOOL : 1) * (s->n < FEW ? FEW_WORDS : 1) *
                  (count < CONTENT_LEAST ? EMPTY : 1);
    if (s->n && !s->told && points_back(t->vocabulary.forms.keys[s->words[0].form]))
        less *= POINTING;
    if (s->text.p[0] == '[')
        less *= TOOL;
    s->score = (float)(summary * less);
    s->event = (float)(event * less);
}

void salience_judge(struct talk *t)
{
    for (size_t i = 0; i < t->n; i++)
        judge(t, &t->sentences[i]);
}
