/* Any bytes as the JSON files of a model's folder, one after another with a byte 0x1E between them; an empty one is not
 * there. Refused with the file's name and words, or a configuration within its bounds. */
#include "base/file.h"
#include "embed/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const FILES[] = {"config.json",           "modules.json",
                                    "1_Pooling/config.json", "sentence_bert_config.json",
                                    "tokenizer_config.json", "config_sentence_transformers.json"};
enum { N = sizeof FILES / sizeof *FILES };
static char folder[32];

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void remove_all(void)
{
    char path[128];
    for (size_t i = 0; i < N; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, FILES[i]);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/1_Pooling", folder);
    rmdir(path);
    rmdir(folder);
}

static void make_folder(void)
{
    char path[128];
    strcpy(folder, "/tmp/cairn-fuzz-XXXXXX");
    must(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/1_Pooling", folder);
    must(file_mkdirs(path, NULL) == ERR_OK);
    must(atexit(remove_all) == 0);
}

static void put(const char *name, struct str text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
    if (text.n == 0)
        return;
    FILE *f = fopen(path, "wb");
    must(f && fwrite(text.p, 1, text.n, f) == text.n && fclose(f) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = {(const char *)data, size};
    struct arena *a = arena_new();
    struct model_config c;
    struct err e = {0};
    if (!folder[0])
        make_folder();
    for (size_t i = 0; i < N; i++)
        put(FILES[i], str_cut(&rest, '\x1E'));
    if (config_read(folder, a, &c, &e) == ERR_OK) {
        must(config_sound(&c));
        must(c.query_prefix.n <= CONFIG_PREFIX_MAX && c.document_prefix.n <= CONFIG_PREFIX_MAX);
        must(c.transformer.n == 0 || (c.transformer.p[0] != '/' && str_find(c.transformer, STR("..")) != 0));
    } else {
        must((e.code == ERR_INVALID || e.code == ERR_NOT_FOUND || e.code == ERR_IO) && e.message[0]);
    }
    arena_free(a);
    return 0;
}
