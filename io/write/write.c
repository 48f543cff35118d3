/* write.c - the write calls of the public API: one call's locks, counters, blocks. */
#include "msio/write.h"

#include "core/checked.h"
#include "core/error.h"
#include "core/writing.h"
#include "io/lock/interrupted.h"
#include "io/lock/sync_record.h"
#include "io/read/dense.h"
#include "io/write/counting.h"
#include "io/write/define.h"
#include "io/write/exchange.h"
#include "io/write/foreign.h"
#include "io/write/put_blocks.h"
#include "io/write/sharing.h"
#include "io/write/write_parts.h"
#include "prof/call.h"
#include "prof/span.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One plain table that the call writes, and which of its data managers. */
typedef struct root {
    msio_access *access;
    int managers;
    int *manager;
    int64_t first_row, last_row;
    uint8_t record[MSIO_SYNC_RECORD_MOST];
    int64_t record_bytes;
} root;

/* One write call. */
typedef struct writing {
    msio_dense dense;
    msio_dense_use use;
    msio_write_opts opts;
    msio_put store;
    int roots;
    root **root;
    int defines; /* new cells, one a column and plain table */
    msio_define **define;
    bool shares;                   /* rows of some columns share stored values */
    msio_sharing sharing;          /* whether all of these are put */
    msio_edits edits;              /* what casacore puts */
    bool stored;                   /* counters were raised */
    const msio_write_parts *parts; /* where the values come from; NULL: they are all there */
    bool prepares;                 /* goes over all that is to be written, before the first part comes */
    msio_put_maker maker;          /* make NULL: values are in memory */
    bool *refused;                 /* that values are made */
} writing;

/* ---------------------------------------------------------------- which tables, which managers */

static msio_status no_memory(const char *path) { return msio_error_set(MSIO_E_MEMORY, path, "no memory for a write"); }

static root *find_root(writing *w, msio_access *access) {
    for (int i = 0; i < w->roots; i++)
        if (w->root[i]->access == access) return w->root[i];
    root **grown = realloc(w->root, ((size_t)w->roots + 1) * sizeof *grown);
    if (!grown) return NULL;
    w->root = grown;
    root *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->manager = calloc((size_t)access->snapshot->dat->managers + 1, sizeof *r->manager);
    r->access = access;
    r->first_row = INT64_MAX;
    r->last_row = -1;
    return w->root[w->roots++] = r;
}

static void add_manager(root *r, int manager) {
    for (int i = 0; i < r->managers; i++)
        if (r->manager[i] == manager) return;
    r->manager[r->managers++] = manager;
}

/* Whether the cells' places are written natively; cells that were never written are known of later. */
static bool native(void *user, int column, const msio_leaf *leaf) {
    const writing *w = user;
    if (msio_leaf_keeps(leaf) || !msio_sharing_allows(&w->sharing, column, leaf)) return false;
    return !w->dense.column[column].fresh || !msio_define_refuses(leaf);
}

/* Whether casacore can be asked to write what is not. */
static msio_status may_edit(const writing *w, const msio_leaf *leaf, const msio_rows *rows) {
    const char *refused = msio_edits_refuse(leaf, rows), *why = msio_leaf_keeps(leaf);
    if (!why) why = msio_leaf_shares(leaf);
    if (!why) why = msio_define_refuses(leaf);
    if (!refused && w->opts.atomic) refused = "all or nothing is kept for what is written natively";
    if (!refused) return MSIO_OK;
    return msio_error_set(MSIO_E_UNSUPPORTED, leaf->access->table->path,
                          "column %s is not written natively (%s), and %s", leaf->column->name, why, refused);
}

static msio_status note_leaf(void *user, int column, const msio_leaf *leaf, const msio_rows *rows) {
    writing *w = user;
    if (rows->count == 0) return MSIO_OK;
    root *r = find_root(w, leaf->access);
    if (!r || !r->manager) return no_memory(leaf->access->table->path);
    add_manager(r, leaf->column->manager);
    r->first_row = msio_min(r->first_row, msio_rows_row(rows, 0));
    r->last_row = msio_max(r->last_row, msio_rows_row(rows, rows->count - 1));
    if (msio_leaf_shares(leaf)) {
        w->shares = true; /* what is put of it is known when all shapes are */
        return MSIO_OK;
    }
    return native(w, column, leaf) ? MSIO_OK : may_edit(w, leaf, rows);
}

/* Rows that share a value, before anything is changed: what is not all of it is casacore's. Values that come part by
 * part are not known yet. */
