/* compare_run.c - one run of a command: timed from its start to its end, counted by the kernel, ended with all that it
 * started when a signal comes. */
#include "cli/common/failure.h"
#include "cli/common/interrupt.h"
#include "cli/compare/comparing.h"
#include "cli/output/grid.h"
#include "cli/output/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS 100    /* between looks whether a signal came */
#define GRACE_MS 2000  /* for a command that is asked to end, before it is made to */
#define TAIL_BYTES 400 /* of what a command said, shown when it failed */
#define COUNT_INSTRUCTIONS 0

const char *const cli_compared_names[CLI_COMPARED_COUNTS] = {"instructions",  "bytes read",         "bytes written",
                                                             "read calls",    "write calls",        "bytes from disk",
                                                             "bytes to disk", "peak resident bytes"};

static char no_instructions[120] = "no command was run yet";

const char *cli_compared_no_instructions(void) { return no_instructions; }

/* A counter of the process and of all that it will start, from its exec on; -1 where there is none. */
static int count_instructions(pid_t pid) {
    struct perf_event_attr a = {.size = sizeof a, .type = PERF_TYPE_HARDWARE, .config = PERF_COUNT_HW_INSTRUCTIONS};
    a.exclude_kernel = a.exclude_hv = a.inherit = a.disabled = a.enable_on_exec = 1;
    int fd = (int)syscall(SYS_perf_event_open, &a, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (fd < 0)
        snprintf(no_instructions, sizeof no_instructions, "%s",
                 errno == ENOENT || errno == EOPNOTSUPP ? "this machine's processor does not count them for its guests"
                 : errno == EACCES || errno == EPERM    ? "the kernel does not allow it (perf_event_paranoid)"
                                                        : strerror(errno));
    else
        no_instructions[0] = '\0';
    return fd;
}

/* The child, once its counter is there. */
__attribute__((noreturn)) static void become(const char *command, const int go[2], int said) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    char byte;
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) signal(signals[i], SIG_DFL);
    cli_interrupt_restore();
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(said, STDERR_FILENO);
    close(go[1]);
    (void)!read(go[0], &byte, 1);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

/* A number behind a name in /proc/PID/io, which a process that ended keeps until it is waited for, its own children's
 * with it. */
static int64_t io_field(const char *text, const char *name) {
    const char *at = strstr(text, name);
    return at ? strtoll(at + strlen(name), NULL, 10) : -1;
}

static void take_counts(pid_t pid, int instructions, cli_compared_run *run) {
    static const char *const fields[] = {
        "rchar: ", "wchar: ", "syscr: ", "syscw: ", "\nread_bytes: ", "\nwrite_bytes: "};
    char path[64], text[1024] = "";
    uint64_t counted;
    snprintf(path, sizeof path, "/proc/%d/io", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    if (fd >= 0) close(fd);
    text[n > 0 ? n : 0] = '\0';
    run->count[COUNT_INSTRUCTIONS] =
        instructions >= 0 && read(instructions, &counted, sizeof counted) == sizeof counted ? (int64_t)counted : -1;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) run->count[1 + i] = io_field(text, fields[i]);
}

/* The end of what it said, on one line. */
static void tail_of(int said, char *text, size_t size) {
    off_t length = lseek(said, 0, SEEK_END), from = length > (off_t)size - 1 ? length - ((off_t)size - 1) : 0;
    ssize_t n = pread(said, text, size - 1, from);
    text[n > 0 ? n : 0] = '\0';
    for (size_t end = strlen(text); end > 0 && text[end - 1] == '\n'; end--) text[end - 1] = '\0';
    for (char *c = text; *c; c++)
        if (*c == '\n') *c = '|';
}

static int tell_failure(const cli_context *cli, const char *what, int status, int said) {
    char tail[TAIL_BYTES], shown[TAIL_BYTES];
    tail_of(said, tail, sizeof tail);
    cli_printable(shown, sizeof shown, tail, strlen(tail));
    const char *before = shown[0] ? "; it said: " : "; it said nothing";
    if (WIFSIGNALED(status))
        return cli_fail(cli, MSIO_E_IO, NULL, "%s was ended by signal %d (%s)%s%s", what, WTERMSIG(status),
                        strsignal(WTERMSIG(status)), before, shown);
    return cli_fail(cli, MSIO_E_IO, NULL, "%s ended with exit code %d%s%s", what, WEXITSTATUS(status), before, shown);
}

/* Waits until it has ended, without taking its place among the processes. Returns -1 where a signal came. */
static int await(pid_t pid, int pidfd, int within_ms) {
    siginfo_t info;
    for (int waited = 0;; waited += LOOK_MS) {
        struct pollfd p = {pidfd, POLLIN, 0};
        memset(&info, 0, sizeof info);
        if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT | WNOHANG) == 0 && info.si_pid == pid) return 0;
        if (within_ms < 0 && cli_interrupted()) return -1;
        if (within_ms >= 0 && waited >= within_ms) return -1;
        if (pidfd >= 0)
            poll(&p, 1, LOOK_MS);
        else
            nanosleep(&(struct timespec){0, 200000}, NULL), waited -= LOOK_MS - 1;
    }
}

/* Ends it and all of its group: asked first. */
static void end_all(pid_t pid, int pidfd) {
    kill(-pid, SIGTERM);
    await(pid, pidfd, GRACE_MS);
    kill(-pid, SIGKILL);
}

int cli_compared_run_once(const cli_context *cli, const char *what, const char *command, cli_compared_run *run) {
    int go[2], status = 0, code = 0;
    struct rusage used;
    int said = memfd_create("said", MFD_CLOEXEC);
    if (said < 0 || pipe2(go, O_CLOEXEC)) {
        if (said >= 0) close(said);
        return cli_fail_system(cli, NULL, "%s cannot be started", what);
    }
    pid_t pid = fork();
    if (pid == 0) become(command, go, said);
    close(go[0]);
    if (pid < 0) {
        code = cli_fail_system(cli, NULL, "%s cannot be started", what);
        close(go[1]);
        close(said);
        return code;
    }
    setpgid(pid, pid);
    int instructions = count_instructions(pid), pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    double began = cli_now();
    close(go[1]);
    int stopped = await(pid, pidfd, -1);
    run->seconds = cli_now() - began;
    if (stopped) end_all(pid, pidfd);
    if (!stopped) take_counts(pid, instructions, run);
    while (wait4(pid, &status, 0, &used) < 0 && errno == EINTR) continue;
    run->count[CLI_COMPARED_COUNTS - 1] = (int64_t)used.ru_maxrss * 1024;
    if (stopped)
        code = CLI_INPUT; /* main ends by the signal */
    else if (status)
        code = tell_failure(cli, what, status, said);
    if (instructions >= 0) close(instructions);
    if (pidfd >= 0) close(pidfd);
    close(said);
    return code;
}
