/* numbers.c - boxes of stored numbers: gathered in this machine's order, converted in dense loops, put in place. */
#include "core/numbers.h"

/* ---------------------------------------------------------------- what becomes what */

static msio_type complex_type(const msio_number *number) {
    bool small = number->kind == MSIO_NUMBER_FLOAT ? number->bytes == 4 : number->bytes <= 2;
    return small ? MSIO_COMPLEX : MSIO_DCOMPLEX;
}

static msio_type integer_type(int bytes, bool is_signed) {
    switch (bytes) {
    case 1: return is_signed ? MSIO_CHAR : MSIO_UCHAR;
    case 2: return is_signed ? MSIO_SHORT : MSIO_USHORT;
    case 4: return is_signed ? MSIO_INT : MSIO_UINT;
    default: return is_signed ? MSIO_INT64 : MSIO_UINT64;
    }
}

msio_type msio_number_type(const msio_number *number) {
    if (number->parts == 2) return complex_type(number);
    if (number->is_truth) return MSIO_BOOL;
    if (number->kind == MSIO_NUMBER_FLOAT) return number->bytes == 4 ? MSIO_FLOAT : MSIO_DOUBLE;
    return integer_type(number->bytes, number->kind == MSIO_NUMBER_SIGNED);
}

bool msio_number_becomes(const msio_number *number, msio_type type) {
    if (number->parts == 2) return type == MSIO_COMPLEX || type == MSIO_DCOMPLEX;
    return type == msio_number_type(number) || type == MSIO_FLOAT || type == MSIO_DOUBLE ||
           (type == MSIO_BOOL && number->kind != MSIO_NUMBER_FLOAT);
}

bool msio_number_copies(const msio_number *number, msio_type type) {
    if (type != msio_number_type(number)) return false;
    return number->parts == 2 ? number->kind == MSIO_NUMBER_FLOAT : !number->is_truth;
}

/* ---------------------------------------------------------------- dense loops */

/* n numbers, without gaps and in this machine's order; no alignment. */
typedef void convert_function(void *restrict dst, const void *restrict src, int64_t n);

#define ANYWHERE __attribute__((aligned(1), may_alias))
typedef float ANYWHERE any_float;
typedef double ANYWHERE any_double;
typedef int8_t ANYWHERE any_int8;
typedef uint8_t ANYWHERE any_uint8;
typedef int16_t ANYWHERE any_int16;
typedef uint16_t ANYWHERE any_uint16;
typedef int32_t ANYWHERE any_int32;
typedef uint32_t ANYWHERE any_uint32;
typedef int64_t ANYWHERE any_int64;
typedef uint64_t ANYWHERE any_uint64;

/* Blocks of a known length become vectors at every setting of the compilers. */
#define BLOCK 64
#define EACH(statement)                                                                                                \
    for (; n >= BLOCK; n -= BLOCK, s += BLOCK, d += BLOCK)                                                             \
        for (int i = 0; i < BLOCK; i++) statement;                                                                     \
    for (int64_t i = 0; i < n; i++) statement;
#define LOOP(from, to)                                                                                                 \
    static void from##_to_##to(void *restrict dst, const void *restrict src, int64_t n) {                              \
        const any_##from *restrict s = src;                                                                            \
        any_##to *restrict d = dst;                                                                                    \
        EACH(d[i] = (to)s[i])                                                                                          \
    }
#define LOOPS(from)                                                                                                    \
    LOOP(from, float)                                                                                                  \
    LOOP(from, double)

LOOPS(int8)
LOOPS(int16)
LOOPS(int32)
LOOPS(int64)
LOOPS(uint8)
LOOPS(uint16)
LOOPS(uint32)
LOOPS(uint64)
LOOP(float, double)
LOOP(double, float)

/* What is neither 0 nor 1 is true, as whatever the truth is delivered. */
#define TRUTH_LOOP(from, to)                                                                                           \
    static void from##_truth_to_##to(void *restrict dst, const void *restrict src, int64_t n) {                        \
        const any_##from *restrict s = src;                                                                            \
        any_##to *restrict d = dst;                                                                                    \
        EACH(d[i] = s[i] != 0)                                                                                         \
    }
#define TRUTH_LOOPS(from)                                                                                              \
    TRUTH_LOOP(from, uint8)                                                                                            \
    TRUTH_LOOP(from, float)                                                                                            \
    TRUTH_LOOP(from, double)

TRUTH_LOOPS(uint8)
TRUTH_LOOPS(uint16)
TRUTH_LOOPS(uint32)
TRUTH_LOOPS(uint64)

/* Places in the tables below: 1, 2, 4, 8 bytes are 0, 1, 2, 3. */
static int size_place(int bytes) { return bytes == 1 ? 0 : bytes == 2 ? 1 : bytes == 4 ? 2 : 3; }

