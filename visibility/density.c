/* density.c - points counted on a grid: what is read, and how each block is counted. */
#include "visibility/density.h"

#include "core/checked.h"
#include "core/error.h"
#include "core/threads.h"
#include "prof/call.h"
#include "visibility/shapes.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define LIGHT 299792458.0
#define MOST_CELLS ((int64_t)1 << 22)
#define MOST_LANES 4                    /* of a grid: a count that is raised again at once has to wait for itself */
#define LANES_BYTES ((int64_t)40 << 20) /* of all grids: fewer lanes where more threads count */
#define FEW_ELEMENTS 1024               /* so many at a time, or one row: what they take stays in a core's own cache */

enum { X, Y };

/* Places of inputs; -1: not read. */
typedef struct inputs {
    int n;
    const char *name[8];
    int value, flag, flag_row, description, time, uvw, antenna1, antenna2;
} inputs;

/* What a thread counts on. Threads take one for a block each; as whole numbers are added, it does not matter which. */
typedef struct grid {
    _Atomic int taken;
    int64_t *count;   /* [lanes][stride]: [x bins][y bins] and the cells behind; their sum counts */
    int64_t *flagged; /* one such */
    int exponent[2];  /* of x and y, where they grow */
    double *value;    /* scratch, [most] each */
    int32_t *bin[2], *cell;
    uint8_t *used, *is_flagged;
} grid;

/* What the channels of a data description are. */
typedef struct channels {
    int32_t *bin[2];   /* [elements]: of axes that depend on the channel alone */
    double *per_metre; /* [channels]: wavelengths */
} channels;

typedef struct counter {
    const char *path;
    const msio_metadata *metadata;
    const msio_density_opts *opts;
    const msio_density_kernel *kernel;
    msio_table *table;
    msio_shape_groups groups;
    msio_density_facts facts;
    msio_density_axis axis[2];
    bool complex, keeps_flagged; /* keeps_flagged: flagged points count as well */
    bool by_antenna, by_channel; /* an axis is the antenna; one needs the data description */
    const char *column;          /* of values; NULL: none is read */
    inputs in;
    int64_t chans, corrs; /* of this pass's cells */
    int64_t most;         /* elements that are counted at a time */
    int64_t cells;        /* of a grid */
    int64_t stride;       /* with those behind */
    int lanes;            /* 1, 2 or MOST_LANES */
    channels *channels;   /* [data_descriptions] */
    grid *grid;           /* [grids] */
    int grids;
} counter;

static const msio_density_kernel *choose(void) {
#if defined(MSIO_DENSITY_X86)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
        return &msio_density_avx512;
    if (__builtin_cpu_supports("avx2")) return &msio_density_avx2;
#endif
    return &msio_density_generic;
}

static msio_status no_memory(const counter *c) {
    return msio_error_set(MSIO_E_MEMORY, c->path, "no memory for a density grid");
}

/* ---------------------------------------------------------------- some rows of a block */

typedef struct part {
    const counter *c;
    const msio_block *block;
    grid *grid;
    int64_t row, rows; /* of the block */
    int64_t elements;  /* of a row */
    bool second;       /* the rows' second antennas have their turn */
} part;

static const void *column_of(const part *p, int input, size_t row_bytes) {
    return input < 0 ? NULL : (const char *)p->block->in[input].data + (size_t)p->row * row_bytes;
}

/* Which elements count, and which are flagged. */
static void mark(const part *p) {
    const counter *c = p->c;
    const uint8_t *flag = column_of(p, c->in.flag, (size_t)p->elements), *flag_row = column_of(p, c->in.flag_row, 1);
    uint8_t *used = p->grid->used, *flagged = p->grid->is_flagged;
    const int64_t n = p->rows * p->elements;
    if (flag)
        for (int64_t e = 0; e < n; e++) flagged[e] = flag[e] != 0;
    else
        memset(flagged, 0, (size_t)n);
    for (int64_t r = 0; flag_row && r < p->rows; r++)
        if (flag_row[r]) memset(flagged + r * p->elements, 1, (size_t)p->elements);
    if (c->keeps_flagged)
        memset(used, 1, (size_t)n);
    else
        for (int64_t e = 0; e < n; e++) used[e] = !flagged[e];
    for (int64_t e = 0; c->opts->correlation != MSIO_ANY && e < n; e++)
        if (e % c->corrs != c->opts->correlation) used[e] = 0;
}

