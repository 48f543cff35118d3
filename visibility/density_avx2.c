/* density_avx2.c - the loops of density grids for x86-64 processors with AVX2. */
#include "visibility/density_kernel.h"

#if defined(MSIO_DENSITY_X86)
#define MSIO_TARGET __attribute__((target("avx2")))
#include "visibility/density_loops.h"

const msio_density_kernel msio_density_avx2 = {"avx2", values, bins, amplitudes, cells};
#else
typedef int msio_density_avx2_unused; /* a translation unit must not be empty */
#endif
