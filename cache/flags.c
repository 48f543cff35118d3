/* flags.c - counts of flags: made in one pass, kept while the columns behind them are unchanged. */
#include "cache/flags_count.h"
#include "cache/flags_sample.h"
#include "cache/state.h"
#include "cache/store.h"

#include "core/checked.h"
#include "core/error.h"
#include "core/threads.h"
#include "io/read/dense.h"
#include "prof/call.h"
#include "prof/span.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_BYTES (PATH_MAX + 128)
#define TABLE_BYTES 16384 /* what an open table keeps in memory, about */
#define TILE_ROWS 1024    /* drawn together where FLAG is not in tiles of rows */

typedef struct flags_answer {
    msio_answer answer;
    msio_flags facts;
    msio_arena arena;
    char path[PATH_MAX]; /* as asked for, absolute */
    msio_stamp folder;   /* that it led to */
    /* what was counted, and what it depends on: the main table, and DATA_DESCRIPTION (NULL where it did not matter) */
    msio_table *table, *descriptions;
    msio_state *state, *descriptions_state;
    msio_state *columns_state; /* not NULL where there is no FLAG_ROW: one may come */
} flags_answer;

typedef struct count_job {
    flags_answer *a;
    unsigned by;
    const msio_flags_opts *opts;
    msio_flags_groups groups;
    msio_flags_counter counter;
} count_job;

/* ---------------------------------------------------------------- what the answer depends on */

static void forget_states(flags_answer *a) {
    msio_state_free(a->state);
    msio_state_free(a->descriptions_state);
    msio_state_free(a->columns_state);
    a->state = a->descriptions_state = a->columns_state = NULL;
}

static msio_status note_states(count_job *job, msio_access *access) {
    const char *column[MSIO_FLAGS_KEYS + 2] = {"FLAG"};
    int n = 1;
    msio_leaf leaf;
    for (int k = 0; k < MSIO_FLAGS_KEYS; k++)
        if (msio_flags_needs_key(job->by, k)) column[n++] = msio_flags_key_column[k];
    if (!job->opts->ignore_flag_row) column[n++] = "FLAG_ROW";
    msio_status status = msio_state_note(access, MSIO_DEPENDS_VALUES, n, column, &job->a->state);
    if (!status && !job->opts->ignore_flag_row && msio_leaf_first(access, "FLAG_ROW", &leaf) == MSIO_E_NO_COLUMN)
        status = msio_state_note(access, MSIO_DEPENDS_DESCRIPTION, 1, column, &job->a->columns_state);
    return status;
}

static msio_status holds(msio_answer *answer, bool *yes) {
    const flags_answer *a = (const flags_answer *)answer;
    msio_stamp now;
    *yes = strstr(a->path, "::") ||
           (!msio_stamp_path(a->path, &now) && now.device == a->folder.device && now.inode == a->folder.inode);
    msio_status status = *yes ? msio_state_holds(a->state, a->table, yes) : MSIO_OK;
    if (!status && *yes && a->columns_state) status = msio_state_holds(a->columns_state, a->table, yes);
    if (!status && *yes && a->descriptions) status = msio_state_holds(a->descriptions_state, a->descriptions, yes);
    return status;
}

static void free_answer(msio_answer *answer) {
    flags_answer *a = (flags_answer *)answer;
    forget_states(a);
    msio_table_close(a->descriptions);
    msio_table_close(a->table);
    msio_arena_free(&a->arena);
    free(a);
}

/* ---------------------------------------------------------------- spectral windows of data descriptions */

static msio_status read_windows(void *user, msio_access *access) {
    count_job *job = user;
    static const char *const name = "SPECTRAL_WINDOW_ID";
    free(job->groups.window_of);
    msio_state_free(job->a->descriptions_state);
    job->a->descriptions_state = NULL;
    size_t bytes = ((size_t)access->rows + 1) * sizeof(double);
    msio_dense_column column = {.name = name, .out = job->groups.window_of = malloc(bytes), .out_bytes = bytes};
    msio_dense dense = {.n = 1, .column = &column};
    if (!column.out) return msio_error_set(MSIO_E_MEMORY, access->table->path, "no memory for data descriptions");
    msio_status status = msio_dense_read(&dense, access);
    if (!status && (column.type != MSIO_INT || column.array))
        status = msio_error_set(MSIO_E_SHAPE, access->table->path, "column %s should hold one Int a row", name);
    job->groups.data_descriptions = access->rows;
    return status ? status : msio_state_note(access, MSIO_DEPENDS_VALUES, 1, &name, &job->a->descriptions_state);
}