/* An autocorrelation's only antenna has had its turn. */
static void leave_out_autocorrelations(const part *p) {
    const int32_t *one = column_of(p, p->c->in.antenna1, 4), *two = column_of(p, p->c->in.antenna2, 4);
    for (int64_t r = 0; r < p->rows; r++)
        if (one[r] == two[r]) memset(p->grid->used + r * p->elements, 0, (size_t)p->elements);
}

/* ---------------------------------------------------------------- values and bins */

static double baseline_number(int32_t one, int32_t two, int antennas) {
    const int64_t i = msio_min(one, two), j = msio_max(one, two), n = antennas;
    return i < 0 || j >= n ? -1.0 : (double)(i * n - i * (i - 1) / 2 + j - i);
}

/* What an axis that depends on the row shows of each. */
static void row_values(const part *p, msio_axis axis, double *value) {
    const inputs *in = &p->c->in;
    const double *time = column_of(p, in->time, 8), *uvw = column_of(p, in->uvw, 24);
    const int32_t *one = column_of(p, in->antenna1, 4), *two = column_of(p, in->antenna2, 4);
    for (int64_t r = 0; r < p->rows; r++) {
        if (axis == MSIO_AXIS_TIME) value[r] = time[r];
        if (axis == MSIO_AXIS_UVDIST) value[r] = sqrt(uvw[3 * r] * uvw[3 * r] + uvw[3 * r + 1] * uvw[3 * r + 1]);
        if (axis == MSIO_AXIS_U) value[r] = uvw[3 * r];
        if (axis == MSIO_AXIS_V) value[r] = uvw[3 * r + 1];
        if (axis == MSIO_AXIS_BASELINE) value[r] = baseline_number(one[r], two[r], p->c->facts.antennas);
        if (axis == MSIO_AXIS_ANTENNA) value[r] = (p->second ? two : one)[r];
    }
}

/* All that was counted into the first lane. */
static void join_lanes(const counter *c, grid *g) {
    for (int lane = 1; lane < c->lanes; lane++) {
        int64_t *more = g->count + lane * c->stride;
        for (int64_t k = 0; k < c->stride; k++) g->count[k] += more[k];
        memset(more, 0, (size_t)c->stride * sizeof *more);
    }
}

/* Makes the grid's scale one that has a value of that size. */
static void grow(const part *p, int which, double size) {
    const counter *c = p->c;
    grid *g = p->grid;
    if (!c->axis[which].grows) return;
    const int wanted = msio_density_exponent(&c->axis[which], g->exponent[which], size);
    if (wanted == g->exponent[which]) return;
    join_lanes(c, g);
    msio_density_fold(g->count, &c->axis[X], &c->axis[Y], which == X, wanted - g->exponent[which]);
    if (g->flagged) msio_density_fold(g->flagged, &c->axis[X], &c->axis[Y], which == X, wanted - g->exponent[which]);
    g->exponent[which] = wanted;
}

static double largest(const double *value, int64_t n) {
    double most = 0.0;
    for (int64_t i = 0; i < n; i++) most = fabs(value[i]) > most && isfinite(value[i]) ? fabs(value[i]) : most;
    return most;
}

static void find_bins(const part *p, int which, const double *value, int64_t n, int32_t *bin) {
    const msio_scale scale = msio_density_scale(&p->c->axis[which], p->grid->exponent[which]);
    p->c->kernel->bins(&scale, value, n, bin);
}

