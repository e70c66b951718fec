/* Reading a turn into blocks and sentences. See text.h. One pass over the lines; a block grows while lines
 * continue it. */
#include "service/patterns/text.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- blocks ---- */

struct reading {
    struct pattern_text *t;
    struct str rest; /* lines not read yet */
    struct buf text; /* of the open block */
    bool open;
    bool failed;
};

static void close_block(struct reading *r)
{
    if (!r->open)
        return;
    struct pt_block *b = &r->t->blocks[r->t->n_blocks - 1];
    b->text = arena_str(r->t->arena, buf_view(&r->text));
    r->failed = r->failed || r->text.failed || (r->text.n && !b->text.p);
    buf_clear(&r->text);
    r->open = false;
}

/* False: there are as many blocks as we look at. */
static bool open_block(struct reading *r, enum pt_kind kind)
{
    close_block(r);
    if (r->t->n_blocks == PT_BLOCKS_MAX)
        return false;
    r->t->blocks[r->t->n_blocks++] = (struct pt_block){.kind = kind};
    r->open = true;
    return true;
}

/* Bold signs say nothing that the words do not say. */
static void put_prose(struct reading *r, struct str line)
{
    line = str_trim(line);
    if (r->text.n)
        buf_char(&r->text, ' ');
    for (size_t i = 0; i < line.n; i++) {
        if (line.p[i] == '*' && i + 1 < line.n && line.p[i + 1] == '*')
            i++;
        else
            buf_char(&r->text, line.p[i]);
    }
}

static bool is_fence(struct str line)
{
    line = str_trim(line);
    return str_starts(line, "```") || str_starts(line, "~~~");
}

static void read_code(struct reading *r, struct str fence)
{
    fence = str_trim(str_skip(str_trim(fence), 3));
    bool keep = open_block(r, PT_CODE);
    struct pt_block *b = keep ? &r->t->blocks[r->t->n_blocks - 1] : NULL;
    if (b) {
        char *label = arena_cstr(r->t->arena, str_take(fence, 40));
        r->failed = r->failed || !label;
        for (char *c = label; c && *c; c++)
            *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
        b->label = str_of(label);
    }
    while (r->rest.p) {
        struct str line = str_cut(&r->rest, '\n');
        if (is_fence(line))
            break;
        if (keep) {
            buf_str(&r->text, line);
            buf_char(&r->text, '\n');
        }
    }
    close_block(r);
}

/* "1. ", "2) ", "- ", "* ", "• ", "- [ ] ": bytes of the marker, 0 when there is none. */
static size_t item_marker(struct str line, bool *numbered)
{
    size_t i = 0;
    *numbered = false;
    while (i < line.n && i < 3 && line.p[i] >= '0' && line.p[i] <= '9')
        i++;
    if (i && i + 1 < line.n && (line.p[i] == '.' || line.p[i] == ')') && line.p[i + 1] == ' ') {
        *numbered = true;
        return i + 2;
    }
    if (str_starts(line, "- [ ] ") || str_starts(line, "- [x] "))
        return 6;
    if (str_starts(line, "- ") || str_starts(line, "* ") || str_starts(line, "+ "))
        return 2;
    return str_starts(line, "\xe2\x80\xa2 ") ? 4 : 0;
}

/* "**Name**: what it is" → Name. */
static struct str bold_label(struct str item)
{
    if (!str_starts(item, "**"))
        return STR_NONE;
    item = str_skip(item, 2);
    ptrdiff_t end = str_find(item, STR("**"));
    return end > 0 ? str_take(item, (size_t)end) : STR_NONE;
}

static bool heading_level(struct str line, size_t *n)
{
    *n = 0;
    while (*n < line.n && line.p[*n] == '#')
        (*n)++;
    return *n >= 1 && *n <= 6 && *n < line.n && line.p[*n] == ' ';
}

