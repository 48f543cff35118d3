/* simulate_subtables.c - the subtables of a simulated Measurement Set. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* PATH_MAX */
#endif

#include "core/error.h"
#include "io/ms/ms_make.h"
#include "io/simulate/simulate_ms.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A subtable that is being filled. After the first failure, puts do nothing and `status` keeps it. */
typedef struct filler {
    const msio_sim *sim;
    msio_casa_table *table;
    int64_t rows;
    msio_status status;
} filler;

/* Puts the same cell into all rows. */
static void put_same(filler *f, const char *column, size_t element, int ndim, const int64_t *shape, const void *cell) {
    int64_t elements = 1;
    for (int i = 0; i < ndim; i++) elements *= shape[i];
    size_t bytes = element * (size_t)elements;
    if (f->status != MSIO_OK || f->rows == 0) return;
    char *values = malloc((size_t)f->rows * bytes);
    if (!values) {
        f->status = msio_error_set(MSIO_E_MEMORY, NULL, "no memory for column %s", column);
        return;
    }
    for (int64_t i = 0; i < f->rows; i++) memcpy(values + (size_t)i * bytes, cell, bytes);
    f->status = msio_casa_put(f->table, column, 0, f->rows, ndim, shape, values);
    free(values);
}

static void put_int(filler *f, const char *column, int32_t value) {
    put_same(f, column, sizeof value, 0, NULL, &value);
}

static void put_bool(filler *f, const char *column, bool value) { put_same(f, column, sizeof value, 0, NULL, &value); }

static void put_double(filler *f, const char *column, double value) {
    put_same(f, column, sizeof value, 0, NULL, &value);
}

static void put_doubles(filler *f, const char *column, int ndim, const int64_t *shape, const double *cell) {
    put_same(f, column, sizeof *cell, ndim, shape, cell);
}

/* Puts the row's number, times step. */
static void put_row_numbers(filler *f, const char *column, int32_t step) {
    for (int64_t i = 0; i < f->rows && f->status == MSIO_OK; i++) {
        int32_t value = (int32_t)i * step;
        f->status = msio_casa_put(f->table, column, i, 1, 0, NULL, &value);
    }
}

/* Puts one string into one row. */
static void put_text(filler *f, const char *column, int64_t row, const char *format, ...) MSIO_PRINTF(4, 5);
static void put_text(filler *f, const char *column, int64_t row, const char *format, ...) {
    char text[512];
    const char *value = text;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (f->status == MSIO_OK) f->status = msio_casa_put_strings(f->table, column, row, 1, 0, NULL, &value);
}

static void put_text_same(filler *f, const char *column, const char *text) {
    for (int64_t i = 0; i < f->rows; i++) put_text(f, column, i, "%s", text);
}

/* Puts one vector of n strings into all rows. */
static void put_texts(filler *f, const char *column, int64_t n, const char *const *texts) {
    for (int64_t i = 0; i < f->rows && f->status == MSIO_OK; i++)
        f->status = msio_casa_put_strings(f->table, column, i, 1, 1, &n, texts);
}

/* Right ascension and declination of field t: one row of [ra, dec]. */
static void field_direction(const msio_sim *sim, int64_t t, double direction[2]) {
    if (sim->sky) {
        sim->sky->direction(sim, t, direction);
        return;
    }
    direction[0] = 2.5 + (double)t / 1024.0;
    direction[1] = MSIO_SIM_DECLINATION;
}

/* ---------------------------------------------------------------- one function a subtable */

static void fill_antenna(filler *f) {
    static const int64_t three = 3;
    static const double zeros[3];
    put_doubles(f, "OFFSET", 1, &three, zeros);
    for (int64_t i = 0; i < f->rows && f->status == MSIO_OK; i++) {
        double position[3] = {MSIO_SIM_X, MSIO_SIM_Y, MSIO_SIM_Z}, offset[3];
        msio_sim_antenna_offset(i, offset);
        for (int axis = 0; axis < 3; axis++) position[axis] += offset[axis];
        f->status = msio_casa_put(f->table, "POSITION", i, 1, 1, &three, position);
        put_text(f, "NAME", i, "%lld", (long long)i + 1);
        put_text(f, "STATION", i, "DSA-%03lld", (long long)i + 1);
    }
    put_text_same(f, "TYPE", "GROUND-BASED");
    put_text_same(f, "MOUNT", "ALT-AZ");
    put_double(f, "DISH_DIAMETER", 4.65);
    put_bool(f, "FLAG_ROW", false);
}

static void fill_data_description(filler *f) {
    put_bool(f, "FLAG_ROW", false);
    put_int(f, "POLARIZATION_ID", 0);
    put_row_numbers(f, "SPECTRAL_WINDOW_ID", 1);
}

