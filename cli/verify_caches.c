/* verify_caches.c - the targets of `msio verify` that the caches answer: metadata, and the validation of flags. */
#include "cli/verify.h"

#include "cli/human.h"
#include "cli/interrupt.h"
#include "cli/opening.h"
#include "cli/progress.h"
#include "cli/roofline.h"
#include "msio/cache.h"

#include <stdio.h>
#include <string.h>

#define CLI_ASKED 200 /* times, for a cached answer */
#define CLI_TRIES 5

static cli_path *find(cli_paths *paths, const char *name) {
    for (int i = 0; i < paths->count; i++)
        if (paths->list[i].is_target && strcmp(paths->list[i].name, name) == 0) return &paths->list[i];
    return NULL;
}

/* Of several Measurement Sets the slowest one counts. */
static void keep_worst(cli_path *path, const char *table, double seconds, double uncached) {
    if (path->measured >= seconds) return;
    path->table = table;
    path->measured = seconds;
    path->uncached = uncached;
}

static double ask_metadata(const char *path, int *failed) {
    const msio_metadata *metadata;
    double began = cli_now();
    *failed = msio_metadata_get(path, MSIO_PER_CALL, &metadata) != MSIO_OK;
    double seconds = cli_now() - began;
    if (!*failed) msio_metadata_release(metadata);
    return seconds;
}

static void time_metadata(const char *table, cli_path *path) {
    double uncached = -1, sum = 0;
    int failed = 0, asked = 0;
    for (int i = 0; i < CLI_TRIES && !failed; i++) {
        msio_cache_clear(table);
        double seconds = ask_metadata(table, &failed);
        if (uncached < 0 || seconds < uncached) uncached = seconds;
    }
    for (; asked < CLI_ASKED && !failed && !cli_interrupted(); asked++) sum += ask_metadata(table, &failed);
    if (failed || !asked) {
        snprintf(path->reason, sizeof path->reason, "%s", msio_last_error()->message);
        return;
    }
    keep_worst(path, table, sum / asked, uncached);
    snprintf(path->reason, sizeof path->reason, "a cached answer, checked: mean of %d; read anew %s, best of %d", asked,
             cli_duration(path->uncached).text, CLI_TRIES);
}

static void time_flags(const cli_context *cli, const char *table, cli_path *path) {
    msio_flags_opts opts = MSIO_FLAGS_OPTS_INIT;
    double best = -1;
    opts.threads = cli->threads;
    opts.open = cli_open_opts(cli);
    for (int i = 0; i <= CLI_TRIES && !cli_interrupted(); i++) {
        const msio_flags *flags;
        msio_cache_clear(table);
        double began = cli_now();
        if (msio_flags_count(table, 0, &opts, &flags) != MSIO_OK) {
            snprintf(path->reason, sizeof path->reason, "%s", msio_last_error()->message);
            return;
        }
        double seconds = cli_now() - began;
        if (i && (best < 0 || seconds < best)) best = seconds;
        path->bytes = flags->total / 8; /* as stored */
        snprintf(path->reason, sizeof path->reason,
                 "every flag counted: best of %d, file in the page cache; %s of %s set", CLI_TRIES,
                 cli_count(flags->flagged).text, cli_count(flags->total).text);
        msio_flags_release(flags);
    }
    keep_worst(path, table, best, -1);
}

void cli_verify_caches(const cli_context *cli, const char *table, cli_paths *paths) {
    cli_path *metadata = find(paths, "metadata"), *flags = find(paths, "flag-validation");
    if (metadata) time_metadata(table, metadata);
    if (flags) time_flags(cli, table, flags);
}
