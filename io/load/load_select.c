/* load_select.c - which rows, channels and polarizations of a group are wanted, and where they go. */
#include "core/checked.h"
#include "io/load/loader.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- rows */

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

msio_status msio_load_find_times(const msio_loader *l, double *low, double *high) {
    const msio_load_opts *o = &l->opts;
    int64_t n = l->reference.rows, times = 0;
    double *time = malloc((size_t)(n + 1) * sizeof *time);
    if (!time) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a list of times");
    for (int64_t i = 0; i < n; i++)
        if (i == 0 || l->reference.time[i] != l->reference.time[i - 1]) time[times++] = l->reference.time[i];
    qsort(time, (size_t)times, sizeof *time, by_value);
    int64_t kept = 0;
    for (int64_t i = 0; i < times; i++)
        if (kept == 0 || time[i] != time[kept - 1]) time[kept++] = time[i];
    int64_t count = o->times < 0 ? kept - o->time : o->times;
    msio_status status = MSIO_OK;
    if (o->time < 0 || count < 0 || o->time > kept - count)
        status = msio_error_set(MSIO_E_RANGE, l->file[0].path,
                                "%lld integrations from %lld on asked for, the group has %lld", (long long)o->times,
                                (long long)o->time, (long long)kept);
    else if (count == 0)
        *low = 1, *high = 0;
    else
        *low = time[o->time], *high = time[o->time + count - 1];
    free(time);
    return status;
}

static msio_status select_times(msio_loader *l) {
    double low = 0, high = 0;
    msio_status status = msio_load_find_times(l, &low, &high);
    if (status) return status;
    int64_t n = l->reference.rows;
    l->row = malloc((size_t)(n + 1) * sizeof *l->row);
    if (!l->row) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a list of rows");
    for (int64_t i = 0; i < n; i++)
        if (l->reference.time[i] >= low && l->reference.time[i] <= high) l->row[l->rows++] = i;
    return MSIO_OK;
}

static msio_status select_rows(msio_loader *l) {
    const msio_load_opts *o = &l->opts;
    bool by_rows = o->row || o->rows >= 0 || o->row_step != 1 || o->row_list;
    if (o->time || o->times >= 0) {
        if (by_rows)
            return msio_error_set(MSIO_E_ARGUMENT, NULL,
                                  "rows and integrations are both selected: give one of the two");
        return select_times(l);
    }
    msio_select select = MSIO_SELECT_ALL;
    select.row = o->row;
    select.rows = o->rows;
    select.row_step = o->row_step;
    select.row_list = o->row_list;
    select.rows_in_list = o->rows_in_list;
    msio_rows rows;
    msio_status status = msio_rows_select(&select, l->reference.rows, l->file[0].path, &rows);
    if (status) return status;
    l->rows = rows.count;
    l->first_row = rows.first;
    l->row_step = rows.step;
    msio_rows_free(&rows);
    if (!o->row_list) return MSIO_OK;
    l->row = malloc((size_t)(o->rows_in_list + 1) * sizeof *l->row);
    if (!l->row) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a list of rows");
    memcpy(l->row, o->row_list, (size_t)o->rows_in_list * sizeof *l->row);
    return MSIO_OK;
}

/* ---------------------------------------------------------------- channels, polarizations */

static msio_status part_of(const char *what, const char *path, int64_t start, int64_t count, int64_t step, int64_t all,
                           msio_range *range) {
    if (step < 1)
        return msio_error_set(MSIO_E_ARGUMENT, path, "%s step %lld, it must be at least 1", what, (long long)step);
    int64_t rest = all - start, most = rest > 0 ? msio_div_up(rest, step) : 0;
    if (start < 0 || rest < 0 || count > most)
        return msio_error_set(MSIO_E_RANGE, path, "%lld %ss from %lld in steps of %lld asked for, there are %lld",
                              (long long)count, what, (long long)start, (long long)step, (long long)all);
    *range = (msio_range){start, count < 0 ? most : count, 1};
    if (range->count > 1) range->step = step;
    return MSIO_OK;
}

static msio_status select_channels(msio_loader *l) {
    const msio_load_opts *o = &l->opts;
    l->chan = msio_arena_take(&l->arena, l->segments, sizeof *l->chan);
    l->channel = msio_arena_take(&l->arena, l->segments, sizeof *l->channel);
    if (!l->chan || !l->channel) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a list of subbands");
    msio_status status = MSIO_OK;
    for (int i = 0; i < l->segments && !status; i++) {
        const msio_load_segment *s = &l->segment[i];
        const char *path = s->file < 0 ? NULL : l->file[s->file].path;
        l->channel[i] = l->channels;
        status = part_of("channel", path, o->chan, o->chans, o->chan_step, s->channels, &l->chan[i]);
        if (!status) l->channels += l->chan[i].count;
    }
    return status;
}

static msio_status select_pols(msio_loader *l) {
    const msio_load_opts *o = &l->opts;
    msio_range range;
    msio_status status =
        part_of("polarization", l->file[0].path, o->corr, o->corrs, o->corr_step, l->file[0].pols, &range);
    if (status) return status;
    l->corr = range.start;
    l->corr_step = range.step;
    l->pols = range.count;
    return MSIO_OK;
}

/* ---------------------------------------------------------------- types, sizes */

static msio_status select_type(msio_loader *l) {
    msio_type wanted = l->opts.visdata_type;
    if (wanted != MSIO_BOOL && wanted != MSIO_COMPLEX && wanted != MSIO_DCOMPLEX)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "visibilities are delivered as Complex or DComplex, not as %s",
                              msio_type_name(wanted));
    l->visdata_type = wanted == MSIO_BOOL ? MSIO_COMPLEX : wanted;
    for (int i = 0; i < l->files && wanted == MSIO_BOOL; i++)
        if (l->file[i].visdata_type == MSIO_DCOMPLEX) l->visdata_type = MSIO_DCOMPLEX;
    return MSIO_OK;
}

int64_t msio_loader_element(const msio_loader *loader, int what) {
    const msio_type types[MSIO_LOAD_ARRAYS] = {loader->visdata_type, MSIO_BOOL, MSIO_FLOAT};
    return (int64_t)msio_type_size(types[what]);
}

int64_t msio_loader_row_bytes(const msio_loader *loader, int what) {
    return loader->channels * loader->pols * msio_loader_element(loader, what);
}

static msio_status check_arrays(const msio_loader *l) {
    static const char *const names[MSIO_LOAD_ARRAYS] = {"visibilities", "flags", "sample counts"};
    for (int i = 0; i < l->files; i++)
        for (int k = 0; k < MSIO_LOAD_ARRAYS; k++)
            if ((l->what & 1u << k) && !(l->file[i].arrays & 1u << k))
                return msio_error_set(MSIO_E_NO_COLUMN, l->file[i].path, "it has no %s: do not ask for them", names[k]);
    return MSIO_OK;
}

msio_status msio_load_select(msio_loader *loader) {
    int64_t elements, bytes;
    msio_status status = check_arrays(loader);
    if (!status) status = select_rows(loader);
    if (!status) status = select_channels(loader);
    if (!status) status = select_pols(loader);
    if (!status) status = select_type(loader);
    if (status) return status;
    if (!msio_mul_checked(loader->channels, loader->pols, &elements) || !msio_mul_checked(elements, 16, &bytes) ||
        !msio_mul_checked(bytes, loader->rows, &bytes))
        return msio_error_set(MSIO_E_MEMORY, loader->file[0].path, "the result has more bytes than can be counted");
    return MSIO_OK;
}
