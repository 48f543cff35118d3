/* tries.c - the tries of a measurement, and how busy the machine was meanwhile. */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE /* getloadavg */
#endif
#include "cli/measure/tries.h"

#include "cli/common/failure.h"
#include "cli/output/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define CLI_LONG_ENOUGH 0.1 /* s: /proc/stat counts in hundredths */
#define CLI_TRIES_MOST 20000

static double seconds_of(struct timeval time) { return (double)time.tv_sec + 1e-6 * (double)time.tv_usec; }

static double own_time(void) {
    struct rusage own, children;
    if (getrusage(RUSAGE_SELF, &own) || getrusage(RUSAGE_CHILDREN, &children)) return 0;
    return seconds_of(own.ru_utime) + seconds_of(own.ru_stime) + seconds_of(children.ru_utime) +
           seconds_of(children.ru_stime);
}

/* The first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal; guests are within user. */
static cli_busy look(void) {
    cli_busy now = {-1, own_time(), 0};
    uint64_t ticks[8], all = 0;
    FILE *file = fopen("/proc/stat", "re");
    int count = file ? fscanf(file,
                              "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
                              " %" SCNu64,
                              &ticks[0], &ticks[1], &ticks[2], &ticks[3], &ticks[4], &ticks[5], &ticks[6], &ticks[7])
                     : 0;
    double a_second = (double)sysconf(_SC_CLK_TCK);
    if (file) fclose(file);
    if (count != 8 || a_second <= 0) return now;
    for (int i = 0; i < 8; i++) all += ticks[i];
    now.there = (double)all / a_second;
    now.all = (double)(all - ticks[3] - ticks[4]) / a_second;
    return now;
}

void cli_tries_begin(cli_tries *tries) {
    *tries = (cli_tries)CLI_TRIES_INIT;
    tries->before = look();
    tries->began = cli_now();
}

int cli_tries_more(const cli_tries *tries, int least) {
    if (tries->count < least) return 1;
    return tries->count < CLI_TRIES_MOST && cli_now() - tries->began < CLI_LONG_ENOUGH;
}

void cli_tries_add(cli_tries *tries, double seconds) {
    if (tries->count == tries->room) {
        tries->room = tries->room ? 2 * tries->room : 16;
        tries->seconds = cli_resize(tries->seconds, (size_t)tries->room, sizeof *tries->seconds);
    }
    tries->seconds[tries->count++] = seconds;
    tries->sum += seconds;
    if (tries->best < 0 || seconds < tries->best) tries->best = seconds;
}

void cli_tries_end(cli_tries *tries) {
    cli_busy now = look();
    double there = now.there - tries->before.there, others = now.all - tries->before.all;
    if (getloadavg(&tries->load, 1) != 1) tries->load = -1;
    if (now.all < 0 || tries->before.all < 0 || there <= 0) return;
    double share = (others - (now.own - tries->before.own)) / there;
    tries->others = share < 0 ? 0 : share > 1 ? 1 : share;
}

int cli_tries_met(const cli_tries *tries, double target) {
    int met = 0;
    for (int i = 0; i < tries->count; i++) met += tries->seconds[i] <= target;
    return met;
}

void cli_tries_free(cli_tries *tries) {
    free(tries->seconds);
    *tries = (cli_tries)CLI_TRIES_INIT;
}
