/* export_facts.c - what the tables of a Measurement Set say, as UVH5 has it. */
#include "core/checked.h"
#include "core/error.h"
#include "core/sorting.h"
#include "io/convert/exporting.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- columns */

static void *take(msio_exporting *e, int64_t count, size_t size, msio_status *status) {
    void *memory = *status ? NULL : msio_arena_take(&e->arena, msio_max(count, 1), size);
    if (!memory && !*status) *status = msio_error_set(MSIO_E_MEMORY, e->ms, "no memory for what the tables say");
    return memory;
}

static msio_status open_subtable(const msio_exporting *e, const char *name, msio_table **table) {
    char full[4096];
    if (snprintf(full, sizeof full, "%s::%s", e->ms, name) >= (int)sizeof full)
        return msio_error_set(MSIO_E_ARGUMENT, e->ms, "the path is too long");
    return msio_table_open(full, NULL, table);
}

/* A column whose cells all are numbers of that type and count. */
static msio_status read_numbers(msio_exporting *e, msio_table *table, const char *name, msio_type type, int64_t each,
                                int64_t *rows, void **values) {
    const msio_column *column;
    msio_array array = {0};
    msio_status status = msio_table_column(table, name, &column);
    if (!status) status = msio_read_new(column, NULL, &array, NULL);
    int64_t n = status || array.ndim < 1 ? 0 : array.shape[0];
    const size_t bytes = (size_t)(n * each) * msio_type_size(type);
    if (!status && (array.type != type || array.bytes != bytes))
        status = msio_error_set(MSIO_E_FORMAT, e->ms, "column %s is not what a Measurement Set has", name);
    *values = take(e, n * each, msio_type_size(type), &status);
    if (!status && bytes) memcpy(*values, array.data, bytes);
    msio_array_free(&array);
    *rows = n;
    return status;
}

static msio_status read_texts(msio_exporting *e, msio_table *table, const char *name, int64_t *rows,
                              const char *const **texts) {
    const msio_column *column;
    msio_ragged cells = {0};
    msio_status status = msio_table_column(table, name, &column);
    if (!status) status = msio_read_ragged(column, NULL, &cells, NULL);
    if (!status && !cells.text_offsets) status = msio_error_set(MSIO_E_FORMAT, e->ms, "column %s holds no texts", name);
    const char **list = take(e, cells.cells, sizeof *list, &status);
    for (int64_t i = 0; i < cells.cells && !status; i++) {
        const int64_t at = cells.offsets[i], from = cells.text_offsets[at];
        const int64_t length = cells.offsets[i + 1] > at ? cells.text_offsets[at + 1] - from : 0;
        list[i] = msio_arena_text(&e->arena, cells.text + from, length);
        if (!list[i]) status = msio_error_set(MSIO_E_MEMORY, e->ms, "no memory for texts");
    }
    *rows = cells.cells;
    *texts = list;
    msio_ragged_free(&cells);
    return status;
}

/* ---------------------------------------------------------------- telescope and antennas */

static msio_status read_observation(msio_exporting *e) {
    msio_table *table = NULL;
    int64_t rows = 0;
    const char *const *names = NULL;
    void *place = NULL;
    const msio_column *column;
    msio_status status = open_subtable(e, "OBSERVATION", &table);
    if (!status) status = read_texts(e, table, "TELESCOPE_NAME", &rows, &names);
    e->telescope = !status && rows ? names[0] : "";
    bool known = !status && msio_table_column(table, "TELESCOPE_LOCATION", &column) == MSIO_OK;
    if (known) known = !read_numbers(e, table, "TELESCOPE_LOCATION", MSIO_DOUBLE, 3, &rows, &place) && rows;
    if (known) memcpy(e->site.xyz, place, sizeof e->site.xyz);
    msio_table_close(table);
    if (status || known) return status;
    int n = 0; /* the antennas' middle */
    for (int i = 0; i < e->facts.antennas; i++) {
        const double *p = e->facts.antenna[i].position;
        if (p[0] == 0 && p[1] == 0 && p[2] == 0) continue;
        for (int axis = 0; axis < 3; axis++) e->site.xyz[axis] += (p[axis] - e->site.xyz[axis]) / (n + 1);
        n++;
    }
    return MSIO_OK;
}

/* Whether names tell antennas apart. */
static bool distinct(int64_t n, const char *const *names) {
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < i && *names[i]; k++)
            if (strcmp(names[i], names[k]) == 0) return false;
    return true;
}

