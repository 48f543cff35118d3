/* load.c - groups of subbands loaded into one array. */
#include "io/load/loader.h"

#include "core/checked.h"
#include "core/pool.h"
#include "io/engine/engine.h"
#include "prof/call.h"
#include "prof/span.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const msio_type fixed_types[MSIO_LOAD_ARRAYS] = {MSIO_COMPLEX, MSIO_BOOL, MSIO_FLOAT};

/* ---------------------------------------------------------------- where everything goes */

/* One read: rows [from, from + count) of the selection into arrays that begin with them. */
typedef struct load_run {
    msio_loader *loader;
    int64_t from, count;
    void *const *out; /* [MSIO_LOAD_ARRAYS] */
    msio_rows *rows;  /* [files] */
    msio_sink sink;
    msio_engine engine;
} load_run;

static msio_type type_of(const msio_loader *l, int what) { return what ? fixed_types[what] : l->visdata_type; }

/* Strides of the result, and where a segment begins in it. */
static void lay_out(const load_run *run, int segment, msio_load_part *part) {
    const msio_loader *l = run->loader;
    int64_t elem = msio_loader_element(l, part->what);
    part->corr_stride = elem;
    part->chan_stride = l->pols * elem;
    if (l->opts.layout == MSIO_ROW_CHAN_POL) {
        part->row_stride = l->channels * part->chan_stride;
        part->out = l->channel[segment] * part->chan_stride;
    } else {
        part->row_stride = l->chan[segment].count * part->chan_stride;
        part->out = l->channel[segment] * part->chan_stride * run->count;
    }
}

/* A segment's channels are counted as they are wanted; one that stands the other way round in the file is read from its
 * far end, and stored backwards. */
static void choose_channels(const msio_loader *l, int segment, msio_load_part *part) {
    const msio_load_segment *s = &l->segment[segment];
    const msio_range *chan = &l->chan[segment];
    int64_t span = (chan->count - 1) * chan->step;
    part->chans = chan->count;
    part->chan_step = chan->step;
    part->chan = s->first + chan->start;
    if (!s->descending) return;
    part->chan = s->first + s->channels - 1 - chan->start - span;
    part->out += (chan->count - 1) * part->chan_stride;
    part->chan_stride = -part->chan_stride;
}

/* The rows of one file, with their places. */
static msio_status place_rows(const load_run *run, const msio_load_file *file, msio_rows *rows) {
    const msio_loader *l = run->loader;
    if (!file->row_of && !l->row) {
        *rows = (msio_rows){
            .count = run->count, .first = l->first_row + run->from * l->row_step, .step = l->row_step, .place_step = 1};
        return MSIO_OK;
    }
    int64_t *list = malloc((size_t)(run->count + 1) * sizeof *list);
    if (!list) return msio_error_set(MSIO_E_MEMORY, file->path, "no memory for a list of rows");
    for (int64_t i = 0; i < run->count; i++) {
        int64_t row = msio_loader_row(l, run->from + i);
        list[i] = file->row_of ? file->row_of[row] : row;
    }
    msio_status status = msio_rows_from_list(run->count, list, NULL, rows);
    free(list);
    return status;
}

/* ---------------------------------------------------------------- missing subbands */

/* What a missing subband holds: no visibilities, flagged, no samples. */
static const uint8_t missing_value[MSIO_LOAD_ARRAYS][16] = {{0}, {1}, {0}};

static msio_status push_missing(load_run *run, const msio_load_part *part) {
    msio_target *t = &run->sink.target[run->sink.current];
    msio_source source = {.memory = missing_value[part->what], .size = 16};
    t->codec = MSIO_CODEC_COPY;
    t->elem = t->unit = (int)msio_loader_element(run->loader, part->what);
    t->stored_bits = 8 * t->elem;
    msio_box box = {2, {part->corrs, part->chans}, {0, 0}, {part->corr_stride, part->chan_stride}};
    return msio_sink_push(&run->sink, &source, 0, 0, run->count, 0, part->row_stride, part->out, &box);
}

/* ---------------------------------------------------------------- reading */

