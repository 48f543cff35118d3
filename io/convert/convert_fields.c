/* convert_fields.c - where a conversion's rows look: fields, scans, and u, v, w.
 *
 * Rows of one time share an instant and, where they are phased anew, a place: rows are taken in the order of time.
 */
#include "core/checked.h"
#include "core/error.h"
#include "core/sorting.h"
#include "io/convert/conversion.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- which phase */

static bool is_place(double longitude, double latitude) { return isfinite(longitude) && fabs(latitude) <= 2; }

static bool is_ephemeris(const msio_uvh5_phase_center *p) { return p->type && strcmp(p->type, "ephem") == 0; }

/* Why a phase centre of the catalog cannot be a field as it is; NULL: it can. */
static const char *refused_center(const msio_uvh5_phase_center *p) {
    if (!p->type) return "of no type";
    if (strcmp(p->type, "sidereal") != 0 && !is_ephemeris(p)) return p->type;
    if (is_ephemeris(p) && (p->times < 1 || p->times != p->lons)) return "an ephemeris without times of its places";
    if (p->lons < 1 || p->lons != p->lats || (p->lons > 1 && !is_ephemeris(p))) return "without a place";
    for (int64_t i = 0; i < p->lons; i++)
        if (!is_place(p->lon[i], p->lat[i])) return "without a place";
    for (int64_t i = 0; i < p->times && is_ephemeris(p); i++)
        if (!isfinite(p->time[i])) return "an ephemeris without times of its places";
    return NULL;
}

/* The catalog's own word for what was never stopped. */
static bool all_are_unprojected(const msio_uvh5_header *h) {
    for (int64_t i = 0; i < h->phase_centers; i++)
        if (!h->phase_center[i].type || strcmp(h->phase_center[i].type, "unprojected") != 0) return false;
    return h->phase_centers > 0;
}

msio_status msio_conv_choose_phase(msio_conversion *c) {
    const msio_uvh5_header *h = c->header;
    bool projected = h->phase_type && strcmp(h->phase_type, "phased") == 0;
    if (h->phase_centers) projected = true;
    for (int64_t i = 0; i < h->phase_centers; i++) projected = projected && !refused_center(&h->phase_center[i]);
    const bool looks_somewhere = fabs(c->facts.phase_center[1]) <= 2;
    c->phase = c->opts.phase;
    if (c->phase == MSIO_PHASE_AUTO)
        c->phase = projected                                    ? MSIO_PHASE_NONE
                   : !looks_somewhere && all_are_unprojected(h) ? MSIO_PHASE_ZENITH
                                                                : MSIO_PHASE_MERIDIAN;
    if (c->phase == MSIO_PHASE_NONE && !projected && !h->phase_centers)
        return msio_error_set(MSIO_E_UNSUPPORTED, h->path,
                              "these visibilities drift, and a Measurement Set has no such field: phase them to their "
                              "meridian, the zenith or a centre");
    if ((c->phase == MSIO_PHASE_MERIDIAN || c->phase == MSIO_PHASE_CENTRE) && !looks_somewhere)
        return msio_error_set(
            MSIO_E_UNSUPPORTED, h->path,
            "the file does not say at which declination it looked (phase_center_app_dec, or the extra "
            "keyword phase_center_dec): phase it to the zenith");
    return MSIO_OK;
}

/* ---------------------------------------------------------------- fields of the catalog */

const char *const msio_conv_frames[] = {"J2000",     "JNAT",      "JMEAN",    "JTRUE",     "APP",       "B1950",
                                        "B1950_VLA", "BMEAN",     "BTRUE",    "GALACTIC",  "HADEC",     "AZEL",
                                        "AZELSW",    "AZELNE",    "AZELGEO",  "AZELSWGEO", "AZELNEGEO", "ECLIPTIC",
                                        "MECLIPTIC", "TECLIPTIC", "SUPERGAL", "ITRF",      "TOPO",      "ICRS"};
const int msio_conv_frame_count = (int)(sizeof msio_conv_frames / sizeof *msio_conv_frames);
enum { J2000 = 0, APP = 4, B1950 = 5, B1950_VLA = 6, ICRS = 23 };

/* casacore's number of a frame; -1: it has none. */
static int frame_of(const char *frame, double epoch) {
    if (!frame || !*frame || strcmp(frame, "icrs") == 0) return ICRS;
    if (strcmp(frame, "gcrs") == 0) return APP;
    if (strcmp(frame, "fk5") == 0 && (isnan(epoch) || epoch == 2000)) return J2000;
    if (strcmp(frame, "fk4") == 0 && (isnan(epoch) || epoch == 1950)) return B1950;
    if (strcmp(frame, "fk4") == 0 && epoch == 1979) return B1950_VLA;
    return -1;
}

