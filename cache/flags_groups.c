/* flags_groups.c - breakdowns: flags by the keys of rows, and by their positions in cells. */
#include "cache/flags_groups.h"

#include "core/checked.h"
#include "core/error.h"

#include <stdlib.h>
#include <string.h>

#define BY_POSITION (MSIO_FLAGS_BY_CHANNEL | MSIO_FLAGS_BY_CORRELATION)

const char *const msio_flags_key_column[MSIO_FLAGS_KEYS] = {"DATA_DESC_ID", "FIELD_ID", "SCAN_NUMBER",
                                                            "ANTENNA1",     "ANTENNA2", "TIME"};

bool msio_flags_needs_key(unsigned by, int key) {
    static const unsigned needed_by[MSIO_FLAGS_KEYS] = {MSIO_FLAGS_BY_SPW | MSIO_FLAGS_BY_CHANNEL,
                                                        MSIO_FLAGS_BY_FIELD,
                                                        MSIO_FLAGS_BY_SCAN,
                                                        MSIO_FLAGS_BY_ANTENNA | MSIO_FLAGS_BY_BASELINE,
                                                        MSIO_FLAGS_BY_ANTENNA | MSIO_FLAGS_BY_BASELINE,
                                                        MSIO_FLAGS_BY_TIME};
    return (by & needed_by[key]) != 0;
}

static msio_status no_memory(void) {
    return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for the breakdowns of flags");
}

void msio_flags_groups_free(msio_flags_groups *groups) {
    free(groups->window_of);
    msio_flags_tally *const tally[] = {&groups->window, &groups->field, &groups->scan, &groups->baseline,
                                       &groups->time,   &groups->shape, &groups->group};
    for (size_t i = 0; i < sizeof tally / sizeof tally[0]; i++) msio_flags_tally_free(tally[i]);
    *groups = (msio_flags_groups){.by = groups->by};
}

/* ---------------------------------------------------------------- rows of a block */

int32_t msio_flags_shape_index(msio_flags_groups *groups, int ndim, const int64_t *shape) {
    int64_t elements, corrs = ndim > 0 ? shape[0] : 1, chans = ndim > 1 ? shape[1] : 1;
    if (!msio_product_checked(ndim, shape, &elements) || elements > UINT32_MAX || corrs > INT32_MAX ||
        chans > INT32_MAX)
        return -1;
    int64_t index = msio_flags_tally_search(&groups->shape, corrs | chans << 32, elements);
    return index > INT32_MAX / 2 - 1 ? -1 : (int32_t)index;
}

/* -1 for a DATA_DESC_ID that has no row: those are counted apart. */
static int32_t window_of(const msio_flags_groups *g, int32_t id) {
    return id >= 0 && id < g->data_descriptions ? g->window_of[id] : -1;
}

msio_status msio_flags_groups_assign(msio_flags_groups *g, const msio_flags_keys *keys, const int32_t *shape_of,
                                     const uint8_t *flag_row, int64_t rows, int32_t *group_of) {
    const int32_t *id = g->by & MSIO_FLAGS_BY_CHANNEL ? keys->value[MSIO_FLAGS_KEY_DATA_DESC_ID] : NULL;
    for (int64_t i = 0, n; i < rows; i += n) {
        for (n = 1; i + n < rows; n++)
            if (shape_of[i + n] != shape_of[i] || (id && id[i + n] != id[i]) ||
                (flag_row && !flag_row[i + n] != !flag_row[i]))
                break;
        int64_t group = -1;
        if (shape_of[i] >= 0) {
            int32_t window = id ? window_of(g, id[i]) : 0;
            group = msio_flags_tally_find(&g->group, window, 2 * shape_of[i] + (flag_row && flag_row[i]));
            if (group < 0) return no_memory();
            g->group.entry[group].sums.total += n;
        }
        for (int64_t k = i; k < i + n; k++) group_of[k] = (int32_t)group;
    }
    return MSIO_OK;
}

