/* convert_subtables.c - the subtables of a converted Measurement Set, one function each. */
#include "core/checked.h"
#include "core/error.h"
#include "core/sorting.h"
#include "io/convert/conversion.h"
#include "io/ms/ms_fill.h"
#include "io/ms/ms_make.h"

#include <ctype.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TOPO 5 /* casacore's MFrequency */
#define UNIX_MJD 40587.0

typedef struct filler {
    msio_conversion *c;
    msio_ms_filler to;
} filler;

static const int64_t one = 1, two = 2, three = 3, square[2] = {2, 2};
static const char *const nothing[1] = {""};
/* Columns of directions, and those that name the frames of their rows, where fields differ in them. */
static const char *const field_frames[3][2] = {
    {"PHASE_DIR", "PhaseDir_Ref"}, {"DELAY_DIR", "DelayDir_Ref"}, {"REFERENCE_DIR", "RefDir_Ref"}};
static const char *const source_frames[1][2] = {{"DIRECTION", "SourceDir_Ref"}};

static const char *telescope(const msio_conversion *c) {
    if (c->opts.telescope) return c->opts.telescope;
    return c->header->telescope_name ? c->header->telescope_name : "";
}

/* ---------------------------------------------------------------- antennas and feeds */

static void fill_antenna(filler *f) {
    static const double zeros[3];
    msio_ms_put_doubles(&f->to, "OFFSET", 1, &three, zeros);
    msio_ms_put_bool(&f->to, "FLAG_ROW", false);
    bool same = true;
    double diameter = 0;
    for (int i = 0; i < f->c->antennas; i++) {
        const msio_conv_antenna *a = &f->c->antenna[i];
        if (!a->name) continue;
        if (diameter == 0) diameter = a->diameter;
        same = same && a->diameter == diameter;
    }
    if (same) msio_ms_put_double(&f->to, "DISH_DIAMETER", diameter);
    for (int i = 0; i < f->c->antennas; i++) {
        const msio_conv_antenna *a = &f->c->antenna[i];
        msio_ms_put_text_cell(&f->to, "NAME", i, a->name ? a->name : "");
        msio_ms_put_text_cell(&f->to, "STATION", i, a->name ? a->name : "");
        msio_ms_put_text_cell(&f->to, "TYPE", i, "");
        msio_ms_put_text_cell(&f->to, "MOUNT", i, a->mount ? a->mount : "");
        msio_ms_put_cell(&f->to, "POSITION", i, 1, &three, a->position);
        if (!same) msio_ms_put_cell(&f->to, "DISH_DIAMETER", i, 0, NULL, &a->diameter);
    }
}

/* What the rows of FEED differ in: antenna by antenna, windows fastest. */
static void put_receptors(filler *f, int64_t windows, int64_t feeds) {
    const int64_t rows = f->to.rows;
    const msio_conversion *c = f->c;
    int32_t *number = malloc((size_t)rows * sizeof *number), *window = malloc((size_t)rows * sizeof *window);
    const char **letter = malloc((size_t)(rows * feeds) * sizeof *letter);
    double *angle = malloc((size_t)(rows * feeds) * sizeof *angle);
    char(*upper)[2][2] = calloc((size_t)c->antennas, sizeof *upper);
    if (!number || !window || !letter || !angle || !upper)
        f->to.status = msio_error_set(MSIO_E_MEMORY, NULL, "no memory for the antennas' receptors");
    for (int64_t row = 0; row < rows && !f->to.status; row++) {
        const msio_conv_antenna *a = &c->antenna[row / windows];
        number[row] = (int32_t)(row / windows);
        window[row] = (int32_t)(row % windows);
        for (int64_t i = 0; i < feeds; i++) {
            char *letters = upper[row / windows][i];
            letters[0] = (char)toupper((unsigned char)a->feed[i][0]);
            letter[row * feeds + i] = letters;
            angle[row * feeds + i] = a->feed_angle[i];
        }
    }
    msio_ms_put_all(&f->to, "ANTENNA_ID", 0, NULL, number);
    msio_ms_put_all(&f->to, "SPECTRAL_WINDOW_ID", 0, NULL, window);
    for (int64_t row = 0; row < rows; row++)
        msio_ms_put_texts_cell(&f->to, "POLARIZATION_TYPE", row, feeds, letter + row * feeds);
    msio_ms_put_all(&f->to, "RECEPTOR_ANGLE", 1, &feeds, angle);
    free(number);
    free(window);
    free(letter);
    free(angle);
    free(upper);
}

