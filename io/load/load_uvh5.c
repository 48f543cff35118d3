/* load_uvh5.c - UVH5 files as subbands to be loaded. */
#include "core/checked.h"
#include "io/layout/hdf5_layout.h"
#include "io/load/load_flex.h"
#include "io/load/loader.h"

#include <math.h>
#include <string.h>

/* An open file, and its three datasets. */
typedef struct uvh5_state {
    msio_uvh5 *uvh5;
    const msio_dataset *dataset[MSIO_LOAD_ARRAYS];
    msio_load_flex flex; /* pols of 0: its polarizations are an axis of their own */
} uvh5_state;

static void close_file(msio_load_file *file) {
    uvh5_state *state = file->state;
    if (state) msio_uvh5_close(state->uvh5);
    file->state = NULL;
}

static msio_status read_rows(const msio_load_file *file, unsigned which, const msio_select *select,
                             msio_uvh5_rows *rows) {
    const uvh5_state *state = file->state;
    return msio_uvh5_rows_read(state->uvh5, which, select, rows);
}

static void set_target(const msio_load_file *file, int what, msio_type type, msio_target *target) {
    const uvh5_state *state = file->state;
    if (state->dataset[what]) msio_hdf5_target(state->dataset[what], type, target);
}

static msio_status push_part(const uvh5_state *state, const msio_load_part *part, msio_sink *sink) {
    const msio_dataset *d = state->dataset[part->what];
    int last = d->info.ndim - 1;
    msio_slab slab = {.rows = part->rows, .out = part->out};
    slab.stride[0] = part->row_stride;
    slab.axis[1] = (msio_range){0, 1, 1}; /* the spectral window axis of old files, or overwritten */
    slab.axis[last - 1] = (msio_range){part->chan, part->chans, part->chan_step};
    slab.stride[last - 1] = part->chan_stride;
    slab.axis[last] = (msio_range){part->corr, part->corrs, part->corr_step};
    slab.stride[last] = part->corr_stride;
    if (d->described.native) return msio_hdf5_pieces(d, &slab, sink);
    return msio_hdf5_fallback(d, &slab, part->type, part->result);
}

/* How many channels of a polarization from the i-th wanted one on stand in even steps in the file. */
static int64_t even_channels(const int64_t *stored, const msio_load_part *part, int64_t i) {
    int64_t n = 1;
    stored += part->chan;
    while (i + n < part->chans && (n == 1 ? stored[i * part->chan_step] != stored[(i + 1) * part->chan_step]
                                          : stored[(i + n) * part->chan_step] - stored[(i + n - 1) * part->chan_step] ==
                                                stored[(i + 1) * part->chan_step] - stored[i * part->chan_step]))
        n++;
    return n;
}

/* One polarization of channels that stand anywhere in the file. */
static msio_status push_scattered(const uvh5_state *state, const msio_load_part *part, int64_t place, msio_sink *sink) {
    const int64_t *stored = state->flex.stored + (part->corr + place * part->corr_step) * state->flex.channels;
    msio_status status = MSIO_OK;
    for (int64_t i = 0, n; i < part->chans && !status; i += n) {
        n = even_channels(stored, part, i);
        int64_t first = stored[part->chan + i * part->chan_step];
        int64_t last = stored[part->chan + (i + n - 1) * part->chan_step];
        msio_load_part piece = *part;
        piece.out += place * part->corr_stride + i * part->chan_stride;
        piece.chan = first;
        piece.chans = n;
        piece.chan_step = n > 1 ? (last - first) / (n - 1) : 1;
        piece.corr = 0;
        piece.corrs = piece.corr_step = 1;
        if (last < first) { /* read from the far end, stored backwards */
            piece.chan = last;
            piece.chan_step = -piece.chan_step;
            piece.out += (n - 1) * part->chan_stride;
            piece.chan_stride = -part->chan_stride;
        }
        status = push_part(state, &piece, sink);
    }
    return status;
}

static msio_status push(const msio_load_file *file, const msio_load_part *part, msio_sink *sink,
                        const msio_read_opts *opts) {
    const uvh5_state *state = file->state;
    (void)opts;
    if (state->flex.pols == 0) return push_part(state, part, sink);
    msio_status status = MSIO_OK;
    for (int64_t i = 0; i < part->corrs && !status; i++) status = push_scattered(state, part, i, sink);
    return status;
}

static void settle(msio_load_file *file) {
    uvh5_state *state = file->state;
    msio_hdf5_let_go(msio_uvh5_hdf5(state->uvh5));
}

static msio_status unchanged(const msio_load_file *file) {
    const uvh5_state *state = file->state;
    return msio_hdf5_unchanged(msio_uvh5_hdf5(state->uvh5));
}

/* ---------------------------------------------------------------- opening */

static msio_status find_datasets(const msio_loader *loader, msio_load_file *file) {
    static const char *const names[MSIO_LOAD_ARRAYS] = {"Data/visdata", "Data/flags", "Data/nsamples"};
    uvh5_state *state = file->state;
    msio_status status = MSIO_OK;
    for (int i = 0; i < MSIO_LOAD_ARRAYS && !status; i++)
        if (loader->what & 1u << i)
            status = msio_hdf5_dataset(msio_uvh5_hdf5(state->uvh5), names[i], &state->dataset[i]);
    return status;
}

