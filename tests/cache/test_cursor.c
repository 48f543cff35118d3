/* test_cursor.c - cells one after the other: every pattern gives what casacore gives, few reads, never a stale cell.
 *
 * Oracles: the closed formulas of simulated data, casacore behind a table that is not read natively, and casacore in a
 * Python process, which makes and changes the small tables. */
#include "msio/cache.h"

#include "cache/cursor.h"
#include "msio/prof.h"
#include "tests/casacore_script.h"
#include "tests/fuzz/table_pack.h"

#include <complex.h>
#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

#define CHANNELS 48
#define CORRS 2
#define CELL_BYTES (CHANNELS * CORRS * 8)
#define TILE_ROWS 341

static char folder[64], ms_path[80], path[80];
static msio_table *table; /* the simulated MS */
static int64_t rows;

/* ---------------------------------------------------------------- tables */

/* Runs Python with casacore.tables as ct, numpy as np, and the small table's path as path. 0 is well. */
static int python(const char *script) {
    char names[128];
    snprintf(names, sizeof names, "path = '%s'", path);
    return casacore_script(folder, names, script);
}

static int start(void **state) {
    (void)state;
    msio_simulate_ms_opts opts = MSIO_SIMULATE_MS_OPTS_INIT;
    opts.antennas = 9;
    opts.times = 4;
    opts.subbands = 8;
    opts.channels = CHANNELS;
    if (!pack_make_folder(folder)) return -1;
    snprintf(ms_path, sizeof ms_path, "%s/small.ms", folder);
    snprintf(path, sizeof path, "%s/t", folder);
    if (msio_simulate_ms(ms_path, &opts) != MSIO_OK || python("") != 0) {
        print_message("skipped: no casacore, or no casacore.tables: %s\n", msio_last_error()->message);
        pack_remove(folder);
        exit(77);
    }
    if (msio_table_open(ms_path, NULL, &table) != MSIO_OK) return -1;
    rows = msio_table_rows(table);
    return rows == 45 * 4 * 8 ? 0 : -1;
}

static int finish(void **state) {
    (void)state;
    msio_table_close(table);
    pack_remove(folder);
    return 0;
}

/* 40 rows: FIXED is tiled by 8 rows; VARY and LOOSE have row % 3 + 1 rows of two values, and rows % 7 == 5 undefined;
 * NUMBER is a scalar, NAME a string. All values are the row's number. */
static const char make[] =
    "columns = [ct.makescacoldesc('NUMBER', 0), ct.makescacoldesc('NAME', ''),\n"
    "           ct.makearrcoldesc('FIXED', 0.0, ndim=2, shape=[3, 2], datamanagertype='TiledColumnStMan',\n"
    "                             datamanagergroup='fixed', valuetype='float'),\n"
    "           ct.makearrcoldesc('VARY', 0.0, ndim=2, datamanagertype='TiledShapeStMan',\n"
    "                             datamanagergroup='vary', valuetype='float'),\n"
    "           ct.makearrcoldesc('LOOSE', 0.0, ndim=2, valuetype='float')]\n"
    "dminfo = {'*1': dict(NAME='fixed', TYPE='TiledColumnStMan', COLUMNS=['FIXED'], SEQNR=0,\n"
    "                     SPEC=dict(DEFAULTTILESHAPE=np.array([2, 3, 8], 'i4')))}\n"
    "t = ct.table(path, ct.maketabdesc(columns), nrow=40, dminfo=dminfo, ack=False)\n"
    "for r in range(40):\n"
    "    t.putcell('NUMBER', r, r); t.putcell('NAME', r, 'row %d' % r)\n"
    "    t.putcell('FIXED', r, np.full((3, 2), r, 'f4'))\n"
    "    if r % 7 != 5:\n"
    "        t.putcell('VARY', r, np.full((r % 3 + 1, 2), r, 'f4'))\n"
    "        t.putcell('LOOSE', r, np.full((r % 3 + 1, 2), r, 'f4'))\n"
    "t.close()\n";

static int make_table(void **state) {
    (void)state;
    return python(make) != 0;
}

static int remove_table(void **state) {
    (void)state;
    pack_remove(path);
    return 0;
}

static msio_table *open_table(const char *at, msio_freshness freshness, msio_native native) {
    msio_open_opts opts = MSIO_OPEN_OPTS_INIT;
    msio_table *t = NULL;
    opts.freshness = freshness;
    opts.native = native;
    assert_int_equal(msio_table_open(at, &opts, &t), MSIO_OK);
    return t;
}

static const msio_column *column_of(msio_table *t, const char *name) {
    const msio_column *column = NULL;
    assert_int_equal(msio_table_column(t, name, &column), MSIO_OK);
    return column;
}

static msio_cursor *open_cursor(msio_table *t, const char *name, int hold, size_t memory) {
    msio_cursor_opts opts = MSIO_CURSOR_OPTS_INIT;
    msio_cursor *cursor = NULL;
    opts.hold = hold;
    if (memory) opts.memory = memory;
    assert_int_equal(msio_cursor_open(column_of(t, name), &opts, &cursor), MSIO_OK);
    return cursor;
}

static msio_cursor_stats stats_of(const msio_cursor *cursor) {
    msio_cursor_stats stats;
    msio_cursor_describe(cursor, &stats);
    return stats;
}

