/* sky.h - a model of the sky while it is made. */
#ifndef MSIO_VISIBILITY_SKY_H
#define MSIO_VISIBILITY_SKY_H

#include "core/arena.h"
#include "msio/visibility.h"

#define MSIO_SKY_MOST ((int64_t)1 << 20)         /* components */
#define MSIO_SKY_MOST_TERMS ((int64_t)1 << 24)   /* of all spectra together */
#define MSIO_SKY_MOST_BYTES ((int64_t)256 << 20) /* of text */

struct msio_sky {
    msio_arena arena; /* names, terms */
    msio_sky_component *component;
    int64_t components, room;
    int64_t terms; /* of all */
};

/* An empty one; NULL (and the error set) without memory. */
msio_sky *msio_sky_new(const char *path);
/* A copy of the component, with what it points to, at the end. MSIO_E_MEMORY, MSIO_E_SIZE. */
msio_status msio_sky_add(msio_sky *sky, const char *path, const msio_sky_component *component);

/* As msio_sky_open, of a folder that is a component list. */
msio_status msio_sky_list_open(const char *path, msio_sky **sky);

#endif