static msio_status load_windows(count_job *job, const msio_table *main) {
    flags_answer *a = job->a;
    msio_open_opts opts = main->opts;
    const char *path = NULL;
    for (int i = 0; i < msio_table_subtables(main) && !path; i++)
        if (strcmp(msio_table_subtable_name(main, i), "DATA_DESCRIPTION") == 0)
            path = msio_table_subtable_path(main, i);
    if (!path)
        return msio_error_set(MSIO_E_NOT_FOUND, main->path,
                              "the table has no subtable DATA_DESCRIPTION, which tells the spectral windows of rows");
    msio_table_close(a->descriptions);
    a->descriptions = NULL;
    msio_status status = msio_table_open(path, &opts, &a->descriptions);
    return status ? status : msio_access_run(a->descriptions, read_windows, job);
}

/* ---------------------------------------------------------------- counting */

static int ascending(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Draws the next tiles and counts them, in the order of their rows. */
static msio_status draw_tiles(msio_flags_counter *c, msio_flags_draws *draws, msio_flags_drawn *drawn, int64_t n,
                              int64_t height) {
    int64_t *tile = malloc((size_t)n * sizeof *tile);
    msio_status status = MSIO_OK;
    for (int64_t i = 0; tile && i < n; i++)
        if ((tile[i] = msio_flags_draws_next(draws)) < 0) {
            free(tile);
            tile = NULL;
        }
    if (!tile) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory to draw tiles");
    qsort(tile, (size_t)n, sizeof *tile, ascending);
    for (int64_t i = 0; i < n && !status; i++) {
        msio_flags_sums before = c->sums;
        int64_t first = tile[i] * height;
        status = msio_flags_counter_add(c, first, msio_min(height, c->survey.rows - first));
        msio_flags_drawn_add(drawn, (double)(c->sums.total - before.total), (double)(c->sums.flagged - before.flagged));
    }
    free(tile);
    return status;
}

static msio_status count_sample(count_job *job) {
    msio_flags_counter *c = &job->counter;
    msio_flags *facts = &job->a->facts;
    int64_t height = c->survey.tile_rows > 0 ? c->survey.tile_rows : TILE_ROWS;
    msio_flags_draws draws;
    msio_flags_drawn drawn = {.all_tiles = msio_div_up(c->survey.rows, height),
                              .elements_of_all = (double)c->survey.total};
    msio_status status = MSIO_OK;
    msio_flags_draws_start(&draws, job->opts->seed, drawn.all_tiles);
    while (!status && !msio_flags_enough(&drawn, job->opts->sample))
        status = draw_tiles(c, &draws, &drawn, msio_flags_next_look(&drawn), height);
    msio_flags_draws_free(&draws);
    msio_flags_interval interval = msio_flags_estimate(&drawn);
    facts->sampled = 1;
    facts->fraction = interval.fraction;
    facts->low = interval.low;
    facts->high = interval.high;
    return status;
}

static msio_status fill_facts(count_job *job) {
    const msio_flags_counter *c = &job->counter;
    msio_flags *facts = &job->a->facts;
    msio_flags_breakdown *breakdown;
    facts->flagged = c->sums.flagged;
    facts->total = c->sums.total;
    facts->from_flag_row = c->sums.from_flag_row;
    facts->undefined = c->survey.undefined;
    facts->way = msio_flags_way(&c->survey);
    facts->rows_sampled = c->rows;
    if (!facts->sampled)
        facts->fraction = facts->low = facts->high = facts->total ? (double)facts->flagged / (double)facts->total : 0;
    msio_status status =
        msio_flags_groups_finish(&job->groups, &job->counter.bits, &job->a->arena, &breakdown, &facts->breakdowns);
    facts->breakdown = breakdown;
    return status;
}

static msio_status count(void *user, msio_access *access) {
    count_job *job = user;
    bool sampled = job->opts->sample > 0;
    msio_read_opts read = MSIO_READ_OPTS_INIT;
    read.threads = job->opts->threads;
    read.progress = job->opts->progress;
    read.user = job->opts->user;
    forget_states(job->a);
    msio_arena_free(&job->a->arena);
    job->a->facts = (msio_flags){0};
    job->groups = (msio_flags_groups){.by = job->by};
    msio_status status = note_states(job, access);
    if (!status && (job->by & (MSIO_FLAGS_BY_SPW | MSIO_FLAGS_BY_CHANNEL))) status = load_windows(job, access->table);
    if (!status) {
        status = msio_flags_counter_start(&job->counter, access, &job->groups, &read, job->opts->ignore_flag_row != 0,
                                          sampled);
        if (!status)
            status = sampled ? count_sample(job) : msio_flags_counter_add(&job->counter, 0, job->counter.survey.rows);
        if (!status) status = fill_facts(job);
        msio_flags_counter_finish(&job->counter);
    }
    msio_flags_groups_free(&job->groups);
    return status;
}

static msio_status make(void *user, msio_answer **answer) {
    count_job job = *(const count_job *)user;
    const flags_answer *asked = job.a;
    msio_open_opts opts = job.opts->open;
    flags_answer *a = job.a = calloc(1, sizeof *a);
    if (!a) return msio_error_set(MSIO_E_MEMORY, asked->path, "no memory to count flags");
    strcpy(a->path, asked->path);
    a->answer.holds = holds;
    a->answer.free = free_answer;
    opts.freshness = MSIO_PER_CALL;             /* who asks next may want it checked */
    (void)msio_stamp_path(a->path, &a->folder); /* a path that is none fails next */
    msio_status status = msio_table_open(a->path, &opts, &a->table);
    if (!status) status = msio_access_run(a->table, count, &job);
    if (status) {
        free_answer(&a->answer);
        return status;
    }
    msio_table_rest(a->table);
    if (a->descriptions) msio_table_rest(a->descriptions);
    atomic_store(&a->answer.bytes,
                 (int64_t)(sizeof *a + a->arena.total) + (a->descriptions ? 2 : 1) * (int64_t)TABLE_BYTES);
    *answer = &a->answer;
    return MSIO_OK;
}

/* ---------------------------------------------------------------- the public calls */

static msio_status check(unsigned by, const msio_flags_opts *opts) {
    if (opts->struct_size != sizeof *opts || opts->open.struct_size != sizeof opts->open)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "options of another size: use MSIO_FLAGS_OPTS_INIT");
    if (by & ~(unsigned)MSIO_FLAGS_BY_ALL)
        return msio_error_set(MSIO_E_ARGUMENT, NULL,
                              "there are breakdowns MSIO_FLAGS_BY_... up to 255, %u was asked for", by);
    if (!(opts->sample >= 0 && opts->sample < 1))
        return msio_error_set(MSIO_E_ARGUMENT, NULL,
                              "a sample with an interval of %g asked for: its width lies from 0 to below 1",
                              opts->sample);
    return msio_threads_check(opts->threads);
}

