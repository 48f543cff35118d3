/* automatic.c - profiles that keep themselves: one small file of each run, whole where it was slow, the oldest go. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* program_invocation_short_name, getloadavg */
#endif
#include "prof/automatic.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/error.h"
#include "core/writing.h"
#include "prof/automatic_name.h"
#include "prof/control.h"
#include "prof/report.h"
#include "prof/stats.h"

#define FORMAT_VERSION 1
#define PROGRAM_BYTES 64
#define ARGUMENT_BYTES 1000    /* of the command line */
#define MOST_BYTES (256 << 10) /* of a whole profile; one that is larger is kept small */
#define MEDIAN_LEAST 5         /* runs before anything is slow */
#define MEDIAN_MOST 101        /* the last so many */
#define SLOW_LEAST_US 10000    /* a run is not slow by less than this */
#define NAMES_MOST 200000      /* of a folder */
#define LEFT_AFTER_NS 3600000000000ull
#define LEFT_NAME ".msio-auto." /* what is being written; older than an hour it was left by a crash */

/* ---------------------------------------------------------------- what was asked for */

const char *msio_automatic_parse(const char *text, msio_automatic *how) {
    how->keep = MSIO_AUTOMATIC_KEEP;
    how->slow = MSIO_AUTOMATIC_SLOW;
    if (strncmp(text, "auto", 4) != 0) return NULL;
    text += 4;
    while (*text == '+') {
        char *end = NULL;
        if (strncmp(text, "+keep=", 6) == 0) {
            long keep = strtol(text + 6, &end, 10);
            if (end == text + 6 || keep < 1 || keep > 100000) return NULL;
            how->keep = (int)keep;
        } else if (strncmp(text, "+slow=", 6) == 0) {
            how->slow = strtod(text + 6, &end);
            if (end == text + 6 || !(how->slow > 1) || !isfinite(how->slow)) return NULL;
        } else {
            return NULL;
        }
        text = end;
    }
    return *text == ':' && text[1] ? text + 1 : NULL;
}

/* ---------------------------------------------------------------- the run */

typedef struct run {
    char program[PROGRAM_BYTES];
    char arguments[ARGUMENT_BYTES + 1]; /* each ended by a NUL */
    size_t argument_bytes;
    uint64_t end_ns;
    uint64_t us;
    double cpu;
    char reason[160]; /* why it is kept whole; empty: it is not */
} run;

static void read_arguments(run *of) {
    int file = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    ssize_t got = read(file, of->arguments, ARGUMENT_BYTES);
    close(file);
    of->argument_bytes = got > 0 ? (size_t)got : 0;
    of->arguments[of->argument_bytes] = 0;
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The script or module of an interpreter's command line: python3 -u tasks.py is tasks.py. NULL: there is none. */
static const char *script_of(const run *of) {
    const char *at = of->arguments, *end = of->arguments + of->argument_bytes;
    for (at += strlen(at) + 1; at < end && *at == '-'; at += strlen(at) + 1) {
        if (strcmp(at, "-c") == 0) return NULL;
        if (strcmp(at, "-m") != 0 && strcmp(at, "-X") != 0 && strcmp(at, "-W") != 0) continue;
        bool module = strcmp(at, "-m") == 0;
        at += strlen(at) + 1;
        if (module) return at < end && *at ? at : NULL;
    }
    return at < end && *at ? base_name(at) : NULL;
}

/* Letters, digits, '-' and '_' only: it becomes part of a file's name, whose parts dots divide. */
static void name_program(run *of) {
    const char *own = program_invocation_short_name ? program_invocation_short_name : "program";
    const char *script = strncmp(own, "python", 6) == 0 ? script_of(of) : NULL;
    snprintf(of->program, sizeof of->program, "%.*s%s", PROGRAM_BYTES - 6, script ? script : own,
             msio_control_forked() ? "_fork" : "");
    for (char *c = of->program; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '-') *c = '_';
    if (!of->program[0]) snprintf(of->program, sizeof of->program, "program");
}

static double seconds_of(struct timeval time) { return (double)time.tv_sec + 1e-6 * (double)time.tv_usec; }

static void run_describe(run *of, const msio_totals *totals) {
    struct timespec now;
    struct rusage usage;
    memset(of, 0, sizeof *of);
    read_arguments(of);
    name_program(of);
    clock_gettime(CLOCK_REALTIME, &now);
    of->end_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    of->us = (uint64_t)(totals->on_seconds * 1e6);
    of->cpu = getrusage(RUSAGE_SELF, &usage) == 0 ? seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime) : NAN;
}

