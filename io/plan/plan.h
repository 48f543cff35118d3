/* plan.h - plans: what a layout says where data lies, and the sink that takes it to the engine.
 *
 * A layout pushes pieces, in ascending row order, into a sink. The sink merges what continues the piece before, checks
 * every piece against its file's size, and hands full batches on: to the engine, or to a count when only the plan is
 * wanted. So memory stays bounded whatever the selection is.
 */
#ifndef MSIO_IO_PLAN_H
#define MSIO_IO_PLAN_H

#include "core/box.h"
#include "core/file.h"
#include "core/numbers.h"
#include "msio/io.h"

struct msio_decoding;

/* Where pieces of a batch come from: a file, or memory that outlives the read. */
typedef struct msio_source {
    msio_file *file; /* NULL: memory */
    int64_t size;
    const uint8_t *memory;
    const struct msio_decoding *decoding; /* of pieces in encoded chunks; outlives the read */
    /* What is stored as one (a tile of `unit` bytes, from byte `unit_at` on each): a store that is interrupted leaves
     * it old or new, not mixed. 0: nothing larger than an element is. */
    int64_t unit, unit_at;
    bool fresh; /* nothing refers to the file yet: nothing in it need be kept */
} msio_source;

/* A chunk that must be decoded: `bytes` stored bytes at offset. */
typedef struct msio_encoded {
    int64_t offset, bytes;
    uint32_t mask; /* filters that were not applied to it */
} msio_encoded;

/* Rows of one column that lie at equal distances, and go to equal distances. Row i's element 0 is stored at
 * offset + i * row_src (Bool: bit 8 * offset + bit + i * row_src) and goes to byte out + i * row_dst of the column's
 * result; its other elements follow by the box. row_src 0 repeats one stored cell. */
typedef struct msio_piece {
    int64_t offset;
    int64_t out;
    int64_t rows, row_src, row_dst;
    int64_t span;   /* bytes of one row from offset to the end of its last wanted element, bits for Bool */
    int32_t source; /* index of the batch's sources */
    int32_t box;    /* index of the batch's boxes: one row's elements */
    int32_t target; /* index of the sink's targets */
    int32_t bit;    /* 0..7, Bool only */
    /* Of a piece in an encoded chunk: its stored bytes, all of which lie at offset (0: not encoded), the filters that
     * were not applied, and where the piece's element 0 lies in the decoded chunk. */
    int64_t encoded, within;
    uint32_t mask;
} msio_piece;

/* Stored elements in memory, for who looks at them instead of copying them. Element (i0, i1, ...) of the box lies at
 * src + sum(ik * box.src[k]) bytes (Bool: at bit `bit` + that sum of src) and belongs to byte out + sum(ik *
 * box.dst[k]) of the result. As stored: byte order, bits. */
typedef struct msio_seen {
    int thread;          /* 0 <= thread < threads of the engine */
    const msio_box *box; /* simplified */
    const uint8_t *src;
    int64_t bit, out;
} msio_seen;

/* One column's result. */
typedef struct msio_target {
    msio_codec codec;
    int elem, unit;            /* bytes delivered per element; bytes swapped as one */
    int64_t stored_bits;       /* of one element: 1 for Bool, else 8 * elem, or as many as `number` has */
    const msio_number *number; /* MSIO_CODEC_CONVERT: how it is stored, and what it becomes */
    msio_type type;
    uint8_t *out; /* NULL in a sink that only counts; what is read, where the plan runs the other way */
    int64_t out_bytes;
    bool repeats; /* the other way: the one element at out goes to every place */
    /* In place of copying: called by the engine's threads, in any order, once for every stored element; see msio_seen.
     */
    void (*look)(void *user, const msio_seen *seen);
    void *user;
} msio_target;

#define MSIO_BATCH_PIECES 65536
#define MSIO_BATCH_BOXES 4096
#define MSIO_BATCH_SOURCES 1024
#define MSIO_SEEN_PIECES 2 /* where more than one piece ends the plan */

typedef struct msio_piece_batch {
    int64_t n;
    msio_piece *pieces;
    int boxes;
    msio_box *box;
    int sources;
    msio_source *source;
    const msio_target *target;
} msio_piece_batch;

typedef struct msio_sink {
    msio_piece_batch batch;
    int targets;
    msio_target *target;
    int current; /* the target that pieces are pushed for now */
    int64_t bytes_in_batch;
    msio_status (*flush)(void *user, msio_piece_batch *batch); /* takes the batch; may sort its pieces */
    void *user;
    int64_t pieces_capacity, boxes_capacity, sources_capacity;
    int64_t pieces_total; /* after merging */
    int64_t batch_pieces; /* at most so many in a batch: MSIO_BATCH_PIECES, or less where memory is short */
    /* The other way: what is stored as one goes into one batch. A full one is handed on up to the last border, and what
     * came after it begins the next; where a batch would have nothing else, it is handed on as it is. */
    bool keeps_units;
    int64_t border, border_rows; /* pieces up to it, and rows of the last of them */
    /* Pieces of one row lie in two batches: until the next border none are merged, nor the first one behind it, so that
     * equal rows are cut alike and keep their order by place. */
    bool scattered, apart;
    bool whole; /* the pieces are looked at, not read: they may deliver any number of bytes, with any distances */
} msio_sink;

msio_status msio_sink_start(msio_sink *sink, int targets, msio_status (*flush)(void *, msio_piece_batch *), void *user);
void msio_sink_free(msio_sink *sink);

/* Pushes rows rows (at least 1) of one stored box of the current target.
 * where: byte offset of row 0's first wanted element in it; bit: see
 * msio_piece; row_src, row_dst, out, box as in msio_piece (the box is simplified here; its elements are one row's).
 * Errors: MSIO_E_FORMAT when the piece does not lie within the source (the message gives expected and found size),
 * MSIO_E_MEMORY, and what the flush returns. */
msio_status msio_sink_push(msio_sink *sink, const msio_source *source, int64_t where, int bit, int64_t rows,
                           int64_t row_src, int64_t row_dst, int64_t out, const msio_box *box);

/* The same for rows in an encoded chunk of the source's decoding; within: byte of row 0's first wanted element in the
 * decoded chunk. */
msio_status msio_sink_push_encoded(msio_sink *sink, const msio_source *source, const msio_encoded *chunk,
                                   int64_t within, int64_t rows, int64_t row_src, int64_t row_dst, int64_t out,
                                   const msio_box *box);

/* A good place to end a batch: between rows of tiles, or at least between rows. */
void msio_sink_border(msio_sink *sink);

/* Hands on what is left. */
msio_status msio_sink_finish(msio_sink *sink);

#endif
