/* astrometry.h - sidereal time, apparent places and u, v, w, by ERFA.
 *
 * Angles are radians; places are of the Earth, without refraction. No state; any thread may call.
 */
#ifndef MSIO_IO_ASTROMETRY_H
#define MSIO_IO_ASTROMETRY_H

#include "io/convert/earth_orientation.h"

#include <erfa.h>

/* Where the array stands. */
typedef struct msio_site {
    double xyz[3];   /* m, ITRF */
    double lon, lat; /* geodetic, WGS84 */
    double height;   /* m */
} msio_site;

/* From degrees, degrees and metres. MSIO_E_FORMAT: no place on Earth. */
msio_status msio_site_make(double latitude, double longitude, double height, msio_site *site);

/* From m, ITRF; xyz may be the site's own. MSIO_E_FORMAT. */
msio_status msio_site_from_xyz(const double xyz[3], msio_site *site);

/* One instant, as seen from a site. */
typedef struct msio_instant {
    double utc1, utc2; /* JD, in two parts */
    double tt1, tt2;
    double lst;       /* apparent */
    eraASTROM astrom; /* of the site */
    double origins;   /* the equation of the origins: between right ascensions from the equinox and from the CIO */
} msio_instant;

/* earth NULL: UT1 is UTC. MSIO_E_RANGE: the table of the Earth's orientation does not cover it, or UTC does not. */
msio_status msio_instant_make(double jd, const msio_site *site, const msio_earth *earth, msio_instant *instant);

/* ICRS place of what stands at hour angle 0 and that apparent declination, or in the zenith. */
void msio_meridian_place(const msio_instant *instant, double dec, double icrs[2]);
void msio_zenith_place(const msio_instant *instant, double icrs[2]);

/* What an ICRS place is at that instant: apparent right ascension and declination, and the angle by which the axes of
 * ICRS are turned there. */
typedef struct msio_apparent {
    double ra, dec, angle;
} msio_apparent;
void msio_apparent_place(const msio_instant *instant, const double icrs[2], msio_apparent *place);

/* u, v, w (m) of n antennas at positions (m, ITRF axes) for that place: baselines are differences of them. */
void msio_antennas_uvw(const msio_site *site, const msio_instant *instant, const msio_apparent *place, int n,
                       const double (*position)[3], double (*uvw)[3]);

#endif
