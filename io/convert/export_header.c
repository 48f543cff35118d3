/* export_header.c - a UVH5 file of an export: its header, and the place of its data. */
#include "core/checked.h"
#include "core/error.h"
#include "io/convert/exporting.h"
#include "io/hdf5_module/hdf5_put.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES 160

/* A file being made of some windows. */
typedef struct maker {
    const msio_exporting *e;
    int first, windows;
    int64_t channel, channels; /* among those of all windows */
    msio_h5_putter to;
} maker;

static void put_telescope(maker *m) {
    const msio_exporting *e = m->e;
    msio_h5_put_double(&m->to, "Header/latitude", e->site.lat * (180 / M_PI));
    msio_h5_put_double(&m->to, "Header/longitude", e->site.lon * (180 / M_PI));
    msio_h5_put_double(&m->to, "Header/altitude", e->site.height);
    msio_h5_put_text(&m->to, "Header/telescope_frame", "itrs");
    msio_h5_put_text(&m->to, "Header/telescope_name", e->telescope);
    msio_h5_put_text(&m->to, "Header/instrument", e->telescope);
    msio_h5_put_text(&m->to, "Header/version", "1.2");
    msio_h5_put_text(&m->to, "Header/history", e->history);
    msio_h5_put_text(&m->to, "Header/vis_units", e->units);
}

static void put_antennas(maker *m) {
    const msio_exporting *e = m->e;
    const int n = e->antennas;
    int64_t *number = calloc((size_t)n + 1, sizeof *number);
    double(*offset)[3] = calloc((size_t)n + 1, sizeof *offset), *diameter = calloc((size_t)n + 1, sizeof *diameter);
    const char **name = calloc((size_t)n + 1, sizeof *name), **mount = calloc((size_t)n + 1, sizeof *mount);
    bool sized = true;
    if (!number || !offset || !diameter || !name || !mount)
        m->to.status = msio_error_set(MSIO_E_MEMORY, e->ms, "no memory for antennas");
    for (int i = 0; i < n && !m->to.status; i++) {
        number[i] = e->antenna[i].number;
        memcpy(offset[i], e->antenna[i].offset, sizeof *offset);
        diameter[i] = e->antenna[i].diameter;
        sized = sized && diameter[i] > 0;
        name[i] = e->antenna[i].name;
        mount[i] = e->antenna[i].mount;
    }
    msio_h5_put_list(&m->to, "Header/antenna_numbers", MSIO_INT64, n, 1, number);
    msio_h5_put_list(&m->to, "Header/antenna_positions", MSIO_DOUBLE, n, 3, offset);
    if (sized) msio_h5_put_list(&m->to, "Header/antenna_diameters", MSIO_DOUBLE, n, 1, diameter);
    if (!m->to.status) msio_h5_put_texts(&m->to, "Header/antenna_names", n, name);
    if (!m->to.status) msio_h5_put_texts(&m->to, "Header/mount_type", n, mount);
    free(number);
    free(offset);
    free(diameter);
    free(name);
    free(mount);
}

static void put_sizes(maker *m) {
    const msio_exporting *e = m->e;
    msio_h5_put_integer(&m->to, "Header/Nants_data", e->used_antennas);
    msio_h5_put_integer(&m->to, "Header/Nants_telescope", e->antennas);
    msio_h5_put_integer(&m->to, "Header/Nbls", e->baselines);
    msio_h5_put_integer(&m->to, "Header/Nblts", e->facts.rows);
    msio_h5_put_integer(&m->to, "Header/Nfreqs", m->channels);
    msio_h5_put_integer(&m->to, "Header/Npols", e->facts.pols);
    msio_h5_put_integer(&m->to, "Header/Nspws", m->windows);
    msio_h5_put_integer(&m->to, "Header/Ntimes", e->times);
    msio_h5_put_integer(&m->to, "Header/Nphase", e->fields);
}

static void put_frequencies(maker *m) {
    static const uint8_t truths[2] = {0, 1};
    const msio_exporting *e = m->e;
    int64_t *window = calloc((size_t)m->windows + 1, sizeof *window), *of = calloc((size_t)m->channels + 1, sizeof *of);
    int64_t pols[4];
    if (!window || !of) m->to.status = msio_error_set(MSIO_E_MEMORY, e->ms, "no memory for channels");
    for (int w = 0; w < m->windows && !m->to.status; w++) {
        const msio_subband *band = &e->facts.subband[m->first + w];
        window[w] = e->window_id[m->first + w];
        for (int64_t i = 0; i < band->channels; i++) of[band->channel - m->channel + i] = window[w];
    }
    for (int p = 0; p < e->facts.pols; p++) pols[p] = e->aips[p];
    msio_h5_put_number(&m->to, "Header/flex_spw", MSIO_BOOL, &truths[m->windows > 1]);
    msio_h5_put_list(&m->to, "Header/spw_array", MSIO_INT64, m->windows, 1, window);
    msio_h5_put_list(&m->to, "Header/flex_spw_id_array", MSIO_INT64, m->channels, 1, of);
    msio_h5_put_list(&m->to, "Header/freq_array", MSIO_DOUBLE, m->channels, 1, e->facts.frequencies + m->channel);
    msio_h5_put_list(&m->to, "Header/channel_width", MSIO_DOUBLE, m->channels, 1, e->facts.widths + m->channel);
    msio_h5_put_list(&m->to, "Header/polarization_array", MSIO_INT64, e->facts.pols, 1, pols);
    free(window);
    free(of);
}

