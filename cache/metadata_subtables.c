/* metadata_subtables.c - the subtables of a Measurement Set as structures (columns as in casacore note 229). */
#include "cache/metadata.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* How a column becomes a member of a structure; what was never written is "", 0, or as `absent` says. */
typedef enum member_kind {
    TEXT,   /* const char * */
    WHOLE,  /* int32_t */
    TRUTH,  /* int */
    NUMBERS /* double[count] */
} member_kind;

typedef struct member {
    const char *column;
    member_kind kind;
    size_t offset;
    int count;
    int32_t absent;
} member;

#define MEMBER(column, kind, type, name)                                                                               \
    { (column), kind, offsetof(type, name), (int)(sizeof((type *)0)->name / sizeof(double)), 0 }
#define MEMBER_OR_NONE(column, type, name)                                                                             \
    { (column), WHOLE, offsetof(type, name), 0, -1 }

static void read_member(msio_subtable *t, const member *m, const msio_ragged *cells, int64_t row, void *at) {
    double *numbers = at;
    switch (m->kind) {
    case TEXT: *(const char **)at = msio_cell_text(t, cells, row); break;
    case WHOLE: *(int32_t *)at = msio_cell_int(cells, row, m->absent); break;
    case TRUTH: *(int *)at = msio_cell_int(cells, row, 0) != 0; break;
    case NUMBERS:
        for (int k = 0; k < m->count; k++) numbers[k] = msio_cell_number(cells, row, k, 0);
        break;
    }
}

/* Columns of all rows into the members of items, which are size bytes each. */
static void read_members(msio_subtable *t, void *items, size_t size, size_t n, const member *members) {
    for (size_t k = 0; k < n && !t->status; k++) {
        msio_ragged cells = msio_subtable_cells(t, members[k].column);
        for (int64_t row = 0; row < t->rows && !t->status; row++)
            read_member(t, &members[k], &cells, row, (char *)items + (size_t)row * size + members[k].offset);
        msio_ragged_free(&cells);
    }
}

#define READ_MEMBERS(t, items, members)                                                                                \
    read_members((t), (items), sizeof *(items), sizeof(members) / sizeof *(members), (members))

static void read_antennas(msio_subtable *t, msio_metadata *f) {
    static const member members[] = {MEMBER("NAME", TEXT, msio_antenna_info, name),
                                     MEMBER("STATION", TEXT, msio_antenna_info, station),
                                     MEMBER("MOUNT", TEXT, msio_antenna_info, mount),
                                     MEMBER("POSITION", NUMBERS, msio_antenna_info, position),
                                     MEMBER("DISH_DIAMETER", NUMBERS, msio_antenna_info, diameter),
                                     MEMBER("FLAG_ROW", TRUTH, msio_antenna_info, flagged)};
    msio_antenna_info *a = msio_subtable_items(t, sizeof *a);
    READ_MEMBERS(t, a, members);
    f->antenna = a;
    f->antennas = (int)t->rows;
}

static void read_windows(msio_subtable *t, msio_metadata *f) {
    static const member members[] = {MEMBER("NAME", TEXT, msio_spectral_window, name),
                                     MEMBER("REF_FREQUENCY", NUMBERS, msio_spectral_window, reference_frequency),
                                     MEMBER("TOTAL_BANDWIDTH", NUMBERS, msio_spectral_window, bandwidth),
                                     MEMBER_OR_NONE("MEAS_FREQ_REF", msio_spectral_window, frame)};
    msio_spectral_window *w = msio_subtable_items(t, sizeof *w);
    READ_MEMBERS(t, w, members);
    msio_ragged frequency = msio_subtable_cells(t, "CHAN_FREQ"), width = msio_subtable_cells(t, "CHAN_WIDTH"),
                channels = msio_subtable_cells(t, "NUM_CHAN");
    for (int64_t i = 0; i < t->rows && !t->status; i++) {
        int64_t n = msio_cell_length(&frequency, i);
        w[i].channels = n ? n : msio_cell_int(&channels, i, 0);
        w[i].frequencies = msio_cell_doubles(t, &frequency, i);
        if (msio_cell_length(&width, i) == n) w[i].widths = msio_cell_doubles(t, &width, i);
    }
    f->spectral_window = w;
    f->spectral_windows = (int)t->rows;
    msio_ragged_free(&frequency);
    msio_ragged_free(&width);
    msio_ragged_free(&channels);
}

