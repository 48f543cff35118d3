/* facts.c - columns of a subtable, read whole: what a Measurement Set says about itself. */
#include "cli/info/facts.h"

#include "cli/common/interrupt.h"
#include "cli/input/opening.h"
#include "cli/output/cell_json.h"
#include "cli/output/grid.h"

#include <stdio.h>
#include <string.h>

static void keep_first(cli_error *error, const char *path) {
    if (error->code == MSIO_OK) cli_error_keep(error, path);
}

void cli_measure_frame(const msio_column *column, char *frame, size_t size) {
    const msio_record *keywords = msio_column_keywords(column);
    const msio_field *field = keywords ? msio_record_find(keywords, "MEASINFO") : NULL;
    frame[0] = '\0';
    if (!field || field->type != MSIO_RECORD) return;
    field = msio_record_find(field->record, "Ref");
    if (field && field->type == MSIO_STRING && field->count == 1)
        cli_printable(frame, size, field->strings[0], strlen(field->strings[0]));
}

static void load_column(const cli_context *cli, msio_table *table, const char *path, const char *name,
                        msio_ragged *cells, cli_error *error) {
    const msio_column *column;
    msio_read_opts opts = MSIO_READ_OPTS_INIT;
    opts.threads = cli->threads;
    opts.progress = cli_interrupt_progress;
    msio_status status = msio_table_column(table, name, &column);
    if (status == MSIO_E_NO_COLUMN) return;
    if (status == MSIO_OK) status = msio_read_ragged(column, NULL, cells, &opts);
    if (status != MSIO_OK) keep_first(error, path);
}

void cli_facts_load(const cli_context *cli, const char *path, const cli_fact *list, const char *framed,
                    cli_facts *facts, cli_error *error) {
    msio_table *table;
    const msio_column *column;
    msio_open_opts opts = cli_open_opts(cli);
    memset(facts, 0, sizeof *facts);
    facts->list = list;
    while (list[facts->count].key) facts->count++;
    if (!path) return;
    msio_status status = msio_table_open(path, &opts, &table);
    if (status != MSIO_OK) {
        if (status != MSIO_E_NOT_FOUND) keep_first(error, path);
        return;
    }
    facts->there = 1;
    for (int i = 0; i < facts->count; i++) {
        load_column(cli, table, path, list[i].column, &facts->cells[i], error);
        if (facts->cells[i].cells > facts->rows) facts->rows = facts->cells[i].cells;
    }
    if (framed && msio_table_column(table, framed, &column) == MSIO_OK)
        cli_measure_frame(column, facts->frame, sizeof facts->frame);
    msio_table_close(table);
}

void cli_facts_free(cli_facts *facts) {
    for (int i = 0; i < facts->count; i++) msio_ragged_free(&facts->cells[i]);
    memset(facts, 0, sizeof *facts);
}

int64_t cli_fact_length(const cli_facts *facts, int column, int64_t row) {
    const msio_ragged *cells = &facts->cells[column];
    if (row >= cells->cells || !cells->defined[row]) return 0;
    return cells->offsets[row + 1] - cells->offsets[row];
}

double cli_fact_number(const cli_facts *facts, int column, int64_t row, int64_t index) {
    const msio_ragged *cells = &facts->cells[column];
    if (index < 0 || index >= cli_fact_length(facts, column, row)) return 0;
    return cli_element(cells->type, cells->data, cells->offsets[row] + index);
}

const char *cli_fact_text(const cli_facts *facts, int column, int64_t row, char *buffer, size_t size) {
    const msio_ragged *cells = &facts->cells[column];
    if (cells->type != MSIO_STRING || !cli_fact_length(facts, column, row)) {
        snprintf(buffer, size, "-");
        return buffer;
    }
    const int64_t *at = cells->text_offsets + cells->offsets[row];
    return cli_printable(buffer, size, cells->text + at[0], (size_t)(at[1] - at[0]));
}

void cli_facts_json(cli_json *json, const cli_facts *facts, int64_t row) {
    for (int i = 0; i < facts->count; i++) {
        cli_json_key(json, facts->list[i].key);
        if (row < facts->cells[i].cells)
            cli_cell_json(json, &facts->cells[i], row, NULL);
        else
            cli_json_null(json);
    }
}
