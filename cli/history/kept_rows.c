/* kept_rows.c - a history's rows as JSON, by their layouts. */
#include "cli/history/kept_rows.h"

#include <math.h>

typedef struct writing {
    cli_json *json;
    const history_layout *layout;
} writing;

static int put_row(void *user, const void *row) {
    const writing *w = user;
    cli_json_flat_object(w->json);
    for (int i = 0; i < w->layout->fields; i++) {
        const history_field *f = &w->layout->field[i];
        const void *value = (const char *)row + f->offset;
        if (f->kind == HISTORY_INTEGER)
            cli_json_put_int_or_null(w->json, f->name, *(const int64_t *)value != -1, *(const int64_t *)value);
        else if (f->kind == HISTORY_DOUBLE)
            cli_json_put_double_or_null(w->json, f->name, !isnan(*(const double *)value), *(const double *)value);
        else
            cli_json_put_string(w->json, f->name, *(const char *const *)value);
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
