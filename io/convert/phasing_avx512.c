/* phasing_avx512.c - visibilities turned by x86-64 processors with AVX-512. */
#include "io/convert/phasing_kernel.h"

#if defined(MSIO_PHASING_X86)
#define MSIO_TARGET __attribute__((target("avx512f,avx512dq,avx512vl,avx2")))
#define MSIO_WIDTH 64
#include "io/convert/phasing_loops.h"

const msio_phasing_kernel msio_phasing_avx512 = {"avx512", phase_row, phase_antenna};
#else
typedef int msio_phasing_avx512_unused; /* a translation unit must not be empty */
#endif
