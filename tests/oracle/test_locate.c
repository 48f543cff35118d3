/* test_locate.c - msio_locate is the inverse of every layout's plan: what a plan says of a row's cells, the locator
 * says of their bytes; and what the locator says of a part's rows, their plans say too. Over every table of a folder,
 * and over HDF5 files.
 * usage: test_locate FOLDER-OF-TABLES [HDF5-FILE]...
 */
#include "msio/hdf5.h"
#include "msio/locate.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_FAILURES 30
#define ROWS_OF_COLUMN 10

static long checked, tables, columns, failures, parts_checked;

/* One plan's answer, held against the locator's. */
typedef struct expected {
    const char *table, *column;
    int64_t row;
    int found;
    long parts;
    msio_located last; /* the part that was found */
} expected;

static void fail(const expected *e, const char *file, int64_t offset, int64_t length, const char *what) {
    if (++failures > MOST_FAILURES) return;
    printf("FAILED: %s %s row %lld: %s [%lld, +%lld): %s\n", e->table, e->column, (long long)e->row, file,
           (long long)offset, (long long)length, what);
}

static int take(void *user, const msio_located *part) {
    expected *e = user;
    e->parts++;
    if (!part->column || strcmp(part->column, e->column) != 0) return 0;
    if (part->row < 0 || e->row < part->row || e->row >= part->row + part->rows) return 0;
    e->found++;
    e->last = *part;
    return 0;
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

typedef struct overlap {
    const char *file;
    int64_t from, to;
    int seen;
} overlap;

/* Whether a plan touches bytes [from, to) of the file. */
static int touches(const msio_plan *plan, const overlap *o) {
    msio_plan_piece piece;
    for (int64_t i = 0; msio_plan_piece_at(plan, i, &piece) == MSIO_OK; i++)
        if (!strcmp(base_name(piece.file), o->file) && piece.offset < o->to && piece.offset + piece.length > o->from)
            return 1;
    return 0;
}

static msio_status plan_row(const msio_column *column, const msio_dataset *dataset, int64_t row, msio_plan **plan) {
    msio_select select = MSIO_SELECT_ALL;
    select.row = row;
    select.rows = 1;
    return column ? msio_plan_make(column, &select, plan) : msio_dataset_plan(dataset, &select, plan);
}

/* The first and the last row that a part is said to have must have bytes there, by their own plans. */
static void check_back(const msio_column *column, const msio_dataset *dataset, const expected *e, const char *file) {
    int64_t ends[2] = {e->last.row, e->last.row + e->last.rows - 1};
    overlap o = {file, e->last.offset, e->last.offset + e->last.length, 0};
    for (int i = 0; i < 2; i++) {
        msio_plan *plan;
        if (plan_row(column, dataset, ends[i], &plan) != MSIO_OK) continue; /* never written */
        if (!touches(plan, &o)) fail(e, file, o.from, o.to - o.from, "a row that has no bytes there is told");
        msio_plan_free(plan);
        parts_checked++;
    }
}

static void check_row(msio_locator *locator, const msio_column *column, const msio_dataset *dataset, expected *e) {
    msio_plan *plan;
    msio_plan_piece piece;
    if (plan_row(column, dataset, e->row, &plan) != MSIO_OK) return; /* never written: it lies nowhere */
    for (int64_t i = 0; i < 64 && msio_plan_piece_at(plan, i, &piece) == MSIO_OK; i++) {
        const char *file = base_name(piece.file);
        if (piece.length == 0) continue;
        int64_t lengths[2] = {1, piece.length};
        for (int k = 0; k < 2; k++) {
            e->found = 0;
            e->parts = 0;
            if (msio_locator_find(locator, file, piece.offset, lengths[k], take, e) != MSIO_OK)
                fail(e, file, piece.offset, lengths[k], msio_last_error()->message);
            else if (!e->found)
                fail(e, file, piece.offset, lengths[k], e->parts ? "other cells are told" : "nothing is told");
            checked++;
        }
        if (e->found && i == 0) check_back(column, dataset, e, file);
    }
    msio_plan_free(plan);
}

static void check_rows(msio_locator *locator, const msio_column *column, const msio_dataset *dataset, int64_t rows,
                       expected *e) {
    int64_t step = rows / ROWS_OF_COLUMN + 1;
    columns++;
    for (e->row = 0; e->row < rows; e->row += step) check_row(locator, column, dataset, e);
    if (rows > 1) {
        e->row = rows - 1;
        check_row(locator, column, dataset, e);
    }
}

static void check_table(const char *path) {
    msio_table *table;
    msio_locator *locator;
    if (msio_table_open(path, NULL, &table) != MSIO_OK) return; /* not a table, or none of ours */
    msio_table_info info;
    msio_table_describe(table, &info);
    if (info.kind == MSIO_PLAIN_TABLE && msio_locator_open(path, &locator) == MSIO_OK) {
        tables++;
        for (int i = 0; i < info.columns; i++) {
            expected e = {.table = base_name(path), .column = msio_table_column_name(table, i)};
            const msio_column *column;
            if (msio_table_column(table, e.column, &column) != MSIO_OK) continue;
            const msio_column_info *about = msio_column_describe(column);
            if (!about || !about->native || about->type == MSIO_STRING || about->type == MSIO_RECORD) continue;
            check_rows(locator, column, NULL, info.rows, &e);
        }
        msio_locator_close(locator);
    }
    msio_table_close(table);
}

static void check_hdf5(const char *path) {
    msio_hdf5 *file;
    msio_locator *locator = NULL;
    int n;
    const char *const *names;
    if (msio_hdf5_open(path, NULL, &file) != MSIO_OK || msio_hdf5_names(file, &n, &names) != MSIO_OK ||
        msio_locator_open(path, &locator) != MSIO_OK) {
        failures++;
        printf("FAILED: %s: %s\n", path, msio_last_error()->message);
        return;
    }
    for (int i = 0; i < n; i++) {
        const msio_dataset *dataset;
        expected e = {.table = base_name(path), .column = names[i]};
        if (msio_hdf5_dataset(file, names[i], &dataset) != MSIO_OK) continue;
        const msio_dataset_info *about = msio_dataset_describe(dataset);
        if (!about->native || about->type == MSIO_STRING || !about->ndim || !strcmp(about->storage, "compact"))
            continue;
        check_rows(locator, NULL, dataset, about->shape[0], &e);
    }
    msio_locator_close(locator);
    msio_hdf5_close(file);
}

static int take_what(void *user, const msio_located *part) {
    *(const char **)user = part->what;
    return 0;
}

static void check_arguments(const char *table) {
    const char *what = NULL;
    msio_locator *locator = NULL;
    expected e = {.table = base_name(table), .column = "-"};
    if (msio_locate(table, "table.dat", 0, 8, take_what, &what) != MSIO_OK || !what || strcmp(what, "description") != 0)
        fail(&e, "table.dat", 0, 8, "is not the description");
    if (msio_locate(table, "table.lock", 0, 8, take_what, &what) != MSIO_OK || strcmp(what, "lock") != 0)
        fail(&e, "table.lock", 0, 8, "is not the lock");
    if (msio_locate(table, "table.f99", 0, 8, take_what, &what) != MSIO_OK || strcmp(what, "unused") != 0)
        fail(&e, "table.f99", 0, 8, "is known");
    if (msio_locate(table, "table.f0", -1, 8, take_what, &what) != MSIO_E_ARGUMENT ||
        msio_locate(table, "table.f0", INT64_MAX, 8, take_what, &what) != MSIO_E_ARGUMENT ||
        msio_locate(table, NULL, 0, 8, take_what, &what) != MSIO_E_ARGUMENT ||
        msio_locate("/nonexistent", "table.f0", 0, 8, take_what, &what) != MSIO_E_NOT_FOUND)
        fail(&e, "table.f0", -1, 8, "a wrong question is answered");
    if (msio_locator_open(table, &locator) == MSIO_OK &&
        msio_locator_find(locator, "table.f0", 0, 0, take_what, &what) != MSIO_OK)
        fail(&e, "table.f0", 0, 0, "no bytes are refused");
    msio_locator_close(locator);
}

int main(int argc, char **argv) {
    char path[4096];
    if (argc < 2) {
        fprintf(stderr, "usage: test_locate FOLDER-OF-TABLES [HDF5-FILE]...\n");
        return 2;
    }
    DIR *folder = opendir(argv[1]);
    if (!folder) return printf("FAILED: %s cannot be listed\n", argv[1]), 1;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        check_table(path);
        if (tables == 1) check_arguments(path);
    }
    closedir(folder);
    for (int i = 2; i < argc; i++) check_hdf5(argv[i]);
    printf("%ld tables, %ld columns, %ld questions, %ld rows looked up again, %ld failures\n", tables, columns, checked,
           parts_checked, failures);
    return failures || tables < 10 || checked < 1000;
}