static void fill_feed(filler *f) {
    static const double zeros[4];
    const msio_conversion *c = f->c;
    const int64_t feeds = c->feeds, windows = c->windows;
    msio_ms_put_doubles(&f->to, "POSITION", 1, &three, zeros);
    msio_ms_put_doubles(&f->to, "BEAM_OFFSET", 2, square, zeros);
    msio_ms_put_same(&f->to, "POL_RESPONSE", sizeof(double), 2, square, zeros);
    msio_ms_put_int(&f->to, "BEAM_ID", -1);
    msio_ms_put_int(&f->to, "FEED_ID", 0);
    msio_ms_put_double(&f->to, "INTERVAL", DBL_MAX);
    msio_ms_put_int(&f->to, "NUM_RECEPTORS", (int32_t)feeds);
    msio_ms_put_double(&f->to, "TIME", c->median_time);
    put_receptors(f, windows, feeds);
}

/* ---------------------------------------------------------------- fields and sources */

static void fill_field(filler *f) {
    static const int64_t shape[2] = {1, 2};
    static const char *const directions[] = {"DELAY_DIR", "PHASE_DIR", "REFERENCE_DIR"};
    for (int64_t i = 0; i < f->to.rows; i++) {
        const msio_conv_field *field = &f->c->field[i];
        const double time = f->c->opts.like_pyuvdata ? f->c->median_time : field->time;
        for (int k = 0; k < 3; k++) msio_ms_put_cell(&f->to, directions[k], i, 2, shape, field->direction);
        msio_ms_put_cell(&f->to, "TIME", i, 0, NULL, &time);
        msio_ms_put_cell(&f->to, "SOURCE_ID", i, 0, NULL, &field->id);
        msio_ms_put_text_cell(&f->to, "NAME", i, field->name);
        for (int k = 0; k < 3 && f->c->mixed_frames; k++)
            msio_ms_put_cell(&f->to, field_frames[k][1], i, 0, NULL, &field->frame);
    }
    msio_ms_put_text_same(&f->to, "CODE", "");
    msio_ms_put_bool(&f->to, "FLAG_ROW", false);
    msio_ms_put_int(&f->to, "NUM_POLY", 0);
}

/* A field's rows of SOURCE: one, or one a time of its ephemeris. */
static int64_t source_rows(const msio_conv_field *field) { return field->ephemeris ? field->ephemeris->times : 1; }

static int64_t all_source_rows(const msio_conversion *c) {
    int64_t rows = 0;
    for (int i = 0; i < c->fields; i++) rows += source_rows(&c->field[i]);
    return rows;
}

/* How long a place of an ephemeris holds, as pyuvdata has it: its span by the steps in it. */
static double source_interval(const msio_conv_field *field) {
    const msio_uvh5_phase_center *p = field->ephemeris;
    if (!p || p->times < 2) return DBL_MAX;
    double least = INFINITY, most = -INFINITY;
    for (int64_t i = 0; i < p->times; i++) {
        least = fmin(least, msio_mjd_seconds(p->time[i]));
        most = fmax(most, msio_mjd_seconds(p->time[i]));
    }
    return (most - least) / (double)(p->times - 1);
}

static void put_source(filler *f, const msio_conv_field *field, int64_t row, int64_t i) {
    const msio_uvh5_phase_center *p = field->ephemeris;
    const double place[2] = {p ? p->lon[i] : field->direction[0], p ? p->lat[i] : field->direction[1]};
    const double time = p ? msio_mjd_seconds(p->time[i]) : f->c->median_time, interval = source_interval(field);
    msio_ms_put_cell(&f->to, "DIRECTION", row, 1, &two, place);
    msio_ms_put_cell(&f->to, "PROPER_MOTION", row, 1, &two, field->proper_motion);
    msio_ms_put_cell(&f->to, "SOURCE_ID", row, 0, NULL, &field->id);
    msio_ms_put_text_cell(&f->to, "NAME", row, field->name);
    msio_ms_put_cell(&f->to, "TIME", row, 0, NULL, &time);
    msio_ms_put_cell(&f->to, "INTERVAL", row, 0, NULL, &interval);
    if (f->c->mixed_frames && !f->c->opts.like_pyuvdata)
        msio_ms_put_cell(&f->to, source_frames[0][1], row, 0, NULL, &field->frame);
}

