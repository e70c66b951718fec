/* Turns → a segment in memory. The turns are sorted first and numbered in that order, so that each term's documents
 * come in ascending order by themselves; then one pass over the words makes a flat list of (term, document, tf), which
 * is counted and dealt out by term. */
#include "index/engine.h"

#include "base/mem.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_TERMS = 1024, FIRST_TUPLES = 8192, DOC_BITS = 24, WAITING = 64, AHEAD = 16 };

struct entry {            /* a term */
    uint64_t head;        /* its first eight bytes */
    uint32_t hash, at, n; /* where its bytes are */
    uint32_t df;
    uint32_t last_doc; /* + 1; 0: none yet */
    uint32_t last;     /* its tuple for last_doc; later: where its postings begin */
};
struct tuple {
    uint32_t term;
    uint32_t doc : DOC_BITS, tf : 8;
};
/* A word on its way into the table. Words wait until there are some, so that the processor fetches the places of all of
 * them while it works on the first: the table is larger than its caches, and waiting for each is a third of the cost.
 */
struct waiting {
    uint64_t head;
    uint32_t hash, n;
    char bytes[TERM_MAX_BYTES + 8];
};
struct building {
    const struct turn **turns; /* in the order of documents */
    size_t n;
    struct buf bytes; /* of terms */
    struct entry *terms;
    uint32_t n_terms, terms_room;
    uint32_t *slots; /* hash table of term + 1; twice terms_room */
    struct tuple *tuples;
    size_t n_tuples, tuples_room;
    uint32_t doc;
    struct waiting *waiting;
    size_t n_waiting;
    bool failed; /* out of memory */
    struct names names;
    uint32_t *agents, *conversations;
    uint8_t *lengths;
    uint64_t bytes_of_all;
};

/* ---- order ---- */
struct run { /* turns of one conversation that follow one another, as turns mostly do */
    const struct turn *first;
    size_t n;
};

static int compare_runs(const void *a, const void *b)
{
    const struct turn *x = ((const struct run *)a)->first, *y = ((const struct run *)b)->first;
    int order = str_cmp(x->project, y->project);
    order = order ? order : str_cmp(x->session_id, y->session_id);
    order = order ? order : str_cmp(x->conversation_id, y->conversation_id);
    return order ? order : (x->seq > y->seq) - (x->seq < y->seq);
}

static bool same_place(const struct turn *a, const struct turn *b)
{
    return str_eq(a->conversation_id, b->conversation_id) && str_eq(a->session_id, b->session_id) &&
           str_eq(a->project, b->project);
}

/* The turns, which ascend in seq, in the order of documents. */
static bool order_turns(struct building *b, const struct turn *turns)
{
    struct run *runs = mem_alloc((b->n + 1) * sizeof *runs);
    size_t n = 0, doc = 0;
    for (size_t i = 0; runs && i < b->n; i++)
        if (i && same_place(&turns[i], &turns[i - 1]))
            runs[n - 1].n++;
        else
            runs[n++] = (struct run){&turns[i], 1};
    if (runs && n > 1)
        qsort(runs, n, sizeof *runs, compare_runs);
    for (size_t r = 0; runs && r < n; r++)
        for (size_t i = 0; i < runs[r].n; i++)
            b->turns[doc++] = runs[r].first + i;
    mem_free(runs);
    return runs != NULL;
}

/* ---- terms ---- */
/* Terms are kept filled with zeros to a multiple of eight bytes, so that they are hashed and compared by words. */
enum { WORD = 8 };

static uint64_t word_at(const char *p)
{
    uint64_t w;
    memcpy(&w, p, sizeof w);
    return w;
}

/* Mixed at the end: a product's low bits depend on the low bits of its factors alone, and the table uses the low ones.
 */
static uint32_t hash_term(const char *p, uint32_t n)
{
    uint64_t h = (n ^ word_at(p)) * 0x9e3779b97f4a7c15;
    for (uint32_t i = WORD; i < n; i += WORD)
        h = (h ^ h >> 32 ^ word_at(p + i)) * 0xd6e8feb86659fd93;
    return (uint32_t)(h ^ h >> 32);
}