/* Each of n bins as often as `times`; from back to front, as they stand where they go to. */
static void repeat(int32_t *bin, int64_t n, int64_t times) {
    for (int64_t i = n; i-- > 0;) {
        const int32_t one = bin[i];
        for (int64_t k = 0; k < times; k++) bin[i * times + k] = one;
    }
}

static void bins_of_rows(const part *p, int which) {
    grid *g = p->grid;
    row_values(p, p->c->axis[which].scale.axis, g->value);
    grow(p, which, largest(g->value, p->rows));
    find_bins(p, which, g->value, p->rows, g->bin[which]);
    repeat(g->bin[which], p->rows, p->elements);
}

static void bins_of_channels(const part *p, int which) {
    const int32_t *description = column_of(p, p->c->in.description, 4);
    for (int64_t r = 0; r < p->rows; r++)
        memcpy(p->grid->bin[which] + r * p->elements, p->c->channels[description[r]].bin[which],
               (size_t)p->elements * sizeof(int32_t));
}

/* u, v, uvdist in wavelengths. */
static void bins_of_both(const part *p, int which) {
    grid *g = p->grid;
    const int32_t *description = column_of(p, p->c->in.description, 4);
    const double *uvw = column_of(p, p->c->in.uvw, 24);
    const msio_axis axis = p->c->axis[which].scale.axis;
    for (int64_t r = 0; r < p->rows; r++) {
        const double u = uvw[3 * r], v = uvw[3 * r + 1];
        const double metres = axis == MSIO_AXIS_U ? u : axis == MSIO_AXIS_V ? v : sqrt(u * u + v * v);
        for (int64_t k = 0; k < p->c->chans; k++)
            g->value[r * p->c->chans + k] = metres * p->c->channels[description[r]].per_metre[k];
    }
    grow(p, which, largest(g->value, p->rows * p->c->chans));
    find_bins(p, which, g->value, p->rows * p->c->chans, g->bin[which]);
    repeat(g->bin[which], p->rows * p->c->chans, p->c->corrs);
}

static void bins_of_values(const part *p, int which) {
    grid *g = p->grid;
    const int64_t n = p->rows * p->elements;
    const float *value = column_of(p, p->c->in.value, (size_t)p->elements * (p->c->complex ? 8 : 4));
    const msio_density_axis *axis = &p->c->axis[which];
    if (p->c->complex && axis->scale.axis == MSIO_AXIS_AMPLITUDE) {
        const msio_scale scale = msio_density_scale(axis, g->exponent[which]);
        if (p->c->kernel->amplitudes(&scale, value, g->used, n, g->bin[which]) || !axis->grows) return;
    }
    grow(p, which, p->c->kernel->values(p->c->axis[which].scale.axis, value, p->c->complex, g->used, n, g->value));
    find_bins(p, which, g->value, n, g->bin[which]);
}

static void bins_of_flags(const part *p, int which) {
    for (int64_t e = 0; e < p->rows * p->elements; e++) p->grid->value[e] = p->grid->is_flagged[e];
    find_bins(p, which, p->grid->value, p->rows * p->elements, p->grid->bin[which]);
}

/* ---------------------------------------------------------------- counting */

static void count_cells(const counter *c, grid *g, int64_t n) {
    const int64_t last = c->lanes - 1, stride = c->stride;
    int64_t *count = g->count;
    for (int64_t e = 0; e < n; e++) count[(e & last) * stride + g->cell[e]]++;
    for (int64_t e = 0; g->flagged && e < n; e++) g->flagged[g->cell[e]] += g->is_flagged[e];
}

static void count(const part *p) {
    static void (*const find[])(const part *, int) = {bins_of_rows, bins_of_channels, bins_of_both, bins_of_values,
                                                      bins_of_flags};
    const counter *c = p->c;
    grid *g = p->grid;
    const int64_t n = p->rows * p->elements;
    for (int which = X; which <= Y; which++) find[c->axis[which].of](p, which);
    c->kernel->cells(g->bin[X], g->bin[Y], g->used, n, (int32_t)c->axis[Y].scale.bins, (int32_t)c->cells, g->cell);
    count_cells(c, g, n);
}

