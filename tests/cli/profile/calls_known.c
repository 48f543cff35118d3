/* calls_known.c - a program whose functions, lines and threads take known shares of processor time.
 * usage: calls_known MODE FILE, which is opened, so that the run has a table. Built with -g, and once more without
 * names.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile unsigned state;

static double cpu(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Where it stands is a line of known time. */
#define BURN(seconds)                                                                                                  \
    do {                                                                                                               \
        double end = cpu() + (seconds);                                                                                \
        while (cpu() < end)                                                                                            \
            for (int i = 0; i < 20000; i++) state = state * 3 + 1;                                                     \
    } while (0)

__attribute__((noinline)) static void sixty(void) {
    BURN(0.06);
    state++;
}

__attribute__((noinline)) static void thirty(void) {
    BURN(0.03);
    state++;
}

static int by_ten(const void *one, const void *other) {
    BURN(0.01); /* qsort calls it once for two numbers */
    return *(const int *)one - *(const int *)other;
}

__attribute__((noinline)) static void outer(void) {
    int list[] = {1, 2};
    sixty();
    thirty();
    qsort(list, 2, sizeof *list, by_ten);
    state++;
}

static void *run(void *unused) {
    for (int i = 0; i < 25; i++) outer();
    return unused;
}

static void on_signal(int number) {
    (void)number;
    for (int i = 0; i < 10; i++) sixty();
}

__attribute__((noinline)) static void raise_deep(int depth) {
    if (depth)
        raise_deep(depth - 1);
    else
        raise(SIGUSR1);
    state++;
}

__attribute__((noinline)) static void burn_deep(int depth) {
    volatile char room[400];
    room[0] = (char)depth;
    if (depth)
        burn_deep(depth - 1);
    else
        for (int i = 0; i < 10; i++) sixty();
    state += (unsigned)room[0];
}

static void run_children(void) {
    for (int i = 0; i < 4; i++)
        if (fork() == 0) {
            for (int k = 0; k < 5; k++) outer();
            _exit(0);
        }
    while (wait(NULL) > 0) continue;
}

int main(int argc, char **argv) {
    const char *mode = argc > 2 ? argv[1] : "";
    int fd = argc > 2 ? open(argv[2], O_RDONLY) : -1;
    if (fd < 0) return 1;
    if (strcmp(mode, "shares") == 0) {
        run(NULL);
    } else if (strcmp(mode, "threads") == 0) {
        pthread_t other;
        if (pthread_create(&other, NULL, run, NULL)) return 2;
        run(NULL);
        pthread_join(other, NULL);
    } else if (strcmp(mode, "leader") == 0) { /* ends before the other */
        pthread_t other;
        if (pthread_create(&other, NULL, run, NULL)) return 2;
        pthread_exit(NULL);
    } else if (strcmp(mode, "children") == 0) {
        run_children();
    } else if (strcmp(mode, "signal") == 0) {
        signal(SIGUSR1, on_signal);
        raise_deep(10);
    } else if (strcmp(mode, "deep") == 0) {
        burn_deep(300);
    } else {
        return 1;
    }
    return close(fd);
}
