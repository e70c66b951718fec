/* Sentences that tell of an event. First the text is cut into plain sentences, then each is judged by the words and
 * phrases of one table: the strongest one decides its type, and among equals the first, because English puts the verb
 * that matters early ("Fixed the failing test" is a change, "The fix fails" a problem).
 *
 * It is no grammar: it knows past tenses by their endings and a list of irregular ones, and takes no sentence that
 * begins as a question, an intention or a condition. */
#include "service/event_text.h"

#include "base/text.h"

#include <string.h>

enum { READ_BYTES = 65536, SENTENCES = 400, WORDS_LEAST = 3 };

/* ---- the table ---- */

/* How telling a phrase is. A word of WEAK decides only where nothing else does. */
enum { WEAK = 1, PLAIN = 3, STRONG = 5, OPENING = 1 /* more among the first words, for what somebody did */ };

struct cue {
    const char *phrase; /* lower case, from the start of a word; '*' at the end: any ending */
    enum event_type type;
    int strength;
};
static const struct cue cues[] = {
    {"root cause", EVENT_FINDING, STRONG},
    {"the cause is", EVENT_FINDING, STRONG},
    {"the cause was", EVENT_FINDING, STRONG},
    {"the reason", EVENT_FINDING, STRONG},
    {"the problem is", EVENT_FINDING, STRONG},
    {"the problem was", EVENT_FINDING, STRONG},
    {"the issue is", EVENT_FINDING, STRONG},
    {"the issue was", EVENT_FINDING, STRONG},
    {"the culprit", EVENT_FINDING, STRONG},
    {"turns out", EVENT_FINDING, STRONG},
    {"turned out", EVENT_FINDING, STRONG},
    {"i see it now", EVENT_FINDING, STRONG},
    {"now i see", EVENT_FINDING, STRONG},
    {"now i understand", EVENT_FINDING, STRONG},
    {"found that", EVENT_FINDING, STRONG},
    {"found out", EVENT_FINDING, STRONG},
    {"found the", EVENT_FINDING, STRONG},
    {"found a", EVENT_FINDING, STRONG},
    {"review found", EVENT_FINDING, STRONG},
    {"discovered", EVENT_FINDING, STRONG},
    {"realized", EVENT_FINDING, STRONG},
    {"realised", EVENT_FINDING, STRONG},
    {"decid*", EVENT_DECISION, STRONG},
    {"decision", EVENT_DECISION, PLAIN},
    {"let's go with", EVENT_DECISION, STRONG},
    {"let's use", EVENT_DECISION, STRONG},
    {"we'll use", EVENT_DECISION, STRONG},
    {"we'll go with", EVENT_DECISION, STRONG},
    {"going with", EVENT_DECISION, PLAIN},
    {"chose", EVENT_DECISION, STRONG},
    {"agreed", EVENT_DECISION, STRONG},
    {"settled on", EVENT_DECISION, STRONG},
    {"made up my mind", EVENT_DECISION, STRONG},
    {"fixed", EVENT_CHANGE, PLAIN},
    {"fixes", EVENT_CHANGE, PLAIN},
    {"changed", EVENT_CHANGE, PLAIN},
    {"updated", EVENT_CHANGE, PLAIN},
    {"added", EVENT_CHANGE, PLAIN},
    {"removed", EVENT_CHANGE, PLAIN},
    {"deleted", EVENT_CHANGE, PLAIN},
    {"replaced", EVENT_CHANGE, PLAIN},
    {"implemented", EVENT_CHANGE, PLAIN},
    {"created", EVENT_CHANGE, PLAIN},
    {"migrated", EVENT_CHANGE, PLAIN},
    {"switched", EVENT_CHANGE, PLAIN},
    {"bumped", EVENT_CHANGE, PLAIN},
    {"upgraded", EVENT_CHANGE, PLAIN},
    {"downgraded", EVENT_CHANGE, PLAIN},
    {"renamed", EVENT_CHANGE, PLAIN},
    {"moved", EVENT_CHANGE, PLAIN},
    {"reverted", EVENT_CHANGE, PLAIN},
    {"restored", EVENT_CHANGE, PLAIN},
    {"rebased", EVENT_CHANGE, PLAIN},
    {"merged", EVENT_CHANGE, PLAIN},
    {"pushed", EVENT_CHANGE, PLAIN},
    {"committed", EVENT_CHANGE, PLAIN},
    {"deployed", EVENT_CHANGE, PLAIN},
    {"released", EVENT_CHANGE, PLAIN},
    {"installed", EVENT_CHANGE, PLAIN},
    {"configured", EVENT_CHANGE, PLAIN},
    {"enabled", EVENT_CHANGE, PLAIN},
    {"disabled", EVENT_CHANGE, PLAIN},
    {"excluded", EVENT_CHANGE, PLAIN},
    {"increased", EVENT_CHANGE, PLAIN},
    {"reduced", EVENT_CHANGE, PLAIN},
    {"refactored", EVENT_CHANGE, PLAIN},
    {"rewrote", EVENT_CHANGE, PLAIN},
    {"wrote", EVENT_CHANGE, PLAIN},
    {"set the", EVENT_CHANGE, PLAIN},
    {"set up", EVENT_CHANGE, PLAIN},
    {"signed up", EVENT_CHANGE, PLAIN},
    {"started to", EVENT_CHANGE, PLAIN},
    {"joined", EVENT_CHANGE, PLAIN},
    {"bought", EVENT_CHANGE, PLAIN},
    {"opened", EVENT_CHANGE, WEAK},
    {"passes", EVENT_RESULT, PLAIN},
    {"passed", EVENT_RESULT, PLAIN},
    {"tests pass", EVENT_RESULT, STRONG},
    {"pass now", EVENT_RESULT, STRONG},
    {"passing", EVENT_RESULT, PLAIN},
    {"works", EVENT_RESULT, PLAIN},
    {"worked", EVENT_RESULT, PLAIN},
    {"succeed*", EVENT_RESULT, PLAIN},
    {"resolved", EVENT_RESULT, PLAIN},
    {"green", EVENT_RESULT, WEAK},
    {"runs again", EVENT_RESULT, STRONG},
    {"no longer fails", EVENT_RESULT, STRONG},
    {"intact again", EVENT_RESULT, STRONG},
    {"is clean", EVENT_RESULT, PLAIN},
    {"went through", EVENT_RESULT, PLAIN},
    {"went down", EVENT_RESULT, PLAIN},
    {"went up", EVENT_RESULT, PLAIN},
    {"improved", EVENT_RESULT, PLAIN},
    {"completed", EVENT_RESULT, PLAIN},
    {"finished", EVENT_RESULT, PLAIN},
    {"won", EVENT_RESULT, PLAIN},
    {"fail*", EVENT_PROBLEM, PLAIN},
    {"error*", EVENT_PROBLEM, PLAIN},
    {"crash*", EVENT_PROBLEM, PLAIN},
    {"exception*", EVENT_PROBLEM, PLAIN},
    {"panic*", EVENT_PROBLEM, PLAIN},
    {"deadlock*", EVENT_PROBLEM, PLAIN},
    {"timed out", EVENT_PROBLEM, PLAIN},
    {"timeout", EVENT_PROBLEM, WEAK},
    {"out of memory", EVENT_PROBLEM, PLAIN},
    {"ran out", EVENT_PROBLEM, PLAIN},
    {"is full", EVENT_PROBLEM, PLAIN},
    {"stopped", EVENT_PROBLEM, PLAIN},
    {"broke", EVENT_PROBLEM, PLAIN},
    {"breaks", EVENT_PROBLEM, PLAIN},
    {"broken", EVENT_PROBLEM, PLAIN},
    {"dies", EVENT_PROBLEM, PLAIN},
    {"hangs", EVENT_PROBLEM, PLAIN},
    {"leak*", EVENT_PROBLEM, PLAIN},
    {"regression", EVENT_PROBLEM, PLAIN},
    {"conflict*", EVENT_PROBLEM, WEAK},
    {"bug", EVENT_PROBLEM, WEAK},
    {"wrong", EVENT_PROBLEM, PLAIN},
    {"missing", EVENT_PROBLEM, PLAIN},
    {"unused", EVENT_PROBLEM, WEAK},
    {"complain*", EVENT_PROBLEM, PLAIN},
    {"denied", EVENT_PROBLEM, PLAIN},
    {"refused", EVENT_PROBLEM, PLAIN},
    {"rejected", EVENT_PROBLEM, PLAIN},
    {"returns nothing", EVENT_PROBLEM, PLAIN},
    {"too slow", EVENT_PROBLEM, PLAIN},
    {"is slow", EVENT_PROBLEM, PLAIN},
    {"does not", EVENT_PROBLEM, WEAK},
    {"doesn't", EVENT_PROBLEM, WEAK},
    {"did not", EVENT_PROBLEM, WEAK},
    {"didn't", EVENT_PROBLEM, WEAK},
    {"cannot", EVENT_PROBLEM, WEAK},
    {"can't", EVENT_PROBLEM, WEAK},
    {"could not", EVENT_PROBLEM, PLAIN},
    {"couldn't", EVENT_PROBLEM, PLAIN},
    {"no longer", EVENT_PROBLEM, WEAK},
    {"lost", EVENT_PROBLEM, PLAIN},
    {"hurt", EVENT_PROBLEM, PLAIN},
    {"injur*", EVENT_PROBLEM, PLAIN},
    {"missed", EVENT_PROBLEM, WEAK},
    {"setback", EVENT_PROBLEM, PLAIN},
    {"accident", EVENT_PROBLEM, PLAIN},
    {"power cut", EVENT_PROBLEM, PLAIN},
    {"cancelled", EVENT_PROBLEM, WEAK},
    {"canceled", EVENT_PROBLEM, WEAK},
    {"had to cancel", EVENT_PROBLEM, PLAIN},
    {"ended up in", EVENT_PROBLEM, WEAK},
    {"there was", EVENT_OCCURRENCE, WEAK},
    {"there were", EVENT_OCCURRENCE, WEAK},
    {"said yes", EVENT_RESULT, PLAIN},
    {"said no", EVENT_PROBLEM, PLAIN},
    {"got", EVENT_OCCURRENCE, WEAK},
    {"gave", EVENT_OCCURRENCE, WEAK},
    {"went", EVENT_OCCURRENCE, WEAK},
    {"came", EVENT_OCCURRENCE, WEAK},
    {"left", EVENT_OCCURRENCE, WEAK},
    {"died", EVENT_PROBLEM, WEAK},
    {"met", EVENT_OCCURRENCE, WEAK},
    {"made", EVENT_OCCURRENCE, WEAK},
    {"found", EVENT_OCCURRENCE, WEAK},
    {"quit", EVENT_CHANGE, PLAIN},
    {"sold", EVENT_CHANGE, PLAIN},
    {"built", EVENT_CHANGE, PLAIN},
    {"began", EVENT_OCCURRENCE, WEAK},
    {"became", EVENT_OCCURRENCE, WEAK},
    {"fell", EVENT_OCCURRENCE, WEAK},
    {"took", EVENT_OCCURRENCE, WEAK},
    {"told", EVENT_OCCURRENCE, WEAK},
    {"sent", EVENT_OCCURRENCE, WEAK},
    {"led", EVENT_OCCURRENCE, WEAK},
};

