/* interrupt.h - Ctrl-C and its like: asked for by signal, obeyed where it is safe. */
#ifndef MSIO_CLI_INTERRUPT_H
#define MSIO_CLI_INTERRUPT_H

#include <stdint.h>

/* From now on SIGINT, SIGTERM and SIGHUP set a flag, once; a second one ends the process. SIGPIPE and SIGXFSZ are
 * ignored, so that a closed pipe, and a file larger than ulimit -f allows, are write errors. */
void cli_interrupt_watch(void);
/* Gives SIGPIPE and SIGXFSZ back what they had before: exec hands on what is ignored. */
void cli_interrupt_restore(void);
/* Where data go from now on; standard output until this is called. A signal ends what is written there: a write that
 * waits for a pipe's reader comes back, and later ones, also one that was about to begin, fail with EPIPE. To be given
 * STDOUT_FILENO again before fd is closed. */
void cli_interrupt_output(int fd);
/* The signal that came, or 0. */
int cli_interrupted(void);
/* For the library's progress options: 1 when a signal came. */
int cli_interrupt_progress(void *user, int64_t done, int64_t total);
/* The same for msio_waits_ask. */
int cli_interrupt_asked(void *user);
/* Ends the process by the signal that came, so that the shell sees it. */
void cli_interrupt_obey(void);

#endif