/* ---------------------------------------------------------------- the folder's names */

typedef struct kept {
    char name[NAME_MAX + 1];
    automatic_name of;
} kept;

typedef struct kept_list {
    kept *one;
    size_t n, room;
} kept_list;

/* Whether a name is one of ours. */
static bool kept_parse(const char *name, kept *is) {
    if (strlen(name) > NAME_MAX || !automatic_name_parse(name, &is->of)) return false;
    strcpy(is->name, name);
    return true;
}

static bool list_add(kept_list *list, const kept *is) {
    if (list->n == list->room) {
        size_t room = list->room ? 2 * list->room : 512;
        kept *more = realloc(list->one, room * sizeof *more);
        if (!more) return false;
        list->one = more;
        list->room = room;
    }
    list->one[list->n++] = *is;
    return true;
}

/* What a crash left while it wrote is removed, once nobody can be writing it any more. */
static void left_remove(int folder, const char *name, uint64_t now_ns) {
    uint64_t begun = strtoull(name + strlen(LEFT_NAME), NULL, 10);
    if (begun < now_ns && now_ns - begun > LEFT_AFTER_NS) unlinkat(folder, name, 0);
}

static int newest_first(const void *a, const void *b) {
    const kept *x = a, *y = b;
    if (x->of.end_ns != y->of.end_ns) return x->of.end_ns < y->of.end_ns ? 1 : -1;
    return strcmp(y->name, x->name);
}

/* The folder's profiles, newest first. Not all of them where memory or reading ends: then fewer are removed now. */
static void list_read(int folder, uint64_t now_ns, kept_list *list) {
    kept is;
    int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *names = copy < 0 ? NULL : fdopendir(copy);
    if (!names) {
        if (copy >= 0) close(copy);
        return;
    }
    for (struct dirent *entry; list->n < NAMES_MOST && (entry = readdir(names));) {
        if (strncmp(entry->d_name, LEFT_NAME, strlen(LEFT_NAME)) == 0)
            left_remove(folder, entry->d_name, now_ns);
        else if (kept_parse(entry->d_name, &is) && !list_add(list, &is))
            break;
    }
    closedir(names);
    if (list->n) qsort(list->one, list->n, sizeof *list->one, newest_first);
}

/* Removes the oldest beyond the bound, of small ones and of whole ones. Others may be doing the same. */
static void list_trim(int folder, const kept_list *list, int keep) {
    int small = 0, whole = 0, whole_keep = keep / 4 > 0 ? keep / 4 : 1;
    for (size_t i = 0; i < list->n; i++) {
        const kept *is = &list->one[i];
        if (is->of.slow ? ++whole > whole_keep : ++small > keep) unlinkat(folder, is->name, 0);
    }
}

/* ---------------------------------------------------------------- slow */

