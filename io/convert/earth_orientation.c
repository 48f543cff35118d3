/* earth_orientation.c - UT1 - UTC and the pole's place by day, from a text file of the IERS. */
#include "io/convert/earth_orientation.h"

#include "core/checked.h"
#include "core/error.h"
#include "core/file.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_BYTES ((int64_t)64 << 20)
#define MJD_OF_JD 2400000.5
#define ARCSECOND (M_PI / 648000)
/* finals2000A: columns (from 0) where each number begins, and how long it is. */
#define FINALS_LINE 68
/* More than the Earth ever did: s, arcsec. */
#define MOST_SECONDS 10
#define MOST_ARCSECONDS 10
#define LEAST_LINE 16 /* bytes of a line that tells a day */

typedef struct day {
    double mjd, dut1, x, y; /* s, arcsec, arcsec */
} day;

struct msio_earth {
    char *path;
    int64_t days;
    day *day; /* ascending */
};

/* A number in columns begin .. begin + length - 1. False: there is none, or something else. */
static bool number_at(const char *line, int begin, int length, double *value) {
    char text[24], *end;
    snprintf(text, sizeof text, "%.*s", length, line + begin);
    *value = strtod(text, &end);
    if (end == text || !isfinite(*value)) return false;
    while (isspace((unsigned char)*end)) end++;
    return *end == '\0';
}

/* A line of finals2000A: its fields stand in fixed columns. */
static bool finals_day(const char *line, size_t length, day *d) {
    return length >= FINALS_LINE && number_at(line, 7, 8, &d->mjd) && number_at(line, 18, 9, &d->x) &&
           number_at(line, 37, 9, &d->y) && number_at(line, 58, 10, &d->dut1);
}

/* A line of EOP C04: year, month, day, perhaps the hour, MJD, x, y, UT1 - UTC, and more. */
static bool c04_day(const char *line, day *d) {
    double v[8];
    int n = 0;
    for (char *end; n < 8; n++, line = end) {
        v[n] = strtod(line, &end);
        if (end == line || !isfinite(v[n])) return false;
    }
    const int at = v[3] == 0 || v[3] == 12 ? 4 : 3;
    *d = (day){v[at], v[at + 3], v[at + 1], v[at + 2]};
    return v[0] >= 1962 && v[0] < 2200;
}

static bool take_line(const char *line, size_t length, day *d) {
    char text[512];
    if (length >= sizeof text) return false;
    memcpy(text, line, length);
    text[length] = '\0';
    return (c04_day(text, d) || finals_day(text, length, d)) && d->mjd > 37000 && d->mjd < 130000;
}

static msio_status check_day(const msio_earth *earth, const day *d) {
    const day *before = earth->days ? &earth->day[earth->days - 1] : NULL;
    if (before && d->mjd <= before->mjd)
        return msio_error_set(MSIO_E_FORMAT, earth->path,
                              "the Earth's orientation of MJD %.0f stands behind that of MJD %.0f", d->mjd,
                              before->mjd);
    if (fabs(d->dut1) <= MOST_SECONDS && fabs(d->x) <= MOST_ARCSECONDS && fabs(d->y) <= MOST_ARCSECONDS) return MSIO_OK;
    return msio_error_set(MSIO_E_FORMAT, earth->path,
                          "the Earth's orientation of MJD %.0f is none: UT1 - UTC %g s, pole %g, %g arcsec", d->mjd,
                          d->dut1, d->x, d->y);
}

static int64_t count_lines(const char *bytes, int64_t length) {
    int64_t lines = 1;
    for (int64_t i = 0; i < length; i++) lines += bytes[i] == '\n';
    return lines;
}

/* Lines that are no day (headings, days to come without a value) are passed over. */
static msio_status take_days(msio_earth *earth, const char *bytes, int64_t length) {
    const int64_t room = msio_min(count_lines(bytes, length), length / LEAST_LINE + 1);
    earth->day = calloc((size_t)room, sizeof *earth->day);
    if (!earth->day) return msio_error_set(MSIO_E_MEMORY, earth->path, "no memory for the Earth's orientation");
    for (int64_t at = 0; at < length;) {
        const char *line = bytes + at, *end = memchr(line, '\n', (size_t)(length - at));
        const int64_t n = end ? end - line : length - at;
        day d;
        at += n + 1;
        if (n < LEAST_LINE || !take_line(line, (size_t)n, &d)) continue;
        msio_status status = check_day(earth, &d);
        if (status) return status;
        earth->day[earth->days++] = d;
    }
    if (earth->days > 1) return MSIO_OK;
    return msio_error_set(MSIO_E_FORMAT, earth->path,
                          "no days in it: give the IERS's eopc04.1962-now or finals2000A.all, in text form");
}

msio_status msio_earth_parse(const char *bytes, int64_t length, const char *path, msio_earth **earth) {
    msio_earth *e = calloc(1, sizeof *e);
    if (e) e->path = strdup(path);
    msio_status status = e && e->path ? take_days(e, bytes, length)
                                      : msio_error_set(MSIO_E_MEMORY, path, "no memory for the Earth's orientation");
    if (status)
        msio_earth_free(e);
    else
        *earth = e;
    return status;
}

msio_status msio_earth_read(const char *path, msio_earth **earth) {
    char *bytes = NULL;
    int64_t length = 0;
    msio_status status = msio_file_slurp(path, NULL, MOST_BYTES, &bytes, &length, NULL);
    if (!status) status = msio_earth_parse(bytes, length, path, earth);
    free(bytes);
    return status;
}

void msio_earth_free(msio_earth *earth) {
    if (!earth) return;
    free(earth->day);
    free(earth->path);
    free(earth);
}

msio_status msio_earth_at(const msio_earth *earth, double jd, double *dut1, double *xp, double *yp) {
    const double mjd = jd - MJD_OF_JD;
    int64_t low = 0, high = earth->days - 1;
    if (!(mjd >= earth->day[0].mjd && mjd <= earth->day[high].mjd))
        return msio_error_set(
            MSIO_E_RANGE, earth->path,
            "the Earth's orientation of MJD %.3f is asked for, and this table holds MJD %.0f to %.0f: "
            "get a newer one",
            mjd, earth->day[0].mjd, earth->day[high].mjd);
    while (high - low > 1) {
        const int64_t middle = (low + high) / 2;
        *(earth->day[middle].mjd <= mjd ? &low : &high) = middle;
    }
    const day *a = &earth->day[low], *b = &earth->day[high];
    const double part = (mjd - a->mjd) / (b->mjd - a->mjd);
    double step = b->dut1 - a->dut1;
    step -= rint(step); /* a leap second */
    *dut1 = a->dut1 + part * step;
    *xp = (a->x + part * (b->x - a->x)) * ARCSECOND;
    *yp = (a->y + part * (b->y - a->y)) * ARCSECOND;
    return MSIO_OK;
}
