/* tiled_header.c - headers of the tiled storage managers, parsed. */
#include "io/layout/tiled/tiled_header.h"

#include "core/checked.h"
#include "core/error.h"
#include "io/aipsio/aipsio.h"
#include "io/aipsio/record.h"
#include "io/layout/shared/buckets.h"
#include "io/lock/lock_registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct parser {
    msio_aips a;
    const msio_manager *manager;
    msio_tiled *t;
    bool wide; /* 64-bit counts */
} parser;

static int64_t word(parser *p) { return p->wide ? msio_aips_i64(&p->a) : (int64_t)msio_aips_u32(&p->a); }

/* A count that is a word wide, of things that take bytes_each at least. */
static int64_t word_count(parser *p, int bytes_each) {
    int64_t n = word(p);
    if (msio_aips_ok(&p->a) && (n < 0 || n > msio_aips_left(&p->a) / bytes_each))
        msio_aips_fail(&p->a, MSIO_E_FORMAT, "%lld entries are announced, they do not fit what follows", (long long)n);
    return msio_aips_ok(&p->a) ? n : 0;
}

static void parse_files(parser *p) {
    msio_aips *a = &p->a;
    int64_t n = word_count(p, 1);
    p->t->file = msio_arena_take(a->arena, n + 1, sizeof *p->t->file);
    if (!p->t->file) msio_aips_fail(a, MSIO_E_MEMORY, "no memory for %lld tile files", (long long)n);
    for (int64_t i = 0; i < n && msio_aips_ok(a); i++) {
        msio_tiled_file *f = &p->t->file[i];
        f->present = msio_aips_bool(a);
        if (!f->present) continue;
        uint32_t version = msio_aips_u32(a);
        if (version < 1 || version > 2)
            msio_aips_fail(a, MSIO_E_UNSUPPORTED, "a tile file entry of version %u", version);
        f->number = msio_aips_u32(a);
        /* the length, which casacore never looks at: beyond 4 GiB it may be noted mod 2^32 */
        if (version == 1)
            msio_aips_u32(a);
        else
            msio_aips_i64(a);
    }
    p->t->files = n;
}

static int file_with_number(const msio_tiled *t, int64_t number) {
    if (number >= 0 && number < t->files && t->file[number].present && t->file[number].number == number)
        return (int)number;
    for (int64_t i = 0; i < t->files; i++)
        if (t->file[i].present && t->file[i].number == number) return (int)i;
    return -1;
}

/* Sizes of a cube's tiles, checked so that no address computed from them overflows. */
static void size_cube(parser *p, msio_cube *c) {
    int64_t tiles = 1, extent;
    for (int k = 0; k < c->ndim; k++) {
        if (c->tile[k] < 1) {
            msio_aips_fail(&p->a, MSIO_E_FORMAT, "a tile has %lld pixels along axis %d", (long long)c->tile[k], k);
            return;
        }
        if (!msio_mul_checked(tiles, msio_div_up(c->shape[k], c->tile[k]), &tiles)) tiles = INT64_MAX;
    }
    if (!msio_product_checked(c->ndim, c->tile, &c->pixels) || c->pixels > INT64_MAX / 4096) {
        msio_aips_fail(&p->a, MSIO_E_FORMAT, "a tile's size cannot be represented");
        return;
    }
    bool fits = true;
    for (int s = 0; s < p->t->sections; s++)
        fits = fits && msio_add_checked(c->bucket, msio_section_bytes(p->t->section_bits[s], c->pixels), &c->bucket);
    if (!fits || !msio_mul_checked(tiles, c->bucket, &extent) || !msio_add_checked(extent, c->offset, &extent) ||
        c->offset < 0)
        msio_aips_fail(&p->a, MSIO_E_FORMAT, "a hypercube's size cannot be represented");
}

