/* samples.h - where the processor time of a run goes, by the kernel's samples (samples.c). */
#ifndef MSIO_CLI_SAMPLES_H
#define MSIO_CLI_SAMPLES_H

#include "prof/preload/profile_segment.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A library, or the program itself, and how many samples were taken in it. */
typedef struct cli_sampled_library {
    char *name;
    int64_t samples;
} cli_sampled_library;

/* A function of a program, of a library, or of Python. */
typedef struct cli_sampled_function {
    const char *name;    /* "+0x1a2b": not known, as of a stripped program */
    const char *library; /* its last part; of Python the file; "": of none */
    bool python;
    int64_t own, all; /* samples: innermost, and anywhere on the stack, each sample once */
} cli_sampled_function;

/* A line of source of a program or library, where it was built with -g. */
typedef struct cli_sampled_line {
    const char *file;
    int line, function;
    int64_t own, all;
} cli_sampled_line;

/* A call in the tree of calls; callers stand before those that they call. */
typedef struct cli_sampled_call {
    int caller; /* -1: it is the first of its thread, or the stack before it is not known */
    int function;
    int64_t own; /* samples that end here */
} cli_sampled_call;

typedef struct cli_sampled_stacks {
    int functions, lines, calls;
    cli_sampled_function *function;
    int *most;              /* functions, most samples of their own first */
    cli_sampled_line *line; /* the same */
    cli_sampled_call *call;
    int64_t whole; /* samples whose stack is known up to the thread's first function */
    int64_t cut;   /* the inner part of whose stack is known: it was too deep to be copied */
    int64_t blind; /* whose stack ends at code of which nothing says how to go on */
    int64_t lost;  /* that found no room, and are told of their callers */
} cli_sampled_stacks;

/* Samples of processor time in user code, of all processes. */
typedef struct cli_profile_samples {
    int hz; /* of each processor; 0: none were taken, see why_not */
    int64_t samples;
    int64_t layer;   /* with the table layer (casacore's, HDF5's, msio's) innermost or on the stack */
    int64_t unknown; /* in code of no file */
    int64_t lost;
    double seconds; /* of processor time that taking them took here, beside the program */
    int libraries;
    cli_sampled_library *library; /* most samples first */
    cli_sampled_stacks stacks;
    char why_not[120];
    char why_no_stacks[120]; /* "": there are */
} cli_profile_samples;

typedef struct cli_profile_sampler cli_profile_sampler;

/* Samples the process, from its exec on, and all that it starts. hz 0: none. counters: the run's, for what Python was
 * doing meanwhile; NULL: none. Never fails: where no samples can be taken the result says why. */
cli_profile_sampler *cli_profile_sampler_open(pid_t pid, int hz, const profile_segment *counters);
/* Takes what came; to be called some 50 times a second. */
void cli_profile_sampler_drain(cli_profile_sampler *sampler);
void cli_profile_sampler_close(cli_profile_sampler *sampler, cli_profile_samples *result);
void cli_profile_samples_free(cli_profile_samples *samples);

#endif