/* The columns that name frames are made where two fields differ in theirs. */
static msio_status set_frame(msio_conversion *c, msio_conv_field *field, const char *frame, double epoch) {
    const int found = frame_of(frame, epoch);
    if (found < 0)
        return msio_error_set(MSIO_E_UNSUPPORTED, c->header->path,
                              "phase centre %s is in frame %s of epoch %g, which casacore has not", field->name, frame,
                              epoch);
    field->frame = found;
    if (!c->frame) c->frame = msio_conv_frames[found];
    c->mixed_frames = c->mixed_frames || found != c->field[0].frame;
    return MSIO_OK;
}

/* A field stands in the middle of its ephemeris, axis by axis. */
static msio_status middle(const msio_conversion *c, int64_t n, const double *values, double *value) {
    double *sorted = malloc((size_t)n * sizeof *sorted);
    if (!sorted) return msio_error_set(MSIO_E_MEMORY, c->header->path, "no memory for an ephemeris");
    memcpy(sorted, values, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, msio_compare_doubles);
    *value = n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
    free(sorted);
    return MSIO_OK;
}

static msio_status take_center(msio_conversion *c, int i) {
    const msio_uvh5_phase_center *p = &c->header->phase_center[i];
    const char *name = p->name ? p->name : "";
    if (refused_center(p))
        return msio_error_set(MSIO_E_UNSUPPORTED, c->header->path,
                              "phase centre %s is %s, which a Measurement Set has no field for: phase it to the "
                              "meridian, the zenith or a centre",
                              name, refused_center(p));
    msio_conv_field *field = &c->field[i];
    *field = (msio_conv_field){.name = name, .id = p->id, .ephemeris = is_ephemeris(p) ? p : NULL};
    if (isfinite(p->pm_ra)) field->proper_motion[0] = field->proper_motion[1] = p->pm_ra;
    msio_status status = middle(c, p->lons, p->lon, &field->direction[0]);
    if (!status) status = middle(c, p->lats, p->lat, &field->direction[1]);
    return status ? status : set_frame(c, field, p->frame, p->epoch);
}

/* One place in an older file: its rows are taken as they are. */
static msio_status take_old_center(msio_conversion *c) {
    const msio_uvh5_header *h = c->header;
    if (!is_place(h->phase_center_ra, h->phase_center_dec))
        return msio_error_set(MSIO_E_FORMAT, h->path,
                              "phase_center_ra and phase_center_dec, (%g, %g) rad, are no place in the sky",
                              h->phase_center_ra, h->phase_center_dec);
    c->field[0] = (msio_conv_field){.name = h->object_name ? h->object_name : "",
                                    .direction = {h->phase_center_ra, h->phase_center_dec}};
    return set_frame(c, &c->field[0], h->phase_center_frame, h->phase_center_epoch);
}

/* The field of each row, by the number that its file says; rows of one field often follow each other. */
static msio_status place_rows(msio_conversion *c, const int32_t *id) {
    if (!id && c->fields > 1)
        return msio_error_set(MSIO_E_FORMAT, c->header->path,
                              "phase_center_catalog has %d phase centres, and no phase_center_id_array says which of "
                              "them a row is of",
                              c->fields);
    for (int64_t r = 0; r < c->rows && id; r++) {
        int f = r && id[r] == id[r - 1] ? c->field_id[r - 1] : 0;
        while (f < c->fields && c->field[f].id != id[r]) f++;
        if (f == c->fields)
            return msio_error_set(MSIO_E_FORMAT, c->header->path,
                                  "row %lld is of phase centre %d, which phase_center_catalog has not", (long long)r,
                                  id[r]);
        c->field_id[r] = f;
    }
    return MSIO_OK;
}

static msio_status fields_of_file(msio_conversion *c) {
    const msio_uvh5_header *h = c->header;
    msio_status status = MSIO_OK;
    c->fields = h->phase_centers ? (int)h->phase_centers : 1;
    c->field = msio_conv_memory(c, c->fields, sizeof *c->field, &status);
    if (!status && !h->phase_centers) status = take_old_center(c);
    for (int i = 0; i < h->phase_centers && !status; i++) status = take_center(c, i);
    if (!status) status = place_rows(c, h->phase_centers ? c->more.phase_center_id : NULL);
    for (int64_t r = 0; r < c->rows && !status; r++)
        for (int axis = 0; axis < 3; axis++) c->uvw[r][axis] = c->facts.uvw[r * 3 + axis];
    return status;
}

/* ---------------------------------------------------------------- rows by time */

