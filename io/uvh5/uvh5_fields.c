/* uvh5_fields.c - the datasets below Header: collected in one pass, then asked for by name, type and shape. */
#include "io/uvh5/uvh5_fields.h"

#include "core/checked.h"
#include "core/error.h"
#include "io/hdf5_module/hdf5_module.h"
#include "io/uvh5/uvh5_lenient.h"
#include "io/uvh5/uvh5_row_fields.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What is read at once, of each dataset; larger ones are read when they are asked for. */
#define SMALL_BYTES 65536
/* More would be no header: datasets in it, and bytes of all of them. */
#define FIELDS_MOST 100000

/* ---------------------------------------------------------------- memory and failures */

static const char *keep_text(msio_uvh5_fields *f, const char *text, int64_t length) {
    char *copy = msio_uvh5_take(f, length + 1, 1);
    if (copy && length) memcpy(copy, text, (size_t)length);
    return copy;
}

/* ---------------------------------------------------------------- collecting */

static msio_field *add_field(msio_uvh5_fields *f) {
    if (f->n == FIELDS_MOST)
        f->status = msio_error_set(MSIO_E_UNSUPPORTED, f->file->path, "a header of more than %d datasets", FIELDS_MOST);
    if (!f->status && f->n == f->capacity) {
        int wanted = f->capacity ? 2 * f->capacity : 64;
        msio_field *grown = msio_uvh5_take(f, wanted, sizeof *grown);
        if (grown && f->n) memcpy(grown, f->field, (size_t)f->n * sizeof *grown);
        if (grown) f->field = grown;
        if (grown) f->capacity = wanted;
    }
    return f->status ? NULL : &f->field[f->n++];
}

static msio_status collect_one(void *user, const msio_h5_value *value) {
    msio_uvh5_fields *f = user;
    msio_field *field = add_field(f);
    if (!field) return f->status;
    field->name = keep_text(f, value->name, (int64_t)strlen(value->name));
    field->type = value->type;
    field->ndim = value->ndim;
    field->count = value->elements;
    memcpy(field->shape, value->shape, sizeof field->shape);
    if (value->elements == 0 || (value->ndim > 0 && msio_uvh5_is_by_row(value->name))) return f->status;
    if (value->data) {
        void *values = msio_uvh5_take(f, value->elements, msio_type_size(value->type));
        if (values) memcpy(values, value->data, (size_t)value->elements * msio_type_size(value->type));
        field->values = values;
    }
    if (value->texts) {
        const char **strings = msio_uvh5_take(f, value->elements, sizeof *strings);
        for (int64_t i = 0; strings && i < value->elements; i++)
            strings[i] = keep_text(f, value->texts[i], (int64_t)strlen(value->texts[i]));
        field->strings = strings;
    }
    return f->status;
}

void msio_uvh5_fields_collect(msio_uvh5_fields *f, msio_hdf5 *file, msio_arena *arena) {
    *f = (msio_uvh5_fields){.file = file, .arena = arena};
    f->status = msio_h5_visit(msio_hdf5_library(file), file->path, "Header", SMALL_BYTES, collect_one, f);
    if (f->status == MSIO_E_NOT_FOUND)
        f->status = msio_error_set(MSIO_E_FORMAT, file->path, "this is no UVH5 file: it has no group Header");
}

/* ---------------------------------------------------------------- large ones */

typedef struct text_job {
    msio_uvh5_fields *f;
    const char **strings;
    int64_t n, most;
} text_job;

static msio_status take_text(void *user, const char *text, int64_t length) {
    text_job *job = user;
    const char *copy = job->n < job->most ? keep_text(job->f, text, length) : NULL;
    if (copy) job->strings[job->n++] = copy;
    return job->f->status;
}

static void load_texts(msio_uvh5_fields *f, const char *name, msio_field *field) {
    msio_h5_dataset *dataset = NULL;
    msio_h5_info info;
    text_job job = {f, msio_uvh5_take(f, field->count, sizeof *job.strings), 0, field->count};
    if (!job.strings) return;
    msio_status status = msio_h5_dataset_open(msio_hdf5_library(f->file), f->file->path, name, &dataset, &info);
    if (!status && (info.type != MSIO_STRING || info.elements != field->count))
        msio_uvh5_wrong(f, field->name, "changed while it was read");
    else if (!status)
        status = msio_h5_read_texts(dataset, f->file->path, take_text, &job);
    msio_h5_dataset_close(dataset);
    if (!f->status) f->status = status;
    if (!f->status && job.n != field->count) msio_uvh5_wrong(f, field->name, "lacks some of its strings");
    if (!f->status) field->strings = job.strings;
}

