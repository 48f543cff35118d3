/* flag_row.c - FLAG_ROW, kept in step with FLAG. */
#include "cli/change/flagging.h"
#include "cli/common/failure.h"

#include <stdlib.h>
#include <string.h>

int cli_flag_row_get(cli_flagging *flagging, const cli_selection *selection, int64_t first, int64_t count,
                     unsigned char *out) {
    const msio_select all = MSIO_SELECT_ALL;
    msio_select rows = cli_selection_part(selection, first, count);
    rows.chan = all.chan, rows.chans = all.chans, rows.chan_step = all.chan_step;
    rows.corr = all.corr, rows.corrs = all.corrs, rows.corr_step = all.corr_step;
    if (count == 0 || msio_read(flagging->flag_row, &rows, out, (size_t)count, NULL) == MSIO_OK) return 0;
    return cli_fail_status(flagging->change.cli, flagging->change.path);
}

/* Rows that are to have this value and have another one. */
static int put_value(cli_flagging *flagging, int64_t *list, int64_t count, int value, int dry) {
    cli_change *change = &flagging->change;
    const unsigned char byte = (unsigned char)value;
    msio_select rows = MSIO_SELECT_ALL;
    rows.row_list = list;
    rows.rows_in_list = count;
    if (count == 0) return 0;
    if (dry) {
        int64_t before = change->plan.rows;
        int code = cli_change_plan(change, flagging->flag_row, &rows);
        change->plan.rows = before; /* rows of FLAG are told */
        return code;
    }
    if (msio_write_value(flagging->flag_row, &rows, &byte, 1, &change->opts) == MSIO_OK) {
        change->before += count;
        return 0;
    }
    return cli_fail_status(change->cli, change->path);
}

int cli_flag_row_put(cli_flagging *flagging, const cli_selection *selection, const unsigned char *wanted, int value,
                     int dry) {
    int64_t rows = selection->count;
    if (!flagging->flag_row || rows == 0) return 0;
    unsigned char *now = cli_alloc((size_t)rows);
    int64_t *list = cli_alloc_many((size_t)rows, sizeof *list);
    int code = cli_flag_row_get(flagging, selection, 0, rows, now);
    for (int truth = 0; truth < 2 && !code; truth++) {
        int64_t count = 0;
        for (int64_t i = 0; i < rows; i++) {
            int to = wanted ? wanted[i] : value;
            if (to == truth && now[i] != truth) list[count++] = cli_selection_row(selection, i);
        }
        code = put_value(flagging, list, count, truth, dry);
    }
    free(list);
    free(now);
    return code;
}
