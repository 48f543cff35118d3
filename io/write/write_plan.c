/* write_plan.c - what a write would do, told without changing anything: the write's own plan, counted. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* AT_EACCESS */
#endif
#include "core/checked.h"
#include "core/error.h"
#include "io/read/dense.h"
#include "io/write/define.h"
#include "io/write/put_blocks.h"
#include "io/write/sharing.h"
#include "msio/write.h"
#include "prof/call.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* One plan that is made. */
typedef struct planning {
    msio_dense dense;
    msio_dense_use use;
    msio_write_opts opts;
    msio_put store;
    msio_sharing sharing; /* of one value for all rows: others are not known */
    msio_write_plan plan;
} planning;

/* ---------------------------------------------------------------- what may be changed */

/* Notes a file or folder that may not be changed; the first one is told. */
static void check(planning *p, const char *path, int may_be_missing) {
    if (p->plan.read_only[0] || faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0) return;
    if (errno == ENOENT && may_be_missing) return;
    snprintf(p->plan.read_only, sizeof p->plan.read_only, "%s", path);
}

static void note_why(planning *p, const char *why) {
    if (!why || !p->plan.native) return;
    p->plan.native = 0;
    snprintf(p->plan.why_not, sizeof p->plan.why_not, "%s", why);
}

/* The table's folder gets the undo journal, its lock file the counters. */
static msio_status note_leaf(void *user, int column, const msio_leaf *leaf, const msio_rows *rows) {
    planning *p = user;
    char lock[4096];
    if (rows->count == 0) return MSIO_OK;
    snprintf(lock, sizeof lock, "%s/table.lock", leaf->access->table->path);
    check(p, leaf->access->table->path, 0);
    check(p, lock, 1);
    note_why(p, msio_leaf_keeps(leaf));
    if (!msio_leaf_shares(leaf)) return MSIO_OK;
    msio_status status = msio_sharing_note(&p->sharing, column, leaf, rows, &(msio_shared_cells){.one = true});
    if (!msio_sharing_allows(&p->sharing, column, leaf)) note_why(p, msio_leaf_shares(leaf));
    return status;
}

/* ---------------------------------------------------------------- counting */

/* A call may come here again, when the table changed meanwhile. */
static msio_status prepare(void *user, msio_access *access) {
    planning *p = user;
    (void)access;
    const bool slots = !p->opts.atomic && !p->opts.unguarded;
    p->store = (msio_put){.counts_only = true, .opts = {.journal = slots ? MSIO_JOURNAL_BLOCKS : 0}};
    p->plan.rows = p->dense.rows.count;
    p->plan.bytes = p->dense.column[0].bytes;
    p->plan.makes_cells = p->dense.column[0].fresh;
    return MSIO_OK;
}

static msio_status count(void *user, msio_piece_batch *batch) {
    planning *p = user;
    for (int i = 0; i < batch->sources; i++)
        if (batch->source[i].file) check(p, batch->source[i].file->path, 0);
    return msio_put_run(&p->store, batch);
}

static msio_status shape_of_new(void *user, int column, int *ndim, int64_t shape[MSIO_MAX_NDIM]) {
    const planning *p = user;
    const msio_write_opts *o = &p->opts;
    if (o->cell_ndim < 0 || o->cell_ndim > MSIO_MAX_NDIM)
        return msio_error_set(MSIO_E_UNDEFINED, NULL,
                              "the selected cells of column %s were never written, and have no shape yet; give "
                              "cell_shape",
                              p->dense.column[column].name);
    *ndim = o->cell_ndim;
    for (int k = 0; k < o->cell_ndim; k++) shape[k] = o->cell_shape[o->cell_ndim - 1 - k];
    return MSIO_OK;
}

/* New cells come with a file of their own: nothing in it is kept. */
static msio_status count_new(void *user, int column, const msio_leaf *leaf, const msio_want *want, msio_sink *sink) {
    planning *p = user;
    int64_t bytes = want->rows->count * want->row_elements * (int64_t)msio_type_size(leaf->column->type);
    (void)column;
    (void)sink;
    note_why(p, msio_define_refuses(leaf));
    if (leaf->column->type == MSIO_BOOL) bytes = msio_div_up(bytes, 8);
    p->store.pieces++;
    p->store.blocks += msio_div_up(bytes, MSIO_BLOCK_BYTES);
    p->store.block_bytes += bytes;
    return MSIO_OK;
}

static bool native(void *user, int column, const msio_leaf *leaf) {
    const planning *p = user;
    return !msio_leaf_keeps(leaf) && msio_sharing_allows(&p->sharing, column, leaf);
}

static msio_status foreign(void *user, int column, const msio_leaf *leaf, const msio_want *want) {
    (void)user;
    (void)column;
    (void)leaf;
    (void)want;
    return MSIO_OK;
}

msio_status msio_write_plan_make(const msio_column *column, const msio_select *select, const msio_write_opts *opts,
                                 msio_write_plan *plan) {
    PROF_CALL_OF(column ? column->table->path : NULL, column ? column->name : NULL, 1);
    if (!column || !plan) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no column, or nowhere to put the plan");
    if ((opts && opts->struct_size != sizeof *opts) || plan->struct_size != sizeof *plan)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "options or a plan of another version: use the _INIT macros");
    msio_status status = msio_check_sizes(select, NULL);
    if (status) return status;
    msio_dense_column c = {.name = column->name};
    planning p = {
        .opts = MSIO_WRITE_OPTS_INIT, .plan = MSIO_WRITE_PLAN_INIT, .dense = {.n = 1, .column = &c, .select = select}};
    uint8_t element[16] = {0};
    if (opts) p.opts = *opts;
    c.out = element; /* a value that goes everywhere: memory of the whole size is not asked for */
    c.out_bytes = sizeof element;
    p.use =
        (msio_dense_use){note_leaf, prepare, count, shape_of_new, count_new, native, foreign, &p, true, false, false};
    p.dense.use = &p.use;
    status = msio_access_run(column->table, msio_dense_read, &p.dense);
    msio_sharing_free(&p.sharing);
    if (status) return status;
    p.plan.pieces = p.store.pieces;
    p.plan.blocks = p.store.blocks;
    p.plan.bytes_stored = p.store.block_bytes;
    p.plan.bytes_kept = p.store.kept_bytes;
    *plan = p.plan;
    return MSIO_OK;
}
