/* comparing.h - two commands run in turns, timed and counted. */
#ifndef MSIO_CLI_COMPARING_H
#define MSIO_CLI_COMPARING_H

#include "cli/command.h"
#include "prof/compare/pairs.h"

#define CLI_COMPARED_COUNTS 8

/* What is counted of a run, in the order of cli_compared_names. -1: not counted here. */
extern const char *const cli_compared_names[CLI_COMPARED_COUNTS];

typedef struct cli_compared_run {
    double seconds; /* wall, of one run */
    int64_t count[CLI_COMPARED_COUNTS];
} cli_compared_run;

typedef struct cli_comparison {
    const char *command[2]; /* a, b */
    const char *prepare;    /* before each run, not timed; NULL: nothing */
    int64_t pairs;          /* wanted, of each measuring */
    double limit;           /* seconds; NaN: none */
    int repeats;            /* runs of a command that one time is taken of */
    int made;               /* pairs that there are */
    double *seconds[2];     /* of each pair, for one run */
    int64_t *count[2];      /* [pair][CLI_COMPARED_COUNTS] */
    double took;            /* all of it */
    double load;            /* average of the last minute at its end; -1: unknown */
    int confirmed;          /* 1: measured once more, as it had looked slower or faster */
    pairs_ratio ratio;
    pairs_verdict verdict;
    char why_no_instructions[120]; /* "": they are counted */
} cli_comparison;

/* Runs a command once by the shell, standard input empty, standard output thrown away. Returns 0, or an exit code after
 * telling: it could not be started, it failed (with its exit code and the end of what it said), a signal came. */
int cli_compared_run_once(const cli_context *cli, const char *what, const char *command, cli_compared_run *run);
/* Why instructions are not counted here; "" where they are. */
const char *cli_compared_no_instructions(void);

/* Measures and judges. Returns 0, or an exit code after telling. */
int cli_compare_measure(const cli_context *cli, cli_comparison *c);
void cli_compare_free(cli_comparison *c);
/* The least and the most of a count over the runs of a side, and its median. */
void cli_compared_count(const cli_comparison *c, int side, int which, int64_t *least, int64_t *median, int64_t *most);

void cli_compare_text(const cli_comparison *c);
void cli_compare_json(const cli_comparison *c);

#endif
