/* load_values.c - what rows that belong together say of themselves: how long they were integrated, where their baseline
 * lies, and where they looked. */
#include "io/load/loader.h"

#include <math.h>
#include <string.h>

/* The row of the file that belongs to the reference's row first + i. */
static int64_t row_at(const msio_load_pairs *p, int64_t i) { return p->row_of ? p->row_of[i] : i; }

int64_t msio_load_find_integration(const msio_load_pairs *p) {
    for (int64_t i = 0; i < p->rows->rows; i++) {
        double x = p->reference->integration_time[p->first + i], y = p->rows->integration_time[row_at(p, i)];
        if (x != y && !(fabs(x - y) <= MSIO_LOAD_TIME_TOLERANCE)) return i;
    }
    return -1;
}

/* How far one coordinate is from another beyond the tolerance; 0: it is within. A float that stands for a double lies
 * up to half of its last place beside it. */
static double apart(double x, double y, double tolerance, double relative) {
    double distance = fabs(x - y);
    if (distance <= tolerance || distance <= tolerance + relative * fmax(fabs(x), fabs(y))) return 0;
    return isnan(x) && isnan(y) ? 0 : isnan(distance) ? (double)INFINITY : distance;
}

/* All of a block are looked at together, so that equal ones cost no branch each. */
#define BLOCK 256

static bool block_is_near(const double *x, const double *y, int64_t n, double tolerance) {
    int far = 0;
    for (int64_t i = 0; i < n; i++) far |= !(fabs(x[i] - y[i]) <= tolerance);
    return far == 0;
}

static void look_at_row(const msio_load_pairs *p, int64_t i, double tolerance, double relative, msio_load_far *far) {
    const double *x = p->reference->uvw[p->first + i], *y = p->rows->uvw[row_at(p, i)];
    double sign = p->conjugated && p->conjugated[i] ? -1 : 1, most = 0;
    for (int k = 0; k < 3; k++) most = fmax(most, apart(x[k], sign * y[k], tolerance, relative));
    if (most == 0) return;
    if (far->rows == 0 || most > far->distance) {
        far->distance = most;
        far->row = i;
    }
    far->rows++;
}

void msio_load_find_uvw(const msio_load_pairs *p, double tolerance, bool single, msio_load_far *far) {
    const double relative = single ? 0x1p-23 : 0;
    const int64_t n = p->rows->rows;
    *far = (msio_load_far){.row = -1};
    for (int64_t i = 0; i < n; i += BLOCK) {
        int64_t count = n - i < BLOCK ? n - i : BLOCK;
        if (!p->row_of && block_is_near(p->reference->uvw[p->first + i], p->rows->uvw[i], 3 * count, tolerance))
            continue;
        for (int64_t k = i; k < i + count; k++) look_at_row(p, k, tolerance, relative, far);
    }
}

/* ---------------------------------------------------------------- phase centres */

static bool same_numbers(int64_t n, const double *a, int64_t m, const double *b, double tolerance) {
    if (n != m) return false;
    for (int64_t i = 0; i < n; i++)
        if (!(fabs(a[i] - b[i]) <= tolerance) && !(isnan(a[i]) && isnan(b[i]))) return false;
    return true;
}

static bool same_texts(const char *a, const char *b) { return strcmp(a ? a : "", b ? b : "") == 0; }

bool msio_load_same_center(const msio_uvh5_phase_center *a, const msio_uvh5_phase_center *b) {
    return same_texts(a->type, b->type) && same_texts(a->frame, b->frame) &&
           same_numbers(a->lons, a->lon, b->lons, b->lon, MSIO_LOAD_ANGLE_TOLERANCE) &&
           same_numbers(a->lats, a->lat, b->lats, b->lat, MSIO_LOAD_ANGLE_TOLERANCE) &&
           same_numbers(1, &a->epoch, 1, &b->epoch, 1e-3) &&
           same_numbers(a->times, a->time, b->times, b->time, MSIO_LOAD_TIME_TOLERANCE / 86400);
}

static const msio_uvh5_phase_center *center_of(const msio_uvh5_header *header, int32_t id) {
    for (int64_t i = 0; i < header->phase_centers; i++)
        if (header->phase_center[i].id == id) return &header->phase_center[i];
    return NULL;
}

static bool same_place(const msio_uvh5_header *a, int32_t x, const msio_uvh5_header *b, int32_t y) {
    const msio_uvh5_phase_center *here = center_of(a, x), *there = center_of(b, y);
    return here && there ? msio_load_same_center(here, there) : !here && !there;
}

int64_t msio_load_find_phase_center(const msio_load_pairs *p, const msio_uvh5_header *a, const msio_uvh5_header *b) {
    const int32_t *ours = p->reference->phase_center_id, *theirs = p->rows->phase_center_id;
    int32_t x = 0, y = 0; /* the pair found to be the same last: most rows have that of the row before */
    bool known = false;
    for (int64_t i = 0; ours && theirs && i < p->rows->rows; i++) {
        int32_t here = ours[p->first + i], there = theirs[row_at(p, i)];
        if (known && here == x && there == y) continue;
        if (!same_place(a, here, b, there)) return i;
        x = here, y = there, known = true;
    }
    return -1;
}
