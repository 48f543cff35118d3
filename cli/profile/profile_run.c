/* profile_run.c - the profiled program: its folder and counters made before it starts, its memory watched meanwhile. */
#include "cli/profile/profile.h"

#include "cli/common/failure.h"
#include "cli/common/interrupt.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIBRARY "libmsio_profile.so"
#define WATCH_NS 10000000      /* between looks whether it still runs */
#define LOOKS_PER_MOMENT 10    /* its memory is looked at each so many */
#define PATIENCE 5.0           /* s that a program is given to end after a signal */
#define MOMENTS_MOST (1 << 20) /* 29 hours at 10 a second */
#define PROCESSES_MOST 1024

/* ---------------------------------------------------------------- the library */

int cli_profile_library(const cli_context *cli, char path[PATH_MAX]) {
    char self[PATH_MAX];
    const char *named = getenv("MSIO_PROFILE_LIBRARY");
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(self, '/');
    if (slash) *slash = '\0';
    const char *const forms[] = {"%s/" LIBRARY, "%s/" MSIO_MODULES "/" LIBRARY};
    if (named && *named && realpath(named, path) && access(path, R_OK) == 0) return 0;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        char place[2 * PATH_MAX];
        /* both forms take the command's folder */
        snprintf(place, sizeof place, i ? "%s/" MSIO_MODULES "/" LIBRARY : "%s/" LIBRARY, self);
        if (realpath(place, path) && access(path, R_OK) == 0) return 0;
    }
    return cli_fail(cli, MSIO_E_NOT_FOUND, NULL,
                    LIBRARY " stands neither beside the command in %s nor in %s/" MSIO_MODULES
                            ": install it, or name it in MSIO_PROFILE_LIBRARY",
                    self, self);
}

/* ---------------------------------------------------------------- the folder */

/* Names of what a former profile left in its folder. */
static const char *const own_files[] = {
    PROFILE_FILE, PROFILE_EVENTS_FILE,       "report.txt",     "report.json",     "report.html",  "counts.tsv",
    "memory.csv", "profile.speedscope.json", "profile.folded", "accesses.folded", "profile.prof", "cpu.folded",
    "trace.json"};

static bool is_own(const char *name) {
    if (prof_is_lines_file(name)) return true;
    for (size_t i = 0; i < sizeof own_files / sizeof own_files[0]; i++)
        if (strcmp(name, own_files[i]) == 0) return true;
    return false;
}

/* A folder that is there is used when it is empty, or holds a former profile and nothing else. */
static int take_over(const cli_context *cli, const char *folder) {
    char path[2 * PATH_MAX];
    DIR *listing = opendir(folder);
    if (!listing) return cli_fail_system(cli, folder, "the folder for the profile cannot be used");
    int code = 0;
    for (struct dirent *entry; !code && (entry = readdir(listing));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || is_own(entry->d_name)) continue;
        code = cli_fail(cli, MSIO_E_ARGUMENT, folder,
                        "the folder holds %s, which is of no profile: name another folder", entry->d_name);
    }
    rewinddir(listing);
    for (struct dirent *entry; !code && (entry = readdir(listing));) {
        if (!is_own(entry->d_name)) continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (unlink(path)) code = cli_fail_system(cli, path, "the former profile's file cannot be removed");
    }
    closedir(listing);
    if (!code && chmod(folder, 0700)) code = cli_fail_system(cli, folder, "the folder cannot be made private");
    return code;
}