static bool more_terms(struct building *b)
{
    uint32_t room = b->terms_room ? b->terms_room * 2 : FIRST_TERMS, slots = room * 2;
    struct entry *terms = mem_grow(b->terms, room * sizeof *terms);
    if (!terms)
        return false;
    b->terms = terms;
    uint32_t *p = mem_zalloc(slots * sizeof *p);
    if (!p)
        return false;
    mem_free(b->slots);
    b->slots = p;
    b->terms_room = room;
    for (uint32_t t = 0; t < b->n_terms; t++) {
        uint32_t i = terms[t].hash;
        while (p[i & (slots - 1)])
            i++;
        p[i & (slots - 1)] = t + 1;
    }
    return true;
}

static bool same_term(const struct building *b, const struct entry *t, const struct waiting *w)
{
    if (t->head != w->head || t->n != w->n)
        return false;
    for (uint32_t i = WORD; i < w->n; i += WORD)
        if (word_at(b->bytes.p + t->at + i) != word_at(w->bytes + i))
            return false;
    return true;
}

static struct entry *find_term(struct building *b, const struct waiting *w)
{
    if (b->n_terms == b->terms_room && !more_terms(b))
        return NULL;
    uint32_t mask = b->terms_room * 2 - 1;
    for (uint32_t i = w->hash;; i++) {
        uint32_t *slot = &b->slots[i & mask];
        if (*slot == 0) {
            struct entry *t = &b->terms[b->n_terms];
            *t = (struct entry){.head = w->head, .hash = w->hash, .at = (uint32_t)b->bytes.n, .n = w->n};
            buf_put(&b->bytes, w->bytes, ((size_t)w->n + WORD - 1) / WORD * WORD);
            *slot = ++b->n_terms;
            return b->bytes.failed ? NULL : t;
        }
        struct entry *t = &b->terms[*slot - 1];
        if (same_term(b, t, w))
            return t;
    }
}

static bool add_posting(struct building *b, const struct waiting *w)
{
    struct entry *t = find_term(b, w);
    if (!t)
        return false;
    if (t->last_doc == b->doc + 1) {
        struct tuple *u = &b->tuples[t->last];
        u->tf = u->tf < TF_MAX ? u->tf + 1u : TF_MAX;
        return true;
    }
    if (b->n_tuples == b->tuples_room) {
        size_t room = b->tuples_room ? b->tuples_room * 2 : FIRST_TUPLES;
        struct tuple *p = mem_grow(b->tuples, room * sizeof *p);
        if (!p)
            return false;
        b->tuples = p;
        b->tuples_room = room;
    }
    t->df++;
    t->last_doc = b->doc + 1;
    t->last = (uint32_t)b->n_tuples;
    b->tuples[b->n_tuples++] = (struct tuple){(uint32_t)(t - b->terms), b->doc & ((1u << DOC_BITS) - 1), 1};
    return true;
}

/* All that wait go in; at the end of a document at the latest. */
static bool settle(struct building *b)
{
    uint32_t mask = b->terms_room * 2 - 1;
    for (size_t i = 0; i < b->n_waiting; i++) {
        uint32_t slot = b->slots[b->waiting[i].hash & mask];
        if (slot)
            __builtin_prefetch(&b->terms[slot - 1], 1);
    }
    for (size_t i = 0; i < b->n_waiting && !b->failed; i++)
        b->failed = !add_posting(b, &b->waiting[i]);
    b->n_waiting = 0;
    return !b->failed;
}

static bool add_waiting(struct building *b)
{
    struct waiting *w = &b->waiting[b->n_waiting++];
    memset(w->bytes + w->n, 0, WORD);
    w->head = word_at(w->bytes);
    w->hash = hash_term(w->bytes, w->n);
    __builtin_prefetch(&b->slots[w->hash & (b->terms_room * 2 - 1)]);
    return b->n_waiting < WAITING || settle(b);
}

