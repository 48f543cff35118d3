/* convert_source.c - what a conversion reads: files compared, windows, polarizations, antennas. */
#include "core/checked.h"
#include "core/error.h"
#include "core/sorting.h"
#include "io/convert/conversion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Most rows: the row map of a TiledShapeStMan counts in 32 bits. */
#define MOST_ROWS ((int64_t)INT32_MAX)
/* Rows of ANTENNA; the largest arrays have thousands. */
#define MOST_ANTENNAS 100000
/* Of the memory, what reading may take; the rest is a window's block. */
#define READING_PART 3 / 4
/* Julian dates; UTC ends long before. */
#define MOST_DAYS 1e8
/* More than all columns together take of a visibility, and its share of what a row takes. */
#define MOST_CELL_BYTES 64

void *msio_conv_memory(msio_conversion *c, int64_t count, size_t size, msio_status *status) {
    void *memory = *status ? NULL : msio_arena_take(&c->arena, msio_max(count, 1), size);
    if (!memory && !*status) *status = msio_error_set(MSIO_E_MEMORY, NULL, "no memory for what has a value a row");
    return memory;
}

/* ---------------------------------------------------------------- opening */

msio_status msio_conv_open(msio_conversion *c) {
    msio_load_opts opts = MSIO_LOAD_OPTS_INIT;
    const msio_subbands *whole;
    opts.missing = c->opts.missing;
    opts.visdata_type = MSIO_COMPLEX;
    opts.memory = c->opts.memory * READING_PART;
    opts.read.threads = c->opts.threads;
    /* u, v, w are computed anew unless they are the files' */
    if (c->opts.phase != MSIO_PHASE_NONE && c->opts.phase != MSIO_PHASE_AUTO) opts.uvw_tolerance = INFINITY;
    msio_status status = c->group ? msio_load_stream_open(c->group, MSIO_LOAD_ALL, &opts, 0, &c->stream)
                                  : msio_load_stream_open_paths(c->paths, c->path, MSIO_LOAD_ALL, &opts, 0, &c->stream);
    if (!status) status = msio_load_stream_describe(c->stream, &whole);
    if (status) return status;
    c->facts = *whole;
    c->header = c->facts.header;
    if (c->opts.antenna_file) status = msio_antenna_table_read(c->opts.antenna_file, &c->places);
    if (status) return status;
    if (!c->header)
        return msio_error_set(MSIO_E_ARGUMENT, c->facts.subband[0].path,
                              "this is a Measurement Set already: give UVH5 files");
    if (c->header->telescope_frame && *c->header->telescope_frame && strcmp(c->header->telescope_frame, "itrs") != 0)
        return msio_error_set(MSIO_E_UNSUPPORTED, c->header->path,
                              "positions are in frame %s: those on Earth (itrs) are converted",
                              c->header->telescope_frame);
    return MSIO_OK;
}

/* ---------------------------------------------------------------- windows */

static msio_status check_sizes(const msio_conversion *c, int64_t least_channels) {
    int64_t rows, cells, bytes;
    if (!msio_mul_checked(c->rows, c->windows, &rows) || rows > MOST_ROWS)
        return msio_error_set(MSIO_E_UNSUPPORTED, c->header->path,
                              "%d windows of %lld rows are more than the %lld that a table's row map counts",
                              c->windows, (long long)c->rows, (long long)MOST_ROWS);
    if (c->rows == 0 || c->windows == 0 || least_channels < 1 || c->facts.pols == 0)
        return msio_error_set(MSIO_E_UNSUPPORTED, c->header->path,
                              "there is nothing to convert: no rows, channels or polarizations");
    if (!msio_mul_checked(c->most_channels, c->facts.pols, &cells) || !msio_mul_checked(cells, rows, &bytes) ||
        !msio_mul_checked(bytes, MOST_CELL_BYTES, &bytes))
        return msio_error_set(MSIO_E_UNSUPPORTED, c->header->path, "%lld rows of %lld channels have no size",
                              (long long)rows, (long long)c->most_channels);
    return MSIO_OK;
}