/* For all that msio_number_becomes allows and that is no copy. */
static convert_function *find_loop(const msio_number *number, msio_type type) {
    static convert_function *const truth[] = {uint8_truth_to_uint8, uint16_truth_to_uint8, uint32_truth_to_uint8,
                                              uint64_truth_to_uint8};
    static convert_function *const truth_to_float[] = {uint8_truth_to_float, uint16_truth_to_float,
                                                       uint32_truth_to_float, uint64_truth_to_float};
    static convert_function *const truth_to_double[] = {uint8_truth_to_double, uint16_truth_to_double,
                                                        uint32_truth_to_double, uint64_truth_to_double};
    static convert_function *const to_float[2][4] = {
        {int8_to_float, int16_to_float, int32_to_float, int64_to_float},
        {uint8_to_float, uint16_to_float, uint32_to_float, uint64_to_float}};
    static convert_function *const to_double[2][4] = {
        {int8_to_double, int16_to_double, int32_to_double, int64_to_double},
        {uint8_to_double, uint16_to_double, uint32_to_double, uint64_to_double}};
    bool single = type == MSIO_FLOAT || type == MSIO_COMPLEX;
    int size = size_place(number->bytes), is_unsigned = number->kind == MSIO_NUMBER_UNSIGNED;
    if (type == MSIO_BOOL) return truth[size];
    if (number->is_truth) return single ? truth_to_float[size] : truth_to_double[size];
    if (number->kind == MSIO_NUMBER_FLOAT) return single ? double_to_float : float_to_double;
    return single ? to_float[is_unsigned][size] : to_double[is_unsigned][size];
}

/* ---------------------------------------------------------------- boxes */

/* Elements that are converted at a time: what is gathered, and what it became, stay in a first-level cache. */
#define STAGE 512
/* Runs of as many elements are long enough for a loop of their own; shorter ones are put together. */
#define RUN_LEAST 64
#define ELEMENT_MOST 16

/* A simplified box. Axes 0 .. cut - 1 are converted whole, `cut` in steps; the outer ones are walked over. */
typedef struct job {
    msio_box box;
    int cut;
    int64_t step;           /* indices of the axis `cut` at a time */
    int64_t inner;          /* numbers for each of these */
    msio_box gather;        /* the axes up to the cut: from src to a dense stage, */
    msio_box scatter;       /* and from a dense stage to dst */
    bool src_dense;         /* src can be converted where it is, */
    bool dst_dense;         /* and so can dst */
    msio_codec codec;       /* of the gathering */
    int src_elem, src_unit; /* bytes */
    int dst_elem;
    convert_function *convert;
} job;

static void convert_step(const job *j, int64_t n, const uint8_t *src, uint8_t *dst) {
    _Alignas(64) uint8_t in[STAGE * ELEMENT_MOST], out[STAGE * ELEMENT_MOST];
    const void *from = src;
    if (!j->src_dense) {
        msio_box box = j->gather;
        box.count[j->cut] = n;
        msio_box_copy(&box, j->codec, j->src_elem, j->src_unit, src, 0, in);
        from = in;
    }
    j->convert(j->dst_dense ? dst : out, from, n * j->inner);
    if (!j->dst_dense) {
        msio_box box = j->scatter;
        box.count[j->cut] = n;
        msio_box_copy(&box, MSIO_CODEC_COPY, j->dst_elem, j->dst_elem, out, 0, dst);
    }
}

static void walk(const job *j, int axis, const uint8_t *src, uint8_t *dst) {
    int64_t count = j->box.count[axis], step = axis == j->cut ? j->step : 1;
    for (int64_t i = 0; i < count; i += step) {
        const uint8_t *s = src + i * j->box.src[axis];
        uint8_t *d = dst + i * j->box.dst[axis];
        if (axis == j->cut)
            convert_step(j, i + step < count ? step : count - i, s, d);
        else
            walk(j, axis - 1, s, d);
    }
}

/* Finds the cut and what is dense up to it; box and elements' sizes are set. */
static void plan_steps(job *j, int parts) {
    const msio_box *b = &j->box;
    int64_t elements = 1;
    while (j->cut < b->ndim - 1 && elements * b->count[j->cut] < RUN_LEAST) elements *= b->count[j->cut++];
    j->step = STAGE / elements;
    j->inner = elements * parts;
    j->src_dense = j->codec == MSIO_CODEC_COPY;
    j->dst_dense = true;
    elements = 1;
    for (int k = 0; k <= j->cut; k++) {
        int64_t in = elements * j->src_elem, out = elements * j->dst_elem;
        j->gather.count[k] = j->scatter.count[k] = b->count[k];
        j->gather.src[k] = b->src[k];
        j->gather.dst[k] = in;
        j->scatter.src[k] = out;
        j->scatter.dst[k] = b->dst[k];
        j->src_dense = j->src_dense && b->src[k] == in;
        j->dst_dense = j->dst_dense && b->dst[k] == out;
        elements *= b->count[k];
    }
    j->gather.ndim = j->scatter.ndim = j->cut + 1;
}

void msio_box_convert(const msio_box *box, const msio_number *number, msio_type type, const void *src, void *dst) {
    msio_codec codec = number->swapped && number->bytes > 1 ? MSIO_CODEC_SWAP : MSIO_CODEC_COPY;
    job j = {.box = *box,
             .codec = codec,
             .src_elem = number->bytes * number->parts,
             .src_unit = number->bytes,
             .dst_elem = (int)msio_type_size(type)};
    if (msio_number_copies(number, type)) {
        msio_box_copy(box, codec, j.src_elem, j.src_unit, src, 0, dst);
        return;
    }
    msio_box_simplify(&j.box);
    if (j.box.ndim == 0) j.box = (msio_box){.ndim = 1, .count = {1}, .src = {j.src_elem}, .dst = {j.dst_elem}};
    if (j.box.count[0] == 0) return;
    j.convert = find_loop(number, type);
    plan_steps(&j, number->parts);
    walk(&j, j.box.ndim - 1, src, dst);
}
