/* The journal's file and its waiting list. Reading a file back is in journal_replay.c. */
#include "service/journal.h"

#include "base/file.h"
#include "base/json_write.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "seal/seal.h"
#include "service/journal_line.h"
#include "service/journal_replay.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum {
    TRUNCATE_ABOVE = 1 << 20, /* an idle file larger than this is emptied */
    FILE_MAX = 256 << 20,     /* past this nothing more is journalled until it is emptied */
    WAITING_MAX = 10000,      /* chats kept in memory; more stay in the file alone */
    RETRY_SECONDS = 2
};

struct journal {
    struct service *svc;
    char dir[4096 + 16], path[4096 + 96];
    int fd; /* -1: could not be opened; chats then live in memory alone */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool thread_runs, stopping;
    uint64_t next;
    int64_t open, bytes; /* exchanges begun and not done; size of the file */
    bool forget;         /* empty it as soon as nothing is open, however small it is */
    struct chat *waiting, **waiting_end;
    int64_t n_waiting;
    int64_t left_behind; /* chats that only the file holds */
};

/* ---- lines ---- */

/* Under the lock. */
static bool put_line(struct journal *j, const struct buf *line)
{
    struct err why = {0};
    if (j->fd < 0 || line->failed || j->bytes > FILE_MAX)
        return false;
    if (file_write_fd(j->fd, buf_view(line), &why)) {
        log_error("journal_write", &why);
        /* half a line may be there: begin a new one so that the next line is read on its own */
        return false;
    }
    j->bytes += (int64_t)line->n;
    return true;
}

static void line_begin(struct buf *b, struct json_out *w, uint64_t exchange)
{
    buf_init(b, FILE_MAX);
    jw_init(w, b);
    jw_object(w);
    jw_kint(w, "x", (int64_t)exchange);
}

static bool line_end(struct journal *j, struct buf *b, struct json_out *w)
{
    struct buf line;
    jw_end_object(w);
    buf_init(&line, FILE_MAX);
    pthread_mutex_lock(&j->lock); /* also so that no line of the old form comes after the file was converted */
    journal_line_put(&line, store_keyring(j->svc->store), buf_view(b));
    line.failed = line.failed || b->failed;
    bool ok = put_line(j, &line);
    pthread_mutex_unlock(&j->lock);
    buf_release(&line);
    buf_release(b);
    return ok;
}

/* `hash` only where the text is not the raw one any more: by it the client's own words are recognised later. */
static void put_hash(struct json_out *w, const struct chat_kept *k)
{
    if (!k->clean_text.p && k->text.n)
        jw_kcstr(w, "hash", k->hash);
}

static void put_message(struct json_out *w, const struct chat *c, size_t i)
{
    const struct chat_message *m = &c->req.messages[i];
    const struct chat_kept *k = &c->kept[i];
    jw_object(w);
    jw_kcstr(w, "id", c->message_ids[i].text);
    jw_kstr(w, "role", m->role);
    jw_kstr(w, "text", k->text);
    put_hash(w, k);
    jw_kstr(w, "metadata", k->metadata);
    if (m->agent.n)
        jw_kstr(w, "agent", m->agent);
    jw_end_object(w);
}

static void put_begin(struct json_out *w, const struct chat *c)
{
    jw_key(w, "begin");
    jw_object(w);
    jw_kstr(w, "session", c->placed && c->session_id[0] ? str_of(c->session_id) : c->req.session);
    jw_kcstr(w, "new_session", c->new_session.text);
    jw_kstr(w, "conversation", c->placed && !c->conversation_is_new ? str_of(c->conversation_id) : c->req.conversation);
    jw_kcstr(w, "new_conversation", c->new_conversation.text);
    jw_kbool(w, "placed", c->placed);
    jw_kstr(w, "agent", c->req.agent);
    jw_kstr(w, "project", c->req.project);
    if (!c->who->everything) { /* what they may not write to, a replay must not write to either */
        jw_kstr(w, "caller_org", c->who->org);
        jw_kstr(w, "caller_project", c->who->project);
    }
    jw_kstr(w, "model", c->kept_model);
    jw_kstr(w, "metadata", c->kept_metadata);
    if (c->req.fresh)
        jw_kbool(w, "fresh", true);
    jw_kbool(w, "store_answer", c->req.options.auto_store_response);
    jw_kint(w, "started_ms", c->started_ms);
    jw_kcstr(w, "answer_id", c->answer_id.text);
    jw_key(w, "messages");
    jw_array(w);
    for (size_t i = c->placed ? c->first_new : 0; i < c->req.n_messages; i++)
        put_message(w, c, i);
    jw_end_array(w);
    jw_end_object(w);
}

