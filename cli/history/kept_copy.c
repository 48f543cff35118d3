/* kept_copy.c - rows of a history, copied: their strings live as long as one call only. */
#include "cli/history/kept_copy.h"

#include "cli/common/failure.h"

#include <stdlib.h>
#include <string.h>

static size_t size_of(history_table table) {
    static const size_t sizes[HISTORY_TABLES] = {
        [HISTORY_RUNS] = sizeof(history_run),          [HISTORY_TARGETS] = sizeof(history_target),
        [HISTORY_COUNTS] = sizeof(history_count),      [HISTORY_TIMES] = sizeof(history_time),
        [HISTORY_RATIOS] = sizeof(history_ratio),      [HISTORY_MOMENTS_OF] = sizeof(history_moment),
        [HISTORY_STACKS_OF] = sizeof(history_stack),   [HISTORY_COLUMNS_OF] = sizeof(history_column),
        [HISTORY_LOOPS_OF] = sizeof(history_loop),     [HISTORY_FINDINGS_OF] = sizeof(history_finding),
        [HISTORY_ACCEPTED] = sizeof(history_accepted),
    };
    return sizes[table];
}

/* Calls `what` with each text of a row. */
static void each_text(history_table table, void *row, void (*what)(char **text)) {
    const history_layout *layout = history_layout_of(table);
    for (int i = 0; i < layout->fields; i++)
        if (layout->field[i].kind == HISTORY_STRING) {
            char *text;
            char *at = (char *)row + layout->field[i].offset;
            memcpy(&text, at, sizeof text);
            what(&text);
            memcpy(at, &text, sizeof text);
        }
}

static void copy_text(char **text) { *text = cli_copy(*text); }

static void free_text(char **text) { free(*text); }

void cli_row_copy(history_table table, void *to, const void *from) {
    memcpy(to, from, size_of(table));
    each_text(table, to, copy_text);
}

void cli_row_free(history_table table, void *row) { each_text(table, row, free_text); }

typedef struct reading {
    cli_rows *rows;
    int64_t most;
} reading;

static int take_row(void *user, const void *row) {
    reading *r = user;
    cli_rows *rows = r->rows;
    size_t size = size_of(rows->table);
    if (rows->n == rows->room) {
        rows->room = rows->room ? 2 * rows->room : 64;
        rows->row = cli_resize(rows->row, (size_t)rows->room, size);
    }
    cli_row_copy(rows->table, (char *)rows->row + (size_t)rows->n * size, row);
    return ++rows->n == r->most;
}

msio_status cli_rows_read(history *h, history_table table, int64_t run, int64_t most, cli_rows *rows,
                          history_error *error) {
    reading r = {rows, most};
    *rows = (cli_rows){.table = table};
    return history_each(h, table, run, take_row, &r, error);
}

const void *cli_rows_at(const cli_rows *rows, int64_t i) {
    return (const char *)rows->row + (size_t)i * size_of(rows->table);
}

void cli_rows_free(cli_rows *rows) {
    for (int64_t i = 0; i < rows->n; i++)
        cli_row_free(rows->table, (char *)rows->row + (size_t)i * size_of(rows->table));
    free(rows->row);
    *rows = (cli_rows){.table = rows->table};
}
