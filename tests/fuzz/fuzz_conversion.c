/* fuzz_conversion.c - what a conversion makes of a UVH5 file's header and rows, before it makes a table: windows,
 * polarizations, antennas, fields, u, v, w, keywords. Arrays have the lengths that the loader gives them; their values
 * are the input's. What is accepted can be written: ids name what is there, places and u, v, w are numbers.
 *
 * The input is taken byte by byte: counts first, then values. A number is a byte that picks one of those below, or says
 * how many bytes of its own follow. */
#include "fuzz_target.h"
#include "io/convert/conversion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 9
#define ANTENNAS 8
#define WINDOWS 3
#define CHANNELS 5
#define POLS 6
#define CENTRES 3
#define EXTRA 3
#define FEEDS 3

typedef struct input {
    const uint8_t *data;
    size_t size;
} input;

static unsigned take(input *in) {
    if (!in->size) return 0;
    in->size--;
    return *in->data++;
}

static int take_below(input *in, int n) { return (int)take(in) % n; }

static void take_bytes(input *in, void *value, size_t size) {
    for (size_t i = 0; i < size; i++) ((uint8_t *)value)[i] = (uint8_t)take(in);
}

static double take_double(input *in) {
    static const double some[] = {0,    0.28125, 1,   -118.28, 37.23,   1222, 2460953.5,     2460953.6,
                                  1.57, -1.58,   6.4, 2000,    1950.25, 1e30, 244140.625e10, -1e-9};
    const unsigned which = take(in);
    double value;
    if (which < 16) return some[which];
    if (which < 200) return some[which % 16] + 1e-4 * which;
    if (which == 200) return NAN;
    if (which == 201) return INFINITY;
    take_bytes(in, &value, sizeof value);
    return value;
}

static int32_t take_int(input *in) {
    const unsigned which = take(in);
    int32_t value;
    if (which < 240) return (int32_t)which % 16 - (which > 200);
    take_bytes(in, &value, sizeof value);
    return value;
}

static const char *take_text(input *in) {
    static const char *const some[] = {"sidereal", "icrs",   "fk5",   "fk4",  "x",   "Y", "",    "east",
                                       "north",    "phased", "drift", "itrs", "a/b", "r", "a.b", "observer"};
    const unsigned which = take(in);
    return which == 255 ? NULL : some[which % 16];
}

/* ---------------------------------------------------------------- what the loader would give */

typedef struct facts {
    msio_uvh5_header header;
    msio_load_antenna antenna[ANTENNAS];
    msio_subband subband[WINDOWS];
    double frequency[WINDOWS * CHANNELS], width[WINDOWS * CHANNELS];
    int32_t polarization[POLS], spw[1], antenna1[ROWS], antenna2[ROWS], centre_id[ROWS];
    double time[ROWS], uvw[ROWS * 3], integration[ROWS], lst[ROWS];
    const char *mount[ANTENNAS], *feed[ANTENNAS * FEEDS], *strings[EXTRA];
    double angle[ANTENNAS * FEEDS], lon[CENTRES][2], lat[CENTRES][2], numbers[EXTRA];
    msio_uvh5_phase_center centre[CENTRES];
    msio_field extra[EXTRA];
} facts;

static void take_windows(input *in, facts *f, msio_subbands *s) {
    s->subbands = 1 + take_below(in, WINDOWS);
    s->pols = take_below(in, POLS + 1);
    for (int w = 0; w < s->subbands; w++) {
        f->subband[w] = (msio_subband){.number = w, .path = "fuzz", .channel = s->channels};
        f->subband[w].present = take_below(in, 5) > 0;
        f->subband[w].channels = take_below(in, CHANNELS + 1);
        s->channels += f->subband[w].channels;
    }
    for (int64_t i = 0; i < s->channels; i++) {
        f->frequency[i] = take_double(in);
        f->width[i] = take_double(in);
    }
    for (int64_t p = 0; p < s->pols; p++) f->polarization[p] = (int32_t)((int64_t)take_int(in) - 8);
    s->subband = f->subband;
    s->frequencies = f->frequency;
    s->widths = f->width;
    s->polarizations = f->polarization;
}

