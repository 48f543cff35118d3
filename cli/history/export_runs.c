/* export_runs.c - msio history export: all that is kept, as JSON, or one table as CSV. */
#include "cli/common/failure.h"
#include "cli/common/json.h"
#include "cli/history/kept.h"
#include "cli/history/kept_rows.h"
#include "cli/output/output.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

typedef struct sheet {
    FILE *out;
    const history_layout *layout;
} sheet;

/* In quotes, those in it doubled. */
static void put_quoted(FILE *out, const char *text) {
    fputc('"', out);
    for (const char *c = text; *c; c++) {
        if (*c == '"') fputc('"', out);
        fputc(*c, out);
    }
    fputc('"', out);
}

static int put_line(void *user, const void *row) {
    const sheet *s = user;
    for (int i = 0; i < s->layout->fields; i++) {
        const history_field *f = &s->layout->field[i];
        const void *value = (const char *)row + f->offset;
        if (i) fputc(',', s->out);
        if (f->kind == HISTORY_STRING) put_quoted(s->out, *(const char *const *)value);
        if (f->kind == HISTORY_INTEGER && *(const int64_t *)value != -1)
            fprintf(s->out, "%" PRId64, *(const int64_t *)value);
        if (f->kind == HISTORY_DOUBLE && !isnan(*(const double *)value))
            fprintf(s->out, "%.17g", *(const double *)value);
    }
    fputc('\n', s->out);
    return 0;
}

static msio_status export_csv(FILE *out, history *h, history_table table, const cli_history *wish,
                              history_error *error) {
    sheet s = {out, history_layout_of(table)};
    for (int i = 0; i < s.layout->fields; i++) fprintf(out, "%s%s", i ? "," : "", s.layout->field[i].name);
    fputc('\n', out);
    return history_each_of(h, table, wish->series, wish->kind, wish->newest, put_line, &s, error);
}

/* Every table, also behind one that is damaged: what can be read is there, and what ended it is told. */
static msio_status export_json(FILE *out, history *h, const cli_history *wish, history_error *error) {
    cli_json json = CLI_JSON_INIT(out);
    msio_status first = MSIO_OK;
    cli_json_object(&json);
    for (int t = 0; t < HISTORY_TABLES; t++) {
        history_error now;
        msio_status status = cli_history_put_rows(&json, h, (history_table)t, 0, wish, &now);
        if (status && !first) *error = now;
        if (status && !first) first = status;
    }
    cli_json_end(&json);
    cli_json_finish(&json);
    return first;
}

static int table_named(const cli_context *cli, const char *name, history_table *table) {
    for (int t = 0; t < HISTORY_TABLES; t++) {
        *table = (history_table)t;
        if (strcmp(history_layout_of(*table)->name, name) == 0) return 0;
    }
    return cli_usage(cli,
                     "there is no table \"%s\": runs, targets, counts, times, ratios, moments, stacks, columns, loops, "
                     "findings and accepted are there",
                     name);
}

int cli_history_export(const cli_context *cli, const cli_history *wish) {
    history *h = NULL;
    history_error error;
    history_table table = HISTORY_RUNS;
    cli_output output = CLI_OUTPUT_INIT;
    int code = wish->csv ? table_named(cli, wish->csv, &table) : 0;
    if (!code) code = cli_history_open(cli, wish, 0, &h);
    if (!code) code = cli_output_open(cli, wish->out, &output);
    if (!code) {
        msio_status status =
            wish->csv ? export_csv(output.file, h, table, wish, &error) : export_json(output.file, h, wish, &error);
        code = cli_output_finish(cli, &output);
        if (status && !code) code = cli_history_fail(cli, wish, &error);
    }
    cli_output_drop(&output);
    history_close(h);
    return code;
}
