/* statistics_avx512.c - the loops of statistics for x86-64 processors with AVX-512. */
#include "visibility/statistics_kernel.h"

#if defined(MSIO_STATS_X86)
#define MSIO_TARGET __attribute__((target("avx512f,avx512dq,avx2,fma")))
#define MSIO_WIDTH 64
#include "visibility/statistics_loops.h"

const msio_stats_kernel msio_stats_avx512 = {"avx512", unpack, sum, tally, spread, chi, chi_raw};
#else
typedef int msio_stats_avx512_unused; /* a translation unit must not be empty */
#endif
