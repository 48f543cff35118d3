/* tiled.c - layout of the tiled storage managers: from rows and cell axes to stretches of tiles. */
#include "core/checked.h"
#include "core/error.h"
#include "core/lock.h"
#include "io/layout/tiled/tiled_header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_LIMIT ((int64_t)1 << 30)

/* Opening a tile file is rare and short, so one lock serves all tables. */
static msio_lengthy opening = MSIO_LENGTHY_INIT;

static msio_status open_checked(const msio_manager *manager, msio_tiled_file *f, msio_file **file) {
    char path[4096], suffix[40];
    snprintf(suffix, sizeof suffix, "_TSM%lld", (long long)f->number);
    msio_status status = msio_file_open(msio_manager_path(manager, suffix, path, sizeof path), file);
    if (status == MSIO_E_NOT_FOUND)
        return msio_error_set(MSIO_E_FORMAT, path, "this tile file is missing; restore it from a copy");
    if (status) return status;
    (*file)->rewritten = true; /* see `changed` */
    (*file)->left = manager->left;
    return status;
}

static msio_status tile_file(const msio_manager *manager, msio_tiled *t, int index, msio_file **file) {
    msio_tiled_file *f = &t->file[index];
    msio_status status = MSIO_OK;
    *file = atomic_load_explicit(&f->opened, memory_order_acquire);
    if (*file) return MSIO_OK;
    msio_lengthy_lock(&opening);
    *file = atomic_load_explicit(&f->opened, memory_order_relaxed);
    if (!*file && !(status = open_checked(manager, f, file)))
        atomic_store_explicit(&f->opened, *file, memory_order_release);
    msio_lengthy_unlock(&opening);
    return status;
}

static msio_status load(msio_manager *manager, msio_tiled_kind kind, void **state) {
    char path[4096];
    char *bytes = NULL;
    int64_t length;
    msio_stamp stamp;
    msio_tiled *tiled = NULL;
    msio_status status =
        msio_file_slurp(msio_manager_path(manager, "", path, sizeof path), NULL, HEADER_LIMIT, &bytes, &length, &stamp);
    if (status == MSIO_E_NOT_FOUND)
        status = msio_error_set(MSIO_E_FORMAT, path, "this data manager's file is missing; restore it from a copy");
    if (!status) status = msio_tiled_parse(manager, kind, bytes, length, &tiled);
    free(bytes);
    if (status) return status;
    tiled->stamp = stamp;
    *state = tiled;
    return MSIO_OK;
}

static msio_status load_column(msio_manager *m, void **state) { return load(m, MSIO_TILED_COLUMN, state); }
static msio_status load_shape(msio_manager *m, void **state) { return load(m, MSIO_TILED_SHAPE, state); }
static msio_status load_cell(msio_manager *m, void **state) { return load(m, MSIO_TILED_CELL, state); }
static msio_status load_data(msio_manager *m, void **state) { return load(m, MSIO_TILED_DATA, state); }

static void unload(void *state) { msio_tiled_free(state); }

static size_t held(const void *state) { return ((const msio_tiled *)state)->arena.total; }

/* Tile files are read afresh by every call: only which file it is, and how long, was remembered. */
static bool changed(const msio_manager *manager) {
    const msio_tiled *t = manager->state;
    char path[4096];
    msio_stamp now;
    if (msio_stamp_path(msio_manager_path(manager, "", path, sizeof path), &now) || !msio_stamp_equal(&now, &t->stamp))
        return true;
    for (int64_t i = 0; i < t->files; i++) {
        const msio_file *f = atomic_load_explicit(&t->file[i].opened, memory_order_acquire);
        if (!f) continue;
        if (msio_stamp_path(f->path, &now) || now.device != f->stamp.device || now.inode != f->stamp.inode ||
            now.size != f->stamp.size)
            return true;
    }
    return false;
}

static const char *refuses(const msio_manager *manager, const msio_column_dat *column) {
    const msio_tiled *t = manager->state;
    if (column->kind == MSIO_KIND_RECORD) return "a record column";
    if (column->kind == MSIO_KIND_SUBTABLE) return "a column of tables";
    return t->section[column->number] < 0 ? "a coordinate or id of hypercubes" : NULL;
}

