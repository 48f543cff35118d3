/* convert_tables.c - the main table of a conversion: columns and their managers, keywords, and the columns whose values
 * repeat from row to row. */
#include "core/checked.h"
#include "core/error.h"
#include "io/convert/conversion.h"
#include "io/ms/ms_make.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* casacore's own size of a tile, in elements, and from where on it cuts a cell. */
#define TILE_ELEMENTS 32768
#define WHOLE_CELL 131072
/* Bytes of the buckets of StandardStMan's columns: pyuvdata's, of which each holds 32 numbers, and ours. */
#define SMALL_BUCKET 128
#define BUCKET 32768

/* ---------------------------------------------------------------- columns */

typedef enum manager_kind { KIND_COLUMN, KIND_SHAPE, KIND_STANDARD, KIND_INCREMENTAL } manager_kind;

static const struct {
    const char *name, *manager;
    manager_kind kind;
    int cell; /* 2: channels and correlations; 1: correlations; -1: channels; 0: neither */
    bool imaging;
} columns[] = {
    {"UVW", "TiledUVW", KIND_COLUMN, 0, false},
    {"FLAG", "TiledFlag", KIND_SHAPE, 2, false},
    {"FLAG_CATEGORY", "TiledFlagCategory", KIND_SHAPE, 0, false},
    {"WEIGHT", "TiledWgt", KIND_SHAPE, 1, false},
    {"SIGMA", "TiledSigma", KIND_SHAPE, 1, false},
    {"ANTENNA1", "ANTENNA1", KIND_STANDARD, 0, false},
    {"ANTENNA2", "ANTENNA2", KIND_STANDARD, 0, false},
    {"ARRAY_ID", "ARRAY_ID", KIND_INCREMENTAL, 0, false},
    {"DATA_DESC_ID", "DATA_DESC_ID", KIND_STANDARD, 0, false},
    {"EXPOSURE", "EXPOSURE", KIND_INCREMENTAL, 0, false},
    {"FEED1", "FEED1", KIND_INCREMENTAL, 0, false},
    {"FEED2", "FEED2", KIND_INCREMENTAL, 0, false},
    {"FIELD_ID", "FIELD_ID", KIND_INCREMENTAL, 0, false},
    {"FLAG_ROW", "FLAG_ROW", KIND_STANDARD, 0, false},
    {"INTERVAL", "INTERVAL", KIND_INCREMENTAL, 0, false},
    {"OBSERVATION_ID", "OBSERVATION_ID", KIND_INCREMENTAL, 0, false},
    {"PROCESSOR_ID", "PROCESSOR_ID", KIND_INCREMENTAL, 0, false},
    {"SCAN_NUMBER", "SCAN_NUMBER", KIND_INCREMENTAL, 0, false},
    {"STATE_ID", "STATE_ID", KIND_INCREMENTAL, 0, false},
    {"TIME", "TIME", KIND_INCREMENTAL, 0, false},
    {"TIME_CENTROID", "TIME_CENTROID", KIND_INCREMENTAL, 0, false},
    {"DATA", "TiledData", KIND_SHAPE, 2, false},
    {"WEIGHT_SPECTRUM", "TiledWgtSpectrum", KIND_SHAPE, 2, false},
    {"MODEL_DATA", "TiledModel", KIND_SHAPE, 2, true},
    {"CORRECTED_DATA", "TiledCorrected", KIND_SHAPE, 2, true},
    {"IMAGING_WEIGHT", "TiledImagingWeight", KIND_SHAPE, -1, true},
};
#define COLUMNS (int)(sizeof columns / sizeof *columns)
_Static_assert(sizeof columns / sizeof *columns <= MSIO_MS_COLUMNS, "a recipe holds MSIO_MS_COLUMNS columns");

void msio_conv_tile(const msio_conversion *c, int64_t channels, int64_t tile[3]) {
    const int64_t cell = channels * c->pols;
    tile[2] = c->pols;
    tile[1] = cell > WHOLE_CELL ? msio_max(1, WHOLE_CELL / c->pols) : channels;
    if (c->opts.tile_channels > 0) tile[1] = msio_min(c->opts.tile_channels, channels);
    const int64_t slice = tile[1] * c->pols;
    tile[0] = c->opts.tile_rows > 0 ? c->opts.tile_rows : msio_max(1, (TILE_ELEMENTS + slice / 2) / slice);
}

static void set_tile(const msio_conversion *c, int cell, msio_casa_manager_spec *m) {
    const bool asked = cell == 2 && (c->opts.tile_rows > 0 || c->opts.tile_channels > 0);
    if (cell == 0 || (!c->equal_windows && !asked)) return; /* casacore's own choice */
    if (cell == 2) {
        m->tile_ndim = 3;
        msio_conv_tile(c, c->most_channels, m->tile);
    } else if (cell == 1) {
        m->tile_ndim = 2;
        m->tile[0] = (TILE_ELEMENTS + c->pols / 2) / c->pols;
        m->tile[1] = c->pols;
    } else { /* addImagingColumns' */
        m->tile_ndim = 2;
        m->tile[0] = 128;
        m->tile[1] = msio_min(32, c->most_channels);
    }
}

