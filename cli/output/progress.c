/* progress.c - progress bars on a terminal. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "cli/output/progress.h"

#include "cli/common/human.h"
#include "cli/common/interrupt.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define CLI_PROGRESS_AFTER 1.0
#define CLI_PROGRESS_EVERY 0.1

double cli_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void cli_progress_begin(cli_progress *progress, const cli_context *cli, const char *title, int data_on_stdout) {
    memset(progress, 0, sizeof *progress);
    snprintf(progress->title, sizeof progress->title, "%s", title);
    progress->enabled = !cli->quiet && isatty(STDERR_FILENO) && !(data_on_stdout && isatty(STDOUT_FILENO));
    progress->began = progress->last = cli_now();
}

static int terminal_width(void) {
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || size.ws_col < 20) return 80;
    return size.ws_col > 120 ? 120 : size.ws_col;
}

static void draw(const cli_progress *progress, int64_t done, int64_t total, double seconds) {
    char numbers[256], left[128] = "", bar[64];
    double share = total > 0 ? (double)done / (double)total : 0;
    if (share > 1) share = 1;
    double rest = share > 0 ? seconds * (1 - share) / share : 0;
    if (rest >= 59.5)
        snprintf(left, sizeof left, "  %s left", cli_duration(rest).text);
    else if (share > 0)
        snprintf(left, sizeof left, "  %.0f s left", ceil(rest));
    int length = snprintf(numbers, sizeof numbers, " %3d%%  %s of %s  %s%s", (int)(share * 100), cli_size(done).text,
                          cli_size(total).text, cli_rate((double)done, seconds).text, left);
    int room = terminal_width() - length - (int)strlen(progress->title) - 4;
    if (room > 40) room = 40;
    if (room < 4) {
        fprintf(stderr, "\r%s%.*s\033[K", progress->title, 6, numbers);
        return;
    }
    int filled = (int)(share * room);
    memset(bar, '#', (size_t)filled);
    memset(bar + filled, '.', (size_t)(room - filled));
    fprintf(stderr, "\r%s [%.*s]%s\033[K", progress->title, room, bar, numbers);
}

int cli_progress_update(void *user, int64_t done, int64_t total) {
    cli_progress *progress = user;
    if (progress->enabled) {
        double now = cli_now();
        if (now - progress->began >= CLI_PROGRESS_AFTER && now - progress->last >= CLI_PROGRESS_EVERY) {
            draw(progress, done, total, now - progress->began);
            progress->last = now;
            progress->drawn = 1;
        }
    }
    return cli_interrupted() != 0;
}

void cli_progress_end(cli_progress *progress) {
    if (progress->drawn) fputs("\r\033[K", stderr);
    progress->drawn = progress->enabled = 0;
}