static int by_size(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* The median time of the last runs of that program; 0 where there are too few to tell. */
static uint64_t median_us(const kept_list *list, const char *program, int *runs) {
    uint64_t us[MEDIAN_MOST];
    size_t n = 0, length = strlen(program);
    for (size_t i = 0; i < list->n && n < MEDIAN_MOST; i++)
        if (list->one[i].of.program == length && memcmp(list->one[i].name, program, length) == 0)
            us[n++] = list->one[i].of.us;
    *runs = (int)n;
    if (n < MEDIAN_LEAST) return 0;
    qsort(us, n, sizeof *us, by_size);
    return n % 2 ? us[n / 2] : us[n / 2 - 1] + (us[n / 2] - us[n / 2 - 1]) / 2;
}

/* Why the run is kept whole, into its `reason`. */
static void judge(run *of, const msio_totals *totals, const kept_list *before, const msio_automatic *how) {
    int runs;
    uint64_t median = median_us(before, of->program, &runs);
    if (median && (double)of->us > how->slow * (double)median && of->us - median >= SLOW_LEAST_US) {
        snprintf(of->reason, sizeof of->reason, "%.2f times %.3g s, the median of the last %d runs of %s",
                 (double)of->us / (double)median, 1e-6 * (double)median, runs, of->program);
        return;
    }
    for (int i = 0; i < PROF_PATHS; i++) {
        msio_prof_stats stats = MSIO_PROF_STATS_INIT;
        msio_stats_path(totals, i, &stats);
        if (stats.verdict != MSIO_FAIL) continue;
        snprintf(of->reason, sizeof of->reason, "target missed: %s: %s", stats.name, stats.reason);
        return;
    }
}

/* ---------------------------------------------------------------- the profile */

static void put_number(FILE *out, const char *key, double value) {
    fprintf(out, ", \"%s\": ", key);
    msio_report_json_number(out, value);
}

static void put_count(FILE *out, const char *key, int64_t value) {
    if (value >= 0) fprintf(out, ", \"%s\": %lld", key, (long long)value);
}

static void put_path(FILE *out, const msio_prof_stats *stats, bool first) {
    fputs(first ? "\n  {\"name\": " : ",\n  {\"name\": ", out);
    msio_report_json_string(out, stats->name);
    put_count(out, "ncalls", stats->ncalls);
    put_number(out, "tottime", stats->tottime);
    put_number(out, "cumtime", stats->cumtime);
    put_number(out, "p50", stats->p50);
    put_number(out, "p99", stats->p99);
    put_number(out, "max", stats->max);
    put_count(out, "bytes", stats->bytes);
    put_count(out, "bytes_read", stats->bytes_read);
    put_count(out, "rows", stats->rows);
    fputc('}', out);
}

static void put_arguments(FILE *out, const run *of) {
    fputs(", \"arguments\": [", out);
    for (size_t at = 0; at < of->argument_bytes; at += strlen(of->arguments + at) + 1) {
        if (at) fputs(", ", out);
        msio_report_json_string(out, of->arguments + at);
    }
    fputc(']', out);
}

static void put_head(FILE *out, const run *of, const msio_totals *totals) {
    double load[1];
    struct tm utc;
    char ended[40] = "";
    time_t second = (time_t)(of->end_ns / 1000000000u);
    if (gmtime_r(&second, &utc)) strftime(ended, sizeof ended, "%Y-%m-%dT%H:%M:%SZ", &utc);
    fprintf(out, "{\"format\": \"msio-run\", \"format_version\": %d, \"msio_version\": \"%s\",\n \"program\": ",
            FORMAT_VERSION, MSIO_VERSION_STRING);
    msio_report_json_string(out, of->program);
    put_arguments(out, of);
    fprintf(out, ",\n \"pid\": %ld, \"ended\": \"%s\"", (long)getpid(), ended);
    put_number(out, "seconds", totals->on_seconds);
    put_number(out, "cpu_seconds", of->cpu);
    put_count(out, "peak_rss_bytes", totals->peak_rss);
    put_count(out, "read_bytes", totals->io.read);
    put_count(out, "disk_bytes", totals->io.disk);
    if (getloadavg(load, 1) == 1) put_number(out, "load", load[0]);
    fputs(", \"slow\": ", out);
    if (of->reason[0])
        msio_report_json_string(out, of->reason);
    else
        fputs("null", out);
}

static void write_small(FILE *out, const msio_totals *totals, const void *user) {
    const run *of = user;
    bool first = true;
    put_head(out, of, totals);
    fputs(", \"paths\": [", out);
    for (int i = 0; i < PROF_PATHS; i++) {
        msio_prof_stats stats = MSIO_PROF_STATS_INIT;
        msio_stats_path(totals, i, &stats);
        if (stats.ncalls == 0) continue;
        put_path(out, &stats, first);
        first = false;
    }
    fputs("]}\n", out);
}

static void write_whole(FILE *out, const msio_totals *totals, const void *user) {
    put_head(out, user, totals);
    fputs(", \"profile\":\n", out);
    msio_report_write_json(out, totals);
    fputs("}\n", out);
}

/* Writes the text under its name in the folder, in one step. */
static msio_status text_keep(int folder, const char *path, const run *of, const char *text, size_t size) {
    char name[PROGRAM_BYTES + 100], making[100];
    snprintf(name, sizeof name, "%s.%llu.%ld.%llu.%s.json", of->program, (unsigned long long)of->end_ns, (long)getpid(),
             (unsigned long long)of->us, of->reason[0] ? "slow" : "run");
    snprintf(making, sizeof making, LEFT_NAME "%llu.%ld", (unsigned long long)of->end_ns, (long)getpid());
    int file = openat(folder, making, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) return msio_error_system(MSIO_E_IO, path, "no profile can be written in this folder");
    msio_status status = msio_write_all(file, path, text, (int64_t)size);
    if (close(file) != 0 && status == MSIO_OK)
        status = msio_error_system(MSIO_E_IO, path, "the profile could not be written");
    if (status == MSIO_OK && renameat(folder, making, folder, name) != 0)
        status = msio_error_system(MSIO_E_IO, path, "the profile could not be given its name");
    if (status != MSIO_OK) unlinkat(folder, making, 0);
    return status;
}

static msio_status folder_open(const char *path, int *folder) {
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return msio_error_system(MSIO_E_IO, path, "the folder of profiles could not be made");
    *folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *folder >= 0 ? MSIO_OK : msio_error_system(MSIO_E_IO, path, "the folder of profiles could not be opened");
}

/* The profile's text: whole where the run was slow and that is not too long. */
static msio_status text_make(const msio_totals *totals, const run *of, char **text, size_t *size) {
    msio_status status = MSIO_OK;
    if (of->reason[0]) {
        status = msio_report_make(write_whole, totals, of, text, size);
        if (status != MSIO_OK || *size <= MOST_BYTES) return status;
        free(*text);
    }
    return msio_report_make(write_small, totals, of, text, size);
}

msio_status msio_automatic_write(const char *path, const msio_automatic *how) {
    msio_totals *totals = NULL;
    kept_list list = {0};
    run of;
    char *text = NULL;
    size_t size = 0;
    int folder = -1;
    msio_status status = msio_control_snapshot(&totals);
    if (status == MSIO_OK) status = folder_open(path, &folder);
    if (status != MSIO_OK) goto end;
    run_describe(&of, totals);
    list_read(folder, of.end_ns, &list);
    judge(&of, totals, &list, how);
    status = text_make(totals, &of, &text, &size);
    if (status == MSIO_OK) status = text_keep(folder, path, &of, text, size);
    if (status == MSIO_OK) {
        kept own = {.of = {.end_ns = of.end_ns, .slow = of.reason[0] != 0}};
        /* Its place among the others counts, not its name: it is the newest but for those that ended meanwhile. */
        if (list_add(&list, &own)) {
            memmove(list.one + 1, list.one, (list.n - 1) * sizeof *list.one);
            list.one[0] = own;
        }
        list_trim(folder, &list, how->keep);
    }
end:
    if (folder >= 0) close(folder);
    free(text);
    free(list.one);
    free(totals);
    return status;
}
