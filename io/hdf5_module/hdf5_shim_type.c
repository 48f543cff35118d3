/* hdf5_shim_type.c - HDF5's types: which are numbers, how they are stored, what they are delivered as. */
#include "io/hdf5_module/hdf5_shim_private.h"

#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- stored numbers */

static bool is_swapped(hid_t type) {
    const uint16_t one = 1;
    bool little = *(const uint8_t *)&one;
    return H5Tget_order(type) == (little ? H5T_ORDER_BE : H5T_ORDER_LE);
}

static bool within(size_t from, size_t bits, size_t all) { return bits > 0 && from <= all && bits <= all - from; }

/* Whether a number's bits lie within its bytes. A damaged file's may not, and HDF5 follows them beyond its memory. */
static bool is_sound(hid_t type) {
    size_t offset = (size_t)H5Tget_offset(type), precision = H5Tget_precision(type), bits = 8 * H5Tget_size(type);
    size_t sign, exponent, exponent_bits, fraction, fraction_bits;
    if (!within(offset, precision, bits)) return false;
    if (H5Tget_class(type) != H5T_FLOAT) return true;
    if (H5Tget_fields(type, &sign, &exponent, &exponent_bits, &fraction, &fraction_bits) < 0) return false;
    return within(sign, 1, precision) && within(exponent, exponent_bits, precision) &&
           within(fraction, fraction_bits, precision);
}

/* An integer or float; plain: stored as every machine holds it. False: none of these. */
static bool number_of(hid_t type, msio_number *number, bool *plain) {
    H5T_class_t class = H5Tget_class(type);
    size_t size = H5Tget_size(type);
    if ((class != H5T_INTEGER && class != H5T_FLOAT) || size == 0 || size > 16) return false;
    if (!is_sound(type)) return false;
    *number = (msio_number){.bytes = (int)size, .parts = 1, .swapped = size > 1 && is_swapped(type)};
    if (class == H5T_FLOAT) {
        number->kind = MSIO_NUMBER_FLOAT;
        *plain = H5Tequal(type, H5T_IEEE_F32LE) > 0 || H5Tequal(type, H5T_IEEE_F32BE) > 0 ||
                 H5Tequal(type, H5T_IEEE_F64LE) > 0 || H5Tequal(type, H5T_IEEE_F64BE) > 0;
        return true;
    }
    number->kind = H5Tget_sign(type) == H5T_SGN_NONE ? MSIO_NUMBER_UNSIGNED : MSIO_NUMBER_SIGNED;
    *plain = (size == 1 || size == 2 || size == 4 || size == 8) && H5Tget_precision(type) == 8 * size &&
             H5Tget_offset(type) == 0;
    return size <= 8;
}

/* Whether the enumeration's members are FALSE = 0 and TRUE = 1. */
static bool is_truth(hid_t type) {
    char value[16] = {0};
    bool is = H5Tget_nmembers(type) == 2 && H5Tget_size(type) <= 8;
    hid_t base = is ? H5Tget_super(type) : -1;
    for (unsigned i = 0; is && i < 2; i++) {
        char *name = H5Tget_member_name(type, i);
        long long as_integer = -1;
        is = name && H5Tget_member_value(type, i, value) >= 0 &&
             H5Tconvert(base, H5T_NATIVE_LLONG, 1, value, NULL, 0) >= 0;
        memcpy(&as_integer, value, sizeof as_integer);
        is = is && ((strcmp(name, "FALSE") == 0 && as_integer == 0) || (strcmp(name, "TRUE") == 0 && as_integer == 1));
        H5free_memory(name);
    }
    if (base >= 0) H5Tclose(base);
    return is;
}

static bool are_equal(const msio_number *a, const msio_number *b) {
    return a->kind == b->kind && a->bytes == b->bytes && a->swapped == b->swapped;
}

/* A compound of two equal numbers that are called real and imaginary. */
static bool complex_of(hid_t type, msio_number *number, bool *plain) {
    static const char *const names[][2] = {{"r", "i"}, {"re", "im"}, {"real", "imag"}};
    msio_number part[2];
    bool plain_part[2] = {false, false}, is = H5Tget_nmembers(type) == 2, named = false;
    for (unsigned i = 0; is && i < 2; i++) {
        hid_t member = H5Tget_member_type(type, i);
        is = member >= 0 && number_of(member, &part[i], &plain_part[i]);
        if (member >= 0) H5Tclose(member);
    }
    if (!is || !are_equal(&part[0], &part[1])) return false;
    char *real = H5Tget_member_name(type, 0), *imaginary = H5Tget_member_name(type, 1);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        named = named || (real && imaginary && strcmp(real, names[i][0]) == 0 && strcmp(imaginary, names[i][1]) == 0);
    H5free_memory(real);
    H5free_memory(imaginary);
    *number = part[0];
    number->parts = 2;
    size_t bytes = (size_t)part[0].bytes;
    *plain = plain_part[0] && H5Tget_size(type) == 2 * bytes && H5Tget_member_offset(type, 0) == 0 &&
             H5Tget_member_offset(type, 1) == bytes;
    return named;
}

