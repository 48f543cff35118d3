/* simulate_uvh5_file.c - one simulated subband file, laid out as DSA-110's correlator writes it through h5py: datasets
 * that grow, made without elements, and extended in turn by one integration at a time. */
#include "io/simulate/simulate_uvh5.h"

#include "core/checked.h"
#include "core/error.h"
#include "io/hdf5_module/hdf5_put.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Bytes of values made and written at a time; an integration of DSA-110's is less. */
#define BLOCK_BYTES ((int64_t)32 << 20)
/* Bytes of a file apart from its chunks and their index, about. */
#define FRAME_BYTES 24576
#define TEXT_MOST 512

/* ---------------------------------------------------------------- chunks */

/* The chunk that h5py takes for a dataset of this first shape when it is not told: an axis without elements counts as
 * 1024; the axes are halved in turn, the first one first, until a chunk is not far above a size that grows slowly with
 * the dataset's: 16 KiB for 1 MiB, doubled for each factor of ten, 8 KiB .. 1 MiB. */
static void guess_chunk(int ndim, const int64_t *shape, int64_t element, int64_t *chunk) {
    const double least = 8192.0, most = 1048576.0;
    double bytes = (double)element;
    for (int k = 0; k < ndim; k++) {
        chunk[k] = shape[k] ? shape[k] : 1024;
        bytes *= (double)chunk[k];
    }
    const double target = fmin(fmax(16384.0 * pow(2.0, log10(bytes / 1048576.0)), least), most);
    for (int k = 0;; k = (k + 1) % ndim) {
        bytes = (double)element;
        for (int i = 0; i < ndim; i++) bytes *= (double)chunk[i];
        if ((bytes < target || fabs(bytes - target) / target < 0.5) && bytes < most) return;
        if (bytes == (double)element) return;
        chunk[k] = msio_div_up(chunk[k], 2);
    }
}

/* ---------------------------------------------------------------- datasets that grow */

typedef enum cell_kind { CELL_SCALAR, CELL_UVW, CELL_DATA } cell_kind;

typedef struct series {
    const char *name;
    msio_type type;
    cell_kind cell;
    msio_sim_uvh5_fill *fill;
} series;

/* In the order in which an integration is appended to them. */
static const series all_series[] = {
    {"Header/time_array", MSIO_DOUBLE, CELL_SCALAR, msio_sim_uvh5_time},
    {"Header/integration_time", MSIO_DOUBLE, CELL_SCALAR, msio_sim_uvh5_integration},
    {"Header/uvw_array", MSIO_FLOAT, CELL_UVW, msio_sim_uvh5_uvw},
    {"Header/ant_1_array", MSIO_INT64, CELL_SCALAR, msio_sim_uvh5_antenna1},
    {"Header/ant_2_array", MSIO_INT64, CELL_SCALAR, msio_sim_uvh5_antenna2},
    {"Data/visdata", MSIO_COMPLEX, CELL_DATA, msio_sim_uvh5_visdata},
    {"Data/flags", MSIO_BOOL, CELL_DATA, msio_sim_uvh5_flags},
    {"Data/nsamples", MSIO_FLOAT, CELL_DATA, msio_sim_uvh5_nsamples},
};
#define SERIES (int)(sizeof all_series / sizeof *all_series)

/* What h5py is told when the dataset is made: no rows yet; and the chunk that it takes. */
static msio_h5_spec series_spec(const msio_sim_uvh5 *group, const series *s) {
    msio_h5_spec spec = {.name = s->name, .type = s->type, .ndim = 1, .grows = true};
    if (s->cell == CELL_UVW) {
        spec.ndim = 2;
        spec.shape[1] = 3;
    } else if (s->cell == CELL_DATA) {
        spec.ndim = 4; /* the length-1 axis of spectral windows that old UVH5 has */
        spec.shape[1] = 1;
        spec.shape[2] = group->sim.channels;
        spec.shape[3] = group->sim.corrs;
        spec.compression = group->compression;
    }
    guess_chunk(spec.ndim, spec.shape, (int64_t)msio_type_size(s->type), spec.chunk);
    return spec;
}

