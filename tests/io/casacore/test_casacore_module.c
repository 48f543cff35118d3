/* test_casacore_module.c - the casacore module: loading it, and what it makes and reads. */
#include "core/error.h"
#include "io/casacore/casacore_module.h"
#include "msio/io.h"

#include "tests/fuzz/table_pack.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ROWS 20
#define CHANS 5
#define CORRS 3

static char folder[] = "/tmp/msio-casacore-XXXXXX";
static char path[256];

/* ---------------------------------------------------------------- a table of known values */

static float cube_value(int64_t row, int64_t chan, int64_t corr) { return (float)(row * 100 + chan * 10 + corr); }

static void put_cubes(msio_casa_table *table) {
    static const int64_t shape[2] = {CHANS, CORRS};
    float values[ROWS][CHANS][CORRS];
    uint8_t flags[ROWS][CHANS][CORRS];
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < CHANS; c++)
            for (int p = 0; p < CORRS; p++) {
                values[r][c][p] = cube_value(r, c, p);
                flags[r][c][p] = (r + c + p) % 3 == 0;
            }
    assert_int_equal(msio_casa_shape(table, "CUBE", 0, ROWS, 2, shape), MSIO_OK);
    assert_int_equal(msio_casa_put(table, "CUBE", 0, ROWS, 2, shape, values), MSIO_OK);
    assert_int_equal(msio_casa_put(table, "FLAG", 0, ROWS, 2, shape, flags), MSIO_OK);
}

/* VARY: row r has r % 4 elements of 10 r + i; every fifth row was never written. TEXT: "t0", ... */
static void put_others(msio_casa_table *table) {
    for (int64_t r = 0; r < ROWS; r++) {
        const int64_t n = r % 4;
        const int32_t values[3] = {(int32_t)(10 * r), (int32_t)(10 * r + 1), (int32_t)(10 * r + 2)};
        char text[16];
        const char *texts[2] = {text, ""};
        const int64_t two = 2, number = r * ((int64_t)1 << 40);
        snprintf(text, sizeof text, "t%d", (int)r);
        if (r % 5 != 4) assert_int_equal(msio_casa_put(table, "VARY", r, 1, 1, &n, values), MSIO_OK);
        assert_int_equal(msio_casa_put_strings(table, "TEXT", r, 1, 0, NULL, texts), MSIO_OK);
        assert_int_equal(msio_casa_put_strings(table, "TEXTS", r, 1, 1, &two, texts), MSIO_OK);
        assert_int_equal(msio_casa_put(table, "NUMBER", r, 1, 0, NULL, &number), MSIO_OK);
    }
}

static msio_status make_table(const char *where, int64_t rows, msio_casa_table **table) {
    static const msio_casa_manager_spec managers[] = {
        {.type = "TiledShapeStMan", .name = "cubes", .tile_ndim = 3, .tile = {7, 2, 3}, .hypercolumn = 1},
        {.type = "StandardStMan", .name = "others"},
    };
    static const msio_casa_column_spec columns[] = {
        {.name = "CUBE", .comment = "a cube", .type = MSIO_FLOAT, .ndim = 2, .manager = 0},
        {.name = "FLAG", .type = MSIO_BOOL, .ndim = 2, .fixed_shape = 1, .shape = {CHANS, CORRS}, .manager = 1},
        {.name = "VARY", .type = MSIO_INT, .ndim = -1, .manager = 1},
        {.name = "TEXT", .type = MSIO_STRING, .manager = 1},
        {.name = "TEXTS", .type = MSIO_STRING, .ndim = 1, .manager = 1},
        {.name = "NUMBER", .type = MSIO_INT64, .manager = 1},
    };
    const msio_casa_table_spec spec = {
        .type = "test", .rows = rows, .managers = 2, .manager = managers, .columns = 6, .column = columns};
    return msio_casa_create(where, &spec, table);
}

static int make_known_table(void **state) {
    (void)state;
    msio_casa_table *table = NULL;
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/table", folder);
    if (make_table(path, ROWS, &table) != MSIO_OK) return -1;
    put_cubes(table);
    put_others(table);
    msio_status status = msio_casa_flush(table);
    msio_casa_close(table);
    return status == MSIO_OK ? 0 : -1;
}