static void parse_cube(parser *p, msio_cube *c) {
    msio_aips *a = &p->a;
    int tile_ndim = 0;
    uint32_t version = msio_aips_u32(a);
    if (version < 1 || version > 2) msio_aips_fail(a, MSIO_E_UNSUPPORTED, "a hypercube of version %u", version);
    msio_record_parse(a); /* values of coordinates and ids: those columns are read through casacore */
    msio_aips_bool(a);
    msio_aips_u32(a);
    msio_aips_shape(a, &c->ndim, c->shape);
    msio_aips_shape(a, &tile_ndim, c->tile);
    int32_t number = msio_aips_i32(a);
    c->offset = version == 1 ? (int64_t)msio_aips_u32(a) : msio_aips_i64(a);
    if (!msio_aips_ok(a) || c->ndim == 0) return;
    c->file = number < 0 ? -1 : file_with_number(p->t, number);
    if (tile_ndim != c->ndim)
        msio_aips_fail(a, MSIO_E_FORMAT, "a hypercube of %d axes has tiles of %d", c->ndim, tile_ndim);
    else if (c->file < 0)
        msio_aips_fail(a, MSIO_E_FORMAT, "a hypercube lies in tile file %d, which is not listed", (int)number);
    else
        size_cube(p, c);
}

/* ---------------------------------------------------------------- columns in a tile */

typedef struct member {
    int number; /* manager column number */
    int64_t bits, order_bytes;
    int position; /* in the hypercolumn's definition */
} member;

/* Larger elements first, Bool last, equal ones in reverse of their definition. */
static int by_tile_order(const void *a, const void *b) {
    const member *x = a, *y = b;
    if (x->order_bytes != y->order_bytes) return x->order_bytes < y->order_bytes ? 1 : -1;
    return x->position < y->position ? 1 : -1;
}

static const msio_field *hypercolumn_data(const msio_manager *manager, const char *name) {
    char key[512];
    snprintf(key, sizeof key, "Hypercolumn_%s", name);
    const msio_field *definition = msio_record_find(manager->dat->private_keywords, key);
    const msio_field *data =
        definition && definition->type == MSIO_RECORD ? msio_record_find(definition->record, "data") : NULL;
    return data && data->type == MSIO_STRING ? data : NULL;
}

static int position_in(const msio_field *data, const msio_column_dat *column) {
    if (!data) return column->number;
    for (int64_t i = 0; i < data->count; i++)
        if (strcmp(data->strings[i], column->name) == 0) return (int)i;
    return -1;
}

static void order_sections(parser *p) {
    const msio_table_dat *dat = p->manager->dat;
    msio_tiled *t = p->t;
    const msio_field *data = hypercolumn_data(p->manager, t->name);
    member *m = msio_arena_take(p->a.arena, t->columns + 1, sizeof *m);
    t->section = msio_arena_take(p->a.arena, t->columns + 1, sizeof *t->section);
    t->section_bits = msio_arena_take(p->a.arena, t->columns + 1, sizeof *t->section_bits);
    if (!m || !t->section || !t->section_bits) {
        msio_aips_fail(&p->a, MSIO_E_MEMORY, "no memory for %d columns", t->columns);
        return;
    }
    int n = 0, first = INT32_MAX;
    for (int i = 0; i < dat->columns; i++) {
        const msio_column_dat *c = &dat->column[i];
        if (c->manager != p->manager->index) continue;
        int position = position_in(data, c), size = msio_stored_size(c->type);
        t->section[c->number] = -1;
        if (position < 0) continue;
        if (position < first) {
            first = position;
            t->cell_ndim = c->kind == MSIO_KIND_SCALAR ? 0 : c->shape_ndim >= 0 ? c->shape_ndim : c->ndim;
        }
        m[n++] = (member){c->number, size ? size * 8 : 1, size, position};
    }
    qsort(m, (size_t)n, sizeof *m, by_tile_order);
    for (int s = 0; s < n; s++) {
        t->section[m[s].number] = s;
        t->section_bits[s] = m[s].bits;
    }
    t->sections = n;
    if (n == 0) msio_aips_fail(&p->a, MSIO_E_FORMAT, "hypercolumn '%.60s' has no data column", t->name);
}

/* ---------------------------------------------------------------- the common part */