/* Bytes of a row. */
static int64_t row_bytes(const msio_h5_spec *spec) {
    int64_t bytes = (int64_t)msio_type_size(spec->type);
    for (int k = 1; k < spec->ndim; k++) bytes *= spec->shape[k];
    return bytes;
}

static int64_t block_rows(const msio_sim_uvh5 *group, const msio_h5_spec *spec) {
    return msio_min(group->sim.baselines, msio_max(1, BLOCK_BYTES / row_bytes(spec)));
}

/* ---------------------------------------------------------------- sizes */

int64_t msio_sim_uvh5_value_bytes(const msio_sim_uvh5 *group) {
    int64_t bytes = 0;
    for (int i = 0; i < SERIES; i++) {
        const msio_h5_spec spec = series_spec(group, &all_series[i]);
        bytes += row_bytes(&spec) * group->rows;
    }
    return bytes;
}

/* Chunks are stored whole; of their index's nodes, which hold up to 64 chunks, the half is used. */
static int64_t series_bytes(const msio_sim_uvh5 *group, const series *s) {
    const msio_h5_spec spec = series_spec(group, s);
    const int64_t node = 24 + 65 * (8 + 8 * (spec.ndim + 1)) + 64 * 8;
    int64_t chunks = msio_div_up(group->rows, spec.chunk[0]), bytes = (int64_t)msio_type_size(spec.type);
    for (int k = 0; k < spec.ndim; k++) {
        bytes *= spec.chunk[k];
        if (k > 0) chunks *= msio_div_up(spec.shape[k], spec.chunk[k]);
    }
    return chunks * bytes + msio_div_up(chunks, 32) * node;
}

int64_t msio_sim_uvh5_file_bytes(const msio_sim_uvh5 *group) {
    int64_t bytes = FRAME_BYTES + (4 + 3 * 8 + 2 * 8) * (int64_t)group->sim.antennas_listed;
    for (int i = 0; i < SERIES; i++) bytes += series_bytes(group, &all_series[i]);
    return bytes;
}

/* ---------------------------------------------------------------- the header */

/* A file being made. After a failure nothing more is done. */
typedef struct maker {
    const msio_sim_uvh5 *group;
    int subband;
    msio_h5_putter to;
    void *block;
} maker;

static void put_scalars(maker *m) {
    const msio_sim_uvh5 *group = m->group;
    const msio_sim *sim = &group->sim;
    char history[TEXT_MOST];
    snprintf(history, sizeof history, "simulated: subband %d of %d, flags %s, noise %.17g, seed %llu%s", m->subband,
             sim->spws, group->flags ? "pattern" : "none", group->noise, (unsigned long long)group->seed,
             group->sky ? group->sky->told : "");
    msio_h5_put_double(&m->to, "Header/latitude", MSIO_SIM_LATITUDE);
    msio_h5_put_double(&m->to, "Header/longitude", MSIO_SIM_LONGITUDE);
    msio_h5_put_double(&m->to, "Header/altitude", MSIO_SIM_ALTITUDE);
    msio_h5_put_text(&m->to, "Header/telescope_name", "OVRO_MMA");
    msio_h5_put_text(&m->to, "Header/instrument", "DSA");
    msio_h5_put_text(&m->to, "Header/object_name", "simulated");
    msio_h5_put_text(&m->to, "Header/history", history);
    msio_h5_put_text(&m->to, "Header/phase_type", "drift");
    msio_h5_put_double(&m->to, "Header/phase_center_app_dec", MSIO_SIM_DECLINATION);
    msio_h5_put_integer(&m->to, "Header/Nants_data", sim->antennas);
    msio_h5_put_integer(&m->to, "Header/Nants_telescope", sim->antennas_listed);
    msio_h5_put_integer(&m->to, "Header/Nbls", sim->baselines);
    msio_h5_put_integer(&m->to, "Header/Nblts", group->rows);
    msio_h5_put_integer(&m->to, "Header/Nfreqs", sim->channels);
    msio_h5_put_integer(&m->to, "Header/Npols", sim->corrs);
    msio_h5_put_integer(&m->to, "Header/Ntimes", sim->times);
    msio_h5_put_integer(&m->to, "Header/Nspws", 1);
    msio_h5_put_double(&m->to, "Header/channel_width", MSIO_SIM_CHANNEL_WIDTH);
}

