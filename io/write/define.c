/* define.c - cells of a tiled column that was added without a shape: made and filled at once, or not at all. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "io/write/define.h"

#include "core/checked.h"
#include "core/error.h"
#include "core/lock.h"
#include "core/writing.h"
#include "io/aipsio/aipsio.h"
#include "io/aipsio/aipsio_write.h"
#include "io/aipsio/record.h"
#include "io/layout/tiled/tiled_header.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* casacore's own default for a tile. */
#define TILE_BYTES ((int64_t)1 << 20)
#define HEADER_LIMIT ((int64_t)1 << 30)
#define MOST_CUBES 4096
/* Lengths that need a file entry's second version. */
#define FIRST_LENGTH INT64_C(0x7fffffff)

/* A hypercube that is made. */
typedef struct new_cube {
    int ndim; /* of the cube */
    int64_t shape[MSIO_TILED_NDIM], tile[MSIO_TILED_NDIM];
    int64_t bytes; /* of its file */
} new_cube;

/* Where the parts of the present header lie. */
typedef struct old_header {
    char *bytes;
    int64_t length;
    int64_t inner, files, dummy, record, record_end, dummy_end, tail, tail_end; /* byte offsets */
    bool wide;
    int tile_ndim;
    int64_t tile[MSIO_TILED_NDIM]; /* the default */
} old_header;

struct msio_define {
    msio_leaf leaf;
    int cubes;
    new_cube *cube;
    int intervals;
    uint32_t *last_row, *in_cube, *position; /* [intervals] */
    uint8_t *header;
    int64_t header_bytes;
    int made; /* tile files */
    bool prepared, committed;
    unsigned forks; /* msio_forks() when it was begun: a child of fork removes nothing */
    msio_manager manager;
    msio_tiled *tiled;
};

const char *msio_define_refuses(const msio_leaf *leaf) {
    if (!leaf->native) return leaf->why_not;
    const msio_manager *m = &leaf->slot->manager;
    if (m->layout != &msio_tiled_shape_layout) return "only TiledShapeStMan keeps cells without a shape so";
    const msio_tiled *t = m->state;
    if (t->columns != 1 || t->sections != 1) return "its hypercubes are shared with other columns";
    if (m->rows > UINT32_MAX) return "the maps of TiledShapeStMan count rows in 32 bits";
    for (int64_t i = 0; i < t->cubes; i++)
        if (t->cube[i].ndim > 0) return "some of its cells have a shape already";
    return NULL;
}

/* ---------------------------------------------------------------- the present header */

static void find_parts(msio_aips *a, old_header *h) {
    msio_aips_enter(a, "TiledShapeStMan", 1);
    h->inner = a->at;
    uint32_t version = msio_aips_enter(a, "TiledStMan", 3);
    h->wide = version == 3;
    if (version >= 2) msio_aips_bool(a);
    msio_aips_u32(a);
    if (h->wide)
        msio_aips_u64(a);
    else
        msio_aips_u32(a);
    int64_t columns = msio_aips_count(a, 4);
    msio_aips_raw(a, 4 * columns);
    msio_aips_text(a);
    msio_aips_u32(a);
    msio_aips_u32(a);
    h->files = a->at;
    uint64_t files = h->wide ? msio_aips_u64(a) : msio_aips_u32(a);
    for (uint64_t i = 0; i < files && msio_aips_ok(a); i++)
        if (msio_aips_bool(a)) msio_aips_fail(a, MSIO_E_UNSUPPORTED, "a tile file is listed that no hypercube lies in");
    uint64_t cubes = h->wide ? msio_aips_u64(a) : msio_aips_u32(a);
    if (msio_aips_ok(a) && cubes != 1)
        msio_aips_fail(a, MSIO_E_UNSUPPORTED, "%llu hypercubes, where one that stands for no value is expected",
                       (unsigned long long)cubes);
    h->dummy = a->at;
    msio_aips_u32(a);
    h->record = a->at;
    msio_record_parse(a);
    h->record_end = a->at;
}

static void find_rest(msio_aips *a, old_header *h) {
    int ndim;
    int64_t shape[MSIO_TILED_NDIM];
    msio_aips_bool(a);
    msio_aips_u32(a);
    msio_aips_shape(a, &ndim, shape);
    msio_aips_shape(a, &ndim, shape);
    msio_aips_i32(a);
    msio_aips_u32(a);
    h->dummy_end = a->at;
    msio_aips_leave(a);
    h->tail = a->at;
    msio_aips_shape(a, &h->tile_ndim, h->tile);
    h->tail_end = a->at;
}