msio_status msio_flags_count(const char *path, unsigned by, const msio_flags_opts *opts, const msio_flags **flags) {
    PROF_CALL(path);
    static const msio_flags_opts defaults = MSIO_FLAGS_OPTS_INIT;
    flags_answer asked = {.path = ""};
    count_job job = {.a = &asked, .by = by, .opts = opts ? opts : &defaults};
    const msio_flags_opts *o = job.opts;
    char key[KEY_BYTES];
    msio_answer *answer;
    bool found;
    prof_span span;
    if (!flags) return msio_error_set(MSIO_E_ARGUMENT, path, "nowhere to put the counts");
    msio_status status = check(by, o);
    if (!status) status = msio_store_path(path, asked.path);
    if (status) return status;
    snprintf(key, sizeof key, "%s\nflags\n%u %d %d %d %a %llu", asked.path, by, o->ignore_flag_row != 0,
             (int)o->open.native, o->open.nolock != 0, o->sample, o->sample > 0 ? (unsigned long long)o->seed : 0);
    prof_begin(&span, PROF_PATH_FLAG_VALIDATION);
    status = msio_store_get(key, o->open.freshness == MSIO_AS_OPENED, make, &job, &answer, &found);
    prof_end(&span, NULL);
    if (!status) *flags = &((flags_answer *)answer)->facts;
    return status;
}

void msio_flags_release(const msio_flags *flags) {
    PROF_WITHIN;
    if (flags) msio_store_give((msio_answer *)(void *)((char *)(uintptr_t)flags - offsetof(flags_answer, facts)));
}
