/* setup.c - MSIO_PROF=report|json:FILE|auto[...]:FOLDER|metrics[...]:FILE|profile[...]:FOLDER|off: turning the profiler
 * on at load, and reporting at exit. */
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
#include "prof/automatic.h"
#include "prof/call.h"
#include "prof/control.h"
#include "prof/metrics.h"
#include "prof/shard.h"

#define KNOWN_MODES                                                                                                    \
    "report, json:FILE, auto[+keep=N][+slow=X]:FOLDER, metrics[+every=S][+service=NAME]:FILE, "                        \
    "profile[+calls][+trace][+lines=NAME,...]:FOLDER or off"

typedef enum setup_mode { MODE_OFF, MODE_REPORT, MODE_JSON, MODE_AUTO, MODE_METRICS, MODE_UNKNOWN } setup_mode;

/* What MSIO_PROF says. */
typedef struct setup {
    setup_mode mode;
    char *place; /* the file or folder, absolute; of the modes that have one */
    msio_automatic automatic;
    msio_metrics metrics;
} setup;

/* Under the profiler's lock. */
static setup now;

/* place: within text, or NULL. */
static void setup_parse(const char *text, setup *is, const char **place) {
    const char json[] = "json:";
    *place = NULL;
    is->mode = MODE_OFF;
    if (text == NULL || *text == 0 || strcmp(text, "off") == 0) return;
    if (strncmp(text, "profile", 7) == 0) { /* for libmsio_profile.so (prof/preload) */
        const char *folder = strchr(text, ':');
        is->mode = (text[7] == ':' || text[7] == '+') && folder && folder[1] ? MODE_OFF : MODE_UNKNOWN;
    } else if (strcmp(text, "report") == 0) {
        is->mode = MODE_REPORT;
    } else if (strncmp(text, json, strlen(json)) == 0 && text[strlen(json)]) {
        is->mode = MODE_JSON;
        *place = text + strlen(json);
    } else if ((*place = msio_automatic_parse(text, &is->automatic)) != NULL) {
        is->mode = MODE_AUTO;
    } else if ((*place = msio_metrics_parse(text, &is->metrics)) != NULL) {
        is->mode = MODE_METRICS;
    } else {
        is->mode = MODE_UNKNOWN;
    }
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

/* 0 without memory, and then nothing has changed but that no metrics are written any more. */
static int setup_apply(setup *is, const char *place) {
    is->place = NULL;
    if (place != NULL && (is->place = path_absolute(place)) == NULL) return 0;
    if (!msio_metrics_begin(is->mode == MODE_METRICS ? is->place : NULL, &is->metrics)) {
        free(is->place);
        return 0;
    }
    msio_control_lock();
    char *old = now.place;
    now = *is;
    msio_control_unlock();
    free(old);
    if (is->mode == MODE_OFF)
        msio_prof_stop();
    else
        msio_prof_start();
    return 1;
}

msio_status msio_prof_setup(const char *text) {
    setup is = {MODE_OFF, NULL, {0, 0}, {0, ""}};
    const char *place;
    setup_parse(text, &is, &place);
    if (is.mode == MODE_UNKNOWN)
        return msio_error_set(MSIO_E_ARGUMENT, NULL, "profiler mode '%s' is not known; use " KNOWN_MODES, text);
    if (!setup_apply(&is, place)) return msio_error_set(MSIO_E_MEMORY, NULL, "no memory for the name of the profile");
    return MSIO_OK;
}

void msio_setup_from_environment(void) {
#if defined(__GLIBC__)
    const char *text = secure_getenv("MSIO_PROF"); /* not in a set-user-id program: the mode names a file to write */
#else
    const char *text = getenv("MSIO_PROF");
#endif
    setup is = {MODE_OFF, NULL, {0, 0}, {0, ""}};
    const char *place;
    if (text == NULL) return;
    setup_parse(text, &is, &place);
    if (strncmp(text, "profile", 7) == 0 && is.mode == MODE_OFF) msio_calls_begin();
    if (is.mode == MODE_UNKNOWN)
        fprintf(stderr, "msio: MSIO_PROF=%s is not known and has no effect; use " KNOWN_MODES "\n", text);
    else if (!setup_apply(&is, place))
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

static msio_status report_at_exit(const setup *is) {
    switch (is->mode) {
    case MODE_JSON: return json_at_exit(is->place);
    case MODE_AUTO: return msio_automatic_write(is->place, &is->automatic);
    case MODE_METRICS: return msio_metrics_end();
    default: return msio_prof_print(stderr);
    }
}

void msio_setup_at_exit(void) {
    msio_control_lock();
    setup last = now;
    now.mode = MODE_OFF;
    now.place = NULL;
    msio_control_unlock();
    if (last.mode != MODE_OFF && !nothing_to_tell()) {
        msio_prof_stop();
        msio_status status = report_at_exit(&last);
        const msio_error *error = msio_last_error();
        if (status != MSIO_OK)
            fprintf(stderr, "msio: the profile could not be written: %s%s%s\n", error->message,
                    *error->path ? ": " : "", error->path);
    }
    free(last.place);
}

/* ---------------------------------------------------------------- with the library */

/* In a static library nothing but the linker's --undefined=msio_prof_setup brings this file along: see CMakeLists.txt.
 */
__attribute__((constructor)) static void library_loaded(void) {
    msio_shard_setup();
    msio_fork_tell(msio_control_in_child);
    msio_fork_tell(msio_metrics_in_child);
    msio_setup_from_environment();
}

__attribute__((destructor)) static void library_unloaded(void) {
    msio_setup_at_exit();
    msio_shard_teardown();
}
