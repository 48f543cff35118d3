/* test_engine.c - reads through the public interface: ways and threads agree, selections are checked, progress and
 * cancelling, several columns at once. */
#include "msio/io.h"

#include "tests/io/simulate/simulated.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static char folder[64];
static msio_table *table;
static int64_t rows;

#define CHANNELS 16
#define CORRS 2
#define LARGE_BYTES (300 * 16 * 8 * 48 * 2 * 8)

static const msio_column *column_of(const char *name) {
    const msio_column *column = NULL;
    assert_int_equal(msio_table_column(table, name, &column), MSIO_OK);
    return column;
}

static int make_large(void) {
    char path[96];
    msio_simulate_ms_opts opts = simulated_shape(24, 16, 8, 48);
    snprintf(path, sizeof path, "%s/large.ms", folder);
    return msio_simulate_ms(path, &opts) != MSIO_OK;
}

static int start(void **state) {
    (void)state;
    char path[80];
    msio_simulate_ms_opts opts = simulated_shape(9, 4, 3, CHANNELS);
    if (!simulate_or_skip(&opts, folder, "small.ms", path, sizeof path)) return -1;
    if (make_large() || msio_table_open(path, NULL, &table) != MSIO_OK) return -1;
    rows = msio_table_rows(table);
    return rows == 4 * 3 * 45 ? 0 : -1;
}

static int finish(void **state) {
    (void)state;
    msio_table_close(table);
    pack_remove(folder);
    return 0;
}

static msio_array read_with(const char *name, const msio_select *select, int threads, msio_way way) {
    msio_array array = {0};
    msio_read_opts opts = MSIO_READ_OPTS_INIT;
    opts.threads = threads;
    opts.way = way;
    assert_int_equal(msio_read_new(column_of(name), select, &array, &opts), MSIO_OK);
    return array;
}

static void assert_same(const msio_array *a, const msio_array *b) {
    assert_int_equal(a->ndim, b->ndim);
    for (int k = 0; k < a->ndim; k++) assert_int_equal(a->shape[k], b->shape[k]);
    assert_int_equal(a->bytes, b->bytes);
    if (a->bytes) assert_memory_equal(a->data, b->data, a->bytes);
}

/* ---------------------------------------------------------------- selections that the tests share */

static int64_t some_rows[] = {17, 3, 3, 500, 0, 539, 18, 19, 20, 4};

typedef struct named_select {
    const char *name;
    msio_select select;
} named_select;

static void make_selects(named_select selects[5]) {
    static const char *const what[] = {"all", "strided rows", "listed rows", "some channels", "all of it strided"};
    for (int i = 0; i < 5; i++) selects[i] = (named_select){what[i], MSIO_SELECT_ALL};
    selects[1].select.row = 5;
    selects[1].select.rows = 60;
    selects[1].select.row_step = 7;
    selects[2].select.row_list = some_rows;
    selects[2].select.rows_in_list = (int64_t)(sizeof some_rows / sizeof *some_rows);
    selects[3].select.chan = 3;
    selects[3].select.chans = 9;
    selects[4].select.row = 1;
    selects[4].select.row_step = 11;
    selects[4].select.chan = 1;
    selects[4].select.chan_step = 4;
    selects[4].select.corr = 1;
}

static void every_way_gives_the_same_bytes(void **state) {
    static const char *const names[] = {"DATA", "FLAG", "WEIGHT_SPECTRUM"};
    named_select selects[5];
    (void)state;
    make_selects(selects);
    for (int n = 0; n < 3; n++)
        for (int i = 0; i < 5; i++) {
            msio_array first = read_with(names[n], &selects[i].select, 1, MSIO_WAY_AUTO);
            assert_true(first.bytes > 0);
            for (int way = MSIO_WAY_DIRECT; way <= MSIO_WAY_MAPPED; way++) {
                msio_array other = read_with(names[n], &selects[i].select, 1, (msio_way)way);
                assert_same(&first, &other);
                msio_array_free(&other);
            }
            msio_array_free(&first);
        }
}

