/* sampled.c - a program of known shares: 70% of its processor time through the table layer, 30% without.
 * usage: sampled FILE, which is opened, so that the run has a table.
 */
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

void through_layer(void (*work)(void));

static volatile unsigned state;
static double part; /* seconds */

static double cpu(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void burn(void) {
    double end = cpu() + part;
    do
        for (int i = 0; i < 100000; i++) state = state * 3 + 1;
    while (cpu() < end);
}

int main(int argc, char **argv) {
    int fd = argc > 1 ? open(argv[1], O_RDONLY) : -1;
    for (int i = 0; i < 25; i++) {
        part = 0.07;
        through_layer(burn);
        part = 0.03;
        burn();
    }
    return close(fd);
}