static void count_part(part *p) {
    mark(p);
    count(p);
    if (!p->c->by_antenna) return;
    p->second = true;
    leave_out_autocorrelations(p);
    count(p);
    p->second = false;
}

static msio_status check_descriptions(const counter *c, const msio_block *block) {
    const int32_t *description = c->in.description < 0 ? NULL : block->in[c->in.description].data;
    for (int64_t r = 0; description && r < block->rows; r++)
        if (description[r] < 0 || description[r] >= c->metadata->data_descriptions ||
            !c->channels[description[r]].per_metre || msio_window_of(c->metadata, description[r])->channels != c->chans)
            return msio_error_set(MSIO_E_CHANGED, c->path, "rows were changed while they were read");
    return MSIO_OK;
}

static grid *take_grid(counter *c) {
    for (int i = 0;; i = (i + 1) % c->grids)
        if (!atomic_exchange(&c->grid[i].taken, 1)) return &c->grid[i];
}

static msio_status run(void *user, const msio_block *block, void *state) {
    counter *c = user;
    (void)state;
    msio_status status = check_descriptions(c, block);
    if (status) return status;
    part p = {.c = c, .block = block, .elements = c->chans * c->corrs, .grid = take_grid(c)};
    const int64_t together = msio_max(1, c->most / msio_max(1, p.elements));
    for (; p.row < block->rows; p.row += p.rows) {
        p.rows = msio_min(together, block->rows - p.row);
        count_part(&p);
    }
    atomic_store(&p.grid->taken, 0);
    return MSIO_OK;
}

/* ---------------------------------------------------------------- what is read */

static int take_input(inputs *in, const char *name, bool wanted) {
    if (!wanted) return -1;
    in->name[in->n] = name;
    return in->n++;
}

static bool has_axis(const counter *c, msio_axis a) { return c->axis[X].scale.axis == a || c->axis[Y].scale.axis == a; }

static void choose_inputs(counter *c) {
    inputs *in = &c->in;
    const bool antennas = has_axis(c, MSIO_AXIS_BASELINE) || has_axis(c, MSIO_AXIS_ANTENNA);
    in->n = 0;
    in->value = take_input(in, c->column, c->column != NULL);
    in->flag = take_input(in, "FLAG", msio_shape_has_column(c->table, "FLAG"));
    in->flag_row = take_input(in, "FLAG_ROW", !c->opts->ignore_flag_row && msio_shape_has_column(c->table, "FLAG_ROW"));
    in->time = take_input(in, "TIME", has_axis(c, MSIO_AXIS_TIME));
    in->uvw =
        take_input(in, "UVW", has_axis(c, MSIO_AXIS_UVDIST) || has_axis(c, MSIO_AXIS_U) || has_axis(c, MSIO_AXIS_V));
    in->antenna1 = take_input(in, "ANTENNA1", antennas);
    in->antenna2 = take_input(in, "ANTENNA2", antennas);
    in->description = take_input(in, "DATA_DESC_ID", c->by_channel || in->n == 0);
}

static msio_status check_column(counter *c) {
    const msio_column *column;
    if (c->axis[X].of != MSIO_OF_VALUE && c->axis[Y].of != MSIO_OF_VALUE) return MSIO_OK;
    c->column = c->opts->column ? c->opts->column : "DATA";
    msio_status status = msio_table_column(c->table, c->column, &column);
    if (status) return status;
    const msio_column_info *info = msio_column_describe(column);
    if (!info) return msio_last_error()->code;
    c->complex = info->type == MSIO_COMPLEX;
    if (!info->is_array || (!c->complex && info->type != MSIO_FLOAT))
        return msio_error_set(MSIO_E_ARGUMENT, c->path, "column %s holds %s%s: plots are of arrays of Complex or Float",
                              c->column, info->is_array ? "arrays of " : "", msio_type_name(info->type));
    if (!c->complex && (has_axis(c, MSIO_AXIS_PHASE) || has_axis(c, MSIO_AXIS_IMAGINARY)))
        return msio_error_set(MSIO_E_ARGUMENT, c->path, "column %s is real: it has neither phase nor imaginary part",
                              c->column);
    return MSIO_OK;
}

