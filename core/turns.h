/* turns.h - cosine and sine of many angles at once: for loops that are compiled once for each instruction set, with
 * MSIO_TARGET (the function attribute) and MSIO_WIDTH (bytes of a vector) defined.
 *
 * Vectors are passed by address: their place in registers is not the same for all instruction sets.
 */
#ifndef MSIO_CORE_TURNS_H
#define MSIO_CORE_TURNS_H

#include <stdint.h>

#define MSIO_LOOP_INLINE static inline __attribute__((always_inline)) MSIO_TARGET

typedef double msio_vec __attribute__((vector_size(MSIO_WIDTH)));
typedef int64_t msio_vec_bits __attribute__((vector_size(MSIO_WIDTH)));

/* Adding and subtracting it rounds to whole numbers, which then stand in the lowest bits. */
#define MSIO_ROUNDER 0x1.8p52

/* cos and sin of 2 pi x, x in turns: reduced to an eighth of a turn, where Taylor's series to the 15th and 16th power
 * are right to the last bit or two. */
MSIO_LOOP_INLINE void msio_cos_sin(const msio_vec *turns, msio_vec *cosine, msio_vec *sine) {
    const msio_vec x = *turns, shifted = x * 4.0 + MSIO_ROUNDER, quarters = shifted - MSIO_ROUNDER;
    const msio_vec a = (x - quarters * 0.25) * 6.283185307179586476925, z = a * a;
    msio_vec s = z * (-1.0 / 1307674368000.0) + 1.0 / 6227020800.0;
    msio_vec c = z * (1.0 / 20922789888000.0) - 1.0 / 87178291200.0;
    s = s * z - 1.0 / 39916800.0;
    s = s * z + 1.0 / 362880.0;
    s = s * z - 1.0 / 5040.0;
    s = s * z + 1.0 / 120.0;
    s = s * z - 1.0 / 6.0;
    s = s * z * a + a;
    c = c * z + 1.0 / 479001600.0;
    c = c * z - 1.0 / 3628800.0;
    c = c * z + 1.0 / 40320.0;
    c = c * z - 1.0 / 720.0;
    c = c * z + 1.0 / 24.0;
    c = c * z - 0.5;
    c = c * z + 1.0;
    const msio_vec_bits quarter = (msio_vec_bits)shifted, odd = -(quarter & 1);
    const msio_vec_bits cosine_bits = ((msio_vec_bits)c & ~odd) | ((msio_vec_bits)s & odd);
    const msio_vec_bits sine_bits = ((msio_vec_bits)s & ~odd) | ((msio_vec_bits)c & odd);
    *cosine = (msio_vec)(cosine_bits ^ (((quarter + 1) & 2) << 62));
    *sine = (msio_vec)(sine_bits ^ ((quarter & 2) << 62));
}

#endif
