/* test_pass.c - passes over a table: what kernels see and write, in which order, and how a pass ends early. */
#include "msio/visibility.h"

#include "tests/io/simulate/simulated.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>

#include <cmocka.h>

static char folder[64], ms[80];
static msio_table *table;
static int64_t rows;
static size_t data_bytes;
static float *data;

static int start(void **state) {
    (void)state;
    msio_simulate_ms_opts opts = simulated_shape(20, 5, 3, 24);
    msio_open_opts how = MSIO_OPEN_OPTS_INIT;
    const msio_column *column;
    opts.imaging_columns = 1;
    if (!simulate_or_skip(&opts, folder, "a.ms", ms, sizeof ms)) return -1;
    how.writable = 1;
    if (msio_table_open(ms, &how, &table) || msio_table_column(table, "DATA", &column)) return -1;
    rows = msio_table_rows(table);
    data_bytes = (size_t)rows * 24 * 2 * 8;
    data = malloc(data_bytes);
    return data && msio_read(column, NULL, data, data_bytes, NULL) == MSIO_OK ? 0 : -1;
}

static int finish(void **state) {
    (void)state;
    msio_table_close(table);
    free(data);
    pack_remove(folder);
    return 0;
}

static const float *column_values(const char *name, float *values) {
    const msio_column *column;
    assert_int_equal(msio_table_column(table, name, &column), MSIO_OK);
    assert_int_equal(msio_read(column, NULL, values, data_bytes, NULL), MSIO_OK);
    return values;
}

/* ---------------------------------------------------------------- reading */

/* Sums in floats, whose rounding shows the order that they were added in. */
typedef struct sums {
    int64_t rows, next; /* next: the row that this lane's next block may begin at, at least */
    float sum;
    int out_of_order;
} sums;

static sums total;

static msio_status add_up(void *user, const msio_block *block, void *state) {
    sums *s = state;
    const float *values = block->in[0].data;
    (void)user;
    assert_int_equal(block->in[0].type, MSIO_COMPLEX);
    assert_int_equal(block->in[0].shape[0], block->rows);
    assert_int_equal(block->in[0].bytes, (size_t)block->rows * 24 * 2 * 8);
    if (block->row < s->next) s->out_of_order++;
    s->next = block->row + block->rows;
    s->rows += block->rows;
    for (int64_t i = 0; i < block->rows * 96; i++) s->sum += values[i] * 0.37f;
    return MSIO_OK;
}

static msio_status add_lane(void *user, const void *state) {
    const sums *s = state;
    (void)user;
    total.rows += s->rows;
    total.sum += s->sum;
    total.out_of_order += s->out_of_order;
    return MSIO_OK;
}

static sums sum_of(const msio_select *select, int threads, size_t memory) {
    static const char *const inputs[] = {"DATA"};
    const msio_kernel kernel = {add_up, sizeof(sums), add_lane, NULL};
    msio_pass pass = MSIO_PASS_INIT;
    msio_pass_opts opts = MSIO_PASS_OPTS_INIT;
    int64_t done = -1;
    pass.inputs = 1;
    pass.input = inputs;
    pass.kernels = 1;
    pass.kernel = &kernel;
    pass.select = select;
    opts.threads = threads;
    opts.memory = memory;
    total = (sums){0};
    assert_int_equal(msio_pass_run(table, &pass, &opts, &done), MSIO_OK);
    assert_int_equal(done, total.rows);
    assert_int_equal(total.out_of_order, 0);
    return total;
}

static void results_do_not_depend_on_threads_or_memory(void **state) {
    (void)state;
    const sums first = sum_of(NULL, 1, (size_t)64 << 20);
    double exact = 0;
    for (int64_t i = 0; i < rows * 96; i++) exact += (double)data[i] * 0.37;
    assert_int_equal(first.rows, rows);
    assert_true(fabs(first.sum - exact) < 1e-2 * (1 + fabs(exact)) + 100);
    for (int threads = 2; threads <= 8; threads++) {
        assert_memory_equal(&(float){sum_of(NULL, threads, (size_t)64 << 20).sum}, &first.sum, sizeof first.sum);
        assert_memory_equal(&(float){sum_of(NULL, threads, (size_t)2 << 20).sum}, &first.sum, sizeof first.sum);
    }
}

