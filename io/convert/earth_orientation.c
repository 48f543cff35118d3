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
/* Bytes that are looked at for a day: headings, and lines of days to come, are fewer or at the end. */
#define PROBE 4096
#define SOME_BYTES ((int64_t)1 << 20)

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
    free(earth->day); /* those of a part that was not enough */
    earth->days = 0;
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

/* ---------------------------------------------------------------- the days that are wanted */

/* Where the text comes from: a file, or memory. */
typedef struct source {
    const msio_file *file; /* NULL: bytes */
    const char *bytes;
    int64_t length;
} source;

static msio_status read_part(const source *from, int64_t at, int64_t length, char *part) {
    if (from->file) return msio_file_read(from->file, part, length, at, NULL);
    memcpy(part, from->bytes + at, (size_t)length);
    return MSIO_OK;
}

/* The first whole line from `at` on that tells a day; false: none within PROBE bytes, as behind the last day. */
static bool first_day(const source *from, int64_t at, double *mjd) {
    char part[PROBE];
    const int64_t length = msio_min(PROBE, from->length - at);
    if (length <= 0 || read_part(from, at, length, part)) return false;
    const char *line = part, *last = part + length;
    for (const char *end; (end = memchr(line, '\n', (size_t)(last - line))) != NULL; line = end + 1) {
        day d;
        const bool whole = at == 0 || line != part;
        if (!whole || end - line < LEAST_LINE || !take_line(line, (size_t)(end - line), &d)) continue;
        *mjd = d.mjd;
        return true;
    }
    return false;
}

/* A place in the text, at most PROBE bytes before the day that begins with or holds mjd; days ascend. */
static int64_t find_day(const source *from, double mjd) {
    int64_t low = 0, high = from->length;
    while (high - low > PROBE) {
        const int64_t middle = low + (high - low) / 2;
        double found;
        *(first_day(from, middle, &found) && found <= mjd ? &low : &high) = middle;
    }
    return low;
}

/* The days around a span of time alone: of some 20 000 lines a few. False: they are not to be had so, and the whole
 * text is looked at, which also says what is wrong with it. */
static bool take_some(msio_earth *earth, const source *from, double first, double last) {
    if (!(first <= last)) return false;
    int64_t begin = find_day(from, first);
    const int64_t end = msio_min(find_day(from, last) + 3 * PROBE, from->length), length = end - begin;
    char *part = length > 0 && length <= SOME_BYTES ? malloc((size_t)length) : NULL;
    bool taken = part && !read_part(from, begin, length, part);
    const char *line = taken && begin ? memchr(part, '\n', (size_t)length) : part;
    const char *behind = taken ? memrchr(part, '\n', (size_t)length) : NULL;
    if (!line || !behind || line >= behind) taken = false;
    if (taken && end == from->length) behind = part + length; /* the last line may have no end */
    if (taken) taken = !take_days(earth, line, behind - line);
    free(part);
    if (!taken) return false;
    const double latest = earth->day[earth->days - 1].mjd;
    return earth->day[0].mjd <= first && (end == from->length ? latest >= last : latest > last);
}

static msio_status make(const source *from, const char *path, double first_jd, double last_jd, msio_earth **earth) {
    msio_earth *e = calloc(1, sizeof *e);
    char *all = NULL;
    if (e) e->path = strdup(path);
    msio_status status =
        e && e->path ? MSIO_OK : msio_error_set(MSIO_E_MEMORY, path, "no memory for the Earth's orientation");
    if (!status && !take_some(e, from, first_jd - MJD_OF_JD, last_jd - MJD_OF_JD)) {
        const char *bytes = from->bytes;
        if (from->file) bytes = all = malloc((size_t)from->length + 1);
        if (!bytes) status = msio_error_set(MSIO_E_MEMORY, path, "no memory for the Earth's orientation");
        if (!status && all) status = read_part(from, 0, from->length, all);
        if (!status) status = take_days(e, bytes, from->length);
        free(all);
    }
    if (status)
        msio_earth_free(e);
    else
        *earth = e;
    return status;
}

msio_status msio_earth_parse(const char *bytes, int64_t length, const char *path, double first_jd, double last_jd,
                             msio_earth **earth) {
    return make(&(source){.bytes = bytes, .length = length}, path, first_jd, last_jd, earth);
}

msio_status msio_earth_read(const char *path, double first_jd, double last_jd, msio_earth **earth) {
    msio_file *file = NULL;
    msio_status status = msio_file_open(path, &file);
    if (!status && file->stamp.size > MOST_BYTES)
        status = msio_error_set(MSIO_E_FORMAT, path, "%lld bytes are more than a table of the Earth's orientation has",
                                (long long)file->stamp.size);
    if (!status) status = make(&(source){.file = file, .length = file->stamp.size}, path, first_jd, last_jd, earth);
    msio_file_close(file);
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