static void take_antennas(input *in, facts *f, msio_subbands *s) {
    msio_uvh5_header *h = &f->header;
    s->antennas = 1 + take_below(in, ANTENNAS);
    h->nfeeds = take_below(in, FEEDS + 1);
    for (int i = 0; i < s->antennas; i++) {
        f->antenna[i].name = "name";
        f->antenna[i].number = take_int(in);
        f->antenna[i].diameter = take_double(in);
        for (int axis = 0; axis < 3; axis++) f->antenna[i].position[axis] = take_double(in);
        f->mount[i] = take(in) % 2 ? "alt-az" : "";
    }
    for (int64_t i = 0; i < s->antennas * h->nfeeds; i++) {
        const char *text = take_text(in);
        f->feed[i] = text ? text : "";
        f->angle[i] = take_double(in);
    }
    s->antenna = f->antenna;
    h->nants_telescope = s->antennas;
    h->mount_type = take(in) % 2 ? f->mount : NULL;
    h->feed_array = h->nfeeds ? f->feed : NULL;
    h->feed_angle = h->nfeeds && take(in) % 4 ? f->angle : NULL;
    h->x_orientation = take_text(in);
}

static void take_rows(input *in, facts *f, msio_conversion *c) {
    msio_subbands *s = &c->facts;
    s->rows = take_below(in, ROWS + 1);
    const unsigned which = take(in);
    for (int64_t r = 0; r < s->rows; r++) {
        f->time[r] = take_double(in);
        f->antenna1[r] = take_int(in);
        f->antenna2[r] = take_int(in);
        f->integration[r] = take_double(in);
        f->lst[r] = take_double(in);
        f->centre_id[r] = take_int(in);
        for (int axis = 0; axis < 3; axis++) f->uvw[3 * r + axis] = take_double(in);
    }
    s->times = f->time;
    s->antenna1 = f->antenna1;
    s->antenna2 = f->antenna2;
    s->uvw = f->uvw;
    s->integrations = f->integration;
    c->more.rows = s->rows;
    c->more.lst = which & 1 ? f->lst : NULL;
    c->more.phase_center_id = which & 2 ? f->centre_id : NULL;
}

static void take_centres(input *in, facts *f, msio_subbands *s) {
    msio_uvh5_header *h = &f->header;
    h->phase_centers = take_below(in, CENTRES + 1);
    for (int64_t i = 0; i < h->phase_centers; i++) {
        for (int k = 0; k < 2; k++) {
            f->lon[i][k] = take_double(in);
            f->lat[i][k] = take_double(in);
        }
        msio_uvh5_phase_center *p = &f->centre[i];
        p->lon = f->lon[i];
        p->lat = f->lat[i];
        p->id = take_int(in);
        p->lons = take_below(in, 3);
        p->lats = take_below(in, 3);
        p->type = take_text(in);
        p->frame = take_text(in);
        p->name = take_text(in);
        p->epoch = take_double(in);
        p->pm_ra = take_double(in);
    }
    h->phase_center = h->phase_centers ? f->centre : NULL;
    h->phase_type = take_text(in);
    h->phase_center_ra = take_double(in);
    h->phase_center_dec = take_double(in);
    h->phase_center_epoch = take_double(in);
    h->phase_center_frame = take_text(in);
    h->object_name = take_text(in);
    for (int i = 0; i < 2; i++) s->phase_center[i] = take_double(in);
}

static void take_header(input *in, facts *f) {
    static const msio_type types[] = {MSIO_BOOL,   MSIO_CHAR,   MSIO_UCHAR, MSIO_SHORT,  MSIO_USHORT,
                                      MSIO_INT,    MSIO_UINT,   MSIO_FLOAT, MSIO_DOUBLE, MSIO_COMPLEX,
                                      MSIO_STRING, MSIO_RECORD, MSIO_INT64, MSIO_UINT64};
    msio_uvh5_header *h = &f->header;
    h->latitude = take_double(in);
    h->longitude = take_double(in);
    h->altitude = take_double(in);
    h->spw_array = take(in) % 2 ? f->spw : NULL;
    f->spw[0] = take_int(in);
    h->vis_units = take_text(in);
    h->pol_convention = take_text(in);
    h->extra_keywords = take_below(in, EXTRA + 1);
    h->extra_keyword = f->extra;
    for (int i = 0; i < h->extra_keywords; i++) {
        const char *name = take_text(in);
        f->strings[i] = "text";
        f->numbers[i] = take_double(in);
        f->extra[i] = (msio_field){.name = name ? name : "k", .type = types[take_below(in, 14)]};
        f->extra[i].ndim = take_below(in, 2);
        f->extra[i].count = f->extra[i].ndim ? take_below(in, 2) : 1;
        f->extra[i].values = take(in) % 8 ? &f->numbers[i] : NULL;
        if (f->extra[i].type == MSIO_STRING) f->extra[i].strings = take(in) % 8 ? &f->strings[i] : NULL;
    }
}

