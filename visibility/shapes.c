/* shapes.c - the rows of a Measurement Set by the shape of their cells. */
#include "visibility/shapes.h"

#include "core/error.h"

#include <limits.h>
#include <stdlib.h>

static msio_status no_memory(const msio_metadata *m) {
    return msio_error_set(MSIO_E_MEMORY, m->path, "no memory for the rows of %lld spectral windows",
                          (long long)m->spectral_windows);
}

/* Whether the data description's window and polarization are there. */
static msio_status check_description(const msio_metadata *m, int description) {
    const msio_data_description *d = &m->data_description[description];
    if (d->spectral_window < 0 || d->spectral_window >= m->spectral_windows || d->polarization < 0 ||
        d->polarization >= m->polarizations)
        return msio_error_set(
            MSIO_E_FORMAT, m->path,
            "row %d of DATA_DESCRIPTION names spectral window %d and polarization %d: there are %d and %d", description,
            d->spectral_window, d->polarization, m->spectral_windows, m->polarizations);
    const msio_spectral_window *w = msio_window_of(m, description);
    if (!w->frequencies || w->channels < 1 || w->channels > INT_MAX ||
        msio_polarization_of(m, description)->correlations < 1)
        return msio_error_set(MSIO_E_FORMAT, m->path,
                              "spectral window %d has no frequencies, or polarization %d no correlations",
                              d->spectral_window, d->polarization);
    return MSIO_OK;
}

/* Marks what the runs of rows use. */
static msio_status mark_used(const msio_metadata *m, const msio_row_index *index, msio_shape_groups *g) {
    for (int64_t i = 0; i < index->runs; i++) {
        const msio_row_run *run = &index->run[i];
        if (run->data_description < 0 || run->data_description >= m->data_descriptions)
            return msio_error_set(MSIO_E_FORMAT, m->path,
                                  "DATA_DESC_ID of row %lld is %d: DATA_DESCRIPTION has %d rows", (long long)run->row,
                                  run->data_description, m->data_descriptions);
        if (run->field < 0 || run->field >= m->fields)
            return msio_error_set(MSIO_E_FORMAT, m->path, "FIELD_ID of row %lld is %d: FIELD has %d rows",
                                  (long long)run->row, run->field, m->fields);
        g->description_used[run->data_description] = true;
        g->field_used[run->field] = true;
    }
    msio_status status = MSIO_OK;
    for (int d = 0; d < m->data_descriptions && !status; d++)
        if (g->description_used[d]) status = check_description(m, d);
    return status;
}

/* The group of a data description; made where it is new. */
static msio_shape_group *group_of(const msio_metadata *m, msio_shape_groups *g, int description) {
    const int channels = (int)msio_window_of(m, description)->channels;
    const int corrs = msio_polarization_of(m, description)->correlations;
    int i = 0;
    while (i < g->groups && (g->group[i].channels != channels || g->group[i].corrs != corrs)) i++;
    if (i == g->groups) g->group[g->groups++] = (msio_shape_group){.channels = channels, .corrs = corrs};
    return &g->group[i];
}

/* Counts the groups' rows, then, where there are several, lists them. */
static msio_status list_rows(const msio_metadata *m, const msio_row_index *index, msio_shape_groups *g) {
    for (int64_t i = 0; i < index->runs; i++)
        group_of(m, g, index->run[i].data_description)->rows += index->run[i].rows;
    if (g->groups < 2) return MSIO_OK;
    for (int k = 0; k < g->groups; k++) {
        g->group[k].row = malloc((size_t)g->group[k].rows * sizeof *g->group[k].row);
        if (!g->group[k].row) return no_memory(m);
        g->group[k].rows = 0;
    }
    for (int64_t i = 0; i < index->runs; i++) {
        msio_shape_group *group = group_of(m, g, index->run[i].data_description);
        for (int64_t r = 0; r < index->run[i].rows; r++) group->row[group->rows++] = index->run[i].row + r;
    }
    return MSIO_OK;
}

msio_status msio_shape_groups_make(const msio_metadata *m, msio_shape_groups *groups) {
    const msio_row_index *index;
    msio_shape_groups g = {0};
    msio_status status = msio_metadata_row_index(m, &index);
    if (status) return status;
    g.description_used = calloc((size_t)m->data_descriptions + 1, sizeof *g.description_used);
    g.field_used = calloc((size_t)m->fields + 1, sizeof *g.field_used);
    g.group = calloc((size_t)m->data_descriptions + 1, sizeof *g.group);
    if (!g.description_used || !g.field_used || !g.group) status = no_memory(m);
    if (!status) status = mark_used(m, index, &g);
    if (!status) status = list_rows(m, index, &g);
    if (status)
        msio_shape_groups_free(&g);
    else
        *groups = g;
    return status;
}

void msio_shape_groups_free(msio_shape_groups *groups) {
    for (int k = 0; groups->group && k < groups->groups; k++) free(groups->group[k].row);
    free(groups->group);
    free(groups->description_used);
    free(groups->field_used);
    *groups = (msio_shape_groups){0};
}

/* ---------------------------------------------------------------- a part of the rows */

static msio_status out_of_range(const char *path, int64_t row, int64_t table_rows) {
    return msio_error_set(MSIO_E_RANGE, path, "row %lld asked for, the table has %lld", (long long)row,
                          (long long)table_rows);
}

