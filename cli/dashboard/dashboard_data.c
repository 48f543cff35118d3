/* dashboard_data.c - the newest profiles whole: memory, stacks, columns, loops and findings. */
#include "cli/dashboard/dashboard.h"

#include "cli/history/kept_rows.h"

#include <math.h>
#include <string.h>

typedef struct writing {
    cli_json *json;
    const history_layout *layout;
} writing;

/* A row as an array of its fields, in the order of the list `fields`; but for the run. */
static int put_row(void *user, const void *row) {
    const writing *w = user;
    cli_json_array(w->json);
    for (int i = 1; i < w->layout->fields; i++) cli_history_put_value(w->json, &w->layout->field[i], row);
    cli_json_end(w->json);
    return 0;
}

static msio_status put_table(cli_json *json, history *h, history_table table, int64_t run, history_error *error) {
    writing w = {json, history_layout_of(table)};
    cli_json_open_flat_object(json, w.layout->name);
    cli_json_open_array(json, "fields");
    for (int i = 1; i < w.layout->fields; i++) cli_json_string(json, w.layout->field[i].name);
    cli_json_end(json);
    cli_json_open_list(json, "rows");
    msio_status status = history_each(h, table, run, put_row, &w, error);
    cli_json_end(json);
    cli_json_end(json);
    return status;
}

static int put_run(void *user, const void *row) {
    cli_json *json = user;
    const history_run *r = row;
    cli_json_put_string(json, "program", r->program);
    cli_json_put_string(json, "verdict", r->verdict);
    cli_json_put_string(json, "commit", r->commit);
    cli_json_put_double_or_null(json, "seconds", isfinite(r->seconds), r->seconds);
    cli_json_put_double_or_null(json, "cpu_seconds", isfinite(r->cpu_seconds), r->cpu_seconds);
    cli_json_put_int_or_null(json, "peak_bytes", r->peak_bytes >= 0, r->peak_bytes);
    cli_json_put_double_or_null(json, "load", isfinite(r->load), r->load);
    return 1;
}

static msio_status put_profile(cli_json *json, history *h, const dashboard_run *run, history_error *error) {
    static const history_table tables[] = {HISTORY_MOMENTS_OF, HISTORY_STACKS_OF, HISTORY_COLUMNS_OF, HISTORY_LOOPS_OF,
                                           HISTORY_FINDINGS_OF};
    cli_json_object(json);
    cli_json_put_int(json, "run", run->id);
    cli_json_put_double(json, "time", run->time);
    cli_json_put_string(json, "series", run->series);
    cli_json_put_string(json, "machine", run->machine);
    msio_status status = history_each(h, HISTORY_RUNS, run->id, put_run, json, error);
    for (size_t i = 0; !status && i < sizeof tables / sizeof *tables; i++)
        status = put_table(json, h, tables[i], run->id, error);
    cli_json_end(json);
    return status;
}

msio_status dashboard_put_profiles(cli_json *json, history *h, const dashboard *board, history_error *error) {
    const dashboard_run *taken[DASHBOARD_PROFILES];
    int n = 0;
    msio_status status = MSIO_OK;
    cli_json_open_list(json, "profiles");
    for (int64_t i = board->runs; !status && n < DASHBOARD_PROFILES && i-- > 0;) {
        const dashboard_run *run = &board->run[i];
        int k = 0;
        if (strcmp(run->kind, "profile") != 0) continue;
        while (k < n && (strcmp(taken[k]->series, run->series) != 0 || strcmp(taken[k]->machine, run->machine) != 0))
            k++;
        if (k < n) continue;
        taken[n++] = run;
        status = put_profile(json, h, run, error);
    }
    cli_json_end(json);
    return status;
}
