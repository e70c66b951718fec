/* The two default agents and their first states, and the human they work for. Nothing else in Cairn knows these names.
 */
#include "service/default_agents.h"

static const struct {
    const char *name, *state;
} defaults[] = {
    {"beatrice",
     "{\"role\":\"supervisor\",\"personality_traits\":{\"analytical_depth\":0.8,\"detail_orientation\":0.9,"
     "\"supportive_tone\":0.7},\"expertise_areas\":[\"code_analysis\",\"quality_assurance\",\"strategic_planning\"],"
     "\"learned_patterns\":[],\"interaction_history\":{\"total_interactions\":0,\"successful_outcomes\":0,"
     "\"preferred_response_length\":\"detailed\"}}"},
    {"codey", "{\"role\":\"executor\",\"personality_traits\":{\"creativity_level\":0.8,\"implementation_focus\":0.9,"
              "\"detail_attention\":0.8},\"execution_history\":[],\"preferred_approaches\":[],"
              "\"successful_patterns\":[],\"learned_patterns\":[],\"interaction_history\":{\"total_interactions\":0,"
              "\"successful_outcomes\":0}}"},
};

struct str default_agent(enum default_part part)
{
    static const char *const names[] = {
        [DEFAULT_HUMAN] = "wykeve", [DEFAULT_SUPERVISOR] = "beatrice", [DEFAULT_EXECUTOR] = "codey"};
    return str_of(names[part]);
}

enum err_code agent_state_insert(struct store_tx *tx, struct arena *a, struct str session_id, struct str project,
                                 struct str agent, struct str state, struct err *e)
{
    struct record *r = record_new(a, KIND_AGENT_STATE);
    if (!r)
        return err_nomem(e);
    r->project = project;
    record_set(r, "session_id", V_TEXT(session_id));
    record_set(r, "agent", V_TEXT(agent));
    record_set(r, "state", V_TEXT(state));
    return record_insert(tx, a, r, e);
}

enum err_code default_agents_insert(struct store_tx *tx, struct arena *a, struct str session_id, struct str project,
                                    struct err *e)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; !code && i < sizeof defaults / sizeof defaults[0]; i++)
        code = agent_state_insert(tx, a, session_id, project, str_of(defaults[i].name), str_of(defaults[i].state), e);
    return code;
}

enum err_code agent_state_find(struct store_tx *tx, struct arena *a, struct str session_id, struct str agent,
                               struct record **out, struct err *e)
{
    struct list_filter filters[] = {{"session_id", V_TEXT(session_id)}, {"agent", V_TEXT(agent)}};
    struct list_query q = {.kind = KIND_AGENT_STATE, .filters = filters, .n_filters = 2, .limit = 1};
    struct list_page page;
    enum err_code code = record_list(tx, a, &q, &page, e);
    if (code)
        return code;
    if (page.n == 0)
        return err_set(e, ERR_NOT_FOUND, "agent", "session %.*s has no state for agent %.*s", STR_ARG(session_id),
                       (int)(agent.n < 60 ? agent.n : 60), agent.p);
    *out = page.rows[0];
    return ERR_OK;
}