static void read_line(struct reading *r, struct str raw)
{
    struct str line = str_trim(raw);
    size_t n;
    bool numbered;
    struct pattern_text *t = r->t;
    if (line.n == 0) {
        close_block(r);
    } else if (heading_level(line, &n)) {
        if (open_block(r, PT_HEADING))
            put_prose(r, str_skip(line, n));
        close_block(r);
    } else if ((n = item_marker(line, &numbered))) {
        struct str item = str_trim(str_skip(line, n));
        if (!open_block(r, PT_ITEM))
            return;
        t->blocks[t->n_blocks - 1].numbered = numbered;
        t->blocks[t->n_blocks - 1].label = arena_str(t->arena, bold_label(item));
        put_prose(r, item);
    } else if (line.p[0] == '|') {
        if (open_block(r, PT_TABLE))
            put_prose(r, line);
    } else if (r->open || open_block(r, PT_PARAGRAPH)) {
        put_prose(r, line);
    }
}

/* ---- sentences ---- */

static bool ends_sentence(struct str s, size_t i)
{
    if (s.p[i] != '.' && s.p[i] != '!' && s.p[i] != '?')
        return false;
    if (i + 1 == s.n)
        return true;
    if (s.p[i + 1] != ' ')
        return false;
    /* "e.g. this", "1. that": no end where one letter or a digit stands before the mark */
    bool short_word = i < 2 || s.p[i - 2] == ' ' || s.p[i - 2] == '.';
    return !(s.p[i] == '.' && short_word);
}

static void split_sentences(struct pattern_text *t, size_t block)
{
    struct str s = t->blocks[block].text;
    size_t from = 0;
    bool code = false; /* inside `…` a mark is part of a name */
    for (size_t i = 0; i < s.n && t->n_sentences < PT_SENTENCES_MAX; i++) {
        if (s.p[i] == '`')
            code = !code;
        if (i + 1 < s.n && (code || !ends_sentence(s, i)))
            continue;
        struct str one = str_trim((struct str){s.p + from, i + 1 - from});
        if (one.n)
            t->sentences[t->n_sentences++] = (struct pt_sentence){one, block};
        from = i + 1;
    }
}

enum err_code pattern_text_read(struct arena *a, struct str turn, struct pattern_text *out, struct err *e)
{
    struct reading r = {.t = out, .rest = text_cut(turn, PT_BYTES_MAX)};
    *out = (struct pattern_text){.arena = a,
                                 .blocks = arena_array(a, struct pt_block, PT_BLOCKS_MAX),
                                 .sentences = arena_array(a, struct pt_sentence, PT_SENTENCES_MAX)};
    if (!out->blocks || !out->sentences)
        return err_nomem(e);
    buf_init(&r.text, 0);
    while (r.rest.p) {
        struct str line = str_cut(&r.rest, '\n');
        if (is_fence(line))
            read_code(&r, line);
        else
            read_line(&r, line);
    }
    close_block(&r);
    buf_release(&r.text);
    if (r.failed || arena_failed(a))
        return err_nomem(e);
    for (size_t i = 0; i < out->n_blocks; i++) {
        if (out->blocks[i].kind != PT_CODE && out->blocks[i].kind != PT_TABLE)
            split_sentences(out, i);
    }
    return ERR_OK;
}

struct str text_lead(const struct pattern_text *t, size_t i)
{
    while (i > 0 && t->blocks[i].kind == PT_ITEM && t->blocks[i - 1].kind == PT_ITEM)
        i--;
    bool prose = i > 0 && (t->blocks[i - 1].kind == PT_PARAGRAPH || t->blocks[i - 1].kind == PT_HEADING);
    return prose ? t->blocks[i - 1].text : STR_NONE;
}

struct str text_title(const struct pattern_text *t, struct str lead)
{
    size_t words = lead.n > 0;
    for (size_t i = 0; i < lead.n; i++)
        words += lead.p[i] == ' ';
    for (size_t i = 0; words < 3 && i < t->n_blocks; i++) {
        if (t->blocks[i].kind == PT_PARAGRAPH && t->blocks[i].text.n > lead.n)
            return t->blocks[i].text;
    }
    return lead;
}

/* ---- cues ---- */

static bool word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c & 0x80;
}

static bool cue_here(struct str s, size_t at, const char *cue, size_t n)
{
    if (at + n > s.n || strncasecmp(s.p + at, cue, n) != 0)
        return false;
    bool left = at == 0 || !word_char(cue[0]) || !word_char(s.p[at - 1]);
    bool right = at + n == s.n || !word_char(cue[n - 1]) || !word_char(s.p[at + n]);
    return left && right;
}

