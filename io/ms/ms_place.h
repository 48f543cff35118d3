/* ms_place.h - where a Measurement Set that is made will stand. */
#ifndef MSIO_IO_MS_PLACE_H
#define MSIO_IO_MS_PLACE_H

#include "msio/files.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

/* Where the result goes, and the folder that this is in. */
typedef struct msio_ms_places {
    char folder[PATH_MAX], final[PATH_MAX];
} msio_ms_places;

/* Finds the places, and checks that the result may go where it is wanted: nothing stands there, or a table that is to
 * be replaced. MSIO_E_ARGUMENT, MSIO_E_IO (no such folder). */
msio_status msio_ms_place_find(const char *path, bool overwrite, msio_ms_places *where);

/* Gives the finished result its path; a table that stands there is replaced. MSIO_E_IO. */
msio_status msio_ms_place_take(const msio_ms_places *where, msio_making *making);

/* MSIO_E_IO, of `path`, when the folder's file system has not so much room for what is to be made. */
msio_status msio_ms_check_room(const char *folder, const char *path, int64_t bytes, const char *what);

#endif
