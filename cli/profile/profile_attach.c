/* profile_attach.c - `msio profile attach PID`: a running process, looked at from outside.
 *
 * Nothing is put into the process, and it is not stopped: /proc tells which files it has open and where their positions
 * stand, 50 times a second. Stacks of Python are py-spy's work, where it is installed.
 */
#include "cli/profile/profile.h"

#include "cli/common/failure.h"
#include "cli/common/human.h"
#include "cli/common/interrupt.h"
#include "cli/common/json.h"
#include "cli/output/grid.h"
#include "msio/locate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NS 20000000
#define FILES_MOST 1024
#define PLACES_MOST 256 /* of different columns and files */

extern char **environ;

/* A file of a table, or an HDF5 file, that the process has open by some descriptor. */
typedef struct watched {
    char *path;
    int fd;
    int64_t position;
    int64_t moved; /* looks that found it elsewhere */
} watched;

/* Looks that found a file's position in a column. */
typedef struct spot {
    char *table, *file, *column;
    int64_t looks, first_row, last_row; /* -1: unknown */
} spot;

typedef struct attached {
    int pid;
    char command[192];
    double seconds, cpu;
    int64_t looks, resident, read_bytes, read_calls, write_bytes, write_calls; /* -1: the system does not tell */
    watched file[FILES_MOST];
    int files;
    spot spot[PLACES_MOST];
    int spots, lost, still;
    const char *stacks; /* why there are none; NULL: profile.folded has them */
} attached;

/* ---------------------------------------------------------------- what /proc tells */

static ssize_t read_proc(int pid, const char *name, char *text, size_t size) {
    char path[128];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
    if (fd >= 0) close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n;
}

/* The number behind a name in lines "name: number"; -1: it is not there. */
static int64_t number_of(const char *text, const char *name) {
    const char *at = strstr(text, name);
    return at ? (int64_t)strtoll(at + strlen(name), NULL, 10) : -1;
}

/* Bytes and calls of reading, and of writing, since the process began; -1: the system does not tell. */
#define TOTALS 4
static void read_totals(int pid, int64_t totals[TOTALS]) {
    static const char *const names[TOTALS] = {"rchar: ", "syscr: ", "wchar: ", "syscw: "};
    char text[1024];
    bool told = read_proc(pid, "io", text, sizeof text) > 0;
    for (int i = 0; i < TOTALS; i++) totals[i] = told ? number_of(text, names[i]) : -1;
}

/* Processor seconds and resident bytes, of /proc/PID/stat behind the command's bracket. */
static void read_use(attached *a, double *cpu) {
    char text[1024];
    long long user = 0, system = 0, pages = 0;
    if (read_proc(a->pid, "stat", text, sizeof text) <= 0) return;
    const char *bracket = strrchr(text, ')');
    if (!bracket || sscanf(bracket,
                           ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld %*d %*d %*d %*d %*d %*d %*u "
                           "%*u %lld",
                           &user, &system, &pages) != 3)
        return;
    *cpu = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
    a->resident = pages * sysconf(_SC_PAGESIZE);
}

/* ---------------------------------------------------------------- descriptors */

static bool is_of_interest(const char *path) {
    static const char *const ends[] = {".uvh5", ".hdf5", ".h5"};
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t length = strlen(name);
    if (path[0] != '/') return false;
    if (strncmp(name, "table.", 6) == 0) return strcmp(name, "table.lock") != 0;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (length > strlen(ends[i]) && strcmp(name + length - strlen(ends[i]), ends[i]) == 0) return true;
    return false;
}

static watched *watched_of(attached *a, int fd, const char *path) {
    for (int i = 0; i < a->files; i++)
        if (a->file[i].fd == fd && strcmp(a->file[i].path, path) == 0) return &a->file[i];
    if (a->files == FILES_MOST) {
        a->lost++;
        return NULL;
    }
    a->file[a->files] = (watched){cli_copy(path), fd, -1, 0};
    return &a->file[a->files++];
}

static bool is_hdf5(const char *path) {
    const char *slash = strrchr(path, '/');
    return strncmp(slash ? slash + 1 : path, "table.", 6) != 0;
}

typedef struct found_part {
    char column[200];
    int64_t first, last;
} found_part;

static int take_part(void *user, const msio_located *part) {
    found_part *to = user;
    snprintf(to->column, sizeof to->column, "%s%s%s", part->column ? "" : "(", part->column ? part->column : part->what,
             part->column ? "" : ")");
    to->first = part->row;
    to->last = part->row >= 0 ? part->row + part->rows - 1 : -1;
    return 1;
}

