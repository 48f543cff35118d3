/* uvh5_rows.c - what a UVH5 file has a value a row of: checked with the header, read on demand. */
#include "io/uvh5/uvh5_rows.h"

#include "core/checked.h"
#include "core/error.h"
#include "io/plan/rows.h"
#include "io/uvh5/uvh5_header.h"
#include "io/uvh5/uvh5_row_fields.h"
#include "prof/call.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- with the header */

static void check_one(msio_uvh5_fields *f, const msio_uvh5_row_field *r, const msio_field *field, int64_t rows) {
    int64_t shape[2] = {rows, 3};
    int ndim = r->kind == ROW_UVW ? 2 : 1;
    char found[160], expected[160];
    if (msio_type_size(field->type) == 0 || field->type == MSIO_COMPLEX || field->type == MSIO_DCOMPLEX)
        msio_uvh5_wrong(f, r->name, "holds what are no real numbers");
    if (r->may_be_scalar && field->ndim == 0) return;
    if (field->ndim != ndim || memcmp(field->shape, shape, (size_t)ndim * sizeof *shape) != 0)
        msio_uvh5_wrong(f, r->name, "has shape %s, expected %s by Nblts",
                        msio_uvh5_shape_text(field->ndim, field->shape, found),
                        msio_uvh5_shape_text(ndim, shape, expected));
}

void msio_uvh5_check_rows(msio_uvh5_fields *f, int64_t rows, bool with_phase) {
    for (int i = 0; i < MSIO_UVH5_ROW_FIELDS && !f->status; i++) {
        const msio_uvh5_row_field *r = &msio_uvh5_row_fields[i];
        const msio_field *field = msio_uvh5_field(f, r->name);
        bool needed = r->need == ROW_ALWAYS || (r->need == ROW_WITH_PHASE && with_phase);
        if (!field && needed)
            msio_uvh5_wrong(f, r->name, "is missing: a UVH5 file of this version has it");
        else if (field && (needed || field->count))
            check_one(f, r, field, rows);
    }
}

/* ---------------------------------------------------------------- reading */

/* Little of the file is wanted, and once: mapping all of it would not pay. */
static const msio_read_opts by_reading = {sizeof by_reading, 0, MSIO_WAY_SCRATCH, NULL, NULL, NULL, 0};

/* Numbers to whole ones of 32 bits; in place is well: those become smaller. */
static msio_status narrow(const msio_uvh5 *file, const char *name, int64_t n, const double *from, int32_t *to) {
    for (int64_t i = 0; i < n; i++) {
        double value;
        memcpy(&value, &from[i], sizeof value);
        if (!(value >= INT32_MIN && value <= INT32_MAX) || value != floor(value))
            return msio_error_set(MSIO_E_FORMAT, file->header.path,
                                  "Header/%s has %.17g in row %lld of the selection, expected a whole number of 32 "
                                  "bits",
                                  name, value, (long long)i);
        int32_t whole = (int32_t)value;
        memcpy(&to[i], &whole, sizeof whole);
    }
    return MSIO_OK;
}

/* The same of 64-bit integers, which most files have: where all fit, one quick pass. */
static bool narrow_integers(int64_t n, const int64_t *from, int32_t *to) {
    int64_t odd = 0;
    for (int64_t i = 0; i < n; i++) {
        to[i] = (int32_t)from[i];
        odd |= from[i] ^ (int64_t)(int32_t)from[i];
    }
    return odd == 0;
}

static msio_status read_whole(const msio_uvh5 *file, const msio_dataset *dataset, const char *name,
                              const msio_select *select, int64_t n, int32_t *out) {
    if (msio_dataset_describe(dataset)->type == MSIO_INT)
        return msio_dataset_read(dataset, select, MSIO_INT, out, (size_t)n * sizeof *out, &by_reading);
    double *wide = msio_pool_take((size_t)n * sizeof *wide);
    if (!wide) return msio_error_set(MSIO_E_MEMORY, file->header.path, "no memory for Header/%s", name);
    msio_status status = MSIO_OK;
    bool narrowed = false;
    if (msio_dataset_describe(dataset)->type == MSIO_INT64) {
        status = msio_dataset_read(dataset, select, MSIO_INT64, wide, (size_t)n * sizeof *wide, &by_reading);
        narrowed = !status && narrow_integers(n, (const int64_t *)(const void *)wide, out);
    }
    if (!status && !narrowed)
        status = msio_dataset_read(dataset, select, MSIO_DOUBLE, wide, (size_t)n * sizeof *wide, &by_reading);
    if (!status && !narrowed) status = narrow(file, name, n, wide, out);
    msio_pool_give(wide);
    return status;
}