static msio_status push_segment(load_run *run, int segment, int what) {
    const msio_loader *l = run->loader;
    const msio_load_segment *s = &l->segment[segment];
    msio_load_part part = {.what = what,
                           .type = type_of(l, what),
                           .corr = l->corr,
                           .corrs = l->pols,
                           .corr_step = l->corr_step,
                           .result = run->out[what]};
    lay_out(run, segment, &part);
    choose_channels(l, segment, &part);
    if (part.chans == 0 || part.corrs == 0 || run->count == 0) return MSIO_OK;
    run->sink.current = segment * MSIO_LOAD_ARRAYS + what;
    if (s->file < 0) return push_missing(run, &part);
    const msio_load_file *file = &l->file[s->file];
    part.rows = &run->rows[s->file];
    file->kind->target(file, what, part.type, &run->sink.target[run->sink.current]);
    return file->kind->push(file, &part, &run->sink, &l->opts.read);
}

/* Files one after the other, so that a disk that seeks reads each in order; an array of all files at a time would not.
 */
static msio_status push_all(load_run *run) {
    msio_loader *l = run->loader;
    msio_status status = MSIO_OK;
    for (int i = 0; i < l->segments * MSIO_LOAD_ARRAYS; i++) {
        int what = i % MSIO_LOAD_ARRAYS;
        run->sink.target[i].out = run->out[what];
        run->sink.target[i].out_bytes = run->count * msio_loader_row_bytes(l, what);
    }
    for (int i = 0; i < l->segments && !status; i++)
        for (int what = 0; what < MSIO_LOAD_ARRAYS && !status; what++)
            if (run->out[what]) status = push_segment(run, i, what);
    return status ? status : msio_sink_finish(&run->sink);
}

/* Cross-hand polarizations change places when a pair is turned round: XY of (1, 2) is the conjugate of YX of (2, 1). */
static msio_status turned_pols(const msio_loader *l, int64_t *partner) {
    const int32_t *all = l->file[0].polarization;
    for (int64_t p = 0; p < l->pols; p++) {
        int32_t pol = all[l->corr + p * l->corr_step], other = pol;
        bool aips = l->file[0].header != NULL;
        if (aips && (pol == -7 || pol == -8)) other = -15 - pol;
        if (aips && (pol == -3 || pol == -4)) other = -7 - pol;
        if (!aips && pol > 4 && ((pol - 5) % 4 == 1 || (pol - 5) % 4 == 2)) other = pol + ((pol - 5) % 4 == 1 ? 1 : -1);
        partner[p] = -1;
        for (int64_t q = 0; q < l->pols; q++)
            if (all[l->corr + q * l->corr_step] == other) partner[p] = q;
        if (partner[p] < 0)
            return msio_error_set(MSIO_E_SHAPE, l->file[0].path,
                                  "pairs are conjugated in some files, which exchanges polarizations %d and %d: select "
                                  "both, or neither",
                                  pol, other);
    }
    return MSIO_OK;
}

/* Turns the channels of one row round: n elements of `elem` bytes, [channel][pol]. */
static void turn(uint8_t *cells, int64_t chans, int64_t pols, int64_t elem, const int64_t *partner, int64_t part) {
    uint8_t cell[16 * 16];
    for (int64_t c = 0; c < chans; c++, cells += pols * elem) {
        memcpy(cell, cells, (size_t)(pols * elem));
        for (int64_t p = 0; p < pols; p++) {
            memcpy(cells + p * elem, cell + partner[p] * elem, (size_t)elem);
            if (part) cells[p * elem + 2 * part - 1] ^= 0x80; /* the sign of the imaginary part */
        }
    }
}

static bool is_little_endian(void) {
    const uint16_t one = 1;
    return *(const uint8_t *)&one;
}

static void turn_segment(const load_run *run, int segment, int what, const int64_t *partner) {
    const msio_loader *l = run->loader;
    const msio_load_file *file = &l->file[l->segment[segment].file];
    msio_load_part part = {.what = what};
    lay_out(run, segment, &part);
    int64_t elem = part.corr_stride, imaginary = what ? 0 : elem / 2;
    for (int64_t i = 0; i < run->count; i++)
        if (file->conjugated[msio_loader_row(l, run->from + i)])
            turn((uint8_t *)run->out[what] + part.out + i * part.row_stride, l->chan[segment].count, l->pols, elem,
                 partner, imaginary);
}

/* Rows of conjugated pairs, after they were read. */
static msio_status turn_conjugated(const load_run *run) {
    const msio_loader *l = run->loader;
    int64_t partner[16];
    bool any = false;
    for (int i = 0; i < l->files; i++) any = any || l->file[i].conjugated;
    if (!any) return MSIO_OK;
    if (l->pols > 16 || !is_little_endian())
        return msio_error_set(MSIO_E_UNSUPPORTED, l->file[0].path, "conjugated pairs of so many polarizations");
    msio_status status = turned_pols(l, partner);
    for (int i = 0; i < l->segments && !status; i++)
        for (int what = 0; what < MSIO_LOAD_ARRAYS; what++)
            if (run->out[what] && l->segment[i].file >= 0 && l->file[l->segment[i].file].conjugated)
                turn_segment(run, i, what, partner);
    return status;
}

