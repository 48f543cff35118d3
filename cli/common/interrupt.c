/* interrupt.c - Ctrl-C and its like. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "cli/common/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t came;
/* Where data go, and what takes its place when a signal comes: a pipe without a reader. */
static volatile sig_atomic_t output = STDOUT_FILENO, readerless = -1;

/* What would end the process where an error tells more, and how each was. */
static const int ignored[] = {SIGPIPE, SIGXFSZ};
#define IGNORED (sizeof ignored / sizeof ignored[0])
static struct sigaction was[IGNORED];
static int known[IGNORED];

static void end_output(void) {
    int saved = errno;
    if (readerless >= 0) (void)dup2((int)readerless, (int)output);
    errno = saved;
}

static void note(int signal_number) {
    came = signal_number;
    end_output();
}

static void make_readerless(void) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC)) return; /* then a signal just before a write is obeyed after it */
    close(ends[0]);
    readerless = ends[1];
}

void cli_interrupt_watch(void) {
    static const int watched[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action, before;
    make_readerless();
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof watched / sizeof watched[0]; i++) {
        if (sigaction(watched[i], NULL, &before)) continue;
        if (before.sa_handler == SIG_IGN) continue; /* nohup and background jobs of a shell */
        action.sa_handler = note;
        action.sa_flags = (int)SA_RESETHAND; /* no SA_RESTART: a write that waits for a pipe's reader is to come back */
        sigaction(watched[i], &action, NULL);
    }
    action.sa_handler = SIG_IGN;
    action.sa_flags = 0;
    for (size_t i = 0; i < IGNORED; i++) known[i] = sigaction(ignored[i], &action, &was[i]) == 0;
}

void cli_interrupt_restore(void) {
    for (size_t i = 0; i < IGNORED; i++)
        if (known[i]) sigaction(ignored[i], &was[i], NULL);
}

void cli_interrupt_output(int fd) {
    output = fd;
    if (came) end_output();
}

int cli_interrupted(void) { return (int)came; }

int cli_interrupt_progress(void *user, int64_t done, int64_t total) {
    (void)user;
    (void)done;
    (void)total;
    return came != 0;
}

int cli_interrupt_asked(void *user) {
    (void)user;
    return came != 0;
}

void cli_interrupt_obey(void) {
    int signal_number = (int)came;
    if (!signal_number) return;
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}
