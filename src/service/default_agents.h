/* The two agents that every session starts with (contract §1), and what may be said about any agent's state. */
#ifndef CAIRN_SERVICE_DEFAULT_AGENTS_H
#define CAIRN_SERVICE_DEFAULT_AGENTS_H

#include "store/records.h"

/* Who is who in a three-turn cycle where nobody says otherwise. */
enum default_part { DEFAULT_HUMAN, DEFAULT_SUPERVISOR, DEFAULT_EXECUTOR };
struct str default_agent(enum default_part part);
/* Inserts the default agents' states for a new session. */
enum err_code default_agents_insert(struct store_tx *tx, struct arena *a, struct str session_id, struct str project,
                                    struct err *e);
/* The stored state of (session, agent); ERR_NOT_FOUND when there is none. */
enum err_code agent_state_find(struct store_tx *tx, struct arena *a, struct str session_id, struct str agent,
                               struct record **out, struct err *e);
/* Inserts one state; `state` is a JSON object's text. */
enum err_code agent_state_insert(struct store_tx *tx, struct arena *a, struct str session_id, struct str project,
                                 struct str agent, struct str state, struct err *e);

#endif
