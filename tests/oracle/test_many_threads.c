/* test_many_threads.c - one table and many tables from eight threads at once give what one thread reads. */
#include "msio/io.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 8
#define MOST_TABLES 16
#define MOST_COLUMNS 256

typedef struct table_answers {
    const char *path;
    msio_table *table;
    int columns;
    int native[MOST_COLUMNS];
    uint64_t hash[MOST_COLUMNS]; /* of what one thread read */
} table_answers;

static table_answers tables[MOST_TABLES];
static int tables_count;
static pthread_barrier_t together;

static uint64_t mix(uint64_t hash, const void *data, size_t bytes) {
    const unsigned char *at = data;
    for (size_t i = 0; i < bytes; i++) hash = (hash ^ at[i]) * 1099511628211u;
    return hash;
}

/* Hashes everything that a ragged read gives. Returns 0 on an error. */
static uint64_t read_hash(msio_table *table, const char *name, int threads, msio_way way) {
    const msio_column *column;
    msio_ragged ragged;
    msio_read_opts opts = MSIO_READ_OPTS_INIT;
    opts.threads = threads;
    opts.way = way;
    if (msio_table_column(table, name, &column) != MSIO_OK ||
        msio_read_ragged(column, NULL, &ragged, &opts) != MSIO_OK) {
        printf("FAILED: %s: %s\n", name, msio_last_error()->message);
        return 0;
    }
    uint64_t hash = 1469598103934665603u;
    hash = mix(hash, ragged.offsets, (size_t)(ragged.cells + 1) * sizeof *ragged.offsets);
    hash = mix(hash, ragged.defined, (size_t)ragged.cells);
    for (int64_t i = 0; i < ragged.cells; i++)
        hash = mix(hash, ragged.shapes + i * MSIO_MAX_NDIM, (size_t)ragged.ndims[i] * sizeof *ragged.shapes);
    if (ragged.type == MSIO_STRING)
        hash = mix(hash, ragged.text_offsets, (size_t)(ragged.offsets[ragged.cells] + 1) * sizeof *ragged.text_offsets);
    hash = mix(hash, ragged.type == MSIO_STRING ? ragged.text : (const char *)ragged.data, ragged.bytes);
    msio_ragged_free(&ragged);
    return hash ? hash : 1;
}

static int is_native(msio_table *table, const char *name) {
    const msio_column *column;
    if (msio_table_column(table, name, &column) != MSIO_OK) return 0;
    const msio_column_info *info = msio_column_describe(column);
    return info && info->native && info->type != MSIO_RECORD;
}

/* Reads all native columns of a table, from another one on in each thread. Returns the number of wrong ones. */
static int read_all(table_answers *answers, msio_table *table, int number) {
    int wrong = 0;
    for (int i = 0; i < answers->columns; i++) {
        int at = (i + number * 5) % answers->columns;
        if (!answers->native[at]) continue;
        uint64_t hash =
            read_hash(table, msio_table_column_name(table, at), 1 + (i + number) % 2, (msio_way)((i + number) % 4));
        if (hash == answers->hash[at]) continue;
        printf("FAILED: thread %d reads something else in column %s of %s\n", number, msio_table_column_name(table, at),
               answers->path);
        wrong++;
    }
    return wrong;
}

static void *work(void *argument) {
    int number = *(int *)argument, wrong = 0;
    pthread_barrier_wait(&together);
    for (int i = 0; i < tables_count; i++)
        wrong += read_all(&tables[0], tables[0].table, number); /* all in one table */
    pthread_barrier_wait(&together);
    for (int i = 0; i < tables_count; i++) { /* each in another one */
        table_answers *answers = &tables[(i + number) % tables_count];
        wrong += read_all(answers, answers->table, number);
    }
    pthread_barrier_wait(&together);
    for (int i = 0; i < tables_count; i++) { /* opening and closing meanwhile */
        table_answers *answers = &tables[(i * 3 + number) % tables_count];
        msio_table *own = NULL;
        if (msio_table_open(answers->path, NULL, &own) != MSIO_OK) {
            printf("FAILED: %s: %s\n", answers->path, msio_last_error()->message);
            wrong++;
            continue;
        }
        wrong += read_all(answers, own, number);
        wrong += msio_table_close(own) != MSIO_OK;
    }
    *(int *)argument = wrong;
    return NULL;
}

/* Opens a table twice: what one thread reads is kept; the other handle, which has read nothing yet, is for the threads.
 */
static int prepare(const char *path) {
    table_answers *answers = &tables[tables_count];
    msio_table *table = NULL;
    answers->path = path;
    if (msio_table_open(path, NULL, &table) != MSIO_OK || msio_table_open(path, NULL, &answers->table) != MSIO_OK) {
        printf("FAILED: %s: %s\n", path, msio_last_error()->message);
        return 0;
    }
    while (answers->columns < MOST_COLUMNS && msio_table_column_name(table, answers->columns)) answers->columns++;
    for (int i = 0; i < answers->columns; i++) {
        const char *name = msio_table_column_name(table, i);
        answers->native[i] = is_native(table, name);
        if (answers->native[i] && !(answers->hash[i] = read_hash(table, name, 1, MSIO_WAY_AUTO))) return 0;
    }
    tables_count++;
    return msio_table_close(table) == MSIO_OK;
}

int main(int argc, char **argv) {
    pthread_t threads[THREADS];
    int number[THREADS], wrong = 0;
    if (argc < 2 || argc > MOST_TABLES) {
        fprintf(stderr, "usage: test_many_threads TABLE...\n");
        return 2;
    }
    for (int i = 1; i < argc; i++)
        if (!prepare(argv[i])) return EXIT_FAILURE;
    pthread_barrier_init(&together, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        number[i] = i;
        if (pthread_create(&threads[i], NULL, work, &number[i]) != 0) {
            printf("FAILED: no thread %d\n", i);
            return EXIT_FAILURE;
        }
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        wrong += number[i];
    }
    pthread_barrier_destroy(&together);
    for (int i = 0; i < tables_count; i++) wrong += msio_table_close(tables[i].table) != MSIO_OK;
    printf("%d tables, %d threads, %d wrong\n", tables_count, THREADS, wrong);
    return wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}