static msio_status read_antennas(msio_exporting *e) {
    msio_table *table = NULL;
    int64_t rows = 0, more = 0;
    const char *const *names = NULL, *const *stations = NULL, *const *mounts = NULL;
    msio_status status = open_subtable(e, "ANTENNA", &table);
    if (!status) status = read_texts(e, table, "NAME", &rows, &names);
    if (!status) status = read_texts(e, table, "STATION", &more, &stations);
    if (!status) status = read_texts(e, table, "MOUNT", &more, &mounts);
    msio_table_close(table);
    if (!status && (rows != e->facts.antennas || more != rows))
        status = msio_error_set(MSIO_E_CHANGED, e->ms, "antennas came or went while the tables were read");
    e->antenna = take(e, rows, sizeof *e->antenna, &status);
    if (status) return status;
    const bool by_name = distinct(rows, names);
    for (int i = 0; i < rows; i++) {
        const msio_load_antenna *from = &e->facts.antenna[i];
        const double *p = from->position;
        if (p[0] == 0 && p[1] == 0 && p[2] == 0) continue;
        const char *name = by_name && *names[i] ? names[i] : stations[i];
        msio_export_antenna *a = &e->antenna[e->antennas++];
        *a = (msio_export_antenna){.number = i, .name = name, .mount = mounts[i], .diameter = from->diameter};
        for (int axis = 0; axis < 3; axis++) a->offset[axis] = p[axis] - e->site.xyz[axis];
    }
    return MSIO_OK;
}

/* ---------------------------------------------------------------- fields */

static msio_status name_frame(const msio_exporting *e, const char *ref, msio_export_field *field) {
    static const struct {
        const char *ref, *frame;
        double epoch;
    } known[] = {{"ICRS", "icrs", 2000},
                 {"J2000", "fk5", 2000},
                 {"B1950", "fk4", 1950},
                 {"B1950_VLA", "fk4", 1979},
                 {"APP", "gcrs", NAN}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].ref, ref) == 0) {
            field->frame = known[i].frame;
            field->epoch = known[i].epoch;
            return MSIO_OK;
        }
    return msio_error_set(MSIO_E_UNSUPPORTED, e->ms, "fields are in frame %s, which UVH5 has no name for", ref);
}

/* The frames that PHASE_DIR's rows may have: one, or of each row that which its code says. */
typedef struct references {
    const char *one;
    const char *column; /* of codes; NULL: all rows have the one */
    int64_t n;
    const char *const *name;
    const void *code; /* of 32 bits */
} references;

static references references_of(msio_table *table) {
    const msio_column *column;
    references r = {.one = "J2000"};
    if (msio_table_column(table, "PHASE_DIR", &column)) return r;
    const msio_record *keywords = msio_column_keywords(column);
    const msio_field *info = keywords ? msio_record_find(keywords, "MEASINFO") : NULL;
    if (!info || !info->record) return r;
    const msio_field *ref = msio_record_find(info->record, "Ref"), *by = msio_record_find(info->record, "VarRefCol");
    const msio_field *names = msio_record_find(info->record, "TabRefTypes");
    const msio_field *codes = msio_record_find(info->record, "TabRefCodes");
    if (ref && ref->type == MSIO_STRING && ref->count == 1 && ref->strings) r.one = ref->strings[0];
    if (!by || by->type != MSIO_STRING || by->count != 1 || !by->strings || !names || names->type != MSIO_STRING ||
        !codes || (codes->type != MSIO_INT && codes->type != MSIO_UINT) || codes->count != names->count)
        return r;
    r.column = by->strings[0];
    r.n = names->count;
    r.name = names->strings;
    r.code = codes->values;
    return r;
}

/* The frame of a code; NULL: there is none. */
static const char *reference_by_code(const references *r, int32_t code) {
    for (int64_t i = 0; i < r->n; i++)
        if (((const int32_t *)r->code)[i] == code) return r->name[i];
    return NULL;
}

static msio_status name_row_frame(const msio_exporting *e, const references *r, const int32_t *codes, int row) {
    const char *name = codes ? reference_by_code(r, codes[row]) : r->one;
    if (name) return name_frame(e, name, &e->field[row]);
    return msio_error_set(MSIO_E_FORMAT, e->ms, "field %d is in frame %d, of which PHASE_DIR's keywords tell no name",
                          row, codes[row]);
}

