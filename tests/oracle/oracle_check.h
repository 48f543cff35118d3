// oracle_check.h - checks of programs that fork: they print where they failed and are counted.
#ifndef MSIO_TESTS_ORACLE_CHECK_H
#define MSIO_TESTS_ORACLE_CHECK_H

#include "msio/io.h"

#include <cstdarg>
#include <cstdio>

namespace oracle {

inline int failures = 0;

__attribute__((format(printf, 2, 3))) inline bool check(bool good, const char *format, ...) {
    if (good) return true;
    failures++;
    std::printf("FAILED: ");
    va_list args;
    va_start(args, format);
    std::vprintf(format, args);
    va_end(args);
    std::putchar('\n');
    std::fflush(stdout);
    return false;
}

// Whether an msio call went well; else its error is printed.
inline bool well(msio_status status, const char *what) {
    return check(status == MSIO_OK, "%s: %s %s", what, msio_status_name(status),
                 status ? msio_last_error()->message : "");
}

inline msio_table *open_table(const char *path, double lock_seconds) {
    msio_open_opts opts = MSIO_OPEN_OPTS_INIT;
    opts.lock_seconds = lock_seconds;
    msio_table *table = nullptr;
    well(msio_table_open(path, &opts, &table), "opening");
    return table;
}

} // namespace oracle
#endif
