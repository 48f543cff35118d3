/* json_members.h - the members of one flat JSON object, as Python's json.dumps writes a dictionary. */
#ifndef MSIO_IO_JSON_MEMBERS_H
#define MSIO_IO_JSON_MEMBERS_H

#include "core/arena.h"

#include <stdbool.h>

/* A string, or numbers: one, or those of an array (truths are 1 and 0); neither: null, or an empty array. */
typedef struct msio_json_member {
    const char *name;
    const char *text;
    int64_t n;
    const double *number;
} msio_json_member;

/* The first `most` members of the object, in its order; names, texts and numbers live in the arena. -1: the text is no
 * object of strings, numbers, truths, nulls and arrays of numbers, or there was no memory. */
int msio_json_members(const char *text, msio_arena *arena, int most, msio_json_member *member);

#endif
