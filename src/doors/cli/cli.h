/* The command line: git's style, made from the operations table and a few commands of its own. */
#ifndef CAIRN_DOORS_CLI_CLI_H
#define CAIRN_DOORS_CLI_CLI_H

/* Runs `cairn argv[1] …`; returns the exit status: 0 ok, 1 failed, 2 wrong usage or input, 3 not found. */
int cli_main(int argc, char **argv);

#endif
