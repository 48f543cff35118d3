/* cell_json.c - the values of cells as JSON. */
#include "cli/output/cell_json.h"

#include <string.h>

double cli_element(msio_type type, const void *data, int64_t index) {
    switch (type) {
    case MSIO_CHAR: return ((const int8_t *)data)[index];
    case MSIO_BOOL:
    case MSIO_UCHAR: return ((const uint8_t *)data)[index];
    case MSIO_SHORT: return ((const int16_t *)data)[index];
    case MSIO_USHORT: return ((const uint16_t *)data)[index];
    case MSIO_INT: return ((const int32_t *)data)[index];
    case MSIO_UINT: return ((const uint32_t *)data)[index];
    case MSIO_INT64: return (double)((const int64_t *)data)[index];
    case MSIO_UINT64: return (double)((const uint64_t *)data)[index];
    case MSIO_FLOAT: return (double)((const float *)data)[index];
    case MSIO_DOUBLE: return ((const double *)data)[index];
    case MSIO_COMPLEX:
    case MSIO_DCOMPLEX:
    case MSIO_STRING:
    case MSIO_TABLE:
    case MSIO_RECORD: return 0;
    }
    return 0;
}

static void write_complex(cli_json *json, double real, double imaginary) {
    cli_json_array(json);
    cli_json_double(json, real);
    cli_json_double(json, imaginary);
    cli_json_end(json);
}

/* A float is written with a double's digits, as numpy's tolist gives it. */
static void write_element(cli_json *json, const msio_ragged *ragged, int64_t element) {
    switch (ragged->type) {
    case MSIO_BOOL: cli_json_bool(json, ((const uint8_t *)ragged->data)[element]); break;
    case MSIO_INT64: cli_json_int(json, ((const int64_t *)ragged->data)[element]); break;
    case MSIO_UINT64: cli_json_uint(json, ((const uint64_t *)ragged->data)[element]); break;
    case MSIO_CHAR:
    case MSIO_UCHAR:
    case MSIO_SHORT:
    case MSIO_USHORT:
    case MSIO_INT:
    case MSIO_UINT: cli_json_int(json, (int64_t)cli_element(ragged->type, ragged->data, element)); break;
    case MSIO_FLOAT:
    case MSIO_DOUBLE: cli_json_double(json, cli_element(ragged->type, ragged->data, element)); break;
    case MSIO_COMPLEX: {
        const float *pair = (const float *)ragged->data + 2 * element;
        write_complex(json, (double)pair[0], (double)pair[1]);
        break;
    }
    case MSIO_DCOMPLEX: {
        const double *pair = (const double *)ragged->data + 2 * element;
        write_complex(json, pair[0], pair[1]);
        break;
    }
    case MSIO_STRING: {
        const int64_t *at = ragged->text_offsets + element;
        cli_json_bytes(json, ragged->text + at[0], (size_t)(at[1] - at[0]));
        break;
    }
    case MSIO_TABLE:
    case MSIO_RECORD: cli_json_null(json); break;
    }
}

static void write_axis(cli_json *json, const cli_walk *cell, int axis, int64_t element) {
    if (axis == cell->ndim) {
        write_element(json, cell->ragged, element);
        return;
    }
    cli_range range = cell->ranges[axis];
    cli_json_array(json);
    for (int64_t i = 0; i < range.count; i++)
        write_axis(json, cell, axis + 1, element + (range.start + i * range.step) * cell->strides[axis]);
    cli_json_end(json);
}

static int cut_axis(cli_walk *cell, int axis, const cli_slice *slice, const int64_t *shape) {
    if (!slice || !slice->given) return 0;
    return axis < 0 ? -1 : cli_slice_resolve(slice, shape[axis], &cell->ranges[axis]);
}

int cli_walk_begin(cli_walk *cell, const msio_ragged *ragged, int64_t index, const cli_cut *cut) {
    const int64_t *shape = ragged->shapes + index * MSIO_MAX_NDIM;
    int64_t stride = 1;
    cell->ragged = ragged;
    cell->ndim = ragged->ndims[index];
    for (int axis = cell->ndim - 1; axis >= 0; axis--) {
        cell->strides[axis] = stride;
        cell->ranges[axis] = (cli_range){0, shape[axis], 1};
        stride *= shape[axis];
    }
    if (!cut) return 0;
    return cut_axis(cell, cell->ndim - 1, cut->corrs, shape) || cut_axis(cell, cell->ndim - 2, cut->chans, shape) ? -1
                                                                                                                  : 0;
}

int cli_cell_json(cli_json *json, const msio_ragged *ragged, int64_t index, const cli_cut *cut) {
    cli_walk cell;
    if (!ragged->defined[index]) {
        cli_json_null(json);
        return 0;
    }
    if (cli_walk_begin(&cell, ragged, index, cut)) return -1;
    write_axis(json, &cell, 0, ragged->offsets[index]);
    return 0;
}