static int remove_known_table(void **state) {
    (void)state;
    pack_remove(folder);
    return 0;
}

static int open_known_table(void **state) {
    return msio_casa_open(path, (msio_casa_table **)state) == MSIO_OK ? 0 : -1;
}

static int close_known_table(void **state) {
    msio_casa_close(*state);
    return 0;
}

/* ---------------------------------------------------------------- loading */

/* Loads the module that the environment names, in a process of its own; returns the child's exit code. */
static int load_in_child(const char *module, const char *expected) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        setenv("MSIO_CASACORE_MODULE", module, 1);
        int code = msio_casacore_load() == MSIO_E_CASACORE && strstr(msio_last_error()->message, expected) &&
                           !msio_casacore_version()
                       ? 0
                       : 1;
        _exit(code);
    }
    int status = -1;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int loading_failures; /* noted before this process loads the module */

static void a_missing_module_says_what_to_install(void **state) {
    (void)state;
    assert_int_equal(loading_failures & 1, 0);
}

static void another_library_is_not_taken_for_the_module(void **state) {
    (void)state;
    assert_int_equal(loading_failures & 2, 0);
}

static void version_is_told_once_loaded(void **state) {
    (void)state;
    assert_non_null(msio_casacore_version());
    assert_int_equal(msio_casacore_version()[1], '.');
}

/* ---------------------------------------------------------------- describing */

static void columns_are_described(void **state) {
    msio_casa_table *table = *state;
    msio_casa_column_info info;
    assert_int_equal(msio_casa_rows(table), ROWS);
    assert_int_equal(msio_casa_columns(table), 6);
    assert_int_equal(msio_casa_column(table, 0, &info), MSIO_OK);
    assert_string_equal(info.name, "CUBE");
    assert_string_equal(info.comment, "a cube");
    assert_string_equal(info.manager, "TiledShapeStMan");
    assert_string_equal(info.manager_name, "cubes");
    assert_int_equal(info.type, MSIO_FLOAT);
    assert_int_equal(info.ndim, 2);
    assert_int_equal(info.fixed_shape, 0);
    assert_int_equal(msio_casa_column(table, 1, &info), MSIO_OK);
    assert_int_equal(info.fixed_shape, 1);
    assert_int_equal(info.shape[0], CHANS);
    assert_int_equal(info.shape[1], CORRS);
    assert_int_equal(msio_casa_column(table, 6, &info), MSIO_E_RANGE);
    assert_int_equal(msio_casa_readable(table, "VARY"), MSIO_OK);
    assert_int_equal(msio_casa_readable(table, "NONE"), MSIO_E_NO_COLUMN);
}

static void shapes_tell_what_was_never_written(void **state) {
    const msio_casa_row_set all = {0, 1, ROWS, NULL};
    int8_t ndims[ROWS];
    int64_t shapes[ROWS][MSIO_MAX_NDIM];
    assert_int_equal(msio_casa_shapes(*state, "VARY", &all, ndims, shapes), MSIO_OK);
    for (int r = 0; r < ROWS; r++) {
        assert_int_equal(ndims[r], r % 5 == 4 ? -1 : 1);
        if (r % 5 != 4) assert_int_equal(shapes[r][0], r % 4);
    }
}

/* ---------------------------------------------------------------- dense reads */

static void a_part_of_strided_rows_is_read(void **state) {
    const msio_casa_row_set rows = {2, 3, 5, NULL};
    const msio_casa_part part = {1, 2, 2, 2, -1, 1};
    float out[5][2][1];
    int64_t bad = 7;
    assert_int_equal(msio_casa_read(*state, "CUBE", &rows, &part, NULL, out, sizeof out, &bad), MSIO_OK);
    assert_int_equal(bad, -1);
    for (int r = 0; r < 5; r++)
        for (int c = 0; c < 2; c++) assert_true(out[r][c][0] == cube_value(2 + 3 * r, 1 + 2 * c, 2));
}

