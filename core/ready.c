/* ready.c - the caller's memory, made ready to be written. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "core/ready.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE ((uintptr_t)2 << 20)
/* Below this there is little to gain. */
#define READY_LEAST ((size_t)256 << 10)
/* From here on several threads write, each into pages of its own, and huge pages are most of it. */
#define READY_HUGE ((size_t)8 << 20)

/* Whether the last page is there: memory that was used before is so throughout, as a rule. */
static bool was_touched(uintptr_t end, uintptr_t page) {
    unsigned char resident = 0;
    return mincore((void *)(end - page), page, &resident) != 0 || (resident & 1);
}

void msio_memory_ready(void *memory, size_t bytes) {
    if (bytes < READY_LEAST) return;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), unit = bytes < READY_HUGE ? page : HUGE_PAGE;
    uintptr_t from = ((uintptr_t)memory + unit - 1) / unit * unit, to = ((uintptr_t)memory + bytes) / unit * unit;
    if (to <= from || was_touched(to, page)) return;
#if defined(MADV_POPULATE_WRITE)
    if (unit == page) (void)madvise((void *)from, to - from, MADV_POPULATE_WRITE);
#endif
#if defined(MADV_HUGEPAGE)
    if (unit != page) (void)madvise((void *)from, to - from, MADV_HUGEPAGE);
#endif
}
