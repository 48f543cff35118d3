/* samples_stacks.h - sampled stacks, kept as a tree of calls (samples_stacks.c). */
#ifndef MSIO_CLI_SAMPLES_STACKS_H
#define MSIO_CLI_SAMPLES_STACKS_H

#include "cli/samples/samples.h"
#include "cli/samples/samples_code.h"
#include "cli/samples/samples_unwind.h"

#define STACKS_DEPTH 192 /* frames of a stack that are kept: the innermost */

typedef struct stacks stacks;

/* Of fixed size, 9 MiB: 262 144 calls of 65 536 places. What finds no room is told of its callers. */
stacks *stacks_new(void);
void stacks_free(stacks *s);

/* Adds one sample: the innermost place first. python: what Python was doing there, the outermost frame first, as
 * entries of the run's sites. */
void stacks_add(stacks *s, const code_place *list, int n, unwind_end end, const uint32_t *python, int frames);

/* The tree by functions, with their names. */
void stacks_name(const stacks *s, code *all, const profile_segment *counters, cli_sampled_stacks *result);
void stacks_result_free(cli_sampled_stacks *result);

#endif
