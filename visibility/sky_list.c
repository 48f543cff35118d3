/* sky_list.c - models of the sky in CASA's component lists, which are casacore tables (CASA's ComponentList, "CASA User
 * Reference", tool componentlist; the columns are those that CASA 6 writes). */
#include "core/checked.h"
#include "core/error.h"
#include "visibility/sky.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PI 3.14159265358979323846
#define CHUNK 4096 /* rows that are read at once */

enum {
    FLUX,
    FLUX_UNIT,
    FLUX_POLARISATION,
    SHAPE,
    SHAPE_PARAMETERS,
    DIRECTION,
    DIRECTION_FRAME,
    SPECTRUM,
    SPECTRUM_PARAMETERS,
    FREQUENCY,
    FREQUENCY_FRAME,
    LABEL,
    COLUMNS
};

/* What each column holds; unit: of its keyword QuantumUnits, where it has that. */
static const struct {
    const char *name;
    msio_type type;
    const char *unit;
} wanted[COLUMNS] = {
    [FLUX] = {"Flux", MSIO_DCOMPLEX, NULL},
    [FLUX_UNIT] = {"Flux_Unit", MSIO_STRING, NULL},
    [FLUX_POLARISATION] = {"Flux_Polarisation", MSIO_STRING, NULL},
    [SHAPE] = {"Shape", MSIO_STRING, NULL},
    [SHAPE_PARAMETERS] = {"Shape_Parameters", MSIO_DOUBLE, NULL},
    [DIRECTION] = {"Reference_Direction", MSIO_DOUBLE, "rad"},
    [DIRECTION_FRAME] = {"Direction_Frame", MSIO_STRING, NULL},
    [SPECTRUM] = {"Spectrum_Shape", MSIO_STRING, NULL},
    [SPECTRUM_PARAMETERS] = {"Spectral_Parameters", MSIO_DOUBLE, NULL},
    [FREQUENCY] = {"Reference_Frequency", MSIO_DOUBLE, "Hz"},
    [FREQUENCY_FRAME] = {"Frequency_Frame", MSIO_STRING, NULL},
    [LABEL] = {"Label", MSIO_STRING, NULL},
};

typedef struct reader {
    const char *path;
    msio_table *table;
    const msio_column *column[COLUMNS];
    msio_ragged cells[COLUMNS]; /* of the rows under way */
    int64_t first, row;         /* the first of them, and the one that is read */
    msio_sky *sky;
    msio_status status;
} reader;

/* ---------------------------------------------------------------- cells */

/* Notes a failure at the row, unless there is one already. */
static void fail(reader *r, msio_status code, const char *format, ...) MSIO_PRINTF(3, 4);
static void fail(reader *r, msio_status code, const char *format, ...) {
    char text[400];
    va_list arguments;
    if (r->status) return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    r->status = msio_error_set(code, r->path, "component %lld: %s", (long long)r->row, text);
}

/* The row's text, cut where it is too long for any word that is known. */
static const char *text_of(reader *r, int column, char *text, size_t room) {
    const msio_ragged *c = &r->cells[column];
    const int64_t i = r->row - r->first, element = c->offsets[i];
    text[0] = '\0';
    if (c->offsets[i + 1] - element != 1) {
        if (column != LABEL) fail(r, MSIO_E_FORMAT, "%s was never written", wanted[column].name);
        return text;
    }
    const int64_t from = c->text_offsets[element],
                  length = msio_min(c->text_offsets[element + 1] - from, (int64_t)room - 1);
    if (length > 0) memcpy(text, c->text + from, (size_t)length); /* of empty texts alone there is no memory */
    text[length] = '\0';
    for (char *at = text; *at && column != LABEL; at++) /* words are plain, whatever the file holds */
        if (*at < ' ' || *at > '~') *at = '?';
    return text;
}