static void listed_rows_come_in_their_order(void **state) {
    static const int64_t list[] = {19, 0, 7, 7};
    const msio_casa_row_set rows = {0, 1, 4, list};
    float out[4][CHANS][CORRS];
    int64_t numbers[4];
    assert_int_equal(msio_casa_read(*state, "CUBE", &rows, NULL, NULL, out, sizeof out, NULL), MSIO_OK);
    assert_int_equal(msio_casa_read(*state, "NUMBER", &rows, NULL, NULL, numbers, sizeof numbers, NULL), MSIO_OK);
    for (int r = 0; r < 4; r++) {
        assert_int_equal(numbers[r], list[r] << 40);
        for (int c = 0; c < CHANS; c++)
            for (int p = 0; p < CORRS; p++) assert_true(out[r][c][p] == cube_value(list[r], c, p));
    }
}

static void bools_come_as_bytes(void **state) {
    const msio_casa_row_set rows = {1, 1, 2, NULL};
    uint8_t out[2][CHANS][CORRS];
    assert_int_equal(msio_casa_read(*state, "FLAG", &rows, NULL, NULL, out, sizeof out, NULL), MSIO_OK);
    for (int r = 0; r < 2; r++)
        for (int c = 0; c < CHANS; c++)
            for (int p = 0; p < CORRS; p++) assert_int_equal(out[r][c][p], (1 + r + c + p) % 3 == 0);
}

static void undefined_cells_are_named_or_filled(void **state) {
    static const int64_t list[] = {3, 7, 4, 11};
    const msio_casa_row_set rows = {0, 1, 4, list};
    const int32_t fill = -5;
    int32_t out[4][3];
    int64_t bad = -1;
    assert_int_equal(msio_casa_read(*state, "VARY", &rows, NULL, NULL, out, sizeof out, &bad), MSIO_E_UNDEFINED);
    assert_int_equal(bad, 2);
    assert_non_null(strstr(msio_last_error()->message, "row 4"));
    assert_string_equal(msio_last_error()->path, path);
    assert_int_equal(msio_casa_read(*state, "VARY", &rows, NULL, &fill, out, sizeof out, &bad), MSIO_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(out[0][i], 30 + i);
        assert_int_equal(out[2][i], fill);
        assert_int_equal(out[3][i], 110 + i);
    }
}

static void cells_of_other_shapes_are_named(void **state) {
    const msio_casa_row_set rows = {1, 1, 3, NULL};
    int32_t out[3];
    int64_t bad = -1;
    assert_int_equal(msio_casa_read(*state, "VARY", &rows, NULL, NULL, out, sizeof out, &bad), MSIO_E_SHAPE);
    assert_int_equal(bad, 1);
}

static void wrong_requests_are_refused(void **state) {
    const msio_casa_row_set rows = {0, 1, 2, NULL}, beyond = {19, 1, 2, NULL}, none = {0, 1, 0, NULL};
    const msio_casa_part wide = {0, 6, 1, 0, -1, 1}, second = {0, -1, 1, 0, 1, 2};
    float out[2][CHANS][CORRS];
    assert_int_equal(msio_casa_read(*state, "NONE", &rows, NULL, NULL, out, sizeof out, NULL), MSIO_E_NO_COLUMN);
    assert_int_equal(msio_casa_read(*state, "CUBE", &beyond, NULL, NULL, out, sizeof out, NULL), MSIO_E_RANGE);
    assert_int_equal(msio_casa_read(*state, "CUBE", &rows, &wide, NULL, out, sizeof out, NULL), MSIO_E_RANGE);
    assert_int_equal(msio_casa_read(*state, "NUMBER", &rows, &second, NULL, out, 16, NULL), MSIO_E_RANGE);
    assert_int_equal(msio_casa_read(*state, "CUBE", &rows, NULL, NULL, out, sizeof out - 1, NULL), MSIO_E_SIZE);
    assert_int_equal(msio_casa_read(*state, "TEXT", &rows, NULL, NULL, out, sizeof out, NULL), MSIO_E_ARGUMENT);
    assert_int_equal(msio_casa_read(*state, "CUBE", &none, NULL, NULL, NULL, 0, NULL), MSIO_OK);
}