static msio_status note_sharing(void *user, const msio_leaf *leaf, const msio_rows *rows) {
    writing *w = user;
    const msio_dense_column *c = &w->dense.column[w->dense.current];
    if (rows->count == 0 || c->row_elements == 0 || !msio_leaf_shares(leaf)) return MSIO_OK;
    int64_t element = (int64_t)msio_type_size(c->type);
    const msio_shared_cells cells = {.from = c->out,
                                     .row_bytes = c->row_elements * element,
                                     .apart = (c->apart ? c->apart : c->row_elements) * element,
                                     .one = w->use.repeats};
    msio_status status =
        msio_sharing_note(&w->sharing, w->dense.current, leaf, rows, w->parts || w->maker.make ? NULL : &cells);
    return status || native(w, w->dense.current, leaf) ? status : may_edit(w, leaf, rows);
}

static msio_status note_all_sharing(writing *w, msio_access *access) {
    msio_status status = MSIO_OK;
    for (w->dense.current = 0; w->dense.current < w->dense.n && w->shares && !status; w->dense.current++)
        status = msio_leaves_visit(access, w->dense.column[w->dense.current].name, &w->dense.rows, note_sharing, w);
    return status;
}

/* One more change of the managers that are written. */
static msio_status count(root *r) {
    return msio_count_change(r->access, r->managers, r->manager, r->record, &r->record_bytes);
}