/* The row's numbers, `count` of them (complex ones are two); NULL where there are others. */
static const double *numbers_of(reader *r, int column, int64_t count) {
    const msio_ragged *c = &r->cells[column];
    const int64_t i = r->row - r->first, from = c->offsets[i], found = c->offsets[i + 1] - from;
    const int parts = wanted[column].type == MSIO_DCOMPLEX ? 2 : 1;
    const double *number = (const double *)c->data + from * parts;
    if (found * parts != count)
        fail(r, MSIO_E_FORMAT, "%s has %lld numbers, not %lld", wanted[column].name, (long long)found,
             (long long)(count / parts));
    for (int64_t k = 0; k < count && !r->status; k++)
        if (!isfinite(number[k])) fail(r, MSIO_E_FORMAT, "%s holds what is no finite number", wanted[column].name);
    return r->status ? NULL : number;
}

/* ---------------------------------------------------------------- what the cells mean */

/* "Jy" with or without a prefix, as a factor to Jy. */
static double unit_of(reader *r) {
    static const struct {
        const char *unit;
        double factor;
    } units[] = {{"Jy", 1.0}, {"mJy", 1e-3}, {"uJy", 1e-6}, {"nJy", 1e-9}, {"kJy", 1e3}, {"MJy", 1e6}};
    char text[32];
    text_of(r, FLUX_UNIT, text, sizeof text);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(text, units[i].unit) == 0) return units[i].factor;
    fail(r, MSIO_E_UNSUPPORTED, "fluxes in \"%s\" are not done, those in Jy are, also with n, u, m, k or M", text);
    return 0.0;
}

/* Sums and differences of two complex numbers, halved. */
static void halve(const double *a, const double *b, double sum[2], double difference[2]) {
    for (int k = 0; k < 2; k++) {
        sum[k] = (a[k] + b[k]) / 2.0;
        difference[k] = (a[k] - b[k]) / 2.0;
    }
}

/* The four values as complex I, Q, U, V. */
static int to_stokes(const char *polarisation, const double *flux, double stokes[4][2]) {
    double turned[2];
    if (strcasecmp(polarisation, "Stokes") == 0) {
        memcpy(stokes, flux, 8 * sizeof *flux);
        return 1;
    }
    if (strcasecmp(polarisation, "Linear") == 0) { /* XX, XY, YX, YY */
        halve(flux, flux + 6, stokes[0], stokes[1]);
        halve(flux + 2, flux + 4, stokes[2], turned);
        stokes[3][0] = turned[1];
        stokes[3][1] = -turned[0];
        return 1;
    }
    if (strcasecmp(polarisation, "Circular") != 0) return 0; /* RR, RL, LR, LL */
    halve(flux, flux + 6, stokes[0], stokes[3]);
    halve(flux + 2, flux + 4, stokes[1], turned);
    stokes[2][0] = turned[1];
    stokes[2][1] = -turned[0];
    return 1;
}

static void read_flux(reader *r, msio_sky_component *c) {
    char polarisation[32];
    double stokes[4][2] = {{0}}, largest = 0.0;
    const double factor = unit_of(r), *flux = numbers_of(r, FLUX, 8);
    text_of(r, FLUX_POLARISATION, polarisation, sizeof polarisation);
    if (r->status) return;
    if (!to_stokes(polarisation, flux, stokes))
        fail(r, MSIO_E_UNSUPPORTED, "the polarisation \"%s\" is not known, Stokes, Linear and Circular are",
             polarisation);
    for (int p = 0; p < 4; p++) largest = fmax(largest, fabs(stokes[p][0]));
    for (int p = 0; p < 4; p++) {
        if (fabs(stokes[p][1]) > 1e-6 * largest)
            fail(r, MSIO_E_UNSUPPORTED, "its fluxes make Stokes parameters that are not real");
        c->stokes[p] = factor * stokes[p][0];
        if (!isfinite(c->stokes[p])) fail(r, MSIO_E_FORMAT, "its fluxes are beyond all numbers");
    }
}

static void read_shape(reader *r, msio_sky_component *c) {
    char shape[64];
    text_of(r, SHAPE, shape, sizeof shape);
    if (r->status) return;
    if (strcasecmp(shape, "Point") == 0) {
        c->shape = MSIO_SKY_POINT;
        return;
    }
    if (strcasecmp(shape, "Gaussian") != 0) {
        fail(r, MSIO_E_UNSUPPORTED, "the shape \"%s\" is not done, Point and Gaussian are", shape);
        return;
    }
    const double *p = numbers_of(r, SHAPE_PARAMETERS, 3);
    if (!p) return;
    c->shape = MSIO_SKY_GAUSSIAN;
    c->major = p[0];
    c->minor = p[1];
    c->angle = p[2];
    if (c->major < 0.0 || c->minor < 0.0 || c->major > PI || c->minor > PI)
        fail(r, MSIO_E_FORMAT, "a Gaussian's axis is from 0 to 180 degrees");
}