/* ---------------------------------------------------------------- which rows, and what is known of them */

static bool is_chosen(const counter *c, const msio_row_run *run) {
    const msio_density_opts *o = c->opts;
    return (o->field == MSIO_ANY || run->field == o->field) &&
           (o->spectral_window == MSIO_ANY || run->spectral_window == o->spectral_window) &&
           (o->correlation == MSIO_ANY ||
            msio_polarization_of(c->metadata, run->data_description)->correlations > o->correlation);
}

static void widen(double range[2], double value) {
    if (!isfinite(value)) return;
    range[0] = fmin(range[0], value);
    range[1] = fmax(range[1], value);
}

static void learn_channels(counter *c, int description) {
    msio_density_facts *f = &c->facts;
    const msio_spectral_window *w = msio_window_of(c->metadata, description);
    f->channels = msio_max(f->channels, w->channels);
    for (int64_t k = 0; k < w->channels; k++) {
        widen(f->frequency, w->frequencies[k]);
        const double step = w->widths ? fabs(w->widths[k]) : 0.0;
        if (step > 0.0) f->step = fmin(f->step, step);
    }
}

/* *any: whether there are such rows. */
static msio_status learn(counter *c, bool *any) {
    const msio_row_index *index;
    msio_density_facts *f = &c->facts;
    msio_status status = msio_metadata_row_index(c->metadata, &index);
    if (status) return status;
    bool *seen = calloc((size_t)c->metadata->data_descriptions + 1, sizeof *seen);
    if (!seen) return no_memory(c);
    *f = (msio_density_facts){{INFINITY, -INFINITY}, c->metadata->integration_time, {INFINITY, -INFINITY}, INFINITY, 0,
                              c->metadata->antennas};
    *any = index->runs == 0;
    for (int64_t i = 0; i < index->runs; i++) {
        const msio_row_run *run = &index->run[i];
        if (!is_chosen(c, run)) continue;
        *any = true;
        widen(f->time, run->time);
        if (!seen[run->data_description]) learn_channels(c, run->data_description);
        seen[run->data_description] = true;
    }
    free(seen);
    if (f->time[0] > f->time[1]) f->time[0] = f->time[1] = 0.0;
    if (f->frequency[0] > f->frequency[1]) f->frequency[0] = f->frequency[1] = 0.0;
    if (isinf(f->step)) f->step = 0.0;
    return MSIO_OK;
}

/* Lists the rows of a group that are chosen; all of them when nothing is to be chosen. */
static msio_status choose_rows(const counter *c, msio_shape_group *group) {
    const msio_density_opts *o = c->opts;
    const msio_row_index *index;
    if (o->field == MSIO_ANY && o->spectral_window == MSIO_ANY) return MSIO_OK;
    msio_status status = msio_metadata_row_index(c->metadata, &index);
    if (status) return status;
    if (!group->row) group->row = malloc(((size_t)group->rows + 1) * sizeof *group->row);
    if (!group->row) return no_memory(c);
    group->rows = 0;
    for (int64_t i = 0; i < index->runs; i++) {
        const msio_row_run *run = &index->run[i];
        if (!is_chosen(c, run) || msio_window_of(c->metadata, run->data_description)->channels != group->channels ||
            msio_polarization_of(c->metadata, run->data_description)->correlations != group->corrs)
            continue;
        for (int64_t r = 0; r < run->rows; r++) group->row[group->rows++] = run->row + r;
    }
    return MSIO_OK;
}

/* ---------------------------------------------------------------- memory */