static void name_number(const char *before, const msio_number *n, msio_h5_info *info) {
    static const char *const kinds[] = {"int", "uint", "float"};
    snprintf(info->stored_name, sizeof info->stored_name, "%s%s%d%s", before, kinds[n->kind], 8 * n->bytes,
             n->swapped ? (is_swapped(H5T_STD_I32BE) ? " big-endian" : " little-endian") : "");
}

/* What a number of any width is delivered as: the type that holds it. Complex numbers are doubles wherever they are not
 * stored as floats, as pyuvdata has them: integers may be summed up without a thought of 24 bits. */
static msio_type widened(const msio_number *n) {
    static const msio_type integers[2][4] = {{MSIO_CHAR, MSIO_SHORT, MSIO_INT, MSIO_INT64},
                                             {MSIO_UCHAR, MSIO_USHORT, MSIO_UINT, MSIO_UINT64}};
    bool is_float = n->kind == MSIO_NUMBER_FLOAT;
    if (n->parts == 2) return is_float && n->bytes == 4 ? MSIO_COMPLEX : MSIO_DCOMPLEX;
    if (is_float) return n->bytes <= 4 ? MSIO_FLOAT : MSIO_DOUBLE;
    int width = n->bytes == 1 ? 0 : n->bytes == 2 ? 1 : n->bytes <= 4 ? 2 : 3;
    return integers[n->kind == MSIO_NUMBER_UNSIGNED][width];
}

void msio_h5_describe_type(hid_t type, msio_h5_info *info) {
    H5T_class_t class = H5Tget_class(type);
    info->type = MSIO_RECORD;
    info->plain = false;
    info->stored = (int64_t)H5Tget_size(type);
    snprintf(info->stored_name, sizeof info->stored_name, "a type that is not read");
    if (class == H5T_STRING) {
        info->type = MSIO_STRING;
        snprintf(info->stored_name, sizeof info->stored_name, "string");
    } else if (class == H5T_ENUM) {
        hid_t base = H5Tget_super(type);
        if (base >= 0 && number_of(base, &info->number, &info->plain)) {
            info->number.is_truth = is_truth(type);
            info->type = info->number.is_truth ? MSIO_BOOL : widened(&info->number);
            name_number("enum of ", &info->number, info);
        }
        if (base >= 0) H5Tclose(base);
    } else if (class == H5T_COMPOUND) {
        if (complex_of(type, &info->number, &info->plain)) {
            info->type = widened(&info->number);
            name_number("{r, i} of ", &info->number, info);
        }
    } else if (number_of(type, &info->number, &info->plain)) {
        info->type = widened(&info->number);
        name_number("", &info->number, info);
    }
}

/* ---------------------------------------------------------------- in memory */

static hid_t native(msio_type type) {
    switch (type) {
    case MSIO_CHAR: return H5T_NATIVE_INT8;
    case MSIO_UCHAR: return H5T_NATIVE_UINT8;
    case MSIO_SHORT: return H5T_NATIVE_INT16;
    case MSIO_USHORT: return H5T_NATIVE_UINT16;
    case MSIO_INT: return H5T_NATIVE_INT32;
    case MSIO_UINT: return H5T_NATIVE_UINT32;
    case MSIO_INT64: return H5T_NATIVE_INT64;
    case MSIO_UINT64: return H5T_NATIVE_UINT64;
    case MSIO_FLOAT:
    case MSIO_COMPLEX: return H5T_NATIVE_FLOAT;
    case MSIO_DOUBLE:
    case MSIO_DCOMPLEX: return H5T_NATIVE_DOUBLE;
    default: return -1;
    }
}

static hid_t complex_in_memory(hid_t stored, hid_t part) {
    size_t bytes = H5Tget_size(part);
    hid_t type = H5Tcreate(H5T_COMPOUND, 2 * bytes);
    for (unsigned i = 0; i < 2 && type >= 0; i++) {
        char *name = H5Tget_member_name(stored, i);
        if (!name || H5Tinsert(type, name, i * bytes, part) < 0) {
            H5Tclose(type);
            type = -1;
        }
        H5free_memory(name);
    }
    return type;
}

hid_t msio_h5_memory_type(hid_t stored, const msio_h5_info *info) {
    if (info->number.parts == 2) return complex_in_memory(stored, native(info->type));
    /* a truth of any width: conversion keeps what is not 0 from becoming 0 */
    return H5Tcopy(info->number.is_truth ? H5T_NATIVE_INT8 : native(info->type));
}