static void threads_give_the_same_bytes_of_a_large_column(void **state) {
    char path[96];
    msio_table *small = table;
    (void)state;
    snprintf(path, sizeof path, "%s/large.ms", folder);
    assert_int_equal(msio_table_open(path, NULL, &table), MSIO_OK);
    msio_array first = read_with("DATA", NULL, 1, MSIO_WAY_AUTO);
    for (int threads = 2; threads <= 8; threads += 6)
        for (int way = MSIO_WAY_AUTO; way <= MSIO_WAY_MAPPED; way++) {
            msio_array other = read_with("DATA", NULL, threads, (msio_way)way);
            assert_same(&first, &other);
            msio_array_free(&other);
        }
    msio_array_free(&first);
    assert_int_equal(msio_table_close(table), MSIO_OK);
    table = small;
}

static void any_number_of_threads_gives_the_same_bytes(void **state) {
    static const int threads[] = {2, 3, 8};
    named_select selects[5];
    (void)state;
    make_selects(selects);
    for (int i = 0; i < 5; i++) {
        msio_array first = read_with("DATA", &selects[i].select, 1, MSIO_WAY_AUTO);
        for (int t = 0; t < 3; t++)
            for (int way = MSIO_WAY_AUTO; way <= MSIO_WAY_MAPPED; way++) {
                msio_array other = read_with("DATA", &selects[i].select, threads[t], (msio_way)way);
                assert_same(&first, &other);
                msio_array_free(&other);
            }
        msio_array_free(&first);
    }
}

/* Element [row][channel][correlation] of a whole DATA, 8 bytes each. */
static const char *cell_of(const msio_array *whole, int64_t row, int64_t chan, int64_t corr) {
    return (const char *)whole->data + ((row * CHANNELS + chan) * CORRS + corr) * 8;
}

static void a_selection_picks_from_the_whole(void **state) {
    (void)state;
    msio_select select = MSIO_SELECT_ALL;
    select.row_list = some_rows;
    select.rows_in_list = (int64_t)(sizeof some_rows / sizeof *some_rows);
    select.chan = 2;
    select.chan_step = 3;
    select.chans = 5;
    select.corr = 1;
    select.corrs = 1;
    msio_array whole = read_with("DATA", NULL, 1, MSIO_WAY_AUTO), part = read_with("DATA", &select, 1, MSIO_WAY_AUTO);
    assert_int_equal(part.shape[0], select.rows_in_list);
    assert_int_equal(part.shape[1], 5);
    assert_int_equal(part.shape[2], 1);
    const char *at = part.data;
    for (int64_t i = 0; i < select.rows_in_list; i++)
        for (int64_t c = 0; c < 5; c++, at += 8)
            assert_memory_equal(at, cell_of(&whole, some_rows[i], 2 + 3 * c, 1), 8);
    msio_array_free(&whole);
    msio_array_free(&part);
}

static void several_columns_at_once_are_what_each_is_alone(void **state) {
    static const char *const names[] = {"DATA", "TIME", "FLAG", "UVW", "DATA"};
    named_select selects[5];
    (void)state;
    make_selects(selects);
    for (int i = 0; i < 5; i++) {
        const msio_column *columns[5];
        msio_array alone[5];
        void *outs[5];
        size_t bytes[5];
        int n = i < 3 ? 5 : 1; /* UVW has no channels to select from */
        for (int c = 0; c < n; c++) {
            columns[c] = column_of(names[c]);
            alone[c] = read_with(names[c], &selects[i].select, 1, MSIO_WAY_AUTO);
            bytes[c] = alone[c].bytes;
            outs[c] = calloc(1, bytes[c]);
            assert_non_null(outs[c]);
        }
        assert_int_equal(msio_read_many(n, columns, &selects[i].select, outs, bytes, NULL), MSIO_OK);
        for (int c = 0; c < n; c++) {
            assert_memory_equal(outs[c], alone[c].data, bytes[c]);
            free(outs[c]);
            msio_array_free(&alone[c]);
        }
    }
}

/* ---------------------------------------------------------------- progress */

typedef struct observer {
    int calls, stop_at;
    int64_t last, total;
    bool falls;
} observer;

static int observe(void *user, int64_t done, int64_t total) {
    observer *o = user;
    o->falls = o->falls || done < o->last;
    o->last = done;
    o->total = total;
    return ++o->calls == o->stop_at;
}