static msio_status read_fields(msio_exporting *e) {
    msio_table *table = NULL;
    int64_t rows = 0, more = 0;
    const char *const *names = NULL;
    void *directions = NULL, *ids = NULL, *codes = NULL;
    references r = {0};
    msio_status status = open_subtable(e, "FIELD", &table);
    if (!status) r = references_of(table);
    if (!status && r.column) status = read_numbers(e, table, r.column, MSIO_INT, 1, &more, &codes);
    if (!status) status = read_numbers(e, table, "PHASE_DIR", MSIO_DOUBLE, 2, &rows, &directions);
    if (!status) status = read_texts(e, table, "NAME", &more, &names);
    if (!status) status = read_numbers(e, table, "SOURCE_ID", MSIO_INT, 1, &more, &ids);
    e->fields = (int)rows;
    e->field = take(e, rows, sizeof *e->field, &status);
    bool apart = true;
    for (int i = 0; i < e->fields && !status; i++)
        for (int k = 0; k < i; k++) apart = apart && ((int32_t *)ids)[i] != ((int32_t *)ids)[k];
    for (int i = 0; i < e->fields && !status; i++) {
        e->field[i] = (msio_export_field){.name = names[i], .id = apart ? ((int32_t *)ids)[i] : i};
        memcpy(e->field[i].direction, (double *)directions + 2 * i, sizeof e->field[i].direction);
        status = name_row_frame(e, &r, codes, i);
    }
    msio_table_close(table);
    return status;
}

/* ---------------------------------------------------------------- polarizations, signs, units */

static msio_status take_polarizations(msio_exporting *e) {
    /* in UVH5's usual order: Stokes; RR LL RL LR; XX YY XY YX */
    static const int32_t stokes[] = {1, 2, 3, 4, 5, 8, 6, 7, 9, 12, 10, 11};
    static const int32_t aips[] = {1, 2, 3, 4, -1, -2, -3, -4, -5, -6, -7, -8};
    int n = 0;
    if (e->facts.pols > 4)
        return msio_error_set(MSIO_E_UNSUPPORTED, e->ms, "%lld correlations: at most 4 are converted",
                              (long long)e->facts.pols);
    for (int k = 0; k < 12; k++)
        for (int p = 0; p < e->facts.pols; p++)
            if (e->facts.polarizations[p] == stokes[k] && n < 4) {
                e->turn.order[n] = e->turn.swap[n] = p;
                e->aips[n++] = aips[k];
            }
    e->turn.pols = n;
    if (n == e->facts.pols) return MSIO_OK;
    return msio_error_set(MSIO_E_UNSUPPORTED, e->ms,
                          "a correlation is none of Stokes, circular or linear ones, or stands "
                          "there twice");
}

static msio_status read_history(msio_exporting *e, bool *pyuvdata) {
    msio_table *table = NULL;
    int64_t rows = 0, lines = 0;
    const char *const *origins = NULL, *const *messages = NULL;
    msio_status status = open_subtable(e, "HISTORY", &table);
    if (!status) status = read_texts(e, table, "ORIGIN", &rows, &origins);
    if (!status) status = read_texts(e, table, "MESSAGE", &lines, &messages);
    msio_table_close(table);
    size_t bytes = 1, at = 0;
    for (int64_t i = 0; i < rows && !status; i++) *pyuvdata = *pyuvdata || strstr(origins[i], "pyuvdata");
    for (int64_t i = 0; i < lines && !status; i++) bytes += strlen(messages[i]) + 1;
    char *text = take(e, (int64_t)bytes, 1, &status);
    for (int64_t i = 0; i < lines && !status; i++)
        at += (size_t)snprintf(text + at, bytes - at, "%s%s", i ? "\n" : "", messages[i]);
    e->history = text;
    return status;
}

/* pyuvdata's keyword says how it wrote; where it is not there, a set of pyuvdata's has UVH5's sign. */
static msio_status find_signs(msio_exporting *e) {
    bool pyuvdata = false;
    const msio_column *data;
    msio_status status = read_history(e, &pyuvdata);
    if (status) return status;
    const msio_field *flip = msio_record_find(msio_table_keywords(e->table), "pyuvdata_flip_conj");
    e->conjugated = flip && flip->type == MSIO_BOOL && flip->count == 1 ? *(const uint8_t *)flip->values : !pyuvdata;
    e->units = "uncalib";
    status = msio_table_column(e->table, "DATA", &data);
    const msio_record *keywords = status ? NULL : msio_column_keywords(data);
    const msio_field *units = keywords ? msio_record_find(keywords, "QuantumUnits") : NULL;
    if (units && units->type == MSIO_STRING && units->count == 1 && units->strings) e->units = units->strings[0];
    return status;
}

