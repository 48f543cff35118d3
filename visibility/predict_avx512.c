/* predict_avx512.c - prediction for x86-64 processors with AVX-512. */
#include "visibility/predict_kernel.h"

#if defined(MSIO_PREDICT_X86)
#define MSIO_TARGET __attribute__((target("avx512f,avx512dq,avx2,fma")))
#define MSIO_WIDTH 64
#include "visibility/predict_loops.h"

const msio_predict_kernel msio_predict_avx512 = {"avx512", run_stretch, replace};
#else
typedef int msio_predict_avx512_unused; /* a translation unit must not be empty */
#endif
