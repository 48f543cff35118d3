/* test_dataset.c - datasets of every kind read, as h5py reads them: by address and through the library, with one thread
 * and two, whole and in part.
 *
 * make_hdf5.py writes the files and says what is in them; without h5py or the HDF5 module the test is skipped. */
#include "msio/hdf5.h"

#include "tests/core/guarded.h"
#include "tests/fuzz/table_pack.h"
#include "tests/script.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static char folder[64];
static uint8_t *values; /* of all cases */
static uint64_t seed = 1;

/* ---------------------------------------------------------------- cases */

typedef struct test_case {
    char path[256], name[128], type_name[16];
    msio_type type;
    int ndim, native; /* native -1: not said */
    int64_t shape[MSIO_MAX_NDIM];
    const uint8_t *expected; /* whole */
} test_case;

static msio_type type_of(const char *name) {
    for (int type = 0; type <= MSIO_UINT64; type++) {
        const char *has = msio_type_name((msio_type)type);
        if (has && strcmp(has, name) == 0) return (msio_type)type;
    }
    fail_msg("no type is called %s", name);
    return MSIO_RECORD;
}

/* False behind the last. */
static bool next_case(FILE *in, test_case *c) {
    char axes[200];
    long long at;
    memset(c, 0, sizeof *c);
    if (fscanf(in, "%255[^\t]\t%127[^\t]\t%15[^\t]\t%199[^\t]\t%d\t%lld\n", c->path, c->name, c->type_name, axes,
               &c->native, &at) != 6)
        return false;
    c->type = type_of(c->type_name);
    c->expected = values + at;
    for (char *part, *rest = axes; (part = strsep(&rest, ","));)
        if (strcmp(part, "scalar") != 0) c->shape[c->ndim++] = atoll(part);
    return true;
}

/* ---------------------------------------------------------------- selections */

/* What the wanted part of the expected values is, by a loop over single elements. */
static uint8_t *expected_part(const test_case *c, const msio_select *s, size_t *bytes) {
    int64_t start[MSIO_MAX_NDIM], count[MSIO_MAX_NDIM], step[MSIO_MAX_NDIM], at[MSIO_MAX_NDIM] = {0}, n = 1;
    size_t elem = msio_type_size(c->type);
    for (int k = 0; k < c->ndim; k++) {
        bool corr = k > 0 && k == c->ndim - 1, chan = k > 0 && k == c->ndim - 2;
        start[k] = k == 0 ? s->row : corr ? s->corr : chan ? s->chan : 0;
        step[k] = k == 0 ? s->row_step : corr ? s->corr_step : chan ? s->chan_step : 1;
        count[k] = k == 0 ? s->rows : corr ? s->corrs : chan ? s->chans : -1;
        if (count[k] < 0) count[k] = (c->shape[k] - start[k] + step[k] - 1) / step[k];
        if (k == 0 && s->row_list) count[k] = s->rows_in_list;
        n *= count[k];
    }
    *bytes = (size_t)n * elem;
    uint8_t *part = malloc(*bytes + 1);
    assert_non_null(part);
    for (int64_t i = 0; i < n; i++) {
        int64_t from = 0;
        for (int k = 0; k < c->ndim; k++) {
            int64_t index = k == 0 && s->row_list ? s->row_list[at[k]] : start[k] + at[k] * step[k];
            from = from * c->shape[k] + index;
        }
        memcpy(part + (size_t)i * elem, c->expected + (size_t)from * elem, elem);
        for (int k = c->ndim - 1; k >= 0 && ++at[k] == count[k]; k--) at[k] = 0;
    }
    return part;
}

static void some_axis(int64_t n, int64_t *start, int64_t *count, int64_t *step) {
    if (n == 0) return;
    *start = random_below(&seed, n);
    *step = 1 + random_below(&seed, 3);
    *count = 1 + random_below(&seed, (n - *start + *step - 1) / *step);
}

enum { WHOLE, STEPPED, REVERSED, SOME_BOX, SOME_ROWS, SELECTIONS };

static msio_select select_of(const test_case *c, int kind, int64_t *rows) {
    msio_select s = MSIO_SELECT_ALL;
    int64_t n = c->ndim ? c->shape[0] : 0;
    if (kind == STEPPED || kind == SOME_BOX || kind == SOME_ROWS) {
        if (c->ndim > 1) some_axis(c->shape[c->ndim - 1], &s.corr, &s.corrs, &s.corr_step);
        if (c->ndim > 2) some_axis(c->shape[c->ndim - 2], &s.chan, &s.chans, &s.chan_step);
    }
    if (kind == STEPPED) s.row_step = n > 1 ? 2 : 1;
    if (kind == STEPPED && n > 3) s.row = 1;
    if (kind == SOME_BOX && n) some_axis(n, &s.row, &s.rows, &s.row_step);
    if ((kind == REVERSED || kind == SOME_ROWS) && n) {
        s.row_list = rows;
        s.rows_in_list = n;
        for (int64_t i = 0; i < n; i++) rows[i] = kind == REVERSED ? n - 1 - i : random_below(&seed, n);
    }
    return s;
}

