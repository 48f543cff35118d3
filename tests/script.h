/* script.h - for tests: the Python that the build names, and the scripts of tests/ run by it. */
#ifndef MSIO_TESTS_SCRIPT_H
#define MSIO_TESTS_SCRIPT_H

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* A Python with numpy, casacore and h5py, if the machine has one. */
static inline const char *test_python(void) {
    const char *program = getenv("MSIO_PYTHON");
    return program ? program : "/usr/bin/python3";
}

/* Runs a script (its path below tests/) with arguments, which a shell divides; returns what system() does. */
__attribute__((format(printf, 2, 3))) static inline int test_script(const char *script, const char *arguments, ...) {
    char words[2 * PATH_MAX], command[4 * PATH_MAX];
    va_list values;
    va_start(values, arguments);
    vsnprintf(words, sizeof words, arguments, values);
    va_end(values);
    snprintf(command, sizeof command, "%s '%s/%s' %s", test_python(), MSIO_TESTS, script, words);
    return system(command);
}

#endif
