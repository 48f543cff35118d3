/* consumer.c - a program of somebody else's: opens the table that it is given, prints its rows and reads its TIME. */
#include <msio/msio.h>

#include <stdio.h>

int main(int argc, char **argv) {
    msio_table *table = NULL;
    const msio_column *column = NULL;
    double first = 0;
    int failed = 1;

    if (argc != 2) {
        fprintf(stderr, "usage: consumer TABLE\n");
        return 2;
    }
    msio_select one = MSIO_SELECT_ALL;
    one.rows = 1;
    if (msio_table_open(argv[1], NULL, &table) || msio_table_column(table, "TIME", &column) ||
        msio_read(column, &one, &first, sizeof first, NULL)) {
        fprintf(stderr, "%s\n", msio_last_error()->message);
        goto done;
    }
    printf("msio %s: %lld rows from %.3f s on\n", msio_version(), (long long)msio_table_rows(table), first);
    failed = 0;
done:
    msio_table_close(table);
    return failed;
}