/* ---------------------------------------------------------------- comparing */

static const char *const kinds[] = {"whole", "stepped", "reversed", "some box", "some rows"};

static void compare(const test_case *c, const msio_dataset *dataset, const msio_select *select, int kind, int threads,
                    msio_way way, const uint8_t *expected, size_t bytes) {
    msio_read_opts opts = MSIO_READ_OPTS_INIT;
    opts.threads = threads;
    opts.way = way;
    uint8_t *out = malloc(bytes + 16);
    assert_non_null(out);
    memset(out, 0xa5, bytes + 16);
    const msio_dataset_info *info = msio_dataset_describe(dataset);
    if (msio_dataset_read(dataset, select, c->type, out, bytes, &opts) != MSIO_OK)
        fail_msg("%s %s, %s: %s", c->path, c->name, kinds[kind], msio_last_error()->message);
    for (size_t i = 0; i < bytes; i++)
        if (out[i] != expected[i])
            fail_msg("%s %s as %s, %s, %d threads, %s: byte %zu of %zu is %02x, not %02x", c->path, c->name,
                     c->type_name, kinds[kind], threads, info->native ? msio_way_name(way) : "library", i, bytes,
                     out[i], expected[i]);
    for (int i = 0; i < 16; i++) assert_int_equal(out[bytes + (size_t)i], 0xa5);
    free(out);
}

static const msio_dataset *find(msio_hdf5 *file, const char *path, const char *name) {
    const msio_dataset *dataset = NULL;
    if (msio_hdf5_dataset(file, name, &dataset) != MSIO_OK)
        fail_msg("%s %s: %s", path, name, msio_last_error()->message);
    return dataset;
}

static void check_shape(const test_case *c, const msio_dataset *dataset, const msio_select *select, size_t expected) {
    int ndim;
    int64_t shape[MSIO_MAX_NDIM];
    size_t bytes;
    assert_int_equal(msio_dataset_shape(dataset, select, c->type, &ndim, shape, &bytes), MSIO_OK);
    assert_int_equal(ndim, c->ndim);
    assert_int_equal(bytes, expected);
}

static void check_plan(const test_case *c, const msio_dataset *dataset, const msio_select *select) {
    size_t bytes;
    msio_plan *plan = NULL;
    const msio_dataset_info *info = msio_dataset_describe(dataset);
    assert_int_equal(msio_dataset_shape(dataset, select, info->type, &(int){0}, (int64_t[MSIO_MAX_NDIM]){0}, &bytes),
                     MSIO_OK);
    if (msio_dataset_plan(dataset, select, &plan) != MSIO_OK)
        fail_msg("%s %s: no plan: %s", c->path, c->name, msio_last_error()->message);
    assert_int_equal(msio_plan_describe(plan)->bytes_wanted, bytes);
    msio_plan_free(plan);
}

/* file[0]: by address, file[1]: through the library. */
static void check_case(const test_case *c, msio_hdf5 *const *file) {
    static const msio_way ways[] = {MSIO_WAY_AUTO, MSIO_WAY_DIRECT, MSIO_WAY_SCRATCH, MSIO_WAY_MAPPED};
    const msio_dataset *native = find(file[0], c->path, c->name), *library = find(file[1], c->path, c->name);
    const msio_dataset_info *info = msio_dataset_describe(native);
    assert_string_equal(info->name, c->name);
    assert_int_equal(info->ndim, c->ndim);
    for (int k = 0; k < c->ndim; k++) assert_int_equal(info->shape[k], c->shape[k]);
    if (c->native >= 0 && info->native != c->native)
        fail_msg("%s %s: native is %d: %s", c->path, c->name, info->native, info->why_not ? info->why_not : "");
    assert_int_equal(msio_dataset_describe(library)->native, 0);
    int64_t *rows = malloc((size_t)(c->ndim ? c->shape[0] + 1 : 1) * sizeof *rows);
    assert_non_null(rows);
    /* what a type is asked for beside the stored one, the conversion, is the same in every selection */
    for (int kind = WHOLE; kind < SELECTIONS; kind += c->type == info->type ? 1 : SOME_BOX) {
        msio_select select = select_of(c, kind, rows);
        size_t bytes;
        uint8_t *expected = expected_part(c, &select, &bytes);
        check_shape(c, native, &select, bytes);
        if (c->type == info->type) check_plan(c, native, &select);
        compare(c, native, &select, kind, 1, ways[random_below(&seed, 4)], expected, bytes);
        compare(c, native, &select, kind, 2, ways[random_below(&seed, 4)], expected, bytes);
        compare(c, library, &select, kind, 1, MSIO_WAY_AUTO, expected, bytes);
        free(expected);
    }
    free(rows);
}

