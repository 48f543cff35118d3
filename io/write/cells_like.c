/* cells_like.c - zeros for a column that was just added, in the shapes of another one's cells. */
#include "io/write/cells_like.h"

#include "core/error.h"
#include "core/writing.h"
#include "io/table/fallback.h"
#include "io/write/counting.h"
#include "io/write/define.h"

#include <stdlib.h>
#include <string.h>

/* casacore's maps are searched, not walked: more intervals than this are left to it. */
#define MOST_STRETCHES (1 << 22)

typedef struct stretches {
    const char *path;
    int ndim; /* of the new column; -1: as they come */
    int n;
    msio_new_cells *cells;
} stretches;

static msio_status grow(stretches *s) {
    if (s->n & (s->n - 1)) return MSIO_OK;
    msio_new_cells *grown =
        s->n < MOST_STRETCHES ? realloc(s->cells, (s->n ? 2 * (size_t)s->n : 1) * sizeof *grown) : NULL;
    if (!grown) return msio_error_set(MSIO_E_MEMORY, s->path, "no memory for the shapes of %d stretches of rows", s->n);
    s->cells = grown;
    return MSIO_OK;
}

static bool continues(const msio_new_cells *last, int64_t row, int ndim, const int64_t *shape) {
    return last->first_row + last->rows == row && last->ndim == ndim &&
           memcmp(last->shape, shape, (size_t)ndim * sizeof *shape) == 0;
}

static msio_status take_shape(void *user, int64_t index, int64_t count, int ndim, const int64_t *shape) {
    stretches *s = user;
    if (ndim < 1 || count < 1) return MSIO_OK;
    if (s->ndim == 1 && ndim > 1) { /* one value a channel */
        shape += 1;
        ndim = 1;
    }
    if (s->ndim >= 0 && s->ndim != ndim) return MSIO_OK;
    msio_new_cells *last = s->n ? &s->cells[s->n - 1] : NULL;
    if (last && continues(last, index, ndim, shape)) {
        last->rows += count;
        return MSIO_OK;
    }
    msio_status status = grow(s);
    if (status) return status;
    s->cells[s->n] = (msio_new_cells){.first_row = index, .rows = count, .ndim = ndim};
    memcpy(s->cells[s->n++].shape, shape, (size_t)ndim * sizeof *shape);
    return MSIO_OK;
}

static msio_status find_stretches(msio_access *access, const char *like, stretches *s) {
    const msio_rows all = {.step = 1, .place_step = 1, .count = access->rows};
    msio_leaf leaf;
    msio_status status = msio_leaf_find(access, like, &leaf);
    if (status || access->rows == 0) return status;
    if (!leaf.native) return msio_fallback_shapes(&leaf, &all, take_shape, s);
    return leaf.slot->manager.layout->shapes(&leaf.slot->manager, leaf.column, &all, take_shape, s);
}

/* One more change of the column's manager, before and after. */
static msio_status count(const msio_leaf *leaf) {
    uint8_t record[MSIO_SYNC_RECORD_MOST];
    int64_t bytes;
    return msio_count_change(leaf->access, 1, &leaf->column->manager, record, &bytes);
}

static msio_status define(const msio_leaf *leaf, const stretches *s, bool allocate) {
    msio_define *made = NULL;
    msio_status status = msio_define_start(leaf, s->n, s->cells, allocate, &made);
    if (!status) status = count(leaf);
    if (!status) status = msio_define_prepare(made, false);
    if (!status) status = msio_define_commit(made, false);
    if (!status) status = count(leaf);
    msio_define_free(made);
    return status;
}

msio_status msio_cells_like(msio_table *table, const char *name, const char *like, bool allocate) {
    msio_access access;
    msio_leaf leaf;
    stretches s = {.path = table->path};
    msio_writing writing;
    msio_status status = msio_access_begin_writing(table, &access);
    if (status) return status;
    msio_writing_begin(&writing);
    status = msio_leaf_find(&access, name, &leaf);
    if (!status && !msio_define_refuses(&leaf)) {
        s.ndim = leaf.column->ndim;
        status = find_stretches(&access, like, &s);
        if (!status && s.n) status = define(&leaf, &s, allocate);
    }
    msio_writing_end(&writing);
    free(s.cells);
    return msio_access_end(&access, status);
}
