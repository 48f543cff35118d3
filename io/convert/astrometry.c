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
    double tai1, tai2, ut11, ut12, dut1 = 0, xp = 0, yp = 0;
    if (!(fabs(jd) < 1e8)) return refused(jd);
    msio_instant i = {.utc1 = rint(jd), .utc2 = jd - rint(jd)};
    if (earth) {
        msio_status status = msio_earth_at(earth, jd, &dut1, &xp, &yp);
        if (status) return status;
    }
    if (eraUtctai(i.utc1, i.utc2, &tai1, &tai2) < 0 || eraTaitt(tai1, tai2, &i.tt1, &i.tt2) < 0 ||
        eraUtcut1(i.utc1, i.utc2, dut1, &ut11, &ut12) < 0 ||
        eraApco13(i.utc1, i.utc2, dut1, site->lon, site->lat, site->height, xp, yp, 0, 0, 0, 0, &i.astrom, &i.origins) <
            0)
        return refused(jd);
    i.lst = eraAnp(eraGst06a(ut11, ut12, i.tt1, i.tt2) + eraSp00(i.tt1, i.tt2) + site->lon);
    *instant = i;
    return MSIO_OK;
}

/* An observed place of a kind ("H", "A", "R") as ICRS: eraAtoc13, of what all places of an instant share. */
static void to_icrs(const msio_instant *i, const char *kind, double a, double b, double icrs[2]) {
    eraASTROM astrom = i->astrom;
    double ra, dec;
    eraAtoiq(kind, a, b, &astrom, &ra, &dec);
    eraAticq(ra, dec, &astrom, &icrs[0], &icrs[1]);
}

void msio_meridian_place(const msio_instant *instant, double dec, double icrs[2]) {
    to_icrs(instant, "H", 0, dec, icrs);
}

void msio_zenith_place(const msio_instant *instant, double icrs[2]) { to_icrs(instant, "A", 0, 0, icrs); }

/* A point so far above (or below) an apparent place, as ICRS; over the pole and down the other side, where need be. */
static void point_beside(const msio_instant *i, const msio_apparent *place, double step, double icrs[2]) {
    double ra = place->ra, dec = place->dec + step;
    if (fabs(dec) > M_PI / 2) {
        dec = copysign(M_PI, dec) - dec;
        ra += M_PI;
    }
    to_icrs(i, "R", ra + i->origins, dec, icrs);
}

void msio_apparent_place(const msio_instant *i, const double icrs[2], msio_apparent *place) {
    eraASTROM astrom = i->astrom;
    double ra, dec, azimuth, zenith_distance, hour_angle, low[2], high[2];
    eraAtciq(icrs[0], icrs[1], 0, 0, 0, 0, &astrom, &ra, &dec); /* with the next one eraAtco13 */
    eraAtioq(ra, dec, &astrom, &azimuth, &zenith_distance, &hour_angle, &dec, &ra);
    msio_apparent p = {.ra = eraAnp(ra - i->origins), .dec = dec};
    point_beside(i, &p, -ANGLE_STEP, low);
    point_beside(i, &p, ANGLE_STEP, high);
    p.angle = -eraPas(low[0], low[1], high[0], high[1]);
    *place = p;
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