void journal_begin(struct journal *j, struct chat *c)
{
    struct buf b;
    struct json_out w;
    struct err why = {0};
    if (!j)
        return;
    if (chat_mask_request(c, &why)) {
        log_error("journal_not_masked", &why);
        return;
    }
    pthread_mutex_lock(&j->lock);
    uint64_t exchange = ++j->next;
    j->open++;
    pthread_mutex_unlock(&j->lock);
    metric_add(M_JOURNAL_TOTAL, 1);
    line_begin(&b, &w, exchange);
    put_begin(&w, c);
    line_end(j, &b, &w);
    c->exchange = exchange;
}

void journal_delta(struct journal *j, const struct chat *c, struct str text)
{
    struct buf b;
    struct json_out w;
    if (!j || !c->exchange)
        return;
    line_begin(&b, &w, c->exchange);
    jw_kstr(&w, "delta", text);
    line_end(j, &b, &w);
}

void journal_end(struct journal *j, struct chat *c)
{
    struct buf b;
    struct json_out w;
    struct err why = {0};
    if (!j || !c->exchange)
        return;
    const struct chat_kept *k = chat_kept_answer(c, &why);
    if (!k) {
        log_error("journal_not_masked", &why);
        return;
    }
    line_begin(&b, &w, c->exchange);
    jw_key(&w, "end");
    jw_object(&w);
    jw_kstr(&w, "text", k->text);
    put_hash(&w, k);
    jw_kstr(&w, "metadata", k->metadata);
    jw_kbool(&w, "complete", c->complete);
    jw_end_object(&w);
    line_end(j, &b, &w);
}

/* Nothing is open and the file is large: begin it anew. Under the lock. */
static void empty_when_idle(struct journal *j, int64_t above)
{
    if (j->open == 0 && j->left_behind == 0 && j->bytes > above && j->fd >= 0 && ftruncate(j->fd, 0) == 0) {
        j->bytes = 0;
        j->forget = false;
    }
}

void journal_done(struct journal *j, const struct chat *c)
{
    struct buf b;
    struct json_out w;
    if (!j || !c->exchange)
        return;
    line_begin(&b, &w, c->exchange);
    jw_kbool(&w, "done", true);
    line_end(j, &b, &w);
    pthread_mutex_lock(&j->lock);
    j->open--;
    empty_when_idle(j, j->forget ? 0 : TRUNCATE_ABOVE);
    pthread_mutex_unlock(&j->lock);
}

/* ---- forgetting ---- */

/* The number of the exchange that a line is about, 0: none. */
static uint64_t exchange_of(struct str line)
{
    static const char head[] = "{\"x\":";
    uint64_t x = 0;
    if (!str_starts(line, head))
        return 0;
    for (size_t i = sizeof head - 1; i < line.n && line.p[i] >= '0' && line.p[i] <= '9' && x < UINT64_MAX / 16; i++)
        x = 10 * x + (uint64_t)(line.p[i] - '0');
    return x;
}

/* The lines of exchanges that are not done. `done`: a bit for each exchange. */
static void put_open_lines(struct buf *out, struct str text, unsigned char *done, uint64_t last)
{
    struct str rest = text;
    while (rest.p) {
        struct str line = str_cut(&rest, '\n');
        uint64_t x = exchange_of(line);
        if (x && x <= last && str_ends(line, ",\"done\":true}"))
            done[x / 8] |= (unsigned char)(1U << x % 8);
    }
    for (rest = text; rest.p;) {
        struct str line = str_cut(&rest, '\n');
        uint64_t x = exchange_of(line);
        if (!x || x > last || (done[x / 8] >> x % 8 & 1))
            continue;
        buf_str(out, line);
        buf_char(out, '\n');
    }
}