static msio_status add(msio_flags_tally *tally, int64_t a, int64_t b, const msio_flags_sums *sum, int64_t n) {
    int64_t at = msio_flags_tally_find(tally, a, b);
    if (at < 0) return no_memory();
    msio_flags_sums *to = &tally->entry[at].sums;
    to->flagged += sum[n].flagged - sum->flagged;
    to->total += sum[n].total - sum->total;
    to->from_flag_row += sum[n].from_flag_row - sum->from_flag_row;
    return MSIO_OK;
}

/* Runs of rows with one number. */
static msio_status add_runs(msio_flags_tally *tally, const int32_t *key, const msio_flags_sums *sum, int64_t rows) {
    msio_status status = MSIO_OK;
    for (int64_t i = 0, n; i < rows && !status; i += n) {
        for (n = 1; i + n < rows && key[i + n] == key[i]; n++) {}
        status = add(tally, key[i], 0, sum + i, n);
    }
    return status;
}

static msio_status add_windows(msio_flags_groups *g, const int32_t *id, const msio_flags_sums *sum, int64_t rows) {
    msio_status status = MSIO_OK;
    for (int64_t i = 0, n; i < rows && !status; i += n) {
        for (n = 1; i + n < rows && id[i + n] == id[i]; n++) {}
        status = add(&g->window, window_of(g, id[i]), 0, sum + i, n);
    }
    return status;
}

static int64_t bits_of(double time) {
    int64_t bits;
    time += 0.0; /* -0 is 0 */
    memcpy(&bits, &time, sizeof bits);
    return bits;
}

static msio_status add_times(msio_flags_groups *g, const double *time, const msio_flags_sums *sum, int64_t rows) {
    msio_status status = MSIO_OK;
    for (int64_t i = 0, n; i < rows && !status; i += n) {
        for (n = 1; i + n < rows && bits_of(time[i + n]) == bits_of(time[i]); n++) {}
        status = add(&g->time, bits_of(time[i]), 0, sum + i, n);
    }
    return status;
}

msio_status msio_flags_groups_add(msio_flags_groups *g, const msio_flags_keys *keys, const msio_flags_sums *sum,
                                  int64_t rows) {
    msio_status status = MSIO_OK;
    const int32_t *a = keys->value[MSIO_FLAGS_KEY_ANTENNA1], *b = keys->value[MSIO_FLAGS_KEY_ANTENNA2];
    if (g->by & MSIO_FLAGS_BY_SPW) status = add_windows(g, keys->value[MSIO_FLAGS_KEY_DATA_DESC_ID], sum, rows);
    if (!status && (g->by & MSIO_FLAGS_BY_FIELD))
        status = add_runs(&g->field, keys->value[MSIO_FLAGS_KEY_FIELD_ID], sum, rows);
    if (!status && (g->by & MSIO_FLAGS_BY_SCAN))
        status = add_runs(&g->scan, keys->value[MSIO_FLAGS_KEY_SCAN_NUMBER], sum, rows);
    if (!status && (g->by & MSIO_FLAGS_BY_TIME)) status = add_times(g, keys->value[MSIO_FLAGS_KEY_TIME], sum, rows);
    if (!status && (g->by & (MSIO_FLAGS_BY_ANTENNA | MSIO_FLAGS_BY_BASELINE)))
        for (int64_t i = 0; i < rows && !status; i++) status = add(&g->baseline, a[i], b[i], sum + i, 1);
    return status;
}

/* ---------------------------------------------------------------- breakdowns */

static bool add_to(msio_flags_tally *tally, int64_t a, int64_t b, const msio_flags_sums *sums) {
    int64_t at = msio_flags_tally_find(tally, a, b);
    if (at >= 0) msio_flags_sums_add(&tally->entry[at].sums, sums);
    return at >= 0;
}

/* An antenna's rows are those of its baselines. */
static bool antennas_of(const msio_flags_tally *baseline, msio_flags_tally *antenna) {
    for (int64_t i = 0; i < baseline->n; i++) {
        const msio_flags_tallied *e = &baseline->entry[i];
        if (!add_to(antenna, e->key[0], 0, &e->sums)) return false;
        if (e->key[1] != e->key[0] && !add_to(antenna, e->key[1], 0, &e->sums)) return false;
    }
    return true;
}