static void set_manager(const msio_conversion *c, int i, msio_casa_manager_spec *m) {
    static const char *const types[] = {"TiledColumnStMan", "TiledShapeStMan", "StandardStMan", "IncrementalStMan"};
    *m = (msio_casa_manager_spec){.type = types[columns[i].kind], .name = columns[i].manager};
    if (columns[i].kind == KIND_SHAPE) set_tile(c, columns[i].cell, m);
    if (columns[i].kind == KIND_STANDARD) m->bucket_bytes = c->opts.like_pyuvdata ? SMALL_BUCKET : BUCKET;
    if (columns[i].kind == KIND_INCREMENTAL) m->bucket_bytes = BUCKET;
}

/* ---------------------------------------------------------------- keywords */

/* The keywords of the main table while they are put together. */
typedef struct keywords {
    msio_conversion *c;
    int count, room;
    msio_casa_keyword_spec *keyword;
    msio_status status;
} keywords;

static void add(keywords *k, const char *column, const char *name, msio_type type, int64_t count, const void *values) {
    if (k->count < k->room) k->keyword[k->count++] = (msio_casa_keyword_spec){column, name, type, count, values, 0};
}

/* Integers of any width, as casacore's Int where they all fit, as python-casacore does. */
static const void *integers(keywords *k, const msio_field *field, msio_type *type) {
    int64_t *wide = msio_conv_memory(k->c, field->count, sizeof *wide, &k->status);
    int32_t *narrow = msio_conv_memory(k->c, field->count, sizeof *narrow, &k->status);
    bool fits = true;
    for (int64_t i = 0; i < field->count && !k->status; i++) {
        switch (field->type) {
        case MSIO_CHAR: wide[i] = ((const int8_t *)field->values)[i]; break;
        case MSIO_UCHAR: wide[i] = ((const uint8_t *)field->values)[i]; break;
        case MSIO_SHORT: wide[i] = ((const int16_t *)field->values)[i]; break;
        case MSIO_USHORT: wide[i] = ((const uint16_t *)field->values)[i]; break;
        case MSIO_INT: wide[i] = ((const int32_t *)field->values)[i]; break;
        case MSIO_UINT: wide[i] = ((const uint32_t *)field->values)[i]; break;
        default: wide[i] = ((const int64_t *)field->values)[i]; break;
        }
        fits = fits && wide[i] >= INT32_MIN && wide[i] <= INT32_MAX;
        narrow[i] = (int32_t)wide[i];
    }
    *type = fits ? MSIO_INT : MSIO_INT64;
    return fits ? (const void *)narrow : wide;
}

/* Floats are told as doubles, as pyuvdata reads them. */
static const void *doubles(keywords *k, const msio_field *field) {
    double *values = msio_conv_memory(k->c, field->count, sizeof *values, &k->status);
    for (int64_t i = 0; i < field->count && !k->status; i++) values[i] = ((const float *)field->values)[i];
    return values;
}

/* The extra keywords of the first file, in a record of their own. Complex numbers and the like are left out. */
static void add_extra(keywords *k, const msio_field *field) {
    const size_t size = strlen("pyuvdata_extra.") + strlen(field->name) + 1;
    char *name = msio_conv_memory(k->c, (int64_t)size, 1, &k->status);
    if (k->status || strchr(field->name, '/')) return;
    snprintf(name, size, "pyuvdata_extra.%s", field->name);
    const int64_t count = field->ndim == 0 && field->count == 1 ? -1 : field->count;
    msio_type type = field->type;
    const void *values = type == MSIO_STRING ? (const void *)field->strings : field->values;
    if (field->count && !values) return;
    if (type == MSIO_FLOAT) {
        values = doubles(k, field);
        type = MSIO_DOUBLE;
    } else if (type == MSIO_CHAR || type == MSIO_UCHAR || type == MSIO_SHORT || type == MSIO_USHORT ||
               type == MSIO_INT || type == MSIO_UINT || type == MSIO_INT64 || type == MSIO_UINT64) {
        values = integers(k, field, &type);
    } else if (type != MSIO_BOOL && type != MSIO_DOUBLE && type != MSIO_STRING) {
        return;
    }
    if (!k->status) add(k, NULL, name, type, count, values);
}

