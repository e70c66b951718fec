/* A cycle's memory: jobs on worker threads, one at a time, in the order of the parts. A part that the talk has reached
 * is begun and ended in any case, also when the talk did not wait for it or the client has left. */
#include "base/clock.h"
#include "doors/proxy/cycle.h"

static void submit(struct cycle *c, void (*job)(void *))
{
    c->job = true;
    c->work = (struct work){.fn = job, .arg = c};
    workers_run(c->p->workers, &c->work);
}

/* ---- the jobs ---- */

static void read_job(void *arg)
{
    struct cycle *c = arg;
    c->code = cycle_read(c->p->o.svc, c->job_arena, c->caller, &c->request, c->started_us + c->p->deadline_us, &c->plan,
                         &c->err);
    cycle_post(c, EVENT_READ);
}

void cycle_read_body(struct cycle *c)
{
    submit(c, read_job);
}

/* The directive and the parts before `part`, each with the id that its turn has or will have. */
static size_t turns_so_far(const struct cycle *c, enum cycle_part part, struct chat_message m[CYCLE_PARTS + 1])
{
    size_t n = 0;
    m[n++] = (struct chat_message){
        .role = STR("user"), .text = c->plan.directive, .agent = c->plan.human, .id = str_of(c->directive_id)};
    for (int i = 0; i < (int)part; i++) {
        const struct cycle_turn *t = &c->turns[i];
        if (!t->id[0] || !t->whole)
            continue;
        m[n++] = (struct chat_message){.role = STR("assistant"),
                                       .text = t->text,
                                       .metadata = t->metadata,
                                       .agent = cycle_part_agent(&c->plan, (enum cycle_part)i)->name,
                                       .id = str_of(t->id)};
    }
    return n;
}

static void begin_job(void *arg)
{
    struct cycle *c = arg;
    struct cycle_turn *t = &c->turns[c->memory_part];
    const struct cycle_agent *agent = cycle_part_agent(&c->plan, c->memory_part);
    struct chat_message messages[CYCLE_PARTS + 1];
    struct chat_request r = {.session = c->plan.session,
                             .conversation = c->plan.conversation,
                             .agent = agent->name,
                             .messages = messages,
                             .model = agent->model,
                             .request_id = c->request_id,
                             .from = c->from,
                             .options = chat_options_default,
                             .fresh = true,
                             .ids = &c->ids};
    r.n_messages = turns_so_far(c, c->memory_part, messages);
    r.options.use_context = c->plan.use_context;
    r.options.caller = c->caller;
    /* A deadline in the past: no recall is tried, the turns are only kept. */
    int64_t deadline = c->allowed ? t->started_us + c->p->deadline_us : 1;
    t->code = chat_begin(c->p->o.svc, &r, deadline, &t->chat, &t->context, &t->err);
    cycle_post(c, EVENT_BEGUN);
}

static void delta_job(void *arg)
{
    struct cycle *c = arg;
    chat_delta(c->turns[c->memory_part].chat, buf_view(&c->delta));
    cycle_post(c, EVENT_DELTA);
}

static void on_stored(void *arg, const char *turn_id, bool ok)
{
    struct cycle *c = arg;
    (void)turn_id;
    atomic_store(&c->turns[c->memory_part].stored, ok);
    cycle_post(c, EVENT_STORED);
}

static void end_job(void *arg)
{
    struct cycle *c = arg;
    struct cycle_turn *t = &c->turns[c->memory_part];
    chat_end(t->chat, t->text, t->metadata, t->whole, on_stored, c); /* c may be gone after */
}

/* ---- what is next ---- */

static void give_delta(struct cycle *c, struct cycle_turn *t)
{
    struct str text = t->answer ? answer_text(t->answer) : STR_NONE;
    if (text.n <= t->delta_given)
        return;
    buf_clear(&c->delta);
    buf_str(&c->delta, str_skip(text, t->delta_given));
    t->delta_given = text.n;
    if (!c->delta.failed)
        submit(c, delta_job);
}

void cycle_remember(struct cycle *c)
{
    struct cycle_turn *t = &c->turns[c->memory_part];
    if (c->job || !c->remembers || !t->reached)
        return;
    if (t->memory == PART_NOT_BEGUN) {
        t->memory = PART_BEGINNING;
        submit(c, begin_job);
    } else if (t->memory == PART_OPEN && t->ended) {
        t->memory = PART_ENDING;
        submit(c, end_job);
    } else if (t->memory == PART_OPEN) {
        give_delta(c, t);
    }
}

bool cycle_memory_over(const struct cycle *c)
{
    if (c->job)
        return false;
    for (int i = 0; c->remembers && i < CYCLE_PARTS; i++)
        if (c->turns[i].reached && c->turns[i].memory != PART_DONE)
            return false;
    return true;
}
