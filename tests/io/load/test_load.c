/* test_load.c - loading of subbands: what is read, what memory it takes, threads, fork, files that change. Values are
 * compared with h5py's in tests/oracle/test_load.py. */
#include "msio/load.h"

#include "tests/fuzz/table_pack.h"
#include "tests/sanitized.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define ANTENNAS 64
#define TIMES 6
#define SUBBANDS 8
#define CHANNELS 16
#define POLS 2
#define BASELINES (ANTENNAS * (ANTENNAS + 1) / 2)

static char folder[64], dir[80];
static msio_groups *groups;
static const msio_group *group;
static msio_subbands whole;

static int start(void **state) {
    (void)state;
    msio_simulate_uvh5_opts opts = MSIO_SIMULATE_UVH5_OPTS_INIT;
    msio_group_opts g = MSIO_GROUP_OPTS_INIT;
    opts.antennas = ANTENNAS;
    opts.times = TIMES;
    opts.subbands = g.subbands = SUBBANDS;
    opts.channels = CHANNELS;
    if (!pack_make_folder(folder)) return -1;
    snprintf(dir, sizeof dir, "%s/group", folder);
    if (msio_simulate_uvh5(dir, &opts) != MSIO_OK) {
        pack_remove(folder);
        printf("skipped: no group can be made: %s\n", msio_last_error()->message);
        exit(77);
    }
    if (msio_group_find(1, (const char *[]){dir}, &g, &groups) != MSIO_OK || groups->groups != 1) return -1;
    group = &groups->group[0];
    return msio_load(group, MSIO_LOAD_ALL, NULL, &whole) == MSIO_OK ? 0 : -1;
}

static int finish(void **state) {
    (void)state;
    msio_subbands_free(&whole);
    msio_groups_free(groups);
    pack_remove(folder);
    return 0;
}

static void assert_same(const msio_subbands *a, const msio_subbands *b) {
    assert_int_equal(a->visdata_bytes, b->visdata_bytes);
    assert_memory_equal(a->visdata, b->visdata, a->visdata_bytes);
    assert_memory_equal(a->flags, b->flags, a->flags_bytes);
    assert_memory_equal(a->nsamples, b->nsamples, a->nsamples_bytes);
    assert_memory_equal(a->frequencies, b->frequencies, (size_t)a->channels * sizeof *a->frequencies);
}

/* ---------------------------------------------------------------- what is there */

static void the_shape_and_what_comes_with_it(void **state) {
    (void)state;
    assert_int_equal(whole.ndim, 3);
    assert_int_equal(whole.shape[0], BASELINES * TIMES);
    assert_int_equal(whole.shape[1], SUBBANDS * CHANNELS);
    assert_int_equal(whole.shape[2], POLS);
    assert_int_equal(whole.subbands, SUBBANDS);
    assert_int_equal(whole.subband[0].number, SUBBANDS - 1); /* the first one has the highest frequencies */
    for (int64_t i = 1; i < whole.channels; i++) assert_true(whole.frequencies[i] > whole.frequencies[i - 1]);
    assert_string_equal(whole.phase_type, "drift");
    assert_non_null(whole.header);
    assert_int_equal(whole.header->nblts, whole.rows);
}

static void the_library_gives_the_same(void **state) {
    (void)state;
    msio_load_opts opts = MSIO_LOAD_OPTS_INIT;
    msio_subbands other;
    opts.native = MSIO_NATIVE_NO;
    assert_int_equal(msio_load(group, MSIO_LOAD_ALL, &opts, &other), MSIO_OK);
    assert_same(&whole, &other);
    msio_subbands_free(&other);
}

static void the_callers_memory_is_used_and_must_be_large_enough(void **state) {
    (void)state;
    msio_load_opts opts = MSIO_LOAD_OPTS_INIT;
    msio_subbands other;
    opts.visdata = malloc(whole.visdata_bytes);
    opts.visdata_bytes = whole.visdata_bytes;
    assert_int_equal(msio_load(group, MSIO_VISDATA, &opts, &other), MSIO_OK);
    assert_ptr_equal(other.visdata, opts.visdata);
    assert_null(other.flags);
    assert_memory_equal(opts.visdata, whole.visdata, whole.visdata_bytes);
    msio_subbands_free(&other);
    opts.visdata_bytes--;
    assert_int_equal(msio_load(group, MSIO_VISDATA, &opts, &other), MSIO_E_SIZE);
    free(opts.visdata);
}