static void put_catalog(maker *m) {
    const msio_exporting *e = m->e;
    char name[NAME_BYTES];
    for (int i = 0; i < e->fields && !m->to.status; i++) {
        const msio_export_field *f = &e->field[i];
        const char *const texts[3][2] = {{"cat_name", f->name}, {"cat_type", "sidereal"}, {"cat_frame", f->frame}};
        for (int k = 0; k < 3; k++) {
            snprintf(name, sizeof name, "Header/phase_center_catalog/%d/%s", f->id, texts[k][0]);
            msio_h5_put_text(&m->to, name, texts[k][1]);
        }
        const struct {
            const char *name;
            double value;
        } numbers[3] = {{"cat_lon", f->direction[0]}, {"cat_lat", f->direction[1]}, {"cat_epoch", f->epoch}};
        for (int k = 0; k < 3; k++) {
            snprintf(name, sizeof name, "Header/phase_center_catalog/%d/%s", f->id, numbers[k].name);
            if (!isnan(numbers[k].value)) msio_h5_put_double(&m->to, name, numbers[k].value);
        }
        snprintf(name, sizeof name, "Header/phase_center_catalog/%d/info_source", f->id);
        msio_h5_put_text(&m->to, name, "file");
    }
}

static void put_rows(maker *m) {
    const msio_exporting *e = m->e;
    const int64_t n = e->facts.rows;
    int64_t *whole = malloc((size_t)(n + 1) * sizeof *whole);
    if (!whole) m->to.status = msio_error_set(MSIO_E_MEMORY, e->ms, "no memory for rows");
    for (int64_t r = 0; r < n && !m->to.status; r++) whole[r] = e->facts.antenna1[r];
    msio_h5_put_list(&m->to, "Header/ant_1_array", MSIO_INT64, n, 1, whole);
    for (int64_t r = 0; r < n && !m->to.status; r++) whole[r] = e->facts.antenna2[r];
    msio_h5_put_list(&m->to, "Header/ant_2_array", MSIO_INT64, n, 1, whole);
    for (int64_t r = 0; r < n && !m->to.status; r++) whole[r] = e->field[e->field_id[r]].id;
    msio_h5_put_list(&m->to, "Header/phase_center_id_array", MSIO_INT64, n, 1, whole);
    free(whole);
    msio_h5_put_list(&m->to, "Header/time_array", MSIO_DOUBLE, n, 1, e->jd);
    msio_h5_put_list(&m->to, "Header/integration_time", MSIO_DOUBLE, n, 1, e->integration);
    msio_h5_put_list(&m->to, "Header/lst_array", MSIO_DOUBLE, n, 1, e->lst);
    msio_h5_put_list(&m->to, "Header/uvw_array", MSIO_DOUBLE, n, 3, e->uvw);
    msio_h5_put_list(&m->to, "Header/phase_center_app_ra", MSIO_DOUBLE, n, 1, e->app_ra);
    msio_h5_put_list(&m->to, "Header/phase_center_app_dec", MSIO_DOUBLE, n, 1, e->app_dec);
    msio_h5_put_list(&m->to, "Header/phase_center_frame_pa", MSIO_DOUBLE, n, 1, e->angle);
}

/* What pyuvdata, or we, kept of a UVH5 file's extra keywords. */
static void put_extra(maker *m) {
    const msio_field *extra = msio_record_find(msio_table_keywords(m->e->table), "pyuvdata_extra");
    char name[NAME_BYTES];
    for (int i = 0; extra && extra->record && i < msio_record_count(extra->record); i++) {
        const msio_field *f = msio_record_at(extra->record, i);
        if (snprintf(name, sizeof name, "Header/extra_keywords/%s", f->name) >= (int)sizeof name ||
            strchr(f->name, '/') || f->ndim > 1)
            continue;
        const bool number = f->type == MSIO_INT || f->type == MSIO_INT64 || f->type == MSIO_DOUBLE ||
                            f->type == MSIO_FLOAT || f->type == MSIO_BOOL;
        if (number && f->ndim == 0)
            msio_h5_put_number(&m->to, name, f->type, f->values);
        else if (number)
            msio_h5_put_list(&m->to, name, f->type, f->count, 1, f->values);
        else if (f->type == MSIO_STRING && f->ndim == 0 && f->count == 1)
            msio_h5_put_text(&m->to, name, f->strings[0]);
        else if (f->type == MSIO_STRING)
            msio_h5_put_texts(&m->to, name, f->count, f->strings);
    }
}

static void make_data(maker *m) {
    static const struct {
        const char *name;
        msio_type type;
    } data[3] = {{"Data/visdata", MSIO_COMPLEX}, {"Data/flags", MSIO_BOOL}, {"Data/nsamples", MSIO_FLOAT}};
    for (int i = 0; i < 3; i++) {
        const msio_h5_spec spec = {.name = data[i].name,
                                   .type = data[i].type,
                                   .ndim = 3,
                                   .shape = {m->e->facts.rows, m->channels, m->e->facts.pols},
                                   .early = true};
        msio_h5_put(&m->to, &spec, NULL);
    }
}

msio_status msio_export_make(const msio_exporting *e, const char *path, int first, int windows) {
    maker m = {
        .e = e, .first = first, .windows = windows, .channel = e->facts.subband[first].channel, .to = {.path = path}};
    for (int w = 0; w < windows; w++) m.channels += e->facts.subband[first + w].channels;
    m.to.status = msio_h5_create(path, &m.to.file);
    if (m.to.status) return m.to.status;
    put_sizes(&m);
    put_telescope(&m);
    put_antennas(&m);
    put_frequencies(&m);
    put_catalog(&m);
    put_rows(&m);
    put_extra(&m);
    make_data(&m);
    msio_h5_put_end(&m.to);
    return m.to.status;
}