/* ---------------------------------------------------------------- orders of rows */

typedef struct walk {
    const char *pattern;
    int64_t first, step, calls; /* step 0: in no order */
} walk;

static const walk walks[] = {{"forward", 0, 1, 1440},     {"forward", 700, 1, 740},    {"backward", 1439, -1, 1440},
                             {"stepping", 3, 45, 31},     {"stepping", 1439, -45, 31}, {"stepping", 0, 2, 720},
                             {"stepping", 1400, -3, 460}, {"random", 0, 0, 600}};
#define WALKS (sizeof walks / sizeof *walks)

/* In no order: multiples of a number without a common divisor with the number of rows. */
static int64_t row_of(const walk *w, int64_t call) {
    return w->step ? w->first + call * w->step : (call * call * 7 + call * 611 + 77) % rows;
}

static void assert_data(const float complex *cell, int64_t row) {
    for (int64_t i = 0; i < CHANNELS * CORRS; i++) {
        int64_t n = row * CHANNELS * CORRS + i, p = 16777213, q = 16777199;
        float real = (float)((n % p) - p / 2) / 1048576.0f, imaginary = (float)(q / 2 - 3 * n % q) / 1048576.0f;
        assert_true(crealf(cell[i]) == real && cimagf(cell[i]) == imaginary);
    }
}

/* ---------------------------------------------------------------- values */

static void every_pattern_gives_the_cells_of_the_formula(void **state) {
    (void)state;
    for (int mode = 0; mode < 3; mode++) { /* per call, held, as opened */
        msio_table *t = open_table(ms_path, mode == 2 ? MSIO_AS_OPENED : MSIO_PER_CALL, MSIO_NATIVE_YES);
        for (size_t i = 0; i < WALKS; i++) {
            float complex cell[CHANNELS * CORRS];
            msio_cursor *cursor = open_cursor(t, "DATA", mode == 1, 0);
            for (int64_t call = 0; call < walks[i].calls; call++) {
                int64_t row = row_of(&walks[i], call);
                memset(cell, 0xff, sizeof cell);
                assert_int_equal(msio_cursor_get(cursor, row, cell, sizeof cell), MSIO_OK);
                assert_data(cell, row);
            }
            assert_string_equal(stats_of(cursor).pattern, walks[i].pattern);
            assert_int_equal(stats_of(cursor).calls, walks[i].calls);
            msio_cursor_close(cursor);
        }
        assert_int_equal(msio_table_close(t), MSIO_OK);
    }
}

static void every_column_gives_what_casacore_gives(void **state) {
    static const char *const names[] = {"FLAG", "WEIGHT_SPECTRUM", "WEIGHT", "UVW", "TIME", "ANTENNA2", "FLAG_ROW"};
    (void)state;
    msio_table *casacore = open_table(ms_path, MSIO_AS_OPENED, MSIO_NATIVE_NO);
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        msio_array expected = {0};
        uint8_t cell[CELL_BYTES];
        assert_int_equal(msio_read_new(column_of(casacore, names[n]), NULL, &expected, NULL), MSIO_OK);
        size_t bytes = expected.bytes / (size_t)rows;
        for (size_t i = 0; i < WALKS; i++) {
            msio_cursor *cursor = open_cursor(table, names[n], 1, 0);
            for (int64_t call = 0; call < walks[i].calls; call++) {
                int64_t row = row_of(&walks[i], call);
                memset(cell, 0x55, sizeof cell);
                assert_int_equal(msio_cursor_get(cursor, row, cell, sizeof cell), MSIO_OK);
                assert_memory_equal(cell, (const uint8_t *)expected.data + (size_t)row * bytes, bytes);
                if (bytes < sizeof cell) assert_int_equal(cell[bytes], 0x55);
            }
            msio_cursor_close(cursor);
        }
        msio_array_free(&expected);
    }
    assert_int_equal(msio_table_close(casacore), MSIO_OK);
}

static void a_cursor_through_casacore_gives_the_same(void **state) {
    (void)state;
    msio_table *casacore = open_table(ms_path, MSIO_PER_CALL, MSIO_NATIVE_NO);
    for (int hold = 0; hold < 2; hold++) {
        msio_cursor *cursor = open_cursor(casacore, "DATA", hold, 0);
        for (int64_t row = 0; row < 500; row++) {
            float complex cell[CHANNELS * CORRS];
            assert_int_equal(msio_cursor_get(cursor, row, cell, sizeof cell), MSIO_OK);
            assert_data(cell, row);
        }
        assert_true(stats_of(cursor).reads <= 10);
        msio_cursor_close(cursor);
    }
    assert_int_equal(msio_table_close(casacore), MSIO_OK);
}

static void peeking_gives_the_same_without_a_copy(void **state) {
    (void)state;
    for (int hold = 0; hold < 2; hold++)
        for (size_t i = 0; i < WALKS; i++) {
            msio_cursor *cursor = open_cursor(table, "DATA", hold, 0);
            for (int64_t call = 0; call < walks[i].calls; call++) {
                const void *cell = NULL;
                size_t bytes = 0;
                int64_t row = row_of(&walks[i], call);
                assert_int_equal(msio_cursor_peek(cursor, row, &cell, call % 2 ? &bytes : NULL), MSIO_OK);
                if (call % 2) assert_int_equal(bytes, CELL_BYTES);
                assert_data(cell, row);
            }
            msio_cursor_close(cursor);
        }
}

