/* test_passes_in_threads.c - what is computed in passes is the same with any number of threads: flags, copies with
 * their statistics, predictions, chi-squared. ThreadSanitizer watches. */
#include "msio/cache.h"
#include "msio/visibility.h"

#include "tests/io/simulate/simulated.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { CHANNELS = 24, CORRS = 2, MOST_THREADS = 8 };

static char folder[64], ms[80];
static msio_table *table;
static int64_t rows, elements;
static void *kept, *now; /* of a column: as large as DATA */

static int start(void **state) {
    (void)state;
    msio_simulate_ms_opts opts = simulated_shape(20, 5, 3, CHANNELS);
    msio_open_opts how = MSIO_OPEN_OPTS_INIT;
    opts.imaging_columns = 1;
    if (!simulate_or_skip(&opts, folder, "a.ms", ms, sizeof ms)) return -1;
    how.writable = 1;
    if (msio_table_open(ms, &how, &table)) return -1;
    rows = msio_table_rows(table);
    elements = rows * CHANNELS * CORRS;
    kept = malloc((size_t)elements * 8);
    now = malloc((size_t)elements * 8);
    return kept && now ? 0 : -1;
}

static int finish(void **state) {
    (void)state;
    msio_table_close(table);
    free(kept);
    free(now);
    pack_remove(folder);
    return 0;
}

static const msio_column *column_of(const char *name) {
    const msio_column *column;
    assert_int_equal(msio_table_column(table, name, &column), MSIO_OK);
    return column;
}

/* The column's bytes are those that the first number of threads left. */
static void same_as_first(const char *name, int threads, size_t bytes) {
    assert_int_equal(msio_read(column_of(name), NULL, threads == 1 ? kept : now, bytes, NULL), MSIO_OK);
    if (threads > 1) assert_memory_equal(kept, now, bytes);
}

/* Some flags, in no order that tiles or blocks have. */
static void put_flags(void) {
    uint8_t *flag = now;
    for (int64_t e = 0; e < elements; e++) flag[e] = e * e % 7 < 2;
    assert_int_equal(msio_write(column_of("FLAG"), NULL, flag, (size_t)elements, NULL), MSIO_OK);
    memset(flag, 0, (size_t)rows);
    for (int64_t r = 0; r < rows; r += 13) flag[r] = 1;
    assert_int_equal(msio_write(column_of("FLAG_ROW"), NULL, flag, (size_t)rows, NULL), MSIO_OK);
}

static void flags(void **state) {
    (void)state;
    msio_flags_extended first = MSIO_FLAGS_EXTENDED_INIT;
    for (int threads = 1; threads <= MOST_THREADS; threads++) {
        msio_flags_extend_opts opts = MSIO_FLAGS_EXTEND_OPTS_INIT;
        msio_flags_extended done = MSIO_FLAGS_EXTENDED_INIT;
        put_flags();
        opts.amplitude_above = 1e6;
        opts.chi2_above = 1e12;
        opts.correlation = 0.0;
        opts.channel = 0.7;
        opts.time = opts.baseline = 0.8;
        opts.threads = threads;
        opts.memory = 4 << 20;
        assert_int_equal(msio_flags_extend(table, &opts, &done), MSIO_OK);
        same_as_first("FLAG", threads, (size_t)elements);
        if (threads == 1) first = done;
        assert_memory_equal(&first, &done, sizeof done);
        assert_int_equal(done.total, elements);
        assert_true(done.after > done.before && done.by_correlation > 0);
    }
}

static void copies(void **state) {
    (void)state;
    msio_stats_values first = {0};
    put_flags();
    for (int threads = 1; threads <= MOST_THREADS; threads++) {
        msio_copy_opts opts = MSIO_COPY_OPTS_INIT;
        msio_stats_values values;
        msio_copied *copied;
        opts.minus = "MODEL_DATA";
        opts.conjugate = 1;
        opts.scale[1] = 0.5;
        opts.threads = threads;
        opts.memory = 4 << 20;
        assert_int_equal(msio_copied_new(&copied), MSIO_OK);
        assert_int_equal(msio_visibilities_copy(table, "DATA", "CORRECTED_DATA", NULL, &opts, copied), MSIO_OK);
        assert_int_equal(msio_copied_values(copied, &values), MSIO_OK);
        msio_copied_free(copied);
        same_as_first("CORRECTED_DATA", threads, (size_t)elements * 8);
        if (threads == 1) first = values;
        assert_memory_equal(&first, &values, sizeof values);
    }
}

static void predictions(void **state) {
    (void)state;
    static const char text[] = "Format = Type, Ra, Dec, I, MajorAxis, MinorAxis\n"
                               "POINT, 1rad, 0.3rad, 2\nGAUSSIAN, 1.01rad, 0.29rad, 1, 30, 10\n";
    msio_sky *sky;
    assert_int_equal(msio_sky_parse(text, sizeof text - 1, "sky", &sky), MSIO_OK);
    for (int threads = 1; threads <= MOST_THREADS; threads++) {
        msio_model_opts opts = MSIO_MODEL_OPTS_INIT;
        msio_model_result result = MSIO_MODEL_RESULT_INIT;
        opts.threads = threads;
        opts.memory = 4 << 20;
        opts.smear_frequency = opts.smear_time = 1;
        assert_int_equal(msio_model_predict(ms, sky, &opts, &result), MSIO_OK);
        assert_int_equal(result.rows, rows);
        same_as_first("MODEL_DATA", threads, (size_t)elements * 8);
    }
    msio_sky_free(sky);
}

static void chi_squared(void **state) {
    (void)state;
    msio_stats_chi2 first = {0};
    for (int threads = 1; threads <= MOST_THREADS; threads++) {
        msio_stats_opts opts = MSIO_STATS_OPTS_INIT;
        msio_stats *stats;
        opts.columns = MSIO_STATS_NO_COLUMNS;
        opts.data = "DATA";
        opts.model = "MODEL_DATA";
        opts.by = MSIO_FLAGS_BY_ALL;
        opts.threads = threads;
        opts.memory = 4 << 20;
        assert_int_equal(msio_stats_make(ms, &opts, &stats), MSIO_OK);
        if (threads == 1) first = stats->chi2;
        assert_memory_equal(&first, &stats->chi2, sizeof first);
        assert_true(first.value > 0.0 && first.dof > 0);
        msio_stats_free(stats);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(flags), cmocka_unit_test(copies), cmocka_unit_test(predictions),
                                       cmocka_unit_test(chi_squared)};
    return cmocka_run_group_tests(tests, start, finish);
}
