/* meridian.h - where the meridian is, and how directions are seen from it: by ERFA, with UT1 = UTC and no polar motion.
 */
#ifndef MSIO_VISIBILITY_MERIDIAN_H
#define MSIO_VISIBILITY_MERIDIAN_H

#include "msio/core.h"

typedef struct msio_meridian {
    double utc[2];                      /* Julian date, in two parts */
    double longitude, latitude, height; /* rad, rad, m: WGS 84 */
    double dec;                         /* rad: apparent, of the point on the meridian */
    double ra_icrs, dec_icrs;           /* rad: of that point */
    double turn;                        /* rad: from the ICRS frame's north there to the apparent one, through west */
} msio_meridian;

/* The point on the meridian of apparent declination `dec` at a time (UTC, Julian date in two parts), from a place on
 * Earth (ITRF, m). MSIO_E_ARGUMENT where the time or place is none that ERFA knows. */
msio_status msio_meridian_find(const double itrf[3], double utc1, double utc2, double dec, msio_meridian *meridian);

/* u, v, w in the frame of that point (u along growing right ascension) of a difference of positions, ITRF axes: all in
 * one unit. */
void msio_meridian_uvw(const msio_meridian *meridian, const double itrf[3], double uvw[3]);

/* Direction cosines l, m, n - 1 of an ICRS direction in the apparent frame of that point. */
msio_status msio_meridian_lmn(const msio_meridian *meridian, double ra, double dec, double lmn[3]);

#endif
