/* setup.c - MSIO_PROF=report|json:FILE|profile[+calls][+lines=NAME,...]:FOLDER|off: turning the profiler on at load,
 * and reporting at exit. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* secure_getenv */
#endif
#include "prof/setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "core/lock.h"
#include "prof/control.h"
#include "prof/shard.h"

#define KNOWN_MODES "report, json:FILE, profile[+calls][+trace][+lines=NAME,...]:FOLDER or off"

typedef enum setup_mode { MODE_OFF, MODE_REPORT, MODE_JSON, MODE_UNKNOWN } setup_mode;

/* Both under the profiler's lock. */
static setup_mode mode_now = MODE_OFF;
static char *file_now; /* absolute, of MODE_JSON */

static setup_mode mode_parse(const char *text, const char **file) {
    const char json[] = "json:";
    *file = NULL;
    if (text == NULL || *text == 0 || strcmp(text, "off") == 0) return MODE_OFF;
    if (strncmp(text, "profile", 7) == 0) { /* for libmsio_profile.so (prof/preload) */
        const char *folder = strchr(text, ':');
        return (text[7] == ':' || text[7] == '+') && folder && folder[1] ? MODE_OFF : MODE_UNKNOWN;
    }
    if (strcmp(text, "report") == 0) return MODE_REPORT;
    if (strncmp(text, json, strlen(json)) != 0 || text[strlen(json)] == 0) return MODE_UNKNOWN;
    *file = text + strlen(json);
    return MODE_JSON;
}

/* The program may change its folder before it exits. NULL without memory. */
static char *path_absolute(const char *path) {
    if (*path == '/') return strdup(path);
    char *folder = getcwd(NULL, 0);
    if (folder == NULL) return strdup(path);
    size_t size = strlen(folder) + strlen(path) + 2;
    char *absolute = malloc(size);
    if (absolute != NULL) snprintf(absolute, size, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, path);
    free(folder);
    return absolute;
}

/* 0 without memory, and then nothing has changed. */
static int mode_apply(setup_mode mode, const char *file) {
    char *absolute = NULL;
    if (mode == MODE_JSON && (absolute = path_absolute(file)) == NULL) return 0;
    msio_control_lock();
    free(file_now);
    file_now = absolute;
    mode_now = mode;
    msio_control_unlock();
    if (mode == MODE_OFF)
        msio_prof_stop();
    else
        msio_prof_start();
    return 1;
}

msio_status msio_prof_setup(const char *text) {
    const char *file = NULL;
    setup_mode mode = mode_parse(text, &file);
    if (mode == MODE_UNKNOWN)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "profiler mode '%s' is not known; use " KNOWN_MODES, text);
    if (!mode_apply(mode, file)) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for the name of the profile");
    return MSIO_OK;
}

void msio_setup_from_environment(void) {
#if defined(__GLIBC__)
    const char *text = secure_getenv("MSIO_PROF"); /* not in a set-user-id program: the mode names a file to write */
#else
    const char *text = getenv("MSIO_PROF");
#endif
    if (text == NULL) return;
    const char *file = NULL;
    setup_mode mode = mode_parse(text, &file);
    if (mode == MODE_UNKNOWN)
        fprintf(stderr, "msio: MSIO_PROF=%s is not known and has no effect; use " KNOWN_MODES "\n", text);
    else if (!mode_apply(mode, file))
        fprintf(stderr, "msio: no memory for MSIO_PROF=%s\n", text);
}

/* 1 when this is a child of fork that counted nothing: it has nothing to say beside its parent. */
static int nothing_to_tell(void) {
    if (!msio_control_forked()) return 0;
    msio_prof_process process = MSIO_PROF_PROCESS_INIT;
    return msio_prof_process_stats(&process) != MSIO_OK || (process.spans == 0 && process.dropped == 0);
}

static msio_status json_at_exit(const char *file) {
    if (!msio_control_forked()) return msio_prof_write_json(file);
    size_t size = strlen(file) + 32;
    char *own = malloc(size);
    if (own == NULL) return msio_error_set(MSIO_E_MEMORY, file, "no memory for the name of the profile");
    snprintf(own, size, "%s.%ld", file, (long)getpid());
    msio_status status = msio_prof_write_json(own);
    free(own);
    return status;
}

void msio_setup_at_exit(void) {
    msio_control_lock();
    setup_mode mode = mode_now;
    char *file = file_now;
    mode_now = MODE_OFF;
    file_now = NULL;
    msio_control_unlock();
    if (mode != MODE_OFF && !nothing_to_tell()) {
        msio_prof_stop();
        msio_status status = mode == MODE_JSON ? json_at_exit(file) : msio_prof_print(stderr);
        const msio_error *error = msio_last_error();
        if (status != MSIO_OK)
            fprintf(stderr, "msio: the profile could not be written: %s%s%s\n", error->message,
                    *error->path ? ": " : "", error->path);
    }
    free(file);
}

/* ---------------------------------------------------------------- with the library */

/* In a static library nothing but the linker's --undefined=msio_prof_setup brings this file along: see CMakeLists.txt.
 */
__attribute__((constructor)) static void library_loaded(void) {
    msio_shard_setup();
    msio_fork_tell(msio_control_in_child);
    msio_setup_from_environment();
}

__attribute__((destructor)) static void library_unloaded(void) {
    msio_setup_at_exit();
    msio_shard_teardown();
}
