/* hdf5_summary_text.c - what `msio info` prints of an HDF5 file. */
#include "cli/info/hdf5_summary.h"

#include "cli/common/human.h"
#include "cli/output/grid.h"

#include <string.h>

static void print_heading(const cli_hdf5_summary *summary, FILE *out) {
    const msio_uvh5_header *header = summary->header;
    char name[1024], version[32];
    fprintf(out, "%s\n", cli_printable(name, sizeof name, summary->path, strlen(summary->path)));
    if (!header) {
        fprintf(out, "  HDF5 file, %s dataset%s, %s on disk\n", cli_count(summary->count).text,
                summary->count == 1 ? "" : "s", cli_size(summary->bytes).text);
        return;
    }
    const char *told = header->version ? header->version : "without a version";
    fprintf(out, "  UVH5 file %s, %s rows, %s channels, %s polarization%s, %s on disk\n",
            cli_printable(version, sizeof version, told, strlen(told)), cli_count(header->nblts).text,
            cli_count(header->nfreqs).text, cli_count(header->npols).text, header->npols == 1 ? "" : "s",
            cli_size(summary->bytes).text);
}

/* Why datasets of numbers are not read by address; strings never are. */
static void print_reasons(const cli_hdf5_summary *summary, int64_t most, FILE *out) {
    for (int64_t i = 0; i < most; i++) {
        const msio_dataset_info *info = summary->columns[i].info;
        char name[256], reason[512];
        if (!info || info->native || !info->why_not || info->type == MSIO_STRING || info->type == MSIO_RECORD) continue;
        fprintf(out, "  %s: %s\n", cli_printable(name, sizeof name, info->name, strlen(info->name)),
                cli_printable(reason, sizeof reason, info->why_not, strlen(info->why_not)));
    }
}

static void print_columns(const cli_hdf5_summary *summary, int all, FILE *out) {
    static const char *const titles[] = {"dataset", "type", "shape", "chunk", "stored", ">size", "read", NULL};
    int64_t most = cli_listed(summary->count, all);
    cli_grid grid;
    fprintf(out, "\n%s: %s (shapes in numpy's order)\n", summary->header ? "Data" : "Datasets",
            cli_count(summary->count).text);
    cli_grid_begin(&grid, titles);
    for (int64_t i = 0; i < most; i++) {
        const cli_hdf5_column *column = &summary->columns[i];
        const msio_dataset_info *info = column->info;
        if (!info) {
            cli_grid_row(&grid, (const char *const[]){column->name, "?", "?", "?", column->error.message, "?", "?"});
            continue;
        }
        cli_words shape = cli_shape(info->ndim, info->shape),
                  chunk = cli_shape(info->chunked ? info->ndim : 0, info->chunk), size = cli_size(info->bytes);
        const char *how = info->native ? "native" : info->type == MSIO_RECORD ? "not readable" : "hdf5";
        const char *stored = info->filters[0] ? info->filters : info->storage;
        cli_grid_row(&grid, (const char *const[]){column->name, info->stored, info->ndim ? shape.text : "scalar",
                                                  chunk.text, stored, info->bytes < 0 ? "-" : size.text, how});
    }
    if (summary->count) cli_grid_print(&grid, out);
    cli_tell_rest(out, summary->count, all);
    print_reasons(summary, most, out);
}

void cli_hdf5_summary_text(const cli_hdf5_summary *summary, int all, FILE *out) {
    print_heading(summary, out);
    if (summary->header) cli_uvh5_text(summary, all, out);
    print_columns(summary, all, out);
}