static void name_columns(const writing *w, char *text, size_t size) {
    size_t at = 0;
    text[0] = 0;
    for (int i = 0; i < w->dense.n && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%s", i ? ", " : "", w->dense.column[i].name);
}

/* Cells that are to get a shape are given whole. */
static msio_status check_fresh(const writing *w) {
    for (int i = 0; i < w->dense.n; i++) {
        const msio_dense_column *c = &w->dense.column[i];
        for (int k = 0; k < c->ndim && c->fresh; k++)
            if (c->axis[k].count != c->shape[k])
                return msio_error_set(MSIO_E_UNDEFINED, NULL,
                                      "cells of column %s that were never written get their shape, and all of their "
                                      "elements: a part of each was given",
                                      c->name);
    }
    return MSIO_OK;
}

/* Whether nobody else has the table open, who would go on with a file that was exchanged. */
static bool is_alone(const msio_access *access) {
    return access->lock && !access->table->opts.lock_is_held && !msio_lock_open_elsewhere(access->lock);
}

/* What the caller asks for, else what the environment does. */
static msio_store store_of(const msio_write_opts *opts) {
    static const char *const names[] = {"auto", "calls", "mapped", "probe"};
    const char *name = getenv("MSIO_STORE");
    if (opts->store != MSIO_STORE_AUTO || !name) return opts->store;
    for (int i = MSIO_STORE_CALLS; i <= MSIO_STORE_PROBE; i++)
        if (strcmp(name, names[i]) == 0) return (msio_store)i;
    return MSIO_STORE_AUTO;
}

static msio_status prepare(void *user, msio_access *access) {
    writing *w = user;
    msio_put_opts o = {.threads = w->opts.threads,
                       .journal = w->opts.atomic      ? MSIO_JOURNAL_WHOLE
                                  : w->opts.unguarded ? 0
                                                      : MSIO_JOURNAL_BLOCKS,
                       .store = (int)store_of(&w->opts),
                       .progress = w->opts.progress,
                       .user = w->opts.user};
    if (w->store.thread) return MSIO_OK; /* the next part of a write that has begun */
    for (int i = 0; i < w->dense.n; i++) o.total += w->dense.column[i].bytes;
    if (w->maker.make) {
        o.store = MSIO_STORE_CALLS;
        o.maker = &w->maker;
        w->maker.row_bytes = w->dense.column[0].row_elements * (int64_t)msio_type_size(w->dense.column[0].type);
    }
    w->edits.bytes = o.total;
    msio_status status = check_fresh(w);
    if (!status) status = note_all_sharing(w, access);
    if (!status) status = msio_put_start(&w->store, &o);
    for (int i = 0; i < w->roots && !status; i++) {
        root *r = w->root[i];
        msio_put_place place = {.directory = r->access->table->path, .record = r->record};
        place.alone = w->opts.atomic && is_alone(r->access);
        place.facts = (msio_journal_facts){.first_row = r->first_row, .last_row = r->last_row};
        name_columns(w, place.facts.columns, sizeof place.facts.columns);
        w->stored = true;
        status = count(r);
        place.record_bytes = r->record_bytes;
        if (!status) status = msio_put_add_place(&w->store, &place);
    }
    return status;
}

static msio_status flush(void *user, msio_piece_batch *batch) {
    writing *w = user;
    return w->prepares ? msio_put_prepare(&w->store, batch) : msio_put_run(&w->store, batch);
}

/* ---------------------------------------------------------------- cells that were never written */

static msio_status shape_of_new(void *user, int column, int *ndim, int64_t shape[MSIO_MAX_NDIM]) {
    const writing *w = user;
    const msio_write_opts *o = &w->opts;
    if (o->cell_ndim < 0 || o->cell_ndim > MSIO_MAX_NDIM)
        return msio_error_set(MSIO_E_UNDEFINED, NULL,
                              "the selected cells of column %s were never written, and have no shape yet; give "
                              "cell_shape",
                              w->dense.column[column].name);
    *ndim = o->cell_ndim;
    for (int k = 0; k < o->cell_ndim; k++) shape[k] = o->cell_shape[o->cell_ndim - 1 - k];
    return MSIO_OK;
}

/* Rows of a set as stretches; *cells is to be freed. */
static msio_status stretches_of(const msio_want *want, const char *path, msio_new_cells **cells, int *n) {
    const msio_rows *rows = want->rows;
    *n = 0;
    *cells = NULL;
    for (int64_t i = 0, end; i < rows->count; i = end) {
        int64_t first = msio_rows_row(rows, i);
        end = i + 1;
        if (!rows->row && rows->step == 1) end = rows->count;
        while (end < rows->count && msio_rows_row(rows, end) == first + end - i) end++;
        if (*n >= 1 << 20)
            return msio_error_set(MSIO_E_UNSUPPORTED, path, "new cells in more than %d stretches of rows", 1 << 20);
        msio_new_cells *grown = *n & (*n - 1) ? *cells : realloc(*cells, (*n ? 2 * (size_t)*n : 1) * sizeof *grown);
        if (!grown) return no_memory(path);
        *cells = grown;
        grown[*n] = (msio_new_cells){.first_row = first, .rows = end - i, .ndim = want->ndim};
        memcpy(grown[(*n)++].shape, want->shape, sizeof want->shape);
    }
    return MSIO_OK;
}

static bool is_zero(const msio_dense_column *c) {
    const uint8_t *bytes = c->out;
    for (size_t i = 0; i < msio_type_size(c->type); i++)
        if (bytes[i]) return false;
    return true;
}

static msio_status fill_cells(const msio_define *made, const msio_leaf *leaf, const msio_want *want, msio_sink *sink) {
    const msio_manager *m = msio_define_manager(made);
    return m->layout->pieces(m, leaf->column, want, sink);
}

static msio_status make_cells(void *user, int column, const msio_leaf *leaf, const msio_want *want, msio_sink *sink) {
    writing *w = user;
    const char *path = leaf->access->table->path;
    bool hole = w->use.repeats && !w->prepares && is_zero(&w->dense.column[column]);
    msio_new_cells *cells;
    int n;
    for (int i = 0; i < w->defines; i++) /* made before the first part came */
        if (msio_define_slot(w->define[i]) == leaf->slot) return fill_cells(w->define[i], leaf, want, sink);
    msio_define **grown = realloc(w->define, ((size_t)w->defines + 1) * sizeof *grown), *made = NULL;
    if (!grown) return no_memory(path);
    w->define = grown;
    msio_status status = stretches_of(want, path, &cells, &n);
    if (!status) status = msio_define_start(leaf, n, cells, !hole || w->opts.allocate, &made);
    free(cells);
    if (status) return status;
    w->define[w->defines++] = made;
    return hole ? MSIO_OK : fill_cells(made, leaf, want, sink);
}

/* All or nothing: one folder's new headers and files are decided on together with what was stored there. */
static msio_status decide(writing *w, const char *folder, bool *decided) {
    char(*path)[4096] = malloc(((size_t)w->defines + 1) * sizeof *path);
    const char **name = malloc(((size_t)w->defines + 1) * sizeof *name);
    int n = 0;
    msio_status status = path && name ? MSIO_OK : no_memory(folder);
    for (int i = 0; i < w->defines && !status; i++)
        if (strcmp(msio_define_folder(w->define[i]), folder) == 0) {
            name[n] = msio_define_header(w->define[i], path[n]);
            n++;
        }
    if (!status) status = msio_put_commit(&w->store, folder, n, name, decided);
    free(path);
    free(name);
    return status;
}

/* Headers come last: what they name is whole. */
static msio_status commit_cells(writing *w) {
    msio_status status = MSIO_OK;
    for (int i = 0; i < w->defines && !status; i++) status = msio_define_prepare(w->define[i], w->opts.sync);
    for (int r = 0; r < w->roots && !status; r++) {
        const char *folder = w->root[r]->access->table->path;
        bool decided = false;
        int exchanged = msio_put_exchanged(&w->store, folder);
        if (w->opts.atomic && (w->defines || exchanged)) status = decide(w, folder, &decided);
        if (!status && exchanged) status = msio_put_exchange(&w->store, folder);
        for (int i = 0; i < w->defines && (!status || decided); i++) {
            if (strcmp(msio_define_folder(w->define[i]), folder) != 0) continue;
            msio_status failed = msio_define_commit(w->define[i], decided);
            if (!status) status = failed;
        }
        if (!status && w->opts.sync && (w->defines || exchanged)) status = msio_exchange_sync(folder);
    }
    return status;
}

static void free_cells(writing *w) {
    for (int i = 0; i < w->defines; i++) msio_define_free(w->define[i]);
    free(w->define);
}

/* ---------------------------------------------------------------- through casacore */

static msio_status foreign(void *user, int column, const msio_leaf *leaf, const msio_want *want) {
    writing *w = user;
    if (w->maker.make) {
        *w->refused = true;
        return msio_error_set(MSIO_E_UNSUPPORTED, leaf->access->table->path, "column %s is written through casacore",
                              leaf->column->name);
    }
    msio_status status = may_edit(w, leaf, want->rows); /* of new cells it is known only now */
    if (status) return status;
    return msio_edit_cells(&w->edits, leaf, want, w->dense.column[column].out, w->use.repeats);
}

/* ---------------------------------------------------------------- one call */

/* Blocks are settled, then counted a second time; on the disk where that was asked for. */
static msio_status finish(writing *w, msio_status status) {
    if (!status) status = msio_put_settle(&w->store);
    if (!status && w->opts.sync) status = msio_put_sync(&w->store);
    if (!status) status = commit_cells(w);
    bool exchanged = msio_put_exchanged(&w->store, NULL) > 0;
    status = msio_put_finish(&w->store, status);
    free_cells(w);
    bool headers = w->defines > 0 || w->edits.n > 0 || exchanged;
    status = msio_edits_end(&w->edits, status, w->opts.sync);
    if (w->stored && w->store.forks != msio_forks()) return status; /* a child's: the write is the parent's */
    for (int i = 0; i < w->roots && w->stored; i++) {
        msio_error_copy error;
        if (status) msio_error_save(&error);
        msio_status counted = count(w->root[i]);
        if (!counted && w->opts.sync) counted = msio_lock_sync_file(w->root[i]->access->lock);
        msio_status seen = msio_count_seen(w->root[i]->access, headers);
        counted = counted ? counted : seen;
        status = status ? msio_error_restore(&error) : counted;
    }
    return status;
}

static void free_roots(writing *w) {
    for (int i = 0; i < w->roots; i++) {
        free(w->root[i]->manager);
        free(w->root[i]);
    }
    free(w->root);
}

/* Once over everything, by a value that stands for all that is to come; then part by part. */
static msio_status write_parts(writing *w, msio_access *access) {
    static const uint8_t any[16];
    const msio_select *whole = w->dense.select;
    msio_dense_column *c = w->dense.column;
    msio_write_part part;
    c->out = (void *)(uintptr_t)any; /* not even read */
    w->prepares = w->use.repeats = true;
    msio_status status = msio_dense_read(&w->dense, access);
    w->prepares = w->use.repeats = false;
    while (!status && !(status = w->parts->next(w->parts->user, &part))) {
        const msio_select select = msio_select_part(whole, part.place, part.rows);
        c->out = (void *)(uintptr_t)part.in; /* only read from */
        c->out_bytes = part.bytes;
        w->dense.select = &select;
        status = msio_dense_read(&w->dense, access);
    }
    w->dense.select = whole;
    return status == MSIO_END ? MSIO_OK : status;
}

static msio_status write_under_lock(writing *w, msio_table *table) {
    msio_access access;
    msio_status status = msio_access_begin_writing(table, &access);
    if (status) return status;
    status = w->parts ? write_parts(w, &access) : msio_dense_read(&w->dense, &access);
    if (w->store.thread || w->stored) status = finish(w, status);
    return msio_access_end(&access, status);
}

/* For `msio profile`: the cells' bytes, whoever stored them. */
static void did(const writing *w) {
    int64_t bytes = 0;
    for (int i = 0; i < w->dense.n; i++) bytes += w->dense.column[i].bytes;
    prof_call_did(bytes, w->dense.rows_selected);
}

static msio_status run(writing *w, msio_table *table, const msio_write_opts *opts) {
    static const msio_write_opts defaults = MSIO_WRITE_OPTS_INIT;
    msio_status status = msio_check_sizes(w->dense.select, NULL);
    if (status) return status;
    if (opts && opts->struct_size != sizeof *opts)
        return msio_error_set(MSIO_E_ARGUMENT, table->path,
                              "options of %zu bytes, this version knows %zu: use MSIO_WRITE_OPTS_INIT",
                              opts->struct_size, sizeof *opts);
    w->opts = opts ? *opts : defaults;
    if (w->opts.store < MSIO_STORE_AUTO || w->opts.store > MSIO_STORE_PROBE)
        return msio_error_set(MSIO_E_ARGUMENT, table->path, "no way to store: %d", (int)w->opts.store);
    w->use = (msio_dense_use){note_leaf, prepare, flush,          shape_of_new, make_cells,           native,
                              foreign,   w,       w->use.repeats, false,        w->maker.make != NULL};
    w->dense.use = &w->use;
    prof_span span;
    msio_writing limits; /* beyond `ulimit -f` a write fails, and no signal comes */
    prof_begin(&span, PROF_PATH_WRITE);
    msio_writing_begin(&limits);
    status = write_under_lock(w, table);
    msio_writing_end(&limits);
    prof_end(&span, &(prof_work){.bytes = (int64_t)atomic_load(&w->store.written),
                                 .rows = w->dense.rows_selected,
                                 .pieces = w->store.pieces});
    if (!status) did(w);
    free_roots(w);
    msio_sharing_free(&w->sharing);
    return status;
}

msio_status msio_write_many(int n, const msio_column *const *columns, const msio_select *select, const void *const *ins,
                            const size_t *in_bytes, const msio_write_opts *opts) {
    PROF_CALL_OF(n > 0 && columns ? columns[0]->table->path : NULL, n > 0 && columns ? columns[0]->name : NULL, n);
    return msio_write_columns(n, columns, select, ins, in_bytes, opts, n > 1);
}

msio_status msio_write_columns(int n, const msio_column *const *columns, const msio_select *select,
                               const void *const *ins, const size_t *in_bytes, const msio_write_opts *opts,
                               bool lenient) {
    if (n < 1 || !columns || !ins || !in_bytes)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "no columns, or nothing to put into them");
    msio_dense_column *c = calloc((size_t)n, sizeof *c);
    if (!c) return no_memory(NULL);
    msio_status status = MSIO_OK;
    for (int i = 0; i < n && !status; i++) {
        /* the plan only reads from there */
        c[i] = (msio_dense_column){
            .name = columns[i]->name, .out = (void *)(uintptr_t)ins[i], .out_bytes = ins[i] ? in_bytes[i] : 0};
        if (columns[i]->table != columns[0]->table)
            status = msio_error_set(MSIO_E_ARGUMENT, columns[i]->table->path,
                                    "columns of different tables: write each table by a call of its own");
    }
    writing w = {.dense = {.n = n, .column = c, .select = select, .lenient = lenient}};
    if (!status) status = run(&w, columns[0]->table, opts);
    free(c);
    return status;
}

