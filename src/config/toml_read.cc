/* toml++ behind a C list. C++ only because toml++ is; built without exceptions, so a text that is no TOML comes
 * back as a result, and running out of memory inside toml++ ends the process: what it reads is at most one small file,
 * at start. Not here: which keys there may be (config_load.c). */
#define TOML_HEADER_ONLY 1 /* Debian's shared library is the variant with exceptions */
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ENABLE_UNRELEASED_FEATURES 0
#define TOML_MAX_NESTED_VALUES 16 /* no setting has any; each level costs stack */
#include <toml++/toml.h>

#include <string>
#include <vector>

extern "C" {
#include "base/number.h"
#include "config/toml.h"
}

namespace
{

/* "a.b.c.d" makes a table for each dot and toml++ frees them by recursion. 16 levels of values with this many dots
 * each stay far below a thread's stack. */
constexpr size_t DOTS_MAX = 200;

struct list {
    struct arena *a;
    std::vector<toml_entry> entries;
    bool failed;
};

struct str copy(list &l, std::string_view text)
{
    struct str s = arena_str(l.a, {text.data() ? text.data() : "", text.size()});
    l.failed = l.failed || !s.p;
    return s;
}

std::string join(const std::string &above, std::string_view key)
{
    std::string name = above.empty() ? "" : above + ".";
    if (key.find('.') == key.npos)
        return name.append(key);
    return name.append("\"").append(key).append("\"");
}

void add(list &l, const std::string &key, const toml::node &v, toml_type type, std::string_view text)
{
    l.entries.push_back({copy(l, key), copy(l, text), type, static_cast<unsigned>(v.source().begin.line)});
}

void add_real(list &l, const std::string &key, const toml::node &v, double number)
{
    char text[NUMBER_TEXT];
    if (number - number == 0) /* neither infinite nor NaN */
        add(l, key, v, TOML_REAL, {text, number_write(number, text)});
    else
        add(l, key, v, TOML_OTHER, "");
}

void flatten(list &l, const std::string &above, const toml::table &t)
{
    for (auto &&[k, v] : t) {
        std::string key = join(above, k.str());
        if (const toml::table *inner = v.as_table()) {
            if (inner->empty())
                add(l, key, v, TOML_TABLE, "");
            flatten(l, key, *inner);
        } else if (const auto *text = v.as_string()) {
            add(l, key, v, TOML_TEXT, text->get());
        } else if (const auto *whole = v.as_integer()) {
            add(l, key, v, TOML_INT, std::to_string(whole->get()));
        } else if (const auto *real = v.as_floating_point()) {
            add_real(l, key, v, real->get());
        } else if (const auto *truth = v.as_boolean()) {
            add(l, key, v, TOML_BOOL, truth->get() ? "true" : "false");
        } else {
            add(l, key, v, TOML_OTHER, "");
        }
    }
}

/* toml++ says what it expected and then quotes what it saw: only the first part is told. */
enum err_code fault(const toml::parse_error &why, unsigned *line, struct err *e)
{
    std::string_view words = why.description();
    words = words.substr(0, words.find('\''));
    words = words.substr(0, words.find('"'));
    size_t saw = words.rfind(", saw");
    if (saw != words.npos)
        words = words.substr(0, saw);
    while (!words.empty() && (words.back() == ' ' || words.back() == ':'))
        words.remove_suffix(1);
    *line = static_cast<unsigned>(why.source().begin.line);
    return err_set(e, ERR_INVALID, nullptr, "%.*s", static_cast<int>(words.size() < 120 ? words.size() : 120),
                   words.data());
}

/* The first line with too many dots, 0 when there is none. */
unsigned dotted_line(struct str text)
{
    unsigned line = 1;
    size_t dots = 0;
    for (size_t i = 0; i < text.n; i++) {
        dots = text.p[i] == '\n' ? 0 : dots + (text.p[i] == '.');
        line += text.p[i] == '\n';
        if (dots > DOTS_MAX)
            return line;
    }
    return 0;
}

} // namespace

enum err_code toml_read(struct arena *a, struct str text, const struct toml_entry **out, size_t *n, unsigned *line,
                        struct err *e)
{
    *out = nullptr;
    *n = 0;
    *line = dotted_line(text);
    if (*line)
        return err_set(e, ERR_TOO_LARGE, nullptr, "a line with more than %zu dots is no configuration", DOTS_MAX);
    toml::parse_result result = toml::parse(std::string_view{text.n ? text.p : "", text.n});
    if (!result)
        return fault(result.error(), line, e);
    list l = {a, {}, false};
    flatten(l, "", result.table());
    auto *entries = static_cast<toml_entry *>(arena_calloc(a, l.entries.size() + 1, sizeof(toml_entry)));
    if (!entries || l.failed)
        return err_nomem(e);
    std::copy(l.entries.begin(), l.entries.end(), entries);
    *out = entries;
    *n = l.entries.size();
    return ERR_OK;
}