/* A new file with these lines in the place of the old one, which others may still have open for reading. */
static enum err_code replace_file(struct journal *j, struct str lines, struct err *e)
{
    char path[sizeof j->path + 8];
    (void)snprintf(path, sizeof path, "%s.new", j->path);
    int fd = file_open_append(path, e);
    if (fd < 0)
        return e->code;
    flock(fd, LOCK_EX | LOCK_NB);
    enum err_code code = file_write_fd(fd, lines, e);
    if (!code && rename(path, j->path))
        code = err_errno(e, "replace the journal", j->path);
    if (code) {
        close(fd);
        (void)file_remove(path, NULL);
        return code;
    }
    close(j->fd);
    j->fd = fd;
    j->bytes = (int64_t)lines.n;
    return ERR_OK;
}

/* Under the lock. */
static enum err_code keep_open_lines(struct journal *j, struct err *e)
{
    struct buf text, kept;
    unsigned char *done = mem_zalloc(j->next / 8 + 1);
    buf_init(&text, 0);
    buf_init(&kept, 0);
    enum err_code code = done ? file_read_all(j->path, 2 * (size_t)FILE_MAX, &text, e) : err_nomem(e);
    if (!code) {
        put_open_lines(&kept, buf_view(&text), done, j->next);
        code = kept.failed ? err_nomem(e) : replace_file(j, buf_view(&kept), e);
    }
    buf_release(&text);
    buf_release(&kept);
    mem_free(done);
    return code;
}

void journal_forget(struct journal *j)
{
    struct err why = {0};
    if (!j)
        return;
    pthread_mutex_lock(&j->lock);
    j->forget = true;
    empty_when_idle(j, 0);
    /* Sealed lines can be read by nobody else; they go when nothing is open. */
    if (j->bytes > 0 && j->fd >= 0 && !store_keyring(j->svc->store) && keep_open_lines(j, &why))
        log_error("journal_forget", &why);
    pthread_mutex_unlock(&j->lock);
}

/* ---- the waiting list ---- */

void journal_leave(struct journal *j, struct chat *c)
{
    if (j) {
        pthread_mutex_lock(&j->lock);
        j->left_behind++;
        metric_set(M_JOURNAL_WAITING, j->n_waiting + j->left_behind);
        pthread_mutex_unlock(&j->lock);
    }
    chat_unref(c);
}

void journal_wait(struct journal *j, struct chat *c)
{
    bool kept = false;
    if (j) {
        pthread_mutex_lock(&j->lock);
        kept = j->n_waiting < WAITING_MAX;
        if (kept) {
            c->next = NULL;
            *j->waiting_end = c;
            j->waiting_end = &c->next;
            j->n_waiting++;
        }
        metric_set(M_JOURNAL_WAITING, j->n_waiting + j->left_behind);
        pthread_mutex_unlock(&j->lock);
    }
    if (!kept)
        journal_leave(j, c);
}

static struct chat *take_waiting(struct journal *j)
{
    pthread_mutex_lock(&j->lock);
    struct chat *c = j->waiting;
    if (c) {
        j->waiting = c->next;
        if (!j->waiting)
            j->waiting_end = &j->waiting;
        j->n_waiting--;
        metric_set(M_JOURNAL_WAITING, j->n_waiting + j->left_behind);
    }
    pthread_mutex_unlock(&j->lock);
    return c;
}

/* Stores what waits, oldest first, until something fails again. True when the list is empty. */
static bool drain(struct journal *j)
{
    struct chat *c;
    while ((c = take_waiting(j)) != NULL) {
        struct err why = {0};
        enum err_code code = store_write(j->svc->store, chat_store, c, &why);
        if (code && !chat_caller_error(code)) {
            journal_wait(j, c);
            return false;
        }
        if (code)
            log_error("chat_not_stored", &why);
        journal_done(j, c);
        chat_unref(c);
    }
    return true;
}

static void *retry_loop(void *arg)
{
    struct journal *j = arg;
    pthread_mutex_lock(&j->lock);
    while (!j->stopping) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += RETRY_SECONDS;
        pthread_cond_timedwait(&j->wake, &j->lock, &until);
        bool work = j->n_waiting > 0 && !j->stopping;
        pthread_mutex_unlock(&j->lock);
        if (work)
            drain(j);
        pthread_mutex_lock(&j->lock);
    }
    pthread_mutex_unlock(&j->lock);
    return NULL;
}

