/* model.c - the visibilities of a sky predicted into a column of a Measurement Set. */
#include "core/error.h"
#include "core/leftovers.h"
#include "core/threads.h"
#include "prof/call.h"
#include "visibility/pass_blocks.h"
#include "visibility/predict.h"
#include "visibility/shapes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What the kernel knows. */
typedef struct model {
    const msio_metadata *metadata;
    const msio_sky *sky;
    const char *path, *column;
    msio_predict_mode mode;
    bool smear_frequency, smear_time;
    int interval, old;      /* places of inputs; -1: not read */
    msio_spectra **spectra; /* [spectral_windows]; NULL: no row has it */
    /* Each lane's own: where components stand, seen from the field that it was last at; and scratch. */
    msio_sky_seen *seen[MSIO_PASS_LANES];
    int32_t field[MSIO_PASS_LANES];
    void *scratch[MSIO_PASS_LANES];
} model;

enum { IN_UVW, IN_DESCRIPTION, IN_FIELD, IN_OTHERS, INPUTS = IN_OTHERS + 2 };

/* ---------------------------------------------------------------- the kernel */

/* Rows of one data description and field. */
static msio_status predict(model *m, const msio_block *block, int64_t row, int64_t rows, int32_t description,
                           int32_t field) {
    const msio_metadata *meta = m->metadata;
    if (description < 0 || description >= meta->data_descriptions || field < 0 || field >= meta->fields)
        return msio_error_set(MSIO_E_CHANGED, m->path, "rows were changed while they were predicted");
    msio_spectra *spectra = m->spectra[meta->data_description[description].spectral_window];
    if (!spectra) return msio_error_set(MSIO_E_CHANGED, m->path, "rows were changed while they were predicted");
    if (m->field[block->lane] != field) {
        const double *direction = meta->field[field].phase_dir.value[0];
        msio_sky_seen_from(m->seen[block->lane], m->sky, direction[0], direction[1]);
        m->field[block->lane] = field;
    }
    const msio_polarization *polarization = msio_polarization_of(meta, description);
    const int64_t cell = block->out[0].shape[1] * block->out[0].shape[2];
    const msio_predict_job job = {.spectra = spectra,
                                  .seen = m->seen[block->lane],
                                  .corrs = polarization->correlations,
                                  .corr = polarization->types,
                                  .mode = m->mode,
                                  .width = m->smear_frequency ? msio_window_of(meta, description)->widths : NULL,
                                  .interval =
                                      m->interval < 0 ? NULL : (const double *)block->in[m->interval].data + row,
                                  .dec = meta->field[field].phase_dir.value[0][1]};
    float *out = (float *)block->out[0].data + 2 * cell * row;
    const double *uvw = (const double *)block->in[IN_UVW].data + 3 * row;
    msio_predict_rows(&job, rows, uvw, out, m->scratch[block->lane]);
    return MSIO_OK;
}

static msio_status run(void *user, const msio_block *block, void *state) {
    (void)state;
    model *m = user;
    const int32_t *description = block->in[IN_DESCRIPTION].data, *field = block->in[IN_FIELD].data;
    msio_status status = MSIO_OK;
    if (m->mode != MSIO_PREDICT_REPLACE) memcpy(block->out[0].data, block->in[m->old].data, block->out[0].bytes);
    for (int64_t row = 0, end; row < block->rows && !status; row = end) {
        for (end = row + 1; end < block->rows && description[end] == description[row] && field[end] == field[row];)
            end++;
        status = predict(m, block, row, end - row, description[row], field[row]);
    }
    return status;
}

/* ---------------------------------------------------------------- what is prepared */