static msio_status run_load(load_run *run) {
    msio_loader *l = run->loader;
    msio_status status = MSIO_OK;
    for (int i = 0; i < l->files && !status; i++) status = place_rows(run, &l->file[i], &run->rows[i]);
    if (!status) status = msio_sink_start(&run->sink, l->segments * MSIO_LOAD_ARRAYS, msio_engine_run, &run->engine);
    if (!status) {
        run->sink.batch_pieces = l->batch_pieces;
        status = push_all(run);
        msio_sink_free(&run->sink);
    }
    if (!status) status = turn_conjugated(run);
    for (int i = 0; i < l->files && !status; i++) status = l->file[i].kind->unchanged(&l->file[i]);
    return status;
}

msio_status msio_loader_read(msio_loader *loader, int64_t from, int64_t count, void *const out[MSIO_LOAD_ARRAYS]) {
    load_run run = {.loader = loader, .from = from, .count = count, .out = out};
    int64_t total = 0;
    for (int what = 0; what < MSIO_LOAD_ARRAYS; what++)
        if (out[what]) total += count * msio_loader_row_bytes(loader, what);
    run.rows = calloc((size_t)loader->files, sizeof *run.rows);
    if (!run.rows) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a list of files");
    msio_status status = msio_engine_start(&run.engine, &loader->opts.read, total, false);
    if (!status) status = run_load(&run);
    msio_engine_finish(&run.engine);
    for (int i = 0; i < loader->files; i++) msio_rows_free(&run.rows[i]);
    free(run.rows);
    return status;
}

/* ---------------------------------------------------------------- results */

/* What a result keeps until it is freed. */
typedef struct load_owner {
    msio_loader *loader;
    msio_arena arena;
    void *memory[MSIO_LOAD_ARRAYS]; /* from the pool */
} load_owner;

static void free_owner(load_owner *owner) {
    if (!owner) return;
    for (int i = 0; i < MSIO_LOAD_ARRAYS; i++) msio_pool_give(owner->memory[i]);
    msio_arena_free(&owner->arena);
    msio_loader_close(owner->loader);
    free(owner);
}

void msio_subbands_free(msio_subbands *subbands) {
    PROF_WITHIN;
    if (!subbands) return;
    free_owner(subbands->owner);
    *subbands = (msio_subbands){0};
}

/* The memory of each array: the caller's, where it is large enough, or the pool's. */
static msio_status find_memory(load_owner *owner, void *out[MSIO_LOAD_ARRAYS]) {
    static const char *const names[MSIO_LOAD_ARRAYS] = {"visdata", "flags", "nsamples"};
    const msio_loader *l = owner->loader;
    const msio_load_opts *o = &l->opts;
    void *const given[MSIO_LOAD_ARRAYS] = {o->visdata, o->flags, o->nsamples};
    const size_t given_bytes[MSIO_LOAD_ARRAYS] = {o->visdata_bytes, o->flags_bytes, o->nsamples_bytes};
    for (int i = 0; i < MSIO_LOAD_ARRAYS; i++) {
        out[i] = NULL;
        if (!(l->what & 1u << i)) continue;
        int64_t bytes = l->rows * msio_loader_row_bytes(l, i);
        if (given[i] && given_bytes[i] < (uint64_t)bytes)
            return msio_error_set(MSIO_E_SIZE, l->file[0].path, "%s need %lld bytes for this selection, %zu were given",
                                  names[i], (long long)bytes, given_bytes[i]);
        out[i] = given[i] ? given[i] : (owner->memory[i] = msio_pool_take((size_t)msio_max(bytes, 1)));
        if (!out[i])
            return msio_error_set(MSIO_E_MEMORY, l->file[0].path,
                                  "no memory for %lld bytes of %s; select less, or use a stream", (long long)bytes,
                                  names[i]);
    }
    return MSIO_OK;
}

static double seconds_since(const struct timespec *start) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + 1e-9 * (double)(now.tv_nsec - start->tv_nsec);
}

