/* Rows of tables whose columns are found by name: see tables.h. Names come from our own lists, never from the database.
 */
#include "history/tables.h"

/* The column's name, or "null" in its place. */
static const char *column_of(struct database *d, const struct tables_layout *l, int which)
{
    for (size_t i = 0; i < sizeof l->names[which] / sizeof *l->names[which] && l->names[which][i]; i++)
        if (database_has(d, l->table, l->names[which][i]))
            return l->names[which][i];
    return "null";
}

static struct str statement(struct database *d, struct arena *a, const struct tables_layout *l)
{
    struct buf b;
    buf_init(&b, 0);
    buf_cstr(&b, "select rowid");
    for (int i = 0; i < TABLES_COLUMNS; i++)
        buf_fmt(&b, ", %s", column_of(d, l, i));
    buf_fmt(&b, " from %s order by rowid", l->table);
    return buf_take(&b, a);
}

enum err_code tables_read(struct database *d, struct arena *a, const struct tables_layout *l, tables_take *take,
                          void *arg, struct err *e)
{
    struct rows *r = NULL;
    bool found = true, content = false;
    for (size_t i = 0; l->names[TABLES_CONTENT][i] && !content; i++)
        content = database_has(d, l->table, l->names[TABLES_CONTENT][i]);
    if (!content)
        return ERR_OK;
    struct str sql = statement(d, a, l);
    enum err_code code = sql.p ? database_query(d, sql.p, NULL, 0, &r, e) : err_nomem(e);
    while (!code && found) {
        struct tables_row row;
        code = rows_next(r, &found, e);
        if (code || !found)
            break;
        row.number = rows_int(r, 0);
        for (int i = 0; i < TABLES_COLUMNS; i++)
            row.value[i] = rows_text(r, i + 1);
        code = take(arg, &row, e);
        arena_reset(a);
    }
    rows_free(r);
    return code;
}

int64_t tables_time(struct str value)
{
    double number;
    struct json v = {.type = JSON_STRING, .s = value};
    if (str_double(value, &number))
        v = (struct json){.type = JSON_DOUBLE, .number = number};
    return value.n ? history_time(&v) : 0;
}

struct str tables_role(struct str value)
{
    static const char *const table[][2] = {
        {"user", "user"},          {"human", "user"},    {"assistant", "assistant"}, {"ai", "assistant"},
        {"model", "assistant"},    {"bot", "assistant"}, {"agent", "assistant"},     {"character", "assistant"},
        {"narrator", "assistant"}, {"system", "system"}, {"developer", "system"},    {"tool", "tool"},
        {"function", "tool"}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (str_ieq(value, str_of(table[i][0])))
            return str_of(table[i][1]);
    return STR("");
}
