/* command.h - what all subcommands of the msio command share: the context of a run, exit codes, their list. */
#ifndef MSIO_CLI_COMMAND_H
#define MSIO_CLI_COMMAND_H

#include "msio/core.h"
#include "msio/io.h"

/* Exit codes, as --help and the manual page tell them. */
enum {
    CLI_OK = 0,
    CLI_NEGATIVE = 1, /* a judgement was negative */
    CLI_USAGE = 2,    /* wrong usage */
    CLI_INPUT = 3,    /* the input could not be read, or the output not written */
    CLI_UNSURE = 4    /* not enough evidence to judge */
};

struct cli_command_section;

/* One run of the command: its name and the options that every subcommand takes. */
typedef struct cli_context {
    const char *command; /* "read", or "" before a subcommand is known */
    int threads;         /* 0: all that may be used */
    int nolock;
    double lock_seconds; /* to wait for a lock that another process has; negative: the library's default */
    msio_native native;
    int quiet;
    int json;
    const char *prof;                           /* NULL, "report" or "json:FILE" */
    const struct cli_command_section *sections; /* all there is, for those that tell of it */
} cli_context;

struct cli_option;

/* A subcommand: what its help says, and how it runs. */
typedef struct cli_command {
    const char *name, *summary;
    const char *usage;                /* what follows "msio NAME", one line */
    const char *words;                /* its first operand, where that is one of these: "ms|uvh5"; NULL: any */
    const char *text;                 /* a paragraph or two, lines of at most 100 characters */
    const struct cli_option *options; /* its own, ended by a name of NULL */
    const char *negative;             /* what exit code 1 means here; NULL: it does not occur */
    const char *unsure;               /* what exit code 4 means; the same */
    const char *examples;             /* lines */
    int (*run)(cli_context *cli, int argc, char **argv);
} cli_command;

/* Some subcommands under a title of the help. */
typedef struct cli_command_section {
    const char *title;               /* NULL ends a list of sections */
    const cli_command *commands[12]; /* ended by NULL */
} cli_command_section;

extern const cli_command cli_command_info, cli_command_read, cli_command_plan, cli_command_verify, cli_command_simulate,
    cli_command_bench, cli_command_flags, cli_command_groups, cli_command_load, cli_command_convert, cli_command_write,
    cli_command_fill, cli_command_copy, cli_command_repair, cli_command_addcols, cli_command_model, cli_command_stats,
    cli_command_plot, cli_command_profile, cli_command_compare, cli_command_history, cli_command_dashboard,
    cli_command_report, cli_command_completion;

#endif
