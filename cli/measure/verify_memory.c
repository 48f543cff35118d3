/* verify_memory.c - how much memory an answer of `msio verify` may take. */
#include "cli/measure/verify.h"

#include <stdio.h>
#include <unistd.h>

int64_t cli_verify_memory(void) {
    char line[128];
    long long kilobytes = 0;
    FILE *file = fopen("/proc/meminfo", "re");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %lld kB", &kilobytes) == 1) break;
    if (file) fclose(file);
    if (kilobytes > 0) return (int64_t)kilobytes * 512;
    return (int64_t)sysconf(_SC_PHYS_PAGES) * (int64_t)sysconf(_SC_PAGESIZE) / 4;
}
