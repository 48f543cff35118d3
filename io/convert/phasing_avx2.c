/* phasing_avx2.c - visibilities turned by x86-64 processors with AVX2. */
#include "io/convert/phasing_kernel.h"

#if defined(MSIO_PHASING_X86)
#define MSIO_TARGET __attribute__((target("avx2")))
#define MSIO_WIDTH 32
#include "io/convert/phasing_loops.h"

const msio_phasing_kernel msio_phasing_avx2 = {"avx2", phase_row, phase_antenna};
#else
typedef int msio_phasing_avx2_unused; /* a translation unit must not be empty */
#endif
