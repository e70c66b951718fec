/* Vectors: opening and closing, and the files' heads. How they are looked at: vector_look.c; written: vector_write.c;
 * searched: vector_search.c. */
#include "index/vectors_int.h"

#include "base/crc.h"
#include "base/file.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum { PATH_ROOM = 4096, VERSION = 2 };
static const char MAGIC[8] = "CAIRNVEC", TAIL_MAGIC[8] = "CAIRNVET";

struct file_head vectors_head(const struct vectors *v, uint32_t form, uint64_t birth)
{
    struct file_head h = {.version = VERSION, .dimensions = (uint32_t)v->dimensions, .birth = birth, .form = form};
    memcpy(h.magic, MAGIC, sizeof h.magic);
    memcpy(h.model, v->model, sizeof h.model);
    h.crc = crc32c(&h, offsetof(struct file_head, crc));
    return h;
}

struct tail_head vectors_tail_head(const struct vectors *v, uint32_t form, uint64_t birth, uint64_t round,
                                   int64_t after)
{
    struct tail_head h = {
        .version = VERSION, .width = (uint32_t)v->width, .birth = birth, .round = round, .after = after, .form = form};
    memcpy(h.magic, TAIL_MAGIC, sizeof h.magic);
    h.crc = crc32c(&h, offsetof(struct tail_head, crc));
    return h;
}

/* ---- open and close ---- */
static enum err_code name_files(struct vectors *v, const char *folder, struct err *e)
{
    static const char *const ENDS[] = {"bin", "tail", "lock", "new"};
    char **const names[] = {&v->path, &v->tail_path, &v->lock_path, &v->new_path};
    char path[PATH_ROOM];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (snprintf(path, sizeof path, "%s/vectors-%s.%s", folder, v->model, ENDS[i]) >= (int)sizeof path)
            return err_set(e, ERR_INVALID, NULL, "the data folder's path is too long");
        *names[i] = mem_strdup(path);
        if (!*names[i])
            return err_nomem(e);
    }
    return ERR_OK;
}

static enum err_code set_up(struct vectors *v, const struct vectors_options *o, struct err *e)
{
    char folder[PATH_ROOM];
    const char *digits = strrchr(o->model_id, '@');
    digits = digits ? digits + 1 : o->model_id;
    if (o->dimensions == 0 || o->dimensions > VECTORS_DIMENSIONS_MAX)
        return err_set(e, ERR_INVALID, NULL, "vectors have 1 to %d dimensions", VECTORS_DIMENSIONS_MAX);
    if (!*digits || strchr(digits, '/') || strlen(digits) >= sizeof v->model)
        return err_set(e, ERR_INVALID, NULL, "the model's id does not name a file");
    if (snprintf(folder, sizeof folder, "%s/index", o->dir) >= (int)sizeof folder)
        return err_set(e, ERR_INVALID, NULL, "the data folder's path is too long");
    if (!o->read_only)
        (void)file_mkdirs(folder, NULL); /* opening the file will tell */
    strcpy(v->model, digits);            /* the folder's name does not matter: the digits stand for what is in it */
    return name_files(v, folder, e);
}

enum err_code vectors_open(const struct vectors_options *o, struct vectors **out, struct err *e)
{
    struct vectors *v = mem_zalloc(sizeof *v);
    *out = NULL;
    if (!v)
        return err_nomem(e);
    v->dimensions = o->dimensions;
    v->width = (o->dimensions + VECTOR_ALIGN - 1) / VECTOR_ALIGN * VECTOR_ALIGN;
    v->read_only = o->read_only;
    v->store = o->store;
    v->math = vector_math();
    v->reader = v->tail_reader = v->lock_file = v->bin = v->end = -1;
    pthread_mutex_init(&v->writing, NULL);
    pthread_mutex_init(&v->lock, NULL);
    pthread_mutex_init(&v->checking, NULL);
    enum err_code code = set_up(v, o, e);
    if (code)
        vectors_close(v);
    else
        *out = v;
    return code;
}

void vectors_close(struct vectors *v)
{
    if (!v)
        return;
    vectors_forget(v);
    vectors_let_go(v);
    pthread_mutex_destroy(&v->checking);
    pthread_mutex_destroy(&v->lock);
    pthread_mutex_destroy(&v->writing);
    mem_free(v->path);
    mem_free(v->tail_path);
    mem_free(v->lock_path);
    mem_free(v->new_path);
    mem_free(v);
}
