/* statistics_generic.c - the loops of statistics in plain C. */
#define MSIO_TARGET
#define MSIO_WIDTH 16
#include "visibility/statistics_loops.h"

const msio_stats_kernel msio_stats_generic = {"generic", unpack, sum, tally, spread, chi, chi_raw};
