/* consumer.c - a program of somebody else's: opens the table that it is given and prints its rows. */
#include <msio/msio.h>

#include <stdio.h>

int main(int argc, char **argv) {
    msio_table *table = NULL;
    printf("msio %s\n", msio_version());
    if (argc < 2) return 0;
    if (msio_table_open(argv[1], NULL, &table)) {
        fprintf(stderr, "%s\n", msio_last_error()->message);
        return 1;
    }
    printf("%lld rows\n", (long long)msio_table_rows(table));
    return msio_table_close(table) != MSIO_OK;
}
