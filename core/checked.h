/* checked.h - arithmetic on sizes that come from files: false, and no result, on overflow. */
#ifndef MSIO_CORE_CHECKED_H
#define MSIO_CORE_CHECKED_H

#include <stdbool.h>
#include <stdint.h>

static inline bool msio_add_checked(int64_t a, int64_t b, int64_t *sum) { return !__builtin_add_overflow(a, b, sum); }

static inline bool msio_mul_checked(int64_t a, int64_t b, int64_t *product) {
    return !__builtin_mul_overflow(a, b, product);
}

/* Product of n factors, none of them negative. The empty product is 1. */
static inline bool msio_product_checked(int n, const int64_t *factors, int64_t *product) {
    int64_t p = 1;
    for (int i = 0; i < n; i++)
        if (factors[i] < 0 || !msio_mul_checked(p, factors[i], &p)) return false;
    *product = p;
    return true;
}

static inline int64_t msio_min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t msio_max(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t msio_div_up(int64_t a, int64_t b) { return a / b + (a % b != 0); }

#endif
