/* grid.h - tables of text with aligned columns. */
#ifndef MSIO_CLI_GRID_H
#define MSIO_CLI_GRID_H

#include <stdint.h>
#include <stdio.h>

#define CLI_GRID_COLUMNS 12
#define CLI_GRID_WIDTH 100 /* characters a line may take */

typedef struct cli_grid {
    int columns, rows, room;
    const char *titles[CLI_GRID_COLUMNS]; /* as given */
    char right[CLI_GRID_COLUMNS];         /* 1: aligned on the right */
    char **cells;                         /* [rows][columns], of the grid */
} cli_grid;

/* A grid with titles, NULL ends them; a title that begins with '>' is aligned on the right. */
void cli_grid_begin(cli_grid *grid, const char *const titles[]);
/* A row: one text a column, copied; bytes that a terminal would obey become '?'. */
void cli_grid_row(cli_grid *grid, const char *const cells[]);
/* Prints it, indented by two; the widest columns are cut where a line would pass CLI_GRID_WIDTH. Frees it. */
void cli_grid_print(cli_grid *grid, FILE *out);

/* How many of a list's rows are printed: long lists are cut, unless all are wanted. */
int64_t cli_listed(int64_t rows, int all);
/* The line about the others, where there are any. */
void cli_tell_rest(FILE *out, int64_t rows, int all);

/* The text with bytes that a terminal would obey replaced, cut to size - 1 bytes. Returns buffer. */
const char *cli_printable(char *buffer, size_t size, const char *text, size_t length);

#endif