/* A sentence that begins so tells of no event. */
static const char *const no_event_openings[] = {
    "let me",     "let's",        "now let",    "i'll",      "i will",     "i'm going to", "i am going to",
    "i need to",  "now i'll",     "now i need", "i want to", "i should",   "we should",    "we need to",
    "you should", "you can",      "can you",    "could you", "please",     "if ",          "would ",
    "should ",    "do you",       "did you",    "here is",   "here's",     "here are",     "next",
    "maybe",      "perhaps",      "i hope",     "i wish",    "i can't",    "i think",      "imagine",
    "suppose",    "when you",     "to do",      "todo",      "first, let", "make sure",    "step ",
    "i'd like",   "i would like", "we could",   "how ",      "what ",      "why ",         "remember to",
};
/* What is only imagined or demanded. */
static const char *const no_event_words[] = {"could", "would", "might", "should", "must", "needs", "need", "will"};

static const char *const names[EVENT_TYPES] = {"occurrence", "problem", "finding",   "decision",
                                               "change",     "result",  "occurrence"};

const char *event_type_name(enum event_type t)
{
    return names[t];
}

enum event_type event_type_named(struct str name)
{
    for (int t = EVENT_PROBLEM; t < EVENT_TYPES; t++) {
        if (str_is(name, names[t]))
            return (enum event_type)t;
    }
    return EVENT_NONE;
}

