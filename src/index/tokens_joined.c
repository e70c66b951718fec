/* What is written together: names of code, versions, dates, times, files, addresses, tags. It gives its words, and
 * wholes on two levels: words joined by a mark of their own (snake_case, main.c, 10:30) and those joined by a path's
 * marks (src/main.c, ann@example.org). Where the mark only joins letters it is left out of the whole, so that one name
 * is the same in all spellings: get_user, get-user, getUser; e-mail, email.
 *
 * Not a parser of addresses or dates: what looks like one is treated as one, and its words are there in any case. */
#include "index/tokens_int.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* Words written together, and bytes of a whole before it is shortened; more begin a new row. */
enum { JOINED_MAX = 32, WHOLE_BYTES = 512 };

enum how {
    HOW_NOT,
    HOW_DROPPED,    /* the mark is left out of the whole */
    HOW_APOSTROPHE, /* the same, but a short ending (don't, it's) makes no whole */
    HOW_KEPT,
    HOW_PATH, /* a border between the two levels; kept */
    HOW_APART /* a border between wholes */
};
struct joint {
    enum how how;
    char mark;
    size_t bytes;
};
struct joined {
    struct word words[JOINED_MAX];
    struct joint joints[JOINED_MAX]; /* after each word */
    size_t n;
};

static bool starts_word(struct str text, size_t at)
{
    unsigned char c = byte_at(text, at);
    size_t bytes;
    return TOKEN_LOWER[c] || (c >= 0x80 && script_at(text, at, &bytes) == SCRIPT_WORD);
}

/* ---- joints ---- */
static struct joint colon(struct str text, size_t at, bool digits)
{
    if (digits)
        return (struct joint){HOW_KEPT, ':', 1};
    if (byte_at(text, at + 1) == ':')
        return (struct joint){HOW_PATH, ':', 2};
    if (byte_at(text, at + 1) == '/' && byte_at(text, at + 2) == '/')
        return (struct joint){HOW_APART, 0, 3};
    return (struct joint){HOW_NOT, 0, 0};
}

/* What stands at `at`, behind a word and before another. */
static struct joint joint_of(struct str text, size_t at, const struct word *before)
{
    static const struct joint NOT = {HOW_NOT, 0, 0};
    unsigned char c = byte_at(text, at), next = byte_at(text, at + 1), third = byte_at(text, at + 2);
    bool after_digit = before->n && before->digit >> (before->n - 1) & 1;
    bool digits = after_digit && is_digit(next);
    switch (c) {
    case '_': {
        size_t n = 1;
        while (byte_at(text, at + n) == '_')
            n++;
        return (struct joint){HOW_DROPPED, '_', n};
    }
    case '-':
        return (struct joint){HOW_DROPPED, '-', 1};
    case '\'':
        return after_digit || is_digit(next) ? NOT : (struct joint){HOW_APOSTROPHE, '\'', 1};
    case '.':
        return (struct joint){HOW_KEPT, '.', 1};
    case '+':
        return after_digit || is_digit(next) ? NOT : (struct joint){HOW_KEPT, '+', 1};
    case '&': /* AT&T, R&D */
        return before->n > 2 || after_digit ? NOT : (struct joint){HOW_KEPT, '&', 1};
    case ':':
        return colon(text, at, digits);
    case '/':
    case '\\':
        return (struct joint){HOW_PATH, '/', 1};
    case '@':
        return (struct joint){HOW_PATH, '@', 1};
    case 0xE2: /* the typographic apostrophe, and hyphens of the same block */
        if (next == 0x80 && third == 0x99)
            return (struct joint){HOW_APOSTROPHE, '\'', 3};
        return next == 0x80 && (third == 0x90 || third == 0x91) ? (struct joint){HOW_DROPPED, '-', 3} : NOT;
    default: /* a word that was cut */
        return TOKEN_LOWER[c] ? (struct joint){HOW_APART, 0, c == 'T' ? 1 : 0} : NOT;
    }
}

