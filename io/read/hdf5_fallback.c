/* hdf5_fallback.c - what the HDF5 layout does not know, read by the library in blocks and scattered. */
#include "core/checked.h"
#include "core/error.h"
#include "core/pool.h"
#include "io/hdf5_module/hdf5_module.h"
#include "io/layout/hdf5_layout.h"
#include "prof/span.h"

/* Read at once, unless a single row has more. */
#define BLOCK_BYTES ((int64_t)4 << 20)

/* How elements come from the library: as the type that it delivers, in this machine's order. */
static msio_number delivered(const msio_h5_info *info) {
    msio_type type = info->type;
    bool real = type == MSIO_FLOAT || type == MSIO_DOUBLE, complex = type == MSIO_COMPLEX || type == MSIO_DCOMPLEX;
    bool is_unsigned = type == MSIO_UCHAR || type == MSIO_USHORT || type == MSIO_UINT || type == MSIO_UINT64;
    int bytes = (int)msio_type_size(type);
    return (msio_number){.kind = real || complex ? MSIO_NUMBER_FLOAT
                                 : is_unsigned   ? MSIO_NUMBER_UNSIGNED
                                                 : MSIO_NUMBER_SIGNED,
                         .bytes = complex ? bytes / 2 : bytes,
                         .parts = complex ? 2 : 1,
                         .is_truth = type == MSIO_BOOL};
}

typedef struct fallback {
    const msio_dataset *dataset;
    const msio_slab *slab;
    msio_number number;
    msio_type type;
    int64_t row_bytes; /* of the wanted part of a row, as the library delivers it */
    uint8_t *block, *out;
} fallback;

/* Rows [from, from + n) of the set, at equal distances, within one block. */
static msio_status read_block(fallback *f, int64_t from, int64_t n) {
    const msio_h5_info *info = &f->dataset->info;
    const msio_slab *slab = f->slab;
    int64_t start[MSIO_MAX_NDIM], count[MSIO_MAX_NDIM], step[MSIO_MAX_NDIM], elem = (int64_t)msio_type_size(info->type);
    int64_t row = msio_rows_row(slab->rows, from), place = msio_rows_place(slab->rows, from);
    start[0] = row;
    count[0] = n;
    step[0] = n > 1 ? msio_rows_row(slab->rows, from + 1) - row : 1;
    for (int k = 1; k < info->ndim; k++) {
        start[k] = slab->axis[k].start;
        count[k] = slab->axis[k].count;
        step[k] = slab->axis[k].step;
    }
    msio_status status = msio_h5_read(f->dataset->library, f->dataset->file->path, start, count, step, f->block);
    if (status) return status;
    msio_box box = {.ndim = 0};
    int64_t src = elem;
    for (int k = info->ndim - 1; k >= 0; k--) {
        int b = box.ndim++;
        box.count[b] = count[k];
        box.src[b] = src;
        box.dst[b] = k || n < 2 ? slab->stride[k] : (msio_rows_place(slab->rows, from + 1) - place) * slab->stride[0];
        src *= count[k];
    }
    msio_box_convert(&box, &f->number, f->type, f->block, f->out + slab->out + place * slab->stride[0]);
    return MSIO_OK;
}

/* Rows from `from` on that lie at equal distances and go to equal ones. */
static int64_t equal_run(const msio_rows *rows, int64_t from, int64_t most) {
    int64_t end = from + 1;
    if (!rows->row) return msio_min(most, rows->count - from);
    if (end >= rows->count) return 1;
    int64_t step = rows->row[end] - rows->row[from], step_out = rows->place[end] - rows->place[from];
    if (step < 1) return 1;
    while (end < rows->count && end - from < most && rows->row[end] - rows->row[end - 1] == step &&
           rows->place[end] - rows->place[end - 1] == step_out)
        end++;
    return end - from;
}

/* A read that failed because the library cannot undo a filter says which, and what helps. */
msio_status msio_hdf5_explain(const msio_dataset *dataset, msio_status status) {
    const msio_h5_info *info = &dataset->info;
    if (status != MSIO_E_FORMAT) return status;
    for (int i = 0; i < info->filters; i++) {
        const msio_h5_filter *f = &info->filter[i];
        if (msio_h5_undoes(f->id)) continue;
        const char *known = msio_h5_filter_name(f->id), *name = known ? known : f->name[0] ? f->name : "without a name";
        return msio_error_set(
            MSIO_E_UNSUPPORTED, dataset->file->path,
            "%s is packed with filter %s (%d), which the HDF5 library here cannot undo: install its "
            "plugin (in Python: pip install hdf5plugin), or name the plugin's folder in the environment "
            "variable HDF5_PLUGIN_PATH; %s",
            dataset->name, name, f->id,
            dataset->described.why_not ? dataset->described.why_not : "msio does not decode it here");
    }
    return status;
}

msio_status msio_hdf5_fallback(const msio_dataset *dataset, const msio_slab *slab, msio_type type, uint8_t *out) {
    const msio_h5_info *info = &dataset->info;
    fallback f = {.dataset = dataset, .slab = slab, .number = delivered(info), .type = type, .out = out};
    f.row_bytes = (int64_t)msio_type_size(info->type);
    for (int k = 1; k < info->ndim; k++) f.row_bytes *= slab->axis[k].count;
    if (f.row_bytes == 0 || slab->rows->count == 0) return MSIO_OK;
    int64_t most = msio_max(1, BLOCK_BYTES / f.row_bytes);
    f.block = msio_pool_take((size_t)(f.row_bytes * msio_min(most, slab->rows->count)));
    if (!f.block)
        return msio_error_set(MSIO_E_MEMORY, dataset->file->path, "no memory for %lld bytes of %s",
                              (long long)f.row_bytes, dataset->name);
    msio_status status = MSIO_OK;
    prof_span span;
    prof_begin(&span, PROF_PATH_FALLBACK);
    for (int64_t from = 0; from < slab->rows->count && !status;) {
        int64_t n = equal_run(slab->rows, from, most);
        status = read_block(&f, from, n);
        from += n;
    }
    prof_end(&span, &(prof_work){.bytes = f.row_bytes * slab->rows->count, .rows = slab->rows->count});
    msio_pool_give(f.block);
    return msio_hdf5_explain(dataset, status);
}
