/* text_trace.c - casacore's own text trace, taken instead of its functions' arguments where those are not trusted.
 *
 * casacore is told by the environment to read its settings from a file, and those to write its trace to one, and both
 * are /dev/null in a spelling that nobody else uses. Where our library is not in front, that is what they are: no
 * settings, no trace. Where it is, and a casacore needs it, the stream that is read has the settings, and what is
 * written is looked at and goes nowhere. Lines come from threads that do not wait for each other: any bytes are borne.
 */
#include "prof/preload/preload.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ODD "/dev/.//null"
#define VARIABLE "CASARCFILES"

static const char settings[] = "table.trace.filename: " ODD "\n"
                               "table.trace.operation: srw\n"
                               "table.trace.columntype: sar\n";

#define STREAMS 4            /* casacores in one process */
#define TABLES 16384         /* of one of them, open at once */
#define DESCRIPTOR_LEAST 900 /* the program's own numbers are not taken from it */

static _Atomic int stream_fd[STREAMS]; /* descriptor + 1; 0: none */
static _Atomic int streams;
static _Atomic uint32_t table_name[STREAMS][TABLES]; /* string + 1; 0: none is open */

/* A thread's line, until it ends. Of a longer one the begin and the end are kept: table and column stand first, the
 * shape last, and between them rows. */
#define LINE_MOST 1024
#define LINE_HEAD 768

static __thread struct {
    int stream; /* + 1 */
    size_t length;
    char text[LINE_MOST + 1];
} line __attribute__((tls_model("initial-exec")));

/* ---------------------------------------------------------------- the settings */

/* What casacore would look into by itself. False: it is too long, or not known. */
static bool default_files(char *list, size_t size) {
    const char *home = getenv("HOME"), *path = getenv("CASAPATH"), *parts[4];
    size_t lengths[4];
    if (!home || !*home) return false;
    if (!path || !*path) path = getenv("AIPSPATH");
    if (!path || !*path) path = home;
    for (int i = 0; i < 4; i++) { /* root, architecture, site, host */
        path += strspn(path, " \t");
        lengths[i] = strcspn(path, " \t");
        parts[i] = path;
        path += lengths[i];
        if (!lengths[i]) parts[i] = "UnKnOwN", lengths[i] = 7;
    }
    int r = (int)lengths[0], a = (int)lengths[1], s = (int)lengths[2], h = (int)lengths[3];
    int n = snprintf(list, size,
                     "%s/.casarc:%s/.casa/rc:%s/.aipsrc:%.*s/.aipsrc:%.*s/%.*s/%.*s/%.*s/aipsrc:%.*s/%.*s/%.*s/aipsrc:"
                     "%.*s/%.*s/aipsrc",
                     home, home, home, r, parts[0], r, parts[0], a, parts[1], s, parts[2], h, parts[3], r, parts[0], a,
                     parts[1], s, parts[2], r, parts[0], a, parts[1]);
    return n > 0 && (size_t)n < size;
}

/* At the process's begin, before it has threads. The user's own files follow ours, in their order. */
void preload_text_begin(void) {
    char list[8192], value[8400];
    const char *own = getenv(VARIABLE);
    if (own && strncmp(own, ODD, sizeof ODD - 1) == 0) return; /* a program that started this one was told already */
    if (!own || !*own) {
        if (!default_files(list, sizeof list)) return;
        own = list;
    }
    int n = snprintf(value, sizeof value, ODD ":%s", own);
    if (n > 0 && (size_t)n < sizeof value) setenv(VARIABLE, value, 1);
}

static FILE *settings_stream(void) {
    int fd = (int)syscall(SYS_memfd_create, "msio-casarc", 1u /* MFD_CLOEXEC */);
    if (fd < 0) return NULL;
    FILE *stream = NULL;
    if (syscall(SYS_write, fd, settings, sizeof settings - 1) == (long)sizeof settings - 1 &&
        syscall(SYS_lseek, fd, 0L, SEEK_SET) == 0)
        stream = fdopen(fd, "r");
    if (!stream) syscall(SYS_close, fd);
    return stream;
}

/* ---------------------------------------------------------------- the stream */

