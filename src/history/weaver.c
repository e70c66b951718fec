/* What Chronicle Weaver keeps beside messages, each as the kind of record that Cairn has for it. */
#include "history/stores.h"
#include "history/table_records.h"

enum { KB = 1024, NAME = 200 };

static const struct table_field agents[] = {{"name", "name", TABLE_TEXT, NAME},
                                            {"display_name", "display_name", TABLE_TEXT, NAME},
                                            {"system_prompt", "system_prompt", TABLE_TEXT, 256 * KB},
                                            {"enabled", "enabled", TABLE_BOOL, 0},
                                            {"llm_provider", "llm_provider", TABLE_TEXT, NAME},
                                            {"model", "model", TABLE_TEXT, NAME},
                                            {"temperature", "temperature", TABLE_REAL, 2},
                                            {"max_tokens", "max_tokens", TABLE_INT, 10000000},
                                            {"capabilities", "capabilities", TABLE_ARRAY, 64 * KB},
                                            {"metadata", "metadata", TABLE_OBJECT, 1024 * KB}};

static const struct table_field characters[] = {{"name", "name", TABLE_TEXT, NAME},
                                                {"description", "description", TABLE_TEXT, 64 * KB},
                                                {"personality_traits", "personality_traits", TABLE_JSON, 64 * KB},
                                                {"background", "background", TABLE_TEXT, 64 * KB},
                                                {"current_mood", "current_mood", TABLE_TEXT, 500},
                                                {"current_location", "current_location", TABLE_TEXT, 500},
                                                {"relationships", "relationships", TABLE_JSON, 256 * KB},
                                                {"inventory", "inventory", TABLE_JSON, 256 * KB},
                                                {"stats", "stats", TABLE_JSON, 256 * KB},
                                                {"last_seen", "last_seen", TABLE_TIME, 0},
                                                {"is_active", "is_active", TABLE_BOOL, 0},
                                                {"metadata", "metadata", TABLE_OBJECT, 1024 * KB}};

static const struct table_field props[] = {{"name", "name", TABLE_TEXT, NAME},
                                           {"category", "category", TABLE_TEXT, NAME},
                                           {"subcategory", "subcategory", TABLE_TEXT, NAME},
                                           {"description", "description", TABLE_TEXT, 64 * KB},
                                           {"image_path", "image_path", TABLE_TEXT, 4 * KB},
                                           {"tags", "tags", TABLE_ARRAY, 16 * KB},
                                           {"rarity", "rarity", TABLE_TEXT, NAME},
                                           {"properties", "properties", TABLE_OBJECT, 256 * KB},
                                           {"usage_count", "usage_count", TABLE_INT, 0},
                                           {"last_used", "last_used", TABLE_TIME, 0},
                                           {"is_favorite", "is_favorite", TABLE_BOOL, 0}};

static const struct table_field summaries[] = {
    {"summary_text", "text", TABLE_TEXT, 256 * KB},
    {"key_topics", "key_topics", TABLE_ARRAY, 64 * KB},
    {"key_events", "key_events", TABLE_ARRAY, 64 * KB},
    {"character_developments", "character_developments", TABLE_JSON, 256 * KB},
    {"plot_points", "plot_points", TABLE_ARRAY, 64 * KB}};

static const struct table_field of_conversations[] = {{"summary", "text", TABLE_TEXT, 256 * KB}};

static const struct table_field preferences[] = {{"key", "key", TABLE_TEXT, NAME},
                                                 {"value", "value", TABLE_JSON, 1024 * KB},
                                                 {"category", "category", TABLE_TEXT, NAME},
                                                 {"description", "description", TABLE_TEXT, 64 * KB}};

#define FIELDS(f) f, sizeof(f) / sizeof *(f)
static const struct table_records tables[] = {
    {"agent_configurations", "agent", "updated_at", NULL, false, FIELDS(agents)},
    {"character_states", "character", "last_seen", "conversation_id", false, FIELDS(characters)},
    {"prop_items", "prop", "created_at", NULL, false, FIELDS(props)},
    {"conversation_summaries", "summary", "created_at", "conversation_id", true, FIELDS(summaries)},
    {"conversations", "summary", "updated_at", "id", true, FIELDS(of_conversations)},
    {"user_preferences", "preference", "updated_at", NULL, false, FIELDS(preferences)},
};

enum err_code weaver_records(struct history_in *in, struct database *d, int64_t *number, struct err *e)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < sizeof tables / sizeof *tables && !code; i++)
        code = table_records_read(in, d, &tables[i], number, e);
    return code;
}
