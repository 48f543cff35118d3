/* chain_report.c - the steps of calibration and imaging, for people and programs. */
#include "cli/chain/chain.h"
#include "cli/common/human.h"
#include "cli/output/grid.h"

#include <string.h>

#define SHOWN_COLUMNS 3
#define SHOWN_FINDINGS 3
#define TAIL_BYTES 4096
#define TAIL_LINES 3

void chain_log_tail(const char *path, char *text, size_t size) {
    char bytes[TAIL_BYTES + 1];
    FILE *file = fopen(path, "re");
    size_t length = 0;
    if (file && fseek(file, -TAIL_BYTES, SEEK_END)) rewind(file);
    if (file) length = fread(bytes, 1, TAIL_BYTES, file);
    if (file) fclose(file);
    while (length && strchr("\n\r \t", bytes[length - 1])) length--;
    size_t begin = length;
    for (int lines = 0; begin && lines < TAIL_LINES; begin -= lines < TAIL_LINES) lines += bytes[begin - 1] == '\n';
    for (size_t i = begin; i < length; i++)
        if (bytes[i] == '\n' || bytes[i] == '\r') bytes[i] = ' ';
    if (length - begin > size - 1) begin = length - (size - 1); /* its end tells most */
    cli_printable(text, size, length > begin ? bytes + begin : "it said nothing", length > begin ? length - begin : 15);
}

static double over(int64_t read, int64_t distinct) { return distinct > 0 ? (double)read / (double)distinct : 0; }

/* ---------------------------------------------------------------- JSON */

static void put_column(cli_json *json, const chain_column *c) {
    static const cli_json_member members[] = {CLI_JSON_MEMBER(chain_column, "table", table),
                                              CLI_JSON_MEMBER(chain_column, "column", name),
                                              CLI_JSON_MEMBER(chain_column, "bytes_read", bytes_read),
                                              CLI_JSON_MEMBER(chain_column, "distinct_bytes", distinct_bytes),
                                              CLI_JSON_MEMBER(chain_column, "bytes_written", bytes_written)};
    cli_json_flat_object(json);
    CLI_JSON_PUT_MEMBERS(json, c, members);
    cli_json_put_double_or_null(json, "over", c->distinct_bytes > 0, over(c->bytes_read, c->distinct_bytes));
    cli_json_end(json);
}

static void put_measured(cli_json *json, const chain_result *r) {
    static const cli_json_member members[] = {CLI_JSON_MEMBER(chain_result, "seconds", seconds),
                                              CLI_JSON_MEMBER(chain_result, "cpu_seconds", cpu),
                                              CLI_JSON_MEMBER(chain_result, "peak_bytes", peak),
                                              CLI_JSON_MEMBER(chain_result, "table_calls_share", calls),
                                              CLI_JSON_MEMBER(chain_result, "bytes_read", bytes_read),
                                              CLI_JSON_MEMBER(chain_result, "exit_code", code),
                                              CLI_JSON_MEMBER(chain_result, "signal", signal)};
    static const cli_json_member finding[] = {CLI_JSON_MEMBER(chain_finding, "kind", kind),
                                              CLI_JSON_MEMBER(chain_finding, "what", what),
                                              CLI_JSON_MEMBER(chain_finding, "instead", instead)};
    CLI_JSON_PUT_MEMBERS(json, r, members);
    cli_json_put_double_or_null(json, "table_layer_share", r->layer >= 0, r->layer);
    cli_json_put_double_or_null(json, "import_seconds", r->import_seconds >= 0, r->import_seconds);
    cli_json_put_string(json, "report", *r->report ? r->report : NULL);
    cli_json_open_list(json, "columns");
    for (int i = 0; i < r->columns; i++) put_column(json, &r->column[i]);
    cli_json_end(json);
    cli_json_open_list(json, "findings");
    for (int i = 0; i < r->findings; i++) {
        cli_json_flat_object(json);
        CLI_JSON_PUT_MEMBERS(json, &r->finding[i], finding);
        cli_json_end(json);
    }
    cli_json_end(json);
}