static void selections(void **state) {
    (void)state;
    const int64_t list[] = {7, 3, 3, 90};
    msio_select select = MSIO_SELECT_ALL;
    select.row = 11;
    select.rows = 100;
    select.row_step = 3;
    assert_int_equal(sum_of(&select, 3, 1 << 20).rows, 100);
    select = (msio_select)MSIO_SELECT_ALL;
    select.row_list = list;
    select.rows_in_list = 4;
    assert_int_equal(sum_of(&select, 2, 1 << 20).rows, 4);
    select.rows_in_list = 0;
    assert_int_equal(sum_of(&select, 2, 1 << 20).rows, 0);
}

/* Channels 3, 5, 7 and the second correlation, of columns that have these axes. */
static const int64_t part_chan = 3, part_chans = 3, part_corr = 1;

static msio_status look_at_parts(void *user, const msio_block *block, void *state) {
    int64_t *differing = user;
    const float *values = block->in[0].data;
    (void)state;
    assert_int_equal(block->in[0].shape[1], part_chans);
    assert_int_equal(block->in[0].shape[2], 1);
    assert_int_equal(block->in[1].ndim, 2); /* UVW */
    assert_int_equal(block->in[1].shape[1], 3);
    assert_int_equal(block->in[2].shape[1], 1);          /* WEIGHT */
    assert_int_equal(block->in[3].shape[1], part_chans); /* IMAGING_WEIGHT */
    assert_int_equal(block->in[4].ndim, 1);              /* TIME */
    for (int64_t r = 0; r < block->rows; r++)
        for (int64_t c = 0; c < part_chans; c++)
            for (int k = 0; k < 2; k++) {
                const int64_t at = ((block->row + r) * 24 + part_chan + 2 * c) * 2 + part_corr;
                *differing += values[2 * (r * part_chans + c) + k] != data[2 * at + k];
            }
    return MSIO_OK;
}

static void parts_of_cells_beside_columns_without_those_axes(void **state) {
    (void)state;
    static const char *const inputs[] = {"DATA", "UVW", "WEIGHT", "IMAGING_WEIGHT", "TIME"};
    int64_t differing = 0;
    const msio_kernel kernel = {look_at_parts, 0, NULL, &differing};
    msio_pass pass = MSIO_PASS_INIT;
    msio_pass_opts opts = MSIO_PASS_OPTS_INIT;
    msio_select select = MSIO_SELECT_ALL;
    int64_t done = 0;
    select.chan = part_chan;
    select.chans = part_chans;
    select.chan_step = 2;
    select.corr = part_corr;
    select.corrs = 1;
    pass.inputs = 5;
    pass.input = inputs;
    pass.kernels = 1;
    pass.kernel = &kernel;
    pass.select = &select;
    opts.threads = 1; /* cmocka's asserts are for one */
    assert_int_equal(msio_pass_run(table, &pass, &opts, &done), MSIO_OK);
    assert_int_equal(done, rows);
    assert_int_equal(differing, 0);
    select.corr = 2;
    assert_int_equal(msio_pass_run(table, &pass, &opts, &done), MSIO_E_RANGE);
}

/* ---------------------------------------------------------------- writing */

static msio_status halve(void *user, const msio_block *block, void *state) {
    const float *in = block->in[0].data;
    float *out = block->out[0].data, factor = *(const float *)user;
    (void)state;
    for (int64_t i = 0; i < block->rows * 96; i++) out[i] = in[i] * factor;
    return MSIO_OK;
}

static msio_pass scaling(const char *const *input, const char *const *output, const msio_kernel *kernel) {
    msio_pass pass = MSIO_PASS_INIT;
    pass.inputs = 1;
    pass.input = input;
    pass.outputs = 1;
    pass.output = output;
    pass.kernels = 1;
    pass.kernel = kernel;
    return pass;
}

