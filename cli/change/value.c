/* value.c - one value of a column's type, read from text. */
#include "cli/change/value.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char beyond[] = "is beyond what the type holds";

/* ---------------------------------------------------------------- whole numbers */

typedef struct limits {
    msio_type type;
    int64_t low;
    uint64_t high;
} limits;

static const limits whole[] = {
    {MSIO_CHAR, INT8_MIN, INT8_MAX},    {MSIO_UCHAR, 0, UINT8_MAX},       {MSIO_SHORT, INT16_MIN, INT16_MAX},
    {MSIO_USHORT, 0, UINT16_MAX},       {MSIO_INT, INT32_MIN, INT32_MAX}, {MSIO_UINT, 0, UINT32_MAX},
    {MSIO_INT64, INT64_MIN, INT64_MAX}, {MSIO_UINT64, 0, UINT64_MAX},
};

/* The low bytes of a number, in this machine's order. */
static void store(uint64_t number, size_t size, cli_value *value) {
    const uint8_t one = (uint8_t)number;
    const uint16_t two = (uint16_t)number;
    const uint32_t four = (uint32_t)number;
    memcpy(value->bytes,
           size == 1   ? (const void *)&one
           : size == 2 ? (const void *)&two
           : size == 4 ? (const void *)&four
                       : (const void *)&number,
           size);
}

static const char *parse_whole(const char *text, const limits *of, cli_value *value) {
    char *end;
    while (*text == ' ') text++;
    int negative = *text == '-';
    errno = 0;
    uint64_t number = negative ? (uint64_t)strtoll(text, &end, 10) : strtoull(text, &end, 10);
    if (end == text || *end) return "is no whole number";
    if (errno) return beyond;
    if (negative ? (int64_t)number < of->low : number > of->high) return beyond;
    store(number, msio_type_size(of->type), value);
    return NULL;
}

/* ---------------------------------------------------------------- truth, floating point, complex */

static const char *parse_truth(const char *text, cli_value *value) {
    static const char *const words[] = {"false", "true", "0", "1", "no", "yes"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(text, words[i]) == 0) {
            value->bytes[0] = i % 2;
            return NULL;
        }
    return "is neither true nor false";
}

/* One part: a number with its sign. Returns what follows, or NULL. */
static const char *take_part(const char *text, double *part, int *huge) {
    char *end;
    errno = 0;
    *part = strtod(text, &end);
    if (end == text) return NULL;
    if (errno == ERANGE && !isfinite(*part)) *huge = 1;
    return end;
}

static int is_unit(const char *text) { return (*text == 'j' || *text == 'i') && text[1] == '\0'; }

/* "1", "2j", "1+2j", "1-j", "nan+infj". Returns 0 when it is no such number. */
static int take_complex(const char *text, double part[2], int *huge) {
    const char *end = take_part(text, &part[0], huge);
    part[1] = 0;
    if (!end) return 0;
    if (*end == '\0') return 1;
    if (is_unit(end)) {
        part[1] = part[0];
        part[0] = 0;
        return 1;
    }
    if (*end != '+' && *end != '-') return 0;
    if (is_unit(end + 1)) {
        part[1] = *end == '-' ? -1 : 1;
        return 1;
    }
    end = take_part(end, &part[1], huge);
    return end && is_unit(end);
}

static int fits_float(double number) { return !isfinite(number) || fabs(number) <= (double)FLT_MAX; }

static const char *parse_number(const char *text, msio_type type, cli_value *value) {
    double part[2];
    int huge = 0, complex = type == MSIO_COMPLEX || type == MSIO_DCOMPLEX;
    int single = type == MSIO_FLOAT || type == MSIO_COMPLEX;
    if (!take_complex(text, part, &huge)) return "is no number";
    if (!complex && strpbrk(text, "jJ")) return "is a complex number, which the type does not hold";
    if (huge || (single && (!fits_float(part[0]) || !fits_float(part[1])))) return beyond;
    const float small[2] = {(float)part[0], (float)part[1]};
    size_t size = single ? sizeof small[0] : sizeof part[0];
    memcpy(value->bytes, single ? (const void *)small : (const void *)part, complex ? 2 * size : size);
    return NULL;
}

const char *cli_value_parse(const char *text, msio_type type, cli_value *value) {
    memset(value, 0, sizeof *value);
    while (*text == ' ') text++;
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
        if (whole[i].type == type) return parse_whole(text, &whole[i], value);
    if (type == MSIO_BOOL) return parse_truth(text, value);
    if (type == MSIO_FLOAT || type == MSIO_DOUBLE || type == MSIO_COMPLEX || type == MSIO_DCOMPLEX)
        return parse_number(text, type, value);
    return "cannot be put into a column of that type";
}

int cli_value_is_number(const char *text) {
    double part[2];
    int huge = 0;
    return take_complex(text, part, &huge);
}