/* A file of its own keeps its window's number; a group's are counted. */
static msio_status take_windows(msio_conversion *c) {
    const msio_subbands *f = &c->facts;
    msio_status status = MSIO_OK;
    int32_t *id = msio_conv_memory(c, f->subbands, sizeof *id, &status);
    if (status) return status;
    int64_t least_channels = f->subbands ? f->subband[0].channels : 0;
    c->windows = f->subbands;
    c->window_id = id;
    c->equal_windows = true;
    for (int i = 0; i < c->windows; i++) {
        id[i] = c->windows == 1 && c->header->spw_array ? c->header->spw_array[0] : i;
        least_channels = msio_min(least_channels, f->subband[i].channels);
        c->most_channels = msio_max(c->most_channels, f->subband[i].channels);
        c->equal_windows = c->equal_windows && f->subband[i].channels == f->subband[0].channels;
    }
    c->rows = f->rows;
    return check_sizes(c, least_channels);
}

/* ---------------------------------------------------------------- polarizations */

/* AIPS numbers in CASA's order, casacore's Stokes, and which of them a row has that is turned (XY: YX). */
static const struct {
    int32_t aips, stokes, turned;
} known[] = {{1, 1, 1},   {2, 2, 2},   {3, 3, 3},   {4, 4, 4},    {-1, 5, -1},  {-3, 6, -4},
             {-4, 7, -3}, {-2, 8, -2}, {-5, 9, -5}, {-7, 10, -8}, {-8, 11, -7}, {-6, 12, -6}};
#define KNOWN (int)(sizeof known / sizeof *known)

static int place_of(const msio_conversion *c, int32_t aips) {
    for (int p = 0; p < c->facts.pols; p++)
        if (c->facts.polarizations[p] == aips) return p;
    return -1;
}

static msio_status take_polarizations(msio_conversion *c) {
    int n = 0;
    if (c->facts.pols > 4)
        return msio_error_set(MSIO_E_UNSUPPORTED, c->header->path, "%lld polarizations: at most 4 are converted",
                              (long long)c->facts.pols);
    for (int k = 0; k < KNOWN; k++) {
        const int place = place_of(c, known[k].aips), other = place_of(c, known[k].turned);
        if (place < 0) continue;
        c->order[n] = place;
        c->swap[n] = other < 0 ? place : other;
        c->corr_type[n++] = known[k].stokes;
    }
    c->pols = n;
    if (n == c->facts.pols && (c->corr_type[0] - 1) / 4 == (c->corr_type[n - 1] - 1) / 4) return MSIO_OK;
    return msio_error_set(MSIO_E_UNSUPPORTED, c->header->path,
                          "the polarizations are not of one kind, or one stands there twice: a Measurement Set's are "
                          "Stokes, circular or linear ones");
}

/* ---------------------------------------------------------------- antennas */

static const msio_convert_antenna *callers(const msio_conversion *c, int number) {
    for (int i = 0; i < c->opts.antennas; i++)
        if (c->opts.antenna[i].number == number) return &c->opts.antenna[i];
    return NULL;
}

static void take_antenna(msio_conversion *c, int i) {
    const msio_uvh5_header *h = c->header;
    const msio_load_antenna *from = &c->facts.antenna[i];
    msio_conv_antenna *a = &c->antenna[from->number];
    const msio_convert_antenna *own = callers(c, from->number);
    const msio_antenna_place *place = c->places ? msio_antenna_table_find(c->places, from->name) : NULL;
    const double *position = own ? own->position : place ? place->position : NULL;
    const double diameter = own ? own->diameter : place ? place->diameter : 0;
    a->name = own && own->name ? own->name : from->name;
    a->placed = place != NULL;
    a->diameter = diameter > 0 ? diameter : from->diameter;
    a->mount = h->mount_type ? h->mount_type[i] : c->opts.like_pyuvdata ? "other" : "alt-az";
    for (int axis = 0; axis < 3; axis++) {
        a->offset[axis] = position ? position[axis] - c->site.xyz[axis] : from->position[axis];
        a->position[axis] = position ? position[axis] : from->position[axis] + c->site.xyz[axis];
    }
}

