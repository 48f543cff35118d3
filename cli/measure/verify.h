/* verify.h - timing the paths of `msio verify` on the user's tables. */
#ifndef MSIO_CLI_VERIFY_H
#define MSIO_CLI_VERIFY_H

#include "cli/common/failure.h"
#include "cli/measure/tries.h"

#include <stddef.h>
#include <stdint.h>

/* One path: what was asked of it, and what came out. */
typedef struct cli_path {
    char name[96];
    const char *table; /* where it was measured; NULL: nowhere */
    double target;     /* seconds; 0: none */
    double measured;   /* seconds; -1: not measured */
    double roofline;   /* seconds; -1: none */
    int64_t bytes;     /* delivered; -1: none */
    double uncached;   /* seconds of an answer that was not kept; -1: none */
    cli_tries tries;   /* that were measured; of the path */
    int is_target;     /* 1: one of the project's */
    int failed;        /* 1: what was to be timed did not come to its end; the reason says how */
    char reason[640];  /* why it was not measured, or what was */
} cli_path;

typedef struct cli_paths {
    cli_path *list;
    int count, room;
} cli_paths;

/* A path at the end of the list, not measured and without a target; valid until the next is added. */
cli_path *cli_paths_add(cli_paths *paths, const char *name, const char *table);
void cli_paths_free(cli_paths *paths);

/* Half of the memory that is free for use, caches counted as free; a guess where the system does not tell. */
int64_t cli_verify_memory(void);

/* What to time of a table: at most so many names, those in `extra` last. Returns how many. */
#define CLI_COLUMNS_MOST 32
int cli_verify_columns(msio_table *table, const char *const *extra, int extras, const char *names[CLI_COLUMNS_MOST]);

/* Measures writing: on a copy of the table's own files beside it, or in the folder scratch (NULL: none named), which is
 * removed again, each column's own values over themselves, beside raw writes of the same bytes. What prevents the copy
 * is said by a path "write". */
void cli_verify_write(const cli_context *cli, const char *path, const char *scratch, const char *const *extra,
                      int extras, cli_paths *paths);

/* Measures what exists on one table, and the columns named beside. Returns 0, or an exit code after telling when the
 * table cannot be opened. */
int cli_verify_table(const cli_context *cli, const char *path, const char *const *extra, int extras, cli_paths *paths);

/* Measures the reading of a column that cannot be read dense, of that many rows. */
void cli_verify_ragged(const cli_context *cli, const msio_column *column, int64_t rows, cli_path *path);

/* Measures the targets that the caches answer, on a Measurement Set. */
void cli_verify_caches(const cli_context *cli, const char *table, cli_paths *paths);

/* Measures the loading of all subbands: of the first complete group of a folder (of the first one where none is), of
 * files together, of a Measurement Set's windows. Pointers to paths: they are kept. The first two return 0, or an exit
 * code after telling when they cannot be loaded; of a Measurement Set the path says it. */
int cli_verify_folder(const cli_context *cli, const char *const *folder, cli_paths *paths);
int cli_verify_files(const cli_context *cli, int count, const char *const *files, cli_paths *paths);
void cli_verify_windows(const cli_context *cli, const char *const *table, cli_paths *paths);

#endif
