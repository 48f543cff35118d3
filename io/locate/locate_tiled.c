/* locate_tiled.c - from bytes of a tile file to hypercube, tile, column and rows. */
#include "core/checked.h"
#include "core/error.h"
#include "io/layout/tiled/tiled_header.h"
#include "io/locate/locating.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows [row, row + rows) have the positions from `position` on in a hypercube: along its last axis, or along all axes
 * behind the cell's, counted through. */
typedef struct interval {
    int64_t cube, position, rows, row;
} interval;

typedef struct state {
    const msio_tiled *tiled;
    int64_t cubes;
    int64_t *cube; /* those of this file, ascending by offset */
    int64_t intervals;
    interval *interval; /* ascending by cube and position */
} state;

/* One hypercube at work. */
typedef struct grid {
    const msio_cube *cube;
    int64_t number;
    int64_t tiles, across; /* all tiles; tiles along an axis of rows: of one step of the first axis behind the cell's */
    int64_t count[MSIO_TILED_NDIM];
    int64_t cell_pixels; /* pixels of a tile in one step of the first axis behind the cell's */
} grid;

static void free_state(void *kept) {
    state *s = kept;
    free(s->cube);
    free(s->interval);
    free(s);
}

/* Tiles of a cube; -1 where the header's numbers cannot be. */
static int64_t lay_grid(const msio_tiled *t, int64_t number, grid *g) {
    const msio_cube *c = &t->cube[number];
    int64_t end;
    *g = (grid){.cube = c, .number = number, .tiles = 1, .across = 1, .cell_pixels = 1};
    for (int k = 0; k < c->ndim; k++) {
        g->count[k] = msio_div_up(c->shape[k], c->tile[k]);
        if (!msio_mul_checked(g->tiles, g->count[k], &g->tiles)) return -1;
        if (k >= t->cell_ndim) continue;
        g->across = g->tiles;
        g->cell_pixels *= c->tile[k];
    }
    if (!msio_mul_checked(g->tiles, c->bucket, &end) || !msio_add_checked(end, c->offset, &end)) return -1;
    return g->tiles;
}

/* ---------------------------------------------------------------- rows */

static int compare_intervals(const void *one, const void *other) {
    const interval *a = one, *b = other;
    if (a->cube != b->cube) return a->cube < b->cube ? -1 : 1;
    return a->position < b->position ? -1 : a->position > b->position;
}

/* Positions that one step of the last axis holds. */
static int64_t inner_of(const msio_tiled *t, int64_t cube) {
    int64_t inner = 1;
    for (int k = t->cell_ndim; k < t->cube[cube].ndim - 1; k++) inner *= t->cube[cube].shape[k];
    return inner;
}

static interval interval_at(const msio_tiled *t, int64_t i) {
    interval v = {.cube = t->interval_cube[i]};
    if (t->kind == MSIO_TILED_SHAPE) {
        v.row = i ? t->interval_row[i - 1] + 1 : 0;
        v.rows = t->interval_row[i] - v.row + 1;
        v.position = t->interval_position[i] - v.rows + 1;
    } else {
        int64_t end = i + 1 < t->intervals ? t->interval_row[i + 1] : t->rows_used;
        v.row = t->interval_row[i];
        v.rows = end - v.row;
        v.position = t->interval_position[i] * inner_of(t, v.cube);
    }
    return v;
}

static bool list_intervals(const msio_manager *manager, state *s) {
    const msio_tiled *t = s->tiled;
    bool listed = t->kind == MSIO_TILED_SHAPE || t->kind == MSIO_TILED_DATA;
    s->intervals = listed ? t->intervals : 1;
    s->interval = calloc((size_t)s->intervals + 1, sizeof *s->interval);
    if (!s->interval) return false;
    if (!listed) s->interval[0] = (interval){.rows = manager->rows};
    for (int64_t i = 0; listed && i < t->intervals; i++) s->interval[i] = interval_at(t, i);
    qsort(s->interval, (size_t)s->intervals, sizeof *s->interval, compare_intervals);
    return true;
}

