/* read_show.c - `msio read` onto a terminal: the first rows and the last, a line each. Only these are read. */
#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/common/interrupt.h"
#include "cli/output/cell_text.h"
#include "cli/read/read_run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CLI_SHOWN_END 10 /* rows of each end; up to twice as many are all shown */
#define CLI_WIDTH 80     /* of a terminal that does not tell its own */

typedef struct part {
    int64_t first, count; /* of the selected rows */
    msio_ragged cells;
} part;

static int terminal_width(void) {
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : CLI_WIDTH;
}

/* ---------------------------------------------------------------- datasets */

/* Cells of one shape, to be filled: offsets, shapes, and room for the values where they are numbers. */
static void cells_make(const cli_read *run, int64_t count, msio_ragged *cells) {
    const cli_dataset *d = &run->dataset;
    int ndim = d->ndim > 1 ? d->ndim - 1 : 0;
    *cells = (msio_ragged){.type = run->type, .cells = count};
    cells->offsets = cli_alloc_many((size_t)count + 1, sizeof *cells->offsets);
    cells->shapes = cli_alloc_many((size_t)count * MSIO_MAX_NDIM, sizeof *cells->shapes);
    cells->ndims = cli_alloc((size_t)count);
    cells->defined = cli_alloc((size_t)count);
    for (int64_t i = 0; i <= count; i++) cells->offsets[i] = i * d->places;
    for (int64_t i = 0; i < count; i++) {
        cells->ndims[i] = (int8_t)ndim;
        cells->defined[i] = 1;
        for (int axis = 0; axis < ndim; axis++) cells->shapes[i * MSIO_MAX_NDIM + axis] = d->shape[1 + axis];
    }
}

static void cells_free(msio_ragged *cells) {
    free(cells->offsets);
    free(cells->shapes);
    free(cells->ndims);
    free(cells->defined);
    free(cells->data);
    free(cells->text_offsets);
    free(cells->text);
    memset(cells, 0, sizeof *cells);
}

static int take_numbers(cli_read *run, part *p) {
    const cli_dataset *d = &run->dataset;
    size_t element = msio_type_size(run->type), came_bytes = (size_t)(p->count * d->places_read) * element;
    msio_select select = cli_dataset_part(d, p->first, p->count);
    msio_read_opts opts = MSIO_READ_OPTS_INIT;
    char *came = cli_alloc(came_bytes);
    opts.threads = run->cli->threads;
    opts.progress = cli_interrupt_progress;
    p->cells.bytes = (size_t)(p->count * d->places) * element;
    p->cells.data = cli_alloc(p->cells.bytes);
    int code = 0;
    if (msio_dataset_read(d->dataset, &select, run->type, came, came_bytes, &opts))
        code = cli_fail_status(run->cli, run->path);
    else
        cli_dataset_arrange(d, p->count, came, element, p->cells.data);
    free(came);
    return code;
}

/* Strings in the order of the result. */
static void arrange_texts(const cli_read *run, const msio_ragged *came, part *p) {
    const cli_dataset *d = &run->dataset;
    int64_t there = came->offsets[came->cells], count = p->count * d->places;
    int64_t *numbers = cli_alloc_many((size_t)there, sizeof *numbers);
    int64_t *order = cli_alloc_many((size_t)count, sizeof *order);
    for (int64_t i = 0; i < there; i++) numbers[i] = i;
    cli_dataset_arrange(d, p->count, numbers, sizeof *numbers, order);
    int64_t *to = p->cells.text_offsets = cli_alloc_many((size_t)count + 1, sizeof *to);
    to[0] = 0;
    for (int64_t i = 0; i < count; i++)
        to[i + 1] = to[i] + came->text_offsets[order[i] + 1] - came->text_offsets[order[i]];
    p->cells.bytes = (size_t)to[count];
    p->cells.text = cli_alloc(p->cells.bytes);
    for (int64_t i = 0; i < count; i++)
        memcpy(p->cells.text + to[i], came->text + came->text_offsets[order[i]], (size_t)(to[i + 1] - to[i]));
    free(order);
    free(numbers);
}

static int take_texts(cli_read *run, part *p) {
    msio_ragged came = {0};
    msio_select select = cli_dataset_part(&run->dataset, p->first, p->count);
    if (msio_dataset_texts(run->dataset.dataset, &select, &came)) return cli_fail_status(run->cli, run->path);
    arrange_texts(run, &came, p);
    msio_ragged_free(&came);
    return 0;
}

static int take_dataset(cli_read *run, part *p) {
    cells_make(run, p->count, &p->cells);
    return run->type == MSIO_STRING ? take_texts(run, p) : take_numbers(run, p);
}

/* ---------------------------------------------------------------- taking */

static int take(cli_read *run, part parts[2]) {
    int64_t count = run->selection.count;
    int code = 0;
    parts[0].count = count > 2 * CLI_SHOWN_END ? CLI_SHOWN_END : count;
    parts[1].count = count > 2 * CLI_SHOWN_END ? CLI_SHOWN_END : 0;
    parts[1].first = count - parts[1].count;
    for (int i = 0; i < 2 && !code; i++) {
        if (parts[i].count && run->dataset.file)
            code = take_dataset(run, &parts[i]);
        else if (parts[i].count)
            code = cli_read_part(run, parts[i].first, parts[i].count, &parts[i].cells);
    }
    return code;
}

