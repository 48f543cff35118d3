/* cmd_plan.c - `msio plan`: what a read of a column or a dataset would do. */
#include "cli/change/write_plan_report.h"
#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/common/json.h"
#include "cli/input/hdf5_dataset.h"
#include "cli/input/opening.h"
#include "cli/input/options.h"
#include "cli/input/selection.h"
#include "cli/output/grid.h"

#include <stdio.h>
#include <string.h>

typedef struct wishes {
    cli_selection selection;
    int64_t pieces; /* to list */
    int write, pieces_given;
} wishes;

/* A plan that was made, and what of. */
typedef struct made_plan {
    const char *path, *name, *way;
    msio_plan *plan;
} made_plan;

static int take(const cli_context *cli, void *state, const char *name, const char *value) {
    wishes *wish = state;
    if (strcmp(name, "write") == 0) return wish->write = 1, 0;
    if (strcmp(name, "pieces") == 0) {
        wish->pieces_given = 1;
        return cli_option_integer(cli, name, value, 0, 65536, &wish->pieces);
    }
    return cli_selection_take(cli, &wish->selection, name, value);
}

/* Makes the plan of a dataset's selection. Returns 0, or an exit code after telling. */
static int make_of_dataset(const cli_context *cli, const cli_selection *selection, cli_dataset *dataset,
                           msio_plan **plan) {
    int code = cli_dataset_select(cli, dataset, selection);
    if (code) return code;
    if (dataset->info->type == MSIO_STRING)
        return cli_fail(cli, MSIO_E_UNSUPPORTED, dataset->path,
                        "%s holds strings, which the HDF5 library reads: there is no plan of that",
                        dataset->info->name);
    msio_select all = cli_dataset_part(dataset, 0, dataset->rows);
    return msio_dataset_plan(dataset->dataset, &all, plan) ? cli_fail_status(cli, dataset->path) : 0;
}

/* Makes the plan of the selection. Returns 0, or an exit code after telling. */
static int make(const cli_context *cli, const char *path, const char *name, msio_table *table, cli_selection *selection,
                msio_plan **plan) {
    const msio_column *column;
    int ndim, code = cli_selection_rows(cli, selection, msio_table_rows(table), path);
    int64_t shape[MSIO_MAX_NDIM + 1];
    size_t bytes;
    if (code) return code;
    if (msio_table_column(table, name, &column)) return cli_fail_status(cli, path);
    if (selection->count && (selection->chans.given || selection->corrs.given)) {
        if (msio_read_shape(column, &selection->select, &ndim, shape, &bytes)) return cli_fail_status(cli, path);
        code = cli_selection_cells(cli, selection, ndim - 1, shape + 1, name);
        if (code) return code;
    }
    return msio_plan_make(column, &selection->select, plan) ? cli_fail_status(cli, path) : 0;
}

static int64_t listed(const msio_plan_info *info, int64_t wanted) {
    return wanted < info->pieces ? wanted : info->pieces;
}

#define OF_INFO(name) CLI_JSON_MEMBER(msio_plan_info, #name, name)
#define OF_PIECE(name) CLI_JSON_MEMBER(msio_plan_piece, #name, name)

static void print_json(const made_plan *made, int64_t wanted) {
    static const cli_json_member members[] = {OF_INFO(rows),       OF_INFO(files),        OF_INFO(pieces),
                                              OF_INFO(reads),      OF_INFO(bytes_wanted), OF_INFO(bytes_stored),
                                              OF_INFO(bytes_read), OF_INFO(amplification)};
    static const cli_json_member of_piece[] = {OF_PIECE(file), OF_PIECE(offset), OF_PIECE(length), OF_PIECE(out_row),
                                               OF_PIECE(rows)};
    const msio_plan *plan = made->plan;
    const msio_plan_info *info = msio_plan_describe(plan);
    cli_json json = CLI_JSON_INIT(stdout);
    msio_plan_piece piece;
    cli_json_object(&json);
    cli_json_put_string(&json, "path", made->path);
    cli_json_put_string(&json, "column", made->name);
    CLI_JSON_PUT_MEMBERS(&json, info, members);
    cli_json_put_string(&json, "way", made->way);
    if (wanted) {
        cli_json_open_list(&json, "first_pieces");
        for (int64_t i = 0; i < listed(info, wanted) && msio_plan_piece_at(plan, i, &piece) == MSIO_OK; i++) {
            cli_json_flat_object(&json);
            CLI_JSON_PUT_MEMBERS(&json, &piece, of_piece);
            cli_json_end(&json);
        }
        cli_json_end(&json);
    }
    cli_json_end(&json);
    cli_json_finish(&json);
}

