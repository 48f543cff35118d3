/* automatic_name.h - the names of profiles that MSIO_PROF=auto:FOLDER keeps: what they are of, and how they are read.
 *
 * A name tells what the profile is of, so that a folder is judged and rotated by its names alone:
 * PROGRAM.NANOSECONDS.PID.MICROSECONDS.run.json: when the run ended (since 1970), and how long it took; `slow` in place
 * of `run` where it is kept whole.
 */
#ifndef MSIO_PROF_AUTOMATIC_NAME_H
#define MSIO_PROF_AUTOMATIC_NAME_H

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct automatic_name {
    size_t program; /* bytes of the program's name at its begin */
    uint64_t end_ns, us;
    bool slow;
} automatic_name;

/* The number before *end, where a dot stands in front of it; *end becomes that dot's place. */
static inline bool automatic_number_before(const char *name, size_t *end, uint64_t *value) {
    size_t at = *end;
    while (at > 0 && isdigit((unsigned char)name[at - 1])) at--;
    if (at == *end || at == 0 || name[at - 1] != '.' || *end - at > 20) return false;
    *value = strtoull(name + at, NULL, 10);
    *end = at - 1;
    return true;
}

/* Whether a name is one of ours. */
static inline bool automatic_name_parse(const char *name, automatic_name *is) {
    static const char run_end[] = ".run.json", slow_end[] = ".slow.json";
    size_t length = strlen(name);
    uint64_t pid;
    if (*name == '.') return false;
    if (length > sizeof run_end && strcmp(name + length - sizeof run_end + 1, run_end) == 0)
        is->slow = false, length -= sizeof run_end - 1;
    else if (length > sizeof slow_end && strcmp(name + length - sizeof slow_end + 1, slow_end) == 0)
        is->slow = true, length -= sizeof slow_end - 1;
    else
        return false;
    is->us = is->end_ns = 0;
    if (!automatic_number_before(name, &length, &is->us) || !automatic_number_before(name, &length, &pid) ||
        !automatic_number_before(name, &length, &is->end_ns))
        return false;
    is->program = length;
    return length > 0;
}

#endif