static msio_status make_channels(counter *c) {
    const msio_metadata *m = c->metadata;
    c->channels = calloc((size_t)m->data_descriptions + 1, sizeof *c->channels);
    if (!c->channels) return no_memory(c);
    for (int d = 0; d < m->data_descriptions; d++) {
        if (!c->groups.description_used[d]) continue;
        const msio_spectral_window *w = msio_window_of(m, d);
        const int64_t corrs = msio_polarization_of(m, d)->correlations;
        channels *made = &c->channels[d];
        made->per_metre = malloc((size_t)w->channels * sizeof *made->per_metre);
        for (int which = X; which <= Y; which++) {
            made->bin[which] = malloc((size_t)(w->channels * corrs) * sizeof **made->bin);
            if (!made->per_metre || !made->bin[which]) return no_memory(c);
            for (int64_t k = 0; k < w->channels; k++) {
                const double value = c->axis[which].scale.axis == MSIO_AXIS_CHANNEL ? (double)k : w->frequencies[k];
                c->kernel->bins(&c->axis[which].scale, &value, 1, &made->bin[which][k]);
                made->per_metre[k] = w->frequencies[k] / LIGHT;
            }
            repeat(made->bin[which], w->channels, corrs);
        }
    }
    return MSIO_OK;
}

static void *room(int64_t count, size_t size) { return malloc((size_t)(count + 64) * size); }

static msio_status make_grid(const counter *c, grid *g) {
    g->count = calloc((size_t)(c->lanes * c->stride), sizeof *g->count);
    if (c->opts->flags) g->flagged = calloc((size_t)c->stride, sizeof *g->flagged);
    g->value = room(c->most, sizeof *g->value);
    g->cell = room(c->most, sizeof *g->cell);
    g->used = room(c->most, 1);
    g->is_flagged = room(c->most, 1);
    for (int which = X; which <= Y; which++) {
        g->bin[which] = room(c->most, sizeof **g->bin);
        g->exponent[which] = MSIO_LEAST_EXPONENT;
    }
    const bool there = g->count && (g->flagged || !c->opts->flags) && g->value && g->cell && g->used && g->is_flagged &&
                       g->bin[X] && g->bin[Y];
    return there ? MSIO_OK : no_memory(c);
}

static msio_status make_grids(counter *c) {
    c->most = FEW_ELEMENTS;
    for (int i = 0; i < c->groups.groups; i++)
        c->most = msio_max(c->most, (int64_t)c->groups.group[i].channels * c->groups.group[i].corrs);
    c->cells = c->axis[X].scale.bins * c->axis[Y].scale.bins;
    c->stride = c->cells + MSIO_CELLS_BEHIND;
    c->grids = (int)msio_min(msio_threads_for(c->opts->threads), MSIO_PASS_LANES);
    c->lanes = MOST_LANES;
    while (c->lanes > 1 && c->grids * c->lanes * c->stride * (int64_t)sizeof(int64_t) > LANES_BYTES) c->lanes /= 2;
    c->grid = calloc((size_t)c->grids, sizeof *c->grid);
    msio_status status = c->grid ? MSIO_OK : no_memory(c);
    for (int i = 0; i < c->grids && !status; i++) status = make_grid(c, &c->grid[i]);
    return status;
}

static void free_all(counter *c) {
    for (int i = 0; c->grid && i < c->grids; i++) {
        grid *g = &c->grid[i];
        void *all[] = {g->count, g->flagged, g->value, g->cell, g->used, g->is_flagged, g->bin[X], g->bin[Y]};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++) free(all[k]);
    }
    free(c->grid);
    for (int d = 0; c->channels && d < c->metadata->data_descriptions; d++) {
        free(c->channels[d].bin[X]);
        free(c->channels[d].bin[Y]);
        free(c->channels[d].per_metre);
    }
    free(c->channels);
    msio_shape_groups_free(&c->groups);
}

/* ---------------------------------------------------------------- the answer */

/* The answer, and the memory that all of it lies in. */
typedef struct kept {
    msio_density density; /* first: msio_density_free gets its address */
    int64_t *count, *flagged;
} kept;

