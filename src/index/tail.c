/* The fresh tail: turns that are committed but not yet taken in, matched word by word with the same tokenizer,
 * so that a writer finds what it has just written. At most INDEX_TAIL_MAX of the newest. */
#include "index/intern.h"

#include <string.h>

struct matching {
    const struct index_query *q;
    uint32_t *matched;
    float *tf;
    bool agent; /* the words are of the agent's name: compare with "@word" */
};

static int match_word(void *arg, struct str form, size_t from, size_t to)
{
    struct matching *m = arg;
    (void)from;
    (void)to;
    for (size_t i = 0; i < m->q->n_terms; i++) {
        struct str t = m->q->terms[i];
        if (m->agent) {
            if (t.n == 0 || t.p[0] != '@')
                continue;
            t = str_skip(t, 1);
        }
        if (t.n == form.n && memcmp(t.p, form.p, t.n) == 0) {
            *m->matched |= (uint32_t)1 << i;
            m->tf[i] += 1;
        }
    }
    return SQLITE_OK;
}

static bool word_char(unsigned char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* Could any term stand in the text? A stem begins as its word does, so a look at the beginnings of words saves
 * splitting most texts. Text beyond ASCII is always split. */
static bool may_match(const struct index_query *q, struct str text)
{
    bool inside = false;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c >= 0x80)
            return true;
        bool word = word_char(c);
        if (word && !inside && i + 1 < text.n)
            for (size_t k = 0; k < q->n_terms; k++) {
                struct str t = q->terms[k];
                if (t.n && ((unsigned char)t.p[0] >= 0x80 || (t.p[0] | 0x20) == (c | 0x20)) &&
                    (t.n < 2 || (t.p[1] | 0x20) == (text.p[i + 1] | 0x20) || (t.p[1] | 0x20) == 'i'))
                    return true;
            }
        else if (word && !inside)
            return true; /* a one-letter word at the end */
        inside = word;
    }
    return false;
}

static bool any_agent_term(const struct index_query *q)
{
    for (size_t i = 0; i < q->n_terms; i++)
        if (q->terms[i].n && q->terms[i].p[0] == '@')
            return true;
    return false;
}

/* Leaves out turns of other projects, and those that may not be read, when the question is across sessions. */
static size_t keep_wanted(const struct index_query *q, struct turn *t, size_t n)
{
    size_t kept = 0;
    if (q->session_id.p || (!q->project.p && !q->view))
        return n;
    for (size_t i = 0; i < n; i++) {
        bool project = !q->project.p || str_eq(t[i].project, q->project);
        if (project && (!q->view || scope_view_reads(q->view, t[i].session_id, t[i].project)))
            t[kept++] = t[i];
    }
    return kept;
}

static enum err_code fetch(struct store *s, struct arena *a, const struct index_query *q, int64_t taken,
                           struct tail *out, struct err *e)
{
    struct store_tx *tx = NULL;
    enum err_code code =
        q->deadline_us ? store_read_begin_deadline(s, q->deadline_us, &tx, e) : store_read_begin(s, &tx, e);
    if (code)
        return code;
    code = turns_after(tx, a, q->session_id, taken, INDEX_TAIL_MAX, true, &out->turns, &out->n, e);
    store_read_end(tx);
    return code;
}

enum err_code tail_load(struct store *s, const struct splitter *split, struct arena *a, const struct index_query *q,
                        int64_t taken, struct tail *out, struct err *e)
{
    struct matching m = {.q = q};
    bool agents = any_agent_term(q);
    memset(out, 0, sizeof *out);
    enum err_code code = fetch(s, a, q, taken, out, e);
    if (code)
        return code;
    out->n = keep_wanted(q, out->turns, out->n);
    if (out->n == 0)
        return ERR_OK;
    out->matched = arena_array(a, uint32_t, out->n);
    out->tf = arena_array(a, float, out->n * q->n_terms);
    if (!out->matched || !out->tf)
        return err_nomem(e);
    for (size_t i = 0; i < out->n; i++) {
        struct turn *t = &out->turns[i];
        int rc = SQLITE_OK;
        m.matched = &out->matched[i];
        m.tf = out->tf + i * q->n_terms;
        m.agent = false;
        out->bytes += (int64_t)t->content.n;
        if (may_match(q, t->content))
            rc = splitter_run(split, t->content, match_word, &m);
        m.agent = true;
        if (rc == SQLITE_OK && agents)
            rc = splitter_run(split, t->agent, match_word, &m);
        if (rc)
            return rc == SQLITE_NOMEM ? err_nomem(e) : err_set(e, ERR_INTERNAL, NULL, "cannot split a turn's text");
    }
    return ERR_OK;
}
