/* sky.c - a model of the sky: a list of components. */
#include "visibility/sky.h"

#include "core/checked.h"
#include "core/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

msio_sky *msio_sky_new(const char *path) {
    msio_sky *sky = calloc(1, sizeof *sky);
    if (!sky) msio_error_set(MSIO_E_MEMORY, path, "no memory for a model of the sky");
    return sky;
}

static msio_status no_memory(const msio_sky *sky, const char *path) {
    return msio_error_set(MSIO_E_MEMORY, path, "no memory for component %lld", (long long)sky->components + 1);
}

static msio_status make_room(msio_sky *sky, const char *path) {
    if (sky->components < sky->room) return MSIO_OK;
    const int64_t room = msio_max(64, 2 * sky->room);
    msio_sky_component *more = realloc(sky->component, (size_t)room * sizeof *more);
    if (!more) return no_memory(sky, path);
    sky->component = more;
    sky->room = room;
    return MSIO_OK;
}

msio_status msio_sky_add(msio_sky *sky, const char *path, const msio_sky_component *component) {
    if (sky->components >= MSIO_SKY_MOST || sky->terms + component->terms > MSIO_SKY_MOST_TERMS)
        return msio_error_set(MSIO_E_SIZE, path, "more than %lld components, or %lld spectral terms, are not taken",
                              (long long)MSIO_SKY_MOST, (long long)MSIO_SKY_MOST_TERMS);
    msio_status status = make_room(sky, path);
    if (status) return status;
    msio_sky_component *c = &sky->component[sky->components];
    *c = *component;
    c->name = msio_arena_text(&sky->arena, component->name, (int64_t)strlen(component->name));
    c->term = NULL;
    if (!c->name) return no_memory(sky, path);
    if (c->terms > 0) {
        double *term = msio_arena_take(&sky->arena, c->terms, sizeof *term);
        if (!term) return no_memory(sky, path);
        memcpy(term, component->term, (size_t)c->terms * sizeof *term);
        c->term = term;
    }
    sky->terms += c->terms;
    sky->components++;
    return MSIO_OK;
}

int64_t msio_sky_count(const msio_sky *sky) { return sky->components; }

const msio_sky_component *msio_sky_at(const msio_sky *sky, int64_t index) {
    return index >= 0 && index < sky->components ? &sky->component[index] : NULL;
}

/* term[0] + term[1] x + term[2] x^2 + ... */
static double polynomial(const msio_sky_component *c, double x) {
    double sum = 0.0;
    for (int i = c->terms; i-- > 0;) sum = sum * x + c->term[i];
    return sum;
}

void msio_sky_stokes(const msio_sky_component *c, double frequency, double stokes[4]) {
    memcpy(stokes, c->stokes, sizeof c->stokes);
    if (c->terms == 0) return;
    const double x = frequency / c->reference_frequency;
    if (c->logarithmic)
        stokes[0] *= pow(x, polynomial(c, log10(x)));
    else
        stokes[0] += (x - 1.0) * polynomial(c, x - 1.0);
}

void msio_sky_free(msio_sky *sky) {
    if (!sky) return;
    msio_arena_free(&sky->arena);
    free(sky->component);
    free(sky);
}