/* ---------------------------------------------------------------- ragged reads */

static void ragged_cells_are_packed(void **state) {
    const msio_casa_row_set rows = {1, 1, 5, NULL};
    static const int64_t counts[5] = {1, 2, 3, 0, 1}, wrong[5] = {1, 2, 2, 0, 2};
    int32_t out[7];
    int64_t bad = -1;
    assert_int_equal(msio_casa_read_ragged(*state, "VARY", &rows, NULL, counts, out, sizeof out, &bad), MSIO_OK);
    static const int32_t expected[7] = {10, 20, 21, 30, 31, 32, 50};
    assert_memory_equal(out, expected, sizeof out);
    assert_int_equal(msio_casa_read_ragged(*state, "VARY", &rows, NULL, wrong, out, sizeof out, &bad), MSIO_E_CHANGED);
    assert_int_equal(bad, 2);
}

static int append(void *user, const char *bytes, size_t length) {
    char *text = user;
    size_t before = strlen(text);
    if (before + length + 2 > 64) return -1;
    memcpy(text + before, bytes, length);
    memcpy(text + before + length, "|", 2);
    return 0;
}

static void strings_go_to_the_sink(void **state) {
    const msio_casa_row_set some = {9, 2, 3, NULL}, all = {0, 1, ROWS, NULL};
    static const int64_t ones[ROWS] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, twos[3] = {2, 2, 2};
    char text[64] = "";
    assert_int_equal(msio_casa_read_strings(*state, "TEXT", &some, NULL, ones, append, text, NULL), MSIO_OK);
    assert_string_equal(text, "t9|t11|t13|");
    text[0] = '\0';
    assert_int_equal(msio_casa_read_strings(*state, "TEXTS", &some, NULL, twos, append, text, NULL), MSIO_OK);
    assert_string_equal(text, "t9||t11||t13||");
    assert_int_equal(msio_casa_read_strings(*state, "TEXT", &all, NULL, ones, append, text, NULL), MSIO_E_MEMORY);
    assert_int_equal(msio_casa_read_strings(*state, "CUBE", &some, NULL, ones, append, text, NULL), MSIO_E_ARGUMENT);
}

/* ---------------------------------------------------------------- opening */

static void what_is_no_table_is_not_found(void **state) {
    (void)state;
    msio_casa_table *table = NULL;
    char none[256];
    snprintf(none, sizeof none, "%s/none", folder);
    assert_int_equal(msio_casa_open(none, &table), MSIO_E_NOT_FOUND);
    assert_null(table);
    assert_string_equal(msio_last_error()->path, none);
}

static int descriptors(void) {
    int n = 0;
    char name[32];
    struct stat info;
    for (int fd = 0; fd < 256; fd++) {
        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
        n += lstat(name, &info) == 0;
    }
    return n;
}