static void put_axes(maker *m) {
    const msio_sim *sim = &m->group->sim;
    const int64_t window = 1;
    double *frequency = malloc((size_t)sim->channels * sizeof *frequency);
    if (!frequency) {
        m->to.status = msio_error_set(MSIO_E_MEMORY, m->to.path, "no memory for %d frequencies", sim->channels);
        return;
    }
    for (int c = 0; c < sim->channels; c++) frequency[c] = msio_sim_subband_frequency(m->group, m->subband, c);
    msio_h5_put(
        &m->to,
        &(msio_h5_spec){.name = "Header/freq_array", .type = MSIO_DOUBLE, .ndim = 2, .shape = {1, sim->channels}},
        frequency);
    msio_h5_put(&m->to, &(msio_h5_spec){.name = "Header/spw_array", .type = MSIO_INT64, .ndim = 1, .shape = {1}},
                &window);
    msio_h5_put(
        &m->to,
        &(msio_h5_spec){.name = "Header/polarization_array", .type = MSIO_INT64, .ndim = 1, .shape = {sim->corrs}},
        msio_sim_polarizations(m->group));
    free(frequency);
}

/* Of every antenna a number, a name (of at least 4 bytes, as the correlator's), a place and a diameter. */
static void put_antennas(maker *m) {
    const int64_t n = m->group->sim.antennas_listed;
    const int width = n > 9999 ? 5 : 4;
    char digits[24];
    int64_t *number = malloc((size_t)n * sizeof *number);
    double *place = malloc(3 * (size_t)n * sizeof *place), *diameter = malloc((size_t)n * sizeof *diameter);
    char *name = calloc((size_t)n, (size_t)width);
    if (!number || !place || !diameter || !name) {
        m->to.status = msio_error_set(MSIO_E_MEMORY, m->to.path, "no memory for %lld antennas", (long long)n);
        goto done;
    }
    for (int64_t i = 0; i < n; i++) {
        number[i] = i;
        diameter[i] = 4.65;
        msio_sim_antenna_offset(i, place + 3 * i);
        const int length = snprintf(digits, sizeof digits, "%lld", (long long)i + 1);
        memcpy(name + i * width, digits, (size_t)length);
    }
    msio_h5_put(&m->to,
                &(msio_h5_spec){
                    .name = "Header/antenna_names", .type = MSIO_STRING, .text_bytes = width, .ndim = 1, .shape = {n}},
                name);
    msio_h5_put(&m->to, &(msio_h5_spec){.name = "Header/antenna_numbers", .type = MSIO_INT64, .ndim = 1, .shape = {n}},
                number);
    msio_h5_put(&m->to,
                &(msio_h5_spec){.name = "Header/antenna_positions", .type = MSIO_DOUBLE, .ndim = 2, .shape = {n, 3}},
                place);
    msio_h5_put(&m->to,
                &(msio_h5_spec){.name = "Header/antenna_diameters", .type = MSIO_DOUBLE, .ndim = 1, .shape = {n}},
                diameter);
done:
    free(name);
    free(diameter);
    free(place);
    free(number);
}