static msio_status read_header(const msio_manager *m, old_header *h) {
    char path[4096];
    msio_arena arena = {0};
    msio_aips a;
    msio_status status =
        msio_file_slurp(msio_manager_path(m, "", path, sizeof path), NULL, HEADER_LIMIT, &h->bytes, &h->length, NULL);
    if (status) return status;
    msio_aips_start(&a, h->bytes, h->length, true, path, &arena);
    find_parts(&a, h);
    find_rest(&a, h);
    msio_arena_free(&arena);
    return a.status;
}

/* ---------------------------------------------------------------- cubes and intervals */

static void default_tile(const old_header *h, new_cube *c, int64_t bits) {
    int64_t cell = 1, last = c->ndim - 1;
    bool given = h->tile_ndim == c->ndim;
    for (int k = 0; k < c->ndim; k++) given = given && h->tile[k] > 0;
    for (int k = 0; k < last; k++) {
        c->tile[k] = msio_max(1, given ? msio_min(h->tile[k], c->shape[k]) : c->shape[k]);
        cell *= c->tile[k];
    }
    c->tile[last] = given ? h->tile[last] : msio_max(1, TILE_BYTES * 8 / msio_max(1, cell * bits));
}

static bool same_cells(const new_cube *c, const msio_new_cells *cells) {
    if (c->ndim != cells->ndim + 1) return false;
    return memcmp(c->shape, cells->shape, (size_t)cells->ndim * sizeof *c->shape) == 0;
}

/* The hypercube of cells of this shape, made where there is none yet; -1: there are too many. */
static int cube_of(msio_define *d, const old_header *h, const msio_new_cells *cells, int64_t bits) {
    for (int i = 0; i < d->cubes; i++)
        if (same_cells(&d->cube[i], cells)) return i;
    if (d->cubes == MOST_CUBES) return -1;
    new_cube *c = &d->cube[d->cubes];
    c->ndim = cells->ndim + 1;
    memcpy(c->shape, cells->shape, (size_t)cells->ndim * sizeof *c->shape);
    c->shape[cells->ndim] = 0;
    if (cells->tile[0] > 0)
        memcpy(c->tile, cells->tile, (size_t)c->ndim * sizeof *c->tile);
    else
        default_tile(h, c, bits);
    return d->cubes++;
}

static void add_interval(msio_define *d, int64_t last_row, int cube, int64_t position) {
    d->last_row[d->intervals] = (uint32_t)last_row;
    d->in_cube[d->intervals] = (uint32_t)cube;
    d->position[d->intervals++] = (uint32_t)position;
}

/* Rows before, between and after the stretches stay without a value: the dummy cube, or no interval at the end. */
static msio_status arrange(msio_define *d, const old_header *h, int n, const msio_new_cells *cells, int64_t bits) {
    const char *path = d->leaf.access->table->path;
    int64_t row = 0;
    for (int i = 0; i < n; i++) {
        const msio_new_cells *c = &cells[i];
        if (c->rows < 1 || c->first_row < row || c->rows > d->leaf.slot->manager.rows - c->first_row)
            return msio_error_set(MSIO_E_ARGUMENT, path, "rows %lld to %lld do not ascend within the table's %lld",
                                  (long long)c->first_row, (long long)(c->first_row + c->rows - 1),
                                  (long long)d->leaf.slot->manager.rows);
        if (c->first_row > row) add_interval(d, c->first_row - 1, 0, 0);
        int cube = cube_of(d, h, c, bits);
        if (cube < 0)
            return msio_error_set(MSIO_E_UNSUPPORTED, path, "cells of more than %d shapes: write them by casacore",
                                  MOST_CUBES);
        d->cube[cube].shape[c->ndim] += c->rows;
        row = c->first_row + c->rows;
        add_interval(d, row - 1, cube + 1, d->cube[cube].shape[c->ndim] - 1);
    }
    return MSIO_OK;
}

