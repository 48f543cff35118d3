/* blocks.h - from the pieces of a batch to blocks: stretches of files that are stored at once. */
#ifndef MSIO_IO_BLOCKS_H
#define MSIO_IO_BLOCKS_H

#include "io/engine/schedule.h"

/* A part of one piece that was too large for a block. */
typedef struct msio_block_part {
    msio_box box; /* simplified */
    int64_t bit, out;
} msio_block_part;

/* One stretch [offset, offset + length) of a file. */
typedef struct msio_block {
    int64_t first, pieces; /* whole pieces of the batch, or one of which it is a part */
    int64_t part;          /* index of the part, -1: whole pieces */
    int64_t offset, length;
    int64_t in_bytes; /* of the caller's that it takes */
    bool covered;     /* pieces cover all of it: its old bytes need not be read to be kept */
    bool chained;     /* shares bytes, or a large unit, with one before it: the same thread stores it, after that one */
    bool of_unit;     /* of a unit that is longer than a block: its blocks are one chain, and kept as one */
    bool begins_unit; /* the first of these */
} msio_block;

typedef struct msio_blocks {
    int64_t n, capacity;
    msio_block *block;
    int64_t parts, parts_capacity;
    msio_block_part *part;
    int64_t longest; /* length of the longest block */
    int64_t
        longest_kept; /* of what is kept as one: a block, or from the first to the last byte stored of a large unit */
    int64_t pieces_capacity;
    msio_piece *pieces; /* the batch's, where some were cut */
} msio_blocks;

/* Sorts the batch's pieces and fills the list (whose memory is reused). Pieces that share a unit with others are cut at
 * its borders, so that it is stored as one: then batch->pieces becomes the list's own, until it is freed. most: the
 * usual length of a block; those of a source with larger units may be as long as one unit, up to `limit`. Units that
 * are larger, up to `kept`, have blocks of the usual length, and a block none of two; of others it does not matter.
 * MSIO_E_MEMORY. */
msio_status msio_blocks_make(msio_blocks *blocks, msio_piece_batch *batch, int64_t most, int64_t limit, int64_t kept);
void msio_blocks_free(msio_blocks *blocks);

#endif