/* The delays are text: two whole numbers an antenna. */
static void put_extra_keywords(maker *m) {
    const size_t delays = 2 * (size_t)m->group->sim.antennas_listed;
    msio_h5_put_double(&m->to, "Header/extra_keywords/phase_center_dec", MSIO_SIM_DECLINATION);
    msio_h5_put_double(&m->to, "Header/extra_keywords/ha_phase_center", 0.0);
    msio_h5_put_text(&m->to, "Header/extra_keywords/phase_center_epoch", "HADEC");
    msio_h5_put_text(&m->to, "Header/extra_keywords/fs_table", "simulated.npz");
    char *text = malloc(2 * delays);
    if (!text) {
        m->to.status = msio_error_set(MSIO_E_MEMORY, m->to.path, "no memory for %zu delays", delays);
        return;
    }
    for (size_t i = 0; i < delays; i++) memcpy(text + 2 * i, "0 ", 2);
    text[2 * delays - 1] = '\0';
    msio_h5_put_text(&m->to, "Header/extra_keywords/applied_delays_ns", text);
    free(text);
}

/* ---------------------------------------------------------------- the rows */

static void make_series(maker *m) {
    for (int i = 0; i < SERIES && m->to.status == MSIO_OK; i++) {
        const msio_h5_spec spec = series_spec(m->group, &all_series[i]);
        msio_h5_dataset *dataset = NULL;
        m->to.status = msio_h5_make(m->to.file, m->to.path, &spec, &dataset);
        msio_h5_put_close(&m->to, dataset);
    }
}

/* Appends integration t to one dataset, in blocks. It is opened and closed for that, as the correlator does it: chunks
 * get their places in the file then, whole or not. */
static void append(maker *m, const series *s, int64_t t, msio_sim_report *report, void *user) {
    const msio_sim_uvh5 *group = m->group;
    const msio_h5_spec spec = series_spec(group, s);
    const int64_t end = (t + 1) * group->sim.baselines, step = block_rows(group, &spec);
    msio_h5_dataset *dataset = NULL;
    msio_h5_info info;
    m->to.status = msio_h5_dataset_open(m->to.file, m->to.path, s->name, &dataset, &info);
    for (int64_t row = t * group->sim.baselines; row < end && m->to.status == MSIO_OK; row += step) {
        int64_t start[MSIO_MAX_NDIM] = {row}, count[MSIO_MAX_NDIM];
        memcpy(count, spec.shape, sizeof count);
        count[0] = msio_min(step, end - row);
        s->fill(group, m->subband, row, count[0], m->block);
        m->to.status = msio_h5_write(dataset, m->to.path, start, count, m->block);
        if (m->to.status == MSIO_OK) m->to.status = report(user, count[0] * row_bytes(&spec));
    }
    msio_h5_put_close(&m->to, dataset);
}

static void append_all(maker *m, msio_sim_report *report, void *user) {
    int64_t most = 0;
    for (int i = 0; i < SERIES; i++) {
        const msio_h5_spec spec = series_spec(m->group, &all_series[i]);
        most = msio_max(most, block_rows(m->group, &spec) * row_bytes(&spec));
    }
    m->block = malloc((size_t)most);
    if (!m->block)
        m->to.status =
            msio_error_set(MSIO_E_MEMORY, m->to.path, "no memory for a block of %lld bytes", (long long)most);
    for (int64_t t = 0; t < m->group->sim.times; t++)
        for (int i = 0; i < SERIES && m->to.status == MSIO_OK; i++) append(m, &all_series[i], t, report, user);
}

msio_status msio_sim_uvh5_file(const msio_sim_uvh5 *group, int subband, const char *path, msio_sim_report *report,
                               void *user) {
    maker m = {.group = group, .subband = subband, .to = {.path = path}};
    m.to.status = msio_h5_create(path, &m.to.file);
    if (m.to.status != MSIO_OK) return m.to.status;
    put_scalars(&m);
    if (m.to.status == MSIO_OK) put_axes(&m);
    if (m.to.status == MSIO_OK) put_antennas(&m);
    if (m.to.status == MSIO_OK) put_extra_keywords(&m);
    if (m.to.status == MSIO_OK) make_series(&m);
    if (m.to.status == MSIO_OK) append_all(&m, report, user);
    msio_h5_put_end(&m.to);
    if (m.to.status != MSIO_OK) unlink(path);
    free(m.block);
    return m.to.status;
}
