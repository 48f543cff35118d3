/* cmd_read.c - `msio read`: a column or a dataset, or a part of it, as npy, raw bytes or JSON, or text on a terminal.
 */
#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/common/json.h"
#include "cli/input/opening.h"
#include "cli/input/options.h"
#include "cli/read/read_run.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const formats[] = {"npy", "raw", "json", NULL};

typedef struct wishes {
    cli_read run;
    int format_given;
} wishes;

static int take(const cli_context *cli, void *state, const char *name, const char *value) {
    wishes *wish = state;
    int index = 0, code = 0;
    if (strcmp(name, "out") == 0) {
        wish->run.out = value;
    } else if (strcmp(name, "format") == 0) {
        code = cli_option_word(cli, name, value, formats, &index);
        wish->run.format = (cli_format)index;
        wish->format_given = 1;
    } else {
        code = cli_selection_take(cli, &wish->run.selection, name, value);
    }
    return code;
}

static int to_stdout(const cli_read *run) { return !run->out || strcmp(run->out, "-") == 0; }

static int open_dataset(cli_read *run) {
    int code = cli_dataset_open(run->cli, run->path, run->name, &run->dataset);
    if (!code) code = cli_dataset_select(run->cli, &run->dataset, &run->selection);
    if (code) return code;
    run->type = run->dataset.info->type;
    run->name = run->dataset.info->name;
    run->selection.count = run->dataset.rows;
    return 0;
}

static int open_column(cli_read *run) {
    int code = cli_table_open(run->cli, run->path, &run->table);
    if (code) return code;
    if (msio_table_column(run->table, run->name, &run->column)) return cli_fail_status(run->cli, run->path);
    run->info = msio_column_describe(run->column);
    if (!run->info) return cli_fail_status(run->cli, run->path);
    run->type = run->info->type;
    return 0;
}

/* The table and the column, or the file and the dataset. */
static int open_input(cli_read *run) {
    int code = cli_is_hdf5(run->path) ? open_dataset(run) : open_column(run);
    if (code) return code;
    if (run->format == CLI_RAW && run->type == MSIO_STRING)
        return cli_usage(run->cli, "%s holds strings, which have no raw form: use --format npy or json", run->name);
    return 0;
}

/* What goes to a file is of one moment: the read lock is kept meanwhile. Somebody who reads slowly from a pipe does not
 * keep writers waiting: each part is then of its own moment. */
static int write_column(cli_read *run) {
    int held = cli_output_is_file(&run->output);
    if (held && msio_table_hold(run->table)) return cli_fail_status(run->cli, run->path);
    int code = cli_selection_rows(run->cli, &run->selection, msio_table_rows(run->table), run->path);
    if (!code) {
        if (run->format == CLI_LINES)
            code = cli_read_lines(run);
        else if (run->type == MSIO_STRING)
            code = cli_read_text(run);
        else
            code = cli_read_dense(run);
    }
    if (held && msio_table_release(run->table) && !code) code = cli_fail_status(run->cli, run->path);
    return code;
}

static int write_all(cli_read *run) {
    int code = run->format == CLI_SHOWN ? cli_read_show(run)
               : run->dataset.file      ? cli_read_hdf5(run)
                                        : write_column(run);
    cli_progress_end(&run->progress);
    return code ? code : cli_output_finish(run->cli, &run->output);
}

static void report_json(const cli_read *run, double seconds) {
    cli_json json = CLI_JSON_INIT(stdout);
    cli_json_object(&json);
    cli_json_put_string(&json, "path", run->path);
    cli_json_put_string(&json, "column", run->name);
    cli_json_put_string(&json, "type", msio_type_name(run->type));
    cli_json_put_string(&json, "format", formats[run->format]);
    cli_json_put_string(&json, "dtype", run->dtype.text[0] ? run->dtype.text : NULL);
    cli_json_put_int(&json, "rows", run->selection.count);
    cli_json_put_ints_or_null(&json, "shape", run->ndim >= 0, run->ndim, run->shape);
    cli_json_put_string(&json, "out", run->out);
    cli_json_put_int(&json, "bytes", run->output.written);
    cli_json_put_double(&json, "seconds", seconds);
    cli_json_end(&json);
    cli_json_finish(&json);
}