static void several_columns_in_turn_are_each_read_ahead(void **state) {
    static const char *const names[] = {"DATA", "FLAG", "WEIGHT_SPECTRUM"};
    uint8_t cell[CELL_BYTES];
    msio_cursor *cursor[3];
    (void)state;
    for (int i = 0; i < 3; i++) cursor[i] = open_cursor(table, names[i], 1, 0);
    for (int64_t row = 0; row < rows; row++)
        for (int i = 0; i < 3; i++) assert_int_equal(msio_cursor_get(cursor[i], row, cell, sizeof cell), MSIO_OK);
    for (int i = 0; i < 3; i++) {
        assert_true(stats_of(cursor[i]).reads <= 2 + rows / TILE_ROWS + 1);
        msio_cursor_close(cursor[i]);
    }
}

/* ---------------------------------------------------------------- how much is read */

static void walks_take_few_reads_and_no_cell_twice(void **state) {
    (void)state;
    for (size_t i = 0; i < WALKS; i++) {
        uint8_t cell[CELL_BYTES];
        msio_cursor *cursor = open_cursor(table, "DATA", 1, 0);
        for (int64_t call = 0; call < walks[i].calls; call++)
            assert_int_equal(msio_cursor_get(cursor, row_of(&walks[i], call), cell, sizeof cell), MSIO_OK);
        msio_cursor_stats stats = stats_of(cursor);
        if (walks[i].step) {
            assert_true(stats.reads <= 2 + rows / TILE_ROWS + 2);
            assert_true(stats.bytes_read <= (rows + 1) * CELL_BYTES);
            assert_int_equal(stats.served + stats.reads, stats.calls);
        } else {
            assert_int_equal(stats.reads, stats.calls);
            assert_int_equal(stats.served, 0);
            assert_int_equal(stats.bytes_read, stats.calls * CELL_BYTES);
        }
        msio_cursor_close(cursor);
    }
}

/* A walk that leaves rows out is served from its tiles all the same. */
static void a_walk_with_gaps_is_read_ahead(void **state) {
    int64_t calls = 0;
    uint8_t cell[CELL_BYTES];
    (void)state;
    msio_cursor *cursor = open_cursor(table, "DATA", 1, 0);
    for (int64_t row = 0; row < rows; row++) {
        if (row % 45 % 9 == 8) continue;
        assert_int_equal(msio_cursor_get(cursor, row, cell, sizeof cell), MSIO_OK);
        calls++;
    }
    assert_true(stats_of(cursor).reads < calls / 50);
    msio_cursor_close(cursor);
}

static void what_is_read_ahead_stays_within_the_memory(void **state) {
    static const size_t memory[] = {CELL_BYTES - 1, CELL_BYTES, 2 * CELL_BYTES, 10 * CELL_BYTES + 5,
                                    TILE_ROWS * CELL_BYTES};
    (void)state;
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++) {
        float complex cell[CHANNELS * CORRS];
        int64_t cells = (int64_t)(memory[i] / CELL_BYTES);
        msio_cursor *cursor = open_cursor(table, "DATA", 1, memory[i]);
        for (int64_t row = 0, before = 0; row < 700; row++) {
            assert_int_equal(msio_cursor_get(cursor, row, cell, sizeof cell), MSIO_OK);
            assert_data(cell, row);
            assert_true(stats_of(cursor).bytes_read - before <= (int64_t)memory[i] || cells == 0);
            before = stats_of(cursor).bytes_read;
        }
        assert_true(stats_of(cursor).reads <= (cells > 1 ? 2 * (700 / cells) + 4 : 700));
        msio_cursor_close(cursor);
    }
}

/* ---------------------------------------------------------------- shapes */

static void assert_small_cell(const float *cell, int64_t row, int64_t elements) {
    for (int64_t i = 0; i < elements; i++) assert_true(cell[i] == (float)row);
}

static void cells_that_differ_or_are_missing_are_told_apart(void **state) {
    static const char *const names[] = {"VARY", "LOOSE"};
    (void)state;
    for (int hold = 0; hold < 2; hold++)
        for (int n = 0; n < 4; n++) {
            msio_table *t = open_table(path, MSIO_PER_CALL, n < 2 ? MSIO_NATIVE_YES : MSIO_NATIVE_NO);
            msio_cursor *cursor = open_cursor(t, names[n % 2], hold, 0);
            for (int64_t row = 0; row < 40; row++) {
                float cell[6] = {-1, -1, -1, -1, -1, -1};
                int ndim = -1;
                int64_t shape[MSIO_MAX_NDIM], elements = 2 * (row % 3 + 1);
                msio_status expected = row % 7 == 5 ? MSIO_E_UNDEFINED : MSIO_OK;
                const void *peeked = NULL;
                size_t bytes = 0;
                assert_int_equal(msio_cursor_get(cursor, row, cell, sizeof cell), expected);
                assert_int_equal(msio_cursor_shape(cursor, row, &ndim, shape), expected);
                assert_int_equal(msio_cursor_peek(cursor, row, &peeked, &bytes), expected);
                if (expected) {
                    char words[32];
                    snprintf(words, sizeof words, "row %d ", (int)row);
                    assert_non_null(strstr(msio_last_error()->message, words));
                    continue;
                }
                assert_int_equal(ndim, 2);
                assert_int_equal(shape[0], row % 3 + 1);
                assert_int_equal(shape[1], 2);
                assert_int_equal(bytes, (size_t)elements * sizeof(float));
                assert_small_cell(cell, row, elements);
                assert_small_cell(peeked, row, elements);
                if (elements < 6) assert_true(cell[elements] == -1);
            }
            assert_true(stats_of(cursor).reads < 20);
            msio_cursor_close(cursor);
            assert_int_equal(msio_table_close(t), MSIO_OK);
        }
}