int cli_profile_folder(const cli_context *cli, const char *wanted, cli_profile_run *run) {
    char name[64];
    for (int i = 1; !wanted && i < 10000; i++) {
        snprintf(name, sizeof name, i == 1 ? "msio-profile" : "msio-profile-%d", i);
        if (mkdir(name, 0700) == 0) {
            wanted = name;
            break;
        }
        if (errno != EEXIST) return cli_fail_system(cli, name, "the folder for the profile cannot be made");
    }
    if (!wanted) return cli_fail(cli, MSIO_E_ARGUMENT, NULL, "msio-profile to msio-profile-9999 are all there");
    if (wanted != name && mkdir(wanted, 0700)) {
        if (errno != EEXIST) return cli_fail_system(cli, wanted, "the folder for the profile cannot be made");
        int code = take_over(cli, wanted);
        if (code) return code;
    }
    if (realpath(wanted, run->folder) && strlen(run->folder) < 3900) return 0;
    return cli_fail(cli, MSIO_E_ARGUMENT, wanted, "the folder's path is too long, or is gone");
}

/* A file that the run's processes map, allocated whole: none of them can find the disk full while it counts. *map, if
 * not NULL: its bytes, to be looked at; it may stay as it is. */
static int make_shared(const cli_context *cli, const cli_profile_run *run, const char *name, const profile_head *head,
                       const void **map) {
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/%s", run->folder, name);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return cli_fail_system(cli, path, "the counters cannot be made");
    int failed = posix_fallocate(fd, 0, (off_t)head->bytes), code = 0;
    errno = failed;
    if (failed)
        code = cli_fail_system(cli, path, "no room for %u MiB of counters", head->bytes >> 20);
    else if (pwrite(fd, head, sizeof *head, 0) != (ssize_t)sizeof *head)
        code = cli_fail_system(cli, path, "the counters cannot be written");
    void *bytes = code || !map ? MAP_FAILED : mmap(NULL, head->bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (bytes != MAP_FAILED) *map = bytes;
    close(fd);
    return code;
}

int cli_profile_prepare(const cli_context *cli, const char *folder, cli_profile_run *run) {
    struct timespec now;
    const void *map = NULL;
    profile_head counters = {
        PROFILE_MAGIC, PROFILE_VERSION, (uint32_t)sizeof(profile_segment), 0, (uint32_t)run->stack_hz, 0};
    const profile_head events = {
        PROFILE_EVENTS_MAGIC, PROFILE_EVENTS_VERSION, (uint32_t)sizeof(profile_events), 0, 0, 0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    counters.started = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    int code = cli_profile_folder(cli, folder, run);
    if (!code) code = make_shared(cli, run, PROFILE_FILE, &counters, &map);
    if (!code && run->trace) code = make_shared(cli, run, PROFILE_EVENTS_FILE, &events, NULL);
    run->counters = map;
    return code;
}

/* ---------------------------------------------------------------- memory and processor time */

/* Fields of /proc/PID/stat behind the command's closing bracket: state, parent, ... */
static bool read_stat(int pid, char *bytes, size_t size, char **fields) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    ssize_t n = read(fd, bytes, size - 1);
    close(fd);
    if (n <= 0) return false;
    bytes[n] = '\0';
    char *bracket = strrchr(bytes, ')');
    *fields = bracket ? bracket + 2 : NULL;
    return bracket != NULL;
}

/* Field `wanted` of those, counted from 0. */
static long long field(const char *fields, int wanted) {
    for (int i = 0; i < wanted && fields; i++) {
        fields = strchr(fields, ' ');
        if (fields) fields++;
    }
    return fields ? atoll(fields) : 0;
}

static int children_of(int pid, int *list, int n) {
    char path[64], text[8192];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
    FILE *file = fopen(path, "re");
    if (!file) return n;
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    for (char *at = text, *end; n < PROCESSES_MOST; at = end) {
        long child = strtol(at, &end, 10);
        if (end == at || child <= 0) break;
        list[n++] = (int)child;
    }
    return n;
}

/* Of the program and of all that it started and that still runs. */
static cli_profile_moment look(int pid, double seconds) {
    static int list[PROCESSES_MOST];
    cli_profile_moment m = {.seconds = seconds};
    char bytes[1024], *fields;
    int n = 1;
    double tick = (double)sysconf(_SC_CLK_TCK);
    list[0] = pid;
    for (int i = 0; i < n; i++) {
        n = children_of(list[i], list, n);
        if (!read_stat(list[i], bytes, sizeof bytes, &fields)) continue;
        m.processes++;
        m.cpu += (double)(field(fields, 11) + field(fields, 12)) / tick;
        m.threads += (int)field(fields, 17);
        m.resident += field(fields, 21) * sysconf(_SC_PAGESIZE);
    }
    return m;
}

static void keep(cli_profile_run *run, cli_profile_moment moment) {
    if (moment.processes == 0 || run->moments >= MOMENTS_MOST) return;
    if (run->counters) {
        moment.read = (int64_t)run->counters->table_bytes_read;
        moment.written = (int64_t)run->counters->table_bytes_written;
    }
    if (run->moments == run->room) {
        int room = run->room ? 2 * run->room : 256;
        cli_profile_moment *grown = realloc(run->moment, (size_t)room * sizeof *grown);
        if (!grown) return;
        run->moment = grown;
        run->room = room;
    }
    run->moment[run->moments++] = moment;
}

void cli_profile_end(const cli_profile_run *run) {
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/" PROFILE_FILE, run->folder);
    unlink(path);
    prof_remove_chosen(run->folder);
    snprintf(path, sizeof path, "%s/" PROFILE_EVENTS_FILE, run->folder);
    unlink(path);
}

void cli_profile_run_free(cli_profile_run *run) {
    cli_profile_samples_free(&run->samples);
    if (run->counters) munmap((void *)(uintptr_t)run->counters, sizeof *run->counters);
    free(run->moment);
}

/* ---------------------------------------------------------------- the program */

bool cli_profile_find_program(const char *name, char path[PATH_MAX]) {
    const char *folders = getenv("PATH");
    if (strchr(name, '/')) return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX;
    for (const char *at = folders ? folders : "/usr/bin:/bin"; *at;) {
        size_t length = strcspn(at, ":");
        if (snprintf(path, PATH_MAX, "%.*s/%s", (int)length, length ? at : ".", name) < PATH_MAX &&
            access(path, X_OK) == 0)
            return true;
        at += length;
        if (*at) at++;
    }
    return false;
}

/* Whether it is an ELF program without an interpreter: then nothing is loaded in front of it. */
static int is_static(const char *name) {
    char path[PATH_MAX];
    Elf64_Ehdr head;
    Elf64_Phdr part;
    int found = 0, fd = cli_profile_find_program(name, path) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return 0;
    if (read(fd, &head, sizeof head) == sizeof head && memcmp(head.e_ident, ELFMAG, SELFMAG) == 0 &&
        head.e_ident[EI_CLASS] == ELFCLASS64 && head.e_phentsize == sizeof part) {
        found = 1;
        for (int i = 0; i < head.e_phnum; i++)
            if (pread(fd, &part, sizeof part, (off_t)(head.e_phoff + (uint64_t)i * sizeof part)) == sizeof part &&
                part.p_type == PT_INTERP)
                found = 0;
    }
    close(fd);
    return found;
}

/* Our library first, then the program's own preloads. */
static void set_environment(const cli_profile_run *run, const char *library) {
    char value[2 * PATH_MAX];
    const char *others = getenv("LD_PRELOAD");
    snprintf(value, sizeof value, "%s%s%s", library, others && *others ? ":" : "", others ? others : "");
    setenv("LD_PRELOAD", value, 1);
    snprintf(value, sizeof value, "profile%s%s%s%s:%s", run->every_call ? "+calls" : "", run->trace ? "+trace" : "",
             *run->lines_of ? "+lines=" : "", run->lines_of, run->folder);
    setenv("MSIO_PROF", value, 1);
}

/* Its output into the log, its group and its folder its own. 0: with errno. */
static int stand_apart(const cli_profile_run *run) {
    int log = open(run->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600),
        null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return log >= 0 && null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(log, STDOUT_FILENO) >= 0 &&
           dup2(log, STDERR_FILENO) >= 0 && (!run->place || chdir(run->place) == 0);
}

__attribute__((noreturn)) static void become(const cli_context *cli, const cli_profile_run *run, const char *library,
                                             int go, int report) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        struct sigaction now;
        if (sigaction(signals[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN) signal(signals[i], SIG_DFL);
    }
    cli_interrupt_restore();
    int ready = 1;
    if (run->log)
        ready = stand_apart(run);
    else if (cli->json)
        dup2(STDERR_FILENO, STDOUT_FILENO); /* standard output is the report's */
    set_environment(run, library);
    char byte;
    (void)!read(go, &byte, 1); /* ends when the sampler is there */
    if (ready) execvp(run->program[0], run->program);
    int failed = errno;
    ssize_t told = write(report, &failed, sizeof failed);
    (void)told;
    _exit(127);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double time_of(const struct timeval *t) { return (double)t->tv_sec + 1e-6 * (double)t->tv_usec; }

/* Hands the signal on to a group of its own, and ends it when it goes on all the same. */
static void end_group(pid_t pid, int came, double *passed_on) {
    if (*passed_on <= 0) {
        *passed_on = now();
        kill(-pid, came);
    } else if (now() - *passed_on > PATIENCE) {
        kill(-pid, SIGKILL);
    }
}

/* Waits for its end; what the terminal sends goes to the program too, and here nothing but the report is at stake. */
static void watch(cli_profile_run *run, pid_t pid, cli_profile_sampler *sampler, double began) {
    struct rusage used;
    int status = 0, looks = 0;
    double passed_on = 0;
    for (;;) {
        pid_t ended = wait4(pid, &status, WNOHANG, &used);
        if (ended == pid || (ended < 0 && errno != EINTR)) break;
        int came = cli_interrupted();
        if (came && run->log)
            end_group(pid, came, &passed_on);
        else if (came && came != SIGINT && passed_on <= 0)
            passed_on = now(), kill(pid, came);
        if (looks++ % LOOKS_PER_MOMENT == 0) keep(run, look(pid, now() - began));
        cli_profile_sampler_drain(sampler);
        nanosleep(&(struct timespec){0, WATCH_NS}, NULL);
    }
    run->seconds = now() - began;
    run->user = time_of(&used.ru_utime);
    run->system = time_of(&used.ru_stime);
    run->peak = (int64_t)used.ru_maxrss * 1024;
    run->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    run->code = run->signal ? 128 + run->signal : WEXITSTATUS(status);
    if (getloadavg(&run->load, 1) != 1) run->load = -1;
}

int cli_profile_execute(const cli_context *cli, cli_profile_run *run) {
    char library[PATH_MAX];
    int ends[2], go[2], failed = 0, code = cli_profile_library(cli, library);
    if (code) return code;
    if (pipe2(ends, O_CLOEXEC) || pipe2(go, O_CLOEXEC)) return cli_fail_system(cli, NULL, "no pipe can be made");
    run->static_program = is_static(run->program[0]);
    fflush(stdout);
    fflush(stderr);
    pid_t pid = fork();
    if (pid == 0) {
        close(go[1]);
        become(cli, run, library, go[0], ends[1]);
    }
    close(ends[1]);
    close(go[0]);
    if (pid < 0) {
        close(go[1]);
        close(ends[0]);
        return cli_fail_system(cli, NULL, "no process can be made");
    }
    cli_profile_sampler *sampler = cli_profile_sampler_open(pid, run->sample_hz, run->counters);
    double began = now();
    close(go[1]);
    ssize_t told = read(ends[0], &failed, sizeof failed); /* ends when the program begins */
    close(ends[0]);
    if (told == (ssize_t)sizeof failed) {
        waitpid(pid, NULL, 0);
        cli_profile_sampler_close(sampler, &run->samples);
        errno = failed;
        return cli_fail_system(cli, run->program[0], "the program cannot be started");
    }
    watch(run, pid, sampler, began);
    cli_profile_sampler_close(sampler, &run->samples);
    return 0;
}