static void fill_feed(filler *f) {
    static const int64_t two = 2, three = 3, square[2] = {2, 2};
    static const double zeros[4];
    static const float unity[2][2][2] = {{{1, 0}, {0, 0}}, {{0, 0}, {1, 0}}};
    static const char *const receptors[2] = {"X", "Y"};
    const double span = MSIO_SIM_INTERVAL * f->sim->times;
    put_doubles(f, "POSITION", 1, &three, zeros);
    put_doubles(f, "BEAM_OFFSET", 2, square, zeros);
    put_texts(f, "POLARIZATION_TYPE", 2, receptors);
    put_same(f, "POL_RESPONSE", 2 * sizeof(float), 2, square, unity);
    put_doubles(f, "RECEPTOR_ANGLE", 1, &two, zeros);
    put_row_numbers(f, "ANTENNA_ID", 1);
    put_int(f, "BEAM_ID", -1);
    put_int(f, "FEED_ID", 0);
    put_double(f, "INTERVAL", span);
    put_int(f, "NUM_RECEPTORS", 2);
    put_int(f, "SPECTRAL_WINDOW_ID", -1);
    put_double(f, "TIME", msio_sim_time(0) + span / 2);
}

static void fill_field(filler *f) {
    static const int64_t shape[2] = {1, 2};
    static const char *const directions[] = {"DELAY_DIR", "PHASE_DIR", "REFERENCE_DIR"};
    for (int64_t t = 0; t < f->rows; t++) {
        double direction[2], time = msio_sim_time(t);
        field_direction(f->sim, t, direction);
        for (int i = 0; i < 3 && f->status == MSIO_OK; i++)
            f->status = msio_casa_put(f->table, directions[i], t, 1, 2, shape, direction);
        if (f->status == MSIO_OK) f->status = msio_casa_put(f->table, "TIME", t, 1, 0, NULL, &time);
        put_text(f, "NAME", t, "meridian_icrs_t%lld", (long long)t);
    }
    put_text_same(f, "CODE", "");
    put_bool(f, "FLAG_ROW", false);
    put_int(f, "NUM_POLY", 0);
    put_int(f, "SOURCE_ID", -1);
}

static void fill_history(filler *f) {
    static const char *const nothing[1] = {""};
    static const char *const layouts[] = {"dsa110", "default", "wide"};
    const msio_sim *sim = f->sim;
    put_texts(f, "APP_PARAMS", 1, nothing);
    put_texts(f, "CLI_COMMAND", 1, nothing);
    put_text_same(f, "APPLICATION", "msio");
    put_text(f, "MESSAGE", 0,
             "simulated: layout %s, %d antennas, %d times, %d spectral windows of %d channels, "
             "%d correlations%s",
             layouts[sim->layout], sim->antennas, sim->times, sim->spws, sim->channels, sim->corrs,
             sim->sky ? sim->sky->told : "");
    put_int(f, "OBJECT_ID", -1);
    put_int(f, "OBSERVATION_ID", 0);
    put_text_same(f, "ORIGIN", "msio_simulate_ms");
    put_text_same(f, "PRIORITY", "INFO");
    put_double(f, "TIME", msio_sim_time(0));
}

static void fill_observation(filler *f) {
    static const int64_t two = 2;
    static const char *const nothing[1] = {""};
    const double half = MSIO_SIM_INTERVAL / 2;
    const double range[2] = {msio_sim_time(0) - half, msio_sim_time(f->sim->times - 1) + half};
    put_doubles(f, "TIME_RANGE", 1, &two, range);
    put_texts(f, "LOG", 1, nothing);
    put_texts(f, "SCHEDULE", 1, nothing);
    put_bool(f, "FLAG_ROW", false);
    put_text_same(f, "OBSERVER", "msio");
    put_text_same(f, "PROJECT", "simulation");
    put_double(f, "RELEASE_DATE", range[1]);
    put_text_same(f, "SCHEDULE_TYPE", "");
    put_text_same(f, "TELESCOPE_NAME", "OVRO_MMA");
}

static void fill_pointing(filler *f) {
    static const int64_t shape[2] = {1, 2};
    double direction[2];
    field_direction(f->sim, 0, direction);
    put_doubles(f, "DIRECTION", 2, shape, direction);
    put_doubles(f, "TARGET", 2, shape, direction);
    put_row_numbers(f, "ANTENNA_ID", 1);
    put_double(f, "INTERVAL", MSIO_SIM_INTERVAL * f->sim->times);
    put_text_same(f, "NAME", "meridian");
    put_int(f, "NUM_POLY", 0);
    put_double(f, "TIME", msio_sim_time(0));
    put_double(f, "TIME_ORIGIN", msio_sim_time(0));
    put_bool(f, "TRACKING", false);
}

/* Correlations as the correlator's writer orders them: XX; XX, YY; XX, XY, YX, YY (casacore's Stokes codes). */
static void fill_polarization(filler *f) {
    static const int32_t types[3][4] = {{9}, {9, 12}, {9, 10, 11, 12}};
    const int64_t corrs = f->sim->corrs, shape[2] = {corrs, 2};
    const int32_t *type = types[corrs == 1 ? 0 : corrs == 2 ? 1 : 2];
    int32_t product[4][2];
    for (int i = 0; i < 4; i++) {
        product[i][0] = type[i] >= 11;
        product[i][1] = type[i] == 10 || type[i] == 12;
    }
    put_same(f, "CORR_TYPE", sizeof *type, 1, &corrs, type);
    put_same(f, "CORR_PRODUCT", sizeof **product, 2, shape, product);
    put_bool(f, "FLAG_ROW", false);
    put_int(f, "NUM_CORR", (int32_t)corrs);
}