static void open_both(const char *path, msio_hdf5 **file) {
    for (int i = 0; i < 2; i++) {
        msio_hdf5_opts opts = MSIO_HDF5_OPTS_INIT;
        if (i) opts.native = MSIO_NATIVE_NO;
        if (msio_hdf5_open(path, &opts, &file[i]) != MSIO_OK) fail_msg("%s: %s", path, msio_last_error()->message);
    }
}

/* Every case of the files whose names end so, or one of so many. */
static void check_files(const char *suffix, int every, int least) {
    char path[128], current[256] = "";
    test_case c;
    msio_hdf5 *file[2] = {NULL, NULL};
    int cases = 0, seen = 0;
    snprintf(path, sizeof path, "%s/list", folder);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    while (next_case(in, &c)) {
        size_t has = strlen(c.path), wanted = strlen(suffix);
        if (has < wanted || strcmp(c.path + has - wanted, suffix) != 0 || seen++ % every) continue;
        if (strcmp(current, c.path) != 0) {
            for (int i = 0; i < 2; i++) msio_hdf5_close(file[i]);
            open_both(c.path, file);
            strcpy(current, c.path);
        }
        check_case(&c, file);
        cases++;
    }
    assert_true(feof(in));
    fclose(in);
    for (int i = 0; i < 2; i++) msio_hdf5_close(file[i]);
    assert_true(cases * every >= least);
}

static void every_type_filter_and_shape_is_read(void **state) {
    (void)state;
    check_files("/earliest.h5", 1, 2000);
}

static void newer_indices_of_chunks_are_read(void **state) {
    (void)state;
    check_files("/latest.h5", 1, 2000);
}

static void a_user_block_moves_everything(void **state) {
    (void)state;
    int every = getenv("MSIO_TEST_LONG") ? 1 : 7; /* the cases are those of above, with all bytes moved */
    check_files("/block.h5", every, 2000);
    check_files("/latest_block.h5", every, 2000);
}

static void scalars_and_nothing_are_read(void **state) {
    (void)state;
    check_files("_scalars.h5", 1, 100);
}

static void what_was_never_written_is_the_fill_value(void **state) {
    (void)state;
    check_files("_fills.h5", 1, 300);
}

static void each_chunk_has_filters_of_its_own(void **state) {
    (void)state;
    check_files("_masks.h5", 1, 8);
}

static void indices_of_many_nodes_are_read(void **state) {
    (void)state;
    check_files("_many.h5", 1, 12);
}

static void truths_of_all_widths_are_read(void **state) {
    (void)state;
    check_files("_truths.h5", 1, 20);
}

static void what_is_not_read_by_address_the_library_reads(void **state) {
    (void)state;
    check_files("_elsewhere.h5", 1, 20);
}

/* FALSE and TRUE are all that such an enumeration has names for, but not all that can be stored. */
static void a_truth_that_has_no_name_is_true(void **state) {
    (void)state;
    char path[128];
    msio_hdf5 *file[2];
    snprintf(path, sizeof path, "%s/named.h5", folder);
    open_both(path, file);
    for (int i = 0; i < 4; i++) {
        const msio_dataset *dataset = find(file[i % 2], path, i < 2 ? "truths8" : "truths16");
        uint8_t truth[4];
        float number[4];
        double wide[4];
        assert_int_equal(msio_dataset_describe(dataset)->type, MSIO_BOOL);
        assert_int_equal(msio_dataset_describe(dataset)->native, !(i % 2));
        assert_int_equal(msio_dataset_read(dataset, NULL, MSIO_BOOL, truth, sizeof truth, NULL), MSIO_OK);
        assert_int_equal(msio_dataset_read(dataset, NULL, MSIO_FLOAT, number, sizeof number, NULL), MSIO_OK);
        assert_int_equal(msio_dataset_read(dataset, NULL, MSIO_DOUBLE, wide, sizeof wide, NULL), MSIO_OK);
        for (int k = 0; k < 4; k++) {
            assert_int_equal(truth[k], k != 0);
            assert_true(number[k] == (float)truth[k]);
            assert_true(wide[k] == (double)truth[k]);
        }
    }
    for (int i = 0; i < 2; i++) msio_hdf5_close(file[i]);
}

