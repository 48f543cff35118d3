/* chain.h - calibration and imaging of a Measurement Set, run as programs and judged: what its parts share. */
#ifndef MSIO_CLI_CHAIN_H
#define MSIO_CLI_CHAIN_H

#include "cli/chain/chain_config.h"
#include "cli/command.h"
#include "cli/common/json.h"
#include "cli/measure/verify.h"

#include <limits.h>
#include <stdio.h>

/* Texts that are put into the program (cmake/embed.cmake), each ended by a NUL. */
extern const char chain_steps_toml[], chain_run_task_py[];

/* ---------------------------------------------------------------- what came out */

/* What a step read and wrote of a column. */
typedef struct chain_column {
    char table[96], name[96];
    int64_t bytes_read, bytes_written, distinct_bytes;
} chain_column;

typedef struct chain_finding {
    char kind[48], what[400], instead[300];
} chain_finding;

typedef struct chain_result {
    const char *table; /* the user's */
    char name[48], program[256];
    char skipped[120];        /* why it was not run; "": it was */
    double seconds, cpu;      /* wall; processor time */
    double calls, layer;      /* shares of the run, 0 to 1: system calls on tables; the table layer (-1: no samples) */
    double import_seconds;    /* of casatasks; -1: of no task */
    int64_t peak, bytes_read; /* memory of its largest process; read of tables */
    int64_t distinct_bytes;   /* of these, each byte once */
    int code, signal;
    int columns, findings;
    chain_column *column; /* most bytes first */
    chain_finding *finding;
    char report[PATH_MAX]; /* the profile's folder, where it is kept; "" */
} chain_result;

typedef struct chain_results {
    chain_result *list;
    int n, room;
} chain_results;

void chain_results_free(chain_results *results);

/* ---------------------------------------------------------------- running (chain_run.c) */

typedef struct chain_wishes {
    unsigned parts;      /* bits of CHAIN_CALIBRATION, CHAIN_IMAGING */
    const char *config;  /* a file; NULL: the default */
    const char *scratch; /* folder for the copy; NULL: beside the table */
    const char *reports; /* folder for logs and profiles, which are kept then; NULL: they are removed */
} chain_wishes;

/* What is to be run, and by what. */
typedef struct chain_plan {
    chain_wishes wish;
    chain_config config;
    char python[PATH_MAX];          /* that has CASA; "": none is needed, or was found */
    char missing[CHAIN_PARTS][400]; /* why a part cannot be run; "": it can */
} chain_plan;

/* Reads the configuration, and finds CASA and programs. Returns 0, or an exit code after telling. */
int chain_prepare(const cli_context *cli, const chain_wishes *wish, chain_plan *plan);
void chain_plan_free(chain_plan *plan);
/* Runs it on a copy of the table; path[part] and results[part] get what came out (path NULL: not wanted). Of several
 * tables the slowest one is the path's. Returns 0, or an exit code after telling: the command itself failed. */
int chain_run(const cli_context *cli, const chain_plan *plan, const char *table, cli_path *const path[CHAIN_PARTS],
              chain_results results[CHAIN_PARTS]);

/* ---------------------------------------------------------------- the table (chain_table.c) */

typedef struct chain_facts {
    char antenna[64]; /* the name of the one of which least is flagged */
    int64_t bytes;    /* of a copy */
    int64_t more;     /* that the steps may add to it: imaging columns that are missing */
    char unfit[400];  /* why no copy of it can be worked on; "": one can */
} chain_facts;

void chain_look(const cli_context *cli, const char *table, chain_facts *facts);
/* Why work on this copy could change something else; "": it could not. */
void chain_look_at_copy(const char *copy, chain_facts *facts);
/* Whether a column is there and holds anything but zeros. */
int chain_column_holds(const cli_context *cli, const char *table, const char *column);

/* ---------------------------------------------------------------- programs (chain_tools.c) */

/* Finds what the parts need. */
void chain_find_tools(chain_plan *plan);

/* ---------------------------------------------------------------- telling (chain_report.c) */

void chain_put_steps(cli_json *json, const chain_results *results);
void chain_print_steps(FILE *out, const char *part, const chain_results *results);
/* The last lines of a file, in one. */
void chain_log_tail(const char *path, char *text, size_t size);

#endif
