/* samples_unwind.h - the callers of a place in code, from registers and a copy of the stack (samples_unwind.c). */
#ifndef MSIO_CLI_SAMPLES_UNWIND_H
#define MSIO_CLI_SAMPLES_UNWIND_H

#include "cli/samples/samples_code.h"

#define UNWIND_REGISTERS 17 /* by their numbers in DWARF: 6 is RBP, 7 RSP, 16 the place */
#define UNWIND_RBP 6
#define UNWIND_RSP 7
#define UNWIND_PLACE 16

/* How a walk ended. */
typedef enum unwind_end {
    UNWIND_WHOLE, /* at the thread's first function */
    UNWIND_CUT,   /* where the copy of the stack ends, or at the most frames */
    UNWIND_BLIND  /* at code of which nothing says how to go on */
} unwind_end;

/* A thread, as it was sampled. */
typedef struct unwind_thread {
    uint32_t pid;
    uint64_t reg[UNWIND_REGISTERS];
    const uint8_t *stack; /* from RSP on, as long as `bytes` */
    size_t bytes;
} unwind_thread;

typedef struct unwinder unwinder;

/* NULL: libdw is not there. */
unwinder *unwinder_new(code *all);
void unwinder_free(unwinder *u);

/* Fills list with the places of the frames, the innermost first, each one's address that of its own instruction (a
 * caller's: within the call). Returns how many; 1 at least, `most` at most. */
int unwind(unwinder *u, const unwind_thread *thread, code_place *list, int most, unwind_end *end);

#endif
