/* statistics_answer.c - the answer of statistics, made of the sums. */
#include "visibility/statistics.h"

#include "core/checked.h"
#include "core/error.h"
#include "visibility/statistics_histogram.h"

#include <math.h>
#include <stdlib.h>

/* The answer, and the memory that all of it lies in. */
typedef struct kept {
    msio_stats stats; /* first: msio_stats_free gets its address */
    msio_arena arena;
} kept;

/* What making it needs. */
typedef struct maker {
    kept *kept;
    const msio_metadata *metadata;
    const msio_stats_opts *opts;
    msio_stats_lane *all;
    int columns;
    msio_status status;
} maker;

static void *take(maker *m, int64_t count, size_t size) {
    void *memory = m->status ? NULL : msio_arena_take(&m->kept->arena, count, size);
    if (!memory && !m->status)
        m->status = msio_error_set(MSIO_E_MEMORY, NULL, "no memory for the answer of statistics");
    return memory;
}

void msio_stats_values_of(const msio_sums *s, msio_stats_values *v) {
    const double n = (double)s->count;
    *v = (msio_stats_values){.count = s->count, .nan = s->nan, .inf = s->inf, .median = NAN, .mad = NAN};
    v->mean[0] = s->count ? s->real / n : NAN;
    v->mean[1] = s->count ? s->imag / n : NAN;
    v->amplitude = s->count ? s->amplitude / n : NAN;
    v->rms = s->count ? sqrt(s->square / n) : NAN;
    v->min = s->count ? s->least : NAN;
    v->max = s->count ? s->most : NAN;
}

static msio_stats_chi2 chi2_of(const msio_chi *chi) { return (msio_stats_chi2){chi->sum, 2 * chi->count}; }

static void set_entry(maker *m, const msio_tally *tally, msio_stats_entry *entry) {
    msio_stats_values *values = take(m, m->columns + 1, sizeof *values);
    for (int c = 0; values && c < m->columns; c++) msio_stats_values_of(&tally->sums[c], &values[c]);
    entry->values = values;
    entry->chi2 = chi2_of(&tally->chi);
}

/* Keys of rows. */
static void put_rows(maker *m, unsigned by, int kind, msio_stats_breakdown *b) {
    msio_tallies *t = &m->all->by[kind];
    msio_tallies_sort(t);
    msio_stats_entry *entry = take(m, t->entries + 1, sizeof *entry);
    for (int64_t i = 0; entry && i < t->entries; i++) {
        const msio_tally *tally = msio_tally_at(t, i);
        set_entry(m, tally, &entry[i]);
        if (kind == KEY_TIME) {
            entry[i].time = msio_key_time(tally->key);
        } else if (kind == KEY_BASELINE) {
            entry[i].key[0] = (int32_t)(tally->key >> 32);
            entry[i].key[1] = (int32_t)((tally->key & UINT32_MAX) + INT32_MIN);
        } else {
            entry[i].key[0] = (int32_t)tally->key;
        }
    }
    *b = (msio_stats_breakdown){by, entry ? t->entries : 0, entry};
}

/* One element's sums of a grid, as a row's. */
static void add_element(const maker *m, const msio_stats_grid *g, int64_t e, msio_tally *to) {
    const int64_t n = g->elements;
    for (int c = 0; c < m->columns; c++) {
        const double *s = g->sum + (int64_t)c * GRID_SUMS * n + e;
        const msio_sums sums = {.count = (int64_t)s[GRID_COUNT * n],
                                .nan = (int64_t)s[GRID_NAN * n],
                                .inf = (int64_t)s[GRID_INF * n],
                                .real = s[GRID_REAL * n],
                                .imag = s[GRID_IMAG * n],
                                .amplitude = s[GRID_AMPLITUDE * n],
                                .square = s[GRID_SQUARE * n],
                                .least = s[GRID_LEAST * n],
                                .most = s[GRID_MOST * n]};
        msio_sums_add(&to->sums[c], &sums);
    }
    const double *chi = g->sum + (int64_t)m->columns * GRID_SUMS * n + e;
    to->chi.sum += chi[0];
    to->chi.count += (int64_t)chi[n];
}

