/* load_headers.c - what the headers of a group's files say: all that must be the same, and what is told where it is
 * not.
 *
 * What must be the same is what pyuvdata's UVData.__add__ wants along frequency, to its tolerances but where noted. */
#include "io/load/loader.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Antennas and telescopes stand at the same place, and antennas are as large, within so much. */
#define POSITION_TOLERANCE 1e-3 /* m */
#define DEGREE 111320.0         /* m of latitude, about */

/* ---------------------------------------------------------------- sizes and antennas */

static msio_status compare_counts(msio_loader *l, const msio_load_file *a, const msio_load_file *b) {
    msio_status status = MSIO_OK;
    if (a->rows != b->rows)
        status = msio_load_differ(&l->differences, b->path, "Nblts", 0,
                                  "%" PRId64 " baseline-times, the first has %" PRId64, b->rows, a->rows);
    if (!status && a->pols != b->pols)
        return msio_load_differ(&l->differences, b->path, "Npols", 0,
                                "%" PRId64 " polarizations, the first has %" PRId64, b->pols, a->pols);
    for (int64_t i = 0; i < a->pols && !status; i++)
        if (a->polarization[i] != b->polarization[i])
            return msio_load_differ(&l->differences, b->path, "polarization_array", 0,
                                    "polarization %" PRId64 " is %d, the first has %d there", i, b->polarization[i],
                                    a->polarization[i]);
    return status;
}

static bool stand_apart(const msio_load_antenna *a, const msio_load_antenna *b) {
    for (int k = 0; k < 3; k++)
        if (!(fabs(a->position[k] - b->position[k]) <= POSITION_TOLERANCE)) return true;
    return false;
}

static msio_status compare_antennas(msio_loader *l, const msio_load_file *a, const msio_load_file *b) {
    if (a->antennas != b->antennas)
        return msio_load_differ(&l->differences, b->path, "antenna_numbers", 0, "%d antennas, the first has %d",
                                b->antennas, a->antennas);
    for (int i = 0; i < a->antennas; i++) {
        const msio_load_antenna *x = &a->antenna[i], *y = &b->antenna[i];
        if (x->number != y->number)
            return msio_load_differ(&l->differences, b->path, "antenna_numbers", 0,
                                    "antenna %d of the list has number %d, in the first %d", i, y->number, x->number);
        if (strcmp(x->name, y->name) != 0)
            return msio_load_differ(&l->differences, b->path, "antenna_names", 0,
                                    "antenna %d is called %s, in the first %s", x->number, y->name, x->name);
        if (stand_apart(x, y))
            return msio_load_differ(&l->differences, b->path, "antenna_positions", 0,
                                    "antenna %d stands at (%.3f, %.3f, %.3f) m, in the first at (%.3f, %.3f, %.3f)",
                                    x->number, y->position[0], y->position[1], y->position[2], x->position[0],
                                    x->position[1], x->position[2]);
    }
    return MSIO_OK;
}

/* ---------------------------------------------------------------- where they look */

static bool turned(double a, double b) { return isnan(a) != isnan(b) || fabs(a - b) > MSIO_LOAD_ANGLE_TOLERANCE; }

/* Older files say "phased" and "drift" for what newer ones call "sidereal" and "unprojected". */
static const char *modern(const char *phase_type) {
    if (strcmp(phase_type, "phased") == 0) return "sidereal";
    return strcmp(phase_type, "drift") == 0 ? "unprojected" : phase_type;
}

static msio_status compare_pointing(msio_loader *l, const msio_load_file *a, const msio_load_file *b) {
    const msio_uvh5_header *x = a->header, *y = b->header;
    const char *here = modern(a->phase_type), *there = modern(b->phase_type);
    if (strcmp(here, there) != 0)
        return msio_load_differ(&l->differences, b->path, "phase_type", 0, "%s, in the first %s", b->phase_type,
                                a->phase_type);
    if (strcmp(here, "unprojected") == 0 && strcmp(a->phase_type, b->phase_type) != 0) return MSIO_OK;
    if (turned(a->phase_center[0], b->phase_center[0]) || turned(a->phase_center[1], b->phase_center[1]))
        return msio_load_differ(&l->differences, b->path, "phase_center", 0,
                                "it looks at (%.9g, %.9g) rad, the first at (%.9g, %.9g)", b->phase_center[0],
                                b->phase_center[1], a->phase_center[0], a->phase_center[1]);
    if (x && y && x->phase_centers == 1 && y->phase_centers == 1 &&
        !msio_load_same_center(&x->phase_center[0], &y->phase_center[0]))
        return msio_load_differ(&l->differences, b->path, "phase_center_catalog", 0,
                                "its phase centre is in another frame or epoch than the first's, or moves otherwise");
    return MSIO_OK;
}