static const msio_load_antenna *antennas_of(msio_arena *arena, const msio_uvh5_header *header) {
    msio_load_antenna *list = msio_arena_take(arena, header->nants_telescope + 1, sizeof *list);
    for (int64_t i = 0; list && i < header->nants_telescope; i++) {
        list[i].number = header->antenna_numbers[i];
        list[i].name = header->antenna_names[i];
        memcpy(list[i].position, header->antenna_positions[i], sizeof list[i].position);
        list[i].diameter = header->antenna_diameters ? header->antenna_diameters[i] : 0;
    }
    return list;
}

static const double *widths_of(msio_arena *arena, const msio_uvh5_header *header) {
    double *width = msio_arena_take(arena, header->nfreqs + 1, sizeof *width);
    for (int64_t i = 0; width && i < header->nfreqs; i++) width[i] = fabs(header->channel_width[i]);
    return width;
}

/* The declination that a drift scan names in its extra keywords; NaN: none. */
static double drift_declination(const msio_uvh5_header *header) {
    const msio_field *field = msio_uvh5_find(header, "extra_keywords/phase_center_dec");
    if (!field || field->count != 1 || !field->values) return NAN;
    double value;
    float single;
    if (field->type == MSIO_FLOAT) {
        memcpy(&single, field->values, sizeof single);
        return (double)single;
    }
    if (field->type != MSIO_DOUBLE) return NAN;
    memcpy(&value, field->values, sizeof value);
    return value;
}

/* A place on the ground's axes says nothing of the sky's. */
static bool drifts(const msio_uvh5_phase_center *center) {
    return center->type && (strcmp(center->type, "unprojected") == 0 || strcmp(center->type, "driftscan") == 0);
}

static void point(msio_load_file *file, const msio_uvh5_header *header) {
    file->phase_type = header->phase_type ? header->phase_type : "";
    file->phase_center[0] = header->phase_center_ra;
    file->phase_center[1] = header->phase_center_dec;
    if (header->phase_centers == 1) {
        const msio_uvh5_phase_center *center = &header->phase_center[0];
        if (!header->phase_type && center->type) file->phase_type = center->type;
        if (center->lons == 1 && !drifts(center)) file->phase_center[0] = center->lon[0];
        if (center->lats == 1 && !drifts(center)) file->phase_center[1] = center->lat[0];
    }
    if (isnan(file->phase_center[1])) file->phase_center[1] = drift_declination(header);
}

static msio_status open_file(const msio_loader *loader, msio_load_file *file) {
    msio_hdf5_opts opts = MSIO_HDF5_OPTS_INIT;
    opts.native = loader->opts.native;
    opts.nolock = loader->opts.nolock;
    uvh5_state *state = file->state;
    msio_status status = msio_uvh5_open(file->path, &opts, &state->uvh5);
    if (status) return status;
    const msio_uvh5_header *header = msio_uvh5_describe(state->uvh5);
    file->header = header;
    file->arrays = MSIO_LOAD_ALL;
    file->rows = header->nblts;
    file->channels = header->nfreqs;
    file->pols = header->npols;
    file->frequency = header->freq_array;
    file->polarization = header->polarization_array;
    if (header->flex_spw_polarization_array && header->npols == 1 && header->nspws > 0)
        file->polarization = header->flex_spw_polarization_array; /* for where all windows have the same */
    file->window = header->flex_spw == 1 ? header->flex_spw_id_array : NULL;
    file->visdata_type = header->visdata.type;
    file->time_unit = 86400;
    const msio_field *uvw = msio_uvh5_find(header, "uvw_array");
    file->single_uvw = uvw && uvw->type == MSIO_FLOAT;
    point(file, header);
    return find_datasets(loader, file);
}

/* Windows that are polarizations of one band become channels of one axis. */
static msio_status combine(msio_loader *loader, msio_load_file *file) {
    uvh5_state *state = file->state;
    msio_load_flex *flex = &state->flex;
    bool differ = false;
    const int32_t *pols = file->header->flex_spw_polarization_array;
    if (!msio_load_is_flexible(file->header)) return MSIO_OK;
    for (int64_t i = 1; i < file->header->nspws; i++) differ = differ || pols[i] != pols[0];
    if (!differ) return MSIO_OK;
    msio_status status = msio_load_combine(&loader->arena, file->header, flex);
    if (status) return status;
    file->channels = flex->channels;
    file->pols = flex->pols;
    file->frequency = flex->frequency;
    file->width = flex->width;
    file->window = flex->window;
    file->polarization = flex->polarization;
    return MSIO_OK;
}

static msio_status finish(msio_loader *loader, msio_load_file *file) {
    file->antennas = (int)file->header->nants_telescope;
    file->antenna = antennas_of(&loader->arena, file->header);
    file->width = widths_of(&loader->arena, file->header);
    if (!file->antenna || !file->width) return msio_error_set(MSIO_E_MEMORY, file->path, "no memory for a header");
    return combine(loader, file);
}

static const msio_load_kind uvh5_kind = {.open = open_file,
                                         .finish = finish,
                                         .close = close_file,
                                         .rows = read_rows,
                                         .rows_by_part = true,
                                         .settle = settle,
                                         .target = set_target,
                                         .push = push,
                                         .unchanged = unchanged};

msio_status msio_load_add_uvh5(msio_loader *loader, const char *path, int number) {
    msio_load_file *file = msio_load_add(loader);
    if (!file) return MSIO_E_MEMORY;
    *file = (msio_load_file){.kind = &uvh5_kind, .path = path, .number = number};
    file->state = msio_arena_take(&loader->arena, 1, sizeof(uvh5_state));
    return file->state ? MSIO_OK : msio_error_set(MSIO_E_MEMORY, path, "no memory for a file");
}