/* As addImagingColumns has them: DATA's, and all channels of each window. */
static void add_imaging(keywords *k, const void *units) {
    int32_t *channels = msio_conv_memory(k->c, 2 * (int64_t)k->c->windows, sizeof *channels, &k->status);
    for (int w = 0; w < k->c->windows && !k->status; w++)
        channels[2 * w + 1] = (int32_t)k->c->facts.subband[w].channels;
    add(k, "MODEL_DATA", "QuantumUnits", MSIO_STRING, -1, units);
    add(k, "CORRECTED_DATA", "QuantumUnits", MSIO_STRING, -1, units);
    add(k, "MODEL_DATA", "CHANNEL_SELECTION", MSIO_INT, 2 * (int64_t)k->c->windows, channels);
    k->keyword[k->count - 1].length = 2;
}

msio_status msio_conv_keywords(msio_conversion *c, int *count, const msio_casa_keyword_spec **keyword) {
    static const uint8_t yes = 1;
    static const char *const nothing[1] = {""}, *const uncalibrated = "uncalib";
    const msio_uvh5_header *h = c->header;
    keywords k = {.c = c, .room = h->extra_keywords + 7};
    k.keyword = msio_conv_memory(c, k.room, sizeof *k.keyword, &k.status);
    if (k.status) return k.status;
    for (int i = 0; i < h->extra_keywords; i++) add_extra(&k, &h->extra_keyword[i]);
    if (h->pol_convention && *h->pol_convention) add(&k, NULL, "pyuvdata_polconv", MSIO_STRING, -1, &h->pol_convention);
    add(&k, NULL, "pyuvdata_flip_conj", MSIO_BOOL, -1, &yes);
    add(&k, "FLAG_CATEGORY", "CATEGORY", MSIO_STRING, 1, nothing);
    const void *const units = h->vis_units && *h->vis_units ? &h->vis_units : &uncalibrated;
    add(&k, "DATA", "QuantumUnits", MSIO_STRING, -1, units);
    if (c->opts.imaging != MSIO_IMAGING_NONE) add_imaging(&k, units);
    *count = k.count;
    *keyword = k.keyword;
    return k.status;
}

/* ---------------------------------------------------------------- values that repeat */

/* A column of each row of a window that is the same in all windows: its value where it changes, to the end of the
 * table; casacore repeats it. */
static msio_status put_runs(const msio_conversion *c, msio_casa_table *table, const char *column, size_t size,
                            const void *values) {
    const char *value = values;
    int64_t runs = 1;
    msio_status status = MSIO_OK;
    for (int64_t r = 1; r < c->rows; r++)
        runs += memcmp(value + (size_t)r * size, value + (size_t)(r - 1) * size, size) != 0;
    if (runs == 1) return msio_casa_put(table, column, 0, 1, 0, NULL, value);
    for (int w = 0; w < c->windows && !status; w++) {
        const int64_t first = w * c->rows;
        if (runs > c->rows / 8) {
            status = msio_casa_put(table, column, first, c->rows, 0, NULL, value);
            continue;
        }
        for (int64_t r = 0; r < c->rows && !status; r++)
            if (r == 0 || memcmp(value + (size_t)r * size, value + (size_t)(r - 1) * size, size) != 0)
                status = msio_casa_put(table, column, first + r, 1, 0, NULL, value + (size_t)r * size);
    }
    return status;
}

static msio_status put_scalars(msio_conversion *c, msio_casa_table *table) {
    msio_status status = MSIO_OK;
    double *time = malloc((size_t)c->rows * sizeof *time);
    if (!time) return msio_error_set(MSIO_E_MEMORY, c->header->path, "no memory for the rows' times");
    for (int64_t r = 0; r < c->rows; r++) time[r] = msio_mjd_seconds(c->facts.times[r]);
    status = put_runs(c, table, "TIME", sizeof *time, time);
    if (!status) status = put_runs(c, table, "TIME_CENTROID", sizeof *time, time);
    if (!status) status = put_runs(c, table, "EXPOSURE", sizeof(double), c->facts.integrations);
    if (!status) status = put_runs(c, table, "INTERVAL", sizeof(double), c->facts.integrations);
    if (!status) status = put_runs(c, table, "FIELD_ID", sizeof *c->field_id, c->field_id);
    if (!status) status = put_runs(c, table, "SCAN_NUMBER", sizeof *c->scan, c->scan);
    free(time);
    return status;
}

/* Cells of windows of different shapes: casacore makes the hypercubes. */
static msio_status shape_cells(const msio_conversion *c, msio_casa_table *table) {
    msio_status status = MSIO_OK;
    for (int i = 0; i < COLUMNS; i++) {
        if (columns[i].cell == 0 || (columns[i].imaging && c->opts.imaging == MSIO_IMAGING_NONE)) continue;
        for (int w = 0; w < c->windows && !status; w++) {
            const int64_t channels = c->facts.subband[w].channels, both[2] = {channels, c->pols}, corrs = c->pols;
            const int64_t *shape = columns[i].cell == 2 ? both : columns[i].cell == 1 ? &corrs : &channels;
            status = msio_casa_shape(table, columns[i].name, w * c->rows, c->rows, columns[i].cell == 2 ? 2 : 1, shape);
        }
    }
    return status;
}

