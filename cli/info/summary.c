/* summary.c - collecting what `msio info` tells of a table. */
#include "cli/info/summary.h"

#include "cli/common/interrupt.h"
#include "cli/input/opening.h"
#include "cli/output/cell_json.h"

#include <stdlib.h>
#include <string.h>

static const cli_fact window_facts[] = {{"name", "NAME"},
                                        {"frequencies", "CHAN_FREQ"},
                                        {"widths", "CHAN_WIDTH"},
                                        {"reference_frequency", "REF_FREQUENCY"},
                                        {"bandwidth", "TOTAL_BANDWIDTH"},
                                        {NULL, NULL}};
static const cli_fact field_facts[] = {{"name", "NAME"},
                                       {"phase_dir", "PHASE_DIR"},
                                       {"reference_dir", "REFERENCE_DIR"},
                                       {"delay_dir", "DELAY_DIR"},
                                       {NULL, NULL}};
static const cli_fact antenna_facts[] = {{"name", "NAME"},         {"station", "STATION"},
                                         {"position", "POSITION"}, {"diameter", "DISH_DIAMETER"},
                                         {"mount", "MOUNT"},       {NULL, NULL}};
static const cli_fact polarization_facts[] = {
    {"corr_type", "CORR_TYPE"}, {"corr_product", "CORR_PRODUCT"}, {NULL, NULL}};
static const cli_fact description_facts[] = {
    {"spectral_window_id", "SPECTRAL_WINDOW_ID"}, {"polarization_id", "POLARIZATION_ID"}, {NULL, NULL}};
static const cli_fact observation_facts[] = {{"telescope", "TELESCOPE_NAME"},
                                             {"observer", "OBSERVER"},
                                             {"project", "PROJECT"},
                                             {"time_range", "TIME_RANGE"},
                                             {NULL, NULL}};

static const char *const stokes[] = {
    "Undefined", "I",  "Q",  "U",         "V",         "RR",     "RL",     "LR",      "LL",      "XX",       "XY",
    "YX",        "YY", "RX", "RY",        "LX",        "LY",     "XR",     "XL",      "YR",      "YL",       "PP",
    "PQ",        "QP", "QQ", "RCircular", "LCircular", "Linear", "Ptotal", "Plinear", "PFtotal", "PFlinear", "Pangle"};

const char *cli_stokes_name(int code) {
    return code >= 0 && code < (int)(sizeof stokes / sizeof stokes[0]) ? stokes[code] : "?";
}

static void keep_first(cli_summary *summary, const cli_error *error) {
    if (summary->error.code == MSIO_OK) summary->error = *error;
}

static void collect_columns(cli_summary *summary) {
    summary->columns = cli_alloc_many((size_t)summary->info.columns, sizeof *summary->columns);
    for (int i = 0; i < summary->info.columns; i++) {
        cli_summary_column *column = &summary->columns[i];
        const msio_column *handle;
        memset(column, 0, sizeof *column);
        column->name = msio_table_column_name(summary->table, i);
        if (msio_table_column(summary->table, column->name, &handle) == MSIO_OK)
            column->info = msio_column_describe(handle);
        if (column->info) continue;
        cli_error_keep(&column->error, summary->path);
        keep_first(summary, &column->error);
    }
}

static void collect_managers(cli_summary *summary) {
    summary->managers = cli_alloc_many((size_t)summary->info.managers, sizeof *summary->managers);
    for (int i = 0; i < summary->info.managers; i++) {
        cli_error error;
        memset(&summary->managers[i], 0, sizeof summary->managers[i]);
        if (msio_table_manager(summary->table, i, &summary->managers[i]) == MSIO_OK) continue;
        cli_error_keep(&error, summary->path);
        keep_first(summary, &error);
    }
}

static void collect_subtables(const cli_context *cli, cli_summary *summary) {
    msio_open_opts opts = cli_open_opts(cli);
    summary->subtable_count = msio_table_subtables(summary->table);
    summary->subtables = cli_alloc_many((size_t)summary->subtable_count, sizeof *summary->subtables);
    for (int i = 0; i < summary->subtable_count; i++) {
        cli_summary_subtable *subtable = &summary->subtables[i];
        msio_table *table;
        memset(subtable, 0, sizeof *subtable);
        subtable->name = msio_table_subtable_name(summary->table, i);
        subtable->path = msio_table_subtable_path(summary->table, i);
        subtable->rows = -1;
        msio_status status = msio_table_open(subtable->path, &opts, &table);
        subtable->missing = status == MSIO_E_NOT_FOUND;
        if (status == MSIO_OK) {
            subtable->rows = msio_table_rows(table);
            msio_table_close(table);
        } else if (!subtable->missing) {
            cli_error_keep(&subtable->error, subtable->path);
            keep_first(summary, &subtable->error);
        }
    }
}

