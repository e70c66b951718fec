/* Rows of tables whose columns are found by name: see tables.h. Names come from our own lists, never from the database.
 */
#include "history/tables.h"

#include <string.h>

enum { TIME_MOST = 40 };

static bool is_there(struct database *d, const struct tables_layout *l, const char *name)
{
    return *name == '.' ? l->conversations && database_has(d, l->conversations, name + 1)
                        : database_has(d, l->table, name);
}

/* The first of the names that there is; NULL: none. */
static const char *column_of(struct database *d, const struct tables_layout *l, int which)
{
    for (size_t i = 0; i < TABLES_NAMES && l->names[which][i]; i++)
        if (is_there(d, l, l->names[which][i]))
            return l->names[which][i];
    return NULL;
}

static struct str statement(struct database *d, struct arena *a, const struct tables_layout *l)
{
    struct buf b;
    bool joined =
        l->conversations && database_has(d, l->conversations, "id") && database_has(d, l->table, l->conversation_id);
    buf_init(&b, 0);
    buf_cstr(&b, "select m.rowid");
    for (int i = 0; i < TABLES_COLUMNS; i++) {
        const char *name = column_of(d, l, i);
        if (!name || (*name == '.' && !joined))
            buf_cstr(&b, ", null");
        else
            buf_fmt(&b, ", %c.%s", *name == '.' ? 'c' : 'm', name + (*name == '.'));
    }
    buf_fmt(&b, " from %s m", l->table);
    if (joined)
        buf_fmt(&b, " left join %s c on c.id = m.%s", l->conversations, l->conversation_id);
    buf_cstr(&b, " order by m.rowid");
    buf_char(&b, '\0');
    return buf_take(&b, a);
}

enum err_code tables_read(struct database *d, struct arena *a, const struct tables_layout *l, tables_take *take,
                          void *arg, struct err *e)
{
    struct rows *r = NULL;
    bool found = true;
    if (!column_of(d, l, TABLES_CONTENT))
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
    char text[TIME_MOST];
    struct json v = {.type = JSON_STRING, .s = value};
    if (str_double(value, &number)) {
        v = (struct json){.type = JSON_DOUBLE, .number = number};
        return history_time(&v);
    }
    int64_t when = value.n ? history_time(&v) : 0;
    if (when || !value.n || value.n + 1 > sizeof text)
        return when;
    memcpy(text, value.p, value.n); /* SQLite's own form says nothing of a zone */
    text[value.n] = 'Z';
    v.s = (struct str){text, value.n + 1};
    return history_time(&v);
}

struct str tables_role(struct str value)
{
    static const char *const table[][2] = {
        {"user", "user"},          {"human", "user"},    {"assistant", "assistant"}, {"ai", "assistant"},
        {"model", "assistant"},    {"bot", "assistant"}, {"agent", "assistant"},     {"character", "assistant"},
        {"narrator", "assistant"}, {"gpt", "assistant"}, {"claude", "assistant"},    {"system", "system"},
        {"developer", "system"},   {"tool", "tool"},     {"function", "tool"}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (str_ieq(value, str_of(table[i][0])))
            return str_of(table[i][1]);
    return STR("");
}
