/* The matcher of "data: [DONE]" (the space is optional) at the start of a line. */
#include "doors/proxy/gate.h"

static const char LINE[] = "data: [DONE]";
enum { SPACE_AT = 5, LINE_LENGTH = sizeof LINE - 1 };

/* How far into LINE the held bytes are: one more than there are when the space was left out. */
static size_t progress(const struct gate *g)
{
    return g->n > SPACE_AT && g->held[SPACE_AT] != ' ' ? g->n + 1 : g->n;
}

static bool goes_on(const struct gate *g, char c)
{
    size_t at = progress(g);
    return c == LINE[at] || (at == SPACE_AT && c == LINE[SPACE_AT + 1]);
}

size_t gate_pass(struct gate *g, struct str bytes, struct buf *out)
{
    for (size_t i = 0; i < bytes.n; i++) {
        char c = bytes.p[i];
        if (!g->inside && goes_on(g, c)) {
            g->held[g->n++] = c;
            if (progress(g) == LINE_LENGTH) {
                g->closed = true;
                return i + 1;
            }
            continue;
        }
        buf_put(out, g->held, g->n);
        g->n = 0;
        buf_char(out, c);
        g->inside = c != '\n' && c != '\r';
    }
    return bytes.n;
}

struct str gate_held(const struct gate *g)
{
    return (struct str){g->held, g->n};
}
