/* gathered.c - puts of single cells, gathered in memory and stored together. */
#include "io/write/gathered.h"

#include "core/checked.h"
#include "core/error.h"
#include "io/table/fallback.h"
#include "io/table/pending.h"
#include "io/write/counting.h"
#include "msio/write.h"
#include "prof/call.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Cells of more shapes than this are stored before the next one comes. */
#define SHAPES 8
#define FIRST_CELLS 64

/* Cells of one shape. */
typedef struct group {
    int ndim;
    int64_t shape[MSIO_MAX_NDIM]; /* casacore order */
    size_t cell;                  /* bytes */
    int64_t n, capacity;
    int64_t *row;
    uint8_t *data;
    bool run; /* each row follows the one before */
} group;

struct msio_gathered {
    msio_pending pending; /* first: the list knows only this */
    const msio_column *column;
    msio_lengthy lock;  /* what follows, while it is listed: any thread may store */
    unsigned forks;     /* msio_forks() when it began */
    bool began;         /* the table is held */
    msio_access access; /* while it is */
    size_t alike;       /* bytes of each cell, where no cell differs; 0: they are asked for one by one */
    int64_t bytes;
    group group[SHAPES];
    int shapes, last;  /* groups in use; the one of the last put */
    prof_holding told; /* what the groups take */
};

static msio_status no_memory(const msio_gathered *g) {
    return msio_error_set(MSIO_E_MEMORY, g->column->table->path, "no memory for cells that are put");
}

/* ---------------------------------------------------------------- beginning */

static msio_status settle(msio_pending *pending);

msio_status msio_gathered_new(const msio_column *column, msio_gathered **gathered) {
    msio_gathered *g = calloc(1, sizeof *g);
    if (!g) return msio_error_set(MSIO_E_MEMORY, column->table->path, "no memory for cells that are put");
    msio_lengthy_init(&g->lock);
    g->column = column;
    g->forks = msio_forks();
    g->pending.table = column->table;
    g->pending.settle = settle;
    *gathered = g;
    return MSIO_OK;
}

/* What is known of the column's cells without looking at each. */
static size_t cells_alike(const msio_access *access, const msio_leaf *leaf) {
    msio_layout_facts facts = {.name = "", .ndim = -1};
    int64_t bytes = (int64_t)msio_type_size(leaf->column->type);
    if (access->children || !leaf->native) return 0;
    if (leaf->column->kind == MSIO_KIND_SCALAR) return msio_leaf_all_defined(leaf) ? (size_t)bytes : 0;
    leaf->slot->manager.layout->describe(&leaf->slot->manager, leaf->column, &facts);
    if (facts.ndim < 0 || facts.undefined) return 0;
    for (int k = 0; k < facts.ndim; k++)
        if (!msio_mul_checked(bytes, facts.shape[k], &bytes)) return 0;
    return (size_t)bytes;
}

/* Every plain table behind the column is counted, and noted. */
static msio_status count_all(msio_gathered *g, msio_access *access, const char *column) {
    const msio_table_dat *dat = access->snapshot->dat;
    msio_status status = MSIO_OK;
    if (dat->kind != MSIO_PLAIN_TABLE) {
        int index = dat->kind == MSIO_REF_TABLE ? msio_table_dat_find(dat, column) : -1;
        if (dat->kind == MSIO_REF_TABLE && index < 0)
            return msio_error_set(MSIO_E_NO_COLUMN, access->table->path, "the table has no column %s", column);
        for (int i = 0; i < access->children && !status; i++)
            status = count_all(g, &access->child[i], index < 0 ? column : dat->root_column[index]);
        return status;
    }
    msio_leaf leaf;
    uint8_t record[MSIO_SYNC_RECORD_MOST];
    int64_t record_bytes;
    msio_pending *p = &g->pending;
    struct msio_pending_place *grown = realloc(p->place, ((size_t)p->places + 1) * sizeof *grown);
    if (!grown) return no_memory(g);
    p->place = grown;
    if ((status = msio_leaf_find(access, column, &leaf))) return status;
    if (!g->pending.places) g->alike = cells_alike(&g->access, &leaf);
    p->place[p->places++] = (struct msio_pending_place){msio_lock_share(access->lock), leaf.column->name};
    status = msio_count_change(access, 1, &leaf.column->manager, record, &record_bytes);
    return status ? status : msio_count_seen(access, false);
}

/* The places, the lock and its access are given up. The puts are stored, or lost. */
static void end(msio_gathered *g) {
    msio_pending_remove(&g->pending);
    for (int i = 0; i < g->pending.places; i++) msio_lock_close(g->pending.place[i].lock);
    free(g->pending.place);
    g->pending.place = NULL;
    g->pending.places = 0;
    for (int i = 0; i < g->shapes; i++) g->group[i].n = 0;
    g->bytes = 0;
    if (!g->began) return;
    g->began = false;
    bool before = msio_pending_quiet(true);
    (void)msio_access_end(&g->access, MSIO_OK);
    (void)msio_table_release(g->column->table);
    msio_pending_quiet(before);
}