/* ---- open and close ---- */

static void open_file(struct journal *j)
{
    struct err why = {0};
    char id[ID_MAX];
    id_make("j", id);
    snprintf(j->path, sizeof j->path, "%s/%s.log", j->dir, id);
    j->fd = file_mkdirs(j->dir, &why) ? -1 : file_open_append(j->path, &why);
    if (j->fd < 0) {
        log_error("journal_open", &why); /* chats that cannot be stored are then kept in memory only */
        return;
    }
    flock(j->fd, LOCK_EX | LOCK_NB);
}

enum err_code journal_open(struct service *s, struct journal **out, struct err *e)
{
    struct journal *j = mem_zalloc(sizeof *j);
    if (!j)
        return err_nomem(e);
    j->svc = s;
    j->waiting_end = &j->waiting;
    pthread_mutex_init(&j->lock, NULL);
    pthread_cond_init(&j->wake, NULL);
    snprintf(j->dir, sizeof j->dir, "%s/journal", store_dir(s->store));
    journal_replay_dir(s, j->dir);
    open_file(j);
    j->thread_runs = pthread_create(&j->thread, NULL, retry_loop, j) == 0;
    if (!j->thread_runs) {
        journal_close(j);
        return err_set(e, ERR_UNAVAILABLE, NULL, "cannot start the journal's thread");
    }
    *out = j;
    return ERR_OK;
}

/* ---- sealed or plain ---- */

/* Under the lock: its own file, which is then another one. */
static enum err_code convert_own(struct journal *j, struct keyring *k, struct err *e)
{
    enum err_code rc = j->fd < 0 ? ERR_OK : journal_file_convert(k, j->path, e);
    int fd = j->fd < 0 || rc ? -1 : file_open_append(j->path, e);
    if (j->fd < 0 || rc || fd < 0)
        return rc ? rc : j->fd < 0 ? ERR_OK : ERR_IO;
    flock(fd, LOCK_EX | LOCK_NB);
    close(j->fd);
    j->fd = fd;
    j->bytes = file_size(j->path);
    return ERR_OK;
}

/* Files that dead processes left and that could not be stored. */
static enum err_code convert_others(struct journal *j, struct keyring *k, struct err *e)
{
    enum err_code rc = ERR_OK;
    DIR *d = opendir(j->dir);
    for (const struct dirent *f; d && !rc && (f = readdir(d)) != NULL;) {
        char path[sizeof j->dir + 300];
        snprintf(path, sizeof path, "%s/%s", j->dir, f->d_name);
        if (str_ends(str_of(f->d_name), ".log") && strcmp(path, j->path) != 0)
            rc = journal_file_convert(k, path, e);
    }
    if (d)
        closedir(d);
    return rc;
}

enum err_code journal_convert(struct journal *j, struct err *e)
{
    if (!j)
        return ERR_OK;
    struct keyring *k = store_keyring(j->svc->store);
    pthread_mutex_lock(&j->lock);
    enum err_code rc = convert_own(j, k, e);
    pthread_mutex_unlock(&j->lock);
    return rc ? rc : convert_others(j, k, e);
}

static enum err_code nothing(struct store_tx *tx, void *arg, struct err *e)
{
    (void)tx;
    (void)arg;
    (void)e;
    return ERR_OK;
}

void journal_close(struct journal *j)
{
    if (!j)
        return;
    pthread_mutex_lock(&j->lock);
    j->stopping = true;
    pthread_cond_signal(&j->wake);
    pthread_mutex_unlock(&j->lock);
    if (j->thread_runs)
        pthread_join(j->thread, NULL);
    /* The writer may still be about to hand us a chat that it could not store: it has, once it has done one thing more.
     */
    (void)store_write(j->svc->store, nothing, NULL, NULL);
    drain(j);
    bool empty = j->open == 0 && j->left_behind == 0;
    for (struct chat *c; (c = take_waiting(j)) != NULL;)
        chat_unref(c);
    if (j->fd >= 0) {
        if (empty)
            unlink(j->path); /* else the next start takes it over */
        close(j->fd);
    }
    pthread_cond_destroy(&j->wake);
    pthread_mutex_destroy(&j->lock);
    mem_free(j);
}
