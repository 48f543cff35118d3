/* load_span.c - a short span of rows: only those are read of every file, and compared. */
#include "core/pool.h"
#include "core/threads.h"
#include "io/load/loader.h"
#include "prof/call.h"

#include <string.h>

/* A span is short when it has less than this part of the rows. */
#define SHORT_PART 2

typedef struct span {
    int64_t first, count;
} span;

/* The rows of the wanted integrations, where they follow each other. */
static bool span_of_times(const msio_loader *l, span *found) {
    const msio_uvh5_rows *r = &l->reference;
    double low, high;
    if (msio_load_find_times(l, &low, &high)) return false; /* told when all rows are known */
    *found = (span){-1, 0};
    int64_t last = -1;
    for (int64_t i = 0; i < r->rows; i++) {
        if (!(r->time[i] >= low && r->time[i] <= high)) continue;
        if (found->first < 0) found->first = i;
        last = i;
        found->count++;
    }
    return found->count > 0 && last - found->first + 1 == found->count;
}

static bool find_span(const msio_loader *l, span *found) {
    const msio_load_opts *o = &l->opts;
    bool by_rows = o->row || o->rows >= 0 || o->row_step != 1 || o->row_list, by_times = o->time || o->times >= 0;
    if (by_rows == by_times) return false;
    if (by_times) return span_of_times(l, found);
    *found = (span){o->row, o->rows};
    return !o->row_list && o->row_step == 1 && o->rows > 0 && o->row >= 0 && o->row <= l->reference.rows - o->rows;
}

/* Whether it could be one at all, before anything was read. */
static bool may_be_short(const msio_loader *l) {
    for (int i = 0; i < l->files; i++)
        if (!l->file[i].kind->rows_by_part || l->file[i].rows != l->file[0].rows ||
            msio_load_compared_rows(l, &l->file[i]) & MSIO_UVH5_PHASE_CENTER) /* of which the reference has none */
            return false;
    const msio_load_opts *o = &l->opts;
    return (o->rows >= 0 && o->rows < l->file[0].rows / SHORT_PART) || o->times >= 0;
}

/* Replaces the reference's times by a whole reference of which only the span is filled. */
static msio_status fill_reference(msio_loader *l, const span *s) {
    const unsigned which = MSIO_UVH5_ANTENNAS | MSIO_UVH5_INTEGRATION | MSIO_UVH5_UVW;
    const int64_t n = l->reference.rows;
    msio_select select = MSIO_SELECT_ALL;
    msio_uvh5_rows part, whole = {.rows = n};
    select.row = s->first;
    select.rows = s->count;
    msio_status status = l->file[0].kind->rows(&l->file[0], which, &select, &part);
    if (status) return status;
    whole.memory = msio_pool_take((size_t)n * (5 * sizeof(double) + 2 * sizeof(int32_t)));
    if (whole.memory) {
        whole.time = whole.memory;
        whole.integration_time = whole.time + n;
        whole.uvw = (double(*)[3])(whole.integration_time + n);
        whole.ant_1 = (int32_t *)(void *)(whole.uvw + n);
        whole.ant_2 = whole.ant_1 + n;
        size_t count = (size_t)s->count;
        memcpy(whole.time, l->reference.time, (size_t)n * sizeof *whole.time);
        memcpy(whole.integration_time + s->first, part.integration_time, count * sizeof *whole.integration_time);
        memcpy(whole.uvw + s->first, part.uvw, count * sizeof *whole.uvw);
        memcpy(whole.ant_1 + s->first, part.ant_1, count * sizeof *whole.ant_1);
        memcpy(whole.ant_2 + s->first, part.ant_2, count * sizeof *whole.ant_2);
        msio_uvh5_rows_free(&l->reference);
        l->reference = whole;
    } else {
        status = msio_error_set(MSIO_E_MEMORY, l->file[0].path, "no memory for %lld rows", (long long)n);
    }
    msio_uvh5_rows_free(&part);
    return status;
}

/* Whether a file has the reference's rows there. What fails is told when all rows are looked at. */
static bool has_span(const msio_loader *l, const msio_load_file *file, const span *s) {
    PROF_WITHIN;
    const unsigned which = msio_load_compared_rows(l, file);
    msio_select select = MSIO_SELECT_ALL;
    msio_uvh5_rows rows;
    select.row = s->first;
    select.rows = s->count;
    if (file->kind->rows(file, which, &select, &rows)) return false;
    const msio_load_pairs pairs = {.reference = &l->reference, .first = s->first, .rows = &rows};
    bool same = msio_load_in_order(&l->reference, s->first, &rows, MSIO_LOAD_TIME_TOLERANCE / file->time_unit) &&
                msio_load_find_integration(&pairs) < 0;
    if (same && which & MSIO_UVH5_UVW) {
        msio_load_far far;
        msio_load_find_uvw(&pairs, l->opts.uvw_tolerance, l->file[0].single_uvw || file->single_uvw, &far);
        same = far.rows == 0;
    }
    msio_uvh5_rows_free(&rows);
    return same;
}

static bool all_have_span(const msio_loader *l, const span *s) {
    int threads = msio_threads_for(l->opts.read.threads), missing = 0;
    if (threads > 1) msio_threads_used();
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1) reduction(+ : missing) if (threads > 1)
    for (int i = 1; i < l->files; i++) missing += !has_span(l, &l->file[i], s);
    return missing == 0;
}

msio_status msio_load_match_span(msio_loader *l, bool *done) {
    span s;
    *done = false;
    if (!may_be_short(l)) return MSIO_OK;
    msio_status status = l->file[0].kind->rows(&l->file[0], MSIO_UVH5_TIME, NULL, &l->reference);
    if (status) return status;
    bool is_short = find_span(l, &s) && s.count < l->reference.rows / SHORT_PART;
    if (is_short) status = fill_reference(l, &s);
    *done = !status && is_short && all_have_span(l, &s);
    if (!*done) msio_uvh5_rows_free(&l->reference);
    return status;
}