/* Progress is told every few megabytes: this table has 29 MB of them. */
static msio_status read_observed(observer *o, int threads) {
    char path[96];
    msio_table *large = NULL;
    const msio_column *column = NULL;
    msio_array array = {0};
    msio_read_opts opts = MSIO_READ_OPTS_INIT;
    opts.threads = threads;
    opts.progress = observe;
    opts.user = o;
    snprintf(path, sizeof path, "%s/large.ms", folder);
    assert_int_equal(msio_table_open(path, NULL, &large), MSIO_OK);
    assert_int_equal(msio_table_column(large, "DATA", &column), MSIO_OK);
    msio_status status = msio_read_new(column, NULL, &array, &opts);
    if (status) assert_int_equal(msio_last_error()->code, status);
    if (!status) assert_int_equal(array.bytes, LARGE_BYTES);
    msio_array_free(&array);
    assert_int_equal(msio_table_close(large), MSIO_OK);
    return status;
}

static void progress_rises(void **state) {
    (void)state;
    for (int threads = 1; threads <= 4; threads += 3) {
        observer o = {0};
        assert_int_equal(read_observed(&o, threads), MSIO_OK);
        assert_true(threads > 1 || o.calls > 1);
        assert_false(o.falls);
        assert_true(o.last <= LARGE_BYTES);
        assert_true(o.calls == 0 || o.total == LARGE_BYTES);
    }
}

static void progress_can_cancel(void **state) {
    (void)state;
    observer o = {.stop_at = 2};
    assert_int_equal(read_observed(&o, 1), MSIO_E_CANCELLED);
    assert_int_equal(o.calls, 2);
    o = (observer){0}; /* and the next read knows nothing of it */
    assert_int_equal(read_observed(&o, 1), MSIO_OK);
}

/* ---------------------------------------------------------------- what is refused */

static msio_status shape_status(const char *name, const msio_select *select) {
    int ndim;
    int64_t shape[MSIO_MAX_NDIM + 1];
    size_t bytes;
    return msio_read_shape(column_of(name), select, &ndim, shape, &bytes);
}

/* All calls that take a selection agree about it. */
static void assert_selection(const char *name, const msio_select *select, msio_status expected) {
    msio_array array = {0};
    msio_ragged ragged = {0};
    msio_plan *plan = NULL;
    assert_int_equal(shape_status(name, select), expected);
    assert_int_equal(msio_read_new(column_of(name), select, &array, NULL), expected);
    assert_int_equal(msio_read_ragged(column_of(name), select, &ragged, NULL), expected);
    assert_int_equal(msio_plan_make(column_of(name), select, &plan), expected);
    if (expected) assert_true(msio_last_error()->message[0] != 0);
    if (expected) assert_null(plan);
    msio_array_free(&array);
    msio_ragged_free(&ragged);
    msio_plan_free(plan);
}

