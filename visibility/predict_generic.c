/* predict_generic.c - prediction in plain C: two lanes at a time, which every processor's compiler can do. */
#define MSIO_TARGET
#define MSIO_WIDTH 16
#include "visibility/predict_loops.h"

const msio_predict_kernel msio_predict_generic = {"generic", run_stretch, replace};