static msio_status check_field(const model *m, int field) {
    const msio_direction *d = &m->metadata->field[field].phase_dir;
    if (d->terms < 1) return msio_error_set(MSIO_E_FORMAT, m->path, "field %d has no PHASE_DIR", field);
    if (strcmp(d->frame, "J2000") != 0 && strcmp(d->frame, "ICRS") != 0)
        return msio_error_set(MSIO_E_UNSUPPORTED, m->path,
                              "the phase centre of field %d is given in the frame \"%s\": J2000 and ICRS are done",
                              field, d->frame);
    if (strcmp(d->unit, "rad") != 0 && d->unit[0])
        return msio_error_set(MSIO_E_UNSUPPORTED, m->path, "PHASE_DIR is in \"%s\", not in rad", d->unit);
    for (int t = 1; t < d->terms; t++)
        if (d->value[t][0] != 0.0 || d->value[t][1] != 0.0)
            return msio_error_set(MSIO_E_UNSUPPORTED, m->path, "the phase centre of field %d moves", field);
    return MSIO_OK;
}

static msio_status check_widths(const model *m, int description) {
    const msio_spectral_window *w = msio_window_of(m->metadata, description);
    for (int64_t c = 0; m->smear_frequency && c < w->channels; c++)
        if (!w->widths || !isfinite(w->widths[c]))
            return msio_error_set(MSIO_E_FORMAT, m->path,
                                  "the channels of data description %d have no CHAN_WIDTH to smear over", description);
    return MSIO_OK;
}

static msio_status check_description(const model *m, int description) {
    const msio_polarization *p = msio_polarization_of(m->metadata, description);
    for (int i = 0; i < p->correlations; i++)
        if (!msio_predict_knows(p->types[i]))
            return msio_error_set(MSIO_E_UNSUPPORTED, m->path,
                                  "correlation %d of data description %d has the Stokes code %d: 1 to 12 are predicted",
                                  i, description, p->types[i]);
    return check_widths(m, description);
}

static msio_status make_spectra(model *m, const msio_shape_groups *groups, size_t memory) {
    const msio_metadata *meta = m->metadata;
    msio_status status = MSIO_OK;
    m->spectra = calloc((size_t)meta->spectral_windows + 1, sizeof *m->spectra);
    if (!m->spectra) return msio_error_set(MSIO_E_MEMORY, m->path, "no memory for spectra");
    for (int d = 0; d < meta->data_descriptions && !status; d++) {
        if (!groups->description_used[d]) continue;
        const int window = meta->data_description[d].spectral_window;
        const msio_spectral_window *w = &meta->spectral_window[window];
        status = check_description(m, d);
        if (status || m->spectra[window]) continue;
        status = msio_spectra_make(m->sky, (int)w->channels, w->frequencies, memory, &m->spectra[window]);
        if (!status) memory -= (size_t)msio_spectra_bytes(m->spectra[window]);
    }
    return status;
}

/* Each lane's own memory: scratch for the largest window. */
static msio_status make_lanes(model *m) {
    size_t scratch = 64;
    for (int w = 0; w < m->metadata->spectral_windows; w++) {
        const msio_predict_job job = {.spectra = m->spectra[w], .corrs = 1};
        if (m->spectra[w] && msio_predict_scratch(&job) > scratch) scratch = msio_predict_scratch(&job);
    }
    for (int i = 0; i < MSIO_PASS_LANES; i++) {
        msio_status status = msio_sky_seen_new(m->sky, &m->seen[i]);
        if (status) return status;
        m->field[i] = -1;
        m->scratch[i] = aligned_alloc(64, (scratch + 63) / 64 * 64);
        if (!m->scratch[i]) return msio_error_set(MSIO_E_MEMORY, m->path, "no memory for a thread");
    }
    return MSIO_OK;
}

static msio_status prepare(model *m, const msio_shape_groups *groups, size_t memory) {
    msio_status status = MSIO_OK;
    for (int f = 0; f < m->metadata->fields && !status; f++)
        if (groups->field_used[f]) status = check_field(m, f);
    if (!status) status = make_spectra(m, groups, memory);
    if (!status) status = make_lanes(m);
    return status;
}

static void give_up(model *m) {
    for (int w = 0; m->spectra && w < m->metadata->spectral_windows; w++) msio_spectra_free(m->spectra[w]);
    free(m->spectra);
    for (int i = 0; i < MSIO_PASS_LANES; i++) {
        msio_sky_seen_free(m->seen[i]);
        free(m->scratch[i]);
    }
}