static msio_status size_cubes(msio_define *d, int64_t bits) {
    for (int i = 0; i < d->cubes; i++) {
        new_cube *c = &d->cube[i];
        int64_t tiles = 1, pixels;
        bool fits = msio_product_checked(c->ndim, c->tile, &pixels) && pixels > 0 && pixels < INT64_MAX / 4096;
        for (int k = 0; k < c->ndim && fits; k++)
            fits = msio_mul_checked(tiles, msio_div_up(c->shape[k], c->tile[k]), &tiles);
        if (!fits || !msio_mul_checked(tiles, msio_section_bytes(bits, pixels), &c->bytes))
            return msio_error_set(MSIO_E_ARGUMENT, d->leaf.access->table->path,
                                  "cells of column %s would take more bytes than can be counted", d->leaf.column->name);
    }
    return MSIO_OK;
}

/* ---------------------------------------------------------------- the new header */

static void put_count(msio_aips_out *out, bool wide, uint64_t n) {
    if (wide)
        msio_aips_put_u64(out, n);
    else
        msio_aips_put_u32(out, (uint32_t)n);
}

static void put_files(msio_aips_out *out, const msio_define *d, bool wide) {
    put_count(out, wide, (uint64_t)d->cubes + 1);
    msio_aips_put_u8(out, 0);
    for (int i = 0; i < d->cubes; i++) {
        bool large = d->cube[i].bytes > FIRST_LENGTH;
        msio_aips_put_u8(out, 1);
        msio_aips_put_u32(out, large ? 2 : 1);
        msio_aips_put_u32(out, (uint32_t)i + 1);
        put_count(out, large, (uint64_t)d->cube[i].bytes);
    }
}

static void put_cube(msio_aips_out *out, const old_header *h, const new_cube *c, int number) {
    msio_aips_put_u32(out, 1);
    msio_aips_put_raw(out, h->bytes + h->record, h->record_end - h->record);
    msio_aips_put_u8(out, 1);
    msio_aips_put_u32(out, (uint32_t)c->ndim);
    msio_aips_put_shape(out, c->ndim, c->shape);
    msio_aips_put_shape(out, c->ndim, c->tile);
    msio_aips_put_u32(out, (uint32_t)number);
    msio_aips_put_u32(out, 0);
}

static msio_status make_header(msio_define *d, const old_header *h) {
    msio_aips_out out = {0};
    msio_aips_put_raw(&out, h->bytes, h->files);
    msio_aips_put_entered(&out, 4);
    msio_aips_put_entered(&out, h->inner);
    put_files(&out, d, h->wide);
    put_count(&out, h->wide, (uint64_t)d->cubes + 1);
    msio_aips_put_raw(&out, h->bytes + h->dummy, h->dummy_end - h->dummy);
    for (int i = 0; i < d->cubes; i++) put_cube(&out, h, &d->cube[i], i + 1);
    msio_aips_put_leave(&out);
    msio_aips_put_raw(&out, h->bytes + h->tail, h->tail_end - h->tail);
    msio_aips_put_u32(&out, (uint32_t)d->intervals);
    msio_aips_put_block(&out, d->intervals, d->last_row);
    msio_aips_put_block(&out, d->intervals, d->in_cube);
    msio_aips_put_block(&out, d->intervals, d->position);
    msio_aips_put_leave(&out);
    d->header = out.bytes;
    d->header_bytes = out.length;
    return out.failed ? msio_error_set(MSIO_E_MEMORY, d->leaf.access->table->path, "no memory for a header") : MSIO_OK;
}

/* ---------------------------------------------------------------- files */

static const char *tile_path(const msio_define *d, int cube, char path[4096]) {
    char suffix[32];
    snprintf(suffix, sizeof suffix, "_TSM%d", cube + 1);
    return msio_manager_path(&d->leaf.slot->manager, suffix, path, 4096);
}

/* What a crash left under this name is nobody's: the header does not name it. */
static msio_status make_tile_file(msio_define *d, int cube, bool allocate) {
    char path[4096];
    int64_t bytes = d->cube[cube].bytes;
    tile_path(d, cube, path);
    unlink(path);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0) return msio_error_system(MSIO_E_IO, path, "cannot make the tile file");
    d->made = cube + 1;
    msio_status status = MSIO_OK;
    if (allocate)
        status = msio_write_reserve(fd, path, bytes, "a tile file");
    else if (ftruncate(fd, (off_t)bytes))
        status = msio_error_system(MSIO_E_IO, path, "cannot make a tile file of %lld bytes", (long long)bytes);
    close(fd);
    return status;
}