msio_status msio_write(const msio_column *column, const msio_select *select, const void *in, size_t in_bytes,
                       const msio_write_opts *opts) {
    PROF_CALL_OF(column ? column->table->path : NULL, column ? column->name : NULL, 1);
    if (!column) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no column");
    return msio_write_columns(1, &column, select, &in, &in_bytes, opts, false);
}

msio_status msio_write_value(const msio_column *column, const msio_select *select, const void *value,
                             size_t value_bytes, const msio_write_opts *opts) {
    PROF_CALL_OF(column ? column->table->path : NULL, column ? column->name : NULL, 1);
    if (!column || !value) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no column, or no value");
    const msio_column_info *info = msio_column_describe(column);
    if (!info) return msio_last_error()->code;
    if (value_bytes != msio_type_size(info->type))
        return msio_error_set(MSIO_E_SIZE, column->table->path, "an element of column %s (%s) has %zu bytes, got %zu",
                              column->name, msio_type_name(info->type), msio_type_size(info->type), value_bytes);
    msio_dense_column c = {
        .name = column->name, .out = (void *)(uintptr_t)value, .out_bytes = value_bytes}; /* only read from */
    writing w = {.dense = {.n = 1, .column = &c, .select = select}, .use = {.repeats = true}};
    return run(&w, column->table, opts);
}