/* Dates and times run into what follows them: 2023-05-08T10:30:00Z, 10:30am. */
static void cut_time(struct word *w, const struct joint *before)
{
    size_t digits = ~w->digit ? (size_t)__builtin_ctzll(~w->digit) : TOKEN_BYTES;
    bool cut = digits >= 2 && digits < w->n && w->ascii && w->to - w->from == w->n;
    if (before->mark == ':' && before->how == HOW_KEPT)
        cut = cut && is_digit((unsigned char)w->form[1]);
    else
        cut = cut && before->mark == '-' && digits == 2 && w->form[2] == 't' && w->digit >> 3 & 1;
    if (!cut)
        return;
    w->n = digits;
    w->to = w->from + digits;
    w->digit &= (UINT64_C(1) << digits) - 1;
    w->upper = 0;
}

static size_t read_joined(struct str text, size_t at, struct joined *j)
{
    size_t end = token_read_word(text, at, &j->words[0]);
    for (j->n = 1; j->n < JOINED_MAX; j->n++) {
        struct joint joint = joint_of(text, end, &j->words[j->n - 1]);
        if (joint.how == HOW_NOT || !starts_word(text, end + joint.bytes))
            break;
        struct word *w = &j->words[j->n];
        (void)token_read_word(text, end + joint.bytes, w);
        cut_time(w, &joint);
        j->joints[j->n - 1] = joint;
        end = w->to;
    }
    j->joints[j->n - 1] = (struct joint){HOW_NOT, 0, 0};
    return end;
}

/* ---- wholes ---- */
struct whole {
    char p[WHOLE_BYTES];
    size_t n;
};

/* A longer one keeps its beginning and a hash (FNV-1a) of all of it. */
static size_t shorten(struct whole *w)
{
    enum { HASH_BYTES = 16 };
    uint64_t h = UINT64_C(14695981039346656037);
    char hex[HASH_BYTES + 1];
    if (w->n <= TOKEN_BYTES)
        return w->n;
    for (size_t i = 0; i < w->n; i++)
        h = (h ^ (unsigned char)w->p[i]) * UINT64_C(1099511628211);
    (void)snprintf(hex, sizeof hex, "%016llx", (unsigned long long)h);
    size_t kept = text_cut((struct str){w->p, w->n}, TOKEN_BYTES - HASH_BYTES).n;
    memcpy(w->p + kept, hex, HASH_BYTES);
    return kept + HASH_BYTES;
}

static bool add(struct whole *w, const char *p, size_t n)
{
    if (w->n + n > sizeof w->p)
        return false;
    memcpy(w->p + w->n, p, n);
    w->n += n;
    return true;
}

/* U.S.A. is usa. */
static bool initials(const struct joined *j, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (j->words[i].n != 1 || j->words[i].digit || (i + 1 < to && j->joints[i].mark != '.'))
            return false;
    return true;
}

/* Numbers only: 3-4 is not 34. */
static bool numbers(const struct joined *j, size_t from, size_t to)
{
    while (from < to && j->words[from].n && j->words[from].digit == ~UINT64_C(0) >> (64 - j->words[from].n))
        from++;
    return from == to;
}

/* The words from … to as one form; false when it is too long. *letters: nothing but ASCII letters. */
static bool spell(const struct joined *j, size_t from, size_t to, struct whole *out, bool *letters)
{
    bool dotted = initials(j, from, to), hyphens = numbers(j, from, to), fits = true;
    out->n = 0;
    *letters = true;
    for (size_t i = from; i < to && fits; i++) {
        const struct joint *joint = &j->joints[i];
        fits = add(out, j->words[i].form, j->words[i].n);
        *letters = *letters && j->words[i].ascii && !j->words[i].digit;
        bool kept = joint->how == HOW_DROPPED ? hyphens : joint->how != HOW_APOSTROPHE && !dotted;
        if (i + 1 == to || !kept)
            continue;
        *letters = false;
        fits = fits && add(out, &joint->mark, 1);
    }
    return fits && out->n > 0;
}

/* don't, it's, we'll: the ending is a stop word. */
static bool is_contraction(const struct joined *j, size_t from, size_t to)
{
    const struct word *last = &j->words[to - 1];
    return to - from == 2 && j->joints[from].how == HOW_APOSTROPHE && last->ascii && token_stops(last->form, last->n);
}

