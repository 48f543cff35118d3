/* verify_caches.c - the targets of `msio verify` that the caches answer: metadata, and the validation of flags. */
#include "cli/measure/verify.h"

#include "cli/common/human.h"
#include "cli/common/interrupt.h"
#include "cli/input/opening.h"
#include "cli/measure/roofline.h"
#include "cli/output/progress.h"
#include "msio/cache.h"

#include <stdio.h>
#include <string.h>

#define CLI_ASKED 200 /* times at least, for a cached answer */
#define CLI_TRIES 5   /* at least */

static cli_path *find(cli_paths *paths, const char *name) {
    for (int i = 0; i < paths->count; i++)
        if (paths->list[i].is_target && strcmp(paths->list[i].name, name) == 0) return &paths->list[i];
    return NULL;
}

/* Of several Measurement Sets the slowest one counts: takes its tries over. Returns 0 where another was slower. */
static int keep_worst(cli_path *path, const char *table, double seconds, double uncached, cli_tries *tries) {
    if (path->measured >= seconds) {
        cli_tries_free(tries);
        return 0;
    }
    cli_tries_free(&path->tries);
    path->tries = *tries;
    path->table = table;
    path->measured = seconds;
    path->uncached = uncached;
    return 1;
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
    cli_tries tries;
    double uncached = -1;
    int failed = 0;
    for (int i = 0; i < CLI_TRIES && !failed; i++) {
        msio_cache_clear(table);
        double seconds = ask_metadata(table, &failed);
        if (uncached < 0 || seconds < uncached) uncached = seconds;
    }
    cli_tries_begin(&tries);
    while (!failed && !cli_interrupted() && cli_tries_more(&tries, CLI_ASKED))
        cli_tries_add(&tries, ask_metadata(table, &failed));
    cli_tries_end(&tries);
    if (failed || !tries.count) {
        snprintf(path->reason, sizeof path->reason, "%s", msio_last_error()->message);
        cli_tries_free(&tries);
    } else if (keep_worst(path, table, tries.sum / tries.count, uncached, &tries)) {
        snprintf(path->reason, sizeof path->reason, "a cached answer, checked: mean of %d; read anew %s, best of %d",
                 tries.count, cli_duration(uncached).text, CLI_TRIES);
    }
}

static void time_flags(const cli_context *cli, const char *table, cli_path *path) {
    msio_flags_opts opts = MSIO_FLAGS_OPTS_INIT;
    cli_tries tries = CLI_TRIES_INIT;
    int64_t flagged = 0, total = 0;
    opts.threads = cli->threads;
    opts.open = cli_open_opts(cli);
    for (int i = 0; (i == 0 || cli_tries_more(&tries, CLI_TRIES)) && !cli_interrupted(); i++) {
        const msio_flags *flags;
        msio_cache_clear(table);
        double began = cli_now();
        if (msio_flags_count(table, 0, &opts, &flags) != MSIO_OK) {
            snprintf(path->reason, sizeof path->reason, "%s", msio_last_error()->message);
            cli_tries_free(&tries);
            return;
        }
        if (i)
            cli_tries_add(&tries, cli_now() - began);
        else
            cli_tries_begin(&tries);
        flagged = flags->flagged;
        total = flags->total;
        msio_flags_release(flags);
    }
    cli_tries_end(&tries);
    if (!tries.count || !keep_worst(path, table, tries.best, -1, &tries)) return;
    path->bytes = total / 8; /* as stored */
    snprintf(path->reason, sizeof path->reason, "every flag counted: best of %d, file in the page cache; %s of %s set",
             tries.count, cli_count(flagged).text, cli_count(total).text);
}

void cli_verify_caches(const cli_context *cli, const char *table, cli_paths *paths) {
    cli_path *metadata = find(paths, "metadata"), *flags = find(paths, "flag-validation");
    if (metadata) time_metadata(table, metadata);
    if (flags) time_flags(cli, table, flags);
}
