/* density_avx512.c - the loops of density grids for x86-64 processors with AVX-512. */
#include "visibility/density_kernel.h"

#if defined(MSIO_DENSITY_X86)
#define MSIO_TARGET __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl")))
#include "visibility/density_loops.h"

const msio_density_kernel msio_density_avx512 = {"avx512", values, bins, amplitudes, cells};
#else
typedef int msio_density_avx512_unused; /* a translation unit must not be empty */
#endif