static void shapes_are_those_of_the_cells(void **state) {
    static const struct {
        const char *name;
        int ndim;
        int64_t shape[2];
    } columns[] = {{"DATA", 2, {CHANNELS, CORRS}}, {"UVW", 1, {3, 0}}, {"TIME", 0, {0, 0}}};
    (void)state;
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        msio_cursor *cursor = open_cursor(table, columns[i].name, 0, 0);
        for (int64_t row = 10; row < 20; row++) {
            uint8_t cell[CELL_BYTES];
            int ndim = -1;
            int64_t shape[MSIO_MAX_NDIM] = {0};
            assert_int_equal(msio_cursor_shape(cursor, row, &ndim, shape), MSIO_OK);
            assert_int_equal(ndim, columns[i].ndim);
            for (int k = 0; k < ndim; k++) assert_int_equal(shape[k], columns[i].shape[k]);
            assert_int_equal(msio_cursor_get(cursor, row, cell, sizeof cell), MSIO_OK);
        }
        assert_string_equal(stats_of(cursor).pattern, "forward");
        msio_cursor_close(cursor);
    }
}

/* ---------------------------------------------------------------- errors */

static void mistakes_are_reported_and_harm_nothing(void **state) {
    static const int64_t none[] = {-1, INT64_MIN, INT64_MAX, 1440};
    (void)state;
    for (int hold = 0; hold < 2; hold++) {
        float complex cell[CHANNELS * CORRS];
        const void *peeked;
        int ndim;
        int64_t shape[MSIO_MAX_NDIM];
        msio_cursor *cursor = open_cursor(table, "DATA", hold, 0);
        for (int64_t row = 0; row < 10; row++) {
            assert_int_equal(msio_cursor_get(cursor, row, cell, sizeof cell - 1), MSIO_E_SIZE);
            assert_int_equal(msio_cursor_get(cursor, row, NULL, 0), MSIO_E_SIZE);
            assert_int_equal(msio_cursor_get(cursor, none[row % 4], cell, sizeof cell), MSIO_E_RANGE);
            assert_int_equal(msio_cursor_peek(cursor, none[row % 4], &peeked, NULL), MSIO_E_RANGE);
            assert_int_equal(msio_cursor_shape(cursor, none[row % 4], &ndim, shape), MSIO_E_RANGE);
            assert_int_equal(msio_cursor_get(cursor, row, cell, sizeof cell), MSIO_OK);
            assert_data(cell, row);
        }
        for (int64_t row = 0; row < rows; row++)
            assert_int_equal(msio_cursor_get(cursor, row, cell, sizeof cell), MSIO_OK);
        assert_int_equal(msio_cursor_get(cursor, rows, cell, sizeof cell), MSIO_E_RANGE);
        assert_int_equal(msio_cursor_get(cursor, 5, cell, 3), MSIO_E_SIZE);
        assert_int_equal(msio_cursor_peek(cursor, 5, NULL, NULL), MSIO_E_ARGUMENT);
        assert_int_equal(msio_cursor_shape(cursor, 5, NULL, shape), MSIO_E_ARGUMENT);
        msio_cursor_close(cursor);
    }
    msio_cursor_close(NULL);
}

static void strings_and_bad_options_are_refused(void **state) {
    (void)state;
    msio_cursor *cursor = NULL;
    msio_cursor_opts opts = MSIO_CURSOR_OPTS_INIT;
    msio_table *t = open_table(path, MSIO_PER_CALL, MSIO_NATIVE_YES);
    assert_int_equal(msio_cursor_open(column_of(t, "NAME"), NULL, &cursor), MSIO_E_ARGUMENT);
    opts.hold = 1;
    assert_int_equal(msio_cursor_open(column_of(t, "NAME"), &opts, &cursor), MSIO_E_ARGUMENT);
    assert_int_equal(msio_table_release(t), MSIO_E_ARGUMENT); /* the cursor that failed holds nothing */
    opts.struct_size = 3;
    assert_int_equal(msio_cursor_open(column_of(t, "NUMBER"), &opts, &cursor), MSIO_E_ARGUMENT);
    assert_int_equal(msio_cursor_open(NULL, NULL, &cursor), MSIO_E_ARGUMENT);
    assert_int_equal(msio_cursor_open(column_of(t, "NUMBER"), NULL, NULL), MSIO_E_ARGUMENT);
    assert_null(cursor);
    assert_int_equal(msio_cursor_get(NULL, 0, &opts, sizeof opts), MSIO_E_ARGUMENT);
    assert_int_equal(msio_table_close(t), MSIO_OK);
}

/* ---------------------------------------------------------------- freshness */