static void check_columns(parser *p) {
    const msio_table_dat *dat = p->manager->dat;
    int64_t n = msio_aips_u32(&p->a);
    if (msio_aips_ok(&p->a) && n != dat->manager[p->manager->index].columns)
        msio_aips_fail(&p->a, MSIO_E_FORMAT, "the manager says it has %lld columns, table.dat gives it %d",
                       (long long)n, dat->manager[p->manager->index].columns);
    p->t->columns = dat->manager[p->manager->index].columns;
    for (int i = 0; i < dat->columns && msio_aips_ok(&p->a); i++) {
        const msio_column_dat *c = &dat->column[i];
        if (c->manager != p->manager->index) continue;
        int32_t type = msio_aips_i32(&p->a);
        if (msio_aips_ok(&p->a) && type != (int32_t)c->type)
            msio_aips_fail(&p->a, MSIO_E_FORMAT, "column %.60s has type code %d here and %d in table.dat", c->name,
                           type, (int)c->type);
    }
}

static void parse_common(parser *p) {
    msio_aips *a = &p->a;
    uint32_t version = msio_aips_enter(a, "TiledStMan", 3);
    p->wide = version == 3;
    bool big = version >= 2 ? msio_aips_bool(a) : true;
    if (msio_aips_ok(a) && big != p->manager->dat->big_endian)
        msio_aips_fail(a, MSIO_E_FORMAT, "the manager is %s-endian, the table is not", big ? "big" : "little");
    uint32_t sequence = msio_aips_u32(a);
    if (msio_aips_ok(a) && sequence != p->manager->dat->manager[p->manager->index].sequence)
        msio_aips_fail(a, MSIO_E_FORMAT, "the header is that of data manager %u", sequence);
    int64_t rows = word(p);
    if (msio_aips_ok(a) && rows != p->manager->rows)
        msio_aips_fail(a, MSIO_E_FORMAT, "the manager has %lld rows, the table %lld: " MSIO_OTHER_LOCK_ADVICE,
                       (long long)rows, (long long)p->manager->rows);
    check_columns(p);
    p->t->name = msio_aips_text(a);
    msio_aips_u32(a); /* cache size */
    int64_t ndim = msio_aips_u32(a);
    if (ndim > MSIO_TILED_NDIM) {
        msio_aips_fail(a, MSIO_E_UNSUPPORTED, "hypercubes of %lld axes, at most %d are read", (long long)ndim,
                       MSIO_TILED_NDIM);
        return;
    }
    if (msio_aips_ok(a)) order_sections(p);
    if (p->t->kind != MSIO_TILED_DATA) p->t->cell_ndim = (int)ndim - (p->t->kind != MSIO_TILED_CELL);
    parse_files(p);
    int64_t n = word_count(p, 30);
    p->t->cube = msio_arena_take(a->arena, n + 1, sizeof *p->t->cube);
    if (!p->t->cube) msio_aips_fail(a, MSIO_E_MEMORY, "no memory for %lld hypercubes", (long long)n);
    for (int64_t i = 0; i < n && msio_aips_ok(a); i++) parse_cube(p, &p->t->cube[i]);
    p->t->cubes = n;
    msio_aips_leave(a);
}

/* ---------------------------------------------------------------- the four managers */

static void parse_maps(parser *p, bool wide_rows, int64_t announced) {
    msio_aips *a = &p->a;
    int64_t n[3];
    p->t->interval_row = msio_aips_block(a, wide_rows, &n[0]);
    p->t->interval_cube = msio_aips_block(a, false, &n[1]);
    p->t->interval_position = msio_aips_block(a, false, &n[2]);
    if (!msio_aips_ok(a)) return;
    p->t->intervals = announced < 0 ? n[0] : announced;
    for (int k = 0; k < 3; k++)
        if (n[k] < p->t->intervals)
            msio_aips_fail(a, MSIO_E_FORMAT, "%lld row intervals are announced, a map has %lld",
                           (long long)p->t->intervals, (long long)n[k]);
    for (int64_t i = 0; i < p->t->intervals && msio_aips_ok(a); i++) {
        if (p->t->interval_row[i] <= (i ? p->t->interval_row[i - 1] : -1))
            msio_aips_fail(a, MSIO_E_FORMAT, "row interval %lld does not ascend", (long long)i);
        if (p->t->interval_cube[i] >= p->t->cubes)
            msio_aips_fail(a, MSIO_E_FORMAT, "row interval %lld lies in hypercube %lld of %lld", (long long)i,
                           (long long)p->t->interval_cube[i], (long long)p->t->cubes);
    }
}

