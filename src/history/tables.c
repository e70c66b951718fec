/* Rows of tables whose columns are found by name: see tables.h. Names come from our own lists, never from the database.
 */
#include "history/tables.h"

#include "history/path.h"

#include <stdio.h>

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

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* What stands behind the time of day as clock_parse wants it: "Z", or a sign with hours and minutes. */
static size_t put_zone(char *out, struct str zone)
{
    zone = str_trim(zone);
    bool signed_ = zone.n >= 3 && (*zone.p == '+' || *zone.p == '-') && is_digit(zone.p[1]) && is_digit(zone.p[2]);
    struct str minutes = signed_ ? str_skip(zone, zone.n > 3 && zone.p[3] == ':' ? 4 : 3) : STR_NONE;
    bool none = !zone.n || str_ieq(zone, STR("z")) || str_ieq(zone, STR("utc")) || str_ieq(zone, STR("gmt"));
    if (none)
        return (size_t)sprintf(out, "Z");
    if (!signed_ || (minutes.n != 0 && minutes.n != 2))
        return 0;
    return (size_t)sprintf(out, "%.3s:%.2s", zone.p, minutes.n ? minutes.p : "00");
}

/* "2026/03/01 09:00", "2026-03-01 09:00:00 +0100", "2026-03-01 09:00:00.5 UTC": as programs and databases write times;
 * without a zone it is UTC. 0: it is none of these. */
static int64_t time_of_text(struct str s)
{
    char text[TIME_MOST * 2];
    size_t n = 0, at = 10;
    if (s.n < 16 || s.n > TIME_MOST || (s.p[10] != 'T' && s.p[10] != ' ') || s.p[13] != ':')
        return 0;
    for (; n < 10; n++)
        text[n] = s.p[n] == '/' ? '-' : s.p[n];
    text[n++] = 'T';
    for (at++; at < 16; at++)
        text[n++] = s.p[at];
    if (at < s.n && s.p[at] == ':')
        for (; at < s.n && (is_digit(s.p[at]) || s.p[at] == ':' || s.p[at] == '.'); at++)
            text[n++] = s.p[at];
    else
        n += (size_t)sprintf(text + n, ":00");
    size_t zone = put_zone(text + n, str_skip(s, at));
    struct json v = {.type = JSON_STRING, .s = {text, n + zone}};
    return zone ? history_time(&v) : 0;
}

int64_t tables_time(struct str value)
{
    double number;
    struct json v = {.type = JSON_STRING, .s = value};
    if (str_double(value, &number)) {
        v = (struct json){.type = JSON_DOUBLE, .number = number};
        return history_time(&v);
    }
    int64_t when = value.n ? history_time(&v) : 0;
    return when ? when : time_of_text(str_trim(value));
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

struct str tables_session(const struct history_in *in, struct str named)
{
    return named.n ? named : path_without(path_base(in->path), ".db");
}