/* One array, n > 0 rows of it. */
static msio_status read_one(msio_uvh5 *file, const msio_uvh5_row_field *r, const msio_select *select, int64_t n,
                            void *out) {
    char name[64];
    const msio_dataset *dataset;
    snprintf(name, sizeof name, "Header/%s", r->name);
    msio_status status = msio_hdf5_dataset(file->hdf5, name, &dataset);
    if (status) return status;
    if (msio_dataset_describe(dataset)->ndim == 0) {
        double value, *values = out;
        status = msio_dataset_read(dataset, NULL, MSIO_DOUBLE, &value, sizeof value, &by_reading);
        for (int64_t i = 0; i < n && !status; i++) values[i] = value;
        return status;
    }
    if (r->kind == ROW_INT) return read_whole(file, dataset, r->name, select, n, out);
    size_t bytes = (size_t)n * (r->kind == ROW_UVW ? 3 : 1) * sizeof(double);
    return msio_dataset_read(dataset, select, MSIO_DOUBLE, out, bytes, &by_reading);
}

/* ---------------------------------------------------------------- their memory */

/* Bytes of an array of n rows, so that the next one is aligned. */
static int64_t array_bytes(const msio_uvh5_row_field *r, int64_t n) {
    int64_t each = r->kind == ROW_INT ? 4 : r->kind == ROW_UVW ? 24 : 8, bytes;
    return msio_mul_checked(n, each, &bytes) && bytes < INT64_MAX / 16 ? (bytes + 63) & ~(int64_t)63 : -1;
}

static bool is_wanted(const msio_uvh5 *file, const msio_uvh5_row_field *r, unsigned which) {
    const msio_field *field = r->which & which ? msio_uvh5_find(&file->header, r->name) : NULL;
    return field && (field->count || file->header.nblts == 0);
}

static msio_status take_arrays(const msio_uvh5 *file, unsigned which, msio_uvh5_rows *rows) {
    int64_t total = 64;
    for (int i = 0; i < MSIO_UVH5_ROW_FIELDS; i++) {
        if (!is_wanted(file, &msio_uvh5_row_fields[i], which)) continue;
        int64_t bytes = array_bytes(&msio_uvh5_row_fields[i], rows->rows);
        total = bytes < 0 || total < 0 ? -1 : total + bytes;
    }
    char *memory = total < 0 ? NULL : msio_pool_take((size_t)total);
    if (!memory) return msio_error_set(MSIO_E_MEMORY, file->header.path, "no memory for what there is of each row");
    rows->memory = memory;
    for (int i = 0; i < MSIO_UVH5_ROW_FIELDS; i++) {
        if (!is_wanted(file, &msio_uvh5_row_fields[i], which)) continue;
        memcpy((char *)rows + msio_uvh5_row_fields[i].place, &memory, sizeof memory);
        memory += array_bytes(&msio_uvh5_row_fields[i], rows->rows);
    }
    return MSIO_OK;
}

/* ---------------------------------------------------------------- the public calls */

msio_status msio_uvh5_rows_read(msio_uvh5 *file, unsigned which, const msio_select *select, msio_uvh5_rows *rows) {
    PROF_CALL(file ? file->header.path : NULL);
    msio_select only_rows = MSIO_SELECT_ALL;
    msio_rows selected;
    if (!file || !rows || !which || which > MSIO_UVH5_ROWS_ALL)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "no file, nothing asked for, or nowhere to put it");
    if (select && select->struct_size != sizeof *select)
        return msio_error_set(MSIO_E_ARGUMENT, file->header.path,
                              "a selection of %zu bytes, this version knows %zu: use MSIO_SELECT_ALL",
                              select->struct_size, sizeof *select);
    if (select) {
        only_rows = *select;
        only_rows.chan = only_rows.corr = 0;
        only_rows.chans = only_rows.corrs = -1;
        only_rows.chan_step = only_rows.corr_step = 1;
    }
    msio_status status = msio_rows_select(&only_rows, file->header.nblts, file->header.path, &selected);
    if (status) return status;
    msio_uvh5_rows read = {.rows = selected.count};
    msio_rows_free(&selected);
    status = take_arrays(file, which, &read);
    for (int i = 0; i < MSIO_UVH5_ROW_FIELDS && !status && read.rows; i++) {
        void *out;
        memcpy(&out, (char *)&read + msio_uvh5_row_fields[i].place, sizeof out);
        if (out) status = read_one(file, &msio_uvh5_row_fields[i], &only_rows, read.rows, out);
    }
    if (status)
        msio_uvh5_rows_free(&read);
    else
        *rows = read;
    return status;
}

void msio_uvh5_rows_free(msio_uvh5_rows *rows) {
    if (!rows) return;
    msio_pool_give(rows->memory);
    *rows = (msio_uvh5_rows){0};
}
