/* simulate_ms.h - what the parts of the simulation share: the observation's numbers. */
#ifndef MSIO_IO_SIMULATE_MS_H
#define MSIO_IO_SIMULATE_MS_H

#include "io/casacore/casacore_module.h"
#include "msio/io.h"

#include <stdbool.h>

typedef enum msio_sim_layout { MSIO_SIM_DSA110, MSIO_SIM_DEFAULT, MSIO_SIM_WIDE } msio_sim_layout;

struct msio_sim_sky;

typedef struct msio_sim {
    msio_sim_layout layout;
    int antennas;        /* in the data */
    int antennas_listed; /* in the ANTENNA table */
    int times;
    int spws;     /* spectral windows: 1 when wide */
    int channels; /* of each */
    int corrs;
    int64_t baselines;
    int64_t rows;
    bool big_endian;
    bool imaging;
    const struct msio_sim_sky *sky; /* NULL: values follow closed formulas */
} msio_sim;

/* Seconds between integrations, and the middle of integration t in MJD seconds. */
#define MSIO_SIM_INTERVAL 12.885
double msio_sim_time(int64_t t);

/* Hz of channel `channel` of spectral window `spw`, and the width of every channel. */
#define MSIO_SIM_CHANNEL_WIDTH 244140.625
double msio_sim_frequency(const msio_sim *sim, int spw, int channel);

/* Antennas that are listed when so many are in the data. */
int msio_sim_listed(int antennas);

/* Metres from the array's middle to an antenna, ITRF axes: exact. */
void msio_sim_antenna_offset(int64_t antenna, double offset[3]);

/* The first antenna of a baseline, where pairs (i, j), i <= j, are numbered i by i; *second is the other one. */
int32_t msio_sim_baseline_antennas(const msio_sim *sim, int64_t baseline, int32_t *second);

/* Values of the main table's columns, by the formulas of docs/simulation.md: each fills the cells of rows row ..
 * row + rows - 1, [row][channel][correlation], elements of the column's type. */
typedef void msio_sim_fill(const msio_sim *sim, int64_t row, int64_t rows, void *out);
msio_sim_fill msio_sim_fill_data, msio_sim_fill_model, msio_sim_fill_corrected, msio_sim_fill_flag,
    msio_sim_fill_weight_spectrum, msio_sim_fill_weight, msio_sim_fill_sigma, msio_sim_fill_imaging_weight,
    msio_sim_fill_uvw, msio_sim_fill_antenna1, msio_sim_fill_antenna2, msio_sim_fill_data_desc, msio_sim_fill_field,
    msio_sim_fill_scan, msio_sim_fill_zero, msio_sim_fill_flag_row, msio_sim_fill_time, msio_sim_fill_interval;

/* What a sky puts in the formulas' place: visibility/ knows how, and hands it in. */
typedef struct msio_sim_sky {
    msio_sim_fill *data, *model, *uvw;
    void (*direction)(const msio_sim *sim, int64_t t, double direction[2]); /* ICRS, rad, of field t */
    float weight, sigma;
    char told[160]; /* what HISTORY says of it */
    void *user;
} msio_sim_sky;

/* What fills a column of the main table: the formula that is given, or what the sky puts in its place. */
msio_sim_fill *msio_sim_fill_of(const msio_sim *sim, msio_sim_fill *formula);

/* Adds noise of this standard deviation to elements first .. first + count - 1: it depends on their numbers alone. */
void msio_sim_add_noise(double sigma, uint64_t seed, int64_t first, int64_t count, float *out);

/* The observation that the options (NULL: the defaults) describe. MSIO_E_ARGUMENT. */
msio_status msio_sim_ms_describe(const msio_simulate_ms_opts *opts, msio_sim *sim);
/* msio_simulate_ms; sky NULL: by the formulas. */
msio_status msio_sim_ms_make(const char *path, const msio_simulate_ms_opts *opts, const msio_sim_sky *sky);

/* The array's middle, ITRF, m: offsets of antennas are counted from it. */
#define MSIO_SIM_X (-2409150.0)
#define MSIO_SIM_Y (-4478573.0)
#define MSIO_SIM_Z 3838617.0
#define MSIO_SIM_DECLINATION 0.28125 /* rad: of the phase centre, which stays on the meridian */

/* Makes the twelve subtables inside the table's folder, with their rows, and links them to it. */
msio_status msio_sim_subtables(const msio_sim *sim, const char *path, msio_casa_table *table);

#endif