static msio_status make_files(msio_define *d, bool allocate) {
    msio_status status = MSIO_OK;
    for (int i = 0; i < d->cubes && !status; i++) status = make_tile_file(d, i, allocate);
    if (status) return status;
    d->manager = d->leaf.slot->manager;
    d->manager.files = 0;
    d->manager.file = NULL;
    status = msio_tiled_parse(&d->manager, MSIO_TILED_SHAPE, d->header, d->header_bytes, &d->tiled);
    if (!status) d->tiled->fresh = true;
    d->manager.state = d->tiled;
    return status;
}

static msio_status take_memory(msio_define *d, int n) {
    size_t most = 2 * (size_t)n + 1;
    d->cube = calloc((size_t)msio_min(n, MOST_CUBES) + 1, sizeof *d->cube);
    d->last_row = calloc(most, sizeof *d->last_row);
    d->in_cube = calloc(most, sizeof *d->in_cube);
    d->position = calloc(most, sizeof *d->position);
    if (d->cube && d->last_row && d->in_cube && d->position) return MSIO_OK;
    return msio_error_set(MSIO_E_MEMORY, d->leaf.access->table->path, "no memory for %d stretches of rows", n);
}

msio_status msio_define_start(const msio_leaf *leaf, int n, const msio_new_cells *cells, bool allocate,
                              msio_define **define) {
    old_header h = {0};
    msio_define *d = calloc(1, sizeof *d);
    if (!d) return msio_error_set(MSIO_E_MEMORY, leaf->access->table->path, "no memory for a header");
    const msio_tiled *t = leaf->slot->manager.state;
    int64_t bits = t->section_bits[0];
    d->leaf = *leaf;
    d->forks = msio_forks();
    msio_status status = read_header(&leaf->slot->manager, &h);
    if (!status) status = take_memory(d, n);
    if (!status) status = arrange(d, &h, n, cells, bits);
    if (!status) status = size_cubes(d, bits);
    if (!status) status = make_header(d, &h);
    if (!status) status = make_files(d, allocate);
    free(h.bytes);
    if (status)
        msio_define_free(d);
    else
        *define = d;
    return status;
}

const msio_manager *msio_define_manager(const msio_define *define) { return &define->manager; }

msio_status msio_define_prepare(msio_define *define, bool sync) {
    char path[4096];
    msio_manager_path(&define->leaf.slot->manager, "_tmp", path, sizeof path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0) return msio_error_system(MSIO_E_IO, path, "cannot make the data manager's new header");
    define->prepared = true;
    msio_status status = msio_write_all(fd, path, define->header, define->header_bytes);
    if (!status && sync && fdatasync(fd)) status = msio_error_system(MSIO_E_IO, path, "cannot bring it to the disk");
    if (close(fd) && !status) status = msio_error_system(MSIO_E_IO, path, "cannot write the new header");
    return status;
}

const char *msio_define_header(const msio_define *define, char path[4096]) {
    return msio_manager_path(&define->leaf.slot->manager, "", path, 4096);
}

const char *msio_define_folder(const msio_define *define) { return define->leaf.access->table->path; }

const msio_slot *msio_define_slot(const msio_define *define) { return define->leaf.slot; }

msio_status msio_define_commit(msio_define *define, bool decided) {
    char path[4096], made[4096];
    msio_define_header(define, path);
    msio_manager_path(&define->leaf.slot->manager, "_tmp", made, sizeof made);
    if (rename(made, path)) {
        define->committed = decided;
        return msio_error_system(MSIO_E_IO, path, "cannot put the new header here");
    }
    define->committed = true;
    return MSIO_OK;
}

void msio_define_free(msio_define *define) {
    char path[4096];
    if (!define) return;
    define->committed = define->committed || define->forks != msio_forks();
    msio_tiled_free(define->tiled);
    for (int i = 0; i < define->made && !define->committed; i++) unlink(tile_path(define, i, path));
    if (define->prepared && !define->committed)
        unlink(msio_manager_path(&define->leaf.slot->manager, "_tmp", path, sizeof path));
    free(define->cube);
    free(define->last_row);
    free(define->in_cube);
    free(define->position);
    free(define->header);
    free(define);
}