static FILE *trace_stream(void) {
    int low = (int)syscall(SYS_openat, AT_FDCWD, "/dev/null", O_WRONLY | O_CLOEXEC, 0), at = 0, none = 0;
    if (low < 0) return NULL;
    int fd = (int)syscall(SYS_fcntl, low, F_DUPFD_CLOEXEC, (long)DESCRIPTOR_LEAST);
    if (fd >= 0)
        syscall(SYS_close, low);
    else
        fd = low;
    FILE *stream = fdopen(fd, "w");
    if (!stream) {
        syscall(SYS_close, fd);
        return NULL;
    }
    while (at < STREAMS && !atomic_compare_exchange_strong(&stream_fd[at], &none, fd + 1)) at++, none = 0;
    atomic_fetch_add(&streams, 1);
    return stream;
}

FILE *preload_text_open(const char *path, const char *mode) {
    if (!path || !preload_wanted() || strcmp(path, ODD) != 0) return NULL;
    if (mode[0] == 'r') return preload_needs_text() ? settings_stream() : NULL;
    return preload_is_own_memory() && preload_attach() ? trace_stream() : NULL;
}

static int stream_of(int fd) {
    if (atomic_load_explicit(&streams, memory_order_relaxed) == 0) return -1;
    for (int i = 0; i < STREAMS; i++)
        if (atomic_load_explicit(&stream_fd[i], memory_order_relaxed) == fd + 1) return i;
    return -1;
}

bool preload_text_is_stream(int fd) { return stream_of(fd) >= 0; }

unsigned preload_text_first(unsigned first, unsigned last) {
    unsigned least = ~0u;
    for (int i = 0; i < STREAMS && atomic_load_explicit(&streams, memory_order_relaxed); i++) {
        int fd = atomic_load_explicit(&stream_fd[i], memory_order_relaxed) - 1;
        if (fd >= 0 && (unsigned)fd >= first && (unsigned)fd <= last && (unsigned)fd < least) least = (unsigned)fd;
    }
    return least;
}

void preload_text_closed(int fd) {
    int at = stream_of(fd);
    if (at >= 0 && preload_is_own_memory()) atomic_store(&stream_fd[at], 0);
}

/* ---------------------------------------------------------------- a line */

static void garbled(void) { atomic_fetch_add_explicit(&preload_segment->garbled_lines, 1, memory_order_relaxed); }

/* A number at *at, which moves on behind it; -1: there is none. */
static int64_t number(const char **at) {
    int64_t n = 0;
    if (!isdigit((unsigned char)**at)) return -1;
    for (; isdigit((unsigned char)**at); ++*at) {
        if (n > (INT64_MAX - 9) / 10) return -1;
        n = 10 * n + (**at - '0');
    }
    return n;
}

/* [1,2,3] at *at. Returns how many numbers there are; -1: it is not one. */
static int shape_at(const char **at, int64_t axes[16]) {
    int n = 0;
    if (*(*at)++ != '[') return -1;
    while (**at != ']') {
        int64_t value = n < 16 ? number(at) : -1;
        if (value < 0) return -1;
        axes[n++] = value;
        if (**at == ',') ++*at;
    }
    ++*at;
    return n;
}

static uint64_t product(const int64_t *axes, int n) {
    uint64_t all = n ? 1 : 0;
    for (int i = 0; i < n; i++) all *= (uint64_t)axes[i];
    return all;
}

/* [first][last][step]: elements of a part of a cell; 0: it is not that. */
static uint64_t part_at(const char *at) {
    int64_t from[16], to[16], step[16];
    int n = shape_at(&at, from);
    if (n < 1 || shape_at(&at, to) != n || shape_at(&at, step) != n || *at) return 0;
    uint64_t all = 1;
    for (int i = 0; i < n; i++)
        all *= to[i] >= from[i] ? (uint64_t)((to[i] - from[i]) / (step[i] ? step[i] : 1) + 1) : 0;
    return all;
}

/* Cuts the last word off; NULL: there is none but the first. */
static char *last_word(char *text) {
    char *space = strrchr(text, ' ');
    if (!space || space == text) return NULL;
    *space = '\0';
    return space + 1;
}