static void fill_source(filler *f) {
    int64_t row = 0;
    for (int i = 0; i < f->c->fields; i++)
        for (int64_t k = 0; k < source_rows(&f->c->field[i]); k++) put_source(f, &f->c->field[i], row++, k);
    msio_ms_put_int(&f->to, "SPECTRAL_WINDOW_ID", -1);
    msio_ms_put_int(&f->to, "NUM_LINES", 0);
    msio_ms_put_int(&f->to, "CALIBRATION_GROUP", 0);
    msio_ms_put_int(&f->to, "PULSAR_ID", 0);
    msio_ms_put_text_same(&f->to, "CODE", "");
}

/* ---------------------------------------------------------------- the data's axes */

static void fill_data_description(filler *f) {
    msio_ms_put_bool(&f->to, "FLAG_ROW", false);
    msio_ms_put_int(&f->to, "POLARIZATION_ID", 0);
    msio_ms_put_row_numbers(&f->to, "SPECTRAL_WINDOW_ID", 1);
}

/* Receptors of a correlation: of linear XX 9, XY 10, YX 11, YY 12; of circular RR 5, RL 6, LR 7, LL 8. Where only one
 * kind of hand is there, it is receptor 0. */
static void fill_polarization(filler *f) {
    const msio_conversion *c = f->c;
    const int64_t corrs = c->pols, shape[2] = {corrs, 2};
    int32_t product[4][2];
    bool first = false, second = false;
    for (int i = 0; i < c->pols; i++) {
        const int kind = (c->corr_type[i] - 1) % 4;
        product[i][0] = kind >= 2;
        product[i][1] = kind % 2;
        if (c->corr_type[i] <= 4) product[i][0] = product[i][1] = 0;
        first = first || product[i][0] == 0 || product[i][1] == 0;
        second = second || product[i][0] == 1 || product[i][1] == 1;
    }
    for (int i = 0; i < c->pols && !(first && second); i++) product[i][0] = product[i][1] = 0;
    msio_ms_put_same(&f->to, "CORR_TYPE", sizeof *c->corr_type, 1, &corrs, c->corr_type);
    msio_ms_put_same(&f->to, "CORR_PRODUCT", sizeof **product, 2, shape, product);
    msio_ms_put_bool(&f->to, "FLAG_ROW", false);
    msio_ms_put_int(&f->to, "NUM_CORR", (int32_t)corrs);
}

static void fill_window(filler *f, int64_t w) {
    static const char *const widths[] = {"CHAN_WIDTH", "EFFECTIVE_BW", "RESOLUTION"};
    const msio_subbands *facts = &f->c->facts;
    const msio_subband *band = &facts->subband[w];
    const double *frequency = facts->frequencies + band->channel, *width = facts->widths + band->channel;
    const int32_t channels = (int32_t)band->channels;
    double sum = 0;
    for (int64_t i = 0; i < band->channels; i++) sum += width[i];
    msio_ms_put_cell(&f->to, "CHAN_FREQ", w, 1, &band->channels, frequency);
    for (int i = 0; i < 3; i++) msio_ms_put_cell(&f->to, widths[i], w, 1, &band->channels, width);
    msio_ms_put_cell(&f->to, "REF_FREQUENCY", w, 0, NULL, frequency);
    msio_ms_put_cell(&f->to, "TOTAL_BANDWIDTH", w, 0, NULL, &sum);
    msio_ms_put_cell(&f->to, "NUM_CHAN", w, 0, NULL, &channels);
    msio_ms_put_text(&f->to, "NAME", w, "SPW%d", f->c->window_id[w]);
    msio_ms_put_cell(&f->to, "ASSOC_SPW_ID", w, 1, &one, &f->c->window_id[w]);
    msio_ms_put_texts_cell(&f->to, "ASSOC_NATURE", w, 1, nothing);
}