/* A byte for each row of the table: 1 where it is selected. */
static msio_status mark_rows(const char *path, int64_t table_rows, const msio_select *select, uint8_t *chosen) {
    for (int64_t i = 0; select->row_list && i < select->rows_in_list; i++) {
        const int64_t row = select->row_list[i];
        if (row < 0 || row >= table_rows) return out_of_range(path, row, table_rows);
        chosen[row] = 1;
    }
    if (select->row_list) return MSIO_OK;
    const int64_t step = select->row_step, rows = select->rows;
    if (select->row < 0 || step < 1 || (rows < 0 && select->row > table_rows))
        return out_of_range(path, select->row, table_rows);
    if (rows > 0 && (select->row >= table_rows || rows - 1 > (table_rows - 1 - select->row) / step))
        return out_of_range(path, select->row, table_rows);
    for (int64_t i = 0, row = select->row; row < table_rows && (rows < 0 || i < rows); i++, row += step)
        chosen[row] = 1;
    return MSIO_OK;
}

static bool has_all_rows(const msio_select *select) {
    return !select->row_list && select->row == 0 && select->rows < 0 && select->row_step == 1;
}

msio_status msio_shape_groups_keep(msio_shape_groups *groups, const char *path, int64_t table_rows,
                                   const msio_select *select) {
    if (has_all_rows(select)) return MSIO_OK;
    uint8_t *chosen = calloc((size_t)table_rows + 1, 1);
    msio_status status = chosen ? mark_rows(path, table_rows, select, chosen)
                                : msio_error_set(MSIO_E_MEMORY, path, "no memory for the selected rows");
    for (int g = 0; g < groups->groups && !status; g++) {
        msio_shape_group *group = &groups->group[g];
        const int64_t rows = group->rows;
        int64_t left = 0, *row = group->row;
        if (!row) row = malloc(((size_t)rows + 1) * sizeof *row);
        if (!row) {
            status = msio_error_set(MSIO_E_MEMORY, path, "no memory for the selected rows");
            break;
        }
        for (int64_t i = 0; i < rows; i++) {
            const int64_t one = group->row ? group->row[i] : i;
            if (chosen[one]) row[left++] = one;
        }
        group->row = row;
        group->rows = left;
    }
    free(chosen);
    return status;
}

/* ---------------------------------------------------------------- columns */

bool msio_shape_has_column(msio_table *table, const char *name) {
    const msio_column *column;
    return msio_table_column(table, name, &column) == MSIO_OK;
}

msio_status msio_shape_group_check(const msio_shape_group *group, msio_table *table, const char *path, const char *name,
                                   const msio_select *select) {
    const msio_column *column;
    int64_t shape[MSIO_MAX_NDIM + 1];
    int ndim;
    size_t bytes;
    msio_status status = msio_table_column(table, name, &column);
    if (!status) status = msio_read_shape(column, select, &ndim, shape, &bytes);
    if (status) return status;
    if (ndim == 3 && shape[1] == group->channels && shape[2] == group->corrs) return MSIO_OK;
    return msio_error_set(MSIO_E_SHAPE, path,
                          "cells of %s are not of the %d channels and %d correlations that their spectral window has",
                          name, group->channels, group->corrs);
}

msio_status msio_shape_group_weights(const msio_shape_group *group, msio_table *table, const char *path,
                                     const msio_select *select, const char **weights, int64_t *corrs) {
    static const char *const names[] = {"WEIGHT_SPECTRUM", "WEIGHT"};
    *weights = NULL;
    *corrs = 0;
    for (int i = 0; i < 2; i++) {
        const msio_column *column;
        int64_t shape[MSIO_MAX_NDIM + 1], elements = 1;
        int ndim;
        size_t bytes;
        if (msio_table_column(table, names[i], &column)) continue;
        msio_status status = msio_read_shape(column, select, &ndim, shape, &bytes);
        if (status == MSIO_E_UNDEFINED) continue;
        if (status) return status;
        for (int k = 1; k < ndim; k++) elements *= shape[k];
        const bool fits = i == 0 ? ndim == 3 && elements == (int64_t)group->channels * group->corrs
                                 : ndim == 2 && elements == group->corrs;
        if (!fits || msio_column_describe(column)->type != MSIO_FLOAT)
            return msio_error_set(
                MSIO_E_SHAPE, path,
                "cells of %s do not fit the %d channels and %d correlations that their spectral window "
                "has",
                names[i], group->channels, group->corrs);
        *weights = names[i];
        *corrs = i ? elements : 0;
        return MSIO_OK;
    }
    return MSIO_OK;
}

/* ---------------------------------------------------------------- passes */

int msio_shape_progress_tell(void *user, int64_t done, int64_t total) {
    const msio_shape_progress *p = user;
    if (!p->progress) return 0;
    const int64_t row = p->now ? total / p->now : 0;
    return p->progress(p->user, p->before * row + done, p->total * row);
}

msio_select msio_shape_group_select(const msio_shape_group *group) {
    msio_select select = MSIO_SELECT_ALL;
    select.row_list = group->row;
    select.rows_in_list = group->row ? group->rows : 0;
    return select;
}

msio_status msio_shape_group_pass(msio_table *table, const msio_select *select, int inputs, const char *const *input,
                                  const msio_kernel *kernel, const msio_pass_opts *opts, int64_t *rows) {
    msio_pass pass = MSIO_PASS_INIT;
    int64_t done = 0;
    pass.inputs = inputs;
    pass.input = input;
    pass.kernels = 1;
    pass.kernel = kernel;
    pass.select = select;
    msio_status status = msio_pass_run(table, &pass, opts, &done);
    *rows += done;
    return status;
}