ptrdiff_t cue_at(struct str s, const char *cue)
{
    size_t n = strlen(cue);
    for (size_t i = 0; i + n <= s.n; i++) {
        if (cue_here(s, i, cue, n))
            return (ptrdiff_t)i;
    }
    return -1;
}

const char *cue_any(struct str s, const char *const *cues, ptrdiff_t *at)
{
    for (; *cues; cues++) {
        ptrdiff_t found = cue_at(s, *cues);
        if (found < 0)
            continue;
        if (at)
            *at = found;
        return *cues;
    }
    return NULL;
}

bool cue_begins(struct str s, const char *const *cues)
{
    for (; *cues; cues++) {
        if (cue_here(s, 0, *cues, strlen(*cues)))
            return true;
    }
    return false;
}

bool text_is_question(struct str s)
{
    s = str_trim(s);
    return s.n && s.p[s.n - 1] == '?';
}

/* Verbs that begin an instruction in technical work; sorted. Only bare forms: "created" and "creating" tell what was
 * done, not what to do. */
static const char *const VERBS[] = {
    "activate", "add",      "allow",    "apply",    "approve", "ask",      "assign",     "back",     "begin",
    "bind",     "branch",   "build",    "bump",     "call",    "cd",       "change",     "check",    "choose",
    "clean",    "clear",    "click",    "clone",    "close",   "commit",   "compare",    "compile",  "configure",
    "confirm",  "connect",  "copy",     "create",   "cut",     "declare",  "define",     "delete",   "deploy",
    "describe", "disable",  "download", "drain",    "draw",    "drop",     "edit",       "enable",   "ensure",
    "enter",    "export",   "extract",  "fetch",    "fill",    "find",     "fix",        "follow",   "format",
    "freeze",   "generate", "give",     "go",       "import",  "increase", "insert",     "inspect",  "install",
    "invite",   "keep",     "label",    "launch",   "leave",   "let",      "link",       "list",     "load",
    "lock",     "log",      "look",     "make",     "mark",    "measure",  "merge",      "migrate",  "monitor",
    "mount",    "move",     "name",     "navigate", "note",    "notify",   "open",       "order",    "pause",
    "pick",     "pin",      "place",    "post",     "prepare", "press",    "prune",      "publish",  "pull",
    "push",     "put",      "read",     "rebase",   "rebuild", "record",   "regenerate", "register", "release",
    "reload",   "remove",   "rename",   "repeat",   "replace", "report",   "reproduce",  "request",  "reset",
    "resolve",  "restart",  "restore",  "resume",   "retry",   "return",   "revert",     "review",   "roll",
    "rotate",   "run",      "save",     "scale",    "scan",    "scroll",   "search",     "select",   "send",
    "set",      "share",    "show",     "sign",     "sort",    "split",    "squash",     "stage",    "start",
    "stop",     "store",    "submit",   "switch",   "sync",    "tag",      "take",       "tell",     "test",
    "trigger",  "try",      "turn",     "type",     "unlock",  "unpack",   "update",     "upgrade",  "upload",
    "use",      "validate", "verify",   "visit",    "wait",    "warm",     "watch",      "wire",     "wrap",
    "write"};

static int compare_verb(const void *key, const void *item)
{
    return strcmp(key, *(const char *const *)item);
}

bool text_is_instruction(struct str s)
{
    static const char *const lead_ins[] = {"then", "and", "finally", "next", "lastly", "please", "always", NULL};
    enum { VERB_MAX = 12 };
    char low[VERB_MAX + 1];
    size_t n = 0;
    s = str_trim(s);
    while (cue_begins(s, lead_ins)) {
        (void)str_cut(&s, ' ');
        s = str_trim(s);
    }
    while (n < s.n && n < VERB_MAX && word_char(s.p[n])) {
        low[n] = s.p[n] >= 'A' && s.p[n] <= 'Z' ? (char)(s.p[n] - 'A' + 'a') : s.p[n];
        n++;
    }
    low[n] = '\0';
    return bsearch(low, VERBS, sizeof VERBS / sizeof *VERBS, sizeof *VERBS, compare_verb) != NULL;
}
