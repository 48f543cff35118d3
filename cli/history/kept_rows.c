/* kept_rows.c - a history's rows as JSON, by their layouts. */
#include "cli/history/kept_rows.h"

#include <math.h>

typedef struct writing {
    cli_json *json;
    const history_layout *layout;
} writing;

void cli_history_put_value(cli_json *json, const history_field *field, const void *row) {
    const void *value = (const char *)row + field->offset;
    if (field->kind == HISTORY_STRING)
        cli_json_string(json, *(const char *const *)value);
    else if (field->kind == HISTORY_INTEGER && *(const int64_t *)value != -1)
        cli_json_int(json, *(const int64_t *)value);
    else if (field->kind == HISTORY_DOUBLE && isfinite(*(const double *)value))
        cli_json_double(json, *(const double *)value);
    else
        cli_json_null(json);
}

static int put_row(void *user, const void *row) {
    const writing *w = user;
    cli_json_flat_object(w->json);
    for (int i = 0; i < w->layout->fields; i++) {
        cli_json_key(w->json, w->layout->field[i].name);
        cli_history_put_value(w->json, &w->layout->field[i], row);
    }
    cli_json_end(w->json);
    return 0;
}

msio_status cli_history_put_rows(cli_json *json, history *h, history_table table, int64_t run, const cli_history *wish,
                                 history_error *error) {
    writing w = {json, history_layout_of(table)};
    cli_json_open_list(json, w.layout->name);
    msio_status status = run ? history_each(h, table, run, put_row, &w, error)
                             : history_each_of(h, table, wish->series, wish->kind, wish->newest, put_row, &w, error);
    cli_json_end(json);
    return status;
}