/* ---------------------------------------------------------------- rows */

/* FIELD_ID, EXPOSURE and UVW of the rows of the first window, in their order: those that the facts are of. */
static msio_status read_rows(msio_exporting *e) {
    msio_table *descriptions = NULL;
    int64_t rows = 0, known = 0, n = 0;
    void *ddid = NULL, *field = NULL, *exposure = NULL, *window = NULL, *array = NULL;
    int32_t first = INT32_MAX;
    for (int i = 0; i < e->facts.subbands; i++)
        first = e->facts.subband[i].number < first ? e->facts.subband[i].number : first;
    msio_status status = open_subtable(e, "DATA_DESCRIPTION", &descriptions);
    if (!status) status = read_numbers(e, descriptions, "SPECTRAL_WINDOW_ID", MSIO_INT, 1, &known, &window);
    msio_table_close(descriptions);
    if (!status) status = read_numbers(e, e->table, "DATA_DESC_ID", MSIO_INT, 1, &rows, &ddid);
    if (!status) status = read_numbers(e, e->table, "FIELD_ID", MSIO_INT, 1, &rows, &field);
    if (!status) status = read_numbers(e, e->table, "EXPOSURE", MSIO_DOUBLE, 1, &rows, &exposure);
    if (!status) status = read_numbers(e, e->table, "ARRAY_ID", MSIO_INT, 1, &rows, &array);
    e->field_id = take(e, e->facts.rows, sizeof *e->field_id, &status);
    e->integration = take(e, e->facts.rows, sizeof *e->integration, &status);
    for (int64_t r = 0; r < rows && !status; r++) {
        const int32_t d = ((int32_t *)ddid)[r], f = ((int32_t *)field)[r];
        if (((int32_t *)array)[r] != ((int32_t *)array)[0])
            return msio_error_set(MSIO_E_UNSUPPORTED, e->ms, "rows are of several subarrays; UVH5 has one");
        if (d < 0 || d >= known || ((int32_t *)window)[d] != first) continue;
        if (f < 0 || f >= e->fields)
            return msio_error_set(MSIO_E_FORMAT, e->ms, "row %lld is of field %d, and FIELD has %d rows", (long long)r,
                                  f, e->fields);
        if (n < e->facts.rows) {
            e->field_id[n] = f;
            e->integration[n] = ((double *)exposure)[r];
        }
        n++;
    }
    if (!status && n != e->facts.rows)
        status = msio_error_set(MSIO_E_UNSUPPORTED, e->ms, "%lld rows of the first window are loaded, and it has %lld",
                                (long long)e->facts.rows, (long long)n);
    return status;
}

static double jd_of(double mjd_seconds) { return mjd_seconds / 86400.0 + 2400000.5; }

static msio_status read_earth(msio_exporting *e) {
    double first = INFINITY, last = -INFINITY;
    for (int64_t r = 0; r < e->facts.rows; r++) {
        first = fmin(first, jd_of(e->facts.times[r]));
        last = fmax(last, jd_of(e->facts.times[r]));
    }
    return msio_earth_read(e->opts.earth_orientation, first, last, &e->earth);
}

/* Where the array's middle looks at each row: one look for each change of time or field. */
static msio_status look(msio_exporting *e) {
    msio_status status = MSIO_OK;
    double **const out[] = {&e->jd, &e->lst, &e->app_ra, &e->app_dec, &e->angle};
    for (int i = 0; i < 5; i++) *out[i] = take(e, e->facts.rows, sizeof(double), &status);
    e->uvw = take(e, e->facts.rows, sizeof *e->uvw, &status);
    msio_instant at;
    msio_apparent place = {0, 0, 0};
    for (int64_t r = 0; r < e->facts.rows && !status; r++) {
        const double *uvw = e->facts.uvw + 3 * r;
        e->jd[r] = jd_of(e->facts.times[r]);
        for (int axis = 0; axis < 3; axis++) e->uvw[r][axis] = e->conjugated ? -uvw[axis] : uvw[axis];
        const bool same = r && e->jd[r] == e->jd[r - 1];
        if (!same) status = msio_instant_make(e->jd[r], &e->site, e->earth, &at);
        if (status) return status;
        if (!(same && e->field_id[r] == e->field_id[r - 1]))
            msio_apparent_place(&at, e->field[e->field_id[r]].direction, &place);
        e->lst[r] = at.lst;
        e->app_ra[r] = place.ra;
        e->app_dec[r] = place.dec;
        e->angle[r] = place.angle;
    }
    return status;
}

