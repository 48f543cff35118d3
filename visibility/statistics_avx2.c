/* statistics_avx2.c - the loops of statistics for x86-64 processors with AVX2. */
#include "visibility/statistics_kernel.h"

#if defined(MSIO_STATS_X86)
#define MSIO_TARGET __attribute__((target("avx2,fma")))
#define MSIO_WIDTH 32
#include "visibility/statistics_loops.h"

const msio_stats_kernel msio_stats_avx2 = {"avx2", unpack, sum, tally, spread, chi, chi_raw};
#else
typedef int msio_stats_avx2_unused; /* a translation unit must not be empty */
#endif