/* All grids in the first one, on one scale. */
static void gather(counter *c) {
    grid *all = &c->grid[0];
    int exponent[2] = {MSIO_LEAST_EXPONENT, MSIO_LEAST_EXPONENT};
    for (int which = X; which <= Y; which++) {
        for (int i = 0; i < c->grids; i++) exponent[which] = (int)msio_max(exponent[which], c->grid[i].exponent[which]);
        if (exponent[which] == MSIO_LEAST_EXPONENT) exponent[which] = 0; /* there are zeros, or nothing */
    }
    for (int i = 0; i < c->grids; i++) {
        grid *g = &c->grid[i];
        join_lanes(c, g);
        for (int which = X; which <= Y; which++) {
            if (!c->axis[which].grows) continue;
            const int times = exponent[which] - g->exponent[which];
            msio_density_fold(g->count, &c->axis[X], &c->axis[Y], which == X, times);
            if (g->flagged) msio_density_fold(g->flagged, &c->axis[X], &c->axis[Y], which == X, times);
            g->exponent[which] = exponent[which];
        }
        for (int64_t k = 0; i > 0 && k < c->stride; k++) {
            all->count[k] += g->count[k];
            if (g->flagged) all->flagged[k] += g->flagged[k];
        }
    }
}

static msio_status answer(counter *c, int64_t rows, msio_density **density) {
    gather(c);
    const grid *all = &c->grid[0];
    const int64_t y_bins = c->axis[Y].scale.bins;
    kept *k = calloc(1, sizeof *k);
    if (!k) return no_memory(c);
    int64_t from[2];
    msio_scale scale[2];
    for (int which = X; which <= Y; which++) {
        scale[which] = msio_density_scale(&c->axis[which], all->exponent[which]);
        scale[which].bins = msio_density_used(all->count, &c->axis[X], &c->axis[Y], which == X, &from[which]);
        if (from[which]) scale[which].low += (double)from[which] * scale[which].width;
    }
    msio_status status = msio_density_cut(all->count, y_bins, &scale[X], from, &scale[Y], &k->count);
    if (!status && all->flagged)
        status = msio_density_cut(all->flagged, y_bins, &scale[X], from, &scale[Y], &k->flagged);
    if (status) {
        msio_density_free(&k->density);
        return status;
    }
    k->density = (msio_density){.x = scale[X], .y = scale[Y], .count = k->count, .flagged = k->flagged, .rows = rows};
    for (int64_t i = 0; i < scale[X].bins * scale[Y].bins; i++) k->density.points += k->count[i];
    k->density.outside = all->count[c->cells + MSIO_CELL_OUTSIDE];
    k->density.not_finite = all->count[c->cells + MSIO_CELL_NOT_FINITE];
    k->density.antennas = c->facts.antennas;
    *density = &k->density;
    return MSIO_OK;
}

void msio_density_free(msio_density *density) {
    PROF_WITHIN;
    if (!density) return;
    kept *k = (kept *)density;
    free(k->count);
    free(k->flagged);
    free(k);
}

/* ---------------------------------------------------------------- the passes */

static msio_status check_cells(const counter *c, const msio_shape_group *group, const msio_select *select) {
    msio_status status = MSIO_OK;
    if (c->column) status = msio_shape_group_check(group, c->table, c->path, c->column, select);
    if (!status && c->in.flag >= 0) status = msio_shape_group_check(group, c->table, c->path, "FLAG", select);
    return status;
}

static msio_status count_group(counter *c, msio_shape_group *group, int64_t *rows) {
    const msio_kernel kernel = {.run = run, .user = c};
    msio_pass_opts opts = MSIO_PASS_OPTS_INIT;
    if (c->opts->correlation != MSIO_ANY && c->opts->correlation >= group->corrs) return MSIO_OK;
    msio_status status = choose_rows(c, group);
    if (status || group->rows == 0) return status;
    const msio_select select = msio_shape_group_select(group);
    c->chans = group->channels;
    c->corrs = group->corrs;
    status = check_cells(c, group, &select);
    opts.memory = c->opts->memory;
    opts.threads = c->opts->threads;
    opts.progress = c->opts->progress;
    opts.user = c->opts->user;
    return status ? status : msio_shape_group_pass(c->table, &select, c->in.n, c->in.name, &kernel, &opts, rows);
}

