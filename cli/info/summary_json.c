/* summary_json.c - what `msio info --json` prints. */
#include "cli/info/summary.h"

#include "cli/common/human.h"

#include <string.h>

int cli_summary_column_begin(cli_json *json, const char *name, int described, const cli_error *error) {
    cli_json_flat_object(json);
    cli_json_put_string(json, "name", name);
    if (described) return 1;
    cli_json_put_error(json, "error", error);
    cli_json_end(json);
    return 0;
}

static void put_column(cli_json *json, const cli_summary_column *column) {
    const msio_column_info *info = column->info;
    if (!cli_summary_column_begin(json, column->name, info != NULL, &column->error)) return;
    cli_json_put_string(json, "type", msio_type_name(info->type));
    cli_json_put_int_or_null(json, "ndim", info->ndim >= 0, info->ndim);
    cli_json_put_ints_or_null(json, "shape", !info->is_array || info->shape_known, info->is_array ? info->ndim : 0,
                              info->shape);
    cli_json_put_string(json, "manager", info->manager);
    cli_json_put_string(json, "manager_name", info->manager_name);
    cli_json_put_ints_or_null(json, "tile", info->tile_ndim != 0, info->tile_ndim, info->tile);
    cli_json_put_bool(json, "native", info->native);
    if (!info->native) cli_json_put_string(json, "why_not", info->why_not);
    cli_json_put_bool(json, "readable", info->readable);
    cli_json_put_bool(json, "undefined_shape", info->is_array && !info->shape_known);
    cli_json_put_string(json, "comment", info->comment);
    cli_json_end(json);
}

static void put_columns(cli_json *json, const cli_summary *summary) {
    cli_json_open_list(json, "columns");
    for (int i = 0; i < summary->info.columns; i++) put_column(json, &summary->columns[i]);
    cli_json_end(json);
}

#define OF_MANAGER(name) CLI_JSON_MEMBER(msio_manager_info, #name, name)

static void put_managers(cli_json *json, const cli_summary *summary) {
    static const cli_json_member members[] = {OF_MANAGER(type), OF_MANAGER(name), OF_MANAGER(sequence),
                                              OF_MANAGER(columns), OF_MANAGER(bytes)};
    cli_json_open_list(json, "managers");
    for (int i = 0; i < summary->info.managers; i++) {
        cli_json_flat_object(json);
        CLI_JSON_PUT_MEMBERS(json, &summary->managers[i], members);
        cli_json_end(json);
    }
    cli_json_end(json);
}

static void put_subtables(cli_json *json, const cli_summary *summary) {
    cli_json_open_list(json, "subtables");
    for (int i = 0; i < summary->subtable_count; i++) {
        const cli_summary_subtable *subtable = &summary->subtables[i];
        cli_json_flat_object(json);
        cli_json_put_string(json, "name", subtable->name);
        cli_json_put_string(json, "path", subtable->path);
        cli_json_put_int_or_null(json, "rows", subtable->rows >= 0, subtable->rows);
        if (subtable->error.code) cli_json_put_string(json, "error", subtable->error.message);
        cli_json_end(json);
    }
    cli_json_end(json);
}

/* The names of a POLARIZATION row's correlations. */
static void put_correlations(cli_json *json, const cli_facts *facts, int64_t row) {
    cli_json_open_array(json, "correlations");
    for (int64_t i = 0; i < cli_fact_length(facts, CLI_POL_TYPES, row); i++)
        cli_json_string(json, cli_stokes_name((int)cli_fact_number(facts, CLI_POL_TYPES, row, i)));
    cli_json_end(json);
}

static void put_facts(cli_json *json, const char *key, const cli_facts *facts) {
    cli_json_open_list(json, key);
    for (int64_t row = 0; row < facts->rows; row++) {
        cli_json_flat_object(json);
        cli_facts_json(json, facts, row);
        if (strcmp(key, "polarizations") == 0) put_correlations(json, facts, row);
        cli_json_end(json);
    }
    cli_json_end(json);
}

void cli_summary_time_range(cli_json *json, int known, double begin, double end, int utc) {
    const char *suffix = utc ? "Z" : "";
    if (!known) {
        cli_json_put_null(json, "time_range");
        return;
    }
    cli_json_open_array(json, "time_range");
    cli_json_string(json, cli_iso_time(begin, suffix).text);
    cli_json_string(json, cli_iso_time(end, suffix).text);
    cli_json_end(json);
}

static void put_time_range(cli_json *json, double begin, double end, const char *frame) {
    cli_summary_time_range(json, end != 0, begin, end, strcmp(frame, "UTC") == 0 || !frame[0]);
}

/* The first row of OBSERVATION, and how many there are. */
static void put_observation(cli_json *json, const cli_summary *summary) {
    cli_facts first = summary->observation;
    if (!first.rows) {
        cli_json_put_null(json, "observation");
        return;
    }
    cli_json_open_object(json, "observation");
    first.count = CLI_OBS_RANGE; /* the range is written as times below */
    cli_facts_json(json, &first, 0);
    put_time_range(json, cli_fact_number(&summary->observation, CLI_OBS_RANGE, 0, 0),
                   cli_fact_number(&summary->observation, CLI_OBS_RANGE, 0, 1), first.frame);
    cli_json_put_int(json, "observations", first.rows);
    cli_json_end(json);
}

static void put_left(cli_json *json, const msio_repaired *left) {
    if (!left->interrupted) return;
    cli_json_open_object(json, "interrupted_write");
    cli_json_put_string(json, "columns", left->columns);
    cli_json_put_int(json, "first_row", left->first_row);
    cli_json_put_int(json, "last_row", left->last_row);
    cli_json_put_int(json, "blocks", left->blocks);
    cli_json_put_bool(json, "may_be_mixed", left->may_be_mixed);
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
    put_time_range(json, summary->times[0], summary->times[1], summary->time_frame);
    cli_json_put_string(json, "time_reference",
                        summary->times[1] == 0   ? NULL
                        : summary->time_frame[0] ? summary->time_frame
                                                 : "UTC");
    put_subtables(json, summary);
    if (summary->error.code) {
        cli_json_put_error(json, "error", &summary->error);
    }
    cli_json_end(json);
    cli_json_finish(json);
}
