/* error.c - this thread's error record.
 *
 * The record is fixed thread-local memory, so that running out of memory can be reported too. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "core/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local msio_error_copy record;
static _Thread_local msio_error shown;

const msio_error *msio_last_error(void) {
    shown.code = record.code;
    shown.sys_errno = record.sys_errno;
    shown.path = record.path;
    shown.message = record.message;
    return &shown;
}

/* Copies at most size - 1 bytes; a text that was cut ends in dots. Bytes that a terminal would obey become '?': names
 * in messages come from files that nobody vouches for. from may overlap to. */
static void copy_text(char *to, size_t size, const char *from) {
    size_t length = strnlen(from, size);
    int cut = length == size;
    if (cut) length = size - 1;
    memmove(to, from, length);
    to[length] = '\0';
    if (cut) memset(to + length - 3, '.', 3);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)to[i] < 0x20 || to[i] == 0x7f) to[i] = '?';
}

/* Arguments may point into the record itself: it is written last. */
static msio_status set(msio_status code, int sys_errno, const char *path, const char *message) {
    copy_text(record.path, sizeof record.path, path ? path : "");
    copy_text(record.message, sizeof record.message, message);
    record.code = code;
    record.sys_errno = sys_errno;
    return code;
}

msio_status msio_error_set(msio_status code, const char *path, const char *format, ...) {
    char message[sizeof record.message + 1] = "";
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return set(code, 0, path, message);
}

/* The words of an errno value, in buffer or static. */
static const char *errno_words(int value, char *buffer, size_t size) {
#if defined(__GLIBC__) && defined(_GNU_SOURCE)
    return strerror_r(value, buffer, size);
#else
    if (strerror_r(value, buffer, size)) snprintf(buffer, size, "error %d", value);
    return buffer;
#endif
}

msio_status msio_error_system(msio_status code, const char *path, const char *format, ...) {
    int sys_errno = errno;
    char message[sizeof record.message] = "", words[128];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    const char *text = errno_words(sys_errno, words, sizeof words);
    size_t length = strlen(message), tail = strlen(text) + 2;
    if (length + tail >= sizeof message) {
        length = sizeof message - 1 - tail;
        memset(message + length - 3, '.', 3);
    }
    snprintf(message + length, sizeof message - length, ": %s", text);
    set(code, sys_errno, path, message);
    errno = sys_errno;
    return code;
}

void msio_error_save(msio_error_copy *copy) { *copy = record; }

msio_status msio_error_restore(const msio_error_copy *copy) {
    if (copy != &record) record = *copy;
    return record.code;
}
