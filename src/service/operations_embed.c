/* Operations: embeddings. See operation_table.h. */
#include "service/operation_table.h"

#include "service/features.h"

static const struct op_arg embed_args[] = {
    {"input", ARG_JSON, ARG_IN_BODY, ARG_REQUIRED, 0, 8 * MIB, NULL, NULL,
     "a text, or an array of at most 2,048 of them, 4 MiB in all"},
    {"model", ARG_TEXT, ARG_IN_BODY, 0, 1, 200, NULL, NULL, "cairn, or the name or id of the model that is here"},
    {"encoding_format", ARG_ENUM, ARG_IN_BODY, 0, 0, 0, "\"float\"", "float|base64",
     "numbers, or the bytes of 32-bit floats in base64"},
    {"dimensions", ARG_INT, ARG_IN_BODY, 0, 1, 4096, NULL, NULL, "only the model's own"},
    {"input_type", ARG_ENUM, ARG_IN_BODY, 0, 0, 0, "\"document\"", "document|query",
     "what the texts are, for models that embed the two differently"},
    {"user", ARG_TEXT, ARG_IN_BODY, 0, 0, 1000, NULL, NULL, "taken for OpenAI's clients, and ignored"},
};

static const struct operation entries[] = {
    {"embed", "POST", "/api/v2/embeddings", NULL, NULL, ARGS(embed_args), PERM_READ, LIMIT_NONE, OP_LONG | OP_UNAUDITED,
     200, embeddings_make, "Vectors of texts, by the embedding model",
     "{object:text, data [{object:text, index:int, embedding:any}], model:text, usage {prompt_tokens:int, "
     "total_tokens:int}}"},
};
const struct operation_table operations_embed = TABLE_OF(entries);