/* ---- one statement ---- */

static bool word_byte(char c)
{
    unsigned char u = (unsigned char)c;
    return u >= 0x80 || (u >= '0' && u <= '9') || (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') || u == '_';
}

/* ASCII in lower case; the typographic apostrophe (U+2019) as the plain one. */
static struct str lower(struct str s, char out[EVENT_TEXT_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < s.n && n < EVENT_TEXT_MAX; i++) {
        char c = s.p[i];
        if (i + 2 < s.n && memcmp(s.p + i, "\xe2\x80\x99", 3) == 0) {
            c = '\'';
            i += 2;
        }
        out[n++] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    return (struct str){out, n};
}

/* `rest` begins, at the start of a word, with the phrase. */
static bool phrase_here(struct str rest, const char *phrase)
{
    size_t n = strlen(phrase);
    bool open = phrase[n - 1] == '*';
    n -= open;
    return rest.n >= n && memcmp(rest.p, phrase, n) == 0 && (open || rest.n == n || !word_byte(rest.p[n]));
}

static size_t word_length(struct str rest)
{
    size_t n = 0;
    while (n < rest.n && (word_byte(rest.p[n]) || rest.p[n] == '\''))
        n++;
    return n;
}

static bool is_any(struct str word, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_is(word, list[i]))
            return true;
    }
    return false;
}