/* ---------------------------------------------------------------- the column */

/* CASA takes a virtual model, where there is one, before MODEL_DATA. */
static void tell_virtual_models(msio_table *table, const char *path) {
    const msio_record *keywords = msio_table_keywords(table);
    for (int i = 0; i < msio_record_count(keywords); i++)
        if (strncmp(msio_record_at(keywords, i)->name, "definedmodel_field_", 19) == 0) {
            msio_notice(
                "%s has virtual models of CASA's, which CASA takes before MODEL_DATA: its delmod(vis, otf=True) "
                "removes them",
                path);
            return;
        }
}

/* The column, of the right type; made where it is missing. */
static msio_status find_column(const model *m, const msio_model_opts *o, msio_table **table, const msio_column **column,
                               int *made) {
    msio_columns_opts adding = MSIO_COLUMNS_OPTS_INIT;
    msio_open_opts opening = MSIO_OPEN_OPTS_INIT;
    const bool is_model = strcmp(m->column, "MODEL_DATA") == 0;
    adding.lock_seconds = opening.lock_seconds = o->lock_seconds;
    opening.writable = 1;
    msio_status status = msio_table_open(m->path, &opening, table);
    if (status) return status;
    status = msio_table_column(*table, m->column, column);
    if (status == MSIO_E_NO_COLUMN) {
        msio_table_close(*table);
        *table = NULL;
        status = is_model ? msio_imaging_columns_add(m->path, &adding, NULL)
                          : msio_column_add_like(m->path, m->column, "DATA", &adding, NULL);
        *made = 1;
        if (!status) status = msio_table_open(m->path, &opening, table);
        if (!status) status = msio_table_column(*table, m->column, column);
    }
    if (status) return status;
    const msio_column_info *info = msio_column_describe(*column);
    if (!info) return msio_last_error()->code;
    if (info->type != MSIO_COMPLEX || !info->is_array)
        return msio_error_set(MSIO_E_ARGUMENT, m->path,
                              "column %s holds %s: visibilities are predicted into arrays of Complex", m->column,
                              msio_type_name(info->type));
    if (is_model) tell_virtual_models(*table, m->path);
    return MSIO_OK;
}

/* Cells must be those of the window; cells that were never written become so. */
static msio_status fit_cells(const model *m, const msio_column *column, const msio_shape_group *group,
                             const msio_select *select) {
    static const float zero[2];
    msio_write_opts make = MSIO_WRITE_OPTS_INIT;
    int64_t shape[MSIO_MAX_NDIM + 1];
    int ndim;
    size_t bytes;
    msio_status status = msio_read_shape(column, select, &ndim, shape, &bytes);
    if (status == MSIO_E_UNDEFINED) {
        make.cell_ndim = 2;
        make.cell_shape[0] = group->channels;
        make.cell_shape[1] = group->corrs;
        status = msio_write_value(column, select, zero, sizeof zero, &make);
        if (!status) status = msio_read_shape(column, select, &ndim, shape, &bytes);
    }
    if (status) return status;
    if (ndim != 3 || shape[1] != group->channels || shape[2] != group->corrs)
        return msio_error_set(
            MSIO_E_SHAPE, m->path,
            "cells of %s are not of the %d channels and %d correlations that their spectral window has", m->column,
            group->channels, group->corrs);
    return MSIO_OK;
}

/* ---------------------------------------------------------------- the passes */