static void load_numbers(msio_uvh5_fields *f, const char *name, msio_field *field) {
    const msio_dataset *dataset;
    size_t bytes;
    int64_t shape[MSIO_MAX_NDIM];
    int ndim;
    f->status = msio_hdf5_dataset(f->file, name, &dataset);
    if (!f->status) f->status = msio_dataset_shape(dataset, NULL, field->type, &ndim, shape, &bytes);
    if (f->status) return;
    if (msio_dataset_describe(dataset)->type != field->type ||
        bytes != (size_t)field->count * msio_type_size(field->type)) {
        msio_uvh5_wrong(f, field->name, "changed while it was read");
        return;
    }
    void *values = msio_uvh5_take(f, field->count, msio_type_size(field->type));
    if (values) f->status = msio_dataset_read(dataset, NULL, field->type, values, bytes, NULL);
    if (!f->status) field->values = values;
}

void msio_uvh5_load(msio_uvh5_fields *f, msio_field *field) {
    char name[600];
    if (f->status || field->values || field->strings || field->count == 0 || field->type == MSIO_RECORD) return;
    snprintf(name, sizeof name, "Header/%s", field->name);
    if (field->type == MSIO_STRING)
        load_texts(f, name, field);
    else
        load_numbers(f, name, field);
}

/* ---------------------------------------------------------------- finding */

static msio_field *find(const msio_uvh5_fields *f, const char *name) {
    for (int i = 0; i < f->n && !f->status; i++)
        if (strcmp(f->field[i].name, name) == 0) return &f->field[i];
    return NULL;
}

const msio_field *msio_uvh5_field(const msio_uvh5_fields *f, const char *name) { return find(f, name); }

/* A field that is there and has elements, loaded; NULL for an optional one that has none. */
static msio_field *get(msio_uvh5_fields *f, const char *name, bool required, bool text) {
    msio_field *field = find(f, name);
    if (f->status) return NULL;
    if (!field) {
        if (required) msio_uvh5_wrong(f, name, "is missing: a UVH5 file of this version has it");
        return NULL;
    }
    if (field->type == MSIO_RECORD)
        msio_uvh5_wrong(f, name, "holds what is neither numbers nor strings, expected %s",
                        text ? "strings" : "numbers");
    return f->status ? NULL : field;
}

/* The same of a single element. */
static msio_field *get_one(msio_uvh5_fields *f, const char *name, bool required, bool text) {
    char found[160];
    msio_field *field = get(f, name, required, text);
    if (!field) return NULL;
    if (field->count == 0 && !required) return NULL;
    if (field->count == 0)
        msio_uvh5_wrong(f, name, "is empty");
    else if (field->count != 1 && !(text && field->type == MSIO_UCHAR && field->ndim == 1)) /* its characters */
        msio_uvh5_wrong(f, name, "has shape %s, expected a single value",
                        msio_uvh5_shape_text(field->ndim, field->shape, found));
    msio_uvh5_load(f, field);
    return f->status ? NULL : field;
}

/* The same of an array of that shape. */
static msio_field *get_array(msio_uvh5_fields *f, const char *name, bool required, bool text, int ndim,
                             const int64_t *shape) {
    char found[160], expected[160];
    int64_t elements = 0;
    msio_field *field = get(f, name, required, text);
    if (!field) return NULL;
    bool whole = msio_product_checked(ndim, shape, &elements);
    if (field->count == 0 && !required && !(whole && elements == 0)) return NULL;
    int more = field->ndim - ndim;
    if (!text && field->type == MSIO_STRING) msio_uvh5_wrong(f, name, "holds strings, expected numbers");
    bool same = whole && elements == field->count && (more >= 0 || field->ndim == 0);
    for (int k = 0; k < more; k++) same = same && field->shape[k] == 1;
    for (int k = 0; k < ndim && more >= 0; k++) same = same && field->shape[more + k] == shape[k];
    if (!same)
        msio_uvh5_wrong(f, name, "has shape %s, expected %s by the sizes that the header tells",
                        msio_uvh5_shape_text(field->ndim, field->shape, found),
                        msio_uvh5_shape_text(ndim, shape, expected));
    msio_uvh5_load(f, field);
    return f->status ? NULL : field;
}

/* ---------------------------------------------------------------- numbers */

/* How elements of a delivered type lie in memory. */
static msio_number number_of(msio_type type) {
    msio_number number = {.bytes = (int)msio_type_size(type), .parts = 1};
    bool is_unsigned =
        type == MSIO_BOOL || type == MSIO_UCHAR || type == MSIO_USHORT || type == MSIO_UINT || type == MSIO_UINT64;
    number.kind = is_unsigned                                 ? MSIO_NUMBER_UNSIGNED
                  : type == MSIO_FLOAT || type == MSIO_DOUBLE ? MSIO_NUMBER_FLOAT
                                                              : MSIO_NUMBER_SIGNED;
    return number;
}

