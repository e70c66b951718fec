/* Operations on patterns that are more than CRUD. pattern.create and pattern.update take the place of the generic ones
 * (operations.c), because quality and versions follow from what is written. See operation_table.h. */
#include "service/operation_table.h"

#include "service/features.h"

#define PATTERN_ID                                                                                                     \
    {                                                                                                                  \
        "id", ARG_TEXT, ARG_IN_PATH, ARG_REQUIRED | ARG_POSITIONAL, 1, 200, NULL, NULL, "the pattern's id"             \
    }
#define PATTERN_TYPE                                                                                                   \
    {                                                                                                                  \
        "pattern_type", ARG_ENUM, ARG_IN_BODY, 0, 0, 0, NULL,                                                          \
            "workflow|decision|code|error|architecture|configuration", "only patterns of this type"                    \
    }
#define ONLY_PROJECT                                                                                                   \
    {"project", ARG_TEXT, ARG_IN_BODY, 0, 1, 200, NULL, NULL, "only this project's (all that may be read)"},           \
    {                                                                                                                  \
        "submodule_id", ARG_TEXT, ARG_IN_BODY, 0, 1, 200, NULL, NULL, "the project under its v1 name"                  \
    }

static const struct op_arg update_args[] = {PATTERN_ID};
static const struct op_arg search_args[] = {
    {"query", ARG_TEXT, ARG_IN_BODY, ARG_REQUIRED | ARG_POSITIONAL | ARG_REST, 1, 100000, NULL, NULL, "what to find"},
    {"limit", ARG_INT, ARG_IN_BODY, 0, 1, 100, "20", NULL, "patterns at most"},
    PATTERN_TYPE,
    ONLY_PROJECT,
};
static const struct op_arg recommend_args[] = {
    {"query", ARG_TEXT, ARG_IN_BODY, ARG_POSITIONAL | ARG_REST, 1, 100000, NULL, NULL, "what is about to be done"},
    {"directive", ARG_TEXT, ARG_IN_BODY, 0, 1, 100000, NULL, NULL, "the same under its other name"},
    {"session_id", ARG_TEXT, ARG_IN_BODY, 0, 1, 200, NULL, NULL,
     "the session that asks; its last turn is the query where none is given"},
    {"limit", ARG_INT, ARG_IN_BODY, 0, 1, 100, "5", NULL, "patterns at most"},
    PATTERN_TYPE,
    ONLY_PROJECT,
};
static const struct op_arg used_args[] = {
    PATTERN_ID,
    {"success", ARG_BOOL, ARG_IN_BODY, ARG_REQUIRED, 0, 0, NULL, NULL, "whether it worked"},
};
static const struct op_arg deprecate_args[] = {
    PATTERN_ID,
    {"reason", ARG_TEXT, ARG_IN_BODY, 0, 0, 4096, NULL, NULL, "why it is no longer advised"},
};
static const struct op_arg versions_args[] = {
    PATTERN_ID,
    {"limit", ARG_INT, ARG_IN_QUERY, 0, 1, 1000, "50", NULL, "versions at most"},
};

enum { WRITES = OP_INLINE };

static const struct operation entries[] = {
    {"pattern.create", "POST", "/api/v1/patterns", NULL, NULL, NULL, 0, PERM_WRITE, LIMIT_NONE, WRITES | OP_RECORD_BODY,
     201, pattern_create, "Save a pattern; its quality is computed", "pattern"},
    {"pattern.update", "PATCH", "/api/v1/patterns/{id}", NULL, NULL, ARGS(update_args), PERM_WRITE, LIMIT_NONE,
     WRITES | OP_RECORD_BODY | OP_RECORD_PATCH, 200, pattern_update,
     "Change a pattern; where description or template change, the old text stays as a version", "pattern"},
    {"pattern.versions", "GET", "/api/v1/patterns/{id}/versions", "pattern versions", NULL, ARGS(versions_args),
     PERM_READ, LIMIT_NONE, OP_LIST_V1, 200, pattern_versions, "A pattern's texts, newest first",
     "[{id, pattern_id, text_version:int, current:bool, name:text, description:text?, template:text?, example:text?, "
     "parent_pattern_id, created_at}]"},
    {"pattern.search", "POST", "/api/v1/patterns/search", "pattern search", NULL, ARGS(search_args), PERM_READ,
     LIMIT_NONE, OP_LIST_V1, 200, pattern_search, "Find patterns by words and meaning, best first",
     "[pattern with {score:real}]"},
    {"pattern.recommend", "POST", "/api/v1/patterns/recommend", "recommend", NULL, ARGS(recommend_args), PERM_READ,
     LIMIT_NONE, OP_LIST_V1, 200, pattern_recommend,
     "Patterns worth using for what is about to be done, by likeness, quality, success and recency",
     "[pattern with {score:real, score_parts {similarity:real, quality:real, success:real, recency:real}}]"},
    {"pattern.used", "POST", "/api/v1/patterns/{id}/used", "pattern used", NULL, ARGS(used_args), PERM_WRITE,
     LIMIT_NONE, WRITES, 200, pattern_used, "Count a use of a pattern and whether it worked", "pattern"},
    {"pattern.deprecate", "POST", "/api/v1/patterns/{id}/deprecate", "pattern deprecate", NULL, ARGS(deprecate_args),
     PERM_WRITE, LIMIT_NONE, WRITES, 200, pattern_deprecate,
     "Advise a pattern no longer: it is never recommended again", "pattern"},
};
const struct operation_table operations_patterns = TABLE_OF(entries);