msio_status msio_write_in_parts(const msio_column *column, const msio_select *select, const msio_write_parts *parts,
                                const msio_write_opts *opts) {
    msio_dense_column c = {.name = column->name};
    writing w = {.dense = {.n = 1, .column = &c, .select = select}, .parts = parts};
    return run(&w, column->table, opts);
}

msio_status msio_write_made(const msio_column *column, const msio_select *select,
                            msio_status (*make)(void *user, int thread, int64_t place, int64_t rows, void *memory),
                            void *user, const msio_write_opts *opts, bool *refused) {
    msio_dense_column c = {.name = column->name};
    writing w = {.dense = {.n = 1, .column = &c, .select = select, .lenient = true},
                 .maker = {.make = make, .user = user},
                 .refused = refused};
    *refused = false;
    return run(&w, column->table, opts);
}

msio_status msio_write_as_stored(const msio_column *column, const msio_select *select, const void *in, size_t in_bytes,
                                 const msio_write_opts *opts) {
    msio_dense_column c = {
        .name = column->name, .out = (void *)(uintptr_t)in, .out_bytes = in_bytes, .as_stored = true};
    writing w = {.dense = {.n = 1, .column = &c, .select = select}};
    return run(&w, column->table, opts);
}

/* ---------------------------------------------------------------- repairing */