static msio_status check_row(const msio_conversion *c, int64_t r) {
    const int32_t pair[2] = {c->facts.antenna1[r], c->facts.antenna2[r]};
    for (int i = 0; i < 2; i++) {
        const int32_t number = pair[i];
        if (number < 0 || number >= c->antennas || !c->antenna[number].name)
            return msio_error_set(MSIO_E_FORMAT, c->header->path,
                                  "row %lld is of antennas %d and %d, and antenna_numbers has not both", (long long)r,
                                  pair[0], pair[1]);
        if (c->places && !c->antenna[number].placed)
            return msio_error_set(MSIO_E_FORMAT, c->opts.antenna_file, "antenna %.60s, which rows are of, is not in it",
                                  c->antenna[number].name);
    }
    return MSIO_OK;
}

static msio_status take_antennas(msio_conversion *c) {
    msio_status status = MSIO_OK;
    for (int i = 0; i < c->facts.antennas; i++) {
        const int number = c->facts.antenna[i].number;
        if (number < 0 || number >= MOST_ANTENNAS)
            return msio_error_set(
                MSIO_E_UNSUPPORTED, c->header->path,
                "antenna number %d: rows of ANTENNA are antenna numbers, and %d rows are made at most", number,
                MOST_ANTENNAS);
        c->antennas = number >= c->antennas ? number + 1 : c->antennas;
    }
    c->antenna = msio_conv_memory(c, c->antennas, sizeof *c->antenna, &status);
    for (int i = 0; i < c->facts.antennas && !status; i++) take_antenna(c, i);
    for (int64_t r = 0; r < c->rows && !status; r++) status = check_row(c, r);
    return status;
}

/* ---------------------------------------------------------------- feeds */

/* The letters of the polarizations, sorted, as pyuvdata has it. */
static int feeds_of_polarizations(const msio_conversion *c, const char *letters[2]) {
    static const char *const names[2][2] = {{"L", "R"}, {"X", "Y"}};
    bool seen[2] = {false, false}; /* L or X; R or Y */
    const bool linear = c->corr_type[0] >= 9;
    int n = 0;
    if (c->corr_type[0] <= 4) {
        letters[0] = names[1][0];
        letters[1] = names[1][1];
        return 2;
    }
    for (int i = 0; i < c->pols; i++) { /* of four: 11, 12, 21, 22 with 1 X or R */
        const int kind = (c->corr_type[i] - 1) % 4;
        const bool first = kind != 3, second = kind != 0;
        seen[linear ? 0 : 1] |= first;
        seen[linear ? 1 : 0] |= second;
    }
    for (int i = 0; i < 2; i++)
        if (seen[i]) letters[n++] = names[linear][i];
    return n;
}

/* Angles where only the direction of X is known: X points east, so that it is turned by a right angle; or north. */
static double angle_by_orientation(const char *letter, const char *orientation) {
    const bool east = orientation[0] == 'e' || orientation[0] == 'E';
    if (*letter != 'X' && *letter != 'Y') return 0;
    return (*letter == 'X') == east ? M_PI / 2 : 0;
}

static msio_status take_feeds(msio_conversion *c) {
    const msio_uvh5_header *h = c->header;
    msio_status status = MSIO_OK;
    const char *letters[2];
    const bool told = h->feed_array && h->feed_angle && h->nfeeds >= 1 && h->nfeeds <= 2;
    c->has_feeds = told || (h->x_orientation && *h->x_orientation);
    c->feeds = told ? (int)h->nfeeds : feeds_of_polarizations(c, letters);
    const char **same = msio_conv_memory(c, c->feeds, sizeof *same, &status);
    double *angles = msio_conv_memory(c, c->feeds, sizeof *angles, &status);
    if (status) return status;
    for (int f = 0; f < c->feeds; f++) {
        same[f] = told ? h->feed_array[f] : letters[f];
        if (!told && c->has_feeds) angles[f] = angle_by_orientation(letters[f], h->x_orientation);
    }
    for (int i = 0; i < c->antennas; i++) {
        c->antenna[i].feed = same;
        c->antenna[i].feed_angle = angles;
    }
    for (int i = 0; i < c->facts.antennas && told; i++) {
        msio_conv_antenna *a = &c->antenna[c->facts.antenna[i].number];
        a->feed = h->feed_array + (int64_t)i * h->nfeeds;
        a->feed_angle = h->feed_angle + (int64_t)i * h->nfeeds;
    }
    return MSIO_OK;
}

