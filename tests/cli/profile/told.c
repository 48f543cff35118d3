/* told.c - a program that calls msio in a known way, each kind of call from a function of its own.
 * usage: told MODE TABLE; MODE: known, threads, fork, killed, held, many. Prints "NAME NUMBER" of what it did.
 */
#include <msio/msio.h>

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALLER __attribute__((noinline, visibility("default"))) void
#define THREADS 5
#define MANY 9000

static const char *path;
static msio_table *table;

/* Named in the report; so not static. */
CALLER open_it(void);
CALLER close_it(void);
CALLER read_whole(const char *name, int times);
CALLER read_two(void);
CALLER read_shapes(void);
CALLER read_in_batches(void);
CALLER loop_over_cells(int64_t rows);
CALLER write_times(void);
CALLER ask_metadata(int times);
CALLER count_flags(void);
CALLER open_missing(int times);

static void check(msio_status status) {
    if (status == MSIO_OK) return;
    fprintf(stderr, "%s\n", msio_last_error()->message);
    exit(1);
}

static void tell(const char *name, int64_t number) {
    printf("%s %" PRId64 "\n", name, number);
    fflush(stdout);
}

static const msio_column *column(const char *name) {
    const msio_column *found;
    check(msio_table_column(table, name, &found));
    return found;
}

CALLER open_it(void) { check(msio_table_open(path, NULL, &table)); }

CALLER close_it(void) { check(msio_table_close(table)); }

CALLER read_whole(const char *name, int times) {
    for (int i = 0; i < times; i++) {
        msio_array array;
        check(msio_read_new(column(name), NULL, &array, NULL));
        msio_array_free(&array);
    }
}

CALLER read_two(void) {
    const msio_column *columns[] = {column("UVW"), column("TIME")};
    const size_t rows = (size_t)msio_table_rows(table), bytes[] = {rows * 24, rows * 8};
    void *outs[] = {malloc(bytes[0]), malloc(bytes[1])};
    check(msio_read_many(2, columns, NULL, outs, bytes, NULL));
    free(outs[0]);
    free(outs[1]);
}

CALLER read_shapes(void) {
    size_t bytes;
    check(msio_read_shape(column("DATA"), NULL, NULL, NULL, &bytes));
    tell("data_bytes", (int64_t)bytes);
}

CALLER read_in_batches(void) {
    static const char *const names[] = {"DATA"};
    msio_stream_opts opts = MSIO_STREAM_OPTS_INIT;
    msio_stream *stream;
    const msio_batch *batch;
    int64_t asked = 1;
    opts.rows_per_batch = 100;
    check(msio_stream_open(table, 1, names, NULL, &opts, &stream));
    while (msio_stream_next(stream, &batch) == MSIO_OK) asked++;
    msio_stream_close(stream);
    tell("batches_asked", asked);
}

CALLER loop_over_cells(int64_t rows) {
    msio_cursor *cursor;
    float cell[1024];
    check(msio_cursor_open(column("DATA"), NULL, &cursor));
    for (int64_t row = 0; row < rows; row++) {
        size_t bytes;
        const void *data;
        if (row % 2)
            check(msio_cursor_get(cursor, row, cell, sizeof cell));
        else
            check(msio_cursor_peek(cursor, row, &data, &bytes));
    }
    check(msio_cursor_close(cursor));
}

CALLER write_times(void) {
    msio_table *writable;
    msio_open_opts opts = MSIO_OPEN_OPTS_INIT;
    const msio_column *times;
    double values[10] = {0};
    msio_select select = MSIO_SELECT_ALL;
    opts.writable = 1;
    select.rows = 10;
    check(msio_table_open(path, &opts, &writable));
    check(msio_table_column(writable, "TIME", &times));
    check(msio_write(times, &select, values, sizeof values, NULL));
    check(msio_table_close(writable));
}

CALLER ask_metadata(int times) {
    for (int i = 0; i < times; i++) {
        const msio_metadata *metadata;
        check(msio_metadata_get(path, MSIO_PER_CALL, &metadata));
        msio_metadata_release(metadata);
    }
}

CALLER count_flags(void) {
    const msio_flags *flags;
    check(msio_flags_count(path, 0, NULL, &flags));
    msio_flags_release(flags);
}

CALLER open_missing(int times) {
    for (int i = 0; i < times; i++) {
        char name[64];
        msio_table *none;
        snprintf(name, sizeof name, "/nowhere/%d.ms", i);
        if (msio_table_open(name, NULL, &none) == MSIO_OK) exit(1);
    }
}

static void *in_thread(void *unused) {
    read_whole("UVW", 20);
    return unused;
}

static void in_threads(void) {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, in_thread, NULL)) exit(1);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}

static void in_children(void) {
    int status;
    for (int i = 0; i < 3; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            open_it();
            read_whole("TIME", 4);
            ask_metadata(2);
            _exit(0);
        }
        if (waitpid(pid, &status, 0) != pid || status) exit(1);
    }
}

static void known(void) {
    read_whole("DATA", 3);
    read_two();
    read_shapes();
    read_in_batches();
    loop_over_cells(150);
    write_times();
    ask_metadata(4);
    count_flags();
    close_it();
}

/* What is held in the middle of things, and told of by msio's own count. */
static void held(void) {
    msio_cache_stats stats;
    ask_metadata(1);
    count_flags();
    msio_cache_describe(&stats);
    tell("answers", stats.bytes);
    msio_cache_clear(NULL);
    ask_metadata(1);
    msio_cache_describe(&stats);
    tell("answers_now", stats.bytes);
    read_whole("DATA", 1);
    tell("pool", (int64_t)msio_pool_kept());
    ask_metadata(1); /* what the pool keeps is looked at as a call ends */
    kill(getpid(), SIGKILL);
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    path = argv[2];
    if (strcmp(argv[1], "many") == 0) {
        open_missing(MANY);
        return 0;
    }
    open_it();
    tell("rows", msio_table_rows(table));
    if (strcmp(argv[1], "known") == 0) known();
    if (strcmp(argv[1], "threads") == 0) in_threads();
    if (strcmp(argv[1], "fork") == 0) in_children();
    if (strcmp(argv[1], "held") == 0) held();
    if (strcmp(argv[1], "killed") == 0) {
        read_whole("TIME", 70);
        kill(getpid(), SIGKILL);
    }
    return 0;
}
