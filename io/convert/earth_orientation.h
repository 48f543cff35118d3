/* earth_orientation.h - UT1 - UTC and the pole's place by day, from a text file of the IERS. */
#ifndef MSIO_IO_EARTH_ORIENTATION_H
#define MSIO_IO_EARTH_ORIENTATION_H

#include "msio/core.h"

typedef struct msio_earth msio_earth;

/* Reads EOP C04 (eopc04.1962-now, eopc04_IAU2000...) or finals2000A.all; which of them the file is, its lines tell. Of
 * a file that is whole and in order only the days around first_jd .. last_jd (JD) are looked at; of another, and where
 * they are no numbers, all. A file of more than 64 MiB is refused. *earth is to be freed.
 * MSIO_E_NOT_FOUND, MSIO_E_FORMAT (neither of them; the line is named), MSIO_E_IO, MSIO_E_MEMORY. */
msio_status msio_earth_read(const char *path, double first_jd, double last_jd, msio_earth **earth);
/* The same of a file's text; path names it in messages. */
msio_status msio_earth_parse(const char *bytes, int64_t length, const char *path, double first_jd, double last_jd,
                             msio_earth **earth);
void msio_earth_free(msio_earth *earth); /* takes NULL */

/* At a time (JD, UTC), linear between days, a leap second taken out of UT1 - UTC first: s, rad, rad.
 * MSIO_E_RANGE: the file does not cover it. */
msio_status msio_earth_at(const msio_earth *earth, double jd, double *dut1, double *xp, double *yp);

#endif
