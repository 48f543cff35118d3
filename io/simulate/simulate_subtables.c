/* simulate_subtables.c - the subtables of a simulated Measurement Set. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* PATH_MAX */
#endif

#include "core/error.h"
#include "io/ms/ms_fill.h"
#include "io/ms/ms_make.h"
#include "io/simulate/simulate_ms.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A subtable's rows, and the observation that they tell of. */
typedef struct filler {
    const msio_sim *sim;
    msio_ms_filler to;
} filler;

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
    msio_ms_put_doubles(&f->to, "OFFSET", 1, &three, zeros);
    for (int64_t i = 0; i < f->to.rows && f->to.status == MSIO_OK; i++) {
        double position[3] = {MSIO_SIM_X, MSIO_SIM_Y, MSIO_SIM_Z}, offset[3];
        msio_sim_antenna_offset(i, offset);
        for (int axis = 0; axis < 3; axis++) position[axis] += offset[axis];
        f->to.status = msio_casa_put(f->to.table, "POSITION", i, 1, 1, &three, position);
        msio_ms_put_text(&f->to, "NAME", i, "%lld", (long long)i + 1);
        msio_ms_put_text(&f->to, "STATION", i, "DSA-%03lld", (long long)i + 1);
    }
    msio_ms_put_text_same(&f->to, "TYPE", "GROUND-BASED");
    msio_ms_put_text_same(&f->to, "MOUNT", "ALT-AZ");
    msio_ms_put_double(&f->to, "DISH_DIAMETER", 4.65);
    msio_ms_put_bool(&f->to, "FLAG_ROW", false);
}

static void fill_data_description(filler *f) {
    msio_ms_put_bool(&f->to, "FLAG_ROW", false);
    msio_ms_put_int(&f->to, "POLARIZATION_ID", 0);
    msio_ms_put_row_numbers(&f->to, "SPECTRAL_WINDOW_ID", 1);
}

static void fill_feed(filler *f) {
    static const int64_t two = 2, three = 3, square[2] = {2, 2};
    static const double zeros[4];
    static const float unity[2][2][2] = {{{1, 0}, {0, 0}}, {{0, 0}, {1, 0}}};
    static const char *const receptors[2] = {"X", "Y"};
    const double span = MSIO_SIM_INTERVAL * f->sim->times;
    msio_ms_put_doubles(&f->to, "POSITION", 1, &three, zeros);
    msio_ms_put_doubles(&f->to, "BEAM_OFFSET", 2, square, zeros);
    msio_ms_put_texts(&f->to, "POLARIZATION_TYPE", 2, receptors);
    msio_ms_put_same(&f->to, "POL_RESPONSE", 2 * sizeof(float), 2, square, unity);
    msio_ms_put_doubles(&f->to, "RECEPTOR_ANGLE", 1, &two, zeros);
    msio_ms_put_row_numbers(&f->to, "ANTENNA_ID", 1);
    msio_ms_put_int(&f->to, "BEAM_ID", -1);
    msio_ms_put_int(&f->to, "FEED_ID", 0);
    msio_ms_put_double(&f->to, "INTERVAL", span);
    msio_ms_put_int(&f->to, "NUM_RECEPTORS", 2);
    msio_ms_put_int(&f->to, "SPECTRAL_WINDOW_ID", -1);
    msio_ms_put_double(&f->to, "TIME", msio_sim_time(0) + span / 2);
}

static void fill_field(filler *f) {
    static const int64_t shape[2] = {1, 2};
    static const char *const directions[] = {"DELAY_DIR", "PHASE_DIR", "REFERENCE_DIR"};
    for (int64_t t = 0; t < f->to.rows; t++) {
        double direction[2], time = msio_sim_time(t);
        field_direction(f->sim, t, direction);
        for (int i = 0; i < 3 && f->to.status == MSIO_OK; i++)
            f->to.status = msio_casa_put(f->to.table, directions[i], t, 1, 2, shape, direction);
        if (f->to.status == MSIO_OK) f->to.status = msio_casa_put(f->to.table, "TIME", t, 1, 0, NULL, &time);
        msio_ms_put_text(&f->to, "NAME", t, "meridian_icrs_t%lld", (long long)t);
    }
    msio_ms_put_text_same(&f->to, "CODE", "");
    msio_ms_put_bool(&f->to, "FLAG_ROW", false);
    msio_ms_put_int(&f->to, "NUM_POLY", 0);
    msio_ms_put_int(&f->to, "SOURCE_ID", -1);
}