static msio_status compare_telescope(msio_loader *l, const msio_load_file *a, const msio_load_file *b) {
    const msio_uvh5_header *x = a->header, *y = b->header;
    if (x->telescope_name && y->telescope_name && strcmp(x->telescope_name, y->telescope_name) != 0)
        return msio_load_differ(&l->differences, b->path, "telescope_name", 0, "%s, in the first %s", y->telescope_name,
                                x->telescope_name);
    double north = DEGREE * (x->latitude - y->latitude), up = x->altitude - y->altitude;
    double east = DEGREE * (x->longitude - y->longitude) * cos(x->latitude * 0.017453292519943295);
    double most = fmax(fabs(north), fmax(fabs(east), fabs(up)));
    if (most > POSITION_TOLERANCE)
        return msio_load_differ(&l->differences, b->path, "latitude, longitude, altitude", 0,
                                "%.9g, %.9g, %.6g, in the first %.9g, %.9g, %.6g", y->latitude, y->longitude,
                                y->altitude, x->latitude, x->longitude, x->altitude);
    return MSIO_OK;
}

/* ---------------------------------------------------------------- units, and what is only told */

/* What stands for "uncalib": nothing, and capitals in older files. */
static const char *units_of(const msio_uvh5_header *header) {
    return !header->vis_units || strcmp(header->vis_units, "UNCALIB") == 0 ? "uncalib" : header->vis_units;
}

static msio_status compare_units(msio_loader *l, const msio_load_file *a, const msio_load_file *b) {
    const char *here = units_of(a->header), *there = units_of(b->header);
    if (strcmp(here, there) == 0) return MSIO_OK;
    return msio_load_differ(&l->differences, b->path, "vis_units", 0, "its visibilities are in %s, the first's in %s",
                            there, here);
}

static msio_status tell_text(msio_loader *l, const char *path, const char *field, const char *here, const char *there) {
    if (strcmp(here ? here : "", there ? there : "") == 0) return MSIO_OK;
    return msio_load_differ(&l->differences, path, field, 1, "%s, in the first %s", there ? there : "not said",
                            here ? here : "not said");
}

/* What differs and does not change what is put together, or is not part of it: pyuvdata only warns of it. */
static msio_status tell_more(msio_loader *l, const msio_load_file *a, const msio_load_file *b) {
    const msio_uvh5_header *x = a->header, *y = b->header;
    msio_status status = tell_text(l, b->path, "instrument", x->instrument, y->instrument);
    if (!status) status = tell_text(l, b->path, "x_orientation", x->x_orientation, y->x_orientation);
    if (!status) status = tell_text(l, b->path, "pol_convention", x->pol_convention, y->pol_convention);
    const double *here = x->antenna_diameters, *there = y->antenna_diameters;
    for (int64_t i = 0; here && there && i < x->nants_telescope && !status; i++) {
        if (x->nants_telescope != y->nants_telescope) break; /* told already */
        if (here[i] == there[i] || fabs(here[i] - there[i]) <= POSITION_TOLERANCE) continue;
        return msio_load_differ(&l->differences, b->path, "antenna_diameters", 1,
                                "antenna %d measures %.6g m, in the first %.6g m", y->antenna_numbers[i], there[i],
                                here[i]);
    }
    return status;
}

msio_status msio_load_compare_headers(msio_loader *l, const msio_load_file *a, const msio_load_file *b) {
    msio_status status = compare_counts(l, a, b);
    if (!status) status = compare_antennas(l, a, b);
    if (!status) status = compare_pointing(l, a, b);
    if (status || !a->header || !b->header) return status;
    status = compare_telescope(l, a, b);
    if (!status) status = compare_units(l, a, b);
    return status ? status : tell_more(l, a, b);
}
