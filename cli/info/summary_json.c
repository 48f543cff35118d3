/* summary_json.c - what `msio info --json` prints. */
#include "cli/info/summary.h"

#include "cli/common/human.h"

#include <string.h>

static void put_column(cli_json *json, const cli_summary_column *column) {
    const msio_column_info *info = column->info;
    cli_json_flat_object(json);
    cli_json_put_string(json, "name", column->name);
    if (!info) {
        cli_json_key(json, "error");
        cli_json_error(json, &column->error);
        cli_json_end(json);
        return;
    }
    cli_json_put_string(json, "type", msio_type_name(info->type));
    cli_json_key(json, "ndim");
    if (info->ndim < 0)
        cli_json_null(json);
    else
        cli_json_int(json, info->ndim);
    if (info->is_array && !info->shape_known) {
        cli_json_key(json, "shape");
        cli_json_null(json);
    } else {
        cli_json_put_ints(json, "shape", info->is_array ? info->ndim : 0, info->shape);
    }
    cli_json_put_string(json, "manager", info->manager);
    cli_json_put_string(json, "manager_name", info->manager_name);
    if (info->tile_ndim) {
        cli_json_put_ints(json, "tile", info->tile_ndim, info->tile);
    } else {
        cli_json_key(json, "tile");
        cli_json_null(json);
    }
    cli_json_key(json, "native");
    cli_json_bool(json, info->native);
    if (!info->native) cli_json_put_string(json, "why_not", info->why_not);
    cli_json_key(json, "readable");
    cli_json_bool(json, info->readable);
    cli_json_key(json, "undefined_shape");
    cli_json_bool(json, info->is_array && !info->shape_known);
    cli_json_put_string(json, "comment", info->comment);
    cli_json_end(json);
}

static void put_columns(cli_json *json, const cli_summary *summary) {
    cli_json_key(json, "columns");
    cli_json_list(json);
    for (int i = 0; i < summary->info.columns; i++) put_column(json, &summary->columns[i]);
    cli_json_end(json);
}

static void put_managers(cli_json *json, const cli_summary *summary) {
    cli_json_key(json, "managers");
    cli_json_list(json);
    for (int i = 0; i < summary->info.managers; i++) {
        const msio_manager_info *manager = &summary->managers[i];
        cli_json_flat_object(json);
        cli_json_put_string(json, "type", manager->type);
        cli_json_put_string(json, "name", manager->name);
        cli_json_put_int(json, "sequence", manager->sequence);
        cli_json_put_int(json, "columns", manager->columns);
        cli_json_put_int(json, "bytes", manager->bytes);
        cli_json_end(json);
    }
    cli_json_end(json);
}

static void put_subtables(cli_json *json, const cli_summary *summary) {
    cli_json_key(json, "subtables");
    cli_json_list(json);
    for (int i = 0; i < summary->subtable_count; i++) {
        const cli_summary_subtable *subtable = &summary->subtables[i];
        cli_json_flat_object(json);
        cli_json_put_string(json, "name", subtable->name);
        cli_json_put_string(json, "path", subtable->path);
        cli_json_key(json, "rows");
        if (subtable->rows < 0)
            cli_json_null(json);
        else
            cli_json_int(json, subtable->rows);
        if (subtable->error.code) cli_json_put_string(json, "error", subtable->error.message);
        cli_json_end(json);
    }
    cli_json_end(json);
}

/* The names of a POLARIZATION row's correlations. */
static void put_correlations(cli_json *json, const cli_facts *facts, int64_t row) {
    cli_json_key(json, "correlations");
    cli_json_array(json);
    for (int64_t i = 0; i < cli_fact_length(facts, CLI_POL_TYPES, row); i++)
        cli_json_string(json, cli_stokes_name((int)cli_fact_number(facts, CLI_POL_TYPES, row, i)));
    cli_json_end(json);
}