static void read_polarizations(msio_subtable *t, msio_metadata *f) {
    msio_polarization *p = msio_subtable_items(t, sizeof *p);
    msio_ragged type = msio_subtable_cells(t, "CORR_TYPE");
    for (int64_t i = 0; i < t->rows && !t->status; i++) {
        int64_t n = msio_cell_length(&type, i);
        int32_t *types = msio_arena_take(t->arena, n + 1, sizeof *types);
        if (!types) {
            t->status = MSIO_E_MEMORY;
            break;
        }
        for (int64_t k = 0; k < n; k++) types[k] = (int32_t)msio_cell_number(&type, i, k, 0);
        p[i] = (msio_polarization){(int)n, types};
    }
    f->polarization = p;
    f->polarizations = (int)t->rows;
    msio_ragged_free(&type);
}

static void read_descriptions(msio_subtable *t, msio_metadata *f) {
    static const member members[] = {MEMBER_OR_NONE("SPECTRAL_WINDOW_ID", msio_data_description, spectral_window),
                                     MEMBER_OR_NONE("POLARIZATION_ID", msio_data_description, polarization),
                                     MEMBER("FLAG_ROW", TRUTH, msio_data_description, flagged)};
    msio_data_description *d = msio_subtable_items(t, sizeof *d);
    READ_MEMBERS(t, d, members);
    f->data_description = d;
    f->data_descriptions = (int)t->rows;
}

static void read_fields(msio_subtable *t, msio_metadata *f) {
    static const member members[] = {
        MEMBER("NAME", TEXT, msio_field_info, name), MEMBER("CODE", TEXT, msio_field_info, code),
        MEMBER_OR_NONE("SOURCE_ID", msio_field_info, source), MEMBER("TIME", NUMBERS, msio_field_info, time)};
    msio_field_info *d = msio_subtable_items(t, sizeof *d);
    READ_MEMBERS(t, d, members);
    if (!t->status) msio_subtable_directions(t, "PHASE_DIR", &d->phase_dir, sizeof *d);
    if (!t->status) msio_subtable_directions(t, "REFERENCE_DIR", &d->reference_dir, sizeof *d);
    if (!t->status) msio_subtable_directions(t, "DELAY_DIR", &d->delay_dir, sizeof *d);
    f->field = d;
    f->fields = (int)t->rows;
}

static void read_observations(msio_subtable *t, msio_metadata *f) {
    static const member members[] = {MEMBER("TELESCOPE_NAME", TEXT, msio_observation_info, telescope),
                                     MEMBER("OBSERVER", TEXT, msio_observation_info, observer),
                                     MEMBER("PROJECT", TEXT, msio_observation_info, project),
                                     MEMBER("TIME_RANGE", NUMBERS, msio_observation_info, time_range)};
    msio_observation_info *o = msio_subtable_items(t, sizeof *o);
    READ_MEMBERS(t, o, members);
    f->observation = o;
    f->observations = (int)t->rows;
}

static void read_sources(msio_subtable *t, msio_metadata *f) {
    static const member members[] = {
        MEMBER("NAME", TEXT, msio_source_info, name), MEMBER_OR_NONE("SOURCE_ID", msio_source_info, id),
        MEMBER_OR_NONE("SPECTRAL_WINDOW_ID", msio_source_info, spectral_window),
        MEMBER("TIME", NUMBERS, msio_source_info, time), MEMBER("INTERVAL", NUMBERS, msio_source_info, interval)};
    msio_source_info *s = msio_subtable_items(t, sizeof *s);
    READ_MEMBERS(t, s, members);
    if (!t->status) msio_subtable_directions(t, "DIRECTION", &s->direction, sizeof *s);
    f->source = s;
    f->sources = (int)t->rows;
}

static void read_states(msio_subtable *t, msio_metadata *f) {
    static const member members[] = {
        MEMBER("OBS_MODE", TEXT, msio_state_info, mode), MEMBER("SUB_SCAN", WHOLE, msio_state_info, subscan),
        MEMBER("CAL", NUMBERS, msio_state_info, cal), MEMBER("SIG", TRUTH, msio_state_info, sig),
        MEMBER("REF", TRUTH, msio_state_info, ref)};
    msio_state_info *s = msio_subtable_items(t, sizeof *s);
    READ_MEMBERS(t, s, members);
    f->state = s;
    f->states = (int)t->rows;
}

void msio_meta_read(msio_meta_answer *m, int which, msio_subtable *t) {
    static void (*const readers[MSIO_META_TABLES])(msio_subtable *,
                                                   msio_metadata *) = {[MSIO_META_ANTENNA] = read_antennas,
                                                                       [MSIO_META_SPECTRAL_WINDOW] = read_windows,
                                                                       [MSIO_META_POLARIZATION] = read_polarizations,
                                                                       [MSIO_META_DATA_DESCRIPTION] = read_descriptions,
                                                                       [MSIO_META_FIELD] = read_fields,
                                                                       [MSIO_META_OBSERVATION] = read_observations,
                                                                       [MSIO_META_SOURCE] = read_sources,
                                                                       [MSIO_META_STATE] = read_states};
    if (readers[which]) readers[which](t, &m->facts);
}
