/* Inside the command line: what a command is, and what all of them share. One const struct a command;
 * commands that run an operation take their arguments from the operations table. Not for other rooms. */
#ifndef CAIRN_DOORS_CLI_COMMAND_H
#define CAIRN_DOORS_CLI_COMMAND_H

#include "config/config.h"
#include "doors/cli/screen.h"
#include "service/operation.h"
#include "service/service.h"

/* One run of `cairn`. Everything in it lives in the arena. */
struct cli {
    struct arena *arena;
    const char *data;            /* --data as given, NULL: by environment (settings.c) */
    const char *config_file;     /* --config as given, NULL: config_find() looks */
    const struct config *config; /* NULL until settings_config() */
    bool json;                   /* --json */
    bool help;                   /* --help */
    bool bulk;                   /* the data folder is opened for much writing */
    bool converting;             /* the key in the settings is one to encrypt with */
    long patience_s;             /* how long a server may take; 0: two minutes */
    struct screen screen;
    struct buf out;      /* printed at the end, in one go */
    const char *command; /* name, for hints */
    char hint[200];      /* one more line under an error; "" for none */
    int status;          /* exit status of a command that itself succeeded (doctor: problems found) */
};

/* What was given on the command line, matched to an operation's arguments. */
struct given {
    const struct operation *op;
    struct op_pair *pairs;
    size_t n_pairs;
    struct str body; /* OP_RECORD_BODY: the record as JSON */
};

typedef enum err_code command_fn(struct cli *c, const struct given *g, struct op_call *args, struct err *e);

struct command;
typedef enum err_code command_take_fn(struct cli *c, const struct command *cmd, int argc, char **argv, struct err *e);

struct command {
    const char *name;
    const char *summary;
    const char *words; /* usage of what comes before the flags, NULL: from args */
    const struct op_arg *args;
    size_t n_args;
    const char *verb; /* runs "<kind>.<verb>" of the kind its first word names, with that operation's arguments */
    bool settings;    /* its flags are the settings with SETTING_SERVE; `args` is empty and run() reads c->config */
    bool hidden;      /* not in the overview */
    command_take_fn *take; /* takes argv itself instead of `run` */
    command_fn *run;
    const char *details; /* more text for `cairn help NAME`, NULL */
};

extern const struct command command_serve, command_list, command_show, command_add, command_edit, command_remove,
    command_backup, command_audit_verify, command_restore, command_import, command_watch, command_checkpoint,
    command_embed, command_model, command_redact, command_receipt, command_doctor, command_encrypt, command_decrypt,
    command_rekey, command_schema, command_config, command_call, command_docs, command_completions, command_man,
    command_version, command_help;

/* Sets the line that follows an error. */
void cli_hint(struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "there is no setting \"x\"; did you mean \"y\"?", with the field `what`. */
enum err_code cli_unknown(struct cli *c, const char *what, struct str name, const char *const *names, size_t n,
                          struct err *e);

/* The commands that are no operations, and the n-th operation with a CLI name. */
const struct command *const *commands_own(size_t *n);
const struct operation *command_operation(const char *name); /* "search", "auth token"; NULL: none */
/* True when commands of two words begin with this one ("auth"). */
bool command_group(const char *word);

/* ---- arguments (arguments.c) ---- */
/* Matches argv to op's arguments: `--flag value`, `--flag=value`, `--` ends flags; words fill the positional ones.
 * Words of the form key=value become the record's (or the body's) members where the operation makes or changes one. */
enum err_code arguments_parse(struct cli *c, const struct operation *op, int argc, char **argv, struct given *out,
                              struct err *e);
/* The first word that is no flag: its place in argv, -1 when there is none. Global flags are stepped over. */
int arguments_first_word(int argc, char **argv);
/* "--session" for the argument "session_id"; in the arena. */
const char *arguments_flag(struct arena *a, const struct op_arg *arg);
bool arguments_positional(const struct operation *op, const struct op_arg *arg);
/* `key=value` words as members of a JSON object, typed by the kind's fields. */
enum err_code arguments_record(struct cli *c, const struct kind *k, const struct str *words, size_t n, struct str *out,
                               struct err *e);

/* ---- asking (ask.c, client.c) ---- */
struct answer {
    struct str json;
    struct str next_cursor; /* a list's next page, STR_NONE */
};
/* Runs the operation: on the server that has the data folder, or in this process when none runs. */
enum err_code ask(struct cli *c, const struct given *g, struct answer *out, struct err *e);
/* A server's error answer as an error of ours. */
struct client_reply;
enum err_code ask_server_error(struct cli *c, const struct client_reply *r, struct err *e);
/* Opens the data folder in this process. `make`: a folder that is not there yet is made. */
enum err_code ask_open(struct cli *c, bool make, bool read_only_is_fine, struct service **out, struct err *e);

struct client_reply {
    int status;
    struct str body, next_cursor;
};
/* One HTTP request over <data>/cairn.sock. *running false (and ERR_OK): nobody listens there. */
enum err_code client_request(struct cli *c, const char *method, struct str target, struct str body,
                             struct client_reply *out, bool *running, struct err *e);
bool client_server_runs(struct cli *c);

/* ---- settings (settings.c) ---- */
/* The data folder: --data, $CAIRN_DATA, $XDG_DATA_HOME/cairn, ~/.local/share/cairn. */
enum err_code settings_data(struct cli *c, struct err *e);
/* c->config from the file, the environment and the command's flags (NULL: none); once it is there it stays. */
enum err_code settings_config(struct cli *c, const struct given *g, struct err *e);
/* The settings that are flags of `cairn serve`, as arguments; in the arena, NULL when out of memory. */
const struct op_arg *settings_args(struct arena *a, size_t *n);

/* Runs "<kind>.<cmd->verb>" for the kind that the first word names (command_kind.c). */
enum err_code command_kind(struct cli *c, const struct command *cmd, int argc, char **argv, struct err *e);

/* ---- help (command_help.c) ---- */
void help_overview(struct cli *c);
enum err_code help_command(struct cli *c, const char *name, struct err *e);
/* "usage: cairn list KIND …" and the flags of an operation. */
void help_operation(struct cli *c, const char *command, const char *words, const struct operation *op);
/* Parts of it that the manual page shares: "; 1 to 100 (10)", " N" (with the space; "" for a switch), "SESSION_ID". */
void help_bounds(struct buf *b, const struct op_arg *arg);
const char *help_placeholder(enum arg_type t);
struct str help_upper(struct cli *c, const char *name);
/* ERR_INVALID "unknown command", naming the nearest. */
enum err_code help_unknown(struct cli *c, const char *name, struct err *e);

#endif