static int add_word(void *arg, struct str form, size_t from, size_t to)
{
    struct building *b = arg;
    struct waiting *w = &b->waiting[b->n_waiting];
    (void)from;
    (void)to;
    w->n = (uint32_t)(form.n < TERM_MAX_BYTES ? form.n : TERM_MAX_BYTES);
    memcpy(w->bytes, form.p, w->n);
    return !add_waiting(b);
}

static int add_agent_word(void *arg, const struct token *t)
{
    struct building *b = arg;
    struct waiting *w = &b->waiting[b->n_waiting];
    struct str form = str_take(t->form, TERM_MAX_BYTES - 1);
    w->bytes[0] = '@';
    memcpy(w->bytes + 1, form.p, form.n);
    w->n = (uint32_t)form.n + 1;
    return !add_waiting(b);
}

/* ---- documents ---- */
/* Nothing of a turn that is left out can be found. */
static struct str words_of(const struct turn *t)
{
    return turn_left_out(t) ? STR("") : t->content;
}

static void name_turn(struct building *b, uint32_t i)
{
    const struct turn *t = b->turns[i], *before = i ? b->turns[i - 1] : NULL;
    bool new_session = !before || !str_eq(before->session_id, t->session_id) || !str_eq(before->project, t->project);
    if (new_session)
        names_session(&b->names, t->session_id, t->project, i);
    if (new_session || !str_eq(before->conversation_id, t->conversation_id))
        names_conversation(&b->names, t->conversation_id, i);
    b->conversations[i] = b->names.n_conversations - 1;
    b->agents[i] = before && str_eq(before->agent, t->agent) ? b->agents[i - 1] : names_agent(&b->names, t->agent);
    b->lengths[i] = (uint8_t)length_code(words_of(t).n);
    names_docs(&b->names, 1, length_bytes(b->lengths[i]));
    b->bytes_of_all += length_bytes(b->lengths[i]);
}

static enum err_code read_documents(struct building *b, struct err *e)
{
    for (uint32_t i = 0; i < b->n; i++) {
        b->doc = i;
        name_turn(b, i);
        if (!turn_left_out(b->turns[i]))
            tokens_walk(b->turns[i]->agent, TOKENS_WORDS, add_agent_word, b);
        if (!b->failed)
            (void)tokens_each(words_of(b->turns[i]), add_word, b, NULL);
        if (b->failed || !settle(b))
            return err_nomem(e);
    }
    return ERR_OK;
}

/* ---- columns ---- */
static uint8_t flags_of(const struct turn *t)
{
    static const char *const ROLES[] = {"user", "assistant", "system", "tool"};
    unsigned role = 0;
    for (unsigned i = 0; i < 4 && role == 0; i++)
        if (str_is(t->role, ROLES[i]))
            role = i + 1;
    return (uint8_t)(role << DOC_ROLE_SHIFT | (text_asks(words_of(t)) ? DOC_ASKS : 0));
}

