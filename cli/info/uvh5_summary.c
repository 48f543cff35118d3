/* uvh5_summary.c - collecting what `msio info` tells of a UVH5 file alone. */
#include "cli/info/hdf5_summary.h"

#include "cli/common/interrupt.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- numbers told in the terms of an MS */

double cli_uvh5_seconds(double jd) { return (jd - 2400000.5) * 86400; }

const char *cli_uvh5_timesys(const msio_uvh5_header *header) { return header->timesys ? header->timesys : "UTC"; }

int cli_uvh5_stokes(int polarization) {
    static const int codes[] = {/* YX XY YY XX */ 11, 10, 12, 9,
                                /* LR RL LL RR */ 7,  6,  8,  5, 0, 1, 2, 3, 4};
    return polarization >= -8 && polarization <= 4 ? codes[polarization + 8] : 0;
}

/* Geodetic latitude, longitude and height on WGS 84 to ITRF (its semi-axes: NIMA TR8350.2). */
int cli_uvh5_position(const msio_uvh5_header *header, int64_t antenna, double position[3]) {
    const double a = 6378137.0, b = 6356752.31424518, degree = 3.14159265358979323846 / 180;
    double latitude = header->latitude * degree, longitude = header->longitude * degree, height = header->altitude;
    if (header->telescope_frame && strcmp(header->telescope_frame, "itrs") != 0) return -1;
    if (!header->antenna_positions || !isfinite(latitude + longitude + height)) return -1;
    double sine = sin(latitude), cosine = cos(latitude);
    double across = a * a / sqrt(a * a * cosine * cosine + b * b * sine * sine);
    position[0] = header->antenna_positions[antenna][0] + (across + height) * cosine * cos(longitude);
    position[1] = header->antenna_positions[antenna][1] + (across + height) * cosine * sin(longitude);
    position[2] = header->antenna_positions[antenna][2] + (across * b * b / (a * a) + height) * sine;
    return 0;
}

/* ---------------------------------------------------------------- spectral windows */

/* A number of spw_array, and its place there. */
typedef struct place {
    int32_t number;
    int64_t at;
} place;

static int compare_places(const void *left, const void *right) {
    int32_t one = ((const place *)left)->number, other = ((const place *)right)->number;
    return (one > other) - (one < other);
}

/* The window of each channel; -1: of none. */
static int64_t *assign_channels(const msio_uvh5_header *header) {
    int64_t *window = cli_alloc_many((size_t)header->nfreqs, sizeof *window);
    place *places = cli_alloc_many((size_t)header->nspws, sizeof *places);
    for (int64_t i = 0; i < header->nspws; i++) places[i] = (place){header->spw_array[i], i};
    qsort(places, (size_t)header->nspws, sizeof *places, compare_places);
    for (int64_t channel = 0; channel < header->nfreqs; channel++) {
        window[channel] = 0;
        if (!header->flex_spw_id_array) continue;
        place wanted = {header->flex_spw_id_array[channel], 0};
        const place *found = bsearch(&wanted, places, (size_t)header->nspws, sizeof *places, compare_places);
        window[channel] = found ? found->at : -1;
    }
    free(places);
    return window;
}

static void collect_windows(cli_hdf5_summary *summary) {
    const msio_uvh5_header *header = summary->header;
    if (header->nspws < 1 || !header->spw_array || !header->freq_array) return;
    int64_t *window = assign_channels(header);
    summary->windows = cli_zeros((size_t)header->nspws, sizeof *summary->windows);
    for (int64_t i = 0; i < header->nspws; i++) summary->windows[i].number = header->spw_array[i];
    for (int64_t channel = 0; channel < header->nfreqs; channel++)
        if (window[channel] >= 0) summary->windows[window[channel]].channels++;
    for (int64_t i = 0; i < header->nspws; i++) {
        cli_uvh5_window *w = &summary->windows[i];
        w->frequencies = cli_alloc_many((size_t)w->channels, sizeof *w->frequencies);
        w->widths = cli_alloc_many((size_t)w->channels, sizeof *w->widths);
        w->channels = 0;
    }
    for (int64_t channel = 0; channel < header->nfreqs; channel++) {
        if (window[channel] < 0) continue;
        cli_uvh5_window *w = &summary->windows[window[channel]];
        w->frequencies[w->channels] = header->freq_array[channel];
        w->widths[w->channels++] = header->channel_width ? header->channel_width[channel] : (double)NAN;
    }
    free(window);
}

/* ---------------------------------------------------------------- rows */

static void find_range(const double *values, int64_t count, double range[2]) {
    for (int64_t i = 0; i < count; i++) {
        if (!(range[0] <= values[i])) range[0] = values[i];
        if (!(range[1] >= values[i])) range[1] = values[i];
    }
}

static void collect_rows(cli_hdf5_summary *summary) {
    msio_uvh5_rows rows = {0};
    unsigned which = MSIO_UVH5_TIME | MSIO_UVH5_INTEGRATION | MSIO_UVH5_ANTENNAS;
    msio_status status = msio_uvh5_rows_read(summary->uvh5, which, NULL, &rows);
    if (status == MSIO_OK) {
        if (rows.time) find_range(rows.time, rows.rows, summary->times);
        if (rows.integration_time) find_range(rows.integration_time, rows.rows, summary->integration);
        status = msio_uvh5_rows_order(&rows, &summary->order);
    }
    if (status != MSIO_OK && summary->error.code == MSIO_OK) cli_error_keep(&summary->error, summary->path);
    msio_uvh5_rows_free(&rows);
}

void cli_uvh5_collect(cli_hdf5_summary *summary) {
    for (int i = 0; i < 2; i++) summary->times[i] = summary->integration[i] = (double)NAN;
    collect_windows(summary);
    if (!cli_interrupted()) collect_rows(summary);
}

void cli_uvh5_free(cli_hdf5_summary *summary) {
    for (int64_t i = 0; summary->windows && i < summary->header->nspws; i++) {
        free(summary->windows[i].frequencies);
        free(summary->windows[i].widths);
    }
    free(summary->windows);
    summary->windows = NULL;
}