/* Walks NUMBER forward so that all of it is read ahead. */
static void walk_numbers(msio_cursor *cursor, int32_t sum) {
    for (int64_t row = 0; row < 40; row++) {
        int32_t number = -1;
        assert_int_equal(msio_cursor_get(cursor, row, &number, sizeof number), MSIO_OK);
        sum -= number;
    }
    assert_int_equal(sum, 0);
}

static void assert_number(msio_cursor *cursor, int64_t row, int32_t expected) {
    int32_t number = -1;
    const void *peeked = NULL;
    assert_int_equal(msio_cursor_get(cursor, row, &number, sizeof number), MSIO_OK);
    assert_int_equal(number, expected);
    assert_int_equal(msio_cursor_peek(cursor, row, &peeked, NULL), MSIO_OK);
    memcpy(&number, peeked, sizeof number);
    assert_int_equal(number, expected);
}

static void cells_that_casacore_puts_are_seen_by_the_next_call(void **state) {
    (void)state;
    for (int native = MSIO_NATIVE_YES; native <= MSIO_NATIVE_NO; native++) {
        assert_int_equal(python("t = ct.table(path, readonly=False, ack=False)\n"
                                "t.putcell('NUMBER', 7, 7); t.putcell('NUMBER', 8, 8)\n"
                                "t.close()\n"),
                         0);
        msio_table *t = open_table(path, MSIO_PER_CALL, (msio_native)native);
        msio_cursor *cursor = open_cursor(t, "NUMBER", 0, 0);
        walk_numbers(cursor, 780);
        int64_t reads = stats_of(cursor).reads;
        assert_number(cursor, 7, 7);
        assert_int_equal(stats_of(cursor).reads, reads);
        assert_int_equal(python("t = ct.table(path, readonly=False, ack=False)\n"
                                "t.putcell('NUMBER', 7, 700)\n"
                                "t.close()\n"),
                         0);
        assert_number(cursor, 7, 700);
        walk_numbers(cursor, 780 + 693);
        assert_int_equal(python("t = ct.table(path, readonly=False, ack=False)\n"
                                "t.putcell('NUMBER', 8, 1008)\n"
                                "t.close()\n"),
                         0);
        assert_number(cursor, 8, 1008);
        msio_cursor_close(cursor);
        assert_int_equal(msio_table_close(t), MSIO_OK);
    }
}

static msio_cursor *open_glancing(msio_table *t, const char *name, double seconds) {
    const msio_column *column = NULL;
    msio_cursor *cursor = NULL;
    msio_cursor_opts opts = MSIO_CURSOR_OPTS_INIT;
    opts.glance = seconds;
    assert_int_equal(msio_table_column(t, name, &column), MSIO_OK);
    assert_int_equal(msio_cursor_open(column, &opts, &cursor), MSIO_OK);
    return cursor;
}

static void a_glance_sees_writers_that_lock(void **state) {
    (void)state;
    msio_table *t = open_table(path, MSIO_PER_CALL, MSIO_NATIVE_YES);
    msio_cursor *cursor = open_glancing(t, "NUMBER", 3600);
    for (int32_t put = 1; put <= 5; put++) {
        char code[200];
        snprintf(code, sizeof code,
                 "t = ct.table(path, readonly=False, ack=False)\nt.putcell('NUMBER', 9, %d)\nt.close()\n", 900 + put);
        assert_int_equal(python(code), 0);
        assert_number(cursor, 9, 900 + put);
        for (int64_t row = 0; row < 40; row++) {
            int32_t number;
            assert_int_equal(msio_cursor_get(cursor, row, &number, sizeof number), MSIO_OK);
        }
        assert_number(cursor, 9, 900 + put);
    }
    assert_int_equal(python("t = ct.table(path, readonly=False, ack=False)\nt.putcell('NUMBER', 9, 9)\nt.close()\n"),
                     0);
    assert_number(cursor, 9, 9);
    msio_cursor_close(cursor);
    assert_int_equal(msio_table_close(t), MSIO_OK);
}

static void shapes_and_rows_that_casacore_changes_are_seen(void **state) {
    (void)state;
    float cell[16];
    int ndim;
    int64_t shape[MSIO_MAX_NDIM];
    msio_table *t = open_table(path, MSIO_PER_CALL, MSIO_NATIVE_YES);
    msio_cursor *cursor = open_cursor(t, "VARY", 0, 0);
    for (int64_t row = 0; row < 40; row++) msio_cursor_get(cursor, row, cell, sizeof cell);
    assert_int_equal(msio_cursor_get(cursor, 40, cell, sizeof cell), MSIO_E_RANGE);
    assert_int_equal(msio_cursor_get(cursor, 5, cell, sizeof cell), MSIO_E_UNDEFINED);
    assert_int_equal(python("t = ct.table(path, readonly=False, ack=False)\n"
                            "t.addrows(1)\n"
                            "t.putcell('VARY', 5, np.full((4, 2), 5, 'f4'))\n"
                            "t.putcell('VARY', 40, np.full((4, 2), 40, 'f4'))\n"
                            "t.close()\n"),
                     0);
    for (int64_t row = 5; row < 41; row += 35) {
        assert_int_equal(msio_cursor_get(cursor, row, cell, sizeof cell), MSIO_OK);
        assert_small_cell(cell, row, 8);
        assert_int_equal(msio_cursor_shape(cursor, row, &ndim, shape), MSIO_OK);
        assert_int_equal(ndim, 2);
        assert_int_equal(shape[0], 4);
    }
    msio_cursor_close(cursor);
    assert_int_equal(msio_table_close(t), MSIO_OK);
}

