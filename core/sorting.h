/* sorting.h - orders for qsort. */
#ifndef MSIO_CORE_SORTING_H
#define MSIO_CORE_SORTING_H

/* Of doubles, ascending. */
static inline int msio_compare_doubles(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

#endif
