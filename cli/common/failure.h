/* failure.h - telling what went wrong: one line on standard error, and an object on standard output with --json. */
#ifndef MSIO_CLI_FAILURE_H
#define MSIO_CLI_FAILURE_H

#include "cli/command.h"

/* An error that is kept, to be told later. */
typedef struct cli_error {
    msio_status code; /* MSIO_OK: none */
    char message[1024];
    char path[1024];
} cli_error;

/* Keeps what this thread's last failed call left; path stands in where the record names none. */
void cli_error_keep(cli_error *error, const char *path);
/* Prints the error's line on standard error; its path is left out where the message names it. Returns the exit code. */
int cli_error_tell(const cli_context *cli, const cli_error *error);

/* Tells the last failed call's error, on standard output too with --json. Returns the exit code; says nothing about a
 * run that the user stopped. path as in cli_error_keep. */
int cli_fail_status(const cli_context *cli, const char *path);
/* The same for an error of the command's own. path may be NULL. */
__attribute__((format(printf, 4, 5))) int cli_fail(const cli_context *cli, msio_status code, const char *path,
                                                   const char *format, ...);
/* The same for a refused system call: errno's words end the message. */
__attribute__((format(printf, 3, 4))) int cli_fail_system(const cli_context *cli, const char *path, const char *format,
                                                          ...);
/* The same for output that could not be written, after the failing call; where: a path or "standard output". */
int cli_fail_write(const cli_context *cli, const char *where);
/* Wrong usage: the message, and where help is. Returns CLI_USAGE. */
__attribute__((format(printf, 2, 3))) int cli_usage(const cli_context *cli, const char *format, ...);

/* A message that is no error, on standard error; nothing with --quiet. */
__attribute__((format(printf, 2, 3))) void cli_note(const cli_context *cli, const char *format, ...);

/* Memory that is there, or the process ends with exit code 3. bytes may be 0. */
void *cli_alloc(size_t bytes);
/* The same for count things of size bytes each, with the product checked. */
void *cli_alloc_many(size_t count, size_t size);
/* The same, all bytes 0. */
void *cli_zeros(size_t count, size_t size);
/* The same for a list that grows, or NULL; what it held moves along. */
void *cli_resize(void *list, size_t count, size_t size);
/* A copy of the text. */
char *cli_copy(const char *text);

#endif
