/* load_describe.c - what one needs to use what was loaded: frequencies, rows, antennas, which subbands are there. */
#include "core/checked.h"
#include "core/threads.h"
#include "io/engine/engine.h"
#include "io/load/loader.h"

#include <stdlib.h>
#include <string.h>

static msio_status no_memory(void) { return msio_error_set(MSIO_E_MEMORY, NULL, "no memory to describe a group"); }

/* ---------------------------------------------------------------- subbands and channels */

static msio_status describe_subbands(const msio_loader *l, msio_arena *arena, msio_subbands *out) {
    msio_subband *list = msio_arena_take(arena, l->segments, sizeof *list);
    if (!list) return no_memory();
    for (int i = 0; i < l->segments; i++) {
        const msio_load_segment *s = &l->segment[i];
        list[i] = (msio_subband){.number = s->number,
                                 .present = s->file >= 0,
                                 .path = s->file >= 0 ? l->file[s->file].path : "",
                                 .channel = l->channel[i],
                                 .channels = l->chan[i].count};
    }
    out->subbands = l->segments;
    out->subband = list;
    out->missing = l->missing;
    out->missing_subband = l->missing_number;
    return MSIO_OK;
}

/* Channel i of a segment, counted as they are wanted. */
static void channel_of(const msio_loader *l, const msio_load_segment *s, int64_t i, double *frequency, double *width) {
    if (s->file < 0) {
        *frequency = s->channels > 1 ? s->low + (s->high - s->low) * (double)i / (double)(s->channels - 1) : s->low;
        *width = s->width;
        return;
    }
    const msio_load_file *file = &l->file[s->file];
    int64_t at = s->first + (s->descending ? s->channels - 1 - i : i);
    *frequency = file->frequency[at];
    *width = file->width[at];
}

static msio_status describe_channels(const msio_loader *l, msio_arena *arena, msio_subbands *out) {
    double *frequency = msio_arena_take(arena, l->channels + 1, sizeof *frequency);
    double *width = msio_arena_take(arena, l->channels + 1, sizeof *width);
    int32_t *pol = msio_arena_take(arena, l->pols + 1, sizeof *pol);
    if (!frequency || !width || !pol) return no_memory();
    for (int i = 0; i < l->segments; i++)
        for (int64_t c = 0; c < l->chan[i].count; c++)
            channel_of(l, &l->segment[i], l->chan[i].start + c * l->chan[i].step, &frequency[l->channel[i] + c],
                       &width[l->channel[i] + c]);
    for (int64_t p = 0; p < l->pols; p++) pol[p] = l->file[0].polarization[l->corr + p * l->corr_step];
    out->frequencies = frequency;
    out->widths = width;
    out->polarizations = pol;
    return MSIO_OK;
}

/* ---------------------------------------------------------------- rows */

static msio_status copy_rows(const msio_loader *l, int64_t from, int64_t count, msio_arena *arena, msio_subbands *out) {
    const msio_uvh5_rows *r = &l->reference;
    double *time = msio_arena_take(arena, count + 1, sizeof *time);
    double *integration = msio_arena_take(arena, count + 1, sizeof *integration);
    double *uvw = msio_arena_take(arena, 3 * count + 1, sizeof *uvw);
    int32_t *antenna = msio_arena_take(arena, 2 * count + 1, sizeof *antenna);
    if (!time || !integration || !uvw || !antenna) return no_memory();
    for (int64_t i = 0; i < count; i++) {
        int64_t row = msio_loader_row(l, from + i);
        time[i] = r->time[row];
        integration[i] = r->integration_time[row];
        memcpy(uvw + 3 * i, r->uvw[row], sizeof r->uvw[row]);
        antenna[i] = r->ant_1[row];
        antenna[count + i] = r->ant_2[row];
    }
    out->times = time;
    out->integrations = integration;
    out->uvw = uvw;
    out->antenna1 = antenna;
    out->antenna2 = antenna + count;
    return MSIO_OK;
}