/* Writes a number over the first bytes of each tiled data file, as no cooperating writer would. */
static void overwrite_tiles(float value) {
    struct timespec tick = {0, 30000000};
    int written = 0;
    DIR *all = opendir(path);
    nanosleep(&tick, NULL); /* so that mtime tells */
    for (struct dirent *e; (e = readdir(all));) {
        char file[400];
        if (!strstr(e->d_name, "_TSM0")) continue;
        snprintf(file, sizeof file, "%s/%s", path, e->d_name);
        FILE *f = fopen(file, "r+");
        assert_non_null(f);
        written += fwrite(&value, sizeof value, 1, f) == 1;
        fclose(f);
    }
    closedir(all);
    assert_true(written > 0);
}

static float first_of(msio_cursor *cursor, int64_t row) {
    float cell[6] = {0};
    assert_int_equal(msio_cursor_get(cursor, row, cell, sizeof cell), MSIO_OK);
    return cell[0];
}

/* No header and no sync record tells this one; the data file's stamp does. */
static void a_data_file_that_anyone_changed_is_noticed_per_call_only(void **state) {
    (void)state;
    msio_table *t[3];
    msio_cursor *cursor[3];
    for (int i = 0; i < 3; i++) { /* per call, held, as opened */
        t[i] = open_table(path, i == 2 ? MSIO_AS_OPENED : MSIO_PER_CALL, MSIO_NATIVE_YES);
        cursor[i] = open_cursor(t[i], "FIXED", i == 1, 0);
        for (int64_t row = 10; row >= 0; row--) assert_true(first_of(cursor[i], row) == (float)row);
    }
    overwrite_tiles(77);
    assert_true(first_of(cursor[0], 0) == 77);
    for (int i = 1; i < 3; i++) { /* nothing was promised: the cell as it was, or, where it lies mapped, as it is */
        float first = first_of(cursor[i], 0);
        assert_true(first == 0 || first == 77);
    }
    for (int i = 0; i < 3; i++) {
        msio_cursor_close(cursor[i]);
        msio_table_close(t[i]);
    }
}

static void what_a_glance_does_not_tell_the_next_full_check_does(void **state) {
    (void)state;
    struct timespec pause = {0, 200000000};
    msio_table *t = open_table(path, MSIO_PER_CALL, MSIO_NATIVE_YES);
    msio_cursor *cursor = open_glancing(t, "FIXED", 0.05);
    overwrite_tiles(78);
    for (int64_t row = 10; row >= 0; row--) assert_true(first_of(cursor, row) == (row ? (float)row : 78));
    overwrite_tiles(79);
    nanosleep(&pause, NULL);
    assert_true(first_of(cursor, 0) == 79);
    msio_cursor_close(cursor);
    assert_int_equal(msio_table_close(t), MSIO_OK);
}

/* Cells of a held table are taken from the mapped file. When that is cut the next call says so. */
static void a_file_that_was_cut_under_a_hold_is_an_error(void **state) {
    (void)state;
    float cell[6];
    const void *seen;
    int cut = 0;
    msio_table *t = open_table(path, MSIO_PER_CALL, MSIO_NATIVE_YES);
    msio_cursor *cursor = open_cursor(t, "FIXED", 1, 0);
    for (int64_t row = 0; row < 4; row++) assert_true(first_of(cursor, row) == (float)row);
    DIR *all = opendir(path);
    for (struct dirent *e; (e = readdir(all));) {
        char file[400];
        snprintf(file, sizeof file, "%s/%s", path, e->d_name);
        if (strstr(e->d_name, "_TSM0")) cut += truncate(file, 0) == 0;
    }
    closedir(all);
    assert_true(cut > 0);
    msio_status got = msio_cursor_get(cursor, 3, cell, sizeof cell), peeked = msio_cursor_peek(cursor, 2, &seen, NULL);
    assert_true(got == MSIO_OK ? cell[0] == 3 : got == MSIO_E_IO);
    assert_true(peeked == MSIO_OK ? *(const float *)seen == 2 : peeked == MSIO_E_IO);
    msio_cursor_close(cursor);
    msio_table_close(t);
}

/* Under the owner's hold nothing is asked: not even that table.dat is there. */
static void a_table_that_its_owner_holds_is_not_checked(void **state) {
    (void)state;
    char file[96], aside[96];
    msio_table *t = open_table(path, MSIO_PER_CALL, MSIO_NATIVE_YES);
    msio_cursor *cursor = open_cursor(t, "NUMBER", 0, 0);
    assert_int_equal(msio_table_hold(t), MSIO_OK);
    walk_numbers(cursor, 780);
    snprintf(file, sizeof file, "%s/table.dat", path);
    snprintf(aside, sizeof aside, "%s/table.dat.aside", path);
    assert_int_equal(rename(file, aside), 0);
    walk_numbers(cursor, 780);
    assert_int_equal(rename(aside, file), 0);
    assert_int_equal(msio_table_release(t), MSIO_OK);
    assert_int_equal(python("t = ct.table(path, readonly=False, ack=False)\n"
                            "t.putcell('NUMBER', 7, 700)\n"
                            "t.close()\n"),
                     0);
    assert_int_equal(msio_table_hold(t), MSIO_OK); /* another hold, of another state */
    assert_number(cursor, 7, 700);
    assert_int_equal(msio_table_release(t), MSIO_OK);
    msio_cursor_close(cursor);
    assert_int_equal(msio_table_close(t), MSIO_OK);
}