/* Channels of windows, or correlations, of what each data description has summed up. */
static void put_elements(maker *m, unsigned by, msio_stats_breakdown *b) {
    msio_tallies t = {.columns = m->columns};
    for (int d = 0; d < m->metadata->data_descriptions; d++) {
        const msio_stats_grid *g = &m->all->grid[d];
        const int64_t window = m->metadata->data_description[d].spectral_window;
        for (int64_t e = 0; e < g->elements && !m->status; e++) {
            const int64_t key =
                by == MSIO_FLAGS_BY_CORRELATION ? e % g->corrs : window * ((int64_t)1 << 32) + e / g->corrs;
            msio_tally *tally = msio_tallies_find(&t, key);
            if (tally)
                add_element(m, g, e, tally);
            else
                m->status = MSIO_E_MEMORY;
        }
    }
    msio_tallies_sort(&t);
    msio_stats_entry *entry = take(m, t.entries + 1, sizeof *entry);
    for (int64_t i = 0; entry && i < t.entries; i++) {
        const msio_tally *tally = msio_tally_at(&t, i);
        set_entry(m, tally, &entry[i]);
        entry[i].key[0] = (int32_t)(by == MSIO_FLAGS_BY_CORRELATION ? tally->key : tally->key >> 32);
        entry[i].key[1] = by == MSIO_FLAGS_BY_CORRELATION ? 0 : (int32_t)(tally->key & UINT32_MAX);
    }
    *b = (msio_stats_breakdown){by, entry ? t.entries : 0, entry};
    msio_tallies_free(&t);
}

static void put_breakdowns(maker *m, msio_stats *stats) {
    static const struct {
        unsigned by;
        int kind; /* -1: of elements */
    } all[] = {{MSIO_FLAGS_BY_SPW, KEY_SPW},           {MSIO_FLAGS_BY_FIELD, KEY_FIELD},
               {MSIO_FLAGS_BY_SCAN, KEY_SCAN},         {MSIO_FLAGS_BY_ANTENNA, KEY_ANTENNA},
               {MSIO_FLAGS_BY_BASELINE, KEY_BASELINE}, {MSIO_FLAGS_BY_CHANNEL, -1},
               {MSIO_FLAGS_BY_CORRELATION, -1},        {MSIO_FLAGS_BY_TIME, KEY_TIME}};
    const int n = (int)(sizeof all / sizeof *all);
    msio_stats_breakdown *breakdown = take(m, n, sizeof *breakdown);
    for (int i = 0; breakdown && i < n; i++) {
        if (!(m->opts->by & all[i].by)) continue;
        if (all[i].kind >= 0)
            put_rows(m, all[i].by, all[i].kind, &breakdown[stats->breakdowns++]);
        else
            put_elements(m, all[i].by, &breakdown[stats->breakdowns++]);
    }
    stats->breakdown = breakdown;
}

static void put_columns(maker *m, msio_stats *stats) {
    const char **name = take(m, m->columns + 1, sizeof *name);
    msio_stats_values *values = take(m, m->columns + 1, sizeof *values);
    double(*room)[2] = malloc((size_t)MSIO_HISTOGRAM_BINS * sizeof *room);
    if (!room && !m->status) m->status = msio_error_set(MSIO_E_MEMORY, NULL, "no memory for medians");
    for (int c = 0; !m->status && c < m->columns; c++) {
        const char *text = m->opts->columns ? m->opts->column[c] : "DATA";
        name[c] = msio_arena_text(&m->kept->arena, text, (int64_t)strlen(text));
        if (!name[c]) m->status = msio_error_set(MSIO_E_MEMORY, NULL, "no memory for a name");
        msio_stats_values_of(&m->all->total->sums[c], &values[c]);
        if (!m->all->bins) continue;
        msio_histogram_medians(m->all->bins + c * MSIO_HISTOGRAM_BINS, values[c].min, values[c].max, room,
                               &values[c].median, &values[c].mad);
    }
    free(room);
    stats->column = name;
    stats->values = values;
    stats->columns = m->columns;
}

msio_status msio_stats_answer(const msio_metadata *metadata, const msio_stats_opts *opts, const char *weights,
                              int64_t rows, msio_stats_lane *all, msio_stats **stats) {
    kept *k = calloc(1, sizeof *k);
    if (!k) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for the answer of statistics");
    maker m = {k, metadata, opts, all, msio_stats_columns(opts), MSIO_OK};
    k->stats.rows = rows;
    k->stats.has_chi2 = opts->data != NULL;
    k->stats.chi2 = chi2_of(&all->total->chi);
    k->stats.weights = weights;
    put_columns(&m, &k->stats);
    put_breakdowns(&m, &k->stats);
    if (m.status)
        msio_stats_free(&k->stats);
    else
        *stats = &k->stats;
    return m.status;
}

void msio_stats_free(msio_stats *stats) {
    if (!stats) return;
    kept *k = (kept *)stats;
    msio_arena_free(&k->arena);
    free(k);
}