/* A child of fork has its parent's puts in memory, which the parent stores. */
static void drop_parents(msio_gathered *g) {
    if (g->forks == msio_forks()) return;
    end(g);
    g->forks = msio_forks();
}

/* Not listed, so that no other thread comes here. */
msio_status msio_gathered_begin(msio_gathered *g) {
    drop_parents(g);
    msio_status status = msio_table_hold_write(g->column->table);
    if (status) return status;
    bool before = msio_pending_quiet(true); /* other columns' cells may wait on */
    status = msio_access_begin_writing(g->column->table, &g->access);
    msio_pending_quiet(before);
    if (status) {
        msio_table_release(g->column->table);
        return status;
    }
    g->began = true;
    return MSIO_OK;
}

msio_status msio_gathered_announce(msio_gathered *g) {
    bool before = msio_pending_quiet(true);
    msio_status status = count_all(g, &g->access, g->column->name);
    msio_pending_quiet(before);
    for (int i = 0; i < g->pending.places && !status; i++) /* what others put to this column comes first */
        status = msio_pending_settle_lock(g->pending.place[i].lock, g->pending.place[i].column);
    if (status)
        end(g);
    else
        msio_pending_add(&g->pending);
    return status;
}

/* ---------------------------------------------------------------- one cell */

typedef struct cell_shape {
    size_t element;
    int ndim; /* -1: never written */
    int64_t shape[MSIO_MAX_NDIM];
} cell_shape;

static msio_status take_shape(void *user, int64_t index, int64_t count, int ndim, const int64_t *shape) {
    cell_shape *cell = user;
    (void)index, (void)count;
    cell->ndim = ndim;
    if (ndim > 0) memcpy(cell->shape, shape, (size_t)ndim * sizeof *shape);
    return MSIO_OK;
}

static msio_status shape_at(void *user, const msio_leaf *leaf, const msio_rows *rows) {
    cell_shape *cell = user;
    cell->element = msio_type_size(leaf->column->type);
    cell->ndim = 0;
    if (rows->count == 0 || msio_leaf_all_defined(leaf)) return MSIO_OK;
    if (!leaf->native) return msio_fallback_shapes(leaf, rows, take_shape, cell);
    const msio_manager *m = &leaf->slot->manager;
    return m->layout->shapes(m, leaf->column, rows, take_shape, cell);
}

static msio_status wrong_size(const msio_gathered *g, int64_t row, size_t needed, size_t given) {
    return msio_error_set(MSIO_E_SIZE, g->column->table->path,
                          "the cell of row %" PRId64 " of column %s has %zu bytes, %zu were given", row,
                          g->column->name, needed, given);
}

/* The shape of a row's cell; all that is compared is in it. */
static msio_status find_shape(msio_gathered *g, int64_t row, size_t in_bytes, cell_shape *cell) {
    msio_rows one = {.count = 1, .first = row, .step = 1, .place_step = 1};
    msio_status status = msio_leaves_visit(&g->access, g->column->name, &one, shape_at, cell);
    if (status) return status;
    if (cell->ndim < 0)
        return msio_error_set(MSIO_E_UNDEFINED, g->column->table->path,
                              "the cell of row %" PRId64 " of column %s was never written, and has no shape yet", row,
                              g->column->name);
    int64_t bytes = (int64_t)cell->element;
    for (int k = 0; k < cell->ndim; k++)
        if (!msio_mul_checked(bytes, cell->shape[k], &bytes)) bytes = INT64_MAX;
    return (size_t)bytes == in_bytes ? MSIO_OK : wrong_size(g, row, (size_t)bytes, in_bytes);
}

/* The group of a shape; NULL: there are too many, or one has too few places and no memory for more. */
static group *group_of(msio_gathered *g, const cell_shape *cell, size_t bytes) {
    const size_t axes = (size_t)cell->ndim * sizeof *cell->shape;
    for (int i = 0; i < g->shapes; i++) {
        g->last = i;
        if (g->group[i].ndim == cell->ndim && memcmp(g->group[i].shape, cell->shape, axes) == 0) return &g->group[i];
    }
    if (g->shapes == SHAPES) return NULL;
    g->last = g->shapes++;
    group *new = &g->group[g->last];
    *new = (group){.ndim = cell->ndim, .cell = bytes};
    memcpy(new->shape, cell->shape, axes);
    return new;
}

