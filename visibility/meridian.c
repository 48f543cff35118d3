/* meridian.c - the meridian by ERFA 2.0 (SOFA's algorithms: IAU 2006/2000A precession and nutation). */
#include "visibility/meridian.h"

#include "core/error.h"

#include <erfa.h>
#include <erfam.h>
#include <math.h>

/* Half of the arc along which the frame's angle is taken: half a degree. */
#define ARC (ERFA_DPI / 360.0)

/* An apparent place on the meridian (kind "H": hour angle; "R": right ascension from the CIO) as ICRS. */
static int to_icrs(const msio_meridian *m, const char *kind, double angle, double dec, double *ra_icrs,
                   double *dec_icrs) {
    return eraAtoc13(kind, angle, dec, m->utc[0], m->utc[1], 0.0, m->longitude, m->latitude, m->height, 0.0, 0.0, 0.0,
                     0.0, 0.0, 0.0, ra_icrs, dec_icrs);
}

/* A declination beyond a pole is one on the other side. */
static int to_icrs_near(const msio_meridian *m, double dec, double *ra_icrs, double *dec_icrs) {
    const double hour_angle = fabs(dec) > ERFA_DPI / 2 ? ERFA_DPI : 0.0;
    if (dec > ERFA_DPI / 2) dec = ERFA_DPI - dec;
    if (dec < -ERFA_DPI / 2) dec = -ERFA_DPI - dec;
    return to_icrs(m, "H", hour_angle, dec, ra_icrs, dec_icrs);
}

msio_status msio_meridian_find(const double itrf[3], double utc1, double utc2, double dec, msio_meridian *meridian) {
    msio_meridian m = {.utc = {utc1, utc2}, .dec = dec};
    double place[3] = {itrf[0], itrf[1], itrf[2]}, low[2], high[2];
    int bad = eraGc2gd(ERFA_WGS84, place, &m.longitude, &m.latitude, &m.height);
    if (!bad) bad = to_icrs(&m, "H", 0.0, dec, &m.ra_icrs, &m.dec_icrs) < 0;
    if (!bad) bad = to_icrs_near(&m, dec - ARC, &low[0], &low[1]) < 0;
    if (!bad) bad = to_icrs_near(&m, dec + ARC, &high[0], &high[1]) < 0;
    if (bad)
        return msio_error_set(MSIO_E_ARGUMENT, NULL,
                              "no meridian at Julian date %.5f: a time or place that ERFA refuses", utc1 + utc2);
    m.turn = -eraPas(low[0], low[1], high[0], high[1]);
    *meridian = m;
    return MSIO_OK;
}

void msio_meridian_uvw(const msio_meridian *m, const double itrf[3], double uvw[3]) {
    const double x = itrf[0] * cos(m->longitude) + itrf[1] * sin(m->longitude);
    const double east = itrf[1] * cos(m->longitude) - itrf[0] * sin(m->longitude);
    const double north = itrf[2] * cos(m->dec) - x * sin(m->dec);
    uvw[0] = east * cos(m->turn) - north * sin(m->turn);
    uvw[1] = east * sin(m->turn) + north * cos(m->turn);
    uvw[2] = x * cos(m->dec) + itrf[2] * sin(m->dec);
}

msio_status msio_meridian_lmn(const msio_meridian *m, double ra, double dec, double lmn[3]) {
    double azimuth, zenith, hour_angle, seen, right_ascension, origins;
    if (eraAtco13(ra, dec, 0.0, 0.0, 0.0, 0.0, m->utc[0], m->utc[1], 0.0, m->longitude, m->latitude, m->height, 0.0,
                  0.0, 0.0, 0.0, 0.0, 0.0, &azimuth, &zenith, &hour_angle, &seen, &right_ascension, &origins) < 0)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "no apparent place at Julian date %.5f", m->utc[0] + m->utc[1]);
    const double half = sin(hour_angle / 2.0), across = 2.0 * cos(seen) * half * half;
    const double n = sin(seen) * sin(m->dec) + cos(seen) * cos(m->dec) * cos(hour_angle);
    lmn[0] = -cos(seen) * sin(hour_angle);
    lmn[1] = sin(seen - m->dec) + across * sin(m->dec);
    lmn[2] = n > 0.0 ? -(lmn[0] * lmn[0] + lmn[1] * lmn[1]) / (1.0 + n) : n - 1.0;
    return MSIO_OK;
}