/* What stands before a position is what was read or written last. */
static void count_spot(attached *a, const watched *w) {
    char table[PATH_MAX], file[256];
    found_part part = {"(unknown)", -1, -1};
    const char *slash = strrchr(w->path, '/');
    snprintf(file, sizeof file, "%.250s", slash + 1);
    snprintf(table, sizeof table, "%.*s", is_hdf5(w->path) ? (int)strlen(w->path) : (int)(slash - w->path), w->path);
    if (w->position > 0) msio_locate(table, file, w->position - 1, 1, take_part, &part);
    spot *to = NULL;
    for (int i = 0; i < a->spots && !to; i++)
        if (strcmp(a->spot[i].table, table) == 0 && strcmp(a->spot[i].file, file) == 0 &&
            strcmp(a->spot[i].column, part.column) == 0)
            to = &a->spot[i];
    if (!to && a->spots == PLACES_MOST) {
        a->lost++;
        return;
    }
    if (!to) {
        to = &a->spot[a->spots++];
        *to = (spot){cli_copy(table), cli_copy(file), cli_copy(part.column), 0, part.first, part.last};
    }
    to->looks++;
    if (part.first >= 0 && (to->first_row < 0 || part.first < to->first_row)) to->first_row = part.first;
    if (part.last > to->last_row) to->last_row = part.last;
}

/* Looks at all descriptors, once. False: the process is gone, or is not to be looked at: errno. */
static bool look(attached *a) {
    char folder[64], link[PATH_MAX], text[512], name[64];
    snprintf(folder, sizeof folder, "/proc/%d/fd", a->pid);
    DIR *listing = opendir(folder);
    if (!listing) return false;
    for (struct dirent *entry; (entry = readdir(listing));) {
        if (entry->d_name[0] == '.') continue;
        ssize_t length = readlinkat(dirfd(listing), entry->d_name, link, sizeof link - 1);
        link[length > 0 ? length : 0] = '\0';
        if (!is_of_interest(link)) continue;
        snprintf(name, sizeof name, "fdinfo/%.20s", entry->d_name);
        watched *w = watched_of(a, atoi(entry->d_name), link);
        if (!w || read_proc(a->pid, name, text, sizeof text) <= 0) continue;
        int64_t position = number_of(text, "pos:");
        bool moved = w->position >= 0 && position != w->position;
        w->position = position;
        w->moved += moved;
        if (moved) count_spot(a, w);
    }
    closedir(listing);
    a->looks++;
    return true;
}

/* ---------------------------------------------------------------- py-spy */

