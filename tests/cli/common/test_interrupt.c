/* test_interrupt.c - signals that come while nobody reads the output: no moment makes the command wait. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "cli/common/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A pipe that is full; its reader reads nothing. Returns the end to write. */
static int full_pipe(void) {
    int ends[2];
    if (pipe(ends)) return -1;
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    while (write(ends[1], "x", 1) == 1) continue;
    fcntl(ends[1], F_SETFL, 0);
    return ends[1];
}

static bool write_fails(int fd, int error) { return write(fd, "y", 1) == -1 && errno == error; }

static bool before_the_write(int fd) {
    cli_interrupt_output(fd);
    if (cli_interrupted()) return false;
    raise(SIGTERM);
    return cli_interrupted() == SIGTERM && write_fails(fd, EPIPE);
}

static void *interrupt(void *thread) {
    usleep(50000);
    pthread_kill(*(pthread_t *)thread, SIGHUP);
    return NULL;
}

static bool within_the_write(int fd) {
    pthread_t self = pthread_self(), other;
    cli_interrupt_output(fd);
    if (pthread_create(&other, NULL, interrupt, &self)) return false;
    bool came_back = write(fd, "y", 1) == -1 && (errno == EINTR || errno == EPIPE);
    pthread_join(other, NULL);
    return came_back && cli_interrupted() == SIGHUP && write_fails(fd, EPIPE);
}

static bool before_the_output_is_named(int fd) {
    raise(SIGTERM);
    cli_interrupt_output(fd);
    return write_fails(fd, EPIPE);
}

static bool before_standard_output(int fd) {
    if (dup2(fd, STDOUT_FILENO) < 0) return false;
    raise(SIGTERM);
    return write_fails(STDOUT_FILENO, EPIPE);
}

/* Runs it in a child, as a process hears of a signal once; one that waits for the reader is ended by its alarm. */
static void expect(bool (*scenario)(int fd)) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct sigaction plain = {.sa_handler = SIG_DFL};
        sigaction(SIGHUP, &plain, NULL); /* nohup has it ignored */
        alarm(120);
        cli_interrupt_watch();
        _exit(scenario(full_pipe()) ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_signal_before_the_write(void **state) {
    (void)state;
    expect(before_the_write);
}

static void a_signal_within_the_write(void **state) {
    (void)state;
    expect(within_the_write);
}

static void a_signal_before_the_output_is_named(void **state) {
    (void)state;
    expect(before_the_output_is_named);
}

static void a_signal_before_standard_output(void **state) {
    (void)state;
    expect(before_standard_output);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_before_the_write),
        cmocka_unit_test(a_signal_within_the_write),
        cmocka_unit_test(a_signal_before_the_output_is_named),
        cmocka_unit_test(a_signal_before_standard_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