/* A direction in galactic coordinates to J2000: the axes as casacore's measures have them (the pole of the IAU of 1958
 * as the Hipparcos catalogue gives it), to 1e-9 rad. */
static void from_galactic(msio_sky_component *c) {
    static const double axis[3][3] = {{-0.05487776210, 0.49410832141, -0.86766663986},
                                      {-0.87343695908, -0.44483086101, -0.19807418711},
                                      {-0.48383500260, 0.74698224330, 0.45598379190}};
    const double from[3] = {cos(c->dec) * cos(c->ra), cos(c->dec) * sin(c->ra), sin(c->dec)};
    double to[3] = {0};
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++) to[i] += axis[i][k] * from[k];
    c->ra = atan2(to[1], to[0]);
    c->dec = atan2(to[2], hypot(to[0], to[1]));
}

static void read_direction(reader *r, msio_sky_component *c) {
    char frame[32];
    const double *direction = numbers_of(r, DIRECTION, 2);
    text_of(r, DIRECTION_FRAME, frame, sizeof frame);
    if (r->status) return;
    const int galactic = strcmp(frame, "GALACTIC") == 0;
    if (!galactic && strcmp(frame, "J2000") != 0 && strcmp(frame, "ICRS") != 0)
        fail(r, MSIO_E_UNSUPPORTED,
             "directions in the frame \"%s\" are not done, J2000, ICRS and GALACTIC are: CASA's componentlist tool and "
             "its measures convert them",
             frame);
    if (galactic && c->shape != MSIO_SKY_POINT)
        fail(r, MSIO_E_UNSUPPORTED,
             "a Gaussian in the frame \"GALACTIC\" is not done, whose angle would be from another north; points are");
    c->ra = direction[0];
    c->dec = direction[1];
    if (fabs(c->dec) > PI / 2)
        fail(r, MSIO_E_FORMAT, "its %s lies beyond 90 degrees", galactic ? "latitude" : "declination");
    if (fabs(c->ra) > 4 * PI)
        fail(r, MSIO_E_FORMAT, "its %s lies beyond 360 degrees", galactic ? "longitude" : "right ascension");
    if (galactic && !r->status) from_galactic(c);
}

/* Frames that move by less than 50 km/s against each other, so that a flux differs by less than 2e-4 times the index.
 */
static int is_near_frame(const char *frame) {
    static const char *const near[] = {"TOPO", "GEO", "BARY", "LSRK", "LSRD"};
    for (size_t i = 0; i < sizeof near / sizeof *near; i++)
        if (strcmp(frame, near[i]) == 0) return 1;
    return 0;
}

static void read_spectrum(reader *r, msio_sky_component *c, double *term) {
    char shape[64], frame[32];
    text_of(r, SPECTRUM, shape, sizeof shape);
    if (r->status || strcasecmp(shape, "Constant") == 0) return;
    if (strcasecmp(shape, "Spectral Index") != 0) {
        fail(r, MSIO_E_UNSUPPORTED, "the spectrum \"%s\" is not done, Constant and Spectral Index are", shape);
        return;
    }
    const double *index = numbers_of(r, SPECTRUM_PARAMETERS, 1), *frequency = numbers_of(r, FREQUENCY, 1);
    text_of(r, FREQUENCY_FRAME, frame, sizeof frame);
    if (r->status) return;
    if (!is_near_frame(frame))
        fail(r, MSIO_E_UNSUPPORTED,
             "reference frequencies in the frame \"%s\" are not done, TOPO, GEO, BARY, LSRK and "
             "LSRD are",
             frame);
    if (c->stokes[1] != 0.0 || c->stokes[2] != 0.0 || c->stokes[3] != 0.0)
        fail(r, MSIO_E_UNSUPPORTED,
             "a spectral index with Q, U or V is not done: what these do with frequency stands in a "
             "record that is not read");
    if (!(*frequency > 0.0)) fail(r, MSIO_E_FORMAT, "a spectral index needs a reference frequency above 0");
    if (fabs(*index) > 100.0) fail(r, MSIO_E_FORMAT, "its spectral index is beyond 100");
    *term = *index;
    c->logarithmic = 1;
    c->terms = *index != 0.0;
    c->term = term;
    c->reference_frequency = c->terms ? *frequency : 0.0;
}

