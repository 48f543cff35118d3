/* uvh5_cases.h - the files that uvh5_cases.py writes, for tests of UVH5. */
#ifndef MSIO_TESTS_UVH5_CASES_H
#define MSIO_TESTS_UVH5_CASES_H

#include "msio/hdf5.h"

#include "tests/fuzz/table_pack.h"
#include "tests/script.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static char cases_folder[64];

/* Runs uvh5_cases.py with the given arguments; 0 is well. */
static inline int cases_python(const char *arguments) { return test_script("io/uvh5/uvh5_cases.py", "%s", arguments); }

/* Makes cases_folder, and in it one sound file of 30 rows. Ends the program as a skipped one, saying why, without h5py
 * or the HDF5 module. False: no folder. */
static inline bool cases_begin(void) {
    char arguments[256], sound[96];
    msio_hdf5 *file = NULL;
    if (!pack_make_folder(cases_folder)) return false;
    snprintf(sound, sizeof sound, "%s/sound.uvh5", cases_folder);
    snprintf(arguments, sizeof arguments, "--make %s latitude 1.5", sound);
    if (cases_python(arguments) != 0) {
        printf("skipped: no Python with h5py and numpy\n");
    } else if (msio_hdf5_open(sound, NULL, &file) == MSIO_E_UNSUPPORTED) {
        printf("skipped: %s\n", msio_last_error()->message);
    } else {
        msio_hdf5_close(file);
        return true;
    }
    pack_remove(cases_folder);
    exit(77);
}

/* The same, with all cases. */
static inline int cases_make(void **state) {
    char arguments[512];
    const char *data = getenv("MSIO_TEST_DATA");
    (void)state;
    if (!cases_begin()) return -1;
    snprintf(arguments, sizeof arguments, "%s %s", cases_folder, data ? data : "");
    return cases_python(arguments);
}

static inline int cases_remove(void **state) {
    (void)state;
    pack_remove(cases_folder);
    return 0;
}

/* A line of a list: parts separated by tabs. */
typedef struct case_line {
    char text[2048];
    int parts;
    char *part[16];
} case_line;

/* Calls `check` with every line of a list, and makes sure that there were some. */
static inline void cases_each(const char *list, void (*check)(const case_line *line)) {
    char path[128];
    case_line line;
    int lines = 0;
    snprintf(path, sizeof path, "%s/%s", cases_folder, list);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    while (fgets(line.text, sizeof line.text, in)) {
        line.text[strcspn(line.text, "\n")] = '\0';
        line.parts = 0;
        for (char *at = line.text; at && line.parts < 16; line.parts++) {
            line.part[line.parts] = strsep(&at, "\t");
        }
        check(&line);
        lines++;
    }
    fclose(in);
    assert_true(lines > 10);
}

/* What Python expects of a file: base.kind, to be freed. */
static inline char *cases_expected(const char *base, const char *kind) {
    char path[128];
    snprintf(path, sizeof path, "%s.%s", base, kind);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    char *text = NULL;
    size_t size = 0;
    if (getdelim(&text, &size, '\0', in) < 0) *text = '\0';
    fclose(in);
    return text;
}

/* Compares two texts line by line, and says where they differ. */
static inline void cases_compare(const char *path, const char *found, const char *expected) {
    for (;;) {
        size_t a = strcspn(found, "\n"), b = strcspn(expected, "\n");
        if (a != b || memcmp(found, expected, a) != 0)
            fail_msg("%s\n   found: %.*s\nexpected: %.*s", path, (int)(a < 600 ? a : 600), found,
                     (int)(b < 600 ? b : 600), expected);
        if (!found[a] && !expected[b]) return;
        assert_true(found[a] && expected[b]);
        found += a + 1;
        expected += b + 1;
    }
}

#endif