const double *msio_uvh5_field_doubles(msio_uvh5_fields *f, msio_field *field) {
    if (field->type == MSIO_COMPLEX || field->type == MSIO_DCOMPLEX || field->type == MSIO_STRING ||
        field->type == MSIO_RECORD)
        msio_uvh5_wrong(f, field->name, "holds what are no real numbers");
    msio_uvh5_load(f, field);
    if (f->status || field->count == 0) return NULL;
    if (field->type == MSIO_DOUBLE) return field->values;
    double *values = msio_uvh5_take(f, field->count, sizeof *values);
    if (!values) return NULL;
    msio_number number = number_of(field->type);
    msio_box box = {.ndim = 1, .count = {field->count}, .src = {number.bytes}, .dst = {sizeof *values}};
    msio_box_convert(&box, &number, MSIO_DOUBLE, field->values, values);
    return values;
}

/* A single number, which a text may hold; false: absent, or a failure was told. */
static bool get_number(msio_uvh5_fields *f, const char *name, bool required, double *number) {
    msio_field *field = get_one(f, name, required, false);
    if (!field) return false;
    if (field->type == MSIO_STRING) {
        if (msio_uvh5_number_of_text(field->strings[0], number)) return true;
        msio_uvh5_wrong(f, name, "is \"%.40s\", expected a number", field->strings[0]);
        return false;
    }
    const double *value = msio_uvh5_field_doubles(f, field);
    if (value) *number = *value;
    return value != NULL;
}

double msio_uvh5_number(msio_uvh5_fields *f, const char *name, bool required) {
    double value;
    return get_number(f, name, required, &value) ? value : (double)NAN;
}

int64_t msio_uvh5_whole(msio_uvh5_fields *f, const char *name, int64_t least, int64_t most, int64_t otherwise) {
    double value;
    if (!get_number(f, name, otherwise == MSIO_UVH5_REQUIRED, &value)) return otherwise;
    if (!(value >= (double)least && value <= (double)most) || value != floor(value)) {
        msio_uvh5_wrong(f, name, "is %.17g, expected a whole number from %lld to %lld", value, (long long)least,
                        (long long)most);
        return otherwise;
    }
    return (int64_t)value;
}

int msio_uvh5_truth(msio_uvh5_fields *f, const char *name) {
    msio_field *field = get_one(f, name, false, false);
    if (!field) return -1;
    if (field->type == MSIO_STRING) return msio_uvh5_truth_of_text(field->strings[0]);
    const double *value = msio_uvh5_field_doubles(f, field);
    return value ? *value != 0 : -1;
}

const char *msio_uvh5_text(msio_uvh5_fields *f, const char *name, bool required) {
    msio_field *field = get_one(f, name, required, true);
    if (!field) return NULL;
    if (field->type == MSIO_STRING) return field->strings[0];
    if (field->type == MSIO_UCHAR && field->ndim == 1) return msio_uvh5_text_of_bytes(f, field);
    const char *const *texts = msio_uvh5_texts_of(f, field);
    return texts ? texts[0] : NULL;
}

/* ---------------------------------------------------------------- arrays */

const double *msio_uvh5_doubles(msio_uvh5_fields *f, const char *name, bool required, int ndim, const int64_t *shape) {
    msio_field *field = get_array(f, name, required, false, ndim, shape);
    if (field && field->count == 0) return msio_uvh5_take(f, 0, sizeof(double));
    return field ? msio_uvh5_field_doubles(f, field) : NULL;
}

const double *msio_uvh5_repeated(msio_uvh5_fields *f, const char *name, int64_t length) {
    const msio_field *field = find(f, name);
    if (!field || field->count != 1) return msio_uvh5_doubles(f, name, true, 1, &length);
    double value = msio_uvh5_number(f, name, true);
    double *values = msio_uvh5_take(f, length, sizeof *values);
    for (int64_t i = 0; values && i < length; i++) values[i] = value;
    return values;
}

const int32_t *msio_uvh5_ints(msio_uvh5_fields *f, const char *name, bool required, int64_t length) {
    const double *value = msio_uvh5_doubles(f, name, required, 1, &length);
    int32_t *out = value ? msio_uvh5_take(f, length, sizeof *out) : NULL;
    for (int64_t i = 0; out && i < length; i++) {
        if (!(value[i] >= INT32_MIN && value[i] <= INT32_MAX) || value[i] != floor(value[i])) {
            msio_uvh5_wrong(f, name, "has %.17g at %lld, expected a whole number of 32 bits", value[i], (long long)i);
            return NULL;
        }
        out[i] = (int32_t)value[i];
    }
    return out;
}

const char *const *msio_uvh5_texts(msio_uvh5_fields *f, const char *name, bool required, int ndim,
                                   const int64_t *shape) {
    const msio_field *field = get_array(f, name, required, true, ndim, shape);
    if (field && field->count == 0) return msio_uvh5_take(f, 0, sizeof(char *));
    if (!field) return NULL;
    return field->type == MSIO_STRING ? field->strings : msio_uvh5_texts_of(f, field);
}
