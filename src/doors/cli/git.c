/* Asking git for the commit. See git.h. Output and time are bounded, as neither the program nor the repository is ours:
 * what is longer than a commit or not in its form is taken for no answer. */
#include "doors/cli/git.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAIT_MS = 5000, SHA1_DIGITS = 40, SHA256_DIGITS = 64, ANSWER_MAX = 80, STEP_US = 2000 };

extern char **environ;

/* `git rev-parse` with its output in `to`, nothing to read and nothing said to the terminal. 0 when it did not start.
 */
static pid_t start(int to)
{
    char *const argv[] = {"git", "rev-parse", "--verify", "--quiet", "HEAD", NULL};
    posix_spawn_file_actions_t files;
    pid_t pid = 0;
    if (posix_spawn_file_actions_init(&files))
        return 0;
    bool ok = !posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0) &&
              !posix_spawn_file_actions_adddup2(&files, to, STDOUT_FILENO) &&
              !posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (ok && posix_spawnp(&pid, "git", &files, NULL, argv, environ))
        pid = 0;
    posix_spawn_file_actions_destroy(&files);
    return pid;
}

/* Bytes read until the other end was closed, the room was full or the time was up. */
static size_t read_answer(int fd, char *out, size_t room, int64_t end_us)
{
    size_t n = 0;
    while (n < room) {
        int64_t left = (end_us - clock_mono_us()) / 1000;
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (left <= 0 || (poll(&p, 1, (int)left) < 0 && errno != EINTR))
            break;
        ssize_t got = p.revents ? read(fd, out + n, room - n) : 0;
        if (p.revents && (got == 0 || (got < 0 && errno != EINTR)))
            break;
        n += got > 0 ? (size_t)got : 0;
    }
    return n;
}

/* It has closed its output or said too much, so it should be done; one that is not by `end_us` is ended. True when it
 * said that all went well. */
static bool finish(pid_t pid, int64_t end_us)
{
    int status = 0;
    pid_t got;
    while ((got = waitpid(pid, &status, WNOHANG)) == 0 || (got < 0 && errno == EINTR)) {
        if (clock_mono_us() >= end_us)
            (void)kill(pid, SIGKILL);
        usleep(STEP_US);
    }
    return got == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool is_commit(struct str s)
{
    if (s.n != SHA1_DIGITS && s.n != SHA256_DIGITS)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
            return false;
    }
    return true;
}

struct str git_commit(struct arena *a)
{
    char answer[ANSWER_MAX];
    int ends[2];
    int64_t end_us = clock_mono_us() + (int64_t)WAIT_MS * 1000;
    if (pipe2(ends, O_CLOEXEC))
        return STR_NONE;
    pid_t pid = start(ends[1]);
    close(ends[1]);
    size_t n = pid ? read_answer(ends[0], answer, sizeof answer, end_us) : 0;
    close(ends[0]);
    if (!pid || !finish(pid, end_us))
        return STR_NONE;
    while (n > 0 && (answer[n - 1] == '\n' || answer[n - 1] == '\r'))
        n--;
    struct str commit = {answer, n};
    return is_commit(commit) ? arena_str(a, commit) : STR_NONE;
}
