/* What git says about the folder this runs in. The user's own git is asked: repositories have work trees, submodules
 * and formats of their own, which only git knows. */
#ifndef CAIRN_DOORS_CLI_GIT_H
#define CAIRN_DOORS_CLI_GIT_H

#include "base/arena.h"
#include "base/str.h"

/* The commit that is checked out: 40 or 64 hex digits, in the arena. STR_NONE when there is none to be had, which is no
 * error: no git, no repository, no commit yet, no answer within a few seconds. Runs `git` from $PATH without a shell.
 */
struct str git_commit(struct arena *a);

#endif