static void fill_history(filler *f) {
    static const char *const nothing[1] = {""};
    static const char *const layouts[] = {"dsa110", "default", "wide"};
    const msio_sim *sim = f->sim;
    msio_ms_put_texts(&f->to, "APP_PARAMS", 1, nothing);
    msio_ms_put_texts(&f->to, "CLI_COMMAND", 1, nothing);
    msio_ms_put_text_same(&f->to, "APPLICATION", "msio");
    msio_ms_put_text(&f->to, "MESSAGE", 0,
                     "simulated: layout %s, %d antennas, %d times, %d spectral windows of %d channels, "
                     "%d correlations%s",
                     layouts[sim->layout], sim->antennas, sim->times, sim->spws, sim->channels, sim->corrs,
                     sim->sky ? sim->sky->told : "");
    msio_ms_put_int(&f->to, "OBJECT_ID", -1);
    msio_ms_put_int(&f->to, "OBSERVATION_ID", 0);
    msio_ms_put_text_same(&f->to, "ORIGIN", "msio_simulate_ms");
    msio_ms_put_text_same(&f->to, "PRIORITY", "INFO");
    msio_ms_put_double(&f->to, "TIME", msio_sim_time(0));
}

static void fill_observation(filler *f) {
    static const int64_t two = 2;
    static const char *const nothing[1] = {""};
    const double half = MSIO_SIM_INTERVAL / 2;
    const double range[2] = {msio_sim_time(0) - half, msio_sim_time(f->sim->times - 1) + half};
    msio_ms_put_doubles(&f->to, "TIME_RANGE", 1, &two, range);
    msio_ms_put_texts(&f->to, "LOG", 1, nothing);
    msio_ms_put_texts(&f->to, "SCHEDULE", 1, nothing);
    msio_ms_put_bool(&f->to, "FLAG_ROW", false);
    msio_ms_put_text_same(&f->to, "OBSERVER", "msio");
    msio_ms_put_text_same(&f->to, "PROJECT", "simulation");
    msio_ms_put_double(&f->to, "RELEASE_DATE", range[1]);
    msio_ms_put_text_same(&f->to, "SCHEDULE_TYPE", "");
    msio_ms_put_text_same(&f->to, "TELESCOPE_NAME", "OVRO_MMA");
}

static void fill_pointing(filler *f) {
    static const int64_t shape[2] = {1, 2};
    double direction[2];
    field_direction(f->sim, 0, direction);
    msio_ms_put_doubles(&f->to, "DIRECTION", 2, shape, direction);
    msio_ms_put_doubles(&f->to, "TARGET", 2, shape, direction);
    msio_ms_put_row_numbers(&f->to, "ANTENNA_ID", 1);
    msio_ms_put_double(&f->to, "INTERVAL", MSIO_SIM_INTERVAL * f->sim->times);
    msio_ms_put_text_same(&f->to, "NAME", "meridian");
    msio_ms_put_int(&f->to, "NUM_POLY", 0);
    msio_ms_put_double(&f->to, "TIME", msio_sim_time(0));
    msio_ms_put_double(&f->to, "TIME_ORIGIN", msio_sim_time(0));
    msio_ms_put_bool(&f->to, "TRACKING", false);
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
    msio_ms_put_same(&f->to, "CORR_TYPE", sizeof *type, 1, &corrs, type);
    msio_ms_put_same(&f->to, "CORR_PRODUCT", sizeof **product, 2, shape, product);
    msio_ms_put_bool(&f->to, "FLAG_ROW", false);
    msio_ms_put_int(&f->to, "NUM_CORR", (int32_t)corrs);
}