static msio_status load_into(load_owner *owner, const msio_group *group, int n, const char *const *paths, unsigned what,
                             const msio_load_opts *opts, msio_subbands *result) {
    void *out[MSIO_LOAD_ARRAYS];
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    prof_span span;
    prof_begin(&span, PROF_PATH_SUBBAND_INDEX);
    msio_status status = msio_loader_open(group, n, paths, what, opts, false, &owner->loader);
    prof_end(&span, &(prof_work){.pieces = 1});
    if (!status) status = msio_loader_describe(owner->loader, 0, owner->loader->rows, &owner->arena, result);
    if (!status) status = find_memory(owner, out);
    if (status) return status;
    result->index_seconds = seconds_since(&start);
    clock_gettime(CLOCK_MONOTONIC, &start);
    status = msio_loader_read(owner->loader, 0, owner->loader->rows, out);
    for (int i = 0; i < owner->loader->files; i++)
        if (owner->loader->file[i].kind->let_go) owner->loader->file[i].kind->let_go(&owner->loader->file[i]);
    result->read_seconds = seconds_since(&start);
    result->visdata = out[0];
    result->flags = out[1];
    result->nsamples = out[2];
    result->owner = owner;
    return status;
}

static msio_status load(const msio_group *group, int n, const char *const *paths, unsigned what,
                        const msio_load_opts *opts, msio_subbands *result) {
    if (!result) return msio_error_set(MSIO_E_ARGUMENT, NULL, "nowhere to put what is loaded");
    load_owner *owner = calloc(1, sizeof *owner);
    msio_subbands loaded = {0};
    if (!owner) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory to load a group");
    prof_span span;
    prof_begin(&span, PROF_PATH_SUBBAND_LOADING);
    msio_status status = load_into(owner, group, n, paths, what, opts, &loaded);
    prof_end(&span, &(prof_work){.bytes = (int64_t)(loaded.visdata_bytes + loaded.flags_bytes + loaded.nsamples_bytes),
                                 .rows = loaded.rows,
                                 .pieces = 1});
    if (!status)
        prof_call_did((int64_t)(loaded.visdata_bytes + loaded.flags_bytes + loaded.nsamples_bytes), loaded.rows);
    if (status)
        free_owner(owner);
    else
        *result = loaded;
    return status;
}

msio_status msio_load(const msio_group *group, unsigned what, const msio_load_opts *opts, msio_subbands *result) {
    PROF_CALL(group && group->files > 0 ? group->file[0].path : NULL);
    if (!group) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no group to load");
    return load(group, 0, NULL, what, opts, result);
}

msio_status msio_load_paths(int n, const char *const *paths, unsigned what, const msio_load_opts *opts,
                            msio_subbands *result) {
    PROF_CALL(n > 0 && paths ? paths[0] : NULL);
    return load(NULL, n, paths, what, opts, result);
}

/* ---------------------------------------------------------------- reports */

/* A report lives in its loader. */
typedef struct checked_report {
    msio_load_report report; /* first: what the caller sees */
    msio_loader *loader;
} checked_report;

static msio_status check(const msio_group *group, int n, const char *const *paths, const msio_load_opts *opts,
                         msio_load_report **report) {
    msio_loader *loader = NULL;
    if (!report) return msio_error_set(MSIO_E_ARGUMENT, NULL, "nowhere to put the report");
    msio_status status = msio_loader_open(group, n, paths, 0, opts, true, &loader);
    if (status) return status;
    checked_report *kept = calloc(1, sizeof *kept);
    if (!kept) {
        msio_loader_close(loader);
        return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a report");
    }
    kept->loader = loader;
    kept->report = (msio_load_report){loader->differences.n, loader->differences.difference};
    *report = &kept->report;
    return MSIO_OK;
}

msio_status msio_load_check(const msio_group *group, const msio_load_opts *opts, msio_load_report **report) {
    PROF_CALL(group && group->files > 0 ? group->file[0].path : NULL);
    if (!group) return msio_error_set(MSIO_E_ARGUMENT, NULL, "no group to compare");
    return check(group, 0, NULL, opts, report);
}

msio_status msio_load_check_paths(int n, const char *const *paths, const msio_load_opts *opts,
                                  msio_load_report **report) {
    PROF_CALL(n > 0 && paths ? paths[0] : NULL);
    return check(NULL, n, paths, opts, report);
}

void msio_load_report_free(msio_load_report *report) {
    PROF_WITHIN;
    if (!report) return;
    checked_report *kept = (checked_report *)report;
    msio_loader_close(kept->loader);
    free(kept);
}
