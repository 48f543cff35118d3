/* test_unknown_manager.c - a table with columns of an engine that neither msio nor casacore knows: those are refused by
 * name, the stored columns beside them are read. */
#include "msio/io.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void check(int good, const char *what) {
    if (good) return;
    failures++;
    printf("FAILED: %s\n", what);
}

int main(int argc, char **argv) {
    msio_table *table = NULL;
    const msio_column *column = NULL;
    const msio_column_info *info;
    msio_array array;
    msio_ragged ragged;
    if (argc != 2) {
        fprintf(stderr, "usage: test_unknown_manager TABLE\n");
        return 2;
    }
    if (msio_table_open(argv[1], NULL, &table) != MSIO_OK) {
        printf("FAILED: %s\n", msio_last_error()->message);
        return EXIT_FAILURE;
    }
    memset(&array, 0, sizeof array);
    memset(&ragged, 0, sizeof ragged);
    check(msio_table_column(table, "NUMBER", &column) == MSIO_OK, "NUMBER is found");
    check(msio_read_new(column, NULL, &array, NULL) == MSIO_OK && array.shape[0] == 12,
          "NUMBER, which is stored, is read");
    msio_array_free(&array);
    check(msio_table_column(table, "SCALED", &column) == MSIO_OK, "SCALED is found");
    info = msio_column_describe(column);
    check(info && !info->native && info->why_not && strstr(info->why_not, "ScaledArrayEngine"),
          "SCALED's manager is named");
    msio_status status = msio_read_ragged(column, NULL, &ragged, NULL);
    check(status == MSIO_E_UNSUPPORTED || status == MSIO_E_CASACORE, "SCALED is refused");
    if (status == MSIO_OK)
        msio_ragged_free(&ragged);
    else
        printf("%s: %s\n", msio_status_name(status), msio_last_error()->message);
    info = msio_column_describe(column);
    check(info && !info->readable, "SCALED says that it is not readable");
    check(msio_table_column(table, "SCALED_STORED", &column) == MSIO_OK, "SCALED_STORED is found");
    check(msio_read_ragged(column, NULL, &ragged, NULL) == MSIO_OK && ragged.cells == 12,
          "SCALED_STORED is still read");
    msio_ragged_free(&ragged);
    check(msio_table_close(table) == MSIO_OK, "the table closes");
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