static void load(const cli_context *cli, cli_summary *summary, const char *name, const cli_fact *list,
                 const char *framed, cli_facts *facts) {
    const char *path = NULL;
    for (int i = 0; i < summary->subtable_count; i++)
        if (strcmp(summary->subtables[i].name, name) == 0 && summary->subtables[i].rows >= 0)
            path = summary->subtables[i].path;
    cli_facts_load(cli, path, list, framed, facts, &summary->error);
}

/* Of OBSERVATION's TIME_RANGE, where it is set. */
static void observed_times(cli_summary *summary) {
    const cli_facts *facts = &summary->observation;
    for (int64_t row = 0; row < facts->rows; row++) {
        if (cli_fact_length(facts, CLI_OBS_RANGE, row) != 2) continue;
        double begin = cli_fact_number(facts, CLI_OBS_RANGE, row, 0),
               end = cli_fact_number(facts, CLI_OBS_RANGE, row, 1);
        if (!(begin > 0) || !(end >= begin)) continue;
        if (summary->times[1] == 0 || begin < summary->times[0]) summary->times[0] = begin;
        if (end > summary->times[1]) summary->times[1] = end;
    }
    strcpy(summary->time_frame, facts->frame);
}

/* Of the column TIME, in batches. */
static void column_times(const cli_context *cli, cli_summary *summary) {
    static const char *const names[] = {"TIME"};
    const msio_column *column;
    const msio_batch *batch;
    msio_stream *stream = NULL;
    msio_stream_opts opts = MSIO_STREAM_OPTS_INIT;
    opts.read.threads = cli->threads;
    opts.read.progress = cli_interrupt_progress;
    if (summary->info.rows == 0 || msio_table_column(summary->table, names[0], &column) != MSIO_OK) return;
    msio_status status = msio_stream_open(summary->table, 1, names, NULL, &opts, &stream);
    while (status == MSIO_OK && (status = msio_stream_next(stream, &batch)) == MSIO_OK) {
        const double *times = batch->arrays[0].data;
        if (batch->arrays[0].type != MSIO_DOUBLE || batch->arrays[0].ndim != 1) break;
        for (int64_t i = 0; i < batch->rows; i++) {
            if (summary->times[1] == 0) summary->times[0] = summary->times[1] = times[i];
            if (times[i] < summary->times[0]) summary->times[0] = times[i];
            if (times[i] > summary->times[1]) summary->times[1] = times[i];
        }
    }
    msio_stream_close(stream);
    cli_measure_frame(column, summary->time_frame, sizeof summary->time_frame);
    if (status < 0) {
        cli_error error;
        cli_error_keep(&error, summary->path);
        keep_first(summary, &error);
    }
}

static void collect_ms(const cli_context *cli, cli_summary *summary) {
    const msio_field *version = msio_record_find(msio_table_keywords(summary->table), "MS_VERSION");
    if (version && version->count == 1 && version->values)
        summary->ms_version = cli_element(version->type, version->values, 0);
    load(cli, summary, "SPECTRAL_WINDOW", window_facts, "CHAN_FREQ", &summary->windows);
    load(cli, summary, "FIELD", field_facts, "PHASE_DIR", &summary->fields);
    load(cli, summary, "ANTENNA", antenna_facts, "POSITION", &summary->antennas);
    load(cli, summary, "POLARIZATION", polarization_facts, NULL, &summary->polarizations);
    load(cli, summary, "DATA_DESCRIPTION", description_facts, NULL, &summary->descriptions);
    load(cli, summary, "OBSERVATION", observation_facts, "TIME_RANGE", &summary->observation);
    observed_times(summary);
    if (summary->times[1] == 0) column_times(cli, summary);
}

int cli_summary_load(const cli_context *cli, const char *path, cli_summary *summary) {
    memset(summary, 0, sizeof *summary);
    summary->path = path;
    int code = cli_table_open(cli, path, &summary->table);
    if (code) return code;
    msio_table_describe(summary->table, &summary->info);
    summary->is_ms = cli_table_is_ms(summary->table);
    summary->bytes = cli_folder_bytes(summary->info.path);
    summary->left = (msio_repaired)MSIO_REPAIRED_INIT;
    (void)msio_table_interrupted(summary->table, &summary->left);
    collect_columns(summary);
    collect_managers(summary);
    collect_subtables(cli, summary);
    if (summary->is_ms) collect_ms(cli, summary);
    return 0;
}

void cli_summary_free(cli_summary *summary) {
    cli_facts_free(&summary->windows);
    cli_facts_free(&summary->fields);
    cli_facts_free(&summary->antennas);
    cli_facts_free(&summary->polarizations);
    cli_facts_free(&summary->descriptions);
    cli_facts_free(&summary->observation);
    free(summary->columns);
    free(summary->managers);
    free(summary->subtables);
    msio_table_close(summary->table);
}