static void fill_processor(filler *f) {
    put_bool(f, "FLAG_ROW", false);
    put_int(f, "MODE_ID", -1);
    put_text_same(f, "TYPE", "CORRELATOR");
    put_int(f, "TYPE_ID", -1);
    put_text_same(f, "SUB_TYPE", "");
}

static void fill_frequencies(filler *f, int spw) {
    const int64_t channels = f->sim->channels;
    double *values = malloc(2 * (size_t)channels * sizeof *values);
    if (!values) {
        f->status = msio_error_set(MSIO_E_MEMORY, NULL, "no memory for the frequencies of a spectral window");
        return;
    }
    double *widths = values + channels;
    for (int i = 0; i < channels; i++) {
        values[i] = msio_sim_frequency(f->sim, spw, i);
        widths[i] = MSIO_SIM_CHANNEL_WIDTH;
    }
    static const char *const widths_columns[] = {"CHAN_WIDTH", "EFFECTIVE_BW", "RESOLUTION"};
    if (f->status == MSIO_OK) f->status = msio_casa_put(f->table, "CHAN_FREQ", spw, 1, 1, &channels, values);
    for (int i = 0; i < 3 && f->status == MSIO_OK; i++)
        f->status = msio_casa_put(f->table, widths_columns[i], spw, 1, 1, &channels, widths);
    if (f->status == MSIO_OK) f->status = msio_casa_put(f->table, "REF_FREQUENCY", spw, 1, 0, NULL, values);
    free(values);
}

static void fill_spectral_window(filler *f) {
    put_int(f, "MEAS_FREQ_REF", 5); /* TOPO */
    for (int i = 0; i < f->sim->spws; i++) {
        fill_frequencies(f, i);
        put_text(f, "NAME", i, "SPW%d", i);
    }
    put_bool(f, "FLAG_ROW", false);
    put_int(f, "FREQ_GROUP", 0);
    put_text_same(f, "FREQ_GROUP_NAME", "");
    put_int(f, "IF_CONV_CHAIN", 0);
    put_int(f, "NET_SIDEBAND", 1);
    put_int(f, "NUM_CHAN", f->sim->channels);
    put_double(f, "TOTAL_BANDWIDTH", MSIO_SIM_CHANNEL_WIDTH * f->sim->channels);
}

static void fill_state(filler *f) {
    put_double(f, "CAL", 0);
    put_bool(f, "FLAG_ROW", false);
    put_double(f, "LOAD", 0);
    put_text_same(f, "OBS_MODE", "OBSERVE_TARGET#ON_SOURCE");
    put_bool(f, "REF", false);
    put_bool(f, "SIG", true);
    put_int(f, "SUB_SCAN", 0);
}

static void fill_nothing(filler *f) { (void)f; }

/* ---------------------------------------------------------------- all of them */

static msio_status make_subtable(const msio_sim *sim, const char *path, msio_casa_table *parent, const char *name,
                                 int64_t rows, void (*fill)(filler *)) {
    char folder[PATH_MAX];
    if (snprintf(folder, sizeof folder, "%s/%s", path, name) >= (int)sizeof folder)
        return msio_error_set(MSIO_E_ARGUMENT, path, "the path is too long for a subtable's");
    filler f = {sim, NULL, rows, MSIO_OK};
    f.status = msio_ms_make_plain(folder, msio_ms_table_find(name), rows, sim->big_endian, &f.table);
    if (f.status == MSIO_OK) fill(&f);
    if (f.status == MSIO_OK) f.status = msio_casa_link(parent, name, f.table);
    if (f.status == MSIO_OK) f.status = msio_casa_flush(f.table);
    msio_casa_close(f.table);
    return f.status;
}

msio_status msio_sim_subtables(const msio_sim *sim, const char *path, msio_casa_table *table) {
    const struct {
        const char *name;
        int64_t rows;
        void (*fill)(filler *);
    } all[] = {
        {"ANTENNA", sim->antennas_listed, fill_antenna},
        {"DATA_DESCRIPTION", sim->spws, fill_data_description},
        {"FEED", sim->antennas_listed, fill_feed},
        {"FIELD", sim->times, fill_field},
        {"FLAG_CMD", 0, fill_nothing},
        {"HISTORY", 1, fill_history},
        {"OBSERVATION", 1, fill_observation},
        {"POINTING", sim->antennas_listed, fill_pointing},
        {"POLARIZATION", 1, fill_polarization},
        {"PROCESSOR", 1, fill_processor},
        {"SPECTRAL_WINDOW", sim->spws, fill_spectral_window},
        {"STATE", 1, fill_state},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        msio_status status = make_subtable(sim, path, table, all[i].name, all[i].rows, all[i].fill);
        if (status != MSIO_OK) return status;
    }
    return MSIO_OK;
}