static void rows_beyond_the_table_are_refused(void **state) {
    (void)state;
    const struct {
        int64_t row, count, step;
        msio_status status;
    } cases[] = {{0, rows, 1, MSIO_OK},           {0, rows + 1, 1, MSIO_E_RANGE},
                 {rows, -1, 1, MSIO_OK},          {rows, 0, 1, MSIO_OK},
                 {rows, 1, 1, MSIO_E_RANGE},      {rows + 1, 0, 1, MSIO_E_RANGE},
                 {-1, 1, 1, MSIO_E_RANGE},        {0, 2, rows - 1, MSIO_OK},
                 {0, 2, rows, MSIO_E_RANGE},      {0, 1, INT64_MAX, MSIO_OK},
                 {0, 2, INT64_MAX, MSIO_E_RANGE}, {1, INT64_MAX, 1, MSIO_E_RANGE},
                 {INT64_MAX, 1, 1, MSIO_E_RANGE}, {0, INT64_MAX, INT64_MAX, MSIO_E_RANGE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        msio_select select = MSIO_SELECT_ALL;
        select.row = cases[i].row;
        select.rows = cases[i].count;
        select.row_step = cases[i].step;
        assert_selection("DATA", &select, cases[i].status);
        assert_selection("TIME", &select, cases[i].status);
    }
}

static void listed_rows_beyond_the_table_are_refused(void **state) {
    (void)state;
    int64_t wrong[] = {-1, rows, INT64_MAX, INT64_MIN};
    for (int i = 0; i < 4; i++) {
        int64_t list[] = {0, 5, wrong[i], 7};
        msio_select select = MSIO_SELECT_ALL;
        select.row_list = list;
        select.rows_in_list = 4;
        assert_selection("DATA", &select, MSIO_E_RANGE);
        assert_selection("TIME", &select, MSIO_E_RANGE);
    }
}

static void steps_below_one_are_refused(void **state) {
    (void)state;
    for (int64_t step = -1; step <= 0; step++)
        for (int k = 0; k < 3; k++) {
            msio_select select = MSIO_SELECT_ALL;
            *(k == 0 ? &select.row_step : k == 1 ? &select.chan_step : &select.corr_step) = step;
            msio_status status = shape_status("DATA", &select);
            assert_true(status == MSIO_E_RANGE || status == MSIO_E_ARGUMENT);
            assert_selection("DATA", &select, status);
        }
}

static void channels_and_correlations_beyond_the_cell_are_refused(void **state) {
    (void)state;
    const struct {
        int64_t chan, chans, chan_step, corr, corrs;
        msio_status status;
    } cases[] = {{0, CHANNELS, 1, 0, CORRS, MSIO_OK},
                 {0, CHANNELS + 1, 1, 0, -1, MSIO_E_RANGE},
                 {CHANNELS, -1, 1, 0, -1, MSIO_OK},
                 {CHANNELS + 1, -1, 1, 0, -1, MSIO_E_RANGE},
                 {-1, 1, 1, 0, -1, MSIO_E_RANGE},
                 {0, -1, 1, 1, 2, MSIO_E_RANGE},
                 {0, -1, 1, -1, 1, MSIO_E_RANGE},
                 {0, 2, CHANNELS, 0, -1, MSIO_E_RANGE},
                 {0, INT64_MAX, INT64_MAX, 0, -1, MSIO_E_RANGE},
                 {1, 2, CHANNELS - 2, 0, -1, MSIO_OK}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        msio_select select = MSIO_SELECT_ALL;
        select.chan = cases[i].chan;
        select.chans = cases[i].chans;
        select.chan_step = cases[i].chan_step;
        select.corr = cases[i].corr;
        select.corrs = cases[i].corrs;
        assert_selection("DATA", &select, cases[i].status);
    }
}

static void an_axis_that_cells_lack_cannot_be_selected(void **state) {
    (void)state;
    msio_select channels = MSIO_SELECT_ALL, correlations = MSIO_SELECT_ALL;
    channels.chan = 1;
    correlations.corr = 1;
    assert_selection("UVW", &channels, MSIO_E_RANGE);
    assert_selection("UVW", &correlations, MSIO_OK);
    assert_selection("TIME", &correlations, MSIO_E_RANGE);
}

static long long kib_of_mapped_files(void) {
    char line[128];
    long long of_disk = -1, of_memory = 0; /* files in /dev/shm are counted as shared memory */
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status)) {
        sscanf(line, "RssFile: %lld", &of_disk);
        sscanf(line, "RssShmem: %lld", &of_memory);
    }
    if (status) fclose(status);
    return of_disk < 0 ? -1 : of_disk + of_memory;
}

/* 29 MB go by; only the batch that is being read may stay. */
static void a_stream_keeps_no_pages_of_files_in_memory(void **state) {
    (void)state;
    char path[96];
    msio_table *large = NULL;
    msio_stream *stream = NULL;
    const msio_batch *batch = NULL;
    const char *name = "DATA";
    msio_stream_opts opts = MSIO_STREAM_OPTS_INIT;
    opts.memory = (size_t)4 << 20;
    opts.read.way = MSIO_WAY_MAPPED;
    snprintf(path, sizeof path, "%s/large.ms", folder);
    assert_int_equal(msio_table_open(path, NULL, &large), MSIO_OK);
    assert_int_equal(msio_stream_open(large, 1, &name, NULL, &opts, &stream), MSIO_OK);
    long long before = kib_of_mapped_files(), most = before;
    size_t bytes = 0;
    msio_status status;
    while ((status = msio_stream_next(stream, &batch)) == MSIO_OK) {
        bytes += batch->arrays[0].bytes;
        most = kib_of_mapped_files() > most ? kib_of_mapped_files() : most;
    }
    assert_int_equal(status, MSIO_END);
    assert_int_equal(bytes, LARGE_BYTES);
    if (before >= 0) assert_true(most - before < 8 << 10);
    msio_stream_close(stream);
    assert_int_equal(msio_table_close(large), MSIO_OK);
}