/* Of the first plain table that has something. */
static msio_status look(void *user, msio_access *access) {
    msio_repaired *result = user;
    for (int i = 0; i < access->children && !result->interrupted; i++) look(user, &access->child[i]);
    const msio_left *left = access->snapshot->left;
    if (!left || result->interrupted) return MSIO_OK;
    result->interrupted = 1;
    result->blocks = left->blocks;
    result->may_be_mixed = left->what == MSIO_LEFT_STRANGE;
    result->first_row = left->facts.first_row;
    result->last_row = left->facts.last_row;
    memcpy(result->columns, left->facts.columns, sizeof result->columns);
    return MSIO_OK;
}

msio_status msio_table_interrupted(msio_table *table, msio_repaired *result) {
    PROF_WITHIN;
    msio_repaired found = MSIO_REPAIRED_INIT;
    if (!result || result->struct_size != sizeof *result)
        return msio_error_set(MSIO_E_ARGUMENT, table->path, "a result of another size: use MSIO_REPAIRED_INIT");
    msio_status status = msio_access_run(table, look, &found);
    if (!status) *result = found;
    return status;
}

static void take_in(msio_repaired *result, const msio_interrupted *found) {
    if (found->left == MSIO_LEFT_NOTHING) return;
    result->interrupted = 1;
    result->blocks += found->restored;
    result->may_be_mixed |= found->left == MSIO_LEFT_STRANGE;
    result->first_row = found->facts.first_row;
    result->last_row = found->facts.last_row;
    memcpy(result->columns, found->facts.columns, sizeof result->columns);
}

static msio_status repair_one(msio_table *table, msio_repaired *result) {
    msio_status status = MSIO_OK;
    for (int i = 0; i < table->children && !status; i++) status = repair_one(table->child[i], result);
    if (status || table->children) return status;
    msio_interrupted found;
    status = msio_table_repair(table, &found);
    if (!status) take_in(result, &found);
    return status;
}

msio_status msio_repair(const char *path, msio_repaired *result) {
    PROF_CALL(path);
    msio_open_opts opts = MSIO_OPEN_OPTS_INIT;
    msio_repaired found = MSIO_REPAIRED_INIT;
    msio_table *table;
    if (result && result->struct_size != sizeof *result)
        return msio_error_set(MSIO_E_ARGUMENT, path,
                              "a result of %zu bytes, this version knows %zu: use "
                              "MSIO_REPAIRED_INIT",
                              result->struct_size, sizeof *result);
    opts.writable = 1;
    if (result) opts.lock_seconds = found.lock_seconds = result->lock_seconds;
    msio_status status = msio_table_open(path, &opts, &table);
    if (status) return status;
    status = repair_one(table, &found);
    msio_table_close(table);
    if (!status && result) *result = found;
    return status;
}
