/* random.h - splitmix64 (Steele, Lea and Flood, OOPSLA 2014): random bits that depend on a number alone. */
#ifndef MSIO_CORE_RANDOM_H
#define MSIO_CORE_RANDOM_H

#include <stdint.h>

#define MSIO_RANDOM_STEP 0x9e3779b97f4a7c15u

/* The next 64 bits. Bits n (from 0) of a sequence follow from state = seed + n * MSIO_RANDOM_STEP at once. */
static inline uint64_t msio_random_bits(uint64_t *state) {
    uint64_t z = *state += MSIO_RANDOM_STEP;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

#endif