/* Both ends at one moment; the lock is free again before anything is shown. */
static int take_column(cli_read *run, part parts[2]) {
    if (msio_table_hold(run->table)) return cli_fail_status(run->cli, run->path);
    int code = cli_selection_rows(run->cli, &run->selection, msio_table_rows(run->table), run->path);
    if (!code && !run->info->is_array) code = cli_selection_cells(run->cli, &run->selection, 0, NULL, run->name);
    if (!code) code = take(run, parts);
    if (msio_table_release(run->table) && !code) code = cli_fail_status(run->cli, run->path);
    return code;
}

/* ---------------------------------------------------------------- showing */

typedef struct layout {
    int width;               /* of the terminal */
    int label, shape;        /* characters of the columns before the values; 0: no such column */
    const cli_cut *cut;      /* of each cell */
    int cut_cells;           /* 1: not all of some cell had room */
    cli_cell_text *one_cell; /* scratch */
} layout;

static int64_t row_of(const cli_read *run, int64_t index) {
    if (run->dataset.file) return run->dataset.range[0].start + index * run->dataset.range[0].step;
    return cli_selection_row(&run->selection, index);
}

static int is_single(const cli_read *run) { return run->dataset.file && run->dataset.ndim == 0; }

static cli_words shape_of(const msio_ragged *cells, int64_t cell) {
    return cli_shape(cells->ndims[cell], cells->shapes + cell * MSIO_MAX_NDIM);
}

/* How wide the columns before the values are. Shapes are shown where they differ. */
static void lay_out(const cli_read *run, const part parts[2], layout *l) {
    cli_words first = {""};
    int differ = 0, wide = 0;
    for (int i = 0; i < 2; i++) {
        for (int64_t k = 0; k < parts[i].count; k++) {
            int label = snprintf(NULL, 0, "%" PRId64, row_of(run, parts[i].first + k));
            if (label > l->label) l->label = label;
            cli_words shape = shape_of(&parts[i].cells, k);
            if (!parts[i].cells.defined[k]) continue;
            if (!first.text[0]) first = shape;
            differ |= strcmp(first.text, shape.text) != 0;
            if ((int)strlen(shape.text) > wide) wide = (int)strlen(shape.text);
        }
    }
    if (is_single(run)) l->label = 0;
    if (differ) l->shape = wide;
}

static int show_cell(cli_read *run, const part *p, int64_t k, layout *l) {
    FILE *out = run->output.file;
    int64_t row = row_of(run, p->first + k);
    cli_words shape = p->cells.defined[k] ? shape_of(&p->cells, k) : (cli_words){"-"};
    int before = (l->label ? l->label + 2 : 0) + (l->shape ? l->shape + 2 : 0);
    if (cli_cell_text_make(&p->cells, k, l->cut, l->width - before, l->one_cell))
        return cli_fail(run->cli, MSIO_E_RANGE, run->path,
                        "row %" PRId64 " of %s has shape %s: no such channel or correlation", row, run->name,
                        shape.text);
    l->cut_cells |= l->one_cell->cut;
    if (l->label) fprintf(out, "%*" PRId64 "  ", l->label, row);
    if (l->shape) fprintf(out, "%-*s  ", l->shape, shape.text);
    fprintf(out, "%s\n", l->one_cell->text);
    return cli_interrupted() ? CLI_INPUT : cli_output_check(run->cli, &run->output);
}

/* What is not seen, and how to see it. */
static void tell_rest(const cli_read *run, const part parts[2], const layout *l) {
    int64_t shown = parts[0].count + parts[1].count, all = run->selection.count;
    if (all == 0)
        cli_note(run->cli, "%s: no rows", run->name);
    else if (shown < all)
        cli_note(run->cli,
                 "%s: %s of %s rows shown%s; --rows A:B takes others, --format json or a pipe gives all, --out FILE "
                 "writes npy",
                 run->name, cli_count(shown).text, cli_count(all).text, l->cut_cells ? ", cells in part" : "");
    else if (l->cut_cells)
        cli_note(run->cli,
                 "%s: cells are shown in part; --chans A:B and --corrs A:B take others, --format json or a pipe gives "
                 "all, --out FILE writes npy",
                 run->name);
}

static int show(cli_read *run, const part parts[2]) {
    const cli_cut slices = {&run->selection.chans, &run->selection.corrs};
    cli_cell_text one_cell;
    layout l = {.width = terminal_width(), .one_cell = &one_cell};
    int code = 0;
    if (!run->dataset.file && run->info->is_array) l.cut = &slices; /* a dataset came as it is wanted */
    lay_out(run, parts, &l);
    for (int i = 0; i < 2; i++) {
        if (i && parts[i].count && !code) fprintf(run->output.file, "%*s\n", l.label, "...");
        for (int64_t k = 0; k < parts[i].count && !code; k++) code = show_cell(run, &parts[i], k, &l);
    }
    if (!code && fflush(run->output.file)) code = cli_output_check(run->cli, &run->output);
    if (!code) tell_rest(run, parts, &l);
    return code;
}

int cli_read_show(cli_read *run) {
    part parts[2] = {{0}, {0}};
    int code;
    if (!run->dataset.file)
        code = take_column(run, parts);
    else if (run->type == MSIO_RECORD)
        code = cli_fail(run->cli, MSIO_E_UNSUPPORTED, run->path, "%s holds %s: neither numbers nor strings", run->name,
                        run->dataset.info->stored);
    else
        code = take(run, parts);
    if (!code) code = show(run, parts);
    for (int i = 0; i < 2; i++) {
        if (run->dataset.file)
            cells_free(&parts[i].cells);
        else
            msio_ragged_free(&parts[i].cells);
    }
    return code;
}
