/* simulate_uvh5.h - what the parts of the simulation of subband files share. */
#ifndef MSIO_IO_SIMULATE_UVH5_H
#define MSIO_IO_SIMULATE_UVH5_H

#include "io/hdf5_module/hdf5_module.h"
#include "io/simulate/simulate_ms.h"
#include "msio/subbands.h"

struct msio_sim_uvh5_sky;

typedef struct msio_sim_uvh5 {
    msio_sim sim;  /* antennas, times, spws (subbands), channels, corrs (polarizations), baselines; rows of all files */
    int64_t rows;  /* of one file */
    int64_t begin; /* of the observation: seconds since 1970, UTC */
    int jitter;
    msio_h5_compression compression;
    bool flags; /* by the pattern; else none */
    double noise;
    uint64_t seed;
    const struct msio_sim_uvh5_sky *sky; /* NULL: three sources that drift by */
} msio_sim_uvh5;

/* ---------------------------------------------------------------- formulas (simulate_uvh5_values.c) */

#define MSIO_SIM_LATITUDE 37.23164910336975 /* degrees, WGS 84: of the Measurement Set's array */
#define MSIO_SIM_LONGITUDE (-118.27705393103636)
#define MSIO_SIM_ALTITUDE 1195.8753412719816 /* m */

/* Julian date of the middle of integration t. */
double msio_sim_julian(const msio_sim_uvh5 *group, int64_t t);
/* Hz of channel `channel` of a subband: descending, subband 0 the highest. */
double msio_sim_subband_frequency(const msio_sim_uvh5 *group, int subband, int channel);
/* Polarizations' numbers, AIPS memo 117. */
const int64_t *msio_sim_polarizations(const msio_sim_uvh5 *group);

/* Values of rows row .. row + rows - 1 of a subband's file. */
typedef void msio_sim_uvh5_fill(const msio_sim_uvh5 *group, int subband, int64_t row, int64_t rows, void *out);
msio_sim_uvh5_fill msio_sim_uvh5_time, msio_sim_uvh5_integration, msio_sim_uvh5_uvw, msio_sim_uvh5_antenna1,
    msio_sim_uvh5_antenna2, msio_sim_uvh5_visdata, msio_sim_uvh5_flags, msio_sim_uvh5_nsamples;

/* What a sky puts in the formulas' place. */
typedef struct msio_sim_uvh5_sky {
    msio_sim_uvh5_fill *visdata; /* without noise */
    char told[160];              /* what the history says of it */
    void *user;
} msio_sim_uvh5_sky;

/* The group that the options (NULL: the defaults) describe; none of its files is left out. MSIO_E_ARGUMENT. */
msio_status msio_sim_uvh5_describe(const msio_simulate_uvh5_opts *opts, msio_sim_uvh5 *group);
/* msio_simulate_uvh5; sky NULL: the three sources. */
msio_status msio_sim_uvh5_make(const char *dir, const msio_simulate_uvh5_opts *opts, const msio_sim_uvh5_sky *sky);

/* ---------------------------------------------------------------- one file (simulate_uvh5_file.c) */

/* Called after every block of values; not MSIO_OK ends the work. */
typedef msio_status msio_sim_report(void *user, int64_t bytes);

/* Makes the file, where none may stand; after a failure there is none. */
msio_status msio_sim_uvh5_file(const msio_sim_uvh5 *group, int subband, const char *path, msio_sim_report *report,
                               void *user);
/* Bytes of values that one file gets, and that it takes uncompressed. */
int64_t msio_sim_uvh5_value_bytes(const msio_sim_uvh5 *group);
int64_t msio_sim_uvh5_file_bytes(const msio_sim_uvh5 *group);

#endif
