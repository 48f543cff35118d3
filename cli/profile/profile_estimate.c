/* profile_estimate.c - what msio takes for the cells that a loop asked for: measured on the same files, not guessed. */
#include "cli/profile/profile.h"

#include "cli/input/opening.h"

#include <string.h>
#include <time.h>

#define LOOPS_MOST 12
#define SECONDS_MOST 3.0 /* of one measurement */

static double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Reads the rows in batches; the time of all is scaled where it would take too long. */
static msio_status time_rows(msio_table *table, prof_access *a, const msio_select *select) {
    msio_stream_opts opts = MSIO_STREAM_OPTS_INIT;
    msio_stream *stream;
    const msio_batch *batch;
    int64_t rows = 0;
    double began = seconds_now(), took = 0;
    msio_status status = msio_stream_open(table, 1, &a->column_name, select, &opts, &stream);
    if (status) return status;
    while (!(status = msio_stream_next(stream, &batch)) && took < SECONDS_MOST) {
        rows += batch->rows;
        took = seconds_now() - began;
    }
    msio_stream_close(stream);
    if (status && status != MSIO_END) return status;
    took = seconds_now() - began;
    if (rows > 0) a->would_take = took * (double)select->rows / (double)rows;
    return MSIO_OK;
}

static void measure(const cli_context *cli, prof_found *found, prof_access *a) {
    msio_open_opts opts = cli_open_opts(cli);
    msio_table *table = NULL;
    msio_select select = MSIO_SELECT_ALL;
    const char *why = NULL;
    if (a->write) why = "writes are not repeated";
    if (!why && a->table < 0) why = "the table is not known";
    if (!why && msio_table_open(found->table[a->table].path, &opts, &table)) why = msio_last_error()->message;
    if (!why) {
        int64_t rows = msio_table_rows(table);
        select.row = a->first_row > 0 && a->first_row < rows ? a->first_row : 0;
        select.rows =
            a->last_row >= select.row && a->last_row < rows ? a->last_row - select.row + 1 : rows - select.row;
        if (time_rows(table, a, &select)) why = msio_last_error()->message;
    }
    if (why) snprintf(a->not_measured, sizeof a->not_measured, "%s", why);
    msio_table_close(table);
}

void cli_profile_estimate(const cli_context *cli, prof_found *found) {
    int measured = 0;
    for (int i = 0; i < found->accesses && measured < LOOPS_MOST; i++) {
        if (!found->access[i].loop) continue;
        measure(cli, found, &found->access[i]);
        measured++;
    }
}
