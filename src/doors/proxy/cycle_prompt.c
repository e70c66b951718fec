/* The prompts of a cycle. An agent's own prompt says who it is; since the supervisor has two different turns, what the
 * turn is for is always said after it. */
#include "doors/proxy/cycle_prompt.h"

#include "base/json_write.h"

static const struct {
    const char *name, *title;
    enum cycle_role role;
    const char *task;
} parts[CYCLE_PARTS] = {
    [CYCLE_ANALYSIS] = {"analysis", "Analysis", CYCLE_SUPERVISOR,
                        "This is the first turn, the analysis. Say what the directive really asks for, what matters, "
                        "what is unclear or risky, and by what the result will be judged. End with a short plan that "
                        "the executor can follow. Do not do the work itself."},
    [CYCLE_WORK] = {"work", "Work", CYCLE_EXECUTOR,
                    "This is the second turn, the work. Carry out the directive, guided by the analysis. Give the "
                    "result itself, whole and ready for use, and say where you left the plan and why."},
    [CYCLE_REVIEW] = {"review", "Review", CYCLE_SUPERVISOR,
                      "This is the third turn, the review. Judge the work by the directive and the analysis: what is "
                      "right, what is wrong, what is missing. Say clearly whether it can be accepted, and what to do "
                      "next. Do not do the work again."},
};

const char *cycle_part_name(enum cycle_part part)
{
    return parts[part].name;
}

const struct cycle_agent *cycle_part_agent(const struct cycle_plan *plan, enum cycle_part part)
{
    return &plan->agents[parts[part].role];
}

static void put_system(struct buf *b, const struct cycle_plan *plan, enum cycle_part part)
{
    const struct cycle_agent *me = cycle_part_agent(plan, part);
    bool supervises = parts[part].role == CYCLE_SUPERVISOR;
    if (me->system_prompt.n) {
        buf_str(b, me->system_prompt);
        buf_cstr(b, "\n\n");
    }
    buf_fmt(b,
            "You are %.*s, the %s in a cycle of three turns: the supervisor (%.*s) analyses a directive, the executor "
            "(%.*s) does the work, and the supervisor reviews it. ",
            STR_ARG(me->name), supervises ? "supervisor" : "executor", STR_ARG(plan->agents[CYCLE_SUPERVISOR].name),
            STR_ARG(plan->agents[CYCLE_EXECUTOR].name));
    buf_cstr(b, parts[part].task);
}

/* The first turn is given the directive as it is; later ones all that was said, under headings. */
static void put_user(struct buf *b, const struct cycle_plan *plan, enum cycle_part part, const struct str *said)
{
    if (part != CYCLE_ANALYSIS)
        buf_cstr(b, "# Directive\n\n");
    buf_str(b, plan->directive);
    for (int i = 0; i < (int)part && i < CYCLE_PARTS; i++) {
        const struct cycle_agent *who = cycle_part_agent(plan, (enum cycle_part)i);
        buf_fmt(b, "\n\n# %s by %.*s\n\n", parts[i].title, STR_ARG(who->name));
        buf_str(b, said[i]);
    }
}

static void put_message(struct json_out *w, const char *role, const struct buf *text)
{
    jw_object(w);
    jw_kcstr(w, "role", role);
    jw_kstr(w, "content", buf_view(text));
    jw_end_object(w);
    w->b->failed |= text->failed;
}

static void put_messages(struct json_out *w, const struct cycle_plan *plan, enum cycle_part part, struct str block,
                         const struct str *said)
{
    struct buf text;
    buf_init(&text, 0);
    put_system(&text, plan, part);
    put_message(w, "system", &text);
    if (block.n) {
        buf_clear(&text);
        buf_str(&text, block);
        put_message(w, "user", &text);
    }
    buf_clear(&text);
    put_user(&text, plan, part, said);
    put_message(w, "user", &text);
    buf_release(&text);
}

void cycle_prompt(const struct cycle_plan *plan, enum cycle_part part, struct str block,
                  const struct str said[CYCLE_PARTS], struct buf *out)
{
    const struct cycle_agent *me = cycle_part_agent(plan, part);
    struct json_out w;
    jw_init(&w, out);
    jw_object(&w);
    jw_kstr(&w, "model", me->model);
    jw_key(&w, "messages");
    jw_array(&w);
    put_messages(&w, plan, part, block, said);
    jw_end_array(&w);
    if (me->temperature >= 0)
        jw_knum(&w, "temperature", me->temperature);
    if (me->max_tokens > 0)
        jw_kint(&w, "max_tokens", me->max_tokens);
    jw_kbool(&w, "stream", plan->stream);
    if (plan->stream)
        jw_kraw(&w, "stream_options", STR("{\"include_usage\":true}"));
    jw_end_object(&w);
}