/* In a child, because casacore leaks memory at the first attempt. */
static void an_unknown_manager_is_unsupported(void **state) {
    (void)state;
    char copy[256], command[1024];
    msio_casa_table *table = NULL;
    snprintf(copy, sizeof copy, "%s/unknown", folder);
    snprintf(command, sizeof command, "cp -r %s %s && sed -i s/TiledShapeStMan/UnheardOfStMan_/g %s/table.dat", path,
             copy, copy);
    assert_int_equal(system(command), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (msio_casa_open(copy, &table) != MSIO_E_UNSUPPORTED) _exit(1);
        int before = descriptors();
        for (int i = 0; i < 5; i++)
            if (msio_casa_open(copy, &table) != MSIO_E_UNSUPPORTED) _exit(2);
        _exit(descriptors() == before ? 0 : 3);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void opening_changes_nothing_on_disk(void **state) {
    (void)state;
    char copy[256], command[1024], lock[300];
    msio_casa_table *table = NULL;
    struct stat info;
    snprintf(copy, sizeof copy, "%s/unlocked", folder);
    snprintf(lock, sizeof lock, "%s/table.lock", copy);
    snprintf(command, sizeof command, "cp -r %s %s && rm %s", path, copy, lock);
    assert_int_equal(system(command), 0);
    assert_int_equal(msio_casa_open(copy, &table), MSIO_OK);
    assert_int_equal(msio_casa_rows(table), ROWS);
    msio_casa_close(table);
    assert_int_not_equal(stat(lock, &info), 0);
}

static void reopening_sees_another_table_there(void **state) {
    (void)state;
    char place[256];
    msio_casa_table *first = NULL, *second = NULL, *reader = NULL;
    snprintf(place, sizeof place, "%s/again", folder);
    assert_int_equal(make_table(place, 3, &first), MSIO_OK);
    msio_casa_close(first);
    assert_int_equal(msio_casa_open(place, &reader), MSIO_OK);
    assert_int_equal(msio_casa_rows(reader), 3);
    pack_remove(place);
    assert_int_equal(make_table(place, 5, &second), MSIO_OK);
    msio_casa_close(second);
    assert_int_equal(msio_casa_reopen(reader), MSIO_OK);
    assert_int_equal(msio_casa_rows(reader), 5);
    msio_casa_close(reader);
}

static void a_table_is_not_made_over_another(void **state) {
    (void)state;
    msio_casa_table *table = NULL;
    assert_int_equal(make_table(path, 1, &table), MSIO_E_CASACORE);
    assert_null(table);
}

/* ---------------------------------------------------------------- threads */

static void *read_often(void *table) {
    const msio_casa_row_set all = {0, 1, ROWS, NULL};
    float out[ROWS][CHANS][CORRS];
    for (int i = 0; i < 50; i++) {
        if (msio_casa_read(table, "CUBE", &all, NULL, NULL, out, sizeof out, NULL) != MSIO_OK) return table;
        for (int r = 0; r < ROWS; r++)
            if (out[r][r % CHANS][1] != cube_value(r, r % CHANS, 1)) return table;
    }
    return NULL;
}

static void threads_share_a_table(void **state) {
    pthread_t threads[8];
    for (int i = 0; i < 8; i++) assert_int_equal(pthread_create(&threads[i], NULL, read_often, *state), 0);
    for (int i = 0; i < 8; i++) {
        void *failed = *state;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
}

static void a_forked_child_reads(void **state) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) _exit(read_often(*state) ? 1 : 0);
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#define WITH_TABLE(test) cmocka_unit_test_setup_teardown(test, open_known_table, close_known_table)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_module_says_what_to_install),
        cmocka_unit_test(another_library_is_not_taken_for_the_module),
        cmocka_unit_test(version_is_told_once_loaded),
        WITH_TABLE(columns_are_described),
        WITH_TABLE(shapes_tell_what_was_never_written),
        WITH_TABLE(a_part_of_strided_rows_is_read),
        WITH_TABLE(listed_rows_come_in_their_order),
        WITH_TABLE(bools_come_as_bytes),
        WITH_TABLE(undefined_cells_are_named_or_filled),
        WITH_TABLE(cells_of_other_shapes_are_named),
        WITH_TABLE(wrong_requests_are_refused),
        WITH_TABLE(ragged_cells_are_packed),
        WITH_TABLE(strings_go_to_the_sink),
        cmocka_unit_test(what_is_no_table_is_not_found),
        cmocka_unit_test(an_unknown_manager_is_unsupported),
        cmocka_unit_test(opening_changes_nothing_on_disk),
        cmocka_unit_test(reopening_sees_another_table_there),
        cmocka_unit_test(a_table_is_not_made_over_another),
        WITH_TABLE(threads_share_a_table),
        WITH_TABLE(a_forked_child_reads),
    };
    if (load_in_child("/nonexistent/msio_casacore.so", "apt-get install") != 0) loading_failures |= 1;
    if (load_in_child("libm.so.6", "another version") != 0) loading_failures |= 2;
    if (msio_casacore_load() != MSIO_OK) {
        printf("skipped: %s\n", msio_last_error()->message);
        return 77;
    }
    return cmocka_run_group_tests(tests, make_known_table, remove_known_table);
}
