/* ms_make.c - a table of a Measurement Set from its schema: column descriptions and their keywords. */
#include "io/ms/ms_make.h"

#include "core/error.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The references that a frequency may have, and their codes in column MEAS_FREQ_REF (casacore's MFrequency). */
static const char *const frequency_frames[] = {"REST", "LSRK",    "LSRD",   "BARY", "GEO",
                                               "TOPO", "GALACTO", "LGROUP", "CMB",  "Undefined"};
static const uint32_t frequency_codes[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 64};
static const char *const frequency_column = "MEAS_FREQ_REF";
#define FREQUENCY_FRAMES (int64_t)(sizeof frequency_codes / sizeof *frequency_codes)

static const float ms_version = 2.0F;

/* The description while it is put together. */
typedef struct draft {
    msio_casa_column_spec column[MSIO_MS_COLUMNS];
    msio_casa_keyword_spec keyword[MSIO_MS_COLUMNS * MSIO_MS_COLUMN_KEYWORDS + 2];
    const char *units[MSIO_MS_COLUMNS][3];
    int columns, keywords;
    const char *frame; /* of directions; NULL: the schema's */
    const msio_ms_frames *frames;
} draft;

static void add_keyword(draft *d, const char *column, const char *name, msio_type type, int64_t count,
                        const void *values) {
    d->keyword[d->keywords++] = (msio_casa_keyword_spec){column, name, type, count, values, 0};
}

/* The frames of a column's rows, where they may differ. */
static void add_frames(draft *d, const char *column) {
    const msio_ms_frames *f = d->frames;
    for (int i = 0; f && i < f->columns; i++) {
        if (strcmp(f->column[i][0], column) != 0) continue;
        add_keyword(d, column, "MEASINFO.TabRefTypes", MSIO_STRING, f->frames, f->frame);
        add_keyword(d, column, "MEASINFO.TabRefCodes", MSIO_INT, f->frames, f->code);
        add_keyword(d, column, "MEASINFO.VarRefCol", MSIO_STRING, -1, &f->column[i][1]);
    }
}

static void add_measure(draft *d, const msio_ms_column *column) {
    add_keyword(d, column->name, "MEASINFO.type", MSIO_STRING, -1, &column->measure);
    if (column->frame) {
        const bool sky = d->frame && strcmp(column->measure, "direction") == 0;
        add_keyword(d, column->name, "MEASINFO.Ref", MSIO_STRING, -1, sky ? &d->frame : &column->frame);
        add_frames(d, column->name);
        return;
    }
    add_keyword(d, column->name, "MEASINFO.VarRefCol", MSIO_STRING, -1, &frequency_column);
    add_keyword(d, column->name, "MEASINFO.TabRefTypes", MSIO_STRING, FREQUENCY_FRAMES, frequency_frames);
    add_keyword(d, column->name, "MEASINFO.TabRefCodes", MSIO_UINT, FREQUENCY_FRAMES, frequency_codes);
}

static void add_column(draft *d, const msio_ms_column *column, int manager) {
    msio_casa_column_spec *spec = &d->column[d->columns];
    *spec = (msio_casa_column_spec){.name = column->name,
                                    .comment = column->comment,
                                    .type = column->type,
                                    .ndim = column->ndim,
                                    .manager = manager};
    if (column->length > 0) {
        spec->fixed_shape = 1;
        spec->direct = strcmp(column->name, MSIO_MS_TELESCOPE_LOCATION) != 0;
        spec->shape[0] = column->length;
    }
    if (column->unit) {
        const char **units = d->units[d->columns];
        for (int i = 0; i < column->units; i++) units[i] = column->unit;
        add_keyword(d, column->name, "QuantumUnits", MSIO_STRING, column->units, units);
    }
    if (column->measure) add_measure(d, column);
    if (strcmp(column->name, "FLAG_CATEGORY") == 0) add_keyword(d, column->name, "CATEGORY", MSIO_STRING, 0, d->units);
    d->columns++;
}

/* The definition's keywords and the caller's, in one list that is to be freed. */
static msio_casa_keyword_spec *join_keywords(const draft *d, const msio_ms_recipe *recipe) {
    msio_casa_keyword_spec *all = calloc((size_t)(d->keywords + recipe->keywords) + 1, sizeof *all);
    if (!all) return NULL;
    memcpy(all, d->keyword, (size_t)d->keywords * sizeof *all);
    if (recipe->keywords) memcpy(all + d->keywords, recipe->keyword, (size_t)recipe->keywords * sizeof *all);
    return all;
}

static msio_status make_from(draft *d, const msio_ms_recipe *recipe, msio_casa_table **made) {
    msio_casa_table_spec spec = {.rows = recipe->rows,
                                 .big_endian = recipe->big_endian,
                                 .managers = recipe->managers,
                                 .manager = recipe->manager,
                                 .columns = d->columns,
                                 .column = d->column};
    if (strcmp(recipe->table->name, "MAIN") == 0) {
        add_keyword(d, NULL, "MS_VERSION", MSIO_FLOAT, -1, &ms_version);
        spec.type = "Measurement Set";
        spec.comment = "This is a MeasurementSet Table holding measurements from a Telescope";
    }
    msio_casa_keyword_spec *all = join_keywords(d, recipe);
    if (!all) return msio_error_set(MSIO_E_MEMORY, recipe->path, "no memory for keywords");
    spec.keyword = all;
    spec.keywords = d->keywords + recipe->keywords;
    msio_status status = msio_casa_create(recipe->path, &spec, made);
    free(all);
    return status;
}

msio_status msio_ms_make(const msio_ms_recipe *recipe, msio_casa_table **made) {
    draft d = {.columns = 0, .keywords = 0, .frame = recipe->frame, .frames = recipe->frames};
    if (recipe->columns + (d.frames ? d.frames->columns : 0) > MSIO_MS_COLUMNS)
        return msio_error_set(MSIO_E_ARGUMENT, recipe->path, "%d columns are more than a table of the schema has",
                              recipe->columns);
    for (int i = 0; i < recipe->columns; i++) {
        const msio_ms_column *column = msio_ms_column_find(recipe->table, recipe->name[i]);
        if (!column)
            return msio_error_set(MSIO_E_ARGUMENT, recipe->path, "the schema's table %s has no column %s",
                                  recipe->table->name, recipe->name[i]);
        add_column(&d, column, recipe->manager_of ? recipe->manager_of[i] : 0);
    }
    for (int i = 0; d.frames && i < d.frames->columns; i++)
        d.column[d.columns++] =
            (msio_casa_column_spec){.name = d.frames->column[i][1], .comment = "", .type = MSIO_INT};
    return make_from(&d, recipe, made);
}

msio_status msio_ms_make_plain(const char *path, const msio_ms_table *table, int64_t rows, int big_endian,
                               msio_casa_table **made) {
    const msio_casa_manager_spec manager = {.type = "StandardStMan", .name = "StandardStMan"};
    const char *names[MSIO_MS_COLUMNS];
    for (int i = 0; i < table->required; i++) names[i] = table->column[i].name;
    const msio_ms_recipe recipe = {.path = path,
                                   .table = table,
                                   .rows = rows,
                                   .big_endian = big_endian,
                                   .columns = table->required,
                                   .name = names,
                                   .managers = 1,
                                   .manager = &manager};
    return msio_ms_make(&recipe, made);
}
