/* casacore_script.h - for tests whose oracle is casacore in a Python process. */
#ifndef MSIO_TESTS_CASACORE_SCRIPT_H
#define MSIO_TESTS_CASACORE_SCRIPT_H

#include "tests/script.h"

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Runs Python with casacore.tables as ct, numpy as np, os and sys, and what `names` sets: "path = '...'". The script
 * stands in folder. 0 is well. */
static inline int casacore_script(const char *folder, const char *names, const char *script) {
    char file[PATH_MAX], command[2 * PATH_MAX];
    snprintf(file, sizeof file, "%s/script.py", folder);
    FILE *out = fopen(file, "w");
    assert_non_null(out);
    fprintf(out, "import casacore.tables as ct, numpy as np, os, sys\n%s\n%s\n", names, script);
    assert_int_equal(fclose(out), 0);
    snprintf(command, sizeof command, "%s %s", test_python(), file);
    return system(command);
}

#endif
