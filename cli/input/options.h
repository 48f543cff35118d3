/* options.h - reading a subcommand's options, and writing its help. */
#ifndef MSIO_CLI_OPTIONS_H
#define MSIO_CLI_OPTIONS_H

#include "cli/command.h"

#include <stdint.h>

typedef struct cli_option {
    const char *name;  /* without the dashes; NULL ends a table */
    const char *value; /* what its value is called; NULL: it takes none */
    int optional;      /* its value may be left out */
    const char *help;  /* lines of at most 70 characters */
} cli_option;

/* Called for each of the subcommand's own options; value is NULL where none was given. Returns 0, or an exit code after
 * telling. */
typedef int (*cli_option_take)(const cli_context *cli, void *state, const char *name, const char *value);

/* Reads the options of argv[1 ..]; operands are then argv[*first ..], options among them taken out. Returns -1 to go
 * on, or an exit code: after an error, or after --help. */
int cli_options_parse(cli_context *cli, const cli_command *command, int argc, char **argv, cli_option_take take,
                      void *state, int *first);

/* The options that every subcommand takes. */
extern const cli_option cli_options_common[];

/* 1 when --json stands anywhere. */
int cli_options_want_json(int argc, char **argv);

/* Values: 0, or an exit code after telling what is wrong with it. */
int cli_option_integer(const cli_context *cli, const char *name, const char *text, int64_t low, int64_t high,
                       int64_t *value);
int cli_option_seconds(const cli_context *cli, const char *name, const char *text, double *value);
/* NAME=SECONDS, with more than 0; the name as long as `room` holds. */
int cli_option_named_seconds(const cli_context *cli, const char *name, const char *text, char *key, size_t room,
                             double *seconds);
/* A number and a unit: kB, MB, GB, TB of 1000, KiB, MiB, GiB, TiB of 1024, or none for bytes. */
int cli_option_bytes(const cli_context *cli, const char *name, const char *text, size_t *bytes);
/* One of the words, ended by NULL; *index is its place. */
int cli_option_word(const cli_context *cli, const char *name, const char *text, const char *const words[], int *index);
/* A list of words between commas: the bit of each one's place is set in *bits. The last of `words` stands for all. */
int cli_option_words(const cli_context *cli, const char *name, const char *list, const char *const words[],
                     unsigned *bits);

/* The help of the exit codes, for all help texts; negative as in cli_command. */
void cli_options_print_exits(const char *negative);

#endif