/* Whether some row lies in no hypercube, or in the dummy one of cells that were never written. */
static bool some_undefined(const msio_tiled *t, int64_t rows) {
    if (t->kind == MSIO_TILED_DATA && t->rows_used < rows) return true;
    if (t->kind == MSIO_TILED_SHAPE) {
        int64_t used = t->intervals ? t->interval_row[t->intervals - 1] + 1 : 0;
        if (used < rows) return true;
        for (int64_t i = 0; i < t->intervals; i++)
            if (t->cube[t->interval_cube[i]].ndim == 0) return true;
    }
    for (int64_t i = 0; t->kind == MSIO_TILED_CELL && i < t->cubes; i++)
        if (t->cube[i].ndim == 0) return true;
    return false;
}

static void describe(const msio_manager *manager, const msio_column_dat *column, msio_layout_facts *facts) {
    const msio_tiled *t = manager->state;
    int64_t cubes = 0;
    bool differ = false;
    (void)column;
    facts->name = t->name;
    facts->ndim = -1;
    facts->undefined = some_undefined(t, manager->rows);
    for (int64_t i = 0; i < t->cubes; i++) {
        const msio_cube *c = &t->cube[i];
        if (c->ndim == 0) continue;
        if (cubes++ > 0) {
            differ = differ || memcmp(c->shape, facts->shape, (size_t)t->cell_ndim * sizeof *c->shape) != 0;
            continue;
        }
        facts->tile_ndim = c->ndim;
        memcpy(facts->tile, c->tile, sizeof facts->tile);
        memcpy(facts->shape, c->shape, sizeof facts->shape);
    }
    if (cubes && !differ && !facts->undefined) facts->ndim = t->cell_ndim;
}

/* ---------------------------------------------------------------- which cube a row lies in */

/* Rows [index, index + count) of a set lie in `cube` (-1: nowhere). Row r has position r - shift along its last axis;
 * for TiledDataStMan, r - shift counts cells from position `position` on. */
typedef struct stretch {
    int64_t index, count, cube, shift, position;
} stretch;

