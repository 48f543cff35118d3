/* failure.c - telling what went wrong. */
#include "cli/common/failure.h"

#include "cli/common/interrupt.h"
#include "cli/common/json.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static void set(cli_error *error, msio_status code, const char *path, const char *message) {
    error->code = code;
    snprintf(error->path, sizeof error->path, "%s", path ? path : "");
    snprintf(error->message, sizeof error->message, "%s", message);
    for (char *p = error->message; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f) *p = ' ';
}

void cli_error_keep(cli_error *error, const char *path) {
    const msio_error *last = msio_last_error();
    set(error, last->code, last->path[0] ? last->path : path, last->message);
}

int cli_error_tell(const cli_context *cli, const cli_error *error) {
    const char *space = cli->command[0] ? " " : "";
    fflush(stdout);
    if (error->path[0] && !strstr(error->message, error->path))
        fprintf(stderr, "msio%s%s: %s (%s)\n", space, cli->command, error->message, error->path);
    else
        fprintf(stderr, "msio%s%s: %s\n", space, cli->command, error->message);
    return error->code == MSIO_E_ARGUMENT ? CLI_USAGE : CLI_INPUT;
}

/* The line, and with --json the object. */
static int tell(const cli_context *cli, const cli_error *error) {
    if (cli_interrupted()) return CLI_INPUT;
    int code = cli_error_tell(cli, error);
    if (cli->json) {
        cli_json json = CLI_JSON_INIT(stdout);
        cli_json_object(&json);
        cli_json_put_error(&json, "error", error);
        cli_json_end(&json);
        cli_json_finish(&json);
        fflush(stdout);
    }
    return code;
}

int cli_fail_status(const cli_context *cli, const char *path) {
    cli_error error;
    cli_error_keep(&error, path);
    return tell(cli, &error);
}

int cli_fail(const cli_context *cli, msio_status code, const char *path, const char *format, ...) {
    cli_error error;
    char message[sizeof error.message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    set(&error, code, path, message);
    return tell(cli, &error);
}

int cli_fail_system(const cli_context *cli, const char *path, const char *format, ...) {
    int why = errno;
    cli_error error;
    char message[sizeof error.message / 2], whole[sizeof error.message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    snprintf(whole, sizeof whole, "%s: %s", message, strerror(why));
    set(&error, MSIO_E_IO, path, whole);
    return tell(cli, &error);
}

int cli_fail_write(const cli_context *cli, const char *where) {
    if (errno == EPIPE)
        return cli_fail(cli, MSIO_E_IO, where, "whoever reads the output stopped before all was written");
    struct rlimit limit;
    if (errno == EFBIG && getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
        errno = EFBIG;
        return cli_fail_system(cli, where, "this process may not write files of more than %llu bytes (ulimit -f)",
                               (unsigned long long)limit.rlim_cur);
    }
    return cli_fail_system(cli, where, "writing failed");
}

int cli_usage(const cli_context *cli, const char *format, ...) {
    cli_error error;
    char message[sizeof error.message / 2], whole[sizeof error.message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    snprintf(whole, sizeof whole, "%s; see msio %s%s--help", message, cli->command, cli->command[0] ? " " : "");
    set(&error, MSIO_E_ARGUMENT, NULL, whole);
    return tell(cli, &error);
}

void cli_note(const cli_context *cli, const char *format, ...) {
    if (cli->quiet) return;
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

static void *there(void *memory, size_t bytes) {
    if (!memory) {
        fprintf(stderr, "msio: no memory for %zu bytes\n", bytes);
        exit(CLI_INPUT);
    }
    return memory;
}

static size_t bytes_of(size_t count, size_t size) { return size && count > SIZE_MAX / size ? SIZE_MAX : count * size; }

void *cli_alloc(size_t bytes) { return there(malloc(bytes ? bytes : 1), bytes); }

void *cli_alloc_many(size_t count, size_t size) { return cli_alloc(bytes_of(count, size)); }

void *cli_zeros(size_t count, size_t size) {
    const size_t bytes = bytes_of(count, size);
    return there(calloc(bytes ? bytes : 1, 1), bytes);
}

void *cli_resize(void *list, size_t count, size_t size) {
    const size_t bytes = bytes_of(count, size);
    return there(realloc(list, bytes ? bytes : 1), bytes);
}

char *cli_copy(const char *text) {
    size_t bytes = strlen(text) + 1;
    return memcpy(cli_alloc(bytes), text, bytes);
}