/* ---------------------------------------------------------------- names, and what is refused */

static msio_hdf5 *open_named(void) {
    char path[128];
    msio_hdf5 *file = NULL;
    snprintf(path, sizeof path, "%s/named.h5", folder);
    assert_int_equal(msio_hdf5_open(path, NULL, &file), MSIO_OK);
    return file;
}

/* HDF5 opens a file twice in a process only where both ask for the same locks: the second one takes what is. */
static void locked_or_not_beside_each_other(void **state) {
    char path[128];
    (void)state;
    snprintf(path, sizeof path, "%s/named.h5", folder);
    for (int first = 0; first < 2; first++) {
        msio_hdf5 *file[2] = {NULL, NULL};
        const char *const *names;
        int n = 0;
        for (int i = 0; i < 2; i++) {
            msio_hdf5_opts opts = MSIO_HDF5_OPTS_INIT;
            opts.nolock = i == first;
            assert_int_equal(msio_hdf5_open(path, &opts, &file[i]), MSIO_OK);
        }
        for (int i = 0; i < 2; i++) assert_int_equal(msio_hdf5_names(file[i], &n, &names), MSIO_OK);
        assert_true(n > 0);
        for (int i = 0; i < 2; i++) msio_hdf5_close(file[i]);
    }
}

static int64_t length_of(msio_hdf5 *file, const char *name) {
    return msio_dataset_describe(find(file, "named.h5", name))->shape[0];
}

static void a_dataset_has_many_names(void **state) {
    (void)state;
    msio_hdf5 *file = open_named();
    assert_int_equal(length_of(file, "Header/a"), 3);
    assert_int_equal(length_of(file, "/Header/a"), 3);
    assert_int_equal(length_of(file, "Data/a"), 4);
    assert_int_equal(length_of(file, "b"), 5);
    assert_int_equal(length_of(file, "/b"), 5);
    assert_int_equal(length_of(file, "top"), 6);
    assert_int_equal(length_of(file, "/top"), 6);
    assert_ptr_equal(find(file, "named.h5", "b"), find(file, "named.h5", "/Data/b"));
    int n;
    const char *const *names;
    assert_int_equal(msio_hdf5_names(file, &n, &names), MSIO_OK);
    assert_int_equal(n, 9);
    for (int i = 0; i < n; i++) assert_true(names[i][0] != '/');
    msio_hdf5_close(file);
}

static void refuse_name(msio_hdf5 *file, const char *name, const char *words) {
    const msio_dataset *dataset = NULL;
    assert_int_equal(msio_hdf5_dataset(file, name, &dataset), MSIO_E_NO_COLUMN);
    assert_null(dataset);
    if (!strstr(msio_last_error()->message, words)) fail_msg("%s", msio_last_error()->message);
}

static void a_name_that_is_none_or_two_is_refused(void **state) {
    (void)state;
    msio_hdf5 *file = open_named();
    refuse_name(file, "a", "Header/a");
    refuse_name(file, "a", "Data/a");
    refuse_name(file, "missing", "there is no dataset missing");
    refuse_name(file, "Data/missing", "there is no dataset Data/missing");
    refuse_name(file, "Data", "there is no dataset Data");
    refuse_name(file, "ata/a", "there is no dataset");
    refuse_name(file, "", "");
    refuse_name(file, "/", "");
    msio_hdf5_close(file);
}

static void what_cannot_be_delivered_is_refused(void **state) {
    (void)state;
    msio_hdf5 *file = open_named();
    const msio_dataset *top = find(file, "named.h5", "top");
    int64_t out[6];
    msio_select select = MSIO_SELECT_ALL;
    assert_int_equal(msio_dataset_read(top, NULL, MSIO_INT, out, sizeof out, NULL), MSIO_E_ARGUMENT);
    assert_int_equal(msio_dataset_read(top, NULL, MSIO_COMPLEX, out, sizeof out, NULL), MSIO_E_ARGUMENT);
    assert_int_equal(msio_dataset_read(top, NULL, MSIO_INT64, out, sizeof out - 1, NULL), MSIO_E_SIZE);
    assert_int_equal(msio_dataset_read(top, NULL, MSIO_INT64, NULL, sizeof out, NULL), MSIO_E_SIZE);
    select.row = 3;
    select.rows = 4;
    assert_int_equal(msio_dataset_read(top, &select, MSIO_INT64, out, sizeof out, NULL), MSIO_E_RANGE);
    select.rows = 3;
    assert_int_equal(msio_dataset_read(top, &select, MSIO_INT64, out, sizeof out, NULL), MSIO_OK);
    assert_int_equal(out[0], 3);
    const msio_dataset *record = find(file, "named.h5", "record"), *texts = find(file, "named.h5", "texts");
    assert_int_equal(msio_dataset_read(record, NULL, MSIO_INT, out, sizeof out, NULL), MSIO_E_UNSUPPORTED);
    assert_int_equal(msio_dataset_read(texts, NULL, MSIO_STRING, out, sizeof out, NULL), MSIO_E_ARGUMENT);
    msio_hdf5_close(file);
}