/* "now runs", "now keeps": how a change is told in the present. */
static bool is_present_verb(struct str word)
{
    return word.n >= 4 && word.p[word.n - 1] == 's' && word.p[word.n - 2] != 's';
}

struct verdict {
    enum event_type type;
    int strength;
};

static void consider(struct verdict *v, enum event_type type, int strength)
{
    if (strength > v->strength)
        *v = (struct verdict){type, strength};
}

static void judge_word(struct verdict *v, struct str rest, struct str word, struct str before, size_t number)
{
    for (size_t i = 0; i < sizeof cues / sizeof *cues; i++) {
        const struct cue *c = &cues[i];
        if (c->phrase[0] != word.p[0] || !phrase_here(rest, c->phrase))
            continue;
        bool opening = number < 3 && (c->type == EVENT_CHANGE || c->type == EVENT_RESULT);
        consider(v, c->type, c->strength + (opening ? OPENING : 0));
    }
    if (str_is(before, "now") && is_present_verb(word))
        consider(v, EVENT_CHANGE, PLAIN);
    if (word.n > 4 && str_ends(word, "ed"))
        consider(v, EVENT_OCCURRENCE, WEAK);
}

static struct verdict judge(struct str low)
{
    struct verdict v = {EVENT_NONE, 0};
    struct str before = STR_NONE;
    size_t number = 0;
    bool imagined = false, guessed = false;
    for (size_t i = 0; i < low.n;) {
        struct str rest = str_skip(low, i), word = {rest.p, word_length(rest)};
        if (word.n == 0) {
            i++;
            continue;
        }
        judge_word(&v, rest, word, before, number++);
        imagined = imagined || (is_any(word, no_event_words, sizeof no_event_words / sizeof *no_event_words) &&
                                !phrase_here(rest, "could not"));
        guessed = guessed || str_is(word, "might");
        before = word;
        i += word.n;
    }
    if (number < WORDS_LEAST || guessed || (imagined && v.type != EVENT_PROBLEM && v.type != EVENT_FINDING))
        v = (struct verdict){EVENT_NONE, 0};
    return v;
}

static bool opens_as_none(struct str low)
{
    for (size_t i = 0; i < sizeof no_event_openings / sizeof *no_event_openings; i++) {
        const char *o = no_event_openings[i];
        size_t n = strlen(o);
        if (str_starts(low, o) && (o[n - 1] == ' ' || low.n == n || !word_byte(low.p[n])))
            return !str_starts(low, "let's go with") && !str_starts(low, "let's use");
    }
    return false;
}

/* Prose is letters and blanks for the most part; code, listings, paths and logs are not. */
static bool is_prose(struct str s)
{
    size_t plain = 0;
    if (s.n && (s.p[s.n - 1] == ';' || s.p[s.n - 1] == '{' || s.p[s.n - 1] == '}'))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        plain += c == ' ' || c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    }
    bool listing = str_find(s, STR("\xe2\x94\x82")) >= 0 || str_find(s, STR(" | ")) >= 0; /* U+2502 and tables */
    return !listing && plain * 100 >= s.n * 80;
}

static struct verdict judge_statement(struct str s)
{
    char room[EVENT_TEXT_MAX];
    struct str low = lower(s, room);
    if (low.n == 0 || low.p[low.n - 1] == '?' || !is_prose(s) || opens_as_none(low))
        return (struct verdict){EVENT_NONE, 0};
    return judge(low);
}

enum event_type event_type_of(struct str statement)
{
    return judge_statement(str_trim(statement)).type;
}