/* The reference's own arrays serve where the rows follow each other. */
static msio_status describe_rows(const msio_loader *l, int64_t from, int64_t count, msio_arena *arena,
                                 msio_subbands *out) {
    const msio_uvh5_rows *r = &l->reference;
    if (l->row || l->row_step != 1) return copy_rows(l, from, count, arena, out);
    int64_t row = l->first_row + from;
    out->times = r->time + row;
    out->integrations = r->integration_time + row;
    out->uvw = r->uvw[row];
    out->antenna1 = r->ant_1 + row;
    out->antenna2 = r->ant_2 + row;
    return MSIO_OK;
}

static void describe_shape(const msio_loader *l, msio_subbands *out) {
    int64_t *shape = out->shape;
    if (l->opts.layout == MSIO_ROW_CHAN_POL) {
        out->ndim = 3;
        shape[0] = out->rows;
        shape[1] = l->channels;
        shape[2] = l->pols;
    } else {
        out->ndim = 4;
        shape[0] = l->segments;
        shape[1] = out->rows;
        shape[2] = l->chan[0].count;
        shape[3] = l->pols;
    }
    size_t *const bytes[MSIO_LOAD_ARRAYS] = {&out->visdata_bytes, &out->flags_bytes, &out->nsamples_bytes};
    for (int i = 0; i < MSIO_LOAD_ARRAYS; i++)
        *bytes[i] = l->what & 1u << i ? (size_t)(out->rows * msio_loader_row_bytes(l, i)) : 0;
}

static int all_are_half(const msio_loader *l) {
    for (int i = 0; i < l->files; i++) {
        const msio_uvh5_header *header = l->file[i].header;
        if (!header || strncmp(header->nsamples.stored, "float16", 7) != 0) return 0;
    }
    return 1;
}

msio_status msio_loader_describe(const msio_loader *loader, int64_t from, int64_t count, msio_arena *arena,
                                 msio_subbands *out) {
    const msio_load_file *first = &loader->file[0];
    *out = (msio_subbands){.rows = count,
                           .channels = loader->channels,
                           .pols = loader->pols,
                           .visdata_type = loader->visdata_type,
                           .antennas = first->antennas,
                           .antenna = first->antenna,
                           .phase_center = {first->phase_center[0], first->phase_center[1]},
                           .phase_type = first->phase_type,
                           .header = first->header,
                           .nsamples_half = all_are_half(loader)};
    describe_shape(loader, out);
    msio_status status = describe_subbands(loader, arena, out);
    if (!status) status = describe_channels(loader, arena, out);
    return status ? status : describe_rows(loader, from, count, arena, out);
}

/* ---------------------------------------------------------------- memory */

/* Bytes of a piece on its way: itself, its unit of work, its box. */
#define PIECE_BYTES ((int64_t)(sizeof(msio_piece) + sizeof(msio_work) + sizeof(msio_box) / 8))
/* Fewer would make batches that keep no thread busy. */
#define PIECES_LEAST 1024

msio_status msio_load_plan_memory(msio_loader *loader) {
    int64_t threads = msio_threads_for(loader->opts.read.threads), rows = loader->reference.rows;
    int64_t row_bytes = (int64_t)(sizeof(double) * 5 + sizeof(int32_t) * 2), lists = 0;
    for (int i = 0; i < loader->files; i++) lists += loader->file[i].row_of || loader->row ? 4 * 8 : 0;
    int64_t fixed = rows * (row_bytes * (1 + threads) + lists) + threads * 4 * MSIO_SCRATCH_BYTES + ((int64_t)8 << 20);
    int64_t pieces = ((int64_t)msio_min((int64_t)(loader->opts.memory / 2), INT64_MAX / 4) * 2 - fixed) / PIECE_BYTES;
    if (pieces < PIECES_LEAST)
        return msio_error_set(MSIO_E_SIZE, loader->file[0].path,
                              "loading takes about %lld bytes beside the result, %zu are allowed",
                              (long long)(fixed + PIECES_LEAST * PIECE_BYTES), loader->opts.memory);
    loader->batch_pieces = msio_min(pieces, MSIO_BATCH_PIECES);
    return MSIO_OK;
}
