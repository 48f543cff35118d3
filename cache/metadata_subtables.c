/* metadata_subtables.c - the subtables of a Measurement Set as structures (columns as in casacore note 229). */
#include "cache/metadata.h"

#include <stdlib.h>
#include <string.h>

static void read_antennas(msio_subtable *t, msio_metadata *f) {
    msio_antenna_info *a = msio_subtable_items(t, sizeof *a);
    msio_ragged name = msio_subtable_cells(t, "NAME"), station = msio_subtable_cells(t, "STATION"),
                mount = msio_subtable_cells(t, "MOUNT"), position = msio_subtable_cells(t, "POSITION"),
                diameter = msio_subtable_cells(t, "DISH_DIAMETER"), flag = msio_subtable_cells(t, "FLAG_ROW");
    for (int64_t i = 0; i < t->rows && !t->status; i++) {
        a[i].name = msio_cell_text(t, &name, i);
        a[i].station = msio_cell_text(t, &station, i);
        a[i].mount = msio_cell_text(t, &mount, i);
        for (int k = 0; k < 3; k++) a[i].position[k] = msio_cell_number(&position, i, k, 0);
        a[i].diameter = msio_cell_number(&diameter, i, 0, 0);
        a[i].flagged = msio_cell_int(&flag, i, 0) != 0;
    }
    f->antenna = a;
    f->antennas = (int)t->rows;
    msio_ragged *all[] = {&name, &station, &mount, &position, &diameter, &flag};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) msio_ragged_free(all[i]);
}

static void read_windows(msio_subtable *t, msio_metadata *f) {
    msio_spectral_window *w = msio_subtable_items(t, sizeof *w);
    msio_ragged name = msio_subtable_cells(t, "NAME"), frequency = msio_subtable_cells(t, "CHAN_FREQ"),
                width = msio_subtable_cells(t, "CHAN_WIDTH"), channels = msio_subtable_cells(t, "NUM_CHAN"),
                reference = msio_subtable_cells(t, "REF_FREQUENCY"), band = msio_subtable_cells(t, "TOTAL_BANDWIDTH"),
                frame = msio_subtable_cells(t, "MEAS_FREQ_REF");
    for (int64_t i = 0; i < t->rows && !t->status; i++) {
        int64_t n = msio_cell_length(&frequency, i);
        w[i].name = msio_cell_text(t, &name, i);
        w[i].channels = n ? n : msio_cell_int(&channels, i, 0);
        w[i].frequencies = msio_cell_doubles(t, &frequency, i);
        if (msio_cell_length(&width, i) == n) w[i].widths = msio_cell_doubles(t, &width, i);
        w[i].reference_frequency = msio_cell_number(&reference, i, 0, 0);
        w[i].bandwidth = msio_cell_number(&band, i, 0, 0);
        w[i].frame = msio_cell_int(&frame, i, -1);
    }
    f->spectral_window = w;
    f->spectral_windows = (int)t->rows;
    msio_ragged *all[] = {&name, &frequency, &width, &channels, &reference, &band, &frame};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) msio_ragged_free(all[i]);
}

static void read_polarizations(msio_subtable *t, msio_metadata *f) {
    msio_polarization *p = msio_subtable_items(t, sizeof *p);
    msio_ragged type = msio_subtable_cells(t, "CORR_TYPE");
    for (int64_t i = 0; i < t->rows && !t->status; i++) {
        int64_t n = msio_cell_length(&type, i);
        int32_t *types = msio_arena_take(t->arena, n + 1, sizeof *types);
        if (!types) {
            t->status = MSIO_E_MEMORY;
            break;
        }
        for (int64_t k = 0; k < n; k++) types[k] = (int32_t)msio_cell_number(&type, i, k, 0);
        p[i] = (msio_polarization){(int)n, types};
    }
    f->polarization = p;
    f->polarizations = (int)t->rows;
    msio_ragged_free(&type);
}

static void read_descriptions(msio_subtable *t, msio_metadata *f) {
    msio_data_description *d = msio_subtable_items(t, sizeof *d);
    msio_ragged window = msio_subtable_cells(t, "SPECTRAL_WINDOW_ID"),
                polarization = msio_subtable_cells(t, "POLARIZATION_ID"), flag = msio_subtable_cells(t, "FLAG_ROW");
    for (int64_t i = 0; i < t->rows && !t->status; i++)
        d[i] = (msio_data_description){msio_cell_int(&window, i, -1), msio_cell_int(&polarization, i, -1),
                                       msio_cell_int(&flag, i, 0) != 0};
    f->data_description = d;
    f->data_descriptions = (int)t->rows;
    msio_ragged_free(&window);
    msio_ragged_free(&polarization);
    msio_ragged_free(&flag);
}

