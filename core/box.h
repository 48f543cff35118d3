/* box.h - N-dimensional box copies between a file's bytes and memory: the one place where data is decoded. */
#ifndef MSIO_CORE_BOX_H
#define MSIO_CORE_BOX_H

#include "msio/core.h"

#include <stdbool.h>

/* How stored elements become delivered ones. */
typedef enum msio_codec {
    MSIO_CODEC_COPY,   /* the machine's byte order already */
    MSIO_CODEC_SWAP,   /* the other byte order */
    MSIO_CODEC_BITS,   /* Bool: one bit each, least significant first, to one byte each */
    MSIO_CODEC_CONVERT /* another type: core/numbers.h does it, not the copies here */
} msio_codec;

/* Rows and cell axes, after the tile's own axes were folded in. */
#define MSIO_BOX_NDIM (MSIO_MAX_NDIM + 2)

/* A box: element (i0, i1, ...) with 0 <= ik < count[k] lies at sum(ik * src[k]) and goes to sum(ik * dst[k]).
 * Axis 0 is the innermost loop. src counts bytes, for MSIO_CODEC_BITS bits; dst counts bytes. A src stride of 0 repeats
 * one value, and none is negative. A dst stride may be negative: then element 0 does not go to the lowest address. */
typedef struct msio_box {
    int ndim;
    int64_t count[MSIO_BOX_NDIM];
    int64_t src[MSIO_BOX_NDIM];
    int64_t dst[MSIO_BOX_NDIM];
} msio_box;

/* Drops axes of count 1 and merges axes that are contiguous in both places; src_elem and dst_elem are the element's
 * sizes there (bytes, or bits). An empty box keeps one axis of count 0. Afterwards a fully contiguous box has ndim 1
 * (or 0 for a single element), src[0] == src_elem and dst[0] == dst_elem. */
void msio_box_simplify(msio_box *box);

/* Whether a simplified box is one contiguous run in both places. */
bool msio_box_is_run(const msio_box *box, int64_t src_elem, int64_t dst_elem);

/* Elements in the box. */
int64_t msio_box_elements(const msio_box *box);

/* Copies a (best simplified) box. elem: bytes of a delivered element (1, 2, 4, 8, 16); unit: bytes that are swapped as
 * one for MSIO_CODEC_SWAP (elem, or half of it for complex numbers). src_bit: bit offset of element 0 from src, for
 * MSIO_CODEC_BITS (may be larger than 7). Touches only bytes of src that hold wanted elements. src and dst need no
 * alignment. */
void msio_box_copy(const msio_box *box, msio_codec codec, int elem, int unit, const void *src, int64_t src_bit,
                   void *dst);

/* The other way: element (i0, i1, ...) lies in memory at sum(ik * box.dst[k]) bytes from `memory` and goes to sum(ik *
 * box.src[k]) bytes (MSIO_CODEC_BITS: bits, from bit `bit`) of `stored`; no stride of memory is negative, and
 * one of 0 repeats a value. Elements are
 * stored in the order of the axes, axis 0 fastest: where several go to one place the last one stays. Bytes that hold
 * no element of the box, and other bits of a byte that does, stay as they are. */
void msio_box_store(const msio_box *box, msio_codec codec, int elem, int unit, const void *memory, int64_t bit,
                    void *stored);

/* The same as msio_box_copy, for a piece of a result that no cache can hold: stores go past the caches where the piece
 * allows it, which saves reading the lines of the result first. Pays when all pieces of the result together have
 * msio_stream_least() bytes (see core/kernels.h); below, the caller would miss in the caches what it is about to use.
 */
void msio_box_stream(const msio_box *box, msio_codec codec, int elem, int unit, const void *src, int64_t src_bit,
                     void *dst);

#endif
