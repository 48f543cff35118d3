/* statistics_generic.c - the loops of statistics in plain C. */
#define MSIO_TARGET
#include "visibility/statistics_loops.h"

const msio_stats_kernel msio_stats_generic = {"generic", unpack, sum, spread, chi, chi_raw};