static void fill_spectral_window(filler *f) {
    msio_ms_put_int(&f->to, "MEAS_FREQ_REF", TOPO);
    for (int64_t w = 0; w < f->to.rows; w++) fill_window(f, w);
    msio_ms_put_bool(&f->to, "FLAG_ROW", false);
    msio_ms_put_int(&f->to, "FREQ_GROUP", 0);
    msio_ms_put_text_same(&f->to, "FREQ_GROUP_NAME", "");
    msio_ms_put_int(&f->to, "IF_CONV_CHAIN", 0);
    msio_ms_put_int(&f->to, "NET_SIDEBAND", 0);
}

/* ---------------------------------------------------------------- the observation */

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return UNIX_MJD * 86400 + (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Lines of the files' history. */
static int64_t count_lines(const char *text) {
    int64_t n = 0;
    while (text && *text) {
        const size_t length = strcspn(text, "\n");
        n++;
        text += length + (text[length] != '\0');
    }
    return n;
}

/* The history's lines, and one that says what was done here. */
static void fill_history(filler *f) {
    static const char *const phases[] = {"", "to each integration's meridian", "to a fixed centre", "to the zenith",
                                         "as the files are"};
    const char *text = f->c->header->history;
    int64_t row = 0;
    for (; text && *text && !f->to.status; row++) {
        const size_t length = strcspn(text, "\n");
        char *line = strndup(text, length);
        msio_ms_put_text_cell(&f->to, "MESSAGE", row, line ? line : "");
        free(line);
        text += length + (text[length] != '\0');
    }
    msio_ms_put_text(&f->to, "MESSAGE", row, "Converted by msio %s from %d UVH5 files, phased %s%s.",
                     MSIO_VERSION_STRING, f->c->windows, phases[f->c->phase],
                     f->c->earth || f->c->phase == MSIO_PHASE_NONE ? "" : ", UT1 taken for UTC");
    msio_ms_put_texts(&f->to, "APP_PARAMS", 1, nothing);
    msio_ms_put_texts(&f->to, "CLI_COMMAND", 1, nothing);
    msio_ms_put_text_same(&f->to, "APPLICATION", f->c->opts.like_pyuvdata ? "pyuvdata" : "msio");
    msio_ms_put_int(&f->to, "OBJECT_ID", 0);
    msio_ms_put_int(&f->to, "OBSERVATION_ID", -1);
    msio_ms_put_text_same(&f->to, "ORIGIN", "pyuvdata"); /* by which its readers know how DATA is conjugated */
    msio_ms_put_text_same(&f->to, "PRIORITY", "INFO");
    msio_ms_put_double(&f->to, "TIME", now());
}

/* From the first integration's begin to the last one's end. */
static void time_range(const msio_conversion *c, double range[2]) {
    const double *time = c->facts.times, *span = c->facts.integrations;
    range[0] = INFINITY;
    range[1] = -INFINITY;
    for (int64_t r = 0; r < c->rows; r++) {
        range[0] = fmin(range[0], msio_mjd_seconds(time[r]) - span[r] / 2);
        range[1] = fmax(range[1], msio_mjd_seconds(time[r]) + span[r] / 2);
    }
}

static const char *observer(const msio_conversion *c) {
    const msio_uvh5_header *h = c->header;
    for (int i = 0; i < h->extra_keywords; i++) {
        const msio_field *k = &h->extra_keyword[i];
        if (strcasecmp(k->name, "observer") == 0 && k->type == MSIO_STRING && k->count == 1 && k->strings)
            return k->strings[0];
    }
    return telescope(c);
}

static void fill_observation(filler *f) {
    double range[2] = {0, 0};
    if (!f->c->opts.like_pyuvdata) time_range(f->c, range);
    msio_ms_put_doubles(&f->to, "TIME_RANGE", 1, &two, range);
    msio_ms_put_bool(&f->to, "FLAG_ROW", false);
    msio_ms_put_text_same(&f->to, "OBSERVER", observer(f->c));
    msio_ms_put_text_same(&f->to, "PROJECT", "");
    msio_ms_put_double(&f->to, "RELEASE_DATE", 0);
    msio_ms_put_text_same(&f->to, "SCHEDULE_TYPE", "");
    msio_ms_put_text_same(&f->to, "TELESCOPE_NAME", telescope(f->c));
    msio_ms_put_doubles(&f->to, MSIO_MS_TELESCOPE_LOCATION, 1, &three, f->c->site.xyz);
}

/* The times that occur, ascending. */
static int64_t unique_times(const msio_conversion *c, double *times) {
    int64_t n = 0;
    memcpy(times, c->facts.times, (size_t)c->rows * sizeof *times);
    qsort(times, (size_t)c->rows, sizeof *times, msio_compare_doubles);
    for (int64_t r = 0; r < c->rows; r++)
        if (n == 0 || times[r] != times[n - 1]) times[n++] = times[r];
    return n;
}

/* The median of the integrations at one time. */
static double interval_at(const msio_conversion *c, double time, double *memory) {
    int64_t n = 0;
    for (int64_t r = 0; r < c->rows; r++)
        if (c->facts.times[r] == time) memory[n++] = c->facts.integrations[r];
    qsort(memory, (size_t)n, sizeof *memory, msio_compare_doubles);
    return memory[(n - 1) / 2] == memory[n / 2] ? memory[n / 2] : (memory[(n - 1) / 2] + memory[n / 2]) / 2;
}

/* As pyuvdata has it: every antenna at every time, to the zenith. Antennas that are not there are left out of none. */
static void fill_pointing(filler *f) {
    static const int64_t shape[2] = {2, 1};
    static const double zenith[2] = {0, M_PI / 2};
    const msio_conversion *c = f->c;
    double *times = malloc(2 * (size_t)c->rows * sizeof *times);
    if (!times) {
        f->to.status = msio_error_set(MSIO_E_MEMORY, NULL, "no memory for the rows' times");
        return;
    }
    const int64_t n = f->to.rows ? unique_times(c, times) : 0;
    for (int64_t t = 0; t < n && !f->to.status; t++) {
        const double time = msio_mjd_seconds(times[t]), interval = interval_at(c, times[t], times + c->rows);
        for (int32_t a = 0; a < c->antennas; a++) {
            const int64_t row = t * c->antennas + a;
            msio_ms_put_cell(&f->to, "ANTENNA_ID", row, 0, NULL, &a);
            msio_ms_put_cell(&f->to, "TIME", row, 0, NULL, &time);
            msio_ms_put_cell(&f->to, "TIME_ORIGIN", row, 0, NULL, &time);
            msio_ms_put_cell(&f->to, "INTERVAL", row, 0, NULL, &interval);
        }
    }
    free(times);
    msio_ms_put_text_same(&f->to, "NAME", "ZENITH");
    msio_ms_put_doubles(&f->to, "DIRECTION", 2, shape, zenith);
    msio_ms_put_doubles(&f->to, "TARGET", 2, shape, zenith);
    msio_ms_put_int(&f->to, "NUM_POLY", 0);
    msio_ms_put_bool(&f->to, "TRACKING", false);
}

static void fill_state(filler *f) {
    if (f->to.rows == 0) return;
    msio_ms_put_double(&f->to, "CAL", 0);
    msio_ms_put_double(&f->to, "LOAD", 0);
    msio_ms_put_text_same(&f->to, "OBS_MODE", "OBSERVE_TARGET#ON_SOURCE");
    msio_ms_put_bool(&f->to, "FLAG_ROW", false);
    msio_ms_put_bool(&f->to, "REF", false);
    msio_ms_put_bool(&f->to, "SIG", true);
    msio_ms_put_int(&f->to, "SUB_SCAN", 0);
}

static void fill_processor(filler *f) {
    if (f->to.rows == 0) return;
    msio_ms_put_bool(&f->to, "FLAG_ROW", false);
    msio_ms_put_int(&f->to, "MODE_ID", -1);
    msio_ms_put_int(&f->to, "TYPE_ID", -1);
    msio_ms_put_text_same(&f->to, "TYPE", "CORRELATOR");
    msio_ms_put_text_same(&f->to, "SUB_TYPE", "");
}

static void fill_nothing(filler *f) { (void)f; }

/* ---------------------------------------------------------------- all of them */

typedef struct subtable {
    const char *name;
    int64_t rows;
    void (*fill)(filler *);
    bool pointing;     /* the managers of pyuvdata's POINTING */
    const char *frame; /* of directions; NULL: the schema's */
    bool optional;     /* all columns of the schema, the optional ones too */
    const msio_ms_frames *frames;
} subtable;

static msio_status make_table(const msio_conversion *c, const char *path, const subtable *s, msio_casa_table **made) {
    static const msio_casa_manager_spec plain = {.type = "StandardStMan", .name = "StandardStMan"};
    static const msio_casa_manager_spec pointing[2] = {
        {.type = "IncrementalStMan", .name = "ISMPointing"},
        {.type = "StandardStMan", .name = "SSMPointing", .bucket_bytes = 32768}};
    static const uint8_t truths[2] = {0, 1};
    const msio_ms_table *table = msio_ms_table_find(s->name);
    const msio_casa_keyword_spec has_feed = {NULL, "pyuvdata_has_feed", MSIO_BOOL, -1, &truths[c->has_feeds], 0};
    const char *names[MSIO_MS_COLUMNS];
    int manager_of[MSIO_MS_COLUMNS] = {0};
    const int columns = s->optional ? table->columns : table->required;
    for (int i = 0; i < columns; i++) {
        names[i] = table->column[i].name;
        manager_of[i] = s->pointing && strcmp(names[i], "ANTENNA_ID") == 0;
    }
    const msio_ms_recipe recipe = {.path = path,
                                   .table = table,
                                   .rows = s->rows,
                                   .columns = columns,
                                   .name = names,
                                   .manager_of = manager_of,
                                   .managers = s->pointing ? 2 : 1,
                                   .manager = s->pointing ? pointing : &plain,
                                   .frame = s->frame,
                                   .frames = s->frames,
                                   .keywords = strcmp(s->name, "FEED") == 0,
                                   .keyword = &has_feed};
    return msio_ms_make(&recipe, made);
}

static msio_status make_subtable(msio_conversion *c, const char *path, msio_casa_table *parent, const subtable *s) {
    char folder[PATH_MAX];
    if (snprintf(folder, sizeof folder, "%s/%s", path, s->name) >= (int)sizeof folder)
        return msio_error_set(MSIO_E_ARGUMENT, path, "the path is too long for a subtable's");
    filler f = {c, {NULL, s->rows, MSIO_OK}};
    f.to.status = make_table(c, folder, s, &f.to.table);
    if (!f.to.status) s->fill(&f);
    if (!f.to.status) f.to.status = msio_casa_link(parent, s->name, f.to.table);
    if (!f.to.status) f.to.status = msio_casa_flush(f.to.table);
    msio_casa_close(f.to.table);
    return f.to.status;
}

static int64_t pointing_rows(const msio_conversion *c) {
    double *times = c->opts.like_pyuvdata ? malloc((size_t)c->rows * sizeof *times) : NULL;
    const int64_t rows = times ? unique_times(c, times) * c->antennas : 0;
    free(times);
    return rows;
}

msio_status msio_conv_subtables(msio_conversion *c, const char *path, msio_casa_table *table) {
    const bool like = c->opts.like_pyuvdata;
    int32_t code[64];
    for (int i = 0; i < msio_conv_frame_count; i++) code[i] = i;
    const msio_ms_frames of_fields = {msio_conv_frame_count, msio_conv_frames, code, 3, field_frames};
    const msio_ms_frames of_sources = {msio_conv_frame_count, msio_conv_frames, code, 1, source_frames};
    const subtable all[] = {
        {"ANTENNA", c->antennas, fill_antenna, .frame = NULL},
        {"DATA_DESCRIPTION", c->windows, fill_data_description, .frame = NULL},
        {"FEED", (int64_t)c->antennas * c->windows, fill_feed, .frame = NULL},
        {"FIELD", c->fields, fill_field, .frame = c->frame, .frames = c->mixed_frames ? &of_fields : NULL},
        {"FLAG_CMD", 0, fill_nothing, .frame = NULL},
        {"HISTORY", count_lines(c->header->history) + 1, fill_history, .frame = NULL},
        {"OBSERVATION", 1, fill_observation, .optional = true},
        {"POINTING", pointing_rows(c), fill_pointing, .pointing = true},
        {"POLARIZATION", 1, fill_polarization, .frame = NULL},
        {"PROCESSOR", !like, fill_processor, .frame = NULL},
        {"SOURCE", all_source_rows(c), fill_source, .optional = true, .frame = like ? NULL : c->frame,
         .frames = c->mixed_frames && !like ? &of_sources : NULL},
        {"SPECTRAL_WINDOW", c->windows, fill_spectral_window, .optional = true},
        {"STATE", !like, fill_state, .frame = NULL},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        msio_status status = make_subtable(c, path, table, &all[i]);
        if (status) return status;
    }
    return MSIO_OK;
}