static void read_component(reader *r) {
    char label[256];
    double term = 0.0;
    msio_sky_component c = {.name = text_of(r, LABEL, label, sizeof label)};
    read_flux(r, &c);
    read_shape(r, &c);
    read_direction(r, &c);
    read_spectrum(r, &c, &term);
    if (!r->status) r->status = msio_sky_add(r->sky, r->path, &c);
}

/* ---------------------------------------------------------------- the table */

/* Units other than those that CASA writes would have to be converted. */
static msio_status check_unit(const reader *r, int which) {
    const msio_field *units = msio_record_find(msio_column_keywords(r->column[which]), "QuantumUnits");
    if (!wanted[which].unit || !units) return MSIO_OK;
    for (int64_t i = 0; units->type == MSIO_STRING && i < units->count; i++)
        if (strcmp(units->strings[i], wanted[which].unit) != 0)
            return msio_error_set(MSIO_E_UNSUPPORTED, r->path, "%s is in \"%s\", not in %s", wanted[which].name,
                                  units->strings[i], wanted[which].unit);
    return MSIO_OK;
}

static msio_status find_columns(reader *r) {
    for (int c = 0; c < COLUMNS; c++) {
        if (msio_table_column(r->table, wanted[c].name, &r->column[c]))
            return msio_error_set(MSIO_E_FORMAT, r->path, "this is no component list of CASA's: it has no column %s",
                                  wanted[c].name);
        const msio_column_info *info = msio_column_describe(r->column[c]);
        if (!info) return msio_last_error()->code;
        if (info->type != wanted[c].type)
            return msio_error_set(MSIO_E_FORMAT, r->path, "%s holds %s, in a component list %s", wanted[c].name,
                                  msio_type_name(info->type), msio_type_name(wanted[c].type));
        msio_status status = check_unit(r, c);
        if (status) return status;
    }
    return MSIO_OK;
}

static void read_rows(reader *r, int64_t rows) {
    msio_select select = MSIO_SELECT_ALL;
    select.row = r->first;
    select.rows = rows;
    for (int c = 0; c < COLUMNS && !r->status; c++)
        r->status = msio_read_ragged(r->column[c], &select, &r->cells[c], NULL);
    for (r->row = r->first; r->row < r->first + rows && !r->status; r->row++) read_component(r);
    for (int c = 0; c < COLUMNS; c++) {
        msio_ragged_free(&r->cells[c]);
        r->cells[c] = (msio_ragged){0};
    }
}

static void read_table(reader *r) {
    const int64_t rows = msio_table_rows(r->table);
    r->status = find_columns(r);
    if (!r->status && rows == 0)
        r->status = msio_error_set(MSIO_E_FORMAT, r->path, "no component in this model of the sky");
    if (!r->status && rows > MSIO_SKY_MOST)
        r->status = msio_error_set(MSIO_E_SIZE, r->path, "%lld components: %lld are taken", (long long)rows,
                                   (long long)MSIO_SKY_MOST);
    for (; r->first < rows && !r->status; r->first += CHUNK) read_rows(r, msio_min(CHUNK, rows - r->first));
}

msio_status msio_sky_list_open(const char *path, msio_sky **sky) {
    msio_open_opts opts = MSIO_OPEN_OPTS_INIT;
    reader r = {.path = path};
    msio_status status = msio_table_open(path, &opts, &r.table);
    if (status) return status;
    r.sky = msio_sky_new(path);
    r.status = r.sky ? msio_table_hold(r.table) : MSIO_E_MEMORY;
    const int held = !r.status;
    if (!r.status) read_table(&r);
    msio_error_copy error;
    if (r.status) msio_error_save(&error);
    if (held) msio_table_release(r.table);
    msio_table_close(r.table);
    if (r.status) {
        msio_sky_free(r.sky);
        return msio_error_restore(&error);
    }
    *sky = r.sky;
    return MSIO_OK;
}