/* COLUMN ROWS [SHAPE [PART]]; ROWS: *, a number, or a list of numbers and ranges. False: it is not that. */
static bool count_access(preload_column *of, char *text) {
    int64_t axes[16];
    char *rows = last_word(text), *shape = NULL, *part = NULL;
    if (rows && *rows == '[') shape = rows, rows = last_word(text);
    if (rows && *rows == '[') part = shape, shape = rows, rows = last_word(text);
    if (!rows || strspn(rows, "0123456789,:*") != strlen(rows)) return false;
    const char *at = shape;
    int n = shape ? shape_at(&at, axes) : 0;
    uint64_t in_part = part ? part_at(part) : 0;
    if (n < 0 || (shape && *at) || (part && !in_part)) return false;
    of->name = text;
    of->length = strlen(text);
    bool all = strcmp(rows, "*") == 0;
    at = rows;
    int64_t row = number(&at);
    if (!all && row >= 0 && !*at) {
        preload_count_cell(of, row, part ? in_part : shape ? product(axes, n) : 1);
        return true;
    }
    if (strchr(rows, '*') && !all) return false;
    uint64_t last_axis = n ? (uint64_t)axes[n - 1] : 0;
    preload_count_rows(of, all && !part, last_axis, part ? last_axis * in_part : product(axes, n));
    return true;
}

static bool name_table(int stream, int64_t table, const char *name, size_t length) {
    if (table >= TABLES || length == 0) return false;
    uint32_t string = preload_string(name, length);
    if (string == UINT32_MAX) return true; /* counted as lost */
    atomic_store(&table_name[stream][table], string + 1);
    return true;
}

/* TIME OPERATION t=TABLE REST. False: it is no line of a trace. */
static bool take_line(int stream, char *text, size_t length) {
    while (length && text[length - 1] == ' ') length--;
    text[length] = '\0';
    if (length == 0 || text[0] == '#') return true;
    const char *at = text + strspn(text, "0123456789:.");
    if (at == text || at[0] != ' ' || !islower((unsigned char)at[1]) || strncmp(at + 2, " t=", 3) != 0) return false;
    char operation = at[1];
    at += 5;
    if (*at == '-') return true; /* a table that casacore does not know itself */
    int64_t table = number(&at);
    if (table < 0 || *at++ != ' ' || !*at) return false;
    if (*at == '*') return true; /* what is done to a table as a whole, or to a reference to it */
    char *rest = text + (at - text);
    if (operation == 'n' || operation == 'o') return name_table(stream, table, rest, strlen(rest));
    if (operation == 'c' || operation == 't' || operation == 's' || operation == 'p') return true;
    if (operation != 'r' && operation != 'w') return false;
    uint32_t string = table < TABLES ? atomic_load(&table_name[stream][table]) : 0;
    preload_column of = {.table = (int)string - 1, .write = operation == 'w'};
    return string && count_access(&of, rest);
}

static void end_line(int stream) {
    profile_process *process = &preload_segment->process[preload_process()];
    atomic_store_explicit(&process->seen, PROFILE_SEEN_TEXT, memory_order_relaxed);
    line.text[line.length] = '\0';
    if (strlen(line.text) != line.length || !take_line(stream, line.text, line.length)) garbled();
    line.length = 0;
}

static void take(int stream, const char *bytes, size_t n) {
    if (line.stream != stream + 1) {
        line.stream = stream + 1;
        line.length = 0;
    }
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == '\n') {
            end_line(stream);
            continue;
        }
        if (line.length == LINE_MOST) {
            line.length = LINE_HEAD + (LINE_MOST - LINE_HEAD) / 2;
            memmove(line.text + LINE_HEAD, line.text + line.length, LINE_MOST - line.length);
        }
        line.text[line.length++] = bytes[i];
    }
}

ssize_t preload_text_written(int fd, const struct iovec *parts, int count) {
    int stream = stream_of(fd), kept = errno;
    size_t all = 0;
    if (stream < 0) return -1;
    for (int i = 0; i < count; i++) {
        if (preload_is_own_memory()) take(stream, parts[i].iov_base, parts[i].iov_len);
        all += parts[i].iov_len;
    }
    errno = kept;
    return (ssize_t)all;
}