/* How many antennas, baselines and times occur. */
static msio_status count(msio_exporting *e) {
    const int64_t n = e->facts.rows;
    double *sorted = malloc((size_t)(n + 1) * sizeof *sorted);
    uint8_t *used = calloc((size_t)e->facts.antennas + 1, 1);
    if (sorted && used) {
        for (int64_t r = 0; r < n; r++) {
            sorted[r] = e->facts.antenna1[r] * (double)(1 << 24) + e->facts.antenna2[r];
            used[e->facts.antenna1[r]] = used[e->facts.antenna2[r]] = 1;
        }
        qsort(sorted, (size_t)n, sizeof *sorted, msio_compare_doubles);
        for (int64_t r = 0; r < n; r++) e->baselines += r == 0 || sorted[r] != sorted[r - 1];
        memcpy(sorted, e->facts.times, (size_t)n * sizeof *sorted);
        qsort(sorted, (size_t)n, sizeof *sorted, msio_compare_doubles);
        for (int64_t r = 0; r < n; r++) e->times += r == 0 || sorted[r] != sorted[r - 1];
        for (int i = 0; i < e->facts.antennas; i++) e->used_antennas += used[i];
    }
    const bool failed = !sorted || !used;
    free(sorted);
    free(used);
    return failed ? msio_error_set(MSIO_E_MEMORY, e->ms, "no memory for the rows' times") : MSIO_OK;
}

static msio_status check_rows(const msio_exporting *e) {
    for (int64_t r = 0; r < e->facts.rows; r++)
        if (e->facts.antenna1[r] < 0 || e->facts.antenna1[r] >= e->facts.antennas || e->facts.antenna2[r] < 0 ||
            e->facts.antenna2[r] >= e->facts.antennas)
            return msio_error_set(MSIO_E_FORMAT, e->ms, "row %lld is of antennas %d and %d, and ANTENNA has %d rows",
                                  (long long)r, e->facts.antenna1[r], e->facts.antenna2[r], e->facts.antennas);
    return e->facts.rows && e->facts.channels && e->facts.pols
               ? MSIO_OK
               : msio_error_set(MSIO_E_UNSUPPORTED, e->ms, "there is nothing to convert: no rows or channels");
}

/* ASSOC_SPW_ID of a set of pyuvdata's or ours, else the rows' numbers. */
static msio_status number_windows(msio_exporting *e) {
    msio_status status = MSIO_OK;
    int32_t *id = take(e, e->facts.subbands, sizeof *id, &status);
    for (int i = 0; i < e->facts.subbands && !status; i++) id[i] = e->facts.subband[i].number;
    e->window_id = id;
    return status;
}

msio_status msio_export_take_in(msio_exporting *e) {
    msio_load_opts opts = MSIO_LOAD_OPTS_INIT;
    opts.memory = e->opts.memory;
    opts.read.threads = e->opts.threads;
    msio_status status = msio_load_paths(1, &e->ms, 0, &opts, &e->facts);
    if (!status && e->facts.header)
        status = msio_error_set(MSIO_E_ARGUMENT, e->ms, "this is a UVH5 file already: give a Measurement Set");
    if (!status) status = msio_table_open(e->ms, NULL, &e->table);
    if (!status) status = check_rows(e);
    if (!status) status = read_observation(e);
    if (!status) status = msio_site_from_xyz(e->site.xyz, &e->site);
    if (!status) status = read_antennas(e);
    if (!status) status = read_fields(e);
    if (!status) status = take_polarizations(e);
    if (!status) status = find_signs(e);
    if (!status) status = number_windows(e);
    if (!status) status = read_rows(e);
    if (!status && e->opts.earth_orientation) status = read_earth(e);
    if (!status) status = look(e);
    if (!status) status = count(e);
    return status;
}