/* ---------------------------------------------------------------- what came of it */

static void want(bool holds) {
    if (!holds) abort();
}

static bool numbers(int n, const double *values) {
    for (int i = 0; i < n; i++)
        if (!isfinite(values[i])) return false;
    return true;
}

static void check_rows(const msio_conversion *c) {
    for (int64_t r = 0; r < c->rows; r++) {
        const int32_t a = c->antenna1[r], b = c->antenna2[r];
        want(a >= 0 && a < c->antennas && b >= 0 && b < c->antennas && c->antenna[a].name && c->antenna[b].name);
        want(c->field_id[r] >= 0 && c->field_id[r] < c->fields && c->scan[r] >= 1 && c->scan[r] <= r + 1);
        want(c->phase == MSIO_PHASE_NONE || numbers(3, c->uvw[r]));
        want(!c->delay || isfinite(c->delay[r]));
    }
    want((c->delay != NULL) == (c->phase == MSIO_PHASE_CENTRE || c->phase == MSIO_PHASE_ZENITH));
}

static void check(msio_conversion *c) {
    int count = 0;
    int64_t tile[3];
    const msio_casa_keyword_spec *keyword;
    want(c->rows > 0 && c->pols > 0 && c->pols <= 4 && c->fields > 0 && c->frame && isfinite(c->median_time));
    for (int i = 0; i < c->pols; i++)
        want(c->order[i] >= 0 && c->order[i] < c->pols && c->swap[i] >= 0 && c->swap[i] < c->pols);
    for (int i = 0; i < c->fields; i++) want(numbers(2, c->field[i].direction) && c->field[i].name);
    for (int i = 0; i < c->antennas; i++) want(c->feeds >= 1 && c->feeds <= 2 && c->antenna[i].feed[c->feeds - 1]);
    check_rows(c);
    want(msio_conv_bytes(c) > 0);
    for (int w = 0; w < c->windows; w++) {
        msio_conv_tile(c, c->facts.subband[w].channels, tile);
        want(!c->equal_windows || (tile[0] > 0 && tile[1] > 0 && tile[2] > 0));
    }
    if (msio_conv_keywords(c, &count, &keyword)) return;
    for (int i = 0; i < count; i++) want(keyword[i].name && (keyword[i].values || keyword[i].count == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char earth[] = "2025 1 1 60950 0.1 0.2 0.3 0\n2025 1 2 60955 0.2 0.1 0.31 0\n";
    input in = {data, size};
    facts f = {.header = {.path = "fuzz"}};
    msio_conversion c = {.opts = MSIO_CONVERT_OPTS_INIT, .header = &f.header};
    c.opts.phase = (msio_convert_phase)take_below(&in, 5);
    c.opts.like_pyuvdata = take(&in) % 2;
    c.opts.imaging = (msio_convert_imaging)take_below(&in, 3);
    c.opts.ra = 1.25;
    c.opts.dec = 0.5;
    take_windows(&in, &f, &c.facts);
    take_antennas(&in, &f, &c.facts);
    take_header(&in, &f);
    take_centres(&in, &f, &c.facts);
    take_rows(&in, &f, &c);
    c.facts.header = &f.header;
    msio_status status =
        take(&in) % 2 ? msio_earth_parse(earth, (int64_t)strlen(earth), "earth", NAN, NAN, &c.earth) : MSIO_OK;
    if (!status) status = msio_conv_take_in(&c);
    if (!status) status = msio_conv_choose_phase(&c);
    if (!status) status = msio_conv_fields(&c);
    if (!status) check(&c);
    msio_earth_free(c.earth);
    msio_arena_free(&c.arena);
    return 0;
}