bool event_word_is_common(struct str word)
{
    for (size_t i = 0; i < sizeof cues / sizeof *cues; i++) {
        const char *c = cues[i].phrase;
        if (c[0] == word.p[0] && !strchr(c, ' ') && phrase_here(word, c))
            return true;
    }
    static const char *const more[] = {"test",   "tests",     "now",   "new",    "again",  "run",    "runs",
                                       "change", "fix",       "pass",  "last",   "week",   "day",    "days",
                                       "time",   "year",      "month", "today",  "talk",   "talked", "chat",
                                       "spoke",  "yesterday", "issue", "issues", "problem"};
    return is_any(word, more, sizeof more / sizeof *more);
}

/* ---- sentences ---- */

/* Without list marks, quote marks, headings and emphasis around it. */
static struct str bare(struct str s)
{
    for (;;) {
        s = str_trim(s);
        size_t n = 0;
        while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
            n++;
        if (n && n < 4 && n + 1 < s.n && (s.p[n] == '.' || s.p[n] == ')') && s.p[n + 1] == ' ')
            s = str_skip(s, n + 1);
        else if (s.n && strchr("#*-_+~`>", s.p[0]))
            s = str_skip(s, 1);
        else
            break;
    }
    while (s.n && strchr("*_~` ", s.p[s.n - 1]))
        s.n--;
    return s;
}

/* The end of the first sentence of a line: after . ! ? that white space or the line's end follows. */
static size_t sentence_end(struct str line)
{
    for (size_t i = 0; i < line.n; i++) {
        bool mark = line.p[i] == '.' || line.p[i] == '!' || line.p[i] == '?';
        bool number = i && line.p[i] == '.' && i < 4 && line.p[i - 1] >= '0' && line.p[i - 1] <= '9';
        if (mark && !number && (i + 1 == line.n || line.p[i + 1] == ' ' || line.p[i + 1] == '*'))
            return i + 1;
    }
    return line.n;
}

struct sentences {
    struct event_found all[SENTENCES];
    int strength[SENTENCES];
    size_t n, seen;
};

/* In the arena, without the marks of bold text. STR_NONE: out of memory. */
static struct str keep(struct arena *a, struct str s)
{
    struct str kept = arena_str(a, s);
    char *p = (char *)kept.p; /* our own fresh copy */
    size_t n = 0;
    for (size_t i = 0; i < kept.n; i++) {
        if (p[i] == '*' && i + 1 < kept.n && p[i + 1] == '*')
            i++;
        else
            p[n++] = p[i];
    }
    kept.n = n;
    return kept;
}

static void take_sentence(struct arena *a, struct sentences *s, struct str text)
{
    text = text_cut(bare(text), EVENT_TEXT_MAX);
    struct verdict v = judge_statement(text);
    if (v.type == EVENT_NONE || s->n == SENTENCES)
        return;
    struct str kept = keep(a, text);
    if (!kept.p)
        return;
    s->strength[s->n] = v.strength;
    s->all[s->n++] = (struct event_found){kept, v.type};
}

static void take_line(struct arena *a, struct sentences *s, struct str line)
{
    line = str_trim(line);
    if (line.n == 0 || line.p[0] == '|' || line.p[0] == '>' || line.p[0] == '<')
        return; /* a table, a quote, markup */
    while (line.n && s->seen < SENTENCES) {
        size_t n = sentence_end(line);
        take_sentence(a, s, str_take(line, n));
        line = str_trim(str_skip(line, n));
        s->seen++;
    }
}

/* The `max` most telling ones, in their order: those of the highest strength that there are enough of. */
static size_t choose(const struct sentences *s, size_t max, struct event_found *out)
{
    size_t n = 0;
    int least = STRONG + OPENING + 1;
    while (n < max && least > 0) {
        least--;
        n = 0;
        for (size_t i = 0; i < s->n; i++)
            n += s->strength[i] >= least;
    }
    size_t kept = 0;
    for (size_t i = 0; i < s->n && kept < max; i++) {
        if (s->strength[i] >= least)
            out[kept++] = s->all[i];
    }
    return kept;
}

size_t events_find(struct arena *a, struct str content, size_t max, struct event_found *out)
{
    struct sentences *s = arena_alloc(a, sizeof *s);
    struct str rest = str_take(content, READ_BYTES);
    bool code = false;
    if (!s || max == 0)
        return 0;
    while (rest.n && s->seen < SENTENCES) {
        struct str line = str_cut(&rest, '\n');
        bool fence = str_starts(str_trim(line), "```");
        code = code != fence;
        if (!code && !fence)
            take_line(a, s, line);
    }
    return choose(s, max < EVENTS_PER_TURN_MAX ? max : EVENTS_PER_TURN_MAX, out);
}
