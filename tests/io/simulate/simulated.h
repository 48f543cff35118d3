/* simulated.h - a simulated Measurement Set in a folder of its own, for tests that need one. */
#ifndef MSIO_TESTS_SIMULATED_H
#define MSIO_TESTS_SIMULATED_H

#include "msio/io.h"

#include "tests/fuzz/table_pack.h"

/* The usual options, for a Measurement Set of this size. */
static inline msio_simulate_ms_opts simulated_shape(int antennas, int times, int subbands, int channels) {
    msio_simulate_ms_opts opts = MSIO_SIMULATE_MS_OPTS_INIT;
    opts.antennas = antennas;
    opts.times = times;
    opts.subbands = subbands;
    opts.channels = channels;
    return opts;
}

/* Makes folder/name, and its path. False when there is no folder. Ends the program as a skipped one, saying why, where
 * no table can be made (without casacore). */
static inline bool simulate_or_skip(const msio_simulate_ms_opts *opts, char folder[64], const char *name, char *path,
                                    size_t size) {
    if (!pack_make_folder(folder)) return false;
    snprintf(path, size, "%s/%s", folder, name);
    if (msio_simulate_ms(path, opts) == MSIO_OK) return true;
    pack_remove(folder);
    printf("skipped: no table can be made: %s\n", msio_last_error()->message);
    exit(77);
}

#endif