static void check_text(const msio_ragged *r, int64_t i, const char *expected) {
    size_t length = (size_t)(r->text_offsets[i + 1] - r->text_offsets[i]);
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(r->text + r->text_offsets[i], expected, length);
}

static void strings_are_cells_of_rows(void **state) {
    (void)state;
    msio_hdf5 *file = open_named();
    msio_ragged r;
    int64_t rows[] = {2, 0, 2};
    msio_select select = MSIO_SELECT_ALL;
    select.row_list = rows;
    select.rows_in_list = 3;
    assert_int_equal(msio_dataset_texts(find(file, "named.h5", "texts"), &select, &r), MSIO_OK);
    assert_int_equal(r.cells, 3);
    assert_int_equal(r.offsets[3], 6);
    assert_int_equal(r.ndims[0], 1);
    assert_int_equal(r.shapes[0], 2);
    const char *const expected[] = {"x", "y", "one", "two", "x", "y"};
    for (int i = 0; i < 6; i++) check_text(&r, i, expected[i]);
    msio_ragged_free(&r);
    assert_int_equal(msio_dataset_texts(find(file, "named.h5", "words"), NULL, &r), MSIO_OK);
    assert_int_equal(r.cells, 3);
    check_text(&r, 0, "alpha");
    check_text(&r, 1, "");
    check_text(&r, 2, "gamma");
    msio_ragged_free(&r);
    assert_int_equal(msio_dataset_texts(find(file, "named.h5", "top"), NULL, &r), MSIO_E_ARGUMENT);
    msio_hdf5_close(file);
}

/* ---------------------------------------------------------------- the run */

static int make_files(void **state) {
    (void)state;
    char path[128];
    if (test_script("io/hdf5/make_hdf5.py", "%s", folder) != 0) return -1;
    snprintf(path, sizeof path, "%s/values", folder);
    FILE *in = fopen(path, "rb");
    if (!in || fseek(in, 0, SEEK_END)) return -1;
    size_t bytes = (size_t)ftell(in);
    rewind(in);
    values = malloc(bytes + 1);
    bool good = values && fread(values, 1, bytes, in) == bytes;
    fclose(in);
    return good ? 0 : -1;
}

static int remove_files(void **state) {
    (void)state;
    free(values);
    pack_remove(folder);
    return 0;
}

static bool can_run(void) {
    char probe[PATH_MAX];
    msio_hdf5 *file = NULL;
    snprintf(probe, sizeof probe, "%s -c 'import h5py, numpy'", test_python());
    if (system(probe) != 0) {
        print_message("skipped: %s has no h5py\n", test_python());
        return false;
    }
    if (msio_hdf5_open(MSIO_TESTS "/script.h", NULL, &file) == MSIO_E_UNSUPPORTED) {
        print_message("skipped: %s\n", msio_last_error()->message);
        return false;
    }
    msio_hdf5_close(file);
    return true;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_filter_and_shape_is_read),
        cmocka_unit_test(newer_indices_of_chunks_are_read),
        cmocka_unit_test(a_user_block_moves_everything),
        cmocka_unit_test(scalars_and_nothing_are_read),
        cmocka_unit_test(what_was_never_written_is_the_fill_value),
        cmocka_unit_test(each_chunk_has_filters_of_its_own),
        cmocka_unit_test(indices_of_many_nodes_are_read),
        cmocka_unit_test(truths_of_all_widths_are_read),
        cmocka_unit_test(a_truth_that_has_no_name_is_true),
        cmocka_unit_test(what_is_not_read_by_address_the_library_reads),
        cmocka_unit_test(locked_or_not_beside_each_other),
        cmocka_unit_test(a_dataset_has_many_names),
        cmocka_unit_test(a_name_that_is_none_or_two_is_refused),
        cmocka_unit_test(what_cannot_be_delivered_is_refused),
        cmocka_unit_test(strings_are_cells_of_rows),
    };
    if (!can_run()) return 77;
    if (!pack_make_folder(folder)) return 1;
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
