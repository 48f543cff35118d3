/* predict_avx2.c - prediction for x86-64 processors with AVX2. */
#include "visibility/predict_kernel.h"

#if defined(MSIO_PREDICT_X86)
#define MSIO_TARGET __attribute__((target("avx2,fma")))
#define MSIO_WIDTH 32
#include "visibility/predict_loops.h"

const msio_predict_kernel msio_predict_avx2 = {"avx2", run_stretch, replace};
#else
typedef int msio_predict_avx2_unused; /* a translation unit must not be empty */
#endif