/* Rows with FLAG_ROW set are groups of their own: all their positions are flagged. */
static bool add_positions(const msio_flags_groups *g, int64_t group, const int64_t *set, msio_flags_tally *channel,
                          msio_flags_tally *corr) {
    const msio_flags_tallied *e = &g->group.entry[group], *shape = &g->shape.entry[e->key[1] / 2];
    int64_t corrs = shape->key[0] & INT32_MAX, chans = shape->key[0] >> 32, rows = e->sums.total;
    for (int64_t i = 0; i < shape->key[1]; i++) {
        msio_flags_sums sums = {set[i], rows, 0};
        if (e->key[1] % 2) sums = (msio_flags_sums){rows, rows, rows - set[i]};
        if (channel && !add_to(channel, e->key[0], i / corrs % chans, &sums)) return false;
        if (corr && !add_to(corr, i % corrs, 0, &sums)) return false;
    }
    return true;
}

static bool positions_of(const msio_flags_groups *g, msio_flags_bits *bits, msio_flags_tally *channel,
                         msio_flags_tally *corr) {
    bool done = true;
    for (int64_t group = 0; group < g->group.n && done; group++) {
        int64_t elements = g->shape.entry[g->group.entry[group].key[1] / 2].key[1];
        int64_t *set = calloc((size_t)elements + 1, sizeof *set);
        done = set != NULL;
        if (done) msio_flags_bits_sum(bits, group, set);
        done = done && add_positions(g, group, set, channel, corr);
        free(set);
    }
    return done;
}

static int by_key(const void *a, const void *b) {
    const msio_flags_entry *x = a, *y = b;
    if (x->time < y->time || x->time > y->time) return x->time < y->time ? -1 : 1;
    for (int k = 0; k < 2; k++)
        if (x->key[k] != y->key[k]) return x->key[k] < y->key[k] ? -1 : 1;
    return 0;
}

static bool list(const msio_flags_tally *tally, unsigned by, msio_arena *arena, msio_flags_breakdown *to) {
    msio_flags_entry *entry = msio_arena_take(arena, tally->n + 1, sizeof *entry);
    int64_t n = 0;
    if (!entry) return false;
    for (int64_t i = 0; i < tally->n; i++) {
        const msio_flags_tallied *e = &tally->entry[i];
        if (e->sums.total == 0) continue;
        entry[n] = (msio_flags_entry){.key = {(int32_t)e->key[0], (int32_t)e->key[1]},
                                      .flagged = e->sums.flagged,
                                      .total = e->sums.total,
                                      .from_flag_row = e->sums.from_flag_row};
        if (by == MSIO_FLAGS_BY_TIME) {
            memcpy(&entry[n].time, &e->key[0], sizeof entry[n].time);
            entry[n].key[0] = 0;
        }
        n++;
    }
    qsort(entry, (size_t)n, sizeof *entry, by_key);
    *to = (msio_flags_breakdown){by, n, entry};
    return true;
}

msio_status msio_flags_groups_finish(msio_flags_groups *g, msio_flags_bits *bits, msio_arena *arena,
                                     msio_flags_breakdown **breakdown, int *breakdowns) {
    msio_flags_tally antenna = {0}, channel = {0}, corr = {0};
    const msio_flags_tally *const tally[] = {&g->window, &g->field, &g->scan, &antenna, &g->baseline,
                                             &channel,   &corr,     &g->time}; /* in the order of the bits */
    *breakdowns = 0;
    *breakdown = msio_arena_take(arena, 8, sizeof **breakdown);
    bool done = *breakdown != NULL;
    if (done && (g->by & MSIO_FLAGS_BY_ANTENNA)) done = antennas_of(&g->baseline, &antenna);
    if (done && (g->by & BY_POSITION))
        done = positions_of(g, bits, g->by & MSIO_FLAGS_BY_CHANNEL ? &channel : NULL,
                            g->by & MSIO_FLAGS_BY_CORRELATION ? &corr : NULL);
    for (int i = 0; i < 8 && done; i++)
        if (g->by & 1u << i) done = list(tally[i], 1u << i, arena, &(*breakdown)[(*breakdowns)++]);
    msio_flags_tally_free(&antenna);
    msio_flags_tally_free(&channel);
    msio_flags_tally_free(&corr);
    return done ? MSIO_OK : no_memory();
}