/* The files' channels descend from the first file to the last: as stored is then just the other way round. */
static void channels_may_stay_as_they_are_stored(void **state) {
    (void)state;
    msio_load_opts opts = MSIO_LOAD_OPTS_INIT;
    msio_subbands stored;
    opts.channel_order = MSIO_CHANNELS_STORED;
    assert_int_equal(msio_load(group, MSIO_LOAD_ALL, &opts, &stored), MSIO_OK);
    assert_int_equal(stored.subband[0].number, 0);
    for (int64_t i = 0; i < whole.channels; i++)
        assert_true(stored.frequencies[i] == whole.frequencies[whole.channels - 1 - i]);
    for (int64_t row = 0; row < whole.rows; row++)
        for (int64_t i = 0; i < whole.channels; i++) {
            int64_t ours = (row * whole.channels + i) * POLS;
            int64_t theirs = (row * whole.channels + whole.channels - 1 - i) * POLS;
            assert_memory_equal((float *)stored.visdata + 2 * ours, (float *)whole.visdata + 2 * theirs, 8 * POLS);
            assert_memory_equal(stored.nsamples + ours, whole.nsamples + theirs, sizeof(float) * POLS);
        }
    msio_subbands_free(&stored);
    opts.channel_order = (msio_load_channels)2;
    assert_int_equal(msio_load(group, MSIO_LOAD_ALL, &opts, &stored), MSIO_E_ARGUMENT);
}

/* ---------------------------------------------------------------- what is read */

/* Bytes that this process asked the system to read so far; -1: it does not tell. */
static long long bytes_read(void) {
    FILE *f = fopen("/proc/self/io", "r");
    long long n = -1;
    if (f && fscanf(f, "rchar: %lld", &n) != 1) n = -1;
    if (f) fclose(f);
    return n;
}

static long long load_and_count(unsigned what, const msio_load_opts *opts) {
    msio_subbands s;
    long long before = bytes_read();
    assert_int_equal(msio_load(group, what, opts, &s), MSIO_OK);
    long long read = bytes_read() - before;
    msio_subbands_free(&s);
    return read;
}

static void a_part_is_read_in_proportion(void **state) {
    (void)state;
    if (bytes_read() < 0) skip();
    const int32_t wanted[] = {1, 2, 5, 7};
    msio_load_opts opts = MSIO_LOAD_OPTS_INIT;
    opts.subband_list = wanted;
    opts.subbands_in_list = 4;
    opts.rows = 0; /* all is opened and compared, nothing is read */
    long long comparing_all = load_and_count(MSIO_LOAD_ALL, &opts);
    opts.rows = 1;
    long long opening = load_and_count(MSIO_LOAD_ALL, &opts);
    assert_true(opening < comparing_all);
    opts.rows = -1;
    opts.time = 3;
    opts.times = 1;
    long long part = load_and_count(MSIO_LOAD_ALL, &opts) - opening;
    long long asked = (long long)BASELINES * 4 * CHANNELS * POLS * (8 + 1 + 4);
    assert_true(part >= asked - asked / BASELINES);
    assert_true(part <= asked + asked / 3);
}

/* ---------------------------------------------------------------- memory */

#if !defined(SANITIZED) && defined(__linux__)

static long long status_kib(const char *name) {
    FILE *f = fopen("/proc/self/status", "r");
    char line[256];
    long long kib = -1;
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, name, strlen(name)) == 0) kib = strtoll(line + strlen(name), NULL, 10);
    if (f) fclose(f);
    return kib;
}

/* In a process of its own, whose peak nothing else has raised. */
static int load_within(long long limit_kib) {
    msio_load_opts opts = MSIO_LOAD_OPTS_INIT;
    msio_subbands s;
    opts.visdata = malloc(opts.visdata_bytes = whole.visdata_bytes);
    opts.flags = malloc(opts.flags_bytes = whole.flags_bytes);
    opts.nsamples = malloc(opts.nsamples_bytes = whole.nsamples_bytes);
    memset(opts.visdata, 1, opts.visdata_bytes);
    memset(opts.flags, 1, opts.flags_bytes);
    memset(opts.nsamples, 1, opts.nsamples_bytes);
    FILE *f = fopen("/proc/self/clear_refs", "w");
    if (!f || fputs("5", f) < 0 || fclose(f) != 0) return 2;
    long long before = status_kib("VmRSS:");
    if (msio_load(group, MSIO_LOAD_ALL, &opts, &s) != MSIO_OK) return 3;
    return status_kib("VmHWM:") - before <= limit_kib ? 0 : 4;
}

static void memory_beside_the_result_is_bounded(void **state) {
    (void)state;
    int status;
    pid_t child = fork();
    if (child == 0) _exit(load_within(64 << 10));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 2) skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

#else

static void memory_beside_the_result_is_bounded(void **state) {
    (void)state;
    skip(); /* a sanitizer's memory would be measured */
}

#endif

