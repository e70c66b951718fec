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

static int match_word(void *arg, const struct token *token)
{
    struct matching *m = arg;
    struct str form = token->form;
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
    return 0;
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

enum err_code tail_load(struct store *s, struct arena *a, const struct index_query *q, int64_t taken, struct tail *out,
                        struct err *e)
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
        m.matched = &out->matched[i];
        m.tf = out->tf + i * q->n_terms;
        m.agent = false;
        out->bytes += (int64_t)t->content.n;
        tokens_walk(t->content, TOKENS_ALL, match_word, &m);
        m.agent = true;
        if (agents)
            tokens_walk(t->agent, TOKENS_WORDS, match_word, &m);
    }
    return ERR_OK;
}
