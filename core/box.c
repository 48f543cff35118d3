/* box.c - N-dimensional box copies: boxes cut into runs, runs handed to the kernels. */
#include "core/box.h"

#include "core/kernels.h"

#include <string.h>

int64_t msio_box_elements(const msio_box *box) {
    int64_t n = 1;
    for (int k = 0; k < box->ndim; k++) n *= box->count[k];
    return n;
}

static void set_axis(msio_box *box, int axis, int64_t count, int64_t src, int64_t dst) {
    box->count[axis] = count;
    box->src[axis] = src;
    box->dst[axis] = dst;
}

/* to may be from. Copies no axis that is not there: boxes are small, and many. */
static void simplify(const msio_box *from, msio_box *to) {
    int axes = from->ndim, ndim = 0;
    for (int k = 0; k < axes; k++) {
        int64_t count = from->count[k], src = from->src[k], dst = from->dst[k];
        if (count <= 0) {
            set_axis(to, 0, 0, src, dst);
            to->ndim = 1;
            return;
        }
        if (count == 1) continue;
        int last = ndim - 1;
        if (ndim > 0 && src == to->src[last] * to->count[last] && dst == to->dst[last] * to->count[last])
            to->count[last] *= count;
        else
            set_axis(to, ndim++, count, src, dst);
    }
    to->ndim = ndim;
}

void msio_box_simplify(msio_box *box) { simplify(box, box); }

bool msio_box_is_run(const msio_box *box, int64_t src_elem, int64_t dst_elem) {
    return box->ndim == 0 || (box->ndim == 1 && box->src[0] == src_elem && box->dst[0] == dst_elem);
}

/* ---------------------------------------------------------------- plain copies */

/* A simplified box and how it is decoded; the same for all its parts. */
typedef struct job {
    msio_box box;
    msio_codec codec;
    int elem, unit;
    const uint8_t *src;
    msio_runs runs;  /* what one call of a kernel copies */
    int staged_axes; /* msio_box_stream: axes that are staged whole */
    int64_t staged;  /* their bytes; as many of the next axis are staged as fit */
} job;

/* Something that is done at many places: `at` counts from src in bytes, or bits. */
typedef void leaf_function(const job *j, int64_t at, uint8_t *dst);

/* Calls leaf for every index of the axes from `lowest` to `axis`, the outermost. */
static void walk(const job *j, int axis, int lowest, int64_t at, uint8_t *dst, leaf_function *leaf) {
    if (axis < lowest) {
        leaf(j, at, dst);
        return;
    }
    for (int64_t i = 0; i < j->box.count[axis]; i++)
        walk(j, axis - 1, lowest, at + i * j->box.src[axis], dst + i * j->box.dst[axis], leaf);
}

static void copy_runs(const job *j, int64_t at, uint8_t *dst) {
    switch (j->codec) {
    case MSIO_CODEC_COPY: msio_runs_copy(dst, j->src + at, &j->runs); break;
    case MSIO_CODEC_SWAP: msio_runs_swap(dst, j->src + at, &j->runs, j->unit); break;
    case MSIO_CODEC_BITS: msio_runs_expand(dst, j->src, at, &j->runs); break;
    case MSIO_CODEC_CONVERT: break; /* never comes here */
    }
}

/* Whether the innermost axis is contiguous in both places. */
static bool begins_with_run(const job *j) {
    int64_t src_elem = j->codec == MSIO_CODEC_BITS ? 1 : j->elem;
    return j->box.ndim > 0 && j->box.src[0] == src_elem && j->box.dst[0] == j->elem;
}

static void copy_box(job *j, int64_t at, uint8_t *dst) {
    const msio_box *b = &j->box;
    bool run = begins_with_run(j);
    int axis = run ? 1 : 0;
    j->runs.length = (run ? b->count[0] : 1) * (j->codec == MSIO_CODEC_BITS ? 1 : j->elem);
    for (int k = 0; k < MSIO_RUNS_NDIM; k++, axis++) {
        bool there = axis < b->ndim;
        j->runs.count[k] = there ? b->count[axis] : 1;
        j->runs.src[k] = there ? b->src[axis] : 0;
        j->runs.dst[k] = there ? b->dst[axis] : 0;
    }
    walk(j, b->ndim - 1, axis, at, dst, copy_runs);
}