static msio_status predict_group(model *m, msio_table *table, const msio_column *column, const msio_shape_group *group,
                                 const msio_model_opts *o, msio_shape_progress *r) {
    const char *inputs[INPUTS] = {"UVW", "DATA_DESC_ID", "FIELD_ID"};
    const msio_kernel kernel = {.run = run, .user = m};
    const msio_select select = msio_shape_group_select(group);
    msio_pass pass = MSIO_PASS_INIT;
    msio_pass_opts opts = MSIO_PASS_OPTS_INIT;
    int64_t rows = 0;
    pass.inputs = IN_OTHERS;
    m->interval = m->smear_time ? pass.inputs++ : -1;
    m->old = m->mode == MSIO_PREDICT_REPLACE ? -1 : pass.inputs++;
    if (m->interval >= 0) inputs[m->interval] = "INTERVAL";
    if (m->old >= 0) inputs[m->old] = m->column;
    pass.input = inputs;
    pass.outputs = 1;
    pass.output = &m->column;
    pass.kernels = 1;
    pass.kernel = &kernel;
    pass.select = &select;
    opts.memory = o->memory;
    opts.threads = o->threads;
    opts.progress = msio_shape_progress_tell;
    opts.user = r;
    r->now = group->rows;
    for (int i = 0; i < MSIO_PASS_LANES; i++) m->field[i] = -1;
    msio_status status = fit_cells(m, column, group, &select);
    if (!status) status = msio_pass_run_rows(table, &pass, &opts, &rows);
    if (!status) r->before += rows;
    return status;
}

static msio_status predict_all(model *m, const msio_shape_groups *groups, const msio_model_opts *o,
                               msio_model_result *result) {
    msio_table *table = NULL;
    const msio_column *column = NULL;
    msio_shape_progress r = {.progress = o->progress, .user = o->user};
    for (int g = 0; g < groups->groups; g++) r.total += groups->group[g].rows;
    msio_status status = find_column(m, o, &table, &column, &result->made);
    for (int g = 0; g < groups->groups && !status; g++)
        status = predict_group(m, table, column, &groups->group[g], o, &r);
    result->rows = r.before;
    if (!table) return status;
    msio_error_copy error;
    if (status) msio_error_save(&error);
    const msio_status closed = msio_table_close(table);
    return status ? msio_error_restore(&error) : closed;
}

static msio_status check(const char *path, const msio_sky *sky, const msio_model_opts *o,
                         const msio_model_result *result) {
    if (!path || !sky) return msio_error_set(MSIO_E_ARGUMENT, path, "no path, or no sky");
    if (o->struct_size != sizeof *o || (result && result->struct_size != sizeof *result))
        return msio_error_set(MSIO_E_ARGUMENT, path, "options of another version: use MSIO_MODEL_OPTS_INIT");
    if ((int)o->mode < MSIO_MODEL_REPLACE || (int)o->mode > MSIO_MODEL_SUBTRACT)
        return msio_error_set(MSIO_E_ARGUMENT, path, "mode %d is none of replace, add, subtract", (int)o->mode);
    return msio_threads_check(o->threads);
}

msio_status msio_model_predict(const char *path, const msio_sky *sky, const msio_model_opts *opts,
                               msio_model_result *result) {
    PROF_CALL(path);
    static const msio_model_opts defaults = MSIO_MODEL_OPTS_INIT;
    static const msio_predict_mode modes[] = {MSIO_PREDICT_REPLACE, MSIO_PREDICT_ADD, MSIO_PREDICT_SUBTRACT};
    const msio_model_opts *o = opts ? opts : &defaults;
    msio_model_result done = MSIO_MODEL_RESULT_INIT;
    msio_shape_groups groups = {0};
    msio_status status = check(path, sky, o, result);
    if (status) return status;
    model m = {.sky = sky,
               .path = path,
               .column = o->column ? o->column : "MODEL_DATA",
               .mode = modes[o->mode],
               .smear_frequency = o->smear_frequency != 0,
               .smear_time = o->smear_time != 0};
    status = msio_metadata_get(path, MSIO_PER_CALL, &m.metadata);
    if (!status && !m.metadata->is_ms)
        status = msio_error_set(MSIO_E_ARGUMENT, path, "this is no Measurement Set: there is nothing to predict for");
    if (!status) status = msio_shape_groups_make(m.metadata, &groups);
    if (!status) status = prepare(&m, &groups, o->memory);
    if (!status) status = predict_all(&m, &groups, o, &done);
    if (m.metadata) give_up(&m);
    msio_shape_groups_free(&groups);
    msio_metadata_release(m.metadata);
    done.components = msio_sky_count(sky);
    if (!status && result) *result = done;
    return status;
}
