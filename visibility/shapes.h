/* shapes.h - the rows of a Measurement Set by the shape of their cells: one pass each. */
#ifndef MSIO_VISIBILITY_SHAPES_H
#define MSIO_VISIBILITY_SHAPES_H

#include "msio/cache.h"
#include "msio/visibility.h"

#include <stdbool.h>

/* Rows whose data description gives one shape. */
typedef struct msio_shape_group {
    int channels, corrs;
    int64_t rows;
    int64_t *row; /* [rows], ascending; NULL: they are all rows of the table */
} msio_shape_group;

typedef struct msio_shape_groups {
    int groups;
    msio_shape_group *group;
    bool *description_used; /* [data_descriptions] */
    bool *field_used;       /* [fields] */
} msio_shape_groups;

/* The groups of all rows. To be freed. Lists take 8 bytes a row where there are several groups. MSIO_E_FORMAT: rows of
 * data descriptions or fields that the subtables do not have; else as msio_metadata_row_index. */
msio_status msio_shape_groups_make(const msio_metadata *metadata, msio_shape_groups *groups);
void msio_shape_groups_free(msio_shape_groups *groups);

/* Whether the table has a column. */
bool msio_shape_has_column(msio_table *table, const char *name);
/* Whether a column's cells in these rows are those of the group: [channels][corrs]. MSIO_E_SHAPE; else as
 * msio_read_shape. */
msio_status msio_shape_group_check(const msio_shape_group *group, msio_table *table, const char *path, const char *name,
                                   const msio_select *select);

/* Leaves of the groups' rows those that the selection has; its channels and correlations are not looked at. Takes a
 * byte a row of the table meanwhile, and 8 a row that is left. MSIO_E_RANGE (rows that the table does not have),
 * MSIO_E_MEMORY. */
msio_status msio_shape_groups_keep(msio_shape_groups *groups, const char *path, int64_t table_rows,
                                   const msio_select *select);

/* The weights of the group's rows: WEIGHT_SPECTRUM where that column is there and its cells were written, *corrs 0: one
 * an element; else WEIGHT, one for each of *corrs correlations; else *weights is NULL. MSIO_E_SHAPE (they do not fit
 * the cells, or are no floats), those of msio_read_shape. */
msio_status msio_shape_group_weights(const msio_shape_group *group, msio_table *table, const char *path,
                                     const msio_select *select, const char **weights, int64_t *corrs);

/* The group's rows; the list is the group's. */
msio_select msio_shape_group_select(const msio_shape_group *group);
/* How far several passes are, for a caller's progress function: each counts as if its rows were as large as those of
 * the one under way. */
typedef struct msio_shape_progress {
    int (*progress)(void *user, int64_t done, int64_t total); /* NULL: none */
    void *user;
    int64_t before, now, total; /* rows of passes that are done, of the one under way, of all */
} msio_shape_progress;
/* For msio_pass_opts.progress, with user the msio_shape_progress. */
int msio_shape_progress_tell(void *user, int64_t done, int64_t total);

/* One pass that reads columns of a group through one kernel; its rows are added to *rows. Errors: those of
 * msio_pass_run. */
msio_status msio_shape_group_pass(msio_table *table, const msio_select *select, int inputs, const char *const *input,
                                  const msio_kernel *kernel, const msio_pass_opts *opts, int64_t *rows);

/* The window and polarization of a data description; both are there once groups were made. */
static inline const msio_spectral_window *msio_window_of(const msio_metadata *m, int description) {
    return &m->spectral_window[m->data_description[description].spectral_window];
}
static inline const msio_polarization *msio_polarization_of(const msio_metadata *m, int description) {
    return &m->polarization[m->data_description[description].polarization];
}

#endif
