/* paths.h - the paths' names and units, from paths.def. */
#ifndef MSIO_PROF_PATHS_H
#define MSIO_PROF_PATHS_H

#include "prof/span.h"

typedef struct msio_path_text {
    const char *name;
    const char *unit;
    const char *what;
} msio_path_text;

extern const msio_path_text msio_path_texts[PROF_PATHS];

/* The index of the path of that name; -1, and the error record set, when there is none. */
int msio_path_find(const char *name);

#endif
