/* uvh5_lenient.c - header fields that another type holds than the memo says: numbers as texts and the reverse, as far
 * as they mean the same. pyuvdata reads them. */
#include "io/uvh5/uvh5_lenient.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---------------------------------------------------------------- numbers as texts */

#define NUMBER_TEXT 40

/* The shortest digits that are this number again; with a point, or as a power of ten where it is large or small. */
static void write_real(double value, bool single, char text[NUMBER_TEXT]) {
    int digits = 0;
    for (; digits < 17; digits++) {
        snprintf(text, NUMBER_TEXT, "%.*e", digits, value);
        double again = strtod(text, NULL);
        if (single ? (float)again == (float)value : again == value) break;
    }
    const char *power = strchr(text, 'e');
    if (!power) { /* no number, or infinite */
        snprintf(text, NUMBER_TEXT, "%s", isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
        return;
    }
    int exponent = atoi(power + 1);
    if (exponent >= -4 && exponent < 16)
        snprintf(text, NUMBER_TEXT, "%.*f", digits - exponent > 1 ? digits - exponent : 1, value);
}

static void write_number(const msio_field *field, int64_t i, char text[NUMBER_TEXT]) {
    const char *at = (const char *)field->values + (size_t)i * msio_type_size(field->type);
    union {
        int8_t c;
        uint8_t b;
        int16_t s;
        uint16_t us;
        int32_t i;
        uint32_t u;
        int64_t l;
        uint64_t ul;
        float f;
        double d;
    } v;
    memcpy(&v, at, msio_type_size(field->type));
    switch (field->type) {
    case MSIO_BOOL: snprintf(text, NUMBER_TEXT, "%s", v.b ? "True" : "False"); break;
    case MSIO_CHAR: snprintf(text, NUMBER_TEXT, "%d", v.c); break;
    case MSIO_UCHAR: snprintf(text, NUMBER_TEXT, "%d", v.b); break;
    case MSIO_SHORT: snprintf(text, NUMBER_TEXT, "%d", v.s); break;
    case MSIO_USHORT: snprintf(text, NUMBER_TEXT, "%d", v.us); break;
    case MSIO_INT: snprintf(text, NUMBER_TEXT, "%" PRId32, v.i); break;
    case MSIO_UINT: snprintf(text, NUMBER_TEXT, "%" PRIu32, v.u); break;
    case MSIO_INT64: snprintf(text, NUMBER_TEXT, "%" PRId64, v.l); break;
    case MSIO_UINT64: snprintf(text, NUMBER_TEXT, "%" PRIu64, v.ul); break;
    case MSIO_FLOAT: write_real((double)v.f, true, text); break;
    default: write_real(v.d, false, text); break;
    }
}

const char *const *msio_uvh5_texts_of(msio_uvh5_fields *f, const msio_field *field) {
    if (field->type == MSIO_COMPLEX || field->type == MSIO_DCOMPLEX || !field->values) {
        msio_uvh5_wrong(f, field->name, "holds what is no text");
        return NULL;
    }
    const char **texts = msio_uvh5_take(f, field->count, sizeof *texts);
    for (int64_t i = 0; texts && i < field->count; i++) {
        char text[NUMBER_TEXT];
        write_number(field, i, text);
        char *copy = msio_uvh5_take(f, (int64_t)strlen(text) + 1, 1);
        if (!copy) return NULL;
        texts[i] = strcpy(copy, text);
    }
    return texts;
}

const char *msio_uvh5_text_of_bytes(msio_uvh5_fields *f, const msio_field *field) {
    char *text = msio_uvh5_take(f, field->count + 1, 1);
    if (text) memcpy(text, field->values, (size_t)field->count);
    return text;
}

/* ---------------------------------------------------------------- texts as numbers */

bool msio_uvh5_number_of_text(const char *text, double *number) {
    char *end;
    double value = strtod(text, &end);
    if (end == text || strpbrk(text, "xX")) return false; /* Python takes no hexadecimal ones */
    end += strspn(end, " \t\r\n");
    if (*end) return false;
    *number = value;
    return true;
}

int msio_uvh5_truth_of_text(const char *text) {
    static const char *const words[][2] = {{"False", "True"}, {"f", "t"}, {"no", "yes"}, {"n", "y"}, {"off", "on"}};
    double number;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        for (int truth = 0; truth < 2; truth++)
            if (strcasecmp(text, words[i][truth]) == 0) return truth;
    if (msio_uvh5_number_of_text(text, &number)) return number != 0;
    return -1;
}

/* ---------------------------------------------------------------- places */

/* Bowring's iteration of the reduced latitude; WGS84: NIMA TR8350.2, table 3.1. */
void msio_uvh5_geodetic(const double place[3], double *latitude, double *longitude, double *altitude) {
    const double a = 6378137.0, flattening = 1 / 298.257223563, b = a * (1 - flattening);
    const double e2 = flattening * (2 - flattening), second = e2 / (1 - e2), degree = 57.29577951308232;
    const double out = hypot(place[0], place[1]);
    double reduced = atan2(place[2] * a, out * b), geodetic = 0;
    for (int i = 0; i < 6; i++) {
        double s = sin(reduced), c = cos(reduced);
        geodetic = atan2(place[2] + second * b * s * s * s, out - e2 * a * c * c * c);
        reduced = atan2((1 - flattening) * sin(geodetic), cos(geodetic));
    }
    double s = sin(geodetic), c = cos(geodetic), normal = a / sqrt(1 - e2 * s * s);
    *latitude = geodetic * degree;
    *longitude = atan2(place[1], place[0]) * degree;
    *altitude = out * c + place[2] * s - normal * (1 - e2 * s * s);
}