/* Has it write FOLDER/profile.folded. 0: it was not started. */
static pid_t begin_stacks(attached *a, const char *folder, double seconds, int hz) {
    char pid[16], rate[16], duration[32], file[PATH_MAX + 32];
    pid_t child = 0;
    snprintf(pid, sizeof pid, "%d", a->pid);
    snprintf(rate, sizeof rate, "%d", hz > 0 ? hz : 100);
    snprintf(duration, sizeof duration, "%.0f", seconds < 1 ? 1 : seconds);
    snprintf(file, sizeof file, "%s/profile.folded", folder);
    char *const words[] = {"py-spy",   "record", "--pid",    pid,  "--rate",        rate, "--duration", duration,
                           "--format", "raw",    "--output", file, "--nonblocking", NULL};
    posix_spawn_file_actions_t quietly;
    posix_spawn_file_actions_init(&quietly);
    posix_spawn_file_actions_addopen(&quietly, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&quietly, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    int failed = hz > 0 ? posix_spawnp(&child, words[0], &quietly, NULL, words, environ) : 0;
    posix_spawn_file_actions_destroy(&quietly);
    if (failed) a->stacks = "py-spy is not installed (pip install py-spy)";
    if (hz == 0) a->stacks = "none were asked for";
    return failed || hz == 0 ? 0 : child;
}

static void end_stacks(attached *a, pid_t child) {
    int status = 0;
    if (child <= 0) return;
    do
        if (cli_interrupted()) kill(child, SIGINT);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        a->stacks = "py-spy could not sample the process: it runs no Python, or the right to trace it is missing";
}

/* ---------------------------------------------------------------- the report */

static int most_looks(const void *one, const void *other) {
    const spot *x = one, *y = other;
    return x->looks > y->looks ? -1 : x->looks < y->looks;
}

static void put_text(FILE *out, const attached *a) {
    static const char *const titles[] = {"table", "column", ">looks", "rows", "file", NULL};
    char shown[512], table[512], column[512], file[512];
    cli_grid grid;
    fprintf(out, "msio profile: attached to process %d (%s) for %s: %s looks\n", a->pid,
            cli_printable(shown, sizeof shown, a->command, strlen(a->command)), cli_duration(a->seconds).text,
            cli_count(a->looks).text);
    fprintf(out, "%s CPU, %s resident", cli_duration(a->cpu).text, cli_size(a->resident).text);
    if (a->read_bytes >= 0)
        fprintf(out, ", read %s in %s calls, wrote %s in %s", cli_size(a->read_bytes).text,
                cli_count(a->read_calls).text, cli_size(a->write_bytes).text, cli_count(a->write_calls).text);
    fputs("\n\n", out);
    if (a->spots) cli_grid_begin(&grid, titles);
    for (int i = 0; i < a->spots; i++) {
        const spot *s = &a->spot[i];
        char rows[64] = "-";
        if (s->first_row >= 0)
            snprintf(rows, sizeof rows, "%lld-%lld", (long long)s->first_row, (long long)s->last_row);
        cli_grid_row(&grid, (const char *const[]){cli_printable(table, sizeof table, s->table, strlen(s->table)),
                                                  cli_printable(column, sizeof column, s->column, strlen(s->column)),
                                                  cli_count(s->looks).text, rows,
                                                  cli_printable(file, sizeof file, s->file, strlen(s->file))});
    }
    if (a->spots) cli_grid_print(&grid, out);
    fprintf(out, "%d files of tables and HDF5 files were open; the positions of %d stood still\n", a->files, a->still);
    fputs(
        "Not seen reads at given offsets (pread), and those of mapped files, move no position; what came between two looks\n",
        out);
    if (a->lost) fprintf(out, "         %d descriptors or columns beyond what is kept\n", a->lost);
    fprintf(out, "Stacks   %s\n", a->stacks ? a->stacks : "profile.folded, by py-spy");
}

static void put_json(FILE *out, const attached *a) {
    cli_json json = CLI_JSON_INIT(out);
    cli_json_object(&json);
    cli_json_put_int(&json, "pid", a->pid);
    cli_json_put_string(&json, "command", a->command);
    cli_json_put_double(&json, "seconds", a->seconds);
    cli_json_put_double(&json, "cpu_seconds", a->cpu);
    cli_json_put_int(&json, "looks", a->looks);
    cli_json_put_int(&json, "resident_bytes", a->resident);
    cli_json_put_int(&json, "read_bytes", a->read_bytes);
    cli_json_put_int(&json, "written_bytes", a->write_bytes);
    cli_json_put_int(&json, "files", a->files);
    cli_json_put_int(&json, "files_still", a->still);
    cli_json_put_int(&json, "lost", a->lost);
    if (a->stacks) cli_json_put_string(&json, "no_stacks", a->stacks);
    cli_json_open_list(&json, "columns");
    for (int i = 0; i < a->spots; i++) {
        const spot *s = &a->spot[i];
        cli_json_flat_object(&json);
        cli_json_put_string(&json, "table", s->table);
        cli_json_put_string(&json, "file", s->file);
        cli_json_put_string(&json, "column", s->column);
        cli_json_put_int(&json, "looks", s->looks);
        cli_json_put_int(&json, "first_row", s->first_row);
        cli_json_put_int(&json, "last_row", s->last_row);
        cli_json_end(&json);
    }
    cli_json_end(&json);
    cli_json_end(&json);
    cli_json_finish(&json);
}

/* ---------------------------------------------------------------- the whole */

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void read_command(attached *a) {
    ssize_t n = read_proc(a->pid, "cmdline", a->command, sizeof a->command);
    for (ssize_t i = 0; i + 1 < n; i++)
        if (a->command[i] == '\0') a->command[i] = ' ';
}

static void watch(attached *a, double seconds) {
    double began = now(), cpu_before = 0, cpu_after = 0;
    int64_t before[TOTALS],
        after[TOTALS], *const told[TOTALS] = {&a->read_bytes, &a->read_calls, &a->write_bytes, &a->write_calls};
    read_use(a, &cpu_before);
    read_totals(a->pid, before);
    memcpy(after, before, sizeof after);
    cpu_after = cpu_before;
    do {
        nanosleep(&(struct timespec){0, LOOK_NS}, NULL);
        read_use(a, &cpu_after); /* both stay as they were once the process is gone */
        int64_t totals[TOTALS];
        read_totals(a->pid, totals);
        if (totals[0] >= 0) memcpy(after, totals, sizeof after);
    } while (now() - began < seconds && !cli_interrupted() && look(a));
    for (int i = 0; i < TOTALS; i++) *told[i] = before[i] < 0 ? -1 : after[i] - before[i];
    a->seconds = now() - began;
    a->cpu = cpu_after - cpu_before;
    for (int i = 0; i < a->files; i++) a->still += a->file[i].moved == 0;
    if (a->spots) qsort(a->spot, (size_t)a->spots, sizeof *a->spot, most_looks);
}

static void free_attached(attached *a) {
    for (int i = 0; i < a->files; i++) free(a->file[i].path);
    for (int i = 0; i < a->spots; i++) free(a->spot[i].table), free(a->spot[i].file), free(a->spot[i].column);
    free(a);
}

int cli_profile_attach(const cli_context *cli, const char *pid, double seconds, int hz, const char *folder) {
    char *end;
    errno = 0;
    long number = strtol(pid, &end, 10);
    if (end == pid || *end || errno || number <= 0 || number > INT32_MAX)
        return cli_usage(cli, "attach wants the number of a process, not \"%s\"", pid);
    attached *a = cli_zeros(1, sizeof *a);
    a->pid = (int)number;
    read_command(a);
    char place[64];
    snprintf(place, sizeof place, "/proc/%d/fd", a->pid);
    int code = look(a) ? 0 : cli_fail_system(cli, place, "the process cannot be looked at");
    pid_t child = code || !folder ? 0 : begin_stacks(a, folder, seconds, hz);
    if (!folder) a->stacks = "no --out FOLDER to put them into";
    if (!code) {
        watch(a, seconds);
        end_stacks(a, child);
        if (cli->json)
            put_json(stdout, a);
        else
            put_text(stdout, a);
    }
    free_attached(a);
    return code;
}