/* The last part of a path: the folder is the table's. */
static const char *short_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void print_pieces(const msio_plan *plan, int64_t wanted) {
    static const char *const titles[] = {">#", "file", ">offset", ">bytes", ">first result row", ">rows", NULL};
    const msio_plan_info *info = msio_plan_describe(plan);
    msio_plan_piece piece;
    cli_grid grid;
    cli_grid_begin(&grid, titles);
    for (int64_t i = 0; i < listed(info, wanted) && msio_plan_piece_at(plan, i, &piece) == MSIO_OK; i++) {
        cli_words at = cli_count(i), offset = cli_count(piece.offset), length = cli_count(piece.length),
                  out = cli_count(piece.out_row), rows = cli_count(piece.rows);
        cli_grid_row(&grid, (const char *const[]){at.text, short_name(piece.file), offset.text, length.text, out.text,
                                                  rows.text});
    }
    fputc('\n', stdout);
    cli_grid_print(&grid, stdout);
}

static void print_text(const made_plan *made, int64_t wanted) {
    const msio_plan_info *info = msio_plan_describe(made->plan);
    char text[1024];
    printf("%s\n", cli_printable(text, sizeof text, made->path, strlen(made->path)));
    printf("  column         %s\n", cli_printable(text, sizeof text, made->name, strlen(made->name)));
    printf("  way            %s\n", made->way);
    printf("  rows           %s\n", cli_count(info->rows).text);
    printf("  pieces         %s in %d file%s\n", cli_count(info->pieces).text, info->files,
           info->files == 1 ? "" : "s");
    printf("  reads          %s\n", cli_count(info->reads).text);
    printf("  bytes wanted   %s (%s)\n", cli_count(info->bytes_wanted).text, cli_size(info->bytes_wanted).text);
    printf("  bytes stored   %s (%s)\n", cli_count(info->bytes_stored).text, cli_size(info->bytes_stored).text);
    printf("  bytes read     %s (%s)\n", cli_count(info->bytes_read).text, cli_size(info->bytes_read).text);
    printf("  amplification  %.3g\n", info->amplification);
    if (wanted && info->pieces) print_pieces(made->plan, wanted);
}

static int run(cli_context *cli, int argc, char **argv) {
    wishes wish = {CLI_SELECTION_INIT, 0, 0, 0};
    msio_table *table = NULL;
    cli_dataset dataset = CLI_DATASET_INIT;
    made_plan made = {NULL, NULL, NULL, NULL};
    int first, code = cli_options_parse(cli, &cli_command_plan, argc, argv, take, &wish, &first);
    if (code >= 0) return code;
    if (argc - first != 2) return cli_usage(cli, "a table and a column are wanted: msio plan PATH COLUMN");
    if (wish.write && wish.pieces_given) return cli_usage(cli, "--pieces is for reading");
    if (wish.write) {
        code = cli_write_plan_report(cli, argv[first], argv[first + 1], &wish.selection);
        cli_selection_free(&wish.selection);
        return code;
    }
    made.path = argv[first];
    made.name = argv[first + 1];
    if (cli_is_hdf5(made.path)) {
        code = cli_dataset_open(cli, made.path, made.name, &dataset);
        if (!code) code = make_of_dataset(cli, &wish.selection, &dataset, &made.plan);
        if (!code) made.name = dataset.info->name;
        if (!code && !dataset.info->native) made.way = "hdf5";
    } else {
        code = cli_table_open(cli, made.path, &table);
        if (!code) code = make(cli, made.path, made.name, table, &wish.selection, &made.plan);
    }
    if (!code) {
        if (!made.way) made.way = msio_way_name(msio_plan_describe(made.plan)->way);
        if (cli->json)
            print_json(&made, wish.pieces);
        else
            print_text(&made, wish.pieces);
    }
    msio_plan_free(made.plan);
    cli_selection_free(&wish.selection);
    msio_table_close(table);
    cli_dataset_close(&dataset);
    return code;
}

static const cli_option options[] = {
    CLI_SELECTION_OPTIONS,
    {"write", NULL, 0, "of a write, not a read: blocks, and what must be read first"},
    {"pieces", "N", 0, "list the first N pieces, in the order of the file"},
    {NULL, NULL, 0, NULL},
};

const cli_command cli_command_plan = {
    .name = "plan",
    .summary = "what a read, or a write, would do: pieces, reads, bytes, amplification",
    .usage = "PATH COLUMN [options]",
    .text = "Makes the plan of a read without reading data. A piece is a box in a file that goes to a box in\n"
            "memory; neighbours are merged into reads. Bytes wanted are those delivered, bytes stored those of\n"
            "the wanted elements in the file (flags are bits there), bytes read what the reads fetch;\n"
            "amplification is read / stored. The way is direct (into the result), scratch (through memory that\n"
            "stays in cache), mapped (gathered from the mapped file), casacore or, for datasets of HDF5 and UVH5\n"
            "files that are not read by address, hdf5 (through its library).\n\n"
            "With --write it is the plan of a write of the same cells: nothing is changed. A block is a stretch\n"
            "of a file that is stored at once; of blocks that hold other cells too, the bytes are read first.",
    .options = options,
    .negative = NULL,
    .examples = "  msio plan obs.ms DATA\n"
                "  msio plan obs.ms DATA --chans 0:12 --pieces 10\n"
                "  msio plan obs.ms FLAG --rows ::178 --json\n"
                "  msio plan obs.ms CORRECTED_DATA --write --chans 0:12\n",
    .run = run,
};