static void put_facts(cli_json *json, const char *key, const cli_facts *facts) {
    cli_json_key(json, key);
    cli_json_list(json);
    for (int64_t row = 0; row < facts->rows; row++) {
        cli_json_flat_object(json);
        cli_facts_json(json, facts, row);
        if (strcmp(key, "polarizations") == 0) put_correlations(json, facts, row);
        cli_json_end(json);
    }
    cli_json_end(json);
}

static void put_times(cli_json *json, const char *key, double begin, double end, const char *frame) {
    const char *suffix = strcmp(frame, "UTC") == 0 || !frame[0] ? "Z" : "";
    cli_json_key(json, key);
    if (end == 0) {
        cli_json_null(json);
        return;
    }
    cli_json_array(json);
    cli_json_string(json, cli_iso_time(begin, suffix).text);
    cli_json_string(json, cli_iso_time(end, suffix).text);
    cli_json_end(json);
}

/* The first row of OBSERVATION, and how many there are. */
static void put_observation(cli_json *json, const cli_summary *summary) {
    cli_facts first = summary->observation;
    cli_json_key(json, "observation");
    if (!first.rows) {
        cli_json_null(json);
        return;
    }
    cli_json_object(json);
    first.count = CLI_OBS_RANGE; /* the range is written as times below */
    cli_facts_json(json, &first, 0);
    put_times(json, "time_range", cli_fact_number(&summary->observation, CLI_OBS_RANGE, 0, 0),
              cli_fact_number(&summary->observation, CLI_OBS_RANGE, 0, 1), first.frame);
    cli_json_put_int(json, "observations", first.rows);
    cli_json_end(json);
}

static void put_left(cli_json *json, const msio_repaired *left) {
    if (!left->interrupted) return;
    cli_json_key(json, "interrupted_write");
    cli_json_object(json);
    cli_json_put_string(json, "columns", left->columns);
    cli_json_put_int(json, "first_row", left->first_row);
    cli_json_put_int(json, "last_row", left->last_row);
    cli_json_put_int(json, "blocks", left->blocks);
    cli_json_key(json, "may_be_mixed");
    cli_json_bool(json, left->may_be_mixed);
    cli_json_end(json);
}

void cli_summary_json(const cli_summary *summary, FILE *out) {
    static const char *const kinds[] = {"plain", "reference", "concatenated"};
    cli_json writer = CLI_JSON_INIT(out), *json = &writer;
    cli_json_object(json);
    cli_json_put_string(json, "path", summary->path);
    cli_json_put_string(json, "kind", summary->is_ms ? "ms" : "table");
    cli_json_put_string(json, "table", kinds[summary->info.kind]);
    cli_json_put_string(json, "type", summary->info.type);
    cli_json_put_string(json, "subtype", summary->info.subtype);
    cli_json_put_string(json, "byte_order", summary->info.big_endian ? "big" : "little");
    cli_json_put_int(json, "rows", summary->info.rows);
    cli_json_put_int(json, "bytes", summary->bytes);
    put_left(json, &summary->left);
    put_columns(json, summary);
    put_managers(json, summary);
    put_facts(json, "spectral_windows", &summary->windows);
    put_facts(json, "fields", &summary->fields);
    put_facts(json, "antennas", &summary->antennas);
    put_facts(json, "polarizations", &summary->polarizations);
    put_facts(json, "data_descriptions", &summary->descriptions);
    put_observation(json, summary);
    put_times(json, "time_range", summary->times[0], summary->times[1], summary->time_frame);
    cli_json_put_string(json, "time_reference",
                        summary->times[1] == 0   ? NULL
                        : summary->time_frame[0] ? summary->time_frame
                                                 : "UTC");
    put_subtables(json, summary);
    if (summary->error.code) {
        cli_json_key(json, "error");
        cli_json_error(json, &summary->error);
    }
    cli_json_end(json);
    cli_json_finish(json);
}