static void columns_are_written(void **state) {
    (void)state;
    static const char *const from[] = {"DATA"}, *const to[] = {"CORRECTED_DATA"};
    float factor = 0.5f, *got = malloc(data_bytes);
    const msio_kernel kernel = {halve, 0, NULL, &factor};
    msio_pass pass = scaling(from, to, &kernel);
    msio_pass_opts opts = MSIO_PASS_OPTS_INIT;
    for (int threads = 1; threads <= 4; threads += 3) {
        opts.threads = threads;
        opts.memory = (size_t)threads << 20;
        factor *= 0.5f;
        assert_int_equal(msio_pass_run(table, &pass, &opts, NULL), MSIO_OK);
        column_values("CORRECTED_DATA", got);
        for (int64_t i = 0; i < rows * 96; i++) assert_true(got[i] == data[i] * factor);
    }
    /* in place: each value is changed once */
    pass = scaling(to, to, &kernel);
    factor = 2.0f;
    assert_int_equal(msio_pass_run(table, &pass, &opts, NULL), MSIO_OK);
    column_values("CORRECTED_DATA", got);
    for (int64_t i = 0; i < rows * 96; i++) assert_true(got[i] == data[i] * 0.25f);
    free(got);
}

/* ---------------------------------------------------------------- ending early */

static msio_status fail_late(void *user, const msio_block *block, void *state) {
    (void)state;
    atomic_fetch_add((atomic_int *)user, 1);
    if (block->out) memset(block->out[0].data, 0, block->out[0].bytes);
    return block->row >= rows / 2 ? msio_kernel_fail(MSIO_E_RANGE, "so far and no further") : MSIO_OK;
}

static int stop(void *user, int64_t done, int64_t all) {
    (void)user;
    return all > 0 && done > 0;
}

static void passes_that_end_early(void **state) {
    (void)state;
    static const char *const from[] = {"DATA"}, *const to[] = {"MODEL_DATA"}, *const none[] = {"NOTHING"};
    atomic_int blocks = 0;
    const msio_kernel kernel = {fail_late, 0, NULL, &blocks};
    msio_pass pass = scaling(from, to, &kernel);
    msio_pass_opts opts = MSIO_PASS_OPTS_INIT;
    opts.memory = 1 << 20;
    assert_int_equal(msio_pass_run(table, &pass, &opts, NULL), MSIO_E_RANGE);
    assert_string_equal(msio_last_error()->message, "so far and no further");
    assert_true(atomic_load(&blocks) > 1);
    opts.progress = stop;
    assert_int_equal(msio_pass_run(table, &pass, &opts, NULL), MSIO_E_CANCELLED);
    opts.progress = NULL;
    opts.memory = 100;
    assert_int_equal(msio_pass_run(table, &pass, &opts, NULL), MSIO_E_SIZE);
    opts.memory = 1 << 20;
    pass.input = none;
    assert_int_equal(msio_pass_run(table, &pass, &opts, NULL), MSIO_E_NO_COLUMN);
    pass.kernels = 0;
    assert_int_equal(msio_pass_run(table, &pass, &opts, NULL), MSIO_E_ARGUMENT);
    assert_int_equal(msio_pass_run(NULL, &pass, &opts, NULL), MSIO_E_ARGUMENT);
    /* the lock was given back each time */
    msio_table *other;
    msio_open_opts how = MSIO_OPEN_OPTS_INIT;
    how.writable = 1;
    how.lock_seconds = 1;
    assert_int_equal(msio_table_open(ms, &how, &other), MSIO_OK);
    assert_int_equal(msio_table_hold_write(other), MSIO_OK);
    assert_int_equal(msio_table_release(other), MSIO_OK);
    assert_int_equal(msio_table_close(other), MSIO_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_do_not_depend_on_threads_or_memory),
        cmocka_unit_test(selections),
        cmocka_unit_test(parts_of_cells_beside_columns_without_those_axes),
        cmocka_unit_test(columns_are_written),
        cmocka_unit_test(passes_that_end_early),
    };
    return cmocka_run_group_tests(tests, start, finish);
}