static int compare_seqs(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static enum err_code write_by_seq(const struct building *b, struct sink *k, int64_t base, struct err *e)
{
    uint64_t *order = mem_alloc((b->n + 1) * sizeof *order);
    if (!order)
        return err_nomem(e);
    for (size_t i = 0; i < b->n; i++)
        order[i] = (uint64_t)(b->turns[i]->seq - base) << 32 | i;
    qsort(order, b->n, sizeof *order, compare_seqs);
    sink_part(k, PART_BY_SEQ);
    for (size_t i = 0; i < b->n; i++) {
        uint32_t doc = (uint32_t)order[i];
        sink_put(k, &doc, sizeof doc);
    }
    mem_free(order);
    return ERR_OK;
}

static void write_columns(const struct building *b, struct sink *k, int64_t base)
{
    sink_part(k, PART_SEQ);
    for (size_t i = 0; i < b->n; i++) {
        uint32_t seq = (uint32_t)(b->turns[i]->seq - base);
        sink_put(k, &seq, sizeof seq);
    }
    sink_part(k, PART_TIME);
    for (size_t i = 0; i < b->n; i++)
        sink_put(k, &b->turns[i]->timestamp, sizeof b->turns[i]->timestamp);
    sink_part(k, PART_TURN);
    for (size_t i = 0; i < b->n; i++) {
        uint32_t number = (uint32_t)b->turns[i]->turn_number;
        sink_put(k, &number, sizeof number);
    }
    sink_part(k, PART_CONVERSATION);
    sink_put(k, b->conversations, b->n * sizeof *b->conversations);
    sink_part(k, PART_AGENT);
    sink_put(k, b->agents, b->n * sizeof *b->agents);
    sink_part(k, PART_LENGTH);
    sink_put(k, b->lengths, b->n);
    sink_part(k, PART_FLAGS);
    for (size_t i = 0; i < b->n; i++) {
        uint8_t flags = flags_of(b->turns[i]);
        sink_put(k, &flags, 1);
    }
}

/* ---- lists ---- */
struct ordered { /* a term, to be sorted: most pairs differ within eight bytes */
    uint64_t key;
    uint32_t term;
};

static _Thread_local const struct building *sorted_one; /* qsort passes nothing along */

static int compare_ordered(const void *a, const void *b)
{
    const struct ordered *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    const struct entry *s = &sorted_one->terms[x->term], *t = &sorted_one->terms[y->term];
    return str_cmp((struct str){sorted_one->bytes.p + s->at, s->n}, (struct str){sorted_one->bytes.p + t->at, t->n});
}

static struct ordered *sort_terms(const struct building *b)
{
    struct ordered *o = mem_alloc((b->n_terms + (size_t)1) * sizeof *o);
    for (uint32_t t = 0; o && t < b->n_terms; t++) {
        o[t] = (struct ordered){be64toh(b->terms[t].head), t};
    }
    if (o) {
        sorted_one = b;
        qsort(o, b->n_terms, sizeof *o, compare_ordered);
    }
    return o;
}

/* Deals the tuples out, which are gone then: afterwards a term's postings are at [last - df, last). */
static void deal(struct building *b, uint32_t *docs, uint8_t *tf)
{
    uint32_t at = 0;
    for (uint32_t t = 0; t < b->n_terms; t++) {
        b->terms[t].last = at;
        at += b->terms[t].df;
    }
    for (size_t i = 0; i < b->n_tuples; i++) {
        if (i + AHEAD < b->n_tuples)
            __builtin_prefetch(&b->terms[b->tuples[i + AHEAD].term], 1);
        uint32_t to = b->terms[b->tuples[i].term].last++;
        docs[to] = b->tuples[i].doc;
        tf[to] = (uint8_t)b->tuples[i].tf;
    }
    mem_free(b->tuples);
    b->tuples = NULL;
}

static void add_postings(const struct building *b, struct postings_out *list, const uint32_t *docs, const uint8_t *tf,
                         uint32_t n)
{
    uint8_t lengths[POSTINGS_BLOCK];
    for (uint32_t i = 0; i < n; i += POSTINGS_BLOCK) {
        uint32_t some = n - i < POSTINGS_BLOCK ? n - i : POSTINGS_BLOCK;
        for (uint32_t k = 0; k < some; k++)
            lengths[k] = b->lengths[docs[i + k]];
        postings_out_add(list, docs + i, tf + i, lengths, some);
    }
}

static bool put_list(const struct building *b, struct sink *k, const struct entry *t, const uint32_t *docs,
                     const uint8_t *tf, struct postings_out *list, struct terms_out *terms)
{
    uint64_t bytes;
    uint32_t from = t->last - t->df;
    postings_out_begin(list);
    do {
        add_postings(b, list, docs + from, tf + from, t->df);
    } while (!postings_out_end(list, k, &bytes));
    terms_put(terms, (struct str){b->bytes.p + t->at, t->n}, t->df, bytes);
    return !list->skips.failed && !list->blocks.failed;
}

static enum err_code write_lists(struct building *b, struct sink *k, struct segment_foot *foot, struct err *e)
{
    struct terms_out terms;
    struct postings_out list;
    uint32_t *docs = mem_alloc((b->n_tuples + 1) * sizeof *docs);
    uint8_t *tf = mem_alloc(b->n_tuples + 1);
    mem_free(b->slots); /* no more terms come */
    b->slots = NULL;
    if (docs && tf)
        deal(b, docs, tf);
    struct ordered *order = sort_terms(b);
    terms_out_init(&terms);
    postings_out_init(&list);
    bool failed = !docs || !tf || !order;
    sink_part(k, PART_POSTINGS);
    for (uint32_t i = 0; !failed && i < b->n_terms; i++)
        failed = !put_list(b, k, &b->terms[order[i].term], docs, tf, &list, &terms);
    failed = failed || terms.terms.failed || terms.blocks.failed;
    foot->n_terms = terms.n;
    sink_part(k, PART_TERMS);
    sink_put(k, terms.terms.p, terms.terms.n);
    sink_part(k, PART_TERM_BLOCKS);
    sink_put(k, terms.blocks.p, terms.blocks.n);
    terms_out_release(&terms);
    postings_out_release(&list);
    mem_free(docs);
    mem_free(tf);
    mem_free(order);
    return failed ? err_nomem(e) : ERR_OK;
}

/* ---- the whole ---- */
static enum err_code prepare(struct building *b, const struct turn *turns, struct err *e)
{
    b->turns = mem_alloc((b->n + 1) * sizeof(struct turn *));
    b->agents = mem_alloc((b->n + 1) * sizeof *b->agents);
    b->conversations = mem_alloc((b->n + 1) * sizeof *b->conversations);
    b->lengths = mem_alloc(b->n + 1);
    b->waiting = mem_alloc(WAITING * sizeof *b->waiting);
    if (!b->waiting || !more_terms(b) || !b->turns || !b->agents || !b->conversations || !b->lengths)
        return err_nomem(e);
    return order_turns(b, turns) ? ERR_OK : err_nomem(e);
}

static void release(struct building *b)
{
    buf_release(&b->bytes);
    names_release(&b->names);
    mem_free(b->turns);
    mem_free(b->agents);
    mem_free(b->conversations);
    mem_free(b->lengths);
    mem_free(b->waiting);
    mem_free(b->terms);
    mem_free(b->slots);
    mem_free(b->tuples);
}

static enum err_code write_all(struct building *b, struct segment_foot *foot, struct sink_done *done, struct err *e)
{
    struct sink *k = NULL;
    enum err_code code = sink_new(&(struct sink_to){.path = NULL}, &k, e);
    if (code)
        return code;
    write_columns(b, k, foot->base);
    code = write_by_seq(b, k, foot->base, e);
    if (code == ERR_OK)
        code = names_write(&b->names, k, foot, e);
    if (code == ERR_OK)
        code = write_lists(b, k, foot, e);
    if (code == ERR_OK)
        return sink_finish(k, foot, done, e);
    sink_abandon(k);
    return code;
}

enum err_code segment_build(const struct turn *turns, size_t n, int64_t from, int64_t to, struct segment **out,
                            struct err *e)
{
    struct building b = {.n = n};
    struct sink_done done = {0};
    struct segment_foot foot = {.from = from, .to = to, .base = from, .n_docs = (uint32_t)n};
    *out = NULL;
    buf_init(&b.bytes, UINT32_MAX);
    names_init(&b.names);
    if (n >= (size_t)1 << DOC_BITS || to - from > UINT32_MAX)
        return err_set(e, ERR_TOO_LARGE, NULL, "too many turns for one segment");
    enum err_code code = prepare(&b, turns, e);
    if (code == ERR_OK)
        code = read_documents(&b, e);
    foot.bytes = b.bytes_of_all;
    if (code == ERR_OK)
        code = write_all(&b, &foot, &done, e);
    release(&b);
    return code ? code : segment_of_memory(done.memory, (size_t)done.size, out, e);
}
