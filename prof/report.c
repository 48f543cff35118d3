/* report.c - giving out the reports: as strings, to streams, to files. */
#include "prof/report.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/writing.h"
#include "msio/files.h"
#include "prof/control.h"

typedef void report_writer(FILE *out, const msio_totals *totals);

/* A report that needs nothing but the totals. */
static void write_plain(FILE *out, const msio_totals *totals, const void *user) {
    report_writer *const *writer = user;
    (*writer)(out, totals);
}

/* Writes with points in numbers, whatever the program's locale, and leaves that as it was. */
static void write_in_c_locale(msio_report_writer *writer, FILE *out, const msio_totals *totals, const void *user) {
    locale_t plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    locale_t old = plain == (locale_t)0 ? (locale_t)0 : uselocale(plain);
    writer(out, totals, user);
    if (plain == (locale_t)0) return;
    uselocale(old);
    freelocale(plain);
}

msio_status msio_report_make(msio_report_writer *writer, const msio_totals *totals, const void *user, char **text,
                             size_t *size) {
    char *made = NULL;
    int bad = 0;
    FILE *out = open_memstream(&made, size);
    if (out != NULL) {
        write_in_c_locale(writer, out, totals, user);
        bad = ferror(out);
        bad |= fclose(out) != 0;
    }
    if (out == NULL || bad || made == NULL) {
        free(made);
        return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for the profiler's report");
    }
    *text = made;
    return MSIO_OK;
}

/* The whole report in memory: then a stream or a file gets all of it or an error, and no lock is held meanwhile. */
static msio_status report_make(report_writer *writer, char **text, size_t *size) {
    msio_totals *totals = NULL;
    msio_status status = msio_control_snapshot(&totals);
    if (status == MSIO_OK) status = msio_report_make(write_plain, totals, &writer, text, size);
    free(totals);
    return status;
}

static msio_status report_string(report_writer *writer, char **text) {
    size_t size = 0;
    if (text == NULL) return msio_error_set(MSIO_E_ARGUMENT, NULL, "text is NULL: nowhere to put the report");
    return report_make(writer, text, &size);
}

msio_status msio_prof_report_text(char **text) { return report_string(msio_report_write_text, text); }

msio_status msio_prof_report_json(char **text) { return report_string(msio_report_write_json, text); }

void msio_prof_free(char *text) { free(text); }

msio_status msio_prof_print(FILE *stream) {
    char *text = NULL;
    size_t size = 0;
    if (stream == NULL) return msio_error_set(MSIO_E_ARGUMENT, NULL, "stream is NULL: nowhere to write the report");
    msio_status status = report_make(msio_report_write_text, &text, &size);
    if (status != MSIO_OK) return status;
    msio_writing writing;
    msio_writing_begin(&writing);
    if (fwrite(text, 1, size, stream) != size || fflush(stream) != 0)
        status = msio_error_system(MSIO_E_IO, NULL, "the profiler's report could not be written to its stream");
    msio_writing_end(&writing);
    free(text);
    return status;
}

/* ---------------------------------------------------------------- files */

/* Writes all bytes and closes. */
static msio_status file_fill(int file, const char *path, const char *text, size_t size) {
    msio_status status = msio_write_all(file, path, text, (int64_t)size);
    if (close(file) != 0 && status == MSIO_OK)
        status = msio_error_system(MSIO_E_IO, path, "the profile could not be written");
    return status;
}

/* Replaces the file at path in one step, so that a reader sees the old report or the new one. */
static msio_status file_replace(const char *path, const char *text, size_t size) {
    msio_making *making = NULL;
    msio_status status = msio_making_begin(path, &making);
    if (status != MSIO_OK) return status;
    int file = open(msio_making_place(making), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0)
        status = msio_error_system(MSIO_E_IO, path, "the profile's file could not be created");
    else
        status = file_fill(file, path, text, size);
    if (status == MSIO_OK) status = msio_making_finish(making, 1);
    msio_making_free(making);
    return status;
}

/* A pipe or a device cannot be replaced: it is written to. */
static msio_status file_write_into(const char *path, const char *text, size_t size) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return msio_error_system(MSIO_E_IO, path, "the profile could not be written there");
    return file_fill(file, path, text, size);
}

msio_status msio_prof_write_json(const char *path) {
    char *text = NULL;
    size_t size = 0;
    struct stat info;
    if (path == NULL || *path == 0) return msio_error_set(MSIO_E_ARGUMENT, NULL, "the profile's file has no name");
    msio_status status = report_make(msio_report_write_json, &text, &size);
    if (status != MSIO_OK) return status;
    /* Through a symbolic link, the file that it names is the one to replace. */
    char *real = realpath(path, NULL);
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode))
        status = file_write_into(path, text, size);
    else
        status = file_replace(real != NULL ? real : path, text, size);
    free(real);
    free(text);
    return status;
}
