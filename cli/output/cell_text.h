/* cell_text.h - the values of cells as text for a terminal: one line, no wider than it. */
#ifndef MSIO_CLI_CELL_TEXT_H
#define MSIO_CLI_CELL_TEXT_H

#include "cli/output/cell_json.h"

/* Characters that a line may have: more are not asked for, fewer hold no value. */
#define CLI_CELL_WIDEST 1000
#define CLI_CELL_NARROWEST 12

typedef struct cli_cell_text {
    char text[4 * CLI_CELL_WIDEST + 64]; /* UTF-8, with nothing that a terminal would obey */
    int cut;                             /* 1: it ends with "...", as not all had room */
} cli_cell_text;

/* The cell as cli_cell_json would write it, in `width` characters: arrays nested in numpy's order, complex values as
 * 1.5-2j, strings in quotes, "(never written)". Numbers have the fewest digits that give the same value of their
 * type, and are never cut. Returns 0, or -1 as cli_cell_json. */
int cli_cell_text_make(const msio_ragged *ragged, int64_t index, const cli_cut *cut, int width, cli_cell_text *made);

#endif