/* First interval of the cube that ends behind the position, or a later one of the list. */
static int64_t first_interval(const state *s, int64_t cube, int64_t position) {
    int64_t low = 0, high = s->intervals;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        const interval *v = &s->interval[middle];
        if (v->cube < cube || (v->cube == cube && v->position + v->rows <= position))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The rows that have positions [from, to] in a cube. */
static void rows_at(const state *s, int64_t cube, int64_t from, int64_t to, msio_located *part) {
    int64_t first = INT64_MAX, end = -1;
    for (int64_t i = first_interval(s, cube, from); i < s->intervals; i++) {
        const interval *v = &s->interval[i];
        if (v->cube != cube || v->position > to) break;
        int64_t low = msio_max(from, v->position), high = msio_min(to, v->position + v->rows - 1);
        if (high < low) continue;
        first = msio_min(first, v->row + low - v->position);
        end = msio_max(end, v->row + high - v->position + 1);
    }
    if (end < 0) return;
    part->row = first;
    part->rows = end - first;
}

/* The position of a pixel of a tile along the axes behind the cell's, counted through. What is padding counts as the
 * last pixel inside before it. Positions rise with pixels. */
static int64_t position_of(const msio_tiled *t, const grid *g, int64_t tile, int64_t pixel) {
    const msio_cube *c = g->cube;
    int64_t position = 0, step = 1, along = tile / g->across, within = pixel / g->cell_pixels;
    for (int k = t->cell_ndim; k < c->ndim; k++) {
        int64_t at = along % g->count[k] * c->tile[k] + within % c->tile[k];
        position += msio_min(at, c->shape[k] - 1) * step;
        along /= g->count[k];
        within /= c->tile[k];
        step *= c->shape[k];
    }
    return position;
}

/* The rows of pixels [from, to] of a tile. */
static void find_rows(const state *s, const grid *g, int64_t tile, int64_t from, int64_t to, msio_located *part) {
    if (s->tiled->kind == MSIO_TILED_CELL) {
        part->row = g->number;
        part->rows = 1;
        return;
    }
    rows_at(s, g->number, position_of(s->tiled, g, tile, from), position_of(s->tiled, g, tile, to), part);
}

/* ---------------------------------------------------------------- tiles */

/* Tells of each column of section `section`; several share one only by mistake. */
static void tell_section(const msio_manager *manager, const state *s, int section, msio_question *question,
                         msio_located *part) {
    for (int i = 0; i < manager->dat->columns && !question->stop; i++) {
        const msio_column_dat *column = &manager->dat->column[i];
        if (column->manager != manager->index || s->tiled->section[column->number] != section) continue;
        part->column = column->name;
        msio_locate_tell(question, part);
    }
}

static void find_in_tile(const msio_manager *manager, const state *s, const grid *g, int64_t tile,
                         msio_question *question) {
    const msio_tiled *t = s->tiled;
    int64_t at = g->cube->offset + tile * g->cube->bucket, start = at;
    for (int section = 0; section < t->sections && !question->stop; section++) {
        int64_t bits = t->section_bits[section], length = msio_section_bytes(bits, g->cube->pixels);
        int64_t from = msio_max(question->from, at) - at, to = msio_min(question->to, at + length) - at;
        msio_located part = {.what = "tile", .unit = tile, .cube = g->number, .row = -1, .unit_at = start};
        part.offset = at;
        part.length = length;
        part.unit_bytes = g->cube->bucket;
        at += length;
        if (from >= to) continue;
        find_rows(s, g, tile, from * 8 / bits, msio_min((to * 8 - 1) / bits, g->cube->pixels - 1), &part);
        tell_section(manager, s, section, question, &part);
    }
}

static void find(const msio_locate_index *index, msio_question *question, msio_status *status) {
    const state *s = index->state;
    int64_t low = 0, high = s->cubes, at = question->from;
    (void)status;
    while (low < high) { /* the first cube that begins behind the question's begin */
        int64_t middle = low + (high - low) / 2;
        if (s->tiled->cube[s->cube[middle]].offset <= question->from)
            low = middle + 1;
        else
            high = middle;
    }
    for (int64_t i = low > 0 ? low - 1 : 0; i < s->cubes && !question->stop; i++) {
        grid g;
        const msio_cube *c = &s->tiled->cube[s->cube[i]];
        if (c->offset >= question->to) break;
        if (lay_grid(s->tiled, s->cube[i], &g) <= 0 || c->bucket <= 0) continue;
        int64_t end = c->offset + g.tiles * c->bucket;
        if (end <= question->from) continue;
        if (at < c->offset) msio_locate_tell_plain(question, "unused", at, c->offset);
        int64_t first = msio_max(0, question->from - c->offset) / c->bucket;
        int64_t last = (msio_min(end, question->to) - 1 - c->offset) / c->bucket;
        for (int64_t tile = first; tile <= last && !question->stop; tile++)
            find_in_tile(index->manager, s, &g, tile, question);
        at = msio_max(at, msio_min(end, question->to));
    }
    if (at < question->to) msio_locate_tell_plain(question, "unused", at, question->to);
}

/* ---------------------------------------------------------------- the index */

static void find_header(const msio_locate_index *index, msio_question *question, msio_status *status) {
    (void)index;
    (void)status;
    msio_locate_tell_plain(question, "header", question->from, question->to);
}

/* qsort has no argument for its comparison: pairs are sorted. */
typedef struct cube_place {
    int64_t offset, cube;
} cube_place;

static int compare_places(const void *one, const void *other) {
    const cube_place *a = one, *b = other;
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static bool list_cubes(state *s, int file) {
    const msio_tiled *t = s->tiled;
    cube_place *places = calloc((size_t)t->cubes + 1, sizeof *places);
    s->cube = calloc((size_t)t->cubes + 1, sizeof *s->cube);
    for (int64_t i = 0; places && s->cube && i < t->cubes; i++)
        if (t->cube[i].ndim > 0 && t->cube[i].file == file) places[s->cubes++] = (cube_place){t->cube[i].offset, i};
    bool made = places && s->cube;
    if (made) qsort(places, (size_t)s->cubes, sizeof *places, compare_places);
    for (int64_t i = 0; made && i < s->cubes; i++) s->cube[i] = places[i].cube;
    free(places);
    return made;
}

msio_status msio_locate_tiled(const msio_manager *manager, const char *suffix, msio_locate_index *index) {
    const msio_tiled *t = manager->state;
    int file = -1;
    int64_t number;
    if (suffix[0] == '\0') {
        index->find = find_header;
        return MSIO_OK;
    }
    if (sscanf(suffix, "_TSM%" SCNd64, &number) != 1) return MSIO_OK;
    for (int64_t i = 0; i < t->files; i++)
        if (t->file[i].present && t->file[i].number == number) file = (int)i;
    if (file < 0) return MSIO_OK;
    state *s = calloc(1, sizeof *s);
    if (!s) return msio_error_set(MSIO_E_MEMORY, manager->directory, "no memory for the places of tiles");
    s->tiled = t;
    if (!list_cubes(s, file) || !list_intervals(manager, s)) {
        free_state(s);
        return msio_error_set(MSIO_E_MEMORY, manager->directory, "no memory for the places of tiles");
    }
    index->find = find;
    index->state = s;
    index->free_state = free_state;
    return MSIO_OK;
}
