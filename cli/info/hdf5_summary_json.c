/* hdf5_summary_json.c - what `msio info --json` prints of an HDF5 file. */
#include "cli/info/hdf5_summary.h"

#include "cli/info/summary.h"

static void put_column(cli_json *json, const cli_hdf5_column *column) {
    const msio_dataset_info *info = column->info;
    if (!cli_summary_column_begin(json, column->name, info != NULL, &column->error)) return;
    cli_json_put_string(json, "type", msio_type_name(info->type));
    cli_json_put_string(json, "stored", info->stored);
    cli_json_put_int(json, "ndim", info->ndim);
    cli_json_put_ints(json, "shape", info->ndim, info->shape);
    cli_json_put_string(json, "manager", "hdf5");
    cli_json_put_string(json, "storage", info->storage);
    cli_json_put_ints_or_null(json, "tile", info->chunked, info->ndim, info->chunk);
    cli_json_put_string(json, "filters", info->filters);
    cli_json_put_int_or_null(json, "bytes", info->bytes >= 0, info->bytes);
    cli_json_put_bool(json, "native", info->native);
    if (!info->native) cli_json_put_string(json, "why_not", info->why_not);
    cli_json_put_bool(json, "readable", info->type != MSIO_RECORD);
    cli_json_put_bool(json, "undefined_shape", 0);
    cli_json_end(json);
}

void cli_hdf5_summary_json(const cli_hdf5_summary *summary, FILE *out) {
    cli_json writer = CLI_JSON_INIT(out), *json = &writer;
    cli_json_object(json);
    cli_json_put_string(json, "path", summary->path);
    cli_json_put_string(json, "kind", summary->header ? "uvh5" : "hdf5");
    if (summary->header) {
        cli_json_put_string(json, "version", summary->header->version);
        cli_json_put_int(json, "rows", summary->header->nblts);
    }
    cli_json_put_int(json, "bytes", summary->bytes);
    cli_json_open_list(json, "columns");
    for (int i = 0; i < summary->count; i++) put_column(json, &summary->columns[i]);
    cli_json_end(json);
    if (summary->header) cli_uvh5_json(json, summary);
    if (summary->error.code) {
        cli_json_put_error(json, "error", &summary->error);
    }
    cli_json_end(json);
    cli_json_finish(json);
}