static msio_status make_axes(counter *c) {
    const msio_density_opts *o = c->opts;
    if (o->x == o->y)
        return msio_error_set(MSIO_E_ARGUMENT, c->path, "both axes are the same: two different ones make a plot");
    msio_status status = msio_density_axis_make(c->path, o, o->x, o->x_bins, o->x_range, &c->facts, &c->axis[X]);
    if (!status) status = msio_density_axis_make(c->path, o, o->y, o->y_bins, o->y_range, &c->facts, &c->axis[Y]);
    if (status) return status;
    if (o->x_bins * o->y_bins > MOST_CELLS)
        return msio_error_set(MSIO_E_ARGUMENT, c->path, "%lld x %lld bins: together no more than %lld cells are made",
                              (long long)o->x_bins, (long long)o->y_bins, (long long)MOST_CELLS);
    c->by_antenna = has_axis(c, MSIO_AXIS_ANTENNA);
    c->keeps_flagged = o->flags || has_axis(c, MSIO_AXIS_FLAG);
    for (int which = X; which <= Y; which++)
        if (c->axis[which].of == MSIO_OF_CHANNEL || c->axis[which].of == MSIO_OF_BOTH) c->by_channel = true;
    return MSIO_OK;
}

static msio_status count_all(counter *c, msio_density **density) {
    int64_t rows = 0;
    bool any = false;
    msio_status status = msio_shape_groups_make(c->metadata, &c->groups);
    if (!status) status = learn(c, &any);
    if (!status && !any)
        status = msio_error_set(MSIO_E_ARGUMENT, c->path, "no row is of that field, spectral window and correlation");
    if (!status) status = make_axes(c);
    if (!status) status = check_column(c);
    if (status) return status;
    choose_inputs(c);
    status = make_channels(c);
    if (!status) status = make_grids(c);
    for (int g = 0; g < c->groups.groups && !status; g++) status = count_group(c, &c->groups.group[g], &rows);
    return status ? status : answer(c, rows, density);
}

msio_status msio_density_make(const char *path, const msio_density_opts *opts, msio_density **density) {
    PROF_CALL(path);
    static const msio_density_opts defaults = MSIO_DENSITY_OPTS_INIT;
    if (!path || !density) return msio_error_set(MSIO_E_ARGUMENT, path, "no path, or nowhere to put a grid");
    if (opts && opts->struct_size != sizeof *opts)
        return msio_error_set(MSIO_E_ARGUMENT, path, "options of another version: use MSIO_DENSITY_OPTS_INIT");
    counter c = {.path = path, .opts = opts ? opts : &defaults, .kernel = choose()};
    msio_density *made = NULL;
    msio_status status = msio_threads_check(c.opts->threads);
    if (!status && c.opts->correlation != MSIO_ANY && c.opts->correlation < 0)
        status = msio_error_set(MSIO_E_ARGUMENT, path, "correlation %d: it is an index", (int)c.opts->correlation);
    if (!status) status = msio_metadata_get(path, MSIO_PER_CALL, &c.metadata);
    if (!status && !c.metadata->is_ms)
        status = msio_error_set(MSIO_E_ARGUMENT, path, "this is no Measurement Set: plots are of one");
    if (!status) status = msio_table_open(path, &c.opts->open, &c.table);
    if (!status) status = count_all(&c, &made);
    msio_error_copy error;
    if (status) msio_error_save(&error);
    const msio_status closed = c.table ? msio_table_close(c.table) : MSIO_OK;
    if (c.metadata) free_all(&c);
    msio_metadata_release(c.metadata);
    if (status) return msio_error_restore(&error);
    if (closed)
        msio_density_free(made);
    else
        *density = made;
    return closed;
}