/* and/or, he/she. */
static bool says_nothing(const struct joined *j, size_t from, size_t to)
{
    bool path = false;
    for (size_t i = from; i < to; i++) {
        if (!j->words[i].ascii || !token_stops(j->words[i].form, j->words[i].n))
            return false;
        path = path || (i + 1 < to && j->joints[i].how == HOW_PATH);
    }
    return path;
}

static void give_whole(struct walk *k, struct joined *j, size_t from, size_t to)
{
    struct whole w;
    bool letters;
    if (to - from < 2 || is_contraction(j, from, to) || says_nothing(j, from, to) || !spell(j, from, to, &w, &letters))
        return;
    size_t n = letters && w.n <= TOKEN_BYTES ? token_stem(w.p, w.n) : shorten(&w);
    token_give(k, TOKEN_WHOLE, w.p, n, j->words[from].from, j->words[to - 1].to);
}

static size_t ends_at(const struct joined *j, size_t from, size_t to, enum how border)
{
    while (from + 1 < to && j->joints[from].how != border)
        from++;
    return from + 1;
}

/* 10:30:00 is found as 10:30 too. */
static bool has_seconds(const struct joined *j, size_t from, size_t to)
{
    return to - from > 2 && j->joints[from].mark == ':' && j->joints[from + 1].mark == ':' && j->words[from].digit;
}

static void give_level(struct walk *k, struct joined *j, size_t from, size_t to)
{
    if (!k->words_only) {
        give_whole(k, j, from, to);
        if (has_seconds(j, from, to))
            give_whole(k, j, from, from + 2);
    }
    for (size_t i = from; i < to; i++)
        token_give_word(k, &j->words[i]);
}

static void give_group(struct walk *k, struct joined *j, size_t from, size_t to)
{
    size_t end = ends_at(j, from, to, HOW_PATH);
    if (end < to && !k->words_only)
        give_whole(k, j, from, to);
    for (; from < to; from = end) {
        end = ends_at(j, from, to, HOW_PATH);
        give_level(k, j, from, end);
    }
}

/* ---- signs before and after ---- */
static void give_signed(struct walk *k, const char *before, const struct joined *j, size_t from, size_t to,
                        const char *after)
{
    struct whole w = {.n = 0}, body;
    bool letters, fits = spell(j, from, to, &body, &letters);
    fits = fits && add(&w, before, strlen(before)) && add(&w, body.p, body.n) && add(&w, after, strlen(after));
    if (fits)
        token_give(k, TOKEN_WHOLE, w.p, shorten(&w), j->words[from].from - (*before != 0),
                   j->words[to - 1].to + strlen(after));
}

/* #tag, #123, @handle: up to a path's mark. */
static void give_tag(struct walk *k, const struct joined *j)
{
    size_t from = j->words[0].from, end = ends_at(j, 0, j->n, HOW_PATH), apart = ends_at(j, 0, j->n, HOW_APART);
    unsigned char sign = from ? (unsigned char)k->text.p[from - 1] : 0;
    if ((sign == '#' || sign == '@') && !(from > 1 && TOKEN_LOWER[(unsigned char)k->text.p[from - 2]]))
        give_signed(k, sign == '#' ? "#" : "@@", j, 0, end < apart ? end : apart, "");
}

/* 50%, C++, C#. */
static void give_sign_after(struct walk *k, const struct joined *j, size_t end)
{
    const struct word *last = &j->words[j->n - 1];
    unsigned char c = byte_at(k->text, end), next = byte_at(k->text, end + 1);
    bool digits = last->n && last->digit >> (last->n - 1) & 1;
    if (c == '%' && digits)
        give_signed(k, "", j, j->n - 1, j->n, "%");
    else if (c == '+' && next == '+' && !digits)
        give_signed(k, "", j, j->n - 1, j->n, "++");
    else if (c == '#' && !digits && last->n <= 2 && !TOKEN_LOWER[next])
        give_signed(k, "", j, j->n - 1, j->n, "#");
}

size_t tokens_joined(struct walk *k, size_t at)
{
    struct joined j;
    size_t end = read_joined(k->text, at, &j);
    if (!k->words_only)
        give_tag(k, &j);
    for (size_t from = 0, to; from < j.n; from = to) {
        to = ends_at(&j, from, j.n, HOW_APART);
        give_group(k, &j, from, to);
    }
    if (!k->words_only)
        give_sign_after(k, &j, end);
    return end;
}