static void fill_processor(filler *f) {
    msio_ms_put_bool(&f->to, "FLAG_ROW", false);
    msio_ms_put_int(&f->to, "MODE_ID", -1);
    msio_ms_put_text_same(&f->to, "TYPE", "CORRELATOR");
    msio_ms_put_int(&f->to, "TYPE_ID", -1);
    msio_ms_put_text_same(&f->to, "SUB_TYPE", "");
}

static void fill_frequencies(filler *f, int spw) {
    const int64_t channels = f->sim->channels;
    double *values = malloc(2 * (size_t)channels * sizeof *values);
    if (!values) {
        f->to.status = msio_error_set(MSIO_E_MEMORY, NULL, "no memory for the frequencies of a spectral window");
        return;
    }
    double *widths = values + channels;
    for (int i = 0; i < channels; i++) {
        values[i] = msio_sim_frequency(f->sim, spw, i);
        widths[i] = MSIO_SIM_CHANNEL_WIDTH;
    }
    static const char *const widths_columns[] = {"CHAN_WIDTH", "EFFECTIVE_BW", "RESOLUTION"};
    if (f->to.status == MSIO_OK) f->to.status = msio_casa_put(f->to.table, "CHAN_FREQ", spw, 1, 1, &channels, values);
    for (int i = 0; i < 3 && f->to.status == MSIO_OK; i++)
        f->to.status = msio_casa_put(f->to.table, widths_columns[i], spw, 1, 1, &channels, widths);
    if (f->to.status == MSIO_OK) f->to.status = msio_casa_put(f->to.table, "REF_FREQUENCY", spw, 1, 0, NULL, values);
    free(values);
}

static void fill_spectral_window(filler *f) {
    msio_ms_put_int(&f->to, "MEAS_FREQ_REF", 5); /* TOPO */
    for (int i = 0; i < f->sim->spws; i++) {
        fill_frequencies(f, i);
        msio_ms_put_text(&f->to, "NAME", i, "SPW%d", i);
    }
    msio_ms_put_bool(&f->to, "FLAG_ROW", false);
    msio_ms_put_int(&f->to, "FREQ_GROUP", 0);
    msio_ms_put_text_same(&f->to, "FREQ_GROUP_NAME", "");
    msio_ms_put_int(&f->to, "IF_CONV_CHAIN", 0);
    msio_ms_put_int(&f->to, "NET_SIDEBAND", 1);
    msio_ms_put_int(&f->to, "NUM_CHAN", f->sim->channels);
    msio_ms_put_double(&f->to, "TOTAL_BANDWIDTH", MSIO_SIM_CHANNEL_WIDTH * f->sim->channels);
}

static void fill_state(filler *f) {
    msio_ms_put_double(&f->to, "CAL", 0);
    msio_ms_put_bool(&f->to, "FLAG_ROW", false);
    msio_ms_put_double(&f->to, "LOAD", 0);
    msio_ms_put_text_same(&f->to, "OBS_MODE", "OBSERVE_TARGET#ON_SOURCE");
    msio_ms_put_bool(&f->to, "REF", false);
    msio_ms_put_bool(&f->to, "SIG", true);
    msio_ms_put_int(&f->to, "SUB_SCAN", 0);
}

static void fill_nothing(filler *f) { (void)f; }

/* ---------------------------------------------------------------- all of them */

static msio_status make_subtable(const msio_sim *sim, const char *path, msio_casa_table *parent, const char *name,
                                 int64_t rows, void (*fill)(filler *)) {
    char folder[PATH_MAX];
    if (snprintf(folder, sizeof folder, "%s/%s", path, name) >= (int)sizeof folder)
        return msio_error_set(MSIO_E_ARGUMENT, path, "the path is too long for a subtable's");
    filler f = {sim, {NULL, rows, MSIO_OK}};
    f.to.status = msio_ms_make_plain(folder, msio_ms_table_find(name), rows, sim->big_endian, &f.to.table);
    if (f.to.status == MSIO_OK) fill(&f);
    if (f.to.status == MSIO_OK) f.to.status = msio_casa_link(parent, name, f.to.table);
    if (f.to.status == MSIO_OK) f.to.status = msio_casa_flush(f.to.table);
    msio_casa_close(f.to.table);
    return f.to.status;
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