static void a_small_limit_plans_in_small_batches_or_refuses(void **state) {
    (void)state;
    msio_load_opts opts = MSIO_LOAD_OPTS_INIT;
    msio_subbands other;
    opts.memory = (size_t)1 << 20;
    assert_int_equal(msio_load(group, MSIO_LOAD_ALL, &opts, &other), MSIO_E_SIZE);
    long long needed = 0;
    assert_int_equal(sscanf(msio_last_error()->message, "loading takes about %lld bytes", &needed), 1);
    opts.memory = (size_t)needed;
    assert_int_equal(msio_load(group, MSIO_LOAD_ALL, &opts, &other), MSIO_OK);
    assert_same(&whole, &other);
    msio_subbands_free(&other);
}

/* ---------------------------------------------------------------- threads, fork */

static void *load_alone(void *user) {
    msio_status *status = user;
    msio_load_opts opts = MSIO_LOAD_OPTS_INIT;
    msio_subbands other;
    opts.read.threads = 2;
    *status = msio_load(group, MSIO_LOAD_ALL, &opts, &other);
    if (*status) return NULL;
    if (memcmp(other.visdata, whole.visdata, whole.visdata_bytes) != 0) *status = MSIO_E_FORMAT;
    msio_subbands_free(&other);
    return NULL;
}

static void several_threads_load_at_once(void **state) {
    (void)state;
    pthread_t thread[4];
    msio_status status[4];
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&thread[i], NULL, load_alone, &status[i]), 0);
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_join(thread[i], NULL), 0);
    for (int i = 0; i < 4; i++) assert_int_equal(status[i], MSIO_OK);
}