static void parse_kind(parser *p) {
    static const char *const names[] = {"TiledColumnStMan", "TiledShapeStMan", "TiledCellStMan", "TiledDataStMan"};
    msio_aips *a = &p->a;
    msio_tiled *t = p->t;
    int ndim;
    int64_t shape[MSIO_TILED_NDIM];
    uint32_t version = msio_aips_enter(a, names[t->kind], t->kind == MSIO_TILED_DATA ? 2 : 1);
    if (t->kind == MSIO_TILED_COLUMN || t->kind == MSIO_TILED_CELL) {
        msio_aips_shape(a, &ndim, shape); /* the default tile: the cubes have their own */
        parse_common(p);
    } else if (t->kind == MSIO_TILED_SHAPE) {
        parse_common(p);
        msio_aips_shape(a, &ndim, shape);
        parse_maps(p, false, msio_aips_u32(a));
    } else {
        parse_common(p);
        t->rows_used = version == 1 && !p->wide ? (int64_t)msio_aips_u32(a) : msio_aips_i64(a);
        parse_maps(p, version == 2, version == 2 ? -1 : (int64_t)msio_aips_u32(a));
    }
    msio_aips_leave(a);
}

static void check_cubes(parser *p) {
    const msio_tiled *t = p->t;
    int extra = t->kind == MSIO_TILED_CELL ? 0 : 1;
    if (t->kind == MSIO_TILED_COLUMN && (t->cubes < 1 || t->cube[0].ndim == 0))
        msio_aips_fail(&p->a, MSIO_E_FORMAT, "a TiledColumnStMan must have one hypercube, this has %lld",
                       (long long)t->cubes);
    if (t->kind == MSIO_TILED_CELL && t->cubes < p->manager->rows)
        msio_aips_fail(&p->a, MSIO_E_FORMAT,
                       "a TiledCellStMan must have one hypercube a row, this has %lld for %lld rows",
                       (long long)t->cubes, (long long)p->manager->rows);
    if (t->cell_ndim < 0 || t->cell_ndim > MSIO_MAX_NDIM)
        msio_aips_fail(&p->a, MSIO_E_UNSUPPORTED, "cells of %d axes, at most %d are read", t->cell_ndim, MSIO_MAX_NDIM);
    for (int64_t i = 0; i < t->cubes && msio_aips_ok(&p->a); i++) {
        const msio_cube *c = &t->cube[i];
        if (c->ndim == 0) continue;
        if (t->kind == MSIO_TILED_DATA ? c->ndim < t->cell_ndim : c->ndim != t->cell_ndim + extra)
            msio_aips_fail(&p->a, MSIO_E_FORMAT, "hypercube %lld has %d axes, cells have %d", (long long)i, c->ndim,
                           t->cell_ndim);
        else if (t->kind == MSIO_TILED_COLUMN && c->shape[c->ndim - 1] < p->manager->rows)
            msio_aips_fail(&p->a, MSIO_E_FORMAT, "the hypercube has %lld rows, the table %lld",
                           (long long)c->shape[c->ndim - 1], (long long)p->manager->rows);
    }
}

msio_status msio_tiled_parse(const msio_manager *manager, msio_tiled_kind kind, const void *bytes, int64_t length,
                             msio_tiled **tiled) {
    char path[4096];
    msio_arena arena = {0};
    msio_tiled *t = msio_arena_take(&arena, 1, sizeof *t);
    if (!t) return msio_error_set(MSIO_E_MEMORY, manager->directory, "no memory for a data manager");
    t->kind = kind;
    parser p = {.manager = manager, .t = t};
    msio_aips_start(&p.a, bytes, length, true, msio_manager_path(manager, "", path, sizeof path), &arena);
    parse_kind(&p);
    if (msio_aips_ok(&p.a)) check_cubes(&p);
    t->arena = arena;
    if (p.a.status != MSIO_OK) {
        msio_tiled_free(t);
        return p.a.status;
    }
    *tiled = t;
    return MSIO_OK;
}

void msio_tiled_free(msio_tiled *tiled) {
    if (!tiled) return;
    for (int64_t i = 0; i < tiled->files; i++) msio_file_close(atomic_load(&tiled->file[i].opened));
    msio_arena arena = tiled->arena; /* which holds the state itself */
    msio_arena_free(&arena);
}
