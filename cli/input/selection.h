/* selection.h - the options --rows, --chans and --corrs, made into a selection of the library. */
#ifndef MSIO_CLI_SELECTION_H
#define MSIO_CLI_SELECTION_H

#include "cli/command.h"
#include "cli/common/slice.h"

#include <stddef.h>

typedef struct cli_selection {
    cli_slice rows, chans, corrs;     /* as asked for */
    msio_select select;               /* what the library is asked: channels and correlations ascend */
    int64_t *row_list;                /* of `select`, where rows are wanted backwards; of the selection */
    int64_t count;                    /* rows selected */
    const char *path;                 /* of the table, for messages */
    int reverse_chans, reverse_corrs; /* what comes is to be turned round */
} cli_selection;
#define CLI_SELECTION_INIT                                                                                             \
    { CLI_SLICE_ALL, CLI_SLICE_ALL, CLI_SLICE_ALL, MSIO_SELECT_ALL, NULL, 0, NULL, 0, 0 }

/* The help of the three options, for a command's table, and the taking of one: 0, or an exit code. */
#define CLI_SELECTION_OPTIONS                                                                                          \
    {"rows", "A:B[:S]", 0, "rows, as numpy slices them: -10: is the last ten, ::-1 is backwards"},                     \
        {"chans", "A:B[:S]", 0, "channels: the cells' last axis but one"}, {                                           \
        "corrs", "A:B[:S]", 0, "correlations: the cells' last axis"                                                    \
    }
int cli_selection_take(const cli_context *cli, cli_selection *selection, const char *option, const char *text);

/* Sets the rows of `select`, with all of every cell. Returns 0, or an exit code after telling. */
int cli_selection_rows(const cli_context *cli, cli_selection *selection, int64_t table_rows, const char *path);
/* Sets channels and correlations for cells of that shape (numpy order). Returns 0, or an exit code after telling. */
int cli_selection_cells(const cli_context *cli, cli_selection *selection, int ndim, const int64_t *shape,
                        const char *column);
/* 1 when cells come in another order than they are wanted in; the place in a cell that came, of that shape (numpy
 * order), of the element that is wanted at `place`. */
int cli_selection_turned(const cli_selection *selection);
int64_t cli_selection_source(const cli_selection *selection, int ndim, const int64_t *shape, int64_t place);
/* The selection of rows first .. first + count of those selected. */
msio_select cli_selection_part(const cli_selection *selection, int64_t first, int64_t count);
/* The table's row of the index-th selected one. */
int64_t cli_selection_row(const cli_selection *selection, int64_t index);
void cli_selection_free(cli_selection *selection);

#endif