static int64_t first_not_below(const int64_t *sorted, int64_t n, int64_t value) {
    int64_t low = 0, high = n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (sorted[middle] < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int64_t shape_stretch(const msio_tiled *t, int64_t row, stretch *s) {
    int64_t i = first_not_below(t->interval_row, t->intervals, row);
    s->cube = -1;
    if (i == t->intervals) return INT64_MAX;
    s->cube = t->interval_cube[i];
    s->shift = t->interval_row[i] - t->interval_position[i];
    return t->interval_row[i];
}

static int64_t data_stretch(const msio_tiled *t, int64_t row, stretch *s) {
    int64_t i = first_not_below(t->interval_row, t->intervals, row + 1) - 1;
    s->cube = -1;
    if (row >= t->rows_used || i < 0) return row >= t->rows_used ? INT64_MAX : row;
    s->cube = t->interval_cube[i];
    s->shift = t->interval_row[i];
    s->position = t->interval_position[i];
    int64_t last = i + 1 < t->intervals ? t->interval_row[i + 1] - 1 : INT64_MAX;
    return msio_min(last, t->rows_used - 1);
}

/* Finds the stretch of the set that begins at index. */
static stretch find_stretch(const msio_tiled *t, const msio_rows *rows, int64_t index) {
    int64_t row = msio_rows_row(rows, index), last = row;
    stretch s = {.index = index};
    if (t->kind == MSIO_TILED_COLUMN)
        last = INT64_MAX;
    else if (t->kind == MSIO_TILED_CELL)
        s.cube = row;
    else
        last = t->kind == MSIO_TILED_SHAPE ? shape_stretch(t, row, &s) : data_stretch(t, row, &s);
    if (s.cube >= 0 && t->cube[s.cube].ndim == 0) s.cube = -1;
    s.count = msio_rows_after(rows, index, last) - index;
    return s;
}

static msio_status shapes(const msio_manager *manager, const msio_column_dat *column, const msio_rows *rows,
                          msio_shape_sink sink, void *user) {
    const msio_tiled *t = manager->state;
    msio_status status = MSIO_OK;
    (void)column;
    for (int64_t i = 0; i < rows->count && !status;) {
        stretch s = find_stretch(t, rows, i);
        status =
            s.cube < 0 ? sink(user, i, s.count, -1, NULL) : sink(user, i, s.count, t->cell_ndim, t->cube[s.cube].shape);
        i += s.count;
    }
    return status;
}

/* ---------------------------------------------------------------- pieces */

/* One column in one cube, ready to push. */
typedef struct pusher {
    const msio_want *want;
    const msio_cube *cube;
    msio_sink *sink;
    msio_source source;
    int64_t section;                     /* byte offset of the column's part of a tile */
    int64_t bits, elem;                  /* of a stored, bytes of a delivered element */
    int64_t tile_step[MSIO_TILED_NDIM];  /* tiles between neighbours along an axis */
    int64_t pixel_step[MSIO_TILED_NDIM]; /* pixels, within a tile */
    int64_t out_step[MSIO_MAX_NDIM];     /* result elements between wanted neighbours along a cell axis */
} pusher;

/* Where some rows begin: in which tile, at which of its pixels, and where they go. */
typedef struct start {
    int64_t tile, pixel, rows, row_pixels, row_dst, out;
} start;

/* The wanted elements of axis k within its tile number `tile`: from which on, how many. */
static int64_t axis_in_tile(const pusher *p, int k, int64_t tile, int64_t *from) {
    const msio_range *r = &p->want->axis[k];
    int64_t low = tile * p->cube->tile[k], high = low + p->cube->tile[k];
    *from = low <= r->start ? 0 : msio_div_up(low - r->start, r->step);
    int64_t end = high <= r->start ? 0 : msio_div_up(high - r->start, r->step);
    return msio_max(0, msio_min(end, r->count) - *from);
}

static msio_status push_tile(const pusher *p, const start *s, const int64_t *cell_tile) {
    msio_box box = {.ndim = p->want->ndim};
    int64_t tile = s->tile, pixel = s->pixel, out = s->out;
    for (int k = 0; k < box.ndim; k++) {
        const msio_range *r = &p->want->axis[k];
        int64_t from;
        box.count[k] = axis_in_tile(p, k, cell_tile[k], &from);
        if (box.count[k] == 0) return MSIO_OK; /* the step leaps over this tile */
        box.src[k] = r->step * p->pixel_step[k] * p->bits;
        box.dst[k] = p->out_step[k] * p->elem;
        tile += cell_tile[k] * p->tile_step[k];
        pixel += (r->start + from * r->step - cell_tile[k] * p->cube->tile[k]) * p->pixel_step[k];
        out += from * box.dst[k];
    }
    int64_t where = p->cube->offset + tile * p->cube->bucket + p->section, row_src = s->row_pixels * p->bits;
    if (p->bits == 1)
        return msio_sink_push(p->sink, &p->source, where + pixel / 8, (int)(pixel % 8), s->rows, row_src, s->row_dst,
                              out, &box);
    for (int k = 0; k < box.ndim; k++) box.src[k] /= 8;
    return msio_sink_push(p->sink, &p->source, where + pixel * (p->bits / 8), 0, s->rows, row_src / 8, s->row_dst, out,
                          &box);
}

/* Visits the tiles that the wanted part of a cell touches. */
static msio_status push_cell(const pusher *p, const start *s) {
    int n = p->want->ndim, k;
    int64_t tile[MSIO_MAX_NDIM], last[MSIO_MAX_NDIM];
    for (k = 0; k < n; k++) {
        const msio_range *r = &p->want->axis[k];
        tile[k] = r->start / p->cube->tile[k];
        last[k] = (r->start + (r->count - 1) * r->step) / p->cube->tile[k];
    }
    do {
        msio_status status = push_tile(p, s, tile);
        if (status) return status;
        for (k = 0; k < n; k++) {
            if (++tile[k] <= last[k]) break;
            tile[k] = p->want->axis[k].start / p->cube->tile[k];
        }
    } while (k < n);
    return MSIO_OK;
}

static int64_t row_bytes(const pusher *p) { return p->want->place_elements * p->elem; }

/* Rows of a set that all lie in tile number `along` of the last axis. */
static msio_status push_tile_rows(const pusher *p, const msio_rows *rows, int64_t shift, int64_t along) {
    int last = p->cube->ndim - 1;
    int64_t low = along * p->cube->tile[last] + shift;
    start s = {.tile = along * p->tile_step[last], .rows = rows->count};
    if (!rows->row) {
        s.pixel = (rows->first - low) * p->pixel_step[last];
        s.row_pixels = rows->step * p->pixel_step[last];
        s.row_dst = rows->place_step * row_bytes(p);
        s.out = rows->place_first * row_bytes(p);
        return push_cell(p, &s);
    }
    s.rows = 1;
    msio_status status = MSIO_OK;
    for (int64_t i = 0; i < rows->count && !status; i++) {
        s.pixel = (rows->row[i] - low) * p->pixel_step[last];
        s.out = rows->place[i] * row_bytes(p);
        status = push_cell(p, &s);
    }
    return status;
}

/* Whether tiles of whole rows, and nothing else, follow each other: then rows lie as in one tile that has them all. */
static bool tiles_are_one(const pusher *p, const msio_rows *rows, int64_t shift) {
    int last = p->cube->ndim - 1;
    int64_t bits = p->pixel_step[last] * p->bits, end;
    return p->sink->whole && !rows->row && p->bits % 8 == 0 && p->tile_step[last] == 1 &&
           p->cube->bucket == p->cube->pixels * (p->bits / 8) &&
           msio_mul_checked(msio_rows_row(rows, rows->count - 1) - shift, bits, &end) &&
           msio_mul_checked(rows->step, bits, &end);
}

static msio_status push_rows(const pusher *p, const msio_rows *rows, int64_t shift) {
    if (tiles_are_one(p, rows, shift)) return push_tile_rows(p, rows, shift, 0);
    int64_t height = p->cube->tile[p->cube->ndim - 1];
    msio_status status = MSIO_OK;
    for (int64_t i = 0; i < rows->count && !status;) {
        int64_t along = (msio_rows_row(rows, i) - shift) / height;
        int64_t end = msio_rows_after(rows, i, (along + 1) * height - 1 + shift);
        msio_rows part = msio_rows_part(rows, i, end - i);
        msio_sink_border(p->sink);
        status = push_tile_rows(p, &part, shift, along);
        i = end;
    }
    return status;
}

/* TiledCellStMan and TiledDataStMan: a row's position along the axes behind the cell's. */
static msio_status push_positioned(const pusher *p, const stretch *st, const msio_rows *rows) {
    const msio_cube *c = p->cube;
    int n = p->want->ndim;
    msio_status status = MSIO_OK;
    for (int64_t i = 0; i < rows->count && !status; i++) {
        start s = {.rows = 1, .out = msio_rows_place(rows, i) * row_bytes(p)};
        if (i == 0 || msio_rows_row(rows, i) != msio_rows_row(rows, i - 1)) msio_sink_border(p->sink);
        int64_t d = msio_rows_row(rows, i) - st->shift;
        for (int k = n; k < c->ndim; k++) {
            bool last = k == c->ndim - 1;
            int64_t length = c->shape[k], at = length ? d % length : 0;
            if (last) at = d < length ? st->position + d : length;
            d = last ? 0 : length ? d / length : 0;
            if (at < 0 || at >= length)
                return msio_error_set(MSIO_E_FORMAT, p->source.file->path,
                                      "row %lld lies beyond its hypercube: the header is damaged",
                                      (long long)msio_rows_row(rows, i));
            s.tile += at / c->tile[k] * p->tile_step[k];
            s.pixel += at % c->tile[k] * p->pixel_step[k];
        }
        status = push_cell(p, &s);
    }
    return status;
}

static msio_status start_pusher(const msio_manager *manager, const msio_column_dat *column, int64_t cube, pusher *p) {
    msio_tiled *t = manager->state;
    int section = t->section[column->number];
    p->cube = &t->cube[cube];
    p->bits = t->section_bits[section];
    p->section = 0;
    for (int s = 0; s < section; s++) p->section += msio_section_bytes(t->section_bits[s], p->cube->pixels);
    int64_t tiles = 1, pixels = 1, elements = 1;
    for (int k = 0; k < p->cube->ndim; k++) {
        p->tile_step[k] = tiles;
        p->pixel_step[k] = pixels;
        tiles *= msio_div_up(p->cube->shape[k], p->cube->tile[k]);
        pixels *= p->cube->tile[k];
    }
    for (int k = 0; k < p->want->ndim; k++) {
        p->out_step[k] = elements;
        elements *= p->want->axis[k].count;
    }
    msio_status status = tile_file(manager, t, p->cube->file, &p->source.file);
    if (status) return status;
    p->source.size = p->source.file->stamp.size;
    p->source.unit = p->cube->bucket;
    p->source.unit_at = p->cube->offset;
    p->source.fresh = t->fresh;
    return MSIO_OK;
}

static msio_status check_row(const msio_tiled *t, const pusher *p, const stretch *s, const msio_rows *rows) {
    int64_t last = msio_rows_row(rows, rows->count - 1) - s->shift, first = msio_rows_row(rows, 0) - s->shift;
    if (t->kind == MSIO_TILED_CELL || t->kind == MSIO_TILED_DATA) return MSIO_OK; /* checked row by row */
    if (first >= 0 && last < p->cube->shape[p->cube->ndim - 1]) return MSIO_OK;
    return msio_error_set(MSIO_E_FORMAT, p->source.file->path,
                          "rows %lld to %lld lie beyond their hypercube: the header is damaged",
                          (long long)msio_rows_row(rows, 0), (long long)msio_rows_row(rows, rows->count - 1));
}

static msio_status pieces(const msio_manager *manager, const msio_column_dat *column, const msio_want *want,
                          msio_sink *sink) {
    const msio_tiled *t = manager->state;
    pusher p = {.want = want, .sink = sink, .elem = (int64_t)msio_type_size(column->type)};
    msio_status status = MSIO_OK;
    if (want->row_elements == 0) return MSIO_OK;
    for (int64_t i = 0; i < want->rows->count && !status;) {
        stretch s = find_stretch(t, want->rows, i);
        msio_rows part = msio_rows_part(want->rows, i, s.count);
        i += s.count;
        if (s.cube < 0)
            return msio_error_set(MSIO_E_UNDEFINED, manager->directory,
                                  "the cell of row %lld of column %s was never written",
                                  (long long)msio_rows_row(&part, 0), column->name);
        if ((status = start_pusher(manager, column, s.cube, &p)) || (status = check_row(t, &p, &s, &part)))
            return status;
        bool rows_last = t->kind == MSIO_TILED_COLUMN || t->kind == MSIO_TILED_SHAPE;
        status = rows_last ? push_rows(&p, &part, s.shift) : push_positioned(&p, &s, &part);
    }
    return status;
}

/* Of TiledDataStMan: the row of tiles along the last axis. */
static int64_t data_tile(const msio_cube *c, const stretch *s, int ncell, int64_t row) {
    int64_t d = row - s->shift, last = c->ndim - 1;
    for (int k = ncell; k < last; k++) d = c->shape[k] ? d / c->shape[k] : 0;
    return (s->position + d) / c->tile[last];
}

static msio_status tiles(const msio_manager *manager, const msio_column_dat *column, const msio_rows *rows,
                         msio_tile_sink sink, void *user) {
    const msio_tiled *t = manager->state;
    msio_status status = MSIO_OK;
    (void)column;
    for (int64_t i = 0, end; i < rows->count && !status;) {
        stretch s = find_stretch(t, rows, i);
        const int64_t behind = i + s.count;
        for (; i < behind && s.cube >= 0 && !status; i = end) {
            const msio_cube *c = &t->cube[s.cube];
            int64_t row = msio_rows_row(rows, i), height = c->tile[c->ndim - 1], tile = 0;
            end = i + 1;
            if (t->kind == MSIO_TILED_DATA) {
                tile = data_tile(c, &s, t->cell_ndim, row);
            } else if (t->kind != MSIO_TILED_CELL) {
                tile = (row - s.shift) / height;
                end = msio_min(behind, msio_rows_after(rows, i, (tile + 1) * height - 1 + s.shift));
            }
            status = sink(user, i, end - i, s.cube, tile);
        }
        i = behind;
    }
    return status;
}

#define TILED_LAYOUT(name, loader)                                                                                     \
    {                                                                                                                  \
        .type = name, .load = loader, .unload = unload, .held = held, .refuses = refuses, .shapes = shapes,            \
        .pieces = pieces, .tiles = tiles, .describe = describe, .changed = changed                                     \
    }

const msio_layout msio_tiled_column_layout = TILED_LAYOUT("TiledColumnStMan", load_column);
const msio_layout msio_tiled_shape_layout = TILED_LAYOUT("TiledShapeStMan", load_shape);
const msio_layout msio_tiled_cell_layout = TILED_LAYOUT("TiledCellStMan", load_cell);
const msio_layout msio_tiled_data_layout = TILED_LAYOUT("TiledDataStMan", load_data);