/* False when there is nothing to copy. */
static bool begin(job *j, const msio_box *box, msio_codec codec, int elem, int unit, const void *src) {
    simplify(box, &j->box);
    j->codec = codec == MSIO_CODEC_SWAP && unit <= 1 ? MSIO_CODEC_COPY : codec;
    j->elem = elem;
    j->unit = unit;
    j->src = src;
    return j->box.ndim == 0 || j->box.count[0] > 0;
}

void msio_box_copy(const msio_box *box, msio_codec codec, int elem, int unit, const void *src, int64_t src_bit,
                   void *dst) {
    job j;
    if (begin(&j, box, codec, elem, unit, src)) copy_box(&j, codec == MSIO_CODEC_BITS ? src_bit : 0, dst);
}

/* ---------------------------------------------------------------- the other way */

/* One byte repeated as n bits. */
static void fill_bits(uint8_t *stored, int64_t bit, uint8_t value, int64_t n) {
    uint8_t bytes[64];
    memset(bytes, value, sizeof bytes);
    for (int64_t i = 0; i < n;) {
        int64_t at = bit + i, whole = (n - i) / 8;
        if (at % 8 == 0 && whole > 0) {
            memset(stored + at / 8, value ? 0xff : 0, (size_t)whole);
            i += 8 * whole;
        } else {
            int64_t part = n - i < 8 - at % 8 ? n - i : 8 - at % 8;
            msio_bits_pack(stored, at, bytes, (size_t)part);
            i += part;
        }
    }
}

/* Axes [0, axis] of a box of bytes packed to bits. */
static void pack_box(const msio_box *box, int axis, const uint8_t *memory, int64_t bit, uint8_t *stored) {
    if (axis < 0) {
        msio_bits_pack(stored, bit, memory, 1);
    } else if (axis == 0 && box->src[0] == 1 && box->dst[0] == 1) {
        msio_bits_pack(stored, bit, memory, (size_t)box->count[0]);
    } else if (axis == 0 && box->src[0] == 1 && box->dst[0] == 0) {
        fill_bits(stored, bit, *memory, box->count[0]);
    } else {
        for (int64_t i = 0; i < box->count[axis]; i++)
            pack_box(box, axis - 1, memory + i * box->dst[axis], bit + i * box->src[axis], stored);
    }
}

void msio_box_store(const msio_box *box, msio_codec codec, int elem, int unit, const void *memory, int64_t bit,
                    void *stored) {
    msio_box turned;
    simplify(box, &turned);
    if (turned.ndim > 0 && turned.count[0] <= 0) return;
    if (codec == MSIO_CODEC_BITS) {
        pack_box(&turned, turned.ndim - 1, memory, bit, stored);
        return;
    }
    for (int k = 0; k < turned.ndim; k++) {
        int64_t step = turned.src[k];
        turned.src[k] = turned.dst[k];
        turned.dst[k] = step;
    }
    msio_box_copy(&turned, codec, elem, unit, memory, 0, stored);
}

/* ---------------------------------------------------------------- copies past the caches */

/* Fits the first-level cache beside what is read. */
#define MSIO_STAGE_BYTES 4096
#define MSIO_LINE 64
/* How many runs ahead their cache lines are asked for: no processor foresees strides beyond a page. From 4 to 64 made
 * no difference where it was tried. */
#define MSIO_RUNS_AHEAD 8
/* Shorter stretches are mostly parts of cache lines, which only the caches can put together. */
#define MSIO_STREAM_LEAST 512
/* Shorter runs wait for the processor, not for memory, and the stage would only add to it. */
#define MSIO_STAGE_RUN 16
#define MSIO_STAGE_RUN_BITS 192

static void stream_run(const job *j, int64_t at, uint8_t *dst) {
    size_t length = (size_t)(j->box.count[0] * j->elem);
    switch (j->codec) {
    case MSIO_CODEC_COPY: msio_stream_copy(dst, j->src + at, length); break;
    case MSIO_CODEC_SWAP: msio_stream_swap(dst, j->src + at, length, j->unit); break;
    case MSIO_CODEC_BITS: msio_stream_expand(dst, j->src, at, length); break;
    case MSIO_CODEC_CONVERT: break; /* never comes here */
    }
}

