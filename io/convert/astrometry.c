/* astrometry.c - sidereal time, apparent places and u, v, w, by ERFA. */
#include "io/convert/astrometry.h"

#include "core/error.h"

#include <erfa.h>
#include <math.h>

/* pyuvdata's distance of the two points by which it finds how the axes are turned: half a degree. */
#define ANGLE_STEP (M_PI / 360)
#define WGS84 1

msio_status msio_site_make(double latitude, double longitude, double height, msio_site *site) {
    msio_site s;
    if (!(fabs(latitude) <= 90) || !(fabs(longitude) <= 360) || !isfinite(height) ||
        eraGd2gc(WGS84, longitude * (M_PI / 180), latitude * (M_PI / 180), height, s.xyz) ||
        eraGc2gd(WGS84, s.xyz, &s.lon, &s.lat, &s.height))
        return msio_error_set(MSIO_E_FORMAT, NULL, "latitude %g, longitude %g, altitude %g are no place on Earth",
                              latitude, longitude, height);
    *site = s;
    return MSIO_OK;
}

msio_status msio_site_from_xyz(const double xyz[3], msio_site *site) {
    msio_site s = {.xyz = {xyz[0], xyz[1], xyz[2]}};
    const double distance = sqrt(xyz[0] * xyz[0] + xyz[1] * xyz[1] + xyz[2] * xyz[2]);
    if (!(distance > 6e6 && distance < 7e6) || eraGc2gd(WGS84, s.xyz, &s.lon, &s.lat, &s.height))
        return msio_error_set(MSIO_E_FORMAT, NULL, "(%g, %g, %g) m is no place on Earth", xyz[0], xyz[1], xyz[2]);
    *site = s;
    return MSIO_OK;
}

static msio_status refused(double jd) {
    return msio_error_set(MSIO_E_RANGE, NULL, "the time JD %.6f is none that UTC covers", jd);
}

msio_status msio_instant_make(double jd, const msio_site *site, const msio_earth *earth, msio_instant *instant) {
    double tai1, tai2, ut11, ut12;
    if (!(fabs(jd) < 1e8)) return refused(jd);
    msio_instant i = {.utc1 = rint(jd), .utc2 = jd - rint(jd)};
    if (earth) {
        msio_status status = msio_earth_at(earth, jd, &i.dut1, &i.xp, &i.yp);
        if (status) return status;
    }
    if (eraUtctai(i.utc1, i.utc2, &tai1, &tai2) < 0 || eraTaitt(tai1, tai2, &i.tt1, &i.tt2) < 0 ||
        eraUtcut1(i.utc1, i.utc2, i.dut1, &ut11, &ut12) < 0)
        return refused(jd);
    i.lst = eraAnp(eraGst06a(ut11, ut12, i.tt1, i.tt2) + eraSp00(i.tt1, i.tt2) + site->lon);
    *instant = i;
    return MSIO_OK;
}

/* An observed place of a kind ("H", "A", "R") as ICRS. */
static msio_status to_icrs(const msio_site *site, const msio_instant *i, const char *kind, double a, double b,
                           double icrs[2]) {
    if (eraAtoc13(kind, a, b, i->utc1, i->utc2, i->dut1, site->lon, site->lat, site->height, i->xp, i->yp, 0, 0, 0, 0,
                  &icrs[0], &icrs[1]) < 0)
        return refused(i->utc1 + i->utc2);
    return MSIO_OK;
}

msio_status msio_meridian_place(const msio_site *site, const msio_instant *instant, double dec, double icrs[2]) {
    return to_icrs(site, instant, "H", 0, dec, icrs);
}

msio_status msio_zenith_place(const msio_site *site, const msio_instant *instant, double icrs[2]) {
    return to_icrs(site, instant, "A", 0, 0, icrs);
}

/* The equation of the origins: what lies between right ascensions from the equinox and from the CIO. */
static double origins(const msio_instant *i) {
    double matrix[3][3], x, y;
    eraPnm06a(i->tt1, i->tt2, matrix);
    eraBpn2xy(matrix, &x, &y);
    return eraEors(matrix, eraS06(i->tt1, i->tt2, x, y));
}

/* A point so far above (or below) an apparent place, as ICRS; over the pole and down the other side, where need be. */
static msio_status point_beside(const msio_site *site, const msio_instant *i, const msio_apparent *place, double eo,
                                double step, double icrs[2]) {
    double ra = place->ra, dec = place->dec + step;
    if (fabs(dec) > M_PI / 2) {
        dec = copysign(M_PI, dec) - dec;
        ra += M_PI;
    }
    return to_icrs(site, i, "R", ra + eo, dec, icrs);
}

msio_status msio_apparent_place(const msio_site *site, const msio_instant *i, const double icrs[2],
                                msio_apparent *place) {
    double azimuth, zenith_distance, hour_angle, dec, ra, eo, low[2], high[2];
    if (eraAtco13(icrs[0], icrs[1], 0, 0, 0, 0, i->utc1, i->utc2, i->dut1, site->lon, site->lat, site->height, i->xp,
                  i->yp, 0, 0, 0, 0, &azimuth, &zenith_distance, &hour_angle, &dec, &ra, &eo) < 0)
        return refused(i->utc1 + i->utc2);
    msio_apparent p = {.ra = eraAnp(ra - eo), .dec = dec};
    eo = origins(i);
    msio_status status = point_beside(site, i, &p, eo, -ANGLE_STEP, low);
    if (!status) status = point_beside(site, i, &p, eo, ANGLE_STEP, high);
    if (status) return status;
    p.angle = -eraPas(low[0], low[1], high[0], high[1]);
    *place = p;
    return MSIO_OK;
}

void msio_antennas_uvw(const msio_site *site, const msio_instant *instant, const msio_apparent *place, int n,
                       const double (*position)[3], double (*uvw)[3]) {
    const double g = instant->lst - place->ra - site->lon;
    const double cg = cos(g), sg = sin(g), cd = cos(place->dec), sd = sin(place->dec);
    const double ca = cos(place->angle), sa = sin(place->angle);
    for (int i = 0; i < n; i++) {
        const double *p = position[i];
        const double x = p[0] * cg - p[1] * sg, y = p[0] * sg + p[1] * cg, v = -x * sd + p[2] * cd;
        uvw[i][0] = y * ca - v * sa;
        uvw[i][1] = y * sa + v * ca;
        uvw[i][2] = x * cd + p[2] * sd;
    }
}
