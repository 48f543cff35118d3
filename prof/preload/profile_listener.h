/* profile_listener.h - how msio tells the library that `msio profile` puts in front of a program what it is called for,
 * and what it holds. It asks once, as it is loaded, for the function of that name; where there is none nobody listens.
 *
 * What stands here may be of two versions of msio, that of the command and that of the program: whatever changes gets
 * another name.
 */
#ifndef MSIO_PROFILE_LISTENER_H
#define MSIO_PROFILE_LISTENER_H

#include <stdint.h>

#define PROFILE_LISTENER "msio_profile_listener_1"

/* A call by the library's user as it begins. Texts may be NULL, and are not kept. */
typedef struct profile_told_call {
    const char *function, *path, *column; /* path: of the table or file; relative ones are taken from this folder */
    const void *from;                     /* the return address */
} profile_told_call;

/* All may be called by any thread at any time, and keep errno. */
typedef struct profile_listener {
    /* A call begins: what its end is told with; NULL: there is no room for it. */
    void *(*begin)(const profile_told_call *told);
    void (*end)(void *call, uint64_t ns, int64_t bytes, int64_t rows);
    /* What is held of a path, of one kind ("answers"), grew by so many bytes; negative: shrank. */
    void (*held)(const char *path, const char *kind, int64_t grew);
    /* Where this thread is in its program, and that its calls come from there until 0 is given. 0: unknown. */
    uint64_t (*place)(const void *from);
    void (*at)(uint64_t place);
} profile_listener;

/* of: an address in the msio that asks. NULL: it is not listened to. */
typedef const profile_listener *(*profile_listener_function)(const void *of);

#endif
