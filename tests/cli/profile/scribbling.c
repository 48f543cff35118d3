/* scribbling.c - writes to the profiler's text trace what casacore never would, and in between what it would.
 * usage: scribbling WAY TABLE; prints how many accesses of column GOOD it told rightly.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ODD "/dev/.//null"
#define ROUNDS 2000

static int fd;
static const char *table;

static void put(const char *text, size_t length) {
    if (write(fd, text, length) != (ssize_t)length) exit(9);
}

static void put_line(const char *text) {
    put(text, strlen(text));
    put("\n", 1);
}

static void put_table(void) {
    char text[4096];
    snprintf(text, sizeof text, "10:00:00.000 o t=0 %s ", table);
    put_line(text);
}

static void put_good(int row) {
    char text[80];
    snprintf(text, sizeof text, "10:00:00.000 r t=0 GOOD %d [4,16]", row);
    put_line(text);
}

static const char *const hostile[] = {
    "",
    " ",
    "r",
    "10:00:00.000",
    "10:00:00.000 r",
    "10:00:00.000 r t=",
    "10:00:00.000 r t=0",
    "10:00:00.000 r t=0 ",
    "10:00:00.000 r t=0 BAD",
    "10:00:00.000 r t=0 BAD ",
    "10:00:00.000 r t=0 BAD x",
    "10:00:00.000 r t=0 BAD 5 [",
    "10:00:00.000 r t=0 BAD 5 [1,2",
    "10:00:00.000 r t=0 BAD 5 [1,-2]",
    "10:00:00.000 r t=0 BAD 5 [1,2]]",
    "10:00:00.000 r t=0 BAD 5 [1,2] [0,0][1,1]",
    "10:00:00.000 r t=0 BAD 5 [1,2] [0,0][1,1][1]",
    "10:00:00.000 r t=0 BAD 5 [1,2] [0,0][1,1][1,1]x",
    "10:00:00.000 r t=0 BAD 5 [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]",
    "10:00:00.000 r t=0 BAD 5 [99999999999999999999999999]",
    "10:00:00.000 r t=0 BAD *,5 [1]",
    "10:00:00.000 r t=9 BAD 5 [1]",
    "10:00:00.000 r t=16384 BAD 5",
    "10:00:00.000 o t=16384 /a",
    "10:00:00.000 r t=99999999999999999999999999 BAD 5",
    "10:00:00.000 R t=0 BAD 5",
    "10:00:00.000 r t=0  ",
    "10:00:00.000 r t=0 [1] [1]",
    "10:00:00.000 r 10:00:00.000 r t=0 BAD 5",
    "%n%n%s\033[31m",
};

static void *scribble(void *seed) {
    unsigned state = (unsigned)(size_t)seed;
    char noise[3000];
    for (int round = 0; round < ROUNDS; round++) {
        state = state * 1664525u + 1013904223u;
        size_t n = 0, length = (state >> 8) % sizeof noise;
        for (; n < length; n++) {
            state = state * 1664525u + 1013904223u;
            noise[n] = (char)(state >> 24);
        }
        put(noise, length);
    }
    return NULL;
}

static void by_threads(void) {
    pthread_t thread[8];
    for (size_t i = 0; i < 8; i++)
        if (pthread_create(&thread[i], NULL, scribble, (void *)(i + 1))) exit(8);
    for (size_t i = 0; i < 8; i++) pthread_join(thread[i], NULL);
}

/* A row list of a million bytes, in pieces as a stream's buffer gives them. */
static void long_line(void) {
    char piece[8192];
    for (size_t i = 0; i < sizeof piece; i++) piece[i] = i % 2 ? ',' : '7';
    put("10:00:00.000 r t=0 LONG ", 24);
    for (int i = 0; i < 128; i++) put(piece, sizeof piece);
    put_line("7 [2,3,10]");
}

/* What closes all that is open does not close the text: its number would be another file's. */
static void after_closing(const char *path) {
    char text[16] = "";
    close(fd);
    closefrom(3);
    close_range(3, ~0u, 0);
    int taken = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    put_good(3);
    if (pread(taken, text, sizeof text, 0) != 0) exit(7);
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    table = argv[2];
    FILE *stream = fopen(ODD, "w");
    if (!stream) return 3;
    fd = fileno(stream);
    int good = 0;
    put_table();
    put_good(good++);
    if (!strcmp(argv[1], "lines"))
        for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) put_line(hostile[i]);
    else if (!strcmp(argv[1], "noise"))
        by_threads();
    else if (!strcmp(argv[1], "long"))
        long_line();
    else if (!strcmp(argv[1], "closed") && argc == 4)
        after_closing(argv[3]), good++;
    else
        return 2;
    put("\n", 1);
    put_good(good++);
    printf("%d\n", good);
    return fclose(stream) ? 4 : 0;
}
