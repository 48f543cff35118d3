/* automatic.h - MSIO_PROF=auto[+keep=N][+slow=X]:FOLDER: a bounded set of small profiles, one of each run; slow runs'
 * are whole ones.
 *
 * Their names (prof/automatic_name.h) are all that a folder is judged by. Any number of processes may end at once: each
 * writes under a name of its own, renames, and then removes what is beyond the bound, oldest first.
 */
#ifndef MSIO_PROF_AUTOMATIC_H
#define MSIO_PROF_AUTOMATIC_H

#include "msio/core.h"

#define MSIO_AUTOMATIC_KEEP 400 /* profiles in a folder; a quarter as many whole ones besides */
#define MSIO_AUTOMATIC_SLOW 1.5 /* times the median */

typedef struct msio_automatic {
    int keep;    /* 1 to 100 000 */
    double slow; /* more than 1 */
} msio_automatic;

/* Reads what stands between "auto" and the folder's name: NULL where it is none of the form, else the folder. */
const char *msio_automatic_parse(const char *text, msio_automatic *how);

/* Writes this process's profile into the folder, which is made where it is missing (its own folder must be there). Sets
 * MSIO_E_IO, MSIO_E_MEMORY. */
msio_status msio_automatic_write(const char *folder, const msio_automatic *how);

#endif