typedef struct timed_row {
    double time;
    int64_t row;
} timed_row;

static int compare_times(const void *a, const void *b) {
    const timed_row *x = a, *y = b;
    if (x->time != y->time) return x->time < y->time ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static timed_row *rows_by_time(const msio_conversion *c, int64_t *times) {
    timed_row *sorted = malloc((size_t)c->rows * sizeof *sorted);
    if (!sorted) return NULL;
    bool ascending = true;
    for (int64_t r = 0; r < c->rows; r++) {
        sorted[r] = (timed_row){c->facts.times[r], r};
        ascending = ascending && (r == 0 || c->facts.times[r] >= c->facts.times[r - 1]);
    }
    if (!ascending) qsort(sorted, (size_t)c->rows, sizeof *sorted, compare_times);
    *times = 1;
    for (int64_t r = 1; r < c->rows; r++) *times += sorted[r].time != sorted[r - 1].time;
    return sorted;
}

/* ---------------------------------------------------------------- phased anew */

/* What the rows of one time need. */
typedef struct looking {
    msio_conversion *c;
    const double (*offset)[3];   /* [antennas]: of their positions */
    double (*uvw)[3], (*was)[3]; /* [antennas]: at the new place; at the meridian */
    const double *lst;           /* [rows]: the file's; NULL: it has none */
} looking;

/* The fields that there will be; the meridian's have a name and a place each time. */
static msio_status make_fields(msio_conversion *c, int64_t times) {
    msio_status status = MSIO_OK;
    c->frame = "ICRS";
    c->fields = c->phase == MSIO_PHASE_MERIDIAN ? (int)times : 1;
    c->field = msio_conv_memory(c, c->fields, sizeof *c->field, &status);
    return status;
}

static msio_status name_field(msio_conversion *c, int i, int32_t id, const char *format, double number) {
    char text[64];
    const int n = snprintf(text, sizeof text, format, number);
    c->field[i].name = msio_arena_text(&c->arena, text, n);
    c->field[i].id = id;
    return c->field[i].name ? MSIO_OK : msio_error_set(MSIO_E_MEMORY, NULL, "no memory for names of fields");
}

/* The one field of a fixed centre or the zenith, which is that at the first row's time. */
static msio_status make_only_field(msio_conversion *c) {
    msio_instant first;
    msio_status status;
    if (c->phase == MSIO_PHASE_CENTRE) {
        c->field[0] = (msio_conv_field){.direction = {c->opts.ra, c->opts.dec}};
        return name_field(c, 0, 0, "centre", 0);
    }
    status = msio_instant_make(c->facts.times[0], &c->site, c->earth, &first);
    if (!status) msio_zenith_place(&first, c->field[0].direction);
    if (!status) status = name_field(c, 0, 1, "zenith_at_jd%f", c->facts.times[0]);
    return status;
}

/* More antennas and times than so many a row are no array's. */
#define MOST_DELAYS_A_ROW 4

/* Memory for what antennas' visibilities are turned by. */
static msio_status take_delays(msio_conversion *c, int64_t times) {
    msio_status status = MSIO_OK;
    c->delay = msio_conv_memory(c, c->rows, sizeof *c->delay, &status);
    if (times > MOST_DELAYS_A_ROW * c->rows / c->antennas) return status;
    c->antenna_delay = msio_conv_memory(c, times * c->antennas, sizeof *c->antenna_delay, &status);
    c->time_of = msio_conv_memory(c, c->rows, sizeof *c->time_of, &status);
    return status;
}

static void keep_delays(const looking *l, int t) {
    msio_conversion *c = l->c;
    for (int i = 0; i < c->antennas && c->antenna_delay; i++)
        c->antenna_delay[(int64_t)t * c->antennas + i] =
            l->uvw[i][2] - (c->phase == MSIO_PHASE_CENTRE ? l->was[i][2] : 0);
}

/* The antennas' u, v, w of one time, and by how much w changes where visibilities are turned. */
static msio_status look(const looking *l, double time, int64_t first_row, int t) {
    msio_conversion *c = l->c;
    msio_instant at;
    msio_apparent place;
    double meridian[2];
    msio_status status = msio_instant_make(time, &c->site, c->earth, &at);
    if (status) return status;
    if (c->phase != MSIO_PHASE_ZENITH) msio_meridian_place(&at, c->facts.phase_center[1], meridian);
    const int f = c->phase == MSIO_PHASE_MERIDIAN ? t : 0;
    if (c->phase == MSIO_PHASE_MERIDIAN) {
        memcpy(c->field[f].direction, meridian, sizeof meridian);
        status = name_field(c, f, f, "meridian_icrs_t%.0f", f);
    }
    if (status) return status;
    msio_apparent_place(&at, c->field[f].direction, &place);
    if (l->lst && isfinite(l->lst[first_row])) at.lst = l->lst[first_row];
    msio_antennas_uvw(&c->site, &at, &place, c->antennas, l->offset, l->uvw);
    if (c->phase != MSIO_PHASE_CENTRE) return MSIO_OK;
    msio_apparent_place(&at, meridian, &place);
    msio_antennas_uvw(&c->site, &at, &place, c->antennas, l->offset, l->was);
    return MSIO_OK;
}

static msio_status place_row(const looking *l, int64_t r, int t) {
    msio_conversion *c = l->c;
    const int32_t a = c->facts.antenna1[r], b = c->facts.antenna2[r];
    c->field_id[r] = c->phase == MSIO_PHASE_MERIDIAN ? t : 0;
    for (int axis = 0; axis < 3; axis++) c->uvw[r][axis] = l->uvw[b][axis] - l->uvw[a][axis];
    if (c->phase == MSIO_PHASE_CENTRE) c->delay[r] = c->uvw[r][2] - (l->was[b][2] - l->was[a][2]);
    if (c->phase == MSIO_PHASE_ZENITH) c->delay[r] = c->uvw[r][2];
    if (c->time_of) c->time_of[r] = t;
    if (isfinite(c->uvw[r][0] + c->uvw[r][1] + c->uvw[r][2] + (c->delay ? c->delay[r] : 0))) return MSIO_OK;
    return msio_error_set(MSIO_E_FORMAT, c->header->path,
                          "row %lld is of antennas %d and %d, whose positions are no numbers", (long long)r, a, b);
}

static msio_status place_times(const looking *l, const timed_row *sorted) {
    msio_status status = MSIO_OK;
    int t = -1;
    for (int64_t i = 0; i < l->c->rows && !status; i++) {
        if (i == 0 || sorted[i].time != sorted[i - 1].time) {
            status = look(l, sorted[i].time, sorted[i].row, ++t);
            keep_delays(l, t);
        }
        if (!status) status = place_row(l, sorted[i].row, t);
    }
    return status;
}

static msio_status phase_anew(msio_conversion *c) {
    int64_t times = 0;
    timed_row *sorted = rows_by_time(c, &times);
    msio_status status = sorted ? MSIO_OK : msio_error_set(MSIO_E_MEMORY, NULL, "no memory for the rows' order");
    if (!status) status = make_fields(c, times);
    double(*memory)[3] = msio_conv_memory(c, 3 * (int64_t)c->antennas, sizeof *memory, &status);
    if (!status && c->phase != MSIO_PHASE_MERIDIAN) status = take_delays(c, times);
    if (!status && c->phase != MSIO_PHASE_MERIDIAN) status = make_only_field(c);
    if (!status) {
        for (int i = 0; i < c->antennas; i++) memcpy(memory[i], c->antenna[i].offset, sizeof *memory);
        const looking l = {c, (const double(*)[3])memory, memory + c->antennas, memory + 2 * c->antennas, c->more.lst};
        status = place_times(&l, sorted);
    }
    free(sorted);
    return status;
}

/* ---------------------------------------------------------------- both */

/* A field's time is its first row's; a scan is a run of rows on one field. */
static void number_scans(msio_conversion *c) {
    int32_t scan = 0;
    for (int64_t r = 0; r < c->rows; r++) {
        msio_conv_field *field = &c->field[c->field_id[r]];
        if (field->time == 0) field->time = msio_mjd_seconds(c->facts.times[r]);
        if (r == 0 || c->field_id[r] != c->field_id[r - 1]) scan++;
        c->scan[r] = scan;
    }
}

/* pyuvdata's u, v, w point the other way; a row that is turned has been turned before. */
static void sign_uvw(msio_conversion *c) {
    for (int64_t r = 0; r < c->rows; r++)
        for (int axis = 0; axis < 3 && !(c->turned && c->turned[r]); axis++) c->uvw[r][axis] = -c->uvw[r][axis];
}

msio_status msio_conv_fields(msio_conversion *c) {
    msio_status status = MSIO_OK;
    c->uvw = msio_conv_memory(c, c->rows, sizeof *c->uvw, &status);
    c->field_id = msio_conv_memory(c, c->rows, sizeof *c->field_id, &status);
    c->scan = msio_conv_memory(c, c->rows, sizeof *c->scan, &status);
    if (!status) status = c->phase == MSIO_PHASE_NONE ? fields_of_file(c) : phase_anew(c);
    if (status) return status;
    number_scans(c);
    sign_uvw(c);
    return MSIO_OK;
}
