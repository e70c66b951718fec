/* The terminal: is it one, how wide, may it have colour. Only looks; never changes its settings. */
#include "doors/cli/screen.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH_DEFAULT = 80, WIDTH_LEAST = 40, WIDTH_MOST = 1000 };

/* What the terminal says goes before $COLUMNS, which shells leave behind when a window is resized. */
static int terminal_width(int fd)
{
    struct winsize w;
    int64_t n = 0;
    const char *columns = getenv("COLUMNS");
    if (ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
        n = w.ws_col;
    else if (!columns || !str_int(str_of(columns), &n))
        n = WIDTH_DEFAULT;
    return n < WIDTH_LEAST ? WIDTH_LEAST : n > WIDTH_MOST ? WIDTH_MOST : (int)n;
}

/* NO_COLOR: https://no-color.org, any value but an empty one. */
void screen_detect(struct screen *s, int fd)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    s->terminal = isatty(fd) == 1;
    s->colour = s->terminal && !(no && *no) && term && strcmp(term, "dumb") != 0;
    s->width = s->terminal ? terminal_width(fd) : 0;
}

void screen_ink(const struct screen *s, struct buf *out, enum ink ink, struct str text)
{
    static const char *const codes[] = {"", "\033[1m", "\033[2m", "\033[36m", "\033[32m", "\033[31m"};
    bool on = s->colour && ink != INK_PLAIN && text.n > 0;
    if (on)
        buf_cstr(out, codes[ink]);
    buf_str(out, text);
    if (on)
        buf_cstr(out, "\033[0m");
}
