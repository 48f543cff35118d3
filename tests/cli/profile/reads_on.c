/* reads_on.c - a program that reads TIME of a table over and over, in two threads, until its standard input ends.
 * usage: reads_on TABLE; prints how often it read.
 */
#include <msio/msio.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const msio_column *column;
static size_t bytes;
static atomic_bool ended;
static atomic_llong reads;

static void check(msio_status status) {
    if (status == MSIO_OK) return;
    fprintf(stderr, "%s\n", msio_last_error()->message);
    exit(1);
}

static void *read_on(void *unused) {
    double *times = malloc(bytes);
    while (!atomic_load(&ended)) {
        check(msio_read(column, NULL, times, bytes, NULL));
        atomic_fetch_add(&reads, 1);
    }
    free(times);
    return unused;
}

int main(int argc, char **argv) {
    msio_table *table;
    pthread_t threads[2];
    char byte;
    if (argc != 2) return 2;
    check(msio_table_open(argv[1], NULL, &table));
    check(msio_table_column(table, "TIME", &column));
    bytes = (size_t)msio_table_rows(table) * sizeof(double);
    for (int i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, read_on, NULL)) return 1;
    while (read(STDIN_FILENO, &byte, 1) > 0) continue;
    atomic_store(&ended, true);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    msio_table_close(table);
    printf("%lld\n", atomic_load(&reads));
    return 0;
}