void chain_put_steps(cli_json *json, const chain_results *results) {
    cli_json_open_list(json, "steps");
    for (int i = 0; i < results->n; i++) {
        const chain_result *r = &results->list[i];
        cli_json_object(json);
        cli_json_put_string(json, "name", r->name);
        cli_json_put_string(json, "path", r->table);
        cli_json_put_string(json, "skipped", *r->skipped ? r->skipped : NULL);
        if (!*r->skipped) {
            cli_json_put_string(json, "program", r->program);
            put_measured(json, r);
        }
        cli_json_end(json);
    }
    cli_json_end(json);
}

/* ---------------------------------------------------------------- text */

static cli_words percent(double share) {
    cli_words words = {"-"};
    if (share >= 0) snprintf(words.text, sizeof words.text, "%.1f%%", 100 * share);
    return words;
}

static cli_words factor(int64_t read, int64_t distinct) {
    cli_words words = {"-"};
    if (distinct > 0) snprintf(words.text, sizeof words.text, "%.2f", over(read, distinct));
    return words;
}

static void print_row(cli_grid *grid, const chain_result *r) {
    cli_words wall = cli_duration(*r->skipped ? -1 : r->seconds), cpu = cli_duration(*r->skipped ? -1 : r->cpu),
              import = cli_duration(r->import_seconds), layer = percent(*r->skipped ? -1 : r->layer),
              calls = percent(*r->skipped ? -1 : r->calls), bytes = cli_size(r->bytes_read),
              times = factor(r->bytes_read, r->distinct_bytes), peak = cli_size(r->peak);
    int ran = !*r->skipped;
    cli_grid_row(grid, (const char *const[]){r->name, wall.text, cpu.text, layer.text, calls.text, import.text,
                                             ran ? bytes.text : "-", ran ? times.text : "-", ran ? peak.text : "-"});
}

/* What the step read most often over, and what was found. */
static void print_details(FILE *out, const chain_result *r) {
    if (*r->skipped) fprintf(out, "    %s: left out, %s\n", r->name, r->skipped);
    for (int i = 0, shown = 0; i < r->columns && shown < SHOWN_COLUMNS; i++) {
        const chain_column *c = &r->column[i];
        if (!shown++) fprintf(out, "    %s:", r->name);
        fprintf(out, "%s %s %s, read %s", shown > 1 ? ";" : "", c->table, c->name, cli_size(c->bytes_read).text);
        if (c->bytes_read) fprintf(out, " (%s times over)", factor(c->bytes_read, c->distinct_bytes).text);
        if (c->bytes_written) fprintf(out, ", written %s", cli_size(c->bytes_written).text);
    }
    if (r->columns) putc('\n', out);
    for (int i = 0; i < r->findings && i < SHOWN_FINDINGS; i++)
        fprintf(out, "      %s: %s\n", r->finding[i].kind, r->finding[i].what);
    if (r->findings > SHOWN_FINDINGS) fprintf(out, "      and %d more findings\n", r->findings - SHOWN_FINDINGS);
    if (*r->report) fprintf(out, "      report: %s\n", r->report);
}

void chain_print_steps(FILE *out, const char *part, const chain_results *results) {
    static const char *const titles[] = {"step",    ">wall", ">CPU",  ">table layer", ">its calls",
                                         ">import", ">read", ">over", ">peak memory", NULL};
    cli_grid grid;
    if (!results->n) return;
    fprintf(out,
            "\n%s, step by step; table layer: of the time, with all decoding; over: times that each byte was read\n\n",
            part);
    cli_grid_begin(&grid, titles);
    for (int i = 0; i < results->n; i++) print_row(&grid, &results->list[i]);
    cli_grid_print(&grid, out);
    for (int i = 0; i < results->n; i++) print_details(out, &results->list[i]);
}