static void structs_of_another_size_are_refused(void **state) {
    (void)state;
    char out[64];
    msio_select select = MSIO_SELECT_ALL;
    msio_read_opts opts = MSIO_READ_OPTS_INIT;
    msio_open_opts open_opts = MSIO_OPEN_OPTS_INIT;
    msio_stream_opts stream_opts = MSIO_STREAM_OPTS_INIT;
    const char *name = "TIME";
    msio_table *other = NULL;
    msio_stream *stream = NULL;
    msio_table_info info;
    msio_table_describe(table, &info);
    select.struct_size--;
    opts.struct_size = 0;
    open_opts.struct_size++;
    stream_opts.struct_size = 1;
    assert_selection("DATA", &select, MSIO_E_ARGUMENT);
    assert_int_equal(msio_read(column_of("TIME"), NULL, out, sizeof out, &opts), MSIO_E_ARGUMENT);
    assert_int_equal(msio_table_open(info.path, &open_opts, &other), MSIO_E_ARGUMENT);
    assert_int_equal(msio_stream_open(table, 1, &name, NULL, &stream_opts, &stream), MSIO_E_ARGUMENT);
    assert_null(other);
    assert_null(stream);
}

static void memory_that_is_too_small_is_not_written(void **state) {
    (void)state;
    size_t bytes = (size_t)rows * 8;
    unsigned char *out = malloc(bytes), *before = malloc(bytes);
    assert_non_null(out);
    assert_non_null(before);
    memset(out, 0x5a, bytes);
    memset(before, 0x5a, bytes);
    assert_int_equal(msio_read(column_of("TIME"), NULL, out, bytes - 1, NULL), MSIO_E_SIZE);
    assert_int_equal(msio_read(column_of("TIME"), NULL, out, 0, NULL), MSIO_E_SIZE);
    assert_memory_equal(out, before, bytes);
    assert_int_equal(msio_read(column_of("TIME"), NULL, out, bytes, NULL), MSIO_OK);
    free(out);
    free(before);
}

static void more_memory_than_needed_is_left_alone(void **state) {
    (void)state;
    size_t bytes = (size_t)rows * 8;
    unsigned char *out = malloc(bytes + 64);
    assert_non_null(out);
    memset(out, 0x5a, bytes + 64);
    assert_int_equal(msio_read(column_of("TIME"), NULL, out, bytes + 64, NULL), MSIO_OK);
    for (int i = 0; i < 64; i++) assert_int_equal(out[bytes + (size_t)i], 0x5a);
    free(out);
}

static void strings_are_not_dense(void **state) {
    (void)state;
    char path[96], out[64];
    msio_table *antennas = NULL;
    const msio_column *name = NULL;
    snprintf(path, sizeof path, "%s/small.ms::ANTENNA", folder);
    assert_int_equal(msio_table_open(path, NULL, &antennas), MSIO_OK);
    assert_int_equal(msio_table_column(antennas, "NAME", &name), MSIO_OK);
    assert_int_equal(msio_read(name, NULL, out, sizeof out, NULL), MSIO_E_ARGUMENT);
    assert_int_equal(msio_table_close(antennas), MSIO_OK);
}

static void columns_of_two_tables_are_not_read_together(void **state) {
    (void)state;
    msio_table *other = NULL;
    msio_table_info info;
    msio_table_describe(table, &info);
    assert_int_equal(msio_table_open(info.path, NULL, &other), MSIO_OK);
    const msio_column *columns[2] = {column_of("TIME"), NULL};
    assert_int_equal(msio_table_column(other, "TIME", &columns[1]), MSIO_OK);
    double *out = malloc((size_t)rows * 16);
    assert_non_null(out);
    void *outs[] = {out, out + rows};
    size_t bytes[] = {(size_t)rows * 8, (size_t)rows * 8};
    assert_int_equal(msio_read_many(2, columns, NULL, outs, bytes, NULL), MSIO_E_ARGUMENT);
    free(out);
    assert_int_equal(msio_table_close(other), MSIO_OK);
}

/* ---------------------------------------------------------------- nothing is something */