/* ---------------------------------------------------------------- rows */

static msio_status find_times(msio_conversion *c) {
    double *times = malloc((size_t)c->rows * sizeof *times);
    if (!times) return msio_error_set(MSIO_E_MEMORY, c->header->path, "no memory for the rows' times");
    memcpy(times, c->facts.times, (size_t)c->rows * sizeof *times);
    qsort(times, (size_t)c->rows, sizeof *times, msio_compare_doubles);
    const double low = times[(c->rows - 1) / 2], high = times[c->rows / 2];
    c->span[0] = times[0];
    c->span[1] = times[c->rows - 1];
    c->median_time = msio_mjd_seconds(low == high ? low : (low + high) / 2);
    free(times);
    return MSIO_OK;
}

/* Where some rows have their lower antenna first and others last, the latter are turned. */
static msio_status take_rows(msio_conversion *c) {
    msio_status status = MSIO_OK;
    int64_t up = 0, down = 0;
    c->antenna1 = msio_conv_memory(c, c->rows, sizeof *c->antenna1, &status);
    c->antenna2 = msio_conv_memory(c, c->rows, sizeof *c->antenna2, &status);
    if (status) return status;
    for (int64_t r = 0; r < c->rows; r++) {
        if (!(fabs(c->facts.times[r]) < MOST_DAYS))
            return msio_error_set(MSIO_E_FORMAT, c->header->path, "the time of row %lld, JD %g, is none", (long long)r,
                                  c->facts.times[r]);
        up += c->facts.antenna1[r] < c->facts.antenna2[r];
        down += c->facts.antenna1[r] > c->facts.antenna2[r];
    }
    if (up && down) c->turned = msio_conv_memory(c, c->rows, sizeof *c->turned, &status);
    if (status) return status;
    for (int64_t r = 0; r < c->rows; r++) {
        const int32_t a = c->facts.antenna1[r], b = c->facts.antenna2[r];
        const bool turn = c->turned && a > b;
        if (turn) c->turned[r] = 1;
        c->antenna1[r] = turn ? b : a;
        c->antenna2[r] = turn ? a : b;
    }
    return find_times(c);
}

msio_status msio_conv_take_in(msio_conversion *c) {
    msio_status status = msio_site_make(c->header->latitude, c->header->longitude, c->header->altitude, &c->site);
    if (!status) status = take_windows(c);
    if (!status) status = take_polarizations(c);
    if (!status) status = take_antennas(c);
    if (!status) status = take_feeds(c);
    if (!status) status = take_rows(c);
    return status;
}

msio_status msio_conv_read_more(msio_conversion *c) {
    const bool anew = c->phase != MSIO_PHASE_NONE;
    msio_uvh5 *file;
    msio_status status = MSIO_OK;
    if (anew && c->opts.earth_orientation)
        status = msio_earth_read(c->opts.earth_orientation, c->span[0], c->span[1], &c->earth);
    if (!status) status = msio_uvh5_open(c->header->path, NULL, &file);
    if (status) return status;
    status = msio_uvh5_rows_read(file, anew ? MSIO_UVH5_LST : MSIO_UVH5_PHASE_CENTER, NULL, &c->more);
    msio_uvh5_close(file);
    if (!status && c->more.rows != c->rows)
        status = msio_error_set(MSIO_E_CHANGED, c->header->path, "rows came or went while the file was read");
    return status;
}