static void read_fields(msio_subtable *t, msio_metadata *f) {
    msio_field_info *d = msio_subtable_items(t, sizeof *d);
    msio_ragged name = msio_subtable_cells(t, "NAME"), code = msio_subtable_cells(t, "CODE"),
                source = msio_subtable_cells(t, "SOURCE_ID"), time = msio_subtable_cells(t, "TIME");
    for (int64_t i = 0; i < t->rows && !t->status; i++) {
        d[i].name = msio_cell_text(t, &name, i);
        d[i].code = msio_cell_text(t, &code, i);
        d[i].source = msio_cell_int(&source, i, -1);
        d[i].time = msio_cell_number(&time, i, 0, 0);
    }
    if (!t->status) msio_subtable_directions(t, "PHASE_DIR", &d->phase_dir, sizeof *d);
    if (!t->status) msio_subtable_directions(t, "REFERENCE_DIR", &d->reference_dir, sizeof *d);
    if (!t->status) msio_subtable_directions(t, "DELAY_DIR", &d->delay_dir, sizeof *d);
    f->field = d;
    f->fields = (int)t->rows;
    msio_ragged *all[] = {&name, &code, &source, &time};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) msio_ragged_free(all[i]);
}

static void read_observations(msio_subtable *t, msio_metadata *f) {
    msio_observation_info *o = msio_subtable_items(t, sizeof *o);
    msio_ragged telescope = msio_subtable_cells(t, "TELESCOPE_NAME"), observer = msio_subtable_cells(t, "OBSERVER"),
                project = msio_subtable_cells(t, "PROJECT"), range = msio_subtable_cells(t, "TIME_RANGE");
    for (int64_t i = 0; i < t->rows && !t->status; i++) {
        o[i].telescope = msio_cell_text(t, &telescope, i);
        o[i].observer = msio_cell_text(t, &observer, i);
        o[i].project = msio_cell_text(t, &project, i);
        for (int k = 0; k < 2; k++) o[i].time_range[k] = msio_cell_number(&range, i, k, 0);
    }
    f->observation = o;
    f->observations = (int)t->rows;
    msio_ragged *all[] = {&telescope, &observer, &project, &range};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) msio_ragged_free(all[i]);
}

static void read_sources(msio_subtable *t, msio_metadata *f) {
    msio_source_info *s = msio_subtable_items(t, sizeof *s);
    msio_ragged name = msio_subtable_cells(t, "NAME"), id = msio_subtable_cells(t, "SOURCE_ID"),
                window = msio_subtable_cells(t, "SPECTRAL_WINDOW_ID"), time = msio_subtable_cells(t, "TIME"),
                interval = msio_subtable_cells(t, "INTERVAL");
    for (int64_t i = 0; i < t->rows && !t->status; i++) {
        s[i].name = msio_cell_text(t, &name, i);
        s[i].id = msio_cell_int(&id, i, -1);
        s[i].spectral_window = msio_cell_int(&window, i, -1);
        s[i].time = msio_cell_number(&time, i, 0, 0);
        s[i].interval = msio_cell_number(&interval, i, 0, 0);
    }
    if (!t->status) msio_subtable_directions(t, "DIRECTION", &s->direction, sizeof *s);
    f->source = s;
    f->sources = (int)t->rows;
    msio_ragged *all[] = {&name, &id, &window, &time, &interval};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) msio_ragged_free(all[i]);
}

static void read_states(msio_subtable *t, msio_metadata *f) {
    msio_state_info *s = msio_subtable_items(t, sizeof *s);
    msio_ragged mode = msio_subtable_cells(t, "OBS_MODE"), subscan = msio_subtable_cells(t, "SUB_SCAN"),
                cal = msio_subtable_cells(t, "CAL"), sig = msio_subtable_cells(t, "SIG"),
                ref = msio_subtable_cells(t, "REF");
    for (int64_t i = 0; i < t->rows && !t->status; i++) {
        s[i].mode = msio_cell_text(t, &mode, i);
        s[i].subscan = msio_cell_int(&subscan, i, 0);
        s[i].cal = msio_cell_number(&cal, i, 0, 0);
        s[i].sig = msio_cell_int(&sig, i, 0) != 0;
        s[i].ref = msio_cell_int(&ref, i, 0) != 0;
    }
    f->state = s;
    f->states = (int)t->rows;
    msio_ragged *all[] = {&mode, &subscan, &cal, &sig, &ref};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) msio_ragged_free(all[i]);
}

void msio_meta_read(msio_meta_answer *m, int which, msio_subtable *t) {
    static void (*const readers[MSIO_META_TABLES])(msio_subtable *,
                                                   msio_metadata *) = {[MSIO_META_ANTENNA] = read_antennas,
                                                                       [MSIO_META_SPECTRAL_WINDOW] = read_windows,
                                                                       [MSIO_META_POLARIZATION] = read_polarizations,
                                                                       [MSIO_META_DATA_DESCRIPTION] = read_descriptions,
                                                                       [MSIO_META_FIELD] = read_fields,
                                                                       [MSIO_META_OBSERVATION] = read_observations,
                                                                       [MSIO_META_SOURCE] = read_sources,
                                                                       [MSIO_META_STATE] = read_states};
    if (readers[which]) readers[which](t, &m->facts);
}