static void a_cursor_that_holds_keeps_writers_out_until_it_is_closed(void **state) {
    static const char lock[] = "t = ct.table(path, readonly=False, lockoptions='user', ack=False)\n"
                               "try:\n"
                               "    t.lock(True, 1)\n"
                               "except RuntimeError:\n"
                               "    pass\n"
                               "sys.exit(3 if t.haslock(True) else 0)\n";
    (void)state;
    msio_table *t = open_table(path, MSIO_PER_CALL, MSIO_NATIVE_YES);
    msio_cursor *cursor = open_cursor(t, "NUMBER", 1, 0);
    walk_numbers(cursor, 780);
    assert_int_equal(python(lock), 0);
    msio_cursor_close(cursor);
    assert_int_not_equal(python(lock), 0);
    assert_int_equal(msio_table_close(t), MSIO_OK);
}

static void a_table_that_went_away_is_reported(void **state) {
    (void)state;
    int32_t number;
    msio_table *t = open_table(path, MSIO_PER_CALL, MSIO_NATIVE_YES);
    msio_cursor *cursor = open_cursor(t, "NUMBER", 0, 0);
    walk_numbers(cursor, 780);
    pack_remove(path);
    msio_status status = msio_cursor_get(cursor, 7, &number, sizeof number);
    assert_true(status == MSIO_E_NOT_FOUND || status == MSIO_E_IO);
    msio_cursor_close(cursor);
    msio_table_close(t);
}

/* A view of a table's rows, where the column has another name: its root's files are what has to be looked at. */
static void a_reference_table_is_followed(void **state) {
    (void)state;
    char view[96];
    assert_int_equal(python("ct.taql('select NUMBER as OTHER from %s orderby desc NUMBER giving %s.view'\n"
                            "        % (path, path)).close()\n"),
                     0);
    snprintf(view, sizeof view, "%s.view", path);
    msio_table *t = open_table(view, MSIO_PER_CALL, MSIO_NATIVE_YES);
    msio_cursor *cursor = open_cursor(t, "OTHER", 0, 0);
    walk_numbers(cursor, 780);
    assert_number(cursor, 2, 37);
    assert_int_equal(python("t = ct.table(path, readonly=False, ack=False)\n"
                            "t.putcell('NUMBER', 37, 3700)\n"
                            "t.close()\n"),
                     0);
    assert_number(cursor, 2, 3700);
    assert_int_equal(msio_table_hold(t), MSIO_OK);
    walk_numbers(cursor, 780 + 3663);
    assert_int_equal(msio_table_release(t), MSIO_OK);
    msio_cursor_close(cursor);
    assert_int_equal(msio_table_close(t), MSIO_OK);
    pack_remove(view);
}

/* ---------------------------------------------------------------- threads */

typedef struct thread_walk {
    const walk *walk;
    int hold, wrong;
} thread_walk;

static void *walk_in_thread(void *user) {
    thread_walk *job = user;
    msio_cursor *cursor = open_cursor(table, "DATA", job->hold, 0);
    for (int round = 0; round < 3; round++)
        for (int64_t call = 0; call < job->walk->calls; call++) {
            float complex cell[CHANNELS * CORRS];
            int64_t row = row_of(job->walk, call), n = row * CHANNELS * CORRS;
            job->wrong += msio_cursor_get(cursor, row, cell, sizeof cell) != MSIO_OK ||
                          crealf(cell[0]) != (float)(n % 16777213 - 8388606) / 1048576.0f;
        }
    msio_cursor_close(cursor);
    return NULL;
}

static void threads_walk_with_a_cursor_each(void **state) {
    (void)state;
    for (int hold = 0; hold < 2; hold++) {
        pthread_t thread[4];
        thread_walk job[4];
        for (int i = 0; i < 4; i++) {
            job[i] = (thread_walk){&walks[(size_t)i * 2 + 1], hold, 0};
            assert_int_equal(pthread_create(&thread[i], NULL, walk_in_thread, &job[i]), 0);
        }
        for (int i = 0; i < 4; i++) {
            assert_int_equal(pthread_join(thread[i], NULL), 0);
            assert_int_equal(job[i].wrong, 0);
        }
    }
}

/* ---------------------------------------------------------------- what it tells */

static void the_pattern_is_that_of_most_calls(void **state) {
    uint8_t cell[CELL_BYTES];
    (void)state;
    msio_cursor *cursor = open_cursor(table, "DATA", 1, 0);
    assert_string_equal(stats_of(cursor).pattern, "");
    assert_int_equal(msio_cursor_get(cursor, 100, cell, sizeof cell), MSIO_OK);
    assert_string_equal(stats_of(cursor).pattern, "");
    assert_int_equal(msio_cursor_get(cursor, 99, cell, sizeof cell), MSIO_OK);
    assert_string_equal(stats_of(cursor).pattern, "backward");
    for (int64_t row = 300; row < 500; row += 5)
        assert_int_equal(msio_cursor_get(cursor, row, cell, sizeof cell), MSIO_OK);
    assert_string_equal(stats_of(cursor).pattern, "stepping");
    msio_cursor_close(cursor);
}

