/* process.c - memory and bytes read, from /proc. */
#include "prof/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define PROC_FILE_SIZE 8192

/* Reads a small file of /proc without stdio, which a child of fork may call too. 0 when it could not. */
static int proc_read(const char *path, char text[PROC_FILE_SIZE]) {
    size_t size = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    while (size < PROC_FILE_SIZE - 1) {
        ssize_t got = read(file, text + size, PROC_FILE_SIZE - 1 - size);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        size += (size_t)got;
    }
    close(file);
    text[size] = 0;
    return size > 0;
}

int64_t msio_process_field(const char *text, const char *key) {
    size_t length = strlen(key);
    for (const char *line = text; line != NULL && *line != 0; line = strchr(line, '\n')) {
        if (*line == '\n') line++;
        if (strncmp(line, key, length) != 0) continue;
        char *end = NULL;
        errno = 0;
        long long value = strtoll(line + length, &end, 10);
        return end == line + length || errno != 0 || value < 0 ? MSIO_UNKNOWN : (int64_t)value;
    }
    return MSIO_UNKNOWN;
}

msio_process_io msio_process_io_now(void) {
    char text[PROC_FILE_SIZE];
    msio_process_io io = {MSIO_UNKNOWN, MSIO_UNKNOWN};
    if (!proc_read("/proc/self/io", text)) return io;
    io.read = msio_process_field(text, "rchar:");
    io.disk = msio_process_field(text, "read_bytes:");
    return io;
}

int64_t msio_process_peak_rss(void) {
    char text[PROC_FILE_SIZE];
    /* VmHWM first: getrusage keeps the peak of the program that called exec. */
    int64_t kib = proc_read("/proc/self/status", text) ? msio_process_field(text, "VmHWM:") : MSIO_UNKNOWN;
    struct rusage usage;
    if (kib == MSIO_UNKNOWN && getrusage(RUSAGE_SELF, &usage) == 0) kib = usage.ru_maxrss;
    return kib == MSIO_UNKNOWN ? MSIO_UNKNOWN : kib * 1024;
}