static int read_column(wishes *wish) {
    cli_read *run = &wish->run;
    char title[64];
    int code = open_input(run);
    if (!code) code = cli_output_open(run->cli, run->out, &run->output);
    if (code) return code;
    double began = cli_now();
    snprintf(title, sizeof title, "reading %.48s", run->name);
    cli_progress_begin(&run->progress, run->cli, title, to_stdout(run));
    code = write_all(run);
    if (code || to_stdout(run)) return code;
    double seconds = cli_now() - began;
    if (run->cli->json)
        report_json(run, seconds);
    else
        cli_note(run->cli, "%s: %s rows of %s written to %s in %s", run->path, cli_count(run->selection.count).text,
                 run->name, run->out, cli_duration(seconds).text);
    return 0;
}

static int run_read(cli_context *cli, int argc, char **argv) {
    wishes wish = {.run = {.cli = cli,
                           .dataset = CLI_DATASET_INIT,
                           .selection = CLI_SELECTION_INIT,
                           .output = CLI_OUTPUT_INIT,
                           .format = CLI_NPY}};
    cli_read *run = &wish.run;
    int first, code = cli_options_parse(cli, &cli_command_read, argc, argv, take, &wish, &first);
    if (code >= 0) return code;
    if (argc - first != 2)
        return cli_usage(cli, argc - first < 2 ? "a table and a column are wanted: msio read PATH COLUMN"
                                               : "one column of one table at a time");
    run->path = argv[first];
    run->name = argv[first + 1];
    if (cli->json && !wish.format_given && to_stdout(run)) run->format = CLI_LINES;
    if (!wish.format_given && !run->out && !cli->json && isatty(STDOUT_FILENO)) run->format = CLI_SHOWN;
    if ((run->format == CLI_NPY || run->format == CLI_RAW) && to_stdout(run) && isatty(STDOUT_FILENO))
        return cli_usage(cli,
                         "a terminal takes no %s data: use --out FILE or a pipe; without --format values are shown "
                         "as text",
                         formats[run->format]);
    code = read_column(&wish);
    cli_progress_end(&run->progress);
    cli_output_drop(&run->output);
    cli_selection_free(&run->selection);
    msio_table_close(run->table);
    cli_dataset_close(&run->dataset);
    return code;
}

static const cli_option options[] = {
    CLI_SELECTION_OPTIONS,
    {"format", "npy|raw|json", 0,
     "npy, the default but on a terminal; raw: the values alone, in this\nmachine's byte order; json: one line a row"},
    {"out", "FILE|-", 0,
     "where to; \"-\", the default, is standard output. A file appears under\nits name when it is whole"},
    {NULL, NULL, 0, NULL},
};

const cli_command cli_command_read = {
    .name = "read",
    .summary = "a column or a dataset, or a part of it, as npy, raw bytes, JSON, or text on a terminal",
    .usage = "PATH COLUMN [options]",
    .text = "Writes a column in numpy's order, [row][channel][correlation]: as npy into a pipe or a file; on a\n"
            "terminal, without --format and --out, as text, a line a row: the first ten rows and the last ten,\n"
            "of which alone anything is read. Memory stays bounded however large the column is. Slices follow\n"
            "numpy's rules, negative numbers and steps included; a single number A is A:A+1, which must exist.\n"
            "PATH may name a subtable: obs.ms::ANTENNA or obs.ms/ANTENNA.\n\n"
            "Of an HDF5 or UVH5 file COLUMN is a dataset: Data/visdata or, where no other one ends so, visdata.\n"
            "--rows, --chans and --corrs are its first, second and third axis. UVH5's data come as\n"
            "[row][channel][polarization], without the axis of one spectral window that old files have.\n\n"
            "npy and raw want all cells to have one shape; json and text take any. In JSON a complex value is\n"
            "[re, im], a NaN or infinity the string \"nan\", \"inf\" or \"-inf\", and a cell that was never written\n"
            "null. Strings in npy are unicode of fixed width. With --out FILE the table's read lock is kept until\n"
            "all is read, and --json reports what was written; without, --json implies --format json.",
    .options = options,
    .negative = NULL,
    .examples = "  msio read obs.ms DATA\n"
                "  msio read obs.ms DATA --out data.npy\n"
                "  msio read obs.ms DATA --rows 0:1000 --chans ::4 --corrs -1: --out part.npy\n"
                "  msio read obs.ms::ANTENNA NAME --format json\n"
                "  msio read obs_sb00.hdf5 visdata --chans ::-1 --out vis.npy\n"
                "  msio read obs.ms TIME --rows -5: --format json\n"
                "  msio read obs.ms UVW | python3 -c 'import numpy, sys; print(numpy.load(sys.stdin.buffer).shape)'\n",
    .run = run_read,
};
