/* The model within the program. Compiled twice: plainly it holds none; `make release` compiles it with
 * CAIRN_MODEL_FILE, the file that `cairn model --pack` wrote, whose bytes the assembler then copies here. */
#include "service/model.h"

#ifdef CAIRN_MODEL_FILE
__asm__(".pushsection .rodata.cairn_model, \"a\"\n"
        ".balign 64\n"
        "cairn_model_begin:\n"
        ".incbin \"" CAIRN_MODEL_FILE "\"\n"
        "cairn_model_end:\n"
        ".popsection\n");
extern const char cairn_model_begin[] __attribute__((visibility("hidden")));
extern const char cairn_model_end[] __attribute__((visibility("hidden")));

struct str model_inside(void)
{
    return (struct str){cairn_model_begin, (size_t)(cairn_model_end - cairn_model_begin)};
}
#else
struct str model_inside(void)
{
    return STR_NONE;
}
#endif