static void a_long_loop_is_advised_to_read_the_column(void **state) {
    static const char *const advice[WALKS] = {
        [0] = "getcell loop over 1440 rows of DATA, forward: use msio_read (getcol)",
        [2] = "getcell loop over 1440 rows of DATA, backward: use msio_read (getcol)"};
    (void)state;
    for (size_t i = 0; i < WALKS; i++) {
        uint8_t cell[CELL_BYTES];
        char text[200] = "unset";
        msio_cursor *cursor = open_cursor(table, "DATA", 1, 0);
        for (int64_t call = 0; call < walks[i].calls; call++)
            assert_int_equal(msio_cursor_get(cursor, row_of(&walks[i], call), cell, sizeof cell), MSIO_OK);
        assert_int_equal(msio_cursor_advice(cursor, text, sizeof text), advice[i] ? strlen(advice[i]) : 0);
        assert_string_equal(text, advice[i] ? advice[i] : "");
        msio_cursor_close(cursor);
    }
}

static void the_profiler_says_what_a_loop_costs_and_where_it_is(void **state) {
    uint8_t cell[CELL_BYTES];
    char *report = NULL;
    (void)state;
    msio_prof_start();
    msio_cursor *cursor = open_cursor(table, "DATA", 1, 0);
    for (int64_t row = 0; row < rows; row++) assert_int_equal(msio_cursor_get(cursor, row, cell, sizeof cell), MSIO_OK);
    msio_cursor_close(cursor);
    msio_prof_stop();
    assert_int_equal(msio_prof_report_text(&report), MSIO_OK);
    assert_non_null(
        strstr(report, "advice: getcell loop over 1440 rows of DATA, forward: use msio_read (getcol), would take "));
    assert_non_null(strstr(report, "test_cursor)"));
    msio_prof_free(report);
}

static void the_place_of_a_loop_stands_for_the_address(void **state) {
    uint8_t cell[CELL_BYTES];
    char file[] = "loops.py", *report = NULL;
    (void)state;
    msio_cursor *cursor = open_cursor(table, "DATA", 1, 0);
    msio_cursor_place(cursor, "nobody listens", 1); /* the profiler is off */
    msio_cursor_close(cursor);
    msio_prof_reset();
    msio_prof_start();
    cursor = open_cursor(table, "DATA", 1, 0);
    msio_cursor_place(cursor, "before.py", 3);
    msio_cursor_place(cursor, file, 12);
    memset(file, 'x', sizeof file - 1); /* it was copied */
    msio_cursor_place(cursor, NULL, 4);
    for (int64_t row = 0; row < rows; row++) assert_int_equal(msio_cursor_get(cursor, row, cell, sizeof cell), MSIO_OK);
    msio_cursor_close(cursor);
    msio_prof_stop();
    assert_int_equal(msio_prof_report_text(&report), MSIO_OK);
    assert_non_null(strstr(report, " s (the loop is at loops.py:12)\n"));
    assert_null(strstr(report, "test_cursor)"));
    msio_prof_free(report);
}

#define WITH_TABLE(test) cmocka_unit_test_setup_teardown(test, make_table, remove_table)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pattern_gives_the_cells_of_the_formula),
        cmocka_unit_test(every_column_gives_what_casacore_gives),
        cmocka_unit_test(a_cursor_through_casacore_gives_the_same),
        cmocka_unit_test(peeking_gives_the_same_without_a_copy),
        cmocka_unit_test(several_columns_in_turn_are_each_read_ahead),
        cmocka_unit_test(walks_take_few_reads_and_no_cell_twice),
        cmocka_unit_test(a_walk_with_gaps_is_read_ahead),
        cmocka_unit_test(what_is_read_ahead_stays_within_the_memory),
        WITH_TABLE(cells_that_differ_or_are_missing_are_told_apart),
        cmocka_unit_test(shapes_are_those_of_the_cells),
        cmocka_unit_test(mistakes_are_reported_and_harm_nothing),
        WITH_TABLE(strings_and_bad_options_are_refused),
        WITH_TABLE(cells_that_casacore_puts_are_seen_by_the_next_call),
        WITH_TABLE(a_glance_sees_writers_that_lock),
        WITH_TABLE(shapes_and_rows_that_casacore_changes_are_seen),
        WITH_TABLE(what_a_glance_does_not_tell_the_next_full_check_does),
        WITH_TABLE(a_data_file_that_anyone_changed_is_noticed_per_call_only),
        WITH_TABLE(a_file_that_was_cut_under_a_hold_is_an_error),
        WITH_TABLE(a_table_that_its_owner_holds_is_not_checked),
        WITH_TABLE(a_cursor_that_holds_keeps_writers_out_until_it_is_closed),
        WITH_TABLE(a_table_that_went_away_is_reported),
        WITH_TABLE(a_reference_table_is_followed),
        cmocka_unit_test(threads_walk_with_a_cursor_each),
        cmocka_unit_test(the_pattern_is_that_of_most_calls),
        cmocka_unit_test(a_long_loop_is_advised_to_read_the_column),
        cmocka_unit_test(the_profiler_says_what_a_loop_costs_and_where_it_is),
        cmocka_unit_test(the_place_of_a_loop_stands_for_the_address),
    };
    alarm(250);
    return cmocka_run_group_tests(tests, start, finish);
}
