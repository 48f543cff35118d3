/* test_file_size.c - what HDF5 and casacore write for us, beyond the size that the process may write: an error, nothing
 * left, and the process's own SIGXFSZ handler neither changed nor called. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "io/hdf5_module/hdf5_module.h"
#include "msio/io.h"
#include "msio/load.h"

#include "tests/entries.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/msio-test-file-size-XXXXXX";
static volatile sig_atomic_t called;

static void count(int number) {
    (void)number;
    called++;
}

static void limit_size(rlim_t most) {
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = most == RLIM_INFINITY ? limit.rlim_max : most;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void unharmed(void) {
    struct sigaction there;
    sigset_t mask;
    assert_int_equal(called, 0);
    sigaction(SIGXFSZ, NULL, &there);
    assert_true(there.sa_handler == count);
    sigpending(&mask);
    assert_int_equal(sigismember(&mask, SIGXFSZ), 0);
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    assert_int_equal(sigismember(&mask, SIGXFSZ), 0);
}

static void hdf5_writes(void **state) {
    char path[128];
    const int64_t zero[MSIO_MAX_NDIM] = {0}, n[MSIO_MAX_NDIM] = {200000};
    msio_h5_file *file = NULL;
    msio_h5_dataset *dataset = NULL;
    (void)state;
    snprintf(path, sizeof path, "%s/x.h5", folder);
    double *values = calloc(200000, sizeof *values);
    assert_non_null(values);
    if (msio_h5_create(path, &file) == MSIO_E_UNSUPPORTED) {
        free(values);
        skip();
    }
    const msio_h5_spec spec = {.name = "x", .type = MSIO_DOUBLE, .ndim = 1, .shape = {200000}};
    assert_int_equal(msio_h5_make(file, path, &spec, &dataset), MSIO_OK);
    limit_size(100000);
    msio_status status = msio_h5_write(dataset, path, zero, n, values);
    if (!status) status = msio_h5_flush(file, path);
    limit_size(RLIM_INFINITY);
    assert_int_equal(status, MSIO_E_IO);
    unharmed();
    msio_h5_dataset_close(dataset);
    msio_h5_close(file);
    unharmed();
    unlink(path);
    free(values);
}

static void casacore_writes(void **state) {
    char path[128];
    msio_simulate_ms_opts opts = MSIO_SIMULATE_MS_OPTS_INIT;
    (void)state;
    opts.antennas = 12;
    opts.times = 4;
    opts.subbands = 2;
    snprintf(path, sizeof path, "%s/x.ms", folder);
    for (rlim_t most = 4096; most <= 400000; most *= 3) {
        limit_size(most);
        msio_status status = msio_simulate_ms(path, &opts);
        limit_size(RLIM_INFINITY);
        if (status == MSIO_E_CASACORE && strstr(msio_last_error()->message, "install")) skip();
        assert_int_not_equal(status, MSIO_OK);
        assert_int_equal(entries_of(folder), 0);
        unharmed();
    }
    assert_int_equal(msio_simulate_ms(path, &opts), MSIO_OK); /* casacore is as well as before */
    assert_int_equal(entries_of(folder), 1);
}

static int begin(void **state) {
    (void)state;
    signal(SIGXFSZ, count);
    return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state) {
    char command[160];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hdf5_writes),
        cmocka_unit_test(casacore_writes),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