static void no_rows_and_no_channels_succeed_and_write_nothing(void **state) {
    (void)state;
    for (int k = 0; k < 4; k++) {
        unsigned char out[8];
        int64_t none = 0;
        msio_select select = MSIO_SELECT_ALL;
        memset(out, 0x5a, sizeof out);
        if (k == 0) select.rows = 0;
        if (k == 1) select.chans = 0;
        if (k == 2) select.corrs = 0;
        if (k == 3) select.row_list = &none; /* a list without rows */
        assert_int_equal(msio_read(column_of("DATA"), &select, out, sizeof out, NULL), MSIO_OK);
        assert_int_equal(msio_read(column_of("DATA"), &select, NULL, 0, NULL), MSIO_OK);
        for (int i = 0; i < 8; i++) assert_int_equal(out[i], 0x5a);
        msio_array array = {0};
        assert_int_equal(msio_read_new(column_of("DATA"), &select, &array, NULL), MSIO_OK);
        assert_int_equal(array.bytes, 0);
        assert_null(array.data);
        assert_int_equal(array.shape[k == 3 ? 0 : k], 0);
        msio_array_free(&array);
    }
}

static void a_stream_of_no_rows_ends_at_once(void **state) {
    (void)state;
    msio_select select = MSIO_SELECT_ALL;
    const char *name = "DATA";
    const msio_batch *batch = NULL;
    msio_stream *stream = NULL;
    select.rows = 0;
    assert_int_equal(msio_stream_open(table, 1, &name, &select, NULL, &stream), MSIO_OK);
    assert_int_equal(msio_stream_next(stream, &batch), MSIO_END);
    assert_int_equal(msio_stream_next(stream, &batch), MSIO_END);
    msio_stream_close(stream);
}

static void a_plan_counts_what_is_wanted(void **state) {
    (void)state;
    msio_select select = MSIO_SELECT_ALL;
    msio_plan *plan = NULL;
    select.chans = 4;
    assert_int_equal(msio_plan_make(column_of("DATA"), &select, &plan), MSIO_OK);
    const msio_plan_info *info = msio_plan_describe(plan);
    assert_int_equal(info->rows, rows);
    assert_int_equal(info->bytes_wanted, rows * 4 * CORRS * 8);
    assert_true(info->bytes_read >= info->bytes_stored);
    assert_true(info->pieces > 0 && info->reads > 0 && info->files == 1);
    msio_plan_piece piece;
    assert_int_equal(msio_plan_piece_at(plan, 0, &piece), MSIO_OK);
    assert_true(piece.length > 0);
    assert_int_equal(msio_plan_piece_at(plan, info->pieces, &piece), MSIO_E_RANGE);
    assert_int_equal(msio_plan_piece_at(plan, -1, &piece), MSIO_E_RANGE);
    msio_plan_free(plan);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_gives_the_same_bytes),
        cmocka_unit_test(threads_give_the_same_bytes_of_a_large_column),
        cmocka_unit_test(any_number_of_threads_gives_the_same_bytes),
        cmocka_unit_test(a_selection_picks_from_the_whole),
        cmocka_unit_test(several_columns_at_once_are_what_each_is_alone),
        cmocka_unit_test(progress_rises),
        cmocka_unit_test(progress_can_cancel),
        cmocka_unit_test(rows_beyond_the_table_are_refused),
        cmocka_unit_test(listed_rows_beyond_the_table_are_refused),
        cmocka_unit_test(steps_below_one_are_refused),
        cmocka_unit_test(channels_and_correlations_beyond_the_cell_are_refused),
        cmocka_unit_test(an_axis_that_cells_lack_cannot_be_selected),
        cmocka_unit_test(structs_of_another_size_are_refused),
        cmocka_unit_test(memory_that_is_too_small_is_not_written),
        cmocka_unit_test(more_memory_than_needed_is_left_alone),
        cmocka_unit_test(strings_are_not_dense),
        cmocka_unit_test(columns_of_two_tables_are_not_read_together),
        cmocka_unit_test(no_rows_and_no_channels_succeed_and_write_nothing),
        cmocka_unit_test(a_stream_of_no_rows_ends_at_once),
        cmocka_unit_test(a_stream_keeps_no_pages_of_files_in_memory),
        cmocka_unit_test(a_plan_counts_what_is_wanted),
    };
    return cmocka_run_group_tests(tests, start, finish);
}