/* ---------------------------------------------------------------- the table */

static msio_status make_main(msio_conversion *c, const char *path, msio_casa_table **table) {
    const char *names[COLUMNS];
    int manager_of[COLUMNS], n = 0;
    msio_casa_manager_spec managers[COLUMNS];
    int count = 0;
    const msio_casa_keyword_spec *keyword = NULL;
    msio_status status = msio_conv_keywords(c, &count, &keyword);
    if (status) return status;
    for (int i = 0; i < COLUMNS; i++) {
        if (columns[i].imaging && c->opts.imaging == MSIO_IMAGING_NONE) continue;
        names[n] = columns[i].name;
        set_manager(c, i, &managers[n]);
        manager_of[n] = n;
        n++;
    }
    const msio_ms_recipe recipe = {.path = path,
                                   .table = msio_ms_table_find("MAIN"),
                                   .rows = c->rows * c->windows,
                                   .columns = n,
                                   .name = names,
                                   .manager_of = manager_of,
                                   .managers = n,
                                   .manager = managers,
                                   .keywords = count,
                                   .keyword = keyword};
    return msio_ms_make(&recipe, table);
}

static msio_status make_tables(msio_conversion *c, const char *path) {
    msio_casa_table *table = NULL;
    msio_status status = make_main(c, path, &table);
    if (!status && !c->equal_windows) status = shape_cells(c, table);
    if (!status) status = put_scalars(c, table);
    if (!status) status = msio_conv_subtables(c, path, table);
    if (!status) status = msio_casa_flush(table);
    if (!status) msio_casa_close(table);
    return status;
}

/* ---------------------------------------------------------------- a process of casacore's own */

/* What the child says at its end. */
typedef struct last_words {
    msio_status status;
    msio_error_copy error;
} last_words;

static bool send_words(int fd, const last_words *words) {
    size_t done = 0;
    while (done < sizeof *words) {
        const ssize_t n = write(fd, (const char *)words + done, sizeof *words - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        done += (size_t)n;
    }
    return true;
}

static bool hear_words(int fd, last_words *words) {
    size_t done = 0;
    while (done < sizeof *words) {
        const ssize_t n = read(fd, (char *)words + done, sizeof *words - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        done += (size_t)n;
    }
    return true;
}

static void make_in_child(msio_conversion *c, const char *path, int fd, pid_t parent) {
    last_words words = {.status = MSIO_OK};
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent) _exit(1); /* it ends with who asked */
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0) dup2(nowhere, STDERR_FILENO); /* what C++ says of an exception that nobody catches */
    words.status = make_tables(c, path);
    if (words.status) msio_error_save(&words.error);
    send_words(fd, &words);
    _exit(0);
}

/* casacore ends the process where it cannot write a table's description, and two copies of it in one process crash each
 * other: it makes the tables in a child. */
msio_status msio_conv_tables_begin(msio_conversion *c, const char *path, msio_conv_tables *tables) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC)) return msio_error_system(MSIO_E_IO, path, "no pipe for casacore's process");
    const pid_t self = getpid(), child = fork();
    if (child == 0) make_in_child(c, path, ends[1], self);
    const msio_status status = child < 0 ? msio_error_system(MSIO_E_IO, path, "no process for casacore") : MSIO_OK;
    close(ends[1]);
    if (status)
        close(ends[0]);
    else
        *tables = (msio_conv_tables){path, ends[0], child};
    return status;
}

msio_status msio_conv_tables_end(const msio_conv_tables *tables) {
    last_words words;
    int how = 0;
    const bool heard = hear_words(tables->words, &words);
    close(tables->words);
    while (waitpid(tables->child, &how, 0) < 0 && errno == EINTR) continue;
    if (heard) return words.status ? msio_error_restore(&words.error) : MSIO_OK;
    return msio_error_set(
        MSIO_E_CASACORE, tables->path,
        "casacore ended by signal %d while it made the tables, as it does where the disk is full: see "
        "that there is room",
        WIFSIGNALED(how) ? WTERMSIG(how) : 0);
}

int64_t msio_conv_bytes(const msio_conversion *c) {
    const int64_t corrected = c->opts.imaging == MSIO_IMAGING_DATA ? 8 : 0;
    int64_t bytes = 0;
    for (int w = 0; w < c->windows; w++) {
        const int64_t elements = c->facts.subband[w].channels * c->pols;
        bytes += c->rows * (elements * (8 + 4 + corrected) + msio_div_up(elements, 8) + 8 * c->pols + 24 + 12);
    }
    return bytes;
}
