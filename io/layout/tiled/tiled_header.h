/* tiled_header.h - headers of the tiled storage managers, parsed (docs/formats.md, "Tiled storage managers"). */
#ifndef MSIO_IO_TILED_HEADER_H
#define MSIO_IO_TILED_HEADER_H

#include "io/layout/layout.h"

#include <stdatomic.h>

#define MSIO_TILED_NDIM (MSIO_MAX_NDIM + 1)

typedef enum msio_tiled_kind { MSIO_TILED_COLUMN, MSIO_TILED_SHAPE, MSIO_TILED_CELL, MSIO_TILED_DATA } msio_tiled_kind;

/* A hypercube: ndim 0 is the dummy that stands for cells never written. Axis 0 is the fastest. */
typedef struct msio_cube {
    int ndim;
    int file; /* index in msio_tiled.file, -1: none */
    int64_t shape[MSIO_TILED_NDIM], tile[MSIO_TILED_NDIM];
    int64_t offset; /* of tile 0 in the file */
    int64_t pixels; /* of a tile */
    int64_t bucket; /* bytes of a tile, all columns */
} msio_cube;

typedef struct msio_tiled_file {
    bool present;
    int64_t number;            /* k of table.f<N>_TSM<k> */
    msio_file *_Atomic opened; /* on first use, under the state's lock */
} msio_tiled_file;

typedef struct msio_tiled {
    msio_arena arena;
    msio_tiled_kind kind;
    msio_stamp stamp; /* of the header file */
    bool fresh;       /* its tile files are being made: nobody else knows them yet */
    const char *name; /* of the hypercolumn */
    int cell_ndim;
    int64_t files, cubes, intervals;
    msio_tiled_file *file;
    msio_cube *cube;
    /* intervals of rows: TiledShapeStMan by their last row, TiledDataStMan by their first */
    int64_t *interval_row, *interval_cube, *interval_position;
    int64_t rows_used;
    int columns;  /* of the manager */
    int *section; /* [columns]: place in a tile, or -1 for coordinates and ids */
    int sections;
    int64_t *section_bits; /* [sections]: stored bits of an element, in the tile's order */
} msio_tiled;

/* Parses a header of the given kind. rows: what the table says. */
msio_status msio_tiled_parse(const msio_manager *manager, msio_tiled_kind kind, const void *bytes, int64_t length,
                             msio_tiled **tiled);
void msio_tiled_free(msio_tiled *tiled);

/* Bytes of one section of a tile of so many pixels. */
static inline int64_t msio_section_bytes(int64_t bits, int64_t pixels) {
    return bits == 1 ? (pixels + 7) / 8 : pixels * (bits / 8);
}

#endif
