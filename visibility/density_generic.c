/* density_generic.c - the loops of density grids in plain C. */
#define MSIO_TARGET
#include "visibility/density_loops.h"

const msio_density_kernel msio_density_generic = {"generic", values, bins, amplitudes, cells};
