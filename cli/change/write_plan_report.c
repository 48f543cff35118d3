/* write_plan_report.c - `msio plan --write`: what a write of a column would do. */
#include "cli/change/write_plan_report.h"

#include "cli/change/change.h"
#include "cli/change/same_shape.h"
#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/output/grid.h"

#include <stdio.h>
#include <string.h>

/* Cells that were never written are planned with the shape of DATA's, where there is one. */
static int plan_new(cli_change *change, const cli_same_shape *same) {
    const msio_column *column;
    int64_t shape[MSIO_MAX_NDIM + 1];
    int ndim;
    size_t bytes;
    if (msio_table_column(change->table, "DATA", &column) ||
        msio_read_shape(column, &same->select, &ndim, shape, &bytes))
        return cli_fail(change->cli, MSIO_E_UNDEFINED, change->path,
                        "cells of %s were never written, and have no shape yet", change->name);
    change->opts.cell_ndim = change->info->ndim > 0 && change->info->ndim < ndim ? change->info->ndim : ndim - 1;
    memcpy(change->opts.cell_shape, shape + 1, (size_t)change->opts.cell_ndim * sizeof *shape);
    return cli_change_plan(change, change->column, &same->select);
}

static int plan_rows(void *user, const cli_same_shape *same) {
    cli_change *change = user;
    if (same->ndim < 0) return plan_new(change, same);
    return cli_change_plan(change, change->column, &same->select);
}

static void print_text(const cli_change *change) {
    const msio_write_plan *plan = &change->plan;
    char text[1024];
    printf("%s\n", cli_printable(text, sizeof text, change->path, strlen(change->path)));
    printf("  column         %s\n", cli_printable(text, sizeof text, change->name, strlen(change->name)));
    const char *why_not = cli_change_why_not(change);
    printf("  way            %s%s%s\n", cli_change_way(change), why_not ? ": " : "", why_not ? why_not : "");
    printf("  rows           %s%s\n", cli_count(plan->rows).text, plan->makes_cells ? ", in new cells" : "");
    printf("  pieces         %s\n", cli_count(plan->pieces).text);
    printf("  blocks         %s\n", cli_count(plan->blocks).text);
    printf("  bytes given    %s (%s)\n", cli_count(plan->bytes).text, cli_size(plan->bytes).text);
    printf("  bytes stored   %s (%s)\n", cli_count(plan->bytes_stored).text, cli_size(plan->bytes_stored).text);
    printf("  read first     %s (%s)\n", cli_count(plan->bytes_kept).text, cli_size(plan->bytes_kept).text);
    if (plan->read_only[0])
        printf("  read-only      %s\n", cli_printable(text, sizeof text, plan->read_only, strlen(plan->read_only)));
}

int cli_write_plan_report(const cli_context *cli, const char *path, const char *name, cli_selection *selection) {
    cli_change change = CLI_CHANGE_INIT(cli);
    change.path = path;
    change.name = name;
    change.dry_run = 1;
    change.selection = *selection;
    *selection = (cli_selection)CLI_SELECTION_INIT;
    int code = cli_change_open(&change);
    if (!code) code = cli_same_shapes(cli, &change.selection, change.column, name, plan_rows, &change);
    if (!code && cli->json) cli_change_report(&change);
    if (!code && !cli->json) print_text(&change);
    cli_change_close(&change);
    return code;
}