static void a_forked_child_loads(void **state) {
    (void)state;
    int status;
    msio_status loaded = MSIO_E_IO;
    pid_t child = fork();
    if (child == 0) {
        load_alone(&loaded);
        _exit(loaded == MSIO_OK ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---------------------------------------------------------------- stopping, changing */

static int stop(void *user, int64_t done, int64_t total) {
    (void)user, (void)done, (void)total;
    return 1;
}

static void progress_can_stop_it(void **state) {
    (void)state;
    msio_load_opts opts = MSIO_LOAD_OPTS_INIT;
    msio_subbands other;
    opts.read.progress = stop;
    opts.read.threads = 1;
    assert_int_equal(msio_load(group, MSIO_LOAD_ALL, &opts, &other), MSIO_E_CANCELLED);
}

static void a_file_written_meanwhile_is_told(void **state) {
    (void)state;
    msio_load_stream *stream;
    const msio_subbands *batch;
    assert_int_equal(msio_load_stream_open(group, MSIO_FLAGS, NULL, BASELINES, &stream), MSIO_OK);
    assert_int_equal(msio_load_stream_next(stream, &batch, NULL), MSIO_OK);
    const struct timespec times[2] = {{1, 0}, {1, 0}};
    assert_int_equal(utimensat(AT_FDCWD, group->file[3].path, times, 0), 0);
    msio_status status = MSIO_OK;
    while (status == MSIO_OK) status = msio_load_stream_next(stream, &batch, NULL);
    assert_int_equal(status, MSIO_E_CHANGED);
    assert_string_equal(msio_last_error()->path, group->file[3].path);
    msio_load_stream_close(stream);
}

/* Before it begins, and then in another layout than the options'. */
static void a_stream_tells_what_it_will_read(void **state) {
    (void)state;
    msio_load_stream *stream;
    const msio_subbands *told, *batch;
    const size_t cell = sizeof(float[2]) * POLS, row = CHANNELS * cell;
    int64_t first, rows = 0;
    assert_int_equal(msio_load_stream_open(group, MSIO_VISDATA, NULL, 2 * BASELINES, &stream), MSIO_OK);
    assert_int_equal(msio_load_stream_describe(stream, &told), MSIO_OK);
    assert_int_equal(told->rows, whole.rows);
    assert_int_equal(told->subbands, SUBBANDS);
    assert_null(told->visdata);
    assert_memory_equal(told->times, whole.times, (size_t)whole.rows * sizeof *whole.times);
    assert_memory_equal(told->frequencies, whole.frequencies, (size_t)whole.channels * sizeof *whole.frequencies);
    assert_int_equal(msio_load_stream_begin(stream, (msio_load_layout)2, 0), MSIO_E_ARGUMENT);
    assert_int_equal(msio_load_stream_begin(stream, MSIO_SUBBAND_ROW_CHAN_POL, -1), MSIO_E_ARGUMENT);
    assert_int_equal(msio_load_stream_begin(stream, MSIO_SUBBAND_ROW_CHAN_POL, 1), MSIO_OK);
    assert_int_equal(msio_load_stream_begin(stream, MSIO_ROW_CHAN_POL, 1), MSIO_E_ARGUMENT);
    while (msio_load_stream_next(stream, &batch, &first) == MSIO_OK) {
        assert_int_equal(first, rows);
        assert_int_equal(batch->ndim, 4);
        for (int64_t s = 0; s < SUBBANDS; s++)
            for (int64_t r = 0; r < batch->rows; r++)
                assert_memory_equal((const char *)batch->visdata + (size_t)(s * batch->rows + r) * row,
                                    (const char *)whole.visdata + (size_t)((first + r) * SUBBANDS + s) * row, row);
        rows += batch->rows;
    }
    assert_int_equal(rows, whole.rows);
    assert_int_equal(told->antennas, whole.antennas);
    assert_int_equal(msio_load_stream_begin(stream, MSIO_ROW_CHAN_POL, 1), MSIO_E_ARGUMENT);
    msio_load_stream_close(stream);
}

static void a_stream_may_be_closed_at_any_time(void **state) {
    (void)state;
    for (int batches = 0; batches < 3; batches++) {
        msio_load_stream *stream;
        const msio_subbands *batch;
        assert_int_equal(msio_load_stream_open(group, MSIO_LOAD_ALL, NULL, BASELINES, &stream), MSIO_OK);
        for (int i = 0; i < batches; i++) assert_int_equal(msio_load_stream_next(stream, &batch, NULL), MSIO_OK);
        msio_load_stream_close(stream);
    }
}

static void wrong_arguments(void **state) {
    (void)state;
    msio_load_opts opts = MSIO_LOAD_OPTS_INIT;
    msio_subbands other;
    assert_int_equal(msio_load(NULL, MSIO_LOAD_ALL, NULL, &other), MSIO_E_ARGUMENT);
    assert_int_equal(msio_load(group, 8, NULL, &other), MSIO_E_ARGUMENT);
    assert_int_equal(msio_load(group, MSIO_LOAD_ALL, NULL, NULL), MSIO_E_ARGUMENT);
    assert_int_equal(msio_load_paths(0, NULL, MSIO_LOAD_ALL, NULL, &other), MSIO_E_ARGUMENT);
    opts.struct_size--;
    assert_int_equal(msio_load(group, MSIO_LOAD_ALL, &opts, &other), MSIO_E_ARGUMENT);
    opts = (msio_load_opts)MSIO_LOAD_OPTS_INIT;
    opts.visdata_type = MSIO_FLOAT;
    assert_int_equal(msio_load(group, MSIO_LOAD_ALL, &opts, &other), MSIO_E_ARGUMENT);
    opts = (msio_load_opts)MSIO_LOAD_OPTS_INIT;
    opts.subband_list = (const int32_t[]){SUBBANDS};
    opts.subbands_in_list = 1;
    assert_int_equal(msio_load(group, MSIO_LOAD_ALL, &opts, &other), MSIO_E_RANGE);
    msio_subbands_free(NULL);
    msio_load_report_free(NULL);
    msio_load_stream_close(NULL);
}

static void a_report_lists_what_differs(void **state) {
    (void)state;
    msio_load_report *report;
    assert_int_equal(msio_load_check(group, NULL, &report), MSIO_OK);
    assert_int_equal(report->differences, 0);
    msio_load_report_free(report);
    const char *const paths[] = {group->file[0].path, group->file[2].path, group->file[2].path};
    assert_int_equal(msio_load_check_paths(3, paths, NULL, &report), MSIO_OK);
    assert_int_equal(report->differences, 2); /* a gap, and the same one twice */
    int harmless = 0;
    for (int i = 0; i < 2; i++) harmless += report->difference[i].harmless;
    assert_int_equal(harmless, 1);
    msio_load_report_free(report);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shape_and_what_comes_with_it),
        cmocka_unit_test(the_library_gives_the_same),
        cmocka_unit_test(the_callers_memory_is_used_and_must_be_large_enough),
        cmocka_unit_test(channels_may_stay_as_they_are_stored),
        cmocka_unit_test(a_part_is_read_in_proportion),
        cmocka_unit_test(memory_beside_the_result_is_bounded),
        cmocka_unit_test(a_small_limit_plans_in_small_batches_or_refuses),
        cmocka_unit_test(several_threads_load_at_once),
        cmocka_unit_test(a_forked_child_loads),
        cmocka_unit_test(progress_can_stop_it),
        cmocka_unit_test(a_stream_tells_what_it_will_read),
        cmocka_unit_test(a_stream_may_be_closed_at_any_time),
        cmocka_unit_test(wrong_arguments),
        cmocka_unit_test(a_report_lists_what_differs),
        cmocka_unit_test(a_file_written_meanwhile_is_told), /* last: it leaves a file changed */
    };
    return cmocka_run_group_tests(tests, start, finish);
}