static bool grow(group *c) {
    int64_t wanted = c->capacity ? 2 * c->capacity : FIRST_CELLS;
    int64_t *row = realloc(c->row, (size_t)wanted * sizeof *row);
    if (row) c->row = row;
    uint8_t *data = row ? realloc(c->data, (size_t)wanted * c->cell + 1) : NULL;
    if (!data) return false;
    c->data = data;
    c->capacity = wanted;
    return true;
}

static void tell(msio_gathered *g) {
    int64_t bytes = 0;
    for (int i = 0; i < g->shapes; i++) bytes += g->group[i].capacity * (int64_t)(g->group[i].cell + sizeof(int64_t));
    prof_hold(&g->told, g->column->table->path, "cells put", bytes);
}

static bool append(msio_gathered *g, group *c, int64_t row, const void *in) {
    if (c->n == c->capacity) {
        if (!grow(c)) return false;
        tell(g);
    }
    c->run = c->n == 0 || (c->run && row == c->row[c->n - 1] + 1);
    c->row[c->n] = row;
    if (c->cell) memcpy(c->data + (size_t)c->n * c->cell, in, c->cell);
    c->n++;
    g->bytes += (int64_t)(c->cell + sizeof row);
    return true;
}

/* Under the lock. *full: store what there is, and try again. */
static msio_status take_cell(msio_gathered *g, int64_t row, const void *in, size_t in_bytes, bool *full) {
    cell_shape cell = {.ndim = 0};
    *full = g->bytes >= MSIO_GATHERED_BYTES;
    if (*full) return MSIO_OK;
    if (row < 0 || row >= g->access.rows)
        return msio_error_set(MSIO_E_RANGE, g->column->table->path,
                              "row %" PRId64 " is to be put; the table has %" PRId64 " rows", row, g->access.rows);
    if (g->alike && g->alike != in_bytes) return wrong_size(g, row, g->alike, in_bytes);
    group *c = g->alike && g->shapes ? &g->group[0] : NULL;
    if (!c) {
        msio_status status = g->alike ? MSIO_OK : find_shape(g, row, in_bytes, &cell);
        if (status) return status;
        c = group_of(g, &cell, in_bytes);
        *full = !c;
        if (!c) return MSIO_OK;
    }
    return append(g, c, row, in) ? MSIO_OK : no_memory(g);
}

/* ---------------------------------------------------------------- storing */

static msio_status store_group(const msio_gathered *g, const group *c) {
    msio_select select = MSIO_SELECT_ALL;
    if (c->n == 0) return MSIO_OK;
    if (c->run) {
        select.row = c->row[0];
        select.rows = c->n;
    } else {
        select.row_list = c->row;
        select.rows_in_list = c->n;
    }
    return msio_write(g->column, &select, c->data, (size_t)c->n * c->cell, NULL);
}

/* For the list, and under its settling: what this thread looks at settles nothing more. */
static msio_status settle(msio_pending *pending) {
    msio_gathered *g = (msio_gathered *)pending;
    msio_status status = MSIO_OK;
    msio_lengthy_lock(&g->lock);
    drop_parents(g);
    for (int i = 0; i < g->shapes && !status && g->began; i++) {
        status = store_group(g, &g->group[i]);
        if (!status) g->group[i].n = 0;
    }
    if (!status) end(g);
    msio_lengthy_unlock(&g->lock);
    return status;
}

msio_status msio_gathered_flush(msio_gathered *g) { return msio_pending_settle(&g->pending); }

static void free_groups(msio_gathered *g) {
    for (int i = 0; i < g->shapes; i++) {
        free(g->group[i].row);
        free(g->group[i].data);
    }
    g->shapes = 0;
    tell(g);
}

msio_status msio_gathered_put(msio_gathered *g, int64_t row, const void *in, size_t in_bytes, bool *taken) {
    bool full = false;
    msio_lengthy_lock(&g->lock);
    *taken = g->began && g->forks == msio_forks();
    msio_status status = *taken ? take_cell(g, row, in, in_bytes, &full) : MSIO_OK;
    msio_lengthy_unlock(&g->lock);
    if (!full || status) return status;
    *taken = false;
    if ((status = msio_gathered_flush(g))) return status;
    if (g->shapes == SHAPES) free_groups(g);
    return MSIO_OK;
}

msio_status msio_gathered_close(msio_gathered *g) {
    msio_error_copy error;
    if (!g) return MSIO_OK;
    msio_status status = msio_gathered_flush(g);
    if (status) msio_error_save(&error);
    msio_pending_remove(&g->pending);
    msio_pending_leave(&g->pending);
    end(g);
    free_groups(g);
    msio_lengthy_destroy(&g->lock);
    free(g);
    return status ? msio_error_restore(&error) : MSIO_OK;
}