static void prefetch_run(const uint8_t *src, int64_t length) {
    for (int64_t i = 0; i < length; i += MSIO_LINE) __builtin_prefetch(src + i);
}

/* The runs of axis 1. */
static void stream_runs(const job *j, int64_t at, uint8_t *dst) {
    int64_t length = j->box.count[0] * j->elem, step = j->box.src[1], most = j->box.count[1] - MSIO_RUNS_AHEAD;
    for (int64_t i = 0; i < j->box.count[1]; i++, at += step) {
        if (i < most) prefetch_run(j->src + at + MSIO_RUNS_AHEAD * step, length);
        stream_run(j, at, dst + i * j->box.dst[1]);
    }
}

/* Whether each run is whole cache lines of the result, wherever it lies. */
static bool are_lines(const job *j, const uint8_t *dst) {
    int64_t ends = j->box.count[0] * j->elem | (int64_t)((uintptr_t)dst % MSIO_LINE);
    for (int k = 1; k < j->box.ndim; k++) ends |= j->box.dst[k];
    return begins_with_run(j) && ends % MSIO_LINE == 0;
}

/* Decodes the innermost axes, and as much of the next as fits, into memory that stays cached, and streams that. */
static void stream_staged(const job *j, int64_t at, uint8_t *dst) {
    _Alignas(64) uint8_t stage[MSIO_STAGE_BYTES];
    int cut = j->staged_axes;
    int64_t all = j->box.count[cut], most = MSIO_STAGE_BYTES / j->staged;
    job part = *j;
    part.box.ndim = cut + 1;
    bool runs = j->codec != MSIO_CODEC_BITS && cut == 1 && j->staged >= MSIO_LINE && begins_with_run(j);
    for (int64_t i = 0; i < all; i += most) {
        int64_t foreseen = runs ? (i + 2 * most < all ? i + 2 * most : all) : 0;
        for (int64_t k = i + most; k < foreseen; k++) prefetch_run(j->src + at + k * j->box.src[1], j->staged);
        part.box.count[cut] = i + most < all ? most : all - i;
        copy_box(&part, at + i * j->box.src[cut], stage);
        msio_stream_copy(dst + i * j->box.dst[cut], stage, (size_t)(part.box.count[cut] * j->staged));
    }
}

/* Finds the axes that are contiguous in the result: those that fit the stage as a whole, of which the last is cut, are
 * counted in staged_axes. Returns the bytes of a contiguous stretch. */
static int64_t contiguous_stretch(job *j) {
    int64_t bytes = j->elem;
    j->staged = j->elem;
    j->staged_axes = 0;
    for (int k = 0; k < j->box.ndim && j->box.dst[k] == bytes; k++) {
        if (bytes <= MSIO_STAGE_BYTES) {
            j->staged_axes = k;
            j->staged = bytes;
        }
        bytes *= j->box.count[k];
    }
    return bytes;
}

void msio_box_stream(const msio_box *box, msio_codec codec, int elem, int unit, const void *src, int64_t src_bit,
                     void *dst) {
    job j;
    if (!begin(&j, box, codec, elem, unit, src)) return;
    int64_t at = codec == MSIO_CODEC_BITS ? src_bit : 0;
    int outer = j.box.ndim - 1;
    int64_t run = begins_with_run(&j) ? j.box.count[0] * j.elem : j.elem;
    int64_t run_least = codec == MSIO_CODEC_BITS ? MSIO_STAGE_RUN_BITS : MSIO_STAGE_RUN;
    if (outer > 0 && codec != MSIO_CODEC_BITS && (run >= MSIO_STREAM_LEAST || are_lines(&j, dst))) {
        walk(&j, outer, 2, at, dst, stream_runs);
    } else if (run >= MSIO_STREAM_LEAST) {
        walk(&j, outer, 1, at, dst, stream_run);
    } else if (run >= run_least && contiguous_stretch(&j) >= MSIO_STREAM_LEAST) {
        walk(&j, outer, j.staged_axes + 1, at, dst, stream_staged);
    } else {
        copy_box(&j, at, dst);
        return;
    }
    msio_stream_end();
}
